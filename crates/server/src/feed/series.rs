//! The points of a time series that changed lately, and the round of each change.
//!
//! An update of a time series carries only the points that changed: a week of points is nearly a megabyte,
//! and one point changes. A client that has missed rounds must get every point that changed since its last
//! round. So the newest changes are kept with their rounds. A client that has missed more than is kept gets
//! the whole series.
//!
//! ```text
//! round    7      8      9      10
//! points   11:29  11:29  11:30  11:30      a client that was sent round 7 needs 11:29 and 11:30
//! ```

use std::collections::VecDeque;

use crate::analytics::{Moment, Points};

/// Limit of the changes kept per series.
const REMEMBERED: usize = 4_096;

/// The newest changes of one series, oldest first.
#[derive(Default)]
pub(super) struct RecentPoints {
    changes: VecDeque<(u64, Moment)>,
    /// `changes` is complete for clients that were sent this round or a later one.
    whole_from: u64,
}

impl RecentPoints {
    /// Adds the points that changed in a round.
    pub(super) fn add(&mut self, round: u64, points: &Points) {
        let Points::Some(times) = points else {
            self.changes.clear();
            self.whole_from = round;
            return;
        };
        for time in times {
            if self.changes.len() == REMEMBERED
                && let Some((forgotten, _)) = self.changes.pop_front()
            {
                self.whole_from = forgotten;
            }
            self.changes.push_back((round, *time));
        }
    }

    /// Returns the points that changed after round `seen`.
    pub(super) fn since(&self, seen: u64) -> Points {
        if seen < self.whole_from {
            return Points::All;
        }
        let missed = self.changes.iter().filter(|(round, _)| *round > seen);
        Points::Some(missed.map(|(_, time)| *time).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(times: impl IntoIterator<Item = i64>) -> Points {
        Points::Some(times.into_iter().map(Moment).collect())
    }

    #[test]
    fn a_client_gets_what_changed_since_it_was_sent_something() {
        let mut recent = RecentPoints::default();
        recent.add(1, &points([10]));
        recent.add(3, &points([10, 11]));
        recent.add(4, &points([12]));
        assert_eq!(recent.since(0), points([10, 11, 12]));
        assert_eq!(recent.since(1), points([10, 11, 12]));
        assert_eq!(recent.since(3), points([12]));
        assert_eq!(recent.since(4), points([]));
    }

    #[test]
    fn a_client_that_missed_more_than_is_remembered_gets_all() {
        let mut recent = RecentPoints::default();
        recent.add(1, &points([1]));
        recent.add(2, &Points::All);
        recent.add(3, &points([3]));
        assert_eq!((recent.since(1), recent.since(2)), (Points::All, points([3])));

        for round in 4..4 + REMEMBERED as u64 {
            recent.add(round, &points([7]));
        }
        // Round 3 is dropped; a client that was sent it has missed only the last point.
        assert_eq!((recent.since(2), recent.since(3)), (Points::All, points([7])));
        assert_eq!(recent.changes.len(), REMEMBERED);
    }
}
