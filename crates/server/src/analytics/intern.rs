//! Texts shared by rows: each is stored once and named by a small number, its code.
//!
//! Only the beginning of a long text is stored, since a result may carry a megabyte of text and lives for 30
//! days. Two long texts with the same beginning still differ: a hash of the whole text follows the beginning,
//! and is never shown.
//!
//! ```text
//! short   how do I borrow a book
//! long    once upon a time … (16 KiB in all)…5d41402abc4b2a76b9719d911017c592
//!         └──────────── get ────────────────┘└──── XXH3-128 of the whole ───┘
//! ```
//!
//! A text is thus long exactly where more than [`TEXT_BYTES_MAX`] of it are stored.

use std::borrow::Cow;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashTable};

/// Code that stands for no text.
pub(crate) const NO_TEXT: u32 = u32::MAX;

/// Maximum of the stored and shown part of a text: some pages.
pub(crate) const TEXT_BYTES_MAX: usize = 16 << 10;
/// Marks the place where a text was cut.
const ELLIPSIS: &str = "…";
/// Length of the hash behind a cut text, in hexadecimal digits.
const HASH_BYTES: usize = 32;

/// Texts by code, all in one allocation.
#[derive(Default)]
pub(crate) struct Texts {
    joined: String,
    /// End of each text in `joined`.
    ends: Vec<usize>,
    codes: HashTable<u32>,
    hasher: RandomState,
}

impl Texts {
    /// Returns the text, or the beginning of a long text.
    pub(crate) fn get(&self, code: u32) -> &str {
        let held = self.held(code);
        if held.len() > TEXT_BYTES_MAX { &held[..held.len() - HASH_BYTES] } else { held }
    }

    /// Returns the stored bytes of a text.
    pub(crate) fn held_bytes(&self, code: u32) -> usize {
        self.held(code).len()
    }

    /// Adds a text to `to` and returns its code there.
    pub(crate) fn copy(&self, code: u32, to: &mut Texts) -> u32 {
        to.code_held(self.held(code))
    }

    fn held(&self, code: u32) -> &str {
        slice(&self.joined, &self.ends, code)
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.joined.capacity() + self.ends.capacity() * size_of::<usize>() + self.codes.allocation_size()
    }

    pub(crate) fn code(&mut self, text: &str) -> u32 {
        self.code_held(&bounded(text))
    }

    fn code_held(&mut self, text: &str) -> u32 {
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

/// Returns the stored form of a text.
fn bounded(text: &str) -> Cow<'_, str> {
    if text.len() <= TEXT_BYTES_MAX {
        return Cow::Borrowed(text);
    }
    let beginning = &text[..text.floor_char_boundary(TEXT_BYTES_MAX - ELLIPSIS.len())];
    let hash = xxhash_rust::xxh3::xxh3_128(text.as_bytes());
    Cow::Owned(format!("{beginning}{ELLIPSIS}{hash:0HASH_BYTES$x}"))
}

fn slice<'a>(joined: &'a str, ends: &[usize], code: u32) -> &'a str {
    let code = code as usize;
    let Some(&end) = ends.get(code) else { return "" };
    let start = if code == 0 { 0 } else { ends[code - 1] };
    &joined[start..end]
}

/// The groups of one analytic: pairs of text codes, numbered from 0 so that sums are found by index.
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

    /// Returns the text codes of all groups, repeated where groups share a text.
    pub(super) fn texts(&self) -> impl Iterator<Item = u32> {
        self.pairs.iter().flat_map(|(first, second)| [*first, *second])
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

    #[test]
    fn of_a_long_text_the_beginning_is_held_and_it_is_still_told_from_others() {
        let mut texts = Texts::default();
        let whole = "ê".repeat(TEXT_BYTES_MAX / 2);
        let long = [format!("{whole}."), format!("{whole}!"), "x".repeat(450_000)];
        let codes = long.each_ref().map(|text| texts.code(text));
        assert_eq!(codes, [0, 1, 2]);
        assert_eq!(codes, long.each_ref().map(|text| texts.code(text)));
        let code = texts.code(&whole);
        assert_eq!(texts.get(code), whole);

        let mut copied = Texts::default();
        for (code, text) in codes.into_iter().zip(&long) {
            let shown = texts.get(code).to_owned();
            assert!(shown.len() <= TEXT_BYTES_MAX && shown.len() > TEXT_BYTES_MAX - 8);
            assert!(text.starts_with(shown.strip_suffix(ELLIPSIS).expect("it is cut")));
            let copy = texts.copy(code, &mut copied);
            assert_eq!((copied.code(text), copied.get(copy)), (copy, &*shown));
            // The shown part of a long text is a text of its own.
            assert_ne!(texts.code(&shown), code);
        }
        assert!(texts.memory_bytes() < 16 * TEXT_BYTES_MAX);
    }
}
