//! Metrics of each subtask, by name. The data plane writes them without locks; any thread may read them.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use types::Timestamp;

use crate::activity::Activity;
use crate::connector::Split;
use crate::output_metrics::{OutputMetrics, OutputView};

/// Metrics of one subtask. Times are sums since the start; a reader computes rates from two readings.
#[derive(Debug, Default)]
pub struct TaskMetrics {
    pub records_in: AtomicU64,
    pub bytes_in: AtomicU64,
    /// Rows written to sinks.
    pub records_out: AtomicU64,
    pub bytes_out: AtomicU64,
    /// Partial aggregates sent to global subtasks, and their bytes in memory.
    pub shipped: AtomicU64,
    pub shipped_bytes: AtomicU64,
    pub batches_in: AtomicU64,
    pub busy_ns: AtomicU64,
    /// Waiting for input.
    pub idle_ns: AtomicU64,
    /// Waiting for the receivers of the output.
    pub backpressured_ns: AtomicU64,
    /// Watermark of the subtask's output; `i64::MIN` before the first.
    pub watermark: AtomicI64,
    /// Late rows of windows, counted once per query.
    pub late: AtomicU64,
    /// Event time of the newest record that was handed on, in milliseconds; `i64::MIN` before the first.
    pub emitted: AtomicI64,
    /// The partitions that a source subtask reads, as last recorded.
    pub splits: Mutex<Vec<SplitMetrics>>,
    pub state_bytes: AtomicU64,
    /// The operators that run in the subtask; set once, before it starts.
    pub operators: OnceLock<Vec<OperatorMetrics>>,
    /// What the subtask writes, or hands to operators; set once, before it starts. The queries of its pipeline come first.
    pub outputs: OnceLock<Vec<OutputMetrics>>,
    /// An [`Activity`].
    pub activity: AtomicU8,
    /// When the subtask had read its input to the end and written all results, in milliseconds since 1970;
    /// `i64::MIN` before.
    finished: AtomicI64,
}

/// Metrics of one operator in a subtask.
#[derive(Debug, Default)]
pub struct OperatorMetrics {
    /// `GroupAggregate[3]`: its kind, and its index in the plan.
    pub name: String,
    /// Rows that it dropped as late.
    pub late: AtomicU64,
    pub state_bytes: AtomicU64,
}

/// Metrics of one partition of a source.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SplitMetrics {
    pub split: Split,
    /// Unread records of the partition; `None` if the log does not tell.
    pub lag: Option<u64>,
    /// In milliseconds; `i64::MIN` before the first.
    pub watermark: i64,
}

impl TaskMetrics {
    pub fn new() -> TaskMetrics {
        let never = || AtomicI64::new(i64::MIN);
        TaskMetrics { watermark: never(), emitted: never(), finished: never(), ..TaskMetrics::default() }
    }

    /// Returns the partitions that a source reads, as last recorded.
    pub fn splits(&self) -> Vec<SplitMetrics> {
        self.splits.lock().clone()
    }

    /// Returns the metrics of the outputs.
    pub fn outputs(&self) -> Vec<OutputView> {
        self.outputs.get().into_iter().flatten().map(OutputMetrics::view).collect()
    }

    /// Returns the watermark of the subtask's output; `i64::MIN` before the first.
    pub fn watermark(&self) -> i64 {
        self.watermark.load(Ordering::Relaxed)
    }

    /// Sets the thread's present activity.
    pub fn at(&self, activity: Activity) {
        self.activity.store(activity as u8, Ordering::Relaxed);
    }

    /// Returns the thread's activity.
    pub fn activity(&self) -> Activity {
        Activity::of(self.activity.load(Ordering::Relaxed))
    }

    /// Records that the subtask has reached the end of its input.
    pub fn finish(&self, now: Timestamp) {
        self.finished.store(now.0, Ordering::Release);
    }

    /// Returns how many rows the operators of the subtask dropped as late.
    pub fn late_in_operators(&self) -> u64 {
        let operators = self.operators.get().into_iter().flatten();
        operators.map(|operator| operator.late.load(Ordering::Relaxed)).sum()
    }

    /// Returns when the subtask reached the end of its input; `None` while it runs, and if it was cancelled
    /// or has failed.
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

    /// Records how much state is held.
    pub fn hold(&self, bytes: usize) {
        self.state_bytes.store(bytes as u64, Ordering::Relaxed);
    }

    /// Returns the metrics by Flink's names, in Flink's units. Metrics of an operator have its name as
    /// prefix: `Rank[2].stateBytes`.
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
