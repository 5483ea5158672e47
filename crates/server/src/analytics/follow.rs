//! Keeps the index up to date: loads all rows of the store once, then applies every change.
//!
//! The follower subscribes before the scan begins and applies the changes after it, so that no change is
//! lost. When the subscription ends (an unreachable store), unknown changes were missed: all rows are loaded
//! again into a fresh index, while the old index goes on answering.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError, select};
use storage::store::{Change, Following, StoreError};

use super::backlog::Backlog;
use super::index::{Draft, Index, Taken};
use super::kind::Kind;
use super::moment::Moment;
use super::{Analytics, Mark, Marks, Points, key, merge};
use crate::error::Error;

/// Wait for a change before expired rows are removed.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Wait before a failed store is asked again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Time that a shutdown waits for the thread.
const STOP_WITHIN: Duration = Duration::from_secs(2);
/// Changes applied under one lock.
const CHANGES_MAX: usize = 256;

/// The thread that follows the store. Dropping it ends the thread.
pub(crate) struct Follower {
    stop: Option<Sender<()>>,
    ended: Receiver<()>,
}

impl Follower {
    pub(crate) fn start(analytics: Arc<Analytics>) -> Result<Follower, Error> {
        let (stop, stopped) = crossbeam_channel::bounded(0);
        let (alive, ended) = crossbeam_channel::bounded(0);
        thread::Builder::new()
            .name("result-index".to_owned())
            .spawn(move || {
                let _alive: Sender<()> = alive;
                run(&analytics, &stopped);
            })
            .map_err(|source| Error::Thread { name: "the result index", source })?;
        Ok(Follower { stop: Some(stop), ended })
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        drop(self.stop.take());
        // The next process should find the store free, but a store that hangs must not delay a shutdown.
        if self.ended.recv_timeout(STOP_WITHIN) == Err(crossbeam_channel::RecvTimeoutError::Timeout) {
            tracing::warn!("the result store has not answered; stopping without it");
        }
    }
}

fn run(analytics: &Analytics, stopped: &Receiver<()>) {
    let mut failures = 0_u64;
    loop {
        match load(analytics, stopped) {
            Ok(Some(following)) => {
                failures = 0;
                if follow(analytics, &following, stopped) == Ended::Stopped {
                    return;
                }
                tracing::warn!("the result store stopped sending changes; loading its rows again");
            }
            Ok(None) => return,
            Err(error) => {
                failures += 1;
                if failures == 1 {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the result store cannot be read; retrying"
                    );
                }
            }
        }

        if stopped.recv_timeout(RETRY_AFTER) != Err(crossbeam_channel::RecvTimeoutError::Timeout) {
            return;
        }
    }
}

/// Loads every row into a fresh index. Returns `None` when told to stop.
fn load(analytics: &Analytics, stopped: &Receiver<()>) -> Result<Option<Following>, StoreError> {
    let began = analytics.clock.elapsed();
    let following = analytics.store.follow()?;
    let mut backlog = Backlog::default();
    let mut draft = Draft::new(analytics.bytes_max);
    let mut stop = false;

    analytics.store.scan_any(&[key::PREFIX.to_owned()], &mut |entries| {
        entries.iter().for_each(|entry| draft.add(entry));
        // A writer waits for its followers, and should not wait for a whole scan.
        backlog.take(&following);
        stop = stopped.try_recv() == Err(TryRecvError::Disconnected);
        !stop
    })?;

    if stop {
        return Ok(None);
    }
    analytics.metrics.rows_ignored.inc_by(draft.ignored);
    let (mut index, left_out) = draft.finish();
    for change in &backlog.changes {
        apply(analytics, &mut index, change);
    }
    index.settle(Kind::ALL);
    left_out_of(analytics, left_out + index.shrink());
    let rows = index.rows();
    let now = Moment::local(analytics.clock.now(), &analytics.zone);
    let time: Arc<str> = index.latest(now).unwrap_or_default().into();
    let empty = rows == 0 && analytics.read().rows() == 0;
    count(analytics, &index);
    *analytics.index.write() = index;
    analytics.loaded.send_replace(true);

    if !empty {
        let mark = Mark { time, points: Points::All };
        analytics.changes.mark(Kind::ALL.map(|kind| (kind, mark.clone())));
    }

    let took = analytics.clock.elapsed().saturating_sub(began);
    tracing::info!(rows, duration_ms = took.as_millis() as u64, "result rows loaded");
    Ok(Some(following))
}

#[derive(PartialEq, Eq)]
enum Ended {
    Stopped,
    /// The store closed the subscription.
    Lost,
}

fn follow(analytics: &Analytics, following: &Following, stopped: &Receiver<()>) -> Ended {
    let mut size = Size::default();
    loop {
        size.look(analytics);
        select! {
            recv(stopped) -> _ => return Ended::Stopped,
            recv(following) -> change => match change {
                Ok(change) => {
                    let changes = std::iter::once(change).chain(following.try_iter()).take(CHANGES_MAX);
                    take(analytics, changes);
                }
                Err(_) => return Ended::Lost,
            },
            default(SWEEP_EVERY) => {}
        }

        let now = analytics.clock.now();
        if analytics.read().first_expiry() <= now.0 {
            let mut index = analytics.index.write();
            if index.expire(now) > 0 {
                count(analytics, &index);
            }
        }
    }
}

/// Watches how much memory the rows take.
#[derive(Default)]
struct Size {
    looked: Option<Duration>,
}

impl Size {
    fn look(&mut self, analytics: &Analytics) {
        let now = analytics.clock.elapsed();
        if self.looked.is_some_and(|looked| now.saturating_sub(looked) < SWEEP_EVERY) {
            return;
        }
        self.looked = Some(now);
        let index = analytics.read();
        let bytes = index.memory_bytes();
        drop(index);
        analytics.metrics.index_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }
}

/// Counts rows that found no room. Logs only the first time, since the shortage lasts.
fn left_out_of(analytics: &Analytics, rows: usize) {
    if rows == 0 {
        return;
    }
    if analytics.metrics.rows_left_out.inc_by(rows as u64) == 0 {
        tracing::warn!(
            bytes = analytics.bytes_max,
            rows,
            "result rows exceed `http.results_memory`: answers omit the oldest rows, which stay in the store; let rows \
             expire sooner (`ttl`), write fewer rows, or raise the limit"
        );
    }
}

fn take(analytics: &Analytics, changes: impl Iterator<Item = Arc<Change>>) {
    let mut index = analytics.index.write();
    let mut touched = Marks::default();
    for change in changes {
        for (told, mark) in touched.iter_mut().zip(apply(analytics, &mut index, &change)) {
            if let Some(mark) = mark {
                merge(told, mark);
            }
        }
    }

    let touched: Vec<(Kind, Mark)> =
        Kind::ALL.into_iter().zip(touched).filter_map(|(kind, mark)| Some((kind, mark?))).collect();
    index.settle(touched.iter().map(|(kind, _)| *kind));
    left_out_of(analytics, index.shrink());
    count(analytics, &index);
    drop(index);
    if !touched.is_empty() {
        analytics.changes.mark(touched);
    }
}

/// Writes and deletes the rows of a change. Returns the touched analytics, each with the time to announce.
fn apply(analytics: &Analytics, index: &mut Index, change: &Change) -> Marks {
    let mut touched = Marks::default();
    let mut touch = |kind: Kind, time: Moment| {
        let mark = touched[kind.index()]
            .get_or_insert_with(|| Mark { time: time.to_string().into(), points: Points::none() });
        if kind.is_series() {
            mark.points.add(Points::Some([time].into()));
        }
    };

    for (kind, time) in index.delete(change.deleted.iter().map(|key| &**key)) {
        touch(kind, time);
    }
    for entry in &change.entries {
        match index.apply(entry) {
            Taken::Row(kind, time) => touch(kind, time),
            Taken::Latest => {}
            Taken::TooOld => left_out_of(analytics, 1),
            Taken::Ignored => {
                analytics.metrics.rows_ignored.inc();
            }
        }
    }

    if let Some(notification) = &change.notification {
        match Kind::named(&notification.kind) {
            Some(kind) => {
                let at = Moment::parse(&notification.time).filter(|_| kind.is_series());
                let points = Points::Some(at.into_iter().collect());
                let mark = Mark { time: Arc::clone(&notification.time), points };
                merge(&mut touched[kind.index()], mark);
                index.set_latest(Arc::clone(&notification.time));
            }
            None => {
                analytics.metrics.notifications_ignored.inc();
            }
        }
    }
    touched
}

fn count(analytics: &Analytics, index: &Index) {
    for kind in Kind::ALL {
        analytics.metrics.set_rows(kind, index.rows_of(kind));
    }
}
