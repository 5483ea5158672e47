//! One attempt to run a job: the plan is connected again and started from a snapshot.

use std::sync::Arc;

use connectors::collect::Collector;
use connectors::result_store::{ResultStoreTable, UndoEntry, UndoLog};
use connectors::retry::Retry;
use engine::connector::{Reads, SourceFactory, Split};
use engine::execution::{Execution, ExecutionError, Restore, caught};
use engine::lateness::RecordedLateness;
use engine::snapshot::{RestoreReport, Snapshot};
use sql::error::Diagnostic;
use sql::plan::Plan;
use types::{Interval, JobId, Offset, with_causes};

use super::NewJob;
use super::milestones::tell_started;
use crate::checkpoint::DirectoryError;
use crate::environment::{Environment, WiringError};

/// Starts the attempts of a job.
pub(super) struct Launch {
    environment: Environment,
    plan: Arc<Plan>,
    id: JobId,
    name: String,
    /// The receiver of a query's rows; `None` for other jobs.
    collector: Option<Arc<Collector>>,
    /// Whether there was an earlier attempt, in this process or another.
    ran_before: bool,
    /// Whether the start of the job was logged.
    is_told: bool,
}

/// The records that earlier attempts wrote next to their checkpoints, and the logs of the next attempt.
pub(super) struct AttemptLogs {
    pub lateness: RecordedLateness,
    pub undo: Arc<dyn UndoLog>,
    /// For each row of the result store that changed since the restored checkpoint: the row as it was then.
    pub changed: Vec<UndoEntry>,
}

/// An attempt in progress.
pub(super) struct Attempt {
    pub execution: Execution,
    pub retry: Arc<Retry>,
    pub sources: Vec<Arc<dyn SourceFactory>>,
}

/// The reason for which a job was not started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("a table's options are wrong")]
    Options(Vec<Diagnostic>),
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    #[error(transparent)]
    Checkpoints(DirectoryError),
    #[error("a thread could not be started")]
    Thread(#[source] std::io::Error),
}

impl Launch {
    pub fn new(new: &NewJob) -> Launch {
        Launch {
            environment: new.environment.clone(),
            plan: new.plan.clone(),
            id: new.id,
            name: new.name.clone(),
            collector: new.collector.clone(),
            ran_before: new.ran_before,
            is_told: false,
        }
    }

    /// Returns how far events may be ahead of the clock; zero means no limit.
    pub fn max_future(&self) -> Interval {
        self.environment.max_future(&self.plan)
    }

    /// Starts the plan from a snapshot, or without one as the options of its tables say. `starting` receives
    /// the handle with which waiting for a sink can be ended.
    pub fn start(
        &mut self,
        from: Option<&Restore>,
        records: Option<AttemptLogs>,
        starting: &dyn Fn(&Arc<Retry>),
    ) -> Result<Attempt, StartError> {
        caught("starting the job", || self.attempt(from, records, starting))
    }

    fn attempt(
        &mut self,
        from: Option<&Restore>,
        records: Option<AttemptLogs>,
        starting: &dyn Fn(&Arc<Retry>),
    ) -> Result<Attempt, StartError> {
        let undo = records.as_ref().map(|records| &records.undo);
        let job = (self.id, &*self.name);
        let wired = self.environment.wire(self.plan.clone(), job, self.collector.as_ref(), undo);
        let wired = wired.map_err(|error| match error {
            WiringError::Options(wrong) => StartError::Options(wrong),
            WiringError::Thread(error) => StartError::Thread(error),
        })?;
        starting(&wired.retry);

        let changed = records.as_ref().map_or(&[][..], |records| &records.changed);
        self.put_back(&wired.results, changed)?;
        let mut spec = wired.spec;
        spec.lateness = records.map(|records| records.lateness);
        if let Some(restore) = from {
            let reads: Vec<Reads> = spec.sources.iter().map(|source| source.reads()).collect();
            let report =
                RestoreReport::of(&self.plan, &restore.snapshot, &reads).map_err(ExecutionError::from)?;
            if !report.is_complete() {
                tracing::warn!(job = %self.name, "not all state was kept:\n{report}");
            }
            spec.restore = Some(restore.clone());
        }

        if self.collector.is_none() {
            wired.dead_letters.reach().map_err(ExecutionError::from)?;
        }
        // Dead letters of records after the restored position will be written again if the records are still
        // invalid.
        if self.ran_before || from.is_some() {
            let positions = positions(from.map(|restore| &*restore.snapshot));
            wired.dead_letters.restarted(&positions).map_err(ExecutionError::from)?;
        }
        self.ran_before = true;

        let sources = spec.sources.clone();
        let execution = Execution::start(spec)?;
        if self.collector.is_none() && !std::mem::replace(&mut self.is_told, true) {
            tell_started(&self.plan, &self.environment.logs, job);
        }
        Ok(Attempt { execution, retry: wired.retry, sources })
    }
}

impl Launch {
    /// Undoes what earlier attempts wrote after the restored checkpoint; this attempt may never write those
    /// rows.
    fn put_back(&self, tables: &[Arc<ResultStoreTable>], changed: &[UndoEntry]) -> Result<(), StartError> {
        let now = self.environment.clock.now();
        for table in tables {
            let of_table = changed.iter().filter(|entry| *entry.template == *table.template());
            let entries: Vec<UndoEntry> = of_table.cloned().collect();
            if entries.is_empty() {
                continue;
            }
            table.put_back(&entries, now).map_err(ExecutionError::from)?;
            tracing::info!(
                job = %self.name, table = %table.table.name, rows = entries.len(),
                "rows that were written after the checkpoint were restored"
            );
        }
        Ok(())
    }
}

impl Attempt {
    /// Commits the positions of a retained snapshot to the sources.
    pub fn commit(&self, snapshot: &Snapshot) {
        for (source, pipeline) in self.sources.iter().zip(&snapshot.pipelines) {
            let positions: Vec<(Split, Offset)> =
                pipeline.splits().map(|of| (of.split.clone(), Offset(of.offset))).collect();
            if let Err(error) = source.commit(&positions) {
                tracing::warn!(
                    error = %with_causes(&error),
                    "the offsets were not committed, so the group's lag may look larger than it is"
                );
            }
        }
    }
}

fn positions(snapshot: Option<&Snapshot>) -> Vec<(Split, Offset)> {
    let pipelines = snapshot.into_iter().flat_map(|snapshot| &snapshot.pipelines);
    let splits = pipelines.flat_map(|pipeline| pipeline.splits());
    splits.map(|of| (of.split.clone(), Offset(of.offset))).collect()
}
