//! The state of one call for one group, of one of the kinds of [`AccumulatorKind`].
//!
//! Each form is a type that implements [`Accumulator`]. [`AnyAccumulator`] is an enum of all forms, so that the states
//! of a group are one slice, and small states need no allocation.

use types::Scalar;

use super::call::{AccumulatorKind, CallSpec};
use super::count::Count;
use super::decimal_sum::DecimalSum;
use super::distinct::{Collect, Distinct};
use super::double_sum::DoubleSum;
use super::extreme::Extreme;
use super::joined::Joined;
use super::json_object::JsonObject;
use super::percentile::Percentile;
use super::pick::Pick;
use super::sequence::Sequence;
use super::single::Single;
use super::variance::{Squares, Welford};
use super::whole_sum::WholeSum;
use crate::row::Reader;

/// A form of state. Arguments are one value each; a row whose first argument is null reaches only calls that
/// take nulls.
pub(super) trait Accumulator: Sized {
    /// Adds a row.
    ///
    /// # Errors
    /// The row makes the query fail.
    fn add(&mut self, call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String>;

    /// Retracts a row.
    ///
    /// # Errors
    /// As [`add`](Accumulator::add).
    fn retract(&mut self, call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String>;

    /// Adds another state of the call, as if its rows came after those of this state.
    ///
    /// # Errors
    /// As [`add`](Accumulator::add).
    fn merge(&mut self, call: &CallSpec, other: Self) -> Result<(), String>;

    /// Appends the result in the compact form.
    fn write_result(&self, call: &CallSpec, out: &mut Vec<u8>);

    /// Appends the state to an image.
    fn write(&self, out: &mut Vec<u8>);

    /// Reads a state that [`write`](Accumulator::write) wrote.
    fn read(reader: &mut Reader<'_>) -> Option<Self>;

    /// Returns the bytes outside the state itself. Must take constant time.
    fn heap_bytes(&self) -> usize;
}

/// The state of a call. Large states are boxed, so that a group with small states is small.
#[derive(Debug)]
pub(super) enum AnyAccumulator {
    Count(Count),
    Whole(WholeSum),
    Pick(Pick),
    Double(Box<DoubleSum>),
    Decimal(Box<DecimalSum>),
    Extreme(Box<Extreme>),
    Percentile(Box<Percentile>),
    Sequence(Box<Sequence>),
    Joined(Box<Joined>),
    JsonObject(Box<JsonObject>),
    Welford(Box<Welford>),
    Squares(Box<Squares>),
    Collect(Box<Collect>),
    Single(Box<Single>),
    Distinct(Box<Distinct>),
}

/// The tag of [`AnyAccumulator::Distinct`].
const DISTINCT: u8 = 14;

// A million groups with a few calls are common, so the size of a state matters.
const _: () = assert!(size_of::<AnyAccumulator>() == 24);

/// Evaluates the same expression for whichever form a state has.
macro_rules! with_state {
    ($slot:expr, $state:ident => $do:expr) => {
        match $slot {
            AnyAccumulator::Count($state) => $do,
            AnyAccumulator::Whole($state) => $do,
            AnyAccumulator::Pick($state) => $do,
            AnyAccumulator::Double($state) => $do,
            AnyAccumulator::Decimal($state) => $do,
            AnyAccumulator::Extreme($state) => $do,
            AnyAccumulator::Percentile($state) => $do,
            AnyAccumulator::Sequence($state) => $do,
            AnyAccumulator::Joined($state) => $do,
            AnyAccumulator::JsonObject($state) => $do,
            AnyAccumulator::Welford($state) => $do,
            AnyAccumulator::Squares($state) => $do,
            AnyAccumulator::Collect($state) => $do,
            AnyAccumulator::Single($state) => $do,
            AnyAccumulator::Distinct($state) => $do,
        }
    };
}

impl AnyAccumulator {
    pub fn new(call: &CallSpec) -> AnyAccumulator {
        if call.distinct && !call.shares_values {
            AnyAccumulator::Distinct(Box::new(Distinct::new(call.form)))
        } else {
            AnyAccumulator::of_form(call.form)
        }
    }

    pub fn of_form(form: AccumulatorKind) -> AnyAccumulator {
        match form {
            AccumulatorKind::Count => AnyAccumulator::Count(Count::default()),
            AccumulatorKind::Whole => AnyAccumulator::Whole(WholeSum::default()),
            AccumulatorKind::Pick => AnyAccumulator::Pick(Pick::default()),
            AccumulatorKind::Double => AnyAccumulator::Double(Box::default()),
            AccumulatorKind::Decimal => AnyAccumulator::Decimal(Box::default()),
            AccumulatorKind::Extreme => AnyAccumulator::Extreme(Box::default()),
            AccumulatorKind::Percentile => AnyAccumulator::Percentile(Box::default()),
            AccumulatorKind::Sequence => AnyAccumulator::Sequence(Box::default()),
            AccumulatorKind::Joined => AnyAccumulator::Joined(Box::default()),
            AccumulatorKind::JsonObject => AnyAccumulator::JsonObject(Box::default()),
            AccumulatorKind::Welford => AnyAccumulator::Welford(Box::default()),
            AccumulatorKind::Squares => AnyAccumulator::Squares(Box::default()),
            AccumulatorKind::Collect => AnyAccumulator::Collect(Box::default()),
            AccumulatorKind::Single => AnyAccumulator::Single(Box::default()),
        }
    }

    #[inline]
    pub fn add(&mut self, call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        with_state!(self, state => state.add(call, args))
    }

    #[inline]
    pub fn retract(&mut self, call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        with_state!(self, state => state.retract(call, args))
    }

    pub fn merge(&mut self, call: &CallSpec, other: AnyAccumulator) -> Result<(), String> {
        match (self, other) {
            (AnyAccumulator::Count(state), AnyAccumulator::Count(other)) => state.merge(call, other),
            (AnyAccumulator::Whole(state), AnyAccumulator::Whole(other)) => state.merge(call, other),
            (AnyAccumulator::Pick(state), AnyAccumulator::Pick(other)) => state.merge(call, other),
            (AnyAccumulator::Double(state), AnyAccumulator::Double(other)) => state.merge(call, *other),
            (AnyAccumulator::Decimal(state), AnyAccumulator::Decimal(other)) => state.merge(call, *other),
            (AnyAccumulator::Extreme(state), AnyAccumulator::Extreme(other)) => state.merge(call, *other),
            (AnyAccumulator::Percentile(state), AnyAccumulator::Percentile(other)) => {
                state.merge(call, *other)
            }
            (AnyAccumulator::Sequence(state), AnyAccumulator::Sequence(other)) => state.merge(call, *other),
            (AnyAccumulator::Joined(state), AnyAccumulator::Joined(other)) => state.merge(call, *other),
            (AnyAccumulator::JsonObject(state), AnyAccumulator::JsonObject(other)) => {
                state.merge(call, *other)
            }
            (AnyAccumulator::Welford(state), AnyAccumulator::Welford(other)) => state.merge(call, *other),
            (AnyAccumulator::Squares(state), AnyAccumulator::Squares(other)) => state.merge(call, *other),
            (AnyAccumulator::Collect(state), AnyAccumulator::Collect(other)) => state.merge(call, *other),
            (AnyAccumulator::Single(state), AnyAccumulator::Single(other)) => state.merge(call, *other),
            (AnyAccumulator::Distinct(state), AnyAccumulator::Distinct(other)) => state.merge(call, *other),
            (state, other) => unreachable!("states of different calls: {state:?} and {other:?}"),
        }
    }

    #[inline]
    pub fn write_result(&self, call: &CallSpec, out: &mut Vec<u8>) {
        with_state!(self, state => state.write_result(call, out));
    }

    /// Returns the tag of the form. Tags are part of the snapshot format.
    fn tag(&self) -> u8 {
        match self {
            AnyAccumulator::Count(_) => 0,
            AnyAccumulator::Whole(_) => 1,
            AnyAccumulator::Pick(_) => 2,
            AnyAccumulator::Double(_) => 3,
            AnyAccumulator::Decimal(_) => 4,
            AnyAccumulator::Extreme(_) => 5,
            AnyAccumulator::Percentile(_) => 6,
            AnyAccumulator::Sequence(_) => 7,
            AnyAccumulator::Joined(_) => 8,
            AnyAccumulator::JsonObject(_) => 9,
            AnyAccumulator::Welford(_) => 10,
            AnyAccumulator::Squares(_) => 11,
            AnyAccumulator::Collect(_) => 12,
            AnyAccumulator::Single(_) => 13,
            AnyAccumulator::Distinct(_) => DISTINCT,
        }
    }

    /// Begins a [`Distinct`] in an image; the values and the call's own state follow.
    pub fn write_distinct_tag(out: &mut Vec<u8>) {
        out.push(DISTINCT);
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(self.tag());
        with_state!(self, state => state.write(out));
    }

    pub fn read(reader: &mut Reader<'_>) -> Option<AnyAccumulator> {
        Some(match reader.tag()? {
            0 => AnyAccumulator::Count(Count::read(reader)?),
            1 => AnyAccumulator::Whole(WholeSum::read(reader)?),
            2 => AnyAccumulator::Pick(Pick::read(reader)?),
            3 => AnyAccumulator::Double(Box::new(DoubleSum::read(reader)?)),
            4 => AnyAccumulator::Decimal(Box::new(DecimalSum::read(reader)?)),
            5 => AnyAccumulator::Extreme(Box::new(Extreme::read(reader)?)),
            6 => AnyAccumulator::Percentile(Box::new(Percentile::read(reader)?)),
            7 => AnyAccumulator::Sequence(Box::new(Sequence::read(reader)?)),
            8 => AnyAccumulator::Joined(Box::new(Joined::read(reader)?)),
            9 => AnyAccumulator::JsonObject(Box::new(JsonObject::read(reader)?)),
            10 => AnyAccumulator::Welford(Box::new(Welford::read(reader)?)),
            11 => AnyAccumulator::Squares(Box::new(Squares::read(reader)?)),
            12 => AnyAccumulator::Collect(Box::new(Collect::read(reader)?)),
            13 => AnyAccumulator::Single(Box::new(Single::read(reader)?)),
            DISTINCT => AnyAccumulator::Distinct(Box::new(Distinct::read(reader)?)),
            _ => return None,
        })
    }

    /// Returns the bytes outside the enum. For a boxed state they include the state itself.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        let boxed = match self {
            AnyAccumulator::Count(_) | AnyAccumulator::Whole(_) => return 0,
            AnyAccumulator::Pick(state) => return state.heap_bytes(),
            AnyAccumulator::Double(_) => size_of::<DoubleSum>(),
            AnyAccumulator::Decimal(_) => size_of::<DecimalSum>(),
            AnyAccumulator::Extreme(_) => size_of::<Extreme>(),
            AnyAccumulator::Percentile(_) => size_of::<Percentile>(),
            AnyAccumulator::Sequence(_) => size_of::<Sequence>(),
            AnyAccumulator::Joined(_) => size_of::<Joined>(),
            AnyAccumulator::JsonObject(_) => size_of::<JsonObject>(),
            AnyAccumulator::Welford(_) => size_of::<Welford>(),
            AnyAccumulator::Squares(_) => size_of::<Squares>(),
            AnyAccumulator::Collect(_) => size_of::<Collect>(),
            AnyAccumulator::Single(_) => size_of::<Single>(),
            AnyAccumulator::Distinct(_) => size_of::<Distinct>(),
        };
        boxed + with_state!(self, state => state.heap_bytes())
    }
}
