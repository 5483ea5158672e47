//! The writer: one thread between a job's subtasks and the result store, behind a bounded queue.
//!
//! A store that fails is tried again with growing pauses; the queue fills and holds back the sources meanwhile. Nothing
//! is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use engine::connector::ConnectorError;
use storage::store::{ResultStore, WriteBatch};
use types::Clock;

use crate::patience::{GivenUp, Patience};

/// Hands batches to the store in order.
pub struct StoreWriter {
    queue: Option<Sender<Command>>,
    patience: Arc<Patience>,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    clock: Arc<dyn Clock>,
}

enum Command {
    Write(WriteBatch),
    Flush(Sender<Result<(), GivenUp>>),
}

/// Batches that wait for the store, at most.
const QUEUE_BATCHES: usize = 64;

impl StoreWriter {
    /// Starts the thread. Fails if the system has none left.
    pub fn start(
        store: Arc<dyn ResultStore>,
        patience: Arc<Patience>,
        clock: Arc<dyn Clock>,
    ) -> std::io::Result<StoreWriter> {
        let (queue, commands) = bounded(QUEUE_BATCHES);
        let stopped = Arc::new(AtomicBool::new(false));
        let drain = Drain { store, commands, patience: patience.clone(), is_durable: true };
        let thread_stopped = stopped.clone();
        let thread = thread::Builder::new().name("result writer".to_owned()).spawn(move || {
            drain.run();
            thread_stopped.store(true, Ordering::Release);
        })?;
        Ok(StoreWriter { queue: Some(queue), patience, stopped, thread: Some(thread), clock })
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
        match wait.recv() {
            Ok(Ok(())) => Ok(()),
            _ => Err(stopped()),
        }
    }

    fn send(&self, command: Command) -> Result<(), ConnectorError> {
        let queue = self.queue.as_ref().filter(|_| !self.stopped.load(Ordering::Acquire));
        match queue.map(|queue| queue.send(command)) {
            Some(Ok(())) => Ok(()),
            _ => Err(stopped()),
        }
    }
}

fn stopped() -> ConnectorError {
    ConnectorError::external("the result writer has stopped", GivenUp)
}

/// Writes what is queued, then ends; a store that does not answer is given up.
impl Drop for StoreWriter {
    fn drop(&mut self) {
        self.queue.take();
        // Whoever drops the writer waits for it: what the store does not take at once is not waited for.
        self.patience.give_up();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Drain {
    store: Arc<dyn ResultStore>,
    commands: Receiver<Command>,
    patience: Arc<Patience>,
    /// Nothing was written since the last flush.
    is_durable: bool,
}

impl Drain {
    fn run(mut self) {
        while let Ok(command) = self.commands.recv() {
            let done = match command {
                Command::Write(batch) => {
                    self.is_durable = false;
                    self.patience.insist("write results", || self.store.write(&batch))
                }
                Command::Flush(done) => {
                    let flushed = self.flush();
                    let _ = done.send(flushed);
                    flushed
                }
            };
            if done.is_err() {
                return;
            }
        }
    }

    /// Every sink of a job asks for it at a barrier; once is enough.
    fn flush(&mut self) -> Result<(), GivenUp> {
        if !self.is_durable {
            self.patience.insist("make results durable", || self.store.flush())?;
            self.is_durable = true;
        }
        Ok(())
    }
}
