//! The output of a group aggregate: two rows per touched group, its result before and after the batch, of
//! which some are emitted.

use types::Repr;

use super::touched::TouchedGroup;
use crate::column::Column;
use crate::evaluate::Vector;
use crate::operator::accumulate::results_differ;
use crate::operator::chain::{Context, OperatorError};
use crate::operator::changes::{Changes, Kinds, RowKind};
use crate::operator::gather::Gathered;
use crate::selection::Selection;

/// The number of places at which a batch is handed on.
pub(super) const FULL_PLACES: usize = 4_096;
const FULL_BYTES: usize = 1 << 20;

/// The output rows; see the module documentation.
#[derive(Debug)]
pub(super) struct GroupAggregateOutput {
    emits_before: bool,
    /// One column per call, with two places per group.
    results: Vec<Column>,
    /// Per place: a row of the batch that belongs to the group and so has its key.
    rows: Vec<u32>,
    kinds: Vec<RowKind>,
    /// The places that are emitted.
    given: Vec<u32>,
    keys: Vec<Gathered>,
    watermarks: Vec<i64>,
}

impl GroupAggregateOutput {
    pub fn new(keys: usize, results: impl Iterator<Item = Repr>, emits_before: bool) -> GroupAggregateOutput {
        GroupAggregateOutput {
            emits_before,
            results: results.map(Column::new).collect(),
            rows: Vec::new(),
            kinds: Vec::new(),
            given: Vec::new(),
            keys: std::iter::repeat_with(Gathered::default).take(keys).collect(),
            watermarks: Vec::new(),
        }
    }

    /// Removes all groups.
    pub fn begin(&mut self) {
        self.results.iter_mut().for_each(|column| column.reset(0));
        self.rows.clear();
        self.kinds.clear();
        self.given.clear();
    }

    /// Returns the result columns, extended by room for `groups` groups, and the place of the first new
    /// group's result before the batch. The result after the batch has the next place.
    pub fn grow(&mut self, groups: usize) -> (usize, &mut [Column]) {
        let first = self.rows.len();
        self.results.iter_mut().for_each(|column| column.grow(first + 2 * groups));
        (first, &mut self.results)
    }

    #[cfg(test)]
    pub fn results(&self) -> &[Column] {
        &self.results
    }

    /// Returns whether the rows, with those of `groups` more groups, should be handed on before more come.
    pub fn is_full(&self, groups: usize) -> bool {
        self.rows.len() + 2 * groups >= FULL_PLACES
            || self.results.iter().any(|column| column.text_bytes() >= FULL_BYTES)
    }

    /// Adds a group whose results are in the columns. `gives_equal`: whether an update to an equal result is
    /// emitted.
    pub fn add(&mut self, touched: &TouchedGroup, has_rows: bool, gives_equal: bool) {
        let before = self.rows.len();
        let after = before + 1;
        self.rows.extend([touched.row as u32; 2]);

        let kinds = match (touched.had_rows, has_rows) {
            (false, false) => [RowKind::Insert; 2],
            (false, true) => {
                self.given.push(after as u32);
                [RowKind::Insert; 2]
            }
            (true, false) => {
                self.given.push(before as u32);
                [RowKind::Delete; 2]
            }
            (true, true) => {
                if gives_equal || results_differ(&self.results, before) {
                    self.given.extend(self.emits_before.then_some(before as u32));
                    self.given.push(after as u32);
                }
                [RowKind::UpdateBefore, RowKind::UpdateAfter]
            }
        };

        self.kinds.extend(kinds);
    }

    /// Emits the output. `rows` holds the rows of the groups.
    ///
    /// # Errors
    /// A consumer cannot take a row.
    pub fn emit(
        &mut self,
        rows: &Changes<'_>,
        key_fields: &[usize],
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let GroupAggregateOutput { results, rows: places, kinds, given, keys, watermarks, .. } = self;
        if given.is_empty() {
            return Ok(());
        }
        let watermarks = rows.watermarks.gather(places, watermarks);

        let keys = keys.iter_mut().zip(key_fields);
        let keys = keys.map(|(buffer, &field)| buffer.gather(rows.columns[field], places));
        let columns: Vec<Vector<'_>> = keys.chain(results.iter().map(Vector::of)).collect();
        context.emit(&Changes {
            columns: &columns,
            rows: Selection::Selected(given),
            kinds: Kinds::Each(kinds),
            watermarks,
        })
    }

    pub fn memory_bytes(&self) -> usize {
        let results: usize = self.results.iter().map(Column::memory_bytes).sum();
        let keys: usize = self.keys.iter().map(Gathered::memory_bytes).sum();
        results
            + keys
            + self.kinds.capacity()
            + (self.rows.capacity() + self.given.capacity()) * size_of::<u32>()
            + self.watermarks.capacity() * size_of::<i64>()
    }
}
