//! Rows on their way to the store: what becomes of each key.
//!
//! Rows that only add to the result are written as they come. Of rows that change, the last word on a key counts, since the
//! store shows nothing in between:
//!
//! ```text
//! +I a 1                      a = 1
//! -U a 1   +U a 2             a = 2      the row before an update is replaced
//! -U a 1                      a is gone  the row after it failed a condition
//! -D a 2   +I a 3             a = 3
//! ```

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use storage::store::Upsert;

/// A key with its new value, or with none.
type Write = (Arc<str>, Option<Arc<[u8]>>);

/// What becomes of some keys.
#[derive(Default)]
pub(super) struct Piece {
    writes: Vec<Write>,
    /// Where the keys of rows that change stand among the writes.
    places: HashMap<Arc<str>, usize>,
    bytes: usize,
    /// What followers are told: that of its first row.
    pub time: Option<Arc<str>>,
}

impl Piece {
    /// Takes a row of a result to which rows are only added.
    pub fn add(&mut self, key: &str, value: &[u8]) {
        self.bytes += size_of::<Upsert>() + key.len() + value.len();
        self.writes.push((key.into(), Some(value.into())));
    }

    /// Takes the last word on a key so far: its value, or that it has none.
    pub fn change(&mut self, key: &str, value: Option<&[u8]>) {
        self.bytes += size_of::<Upsert>() + key.len() + value.map_or(0, <[u8]>::len);
        if let Some(&place) = self.places.get(key) {
            self.writes[place].1 = value.map(Arc::from);
            return;
        }
        let key: Arc<str> = key.into();
        self.places.insert(key.clone(), self.writes.len());
        self.writes.push((key, value.map(Arc::from)));
    }

    /// What was taken in, about; keys that changed several times count as often.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes of the keys and values that are written.
    pub fn written_bytes(&self) -> usize {
        self.writes.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, |value| value.len())).sum()
    }

    /// The rows that are written, and the keys that are deleted.
    pub fn into_writes(self, ttl: Duration) -> (Vec<Upsert>, Vec<Arc<str>>) {
        let (mut upserts, mut deletes) = (Vec::with_capacity(self.writes.len()), Vec::new());
        for (key, value) in self.writes {
            match value {
                Some(value) => upserts.push(Upsert { key, value, ttl }),
                None => deletes.push(key),
            }
        }
        (upserts, deletes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_rows_that_change_the_last_word_on_a_key_counts() {
        let mut piece = Piece::default();
        for (key, value) in [
            ("a", Some("1")),
            ("b", Some("1")),
            ("a", None),
            ("a", Some("2")),
            ("c", None),
            ("b", None),
            ("d", Some("1")),
        ] {
            piece.change(key, value.map(str::as_bytes));
        }

        assert_eq!(piece.written_bytes(), 6);
        let (upserts, deletes) = piece.into_writes(Duration::from_secs(9));
        let upserts: Vec<_> = upserts.iter().map(|of| (&*of.key, &*of.value, of.ttl.as_secs())).collect();
        assert_eq!(upserts, [("a", &b"2"[..], 9), ("d", b"1", 9)]);
        assert_eq!(deletes, [Arc::<str>::from("b"), "c".into()]);
    }

    #[test]
    fn rows_that_are_only_added_are_all_written() {
        let mut piece = Piece::default();
        piece.add("a", b"1");
        piece.add("a", b"2");
        let (upserts, deletes) = piece.into_writes(Duration::from_secs(1));
        assert_eq!((upserts.len(), deletes.len()), (2, 0));
    }
}
