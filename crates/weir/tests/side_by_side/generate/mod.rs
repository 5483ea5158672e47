//! Generates cases from a seed: tables, their rows, and a query over them.
//!
//! The same seed gives the same case. The rows have nulls, duplicates and limits of their types, and come out
//! of order. Rows are late only where the answer depends on one table. The queries avoid what Flink leaves
//! open: orders end with the unique `id`, and cases with two tables have no late rows, because either table
//! may be read first.
//!
//! They also avoid Flink's faulty answers, which `docs/flink.md` lists.

mod combined;
mod joins;
mod parts;
mod single;
mod tables;
mod windows;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use parts::{Dice, Kind};
use tables::{Made, Rows};

/// A query with the types of its columns.
struct Query {
    columns: Vec<Kind>,
    sql: String,
    /// The views that the query reads.
    views: Vec<String>,
    tables: Vec<Made>,
}

impl Query {
    fn new(columns: Vec<Kind>, sql: String, tables: Vec<Made>) -> Query {
        Query { columns, sql, views: vec![], tables }
    }
}

/// A form of queries, with the name that tells the subject of a case.
type Form = (&'static str, fn(&mut Dice) -> Query);

const FORMS: [Form; 29] = [
    ("group", single::group),
    ("grouping-sets", single::grouping_sets),
    ("distinct", single::distinct),
    ("cascade", single::cascade),
    ("top", single::top),
    ("deduplicate", single::deduplicate),
    ("order", single::order),
    ("over", single::over),
    ("values", single::values),
    ("unnest", single::unnest),
    ("match", single::matched),
    ("window", windows::window),
    ("session", windows::session),
    ("group-window", windows::group_window),
    ("window-over-window", windows::over_window),
    ("window-top", windows::top),
    ("window-join", windows::join),
    ("join", joins::join),
    ("join-of-groups", joins::join_of_groups),
    ("interval-join", joins::interval_join),
    ("temporal-join", joins::temporal_join),
    ("set-operation", joins::set_operation),
    ("subquery", joins::subquery),
    ("scalar-subquery", joins::scalar_subquery),
    ("window-over", combined::window_over),
    ("over-join", combined::over_join),
    ("join-of-three", combined::join_of_three),
    ("over-set", combined::over_set),
    ("join-of-windows", combined::join_of_windows),
];

/// Writes the case of a seed to a directory, and returns its subject.
pub fn write(seed: u64, directory: &Path) -> &'static str {
    let mut dice = Dice::new(seed);
    // In turns, so that consecutive seeds have all forms.
    let (name, make) = FORMS[(seed % FORMS.len() as u64) as usize];
    let query = make(&mut dice);

    let mut script = String::new();
    for table in &query.tables {
        script += &table.declaration;
        write_rows(directory, table);
    }
    let columns = query.columns.iter().enumerate().map(|(at, kind)| format!("  c{at} {}", kind.sql()));
    let columns = columns.collect::<Vec<_>>().join(",\n");
    writeln!(script, "CREATE TABLE res (\n{columns}\n) WITH ('connector' = 'print');").expect("a text grows");
    for view in &query.views {
        writeln!(script, "{view};").expect("a text grows");
    }
    writeln!(script, "INSERT INTO res\n{};", query.sql).expect("a text grows");
    fs::write(directory.join("job.sql"), script).expect("the script is written");
    name
}

fn write_rows(directory: &Path, table: &Made) {
    let Rows(rows) = &table.rows;
    let text: String = rows.iter().map(|row| row.to_string() + "\n").collect();
    fs::write(directory.join(format!("input.{}.jsonl", table.name)), text).expect("the rows are written");
}
