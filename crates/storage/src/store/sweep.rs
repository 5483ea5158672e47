//! Removing what has expired, a bounded number of rows at a time, along the index of expiry.

use fjall::PersistMode;
use types::Timestamp;

use super::embedded::Files;
use super::row;
use crate::disk::Fault;

/// Index keys looked at in one step; writers wait as long.
const STEP_KEYS: usize = 512;

pub(crate) struct Step {
    /// Rows removed.
    pub(crate) removed: u64,
    /// Whether nothing is left to look at for now.
    pub(crate) last: bool,
}

pub(crate) fn step(files: &Files, now: Timestamp) -> Result<Step, Fault> {
    let mut batch = files.disk.database.batch().durability(Some(PersistMode::Buffer));
    let mut step = Step { removed: 0, last: true };

    for (number, indexed) in files.expiry.range(..row::index_until(now)).enumerate() {
        if number == STEP_KEYS {
            step.last = false;
            break;
        }
        let index = indexed.key()?;
        let key = row::indexed_key(&index);
        // A row that was written again since is in the index a second time, and goes then.
        let expired =
            files.rows.get(key)?.is_some_and(|found| row::decode(&found).is_none_or(|(at, _)| at <= now));
        if expired {
            batch.remove(&files.rows, key);
            step.removed += 1;
        }
        batch.remove(&files.expiry, index.clone());
    }

    batch.commit()?;
    Ok(step)
}
