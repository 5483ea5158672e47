//! `LIMIT` without an order: emits the first rows to arrive, then nothing. It runs in one subtask and over
//! inserts only; where rows may be retracted, the plan has a Top-N instead.
//!
//! The state is the number of counted rows, up to the last wanted one. With a time to live the count restarts
//! when no row was counted for that long, as in Flink.

use sql::plan::operator::{Input, Limit};
use types::Interval;

use super::chain::{Context, OperatorError};
use super::changes::Changes;
use super::row_driven::RowDriven;
use crate::row::Reader;
use crate::selection::Selection;
use crate::state::{Keyed, StateError, StatePart, StateWriter};

/// The tag of the only map in a snapshot.
const COUNT: u8 = 0;
/// All rows share one count.
const KEY: &[u8] = &[];

/// Emits the first rows to arrive; see the module documentation.
pub struct LimitOperator {
    name: String,
    offset: i64,
    /// The number of the last emitted row, counted from 1.
    end: i64,
    counts: Keyed<i64>,
    selected: Vec<u32>,
}

impl LimitOperator {
    /// Builds the operator.
    ///
    /// # Errors
    /// The input may have retractions.
    pub fn new(
        name: String,
        spec: &Limit,
        inputs: &[Input],
        ttl: Option<Interval>,
    ) -> Result<LimitOperator, String> {
        if !inputs[0].changes.is_append() {
            return Err(format!("`{name}` cannot take rows back"));
        }
        let count = |rows: u64| i64::try_from(rows).unwrap_or(i64::MAX);
        let (offset, rows) = (count(spec.offset), count(spec.rows));
        let end = offset.saturating_add(rows);
        Ok(LimitOperator { name, offset, end, counts: Keyed::new(ttl), selected: Vec::new() })
    }
}

impl RowDriven for LimitOperator {
    fn take(&mut self, rows: &Changes<'_>, context: &mut Context<'_>) -> Result<(), OperatorError> {
        let now_ms = context.now_ms();
        let mut counted = self.counts.get(KEY, now_ms).copied().unwrap_or(0);
        if counted >= self.end {
            return Ok(());
        }

        self.selected.clear();
        for row in rows.places() {
            if counted >= self.end {
                break;
            }
            counted += 1;
            if counted > self.offset {
                self.selected.push(row as u32);
            }
        }

        self.counts.update(KEY, now_ms, |count| *count = Some(counted));
        context.emit(&Changes { rows: Selection::Selected(&self.selected), ..*rows })
    }

    fn snapshot(&self, out: &mut StateWriter) {
        self.counts.write(COUNT, out);
    }

    fn restore(&mut self, part: &StatePart) -> Result<(), StateError> {
        let mut reader = Reader::new(&part.bytes);
        while let Some(tag) = reader.tag() {
            if tag != COUNT {
                return Err(StateError::unknown_tag(&self.name, tag));
            }
            self.counts.read(&mut reader, &self.name)?;
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        self.counts.memory_bytes() + self.selected.capacity() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use sql::plan::operator::{Changes as Mode, Distribution, Field};
    use types::{DataType, Repr, Value};

    use super::*;
    use crate::operator::chain::Operator;
    use crate::operator::harness::{Harness, insert, row};

    fn inputs(changes: Mode) -> Vec<Input> {
        let fields = vec![Field { name: "n".into(), column_type: DataType::BigInt.nullable() }];
        vec![Input { fields, distribution: Distribution::Single, changes }]
    }

    #[test]
    fn the_first_rows_are_given_and_then_nothing() {
        let events: Vec<_> = (1..=9).map(|number| insert(0, [Value::Int(number)])).collect();
        for (offset, rows, expected) in [(0, 3, 1..4), (2, 3, 3..6), (7, 9, 8..10), (0, 0, 1..1)] {
            let spec = Limit { offset, rows };
            let inputs = inputs(Mode::Append);
            let build = || {
                Box::new(LimitOperator::new("limit".into(), &spec, &inputs, None).unwrap())
                    as Box<dyn Operator>
            };
            let expected: Vec<_> = expected.map(|number| row("+I", [Value::Int(number)])).collect();
            Harness::new(&build, vec![vec![Repr::Int]]).gives(&events, &expected);
        }
    }

    #[test]
    fn rows_that_may_be_taken_back_are_refused() {
        let spec = Limit { offset: 0, rows: 1 };
        assert!(LimitOperator::new("limit".into(), &spec, &inputs(Mode::Retract), None).is_err());
    }
}
