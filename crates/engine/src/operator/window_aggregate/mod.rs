//! `GROUP BY` in windows: emits the result of each group once, when its window closes.
//!
//! ```text
//! TUMBLE, size 60   rows [a, 5] [b, 9] [a, 61]  at watermark 59: [a, COUNT 1, 0, 60]  [b, COUNT 1, 0, 60]
//! ```
//!
//! Groups are stored by window (`panes`); a row of `HOP` is added to each of its windows. The windows of
//! `CUMULATE` with one start contain each other: a row is added to the first open one, and when that closes,
//! its groups move on to the next. The windows of sessions follow from the rows of a group, see
//! `SessionState`.
//!
//! Rows may be retracted as long as the window is open. A row is late if all its windows are closed; it is
//! dropped.
//!
//! State has no time to live: windows close by themselves, as in Flink. Processing-time windows that are open
//! when the input ends emit nothing, as in Flink.

mod group;
mod output;
mod panes;
#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;
use sql::plan::Window;
use sql::plan::operator::{Input, Time, WindowAggregate, Windowing};
use types::Scalar;

use self::group::WindowGroup;
use self::output::WindowAggregateOutput;
use self::panes::{Pane, Panes};
use super::accumulate::{Accumulators, Retraction};
use super::chain::{Context, Operator, OperatorError};
use super::changes::Changes;
use super::windows::{Moment, SessionState, StoredKey, Taken, WindowClock, window_ends};
use crate::layout::{next_window_end, window_start};
use crate::row::Reader;
use crate::state::{StateError, StatePart, StateWriter};

/// The tags of the maps in a snapshot.
const PANES: u8 = 0;
const SESSIONS: u8 = 1;

/// Aggregates rows by window and key; see the module documentation.
pub struct WindowAggregateOperator {
    name: String,
    windows: OpenWindows,
    accumulators: Accumulators,
    keys: StoredKey,
    clock: WindowClock,
    moment: Moment,
    late: u64,
    key: Vec<u8>,
    out: WindowAggregateOutput,
}

/// The windows with their groups.
enum OpenWindows {
    Sliced { window: Window, time: Time, panes: Panes },
    Attached { start: usize, end: usize, panes: Panes },
    Session { time: Time, sessions: Box<SessionState<WindowGroup>> },
}

impl WindowAggregateOperator {
    /// Builds the operator.
    ///
    /// # Errors
    /// A call cannot be computed.
    pub fn new(
        name: String,
        spec: &WindowAggregate,
        inputs: &[Input],
        time_zone: &TimeZone,
    ) -> Result<WindowAggregateOperator, String> {
        let input = &inputs[0];
        let retraction = if input.changes.is_append() { Retraction::Never } else { Retraction::Possible };
        let accumulators = Accumulators::new(&spec.calls, retraction)?;
        let (windows, is_processing) = match spec.windowing {
            Windowing::Sliced { window, time } => {
                (OpenWindows::Sliced { window, time, panes: Panes::default() }, time == Time::Processing)
            }
            Windowing::Attached { start, end, is_processing } => {
                (OpenWindows::Attached { start, end, panes: Panes::default() }, is_processing)
            }
            Windowing::Session { gap, time } => {
                let sessions = Box::new(SessionState::new(gap.0));
                (OpenWindows::Session { time, sessions }, time == Time::Processing)
            }
        };

        Ok(WindowAggregateOperator {
            name,
            windows,
            out: WindowAggregateOutput::new(spec, &input.fields, &accumulators),
            accumulators,
            keys: StoredKey::new(&spec.keys, &input.distribution),
            clock: WindowClock::new(spec.is_instant || is_processing, time_zone),
            moment: Moment::new(is_processing),
            late: 0,
            key: Vec::new(),
        })
    }

    fn take(&mut self, rows: &Changes<'_>, row: usize, now_ms: i64) -> Result<(), OperatorError> {
        let Self { windows, accumulators, keys, clock, moment, key, .. } = self;
        let field = |field| rows.get(field, row);
        let is_addition = rows.kind(row).is_addition();
        let change = |slot: &mut Option<WindowGroup>| {
            if is_addition {
                return slot.get_or_insert_with(|| WindowGroup::new(accumulators)).add(accumulators, field);
            }
            let Some(group) = slot else { return Ok(()) };
            group.retract(accumulators, field)?;
            if group.is_empty() {
                *slot = None;
            }
            Ok(())
        };
        keys.write(rows, row, key);

        let taken = match windows {
            OpenWindows::Sliced { window, time, panes } => {
                let Some(time) = moment.time_of(*time, rows, row, now_ms) else { return Ok(()) };
                let mut taken = Ok(Taken::Late);
                for end in window_ends(*window, clock.wall_ms(time)) {
                    let pane =
                        Pane { closes_at: clock.closes_at(end), start: window_start(*window, end), end };
                    if pane.closes_at <= moment.reached {
                        continue;
                    }
                    taken = panes.update(pane, key, change).map(|()| Taken::Kept);
                    if taken.is_err() || matches!(window, Window::Cumulate { .. }) {
                        break;
                    }
                }
                taken
            }

            OpenWindows::Attached { start, end, panes } => {
                let (Scalar::Int(start), Scalar::Int(end)) = (field(*start), field(*end)) else {
                    return Ok(());
                };
                let pane = Pane { closes_at: clock.closes_at(end), start, end };
                // No row is late by the system clock: a row that was on its way when its window closed is
                // emitted next.
                if pane.closes_at <= moment.reached && !moment.is_processing() {
                    Ok(Taken::Late)
                } else {
                    panes.update(pane, key, change).map(|()| Taken::Kept)
                }
            }

            OpenWindows::Session { time, sessions } => {
                let Some(time) = moment.time_of(*time, rows, row, now_ms) else { return Ok(()) };
                let create = || is_addition.then(|| WindowGroup::new(accumulators));
                let wall_ms = clock.wall_ms(time);
                let at = (moment.reached, &mut *clock);
                sessions.take(key, wall_ms, at, accumulators, create, |group| {
                    if is_addition {
                        group.add(accumulators, field)
                    } else {
                        group.retract(accumulators, field)
                    }
                })
            }
        };

        let taken = taken.map_err(|what| self.failed(what))?;
        self.late += u64::from(taken == Taken::Late);
        Ok(())
    }

    fn failed(&self, what: String) -> OperatorError {
        OperatorError::Rows { operator: self.name.clone(), what }
    }

    /// Emits the windows that are closed once time has reached `reached`.
    fn close(&mut self, reached: i64, context: &mut Context<'_>) -> Result<(), OperatorError> {
        loop {
            let Self { windows, accumulators, keys, clock, moment, out, .. } = self;
            match windows {
                OpenWindows::Sliced { panes, .. } | OpenWindows::Attached { panes, .. } => {
                    let Some((pane, groups)) = panes.pop(reached) else { return Ok(()) };
                    for (key, group) in groups.iter() {
                        out.push(moment.watermark, (keys, key), (accumulators, group), pane);
                        out.emit_if_full(context)?;
                    }

                    if let OpenWindows::Sliced { window: window @ Window::Cumulate { .. }, panes, .. } =
                        windows
                        && let Some(end) = next_window_end(*window, pane.end)
                    {
                        let next = Pane { closes_at: clock.closes_at(end), end, ..pane };
                        panes.merge(next, groups, accumulators).map_err(|what| self.failed(what))?;
                    }
                }

                OpenWindows::Session { sessions, .. } => {
                    let Some((key, session)) = sessions.pop(reached, clock) else { return Ok(()) };
                    if !session.content.is_empty() {
                        let (start, end) = (session.start, session.end);
                        let pane = Pane { closes_at: clock.closes_at(end), start, end };
                        out.push(moment.watermark, (keys, &key), (accumulators, &session.content), pane);
                        out.emit_if_full(context)?;
                    }
                }
            }
        }
    }
}

impl Operator for WindowAggregateOperator {
    fn process(
        &mut self,
        _input: usize,
        rows: &Changes<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let now_ms = context.now_ms();
        for row in rows.places() {
            let time = self.moment.before_row(rows.watermark(row), now_ms);
            if time > self.moment.reached {
                self.close(time, context)?;
                self.moment.reach(time);
            }
            self.take(rows, row, now_ms)?;
        }
        self.out.emit(context)
    }

    fn advance(&mut self, watermark: i64, context: &mut Context<'_>) -> Result<(), OperatorError> {
        if !self.moment.is_processing() {
            self.close(watermark, context)?;
            self.out.emit(context)?;
        }
        self.moment.advance(watermark);
        Ok(())
    }

    fn output_watermark(&self, watermark: i64) -> i64 {
        watermark
    }

    fn next_tick(&self) -> Option<i64> {
        self.moment.tick_of(match &self.windows {
            OpenWindows::Sliced { panes, .. } | OpenWindows::Attached { panes, .. } => panes.next(),
            OpenWindows::Session { sessions, .. } => sessions.next(),
        })
    }

    fn tick(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        if self.moment.is_processing() {
            let time = self.moment.before_row(self.moment.watermark, context.now_ms());
            self.close(time, context)?;
            self.moment.reach(time);
            self.out.emit(context)?;
        }
        Ok(())
    }

    fn snapshot(&self, out: &mut StateWriter) {
        match &self.windows {
            OpenWindows::Sliced { panes, .. } | OpenWindows::Attached { panes, .. } => {
                panes.write(PANES, &self.keys, out);
            }
            OpenWindows::Session { sessions, .. } => sessions.write(SESSIONS, &self.keys, out),
        }
    }

    fn restore(&mut self, part: &StatePart) -> Result<(), StateError> {
        let mut reader = Reader::new(&part.bytes);
        while let Some(tag) = reader.tag() {
            match (&mut self.windows, tag) {
                (OpenWindows::Sliced { panes, .. } | OpenWindows::Attached { panes, .. }, PANES) => {
                    panes.read(&mut reader, &self.name)?;
                }
                (OpenWindows::Session { sessions, .. }, SESSIONS) => {
                    sessions.read(&mut reader, &self.name)?
                }
                _ => return Err(StateError::unknown_tag(&self.name, tag)),
            }
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        let windows = match &self.windows {
            OpenWindows::Sliced { panes, .. } | OpenWindows::Attached { panes, .. } => panes.memory_bytes(),
            OpenWindows::Session { sessions, .. } => sessions.memory_bytes(),
        };
        windows + self.out.memory_bytes()
    }

    fn take_late(&mut self) -> u64 {
        std::mem::take(&mut self.late)
    }
}
