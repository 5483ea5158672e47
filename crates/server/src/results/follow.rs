//! Keeps the tables up to date while they are used: loads the rows of the store once, then applies every
//! change.
//!
//! The follower subscribes before it scans the store, and applies the changes after the scan, so that no
//! change is lost. It looks for new declarations before it applies a change: a job declares its tables before
//! it writes, so no row comes before its table. When the subscription ends (an unreachable store), all rows
//! are loaded into new tables while the old ones go on answering.
//!
//! The store is told which rows other writers may write, and reports them like those of jobs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError, select};
use jobs::ResultTable;
use storage::store::{Change, Following, StoreError};

use super::finder::Finder;
use super::table::{RowTable, Taken};
use super::template::Template;
use super::{Results, Shown, Slot};
use crate::analytics::Backlog;
use crate::error::Error;

/// Wait for a change before declarations and expired rows are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Wait before a failed store is asked again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Time that a shutdown waits for the thread.
const STOP_WITHIN: Duration = Duration::from_secs(2);
/// Changes applied before clients are told.
const CHANGES_MAX: usize = 256;
/// Rows between two checks of the memory.
const CHECK_ROWS: usize = 4_096;

/// The thread that follows the store. Dropping it ends the thread.
pub(crate) struct Follower {
    stop: Option<Sender<()>>,
    ended: Receiver<()>,
}

impl Follower {
    pub(crate) fn start(results: Arc<Results>) -> Result<Follower, Error> {
        let (stop, stopped) = crossbeam_channel::bounded(0);
        let (alive, ended) = crossbeam_channel::bounded(0);
        thread::Builder::new()
            .name("result-tables".to_owned())
            .spawn(move || {
                let _alive: Sender<()> = alive;
                Thread { results: &results, stopped, generation: 0, written: 0 }.run();
            })
            .map_err(|source| Error::Thread { name: "the result tables", source })?;
        Ok(Follower { stop: Some(stop), ended })
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        drop(self.stop.take());
        // The index of the analytics reports a store that hangs.
        let _ = self.ended.recv_timeout(STOP_WITHIN);
    }
}

struct Thread<'r> {
    results: &'r Results,
    stopped: Receiver<()>,
    /// The generation of the declarations that are shown.
    generation: u64,
    /// Rows written since the memory was checked.
    written: usize,
}

#[derive(PartialEq, Eq)]
enum Ended {
    Stopped,
    /// The store closed the subscription.
    Lost,
    /// Nobody has used the rows for a while.
    Unused,
}

impl Thread<'_> {
    fn run(&mut self) {
        loop {
            if !self.wait_for_use() {
                return;
            }
            let ended = self.results.store.follow().and_then(|following| {
                // New tables: unknown changes were missed.
                self.show(&following, &BTreeMap::new(), None)?;
                Ok(self.follow(&following))
            });
            match ended {
                Ok(Ended::Stopped) => return,
                Ok(Ended::Unused) => {
                    self.unload();
                    continue;
                }
                Ok(Ended::Lost) => {}
                Err(error) => {
                    // The index of the analytics warns of the same store.
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "result tables cannot be loaded"
                    );
                }
            }
            if self.stopped.recv_timeout(RETRY_AFTER) != Err(crossbeam_channel::RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    /// Waits until somebody asks for rows; returns false when told to stop.
    fn wait_for_use(&self) -> bool {
        if self.generation > 0 && self.results.are_used() {
            return true;
        }
        select! {
            recv(self.stopped) -> _ => false,
            recv(self.results.usage.asked) -> _ => true,
        }
    }

    /// Drops all rows.
    fn unload(&mut self) {
        self.results.loaded.send_replace(0);
        *self.results.shown.write() = Arc::default();
        self.results.store.watch(Vec::new());
        self.generation = 0;
    }

    fn follow(&mut self, following: &Following) -> Ended {
        let stopped = self.stopped.clone();
        loop {
            select! {
                recv(stopped) -> _ => return Ended::Stopped,
                recv(following) -> change => {
                    let Ok(change) = change else { return Ended::Lost };
                    let Ok(change) = self.look_for_tables(following, Some(change)) else {
                        return Ended::Lost;
                    };
                    let changes = change.into_iter().chain(following.try_iter()).take(CHANGES_MAX);
                    self.apply(changes);
                }
                default(LOOK_EVERY) => {
                    if self.look_for_tables(following, None).is_err() {
                        return Ended::Lost;
                    }
                    self.check_memory();
                    if !self.results.are_used() {
                        return Ended::Unused;
                    }
                }
            }
            self.expire();
        }
    }

    /// Shows new and changed declarations, with the rows that the store has already. `first` is a change that
    /// was received and not applied; returns it unless it was applied here, in front of later changes.
    fn look_for_tables(
        &mut self,
        following: &Following,
        first: Option<Arc<Change>>,
    ) -> Result<Option<Arc<Change>>, StoreError> {
        if self.results.declared.generation() == self.generation {
            return Ok(first);
        }
        let known = self.results.shown();
        let by_identity = known.by_name.values().map(|slot| {
            let declared = &slot.table.read().declared;
            ((declared.name.clone(), declared.key.clone()), Arc::clone(slot))
        });
        self.show(following, &by_identity.collect(), first)?;
        Ok(None)
    }

    /// Shows all declared tables. Loads tables that are not known, or declared otherwise, and those with which they
    /// may share keys.
    fn show(
        &mut self,
        following: &Following,
        known: &BTreeMap<(String, String), Arc<Slot>>,
        first: Option<Arc<Change>>,
    ) -> Result<(), StoreError> {
        let results = self.results;
        let generation = results.declared.generation();
        let declared = results.declared.all();
        let replaced = replaced_prefixes(known, &declared);
        let mut slots: Vec<(String, Arc<Slot>)> = Vec::new();
        let mut fresh: Vec<Arc<Slot>> = Vec::new();
        for (name, declared) in declared {
            let template = Arc::new(Template::of(&declared));
            // The keys of a table may now fit the template of another one better, or no longer.
            let keeps_rows = !replaced.iter().any(|prefix| may_share_keys(prefix, template.prefix()));
            let before = known.get(&(declared.name.clone(), declared.key.clone()));
            let slot = match before.filter(|_| keeps_rows) {
                Some(slot) => {
                    slot.table.write().declared = declared;
                    Arc::clone(slot)
                }
                None => {
                    let slot = Slot::new(RowTable::new(declared, template, results.zone.clone()));
                    fresh.push(Arc::clone(&slot));
                    slot
                }
            };
            slots.push((name, slot));
        }

        let finder = Finder::new(slots.iter().map(|(_, slot)| slot));
        results.store.watch(finder.interests());
        let shown = Shown { by_name: slots.into_iter().collect(), finder };
        let meanwhile = self.load(following, &shown, &fresh)?;
        let Some(meanwhile) = meanwhile else { return Ok(()) };

        *results.shown.write() = Arc::new(shown);
        self.generation = generation;
        self.apply(first.into_iter().chain(meanwhile));
        self.check_memory();
        results.loaded.send_replace(generation);
        Ok(())
    }

    /// Loads the rows of fresh tables. Returns the changes of the meantime, `None` when told to stop.
    fn load(
        &mut self,
        following: &Following,
        shown: &Shown,
        fresh: &[Arc<Slot>],
    ) -> Result<Option<Vec<Arc<Change>>>, StoreError> {
        let mut backlog = Backlog::default();
        let (mut unchecked, mut stop) = (0, false);
        fresh.iter().for_each(|slot| slot.table.write().begin_load());
        let finder = Finder::new(fresh.iter());
        let now = self.results.clock.now().0;

        self.results.store.scan_any(&finder.prefixes(), &mut |entries| {
            for entry in &entries {
                // The row may belong to a known table with a longer template.
                let found = shown.finder.find(&entry.key);
                if let Some(slot) = found.filter(|slot| fresh.iter().any(|fresh| Arc::ptr_eq(fresh, slot))) {
                    slot.table.write().write(&entry.key, &entry.value, entry.expires, now);
                }
            }

            // A writer waits for its followers, and should not wait for a whole scan.
            backlog.take(following);
            unchecked += entries.len();
            if unchecked >= CHECK_ROWS {
                unchecked = 0;
                shrink(self.results, shown);
            }
            stop = self.stopped.try_recv() == Err(TryRecvError::Disconnected);
            !stop
        })?;
        if stop {
            return Ok(None);
        }
        fresh.iter().for_each(|slot| slot.table.write().end_load());
        Ok(Some(backlog.changes))
    }

    fn apply(&mut self, changes: impl Iterator<Item = Arc<Change>>) {
        let results = self.results;
        let shown = results.shown();
        let now = results.clock.now().0;
        let mut touched: Vec<Arc<Slot>> = Vec::new();
        let mut touch = |slot: &Arc<Slot>| {
            if !touched.iter().any(|known| Arc::ptr_eq(known, slot)) {
                touched.push(Arc::clone(slot));
            }
        };

        for change in changes {
            for key in &change.deleted {
                if let Some(slot) = shown.finder.find(key) {
                    slot.table.write().delete(key, now);
                    touch(slot);
                }
            }
            for entry in &change.entries {
                let Some(slot) = shown.finder.find(&entry.key) else { continue };
                let taken = slot.table.write().write(&entry.key, &entry.value, entry.expires, now);
                match taken {
                    Taken::Row => touch(slot),
                    Taken::NoObject | Taken::TooOld => {}
                }
                self.written += 1;
            }
        }

        for slot in touched {
            let number = slot.table.read().changes.number();
            slot.changed.send_replace(number);
        }
        if self.written >= CHECK_ROWS {
            self.check_memory();
        }
    }

    fn check_memory(&mut self) {
        self.written = 0;
        let dropped = shrink(self.results, &self.results.shown());
        if dropped > 0 && self.results.metrics.rows_left_out.inc_by(dropped as u64) == 0 {
            tracing::warn!(
                bytes = self.results.bytes_max,
                rows = dropped,
                "rows of result tables exceed `http.result_tables_memory`: answers omit the oldest rows, which stay in the \
                 store; let rows expire sooner (`ttl`), write fewer rows, or raise the limit"
            );
        }
    }

    fn expire(&self) {
        let now = self.results.clock.now().0;
        for slot in self.results.shown().by_name.values() {
            if slot.table.read().first_expiry() <= now {
                slot.table.write().expire(now);
            }
        }
    }
}

/// Returns the beginnings of the keys of tables that are new, declared otherwise, or gone.
fn replaced_prefixes(
    known: &BTreeMap<(String, String), Arc<Slot>>,
    declared: &[(String, Arc<ResultTable>)],
) -> Vec<String> {
    let mut gone = known.clone();
    let mut prefixes = Vec::new();
    for (_, table) in declared {
        let before = gone.remove(&(table.name.clone(), table.key.clone()));
        if !before.is_some_and(|slot| is_same(&slot.table.read().declared, table)) {
            prefixes.push(Template::of(table).prefix().to_owned());
        }
    }
    prefixes.extend(gone.values().map(|slot| slot.table.read().template.prefix().to_owned()));
    prefixes
}

/// Returns whether a key may have both beginnings.
fn may_share_keys(one: &str, other: &str) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// Returns whether the rows of a table are read in the same way after another declaration.
fn is_same(before: &ResultTable, after: &ResultTable) -> bool {
    (&before.columns, before.ttl_seconds) == (&after.columns, after.ttl_seconds)
}

/// Drops rows when they take more memory than they may, down to somewhat less; returns their number.
fn shrink(results: &Results, shown: &Shown) -> usize {
    if shown.memory_bytes() <= results.bytes_max {
        return 0;
    }
    let mut dropped = 0;
    while shown.memory_bytes() > results.bytes_max / 8 * 7 {
        let heaviest = shown.by_name.values().max_by_key(|slot| slot.table.read().memory_bytes());
        let rows = heaviest.map_or(0, |slot| slot.table.write().drop_oldest());
        if rows == 0 {
            break;
        }
        dropped += rows;
    }
    dropped
}
