//! `NOT IN` without a further condition: an anti join in which null compares as unknown.
//!
//! A left row passes if the right side is empty, or if its value is not null, no right value is null, and
//! none is equal. So the state holds the number of right rows per value, and the left rows of each value:
//!
//! ```text
//! group (the correlated keys)    right rows 3, of them null 0
//!     value 1                    right 2    left [a] [b]    do not pass
//!     value 2                    right 0    left [c]        pass
//!     value 5                    right 1    left
//!     null                                  left [d]        do not pass: the right side is not empty
//! ```
//!
//! A right row affects the left rows of its own value. Only the first and the last null of the right side
//! affect the whole group.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use sql::plan::operator::{Input, JoinKey};
use types::Interval;

use super::bag::Bag;
use super::output::JoinOutput;
use super::shape::{JoinShape, LEFT, values};
use crate::operator::chain::{Context, OperatorError};
use crate::operator::changes::{Changes, RowKind};
use crate::row;
use crate::state::{Keyed, StateError, StateValue, StateWriter};

/// Differs from the tags of a side.
const GROUPS: u8 = 0x80;

/// The state of a `NOT IN`, and its output.
pub(super) struct NotIn {
    shape: JoinShape,
    /// The compared field of each side.
    compared: [usize; 2],
    groups: Keyed<CorrelatedGroup>,
    pub output: JoinOutput,
    key: Vec<u8>,
    value: Vec<u8>,
    row: Vec<u8>,
}

/// The state of all rows with equal correlated keys.
#[derive(Debug, Default)]
struct CorrelatedGroup {
    right_rows: u64,
    right_nulls: u64,
    values: HashTable<OfValue>,
    left_nulls: Bag,
    /// Bytes on the heap of the entries of `values`.
    value_bytes: usize,
}

/// The rows of one value that is not null.
#[derive(Debug, Default)]
struct OfValue {
    value: Box<[u8]>,
    right: u64,
    left: Bag,
}

fn hash(value: &[u8]) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(value);
    hasher.finish()
}

impl OfValue {
    fn heap_bytes(&self) -> usize {
        self.value.len() + self.left.heap_bytes()
    }
}

impl CorrelatedGroup {
    /// Applies `change` to the entry of a value.
    fn update<T>(&mut self, value: &[u8], change: impl FnOnce(&mut OfValue) -> T) -> T {
        let entry = self.values.entry(hash(value), |of| *of.value == *value, |of| hash(&of.value));
        let mut entry = match entry {
            Entry::Occupied(entry) => entry,
            Entry::Vacant(vacant) => {
                self.value_bytes += value.len();
                vacant.insert(OfValue { value: value.into(), ..OfValue::default() })
            }
        };

        let of_value = entry.get_mut();
        self.value_bytes -= of_value.heap_bytes();
        let result = change(of_value);
        if of_value.right == 0 && of_value.left.is_empty() {
            entry.remove();
        } else {
            self.value_bytes += of_value.heap_bytes();
        }
        result
    }

    /// Returns whether left rows pass: those of a value, or those with null.
    fn passes(&self, value: Option<&[u8]>) -> bool {
        let Some(value) = value.filter(|_| self.right_rows > 0) else { return self.right_rows == 0 };
        let known = self.values.find(hash(value), |of| *of.value == *value);
        self.right_nulls == 0 && known.is_none_or(|of| of.right == 0)
    }

    fn is_empty(&self) -> bool {
        self.right_rows == 0 && self.values.is_empty() && self.left_nulls.is_empty()
    }

    /// Counts a right row in or out. Returns false if it retracts a row that is absent.
    fn count_right(&mut self, value: Option<&[u8]>, is_addition: bool) -> bool {
        let change = |count: &mut u64| match (is_addition, *count) {
            (true, _) => {
                *count += 1;
                true
            }
            (false, 0) => false,
            (false, _) => {
                *count -= 1;
                true
            }
        };

        let is_known = match value {
            None => change(&mut self.right_nulls),
            Some(value) => self.update(value, |of| change(&mut of.right)),
        };

        if is_known {
            change(&mut self.right_rows);
        }
        is_known
    }

    /// Calls `give` with the left rows that pass without a right row of this value and do not pass with it,
    /// assuming that the right row is the only one of its value and is not counted.
    fn decided<E>(
        &self,
        value: Option<&[u8]>,
        mut give: impl FnMut(&[u8], u64) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.right_rows == 0 {
            self.left_nulls.rows().try_for_each(|(row, count)| give(row, count))?;
        }
        if self.right_nulls > 0 {
            return Ok(());
        }
        match value {
            Some(value) => {
                let known = self.values.find(hash(value), |of| *of.value == *value && of.right == 0);
                known.iter().flat_map(|of| of.left.rows()).try_for_each(|(row, count)| give(row, count))
            }
            None => {
                let passing = self.values.iter().filter(|of| of.right == 0);
                passing.flat_map(|of| of.left.rows()).try_for_each(|(row, count)| give(row, count))
            }
        }
    }
}

impl NotIn {
    /// Creates the state. `shape` has the keys before the compared one.
    pub fn new(shape: JoinShape, compared: JoinKey, inputs: &[Input], ttl: Option<Interval>) -> NotIn {
        NotIn {
            output: JoinOutput::new(&shape.output(inputs)),
            shape,
            compared: [compared.left, compared.right],
            groups: Keyed::new(ttl),
            key: Vec::new(),
            value: Vec::new(),
            row: Vec::new(),
        }
    }

    /// Applies a row.
    ///
    /// # Errors
    /// A consumer cannot take a row.
    pub fn apply(
        &mut self,
        input: usize,
        rows: &Changes<'_>,
        at: usize,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let has_key = self.shape.write_key(input, rows, at, &mut self.key);
        let compared = rows.get(self.compared[input], at);
        self.value.clear();
        row::write(compared, &mut self.value);
        let is_null = compared.is_null();

        match (input, has_key) {
            // Nothing correlates with null: the right side is empty for such a row.
            (LEFT, false) => self.output.push((rows.kind(at), 1), values(rows, at), context),
            (LEFT, true) => self.take_left(rows, at, is_null, context),
            (_, false) => Ok(()),
            (_, true) => self.take_right(rows, at, is_null, context),
        }
    }

    fn take_left(
        &mut self,
        rows: &Changes<'_>,
        at: usize,
        is_null: bool,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let kind = rows.kind(at);
        self.shape.write_row(LEFT, rows, at, &mut self.row);
        let NotIn { groups, key, value, row, output, .. } = self;

        let passes = groups.update(key, context.now_ms(), |kept| {
            let group = kept.get_or_insert_default();
            let passes = group.passes(Some(&value[..]).filter(|_| !is_null));

            let change = |bag: &mut Bag| match kind.is_addition() {
                true => {
                    bag.add(row);
                    true
                }
                false => bag.remove(row),
            };
            let is_known = match is_null {
                true => change(&mut group.left_nulls),
                false => group.update(value, |of| change(&mut of.left)),
            };

            if group.is_empty() {
                *kept = None;
            }
            passes && is_known
        });
        if passes { output.push((kind, 1), values(rows, at), context) } else { Ok(()) }
    }

    fn take_right(
        &mut self,
        rows: &Changes<'_>,
        at: usize,
        is_null: bool,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let is_addition = rows.kind(at).is_addition();
        let NotIn { shape, groups, key, value, output, .. } = self;
        let value = Some(&value[..]).filter(|_| !is_null);

        groups.update(key, context.now_ms(), |kept| {
            let group = kept.get_or_insert_default();
            let kind = if is_addition { RowKind::Delete } else { RowKind::Insert };
            let mut give = |stored: &[u8], count: u64| {
                output.push((kind, count), shape.stored(LEFT, stored, rows, at), context)
            };

            // The effect of a right row is determined while the row is not counted.
            let result = if is_addition {
                let result = group.decided(value, &mut give);
                group.count_right(value, true);
                result
            } else if group.count_right(value, false) {
                group.decided(value, &mut give)
            } else {
                Ok(())
            };
            if group.is_empty() {
                *kept = None;
            }
            result
        })
    }

    pub fn expire(&mut self, now_ms: i64) {
        self.groups.expire(now_ms);
    }

    pub fn memory_bytes(&self) -> usize {
        self.groups.memory_bytes() + self.output.memory_bytes()
    }

    pub fn write(&self, out: &mut StateWriter) {
        self.groups.write(GROUPS, out);
    }

    /// Reads the entry after a tag; returns false if the tag belongs to something else.
    ///
    /// # Errors
    /// The bytes are not an entry.
    pub fn restore(
        &mut self,
        tag: u8,
        reader: &mut row::Reader<'_>,
        operator: &str,
    ) -> Result<bool, StateError> {
        match tag {
            GROUPS => self.groups.read(reader, operator).map(|()| true),
            _ => Ok(false),
        }
    }
}

impl StateValue for CorrelatedGroup {
    fn write(&self, out: &mut Vec<u8>) {
        row::write_length(self.right_nulls as usize, out);
        self.left_nulls.write(out);
        row::write_length(self.values.len(), out);
        for of_value in &self.values {
            of_value.value.write(out);
            row::write_length(of_value.right as usize, out);
            of_value.left.write(out);
        }
    }

    fn read(reader: &mut row::Reader<'_>) -> Option<CorrelatedGroup> {
        let right_nulls = reader.length()? as u64;
        let left_nulls = Bag::read(reader)?;
        let mut group = CorrelatedGroup {
            right_rows: right_nulls,
            right_nulls,
            left_nulls,
            ..CorrelatedGroup::default()
        };
        for _ in 0..reader.length()? {
            let value: Box<[u8]> = StateValue::read(reader)?;
            let (right, left) = (reader.length()? as u64, Bag::read(reader)?);
            group.right_rows += right;
            group.update(&value, |of| (of.right, of.left) = (right, left));
        }
        Some(group)
    }

    fn heap_bytes(&self) -> usize {
        let table = self.values.capacity() * (size_of::<OfValue>() + 1);
        table + self.value_bytes + self.left_nulls.heap_bytes()
    }
}
