//! A race of Apache Flink and Weir with the same SQL script over the same Kafka topic, in turns.
//!
//! `make race` runs it (`scripts/race.sh`), on one machine, with Kafka and Flink from Maven Central. A run of an engine:
//!
//! 1. starts its processes;
//! 2. drains the waiting events once to warm up, and a second time to measure;
//! 3. measures live latency at 1,000 events per second;
//! 4. kills the process that computes, and waits for the next result.
//!
//! Each measured drain must give the same rows, whatever the engine: a difference ends the race with an error.
//!
//! `RACE_EVENTS` (1,000,000; at least 20,000) is the number of waiting events, `RACE_RUNS` (3) the runs of each engine, and
//! `RACE_SECONDS` (30) the length of the live part. `RACE_FLINK` has further settings of Flink's session, separated
//! by `;`, to try others than ours: `'pipeline.object-reuse' = 'false'`. The table and the picture go to `target/race`; with
//! `RACE_DOCS=1` they also replace those in `docs`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]

mod engine;
#[path = "../../tests/side_by_side/gateway.rs"]
mod gateway;
mod measure;
mod picture;
mod report;
#[path = "../../../storage/tests/servers/mod.rs"]
mod servers;
#[path = "../../tests/support/mod.rs"]
mod support;
mod topics;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use engine::{Engine, Kind};
use measure::{drain, live};
use report::{Race, Run};
use topics::{Row, Topics};

const WAITING: &str = "waiting";
/// The lines of `docs/race.md` between which the figures are.
const MARKS: [&str; 2] = ["<!-- figures of `make race RACE_DOCS=1` -->\n", "<!-- end of the figures -->"];

fn main() -> ExitCode {
    let events = setting("RACE_EVENTS", 1_000_000).max(20_000);
    let count = setting("RACE_RUNS", 3).max(1) as usize;
    let length = Duration::from_secs(setting("RACE_SECONDS", 30).max(5));
    let load = report::load();

    let Some(topics) = Topics::start() else { return ExitCode::from(2) };
    eprintln!("writing {events} events to a topic");
    let last_window = topics.preload(WAITING, events);

    let (mut runs, mut reference) = (Vec::new(), None::<(Kind, Vec<Row>)>);
    for number in 1..=count {
        for kind in Kind::ALL {
            eprintln!("run {number} of {count}: {}", kind.name());
            let name = format!("{kind:?}-{number}").to_lowercase();

            let (engine, cold_start) = Engine::start(kind);
            let warm_up = drain(&engine, &topics, WAITING, &format!("{name}-warm-up"), last_window);
            let drained = drain(&engine, &topics, WAITING, &format!("{name}-drained"), last_window);
            let lived = live(engine, &topics, &format!("{name}-events"), &format!("{name}-live"), length);
            let lived = match lived {
                Ok(lived) => lived,
                Err(error) => {
                    eprintln!("{}: {error}", kind.name());
                    return ExitCode::FAILURE;
                }
            };

            let at = |per_cent: usize| lived.latencies[(lived.latencies.len() - 1) * per_cent / 100];
            let run = Run {
                kind,
                events_per_cpu_second: events as f64 / drained.cpu_seconds,
                wall: drained.wall,
                peak_mb: drained.peak_mb,
                latencies: [at(50), at(95), at(99)],
                first_result: drained.first,
                cold_start,
                cold_first_result: cold_start + warm_up.first,
                recovery: lived.recovery,
            };
            eprintln!("{run:?}, {} rows, {} live windows", drained.rows.len(), lived.latencies.len());
            runs.push(run);

            let (first, rows) = reference.get_or_insert((kind, warm_up.rows));
            let differences = topics::differences(rows, &drained.rows);
            if !differences.is_empty() {
                eprintln!(
                    "{} and {} gave different rows:\n{}",
                    first.name(),
                    kind.name(),
                    differences.join("\n")
                );
                return ExitCode::FAILURE;
            }
        }
    }

    let race = Race { events, runs: count, load };
    let rows = reference.map_or(0, |(_, rows)| rows.len());
    let text = format!("{}\n\n{}", race.in_full(rows), report::table(&runs));
    println!("\n{text}");
    write(&text, &picture::draw(&runs, &race.in_a_line()));
    ExitCode::SUCCESS
}

/// Writes table and picture to the target directory, and where it is asked for to the documentation.
fn write(table: &str, picture: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the checkout");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into).join("race");
    fs::create_dir_all(&target).expect("a directory");
    fs::write(target.join("race.md"), table).expect("the table is written");
    fs::write(target.join("race.svg"), picture).expect("the picture is written");
    println!("{} and race.svg beside it have the table and the picture", target.join("race.md").display());

    if setting("RACE_DOCS", 0) == 1 {
        let path = root.join("docs/race.md");
        let text = fs::read_to_string(&path).expect("the page");
        let (before, rest) = text.split_once(MARKS[0]).expect("the first mark");
        let (_, after) = rest.split_once(MARKS[1]).expect("the last mark");
        fs::write(&path, format!("{before}{}\n{table}\n{}{after}", MARKS[0], MARKS[1]))
            .expect("the page is written");
        fs::write(root.join("docs/race.svg"), picture).expect("the picture is written");
    }
}

/// Returns a number of the environment.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}
