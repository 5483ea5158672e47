//! Decodes JSON documents as rows of a lookup table.

use engine::batch::{Batch, Encoding, LeafRequest, RecordSpan};
use engine::evaluate::Vector;
use sql::plan::Leaf;
use types::{Offset, Scalar, Timestamp};

use crate::event_log::add_record;
use crate::format::json::{Decoder, JsonOptions};

/// Decodes the documents of one table.
pub(super) struct RowReader {
    decoder: Decoder,
    batch: Batch,
    ignores_errors: bool,
}

/// A document that is not a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    /// Index of the document.
    pub document: usize,
    pub reason: String,
}

impl RowReader {
    pub fn new(leaves: &[Leaf], json: JsonOptions) -> RowReader {
        let request = |leaf: &Leaf| LeafRequest { leaf: leaf.clone(), encoding: Encoding::Plain };
        let requests: Vec<LeafRequest> = leaves.iter().map(request).collect();
        RowReader {
            decoder: Decoder::new(&requests, json),
            batch: Batch::new(&requests),
            ignores_errors: json.ignore_parse_errors,
        }
    }

    /// Calls `each` with the index of every row's document and the row's values.
    pub fn read(
        &mut self,
        documents: &[&[u8]],
        mut each: impl FnMut(usize, &[Scalar<'_>]),
    ) -> Result<(), Malformed> {
        let RowReader { decoder, batch, ignores_errors } = self;
        decoder.begin(batch, documents.len());
        for (document, bytes) in documents.iter().enumerate() {
            let span = span(document);
            add_record(decoder, batch, bytes, span)
                .map_err(|error| Malformed { document, reason: error.to_string() })?;
        }
        decoder.finish(batch).map_err(|(span, error)| Malformed {
            document: span.offset.0 as usize,
            reason: error.to_string(),
        })?;
        if let Some(reject) = batch.rejects.first().filter(|_| !*ignores_errors) {
            let (document, reason) = (reject.record.offset.0 as usize, reject.reason.to_string());
            return Err(Malformed { document, reason });
        }

        let columns: Vec<Vector<'_>> = batch.columns.iter().map(Vector::of).collect();
        let mut values = Vec::with_capacity(columns.len());
        for (row, record) in batch.origin.records.iter().enumerate().take(batch.rows) {
            values.clear();
            values.extend(columns.iter().map(|column| column.get(row)));
            each(record.offset.0 as usize, &values);
        }
        Ok(())
    }
}

/// Returns a record span whose offset is the document's index.
fn span(document: usize) -> RecordSpan {
    RecordSpan { offset: Offset(document as u64), appended: Timestamp(0), start: 0, end: 0 }
}
