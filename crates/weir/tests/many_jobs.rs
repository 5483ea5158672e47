//! A hundred random submits, cancels, stops and replacements with kills in between: no job is lost, none
//! exists twice, and nothing is left of ended jobs.
#![allow(clippy::print_stderr, reason = "whoever runs the tests is told the seed")]

mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};
use support::{BY_ID, Up, pause_for};

const ACTS: usize = 100;
/// One of this many acts is killed, half of them while the act is in progress.
const KILL_ONCE_IN: usize = 12;
/// Maximum of jobs that run at one time.
const AT_ONCE: usize = 5;
/// Number of ended jobs that are certainly remembered.
const REMEMBERED: usize = 30;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Submit,
    Cancel,
    Stop,
    Replace,
}

/// A job by its name, over all its replacements.
#[derive(Debug, Clone)]
struct Job {
    name: String,
    id: String,
}

/// The jobs as the answers described them.
#[derive(Default)]
struct World {
    next: usize,
    running: Vec<Job>,
    /// Ids of ended jobs with their states, in the order in which they ended.
    over: Vec<(String, &'static str)>,
}

/// Sends one request to the job manager; returns `None` without an answer.
fn ask(url: &str, method: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(60)))
        .build()
        .into();
    let at = format!("{url}{path}");
    let answer = match method {
        "PATCH" => agent.patch(at).send_json(body),
        _ => agent.post(at).send_json(body),
    };
    let mut answer = answer.ok()?;
    let (status, text) = (answer.status().as_u16(), answer.body_mut().read_to_string().ok()?);
    Some((status, serde_json::from_str(&text).ok()?))
}

/// Does an act; returns the answer, if there was one.
fn act(url: &str, act: Act, job: &Job) -> Option<(u16, Value)> {
    let script = format!("SET 'pipeline.name' = '{}'; {BY_ID}", job.name);
    match act {
        Act::Submit => ask(url, "POST", "/weir/jobs", &json!({"script": script})),
        Act::Cancel => ask(url, "PATCH", &format!("/jobs/{}?mode=cancel", job.id), &json!({})),
        Act::Stop => ask(url, "POST", &format!("/weir/jobs/{}/savepoint", job.id), &json!({"stop": true})),
        Act::Replace => ask(url, "POST", "/weir/jobs", &json!({"script": script, "replace": job.id})),
    }
}

fn is_over(state: &str) -> bool {
    ["FINISHED", "CANCELED", "FAILED"].contains(&state)
}

/// Returns id, name and state of each listed job.
fn listed(up: &Up) -> Vec<(String, String, String)> {
    let jobs = up.get_job("/jobs/overview");
    let text = |job: &Value, field: &str| job[field].as_str().expect("a text").to_owned();
    let jobs = jobs["jobs"].as_array().expect("jobs").iter();
    jobs.map(|job| (text(job, "jid"), text(job, "name"), text(job, "state"))).collect()
}

impl World {
    /// Draws the next act, and its job.
    fn draw(&mut self, rng: &mut Rng) -> (Act, Job) {
        let acts = [Act::Submit, Act::Cancel, Act::Stop, Act::Replace, Act::Replace];
        let wanted = acts[rng.usize(..acts.len())];
        let submits = match self.running.len() {
            0 => true,
            AT_ONCE => false,
            _ => wanted == Act::Submit,
        };
        if submits {
            self.next += 1;
            return (Act::Submit, Job { name: format!("job {}", self.next), id: String::new() });
        }
        let job = self.running[rng.usize(..self.running.len())].clone();
        (if wanted == Act::Submit { Act::Replace } else { wanted }, job)
    }

    /// Records an act that was answered.
    fn note(&mut self, act: Act, job: &Job, (status, answer): (u16, Value)) {
        let new = |answer: &Value| answer["jobid"].as_str().expect("an id").to_owned();
        let expected = match act {
            Act::Submit | Act::Replace => 201,
            Act::Cancel => 202,
            Act::Stop => 200,
        };
        assert_eq!(status, expected, "{act:?} {job:?}: {answer}");
        if act != Act::Submit {
            self.running.retain(|other| other.id != job.id);
            self.over.push((job.id.clone(), if act == Act::Cancel { "CANCELED" } else { "FINISHED" }));
        }
        if matches!(act, Act::Submit | Act::Replace) {
            self.running.push(Job { name: job.name.clone(), id: new(&answer) });
        }
    }

    /// Records an act that was killed: the list of jobs tells whether it was done.
    fn see(&mut self, up: &Up, act: Act, job: &Job) {
        let listed = listed(up);
        let there: Vec<_> = listed.iter().filter(|(_, name, _)| *name == job.name).collect();
        let running: Vec<_> = there.iter().filter(|(_, _, state)| !is_over(state)).collect();
        let old = there.iter().find(|(id, ..)| *id == job.id);
        assert!(running.len() <= 1, "{act:?} {job:?}: {there:?}");
        match act {
            Act::Submit => {}
            Act::Replace => assert_eq!(running.len(), 1, "{act:?} {job:?}: {there:?}"),
            Act::Cancel | Act::Stop => assert!(old.is_some(), "{act:?} {job:?}: {there:?}"),
        }
        self.running.retain(|other| other.name != job.name);
        self.running.extend(running.iter().map(|(id, name, _)| Job { name: name.clone(), id: id.clone() }));
        let ended = old.filter(|(_, _, state)| is_over(state));
        if let Some((id, ..)) = ended {
            self.over.push((id.clone(), if act == Act::Cancel { "CANCELED" } else { "FINISHED" }));
        }
    }

    /// Waits until every acknowledged job is listed once, in the state that it should have.
    fn check(&self, up: &Up, seed: u64) {
        let mut wrong = String::new();
        for _ in 0..600 {
            let listed = listed(up);
            let mut by_id = BTreeMap::new();
            let is_once = listed.iter().all(|(id, _, state)| by_id.insert(id, state).is_none());
            let run = listed.iter().filter(|(_, _, state)| !is_over(state)).count();
            let running = |job: &Job| by_id.get(&job.id).is_some_and(|state| *state == "RUNNING");
            let newest = self.over[self.over.len().saturating_sub(REMEMBERED)..].iter();
            let lost: Vec<_> =
                newest.filter(|(id, state)| by_id.get(id).is_none_or(|found| *found != state)).collect();
            // And the job that is started with Weir.
            if is_once && run == self.running.len() + 1 && self.running.iter().all(running) && lost.is_empty()
            {
                return;
            }
            wrong = format!("expected {:?} and not {lost:?}, found {listed:?}", self.running);
            pause_for(Duration::from_millis(100));
        }
        panic!("seed {seed}: {wrong}");
    }
}

/// Resources that a process holds.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    /// Threads of jobs, by the beginnings of their names.
    jobs: BTreeMap<String, usize>,
    threads: usize,
    files: usize,
    resident_kib: u64,
}

impl Held {
    fn by(up: &Up) -> Held {
        let of = PathBuf::from(format!("/proc/{}", up.id()));
        let entries = |name: &str| std::fs::read_dir(of.join(name)).expect("Linux").flatten();
        let names = entries("task").filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
        let names: Vec<String> = names.collect();
        let mut jobs = BTreeMap::new();
        for name in &names {
            let kind =
                ["job ", "Source", "Global", "result writer"].iter().find(|kind| name.starts_with(**kind));
            if let Some(kind) = kind {
                *jobs.entry((*kind).to_owned()).or_default() += 1;
            }
        }
        let status = std::fs::read_to_string(of.join("status")).expect("Linux");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux");
        let resident_kib = resident.trim().trim_end_matches(" kB").parse().expect("a number");
        Held { jobs, threads: names.len(), files: entries("fd").count(), resident_kib }
    }
}

/// Does some acts in one process, each of which is answered.
fn some_acts(up: &Up, world: &mut World, rng: &mut Rng, count: usize) {
    for _ in 0..count {
        let (wanted, job) = world.draw(rng);
        let answer = act(&up.jobs_http, wanted, &job).expect("an answer");
        world.note(wanted, &job, answer);
    }
    // Then ends all jobs.
    for job in world.running.clone() {
        let answer = act(&up.jobs_http, Act::Cancel, &job).expect("an answer");
        world.note(Act::Cancel, &job, answer);
    }
}

#[test]
fn no_job_is_lost_none_is_there_twice_and_nothing_leaks() {
    let given = std::env::var("WEIR_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| fastrand::u64(1..1_000_000));
    eprintln!("WEIR_TEST_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let directory = tempfile::tempdir().expect("a directory");
    let script = directory.path().join("always.sql");
    std::fs::write(&script, format!("SET 'pipeline.name' = 'always'; {BY_ID}")).expect("a script");
    let environment = [("WEIR_CHECKPOINTS_INTERVAL", "500 ms"), ("WEIR_LOG", "off")];
    let script = script.to_str().expect("a path of this test");
    let start = || Up::start_in(directory.path(), &[script], &environment);
    let mut world = World::default();
    let mut up = start();
    for _ in 0..ACTS {
        let (wanted, job) = world.draw(&mut rng);
        if rng.usize(..KILL_ONCE_IN) > 0 {
            let answer = act(&up.jobs_http, wanted, &job).expect("an answer");
            world.note(wanted, &job, answer);
            continue;
        }
        if rng.bool() {
            let answer = act(&up.jobs_http, wanted, &job).expect("an answer");
            world.note(wanted, &job, answer);
            up.kill();
            up = start();
        } else {
            let (url, begun) = (up.jobs_http.clone(), job.clone());
            let acting = std::thread::spawn(move || act(&url, wanted, &begun));
            pause_for(Duration::from_millis(rng.u64(1..60)));
            up.kill();
            let answer = acting.join().expect("no panic");
            up = start();
            match answer {
                Some(answer) => world.note(wanted, &job, answer),
                None => world.see(&up, wanted, &job),
            }
        }
        world.check(&up, seed);
    }
    world.check(&up, seed);

    // The resources of the first jobs stay: stacks, arenas, connections.
    some_acts(&up, &mut world, &mut rng, 20);
    world.check(&up, seed);
    let before = Held::by(&up);
    some_acts(&up, &mut world, &mut rng, 40);
    world.check(&up, seed);
    let mut after = Held::by(&up);
    // Threads that wait for requests come and go, and so do connections.
    let is_as_before = |after: &Held| {
        after.jobs == before.jobs
            && after.threads <= before.threads + 4
            && after.files <= before.files + 4
            && after.resident_kib <= before.resident_kib + (48 << 10)
    };
    for _ in 0..300 {
        if is_as_before(&after) {
            break;
        }
        pause_for(Duration::from_millis(100));
        after = Held::by(&up);
    }
    assert!(is_as_before(&after), "seed {seed}: {before:?}, {after:?}");
    assert!(up.stop().success());
}
