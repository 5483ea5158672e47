//! Collects the rows of a query until a client fetches them. The buffer is limited, so the sources wait while
//! no client fetches.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use engine::connector::{ConnectorError, Rows, Sink, SinkFactory};
use engine::operator::changes::{Kinds, RowKind};
use parking_lot::{Condvar, Mutex};
use types::{Clock, EventTime, Value};

use crate::retry::Retry;

/// Largest number of buffered rows, and their approximate size in bytes.
const ROWS_MAX: usize = 10_000;
const BYTES_MAX: usize = 8 << 20;
/// Interval in which a sink that waits for buffer space checks whether the job has stopped.
const LOOK: Duration = Duration::from_millis(100);

/// A row of a query's result.
#[derive(Debug, Clone, PartialEq)]
pub struct CollectedRow {
    /// The kind of change. A late event that corrects the row of a closed window gives only a `+U`.
    pub kind: RowKind,
    /// Values in the order of the sink's columns.
    pub values: Vec<Value>,
}

/// An event for the client that waits for rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CollectorEvent {
    /// Rows are available, after none were.
    Rows,
    /// All wanted rows have arrived; further rows are discarded.
    Enough,
}

/// Buffer between the sinks of a query and the client that fetches its rows.
pub struct Collector {
    state: Mutex<CollectorState>,
    room: Condvar,
    tell: Box<dyn Fn(CollectorEvent) + Send + Sync>,
}

struct CollectorState {
    rows: VecDeque<CollectedRow>,
    bytes: usize,
    /// Number of rows still wanted; `None` for all.
    wanted: Option<u64>,
    /// The client no longer fetches, so rows are discarded.
    closed: bool,
}

impl Collector {
    /// Creates a buffer for `limit` rows in total. The job's threads call `tell`, which must not block.
    pub fn new(limit: Option<u64>, tell: Box<dyn Fn(CollectorEvent) + Send + Sync>) -> Arc<Collector> {
        let state = CollectorState { rows: VecDeque::new(), bytes: 0, wanted: limit, closed: false };
        Arc::new(Collector { state: Mutex::new(state), room: Condvar::new(), tell })
    }

    /// Removes and returns the oldest rows, at most `max_rows`.
    pub fn take(&self, max_rows: usize) -> Vec<CollectedRow> {
        let mut state = self.state.lock();
        let count = state.rows.len().min(max_rows);
        let rows: Vec<CollectedRow> = state.rows.drain(..count).collect();
        state.bytes = state.bytes.saturating_sub(rows.iter().map(size).sum());
        drop(state);
        self.room.notify_all();
        rows
    }

    /// Returns whether rows are waiting to be fetched.
    pub fn has_rows(&self) -> bool {
        !self.state.lock().rows.is_empty()
    }

    /// Returns whether all wanted rows have arrived.
    pub fn has_enough(&self) -> bool {
        self.state.lock().wanted == Some(0)
    }

    /// Discards all rows, because the client no longer fetches.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.rows.clear();
        state.bytes = 0;
        drop(state);
        self.room.notify_all();
    }

    /// Waits for buffer space and adds a row; returns false if no more rows are wanted.
    fn put(&self, row: CollectedRow, wait: &mut Wait<'_>) -> Result<bool, ConnectorError> {
        let bytes = size(&row);
        let mut state = self.state.lock();
        while !state.closed && state.wanted != Some(0) && !state.has_room(bytes) {
            if wait.retry.is_stopped() {
                let error = "the job ended before its rows were fetched";
                return Err(ConnectorError::external("cannot hand a row over", error));
            }
            let before = wait.clock.elapsed();
            self.room.wait_for(&mut state, LOOK);
            wait.blocked += wait.clock.elapsed().saturating_sub(before);
        }

        if state.closed || state.wanted == Some(0) {
            return Ok(false);
        }

        let was_empty = state.rows.is_empty();
        state.bytes += bytes;
        state.rows.push_back(row);
        if let Some(wanted) = &mut state.wanted {
            *wanted -= 1;
        }

        let is_enough = state.wanted == Some(0);
        drop(state);

        if was_empty {
            (self.tell)(CollectorEvent::Rows);
        }
        if is_enough {
            self.room.notify_all();
            (self.tell)(CollectorEvent::Enough);
        }
        Ok(true)
    }
}

impl CollectorState {
    fn has_room(&self, bytes: usize) -> bool {
        self.rows.is_empty() || (self.rows.len() < ROWS_MAX && self.bytes + bytes <= BYTES_MAX)
    }
}

fn size(row: &CollectedRow) -> usize {
    let of = |value: &Value| match value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    };
    size_of::<CollectedRow>() + row.values.iter().map(|value| size_of::<Value>() + of(value)).sum::<usize>()
}

/// The sink table of a fetched query.
pub struct CollectTable {
    pub collector: Arc<Collector>,
    pub retry: Arc<Retry>,
    pub clock: Arc<dyn Clock>,
}

impl SinkFactory for CollectTable {
    fn open(&self, _subtask: usize, _of: usize) -> Result<Box<dyn Sink>, ConnectorError> {
        Ok(Box::new(CollectSink {
            collector: self.collector.clone(),
            retry: self.retry.clone(),
            clock: self.clock.clone(),
            blocked: Duration::ZERO,
        }))
    }
}

struct CollectSink {
    collector: Arc<Collector>,
    retry: Arc<Retry>,
    clock: Arc<dyn Clock>,
    blocked: Duration,
}

/// State of a sink that waits for buffer space.
struct Wait<'a> {
    retry: &'a Retry,
    clock: &'a dyn Clock,
    blocked: Duration,
}

impl Sink for CollectSink {
    fn write(&mut self, rows: &Rows<'_>) -> Result<(), ConnectorError> {
        let mut wait = Wait { retry: &self.retry, clock: &*self.clock, blocked: Duration::ZERO };
        let mut outcome = Ok(true);
        rows.rows.for_each(|_, row| {
            if !matches!(outcome, Ok(true)) {
                return;
            }
            let kind = match rows.kinds {
                Kinds::All(kind) => kind,
                Kinds::Each(kinds) => kinds[row],
            };
            let is_correction = rows.revisions.get(row).is_some_and(|revision| *revision > 0);
            let row = CollectedRow {
                kind: if is_correction { RowKind::UpdateAfter } else { kind },
                values: rows.columns.iter().map(|column| column.get(row).to_value()).collect(),
            };
            outcome = self.collector.put(row, &mut wait);
        });
        self.blocked += wait.blocked;
        outcome.map(|_| ())
    }

    fn watermark(&mut self, _watermark: EventTime) -> Result<(), ConnectorError> {
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ConnectorError> {
        Ok(())
    }

    fn take_blocked(&mut self) -> Duration {
        std::mem::take(&mut self.blocked)
    }
}
