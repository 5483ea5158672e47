//! Savepoints: requesting, storing and restoring them.

use std::time::Duration;

use jobs::{JobOrigin, JobStatus, SavepointError, Sequel, Submission, SubmitError};

use crate::world::{SCRIPT, World, submission, until_is};

#[test]
fn a_job_starts_from_a_savepoint_at_another_parallelism() {
    let mut world = World::new(4);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Submitted)).expect("it starts");
    for partition in 0..4 {
        world.give(&job, partition, &[("a", 1), ("b", 1), ("c", 2)]);
    }
    let target = world.place("elsewhere");
    let location = job.savepoint(Some(target.clone()), Sequel::Stop).expect("a savepoint");
    assert!(location.starts_with(&target), "{location}");
    until_is(&job, JobStatus::Finished);
    assert_eq!(job.view().checkpoints.latest_savepoint.map(|record| record.id), Some(1));

    world.defaults.parallelism = 3;
    let process = world.process();
    let job =
        process.submit(Submission { from: Some(&location), ..submission(SCRIPT, JobOrigin::Submitted) });
    let job = job.expect("it starts");
    assert_eq!((job.view().parallelism, job.view().ledger.accepted), (3, 12));
    world.give(&job, 2, &[("b", 3)]);
    assert_eq!(world.counts()["b:2025-12-09 00:01:00"], 5);
    assert!(process.shut_down(Duration::from_secs(20)));
}

#[test]
fn a_dry_run_tells_what_would_be_kept_and_starts_nothing() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Submitted)).expect("it starts");
    world.give(&job, 0, &[("a", 1)]);
    let location = job.savepoint(None, Sequel::GoOn).expect("a savepoint");
    assert_eq!(job.status(), JobStatus::Running);
    let report = process.dry_run(submission(SCRIPT, JobOrigin::Submitted), &location).expect("a report");
    assert!(report.is_complete(), "{report}");
    let changed = SCRIPT.replace("'1' MINUTE", "'2' MINUTE");
    let report = process.dry_run(submission(&changed, JobOrigin::Submitted), &location).expect("a report");
    assert!(!report.is_complete() && report.to_string().contains("starts empty"), "{report}");
    assert_eq!(process.jobs().len(), 1);
    assert!(process.shut_down(Duration::from_secs(20)));
}

#[test]
fn what_is_no_savepoint_is_named() {
    let world = World::new(1);
    let process = world.process();
    let from = world.place("nowhere");
    let refused =
        process.submit(Submission { from: Some(&from), ..submission(SCRIPT, JobOrigin::Submitted) });
    let Err(error @ SubmitError::Checkpoints(_)) = refused else { panic!("it started") };
    assert!(
        error.to_string().contains("there is no checkpoint at") && error.to_string().contains(&from),
        "{error}"
    );
    assert_eq!(error.domain(), types::ErrorDomain::User);
    let job = process.submit(submission(SCRIPT, JobOrigin::Submitted)).expect("it starts");
    let refused = job.savepoint(Some("s3://bucket".to_owned()), Sequel::GoOn);
    assert!(matches!(refused, Err(SavepointError::Files(_))), "{refused:?}");
    assert_eq!(job.status(), JobStatus::Running);
    assert!(process.shut_down(Duration::from_secs(20)));
    assert!(matches!(job.savepoint(None, Sequel::GoOn), Err(SavepointError::Ended | SavepointError::Busy)));
}

#[test]
fn a_job_that_is_drained_writes_its_open_windows_and_its_savepoint_still_holds_them() {
    for parallelism in [1, 3] {
        let mut world = World::new(2);
        world.defaults.parallelism = parallelism;
        let process = world.process();
        let job = process.submit(submission(SCRIPT, JobOrigin::Submitted)).expect("it starts");
        world.give(&job, 0, &[("a", 1), ("b", 2)]);
        world.give(&job, 1, &[("a", 3)]);
        let is_final = || world.is_final("a:2025-12-09 00:01:00");
        assert_eq!(is_final(), Some(false), "the window is open");
        let location = job.savepoint(None, Sequel::Drain).expect("a savepoint");
        until_is(&job, JobStatus::Finished);
        assert_eq!((is_final(), world.counts()["a:2025-12-09 00:01:00"]), (Some(true), 2));

        let from = Submission { from: Some(&location), ..submission(SCRIPT, JobOrigin::Submitted) };
        let job = process.submit(from).expect("it starts");
        world.give(&job, 1, &[("a", 4)]);
        assert_eq!(world.counts()["a:2025-12-09 00:01:00"], 3, "it goes on where it stood");
        assert!(process.shut_down(Duration::from_secs(20)));
    }
}

#[test]
fn a_checkpoint_is_taken_when_asked_for_and_tells_of_every_subtask() {
    let mut world = World::new(2);
    world.defaults.parallelism = 2;
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Submitted)).expect("it starts");
    world.give(&job, 0, &[("a", 1)]);
    assert_eq!(job.checkpoint().expect("a checkpoint"), 1);
    let view = job.view();
    let record = view.checkpoints.latest_completed.expect("a checkpoint");
    let mut parts: Vec<(&str, usize)> =
        record.parts.iter().map(|part| (part.vertex.as_str(), part.subtask)).collect();
    parts.sort_unstable();
    let (source, global) = ("Source: events", "GlobalWindowAggregate[events]");
    assert_eq!(parts, [(global, 0), (global, 1), (source, 0), (source, 1)]);
    assert_eq!((record.subtasks, record.parts.iter().all(|part| part.bytes > 0)), (4, true));
    let keys: Vec<&str> = view.graph.iter().map(|vertex| vertex.key.as_str()).collect();
    assert_eq!(keys, [source, global]);
    assert!(process.shut_down(Duration::from_secs(20)));
    assert!(matches!(job.checkpoint(), Err(SavepointError::Ended | SavepointError::Busy)));
}
