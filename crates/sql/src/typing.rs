//! Flink's type rules: common types, comparisons, and implicit conversions.

use types::{ColumnType, DataType, Field, Repr};

use crate::functions::Shape;

/// Returns the type to which all types convert implicitly, for `COALESCE` and similar functions.
pub(crate) fn common_type<'a>(types: impl IntoIterator<Item = &'a DataType>) -> Option<DataType> {
    let mut types = types.into_iter();
    let first = types.next()?.clone();
    types.try_fold(first, |common, next| common_of_two(&common, next))
}

/// Like [`common_type`], for values that are compared, as by `IN`.
pub(crate) fn common_comparison_type<'a>(types: impl IntoIterator<Item = &'a DataType>) -> Option<DataType> {
    let mut types = types.into_iter();
    let first = types.next()?.clone();
    types.try_fold(first, |common, next| merged(&common, next, Shape::comparable))
}

/// Like [`common_type`], for the results of `CASE` and `IF` and the rows of `VALUES`: of FLOAT and DOUBLE,
/// the first type is used. This is the rule of Calcite, Flink's parser; the other rule is Flink's own.
pub(crate) fn result_type<'a>(types: impl IntoIterator<Item = &'a DataType>) -> Option<DataType> {
    let mut types = types.into_iter();
    let first = types.next()?.clone();
    types.try_fold(first, |common, next| match (&common, next) {
        (DataType::Float, DataType::Double) => Some(DataType::Float),
        _ => common_of_two(&common, next),
    })
}

/// Returns the type to which two types convert implicitly.
pub(crate) fn common_of_two(a: &DataType, b: &DataType) -> Option<DataType> {
    merged(a, b, Shape::common)
}

/// Returns the common type of two types; `decimals` gives that of two exact numbers.
fn merged(a: &DataType, b: &DataType, decimals: fn(Shape, Shape) -> Shape) -> Option<DataType> {
    use DataType::{Binary, Char, Date, Null, Time, Timestamp, TimestampLtz, Varbinary, Varchar};
    Some(match (a, b) {
        _ if a == b => a.clone(),
        (Null, other) | (other, Null) => other.clone(),
        _ if a.is_numeric() && b.is_numeric() => common_number(a, b, decimals),
        (Char(n) | Varchar(n), Char(m) | Varchar(m)) => Varchar(*n.max(m)),
        (Binary(n) | Varbinary(n), Binary(m) | Varbinary(m)) => Varbinary(*n.max(m)),
        (Timestamp(n), Timestamp(m)) => Timestamp(*n.max(m)),
        (TimestampLtz(n), TimestampLtz(m)) => TimestampLtz(*n.max(m)),
        (Time(n), Time(m)) => Time(*n.max(m)),
        (Date, Timestamp(n)) | (Timestamp(n), Date) => Timestamp(*n),
        _ if a.is_nested() => {
            let inside = |a: &ColumnType, b: &ColumnType| {
                let data_type = merged(&a.data_type, &b.data_type, decimals)?;
                Some(ColumnType { data_type, nullable: a.nullable || b.nullable })
            };
            return combined(a, b, inside);
        }
        _ => return None,
    })
}

/// Combines two nested types part by part; `None` if their structures differ.
fn combined(
    a: &DataType,
    b: &DataType,
    mut part: impl FnMut(&ColumnType, &ColumnType) -> Option<ColumnType>,
) -> Option<DataType> {
    Some(match (a, b) {
        (DataType::Array(a), DataType::Array(b)) => DataType::Array(Box::new(part(a, b)?)),
        (DataType::Multiset(a), DataType::Multiset(b)) => DataType::Multiset(Box::new(part(a, b)?)),
        (DataType::Map(key, value), DataType::Map(other_key, other_value)) => {
            DataType::Map(Box::new(part(key, other_key)?), Box::new(part(value, other_value)?))
        }
        // Fields are matched by position and keep the names of the first row.
        (DataType::Row(a), DataType::Row(b)) if a.len() == b.len() => {
            let fields = a.iter().zip(b).map(|(a, b)| {
                let column_type = part(&a.column_type, &b.column_type)?;
                Some(Field { name: a.name.clone(), column_type })
            });
            DataType::Row(fields.collect::<Option<Vec<Field>>>()?)
        }
        _ => return None,
    })
}

/// Returns whether two nested types have the same structure and all parts fit.
fn all_parts(a: &DataType, b: &DataType, fits: impl Fn(&ColumnType, &ColumnType) -> bool) -> bool {
    combined(a, b, |a, b| fits(a, b).then(|| a.clone())).is_some()
}

/// Returns the common type of two numbers: the wider integer type, a decimal, or a floating-point type.
fn common_number(a: &DataType, b: &DataType, decimals: fn(Shape, Shape) -> Shape) -> DataType {
    if let (Some(n), Some(m)) = (integer_rank(a), integer_rank(b)) {
        return if n >= m { a.clone() } else { b.clone() };
    }
    match (Shape::of(a), Shape::of(b)) {
        (Some(a), Some(b)) => decimals(a, b).data_type(),
        _ => {
            let float_and_integer = [(a, b), (b, a)].iter().any(|(x, y)| {
                **x == DataType::Float && (integer_rank(y).is_some() || **y == DataType::Float)
            });
            if float_and_integer { DataType::Float } else { DataType::Double }
        }
    }
}

fn integer_rank(data_type: &DataType) -> Option<u8> {
    Some(match data_type {
        DataType::TinyInt => 1,
        DataType::SmallInt => 2,
        DataType::Int => 3,
        DataType::BigInt => 4,
        _ => return None,
    })
}

/// Returns the type in which two values are compared; `None` if Flink does not compare them.
pub(crate) fn comparison_type(a: &DataType, b: &DataType) -> Option<DataType> {
    if let Some(common) = merged(a, b, Shape::comparable) {
        return Some(common);
    }
    // A text compared with a time is parsed as a time.
    let is_time = |t: &DataType| t.is_timestamp() || matches!(t, DataType::Date | DataType::Time(_));
    match (a, b) {
        (time, text) | (text, time) if is_time(time) && text.is_text() => Some(time.clone()),
        _ => None,
    }
}

/// Returns whether values of both types have the same representation, and so compare without conversion.
pub(crate) fn same_form(a: &DataType, b: &DataType) -> bool {
    if a.is_nested() || b.is_nested() {
        return all_parts(a, b, |a, b| same_form(&a.data_type, &b.data_type));
    }
    let scale = |t: &DataType| match t {
        DataType::Decimal { scale, .. } => Some(*scale),
        _ => None,
    };
    let kind = |t: &DataType| match t {
        DataType::Date => 1,
        DataType::Time(_) => 2,
        DataType::Timestamp(_) => 3,
        DataType::TimestampLtz(_) => 4,
        DataType::IntervalDayTime => 5,
        DataType::IntervalYearMonth => 6,
        _ => 0,
    };
    let repr: Option<Repr> = a.repr();
    repr.is_some() && repr == b.repr() && scale(a) == scale(b) && kind(a) == kind(b)
}

/// Returns whether a value may be written to a column of another type without a cast (implicit casts of
/// Flink's `LogicalTypeCasts`).
pub(crate) fn converts_implicitly(from: &DataType, to: &DataType) -> bool {
    use DataType::{
        BigInt, Binary, Boolean, Char, Date, Decimal, Double, Float, Int, IntervalDayTime, IntervalYearMonth,
        Null, SmallInt, Time, Timestamp, TimestampLtz, TinyInt, Varbinary, Varchar,
    };

    match to {
        _ if *from == Null => true,
        Boolean => *from == Boolean,
        Char(_) => matches!(from, Char(_)),
        Varchar(_) => from.is_text(),
        Binary(_) => matches!(from, Binary(_)),
        Varbinary(_) => matches!(from, Binary(_) | Varbinary(_)),
        Decimal { .. } => from.is_numeric(),
        TinyInt | SmallInt | Int | BigInt => {
            integer_rank(from) <= integer_rank(to) && integer_rank(from).is_some()
        }
        Float => Shape::of(from).is_some() || *from == Float,
        Double => from.is_numeric(),
        Date => matches!(from, Date | Timestamp(_)),
        Time(_) => matches!(from, Time(_) | Timestamp(_)),
        Timestamp(_) | TimestampLtz(_) => from.is_timestamp(),
        IntervalDayTime | IntervalYearMonth => from == to,
        DataType::Array(_) | DataType::Map(..) | DataType::Multiset(_) | DataType::Row(_) => {
            all_parts(from, to, |from, to| {
                converts_implicitly(&from.data_type, &to.data_type) && (to.nullable || !from.nullable)
            })
        }
        Null | DataType::Structured { .. } | DataType::Raw { .. } | DataType::Variant | DataType::Bitmap => {
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_types_are_flinks() {
        let decimal = |precision, scale| DataType::Decimal { precision, scale };
        assert_eq!(common_type([&DataType::Int, &DataType::BigInt]), Some(DataType::BigInt));
        assert_eq!(common_type([&DataType::Int, &decimal(2, 1)]), Some(decimal(11, 1)));
        assert_eq!(common_type([&DataType::Double, &DataType::Int]), Some(DataType::Double));
        assert_eq!(common_type([&DataType::Float, &decimal(2, 1)]), Some(DataType::Double));
        assert_eq!(common_type([&DataType::Char(3), &DataType::STRING]), Some(DataType::STRING));
        assert_eq!(common_type([&DataType::Int, &DataType::STRING]), None);
        assert_eq!(common_type([&DataType::Float, &DataType::Double]), Some(DataType::Double));
        assert_eq!(result_type([&DataType::Float, &DataType::Double]), Some(DataType::Float));
        assert_eq!(result_type([&DataType::Int, &DataType::Float, &DataType::Double]), Some(DataType::Float));
        assert_eq!(result_type([&DataType::Double, &DataType::Float]), Some(DataType::Double));
        assert_eq!(
            result_type([&decimal(2, 1), &DataType::Float, &DataType::Double]),
            Some(DataType::Double)
        );
    }

    #[test]
    fn a_decimal_that_is_too_wide_is_rounded_except_in_a_comparison() {
        let decimal = |precision, scale| DataType::Decimal { precision, scale };
        let (whole, fraction) = (decimal(38, 0), decimal(38, 10));
        assert_eq!(common_type([&whole, &fraction]), Some(decimal(38, 0)));
        assert_eq!(result_type([&fraction, &DataType::BigInt]), Some(decimal(38, 10)));
        assert_eq!(comparison_type(&whole, &fraction), Some(decimal(38, 10)));
        assert_eq!(common_comparison_type([&whole, &decimal(2, 1)]), Some(decimal(38, 1)));
    }

    #[test]
    fn sinks_take_what_widens() {
        assert!(converts_implicitly(&DataType::Int, &DataType::BigInt));
        assert!(converts_implicitly(&DataType::Char(3), &DataType::STRING));
        assert!(!converts_implicitly(&DataType::Int, &DataType::STRING));
        assert!(!converts_implicitly(&DataType::Double, &DataType::BigInt));
        assert!(!converts_implicitly(&DataType::BigInt, &DataType::Int));
    }
}
