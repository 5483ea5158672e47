//! `JSON_VALUE`: extracts one scalar from a JSON text.
//!
//! A path is strict unless it begins with `lax`: in strict mode a missing member is an error, not an empty
//! result. Numbers and booleans are returned as text; numbers keep their digits (`-7.50`, and `1E+3` for
//! `1e3`). An object or array is an error in strict mode and empty in lax mode.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::value::RawValue;
use types::{DataType, Scalar};

use super::super::signature::{
    ArgumentKind, fail, function, literal_text, mismatch, nullable, optional_text, shortened, text,
};
use super::super::{
    Argument, Code, Env, EvalError, Nulls, Output, ScalarCall, ScalarFunction, Signature, SignatureError,
};
use super::path::{Found, Path};
use super::text::write_number;

pub(super) static FUNCTIONS: &[ScalarFunction] = &[ScalarFunction {
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
    let behaviour = ArgumentKind::Word(BEHAVIOURS);
    match args.len() {
        2 => nullable(args, expected, &[ArgumentKind::Text; 2], 2, DataType::STRING),
        6 => nullable(
            args,
            expected,
            &[
                ArgumentKind::Text,
                ArgumentKind::Text,
                behaviour,
                ArgumentKind::Text,
                behaviour,
                ArgumentKind::Text,
            ],
            6,
            DataType::STRING,
        ),
        _ => Err(mismatch(expected)),
    }
}

fn prepare(call: &ScalarCall<'_>) -> Result<Code, String> {
    let literal = literal_text(call, 1).map(Path::parse).transpose()?;
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
                parsed = Path::parse(path).map_err(fail)?;
                &parsed
            }
        };
        let (behaviour, default, what) = match path.find(json) {
            Found::One(value) if !value.get().starts_with(['{', '[']) => {
                write(value, out);
                return out.within_bounds();
            }
            _ if path.lax => (&on_empty, 3, "the JSON path finds nothing"),
            _ => (&on_error, 5, "the JSON path cannot be followed"),
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
