//! Streaming SQL gives the rows that a real Flink gave: `tests/flink_cases` has the scripts, the records and
//! the answers.
//!
//! `make flink-record` records the answers; `make flink-parity` compares with a Flink again.

#[path = "side_by_side/case.rs"]
mod case;
#[path = "side_by_side/interrupted.rs"]
mod interrupted;
#[path = "side_by_side/rows.rs"]
mod rows;
#[path = "side_by_side/weir.rs"]
mod weir;

use std::path::Path;
use std::thread;

use case::{Case, Table};
use interrupted::Interruption;
use rows::{Change, difference, standing};

/// Concurrent runs of the binary.
const RUNS: usize = 4;

fn cases() -> Vec<Case> {
    Case::read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flink_cases"))
}

#[test]
fn every_case_ends_with_the_rows_that_flink_gave() {
    let cases = cases();
    assert!(cases.len() >= 60, "{} cases", cases.len());

    let complaints = of_all(&cases, complaints);
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn every_case_ends_with_the_same_rows_without_each_rewrite_rule() {
    let complaints = of_all(&cases(), |case| {
        let rules = sql::rules::Rule::ALL.map(sql::rules::Rule::name).into_iter();
        rules
            .flat_map(|rule| other_rows(case, &format!("without {rule}"), weir::run_without(case, rule)))
            .collect()
    });
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn every_case_ends_with_the_same_rows_at_any_parallelism() {
    let complaints = of_all(&cases(), |case| {
        let by = [2, 4].into_iter();
        by.flat_map(|by| other_rows(case, &format!("by {by} subtasks"), weir::run_by(case, by))).collect()
    });
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn every_case_ends_with_the_same_rows_though_it_is_killed_and_restored_at_another_parallelism() {
    let [early, middle] = [1, 2];
    let at = |before, after, quarters| Interruption { before, after, quarters };
    // Rows that a script itself contains are read at once, so there is no middle.
    let cases: Vec<Case> = cases().into_iter().filter(|case| !case.inputs.is_empty()).collect();
    let complaints = of_all(&cases, |case| {
        let interruptions = [at(1, 3, middle), at(4, 2, early)];
        interruptions.into_iter().flat_map(|interruption| interrupted(case, interruption)).collect()
    });
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
}

/// Returns the differences of the final rows of a case that was killed.
fn interrupted(case: &Case, interruption: Interruption) -> Vec<String> {
    let Interruption { before, after, quarters } = interruption;
    let way = format!("killed at {quarters} quarters, restored from {before} to {after} subtasks");
    let stands = interrupted::run(case, interruption).and_then(|changes| {
        let tables = case.sinks().into_iter().map(|sink| standing(sink, &changes));
        Ok(tables.collect::<Result<Vec<_>, _>>()?.concat())
    });
    other_rows(case, &way, stands)
}

/// Returns the differences from Flink's rows of a run in another way.
fn other_rows(case: &Case, way: &str, given: Result<Vec<Change>, String>) -> Vec<String> {
    let wanted = case.recorded("expected.jsonl").unwrap_or_else(|| panic!("{}: no answer", case.name));
    match given {
        Err(error) => vec![format!("{} {way}: {error}", case.name)],
        Ok(given) => {
            let differences = case.sinks().into_iter().filter_map(|sink| difference(sink, &wanted, &given));
            differences.map(|difference| format!("{} {way}\n{difference}", case.name)).collect()
        }
    }
}

/// Returns the complaints about all cases, checking several at once.
fn of_all(cases: &[Case], complaints: impl Fn(&Case) -> Vec<String> + Sync) -> Vec<String> {
    let complaints = &complaints;
    thread::scope(|scope| {
        let workers: Vec<_> = cases
            .chunks(cases.len().div_ceil(RUNS))
            .map(|cases| scope.spawn(move || cases.iter().flat_map(complaints).collect::<Vec<_>>()))
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no case panics")).collect()
    })
}

/// Returns the differences of Weir's output for a case: in the final rows, and in the changes.
fn complaints(case: &Case) -> Vec<String> {
    let wanted = case.recorded("expected.jsonl").unwrap_or_else(|| panic!("{}: no answer", case.name));
    let (given, changes) = match (weir::run(case), weir::changelog(case)) {
        (Ok(given), Ok(changes)) => (given, changes),
        (Err(error), _) | (_, Err(error)) => return vec![format!("{}: {error}", case.name)],
    };

    let mut complaints = Vec::new();
    for sink in case.sinks() {
        let of_rows = difference(sink, &wanted, &given);
        let of_changes = match standing(sink, &changes) {
            Ok(left) => difference(sink, &wanted, &left),
            Err(error) => Some(error),
        };
        complaints.extend(of_rows.map(|text| format!("{}: rows\n{text}", case.name)));
        complaints.extend(of_changes.map(|text| format!("{}: changes\n{text}", case.name)));
    }
    complaints
}

#[test]
fn what_flink_emitted_leaves_what_it_ended_with() {
    for case in cases() {
        let Some(changes) = case.recorded("changelog.jsonl") else { continue };
        let wanted = case.recorded("expected.jsonl").expect("an answer");
        for sink in case.sinks() {
            let left = standing(sink, &changes).unwrap_or_else(|error| panic!("{}: {error}", case.name));
            let difference = difference(sink, &wanted, &left);
            assert!(difference.is_none(), "{}: {}", case.name, difference.unwrap_or_default());
        }
    }
}

fn table(columns: &[(&str, &str)], key: &[&str]) -> Table {
    Table {
        name: "t".to_owned(),
        columns: columns.iter().map(|&(name, data_type)| (name.to_owned(), data_type.to_owned())).collect(),
        key: key.iter().map(|&name| name.to_owned()).collect(),
        head: String::new(),
        options: Default::default(),
    }
}

fn changes(lines: &[&str]) -> Vec<Change> {
    let full = lines.iter().map(|line| format!("{{\"table\":\"t\",{line}}}\n"));
    Change::read_all(&full.collect::<String>())
}

#[test]
fn values_compare_by_their_type() {
    let alike = |data_type: &str, a: &str, b: &str| {
        let row = |value: &str| changes(&[&format!("\"value\":{{\"x\":{value}}}")]);
        difference(&table(&[("x", data_type)], &[]), &row(a), &row(b)).is_none()
    };

    for (data_type, a, b) in [
        ("DOUBLE", "0.1", "0.10000000000000001"),
        ("DOUBLE", "\"NaN\"", "\"NaN\""),
        ("DECIMAL(38, 2)", "12345678901234567890123456789012345.10", "12345678901234567890123456789012345.1"),
        ("TIMESTAMP(3)", "\"2025-12-09T11:30:00.500\"", "\"2025-12-09 11:30:00.5\""),
        ("ROW<a DOUBLE, b INT>", r#"{"a":0.5,"b":1}"#, r#"{"b":1,"a":0.50000000001}"#),
    ] {
        assert!(alike(data_type, a, b), "{data_type}: {a} and {b}");
    }

    for (data_type, a, b) in [
        ("DOUBLE", "0.1", "0.1000001"),
        (
            "DECIMAL(38, 2)",
            "12345678901234567890123456789012345.10",
            "12345678901234567890123456789012345.11",
        ),
        ("TIMESTAMP(3)", "\"2025-12-09T11:30:00.500\"", "\"2025-12-09 11:30:00\""),
        ("STRING", "\"1.0\"", "\"1\""),
        ("BIGINT", "9007199254740993", "9007199254740992"),
        ("INT", "0", "null"),
        ("ARRAY<INT>", "[1,2]", "[2,1]"),
    ] {
        assert!(!alike(data_type, a, b), "{data_type}: {a} and {b}");
    }
}

#[test]
fn changes_fold_into_the_rows_that_stand() {
    let log = changes(&[
        r#""op":"+I","value":{"k":"a","n":1}"#,
        r#""op":"+I","value":{"k":"a","n":1}"#,
        r#""op":"-U","value":{"k":"a","n":1}"#,
        r#""op":"+U","value":{"k":"a","n":2}"#,
    ]);
    let columns = [("k", "STRING"), ("n", "INT")];
    assert_eq!(standing(&table(&columns, &[]), &log).map(|rows| rows.len()), Ok(2));
    let keyed = standing(&table(&columns, &["k"]), &log).expect("rows");
    assert_eq!(Change::write_all(&keyed), "{\"table\":\"t\",\"value\":{\"k\":\"a\",\"n\":2}}\n");

    let unknown = changes(&[r#""op":"-D","value":{"k":"a","n":1}"#]);
    assert!(standing(&table(&columns, &[]), &unknown).is_err());
    assert_eq!(standing(&table(&columns, &["k"]), &unknown).map(|rows| rows.len()), Ok(0));
}
