//! Converts views of jobs to the applications of Flink 2.3, as pure functions.

use std::collections::BTreeMap;

use jobs::{JobStatus, JobView};
use types::Timestamp;

use super::describe::{NOT_YET, between, overview};
use super::model::{ApplicationDetails, ApplicationLine, Applications};

pub(super) fn applications(views: impl Iterator<Item = JobView>, now: Timestamp) -> Applications {
    let line = |view: JobView| ApplicationLine {
        id: view.id.to_string(),
        start_time: view.started.0,
        end_time: view.ended.map_or(NOT_YET, |ended| ended.0),
        duration: between(view.started, view.ended.unwrap_or(now)),
        status: application_status(view.status),
        jobs: BTreeMap::from([(view.status.name(), 1)]),
        name: application_name(&view.name),
    };
    Applications { applications: views.map(line).collect() }
}

pub(super) fn application(view: JobView, now: Timestamp) -> ApplicationDetails {
    let entered = |status: JobStatus| view.history.entered(status).map_or(0, |at| at.0);
    let timestamps = BTreeMap::from([
        ("CREATED", view.started.0),
        ("RUNNING", entered(JobStatus::Running)),
        ("FAILING", entered(JobStatus::Failing)),
        ("FAILED", entered(JobStatus::Failed)),
        ("CANCELING", entered(JobStatus::Cancelling)),
        ("CANCELED", entered(JobStatus::Canceled)),
        ("FINISHED", entered(JobStatus::Finished)),
    ]);

    ApplicationDetails {
        id: view.id.to_string(),
        name: application_name(&view.name),
        status: application_status(view.status),
        start_time: view.started.0,
        end_time: view.ended.map_or(NOT_YET, |ended| ended.0),
        duration: between(view.started, view.ended.unwrap_or(now)),
        timestamps,
        jobs: overview(std::iter::once(view), now).jobs,
    }
}

/// Returns the application name that Flink gives a job.
fn application_name(job: &str) -> String {
    format!("SingleJobApplication({job})")
}

/// Returns the state of an application. Applications have fewer states than jobs, and spell one differently.
fn application_status(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Initializing | JobStatus::Created | JobStatus::Reconciling => "CREATED",
        JobStatus::Running | JobStatus::Restarting | JobStatus::Suspended => "RUNNING",
        JobStatus::Cancelling => "CANCELING",
        JobStatus::Failing | JobStatus::Failed | JobStatus::Canceled | JobStatus::Finished => status.name(),
    }
}
