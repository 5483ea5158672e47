//! Dictionaries of whole numbers: numbers as small integers.

use foldhash::fast::RandomState;

use super::{NULL_CODE, Remap};

/// Distinct whole numbers and their codes, like [`Dictionary`](super::Dictionary) for texts: direct for small
/// numbers, hashed otherwise.
#[derive(Debug, Clone)]
pub struct IntDictionary {
    direct: Vec<u32>,
    sparse: hashbrown::HashMap<i64, u32, RandomState>,
    values: Vec<i64>,
}

/// Numbers below this are looked up by index.
const DIRECT_LIMIT: i64 = 1 << 20;

impl Default for IntDictionary {
    fn default() -> IntDictionary {
        IntDictionary::new()
    }
}

impl IntDictionary {
    pub fn new() -> IntDictionary {
        IntDictionary { direct: Vec::new(), sparse: hashbrown::HashMap::default(), values: vec![0] }
    }

    /// Returns a bound above every code.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 1
    }

    pub fn memory_bytes(&self) -> usize {
        self.direct.capacity() * 4 + self.sparse.allocation_size() + self.values.capacity() * 8
    }

    /// Returns the number of a code, which must not be null.
    #[inline]
    pub fn value(&self, code: u32) -> i64 {
        self.values[code as usize]
    }

    /// Returns the code of a number, which is created if the number is new.
    #[inline]
    pub fn code(&mut self, value: i64) -> u32 {
        match self.direct.get(value as usize) {
            Some(&code) if code != NULL_CODE => code,
            _ => self.lookup(value),
        }
    }

    /// Keeps only the live codes, as [`Dictionary::retain`](super::Dictionary::retain) does.
    pub fn retain(&mut self, live: &[bool]) -> Remap {
        let old = std::mem::take(self);
        let mut remap = vec![NULL_CODE; old.len()];
        for (code, to) in remap.iter_mut().enumerate().skip(1) {
            if live.get(code).copied().unwrap_or(false) {
                *to = self.code(old.values[code]);
            }
        }
        remap
    }

    #[inline(never)]
    fn lookup(&mut self, value: i64) -> u32 {
        let next = self.values.len() as u32;
        if (0..DIRECT_LIMIT).contains(&value) {
            let index = value as usize;
            if index >= self.direct.len() {
                self.direct.resize((index + 1).next_power_of_two(), NULL_CODE);
            }
            self.direct[index] = next;
            self.values.push(value);
            return next;
        }
        let code = *self.sparse.entry(value).or_insert(next);
        if code == next {
            self.values.push(value);
        }
        code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_size_have_codes() {
        let mut dictionary = IntDictionary::new();
        let numbers = [0, 5, -1, i64::MAX, i64::MIN, 1 << 20, 5];
        let codes: Vec<u32> = numbers.iter().map(|&n| dictionary.code(n)).collect();
        assert_eq!(codes, [1, 2, 3, 4, 5, 6, 2]);
        for (&number, &code) in numbers.iter().zip(&codes) {
            assert_eq!(dictionary.value(code), number);
        }
        assert_eq!(dictionary.retain(&[false, false, true, false, true]), [0, 0, 1, 0, 2, 0, 0]);
        assert_eq!((dictionary.value(1), dictionary.value(2)), (5, i64::MAX));
    }
}
