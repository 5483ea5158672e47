//! Sink tables of the event log: `'connector' = 'kafka'`, where each row is appended, and `'upsert-kafka'`,
//! where a row replaces the row of its key. `form.rs` describes records for retracted rows.
//!
//! Rows are written at least once: after a restart, rows since the last checkpoint are written again. Readers
//! of an upsert-kafka topic get the same rows as before, by key. This also holds for early results and for
//! corrections of closed windows. Early results are not written to a kafka topic, because readers cannot
//! distinguish them from final rows. A correction is written there as another row of the same window and key,
//! so that no counted event is missing; readers use the last row, as they do after a restart.

mod appender;
mod encode;
mod form;
mod options;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use engine::connector::{ConnectorError, Rows, Sink, SinkFactory, Stage};
use sql::plan::SinkTable;
use storage::log::{EventLog, NewRecord};
use types::{Clock, EventTime, Timestamp};

use crate::format::changelog::Envelope;
use crate::retry::Retry;
use appender::Appender;
use form::Upserts;

pub use encode::{Record, RecordEncoder};
pub use options::{EventLogSinkOptions, Mode};

/// Largest number of records in one append.
const APPEND_RECORDS: usize = 10_000;
/// Approximate number of bytes in one append.
const APPEND_BYTES: usize = 1 << 20;

/// A topic of the event log to which rows are written.
pub struct EventLogSinkTable {
    pub table: SinkTable,
    pub options: EventLogSinkOptions,
    pub log: Arc<dyn EventLog>,
    pub retry: Arc<Retry>,
    pub clock: Arc<dyn Clock>,
    /// Number of partitions if the topic does not exist yet.
    pub new_topic_partitions: u32,
}

impl SinkFactory for EventLogSinkTable {
    fn open(&self, _subtask: usize, _of: usize) -> Result<Box<dyn Sink>, ConnectorError> {
        let topic = &self.options.topic;
        self.log
            .create_topic(topic, self.new_topic_partitions)
            .map_err(|error| ConnectorError::external(format!("cannot write topic `{topic}`"), error))?;

        Ok(Box::new(EventLogSink {
            mode: self.options.mode,
            envelope: self.options.envelope,
            ignores_null: self.options.json.ignore_null_fields,
            encoder: RecordEncoder::new(&self.table, &self.options),
            appender: Appender {
                log: self.log.clone(),
                topic: topic.clone(),
                partitions: self.new_topic_partitions,
                retry: self.retry.clone(),
                under_way: VecDeque::new(),
            },
            clock: self.clock.clone(),
            blocked: Duration::ZERO,
            bytes: 0,
        }))
    }
}

struct EventLogSink {
    mode: Mode,
    envelope: Envelope,
    /// Whether null fields are left out of JSON objects.
    ignores_null: bool,
    encoder: RecordEncoder,
    appender: Appender,
    clock: Arc<dyn Clock>,
    blocked: Duration,
    bytes: u64,
}

impl Sink for EventLogSink {
    fn write(&mut self, rows: &Rows<'_>) -> Result<(), ConnectorError> {
        if rows.stage == Stage::Early && self.mode == Mode::Append {
            return Ok(());
        }
        let EventLogSink { encoder, appender, clock, blocked, bytes: all_bytes, .. } = self;
        let (mode, envelope, ignores_null) = (self.mode, self.envelope, self.ignores_null);

        let mut hand_over = |records: Vec<NewRecord>| {
            let before = clock.elapsed();
            let handed = appender.append(records);
            *blocked += clock.elapsed().saturating_sub(before);
            handed
        };

        let mut records = Vec::new();
        let mut bytes = 0;
        let mut written = Ok(());

        let mut push = |key: Option<&[u8]>, body: Vec<u8>, time: Option<Timestamp>| {
            if written.is_err() {
                return;
            }
            bytes += body.len();
            *all_bytes += (key.map_or(0, <[u8]>::len) + body.len()) as u64;
            let key = key.map(<[u8]>::to_vec);
            records.push(NewRecord { key, body: body.into(), headers: Vec::new(), time });
            if records.len() == APPEND_RECORDS || bytes >= APPEND_BYTES {
                bytes = 0;
                written = hand_over(std::mem::take(&mut records));
            }
        };

        let mut upserts = Upserts::default();
        encoder.encode(rows, |row, record| match mode {
            Mode::Append => {
                let body = form::body(envelope, rows.kind(row), record.value, ignores_null);
                push(record.key, body, record.time);
            }
            Mode::Upsert => upserts.take(rows.kind(row), record, |key, row| match row {
                Some(record) => push(record.key, record.value.to_vec(), record.time),
                None => push(Some(key), Vec::new(), None),
            }),
        });
        upserts.end(|key| push(Some(key), Vec::new(), None));

        written?;
        if records.is_empty() { Ok(()) } else { hand_over(records) }
    }

    fn watermark(&mut self, _watermark: EventTime) -> Result<(), ConnectorError> {
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ConnectorError> {
        self.appender.flush()
    }

    fn take_bytes(&mut self) -> u64 {
        std::mem::take(&mut self.bytes)
    }

    fn take_blocked(&mut self) -> Duration {
        std::mem::take(&mut self.blocked)
    }
}
