//! The windows of a unit by their ends, and which of them have not fired.
//!
//! The ends of the windows that have not fired are kept in a set of their own. At the end of the input, thousands of
//! windows may fire one after the other, and each time the next one must be found among all that have fired.

use std::collections::btree_map::{Range, Values, ValuesMut};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use super::unit::Report;

/// The state of a window.
#[derive(Debug, Default)]
pub(crate) struct WindowState {
    fired: bool,
    /// The written results, if changes to them are to be reported.
    pub report: Option<Report>,
}

impl WindowState {
    pub fn has_fired(&self) -> bool {
        self.fired
    }
}

#[derive(Debug, Default)]
pub(crate) struct Windows {
    states: BTreeMap<i64, WindowState>,
    /// Ends of the windows that have not fired.
    open: BTreeSet<i64>,
}

impl Windows {
    /// Returns a window, which is added if needed and then has not fired.
    pub fn add(&mut self, end: i64) -> &mut WindowState {
        let Windows { states, open } = self;
        states.entry(end).or_insert_with(|| {
            open.insert(end);
            WindowState::default()
        })
    }

    /// Says whether a window has fired; it is added if needed.
    pub fn set_fired(&mut self, end: i64, fired: bool) {
        self.add(end).fired = fired;
        match fired {
            true => self.open.remove(&end),
            false => self.open.insert(end),
        };
    }

    /// Returns the end of the first window that has not fired.
    pub fn first_open(&self) -> Option<i64> {
        self.open.first().copied()
    }

    /// Iterates over the ends of the windows that have not fired.
    pub fn open(&self) -> impl Iterator<Item = i64> {
        self.open.iter().copied()
    }

    pub fn get_mut(&mut self, end: i64) -> Option<&mut WindowState> {
        self.states.get_mut(&end)
    }

    pub fn range(&self, ends: RangeInclusive<i64>) -> Range<'_, i64, WindowState> {
        self.states.range(ends)
    }

    pub fn iter(&self) -> impl Iterator<Item = (i64, &WindowState)> {
        self.states.iter().map(|(&end, state)| (end, state))
    }

    pub fn values(&self) -> Values<'_, i64, WindowState> {
        self.states.values()
    }

    pub fn values_mut(&mut self) -> ValuesMut<'_, i64, WindowState> {
        self.states.values_mut()
    }

    /// Removes the windows before the first one that has not fired or is not done.
    pub fn remove_done(&mut self, is_done: impl Fn(i64) -> bool) {
        while let Some((&end, state)) = self.states.first_key_value() {
            if !state.fired || !is_done(end) {
                break;
            }
            self.states.remove(&end);
        }
    }

    pub fn clear(&mut self) {
        self.states.clear();
        self.open.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_open_window_is_found_whatever_has_fired() {
        let mut windows = Windows::default();
        for end in [30, 10, 20] {
            windows.add(end);
        }
        windows.set_fired(10, true);
        assert_eq!(windows.first_open(), Some(20));
        windows.add(10);
        assert_eq!(windows.first_open(), Some(20), "a window that has fired is not added anew");
        windows.set_fired(20, true);
        windows.set_fired(10, false);
        assert_eq!(windows.open().collect::<Vec<i64>>(), [10, 30]);

        windows.set_fired(10, true);
        windows.remove_done(|end| end < 20);
        assert_eq!(
            windows.iter().map(|(end, state)| (end, state.has_fired())).collect::<Vec<_>>(),
            [(20, true), (30, false)]
        );
        windows.clear();
        assert_eq!((windows.first_open(), windows.values().count()), (None, 0));
    }
}
