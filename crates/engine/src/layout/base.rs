//! The base: one table that takes each row once for many units.
//!
//! A unit can be derived from the base if its keys are among the base's and its filter is a function of them.
//! The base is cut into slices on a grid that refines the grid of every derived unit, so that a base slice
//! falls into one slice of each. The base holds only the rows since it was last folded: it is a combiner in
//! front of the state, not state.

use sql::expr::ExprId;

use super::build::depends_only_on;
use super::unit::{slice_step, window_offset};
use super::{Layout, Unit};
use crate::aggregate::state::StateSpec;
use crate::aggregate::table::TableSpec;

#[derive(Debug, Clone)]
pub struct Base {
    pub table: TableSpec,
    /// The length of its slices; they start at multiples of it.
    pub step: i64,
    pub derived: Vec<Derived>,
}

/// A unit fed by the base.
#[derive(Debug, Clone)]
pub struct Derived {
    pub unit: usize,
    /// For each key of the unit's table, its index among the base's keys.
    pub keys: Vec<usize>,
    /// For each state of the unit's table, its index among the base's states.
    pub states: Vec<usize>,
    /// Conditions on the base's keys, evaluated once per group of the base.
    pub filter: Vec<ExprId>,
}

/// A base for fewer units costs more than it saves.
const MIN_DERIVED: usize = 3;
/// The marks of a group are one word of 64 bits.
const MAX_DERIVED: usize = 64;

impl Layout {
    /// Chooses as base the key set of the unit that serves the most units.
    pub(super) fn choose_base(&mut self) {
        let mut best: Option<(Vec<usize>, Vec<usize>)> = None;
        for candidate in &self.units {
            if candidate.keys.len() > 2 {
                continue;
            }

            let keys = &candidate.keys;
            let served: Vec<usize> = (0..self.units.len())
                .filter(|&unit| self.can_derive(&self.units[unit], keys))
                .take(MAX_DERIVED)
                .collect();

            let better = match &best {
                None => true,
                Some((best_keys, best_served)) => {
                    (served.len(), std::cmp::Reverse(keys.len()))
                        > (best_served.len(), std::cmp::Reverse(best_keys.len()))
                }
            };

            if served.len() >= MIN_DERIVED && better {
                best = Some((keys.clone(), served));
            }
        }

        let Some((keys, served)) = best else { return };
        let mut states: Vec<StateSpec> = Vec::new();
        let mut derived = Vec::new();
        let mut step = 0;

        for unit_index in served {
            let unit = &mut self.units[unit_index];
            unit.derived = true;
            step = gcd(step, gcd(slice_step(unit.window), window_offset(unit.window)));

            for &state in &unit.table.states {
                if !states.contains(&state) {
                    states.push(state);
                }
            }

            let place = |state: &StateSpec| states.iter().position(|s| s == state).expect("just added");
            derived.push(Derived {
                unit: unit_index,
                keys: unit
                    .table
                    .keys
                    .iter()
                    .map(|key| {
                        keys.iter().position(|k| k == key).expect("the unit's keys are among the base's")
                    })
                    .collect(),
                states: unit.table.states.iter().map(place).collect(),
                filter: unit.row_filter.iter().chain(&unit.key_filter).copied().collect(),
            });
        }

        self.base = Some(Base { table: TableSpec { keys, states }, step, derived });
    }

    fn can_derive(&self, unit: &Unit, keys: &[usize]) -> bool {
        let exprs: Vec<ExprId> = keys.iter().filter_map(|&key| self.domains[key].expr()).collect();
        unit.table.keys.iter().all(|key| keys.contains(key))
            && !unit.table.states.iter().any(|state| state.is_ordered())
            && unit
                .row_filter
                .iter()
                .chain(&unit.key_filter)
                .all(|&e| depends_only_on(&self.graph, e, &exprs))
    }
}

pub(super) fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a.abs() } else { gcd(b, a % b) }
}
