//! Accumulators: the state of aggregate calls for one group, shared by every operator that aggregates.
//!
//! [`Accumulators`] holds what is known of the calls when a job starts: fields, types, separators. [`States`] holds what
//! the rows of one group added up to, one `Slot` a call, and is what an operator keeps under a key. A state is small: a
//! `COUNT` and a `SUM(BIGINT)` take 24 bytes each and nothing else.
//!
//! ```text
//! Accumulators   COUNT(*)        SUM(price)            MAX(name)
//!                   │                │                     │
//! States         Count(3)     Whole{sum 60, of 3}    Kept("zoe")         per group
//! ```
//!
//! Over input that takes rows back ([`Retraction::Possible`]) some states hold more: `MIN` and `MAX` all values with their
//! counts, `FIRST_VALUE` all values in order of arrival. A row that is taken back must have been added before; one that
//! was not changes nothing where the state can tell.
//!
//! Results do not depend on the order of rows, except for the functions whose meaning is the order.

mod arrivals;
mod call;
mod count;
mod decimal_sum;
mod distinct;
mod double_sum;
mod extreme;
mod joined;
mod json_object;
mod kept;
mod multiset;
mod nested;
mod percentile;
mod pick;
mod sequence;
mod single;
mod slot;
mod variance;
mod whole_sum;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use sql::plan::operator::Call;
use types::{Repr, Scalar};

use self::call::CallSpec;
pub use self::kept::Kept;
use self::slot::Slot;
use crate::row::{self, Reader};
use crate::state::StateValue;

/// Whether rows that were added may be taken back.
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
}

/// What the rows of one group added up to.
#[derive(Debug)]
pub struct States {
    slots: Box<[Slot]>,
}

impl Accumulators {
    /// The calls of a `GROUP BY`, with or without windows.
    ///
    /// The values of `JSON_OBJECTAGG` and `JSON_ARRAYAGG` are JSON texts, as `JSON_STRING` gives them.
    ///
    /// # Errors
    /// A call of arguments that it cannot have, or of `OVER` alone (`LAG`, `ROW_NUMBER`, `RANK`, `DENSE_RANK`).
    pub fn new(calls: &[Call], retraction: Retraction) -> Result<Accumulators, String> {
        Accumulators::with(calls, retraction, Variance::Running)
    }

    /// The calls of an `OVER`.
    ///
    /// # Errors
    /// As [`new`](Accumulators::new).
    pub fn of_over(calls: &[Call], retraction: Retraction) -> Result<Accumulators, String> {
        Accumulators::with(calls, retraction, Variance::Sums)
    }

    fn with(calls: &[Call], retraction: Retraction, variance: Variance) -> Result<Accumulators, String> {
        let calls = calls.iter().map(|call| CallSpec::new(call, retraction, variance));
        Ok(Accumulators { calls: calls.collect::<Result<_, _>>()? })
    }

    /// The state of a group without rows.
    pub fn start(&self) -> States {
        States { slots: self.calls.iter().map(Slot::new).collect() }
    }

    /// How each result is held in a column.
    pub fn reprs(&self) -> impl Iterator<Item = Repr> + '_ {
        // Nested values are bytes in their own encoding.
        self.calls.iter().map(|call| call.result.repr().unwrap_or(Repr::Bytes))
    }

    /// Adds a row, given by its fields.
    ///
    /// # Errors
    /// The row makes the query fail, as in Flink; the message is for people.
    #[inline]
    pub fn add<'v>(&self, states: &mut States, field: impl Fn(usize) -> Scalar<'v>) -> Result<(), String> {
        for (call, slot) in self.calls.iter().zip(&mut states.slots) {
            if call.counts(&field) {
                call.with_args(&field, |args| slot.add(call, args))?;
            }
        }
        Ok(())
    }

    /// Takes back a row that was added before.
    ///
    /// # Errors
    /// As [`add`](Accumulators::add).
    #[inline]
    pub fn retract<'v>(
        &self,
        states: &mut States,
        field: impl Fn(usize) -> Scalar<'v>,
    ) -> Result<(), String> {
        for (call, slot) in self.calls.iter().zip(&mut states.slots) {
            if call.counts(&field) {
                call.with_args(&field, |args| slot.retract(call, args))?;
            }
        }
        Ok(())
    }

    /// Adds the rows of another group, as if they came behind those of `states`.
    ///
    /// # Errors
    /// As [`add`](Accumulators::add).
    pub fn merge(&self, states: &mut States, other: States) -> Result<(), String> {
        for ((call, slot), other) in self.calls.iter().zip(&mut states.slots).zip(other.slots) {
            slot.merge(call, other)?;
        }
        Ok(())
    }

    /// Adds the calls' results in the compact form of [`row`], to be read by a [`Reader`]: equal results have equal bytes.
    #[inline]
    pub fn write_results(&self, states: &States, out: &mut Vec<u8>) {
        for (call, slot) in self.calls.iter().zip(&states.slots) {
            slot.write_result(call, out);
        }
    }
}

impl StateValue for States {
    fn write(&self, out: &mut Vec<u8>) {
        row::write_length(self.slots.len(), out);
        self.slots.iter().for_each(|slot| slot.write(out));
    }

    fn read(reader: &mut Reader<'_>) -> Option<States> {
        let slots = reader.length()?;
        Some(States { slots: (0..slots).map(|_| Slot::read(reader)).collect::<Option<_>>()? })
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        self.slots.iter().map(|slot| size_of::<Slot>() + slot.heap_bytes()).sum()
    }
}
