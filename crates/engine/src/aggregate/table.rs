//! A table of groups: keys, row counts and states. Every collection of aggregates is a table: a slice of a
//! window, a local partial aggregate, a merged window, the results reported before.
//!
//! Two tables over the same layout merge into one. Folding slices into windows, shipping partials between
//! subtasks, restoring a snapshot and compacting dictionaries are all this one operation, with different
//! translations of codes.

use super::arg::Arg;
use super::keys::{KeyColumns, KeyIndex, PackedKey};
use super::pick::TextOrder;
use super::state::{StateColumn, StateSpec, Translation};
use crate::selection::Selection;

/// A table of groups; see the module documentation.
#[derive(Debug, Clone)]
pub struct GroupTable {
    pub index: KeyIndex,
    /// Rows added to each group. A group of a direct index without rows has 0 and counts as absent.
    pub rows: Vec<u64>,
    /// The owner's flags of a group, set when the group gets its first row: which filters over its key it
    /// passes.
    pub marks: Vec<u64>,
    pub states: Vec<StateColumn>,
}

/// The common description of the tables of one unit.
#[derive(Debug, Clone)]
pub struct TableSpec {
    /// Indices of 0, 1 or 2 domains.
    pub keys: Vec<usize>,
    pub states: Vec<StateSpec>,
}

/// A table with room for fewer groups takes no more memory than a hashed index.
const SPARSE_GROUPS_MIN: usize = 64;

/// The columns of a batch in the form that tables need.
#[derive(Debug, Clone, Copy)]
pub struct TableInput<'a> {
    pub codes: &'a [&'a [u32]],
    pub args: &'a [Arg<'a>],
}

impl TableSpec {
    /// Creates a table with room for the present codes; `codes` are the sizes of all domains.
    pub fn table(&self, codes: &[usize], seed: u64) -> GroupTable {
        let (first, second) = self.code_counts(codes);
        self.over(KeyIndex::new(first, second, seed), codes, seed)
    }

    /// Creates a table whose size is proportional to its content, for few of the possible groups.
    pub fn sparse_table(&self, codes: &[usize], seed: u64) -> GroupTable {
        self.over(KeyIndex::hashed(seed), codes, seed)
    }

    /// Returns whether this many rows leave most of a table with room for all codes empty.
    pub fn is_sparse(&self, rows: usize, codes: &[usize]) -> bool {
        let (first, second) = self.code_counts(codes);
        let index = KeyIndex::new(first, second, 0);
        index.is_direct() && index.capacity() >= SPARSE_GROUPS_MIN && rows * 4 <= index.capacity()
    }

    fn over(&self, index: KeyIndex, codes: &[usize], seed: u64) -> GroupTable {
        let states =
            self.states.iter().map(|&spec| StateColumn::new(spec, index.is_direct(), codes, seed)).collect();
        let mut table = GroupTable { index, rows: Vec::new(), marks: Vec::new(), states };
        table.grow();
        table
    }

    /// Returns whether a table with room for all codes would have one group per combination of codes.
    pub fn is_direct(&self, codes: &[usize]) -> bool {
        let (first, second) = self.code_counts(codes);
        KeyIndex::new(first, second, 0).is_direct()
    }

    /// Returns whether a table can take any present code.
    pub fn fits(&self, table: &GroupTable, codes: &[usize]) -> bool {
        let (first, second) = self.code_counts(codes);
        table.index.fits(first, second)
            && self.states.iter().zip(&table.states).all(|(spec, state)| match (spec, state) {
                (StateSpec::Distinct(domain), StateColumn::Distinct(distinct)) => {
                    distinct.fits(codes[*domain])
                }
                _ => true,
            })
    }

    pub fn key_columns<'a>(&self, codes: &[&'a [u32]]) -> KeyColumns<'a> {
        match self.keys[..] {
            [] => KeyColumns::None,
            [a] => KeyColumns::One(codes[a]),
            [a, b] => KeyColumns::Two(codes[a], codes[b]),
            _ => unreachable!("the layout pairs up more than two keys"),
        }
    }

    fn code_counts(&self, codes: &[usize]) -> (usize, usize) {
        (self.keys.first().map_or(1, |&d| codes[d]), self.keys.get(1).map_or(1, |&d| codes[d]))
    }
}

impl GroupTable {
    /// Extends the table to every group of the index.
    pub fn grow(&mut self) {
        let groups = self.index.capacity();
        if groups > self.rows.len() {
            self.rows.resize(groups, 0);
            self.marks.resize(groups, 0);
            self.states.iter_mut().for_each(|state| state.resize(groups));
        }
    }

    /// Adds rows. `groups` is a buffer; `first_rows` gets each group that was empty and the row that made it.
    pub fn update(
        &mut self,
        spec: &TableSpec,
        input: TableInput<'_>,
        rows: Selection<'_>,
        order: &dyn TextOrder,
        groups: &mut Vec<u32>,
        first_rows: &mut Vec<(u32, u32)>,
    ) {
        self.index.assign(spec.key_columns(input.codes), rows, groups);
        self.grow();
        let counts = &mut self.rows;

        rows.for_each(|i, row| {
            let count = &mut counts[groups[i] as usize];
            if *count == 0 {
                first_rows.push((groups[i], row as u32));
            }
            *count += 1;
        });

        for (&spec, state) in spec.states.iter().zip(&mut self.states) {
            state.update(spec, rows, groups, input.args, input.codes, order);
        }
    }

    /// Returns the groups that have rows, ascending.
    pub fn groups(&self) -> impl Iterator<Item = u32> {
        (0..self.rows.len() as u32).filter(|&group| self.rows[group as usize] > 0)
    }

    pub fn key(&self, group: u32) -> PackedKey {
        self.index.key(group)
    }

    pub fn is_empty(&self) -> bool {
        self.rows.iter().all(|&rows| rows == 0)
    }

    /// Adds another table. `states[i]` is the index in `other` of state `i`; `place` returns the key here of
    /// a group of `other`, or `None` to leave it out. Returns the group here of each group of `other`.
    pub fn merge(
        &mut self,
        spec: &TableSpec,
        other: &GroupTable,
        states: &[usize],
        place: &mut dyn FnMut(u32) -> Option<PackedKey>,
        codes: Translation<'_>,
        order: &dyn TextOrder,
    ) -> Vec<Option<u32>> {
        let mut targets = vec![None; other.rows.len()];
        for from in other.groups() {
            targets[from as usize] = place(from).map(|key| self.index.group(key));
        }
        self.grow();

        for from in other.groups() {
            let Some(to) = targets[from as usize] else { continue };
            self.rows[to as usize] += other.rows[from as usize];
            for ((&spec, state), &theirs) in spec.states.iter().zip(&mut self.states).zip(states) {
                state.merge_group(spec, to, &other.states[theirs], from, codes, order);
            }
        }

        self.merge_sets(spec, other, states, &targets, codes);
        targets
    }

    /// Empties the table but keeps its memory; keys of a hashed index are removed.
    pub fn clear(&mut self) {
        self.rows.fill(0);
        self.marks.fill(0);
        self.states.iter_mut().for_each(StateColumn::clear);
        if !self.index.is_direct() {
            self.index.clear();
            self.rows.clear();
            self.marks.clear();
            self.states.iter_mut().for_each(|state| state.resize(0));
        }
    }

    pub fn memory_bytes(&self) -> usize {
        self.index.memory_bytes()
            + self.rows.capacity() * 16
            + self.states.iter().map(StateColumn::memory_bytes).sum::<usize>()
    }

    fn merge_sets(
        &mut self,
        spec: &TableSpec,
        other: &GroupTable,
        states: &[usize],
        targets: &[Option<u32>],
        codes: Translation<'_>,
    ) {
        for ((&spec, state), &theirs) in spec.states.iter().zip(&mut self.states).zip(states) {
            let (StateColumn::Distinct(to), StateColumn::Distinct(from)) = (state, &other.states[theirs])
            else {
                continue;
            };
            let StateSpec::Distinct(domain) = spec else { unreachable!("a set is over a domain") };
            if matches!(codes, Translation::Same) && to.merge_bits(from, targets) {
                continue;
            }
            from.for_each(|group, value| {
                if let Some(target) = targets[group as usize] {
                    to.add(target, codes.of(domain, value));
                }
            });
            to.settle();
        }
    }
}
