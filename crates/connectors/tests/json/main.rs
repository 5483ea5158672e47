//! Guarantees of the JSON decoder, tested with records as bytes.

mod differential;
mod grammar;
mod nested;
mod producers;
mod types;
mod writing;

use ::types::{DataType, Value};
use connectors::format::json::{Decoder, JsonOptions, RecordError};
use engine::batch::{Batch, Encoding, LeafRequest};
use sql::plan::Leaf;

const LENIENT: JsonOptions = JsonOptions {
    ignore_parse_errors: true,
    timestamp_format: connectors::format::json::TimestampFormat::Sql,
};

fn leaf(path: &str, data_type: DataType, encoding: Encoding) -> LeafRequest {
    let path = path.split('.').map(str::to_owned).collect();
    LeafRequest { leaf: Leaf { path, column_type: data_type.nullable(), metadata: None }, encoding }
}

/// A decoder and the batch it fills.
struct Reader {
    decoder: Decoder,
    batch: Batch,
}

impl Reader {
    fn new(requests: &[LeafRequest], options: JsonOptions) -> Reader {
        Reader { decoder: Decoder::new(requests, options), batch: Batch::new(requests) }
    }

    /// Returns the rows of a record in a batch of its own.
    fn read(&mut self, record: &[u8]) -> Result<Vec<Vec<Value>>, RecordError> {
        self.decoder.begin(&mut self.batch, 1);
        let added = self.decoder.record(&mut self.batch, record)?;
        assert_eq!(added.rows, self.batch.rows);
        self.decoder.finish(&mut self.batch).map_err(|(_, error)| error)?;
        Ok(self.rows())
    }

    /// Returns the only row of a record.
    fn row(&mut self, record: &[u8]) -> Vec<Value> {
        let text = String::from_utf8_lossy(record).into_owned();
        let mut rows = self.read(record).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(rows.len(), 1, "{text}");
        rows.remove(0)
    }

    /// Returns the reason why a record gives no row.
    fn rejected(&mut self, record: &[u8]) -> String {
        match self.read(record) {
            Err(RecordError::Rejected(reason)) => {
                assert_eq!(self.batch.rows, 0);
                reason.into_owned()
            }
            other => panic!("{}: {other:?}", String::from_utf8_lossy(record)),
        }
    }

    fn rows(&self) -> Vec<Vec<Value>> {
        let row = |row| self.batch.columns.iter().map(|column| column.get(row).to_value()).collect();
        (0..self.batch.rows).map(row).collect()
    }
}

/// Returns the value of a leaf `v` for `{"v": json}`, in the forms of producers with and without blanks.
fn value(json: &str, data_type: DataType, encoding: Encoding) -> Value {
    let mut reader = Reader::new(&[leaf("v", data_type, encoding)], LENIENT);
    let values = [r#"{"v":@}"#, r#"{"v": @ , "w": 1}"#, r#"{"u":[],"v":@,"w":1}"#, r#"{"v":"x","v":@}"#]
        .map(|form| reader.row(form.replace('@', json).as_bytes()).remove(0));
    let same = values.iter().all(|value| format!("{value:?}") == format!("{:?}", values[0]));
    assert!(same, "{json}: {values:?}");
    let [value, ..] = values;
    value
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}
