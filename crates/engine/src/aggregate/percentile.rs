//! The position of a percentile among ordered values, and its value.
//!
//! Among n values, 0.5 is at position 0.5 * (n - 1), counted from 0. Between two values the result is their linear
//! interpolation:
//!
//! ```text
//! values   1   2   4  10      0.5 * 3 = 1.5:  half of 2 and half of 4 = 3
//! at       0   1   2   3
//! ```

/// A position among ordered values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PercentilePosition(f64);

impl PercentilePosition {
    /// Returns the position of `fraction`, between 0 and 1, among `count` values; there must be values.
    pub fn new(fraction: f64, count: i64) -> PercentilePosition {
        PercentilePosition(fraction * (count - 1) as f64)
    }

    /// Returns the index of the last value at or before the position.
    pub fn lower(self) -> f64 {
        self.0.floor()
    }

    /// Returns the index of the first value at or after the position.
    pub fn higher(self) -> f64 {
        self.0.ceil()
    }

    /// Returns the percentile, given the values at [`lower`](Self::lower) and [`higher`](Self::higher).
    ///
    /// If the position is exactly that of one value, or both values are equal, the result is that value without
    /// interpolation: the next value may be infinite or NaN.
    pub fn value(self, low: f64, high: f64) -> f64 {
        let (lower, higher) = (self.lower(), self.higher());
        if higher == lower || high == low {
            return low;
        }
        (higher - self.0) * low + (self.0 - lower) * high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_lies_between_its_neighbours() {
        let half = PercentilePosition::new(0.5, 4);
        assert_eq!((half.lower(), half.higher(), half.value(2.0, 4.0)), (1.0, 2.0, 3.0));
    }

    #[test]
    fn at_a_value_the_next_one_does_not_matter() {
        let first = PercentilePosition::new(0.0, 2);
        assert_eq!(first.value(1.0, f64::NAN), 1.0);
        assert_eq!(PercentilePosition::new(0.5, 2).value(f64::INFINITY, f64::INFINITY), f64::INFINITY);
    }
}
