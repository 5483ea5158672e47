//! Decimal digits of a binary floating-point number, as Java 17 generates them.
//!
//! Java before 19 does not always find the shortest digits that read back: `1e16` as FLOAT is
//! `1.00000003E16`, the smallest double is `4.9E-324`. The algorithm is Steele and White's free-format
//! algorithm ("How to print floating-point numbers accurately", 1990) with Java's early exits.

use num_bigint::BigUint;

/// Decimal digits of a positive finite number: `0.d1d2d3… × 10^point`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Digits {
    /// Values 0 to 9; the first is not 0 unless the number is 0.
    pub(in super::super) digits: Vec<u8>,
    pub(in super::super) point: i32,
}

/// Returns the digits of a finite, non-negative double.
pub(in super::super) fn digits_of_double(value: f64) -> Digits {
    let bits = value.to_bits();
    let (biased, fraction) = ((bits >> 52) as i32 & 0x7ff, bits & ((1 << 52) - 1));
    match (biased, fraction) {
        (0, 0) => Digits { digits: vec![0], point: 1 },
        (0, _) => {
            let zeros = fraction.leading_zeros() as i32;
            let shift = zeros - 11;
            generate(1 - shift - 1023, fraction << shift, 64 - zeros)
        }
        _ => generate(biased - 1023, fraction | 1 << 52, 53),
    }
}

/// Returns the digits of a finite, non-negative single-precision number.
pub(in super::super) fn digits_of_float(value: f32) -> Digits {
    let bits = value.to_bits();
    let (biased, fraction) = ((bits >> 23) as i32 & 0xff, bits & ((1 << 23) - 1));
    match (biased, fraction) {
        (0, 0) => Digits { digits: vec![0], point: 1 },
        (0, _) => {
            let zeros = fraction.leading_zeros() as i32;
            let shift = zeros - 8;
            generate(1 - shift - 127, u64::from(fraction << shift) << 29, 32 - zeros)
        }
        _ => generate(biased - 127, u64::from(fraction | 1 << 23) << 29, 24),
    }
}

/// Returns the number of bits of 5^n, or Java's upper estimate of it; it selects the width of the arithmetic
/// below.
fn bits_of_power_of_5(n: i32) -> i32 {
    const BITS: [i32; 27] = [
        0, 3, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28, 31, 33, 35, 38, 40, 42, 45, 47, 49, 52, 54, 56, 59,
        61,
    ];
    usize::try_from(n).ok().and_then(|n| BITS.get(n).copied()).unwrap_or(n * 3)
}

/// Generates digits. `fraction` is the significand with its top bit at 2^52; the number is `fraction ×
/// 2^(exponent - 52)`.
fn generate(exponent: i32, fraction: u64, significant_bits: i32) -> Digits {
    let trailing = fraction.trailing_zeros() as i32;
    let fraction_bits = 53 - trailing;
    let tiny_bits = (fraction_bits - exponent - 1).max(0);
    if (-21..=62).contains(&exponent) && tiny_bits == 0 && fraction_bits < 64 {
        let insignificant = match exponent - significant_bits - 1 {
            // floor(n × log10 2): the number of digits that n binary digits cannot distinguish.
            n if exponent > significant_bits && n > 1 => (f64::from(n) * std::f64::consts::LOG10_2) as u32,
            _ => 0,
        };
        let whole = if exponent >= 52 { fraction << (exponent - 52) } else { fraction >> (52 - exponent) };
        return digits_of_whole(whole, insignificant);
    }

    // Estimate log10 of the number, at most one too high.
    let normalised = f64::from_bits(1023 << 52 | fraction & ((1 << 52) - 1));
    let estimate =
        (normalised - 1.5) * 0.289529654 + 0.176091259 + f64::from(exponent) * std::f64::consts::LOG10_2;
    let mut decimal_exponent = estimate.floor() as i32;

    let five_b = (-decimal_exponent).max(0);
    let five_s = decimal_exponent.max(0);
    let mut two_b = five_b + tiny_bits + exponent;
    let mut two_s = five_s + tiny_bits;
    let mut two_m = two_b - significant_bits;
    two_b -= fraction_bits - 1;
    let common = two_b.min(two_s);
    two_b -= common;
    two_s -= common;
    two_m -= common;
    if fraction_bits == 1 {
        // The neighbour below a power of two is only half as far away.
        two_m -= 1;
    }
    if two_m < 0 {
        two_b -= two_m;
        two_s -= two_m;
        two_m = 0;
    }
    let bits_b = fraction_bits + two_b + bits_of_power_of_5(five_b);
    let bits_ten_s = two_s + 1 + bits_of_power_of_5(five_s + 1);
    // Java uses int or long arithmetic if the numbers themselves fit. In that case a tie at the upper end
    // does not stop the digits, and sums that overflow come out negative.
    let width = match (bits_b, bits_ten_s) {
        (b, s) if b < 32 && s < 32 => 31,
        (b, s) if b < 64 && s < 64 => 63,
        _ => u64::MAX,
    };
    let overflows = |sum: &BigUint| sum.bits() > width;

    let scaled = |five: i32, two: i32| BigUint::from(5u8).pow(five as u32) << two.max(0) as usize;
    let mut b = scaled(five_b, two_b) * (fraction >> trailing);
    let s = scaled(five_s, two_s);
    let mut m = scaled(five_b, two_m);
    let tens = &s * 10u8;
    let mut digits = Vec::with_capacity(18);
    let (mut low, mut high);
    let mut first = true;
    loop {
        let quotient = (&b / &s).try_into().unwrap_or(0u8);
        b = (&b % &s) * 10u8;
        m *= 10u8;
        if !first && overflows(&m) {
            (low, high) = (true, true);
        } else {
            low = b < m;
            let reach = &b + &m;
            high = if width == u64::MAX { reach >= tens } else { reach > tens && !overflows(&reach) };
        }
        if first && quotient == 0 && !high {
            decimal_exponent -= 1;
        } else {
            digits.push(quotient);
        }
        if first && !(-3..8).contains(&decimal_exponent) {
            // The form with an exponent always has a digit after the point.
            (low, high) = (false, false);
        }
        first = false;
        if low || high {
            break;
        }
    }
    let mut point = decimal_exponent + 1;
    let doubled: BigUint = b << 1usize;
    let odd = digits.last().is_some_and(|d| d & 1 == 1);
    let up = high && (!low || doubled > tens || doubled == tens && odd);
    if up {
        point += round_up(&mut digits);
    }
    Digits { digits, point }
}

/// Adds one in the last place; returns 1 if the number became a power of ten, otherwise 0.
pub(in super::super) fn round_up(digits: &mut [u8]) -> i32 {
    for digit in digits.iter_mut().rev() {
        if *digit < 9 {
            *digit += 1;
            return 0;
        }
        *digit = 0;
    }
    if let Some(first) = digits.first_mut() {
        *first = 1;
    }
    1
}

fn digits_of_whole(mut whole: u64, insignificant: u32) -> Digits {
    let mut exponent = 0;
    if let Some(unit) = 10u64.checked_pow(insignificant).filter(|_| insignificant > 0) {
        let rest = whole % unit;
        whole /= unit;
        exponent = insignificant as i32;
        if rest >= unit / 2 {
            whole += 1;
        }
    }
    let text = whole.to_string();
    let point = text.len() as i32 + exponent;
    let digits = text.trim_end_matches('0').bytes().map(|b| b - b'0').collect();
    Digits { digits, point }
}
