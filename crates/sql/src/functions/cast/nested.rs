//! Casts between nested types, part by part, and from nested types to text: `[1, 2]`, `{a=1}`, `(1, x)`.

use jiff::tz::TimeZone;
use types::nested::{self, Nested};
use types::{DataType, Scalar, Value};

use super::super::{EvalError, Output};
use super::{Convert, allowed, conversion};

/// Returns whether each part of a nested type can be cast to the matching part of another.
pub(super) fn allowed_nested(from: &DataType, to: &DataType) -> bool {
    use DataType::{Array, Map, Multiset, Row};
    match (from, to) {
        (Array(from), Array(to)) | (Multiset(from), Multiset(to)) => allowed(&from.data_type, &to.data_type),
        (Map(key, value), Map(to_key, to_value)) => {
            allowed(&key.data_type, &to_key.data_type) && allowed(&value.data_type, &to_value.data_type)
        }
        (Row(from), Row(to)) => {
            from.len() == to.len()
                && from
                    .iter()
                    .zip(to)
                    .all(|(from, to)| allowed(&from.column_type.data_type, &to.column_type.data_type))
        }
        _ => false,
    }
}

/// Returns the conversions of the inner values in order; they repeat for longer values.
fn parts(from: &DataType, to: &DataType, zone: &TimeZone) -> Vec<Convert> {
    use DataType::{Array, Map, Multiset, Row};
    let part = |from: &DataType, to: &DataType| conversion(from, to, zone);
    match (from, to) {
        (Array(from), Array(to)) => vec![part(&from.data_type, &to.data_type)],
        (Multiset(from), Multiset(to)) => {
            vec![part(&from.data_type, &to.data_type), part(&DataType::Int, &DataType::Int)]
        }
        (Map(key, value), Map(to_key, to_value)) => {
            vec![part(&key.data_type, &to_key.data_type), part(&value.data_type, &to_value.data_type)]
        }
        (Row(from), Row(to)) => {
            let fields = from.iter().zip(to);
            fields.map(|(from, to)| part(&from.column_type.data_type, &to.column_type.data_type)).collect()
        }
        _ => vec![],
    }
}

/// Converts to another nested type of the same structure.
pub(super) fn to_nested(from: &DataType, to: &DataType, zone: &TimeZone) -> Convert {
    let parts = parts(from, to, zone);
    let is_map = matches!(to, DataType::Map(..) | DataType::Multiset(_));

    Box::new(move |value, out| {
        let Some(nested) = Nested::of(value) else {
            out.null();
            return Ok(());
        };

        let mut converted = Vec::with_capacity(nested.len());
        let mut inner = Output::default();
        for (value, convert) in nested.values().zip(parts.iter().cycle()) {
            converted.push(match value {
                Scalar::Null => Value::Null,
                value => {
                    inner.clear();
                    convert(value, &mut inner)?;
                    inner.get().to_value()
                }
            });
        }

        let values: Vec<Scalar<'_>> = converted.iter().map(Value::as_scalar).collect();
        out.write_bytes(|bytes| match is_map {
            // Keys may have become equal; Flink puts the entries into a HashMap.
            true => {
                let entries: Vec<_> = values.chunks_exact(2).map(|entry| (entry[0], entry[1])).collect();
                nested::write_hash_map(&entries, bytes);
            }
            false => nested::write_list(&values, bytes),
        });
        Ok(())
    })
}

/// Converts a nested value to text.
pub(super) fn text_of(from: &DataType, zone: &TimeZone) -> Convert {
    let text = |of: &DataType| conversion(of, &DataType::STRING, zone);
    let (parts, open, close) = match from {
        DataType::Array(element) => (vec![text(&element.data_type)], '[', ']'),
        DataType::Multiset(element) => (vec![text(&element.data_type), text(&DataType::Int)], '{', '}'),
        DataType::Map(key, value) => (vec![text(&key.data_type), text(&value.data_type)], '{', '}'),
        DataType::Row(fields) => {
            (fields.iter().map(|field| text(&field.column_type.data_type)).collect(), '(', ')')
        }
        _ => (vec![], '(', ')'),
    };
    let has_entries = open == '{';

    Box::new(move |value, out| {
        let Some(nested) = Nested::of(value) else {
            out.null();
            return Ok(());
        };

        let mut written = String::from(open);
        let mut inner = Output::default();
        for (place, (value, convert)) in nested.values().zip(parts.iter().cycle()).enumerate() {
            if has_entries && place % 2 == 1 {
                written.push('=');
            } else if place > 0 {
                written.push_str(", ");
            }
            inner.clear();
            if !value.is_null() {
                convert(value, &mut inner)?;
            }
            match inner.get() {
                Scalar::Text(text) => written.push_str(text),
                _ => written.push_str("NULL"),
            }
            EvalError::if_too_long(written.len())?;
        }
        written.push(close);
        out.text(&written);
        Ok(())
    })
}
