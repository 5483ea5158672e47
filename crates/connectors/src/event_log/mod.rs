//! Source tables of the event log: `'connector' = 'kafka'`, where a record is a row or a change, and
//! `'upsert-kafka'`, where a record replaces the row of its key. There a record without a value (a tombstone)
//! deletes the row: it gives a row with the key's columns and without an event time.

mod key_columns;
mod keys;
mod metadata;
mod options;
mod sink;
mod streams;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use engine::batch::{Batch, LeafRequest, RecordSpan, Reject};
use engine::connector::{Carried, ConnectorError, Polled, Reads, Source, SourceFactory, Split, StartFrom};
use parking_lot::Mutex;
use storage::log::{EventLog, Fetched, Polled as LogPolled, Wanted};
use types::{Clock, Offset, PartitionId};

use crate::dead_letter::carried;
use crate::format::changelog::{self, Envelope};
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
    /// Name under which the log retains what the job still needs; `None` to retain nothing.
    retained_for: Option<String>,
}

impl EventLogTable {
    /// `new_topic_partitions` is the number of partitions for named topics that do not exist yet.
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
            retained_for: None,
        }
    }

    /// Makes the log retain what a job needs to restart from its newest checkpoint, regardless of the topic's
    /// retention, until the log is told to release it.
    pub fn retained_for(mut self, job: String) -> EventLogTable {
        self.retained_for = Some(job);
        self
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
        let are_upserts = self.options.envelope == Envelope::Upsert;
        let keys = KeyColumns::new(self.options.key.as_ref(), requests, are_upserts);
        // Dead letters keep keys and headers, whether or not the table reads them.
        let wanted = Wanted { keys: true, headers: true };

        let streams = Streams::open(
            self.options.clone(),
            self.log.clone(),
            self.clock.clone(),
            self.numbers.clone(),
            Share { subtask, of },
            wanted,
            from,
        );

        let streams = streams.map_err(|error| self.failed(error))?;
        if let Some(job) = &self.retained_for {
            let positions = streams.positions().into_iter();
            let positions: Vec<(Split, Offset)> =
                positions.map(|(partition, offset)| (streams.split(partition), offset)).collect();
            self.log.retain(job, &named(&positions));
        }

        Ok(Box::new(EventLogSource {
            doing: format!("cannot read {}", self.options.topics.describe()),
            streams,
            decoder: Decoder::of_some(requests, self.options.json, |request| {
                !self.options.key.as_ref().is_some_and(|key| key_columns::reads(key, request))
            }),
            envelope: self.options.envelope,
            metadata,
            keys,
            log: self.log.clone(),
            fetched: Fetched::default(),
            pending: None,
            clock: self.clock.clone(),
            waited: Duration::ZERO,
        }))
    }

    fn commit(&self, positions: &[(Split, Offset)]) -> Result<(), ConnectorError> {
        let positions = named(positions);
        if let Some(job) = &self.retained_for {
            self.log.retain(job, &positions);
        }
        let Some(group) = self.options.group() else { return Ok(()) };
        self.log.commit(group, &positions).map_err(|error| {
            ConnectorError::external(format!("cannot commit the offsets of group `{group}`"), error)
        })
    }
}

fn named(positions: &[(Split, Offset)]) -> Vec<(&str, PartitionId, Offset)> {
    positions
        .iter()
        .map(|(split, offset)| (split.topic.as_str(), PartitionId(split.partition), *offset))
        .collect()
}

struct EventLogSource {
    doing: String,
    streams: Streams,
    decoder: Decoder,
    envelope: Envelope,
    metadata: MetadataColumns,
    keys: Option<KeyColumns>,
    log: Arc<dyn EventLog>,
    /// The last fetched records.
    fetched: Fetched,
    /// The part of them that was not returned yet.
    pending: Option<Pending>,
    clock: Arc<dyn Clock>,
    waited: Duration,
}

/// Fetched records that did not fit the batch.
#[derive(Clone, Copy)]
struct Pending {
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
        let Pending { next, behind } = match self.pending.take() {
            Some(pending) => pending,
            None => {
                let before = self.clock.elapsed();
                let polled = self.streams.poll(timeout);
                self.waited += self.clock.elapsed().saturating_sub(before);
                match polled {
                    Ok(LogPolled::Records { fetched, behind }) => {
                        self.fetched = fetched;
                        Pending { next: 0, behind }
                    }
                    Ok(LogPolled::CaughtUp) => return Ok(Polled::CaughtUp),
                    Ok(LogPolled::Unreachable) => return Ok(Polled::Unreachable),
                    Err(error) => return Err(ConnectorError::external(&self.doing, error)),
                }
            }
        };

        let end = self.fetched.records.len().min(next + max_rows);
        self.decode(batch, next..end)?;

        let more = end < self.fetched.records.len();
        self.pending = more.then_some(Pending { next: end, behind });
        Ok(Polled::Batch { behind: more || behind })
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
            && let Some(partition) = self.fetched.partition
            && let Some(record) = self.fetched.records.get(pending.next)
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
        let pending = self.pending.and(self.fetched.partition);
        self.streams.at_end().into_iter().filter(|partition| Some(*partition) != pending).collect()
    }

    fn lags(&self) -> Vec<(PartitionId, u64)> {
        let mut lags = self.streams.lags();
        // Records that did not fit the last batch are still to be returned.
        if let Some(pending) = &self.pending {
            let left = (self.fetched.records.len() - pending.next) as u64;
            let of = lags.iter_mut().filter(|(partition, _)| Some(*partition) == self.fetched.partition);
            of.for_each(|(_, lag)| *lag += left);
        }
        lags
    }

    fn partitions(&self) -> Vec<PartitionId> {
        self.streams.partitions()
    }

    fn split(&self, partition: PartitionId) -> Split {
        self.streams.split(partition)
    }

    fn place(&self, partition: PartitionId, offset: Offset) -> String {
        place(&self.streams, Some(partition), offset)
    }

    fn topic_id(&self, partition: PartitionId) -> Option<String> {
        self.streams.topic_id(partition)
    }

    fn take_lost(&mut self) -> u64 {
        self.streams.take_lost()
    }

    fn carried(&self, offset: Offset) -> Carried {
        let found = self.fetched.records.binary_search_by_key(&offset, |record| record.offset);
        let attributes = found.ok().and_then(|number| self.fetched.attributes.get(number));
        attributes.map(|of| carried(of, &self.fetched.data)).unwrap_or_default()
    }

    fn take_found(&mut self) -> Vec<PartitionId> {
        self.streams.take_found()
    }
}

impl EventLogSource {
    /// Decodes some of the fetched records into the batch.
    fn decode(&mut self, batch: &mut Batch, records: Range<usize>) -> Result<(), ConnectorError> {
        if let Some(keys) = &mut self.keys {
            let place = |offset| place(&self.streams, self.fetched.partition, offset);
            keys.decode(&self.fetched, records.clone(), &place)?;
        }

        self.decoder.begin(batch, records.len());
        batch.origin.partition = self.fetched.partition;
        batch.origin.data = self.fetched.data.clone();
        for at in records {
            let record = &self.fetched.records[at];
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
            let body = &self.fetched.data[record.start as usize..record.end as usize];
            let has_key = |at: usize| self.fetched.attributes.get(at).is_some_and(|of| of.key.is_some());
            let added = match (self.envelope, body) {
                (Envelope::Upsert, _) if !has_key(at) => {
                    let reason = "the record has no key, so it belongs to no row".into();
                    batch.rejects.push(Reject { record: span, reason });
                    continue;
                }
                (Envelope::Upsert, []) => changelog::tombstone(&mut self.decoder, batch, span),
                (_, []) => {
                    batch.empty += 1;
                    continue;
                }
                (envelope, body) => envelope.add(&mut self.decoder, batch, body, span),
            };
            added.map_err(|error| {
                undecodable(&place(&self.streams, self.fetched.partition, span.offset), error)
            })?;
        }
        self.decoder.finish(batch).map_err(|(span, error)| {
            undecodable(&place(&self.streams, self.fetched.partition, span.offset), error)
        })?;

        if let Some(keys) = &self.keys {
            keys.fill(batch);
        }
        if !self.metadata.is_empty() {
            self.describe(batch);
        }
        Ok(())
    }

    fn describe(&self, batch: &mut Batch) {
        let fetched = &self.fetched;
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

/// Describes a record in error messages.
fn place(streams: &Streams, partition: Option<PartitionId>, offset: Offset) -> String {
    match partition.map(|partition| streams.split(partition)) {
        Some(Split { topic, partition }) => {
            format!("the record at offset {offset} of partition {partition} of topic `{topic}`")
        }
        None => format!("the record at offset {offset}"),
    }
}

/// Returns the error for a record, or its key, that cannot be decoded.
pub(crate) fn undecodable(place: &str, error: RecordError) -> ConnectorError {
    ConnectorError::external(format!("{place} cannot be decoded"), error)
}

/// Decodes one record into the batch, or rejects it. Fails if the options make a wrong record an error.
pub(crate) fn add_record(
    decoder: &mut Decoder,
    batch: &mut Batch,
    body: &[u8],
    span: RecordSpan,
) -> Result<(), RecordError> {
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
        Err(error @ RecordError::Fatal(_)) => Err(error),
    }
}
