//! Entries: what one group commit took in for one partition, as the bytes of one value.
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | version, 1 |
//! | 3 | zero |
//! | 4 | CRC-32 of everything after it |
//! | 4 | number of records |
//! | 8 | time of the first record, milliseconds since 1970 |
//! | 8 | bytes of all entries of the partition before this one, deleted ones too |
//! | 12 a record | milliseconds since the first, length of the key (2³²-1: none), length of the body |
//! | the rest | key and body of each record |
//!
//! Integers are little endian. The first record's offset is in the key.

use types::{Offset, Timestamp};

use super::RecordRef;

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 28;
/// Where the part begins that the checksum is over.
const CHECKED_FROM: usize = 8;
const NO_KEY: u32 = u32::MAX;

/// What each record takes besides its key and body.
pub(crate) const RECORD_OVERHEAD_BYTES: usize = 12;

/// A record on its way into an entry.
#[derive(Clone, Copy)]
pub(crate) struct Draft<'a> {
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) body: &'a [u8],
    pub(crate) appended: Timestamp,
}

/// What an entry says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) records: u32,
    pub(crate) time: Timestamp,
    /// Bytes of all entries of the partition before this one.
    pub(crate) position: u64,
}

/// The bytes are not an entry, or not as they were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damaged;

/// Writes records, whose times must not decrease, as one entry.
pub(crate) fn encode(records: &[Draft<'_>], position: u64) -> Vec<u8> {
    let time = records.first().map_or(Timestamp(0), |record| record.appended);
    let content: usize = records.iter().map(|r| r.key.map_or(0, <[u8]>::len) + r.body.len()).sum();
    let mut bytes = Vec::with_capacity(HEADER_BYTES + records.len() * RECORD_OVERHEAD_BYTES + content);
    bytes.extend([VERSION, 0, 0, 0]);
    bytes.extend([0; 4]);
    bytes.extend((records.len() as u32).to_le_bytes());
    bytes.extend(time.0.to_le_bytes());
    bytes.extend(position.to_le_bytes());
    for record in records {
        let later = u32::try_from(record.appended.0.saturating_sub(time.0)).unwrap_or(u32::MAX);
        bytes.extend(later.to_le_bytes());
        bytes.extend(record.key.map_or(NO_KEY, |key| key.len() as u32).to_le_bytes());
        bytes.extend((record.body.len() as u32).to_le_bytes());
    }
    for record in records {
        bytes.extend_from_slice(record.key.unwrap_or_default());
        bytes.extend_from_slice(record.body);
    }
    let checksum = crc32fast::hash(&bytes[CHECKED_FROM..]);
    bytes[4..CHECKED_FROM].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Reads the header alone; the checksum is not looked at.
pub(crate) fn header(entry: &[u8]) -> Result<Header, Damaged> {
    if entry.len() < HEADER_BYTES || entry[0] != VERSION {
        return Err(Damaged);
    }
    Ok(Header {
        records: u32_at(entry, 8)?,
        time: Timestamp(u64_at(entry, 12)? as i64),
        position: u64_at(entry, 20)?,
    })
}

/// Appends an entry to `data`, and a reference for each of its records to `records`. On error both are as before.
pub(crate) fn decode(
    first: u64,
    entry: &[u8],
    data: &mut Vec<u8>,
    records: &mut Vec<RecordRef>,
) -> Result<Header, Damaged> {
    let header = header(entry)?;
    if crc32fast::hash(&entry[CHECKED_FROM..]) != u32_at(entry, 4)? {
        return Err(Damaged);
    }
    let count = header.records as usize;
    let table_end =
        count.checked_mul(RECORD_OVERHEAD_BYTES).and_then(|n| n.checked_add(HEADER_BYTES)).ok_or(Damaged)?;
    let table = entry.get(HEADER_BYTES..table_end).ok_or(Damaged)?;
    let before = records.len();
    let base = data.len();
    let mut at = table_end;
    records.reserve(count);
    for (number, row) in table.chunks_exact(RECORD_OVERHEAD_BYTES).enumerate() {
        let key = match u32_at(row, 4)? {
            NO_KEY => 0,
            length => length as usize,
        };
        let start = at + key;
        at = start + u32_at(row, 8)? as usize;
        if at > entry.len() {
            records.truncate(before);
            return Err(Damaged);
        }
        records.push(RecordRef {
            offset: Offset(first + number as u64),
            appended: Timestamp(header.time.0.saturating_add(i64::from(u32_at(row, 0)?))),
            start: (base + start) as u32,
            end: (base + at) as u32,
        });
    }
    data.extend_from_slice(entry);
    Ok(header)
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Damaged> {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map(|chunk| u32::from_le_bytes(*chunk)).ok_or(Damaged)
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64, Damaged> {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map(|chunk| u64::from_le_bytes(*chunk)).ok_or(Damaged)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drafts(records: &[(Option<Vec<u8>>, Vec<u8>)]) -> Vec<Draft<'_>> {
        records
            .iter()
            .enumerate()
            .map(|(n, (key, body))| Draft {
                key: key.as_deref(),
                body,
                appended: Timestamp(1_000 + n as i64),
            })
            .collect()
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            records in prop::collection::vec((prop::option::of(prop::collection::vec(any::<u8>(), 0..9)),
                prop::collection::vec(any::<u8>(), 0..40)), 1..20),
            first in 0..u64::MAX / 2,
            position in any::<u64>(),
        ) {
            let entry = encode(&drafts(&records), position);
            let (mut data, mut refs) = (b"before".to_vec(), Vec::new());
            let header = decode(first, &entry, &mut data, &mut refs).unwrap();
            prop_assert_eq!(header, Header { records: records.len() as u32, time: Timestamp(1_000), position });
            prop_assert_eq!(refs.len(), records.len());
            for (n, (found, (_, body))) in refs.iter().zip(&records).enumerate() {
                prop_assert_eq!(found.offset, Offset(first + n as u64));
                prop_assert_eq!(found.appended, Timestamp(1_000 + n as i64));
                prop_assert_eq!(&data[found.start as usize..found.end as usize], &body[..]);
            }
        }

        #[test]
        fn any_other_bytes_are_refused_and_leave_nothing_behind(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let (mut data, mut refs) = (Vec::new(), Vec::new());
            prop_assert_eq!(decode(0, &bytes, &mut data, &mut refs), Err(Damaged));
            prop_assert!(data.is_empty() && refs.is_empty());
        }

        #[test]
        fn a_changed_bit_is_noticed(at in 4usize..60, bit in 0u8..8) {
            let mut entry = encode(&drafts(&[(Some(b"key".to_vec()), vec![7; 40])]), 5);
            entry[at] ^= 1 << bit;
            prop_assert_eq!(decode(0, &entry, &mut Vec::new(), &mut Vec::new()), Err(Damaged));
        }
    }
}
