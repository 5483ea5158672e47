//! Window table functions: `TUMBLE`, `HOP`, `CUMULATE` and `SESSION` over a table.
//!
//! The bounds of a row's window and the window's time are appended to its fields. The windows of the first
//! three functions are known from the row alone, so rows pass at once, one copy per window:
//!
//! ```text
//! HOP, slide 10, size 30  row [a, 25]  ──►  [a, 25, 0, 30, 29]  [a, 25, 10, 40, 39]  [a, 25, 20, 50, 49]
//! SESSION, gap 10         rows [a, 25] [a, 31]  ──►  at 40: [a, 25, 25, 41, 40]  [a, 31, 25, 41, 40]
//! ```
//!
//! A row of a closed window passes too: it is late for the following operators, which drop it. Rows of a
//! session are stored until the session closes, and are then emitted in order of arrival with their kinds;
//! late ones are dropped here. A row without a time is in no window.

mod aligned;
mod rows;
#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;
use sql::plan::operator::{Input, Time, WindowAssign, Windowing};
use types::{Repr, Scalar};

use self::aligned::{Aligned, Clocks};
use self::rows::SessionRows;
use super::chain::{Context, Operator, OperatorError};
use super::changes::{ChangeBuffer, Changes};
use super::fields;
use super::windows::{Moment, SessionState, StoredKey, Taken, WindowClock};
use crate::row::Reader;
use crate::state::{StateError, StatePart, StateWriter};

/// The tag of the only map in a snapshot.
const SESSIONS: u8 = 0;

/// Assigns rows to windows; see the module documentation.
pub struct WindowAssignOperator {
    name: String,
    windows: AssignedWindows,
    time: Time,
    clock: WindowClock,
    moment: Moment,
    late: u64,
    out: ChangeBuffer,
}

/// How rows get their windows.
enum AssignedWindows {
    /// Windows known from a row alone.
    Aligned(Box<Aligned>),
    Sessions(Box<OpenSessions>),
}

/// The rows of open sessions.
struct OpenSessions {
    partition: StoredKey,
    fields: usize,
    sessions: SessionState<SessionRows>,
    key: Vec<u8>,
}

impl WindowAssignOperator {
    /// Builds the operator.
    ///
    /// # Errors
    /// The windows are assigned already.
    pub fn new(
        name: String,
        spec: &WindowAssign,
        inputs: &[Input],
        time_zone: &TimeZone,
    ) -> Result<WindowAssignOperator, String> {
        let input = &inputs[0];
        let (windows, time) = match spec.windowing {
            Windowing::Sliced { window, time } => {
                (AssignedWindows::Aligned(Box::new(Aligned::new(window))), time)
            }
            Windowing::Session { gap, time } => {
                let open = OpenSessions {
                    partition: StoredKey::new(&spec.partition, &input.distribution),
                    fields: input.fields.len(),
                    sessions: SessionState::new(gap.0),
                    key: Vec::new(),
                };
                (AssignedWindows::Sessions(Box::new(open)), time)
            }
            Windowing::Attached { .. } => return Err(format!("`{name}` cannot assign windows again")),
        };

        let mut reprs = fields::reprs(&input.fields);
        reprs.extend([Repr::Int; 3]);
        let is_processing = time == Time::Processing;
        Ok(WindowAssignOperator {
            name,
            windows,
            time,
            clock: WindowClock::new(spec.is_instant || is_processing, time_zone),
            moment: Moment::new(is_processing),
            late: 0,
            out: ChangeBuffer::new(&reprs),
        })
    }

    /// Adds a row to its session.
    fn take(&mut self, rows: &Changes<'_>, row: usize, now_ms: i64) -> Result<(), OperatorError> {
        let AssignedWindows::Sessions(open) = &mut self.windows else { return Ok(()) };
        let Some(time) = self.moment.time_of(self.time, rows, row, now_ms) else { return Ok(()) };
        let wall_ms = self.clock.wall_ms(time);

        let OpenSessions { partition, sessions, key, .. } = &mut **open;
        partition.write(rows, row, key);
        let taken = sessions.take(
            key,
            wall_ms,
            (self.moment.reached, &mut self.clock),
            &(),
            || Some(SessionRows::default()),
            |content| {
                content.push(rows.kind(row), rows.row(row));
                Ok(())
            },
        );
        let taken = taken.map_err(|what| OperatorError::Rows { operator: self.name.clone(), what })?;
        self.late += u64::from(taken == Taken::Late);
        Ok(())
    }

    /// Emits the rows of the sessions that are closed once time has reached `reached`.
    fn close(&mut self, reached: i64, context: &mut Context<'_>) -> Result<(), OperatorError> {
        loop {
            let AssignedWindows::Sessions(open) = &mut self.windows else { return Ok(()) };
            let Some((_, session)) = open.sessions.pop(reached, &mut self.clock) else { return Ok(()) };

            let fields = open.fields;
            let bounds = [session.start, session.end, self.clock.closes_at(session.end)].map(Scalar::Int);
            let mut reader = Reader::new(session.content.bytes());
            while let Some(kind) = SessionRows::read_kind(&mut reader) {
                self.out.push(kind, self.moment.watermark, reader.by_ref().take(fields).chain(bounds));
                if self.out.is_full() {
                    self.emit(context)?;
                }
            }
        }
    }

    fn emit(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.out.lend(|rows| context.emit(rows))?;
        self.out.clear();
        Ok(())
    }
}

impl Operator for WindowAssignOperator {
    fn process(
        &mut self,
        _input: usize,
        rows: &Changes<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let now_ms = context.now_ms();
        if let AssignedWindows::Aligned(windows) = &mut self.windows {
            // Processing time never goes back.
            self.moment.reach(self.moment.before_row(self.moment.watermark, now_ms));
            let (time, moment, clock) = (self.time, &self.moment, &mut self.clock);
            return windows.give(rows, Clocks { time, moment, clock, now_ms }, context);
        }

        for row in rows.places() {
            let time = self.moment.before_row(rows.watermark(row), now_ms);
            if time > self.moment.reached {
                self.close(time, context)?;
                self.moment.reach(time);
            }

            self.take(rows, row, now_ms)?;
            if self.out.is_full() {
                self.emit(context)?;
            }
        }
        self.emit(context)
    }

    fn advance(&mut self, watermark: i64, context: &mut Context<'_>) -> Result<(), OperatorError> {
        if !self.moment.is_processing() {
            self.close(watermark, context)?;
            self.emit(context)?;
        }
        self.moment.advance(watermark);
        Ok(())
    }

    fn output_watermark(&self, watermark: i64) -> i64 {
        watermark
    }

    fn next_tick(&self) -> Option<i64> {
        match &self.windows {
            AssignedWindows::Aligned(_) => None,
            AssignedWindows::Sessions(open) => self.moment.tick_of(open.sessions.next()),
        }
    }

    fn tick(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        if self.moment.is_processing() {
            let time = self.moment.before_row(self.moment.watermark, context.now_ms());
            self.close(time, context)?;
            self.moment.reach(time);
            self.emit(context)?;
        }
        Ok(())
    }

    fn snapshot(&self, out: &mut StateWriter) {
        if let AssignedWindows::Sessions(open) = &self.windows {
            open.sessions.write(SESSIONS, &open.partition, out);
        }
    }

    fn restore(&mut self, part: &StatePart) -> Result<(), StateError> {
        let mut reader = Reader::new(&part.bytes);
        while let Some(tag) = reader.tag() {
            match &mut self.windows {
                AssignedWindows::Sessions(open) if tag == SESSIONS => {
                    open.sessions.read(&mut reader, &self.name)?
                }
                _ => return Err(StateError::unknown_tag(&self.name, tag)),
            }
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        let bytes = match &self.windows {
            AssignedWindows::Aligned(windows) => windows.memory_bytes(),
            AssignedWindows::Sessions(open) => open.sessions.memory_bytes(),
        };
        bytes + self.out.memory_bytes()
    }

    fn take_late(&mut self) -> u64 {
        std::mem::take(&mut self.late)
    }
}
