//! The keys that this process knows of: a key that is not among them was written by somebody else.
//!
//! A key is known by its 64-bit hash. Every key that is written is added; keys that expire are not removed one by one.
//! Instead the set is made anew from each scan of all keys, between [`Known::begin`] and [`Known::end`]. Keys that are
//! added while the scan runs stay known, since the scan may have passed their place.

use std::collections::HashSet;

/// Hashes of keys.
#[derive(Debug, Default)]
pub(super) struct Known {
    all: HashSet<u64>,
    /// Keys added since a scan began.
    since: Option<HashSet<u64>>,
    /// How many keys there were after the last scan.
    settled: usize,
}

/// How many keys may be added without another scan, beside twice as many as after the last one.
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

    /// Keys that are gone: whoever writes them again is somebody else.
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

    /// A scan of all keys begins.
    pub fn begin(&mut self) {
        self.since = Some(HashSet::new());
    }

    /// The scan has found these keys. Those that were added meanwhile stay known.
    pub fn end(&mut self, found: HashSet<u64>) {
        self.all = found;
        self.all.extend(self.since.take().unwrap_or_default());
        self.settled = self.all.len();
    }

    /// Whether so many keys were added that most of the set may be gone from Redis.
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
