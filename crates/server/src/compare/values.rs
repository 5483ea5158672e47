//! Which values of a pair of rows count as equal.

use serde_json::{Map, Value, json};

use super::Options;
use crate::analytics::{Kind, Moment};

/// Fields that say how a row was written, not what it counts.
const OF_WRITING: [&str; 3] = ["created_at", "is_final", "revision"];

/// How much two numbers with a fraction may differ: the greater of the two limits holds.
#[derive(Debug, Clone, Copy)]
pub struct Tolerance {
    /// A share of the greater number.
    pub relative: f64,
    pub absolute: f64,
}

impl Default for Tolerance {
    fn default() -> Tolerance {
        Tolerance { relative: 1e-9, absolute: 1e-9 }
    }
}

impl Tolerance {
    fn holds(self, a: f64, b: f64) -> bool {
        (a - b).abs() <= self.absolute.max(self.relative * a.abs().max(b.abs()))
    }
}

/// Returns the fields that differ, each as `[old, new]`.
pub(super) fn differences(
    kind: Kind,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    options: &Options,
) -> Map<String, Value> {
    let more = new.keys().filter(|name| !old.contains_key(*name));
    let names = old.keys().chain(more);
    let compared = names.filter(|name| {
        !OF_WRITING.contains(&name.as_str()) && !options.ignored.iter().any(|ignored| ignored == *name)
    });

    let differing = compared.filter_map(|name| {
        let (a, b) = (old.get(name).unwrap_or(&Value::Null), new.get(name).unwrap_or(&Value::Null));
        let equal = is_equal(kind, name, a, b, options.tolerance);
        (!equal).then(|| (name.clone(), json!([a, b])))
    });
    differing.collect()
}

fn is_equal(kind: Kind, name: &str, a: &Value, b: &Value, tolerance: Tolerance) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a == b,
            _ => a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| tolerance.holds(a, b)),
        },
        // An average over nothing is null in the rows of the old jobs, and 0 in ours.
        (Value::Null, Value::Number(number)) | (Value::Number(number), Value::Null) => {
            is_average(name) && number.as_f64() == Some(0.0)
        }
        (Value::String(a), Value::String(b)) if a == b => true,
        (Value::String(a), Value::String(b)) => match name {
            "window_start" | "window_end" => {
                Moment::parse(a).zip(Moment::parse(b)).is_some_and(|(a, b)| a == b)
            }
            // The old jobs kept the first digits only.
            "query_hash" => is_of_questions(kind) && (a.starts_with(b.as_str()) || b.starts_with(a.as_str())),
            _ => false,
        },
        (a, b) => a == b,
    }
}

fn is_average(name: &str) -> bool {
    name.starts_with("avg_") || matches!(name, "median_time" | "p95_time")
}

fn is_of_questions(kind: Kind) -> bool {
    matches!(kind, Kind::PopularQueries | Kind::PopularByYear)
}
