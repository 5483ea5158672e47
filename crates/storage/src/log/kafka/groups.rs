//! Reader groups: commits their offsets to Kafka, for tools that watch their lag.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use parking_lot::Mutex;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};
use types::{Clock, Offset, PartitionId};

use super::ask::{PATIENCE, offsets};
use super::context::Context;
use super::failure::{failed, failed_at, is_away};
use super::settings::KafkaSettings;
use crate::log::LogError;

/// Wait for a commit's outcome. No reader starts from it, so a later commit replaces a lost one.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(100);

/// One client per group, created when it is first needed.
pub(super) struct Groups {
    settings: KafkaSettings,
    clock: Arc<dyn Clock>,
    clients: Mutex<HashMap<String, Arc<BaseConsumer<Context>>>>,
    committers: Mutex<HashMap<String, Arc<Committer>>>,
}

impl Groups {
    pub fn new(settings: KafkaSettings, clock: Arc<dyn Clock>) -> Groups {
        Groups { settings, clock, clients: Mutex::default(), committers: Mutex::default() }
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
            .map_err(|error| failed(servers, "creating a client", error))?;
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
                // The group's coordinator may have been elected just now.
                Err(error) if !left.is_zero() && error.rdkafka_error_code().is_some_and(is_away) => {
                    client.poll(LOOK);
                }
                Err(error) => {
                    let servers = self.settings.servers();
                    return Err(failed_at(servers, topic, "reading the offsets of a group", error));
                }
            }
        }
    }

    /// Returns once the brokers have the offsets. After a second without an answer it returns too, while the
    /// commit goes on in the background until a later commit replaces it.
    pub fn commit(&self, group: &str, positions: &[(&str, PartitionId, Offset)]) -> Result<(), LogError> {
        let fail = |error| failed(self.settings.servers(), "committing the offsets of a group", error);
        let mut list = TopicPartitionList::new();
        for (topic, partition, offset) in positions {
            let offset = KafkaOffset::Offset(i64::try_from(offset.0).unwrap_or(i64::MAX));
            list.add_partition_offset(topic, partition.0.cast_signed(), offset).map_err(fail)?;
        }

        let committer = self.committer(group)?;
        let (done, committed) = bounded(1);
        // At most one commit waits: newer offsets replace those of an older commit.
        while let Err(TrySendError::Full(_)) =
            committer.commits.try_send(Commit { list: list.clone(), done: done.clone() })
        {
            let _ = committer.waiting.try_recv();
        }
        match committed.recv_timeout(COMMIT_TIMEOUT) {
            Ok(committed) => committed.map_err(fail),
            Err(_) => Ok(()),
        }
    }

    fn committer(&self, group: &str) -> Result<Arc<Committer>, LogError> {
        let client = self.client(group)?;
        let mut committers = self.committers.lock();
        if let Some(committer) = committers.get(group) {
            return Ok(committer.clone());
        }
        let (commits, waiting) = bounded::<Commit>(1);
        let to_do = waiting.clone();

        std::thread::Builder::new()
            .name("kafka-commit".to_owned())
            .spawn(move || {
                for Commit { list, done } in to_do {
                    let committed = client.commit(&list, CommitMode::Sync);
                    if let Err(error) = &committed {
                        tracing::debug!(%error, "kafka: offsets of a group could not be committed");
                    }
                    // The caller may have timed out.
                    let _ = done.try_send(committed);
                }
            })
            .map_err(|error| LogError::Storage { doing: "starting a thread", source: Box::new(error) })?;

        let committer = Arc::new(Committer { commits, waiting });
        committers.insert(group.to_owned(), committer.clone());
        Ok(committer)
    }
}

/// Commits on a thread of its own, because librdkafka does not bound the time of a commit.
struct Committer {
    commits: Sender<Commit>,
    /// Other end of `commits`, to take back a commit that waits.
    waiting: Receiver<Commit>,
}

struct Commit {
    list: TopicPartitionList,
    done: Sender<Result<(), KafkaError>>,
}
