//! What each subtask has done, by name. Written by the data plane without locks, read by anyone.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use types::Timestamp;

use crate::activity::Activity;
use crate::connector::Split;

/// Figures of one subtask. Times are sums since the start; rates are for whoever reads twice.
#[derive(Debug, Default)]
pub struct TaskMetrics {
    pub records_in: AtomicU64,
    pub bytes_in: AtomicU64,
    /// What is written to sinks.
    pub records_out: AtomicU64,
    pub bytes_out: AtomicU64,
    /// Partials handed to global subtasks, and what they take in memory.
    pub shipped: AtomicU64,
    pub shipped_bytes: AtomicU64,
    pub batches_in: AtomicU64,
    pub busy_ns: AtomicU64,
    /// Waiting for input.
    pub idle_ns: AtomicU64,
    /// Waiting for whoever takes the output.
    pub backpressured_ns: AtomicU64,
    /// Watermark of what the subtask sends on; `i64::MIN` before the first.
    pub watermark: AtomicI64,
    /// Rows that came too late for a window, counted once a query.
    pub late: AtomicU64,
    /// Event time of the newest record that was handed on, in ms; `i64::MIN` before the first.
    pub emitted: AtomicI64,
    /// What a source subtask reads, as of its last look.
    pub splits: Mutex<Vec<SplitMetrics>>,
    pub state_bytes: AtomicU64,
    /// The operators that run in the subtask; set once, before it starts.
    pub operators: OnceLock<Vec<OperatorMetrics>>,
    /// A [`Activity`].
    pub activity: AtomicU8,
    /// When the subtask had read its input to the end and written what came of it, in ms since 1970; `i64::MIN` before.
    finished: AtomicI64,
}

/// Figures of one operator in a subtask.
#[derive(Debug, Default)]
pub struct OperatorMetrics {
    /// `GroupAggregate[3]`: what it is, and its place in the plan.
    pub name: String,
    /// Rows that it dropped because they came too late.
    pub late: AtomicU64,
    pub state_bytes: AtomicU64,
}

/// Figures of one partition of a source.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SplitMetrics {
    pub split: Split,
    /// Records in the partition that were not read yet; `None` where the log does not tell.
    pub lag: Option<u64>,
    /// In ms; `i64::MIN` before the first.
    pub watermark: i64,
}

impl TaskMetrics {
    pub fn new() -> TaskMetrics {
        let never = || AtomicI64::new(i64::MIN);
        TaskMetrics { watermark: never(), emitted: never(), finished: never(), ..TaskMetrics::default() }
    }

    /// What a source reads, as of its last look.
    pub fn splits(&self) -> Vec<SplitMetrics> {
        self.splits.lock().clone()
    }

    /// The watermark of what the subtask sends on; `i64::MIN` before the first.
    pub fn watermark(&self) -> i64 {
        self.watermark.load(Ordering::Relaxed)
    }

    /// The thread is at this now.
    pub fn at(&self, activity: Activity) {
        self.activity.store(activity as u8, Ordering::Relaxed);
    }

    /// What the thread is at.
    pub fn activity(&self) -> Activity {
        Activity::of(self.activity.load(Ordering::Relaxed))
    }

    /// The subtask has come to the end of its input.
    pub fn finish(&self, now: Timestamp) {
        self.finished.store(now.0, Ordering::Release);
    }

    /// When the subtask came to the end of its input; `None` while it runs, and where it was cancelled or has failed.
    pub fn finished(&self) -> Option<Timestamp> {
        let at = self.finished.load(Ordering::Acquire);
        (at != i64::MIN).then_some(Timestamp(at))
    }

    pub fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }

    pub fn add_time(counter: &AtomicU64, by: Duration) {
        counter.fetch_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Notes how much state is held.
    pub fn hold(&self, bytes: usize) {
        self.state_bytes.store(bytes as u64, Ordering::Relaxed);
    }

    /// The figures by Flink's names, in its units. Those of an operator have its name in front: `Rank[2].stateBytes`.
    pub fn by_name(&self) -> Vec<(Cow<'static, str>, f64)> {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        let of_subtask = [
            ("numRecordsIn", read(&self.records_in)),
            ("numBytesIn", read(&self.bytes_in)),
            ("numRecordsOut", read(&self.records_out)),
            ("numBytesOut", read(&self.bytes_out)),
            ("numRecordsShipped", read(&self.shipped)),
            ("numBytesShipped", read(&self.shipped_bytes)),
            ("numBatchesIn", read(&self.batches_in)),
            ("accumulatedBusyTimeMs", read(&self.busy_ns) / 1e6),
            ("accumulatedIdleTimeMs", read(&self.idle_ns) / 1e6),
            ("accumulatedBackPressuredTimeMs", read(&self.backpressured_ns) / 1e6),
            ("currentOutputWatermark", self.watermark.load(Ordering::Relaxed) as f64),
            ("numLateRecordsDropped", read(&self.late)),
            ("emittedEventTime", self.emitted.load(Ordering::Relaxed) as f64),
            ("stateBytes", read(&self.state_bytes)),
        ];

        let mut figures: Vec<(Cow<'static, str>, f64)> =
            of_subtask.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect();
        for operator in self.operators.get().into_iter().flatten() {
            let of = |figure: &str| Cow::Owned(format!("{}.{figure}", operator.name));
            figures.push((of("numLateRecordsDropped"), read(&operator.late)));
            figures.push((of("stateBytes"), read(&operator.state_bytes)));
        }
        figures
    }
}
