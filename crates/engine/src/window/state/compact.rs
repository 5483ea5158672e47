//! Compaction: drops codes that no open window needs, so that a month of distinct texts does not grow memory.
//!
//! When a domain has doubled since the last compaction, the codes that tables still hold are marked,
//! dictionaries are rebuilt with only those, and every table is merged into a new one under the new codes.

use super::{Receiving, WindowState};
use crate::aggregate::domain::{DomainSpec, Domains};
use crate::aggregate::keys::PackedKey;
use crate::aggregate::state::{StateColumn, StateSpec, Translation};
use crate::aggregate::table::{GroupTable, TableSpec};
use crate::dictionary::{NULL_CODE, Remap};

/// The codes of each domain that are in use.
pub(super) type Live = Vec<Vec<bool>>;

impl WindowState {
    /// Returns whether some domain has grown enough since the last compaction.
    pub(in crate::window) fn has_grown(&self) -> bool {
        let mut domains = self.domains.list.iter().zip(&self.compacted);
        domains.any(|(domain, &before)| domain.len() > self.options.limits.codes.max(before * 2))
    }

    /// Drops all codes that no table holds and no sender refers to.
    pub(in crate::window) fn compact(&mut self, senders: &mut [Receiving]) {
        self.fold();
        let mut live: Live = self.domains.list.iter().map(|domain| vec![false; domain.len()]).collect();

        for (unit, state) in self.layout.units.iter().zip(&self.units) {
            for table in state.slices.values() {
                mark_table(&unit.table, table, &mut live);
            }
            for report in state.windows.values().filter_map(|window| window.report.as_ref()) {
                mark_keys(&unit.table, &report.table, &mut live);
            }
        }

        senders.iter().for_each(|sender| sender.mark(&mut live));
        mark_parts(&self.domains, &mut live);
        let remaps = self.domains.renumber(&live);
        senders.iter_mut().for_each(|sender| sender.renumber(&remaps));
        self.domains.sizes(&mut self.sizes);
        self.compacted.clone_from(&self.sizes);
        let (sizes, seed, domains) = (&self.sizes, self.options.seed, &self.domains);

        for (unit, state) in self.layout.units.iter().zip(&mut self.units) {
            state.drop_pool();
            for table in state.slices.values_mut() {
                renumber_table(&unit.table, table, &remaps, sizes, seed, domains);
            }
            let keys_only = TableSpec { keys: unit.table.keys.clone(), states: Vec::new() };
            for report in state.windows.values_mut().filter_map(|window| window.report.as_mut()) {
                let targets = renumber_table(&keys_only, &mut report.table, &remaps, sizes, seed, domains);
                report.follow(&targets);
            }
        }

        if let Some(base) = &mut self.base {
            base.pool.clear();
        }
    }

    /// Clears the translations of the dictionaries in front of the state, which were dropped.
    pub(in crate::window) fn forget_front(&mut self) {
        self.domains.list.iter_mut().for_each(|domain| domain.forget_front());
    }
}

impl Domains {
    /// Keeps only live codes; returns the new code of each.
    fn renumber(&mut self, live: &Live) -> Vec<Remap> {
        let mut remaps: Vec<Remap> = Vec::with_capacity(self.list.len());
        for ((spec, domain), live) in self.specs.iter().zip(&mut self.list).zip(live) {
            let remap = match *spec {
                DomainSpec::Pair(left, right) => {
                    let mut fresh = spec.domain();
                    let mut remap = vec![NULL_CODE; domain.len()];
                    for (code, to) in remap.iter_mut().enumerate().skip(1).filter(|(code, _)| live[*code]) {
                        let (a, b) = domain.pair(code as u32);
                        *to = fresh.pair_code(remaps[left][a as usize], remaps[right][b as usize]);
                    }
                    *domain = fresh;
                    remap
                }
                _ => domain.retain(live),
            };
            remaps.push(remap);
        }
        remaps
    }
}

fn mark_table(spec: &TableSpec, table: &GroupTable, live: &mut Live) {
    mark_keys(spec, table, live);
    for (spec, state) in spec.states.iter().zip(&table.states) {
        match (spec, state) {
            (StateSpec::Distinct(domain), StateColumn::Distinct(distinct)) => {
                distinct.for_each(|_, code| live[*domain][code as usize] = true);
            }
            (StateSpec::PickText(domain, _), StateColumn::PickText(codes)) => {
                codes.iter().for_each(|&code| live[*domain][code as usize] = true);
            }
            _ => {}
        }
    }
}

fn mark_keys(spec: &TableSpec, table: &GroupTable, live: &mut Live) {
    for group in table.groups() {
        let key = table.key(group);
        for (&domain, code) in spec.keys.iter().zip([key.first(), key.second()]) {
            live[domain][code as usize] = true;
        }
    }
}

/// Marks the parts of the pairs in use. Pairs of pairs come after their parts.
fn mark_parts(domains: &Domains, live: &mut Live) {
    for (index, spec) in domains.specs.iter().enumerate().rev() {
        let DomainSpec::Pair(left, right) = *spec else { continue };
        let pairs = std::mem::take(&mut live[index]);
        for (code, _) in pairs.iter().enumerate().skip(1).filter(|(_, live)| **live) {
            let (a, b) = domains.list[index].pair(code as u32);
            live[left][a as usize] = true;
            live[right][b as usize] = true;
        }
        live[index] = pairs;
    }
}

fn renumber_table(
    spec: &TableSpec,
    table: &mut GroupTable,
    remaps: &[Remap],
    sizes: &[usize],
    seed: u64,
    domains: &Domains,
) -> Vec<Option<u32>> {
    let mut fresh = spec.table(sizes, seed);
    let states: Vec<usize> = (0..spec.states.len()).collect();
    let renumber = |domain: usize, code: u32| remaps[domain][code as usize];

    let mut place = |group: u32| {
        let key = table.key(group);
        let part =
            |at: usize, code: u32| spec.keys.get(at).map_or(NULL_CODE, |&domain| renumber(domain, code));
        Some(PackedKey::new(part(0, key.first()), part(1, key.second())))
    };

    let targets = fresh.merge(spec, table, &states, &mut place, Translation::Map(&renumber), domains);
    for (from, to) in targets.iter().enumerate() {
        if let Some(to) = to {
            fresh.marks[*to as usize] = table.marks[from];
        }
    }

    *table = fresh;
    targets
}
