//! The pulse of Weir: how many events come in, how soon their results show, what was not counted, and what is
//! wrong. The heads of pages show it.
//!
//! The watchman takes a sample every second. Rates and latencies are those of the last minute: the newest
//! sample less the oldest.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use parking_lot::Mutex;
use serde::Serialize;
use storage::store::Latencies;
use utoipa::ToSchema;

use crate::feed::message::{FeedStatus, Standing};
use crate::guard::Guard;

/// The time that rates and latencies cover.
const COVERED: Duration = Duration::from_secs(60);

/// What the jobs have done since the process started.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Totals {
    /// The running jobs that write results.
    pub jobs: Vec<JobTotals>,
    /// From the arrival of an event until its rows were in the result store.
    pub latencies: Latencies,
}

/// What a job has read since it started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobTotals {
    pub id: String,
    /// Records read.
    pub read: u64,
    /// Records that no query counted, because they were late.
    pub late: u64,
    /// Records that became dead letters.
    pub dead_lettered: u64,
}

/// Samples of the last minute, and what the watchman found last.
#[derive(Default)]
pub(crate) struct Pulse {
    samples: Mutex<VecDeque<(Duration, Totals)>>,
    status: Mutex<FeedStatus>,
    job_manager_port: Option<u16>,
    guard: Option<Arc<Guard>>,
}

/// How Weir works at the moment.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct PulseView {
    /// Events that the busiest job read per second, in the last minute.
    #[schema(example = 21.5)]
    events_per_second: f64,
    /// From the arrival of an event until its results could be read, in the last minute; null if no results
    /// were written.
    latency: Option<LatencyView>,
    /// Records that were late for all queries, since the jobs started.
    late: u64,
    /// Records that became dead letters, since the jobs started.
    dead_lettered: u64,
    /// Port of the job manager on this machine, whose pages show the jobs and the dead letters; null if there is none.
    #[schema(example = 8081)]
    job_manager_port: Option<u16>,
    /// Whether these pages are below `jobs/` of this port, too: only while tokens are required.
    has_job_pages: bool,
    /// Whether the result store takes results.
    store: Standing,
    /// Whether the event log takes events.
    log: Standing,
    /// Whether the results are loaded.
    results: Standing,
    /// Whether the jobs that write the analytics work.
    jobs: Standing,
}

/// Quantiles, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub(crate) struct LatencyView {
    #[schema(example = 640.0)]
    p50_ms: f64,
    #[schema(example = 1100.0)]
    p99_ms: f64,
}

impl Pulse {
    pub(crate) fn new(job_manager_port: Option<u16>, guard: Arc<Guard>) -> Pulse {
        Pulse { job_manager_port, guard: Some(guard), ..Pulse::default() }
    }

    /// Returns the address of the job manager's pages for a browser that calls this host; `None` if there is no job
    /// manager.
    pub(crate) fn job_manager_address(&self, host: &str) -> Option<String> {
        let has_tls = self.guard.as_ref().is_some_and(|guard| guard.tls().is_some());
        let scheme = if has_tls { "https" } else { "http" };
        self.job_manager_port.map(|port| format!("{scheme}://{host}:{port}/"))
    }

    /// Adds a sample; those older than the covered time go.
    pub(crate) fn take(&self, now: Duration, totals: Totals, status: FeedStatus) {
        *self.status.lock() = status;
        let mut samples = self.samples.lock();
        samples.push_back((now, totals));
        while samples.front().is_some_and(|(at, _)| now.saturating_sub(*at) > COVERED) {
            samples.pop_front();
        }
    }

    fn view(&self) -> PulseView {
        let FeedStatus { store, log, results, jobs, .. } = self.status.lock().clone();
        let samples = self.samples.lock();
        let (events_per_second, latency) = match (samples.front(), samples.back()) {
            (Some((from, before)), Some((to, now))) => {
                let seconds = to.saturating_sub(*from).as_secs_f64();
                (rate(before, now, seconds), latency(&before.latencies, &now.latencies))
            }
            _ => (0.0, None),
        };

        let newest = samples.back().map_or(&[][..], |(_, totals)| &totals.jobs);
        PulseView {
            events_per_second,
            latency,
            late: newest.iter().map(|job| job.late).sum(),
            dead_lettered: newest.iter().map(|job| job.dead_lettered).sum(),
            job_manager_port: self.job_manager_port,
            has_job_pages: self.job_manager_port.is_some()
                && self.guard.as_ref().is_some_and(|guard| guard.is_required()),
            store,
            log,
            results,
            jobs,
        }
    }
}

/// Returns the greatest rate of a job. Several jobs may read the same events, so their rates are not added up.
fn rate(before: &Totals, now: &Totals, seconds: f64) -> f64 {
    let of_job = |job: &JobTotals| {
        let earlier =
            before.jobs.iter().find(|earlier| earlier.id == job.id).map_or(0, |earlier| earlier.read);
        job.read.saturating_sub(earlier) as f64 / seconds
    };
    if seconds > 0.0 { now.jobs.iter().map(of_job).fold(0.0, f64::max) } else { 0.0 }
}

/// Returns the quantiles of the durations that were added between two views of a histogram.
fn latency(before: &Latencies, now: &Latencies) -> Option<LatencyView> {
    let earlier = before.buckets.iter().map(|(_, count)| *count).chain(std::iter::repeat(0));
    let added: Vec<(f64, u64)> = now
        .buckets
        .iter()
        .zip(earlier)
        .map(|(&(bound, count), earlier)| (bound, count.saturating_sub(earlier)))
        .collect();
    let total: u64 = added.iter().map(|(_, count)| count).sum();
    (total > 0)
        .then(|| LatencyView { p50_ms: quantile(&added, total, 0.5), p99_ms: quantile(&added, total, 0.99) })
}

/// Returns a quantile in milliseconds, interpolated within its bucket as Prometheus' `histogram_quantile` does.
fn quantile(buckets: &[(f64, u64)], total: u64, share: f64) -> f64 {
    let rank = share * total as f64;
    let (mut below, mut lower) = (0.0, 0.0);
    for &(bound, count) in buckets {
        let until = below + count as f64;
        if until >= rank && count > 0 {
            // Beyond the last bound nothing is known but that.
            let width = if bound.is_finite() { bound - lower } else { 0.0 };
            return 1_000.0 * (lower + width * (rank - below) / count as f64);
        }
        below = until;
        lower = if bound.is_finite() { bound } else { lower };
    }
    1_000.0 * lower
}

/// How Weir works at the moment: rates and latencies of the last minute, and what is wrong.
#[utoipa::path(get, path = "/pulse", tag = "operation", responses((status = 200, body = PulseView)))]
pub(crate) async fn pulse(State(pulse): State<Arc<Pulse>>) -> Json<PulseView> {
    Json(pulse.view())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(read: [u64; 2], buckets: &[(f64, u64)]) -> Totals {
        let job = |id: &str, read| JobTotals { id: id.to_owned(), read, late: 2, dead_lettered: 1 };
        Totals {
            jobs: vec![job("a", read[0]), job("b", read[1])],
            latencies: Latencies { buckets: buckets.to_vec(), sum_seconds: 0.0 },
        }
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn rates_are_those_of_the_last_minute_and_of_the_busiest_job() {
        let pulse = Pulse::default();
        assert_eq!(pulse.view().events_per_second, 0.0);
        pulse.take(at(0), totals([0, 0], &[]), FeedStatus::default());
        pulse.take(at(10), totals([1_000_000, 50], &[]), FeedStatus::default());
        pulse.take(at(70), totals([1_000_600, 6_050], &[]), FeedStatus::default());
        let view = pulse.view();
        assert_eq!((view.events_per_second, view.late, view.dead_lettered), (100.0, 4, 2));
        assert_eq!(view.latency, None);
    }

    #[test]
    fn a_job_that_started_again_counts_from_zero() {
        let pulse = Pulse::default();
        pulse.take(at(0), totals([900, 0], &[]), FeedStatus::default());
        pulse.take(at(10), totals([100, 0], &[]), FeedStatus::default());
        assert_eq!(pulse.view().events_per_second, 0.0);
    }

    #[test]
    fn quantiles_are_interpolated_between_the_bounds_of_their_bucket() {
        let before = totals([0, 0], &[(0.5, 7), (1.0, 0), (f64::INFINITY, 0)]);
        let now = totals([0, 0], &[(0.5, 57), (1.0, 50), (f64::INFINITY, 0)]);
        let view = latency(&before.latencies, &now.latencies).unwrap();
        assert_eq!(view, LatencyView { p50_ms: 500.0, p99_ms: 990.0 });
        let beyond = latency(
            &now.latencies,
            &Latencies { buckets: vec![(0.5, 57), (1.0, 50), (f64::INFINITY, 9)], sum_seconds: 0.0 },
        );
        assert_eq!(beyond.unwrap().p50_ms, 1_000.0);
    }
}
