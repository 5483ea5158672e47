//! `VALUES`: reads the literal rows of a query once.

use std::sync::Arc;
use std::time::Duration;

use engine::batch::{Batch, Encoding, LeafRequest, RecordSpan};
use engine::connector::{ConnectorError, Polled, Reads, Source, SourceFactory, Split, StartFrom};
use sql::plan::SourceTable;
use types::{Offset, PartitionId, Scalar, Timestamp, Value};

/// The only partition; a row's offset is its index.
const PARTITION: PartitionId = PartitionId(0);
const SYSTEM: &str = "values";

#[derive(Debug, Clone)]
pub struct ValuesTable {
    columns: Vec<String>,
    rows: Arc<Vec<Vec<Value>>>,
    /// Identifies these rows: a job that restarts with other rows reads them from the beginning.
    split: Split,
}

impl ValuesTable {
    /// Returns `None` for a table that has no literal rows.
    pub fn of(table: &SourceTable) -> Option<ValuesTable> {
        let columns = table.columns.iter().map(|column| column.name.clone()).collect();
        let rows = table.rows.clone()?;
        let digest = xxhash_rust::xxh3::xxh3_64(format!("{rows:?}").as_bytes());
        let split = Split { topic: format!("{SYSTEM}-{digest:016x}"), partition: PARTITION.0 };
        Some(ValuesTable { columns, rows, split })
    }
}

impl SourceFactory for ValuesTable {
    fn reads(&self) -> Reads {
        Reads {
            system: SYSTEM.to_owned(),
            what: "rows that the script writes out".to_owned(),
            includes: Arc::new(|topic| topic.starts_with(SYSTEM)),
        }
    }

    fn open(
        &self,
        requests: &[LeafRequest],
        subtask: usize,
        _of: usize,
        from: &StartFrom,
    ) -> Result<Box<dyn Source>, ConnectorError> {
        let next = match from {
            StartFrom::Options => 0,
            StartFrom::Positions(positions) => {
                let found = positions.iter().find(|of| of.split == self.split);
                found.map_or(0, |of| usize::try_from(of.offset.0).unwrap_or(usize::MAX))
            }
        };

        let wanted = requests.iter().map(|request| {
            let place = self.columns.iter().position(|name| request.leaf.path.first() == Some(name));
            (place, request.encoding)
        });

        let is_first = subtask == 0;
        Ok(Box::new(ValuesSource {
            wanted: wanted.collect(),
            rows: if is_first { self.rows.clone() } else { Arc::default() },
            partitions: if is_first { vec![PARTITION] } else { vec![] },
            next,
            split: self.split.clone(),
        }))
    }
}

struct ValuesSource {
    /// For each column of a batch, the index of its value in rows, and its encoding.
    wanted: Vec<(Option<usize>, Encoding)>,
    rows: Arc<Vec<Vec<Value>>>,
    partitions: Vec<PartitionId>,
    next: usize,
    split: Split,
}

impl Source for ValuesSource {
    fn poll(
        &mut self,
        batch: &mut Batch,
        max_rows: usize,
        _timeout: Duration,
    ) -> Result<Polled, ConnectorError> {
        let rest = self.rows.get(self.next..).unwrap_or_default();
        let rows = &rest[..rest.len().min(max_rows)];
        if rows.is_empty() {
            return Ok(Polled::End);
        }
        batch.clear(rows.len());

        for (column, (place, encoding)) in batch.columns.iter_mut().zip(&self.wanted) {
            for (row, values) in rows.iter().enumerate() {
                let value = place.and_then(|place| values.get(place)).map_or(Scalar::Null, Value::as_scalar);
                match encoding {
                    Encoding::Presence if value.is_null() => {}
                    Encoding::Presence => column.set(row, Scalar::Bool(true)),
                    Encoding::Plain | Encoding::Coded | Encoding::CodedWhileRepeated => {
                        column.set(row, value)
                    }
                }
            }
        }

        let spans = (0..rows.len()).map(|row| RecordSpan {
            offset: Offset((self.next + row) as u64),
            appended: Timestamp(0),
            start: 0,
            end: 0,
        });

        batch.origin.records.extend(spans);
        batch.origin.partition = Some(PARTITION);
        batch.rows = rows.len();
        self.next += rows.len();
        Ok(Polled::Batch { behind: true })
    }

    fn take_waited(&mut self) -> Duration {
        Duration::ZERO
    }

    fn positions(&self) -> Vec<(PartitionId, Offset)> {
        self.partitions.iter().map(|partition| (*partition, Offset(self.next as u64))).collect()
    }

    fn at_end(&self) -> Vec<PartitionId> {
        Vec::new()
    }

    fn partitions(&self) -> Vec<PartitionId> {
        self.partitions.clone()
    }

    fn split(&self, _partition: PartitionId) -> Split {
        self.split.clone()
    }

    fn place(&self, _partition: PartitionId, offset: Offset) -> String {
        format!("row {} that the script writes out", offset.0.saturating_add(1))
    }
}
