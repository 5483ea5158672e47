//! A leaf that the plan reads: its type for decoding, and how often values had another type.

use engine::batch::{Encoding, LeafRequest};
use types::DataType;

use super::layout::Action;

/// A requested leaf; its index equals its column's.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    /// Name such as `user.user_type`.
    pub(super) name: String,
    /// The declared type, for errors.
    pub(super) data_type: DataType,
    pub(super) kind: ValueKind,
    pub(super) encoding: Encoding,
    /// Number of values that became null because of a wrong type.
    pub(super) type_errors: u64,
}

/// The required type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueKind {
    Boolean,
    Integer {
        min: i64,
        max: i64,
    },
    Double,
    Float,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Text,
    Bytes,
    Date,
    Time {
        digits: u8,
    },
    Timestamp {
        digits: u8,
        zone: Zone,
    },
    /// A nested value; the leaf's type has the details.
    Nested,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    /// `TIMESTAMP`: the text has no zone.
    None,
    /// `TIMESTAMP_LTZ`: the text ends with `Z`.
    Utc,
}

impl Leaf {
    pub(super) fn new(request: &LeafRequest) -> Leaf {
        let data_type = request.leaf.column_type.data_type.clone();
        let kind = ValueKind::of(&data_type).expect("the binder reads no types without values");
        let name = request.leaf.path.join(".");
        Leaf { name, data_type, kind, encoding: request.encoding, type_errors: 0 }
    }

    /// Returns how the walk processes the leaf's values.
    pub(super) fn action(&self) -> Action {
        match (self.encoding, self.kind) {
            (Encoding::Presence, ValueKind::Text) => Action::Presence,
            (Encoding::Presence, _) => Action::Other,
            (_, ValueKind::Text) => Action::Text,
            (_, ValueKind::Integer { min, .. }) if min == i64::from(i32::MIN) => Action::Int32,
            (_, ValueKind::Integer { min: i64::MIN, .. }) => Action::Int64,
            (_, ValueKind::Double) => Action::Double,
            (_, ValueKind::Boolean) => Action::Boolean,
            (_, ValueKind::Timestamp { digits: ..=3, .. }) => Action::Millis,
            _ => Action::Other,
        }
    }
}

impl ValueKind {
    pub(super) fn of(data_type: &DataType) -> Option<ValueKind> {
        let integer = |min, max| ValueKind::Integer { min, max };
        Some(match *data_type {
            DataType::Boolean => ValueKind::Boolean,
            DataType::TinyInt => integer(i8::MIN.into(), i8::MAX.into()),
            DataType::SmallInt => integer(i16::MIN.into(), i16::MAX.into()),
            DataType::Int | DataType::IntervalYearMonth => integer(i32::MIN.into(), i32::MAX.into()),
            DataType::BigInt | DataType::IntervalDayTime => integer(i64::MIN, i64::MAX),
            DataType::Float => ValueKind::Float,
            DataType::Double => ValueKind::Double,
            DataType::Decimal { precision, scale } => ValueKind::Decimal { precision, scale },
            DataType::Char(_) | DataType::Varchar(_) => ValueKind::Text,
            DataType::Binary(_) | DataType::Varbinary(_) => ValueKind::Bytes,
            DataType::Date => ValueKind::Date,
            DataType::Time(digits) => ValueKind::Time { digits },
            DataType::Timestamp(digits) => ValueKind::Timestamp { digits, zone: Zone::None },
            DataType::TimestampLtz(digits) => ValueKind::Timestamp { digits, zone: Zone::Utc },
            DataType::Array(_) | DataType::Map(..) | DataType::Multiset(_) | DataType::Row(_) => {
                ValueKind::Nested
            }
            DataType::Null
            | DataType::Structured { .. }
            | DataType::Raw { .. }
            | DataType::Variant
            | DataType::Bitmap => return None,
        })
    }
}
