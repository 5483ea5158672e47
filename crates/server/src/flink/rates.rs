//! Rates of subtasks: their counters are read once a second, and the oldest and newest readings are compared.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use engine::activity::Activity;
use engine::execution::Task;
use engine::metrics::TaskMetrics;
use jobs::Dispatcher;
use parking_lot::Mutex;
use types::{Clock, JobId};

use crate::process::cpu_time_ns;

/// Interval of readings.
const PERIOD: Duration = Duration::from_secs(1);
/// Readings kept per job. Rates are averages over this many seconds, less one.
const READINGS: usize = 11;
/// Missing milliseconds per second above which a subtask counts as held up in the middle of a turn.
const HELD_UP: f64 = 500.0;

#[derive(Debug, Default)]
pub(super) struct Rates {
    jobs: Mutex<BTreeMap<JobId, Readings>>,
    /// Readings of the process's processor time: time of the reading and nanoseconds, newest last.
    cpu: Mutex<VecDeque<(Duration, u64)>>,
}

#[derive(Debug)]
struct Readings {
    attempt: u64,
    newest_last: VecDeque<Reading>,
}

/// The counters of a job's subtasks, in their order.
#[derive(Debug)]
struct Reading {
    at: Duration,
    subtasks: Vec<Counters>,
}

#[derive(Debug, Clone, Copy)]
struct Counters {
    records_in: u64,
    bytes_in: u64,
    records_out: u64,
    bytes_out: u64,
    busy_ns: u64,
    idle_ns: u64,
    backpressured_ns: u64,
    activity: Activity,
}

/// Rates of one subtask, per second.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(super) struct TaskRates {
    pub(super) records_in: f64,
    pub(super) bytes_in: f64,
    pub(super) records_out: f64,
    pub(super) bytes_out: f64,
    /// Milliseconds per second; the three sum up to about a thousand.
    pub(super) busy_ms: f64,
    pub(super) idle_ms: f64,
    pub(super) backpressured_ms: f64,
}

impl Rates {
    /// Reads the counters of all running jobs, as long as the future is polled.
    pub(super) async fn keep(&self, dispatcher: &Dispatcher, clock: &Arc<dyn Clock>) {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let running = dispatcher.jobs().into_iter().filter(|job| !job.status().is_terminal());
            let read = running.map(|job| (job.id(), job.tasks()));
            // A job has no tasks before its first attempt.
            let read = read.filter(|(_, (_, tasks))| !tasks.is_empty());
            self.note(clock.elapsed(), read);
            self.note_cpu(clock.elapsed(), cpu_time_ns());
        }
    }

    fn note_cpu(&self, at: Duration, ns: u64) {
        let mut readings = self.cpu.lock();
        if readings.len() == READINGS {
            readings.pop_front();
        }
        readings.push_back((at, ns));
    }

    /// Returns the recent share of `processors` processors that this process has used, from 0 to 1.
    pub(super) fn cpu_load(&self, processors: u32) -> f64 {
        let readings = self.cpu.lock();
        let (Some(first), Some(last)) = (readings.front(), readings.back()) else { return 0.0 };
        let passed = last.0.saturating_sub(first.0).as_nanos() as f64 * f64::from(processors);
        if passed > 0.0 { (last.1.saturating_sub(first.1) as f64 / passed).min(1.0) } else { 0.0 }
    }

    /// Records the counters of all running jobs: their attempts and subtasks. Drops the readings of other
    /// jobs.
    fn note(&self, at: Duration, running: impl Iterator<Item = (JobId, (u64, Vec<Task>))>) {
        let mut jobs = self.jobs.lock();
        let mut before = std::mem::take(&mut *jobs);
        for (id, (attempt, tasks)) in running {
            let fresh = || Readings { attempt, newest_last: VecDeque::new() };
            let mut readings = before.remove(&id).filter(|of| of.attempt == attempt).unwrap_or_else(fresh);
            if readings.newest_last.len() == READINGS {
                readings.newest_last.pop_front();
            }
            let subtasks = tasks.iter().map(|task| Counters::of(&task.metrics)).collect();
            readings.newest_last.push_back(Reading { at, subtasks });
            jobs.insert(id, readings);
        }
    }

    /// Returns the rates of a job's subtasks in their order; `None` until there are two readings.
    pub(super) fn of(&self, job: JobId) -> Option<Vec<TaskRates>> {
        let jobs = self.jobs.lock();
        let readings = &jobs.get(&job)?.newest_last;
        let (first, last) = (readings.front()?, readings.back()?);
        let passed = last.at.saturating_sub(first.at);
        if passed.is_zero() {
            return None;
        }
        let pairs = first.subtasks.iter().zip(&last.subtasks);
        Some(pairs.map(|(from, to)| TaskRates::between(from, to, passed)).collect())
    }
}

impl Counters {
    fn of(metrics: &TaskMetrics) -> Counters {
        let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            records_in: read(&metrics.records_in),
            bytes_in: read(&metrics.bytes_in),
            records_out: read(&metrics.records_out) + read(&metrics.shipped),
            bytes_out: read(&metrics.bytes_out) + read(&metrics.shipped_bytes),
            busy_ns: read(&metrics.busy_ns),
            idle_ns: read(&metrics.idle_ns),
            backpressured_ns: read(&metrics.backpressured_ns),
            activity: metrics.activity(),
        }
    }
}

impl TaskRates {
    fn between(from: &Counters, to: &Counters, passed: Duration) -> TaskRates {
        let seconds = passed.as_secs_f64();
        let count = |from: u64, to: u64| to.saturating_sub(from) as f64 / seconds;
        let time = |from: u64, to: u64| count(from, to) / 1e6;

        let mut rates = TaskRates {
            records_in: count(from.records_in, to.records_in),
            bytes_in: count(from.bytes_in, to.bytes_in),
            records_out: count(from.records_out, to.records_out),
            bytes_out: count(from.bytes_out, to.bytes_out),
            busy_ms: time(from.busy_ns, to.busy_ns),
            idle_ms: time(from.idle_ns, to.idle_ns),
            backpressured_ms: time(from.backpressured_ns, to.backpressured_ns),
        };

        // A turn's times are counted at its end. Missing time goes to the thread's current activity; a turn
        // that has been writing for so long is backpressured.
        let missing = (1_000.0 - rates.busy_ms - rates.idle_ms - rates.backpressured_ms).max(0.0);
        let is_held_up = missing > HELD_UP;

        match to.activity {
            Activity::Away => {}
            Activity::Read | Activity::Receive => rates.idle_ms += missing,
            Activity::Blocked => rates.backpressured_ms += missing,
            Activity::Fire | Activity::Early | Activity::PassThrough | Activity::Snapshot if is_held_up => {
                rates.backpressured_ms += missing;
            }
            _ => rates.busy_ms += missing,
        }

        rates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(metrics: &Arc<TaskMetrics>) -> Task {
        Task { vertex: "Source: t".to_owned(), subtask: 0, metrics: metrics.clone(), ledger: None }
    }

    #[test]
    fn rates_are_those_of_the_last_while_and_of_this_attempt() {
        let rates = Rates::default();
        let metrics = Arc::new(TaskMetrics::new());
        let note = |second: u64, attempt: u64| {
            let read = (JobId(1), (attempt, vec![task(&metrics)]));
            rates.note(Duration::from_secs(second), std::iter::once(read));
        };

        note(0, 0);
        assert_eq!(rates.of(JobId(1)), None);
        for second in 1..=30 {
            TaskMetrics::add(&metrics.records_in, if second > 15 { 100 } else { 5_000 });
            TaskMetrics::add_time(&metrics.busy_ns, Duration::from_millis(200));
            TaskMetrics::add_time(&metrics.idle_ns, Duration::from_millis(800));
            note(second, 0);
        }

        let of = rates.of(JobId(1)).expect("rates")[0];
        assert_eq!((of.records_in, of.busy_ms, of.idle_ms), (100.0, 200.0, 800.0));

        note(31, 1);
        assert_eq!(rates.of(JobId(1)), None, "another attempt counts from the beginning");
        rates.note(Duration::from_secs(32), std::iter::empty());
        assert_eq!(rates.of(JobId(1)), None, "it is over");
    }

    #[test]
    fn the_load_is_the_share_of_all_processors() {
        let rates = Rates::default();
        assert_eq!(rates.cpu_load(2), 0.0);
        rates.note_cpu(Duration::from_secs(1), 5_000_000_000);
        assert_eq!(rates.cpu_load(2), 0.0);
        rates.note_cpu(Duration::from_secs(3), 6_000_000_000);
        assert_eq!(rates.cpu_load(2), 0.25);
    }

    #[test]
    fn a_subtask_that_is_held_up_while_it_writes_is_backpressured() {
        let metrics = TaskMetrics::new();
        let before = Counters::of(&metrics);
        for (activity, expected) in [
            (Activity::Fire, (0.0, 0.0, 1_000.0)),
            (Activity::Blocked, (0.0, 0.0, 1_000.0)),
            (Activity::Receive, (0.0, 1_000.0, 0.0)),
            (Activity::Aggregate, (1_000.0, 0.0, 0.0)),
            (Activity::Away, (0.0, 0.0, 0.0)),
        ] {
            metrics.at(activity);
            let rates = TaskRates::between(&before, &Counters::of(&metrics), Duration::from_secs(2));
            assert_eq!((rates.busy_ms, rates.idle_ms, rates.backpressured_ms), expected, "{activity:?}");
        }
    }
}
