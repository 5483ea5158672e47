//! The memory that Weir's parts report is the memory of the process: while it catches up with days of events,
//! while a job drains, and when it is idle.
#![cfg(target_os = "linux")]

mod support;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::{Up, pause_for, weir};

const MB: f64 = 1e6;
const EVENTS: u64 = 10_000;
const SECONDS: i64 = 10_000;
/// Memory beside all reports: threads and their stacks, and bytes read from the log that are about to be
/// decoded.
const BESIDES: f64 = 30.0 * MB;
/// Maximum memory of such a catch-up, at any time.
const MOST: f64 = 200.0 * MB;

/// Compares the reported memory with the process's, and records large differences.
struct Watch<'a> {
    up: &'a Up,
    looks: usize,
    most: f64,
    wrong: Vec<String>,
}

impl Watch<'_> {
    fn look(&mut self, when: &str) {
        let metrics = self.up.text("/metrics");
        let value = |line: &str| line.rsplit_once(' ').and_then(|(_, value)| value.parse::<f64>().ok());
        let told: Vec<&str> =
            metrics.lines().filter(|line| line.starts_with("weir_memory_bytes{part=")).collect();
        assert_eq!(told.len(), 7, "{metrics}");
        let sum: f64 = told.iter().filter_map(|line| value(line)).sum();
        let taken = metrics.lines().find(|line| line.starts_with("process_resident_memory_bytes "));
        let taken = taken.and_then(value).expect("the process knows its memory");

        self.looks += 1;
        self.most = self.most.max(taken);
        if (taken - sum).abs() > taken * 0.2 + BESIDES {
            self.wrong.push(format!("{when}: {:.0} MB taken, {told:?}", taken / MB));
        }
    }
}

fn generate(up: &Up) -> Child {
    let start = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(SECONDS + 600);
    let mut command: Command = weir();
    command.args(["generate", "--url", &format!("{}/events", up.http), "--rate", "1"]);
    command.args(["--start", &start.to_string(), "--count", &EVENTS.to_string()]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary starts")
}

fn counted(up: &Up, job: &str) -> u64 {
    up.figures(job)["ledger"]["accepted"].as_u64().expect("a count")
}

#[test]
fn what_the_parts_say_that_they_hold_is_what_the_process_takes() {
    let directory = tempfile::tempdir().expect("a directory");
    let up = Up::start_in(directory.path(), &[], &[("WEIR_LOG", "error")]);
    let job = up.wait_for_jobs(1).remove(0);
    let mut watch = Watch { up: &up, looks: 0, most: 0.0, wrong: Vec::new() };
    watch.look("at the start");

    let mut generating = generate(&up);
    while counted(&up, &job) < EVENTS {
        watch.look("catching up");
        pause_for(Duration::from_millis(100));
        let ended = generating.try_wait().expect("its status is known");
        assert!(ended.is_none_or(|status| status.success()), "{ended:?}");
    }
    assert!(generating.wait().expect("it ends").success());

    for _ in 0..20 {
        watch.look("idle");
        pause_for(Duration::from_millis(100));
    }
    let stop =
        ureq::post(format!("{}/jobs/{job}/stop", up.jobs_http)).send_json(serde_json::json!({"drain": true}));
    assert!(stop.expect("an answer").status().is_success());
    let is_over = || up.figures(&job)["status"] == "FINISHED";
    for _ in 0..600 {
        watch.look("draining");
        if is_over() {
            break;
        }
        pause_for(Duration::from_millis(100));
    }
    assert!(is_over(), "the job did not end: {}", up.figures(&job));
    watch.look("drained");

    assert!(watch.looks > 25, "{}", watch.looks);
    assert!(watch.wrong.is_empty(), "\n{}", watch.wrong.join("\n"));
    assert!(watch.most < MOST, "{:.0} MB were taken", watch.most / MB);
    assert!(up.stop().success());
}
