//! Appends without a note, by an idempotent producer that has all in-sync replicas confirm each record.
//!
//! Records of an append may go to several partitions, and brokers may accept some and refuse others. An
//! append that failed may therefore have left some of its records, as with any Kafka producer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::ClientConfig;
use rdkafka::Message as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ThreadedProducer};
use tokio::sync::oneshot;
use types::{Offset, PartitionId};

use super::KafkaOptions;
use super::context::Context;
use super::failure::{failed, failed_at};
use super::settings::KafkaSettings;
use crate::log::{Appending, LogError, NewRecord, Position};

/// Time for which records may still be delivered when the log closes.
const LAST: Duration = Duration::from_secs(5);

pub(super) struct Sender {
    servers: Arc<str>,
    producer: ThreadedProducer<Context>,
    queued: Arc<Queued>,
    bytes_max: usize,
    records_max: usize,
}

/// Bytes and records that wait for the brokers.
#[derive(Default)]
struct Queued {
    bytes: AtomicUsize,
    records: AtomicUsize,
}

/// An append whose records are in flight.
pub(super) struct Append {
    servers: Arc<str>,
    topic: String,
    bytes: usize,
    records: usize,
    queued: Option<Arc<Queued>>,
    left: AtomicUsize,
    outcome: Mutex<Outcome>,
}

struct Outcome {
    positions: Vec<Position>,
    error: Option<LogError>,
    done: Option<oneshot::Sender<Result<Vec<Position>, LogError>>>,
}

/// Opaque value of one record: its append, and its place there.
pub(super) struct Delivery {
    append: Arc<Append>,
    place: usize,
}

impl Sender {
    pub fn new(options: &KafkaOptions) -> Result<Sender, LogError> {
        let settings = &options.settings;
        let made = producing(settings).create_with_context(Context::new(settings.servers()));
        let producer = made.map_err(|error| failed(settings.servers(), "creating a producer", error))?;
        Ok(Sender {
            servers: settings.servers().into(),
            producer,
            queued: Arc::default(),
            bytes_max: options.queue_bytes,
            records_max: options.queue_records,
        })
    }

    /// Queues an append. An append that is larger than the bounds needs an empty queue.
    pub fn send(&self, topic: &str, records: &[NewRecord]) -> Result<Appending, LogError> {
        let bytes: usize = records.iter().map(NewRecord::bytes).sum();
        let (waiting, count) =
            (self.queued.bytes.load(Ordering::Acquire), self.queued.records.load(Ordering::Acquire));
        if waiting > 0 && (waiting + bytes > self.bytes_max || count + records.len() > self.records_max) {
            return Err(LogError::Overloaded { queued_bytes: waiting });
        }
        let (append, appending) =
            Append::new(self.servers.clone(), topic, records, Some(self.queued.clone()));
        self.queued.bytes.fetch_add(bytes, Ordering::AcqRel);
        self.queued.records.fetch_add(records.len(), Ordering::AcqRel);
        produce(&self.producer, topic, records, &append);
        Ok(appending)
    }

    /// Returns the producer's fatal error, after which it must be replaced.
    pub fn fatal(&self) -> Option<String> {
        self.producer.client().fatal_error().map(|(_, reason)| reason)
    }

    pub fn close(&self) {
        if let Err(error) = self.producer.flush(LAST) {
            tracing::error!(servers = %self.servers, %error, "the last records may not have reached Kafka");
        }
    }
}

/// Returns the settings of producers.
pub(super) fn producing(settings: &KafkaSettings) -> ClientConfig {
    let mut config = settings.client();
    config.remove("group.id");

    for (name, value) in [
        ("enable.idempotence", "true"),
        ("acks", "all"),
        // Choose partitions by key as Kafka's own producers do.
        ("partitioner", "murmur2_random"),
        ("compression.type", "lz4"),
        // Send a lone record at once; others gather while answers are awaited.
        ("linger.ms", "0"),
        // Do not wait for a missing topic: topics created here exist before a record is sent to them.
        ("topic.metadata.propagation.max.ms", "3000"),
        // Leave the limit to the brokers, which report their own.
        ("message.max.bytes", "67108864"),
        // Leave the bounds to `queue_bytes` and `queue_records`.
        ("queue.buffering.max.messages", "10000000"),
        ("queue.buffering.max.kbytes", "1048576"),
    ] {
        if config.get(name).is_none() {
            config.set(name, value);
        }
    }

    config
}

/// Hands records to a producer. `append` completes when all are delivered. Returns the error with which the
/// producer refused the first record, if it did.
pub(super) fn produce(
    producer: &ThreadedProducer<Context>,
    topic: &str,
    records: &[NewRecord],
    append: &Arc<Append>,
) -> Option<LogError> {
    let mut refused = None;
    if records.is_empty() {
        append.finish();
    }

    for (place, record) in records.iter().enumerate() {
        let delivery = Box::new(Delivery { append: append.clone(), place });
        let mut base: BaseRecord<'_, [u8], [u8], Box<Delivery>> = BaseRecord::with_opaque_to(topic, delivery);
        if !record.body.is_empty() {
            base = base.payload(&record.body);
        }
        if let Some(key) = &record.key {
            base = base.key(key);
        }
        if let Some(time) = record.time {
            base = base.timestamp(time.0);
        }
        if !record.headers.is_empty() {
            let headers = OwnedHeaders::new_with_capacity(record.headers.len());
            let headers = record.headers.iter().fold(headers, |headers, (name, value)| {
                headers.insert(Header { key: name, value: value.as_deref() })
            });
            base = base.headers(headers);
        }
        if let Err((error, _)) = producer.send(base) {
            refused.get_or_insert_with(|| append.error(error.clone()));
            append.failed(error);
        }
    }

    refused
}

impl Append {
    fn new(
        servers: Arc<str>,
        topic: &str,
        records: &[NewRecord],
        queued: Option<Arc<Queued>>,
    ) -> (Arc<Append>, Appending) {
        let (done, appending) = oneshot::channel();
        let nowhere = Position { partition: PartitionId(0), offset: Offset(0) };
        let positions = vec![nowhere; records.len()];
        let append = Append {
            servers,
            topic: topic.to_owned(),
            bytes: records.iter().map(NewRecord::bytes).sum(),
            records: records.len(),
            queued,
            left: AtomicUsize::new(records.len()),
            outcome: Mutex::new(Outcome { positions, error: None, done: Some(done) }),
        };
        (Arc::new(append), appending)
    }

    /// Returns an append for which the caller awaits delivery and that counts for no queue.
    pub fn inside_a_transaction(
        servers: &str,
        topic: &str,
        records: &[NewRecord],
    ) -> (Arc<Append>, Appending) {
        Append::new(servers.into(), topic, records, None)
    }

    fn error(&self, error: KafkaError) -> LogError {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::MessageSizeTooLarge) => {
                LogError::TooLargeThere { topic: self.topic.clone() }
            }
            Some(RDKafkaErrorCode::QueueFull) => LogError::Overloaded { queued_bytes: self.bytes },
            _ => failed_at(&self.servers, &self.topic, "appending records", error),
        }
    }

    fn failed(&self, error: KafkaError) {
        let error = self.error(error);
        self.outcome.lock().error.get_or_insert(error);
        self.one_less();
    }

    fn one_less(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.finish();
        }
    }

    fn finish(&self) {
        if let Some(queued) = &self.queued {
            queued.bytes.fetch_sub(self.bytes, Ordering::AcqRel);
            queued.records.fetch_sub(self.records, Ordering::AcqRel);
        }
        let mut outcome = self.outcome.lock();
        let result = match outcome.error.take() {
            Some(error) => Err(error),
            None => Ok(std::mem::take(&mut outcome.positions)),
        };
        if let Some(done) = outcome.done.take() {
            // A sender that stopped waiting has its records appended all the same.
            let _ = done.send(result);
        }
    }
}

impl Delivery {
    pub fn done(self, result: &DeliveryResult<'_>) {
        match result {
            Ok(message) => {
                let position = Position {
                    partition: PartitionId(message.partition().max(0).cast_unsigned()),
                    offset: Offset(message.offset().max(0).unsigned_abs()),
                };
                if let Some(place) = self.append.outcome.lock().positions.get_mut(self.place) {
                    *place = position;
                }
                self.append.one_less();
            }
            Err((error, _)) => self.append.failed(error.clone()),
        }
    }
}
