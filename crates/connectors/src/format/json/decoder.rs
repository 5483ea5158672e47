//! The decoder: turns records into rows of a batch.

use std::borrow::Cow;

use engine::batch::{Batch, LeafRequest, RecordSpan, Reject};
use engine::column::{Column, View, tri};
use types::WideEncoding;

use super::layout::Layout;
use super::leaf::Leaf;
use super::options::{Fault, FaultKind, JsonOptions, RecordError};
use super::time::LastDay;
use super::walk::Stop;
use super::{excerpt, scan, utf8};

const EMPTY: &str = "malformed: the record is empty";
const NULL: &str = "malformed: the record is null";
const NO_OBJECT: &str = "malformed: the record is neither an object nor an array of objects";
const NO_OBJECTS: &str = "malformed: no element of the array is an object";
const NOT_UNICODE: &str = "malformed: the record is neither UTF-8, nor UTF-16, nor UTF-32";
const NOT_UTF8: &str = "malformed: a text that is read is not UTF-8";

/// Decodes the records of one source subtask. It learns the form of the records, so it belongs to one table.
///
/// A batch is filled by [`begin`](Decoder::begin), [`record`](Decoder::record) for each record, and
/// [`finish`](Decoder::finish). The caller fills `origin.records`, with one span for each added row.
#[derive(Debug)]
pub struct Decoder {
    pub(super) layout: Layout,
    /// One for each request.
    pub(super) leaves: Vec<Leaf>,
    pub(super) options: JsonOptions,
    /// Index of the row that is being written.
    pub(super) row: usize,
    /// A number that is unique among this decoder's rows, including rows that were started again.
    pub(super) row_id: u64,
    /// The reason why the walk stopped.
    pub(super) fault: Fault,
    /// Buffer for texts that differ from their raw form.
    pub(super) text: Vec<u8>,
    /// The day of the last time that was read.
    pub(super) last_day: LastDay,
    /// Buffer for records that are not UTF-8.
    narrowed: Vec<u8>,
    /// Number of rows for which the columns have space.
    capacity: usize,
}

/// The result of decoding a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Added {
    /// Number of rows: none for an empty array, several for an array of objects.
    pub rows: usize,
    /// Number of array elements that are not objects and gave no row.
    pub refused: usize,
}

impl Decoder {
    /// Creates a decoder for the requested leaves, each requested once. Leaves of record metadata are left to
    /// the source.
    pub fn new(requests: &[LeafRequest], options: JsonOptions) -> Decoder {
        Decoder::of_some(requests, options, |_| true)
    }

    /// Like [`Decoder::new`], but leaves for which `read` returns false are left to the source too.
    pub fn of_some(
        requests: &[LeafRequest],
        options: JsonOptions,
        read: impl Fn(&LeafRequest) -> bool,
    ) -> Decoder {
        let leaves: Vec<Leaf> = requests.iter().map(Leaf::new).collect();
        Decoder {
            layout: Layout::new(requests, &leaves, read),
            leaves,
            options,
            row: 0,
            row_id: 0,
            fault: Fault::malformed("", 0),
            text: Vec::new(),
            last_day: LastDay::default(),
            narrowed: Vec::new(),
            capacity: 0,
        }
    }

    /// Clears the batch, which must have this decoder's requests, for about `capacity` rows; it grows if
    /// there are more. Clearing takes time in proportion, so `capacity` should be the number of records at
    /// hand.
    pub fn begin(&mut self, batch: &mut Batch, capacity: usize) {
        assert_eq!(batch.columns.len(), self.leaves.len(), "a batch has the columns that were requested");
        self.capacity = capacity;
        batch.clear(capacity);
    }

    /// Adds the rows of a record. After an error the batch is unchanged.
    #[inline]
    pub fn record(&mut self, batch: &mut Batch, record: &[u8]) -> Result<Added, RecordError> {
        match self.utf8(batch, record) {
            Err(error) => self.wide(batch, record, error),
            added => added,
        }
    }

    /// Adds the rows of a record that is not valid as UTF-8; `error` says why. UTF-16 and UTF-32 are never
    /// valid JSON in UTF-8, so only failed records are checked for these encodings.
    #[cold]
    fn wide(&mut self, batch: &mut Batch, record: &[u8], error: RecordError) -> Result<Added, RecordError> {
        let Some(encoding) = WideEncoding::of(record) else { return Err(error) };

        let mut narrowed = std::mem::take(&mut self.narrowed);
        narrowed.clear();
        let added = match encoding.decode(record, &mut narrowed) {
            Ok(()) => self.utf8(batch, &narrowed),
            Err(_) => {
                self.fault = Fault { kind: FaultKind::NoRow(NOT_UNICODE), at: 0 };
                Err(self.error(&narrowed))
            }
        };
        self.narrowed = narrowed;
        added
    }

    /// Adds the rows of a record in UTF-8, as [`Decoder::record`] does.
    #[inline(always)]
    fn utf8(&mut self, batch: &mut Batch, record: &[u8]) -> Result<Added, RecordError> {
        let start = if record.first() == Some(&b'{') { 0 } else { self.start(record) };
        let rows = batch.rows;

        let added = match record.get(start) {
            Some(b'{') => match self.row(batch, record, start) {
                Ok(_) => return Ok(Added { rows: 1, refused: 0 }),
                Err(stop) => Err(stop),
            },
            Some(b'[') => self.elements(batch, record, start),
            _ => self.no_object(record, start),
        };

        added.map_err(|Stop| {
            for row in rows..(batch.rows + 1).min(self.capacity) {
                batch.columns.iter_mut().for_each(|column| match column {
                    Column::Coded(coded) => coded.clear(row),
                    column => column.set_null(row),
                });
            }
            batch.rows = rows;
            self.error(record)
        })
    }

    /// Ends the batch: rows with text that is not UTF-8 are removed, together with all other rows of their
    /// records, and the records are rejected. If that is an error, it is returned with the first of the
    /// records.
    pub fn finish(&mut self, batch: &mut Batch) -> Result<(), (RecordSpan, RecordError)> {
        let mut dead = Vec::new();
        for (column, leaf) in batch.columns.iter_mut().zip(&self.leaves) {
            match column {
                Column::Text(texts) => {
                    dead.resize(batch.rows, false);
                    utf8::mark_invalid(texts, &mut dead);
                }
                Column::Coded(coded) => coded.finish(batch.rows, &mut |row| {
                    dead.resize(batch.rows, false);
                    dead[row] = true;
                }),
                _ => continue,
            }

            if !self.options.ignore_parse_errors
                && let Some(row) = dead.iter().position(|dead| *dead)
            {
                let reason = format!("malformed: the text of field `{}` is not UTF-8", leaf.name);
                return Err((batch.origin.records[row], RecordError::Fatal(reason)));
            }
        }
        if !dead.contains(&true) {
            return Ok(());
        }
        let spans = &batch.origin.records;
        let mut start = 0;
        for record in spans.chunk_by(|a, b| a.offset == b.offset) {
            let rows = &mut dead[start..start + record.len()];
            start += record.len();
            if rows.contains(&true) {
                rows.fill(true);
                batch.rejects.push(Reject { record: record[0], reason: Cow::Borrowed(NOT_UTF8) });
            }
        }
        utf8::drop_rows(batch, &dead);
        Ok(())
    }

    /// Returns for each leaf, in the order of the requests, how often it was null because of a wrong type.
    pub fn type_errors(&self) -> impl Iterator<Item = u64> {
        self.leaves.iter().map(|leaf| leaf.type_errors)
    }

    /// Calls `each` with every leaf that was null because of a wrong type since the last call, and how often.
    pub fn take_type_errors(&mut self, each: &mut dyn FnMut(&str, u64)) {
        for leaf in self.leaves.iter_mut().filter(|leaf| leaf.type_errors > 0) {
            each(&leaf.name, std::mem::take(&mut leaf.type_errors));
        }
    }

    /// Returns the start of the record's value, after a byte order mark and blanks.
    #[cold]
    fn start(&self, record: &[u8]) -> usize {
        scan::blanks(record, if record.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 })
    }

    /// Reads the object at `i` into a new row; returns the end of the object.
    #[inline(always)]
    fn row(&mut self, batch: &mut Batch, record: &[u8], i: usize) -> Result<usize, Stop> {
        if batch.rows >= self.capacity {
            self.grow(batch);
        }
        self.row = batch.rows;
        self.row_id += 1;
        let end = self.object(&mut batch.columns, record, 0, i)?;
        batch.rows += 1;
        Ok(end)
    }

    /// Reads the array at `start`, one row for each object.
    fn elements(&mut self, batch: &mut Batch, record: &[u8], start: usize) -> Result<Added, Stop> {
        let before = batch.rows;
        let mut refused = 0;
        let mut i = scan::blanks(record, start + 1);
        if record.get(i) == Some(&b']') {
            return Ok(Added { rows: 0, refused: 0 });
        }

        loop {
            i = scan::blanks(record, i);
            if record.get(i) == Some(&b'{') {
                i = self.row(batch, record, i)?;
            } else {
                i = self.skip(record, i, 1)?;
                refused += 1;
            }
            i = scan::blanks(record, i);
            match record.get(i) {
                Some(b',') => i += 1,
                Some(b']') => break,
                _ => return self.stop(Fault::malformed("expected `,` or `]`", i)),
            }
        }

        let rows = batch.rows - before;
        if refused > 0 && (rows == 0 || !self.options.ignore_parse_errors) {
            return self.stop(Fault { kind: FaultKind::NoRow(NO_OBJECTS), at: start });
        }
        Ok(Added { rows, refused })
    }

    #[cold]
    fn no_object(&mut self, record: &[u8], i: usize) -> Result<Added, Stop> {
        if i == record.len() {
            return self.stop(Fault { kind: FaultKind::NoRow(EMPTY), at: i });
        }
        self.skip(record, i, 0)?;
        let reason = if scan::has(record, i, b"null") { NULL } else { NO_OBJECT };
        self.stop(Fault { kind: FaultKind::NoRow(reason), at: i })
    }

    #[cold]
    fn grow(&mut self, batch: &mut Batch) {
        self.capacity = (self.capacity * 2).max(64);
        let rows = self.capacity;

        for column in &mut batch.columns {
            match column {
                Column::Bool(values) => values.resize(rows, tri::NULL),
                Column::Int(numbers) => {
                    numbers.values.resize(rows, 0);
                    numbers.valid.resize(rows, 0);
                }
                Column::Double(numbers) => {
                    numbers.values.resize(rows, 0.0);
                    numbers.valid.resize(rows, 0);
                }
                Column::Wide(numbers) => {
                    numbers.values.resize(rows, 0);
                    numbers.valid.resize(rows, 0);
                }
                Column::Text(texts) | Column::Bytes(texts) => texts.views.resize(rows, View::NULL),
                Column::Coded(coded) => coded.grow(rows),
            }
        }
    }

    /// Returns the error for the fault in a record.
    #[cold]
    fn error(&self, record: &[u8]) -> RecordError {
        let Fault { kind, at } = self.fault;
        let reason = match kind {
            FaultKind::WrongType { leaf } => {
                let Leaf { name, data_type, .. } = &self.leaves[leaf as usize];
                let value = excerpt::value(record, at);
                return RecordError::Fatal(format!(
                    "field `{name}` is {data_type}, but the value at byte {at} is {value}"
                ));
            }
            // Tombstones and other empty records are not faults of the data.
            FaultKind::NoRow(reason @ (EMPTY | NULL)) => return RecordError::Rejected(reason.into()),
            FaultKind::NoRow(reason) => Cow::Borrowed(reason),
            FaultKind::Malformed(what) => Cow::Owned(format!("malformed: {what} at byte {at}")),
        };

        if self.options.ignore_parse_errors {
            RecordError::Rejected(reason)
        } else {
            RecordError::Fatal(format!("{reason}{}", excerpt::near(record, at)))
        }
    }
}
