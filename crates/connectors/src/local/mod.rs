//! The output of a local run: one line for each written row, in an order that depends only on the input.
//!
//! A line is `{"table", "key", "value", "ttl"}`. Rows of windows are ordered by window end, query and key.
//! Subtasks report the progress of their event time. A row is released, with every row that sorts before it,
//! when all subtasks have passed the event time at which it was written.
//!
//! Rows of queries without windows are ordered by their source record and query: among the other rows as they
//! arrive if there is one input file, after them if there are several.
//!
//! Rows of an updating query are written at the end, in their final state, by table and key. If the changelog
//! is requested, every change is written as it arrives, with `"op"` (`+I`, `-U`, `+U`, `-D`).

mod changes;
mod final_rows;
use crate::SinkOptions;
use crate::event_log::RecordEncoder;
use crate::format::json::write::{write_integer, write_string};
use crate::result_store::RowEncoder;
use changes::{Change, take_changes};
use engine::connector::{ConnectorError, Rows, Sink, SinkFactory};
use engine::operator::changes::Kinds;
use final_rows::FinalRows;
use parking_lot::Mutex;
use sql::plan::SinkTable;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use types::EventTime;

/// The output of all tables of a local run.
pub struct LocalOutput {
    inner: Mutex<Inner>,
}

struct Inner {
    out: Box<dyn Write + Send>,
    /// Whether records come from one file, and so in one order.
    one_file: bool,
    /// Event time that each sink has reported.
    reported: Vec<i64>,
    /// Chunks that are not yet released.
    waiting: BTreeMap<OutputPosition, Vec<Chunk>>,
    /// Emptied buffers for reuse.
    spare: Vec<Vec<u8>>,
    written: u64,
    failure: Option<std::io::Error>,
    /// Current rows of updating queries.
    final_rows: FinalRows,
    /// Whether every change is written as it arrives, and how many were.
    changelog: bool,
    changes: u64,
}

/// The position of rows in the output. Rows with the same place are ordered by key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct OutputPosition {
    /// The least or greatest value for rows without a window.
    window_end: i64,
    /// For rows without a window, the start of their batch, or their partition.
    query: u64,
}

/// Rows that were written together.
struct Chunk {
    data: Vec<u8>,
    /// The rows, sorted by key.
    lines: Vec<Line>,
    /// Event time at which the chunk was written; known after the sink's next report.
    written_at: Option<i64>,
    sink: usize,
}

/// Offsets of a row in a chunk's data: its sort key, followed by its text.
struct Line {
    key: usize,
    text: usize,
    end: usize,
}

impl Chunk {
    fn key(&self, line: &Line) -> &[u8] {
        &self.data[line.key..line.text]
    }

    /// Sorts the lines by key.
    fn sort(&mut self) {
        let data = &self.data;
        let key = |line: &Line| &data[line.key..line.text];
        let Some(first) = self.lines.first().map(key) else { return };
        // The common prefix of all keys is checked once; after it, the next bytes usually decide.
        let shared = self.lines.iter().fold(first.len(), |shared, line| shared.min(common(first, key(line))));
        let rest = |line: &Line| &data[line.key + shared..line.text];
        let mut lines: Vec<(u64, Line)> =
            self.lines.drain(..).map(|line| (head(rest(&line)), line)).collect();
        lines.sort_by(|(a, x), (b, y)| a.cmp(b).then_with(|| rest(x).cmp(rest(y))));
        self.lines.extend(lines.into_iter().map(|(_, line)| line));
    }
}

/// Returns the length of the common prefix of two keys.
fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Returns the first bytes as a number with the same order.
fn head(bytes: &[u8]) -> u64 {
    let mut head = [0; 8];
    let len = bytes.len().min(8);
    head[..len].copy_from_slice(&bytes[..len]);
    u64::from_be_bytes(head)
}

impl LocalOutput {
    /// Creates an output. `one_file` says whether all records come from one file; `changelog` says whether
    /// every change is written instead of the final rows.
    pub fn new(out: Box<dyn Write + Send>, one_file: bool, changelog: bool) -> Arc<LocalOutput> {
        let inner = Inner {
            out,
            one_file,
            reported: Vec::new(),
            waiting: BTreeMap::new(),
            spare: Vec::new(),
            written: 0,
            failure: None,
            final_rows: FinalRows::default(),
            changelog,
            changes: 0,
        };
        Arc::new(LocalOutput { inner: Mutex::new(inner) })
    }

    /// Returns the number of rows written so far.
    pub fn rows_written(&self) -> u64 {
        let inner = self.inner.lock();
        inner.written + inner.changes
    }

    /// Writes all remaining rows; fails with the first write error.
    pub fn finish(&self) -> std::io::Result<()> {
        let mut inner = self.inner.lock();
        inner.reported.fill(i64::MAX);
        inner.waiting.values_mut().flatten().for_each(|chunk| chunk.written_at = Some(i64::MIN));
        inner.release();
        if let Some(error) = inner.failure.take() {
            return Err(error);
        }

        let final_rows = std::mem::take(&mut inner.final_rows);
        inner.written += final_rows.write(&mut inner.out)?;
        inner.out.flush()
    }
}

/// One table of a local run.
pub struct LocalTable {
    pub table: SinkTable,
    /// Whether queries update its rows. A batch of such rows may have additions only.
    pub is_updated: bool,
    pub options: SinkOptions,
    pub output: Arc<LocalOutput>,
}

/// Turns rows into lines.
enum Encoder {
    /// Rows with a key and a TTL in seconds.
    Store(RowEncoder, u64),
    Log(RecordEncoder),
    Blackhole(RowEncoder),
}

/// The key of a sink's table.
struct TableKey {
    /// Fields of the primary key.
    fields: Vec<usize>,
}

impl SinkFactory for LocalTable {
    fn open(&self, _subtask: usize, _of: usize) -> Result<Box<dyn Sink>, ConnectorError> {
        let mut inner = self.output.inner.lock();
        inner.reported.push(i64::MIN);
        let sink = inner.reported.len() - 1;
        let mut head = b"{\"table\":".to_vec();
        write_string(&mut head, &self.table.name);
        let encoder = match &self.options {
            SinkOptions::ResultStore(options) => Encoder::Store(
                RowEncoder::new(&self.table, options.key.clone(), false),
                options.ttl.as_secs(),
            ),
            SinkOptions::EventLog(options) => Encoder::Log(RecordEncoder::new(&self.table, options)),
            SinkOptions::Blackhole | SinkOptions::Print(_) => {
                Encoder::Blackhole(RowEncoder::without_key(&self.table, false))
            }
        };
        let place = |name: &String| self.table.columns.iter().position(|column| column.name == *name);
        let key = TableKey { fields: self.table.primary_key.iter().filter_map(place).collect() };
        let output = self.output.clone();
        let is_updated = self.is_updated;
        Ok(Box::new(LocalSink { encoder, is_updated, head, key, output, sink, unreported: false }))
    }
}

struct LocalSink {
    encoder: Encoder,
    is_updated: bool,
    head: Vec<u8>,
    key: TableKey,
    output: Arc<LocalOutput>,
    sink: usize,
    /// Whether rows were written since the last report.
    unreported: bool,
}

impl Sink for LocalSink {
    fn write(&mut self, rows: &Rows<'_>) -> Result<(), ConnectorError> {
        let LocalSink { encoder, is_updated, head, key: table_key, output, sink, unreported } = self;
        let is_updated = *is_updated;
        let (spare, one_file) = {
            let mut inner = output.inner.lock();
            (inner.spare.pop().unwrap_or_default(), inner.one_file)
        };

        let mut chunk = Chunk { data: spare, lines: Vec::new(), written_at: None, sink: *sink };
        let Chunk { data, lines, .. } = &mut chunk;

        let kind_of = |row: usize| match rows.kinds {
            Kinds::All(kind) => kind,
            Kinds::Each(kinds) => kinds[row],
        };
        let mut changes: Vec<Change> = Vec::new();
        let mut line = |row: usize, key: Option<&str>, value: &[u8], ttl: Option<u64>| {
            let start = data.len();
            match (rows.records, ttl) {
                (Some(records), _) => {
                    data.extend_from_slice(&records.spans[row].offset.0.to_be_bytes());
                    data.extend_from_slice(&(rows.query as u32).to_be_bytes());
                }
                (None, Some(_)) => data.extend_from_slice(key.unwrap_or_default().as_bytes()),
                // A missing key, or a key that several rows of a window share, does not order rows, so the
                // value does.
                (None, None) => {
                    data.extend_from_slice(key.unwrap_or_default().as_bytes());
                    data.push(0);
                    data.extend_from_slice(value);
                }
            }
            let text = data.len();
            data.extend_from_slice(head);
            if is_updated {
                data.extend_from_slice(b",\"op\":\"");
                data.extend_from_slice(kind_of(row).code().as_bytes());
                data.push(b'"');
            }
            data.extend_from_slice(b",\"key\":");
            match key {
                Some(key) => write_string(data, key),
                None => data.extend_from_slice(b"null"),
            }
            data.extend_from_slice(b",\"value\":");
            data.extend_from_slice(value);
            data.extend_from_slice(b",\"ttl\":");
            match ttl {
                Some(seconds) => write_integer(data, seconds as i64),
                None => data.extend_from_slice(b"null"),
            }
            data.extend_from_slice(b"}\n");
            if is_updated {
                changes.push(Change { row, key: key.map(|key| key.as_bytes().to_vec()) });
            }
            lines.push(Line { key: start, text, end: data.len() });
        };

        match encoder {
            Encoder::Store(encoder, ttl) => {
                encoder.encode(rows, |row, key, value| line(row, Some(key), value, Some(*ttl)));
            }
            Encoder::Blackhole(encoder) => encoder.encode(rows, |row, _, value| line(row, None, value, None)),
            Encoder::Log(encoder) => encoder.encode(rows, |row, record| {
                let key = record.key.map(String::from_utf8_lossy);
                line(row, key.as_deref(), record.value, None);
            }),
        }

        if is_updated {
            let (taken, mut chunk) = (output.inner.lock(), chunk);
            return take_changes(taken, rows, table_key, head, &mut chunk, changes);
        }

        chunk.sort();
        let mut inner = output.inner.lock();

        let place = match (rows.window, rows.records) {
            (Some((_, window_end)), _) => OutputPosition { window_end, query: rows.query as u64 },
            (None, Some(records)) if one_file => {
                let begin = records.spans.first().map_or(0, |span| span.offset.0);
                inner.release_before(begin);
                OutputPosition { window_end: i64::MIN, query: begin }
            }
            (None, records) => {
                let partition = records.map_or(0, |records| records.partition.0.into());
                OutputPosition { window_end: i64::MAX, query: partition }
            }
        };

        inner.waiting.entry(place).or_default().push(chunk);
        *unreported = true;
        Ok(())
    }

    fn watermark(&mut self, watermark: EventTime) -> Result<(), ConnectorError> {
        let mut inner = self.output.inner.lock();
        inner.reported[self.sink] = watermark.0;
        if std::mem::take(&mut self.unreported) {
            // Rows behind all windows are released at the end.
            let waiting = inner.waiting.iter_mut().filter(|(place, _)| place.window_end < i64::MAX);
            for chunk in waiting.flat_map(|(_, chunks)| chunks).filter(|chunk| chunk.sink == self.sink) {
                chunk.written_at.get_or_insert(watermark.0);
            }
        }
        inner.release();
        match &inner.failure {
            Some(error) => {
                Err(ConnectorError::external("cannot write results", std::io::Error::from(error.kind())))
            }
            None => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<(), ConnectorError> {
        Ok(())
    }
}

impl Inner {
    /// Releases rows without a window of batches that began before `offset`, which are complete.
    fn release_before(&mut self, offset: u64) {
        let batch = |query| OutputPosition { window_end: i64::MIN, query };
        for chunk in self.waiting.range_mut(batch(0)..batch(offset)).flat_map(|(_, chunks)| chunks) {
            chunk.written_at = Some(i64::MIN);
        }
        self.release();
    }

    fn release(&mut self) {
        let passed = self.reported.iter().copied().min().unwrap_or(i64::MIN);
        while let Some(first) = self.waiting.first_entry() {
            if first.get().iter().any(|chunk| chunk.written_at.is_none_or(|at| at > passed)) {
                break;
            }
            let chunks = first.remove();
            self.written += chunks.iter().map(|chunk| chunk.lines.len() as u64).sum::<u64>();
            if self.failure.is_none()
                && let Err(error) = write_merged(&mut self.out, &chunks)
            {
                self.failure = Some(error);
            }
            let room = SPARE.saturating_sub(self.spare.len());
            self.spare.extend(chunks.into_iter().take(room).map(|chunk| {
                let mut data = chunk.data;
                data.clear();
                data
            }));
        }
    }
}

/// Largest number of emptied buffers that are kept.
const SPARE: usize = 4;

/// Merges the lines of several chunks by key and writes them.
fn write_merged(out: &mut dyn Write, chunks: &[Chunk]) -> std::io::Result<()> {
    let mut lines: Vec<std::slice::Iter<'_, Line>> = chunks.iter().map(|chunk| chunk.lines.iter()).collect();
    loop {
        let heads =
            lines.iter().enumerate().filter_map(|(chunk, lines)| Some((chunk, lines.as_slice().first()?)));
        let least = heads.min_by_key(|(chunk, line)| chunks[*chunk].key(line));
        let Some((chunk, line)) = least else { return Ok(()) };
        out.write_all(&chunks[chunk].data[line.text..line.end])?;
        lines[chunk].next();
    }
}
