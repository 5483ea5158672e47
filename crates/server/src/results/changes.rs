//! The newest changes of a table, so that a client that was away learns what it has missed.
//!
//! Every change has a number, which only grows. The log holds the place of each changed row, not the row: a
//! client gets the newest state of a row once, however often it changed.
//!
//! ```text
//! number   41        42        43            44
//! change   a, 11:30  b, 11:30  a, 11:30      c deleted
//! a client that has seen 41 gets: b, a, and that c is deleted
//! ```

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use crate::analytics::Moment;

/// Changes that are kept for clients that come back.
pub(super) const CHANGES_MAX: usize = if cfg!(test) { 64 } else { 8_192 };

#[derive(Default)]
pub(super) struct ChangeLog {
    /// Number of the newest change.
    number: u64,
    /// The newest changes, oldest first.
    kept: VecDeque<Change>,
}

/// A changed row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Change {
    Wrote(Moment, u64),
    Deleted(Arc<str>),
}

impl ChangeLog {
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn wrote(&mut self, time: Moment, id: u64) {
        self.add(Change::Wrote(time, id));
    }

    pub(super) fn deleted(&mut self, key: &str) {
        self.add(Change::Deleted(key.into()));
    }

    fn add(&mut self, change: Change) {
        if self.kept.len() >= CHANGES_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back(change);
        self.number += 1;
    }

    /// Returns the changes after a number, each only in its last place; `None` if some are forgotten, or
    /// never were.
    pub(super) fn since(&self, seen: u64) -> Option<Vec<Change>> {
        let missed = usize::try_from(self.number.checked_sub(seen)?).ok()?;
        let first = self.kept.len().checked_sub(missed)?;
        let mut told = HashSet::with_capacity(missed);
        let mut changes: Vec<Change> =
            self.kept.range(first..).rev().filter(|change| told.insert(*change)).cloned().collect();
        changes.reverse();
        Some(changes)
    }

    /// Forgets all changes but the number of the newest.
    pub(super) fn forget(&mut self) {
        self.kept = VecDeque::new();
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.kept.capacity() * size_of::<Change>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_each_changed_row_once_and_learns_when_changes_are_forgotten() {
        let mut log = ChangeLog::default();
        let wrote = |minute: i64, id: u64| Change::Wrote(Moment(minute), id);
        log.wrote(Moment(1), 7);
        log.wrote(Moment(1), 8);
        log.wrote(Moment(1), 7);
        log.deleted("c");
        assert_eq!(log.since(1), Some(vec![wrote(1, 8), wrote(1, 7), Change::Deleted("c".into())]));
        assert_eq!(log.since(0), log.since(1), "the first change is told at its last place");
        assert_eq!(log.since(4), Some(vec![]));
        assert_eq!(log.since(5), None);

        for id in 0..CHANGES_MAX as u64 {
            log.wrote(Moment(2), id);
        }
        assert_eq!((log.since(3), log.since(4).map(|changes| changes.len())), (None, Some(CHANGES_MAX)));
    }
}
