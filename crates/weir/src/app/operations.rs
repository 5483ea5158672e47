//! Answers the server's questions about the jobs.
//!
//! The dashboard shows what jobs have written. Its figures stand still when these jobs do not run, and are
//! incomplete when they cannot use the events they read; [`trouble`] describes that. Other jobs do not matter
//! to the dashboard.

use std::sync::Arc;

use jobs::{Dispatcher, JobMaster, JobStatus, JobView};
use server::{JobSummary, JobTotals, Operations, Totals};
use storage::store::CountedStore;

/// Prefix of the keys of rows that the dashboard shows.
const DASHBOARD_KEYS: &str = "analytics:";

pub(super) struct JobOperations {
    pub(super) dispatcher: Arc<Dispatcher>,
    pub(super) store: Arc<CountedStore>,
}

impl Operations for JobOperations {
    fn ready(&self) -> Result<(), String> {
        let problems = self.dispatcher.problems();
        let told = problems.iter().map(|(id, name, problem)| format!("job `{name}` ({id}) {problem}"));
        let told: Vec<String> = told.collect();
        if told.is_empty() { Ok(()) } else { Err(told.join("; ")) }
    }

    fn jobs(&self) -> Vec<JobSummary> {
        let running = self.dispatcher.jobs().into_iter().rev().map(|job| job.view());
        let not_started = self.dispatcher.not_started().into_iter().rev().map(|view| (*view).clone());
        running
            .chain(not_started)
            .map(|view| JobSummary {
                id: view.id.to_string(),
                message: view.problem().or_else(|| view.uncounted()),
                name: view.name,
                state: view.status.to_string(),
                start_time_ms: view.started.0,
            })
            .collect()
    }

    fn trouble(&self) -> Option<String> {
        let jobs = self.dispatcher.jobs();
        let writers = jobs.iter().rev().filter(|job| feeds_dashboard(job)).map(|job| {
            let view = job.view();
            Writer {
                failure: view.failures.last().map(|failure| failure.text.clone()),
                hindrance: view.hindrance().or_else(|| view.uncounted()),
                name: view.name,
                status: view.status,
            }
        });
        trouble(&writers.collect::<Vec<_>>())
    }

    fn totals(&self) -> Totals {
        let writers = self.dispatcher.jobs().into_iter().filter(|job| !job.is_query());
        let running = writers.map(|job| job.view()).filter(|view| !view.status.is_terminal());
        let jobs = running.map(|JobView { id, ledger, .. }| JobTotals {
            id: id.to_string(),
            read: ledger.accepted,
            late: ledger.late,
            dead_lettered: ledger.dead_lettered,
        });
        Totals { jobs: jobs.collect(), latencies: self.store.latencies() }
    }
}

/// Returns whether a job writes rows that the dashboard shows.
fn feeds_dashboard(job: &JobMaster) -> bool {
    let keys = job.plan().sinks.iter().filter_map(|sink| sink.options.entries.get("key"));
    !job.is_query() && keys.into_iter().any(|key| key.value.starts_with(DASHBOARD_KEYS))
}

/// A job that writes rows that the dashboard shows.
struct Writer {
    name: String,
    status: JobStatus,
    /// Why its newest attempt ended.
    failure: Option<String>,
    /// Why it cannot count existing events, although it runs.
    hindrance: Option<String>,
}

/// Describes the trouble of the jobs, given newest first. Once one of them works, ended jobs do not matter:
/// they were replaced, or belong to a script that is no longer used.
fn trouble(newest_first: &[Writer]) -> Option<String> {
    let mut told = Vec::new();
    for job in newest_first {
        let name = &job.name;
        let why = job.failure.as_deref().map_or_else(String::new, |why| format!(": {why}"));
        match job.status {
            JobStatus::Running => {
                told.extend(job.hindrance.as_ref().map(|why| format!("job `{name}`: {why}")))
            }
            JobStatus::Restarting | JobStatus::Failing => {
                told.push(format!("job `{name}` has failed and is about to start again{why}"));
            }
            JobStatus::Initializing | JobStatus::Created | JobStatus::Reconciling | JobStatus::Suspended => {}
            JobStatus::Cancelling | JobStatus::Canceled | JobStatus::Finished | JobStatus::Failed => {}
        }
    }
    if !told.is_empty() {
        return Some(told.join("; "));
    }

    let is_over = |job: &Writer| job.status.is_terminal() || job.status == JobStatus::Cancelling;
    let newest = newest_first.first().filter(|_| newest_first.iter().all(is_over))?;
    let (name, why) = (&newest.name, newest.failure.as_deref());
    Some(match (newest.status, why) {
        (JobStatus::Failed, Some(why)) => format!("job `{name}` has failed: {why}"),
        (JobStatus::Failed, None) => format!("job `{name}` has failed"),
        (JobStatus::Finished, _) => format!("job `{name}` was stopped"),
        _ => format!("job `{name}` was cancelled"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(name: &str, status: JobStatus) -> Writer {
        Writer { name: name.to_owned(), status, failure: None, hindrance: None }
    }

    #[test]
    fn a_job_that_is_over_matters_unless_another_runs() {
        use JobStatus::{Canceled, Cancelling, Created, Failed, Finished, Running};
        for status in [Canceled, Cancelling] {
            assert_eq!(trouble(&[job("a", status)]).as_deref(), Some("job `a` was cancelled"));
        }
        let failed = Writer { failure: Some("why".to_owned()), ..job("a", Failed) };
        assert_eq!(trouble(&[failed]).as_deref(), Some("job `a` has failed: why"));
        assert_eq!(trouble(&[job("b", Finished), job("a", Failed)]).as_deref(), Some("job `b` was stopped"));
        for status in [Running, Created] {
            assert_eq!(trouble(&[job("b", Canceled), job("a", status)]), None);
        }
        assert_eq!(trouble(&[]), None);
    }

    #[test]
    fn a_job_that_runs_and_cannot_count_is_told_beside_one_that_can() {
        let dead = Writer { hindrance: Some("dead letters".to_owned()), ..job("a", JobStatus::Running) };
        let told = trouble(&[job("b", JobStatus::Running), dead]);
        assert_eq!(told.as_deref(), Some("job `a`: dead letters"));
        let failing = Writer { failure: Some("why".to_owned()), ..job("a", JobStatus::Restarting) };
        let told = trouble(&[failing]).expect("trouble");
        assert!(told.contains("start again: why"), "{told}");
    }
}
