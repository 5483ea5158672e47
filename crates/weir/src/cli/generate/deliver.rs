//! Sends events to a running Weir: one thread makes the batches, others post them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use indicatif::ProgressBar;
use types::Clock;

use super::super::client::{ClientArgs, TRUST_HINT};
use super::super::terminal::complain;
use super::super::{Failure, Outcome};
use super::bar;
use crate::generate::{Events, Next, Options, Pace, PostError, Poster};
use crate::shutdown::Shutdown;

pub(super) struct Job {
    pub(super) url: String,
    pub(super) client: ClientArgs,
    /// `None` stands for until interrupted.
    pub(super) count: Option<u64>,
    /// With a time, events run on from it as fast as they are accepted; `None` stands for the present time
    /// and pace of the wall clock.
    pub(super) backfill_from_us: Option<i64>,
    pub(super) events_per_second: f64,
    pub(super) batch: u64,
    pub(super) connections: usize,
    pub(super) retry_for: Duration,
}

/// Silence of a server after which it counts as unreachable.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Lines, and their number.
struct Batch {
    lines: Vec<u8>,
    count: u64,
}

#[derive(Default)]
struct Tally {
    sent: AtomicU64,
    accepted: AtomicU64,
    rejected: AtomicU64,
}

pub(super) fn run(
    job: &Job,
    options: Options,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
) -> Result<Outcome, Failure> {
    let began = clock.elapsed();
    let tally = Tally::default();
    let bar = job.count.map_or_else(ProgressBar::hidden, bar);
    // One batch waits while others are in flight, so that a slow server slows the maker.
    let (batches, waiting) = crossbeam_channel::bounded(1);

    let connections = (0..job.connections).map(|_| {
        let agent = job.client.agent(&job.url, ANSWER_TIMEOUT)?;
        let authorization = job.client.authorization();
        Ok(Poster::new(agent, &job.url, authorization, job.retry_for, clock.clone(), shutdown.clone()))
    });

    let posters = connections.collect::<Result<Vec<_>, Failure>>()?;
    let failure = thread::scope(|scope| {
        let posters: Vec<_> = posters
            .into_iter()
            .map(|poster| {
                let (waiting, tally, bar) = (waiting.clone(), &tally, &bar);
                scope.spawn(move || post(&poster, &waiting, tally, bar))
            })
            .collect();
        // Only the posters hold a receiver now: when all have failed, the maker's send fails.
        drop(waiting);
        make(job, Events::new(options), &batches, &*clock, &shutdown);
        drop(batches);
        posters
            .into_iter()
            .filter_map(|poster| poster.join().expect("a poster returns its errors").err())
            .next()
    });

    bar.finish_and_clear();
    let seconds = clock.elapsed().saturating_sub(began).as_secs_f64();
    let [sent, accepted, rejected] =
        [&tally.sent, &tally.accepted, &tally.rejected].map(|count| count.load(Ordering::Relaxed));

    complain(&format!(
        "{sent} events sent in {seconds:.1} s, {:.0} events/s: {accepted} accepted, {rejected} rejected",
        sent as f64 / seconds
    ));

    match failure {
        None => Ok(Outcome::Done),
        Some(PostError::Interrupted { .. }) => Ok(Outcome::No),
        Some(error @ PostError::Refused { .. }) => Err(Failure::failed(error)),
        Some(error @ PostError::Unreachable { .. }) => Err(Failure::external(error)),
        Some(error @ PostError::Untrusted { .. }) => {
            Err(Failure::external(anyhow::anyhow!("{error} ({TRUST_HINT})")))
        }
    }
}

/// Makes batches until there are enough, all posters have failed, or the process is asked to end.
fn make(job: &Job, mut events: Events, batches: &Sender<Batch>, clock: &dyn Clock, shutdown: &Shutdown) {
    // The clock is read once; event times then follow its monotonic part, in microseconds.
    let (wall_us, origin) = (clock.now().0 * 1000, clock.elapsed());
    let now_us = || wall_us + clock.elapsed().saturating_sub(origin).as_micros() as i64;
    let mut pace = Pace::new(job.events_per_second, job.batch, wall_us);
    let mut made = 0;

    while job.count.is_none_or(|count| made < count) && !shutdown.is_asked() {
        let left = job.count.map_or(u64::MAX, |count| count - made);
        let mut lines = Vec::new();
        let count = match job.backfill_from_us {
            Some(start_us) => {
                let count = job.batch.min(left);
                for number in made..made + count {
                    let offset_us = (number as f64 / job.events_per_second * 1e6) as i64;
                    events.append(start_us.saturating_add(offset_us), &mut lines);
                }
                count
            }
            None => match pace.next(now_us()) {
                Next::Wait(us) => {
                    shutdown.wait(Duration::from_micros(us.unsigned_abs()));
                    continue;
                }
                Next::Send(due) => {
                    for micros in pace.times(due).take(usize::try_from(left).unwrap_or(usize::MAX)) {
                        events.append(micros, &mut lines);
                    }
                    due.min(left)
                }
            },
        };
        made += count;
        if batches.send(Batch { lines, count }).is_err() {
            return;
        }
    }
}

fn post(
    poster: &Poster,
    waiting: &Receiver<Batch>,
    tally: &Tally,
    bar: &ProgressBar,
) -> Result<(), PostError> {
    for batch in waiting {
        let answer = poster.post(&batch.lines, batch.count)?;
        tally.sent.fetch_add(batch.count, Ordering::Relaxed);
        tally.accepted.fetch_add(answer.accepted, Ordering::Relaxed);
        tally.rejected.fetch_add(answer.rejected, Ordering::Relaxed);
        bar.inc(batch.count);
    }
    Ok(())
}
