//! `UNION ALL`: forwards the rows of all inputs as they come.
//!
//! The output watermark is that of the slowest input. A row of a faster input carries the watermark of its
//! own input, by which later operators could judge it late. So the union gives it the common watermark
//! instead.
//!
//! ```text
//! input 0 at 12:00      row of 11:30 ──►  late by its input, in time by the union (11:00)
//! input 1 at 11:00
//! ```

use super::chain::{Context, OperatorError};
use super::changes::{Changes, RowWatermarks};
use super::stateless::Stateless;

/// Forwards the rows of all inputs; see the module documentation.
pub struct UnionOperator {
    /// Whether rows keep their watermarks, because there is only one input.
    keeps_time: bool,
}

impl UnionOperator {
    pub fn new(inputs: usize) -> UnionOperator {
        UnionOperator { keeps_time: inputs == 1 }
    }
}

impl Stateless for UnionOperator {
    fn take(&mut self, rows: &Changes<'_>, context: &mut Context<'_>) -> Result<(), OperatorError> {
        if self.keeps_time {
            return context.emit(rows);
        }
        context.emit(&Changes { watermarks: RowWatermarks::All(context.watermark()), ..*rows })
    }

    fn memory_bytes(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use sql::functions::Env;
    use types::{Repr, Scalar, Value};

    use super::*;
    use crate::operator::chain::{Chain, ChainTarget, Link, Outlet, StreamTime};
    use crate::operator::changes::{ChangeBuffer, RowKind};
    use crate::operator::harness::{Harness, change, insert, row};

    #[test]
    fn rows_of_all_inputs_are_given_with_their_kinds() {
        let build = || Box::new(UnionOperator::new(2)) as Box<_>;
        let int = |value| [Value::Int(value)];
        let events = [insert(0, int(1)), insert(1, int(1)), change(1, "-D", int(1))];
        let expected = [row("+I", int(1)), row("+I", int(1)), row("-D", int(1))];
        Harness::new(&build, vec![vec![Repr::Int]; 2]).gives(&events, &expected);
    }

    /// An outlet that records the watermark of each row.
    struct Times(Arc<Mutex<Vec<i64>>>);

    impl Outlet for Times {
        fn write(&mut self, rows: &Changes<'_>, _env: &Env) -> Result<(), OperatorError> {
            self.0.lock().unwrap().extend(rows.places().map(|row| rows.watermark(row)));
            Ok(())
        }

        fn advance(&mut self, _time: StreamTime) -> Result<(), OperatorError> {
            Ok(())
        }

        fn flush(&mut self) -> Result<(), OperatorError> {
            Ok(())
        }
    }

    #[test]
    fn a_row_carries_the_time_of_the_slowest_input() {
        for (inputs, expected) in [(1, 12), (2, 11)] {
            let times = Arc::new(Mutex::new(Vec::new()));
            let operator = Box::new(UnionOperator::new(inputs));
            let targets = vec![ChainTarget::Outlet(0)];
            let link = Link {
                identity: String::new(),
                kind: String::new(),
                operator,
                producers: vec![vec![1]; inputs],
                targets,
            };

            let mut chain = Chain::new(vec![link], vec![Box::new(Times(times.clone()))]);
            let target = |input| ChainTarget::Operator { place: 0, input, producer: 0 };
            for (input, watermark) in [(0, 12), (1, 11)].into_iter().take(inputs) {
                chain.advance(target(input), StreamTime { watermark, is_idle: false }).unwrap();
            }

            let mut rows = ChangeBuffer::new(&[Repr::Int]);
            rows.push(RowKind::Insert, 12, [Scalar::Int(1)]);
            rows.lend(|rows| chain.push(target(0), rows)).unwrap();
            assert_eq!(*times.lock().unwrap(), [expected]);
        }
    }
}
