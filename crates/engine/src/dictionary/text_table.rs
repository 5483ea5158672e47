//! The hash table of a dictionary of texts.

use super::NULL_CODE;

/// An open-addressing table from bytes to codes. A slot holds the upper half of the hash, which also says
/// where its search begins, and the entry's index; 0 is empty. So the table grows without reading its texts.
#[derive(Debug, Clone)]
pub(super) struct TextTable {
    pub(super) slots: Vec<u64>,
    mask: usize,
    pub(super) entries: Vec<TextEntry>,
    pub(super) data: Vec<u8>,
}

/// A text, which is a range of the bytes of the table, and its code.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextEntry {
    pub(super) start: u64,
    len: u32,
    code: u32,
}

impl TextTable {
    pub(super) fn new() -> TextTable {
        const SLOTS: usize = 64;
        TextTable {
            slots: vec![0; SLOTS],
            mask: SLOTS - 1,
            entries: vec![TextEntry { start: 0, len: 0, code: NULL_CODE }],
            data: Vec::new(),
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.slots.capacity() * 8 + self.entries.capacity() * size_of::<TextEntry>() + self.data.capacity()
    }

    #[inline]
    pub(super) fn text(&self, index: u32) -> &[u8] {
        let entry = self.entries[index as usize];
        &self.data[entry.start as usize..][..entry.len as usize]
    }

    /// Returns the first slot of a hash.
    #[inline]
    pub(super) fn home(&self, hash: u64) -> usize {
        (hash >> 32) as usize & self.mask
    }

    /// Returns the code of a text, or the slot where it belongs.
    #[inline]
    pub(super) fn find(&self, hash: u64, text: &[u8]) -> Result<u32, usize> {
        let (tag, mut slot) = (hash >> 32, self.home(hash));
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

    /// Returns the entry in the first slot of a hash, which is mostly the matching one; 0 if there is none.
    #[inline]
    pub(super) fn guess(&self, hash: u64) -> usize {
        self.slots[self.home(hash)] as u32 as usize
    }

    pub(super) fn insert(&mut self, hash: u64, slot: usize, text: &[u8], code: u32) {
        let index = self.entries.len() as u64;
        self.entries.push(TextEntry { start: self.data.len() as u64, len: text.len() as u32, code });
        self.data.extend_from_slice(text);
        self.slots[slot] = (hash >> 32) << 32 | index;
        if self.entries.len() * 2 > self.slots.len() {
            self.grow();
        }
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let slots = written_zeros(size);
        let old = std::mem::replace(&mut self.slots, slots);
        self.mask = size - 1;

        for taken in old.into_iter().filter(|&slot| slot != 0) {
            let mut slot = self.home(taken);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & self.mask;
            }
            self.slots[slot] = taken;
        }
    }
}

/// Returns zeros that are written one by one. Memory that the system has zeroed is read before it is written, and so faults
/// twice per page; the second time, all other threads have to forget the page.
#[expect(clippy::slow_vector_initialization, reason = "the faults cost more than writing zeros")]
fn written_zeros(size: usize) -> Vec<u64> {
    let mut zeros = Vec::with_capacity(size);
    zeros.resize(size, 0);
    zeros
}
