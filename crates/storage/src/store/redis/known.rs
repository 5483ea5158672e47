//! The keys that this process knows of, as hashes: what is not among them was written by someone else.

use std::collections::HashSet;

/// Grows with every key that is written, and is made anew from a look through all keys.
#[derive(Debug, Default)]
pub(super) struct Known {
    all: HashSet<u64>,
    /// What was added since a look began.
    since: Option<HashSet<u64>>,
    /// How many there were after the last look.
    settled: usize,
}

/// More keys than after the last look, without another one, at most.
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

    pub fn holds(&self, key: u64) -> bool {
        self.all.contains(&key)
    }

    /// A look through all keys begins.
    pub fn begin(&mut self) {
        self.since = Some(HashSet::new());
    }

    /// It has found these: with what was added meanwhile they are all there are.
    pub fn end(&mut self, found: HashSet<u64>) {
        self.all = found;
        self.all.extend(self.since.take().unwrap_or_default());
        self.settled = self.all.len();
    }

    /// Whether so much was added that keys which are gone may be most of it.
    pub fn is_grown(&self) -> bool {
        self.all.len() > self.settled * 2 + GROWTH
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_forgets_what_is_gone_and_nothing_that_came_meanwhile() {
        let mut known = Known::default();
        known.add([1, 2].into_iter());
        known.begin();
        known.add([3].into_iter());
        assert!(known.holds(1) && known.holds(3));
        known.end(HashSet::from([2]));
        assert_eq!([1, 2, 3].map(|key| known.holds(key)), [false, true, true]);
    }
}
