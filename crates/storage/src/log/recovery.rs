//! Recovery: finds the topics on disk, and where each of their partitions begins and ends.
//!
//! The last entry of a partition says where the partition ends. The floor says where it begins, and where
//! it ended if retention has dropped all of it. Offsets therefore go on without a gap or a repeat.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use fjall::Keyspace;
use types::{PartitionId, Timestamp};

use super::key::{self, Place};
use super::topic::{Partition, Segment, Topic};
use super::{LogError, Wanted, entry};
use crate::disk::Fault;

/// The point up to which retention has dropped a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Floor {
    pub(crate) first: u64,
    pub(crate) position: u64,
    /// Time of the last dropped record.
    pub(crate) time: Timestamp,
}

pub(crate) fn topics(keyspace: &Keyspace) -> Result<HashMap<Arc<str>, Arc<Topic>>, LogError> {
    let mut topics = HashMap::new();
    for row in keyspace.prefix(key::TOPICS) {
        let (key, value) = row.into_inner().map_err(|e| failed(e.into()))?;
        let name = key::topic_name(&key).ok_or_else(|| corrupt("the name of a topic".to_owned()))?;
        let [id, count] =
            numbers_of_topic(&value).ok_or_else(|| corrupt(format!("the partitions of topic `{name}`")))?;
        let partitions = (0..count)
            .map(|number| partition(keyspace, name, Place { topic: id, partition: PartitionId(number) }))
            .collect::<Result<_, _>>()?;
        let topic = Topic::new(name, id, partitions);
        topics.insert(topic.name.clone(), Arc::new(topic));
    }
    Ok(topics)
}

fn partition(keyspace: &Keyspace, topic: &str, place: Place) -> Result<Partition, LogError> {
    let place_of = |what: &str| format!("{what} of topic `{topic}` partition {}", place.partition);
    let damaged = |what: &str| corrupt(place_of(what));
    let mut found = Partition::default();

    if let Some(value) = keyspace.get(place.floor()).map_err(|e| failed(e.into()))? {
        let floor = Floor::decode(&value).ok_or_else(|| damaged("the floor"))?;
        (found.first, found.next) = (floor.first, floor.first);
        (found.position, found.last_time) = (floor.position, floor.time);
    }

    if let Some(last) = keyspace.range(place.entry(found.first)..=place.entry(u64::MAX)).next_back() {
        let (key, value) = last.into_inner().map_err(|e| failed(e.into()))?;
        let first = key::offset_of(&key).ok_or_else(|| damaged("the last entry"))?;
        let mut run = entry::Run::default();
        let header =
            run.add(first, &value, Wanted::default()).map_err(|_| match entry::is_newer(&value) {
                true => LogError::Newer { place: place_of("the last entry") },
                false => damaged("the last entry"),
            })?;
        found.next = first + u64::from(header.records);
        found.position = header.position + value.len() as u64;
        found.last_time = run.last_appended.unwrap_or(header.time);
    }

    let mut segments = VecDeque::new();
    for row in keyspace.range(place.segment(found.first)..=place.segment(u64::MAX)) {
        let (key, value) = row.into_inner().map_err(|e| failed(e.into()))?;
        let segment = key::offset_of(&key)
            .and_then(|first| Segment::decode(first, &value))
            .ok_or_else(|| damaged("a segment"))?;
        segments.push_back(segment);
    }

    found.segments = segments;
    Ok(found)
}

pub(crate) fn topic_value(id: u32, partitions: u32) -> [u8; 8] {
    let mut value = [0; 8];
    value[..4].copy_from_slice(&id.to_be_bytes());
    value[4..].copy_from_slice(&partitions.to_be_bytes());
    value
}

fn numbers_of_topic(value: &[u8]) -> Option<[u32; 2]> {
    let (numbers, rest) = value.as_chunks::<4>();
    let [id, partitions] = numbers else { return None };
    rest.is_empty().then(|| [u32::from_be_bytes(*id), u32::from_be_bytes(*partitions)])
}

impl Segment {
    pub(crate) fn encode(self) -> [u8; 24] {
        let mut value = [0; 24];
        value[..8].copy_from_slice(&self.time.0.to_be_bytes());
        value[8..16].copy_from_slice(&self.position.to_be_bytes());
        value[16..].copy_from_slice(&self.before.0.to_be_bytes());
        value
    }

    fn decode(first: u64, value: &[u8]) -> Option<Segment> {
        let [time, position, before] = numbers(value)?;
        Some(Segment { first, time: Timestamp(time as i64), position, before: Timestamp(before as i64) })
    }
}

impl Floor {
    pub(crate) fn encode(self) -> [u8; 24] {
        let mut value = [0; 24];
        value[..8].copy_from_slice(&self.first.to_be_bytes());
        value[8..16].copy_from_slice(&self.position.to_be_bytes());
        value[16..].copy_from_slice(&self.time.0.to_be_bytes());
        value
    }

    pub(crate) fn decode(value: &[u8]) -> Option<Floor> {
        let [first, position, time] = numbers(value)?;
        Some(Floor { first, position, time: Timestamp(time as i64) })
    }
}

fn numbers(value: &[u8]) -> Option<[u64; 3]> {
    let (chunks, rest) = value.as_chunks::<8>();
    let chunks: &[[u8; 8]; 3] = chunks.try_into().ok()?;
    rest.is_empty().then(|| chunks.map(u64::from_be_bytes))
}

fn failed(fault: Fault) -> LogError {
    LogError::of(fault, "listing its content")
}

fn corrupt(place: String) -> LogError {
    LogError::Corrupt { place }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use types::SystemClock;

    use super::*;
    use crate::log::{EmbeddedLog, EventLog as _, NewRecord, Options};

    #[test]
    fn a_log_that_a_newer_version_has_written_is_not_called_damaged() {
        let directory = tempfile::tempdir().unwrap();
        let open =
            || EmbeddedLog::open(directory.path(), Options::default(), Arc::new(SystemClock::new()) as _);
        let log = open().unwrap();
        log.create_topic("clicks", 1).unwrap();
        let record = NewRecord { body: b"{}".as_slice().into(), ..NewRecord::default() };
        log.append("clicks", vec![record]).unwrap().blocking_recv().unwrap().unwrap();

        let keyspace = log.shared.keyspace().unwrap();
        let key = Place { topic: 0, partition: PartitionId(0) }.entry(0);
        let mut entry = keyspace.get(key).unwrap().unwrap().to_vec();
        entry[0] = 5;
        keyspace.insert(key, entry).unwrap();
        drop((keyspace, log));

        let error = open().err().unwrap();
        assert_eq!(
            error.to_string(),
            "a newer version of Weir has written the last entry of topic `clicks` partition 0: start that version, \
             or restore the copy of the data directory that was made before the upgrade"
        );
    }
}
