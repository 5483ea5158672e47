//! The control of a job: tells its subtasks to end or to contribute to a snapshot, and receives their
//! reports.
//!
//! Raising the number of the barrier requests a snapshot. Every running subtask contributes a [`Part`] when
//! it has reached that barrier. A subtask that has read its input to the end has left its last part here, and
//! holds nothing up. So a job of a finite and an endless input takes snapshots as long as the endless one
//! runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

use super::collecting::Collecting;
use super::handover::{Queued, QueuedBytes};
use super::panic::caught;
use super::{Acknowledgement, ExecutionError, PartBytes, global_vertex, source_vertex};
use crate::operator::chain::OperatorState;
use crate::snapshot::{AggregationImage, InMemory, PartKeeper, PipelineImage, Snapshot, SourceImage};

#[derive(Debug)]
pub struct Control {
    cancelled: AtomicBool,
    /// Sources are to end as if there were no more input.
    draining: AtomicBool,
    failure: Mutex<Option<ExecutionError>>,
    /// The last requested snapshot; 0 = none.
    barrier: AtomicU64,
    /// The snapshot after which sources stop reading; 0 = none.
    hold: AtomicU64,
    /// The snapshot whose parts are being collected; 0 = none.
    collecting: AtomicU64,
    queued: Arc<Queued>,
    /// Parts are boxed because the queue is allocated for its full capacity.
    parts: Sender<Box<Part>>,
    /// Locked while a snapshot is taken: one at a time.
    taking: Mutex<Receiver<Box<Part>>>,
    subtasks: Mutex<Subtasks>,
    /// Per pipeline: the source table and its description of the input.
    pipelines: Vec<(String, String)>,
    /// Per vertex of operators: the name of its subtasks.
    vertices: Vec<String>,
}

/// The subtasks of a job.
#[derive(Debug, Default)]
struct Subtasks {
    all: BTreeSet<SubtaskId>,
    /// The last parts of the subtasks that have read their input to the end.
    finished: BTreeMap<SubtaskId, Part>,
    /// The number of subtasks that have ended, for whatever reason.
    ended: usize,
}

/// Identifies a subtask of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SubtaskId {
    /// The pipeline, or the vertex of operators.
    pub pipeline: usize,
    pub kind: SubtaskKind,
    pub subtask: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SubtaskKind {
    Source,
    Global,
    /// A subtask of a vertex of operators; `pipeline` holds the number of the vertex.
    Operator,
}

/// The contribution of a subtask to a snapshot.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub barrier: u64,
    pub of: SubtaskId,
    pub source: Option<SourceImage>,
    pub state: Option<AggregationImage>,
    /// State of the operators that run in the subtask: all of it, or the rest after pieces that went ahead.
    pub operators: Vec<OperatorState>,
    /// `None` for a piece that goes ahead.
    pub times: Option<PartTimes>,
    /// The piece's share of the queue, held until the piece is stored.
    pub queued: Option<Arc<QueuedBytes>>,
}

impl Part {
    /// Creates a piece of the operators' state, which the rest follows.
    pub fn piece(barrier: u64, of: SubtaskId, operators: Vec<OperatorState>) -> Part {
        Part { barrier, of, source: None, state: None, operators, times: None, queued: None }
    }
}

/// The times of making a part.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PartTimes {
    /// When the subtask began the part, by the clock's `elapsed`.
    pub began: Duration,
    /// The time between the first barrier and the last.
    pub aligning: Duration,
    /// The time to build the part.
    pub taking: Duration,
}

/// The reason why there is no snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    #[error("the job has ended or is about to")]
    Ended,
    #[error("not all subtasks answered in time")]
    TimedOut,
    /// The keeper of the parts has the reason.
    #[error("a part of the state could not be kept")]
    NotKept,
}

/// The behavior of sources after they have contributed to a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Afterwards {
    ReadOn,
    /// They stop reading until the job ends or [`Control::release`], so that nothing happens that the
    /// snapshot lacks.
    Hold,
}

/// The most parts that wait to be collected; parts of abandoned snapshots may be among them.
const PARTS: usize = 4096;

impl Control {
    pub(super) fn new(pipelines: Vec<(String, String)>, vertices: Vec<String>) -> Control {
        let (parts, taking) = bounded(PARTS);
        Control {
            cancelled: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            failure: Mutex::new(None),
            barrier: AtomicU64::new(0),
            hold: AtomicU64::new(0),
            collecting: AtomicU64::new(0),
            queued: Arc::default(),
            parts,
            taking: Mutex::new(taking),
            subtasks: Mutex::default(),
            pipelines,
            vertices,
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

    /// Records the first failure and cancels the other subtasks.
    pub fn fail(&self, error: ExecutionError) {
        self.failure.lock().get_or_insert(error);
        self.cancel();
    }

    pub fn take_failure(&self) -> Option<ExecutionError> {
        self.failure.lock().take()
    }

    /// Takes a snapshot of the running plan: everything that was read before one point of each partition, and
    /// nothing after it. Results that are part of it are durable when this returns. Blocks for at most about
    /// `timeout`; a second caller waits for the first. If the snapshot fails, sources read on.
    pub fn snapshot(&self, timeout: Duration, afterwards: Afterwards) -> Result<Snapshot, CheckpointError> {
        self.snapshot_kept(self.barrier() + 1, timeout, afterwards, &mut InMemory, &mut |_| {})
    }

    /// As [`Control::snapshot`]; also hands the parts of operator state to `keeper` as they arrive, and calls
    /// `acknowledged` for each subtask that has contributed. `number` identifies the snapshot for sinks, and exceeds
    /// those of all earlier ones.
    pub fn snapshot_kept(
        &self,
        number: u64,
        timeout: Duration,
        afterwards: Afterwards,
        keeper: &mut dyn PartKeeper,
        acknowledged: &mut dyn FnMut(Acknowledgement),
    ) -> Result<Snapshot, CheckpointError> {
        let parts = self.taking.lock();
        // Raising this number requests the snapshot from the subtasks.
        let barrier = number.max(self.barrier() + 1);

        // Set before the barrier, or a source that has just contributed would read on. Held sources stay
        // held.
        match afterwards {
            Afterwards::ReadOn => self.release(),
            Afterwards::Hold if self.hold.load(Ordering::Acquire) > 0 => {}
            Afterwards::Hold => self.hold.store(barrier, Ordering::Release),
        }
        self.collecting.store(barrier, Ordering::Release);
        self.barrier.store(barrier, Ordering::Release);

        let collecting = Collecting::new(self, barrier, keeper, acknowledged);
        let taken = collecting.all(&parts, timeout);
        // Subtasks that still have pieces for this snapshot drop them.
        self.collecting.store(0, Ordering::Release);
        if taken.is_err() {
            self.release();
        }
        taken
    }

    /// Lets sources that a snapshot has stopped read on.
    pub fn release(&self) {
        self.hold.store(0, Ordering::Release);
    }

    /// Returns whether a source that contributed last to this snapshot stops reading.
    pub(super) fn holds(&self, barrier: u64) -> bool {
        let hold = self.hold.load(Ordering::Acquire);
        hold > 0 && hold <= barrier
    }

    /// Returns the last parts of the missing subtasks that have finished. Fails if no subtask is running.
    pub(super) fn finished_of(&self, missing: &BTreeSet<SubtaskId>) -> Result<Vec<Part>, CheckpointError> {
        let subtasks = self.subtasks.lock();
        if subtasks.ended == subtasks.all.len() {
            return Err(CheckpointError::Ended);
        }
        Ok(missing.iter().filter_map(|of| subtasks.finished.get(of)).cloned().collect())
    }

    /// Returns the subtasks that contribute to a snapshot.
    pub(super) fn running(&self) -> BTreeSet<SubtaskId> {
        self.subtasks.lock().all.clone()
    }

    /// Returns the number of subtasks that contribute to a snapshot.
    pub fn subtasks(&self) -> usize {
        self.subtasks.lock().all.len()
    }

    pub(super) fn acknowledgement(&self, part: &Part, operators: PartBytes) -> Acknowledgement {
        let table = |of: usize| &self.pipelines[of].0;
        let vertex = match part.of.kind {
            SubtaskKind::Source => source_vertex(table(part.of.pipeline)),
            SubtaskKind::Global => global_vertex(table(part.of.pipeline)),
            SubtaskKind::Operator => self.vertices[part.of.pipeline].clone(),
        };
        let times = part.times.unwrap_or_default();

        Acknowledgement {
            vertex,
            pipeline: part.of.pipeline,
            subtask: part.of.subtask,
            has_source: part.source.is_some(),
            has_state: part.state.is_some(),
            operators,
            began: times.began,
            aligning: times.aligning,
            taking: times.taking,
        }
    }

    pub(super) fn empty_snapshot(&self) -> Snapshot {
        let pipelines = self.pipelines.iter().map(|(table, reads)| PipelineImage {
            table: table.clone(),
            reads: reads.clone(),
            ..PipelineImage::default()
        });
        Snapshot { pipelines: pipelines.collect(), operators: Vec::new() }
    }

    /// Returns the last requested snapshot.
    pub(super) fn barrier(&self) -> u64 {
        self.barrier.load(Ordering::Acquire)
    }

    /// Sends a piece of a part ahead, and waits while the queue is full. Returns whether the rest is wanted.
    pub(super) fn send_piece(&self, mut piece: Part, bytes: u64) -> bool {
        let barrier = piece.barrier;
        let is_wanted = || self.collecting.load(Ordering::Acquire) == barrier && !self.is_cancelled();
        let Some(queued) = self.queued.enter(bytes, is_wanted) else { return false };
        piece.queued = Some(Arc::new(queued));
        // If the piece was not sent, the rest must not be sent either: see `contribute`.
        is_wanted() && self.parts.try_send(Box::new(piece)).is_ok()
    }

    pub(super) fn contribute(&self, part: Part) {
        // A full queue holds parts of abandoned snapshots; this snapshot is then abandoned too.
        let _ = self.parts.try_send(Box::new(part));
    }

    /// Records the last part of a subtask that has read its input to the end, and written all results.
    pub(super) fn finish(&self, part: Part) {
        self.subtasks.lock().finished.insert(part.of, part);
    }

    /// Announces a subtask that is about to start.
    pub(super) fn expect(&self, subtask: SubtaskId) {
        self.subtasks.lock().all.insert(subtask);
    }

    /// Runs a subtask; an error or panic ends the job. Returns whether the subtask has reached the end of its
    /// input.
    pub(super) fn run(&self, task: &str, body: impl FnOnce() -> Result<(), ExecutionError>) -> bool {
        let ended = caught(task, body);
        let is_finished = ended.is_ok() && !self.is_cancelled();

        if let Err(error) = ended {
            self.fail(error);
        }
        self.subtasks.lock().ended += 1;
        is_finished
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINITE: SubtaskId = SubtaskId { pipeline: 0, kind: SubtaskKind::Source, subtask: 0 };
    const ENDLESS: SubtaskId = SubtaskId { pipeline: 1, kind: SubtaskKind::Source, subtask: 0 };

    fn control() -> Control {
        let control =
            Control::new(vec![("a".into(), "values".into()), ("b".into(), "log".into())], Vec::new());
        control.expect(FINITE);
        control.expect(ENDLESS);
        control
    }

    fn part(of: SubtaskId, barrier: u64, accepted: u64) -> Part {
        let mut source = SourceImage::default();
        source.ledger.accepted = accepted;
        Part {
            barrier,
            of,
            source: Some(source),
            state: None,
            operators: Vec::new(),
            times: Some(PartTimes::default()),
            queued: None,
        }
    }

    fn accepted(snapshot: &Snapshot) -> Vec<u64> {
        snapshot.pipelines.iter().map(|pipeline| pipeline.ledger().accepted).collect()
    }

    #[test]
    fn a_subtask_that_has_finished_counts_as_it_was_at_its_end() {
        let control = control();
        control.run("finite", || {
            control.finish(part(FINITE, 0, 3));
            Ok(())
        });
        control.contribute(part(ENDLESS, 1, 7));
        let snapshot = control.snapshot(Duration::from_secs(20), Afterwards::ReadOn).unwrap();
        assert_eq!(accepted(&snapshot), [3, 7]);
    }

    #[test]
    fn a_subtask_that_finished_behind_the_barrier_counts_as_it_was_at_the_barrier() {
        let control = control();
        control.contribute(part(FINITE, 1, 2));
        control.run("finite", || {
            control.finish(part(FINITE, 1, 3));
            Ok(())
        });
        control.contribute(part(ENDLESS, 1, 7));
        let snapshot = control.snapshot(Duration::from_secs(20), Afterwards::ReadOn).unwrap();
        assert_eq!(accepted(&snapshot), [2, 7]);
    }

    #[test]
    fn a_job_whose_subtasks_have_all_ended_takes_no_snapshot() {
        let control = control();
        for of in [FINITE, ENDLESS] {
            control.run("task", || {
                control.finish(part(of, 0, 1));
                Ok(())
            });
        }
        let taken = control.snapshot(Duration::from_secs(20), Afterwards::ReadOn);
        assert_eq!(taken.err(), Some(CheckpointError::Ended));
    }
}
