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
//!
//! The texts stand in pages, so that a reader shares them with the writer ([`TextPages`]): a page is copied when a
//! text is added to it while a reader has it.

use std::borrow::Cow;
use std::hash::BuildHasher;
use std::sync::Arc;

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

/// Texts of a page. Few, so that the page that grows is copied fast while a reader holds it.
const PAGE_TEXTS: usize = 256;

/// Texts by code, and the code of each text.
#[derive(Default)]
pub(crate) struct Texts {
    pages: TextPages,
    codes: HashTable<u32>,
    hasher: RandomState,
}

/// Texts by code, in pages that clones share. Adding texts changes only the last page, so a clone costs as much
/// as a list of pages and keeps what it has.
#[derive(Clone, Default)]
pub(crate) struct TextPages {
    pages: Vec<Arc<Page>>,
    len: usize,
    /// Bytes of all texts.
    bytes: usize,
}

/// Up to [`PAGE_TEXTS`] texts in one allocation.
#[derive(Clone, Default)]
struct Page {
    joined: String,
    /// End of each text in `joined`.
    ends: Vec<u32>,
}

impl TextPages {
    /// Returns the text, or the beginning of a long text.
    pub(crate) fn get(&self, code: u32) -> &str {
        let held = self.held(code);
        if held.len() > TEXT_BYTES_MAX { &held[..held.len() - HASH_BYTES] } else { held }
    }

    fn held(&self, code: u32) -> &str {
        let code = code as usize;
        self.pages.get(code / PAGE_TEXTS).map_or("", |page| page.get(code % PAGE_TEXTS))
    }

    fn push(&mut self, text: &str) {
        let is_full = self.len.is_multiple_of(PAGE_TEXTS);
        if is_full {
            if let Some(last) = self.pages.last_mut() {
                let last = Arc::make_mut(last);
                last.joined.shrink_to_fit();
                last.ends.shrink_to_fit();
            }
            self.pages.push(Arc::default());
        }
        if let Some(last) = self.pages.last_mut() {
            let last = Arc::make_mut(last);
            last.joined.push_str(text);
            last.ends.push(last.joined.len() as u32);
        }
        self.len += 1;
        self.bytes += text.len();
    }

    /// Removes the last text.
    fn pop(&mut self) {
        let Some(last) = self.pages.last_mut() else { return };
        let last = Arc::make_mut(last);
        last.ends.pop();
        let end = last.ends.last().map_or(0, |end| *end as usize);
        self.bytes -= last.joined.len() - end;
        last.joined.truncate(end);
        if last.ends.is_empty() {
            self.pages.pop();
        }
        self.len -= 1;
    }

    fn memory_bytes(&self) -> usize {
        let pages = self.pages.capacity() * size_of::<Arc<Page>>()
            + self.pages.len() * (size_of::<Page>() + 2 * size_of::<usize>());
        pages + self.bytes + self.len * size_of::<u32>()
    }
}

impl Page {
    fn get(&self, at: usize) -> &str {
        let Some(&end) = self.ends.get(at) else { return "" };
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.joined[start as usize..end as usize]
    }
}

impl Texts {
    /// Returns the text, or the beginning of a long text.
    pub(crate) fn get(&self, code: u32) -> &str {
        self.pages.get(code)
    }

    /// Returns the texts for readers.
    pub(crate) fn pages(&self) -> &TextPages {
        &self.pages
    }

    /// Returns the number of texts, which is the code of the next new one.
    pub(crate) fn len(&self) -> usize {
        self.pages.len
    }

    /// Removes the texts that were added since there were `len`.
    pub(crate) fn truncate(&mut self, len: usize) {
        while self.pages.len > len {
            let code = (self.pages.len - 1) as u32;
            let hash = self.hasher.hash_one(self.pages.held(code));
            if let Ok(entry) = self.codes.find_entry(hash, |of| *of == code) {
                entry.remove();
            }
            self.pages.pop();
        }
    }

    /// Returns the stored bytes of a text.
    pub(crate) fn held_bytes(&self, code: u32) -> usize {
        self.pages.held(code).len()
    }

    /// Adds a text to `to` and returns its code there.
    pub(crate) fn copy(&self, code: u32, to: &mut Texts) -> u32 {
        to.code_held(self.pages.held(code))
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.pages.memory_bytes() + self.codes.allocation_size()
    }

    pub(crate) fn code(&mut self, text: &str) -> u32 {
        self.code_held(&bounded(text))
    }

    fn code_held(&mut self, text: &str) -> u32 {
        let hash = self.hasher.hash_one(text);
        let (pages, hasher) = (&mut self.pages, &self.hasher);
        if let Some(code) = self.codes.find(hash, |code| pages.held(*code) == text) {
            return *code;
        }
        let code = pages.len as u32;
        self.codes.insert_unique(hash, code, |code| hasher.hash_one(pages.held(*code)));
        pages.push(text);
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
        assert_eq!(texts.len(), 1_000);
        assert_eq!(texts.get(NO_TEXT), "");
    }

    #[test]
    fn a_reader_keeps_its_texts_while_others_are_added_and_taken_back() {
        let mut texts = Texts::default();
        let words: Vec<String> = (0..PAGE_TEXTS + 40).map(|n| format!("{n}é")).collect();
        for word in &words {
            texts.code(word);
        }
        let (read, bytes) = (texts.pages().clone(), texts.memory_bytes());

        let more: Vec<u32> = (0..2 * PAGE_TEXTS).map(|n| texts.code(&format!("more {n}"))).collect();
        assert_eq!(read.get(more[0]), "");
        texts.truncate(words.len());
        assert!((0..).zip(&words).all(|(code, word)| read.get(code) == word && texts.get(code) == word));
        assert_eq!((texts.len(), texts.get(more[0])), (words.len(), ""));

        // The code of a text that was taken back belongs to the next new one.
        assert_eq!((texts.code("another"), texts.code("more 0")), (more[0], more[1]));
        texts.truncate(words.len());
        assert!(texts.memory_bytes() < bytes * 4, "{} of {bytes}", texts.memory_bytes());
        assert_eq!(read.get(0), "0é");
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
