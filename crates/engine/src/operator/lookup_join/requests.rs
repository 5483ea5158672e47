//! Queries a table from separate threads: keys go out in batches, rows come in as they arrive.
//!
//! ```text
//! want(key) ─► wanted ─ send ─► [channel] ─► thread: Lookup::find ─► [channel] ─► next_answer
//!                ▲                                                        │ no rows, and to be retried
//!                └────────────── later, after the retry delay ◄───────────┘
//! ```
//!
//! Rows of one batch with the same key share a look-up. Rows that come later look a key up again even while
//! it is on its way: the table may have changed since.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Select, Sender, TryRecvError, TrySendError, bounded};

use crate::connector::{ConnectorError, Found, Lookup, LookupFactory};
use crate::execution::panic_message;

/// Threads per subtask: one decodes a server's response while another waits for the server.
const THREADS: usize = 2;
/// The most batches on their way: in the channel, and with the threads.
const BATCHES: usize = 2 * THREADS;
/// The most keys of a batch.
const BATCH_KEYS: usize = 1_000;

type KeyBatch = Arc<[Box<[u8]>]>;

/// A key to look up.
pub(super) struct Wanted {
    pub key: Box<[u8]>,
    /// The places of the rows that wait for it.
    pub rows: Vec<u64>,
    /// How often the table had no rows for it.
    pub misses: u32,
    /// When it was first requested.
    pub since: i64,
}

/// A key and its rows.
pub(super) struct Answered {
    pub wanted: Wanted,
    pub rows: Vec<Box<[u8]>>,
}

struct Request {
    number: u64,
    keys: KeyBatch,
}

struct Answer {
    number: u64,
    rows: Result<Vec<Vec<Box<[u8]>>>, ConnectorError>,
}

/// The look-up threads have ended.
#[derive(Debug, thiserror::Error)]
#[error("its thread has ended")]
struct Gone;

/// A look-up panicked.
#[derive(Debug, thiserror::Error)]
#[error("it panicked: {0}")]
struct Panicked(String);

/// The look-ups of one subtask; see the module documentation.
pub(super) struct LookupRequests {
    table: String,
    requests: Sender<Request>,
    answers: Receiver<Answer>,
    /// Keys that are not sent yet, and the index of each key among them.
    wanted: Vec<Wanted>,
    places: HashMap<Box<[u8]>, usize>,
    /// The sent keys by request number.
    sent: HashMap<u64, Vec<Wanted>>,
    next_number: u64,
    answered: Vec<Answered>,
    /// Keys to look up again, each with its time.
    later: Vec<(i64, Wanted)>,
    retries: u32,
    delay_ms: i64,
}

impl LookupRequests {
    /// Starts the threads. `retries` is how often a key without rows is looked up again, each time after
    /// `delay_ms`.
    pub fn start(
        table: &str,
        factory: &Arc<dyn LookupFactory>,
        retries: u32,
        delay_ms: i64,
    ) -> Result<LookupRequests, String> {
        let (requests, to_ask) = bounded::<Request>(BATCHES - THREADS);
        let (to_answer, answers) = bounded(BATCHES);

        for _ in 0..THREADS {
            let lookup = factory.open().map_err(|error| format!("`{table}` cannot be opened: {error}"))?;
            let (to_ask, to_answer) = (to_ask.clone(), to_answer.clone());
            let name: String = format!("lookup {table}").chars().take(60).collect();
            let started = thread::Builder::new().name(name).spawn(move || run(lookup, &to_ask, &to_answer));
            started.map_err(|error| format!("a thread for `{table}` could not be started: {error}"))?;
        }

        Ok(LookupRequests {
            table: table.to_owned(),
            requests,
            answers,
            wanted: Vec::new(),
            places: HashMap::new(),
            sent: HashMap::new(),
            next_number: 0,
            answered: Vec::new(),
            later: Vec::new(),
            retries,
            delay_ms,
        })
    }

    /// Requests a key for the row at a place.
    pub fn want(&mut self, key: &[u8], row: u64, now_ms: i64) {
        match self.places.get(key) {
            Some(&place) => self.wanted[place].rows.push(row),
            None => {
                self.places.insert(key.into(), self.wanted.len());
                self.wanted.push(Wanted { key: key.into(), rows: vec![row], misses: 0, since: now_ms });
            }
        }
    }

    /// Sends the requested keys and those due for a retry to the threads, as far as the channel takes them.
    pub fn send(&mut self, now_ms: i64) {
        self.places.clear();
        let due = self.later.extract_if(.., |(due, _)| *due <= now_ms).map(|(_, wanted)| wanted);
        self.wanted.extend(due);

        while !self.wanted.is_empty() {
            let taken = self.wanted.len().min(BATCH_KEYS);
            let keys = self.wanted[..taken].iter().map(|wanted| wanted.key.clone()).collect();
            let request = Request { number: self.next_number, keys };
            match self.requests.try_send(request) {
                Ok(()) => {
                    let mut sent: Vec<Wanted> = self.wanted.drain(..taken).collect();
                    // Rows restored before the clock was known wait from now on.
                    sent.iter_mut().for_each(|wanted| wanted.since = wanted.since.min(now_ms));
                    self.sent.insert(self.next_number, sent);
                    self.next_number += 1;
                }
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => return,
            }
        }
    }

    /// Returns a key that was answered; `None` while there is none.
    ///
    /// # Errors
    /// The table cannot be queried.
    pub fn next_answer(&mut self, now_ms: i64) -> Result<Option<Answered>, ConnectorError> {
        while self.answered.is_empty() {
            let doing = || format!("cannot look up rows of `{}`", self.table);
            let answer = match self.answers.try_recv() {
                Ok(answer) => answer,
                Err(TryRecvError::Empty) => return Ok(None),
                Err(TryRecvError::Disconnected) => return Err(ConnectorError::external(doing(), Gone)),
            };
            let rows = answer.rows?;
            let wanted = self.sent.remove(&answer.number).unwrap_or_default();
            self.answered
                .extend(wanted.into_iter().zip(rows).map(|(wanted, rows)| Answered { wanted, rows }));
            // The next batch is sent while this one is processed.
            self.send(now_ms);
        }
        Ok(self.answered.pop())
    }

    /// Returns the key if its answer is final; `None` if it has no rows and will be looked up again.
    pub fn unless_retried(&mut self, mut wanted: Wanted, is_miss: bool, now_ms: i64) -> Option<Wanted> {
        if !is_miss || wanted.misses >= self.retries {
            return Some(wanted);
        }
        wanted.misses += 1;
        self.later.push((now_ms.saturating_add(self.delay_ms), wanted));
        None
    }

    /// Returns since when the oldest waiting row waits.
    pub fn oldest(&self) -> Option<i64> {
        let later = self.later.iter().map(|(_, wanted)| wanted);
        let all = self.sent.values().flatten().chain(&self.wanted).chain(later);
        all.map(|wanted| wanted.since).min()
    }

    pub fn watch<'s>(&'s self, select: &mut Select<'s>) {
        select.recv(&self.answers);
    }

    pub fn memory_bytes(&self) -> usize {
        let later = self.later.iter().map(|(_, wanted)| wanted);
        let all = self.sent.values().flatten().chain(&self.wanted).chain(later);
        all.map(|wanted| size_of::<Wanted>() + wanted.key.len() + wanted.rows.capacity() * 8).sum()
    }
}

/// Answers requests until the other side closes its channel.
fn run(mut lookup: Box<dyn Lookup>, requests: &Receiver<Request>, answers: &Sender<Answer>) {
    for Request { number, keys } in requests {
        let mut found = Found::new(keys.len());
        let asked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| lookup.find(&keys, &mut found)));
        let rows = match asked {
            Ok(asked) => asked.map(|()| found.into_rows()),
            Err(panic) => {
                let what = Panicked(panic_message(&*panic).to_string());
                Err(ConnectorError::external("a lookup failed", what))
            }
        };
        if answers.send(Answer { number, rows }).is_err() {
            return;
        }
    }
}
