//! `'connector' = 'print'`: writes each change to standard output, to show the results of a query.
//!
//! A line is the kind and the value of a row: `+U{"k":"a","n":2}`. With `print-identifier`, that text and `>
//! ` precede it, as in Flink.

use std::io::Write;
use std::sync::Arc;

use engine::connector::{ConnectorError, Rows, Sink, SinkFactory};
use engine::operator::changes::{Kinds, RowKind};
use parking_lot::Mutex;
use sql::error::Diagnostic;
use sql::plan::SinkTable;
use types::EventTime;

use crate::options::OptionReader;
use crate::result_store::RowEncoder;

/// A table that is printed.
pub struct PrintTable {
    pub table: SinkTable,
    pub options: PrintOptions,
    /// Output of the lines.
    pub out: Arc<Mutex<dyn Write + Send>>,
}

/// The options of a printed table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PrintOptions {
    /// `print-identifier`.
    pub identifier: Option<String>,
}

impl PrintOptions {
    pub(crate) fn read(table: &SinkTable) -> Result<PrintOptions, Vec<Diagnostic>> {
        let mut reader = OptionReader::new(&table.name, &table.options);
        reader.get("connector");
        let identifier = reader.get("print-identifier").map(|option| option.value.clone());
        // Lines always go to standard output, because Weir logs to standard error.
        reader.get("standard-error");
        reader.finish().map(|()| PrintOptions { identifier })
    }
}

struct Print {
    encoder: RowEncoder,
    head: Vec<u8>,
    out: Arc<Mutex<dyn Write + Send>>,
}

impl SinkFactory for PrintTable {
    fn open(&self, _subtask: usize, _of: usize) -> Result<Box<dyn Sink>, ConnectorError> {
        let head = self.options.identifier.as_ref().map(|text| format!("{text}> ")).unwrap_or_default();
        Ok(Box::new(Print {
            encoder: RowEncoder::without_key(&self.table, false),
            head: head.into_bytes(),
            out: self.out.clone(),
        }))
    }
}

impl Sink for Print {
    fn write(&mut self, rows: &Rows<'_>) -> Result<(), ConnectorError> {
        let Print { encoder, head, out } = self;
        let mut lines = Vec::new();
        encoder.encode(rows, |row, _, value| {
            let kind: RowKind = match rows.kinds {
                Kinds::All(kind) => kind,
                Kinds::Each(kinds) => kinds[row],
            };
            lines.extend_from_slice(head);
            lines.extend_from_slice(kind.code().as_bytes());
            lines.extend_from_slice(value);
            lines.push(b'\n');
        });
        let mut out = out.lock();
        let written = out.write_all(&lines).and_then(|()| out.flush());
        written.map_err(|error| ConnectorError::external("cannot print rows", error))
    }

    fn watermark(&mut self, _watermark: EventTime) -> Result<(), ConnectorError> {
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ConnectorError> {
        Ok(())
    }
}
