//! Finds the broker to fetch each partition from, and notices when the opened topic is deleted or
//! recreated.

use std::collections::BTreeMap;
use std::time::Duration;

use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::error::ParseResponseErrorCode as _;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{MetadataResponse, MetadataResponseTopic};
use kafka_protocol::messages::{MetadataRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use types::PartitionId;

use super::connection::Connection;
use super::error::FetchError;
use super::leader::{self, Address};
use super::{Gone, Shared};

/// Interval between metadata requests when nothing happens. A recreated topic is noticed within it.
const EVERY: Duration = Duration::from_secs(2);
/// Interval between metadata requests while a partition has no leader.
const PAUSE: Duration = Duration::from_millis(100);
/// Number of consecutive answers `unknown topic` after which the topic counts as deleted. A topic that
/// moves gives one.
const MISSING_MAX: u32 = 4;

/// Follows the leaders as long as the reader exists.
pub(super) async fn follow(shared: Arc<Shared>) {
    let mut cluster = Cluster { connection: None, known: Vec::new(), turn: 0, missing: 0 };
    let mut leaders = JoinSet::new();
    let mut running: BTreeMap<i32, Address> = BTreeMap::new();
    let mut backoff = shared.options.backoff;

    // Wait for the first partitions: metadata asked for earlier would be asked for again.
    while shared.partitions.lock().is_empty() {
        shared.stale.notified().await;
    }
    loop {
        match cluster.ask(&shared).await {
            Ok(metadata) => {
                backoff = shared.options.backoff;
                let addresses = cluster.learn(&shared, &metadata);
                for (node, address) in addresses {
                    // A broker that returns under another address gets a task of its own; the old task
                    // finds no partition to fetch.
                    if running.get(&node) != Some(&address) {
                        leaders.spawn(leader::fetch(shared.clone(), node, address.clone()));
                        running.insert(node, address);
                    }
                }
            }
            Err(error) => {
                cluster.connection = None;
                shared.tell_failure(error).await;
                sleep(backoff).await;
                backoff = (backoff * 2).min(shared.options.backoff_max);
                continue;
            }
        }

        let is_whole = shared.partitions.lock().values().all(|partition| partition.source.is_some());
        if is_whole && cluster.missing == 0 {
            // The timeout and the notification are both reasons to ask again.
            let _ = timeout(EVERY, shared.stale.notified()).await;
        } else {
            sleep(PAUSE).await;
        }
    }
}

struct Cluster {
    connection: Option<Connection>,
    /// Brokers named in the last metadata.
    known: Vec<Address>,
    /// Index of the broker to try next.
    turn: usize,
    /// Consecutive answers that the topic does not exist.
    missing: u32,
}

impl Cluster {
    async fn ask(&mut self, shared: &Shared) -> Result<MetadataResponse, FetchError> {
        if self.connection.is_none() {
            self.connection = Some(self.connect(shared).await?);
        }
        let Some(connection) = &mut self.connection else { unreachable!("it was just made") };
        let name = TopicName(StrBytes::from(shared.topic.to_string()));
        let topic = MetadataRequestTopic::default().with_name(Some(name));
        let request =
            MetadataRequest::default().with_topics(Some(vec![topic])).with_allow_auto_topic_creation(false);
        let version = connection.version::<MetadataRequest>(12)?;
        connection.ask(&request, version).await
    }

    /// Connects to the next broker in turn, among the configured brokers and those that the cluster named.
    async fn connect(&mut self, shared: &Shared) -> Result<Connection, FetchError> {
        let bootstrap = shared.options.bootstrap.iter();
        let addresses = bootstrap.map(|(host, port)| Address { host: host.clone(), port: *port });
        let addresses: Vec<Address> = addresses.chain(self.known.iter().cloned()).collect();
        let address = &addresses[self.turn % addresses.len()];
        self.turn += 1;
        Connection::open(&address.host, address.port, &shared.options, shared.clock.now()).await
    }

    /// Applies the metadata of the topic and returns the brokers to fetch from, by id.
    fn learn(&mut self, shared: &Shared, metadata: &MetadataResponse) -> BTreeMap<i32, Address> {
        let brokers = metadata.brokers.iter().filter_map(|broker| {
            let port = u16::try_from(broker.port).ok()?;
            Some((broker.node_id.0, Address { host: broker.host.to_string(), port }))
        });
        let brokers: BTreeMap<i32, Address> = brokers.collect();
        self.known = brokers.values().cloned().collect();

        let Some(topic) = metadata.topics.first() else { return BTreeMap::new() };
        self.look_for_topic(shared, topic);
        if topic.error_code.err().is_some() {
            return BTreeMap::new();
        }

        let mut sources = BTreeMap::new();
        let mut partitions = shared.partitions.lock();
        for told in &topic.partitions {
            let Ok(number) = u32::try_from(told.partition_index) else { continue };
            let Some(partition) = partitions.get_mut(&PartitionId(number)) else { continue };
            let Some(address) = brokers.get(&told.leader_id.0) else { continue };
            sources.insert(told.leader_id.0, address.clone());
            // A preferred replica stays the source until it answers that it no longer is one.
            if partition.source.is_none() || told.leader_epoch > partition.leader_epoch {
                partition.source = Some(told.leader_id.0);
                partition.leader_epoch = told.leader_epoch;
            }
        }
        for partition in partitions.values() {
            if let Some((node, address)) = partition.source.and_then(|node| brokers.get_key_value(&node)) {
                sources.insert(*node, address.clone());
            }
        }
        drop(partitions);
        shared.changed.notify_waiters();
        sources
    }

    /// Checks that the topic still exists and has the id with which it was opened.
    fn look_for_topic(&mut self, shared: &Shared, topic: &MetadataResponseTopic) {
        match topic.error_code.err() {
            None => self.missing = 0,
            Some(ResponseError::UnknownTopicOrPartition) => self.missing += 1,
            // The answer says nothing about the topic.
            Some(_) => return,
        }
        let is_another = shared.topic_id.is_some_and(|id| !topic.topic_id.is_nil() && topic.topic_id != id);
        *shared.gone.lock() = if self.missing >= MISSING_MAX {
            Some(Gone::Deleted)
        } else if self.missing == 0 && is_another {
            Some(Gone::Recreated)
        } else {
            None
        };
    }
}
