//! The rows that a group aggregate gives: for each step the group before it and after it, of which some are given.

use types::Repr;

use crate::aggregate::keys::Rows as Selection;
use crate::column::Column;
use crate::evaluate::Vector;
use crate::operator::accumulate::{Step, StepChange};
use crate::operator::chain::{Context, OperatorError};
use crate::operator::changes::{Changes, Kinds, RowKind, RowWatermarks};
use crate::operator::gather::Gathered;

/// Places of a batch that is handed on.
pub(super) const FULL_PLACES: usize = 4_096;
const FULL_BYTES: usize = 1 << 20;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Output {
    emits_before: bool,
    /// By call; two places a step.
    results: Vec<Column>,
    /// By place: the row that changed the group, which has its key.
    rows: Vec<u32>,
    kinds: Vec<RowKind>,
    /// The places that are given.
    given: Vec<u32>,
    keys: Vec<Gathered>,
    watermarks: Vec<i64>,
}

impl Output {
    pub fn new(keys: usize, results: impl Iterator<Item = Repr>, emits_before: bool) -> Output {
        Output {
            emits_before,
            results: results.map(Column::new).collect(),
            rows: Vec::new(),
            kinds: Vec::new(),
            given: Vec::new(),
            keys: std::iter::repeat_with(Gathered::default).take(keys).collect(),
            watermarks: Vec::new(),
        }
    }

    /// Makes room for so many steps, and forgets the ones before.
    pub fn begin(&mut self, steps: usize) {
        self.results.iter_mut().for_each(|column| column.reset(2 * steps));
        self.rows.clear();
        self.kinds.clear();
        self.given.clear();
    }

    /// The place of the next step's result before it, and the columns of the results.
    pub fn next(&mut self) -> (usize, &mut [Column]) {
        (self.rows.len(), &mut self.results)
    }

    #[cfg(test)]
    pub fn results(&self) -> &[Column] {
        &self.results
    }

    /// Whether its rows should be handed on before more come.
    pub fn is_full(&self) -> bool {
        self.rows.len() >= FULL_PLACES || self.results.iter().any(|column| column.text_bytes() >= FULL_BYTES)
    }

    /// Adds steps whose results stand in the columns. `is_given`: whether an update is given, by step.
    pub fn add(&mut self, steps: &[Step], is_given: impl Fn(usize) -> bool) {
        for (at, step) in steps.iter().enumerate() {
            let (before, after) = (self.rows.len() as u32, self.rows.len() as u32 + 1);
            self.rows.extend([step.row as u32; 2]);
            let kinds = match step.change {
                StepChange::First | StepChange::FirstAgain => {
                    self.given.push(after);
                    [RowKind::Insert; 2]
                }
                StepChange::Last => {
                    self.given.push(before);
                    [RowKind::Delete; 2]
                }
                StepChange::Add | StepChange::Retract => {
                    if is_given(at) {
                        self.given.extend(self.emits_before.then_some(before));
                        self.given.push(after);
                    }
                    [RowKind::UpdateBefore, RowKind::UpdateAfter]
                }
            };
            self.kinds.extend(kinds);
        }
    }

    /// Hands on what there is. The rows are those of the steps.
    ///
    /// # Errors
    /// A consumer could not take a row.
    pub fn emit(
        &mut self,
        rows: &Changes<'_>,
        key_fields: &[usize],
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let Output { results, rows: places, kinds, given, keys, watermarks, .. } = self;
        if given.is_empty() {
            return Ok(());
        }
        let watermarks = match rows.watermarks {
            RowWatermarks::All(watermark) => RowWatermarks::All(watermark),
            RowWatermarks::Each(each) => {
                watermarks.clear();
                watermarks.extend(places.iter().map(|&row| each[row as usize]));
                RowWatermarks::Each(watermarks)
            }
        };

        let keys = keys.iter_mut().zip(key_fields);
        let keys = keys.map(|(room, &field)| room.gather(rows.columns[field], places));
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
