//! The writer: one thread between a job's subtasks and the result store, behind a bounded queue.
//!
//! A store that fails is tried again with growing pauses; the queue fills and holds back the sources meanwhile. Nothing
//! is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use engine::connector::ConnectorError;
use storage::store::{ResultStore, WriteBatch};
use types::Clock;

/// Hands batches to the store in order.
pub struct StoreWriter {
    queue: Option<Sender<Command>>,
    /// Closed when the writer is given up: ends waiting for a store that does not answer.
    hurry: Option<Sender<()>>,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    clock: Arc<dyn Clock>,
}

enum Command {
    Write(WriteBatch),
    Flush(Sender<()>),
}

/// Batches that wait for the store, at most.
const QUEUE_BATCHES: usize = 64;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl StoreWriter {
    /// Starts the thread. Fails if the system has none left.
    pub fn start(store: Arc<dyn ResultStore>, clock: Arc<dyn Clock>) -> std::io::Result<StoreWriter> {
        let (queue, commands) = bounded(QUEUE_BATCHES);
        let (hurry, hurried) = bounded(0);
        let stopped = Arc::new(AtomicBool::new(false));
        let thread_stopped = stopped.clone();
        let thread = thread::Builder::new().name("result writer".to_owned()).spawn(move || {
            Drain { store, commands, hurried }.run();
            thread_stopped.store(true, Ordering::Release);
        })?;
        Ok(StoreWriter { queue: Some(queue), hurry: Some(hurry), stopped, thread: Some(thread), clock })
    }

    /// Queues a batch; waits while the queue is full, and tells for how long.
    pub fn write(&self, batch: WriteBatch) -> Result<Duration, ConnectorError> {
        let full = self.queue.as_ref().is_some_and(Sender::is_full);
        let before = full.then(|| self.clock.elapsed());
        self.send(Command::Write(batch))?;
        Ok(before.map_or(Duration::ZERO, |before| self.clock.elapsed().saturating_sub(before)))
    }

    /// Returns when all batches queued before are durable.
    pub fn flush(&self) -> Result<(), ConnectorError> {
        let (done, wait) = bounded(1);
        self.send(Command::Flush(done))?;
        wait.recv().map_err(|error| ConnectorError::external("the result writer has stopped", error))
    }

    fn send(&self, command: Command) -> Result<(), ConnectorError> {
        let queue = self.queue.as_ref().filter(|_| !self.stopped.load(Ordering::Acquire));
        match queue.map(|queue| queue.send(command)) {
            Some(Ok(())) => Ok(()),
            _ => Err(ConnectorError::external(
                "the result writer has stopped",
                std::io::Error::other("stopped"),
            )),
        }
    }
}

/// Writes what is queued, then ends; a store that does not answer is given up.
impl Drop for StoreWriter {
    fn drop(&mut self) {
        self.queue.take();
        self.hurry.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Drain {
    store: Arc<dyn ResultStore>,
    commands: Receiver<Command>,
    hurried: Receiver<()>,
}

impl Drain {
    fn run(self) {
        while let Ok(command) = self.commands.recv() {
            let done = match command {
                Command::Write(batch) => self.insist("write results", || self.store.write(&batch)),
                Command::Flush(done) => {
                    let flushed = self.insist("make results durable", || self.store.flush());
                    let _ = done.send(());
                    flushed
                }
            };
            if !done {
                return;
            }
        }
    }

    /// Tries until it works; false when it was given up.
    fn insist<E: std::fmt::Display>(&self, doing: &str, mut attempt: impl FnMut() -> Result<(), E>) -> bool {
        let mut pause = FIRST_PAUSE;
        loop {
            let Err(error) = attempt() else { return true };
            tracing::warn!(%error, ?pause, "cannot {doing}; trying again");
            match self.hurried.recv_timeout(pause) {
                Err(RecvTimeoutError::Timeout) => pause = (pause * 2).min(LONGEST_PAUSE),
                _ => {
                    tracing::error!(%error, "gave up on results: the job ended while the store did not take them");
                    return false;
                }
            }
        }
    }
}
