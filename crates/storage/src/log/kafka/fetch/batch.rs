//! Decodes record batches of the formats v0, v1 and v2. A fetch answers a run of them, the last possibly
//! cut short.
//!
//! ```text
//! v2     base offset 8 | length 4 | leader epoch 4 | magic 1 | crc32c 4 | attributes 2 | last offset delta 4
//!        | first time 8 | greatest time 8 | producer id 8 | producer epoch 2 | first sequence 4 | count 4
//!        | records…
//! v0, v1 offset 8 | size 4 | crc32 4 | magic 1 | attributes 1 | time 8 (v1) | key | value
//! ```
//!
//! <https://kafka.apache.org/documentation/#messageformat>

use super::codec::Codec;

/// Bytes up to and including the magic, in all formats.
const PREFIX: usize = 17;
/// Bytes of a v2 batch in front of its records.
const HEADER: usize = 61;
/// Bytes in front of the part that the length field counts.
const FRAME: usize = 12;

const IS_LOG_APPEND_TIME: i16 = 1 << 3;
const IS_TRANSACTIONAL: i16 = 1 << 4;
const IS_CONTROL: i16 = 1 << 5;

/// A batch of the format v2, with its records still compressed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Batch<'a> {
    pub base_offset: i64,
    pub last_offset: i64,
    /// Counts the leaders that the partition has had: that of the leader which took the batch.
    pub leader_epoch: i32,
    pub attributes: i16,
    pub first_time: i64,
    pub max_time: i64,
    pub producer_id: i64,
    /// Number of records that the header states.
    pub count: i32,
    pub records: &'a [u8],
    crc: u32,
    /// Bytes that the checksum covers.
    checked: &'a [u8],
}

/// One entry of a fetched run.
#[derive(Debug, Clone, Copy)]
pub(super) enum Entry<'a> {
    Batch(Batch<'a>),
    /// A message of v0 or v1. A compressed message contains others.
    Message(Message<'a>),
}

/// A message of the formats v0 and v1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    pub offset: i64,
    pub is_v1: bool,
    pub attributes: i8,
    /// -1 in v0.
    pub time: i64,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    crc: u32,
    checked: &'a [u8],
}

impl Batch<'_> {
    pub fn codec(&self) -> Option<Codec> {
        Codec::of(self.attributes)
    }

    pub fn is_transactional(&self) -> bool {
        self.attributes & IS_TRANSACTIONAL != 0
    }

    /// Returns whether the only record of the batch marks the end of a transaction.
    pub fn is_control(&self) -> bool {
        self.attributes & IS_CONTROL != 0
    }

    /// Returns the time of all records of the batch, where the broker sets it.
    pub fn append_time(&self) -> Option<i64> {
        (self.attributes & IS_LOG_APPEND_TIME != 0).then_some(self.max_time)
    }

    pub fn is_sound(&self) -> bool {
        crc32c::crc32c(self.checked) == self.crc
    }
}

impl Message<'_> {
    pub fn codec(&self) -> Option<Codec> {
        Codec::of(self.attributes.into())
    }

    pub fn has_append_time(&self) -> bool {
        i16::from(self.attributes) & IS_LOG_APPEND_TIME != 0
    }

    pub fn is_sound(&self) -> bool {
        crc32fast::hash(self.checked) == self.crc
    }
}

impl Entry<'_> {
    pub fn last_offset(&self) -> i64 {
        match self {
            Entry::Batch(batch) => batch.last_offset,
            Entry::Message(message) => message.offset,
        }
    }

    /// Returns the epoch of the leader that wrote the entry; `None` for messages, which have none.
    pub fn leader_epoch(&self) -> Option<i32> {
        match self {
            Entry::Batch(batch) => Some(batch.leader_epoch),
            Entry::Message(_) => None,
        }
    }

    pub fn is_sound(&self) -> bool {
        match self {
            Entry::Batch(batch) => batch.is_sound(),
            Entry::Message(message) => message.is_sound(),
        }
    }
}

/// Iterates over the whole entries of `bytes`. Leaves out an entry that is cut short at the end; it is
/// fetched again.
pub(super) struct Entries<'a>(pub &'a [u8]);

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.0;
        let base_offset = i64::from_be_bytes(*bytes.first_chunk()?);
        let length = i32::from_be_bytes(*bytes.get(8..)?.first_chunk()?);
        let Ok(length) = usize::try_from(length) else {
            self.0 = &[];
            return Some(Err(format!("the batch at offset {base_offset} has the length {length}")));
        };
        let whole = bytes.get(..FRAME.checked_add(length)?)?;
        self.0 = &bytes[whole.len()..];

        let entry = match whole.get(PREFIX - 1) {
            Some(2) => batch(base_offset, whole).map(Entry::Batch),
            Some(magic @ (0 | 1)) => message(base_offset, *magic == 1, whole).map(Entry::Message),
            Some(magic) => {
                self.0 = &[];
                return Some(Err(format!(
                    "the batch at offset {base_offset} has the unknown format {magic}"
                )));
            }
            None => None,
        };
        Some(entry.ok_or_else(|| format!("the batch at offset {base_offset} is too short")))
    }
}

fn batch(base_offset: i64, whole: &[u8]) -> Option<Batch<'_>> {
    let leader_epoch = i32::from_be_bytes(*whole.get(FRAME..)?.first_chunk()?);
    let mut header = Bytes(whole.get(PREFIX..HEADER)?);
    let crc = u32::from_be_bytes(header.array()?);
    let attributes = i16::from_be_bytes(header.array()?);
    let last_offset_delta = i32::from_be_bytes(header.array()?);
    let first_time = i64::from_be_bytes(header.array()?);
    let max_time = i64::from_be_bytes(header.array()?);
    let producer_id = i64::from_be_bytes(header.array()?);
    let _epoch: [u8; 2] = header.array()?;
    let _sequence: [u8; 4] = header.array()?;
    let count = i32::from_be_bytes(header.array()?);

    Some(Batch {
        base_offset,
        leader_epoch,
        last_offset: base_offset.checked_add(last_offset_delta.into())?,
        attributes,
        first_time,
        max_time,
        producer_id,
        count,
        records: &whole[HEADER..],
        crc,
        checked: &whole[PREFIX + 4..],
    })
}

fn message(offset: i64, is_v1: bool, whole: &[u8]) -> Option<Message<'_>> {
    let mut rest = Bytes(whole.get(FRAME..)?);
    let crc = u32::from_be_bytes(rest.array()?);
    let checked = rest.0;
    let [_magic, attributes] = rest.array()?;
    let time = if is_v1 { i64::from_be_bytes(rest.array()?) } else { -1 };
    let key = rest.sized()?;
    let value = rest.sized()?;
    Some(Message { offset, is_v1, attributes: attributes.cast_signed(), time, key, value, crc, checked })
}

/// Reads from the front of a slice; its methods return `None` where too few bytes are left.
pub(super) struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    pub fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (slice, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(slice)
    }

    /// Reads a length of four bytes and that many bytes; a length of -1 stands for null.
    fn sized(&mut self) -> Option<Option<&'a [u8]>> {
        match i32::from_be_bytes(self.array()?) {
            -1 => Some(None),
            length => self.slice(usize::try_from(length).ok()?).map(Some),
        }
    }

    /// Reads a zigzag varint: seven bits a byte, the lowest first, at most ten bytes.
    #[inline]
    pub fn varint(&mut self) -> Option<i64> {
        let (&first, rest) = self.0.split_first()?;
        if first < 0x80 {
            self.0 = rest;
            return Some(i64::from(first >> 1) ^ -i64::from(first & 1));
        }
        // The lengths of ordinary records take two bytes.
        let (&second, rest) = rest.split_first()?;
        if second < 0x80 {
            self.0 = rest;
            let value = i64::from(first & 0x7f) | i64::from(second) << 7;
            return Some(value >> 1 ^ -(value & 1));
        }
        self.long_varint()
    }

    #[cold]
    fn long_varint(&mut self) -> Option<i64> {
        let mut value = 0_u64;
        for (at, &byte) in self.0.iter().enumerate().take(10) {
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                self.0 = &self.0[at + 1..];
                return Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_all_lengths_are_read() {
        for value in [0, 1, -1, 63, -64, 64, 300, -301, i64::from(i32::MAX), i64::MAX, i64::MIN] {
            let mut bytes = Vec::new();
            let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
            while rest >= 0x80 {
                bytes.push((rest & 0x7f) as u8 | 0x80);
                rest >>= 7;
            }
            bytes.push(rest as u8);
            let mut read = Bytes(&bytes);
            assert_eq!((read.varint(), read.0.len()), (Some(value), 0), "{value}");
            assert_eq!(Bytes(&bytes[..bytes.len() - 1]).varint(), None);
        }
        assert_eq!(Bytes(&[0xff; 11]).varint(), None, "no end within ten bytes");
    }

    #[test]
    fn what_is_no_batch_ends_the_run_with_an_error() {
        let mut entry = vec![0; 61];
        entry[8..12].copy_from_slice(&49_i32.to_be_bytes());
        entry[16] = 2;
        assert_eq!(Entries(&entry).count(), 1);
        assert_eq!(Entries(&entry[..60]).count(), 0, "it is cut short");

        for (place, value) in [(8, 0xff), (16, 9)] {
            let mut damaged = entry.clone();
            damaged[place] = value;
            let read: Vec<_> = Entries(&damaged).collect();
            assert!(matches!(read.as_slice(), [Err(_)]), "{read:?}");
        }
        entry[8..12].copy_from_slice(&3_i32.to_be_bytes());
        assert!(Entries(&entry).all(|entry| entry.is_err()), "too short for a header");
    }
}
