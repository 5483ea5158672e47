//! Texts shared by rows: each is held once and named by a small number.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashTable};

/// The code of no text.
pub(crate) const NO_TEXT: u32 = u32::MAX;

/// Texts by code, all in one piece of memory.
#[derive(Default)]
pub(crate) struct Texts {
    joined: String,
    /// Where each text ends in `joined`.
    ends: Vec<usize>,
    codes: HashTable<u32>,
    hasher: RandomState,
}

impl Texts {
    pub(crate) fn get(&self, code: u32) -> &str {
        slice(&self.joined, &self.ends, code)
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.joined.capacity() + self.ends.capacity() * size_of::<usize>() + self.codes.allocation_size()
    }

    pub(crate) fn code(&mut self, text: &str) -> u32 {
        let hash = self.hasher.hash_one(text);
        let (joined, ends, hasher) = (&self.joined, &self.ends, &self.hasher);
        if let Some(code) = self.codes.find(hash, |code| slice(joined, ends, *code) == text) {
            return *code;
        }
        let code = self.ends.len() as u32;
        self.codes.insert_unique(hash, code, |code| hasher.hash_one(slice(joined, ends, *code)));
        self.joined.push_str(text);
        self.ends.push(self.joined.len());
        code
    }
}

fn slice<'a>(joined: &'a str, ends: &[usize], code: u32) -> &'a str {
    let code = code as usize;
    let Some(&end) = ends.get(code) else { return "" };
    let start = if code == 0 { 0 } else { ends[code - 1] };
    &joined[start..end]
}

/// The groups of one analytic: pairs of text codes, named by small numbers so that sums are found by index.
#[derive(Default)]
pub(crate) struct Groups {
    pairs: Vec<(u32, u32)>,
    codes: HashMap<(u32, u32), u32, RandomState>,
}

impl Groups {
    pub(crate) fn get(&self, group: u32) -> (u32, u32) {
        self.pairs[group as usize]
    }

    pub(crate) fn code(&mut self, pair: (u32, u32)) -> u32 {
        *self.codes.entry(pair).or_insert_with(|| {
            self.pairs.push(pair);
            self.pairs.len() as u32 - 1
        })
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.pairs.capacity() * size_of::<(u32, u32)>() + self.codes.allocation_size()
    }

    pub(crate) fn len(&self) -> usize {
        self.pairs.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_code_and_comes_back() {
        let mut texts = Texts::default();
        let words: Vec<String> = (0..1_000).map(|n| "é".repeat(n % 7) + &n.to_string()).collect();
        let codes: Vec<u32> = words.iter().map(|word| texts.code(word)).collect();
        assert_eq!(codes, words.iter().map(|word| texts.code(word)).collect::<Vec<_>>());
        assert!(words.iter().zip(codes).all(|(word, code)| texts.get(code) == word));
        assert_eq!(texts.ends.len(), 1_000);
        assert_eq!(texts.get(NO_TEXT), "");
    }
}
