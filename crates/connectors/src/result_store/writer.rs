//! The writer: a thread between a job's subtasks and the result store, with a queue of limited size.
//!
//! A failed write is retried with growing pauses; meanwhile the queue fills and holds back the sources.
//! Nothing is dropped.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use engine::connector::ConnectorError;
use engine::execution::panic_message;
use parking_lot::{Condvar, Mutex};
use storage::store::{ResultStore, StoreError, WriteBatch};
use types::{Clock, Timestamp};

use super::undo::{UndoLog, UndoRecorder, Undoable};
use crate::retry::{Retry, RetryError, Stopped};

/// Writes batches to the store in order.
pub struct StoreWriter {
    queue: Option<Sender<Command>>,
    retry: Arc<Retry>,
    stopped: Arc<AtomicBool>,
    gate: Arc<Gate>,
    thread: Option<JoinHandle<()>>,
    clock: Arc<dyn Clock>,
}

/// The reason why the writer cannot continue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
struct Aborted(String);

enum Command {
    Write(Queued),
    Flush(Sender<Result<(), Stopped>>),
}

/// A batch on its way to the store.
struct Queued {
    batch: WriteBatch,
    bytes: usize,
    /// Arrival time of the oldest record that the batch is the first to show.
    since: Option<Timestamp>,
    /// Identifies its rows, if they can be taken back.
    undoable: Option<Undoable>,
}

/// Largest number of batches that wait for the store.
const QUEUE_BATCHES: usize = 64;
/// Their largest size in bytes, except for a single larger batch.
const QUEUE_BYTES: usize = 16 << 20;

/// Limits the bytes in the queue.
#[derive(Default)]
struct Gate {
    inside: Mutex<usize>,
    /// Signals that batches have left, or that the writer has stopped.
    left: Condvar,
}

impl Gate {
    fn enter(&self, bytes: usize, is_closed: impl Fn() -> bool) {
        let mut inside = self.inside.lock();
        while *inside > 0 && *inside + bytes > QUEUE_BYTES && !is_closed() {
            self.left.wait(&mut inside);
        }
        *inside += bytes;
    }

    fn leave(&self, bytes: usize) {
        *self.inside.lock() -= bytes;
        self.left.notify_all();
    }

    /// Wakes waiting threads. The lock ensures that they have seen that the gate is closed, or are asleep
    /// already.
    fn open(&self) {
        drop(self.inside.lock());
        self.left.notify_all();
    }

    fn is_full(&self, bytes: usize) -> bool {
        let inside = *self.inside.lock();
        inside > 0 && inside + bytes > QUEUE_BYTES
    }
}

impl StoreWriter {
    /// Starts the thread; fails if the system has no more threads. `undo` logs rows before they change.
    pub fn start(
        store: Arc<dyn ResultStore>,
        retry: Arc<Retry>,
        clock: Arc<dyn Clock>,
        undo: Option<Arc<dyn UndoLog>>,
    ) -> std::io::Result<StoreWriter> {
        let (queue, commands) = bounded(QUEUE_BATCHES);
        let stopped = Arc::new(AtomicBool::new(false));
        let gate = Arc::new(Gate::default());
        let drain = Drain {
            store,
            commands,
            retry: retry.clone(),
            stopped: stopped.clone(),
            gate: gate.clone(),
            is_durable: true,
            undo: undo.map(UndoRecorder::new),
        };
        let thread = thread::Builder::new().name("result writer".to_owned()).spawn(move || drain.run())?;
        let queue = Some(queue);
        Ok(StoreWriter { queue, retry, stopped, gate, thread: Some(thread), clock })
    }

    /// Queues a batch; waits while the queue is full, and returns the time spent waiting. `since` is the
    /// arrival time of the oldest record that the batch is the first to show. `undoable` identifies its rows
    /// if an attempt that restarts from an earlier checkpoint has to take them back.
    pub fn write(
        &self,
        batch: WriteBatch,
        since: Option<Timestamp>,
        undoable: Option<Undoable>,
    ) -> Result<Duration, ConnectorError> {
        let bytes = bytes(&batch);
        let full = self.queue.as_ref().is_some_and(Sender::is_full) || self.gate.is_full(bytes);
        let before = full.then(|| self.clock.elapsed());
        self.gate.enter(bytes, || self.stopped.load(Ordering::Acquire));
        self.send(Command::Write(Queued { batch, bytes, since, undoable }))?;
        Ok(before.map_or(Duration::ZERO, |before| self.clock.elapsed().saturating_sub(before)))
    }

    /// Returns when all batches queued before are durable.
    pub fn flush(&self) -> Result<(), ConnectorError> {
        let (done, wait) = bounded(1);
        self.send(Command::Flush(done))?;
        match wait.recv() {
            Ok(Ok(())) => Ok(()),
            _ => Err(self.stopped()),
        }
    }

    fn send(&self, command: Command) -> Result<(), ConnectorError> {
        let queue = self.queue.as_ref().filter(|_| !self.stopped.load(Ordering::Acquire));
        match queue {
            Some(queue) if queue.send(command).is_ok() => Ok(()),
            _ => Err(self.stopped()),
        }
    }

    fn stopped(&self) -> ConnectorError {
        const WHAT: &str = "the result writer has stopped";
        match self.retry.aborted() {
            Some(reason) => ConnectorError::external(WHAT, Aborted(reason.to_owned())),
            None => ConnectorError::external(WHAT, Stopped),
        }
    }
}

/// Returns the memory that a batch takes.
fn bytes(batch: &WriteBatch) -> usize {
    let upserts = batch.upserts.iter().map(|of| size_of_val(of) + of.key.len() + of.value.len());
    upserts.chain(batch.deletes.iter().map(|key| size_of_val(key) + key.len())).sum()
}

/// Writes what is queued and stops; does not wait for a store that does not answer.
impl Drop for StoreWriter {
    fn drop(&mut self) {
        self.queue.take();
        // Dropping waits for the thread, so writes that fail are not repeated any more.
        self.retry.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Drain {
    store: Arc<dyn ResultStore>,
    commands: Receiver<Command>,
    retry: Arc<Retry>,
    stopped: Arc<AtomicBool>,
    gate: Arc<Gate>,
    /// Whether nothing was written since the last flush.
    is_durable: bool,
    /// Logs rows before they change.
    undo: Option<UndoRecorder>,
}

impl Drain {
    fn run(mut self) {
        while let Ok(command) = self.commands.recv() {
            let done = match command {
                Command::Write(queued) => self.write(&queued),
                Command::Flush(done) => {
                    let flushed = self.flush();
                    let _ = done.send(flushed);
                    flushed
                }
            };
            if done.is_err() {
                return self.refuse();
            }
        }
    }

    fn write(&mut self, queued: &Queued) -> Result<(), Stopped> {
        self.is_durable = false;
        let noted = queued.undoable.as_ref().map_or(Ok(()), |undoable| self.note(&queued.batch, undoable));
        let written = noted.and_then(|()| self.repeat("write results", || self.store.write(&queued.batch)));
        self.gate.leave(queued.bytes);

        if let (Ok(()), Some(since)) = (&written, queued.since) {
            self.store.shows(since);
        }
        written
    }

    /// Logs the rows of keys that a batch changes for the first time after a checkpoint.
    fn note(&mut self, batch: &WriteBatch, undoable: &Undoable) -> Result<(), Stopped> {
        let Some(undo) = &mut self.undo else { return Ok(()) };
        let keys = undo.take_new(batch, undoable.checkpoint);
        let names: Vec<String> = keys.iter().map(|key| key.to_string()).collect();
        let mut rows = Vec::new();
        if !names.is_empty() {
            self.repeat("read results", || self.store.get_many(&names).map(|found| rows = found))?;
        }
        self.undo.iter().for_each(|undo| undo.record(&keys, &rows, undoable));
        Ok(())
    }

    /// Repeats an operation until the store accepts it. If the store panics or fails permanently, it is not
    /// called again, and the job fails with the reason.
    fn repeat(&self, doing: &str, attempt: impl FnMut() -> Result<(), StoreError>) -> Result<(), Stopped> {
        let done = catch_unwind(AssertUnwindSafe(|| self.retry.run(doing, attempt)));
        let reason = match done {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(RetryError::Stopped)) => return Err(Stopped),
            Ok(Err(RetryError::Permanent(error))) => format!("the result store refuses the rows: {error}"),
            Err(panic) => format!("the result writer panicked: {}", panic_message(&*panic)),
        };
        self.retry.abort(reason);
        Err(Stopped)
    }

    /// Fails all requests. The queue is drained, because commands left in it would never be answered.
    fn refuse(self) {
        self.stopped.store(true, Ordering::Release);
        self.gate.open();
        for command in self.commands {
            if let Command::Flush(done) = command {
                let _ = done.send(Err(Stopped));
            }
        }
    }

    /// Makes writes durable. Every sink of a job requests it at a barrier; once is enough.
    fn flush(&mut self) -> Result<(), Stopped> {
        if !self.is_durable {
            self.repeat("make results durable", || self.store.flush())?;
            self.is_durable = true;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use storage::store::{EachStep, Entry, Following, Interest};
    use types::ManualClock;

    use super::*;

    /// A store that refuses all writes. With a barrier, a write waits there and panics.
    struct Refusing {
        panics_after: Option<Arc<Barrier>>,
    }

    impl ResultStore for Refusing {
        fn write(&self, _: &WriteBatch) -> Result<(), StoreError> {
            let Some(barrier) = &self.panics_after else { return Err(StoreError::Closed) };
            barrier.wait();
            panic!("no such shelf");
        }

        fn flush(&self) -> Result<(), StoreError> {
            Err(StoreError::Closed)
        }

        fn get(&self, _: &str) -> Result<Option<Entry>, StoreError> {
            Err(StoreError::Closed)
        }

        fn scan_any(&self, _: &[String], _: &mut EachStep<'_>) -> Result<(), StoreError> {
            Err(StoreError::Closed)
        }

        fn watch(&self, _: Vec<Interest>) {}

        fn follow(&self) -> Result<Following, StoreError> {
            Err(StoreError::Closed)
        }

        fn address(&self) -> (String, String) {
            (String::new(), String::new())
        }

        fn ping(&self) -> Result<(), StoreError> {
            Err(StoreError::Closed)
        }

        fn remark(&self) -> Option<String> {
            None
        }
    }

    #[test]
    fn everyone_who_waits_for_a_store_that_panics_is_told_what_it_said() {
        let barrier = Arc::new(Barrier::new(2));
        let store = Arc::new(Refusing { panics_after: Some(Arc::clone(&barrier)) });
        let clock = Arc::new(ManualClock::at(Timestamp(0)));
        let writer = StoreWriter::start(store, Arc::new(Retry::new(clock.clone())), clock, None).unwrap();
        let told = |error: ConnectorError| std::error::Error::source(&error).unwrap().to_string();
        thread::scope(|scope| {
            let waiting: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        writer.write(WriteBatch::default(), None, None).and_then(|_| writer.flush())
                    })
                })
                .collect();
            // One command is being processed; two writes and three flushes wait behind it.
            while writer.queue.as_ref().unwrap().len() < 5 {
                thread::yield_now();
            }
            barrier.wait();
            for thread in waiting {
                let error = thread.join().unwrap().expect_err("it panicked");
                assert_eq!(told(error), "the result writer panicked: no such shelf");
            }
        });
        let error = writer.write(WriteBatch::default(), None, None).expect_err("it panicked");
        assert_eq!(told(error), "the result writer panicked: no such shelf");
    }

    #[test]
    fn everyone_who_waits_for_a_store_that_is_given_up_is_told() {
        let clock = Arc::new(ManualClock::at(Timestamp(0)));
        let retry = Arc::new(Retry::new(clock.clone()));
        let writer =
            StoreWriter::start(Arc::new(Refusing { panics_after: None }), retry.clone(), clock, None)
                .unwrap();
        thread::scope(|scope| {
            let waiting: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        writer.write(WriteBatch::default(), None, None).and_then(|_| writer.flush())
                    })
                })
                .collect();
            // All commands are queued behind one that is being retried.
            while writer.queue.as_ref().unwrap().len() < 7 {
                thread::yield_now();
            }
            retry.stop();
            waiting.into_iter().for_each(|thread| assert!(thread.join().unwrap().is_err()));
        });
        assert!(writer.write(WriteBatch::default(), None, None).is_err());
    }
}
