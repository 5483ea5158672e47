//! Jobs that fail and are restarted.

use std::time::Duration;

use jobs::{JobOrigin, JobStatus, Sequel};
use serde_json::json;

use crate::world::{SCRIPT, TOPIC, World, submission, until, until_is};

#[test]
fn a_job_that_fails_goes_on_from_its_checkpoint_and_counts_everything_once() {
    for parallelism in [1, 3] {
        let mut world = World::new(2);
        world.defaults.parallelism = parallelism;
        world.interval = Some(Duration::from_millis(20));
        let process = world.process();
        let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
        world.give(&job, 0, &[("a", 1), ("b", 2)]);
        world.give(&job, 1, &[("a", 3)]);
        let taken = job.view().checkpoints.completed;
        until("a checkpoint holds that", || job.view().checkpoints.completed > taken + 1);

        world.log.break_down();
        until("it is started again", || job.view().restarts == 1);
        world.give(&job, 0, &[("a", 4), ("b", 65)]);
        let view = job.view();
        assert!(view.failures[0].text.contains("a place of this test"), "{:?}", view.failures);
        assert!(
            view.checkpoints.restored == 1 && view.ledger.accepted == 5 && view.ledger.balances(),
            "{view:?}"
        );

        let expected =
            [("a:2025-12-09 00:01:00", 3), ("b:2025-12-09 00:01:00", 1), ("b:2025-12-09 00:02:00", 1)];
        let counts = world.counts();
        assert_eq!(counts, expected.map(|(key, n)| (key.to_owned(), n)).into_iter().collect());
        assert!(job.cancel());
        until_is(&job, JobStatus::Canceled);
    }
}

#[test]
fn a_job_without_a_checkpoint_starts_over_and_its_letters_before_are_void() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    world.log.add(TOPIC, 0, vec!["{broken".to_owned()]);
    until("the dead letter is written", || world.dead_letters().len() == 1);

    world.log.break_down();
    until("it is started again", || job.view().restarts == 1);
    until("the dead letter is written again", || world.dead_letters().len() == 3);
    let dead_letters = world.dead_letters();
    let id = job.id().to_string();
    assert_eq!((&dead_letters[0]["job_id"], &dead_letters[1]["job_id"]), (&json!(id), &json!(id)));
    assert_eq!(dead_letters[1]["restarted"], json!([]), "nothing stands of what was before");
    assert_eq!(dead_letters[2]["offset"], json!(0));
    // A record is booked after its dead letter is written.
    until("it is booked once", || job.view().ledger.dead_lettered == 1);
    // A restart from a checkpoint records its position.
    let location = job.savepoint(None, Sequel::GoOn).expect("a savepoint");
    let stopped = process
        .submit(jobs::Submission { from: Some(&location), ..submission(SCRIPT, JobOrigin::Submitted) });
    let other = stopped.expect("it starts").id().to_string();
    let last = world.dead_letters().pop().expect("a dead letter");
    assert_eq!(last["job_id"], json!(other));
    assert_eq!(last["restarted"], json!([{"topic": TOPIC, "partition": 0, "offset": 1}]));
    process.shut_down(Duration::from_secs(20));
}

#[test]
fn a_job_that_fails_too_often_has_failed() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    for restarts in 1..=3 {
        world.log.break_down();
        until("it is started again", || job.view().restarts == restarts);
        until_is(&job, JobStatus::Running);
    }
    assert!(process.is_healthy());
    world.log.break_down();
    until_is(&job, JobStatus::Failed);
    let view = job.view();
    assert_eq!((view.failures.len(), view.failure), (4, Some(view.failures[3].text.clone())));
    assert!(!process.is_healthy() && !job.cancel());
}

#[test]
fn what_is_wrong_with_a_row_stays_wrong_and_fails_the_job_at_once() {
    let world = World::new(1);
    let process = world.process();
    let script = SCRIPT.replace("SUM(v)", "SUM(1 / (v - 1))");
    let job = process.submit(submission(&script, JobOrigin::Start)).expect("it starts");
    world.append(0, &[("a", 1)]);
    until_is(&job, JobStatus::Failed);
    let view = job.view();
    assert!(view.restarts == 0 && view.failure.is_some_and(|failure| failure.contains("zero")));
}

#[test]
fn checkpoints_go_on_when_a_finite_input_beside_an_endless_one_has_ended() {
    let world = World::new(1);
    let process = world.process();
    let script = format!(
        "{SCRIPT} INSERT INTO counts VALUES ('finite', CAST(1 AS BIGINT), 1, TIMESTAMP '2025-12-09 00:00:00');"
    );
    let job = process.submit(submission(&script, JobOrigin::Start)).expect("it starts");
    until("the finite part has ended", || job.view().ledger.accepted == 1);
    world.give(&job, 0, &[("a", 10)]);
    for _ in 0..2 {
        job.checkpoint().expect("a checkpoint");
    }
    assert!(process.shut_down(Duration::from_secs(20)));

    let process = world.process();
    let job = process.submit(submission(&script, JobOrigin::Start)).expect("it starts");
    world.append(0, &[("a", 20)]);
    until("both are counted", || world.counts().get("a:2025-12-09 00:01:00") == Some(&2));
    assert_eq!(job.view().ledger.accepted, 3, "the finite part is not read again");
    assert!(process.shut_down(Duration::from_secs(20)));
}

#[test]
fn a_job_whose_checkpoints_or_record_are_gone_does_not_begin_anew_by_itself() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    world.give(&job, 0, &[("a", 10)]);
    assert!(process.shut_down(Duration::from_secs(20)));

    let moved = world.place("moved");
    std::fs::rename(world.place("checkpoints"), &moved).expect("they are there");
    let process = world.process();
    let error = process.submit(submission(SCRIPT, JobOrigin::Start)).err().expect("it does not start");
    let told = error.to_string();
    assert!(told.contains("none is there") && told.contains("--afresh"), "{told}");
    drop(process);
    std::fs::remove_dir_all(world.place("checkpoints")).expect("it was made");
    std::fs::rename(&moved, world.place("checkpoints")).expect("they are put back");

    let record = world.directory.path().join("jobs").join(format!("{}.json", job.id()));
    let text = std::fs::read(&record).expect("a record");
    std::fs::write(&record, "{").expect("it is broken");
    let process = world.process();
    let error = process.submit(submission(SCRIPT, JobOrigin::Start)).err().expect("it does not start");
    assert!(error.to_string().contains("cannot be read"), "{error}");
    process.resume().expect("the records can be listed");
    assert!(process.view(job.id()).expect("it is listed").failure.expect("it failed").contains("record"));
    let problems = process.problems();
    assert!(problems.len() == 1 && problems[0].0 == job.id(), "/readyz says so: {problems:?}");
    drop(process);

    std::fs::write(&record, text).expect("it is put back");
    let process = world.process();
    let again = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    assert_eq!((again.id(), again.view().ledger.accepted), (job.id(), 1));
    let fresh = jobs::Submission { afresh: true, ..submission(SCRIPT, JobOrigin::Start) };
    assert!(process.shut_down(Duration::from_secs(20)));
    let process = world.process();
    assert_ne!(process.submit(fresh).expect("it starts").id(), job.id());
    assert!(process.shut_down(Duration::from_secs(20)));
}

/// Returns a variant of [`SCRIPT`] that always fails at the first event.
fn doomed() -> String {
    SCRIPT.replace("SUM(v)", "SUM(1 / (v - 1))")
}

#[test]
fn a_failure_is_told_until_the_job_in_its_place_has_shown_that_it_runs() {
    let world = World::new(1);
    let process = world.process();
    let failed = process.submit(submission(&doomed(), JobOrigin::Submitted)).expect("it starts");
    world.append(0, &[("a", 1)]);
    until_is(&failed, JobStatus::Failed);
    let told = || process.problems().into_iter().map(|(id, _, text)| (id, text)).collect::<Vec<_>>();
    assert_eq!(told().len(), 1);

    // It runs for a moment, and fails for the same reason.
    let again = process.submit(submission(SCRIPT, JobOrigin::Submitted)).expect("it starts");
    let [(id, text)] = &told()[..] else { panic!("{:?}", told()) };
    assert_eq!(*id, failed.id());
    assert!(text.contains("zero") && text.contains(&format!("job {} replaced it", again.id())), "{text}");

    again.checkpoint().expect("a checkpoint");
    assert_eq!(told().len(), 1, "sources take part in the first before they read");
    again.checkpoint().expect("a checkpoint");
    assert_eq!(told(), []);
    assert!(process.shut_down(Duration::from_secs(20)));
}

#[test]
fn a_job_that_fails_again_and_again_is_told_while_it_runs_too() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Submitted)).expect("it starts");
    assert_eq!(process.problems(), []);
    world.log.break_down();
    until("it is started again", || job.view().restarts == 1);
    until_is(&job, JobStatus::Running);
    let [(_, _, text)] = &process.problems()[..] else { panic!("it may fail again") };
    assert!(text.starts_with("failed and was restarted (1 times so far)"), "{text}");

    for _ in 0..2 {
        job.checkpoint().expect("a checkpoint");
    }
    assert_eq!(process.problems(), []);
    assert!(process.shut_down(Duration::from_secs(20)));
}

#[test]
fn a_job_that_could_not_be_started_again_is_told_beside_another_of_its_name() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Submitted)).expect("it starts").id();
    assert!(process.shut_down(Duration::from_secs(20)));
    let record = world.directory.path().join("jobs").join(format!("{job}.json"));
    let text = std::fs::read_to_string(&record).expect("a record");
    std::fs::write(&record, text.replace("COUNT(*)", "CUONT(*)")).expect("it can be written");

    let process = world.process();
    process.resume().expect("the records can be read");
    let again = process.submit(submission(SCRIPT, JobOrigin::Submitted)).expect("it starts");
    for _ in 0..2 {
        again.checkpoint().expect("a checkpoint");
    }
    let [(id, _, text)] = &process.problems()[..] else { panic!("each start tries it again") };
    assert!(*id == job && text.contains("could not be started again"), "{text}");
    assert!(process.abandon(job));
    assert_eq!(process.problems(), []);
    assert!(process.shut_down(Duration::from_secs(20)));
}
