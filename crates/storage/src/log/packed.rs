//! Entries that senders encode and compress before they queue their records.
//!
//! The committer is one thread. What the senders' threads do for it in parallel makes its commits shorter. It
//! adds what only it knows: the time and place of an entry in its partition.

use types::{PartitionId, Timestamp};

use super::NewRecord;
use super::draft::ENTRY_BYTES;
use super::entry::{self, RECORD_OVERHEAD_BYTES};

/// Average size of a request's records in each of its partitions from which they are entries of their own. The
/// committer joins smaller ones with those of other requests, because many small entries are slow to read.
const PACKED_FROM_BYTES: usize = 16 << 10;

/// An entry without its time, position and checksum.
pub(crate) struct Packed {
    pub(crate) partition: PartitionId,
    pub(crate) records: u64,
    pub(crate) bytes: Vec<u8>,
}

/// Encodes the records of a request, given with the partition of each. The entries of a partition hold its
/// records in order. Returns `None` if they are too small to be entries of their own.
pub(crate) fn pack(records: &[NewRecord], partitions: &[PartitionId]) -> Option<Vec<Packed>> {
    let bytes: usize = records.iter().map(|record| record.bytes() + RECORD_OVERHEAD_BYTES).sum();
    if bytes < PACKED_FROM_BYTES {
        return None;
    }

    let mut sorted: Vec<(PartitionId, entry::Draft<'_>)> = partitions
        .iter()
        .zip(records)
        .map(|(partition, record)| (*partition, entry::Draft { record, appended: Timestamp(0) }))
        .collect();
    sorted.sort_by_key(|(partition, _)| partition.0);
    let by_partition = || sorted.chunk_by(|(one, _), (other, _)| one == other);
    if bytes / by_partition().count() < PACKED_FROM_BYTES {
        return None;
    }

    let mut entries = Vec::new();
    for of_partition in by_partition() {
        let mut drafts = Vec::new();
        let mut drafts_bytes = 0;
        for (number, (partition, draft)) in of_partition.iter().enumerate() {
            drafts.push(*draft);
            drafts_bytes += draft.record.bytes() + RECORD_OVERHEAD_BYTES;
            if drafts_bytes >= ENTRY_BYTES || number + 1 == of_partition.len() {
                let bytes = entry::encode_unstamped(&drafts);
                entries.push(Packed { partition: *partition, records: drafts.len() as u64, bytes });
                drafts.clear();
                drafts_bytes = 0;
            }
        }
    }

    Some(entries)
}
