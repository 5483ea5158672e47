//! `DECIMAL`: integers of up to 38 digits with a scale.
//!
//! Results are rounded half away from zero to the scale of their type. A result with more digits than its
//! type holds is null.

mod shape;

use num_bigint::{BigInt, Sign};
use num_traits::{Signed, ToPrimitive, Zero};

pub(crate) use shape::Shape;

pub(super) const MAX_PRECISION: u8 = 38;

/// Returns 10^n for n up to 38.
pub(super) fn power_of_ten(n: u32) -> i128 {
    10i128.pow(n.min(38))
}

fn big_power_of_ten(n: u32) -> BigInt {
    BigInt::from(10).pow(n)
}

/// Returns the value if it has at most `precision` digits.
pub(super) fn fit(value: i128, precision: u8) -> Option<i128> {
    (value.unsigned_abs() < power_of_ten(precision.into()).unsigned_abs()).then_some(value)
}

/// Divides, rounding half away from zero. `divisor` is positive.
pub(super) fn divide_half_up(value: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (value / divisor, value % divisor);
    if rest.unsigned_abs() >= divisor.unsigned_abs() - rest.unsigned_abs() {
        quotient + value.signum()
    } else {
        quotient
    }
}

/// Converts `value × 10^-from` to another scale, rounding half up; `None` if it has more than `precision`
/// digits.
pub(super) fn rescale(value: i128, from: u8, to: u8, precision: u8) -> Option<i128> {
    let scaled = if to >= from {
        value.checked_mul(power_of_ten((to - from).into()))?
    } else {
        divide_half_up(value, power_of_ten((from - to).into()))
    };
    fit(scaled, precision)
}

fn rescale_big(value: BigInt, from: u32, to: u32, precision: u8) -> Option<i128> {
    let scaled = if to >= from {
        value * big_power_of_ten(to - from)
    } else {
        divide_half_up_big(&value, &big_power_of_ten(from - to))
    };
    fit(scaled.to_i128()?, precision)
}

fn divide_half_up_big(value: &BigInt, divisor: &BigInt) -> BigInt {
    let quotient = value / divisor;
    let rest = value - &quotient * divisor;
    let step = match value.sign() == divisor.sign() {
        true => 1,
        false => -1,
    };
    if rest.abs() * 2 >= divisor.abs() { quotient + step } else { quotient }
}

/// An unscaled number with its scale.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decimal {
    pub(super) value: i128,
    pub(super) scale: u8,
}

pub(super) fn add(a: Decimal, b: Decimal, to: Shape) -> Option<i128> {
    let scale = a.scale.max(b.scale);
    let aligned = |d: Decimal| d.value.checked_mul(power_of_ten((scale - d.scale).into()));
    if let Some(sum) = aligned(a).zip(aligned(b)).and_then(|(a, b)| a.checked_add(b)) {
        return rescale(sum, scale, to.scale, to.precision);
    }
    let aligned = |d: Decimal| BigInt::from(d.value) * big_power_of_ten((scale - d.scale).into());
    rescale_big(aligned(a) + aligned(b), scale.into(), to.scale.into(), to.precision)
}

pub(super) fn multiply(a: Decimal, b: Decimal, to: Shape) -> Option<i128> {
    let scale = u32::from(a.scale) + u32::from(b.scale);
    if let (Some(product), Ok(scale)) = (a.value.checked_mul(b.value), u8::try_from(scale))
        && scale <= to.scale.saturating_add(38)
    {
        return rescale(product, scale, to.scale, to.precision);
    }
    rescale_big(BigInt::from(a.value) * BigInt::from(b.value), scale, to.scale.into(), to.precision)
}

/// Divides to 38 significant digits and then to the result's scale, rounding half up both times. `b` is not
/// zero.
pub(super) fn divide(a: Decimal, b: Decimal, to: Shape) -> Option<i128> {
    if a.value == 0 || b.value == 0 {
        return Some(0);
    }
    // With 78 extra digits, the integer quotient has at least 39 digits.
    const EXTRA: u32 = 78;
    let numerator = BigInt::from(a.value) * big_power_of_ten(EXTRA);
    let denominator = BigInt::from(b.value);

    let quotient = &numerator / &denominator;
    let digits = decimal_digits(&quotient);
    let surplus = digits.saturating_sub(MAX_PRECISION.into());
    let mut rounded = divide_half_up_big(&numerator, &(denominator * big_power_of_ten(surplus)));

    // The quotient is now `rounded × 10^(surplus - EXTRA - a.scale + b.scale)`.
    let mut scale = i64::from(EXTRA) + i64::from(a.scale) - i64::from(b.scale) - i64::from(surplus);
    if scale < 0 {
        rounded *= big_power_of_ten(scale.unsigned_abs() as u32);
        scale = 0;
    }
    rescale_big(rounded, scale as u32, to.scale.into(), to.precision)
}

fn decimal_digits(value: &BigInt) -> u32 {
    value.magnitude().to_string().len() as u32
}

/// Returns the remainder, with the sign of `a`. `b` is not zero.
pub(super) fn remainder(a: Decimal, b: Decimal, to: Shape) -> Option<i128> {
    if b.value == 0 {
        return None;
    }
    let scale = a.scale.max(b.scale);
    let aligned = |d: Decimal| BigInt::from(d.value) * big_power_of_ten((scale - d.scale).into());
    rescale_big(aligned(a) % aligned(b), scale.into(), to.scale.into(), to.precision)
}

/// Returns the nearest double.
pub(super) fn to_double(value: i128, scale: u8) -> f64 {
    // Both operands are exact here, so the quotient is rounded once.
    if value.unsigned_abs() < 1 << 53 && scale <= 22 {
        return value as f64 / 10f64.powi(scale.into());
    }
    format!("{value}e-{scale}").parse().unwrap_or(f64::NAN)
}

/// Writes the number with all digits of its scale: `12.50`.
pub(super) fn write(value: i128, scale: u8, out: &mut String) {
    let digits = value.unsigned_abs().to_string();
    if value < 0 {
        out.push('-');
    }
    let scale = usize::from(scale);
    let whole = digits.len().saturating_sub(scale);
    out.push_str(if whole == 0 { "0" } else { &digits[..whole] });
    if scale > 0 {
        out.push('.');
        out.extend(std::iter::repeat_n('0', scale.saturating_sub(digits.len())));
        out.push_str(&digits[whole..]);
    }
}

/// The reason why a text is not a value of a decimal type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotADecimal {
    /// The text is not a number.
    Malformed,
    /// The number has more digits than the type.
    Overflow,
}

/// Parses a number as Java's `BigDecimal` does: sign, digits with a point, exponent. Rounds half up to the
/// scale.
pub(super) fn parse(text: &str, to: Shape) -> Result<i128, NotADecimal> {
    let (sign, unsigned) = match text.as_bytes() {
        [b'-', ..] => (Sign::Minus, &text[1..]),
        [b'+', ..] => (Sign::Plus, &text[1..]),
        _ => (Sign::Plus, text),
    };

    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            (mantissa, exponent.parse::<i32>().map_err(|_| NotADecimal::Malformed)?)
        }
        None => (unsigned, 0),
    };

    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(NotADecimal::Malformed);
    }
    let digits = BigInt::from_radix_be(sign, &digits.iter().map(|d| d - b'0').collect::<Vec<_>>(), 10)
        .ok_or(NotADecimal::Malformed)?;
    if digits.is_zero() {
        return Ok(0);
    }
    let scale = fraction.len() as i64 - i64::from(exponent);
    let length = i64::from(decimal_digits(&digits));
    if length - scale > i64::from(MAX_PRECISION) {
        return Err(NotADecimal::Overflow);
    }
    if scale - length > i64::from(MAX_PRECISION) {
        return Ok(0);
    }

    let value = match u32::try_from(scale) {
        Ok(scale) => rescale_big(digits, scale, to.scale.into(), to.precision),
        Err(_) => rescale_big(
            digits * big_power_of_ten(scale.unsigned_abs() as u32),
            0,
            to.scale.into(),
            to.precision,
        ),
    };

    value.ok_or(NotADecimal::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(precision: u8, scale: u8) -> Shape {
        Shape { precision, scale }
    }

    #[test]
    fn quotients_are_rounded_half_up() {
        let one = Decimal { value: 1, scale: 0 };
        assert_eq!(divide(one, Decimal { value: 30, scale: 1 }, shape(12, 6)), Some(333_333));
        assert_eq!(
            divide(Decimal { value: -2, scale: 0 }, Decimal { value: 3, scale: 0 }, shape(12, 6)),
            Some(-666_667)
        );
        assert_eq!(divide(Decimal { value: i128::MAX, scale: 0 }, one, shape(38, 0)), None);
    }

    #[test]
    fn text_is_read_as_big_decimal_does() {
        let to = shape(10, 2);
        for (text, value) in [
            ("1.005", 101),
            ("-1.005", -101),
            ("1e3", 100_000),
            (".5", 50),
            ("5.", 500),
            ("+7", 700),
            ("1e-99", 0),
        ] {
            assert_eq!(parse(text, to), Ok(value), "{text}");
        }
        for text in ["", "x", "1_000", "1,5", "e3", "-", ".", "1e", "٣"] {
            assert_eq!(parse(text, to), Err(NotADecimal::Malformed), "{text}");
        }
        assert_eq!(parse("123456789", to), Err(NotADecimal::Overflow));
        assert_eq!(parse("1e2000000000", to), Err(NotADecimal::Overflow));
    }

    #[test]
    fn all_digits_of_the_scale_are_written() {
        for (value, scale, text) in [(1250, 2, "12.50"), (-5, 3, "-0.005"), (0, 2, "0.00"), (7, 0, "7")] {
            let mut out = String::new();
            write(value, scale, &mut out);
            assert_eq!(out, text);
        }
    }
}
