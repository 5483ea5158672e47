//! A fjall database on the data directory: how it is opened, its limits of memory and disk, and the meaning
//! of its errors to the event log and the result store.
//!
//! Once a write fails, fjall refuses every further write until the process restarts, because its journal
//! may hold half a batch. A full disk must therefore never reach fjall: [`Disk::check_room`] runs before
//! each write and refuses the write while less than a reserve is free. Background flushes and compactions
//! live on that reserve.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fjall::{CompressionType, Database, PersistMode};

use crate::journal::{self, AfterDamage};

/// Limits of a database.
pub(crate) struct Budget {
    /// Size of the cache of decoded blocks.
    pub(crate) cache_bytes: u64,
    /// Table files kept open. Each takes a file handle, and memory for its index.
    pub(crate) open_files: usize,
    /// Free disk space below which writes are refused.
    pub(crate) keep_free_bytes: u64,
    /// Policy for a journal that is damaged before its end.
    pub(crate) after_damage: AfterDamage,
    /// Threads that flush and compact. A single thread leaves flushes waiting while it compacts, so that unflushed data grows
    /// without bound if compactions copy values. With two, the first polls without a pause while the second works.
    pub(crate) workers: usize,
}

/// Total journal size above which fjall flushes the keyspaces that hold the journals back.
const JOURNALS_BYTES_MAX: u64 = 128 << 20;

/// Free space beyond the reserve that [`Disk::check`] asks for: the largest record at the default settings.
const WRITE_BYTES: usize = 1 << 20;

/// Table files that a database keeps open by default.
pub(crate) const OPEN_FILES: usize = 128;

/// Causes of failure that the event log and the result store share.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    Full(Arc<std::io::Error>),
    Locked {
        directory: String,
    },
    Damaged {
        place: String,
    },
    /// An earlier write failed, so the database refuses writes until it is reopened.
    Broken,
    Failed(Arc<dyn std::error::Error + Send + Sync>),
}

/// An open database and the directory it is in.
#[derive(Clone)]
pub(crate) struct Disk {
    pub(crate) database: Database,
    directory: Arc<Path>,
    keep_free_bytes: u64,
    /// Declared last, so that it is unlocked after the database is dropped.
    _lock: Arc<File>,
}

/// File locked while the directory is in use. fjall locks too, but only after it has opened its journal.
const LOCK_FILE: &str = "in-use";

/// Attempts to take a lock that is held, and the pause between them: a process that ends, or a child that has not become its
/// program yet, holds it for a moment longer.
const LOCK_ATTEMPTS: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

impl Disk {
    /// Opens or creates the database. First cuts the end of its journal where a crash has torn it.
    pub(crate) fn open(directory: &Path, budget: &Budget) -> Result<Disk, Fault> {
        std::fs::create_dir_all(directory)?;
        let mut attempts = 1..LOCK_ATTEMPTS;
        let mut wait_or_fail = || {
            let locked = || Fault::Locked { directory: directory.display().to_string() };
            attempts.next().ok_or_else(locked)?;
            // The channel gets one message, after the pause.
            let _ = crossbeam_channel::after(LOCK_PAUSE).recv();
            Ok::<(), Fault>(())
        };

        let lock =
            File::options().create(true).truncate(false).write(true).open(directory.join(LOCK_FILE))?;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => wait_or_fail()?,
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
        }

        journal::mend(directory, budget.after_damage)?;
        let database = loop {
            match open_database(directory, budget) {
                Err(fjall::Error::Locked) => wait_or_fail()?,
                opened => break opened?,
            }
        };
        let (directory, keep_free_bytes) = (directory.into(), budget.keep_free_bytes);
        Ok(Disk { database, directory, keep_free_bytes, _lock: Arc::new(lock) })
    }

    /// Fails while nothing can be written: after a failed write, or while the disk is full.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        // Flushes the process's buffer of the journal to the system: cheap, and it fails once fjall is
        // broken.
        self.database.persist(PersistMode::Buffer)?;
        self.check_room(WRITE_BYTES)
    }

    /// Returns the bytes held in memory: data not flushed to a table yet, and cached blocks.
    pub(crate) fn memory_bytes(&self) -> usize {
        let bytes = self.database.write_buffer_size().saturating_add(self.database.cache_size());
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    /// Fails when a write of `bytes` would leave less than the reserve free.
    pub(crate) fn check_room(&self, bytes: usize) -> Result<(), Fault> {
        let free = free_bytes(&self.directory)?;
        if free < self.keep_free_bytes.saturating_add(bytes as u64) {
            let told = format!(
                "only {free} bytes are free in {}, and {} must stay free",
                self.directory.display(),
                self.keep_free_bytes
            );
            return Err(std::io::Error::new(std::io::ErrorKind::StorageFull, told).into());
        }
        Ok(())
    }
}

/// Returns the free bytes of a directory's disk that an unprivileged process may use.
pub fn free_bytes(directory: &Path) -> std::io::Result<u64> {
    let disk = rustix::fs::statvfs(directory).map_err(std::io::Error::from)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn open_database(directory: &Path, budget: &Budget) -> fjall::Result<Database> {
    Database::builder(directory)
        .cache_size(budget.cache_bytes)
        .max_cached_files(Some(budget.open_files))
        .max_journaling_size(JOURNALS_BYTES_MAX)
        // Compression here would cost time in every commit and again at every restart.
        .journal_compression(CompressionType::None)
        .worker_threads(budget.workers)
        .open()
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Fault {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Fault::Full(Arc::new(error))
            }
            _ => Fault::Failed(Arc::new(error)),
        }
    }
}

impl From<fjall::Error> for Fault {
    fn from(error: fjall::Error) -> Fault {
        match error {
            fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => error.into(),
            fjall::Error::Poisoned => Fault::Broken,
            fjall::Error::JournalRecovery(reason) => {
                Fault::Damaged { place: format!("its journal ({reason})") }
            }
            fjall::Error::Storage(fjall::LsmError::ChecksumMismatch { .. }) => {
                Fault::Damaged { place: "a table, whose checksum does not match".to_owned() }
            }
            other => Fault::Failed(Arc::new(other)),
        }
    }
}
