//! Cases made up from a seed: tables, their rows, and a query over them.
//!
//! The same seed makes the same case. The rows have nulls, duplicates and edges of their types, come out of order, and where
//! one table decides the answer alone, late. What Flink leaves open is kept out of the queries: orders end with the unique
//! `id`, and cases with two tables have no late rows, for which of two tables is read first is free.
//!
//! Kept out too are the answers of Flink that are faults, which `docs/flink.md` lists.

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
    /// Views that it reads.
    views: Vec<String>,
    tables: Vec<Made>,
}

impl Query {
    fn new(columns: Vec<Kind>, sql: String, tables: Vec<Made>) -> Query {
        Query { columns, sql, views: vec![], tables }
    }
}

/// A form of query, by the name that tells what a case is about.
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

/// Writes the case of a seed into a directory, and returns what it is about.
pub fn write(seed: u64, directory: &Path) -> &'static str {
    let mut dice = Dice::new(seed);
    // In turns, so that a row of seeds has each form.
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
