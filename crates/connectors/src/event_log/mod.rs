//! Tables read from the event log: `'connector' = 'kafka'`.

mod key_columns;
mod keys;
mod metadata;
mod options;
mod sink;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use engine::batch::{Batch, LeafRequest, RecordSpan, Reject};
use engine::connector::{ConnectorError, Polled, Reads, Source, SourceFactory, Split, StartFrom};
use parking_lot::Mutex;
use storage::log::{EventLog, Fetched, Polled as LogPolled, Wanted};
use types::{Clock, Offset, PartitionId};

use crate::format::json::{Decoder, RecordError};

pub use keys::{KeyField, KeyFormat, KeyOptions};
pub use options::{EventLogOptions, Reset, Startup, Topics};
pub use sink::{EventLogSinkOptions, EventLogSinkTable, Mode, Record, RecordEncoder};

use key_columns::KeyColumns;
pub(crate) use metadata::{Described, MetadataColumns, check_none};
use streams::{Numbers, Share, Streams};

/// Opens readers of topics of an event log.
pub struct EventLogTable {
    options: Arc<EventLogOptions>,
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    new_topic_partitions: u32,
    numbers: Arc<Mutex<Numbers>>,
}

impl EventLogTable {
    /// `new_topic_partitions`: of topics that are named and do not exist yet.
    pub fn new(
        options: EventLogOptions,
        log: Arc<dyn EventLog>,
        clock: Arc<dyn Clock>,
        new_topic_partitions: u32,
    ) -> EventLogTable {
        EventLogTable {
            options: Arc::new(options),
            log,
            clock,
            new_topic_partitions,
            numbers: Arc::default(),
        }
    }

    fn failed(&self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ConnectorError {
        ConnectorError::external(format!("cannot read {}", self.options.topics.describe()), error)
    }
}

impl SourceFactory for EventLogTable {
    fn reads(&self) -> Reads {
        self.options.reads(&*self.log)
    }

    fn open(
        &self,
        requests: &[LeafRequest],
        subtask: usize,
        of: usize,
        from: &StartFrom,
    ) -> Result<Box<dyn Source>, ConnectorError> {
        if let Topics::Named(topics) = &self.options.topics {
            for topic in topics {
                self.log
                    .create_topic(topic, self.new_topic_partitions)
                    .map_err(|error| self.failed(error))?;
            }
        }
        let metadata = MetadataColumns::new(requests);
        let keys = KeyColumns::new(self.options.key.as_ref(), requests);
        let wanted = Wanted { keys: keys.is_some(), headers: metadata.wants_headers() };
        let streams = Streams::open(
            self.options.clone(),
            self.log.clone(),
            self.clock.clone(),
            self.numbers.clone(),
            Share { subtask, of },
            wanted,
            from,
        );
        Ok(Box::new(EventLogSource {
            doing: format!("cannot read {}", self.options.topics.describe()),
            streams: streams.map_err(|error| self.failed(error))?,
            decoder: Decoder::of_some(requests, self.options.json, |request| {
                !self.options.key.as_ref().is_some_and(|key| key_columns::reads(key, request))
            }),
            metadata,
            keys,
            log: self.log.clone(),
            pending: None,
            clock: self.clock.clone(),
            waited: Duration::ZERO,
        }))
    }

    fn commit(&self, positions: &[(Split, Offset)]) -> Result<(), ConnectorError> {
        let Some(group) = self.options.group() else { return Ok(()) };
        let positions: Vec<(&str, PartitionId, Offset)> = positions
            .iter()
            .map(|(split, offset)| (split.topic.as_str(), PartitionId(split.partition), *offset))
            .collect();
        self.log.commit(group, &positions).map_err(|error| {
            ConnectorError::external(format!("cannot commit the offsets of group `{group}`"), error)
        })
    }
}

struct EventLogSource {
    doing: String,
    streams: Streams,
    decoder: Decoder,
    metadata: MetadataColumns,
    keys: Option<KeyColumns>,
    log: Arc<dyn EventLog>,
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
                let polled = self.streams.poll(timeout);
                self.waited += self.clock.elapsed().saturating_sub(before);
                match polled {
                    Ok(LogPolled::Records { fetched, behind }) => Pending { fetched, next: 0, behind },
                    Ok(LogPolled::CaughtUp) => return Ok(Polled::CaughtUp),
                    Ok(LogPolled::Unreachable) => return Ok(Polled::Unreachable),
                    Err(error) => return Err(ConnectorError::external(&self.doing, error)),
                }
            }
        };
        let end = pending.fetched.records.len().min(pending.next + max_rows);
        if let Some(keys) = &mut self.keys {
            keys.decode(&pending.fetched, pending.next..end)?;
        }
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
            if let Some(reason) = self.keys.as_ref().and_then(|keys| keys.rejection(record.offset)) {
                batch.rejects.push(Reject { record: span, reason });
                continue;
            }
            let body = &pending.fetched.data[record.start as usize..record.end as usize];
            add_record(&mut self.decoder, batch, body, span)?;
        }
        finish(&mut self.decoder, batch)?;
        if let Some(keys) = &self.keys {
            keys.fill(batch);
        }
        if !self.metadata.is_empty() {
            self.describe(batch, &pending.fetched);
        }
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
        if let Some(keys) = &mut self.keys {
            keys.take_wrong_types(each);
        }
    }

    fn positions(&self) -> Vec<(PartitionId, Offset)> {
        let mut positions = self.streams.positions();
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

    fn at_end(&self) -> Vec<PartitionId> {
        let pending = self.pending.as_ref().and_then(|pending| pending.fetched.partition);
        self.streams.at_end().into_iter().filter(|partition| Some(*partition) != pending).collect()
    }

    fn partitions(&self) -> Vec<PartitionId> {
        self.streams.partitions()
    }

    fn split(&self, partition: PartitionId) -> Split {
        self.streams.split(partition)
    }

    fn take_found(&mut self) -> Vec<PartitionId> {
        self.streams.take_found()
    }
}

impl EventLogSource {
    fn describe(&self, batch: &mut Batch, fetched: &Fetched) {
        let Some(partition) = fetched.partition else { return };
        let split = self.streams.split(partition);
        let of = Described {
            topic: &split.topic,
            partition: split.partition,
            time_kind: Some(self.log.time_kind(&split.topic)),
            records: &fetched.records,
            attributes: &fetched.attributes,
            data: &fetched.data,
        };
        self.metadata.fill(batch, &of);
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
