//! The event log in Kafka. librdkafka writes and administers topics; a fetch path of our own (`fetch`) reads
//! them.
//!
//! Clients are created when they are first needed, so that a log can be opened while the brokers are
//! unreachable. Calls that need the brokers then fail with [`LogError::Unreachable`], and readers report it
//! in their polls. Readers keep their offsets in checkpoints; a group gets them afterwards, for tools that
//! watch the lag.
//!
//! An append with a note is a transaction over its topic and `weir-notes`. Without a note, an idempotent
//! producer is enough.

mod ask;
mod context;
mod describe;
mod failure;
mod fetch;
mod groups;
mod hidden;
mod notes;
mod outage;
mod reader;
mod sender;
mod settings;
mod transactions;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use types::{Clock, Offset, PartitionId, Timestamp};

use self::ask::Ask;
use self::fetch::Network;
use self::groups::Groups;
use self::notes::Notes;
use self::reader::Readers;
use self::sender::Sender;
use self::transactions::Transactions;
use super::topic::check_name;
use super::{
    Appending, EventLog, LogError, LogReader, NewRecord, Note, OffsetBounds, Start, TimeKind, Wanted,
};

pub use self::outage::Outage;
pub(super) use self::settings::of_a_table;
pub use self::settings::{KafkaSettings, is_secret};

/// Topic of the notes, one per record, kept a little longer than a day.
pub const NOTES_TOPIC: &str = "weir-notes";

/// Settings, limits and local state of this process's connection to a cluster.
#[derive(Debug, Clone)]
pub struct KafkaOptions {
    pub settings: KafkaSettings,
    /// Directory of the local store of notes; without it, appends cannot have notes.
    pub notes: Option<PathBuf>,
    /// Bytes waiting for the brokers above which appends are refused, 64 MiB by default.
    pub queue_bytes: usize,
    /// Records waiting for the brokers above which appends are refused, 400,000 by default.
    pub queue_records: usize,
    /// Size of the largest record, key and body together, 1 MiB by default. The brokers have a limit of their
    /// own.
    pub record_bytes_max: usize,
    /// Options of the local store of notes.
    pub notes_store: crate::store::Options,
    /// Reports when the brokers are unreachable.
    pub outage: Outage,
}

impl KafkaOptions {
    pub fn new(settings: KafkaSettings) -> KafkaOptions {
        let (queue_bytes, queue_records, record_bytes_max) = (64 << 20, 400_000, 1 << 20);
        KafkaOptions {
            settings,
            notes: None,
            queue_bytes,
            queue_records,
            record_bytes_max,
            notes_store: crate::store::Options::default(),
            outage: Outage::default(),
        }
    }
}

/// The event log of a Kafka cluster.
pub struct KafkaLog {
    options: KafkaOptions,
    clock: Arc<dyn Clock>,
    ask: Ask,
    readers: Readers,
    groups: Groups,
    /// Replaced after a fatal error.
    sender: Mutex<Option<Arc<Sender>>>,
    notes: Option<Arc<Notes>>,
    transactions: Option<Transactions>,
    /// Locked while notes are read. Holds the last failure to read them, and its time.
    completing: Mutex<Option<(Duration, Arc<LogError>)>>,
}

impl KafkaLog {
    /// Opens the log. Fails with [`LogError::Setting`] where the Kafka client does not accept the settings.
    /// Does not contact the brokers.
    pub fn open(options: KafkaOptions, clock: Arc<dyn Clock>) -> Result<KafkaLog, LogError> {
        let ask = Ask::new(options.settings.clone())?;
        let network = Arc::<Network>::default();
        let outage = options.outage.clone();
        let settings = options.settings.clone();
        let readers = Readers::new(settings, network.clone(), clock.clone(), outage.clone())?;
        let notes = match &options.notes {
            Some(directory) => {
                let (store, settings) = (options.notes_store.clone(), &options.settings);
                let notes = Notes::open(directory, store, settings, network, clock.clone(), outage.clone())?;
                Some(Arc::new(notes))
            }
            None => None,
        };

        // Create the producer now, so that settings it refuses are known before the first event.
        let sender = match &notes {
            Some(_) => Some(Arc::new(Sender::new(&options)?)),
            None => None,
        };

        let transactions = notes.clone().map(|notes| Transactions::start(options.clone(), notes));
        Ok(KafkaLog {
            groups: Groups::new(options.settings.clone(), clock.clone()),
            options,
            clock,
            ask,
            readers,
            sender: Mutex::new(sender),
            notes,
            transactions: transactions.transpose()?,
            completing: Mutex::default(),
        })
    }

    /// Checks that the brokers answer.
    pub fn ping(&self) -> Result<(), LogError> {
        self.options.outage.heard(self.ask.ping())
    }

    /// Returns the offset of the first record of this time or later, for each partition that has such a record.
    pub fn offsets_at(
        &self,
        topic: &str,
        partitions: &[PartitionId],
        time: Timestamp,
    ) -> Result<BTreeMap<PartitionId, u64>, LogError> {
        check_name(topic)?;
        self.options.outage.heard(self.ask.at_time(topic, partitions, time))
    }

    /// Writes what is queued, and refuses later appends.
    pub fn close(&self) {
        if let Some(transactions) = &self.transactions {
            transactions.close();
        }
        if let Some(sender) = self.sender.lock().as_ref() {
            sender.close();
        }
        if let Some(notes) = &self.notes {
            notes.close();
        }
    }

    fn sender(&self) -> Result<Arc<Sender>, LogError> {
        let mut sender = self.sender.lock();
        if let Some(made) = sender.as_ref() {
            let Some(reason) = made.fatal() else { return Ok(made.clone()) };
            tracing::error!(
                servers = self.options.settings.servers(),
                reason,
                "the producer failed; creating a new one"
            );
        }
        let made = Arc::new(Sender::new(&self.options)?);
        let before = sender.replace(made.clone());
        drop(sender);
        if before.is_some() {
            // Dropping the old producer answers the records it holds, which may take long.
            std::thread::spawn(move || drop(before));
        }
        Ok(made)
    }

    /// Reads the notes that are not known yet. Callers that waited during a failed attempt get its error,
    /// instead of asking the brokers in turn.
    fn complete(&self, notes: &Notes, transactions: &Transactions) -> Result<(), LogError> {
        let came = self.clock.elapsed();
        let mut failed = self.completing.lock();
        if notes.is_complete() {
            return Ok(());
        }
        if let Some((at, error)) = &*failed
            && *at >= came
        {
            return Err(LogError::Shared(error.clone()));
        }
        let doubts = notes.doubts();
        let completed = transactions.ready().and_then(|()| notes.complete(doubts));
        completed.map_err(|error| {
            let error = Arc::new(error);
            *failed = Some((self.clock.elapsed(), error.clone()));
            LogError::Shared(error)
        })
    }

    fn check_size(&self, records: &[NewRecord]) -> Result<(), LogError> {
        let limit = self.options.record_bytes_max;
        match records.iter().map(NewRecord::bytes).find(|&bytes| bytes > limit) {
            Some(bytes) => Err(LogError::TooLarge { bytes, limit }),
            None => Ok(()),
        }
    }
}

impl EventLog for KafkaLog {
    fn name(&self) -> String {
        "Kafka".to_owned()
    }

    /// Checks only the local store of notes; [`EventLog::partitions`] contacts the brokers.
    fn ping(&self) -> Result<(), LogError> {
        self.notes.as_ref().map_or(Ok(()), |notes| notes.ping())
    }

    fn topics(&self) -> Result<Vec<String>, LogError> {
        self.options.outage.heard(self.ask.topics())
    }

    fn create_topic(&self, topic: &str, partitions: u32) -> Result<(), LogError> {
        check_name(topic)?;
        self.options.outage.heard(self.ask.create_topic(topic, partitions, &[]))
    }

    fn partitions(&self, topic: &str) -> Result<Option<u32>, LogError> {
        check_name(topic)?;
        self.options.outage.heard(self.ask.partitions(topic))
    }

    fn append_noted(
        &self,
        topic: &str,
        records: Vec<NewRecord>,
        note: Option<Note>,
    ) -> Result<Appending, LogError> {
        check_name(topic)?;
        self.check_size(&records)?;
        match (note, &self.transactions) {
            (None, _) => self.sender()?.send(topic, &records),
            (Some(note), Some(transactions)) => transactions.append(topic, records, note),
            (Some(_), None) => Err(LogError::NoNotes),
        }
    }

    fn note(&self, name: &str) -> Result<Option<Vec<u8>>, LogError> {
        let (Some(notes), Some(transactions)) = (&self.notes, &self.transactions) else { return Ok(None) };
        if !notes.is_complete() {
            self.complete(notes, transactions)?;
        }
        notes.find(name)
    }

    fn read(
        &self,
        topic: &str,
        from: &[(PartitionId, Start)],
        wanted: Wanted,
    ) -> Result<Box<dyn LogReader>, LogError> {
        check_name(topic)?;
        let reader = self.readers.open(topic, from, wanted)?;
        Ok(Box::new(reader))
    }

    fn topic_id(&self, topic: &str) -> Result<Option<String>, LogError> {
        check_name(topic)?;
        self.options.outage.heard(self.ask.topic_id(topic))
    }

    fn time_kind(&self, _: &str) -> TimeKind {
        // The time of the producer, unless a topic is configured otherwise.
        TimeKind::Created
    }

    fn bounds(&self, topic: &str, partition: PartitionId) -> Result<OffsetBounds, LogError> {
        check_name(topic)?;
        self.options.outage.heard(self.ask.bounds(topic, partition))
    }

    fn committed(&self, group: &str, topic: &str) -> Result<Vec<(PartitionId, Offset)>, LogError> {
        let partitions = self.partitions(topic)?.unwrap_or(0);
        self.groups.committed(group, topic, partitions)
    }

    fn commit(&self, group: &str, positions: &[(&str, PartitionId, Offset)]) -> Result<(), LogError> {
        self.groups.commit(group, positions)
    }
}

impl Drop for KafkaLog {
    fn drop(&mut self) {
        self.close();
    }
}
