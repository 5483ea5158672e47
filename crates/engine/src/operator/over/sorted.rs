//! `OVER` by a column that is not a time: a row may enter anywhere in the order, and changes the results of
//! the rows after it.
//!
//! ```text
//! SUM(v) OVER (ORDER BY c)      order [c 1, v 5 → 5] [c 3, v 2 → 7]
//! row [c 2, v 1]       +I [2, 1, 6]   -U [3, 2, 7]   +U [3, 2, 8]
//! ```
//!
//! A partition stores its rows in order with their results, and the states of the calls at the last row. A
//! row that comes last, as usual for growing keys, is added to these states. For any other row the partition
//! is recomputed: the rows after it have to be emitted anyway.

use sql::plan::operator::{Frame, Over, SortKey};
use types::Interval;

use super::calls::{CallStates, IsPeer, OverCalls, field_of};
use crate::operator::chain::{Context, OperatorError};
use crate::operator::changes::{ChangeBuffer, Changes, RowKind};
use crate::operator::expiry::Expiry;
use crate::row::{self, Reader};
use crate::state::{Keyed, StateError, StateValue, StateWriter};

/// The tag of the only map in a snapshot.
const PARTITIONS: u8 = 0;

pub(super) struct SortedOver {
    name: String,
    partition: Vec<usize>,
    order: [SortKey; 1],
    has_peers: bool,
    emits_before: bool,
    partitions: Keyed<SortedPartition>,
    expiry: Expiry,
    key: Vec<u8>,
    sort: Vec<u8>,
    row: Vec<u8>,
}

/// The rows of a partition in order.
#[derive(Debug)]
struct SortedPartition {
    rows: Vec<SortedRow>,
    row_bytes: usize,
    /// The states at the last row.
    end: CallStates,
}

#[derive(Debug)]
struct SortedRow {
    /// The sort key in the ordered form.
    sort: Box<[u8]>,
    row: Box<[u8]>,
    results: Box<[u8]>,
}

impl SortedRow {
    fn heap_bytes(&self) -> usize {
        self.sort.len() + self.row.len() + self.results.len()
    }
}

/// Emits changed results into a buffer.
struct ResultEmitter<'a> {
    calls: &'a OverCalls,
    has_peers: bool,
    emits_before: bool,
    watermark: i64,
    out: &'a mut ChangeBuffer,
}

impl ResultEmitter<'_> {
    fn push(&mut self, kind: RowKind, row: &[u8], results: &[u8]) {
        if kind != RowKind::UpdateBefore || self.emits_before {
            self.out.push(kind, self.watermark, Reader::new(row).chain(Reader::new(results)));
        }
    }
}

impl SortedOver {
    /// Builds the operator.
    ///
    /// # Errors
    /// The frame is bounded.
    pub fn new(
        name: String,
        spec: &Over,
        order: SortKey,
        ttl: Option<Interval>,
    ) -> Result<SortedOver, String> {
        let has_peers = match spec.frame {
            Frame::UnboundedRange => true,
            Frame::UnboundedRows => false,
            Frame::Range(_) | Frame::Rows(_) => {
                return Err("Non-time attribute sort is not supported for bounded OVER window.".to_owned());
            }
        };

        Ok(SortedOver {
            name,
            partition: spec.partition.clone(),
            order: [order],
            has_peers,
            emits_before: spec.emits_before,
            partitions: Keyed::new(ttl),
            expiry: Expiry::new(ttl),
            key: Vec::new(),
            sort: Vec::new(),
            row: Vec::new(),
        })
    }

    pub fn process(
        &mut self,
        rows: &Changes<'_>,
        calls: &OverCalls,
        out: &mut ChangeBuffer,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let now_ms = context.now_ms();
        self.expiry.start(now_ms);
        for row in rows.places() {
            let Self { partition, order, partitions, key, sort, row: bytes, .. } = self;
            key.clear();
            row::write_all(rows.values(partition, row), key);
            sort.clear();
            row::write_ordered(order, |field| rows.get(field, row), sort);
            bytes.clear();
            row::write_all(rows.row(row), bytes);

            let is_addition = rows.kind(row).is_addition();
            let mut emitter = ResultEmitter {
                calls,
                has_peers: self.has_peers,
                emits_before: self.emits_before,
                watermark: rows.watermark(row),
                out,
            };

            let changed = partitions.update(key, now_ms, |slot| {
                if is_addition {
                    return slot.get_or_insert_with(|| SortedPartition::new(calls)).add(
                        sort,
                        bytes,
                        &mut emitter,
                    );
                }
                let Some(partition) = slot else { return Ok(()) };
                partition.remove(sort, bytes, &mut emitter)?;
                if partition.rows.is_empty() {
                    *slot = None;
                }
                Ok(())
            });

            changed.map_err(|what| OperatorError::Rows { operator: self.name.clone(), what })?;

            if out.is_full() {
                out.lend(|rows| context.emit(rows))?;
                out.clear();
            }
        }
        Ok(())
    }

    pub fn next_tick(&self) -> Option<i64> {
        self.expiry.next_tick()
    }

    pub fn tick(&mut self, now_ms: i64) {
        if self.expiry.take_due(now_ms) {
            self.partitions.expire(now_ms);
        }
    }

    pub fn snapshot(&self, out: &mut StateWriter) {
        self.partitions.write(PARTITIONS, out);
    }

    /// Reads the entry after a tag.
    pub fn restore(&mut self, tag: u8, reader: &mut Reader<'_>) -> Result<(), StateError> {
        if tag != PARTITIONS {
            return Err(StateError::unknown_tag(&self.name, tag));
        }
        self.partitions.read(reader, &self.name)
    }

    pub fn memory_bytes(&self) -> usize {
        self.partitions.memory_bytes()
    }
}

impl SortedPartition {
    fn new(calls: &OverCalls) -> SortedPartition {
        SortedPartition { rows: Vec::new(), row_bytes: 0, end: calls.start() }
    }

    fn add(&mut self, sort: &[u8], row: &[u8], emitter: &mut ResultEmitter<'_>) -> Result<(), String> {
        // The position after equal rows.
        let place = self.rows.partition_point(|there| *there.sort <= *sort);
        let is_peer = place > 0 && *self.rows[place - 1].sort == *sort;
        let added = SortedRow { sort: sort.into(), row: row.into(), results: Box::default() };
        self.row_bytes += added.heap_bytes();
        self.rows.insert(place, added);

        if place + 1 < self.rows.len() || is_peer && emitter.has_peers {
            return self.compute_anew(place, Some(place), emitter);
        }
        let mut results = Vec::new();
        emitter.calls.add(&mut self.end, field_of(row))?;
        let is_peer = if is_peer { IsPeer::Yes } else { IsPeer::No };
        emitter.calls.give(&mut self.end, is_peer, field_of(row), &mut results);
        self.set_results(place, Some(place), &results, emitter);
        Ok(())
    }

    /// Retracts a row, if it is present: of equal rows, the first to arrive.
    fn remove(&mut self, sort: &[u8], row: &[u8], emitter: &mut ResultEmitter<'_>) -> Result<(), String> {
        let first = self.rows.partition_point(|there| *there.sort < *sort);
        let mut peers = self.rows[first..].iter().take_while(|there| *there.sort == *sort);
        let Some(place) = peers.position(|there| *there.row == *row) else { return Ok(()) };

        let removed = self.rows.remove(first + place);
        self.row_bytes -= removed.heap_bytes();
        emitter.push(RowKind::Delete, &removed.row, &removed.results);
        self.compute_anew(first + place, None, emitter)
    }

    /// Recomputes all rows, and emits the rows from a place on, and its peers, whose results changed.
    fn compute_anew(
        &mut self,
        from: usize,
        new: Option<usize>,
        emitter: &mut ResultEmitter<'_>,
    ) -> Result<(), String> {
        self.end = emitter.calls.start();
        let mut results = Vec::new();
        let mut first = 0;
        while first < self.rows.len() {
            let sort = &self.rows[first].sort;
            let peers = self.rows[first..].iter().take_while(|there| there.sort == *sort).count();
            let peers = first..first + peers;
            if emitter.has_peers {
                for place in peers.clone() {
                    emitter.calls.add(&mut self.end, field_of(&self.rows[place].row))?;
                }
            }

            for place in peers.clone() {
                let row = &self.rows[place].row;
                if !emitter.has_peers {
                    emitter.calls.add(&mut self.end, field_of(row))?;
                }
                let is_peer = if place == first { IsPeer::No } else { IsPeer::Yes };
                results.clear();
                emitter.calls.give(&mut self.end, is_peer, field_of(row), &mut results);
                if place >= from || emitter.has_peers && peers.end >= from {
                    self.set_results(place, new, &results, emitter);
                }
            }
            first = peers.end;
        }
        Ok(())
    }

    fn set_results(
        &mut self,
        place: usize,
        new: Option<usize>,
        results: &[u8],
        emitter: &mut ResultEmitter<'_>,
    ) {
        let SortedRow { row, results: there, .. } = &mut self.rows[place];
        if new == Some(place) {
            emitter.push(RowKind::Insert, row, results);
        } else if **there != *results {
            emitter.push(RowKind::UpdateBefore, row, there);
            emitter.push(RowKind::UpdateAfter, row, results);
        } else {
            return;
        }

        self.row_bytes = self.row_bytes - there.len() + results.len();
        if there.len() == results.len() {
            there.copy_from_slice(results);
        } else {
            *there = results.into();
        }
    }
}

impl StateValue for SortedPartition {
    fn write(&self, out: &mut Vec<u8>) {
        self.end.write(out);
        row::write_length(self.rows.len(), out);
        for row in &self.rows {
            [&row.sort, &row.row, &row.results].iter().for_each(|bytes| bytes.write(out));
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<SortedPartition> {
        let mut partition =
            SortedPartition { rows: Vec::new(), row_bytes: 0, end: CallStates::read(reader)? };
        for _ in 0..reader.length()? {
            let row =
                SortedRow { sort: Box::read(reader)?, row: Box::read(reader)?, results: Box::read(reader)? };
            partition.row_bytes += row.heap_bytes();
            partition.rows.push(row);
        }
        Some(partition)
    }

    fn heap_bytes(&self) -> usize {
        self.end.heap_bytes() + self.rows.capacity() * size_of::<SortedRow>() + self.row_bytes
    }
}
