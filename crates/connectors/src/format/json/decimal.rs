//! Parses decimal text to unscaled integers, like `BigDecimal` and `DECIMAL(p, s)`.

/// Number of digits that always fit an `i128`.
const MAX_DIGITS: i64 = 38;

/// Returns the unscaled value of `text` (sign, digits, fraction, exponent), rounded half up, away from zero,
/// to `scale` digits. Returns `None` if the text is no number or has more than `precision` digits.
pub(super) fn parse(text: &[u8], precision: u8, scale: u8) -> Option<i128> {
    let (negative, text) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };

    let (mantissa, exponent) = match text.iter().position(|byte| byte.eq_ignore_ascii_case(&b'e')) {
        Some(e) => (&text[..e], std::str::from_utf8(&text[e + 1..]).ok()?.parse::<i32>().ok()?),
        None => (text, 0),
    };

    let point = mantissa.iter().position(|&byte| byte == b'.');
    let (whole, fraction) = match point {
        Some(point) => (&mantissa[..point], &mantissa[point + 1..]),
        None => (mantissa, &[][..]),
    };

    let count = whole.len() + fraction.len();
    let mut digits = whole.iter().chain(fraction);
    if count == 0 || !digits.clone().all(u8::is_ascii_digit) {
        return None;
    }
    let zeros = digits.clone().take_while(|&&digit| digit == b'0').count();
    if zeros > 0 {
        digits.nth(zeros - 1);
    }
    // The unscaled value is the digits times 10^shift; a negative shift cuts off digits.
    let shift = i64::from(scale) + i64::from(exponent) - fraction.len() as i64;
    let significant = (count - zeros) as i64;
    if significant == 0 || significant + shift < 0 {
        return Some(0);
    }
    if significant + shift > MAX_DIGITS {
        return None;
    }
    let kept = significant + shift.min(0);
    let mut value = 0i128;
    for _ in 0..kept {
        value = value * 10 + i128::from(digits.next()? - b'0');
    }
    value *= 10i128.checked_pow(shift.max(0) as u32)?;
    if shift < 0 && digits.next().is_some_and(|&digit| digit >= b'5') {
        value += 1;
    }
    let fits = value < 10i128.checked_pow(precision.into())?;
    fits.then_some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_rounded_half_up_and_null_beyond_their_precision() {
        let parse = |text: &str, p, s| parse(text.as_bytes(), p, s);
        assert_eq!(parse("1.005", 10, 2), Some(101));
        assert_eq!(parse("-1.005", 10, 2), Some(-101));
        assert_eq!(parse("1.0049999", 10, 2), Some(100));
        assert_eq!(parse("1e3", 10, 2), Some(100_000));
        assert_eq!(parse("12.5e-1", 10, 1), Some(13));
        assert_eq!(parse("0.5", 5, 0), Some(1));
        assert_eq!(parse("0.05", 5, 0), Some(0));
        assert_eq!(parse("000.000e99", 5, 0), Some(0));
        assert_eq!(parse("99.995", 4, 2), None);
        assert_eq!(parse("1e99", 38, 0), None);
        assert_eq!(parse("+5", 5, 1), Some(50));
        assert_eq!(parse("99999999999999999999999999999999999999", 38, 0), Some(10i128.pow(38) - 1));
        for bad in ["", "-", ".", "e5", "1e", "x", "1.2.3", "NaN"] {
            assert_eq!(parse(bad, 10, 2), None, "{bad}");
        }
    }
}
