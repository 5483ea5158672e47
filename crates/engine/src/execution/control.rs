//! How a job's subtasks are told to end or to take part in a snapshot, and how they tell that they failed.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

use super::panic::caught;
use super::{Acknowledgement, ExecutionError, global_vertex, source_vertex};
use crate::snapshot::{AggregationImage, PipelineImage, Snapshot, SourceImage};

#[derive(Debug)]
pub struct Control {
    cancelled: AtomicBool,
    /// Sources are to end as if there were no more input.
    draining: AtomicBool,
    failure: Mutex<Option<ExecutionError>>,
    /// The last snapshot that was asked for; 0 = none.
    barrier: AtomicU64,
    /// The snapshot from which on sources read no more; 0 = none.
    hold: AtomicU64,
    parts: Sender<Part>,
    /// Held while a snapshot is taken: one at a time.
    taking: Mutex<Receiver<Part>>,
    subtasks: AtomicUsize,
    ended: AtomicUsize,
    /// By pipeline: the source table and what it reads.
    pipelines: Vec<(String, String)>,
}

/// What a subtask contributes to a snapshot.
#[derive(Debug)]
pub(super) struct Part {
    pub barrier: u64,
    pub pipeline: usize,
    pub subtask: usize,
    pub source: Option<SourceImage>,
    pub state: Option<AggregationImage>,
    pub times: PartTimes,
}

/// How a part came to be.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PartTimes {
    /// When the subtask took the snapshot up, by the clock's `elapsed`.
    pub began: Duration,
    /// Between the first barrier and the last.
    pub aligning: Duration,
    /// Making it.
    pub taking: Duration,
}

/// Why there is no snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    #[error("the job has ended or is about to")]
    Ended,
    #[error("not all subtasks answered in time")]
    TimedOut,
}

/// What sources do when they have taken part in a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Afterwards {
    ReadOn,
    /// They read no more, so that nothing happens that the snapshot does not hold; until the job ends, or
    /// [`Control::release`].
    Hold,
}

/// Parts that wait to be collected, at most; those of an abandoned snapshot may lie there.
const PARTS: usize = 4096;
/// How often the taker of a snapshot looks whether it is still worth waiting.
const LOOK: Duration = Duration::from_millis(20);

impl Control {
    pub(super) fn new(pipelines: Vec<(String, String)>) -> Control {
        let (parts, taking) = bounded(PARTS);
        Control {
            cancelled: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            failure: Mutex::new(None),
            barrier: AtomicU64::new(0),
            hold: AtomicU64::new(0),
            parts,
            taking: Mutex::new(taking),
            subtasks: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
            pipelines,
        }
    }

    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
    }

    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Ends the input: everything closes, results are written, and the job is finished.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Keeps the first failure and ends the others.
    pub fn fail(&self, error: ExecutionError) {
        self.failure.lock().get_or_insert(error);
        self.cancel();
    }

    pub fn take_failure(&self) -> Option<ExecutionError> {
        self.failure.lock().take()
    }

    /// Takes a snapshot of the running plan: everything that was read before one point of each partition, and nothing
    /// that was read after it. Results that are part of it are durable when this returns. Blocks for at most about
    /// `timeout`; a second caller waits for the first. Where there is no snapshot, sources read on.
    pub fn snapshot(&self, timeout: Duration, afterwards: Afterwards) -> Result<Snapshot, CheckpointError> {
        self.snapshot_told(timeout, afterwards, &mut |_| {})
    }

    /// [`Control::snapshot`]; tells of each subtask that has done its part.
    pub fn snapshot_told(
        &self,
        timeout: Duration,
        afterwards: Afterwards,
        told: &mut dyn FnMut(Acknowledgement),
    ) -> Result<Snapshot, CheckpointError> {
        let parts = self.taking.lock();
        let barrier = self.barrier.load(Ordering::Acquire) + 1;
        // Before the barrier, lest a source reads on that has just taken part. Those that are held stay so.
        match afterwards {
            Afterwards::ReadOn => self.release(),
            Afterwards::Hold if self.hold.load(Ordering::Acquire) > 0 => {}
            Afterwards::Hold => self.hold.store(barrier, Ordering::Release),
        }
        self.barrier.store(barrier, Ordering::Release);
        let taken = self.collect(&parts, (barrier, timeout), told);
        if taken.is_err() {
            self.release();
        }
        taken
    }

    /// Lets sources read on that a snapshot has stopped.
    pub fn release(&self) {
        self.hold.store(0, Ordering::Release);
    }

    /// Whether a source that took part in this snapshot last reads no more.
    pub(super) fn holds(&self, barrier: u64) -> bool {
        let hold = self.hold.load(Ordering::Acquire);
        hold > 0 && hold <= barrier
    }

    fn collect(
        &self,
        parts: &Receiver<Part>,
        (barrier, timeout): (u64, Duration),
        told: &mut dyn FnMut(Acknowledgement),
    ) -> Result<Snapshot, CheckpointError> {
        let mut snapshot = self.empty_snapshot();
        let mut missing = self.subtasks.load(Ordering::Acquire);
        let mut left = timeout;
        let mut collected: Vec<Part> = Vec::with_capacity(missing);
        while missing > 0 {
            if self.is_cancelled() || self.ended.load(Ordering::Acquire) > 0 {
                return Err(CheckpointError::Ended);
            }
            match parts.recv_timeout(LOOK) {
                Ok(part) if part.barrier == barrier => {
                    told(self.acknowledgement(&part));
                    collected.push(part);
                    missing -= 1;
                }
                Ok(_) => {}
                Err(_) if left.is_zero() => return Err(CheckpointError::TimedOut),
                Err(_) => left = left.saturating_sub(LOOK),
            }
        }
        collected.sort_by_key(|part| (part.pipeline, part.subtask));
        for part in collected {
            let pipeline = &mut snapshot.pipelines[part.pipeline];
            pipeline.sources.extend(part.source);
            pipeline.states.extend(part.state);
        }
        Ok(snapshot)
    }

    /// The number of subtasks that take part in a snapshot.
    pub fn subtasks(&self) -> usize {
        self.subtasks.load(Ordering::Acquire)
    }

    fn acknowledgement(&self, part: &Part) -> Acknowledgement {
        let (table, _) = &self.pipelines[part.pipeline];
        let vertex = if part.source.is_some() { source_vertex(table) } else { global_vertex(table) };
        Acknowledgement {
            vertex,
            pipeline: part.pipeline,
            subtask: part.subtask,
            has_source: part.source.is_some(),
            has_state: part.state.is_some(),
            began: part.times.began,
            aligning: part.times.aligning,
            taking: part.times.taking,
        }
    }

    fn empty_snapshot(&self) -> Snapshot {
        let pipelines = self.pipelines.iter().map(|(table, reads)| PipelineImage {
            table: table.clone(),
            reads: reads.clone(),
            ..PipelineImage::default()
        });
        Snapshot { pipelines: pipelines.collect() }
    }

    /// The last snapshot that was asked for.
    pub(super) fn barrier(&self) -> u64 {
        self.barrier.load(Ordering::Acquire)
    }

    pub(super) fn contribute(&self, part: Part) {
        // A full queue holds parts of abandoned snapshots; this one is then abandoned too.
        let _ = self.parts.try_send(part);
    }

    /// Another subtask is about to start.
    pub(super) fn expect(&self) {
        self.subtasks.fetch_add(1, Ordering::AcqRel);
    }

    /// Runs a subtask; whatever ends it badly ends the job.
    pub(super) fn run(&self, task: &str, body: impl FnOnce() -> Result<(), ExecutionError>) {
        if let Err(error) = caught(task, body) {
            self.fail(error);
        }
        self.ended.fetch_add(1, Ordering::AcqRel);
    }
}
