//! One exact sum, from which values may be subtracted.

use super::{SCALE, Wide, power_of_two, to_fixed};

/// A sum of doubles that does not depend on the order. After subtractions it is the exact sum of the
/// remaining values.
///
/// A subtracted NaN or infinity leaves no trace. (Flink's sum stays NaN then.)
#[derive(Debug, Clone, Default)]
pub struct ExactSum {
    fixed: i128,
    /// The part that is not in `fixed`.
    odd: Option<Box<Odd>>,
}

/// The sum of finite values that do not fit the fixed form, and the counts of the non-finite ones.
#[derive(Debug, Clone, Default, PartialEq)]
struct Odd {
    wide: Wide,
    nans: i64,
    positive_infinities: i64,
    negative_infinities: i64,
}

/// The parts of an [`ExactSum`], for snapshots.
#[derive(Debug, Clone, PartialEq)]
pub struct ExactSumParts {
    pub fixed: i128,
    /// The words of the wide sum, then the counts of NaN, of infinities and of negative infinities; often
    /// empty.
    pub odd: Vec<i64>,
}

impl ExactSum {
    #[inline]
    pub fn add(&mut self, value: f64) {
        self.change(value, 1);
    }

    /// Subtracts a value that was added.
    #[inline]
    pub fn subtract(&mut self, value: f64) {
        self.change(value, -1);
    }

    #[inline]
    fn change(&mut self, value: f64, count: i64) {
        match to_fixed(value) {
            // The magnitude is below 2^114.
            Some(fixed) => self.add_fixed(fixed * i128::from(count)),
            None => self.change_odd(value, count),
        }
    }

    #[inline]
    fn add_fixed(&mut self, value: i128) {
        match self.fixed.checked_add(value) {
            Some(sum) => self.fixed = sum,
            None => {
                let wide = &mut self.odd.get_or_insert_default().wide;
                wide.add_fixed(self.fixed);
                wide.add_fixed(value);
                self.fixed = 0;
            }
        }
    }

    #[cold]
    fn change_odd(&mut self, value: f64, count: i64) {
        let odd = self.odd.get_or_insert_default();
        if value.is_nan() {
            odd.nans += count;
        } else if value == f64::INFINITY {
            odd.positive_infinities += count;
        } else if value == f64::NEG_INFINITY {
            odd.negative_infinities += count;
        } else {
            odd.wide.add(value * count as f64);
        }
    }

    pub fn merge(&mut self, other: &ExactSum) {
        self.add_fixed(other.fixed);
        if let Some(more) = &other.odd {
            let odd = self.odd.get_or_insert_default();
            odd.wide.merge(&more.wide);
            odd.nans += more.nans;
            odd.positive_infinities += more.positive_infinities;
            odd.negative_infinities += more.negative_infinities;
        }
    }

    /// Returns the correctly rounded sum; 0 for no values.
    pub fn sum(&self) -> f64 {
        let Some(odd) = &self.odd else {
            // The conversion rounds to nearest; the power of two is exact.
            return self.fixed as f64 * power_of_two(-SCALE as i64);
        };
        let (up, down) = (odd.positive_infinities > 0, odd.negative_infinities > 0);
        if odd.nans > 0 || up && down {
            return f64::NAN;
        }
        if up || down {
            return if up { f64::INFINITY } else { f64::NEG_INFINITY };
        }
        let mut all = odd.wide.clone();
        all.add_fixed(self.fixed);
        all.round()
    }

    /// Returns the bytes outside the sum itself.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        if self.odd.is_some() { size_of::<Odd>() } else { 0 }
    }

    pub fn parts(&self) -> ExactSumParts {
        let odd = self.odd.as_ref().map(|odd| {
            let mut words = odd.wide.image().words;
            words.extend([odd.nans, odd.positive_infinities, odd.negative_infinities]);
            words
        });
        ExactSumParts { fixed: self.fixed, odd: odd.unwrap_or_default() }
    }

    /// Restores a sum from its parts; returns `None` if they are invalid.
    pub fn of_parts(parts: &ExactSumParts) -> Option<ExactSum> {
        if parts.odd.is_empty() {
            return Some(ExactSum { fixed: parts.fixed, odd: None });
        }
        let (words, counts) = parts.odd.split_last_chunk::<3>()?;
        let image = crate::snapshot::WideImage {
            words: words.to_vec(),
            not_a_number: false,
            positive_infinity: false,
            negative_infinity: false,
        };
        let [nans, positive_infinities, negative_infinities] = *counts;
        let odd = Odd { wide: Wide::of_image(&image), nans, positive_infinities, negative_infinities };
        Some(ExactSum { fixed: parts.fixed, odd: Some(Box::new(odd)) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[f64]) -> ExactSum {
        let mut sum = ExactSum::default();
        values.iter().for_each(|&value| sum.add(value));
        sum
    }

    fn doubles() -> impl Strategy<Value = Vec<f64>> {
        let double = prop_oneof![
            any::<f64>(),
            (-1e6..1e6f64),
            Just(f64::NAN),
            Just(f64::INFINITY),
            Just(f64::NEG_INFINITY),
            Just(2f64.powi(39)),
        ];
        prop::collection::vec(double, 0..20)
    }

    proptest! {
        #[test]
        fn what_was_taken_back_leaves_no_trace(stays in doubles(), goes in doubles()) {
            let mut sum = of(&goes);
            stays.iter().for_each(|&value| sum.add(value));
            goes.iter().for_each(|&value| sum.subtract(value));
            prop_assert_eq!((sum.sum() + 0.0).to_bits(), (of(&stays).sum() + 0.0).to_bits());
        }

        #[test]
        fn parts_and_merges_keep_the_sum(left in doubles(), right in doubles()) {
            let mut merged = ExactSum::of_parts(&of(&left).parts()).unwrap();
            merged.merge(&of(&right));
            let all: Vec<f64> = left.into_iter().chain(right).collect();
            prop_assert_eq!((merged.sum() + 0.0).to_bits(), (of(&all).sum() + 0.0).to_bits());
        }
    }
}
