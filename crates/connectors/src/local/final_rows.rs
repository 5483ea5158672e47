//! The final rows of updating queries in a local run.
//!
//! A table with a key holds one row for each key: an addition sets it, and a `-U` or `-D` removes it. A table
//! without a key is a multiset: an addition adds an equal row, and a removal removes one.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::Write;

use engine::operator::changes::RowKind;

/// Rows by table and key, or by table and value.
#[derive(Default)]
pub(super) struct FinalRows {
    rows: BTreeMap<Vec<u8>, Row>,
}

struct Row {
    line: Vec<u8>,
    /// Number of equal rows; 1 for a table with a key.
    count: i64,
}

impl FinalRows {
    /// Applies a change. `place` is the table, followed by the key or the value.
    pub(super) fn apply(&mut self, kind: RowKind, place: Vec<u8>, has_key: bool, line: &[u8]) {
        if has_key {
            if kind.is_addition() {
                self.rows.insert(place, Row { line: line.to_vec(), count: 1 });
            } else {
                self.rows.remove(&place);
            }
            return;
        }

        let by = if kind.is_addition() { 1 } else { -1 };
        match self.rows.entry(place) {
            Entry::Vacant(vacant) => {
                vacant.insert(Row { line: line.to_vec(), count: by });
            }
            Entry::Occupied(mut occupied) => {
                occupied.get_mut().count += by;
                if occupied.get().count == 0 {
                    occupied.remove();
                }
            }
        }
    }

    /// Writes the rows by table and key; returns their number.
    pub(super) fn write(self, out: &mut dyn Write) -> std::io::Result<u64> {
        let mut written = 0;
        for row in self.rows.into_values() {
            for _ in 0..row.count.max(0) {
                out.write_all(&row.line)?;
                written += 1;
            }
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(changes: &[(RowKind, &str, &str)], has_key: bool) -> String {
        let mut final_rows = FinalRows::default();
        for (kind, place, line) in changes {
            final_rows.apply(*kind, place.as_bytes().to_vec(), has_key, line.as_bytes());
        }
        let mut out = Vec::new();
        final_rows.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_key_holds_the_last_row_put_there() {
        use RowKind::{Delete, Insert, UpdateAfter, UpdateBefore};
        let changes = [
            (Insert, "a", "1 "),
            (UpdateBefore, "a", "1 "),
            (UpdateAfter, "a", "2 "),
            (Insert, "b", "3 "),
            (Delete, "b", "3 "),
        ];
        assert_eq!(written(&changes, true), "2 ");
    }

    #[test]
    fn without_a_key_equal_rows_are_counted() {
        use RowKind::{Delete, Insert};
        let changes = [(Insert, "x", "x "), (Insert, "x", "x "), (Insert, "y", "y "), (Delete, "y", "y ")];
        assert_eq!(written(&changes, false), "x x ");
    }
}
