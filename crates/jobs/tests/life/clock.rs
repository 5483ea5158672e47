//! Jobs on a machine whose clock was wrong.

use std::sync::Arc;
use std::time::Duration;

use jobs::{JobOrigin, Submission};
use types::{ManualClock, Timestamp};

use crate::world::{SCRIPT, World, submission, until};

/// 2025-12-09T00:00:30Z.
const NOW: i64 = 1_765_238_430_000;
const HOUR: i64 = 3_600_000;

#[test]
fn a_clock_that_was_ahead_once_is_told_of_and_the_job_can_begin_anew() {
    let script = SCRIPT.replace("'weir.max-future' = '0 s'", "'weir.max-future' = '5 min'");
    let mut world = World::new(1);
    world.clock = Arc::new(ManualClock::at(Timestamp(NOW + HOUR)));
    let process = world.process();
    let job = process.submit(submission(&script, JobOrigin::Start)).expect("it starts");
    world.give(&job, 0, &[("a", 3_600)]);
    assert_eq!(job.view().time_ahead, None, "the clock says so too");
    assert!(process.shut_down(Duration::from_secs(20)));

    world.clock = Arc::new(ManualClock::at(Timestamp(NOW)));
    let process = world.process();
    let job = process.submit(submission(&script, JobOrigin::Start)).expect("it starts");
    until("it is told of", || job.view().problem().is_some());
    let problem = job.view().problem().expect("a problem");
    assert!(problem.contains("59 min ahead of the clock") && problem.contains("--afresh"), "{problem}");
    assert!(!problem.contains(['\\', '\n']) && !problem.contains("  "), "{problem}");
    assert_eq!(process.problems().len(), 1, "/readyz says so");
    world.append(0, &[("b", 20)]);
    until("the event is late", || job.view().ledger.late == 1);
    assert!(process.shut_down(Duration::from_secs(20)));

    let process = world.process();
    let afresh = Submission { afresh: true, ..submission(&script, JobOrigin::Start) };
    let job = process.submit(afresh).expect("it starts");
    until("the log is read anew", || job.view().ledger.accepted == 2);
    let view = job.view();
    assert_eq!((view.ledger.counted, view.ledger.late, view.ledger.dead_lettered), (1, 0, 1), "{view:?}");
    assert_eq!(view.problem(), None);
}
