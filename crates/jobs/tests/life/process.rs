//! What outlives the process.

use std::time::Duration;

use jobs::{JobStatus, Origin, Submission};

use crate::world::{SCRIPT, World, submission, until_is};

const LONG: Duration = Duration::from_secs(20);

#[test]
fn a_job_goes_on_under_its_id_where_the_process_ended() {
    let world = World::new(2);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, Origin::Start)).expect("it starts");
    world.give(&job, 0, &[("a", 1), ("a", 2)]);
    assert!(process.shut_down(LONG));
    assert_eq!(job.status(), JobStatus::Suspended);

    let process = world.process();
    let again = process.submit(submission(SCRIPT, Origin::Start)).expect("it starts");
    assert_eq!(again.id(), job.id());
    assert_eq!(again.view().ledger.accepted, 2, "what was counted before is not read again");
    world.give(&again, 1, &[("a", 3)]);
    assert_eq!(world.counts()["a:2025-12-09 00:01:00"], 3);
    // Also after it was cancelled.
    assert!(again.cancel());
    until_is(&again, JobStatus::Canceled);
    assert!(process.shut_down(LONG));

    let process = world.process();
    let afresh = process.submit(Submission { afresh: true, ..submission(SCRIPT, Origin::Start) });
    let afresh = afresh.expect("it starts");
    assert_ne!(afresh.id(), job.id());
    world.written(&afresh);
    assert!(process.shut_down(LONG));
}

#[test]
fn jobs_that_came_in_are_started_again_unless_they_were_over() {
    let world = World::new(1);
    let process = world.process();
    let script = |name: &str| format!("SET 'pipeline.name' = '{name}'; {SCRIPT}");
    let [first, second, third] = ["first", "second", "third"].map(script);
    let first = process.submit(submission(&first, Origin::Submitted)).expect("it starts");
    let second = process.submit(submission(&second, Origin::Submitted)).expect("it starts");
    process.submit(submission(&third, Origin::Start)).expect("it starts");
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
    let job = process.submit(submission(SCRIPT, Origin::Start)).expect("it starts");
    world.give(&job, 0, &[("a", 1)]);
    assert!(process.shut_down(LONG));
    let more = format!(
        "{SCRIPT} CREATE TABLE others (k STRING, least INT, window_end TIMESTAMP(3))
           WITH ('connector' = 'redis', 'key' = 'others:{{k}}:{{window_end}}');
         INSERT INTO others SELECT k, MIN(v), window_end
         FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(`at`), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, k;"
    );
    let process = world.process();
    let job = process.submit(submission(&more, Origin::Start)).expect("it starts");
    world.give(&job, 0, &[("a", 2)]);
    assert_eq!(world.counts()["a:2025-12-09 00:01:00"], 2);
    assert!(process.shut_down(LONG));
}
