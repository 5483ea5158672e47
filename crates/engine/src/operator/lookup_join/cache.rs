//! A cache of looked-up rows, which keeps the most recently used keys.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::queue::Partners;
use crate::connector::CachePolicy;

/// A cache of looked-up rows with expiry.
pub(super) struct Cache {
    policy: CachePolicy,
    entries: HashMap<Arc<[u8]>, CachedRows>,
    /// Keys by their last use.
    by_use: BTreeMap<u64, Arc<[u8]>>,
    uses: u64,
    /// The number of rows, plus that of keys without rows.
    rows: usize,
    bytes: usize,
}

/// The rows of a key, and when they were found and last used.
struct CachedRows {
    partners: Partners,
    written_ms: i64,
    used_ms: i64,
    /// Its position in the order of use.
    used: u64,
}

impl CachedRows {
    fn rows(&self) -> usize {
        self.partners.len().max(1)
    }

    fn bytes(&self, key: &[u8]) -> usize {
        let rows: usize = self.partners.iter().map(|row| size_of::<Box<[u8]>>() + row.len()).sum();
        2 * key.len() + rows + size_of::<CachedRows>() + size_of::<(u64, Arc<[u8]>)>()
    }
}

impl Cache {
    pub fn new(policy: CachePolicy) -> Cache {
        Cache { policy, entries: HashMap::new(), by_use: BTreeMap::new(), uses: 0, rows: 0, bytes: 0 }
    }

    /// Returns the cached partners of a key.
    pub fn get(&mut self, key: &[u8], now_ms: i64) -> Option<Partners> {
        let entry = self.entries.get_mut(key)?;
        let is_over = |since: i64, after: Option<types::Interval>| {
            after.is_some_and(|after| now_ms.saturating_sub(since) >= after.0)
        };
        if is_over(entry.written_ms, self.policy.expire_after_write)
            || is_over(entry.used_ms, self.policy.expire_after_access)
        {
            self.remove(key);
            return None;
        }

        self.uses += 1;
        if let Some(key) = self.by_use.remove(&entry.used) {
            self.by_use.insert(self.uses, key);
        }
        (entry.used, entry.used_ms) = (self.uses, now_ms);
        Some(entry.partners.clone())
    }

    /// Stores the partners of a key. The least recently used keys make room.
    pub fn put(&mut self, key: Box<[u8]>, partners: Partners, now_ms: i64) {
        self.remove(&key);
        if partners.is_empty() && !self.policy.missing_keys {
            return;
        }
        let key: Arc<[u8]> = key.into();
        self.uses += 1;
        let entry = CachedRows { partners, written_ms: now_ms, used_ms: now_ms, used: self.uses };
        self.rows += entry.rows();
        self.bytes += entry.bytes(&key);
        self.by_use.insert(self.uses, key.clone());
        self.entries.insert(key, entry);

        while self.rows > self.policy.max_rows {
            let Some((_, oldest)) = self.by_use.first_key_value() else { break };
            let oldest = oldest.clone();
            self.remove(&oldest);
        }
    }

    fn remove(&mut self, key: &[u8]) {
        if let Some(entry) = self.entries.remove(key) {
            self.by_use.remove(&entry.used);
            self.rows -= entry.rows();
            self.bytes -= entry.bytes(key);
        }
    }

    pub fn memory_bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use types::Interval;

    use super::*;

    const POLICY: CachePolicy = CachePolicy {
        max_rows: 3,
        expire_after_write: Some(Interval(100)),
        expire_after_access: Some(Interval(60)),
        missing_keys: true,
    };

    fn rows(count: usize) -> Partners {
        vec![Box::from(&b"row"[..]); count].into()
    }

    fn put(cache: &mut Cache, key: &str, count: usize, now_ms: i64) {
        cache.put(key.as_bytes().into(), rows(count), now_ms);
    }

    fn has(cache: &mut Cache, key: &str, now_ms: i64) -> bool {
        cache.get(key.as_bytes(), now_ms).is_some()
    }

    #[test]
    fn entries_expire_after_they_were_written_and_after_they_were_used() {
        let mut cache = Cache::new(POLICY);
        put(&mut cache, "a", 1, 0);
        put(&mut cache, "b", 1, 0);
        assert!(has(&mut cache, "a", 59) && !has(&mut cache, "b", 60), "`b` was not used for 60 ms");
        assert!(has(&mut cache, "a", 99) && !has(&mut cache, "a", 100), "`a` was written 100 ms ago");
        assert_eq!((cache.rows, cache.bytes, cache.by_use.len()), (0, 0, 0));
    }

    #[test]
    fn the_keys_that_were_not_used_for_longest_make_room() {
        let mut cache = Cache::new(POLICY);
        put(&mut cache, "a", 1, 0);
        put(&mut cache, "b", 1, 0);
        put(&mut cache, "c", 0, 0);
        assert!(has(&mut cache, "a", 1));
        put(&mut cache, "d", 2, 2);
        let kept: Vec<bool> = ["a", "b", "c", "d"].map(|key| has(&mut cache, key, 3)).into();
        assert_eq!(kept, [true, false, false, true]);
        put(&mut cache, "e", 4, 4);
        assert!(!has(&mut cache, "e", 4), "more rows than fit are not kept");
    }

    #[test]
    fn keys_without_rows_are_kept_if_asked_for() {
        let mut cache = Cache::new(CachePolicy { missing_keys: false, ..POLICY });
        put(&mut cache, "a", 0, 0);
        assert!(!has(&mut cache, "a", 1));
        let mut cache = Cache::new(POLICY);
        put(&mut cache, "a", 0, 0);
        assert_eq!(cache.get(b"a", 1).map(|rows| rows.len()), Some(0));
    }
}
