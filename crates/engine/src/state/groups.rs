//! Ranges of key groups: the share of a subtask, and the content of a part of a snapshot.
//!
//! A snapshot cuts an operator's state at the same places whatever the parallelism, into [`CELLS`] cells of
//! eight key groups. A part covers, within one cell, the first to the last key group of which a subtask holds
//! state. So a part of an unchanged state has the same range and the same bytes in every snapshot, and a
//! subtask of another parallelism opens only the parts that overlap its own range:
//!
//! ```text
//! key groups    0       8       16      24            120     128
//! cells         ├───────┼───────┼───────┼───── … ─────┼───────┤
//! 3 subtasks    ├────────── 0…42 ──────────┤├──── 43…85 ────┤├──── 86…127 ────┤
//! ```

use serde::{Deserialize, Serialize};

use super::KEY_GROUPS;

/// The number of cells of a snapshot. With sixteen, a state of 500 MB has parts of about 30 MB, of which a
/// snapshot holds one in memory at a time, and the subtasks of every parallelism up to 16 that is a power of
/// two own whole cells.
pub const CELLS: u32 = 16;
const CELL: u32 = KEY_GROUPS / CELLS;

/// A range of key groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KeyGroups {
    pub first: u32,
    /// Exclusive.
    pub end: u32,
}

impl KeyGroups {
    pub const ALL: KeyGroups = KeyGroups { first: 0, end: KEY_GROUPS };

    /// Returns the key groups that a subtask owns; the reverse of [`owner`](crate::window::owner).
    pub fn of_subtask(subtask: u32, parallelism: u32) -> KeyGroups {
        let first = |subtask: u32| (subtask * KEY_GROUPS).div_ceil(parallelism);
        KeyGroups { first: first(subtask), end: first(subtask + 1) }
    }

    pub fn cell(cell: u32) -> KeyGroups {
        KeyGroups { first: cell * CELL, end: (cell + 1) * CELL }
    }

    pub fn cells() -> impl Iterator<Item = KeyGroups> {
        (0..CELLS).map(KeyGroups::cell)
    }

    pub fn contains(self, key_group: u32) -> bool {
        self.first <= key_group && key_group < self.end
    }

    pub fn overlaps(self, other: KeyGroups) -> bool {
        self.first < other.end && other.first < self.end
    }

    /// Returns whether it is a valid, nonempty range.
    pub fn is_sound(self) -> bool {
        self.first < self.end && self.end <= KEY_GROUPS
    }
}

/// Returns the cell that contains a key group.
pub(super) fn cell_of(key_group: u32) -> usize {
    (key_group / CELL) as usize
}

impl Default for KeyGroups {
    fn default() -> KeyGroups {
        KeyGroups::ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::owner;

    #[test]
    fn a_subtask_owns_the_groups_that_the_owner_function_gives_it() {
        for parallelism in 1..=KEY_GROUPS {
            for subtask in 0..parallelism {
                let groups = KeyGroups::of_subtask(subtask, parallelism);
                for group in 0..KEY_GROUPS {
                    assert_eq!(groups.contains(group), owner(group, parallelism) == subtask);
                }
            }
        }
    }

    #[test]
    fn cells_follow_one_another_and_are_all_groups() {
        let cells: Vec<KeyGroups> = KeyGroups::cells().collect();
        assert!(cells.windows(2).all(|pair| pair[0].end == pair[1].first));
        assert_eq!((cells[0].first, cells[cells.len() - 1].end), (0, KEY_GROUPS));
        assert!((0..KEY_GROUPS).all(|group| cells[cell_of(group)].contains(group)));
    }
}
