//! `OVER`: emits each row with the results of calls over the rows before it in its partition.
//!
//! ```text
//! SUM(v) OVER (PARTITION BY k ORDER BY t RANGE BETWEEN 10 PRECEDING AND CURRENT ROW)
//! rows [a, t 0, v 1] [a, t 8, v 2] [a, t 11, v 4]  ──►  sums 1, 3, 6
//! ```
//!
//! Ordered by time, an emitted row is final (`timed`); ordered by another column, its results may be updated
//! (`sorted`).

mod calls;
mod frame;
mod sorted;
#[cfg(test)]
mod tests;
mod timed;
mod waiting;

use sql::plan::operator::{Frame, Input, Over, OverOrder, Time};
use types::Interval;

use self::calls::OverCalls;
use self::sorted::SortedOver;
use self::timed::TimedOver;
use super::accumulate::Retraction;
use super::chain::{Context, Operator, OperatorError};
use super::changes::{ChangeBuffer, Changes};
use super::fields;
use crate::row::Reader;
use crate::state::{StateError, StatePart, StateWriter};

/// Computes calls over frames; see the module documentation.
pub struct OverOperator {
    calls: OverCalls,
    order: Order,
    out: ChangeBuffer,
}

enum Order {
    Timed(Box<TimedOver>),
    Sorted(Box<SortedOver>),
}

impl OverOperator {
    /// Builds the operator.
    ///
    /// # Errors
    /// A call cannot be computed, the order is a time and the input has retractions, or the order is not a
    /// time and the frame is bounded.
    pub fn new(
        name: String,
        spec: &Over,
        inputs: &[Input],
        ttl: Option<Interval>,
    ) -> Result<OverOperator, String> {
        let input = &inputs[0];
        // Rows leave a bounded frame.
        let retraction = match spec.frame {
            Frame::UnboundedRange | Frame::UnboundedRows => Retraction::Never,
            Frame::Range(_) | Frame::Rows(_) => Retraction::Possible,
        };
        let calls = OverCalls::new(&spec.calls, retraction)?;

        let timed = |time| {
            if !input.changes.is_append() {
                return Err(format!("`{name}` cannot take rows back"));
            }
            Ok(Order::Timed(Box::new(TimedOver::new(name.clone(), spec, time, ttl))))
        };

        let order = match spec.order {
            OverOrder::Event(field) => timed(Time::Event(field))?,
            OverOrder::Processing => timed(Time::Processing)?,
            OverOrder::Field(order) => {
                Order::Sorted(Box::new(SortedOver::new(name.clone(), spec, order, ttl)?))
            }
        };

        let mut reprs = fields::reprs(&input.fields);
        reprs.extend(calls.reprs());
        Ok(OverOperator { calls, order, out: ChangeBuffer::new(&reprs) })
    }

    fn emit(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.out.lend(|rows| context.emit(rows))?;
        self.out.clear();
        Ok(())
    }
}

impl Operator for OverOperator {
    fn process(
        &mut self,
        _input: usize,
        rows: &Changes<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let Self { calls, order, out } = self;
        match order {
            Order::Timed(over) => over.process(rows, calls, out, context)?,
            Order::Sorted(over) => over.process(rows, calls, out, context)?,
        }
        self.emit(context)
    }

    fn advance(&mut self, watermark: i64, context: &mut Context<'_>) -> Result<(), OperatorError> {
        let Self { calls, order, out } = self;
        match order {
            Order::Timed(over) => over.advance(watermark, calls, out, context)?,
            Order::Sorted(_) => {}
        }
        self.emit(context)
    }

    fn output_watermark(&self, watermark: i64) -> i64 {
        watermark
    }

    fn next_tick(&self) -> Option<i64> {
        match &self.order {
            Order::Timed(over) => over.next_tick(),
            Order::Sorted(over) => over.next_tick(),
        }
    }

    fn tick(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        let Self { calls, order, out } = self;
        match order {
            Order::Timed(over) => over.tick(calls, out, context)?,
            Order::Sorted(over) => over.tick(context.now_ms()),
        }
        self.emit(context)
    }

    fn snapshot(&self, out: &mut StateWriter) {
        match &self.order {
            Order::Timed(over) => over.snapshot(out),
            Order::Sorted(over) => over.snapshot(out),
        }
    }

    fn restore(&mut self, part: &StatePart) -> Result<(), StateError> {
        let mut reader = Reader::new(&part.bytes);
        while let Some(tag) = reader.tag() {
            match &mut self.order {
                Order::Timed(over) => over.restore(tag, &mut reader)?,
                Order::Sorted(over) => over.restore(tag, &mut reader)?,
            }
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        let state = match &self.order {
            Order::Timed(over) => over.memory_bytes(),
            Order::Sorted(over) => over.memory_bytes(),
        };
        state + self.out.memory_bytes()
    }

    fn take_late(&mut self) -> u64 {
        match &mut self.order {
            Order::Timed(over) => over.take_late(),
            Order::Sorted(_) => 0,
        }
    }
}
