//! Removes expired rows: passes over all rows, a bounded number at a time.
//!
//! Reads do not return expired rows, so passes only free disk space and may be rare. An index by expiry would
//! find expired rows faster, but would double the work of each write: with one, a catch-up that writes many
//! rows takes a fifth more CPU time. A pass reads a million rows in about a second.
//!
//! A pass is left out while no row can have expired: the store knows a time before which no row expires.

use std::ops::Bound;
use std::sync::atomic::{AtomicI64, Ordering};

use fjall::PersistMode;
use parking_lot::Mutex;
use types::Timestamp;

use super::embedded::Files;
use super::row;
use crate::disk::Fault;

/// Rows read in one step.
const STEP_ROWS: usize = 1_024;

/// A lower bound of the expiry of all rows.
#[derive(Debug)]
pub(crate) struct Earliest(AtomicI64);

impl Earliest {
    /// Returns a bound for rows that were never read.
    pub(crate) fn unknown() -> Earliest {
        Earliest(AtomicI64::new(i64::MIN))
    }

    /// Takes account of a row that is about to be written, or stays.
    pub(crate) fn lower(&self, expires: Timestamp) {
        self.0.fetch_min(expires.0, Ordering::AcqRel);
    }

    /// Returns whether a row may have expired.
    pub(crate) fn may_be_past(&self, now: Timestamp) -> bool {
        self.0.load(Ordering::Acquire) <= now.0
    }

    /// Begins a pass, which calls [`Earliest::lower`] for each row that stays.
    pub(crate) fn begin_pass(&self) {
        self.0.store(i64::MAX, Ordering::Release);
    }

    /// Forgets what is known: a pass did not read all rows.
    pub(crate) fn forget(&self) {
        self.lower(Timestamp(i64::MIN));
    }
}

/// The outcome of one step.
pub(crate) struct Step {
    /// Rows removed.
    pub(crate) removed: u64,
    /// The key after which the next step begins; `None`: there are no more rows.
    pub(crate) next: Option<fjall::UserKey>,
}

/// Removes the expired rows among the next rows after a key. Holds the lock of writers while it removes them,
/// so that no row is removed that was just renewed.
pub(crate) fn step<T>(
    files: &Files,
    writing: &Mutex<T>,
    earliest: &Earliest,
    after: Option<fjall::UserKey>,
    now: Timestamp,
) -> Result<Step, Fault> {
    let rows = match &after {
        Some(key) => files.rows.range::<&[u8], _>((Bound::Excluded(key.as_ref()), Bound::Unbounded)),
        None => files.rows.iter(),
    };

    let mut expired = Vec::new();
    let (mut read, mut last) = (0, None);
    for found in rows.take(STEP_ROWS) {
        let (key, value) = found.into_inner()?;
        match expires(&value) {
            Some(at) if at > now => earliest.lower(at),
            _ => expired.push(key.clone()),
        }
        read += 1;
        last = Some(key);
    }
    let next = last.filter(|_| read == STEP_ROWS);
    if expired.is_empty() {
        return Ok(Step { removed: 0, next });
    }

    let _writing = writing.lock();
    let mut batch = files.disk.database.batch().durability(Some(PersistMode::Buffer));
    let mut removed = 0;
    for key in expired {
        if files.rows.get(&key)?.is_some_and(|value| expires(&value).is_none_or(|at| at <= now)) {
            batch.remove(&files.rows, key);
            removed += 1;
        }
    }
    batch.commit()?;
    Ok(Step { removed, next })
}

/// Returns the expiry of a stored row; `None` if the row is damaged.
fn expires(value: &[u8]) -> Option<Timestamp> {
    row::decode(value).map(|(expires, _)| expires)
}
