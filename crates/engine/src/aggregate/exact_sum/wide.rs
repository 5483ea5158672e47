//! An accumulator that spans all doubles, for exact sums of values that do not fit the fixed form.

use super::SCALE;
use crate::snapshot::WideImage;

/// The number of 32-bit words, least significant first. The lowest bit of the first is 2^-1074, and the words
/// have room for 2^64 additions of the largest double.
const WORDS: usize = 68;

/// An exact accumulator for all finite doubles, with flags for the non-finite values that were added.
#[derive(Debug, Clone, PartialEq)]
pub struct Wide {
    words: [i64; WORDS],
    /// Additions since carries were last propagated; a word holds at most 2^31 of them.
    pending: u32,
    not_a_number: bool,
    positive_infinity: bool,
    negative_infinity: bool,
}

impl Default for Wide {
    fn default() -> Wide {
        Wide {
            words: [0; WORDS],
            pending: 0,
            not_a_number: false,
            positive_infinity: false,
            negative_infinity: false,
        }
    }
}

impl Wide {
    pub fn add(&mut self, value: f64) {
        if value.is_nan() {
            self.not_a_number = true;
            return;
        }

        if value.is_infinite() {
            if value > 0.0 {
                self.positive_infinity = true;
            } else {
                self.negative_infinity = true;
            }
            return;
        }

        let bits = value.to_bits();
        let exponent = (bits >> 52 & 0x7ff) as usize;
        let fraction = bits & 0x000f_ffff_ffff_ffff;
        let (mantissa, position) =
            if exponent == 0 { (fraction, 0) } else { (fraction | 1 << 52, exponent - 1) };
        self.add_bits(mantissa as u128, position, value < 0.0);
    }

    /// Adds a number of the fixed form.
    pub fn add_fixed(&mut self, value: i128) {
        let position = (1074 - SCALE) as usize;
        let magnitude = value.unsigned_abs();
        // In two halves, so that the shifted bits fit a u128.
        self.add_bits(magnitude & u64::MAX as u128, position, value < 0);
        self.add_bits(magnitude >> 64, position + 64, value < 0);
    }

    pub fn merge(&mut self, other: &Wide) {
        let mut other = other.clone();
        other.carry();
        self.carry();
        for (word, more) in self.words.iter_mut().zip(&other.words) {
            *word += more;
        }
        self.carry();
        self.not_a_number |= other.not_a_number;
        self.positive_infinity |= other.positive_infinity;
        self.negative_infinity |= other.negative_infinity;
    }

    /// Returns the sum, rounded to nearest, ties to even.
    pub fn round(&self) -> f64 {
        if self.not_a_number || (self.positive_infinity && self.negative_infinity) {
            return f64::NAN;
        }
        if self.positive_infinity {
            return f64::INFINITY;
        }
        if self.negative_infinity {
            return f64::NEG_INFINITY;
        }
        let mut sum = self.clone();
        sum.carry();
        let negative = sum.words[WORDS - 1] < 0;

        if negative {
            for word in &mut sum.words {
                *word = -*word;
            }
            sum.carry();
        }

        let magnitude = sum.round_magnitude();
        if negative { -magnitude } else { magnitude }
    }

    /// Adds `bits * 2^(position - 1074)`; `bits` must be below 2^64.
    fn add_bits(&mut self, bits: u128, position: usize, negative: bool) {
        if bits == 0 {
            return;
        }
        let shifted = bits << (position % 32);
        let first = position / 32;
        for (i, word) in self.words[first..].iter_mut().take(4).enumerate() {
            let part = (shifted >> (32 * i) & 0xffff_ffff) as i64;
            *word += if negative { -part } else { part };
        }
        self.pending += 1;
        if self.pending == 1 << 30 {
            self.carry();
        }
    }

    /// Returns the form that a snapshot holds.
    pub fn image(&self) -> WideImage {
        let mut sum = self.clone();
        sum.carry();
        WideImage {
            words: sum.words.to_vec(),
            not_a_number: sum.not_a_number,
            positive_infinity: sum.positive_infinity,
            negative_infinity: sum.negative_infinity,
        }
    }

    /// Restores a sum from an image; missing words are zero.
    pub fn of_image(image: &WideImage) -> Wide {
        let mut sum = Wide {
            not_a_number: image.not_a_number,
            positive_infinity: image.positive_infinity,
            negative_infinity: image.negative_infinity,
            ..Wide::default()
        };
        sum.words.iter_mut().zip(&image.words).for_each(|(word, &of)| *word = of);
        sum
    }

    /// Propagates carries: brings every word but the last into 0..2^32.
    fn carry(&mut self) {
        let mut carry = 0i64;
        for word in &mut self.words[..WORDS - 1] {
            let value = *word + carry;
            *word = value & 0xffff_ffff;
            carry = value >> 32;
        }
        self.words[WORDS - 1] += carry;
        self.pending = 0;
    }

    /// Rounds words whose carries are propagated and which are not negative.
    fn round_magnitude(&self) -> f64 {
        let Some(top) = self.words.iter().rposition(|&word| word != 0) else { return 0.0 };
        // The top 128 bits; of anything below them it only matters whether it is zero.
        let mut window = 0u128;
        for back in 0..4 {
            window = window << 32 | top.checked_sub(back).map_or(0, |k| self.words[k] as u128);
        }
        if self.words[..top.saturating_sub(3)].iter().any(|&word| word != 0) {
            window |= 1;
        }
        // value = window * 2^(32 * (top - 3) - 1074)
        let exponent = 32 * (top as i64 - 3) - 1074;
        scale_rounded(window, exponent)
    }
}

/// Returns `window * 2^exponent`, rounded once; the lowest bit of `window` may stand for everything below it.
fn scale_rounded(window: u128, exponent: i64) -> f64 {
    let bits = 128 - window.leading_zeros() as i64;
    // Subnormal results have fewer bits than 53.
    let keep = (bits + exponent + 1074).min(53);
    if keep < 0 {
        return 0.0;
    }
    let drop = bits - keep;

    let (mantissa, exponent) = if drop <= 0 {
        (window, exponent)
    } else {
        let half = 1u128 << (drop - 1);
        let rest = window & ((half << 1) - 1);
        let mut kept = if drop == 128 { 0 } else { window >> drop };
        if rest > half || (rest == half && kept & 1 == 1) {
            kept += 1;
        }
        (kept, exponent + drop)
    };

    // The value is at most 2^53 with no more bits than the result can hold: each step is exact, or overflows
    // to infinity.
    let mut value = mantissa as f64;
    let mut left = exponent;

    while left != 0 {
        let step = left.clamp(-1000, 1000);
        value *= power_of_two(step);
        left -= step;
    }

    value
}

/// Returns `2^exponent` for -1022..=1023.
pub(super) fn power_of_two(exponent: i64) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}
