//! The result store on the data directory.
//!
//! Writes go one after the other, and followers receive changes in the same order, so a follower that applies
//! them ends at the store's state. Reads do not wait. A write survives the end of the process at once, and a
//! power cut after [`ResultStore::flush`]: a job recomputes its results from the last checkpoint, which
//! flushes first.
//!
//! The store has a database of its own beside the log's, because the log's syncs would delay every write
//! here.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use fjall::compaction::Leveled;
use fjall::config::BlockSizePolicy;
use fjall::{Keyspace, KeyspaceCreateOptions, PersistMode};
use parking_lot::{Mutex, RwLock};
use types::{Clock, Timestamp};

use super::followers::Followers;
use super::sweep::{self, Earliest};
use super::{EachStep, Entry, Following, Interest, ResultStore, StoreError, Upsert, WriteBatch, row};
use crate::disk::{Budget, Disk, Fault, OPEN_FILES};
use crate::journal::AfterDamage;

/// Limits of the embedded store.
#[derive(Debug, Clone)]
pub struct Options {
    /// Interval between removals of expired rows, ten minutes by default. Reads do not return expired rows in
    /// the meantime.
    pub sweep_interval: Duration,
    /// Changes that a follower may lag behind before writers wait for it, 256 by default.
    pub follower_changes: usize,
    /// Free disk space below which writes are refused, 256 MiB by default. Background work needs some room.
    pub keep_free_bytes: u64,
    /// Files kept open for reading, 128 by default. A few more are open for short times.
    pub open_files: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            sweep_interval: Duration::from_secs(10 * 60),
            follower_changes: 256,
            keep_free_bytes: 256 << 20,
            open_files: OPEN_FILES,
        }
    }
}

/// Size of the table in memory that holds what is not flushed yet.
const MEMTABLE_BYTES: u64 = 12 << 20;
const CACHE_BYTES: u64 = 16 << 20;
/// Tables keep a key of each block in memory, beside the cache. With fjall's default blocks of 4 KiB, that
/// would take 10 MB for 1,500,000 rows.
const BLOCK_BYTES: u32 = 16 << 10;

/// Tables of the newest level that are merged into the next level at once. While fjall compacts, one of its
/// threads also polls in a loop, so few large compactions are cheaper than many.
const L0_TABLES: u8 = 8;
/// With `L0_TABLES`, it sets how large the next level may become before it is merged further.
const TABLE_BYTES: u64 = 32 << 20;

/// Compactions copy rows, and flushes must not wait for them.
const WORKERS: usize = 2;

/// Rows that a scan passes on at once.
const STEP_ROWS: usize = 256;

/// Pause of the sweeper between two steps, so that it takes a small part of a core.
const PAUSE: Duration = Duration::from_millis(5);

/// The embedded result store. Dropping it closes it, as [`EmbeddedStore::close`] does.
pub struct EmbeddedStore {
    shared: Arc<Shared>,
    /// Dropping the sender stops the sweeper.
    sweeper: Mutex<Option<(Sender<()>, JoinHandle<()>)>>,
}

pub(crate) struct Shared {
    clock: Arc<dyn Clock>,
    /// Locked while a batch is applied and sent to followers, and while expired rows are removed, so that no
    /// row is removed that was just renewed.
    writing: Mutex<Followers>,
    /// `None` once the store is closed.
    files: RwLock<Option<Files>>,
    earliest: Earliest,
}

#[derive(Clone)]
pub(crate) struct Files {
    pub(crate) disk: Disk,
    pub(crate) rows: Keyspace,
}

impl EmbeddedStore {
    /// Opens the store in a directory of its own, which is created if missing.
    ///
    /// Fails with [`StoreError::Locked`] if another process has it open.
    pub fn open(
        directory: &Path,
        options: Options,
        clock: Arc<dyn Clock>,
    ) -> Result<EmbeddedStore, StoreError> {
        let budget = Budget {
            cache_bytes: CACHE_BYTES,
            open_files: options.open_files,
            keep_free_bytes: options.keep_free_bytes,
            after_damage: AfterDamage::Cut,
            workers: WORKERS,
        };

        let files =
            open_files(directory, &budget).map_err(|fault| StoreError::of(fault, "opening its files"))?;
        let shared = Arc::new(Shared {
            clock,
            writing: Mutex::new(Followers::new(options.follower_changes)),
            files: RwLock::new(Some(files)),
            earliest: Earliest::unknown(),
        });

        let (stop, stopped) = crossbeam_channel::bounded(0);
        let of_sweeper = shared.clone();

        let sweeper = std::thread::Builder::new()
            .name("store-sweep".to_owned())
            .spawn(move || of_sweeper.sweep_until(&stopped, options.sweep_interval))
            .map_err(|error| StoreError::of(error.into(), "starting its thread"))?;

        Ok(EmbeddedStore { shared, sweeper: Mutex::new(Some((stop, sweeper))) })
    }

    /// Removes expired rows now and returns their number. Without a call, they are removed every
    /// [`Options::sweep_interval`].
    pub fn sweep(&self) -> Result<u64, StoreError> {
        self.shared.sweep(&|| false)
    }

    /// Returns the bytes held in memory by the database and for followers.
    pub fn memory_bytes(&self) -> usize {
        let of_files = self.shared.files.read().as_ref().map_or(0, |files| files.disk.memory_bytes());
        // A writer that waits for a follower holds the lock. The followers then hold as much as they may.
        let of_followers = self.shared.writing.try_lock();
        of_files
            + of_followers.map_or(super::followers::HELD_BYTES_MAX, |mut followers| followers.held_bytes())
    }

    /// Makes all writes durable, ends the followers' queues, and frees the directory.
    pub fn close(&self) {
        if let Some((stop, sweeper)) = self.sweeper.lock().take() {
            drop(stop);
            if sweeper.join().is_err() {
                tracing::error!("the thread that removes expired results had panicked");
            }
        }
        let mut followers = self.shared.writing.lock();
        if let Some(files) = self.shared.files.write().take()
            && let Err(error) = files.disk.database.persist(PersistMode::SyncData)
        {
            tracing::error!(%error, "the last results may not survive a power cut");
        }
        followers.dismiss();
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.close();
    }
}

fn open_files(directory: &Path, budget: &Budget) -> Result<Files, Fault> {
    let disk = Disk::open(directory, budget)?;
    let options = || {
        KeyspaceCreateOptions::default()
            .max_memtable_size(MEMTABLE_BYTES)
            .compaction_strategy(Arc::new(compaction()))
            .data_block_size_policy(BlockSizePolicy::all(BLOCK_BYTES))
    };
    let rows = disk.database.keyspace("rows", options)?;

    // Earlier versions kept an index of expiry.
    if disk.database.keyspace_exists("expiry") {
        disk.database.delete_keyspace(disk.database.keyspace("expiry", options)?)?;
    }
    Ok(Files { disk, rows })
}

fn compaction() -> Leveled {
    Leveled::default().with_l0_threshold(L0_TABLES).with_table_target_size(TABLE_BYTES)
}

impl Shared {
    fn files(&self) -> Result<Files, StoreError> {
        self.files.read().clone().ok_or(StoreError::Closed)
    }

    fn sweep_until(&self, stopped: &Receiver<()>, interval: Duration) {
        // Nothing is ever sent: the disconnected channel is the signal to stop.
        let told_to_stop =
            || stopped.recv_timeout(PAUSE) == Err(crossbeam_channel::RecvTimeoutError::Disconnected);
        while stopped.recv_timeout(interval) == Err(crossbeam_channel::RecvTimeoutError::Timeout) {
            match self.sweep(&told_to_stop) {
                Ok(0) => {}
                Ok(rows) => tracing::debug!(rows, "expired results were removed"),
                Err(error) => tracing::error!(?error, "expired results could not be removed"),
            }
        }
    }

    fn sweep(&self, stop: &dyn Fn() -> bool) -> Result<u64, StoreError> {
        let files = self.files()?;
        if !self.earliest.may_be_past(self.clock.now()) {
            return Ok(0);
        }

        // Under the lock, so that the pass reads every row whose expiry was noted before.
        let writing = self.writing.lock();
        self.earliest.begin_pass();
        drop(writing);

        let (mut removed, mut after) = (0, None);
        loop {
            let step = sweep::step(&files, &self.writing, &self.earliest, after, self.clock.now());
            let step = step.map_err(|fault| {
                self.earliest.forget();
                StoreError::of(fault, "removing expired results")
            })?;
            removed += step.removed;
            if step.next.is_none() {
                return Ok(removed);
            }
            after = step.next;
            if stop() {
                self.earliest.forget();
                return Ok(removed);
            }
        }
    }

    fn apply(&self, files: &Files, batch: &WriteBatch, now: Timestamp) -> Result<(), Fault> {
        files
            .disk
            .check_room(batch.upserts.iter().map(|upsert| upsert.key.len() + upsert.value.len()).sum())?;

        let items = batch.upserts.len() + batch.deletes.len() + 1;
        let mut writes = fjall::OwnedWriteBatch::with_capacity(files.disk.database.clone(), items)
            .durability(Some(PersistMode::Buffer));

        // In the order of keys, a write finds its place in the memtable near that of the one before. Of equal
        // keys, the last must win.
        let mut upserts: Vec<&Upsert> = batch.upserts.iter().collect();
        upserts.sort_by(|a, b| a.key.cmp(&b.key));
        for Upsert { key, value, ttl } in upserts {
            let expires = row::expires(now, *ttl);
            self.earliest.lower(expires);
            writes.insert(&files.rows, key.as_bytes(), row::encode(expires, value));
        }
        for key in &batch.deletes {
            writes.remove(&files.rows, key.as_bytes());
        }

        if let Some(told) = &batch.notification
            && let Some(key) = batch.latest_key()
        {
            writes.insert(&files.rows, key.as_bytes(), row::encode(row::NEVER, told.time.as_bytes()));
        }

        writes.commit()?;
        Ok(())
    }
}

impl ResultStore for EmbeddedStore {
    fn write(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        batch.keys().chain(batch.latest_key()).try_for_each(|key| row::check_key(key))?;
        let mut followers = self.shared.writing.lock();
        let files = self.shared.files()?;
        let now = self.shared.clock.now();
        self.shared.apply(&files, batch, now).map_err(|fault| StoreError::of(fault, "writing results"))?;
        if !followers.is_empty() {
            followers.tell(batch.change(now));
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        let synced = self.shared.files()?.disk.database.persist(PersistMode::SyncData);
        synced.map_err(|error| StoreError::of(error.into(), "syncing results"))
    }

    fn get(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        row::check_key(key)?;
        let found = self.shared.files()?.rows.get(key).map_err(reading)?;
        found.map_or(Ok(None), |found| row::entry(key.as_bytes(), &found, self.shared.clock.now()))
    }

    fn scan_any(&self, prefixes: &[String], each: &mut EachStep<'_>) -> Result<(), StoreError> {
        let files = self.shared.files()?;
        let now = self.shared.clock.now();
        let mut step = Vec::new();

        for prefix in prefixes {
            let rows = if prefix.is_empty() { files.rows.iter() } else { files.rows.prefix(prefix) };
            // Expired rows count too, since reading them takes as long.
            for (read, found) in (1_usize..).zip(rows) {
                let (key, found) = found.into_inner().map_err(reading)?;
                step.extend(row::entry(&key, &found, now)?);
                if read.is_multiple_of(STEP_ROWS) && !each(std::mem::take(&mut step)) {
                    return Ok(());
                }
            }
            if !each(std::mem::take(&mut step)) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Only this process writes here.
    fn watch(&self, _: Vec<Interest>) {}

    fn follow(&self) -> Result<Following, StoreError> {
        let mut followers = self.shared.writing.lock();
        self.shared.files()?;
        Ok(followers.add())
    }

    fn address(&self) -> (String, String) {
        ("embedded".to_owned(), "0".to_owned())
    }

    fn ping(&self) -> Result<(), StoreError> {
        let checked = self.shared.files()?.disk.check();
        checked.map_err(|fault| StoreError::of(fault, "checking whether it is writable"))
    }

    fn remark(&self) -> Option<String> {
        None
    }
}

fn reading(error: fjall::Error) -> StoreError {
    StoreError::of(error.into(), "reading results")
}
