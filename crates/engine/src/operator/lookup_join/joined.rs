//! The partners with which updated left rows were emitted, stored until the rows are retracted.

use std::collections::VecDeque;

use types::{Interval, Scalar};

use crate::operator::expiry::Expiry;
use crate::row::{self, Reader};
use crate::state::{Keyed, StateError, StateValue, StateWriter};

/// A left row and its partners, as they were emitted.
#[derive(Debug)]
pub(super) struct EmittedRow {
    pub left: Box<[u8]>,
    pub partners: Vec<Box<[u8]>>,
}

/// The rows of one key, in order of arrival.
#[derive(Debug, Default)]
struct OfKey {
    rows: VecDeque<EmittedRow>,
    bytes: usize,
}

/// The emitted rows by key; see the module documentation.
pub(super) struct EmittedRows {
    /// The fields by which a row is found again.
    by: Vec<usize>,
    rows: Keyed<OfKey>,
    expiry: Expiry,
    key: Vec<u8>,
}

impl EmittedRows {
    pub fn new(by: Vec<usize>, ttl: Option<Interval>) -> EmittedRows {
        EmittedRows { by, rows: Keyed::new(ttl), expiry: Expiry::new(ttl), key: Vec::new() }
    }

    /// Appends the key of a left row.
    pub fn write_key(&self, left: &[u8], out: &mut Vec<u8>) {
        let values: Vec<Scalar<'_>> = Reader::new(left).collect();
        row::write_all(self.by.iter().map(|&field| values.get(field).copied().unwrap_or(Scalar::Null)), out);
    }

    /// Stores a row as it is emitted.
    pub fn keep(&mut self, left: &[u8], partners: &[&[u8]], now_ms: i64) {
        self.expiry.start(now_ms);
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        self.write_key(left, &mut key);
        let emitted = EmittedRow {
            left: left.into(),
            partners: partners.iter().map(|&partner| partner.into()).collect(),
        };
        self.rows.update(&key, now_ms, |of_key| of_key.get_or_insert_default().push(emitted));
        self.key = key;
    }

    /// Removes and returns what was emitted for a retracted row: of equal rows, the first one.
    pub fn take(&mut self, left: &[u8], now_ms: i64) -> Option<EmittedRow> {
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        self.write_key(left, &mut key);
        let taken = self.rows.update(&key, now_ms, |of_key| {
            let known = of_key.as_mut()?;
            let taken = known.pop();
            if known.rows.is_empty() {
                *of_key = None;
            }
            taken
        });
        self.key = key;
        taken
    }

    pub fn next_tick(&self) -> Option<i64> {
        self.expiry.next_tick()
    }

    pub fn tick(&mut self, now_ms: i64) {
        if self.expiry.take_due(now_ms) {
            self.rows.expire(now_ms);
        }
    }

    pub fn write(&self, tag: u8, out: &mut StateWriter) {
        self.rows.write(tag, out);
    }

    pub fn read(&mut self, reader: &mut Reader<'_>, operator: &str) -> Result<(), StateError> {
        self.rows.read(reader, operator)
    }

    pub fn memory_bytes(&self) -> usize {
        self.rows.memory_bytes()
    }
}

impl EmittedRow {
    fn bytes(&self) -> usize {
        let partners: usize =
            self.partners.iter().map(|partner| size_of::<Box<[u8]>>() + partner.len()).sum();
        size_of::<EmittedRow>() + self.left.len() + partners
    }
}

impl OfKey {
    fn push(&mut self, emitted: EmittedRow) {
        self.bytes += emitted.bytes();
        self.rows.push_back(emitted);
    }

    fn pop(&mut self) -> Option<EmittedRow> {
        let emitted = self.rows.pop_front()?;
        self.bytes -= emitted.bytes();
        Some(emitted)
    }
}

impl StateValue for OfKey {
    fn write(&self, out: &mut Vec<u8>) {
        row::write_length(self.rows.len(), out);
        for emitted in &self.rows {
            emitted.left.write(out);
            row::write_length(emitted.partners.len(), out);
            emitted.partners.iter().for_each(|partner| partner.write(out));
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<OfKey> {
        let mut of_key = OfKey::default();
        for _ in 0..reader.length()? {
            let left = Box::read(reader)?;
            let mut partners = Vec::new();
            for _ in 0..reader.length()? {
                partners.push(Box::read(reader)?);
            }
            of_key.push(EmittedRow { left, partners });
        }
        Some(of_key)
    }

    fn heap_bytes(&self) -> usize {
        self.bytes
    }
}
