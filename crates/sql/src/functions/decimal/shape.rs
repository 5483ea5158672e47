//! Result types of decimal arithmetic.
//!
//! They follow Flink's manual, "Decimal data type": if 38 digits do not suffice, the scale is reduced, down
//! to six digits.

use types::DataType;

use super::MAX_PRECISION;

/// Precision and scale of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(in super::super) precision: u8,
    pub(in super::super) scale: u8,
}

impl Shape {
    /// Returns the precision and scale of an exact numeric type.
    pub(crate) fn of(data_type: &DataType) -> Option<Shape> {
        let (precision, scale) = match data_type {
            DataType::TinyInt => (3, 0),
            DataType::SmallInt => (5, 0),
            DataType::Int => (10, 0),
            DataType::BigInt => (19, 0),
            DataType::Decimal { precision, scale } => (*precision, *scale),
            _ => return None,
        };
        Some(Shape { precision, scale })
    }

    pub(crate) fn data_type(self) -> DataType {
        DataType::Decimal { precision: self.precision, scale: self.scale }
    }

    fn adjusted(precision: i32, scale: i32) -> Shape {
        let max = i32::from(MAX_PRECISION);
        let (precision, scale) = if precision <= max {
            (precision, scale)
        } else {
            (max, (max - (precision - scale)).max(scale.min(6)))
        };
        Shape { precision: precision.clamp(1, max) as u8, scale: scale.clamp(0, max) as u8 }
    }

    fn parts(self, other: Shape) -> (i32, i32, i32, i32) {
        (self.precision.into(), self.scale.into(), other.precision.into(), other.scale.into())
    }

    pub(in super::super) fn of_sum(self, other: Shape) -> Shape {
        let (p1, s1, p2, s2) = self.parts(other);
        let scale = s1.max(s2);
        Shape::adjusted((p1 - s1).max(p2 - s2) + scale + 1, scale)
    }

    pub(in super::super) fn of_product(self, other: Shape) -> Shape {
        let (p1, s1, p2, s2) = self.parts(other);
        // Flink reserves one digit more than any product has.
        Shape::adjusted(p1 + p2 + 1, s1 + s2)
    }

    pub(in super::super) fn of_quotient(self, other: Shape) -> Shape {
        let (p1, s1, p2, s2) = self.parts(other);
        let scale = (s1 + p2 + 1).max(6);
        Shape::adjusted(p1 - s1 + s2 + scale, scale)
    }

    pub(in super::super) fn of_remainder(self, other: Shape) -> Shape {
        let (p1, s1, p2, s2) = self.parts(other);
        let scale = s1.max(s2);
        Shape::adjusted((p1 - s1).min(p2 - s2) + scale, scale)
    }

    /// Returns the type that holds both, as for `CASE` and `GREATEST`. If 38 digits do not suffice, whole
    /// digits are kept and values are rounded.
    pub(crate) fn common(self, other: Shape) -> Shape {
        let (p1, s1, p2, s2) = self.parts(other);
        let (whole, scale) = ((p1 - s1).max(p2 - s2), s1.max(s2));
        let whole = whole.min(MAX_PRECISION.into());
        let scale = scale.min(i32::from(MAX_PRECISION) - whole);
        Shape { precision: (whole + scale) as u8, scale: scale as u8 }
    }

    /// Returns the type in which both are compared. If 38 digits do not suffice, the fraction is kept, because
    /// rounding would make different values equal.
    pub(crate) fn comparable(self, other: Shape) -> Shape {
        let (p1, s1, p2, s2) = self.parts(other);
        let scale = s1.max(s2);
        let precision = ((p1 - s1).max(p2 - s2) + scale).min(MAX_PRECISION.into());
        Shape { precision: precision as u8, scale: scale as u8 }
    }

    /// Returns the type of `ROUND(x, digits)`.
    pub(in super::super) fn of_round(self, digits: i64) -> Shape {
        let (precision, scale) = (i64::from(self.precision), i64::from(self.scale));
        if digits >= scale {
            self
        } else if digits < 0 {
            Shape { precision: (1 + precision - scale).min(38) as u8, scale: 0 }
        } else {
            Shape { precision: (1 + precision - scale + digits) as u8, scale: digits as u8 }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(precision: u8, scale: u8) -> Shape {
        Shape { precision, scale }
    }

    #[test]
    fn result_types_are_flinks() {
        let (int, money) = (shape(10, 0), shape(10, 2));
        assert_eq!(int.of_quotient(shape(2, 1)), shape(17, 6));
        assert_eq!(money.of_quotient(int).scale, 13);
        assert_eq!(shape(38, 0).of_quotient(int), shape(38, 6));
        assert_eq!(money.of_product(money), shape(21, 4));
        assert_eq!(shape(20, 6).of_product(shape(20, 6)), shape(38, 9));
        assert_eq!(shape(38, 18).of_product(int), shape(38, 7));
        assert_eq!(shape(19, 4).of_product(shape(19, 4)), shape(38, 7));
        assert_eq!(shape(38, 38).of_product(shape(38, 38)), shape(38, 37));
        assert_eq!(shape(38, 0).of_product(shape(38, 0)), shape(38, 0));
        assert_eq!(shape(32, 8).of_quotient(shape(38, 8)), shape(38, 6));
        assert_eq!(shape(30, 20).of_product(shape(30, 20)), shape(38, 17));
        assert_eq!(money.of_sum(shape(5, 3)), shape(12, 3));
    }

    #[test]
    fn a_common_type_keeps_whole_digits_and_a_comparison_the_fraction() {
        assert_eq!(shape(10, 2).common(shape(5, 4)), shape(12, 4));
        assert_eq!(shape(10, 2).comparable(shape(5, 4)), shape(12, 4));
        assert_eq!(shape(38, 0).common(shape(38, 10)), shape(38, 0));
        assert_eq!(shape(38, 0).comparable(shape(38, 10)), shape(38, 10));
    }
}
