//! Appends generated events to their topic, in the order of their times.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::tz::TimeZone;
use storage::log::{EventLog, LogError, NewRecord};
use types::{Clock, with_causes};

use super::rhythm::Rhythm;
use super::{Phase, Progress};
use crate::generate::{Draw, Events, Options, Shapes, TimeForms};

/// Events of the past that are appended at one time.
const BATCH: usize = 500;
/// Pause before a log that cannot keep up is asked again.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest pause between two looks at the clock, which somebody may set.
const LOOK: Duration = Duration::from_secs(1);
/// How often in a row a log may fail before the generator gives up: for a minute.
const FAILURES_MAX: u32 = 600;

/// The time that events cover.
pub(super) enum Span {
    /// From this long ago until now.
    Past { length_us: i64 },
    /// From now on.
    Present,
}

/// Makes events, and appends them.
pub(super) struct Producer {
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    topic: &'static str,
    events: Events,
    draw: Draw,
    progress: Arc<Progress>,
}

impl Producer {
    pub(super) fn new(
        log: Arc<dyn EventLog>,
        clock: Arc<dyn Clock>,
        topic: &'static str,
        zone: TimeZone,
        progress: Arc<Progress>,
    ) -> Producer {
        // The time decides, so that a second start does not repeat the ids of the first.
        let seed = clock.now().0.unsigned_abs();
        let options = Options {
            seed,
            users: 900,
            departments: 12,
            texts: 120,
            out_of_order_us: 0,
            bad: 0.0,
            times: TimeForms::One,
            shapes: Shapes::Plain,
            zone,
        };
        Producer { log, clock, topic, events: Events::new(options), draw: Draw::new(seed), progress }
    }

    pub(super) fn enter(&self, phase: Phase) {
        *self.progress.state.lock() = phase;
    }

    /// Generates the events of a span, until its end or until the generator is told to stop.
    pub(super) fn run(&mut self, rhythm: &Rhythm, span: Span) -> Result<(), String> {
        let now = self.now_us();
        let (mut at, is_past) = match span {
            Span::Past { length_us } => (now - length_us, true),
            Span::Present => (now, false),
        };
        let mut batch = Vec::new();

        loop {
            at = rhythm.next(at, self.draw.unit());
            if is_past && at >= now {
                break;
            }
            if !is_past && !self.wait_until(at) {
                return Ok(());
            }
            batch.push(self.record(at));
            if (batch.len() >= BATCH || !is_past) && !self.append(&mut batch)? {
                return Ok(());
            }
        }
        self.append(&mut batch).map(|_| ())
    }

    fn record(&mut self, micros: i64) -> NewRecord {
        let mut line = Vec::new();
        self.events.append(micros, &mut line);
        // Without the line feed.
        line.pop();
        NewRecord { body: line.into(), ..NewRecord::default() }
    }

    /// Appends a batch. Returns false if the generator is told to stop.
    fn append(&self, batch: &mut Vec<NewRecord>) -> Result<bool, String> {
        let records = std::mem::take(batch);
        let count = records.len() as u64;
        if count == 0 {
            return Ok(!self.is_stopped());
        }

        let mut failures = 0;
        while !self.is_stopped() {
            match self.append_once(records.clone()) {
                Ok(()) => {
                    self.progress.events.fetch_add(count, Ordering::Relaxed);
                    return Ok(!self.is_stopped());
                }
                Err(error) if failures >= FAILURES_MAX => return Err(with_causes(&error)),
                Err(_) => {
                    failures += 1;
                    self.progress.pause(PAUSE);
                }
            }
        }
        Ok(false)
    }

    fn append_once(&self, records: Vec<NewRecord>) -> Result<(), LogError> {
        let appending = self.log.append(self.topic, records)?;
        appending.blocking_recv().unwrap_or(Err(LogError::Closed)).map(|_| ())
    }

    /// Waits until a time. Returns false if the generator is told to stop.
    fn wait_until(&self, micros: i64) -> bool {
        loop {
            let left = u64::try_from(micros - self.now_us()).unwrap_or(0);
            if self.progress.pause(LOOK.min(Duration::from_micros(left))) {
                return false;
            }
            if left == 0 {
                return true;
            }
        }
    }

    fn is_stopped(&self) -> bool {
        self.progress.pause(Duration::ZERO)
    }

    fn now_us(&self) -> i64 {
        self.clock.now().0 * 1_000
    }
}
