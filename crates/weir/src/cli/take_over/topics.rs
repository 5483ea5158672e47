//! The rows that a Flink cluster writes to results topics, from a moment on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use connectors::flink::ResultsTopic;
use serde_json::Value;
use storage::log::kafka::{KafkaLog, KafkaOptions, KafkaSettings};
use storage::log::{EventLog as _, LogError, LogReader, Polled, Start, Wanted};
use types::{Clock, Offset, PartitionId};

use super::Problem;
use super::rows::{Comparison, Rows};
use crate::cli::Failure;

const FETCH_WAIT: Duration = Duration::from_millis(100);
const FETCH_BYTES: usize = 1 << 20;
/// Polls before a topic counts as unreachable.
const POLLS_MAX: u32 = 100;
const SERVERS: &str = "properties.bootstrap.servers";

/// A results topic, and its rows since it was opened.
pub(in crate::cli) struct TopicRows {
    topic: String,
    log: KafkaLog,
    /// The first offset of each partition; empty for a topic that does not exist yet.
    from: Vec<(PartitionId, Offset)>,
    reader: Option<Box<dyn LogReader>>,
    rows: Rows,
}

impl TopicRows {
    /// Opens a topic at its end.
    pub(in crate::cli) fn open(topic: &ResultsTopic, clock: Arc<dyn Clock>) -> Result<TopicRows, Problem> {
        let option =
            |key: &str| topic.client.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str());
        let properties: BTreeMap<String, String> = topic
            .client
            .iter()
            .filter(|(key, _)| key != SERVERS)
            .filter_map(|(key, value)| Some((key.strip_prefix("properties.")?.to_owned(), value.clone())))
            .collect();
        let settings = KafkaSettings::new(option(SERVERS).unwrap_or_default(), &properties)?;
        let log = KafkaLog::open(KafkaOptions::new(settings), clock)?;

        let mut from = Vec::new();
        for partition in (0..log.partitions(&topic.topic)?.unwrap_or(0)).map(PartitionId) {
            from.push((partition, log.bounds(&topic.topic, partition)?.next));
        }
        Ok(TopicRows { topic: topic.topic.clone(), log, from, reader: None, rows: Rows::new() })
    }

    /// Reads the topic to the end that it has now. The newest record of a key counts.
    ///
    /// # Errors
    /// The topic cannot be read to its end.
    pub(in crate::cli) fn poll(&mut self, comparison: &Comparison) -> Result<(), Failure> {
        let failure = |error: LogError| Failure::of(error.domain(), error);
        let Some(mut reader) = self.reader().map_err(failure)? else { return Ok(()) };
        let read = self.read(&mut *reader, comparison);
        self.reader = Some(reader);
        match read.map_err(failure)? {
            true => Ok(()),
            false => Err(Failure::external(anyhow!("topic {} cannot be read to its end", self.topic))),
        }
    }

    /// Returns whether the end was reached.
    fn read(&mut self, reader: &mut dyn LogReader, comparison: &Comparison) -> Result<bool, LogError> {
        for _ in 0..POLLS_MAX {
            if self.is_at_end(reader)? {
                return Ok(true);
            }
            let Polled::Records { fetched, .. } = reader.poll(FETCH_WAIT, FETCH_BYTES)? else { continue };
            for record in &fetched.records {
                let body = fetched.data.get(record.start as usize..record.end as usize).unwrap_or_default();
                // A record without a value deletes a row, which no window does.
                if let Ok(Value::Object(row)) = serde_json::from_slice::<Value>(body) {
                    self.rows.insert(comparison.key(&row), row);
                }
            }
        }
        Ok(false)
    }

    /// Returns whether a reader has read everything that the topic holds.
    fn is_at_end(&self, reader: &dyn LogReader) -> Result<bool, LogError> {
        for (partition, next) in reader.positions() {
            if next < self.log.bounds(&self.topic, partition)?.next {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns whether the topic existed when it was opened.
    pub(in crate::cli) fn exists(&self) -> bool {
        !self.from.is_empty()
    }

    pub(in crate::cli) fn rows(&self) -> &Rows {
        &self.rows
    }

    /// Takes the reader, which is opened as soon as the topic exists.
    fn reader(&mut self) -> Result<Option<Box<dyn LogReader>>, LogError> {
        if let Some(reader) = self.reader.take() {
            return Ok(Some(reader));
        }
        let partitions = self.log.partitions(&self.topic)?.unwrap_or(0);
        let start = |partition: PartitionId| {
            let known = self.from.iter().find(|(of, _)| *of == partition);
            (partition, known.map_or(Start::Earliest, |(_, offset)| Start::At(*offset)))
        };
        let from: Vec<(PartitionId, Start)> = (0..partitions).map(PartitionId).map(start).collect();
        if from.is_empty() {
            return Ok(None);
        }
        self.log.read(&self.topic, &from, Wanted::default()).map(Some)
    }
}
