//! The groups of a pipeline's window queries: tables by unit and slice, the domains whose codes they hold, and the base
//! in front of them.
//!
//! Three types work on this state, each with its own buffers: [`RowAdder`] adds rows, [`WindowWriter`] writes the rows
//! of windows, and [`Shipping`] moves partial aggregates to other subtasks. What a snapshot holds of the state is in
//! `image`; `compact` drops unused codes.
//!
//! The base is a table that several units share: a row is added to it once, and its groups are folded into the units
//! before anything reads them.

mod compact;
mod image;
mod input;
mod selecting;
mod ship;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use types::Interval;

use super::calendar::Calendar;
use super::unit::{SliceId, UnitState};
use crate::aggregate::domain::Domains;
use crate::aggregate::keys::PackedKey;
use crate::aggregate::state::Translation;
use crate::aggregate::table::{GroupTable, TableSpec};
use crate::layout::{Layout, slice_end};

pub use image::Share;
pub(super) use input::RowAdder;
pub use input::{FailedRow, LateRow, RowsIn};
pub use ship::{KEY_GROUPS, Receiving, Shipment, Shipping, owner};
pub(super) use write::WindowWriter;
pub use write::{WindowError, WindowOutput};

/// The behavior of windows.
#[derive(Debug, Clone)]
pub struct Options {
    /// The session's time zone if the rowtime is an instant; `None` if it is on the wall clock.
    pub zone: Option<TimeZone>,
    /// How long after its end a window takes late rows.
    pub lateness: Interval,
    /// Fire once, when late rows can no longer come, instead of correcting written results.
    pub fires_after_lateness: bool,
    /// Whether written results are remembered, so that only changed groups are written again.
    pub reports: bool,
    /// Seed of the key hashes.
    pub seed: u64,
    pub limits: Limits,
}

/// The sizes from which on dictionaries are compacted.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a dictionary in front of the state.
    pub front_bytes: usize,
    /// Bytes of all domains of a local aggregation.
    pub local_bytes: usize,
    /// Codes of a domain of the state.
    pub codes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { front_bytes: 32 << 20, local_bytes: 32 << 20, codes: 1 << 16 }
    }
}

/// The groups of all units, with what they refer to.
pub(super) struct WindowState {
    layout: Arc<Layout>,
    options: Options,
    domains: Domains,
    /// The domains' sizes, up to date after each batch.
    sizes: Vec<usize>,
    /// The domains' sizes after the last compaction.
    compacted: Vec<usize>,
    units: Vec<UnitState>,
    base: Option<BaseState>,
    calendar: Calendar,
}

/// The most emptied tables of the base that are kept for reuse.
const BASE_POOL: usize = 16;

/// The base's slices since they were last folded.
#[derive(Debug, Default)]
struct BaseState {
    slices: BTreeMap<i64, GroupTable>,
    pool: Vec<GroupTable>,
}

impl WindowState {
    pub(super) fn new(layout: Arc<Layout>, options: Options) -> WindowState {
        let domains = Domains::new(&layout.domains);
        let mut sizes = Vec::new();
        domains.sizes(&mut sizes);

        WindowState {
            units: layout.units.iter().map(|_| UnitState::default()).collect(),
            base: layout.base.as_ref().map(|_| BaseState::default()),
            calendar: Calendar::new(options.zone.clone(), options.lateness, options.fires_after_lateness),
            layout,
            options,
            domains,
            compacted: sizes.clone(),
            sizes,
        }
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Returns the watermark, in milliseconds.
    pub(super) fn watermark(&self) -> i64 {
        self.calendar.watermark()
    }

    /// Returns the watermark at which there is something to do: a window closes, or written results need a
    /// correction.
    pub(super) fn next_event(&self) -> i64 {
        let mut next = i64::MAX;
        for (unit, state) in self.layout.units.iter().zip(&self.units) {
            if !state.touched.is_empty() {
                return i64::MIN;
            }
            if let Some(end) = state.next_window() {
                next = next.min(self.calendar.fires_at(end));
            }
            if unit.derived
                && let Some(&slice) = self.base.as_ref().and_then(|base| base.slices.keys().next())
            {
                next = next.min(self.calendar.fires_at(slice_end(unit.window, slice - 1)));
            }
        }
        next
    }

    /// Advances the watermark. The base is folded, so that all units are complete.
    pub(super) fn advance(&mut self, watermark: i64) {
        self.fold();
        self.calendar.advance(watermark);
    }

    /// Returns the unit with the earliest window that may fire; of equals, the one whose query comes first.
    pub(super) fn next_due(&self) -> Option<(i64, usize)> {
        let due = self
            .units
            .iter()
            .enumerate()
            .filter_map(|(unit, state)| Some((state.due(&self.calendar)?, unit)));
        due.min_by_key(|&(end, unit)| (end, self.layout.units[unit].queries[0]))
    }

    /// Records that a window of a unit has fired.
    pub(super) fn fired(&mut self, unit: usize, end: i64) {
        self.units[unit].fired(self.layout.units[unit].window, end);
    }

    /// Returns the ends of a unit's fired windows that got late rows, and forgets that they did.
    pub(super) fn take_corrections(&mut self, unit: usize) -> impl Iterator<Item = i64> + use<> {
        self.units[unit].take_corrections(self.layout.units[unit].window).into_iter()
    }

    /// Drops what no row can reach any more.
    pub(super) fn clean(&mut self, unit: usize) {
        self.units[unit].clean(self.layout.units[unit].window, &self.calendar);
    }

    /// Returns the ends of a unit's windows that are still open.
    pub(super) fn open_windows(&self, unit: usize) -> Vec<i64> {
        self.units[unit].windows.open().collect()
    }

    /// Returns the bytes of each unit's state; values to which several units refer are divided evenly. The last part
    /// belongs to no unit alone.
    pub(super) fn memory_parts(&self, parts: &mut Vec<usize>) {
        parts.clear();
        parts.extend(self.units.iter().map(UnitState::memory_bytes));
        let mut rest = 0;

        for (index, domain) in self.domains.list.iter().enumerate() {
            let bytes = domain.memory_bytes();
            let users = self.layout.units.iter().filter(|unit| unit.refers_to(index)).count();
            match bytes.checked_div(users) {
                None => rest += bytes,
                Some(share) => {
                    let units = self.layout.units.iter().zip(&mut *parts);
                    units.filter(|(unit, _)| unit.refers_to(index)).for_each(|(_, part)| *part += share);
                }
            }
        }

        let base = self.base.iter().flat_map(|base| base.slices.values().chain(&base.pool));
        parts.push(rest + base.map(GroupTable::memory_bytes).sum::<usize>());
    }

    /// See [`Aggregation::for_each_unit`](super::Aggregation::for_each_unit).
    pub(super) fn for_each_unit(&self, each: &mut dyn FnMut(&[usize], usize, usize)) {
        let is_folded = self.base.as_ref().is_none_or(|base| base.slices.is_empty());
        for (unit, state) in self.layout.units.iter().zip(&self.units) {
            if is_folded || !unit.derived {
                each(&unit.queries, state.windows.open().count(), state.open_groups(unit.window));
            }
        }
    }

    /// Adds the content of the base to the units, and empties it.
    pub(super) fn fold(&mut self) {
        let (Some(base), Some(state)) = (&self.layout.base, &mut self.base) else { return };
        for (base_end, mut table) in std::mem::take(&mut state.slices) {
            let groups = table.groups().count();

            for (bit, derived) in base.derived.iter().enumerate() {
                let unit = &self.layout.units[derived.unit];
                let end = slice_end(unit.window, base_end - 1);

                let into = self.units[derived.unit].slice(
                    unit.window,
                    &unit.table,
                    SliceId::whole(end),
                    &self.sizes,
                    self.options.seed,
                    &self.calendar,
                    groups,
                );

                let mut place = |group: u32| {
                    if table.marks[group as usize] >> bit & 1 == 0 {
                        return None;
                    }
                    let key = table.key(group);
                    let part = |place: usize| match derived.keys.get(place) {
                        None => 0,
                        Some(0) => key.first(),
                        Some(_) => key.second(),
                    };
                    Some(PackedKey::new(part(0), part(1)))
                };

                let targets = into.merge(
                    &unit.table,
                    &table,
                    &derived.states,
                    &mut place,
                    Translation::Same,
                    &self.domains,
                );

                for target in targets.into_iter().flatten() {
                    into.marks[target as usize] = 1;
                }
            }

            if state.pool.len() < BASE_POOL {
                table.clear();
                state.pool.push(table);
            }
        }
    }

    /// Rebuilds tables that have no room for the present codes.
    fn make_room(&mut self) {
        self.domains.sizes(&mut self.sizes);
        let (sizes, seed) = (&self.sizes, self.options.seed);

        for (unit, state) in self.layout.units.iter().zip(&mut self.units) {
            for table in state.slices.values_mut() {
                rebuild_if_tight(&unit.table, table, sizes, seed, &self.domains);
            }
            for window in state.windows.values_mut() {
                if let Some(report) = &mut window.report {
                    let spec = TableSpec { keys: unit.table.keys.clone(), states: Vec::new() };
                    if let Some(targets) =
                        rebuild_if_tight(&spec, &mut report.table, sizes, seed, &self.domains)
                    {
                        report.follow(&targets);
                    }
                }
            }
        }

        let (Some(base), Some(state)) = (&self.layout.base, &mut self.base) else { return };
        state.pool.retain(|table| base.table.fits(table, sizes));
        for table in state.slices.values_mut() {
            rebuild_if_tight(&base.table, table, sizes, seed, &self.domains);
        }

        // A base with many groups takes longer to fold than it saves on adding rows.
        if !base.table.is_direct(sizes) {
            self.fold();
            self.base = None;
        }
    }
}

/// Replaces a table without room by one with room for all codes; returns the new place of each group.
fn rebuild_if_tight(
    spec: &TableSpec,
    table: &mut GroupTable,
    sizes: &[usize],
    seed: u64,
    domains: &Domains,
) -> Option<Vec<Option<u32>>> {
    if spec.fits(table, sizes) {
        return None;
    }
    let mut roomy = spec.table(sizes, seed);
    let states: Vec<usize> = (0..spec.states.len()).collect();
    let targets =
        roomy.merge(spec, table, &states, &mut |group| Some(table.key(group)), Translation::Same, domains);

    for (from, to) in targets.iter().enumerate() {
        if let Some(to) = to {
            roomy.marks[*to as usize] = table.marks[from];
        }
    }

    *table = roomy;
    Some(targets)
}
