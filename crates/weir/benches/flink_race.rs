//! Compares Flink and Weir by Nexmark's queries over events that wait in Kafka, in turns: events per CPU
//! second and peak memory of each, their ratio, and the geometric mean of the ratios.
//!
//! `make flink-race`, or `cargo bench -p weir --bench flink_race [-- EVENTS QUERY…]` beside a Flink
//! (`scripts/flink-cluster.sh`). Without a Flink, prints only Weir's figures. Each query runs `RACE_RUNS`
//! times (3 by default) on each engine, in turns, and the medians are printed.
//!
//! Both read one topic with one partition, decode JSON, run one query with one subtask, and write to a table
//! that drops everything. Flink's figures are those of its job manager and its task manager while the job
//! runs; they are warm, because a query runs before the first that counts. Weir's are those of a process that
//! starts, reads and computes.
//!
//! The queries leave out q6, which Flink refuses; q10, which writes files; and q13, which looks up a file.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "../tests/side_by_side/gateway.rs"]
mod gateway;
mod nexmark;
#[path = "../../storage/tests/servers/mod.rs"]
mod servers;
#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gateway::Session;
use serde_json::Value;
use servers::kafka::KafkaServer;
use storage::log::kafka::{KafkaLog, KafkaOptions, KafkaSettings};
use storage::log::{EventLog as _, NewRecord};
use support::process::{cpu_seconds, peak_mb};
use support::{Up, pause_for};
use types::SystemClock;

const EVENTS: u64 = 1_000_000;
/// Runs of each query on each engine.
const RUNS: usize = 3;
const QUERIES: [&str; 20] = [
    "q0", "q1", "q2", "q3", "q4", "q5", "q7", "q8", "q9", "q11", "q12", "q14", "q15", "q16", "q17", "q18",
    "q19", "q20", "q21", "q22",
];
const TOPIC: &str = "nexmark";
const POLL: Duration = Duration::from_millis(100);
/// Polls until a query counts as hung: ten minutes.
const POLLS_MAX: u32 = 6_000;

/// The cost of a query.
#[derive(Clone, Copy)]
struct Taken {
    cpu_seconds: f64,
    memory_mb: u64,
}

impl Taken {
    /// Returns the median of each figure. There must be at least one run.
    fn median(runs: &[Taken]) -> Taken {
        let mut cpu: Vec<f64> = runs.iter().map(|run| run.cpu_seconds).collect();
        let mut memory: Vec<u64> = runs.iter().map(|run| run.memory_mb).collect();
        cpu.sort_by(f64::total_cmp);
        memory.sort_unstable();
        Taken { cpu_seconds: cpu[cpu.len() / 2], memory_mb: memory[memory.len() / 2] }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let events = arguments.iter().find_map(|arg| arg.parse().ok()).unwrap_or(EVENTS);
    let wanted: Vec<&str> =
        QUERIES.into_iter().filter(|query| arguments.iter().any(|arg| arg == query)).collect();
    let queries = if wanted.is_empty() { QUERIES.to_vec() } else { wanted };

    let Some(kafka) = KafkaServer::start(&[]) else { return };
    preload(&kafka, events);
    let flink = Flink::find(&kafka.address());
    if let Some(flink) = &flink {
        flink.run("q0");
    }
    let runs = std::env::var("RACE_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(RUNS).max(1);

    println!("{events} events, medians of {runs} runs\n");
    println!("| query | Weir, events/CPU s | Flink, events/CPU s | ratio | Weir, MB | Flink, MB |");
    println!("| --- | --- | --- | --- | --- | --- |");
    let mut ratios = Vec::new();
    for query in queries {
        let mut of_weir = Vec::new();
        let mut of_flink = Vec::new();
        for _ in 0..runs {
            of_weir.push(weir(query, &kafka.address(), events));
            of_flink.extend(flink.as_ref().map(|flink| flink.run(query)));
        }

        let weir = Taken::median(&of_weir);
        let rate = |taken: &Taken| events as f64 / taken.cpu_seconds;
        if of_flink.is_empty() {
            println!("| {query} | {:.0} | | | {} | |", rate(&weir), weir.memory_mb);
            continue;
        }
        let flink = Taken::median(&of_flink);
        let ratio = flink.cpu_seconds / weir.cpu_seconds;
        ratios.push(ratio.ln());
        println!(
            "| {query} | {:.0} | {:.0} | {ratio:.1} | {} | {} |",
            rate(&weir),
            rate(&flink),
            weir.memory_mb,
            flink.memory_mb
        );
    }

    if !ratios.is_empty() {
        let mean = (ratios.iter().sum::<f64>() / ratios.len() as f64).exp();
        println!("| geometric mean | | | {mean:.1} | | |");
    }
}

/// Writes the events to a topic.
fn preload(kafka: &KafkaServer, events: u64) {
    let properties = [("compression.type", "lz4"), ("linger.ms", "20"), ("batch.size", "65536")];
    let properties = properties.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings = KafkaSettings::new(&kafka.address(), &BTreeMap::from(properties)).expect("settings");
    let log = KafkaLog::open(KafkaOptions::new(settings), Arc::new(SystemClock::new())).expect("a log");
    log.create_topic(TOPIC, 1).expect("a topic");

    let numbers: Vec<u64> = (0..events).collect();
    for numbers in numbers.chunks(20_000) {
        let records = numbers.iter().map(|&number| NewRecord {
            body: nexmark::event(number).to_string().into_bytes().into(),
            ..NewRecord::default()
        });
        let appending = log.append(TOPIC, records.collect()).expect("there is room");
        appending.blocking_recv().expect("an answer").expect("durable");
    }
}

/// Returns the statements of a query over the topic at a broker.
fn script(query: &str, brokers: &str, options: &str) -> String {
    let read = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/nexmark").join(format!("{name}.sql"));
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let connector = format!(
        "'connector' = 'kafka', 'topic' = '{TOPIC}', 'properties.bootstrap.servers' = '{brokers}', \
         'properties.group.id' = 'race', 'scan.startup.mode' = 'earliest-offset', 'format' = 'json'{options}"
    );
    read("source").replace("${connector}", &connector) + &read(query)
}

/// Runs a query on Weir, in a process of its own, until it has read all events and is idle.
fn weir(query: &str, brokers: &str, events: u64) -> Taken {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("query.sql");
    fs::write(&path, script(query, brokers, "")).expect("the script is written");

    let up = Up::start_in(directory.path(), &[path.to_str().expect("a path"), "--log", "warn"], &[]);
    let job = up.wait_for_jobs(1).remove(0);
    up.wait_for_job(&job, |job| job["ledger"]["accepted"].as_u64() >= Some(events));
    // Computing goes on after the last event was read.
    let mut before = cpu_seconds(up.id());
    loop {
        pause_for(POLL * 3);
        let now = cpu_seconds(up.id());
        if now - before < 0.02 {
            break;
        }
        before = now;
    }

    let taken = Taken { cpu_seconds: cpu_seconds(up.id()), memory_mb: peak_mb(up.id()) };
    up.stop();
    taken
}

/// A running Flink.
struct Flink {
    rest: String,
    gateway: String,
    /// Its job manager and its task manager.
    processes: Vec<u32>,
    brokers: String,
}

impl Flink {
    /// Returns the Flink that `scripts/flink-cluster.sh` names, if the script runs this program.
    fn find(brokers: &str) -> Option<Flink> {
        let processes = std::env::var("FLINK_SCENARIOS_PIDS").ok()?;
        Some(Flink {
            rest: std::env::var("FLINK_SCENARIOS_URL").ok()?,
            gateway: std::env::var("FLINK_SCENARIOS_GATEWAY").ok()?,
            processes: processes.split(' ').take(2).map(|id| id.parse().expect("a process")).collect(),
            brokers: brokers.to_owned(),
        })
    }

    /// Runs a query to the end of the topic.
    fn run(&self, query: &str) -> Taken {
        let session = Session::open(&self.gateway);
        let run = |statement: &str| {
            session.run_as_job(statement).unwrap_or_else(|error| panic!("{query}: {statement}: {error}"))
        };
        for setting in [
            "'execution.runtime-mode' = 'streaming'",
            "'parallelism.default' = '1'",
            "'pipeline.object-reuse' = 'true'",
        ] {
            run(&format!("SET {setting}"));
        }
        for process in &self.processes {
            // Reset the kernel's peak of resident memory (proc(5), clear_refs).
            fs::write(format!("/proc/{process}/clear_refs"), "5").expect("the process is ours");
        }

        let cpu = || self.processes.iter().map(|&process| cpu_seconds(process)).sum::<f64>();
        let before = cpu();
        let script = script(query, &self.brokers, ", 'scan.bounded.mode' = 'latest-offset'");
        let statements = script.split(";\n").map(str::trim).filter(|statement| !statement.is_empty());
        let job = statements.filter_map(|statement| run(statement).1).last().expect("an INSERT starts a job");
        self.wait_for(&job);

        let memory_mb = self.processes.iter().map(|&process| peak_mb(process)).sum();
        Taken { cpu_seconds: cpu() - before, memory_mb }
    }

    fn wait_for(&self, job: &str) {
        for _ in 0..POLLS_MAX {
            let mut answer = ureq::get(format!("{}/jobs/{job}/status", self.rest)).call().expect("an answer");
            let status: Value = answer.body_mut().read_json().expect("JSON");
            match status["status"].as_str() {
                Some("FINISHED") => return,
                Some("FAILED" | "CANCELED") => panic!("Flink's job has failed: {status}"),
                _ => pause_for(POLL),
            }
        }
        panic!("Flink's job does not end");
    }
}
