//! Converts the state of an aggregation to and from its form in a snapshot.

use types::Scalar;

use super::ship::{combine, owner, stable_hash};
use super::{SliceId, WindowState};
use crate::aggregate::image::Renumbering;
use crate::aggregate::keys::{KeyIndex, PackedKey};
use crate::aggregate::state::{StateColumn, Translation};
use crate::aggregate::table::GroupTable;
use crate::dictionary::NULL_CODE;
use crate::layout::UnitIdentity;
use crate::snapshot::{
    AggregationImage, DomainImage, ReportImage, SliceImage, UnitImage, ValuesImage, WindowImage,
};
use crate::state::KeyGroups;
use crate::window::KEY_GROUPS;
use crate::window::unit::Report;

/// A subtask's share of a snapshot's groups.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    pub subtask: u32,
    pub of: u32,
}

impl WindowState {
    /// Returns all state, when no results wait to be written. `groups` are the key groups that the subtask
    /// owns.
    pub(in crate::window) fn image(&mut self, groups: KeyGroups) -> AggregationImage {
        self.fold();
        let mut codes = Renumbering::new(&self.domains);
        let layout = self.layout.clone();
        let units = layout
            .identities
            .units
            .iter()
            .enumerate()
            .map(|(unit, identity)| self.unit_image(unit, identity, &mut codes))
            .collect();
        AggregationImage {
            groups,
            watermark: self.watermark(),
            domains: codes.domains(&self.domains, &layout.identities.domains),
            units,
        }
    }

    fn unit_image(&self, index: usize, identity: &UnitIdentity, codes: &mut Renumbering) -> UnitImage {
        let (unit, state) = (&self.layout.units[index], &self.units[index]);

        let slices = state
            .slices
            .iter()
            .map(|(&id, table)| {
                let groups: Vec<u32> =
                    table.groups().filter(|&group| table.marks[group as usize] != 0).collect();
                SliceImage {
                    end: id.end,
                    from: id.from,
                    keys: self.keys_image(index, table, &groups, codes),
                    rows: groups.iter().map(|&group| table.rows[group as usize]).collect(),
                    states: (unit.table.states.iter().zip(&table.states))
                        .map(|(&spec, state)| state.image(spec, &groups, codes))
                        .collect(),
                }
            })
            .filter(|slice| !slice.rows.is_empty())
            .collect();

        let windows = state
            .windows
            .iter()
            .map(|(end, window)| WindowImage {
                end,
                fired: window.has_fired(),
                report: window.report.as_ref().map(|report| {
                    let groups: Vec<u32> = report.table.groups().collect();
                    ReportImage {
                        keys: self.keys_image(index, &report.table, &groups, codes),
                        rows: groups.iter().map(|&group| report.table.rows[group as usize]).collect(),
                        revisions: groups.iter().map(|&group| report.revisions[group as usize]).collect(),
                    }
                }),
            })
            .collect();

        UnitImage {
            identity: identity.unit.clone(),
            queries: identity.queries.clone(),
            keys: unit.keys.iter().map(|&key| key as u32).collect(),
            states: identity.states.clone(),
            slices,
            windows,
        }
    }

    fn keys_image(
        &self,
        unit: usize,
        table: &GroupTable,
        groups: &[u32],
        codes: &mut Renumbering,
    ) -> Vec<Vec<u32>> {
        let mut columns = self.key_codes(unit, table, groups);
        for (&domain, column) in self.layout.units[unit].keys.iter().zip(&mut columns) {
            column.iter_mut().for_each(|code| *code = codes.code(domain, *code));
        }
        columns
    }

    /// Restores the subtask's share of a snapshot's groups. Must precede any row.
    pub(in crate::window) fn restore(&mut self, images: &[AggregationImage], share: Share) {
        for image in images {
            self.calendar.advance(image.watermark);
        }
        let owned = KeyGroups::of_subtask(share.subtask, share.of);
        for image in images.iter().filter(|image| image.groups.overlaps(owned)) {
            let known = self.take_values(image);
            self.make_room();
            for unit in 0..self.units.len() {
                let Some(from) = self.layout.units[unit].history.and_then(|at| image.units.get(at)) else {
                    continue;
                };
                self.restore_unit(unit, from, &known, share);
            }
        }

        // A window has fired if it has fired in every image.
        for unit in 0..self.units.len() {
            let Some(at) = self.layout.units[unit].history else { continue };
            let windows =
                images.iter().filter_map(|image| image.units.get(at)).flat_map(|unit| &unit.windows);
            for window in windows.clone() {
                self.units[unit].windows.set_fired(window.end, true);
            }
            for window in windows.filter(|window| !window.fired) {
                self.units[unit].windows.set_fired(window.end, false);
            }
        }
    }

    /// Assigns codes to all values of an image that some unit may need.
    fn take_values(&mut self, image: &AggregationImage) -> Vec<Known> {
        let identities = &self.layout.identities.domains;
        image
            .domains
            .iter()
            .map(|domain| {
                let here = identities.iter().position(|identity| *identity == domain.identity);
                let mut known = Known { domain: here, codes: vec![NULL_CODE], hashes: vec![0] };
                let Some(here) = here else { return known };
                let target = &mut self.domains.list[here];
                domain.for_each(|value| {
                    known.codes.push(target.code(value));
                    known.hashes.push(stable_hash(value));
                });
                known
            })
            .collect()
    }

    fn restore_unit(&mut self, index: usize, from: &UnitImage, known: &[Known], share: Share) {
        let layout = self.layout.clone();
        let (unit, identity) = (&layout.units[index], &layout.identities.units[index]);
        let states: Option<Vec<usize>> =
            identity.states.iter().map(|state| from.states.iter().position(|other| other == state)).collect();
        let Some(states) = states else { return };
        let same =
            |here: usize, there: u32| known.get(there as usize).is_some_and(|of| of.domain == Some(here));
        if from.keys.len() != unit.keys.len() || !unit.keys.iter().zip(&from.keys).all(|(&a, &b)| same(a, b))
        {
            return;
        }

        for slice in &from.slices {
            let mut keys = self.owned_keys(index, from, &slice.keys, slice.rows.len(), known, share);
            self.make_room();

            let into = self.units[index].slice(
                unit.window,
                &unit.table,
                SliceId { end: slice.end, from: slice.from },
                &self.sizes,
                self.options.seed,
                &self.calendar,
                slice.rows.len(),
            );

            let fits = unit.table.states.iter().zip(&into.states).zip(&states).all(|((spec, state), &at)| {
                let image = &slice.states[at];
                let domains = spec.domain().zip(image.domain());
                image.is_of(state) && domains.is_none_or(|(here, there)| same(here, there))
            });
            if !fits {
                continue;
            }

            let table = GroupTable {
                index: KeyIndex::new(1, 1, 0),
                rows: slice.rows.clone(),
                marks: Vec::new(),
                states: slice.states.iter().map(StateColumn::of_image).collect(),
            };

            // The image's domain for each domain of this unit whose codes a state holds.
            let sources: Vec<(usize, &Known)> = unit
                .table
                .states
                .iter()
                .zip(&states)
                .filter_map(|(spec, &at)| {
                    Some((spec.domain()?, known.get(slice.states[at].domain()? as usize)?))
                })
                .collect();

            let translate = |domain: usize, code: u32| {
                let of = sources.iter().find(|(here, _)| *here == domain);
                of.and_then(|(_, known)| known.codes.get(code as usize)).copied().unwrap_or(NULL_CODE)
            };

            let targets = into.merge(
                &unit.table,
                &table,
                &states,
                &mut |group| keys[group as usize].take(),
                Translation::Map(&translate),
                &self.domains,
            );

            for target in targets.into_iter().flatten() {
                into.marks[target as usize] = 1;
            }
        }

        for window in &from.windows {
            let Some(image) = &window.report else { continue };
            if !self.options.reports {
                continue;
            }
            let keys = self.owned_keys(index, from, &image.keys, image.rows.len(), known, share);
            self.make_room();
            let state = self.units[index].windows.add(window.end);
            let (sizes, seed, groups) = (&self.sizes, self.options.seed, image.rows.len());
            let report = state.report.get_or_insert_with(|| Report::new(&unit.table, groups, sizes, seed));
            for ((key, &rows), &revision) in keys.iter().zip(&image.rows).zip(&image.revisions) {
                if let Some(key) = *key {
                    report.restore(key, rows, revision);
                }
            }
        }
    }

    /// Returns the key here of each group of an image; `None` for groups that other subtasks own.
    fn owned_keys(
        &mut self,
        unit: usize,
        from: &UnitImage,
        columns: &[Vec<u32>],
        groups: usize,
        known: &[Known],
        share: Share,
    ) -> Vec<Option<PackedKey>> {
        let layout = self.layout.clone();
        let sources: Vec<&Known> = from.keys.iter().map(|&domain| &known[domain as usize]).collect();
        let mut keys = Vec::with_capacity(groups);

        for group in 0..groups {
            // Keys are paired up as in the layout: the first two, until two are left.
            let mut parts: Vec<(usize, u32, u64)> = (layout.units[unit].keys.iter())
                .zip(columns.iter().zip(&sources))
                .map(|(&domain, (column, known))| {
                    let code = column[group] as usize;
                    (domain, known.codes[code], known.hashes[code])
                })
                .collect();

            while parts.len() > 2 {
                let ((left, a, x), (right, b, y)) = (parts[0], parts[1]);
                let pair = self.domains.pair_of(left, right);
                let code = self.domains.list[pair].pair_code(a, b);
                parts.splice(..2, [(pair, code, combine(x, y))]);
            }

            let (key, hash) = match parts[..] {
                [] => (PackedKey::new(NULL_CODE, NULL_CODE), 0),
                [(_, a, x)] => (PackedKey::new(a, NULL_CODE), combine(x, 0)),
                [(_, a, x), (_, b, y), ..] => (PackedKey::new(a, b), combine(x, y)),
            };

            let owned = owner((hash % KEY_GROUPS as u64) as u32, share.of) == share.subtask;
            keys.push(owned.then_some(key));
        }

        keys
    }
}

/// An image's domain, as far as it is known here.
struct Known {
    domain: Option<usize>,
    /// Per code of the image: the code here.
    codes: Vec<u32>,
    /// Per code of the image: the stable hash of the value.
    hashes: Vec<u64>,
}

impl DomainImage {
    fn for_each(&self, mut each: impl FnMut(Scalar<'_>)) {
        match &self.values {
            ValuesImage::Text(values) => values.iter().for_each(|value| each(Scalar::Text(value))),
            ValuesImage::Int(values) => values.iter().for_each(|&value| each(Scalar::Int(value))),
            ValuesImage::Double(values) => {
                values.iter().for_each(|&bits| each(Scalar::Double(f64::from_bits(bits))));
            }
            ValuesImage::Wide(values) => values.iter().for_each(|&value| each(Scalar::Wide(value))),
            ValuesImage::Bytes(values) => values.iter().for_each(|value| each(Scalar::Bytes(value))),
            ValuesImage::Bool(values) => values.iter().for_each(|&value| each(Scalar::Bool(value))),
        }
    }
}
