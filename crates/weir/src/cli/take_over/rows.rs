//! Rows of one result table in two systems, and how they differ.
//!
//! Both systems write a row under the same key, and each in its own spelling: `2025-12-09 11:30:00.000` is
//! `2025-12-09T11:30:00`, and sums of floating numbers depend on their order. The columns' kinds say which spellings are equal.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Fields that say how a row was written, not what it counts.
const OF_WRITING: [&str; 3] = ["created_at", "is_final", "revision"];

/// A row by the names of its columns.
pub(in crate::cli) type Row = Map<String, Value>;

/// Rows by their keys.
pub(in crate::cli) type Rows = BTreeMap<String, Row>;

/// A column of a result table, as `GET /results` describes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(in crate::cli) struct Column {
    pub(in crate::cli) name: String,
    #[serde(rename = "type")]
    pub(in crate::cli) sql_type: String,
    pub(in crate::cli) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli) enum Kind {
    Boolean,
    Integer,
    Number,
    Text,
    Time,
    Json,
}

/// How the rows of a table are compared.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Comparison {
    pub(in crate::cli) columns: Vec<Column>,
    pub(in crate::cli) key: Vec<String>,
    /// Columns that are not compared.
    pub(in crate::cli) ignored: Vec<String>,
    /// Share by which two numbers with a fraction may differ.
    pub(in crate::cli) tolerance: f64,
}

/// Numbers of a table's rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::cli) struct Counts {
    pub(in crate::cli) equal: usize,
    pub(in crate::cli) different: usize,
    /// Rows that differ because late events have corrected them in Weir. Flink drops late events.
    pub(in crate::cli) corrected: usize,
    pub(in crate::cli) only_here: usize,
    pub(in crate::cli) only_there: usize,
}

/// A row that differs, or that one system does not have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::cli) struct Difference {
    pub(in crate::cli) table: String,
    /// `different`, `only_here` or `only_there`.
    pub(in crate::cli) kind: &'static str,
    pub(in crate::cli) here: Option<Row>,
    pub(in crate::cli) there: Option<Row>,
    /// Names of the columns that differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::cli) columns: Vec<String>,
}

impl Counts {
    pub(in crate::cli) fn rows(self) -> usize {
        self.equal + self.different + self.corrected + self.only_here + self.only_there
    }

    pub(in crate::cli) fn add(&mut self, other: Counts) {
        let Counts { equal, different, corrected, only_here, only_there } = other;
        self.equal += equal;
        self.different += different;
        self.corrected += corrected;
        self.only_here += only_here;
        self.only_there += only_there;
    }
}

impl Comparison {
    /// Returns the key of a row, in one spelling for both systems.
    pub(in crate::cli) fn key(&self, row: &Row) -> String {
        let values = self.key.iter().map(|name| {
            let value = row.get(name).unwrap_or(&Value::Null);
            let is_time = self.kind(name) == Kind::Time || is_bound(name);
            match (value, time(value)) {
                (_, Some(time)) if is_time => time.to_string(),
                // A null and the text `unknown` have the same key.
                (Value::Null, _) => "unknown".to_owned(),
                (value, _) => text(value),
            }
        });
        Value::from(values.collect::<Vec<String>>()).to_string()
    }

    /// Compares all rows of both systems.
    pub(in crate::cli) fn compare(
        &self,
        table: &str,
        here: &Rows,
        there: &Rows,
    ) -> (Counts, Vec<Difference>) {
        let mut counts = Counts::default();
        let mut differences = Vec::new();
        let keys: BTreeSet<&String> = here.keys().chain(there.keys()).collect();
        for key in keys {
            let (one, other) = (here.get(key), there.get(key));
            let columns = match (one, other) {
                (Some(one), Some(other)) => self.differing(one, other),
                _ => Vec::new(),
            };
            let kind = match (one, other) {
                (Some(_), Some(_)) if columns.is_empty() => {
                    counts.equal += 1;
                    continue;
                }
                (Some(here), Some(_)) if is_corrected(here) => {
                    counts.corrected += 1;
                    continue;
                }
                (Some(_), Some(_)) => {
                    counts.different += 1;
                    "different"
                }
                (Some(_), None) => {
                    counts.only_here += 1;
                    "only_here"
                }
                (None, _) => {
                    counts.only_there += 1;
                    "only_there"
                }
            };
            let (here, there) = (one.cloned(), other.cloned());
            differences.push(Difference { table: table.to_owned(), kind, here, there, columns });
        }
        (counts, differences)
    }

    fn differing(&self, one: &Row, other: &Row) -> Vec<String> {
        let compared = self.columns.iter().filter(|column| {
            let name = column.name.as_str();
            !OF_WRITING.contains(&name) && !self.ignored.iter().any(|ignored| ignored == name)
        });
        let null = Value::Null;
        let differing = compared.filter(|column| {
            let (one, other) =
                (one.get(&column.name).unwrap_or(&null), other.get(&column.name).unwrap_or(&null));
            !self.is_equal(column, one, other)
        });
        differing.map(|column| column.name.clone()).collect()
    }

    fn is_equal(&self, column: &Column, one: &Value, other: &Value) -> bool {
        if one == other {
            return true;
        }
        match column.kind {
            Kind::Number => match (number(one), number(other)) {
                (Some(one), Some(other)) => {
                    (one - other).abs() <= self.tolerance * one.abs().max(other.abs()).max(1.0)
                }
                _ => false,
            },
            Kind::Time => time(one).is_some() && time(one) == time(other),
            Kind::Text if is_bound(&column.name) => time(one).is_some() && time(one) == time(other),
            // Integers beyond the range of a JSON number may be texts.
            Kind::Integer => text(one) == text(other) && !one.is_null() && !other.is_null(),
            Kind::Boolean | Kind::Text | Kind::Json => false,
        }
    }

    fn kind(&self, name: &str) -> Kind {
        self.columns.iter().find(|column| column.name == name).map_or(Kind::Json, |column| column.kind)
    }
}

/// Returns the wall-clock milliseconds of a value that is a time without a zone, or in UTC.
pub(in crate::cli) fn time(value: &Value) -> Option<i64> {
    let text = value.as_str()?.trim_end_matches('Z').replacen(' ', "T", 1);
    let time: DateTime = text.parse().ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

/// Returns whether late events have corrected a row since it was final.
fn is_corrected(row: &Row) -> bool {
    row.get("_revision").and_then(Value::as_u64).is_some_and(|revision| revision > 0)
}

/// Returns whether a column has a bound of the row's window, by its name.
fn is_bound(name: &str) -> bool {
    storage::store::key::WINDOW_COLUMNS.contains(&name)
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        // Decimals with many digits, NaN and the infinities are texts.
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn comparison() -> Comparison {
        let column = |name: &str, kind| Column { name: name.to_owned(), sql_type: String::new(), kind };
        Comparison {
            columns: vec![
                column("k", Kind::Text),
                column("n", Kind::Integer),
                column("mean", Kind::Number),
                column("window_end", Kind::Text),
                column("at", Kind::Time),
                column("created_at", Kind::Text),
            ],
            key: vec!["k".to_owned(), "window_end".to_owned()],
            ignored: Vec::new(),
            tolerance: 1e-9,
        }
    }

    fn rows(all: &[Value]) -> Rows {
        let comparison = comparison();
        let row = |value: &Value| value.as_object().expect("an object").clone();
        all.iter().map(row).map(|row| (comparison.key(&row), row)).collect()
    }

    #[test]
    fn rows_are_equal_in_any_spelling() {
        let here = rows(&[
            json!({"k": "a", "n": 1, "mean": 0.3, "window_end": "2025-12-09T11:30:00", "at": "2025-12-09T11:29:00", "created_at": "x"}),
            json!({"k": null, "n": 2, "mean": null, "window_end": "2025-12-09T11:30:00", "at": null}),
        ]);
        let there = rows(&[
            json!({"k": "a", "n": 1, "mean": 0.1 + 0.2, "window_end": "2025-12-09 11:30:00", "at": "2025-12-09 11:29:00.000", "created_at": "y"}),
            json!({"k": null, "n": 2, "mean": null, "window_end": "2025-12-09T11:30:00.000", "at": null}),
        ]);
        let (counts, differences) = comparison().compare("t", &here, &there);
        assert_eq!((counts.equal, differences), (2, Vec::new()));
    }

    #[test]
    fn rows_that_late_events_have_corrected_are_counted_apart() {
        let end = "2025-12-09T11:30:00";
        let here = rows(&[json!({"k": "a", "n": 3, "window_end": end, "_revision": 1})]);
        let there = rows(&[json!({"k": "a", "n": 2, "window_end": end})]);
        let (counts, differences) = comparison().compare("t", &here, &there);
        assert_eq!((counts, differences), (Counts { corrected: 1, ..Counts::default() }, Vec::new()));
    }

    #[test]
    fn what_differs_is_told() {
        let end = "2025-12-09T11:30:00";
        let here = rows(&[
            json!({"k": "a", "n": 1, "mean": 1.0, "window_end": end}),
            json!({"k": "b", "n": 1, "mean": 1.0, "window_end": end}),
            json!({"k": "c", "n": null, "mean": 1.0, "window_end": end}),
        ]);
        let there = rows(&[
            json!({"k": "a", "n": 2, "mean": 1.1, "window_end": end}),
            json!({"k": "c", "n": 0, "mean": 1.0, "window_end": end}),
            json!({"k": "d", "n": 1, "mean": 1.0, "window_end": end}),
        ]);
        let (counts, differences) = comparison().compare("t", &here, &there);
        assert_eq!(counts, Counts { equal: 0, different: 2, corrected: 0, only_here: 1, only_there: 1 });
        assert_eq!(counts.rows(), 4);
        let told: Vec<(&str, Vec<String>)> =
            differences.into_iter().map(|of| (of.kind, of.columns)).collect();
        let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let expected = [
            ("different", columns(&["n", "mean"])),
            ("only_here", columns(&[])),
            ("different", columns(&["n"])),
            ("only_there", columns(&[])),
        ];
        assert_eq!(told, expected);
    }
}
