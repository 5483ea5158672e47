//! Jobs that are cancelled, also while their sinks do not accept rows.

use std::time::Duration;

use jobs::{JobOrigin, JobStatus, Sequel};

use crate::world::{SCRIPT, World, submission, until, until_is};

const COUNTS_TOPIC: &str =
    "'connector' = 'upsert-kafka', 'topic' = 'counts', 'key.format' = 'raw', 'value.format' = 'json'";

#[test]
fn a_job_whose_store_takes_nothing_can_be_cancelled_and_goes_on_when_it_does_again() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    world.store.refuse(true);
    world.append(0, &[("a", 1)]);
    until("the event is taken", || job.view().ledger.accepted == 1);
    world.store.refuse(false);
    world.written(&job);
    assert_eq!(world.counts().len(), 1);
    world.store.refuse(true);
    // More results than the writer's queue can hold, so the sources are held back.
    for second in 2..400 {
        world.append(0, &[("a", second)]);
    }
    until("more is taken", || job.view().ledger.accepted > 1);
    assert!(job.cancel());
    until_is(&job, JobStatus::Canceled);
}

#[test]
fn a_job_that_writes_a_topic_waits_for_its_log_and_can_be_cancelled_while_it_does() {
    let world = World::new(1);
    let process = world.process();
    let script = SCRIPT.replace("'connector' = 'redis', 'key' = '{k}:{window_end}'", COUNTS_TOPIC);
    let script =
        script.replace("window_end TIMESTAMP(3))", "window_end TIMESTAMP(3), PRIMARY KEY (k) NOT ENFORCED)");
    // A single failure would end the job.
    let script = script.replace("attempts' = '3'", "attempts' = '0'");
    let job = process.submit(submission(&script, JobOrigin::Start)).expect("it starts");
    world.log.refuse(2);
    world.append(0, &[("a", 1)]);
    until("the row is written", || !world.log.records("counts").is_empty());
    assert_eq!((world.log.refusals_left(), job.status()), (0, JobStatus::Running));
    world.log.refuse(u32::MAX);
    world.append(0, &[("a", 2)]);
    until("the log refuses", || world.log.refusals_left() < u32::MAX);
    assert!(job.cancel());
    until_is(&job, JobStatus::Canceled);
}

#[test]
fn a_job_that_is_cancelled_while_it_ends_comes_to_rest_as_whoever_did_it_was_told() {
    for round in 0..40_u64 {
        let world = World::new(1);
        let process = world.process();
        let job = process.submit(submission(SCRIPT, JobOrigin::Submitted)).expect("it starts");
        let stopping = job.clone();
        let stopping = std::thread::spawn(move || stopping.savepoint(None, Sequel::Stop));
        // The cancellation comes before, while or after the state is written and the job ends.
        std::thread::park_timeout(Duration::from_micros(round * 250));
        let was_told = job.cancel();
        let is_stopped = stopping.join().expect("no panic").is_ok();
        assert!(job.wait(Duration::from_secs(20)), "it is {}", job.status());
        let expected = if was_told { JobStatus::Canceled } else { JobStatus::Finished };
        assert_eq!(job.status(), expected);
        assert!(is_stopped || was_told);
        drop(process);
        assert_eq!(world.process().view(job.id()).expect("it is known").status, expected);
    }
}

#[test]
fn a_job_that_waits_to_be_started_again_can_be_cancelled() {
    let world = World::new(1);
    let process = world.process();
    let script = SCRIPT.replace("'10 ms'", "'1 h'");
    let job = process.submit(submission(&script, JobOrigin::Start)).expect("it starts");
    world.log.break_down();
    until_is(&job, JobStatus::Restarting);
    assert!(job.cancel());
    until_is(&job, JobStatus::Canceled);
    assert!(process.shut_down(Duration::from_secs(20)));
}

#[test]
fn a_job_that_cannot_be_started_again_for_want_of_its_dead_letters_can_be_cancelled() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    // A restarting job records its position in the topic of dead letters.
    world.log.refuse_appends(true);
    world.log.break_down();
    until("it waits", || world.log.refused_appends() > 0);
    assert!(job.cancel());
    until_is(&job, JobStatus::Canceled);
    assert!(process.shut_down(Duration::from_secs(20)));
}
