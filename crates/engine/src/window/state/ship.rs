//! Shipments: the partial aggregates that a local aggregation sends to the global ones, by key group.
//!
//! Codes are valid only where they were assigned. So a shipment contains, for each domain, the values of those of
//! its codes that are new to its receiver, and the receiver keeps a translation for each sender. Key groups are a
//! stable hash of the values, so that restoring at another parallelism finds each group again.

use types::{Scalar, Value};

use super::compact::Live;
use super::{SliceId, WindowState};
use crate::aggregate::domain::{DomainSpec, Domains};
use crate::aggregate::keys::PackedKey;
use crate::aggregate::share::Share;
use crate::aggregate::state::Translation;
use crate::dictionary::{NULL_CODE, Remap};
use crate::layout::Layout;

/// The number of key groups, and so the greatest parallelism, as Flink's default.
pub const KEY_GROUPS: u32 = 128;

/// Partial aggregates for one receiver.
#[derive(Debug, Default)]
pub struct Shipment {
    /// One per domain.
    increments: Vec<Increment>,
    partials: Vec<Partial>,
}

/// The codes of a domain that a shipment is the first to use, with their values.
#[derive(Debug, Default)]
struct Increment {
    /// The sender's domain was emptied: codes sent before are void.
    reset: bool,
    values: Vec<(u32, Shipped)>,
}

#[derive(Debug)]
enum Shipped {
    Value(Value),
    Pair(u32, u32),
}

#[derive(Debug)]
struct Partial {
    unit: usize,
    slice: SliceId,
    share: Share,
}

/// A sender's record of its receivers.
#[derive(Debug)]
pub struct Shipping {
    receivers: u32,
    /// Per receiver and domain.
    sent: Vec<Vec<Sent>>,
    /// Per domain: whether its values are keys, or parts of pairs that are.
    is_key: Vec<bool>,
    /// Per domain of keys and code: a stable hash of the value.
    hashes: Vec<Vec<u64>>,
    reset: Vec<bool>,
}

/// The codes of a domain that a receiver knows.
#[derive(Debug, Clone)]
struct Sent {
    /// Per code, as far as any is known.
    known: Vec<bool>,
    /// The codes whose values the next shipment must contain.
    new: Vec<u32>,
}

/// A receiver's translation for one sender: per domain and code of the sender, the code here. The code is null
/// where the sender has not sent the value.
#[derive(Debug, Default)]
pub struct Receiving {
    codes: Vec<Vec<u32>>,
}

/// Returns the subtask, of `parallelism`, that owns a key group.
pub fn owner(key_group: u32, parallelism: u32) -> u32 {
    key_group * parallelism / KEY_GROUPS
}

impl Shipment {
    pub fn is_empty(&self) -> bool {
        self.partials.is_empty()
    }

    /// Returns the number of groups, and their approximate bytes in memory.
    pub fn size(&self) -> (u64, u64) {
        let of =
            |partial: &Partial| (partial.share.group_count() as u64, partial.share.memory_bytes() as u64);
        self.partials.iter().map(of).fold((0, 0), |(groups, bytes), (g, b)| (groups + g, bytes + b))
    }

    /// Returns the approximate bytes held.
    pub fn memory_bytes(&self) -> usize {
        let values: usize = self.increments.iter().map(|increment| increment.values.len()).sum();
        // Texts of values are on the heap too; an estimate is enough.
        values * (size_of::<Shipped>() + 32)
            + self.partials.iter().map(|partial| partial.share.memory_bytes()).sum::<usize>()
    }
}

impl Receiving {
    pub fn memory_bytes(&self) -> usize {
        self.codes.iter().map(|codes| codes.capacity() * 4).sum()
    }

    /// Marks the codes that this sender may still use.
    pub(super) fn mark(&self, live: &mut Live) {
        for (codes, live) in self.codes.iter().zip(live) {
            codes.iter().for_each(|&code| live[code as usize] = true);
        }
    }

    /// Applies a compaction of the receiver's domains.
    pub(super) fn renumber(&mut self, remaps: &[Remap]) {
        for (codes, remap) in self.codes.iter_mut().zip(remaps) {
            codes.iter_mut().for_each(|code| *code = remap[*code as usize]);
        }
    }
}

impl Shipping {
    pub fn new(receivers: u32, layout: &Layout) -> Shipping {
        let domains = layout.domains.len();
        let mut is_key = vec![false; domains];
        layout.units.iter().flat_map(|unit| &unit.table.keys).for_each(|&domain| is_key[domain] = true);
        // The parts of a pair come before it.
        for (index, spec) in layout.domains.iter().enumerate().rev() {
            if let DomainSpec::Pair(left, right) = *spec {
                is_key[left] |= is_key[index];
                is_key[right] |= is_key[index];
            }
        }

        Shipping {
            receivers,
            is_key,
            sent: vec![vec![Sent::new(); domains]; receivers as usize],
            hashes: vec![vec![0]; domains],
            reset: vec![false; receivers as usize],
        }
    }

    pub fn memory_bytes(&self) -> usize {
        let known = self.sent.iter().flatten().map(|sent| sent.known.capacity());
        self.hashes.iter().map(|hashes| hashes.capacity() * 8).sum::<usize>() + known.sum::<usize>()
    }

    /// Records that the sender's domains were emptied.
    fn begin_anew(&mut self) {
        self.sent.iter_mut().flatten().for_each(|sent| *sent = Sent::new());
        self.hashes.iter_mut().for_each(|hashes| hashes.truncate(1));
        self.reset.fill(true);
    }
}

impl Sent {
    fn new() -> Sent {
        // Null has the same code everywhere.
        Sent { known: vec![true], new: Vec::new() }
    }

    #[inline]
    fn need(&mut self, code: u32) {
        let place = code as usize;
        if place >= self.known.len() {
            self.known.resize((place + 1).next_power_of_two(), false);
        }
        if !self.known[place] {
            self.known[place] = true;
            self.new.push(code);
        }
    }
}

impl Shipping {
    /// Takes everything out of the state, one shipment per receiver.
    pub(in crate::window) fn take(&mut self, state: &mut WindowState) -> Vec<Shipment> {
        state.fold();
        self.hash_values(&state.domains);
        let mut shipments: Vec<Shipment> = (0..self.receivers).map(|_| Shipment::default()).collect();
        let layout = state.layout.clone();

        for (index, unit) in layout.units.iter().enumerate() {
            let slices = std::mem::take(&mut state.units[index].slices);
            state.units[index].windows.clear();
            state.units[index].touched.clear();

            for (slice, table) in slices {
                let owners: Vec<Option<u32>> = (0..table.rows.len() as u32)
                    .map(|group| {
                        let there = table.rows[group as usize] > 0 && table.marks[group as usize] != 0;
                        there.then(|| {
                            let hash = key_hash(self, &unit.table.keys, table.key(group));
                            owner((hash % KEY_GROUPS as u64) as u32, self.receivers)
                        })
                    })
                    .collect();

                let shares = table.divide(&owners, self.receivers);
                for ((shipment, share), sent) in shipments.iter_mut().zip(shares).zip(&mut self.sent) {
                    let Some(share) = share else { continue };
                    share.for_each_code(&unit.table, |domain, code| sent[domain].need(code));
                    shipment.partials.push(Partial { unit: index, slice, share });
                }
            }
        }

        for (receiver, shipment) in shipments.iter_mut().enumerate() {
            if !shipment.partials.is_empty() {
                shipment.increments = self.increments(&state.domains, receiver);
            }
        }

        if state.domains.memory_bytes() > state.options.limits.local_bytes {
            let specs = state.domains.specs.clone();
            state.domains = Domains::new(&specs);
            state.domains.sizes(&mut state.sizes);
            state.units.iter_mut().for_each(|unit| unit.drop_pool());
            if let Some(base) = &mut state.base {
                base.pool.clear();
            }
            self.begin_anew();
        }

        shipments
    }

    /// Hashes the new values of the domains of keys.
    fn hash_values(&mut self, domains: &Domains) {
        for (index, (spec, domain)) in domains.specs.iter().zip(&domains.list).enumerate() {
            if !self.is_key[index] {
                continue;
            }
            for code in self.hashes[index].len()..domain.len() {
                let hash = match spec {
                    DomainSpec::Pair(left, right) => {
                        let (a, b) = domain.pair(code as u32);
                        combine(self.hashes[*left][a as usize], self.hashes[*right][b as usize])
                    }
                    _ => stable_hash(spec.value(domain, code as u32).as_scalar()),
                };
                self.hashes[index].push(hash);
            }
        }
    }

    /// Returns the values of the codes that a receiver needs and does not know.
    fn increments(&mut self, domains: &Domains, receiver: usize) -> Vec<Increment> {
        let reset = std::mem::take(&mut self.reset[receiver]);
        let sent = &mut self.sent[receiver];

        // A pair is sent as the codes of its parts, which the receiver must know before.
        for (index, spec) in domains.specs.iter().enumerate() {
            if let DomainSpec::Pair(left, right) = *spec {
                for at in 0..sent[index].new.len() {
                    let (a, b) = domains.list[index].pair(sent[index].new[at]);
                    sent[left].need(a);
                    sent[right].need(b);
                }
            }
        }

        let pairs = domains.specs.iter().zip(&domains.list);
        pairs
            .zip(sent)
            .map(|((spec, domain), sent)| {
                let shipped = |code: u32| match spec {
                    DomainSpec::Pair(..) => {
                        let (left, right) = domain.pair(code);
                        Shipped::Pair(left, right)
                    }
                    _ => Shipped::Value(spec.value(domain, code)),
                };
                let values = sent.new.drain(..).map(|code| (code, shipped(code))).collect();
                Increment { reset, values }
            })
            .collect()
    }
}

impl Receiving {
    /// Merges a shipment into the state.
    pub(in crate::window) fn merge(&mut self, state: &mut WindowState, shipment: Shipment) {
        self.codes.resize_with(state.domains.list.len(), || vec![NULL_CODE]);
        for (domain, increment) in shipment.increments.into_iter().enumerate() {
            if increment.reset {
                self.codes[domain].truncate(1);
            }
            for (code, value) in increment.values {
                let here = match (value, state.domains.specs[domain]) {
                    (Shipped::Value(value), _) => state.domains.list[domain].code(value.as_scalar()),
                    (Shipped::Pair(left, right), DomainSpec::Pair(a, b)) => {
                        let (left, right) = (self.codes[a][left as usize], self.codes[b][right as usize]);
                        state.domains.list[domain].pair_code(left, right)
                    }
                    (Shipped::Pair(..), _) => unreachable!("only pair domains ship pairs"),
                };
                let codes = &mut self.codes[domain];
                if code as usize >= codes.len() {
                    codes.resize(code as usize + 1, NULL_CODE);
                }
                codes[code as usize] = here;
            }
        }

        state.make_room();
        let layout = state.layout.clone();
        let codes = &self.codes[..];

        for Partial { unit: index, slice, share } in shipment.partials {
            let unit = &layout.units[index];
            let into = state.units[index].slice(
                unit.window,
                &unit.table,
                slice,
                &state.sizes,
                state.options.seed,
                &state.calendar,
                share.group_count(),
            );

            let place = |key: PackedKey| {
                let part = |at: usize, code: u32| match unit.table.keys.get(at) {
                    Some(&domain) => codes[domain][code as usize],
                    None => NULL_CODE,
                };
                PackedKey::new(part(0, key.first()), part(1, key.second()))
            };

            let targets =
                into.merge_share(&unit.table, share, place, Translation::Codes(codes), &state.domains);
            for target in targets {
                into.marks[target as usize] = 1;
            }
            state.units[index].touch(unit.window, slice);
        }
    }
}

fn key_hash(shipping: &Shipping, keys: &[usize], key: PackedKey) -> u64 {
    let hash = |at: usize, code: u32| shipping.hashes[keys[at]][code as usize];
    match keys.len() {
        0 => 0,
        1 => combine(hash(0, key.first()), 0),
        _ => combine(hash(0, key.first()), hash(1, key.second())),
    }
}

pub(super) fn combine(a: u64, b: u64) -> u64 {
    let mixed = (a ^ b.rotate_left(32) ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed ^ mixed >> 32
}

/// FNV-1a, 64 bits: the same in every process and version, since restored state is found by it.
pub(super) fn stable_hash(value: Scalar<'_>) -> u64 {
    let bytes = |bytes: &[u8]| {
        bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, &byte| {
            (hash ^ byte as u64).wrapping_mul(0x0000_0100_0000_01b3)
        })
    };
    match value {
        Scalar::Null => 0,
        Scalar::Bool(v) => bytes(&[v as u8]),
        Scalar::Int(v) => bytes(&v.to_le_bytes()),
        Scalar::Double(v) => bytes(&v.to_bits().to_le_bytes()),
        Scalar::Wide(v) => bytes(&v.to_le_bytes()),
        Scalar::Text(v) => bytes(v.as_bytes()),
        Scalar::Bytes(v) => bytes(v),
    }
}
