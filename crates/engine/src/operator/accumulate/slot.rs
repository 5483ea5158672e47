//! The state of one call for one group, in one of the forms of [`Form`].
//!
//! Each form is a type that implements [`Accumulator`]. [`Slot`] is an enum of all forms, so that the states
//! of a group are one slice, and small states need no allocation.

use types::Scalar;

use super::call::{CallSpec, Form};
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
pub(super) enum Slot {
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

/// The tag of [`Slot::Distinct`].
const DISTINCT: u8 = 14;

// A million groups with a few calls are common, so the size of a slot matters.
const _: () = assert!(size_of::<Slot>() == 24);

/// Evaluates the same expression for whichever state a slot holds.
macro_rules! with_state {
    ($slot:expr, $state:ident => $do:expr) => {
        match $slot {
            Slot::Count($state) => $do,
            Slot::Whole($state) => $do,
            Slot::Pick($state) => $do,
            Slot::Double($state) => $do,
            Slot::Decimal($state) => $do,
            Slot::Extreme($state) => $do,
            Slot::Percentile($state) => $do,
            Slot::Sequence($state) => $do,
            Slot::Joined($state) => $do,
            Slot::JsonObject($state) => $do,
            Slot::Welford($state) => $do,
            Slot::Squares($state) => $do,
            Slot::Collect($state) => $do,
            Slot::Single($state) => $do,
            Slot::Distinct($state) => $do,
        }
    };
}

impl Slot {
    pub fn new(call: &CallSpec) -> Slot {
        if call.distinct && !call.shares_values {
            Slot::Distinct(Box::new(Distinct::new(call.form)))
        } else {
            Slot::of_form(call.form)
        }
    }

    pub fn of_form(form: Form) -> Slot {
        match form {
            Form::Count => Slot::Count(Count::default()),
            Form::Whole => Slot::Whole(WholeSum::default()),
            Form::Pick => Slot::Pick(Pick::default()),
            Form::Double => Slot::Double(Box::default()),
            Form::Decimal => Slot::Decimal(Box::default()),
            Form::Extreme => Slot::Extreme(Box::default()),
            Form::Percentile => Slot::Percentile(Box::default()),
            Form::Sequence => Slot::Sequence(Box::default()),
            Form::Joined => Slot::Joined(Box::default()),
            Form::JsonObject => Slot::JsonObject(Box::default()),
            Form::Welford => Slot::Welford(Box::default()),
            Form::Squares => Slot::Squares(Box::default()),
            Form::Collect => Slot::Collect(Box::default()),
            Form::Single => Slot::Single(Box::default()),
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

    pub fn merge(&mut self, call: &CallSpec, other: Slot) -> Result<(), String> {
        match (self, other) {
            (Slot::Count(state), Slot::Count(other)) => state.merge(call, other),
            (Slot::Whole(state), Slot::Whole(other)) => state.merge(call, other),
            (Slot::Pick(state), Slot::Pick(other)) => state.merge(call, other),
            (Slot::Double(state), Slot::Double(other)) => state.merge(call, *other),
            (Slot::Decimal(state), Slot::Decimal(other)) => state.merge(call, *other),
            (Slot::Extreme(state), Slot::Extreme(other)) => state.merge(call, *other),
            (Slot::Percentile(state), Slot::Percentile(other)) => state.merge(call, *other),
            (Slot::Sequence(state), Slot::Sequence(other)) => state.merge(call, *other),
            (Slot::Joined(state), Slot::Joined(other)) => state.merge(call, *other),
            (Slot::JsonObject(state), Slot::JsonObject(other)) => state.merge(call, *other),
            (Slot::Welford(state), Slot::Welford(other)) => state.merge(call, *other),
            (Slot::Squares(state), Slot::Squares(other)) => state.merge(call, *other),
            (Slot::Collect(state), Slot::Collect(other)) => state.merge(call, *other),
            (Slot::Single(state), Slot::Single(other)) => state.merge(call, *other),
            (Slot::Distinct(state), Slot::Distinct(other)) => state.merge(call, *other),
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
            Slot::Count(_) => 0,
            Slot::Whole(_) => 1,
            Slot::Pick(_) => 2,
            Slot::Double(_) => 3,
            Slot::Decimal(_) => 4,
            Slot::Extreme(_) => 5,
            Slot::Percentile(_) => 6,
            Slot::Sequence(_) => 7,
            Slot::Joined(_) => 8,
            Slot::JsonObject(_) => 9,
            Slot::Welford(_) => 10,
            Slot::Squares(_) => 11,
            Slot::Collect(_) => 12,
            Slot::Single(_) => 13,
            Slot::Distinct(_) => DISTINCT,
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

    pub fn read(reader: &mut Reader<'_>) -> Option<Slot> {
        Some(match reader.tag()? {
            0 => Slot::Count(Count::read(reader)?),
            1 => Slot::Whole(WholeSum::read(reader)?),
            2 => Slot::Pick(Pick::read(reader)?),
            3 => Slot::Double(Box::new(DoubleSum::read(reader)?)),
            4 => Slot::Decimal(Box::new(DecimalSum::read(reader)?)),
            5 => Slot::Extreme(Box::new(Extreme::read(reader)?)),
            6 => Slot::Percentile(Box::new(Percentile::read(reader)?)),
            7 => Slot::Sequence(Box::new(Sequence::read(reader)?)),
            8 => Slot::Joined(Box::new(Joined::read(reader)?)),
            9 => Slot::JsonObject(Box::new(JsonObject::read(reader)?)),
            10 => Slot::Welford(Box::new(Welford::read(reader)?)),
            11 => Slot::Squares(Box::new(Squares::read(reader)?)),
            12 => Slot::Collect(Box::new(Collect::read(reader)?)),
            13 => Slot::Single(Box::new(Single::read(reader)?)),
            DISTINCT => Slot::Distinct(Box::new(Distinct::read(reader)?)),
            _ => return None,
        })
    }

    /// Returns the bytes outside the slot. For a boxed state they include the state itself.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        let boxed = match self {
            Slot::Count(_) | Slot::Whole(_) => return 0,
            Slot::Pick(state) => return state.heap_bytes(),
            Slot::Double(_) => size_of::<DoubleSum>(),
            Slot::Decimal(_) => size_of::<DecimalSum>(),
            Slot::Extreme(_) => size_of::<Extreme>(),
            Slot::Percentile(_) => size_of::<Percentile>(),
            Slot::Sequence(_) => size_of::<Sequence>(),
            Slot::Joined(_) => size_of::<Joined>(),
            Slot::JsonObject(_) => size_of::<JsonObject>(),
            Slot::Welford(_) => size_of::<Welford>(),
            Slot::Squares(_) => size_of::<Squares>(),
            Slot::Collect(_) => size_of::<Collect>(),
            Slot::Single(_) => size_of::<Single>(),
            Slot::Distinct(_) => size_of::<Distinct>(),
        };
        boxed + with_state!(self, state => state.heap_bytes())
    }
}
