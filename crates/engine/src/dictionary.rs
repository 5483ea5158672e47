//! Dictionaries: texts as small integers, so that everything after decoding works on codes.
//!
//! Code 0 is null. Codes are dense and in order of first sight; they mean something only together with their
//! dictionary, never outside of the subtask that owns it. Hashes are seeded per process, so that nobody can choose
//! texts that collide. A dictionary grows until its owner calls [`Dictionary::retain`].
//!
//! A second table maps texts as they stood in JSON, escapes and all, to the same codes: an escaped text is unescaped
//! once in its life.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;

use crate::aggregate::keys::prefetch;
use crate::column::View;

/// The code of null in every dictionary.
pub const NULL_CODE: u32 = 0;

/// Distinct texts and their codes.
#[derive(Debug, Clone)]
pub struct Dictionary {
    hasher: RandomState,
    plain: Table,
    escaped: Table,
    scratch: Vec<u8>,
}

/// The text is not UTF-8, or an escape in it is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidText;

/// Where the codes of a dictionary went when it was compacted: index = old code; dropped codes became 0.
pub type Remap = Vec<u32>;

impl Default for Dictionary {
    fn default() -> Dictionary {
        Dictionary::new()
    }
}

impl Dictionary {
    pub fn new() -> Dictionary {
        Dictionary {
            hasher: RandomState::default(),
            plain: Table::new(),
            escaped: Table::new(),
            scratch: Vec::new(),
        }
    }

    /// The number of codes in use, null included: every code is below it.
    pub fn len(&self) -> usize {
        self.plain.entries.len()
    }

    /// Whether no text was ever interned.
    pub fn is_empty(&self) -> bool {
        self.len() == 1
    }

    /// Bytes held, roughly.
    pub fn memory_bytes(&self) -> usize {
        self.plain.memory_bytes() + self.escaped.memory_bytes()
    }

    /// The text of a code, null excluded.
    #[inline]
    pub fn bytes(&self, code: u32) -> &[u8] {
        debug_assert!(code != NULL_CODE);
        self.plain.text(code)
    }

    /// The text of a code; `""` for null.
    #[inline]
    pub fn text(&self, code: u32) -> &str {
        // SAFETY: `code` checks every text it interns.
        unsafe { std::str::from_utf8_unchecked(self.plain.text(code)) }
    }

    /// The code of a text, new if it was never seen. Fails if it is not UTF-8.
    #[inline]
    pub fn code(&mut self, text: &[u8]) -> Result<u32, InvalidText> {
        let hash = self.hash(text);
        match self.plain.find(hash, text) {
            Ok(code) => Ok(code),
            Err(slot) => self.insert(hash, slot, text),
        }
    }

    /// The code of a text known to be UTF-8.
    #[inline]
    pub fn code_str(&mut self, text: &str) -> u32 {
        self.code(text.as_bytes()).expect("a str is UTF-8")
    }

    /// The codes of many texts: as [`Dictionary::code`] for each view that is there, but what has to come from memory
    /// for one text is fetched while others are looked at. `invalid` gets the places of texts that are not UTF-8.
    pub fn codes(&mut self, views: &[View], data: &[u8], codes: &mut [u32], invalid: &mut dyn FnMut(usize)) {
        const BLOCK: usize = 32;
        let mut hashes = [0; BLOCK];
        for (block, views) in views.chunks(BLOCK).enumerate() {
            for (view, hash) in views.iter().zip(&mut hashes) {
                if let Some(text) = view.of(data) {
                    *hash = self.hash(text);
                    prefetch(&self.plain.slots, *hash as usize & self.plain.mask);
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

    /// The code of the text that `raw`, the inside of a JSON string with at least one escape, stands for. `unescape`
    /// appends the text to its second argument, or fails.
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
        let hasher = &self.hasher;
        self.escaped.insert(hash, slot, raw, code, |bytes| hash_with(hasher, bytes));
        Ok(code)
    }

    /// Keeps only the codes for which `live` is true (index = code; missing = dead) and renumbers them densely, in
    /// order.
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
        hash_with(&self.hasher, text)
    }

    #[cold]
    #[inline(never)]
    fn insert(&mut self, hash: u64, slot: usize, text: &[u8]) -> Result<u32, InvalidText> {
        simdutf8::basic::from_utf8(text).map_err(|_| InvalidText)?;
        let code = self.plain.entries.len() as u32;
        let hasher = &self.hasher;
        self.plain.insert(hash, slot, text, code, |bytes| hash_with(hasher, bytes));
        Ok(code)
    }
}

#[inline]
fn hash_with(hasher: &RandomState, text: &[u8]) -> u64 {
    let mut state = hasher.build_hasher();
    state.write(text);
    state.finish()
}

/// Open addressing from bytes to codes. A slot holds the upper half of the hash and the entry's index; 0 is empty.
#[derive(Debug, Clone)]
struct Table {
    slots: Vec<u64>,
    mask: usize,
    entries: Vec<Entry>,
    data: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    start: u64,
    len: u32,
    code: u32,
}

impl Table {
    fn new() -> Table {
        const SLOTS: usize = 64;
        Table {
            slots: vec![0; SLOTS],
            mask: SLOTS - 1,
            entries: vec![Entry { start: 0, len: 0, code: NULL_CODE }],
            data: Vec::new(),
        }
    }

    fn memory_bytes(&self) -> usize {
        self.slots.capacity() * 8 + self.entries.capacity() * size_of::<Entry>() + self.data.capacity()
    }

    #[inline]
    fn text(&self, index: u32) -> &[u8] {
        let entry = self.entries[index as usize];
        &self.data[entry.start as usize..][..entry.len as usize]
    }

    /// The code of a text, or the slot where it belongs.
    #[inline]
    fn find(&self, hash: u64, text: &[u8]) -> Result<u32, usize> {
        let mut slot = hash as usize & self.mask;
        let tag = hash >> 32;
        loop {
            let found = self.slots[slot];
            if found == 0 {
                return Err(slot);
            }
            if found >> 32 == tag {
                let entry = &self.entries[found as u32 as usize];
                if entry.len as usize == text.len()
                    && &self.data[entry.start as usize..][..entry.len as usize] == text
                {
                    return Ok(entry.code);
                }
            }
            slot = (slot + 1) & self.mask;
        }
    }

    /// The entry in the first slot of a hash, which is mostly the one that is looked for; 0 if there is none.
    #[inline]
    fn guess(&self, hash: u64) -> usize {
        self.slots[hash as usize & self.mask] as u32 as usize
    }

    fn insert(&mut self, hash: u64, slot: usize, text: &[u8], code: u32, rehash: impl Fn(&[u8]) -> u64) {
        let index = self.entries.len() as u64;
        self.entries.push(Entry { start: self.data.len() as u64, len: text.len() as u32, code });
        self.data.extend_from_slice(text);
        self.slots[slot] = (hash >> 32) << 32 | index;
        if self.entries.len() * 2 > self.slots.len() {
            self.grow(rehash);
        }
    }

    fn grow(&mut self, rehash: impl Fn(&[u8]) -> u64) {
        let size = self.slots.len() * 2;
        self.slots = vec![0; size];
        self.mask = size - 1;
        for index in 1..self.entries.len() {
            let hash = rehash(self.text(index as u32));
            let mut slot = hash as usize & self.mask;
            while self.slots[slot] != 0 {
                slot = (slot + 1) & self.mask;
            }
            self.slots[slot] = (hash >> 32) << 32 | index as u64;
        }
    }
}

/// Distinct whole numbers and their codes, like [`Dictionary`] for texts: direct for small ones, hashed otherwise.
#[derive(Debug, Clone)]
pub struct IntDictionary {
    direct: Vec<u32>,
    sparse: hashbrown::HashMap<i64, u32, RandomState>,
    values: Vec<i64>,
}

/// Numbers below it are looked up by index.
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

    /// Every code is below it.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 1
    }

    pub fn memory_bytes(&self) -> usize {
        self.direct.capacity() * 4 + self.sparse.capacity() * 16 + self.values.capacity() * 8
    }

    /// The number of a code, null excluded.
    #[inline]
    pub fn value(&self, code: u32) -> i64 {
        self.values[code as usize]
    }

    /// The code of a number, new if it was never seen.
    #[inline]
    pub fn code(&mut self, value: i64) -> u32 {
        match self.direct.get(value as usize) {
            Some(&code) if code != NULL_CODE => code,
            _ => self.lookup(value),
        }
    }

    /// Keeps only the live codes, as [`Dictionary::retain`] does.
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
