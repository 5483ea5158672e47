//! Notes: short values stored with an append and kept for a day. A key begins with the day, so that old
//! notes are dropped as one range. A value is the time of the note (8 bytes big endian, milliseconds since
//! 1970), then the noted bytes.

use fjall::{Keyspace, PersistMode};
use types::Timestamp;

use super::key;
use crate::disk::{Disk, Fault};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Notes dropped in one batch, and batches per call.
const STEP_NOTES: usize = 1_000;
const STEPS: usize = 50;

/// Returns the key and value that store a note.
pub(super) fn row(name: &str, value: &[u8], now: Timestamp) -> (Vec<u8>, Vec<u8>) {
    let mut row = now.0.to_be_bytes().to_vec();
    row.extend_from_slice(value);
    (key::note(day(now), name), row)
}

/// Returns the value noted under a name within the last day.
pub(super) fn find(keyspace: &Keyspace, name: &str, now: Timestamp) -> Result<Option<Vec<u8>>, Fault> {
    let today = day(now);
    for day in [today, today.saturating_sub(1)] {
        let Some(row) = keyspace.get(key::note(day, name))? else { continue };
        if let Some((noted, value)) = row.split_first_chunk()
            && i64::from_be_bytes(*noted) > now.0.saturating_sub(DAY_MS)
        {
            return Ok(Some(value.to_vec()));
        }
    }
    Ok(None)
}

/// Drops expired notes, at most `STEPS` batches, so that commits hardly wait.
pub(super) fn forget(disk: &Disk, keyspace: &Keyspace, now: Timestamp) -> Result<(), Fault> {
    let kept = key::notes_of(day(now).saturating_sub(1));
    for _ in 0..STEPS {
        let mut batch = disk.database.batch().durability(Some(PersistMode::Buffer));
        let mut dropped = 0;
        for row in keyspace.range(key::notes_of(0)..kept).take(STEP_NOTES) {
            batch.remove(keyspace, row.key()?);
            dropped += 1;
        }
        if dropped > 0 {
            batch.commit()?;
        }
        if dropped < STEP_NOTES {
            break;
        }
    }
    Ok(())
}

fn day(now: Timestamp) -> u64 {
    (now.0.max(0) / DAY_MS).unsigned_abs()
}
