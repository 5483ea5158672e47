//! The aggregation of a pipeline: all units, their domains and the base in front of them.
//!
//! [`Aggregation::add`] adds rows; [`Aggregation::advance`] advances the watermark and writes the windows
//! that close; [`Aggregation::early`] writes changes of open windows. The base is folded before anything is
//! read.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use sql::expr::ExprId;
use sql::functions::Env;
use sql::plan::Pipeline;
use types::Interval;

use super::calendar::Calendar;
use super::slice_partitioner::SlicePartitioner;
use super::unit::{SliceId, UnitState};
use super::write::{QueryOutput, WindowError, WindowOutput};
use crate::aggregate::domain::Domains;
use crate::aggregate::exact_sum::FixedColumn;
use crate::aggregate::keys::PackedKey;
use crate::aggregate::state::Translation;
use crate::aggregate::table::{GroupTable, TableSpec};
use crate::connector::Stage;
use crate::evaluate::Evaluator;
use crate::layout::{Layout, slice_end};

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

/// The state of a pipeline's window queries.
pub struct Aggregation {
    pub(super) layout: Arc<Layout>,
    pub(super) options: Options,
    pub(super) domains: Domains,
    /// The domains' sizes, up to date after each batch.
    pub(super) sizes: Vec<usize>,
    /// The domains' sizes after the last compaction.
    pub(super) compacted: Vec<usize>,
    pub(super) units: Vec<UnitState>,
    pub(super) base: Option<BaseState>,
    pub(super) calendar: Calendar,
    pub(super) outputs: Vec<Option<QueryOutput>>,
    pub(super) key_filters: Evaluator,
    pub(super) fixed: Vec<FixedColumn>,
    pub(super) partition: SlicePartitioner,
    pub(super) groups: Vec<u32>,
    pub(super) first_rows: Vec<(u32, u32)>,
    pub(super) pending: Vec<NewGroup>,
}

/// The most emptied tables of the base that are kept for reuse.
const BASE_POOL: usize = 16;

/// The base's slices since they were last folded.
#[derive(Debug, Default)]
pub(super) struct BaseState {
    pub slices: BTreeMap<i64, GroupTable>,
    pub pool: Vec<GroupTable>,
}

/// A group that got its first row and needs its marks.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewGroup {
    /// `None`: a group of the base.
    pub unit: Option<usize>,
    pub slice: SliceId,
    pub group: u32,
    pub row: u32,
}

impl Aggregation {
    pub fn new(
        layout: Arc<Layout>,
        pipeline: &Pipeline,
        time_zone: &TimeZone,
        options: Options,
    ) -> Result<Aggregation, WindowError> {
        let outputs = pipeline
            .queries
            .iter()
            .map(|query| QueryOutput::of(query, time_zone))
            .collect::<Result<Vec<Option<QueryOutput>>, WindowError>>()?;

        let key_filters =
            Evaluator::new(&layout.graph, &layout.key_exprs(), time_zone).map_err(WindowError::Plan)?;
        let domains = Domains::new(&layout.domains);
        let mut sizes = Vec::new();
        domains.sizes(&mut sizes);

        Ok(Aggregation {
            units: layout.units.iter().map(|_| UnitState::default()).collect(),
            base: layout.base.as_ref().map(|_| BaseState::default()),
            calendar: Calendar::new(options.zone.clone(), options.lateness, options.fires_after_lateness),
            fixed: layout.args.iter().map(|_| FixedColumn::default()).collect(),
            partition: SlicePartitioner::default(),
            groups: Vec::new(),
            first_rows: Vec::new(),
            pending: Vec::new(),
            layout,
            options,
            domains,
            compacted: sizes.clone(),
            sizes,
            outputs,
            key_filters,
        })
    }

    /// Returns the watermark, in milliseconds.
    pub fn watermark(&self) -> i64 {
        self.calendar.watermark()
    }

    /// Returns the watermark at which there is something to do: a window closes, or written results need a
    /// correction.
    pub fn next_event(&self) -> i64 {
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

    /// Advances the watermark and writes every window that closes, in order of their ends and of the queries;
    /// then corrections of written results.
    pub fn advance(
        &mut self,
        watermark: i64,
        env: &Env,
        output: &mut dyn WindowOutput,
    ) -> Result<(), WindowError> {
        self.fold();
        self.calendar.advance(watermark);
        while let Some((end, unit)) = self.next_due() {
            self.write_window(unit, end, Stage::Final, env, output)?;
            self.units[unit].fired(self.layout.units[unit].window, end);
        }
        for unit in 0..self.units.len() {
            let window = self.layout.units[unit].window;
            for end in self.units[unit].take_corrections(window) {
                self.write_correction(unit, end, env, output)?;
            }
            self.units[unit].clean(window, &self.calendar);
        }
        Ok(())
    }

    /// Writes the changes of windows that are still open.
    pub fn early(&mut self, env: &Env, output: &mut dyn WindowOutput) -> Result<(), WindowError> {
        self.fold();
        for unit in 0..self.units.len() {
            let open: Vec<i64> = self.units[unit].windows.open().collect();
            for end in open {
                self.write_window(unit, end, Stage::Early, env, output)?;
            }
        }
        Ok(())
    }

    /// Returns the bytes of state.
    pub fn memory_bytes(&self) -> usize {
        let mut parts = Vec::new();
        self.memory_parts(&mut parts);
        parts.iter().sum()
    }

    /// Returns the bytes of state, one part per unit; values to which several units refer are divided evenly.
    /// The last part belongs to no unit alone.
    pub fn memory_parts(&self, parts: &mut Vec<usize>) {
        parts.clear();
        parts.extend(self.units.iter().map(UnitState::memory_bytes));
        let mut rest = self.key_filters.memory_bytes();

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

        for (unit, part) in self.layout.units.iter().zip(&mut *parts) {
            let outputs = unit.queries.iter().filter_map(|&query| self.outputs[query].as_ref());
            *part += outputs.map(QueryOutput::memory_bytes).sum::<usize>();
        }

        let base = self.base.iter().flat_map(|base| base.slices.values().chain(&base.pool));
        parts.push(rest + base.map(GroupTable::memory_bytes).sum::<usize>());
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
    pub(super) fn make_room(&mut self) {
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

    /// Returns the unit with the earliest window that may fire; of equals, the one whose query comes first.
    fn next_due(&self) -> Option<(i64, usize)> {
        let due = self
            .units
            .iter()
            .enumerate()
            .filter_map(|(unit, state)| Some((state.due(&self.calendar)?, unit)));
        due.min_by_key(|&(end, unit)| (end, self.layout.units[unit].queries[0]))
    }

    /// Returns the expressions needed for each row.
    pub fn row_exprs(&self) -> Vec<ExprId> {
        self.layout.row_exprs()
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
