//! Functions on one array.

use std::cmp::Ordering;

use types::nested::{Nested, compare};
use types::{ColumnType, DataType, Scalar};

use super::super::signature::{
    any_nullable, fallible, function, int, mismatch, optional_int, optional_text, simple, text,
};
use super::super::{Argument, Code, EvalError, Nulls, ScalarFunction, Signature, SignatureError};
use super::{array_of, common_column, element_type, elements, is_equal, is_same};

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        nulls: Nulls::Handled,
        ..function(
            "ARRAY_APPEND",
            "ARRAY_APPEND(array, x): with x behind; ARRAY_APPEND(ARRAY[1], 2) is [1, 2]",
            extended,
            |_| extend(|values, value| values.push(value)),
        )
    },
    ScalarFunction {
        nulls: Nulls::Handled,
        ..function(
            "ARRAY_PREPEND",
            "ARRAY_PREPEND(array, x): with x in front; ARRAY_PREPEND(ARRAY[1], 2) is [2, 1]",
            extended,
            |_| extend(|values, value| values.insert(0, value)),
        )
    },
    ScalarFunction {
        nulls: Nulls::Handled,
        ..function(
            "ARRAY_REMOVE",
            "ARRAY_REMOVE(array, x): without elements equal to x; ARRAY_REMOVE(ARRAY[1, 2, 1], 1) is [2]",
            extended,
            |_| extend(|values, value| values.retain(|of| !is_same(*of, value))),
        )
    },
    ScalarFunction {
        nulls: Nulls::Handled,
        ..function(
            "ARRAY_CONTAINS",
            "ARRAY_CONTAINS(array, x): whether x is an element; ARRAY_CONTAINS(ARRAY[1, 2], 2) = TRUE",
            |args| searched(args, DataType::Boolean, false),
            |_| {
                simple(|args, out| match Nested::of(args[0]) {
                    Some(array) => out.bool(array.values().any(|of| is_same(of, args[1]))),
                    None => out.null(),
                })
            },
        )
    },
    function(
        "ARRAY_POSITION",
        "ARRAY_POSITION(array, x): the place of the first x, from 1, 0 for none; ARRAY_POSITION(ARRAY[5, 6], 6) = 2",
        |args| searched(args, DataType::Int, true),
        |_| {
            simple(|args, out| {
                let place = elements(args, 0).iter().position(|of| is_equal(*of, args[1]));
                out.int(place.map_or(0, |place| place as i64 + 1));
            })
        },
    ),
    function(
        "ARRAY_REVERSE",
        "ARRAY_REVERSE(array): from its end to its start; ARRAY_REVERSE(ARRAY[1, 2]) is [2, 1]",
        same_array,
        |_| {
            simple(|args, out| {
                let mut values = elements(args, 0);
                values.reverse();
                out.list(&values);
            })
        },
    ),
    function(
        "ARRAY_SLICE",
        "ARRAY_SLICE(array, from[, to]): the elements from a place to another, both included, from the end where negative; ARRAY_SLICE(ARRAY[1, 2, 3], 2) is [2, 3]",
        slice_signature,
        |_| simple(|args, out| out.list(slice(&elements(args, 0), int(args, 1), optional_int(args, 2)))),
    ),
    function(
        "ARRAY_SORT",
        "ARRAY_SORT(array[, ascending[, nulls first]]): in order, nulls first where ascending; ARRAY_SORT(ARRAY[3, 1]) is [1, 3]",
        sort_signature,
        |_| {
            simple(|args, out| {
                let is_ascending = args.get(1) != Some(&Scalar::Bool(false));
                let nulls_first = match args.get(2) {
                    Some(Scalar::Bool(first)) => *first,
                    _ => is_ascending,
                };
                let mut values = elements(args, 0);
                values.sort_by(|a, b| order(*a, *b, is_ascending, nulls_first));
                out.list(&values);
            })
        },
    ),
    function(
        "ARRAY_MAX",
        "ARRAY_MAX(array): the greatest element; ARRAY_MAX(ARRAY[1, 3]) = 3",
        extreme,
        |_| pick(Ordering::Greater),
    ),
    function("ARRAY_MIN", "ARRAY_MIN(array): the least element; ARRAY_MIN(ARRAY[1, 3]) = 1", extreme, |_| {
        pick(Ordering::Less)
    }),
    function(
        "ARRAY_JOIN",
        "ARRAY_JOIN(array, separator[, null text]): the texts in a row, nulls left out or as the text; ARRAY_JOIN(ARRAY['a', 'b'], '-') = 'a-b'",
        join_signature,
        |_| fallible(join),
    ),
    ScalarFunction {
        nulls: Nulls::Handled,
        ..function(
            "SPLIT",
            "SPLIT(text, separator): the parts between the separators, its characters where that is ''; SPLIT('a,b', ',') is [a, b]",
            split_signature,
            |_| fallible(split),
        )
    },
];

/// Returns the common type of an array's elements and a value.
fn with_element(args: &[Argument<'_>]) -> Result<ColumnType, SignatureError> {
    const EXPECTED: &str = "<array>, <element>";
    let [array, value] = args else { return Err(mismatch(EXPECTED)) };
    let element = element_type(array).ok_or_else(|| mismatch(EXPECTED))?;
    common_column([element, value.column_type], EXPECTED)
}

fn extended(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let element = with_element(args)?;
    let array = array_of(element.clone());
    let nullable = args[0].column_type.nullable;
    Ok(Signature {
        args: vec![array.clone(), element.data_type],
        result: ColumnType { data_type: array, nullable },
    })
}

/// Builds a function that changes an array by a value; null only for a null array.
fn extend(change: for<'a> fn(&mut Vec<Scalar<'a>>, Scalar<'a>)) -> Result<Code, String> {
    simple(move |args, out| {
        if args[0].is_null() {
            out.null();
            return;
        }
        let mut values = elements(args, 0);
        change(&mut values, args[1]);
        out.list(&values);
    })
}

fn searched(args: &[Argument<'_>], result: DataType, by_value: bool) -> Result<Signature, SignatureError> {
    let element = with_element(args)?;
    let nullable = args[0].column_type.nullable || by_value && any_nullable(args);
    Ok(Signature {
        args: vec![array_of(element.clone()), element.data_type],
        result: ColumnType { data_type: result, nullable },
    })
}

fn same_array(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    match args {
        [array] if element_type(array).is_some() => Ok(Signature {
            args: vec![array.column_type.data_type.clone()],
            result: array.column_type.clone(),
        }),
        _ => Err(mismatch("<array>")),
    }
}

fn slice_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    const EXPECTED: &str = "<array>, <integer>[, <integer>]";
    let ([array, _] | [array, _, _]) = args else { return Err(mismatch(EXPECTED)) };
    let are_places = args[1..].iter().all(|place| place.column_type.data_type.is_integer());
    if element_type(array).is_none() || !are_places {
        return Err(mismatch(EXPECTED));
    }
    Ok(Signature {
        args: args.iter().map(|arg| arg.column_type.data_type.clone()).collect(),
        result: ColumnType { nullable: any_nullable(args), ..array.column_type.clone() },
    })
}

/// Returns a slice. Positions count from 1, negative ones from the end; positions before the first mean the
/// first.
fn slice<'s, 'a>(values: &'s [Scalar<'a>], from: i64, to: Option<i64>) -> &'s [Scalar<'a>] {
    let len = values.len() as i64;
    let place = |place: i64| if place < 0 { place.saturating_add(len + 1) } else { place };

    let from = place(from).max(1);
    let to = match to {
        None => len,
        Some(0) => 1,
        Some(to) => place(to).min(len),
    };
    match from <= to && to <= len {
        true => &values[from as usize - 1..to as usize],
        false => &[],
    }
}

fn sort_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    const EXPECTED: &str = "<array>[, <boolean>[, <boolean>]]";
    let [array, flags @ ..] = args else { return Err(mismatch(EXPECTED)) };
    let are_flags = flags.iter().all(|flag| flag.column_type.data_type == DataType::Boolean);
    let element = element_type(array).filter(|element| !element.data_type.is_nested());
    if element.is_none() || flags.len() > 2 || !are_flags {
        return Err(mismatch(EXPECTED));
    }
    Ok(Signature {
        args: args.iter().map(|arg| arg.column_type.data_type.clone()).collect(),
        result: ColumnType { nullable: any_nullable(args), ..array.column_type.clone() },
    })
}

fn order(a: Scalar<'_>, b: Scalar<'_>, is_ascending: bool, nulls_first: bool) -> Ordering {
    match (a.is_null(), b.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) if nulls_first => Ordering::Less,
        (true, false) => Ordering::Greater,
        (false, true) if nulls_first => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) if is_ascending => compare(a, b),
        (false, false) => compare(b, a),
    }
}

fn extreme(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    match args {
        [array] => match element_type(array).filter(|element| !element.data_type.is_nested()) {
            Some(element) => Ok(Signature {
                args: vec![array.column_type.data_type.clone()],
                result: element.data_type.clone().nullable(),
            }),
            None => Err(mismatch("<array> of values that have an order")),
        },
        _ => Err(mismatch("<array>")),
    }
}

fn pick(wanted: Ordering) -> Result<Code, String> {
    simple(move |args, out| {
        let values = elements(args, 0).into_iter().filter(|value| !value.is_null());
        let best = values.reduce(|best, value| if compare(value, best) == wanted { value } else { best });
        out.scalar(best.unwrap_or(Scalar::Null));
    })
}

fn join_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    const EXPECTED: &str = "<array of texts>, <text>[, <text>]";
    let ([array, _] | [array, _, _]) = args else { return Err(mismatch(EXPECTED)) };
    let are_texts = element_type(array).is_some_and(|element| element.data_type.is_text())
        && args[1..].iter().all(|arg| arg.column_type.data_type.is_text());
    if !are_texts {
        return Err(mismatch(EXPECTED));
    }
    Ok(Signature {
        args: args.iter().map(|arg| arg.column_type.data_type.clone()).collect(),
        result: ColumnType { data_type: DataType::STRING, nullable: any_nullable(args) },
    })
}

fn join(args: &[Scalar<'_>], out: &mut super::Output) -> Result<(), EvalError> {
    let instead = optional_text(args, 2);
    let texts: Vec<&str> = elements(args, 0)
        .into_iter()
        .filter_map(|value| match value {
            Scalar::Text(text) => Some(text),
            _ => instead,
        })
        .collect();

    let separators = text(args, 1).len().saturating_mul(texts.len().saturating_sub(1));
    let len = texts.iter().map(|text| text.len()).fold(separators, usize::saturating_add);
    EvalError::if_too_long(len)?;
    out.text(&texts.join(text(args, 1)));
    Ok(())
}

fn split_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    const EXPECTED: &str = "<text>, <text>";
    let [value, separator] = args else { return Err(mismatch(EXPECTED)) };
    let is_text = |arg: &Argument<'_>| {
        arg.column_type.data_type.is_text() || arg.column_type.data_type == DataType::Null
    };
    if !is_text(value) || !is_text(separator) {
        return Err(mismatch(EXPECTED));
    }
    Ok(Signature {
        args: vec![DataType::STRING; 2],
        result: array_of(DataType::STRING.nullable()).nullable(),
    })
}

fn split(args: &[Scalar<'_>], out: &mut super::Output) -> Result<(), EvalError> {
    let (Some(value), Some(separator)) = (optional_text(args, 0), optional_text(args, 1)) else {
        out.null();
        return Ok(());
    };
    // Each character becomes an element of about three bytes.
    EvalError::if_too_long(value.len().saturating_mul(3))?;
    let parts: Vec<Scalar<'_>> = match separator {
        _ if value.is_empty() => vec![],
        "" => value.char_indices().map(|(at, c)| Scalar::Text(&value[at..at + c.len_utf8()])).collect(),
        separator => value.split(separator).map(Scalar::Text).collect(),
    };
    out.list(&parts);
    Ok(())
}
