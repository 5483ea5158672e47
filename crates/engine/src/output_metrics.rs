//! Metrics of the outputs of a subtask: what each query or operator has written, and what a query holds in open windows.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use types::Timestamp;

use crate::connector::Stage;

/// Before the first row.
const NEVER: i64 = i64::MIN;

/// Metrics of one output: the rows of a query of a scan, or those that an operator writes to sinks.
#[derive(Debug)]
pub struct OutputMetrics {
    output: Output,
    rows: AtomicU64,
    written: AtomicI64,
    window_end: AtomicI64,
    open_windows: AtomicU64,
    groups: AtomicU64,
}

/// Identifies an output in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Output {
    /// A query, by the indexes of its pipeline and of itself there.
    Query { pipeline: usize, query: usize },
    /// An operator, by its index.
    Operator(usize),
}

/// A copy of the metrics of an output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputView {
    pub output: Output,
    /// Rows written since the subtask started, early results included.
    pub rows: u64,
    /// When the newest rows were written.
    pub written: Option<Timestamp>,
    /// End of the newest window whose final result was written, in milliseconds on the session's wall clock.
    pub window_end: Option<i64>,
    /// Windows that have content and have not closed, as last measured: with each checkpoint, and after some input.
    pub open_windows: u64,
    /// Groups in the slices of these windows.
    pub groups: u64,
}

impl OutputMetrics {
    pub fn new(output: Output) -> OutputMetrics {
        OutputMetrics {
            output,
            rows: AtomicU64::new(0),
            written: AtomicI64::new(NEVER),
            window_end: AtomicI64::new(NEVER),
            open_windows: AtomicU64::new(0),
            groups: AtomicU64::new(0),
        }
    }

    /// Records that rows were written, at a time; `window` are the bounds of their window, if they are of one.
    pub fn wrote(&self, rows: u64, now: Timestamp, window: Option<(i64, i64)>, stage: Stage) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.written.fetch_max(now.0, Ordering::Relaxed);
        if let Some((_, end)) = window.filter(|_| stage == Stage::Final) {
            self.window_end.fetch_max(end, Ordering::Relaxed);
        }
    }

    /// Records what the open windows hold.
    pub fn hold(&self, open_windows: usize, groups: usize) {
        self.open_windows.store(open_windows as u64, Ordering::Relaxed);
        self.groups.store(groups as u64, Ordering::Relaxed);
    }

    pub fn view(&self) -> OutputView {
        let time = |of: &AtomicI64| Some(of.load(Ordering::Relaxed)).filter(|&time| time != NEVER);
        OutputView {
            output: self.output,
            rows: self.rows.load(Ordering::Relaxed),
            written: time(&self.written).map(Timestamp),
            window_end: time(&self.window_end),
            open_windows: self.open_windows.load(Ordering::Relaxed),
            groups: self.groups.load(Ordering::Relaxed),
        }
    }
}

impl OutputView {
    /// Adds the figures of another subtask. Each subtask has its own groups, but the same windows.
    pub fn add(&mut self, other: &OutputView) {
        self.rows += other.rows;
        self.written = self.written.max(other.written);
        self.window_end = self.window_end.max(other.window_end);
        self.open_windows = self.open_windows.max(other.open_windows);
        self.groups += other.groups;
    }
}
