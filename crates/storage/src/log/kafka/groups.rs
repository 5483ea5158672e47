//! Where groups of readers stand: told to Kafka for the tools that watch how far a group lags behind.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};
use types::{Clock, Offset, PartitionId};

use super::ask::{PATIENCE, offsets};
use super::context::Context;
use super::failure::{failed, failed_at, is_away};
use super::settings::KafkaSettings;
use crate::log::LogError;

/// How long a commit is waited for. Nothing starts from it, so a later one does as well.
const COMMIT_PATIENCE: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(100);

/// A client a group, made when it is first needed.
pub(super) struct Groups {
    settings: KafkaSettings,
    clock: Arc<dyn Clock>,
    clients: Mutex<HashMap<String, Arc<BaseConsumer<Context>>>>,
}

impl Groups {
    pub fn new(settings: KafkaSettings, clock: Arc<dyn Clock>) -> Groups {
        Groups { settings, clock, clients: Mutex::default() }
    }

    fn client(&self, group: &str) -> Result<Arc<BaseConsumer<Context>>, LogError> {
        let mut clients = self.clients.lock();
        if let Some(client) = clients.get(group) {
            return Ok(client.clone());
        }
        let servers = self.settings.servers();
        let mut config = self.settings.client();
        config.set("group.id", group).set("enable.auto.commit", "false");
        let made: BaseConsumer<Context> = config
            .create_with_context(Context::new(servers))
            .map_err(|error| failed(servers, "making a client", error))?;
        let client = Arc::new(made);
        clients.insert(group.to_owned(), client.clone());
        Ok(client)
    }

    pub fn committed(
        &self,
        group: &str,
        topic: &str,
        partitions: u32,
    ) -> Result<Vec<(PartitionId, Offset)>, LogError> {
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            list.add_partition(topic, partition.cast_signed());
        }
        let client = self.client(group)?;
        let until = self.clock.elapsed() + PATIENCE;
        loop {
            let left = until.saturating_sub(self.clock.elapsed());
            match client.committed_offsets(list.clone(), left.max(LOOK)) {
                Ok(found) => {
                    return Ok(offsets(&found)
                        .map(|(partition, offset)| (partition, Offset(offset)))
                        .collect());
                }
                // Whoever keeps the group's offsets may only just have been chosen.
                Err(error) if !left.is_zero() && error.rdkafka_error_code().is_some_and(is_away) => {
                    client.poll(LOOK);
                }
                Err(error) => {
                    let servers = self.settings.servers();
                    return Err(failed_at(servers, topic, "asking where a group stands", error));
                }
            }
        }
    }

    /// Returns when the brokers have it, or have not answered for a second.
    pub fn commit(&self, group: &str, positions: &[(&str, PartitionId, Offset)]) -> Result<(), LogError> {
        let fail = |error| failed(self.settings.servers(), "telling where a group stands", error);
        let mut list = TopicPartitionList::new();
        for (topic, partition, offset) in positions {
            let offset = KafkaOffset::Offset(i64::try_from(offset.0).unwrap_or(i64::MAX));
            list.add_partition_offset(topic, partition.0.cast_signed(), offset).map_err(fail)?;
        }
        let client = self.client(group)?;
        let before = client.context().commits();
        client.commit(&list, CommitMode::Async).map_err(fail)?;
        let until = self.clock.elapsed() + COMMIT_PATIENCE;
        let left = || until.saturating_sub(self.clock.elapsed());
        while !left().is_zero() && client.context().commits() == before {
            client.poll(left().min(Duration::from_millis(20)));
        }
        Ok(())
    }
}
