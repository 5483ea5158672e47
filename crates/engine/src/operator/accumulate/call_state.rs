//! The state of one call for one group, in one of the forms of [`Form`].
//!
//! Each form is a type that implements [`Accumulator`]. [`CallState`] is an enum of all forms, so that the states
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
pub(super) enum CallState {
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

/// The tag of [`CallState::Distinct`].
const DISTINCT: u8 = 14;

// A million groups with a few calls are common, so the size of a state matters.
const _: () = assert!(size_of::<CallState>() == 24);

/// Evaluates the same expression for whichever form a state has.
macro_rules! with_state {
    ($slot:expr, $state:ident => $do:expr) => {
        match $slot {
            CallState::Count($state) => $do,
            CallState::Whole($state) => $do,
            CallState::Pick($state) => $do,
            CallState::Double($state) => $do,
            CallState::Decimal($state) => $do,
            CallState::Extreme($state) => $do,
            CallState::Percentile($state) => $do,
            CallState::Sequence($state) => $do,
            CallState::Joined($state) => $do,
            CallState::JsonObject($state) => $do,
            CallState::Welford($state) => $do,
            CallState::Squares($state) => $do,
            CallState::Collect($state) => $do,
            CallState::Single($state) => $do,
            CallState::Distinct($state) => $do,
        }
    };
}

impl CallState {
    pub fn new(call: &CallSpec) -> CallState {
        if call.distinct && !call.shares_values {
            CallState::Distinct(Box::new(Distinct::new(call.form)))
        } else {
            CallState::of_form(call.form)
        }
    }

    pub fn of_form(form: Form) -> CallState {
        match form {
            Form::Count => CallState::Count(Count::default()),
            Form::Whole => CallState::Whole(WholeSum::default()),
            Form::Pick => CallState::Pick(Pick::default()),
            Form::Double => CallState::Double(Box::default()),
            Form::Decimal => CallState::Decimal(Box::default()),
            Form::Extreme => CallState::Extreme(Box::default()),
            Form::Percentile => CallState::Percentile(Box::default()),
            Form::Sequence => CallState::Sequence(Box::default()),
            Form::Joined => CallState::Joined(Box::default()),
            Form::JsonObject => CallState::JsonObject(Box::default()),
            Form::Welford => CallState::Welford(Box::default()),
            Form::Squares => CallState::Squares(Box::default()),
            Form::Collect => CallState::Collect(Box::default()),
            Form::Single => CallState::Single(Box::default()),
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

    pub fn merge(&mut self, call: &CallSpec, other: CallState) -> Result<(), String> {
        match (self, other) {
            (CallState::Count(state), CallState::Count(other)) => state.merge(call, other),
            (CallState::Whole(state), CallState::Whole(other)) => state.merge(call, other),
            (CallState::Pick(state), CallState::Pick(other)) => state.merge(call, other),
            (CallState::Double(state), CallState::Double(other)) => state.merge(call, *other),
            (CallState::Decimal(state), CallState::Decimal(other)) => state.merge(call, *other),
            (CallState::Extreme(state), CallState::Extreme(other)) => state.merge(call, *other),
            (CallState::Percentile(state), CallState::Percentile(other)) => state.merge(call, *other),
            (CallState::Sequence(state), CallState::Sequence(other)) => state.merge(call, *other),
            (CallState::Joined(state), CallState::Joined(other)) => state.merge(call, *other),
            (CallState::JsonObject(state), CallState::JsonObject(other)) => state.merge(call, *other),
            (CallState::Welford(state), CallState::Welford(other)) => state.merge(call, *other),
            (CallState::Squares(state), CallState::Squares(other)) => state.merge(call, *other),
            (CallState::Collect(state), CallState::Collect(other)) => state.merge(call, *other),
            (CallState::Single(state), CallState::Single(other)) => state.merge(call, *other),
            (CallState::Distinct(state), CallState::Distinct(other)) => state.merge(call, *other),
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
            CallState::Count(_) => 0,
            CallState::Whole(_) => 1,
            CallState::Pick(_) => 2,
            CallState::Double(_) => 3,
            CallState::Decimal(_) => 4,
            CallState::Extreme(_) => 5,
            CallState::Percentile(_) => 6,
            CallState::Sequence(_) => 7,
            CallState::Joined(_) => 8,
            CallState::JsonObject(_) => 9,
            CallState::Welford(_) => 10,
            CallState::Squares(_) => 11,
            CallState::Collect(_) => 12,
            CallState::Single(_) => 13,
            CallState::Distinct(_) => DISTINCT,
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

    pub fn read(reader: &mut Reader<'_>) -> Option<CallState> {
        Some(match reader.tag()? {
            0 => CallState::Count(Count::read(reader)?),
            1 => CallState::Whole(WholeSum::read(reader)?),
            2 => CallState::Pick(Pick::read(reader)?),
            3 => CallState::Double(Box::new(DoubleSum::read(reader)?)),
            4 => CallState::Decimal(Box::new(DecimalSum::read(reader)?)),
            5 => CallState::Extreme(Box::new(Extreme::read(reader)?)),
            6 => CallState::Percentile(Box::new(Percentile::read(reader)?)),
            7 => CallState::Sequence(Box::new(Sequence::read(reader)?)),
            8 => CallState::Joined(Box::new(Joined::read(reader)?)),
            9 => CallState::JsonObject(Box::new(JsonObject::read(reader)?)),
            10 => CallState::Welford(Box::new(Welford::read(reader)?)),
            11 => CallState::Squares(Box::new(Squares::read(reader)?)),
            12 => CallState::Collect(Box::new(Collect::read(reader)?)),
            13 => CallState::Single(Box::new(Single::read(reader)?)),
            DISTINCT => CallState::Distinct(Box::new(Distinct::read(reader)?)),
            _ => return None,
        })
    }

    /// Returns the bytes outside the enum. For a boxed state they include the state itself.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        let boxed = match self {
            CallState::Count(_) | CallState::Whole(_) => return 0,
            CallState::Pick(state) => return state.heap_bytes(),
            CallState::Double(_) => size_of::<DoubleSum>(),
            CallState::Decimal(_) => size_of::<DecimalSum>(),
            CallState::Extreme(_) => size_of::<Extreme>(),
            CallState::Percentile(_) => size_of::<Percentile>(),
            CallState::Sequence(_) => size_of::<Sequence>(),
            CallState::Joined(_) => size_of::<Joined>(),
            CallState::JsonObject(_) => size_of::<JsonObject>(),
            CallState::Welford(_) => size_of::<Welford>(),
            CallState::Squares(_) => size_of::<Squares>(),
            CallState::Collect(_) => size_of::<Collect>(),
            CallState::Single(_) => size_of::<Single>(),
            CallState::Distinct(_) => size_of::<Distinct>(),
        };
        boxed + with_state!(self, state => state.heap_bytes())
    }
}
