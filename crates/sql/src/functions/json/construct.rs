//! Functions that build JSON texts.
//!
//! The binder passes every value as JSON; values that are not JSON yet go through `JSON_STRING` first.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use types::{DataType, Scalar};

use super::super::signature::{
    ArgumentKind, accept, any_nullable, data_type, fail, fallible, function, literal_text, mismatch,
    optional_text, shortened, simple, text, typed,
};
use super::super::{Argument, Code, EvalError, Nulls, ScalarCall, ScalarFunction, Signature, SignatureError};
use super::text::{is_writable, write_compact, write_key_order, write_text, write_value};

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    function(
        "JSON_STRING",
        "JSON_STRING(x): the value as JSON; JSON_STRING('a') = '\"a\"', JSON_STRING(ARRAY[1, 2]) = '[1,2]'",
        string_signature,
        |call| {
            let of = data_type(call, 0);
            simple(move |args, out| {
                let value = args.first().copied().unwrap_or(Scalar::Null);
                out.write_text(|to| write_value(value, &of, to));
            })
        },
    ),
    ScalarFunction {
        nulls: Nulls::Handled,
        ..function(
            "JSON_OBJECT",
            "JSON_OBJECT([KEY] k VALUE x, … [NULL | ABSENT ON NULL]), bound as JSON_OBJECT(k, x, 'NULL'): an object, its names in order; JSON_OBJECT('a' VALUE 1) = '{\"a\":1}'",
            |args| constructor_signature(args, 2),
            object,
        )
    },
    ScalarFunction {
        nulls: Nulls::Handled,
        ..function(
            "JSON_ARRAY",
            "JSON_ARRAY(x, … [NULL | ABSENT ON NULL]), bound as JSON_ARRAY(x, 'ABSENT'): an array; JSON_ARRAY(1, 'a') = '[1,\"a\"]'",
            |args| constructor_signature(args, 1),
            array,
        )
    },
    function(
        "$JSON",
        "JSON(text): a text that is JSON, as a value of JSON_OBJECT and JSON_ARRAY",
        |args| typed(args, "<text>", &[ArgumentKind::Text], 1, DataType::STRING),
        |_| {
            fallible(|args, out| match serde_json::from_str::<&RawValue>(text(args, 0)) {
                Ok(value) => {
                    out.write_text(|to| write_compact(value, to));
                    Ok(())
                }
                Err(_) => Err(fail(format!("{} is no JSON", shortened(text(args, 0))))),
            })
        },
    ),
    function(
        "JSON_QUOTE",
        "JSON_QUOTE(text): in double quotes, with escapes for all but ASCII; JSON_QUOTE('é') = '\"\\u00e9\"'",
        |args| typed(args, "<text>", &[ArgumentKind::Text], 1, DataType::STRING),
        |_| fallible(quote),
    ),
    function(
        "JSON_UNQUOTE",
        "JSON_UNQUOTE(text): what a JSON text in quotes says, other texts as they are; JSON_UNQUOTE('\"a\"') = 'a'",
        |args| typed(args, "<text>", &[ArgumentKind::Text], 1, DataType::STRING),
        |_| {
            simple(|args, out| {
                let given = text(args, 0);
                match serde_json::from_str::<String>(given) {
                    Ok(inside) if given.starts_with('"') => out.text(&inside),
                    _ => out.text(given),
                }
            })
        },
    ),
];

const ON_NULL: &[&str] = &["NULL", "ABSENT"];

fn string_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    const EXPECTED: &str = "<a value other than DATE, TIME and INTERVAL>";
    let [arg] = args else { return Err(mismatch(EXPECTED)) };
    let given = &arg.column_type.data_type;
    if !is_writable(given) {
        return Err(mismatch(EXPECTED));
    }
    Ok(Signature {
        args: vec![given.clone()],
        result: types::ColumnType { data_type: DataType::STRING, nullable: any_nullable(args) },
    })
}

/// Returns the signature of `per_value` texts for each value, followed by a keyword.
fn constructor_signature(args: &[Argument<'_>], per_value: usize) -> Result<Signature, SignatureError> {
    const EXPECTED: &str = "<value>, …, <on null>";
    if args.is_empty() || !(args.len() - 1).is_multiple_of(per_value) {
        return Err(mismatch(EXPECTED));
    }
    let mut kinds = vec![ArgumentKind::Text; args.len() - 1];
    kinds.push(ArgumentKind::Word(ON_NULL));
    Ok(Signature { args: accept(args, EXPECTED, &kinds, kinds.len())?, result: DataType::STRING.not_null() })
}

fn keeps_nulls(call: &ScalarCall<'_>) -> bool {
    let word = call.args.len().checked_sub(1).and_then(|last| literal_text(call, last));
    word.is_some_and(|word| word.trim_end().eq_ignore_ascii_case("NULL"))
}

/// A member name, ordered like Java strings.
#[derive(PartialEq, Eq)]
struct Name<'a>(&'a str);

impl Ord for Name<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        write_key_order(self.0, other.0)
    }
}

impl PartialOrd for Name<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

fn object(call: &ScalarCall<'_>) -> Result<Code, String> {
    let keeps_nulls = keeps_nulls(call);
    fallible(move |args, out| {
        let mut members: BTreeMap<Name<'_>, &str> = BTreeMap::new();
        let entries = &args[..args.len() - 1];
        for at in (0..entries.len()).step_by(2) {
            let Some(key) = optional_text(entries, at) else {
                return Err(fail("the name of a member of a JSON object is null"));
            };
            match optional_text(entries, at + 1) {
                Some(value) => {
                    members.insert(Name(key), value);
                }
                None if keeps_nulls => {
                    members.insert(Name(key), "null");
                }
                None => {}
            }
        }

        EvalError::if_too_long(members.iter().map(|(key, value)| key.0.len() + value.len()).sum())?;
        out.write_text(|to| {
            to.push('{');
            for (at, (key, value)) in members.iter().enumerate() {
                to.push_str(if at > 0 { "," } else { "" });
                write_text(key.0, to);
                to.push(':');
                to.push_str(value);
            }
            to.push('}');
        });
        Ok(())
    })
}

fn array(call: &ScalarCall<'_>) -> Result<Code, String> {
    let keeps_nulls = keeps_nulls(call);
    fallible(move |args, out| {
        let values = &args[..args.len() - 1];
        let instead = keeps_nulls.then_some("null");
        let texts: Vec<&str> =
            (0..values.len()).filter_map(|at| optional_text(values, at).or(instead)).collect();
        EvalError::if_too_long(texts.iter().map(|text| text.len() + 1).sum())?;
        out.write_text(|to| {
            to.push('[');
            to.push_str(&texts.join(","));
            to.push(']');
        });
        Ok(())
    })
}

/// Quotes a text like Flink's `JSON_QUOTE`: `/` is escaped too, and so is every UTF-16 unit outside of ASCII.
fn quote(args: &[Scalar<'_>], out: &mut super::super::Output) -> Result<(), EvalError> {
    let given = text(args, 0);
    EvalError::if_too_long(given.len().saturating_mul(6))?;

    out.write_text(|to| {
        to.push('"');
        for unit in given.encode_utf16() {
            match u8::try_from(unit).map(char::from) {
                Ok('"') => to.push_str("\\\""),
                Ok('\\') => to.push_str("\\\\"),
                Ok('/') => to.push_str("\\/"),
                Ok('\u{8}') => to.push_str("\\b"),
                Ok('\u{c}') => to.push_str("\\f"),
                Ok('\n') => to.push_str("\\n"),
                Ok('\r') => to.push_str("\\r"),
                Ok('\t') => to.push_str("\\t"),
                Ok(char @ ' '..='~') => to.push(char),
                _ => to.push_str(&format!("\\u{unit:04x}")),
            }
        }
        to.push('"');
    });

    Ok(())
}
