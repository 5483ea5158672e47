//! Shares: a table divided among the owners of its groups.
//!
//! A local aggregation sends the groups of a table to several global ones. The states are not copied: all shares
//! refer to the one table, and each lists the groups that it covers. Only sets of distinct values in the form of
//! pairs are divided, because one hash set holds those of all groups:
//!
//! ```text
//! table    groups 0 1 2 3     pairs {(0, 17), (2, 17), (3, 23)}
//!             │
//!             ├──► share of owner 0:  groups [0, 3]   pairs [(0, 17), (3, 23)]
//!             └──► share of owner 1:  groups [1, 2]   pairs [(2, 17)]
//! ```

use std::sync::Arc;

use super::distinct::Distinct;
use super::keys::PackedKey;
use super::pick::TextOrder;
use super::state::{StateColumn, StateSpec, Translation};
use super::table::{GroupTable, TableSpec};

/// The groups of a table that belong to one owner.
#[derive(Debug)]
pub struct Share {
    table: Arc<GroupTable>,
    /// Ascending.
    groups: Vec<u32>,
    /// For each state that is a set of pairs: the groups and codes of this share.
    pairs: Vec<Vec<(u32, u32)>>,
}

impl GroupTable {
    /// Divides the table. `owners` holds the owner of each group, below `count`, or `None` for a group that is
    /// left out. An owner without groups gets no share.
    pub fn divide(mut self, owners: &[Option<u32>], count: u32) -> Vec<Option<Share>> {
        // A tenth more than an even share, because owners differ a little.
        let room = |all: usize| all / count as usize * 11 / 10 + 16;
        let mut groups: Vec<Vec<u32>> = (0..count).map(|_| Vec::with_capacity(room(owners.len()))).collect();
        for (group, owner) in owners.iter().enumerate() {
            if let Some(owner) = owner {
                groups[*owner as usize].push(group as u32);
            }
        }

        let mut pairs: Vec<Vec<Vec<(u32, u32)>>> = vec![Vec::new(); count as usize];
        for state in &mut self.states {
            let StateColumn::Distinct(distinct) = state else { continue };
            let Distinct::Pairs { pairs: all, .. } = &*distinct else { continue };
            let each = room(all.pair_count());
            pairs.iter_mut().for_each(|pairs| pairs.push(Vec::with_capacity(each)));
            distinct.for_each(|group, code| {
                if let Some(owner) = owners[group as usize]
                    && let Some(pairs) = pairs[owner as usize].last_mut()
                {
                    pairs.push((group, code));
                }
            });
            distinct.clear();
        }

        let table = Arc::new(self);
        let shares = groups.into_iter().zip(pairs);
        shares
            .map(|(groups, pairs)| {
                (!groups.is_empty()).then(|| Share { table: Arc::clone(&table), groups, pairs })
            })
            .collect()
    }

    /// Adds a share of another table over the same states. `place` returns the key here of a group of the
    /// share. Returns the groups here.
    pub fn merge_share(
        &mut self,
        spec: &TableSpec,
        mut share: Share,
        mut place: impl FnMut(PackedKey) -> PackedKey,
        codes: Translation<'_>,
        order: &dyn TextOrder,
    ) -> Vec<u32> {
        let from = &*share.table;
        let keys: Vec<PackedKey> = share.groups.iter().map(|&group| place(from.key(group))).collect();
        let targets = self.index.groups(&keys);
        self.grow();

        for (&group, &target) in share.groups.iter().zip(&targets) {
            self.rows[target as usize] += from.rows[group as usize];
            for ((&spec, state), theirs) in spec.states.iter().zip(&mut self.states).zip(&from.states) {
                state.merge_group(spec, target, theirs, group, codes, order);
            }
        }

        let mut pairs = share.pairs.iter_mut();
        let mut target_of = Vec::new();
        for ((&spec, state), theirs) in spec.states.iter().zip(&mut self.states).zip(&from.states) {
            let (StateColumn::Distinct(to), StateColumn::Distinct(theirs)) = (state, theirs) else {
                continue;
            };
            let StateSpec::Distinct(domain) = spec else { unreachable!("a set is over a domain") };

            if matches!(theirs, Distinct::Bitmaps(_)) {
                for (&group, &target) in share.groups.iter().zip(&targets) {
                    theirs.for_each_of(group, |code| to.add(target, codes.of(domain, code)));
                }
                to.settle();
                continue;
            }

            if target_of.is_empty() {
                target_of = vec![0; from.rows.len()];
                for (&group, &target) in share.groups.iter().zip(&targets) {
                    target_of[group as usize] = target;
                }
            }
            let pairs = pairs.next().expect("a share has the pairs of each set of pairs");
            for (group, code) in pairs.iter_mut() {
                (*group, *code) = (target_of[*group as usize], codes.of(domain, *code));
            }
            to.add_pairs(pairs);
        }

        targets
    }
}

impl Share {
    /// Returns the number of groups.
    pub fn group_count(&self) -> usize {
        self.groups.len()
    }

    /// Calls `each` with the domain and the code of each key and state, more than once for many.
    pub fn for_each_code(&self, spec: &TableSpec, mut each: impl FnMut(usize, u32)) {
        for &group in &self.groups {
            let key = self.table.key(group);
            for (&domain, code) in spec.keys.iter().zip([key.first(), key.second()]) {
                each(domain, code);
            }
        }

        let mut pairs = self.pairs.iter();
        for (&spec, state) in spec.states.iter().zip(&self.table.states) {
            match (spec, state) {
                (StateSpec::PickText(domain, _), StateColumn::PickText(codes)) => {
                    self.groups.iter().for_each(|&group| each(domain, codes[group as usize]));
                }
                (StateSpec::Distinct(domain), StateColumn::Distinct(sets @ Distinct::Bitmaps(_))) => {
                    for &group in &self.groups {
                        sets.for_each_of(group, |code| each(domain, code));
                    }
                }
                (StateSpec::Distinct(domain), StateColumn::Distinct(Distinct::Pairs { .. })) => {
                    let pairs = pairs.next().expect("a share has the pairs of each set of pairs");
                    pairs.iter().for_each(|&(_, code)| each(domain, code));
                }
                _ => {}
            }
        }
    }

    /// Returns the approximate bytes held: those of the table in proportion to the groups.
    pub fn memory_bytes(&self) -> usize {
        let pairs: usize = self.pairs.iter().map(|pairs| pairs.capacity() * 8).sum();
        let table = self.table.memory_bytes() as u64 * self.groups.len() as u64;
        pairs + self.groups.capacity() * 4 + (table / self.table.rows.len().max(1) as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::aggregate::arg::Arg;
    use crate::aggregate::table::TableInput;
    use crate::selection::Selection;

    struct NoTexts;

    impl TextOrder for NoTexts {
        fn compare(&self, _: usize, _: u32, _: u32) -> std::cmp::Ordering {
            unreachable!("no state picks texts")
        }
    }

    /// Few codes make bitmaps, many make pairs. The codes of the receiver are those of the sender plus one.
    #[test]
    fn shares_of_a_table_merge_into_the_same_groups_and_sets() {
        for (keys, values, seed) in [(4, 40, 1), (300, 5_000, 2), (1, 3, 3)] {
            let spec = TableSpec { keys: vec![0], states: vec![StateSpec::Distinct(1)] };
            let sizes = [keys as usize + 2, values as usize + 2];
            let mut table = spec.table(&sizes, seed);
            let (mut groups, mut first_rows) = (Vec::new(), Vec::new());
            let mut expected: BTreeMap<u32, (u64, std::collections::BTreeSet<u32>)> = BTreeMap::new();

            let rows: Vec<(u32, u32)> =
                (0..4_000_u32).map(|row| (1 + row * row % keys, 1 + row * 7 % values)).collect();
            let (key_codes, value_codes): (Vec<u32>, Vec<u32>) = rows.iter().copied().unzip();
            let input = TableInput { codes: &[&key_codes, &value_codes], args: &[] as &[Arg<'_>] };
            table.update(&spec, input, Selection::All(rows.len()), &NoTexts, &mut groups, &mut first_rows);
            for &(key, value) in &rows {
                let group = expected.entry(key + 1).or_default();
                group.0 += 1;
                group.1.insert(value + 1);
            }

            let owners: Vec<Option<u32>> = (0..table.rows.len() as u32)
                .map(|group| (table.rows[group as usize] > 0).then_some(group % 3))
                .collect();
            let mut merged = spec.table(&sizes, seed + 7);
            let codes: Vec<Vec<u32>> = sizes.iter().map(|&size| (1..=size as u32).collect()).collect();
            for share in table.divide(&owners, 3).into_iter().flatten() {
                let place = |key: PackedKey| PackedKey::new(key.first() + 1, 0);
                let added = share.group_count();
                let targets = merged.merge_share(&spec, share, place, Translation::Codes(&codes), &NoTexts);
                assert_eq!(targets.len(), added);
            }

            let StateColumn::Distinct(sets) = &merged.states[0] else { panic!("a set") };
            let mut found: BTreeMap<u32, (u64, std::collections::BTreeSet<u32>)> = BTreeMap::new();
            for group in merged.groups() {
                found.entry(merged.key(group).first()).or_default().0 = merged.rows[group as usize];
            }
            sets.for_each(|group, code| {
                found.entry(merged.key(group).first()).or_default().1.insert(code);
            });
            assert_eq!(found, expected);
        }
    }
}
