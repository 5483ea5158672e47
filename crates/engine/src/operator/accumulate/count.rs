//! `COUNT`: the number of rows, or of values that are not null.

use types::Scalar;

use super::any_accumulator::Accumulator;
use super::call::CallSpec;
use crate::row::{self, Reader};
use crate::state::StateValue;

#[derive(Debug, Default)]
pub(super) struct Count(i64);

impl Count {
    #[inline]
    pub fn result(&self) -> i64 {
        self.0
    }

    /// Adds this number of rows, or removes them if negative.
    #[inline]
    pub fn change(&mut self, rows: i64) {
        self.0 += rows;
    }
}

impl Accumulator for Count {
    #[inline]
    fn add(&mut self, _call: &CallSpec, _args: &[Scalar<'_>]) -> Result<(), String> {
        self.change(1);
        Ok(())
    }

    #[inline]
    fn retract(&mut self, _call: &CallSpec, _args: &[Scalar<'_>]) -> Result<(), String> {
        self.change(-1);
        Ok(())
    }

    fn merge(&mut self, _call: &CallSpec, other: Count) -> Result<(), String> {
        self.0 += other.0;
        Ok(())
    }

    #[inline]
    fn write_result(&self, _call: &CallSpec, out: &mut Vec<u8>) {
        row::write(Scalar::Int(self.0), out);
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Count> {
        i64::read(reader).map(Count)
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        0
    }
}
