//! The analytics: an index of the result rows, updated by following the store, and the routes that answer
//! from it.

pub(crate) mod answer;
mod backlog;
mod columns;
mod follow;
mod index;
pub(crate) mod intern;
mod key;
mod kind;
#[cfg(test)]
mod model;
pub(crate) mod moment;
pub(crate) mod packed;
pub(crate) mod place;
mod query;
pub(crate) mod reply;
pub(crate) mod routes;
mod row;
mod sum;
mod table;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::tz::TimeZone;
use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use storage::store::ResultStore;
use tokio::sync::{Notify, watch};
use types::{Clock, with_causes};

use crate::metrics::Metrics;
use crate::probe::Probe;
pub(crate) use backlog::Backlog;
pub(crate) use follow::Follower;
use index::Index;
pub(crate) use key::Key as ResultKey;
pub(crate) use kind::Kind;
pub(crate) use moment::Moment;
pub(crate) use query::{Invalid, Parameters};

/// The index of the results, the store behind it, and the changes for the feed.
pub(crate) struct Analytics {
    index: RwLock<Index>,
    pub(crate) changes: Changes,
    pub(crate) store: Arc<dyn ResultStore>,
    probe: Probe,
    clock: Arc<dyn Clock>,
    zone: TimeZone,
    /// Whether all rows that the store held at the start are loaded.
    loaded: watch::Sender<bool>,
    /// Limit of the bytes of the rows.
    bytes_max: usize,
    metrics: Arc<Metrics>,
}

/// The analytics that changed since the feed last looked, each with the time of its newest change, and the
/// changed points of time series. Bounded, since a change replaces the earlier change of the same analytic.
#[derive(Default)]
pub(crate) struct Changes {
    marks: Mutex<Marks>,
    /// Number of changes of any kind.
    generation: AtomicU64,
    pub(crate) notify: Notify,
}

/// The change of each kind, if any.
pub(crate) type Marks = [Option<Mark>; Kind::COUNT];

/// A change of an analytic.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    /// Time of the newest change.
    pub(crate) time: Arc<str>,
    pub(crate) points: Points,
}

/// The times of the changed rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Points {
    /// The times are unknown, or too many.
    All,
    Some(BTreeSet<Moment>),
}

/// Limit of the changed points of a series; beyond it all points count as changed.
const POINTS_MAX: usize = 1_024;

impl Points {
    pub(crate) fn none() -> Points {
        Points::Some(BTreeSet::new())
    }

    pub(crate) fn add(&mut self, other: Points) {
        match (&mut *self, other) {
            (Points::Some(known), Points::Some(new)) if known.len() + new.len() <= POINTS_MAX => {
                known.extend(new)
            }
            _ => *self = Points::All,
        }
    }
}

/// Adds a later change to one that was not sent yet.
pub(crate) fn merge(into: &mut Option<Mark>, later: Mark) {
    match into {
        None => *into = Some(later),
        Some(mark) => {
            mark.time = later.time;
            mark.points.add(later.points);
        }
    }
}

impl Changes {
    fn mark(&self, changed: impl IntoIterator<Item = (Kind, Mark)>) {
        let mut marks = self.marks.lock();
        for (kind, mark) in changed {
            merge(&mut marks[kind.index()], mark);
        }
        drop(marks);
        self.generation.fetch_add(1, Ordering::Release);
        self.notify.notify_one();
    }

    pub(crate) fn take(&self) -> Marks {
        std::mem::take(&mut self.marks.lock())
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }
}

impl Analytics {
    pub(crate) fn new(
        store: Arc<dyn ResultStore>,
        clock: Arc<dyn Clock>,
        zone: TimeZone,
        bytes_max: usize,
        metrics: Arc<Metrics>,
    ) -> Analytics {
        Analytics {
            index: RwLock::new(Index::new(bytes_max)),
            changes: Changes::default(),
            probe: Probe::default(),
            store,
            clock,
            zone,
            loaded: watch::Sender::new(false),
            bytes_max,
            metrics,
        }
    }

    /// Returns whether all rows that the store held at the start are loaded.
    pub(crate) fn loaded(&self) -> bool {
        *self.loaded.borrow()
    }

    /// Waits until all rows that the store held at the start are loaded.
    pub(crate) async fn wait_until_loaded(&self) {
        // `self` owns the sender, so the wait cannot fail.
        let _ = self.loaded.subscribe().wait_for(|is_loaded| *is_loaded).await;
    }

    /// Returns the time of the newest results.
    pub(crate) fn latest(&self) -> Option<String> {
        self.read().latest(Moment::local(self.clock.now(), &self.zone))
    }

    /// Returns the name of the zone of all times: an IANA name where it has one, otherwise its offset.
    pub(crate) fn zone_name(&self) -> String {
        let now = jiff::Timestamp::from_millisecond(self.clock.now().0).unwrap_or_default();
        self.zone.iana_name().map_or_else(|| self.zone.to_offset(now).to_string(), str::to_owned)
    }

    /// Fails with the reason when the store does not take results.
    pub(crate) async fn ask_store(&self) -> Result<(), String> {
        let store = Arc::clone(&self.store);
        self.probe.ask(move || store.ping().map_err(|error| with_causes(&error))).await
    }

    /// Returns the clock in seconds. Answers within one second and generation are equal.
    pub(crate) fn second(&self) -> i64 {
        self.clock.now().0.div_euclid(1_000)
    }

    /// Returns the bytes of the rows.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.read().memory_bytes()
    }

    pub(crate) fn rows(&self) -> usize {
        self.read().rows()
    }

    fn read(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read()
    }

    fn cutoff(&self, days: i64) -> Moment {
        Moment::local(self.clock.now(), &self.zone).days_before(days)
    }

    /// Appends the points of a time series at these times; for [`Points::All`], all data that its route
    /// answers by default.
    pub(crate) fn write_points(&self, kind: Kind, points: &Points, out: &mut Vec<u8>) {
        let Points::Some(times) = points else { return self.write_data(kind, out) };
        let written = reply(out, &answer::series_at(&self.read(), kind, times));
        written.expect("points are times and numbers, which always can be written as JSON");
    }

    /// Appends an analytic's data as its route answers by default, for the feed.
    pub(crate) fn write_data(&self, kind: Kind, out: &mut Vec<u8>) {
        let written = match kind {
            Kind::Faculty => reply(out, &answer::faculties(&self.read(), self.cutoff(30))),
            Kind::Year => reply(out, &answer::years(&self.read(), self.cutoff(30))),
            Kind::Heatmap => reply(out, &answer::heatmap(&self.read(), self.cutoff(30))),
            Kind::PopularQueries => reply(out, &answer::popular(&self.read(), self.cutoff(30), 10)),
            Kind::StudentYear => reply(out, &answer::student_years(&self.read(), self.cutoff(30))),
            Kind::PopularByYear => {
                reply(out, &answer::popular_by_year(&self.read(), self.cutoff(30), None, 5))
            }
            Kind::Department => reply(out, &answer::departments(&self.read(), self.cutoff(30)).0),
            Kind::UserType => reply(out, &answer::user_types(&self.read(), self.cutoff(30)).0),
            Kind::SuccessRate => reply(out, &reply::Success::of(self, query::Integer::new(7))),
            Kind::ResponseTime => reply(out, &answer::response_times(&self.read(), self.cutoff(7))),
            Kind::Overall => reply(out, &reply::Overall::of(self, query::Integer::new(30))),
            Kind::TimeseriesMinute | Kind::TimeseriesHour | Kind::TimeseriesDay => {
                reply(out, &answer::series(&self.read(), kind, self.cutoff(7)))
            }
            Kind::HeatmapHourly => reply(out, &answer::hourly(&self.read(), self.cutoff(7))),
        };

        written.expect("answers are made of texts and numbers, which always can be written as JSON");
    }
}

fn reply(out: &mut Vec<u8>, data: &impl serde::Serialize) -> serde_json::Result<()> {
    serde_json::to_writer(out, data)
}
