//! States in the form of a snapshot: only existing groups, with codes renumbered from 1.

use super::distinct::Distinct;
use super::domain::{DomainSpec, Domains};
use super::exact_sum::{ExactSums, Wide};
use super::lists::Lists;
use super::pick::Picked;
use super::state::{StateColumn, StateSpec, Sums};
use crate::dictionary::NULL_CODE;
use crate::snapshot::{DomainImage, StateColumnImage, ValuesImage};

/// Assigns new numbers to the codes in a snapshot, dense and in order of first use.
#[derive(Debug)]
pub struct Renumbering {
    /// Per domain and code: the new code, 0 = none yet.
    codes: Vec<Vec<u32>>,
    /// Per domain: the codes that have new ones, in their order.
    order: Vec<Vec<u32>>,
}

impl Renumbering {
    pub fn new(domains: &Domains) -> Renumbering {
        Renumbering {
            codes: domains.list.iter().map(|domain| vec![0; domain.len()]).collect(),
            order: vec![Vec::new(); domains.list.len()],
        }
    }

    pub fn code(&mut self, domain: usize, code: u32) -> u32 {
        if code == NULL_CODE {
            return NULL_CODE;
        }
        let renumbered = &mut self.codes[domain][code as usize];
        if *renumbered == 0 {
            self.order[domain].push(code);
            *renumbered = self.order[domain].len() as u32;
        }
        *renumbered
    }

    /// Returns the values of the new codes. Pairs are split before and have none.
    pub fn domains(&self, domains: &Domains, identities: &[String]) -> Vec<DomainImage> {
        let of = domains.specs.iter().zip(&domains.list).zip(&self.order).zip(identities);
        of.map(|(((&spec, domain), order), identity)| {
            let values = order.iter().map(|&code| spec.value(domain, code));
            DomainImage { identity: identity.clone(), values: ValuesImage::collect(spec, values) }
        })
        .collect()
    }
}

impl ValuesImage {
    fn collect(spec: DomainSpec, values: impl Iterator<Item = types::Value>) -> ValuesImage {
        use types::Value;
        match spec {
            DomainSpec::Text(_) => ValuesImage::Text(
                values.map(|v| if let Value::Text(v) = v { v } else { String::new() }).collect(),
            ),

            DomainSpec::Int(_) => {
                ValuesImage::Int(values.map(|v| if let Value::Int(v) = v { v } else { 0 }).collect())
            }
            DomainSpec::Double(_) => ValuesImage::Double(
                values.map(|v| if let Value::Double(v) = v { v.to_bits() } else { 0 }).collect(),
            ),

            DomainSpec::Wide(_) => {
                ValuesImage::Wide(values.map(|v| if let Value::Wide(v) = v { v } else { 0 }).collect())
            }
            DomainSpec::Bytes(_) => ValuesImage::Bytes(
                values.map(|v| if let Value::Bytes(v) = v { v } else { Vec::new() }).collect(),
            ),

            DomainSpec::Bool(_) => {
                ValuesImage::Bool(values.map(|v| matches!(v, Value::Bool(true))).collect())
            }
            DomainSpec::Pair(..) => ValuesImage::Int(Vec::new()),
        }
    }
}

fn taken<T: Copy>(values: &[T], groups: &[u32]) -> Vec<T> {
    groups.iter().map(|&group| values[group as usize]).collect()
}

impl StateColumn {
    /// Returns the state of some groups, in their order.
    pub fn image(&self, spec: StateSpec, groups: &[u32], codes: &mut Renumbering) -> StateColumnImage {
        match self {
            StateColumn::Count(counts) => StateColumnImage::Count(taken(counts, groups)),
            StateColumn::SumInt(sums) => StateColumnImage::SumInt {
                sums: taken(&sums.sums, groups),
                counts: taken(&sums.counts, groups),
            },
            StateColumn::SumWide(sums) => StateColumnImage::SumWide {
                sums: taken(&sums.sums, groups),
                counts: taken(&sums.counts, groups),
            },
            StateColumn::SumDouble(sums) => StateColumnImage::SumDouble {
                fixed: taken(&sums.fixed, groups),
                counts: taken(&sums.counts, groups),
                wide: (groups.iter().zip(0u32..))
                    .filter_map(|(group, at)| Some((at, sums.wide.get(group)?.image())))
                    .collect(),
            },

            StateColumn::PickInt(picked) => StateColumnImage::PickInt {
                values: taken(&picked.values, groups),
                valid: taken(&picked.valid, groups),
            },
            StateColumn::PickDouble(picked) => StateColumnImage::PickDouble {
                values: taken(&picked.values, groups),
                valid: taken(&picked.valid, groups),
            },
            StateColumn::PickWide(picked) => StateColumnImage::PickWide {
                values: taken(&picked.values, groups),
                valid: taken(&picked.valid, groups),
            },

            StateColumn::PickText(held) => {
                let domain = spec.domain().expect("texts are of a domain");
                StateColumnImage::PickText {
                    domain: domain as u32,
                    codes: groups.iter().map(|&group| codes.code(domain, held[group as usize])).collect(),
                }
            }

            StateColumn::Values(values) => StateColumnImage::Values(
                groups.iter().map(|&group| values.of[group as usize].clone()).collect(),
            ),

            StateColumn::Distinct(distinct) => {
                let domain = spec.domain().expect("sets are over a domain");
                let mut places: Vec<Option<usize>> = Vec::new();
                for (at, &group) in groups.iter().enumerate() {
                    places.resize(places.len().max(group as usize + 1), None);
                    places[group as usize] = Some(at);
                }
                let mut sets: Vec<Vec<u32>> = vec![Vec::new(); groups.len()];
                distinct.for_each(|group, code| {
                    if let Some(&Some(at)) = places.get(group as usize) {
                        sets[at].push(codes.code(domain, code));
                    }
                });

                StateColumnImage::Distinct {
                    domain: domain as u32,
                    sizes: sets.iter().map(|set| set.len() as u32).collect(),
                    codes: sets.concat(),
                }
            }
        }
    }

    /// Restores the state of an image, group by group, with the image's codes.
    pub fn of_image(image: &StateColumnImage) -> StateColumn {
        match image {
            StateColumnImage::Count(counts) => StateColumn::Count(counts.clone()),
            StateColumnImage::SumInt { sums, counts } => {
                StateColumn::SumInt(Sums { sums: sums.clone(), counts: counts.clone() })
            }
            StateColumnImage::SumWide { sums, counts } => {
                StateColumn::SumWide(Sums { sums: sums.clone(), counts: counts.clone() })
            }
            StateColumnImage::SumDouble { fixed, counts, wide } => StateColumn::SumDouble(ExactSums {
                fixed: fixed.clone(),
                counts: counts.clone(),
                wide: wide.iter().map(|(group, wide)| (*group, Box::new(Wide::of_image(wide)))).collect(),
            }),

            StateColumnImage::PickInt { values, valid } => {
                StateColumn::PickInt(Picked { values: values.clone(), valid: valid.clone() })
            }
            StateColumnImage::PickDouble { values, valid } => {
                StateColumn::PickDouble(Picked { values: values.clone(), valid: valid.clone() })
            }
            StateColumnImage::PickWide { values, valid } => {
                StateColumn::PickWide(Picked { values: values.clone(), valid: valid.clone() })
            }

            StateColumnImage::PickText { codes, .. } => StateColumn::PickText(codes.clone()),
            StateColumnImage::Values(values) => StateColumn::Values(Lists::of(values.clone())),
            StateColumnImage::Distinct { sizes, codes, .. } => {
                let mut sets = Distinct::new(false, 0, 0);
                sets.resize(sizes.len());
                let mut rest = codes.as_slice();
                for (group, &size) in (0u32..).zip(sizes) {
                    let (set, after) = rest.split_at(size as usize);
                    set.iter().for_each(|&code| sets.add(group, code));
                    rest = after;
                }
                StateColumn::Distinct(sets)
            }
        }
    }
}

impl StateColumnImage {
    /// Returns the domain of its codes.
    pub fn domain(&self) -> Option<u32> {
        match self {
            StateColumnImage::PickText { domain, .. } | StateColumnImage::Distinct { domain, .. } => {
                Some(*domain)
            }
            _ => None,
        }
    }

    /// Returns whether this is an image of such a state.
    pub fn is_of(&self, state: &StateColumn) -> bool {
        matches!(
            (self, state),
            (StateColumnImage::Count(_), StateColumn::Count(_))
                | (StateColumnImage::SumInt { .. }, StateColumn::SumInt(_))
                | (StateColumnImage::SumWide { .. }, StateColumn::SumWide(_))
                | (StateColumnImage::SumDouble { .. }, StateColumn::SumDouble(_))
                | (StateColumnImage::PickInt { .. }, StateColumn::PickInt(_))
                | (StateColumnImage::PickDouble { .. }, StateColumn::PickDouble(_))
                | (StateColumnImage::PickWide { .. }, StateColumn::PickWide(_))
                | (StateColumnImage::PickText { .. }, StateColumn::PickText(_))
                | (StateColumnImage::Values(_), StateColumn::Values(_))
                | (StateColumnImage::Distinct { .. }, StateColumn::Distinct(_))
        )
    }
}
