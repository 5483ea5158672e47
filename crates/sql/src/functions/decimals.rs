//! Arithmetic of decimals with its powers of ten computed beforehand, for columns.
//!
//! The answers are those of `decimal`: rounded half up, null where the digits do not fit the type.

use types::DataType;

use super::decimal::{Shape, divide_half_up, power_of_ten};

/// 128 bits do not suffice on the way to a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooWide;

/// A change of scale.
#[derive(Debug, Clone, Copy)]
pub struct Rescale {
    /// What to multiply by, and what to divide by: one of them is 1.
    factor: i128,
    divisor: i128,
    /// Every value that fits the type is smaller.
    bound: u128,
}

/// A product of two decimals.
#[derive(Debug, Clone, Copy)]
pub struct Product(Rescale);

/// A sum or a difference of two decimals.
#[derive(Debug, Clone, Copy)]
pub struct Sum {
    /// What brings each to the greater scale of both. That of a subtrahend is negative.
    factors: [i128; 2],
    rescale: Rescale,
}

impl Rescale {
    /// From an exact number type to a decimal one.
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

    /// The value in the new scale.
    ///
    /// # Errors
    /// 128 bits do not suffice.
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
    /// The product of two exact types in a third.
    pub fn new(a: &DataType, b: &DataType, to: &DataType) -> Option<Product> {
        let scale = u32::from(Shape::of(a)?.scale) + u32::from(Shape::of(b)?.scale);
        Rescale::between(scale, Shape::of(to)?).map(Product)
    }

    /// The product of two values.
    ///
    /// # Errors
    /// 128 bits do not suffice.
    #[inline(always)]
    pub fn of(&self, a: i128, b: i128) -> Result<Option<i128>, TooWide> {
        self.0.of(times(a, b).ok_or(TooWide)?)
    }
}

impl Sum {
    /// The sum of two exact types in a third, or the difference.
    pub fn new(a: &DataType, b: &DataType, to: &DataType, is_difference: bool) -> Option<Sum> {
        let (a, b) = (Shape::of(a)?.scale, Shape::of(b)?.scale);
        let scale = a.max(b);
        let factor = |of: u8| power_of_ten((scale - of).into());
        let sign = if is_difference { -1 } else { 1 };
        let rescale = Rescale::between(scale.into(), Shape::of(to)?)?;
        Some(Sum { factors: [factor(a), factor(b) * sign], rescale })
    }

    /// The sum or difference of two values.
    ///
    /// # Errors
    /// 128 bits do not suffice.
    #[inline(always)]
    pub fn of(&self, a: i128, b: i128) -> Result<Option<i128>, TooWide> {
        let (a, b) = (times(a, self.factors[0]).ok_or(TooWide)?, times(b, self.factors[1]).ok_or(TooWide)?);
        self.rescale.of(a.checked_add(b).ok_or(TooWide)?)
    }
}

/// The product, by one instruction where both numbers are small.
#[inline(always)]
fn times(a: i128, b: i128) -> Option<i128> {
    match (i64::try_from(a), i64::try_from(b)) {
        (Ok(a), Ok(b)) => Some(i128::from(a) * i128::from(b)),
        _ => a.checked_mul(b),
    }
}
