//! The output of a local run: one line for each row written, in an order that depends on nothing but the input.
//!
//! A line is `{"table", "key", "value", "ttl"}`. Rows stand by window end, then query, then key. Subtasks report how
//! far their event time has come; a row is released when all of them have passed the time at which it was written, and
//! every row that sorts before it with it.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use engine::connector::{ConnectorError, Rows, Sink, SinkFactory};
use parking_lot::Mutex;
use sql::plan::SinkTable;
use types::EventTime;

use crate::format::json::write::{write_integer, write_string};
use crate::result_store::{ResultStoreOptions, RowEncoder};

/// Where all tables of a local run write.
pub struct LocalOutput {
    inner: Mutex<Inner>,
}

struct Inner {
    out: Box<dyn Write + Send>,
    /// How far each sink has come.
    reported: Vec<i64>,
    /// Not yet released.
    rows: BTreeMap<Place, Line>,
    written: u64,
    failure: Option<std::io::Error>,
}

/// Where a row stands in the output.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    window_end: i64,
    query: usize,
    key: Vec<u8>,
    /// Rows without a key keep their order.
    sink: usize,
    sequence: u64,
}

struct Line {
    text: Vec<u8>,
    /// The event time at which it was written; known when the sink next reports.
    written_at: Option<i64>,
    sink: usize,
}

impl LocalOutput {
    pub fn new(out: Box<dyn Write + Send>) -> Arc<LocalOutput> {
        let inner = Inner { out, reported: Vec::new(), rows: BTreeMap::new(), written: 0, failure: None };
        Arc::new(LocalOutput { inner: Mutex::new(inner) })
    }

    /// Rows written so far.
    pub fn rows_written(&self) -> u64 {
        self.inner.lock().written
    }

    /// Writes what is left; fails with the first error of writing.
    pub fn finish(&self) -> std::io::Result<()> {
        let mut inner = self.inner.lock();
        inner.reported.fill(i64::MAX);
        inner.rows.values_mut().for_each(|line| line.written_at = Some(i64::MIN));
        inner.release();
        match inner.failure.take() {
            Some(error) => Err(error),
            None => inner.out.flush(),
        }
    }
}

/// One table of a local run.
pub struct LocalTable {
    pub table: SinkTable,
    /// `None` for tables whose rows have no key.
    pub options: Option<ResultStoreOptions>,
    pub output: Arc<LocalOutput>,
}

impl SinkFactory for LocalTable {
    fn open(&self, _subtask: usize, _of: usize) -> Result<Box<dyn Sink>, ConnectorError> {
        let mut inner = self.output.inner.lock();
        inner.reported.push(i64::MIN);
        let sink = inner.reported.len() - 1;
        let mut head = b"{\"table\":".to_vec();
        write_string(&mut head, &self.table.name);
        let encoder = match &self.options {
            Some(options) => RowEncoder::new(&self.table, options.key.clone(), false),
            None => RowEncoder::without_key(&self.table, false),
        };
        let ttl = self.options.as_ref().map(|options| options.ttl.as_secs());
        Ok(Box::new(LocalSink {
            encoder,
            head,
            ttl,
            output: self.output.clone(),
            sink,
            sequence: 0,
            unreported: false,
        }))
    }
}

struct LocalSink {
    encoder: RowEncoder,
    head: Vec<u8>,
    ttl: Option<u64>,
    output: Arc<LocalOutput>,
    sink: usize,
    sequence: u64,
    /// Whether rows were written since the last report.
    unreported: bool,
}

impl Sink for LocalSink {
    fn write(&mut self, rows: &Rows<'_>) -> Result<(), ConnectorError> {
        let window_end = rows.window.map_or(i64::MIN, |(_, end)| end);
        let LocalSink { encoder, head, ttl, output, sink, sequence, unreported } = self;
        let mut inner = output.inner.lock();
        encoder.encode(rows, |_, key, value| {
            let mut text = Vec::with_capacity(head.len() + key.len() + value.len() + 48);
            text.extend_from_slice(head);
            text.extend_from_slice(b",\"key\":");
            match ttl {
                Some(_) => write_string(&mut text, key),
                None => text.extend_from_slice(b"null"),
            }
            text.extend_from_slice(b",\"value\":");
            text.extend_from_slice(value);
            text.extend_from_slice(b",\"ttl\":");
            match ttl {
                Some(seconds) => write_integer(&mut text, *seconds as i64),
                None => text.extend_from_slice(b"null"),
            }
            text.extend_from_slice(b"}\n");
            *sequence += 1;
            let place = Place {
                window_end,
                query: rows.query,
                key: key.as_bytes().to_vec(),
                sink: *sink,
                sequence: *sequence,
            };
            inner.rows.insert(place, Line { text, written_at: None, sink: *sink });
        });
        *unreported = true;
        Ok(())
    }

    fn watermark(&mut self, watermark: EventTime) -> Result<(), ConnectorError> {
        let mut inner = self.output.inner.lock();
        inner.reported[self.sink] = watermark.0;
        if std::mem::take(&mut self.unreported) {
            for line in inner.rows.values_mut().filter(|line| line.sink == self.sink) {
                line.written_at.get_or_insert(watermark.0);
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
    fn release(&mut self) {
        let passed = self.reported.iter().copied().min().unwrap_or(i64::MIN);
        while let Some(first) = self.rows.first_entry() {
            if first.get().written_at.is_none_or(|at| at > passed) {
                break;
            }
            let line = first.remove();
            self.written += 1;
            if self.failure.is_none()
                && let Err(error) = self.out.write_all(&line.text)
            {
                self.failure = Some(error);
            }
        }
    }
}
