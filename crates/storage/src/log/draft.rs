//! Computes what a group commit writes, from the queued requests. Nothing here touches the disk.
//!
//! Each record gets the next offset of its partition, in order of arrival. The records of a partition
//! become one entry, or several where one entry would be too large to read at once. Large requests bring their
//! own entries.

use std::collections::HashMap;
use std::sync::Arc;

use types::{Offset, PartitionId, Timestamp};

use super::entry::{self, RECORD_OVERHEAD_BYTES};
use super::packed::Packed;
use super::queue::{Content, Request};
use super::topic::{Partition, Segment, Topic};
use super::{NewRecord, Position};

/// Size at which an entry is closed; a reader decodes at least one entry.
pub(crate) const ENTRY_BYTES: usize = 1 << 20;

/// Bounds at which a segment is full.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SegmentLimits {
    pub(crate) bytes: u64,
    pub(crate) span_ms: i64,
}

/// The entries that a commit adds to the partitions of its topics.
pub(crate) struct Growth<'a> {
    pub(crate) partitions: Vec<Tail<'a>>,
    /// Index in `partitions` of each topic's first partition, by topic id.
    topics: HashMap<u32, usize>,
    limits: SegmentLimits,
}

/// The end of a partition as it will be after the commit.
pub(crate) struct Tail<'a> {
    pub(crate) topic: &'a Arc<Topic>,
    pub(crate) partition: PartitionId,
    /// First offset and bytes of each new entry.
    pub(crate) entries: Vec<(u64, Vec<u8>)>,
    pub(crate) segments: Vec<Segment>,
    next: u64,
    position: u64,
    last_time: Timestamp,
    /// Time of the last record that is in an entry.
    closed_time: Timestamp,
    segment: Option<Segment>,
    /// Records that are not in an entry yet.
    records: Vec<entry::Draft<'a>>,
    record_bytes: usize,
}

impl<'a> Growth<'a> {
    pub(crate) fn new(limits: SegmentLimits) -> Growth<'a> {
        Growth { partitions: Vec::new(), topics: HashMap::new(), limits }
    }

    /// Adds the records of a request and returns their future positions.
    pub(crate) fn add(&mut self, request: &'a Request) -> Vec<Position> {
        let base = *self.topics.entry(request.topic.id).or_insert_with(|| {
            let base = self.partitions.len();
            let tails = request.topic.partitions.iter().enumerate();
            self.partitions.extend(tails.map(|(number, partition)| {
                Tail::of(&request.topic, PartitionId(number as u32), &partition.lock())
            }));
            base
        });

        let tails = &mut self.partitions[base..];
        let mut next: Vec<u64> =
            tails.iter().take(request.topic.partitions.len()).map(|tail| tail.next).collect();
        let positions = request.partitions.iter().map(|partition| {
            let next = &mut next[partition.0 as usize];
            *next += 1;
            Position { partition: *partition, offset: Offset(*next - 1) }
        });
        let positions = positions.collect();

        match &request.content {
            Content::Records(records) => {
                for (record, partition) in records.iter().zip(&request.partitions) {
                    tails[partition.0 as usize].add(record, request.arrived, self.limits);
                }
            }
            Content::Packed(entries) => {
                for entry in entries {
                    tails[entry.partition.0 as usize].add_packed(entry, request.arrived, self.limits);
                }
            }
        }

        positions
    }

    /// Closes the last entry of each partition and returns the partitions that grew.
    pub(crate) fn finish(mut self) -> Vec<Tail<'a>> {
        for tail in &mut self.partitions {
            tail.close_entry(self.limits);
        }
        self.partitions.retain(|tail| !tail.entries.is_empty());
        self.partitions
    }
}

impl<'a> Tail<'a> {
    fn of(topic: &'a Arc<Topic>, partition: PartitionId, now: &Partition) -> Tail<'a> {
        Tail {
            topic,
            partition,
            entries: Vec::new(),
            segments: Vec::new(),
            next: now.next,
            position: now.position,
            last_time: now.last_time,
            closed_time: now.last_time,
            segment: now.segments.back().copied(),
            records: Vec::new(),
            record_bytes: 0,
        }
    }

    fn add(&mut self, record: &'a NewRecord, arrived: Timestamp, limits: SegmentLimits) {
        let appended = arrived.max(self.last_time);
        self.last_time = appended;
        self.next += 1;
        self.record_bytes += record.bytes() + RECORD_OVERHEAD_BYTES;
        self.records.push(entry::Draft { record, appended });
        if self.record_bytes >= ENTRY_BYTES {
            self.close_entry(limits);
        }
    }

    fn close_entry(&mut self, limits: SegmentLimits) {
        let Some(oldest) = self.records.first() else {
            return;
        };
        let time = oldest.appended;
        let first = self.next - self.records.len() as u64;
        self.begin_segment(first, time, limits);
        let entry = entry::encode(&self.records, self.position);
        self.push(first, entry);
        self.records.clear();
        self.record_bytes = 0;
    }

    /// Adds an entry that its sender has encoded.
    fn add_packed(&mut self, packed: &Packed, arrived: Timestamp, limits: SegmentLimits) {
        self.close_entry(limits);
        let time = arrived.max(self.last_time);
        let first = self.next;
        self.begin_segment(first, time, limits);
        self.last_time = time;
        self.next += packed.records;
        let mut entry = packed.bytes.clone();
        entry::stamp(&mut entry, time, self.position);
        self.push(first, entry);
    }

    /// Begins a segment with the next entry if the last one is full.
    fn begin_segment(&mut self, first: u64, time: Timestamp, limits: SegmentLimits) {
        let full = self.segment.is_none_or(|segment| {
            self.position - segment.position >= limits.bytes
                || time.0.saturating_sub(segment.time.0) >= limits.span_ms
        });

        if full {
            let segment = Segment { first, time, position: self.position, before: self.closed_time };
            self.segment = Some(segment);
            self.segments.push(segment);
        }
    }

    fn push(&mut self, first: u64, entry: Vec<u8>) {
        self.position += entry.len() as u64;
        self.entries.push((first, entry));
        self.closed_time = self.last_time;
    }

    /// Publishes the new end of the partition to readers.
    pub(crate) fn publish(self) {
        let mut partition = self.topic.partitions[self.partition.0 as usize].lock();
        partition.next = self.next;
        partition.position = self.position;
        partition.last_time = self.last_time;
        partition.segments.extend(self.segments);
    }
}
