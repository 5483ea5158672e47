//! A unit's slices and windows: which are open, which have fired, which are done.
//!
//! A slice's table is one of two kinds. A table with room for every possible group is fast, and is reused
//! when the slice is done. If a batch spans days of events, its 4,096 rows open hundreds of slices with a few
//! rows each, and so much room in each of them would take a hundred times its content. So from the ninth open
//! slice on, a slice with few rows gets a table whose size is proportional to its content.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use sql::plan::Window;

use super::calendar::Calendar;
use super::windows::Windows;
use crate::aggregate::keys::PackedKey;
use crate::aggregate::pick::TextOrder;
use crate::aggregate::state::Translation;
use crate::aggregate::table::{GroupTable, TableSpec};
use crate::layout::{last_window_end, next_window_end, window_start};

/// The state of a unit.
#[derive(Debug, Default)]
pub(crate) struct UnitState {
    pub slices: BTreeMap<SliceId, GroupTable>,
    /// Windows by their ends: those that contain a slice, as far as they are near enough to matter.
    pub windows: Windows,
    /// Slices that got rows after a window over them had fired.
    pub touched: BTreeSet<SliceId>,
    /// Emptied tables for reuse.
    pool: Vec<GroupTable>,
    /// The number of groups of the slice that was done last.
    usual_groups: usize,
}

/// A slice of time, or only its rows that are late for the first windows over it: the other windows count
/// these rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SliceId {
    pub end: i64,
    /// The end of the first window that counts it.
    pub from: i64,
}

impl SliceId {
    /// Returns the id of a slice that every window over it counts.
    pub fn whole(end: i64) -> SliceId {
        SliceId { end, from: end }
    }

    /// Returns the range of the ids of all slices in a window.
    fn within(window: Window, end: i64) -> RangeInclusive<SliceId> {
        SliceId { end: window_start(window, end) + 1, from: i64::MIN }..=SliceId { end, from: i64::MAX }
    }
}

/// The row count of each group when it was last written, and how often it was corrected.
#[derive(Debug)]
pub(crate) struct Report {
    pub table: GroupTable,
    pub revisions: Vec<u32>,
}

/// The most emptied tables that a unit keeps.
const POOL: usize = 4;
/// The number of open slices that may each have room for every group.
const ROOMY_SLICES: usize = 8;

impl UnitState {
    /// Returns the table of a slice, which is created if needed, and registers the windows over it. `rows` is
    /// the number of rows about to be added.
    #[expect(clippy::too_many_arguments, reason = "what a new table takes, and only here")]
    pub fn slice(
        &mut self,
        window: Window,
        spec: &TableSpec,
        id: SliceId,
        sizes: &[usize],
        seed: u64,
        calendar: &Calendar,
        rows: usize,
    ) -> &mut GroupTable {
        if !self.slices.contains_key(&id) {
            let rows = rows.max(self.usual_groups);
            let table = if self.slices.len() >= ROOMY_SLICES && spec.is_sparse(rows, sizes) {
                spec.sparse_table(sizes, seed)
            } else {
                match self.pool.pop() {
                    Some(table) if spec.fits(&table, sizes) => table,
                    _ => spec.table(sizes, seed),
                }
            };
            self.slices.insert(id, table);
            self.register(window, id, calendar);
        }

        self.slices.get_mut(&id).expect("just inserted")
    }

    /// Returns the end of the first window that has not fired.
    pub fn next_window(&self) -> Option<i64> {
        self.windows.first_open()
    }

    /// Returns the number of groups in the slices of windows that have not fired.
    pub fn open_groups(&self, window: Window) -> usize {
        let Some(first) = self.next_window() else { return 0 };
        let open = self.slices.iter().filter(|(id, _)| last_window_end(window, id.end) >= first);
        open.map(|(_, table)| table.groups().count()).sum()
    }

    /// Returns the first window that has not fired and may fire, given the watermark.
    pub fn due(&self, calendar: &Calendar) -> Option<i64> {
        self.next_window().filter(|&end| calendar.may_fire(end))
    }

    /// Marks a window as fired and registers the next one, if it has content.
    pub fn fired(&mut self, window: Window, end: i64) {
        self.windows.set_fired(end, true);
        if let Some(next) = next_window_end(window, end)
            && self.in_window(window, next).next().is_some()
        {
            self.windows.add(next);
        }
    }

    /// Records that a slice got rows; they correct written results if a window over it has fired.
    pub fn touch(&mut self, window: Window, id: SliceId) {
        let last = last_window_end(window, id.end);
        if self.windows.range(id.from..=last).any(|(_, state)| state.has_fired()) {
            self.touched.insert(id);
        }
    }

    /// Returns the slices that a window counts.
    pub fn in_window(&self, window: Window, end: i64) -> impl Iterator<Item = (SliceId, &GroupTable)> {
        let slices = self.slices.range(SliceId::within(window, end));
        slices.filter(move |(id, _)| id.from <= end).map(|(&id, table)| (id, table))
    }

    /// Returns the fired windows that contain touched slices, and clears those.
    pub fn take_corrections(&mut self, window: Window) -> BTreeSet<i64> {
        let touched = std::mem::take(&mut self.touched);
        let mut ends = BTreeSet::new();
        for id in touched {
            let last = last_window_end(window, id.end);
            let fired = self.windows.range(id.from..=last).filter(|(_, state)| state.has_fired());
            ends.extend(fired.map(|(&end, _)| end));
        }
        ends
    }

    /// Drops windows and slices that no row can reach any more.
    pub fn clean(&mut self, window: Window, calendar: &Calendar) {
        self.windows.remove_done(|end| calendar.is_done(end));

        while let Some((&id, _)) = self.slices.first_key_value() {
            if !calendar.is_done(last_window_end(window, id.end)) {
                break;
            }
            let mut table = self.slices.remove(&id).expect("just seen");
            self.usual_groups = table.groups().count();
            if self.pool.len() < POOL && table.index.is_direct() {
                table.clear();
                self.pool.push(table);
            }
        }
    }

    /// Returns the groups of a window that has several slices, merged.
    pub fn merged(
        &self,
        window: Window,
        spec: &TableSpec,
        end: i64,
        sizes: &[usize],
        seed: u64,
        order: &dyn TextOrder,
    ) -> GroupTable {
        let mut merged = spec.table(sizes, seed);
        let states: Vec<usize> = (0..spec.states.len()).collect();

        for (_, slice) in self.in_window(window, end) {
            let mut place = |group: u32| Some(slice.key(group));
            let targets = merged.merge(spec, slice, &states, &mut place, Translation::Same, order);
            for (from, to) in targets.iter().enumerate() {
                if let Some(to) = to {
                    merged.marks[*to as usize] |= slice.marks[from];
                }
            }
        }

        merged
    }

    pub fn memory_bytes(&self) -> usize {
        let reports = self.windows.values().filter_map(|window| window.report.as_ref());
        self.slices.values().chain(&self.pool).map(GroupTable::memory_bytes).sum::<usize>()
            + reports
                .map(|report| report.table.memory_bytes() + report.revisions.capacity() * 4)
                .sum::<usize>()
    }

    /// Drops the emptied tables, because their layout no longer fits.
    pub fn drop_pool(&mut self) {
        self.pool.clear();
    }

    /// Registers every window over a slice that rows can still reach, up to the next one to fire; later ones
    /// follow when that has fired.
    fn register(&mut self, window: Window, id: SliceId, calendar: &Calendar) {
        let mut end = Some(id.from);
        while let Some(candidate) = end {
            if !calendar.is_done(candidate) {
                self.windows.add(candidate);
                if !calendar.may_fire(candidate) {
                    break;
                }
            }
            end = next_window_end(window, candidate).filter(|&next| next <= last_window_end(window, id.end));
        }
    }
}

impl Report {
    /// Creates a report on this many groups of a window.
    pub fn new(spec: &TableSpec, groups: usize, sizes: &[usize], seed: u64) -> Report {
        let keys_only = TableSpec { keys: spec.keys.clone(), states: Vec::new() };
        let table = match keys_only.is_sparse(groups, sizes) {
            true => keys_only.sparse_table(sizes, seed),
            false => keys_only.table(sizes, seed),
        };
        Report { table, revisions: Vec::new() }
    }

    /// Records that a group is written with this many rows; returns how often it was corrected, or `None` if
    /// nothing changed.
    pub fn note(&mut self, key: PackedKey, rows: u64, correction: bool) -> Option<u32> {
        let group = self.table.index.group(key) as usize;
        self.table.grow();
        self.revisions.resize(self.table.rows.len(), 0);
        if self.table.rows[group] == rows {
            return None;
        }
        if correction {
            self.revisions[group] += 1;
        }
        self.table.rows[group] = rows;
        Some(self.revisions[group])
    }

    /// Moves the revisions after the table was rebuilt: `targets` holds the new place of each group.
    pub fn follow(&mut self, targets: &[Option<u32>]) {
        let mut revisions = vec![0; self.table.rows.len()];
        for (from, to) in targets.iter().enumerate() {
            if let (Some(to), Some(&revision)) = (to, self.revisions.get(from)) {
                revisions[*to as usize] = revision;
            }
        }
        self.revisions = revisions;
    }

    /// Restores the last written result of a group from a snapshot.
    pub fn restore(&mut self, key: PackedKey, rows: u64, revision: u32) {
        let group = self.table.index.group(key) as usize;
        self.table.grow();
        self.revisions.resize(self.table.rows.len(), 0);
        self.table.rows[group] = rows;
        self.revisions[group] = revision;
    }

    /// As [`Report::note`] for the closing result, which is written even if it has not changed.
    pub fn close(&mut self, key: PackedKey, rows: u64) -> u32 {
        let group = self.table.index.group(key) as usize;
        self.table.grow();
        self.revisions.resize(self.table.rows.len(), 0);
        self.table.rows[group] = rows;
        self.revisions[group]
    }
}
