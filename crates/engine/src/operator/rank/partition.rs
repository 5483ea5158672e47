//! The rows of one partition of a Top-N, in three sets:
//!
//! ```text
//! number     1 … from-1      from … to       to+1 …
//! set        before          within          behind      (behind: only where rows may be retracted)
//! ```
//!
//! Each set holds lesser rows than the next, and is full before the next holds a row. An added or removed row
//! moves at most one row across each border, so that a change costs O(log n) whatever the numbers are:
//!
//! ```text
//! rn BETWEEN 2 AND 3      before [a]   within [c, e]   behind [f]
//! b comes                 before [a]   within [b, c]   behind [e, f]      b entered, e left
//! a goes                  before [b]   within [c, e]   behind [f]         b left, e entered
//! ```

use std::num::NonZeroU32;

use super::super::ordered::{ARRIVAL, Ordered, OrderedRow};
use super::super::row_identity::RowIdentity;
use super::identity_index::IdentityIndex;
use crate::aggregate::keys::prefetch;
use crate::row::Reader;
use crate::state::StateValue;

/// A search looks at this many rows before an index is built.
const SEARCHED: usize = 64;

/// The capacity of the sets.
#[derive(Debug, Clone, Copy)]
pub(super) struct RankLimits {
    pub before: usize,
    pub within: usize,
    /// Whether rows behind the last number are stored, because rows before them may be retracted.
    pub keeps_behind: bool,
}

/// The change of the rows within the range.
#[derive(Debug, Default)]
pub(super) struct Shift {
    pub came: Option<OrderedRow>,
    pub went: Option<OrderedRow>,
}

/// The rows of a partition; see the module documentation.
#[derive(Debug, Default)]
pub(super) struct RankPartition {
    before: Ordered,
    within: Ordered,
    behind: Ordered,
    /// The next arrival number.
    next: u64,
    /// Built when a row is searched among many, and maintained from then on. Not part of a snapshot.
    index: Option<Box<IdentityIndex>>,
    /// The partition's number among those that the current batch has changed, from 1. Not part of a snapshot.
    number_in_batch: Option<NonZeroU32>,
}

impl RankPartition {
    pub fn is_empty(&self) -> bool {
        self.before.is_empty() && self.within.is_empty() && self.behind.is_empty()
    }

    /// Prefetches the row with which a new row is compared.
    #[inline]
    pub fn prefetch(&self) {
        if let Some(last) = self.within.last() {
            prefetch(last.order(), 0);
        }
    }

    pub fn number_in_batch(&self) -> Option<usize> {
        self.number_in_batch.map(|number| number.get() as usize - 1)
    }

    pub fn set_number_in_batch(&mut self, number: Option<usize>) {
        self.number_in_batch = number.and_then(|number| NonZeroU32::new(number as u32 + 1));
    }

    pub fn within(&self) -> &Ordered {
        &self.within
    }

    /// Returns whether a new row with this sort key would be behind the last number; a new row comes after
    /// equal ones.
    #[inline]
    pub fn is_behind(&self, key: &[u8], limits: RankLimits) -> bool {
        self.within.len() >= limits.within
            && self.before.len() >= limits.before
            && self.within.last().is_none_or(|last| last.key() <= key)
    }

    /// Adds a row. `bytes` is its entry, with space for the arrival number before `row_at`.
    pub fn insert(
        &mut self,
        bytes: &mut [u8],
        row_at: usize,
        limits: RankLimits,
        identity: &mut RowIdentity,
    ) -> Shift {
        bytes[row_at - ARRIVAL..row_at].copy_from_slice(&self.next.to_be_bytes());
        self.next += 1;
        let mut entry = OrderedRow::new(bytes, row_at);
        if let Some(index) = &mut self.index {
            index.add(&entry, identity);
        }

        if self.before.len() < limits.before || self.before.last().is_some_and(|last| entry < *last) {
            self.before.insert(entry);
            if self.before.len() <= limits.before {
                return Shift::default();
            }
            let Some(last) = self.before.pop_last() else { return Shift::default() };
            entry = last;
        }

        if self.within.len() >= limits.within && self.within.last().is_none_or(|last| *last < entry) {
            self.push_behind(entry, limits);
            return Shift::default();
        }
        self.within.insert(entry.clone());
        let went = if self.within.len() > limits.within { self.within.pop_last() } else { None };
        if let Some(went) = &went {
            self.push_behind(went.clone(), limits);
        }
        Shift { came: Some(entry), went }
    }

    fn push_behind(&mut self, entry: OrderedRow, limits: RankLimits) {
        if limits.keeps_behind {
            self.behind.insert(entry);
        }
    }

    /// Removes a row that was found.
    pub fn remove(&mut self, entry: &OrderedRow, limits: RankLimits, identity: &mut RowIdentity) -> Shift {
        if let Some(index) = &mut self.index {
            index.remove(entry, identity);
        }

        let is_in = |set: &Ordered| set.last().is_some_and(|last| entry <= last);
        let went = if is_in(&self.before) {
            self.before.remove(entry.order());
            let first = self.within.pop_first();
            self.before_takes(first.as_ref());
            first
        } else if is_in(&self.within) {
            self.within.remove(entry.order())
        } else {
            self.behind.remove(entry.order());
            None
        };

        let came = if went.is_some() { self.behind.pop_first() } else { None };
        if let Some(came) = &came {
            debug_assert!(self.within.len() < limits.within);
            self.within.insert(came.clone());
        }
        Shift { came, went }
    }

    fn before_takes(&mut self, entry: Option<&OrderedRow>) {
        if let Some(entry) = entry {
            self.before.insert(entry.clone());
        }
    }

    /// Returns the first to arrive of the rows that are identical to `row` (by `identity`). `key` is its sort
    /// key, if identical rows have the same.
    pub fn find(&mut self, key: Option<&[u8]>, row: &[u8], identity: &mut RowIdentity) -> Option<OrderedRow> {
        if self.index.is_none() {
            let sets = [&self.before, &self.within, &self.behind];
            let candidates = sets.into_iter().flat_map(|set| set.from(key.unwrap_or_default()));
            let candidates = candidates.take_while(|entry| key.is_none_or(|key| entry.key() == key));

            let mut searched = 0;
            for entry in candidates {
                if identity.is_same(entry.row(), row) {
                    return Some(entry.clone());
                }
                searched += 1;
                if searched == SEARCHED {
                    break;
                }
            }

            if searched < SEARCHED {
                return None;
            }

            let mut index = IdentityIndex::default();
            sets.into_iter().flat_map(Ordered::iter).for_each(|entry| index.add(entry, identity));
            self.index = Some(Box::new(index));
        }
        self.index.as_ref()?.find(row, identity)
    }
}

impl StateValue for RankPartition {
    fn write(&self, out: &mut Vec<u8>) {
        (self.next as i64).write(out);
        self.before.write(out);
        self.within.write(out);
        self.behind.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<RankPartition> {
        Some(RankPartition {
            next: i64::read(reader)? as u64,
            before: Ordered::read(reader)?,
            within: Ordered::read(reader)?,
            behind: Ordered::read(reader)?,
            index: None,
            number_in_batch: None,
        })
    }

    fn heap_bytes(&self) -> usize {
        let index = self.index.as_ref().map_or(0, |index| index.memory_bytes());
        self.before.heap_bytes() + self.within.heap_bytes() + self.behind.heap_bytes() + index
    }
}
