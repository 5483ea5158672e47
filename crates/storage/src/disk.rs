//! A fjall database on the data directory: how it is opened, what it may use of memory and disk, and what its errors
//! mean to the two ports.
//!
//! fjall refuses every write after one has failed (its journal may hold half a batch), until the process starts anew.
//! A full disk must not come to that, so [`Disk::check_room`] is asked before each write: it refuses while less than
//! a reserve is free, and the reserve is what flushes and compactions in the background live on.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;

use fjall::{CompressionType, Database, PersistMode};

use crate::journal::{self, AfterDamage};

/// What a database may use.
pub(crate) struct Budget {
    /// Bytes of decoded blocks kept in memory.
    pub(crate) cache_bytes: u64,
    /// Files of tables kept open. Each takes a handle, and memory for its index.
    pub(crate) open_files: usize,
    /// Writes are refused while less is free on the disk.
    pub(crate) keep_free_bytes: u64,
    /// What to do with a journal that is damaged before its end.
    pub(crate) after_damage: AfterDamage,
}

/// Journals beyond this make fjall flush the keyspaces that hold them back.
const JOURNALS_BYTES_MAX: u64 = 128 << 20;

/// What a disk must have room for that is not full: the largest record, unless set otherwise.
const WRITE_BYTES: usize = 1 << 20;

/// Files of tables that a database keeps open unless told otherwise.
pub(crate) const OPEN_FILES: usize = 128;

/// What went wrong, in the words that both ports share.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    Full(Arc<std::io::Error>),
    Locked {
        directory: String,
    },
    Damaged {
        place: String,
    },
    /// A write failed before: nothing more is written until the database is opened anew.
    Broken,
    Failed(Arc<dyn std::error::Error + Send + Sync>),
}

/// An open database and the directory it is in.
#[derive(Clone)]
pub(crate) struct Disk {
    pub(crate) database: Database,
    directory: Arc<Path>,
    keep_free_bytes: u64,
    /// Unlocked when it is dropped, after the database.
    _lock: Arc<File>,
}

/// Locked while the directory is in use. fjall has a lock too, but only takes it with its journal open already.
const LOCK_FILE: &str = "in-use";

impl Disk {
    /// Opens or creates the database, and mends the end of its journal where a crash has torn it.
    pub(crate) fn open(directory: &Path, budget: &Budget) -> Result<Disk, Fault> {
        std::fs::create_dir_all(directory)?;
        let locked = || Fault::Locked { directory: directory.display().to_string() };
        let lock =
            File::options().create(true).truncate(false).write(true).open(directory.join(LOCK_FILE))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => locked(),
            TryLockError::Error(error) => error.into(),
        })?;
        journal::mend(directory, budget.after_damage)?;
        let database = match open_database(directory, budget) {
            Err(fjall::Error::Locked) => return Err(locked()),
            opened => opened?,
        };
        let (directory, keep_free_bytes) = (directory.into(), budget.keep_free_bytes);
        Ok(Disk { database, directory, keep_free_bytes, _lock: Arc::new(lock) })
    }

    /// Fails while nothing can be written: after a failed write, and while the disk is full.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        // Hands over what the process holds of the journal, which costs nothing and tells whether that is still possible.
        self.database.persist(PersistMode::Buffer)?;
        self.check_room(WRITE_BYTES)
    }

    /// Bytes of what is not written to a table yet, and of blocks kept for readers.
    pub(crate) fn memory_bytes(&self) -> usize {
        let bytes = self.database.write_buffer_size().saturating_add(self.database.cache_size());
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    /// Fails while a write of so many bytes would leave less free than the reserve.
    pub(crate) fn check_room(&self, bytes: usize) -> Result<(), Fault> {
        let free = free_bytes(&self.directory)?;
        if free < self.keep_free_bytes.saturating_add(bytes as u64) {
            let told = format!(
                "{free} bytes are free in {}, and {} are kept free",
                self.directory.display(),
                self.keep_free_bytes
            );
            return Err(std::io::Error::new(std::io::ErrorKind::StorageFull, told).into());
        }
        Ok(())
    }
}

/// What is free on the disk of a directory, for whoever is not its administrator.
pub fn free_bytes(directory: &Path) -> std::io::Result<u64> {
    let disk = rustix::fs::statvfs(directory).map_err(std::io::Error::from)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn open_database(directory: &Path, budget: &Budget) -> fjall::Result<Database> {
    Database::builder(directory)
        .cache_size(budget.cache_bytes)
        .max_cached_files(Some(budget.open_files))
        .max_journaling_size(JOURNALS_BYTES_MAX)
        // Compressing here would be paid in every commit and again in every restart.
        .journal_compression(CompressionType::None)
        // With one, nothing is flushed while it compacts, and what waits in memory grows without bound.
        .worker_threads(2)
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
