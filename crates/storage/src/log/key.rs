//! The keys of the log's only keyspace: a letter, then big-endian numbers, so that keys sort as their
//! numbers do.
//!
//! | key | value |
//! | --- | --- |
//! | `t` topic name | topic id, partitions |
//! | `r` topic id, partition, first offset | an entry (see [`super::entry`]) |
//! | `s` topic id, partition, first offset | a segment: its time, and the bytes and last time before it |
//! | `f` topic id, partition | the floor: the offset up to which retention has dropped |
//! | `n` day since 1970, name | a note (see [`super::notes`]) |
//!
//! All keys share one keyspace, because fjall keeps a journal as long as any keyspace has data in it that
//! is not in a table yet: a keyspace that is rarely written would hold back all journals.

use types::PartitionId;

const TOPIC: u8 = b't';
const ENTRY: u8 = b'r';
const SEGMENT: u8 = b's';
const FLOOR: u8 = b'f';
const NOTE: u8 = b'n';

/// Identifies a partition in keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) topic: u32,
    pub(crate) partition: PartitionId,
}

/// A key that ends in an offset: 17 bytes with the letter and the place.
pub(crate) type OffsetKey = [u8; 17];

impl Place {
    pub(crate) fn entry(self, first: u64) -> OffsetKey {
        self.offset_key(ENTRY, first)
    }

    pub(crate) fn segment(self, first: u64) -> OffsetKey {
        self.offset_key(SEGMENT, first)
    }

    pub(crate) fn floor(self) -> [u8; 9] {
        let mut key = [FLOOR; 9];
        key[1..5].copy_from_slice(&self.topic.to_be_bytes());
        key[5..9].copy_from_slice(&self.partition.0.to_be_bytes());
        key
    }

    fn offset_key(self, kind: u8, first: u64) -> OffsetKey {
        let mut key = [kind; 17];
        key[1..5].copy_from_slice(&self.topic.to_be_bytes());
        key[5..9].copy_from_slice(&self.partition.0.to_be_bytes());
        key[9..].copy_from_slice(&first.to_be_bytes());
        key
    }
}

/// Returns the offset that an entry's or segment's key ends in.
pub(crate) fn offset_of(key: &[u8]) -> Option<u64> {
    key.last_chunk().filter(|_| key.len() == 17).map(|offset| u64::from_be_bytes(*offset))
}

pub(crate) fn note(day: u64, name: &str) -> Vec<u8> {
    let mut key = notes_of(day).to_vec();
    key.extend(name.as_bytes());
    key
}

/// Returns the common prefix of the keys of a day's notes.
pub(crate) fn notes_of(day: u64) -> [u8; 9] {
    let mut key = [NOTE; 9];
    key[1..].copy_from_slice(&day.to_be_bytes());
    key
}

pub(crate) fn topic(name: &str) -> Vec<u8> {
    let mut key = vec![TOPIC];
    key.extend(name.as_bytes());
    key
}

/// Common prefix of all topics' keys.
pub(crate) const TOPICS: &[u8] = &[TOPIC];

/// Returns the topic name that a topic's key holds.
pub(crate) fn topic_name(key: &[u8]) -> Option<&str> {
    key.strip_prefix(TOPICS).and_then(|name| std::str::from_utf8(name).ok())
}
