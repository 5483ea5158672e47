//! The two sides of an interval join: applies rows, and removes them when no partner can come any more.

use sql::plan::operator::{Input, IntervalJoin, Time};
use types::Scalar;

use super::bucket::Bucket;
use crate::operator::chain::{Context, OperatorError};
use crate::operator::changes::{Changes, RowKind};
use crate::operator::join::condition::{Probe, Probed};
use crate::operator::join::give_padded;
use crate::operator::join::output::JoinOutput;
use crate::operator::join::shape::{JoinShape, LEFT, RIGHT, values};
use crate::row;
use crate::state::{Keyed, StateError, StateWriter, Timers};
use crate::watermark::NO_WATERMARK;

const TIMERS: u8 = 2;

/// The stored rows of both sides; see the module documentation.
pub(super) struct Sides {
    pub shape: JoinShape,
    times: [Time; 2],
    /// Per side: the bounds of the partners' times, relative to a row's own time.
    reaches: [(i64, i64); 2],
    buckets: [Keyed<Bucket>; 2],
    timers: [Timers; 2],
    pub output: JoinOutput,
    /// The watermark, or the system clock for processing time.
    pub clock: i64,
    is_matched: bool,
    key: Vec<u8>,
    row: Vec<u8>,
}

impl Sides {
    pub fn new(join: &IntervalJoin, inputs: &[Input]) -> Sides {
        let shape = JoinShape::new(join.kind, &join.keys, inputs);
        let (lower, upper) = (join.lower.0, join.upper.0);
        Sides {
            output: JoinOutput::new(&shape.output(inputs)),
            shape,
            times: [join.left_time, join.right_time],
            // The condition is lower <= left - right <= upper.
            reaches: [(upper.saturating_neg(), lower.saturating_neg()), (lower, upper)],
            buckets: [Keyed::new(None), Keyed::new(None)],
            timers: [Timers::default(), Timers::default()],
            clock: NO_WATERMARK,
            is_matched: false,
            key: Vec::new(),
            row: Vec::new(),
        }
    }

    pub fn is_event_time(&self) -> bool {
        self.times[LEFT] != Time::Processing
    }

    fn time(&self, input: usize, rows: &Changes<'_>, at: usize, now_ms: i64) -> Option<i64> {
        match self.times[input] {
            Time::Processing => Some(now_ms),
            Time::Event(field) => match rows.get(field, at) {
                Scalar::Int(time) => Some(time),
                _ => None,
            },
        }
    }

    /// Returns the bounds of the partners' times, both inclusive; there are none if the first is greater.
    fn bounds(&self, input: usize, time: i64) -> (i64, i64) {
        let (low, high) = self.reaches[input];
        (time.saturating_add(low), time.saturating_add(high))
    }

    /// Returns whether a partner of a row may still come.
    fn is_awaited(&self, input: usize, time: i64) -> bool {
        let (low, high) = self.bounds(input, time);
        low <= high && if self.is_event_time() { self.clock < high } else { self.clock <= high }
    }

    /// Returns when a row is removed. A row that may be padded is emitted as soon as its last possible
    /// partner would be late; other rows can wait for late partners.
    fn due(&self, side: usize, time: i64) -> i64 {
        let (_, last) = self.bounds(side, time);
        let at_once = self.is_event_time() && self.shape.pads[side];
        if at_once { last } else { last.saturating_add(1) }
    }

    fn keep(&mut self, input: usize, time: i64) {
        let due = self.due(input, time);
        let Sides { buckets, timers, key, row, is_matched, .. } = self;
        let timers = &mut timers[input];
        buckets[input].update(key, 0, |kept| {
            let is_new = kept.is_none();
            let bucket = kept.get_or_insert_default();
            bucket.add(time, row, *is_matched);
            if is_new || due < bucket.due {
                if !is_new {
                    timers.cancel(bucket.due, key);
                }
                timers.set(due, key);
                bucket.due = due;
            }
        });
    }

    /// Returns the next timer of either side.
    pub fn next_due(&self) -> Option<i64> {
        self.timers.iter().filter_map(Timers::next).min()
    }

    /// Removes all rows whose last possible partner has passed, in the order of their timers.
    ///
    /// # Errors
    /// A consumer cannot take a row.
    pub fn clean(&mut self, until: i64, context: &mut Context<'_>) -> Result<(), OperatorError> {
        loop {
            let [left, right] = [LEFT, RIGHT].map(|side| self.timers[side].next());
            let side = match (left, right) {
                (Some(left), Some(right)) if right < left => RIGHT,
                (None, Some(_)) => RIGHT,
                _ => LEFT,
            };
            let Some((due, key)) = self.timers[side].pop(until) else { return Ok(()) };
            self.clean_key(side, due, &key, context)?;
        }
    }

    fn clean_key(
        &mut self,
        side: usize,
        due: i64,
        key: &[u8],
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        // The rows that are due have times up to `last`.
        let last = due.saturating_sub(self.due(side, 0));
        let is_end = due == i64::MAX;
        let Sides { shape, buckets, output, .. } = self;

        let next = buckets[side].update(key, 0, |kept| {
            let Some(bucket) = kept else { return Ok::<_, OperatorError>(None) };
            while bucket.first_time().is_some_and(|time| time <= last || is_end) {
                let Some(first) = bucket.pop_first() else { break };
                if shape.pads[side] && !first.is_matched {
                    let row = shape.keyed(side, &first.row, key);
                    give_padded(shape, side, (RowKind::Insert, 1), row, output, context)?;
                }
            }
            let next = bucket.first_time();
            if next.is_none() {
                *kept = None;
            }
            Ok(next)
        })?;

        if let Some(time) = next {
            let due = self.due(side, time);
            self.timers[side].set(due, key);
            self.buckets[side].update(key, 0, |kept| kept.iter_mut().for_each(|bucket| bucket.due = due));
        }
        Ok(())
    }

    pub fn write(&self, out: &mut StateWriter) {
        for side in [LEFT, RIGHT] {
            self.buckets[side].write(side as u8, out);
            self.timers[side].write(TIMERS + side as u8, out);
        }
    }

    /// Reads all entries of a part.
    ///
    /// # Errors
    /// The bytes are not entries of this state.
    pub fn read(&mut self, reader: &mut row::Reader<'_>, operator: &str) -> Result<(), StateError> {
        while let Some(tag) = reader.tag() {
            match usize::from(tag) {
                side @ (LEFT | RIGHT) => self.buckets[side].read(reader, operator)?,
                2 | 3 => self.timers[usize::from(tag - TIMERS)].read(reader, operator)?,
                _ => return Err(StateError::unknown_tag(operator, tag)),
            }
        }
        Ok(())
    }

    pub fn memory_bytes(&self) -> usize {
        let buckets: usize = self.buckets.iter().map(Keyed::memory_bytes).sum();
        let timers: usize = self.timers.iter().map(Timers::memory_bytes).sum();
        buckets + timers + self.output.memory_bytes()
    }
}

impl Probed for Sides {
    fn wants_partners(&self, _input: usize, _rows: &Changes<'_>, _at: usize) -> bool {
        true
    }

    fn candidates(
        &mut self,
        input: usize,
        (rows, at): (&Changes<'_>, usize),
        from: usize,
        now_ms: i64,
        take: &mut dyn FnMut(&JoinShape, &[u8]) -> bool,
    ) -> (usize, bool) {
        let time = self.time(input, rows, at, now_ms);
        let has_key = self.shape.write_key(input, rows, at, &mut self.key);
        let Some(time) = time.filter(|_| has_key) else { return (from, false) };
        let Some(bucket) = self.buckets[1 - input].get(&self.key, 0) else { return (from, false) };

        let places = bucket.places(self.bounds(input, time));
        let first = (places.start + from).min(places.end);
        for (place, kept) in bucket.rows(first..places.end).enumerate() {
            if !take(&self.shape, &kept.row) {
                let to = from + place + 1;
                return (to, to < places.len());
            }
        }
        (places.len(), false)
    }

    fn apply(
        &mut self,
        input: usize,
        rows: &Changes<'_>,
        probe: Probe,
        flags: Option<&[bool]>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let at = probe.at;
        let time = self.time(input, rows, at, context.now_ms());
        let has_key = self.shape.write_key(input, rows, at, &mut self.key);
        let time = time.filter(|_| has_key);
        if probe.places.0 == 0 {
            self.is_matched = false;
        }

        if let Some(time) = time {
            let bounds = self.bounds(input, time);
            let Sides { shape, buckets, output, key, is_matched, .. } = self;
            let mut flags = flags.map(|flags| flags.iter());
            buckets[1 - input].update(key, 0, |kept| {
                let Some(bucket) = kept else { return Ok::<_, OperatorError>(()) };
                let places = bucket.places(bounds);
                let place = |place: usize| places.start.saturating_add(place).min(places.end);

                for partner in bucket.rows_mut(place(probe.places.0)..place(probe.places.1)) {
                    if flags.as_mut().is_some_and(|flags| flags.next() != Some(&true)) {
                        continue;
                    }
                    (partner.is_matched, *is_matched) = (true, true);

                    let stored = shape.stored(1 - input, &partner.row, rows, at);
                    match input {
                        LEFT => output.push((RowKind::Insert, 1), values(rows, at).chain(stored), context)?,
                        _ => output.push((RowKind::Insert, 1), stored.chain(values(rows, at)), context)?,
                    }
                }
                Ok(())
            })?;
        }

        if !probe.is_last {
            return Ok(());
        }
        match time.filter(|&time| self.is_awaited(input, time)) {
            Some(time) => {
                self.shape.write_row(input, rows, at, &mut self.row);
                self.keep(input, time);
            }
            None if self.shape.pads[input] && !self.is_matched => {
                let (shape, output) = (&self.shape, &mut self.output);
                give_padded(shape, input, (RowKind::Insert, 1), values(rows, at), output, context)?;
            }
            None => {}
        }
        Ok(())
    }
}
