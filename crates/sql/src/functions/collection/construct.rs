//! Constructors of nested values, and access to their parts.

use types::nested::{self, Nested};
use types::{ColumnType, DataType, Field, Scalar, Value};

use super::super::signature::{any_nullable, fail, fallible, function, int, mismatch, simple};
use super::super::{Argument, Code, Nulls, ScalarCall, ScalarFunction, Signature, SignatureError};
use super::{array_of, common_column, elements, is_equal};

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        nulls: Nulls::Handled,
        ..function("$ARRAY", "ARRAY[a, b, …]: an array", array_signature, |_| {
            simple(|args, out| out.list(args))
        })
    },
    ScalarFunction {
        nulls: Nulls::Handled,
        ..function("$MAP", "MAP[key, value, …]: a map", map_signature, |_| {
            simple(|args, out| {
                let entries: Vec<_> = args.chunks_exact(2).map(|entry| (entry[0], entry[1])).collect();
                out.map(&entries);
            })
        })
    },
    ScalarFunction {
        nulls: Nulls::Handled,
        ..function("$ROW", "ROW(a, b, …): a row", row_signature, |_| simple(|args, out| out.list(args)))
    },
    function("$ORDERED", "a map with its entries in one order", ordered_signature, |_| {
        simple(|args, out| {
            let entries: Vec<_> = Nested::of(args[0]).map(|map| map.entries().collect()).unwrap_or_default();
            out.write_bytes(|bytes| nested::write_hash_map(&entries, bytes));
        })
    }),
    function(
        "$ITEM",
        "array[n], map[key]: an element from 1 on, or the value of a key",
        item_signature,
        item,
    ),
    function("$FIELD", "row.field: the n-th field of a row", field_signature, |_| {
        simple(|args, out| {
            let place = usize::try_from(int(args, 1)).ok().and_then(|number| number.checked_sub(1));
            let row = args.first().and_then(|row| Nested::of(*row));
            let value = row.zip(place).and_then(|(row, place)| row.get(place));
            out.scalar(value.unwrap_or(Scalar::Null));
        })
    }),
    function(
        "CARDINALITY",
        "CARDINALITY(x): the number of an array's elements, a map's entries or a multiset's elements, each copy \
         counted; CARDINALITY(ARRAY[5, 6]) = 2",
        cardinality_signature,
        cardinality,
    ),
    function(
        "ELEMENT",
        "ELEMENT(array): its only element, null for none, fails the job for several; ELEMENT(ARRAY[7]) = 7",
        element_signature,
        |_| {
            fallible(|args, out| match elements(args, 0)[..] {
                [] => {
                    out.null();
                    Ok(())
                }
                [only] => {
                    out.scalar(only);
                    Ok(())
                }
                _ => Err(fail("ELEMENT takes an array of one element, but this one has more")),
            })
        },
    ),
];

fn array_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let element =
        common_column(args.iter().map(|arg| arg.column_type), "<value>, … of one kind, at least one")?;
    Ok(Signature { args: vec![element.data_type.clone(); args.len()], result: array_of(element).not_null() })
}

fn map_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let expected = "<key>, <value>, … with keys of one kind and values of one kind, at least one of each";
    if args.is_empty() || !args.len().is_multiple_of(2) {
        return Err(mismatch(expected));
    }
    let every_second = |from: usize| args.iter().skip(from).step_by(2).map(|arg| arg.column_type);
    let key = common_column(every_second(0), expected)?;
    let value = common_column(every_second(1), expected)?;
    let of_entry = [key.data_type.clone(), value.data_type.clone()];
    Ok(Signature {
        args: of_entry.iter().cycle().take(args.len()).cloned().collect(),
        result: DataType::Map(Box::new(key), Box::new(value)).not_null(),
    })
}

fn ordered_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    match args {
        [map] if matches!(map.column_type.data_type, DataType::Map(..) | DataType::Multiset(_)) => {
            Ok(Signature { args: vec![map.column_type.data_type.clone()], result: map.column_type.clone() })
        }
        _ => Err(mismatch("<map>")),
    }
}

fn row_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let field = |(place, arg): (usize, &Argument<'_>)| {
        let column_type = arg.column_type.clone();
        column_type.data_type.repr()?;
        Some(Field { name: format!("EXPR${place}"), column_type })
    };
    let fields = args.iter().enumerate().map(field).collect::<Option<Vec<Field>>>();
    let fields = fields.filter(|fields| !fields.is_empty());
    let fields = fields.ok_or_else(|| mismatch("<value>, … with types, at least one"))?;
    Ok(Signature {
        args: args.iter().map(|arg| arg.column_type.data_type.clone()).collect(),
        result: DataType::Row(fields).not_null(),
    })
}

/// Returns the type of `container[…]`: an array's element or a map's value. Either may be missing, so it is
/// nullable.
pub(crate) fn item_type(container: &DataType) -> Option<ColumnType> {
    match container {
        DataType::Array(element) => Some(element.data_type.clone().nullable()),
        DataType::Map(_, value) => Some(value.data_type.clone().nullable()),
        _ => None,
    }
}

fn item_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    const EXPECTED: &str = "<array>[<integer>] or <map>[<key>]";
    let [container, index] = args else { return Err(mismatch(EXPECTED)) };
    let container = &container.column_type.data_type;
    let given = &index.column_type.data_type;

    let wanted = match container {
        DataType::Array(_) if given.is_integer() => given.clone(),
        DataType::Map(key, _) if crate::typing::converts_implicitly(given, &key.data_type) => {
            key.data_type.clone()
        }
        DataType::Map(key, _) if key.data_type.is_text() && given.is_text() => key.data_type.clone(),
        _ => return Err(mismatch(EXPECTED)),
    };
    let result = item_type(container).ok_or_else(|| mismatch(EXPECTED))?;
    Ok(Signature { args: vec![container.clone(), wanted], result })
}

fn item(call: &ScalarCall<'_>) -> Result<Code, String> {
    let is_map = matches!(call.args[0].column_type.data_type, DataType::Map(..));
    if is_map {
        return simple(|args, out| {
            let (map, key) = (Nested::of(args[0]), args[1]);
            let found = map.and_then(|map| map.entries().find(|(of, _)| is_equal(*of, key)));
            out.scalar(found.map_or(Scalar::Null, |(_, value)| value));
        });
    }

    if let Some(Value::Int(number)) = call.args[1].literal
        && *number < 1
    {
        return Err(format!("the elements of an array are counted from 1, so there is no element {number}"));
    }
    simple(|args, out| {
        let place = usize::try_from(int(args, 1)).ok().and_then(|number| number.checked_sub(1));
        let value = Nested::of(args[0]).zip(place).and_then(|(array, place)| array.get(place));
        out.scalar(value.unwrap_or(Scalar::Null));
    })
}

fn field_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    const EXPECTED: &str = "<row>.<field>";
    let [row, place] = args else { return Err(mismatch(EXPECTED)) };
    let (DataType::Row(fields), Some(Value::Int(number))) = (&row.column_type.data_type, place.literal)
    else {
        return Err(mismatch(EXPECTED));
    };
    let place = usize::try_from(*number).ok().and_then(|number| number.checked_sub(1));
    let field = place.and_then(|place| fields.get(place)).ok_or_else(|| mismatch(EXPECTED))?;
    let nullable = field.column_type.nullable || row.column_type.nullable;
    Ok(Signature {
        args: vec![row.column_type.data_type.clone(), DataType::Int],
        result: ColumnType { nullable, ..field.column_type.clone() },
    })
}

fn cardinality_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    match args {
        [arg] => match arg.column_type.data_type {
            DataType::Array(_) | DataType::Map(..) | DataType::Multiset(_) => Ok(Signature {
                args: vec![arg.column_type.data_type.clone()],
                result: ColumnType { data_type: DataType::Int, nullable: any_nullable(args) },
            }),
            _ => Err(mismatch("<array>, <map> or <multiset>")),
        },
        _ => Err(mismatch("<array>, <map> or <multiset>")),
    }
}

fn cardinality(call: &ScalarCall<'_>) -> Result<Code, String> {
    let data_type = &call.args[0].column_type.data_type;
    if matches!(data_type, DataType::Multiset(_)) {
        return simple(|args, out| {
            let copies = |count: Scalar<'_>| if let Scalar::Int(count) = count { count } else { 0 };
            let entries = Nested::of(args[0]).into_iter().flat_map(|multiset| multiset.entries());
            out.int(entries.map(|(_, count)| copies(count)).sum());
        });
    }

    let per_entry = if matches!(data_type, DataType::Array(_)) { 1 } else { 2 };
    simple(move |args, out| {
        let len = Nested::of(args[0]).map_or(0, |nested| nested.len() / per_entry);
        out.int(len as i64);
    })
}

fn element_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    match args {
        [arg] => match super::element_type(arg) {
            Some(element) => Ok(Signature {
                args: vec![arg.column_type.data_type.clone()],
                result: element.data_type.clone().nullable(),
            }),
            None => Err(mismatch("<array>")),
        },
        _ => Err(mismatch("<array>")),
    }
}
