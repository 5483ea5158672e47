//! Problems of the jobs, and of records that they could not count.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use connectors::dead_letter::{DeadLetterQueue, TopicReader};
use sql::plan::Plan;
use types::JobId;

use super::Dispatcher;
use crate::checkpoint::CheckpointOptions;
use crate::master::{JobMaster, JobView};
use crate::result_tables::ResultTables;
use crate::status::JobStatus;

impl Dispatcher {
    /// Returns the checkpoint options for scripts that set none.
    pub fn checkpoint_defaults(&self) -> Option<&CheckpointOptions> {
        self.environment.checkpoints.as_ref()
    }

    /// Returns the tables that jobs have declared for their results.
    pub fn result_tables(&self) -> &Arc<ResultTables> {
        &self.result_tables
    }

    /// Forgets result tables beyond their limit, except those of jobs that run.
    pub(super) fn forget_result_tables(&self) {
        let jobs = self.jobs();
        let running: BTreeSet<String> =
            jobs.iter().filter(|job| !job.status().is_terminal()).map(|job| job.id().to_string()).collect();
        self.result_tables.forget_oldest(|job| running.contains(job));
    }

    /// Returns the dead-letter queue, with the jobs that must not count a replayed record twice.
    pub fn dead_letters(&self) -> DeadLetterQueue {
        let jobs = self.jobs().into_iter().filter(|job| !job.status().is_terminal());
        let readers = jobs.map(|job| TopicReader {
            id: job.id().to_string(),
            name: job.name().to_owned(),
            ancestors: job.ancestors().to_vec(),
            reads: self.reads_any(job.plan()),
        });
        DeadLetterQueue::new(self.environment.logs.own().clone(), readers.collect())
    }

    /// Returns a function that tells whether a plan reads a topic.
    fn reads_any(&self, plan: &Plan) -> Arc<dyn Fn(&str) -> bool + Send + Sync> {
        let reads = self.environment.reads(plan).unwrap_or_default();
        Arc::new(move |topic| reads.iter().any(|of| (of.includes)(topic)))
    }

    /// Returns the jobs with a problem, each with its reason, see [`JobView::problem`]. Of jobs with the same
    /// name, the last one counts; a failure before it is reported until the last one has proved stable.
    /// Queries are left out: their problems concern only the clients that fetch their rows.
    pub fn problems(&self) -> Vec<(JobId, String, String)> {
        let views = self.jobs().into_iter().filter(|job| !job.is_query()).map(|job| job.view());
        let mut last_of_each: BTreeMap<String, (JobView, Option<JobView>)> = BTreeMap::new();
        for view in views {
            let before = last_of_each.remove(&view.name);
            let failed = before.and_then(|(last, failed)| match last.status {
                JobStatus::Failed => Some(last),
                // This job worked until it was ended, or still does.
                _ if last.status.is_terminal() || last.is_stable => None,
                _ => failed,
            });
            last_of_each.insert(view.name.clone(), (view, failed));
        }
        let told = last_of_each.into_values().filter_map(|(last, failed)| trouble(last, failed));

        // A recorded job that could not be started again counts nothing either. Another job with its name
        // does not replace it: each start of Weir tries it again, until a user cancels it.
        let not_started = self.not_started();
        let not_started =
            not_started.iter().filter_map(|view| Some((view.id, view.name.clone(), view.problem()?)));
        told.chain(not_started).collect()
    }

    /// Returns the recorded jobs that this process could not start again, see
    /// [`JobView::not_started`](crate::JobView::not_started).
    pub fn not_started(&self) -> Vec<Arc<JobView>> {
        self.shared.jobs.lock().not_started()
    }

    /// Returns whether every failed job was followed by another job with its name.
    pub fn is_healthy(&self) -> bool {
        self.failed().is_none()
    }

    /// Returns a failed job of this process that was not followed by another job with its name.
    pub fn failed(&self) -> Option<Arc<JobMaster>> {
        let jobs = self.jobs();
        let is_last = |at: usize| !jobs[at + 1..].iter().any(|later| later.name() == jobs[at].name());
        // The failure of a query concerns only the client that fetches its rows.
        let failed = |job: &JobMaster| !job.is_query() && job.status() == JobStatus::Failed;
        (0..jobs.len()).find(|&at| failed(&jobs[at]) && is_last(at)).map(|at| jobs[at].clone())
    }
}

/// Returns the problem of the last job with a name. `failed` is an earlier job with this name that has
/// failed.
fn trouble(last: JobView, failed: Option<JobView>) -> Option<(JobId, String, String)> {
    // A job that only waits for memory continues by itself.
    let waits = last.status == JobStatus::Running
        && last.memory.is_held_back()
        && last.blocked.is_none()
        && !last.memory.is_stuck()
        && last.time_ahead.is_none();
    let problem = match waits {
        true => last.instability().or_else(|| last.failing_checkpoints.clone()),
        false => last.problem(),
    };
    if let Some(problem) = problem {
        return Some((last.id, last.name, problem));
    }

    let failed = failed.filter(|_| !last.is_stable && !last.status.is_terminal())?;
    let problem = failed.problem()?;
    let problem = format!("{problem}; job {} replaced it, and has not yet shown that it runs", last.id);
    Some((failed.id, failed.name, problem))
}
