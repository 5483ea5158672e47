//! Window join: pairs of rows of the same window with equal keys.
//!
//! Earlier operators assign the windows; both inputs and the result hold inserts only. Rows wait under their
//! key until the watermark passes the end of their window. Then the window is joined at once, and its rows
//! are dropped:
//!
//! ```text
//! key a      [0, 10)      left l1 l2   right r1       the watermark reaches 9: emit (l1, r1), (l2, r1)
//!            [10, 20)     left l3      right          19: emit (l3, null) if left rows are padded
//! ```
//!
//! Results come in the order of windows, and within a window by key. A row whose window has closed is late
//! and dropped.

mod state;
#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;
use sql::plan::operator::{Input, WindowJoin};
use types::{Interval, Scalar};

use self::state::{WindowRows, WindowsOfKey};
use super::chain::{Context, Operator, OperatorError};
use super::changes::{Changes, RowKind};
use super::join::give_padded;
use super::join::output::JoinOutput;
use super::join::pairs::Pairs;
use super::join::shape::{Filter, JoinShape, LEFT, RIGHT};
use crate::row;
use crate::state::{Keyed, StateError, StatePart, StateWriter, Timers};
use crate::watermark::NO_WATERMARK;
use crate::window::Calendar;

const WINDOWS: u8 = 0;
const TIMERS: u8 = 1;

/// Joins rows of the same window; see the module documentation.
pub struct WindowJoinOperator {
    name: String,
    shape: JoinShape,
    /// Per side: the fields of the window's start and end.
    bounds: [(usize, usize); 2],
    calendar: Calendar,
    windows: Keyed<WindowsOfKey>,
    /// When windows close, with the key that has such a window.
    timers: Timers,
    joining: Joining,
    watermark: i64,
    late: u64,
    key: Vec<u8>,
    row: Vec<u8>,
}

/// Produces the results of one window.
struct Joining {
    name: String,
    pairs: Option<Pairs>,
    /// The rows of each waiting pair, by their places in the window.
    places: Vec<(usize, usize)>,
    /// Per side and place: whether the row has a partner.
    matched: [Vec<bool>; 2],
    output: JoinOutput,
}

impl WindowJoinOperator {
    /// Builds the operator.
    ///
    /// # Errors
    /// A function does not accept its literal arguments.
    pub fn new(
        name: String,
        join: &WindowJoin,
        inputs: &[Input],
        time_zone: &TimeZone,
    ) -> Result<WindowJoinOperator, String> {
        let shape = JoinShape::new(join.kind, &join.keys, inputs);
        let pairs = match &join.condition {
            Some(predicate) => Some(Pairs::new(predicate, inputs, time_zone)?),
            None => None,
        };

        let zone = join.is_instant.then(|| time_zone.clone());

        Ok(WindowJoinOperator {
            joining: Joining {
                name: name.clone(),
                pairs,
                places: Vec::new(),
                matched: [Vec::new(), Vec::new()],
                output: JoinOutput::new(&shape.output(inputs)),
            },
            name,
            shape,
            bounds: join.windows,
            calendar: Calendar::new(zone, Interval::ZERO, false),
            windows: Keyed::new(None),
            timers: Timers::default(),
            watermark: NO_WATERMARK,
            late: 0,
            key: Vec::new(),
            row: Vec::new(),
        })
    }

    /// Returns whether rows of a side are emitted on their own.
    fn gives_alone(&self, side: usize) -> bool {
        match self.shape.filter {
            Some(filter) => side == LEFT && filter != Filter::Semi,
            None => self.shape.pads[side],
        }
    }
}

impl Joining {
    /// Joins the rows of one window under one key.
    fn join(
        &mut self,
        shape: &JoinShape,
        key: &[u8],
        window: &WindowRows,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let rows = [window.rows(LEFT), window.rows(RIGHT)];
        for (matched, rows) in self.matched.iter_mut().zip(&rows) {
            matched.clear();
            matched.resize(rows.len(), false);
        }

        if shape.may_match(key) {
            self.join_rows(shape, key, &rows, context)?;
        }
        self.give_alone(shape, key, &rows, context)
    }

    fn join_rows(
        &mut self,
        shape: &JoinShape,
        key: &[u8],
        rows: &[Vec<&[u8]>; 2],
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        if self.pairs.is_none() && shape.filter.is_some() {
            // Every left row has every right row as its partner, and no pair is emitted.
            let has_partners = !rows[RIGHT].is_empty();
            self.matched[LEFT].fill(has_partners);
            return Ok(());
        }

        for (left, left_row) in rows[LEFT].iter().enumerate() {
            for (right, right_row) in rows[RIGHT].iter().enumerate() {
                let values = shape.keyed(LEFT, left_row, key).chain(shape.keyed(RIGHT, right_row, key));
                match &mut self.pairs {
                    None => {
                        self.matched[LEFT][left] = true;
                        self.matched[RIGHT][right] = true;
                        self.output.push((RowKind::Insert, 1), values, context)?;
                    }
                    Some(pairs) => {
                        pairs.push(values);
                        self.places.push((left, right));
                        if pairs.is_full() {
                            self.give_pairs(shape, key, rows, context)?;
                        }
                    }
                }
            }
        }

        self.give_pairs(shape, key, rows, context)
    }

    /// Emits the waiting pairs that pass the condition.
    fn give_pairs(
        &mut self,
        shape: &JoinShape,
        key: &[u8],
        rows: &[Vec<&[u8]>; 2],
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let Some(pairs) = &mut self.pairs else { return Ok(()) };
        let failed = |source| OperatorError::Evaluate { operator: self.name.clone(), source };
        let flags = pairs.evaluate(context.env(), None).map_err(failed)?;

        let passed = self.places.iter().zip(flags).filter(|(_, passes)| **passes);
        for (&(left, right), _) in passed {
            self.matched[LEFT][left] = true;
            self.matched[RIGHT][right] = true;
            if shape.filter.is_none() {
                let left = shape.keyed(LEFT, rows[LEFT][left], key);
                let right = shape.keyed(RIGHT, rows[RIGHT][right], key);
                self.output.push((RowKind::Insert, 1), left.chain(right), context)?;
            }
        }
        self.places.clear();
        Ok(())
    }

    /// Emits the rows that appear on their own, now that their partners are known.
    fn give_alone(
        &mut self,
        shape: &JoinShape,
        key: &[u8],
        rows: &[Vec<&[u8]>; 2],
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let insert = (RowKind::Insert, 1);
        for side in [LEFT, RIGHT] {
            for (row, &is_matched) in rows[side].iter().zip(&self.matched[side]) {
                let values = shape.keyed(side, row, key);
                let output = &mut self.output;

                match shape.filter {
                    Some(Filter::Semi) if side == LEFT && is_matched => {
                        output.push(insert, values, context)?
                    }
                    Some(Filter::Anti) if side == LEFT && !is_matched => {
                        output.push(insert, values, context)?
                    }
                    Some(Filter::Mark) if side == LEFT => {
                        let mark = std::iter::once(Scalar::Bool(is_matched));
                        output.push(insert, values.chain(mark), context)?;
                    }
                    None if shape.pads[side] && !is_matched => {
                        give_padded(shape, side, insert, values, output, context)?;
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

impl Operator for WindowJoinOperator {
    fn process(
        &mut self,
        input: usize,
        rows: &Changes<'_>,
        _context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let (start, end) = self.bounds[input];
        let gives_alone = self.gives_alone(input);
        for at in rows.places() {
            let (Scalar::Int(start), Scalar::Int(end)) = (rows.get(start, at), rows.get(end, at)) else {
                self.late += 1;
                continue;
            };
            let closes_at = self.calendar.last_instant(end);
            if closes_at <= self.watermark {
                self.late += 1;
                continue;
            }

            let may_match = self.shape.write_whole_key(input, rows, at, &mut self.key);
            if !may_match && !gives_alone {
                continue;
            }
            self.shape.write_row(input, rows, at, &mut self.row);
            let row = &self.row;
            let is_new = self.windows.update(&self.key, 0, |windows| {
                windows.get_or_insert_default().add((end, start), input, row)
            });
            if is_new {
                self.timers.set(closes_at, &self.key);
            }
        }
        Ok(())
    }

    fn advance(&mut self, watermark: i64, context: &mut Context<'_>) -> Result<(), OperatorError> {
        while let Some((time, key)) = self.timers.pop(watermark) {
            let (calendar, windows) = (&self.calendar, &mut self.windows);
            let mut pop = || {
                windows.update(&key, 0, |kept| {
                    let windows = kept.as_mut()?;
                    let window = windows.pop(|end| calendar.last_instant(end) <= time);
                    if windows.is_empty() {
                        *kept = None;
                    }
                    window
                })
            };

            while let Some(window) = pop() {
                self.joining.join(&self.shape, &key, &window, context)?;
            }
        }

        self.joining.output.flush(context)?;

        self.watermark = watermark;
        self.joining.output.watermark = watermark;
        Ok(())
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
        self.windows.write(WINDOWS, out);
        self.timers.write(TIMERS, out);
    }

    fn restore(&mut self, part: &StatePart) -> Result<(), StateError> {
        let mut reader = row::Reader::new(&part.bytes);
        while let Some(tag) = reader.tag() {
            match tag {
                WINDOWS => self.windows.read(&mut reader, &self.name)?,
                TIMERS => self.timers.read(&mut reader, &self.name)?,
                _ => return Err(StateError::unknown_tag(&self.name, tag)),
            }
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        let joining = self.joining.pairs.as_ref().map_or(0, Pairs::memory_bytes);
        self.windows.memory_bytes()
            + self.timers.memory_bytes()
            + joining
            + self.joining.output.memory_bytes()
    }

    fn take_late(&mut self) -> u64 {
        std::mem::take(&mut self.late)
    }
}
