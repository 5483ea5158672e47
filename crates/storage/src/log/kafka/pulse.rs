//! Whether the leaders of partitions answer, and what only they know: asked on a thread of its own, for as long as
//! somebody wants to know.
//!
//! A client that reads says nothing while nothing comes, and what it would tell of itself piles up where nobody listens, as
//! behind a store that is away for a night. It does not say either where an open transaction begins to hide records (the
//! last stable offset), nor that its topic was deleted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use parking_lot::Mutex;
use types::{Clock, PartitionId};

use super::ask::Ask;
use crate::log::LogError;

/// From one round of questions to the next.
const PAUSE: Duration = Duration::from_millis(400);
/// Nobody is asked for a reader that has not wanted to know for so long.
const WANTED: Duration = Duration::from_secs(1);
/// Rounds between two questions whether the topic is still the same.
const ROUNDS: u64 = 5;
/// Answers in a row that there is no such topic: one alone is what a topic that moves gives.
const MISSING_MAX: u32 = 3;

/// Ends its thread when it is dropped.
pub(super) struct Pulse {
    shared: Arc<Shared>,
    _stop: Sender<()>,
}

struct Shared {
    topic: Arc<str>,
    /// The id under which the topic was opened, where the brokers have ids.
    id: Option<String>,
    ask: Arc<Ask>,
    clock: Arc<dyn Clock>,
    partitions: Mutex<BTreeMap<PartitionId, Heard>>,
    wanted: Mutex<Duration>,
    /// What became of the topic.
    gone: Mutex<Option<Gone>>,
}

/// What a partition's leader said last.
#[derive(Debug, Clone, Copy)]
struct Heard {
    /// When it was asked.
    at: Duration,
    /// The offset behind the last record that may be read: the first of an open transaction, or the end.
    stable_end: Option<u64>,
}

/// Why a topic cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    Deleted,
    /// Deleted, and made anew under the same name.
    Recreated,
}

impl Pulse {
    pub fn start(
        topic: Arc<str>,
        id: Option<String>,
        ask: Arc<Ask>,
        clock: Arc<dyn Clock>,
    ) -> Result<Pulse, LogError> {
        let wanted = Mutex::new(clock.elapsed());
        let (partitions, gone) = (Mutex::default(), Mutex::default());
        let shared = Arc::new(Shared { topic, id, ask, clock, partitions, wanted, gone });
        let (stop, stopped) = bounded(0);
        let of_thread = shared.clone();
        std::thread::Builder::new()
            .name("kafka-pulse".to_owned())
            .spawn(move || of_thread.run(&stopped))
            .map_err(|error| LogError::Storage { doing: "starting a thread", source: Box::new(error) })?;
        Ok(Pulse { shared, _stop: stop })
    }

    /// From now on a partition's leader is asked too; it has answered just now.
    pub fn add(&self, partition: PartitionId) {
        let heard = Heard { at: self.shared.clock.elapsed(), stable_end: None };
        self.shared.partitions.lock().insert(partition, heard);
    }

    /// Whether the leader of a partition was heard of within the last while.
    pub fn within(&self, partition: PartitionId, while_: Duration) -> bool {
        let now = self.shared.clock.elapsed();
        *self.shared.wanted.lock() = now;
        let heard = self.shared.partitions.lock().get(&partition).copied();
        heard.is_some_and(|heard| now.saturating_sub(heard.at) <= while_)
    }

    /// Where an open transaction began to hide a partition's records, or its end, when the leader was last asked.
    pub fn stable_end(&self, partition: PartitionId) -> Option<u64> {
        self.shared.partitions.lock().get(&partition)?.stable_end
    }

    /// What became of the topic, if it is not the one any more that was opened.
    pub fn gone(&self) -> Option<Gone> {
        *self.shared.gone.lock()
    }
}

impl Shared {
    fn run(&self, stopped: &Receiver<()>) {
        let mut missing = 0;
        let mut round = 0_u64;
        while stopped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
            if self.clock.elapsed().saturating_sub(*self.wanted.lock()) > WANTED {
                continue;
            }
            round += 1;
            self.ask_leaders();
            self.look_for_topic(round, &mut missing);
        }
    }

    fn ask_leaders(&self) {
        let partitions: Vec<PartitionId> = self.partitions.lock().keys().copied().collect();
        for partition in partitions {
            let at = self.clock.elapsed();
            if let Ok((_, stable_end)) = self.ask.bounds_now(&self.topic, partition) {
                self.partitions.lock().insert(partition, Heard { at, stable_end: Some(stable_end) });
            }
        }
    }

    /// Whether the topic is still there, and still the same.
    fn look_for_topic(&self, round: u64, missing: &mut u32) {
        if *missing == 0 && !round.is_multiple_of(ROUNDS) {
            return;
        }
        match self.ask.partitions(&self.topic) {
            Ok(Some(_)) => *missing = 0,
            Ok(None) => *missing += 1,
            // Nothing is known.
            Err(_) => return,
        }
        let gone = if *missing >= MISSING_MAX {
            Some(Gone::Deleted)
        } else if *missing == 0 && self.id.is_some() {
            let id = self.ask.topic_id(&self.topic).ok().flatten();
            (id.is_some() && id != self.id).then_some(Gone::Recreated)
        } else {
            None
        };
        *self.gone.lock() = gone;
    }
}
