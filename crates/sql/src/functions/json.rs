//! `JSON_VALUE`: one scalar out of a JSON text.
//!
//! A path is strict unless it begins with `lax`: there a missing member is an error, not emptiness. Numbers and
//! booleans come as text; an object or array is an error when strict and nothing when lax.

use std::sync::Arc;

use serde_json::Value as Json;
use types::{DataType, Scalar};

use super::number_text::write_double;
use super::signature::{Kind, fail, function, literal_text, mismatch, nullable, optional_text, text};
use super::{Argument, Call, Code, Env, EvalError, Function, Nulls, Output, Signature, SignatureError};

pub(super) static FUNCTIONS: &[Function] = &[Function {
    nulls: Nulls::Handled,
    ..function(
        "JSON_VALUE",
        "JSON_VALUE(json, path [NULL | ERROR | DEFAULT x ON EMPTY] [… ON ERROR]), bound as JSON_VALUE(json, path, 'NULL', NULL, 'DEFAULT', x): a scalar as text; JSON_VALUE('{\"a\": 1}', '$.a') = '1'",
        signature,
        prepare,
    )
}];

const BEHAVIOURS: &[&str] = &["NULL", "ERROR", "DEFAULT"];

fn signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let expected = "<json>, <path>[, <on empty>, <default>, <on error>, <default>]";
    let behaviour = Kind::Word(BEHAVIOURS);
    match args.len() {
        2 => nullable(args, expected, &[Kind::Text; 2], 2, DataType::STRING),
        6 => nullable(
            args,
            expected,
            &[Kind::Text, Kind::Text, behaviour, Kind::Text, behaviour, Kind::Text],
            6,
            DataType::STRING,
        ),
        _ => Err(mismatch(expected)),
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Member(String),
    Element(usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Path {
    lax: bool,
    steps: Vec<Step>,
}

fn prepare(call: &Call<'_>) -> Result<Code, String> {
    let literal = literal_text(call, 1).map(parse_path).transpose()?;
    let behaviour = |at| literal_text(call, at).unwrap_or("NULL").trim_end().to_uppercase();
    let (on_empty, on_error) = (behaviour(2), behaviour(4));
    Ok(Arc::new(move |_: &Env, args: &[Scalar<'_>], out: &mut Output| -> Result<(), EvalError> {
        let (Some(json), Some(path)) = (optional_text(args, 0), optional_text(args, 1)) else {
            out.null();
            return Ok(());
        };
        let parsed;
        let path = match &literal {
            Some(path) => path,
            None => {
                parsed = parse_path(path).map_err(fail)?;
                &parsed
            }
        };
        let (behaviour, default, what) = match find(json, path) {
            Found::Scalar(value) => {
                write(&value, out);
                return Ok(());
            }
            Found::Nothing => (&on_empty, 3, "the JSON path finds nothing"),
            Found::Error => (&on_error, 5, "the JSON path cannot be followed"),
        };
        match (behaviour.as_str(), optional_text(args, default)) {
            ("ERROR", _) => return Err(fail(format!("{what} in '{}'", text(args, 0)))),
            ("DEFAULT", Some(default)) => out.text(default),
            _ => out.null(),
        }
        Ok(())
    }))
}

enum Found {
    Scalar(Json),
    Nothing,
    Error,
}

fn find(json: &str, path: &Path) -> Found {
    let absent = || if path.lax { Found::Nothing } else { Found::Error };
    let Ok(mut value) = serde_json::from_str::<Json>(json) else { return absent() };
    for step in &path.steps {
        let next = match (step, &mut value) {
            (Step::Member(name), Json::Object(members)) => members.remove(name),
            (Step::Element(index), Json::Array(elements)) if *index < elements.len() => {
                Some(elements.swap_remove(*index))
            }
            _ => None,
        };
        match next {
            Some(next) => value = next,
            None => return absent(),
        }
    }
    match value {
        Json::Object(_) | Json::Array(_) => absent(),
        scalar => Found::Scalar(scalar),
    }
}

fn write(value: &Json, out: &mut Output) {
    match value {
        Json::String(text) => out.text(text),
        Json::Bool(true) => out.text("true"),
        Json::Bool(false) => out.text("false"),
        Json::Number(number) => match (number.is_f64(), number.as_f64()) {
            (true, Some(double)) => out.write_text(|to| write_double(double, to)),
            _ => out.text(&number.to_string()),
        },
        Json::Null | Json::Array(_) | Json::Object(_) => out.null(),
    }
}

/// `[lax|strict] $`, then `.name`, `['name']` and `[n]`.
fn parse_path(text: &str) -> Result<Path, String> {
    let malformed = || format!("'{text}' is not a JSON path such as '$.a.b[0]'");
    let trimmed = text.trim();
    let (lax, rest) = match trimmed.split_once(char::is_whitespace) {
        Some((mode, rest)) if mode.eq_ignore_ascii_case("lax") => (true, rest.trim_start()),
        Some((mode, rest)) if mode.eq_ignore_ascii_case("strict") => (false, rest.trim_start()),
        _ => (false, trimmed),
    };
    let mut rest = rest.strip_prefix('$').ok_or_else(malformed)?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(member) = rest.strip_prefix('.') {
            let end = member.find(['.', '[']).unwrap_or(member.len());
            if end == 0 {
                return Err(malformed());
            }
            steps.push(Step::Member(member[..end].to_owned()));
            rest = &member[end..];
            continue;
        }
        let (inner, after) = rest.strip_prefix('[').and_then(|r| r.split_once(']')).ok_or_else(malformed)?;
        let quoted = inner.strip_prefix('\'').and_then(|i| i.strip_suffix('\''));
        steps.push(match quoted {
            Some(name) => Step::Member(name.to_owned()),
            None => Step::Element(inner.trim().parse().map_err(|_| malformed())?),
        });
        rest = after;
    }
    Ok(Path { lax, steps })
}
