//! A batch: some records of one partition, decoded into the columns that the plan reads.
//!
//! A source subtask owns its batch and fills it again and again; buffers and dictionaries are kept.

use std::borrow::Cow;
use std::sync::Arc;

use sql::plan::Leaf;
use types::{Offset, PartitionId, Repr, Timestamp};

use crate::column::{Coded, Column};
use crate::operator::changes::RowKind;

/// The encoding in which a leaf of the source is requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Only whether the value is present: a boolean column, true or null.
    Presence,
    /// In the physical form of its type; texts as they come.
    Plain,
    /// Text as codes of the column's own dictionary.
    Coded,
    /// As [`Encoding::Coded`] while the texts repeat. Once nearly all are new, the column is plain from the
    /// next batch on.
    CodedWhileRepeated,
}

/// A leaf that a plan reads, and its encoding.
#[derive(Debug, Clone, PartialEq)]
pub struct LeafRequest {
    pub leaf: Leaf,
    pub encoding: Encoding,
}

/// Decoded records of one partition, in offset order.
#[derive(Debug)]
pub struct Batch {
    /// One per request, in order; each is `rows` long.
    pub columns: Vec<Column>,
    pub rows: usize,
    /// The kind of each row, if the format has kinds; empty = all are inserts.
    pub kinds: Vec<RowKind>,
    pub origin: Origin,
    /// Records that gave no row.
    pub rejects: Vec<Reject>,
    /// The number of records without a value, which give no row either.
    pub empty: u64,
}

/// The origin of the rows, for dead letters.
#[derive(Debug, Default)]
pub struct Origin {
    pub partition: Option<PartitionId>,
    /// One per row.
    pub records: Vec<RecordSpan>,
    /// The bytes of the records, as they came.
    pub data: Arc<Vec<u8>>,
}

/// A record's place in its log and in [`Origin::data`]. Several rows may share one (a JSON array).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordSpan {
    pub offset: Offset,
    pub appended: Timestamp,
    pub start: u32,
    pub end: u32,
}

/// A record that could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    pub record: RecordSpan,
    /// For example `malformed: expected `,` or `}` at byte 17`.
    pub reason: Cow<'static, str>,
}

impl LeafRequest {
    /// Returns a column for the leaf's values; `None` if no column holds values of the type.
    pub fn column(&self) -> Option<Column> {
        let repr = self.leaf.column_type.data_type.repr()?;
        Some(match (self.encoding, repr) {
            (Encoding::Presence, _) => Column::new(Repr::Bool),
            (Encoding::Coded, Repr::Text) => Column::Coded(Coded::default()),
            (Encoding::CodedWhileRepeated, Repr::Text) => Column::Coded(Coded::while_repeated()),
            (Encoding::Plain | Encoding::Coded | Encoding::CodedWhileRepeated, repr) => Column::new(repr),
        })
    }
}

impl Batch {
    /// Creates an empty batch with one column per request.
    pub fn new(requests: &[LeafRequest]) -> Batch {
        let columns =
            requests.iter().map(|r| r.column().expect("the binder reads no types without values")).collect();
        Batch {
            columns,
            rows: 0,
            kinds: Vec::new(),
            origin: Origin::default(),
            rejects: Vec::new(),
            empty: 0,
        }
    }

    /// Empties the batch and makes its columns null for up to `capacity` rows.
    pub fn clear(&mut self, capacity: usize) {
        self.rows = 0;
        self.kinds.clear();
        self.origin.records.clear();
        self.origin.partition = None;
        self.rejects.clear();
        self.empty = 0;
        for column in &mut self.columns {
            column.reset(capacity);
        }
    }

    /// Returns the bytes of the records of the batch, including rejected ones.
    pub fn bytes(&self) -> u64 {
        let rejected = self.rejects.iter().map(|reject| &reject.record);
        let records = self.origin.records.chunk_by(|a, b| a.offset == b.offset).map(|rows| &rows[0]);
        records.chain(rejected).map(|record| u64::from(record.end.saturating_sub(record.start))).sum()
    }

    /// Returns when the oldest record came to the log, if the log tells.
    pub fn came_in(&self) -> Option<Timestamp> {
        self.origin.records.iter().map(|record| record.appended).filter(|time| time.0 >= 0).min()
    }

    /// Returns the bytes of the dictionaries, which are kept from batch to batch.
    pub fn memory_bytes(&self) -> usize {
        let coded = self.columns.iter().filter_map(|column| match column {
            Column::Coded(coded) => Some(coded.dictionary.memory_bytes()),
            _ => None,
        });
        coded.sum()
    }

    /// Returns the bytes of a record.
    pub fn record(&self, span: &RecordSpan) -> &[u8] {
        self.origin.data.get(span.start as usize..span.end as usize).unwrap_or_default()
    }
}
