//! Removes expired rows along the index of expiry, a bounded number at a time.

use fjall::PersistMode;
use types::Timestamp;

use super::embedded::Files;
use super::row;
use crate::disk::Fault;

/// Index keys processed in one step; writers wait meanwhile.
const STEP_KEYS: usize = 512;

pub(crate) struct Step {
    /// Rows removed.
    pub(crate) removed: u64,
    /// Whether no index key is due any more.
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
        // A row that was written again has a later index key, and is removed with that.
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
