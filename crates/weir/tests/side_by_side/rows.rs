//! Rows of a changelog: computes the final rows, and compares those of two engines.
//!
//! In a table with a primary key, `+I` and `+U` put a row under its key, and `-U` and `-D` remove the row
//! under it. Any other table is a multiset: `+I` and `+U` add a row, and `-U` and `-D` remove an equal row,
//! which must exist. Intermediate changes and their number may differ.
//!
//! Values compare by their declared type: timestamps as instants, doubles to 1e-9, floats to 2e-6, decimals
//! by value, and all others exactly.
#![allow(dead_code, reason = "each program uses a part of it")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::case::Table;

/// A line of a result: a final row (without `op`), or a change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Change {
    pub table: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op: Option<String>,
    /// Columns as the engine wrote them, so that a number with more digits than a double is unchanged.
    pub value: BTreeMap<String, Box<RawValue>>,
}

impl Change {
    pub fn read_all(text: &str) -> Vec<Change> {
        let lines = text.lines().filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect()
    }

    pub fn write_all(changes: &[Change]) -> String {
        changes.iter().fold(String::new(), |mut text, change| {
            writeln!(text, "{}", serde_json::to_string(change).expect("a row is JSON"))
                .expect("a text grows");
            text
        })
    }

    fn is_gone(&self) -> bool {
        matches!(self.op.as_deref(), Some("-U" | "-D"))
    }

    /// Returns its values in the order of a table's columns.
    fn values(&self, table: &Table) -> Vec<Scalar> {
        let of = |(name, data_type): &(String, String)| match self.value.get(name) {
            Some(raw) => Scalar::of(raw.get(), data_type),
            None => Scalar::Null,
        };
        table.columns.iter().map(of).collect()
    }
}

/// A value in comparable form.
#[derive(Debug, Clone, PartialEq)]
enum Scalar {
    Null,
    /// With the permitted relative difference.
    Float(f64, f64),
    Exact(String),
    /// A nested value.
    Nested(Value),
}

impl Scalar {
    fn of(raw: &str, data_type: &str) -> Scalar {
        let value: Value = serde_json::from_str(raw).expect("JSON was read");
        let text = value.as_str().unwrap_or(raw);
        let float = |tolerance| Scalar::Float(text.parse().unwrap_or(f64::NAN), tolerance);
        match data_type.split(['(', '<', ' ']).next().unwrap_or_default() {
            _ if value.is_null() => Scalar::Null,
            "DOUBLE" => float(1e-9),
            "FLOAT" => float(2e-6),
            "DECIMAL" => Scalar::Exact(plain_decimal(text)),
            "TIMESTAMP" | "TIMESTAMP_LTZ" => Scalar::Exact(plain_time(text)),
            _ if value.is_object() || value.is_array() => Scalar::Nested(value),
            _ => Scalar::Exact(raw.to_owned()),
        }
    }

    fn is_like(&self, other: &Scalar) -> bool {
        match (self, other) {
            (Scalar::Float(a, tolerance), Scalar::Float(b, _)) => are_close(*a, *b, *tolerance),
            (Scalar::Nested(a), Scalar::Nested(b)) => are_alike(a, b),
            (a, b) => a == b,
        }
    }
}

fn are_close(a: f64, b: f64, tolerance: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(1.0)
}

/// Returns whether nested values are alike. They have no declared type here: numbers compare as doubles.
fn are_alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a == b || are_close(a.as_f64().unwrap_or(f64::NAN), b.as_f64().unwrap_or(f64::NAN), 2e-6)
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| are_alike(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(name, value)| b.get(name).is_some_and(|other| are_alike(value, other)))
        }
        (a, b) => a == b,
    }
}

/// Normalizes a decimal: `1.50` and `1.5` are equal, as are `1.5E+3` and `1500`.
fn plain_decimal(text: &str) -> String {
    if text.contains(['E', 'e']) {
        return text.parse::<f64>().map_or_else(|_| text.to_owned(), |number| number.to_string());
    }
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    text.to_owned()
}

/// Normalizes a time: `2025-12-09T11:30:00.500Z` and `2025-12-09 11:30:00.5` are equal.
fn plain_time(text: &str) -> String {
    let text = text.replace('T', " ").trim_end_matches('Z').to_owned();
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text.len() == "2025-12-09 11:30".len() { format!("{text}:00") } else { text.to_owned() }
}

/// Returns the final rows of a table after its changes.
///
/// # Errors
/// Fails when a change retracts a row that does not exist.
pub fn standing(table: &Table, changes: &[Change]) -> Result<Vec<Change>, String> {
    let key: Vec<usize> =
        (0..table.columns.len()).filter(|&column| table.key.contains(&table.columns[column].0)).collect();
    let mut rows: Vec<(Vec<Scalar>, Change)> = Vec::new();
    for change in changes.iter().filter(|change| change.table == table.name) {
        let values = change.values(table);
        let is_same = |(row, _): &(Vec<Scalar>, Change)| match key.is_empty() {
            true => row.iter().zip(&values).all(|(a, b)| a.is_like(b)),
            false => key.iter().all(|&column| row[column].is_like(&values[column])),
        };
        let place = rows.iter().position(is_same);

        match (change.is_gone(), place) {
            (true, Some(place)) => drop(rows.remove(place)),
            (true, None) if key.is_empty() => {
                return Err(format!("{} takes back what is not there: {}", table.name, line(change)));
            }
            (true, None) => {}
            (false, Some(place)) if !key.is_empty() => rows[place] = (values, change.clone()),
            (false, _) => rows.push((values, change.clone())),
        }
    }
    Ok(rows.into_iter().map(|(_, change)| Change { op: None, ..change }).collect())
}

/// Returns the difference between the rows of two engines; `None` where there is none.
pub fn difference(table: &Table, wanted: &[Change], given: &[Change]) -> Option<String> {
    let mut extra: Vec<&Change> = given.iter().filter(|row| row.table == table.name).collect();
    let mut missing = Vec::new();
    for row in wanted.iter().filter(|row| row.table == table.name) {
        let values = row.values(table);
        let is_same = |other: &&Change| values.iter().zip(other.values(table)).all(|(a, b)| a.is_like(&b));
        match extra.iter().position(is_same) {
            Some(place) => drop(extra.remove(place)),
            None => missing.push(row),
        }
    }
    if missing.is_empty() && extra.is_empty() {
        return None;
    }

    let list = |rows: &[&Change]| {
        let shown: String = rows.iter().take(5).map(|row| format!("\n    {}", line(row))).collect();
        format!("{}{shown}", rows.len())
    };
    Some(format!("  {}: missing {}\n  extra {}", table.name, list(&missing), list(&extra)))
}

fn line(change: &Change) -> String {
    serde_json::to_string(change).expect("a row is JSON")
}
