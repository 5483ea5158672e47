//! The keys that this process has written or seen. Another writer has written any key that is not among them.
//!
//! The set holds 64-bit hashes of keys. Every written key is added; expired keys are not removed one by one.
//! Instead each scan of all keys builds the set anew, between [`Known::begin`] and [`Known::end`]. Keys that
//! are added during the scan stay known, since the scan may have passed their place.

use std::collections::HashSet;

/// A set of hashes of keys.
#[derive(Debug, Default)]
pub(super) struct Known {
    all: HashSet<u64>,
    /// Keys added since the current scan began.
    since: Option<HashSet<u64>>,
    /// Number of keys after the last scan.
    settled: usize,
}

/// Keys that may be added without another scan, beyond twice the number after the last scan.
const GROWTH: usize = 1 << 20;

impl Known {
    pub fn add(&mut self, keys: impl Iterator<Item = u64>) {
        match &mut self.since {
            None => self.all.extend(keys),
            Some(since) => {
                let all = &mut self.all;
                since.extend(keys.inspect(|key| {
                    all.insert(*key);
                }));
            }
        }
    }

    /// Removes deleted keys, so that a later write by another writer is noticed.
    pub fn remove(&mut self, keys: impl Iterator<Item = u64>) {
        for key in keys {
            self.all.remove(&key);
            if let Some(since) = &mut self.since {
                since.remove(&key);
            }
        }
    }

    pub fn holds(&self, key: u64) -> bool {
        self.all.contains(&key)
    }

    /// Begins a scan of all keys.
    pub fn begin(&mut self) {
        self.since = Some(HashSet::new());
    }

    /// Ends the scan with the keys that it found. Keys that were added meanwhile stay known.
    pub fn end(&mut self, found: HashSet<u64>) {
        self.all = found;
        self.all.extend(self.since.take().unwrap_or_default());
        self.settled = self.all.len();
    }

    /// Returns whether so many keys were added that most of the set may be gone from Redis.
    pub fn is_grown(&self) -> bool {
        self.all.len() > self.settled * 2 + GROWTH
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_forgets_keys_that_are_gone_and_none_that_came_meanwhile() {
        let mut known = Known::default();
        known.add([1, 2].into_iter());
        known.begin();
        known.add([3].into_iter());
        assert!(known.holds(1) && known.holds(3));
        known.end(HashSet::from([2]));
        assert_eq!([1, 2, 3].map(|key| known.holds(key)), [false, true, true]);
        known.remove([2].into_iter());
        assert_eq!([2, 3].map(|key| known.holds(key)), [false, true]);
    }
}
