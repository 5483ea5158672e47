//! What a client of librdkafka tells while it works: whether the brokers answer, and its log.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::producer::{DeliveryResult, ProducerContext};
use rdkafka::{ClientContext, TopicPartitionList};
use serde::Deserialize;
use types::Clock;

use super::failure::is_away;
use super::sender::Delivery;

/// Of one client.
#[derive(Clone)]
pub(super) struct Context {
    servers: Arc<str>,
    heard: Option<Arc<Heard>>,
    commits: Arc<AtomicU64>,
}

impl Context {
    pub fn new(servers: &str) -> Context {
        Context { servers: servers.into(), heard: None, commits: Arc::default() }
    }

    /// Commits of offsets that were answered.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
    }

    /// With an eye on which brokers answer. The client's statistics have to be on.
    pub fn watching(servers: &str, heard: Arc<Heard>) -> Context {
        Context { heard: Some(heard), ..Context::new(servers) }
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // What matters of it comes as an error too, and is told by whoever meets it; the rest is for its authors.
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::error!(servers = %self.servers, facility, "kafka: {message}");
            }
            _ => tracing::debug!(servers = %self.servers, facility, "kafka: {message}"),
        }
    }

    fn stats_raw(&self, statistics: &[u8]) {
        if let Some(heard) = &self.heard {
            match serde_json::from_slice(statistics) {
                Ok(statistics) => heard.take(&statistics),
                Err(error) => tracing::warn!(%error, "kafka: the client's statistics cannot be read"),
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::PartitionEOF) => {}
            Some(code) if is_away(code) => {
                tracing::debug!(servers = %self.servers, %error, "kafka: {reason}")
            }
            _ => tracing::warn!(servers = %self.servers, %error, "kafka: {reason}"),
        }
    }
}

impl ConsumerContext for Context {
    fn commit_callback(&self, outcome: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = outcome {
            tracing::warn!(servers = %self.servers, %error, "kafka: offsets of a group could not be committed");
        }
        self.commits.fetch_add(1, Ordering::Release);
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<Delivery>;

    fn delivery(&self, result: &DeliveryResult<'_>, delivery: Box<Delivery>) {
        delivery.done(result);
    }
}

/// When a client last heard of the brokers that lead the partitions of a topic.
pub(super) struct Heard {
    topic: Arc<str>,
    clock: Arc<dyn Clock>,
    picture: Mutex<Picture>,
}

#[derive(Default)]
struct Picture {
    /// By the broker's id: when it last sent anything, for those that are connected.
    brokers: HashMap<i32, Duration>,
    /// By partition: the broker's id.
    leaders: HashMap<i32, i32>,
}

/// The parts that are looked at, of what librdkafka tells of itself.
/// <https://github.com/confluentinc/librdkafka/blob/master/STATISTICS.md>
#[derive(Deserialize)]
struct Statistics {
    #[serde(default)]
    brokers: HashMap<String, Broker>,
    #[serde(default)]
    topics: HashMap<String, Topic>,
}

#[derive(Deserialize)]
struct Broker {
    nodeid: i32,
    state: String,
    /// Microseconds since it last sent anything; -1: never.
    rxidle: i64,
}

#[derive(Deserialize)]
struct Topic {
    partitions: HashMap<i32, Partition>,
}

#[derive(Deserialize)]
struct Partition {
    leader: i32,
}

impl Heard {
    pub fn new(topic: Arc<str>, clock: Arc<dyn Clock>) -> Heard {
        Heard { topic, clock, picture: Mutex::default() }
    }

    /// Whether the leader of a partition has sent something within the last while.
    pub fn within(&self, partition: i32, while_: Duration) -> bool {
        let picture = self.picture.lock();
        let at = picture.leaders.get(&partition).and_then(|leader| picture.brokers.get(leader));
        at.is_some_and(|&at| self.clock.elapsed().saturating_sub(at) <= while_)
    }

    fn take(&self, statistics: &Statistics) {
        let now = self.clock.elapsed();
        let up = statistics.brokers.values().filter(|broker| broker.state == "UP" && broker.rxidle >= 0);
        let brokers = up.map(|broker| {
            let idle = Duration::from_micros(broker.rxidle.unsigned_abs());
            (broker.nodeid, now.saturating_sub(idle))
        });
        let topic = statistics.topics.get(&*self.topic);
        let partitions = topic.into_iter().flat_map(|topic| &topic.partitions);
        let leaders = partitions.map(|(&number, partition)| (number, partition.leader));
        *self.picture.lock() = Picture { brokers: brokers.collect(), leaders: leaders.collect() };
    }
}

#[cfg(test)]
mod tests {
    use types::{Interval, ManualClock, Timestamp};

    use super::*;

    #[test]
    fn a_leader_is_heard_of_while_it_sends() {
        let clock = Arc::new(ManualClock::at(Timestamp(0)));
        clock.advance(Interval(10_000));
        let heard = Heard::new("t".into(), clock.clone());
        let context = Context::watching("localhost:9092", Arc::new(heard));
        let heard = context.heard.as_ref().unwrap();
        let second = Duration::from_secs(1);
        assert!(!heard.within(0, second));
        context.stats_raw(
            br#"{"brokers": {
                "a:1/1": {"nodeid": 1, "state": "UP", "rxidle": 400000, "tx": 3},
                "a:2/2": {"nodeid": 2, "state": "DOWN", "rxidle": 1000}},
              "topics": {"t": {"partitions": {"0": {"leader": 1}, "1": {"leader": 2}, "-1": {"leader": -1}}}}}"#,
        );
        assert!(heard.within(0, second) && !heard.within(1, second) && !heard.within(2, second));
        clock.advance(Interval(700));
        assert!(!heard.within(0, second));
    }
}
