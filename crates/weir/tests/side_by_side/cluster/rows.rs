//! Rows of result tables, by their keys in Redis, and how those of two engines differ.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::super::support::Up;

/// The rows of a table by key.
pub type Rows = BTreeMap<String, Value>;

/// Returns the rows that stand in Weir's result store, by table, without those of open windows.
pub fn of_weir(up: &Up) -> BTreeMap<String, Rows> {
    let tables = up.get("/results");
    let tables = tables["tables"].as_array().into_iter().flatten();
    let names = tables.filter_map(|table| table["name"].as_str().map(str::to_owned));
    names.map(|table| (table.clone(), rows(&up.get(&format!("/results/{table}?limit=100000"))))).collect()
}

fn rows(answer: &Value) -> Rows {
    let rows = answer["rows"].as_array().into_iter().flatten();
    let closed = rows.filter(|row| row["_is_final"] == true);
    closed.map(|row| (row["_key"].as_str().expect("a key").to_owned(), row.clone())).collect()
}

/// Returns what the rows of Weir and Flink differ in: a few lines, or `None` if they are the same.
pub fn difference(weirs: &BTreeMap<String, Rows>, flinks: &BTreeMap<String, Rows>) -> Option<String> {
    let empty = Rows::new();
    let mut found = Vec::new();
    for (table, weirs) in weirs {
        let flinks = flinks.get(table).unwrap_or(&empty);
        let keys: BTreeSet<&String> = weirs.keys().chain(flinks.keys()).collect();
        for key in keys {
            let (weirs, flinks) = (weirs.get(key), flinks.get(key));
            let is_same = weirs.zip(flinks).is_some_and(|(weirs, flinks)| is_same(weirs, flinks));
            if !is_same {
                found.push(format!("{key}: Weir has {weirs:?}, Flink {flinks:?}"));
            }
        }
    }

    let count = found.len();
    found.truncate(4);
    (count > 0).then(|| format!("{count} rows differ\n{}", found.join("\n")))
}

/// Returns whether two rows have the same columns with the same values. The time at which a row was computed may differ, and a
/// floating number by a billionth: a mean depends on the order in which it is summed.
pub fn is_same(weirs: &Value, flinks: &Value) -> bool {
    let columns = |row: &Value| -> Map<String, Value> {
        let row = row.as_object().cloned().unwrap_or_default();
        row.into_iter().filter(|(name, _)| !name.starts_with('_') && name != "created_at").collect()
    };
    let (weirs, flinks) = (columns(weirs), columns(flinks));
    let is_close = |one: &Value, other: &Value| match (one, other) {
        (Value::Number(one), Value::Number(other)) if one.is_f64() || other.is_f64() => {
            let (one, other) = (one.as_f64().unwrap_or(f64::NAN), other.as_f64().unwrap_or(f64::NAN));
            (one - other).abs() <= 1e-9 * one.abs().max(1.0)
        }
        (one, other) => one == other,
    };
    weirs.len() == flinks.len()
        && weirs.iter().all(|(name, value)| flinks.get(name).is_some_and(|other| is_close(value, other)))
}
