//! Exact sets of distinct values, one a group: codes as bits while codes are few, else pairs of group and code.

use super::keys::prefetch;

/// A set of codes for each group.
#[derive(Debug, Clone)]
pub enum Distinct {
    /// `words` words of 64 bits a group. Bit 0 swallows nulls, so that adding needs no branch.
    Bits {
        words: usize,
        bits: Vec<u64>,
    },
    Pairs(Pairs),
}

/// Groups with bitmaps of more codes than this would ruin the cache.
const BITS_LIMIT: usize = 1 << 14;

impl Distinct {
    /// `direct`: the table's groups are few; `codes`: every code is below it at the moment.
    pub fn new(direct: bool, codes: usize, seed: u64) -> Distinct {
        let room = (codes * 2).next_power_of_two().max(1024);
        if direct && room <= BITS_LIMIT {
            Distinct::Bits { words: room / 64, bits: Vec::new() }
        } else {
            Distinct::Pairs(Pairs::new(seed))
        }
    }

    /// Whether codes below this can be added.
    pub fn fits(&self, codes: usize) -> bool {
        match self {
            Distinct::Bits { words, .. } => codes <= words * 64,
            Distinct::Pairs(_) => true,
        }
    }

    pub fn resize(&mut self, groups: usize) {
        match self {
            Distinct::Bits { words, bits } => bits.resize(groups * *words, 0),
            Distinct::Pairs(pairs) => pairs.counts.resize(groups, 0),
        }
    }

    pub fn clear(&mut self) {
        match self {
            Distinct::Bits { bits, .. } => bits.fill(0),
            Distinct::Pairs(pairs) => {
                let groups = pairs.counts.len();
                *pairs = Pairs::new(pairs.seed);
                pairs.counts.resize(groups, 0);
            }
        }
    }

    /// Adds a code; null is not counted.
    #[inline(always)]
    pub fn add(&mut self, group: u32, code: u32) {
        match self {
            Distinct::Bits { words, bits } => {
                bits[group as usize * *words + (code >> 6) as usize] |= 1 << (code & 63);
            }
            Distinct::Pairs(pairs) => pairs.add(group, code),
        }
    }

    /// Adds the code of each row to its group; rows and groups run side by side.
    pub fn add_rows(&mut self, rows: super::keys::Rows<'_>, groups: &[u32], codes: &[u32]) {
        match self {
            Distinct::Bits { words, bits } => {
                let words = *words;
                rows.for_each(|i, row| {
                    let code = codes[row];
                    bits[groups[i] as usize * words + (code >> 6) as usize] |= 1 << (code & 63);
                });
            }
            Distinct::Pairs(pairs) => {
                const AHEAD: usize = 16;
                match rows {
                    super::keys::Rows::All(n) => {
                        for row in 0..n {
                            if row + AHEAD < n {
                                pairs.prefetch(groups[row + AHEAD], codes[row + AHEAD]);
                            }
                            pairs.add(groups[row], codes[row]);
                        }
                    }
                    super::keys::Rows::Selected(selected) => {
                        for (i, &row) in selected.iter().enumerate() {
                            if let Some(&ahead) = selected.get(i + AHEAD) {
                                pairs.prefetch(groups[i + AHEAD], codes[ahead as usize]);
                            }
                            pairs.add(groups[i], codes[row as usize]);
                        }
                    }
                }
            }
        }
    }

    /// The number of distinct non-null codes.
    pub fn count(&self, group: u32) -> u64 {
        match self {
            Distinct::Bits { words, bits } => {
                let bits = &bits[group as usize * words..][..*words];
                bits.iter().map(|word| word.count_ones() as u64).sum::<u64>() - (bits[0] & 1)
            }
            Distinct::Pairs(pairs) => pairs.counts[group as usize] as u64,
        }
    }

    /// Calls `each` with every group and code.
    pub fn for_each(&self, mut each: impl FnMut(u32, u32)) {
        match self {
            Distinct::Bits { words, bits } => {
                for (index, &word) in bits.iter().enumerate() {
                    let mut rest = word;
                    if index % words == 0 {
                        rest &= !1;
                    }
                    while rest != 0 {
                        let code = (index % words * 64) as u32 + rest.trailing_zeros();
                        each((index / words) as u32, code);
                        rest &= rest - 1;
                    }
                }
            }
            Distinct::Pairs(pairs) => {
                pairs
                    .slots
                    .iter()
                    .filter(|&&pair| pair != EMPTY)
                    .for_each(|&pair| each((pair >> 32) as u32, pair as u32));
            }
        }
    }

    /// Adds another table's sets, whose codes mean the same, group by group; false if only [`Distinct::for_each`] can.
    pub fn merge_bits(&mut self, other: &Distinct, targets: &[Option<u32>]) -> bool {
        let (Distinct::Bits { words, bits }, Distinct::Bits { words: theirs, bits: other_bits }) =
            (self, other)
        else {
            return false;
        };
        if theirs > words {
            return false;
        }
        for (from, to) in other_bits.chunks_exact(*theirs).zip(targets) {
            if let Some(to) = to {
                let to = &mut bits[*to as usize * *words..][..*theirs];
                to.iter_mut().zip(from).for_each(|(to, from)| *to |= from);
            }
        }
        true
    }

    pub fn memory_bytes(&self) -> usize {
        match self {
            Distinct::Bits { bits, .. } => bits.capacity() * 8,
            Distinct::Pairs(pairs) => pairs.slots.capacity() * 8 + pairs.counts.capacity() * 4,
        }
    }
}

/// One open addressing set of (group, code) for a whole table.
#[derive(Debug, Clone)]
pub struct Pairs {
    slots: Vec<u64>,
    mask: usize,
    len: usize,
    counts: Vec<u32>,
    seed: u64,
}

const EMPTY: u64 = u64::MAX;

impl Pairs {
    fn new(seed: u64) -> Pairs {
        const SLOTS: usize = 64;
        Pairs { slots: vec![EMPTY; SLOTS], mask: SLOTS - 1, len: 0, counts: Vec::new(), seed }
    }

    #[inline(always)]
    fn slot(&self, pair: u64) -> usize {
        let product = (pair ^ self.seed) as u128 * 0x9e37_79b9_7f4a_7c15_u128;
        ((product >> 64) as u64 ^ product as u64) as usize & self.mask
    }

    #[inline(always)]
    fn prefetch(&self, group: u32, code: u32) {
        prefetch(&self.slots, self.slot((group as u64) << 32 | code as u64));
    }

    #[inline(always)]
    fn add(&mut self, group: u32, code: u32) {
        if code == 0 {
            return;
        }
        let pair = (group as u64) << 32 | code as u64;
        let mut slot = self.slot(pair);
        loop {
            let found = self.slots[slot];
            if found == pair {
                return;
            }
            if found == EMPTY {
                break;
            }
            slot = (slot + 1) & self.mask;
        }
        self.slots[slot] = pair;
        self.counts[group as usize] += 1;
        self.len += 1;
        if self.len * 2 > self.slots.len() {
            self.grow();
        }
    }

    #[inline(never)]
    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, vec![EMPTY; size]);
        self.mask = size - 1;
        for pair in old.into_iter().filter(|&pair| pair != EMPTY) {
            let mut slot = self.slot(pair);
            while self.slots[slot] != EMPTY {
                slot = (slot + 1) & self.mask;
            }
            self.slots[slot] = pair;
        }
    }
}
