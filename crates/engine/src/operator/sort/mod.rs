//! `ORDER BY time, …`: rows are emitted in order once the watermark has passed them.
//!
//! ```text
//! 7, 5, 6          stored
//! watermark 6      +I 5  +I 6
//! 6                not later than the last emitted row: dropped and counted
//! watermark 9      +I 7
//! ```
//!
//! A row that is behind the watermark but later than the last emitted row still has its place: it is emitted
//! when the watermark advances, as in Flink.
//!
//! By processing time, rows of one millisecond are sorted by the other fields, and emitted when the clock has
//! advanced.

#[cfg(test)]
mod tests;

use sql::plan::operator::{Input, Sort, SortKey, Time};
use types::Scalar;

use super::chain::{Context, Operator, OperatorError};
use super::changes::{ChangeBuffer, Changes, RowKind};
use super::fields;
use super::ordered::{Ordered, OrderedRow};
use crate::row::Reader;
use crate::state::{StateError, StatePart, StateValue, StateWriter, key_group};
use crate::watermark::NO_WATERMARK;

/// The tag of the only entry in a snapshot. One subtask takes all rows: they belong to the key without
/// fields.
const ROWS: u8 = 0;

/// Sorts rows by time; see the module documentation.
pub struct SortOperator {
    name: String,
    time: Time,
    /// The sort keys after the time.
    order: Vec<SortKey>,
    /// The waiting rows. Their sort keys begin with the time.
    rows: Ordered,
    /// The next arrival number.
    next: u64,
    /// The time of the last emitted row.
    given: i64,
    /// The watermark up to which rows were emitted.
    fired: i64,
    late: u64,
    out: ChangeBuffer,
    entry: Vec<u8>,
}

impl SortOperator {
    pub fn new(name: String, spec: &Sort, inputs: &[Input]) -> SortOperator {
        SortOperator {
            name,
            time: spec.time,
            order: spec.order.clone(),
            rows: Ordered::default(),
            next: 0,
            given: NO_WATERMARK,
            fired: NO_WATERMARK,
            late: 0,
            out: ChangeBuffer::new(&fields::reprs(&inputs[0].fields)),
            entry: Vec::new(),
        }
    }

    fn take(&mut self, rows: &Changes<'_>, row: usize, now_ms: i64) {
        let time = match self.time {
            Time::Processing => now_ms,
            Time::Event(field) => match rows.get(field, row) {
                Scalar::Int(time) if time > self.given => time,
                // A row without a time has no place in the order.
                _ => {
                    self.late += 1;
                    return;
                }
            },
        };

        let entry = OrderedRow::at_time(time, &self.order, (rows, row), self.next, &mut self.entry);
        self.next += 1;
        self.rows.insert(entry);
    }

    /// Returns the time of the next row.
    fn first_time(&self) -> Option<i64> {
        self.rows.first()?.time()
    }

    /// Emits the rows up to a time.
    fn give(&mut self, until: i64, context: &mut Context<'_>) -> Result<(), OperatorError> {
        while let Some(time) = self.first_time().filter(|&time| time <= until) {
            let Some(entry) = self.rows.pop_first() else { break };
            self.given = time;
            self.out.push(RowKind::Insert, self.fired, Reader::new(entry.row()));
            if self.out.is_full() {
                self.emit(context)?;
            }
        }
        Ok(())
    }

    /// Advances the watermark. A row behind it that arrives later waits for the next watermark.
    fn fire(&mut self, watermark: i64, context: &mut Context<'_>) -> Result<(), OperatorError> {
        if watermark <= self.fired {
            return Ok(());
        }
        match self.time {
            Time::Event(_) => self.give(watermark, context)?,
            Time::Processing if watermark == i64::MAX => self.give(i64::MAX, context)?,
            Time::Processing => {}
        }
        self.fired = watermark;
        Ok(())
    }

    fn emit(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.out.lend(|rows| context.emit(rows))?;
        self.out.clear();
        Ok(())
    }
}

impl Operator for SortOperator {
    fn process(
        &mut self,
        _input: usize,
        rows: &Changes<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        // Rows in order of arrival are in order already.
        if self.time == Time::Processing && self.order.is_empty() {
            return context.emit(rows);
        }

        let now_ms = context.now_ms();
        for row in rows.places().filter(|&row| rows.kind(row).is_addition()) {
            // The last emitted row decides whether this row is dropped, so all due rows must be emitted
            // first.
            self.fire(rows.watermark(row), context)?;
            self.take(rows, row, now_ms);
        }
        self.emit(context)
    }

    fn advance(&mut self, watermark: i64, context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.fire(watermark, context)?;
        self.emit(context)
    }

    fn output_watermark(&self, watermark: i64) -> i64 {
        watermark
    }

    fn next_tick(&self) -> Option<i64> {
        match self.time {
            Time::Event(_) => None,
            Time::Processing => self.first_time().map(|time| time.saturating_add(1)),
        }
    }

    fn tick(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        if self.time == Time::Processing {
            self.give(context.now_ms().saturating_sub(1), context)?;
        }
        self.emit(context)
    }

    fn snapshot(&self, out: &mut StateWriter) {
        if self.next == 0 {
            return;
        }
        let Some(part) = out.group(key_group(&[])) else { return };
        part.push(ROWS);
        for number in [self.next as i64, self.given, self.fired] {
            number.write(part);
        }
        self.rows.write(part);
    }

    fn restore(&mut self, part: &StatePart) -> Result<(), StateError> {
        let mut reader = Reader::new(&part.bytes);
        let mut read = || {
            if reader.tag()? != ROWS {
                return None;
            }
            let numbers = [i64::read(&mut reader)?, i64::read(&mut reader)?, i64::read(&mut reader)?];
            Some((numbers, Ordered::read(&mut reader)?))
        };
        let Some(([next, given, fired], rows)) = read() else {
            return Err(StateError::malformed(&self.name, "the set of rows to sort"));
        };

        self.next = next as u64;
        self.given = given;
        self.fired = fired;
        self.rows = rows;
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        self.rows.heap_bytes() + self.out.memory_bytes()
    }

    fn take_late(&mut self) -> u64 {
        std::mem::take(&mut self.late)
    }
}
