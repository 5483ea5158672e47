//! Top-N and deduplication in windows: the rows of each window whose number in an order is from `from` to
//! `to`.
//!
//! The rows of a window are complete when the watermark passes its end. Until then the least rows are stored,
//! at most `to` per partition, so that the result is emitted once and never updated:
//!
//! ```text
//! [0, 10) a: 5, 3, 4        top 2 stored: 3, 4
//! watermark 9               +I 3  +I 4              windows that close earlier come first
//! [0, 10) a: 1              late: dropped and counted
//! ```
//!
//! A window is a part of the partition: its bounds are among the partition's fields.

#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;
use sql::functions::zone::WallClock;
use sql::plan::operator::{Input, SortKey, WindowRank};
use types::{Repr, Scalar};

use super::chain::{Context, Operator, OperatorError};
use super::changes::{ChangeBuffer, Changes, RowKind};
use super::fields;
use super::ordered::{Ordered, OrderedRow};
use crate::row::{self, Reader};
use crate::state::{Keyed, StateError, StatePart, StateValue, StateWriter, Timers};
use crate::watermark::NO_WATERMARK;

/// Tags of the maps in a snapshot.
mod tag {
    pub const WINDOWS: u8 = 0;
    pub const TIMERS: u8 = 1;
}

/// Ranks the rows of each window; see the module documentation.
pub struct WindowRankOperator {
    name: String,
    end: usize,
    /// Set if window ends are times of the session's wall clock and the watermark is an instant.
    clock: Option<WallClock>,
    partition: Vec<usize>,
    order: Vec<SortKey>,
    from: usize,
    to: usize,
    with_number: bool,
    /// Windows by the bytes of the partition's fields.
    windows: Keyed<Window>,
    /// When the windows close, on the scale of the watermark.
    timers: Timers,
    /// The watermark that consumers last received.
    watermark: i64,
    late: u64,
    out: ChangeBuffer,
    key: Vec<u8>,
    entry: Vec<u8>,
}

/// The least rows of a partition in a window.
#[derive(Debug, Default)]
struct Window {
    rows: Ordered,
    /// The next arrival number.
    next: u64,
}

impl WindowRankOperator {
    /// Builds the operator.
    ///
    /// # Errors
    /// The bounds of the window are not part of the partition.
    pub fn new(
        name: String,
        spec: &WindowRank,
        inputs: &[Input],
        time_zone: &TimeZone,
    ) -> Result<WindowRankOperator, String> {
        if ![spec.start, spec.end].iter().all(|bound| spec.partition.contains(bound)) {
            return Err(format!("`{name}` does not partition by the bounds of the window"));
        }
        let mut reprs = fields::reprs(&inputs[0].fields);
        reprs.extend(spec.with_number.then_some(Repr::Int));
        let is_shifted = spec.is_instant && *time_zone != TimeZone::UTC;

        Ok(WindowRankOperator {
            name,
            end: spec.end,
            clock: is_shifted.then(|| WallClock::new(time_zone.clone())),
            partition: spec.partition.clone(),
            order: spec.order.clone(),
            from: usize::try_from(spec.from).unwrap_or(usize::MAX),
            to: usize::try_from(spec.to).unwrap_or(usize::MAX),
            with_number: spec.with_number,
            windows: Keyed::new(None),
            timers: Timers::default(),
            watermark: NO_WATERMARK,
            late: 0,
            out: ChangeBuffer::new(&reprs),
            key: Vec::new(),
            entry: Vec::new(),
        })
    }

    fn take(&mut self, rows: &Changes<'_>, row: usize, now_ms: i64) {
        // A row without a window belongs to no open one.
        let Scalar::Int(end) = rows.get(self.end, row) else {
            self.late += 1;
            return;
        };
        let last_of_window = end.saturating_sub(1);
        let closes = self.clock.as_mut().map_or(last_of_window, |clock| clock.instant_ms(last_of_window));
        if closes <= rows.watermark(row) {
            self.late += 1;
            return;
        }
        if self.to == 0 {
            return;
        }

        let Self { windows, timers, key, entry, to, .. } = self;
        key.clear();
        row::write_all(rows.values(&self.partition, row), key);
        entry.clear();
        row::write_ordered(&self.order, |field| rows.get(field, row), entry);

        windows.update(key, now_ms, |slot| {
            let window = slot.get_or_insert_with(|| {
                timers.set(closes, key);
                Window::default()
            });
            // A row comes after equal ones.
            if window.rows.len() >= *to && window.rows.last().is_some_and(|last| last.key() <= &entry[..]) {
                return;
            }

            entry.extend_from_slice(&window.next.to_be_bytes());
            window.next += 1;
            let row_at = entry.len();
            row::write_all(rows.row(row), entry);
            window.rows.insert(OrderedRow::new(entry, row_at));
            if window.rows.len() > *to {
                window.rows.pop_last();
            }
        });
    }

    /// Emits the rows of the windows that a watermark closes. The watermark of a call is enough: a row that
    /// is on time belongs to an open window.
    fn fire(&mut self, watermark: i64, context: &mut Context<'_>) -> Result<(), OperatorError> {
        while let Some((_, key)) = self.timers.pop(watermark) {
            let Some(window) = self.windows.remove(&key, context.now_ms()) else { continue };
            for (at, entry) in window.rows.iter().enumerate().skip(self.from.saturating_sub(1)) {
                let number = self.with_number.then_some(Scalar::Int(at as i64 + 1));
                self.out.push(RowKind::Insert, self.watermark, Reader::new(entry.row()).chain(number));
                if self.out.is_full() {
                    self.emit(context)?;
                }
            }
        }
        self.watermark = self.watermark.max(watermark);
        self.emit(context)
    }

    fn emit(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.out.lend(|rows| context.emit(rows))?;
        self.out.clear();
        Ok(())
    }
}

impl Operator for WindowRankOperator {
    fn process(
        &mut self,
        _input: usize,
        rows: &Changes<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let now_ms = context.now_ms();
        for row in rows.places().filter(|&row| rows.kind(row).is_addition()) {
            self.take(rows, row, now_ms);
        }
        Ok(())
    }

    fn advance(&mut self, watermark: i64, context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.fire(watermark, context)
    }

    fn output_watermark(&self, watermark: i64) -> i64 {
        watermark
    }

    fn next_tick(&self) -> Option<i64> {
        None
    }

    fn tick(&mut self, _context: &mut Context<'_>) -> Result<(), OperatorError> {
        Ok(())
    }

    fn snapshot(&self, out: &mut StateWriter) {
        self.windows.write(tag::WINDOWS, out);
        self.timers.write(tag::TIMERS, out);
    }

    fn restore(&mut self, part: &StatePart) -> Result<(), StateError> {
        let mut reader = Reader::new(&part.bytes);
        while let Some(tag) = reader.tag() {
            match tag {
                tag::WINDOWS => self.windows.read(&mut reader, &self.name)?,
                tag::TIMERS => self.timers.read(&mut reader, &self.name)?,
                _ => return Err(StateError::unknown_tag(&self.name, tag)),
            }
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        self.windows.memory_bytes() + self.timers.memory_bytes() + self.out.memory_bytes()
    }

    fn take_late(&mut self) -> u64 {
        std::mem::take(&mut self.late)
    }
}

impl StateValue for Window {
    fn write(&self, out: &mut Vec<u8>) {
        (self.next as i64).write(out);
        self.rows.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Window> {
        Some(Window { next: i64::read(reader)? as u64, rows: Ordered::read(reader)? })
    }

    fn heap_bytes(&self) -> usize {
        self.rows.heap_bytes()
    }
}
