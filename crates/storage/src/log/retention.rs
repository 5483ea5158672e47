//! Retention: drops whole segments, oldest first.
//!
//! A segment is dropped when all of it is older than the age limit. It is also dropped when its topic is
//! larger than the size limit and it is the topic's oldest; the segment that still grows goes by age only.
//! A segment that a reader still needs stays (see [`Needs`]). The floor moves in the batch that deletes the
//! entries.
//!
//! [`Needs`]: super::needs::Needs

use std::collections::VecDeque;

use fjall::{Keyspace, PersistMode};
use types::{Offset, PartitionId, Timestamp};

use super::embedded::Shared;
use super::key::{self, Place};
use super::needs::Needs;
use super::recovery::Floor;
use super::topic::{Partition, Topic};
use crate::disk::{Disk, Fault};

/// Entries dropped in one batch, between two commits.
const STEP_ENTRIES: usize = 1_000;

/// Segments to drop from a partition. Readers no longer see them.
pub(crate) struct Cut {
    place: Place,
    /// The new floor of the partition.
    floor: Floor,
    /// First offsets of the dropped segments.
    segments: Vec<u64>,
    pub(crate) records: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    More,
    Done,
}

/// Decides what to drop from all topics, and moves the beginning of their partitions behind it.
pub(crate) fn decide(shared: &Shared) -> VecDeque<Cut> {
    let oldest = Timestamp(shared.clock.now().0.saturating_sub(shared.options.retention_age_ms()));
    let topics: Vec<_> = shared.topics.read().values().cloned().collect();
    let needs = shared.needs.lock();
    topics.iter().flat_map(|topic| cuts(topic, oldest, shared.options.retention_bytes, &needs)).collect()
}

fn cuts(topic: &Topic, oldest: Timestamp, bytes_max: u64, needs: &Needs) -> Vec<Cut> {
    let mut partitions: Vec<Partition> =
        topic.partitions.iter().map(|partition| partition.lock().clone()).collect();
    let needed: Vec<Option<(Offset, &str)>> =
        (0..partitions.len()).map(|number| needs.first(&topic.name, PartitionId(number as u32))).collect();
    let first_needed: Vec<u64> =
        needed.iter().map(|of| of.map_or(u64::MAX, |(offset, _)| offset.0)).collect();
    let gone = segments_to_drop(&partitions, oldest, bytes_max, &first_needed);

    let wanted = segments_to_drop(&partitions, oldest, bytes_max, &vec![u64::MAX; partitions.len()]);
    let held = (0..partitions.len()).find(|&number| gone[number] < wanted[number]);
    if let Some((partition, (offset, reader))) = held.and_then(|number| Some((number, needed[number]?))) {
        tracing::warn!(
            topic = %topic.name, partition, %offset, job_id = reader,
            "records are kept beyond retention because this job has no checkpoint after them; `weir jobs list` shows why"
        );
    }
    let mut cuts = Vec::new();
    for (number, (partition, gone)) in partitions.iter_mut().zip(gone).enumerate() {
        if gone == 0 {
            continue;
        }
        let segments = partition.segments.drain(..gone).map(|segment| segment.first).collect();
        let (first, position) = match partition.segments.front() {
            Some(kept) => (kept.first, kept.position),
            None => (partition.next, partition.position),
        };
        let records = first - partition.first;
        let floor = Floor { first, position, time: partition.last_time };
        // Tell readers before the entries go: to a reader, a missing entry is damage.
        let mut known = topic.partitions[number].lock();
        known.first = first;
        known.segments.drain(..gone);
        drop(known);
        tracing::info!(topic = %topic.name, partition = number, records, first, "old records are dropped");
        let place = topic.place(PartitionId(number as u32));
        cuts.push(Cut { place, floor, segments, records });
    }
    cuts
}

/// Returns how many segments to drop from the front of each partition. `first_needed` holds each
/// partition's first offset that must stay.
fn segments_to_drop(
    partitions: &[Partition],
    oldest: Timestamp,
    bytes_max: u64,
    first_needed: &[u64],
) -> Vec<usize> {
    // Segments that end before the first needed offset.
    let free: Vec<usize> = partitions
        .iter()
        .zip(first_needed)
        .map(|(partition, needed)| {
            let ends = partition.segments.iter().skip(1).map(|next| next.first).chain([partition.next]);
            ends.take_while(|end| end <= needed).count().min(partition.segments.len())
        })
        .collect();

    let mut gone: Vec<usize> = partitions
        .iter()
        .zip(&free)
        .map(|(partition, free)| {
            let ends = partition.segments.iter().skip(1).map(|next| next.before).chain([partition.last_time]);
            let old = partition.segments.iter().zip(ends).take_while(|(_, end)| *end < oldest).count();
            old.min(*free)
        })
        .collect();

    let start = |number: usize, gone: usize| {
        let partition = &partitions[number];
        partition.segments.get(gone).map_or(partition.position, |segment| segment.position)
    };

    let mut bytes: u64 =
        partitions.iter().enumerate().map(|(number, p)| p.position - start(number, gone[number])).sum();
    while bytes > bytes_max {
        let full = (0..partitions.len()).filter(|number| {
            gone[*number] + 1 < partitions[*number].segments.len() && gone[*number] < free[*number]
        });
        let Some(number) = full.min_by_key(|number| partitions[*number].segments[gone[*number]].time) else {
            break;
        };
        bytes -= start(number, gone[number] + 1) - start(number, gone[number]);
        gone[number] += 1;
    }

    gone
}

/// Drops at most `STEP_ENTRIES` entries of a cut and returns whether more are left.
pub(crate) fn step(disk: &Disk, keyspace: &Keyspace, cut: &Cut) -> Result<Progress, Fault> {
    let mut batch = disk.database.batch().durability(Some(PersistMode::SyncData));
    let from = keyspace
        .get(cut.place.floor())?
        .and_then(|value| Floor::decode(&value))
        .map_or(0, |floor| floor.first);

    let mut floor = cut.floor;
    let mut progress = Progress::Done;

    for (number, row) in keyspace.range(cut.place.entry(from)..cut.place.entry(cut.floor.first)).enumerate() {
        let key = row.key()?;
        if number == STEP_ENTRIES {
            floor.first = key::offset_of(&key).unwrap_or(cut.floor.first);
            progress = Progress::More;
            break;
        }
        batch.remove(keyspace, key);
    }

    if progress == Progress::Done {
        for first in &cut.segments {
            batch.remove(keyspace, cut.place.segment(*first));
        }
    }

    batch.insert(keyspace, cut.place.floor(), floor.encode());
    batch.commit()?;
    Ok(progress)
}

#[cfg(test)]
mod tests {
    use super::super::topic::Segment;
    use super::*;

    /// Returns a partition with a segment of 100 bytes at each of these times, whose last record is at
    /// `last`.
    fn partition(times: &[i64], last: i64) -> Partition {
        let segments = times.iter().enumerate().map(|(n, time)| Segment {
            first: n as u64 * 10,
            time: Timestamp(*time),
            position: n as u64 * 100,
            before: Timestamp(time - 1),
        });
        Partition {
            first: 0,
            next: times.len() as u64 * 10,
            position: times.len() as u64 * 100,
            last_time: Timestamp(last),
            segments: segments.collect(),
        }
    }

    #[test]
    fn a_segment_goes_when_all_of_it_is_too_old() {
        let partitions = [partition(&[10, 20, 30], 39), partition(&[25], 26), partition(&[], 0)];
        let gone = |oldest| segments_to_drop(&partitions, Timestamp(oldest), u64::MAX, &[u64::MAX; 3]);
        assert_eq!(gone(19), [0, 0, 0]);
        assert_eq!(gone(20), [1, 0, 0]);
        assert_eq!(gone(27), [1, 1, 0]);
        assert_eq!(gone(40), [3, 1, 0]);
    }

    #[test]
    fn by_size_the_oldest_of_all_partitions_goes_first_and_never_what_still_grows() {
        let partitions = [partition(&[10, 20, 30], 39), partition(&[5, 15, 25], 26)];
        let gone = |bytes_max| segments_to_drop(&partitions, Timestamp(0), bytes_max, &[u64::MAX; 2]);
        assert_eq!(gone(600), [0, 0]);
        assert_eq!(gone(599), [0, 1]);
        assert_eq!(gone(450), [1, 1]);
        assert_eq!(gone(0), [2, 2]);
    }

    #[test]
    fn age_and_size_add_up() {
        let partitions = [partition(&[10, 20, 30], 39)];
        assert_eq!(segments_to_drop(&partitions, Timestamp(21), 150, &[u64::MAX]), [2]);
    }

    #[test]
    fn what_a_reader_needs_stays_whatever_its_age_and_size() {
        let partitions = [partition(&[10, 20, 30], 39), partition(&[5, 15, 25], 26)];
        let gone = |oldest, bytes_max, needed: [u64; 2]| {
            segments_to_drop(&partitions, Timestamp(oldest), bytes_max, &needed)
        };
        assert_eq!(gone(40, 0, [0, 0]), [0, 0]);
        assert_eq!(gone(40, 0, [9, 10]), [0, 1]);
        assert_eq!(gone(40, 0, [19, 20]), [1, 2]);
        assert_eq!(gone(0, 0, [30, 10]), [2, 1]);
        assert_eq!(gone(40, 0, [30, 30]), [3, 3]);
    }
}
