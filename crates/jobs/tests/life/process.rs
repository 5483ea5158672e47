//! State that outlives the process.

use std::time::Duration;

use jobs::checkpoint::{CheckpointRecord, CheckpointState};
use jobs::{JobOrigin, JobStatus, Sequel, Submission};

use crate::world::{SCRIPT, World, submission, until, until_is};

const LONG: Duration = Duration::from_secs(20);

#[test]
fn a_job_goes_on_under_its_id_where_the_process_ended() {
    let world = World::new(2);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    world.give(&job, 0, &[("a", 1), ("a", 2)]);
    assert!(process.shut_down(LONG));
    assert_eq!(job.status(), JobStatus::Suspended);

    let process = world.process();
    let again = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    assert_eq!(again.id(), job.id());
    assert_eq!(again.view().ledger.accepted, 2, "what was counted before is not read again");
    world.give(&again, 1, &[("a", 3)]);
    assert_eq!(world.counts()["a:2025-12-09 00:01:00"], 3);
    // It also continues after it was cancelled.
    assert!(again.cancel());
    until_is(&again, JobStatus::Canceled);
    assert!(process.shut_down(LONG));

    let process = world.process();
    let afresh = process.submit(Submission { afresh: true, ..submission(SCRIPT, JobOrigin::Start) });
    let afresh = afresh.expect("it starts");
    assert_ne!(afresh.id(), job.id());
    world.written(&afresh);
    assert!(process.shut_down(LONG));
}

#[test]
fn a_job_that_was_stopped_stays_so_though_the_process_ends_at_once() {
    for _ in 0..20 {
        let world = World::new(1);
        let process = world.process();
        let job = process.submit(submission(SCRIPT, JobOrigin::Submitted)).expect("it starts");
        job.savepoint(None, Sequel::Stop).expect("a savepoint");
        assert!(process.shut_down(LONG));
        assert_eq!(job.status(), JobStatus::Finished);
    }
}

#[test]
fn jobs_that_came_in_are_started_again_unless_they_were_over() {
    let world = World::new(1);
    let process = world.process();
    let script = |name: &str| format!("SET 'pipeline.name' = '{name}'; {SCRIPT}");
    let [first, second, third] = ["first", "second", "third"].map(script);
    let first = process.submit(submission(&first, JobOrigin::Submitted)).expect("it starts");
    let second = process.submit(submission(&second, JobOrigin::Submitted)).expect("it starts");
    process.submit(submission(&third, JobOrigin::Start)).expect("it starts");
    assert!(second.cancel());
    until_is(&second, JobStatus::Canceled);
    assert!(process.shut_down(LONG));

    let process = world.process();
    process.resume().expect("the records can be read");
    let jobs: Vec<_> = process.jobs().iter().map(|job| (job.id(), job.name().to_owned())).collect();
    assert_eq!(jobs, [(first.id(), "first".to_owned())]);
    assert!(process.shut_down(LONG));
}

#[test]
fn a_script_that_has_changed_keeps_the_state_that_still_fits() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    world.give(&job, 0, &[("a", 1)]);
    assert!(process.shut_down(LONG));
    let more = format!(
        "{SCRIPT} CREATE TABLE others (k STRING, least INT, window_end TIMESTAMP(3))
           WITH ('connector' = 'redis', 'key' = 'others:{{k}}:{{window_end}}');
         INSERT INTO others SELECT k, MIN(v), window_end
         FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(`at`), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, k;"
    );
    let process = world.process();
    let job = process.submit(submission(&more, JobOrigin::Start)).expect("it starts");
    world.give(&job, 0, &[("a", 2)]);
    assert_eq!(world.counts()["a:2025-12-09 00:01:00"], 2);
    assert!(process.shut_down(LONG));
}

#[test]
fn a_job_that_the_end_of_the_process_does_not_wait_for_is_started_again_all_the_same() {
    let mut world = World::new(1);
    world.interval = Some(Duration::from_millis(1));
    let process = world.process();
    let id = process.submit(submission(SCRIPT, JobOrigin::Submitted)).expect("it starts").id();
    assert!(process.shut_down(LONG));
    // It is random whether the job first learns of the end of the process, or that nobody waits.

    for round in 1..=12 {
        let process = world.process();
        process.resume().expect("the records can be read");
        let jobs = process.jobs();
        let [job] = &jobs[..] else { panic!("{} jobs run in round {round}", jobs.len()) };
        assert_eq!(job.id(), id);
        // The checkpoint waits until the store accepts the results before it.
        let refused = world.store.refused();
        world.store.refuse(true);
        world.append(0, &[("a", round)]);
        until("a result is refused", || world.store.refused() > refused);
        let is_under_way = |record: &CheckpointRecord| record.state == CheckpointState::InProgress;
        until("a checkpoint waits", || job.view().checkpoints.recent.back().is_some_and(is_under_way));
        process.shut_down(Duration::ZERO);
        world.store.refuse(false);
    }
}

#[test]
fn a_job_whose_checkpoints_are_all_damaged_is_not_begun_anew() {
    let mut world = World::new(1);
    world.interval = Some(Duration::from_millis(5));
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    world.give(&job, 0, &[("a", 1)]);
    until("two checkpoints are there", || job.view().checkpoints.completed > 2);
    assert!(process.shut_down(LONG));
    let checkpoints = std::path::Path::new(&world.place("checkpoints")).join(job.id().to_string());
    let mut states: Vec<_> = std::fs::read_dir(checkpoints)
        .expect("they are there")
        .map(|entry| entry.expect("an entry").path().join("state"))
        .collect();
    let cut = |path: &std::path::PathBuf| std::fs::write(path, "WEIR").expect("it can be written");
    // `chk-9` comes before `chk-10`.
    states.sort_by_key(|path| (path.as_os_str().len(), path.clone()));
    let newest = states.pop().expect("the newest");
    cut(&newest);
    // The previous checkpoint is used, however old it is.
    let process = world.process();
    let again = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    assert_eq!((again.id(), again.view().checkpoints.restored), (job.id(), 1));
    world.written(&again);
    assert!(process.shut_down(LONG));

    let states = std::fs::read_dir(newest.ancestors().nth(2).expect("the job's directory"));
    states.expect("they are there").for_each(|entry| cut(&entry.expect("an entry").path().join("state")));
    let process = world.process();
    let refused = process.submit(submission(SCRIPT, JobOrigin::Start)).err().expect("it is refused");
    let text = refused.to_string();
    assert!(text.contains("none of the 2 checkpoint(s)") && text.contains("weir up --afresh"), "{text}");
    // On request, it starts from scratch.
    let afresh = process.submit(Submission { afresh: true, ..submission(SCRIPT, JobOrigin::Start) });
    world.written(&afresh.expect("it starts"));
    assert!(process.shut_down(LONG));
}
