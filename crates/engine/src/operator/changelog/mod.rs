//! `FROM_CHANGELOG` and `TO_CHANGELOG`: convert between changes and inserted rows that carry the change as a
//! code.
//!
//! ```text
//! FROM_CHANGELOG                             TO_CHANGELOG
//! +I [INSERT, 1, a]   +I [INSERT, 1, a]      +I [1, a]   +I [1, a, INSERT]
//! +I [DELETE, 1, a]   -D [DELETE, 1, a]      -D [1, a]   +I [1, a, DELETE]
//! ```
//!
//! Both operators forward the columns that they are lent: the first changes the kinds of rows, the second
//! appends a column of codes. Neither keeps state: later operators find out whether a deleted row was ever
//! there, as in Flink.

#[cfg(test)]
mod tests;

use sql::plan::operator::{ChangeKind, FromChangelog, ToChangelog};
use types::Scalar;

use super::chain::{Context, OperatorError};
use super::changes::{Changes, Kinds, RowKind};
use super::stateless::Stateless;
use crate::column::View;
use crate::evaluate::Vector;
use crate::selection::Selection;

/// Turns rows with codes into changes; see the module documentation.
pub struct FromChangelogOperator {
    name: String,
    op: usize,
    codes: Vec<(String, RowKind)>,
    /// One kind per place in the columns.
    kinds: Vec<RowKind>,
}

impl FromChangelogOperator {
    pub fn new(name: String, spec: &FromChangelog) -> FromChangelogOperator {
        let codes = spec.codes.iter().map(|(code, kind)| (code.clone(), row_kind(*kind))).collect();
        FromChangelogOperator { name, op: spec.op, codes, kinds: Vec::new() }
    }

    fn kind(&self, code: Scalar<'_>) -> Result<RowKind, OperatorError> {
        let failed = |what| OperatorError::Rows { operator: self.name.clone(), what };
        let Scalar::Text(code) = code else {
            return Err(failed("a row has a null where the code of its change belongs".to_owned()));
        };

        // There are few codes, so a linear search is faster than a hash.
        let known = self.codes.iter().find(|(known, _)| known == code);
        known.map(|(_, kind)| *kind).ok_or_else(|| {
            let known: Vec<&str> = self.codes.iter().map(|(known, _)| known.as_str()).collect();
            failed(format!(
                "a row has the code `{code}`, and the codes of changes are {}; op_mapping says what others mean",
                known.join(", ")
            ))
        })
    }
}

impl Stateless for FromChangelogOperator {
    fn take(&mut self, rows: &Changes<'_>, context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.kinds.clear();
        self.kinds.resize(places(rows), RowKind::Insert);
        for row in rows.places() {
            self.kinds[row] = self.kind(rows.get(self.op, row))?;
        }
        context.emit(&Changes { kinds: Kinds::Each(&self.kinds), ..*rows })
    }

    fn memory_bytes(&self) -> usize {
        self.kinds.capacity()
    }
}

/// Turns changes into rows with codes; see the module documentation.
pub struct ToChangelogOperator {
    /// All codes, one behind another.
    data: Vec<u8>,
    /// Per kind, the position of its code in `data`. `None`: changes of this kind are left out.
    codes: [Option<View>; 4],
    /// One view per place in the columns.
    views: Vec<View>,
    selected: Vec<u32>,
}

impl ToChangelogOperator {
    pub fn new(spec: &ToChangelog) -> ToChangelogOperator {
        let (mut data, mut codes) = (Vec::new(), [None; 4]);
        for (kind, code) in &spec.codes {
            codes[row_kind(*kind) as usize] = Some(View { start: data.len() as u32, len: code.len() as u32 });
            data.extend_from_slice(code.as_bytes());
        }
        ToChangelogOperator { data, codes, views: Vec::new(), selected: Vec::new() }
    }
}

impl Stateless for ToChangelogOperator {
    fn take(&mut self, rows: &Changes<'_>, context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.views.clear();
        self.views.resize(places(rows), View::NULL);
        self.selected.clear();
        for row in rows.places() {
            if let Some(code) = self.codes[rows.kind(row) as usize] {
                self.views[row] = code;
                self.selected.push(row as u32);
            }
        }

        let mut columns: Vec<Vector<'_>> = rows.columns.to_vec();
        columns.push(Vector::Text { views: &self.views, data: &self.data });
        context.emit(&Changes {
            columns: &columns,
            rows: Selection::Selected(&self.selected),
            kinds: Kinds::All(RowKind::Insert),
            ..*rows
        })
    }

    fn memory_bytes(&self) -> usize {
        self.data.capacity()
            + self.views.capacity() * size_of::<View>()
            + self.selected.capacity() * size_of::<u32>()
    }
}

/// Returns the number of places in the columns that rows may have.
fn places(rows: &Changes<'_>) -> usize {
    match rows.rows {
        Selection::All(rows) => rows,
        Selection::Selected(rows) => rows.last().map_or(0, |&last| last as usize + 1),
    }
}

fn row_kind(kind: ChangeKind) -> RowKind {
    match kind {
        ChangeKind::Insert => RowKind::Insert,
        ChangeKind::UpdateBefore => RowKind::UpdateBefore,
        ChangeKind::UpdateAfter => RowKind::UpdateAfter,
        ChangeKind::Delete => RowKind::Delete,
    }
}
