//! `JSON_VALUE`: one scalar out of a JSON text.
//!
//! A path is strict unless it begins with `lax`: there a missing member is an error, not emptiness. Numbers and
//! booleans come as text, numbers with the digits they are written with (`-7.50`, and `1E+3` for `1e3`); an object or
//! array is an error when strict and nothing when lax.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::value::RawValue;
use types::{DataType, Scalar};

use super::signature::{
    Kind, fail, function, literal_text, mismatch, nullable, optional_text, shortened, text,
};
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
                write(value, out);
                return out.within_bounds();
            }
            Found::Nothing => (&on_empty, 3, "the JSON path finds nothing"),
            Found::Error => (&on_error, 5, "the JSON path cannot be followed"),
        };
        match (behaviour.as_str(), optional_text(args, default)) {
            ("ERROR", _) => {
                let json = shortened(text(args, 0));
                return Err(fail(format!(
                    "{what} in {json}; NULL ON ERROR and NULL ON EMPTY give NULL instead"
                )));
            }
            ("DEFAULT", Some(default)) => out.text(default),
            _ => out.null(),
        }
        Ok(())
    }))
}

enum Found<'a> {
    Scalar(&'a RawValue),
    Nothing,
    Error,
}

/// Follows the path through the text, so that a number is found as it is written.
fn find<'a>(json: &'a str, path: &Path) -> Found<'a> {
    let absent = || if path.lax { Found::Nothing } else { Found::Error };
    let Ok(mut value) = serde_json::from_str::<&RawValue>(json) else { return absent() };

    for step in &path.steps {
        let next = match step {
            Step::Member(name) => serde_json::from_str::<HashMap<Cow<'_, str>, &RawValue>>(value.get())
                .ok()
                .and_then(|members| members.get(name.as_str()).copied()),
            Step::Element(index) => serde_json::from_str::<Vec<&RawValue>>(value.get())
                .ok()
                .and_then(|elements| elements.get(*index).copied()),
        };
        match next {
            Some(next) => value = next,
            None => return absent(),
        }
    }

    if value.get().starts_with(['{', '[']) { absent() } else { Found::Scalar(value) }
}

fn write(value: &RawValue, out: &mut Output) {
    match value.get() {
        "null" => out.null(),
        text @ ("true" | "false") => out.text(text),
        text if text.starts_with('"') => match serde_json::from_str::<Cow<'_, str>>(text) {
            Ok(text) => out.text(&text),
            Err(_) => out.null(),
        },
        number => out.write_text(|to| write_number(number, to)),
    }
}

/// Writes a number of JSON as Java's `BigDecimal` does: with all of its digits, and with an exponent where it is written
/// with a positive one, or where the first digit that counts stands more than six places behind the point.
fn write_number(number: &str, to: &mut String) {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let unsigned = mantissa.trim_start_matches('-');
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));

    let all = format!("{whole}{fraction}");
    let digits = match all.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    // An exponent beyond an `i32` is none of a BigDecimal; the number is left as it is written.
    let Ok(exponent) = exponent.parse::<i32>() else { return to.push_str(number) };
    let scale = fraction.len() as i64 - i64::from(exponent);
    let first = digits.len() as i64 - 1 - scale;

    if mantissa.starts_with('-') && digits != "0" {
        to.push('-');
    }
    if scale == 0 {
        to.push_str(digits);
    } else if scale > 0 && first >= -6 {
        let places = scale as usize;
        let padded = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = padded.split_at(padded.len() - places);
        to.extend([whole, ".", fraction]);
    } else {
        let (head, tail) = digits.split_at(1);
        to.push_str(head);
        if !tail.is_empty() {
            to.extend([".", tail]);
        }
        to.push_str(&format!("E{first:+}"));
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
