//! Isolation of jobs: a panic, failure or hang in one job affects no other.

use std::sync::Arc;
use std::time::Duration;

use jobs::registry::{Fate, Registry};
use jobs::{Dispatcher, JobMaster, JobOrigin, JobStatus, Sequel};

use crate::memory::SharedLog;
use crate::traps::{TRAPPED, Trap, TrapPlace, TrappedLog, TrappedStore, Traps};
use crate::world::{SCRIPT, TOPIC, World, submission, until, until_is};

const LONG: Duration = Duration::from_secs(20);

/// A process with traps in its log and store, and a healthy job.
struct Beside {
    world: World,
    traps: Arc<Traps>,
    process: Arc<Dispatcher>,
    good: Arc<JobMaster>,
    given: std::cell::Cell<u32>,
}

impl Beside {
    fn new(parallelism: u32) -> Beside {
        let mut world = World::new(1);
        world.defaults.parallelism = parallelism;
        world.log.create(TRAPPED, 1);
        let (traps, process) = start(&world);
        let good = process.submit(submission(SCRIPT, JobOrigin::Submitted)).expect("it starts");
        Beside { world, traps, process, good, given: Default::default() }
    }

    /// Checks that the healthy job reads an event, writes its result, and writes checkpoints and savepoints.
    fn assert_that_the_good_one_works(&self) {
        let number = self.given.get() + 1;
        self.given.set(number);
        self.world.log.add(TOPIC, 0, vec![line(number)]);
        until("the good job's result is there", || {
            self.world.counts().get("a:2025-12-09 00:01:00") == Some(&i64::from(number))
        });
        self.good.checkpoint().expect("a checkpoint");
        self.good.savepoint(None, Sequel::GoOn).expect("a savepoint");
        assert_eq!((self.good.status(), self.good.restarts()), (JobStatus::Running, 0));
        assert!(self.good.view().failures.is_empty());
    }
}

fn start(world: &World) -> (Arc<Traps>, Arc<Dispatcher>) {
    let traps = Arc::new(Traps::default());
    let log = TrappedLog { of: Arc::new(SharedLog(world.log.clone())), traps: traps.clone() };
    let store = TrappedStore { of: world.store.clone(), traps: traps.clone() };
    let registry = Registry::open(&world.directory.path().join("jobs")).expect("the registry opens");
    let process = world.process_over(Arc::new(log), Arc::new(store), registry);
    (traps, Arc::new(process))
}

fn line(second: u32) -> String {
    format!(r#"{{"k": "a", "v": 1, "at": "2025-12-09 00:00:{:02}"}}"#, second % 60)
}

/// Returns a script that counts the events of the topic with traps, and writes to keys with traps.
fn trapped() -> String {
    SCRIPT
        .replace("'topic' = 'events'", &format!("'topic' = '{TRAPPED}', 'properties.group.id' = 'g'"))
        .replace("'key' = '", &format!("'key' = '{TRAPPED}:"))
        .replace("CREATE TABLE", "SET 'pipeline.name' = 'the bad one'; CREATE TABLE")
        .replacen("SET 'pipeline.name' = 'the bad one'; CREATE TABLE counts", "CREATE TABLE counts", 1)
}

/// Adds an event, so that the job reaches every place with a trap.
fn feed(beside: &Beside) {
    beside.world.log.add(TRAPPED, 0, vec![line(1)]);
}

#[test]
fn a_panic_anywhere_in_a_job_is_its_own_failure_and_it_is_started_again() {
    for parallelism in [1, 2] {
        for place in [TrapPlace::Read, TrapPlace::Write, TrapPlace::Commit] {
            let beside = Beside::new(parallelism);
            let bad = beside.process.submit(submission(&trapped(), JobOrigin::Submitted)).expect("it starts");
            beside.traps.set(place, Trap::Panic);
            feed(&beside);
            if place == TrapPlace::Commit {
                // The panic is in the job's own thread, so nobody receives it.
                assert!(bad.checkpoint().is_err());
            }
            until("it has failed once", || bad.view().failures.len() == 1);
            let cause = bad.view().failures[0].text.clone();
            assert!(cause.contains(&format!("caught at {place:?}")), "{place:?}: {cause}");
            until("it is started again", || bad.restarts() == 1 && bad.status() == JobStatus::Running);

            let key = format!("{TRAPPED}:a:2025-12-09 00:01:00");
            until("its result is there", || beside.world.counts().get(&key) == Some(&1));
            bad.checkpoint().expect("a checkpoint");
            let under_way = |of: &jobs::checkpoint::CheckpointRecord| {
                of.state == jobs::checkpoint::CheckpointState::InProgress
            };
            assert!(!bad.view().checkpoints.recent.iter().any(under_way));
            beside.assert_that_the_good_one_works();
            assert!(bad.cancel());
            until_is(&bad, JobStatus::Canceled);
            assert!(beside.process.shut_down(LONG));
        }
    }
}

#[test]
fn a_panic_is_why_a_job_has_failed_that_is_not_started_again() {
    let beside = Beside::new(1);
    let script = trapped().replace("'fixed-delay'", "'none'");
    let bad = beside.process.submit(submission(&script, JobOrigin::Submitted)).expect("it starts");
    beside.traps.set(TrapPlace::Write, Trap::Panic);
    feed(&beside);
    until_is(&bad, JobStatus::Failed);
    let why = bad.view().failure.expect("a failure");
    assert!(why.contains("the result writer") && why.contains("panicked: caught at Write"), "{why}");
    beside.assert_that_the_good_one_works();
    assert!(beside.process.shut_down(LONG));
}

#[test]
fn a_job_that_panics_while_it_is_submitted_is_none() {
    let beside = Beside::new(1);
    beside.traps.set(TrapPlace::Open, Trap::Panic);
    let refused = beside.process.submit(submission(&trapped(), JobOrigin::Submitted));
    let Err(error) = refused else { panic!("it was started") };
    assert!(error.to_string().contains("caught at Open"), "{error}");
    assert_eq!(beside.process.views().len(), 1);
    beside.assert_that_the_good_one_works();
    assert!(beside.process.shut_down(LONG));
    // It does not exist after a restart either.
    let process = beside.world.process();
    process.resume().expect("the records can be read");
    assert_eq!(process.views().len(), 1);
    assert!(process.shut_down(LONG));
}

#[test]
fn a_job_that_hangs_holds_up_no_other_and_nobody_who_asks() {
    for place in [TrapPlace::Read, TrapPlace::Write] {
        let beside = Beside::new(1);
        let bad = beside.process.submit(submission(&trapped(), JobOrigin::Submitted)).expect("it starts");
        beside.traps.set(place, Trap::Stick);
        feed(&beside);
        until("it hangs", || beside.traps.stuck() > 0);
        // One thread waits for a checkpoint of the job, and another for its end.
        let (asked, waiting) = (bad.clone(), bad.clone());
        let asked = std::thread::spawn(move || asked.savepoint(None, Sequel::Stop));
        let waiting = std::thread::spawn(move || waiting.wait(LONG));
        for _ in 0..2 {
            beside.assert_that_the_good_one_works();
            let third = SCRIPT.replace("'key' = '", "'key' = 'third:");
            let third = beside.process.submit(submission(&third, JobOrigin::Submitted)).expect("it starts");
            assert_eq!((beside.process.find("the bad one").expect("it is there").id()), bad.id());
            assert!(third.cancel());
            until_is(&third, JobStatus::Canceled);
        }

        assert!(bad.cancel());
        assert_eq!(bad.status(), JobStatus::Cancelling);
        // The next process must not continue the job.
        let registry = Registry::open(&beside.world.directory.path().join("jobs")).expect("it opens");
        let records = registry.records().expect("they can be read");
        let record = records.iter().find(|record| record.id == bad.id().to_string());
        assert_eq!(record.expect("it is on record").fate, Fate::Canceled);
        beside.assert_that_the_good_one_works();
        assert!(beside.process.views().iter().any(|view| view.status == JobStatus::Cancelling));

        beside.traps.take_away();
        until_is(&bad, JobStatus::Canceled);
        // The savepoint may or may not have been completed.
        let _ = asked.join().expect("no panic");
        assert!(waiting.join().expect("no panic"));
        assert!(beside.process.shut_down(LONG));
    }
}

#[test]
fn a_job_that_hangs_when_it_is_submitted_is_listed_and_can_be_cancelled() {
    let beside = Beside::new(1);
    beside.traps.set(TrapPlace::Open, Trap::Stick);
    let process = beside.process.clone();
    let submitting = std::thread::spawn(move || {
        process.submit(submission(&trapped(), JobOrigin::Submitted)).map(|job| job.id())
    });
    until("it hangs, and is listed", || {
        beside.traps.stuck() > 0 && beside.process.find("the bad one").is_ok()
    });
    let bad = beside.process.find("the bad one").expect("it is there");
    assert_eq!(bad.status(), JobStatus::Created);
    beside.assert_that_the_good_one_works();
    assert!(bad.cancel());
    beside.assert_that_the_good_one_works();
    beside.traps.take_away();
    // The start of the job returned, so it runs for a moment.
    submitting.join().expect("no panic").expect("it was started");
    until_is(&bad, JobStatus::Canceled);
    assert!(beside.process.shut_down(LONG));
}

#[test]
fn jobs_that_hang_when_they_are_started_again_hold_up_no_other() {
    let beside = Beside::new(1);
    let bad = beside.process.submit(submission(&trapped(), JobOrigin::Submitted)).expect("it starts").id();
    beside.assert_that_the_good_one_works();
    assert!(beside.process.shut_down(LONG));
    let Beside { world, good, given, .. } = beside;
    let (traps, process) = start(&world);
    traps.set(TrapPlace::Open, Trap::Stick);
    process.resume().expect("the records can be read");
    let good = process.job(good.id()).expect("it is there");
    let beside = Beside { world, traps, process, good, given };
    beside.assert_that_the_good_one_works();
    until("it hangs", || beside.traps.stuck() > 0);
    assert_eq!(beside.process.job(bad).expect("it is there").status(), JobStatus::Created);
    beside.traps.take_away();
    until_is(&beside.process.job(bad).expect("it is there"), JobStatus::Running);
    assert!(beside.process.shut_down(LONG));
}

#[test]
fn a_job_that_cannot_be_started_again_is_tried_again_as_often_as_it_says() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Submitted)).expect("it starts").id();
    assert!(process.shut_down(LONG));
    let process = world.process();
    world.log.fail_opens(2);
    process.resume().expect("the records can be read");
    let job = process.job(job).expect("it is there");
    until("it runs", || job.status() == JobStatus::Running && job.view().failures.len() == 2);
    world.give(&job, 0, &[("a", 1)]);
    assert!(process.shut_down(LONG));
}
