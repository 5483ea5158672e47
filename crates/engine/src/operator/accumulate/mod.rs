//! Accumulators: the state of aggregate calls for one group, shared by every operator that aggregates.
//!
//! [`Accumulators`] holds what is known of the calls when a job starts: fields, types, separators. [`States`]
//! holds the aggregate of the rows of one group, one `AnyAccumulator` per call; an operator stores it under a key. A
//! state is small: a `COUNT` and a `SUM(BIGINT)` take 24 bytes each and nothing else.
//!
//! ```text
//! Accumulators   COUNT(*)      SUM(price)           MAX(name)
//!                    │              │                   │
//! States         Count(3)  Whole{sum 60, of 3}     Pick("zoe")       per group
//! ```
//!
//! Over input with retractions ([`Retraction::Possible`]) some states hold more: `MIN` and `MAX` hold all
//! values with their counts, `FIRST_VALUE` all values in order of arrival. A retracted row must have been
//! added before; retracting another row changes nothing where the state can tell.
//!
//! Results do not depend on the order of rows, except for the functions whose meaning is the order.

mod any_accumulator;
mod arrivals;
mod call;
mod count;
mod decimal_sum;
mod distinct;
mod distinct_set;
mod double_sum;
mod extreme;
mod joined;
mod json_object;
mod multiset;
mod nested;
mod owned_value;
mod percentile;
mod pick;
mod sequence;
mod single;
mod steps;
mod variance;
mod whole_sum;
mod whole_values;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use sql::plan::operator::AggregateCall;
use types::{Repr, Scalar};

use self::any_accumulator::AnyAccumulator;
use self::call::CallSpec;
use self::distinct_set::DistinctSet;
pub use self::owned_value::OwnedValue;
pub use self::steps::{Groups, Step, StepChange, StepScratch, Steps, results_differ};
use super::fields;
use crate::aggregate::keys::prefetch;
use crate::row::{self, Reader};
use crate::state::StateValue;

/// Whether rows that were added may be retracted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retraction {
    Never,
    Possible,
}

/// How variances are computed; Flink has two ways. See the file `variance.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variance {
    /// By a running mean, in doubles: in `GROUP BY`.
    Running,
    /// From sums, in the types of `SUM`: in `OVER`.
    Sums,
}

/// The calls of an operator, ready to aggregate.
#[derive(Debug)]
pub struct Accumulators {
    calls: Vec<CallSpec>,
    sets: Vec<SetSpec>,
}

/// `DISTINCT` calls of one argument, which share a set of seen values.
#[derive(Debug)]
struct SetSpec {
    arg: usize,
    /// The index of each member's call.
    calls: Vec<usize>,
}

/// The aggregate of the rows of one group.
#[derive(Debug)]
pub struct States {
    /// One state per call.
    slots: Box<[AnyAccumulator]>,
    /// The shared sets; empty until [`Accumulators::share`].
    sets: Box<[SharedSet]>,
}

/// A set, and the calls that share it.
#[derive(Debug)]
struct SharedSet {
    seen: DistinctSet,
    /// The index of each member's call, padded with `NO_CALL`.
    calls: [u16; distinct_set::CALLS],
}

const NO_CALL: u16 = u16::MAX;

impl Accumulators {
    /// Prepares the calls of a `GROUP BY`, with or without windows.
    ///
    /// The values of `JSON_OBJECTAGG` and `JSON_ARRAYAGG` are JSON texts, as `JSON_STRING` returns them.
    ///
    /// # Errors
    /// A call has arguments that it does not accept, or is allowed in `OVER` only (`LAG`, `ROW_NUMBER`,
    /// `RANK`, `DENSE_RANK`).
    pub fn new(calls: &[AggregateCall], retraction: Retraction) -> Result<Accumulators, String> {
        Accumulators::with(calls, retraction, Variance::Running)
    }

    /// Prepares the calls of an `OVER`.
    ///
    /// # Errors
    /// As [`new`](Accumulators::new).
    pub fn of_over(calls: &[AggregateCall], retraction: Retraction) -> Result<Accumulators, String> {
        Accumulators::with(calls, retraction, Variance::Sums)
    }

    fn with(
        calls: &[AggregateCall],
        retraction: Retraction,
        variance: Variance,
    ) -> Result<Accumulators, String> {
        let calls = calls.iter().map(|call| CallSpec::new(call, retraction, variance));
        let mut calls = calls.collect::<Result<Vec<CallSpec>, String>>()?;

        let sets = match retraction {
            Retraction::Never => share_sets(&mut calls),
            // Retraction needs the number of copies of a value, which a shared set does not keep.
            Retraction::Possible => Vec::new(),
        };
        Ok(Accumulators { calls, sets })
    }

    /// Returns the state of a group without rows.
    pub fn start(&self) -> States {
        States {
            slots: self.calls.iter().map(AnyAccumulator::new).collect(),
            sets: self.sets.iter().map(SharedSet::new).collect(),
        }
    }

    /// Converts states whose calls have sets of their own, as those of a snapshot have, to states that share
    /// sets. Returns by how many bytes their heap memory grew.
    #[inline]
    pub fn share(&self, states: &mut States) -> isize {
        if states.sets.len() == self.sets.len() {
            return 0;
        }
        let before = states.heap_bytes();
        self.share_own(states);
        states.heap_bytes() as isize - before as isize
    }

    #[cold]
    fn share_own(&self, states: &mut States) {
        states.sets = self.sets.iter().map(SharedSet::new).collect();
        for (spec, set) in self.sets.iter().zip(&mut states.sets) {
            for (member, &call) in spec.calls.iter().enumerate() {
                let Some(slot) = states.slots.get_mut(call) else { continue };
                let own = std::mem::replace(slot, AnyAccumulator::new(&self.calls[call]));
                *slot = match own {
                    AnyAccumulator::Distinct(own) => {
                        set.seen.take_over(member, &own.seen);
                        own.inner
                    }
                    other => other,
                };
            }
        }
    }

    /// Returns the representation of each result in a column.
    pub fn reprs(&self) -> impl Iterator<Item = Repr> + '_ {
        self.calls.iter().map(|call| fields::repr_of(&call.result))
    }

    /// Adds a row, given by its fields.
    ///
    /// # Errors
    /// The row makes the query fail, as in Flink; the message is for people.
    #[inline]
    pub fn add<'v>(&self, states: &mut States, field: impl Fn(usize) -> Scalar<'v>) -> Result<(), String> {
        self.share(states);
        for (spec, set) in self.sets.iter().zip(&mut states.sets) {
            let value = field(spec.arg);
            let wanted = spec.wanted(|call| self.calls[call].counts(&field));
            if wanted == 0 {
                continue;
            }
            let new = set.seen.add(value, set.seen.hash(value), wanted);
            for (member, &call) in spec.calls.iter().enumerate() {
                if new >> member & 1 == 1 {
                    states.slots[call].add(&self.calls[call], &[value])?;
                }
            }
        }

        for (call, slot) in self.calls.iter().zip(&mut states.slots) {
            if !call.shares_values && call.counts(&field) {
                call.with_args(&field, |args| slot.add(call, args))?;
            }
        }
        Ok(())
    }

    /// Retracts a row that was added before. Only accumulators with [`Retraction::Possible`] can retract.
    ///
    /// # Errors
    /// As [`add`](Accumulators::add).
    #[inline]
    pub fn retract<'v>(
        &self,
        states: &mut States,
        field: impl Fn(usize) -> Scalar<'v>,
    ) -> Result<(), String> {
        debug_assert!(self.sets.is_empty(), "values that several calls have seen cannot be taken back");
        for (call, slot) in self.calls.iter().zip(&mut states.slots) {
            if !call.counts(&field) {
                continue;
            }
            call.with_args(&field, |args| slot.retract(call, args))?;
        }
        Ok(())
    }

    /// Adds the rows of another group, as if they came after those of `states`.
    ///
    /// # Errors
    /// As [`add`](Accumulators::add).
    pub fn merge(&self, states: &mut States, mut other: States) -> Result<(), String> {
        self.share(states);
        self.share(&mut other);
        for ((spec, set), other) in self.sets.iter().zip(&mut states.sets).zip(&other.sets) {
            for (member, &call) in spec.calls.iter().enumerate() {
                for value in other.seen.seen_by(member) {
                    if set.seen.add_for(member, value) {
                        states.slots[call].add(&self.calls[call], &[value])?;
                    }
                }
            }
        }

        for ((call, slot), other) in self.calls.iter().zip(&mut states.slots).zip(other.slots) {
            if !call.shares_values {
                slot.merge(call, other)?;
            }
        }
        Ok(())
    }

    /// Appends the results of all calls in the compact form of [`row`], to be read by a [`Reader`]. Equal
    /// results have equal bytes.
    #[inline]
    pub fn write_results(&self, states: &States, out: &mut Vec<u8>) {
        for (call, slot) in self.calls.iter().zip(&states.slots) {
            slot.write_result(call, out);
        }
    }
}

/// Groups the calls that see the same values, and assigns each group one shared set.
fn share_sets(calls: &mut [CallSpec]) -> Vec<SetSpec> {
    let mut sets: Vec<SetSpec> = Vec::new();
    for place in 0..calls.len().min(usize::from(NO_CALL)) {
        if !calls[place].may_share() {
            continue;
        }
        let arg = calls[place].args[0];
        let has_room = |set: &SetSpec| set.arg == arg && set.calls.len() < distinct_set::CALLS;
        let set = sets.iter().position(has_room).unwrap_or_else(|| {
            sets.push(SetSpec { arg, calls: Vec::new() });
            sets.len() - 1
        });

        calls[place].shares_values = true;
        sets[set].calls.push(place);
    }
    sets
}

impl SetSpec {
    /// Returns the bits of the members for which a row counts.
    #[inline]
    fn wanted(&self, counts: impl Fn(usize) -> bool) -> u8 {
        let bits = self.calls.iter().enumerate();
        bits.fold(0, |wanted, (member, &call)| wanted | u8::from(counts(call)) << member)
    }
}

impl SharedSet {
    fn new(spec: &SetSpec) -> SharedSet {
        let mut calls = [NO_CALL; distinct_set::CALLS];
        calls.iter_mut().zip(&spec.calls).for_each(|(place, &call)| *place = call as u16);
        SharedSet { seen: DistinctSet::default(), calls }
    }
}

impl States {
    /// Prefetches the memory of the states.
    #[inline]
    pub fn prefetch(&self) {
        for place in (0..self.slots.len()).step_by(64 / size_of::<AnyAccumulator>()) {
            prefetch(&self.slots, place);
        }
        for place in 0..self.sets.len() {
            prefetch(&self.sets, place);
        }
    }
}

impl StateValue for States {
    /// Writes a call that shares a set as if it had its own.
    fn write(&self, out: &mut Vec<u8>) {
        row::write_length(self.slots.len(), out);
        for (call, slot) in self.slots.iter().enumerate() {
            let member = |set: &SharedSet| set.calls.iter().position(|&of| usize::from(of) == call);
            let shared = self.sets.iter().find_map(|set| Some((set, member(set)?)));
            if let Some((set, member)) = shared {
                AnyAccumulator::write_distinct_tag(out);
                set.seen.write(member, out);
            }
            slot.write(out);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<States> {
        let slots = reader.length()?;
        let slots = (0..slots).map(|_| AnyAccumulator::read(reader)).collect::<Option<_>>()?;
        Some(States { slots, sets: Box::default() })
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        let slots: usize =
            self.slots.iter().map(|slot| size_of::<AnyAccumulator>() + slot.heap_bytes()).sum();
        let sets = self.sets.iter().map(|set| size_of::<SharedSet>() + set.seen.heap_bytes());
        slots + sets.sum::<usize>()
    }
}
