//! Functions on maps.

use std::collections::HashSet;

use types::nested::{self, Nested};
use types::{ColumnType, DataType, Field, Scalar, compact};

use super::super::compiled::Compiled;
use super::super::regex::TextSplitter;
use super::super::signature::{
    any_nullable, fail, fallible, function, literal_text, mismatch, optional_text, simple, typed,
};
use super::super::{Argument, Code, EvalError, Nulls, ScalarCall, ScalarFunction, Signature, SignatureError};
use super::{array_of, common_column, element_type, elements};
use crate::functions::signature::ArgumentKind;

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    function(
        "MAP_KEYS",
        "MAP_KEYS(map): an array of its keys; MAP_KEYS(MAP['a', 1]) is [a]",
        |args| of_map(args, |key, _| key.clone()),
        |_| simple(|args, out| out.list(&entries(args).iter().map(|(key, _)| *key).collect::<Vec<_>>())),
    ),
    function(
        "MAP_VALUES",
        "MAP_VALUES(map): an array of its values; MAP_VALUES(MAP['a', 1]) is [1]",
        |args| of_map(args, |_, value| value.clone()),
        |_| simple(|args, out| out.list(&entries(args).iter().map(|(_, value)| *value).collect::<Vec<_>>())),
    ),
    function(
        "MAP_ENTRIES",
        "MAP_ENTRIES(map): an array of rows of key and value; MAP_ENTRIES(MAP['a', 1]) is [(a, 1)]",
        |args| of_map(args, entry_type),
        |_| {
            simple(|args, out| {
                let rows: Vec<Vec<u8>> = entries(args)
                    .into_iter()
                    .map(|(key, value)| {
                        let mut row = Vec::new();
                        nested::write_list(&[key, value], &mut row);
                        row
                    })
                    .collect();
                out.list(&rows.iter().map(|row| Scalar::Bytes(row)).collect::<Vec<_>>());
            })
        },
    ),
    function(
        "MAP_UNION",
        "MAP_UNION(a, b, …): the entries of all, of equal keys the last; MAP_UNION(MAP['a', 1], MAP['b', 2])",
        union_signature,
        |_| {
            fallible(|args, out| {
                let len = args.iter().map(|arg| match arg {
                    Scalar::Bytes(bytes) => bytes.len(),
                    _ => 0,
                });
                EvalError::if_too_long(len.fold(0, usize::saturating_add))?;
                // The last map comes first, as in Flink; of equal keys the first one found is kept.
                let maps = args.iter().rev().filter_map(|arg| Nested::of(*arg));
                let mut seen = HashSet::new();
                let mut all: Vec<(Scalar<'_>, Scalar<'_>)> = maps.flat_map(|map| map.entries()).collect();
                all.retain(|(key, _)| {
                    let mut bytes = Vec::new();
                    compact::write(*key, &mut bytes);
                    seen.insert(bytes)
                });
                out.map(&all);
                Ok(())
            })
        },
    ),
    function(
        "MAP_FROM_ARRAYS",
        "MAP_FROM_ARRAYS(keys, values): a map of two arrays of the same length; MAP_FROM_ARRAYS(ARRAY['a'], ARRAY[1])",
        from_arrays_signature,
        |_| {
            fallible(|args, out| {
                let (keys, values) = (elements(args, 0), elements(args, 1));
                if keys.len() != values.len() {
                    return Err(fail(format!(
                        "MAP_FROM_ARRAYS takes as many keys as values, but there are {} and {}",
                        keys.len(),
                        values.len()
                    )));
                }
                out.map(&keys.into_iter().zip(values).collect::<Vec<_>>());
                Ok(())
            })
        },
    ),
    ScalarFunction {
        nulls: Nulls::Handled,
        ..function(
            "STR_TO_MAP",
            "STR_TO_MAP(text[, between entries[, between key and value]]): a map of texts, of ',' and '='; STR_TO_MAP('a=1,b=2')",
            str_to_map_signature,
            str_to_map,
        )
    },
];

fn entries<'a>(args: &[Scalar<'a>]) -> Vec<(Scalar<'a>, Scalar<'a>)> {
    let map = args.first().and_then(|map| Nested::of(*map));
    map.map(|map| map.entries().collect()).unwrap_or_default()
}

fn entry_type(key: &ColumnType, value: &ColumnType) -> ColumnType {
    let field = |name: &str, column_type: &ColumnType| Field {
        name: name.to_owned(),
        column_type: column_type.clone(),
    };
    DataType::Row(vec![field("key", key), field("value", value)]).not_null()
}

/// Returns the signature of a function from a map to an array, whose element type `element` derives from the
/// map's types.
fn of_map(
    args: &[Argument<'_>],
    element: fn(&ColumnType, &ColumnType) -> ColumnType,
) -> Result<Signature, SignatureError> {
    let [map] = args else { return Err(mismatch("<map>")) };
    let DataType::Map(key, value) = &map.column_type.data_type else { return Err(mismatch("<map>")) };
    Ok(Signature {
        args: vec![map.column_type.data_type.clone()],
        result: ColumnType { data_type: array_of(element(key, value)), nullable: any_nullable(args) },
    })
}

fn union_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    const EXPECTED: &str = "<map>, … of one kind";
    let types = args.iter().map(|arg| match &arg.column_type.data_type {
        DataType::Map(key, value) => Some((&**key, &**value)),
        _ => None,
    });
    let types: Option<Vec<(&ColumnType, &ColumnType)>> = types.collect();
    let types = types.filter(|types| !types.is_empty()).ok_or_else(|| mismatch(EXPECTED))?;

    let key = common_column(types.iter().map(|(key, _)| *key), EXPECTED)?;
    let value = common_column(types.iter().map(|(_, value)| *value), EXPECTED)?;
    let map = DataType::Map(Box::new(key), Box::new(value));
    Ok(Signature {
        args: vec![map.clone(); args.len()],
        result: ColumnType { data_type: map, nullable: any_nullable(args) },
    })
}

fn from_arrays_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    const EXPECTED: &str = "<array>, <array>";
    let [keys, values] = args else { return Err(mismatch(EXPECTED)) };
    let (Some(key), Some(value)) = (element_type(keys), element_type(values)) else {
        return Err(mismatch(EXPECTED));
    };
    let map = DataType::Map(Box::new(key.clone()), Box::new(value.clone()));
    Ok(Signature {
        args: args.iter().map(|arg| arg.column_type.data_type.clone()).collect(),
        result: ColumnType { data_type: map, nullable: any_nullable(args) },
    })
}

fn str_to_map_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let text = DataType::STRING;
    let map = DataType::Map(Box::new(text.clone().nullable()), Box::new(text.nullable()));
    let mut signature = typed(args, "<text>[, <text>, <text>]", &[ArgumentKind::Text; 3], 1, map)?;
    if args.len() == 2 {
        return Err(mismatch("<text>[, <text>, <text>]"));
    }
    signature.result.nullable = true;
    Ok(signature)
}

/// Prepares `STR_TO_MAP`. Both separators are Java regular expressions; texts are split as by Java's `split`.
fn str_to_map(call: &ScalarCall<'_>) -> Result<Code, String> {
    let literal = |at, default| if call.args.len() == 1 { Some(default) } else { literal_text(call, at) };
    let between = Compiled::new(literal(1, ","), TextSplitter::compile)?;
    let within = Compiled::new(literal(2, "="), TextSplitter::compile)?;

    fallible(move |args, out| {
        let separators = match args.len() {
            1 => Some((",", "=")),
            _ => optional_text(args, 1).zip(optional_text(args, 2)),
        };
        let (Some(text), Some((first, second))) = (optional_text(args, 0), separators) else {
            out.null();
            return Ok(());
        };

        between.with(first, |between| {
            within.with(second, |within| {
                let mut entries = Vec::new();
                for part in between.split(text) {
                    entries.push(match within.split_once(part) {
                        Some((key, value)) => (Scalar::Text(key), Scalar::Text(value)),
                        None => (Scalar::Text(part), Scalar::Null),
                    });
                }
                out.map(&entries);
            })
        })?
    })
}
