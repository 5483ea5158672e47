//! Dictionaries: texts as small integers, so that everything after decoding works on codes.
//!
//! Code 0 is null. Codes are dense and in order of first occurrence; they are valid only together with their
//! dictionary, never outside the subtask that owns it. Hashes are seeded per process, so that nobody can
//! choose texts that collide. A dictionary grows until its owner calls [`Dictionary::retain`].
//!
//! A second table maps texts as they appeared in JSON, including escapes, to the same codes: an escaped text
//! is unescaped once.

mod numbers;
mod text_table;

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::RandomState;

use self::text_table::TextTable;
use crate::aggregate::keys::prefetch;
use crate::column::View;

pub use self::numbers::IntDictionary;

/// The code of null in every dictionary.
pub const NULL_CODE: u32 = 0;

/// Distinct texts and their codes.
#[derive(Debug)]
pub struct Dictionary {
    /// Identifies the meaning of its codes; no other dictionary has the same number.
    id: u64,
    hasher: RandomState,
    plain: TextTable,
    escaped: TextTable,
    scratch: Vec<u8>,
}

/// The text is not UTF-8, or an escape in it is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidText;

/// The new codes after a dictionary was compacted: index = old code; dropped codes became 0.
pub type Remap = Vec<u32>;

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

impl Clone for Dictionary {
    /// Returns a copy with the same codes but another id, since it may assign other codes to new texts.
    fn clone(&self) -> Dictionary {
        Dictionary {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            hasher: self.hasher.clone(),
            plain: self.plain.clone(),
            escaped: self.escaped.clone(),
            scratch: Vec::new(),
        }
    }
}

impl Default for Dictionary {
    fn default() -> Dictionary {
        Dictionary::new()
    }
}

impl Dictionary {
    pub fn new() -> Dictionary {
        Dictionary {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            hasher: RandomState::default(),
            plain: TextTable::new(),
            escaped: TextTable::new(),
            scratch: Vec::new(),
        }
    }

    /// Returns a number that tells whether earlier translations of codes are still valid: it changes with
    /// [`Dictionary::retain`], and differs in every other dictionary.
    #[inline]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Returns the number of codes in use, including null: a bound above every code.
    pub fn len(&self) -> usize {
        self.plain.entries.len()
    }

    /// Returns whether no text was ever interned.
    pub fn is_empty(&self) -> bool {
        self.len() == 1
    }

    /// Returns the approximate bytes held.
    pub fn memory_bytes(&self) -> usize {
        self.plain.memory_bytes() + self.escaped.memory_bytes()
    }

    /// Returns the bytes of a code's text. The code must not be null.
    #[inline]
    pub fn bytes(&self, code: u32) -> &[u8] {
        debug_assert!(code != NULL_CODE);
        self.plain.text(code)
    }

    /// Returns the text of a code; `""` for null.
    #[inline]
    pub fn text(&self, code: u32) -> &str {
        // SAFETY: `code` checks every text it interns.
        unsafe { std::str::from_utf8_unchecked(self.plain.text(code)) }
    }

    /// Returns the code of a text, which is created if the text is new. Fails if the text is not UTF-8.
    #[inline]
    pub fn code(&mut self, text: &[u8]) -> Result<u32, InvalidText> {
        let hash = self.hash(text);
        match self.plain.find(hash, text) {
            Ok(code) => Ok(code),
            Err(slot) => self.insert(hash, slot, text),
        }
    }

    /// Returns the code of a text known to be UTF-8.
    #[inline]
    pub fn code_str(&mut self, text: &str) -> u32 {
        self.code(text.as_bytes()).expect("a str is UTF-8")
    }

    /// Returns the codes of many texts: as [`Dictionary::code`] for each view that is present, but memory for
    /// one text is fetched while others are processed. `invalid` gets the places of texts that are not UTF-8.
    pub fn codes(&mut self, views: &[View], data: &[u8], codes: &mut [u32], invalid: &mut dyn FnMut(usize)) {
        const BLOCK: usize = 32;
        let mut hashes = [0; BLOCK];

        for (block, views) in views.chunks(BLOCK).enumerate() {
            // Each pass reads the addresses that the previous pass prefetched for the whole block.
            for (view, hash) in views.iter().zip(&mut hashes) {
                if let Some(text) = view.of(data) {
                    *hash = self.hash(text);
                    prefetch(&self.plain.slots, self.plain.home(*hash));
                }
            }

            for hash in &hashes[..views.len()] {
                prefetch(&self.plain.entries, self.plain.guess(*hash));
            }

            for hash in &hashes[..views.len()] {
                let start = self.plain.entries[self.plain.guess(*hash)].start as usize;
                prefetch(&self.plain.data, start);
                prefetch(&self.plain.data, start + 63);
            }

            for (at, (view, &hash)) in views.iter().zip(&hashes).enumerate() {
                let Some(text) = view.of(data) else { continue };
                let row = block * BLOCK + at;
                let code = match self.plain.find(hash, text) {
                    Ok(code) => Ok(code),
                    Err(slot) => self.insert(hash, slot, text),
                };
                match code {
                    Ok(code) => codes[row] = code,
                    Err(InvalidText) => invalid(row),
                }
            }
        }
    }

    /// Returns the code of the text that `raw`, the inside of a JSON string with at least one escape,
    /// represents. `unescape` appends the text to its second argument, or fails.
    pub fn code_escaped(
        &mut self,
        raw: &[u8],
        unescape: impl FnOnce(&[u8], &mut Vec<u8>) -> Result<(), InvalidText>,
    ) -> Result<u32, InvalidText> {
        let hash = self.hash(raw);
        let slot = match self.escaped.find(hash, raw) {
            Ok(code) => return Ok(code),
            Err(slot) => slot,
        };
        let mut text = std::mem::take(&mut self.scratch);
        text.clear();
        let code = unescape(raw, &mut text).and_then(|()| self.code(&text));
        self.scratch = text;
        let code = code?;
        self.escaped.insert(hash, slot, raw, code);
        Ok(code)
    }

    /// Keeps only the codes for which `live` is true (index = code; missing = dead) and renumbers them
    /// densely, in order.
    pub fn retain(&mut self, live: &[bool]) -> Remap {
        let old = std::mem::take(self);
        let mut remap = vec![NULL_CODE; old.len()];
        for (code, to) in remap.iter_mut().enumerate().skip(1) {
            if live.get(code).copied().unwrap_or(false) {
                *to = self.code_str(old.text(code as u32));
            }
        }
        remap
    }

    #[inline]
    fn hash(&self, text: &[u8]) -> u64 {
        let mut state = self.hasher.build_hasher();
        state.write(text);
        state.finish()
    }

    #[cold]
    #[inline(never)]
    fn insert(&mut self, hash: u64, slot: usize, text: &[u8]) -> Result<u32, InvalidText> {
        simdutf8::basic::from_utf8(text).map_err(|_| InvalidText)?;
        let code = self.plain.entries.len() as u32;
        self.plain.insert(hash, slot, text, code);
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_code_while_the_table_grows() {
        let mut dictionary = Dictionary::new();
        let codes: Vec<u32> = (0..1000).map(|i| dictionary.code_str(&format!("text {i}"))).collect();
        for (i, &code) in codes.iter().enumerate() {
            assert_eq!(dictionary.code_str(&format!("text {i}")), code);
            assert_eq!(dictionary.text(code), format!("text {i}"));
        }
        assert_eq!(dictionary.len(), 1001);
        assert_ne!(dictionary.code_str(""), NULL_CODE);
    }

    #[test]
    fn text_that_is_not_utf8_gets_no_code() {
        let mut dictionary = Dictionary::new();
        assert_eq!(dictionary.code(b"\xff"), Err(InvalidText));
        assert!(dictionary.is_empty());
    }

    #[test]
    fn an_escaped_text_and_its_plain_form_share_a_code_but_not_their_tables() {
        let mut dictionary = Dictionary::new();
        let unescape = |_: &[u8], out: &mut Vec<u8>| {
            out.extend_from_slice("A".as_bytes());
            Ok(())
        };
        let escaped = dictionary.code_escaped(br"\u0041", unescape).unwrap();
        assert_eq!(dictionary.code_str("A"), escaped);
        assert_ne!(dictionary.code_str(r"\u0041"), escaped);
        assert_eq!(dictionary.code_escaped(br"\u0041", |_, _| panic!("unescaped twice")), Ok(escaped));
    }

    #[test]
    fn compaction_keeps_live_texts_and_tells_where_they_went() {
        let mut dictionary = Dictionary::new();
        for text in ["a", "b", "c"] {
            dictionary.code_str(text);
        }
        let remap = dictionary.retain(&[false, true, false, true]);
        assert_eq!(remap, [0, 1, 0, 2]);
        assert_eq!((dictionary.text(1), dictionary.text(2), dictionary.len()), ("a", "c", 3));
    }
}
