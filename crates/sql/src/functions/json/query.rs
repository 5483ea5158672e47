//! `JSON_QUERY`, `JSON_EXISTS` and `IS JSON`: return parts of a JSON text as JSON, or test for them.

use std::sync::Arc;

use types::{DataType, Scalar};

use super::super::signature::{
    ArgumentKind, fail, function, literal_text, mismatch, nullable, optional_text, shortened, simple, text,
    typed,
};
use super::super::{
    Argument, Code, Env, EvalError, Nulls, Output, ScalarCall, ScalarFunction, Signature, SignatureError,
};
use super::path::{Found, Path, elements, parse_first};
use super::text::write_compact;

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        nulls: Nulls::Handled,
        ..function(
            "JSON_QUERY",
            "JSON_QUERY(json, path [WITH [CONDITIONAL] WRAPPER] [NULL | EMPTY ARRAY | EMPTY OBJECT | ERROR ON EMPTY] [… ON ERROR]), bound as JSON_QUERY(json, path, 'WITHOUT', 'NULL', 'NULL'): an object or array as text; JSON_QUERY('{\"a\": [1]}', '$.a') = '[1]'",
            query_signature,
            query,
        )
    },
    ScalarFunction {
        nulls: Nulls::Handled,
        ..function(
            "JSON_EXISTS",
            "JSON_EXISTS(json, path [TRUE | FALSE | UNKNOWN | ERROR ON ERROR]), bound as JSON_EXISTS(json, path, 'FALSE'): whether the path leads to anything; JSON_EXISTS('{\"a\": 1}', '$.a') = TRUE",
            exists_signature,
            exists,
        )
    },
    function(
        "$JSON_TEXTS",
        "JSON_QUERY(… RETURNING ARRAY<STRING>): the elements of a JSON array as texts",
        |args| {
            let texts = DataType::Array(Box::new(DataType::STRING.nullable()));
            nullable(args, "<json>", &[ArgumentKind::Text], 1, texts)
        },
        |_| simple(texts),
    ),
    ScalarFunction {
        nulls: Nulls::Handled,
        ..function(
            "$IS_JSON",
            "x IS JSON [VALUE | OBJECT | ARRAY | SCALAR]: whether a text is JSON",
            is_json_signature,
            is_json,
        )
    },
];

const WRAPPERS: &[&str] = &["WITHOUT", "CONDITIONAL", "UNCONDITIONAL"];
const INSTEAD: &[&str] = &["NULL", "ERROR", "EMPTY ARRAY", "EMPTY OBJECT"];
const ON_ERROR: &[&str] = &["TRUE", "FALSE", "UNKNOWN", "ERROR"];
const KINDS: &[&str] = &["VALUE", "OBJECT", "ARRAY", "SCALAR"];

fn query_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let expected = "<json>, <path>[, <wrapper>, <on empty>, <on error>]";
    let instead = ArgumentKind::Word(INSTEAD);
    match args.len() {
        2 => nullable(args, expected, &[ArgumentKind::Text; 2], 2, DataType::STRING),
        5 => {
            let kinds =
                [ArgumentKind::Text, ArgumentKind::Text, ArgumentKind::Word(WRAPPERS), instead, instead];
            nullable(args, expected, &kinds, 5, DataType::STRING)
        }
        _ => Err(mismatch(expected)),
    }
}

/// Returns the path of a call, parsed once if it is a literal.
fn literal_path(call: &ScalarCall<'_>) -> Result<Option<Path>, String> {
    literal_text(call, 1).map(Path::parse).transpose()
}

fn path_of<'p>(
    literal: Option<&'p Path>,
    given: &str,
    parsed: &'p mut Option<Path>,
) -> Result<&'p Path, EvalError> {
    match literal {
        Some(path) => Ok(path),
        None => Ok(parsed.insert(Path::parse(given).map_err(fail)?)),
    }
}

fn query(call: &ScalarCall<'_>) -> Result<Code, String> {
    let literal = literal_path(call)?;
    let word = |at, default: &str| literal_text(call, at).unwrap_or(default).trim_end().to_uppercase();
    let (wrapper, on_empty, on_error) = (word(2, "WITHOUT"), word(3, "NULL"), word(4, "NULL"));

    Ok(Arc::new(move |_: &Env, args: &[Scalar<'_>], out: &mut Output| -> Result<(), EvalError> {
        let (Some(json), Some(path)) = (optional_text(args, 0), optional_text(args, 1)) else {
            out.null();
            return Ok(());
        };
        let mut parsed = None;
        let path = path_of(literal.as_ref(), path, &mut parsed)?;

        let mut written = String::new();
        let is_array = match path.find(json) {
            Found::Nothing => {
                let (instead, what) = match path.lax {
                    true => (&on_empty, "the JSON path finds nothing"),
                    false => (&on_error, "the JSON path cannot be followed"),
                };
                return give_instead(instead, what, json, out);
            }
            Found::One(value) => {
                write_compact(value, &mut written);
                value.get().starts_with('[')
            }
            Found::Many(values) => {
                written.push('[');
                for (at, value) in values.into_iter().enumerate() {
                    written.push_str(if at > 0 { "," } else { "" });
                    write_compact(value, &mut written);
                }
                written.push(']');
                true
            }
        };

        match wrapper.as_str() {
            "UNCONDITIONAL" => out.text(&format!("[{written}]")),
            "CONDITIONAL" if !is_array => out.text(&format!("[{written}]")),
            "WITHOUT" if !is_array && !written.starts_with('{') => {
                // JSON_QUERY without a wrapper does not return scalars.
                let (instead, what) = match path.lax {
                    true => (&on_empty, "the JSON path leads to a scalar"),
                    false => (&on_error, "the JSON path leads to a scalar"),
                };
                return give_instead(instead, what, json, out);
            }
            _ => out.text(&written),
        }
        out.within_bounds()
    }))
}

fn give_instead(instead: &str, what: &str, json: &str, out: &mut Output) -> Result<(), EvalError> {
    match instead {
        "EMPTY ARRAY" => out.text("[]"),
        "EMPTY OBJECT" => out.text("{}"),
        "ERROR" => {
            let json = shortened(json);
            return Err(fail(format!("{what} in {json}; NULL ON ERROR and NULL ON EMPTY give NULL instead")));
        }
        _ => out.null(),
    }
    Ok(())
}

fn exists_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let kinds = [ArgumentKind::Text, ArgumentKind::Text, ArgumentKind::Word(ON_ERROR)];
    nullable(args, "<json>, <path>[, <on error>]", &kinds, 2, DataType::Boolean)
}

fn exists(call: &ScalarCall<'_>) -> Result<Code, String> {
    let literal = literal_path(call)?;
    let on_error = literal_text(call, 2).unwrap_or("FALSE").trim_end().to_uppercase();

    Ok(Arc::new(move |_: &Env, args: &[Scalar<'_>], out: &mut Output| -> Result<(), EvalError> {
        let (Some(json), Some(path)) = (optional_text(args, 0), optional_text(args, 1)) else {
            out.null();
            return Ok(());
        };
        let mut parsed = None;
        let path = path_of(literal.as_ref(), path, &mut parsed)?;

        let found = match path.find(json) {
            Found::Nothing => false,
            // A JSON null counts as missing, as in Flink.
            Found::One(value) => value.get() != "null",
            Found::Many(_) => true,
        };
        match on_error.as_str() {
            // Only an explicitly strict path can fail.
            _ if found || !path.has_mode || path.lax => out.bool(found),
            "TRUE" => out.bool(true),
            "UNKNOWN" => out.null(),
            "ERROR" => {
                let json = shortened(json);
                return Err(fail(format!("the JSON path cannot be followed in {json}")));
            }
            _ => out.bool(false),
        }
        Ok(())
    }))
}

fn is_json_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let expected = "<text> IS JSON";
    let mut signature =
        typed(args, expected, &[ArgumentKind::Text, ArgumentKind::Word(KINDS)], 2, DataType::Boolean)?;
    signature.result.nullable = false;
    Ok(signature)
}

fn is_json(call: &ScalarCall<'_>) -> Result<Code, String> {
    let kind = literal_text(call, 1).unwrap_or("VALUE").trim_end().to_uppercase();
    simple(move |args, out| {
        let value = optional_text(args, 0).and_then(|_| parse_first(text(args, 0)));
        let first = value.and_then(|value| value.get().bytes().next());
        out.bool(match (kind.as_str(), first) {
            (_, None) => false,
            ("OBJECT", Some(first)) => first == b'{',
            ("ARRAY", Some(first)) => first == b'[',
            ("SCALAR", Some(first)) => first != b'{' && first != b'[',
            _ => true,
        });
    })
}

/// Returns an array of texts: strings without their quotes, other elements as JSON. Returns null if the value
/// is no array.
fn texts(args: &[Scalar<'_>], out: &mut Output) {
    let array = parse_first(text(args, 0)).filter(|json| json.get().starts_with('['));
    let Some(array) = array else { return out.null() };
    let texts = elements(array.get()).into_iter().map(|element| match element.get() {
        "null" => None,
        quoted if quoted.starts_with('"') => serde_json::from_str::<String>(quoted).ok(),
        _ => {
            let mut written = String::new();
            write_compact(element, &mut written);
            Some(written)
        }
    });
    let texts: Vec<Option<String>> = texts.collect();
    let values: Vec<Scalar<'_>> =
        texts.iter().map(|text| text.as_deref().map_or(Scalar::Null, Scalar::Text)).collect();
    out.write_bytes(|bytes| types::nested::write_list(&values, bytes));
}
