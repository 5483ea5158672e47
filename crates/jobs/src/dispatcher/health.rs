//! What is wrong with the jobs, and with the records that they could not count.

use std::collections::BTreeMap;
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

    /// The jobs with which something is wrong, each with the reason, see [`JobView::problem`]. Of jobs of one name the last
    /// counts; a failure before it is told until it has shown that it runs. Queries are the matter of whoever fetches their
    /// rows.
    pub fn problems(&self) -> Vec<(JobId, String, String)> {
        let views = self.jobs().into_iter().filter(|job| !job.is_query()).map(|job| job.view());
        let mut last_of_each: BTreeMap<String, (JobView, Option<JobView>)> = BTreeMap::new();
        for view in views {
            let before = last_of_each.remove(&view.name);
            let failed = before.and_then(|(last, failed)| match last.status {
                JobStatus::Failed => Some(last),
                // It did its work before somebody ended it, or still does.
                _ if last.status.is_terminal() || last.is_stable => None,
                _ => failed,
            });
            last_of_each.insert(view.name.clone(), (view, failed));
        }
        let told = last_of_each.into_values().filter_map(|(last, failed)| trouble(last, failed));

        // A job that is on record and could not be started again counts nothing either. Another job of its name does not
        // replace it: each start of Weir tries it again, until somebody cancels it.
        let not_started = self.not_started();
        let not_started =
            not_started.iter().filter_map(|view| Some((view.id, view.name.clone(), view.problem()?)));
        told.chain(not_started).collect()
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

/// What is wrong with the last job of a name. `failed`: a job before it that has failed.
fn trouble(last: JobView, failed: Option<JobView>) -> Option<(JobId, String, String)> {
    // A job that only waits for memory goes on by itself.
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
    let problem =
        format!("{problem}; job {} was started in its place, and has not shown yet that it runs", last.id);
    Some((failed.id, failed.name, problem))
}
