//! Normalizes the source of a table with a key: turns upserts and tombstones into changes with the whole row.
//!
//! The last row of each key is stored without its key fields, which every row of the key has:
//!
//! ```text
//! +U [a, 1]        nothing stored     ──►  +I [a, 1]
//! +U [a, 1]        [1] stored         ──►  nothing
//! +U [a, 2]        [1] stored         ──►  -U [a, 1]  +U [a, 2]
//! -D [a, null]     [2] stored         ──►  -D [a, 2]
//! ```
//!
//! With a time to live an equal row is emitted again, so that the state of later operators stays alive too.
//!
//! Windows whose results are corrected by late rows are such upserts too. Their keys are dropped once the
//! watermark has passed the end of their window by the allowed lateness.

use jiff::tz::TimeZone;
use sql::plan::operator::{Input, Normalize};
use types::{Interval, Scalar};

use super::chain::{Context, Operator, OperatorError};
use super::changes::{ChangeBuffer, Changes, RowKind};
use super::expiry::Expiry;
use super::fields;
use super::windows::WindowClock;
use crate::row::{self, Reader};
use crate::state::{Keyed, StateError, StatePart, StateWriter, Timers};

/// Tags of the maps in a snapshot.
mod tag {
    pub const LAST: u8 = 0;
    pub const TIMERS: u8 = 1;
}

/// Turns upserts into changes; see the module documentation.
pub struct NormalizeOperator {
    name: String,
    key: Vec<usize>,
    /// The other fields.
    rest: Vec<usize>,
    last: Keyed<Box<[u8]>>,
    expiry: Expiry,
    closing: Option<Closing>,
    out: ChangeBuffer,
    key_bytes: Vec<u8>,
    /// The row before the change, and the row of the change.
    before: Vec<u8>,
    after: Vec<u8>,
}

/// When keys are dropped by event time.
struct Closing {
    end: usize,
    after_ms: i64,
    clock: WindowClock,
    timers: Timers,
}

impl NormalizeOperator {
    pub fn new(
        name: String,
        spec: &Normalize,
        inputs: &[Input],
        ttl: Option<Interval>,
        time_zone: &TimeZone,
    ) -> NormalizeOperator {
        let closing = spec.closes.map(|closes| Closing {
            end: closes.end,
            after_ms: closes.after.0,
            clock: WindowClock::new(closes.is_instant, time_zone),
            timers: Timers::default(),
        });

        let fields = &inputs[0].fields;
        NormalizeOperator {
            name,
            key: spec.key.clone(),
            rest: (0..fields.len()).filter(|field| !spec.key.contains(field)).collect(),
            last: Keyed::new(ttl),
            expiry: Expiry::new(ttl),
            closing,
            out: ChangeBuffer::new(&fields::reprs(fields)),
            key_bytes: Vec::new(),
            before: Vec::new(),
            after: Vec::new(),
        }
    }

    /// Drops the keys of windows that are final at a watermark.
    fn forget(&mut self, watermark: i64, now_ms: i64) {
        let Some(closing) = &mut self.closing else { return };
        while let Some((_, key)) = closing.timers.pop(watermark) {
            self.last.remove(&key, now_ms);
        }
    }

    fn take(&mut self, rows: &Changes<'_>, row: usize, now_ms: i64) {
        // Rows of one batch may be on both sides of a watermark.
        self.forget(rows.watermark(row), now_ms);

        let Self { key_bytes, before, after, closing, .. } = self;
        key_bytes.clear();
        row::write_all(rows.values(&self.key, row), key_bytes);
        if let Some(closing) = closing
            && let Scalar::Int(end) = rows.get(closing.end, row)
        {
            let closes = closing.clock.closes_at(end).saturating_add(closing.after_ms);
            closing.timers.set(closes, key_bytes);
        }
        let is_addition = rows.kind(row).is_addition();
        if is_addition {
            after.clear();
            row::write_all(rows.values(&self.rest, row), after);
        }

        let had_row = self.last.update(key_bytes, now_ms, |last| {
            let had_row = last.is_some();
            before.clear();
            before.extend_from_slice(last.as_deref().unwrap_or_default());
            match last {
                None if !is_addition => {}
                _ if !is_addition => *last = None,
                // A row of the same length is overwritten in place.
                Some(there) if there.len() == after.len() => there.copy_from_slice(after),
                _ => *last = Some(after.as_slice().into()),
            }
            had_row
        });

        match (had_row, is_addition) {
            (false, false) => {}
            (false, true) => self.push(RowKind::Insert, rows, row),
            // A `-U` is handled like a deletion: perhaps no `+U` follows.
            (true, false) => self.push(RowKind::Delete, rows, row),
            (true, true) => {
                if self.before != self.after || self.expiry.is_on() {
                    self.push(RowKind::UpdateBefore, rows, row);
                    self.push(RowKind::UpdateAfter, rows, row);
                }
            }
        }
    }

    fn push(&mut self, kind: RowKind, rows: &Changes<'_>, row: usize) {
        let bytes = if kind.is_addition() { &self.after } else { &self.before };
        let mut rest = Reader::new(bytes);
        let fields = 0..self.key.len() + self.rest.len();
        let values = fields.map(|field| {
            if self.key.contains(&field) {
                return rows.get(field, row);
            }
            rest.next().unwrap_or(Scalar::Null)
        });
        self.out.push(kind, rows.watermark(row), values);
    }

    fn emit(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.out.lend(|rows| context.emit(rows))?;
        self.out.clear();
        Ok(())
    }
}

impl Operator for NormalizeOperator {
    fn process(
        &mut self,
        _input: usize,
        rows: &Changes<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let now_ms = context.now_ms();
        self.expiry.start(now_ms);
        for row in rows.places() {
            self.take(rows, row, now_ms);
            if self.out.is_full() {
                self.emit(context)?;
            }
        }
        self.emit(context)
    }

    fn advance(&mut self, watermark: i64, context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.forget(watermark, context.now_ms());
        Ok(())
    }

    fn output_watermark(&self, watermark: i64) -> i64 {
        watermark
    }

    fn next_tick(&self) -> Option<i64> {
        self.expiry.next_tick()
    }

    fn tick(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        if self.expiry.take_due(context.now_ms()) {
            self.last.expire(context.now_ms());
        }
        Ok(())
    }

    fn snapshot(&self, out: &mut StateWriter) {
        self.last.write(tag::LAST, out);
        if let Some(closing) = &self.closing {
            closing.timers.write(tag::TIMERS, out);
        }
    }

    fn restore(&mut self, part: &StatePart) -> Result<(), StateError> {
        let mut reader = Reader::new(&part.bytes);
        while let Some(tag) = reader.tag() {
            match (tag, &mut self.closing) {
                (tag::LAST, _) => self.last.read(&mut reader, &self.name)?,
                (tag::TIMERS, Some(closing)) => closing.timers.read(&mut reader, &self.name)?,
                (tag, _) => return Err(StateError::unknown_tag(&self.name, tag)),
            }
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        let timers = self.closing.as_ref().map_or(0, |closing| closing.timers.memory_bytes());
        self.last.memory_bytes() + timers + self.out.memory_bytes()
    }

    fn take_late(&mut self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use sql::plan::operator::{Changes as Mode, Closes, Distribution, Field};
    use types::{DataType, Repr, Value};

    use super::*;
    use crate::operator::harness::{Event, Harness, Row, change, row, watermark};

    fn with<T>(ttl: Option<Interval>, run: impl FnOnce(&Harness<'_>) -> T) -> T {
        let field =
            |name: &str, data_type: DataType| Field { name: name.into(), column_type: data_type.nullable() };
        let fields = vec![field("v", DataType::STRING), field("k", DataType::BigInt)];
        let changes = Mode::Upsert(vec![1]);
        let inputs = vec![Input { fields, distribution: Distribution::Hash(vec![1]), changes }];
        let spec = Normalize { key: vec![1], closes: None };
        let build = || {
            Box::new(NormalizeOperator::new("normalize".into(), &spec, &inputs, ttl, &TimeZone::UTC))
                as Box<dyn Operator>
        };
        run(&Harness::new(&build, vec![vec![Repr::Text, Repr::Int]]).keyed(vec![vec![1]]))
    }

    fn values(value: &str, key: i64) -> [Value; 2] {
        let value = if value.is_empty() { Value::Null } else { Value::Text(value.into()) };
        [value, Value::Int(key)]
    }

    fn event(code: &str, value: &str, key: i64) -> Event {
        change(0, code, values(value, key))
    }

    fn given(code: &str, value: &str, key: i64) -> Row {
        row(code, values(value, key))
    }

    #[test]
    fn upserts_and_tombstones_become_changes_with_the_whole_row() {
        let events = [
            event("-D", "", 1),
            event("+U", "a", 1),
            event("+U", "b", 2),
            event("+U", "a", 1),
            event("+U", "longer", 1),
            event("+I", "", 1),
            event("+U", "c", 1),
            event("+U", "d", 1),
            event("-D", "", 1),
            event("-D", "", 1),
            event("-U", "", 2),
            event("+U", "e", 1),
        ];

        let expected = [
            given("+I", "a", 1),
            given("+I", "b", 2),
            given("-U", "a", 1),
            given("+U", "longer", 1),
            given("-U", "longer", 1),
            given("+U", "", 1),
            given("-U", "", 1),
            given("+U", "c", 1),
            given("-U", "c", 1),
            given("+U", "d", 1),
            given("-D", "d", 1),
            given("-D", "b", 2),
            given("+I", "e", 1),
        ];
        with(None, |harness| harness.gives(&events, &expected));
    }

    #[test]
    fn an_equal_row_is_given_again_with_a_time_to_live() {
        let events = [event("+U", "a", 1), event("+U", "a", 1)];
        let expected = [given("+I", "a", 1), given("-U", "a", 1), given("+U", "a", 1)];
        with(Some(Interval(1_000)), |harness| harness.gives(&events, &expected));
    }

    #[test]
    fn a_key_whose_time_to_live_is_over_begins_anew() {
        let events = [Event::Clock(1_000), event("+U", "a", 1), Event::Clock(1_100), event("+U", "b", 1)];
        let given_rows = with(Some(Interval(100)), |harness| harness.run(&events, 10, 1, None)).unwrap();
        assert_eq!(given_rows, [given("+I", "a", 1), given("+I", "b", 1)]);
    }

    #[test]
    fn keys_of_windows_are_forgotten_when_late_rows_count_no_more() {
        let field =
            |name: &str, data_type: DataType| Field { name: name.into(), column_type: data_type.nullable() };

        let fields = vec![field("n", DataType::BigInt), field("window_end", DataType::Timestamp(3))];
        let inputs =
            vec![Input { fields, distribution: Distribution::Hash(vec![1]), changes: Mode::Upsert(vec![1]) }];
        let closes = Closes { end: 1, is_instant: false, after: Interval(50) };
        let spec = Normalize { key: vec![1], closes: Some(closes) };
        let build = || {
            Box::new(NormalizeOperator::new("corrected".into(), &spec, &inputs, None, &TimeZone::UTC))
                as Box<dyn Operator>
        };

        let int = Value::Int;
        let events = [
            change(0, "+I", [int(1), int(100)]),
            watermark(0, 100),
            change(0, "+I", [int(2), int(100)]),
            watermark(0, 148),
            change(0, "+I", [int(3), int(100)]),
            watermark(0, 149),
            // No correction can come any more, so this row is treated as new.
            change(0, "+I", [int(4), int(100)]),
        ];

        let expected = [
            row("+I", [int(1), int(100)]),
            row("-U", [int(1), int(100)]),
            row("+U", [int(2), int(100)]),
            row("-U", [int(2), int(100)]),
            row("+U", [int(3), int(100)]),
            row("+I", [int(4), int(100)]),
        ];
        let harness = Harness::new(&build, vec![vec![Repr::Int, Repr::Int]]).keyed(vec![vec![1]]);
        harness.gives(&events, &expected);
    }
}
