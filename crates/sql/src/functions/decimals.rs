//! Decimal arithmetic on columns, with precomputed powers of ten.
//!
//! Results equal those of `decimal`: rounded half up, null if the digits do not fit the type.

use types::DataType;

use super::decimal::{Shape, divide_half_up, power_of_ten};

/// An intermediate result exceeds 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooWide;

/// A change of scale.
#[derive(Debug, Clone, Copy)]
pub struct Rescale {
    /// Multiplier and divisor; one of them is 1.
    factor: i128,
    divisor: i128,
    /// Values of the type are smaller than this in magnitude.
    bound: u128,
}

/// A product of two decimals.
#[derive(Debug, Clone, Copy)]
pub struct Product(Rescale);

/// A sum or a difference of two decimals.
#[derive(Debug, Clone, Copy)]
pub struct Sum {
    /// Multipliers that bring both operands to the greater scale; the subtrahend's is negative.
    factors: [i128; 2],
    rescale: Rescale,
}

impl Rescale {
    /// Prepares a conversion from an exact numeric type to a decimal type.
    pub fn new(from: &DataType, to: &DataType) -> Option<Rescale> {
        let DataType::Decimal { .. } = to else { return None };
        Rescale::between(Shape::of(from)?.scale.into(), Shape::of(to)?)
    }

    fn between(from: u32, to: Shape) -> Option<Rescale> {
        let scale = u32::from(to.scale);
        if from.abs_diff(scale) > 38 {
            return None;
        }
        Some(Rescale {
            factor: power_of_ten(scale.saturating_sub(from)),
            divisor: power_of_ten(from.saturating_sub(scale)),
            bound: power_of_ten(to.precision.into()).unsigned_abs(),
        })
    }

    /// Returns the value in the new scale, or `None` if it does not fit the type.
    ///
    /// # Errors
    /// An intermediate result exceeds 128 bits.
    #[inline(always)]
    pub fn of(&self, value: i128) -> Result<Option<i128>, TooWide> {
        let scaled = match (self.factor, self.divisor) {
            (1, 1) => value,
            (factor, 1) => times(value, factor).ok_or(TooWide)?,
            (_, divisor) => divide_half_up(value, divisor),
        };
        Ok((scaled.unsigned_abs() < self.bound).then_some(scaled))
    }
}

impl Product {
    /// Prepares the product of two exact types, with the type `to`.
    pub fn new(a: &DataType, b: &DataType, to: &DataType) -> Option<Product> {
        let scale = u32::from(Shape::of(a)?.scale) + u32::from(Shape::of(b)?.scale);
        Rescale::between(scale, Shape::of(to)?).map(Product)
    }

    /// Returns the product of two values, or `None` if it does not fit the type.
    ///
    /// # Errors
    /// An intermediate result exceeds 128 bits.
    #[inline(always)]
    pub fn of(&self, a: i128, b: i128) -> Result<Option<i128>, TooWide> {
        self.0.of(times(a, b).ok_or(TooWide)?)
    }
}

impl Sum {
    /// Prepares the sum or difference of two exact types, with the type `to`.
    pub fn new(a: &DataType, b: &DataType, to: &DataType, is_difference: bool) -> Option<Sum> {
        let (a, b) = (Shape::of(a)?.scale, Shape::of(b)?.scale);
        let scale = a.max(b);
        let factor = |of: u8| power_of_ten((scale - of).into());
        let sign = if is_difference { -1 } else { 1 };
        let rescale = Rescale::between(scale.into(), Shape::of(to)?)?;
        Some(Sum { factors: [factor(a), factor(b) * sign], rescale })
    }

    /// Returns the sum or difference of two values, or `None` if it does not fit the type.
    ///
    /// # Errors
    /// An intermediate result exceeds 128 bits.
    #[inline(always)]
    pub fn of(&self, a: i128, b: i128) -> Result<Option<i128>, TooWide> {
        let (a, b) = (times(a, self.factors[0]).ok_or(TooWide)?, times(b, self.factors[1]).ok_or(TooWide)?);
        self.rescale.of(a.checked_add(b).ok_or(TooWide)?)
    }
}

/// Multiplies; one instruction suffices if both numbers fit into 64 bits.
#[inline(always)]
fn times(a: i128, b: i128) -> Option<i128> {
    match (i64::try_from(a), i64::try_from(b)) {
        (Ok(a), Ok(b)) => Some(i128::from(a) * i128::from(b)),
        _ => a.checked_mul(b),
    }
}
