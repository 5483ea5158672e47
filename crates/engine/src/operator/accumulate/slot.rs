//! The state of one call for one group: one of the forms of [`Form`].

use types::Scalar;

use super::call::{CallSpec, Form};
use super::count::Count;
use super::pick::Pick;
use super::whole_sum::WholeSum;
use crate::row::Reader;

/// What a form of state does. Arguments are one value each; a row whose first argument is null comes only to calls that
/// take nulls.
pub(super) trait Accumulator: Sized {
    /// # Errors
    /// The row makes the query fail.
    fn add(&mut self, call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String>;

    /// Takes back a row.
    ///
    /// # Errors
    /// As [`add`](Accumulator::add).
    fn retract(&mut self, call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String>;

    /// Adds what another state of the call holds, as if its rows came behind.
    ///
    /// # Errors
    /// As [`add`](Accumulator::add).
    fn merge(&mut self, call: &CallSpec, other: Self) -> Result<(), String>;

    /// Adds the result in the compact form.
    fn write_result(&self, call: &CallSpec, out: &mut Vec<u8>);

    /// Adds the state to an image.
    fn write(&self, out: &mut Vec<u8>);

    /// Reads what [`write`](Accumulator::write) wrote.
    fn read(reader: &mut Reader<'_>) -> Option<Self>;

    /// Bytes outside of the state itself. It must not go through the state.
    fn heap_bytes(&self) -> usize;
}

/// The state of a call.
#[derive(Debug)]
pub(super) enum Slot {
    Count(Count),
    Whole(WholeSum),
    Pick(Pick),
}

// A million groups with a few calls are ordinary.
const _: () = assert!(size_of::<Slot>() == 24);

/// Does the same with whichever state a slot holds.
macro_rules! with_state {
    ($slot:expr, $state:ident => $do:expr) => {
        match $slot {
            Slot::Count($state) => $do,
            Slot::Whole($state) => $do,
            Slot::Pick($state) => $do,
        }
    };
}

impl Slot {
    pub fn new(form: Form) -> Slot {
        match form {
            Form::Count => Slot::Count(Count::default()),
            Form::Whole => Slot::Whole(WholeSum::default()),
            Form::Pick => Slot::Pick(Pick::default()),
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
            (state, other) => unreachable!("states of different calls: {state:?} and {other:?}"),
        }
    }

    #[inline]
    pub fn write_result(&self, call: &CallSpec, out: &mut Vec<u8>) {
        with_state!(self, state => state.write_result(call, out));
    }

    /// The number of each form is part of the snapshot format.
    fn tag(&self) -> u8 {
        match self {
            Slot::Count(_) => 0,
            Slot::Whole(_) => 1,
            Slot::Pick(_) => 2,
        }
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
            _ => return None,
        })
    }

    #[inline]
    pub fn heap_bytes(&self) -> usize {
        with_state!(self, state => state.heap_bytes())
    }
}
