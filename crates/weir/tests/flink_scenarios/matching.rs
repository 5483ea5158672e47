//! Compares an answer with a step's conditions: paths into JSON, and kinds of values.
//!
//! The parts of a path are separated by points: a field, an index in an array, `*` for every element or value
//! (at least one must exist), `(a|b)` for several, `[jid=…]` for the element with such a text. The empty path
//! is the whole answer.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

use super::scenario::{Step, filled, filled_in};

/// Returns all deviations from the step's conditions.
pub fn complaints(step: &Step, answer: &Value, variables: &BTreeMap<String, String>) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut every = |path: &str, wanted: &str, holds: &dyn Fn(&Value) -> bool| {
        let wrong = |value: &&Value| !holds(value);
        match filled(path, variables).and_then(|path| find(answer, &path)) {
            Err(error) => complaints.push(error),
            Ok(found) => complaints.extend(
                found.into_iter().filter(wrong).map(|value| format!("{path}: {value} is not {wanted}")),
            ),
        }
    };

    for (path, wanted) in &step.is {
        match filled_in(wanted, variables) {
            Ok(wanted) => every(path, &wanted.to_string(), &|value| *value == wanted),
            Err(error) => every(path, &error, &|_| false),
        }
    }

    for (path, wanted) in &step.any {
        let wanted_text = format!("any of {wanted:?}");
        every(path, &wanted_text, &|value| wanted.contains(value));
    }

    for (kind, paths) in &step.has {
        for path in paths {
            every(path, &format!("of the kind {kind}"), &|value| is_of_kind(kind, value));
        }
    }

    for (path, expression) in &step.matches {
        let regex = filled(expression, variables)
            .and_then(|text| Regex::new(&text).map_err(|error| error.to_string()));
        match regex {
            Ok(regex) => every(path, &format!("like {regex}"), &|value| {
                value.as_str().is_some_and(|text| regex.is_match(text))
            }),
            Err(error) => every(path, &error, &|_| false),
        }
    }

    for path in &step.absent {
        match filled(path, variables).map(|path| find(answer, &path)) {
            Ok(Ok(found)) => complaints.push(format!("{path}: {found:?} should not be there")),
            Ok(Err(_)) => {}
            Err(error) => complaints.push(error),
        }
    }
    complaints
}

/// # Panics
///
/// When there is no such kind.
fn is_of_kind(kind: &str, value: &Value) -> bool {
    let is_number = |text: &str| text == "NaN" || text.parse::<f64>().is_ok();
    match kind {
        "int" => value.is_i64() || value.is_u64(),
        // A length or a number of things.
        "count" => value.is_u64(),
        "positive" => value.as_u64().is_some_and(|number| number > 0),
        // Milliseconds since 1970, later than 2020.
        "moment" => value.as_i64().is_some_and(|ms| ms > 1_577_836_800_000),
        "number" => value.is_number(),
        // Numbers that may be unknown: Java's NaN is sent as a text.
        "measure" => value.is_number() || value == "NaN",
        "measure in text" => value.as_str().is_some_and(is_number),
        "bool" => value.is_boolean(),
        "string" => value.is_string(),
        "words" => value.as_str().is_some_and(|text| !text.is_empty()),
        "id" => value.as_str().is_some_and(|text| {
            text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        }),
        "array" => value.is_array(),
        "some" => value.as_array().is_some_and(|values| !values.is_empty()),
        "object" => value.is_object(),
        "null" => value.is_null(),
        other => panic!("there is no kind {other:?}"),
    }
}

/// Returns all values at a path, at least one.
///
/// # Errors
///
/// Fails where the path ends too early.
pub fn find<'a>(answer: &'a Value, path: &str) -> Result<Vec<&'a Value>, String> {
    let mut found = vec![answer];
    for part in parts(path) {
        let mut next = Vec::new();
        for value in found {
            let before = next.len();
            step_into(value, part, &mut next)
                .ok_or_else(|| format!("{path}: there is no {part} in {}", short(value)))?;
            if next.len() == before {
                return Err(format!("{path}: there is nothing at {part}"));
            }
        }
        found = next;
    }
    Ok(found)
}

fn step_into<'a>(value: &'a Value, part: &str, found: &mut Vec<&'a Value>) -> Option<()> {
    let within = |open: char, close: char| part.strip_prefix(open)?.strip_suffix(close);
    if part == "*" {
        match value {
            Value::Array(values) => found.extend(values),
            Value::Object(fields) => found.extend(fields.values()),
            _ => return None,
        }
    } else if let Some(names) = within('(', ')') {
        for name in names.split('|') {
            step_into(value, name, found)?;
        }
    } else if let Some((field, wanted)) = within('[', ']').and_then(|of| of.split_once('=')) {
        let is_wanted = |element: &&Value| element[field].as_str() == Some(wanted);
        found.push(value.as_array()?.iter().find(is_wanted)?);
    } else if let (Value::Array(values), Ok(place)) = (value, part.parse::<usize>()) {
        found.push(values.get(place)?);
    } else {
        found.push(value.get(part)?);
    }
    Some(())
}

/// Splits a path at its points outside of brackets.
fn parts(path: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut from, mut depth) = (0, 0);
    for (at, byte) in path.bytes().enumerate() {
        match byte {
            b'[' | b'(' => depth += 1,
            b']' | b')' => depth -= 1,
            b'.' if depth == 0 => {
                parts.push(&path[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    if !path.is_empty() {
        parts.push(&path[from..]);
    }
    parts
}

pub fn short(value: &Value) -> String {
    value.to_string().chars().take(600).collect()
}

#[test]
fn paths_lead_to_all_that_they_name() {
    let answer = serde_json::json!({"jobs": [
        {"id": "a.b", "tasks": {"total": 1, "running": 2}},
        {"id": "c", "tasks": {"total": 3, "running": 4}},
    ], "none": []});
    let of = |path: &str| find(&answer, path).map(|found| serde_json::json!(found).to_string());
    assert_eq!(of("jobs.*.id"), Ok(r#"["a.b","c"]"#.to_owned()));
    assert_eq!(of("jobs.1.tasks.(running|total)"), Ok("[4,3]".to_owned()));
    assert_eq!(of("jobs.0.tasks.*"), Ok("[2,1]".to_owned()));
    assert_eq!(of("jobs.[id=a.b].tasks.total"), Ok("[1]".to_owned()));
    assert_eq!(find(&answer, ""), Ok(vec![&answer]));
    for path in
        ["jobs.2", "jobs.*.name", "jobs.0.tasks.(total|failed)", "jobs.[id=d]", "none.*", "jobs.0.id.*"]
    {
        assert!(of(path).is_err(), "{path}");
    }
}

#[test]
fn what_is_not_as_wanted_is_said() {
    let step = |more: &str| -> Step {
        toml::from_str(&format!("name = ''\nask = 'GET /'\nstatus = 200\n{more}")).expect("a step")
    };
    let answer = serde_json::json!({"a": 1, "b": "x", "c": null, "d": "NaN", "e": []});

    let of = |more: &str| complaints(&step(more), &answer, &BTreeMap::new()).len();
    for right in [
        "is = {a = 1, b = 'x'}",
        "any = {b = ['y', 'x']}",
        "has = {int = ['a'], words = ['b'], null = ['c'], measure = ['a', 'd'], array = ['e']}",
        "matches = {b = '^x$'}",
        "absent = ['f', 'e.0']",
    ] {
        assert_eq!(of(right), 0, "{right}");
    }

    for wrong in [
        "is = {a = '1'}",
        "is = {a = 1.0}",
        "is = {f = 1}",
        "is = {b = '{nobody}'}",
        "any = {b = ['y']}",
        "has = {id = ['b']}",
        "has = {some = ['e']}",
        "has = {moment = ['a']}",
        "matches = {b = 'y'}",
        "matches = {a = '1'}",
        "absent = ['c']",
    ] {
        assert_eq!(of(wrong), 1, "{wrong}");
    }
}
