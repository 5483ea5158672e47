//! Jobs whose checkpoints fail.

use std::time::Duration;

use jobs::{JobOrigin, JobStatus};

use crate::world::{SCRIPT, World, submission};

#[test]
fn a_job_whose_checkpoints_fail_in_a_row_says_so_until_one_succeeds_and_counts_on() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    world.give(&job, 0, &[("a", 10)]);
    job.checkpoint().expect("a checkpoint");

    // A file in the place of the next checkpoints.
    let (place, aside) = (world.place(&format!("checkpoints/{}", job.id())), world.place("aside"));
    std::fs::rename(&place, &aside).expect("a directory with a checkpoint");
    std::fs::write(&place, "").expect("a file");
    for _ in 0..2 {
        job.checkpoint().expect_err("no checkpoint can be written");
    }
    assert_eq!((job.view().problem(), process.problems().len()), (None, 0), "two may pass");

    job.checkpoint().expect_err("no checkpoint can be written");
    let problem = job.view().problem().expect("three in a row");
    assert!(problem.contains("cannot complete a checkpoint since 20"), "{problem}");
    assert!(problem.contains("the last 3 failed"), "{problem}");
    assert_eq!(process.problems(), [(job.id(), job.name().to_owned(), problem)], "/readyz says so");
    assert_eq!((job.status(), job.view().hindrance()), (JobStatus::Running, None));
    world.give(&job, 0, &[("a", 20)]);

    std::fs::remove_file(&place).expect("it is there");
    std::fs::rename(&aside, &place).expect("it is there");
    job.checkpoint().expect("a checkpoint");
    assert_eq!((job.view().problem(), process.problems().len()), (None, 0));
    assert!(process.shut_down(Duration::from_secs(20)));
}
