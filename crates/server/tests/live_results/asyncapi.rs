//! Checks messages against `/asyncapi.json`, with the few words of JSON Schema that it uses.

use serde_json::Value;

pub fn document() -> Value {
    let text = include_str!("../../asyncapi.json");
    serde_json::from_str(text).expect("the description is JSON")
}

/// Fails if a message is not as described.
pub fn assert_described(message: &Value) {
    let document = document();
    let kind = message["type"].as_str().unwrap_or_default();
    let described = &document["channels"]["results"]["messages"][kind];
    assert!(described.is_object(), "no message {kind}: {message}");
    let payload = resolve(&document, described)["payload"].clone();
    let mut mistakes = Vec::new();
    check(&document, &payload, message, "$", &mut mistakes);
    assert!(mistakes.is_empty(), "{mistakes:#?} in {message}");
}

/// Fails if a reference leads nowhere.
pub fn assert_whole(openapi: &Value) {
    let document = document();
    let mut pending = vec![&document];
    let mut checked = 0;
    while let Some(value) = pending.pop() {
        match value {
            Value::Object(fields) => {
                if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                    let (of, path) = reference.split_once('#').expect("a reference");
                    let of = if of == "/openapi.json" { openapi } else { &document };
                    assert!(of.pointer(path).is_some(), "{reference} leads nowhere");
                    checked += 1;
                }
                pending.extend(fields.values());
            }
            Value::Array(items) => pending.extend(items),
            _ => {}
        }
    }
    assert!(checked > 30);
}

fn resolve<'d>(document: &'d Value, of: &'d Value) -> &'d Value {
    match of["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).expect("a schema"),
        None => of,
    }
}

fn check(document: &Value, schema: &Value, value: &Value, place: &str, mistakes: &mut Vec<String>) {
    let schema = resolve(document, schema);
    let known =
        ["type", "required", "additionalProperties", "properties", "const", "enum", "items", "description"];
    for word in schema.as_object().expect("a schema").keys() {
        assert!(known.contains(&word.as_str()), "the check does not know `{word}`");
    }

    let types: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is = |name: &&str| match *name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the check does not know the type {other}"),
    };
    if !types.is_empty() && !types.iter().any(is) {
        mistakes.push(format!("{place} is no {types:?}"));
    }
    if schema.get("const").is_some_and(|only| only != value) {
        mistakes.push(format!("{place} is not {}", schema["const"]));
    }
    if schema["enum"].as_array().is_some_and(|values| !values.contains(value)) {
        mistakes.push(format!("{place} is not one of {}", schema["enum"]));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            mistakes.push(format!("{place} lacks {name}"));
        }
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(name) {
            Some(schema) => check(document, schema, value, &format!("{place}.{name}"), mistakes),
            None if schema["additionalProperties"] == false => mistakes.push(format!("{place} has {name}")),
            None => {}
        }
    }
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        for (at, value) in values.iter().enumerate() {
            check(document, items, value, &format!("{place}[{at}]"), mistakes);
        }
    }
}
