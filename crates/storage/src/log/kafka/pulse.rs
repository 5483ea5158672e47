//! Whether the leaders of partitions answer: asked on a thread of its own, for as long as somebody wants to know.
//!
//! A client that reads says nothing while nothing comes, and what it would tell of itself piles up where nobody listens, as
//! behind a store that is away for a night.

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
/// Nobody is asked for whoever has not wanted to know for so long.
const WANTED: Duration = Duration::from_secs(1);

/// Ends its thread when it is dropped.
pub(super) struct Pulse {
    shared: Arc<Shared>,
    _stop: Sender<()>,
}

struct Shared {
    topic: Arc<str>,
    ask: Arc<Ask>,
    clock: Arc<dyn Clock>,
    /// When the leader of each was asked for its last answer.
    heard: Mutex<BTreeMap<PartitionId, Duration>>,
    wanted: Mutex<Duration>,
}

impl Pulse {
    pub fn start(topic: Arc<str>, ask: Arc<Ask>, clock: Arc<dyn Clock>) -> Result<Pulse, LogError> {
        let wanted = Mutex::new(clock.elapsed());
        let shared = Arc::new(Shared { topic, ask, clock, heard: Mutex::default(), wanted });
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
        self.shared.heard.lock().insert(partition, self.shared.clock.elapsed());
    }

    /// Whether the leader of a partition was heard of within the last while.
    pub fn within(&self, partition: PartitionId, while_: Duration) -> bool {
        let now = self.shared.clock.elapsed();
        *self.shared.wanted.lock() = now;
        let heard = self.shared.heard.lock().get(&partition).copied();
        heard.is_some_and(|at| now.saturating_sub(at) <= while_)
    }
}

impl Shared {
    fn run(&self, stopped: &Receiver<()>) {
        while stopped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
            if self.clock.elapsed().saturating_sub(*self.wanted.lock()) > WANTED {
                continue;
            }
            let partitions: Vec<PartitionId> = self.heard.lock().keys().copied().collect();
            for partition in partitions {
                let at = self.clock.elapsed();
                if self.ask.bounds(&self.topic, partition).is_ok() {
                    self.heard.lock().insert(partition, at);
                }
            }
        }
    }
}
