//! Rows on their way to the store: the final write of each key.
//!
//! Rows that are only added are written as they arrive. For rows that change, only the last change of a key
//! counts, because the store need not show the changes in between:
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

/// The writes of some keys.
#[derive(Default)]
pub(super) struct PendingWrites {
    writes: Vec<Write>,
    /// Indices in `writes` of the keys of rows that change.
    places: HashMap<Arc<str>, usize>,
    bytes: usize,
    /// The time for the notification: that of the first row.
    pub time: Option<Arc<str>>,
}

impl PendingWrites {
    /// Adds a row of a result to which rows are only added.
    pub fn add(&mut self, key: &str, value: &[u8]) {
        self.bytes += size_of::<Upsert>() + key.len() + value.len();
        self.writes.push((key.into(), Some(value.into())));
    }

    /// Sets the last change of a key: its value, or `None` if it is deleted.
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

    /// Returns the approximate size of what was added; repeated changes of a key count each time.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the bytes of the written keys and values.
    pub fn written_bytes(&self) -> usize {
        self.writes.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, |value| value.len())).sum()
    }

    /// Returns the rows to write and the keys to delete.
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
        let mut pending = PendingWrites::default();
        for (key, value) in [
            ("a", Some("1")),
            ("b", Some("1")),
            ("a", None),
            ("a", Some("2")),
            ("c", None),
            ("b", None),
            ("d", Some("1")),
        ] {
            pending.change(key, value.map(str::as_bytes));
        }

        assert_eq!(pending.written_bytes(), 6);
        let (upserts, deletes) = pending.into_writes(Duration::from_secs(9));
        let upserts: Vec<_> = upserts.iter().map(|of| (&*of.key, &*of.value, of.ttl.as_secs())).collect();
        assert_eq!(upserts, [("a", &b"2"[..], 9), ("d", b"1", 9)]);
        assert_eq!(deletes, [Arc::<str>::from("b"), "c".into()]);
    }

    #[test]
    fn rows_that_are_only_added_are_all_written() {
        let mut pending = PendingWrites::default();
        pending.add("a", b"1");
        pending.add("a", b"2");
        let (upserts, deletes) = pending.into_writes(Duration::from_secs(1));
        assert_eq!((upserts.len(), deletes.len()), (2, 0));
    }
}
