//! Entries: what one group commit took in for one partition, as the bytes of one value.
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | version: 1, or 2 where a record has headers |
//! | 3 | zero |
//! | 4 | CRC-32 of everything after it |
//! | 4 | number of records |
//! | 8 | time of the first record, milliseconds since 1970 |
//! | 8 | bytes of all entries of the partition before this one, deleted ones too |
//! | 12 a record | milliseconds since the first, length of the key (2³²-1: none), length of the body |
//! | 4 more a record, version 2 | length of the headers |
//! | the rest | key, body and, in version 2, headers of each record |
//!
//! A header is the length of its name, the length of its value (2³²-1: none), the name, the value. Integers are little
//! endian. The first record's offset is in the key.

use types::{Offset, Timestamp};

use super::{Attributes, NewRecord, RecordRef, Span, Wanted};

const PLAIN: u8 = 1;
const WITH_HEADERS: u8 = 2;
const HEADER_BYTES: usize = 28;
/// Where the part begins that the checksum is over.
const CHECKED_FROM: usize = 8;
/// The length of a key or a value that is not there.
const NONE: u32 = u32::MAX;

/// What each record takes besides its key, body and headers.
pub(crate) const RECORD_OVERHEAD_BYTES: usize = 12;
/// What each header takes besides its name and value.
const HEADER_OVERHEAD_BYTES: usize = 8;

/// A record on its way into an entry.
#[derive(Clone, Copy)]
pub(crate) struct Draft<'a> {
    pub(crate) record: &'a NewRecord,
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

/// Records read from entries that follow each other.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) data: Vec<u8>,
    pub(crate) records: Vec<RecordRef>,
    /// One a record where something of them is wanted.
    pub(crate) attributes: Vec<Attributes>,
}

/// The bytes are not an entry, or not as they were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damaged;

/// What a record's headers take.
pub(crate) fn headers_bytes(headers: &[(String, Option<Vec<u8>>)]) -> usize {
    let sizes = headers
        .iter()
        .map(|(name, value)| HEADER_OVERHEAD_BYTES + name.len() + value.as_ref().map_or(0, Vec::len));
    sizes.sum()
}

/// Writes records, whose times must not decrease, as one entry.
pub(crate) fn encode(records: &[Draft<'_>], position: u64) -> Vec<u8> {
    let time = records.first().map_or(Timestamp(0), |draft| draft.appended);
    let version =
        if records.iter().all(|draft| draft.record.headers.is_empty()) { PLAIN } else { WITH_HEADERS };
    let content: usize = records.iter().map(|draft| draft.record.bytes()).sum();
    let mut bytes = Vec::with_capacity(HEADER_BYTES + records.len() * row_bytes(version) + content);
    bytes.extend([version, 0, 0, 0]);
    bytes.extend([0; 4]);
    bytes.extend((records.len() as u32).to_le_bytes());
    bytes.extend(time.0.to_le_bytes());
    bytes.extend(position.to_le_bytes());
    for Draft { record, appended } in records {
        let later = u32::try_from(appended.0.saturating_sub(time.0)).unwrap_or(u32::MAX);
        bytes.extend(later.to_le_bytes());
        bytes.extend(length(record.key.as_deref()).to_le_bytes());
        bytes.extend((record.body.len() as u32).to_le_bytes());
        if version == WITH_HEADERS {
            bytes.extend((headers_bytes(&record.headers) as u32).to_le_bytes());
        }
    }
    for Draft { record, .. } in records {
        bytes.extend_from_slice(record.key.as_deref().unwrap_or_default());
        bytes.extend_from_slice(&record.body);
        for (name, value) in &record.headers {
            bytes.extend((name.len() as u32).to_le_bytes());
            bytes.extend(length(value.as_deref()).to_le_bytes());
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(value.as_deref().unwrap_or_default());
        }
    }
    let checksum = crc32fast::hash(&bytes[CHECKED_FROM..]);
    bytes[4..CHECKED_FROM].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

fn row_bytes(version: u8) -> usize {
    RECORD_OVERHEAD_BYTES + if version == WITH_HEADERS { 4 } else { 0 }
}

fn length(bytes: Option<&[u8]>) -> u32 {
    bytes.map_or(NONE, |bytes| bytes.len() as u32)
}

/// Reads the header alone; the checksum is not looked at.
pub(crate) fn header(entry: &[u8]) -> Result<Header, Damaged> {
    if entry.len() < HEADER_BYTES || !matches!(entry[0], PLAIN | WITH_HEADERS) {
        return Err(Damaged);
    }
    Ok(Header {
        records: u32_at(entry, 8)?,
        time: Timestamp(u64_at(entry, 12)? as i64),
        position: u64_at(entry, 20)?,
    })
}

impl Run {
    /// Adds an entry's bytes and records, with as much of their attributes as is wanted. On error all is as before.
    pub(crate) fn add(&mut self, first: u64, entry: &[u8], wanted: Wanted) -> Result<Header, Damaged> {
        let before = (self.records.len(), self.attributes.len());
        let added = self.add_records(first, entry, wanted);
        match added {
            Ok(_) => self.data.extend_from_slice(entry),
            Err(Damaged) => {
                self.records.truncate(before.0);
                self.attributes.truncate(before.1);
            }
        }
        added
    }

    fn add_records(&mut self, first: u64, entry: &[u8], wanted: Wanted) -> Result<Header, Damaged> {
        let header = header(entry)?;
        if crc32fast::hash(&entry[CHECKED_FROM..]) != u32_at(entry, 4)? {
            return Err(Damaged);
        }
        let row_bytes = row_bytes(entry[0]);
        let count = header.records as usize;
        let table_end = count.checked_mul(row_bytes).and_then(|n| n.checked_add(HEADER_BYTES));
        let table = table_end.and_then(|end| entry.get(HEADER_BYTES..end)).ok_or(Damaged)?;
        let base = self.data.len();
        let span = |from: usize, to: usize| Span { start: (base + from) as u32, end: (base + to) as u32 };
        let mut at = HEADER_BYTES + table.len();
        self.records.reserve(count);
        for (number, row) in table.chunks_exact(row_bytes).enumerate() {
            let key = match u32_at(row, 4)? {
                NONE => None,
                length => Some(length as usize),
            };
            let start = at + key.unwrap_or(0);
            let end = start + u32_at(row, 8)? as usize;
            let headers =
                end..end + if row_bytes > RECORD_OVERHEAD_BYTES { u32_at(row, 12)? as usize } else { 0 };
            if headers.end > entry.len() {
                return Err(Damaged);
            }
            let body = span(start, end);
            self.records.push(RecordRef {
                offset: Offset(first + number as u64),
                appended: Timestamp(header.time.0.saturating_add(i64::from(u32_at(row, 0)?))),
                start: body.start,
                end: body.end,
            });
            if wanted.any() {
                self.attributes.push(Attributes {
                    key: key.filter(|_| wanted.keys).map(|_| span(at, start)),
                    headers: if wanted.headers { headers_of(entry, &headers, span)? } else { Vec::new() },
                });
            }
            at = headers.end;
        }
        Ok(header)
    }
}

/// The headers that lie at a place of an entry.
fn headers_of(
    entry: &[u8],
    place: &std::ops::Range<usize>,
    span: impl Fn(usize, usize) -> Span,
) -> Result<Vec<(Span, Option<Span>)>, Damaged> {
    let mut headers = Vec::new();
    let mut at = place.start;
    while at < place.end {
        let name = at + HEADER_OVERHEAD_BYTES;
        let value = name + u32_at(entry, at)? as usize;
        let (end, is_there) = match u32_at(entry, at + 4)? {
            NONE => (value, false),
            length => (value + length as usize, true),
        };
        if end > place.end {
            return Err(Damaged);
        }
        headers.push((span(name, value), is_there.then(|| span(value, end))));
        at = end;
    }
    Ok(headers)
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Damaged> {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map(|chunk| u32::from_le_bytes(*chunk)).ok_or(Damaged)
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64, Damaged> {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map(|chunk| u64::from_le_bytes(*chunk)).ok_or(Damaged)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    /// Two records of 2025-12-09T11:30:00Z and a second later, `k` `{"a":1}` and one without a key, `{}`; 99 bytes lie
    /// before them.
    const VERSION_1: &[u8] = &[
        1, 0, 0, 0, 182, 114, 63, 85, 2, 0, 0, 0, 192, 26, 224, 2, 155, 1, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 232, 3, 0, 0, 255, 255, 255, 255, 2, 0, 0, 0, 107, 123, 34, 97, 34,
        58, 49, 125, 123, 125,
    ];

    const ALL: Wanted = Wanted { keys: true, headers: true };

    fn drafts(records: &[NewRecord]) -> Vec<Draft<'_>> {
        let drafts = records.iter().enumerate();
        drafts.map(|(n, record)| Draft { record, appended: Timestamp(1_000 + n as i64) }).collect()
    }

    fn records(max: usize) -> impl Strategy<Value = Vec<NewRecord>> {
        let header = ("[a-zé]{0,5}", option::of(vec(any::<u8>(), 0..9)));
        let record = (option::of(vec(any::<u8>(), 0..9)), vec(any::<u8>(), 0..40), vec(header, 0..max))
            .prop_map(|(key, body, headers)| NewRecord { key, body: body.into(), headers, time: None });
        vec(record, 1..20)
    }

    fn bytes(run: &Run, span: Span) -> Vec<u8> {
        run.data[span.start as usize..span.end as usize].to_vec()
    }

    /// The records of a run as they were before they were written.
    fn read(run: &Run) -> Vec<NewRecord> {
        let all = run.records.iter().zip(&run.attributes).map(|(record, attributes)| NewRecord {
            key: attributes.key.map(|key| bytes(run, key)),
            body: bytes(run, Span { start: record.start, end: record.end }).into(),
            headers: (attributes.headers.iter())
                .map(|&(name, value)| {
                    (String::from_utf8(bytes(run, name)).unwrap(), value.map(|value| bytes(run, value)))
                })
                .collect(),
            time: None,
        });
        all.collect()
    }

    fn simple(records: &[NewRecord]) -> Vec<(Option<Vec<u8>>, Vec<u8>, Vec<(String, Option<Vec<u8>>)>)> {
        records.iter().map(|r| (r.key.clone(), r.body.to_vec(), r.headers.clone())).collect()
    }

    #[test]
    fn entries_of_the_first_version_are_read_beside_those_of_the_second() {
        let with_headers = NewRecord {
            key: Some(b"k2".to_vec()),
            body: b"{}".as_slice().into(),
            headers: vec![("trace".to_owned(), Some(b"t-1".to_vec())), ("empty".to_owned(), None)],
            time: None,
        };
        let second = encode(&[Draft { record: &with_headers, appended: Timestamp(5) }], 0);
        let mut run = Run::default();
        let header = run.add(7, VERSION_1, ALL).unwrap();
        assert_eq!(header, Header { records: 2, time: Timestamp(1_765_279_800_000), position: 99 });
        run.add(9, &second, ALL).unwrap();
        let [first, keyless, last] = &simple(&read(&run))[..] else { panic!("three records") };
        assert_eq!(*first, (Some(b"k".to_vec()), b"{\"a\":1}".to_vec(), vec![]));
        assert_eq!(*keyless, (None, b"{}".to_vec(), vec![]));
        assert_eq!([last.clone()], *simple(&[with_headers]));
        let times = run.records.iter().map(|record| (record.offset.0, record.appended.0));
        assert_eq!(times.collect::<Vec<_>>(), [(7, 1_765_279_800_000), (8, 1_765_279_801_000), (9, 5)]);
    }

    #[test]
    fn records_without_headers_are_written_as_the_first_version() {
        let records = [
            NewRecord {
                key: Some(b"k".to_vec()),
                body: b"{\"a\":1}".as_slice().into(),
                ..NewRecord::default()
            },
            NewRecord { body: b"{}".as_slice().into(), ..NewRecord::default() },
        ];
        let time = 1_765_279_800_000;
        let drafts =
            [0, 1].map(|n| Draft { record: &records[n], appended: Timestamp(time + 1_000 * n as i64) });
        assert_eq!(encode(&drafts, 99), VERSION_1);
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            records in prop_oneof![records(1), records(4)],
            first in 0..u64::MAX / 2,
            position in any::<u64>(),
        ) {
            let entry = encode(&drafts(&records), position);
            let mut run = Run { data: b"before".to_vec(), ..Run::default() };
            let header = run.add(first, &entry, ALL).unwrap();
            prop_assert_eq!(header, Header { records: records.len() as u32, time: Timestamp(1_000), position });
            prop_assert_eq!(simple(&read(&run)), simple(&records));
            for (n, found) in run.records.iter().enumerate() {
                prop_assert_eq!(found.offset, Offset(first + n as u64));
                prop_assert_eq!(found.appended, Timestamp(1_000 + n as i64));
            }
            let mut bodies = Run { data: b"before".to_vec(), ..Run::default() };
            bodies.add(first, &entry, Wanted::default()).unwrap();
            prop_assert_eq!(&bodies.records, &run.records);
            prop_assert!(bodies.attributes.is_empty());
            let mut keys = Run { data: b"before".to_vec(), ..Run::default() };
            keys.add(first, &entry, Wanted { keys: true, headers: false }).unwrap();
            prop_assert!(keys.attributes.iter().all(|attributes| attributes.headers.is_empty()));
        }

        #[test]
        fn any_other_bytes_are_refused_and_leave_nothing_behind(bytes in vec(any::<u8>(), 0..100)) {
            let mut run = Run::default();
            prop_assert_eq!(run.add(0, &bytes, ALL), Err(Damaged));
            prop_assert_eq!(run, Run::default());
        }

        #[test]
        fn wrong_lengths_are_refused_though_the_checksum_is_right(
            records in records(3), at in CHECKED_FROM..200, to in any::<u8>(),
        ) {
            let mut entry = encode(&drafts(&records), 5);
            let at = at.min(entry.len() - 1);
            entry[at] = to;
            let checksum = crc32fast::hash(&entry[CHECKED_FROM..]);
            entry[4..CHECKED_FROM].copy_from_slice(&checksum.to_le_bytes());
            let mut run = Run::default();
            match run.add(0, &entry, ALL) {
                // Whatever it says now, it says nothing of bytes that are not there.
                Ok(_) => prop_assert!(run.records.iter().all(|record| record.end as usize <= entry.len())),
                Err(Damaged) => prop_assert_eq!(run, Run::default()),
            }
        }

        #[test]
        fn a_changed_bit_is_noticed(at in 4usize..60, bit in 0u8..8, headers in any::<bool>()) {
            let record = NewRecord {
                key: Some(b"key".to_vec()),
                body: vec![7; 40].into(),
                headers: if headers { vec![("h".to_owned(), None)] } else { vec![] },
                time: None,
            };
            let mut entry = encode(&drafts(&[record]), 5);
            entry[at] ^= 1 << bit;
            prop_assert_eq!(Run::default().add(0, &entry, ALL), Err(Damaged));
        }
    }
}
