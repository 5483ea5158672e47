//! Picks one of a group's values: the least, the greatest, the first, or the last.

use std::cmp::Ordering;

use crate::dictionary::NULL_CODE;

/// Which of a group's values is picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pick {
    Min,
    Max,
    First,
    Last,
}

impl Pick {
    /// Returns the SQL function's name.
    pub fn name(self) -> &'static str {
        match self {
            Pick::Min => "MIN",
            Pick::Max => "MAX",
            Pick::First => "FIRST_VALUE",
            Pick::Last => "LAST_VALUE",
        }
    }
}

/// A value per group, null where `valid` is 0.
#[derive(Debug, Clone, Default)]
pub struct Picked<T> {
    pub values: Vec<T>,
    pub valid: Vec<u8>,
}

/// Compares texts of a domain by their codes.
pub trait TextOrder {
    fn compare(&self, domain: usize, a: u32, b: u32) -> Ordering;
}

impl<T: Default + Copy> Picked<T> {
    pub(super) fn resize(&mut self, groups: usize) {
        self.values.resize(groups, T::default());
        self.valid.resize(groups, 0);
    }

    #[inline(always)]
    pub(super) fn offer(&mut self, group: usize, value: T, pick: Pick, compare: impl Fn(&T, &T) -> Ordering) {
        let take = self.valid[group] == 0
            || match pick {
                Pick::Min => compare(&value, &self.values[group]).is_lt(),
                Pick::Max => compare(&value, &self.values[group]).is_gt(),
                Pick::First => false,
                Pick::Last => true,
            };
        if take {
            self.values[group] = value;
            self.valid[group] = 1;
        }
    }

    pub(super) fn merge(
        &mut self,
        group: usize,
        other: &Picked<T>,
        other_group: usize,
        pick: Pick,
        compare: impl Fn(&T, &T) -> Ordering,
    ) {
        if other.valid[other_group] != 0 {
            self.offer(group, other.values[other_group], pick, compare);
        }
    }
}

/// Compares as `Scalar::compare`: NaN is the greatest, wherever it comes among the rows. (Flink's MIN and MAX
/// keep a NaN that comes first and ignore a later one.)
pub(super) fn compare_doubles(a: &f64, b: &f64) -> Ordering {
    a.partial_cmp(b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

#[inline(always)]
pub(super) fn pick_text(held: u32, code: u32, pick: Pick, domain: usize, order: &dyn TextOrder) -> u32 {
    if code == NULL_CODE || code == held {
        return held;
    }
    if held == NULL_CODE {
        return code;
    }
    let take = match pick {
        Pick::Min => order.compare(domain, code, held).is_lt(),
        Pick::Max => order.compare(domain, code, held).is_gt(),
        Pick::First => false,
        Pick::Last => true,
    };
    if take { code } else { held }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_is_the_greatest_double_in_any_order() {
        for values in [[f64::NAN, 1.0, 3.0], [1.0, f64::NAN, 3.0], [1.0, 3.0, f64::NAN]] {
            let picked = |pick: Pick| {
                let mut picked = Picked::default();
                picked.resize(1);
                values.iter().for_each(|&value| picked.offer(0, value, pick, compare_doubles));
                picked.values[0]
            };
            assert_eq!(picked(Pick::Min), 1.0);
            assert!(picked(Pick::Max).is_nan());
        }
    }
}
