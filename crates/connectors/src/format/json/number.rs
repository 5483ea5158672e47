//! Numbers: JSON's grammar, and fast paths for common numbers.

/// Returns the end of the number at `i` by JSON's grammar; `None` if there is no number.
#[inline]
pub(super) fn end(b: &[u8], i: usize) -> Option<usize> {
    let digits = |mut j: usize| {
        let start = j;
        while b.get(j).is_some_and(u8::is_ascii_digit) {
            j += 1;
        }
        (j > start).then_some(j)
    };

    let start = if b.get(i) == Some(&b'-') { i + 1 } else { i };
    let mut j = digits(start)?;
    if j - start > 1 && b[start] == b'0' {
        return None;
    }
    if b.get(j) == Some(&b'.') {
        j = digits(j + 1)?;
    }

    if let Some(b'e' | b'E') = b.get(j) {
        j += 1;
        if let Some(b'+' | b'-') = b.get(j) {
            j += 1;
        }
        j = digits(j)?;
    }

    Some(j)
}

/// Parses the digits at `i`. It overflows silently, so callers count the digits.
#[inline(always)]
fn digits(b: &[u8], mut i: usize, mut value: u64) -> (u64, usize) {
    while let Some(&byte) = b.get(i) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        i += 1;
    }
    (value, i)
}

/// Parses an integer of at most 18 digits at `i` and returns its end; `None` for all other numbers, valid or
/// not.
#[inline(always)]
pub(super) fn short_integer(b: &[u8], i: usize) -> Option<(i64, usize)> {
    let negative = b[i] == b'-';
    let start = i + usize::from(negative);
    let (value, end) = digits(b, start, 0);
    let count = end - start;
    let plain = count.wrapping_sub(1) < 18
        && !(count > 1 && b[start] == b'0')
        && !matches!(b.get(end), Some(b'.' | b'e' | b'E'));
    // A longer number may have overflowed; its value is not used.
    let value = value.cast_signed();
    plain.then_some((if negative { value.wrapping_neg() } else { value }, end))
}

/// Parses a number of at most 15 digits without an exponent at `i` and returns its end; `None` for all other
/// numbers. The digits and the power of ten are exact doubles, so their quotient is the nearest double (W. D.
/// Clinger, "How to Read Floating Point Numbers Accurately", 1990).
#[inline(always)]
pub(super) fn short_double(b: &[u8], i: usize) -> Option<(f64, usize)> {
    const POWERS: [f64; 16] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    let negative = b[i] == b'-';
    let start = i + usize::from(negative);
    let (mut value, mut end) = digits(b, start, 0);
    let mut count = end - start;
    if count == 0 || (count > 1 && b[start] == b'0') {
        return None;
    }
    let mut places = 0;

    if b.get(end) == Some(&b'.') {
        let fraction = end + 1;
        (value, end) = digits(b, fraction, value);
        places = end - fraction;
        if places == 0 {
            return None;
        }
        count += places;
    }

    if count > 15 || matches!(b.get(end), Some(b'e' | b'E')) {
        return None;
    }
    let value = value as f64 / POWERS[places];
    Some((if negative { -value } else { value }, end))
}

/// Parses decimal text to the nearest double.
pub(super) fn double(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_json_s() {
        for good in ["0", "-0", "10", "1.5", "-1.50e+10", "1E5", "0e0"] {
            assert_eq!(end(good.as_bytes(), 0), Some(good.len()), "{good}");
        }
        for bad in ["", "-", "+1", ".5", "1.", "01", "1e", "1e+", "-.5", "NaN"] {
            assert_eq!(end(bad.as_bytes(), 0), None, "{bad}");
        }
    }

    #[test]
    fn the_fast_ways_agree_with_the_slow_ones() {
        for text in ["0", "-0", "7", "-12", "812.00", "956.99", "0.1", "123456789012345", "0.00000000000001"]
        {
            let (value, stop) = short_double(text.as_bytes(), 0).unwrap();
            assert_eq!(
                (value.to_bits(), stop),
                (text.parse::<f64>().unwrap().to_bits(), text.len()),
                "{text}"
            );
        }
        for text in ["01", "1.", "-", "1e5", "1234567890123456"] {
            assert_eq!(short_double(text.as_bytes(), 0), None, "{text}");
        }
        assert_eq!(short_integer(b"-999999999999999999,", 0), Some((-999_999_999_999_999_999, 19)));
        for text in
            ["-9223372036854775808", "9223372036854775808", "1234567890123456789", "1.5", "1e3", "007", "-"]
        {
            assert_eq!(short_integer(text.as_bytes(), 0), None, "{text}");
        }
    }
}
