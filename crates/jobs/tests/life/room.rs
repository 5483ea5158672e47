//! Jobs whose state exceeds their memory.

use std::time::Duration;

use jobs::{JobOrigin, JobStatus, Sequel, why_held_back};

use crate::world::{SCRIPT, TOPIC, World, submission, until, until_is};

const LONG: Duration = Duration::from_secs(20);

fn script(memory: &str) -> String {
    let quiet = SCRIPT.replace("SET 'weir.early-fire' = '0 s';", "");
    format!("SET 'weir.memory' = '{memory}'; {quiet}")
}

/// Adds events with this many different keys in one minute of the day.
fn fill(world: &World, minute: usize, keys: usize) {
    let line =
        |n| format!(r#"{{"k": "key-{minute}-{n:030}", "v": 1, "at": "2025-12-09 00:{minute:02}:30"}}"#);
    world.log.add(TOPIC, 0, (0..keys).map(line).collect());
}

#[test]
fn a_full_job_waits_says_who_holds_what_and_goes_on_with_more_memory() {
    const KEYS: usize = 50_000;
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(&script("16 MiB"), JobOrigin::Start)).expect("it starts");
    fill(&world, 0, KEYS);
    // This event would close the window, but the job does not reach it.
    world.append(0, &[("last", 200)]);
    until("the job is stuck", || job.view().memory.is_stuck());
    let view = job.view();
    assert!(view.ledger.accepted < KEYS as u64 && view.ledger.balances(), "{:?}", view.ledger);
    let limit = view.memory.limit.expect("a limit");
    // The last batch may have made a table grow, which doubles its size.
    assert!((limit..limit * 2).contains(&view.memory.held), "{:?}", view.memory);
    let why = why_held_back(&view.memory).expect("it is held back");
    assert!(why.contains("most hold: counts ") && why.contains("more memory (`weir.memory`"), "{why}");
    job.savepoint(None, Sequel::GoOn).expect("its state is kept all the while");
    assert!(process.shut_down(LONG));

    let process = world.process();
    let again = process.submit(submission(&script("256 MiB"), JobOrigin::Start)).expect("it starts");
    assert_eq!(again.id(), job.id());
    until("all is counted", || again.view().ledger.counted == KEYS as u64 + 1);
    until("the window is written", || world.counts().len() == KEYS);
    let view = again.view();
    assert!(world.counts().values().all(|&n| n == 1) && view.ledger.late == 0, "{:?}", view.ledger);
    assert_eq!((view.checkpoints.restored, why_held_back(&view.memory)), (1, None));
    assert!(process.shut_down(LONG));
}

#[test]
fn a_full_job_can_be_cancelled() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(&script("16 MiB"), JobOrigin::Start)).expect("it starts");
    fill(&world, 0, 50_000);
    until("the job is stuck", || job.view().memory.is_stuck());
    assert!(job.cancel());
    until_is(&job, JobStatus::Canceled);
    assert_eq!(job.view().memory.held_by_all, 0, "what it held is given back");
}

#[test]
fn windows_that_close_make_room() {
    const WINDOWS: usize = 20;
    const KEYS: usize = 4_000;
    for parallelism in [1, 2] {
        let mut world = World::new(1);
        world.defaults.parallelism = parallelism;
        let process = world.process();
        let job = process.submit(submission(&script("16 MiB"), JobOrigin::Start)).expect("it starts");
        (0..WINDOWS).for_each(|minute| fill(&world, minute, KEYS));
        fill(&world, WINDOWS, 1);
        until("all is counted", || job.view().ledger.counted == (WINDOWS * KEYS) as u64 + 1);
        until("all windows are written", || world.counts().len() == WINDOWS * KEYS);
        assert!(world.counts().values().all(|&n| n == 1));
        assert!(process.shut_down(LONG));
    }
}
