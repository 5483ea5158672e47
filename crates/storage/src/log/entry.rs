//! Entries: the records of one group commit for one partition, encoded as one value.
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | version: 1, or 2 where a record has headers; 3 and 4 are 1 and 2, compressed |
//! | 3 | zero |
//! | 4 | CRC-32 of everything after it |
//! | 4 | number of records |
//! | 8 | time of the first record, milliseconds since 1970 |
//! | 8 | bytes of all entries of the partition before this one, deleted ones too |
//! | 12 per record | milliseconds since the first, length of the key (2³²-1: none), length of the body |
//! | 4 more per record, version 2 | length of the headers |
//! | the rest | key, body and, in version 2, headers of each record |
//!
//! In versions 3 and 4, the 28 bytes before the first record are followed by the length of all that comes after them
//! in versions 1 and 2 (4 bytes), and by these bytes as one block of lz4. Entries of more than a few records are
//! compressed, which lets the disk write and sync a fraction of their bytes.
//!
//! A header is the length of its name, the length of its value (2³²-1: none), the name, the value. Integers
//! are little endian. The first record's offset is in the key.
//!
//! A record with a time of its own keeps it in a header `weir.time` of 8 bytes, which readers of headers do
//! not see. Retention and the order of entries depend on the append time alone.

use types::{Offset, Timestamp};

use super::{Attributes, NewRecord, RecordRef, Span, Wanted};
use crate::lz4;

const PLAIN: u8 = 1;
const WITH_HEADERS: u8 = 2;
/// Added to the version of a compressed entry.
const COMPRESSED: u8 = 2;
const COMPRESSED_WITH_HEADERS: u8 = WITH_HEADERS + COMPRESSED;
const HEADER_BYTES: usize = 28;
/// Bytes of a compressed entry before its block.
const BLOCK_FROM: usize = HEADER_BYTES + 4;
/// Size from which entries are compressed. A single event gains too little.
const COMPRESSED_FROM_BYTES: usize = 4 << 10;
/// Start of the bytes that the checksum covers.
const CHECKED_FROM: usize = 8;
/// Length that stands for an absent key or value.
const NONE: u32 = u32::MAX;

/// Bytes of a record besides its key, body and headers.
pub(crate) const RECORD_OVERHEAD_BYTES: usize = 12;
/// Name of the header that holds a record's own time, milliseconds since 1970.
const TIME_HEADER: &[u8] = b"weir.time";
/// Size of that header.
const TIME_HEADER_BYTES: usize = HEADER_OVERHEAD_BYTES + TIME_HEADER.len() + size_of::<i64>();
/// Bytes of a header besides its name and value.
const HEADER_OVERHEAD_BYTES: usize = 8;

/// A record to be encoded into an entry.
#[derive(Clone, Copy)]
pub(crate) struct Draft<'a> {
    pub(crate) record: &'a NewRecord,
    pub(crate) appended: Timestamp,
}

/// The decoded header of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) records: u32,
    pub(crate) time: Timestamp,
    /// Bytes of all entries of the partition before this one.
    pub(crate) position: u64,
}

/// Records read from consecutive entries.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) data: Vec<u8>,
    pub(crate) records: Vec<RecordRef>,
    /// One per record when keys or headers are wanted, otherwise empty.
    pub(crate) attributes: Vec<Attributes>,
    /// Append time of the last record, which differs from the record's own time if it has one.
    pub(crate) last_appended: Option<Timestamp>,
}

/// The bytes are not an entry, or their checksum is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damaged;

/// Returns the encoded size of a record's headers.
pub(crate) fn headers_bytes(headers: &[(String, Option<Vec<u8>>)]) -> usize {
    let sizes = headers
        .iter()
        .map(|(name, value)| HEADER_OVERHEAD_BYTES + name.len() + value.as_ref().map_or(0, Vec::len));
    sizes.sum()
}

/// Encodes records, whose append times must not decrease, as one entry.
pub(crate) fn encode(records: &[Draft<'_>], position: u64) -> Vec<u8> {
    let time = records.first().map_or(Timestamp(0), |draft| draft.appended);
    let mut entry = encode_unstamped(records);
    stamp(&mut entry, time, position);
    entry
}

/// Encodes records as one entry that [`stamp`] has to complete.
pub(crate) fn encode_unstamped(records: &[Draft<'_>]) -> Vec<u8> {
    let time = records.first().map_or(Timestamp(0), |draft| draft.appended);
    let is_plain = |draft: &Draft<'_>| draft.record.headers.is_empty() && draft.record.time.is_none();
    let version = if records.iter().all(is_plain) { PLAIN } else { WITH_HEADERS };
    let content: usize = records.iter().map(|draft| draft.record.bytes() + time_bytes(draft.record)).sum();
    let mut bytes = Vec::with_capacity(HEADER_BYTES + records.len() * row_bytes(version) + content);
    bytes.extend([version, 0, 0, 0]);
    bytes.extend([0; 4]);
    bytes.extend((records.len() as u32).to_le_bytes());
    // Leave the time and the position of the entry.
    bytes.extend([0; 16]);

    for Draft { record, appended } in records {
        let later = u32::try_from(appended.0.saturating_sub(time.0)).unwrap_or(u32::MAX);
        bytes.extend(later.to_le_bytes());
        bytes.extend(length(record.key.as_deref()).to_le_bytes());
        bytes.extend((record.body.len() as u32).to_le_bytes());
        if version == WITH_HEADERS {
            let headers = headers_bytes(&record.headers) + time_bytes(record);
            bytes.extend((headers as u32).to_le_bytes());
        }
    }

    for Draft { record, .. } in records {
        bytes.extend_from_slice(record.key.as_deref().unwrap_or_default());
        bytes.extend_from_slice(&record.body);
        if let Some(time) = record.time {
            push_header(&mut bytes, TIME_HEADER, Some(&time.0.to_le_bytes()));
        }
        for (name, value) in &record.headers {
            push_header(&mut bytes, name.as_bytes(), value.as_deref());
        }
    }

    if bytes.len() < COMPRESSED_FROM_BYTES { bytes } else { compress(&bytes).unwrap_or(bytes) }
}

/// Writes the time of an entry's first record, its position and its checksum.
pub(crate) fn stamp(entry: &mut [u8], time: Timestamp, position: u64) {
    entry[12..20].copy_from_slice(&time.0.to_le_bytes());
    entry[20..HEADER_BYTES].copy_from_slice(&position.to_le_bytes());
    let checksum = crc32fast::hash(&entry[CHECKED_FROM..]);
    entry[4..CHECKED_FROM].copy_from_slice(&checksum.to_le_bytes());
}

/// Returns the compressed form of an entry, without a checksum; `None` where it is hardly smaller.
fn compress(entry: &[u8]) -> Option<Vec<u8>> {
    let (header, content) = entry.split_at(HEADER_BYTES);
    let mut bytes = Vec::with_capacity(lz4::bound(content.len())? + BLOCK_FROM);
    bytes.extend_from_slice(header);
    bytes[0] += COMPRESSED;
    bytes.extend(u32::try_from(content.len()).ok()?.to_le_bytes());
    lz4::compress(content, &mut bytes)?;
    (bytes.len() < entry.len() - entry.len() / 8).then_some(bytes)
}

fn push_header(bytes: &mut Vec<u8>, name: &[u8], value: Option<&[u8]>) {
    bytes.extend((name.len() as u32).to_le_bytes());
    bytes.extend(length(value).to_le_bytes());
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(value.unwrap_or_default());
}

/// Returns the encoded size of a record's own time.
fn time_bytes(record: &NewRecord) -> usize {
    record.time.map_or(0, |_| TIME_HEADER_BYTES)
}

fn row_bytes(version: u8) -> usize {
    RECORD_OVERHEAD_BYTES + if version == WITH_HEADERS { 4 } else { 0 }
}

fn length(bytes: Option<&[u8]>) -> u32 {
    bytes.map_or(NONE, |bytes| bytes.len() as u32)
}

/// Decodes the header alone; does not check the checksum.
pub(crate) fn header(entry: &[u8]) -> Result<Header, Damaged> {
    if entry.len() < HEADER_BYTES || !matches!(entry[0], PLAIN..=COMPRESSED_WITH_HEADERS) {
        return Err(Damaged);
    }
    Ok(Header {
        records: u32_at(entry, 8)?,
        time: Timestamp(u64_at(entry, 12)? as i64),
        position: u64_at(entry, 20)?,
    })
}

/// Returns whether an entry has a format that only newer versions of Weir know.
pub(crate) fn is_newer(entry: &[u8]) -> bool {
    entry.first().is_some_and(|version| *version > COMPRESSED_WITH_HEADERS)
}

impl Run {
    /// Adds an entry's bytes and records, with the attributes that are wanted. On error the run is
    /// unchanged.
    pub(crate) fn add(&mut self, first: u64, entry: &[u8], wanted: Wanted) -> Result<Header, Damaged> {
        let before = (self.data.len(), self.records.len(), self.attributes.len(), self.last_appended);
        let added = self.add_bytes(entry).and_then(|header| {
            self.add_records(first, header, before.0, wanted)?;
            Ok(header)
        });

        if added.is_err() {
            self.data.truncate(before.0);
            self.records.truncate(before.1);
            self.attributes.truncate(before.2);
            self.last_appended = before.3;
        }
        added
    }

    /// Checks an entry and adds its bytes as they are without compression.
    fn add_bytes(&mut self, entry: &[u8]) -> Result<Header, Damaged> {
        let header = header(entry)?;
        if crc32fast::hash(&entry[CHECKED_FROM..]) != u32_at(entry, 4)? {
            return Err(Damaged);
        }
        if entry[0] <= WITH_HEADERS {
            self.data.extend_from_slice(entry);
            return Ok(header);
        }

        let content_bytes = u32_at(entry, HEADER_BYTES)? as usize;
        let block = entry.get(BLOCK_FROM..).ok_or(Damaged)?;
        self.data.push(entry[0] - COMPRESSED);
        self.data.extend_from_slice(&entry[1..HEADER_BYTES]);
        if lz4::inflate(block, content_bytes, &mut self.data) { Ok(header) } else { Err(Damaged) }
    }

    /// Adds the records of the entry that is in `data` from `base` on.
    fn add_records(
        &mut self,
        first: u64,
        header: Header,
        base: usize,
        wanted: Wanted,
    ) -> Result<(), Damaged> {
        let entry = &self.data[base..];
        let row_bytes = row_bytes(entry[0]);
        let count = header.records as usize;
        let table_end = count.checked_mul(row_bytes).and_then(|n| n.checked_add(HEADER_BYTES));
        let table = table_end.and_then(|end| entry.get(HEADER_BYTES..end)).ok_or(Damaged)?;
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
            let appended = Timestamp(header.time.0.saturating_add(i64::from(u32_at(row, 0)?)));
            self.last_appended = Some(appended);
            let (own_time, headers) = time_of(entry, headers.clone())?;

            let body = span(start, end);
            self.records.push(RecordRef {
                offset: Offset(first + number as u64),
                appended: own_time.unwrap_or(appended),
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
        Ok(())
    }
}

/// Returns a record's own time, if it has one, and the range of its other headers.
fn time_of(
    entry: &[u8],
    headers: std::ops::Range<usize>,
) -> Result<(Option<Timestamp>, std::ops::Range<usize>), Damaged> {
    let name = headers.start + HEADER_OVERHEAD_BYTES;
    let value = name + TIME_HEADER.len();
    let end = headers.start + TIME_HEADER_BYTES;

    let is_time = end <= headers.end
        && u32_at(entry, headers.start)? as usize == TIME_HEADER.len()
        && u32_at(entry, headers.start + 4)? as usize == size_of::<i64>()
        && entry.get(name..value) == Some(TIME_HEADER);
    if !is_time {
        return Ok((None, headers));
    }
    Ok((Some(Timestamp(u64_at(entry, value)?.cast_signed())), end..headers.end))
}

/// Decodes the headers in a range of an entry.
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
mod tests;
