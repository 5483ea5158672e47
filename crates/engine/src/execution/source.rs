//! A source subtask: reads, decodes, prepares and aggregates records, and advances the watermark.
//!
//! Its thread runs a loop. In each iteration the subtask
//!
//! 1. contributes to a snapshot, if one was requested;
//! 2. polls the source for a batch, for no longer than until its next other work;
//! 3. processes the batch: judges lateness, aggregates the rows of windows, passes other rows through, and
//!    books every record in the ledger;
//! 4. ships or fires what is due, and publishes the watermark of the rows (see the file `progress.rs`).
//!
//! The watermark that rows imply is published only after the rows were handed on.

use super::booking::{Bookkeeper, Outcome};
use super::control::Control;
use super::global::Message;
use super::memory_meter::MemoryMeter;
use super::outputs::Outputs;
pub(super) use super::source_progress::{SourceProgress, earlier};
use super::source_time::{Implied, SourceTime};
use super::{ExecutionError, INPUT_WAIT_MAX, Mode, TaskMetrics};
use crate::activity::Activity;
use crate::batch::Batch;
use crate::connector::{Polled, Records, Rows, Source, Stage};
use crate::evaluate::{Inputs, Vector};
use crate::lateness::LatenessRecorder;
use crate::layout::{Layout, QueryLayout};
use crate::operator::changes::{Changes, Kinds, RowKind, RowWatermarks};
use crate::operator::{Judging, Prepare};
use crate::selection::Selection;
use crate::state::KeyGroups;
use crate::watermark::{Clamp, NO_WATERMARK};
use crate::window::{Aggregation, FailedRow, LateRow, RowsIn, Shipping};
use crossbeam_channel::Sender;
use sql::functions::{Env, EvalError};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use types::{Clock, Interval, PartitionId};

pub(super) struct SourceSubtask {
    pub pipeline: usize,
    pub subtask: usize,
    pub table: String,
    pub layout: Arc<Layout>,
    pub batch: Batch,
    pub source: Box<dyn Source>,
    pub prepare: Prepare,
    pub time: SourceTime,
    /// Records what rows were judged against, so that a replay judges them alike.
    pub lateness: LatenessRecorder,
    /// The key groups it owns, if it keeps state itself.
    pub groups: KeyGroups,
    pub downstream: Downstream,
    pub bookkeeper: Bookkeeper,
    pub clock: Arc<dyn Clock>,
    pub control: Arc<Control>,
    pub metrics: Arc<TaskMetrics>,
    pub memory: MemoryMeter,
    pub mode: Mode,
    pub early_fire: Option<Duration>,
    /// The subtask was restored from a snapshot, some of whose results may not have been written early yet.
    pub is_restored: bool,
    pub max_future: Option<Interval>,
    pub batch_rows: usize,
    pub front_bytes: usize,
}

/// The location of a source subtask's state.
pub(super) enum Downstream {
    /// Here: rows are aggregated into the final state.
    Direct { aggregation: Aggregation, sinks: Outputs },
    /// In global subtasks; partial aggregates are shipped to them.
    Exchange { aggregation: Aggregation, shipping: Shipping, channels: Vec<Sender<Message>>, sinks: Outputs },
}

/// The approximate bytes of a row beside those of its record.
const ROW_BYTES: u64 = 64;

/// Poll interval of a source that is held.
const HELD: Duration = Duration::from_millis(5);

/// How much a local aggregation holds back while more rows wait. Measured from 16,384 rows to 1,000,000: more save
/// little CPU time and take more memory.
pub(super) const HOLD: HoldLimits = HoldLimits { rows: 65_536, time: Duration::from_millis(20) };

/// How much it holds back if the rows let a window close.
pub(super) const HOLD_CLOSED: HoldLimits = HoldLimits { rows: 16_384, time: Duration::from_millis(5) };

/// The limits of what a local aggregation holds back before it ships.
pub(super) struct HoldLimits {
    rows: usize,
    time: Duration,
}

impl HoldLimits {
    pub(super) fn is_over(&self, rows: usize, age: Duration) -> bool {
        rows >= self.rows || age >= self.time
    }
}

impl SourceSubtask {
    pub fn run(mut self) -> Result<(), ExecutionError> {
        let (changed, next_early) = (self.is_restored, self.clock.elapsed());
        let mut progress =
            SourceProgress { changed, next_early, seen: NO_WATERMARK, ..SourceProgress::default() };

        while !self.control.is_cancelled() {
            self.take_part(&mut progress)?;
            if self.control.is_draining() {
                return self.end(progress);
            }
            if self.control.holds(progress.barrier) {
                std::thread::park_timeout(HELD);
                continue;
            }

            let before = self.clock.elapsed();
            let wait = self.wait(&progress, before);
            self.metrics.at(Activity::Read);
            let polled = self.poll(&mut progress, wait)?;
            let waited = self.source.take_waited();
            self.bookkeeper.ledger().lost(self.source.take_lost());

            let found = self.source.take_found();
            if !found.is_empty() {
                self.lateness.add(&*self.source, &found);
                self.time.take_up(found, &self.lateness, before);
            }
            TaskMetrics::add_time(&self.metrics.idle_ns, waited);

            match polled {
                Polled::Batch { behind } => {
                    self.process(behind, &mut progress)?;
                    self.time.ask_others(before, || self.source.at_end());
                }
                Polled::CaughtUp => self.time.caught_up(before),
                Polled::Unreachable => self.time.unreachable(self.clock.elapsed()),
                Polled::End => return self.end(progress),
            }

            self.go_on(&mut progress, polled)?;
            self.look_at_splits(&mut progress, before);

            let blocked = self.downstream.sinks().book() + std::mem::take(&mut progress.blocked);
            let spent = self.clock.elapsed().saturating_sub(before).saturating_sub(waited + blocked);
            TaskMetrics::add_time(&self.metrics.busy_ns, spent);
        }

        Ok(())
    }

    /// Returns how long to wait for input: until there is something else to do.
    fn wait(&self, progress: &SourceProgress, now: Duration) -> Duration {
        let mut wait = INPUT_WAIT_MAX;
        if self.early_fire.is_some() && progress.changed {
            wait = wait.min(progress.next_early.saturating_sub(now));
        }
        if progress.held > 0 {
            wait = wait.min((progress.held_since + HOLD.time).saturating_sub(now));
        }
        wait
    }

    pub(super) fn env(&self) -> Env {
        Env { now_ms: self.clock.now().0 }
    }

    /// Processes a batch into the state.
    fn process(&mut self, behind: bool, progress: &mut SourceProgress) -> Result<(), ExecutionError> {
        let env = self.env();
        self.downstream.sinks().set_now(&env);
        let now = self.clock.elapsed();
        let partition = self.batch.origin.partition.unwrap_or(PartitionId(0));
        let records = self.batch.rows + self.batch.rejects.len();
        TaskMetrics::add(&self.metrics.records_in, records as u64);
        TaskMetrics::add(&self.metrics.batches_in, 1);
        let bytes = self.batch.bytes();
        TaskMetrics::add(&self.metrics.bytes_in, bytes);
        self.memory.took(bytes + self.batch.rows as u64 * ROW_BYTES);
        let ledger = self.bookkeeper.ledger();
        self.source.take_wrong_types(&mut |field, values| ledger.wrong_type(field, values));

        let mut standpoint = self.time.standpoint(partition, now);
        if self.mode == Mode::Bounded {
            // Only a file's own order makes its rows late, so that the result does not depend on the order of
            // reading files.
            standpoint.clamp = Clamp::OPEN;
        }
        let levels = self.lateness.levels(&self.batch, partition, standpoint.clamp, env.now_ms);
        let judging = Judging {
            partition: standpoint.partition,
            levels: &levels,
            most_ahead: self.max_future.map(|most| most.0),
            grain: self.lateness.grain(),
        };

        self.metrics.at(Activity::Prepare);
        let prepared = match self.prepare.prepare(&self.batch, &env, judging) {
            Ok(prepared) => prepared,
            Err(error) => return Err(self.unprepared(error, &env)),
        };
        self.lateness.judged(&self.batch, partition, &levels, standpoint.partition, &prepared);
        if let Some(time) = self.prepare.last_time() {
            self.metrics.emitted.store(time, Ordering::Relaxed);
        }

        self.metrics.at(Activity::Aggregate);
        let late = self.aggregate(&env)?;

        self.metrics.at(Activity::PassThrough);
        let came_in = self.batch.came_in();
        progress.unshown = earlier(progress.unshown, came_in);
        self.downstream.sinks().show(came_in);
        self.pass_through()?;

        self.metrics.at(Activity::Account);
        let outcome = Outcome { prepared: &prepared, late: &late };
        self.bookkeeper.book(&mut self.batch, &*self.source, &mut self.lateness, &outcome)?;

        let hold = self.lateness.hold(partition, prepared.watermark);
        self.time.imply(Implied { partition, watermark: prepared.watermark, behind, at: now, hold });
        if self.batch.rows > 0 {
            progress.changed = true;
            if progress.held == 0 {
                progress.held_since = now;
            }
            progress.held += self.batch.rows;
        }

        if self.prepare.trim(&mut self.batch, self.front_bytes) {
            self.downstream.aggregation().forget_front();
        }
        Ok(())
    }

    /// Returns the error of a batch that could not be prepared, with the record that caused it.
    #[cold]
    fn unprepared(&mut self, error: EvalError, env: &Env) -> ExecutionError {
        match self.prepare.failing_row(&self.batch, env) {
            Some((row, source)) => self.unevaluated(Some(row), source),
            None => self.unevaluated(None, error),
        }
    }

    /// Returns the error of a row of the batch, with the record from which the row was made.
    fn unevaluated(&self, row: Option<u32>, source: EvalError) -> ExecutionError {
        let origin = &self.batch.origin;
        let span = row.and_then(|row| origin.records.get(row as usize));
        let record = match (span, origin.partition) {
            (Some(span), Some(partition)) => self.source.place(partition, span.offset),
            _ => format!("a row of `{}`", self.table),
        };
        ExecutionError::Evaluate { record, source }
    }

    /// Adds the rows to the state; returns the late rows with their units.
    fn aggregate(&mut self, env: &Env) -> Result<Vec<LateRow>, ExecutionError> {
        if self.layout.units.is_empty() {
            return Ok(Vec::new());
        }
        let rows = RowsIn {
            len: self.batch.rows,
            all: self.prepare.timed(self.batch.rows),
            on_time: self.prepare.on_time(self.batch.rows),
            behind: self.prepare.behind(),
            wall: self.prepare.wall(),
            inputs: Inputs::Columns(&self.batch.columns),
            evaluator: self.prepare.evaluator(),
            env,
        };
        let added = self.downstream.aggregation().add(&rows);
        added.map_err(|FailedRow { row, source }| self.unevaluated(Some(row), source))
    }

    /// Writes the rows of queries without windows.
    fn pass_through(&mut self) -> Result<(), ExecutionError> {
        let inputs = Inputs::Columns(&self.batch.columns);
        let partition = self.batch.origin.partition.unwrap_or(PartitionId(0));
        let evaluator = self.prepare.evaluator();

        for (query, layout) in self.layout.queries.iter().enumerate() {
            let QueryLayout::Rows { filter, columns } = layout else { continue };
            let mut kept: Vec<u32> = Vec::new();
            self.prepare.all(self.batch.rows).for_each(|_, row| kept.push(row as u32));
            for &condition in filter {
                let vector = evaluator.column(inputs, condition);
                kept.retain(|&row| vector.is_true(row as usize));
            }
            if kept.is_empty() {
                continue;
            }

            let columns: Vec<Vector<'_>> =
                columns.iter().map(|&column| evaluator.column(inputs, column)).collect();

            let outputs = self.downstream.sinks();
            let kinds = match self.batch.kinds.as_slice() {
                [] => Kinds::All(RowKind::Insert),
                kinds => Kinds::Each(kinds),
            };

            if outputs.feeds_operators(query) {
                let sent = outputs.sent.watermark;
                let watermarks = match self.prepare.watermarks() {
                    [] => RowWatermarks::All(sent),
                    // A file is judged by its own order alone, but its rows must not advance event time past
                    // the rows of a file that is read later.
                    watermarks if self.mode == Mode::Bounded && self.time.partitions().len() > 1 => {
                        RowWatermarks::Each(watermarks).bounded(sent)
                    }
                    watermarks => RowWatermarks::Each(watermarks),
                };
                let rows = Selection::Selected(&kept);
                outputs.push(query, &Changes { columns: &columns, rows, kinds, watermarks })?;
            }

            outputs.sinks.write(&Rows {
                query,
                columns: &columns,
                rows: Selection::Selected(&kept),
                kinds,
                window: None,
                stage: Stage::Final,
                revisions: &[],
                records: Some(Records { partition, spans: &self.batch.origin.records }),
            })?;
        }

        Ok(())
    }
}

impl Downstream {
    fn aggregation(&mut self) -> &mut Aggregation {
        match self {
            Downstream::Direct { aggregation, .. } | Downstream::Exchange { aggregation, .. } => aggregation,
        }
    }

    pub(super) fn sinks(&mut self) -> &mut Outputs {
        match self {
            Downstream::Direct { sinks, .. } | Downstream::Exchange { sinks, .. } => sinks,
        }
    }
}
