//! Ended jobs, as the next process knows them.

use std::path::PathBuf;
use std::time::Duration;

use jobs::{JobOrigin, JobStatus, Sequel, Submission};

use crate::world::{SCRIPT, TOPIC, World, submission, until, until_is};

const LONG: Duration = Duration::from_secs(20);
/// The number of ended jobs that are remembered.
const REMEMBERED: usize = 50;

fn named(name: &str) -> String {
    format!("SET 'pipeline.name' = '{name}'; {SCRIPT}")
}

fn files(world: &World, directory: &str, extension: &str) -> Vec<PathBuf> {
    let listed = std::fs::read_dir(world.place(directory)).expect("it is there");
    let paths = listed.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.extension().is_some_and(|end| end == extension)).collect()
}

#[test]
fn the_next_process_knows_how_each_job_ended_with_all_its_figures() {
    for parallelism in [1, 2] {
        let mut world = World::new(2);
        world.defaults.parallelism = parallelism;
        let process = world.process();
        let submit =
            |script: &str| process.submit(submission(script, JobOrigin::Submitted)).expect("it starts");
        let [canceled, finished] = ["canceled", "finished"].map(|name| submit(&named(name)));
        let failed = submit(&named("failed").replace("SUM(v)", "SUM(1 / (v - 7))"));
        world.append(0, &[("a", 1), ("b", 2)]);
        for job in [&canceled, &finished, &failed] {
            until("the events are taken", || job.view().ledger.accepted == 2);
        }
        finished.checkpoint().expect("a checkpoint");
        assert!(canceled.cancel());
        finished.savepoint(None, Sequel::Stop).expect("a savepoint");
        world.log.add(TOPIC, 1, vec![r#"{"k": "a", "v": 7, "at": "2025-12-09 00:00:03"}"#.to_owned()]);
        until_is(&canceled, JobStatus::Canceled);
        until_is(&finished, JobStatus::Finished);
        until_is(&failed, JobStatus::Failed);
        let views = [canceled, finished, failed].map(|job| job.view());
        assert_eq!(views[1].checkpoints.completed, 2);
        assert!(views[2].failure.as_ref().is_some_and(|why| why.contains("zero")), "{:?}", views[2].failure);
        assert!(views.iter().all(|view| view.ended.is_some()
            && view.tasks.len() == parallelism as usize * if parallelism > 1 { 2 } else { 1 }));
        assert!(process.shut_down(LONG));

        let process = world.process();
        process.resume().expect("the records can be read");
        assert!(process.jobs().is_empty(), "none of them runs");
        for mut view in views {
            // The memory at the time of the view is not part of an ended job.
            view.memory = Default::default();
            assert_eq!(process.view(view.id), Some(view));
        }
        assert_eq!(process.views().len(), 3);
    }
}

#[test]
fn only_the_newest_are_remembered_and_of_others_nothing_is_left() {
    let world = World::new(1);
    let mut ended = Vec::new();
    for _ in 0..2 {
        let process = world.process();
        for _ in 0..30 {
            let job = process.submit(submission(SCRIPT, JobOrigin::Submitted)).expect("it starts");
            job.checkpoint().expect("a checkpoint");
            assert!(job.cancel());
            until_is(&job, JobStatus::Canceled);
            ended.push(job.id());
        }
        assert!(process.shut_down(LONG));
    }

    let process = world.process();
    let known: Vec<_> = process.views().iter().map(|view| view.id).collect();
    assert_eq!(known.len(), REMEMBERED);
    assert!(ended[ended.len() - REMEMBERED..].iter().all(|id| known.contains(id)), "the newest are known");
    let counts = [
        files(&world, "jobs", "json").len(),
        files(&world, "jobs/history", "job").len(),
        std::fs::read_dir(world.place("checkpoints")).expect("it is there").count(),
    ];
    assert_eq!(counts, [REMEMBERED; 3], "records, histories, checkpoints");
}

#[test]
fn the_checkpoints_of_a_job_that_is_forgotten_stay_while_another_needs_them() {
    let world = World::new(1);
    let process = world.process();
    let first = process.submit(submission(SCRIPT, JobOrigin::Submitted)).expect("it starts");
    world.give(&first, 0, &[("a", 1)]);
    let number = first.checkpoint().expect("a checkpoint");
    let checkpoint = format!("{}/{}/chk-{number}", world.place("checkpoints"), first.id());
    assert!(first.cancel());
    until_is(&first, JobStatus::Canceled);
    let from = Submission { from: Some(&checkpoint), ..submission(SCRIPT, JobOrigin::Submitted) };
    let second = process.submit(from).expect("it starts");

    for _ in 0..REMEMBERED + 1 {
        let job = process.submit(submission(&named("other"), JobOrigin::Submitted)).expect("it starts");
        assert!(job.cancel());
        until_is(&job, JobStatus::Canceled);
    }
    assert!(process.view(first.id()).is_none(), "it is forgotten");
    // It has no checkpoint of its own yet.
    world.log.break_down();
    until("it is started again", || second.restarts() == 1 && second.status() == JobStatus::Running);
    assert_eq!(second.view().checkpoints.restored, 2);
    assert!(process.shut_down(LONG));
}

#[test]
fn a_history_that_is_broken_is_set_aside_and_the_job_is_still_known() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(&named("ended"), JobOrigin::Submitted)).expect("it starts");
    let runs = process.submit(submission(&named("runs"), JobOrigin::Submitted)).expect("it starts").id();
    assert!(job.cancel());
    until_is(&job, JobStatus::Canceled);
    assert!(process.shut_down(LONG));
    let [file] = &files(&world, "jobs/history", "job")[..] else { panic!("there is one") };
    std::fs::write(file, "{").expect("it can be written");
    let process = world.process();
    process.resume().expect("the records can be read");
    let view = process.view(job.id()).expect("it is known");
    assert_eq!((view.name.as_str(), view.status, view.tasks.len()), ("ended", JobStatus::Canceled, 0));
    until_is(&process.job(runs).expect("it runs"), JobStatus::Running);
    assert!(!file.exists() && file.with_extension("broken").exists());
    assert!(process.shut_down(LONG));
}

#[test]
fn a_job_that_runs_again_is_listed_once() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    assert!(job.cancel());
    until_is(&job, JobStatus::Canceled);
    assert!(process.shut_down(LONG));
    let process = world.process();
    assert_eq!(process.view(job.id()).expect("it is known").status, JobStatus::Canceled);
    let again = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    assert_eq!(again.id(), job.id());
    let listed: Vec<_> = process.views().iter().map(|view| (view.id, view.status)).collect();
    assert_eq!(listed, [(job.id(), JobStatus::Running)]);
    assert!(files(&world, "jobs/history", "job").is_empty());
    assert!(process.shut_down(LONG));
}

#[test]
fn a_job_whose_script_no_longer_compiles_is_listed_until_somebody_gives_it_up() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Submitted)).expect("it starts").id();
    assert!(process.shut_down(LONG));
    let [record] = &files(&world, "jobs", "json")[..] else { panic!("there is one") };
    let text = std::fs::read_to_string(record).expect("a record");
    std::fs::write(record, text.replace("COUNT(*)", "CUONT(*)")).expect("it can be written");

    for _ in 0..2 {
        let process = world.process();
        process.resume().expect("the records can be read");
        let view = process.view(job).expect("it is listed");
        assert_eq!(view.status, JobStatus::Failed);
        assert!(view.failure.as_ref().is_some_and(|why| why.contains("CUONT")), "{:?}", view.failure);
    }

    let process = world.process();
    process.resume().expect("the records can be read");
    assert!(process.abandon(job) && !process.abandon(job));
    assert_eq!(process.view(job).expect("it is listed").status, JobStatus::Canceled);
    let process = world.process();
    process.resume().expect("the records can be read");
    assert_eq!(process.view(job).expect("it is listed").status, JobStatus::Canceled);
}
