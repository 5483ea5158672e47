//! Tables read from the event log: `'connector' = 'kafka'`.

use std::sync::Arc;
use std::time::Duration;

use engine::batch::{Batch, LeafRequest, RecordSpan, Reject};
use engine::connector::{ConnectorError, Polled, Source, SourceFactory, StartFrom};
use sql::error::Diagnostic;
use sql::plan::SourceTable;
use storage::log::{EventLog, Fetched, LogReader, Polled as LogPolled, Start};
use types::{Clock, Offset, PartitionId, Timestamp};

use crate::format::json::{Decoder, JsonOptions, RecordError};
use crate::format::json_options;
use crate::options::Reader;

/// What a table's options say.
#[derive(Debug, Clone, PartialEq)]
pub struct EventLogOptions {
    pub topic: String,
    pub startup: Start,
    pub json: JsonOptions,
}

impl EventLogOptions {
    /// Reads the options of a table with the connector `kafka`.
    pub fn read(table: &SourceTable) -> Result<EventLogOptions, Vec<Diagnostic>> {
        let mut reader = Reader::new(&table.name, &table.options);
        reader.get("connector");
        let topic = reader.required("topic", "user-queries");
        let modes = ["earliest-offset", "latest-offset", "group-offsets", "timestamp"];
        let startup = match reader.word("scan.startup.mode", "group-offsets", &modes).as_str() {
            "latest-offset" => Start::Latest,
            "timestamp" => Start::Time(Timestamp(reader.parsed(
                "scan.startup.timestamp-millis",
                0,
                "milliseconds since 1970",
            ))),
            // A group without offsets begins at the beginning.
            _ => Start::Earliest,
        };
        reader.get("scan.startup.timestamp-millis");
        reader.word("scan.bounded.mode", "unbounded", &["unbounded"]);
        reader.accept_prefix("properties.");
        // Weir takes the idle timeout from the job's settings, and is exact to the row anyway.
        reader.accept_prefix("scan.watermark.");
        let json = json_options(&mut reader);
        reader.finish()?;
        Ok(EventLogOptions { topic, startup, json })
    }
}

/// Opens readers of a topic of an event log.
pub struct EventLogTable {
    pub options: EventLogOptions,
    pub log: Arc<dyn EventLog>,
    pub clock: Arc<dyn Clock>,
    /// Partitions of a topic that does not exist yet.
    pub new_topic_partitions: u32,
}

impl SourceFactory for EventLogTable {
    fn reads(&self) -> String {
        format!("topic `{}`", self.options.topic)
    }

    fn open(
        &self,
        requests: &[LeafRequest],
        subtask: usize,
        of: usize,
        from: &StartFrom,
    ) -> Result<Box<dyn Source>, ConnectorError> {
        let topic = &self.options.topic;
        let failed = |error| ConnectorError::external(format!("cannot read topic `{topic}`"), error);
        self.log.create_topic(topic, self.new_topic_partitions).map_err(failed)?;
        let partitions = self.log.partitions(topic).map_err(failed)?.unwrap_or(0);
        let starts: Vec<(PartitionId, Start)> = (0..partitions)
            .filter(|partition| *partition as usize % of == subtask)
            .map(|partition| (PartitionId(partition), self.start(PartitionId(partition), from)))
            .collect();
        let reader = self.log.read(topic, &starts).map_err(failed)?;
        Ok(Box::new(EventLogSource {
            topic: topic.clone(),
            partitions: starts.into_iter().map(|(partition, _)| partition).collect(),
            reader,
            decoder: Decoder::new(requests, self.options.json),
            pending: None,
            clock: self.clock.clone(),
            waited: Duration::ZERO,
        }))
    }
}

impl EventLogTable {
    fn start(&self, partition: PartitionId, from: &StartFrom) -> Start {
        match from {
            StartFrom::Options => self.options.startup,
            StartFrom::Positions(positions) => positions
                .iter()
                .find(|(of, _)| *of == partition)
                .map_or(Start::Earliest, |(_, offset)| Start::At(*offset)),
        }
    }
}

struct EventLogSource {
    topic: String,
    partitions: Vec<PartitionId>,
    reader: Box<dyn LogReader>,
    decoder: Decoder,
    pending: Option<Pending>,
    clock: Arc<dyn Clock>,
    waited: Duration,
}

/// Records that were fetched but did not fit the batch.
struct Pending {
    fetched: Fetched,
    next: usize,
    behind: bool,
}

/// Bytes fetched at once.
const FETCH_BYTES: usize = 1 << 20;

impl Source for EventLogSource {
    fn poll(
        &mut self,
        batch: &mut Batch,
        max_rows: usize,
        timeout: Duration,
    ) -> Result<Polled, ConnectorError> {
        let mut pending = match self.pending.take() {
            Some(pending) => pending,
            None => {
                let before = self.clock.elapsed();
                let polled = self.reader.poll(timeout, FETCH_BYTES);
                self.waited += self.clock.elapsed().saturating_sub(before);
                match polled {
                    Ok(LogPolled::Records { fetched, behind }) => Pending { fetched, next: 0, behind },
                    Ok(LogPolled::CaughtUp) => return Ok(Polled::CaughtUp),
                    Ok(LogPolled::Unreachable) => return Ok(Polled::Unreachable),
                    Err(error) => {
                        let doing = format!("cannot read topic `{}`", self.topic);
                        return Err(ConnectorError::external(doing, error));
                    }
                }
            }
        };
        let end = pending.fetched.records.len().min(pending.next + max_rows);
        self.decoder.begin(batch, end - pending.next);
        batch.origin.partition = pending.fetched.partition;
        batch.origin.data = pending.fetched.data.clone();
        for record in &pending.fetched.records[pending.next..end] {
            let span = RecordSpan {
                offset: record.offset,
                appended: record.appended,
                start: record.start,
                end: record.end,
            };
            let body = &pending.fetched.data[record.start as usize..record.end as usize];
            add_record(&mut self.decoder, batch, body, span)?;
        }
        finish(&mut self.decoder, batch)?;
        pending.next = end;
        let more = end < pending.fetched.records.len();
        let behind = more || pending.behind;
        if more {
            self.pending = Some(pending);
        }
        Ok(Polled::Batch { behind })
    }

    fn take_waited(&mut self) -> Duration {
        std::mem::take(&mut self.waited)
    }

    fn take_wrong_types(&mut self, each: &mut dyn FnMut(&str, u64)) {
        self.decoder.take_type_errors(each);
    }

    fn positions(&self) -> Vec<(PartitionId, Offset)> {
        let mut positions = self.reader.positions();
        if let Some(pending) = &self.pending
            && let Some(partition) = pending.fetched.partition
            && let Some(record) = pending.fetched.records.get(pending.next)
        {
            for (id, offset) in &mut positions {
                if *id == partition {
                    *offset = record.offset;
                }
            }
        }
        positions
    }

    fn partitions(&self) -> Vec<PartitionId> {
        self.partitions.clone()
    }
}

/// Decodes one record into the batch, or rejects it.
pub(crate) fn add_record(
    decoder: &mut Decoder,
    batch: &mut Batch,
    body: &[u8],
    span: RecordSpan,
) -> Result<(), ConnectorError> {
    match decoder.record(batch, body) {
        Ok(added) => {
            batch.origin.records.extend(std::iter::repeat_n(span, added.rows));
            for _ in 0..added.refused {
                let reason = "malformed: an element of the array is no object".into();
                batch.rejects.push(Reject { record: span, reason });
            }
            Ok(())
        }
        Err(RecordError::Rejected(reason)) => {
            batch.rejects.push(Reject { record: span, reason });
            Ok(())
        }
        Err(error @ RecordError::Fatal(_)) => Err(ConnectorError::external(
            format!("record at offset {} cannot be decoded", span.offset),
            error,
        )),
    }
}

pub(crate) fn finish(decoder: &mut Decoder, batch: &mut Batch) -> Result<(), ConnectorError> {
    decoder.finish(batch).map_err(|error| ConnectorError::external("a batch cannot be decoded", error))
}
