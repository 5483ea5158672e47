//! The sum of rows of one group.

use super::intern::NO_TEXT;
use super::kind::Kind;
use super::moment::Moment;
use super::row::{FLOATS, INTS, Row};

/// The sum of rows of one group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sum {
    pub(crate) group: u32,
    pub(crate) rows: u32,
    pub(crate) newest: Moment,
    /// Rows whose windows are still open.
    pub(crate) open: u32,
    /// The newest text, and its row's time.
    pub(crate) text: u32,
    pub(crate) text_time: Moment,
    pub(crate) ints: [i64; INTS],
    /// Averages times their weights, and the weights.
    pub(crate) weighted: [f64; FLOATS],
    pub(crate) weights: [f64; FLOATS],
}

impl Sum {
    pub(crate) const EMPTY: Sum = Sum {
        group: 0,
        rows: 0,
        newest: Moment::MIN,
        open: 0,
        text: NO_TEXT,
        text_time: Moment::MIN,
        ints: [0; INTS],
        weighted: [0.0; FLOATS],
        weights: [0.0; FLOATS],
    };

    pub(super) fn of(kind: Kind, row: &Row) -> Sum {
        let open = u32::from(!row.is_final);
        let mut sum = Sum { group: row.group, rows: 1, newest: row.time, open, ints: row.ints, ..Sum::EMPTY };
        if row.text != NO_TEXT {
            (sum.text, sum.text_time) = (row.text, row.time);
        }
        // Percentiles cannot be weighted: readers get their plain mean over the windows.
        let weight = if kind == Kind::ResponseTime { 1.0 } else { row.ints[0] as f64 };
        for i in 0..FLOATS {
            if !row.floats[i].is_nan() {
                sum.weighted[i] = row.floats[i] * weight;
                sum.weights[i] = weight;
            }
        }
        sum
    }

    pub(crate) fn add(&mut self, other: &Sum) {
        self.rows += other.rows;
        self.newest = self.newest.max(other.newest);
        self.open += other.open;
        if other.text != NO_TEXT && (self.text == NO_TEXT || other.text_time >= self.text_time) {
            (self.text, self.text_time) = (other.text, other.text_time);
        }
        for i in 0..INTS {
            self.ints[i] = self.ints[i].saturating_add(other.ints[i]);
        }
        for i in 0..FLOATS {
            self.weighted[i] += other.weighted[i];
            self.weights[i] += other.weights[i];
        }
    }

    /// Returns whether all windows are closed.
    pub(crate) fn is_final(&self) -> bool {
        self.open == 0
    }

    /// Returns the weighted average; 0 where all values were null.
    pub(crate) fn average(&self, i: usize) -> f64 {
        if self.weights[i] == 0.0 { 0.0 } else { self.weighted[i] / self.weights[i] }
    }
}
