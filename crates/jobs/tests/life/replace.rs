//! Replacing a job by one that continues from its state, also if the process ends in between.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jobs::registry::Registry;
use jobs::{Dispatcher, FindError, JobOrigin, JobStatus, ReplaceError, Submission, SubmitError};
use parking_lot::Mutex;

use crate::memory::SharedLog;
use crate::traps::{TRAPPED, Trap, TrapPlace, TrappedLog, TrappedStore, Traps};
use crate::world::{SCRIPT, World, submission, until, until_is};

const LONG: Duration = Duration::from_secs(20);
const KEY: &str = "a:2025-12-09 00:01:00";

fn named(name: &str) -> String {
    format!("SET 'pipeline.name' = '{name}'; {SCRIPT}")
}

/// Returns the script with an additional query.
fn wider(script: &str) -> String {
    format!(
        "{script} CREATE TABLE others (k STRING, least INT, window_end TIMESTAMP(3))
           WITH ('connector' = 'redis', 'key' = 'others:{{k}}:{{window_end}}');
         INSERT INTO others SELECT k, MIN(v), window_end
         FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(`at`), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, k;"
    )
}

fn nameless(script: &str) -> Submission<'_> {
    Submission { name: "", ..submission(script, JobOrigin::Submitted) }
}

/// Returns the names of all jobs that have not ended.
fn running(process: &Dispatcher) -> Vec<String> {
    let jobs = process.jobs().into_iter().filter(|job| !job.status().is_terminal());
    jobs.map(|job| job.name().to_owned()).collect()
}

#[test]
fn a_job_is_replaced_by_one_that_goes_on_from_its_state() {
    let world = World::new(1);
    let process = world.process();
    let old = process.submit(submission(SCRIPT, JobOrigin::Submitted)).expect("it starts");
    world.give(&old, 0, &[("a", 1), ("a", 2)]);

    let script = wider(SCRIPT);
    let compared = process.compare(nameless(&script), "counting").expect("a report");
    let made = process.replace(nameless(&script), "counting").expect("it is replaced");
    assert_eq!(made.report, compared);
    let report = made.report.to_string();
    assert!(
        report.contains("query `counts` keeps its state") && report.contains("query `others` starts empty"),
        "{report}"
    );
    assert_eq!((made.old.id(), made.old.status()), (old.id(), JobStatus::Finished));
    assert_eq!((made.new.name(), made.new.status()), ("counting", JobStatus::Running));
    assert_ne!(made.new.id(), old.id());

    world.append(0, &[("a", 3)]);
    until("it goes on counting", || world.counts().get(KEY) == Some(&3));
    // The new job can have its own name, and the old one can be given by its id.
    let renamed = named("renamed");
    let again = process.replace(nameless(&renamed), &made.new.id().to_string()).expect("it is replaced");
    assert_eq!(again.new.name(), "renamed");
    assert!(again.report.to_string().contains("the state of `others` is dropped"), "{}", again.report);

    assert!(process.shut_down(LONG));
    let process = world.process();
    process.resume().expect("the records can be read");
    assert_eq!(running(&process), ["renamed"]);
    assert_eq!(process.views().len(), 3);
    assert!(process.shut_down(LONG));
}

#[test]
fn the_job_that_is_meant_must_be_one() {
    let world = World::new(1);
    let process = world.process();
    let refused = process.replace(nameless(SCRIPT), "counting").err().expect("there is none");
    assert!(refused.to_string().contains("no job is running"), "{refused}");
    let twins = [0, 1].map(|_| process.submit(submission(SCRIPT, JobOrigin::Submitted)).expect("it starts"));
    let refused = process.replace(nameless(SCRIPT), "contuing").err().expect("there is none");
    assert!(refused.to_string().contains("`counting`"), "{refused}");
    let refused = process.replace(nameless(SCRIPT), "counting").err().expect("there are two");
    let ReplaceError::Find(FindError::Several { ids, .. }) = &refused else { panic!("{refused}") };
    assert_eq!(ids[..], [twins[0].id(), twins[1].id()]);
    assert!(refused.to_string().contains(&twins[1].id().to_string()), "{refused}");
    process.replace(nameless(SCRIPT), &twins[0].id().to_string()).expect("it is replaced");
    assert_eq!(running(&process).len(), 2);
    assert!(process.shut_down(LONG));
}

#[test]
fn a_script_that_is_wrong_stops_nothing() {
    let world = World::new(1);
    let process = world.process();
    let old = process.submit(submission(SCRIPT, JobOrigin::Submitted)).expect("it starts");
    for wrong in [SCRIPT.replace("COUNT(*)", "CUONT(*)"), SCRIPT.replace("'key' =", "'kye' =")] {
        let refused = process.compare(nameless(&wrong), "counting").expect_err("it is wrong");
        assert!(matches!(refused, ReplaceError::Submit(SubmitError::Script(_))), "{refused}");
        let refused = process.replace(nameless(&wrong), "counting").err().expect("it is wrong");
        assert!(matches!(refused, ReplaceError::Submit(SubmitError::Script(_))), "{refused}");
    }
    assert_eq!((old.status(), old.view().checkpoints.latest_savepoint), (JobStatus::Running, None));
    assert!(process.shut_down(LONG));
}

/// Returns a process with traps, and a script for a job that is caught in them.
fn trapped(world: &World) -> (Arc<Traps>, Dispatcher, String) {
    world.log.create(TRAPPED, 1);
    let traps = Arc::new(Traps::default());
    let log = TrappedLog { of: Arc::new(SharedLog(world.log.clone())), traps: traps.clone() };
    let store = TrappedStore { of: world.store.clone(), traps: traps.clone() };
    let registry = Registry::open(&world.directory.path().join("jobs")).expect("the registry opens");
    let process = world.process_over(Arc::new(log), Arc::new(store), registry);
    let script = SCRIPT.replace("'topic' = 'events'", &format!("'topic' = '{TRAPPED}'"));
    (traps, process, script.replace("'fixed-delay'", "'none'"))
}

#[test]
fn a_job_whose_successor_cannot_start_goes_on_from_its_savepoint() {
    for (place, trap) in [(TrapPlace::Open, Trap::Panic), (TrapPlace::Read, Trap::Panic)] {
        for origin in [JobOrigin::Submitted, JobOrigin::Start] {
            let world = World::new(1);
            let (traps, process, script) = trapped(&world);
            let old = process.submit(submission(SCRIPT, origin)).expect("it starts");
            world.give(&old, 0, &[("a", 1)]);
            traps.set(place, trap);
            let refused = process.replace(nameless(&script), "counting").err().expect("it cannot start");
            let ReplaceError::Undone { why, back, savepoint } = &refused else { panic!("{refused}") };
            assert!(why.contains("caught at"), "{why}");
            let back = process.job(*back).expect("the old one is there");
            until_is(&back, JobStatus::Running);
            assert_eq!((back.name(), back.script()), ("counting", SCRIPT));
            let from = back.view().checkpoints.latest_restored.expect("it was restored");
            assert_eq!(from.location, *savepoint);
            world.append(0, &[("a", 2)]);
            until("it goes on counting", || world.counts().get(KEY) == Some(&2));
            assert_eq!(running(&process).len(), 1);
            assert!(process.shut_down(LONG));

            // The next process continues the same job.
            let process = world.process();
            if origin == JobOrigin::Start {
                process.submit(submission(SCRIPT, origin)).expect("it starts");
            }
            process.resume().expect("the records can be read");
            assert_eq!(process.jobs().iter().map(|job| job.id()).collect::<Vec<_>>(), [back.id()]);
            world.append(0, &[("a", 3)]);
            until("it goes on counting", || world.counts().get(KEY) == Some(&3));
            assert!(process.shut_down(LONG));
        }
    }
}

#[test]
fn a_job_that_is_being_replaced_is_not_replaced_by_another_meanwhile() {
    let world = World::new(1);
    let (traps, process, caught) = trapped(&world);
    let caught = caught.replace("'key' = '", &format!("'key' = '{TRAPPED}:"));
    let old = process.submit(submission(&caught, JobOrigin::Submitted)).expect("it starts");
    // Its savepoint waits for the store.
    traps.set(TrapPlace::Write, Trap::Stick);
    world.log.add(TRAPPED, 0, vec![r#"{"k": "a", "v": 1, "at": "2025-12-09 00:00:01"}"#.to_owned()]);
    until("its result is on its way", || traps.stuck() == 1);

    std::thread::scope(|scope| {
        let replacing =
            scope.spawn(|| process.replace(nameless(SCRIPT), "counting").map(|made| made.new.id()));
        let file = world.directory.path().join(format!("jobs/{}.replacement", old.id()));
        until("it is being replaced", || file.exists());
        let refused = process.replace(nameless(SCRIPT), "counting").err().expect("it is under way");
        assert!(matches!(refused, ReplaceError::UnderWay(id) if id == old.id()), "{refused}");
        assert_eq!(old.status(), JobStatus::Running);
        traps.take_away();
        let new = replacing.join().expect("no panic").expect("it is replaced");
        until_is(&process.job(new).expect("it is there"), JobStatus::Running);
        // After that it can be replaced again.
        process.replace(nameless(SCRIPT), &new.to_string()).expect("it is replaced");
        assert!(!file.exists());
    });

    assert_eq!(running(&process).len(), 1);
    assert!(process.shut_down(LONG));
}

#[test]
fn a_job_without_a_savepoint_is_not_replaced() {
    let world = World::new(1);
    let process = world.process();
    let nowhere = format!("SET 'state.savepoints.dir' = 's3://bucket'; {SCRIPT}");
    let old = process.submit(submission(&nowhere, JobOrigin::Submitted)).expect("it starts");
    let refused = process.replace(nameless(SCRIPT), "counting").err().expect("it is not replaced");
    assert!(matches!(refused, ReplaceError::Savepoint { .. }), "{refused}");
    assert!(refused.to_string().contains("was not replaced and keeps running"), "{refused}");
    assert_eq!(old.status(), JobStatus::Running);
    assert!(process.shut_down(LONG));
}

#[test]
fn what_replaces_a_job_that_is_started_with_weir_stands_until_it_is_over() {
    let world = World::new(1);
    let process = world.process();
    let old = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    world.give(&old, 0, &[("a", 1)]);
    let script = named("better");
    let better = process.replace(nameless(&script), "counting").expect("it is replaced").new.id();
    assert!(process.shut_down(LONG));

    let process = world.process();
    let started = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    process.resume().expect("the records can be read");
    assert_eq!((started.id(), started.name(), started.script()), (better, "better", script.as_str()));
    until_is(&started, JobStatus::Running);
    // The replacement can be replaced too.
    let best = named("best");
    let best_id = process.replace(nameless(&best), "better").expect("it is replaced").new.id();
    assert!(process.shut_down(LONG));
    let process = world.process();
    let started = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    assert_eq!((started.id(), started.name()), (best_id, "best"));
    until_is(&started, JobStatus::Running);
    // Other scripts are not affected.
    let other = named("other");
    assert_eq!(process.submit(submission(&other, JobOrigin::Start)).expect("it starts").name(), "other");
    assert!(started.cancel());
    until_is(&started, JobStatus::Canceled);
    assert!(process.shut_down(LONG));

    let process = world.process();
    let started = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    assert_eq!((started.name(), started.script()), ("counting", SCRIPT));
    world.append(0, &[("a", 2)]);
    until("it goes on from there", || world.counts().get(KEY) == Some(&2));
    assert!(process.shut_down(LONG));

    let process = world.process();
    let afresh = Submission { afresh: true, ..submission(SCRIPT, JobOrigin::Start) };
    let afresh = process.submit(afresh).expect("it starts").id();
    assert!(![old.id(), better, best_id].contains(&afresh));
    assert!(process.shut_down(LONG));
}

/// Copies the directory after each step of the registry, as a crash would leave it.
fn copies(world: &World, into: &Path) -> (Arc<Mutex<Vec<PathBuf>>>, Registry) {
    let (from, copies) = (world.directory.path().to_owned(), Arc::new(Mutex::new(Vec::new())));
    let (made, into) = (copies.clone(), into.to_owned());
    let registry = Registry::watched(&from.join("jobs"), move || {
        let mut made = made.lock();
        let to = into.join(made.len().to_string());
        copy(&from, &to);
        made.push(to);
    });
    (copies, registry.expect("the registry opens"))
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    // Another thread may have removed this checkpoint in the meantime.
    let Ok(entries) = std::fs::read_dir(from) else { return };
    for entry in entries.flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => copy(&entry.path(), &to.join(entry.file_name())),
            // Another thread may have renamed or removed this file in the meantime.
            _ => drop(std::fs::copy(entry.path(), to.join(entry.file_name()))),
        }
    }
}

#[test]
fn a_crash_at_any_step_leaves_one_of_the_two() {
    for origin in [JobOrigin::Submitted, JobOrigin::Start] {
        for goes_wrong in [false, true] {
            let world = World::new(1);
            let (traps, process, caught) = trapped(&world);
            let old = process.submit(submission(SCRIPT, origin)).expect("it starts");
            world.give(&old, 0, &[("a", 1)]);
            assert!(process.shut_down(LONG));
            drop(process);

            let into = tempfile::tempdir().expect("a directory");
            let (copies, registry) = copies(&world, into.path());
            let log = TrappedLog { of: Arc::new(SharedLog(world.log.clone())), traps: traps.clone() };
            let process = world.process_over(Arc::new(log), world.store.clone(), registry);
            let start = |process: &Dispatcher| {
                if origin == JobOrigin::Start {
                    process.submit(submission(SCRIPT, origin)).expect("it starts");
                }
                process.resume().expect("the records can be read");
            };
            start(&process);
            until("it runs", || process.jobs()[0].status() == JobStatus::Running);
            let before = copies.lock().len();
            let better = named("better");
            let script = if goes_wrong { &caught } else { &better };
            if goes_wrong {
                traps.set(TrapPlace::Read, Trap::Panic);
            }
            assert_eq!(process.replace(nameless(script), "counting").is_err(), goes_wrong);
            assert!(process.shut_down(LONG));
            let copies = copies.lock().split_off(before);
            assert!(copies.len() >= 5, "{} steps", copies.len());
            let mut ends = Vec::new();
            for left in &copies {
                for place in ["jobs", "checkpoints", "savepoints"] {
                    std::fs::remove_dir_all(world.place(place)).expect("it is there");
                    copy(&left.join(place), Path::new(&world.place(place)));
                }
                // The second process finds nothing more to undo.
                for _ in 0..2 {
                    let process = world.process();
                    start(&process);
                    let jobs = process.jobs();
                    let [job] = &jobs[..] else { panic!("{origin:?}: {} jobs after {left:?}", jobs.len()) };
                    until_is(job, JobStatus::Running);
                    until("it goes on from there", || job.view().ledger.accepted == 1);
                    ends.push(job.name().to_owned());
                    assert!(process.shut_down(LONG));
                }
            }
            let expected = if goes_wrong { "counting" } else { "better" };
            assert_eq!(ends.last().map(String::as_str), Some(expected), "{ends:?}");
            assert_eq!(ends[0], "counting", "{ends:?}");
        }
    }
}
