//! Sums of doubles that do not depend on the order: exact while they grow, rounded once when they are read.
//!
//! A double is a whole number times a power of two. Nearly all doubles in practice fit a fixed-point number
//! with 74 fractional bits and are added as `i128`. Other values (very small or very large), and sums that
//! overflow, go to an accumulator that spans all doubles, as in Kulisch, "Computer Arithmetic and Validity".
//! So any batch size, parallelism and order of merging gives the same bits, those of a correctly rounded sum.

mod single;
mod wide;

use std::collections::HashMap;

use wide::power_of_two;

pub use single::{ExactSum, ExactSumParts};
pub use wide::Wide;

/// The number of fractional bits of the fixed form.
const SCALE: i32 = 74;
/// Values below 2^40 are taken in the fixed form.
const LIMIT: f64 = (1u64 << 40) as f64;

/// The form in which a [`FixedColumn`] holds a value.
pub mod form {
    pub const NULL: u8 = 0;
    pub const FIXED: u8 = 1;
    /// Not exactly representable in the fixed form: the double itself is to be added.
    pub const ODD: u8 = 2;
}

/// A column of doubles in the fixed form, computed once per batch for all sums over it.
#[derive(Debug, Clone, Default)]
pub struct FixedColumn {
    pub fixed: Vec<i128>,
    /// One [`form`] per row.
    pub forms: Vec<u8>,
    /// Whether any row is odd.
    pub has_odd: bool,
}

impl FixedColumn {
    /// Converts values and their validity (0 or 1).
    pub fn fill(&mut self, values: &[f64], valid: &[u8]) {
        self.fixed.clear();
        self.forms.clear();
        self.has_odd = false;
        self.fixed.reserve(values.len());
        self.forms.reserve(values.len());

        for (&value, &valid) in values.iter().zip(valid) {
            match to_fixed(value) {
                Some(fixed) => {
                    self.fixed.push(fixed);
                    self.forms.push(valid);
                }
                None => {
                    self.fixed.push(0);
                    self.forms.push(valid * form::ODD);
                    self.has_odd |= valid != 0;
                }
            }
        }
    }
}

/// Returns the value times 2^74, if that is a whole number and small enough.
#[inline]
fn to_fixed(value: f64) -> Option<i128> {
    let bits = value.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32;
    let mantissa = (bits & 0x000f_ffff_ffff_ffff | 0x0010_0000_0000_0000) as i64;

    // value = mantissa * 2^(exponent - 1075)
    let shift = exponent - 1075 + SCALE;
    if (0..=62).contains(&shift) && value.abs() < LIMIT {
        let signed = if value < 0.0 { -mantissa } else { mantissa };
        return Some((signed as i128) << shift);
    }

    if value == 0.0 {
        return Some(0);
    }

    if (-52..0).contains(&shift) && mantissa.trailing_zeros() as i32 >= -shift {
        let signed = if value < 0.0 { -mantissa } else { mantissa };
        return Some((signed >> -shift) as i128);
    }
    None
}

/// A sum for each group, with its number of values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExactSums {
    pub fixed: Vec<i128>,
    pub counts: Vec<u64>,
    /// The part of a group's sum that is not in `fixed`.
    pub wide: HashMap<u32, Box<Wide>>,
}

impl ExactSums {
    pub fn resize(&mut self, groups: usize) {
        self.fixed.resize(groups, 0);
        self.counts.resize(groups, 0);
    }

    pub fn clear(&mut self) {
        self.fixed.fill(0);
        self.counts.fill(0);
        self.wide.clear();
    }

    pub fn memory_bytes(&self) -> usize {
        self.fixed.capacity() * 16 + self.counts.capacity() * 8 + self.wide.len() * size_of::<Wide>()
    }

    #[inline]
    pub fn add_fixed(&mut self, group: u32, value: i128, count: u64) {
        let sum = &mut self.fixed[group as usize];
        match sum.checked_add(value) {
            Some(added) => *sum = added,
            None => self.spill(group, value),
        }
        self.counts[group as usize] += count;
    }

    /// Adds a row of a column; nulls change nothing.
    #[inline]
    pub fn add_row(&mut self, group: u32, column: &FixedColumn, doubles: &[f64], row: usize) {
        match column.forms[row] {
            form::NULL => {}
            form::FIXED => self.add_fixed(group, column.fixed[row], 1),
            _ => {
                self.wide.entry(group).or_default().add(doubles[row]);
                self.counts[group as usize] += 1;
            }
        }
    }

    /// Adds another table's group.
    pub fn merge(&mut self, group: u32, other: &ExactSums, other_group: u32) {
        self.add_fixed(group, other.fixed[other_group as usize], other.counts[other_group as usize]);
        if let Some(wide) = other.wide.get(&other_group) {
            self.wide.entry(group).or_default().merge(wide);
        }
    }

    /// Returns the correctly rounded sum; `None` if no value was added.
    pub fn sum(&self, group: u32) -> Option<f64> {
        if self.counts[group as usize] == 0 {
            return None;
        }
        let fixed = self.fixed[group as usize];
        Some(match self.wide.get(&group) {
            // The conversion rounds to nearest; the power of two is exact.
            None => fixed as f64 * power_of_two(-SCALE as i64),
            Some(wide) => {
                let mut all = wide.clone();
                all.add_fixed(fixed);
                all.round()
            }
        })
    }

    #[cold]
    fn spill(&mut self, group: u32, value: i128) {
        let sum = std::mem::take(&mut self.fixed[group as usize]);
        let wide = self.wide.entry(group).or_default();
        wide.add_fixed(sum);
        wide.add_fixed(value);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::column::Numbers;

    fn sum(values: &[f64]) -> f64 {
        let mut numbers = Numbers::default();
        numbers.reset(values.len());
        values.iter().enumerate().for_each(|(row, &v)| numbers.set(row, v));
        let mut column = FixedColumn::default();
        column.fill(&numbers.values, &numbers.valid);
        let mut sums = ExactSums::default();
        sums.resize(1);
        (0..values.len()).for_each(|row| sums.add_row(0, &column, values, row));
        sums.sum(0).unwrap()
    }

    #[test]
    fn known_sums_are_correctly_rounded() {
        assert_eq!(sum(&[0.1; 10]), 1.0);
        assert_eq!(sum(&[1e16, 1.0, -1e16]), 1.0);
        assert_eq!(sum(&[1e308, 1e308, -1e308]), 1e308);
        assert_eq!(sum(&[1e308, 1e308]), f64::INFINITY);
        assert_eq!(sum(&[5e-324, 5e-324]), 1e-323);
        assert_eq!(sum(&[-812.55, 812.55]), 0.0);
        assert_eq!(sum(&[f64::INFINITY, 1.0]), f64::INFINITY);
        assert!(sum(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
        assert_eq!(sum(&[2f64.powi(39); 40_000]), 40_000.0 * 2f64.powi(39));
        assert_eq!(sum(&[-1e300, -2.5, 1e300]), -2.5);
    }

    #[test]
    fn no_value_has_no_sum() {
        let mut sums = ExactSums::default();
        sums.resize(1);
        assert_eq!(sums.sum(0), None);
    }

    fn any_double() -> impl Strategy<Value = f64> {
        prop_oneof![
            prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
            (-1_000_000i64..1_000_000).prop_map(|n| n as f64 / 100.0),
            (-1e6..1e6f64),
        ]
    }

    proptest! {
        #[test]
        fn the_order_changes_nothing(mut values in prop::collection::vec(any_double(), 1..40)) {
            let forward = sum(&values);
            values.reverse();
            prop_assert_eq!(forward.to_bits(), sum(&values).to_bits());
            values.sort_by(f64::total_cmp);
            prop_assert_eq!(forward.to_bits(), sum(&values).to_bits());
        }

        #[test]
        fn two_values_add_as_the_machine_adds_them(a in any_double(), b in any_double()) {
            prop_assert_eq!(sum(&[a, b]) + 0.0, a + b + 0.0);
        }

        #[test]
        fn merging_parts_is_the_same_as_adding_all(
            left in prop::collection::vec(any_double(), 1..20),
            right in prop::collection::vec(any_double(), 1..20),
        ) {
            let part = |values: &[f64]| {
                let mut numbers = Numbers::default();
                numbers.reset(values.len());
                values.iter().enumerate().for_each(|(row, &v)| numbers.set(row, v));
                let mut column = FixedColumn::default();
                column.fill(&numbers.values, &numbers.valid);
                let mut sums = ExactSums::default();
                sums.resize(1);
                (0..values.len()).for_each(|row| sums.add_row(0, &column, values, row));
                sums
            };
            let mut merged = part(&left);
            merged.merge(0, &part(&right), 0);
            let all: Vec<f64> = left.iter().chain(&right).copied().collect();
            prop_assert_eq!(merged.sum(0).unwrap().to_bits(), sum(&all).to_bits());
        }
    }
}
