//! Turns fetched bytes into records: leaves out aborted transactions, inflates batches, and finds the records
//! of each batch in place.
//!
//! A fetch answers with a list of aborted transactions. A producer's transaction is aborted from the first
//! offset that the list names up to the producer's next abort marker. The list must be walked along with the
//! batches, since a producer may commit one transaction and abort the next.

use std::collections::BTreeSet;

use types::PartitionId;

use super::batch::{Batch, Bytes, Entries, Entry, Message};
use super::buffer::Buffer;
use super::chunk::{Chunk, ChunkBuilder, Pool};
use super::codec::{Codec, Inflater};
use crate::log::{Attributes, Span, Wanted};

/// Key of an abort marker: version 0, type 0.
const ABORT: [u8; 4] = [0, 0, 0, 0];
/// Span of a null value.
const NOTHING: Span = Span { start: 0, end: 0 };

/// A leader's answer for one partition.
pub(super) struct Answer<'a> {
    pub partition: PartitionId,
    pub generation: u64,
    /// The offset that was asked for. Earlier records of its batch are left out.
    pub from: u64,
    pub bytes: &'a [u8],
    /// Producer and first offset of each aborted transaction.
    pub aborted: Vec<(i64, i64)>,
}

/// Returns the next offset to fetch, the offset behind the last whole batch of `bytes`, and the epoch of the
/// leader that wrote this batch, if it tells. Returns `None` without a whole batch.
pub(super) fn end_of(bytes: &[u8]) -> Option<(u64, Option<i32>)> {
    let last = Entries(bytes).map_while(Result::ok).last()?;
    let offset = u64::try_from(last.last_offset()).ok()?;
    Some((offset + 1, last.leader_epoch()))
}

/// Decodes answers, one after the other.
pub(super) struct RecordReader {
    inflater: Inflater,
    /// Inflated content of compressed messages of v0 and v1.
    inner: Buffer,
    checks_crcs: bool,
    wanted: Wanted,
}

impl RecordReader {
    pub fn new(checks_crcs: bool, wanted: Wanted) -> RecordReader {
        RecordReader { inflater: Inflater::new(), inner: Buffer::default(), checks_crcs, wanted }
    }

    /// Passes the records of an answer to `each`, in chunks. The last chunk may have no records and only tell
    /// how far the answer went.
    ///
    /// On damage, passes the chunks before it and fails with its kind and offset.
    pub fn read(
        &mut self,
        pool: &Pool,
        answer: Answer<'_>,
        each: &mut dyn FnMut(Chunk),
    ) -> Result<(), String> {
        let mut builder = ChunkBuilder::new(pool, self.wanted, answer.partition, answer.generation);
        let mut transactions = Transactions::new(answer.aborted);
        let (mut next, mut told) = (answer.from, answer.from);
        let mut outcome = Ok(());

        for entry in Entries(answer.bytes) {
            let read = entry.and_then(|entry| {
                self.entry(&entry, &mut transactions, answer.from, &mut builder)?;
                Ok(entry.last_offset())
            });
            match read {
                Ok(last) => next = next.max(last.cast_unsigned() + 1),
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
            if builder.is_full() {
                told = next;
                each(builder.take(next));
            }
        }

        // The records in front of damage are good.
        if !builder.is_empty() || next > told {
            each(builder.take(next));
        }
        outcome
    }

    fn entry(
        &mut self,
        entry: &Entry<'_>,
        transactions: &mut Transactions,
        from: u64,
        builder: &mut ChunkBuilder<'_>,
    ) -> Result<(), String> {
        let last = entry.last_offset();
        if self.checks_crcs && !entry.is_sound() {
            return Err(format!("the checksum of the batch that ends at offset {last} does not match"));
        }
        // The broker answers a whole batch even when only its last records are new.
        if last < from.cast_signed() {
            return Ok(());
        }
        match entry {
            Entry::Batch(batch) if transactions.hides(batch) => Ok(()),
            Entry::Batch(batch) => self.batch(batch, from, builder),
            Entry::Message(message) => self.message(message, from, builder),
        }
    }

    fn batch(&mut self, batch: &Batch<'_>, from: u64, builder: &mut ChunkBuilder<'_>) -> Result<(), String> {
        let wrong = |what: &str| format!("the batch at offset {}: {what}", batch.base_offset);
        let codec = batch.codec().ok_or_else(|| wrong("unknown compression"))?;

        let start = builder.data.len();
        self.inflater.inflate(codec, batch.records, &mut builder.data).map_err(|error| wrong(&error))?;
        let data = std::mem::take(&mut builder.data);
        // A record takes at least seven bytes. Do not allocate for a larger count.
        builder.reserve(usize::try_from(batch.count).unwrap_or(0).min((data.len() - start) / 7));

        let read = add_records(data.as_slice(), start, batch, from, builder);
        builder.data = data;
        read.ok_or_else(|| wrong("a record is cut short"))
    }

    /// Decodes a message of v0 or v1. In v1, the messages inside a compressed one have offsets relative to
    /// the first, and the outer offset is that of the last.
    fn message(
        &mut self,
        outer: &Message<'_>,
        from: u64,
        builder: &mut ChunkBuilder<'_>,
    ) -> Result<(), String> {
        let wrong = |what: &str| format!("the message at offset {}: {what}", outer.offset);
        let codec = outer.codec().ok_or_else(|| wrong("unknown compression"))?;
        if codec == Codec::None {
            add(outer, outer.offset, outer.time, from, builder);
            return Ok(());
        }

        self.inner.clear();
        let value = outer.value.ok_or_else(|| wrong("compressed without a value"))?;
        self.inflater.inflate(codec, value, &mut self.inner).map_err(|error| wrong(&error))?;
        let inner: Result<Vec<Entry<'_>>, String> = Entries(self.inner.as_slice()).collect();
        let inner = inner.map_err(|error| wrong(&error))?;
        let shift = match inner.last() {
            Some(last) if outer.is_v1 => outer.offset - last.last_offset(),
            _ => 0,
        };

        for entry in &inner {
            let Entry::Message(message) = entry else { return Err(wrong("a batch inside a message")) };
            let time = if outer.has_append_time() { outer.time } else { message.time };
            add(message, message.offset + shift, time, from, builder);
        }
        Ok(())
    }
}

/// Adds the records of a batch, which begin at `at`. Returns `None` where a record is cut short.
fn add_records(
    bytes: &[u8],
    mut at: usize,
    batch: &Batch<'_>,
    from: u64,
    builder: &mut ChunkBuilder<'_>,
) -> Option<()> {
    let wanted = builder.wanted();
    for _ in 0..batch.count.max(0) {
        let mut record = Record::begin(bytes, at)?;
        let head = record.head(wanted.keys)?;
        at = record.end;

        let offset = batch.base_offset.wrapping_add(head.offset_delta).cast_unsigned();
        if offset < from {
            continue;
        }
        let time = batch.append_time().unwrap_or(batch.first_time.wrapping_add(head.time_delta));
        match wanted.any() {
            // Stop before the headers, which lie behind the body.
            false => builder.push_body(offset, time, head.body),
            true => {
                let headers = if wanted.headers { record.headers()? } else { Vec::new() };
                builder.push(offset, time, head.body, Attributes { key: head.key, headers });
            }
        }
    }
    Some(())
}

fn add(message: &Message<'_>, offset: i64, time: i64, from: u64, builder: &mut ChunkBuilder<'_>) {
    let Some(offset) = u64::try_from(offset).ok().filter(|&offset| offset >= from) else { return };
    let mut keep = |bytes: &[u8]| {
        let start = builder.data.len();
        builder.data.extend_from_slice(bytes);
        span(start, builder.data.len())
    };
    let body = keep(message.value.unwrap_or_default());
    let key = message.key.map(&mut keep);
    builder.push(offset, time, body, Attributes { key, headers: Vec::new() });
}

/// Reads a record of v2 from front to end.
struct Record<'a> {
    rest: Bytes<'a>,
    /// End of the record, where the next one begins.
    end: usize,
}

/// The fields in front of a record's headers, as places in the bytes.
struct Head {
    offset_delta: i64,
    time_delta: i64,
    key: Option<Span>,
    body: Span,
}

impl<'a> Record<'a> {
    #[inline]
    fn begin(bytes: &'a [u8], at: usize) -> Option<Record<'a>> {
        let mut rest = Bytes(bytes.get(at..)?);
        let length = usize::try_from(rest.varint()?).ok()?;
        let end = bytes.len() - rest.0.len() + length;
        Some(Record { rest: Bytes(rest.slice(length)?), end })
    }

    #[inline]
    fn head(&mut self, wants_key: bool) -> Option<Head> {
        let [_attributes] = self.rest.array()?;
        let time_delta = self.rest.varint()?;
        let offset_delta = self.rest.varint()?;
        let key = self.part()?.filter(|_| wants_key);
        let body = self.part()?.unwrap_or(NOTHING);
        Some(Head { offset_delta, time_delta, key, body })
    }

    fn headers(&mut self) -> Option<Vec<(Span, Option<Span>)>> {
        let count = self.rest.varint()?;
        let mut headers = Vec::new();
        for _ in 0..count {
            let name = self.part()?.unwrap_or(NOTHING);
            headers.push((name, self.part()?));
        }
        Some(headers)
    }

    /// Reads a length and that many bytes; a length of -1 stands for null.
    #[inline]
    fn part(&mut self) -> Option<Option<Span>> {
        let length = self.rest.varint()?;
        if length < 0 {
            return Some(None);
        }
        let start = self.end - self.rest.0.len();
        self.rest.slice(usize::try_from(length).ok()?)?;
        Some(Some(span(start, self.end - self.rest.0.len())))
    }
}

fn span(start: usize, end: usize) -> Span {
    let at = |place: usize| u32::try_from(place).expect("a chunk and its last batch are far below 4 GiB");
    Span { start: at(start), end: at(end) }
}

/// The producers whose transactions are aborted at the current batch.
struct Transactions {
    /// Producer and first offset of later aborted transactions, in descending order.
    to_come: Vec<(i64, i64)>,
    aborted: BTreeSet<i64>,
}

impl Transactions {
    fn new(mut aborted: Vec<(i64, i64)>) -> Transactions {
        aborted.sort_unstable_by_key(|&(_, first)| std::cmp::Reverse(first));
        Transactions { to_come: aborted, aborted: BTreeSet::new() }
    }

    /// Returns whether a batch is a control batch or part of an aborted transaction, so that its records are
    /// left out.
    fn hides(&mut self, batch: &Batch<'_>) -> bool {
        while let Some((producer, _)) = self.to_come.pop_if(|(_, first)| *first <= batch.last_offset) {
            self.aborted.insert(producer);
        }
        if batch.is_control() {
            if is_abort(batch) {
                self.aborted.remove(&batch.producer_id);
            }
            return true;
        }
        batch.is_transactional() && self.aborted.contains(&batch.producer_id)
    }
}

/// Returns whether a control batch aborts a transaction. Control batches are never compressed.
fn is_abort(batch: &Batch<'_>) -> bool {
    let key = Record::begin(batch.records, 0).and_then(|mut record| record.head(true)?.key);
    key.is_some_and(|key| batch.records[key.start as usize..key.end as usize].starts_with(&ABORT))
}

#[cfg(test)]
mod tests;
