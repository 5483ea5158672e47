//! Result tables: the rows of every table that a job's `redis` sink declares, in memory, as they are written.
//!
//! Nothing is in memory until somebody asks. The first request loads all rows, which takes about two seconds for a
//! million; from then on every change is applied. When nobody has asked for a while and no client follows a
//! table, the rows are dropped again. So a Weir whose result tables are not used does not pay for them.
//!
//! ```text
//! jobs ─ declare ─► ResultTables ─┐
//!                                 ▼
//! store ─ changes ─► Follower ─► Finder: which table has this key? ─► Table ─► routes, feed
//! ```
//!
//! The fifteen built-in analytics are result tables like all others. Their own routes answer from the index in
//! `analytics`, which keeps the sums that these routes need.
//!
//! A request reads the rows as they were when it began, without keeping the follower from writing: see `view.rs`.
//!
//! The memory of all rows is bounded. Beyond the bound, the table that takes most loses its oldest rows, a
//! quarter at a time, until there is room again. The rows stay in the store.

mod answer;
mod cell;
mod changes;
mod column;
mod describe;
mod fields;
mod fill;
mod filter;
mod finder;
mod follow;
mod format;
mod group;
pub(crate) mod live;
mod numbers;
mod request;
pub(crate) mod routes;
mod run;
mod scan;
mod series;
mod table;
mod template;
#[cfg(test)]
mod tests;
mod time;
mod view;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::tz::TimeZone;
use jobs::ResultTables;
use parking_lot::{Mutex, RwLock};
use storage::store::ResultStore;
use tokio::sync::{Semaphore, watch};
use types::Clock;

use crate::analytics::Moment;
use crate::metrics::Metrics;
use filter::{Filter, FilterError};
use finder::Finder;
pub(crate) use follow::Follower;
pub(crate) use format::COMPLETE;
pub(crate) use request::parse_bound;
#[cfg(test)]
pub(crate) use series::testing::Rows;
pub(crate) use series::{Newest, Series, SeriesAnswer, SeriesQuestion, Stamp};
use table::RowTable;

/// Time that a request waits for rows to be loaded.
const LOAD_WITHIN: Duration = Duration::from_secs(10);
/// Time without a request after which the rows are dropped, unless a client follows a table.
const UNUSED_AFTER: Duration = Duration::from_secs(15 * 60);
/// Requests that go through rows at one time. Others wait, so that they do not take all processors.
const READERS_MAX: usize = 4;

/// Checks the syntax of the conditions of a `where`, whose table need not exist yet.
pub(crate) fn check_conditions(text: &str) -> Result<(), FilterError> {
    Filter::check_syntax(text)
}

/// All result tables with their rows.
pub(crate) struct Results {
    declared: Arc<ResultTables>,
    shown: RwLock<Arc<Shown>>,
    /// The generation of the declarations whose rows are loaded; 0 while none are.
    loaded: watch::Sender<u64>,
    usage: Usage,
    readers: Arc<Semaphore>,
    store: Arc<dyn ResultStore>,
    clock: Arc<dyn Clock>,
    zone: TimeZone,
    /// Limit of the bytes of all rows.
    bytes_max: usize,
    metrics: Arc<Metrics>,
}

/// The tables that readers see.
#[derive(Default)]
struct Shown {
    by_name: BTreeMap<String, Arc<Slot>>,
    finder: Finder,
}

/// The place of a table. It is replaced when all rows are loaded again.
pub(crate) struct Slot {
    /// Distinguishes change numbers of this slot from those of earlier ones.
    epoch: u64,
    table: RwLock<RowTable>,
    /// Number of the newest change.
    changed: watch::Sender<u64>,
    /// Messages about changes that were made last, which many clients may need.
    shared: Mutex<VecDeque<live::Shared>>,
}

impl Results {
    pub(crate) fn new(
        declared: Arc<ResultTables>,
        store: Arc<dyn ResultStore>,
        clock: Arc<dyn Clock>,
        zone: TimeZone,
        bytes_max: usize,
        metrics: Arc<Metrics>,
    ) -> Results {
        Results {
            declared,
            shown: RwLock::default(),
            loaded: watch::Sender::new(0),
            usage: Usage::default(),
            readers: Arc::new(Semaphore::new(READERS_MAX)),
            store,
            clock,
            zone,
            bytes_max,
            metrics,
        }
    }

    /// Asks for the rows of all declared tables, and waits until they are loaded; returns false after a while.
    async fn are_loaded(&self) -> bool {
        self.usage.ask(self.clock.elapsed());
        let declared = self.declared.generation();
        let mut loaded = self.loaded.subscribe();
        let waiting = loaded.wait_for(|generation| *generation >= declared);
        // `self` owns the sender, so only the time can run out.
        tokio::time::timeout(LOAD_WITHIN, waiting).await.is_ok_and(|waited| waited.is_ok())
    }

    /// Returns whether the rows are of use: a request has asked for them not long ago, or a client follows a
    /// table.
    fn are_used(&self) -> bool {
        self.usage.since(self.clock.elapsed()) < UNUSED_AFTER
            || self.shown().by_name.values().any(|slot| slot.changed.receiver_count() > 0)
    }

    fn shown(&self) -> Arc<Shown> {
        Arc::clone(&self.shown.read())
    }

    fn slot(&self, name: &str) -> Option<Arc<Slot>> {
        self.shown.read().by_name.get(name).cloned()
    }

    /// Returns the time on the wall clock.
    fn now(&self) -> Moment {
        Moment::local(self.clock.now(), &self.zone)
    }

    /// Returns the bytes of all rows.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.shown().memory_bytes()
    }
}

/// When the rows were last asked for.
struct Usage {
    asks: crossbeam_channel::Sender<()>,
    asked: crossbeam_channel::Receiver<()>,
    /// Milliseconds on the clock's `elapsed`.
    last: AtomicU64,
}

impl Default for Usage {
    fn default() -> Usage {
        let (asks, asked) = crossbeam_channel::bounded(1);
        Usage { asks, asked, last: AtomicU64::new(0) }
    }
}

impl Usage {
    fn ask(&self, now: Duration) {
        self.last.store(u64::try_from(now.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
        // A full channel means that the follower has been asked already.
        let _ = self.asks.try_send(());
    }

    fn since(&self, now: Duration) -> Duration {
        now.saturating_sub(Duration::from_millis(self.last.load(Ordering::Relaxed)))
    }
}

impl Shown {
    fn memory_bytes(&self) -> usize {
        self.by_name.values().map(|slot| slot.table.read().memory_bytes()).sum()
    }
}

impl Slot {
    /// Returns the rows of the table as they are now. Holds the lock only for a moment.
    fn view(&self) -> view::TableView {
        self.table.read().view()
    }

    fn new(table: RowTable) -> Arc<Slot> {
        let epoch = (jobs::random_id() as u64).max(1);
        Arc::new(Slot {
            epoch,
            table: RwLock::new(table),
            changed: watch::Sender::new(0),
            shared: Mutex::default(),
        })
    }
}
