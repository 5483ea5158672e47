//! Shipments: the partial aggregates that a local aggregation sends to the global ones, by key group.
//!
//! Codes are valid only where they were assigned. So a shipment contains, for each domain, the values of the
//! codes that are new to its receiver, and the receiver keeps a translation for each sender. Key groups are a
//! stable hash of the values, so that restoring at another parallelism finds each group again.

use types::{Scalar, Value};

use super::aggregation::Aggregation;
use super::compact::Live;
use super::unit::SliceId;
use crate::aggregate::domain::DomainSpec;
use crate::aggregate::keys::PackedKey;
use crate::aggregate::state::Translation;
use crate::aggregate::table::GroupTable;
use crate::dictionary::{NULL_CODE, Remap};

/// The number of key groups, and so the greatest parallelism, as Flink's default.
pub const KEY_GROUPS: u32 = 128;

/// Partial aggregates for one receiver.
#[derive(Debug, Default)]
pub struct Shipment {
    /// One per domain.
    increments: Vec<Increment>,
    partials: Vec<Partial>,
}

/// The values of the codes that follow those sent before.
#[derive(Debug, Default)]
struct Increment {
    /// The sender's domain was emptied: codes sent before are void.
    reset: bool,
    values: Vec<Shipped>,
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
    table: GroupTable,
}

/// A sender's record of its receivers.
#[derive(Debug)]
pub struct Shipping {
    receivers: u32,
    /// Per receiver and domain: codes below this were sent.
    sent: Vec<Vec<usize>>,
    /// Per domain and code: a stable hash of the value.
    hashes: Vec<Vec<u64>>,
    reset: Vec<bool>,
}

/// A receiver's translation for one sender: per domain and code of the sender, the code here.
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

    /// Returns the number of groups, and their bytes in memory, without the unused capacity of tables.
    pub fn size(&self) -> (u64, u64) {
        let of = |partial: &Partial| {
            let table = &partial.table;
            let groups = table.rows.iter().filter(|&&rows| rows > 0).count() as u64;
            (groups, table.memory_bytes() as u64 * groups / table.rows.len().max(1) as u64)
        };
        self.partials.iter().map(of).fold((0, 0), |(groups, bytes), (g, b)| (groups + g, bytes + b))
    }
}

impl Shipment {
    /// Returns the approximate bytes held.
    pub fn memory_bytes(&self) -> usize {
        let values: usize = self.increments.iter().map(|increment| increment.values.len()).sum();
        // Texts of values are on the heap too; an estimate is enough.
        values * (size_of::<Shipped>() + 32)
            + self.partials.iter().map(|partial| partial.table.memory_bytes()).sum::<usize>()
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
    pub fn new(receivers: u32, domains: usize) -> Shipping {
        Shipping {
            receivers,
            sent: vec![vec![1; domains]; receivers as usize],
            hashes: vec![vec![0]; domains],
            reset: vec![false; receivers as usize],
        }
    }

    pub fn memory_bytes(&self) -> usize {
        self.hashes.iter().map(|hashes| hashes.capacity() * 8).sum()
    }

    /// Records that the sender's domains were emptied.
    fn begin_anew(&mut self) {
        self.sent.iter_mut().for_each(|sent| sent.fill(1));
        self.hashes.iter_mut().for_each(|hashes| hashes.truncate(1));
        self.reset.fill(true);
    }
}

impl Aggregation {
    /// Takes everything out of the state, one shipment per receiver.
    pub fn ship(&mut self, shipping: &mut Shipping) -> Vec<Shipment> {
        self.fold();
        self.hash_values(shipping);
        let mut shipments: Vec<Shipment> = (0..shipping.receivers).map(|_| Shipment::default()).collect();
        let layout = self.layout.clone();

        for (index, unit) in layout.units.iter().enumerate() {
            let slices = std::mem::take(&mut self.units[index].slices);
            self.units[index].windows.clear();
            self.units[index].touched.clear();

            let states: Vec<usize> = (0..unit.table.states.len()).collect();
            for (slice, table) in slices {
                let owners: Vec<Option<u32>> = (0..table.rows.len() as u32)
                    .map(|group| {
                        let there = table.rows[group as usize] > 0 && table.marks[group as usize] != 0;
                        there.then(|| {
                            let hash = key_hash(shipping, &unit.table.keys, table.key(group));
                            owner((hash % KEY_GROUPS as u64) as u32, shipping.receivers)
                        })
                    })
                    .collect();

                for receiver in 0..shipping.receivers {
                    if !owners.contains(&Some(receiver)) {
                        continue;
                    }

                    let mut part = unit.table.table(&self.sizes, self.options.seed);
                    let mut place =
                        |group: u32| (owners[group as usize] == Some(receiver)).then(|| table.key(group));
                    part.merge(&unit.table, &table, &states, &mut place, Translation::Same, &self.domains);
                    shipments[receiver as usize].partials.push(Partial { unit: index, slice, table: part });
                }
            }
        }

        for (receiver, shipment) in shipments.iter_mut().enumerate() {
            if !shipment.partials.is_empty() {
                shipment.increments = self.increments(shipping, receiver);
            }
        }

        if self.domains.memory_bytes() > self.options.limits.local_bytes {
            let specs = self.domains.specs.clone();
            self.domains = crate::aggregate::domain::Domains::new(&specs);
            self.domains.sizes(&mut self.sizes);
            self.units.iter_mut().for_each(|unit| unit.drop_pool());
            if let Some(base) = &mut self.base {
                base.pool.clear();
            }
            shipping.begin_anew();
        }

        shipments
    }

    /// Merges a shipment into the state.
    pub fn receive(&mut self, receiving: &mut Receiving, shipment: Shipment) {
        receiving.codes.resize_with(self.domains.list.len(), || vec![NULL_CODE]);
        for (domain, increment) in shipment.increments.into_iter().enumerate() {
            if increment.reset {
                receiving.codes[domain].truncate(1);
            }
            for value in increment.values {
                let code = match (value, self.domains.specs[domain]) {
                    (Shipped::Value(value), _) => self.domains.list[domain].code(value.as_scalar()),
                    (Shipped::Pair(left, right), DomainSpec::Pair(a, b)) => {
                        let (left, right) =
                            (receiving.codes[a][left as usize], receiving.codes[b][right as usize]);
                        self.domains.list[domain].pair_code(left, right)
                    }
                    (Shipped::Pair(..), _) => unreachable!("only pair domains ship pairs"),
                };
                receiving.codes[domain].push(code);
            }
        }

        self.make_room();
        let layout = self.layout.clone();
        let translate = |domain: usize, code: u32| receiving.codes[domain][code as usize];

        for Partial { unit: index, slice, table } in shipment.partials {
            let unit = &layout.units[index];
            let states: Vec<usize> = (0..unit.table.states.len()).collect();
            let into = self.units[index].slice(
                unit.window,
                &unit.table,
                slice,
                &self.sizes,
                self.options.seed,
                &self.calendar,
                table.rows.len(),
            );

            let mut place = |group: u32| {
                let key = table.key(group);
                let part = |at: usize, code: u32| match unit.table.keys.get(at) {
                    Some(&domain) if code != NULL_CODE => translate(domain, code),
                    _ => NULL_CODE,
                };
                Some(PackedKey::new(part(0, key.first()), part(1, key.second())))
            };

            let targets = into.merge(
                &unit.table,
                &table,
                &states,
                &mut place,
                Translation::Map(&translate),
                &self.domains,
            );

            for target in targets.into_iter().flatten() {
                into.marks[target as usize] = 1;
            }
            self.units[index].touch(unit.window, slice);
        }
    }

    fn hash_values(&self, shipping: &mut Shipping) {
        for (index, (spec, domain)) in self.domains.specs.iter().zip(&self.domains.list).enumerate() {
            for code in shipping.hashes[index].len()..domain.len() {
                let hash = match spec {
                    DomainSpec::Pair(left, right) => {
                        let (a, b) = domain.pair(code as u32);
                        combine(shipping.hashes[*left][a as usize], shipping.hashes[*right][b as usize])
                    }
                    _ => stable_hash(spec.value(domain, code as u32).as_scalar()),
                };
                shipping.hashes[index].push(hash);
            }
        }
    }

    fn increments(&self, shipping: &mut Shipping, receiver: usize) -> Vec<Increment> {
        let reset = std::mem::take(&mut shipping.reset[receiver]);
        let sent = &mut shipping.sent[receiver];
        let domains = self.domains.specs.iter().zip(&self.domains.list);

        domains
            .zip(sent)
            .map(|((spec, domain), sent)| {
                let values = (*sent..domain.len())
                    .map(|code| match spec {
                        DomainSpec::Pair(..) => {
                            let (left, right) = domain.pair(code as u32);
                            Shipped::Pair(left, right)
                        }
                        _ => Shipped::Value(spec.value(domain, code as u32)),
                    })
                    .collect();
                *sent = domain.len();
                Increment { reset, values }
            })
            .collect()
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
