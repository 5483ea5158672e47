//! Keys of state that is partitioned over subtasks by a part of the key.
//!
//! An operator may group by more fields than those that partition its rows: by a key and the bounds of a
//! window, with rows partitioned by the key alone. The fields of the distribution come first in a stored key,
//! so that its key group can be computed from it:
//!
//! ```text
//! GROUP BY window_start, k     partitioned by k     stored [k, window_start]     key group of [k]
//! ```

use sql::plan::operator::Distribution;
use types::Scalar;

use crate::operator::changes::Changes;
use crate::row::{self, Reader};
use crate::state::{StateError, StateValue, StateWriter, key_group};

/// How keys are stored.
#[derive(Debug)]
pub struct StoredKey {
    /// Fields of the input, in the order in which they are stored.
    fields: Vec<usize>,
    /// The number of leading fields that determine the key group.
    spread: usize,
    /// Per key of the operator, its index among the fields.
    places: Vec<usize>,
    in_order: bool,
}

impl StoredKey {
    /// Describes keys of these fields of an input with this distribution.
    pub fn new(keys: &[usize], distribution: &Distribution) -> StoredKey {
        let mut fields = match distribution {
            Distribution::Hash(fields) => fields.clone(),
            Distribution::Single => Vec::new(),
            Distribution::Forward => keys.to_vec(),
        };
        let spread = fields.len();
        let mut places = Vec::with_capacity(keys.len());
        for &key in keys {
            let place = fields.iter().position(|&field| field == key).unwrap_or_else(|| {
                fields.push(key);
                fields.len() - 1
            });
            places.push(place);
        }

        let in_order = places.iter().copied().eq(0..fields.len());
        StoredKey { fields, spread, places, in_order }
    }

    /// Replaces `key` by the key of a row.
    #[inline]
    pub fn write(&self, rows: &Changes<'_>, row: usize, key: &mut Vec<u8>) {
        key.clear();
        row::write_all(rows.values(&self.fields, row), key);
    }

    pub fn key_group(&self, key: &[u8]) -> u32 {
        let mut reader = Reader::new(key);
        reader.by_ref().take(self.spread).for_each(drop);
        key_group(&key[..key.len() - reader.rest().len()])
    }

    /// Calls `take` with the values of a key, in the order of the operator's keys.
    #[inline]
    pub fn with_values<'k>(&self, key: &'k [u8], take: impl FnOnce(&mut dyn Iterator<Item = Scalar<'k>>)) {
        if self.in_order {
            return take(&mut Reader::new(key));
        }
        let values: Vec<Scalar<'k>> = Reader::new(key).collect();
        take(&mut self.places.iter().map(|&place| values.get(place).copied().unwrap_or(Scalar::Null)));
    }

    /// Appends an entry to an image: the tag of its map, some whole numbers, the key, and the value.
    pub fn write_entry<V: StateValue>(
        &self,
        tag: u8,
        numbers: &[i64],
        key: &[u8],
        value: &V,
        out: &mut StateWriter,
    ) {
        let Some(part) = out.group(self.key_group(key)) else { return };
        part.push(tag);
        numbers.iter().for_each(|&number| number.write(part));
        row::write_length(key.len(), part);
        part.extend_from_slice(key);
        value.write(part);
    }

    /// Reads the entry after a tag.
    ///
    /// # Errors
    /// The bytes are not such an entry.
    pub fn read_entry<'a, V: StateValue, const N: usize>(
        reader: &mut Reader<'a>,
        operator: &str,
    ) -> Result<([i64; N], &'a [u8], V), StateError> {
        let entry = (|| {
            let mut numbers = [0; N];
            for number in &mut numbers {
                *number = i64::read(reader)?;
            }
            let length = reader.length()?;
            Some((numbers, reader.run(length)?, V::read(reader)?))
        })();
        entry.ok_or_else(|| StateError::malformed(operator, "an entry"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_the_distribution_decide_the_key_group() {
        let key = StoredKey::new(&[2, 0], &Distribution::Hash(vec![0]));
        assert_eq!((&key.fields[..], &key.places[..]), (&[0, 2][..], &[1, 0][..]));

        let (mut stored, mut spread) = (Vec::new(), Vec::new());
        row::write_all([Scalar::Text("a"), Scalar::Int(7)], &mut stored);
        row::write(Scalar::Text("a"), &mut spread);
        assert_eq!(key.key_group(&stored), key_group(&spread));
        key.with_values(&stored, |values| {
            assert_eq!(values.collect::<Vec<_>>(), [Scalar::Int(7), Scalar::Text("a")]);
        });
    }
}
