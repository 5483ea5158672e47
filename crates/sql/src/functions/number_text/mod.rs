//! Floating-point numbers to text and back, digit for digit as in Java 17.
//!
//! Flink's output depends on these digits, and so does its rounding: `ROUND` goes through the text.

mod digits;

pub(super) use digits::{Digits, digits_of_double, digits_of_float, round_up};

/// Writes a double as `Double.toString` does: `1.0E7` from 10^7 up, `1.0E-4` below 10^-3, always with a
/// fraction.
pub fn write_double(value: f64, out: &mut String) {
    write(value, out, digits_of_double);
}

/// Writes a single-precision number as `Float.toString` does.
pub fn write_float(value: f64, out: &mut String) {
    write(value, out, |v| digits_of_float(v as f32));
}

fn write(value: f64, out: &mut String, digits: impl FnOnce(f64) -> Digits) {
    if value.is_nan() {
        return out.push_str("NaN");
    }
    if value.is_sign_negative() {
        out.push('-');
    }
    if value.is_infinite() {
        return out.push_str("Infinity");
    }
    let Digits { digits, point } = digits(value.abs());
    let push = |out: &mut String, digits: &[u8]| out.extend(digits.iter().map(|d| char::from(b'0' + d)));

    if point > 0 && point < 8 {
        let whole = (point as usize).min(digits.len());
        push(out, &digits[..whole]);
        out.extend(std::iter::repeat_n('0', point as usize - whole));
        out.push('.');
        if whole < digits.len() { push(out, &digits[whole..]) } else { out.push('0') }
    } else if point <= 0 && point > -3 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', -point as usize));
        push(out, &digits);
    } else {
        push(out, &digits[..1]);
        out.push('.');
        if digits.len() > 1 {
            push(out, &digits[1..])
        } else {
            out.push('0')
        }
        out.push('E');
        out.push_str(&(point - 1).to_string());
    }
}

/// Parses a double as `Double.valueOf` does: surrounding blanks, `NaN`, `Infinity`, an exponent, a final `d`
/// or `f`.
pub(super) fn parse_double(text: &str) -> Option<f64> {
    match plain_number(text)? {
        PlainNumber::Special(value) => Some(value),
        PlainNumber::Decimal(text) => text.parse().ok(),
    }
}

/// Parses a single-precision number as `Float.valueOf` does.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    match plain_number(text)? {
        PlainNumber::Special(value) => Some(value),
        PlainNumber::Decimal(text) => text.parse::<f32>().ok().map(f64::from),
    }
}

enum PlainNumber<'a> {
    Special(f64),
    Decimal(&'a str),
}

fn plain_number(text: &str) -> Option<PlainNumber<'_>> {
    let text = text.trim_matches(|c: char| c <= ' ');
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };

    let special = match unsigned {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(if negative { f64::NEG_INFINITY } else { f64::INFINITY }),
        _ => None,
    };

    if let Some(value) = special {
        return Some(PlainNumber::Special(value));
    }
    let text = text.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(text);
    let unsigned = unsigned.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(unsigned);

    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        None => (unsigned, "0"),
    };

    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let points = mantissa.bytes().filter(|b| *b == b'.').count();

    let sound = digits > 0
        && points <= 1
        && digits + points == mantissa.len()
        && !exponent.is_empty()
        && exponent.bytes().all(|b| b.is_ascii_digit());

    sound.then_some(PlainNumber::Decimal(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn double(v: f64) -> String {
        let mut out = String::new();
        write_double(v, &mut out);
        out
    }

    fn float(v: f32) -> String {
        let mut out = String::new();
        write_float(f64::from(v), &mut out);
        out
    }

    #[test]
    fn doubles_print_as_in_java_17() {
        let cases = [
            (1.0, "1.0"),
            (1e7, "1.0E7"),
            (9999999.0, "9999999.0"),
            (1e-3, "0.001"),
            (1e-4, "1.0E-4"),
            (5e-324, "4.9E-324"),
            (f64::MAX, "1.7976931348623157E308"),
            (0.1, "0.1"),
            (2.0e-3, "0.002"),
            (1e23, "9.999999999999999E22"),
            (2e23, "1.9999999999999998E23"),
            (-0.0, "-0.0"),
            (77.77777777777779, "77.77777777777779"),
            (9.099999999999998, "9.099999999999998"),
            (2.2250738585072014e-308, "2.2250738585072014E-308"),
            (1.2345678901234568e22, "1.2345678901234568E22"),
            (3e9, "3.0E9"),
            (f64::INFINITY, "Infinity"),
        ];

        for (value, text) in cases {
            assert_eq!(double(value), text);
        }
        assert_eq!(double(f64::NAN), "NaN");
    }

    #[test]
    fn floats_print_as_in_java_17() {
        for (value, text) in [
            (1e16, "1.00000003E16"),
            (4.9744084e25, "4.9744084E25"),
            (0.1, "0.1"),
            (0.23333335, "0.23333335"),
            (3.4e38, "3.4E38"),
        ] {
            assert_eq!(float(value), text);
        }
    }

    #[test]
    fn text_is_read_as_java_does() {
        assert_eq!(parse_double(" 1e3 "), Some(1000.0));
        assert_eq!(parse_double("1.5d"), Some(1.5));
        assert_eq!(parse_double("1e400"), Some(f64::INFINITY));
        assert_eq!(parse_double(".5"), Some(0.5));
        assert!(parse_double("NaN").is_some_and(f64::is_nan));
        for text in ["", "x", "inf", "nan", "1_000", "1,000", "0x10", "e3", ".", "1e"] {
            assert_eq!(parse_double(text), None, "{text}");
        }
    }
}
