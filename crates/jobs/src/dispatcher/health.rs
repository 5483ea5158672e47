//! What is wrong with the jobs, and with the records that they could not count.

use std::sync::Arc;

use connectors::dead_letter::{DeadLetterQueue, Reader};
use sql::plan::Plan;
use types::JobId;

use super::Dispatcher;
use crate::master::{JobMaster, JobView};
use crate::status::JobStatus;

impl Dispatcher {
    /// The dead-letter queue, and the jobs that a replay must not make count a record twice.
    pub fn dead_letters(&self) -> DeadLetterQueue {
        let jobs = self.jobs().into_iter().filter(|job| !job.status().is_terminal());
        let readers = jobs.map(|job| Reader {
            id: job.id().to_string(),
            name: job.name().to_owned(),
            ancestors: job.ancestors().to_vec(),
            reads: self.reads_any(job.plan()),
        });
        DeadLetterQueue::new(self.environment.logs.own().clone(), readers.collect())
    }

    /// Whether a plan reads a topic.
    fn reads_any(&self, plan: &Plan) -> Arc<dyn Fn(&str) -> bool + Send + Sync> {
        let reads = self.environment.reads(plan).unwrap_or_default();
        Arc::new(move |topic| reads.iter().any(|of| (of.includes)(topic)))
    }

    /// The jobs with which something is wrong, each with the reason, see [`JobView::problem`](crate::JobView::problem). Of
    /// jobs of one name the last counts, and queries are the matter of whoever fetches their rows.
    pub fn problems(&self) -> Vec<(JobId, String, String)> {
        let jobs = self.jobs();
        let is_last = |at: usize| !jobs[at + 1..].iter().any(|later| later.name() == jobs[at].name());
        let watched = (0..jobs.len()).filter(|&at| !jobs[at].is_query() && is_last(at));
        let problem = |at: usize| {
            let view = jobs[at].view();
            // A job that only waits for memory goes on by itself.
            let goes_on = view.blocked.is_none() && !view.memory.is_stuck() && view.time_ahead.is_none();
            let problem = match view.status {
                JobStatus::Running if goes_on => view.failing_checkpoints,
                _ => view.problem(),
            };
            let problem = problem?;
            Some((view.id, view.name, problem))
        };
        let mut problems: Vec<_> = watched.filter_map(problem).collect();

        // One that is on record and could not be started again counts nothing either.
        let not_started = self.not_started();
        let is_replaced = |name: &str| jobs.iter().any(|job| job.name() == name);
        let not_started = not_started.into_iter().filter(|view| !is_replaced(&view.name));
        problems.extend(not_started.filter_map(|view| Some((view.id, view.name.clone(), view.problem()?))));
        problems
    }

    /// The jobs on record that this process could not start again, see [`JobView::not_started`](crate::JobView::not_started).
    pub fn not_started(&self) -> Vec<Arc<JobView>> {
        self.shared.jobs.lock().not_started()
    }

    /// Whether no job has failed that no other of its name came after.
    pub fn is_healthy(&self) -> bool {
        self.failed().is_none()
    }

    /// A job of this process that has failed, and that no other of its name came after.
    pub fn failed(&self) -> Option<Arc<JobMaster>> {
        let jobs = self.jobs();
        let is_last = |at: usize| !jobs[at + 1..].iter().any(|later| later.name() == jobs[at].name());
        // A query that fails is the matter of whoever fetches its rows.
        let failed = |job: &JobMaster| !job.is_query() && job.status() == JobStatus::Failed;
        (0..jobs.len()).find(|&at| failed(&jobs[at]) && is_last(at)).map(|at| jobs[at].clone())
    }
}
