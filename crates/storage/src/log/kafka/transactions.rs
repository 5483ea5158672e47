//! Appends with a note: transactions over the topic and [`NOTES_TOPIC`], one at a time, each with all waiting
//! requests.
//!
//! A reader of committed records sees the records and the note, or neither. The producer's id stays the same
//! over restarts, so that the next process ends a transaction that a crash left open before it looks for
//! notes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, TrySendError, bounded};
use parking_lot::Mutex;
use rdkafka::error::KafkaError;
use rdkafka::producer::{Producer as _, ThreadedProducer};
use tokio::sync::oneshot;
use types::ErrorDomain;

use super::context::Context;
use super::failure::{failed, is_away};
use super::notes::Notes;
use super::sender::{Append, produce, producing};
use super::{KafkaOptions, NOTES_TOPIC};
use crate::log::{Appending, LogError, NewRecord, Note, Position};

/// Limit of waiting requests.
const REQUESTS: usize = 4_096;
/// Approximate size of one transaction.
const BYTES: usize = 4 << 20;
/// Time that brokers may take to begin a transaction, and per attempt to end one.
const PATIENCE: Duration = Duration::from_secs(10);
/// Attempts to end a transaction.
const ATTEMPTS: u32 = 6;

pub(super) struct Transactions {
    queue: Mutex<Option<crossbeam_channel::Sender<Request>>>,
    queued_bytes: Arc<AtomicUsize>,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    options: KafkaOptions,
    notes: Arc<Notes>,
    /// Replaced after a fatal error.
    producer: Mutex<Option<ThreadedProducer<Context>>>,
    /// Whether the log closes, so that a commit is attempted only once.
    closing: AtomicBool,
}

struct Request {
    topic: String,
    records: Vec<NewRecord>,
    note: Note,
    bytes: usize,
    done: oneshot::Sender<Result<Vec<Position>, LogError>>,
}

/// Outcome of a transaction that was not committed.
enum Broken {
    /// The brokers have none of its records.
    Aborted(LogError),
    /// The producer is unusable. The notes tell whether the transaction was committed.
    Unknown(LogError),
}

impl Transactions {
    pub fn start(options: KafkaOptions, notes: Arc<Notes>) -> Result<Transactions, LogError> {
        let (queue, requests) = bounded(REQUESTS);
        let queued_bytes = Arc::new(AtomicUsize::new(0));
        let shared =
            Arc::new(Shared { options, notes, producer: Mutex::new(None), closing: AtomicBool::new(false) });
        let (of_thread, queued) = (shared.clone(), queued_bytes.clone());
        let thread = std::thread::Builder::new()
            .name("kafka-commit".to_owned())
            .spawn(move || of_thread.run(&requests, &queued))
            .map_err(|error| LogError::Storage { doing: "starting its thread", source: Box::new(error) })?;
        let (queue, thread) = (Mutex::new(Some(queue)), Mutex::new(Some(thread)));
        Ok(Transactions { queue, queued_bytes, shared, thread })
    }

    /// Ends an open transaction of an earlier process.
    pub fn ready(&self) -> Result<(), LogError> {
        self.shared.ready(&mut self.shared.producer.lock())
    }

    pub fn append(&self, topic: &str, records: Vec<NewRecord>, note: Note) -> Result<Appending, LogError> {
        let bytes = records.iter().map(NewRecord::bytes).sum::<usize>() + note.name.len() + note.value.len();
        let waiting = self.queued_bytes.load(Ordering::Acquire);
        if waiting > 0 && waiting + bytes > self.shared.options.queue_bytes {
            return Err(LogError::Overloaded { queued_bytes: waiting });
        }
        let (done, appending) = oneshot::channel();
        let request = Request { topic: topic.to_owned(), records, note, bytes, done };
        let queue = self.queue.lock();
        self.queued_bytes.fetch_add(bytes, Ordering::AcqRel);

        match queue.as_ref().ok_or(LogError::Closed)?.try_send(request) {
            Ok(()) => Ok(appending),
            Err(error) => {
                self.queued_bytes.fetch_sub(bytes, Ordering::AcqRel);
                Err(match error {
                    TrySendError::Full(_) => LogError::Overloaded { queued_bytes: waiting },
                    TrySendError::Disconnected(_) => LogError::Closed,
                })
            }
        }
    }

    /// Commits the waiting requests, and accepts no more.
    pub fn close(&self) {
        self.shared.closing.store(true, Ordering::Release);
        self.queue.lock().take();
        if let Some(thread) = self.thread.lock().take() {
            // The thread does not panic; should it, the requests it held are answered by being dropped.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn run(&self, requests: &Receiver<Request>, queued_bytes: &AtomicUsize) {
        while let Ok(first) = requests.recv() {
            let mut bytes = first.bytes;
            let mut taken = vec![first];
            while bytes < BYTES
                && let Ok(next) = requests.try_recv()
            {
                bytes += next.bytes;
                taken.push(next);
            }
            self.commit(taken);
            queued_bytes.fetch_sub(bytes, Ordering::AcqRel);
        }
    }

    fn commit(&self, mut requests: Vec<Request>) {
        let mut producer = self.producer.lock();
        let outcome = self.transact(&mut producer, &requests);
        let servers = self.options.settings.servers();

        let error = match outcome {
            Ok(positions) => {
                // Store the notes before the answer: the sender may repeat its request as soon as it is
                // answered.
                let notes = requests.iter().map(|request| &request.note);
                if let Err(error) = self.notes.keep(notes) {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "notes can be looked up in Kafka again"
                    );
                }
                for (request, positions) in requests.into_iter().zip(positions) {
                    // A sender that stopped waiting has its records appended all the same.
                    let _ = request.done.send(Ok(positions));
                }
                return;
            }
            // Try each request alone, so that only the refused one fails.
            Err(Broken::Aborted(error)) if requests.len() > 1 && error.domain() == ErrorDomain::User => {
                drop(producer);
                return requests.into_iter().for_each(|request| self.commit(vec![request]));
            }
            Err(Broken::Aborted(error)) => error,
            Err(Broken::Unknown(error)) => {
                *producer = None;
                self.notes.doubt();
                error
            }
        };

        tracing::error!(
            error = &error as &dyn std::error::Error,
            requests = requests.len(),
            servers,
            "events could not be appended"
        );

        if requests.len() == 1
            && let Some(alone) = requests.pop()
        {
            let _ = alone.done.send(Err(error));
            return;
        }

        let shared = Arc::new(error);
        for request in requests {
            let _ = request.done.send(Err(LogError::Shared(shared.clone())));
        }
    }

    fn transact(
        &self,
        producer: &mut Option<ThreadedProducer<Context>>,
        requests: &[Request],
    ) -> Result<Vec<Vec<Position>>, Broken> {
        let servers = self.options.settings.servers().to_owned();
        let fail = |error: KafkaError| failed(&servers, "appending records", error);
        self.notes.make_topic().map_err(Broken::Aborted)?;
        self.ready(producer).map_err(Broken::Unknown)?;
        let Some(producer) = producer else { return Err(Broken::Unknown(LogError::Closed)) };
        producer.begin_transaction().map_err(|error| Broken::Unknown(fail(error)))?;
        let mut awaited = Vec::with_capacity(requests.len());
        let mut refused = None;

        for request in requests {
            let (append, appending) =
                Append::inside_a_transaction(&servers, &request.topic, &request.records);
            let of_records = produce(producer, &request.topic, &request.records, &append);
            let note = Notes::record(&request.note);
            let (noting, noted) =
                Append::inside_a_transaction(&servers, NOTES_TOPIC, std::slice::from_ref(&note));
            let of_note = produce(producer, NOTES_TOPIC, std::slice::from_ref(&note), &noting);
            refused = refused.or(of_records).or(of_note);
            awaited.push((appending, noted));
        }

        if let Some(error) = refused {
            // A commit would succeed without the record that the producer refused, and store the notes. Abort
            // instead.
            return Err(match producer.abort_transaction(PATIENCE) {
                Ok(()) => Broken::Aborted(error),
                Err(_) => Broken::Unknown(error),
            });
        }

        // The commit waits until all records are delivered, and fails if one was not.
        let mut outcome = producer.commit_transaction(PATIENCE);
        let attempts = if self.closing.load(Ordering::Acquire) { 1 } else { ATTEMPTS };

        for _ in 1..attempts {
            match &outcome {
                Err(error) if may_pass(error) => {
                    tracing::warn!(servers, %error, "a transaction is not committed yet");
                    outcome = producer.commit_transaction(PATIENCE);
                }
                _ => break,
            }
        }

        let Err(error) = outcome else {
            let positions = awaited.into_iter().map(|(mut appending, _)| match appending.try_recv() {
                Ok(outcome) => outcome.map_err(Broken::Unknown),
                // Cannot happen: deliveries are reported before the commit is.
                Err(_) => Err(Broken::Unknown(LogError::Closed)),
            });
            return positions.collect();
        };

        let aborts = matches!(&error, KafkaError::Transaction(error) if error.txn_requires_abort());
        if aborts && producer.abort_transaction(PATIENCE).is_ok() {
            // The refused record tells the cause.
            let refused = awaited.into_iter().find_map(|(mut appending, mut noted)| {
                let refused = |outcome: Result<Result<_, LogError>, _>| outcome.ok().and_then(Result::err);
                refused(appending.try_recv()).or_else(|| refused(noted.try_recv()))
            });
            return Err(Broken::Aborted(refused.unwrap_or_else(|| fail(error))));
        }

        Err(Broken::Unknown(fail(error)))
    }

    fn ready(&self, producer: &mut Option<ThreadedProducer<Context>>) -> Result<(), LogError> {
        if producer.is_some() {
            return Ok(());
        }
        let settings = &self.options.settings;
        let fail = |error| failed(settings.servers(), "creating a producer", error);
        let mut config = producing(settings);
        config
            .set("transactional.id", format!("weir-{}", self.notes.instance()))
            .set("transaction.timeout.ms", (PATIENCE * ATTEMPTS).as_millis().to_string());
        let made: ThreadedProducer<Context> =
            config.create_with_context(Context::new(settings.servers())).map_err(fail)?;
        made.init_transactions(PATIENCE).map_err(fail)?;
        *producer = Some(made);
        Ok(())
    }
}

/// Returns whether a retry may succeed.
fn may_pass(error: &KafkaError) -> bool {
    match error {
        KafkaError::Flush(code) => is_away(*code),
        KafkaError::Transaction(error) => {
            error.is_retriable() && !error.txn_requires_abort() && !error.is_fatal()
        }
        _ => false,
    }
}
