//! The open windows whose bounds are known from a row: a map of groups for each.
//!
//! Windows are in the order in which they close. A closing window is removed with its map, so that its groups
//! are emitted from the map itself, without a timer or a copy of a key:
//!
//! ```text
//! closes at 59     [0, 60)       a: 3 rows   b: 1 row      ◄── leaves first
//! closes at 119    [60, 120)     a: 1 row
//! ```

use std::collections::BTreeMap;

use super::group::WindowGroup;
use crate::operator::accumulate::Accumulators;
use crate::operator::windows::{SessionContent, StoredKey};
use crate::row::Reader;
use crate::state::{Keyed, StateError, StateWriter};

/// A window with the time at which it closes. The bounds are on the wall clock, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pane {
    pub closes_at: i64,
    pub start: i64,
    pub end: i64,
}

#[derive(Debug, Default)]
pub(super) struct Panes {
    open: BTreeMap<Pane, Keyed<WindowGroup>>,
}

impl Panes {
    /// Changes the group of a key in a window. `change` gets `None` if there is no group, and leaves `None`
    /// if none is to be stored.
    ///
    /// # Errors
    /// As `change`.
    #[inline]
    pub fn update(
        &mut self,
        pane: Pane,
        key: &[u8],
        change: impl FnOnce(&mut Option<WindowGroup>) -> Result<(), String>,
    ) -> Result<(), String> {
        let groups = self.open.entry(pane).or_insert_with(|| Keyed::new(None));
        groups.update(key, 0, change)?;
        if groups.is_empty() {
            self.open.remove(&pane);
        }
        Ok(())
    }

    /// Removes and returns the next window that is closed once time has reached `reached`.
    pub fn pop(&mut self, reached: i64) -> Option<(Pane, Keyed<WindowGroup>)> {
        let next = self.open.first_entry().filter(|next| next.key().closes_at <= reached)?;
        Some(next.remove_entry())
    }

    /// Adds groups to a window, as if their rows came before those of the window.
    ///
    /// # Errors
    /// The rows make the query fail.
    pub fn merge(
        &mut self,
        pane: Pane,
        groups: Keyed<WindowGroup>,
        accumulators: &Accumulators,
    ) -> Result<(), String> {
        let Some(there) = self.open.get_mut(&pane) else {
            self.open.insert(pane, groups);
            return Ok(());
        };
        for (key, mut group) in groups.into_entries() {
            there.update(&key, 0, |slot| {
                if let Some(later) = slot.take() {
                    group.merge(accumulators, later)?;
                }
                *slot = Some(group);
                Ok::<(), String>(())
            })?;
        }
        Ok(())
    }

    /// Returns when the next window closes.
    pub fn next(&self) -> Option<i64> {
        self.open.first_key_value().map(|(pane, _)| pane.closes_at)
    }

    /// Appends all groups to an image, after a tag.
    pub fn write(&self, tag: u8, keys: &StoredKey, out: &mut StateWriter) {
        for (pane, groups) in &self.open {
            let bounds = [pane.closes_at, pane.start, pane.end];
            groups.iter().for_each(|(key, group)| keys.write_entry(tag, &bounds, key, group, out));
        }
    }

    /// Reads the entry after a tag.
    ///
    /// # Errors
    /// The bytes are not such an entry.
    pub fn read(&mut self, reader: &mut Reader<'_>, operator: &str) -> Result<(), StateError> {
        let ([closes_at, start, end], key, group) = StoredKey::read_entry(reader, operator)?;
        let groups = self.open.entry(Pane { closes_at, start, end }).or_insert_with(|| Keyed::new(None));
        groups.update(key, 0, |slot| *slot = Some(group));
        Ok(())
    }

    pub fn memory_bytes(&self) -> usize {
        let groups =
            self.open.values().map(|groups| size_of::<(Pane, Keyed<WindowGroup>)>() + groups.memory_bytes());
        groups.sum()
    }
}
