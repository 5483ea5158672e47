//! Weir and a real Flink side by side: `make flink-parity`, `make flink-record`, `make flink-fuzz`, `make flink-submit` …
//!
//! ```text
//! parity [CASE…]        runs cases on both engines, and prints the differences
//! record [CASE…]        records Flink's answers to the cases
//! fuzz SEED COUNT       generates cases, runs them on both engines, and keeps those that differ
//! submit                submits scripts to a Flink cluster, and compares results topics with Weir's rows
//! parity-cluster EVENTS SEED
//!                       sends events through a Flink cluster and through Weir, each into a Redis, and compares these
//! take-over [long]      moves a job to a Flink cluster and back while events come; `long` kills Weir and a task manager meanwhile
//! brief                 take-over, then parity-cluster with a few events: what `make test` runs
//! ```
//!
//! `CASE` is a directory, or a part of the name of one in `tests/flink_cases`; the default is all.
//! `FLINK_SCENARIOS_GATEWAY` names Flink's SQL gateway: `scripts/flink-cluster.sh` starts one.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that tells of differences")]

mod case;
mod cluster;
mod flink;
mod gateway;
mod generate;
mod rows;
#[path = "../../../storage/tests/servers/mod.rs"]
mod servers;
#[path = "../support/mod.rs"]
mod support;
mod weir;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use case::Case;
use rows::{Change, difference, standing};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, arguments) = match arguments.split_first() {
        Some((command, arguments)) => (command.as_str(), arguments),
        None => ("", &[][..]),
    };
    match command {
        "parity" => parity(&cases(arguments)),
        "record" => record(&cases(arguments)),
        "fuzz" => fuzz(number(arguments, 0).unwrap_or(1), number(arguments, 1).unwrap_or(100)),
        "submit" => exit(cluster::submits()),
        "parity-cluster" => {
            exit(cluster::equals(number(arguments, 0).unwrap_or(100_000), number(arguments, 1).unwrap_or(1)))
        }
        "take-over" => {
            let is_long = arguments.first().is_some_and(|how| how == "long");
            exit(cluster::takes_over(if is_long { cluster::Trouble::Kills } else { cluster::Trouble::None }))
        }
        "brief" => {
            let could = [cluster::takes_over(cluster::Trouble::None), cluster::equals(FEW, 1)];
            // What could not run has said why, and is not counted.
            let passed = could.into_iter().filter(|could| *could).count();
            println!("test result: {passed} passed; 0 failed");
            ExitCode::SUCCESS
        }
        // The workspace's tests start the program without arguments: there is no Flink to compare with.
        _ => made_up_cases_are_understood(),
    }
}

/// Returns the exit code of a program that could run, or could not for lack of a server.
fn exit(could: bool) -> ExitCode {
    if could { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Events of a brief comparison.
const FEW: u64 = 5_000;

fn number(arguments: &[String], at: usize) -> Option<u64> {
    arguments.get(at).and_then(|text| text.parse().ok())
}

fn gateway() -> String {
    std::env::var("FLINK_SCENARIOS_GATEWAY").expect("FLINK_SCENARIOS_GATEWAY names a gateway")
}

/// Returns the requested cases.
fn cases(wanted: &[String]) -> Vec<Case> {
    let directories = wanted.iter().map(Path::new).filter(|path| path.join("job.sql").exists());
    let mut cases: Vec<Case> = directories.map(Case::read).collect();
    if cases.is_empty() {
        cases = Case::read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flink_cases"));
        cases.retain(|case| wanted.is_empty() || wanted.iter().any(|part| case.name.contains(part)));
    }
    cases
}

/// Runs cases on both engines. Fails if they differ.
fn parity(cases: &[Case]) -> ExitCode {
    let gateway = gateway();
    let mut differences = 0;
    for case in cases {
        match compare(case, &flink::changelog(case, &gateway), &weir::changelog(case)) {
            None => println!("{}: the same", case.name),
            Some(text) => {
                differences += 1;
                println!("{}: differs\n{text}", case.name);
            }
        }
    }
    println!("{} cases, {differences} differ", cases.len());
    if differences == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

type Changes = Result<Vec<Change>, String>;

/// Returns the differences of the engines in a case.
fn compare(case: &Case, flink: &Changes, weir: &Changes) -> Option<String> {
    match (flink, weir) {
        (Ok(wanted), Ok(given)) => {
            let differences: Vec<String> =
                case.sinks().into_iter().filter_map(|sink| compare_table(sink, wanted, given)).collect();
            (!differences.is_empty()).then(|| differences.join("\n"))
        }
        // Each engine refuses in its own words.
        (Err(_), Err(_)) => None,
        (Err(error), Ok(_)) => Some(format!("  only Flink fails: {error}")),
        (Ok(_), Err(error)) => Some(format!("  only Weir fails: {error}")),
    }
}

fn compare_table(sink: &case::Table, wanted: &[Change], given: &[Change]) -> Option<String> {
    match (standing(sink, wanted), standing(sink, given)) {
        (Ok(wanted), Ok(given)) => difference(sink, &wanted, &given),
        (Err(error), _) => Some(format!("  Flink's changelog: {error}")),
        (_, Err(error)) => Some(format!("  Weir's changelog: {error}")),
    }
}

/// Generates cases from consecutive seeds, and keeps those in which the engines differ.
fn fuzz(first: u64, count: u64) -> ExitCode {
    let gateway = gateway();
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("flink-fuzz");
    let (mut differences, mut refused, mut changes) = (0, 0, 0);
    for seed in first..first + count {
        let directory = kept.join(format!("seed-{seed}"));
        drop(fs::remove_dir_all(&directory));
        fs::create_dir_all(&directory).expect("a directory");
        let about = generate::write(seed, &directory);
        let case = Case::read(&directory);

        let (flink, weir) = (flink::changelog(&case, &gateway), weir::changelog(&case));
        if let (Err(error), Err(_)) = (&flink, &weir) {
            refused += 1;
            println!("seed {seed}, {about}: both refuse it: {error}");
        }
        changes += flink.as_ref().map_or(0, Vec::len);
        match compare(&case, &flink, &weir) {
            Some(text) => {
                differences += 1;
                println!("seed {seed}, {about}: differs, see {}\n{text}", directory.display());
            }
            None => drop(fs::remove_dir_all(&directory)),
        }
    }
    println!("{count} cases, {changes} changes from Flink: {differences} differ, {refused} refused by both");
    if differences == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Seeds that are tried without a Flink.
const SEEDS: u64 = 58;

/// Checks that Weir understands generated cases. Two subtasks give the same rows as one, except where rows
/// may be late, because a single subtask tells more exactly which rows are.
fn made_up_cases_are_understood() -> ExitCode {
    let mut failed = 0;
    for seed in 0..SEEDS {
        let directory = tempfile::tempdir().expect("a directory");
        let about = generate::write(seed, directory.path());
        let case = Case::read(directory.path());
        if let Some(text) = in_one_and_two(&case) {
            failed += 1;
            println!("seed {seed}, {about}:\n{text}");
        }
    }
    println!("test result: {} cases made up: {} passed; {failed} failed", SEEDS, SEEDS - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn in_one_and_two(case: &Case) -> Option<String> {
    if case.inputs.len() < 2 {
        return weir::run(case).err();
    }
    match (weir::run(case), weir::run_by(case, 2)) {
        (Ok(one), Ok(two)) => case.sinks().into_iter().find_map(|sink| difference(sink, &one, &two)),
        (Err(error), _) | (_, Err(error)) => Some(error),
    }
}

/// Records Flink's answers: the final rows, and the changes where a second run emits the same.
fn record(cases: &[Case]) -> ExitCode {
    let gateway = gateway();
    let mut failed = 0;
    for case in cases {
        match [answer(case, &gateway), answer(case, &gateway)] {
            [Ok((rows, changes)), Ok((again, changes_again))] => {
                let differs = case.sinks().into_iter().any(|sink| difference(sink, &rows, &again).is_some());
                if differs {
                    failed += 1;
                    println!("{}: Flink gives other rows a second time", case.name);
                    continue;
                }
                let is_determined = Change::write_all(&changes) == Change::write_all(&changes_again);
                write(case, &rows, is_determined.then_some(&changes));
                println!("{}: {} rows of {} changes", case.name, rows.len(), changes.len());
            }
            [Err(error), _] | [_, Err(error)] => {
                failed += 1;
                println!("{}: {error}", case.name);
            }
        }
    }
    println!("{} cases, {failed} not recorded", cases.len());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns the final rows, and the changes that Flink emitted.
fn answer(case: &Case, gateway: &str) -> Result<(Vec<Change>, Vec<Change>), String> {
    let changes = flink::changelog(case, gateway)?;
    let tables = case.sinks().into_iter().map(|sink| standing(sink, &changes));
    let rows = tables.collect::<Result<Vec<_>, _>>()?.concat();
    Ok((rows, changes))
}

fn write(case: &Case, rows: &[Change], changes: Option<&Vec<Change>>) {
    let mut lines: Vec<String> = Change::write_all(rows).lines().map(str::to_owned).collect();
    lines.sort();
    let text: String = lines.into_iter().map(|line| line + "\n").collect();
    fs::write(case.directory.join("expected.jsonl"), text).expect("the rows are written");

    let changelog = case.directory.join("changelog.jsonl");
    match changes {
        Some(changes) => fs::write(changelog, Change::write_all(changes)).expect("the changes are written"),
        // The file may exist from an earlier recording.
        None => drop(fs::remove_file(changelog)),
    }
}
