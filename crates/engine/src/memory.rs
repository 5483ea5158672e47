//! Memory: accounts how much state the jobs of a process hold, and decides which subtasks have to wait.
//!
//! Every subtask regularly reports what it holds. While a job, or all jobs together, hold too much, its
//! sources read nothing more: first the sources that are ahead in event time, so that the others catch up and
//! windows close; then all.
//!
//! States get a part of the memory, since a checkpoint copies them before it is written. The last eighth of
//! that part is reserved for jobs that hold little, in equal shares: a job that is full does not stop the
//! others.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use parking_lot::Mutex;

/// The divisor of the jobs' memory that gives the part for states. A copy and its bytes exist beside the
/// states while a checkpoint is taken, and a growing table exists twice for a moment.
const STATE_SHARE: usize = 3;
/// The divisor of the states' memory that gives the reserve for jobs that hold little.
const SPARE_SHARE: usize = 8;

/// The memory shared by all jobs of a process.
#[derive(Debug)]
pub struct Pool {
    /// Bytes that states may take.
    limit: usize,
    held: AtomicUsize,
    jobs: AtomicUsize,
}

/// How much of the memory for state is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryPressure {
    /// There is enough memory for more state.
    Low,
    /// Memory is scarce: only input that brings windows closer to their end should be read.
    High,
    /// No memory is left.
    Full,
}

/// The reason why a source subtask reads nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// It does not wait.
    No,
    /// It waits for the subtasks that hold back the watermark.
    ForOthers,
    /// It holds a batch for which there is no memory.
    ForMemory,
    /// It holds such a batch, and the watermark does not advance until the batch is processed.
    Stuck,
}

/// The memory of one job.
#[derive(Debug)]
pub struct Account {
    pool: Arc<Pool>,
    /// Bytes that states may take.
    limit: usize,
    held: AtomicUsize,
    holders: Mutex<Vec<Arc<Figures>>>,
}

/// The last report of a subtask.
#[derive(Debug)]
struct Figures {
    /// The name of each part: the queries that share it, or its other purpose.
    names: Vec<String>,
    parts: Vec<AtomicUsize>,
    waits: AtomicU8,
}

/// A subtask's handle of the account. Dropping it releases its memory.
#[derive(Debug)]
pub struct Holder {
    account: Arc<Account>,
    figures: Arc<Figures>,
    held: usize,
}

/// Bytes on their way from one subtask to another.
#[derive(Debug)]
pub struct Claim {
    account: Arc<Account>,
    bytes: usize,
}

/// A copy of an account's figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryView {
    pub held: usize,
    /// `None`: without limit.
    pub limit: Option<usize>,
    /// The bytes that all jobs hold.
    pub held_by_all: usize,
    /// The greatest first.
    pub by_query: Vec<(String, usize)>,
    /// The number of source subtasks that read nothing.
    pub waiting: usize,
    /// The number of those that block event time: no window closes until there is memory for their batches.
    pub stuck: usize,
}

impl Pool {
    /// Creates a pool. `memory` is what jobs may take, including checkpoints.
    pub fn of(memory: usize) -> Arc<Pool> {
        Arc::new(Pool::with_limit(for_states(memory)))
    }

    pub fn unlimited() -> Arc<Pool> {
        Arc::new(Pool::with_limit(usize::MAX))
    }

    fn with_limit(limit: usize) -> Pool {
        Pool { limit, held: AtomicUsize::new(0), jobs: AtomicUsize::new(0) }
    }

    /// Returns the bytes that all jobs hold.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Returns the bytes of state that all jobs together may hold; `None`: unlimited.
    pub fn limit(&self) -> Option<usize> {
        (self.limit < usize::MAX).then_some(self.limit)
    }

    /// Returns the pressure on a job that holds this many bytes.
    fn pressure_for(&self, held: usize) -> MemoryPressure {
        let spare = self.limit / SPARE_SHARE;
        if held <= spare / self.jobs.load(Ordering::Relaxed).max(1) {
            return MemoryPressure::Low;
        }
        pressure(self.held(), self.limit - spare)
    }
}

/// Returns the part of the memory that states get.
fn for_states(memory: usize) -> usize {
    memory / STATE_SHARE
}

/// Returns the pressure of this many bytes. It is high from two fifths of the limit on: if all tables double
/// then, a fifth remains for the subtasks that free memory.
fn pressure(held: usize, limit: usize) -> MemoryPressure {
    if held >= limit {
        MemoryPressure::Full
    } else if held >= limit / 5 * 2 {
        MemoryPressure::High
    } else {
        MemoryPressure::Low
    }
}

impl Account {
    /// Creates the account of a job. `memory` is its limit within the pool, including checkpoints; `None`:
    /// that of the pool.
    pub fn new(pool: Arc<Pool>, memory: Option<usize>) -> Arc<Account> {
        let limit = memory.map_or(usize::MAX, for_states).min(pool.limit);
        Arc::new(Account { pool, limit, held: AtomicUsize::new(0), holders: Mutex::default() })
    }

    /// Returns the bytes of state that the job may hold; `usize::MAX`: unlimited.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Adds a subtask; `names` are the names of its parts.
    pub fn holder(self: &Arc<Account>, names: Vec<String>) -> Holder {
        let parts = names.iter().map(|_| AtomicUsize::new(0)).collect();
        let waits = AtomicU8::new(Waits::No as u8);
        let figures = Arc::new(Figures { names, parts, waits });
        let mut holders = self.holders.lock();
        if holders.is_empty() {
            self.pool.jobs.fetch_add(1, Ordering::Relaxed);
        }
        holders.push(figures.clone());
        Holder { account: self.clone(), figures, held: 0 }
    }

    /// Returns the pressure that the job has to obey: that of its own limit or, if higher, that of the pool.
    pub fn pressure(&self) -> MemoryPressure {
        let held = self.held.load(Ordering::Relaxed);
        match pressure(held, self.limit) {
            MemoryPressure::Full => MemoryPressure::Full,
            MemoryPressure::High => match self.pool.pressure_for(held) {
                MemoryPressure::Full => MemoryPressure::Full,
                MemoryPressure::High | MemoryPressure::Low => MemoryPressure::High,
            },
            MemoryPressure::Low => self.pool.pressure_for(held),
        }
    }

    pub fn view(&self) -> MemoryView {
        let mut by_query: BTreeMap<&str, usize> = BTreeMap::new();
        let holders = self.holders.lock().clone();

        for holder in &holders {
            for (name, bytes) in holder.names.iter().zip(&holder.parts) {
                *by_query.entry(name).or_default() += bytes.load(Ordering::Relaxed);
            }
        }

        let mut by_query: Vec<(String, usize)> =
            by_query.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
        by_query.retain(|(_, bytes)| *bytes > 0);
        by_query.sort_by(|(a, of_a), (b, of_b)| of_b.cmp(of_a).then_with(|| a.cmp(b)));
        let waits = |holder: &&Arc<Figures>| holder.waits.load(Ordering::Relaxed);

        MemoryView {
            held: self.held.load(Ordering::Relaxed),
            limit: (self.limit < usize::MAX).then_some(self.limit),
            held_by_all: self.pool.held(),
            by_query,
            waiting: holders.iter().filter(|holder| waits(holder) != Waits::No as u8).count(),
            stuck: holders.iter().filter(|holder| waits(holder) == Waits::Stuck as u8).count(),
        }
    }

    /// Accounts bytes that are about to be sent.
    pub fn claim(self: &Arc<Account>, bytes: usize) -> Claim {
        self.change(0, bytes);
        Claim { account: self.clone(), bytes }
    }

    fn change(&self, before: usize, now: usize) {
        for held in [&self.held, &self.pool.held] {
            // Wrapping, because the sum of all differences is never negative.
            held.fetch_add(now.wrapping_sub(before), Ordering::Relaxed);
        }
    }
}

impl Holder {
    pub fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// Returns the bytes that the subtask last reported.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Reports the bytes of each part.
    pub fn tell(&mut self, parts: &[usize]) {
        for (figure, &bytes) in self.figures.parts.iter().zip(parts) {
            figure.store(bytes, Ordering::Relaxed);
        }
        let now = parts.iter().sum();
        self.account.change(self.held, now);
        self.held = now;
    }

    pub fn wait(&self, waits: Waits) {
        self.figures.waits.store(waits as u8, Ordering::Relaxed);
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.account.change(self.held, 0);
        let mut holders = self.account.holders.lock();
        holders.retain(|holder| !Arc::ptr_eq(holder, &self.figures));
        if holders.is_empty() {
            self.account.pool.jobs.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Claim {
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.account.change(self.bytes, 0);
    }
}

impl MemoryView {
    /// Returns whether some source reads nothing for lack of memory.
    pub fn is_held_back(&self) -> bool {
        self.waiting > 0
    }

    /// Returns whether this job cannot free memory by itself.
    pub fn is_stuck(&self) -> bool {
        self.stuck > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: usize = 1_000_000;

    fn holder(account: &Arc<Account>, name: &str, bytes: usize) -> Holder {
        let mut holder = account.holder(vec![name.to_owned()]);
        holder.tell(&[bytes]);
        holder
    }

    #[test]
    fn the_pressure_on_a_job_follows_its_own_limit() {
        let account = Account::new(Pool::of(1_000 * MB), Some(90 * MB));
        let mut of = holder(&account, "counts", 11 * MB);
        assert_eq!((account.limit(), account.pressure()), (30 * MB, MemoryPressure::Low));
        of.tell(&[13 * MB]);
        assert_eq!(account.pressure(), MemoryPressure::High);
        of.tell(&[30 * MB]);
        assert_eq!(account.pressure(), MemoryPressure::Full);
    }

    #[test]
    fn a_full_job_stops_itself_and_not_those_that_hold_little() {
        let pool = Pool::of(240 * MB);
        let [greedy, modest] = [(); 2].map(|()| Account::new(pool.clone(), None));
        let _all = holder(&greedy, "all", 71 * MB);
        let mut little = holder(&modest, "little", 4 * MB);
        assert_eq!((greedy.pressure(), modest.pressure()), (MemoryPressure::Full, MemoryPressure::Low));
        little.tell(&[6 * MB]);
        assert_eq!(
            modest.pressure(),
            MemoryPressure::Full,
            "beyond its share of what is spare it is as any other"
        );
        assert!(pool.held() <= 80 * MB);
    }

    #[test]
    fn what_was_held_is_given_back() {
        let pool = Pool::of(200 * MB);
        let account = Account::new(pool.clone(), None);
        let (first, second) = (holder(&account, "a", 10), holder(&account, "a", 20));
        let claim = account.claim(5);
        assert_eq!((pool.held(), account.view().by_query), (35, vec![("a".to_owned(), 30)]));
        drop((first, second, claim));
        assert_eq!((pool.held(), pool.jobs.load(Ordering::Relaxed)), (0, 0));
    }

    #[test]
    fn the_view_tells_who_holds_most_and_who_waits() {
        let account = Account::new(Pool::unlimited(), None);
        let (first, second) = (holder(&account, "a", 1), holder(&account, "b", 2));
        assert!(!account.view().is_held_back());
        first.wait(Waits::ForOthers);
        assert!(account.view().is_held_back() && !account.view().is_stuck());
        second.wait(Waits::Stuck);
        let view = account.view();
        assert_eq!((view.waiting, view.stuck, view.by_query[0].0.as_str()), (2, 1, "b"));
    }
}
