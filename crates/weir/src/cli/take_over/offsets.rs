//! The offsets at which a system continues: for each partition, the first record that may hold an event of a time or later.
//!
//! A record's time is that of its producer or of its broker, and the event in it may be ahead of that time, at most by a margin.
//! So the search looks for the first record of the wanted time minus the margin: every record before it has an earlier event.
//!
//! ```text
//! offset   0 … 99 │ 100         101      102
//! record          │ 11:00:00    11:00:01 11:00:03
//! deleted ────────┘ └─ first kept record; an event of 11:00:00 may have been deleted before it
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sql::plan::SourceTable;
use storage::log::kafka::{KafkaLog, KafkaOptions, KafkaSettings};
use storage::log::{EventLog as _, LogError, OffsetBounds, Polled, Start, Wanted};
use types::{Clock, Interval, Offset, PartitionId, Timestamp};

use super::Problem;

/// Wait for a record that is known to be there.
const FETCH_WAIT: Duration = Duration::from_secs(10);
const FETCH_BYTES: usize = 1 << 16;
const PREFIX: &str = "properties.";
const SERVERS: &str = "properties.bootstrap.servers";

/// A source table of a script in Kafka.
pub(in crate::cli) struct KafkaSource {
    pub(in crate::cli) table: String,
    pub(in crate::cli) topic: String,
    log: KafkaLog,
}

/// The offsets of a source table from which all events of a time are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Starts {
    pub(in crate::cli) offsets: Vec<(PartitionId, Offset)>,
    pub(in crate::cli) short: Vec<Short>,
}

/// A partition that no longer holds all wanted records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Short {
    pub(in crate::cli) partition: PartitionId,
    pub(in crate::cli) first: Offset,
    /// Time of the first kept record; `None` if the partition is empty.
    pub(in crate::cli) time: Option<Timestamp>,
}

impl KafkaSource {
    /// Opens the topic of a source table.
    ///
    /// # Errors
    /// The table is not a single topic of a Kafka cluster.
    pub(in crate::cli) fn open(source: &SourceTable, clock: Arc<dyn Clock>) -> Result<KafkaSource, Problem> {
        let table = source.name.clone();
        let option = |key: &str| source.options.entries.get(key).map(|option| option.value.trim().to_owned());
        let unfit = |why: &str| Problem::Refused(format!("table `{table}` {why}"));

        if source.options.hinted.iter().any(|key| key.starts_with("scan.startup.")) {
            return Err(unfit(
                "has a start in a hint, /*+ OPTIONS(…) */: write it into the table's WITH (…)",
            ));
        }
        let topic = option("topic").filter(|topic| !topic.contains(';'));
        let topic = topic
            .ok_or_else(|| unfit("reads several topics, and only one topic can start at given offsets"))?;
        let servers = option(SERVERS).filter(|servers| servers != "embedded");
        let servers = servers.ok_or_else(|| {
            unfit("is not in Kafka: only a table with 'properties.bootstrap.servers' can be read by two systems")
        })?;

        let properties: BTreeMap<String, String> = source
            .options
            .entries
            .iter()
            .filter_map(|(key, option)| Some((key.strip_prefix(PREFIX)?.to_owned(), option.value.clone())))
            .filter(|(key, _)| key != "bootstrap.servers")
            .collect();
        let settings = KafkaSettings::new(&servers, &properties)?;
        let log = KafkaLog::open(KafkaOptions::new(settings), clock)?;
        Ok(KafkaSource { table, topic, log })
    }

    /// Returns the offsets from which all events of `time` and later are there, if no event is further ahead of its record's time
    /// than `margin`.
    pub(in crate::cli) fn at(&self, time: Timestamp, margin: Interval) -> Result<Starts, LogError> {
        let wanted = Timestamp(time.0.saturating_sub(margin.0));
        let partitions = self.partitions()?;
        let found = self.log.offsets_at(&self.topic, &partitions, wanted)?;

        self.starts(&partitions, |partition, bounds| start(bounds, found.get(&partition).copied()))
    }

    /// Returns the beginning of the topic.
    pub(in crate::cli) fn beginning(&self) -> Result<Starts, LogError> {
        let partitions = self.partitions()?;
        self.starts(&partitions, |_, bounds| (bounds.first, bounds.first.0 > 0))
    }

    fn partitions(&self) -> Result<Vec<PartitionId>, LogError> {
        let unknown = || LogError::UnknownTopic { topic: self.topic.clone() };
        let count = self.log.partitions(&self.topic)?.ok_or_else(unknown)?;
        Ok((0..count).map(PartitionId).collect())
    }

    fn starts(
        &self,
        partitions: &[PartitionId],
        start: impl Fn(PartitionId, OffsetBounds) -> (Offset, bool),
    ) -> Result<Starts, LogError> {
        let mut starts = Starts { offsets: Vec::new(), short: Vec::new() };
        for &partition in partitions {
            let bounds = self.log.bounds(&self.topic, partition)?;
            let (offset, is_short) = start(partition, bounds);
            starts.offsets.push((partition, offset));
            if is_short {
                let time = self.time_of_first(partition, bounds)?;
                starts.short.push(Short { partition, first: bounds.first, time });
            }
        }
        Ok(starts)
    }

    /// Returns the time of the first record that a partition holds.
    fn time_of_first(
        &self,
        partition: PartitionId,
        bounds: OffsetBounds,
    ) -> Result<Option<Timestamp>, LogError> {
        if bounds.first >= bounds.next {
            return Ok(None);
        }
        let from = [(partition, Start::At(bounds.first))];
        let mut reader = self.log.read(&self.topic, &from, Wanted::default())?;
        loop {
            match reader.poll(FETCH_WAIT, FETCH_BYTES)? {
                Polled::Records { fetched, .. } if !fetched.records.is_empty() => {
                    return Ok(fetched.records.first().map(|record| record.appended));
                }
                Polled::Records { .. } => {}
                // Only marks of transactions are left.
                Polled::CaughtUp | Polled::Unreachable => return Ok(None),
            }
        }
    }
}

/// Returns the offset at which to start, and whether wanted records may have been deleted before it.
///
/// `found` is the first kept record of the wanted time; without one, nothing of that time has been written yet.
fn start(bounds: OffsetBounds, found: Option<u64>) -> (Offset, bool) {
    let start = found.map_or(bounds.next, |found| Offset(found.max(bounds.first.0)));
    // A record of an earlier time stands before the start, so that none of the wanted time was deleted.
    let is_whole = start > bounds.first || bounds.first.0 == 0;
    (start, !is_whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_short_where_its_first_record_is_already_wanted() {
        let bounds = |first: u64, next: u64| OffsetBounds { first: Offset(first), next: Offset(next) };
        assert_eq!(start(bounds(0, 10), Some(0)), (Offset(0), false), "nothing was ever deleted");
        assert_eq!(start(bounds(100, 200), Some(150)), (Offset(150), false));
        assert_eq!(start(bounds(100, 200), Some(100)), (Offset(100), true));
        assert_eq!(start(bounds(100, 200), None), (Offset(200), false), "all records are older");
        assert_eq!(start(bounds(200, 200), None), (Offset(200), true), "everything was deleted");
        assert_eq!(start(bounds(0, 0), None), (Offset(0), false));
    }
}
