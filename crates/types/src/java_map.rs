//! The iteration order of a Java `HashMap`.
//!
//! Flink holds maps in a `HashMap`, so `UNNEST(map) WITH ORDINALITY` numbers entries in its order. An entry
//! is in the bucket `(hash ^ hash >>> 16) & (buckets - 1)`; the number of buckets is 16, doubled while the
//! entries fill more than three quarters. Texts have the hash of Flink's `BinaryStringData`: MurmurHash3 (32
//! bits, seed 42) of their UTF-8, in which each byte after the last whole word is mixed as a separate word.

use crate::Scalar;

/// Returns the bucket of a key in a map with this many entries.
pub(crate) fn bucket(key: Scalar<'_>, entries: usize) -> u32 {
    let mut buckets: u32 = 16;
    while entries > buckets as usize / 4 * 3 {
        buckets = buckets.saturating_mul(2);
    }
    let hash = hash(key);
    (hash ^ hash >> 16) & (buckets - 1)
}

fn hash(key: Scalar<'_>) -> u32 {
    match key {
        Scalar::Null => 0,
        Scalar::Bool(true) => 1231,
        Scalar::Bool(false) => 1237,
        // The hash of an `Integer` is its value, the hash of a `Long` combines both halves.
        Scalar::Int(value) => match i32::try_from(value) {
            Ok(value) => value as u32,
            Err(_) => (value ^ value >> 32) as u32,
        },
        Scalar::Double(value) => {
            let bits = value.to_bits();
            (bits ^ bits >> 32) as u32
        }
        Scalar::Text(text) => murmur(text.as_bytes()),
        Scalar::Wide(_) | Scalar::Bytes(_) => 0,
    }
}

fn murmur(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<4>();
    let words = words.iter().map(|word| u32::from_le_bytes(*word));
    let rest = rest.iter().map(|&byte| i32::from(byte as i8) as u32);

    let mut hash = words.chain(rest).fold(42u32, |hash, word| {
        let word = word.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
        (hash ^ word).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64)
    });
    hash ^= bytes.len() as u32;
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stand_where_flink_puts_them() {
        let buckets = ["a", "d", "c", "b"].map(|key| bucket(Scalar::Text(key), 4));
        assert_eq!(buckets, [5, 6, 10, 13]);
    }

    #[test]
    fn a_map_grows_when_three_quarters_are_full() {
        assert_eq!(bucket(Scalar::Int(31), 12), 15);
        assert_eq!(bucket(Scalar::Int(31), 13), 31);
    }
}
