//! Keyed state of operators: maps from keys to values, ordered timers, and their image in a snapshot.
//!
//! A key is a row of the compact form ([`crate::row`]). A hash that is part of the snapshot format assigns
//! keys to [`KEY_GROUPS`] key groups, and the subtasks of an operator share the key groups. An image holds
//! one part per key group, so that a job restored at another parallelism reads only the groups that each
//! subtask owns.
//!
//! ```text
//! key bytes ──hash──► key group 0…127 ──owner──► subtask 0…n-1
//! ```

mod groups;
mod image;
mod index;
mod key;
mod keyed;
mod segments;
mod timers;

use types::Scalar;

pub use groups::{CELLS, KeyGroups};
pub use image::{StateImage, StatePart, StateWriter, read_part};
pub use keyed::{EntryPlace, EntryStatus, Keyed};
pub use timers::Timers;

use crate::row;
pub use crate::window::KEY_GROUPS;

/// Returns the key group of a key: FNV-1a over its bytes, then mixed. It is the same in every version, since
/// snapshots are split by it.
#[inline]
pub fn key_group(key: &[u8]) -> u32 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for &byte in key {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    // The low bits of FNV are weak for short keys.
    hash ^= hash >> 32;
    (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 57) as u32 % KEY_GROUPS
}

/// A value that is stored under a key.
pub trait StateValue: Sized {
    /// Appends the value to an image.
    fn write(&self, out: &mut Vec<u8>);

    /// Reads what [`write`](StateValue::write) wrote; returns `None` if the bytes are invalid.
    fn read(reader: &mut row::Reader<'_>) -> Option<Self>;

    /// Returns the bytes outside the value itself. Called before and after every change, so it must take
    /// constant time.
    fn heap_bytes(&self) -> usize;
}

/// State that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the state of operator `{operator}` in the snapshot cannot be read: {what}. Start from another checkpoint or savepoint"
)]
pub struct StateError {
    pub operator: String,
    pub what: String,
}

impl StateError {
    /// Bytes that are not what they should be; `entry` names it: `a timer`.
    pub(crate) fn malformed(operator: &str, entry: &str) -> StateError {
        StateError { operator: operator.to_owned(), what: format!("{entry} has invalid bytes") }
    }

    /// An entry with a tag that the operator does not write.
    pub(crate) fn unknown_tag(operator: &str, tag: u8) -> StateError {
        let what = format!("it has an entry of kind {tag}, which this operator does not write");
        StateError { operator: operator.to_owned(), what }
    }
}

impl StateValue for () {
    fn write(&self, _out: &mut Vec<u8>) {}

    fn read(_reader: &mut row::Reader<'_>) -> Option<()> {
        Some(())
    }

    fn heap_bytes(&self) -> usize {
        0
    }
}

impl StateValue for i64 {
    fn write(&self, out: &mut Vec<u8>) {
        row::write(Scalar::Int(*self), out);
    }

    fn read(reader: &mut row::Reader<'_>) -> Option<i64> {
        match reader.value()? {
            Scalar::Int(value) => Some(value),
            _ => None,
        }
    }

    fn heap_bytes(&self) -> usize {
        0
    }
}

/// A run of bytes, mostly a row.
impl StateValue for Box<[u8]> {
    fn write(&self, out: &mut Vec<u8>) {
        row::write_length(self.len(), out);
        out.extend_from_slice(self);
    }

    fn read(reader: &mut row::Reader<'_>) -> Option<Box<[u8]>> {
        let length = reader.length()?;
        Some(reader.run(length)?.into())
    }

    fn heap_bytes(&self) -> usize {
        self.len()
    }
}

impl<T: StateValue> StateValue for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        row::write(Scalar::Bool(self.is_some()), out);
        if let Some(value) = self {
            value.write(out);
        }
    }

    fn read(reader: &mut row::Reader<'_>) -> Option<Option<T>> {
        match reader.value()? {
            Scalar::Bool(true) => Some(Some(T::read(reader)?)),
            Scalar::Bool(false) => Some(None),
            _ => None,
        }
    }

    fn heap_bytes(&self) -> usize {
        self.as_ref().map_or(0, T::heap_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Snapshots are split by key group: a change would lose state.
    #[test]
    fn the_key_group_of_a_key_stays_the_same() {
        let groups = [&b""[..], b"a", b"b", &[5, 1, b'a'], &[17]].map(key_group);
        assert_eq!(groups, [66, 65, 37, 21, 123]);
    }

    #[test]
    fn keys_are_spread_evenly() {
        let mut counts = vec![0usize; KEY_GROUPS as usize];
        for key in 0..128_000i64 {
            let mut bytes = Vec::new();
            row::write(Scalar::Int(key), &mut bytes);
            counts[key_group(&bytes) as usize] += 1;
        }
        let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
        assert!(*least > 800 && *most < 1_200, "{least} to {most}");
    }
}
