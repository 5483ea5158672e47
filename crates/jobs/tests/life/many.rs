//! Many jobs are submitted, cancelled, stopped and replaced at random in several processes. No job is lost or
//! duplicated.

use std::collections::BTreeMap;
use std::time::Duration;

use jobs::{Dispatcher, JobOrigin, JobStatus, Sequel, Submission};
use types::JobId;

use crate::random::Random;
use crate::world::{SCRIPT, World, submission, until};

const LONG: Duration = Duration::from_secs(20);
const ACTS: usize = 60;
/// The maximum number of jobs that run at the same time.
const AT_ONCE: usize = 6;

/// The expected status of each acknowledged job.
type Expected = BTreeMap<JobId, JobStatus>;

fn running(expected: &Expected) -> Vec<JobId> {
    expected.iter().filter(|(_, status)| **status == JobStatus::Running).map(|(id, _)| *id).collect()
}

fn check(process: &Dispatcher, expected: &Expected, seed: u64) {
    let is_as_expected = || {
        let views = process.views();
        let found: Expected = views.iter().map(|view| (view.id, view.status)).collect();
        found.len() == views.len() && found == *expected
    };
    for _ in 0..20_000 {
        if is_as_expected() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    let views = process.views();
    let found: Vec<(JobId, JobStatus)> = views.iter().map(|view| (view.id, view.status)).collect();
    panic!("seed {seed}: expected {expected:?}, found {found:?}");
}

#[test]
fn no_job_is_lost_and_none_is_there_twice() {
    for seed in 1..=4 {
        let mut random = Random(seed);
        let world = World::new(1);
        let mut expected = Expected::new();
        let mut process = world.process();
        // The failing job is the one that reads next after the breakdown of the log.
        let script = SCRIPT.replace("attempts' = '3'", "attempts' = '1000'");

        for act in 0..ACTS {
            world.append(0, &[("a", act as u32)]);
            let jobs = running(&expected);
            let pick = |random: &mut Random| {
                let id = jobs[random.below(jobs.len() as u64) as usize];
                process.job(id).unwrap_or_else(|| panic!("seed {seed}, act {act}: {id} is gone"))
            };
            match random.below(8) {
                0..=2 if jobs.len() < AT_ONCE => {
                    let job = process.submit(submission(&script, JobOrigin::Submitted)).expect("it starts");
                    expected.insert(job.id(), JobStatus::Running);
                }
                3 if !jobs.is_empty() => {
                    let job = pick(&mut random);
                    assert!(job.cancel());
                    expected.insert(job.id(), JobStatus::Canceled);
                }
                4 if !jobs.is_empty() => {
                    let job = pick(&mut random);
                    until("it runs", || job.status() == JobStatus::Running);
                    job.savepoint(None, Sequel::Stop).expect("a savepoint");
                    expected.insert(job.id(), JobStatus::Finished);
                }
                5 if !jobs.is_empty() => {
                    let job = pick(&mut random);
                    until("it runs", || job.status() == JobStatus::Running);
                    let nameless = Submission { name: "", ..submission(&script, JobOrigin::Submitted) };
                    let made = process.replace(nameless, &job.id().to_string()).expect("it is replaced");
                    expected.insert(job.id(), JobStatus::Finished);
                    expected.insert(made.new.id(), JobStatus::Running);
                }
                6 if !jobs.is_empty() => {
                    let restarts = || process.jobs().iter().map(|job| job.restarts()).sum::<u64>();
                    let before = restarts();
                    world.log.break_down();
                    until("one is started again", || restarts() > before);
                }
                7 => {
                    process.shut_down(if random.below(2) == 0 { LONG } else { Duration::ZERO });
                    process = world.process();
                    process.resume().expect("the records can be read");
                }
                _ => {}
            }
        }

        check(&process, &expected, seed);
        assert!(process.shut_down(LONG));
        process = world.process();
        process.resume().expect("the records can be read");
        check(&process, &expected, seed);
        assert!(process.shut_down(LONG));
    }
}
