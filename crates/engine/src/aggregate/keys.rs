//! Group keys: maps one or two codes to a dense group number.
//!
//! While few groups are possible the codes themselves are the number, packed side by side ("direct");
//! otherwise an open-addressing table maps the packed key. More than two keys are combined into pairs before,
//! so that at most two arrive here.

use crate::selection::Selection;

/// The codes of a group, side by side: the first key in the lower half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackedKey(pub u64);

impl PackedKey {
    pub fn new(first: u32, second: u32) -> PackedKey {
        PackedKey(first as u64 | (second as u64) << 32)
    }

    pub fn first(self) -> u32 {
        self.0 as u32
    }

    pub fn second(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// Direct tables have at most this many groups.
const DIRECT_LIMIT: u64 = 4096;

/// The key columns of a batch: 0, 1 or 2 code columns.
#[derive(Debug, Clone, Copy)]
pub enum KeyColumns<'a> {
    None,
    One(&'a [u32]),
    Two(&'a [u32], &'a [u32]),
}

/// Maps packed keys to group numbers.
#[derive(Debug, Clone)]
pub enum KeyIndex {
    /// The group number is `second << bits | first`; all groups up to the capacity exist from the start.
    Direct {
        bits: u32,
        second_bits: u32,
    },
    Hashed(HashedKeys),
}

#[derive(Debug, Clone)]
pub struct HashedKeys {
    slots: Vec<(u64, u32)>,
    mask: usize,
    /// The key of each group.
    keys: Vec<PackedKey>,
    seed: u64,
}

const EMPTY: u64 = u64::MAX;

impl KeyIndex {
    /// Creates an index for keys whose codes are at present below `first` and `second` (1 if there is no such
    /// key). It is direct if there is room for some growth.
    pub fn new(first: usize, second: usize, seed: u64) -> KeyIndex {
        let bits = |codes: usize| {
            if codes <= 1 { 0 } else { (codes * 2).next_power_of_two().trailing_zeros().max(3) }
        };
        let (a, b) = (bits(first), bits(second));
        if 1u64 << (a + b).min(63) <= DIRECT_LIMIT {
            KeyIndex::Direct { bits: a, second_bits: b }
        } else {
            KeyIndex::hashed(seed)
        }
    }

    /// Creates an index whose size is proportional to its content, however many keys are possible.
    pub fn hashed(seed: u64) -> KeyIndex {
        KeyIndex::Hashed(HashedKeys::new(seed))
    }

    /// Returns whether codes below these fit: always for a hashed index.
    pub fn fits(&self, first: usize, second: usize) -> bool {
        match self {
            KeyIndex::Direct { bits, second_bits } => first <= 1 << bits && second <= 1 << second_bits,
            KeyIndex::Hashed(_) => true,
        }
    }

    pub fn is_direct(&self) -> bool {
        matches!(self, KeyIndex::Direct { .. })
    }

    /// Returns a bound above every group number.
    pub fn capacity(&self) -> usize {
        match self {
            KeyIndex::Direct { bits, second_bits } => 1 << (bits + second_bits),
            KeyIndex::Hashed(hashed) => hashed.keys.len(),
        }
    }

    pub fn key(&self, group: u32) -> PackedKey {
        match self {
            KeyIndex::Direct { bits, .. } => PackedKey::new(group & ((1 << bits) - 1), group >> bits),
            KeyIndex::Hashed(hashed) => hashed.keys[group as usize],
        }
    }

    /// Returns the group of a key; a hashed index creates it if the key is new.
    #[inline]
    pub fn group(&mut self, key: PackedKey) -> u32 {
        match self {
            KeyIndex::Direct { bits, .. } => key.first() | key.second() << *bits,
            KeyIndex::Hashed(hashed) => hashed.group(key.0),
        }
    }

    /// Returns the groups of keys; a hashed index creates those that are new.
    pub fn groups(&mut self, keys: &[PackedKey]) -> Vec<u32> {
        match self {
            KeyIndex::Direct { .. } => keys.iter().map(|&key| self.group(key)).collect(),
            KeyIndex::Hashed(hashed) => {
                let mut groups = Vec::new();
                hashed.reserve(keys.len());
                hashed.assign(keys.len(), |i| keys[i].0, &mut groups);
                groups
            }
        }
    }

    /// Returns the group of a key if it is present.
    pub fn find(&self, key: PackedKey) -> Option<u32> {
        match self {
            KeyIndex::Direct { bits, second_bits } => (key.first() < 1 << bits
                && key.second() < 1 << second_bits)
                .then(|| key.first() | key.second() << bits),
            KeyIndex::Hashed(hashed) => hashed.find(key.0),
        }
    }

    /// Writes the groups of the selected rows to `groups`, in order.
    pub fn assign(&mut self, keys: KeyColumns<'_>, rows: Selection<'_>, groups: &mut Vec<u32>) {
        groups.clear();
        match (keys, self) {
            (KeyColumns::None, KeyIndex::Direct { .. }) => groups.resize(rows.len(), 0),
            (KeyColumns::None, KeyIndex::Hashed(hashed)) => {
                let group = hashed.group(0);
                groups.resize(rows.len(), group);
            }

            (KeyColumns::One(a), KeyIndex::Direct { .. }) => match rows {
                Selection::All(n) => groups.extend_from_slice(&a[..n]),
                Selection::Selected(rows) => groups.extend(rows.iter().map(|&row| a[row as usize])),
            },
            (KeyColumns::Two(a, b), KeyIndex::Direct { bits, .. }) => match rows {
                Selection::All(n) => groups.extend(a[..n].iter().zip(&b[..n]).map(|(a, b)| a | b << *bits)),
                Selection::Selected(rows) => {
                    groups.extend(rows.iter().map(|&row| a[row as usize] | b[row as usize] << *bits))
                }
            },

            (KeyColumns::One(a), KeyIndex::Hashed(hashed)) => match rows {
                Selection::All(n) => hashed.assign(n, |i| a[i] as u64, groups),
                Selection::Selected(rows) => {
                    hashed.assign(rows.len(), |i| a[rows[i] as usize] as u64, groups)
                }
            },
            (KeyColumns::Two(a, b), KeyIndex::Hashed(hashed)) => match rows {
                Selection::All(n) => hashed.assign(n, |i| PackedKey::new(a[i], b[i]).0, groups),
                Selection::Selected(rows) => {
                    let key = |i: usize| {
                        let row = rows[i] as usize;
                        PackedKey::new(a[row], b[row]).0
                    };
                    hashed.assign(rows.len(), key, groups);
                }
            },
        }
    }

    pub fn memory_bytes(&self) -> usize {
        match self {
            KeyIndex::Direct { .. } => 0,
            KeyIndex::Hashed(hashed) => hashed.slots.capacity() * 16 + hashed.keys.capacity() * 8,
        }
    }

    /// Removes all keys of a hashed index.
    pub fn clear(&mut self) {
        if let KeyIndex::Hashed(hashed) = self {
            *hashed = HashedKeys::new(hashed.seed);
        }
    }
}

impl HashedKeys {
    fn new(seed: u64) -> HashedKeys {
        const SLOTS: usize = 64;
        HashedKeys { slots: vec![(EMPTY, 0); SLOTS], mask: SLOTS - 1, keys: Vec::new(), seed }
    }

    /// Multiply and fold, as in wyhash; seeded, since keys come from outside.
    #[inline(always)]
    fn slot(&self, key: u64) -> usize {
        let product = (key ^ self.seed) as u128 * 0x9e37_79b9_7f4a_7c15_u128;
        ((product >> 64) as u64 ^ product as u64) as usize & self.mask
    }

    #[inline(always)]
    fn assign(&mut self, len: usize, key: impl Fn(usize) -> u64, groups: &mut Vec<u32>) {
        const AHEAD: usize = 16;
        groups.reserve(len);
        for i in 0..len {
            if i + AHEAD < len {
                prefetch(&self.slots, self.slot(key(i + AHEAD)));
            }
            groups.push(self.group(key(i)));
        }
    }

    fn find(&self, key: u64) -> Option<u32> {
        let mut slot = self.slot(key);
        loop {
            match self.slots[slot] {
                (found, group) if found == key => return Some(group),
                (EMPTY, _) => return None,
                _ => slot = (slot + 1) & self.mask,
            }
        }
    }

    #[inline(always)]
    fn group(&mut self, key: u64) -> u32 {
        let mut slot = self.slot(key);
        loop {
            let (found, group) = self.slots[slot];
            if found == key {
                return group;
            }
            if found == EMPTY {
                return self.insert(slot, key);
            }
            slot = (slot + 1) & self.mask;
        }
    }

    #[inline(never)]
    fn insert(&mut self, slot: usize, key: u64) -> u32 {
        let group = self.keys.len() as u32;
        self.keys.push(PackedKey(key));
        self.slots[slot] = (key, group);
        if self.keys.len() * 2 > self.slots.len() {
            self.resize_to(self.slots.len() * 2);
        }
        group
    }

    /// Makes room for keys. Those that are present need none, so this may be too much, by one doubling.
    fn reserve(&mut self, keys: usize) {
        let size = ((self.keys.len() + keys) * 2 + 1).next_power_of_two();
        if size > self.slots.len() {
            self.keys.reserve(keys);
            self.resize_to(size);
        }
    }

    fn resize_to(&mut self, size: usize) {
        self.slots = vec![(EMPTY, 0); size];
        self.mask = size - 1;
        for (group, key) in self.keys.iter().enumerate() {
            let mut slot = self.slot(key.0);
            while self.slots[slot].0 != EMPTY {
                slot = (slot + 1) & self.mask;
            }
            self.slots[slot] = (key.0, group as u32);
        }
    }
}

/// Prefetches the cache line of an element that will soon be read.
#[inline(always)]
pub fn prefetch<T>(items: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch is a hint; it may name any address and never faults.
        unsafe { _mm_prefetch(items.as_ptr().wrapping_add(index).cast::<i8>(), _MM_HINT_T0) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (items, index);
}
