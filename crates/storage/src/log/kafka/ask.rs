//! Requests to the cluster other than fetches: topics, partitions, and their first and last offsets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};
use types::{Offset, PartitionId, Timestamp};

use super::context::Context;
use super::describe::topic_id;
use super::failure::{failed, failed_at, is_away, is_settling, is_unknown};
use super::settings::KafkaSettings;
use crate::log::{LogError, OffsetBounds};

/// Timeout of a request to the brokers.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Poll interval while a new topic becomes known.
const LOOK: Duration = Duration::from_millis(20);
/// Time that a new topic may take until its leaders are elected and known.
const SETTLING: Duration = Duration::from_secs(15);
/// Size of the dead letter of an event of the largest size, in JSON; larger than the brokers' default
/// limit.
const RECORD_BYTES: &str = "8388608";

/// Requests to one cluster. The client is created with the first request.
pub(super) struct Ask {
    settings: KafkaSettings,
    client: Mutex<Option<Arc<BaseConsumer<Context>>>>,
}

impl Ask {
    pub fn new(settings: KafkaSettings) -> Result<Ask, LogError> {
        Ok(Ask { settings, client: Mutex::new(None) })
    }

    fn client(&self) -> Result<Arc<BaseConsumer<Context>>, LogError> {
        let mut client = self.client.lock();
        if client.is_none() {
            let mut config = self.settings.client();
            config.remove("group.id");
            let made = config.create_with_context(Context::new(self.settings.servers()));
            *client = Some(Arc::new(made.map_err(|error| self.failed("creating a client", error))?));
        }
        let client = client.clone().ok_or(LogError::Closed)?;
        // Drain the client's events, which would pile up otherwise.
        while client.poll(Duration::ZERO).is_some() {}
        Ok(client)
    }

    fn failed(&self, doing: &'static str, error: KafkaError) -> LogError {
        failed(self.settings.servers(), doing, error)
    }

    pub fn ping(&self) -> Result<(), LogError> {
        // Ask for a topic that cannot exist, so that the answer lists no topic.
        let asked = self.client()?.fetch_metadata(Some("weir-ping"), PATIENCE);
        asked.map(|_| ()).map_err(|error| self.failed("asking the brokers", error))
    }

    pub fn topics(&self) -> Result<Vec<String>, LogError> {
        let asked = self.client()?.fetch_metadata(None, PATIENCE);
        let metadata = asked.map_err(|error| self.failed("listing topics", error))?;
        // Names of Kafka's internal topics begin with `__`.
        let names = metadata.topics().iter().map(|topic| topic.name()).filter(|name| !name.starts_with("__"));
        Ok(names.map(str::to_owned).collect())
    }

    pub fn partitions(&self, topic: &str) -> Result<Option<u32>, LogError> {
        let asked = self.client()?.fetch_metadata(Some(topic), PATIENCE);
        let metadata = asked.map_err(|error| self.failed("asking for a topic", error))?;
        let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else {
            return Ok(None);
        };
        match found.error().map(RDKafkaErrorCode::from) {
            Some(code) if is_unknown(code) => Ok(None),
            // The topic exists, and its leaders are being elected.
            Some(code) if !is_settling(code) || found.partitions().is_empty() => {
                Err(self.failed("asking for a topic", KafkaError::MetadataFetch(code)))
            }
            _ => Ok(u32::try_from(found.partitions().len()).ok().filter(|&partitions| partitions > 0)),
        }
    }

    /// Returns the first offset kept and the offset after the last readable record, which an open
    /// transaction holds back. Waits for a topic that is new or whose leaders move.
    pub fn bounds(&self, topic: &str, partition: PartitionId) -> Result<OffsetBounds, LogError> {
        let mut outcome = Err(LogError::UnknownPartition { topic: topic.to_owned(), partition });
        for _ in 0..SETTLING.as_millis() / LOOK.as_millis() {
            let asked = self.client()?.fetch_watermarks(topic, partition.0.cast_signed(), PATIENCE);
            let error = match asked {
                Ok((first, next)) => {
                    let offset = |offset: i64| Offset(offset.max(0).unsigned_abs());
                    return Ok(OffsetBounds { first: offset(first), next: offset(next) });
                }
                Err(error) => error,
            };
            let code = error.rdkafka_error_code();
            if code.is_some_and(is_unknown) {
                // The client may not have heard of the topic yet.
                if self.partitions(topic)?.is_none_or(|partitions| partitions <= partition.0) {
                    return outcome;
                }
            } else if code.is_some_and(is_settling) {
                outcome = Err(self.failed("reading the end offset of a partition", error));
            } else {
                return Err(self.failed("reading the end offset of a partition", error));
            }
            std::thread::park_timeout(LOOK);
        }

        outcome
    }

    /// Returns the id of a topic, where the brokers have ids and permit the request.
    pub fn topic_id(&self, topic: &str) -> Result<Option<String>, LogError> {
        match topic_id(&*self.client()?, topic, PATIENCE) {
            Ok(id) => Ok(id),
            Err(error) if error.rdkafka_error_code().is_some_and(is_away) => {
                Err(self.failed("asking for a topic's id", error))
            }
            // The brokers do not know the request or do not permit it. Without an id, offsets reveal a
            // topic that was recreated.
            Err(_) => Ok(None),
        }
    }

    /// Returns the first offset of each partition whose record is of this time or later; leaves out
    /// partitions without such a record.
    pub fn at_time(
        &self,
        topic: &str,
        partitions: &[PartitionId],
        time: Timestamp,
    ) -> Result<BTreeMap<PartitionId, u64>, LogError> {
        let fail = |error| failed_at(self.settings.servers(), topic, "looking up a time", error);
        let mut times = TopicPartitionList::new();
        for partition in partitions {
            let time = KafkaOffset::Offset(time.0.max(0));
            times.add_partition_offset(topic, partition.0.cast_signed(), time).map_err(fail)?;
        }
        let found = self.client()?.offsets_for_times(times, PATIENCE).map_err(fail)?;
        Ok(offsets(&found).collect())
    }

    pub fn create_topic(
        &self,
        topic: &str,
        partitions: u32,
        settings: &[(&str, &str)],
    ) -> Result<(), LogError> {
        if self.partitions(topic)?.is_some() {
            return Ok(());
        }
        let fail = |error| failed_at(self.settings.servers(), topic, "creating a topic", error);
        let mut config = self.settings.client();
        config.remove("group.id");
        let admin: AdminClient<Context> =
            config.create_with_context(Context::new(self.settings.servers())).map_err(fail)?;
        let count = i32::try_from(partitions).unwrap_or(i32::MAX);
        // -1 stands for the cluster's default number of replicas.
        let mut new =
            NewTopic::new(topic, count, TopicReplication::Fixed(-1)).set("max.message.bytes", RECORD_BYTES);
        for (name, value) in settings {
            new = new.set(name, value);
        }
        let options = AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE));
        let created = futures_executor::block_on(admin.create_topics([&new], &options)).map_err(fail)?;

        for outcome in created {
            match outcome {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((_, code)) => return Err(fail(KafkaError::AdminOp(code))),
            }
        }

        tracing::info!(topic, partitions, "topic created");
        for _ in 0..SETTLING.as_millis() / LOOK.as_millis() {
            match self.partitions(topic) {
                Ok(None) | Err(LogError::Unreachable { .. }) => std::thread::park_timeout(LOOK),
                Ok(Some(_)) => break,
                Err(error) => return Err(error),
            }
        }

        Ok(())
    }
}

/// Returns the offsets of a list, by partition.
pub(super) fn offsets(list: &TopicPartitionList) -> impl Iterator<Item = (PartitionId, u64)> {
    let of = list.elements().into_iter().filter_map(|element| {
        let partition = PartitionId(u32::try_from(element.partition()).ok()?);
        match element.offset() {
            KafkaOffset::Offset(offset) => Some((partition, u64::try_from(offset).ok()?)),
            _ => None,
        }
    });
    of.collect::<Vec<_>>().into_iter()
}
