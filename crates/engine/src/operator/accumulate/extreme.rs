//! `MIN` and `MAX` over rows that may be retracted: all values, so that the next value is known when the
//! extreme one goes.

use sql::plan::operator::Function;
use types::Scalar;

use super::any_accumulator::Accumulator;
use super::call::CallSpec;
use super::multiset::Multiset;
use crate::row::{self, Reader};

#[derive(Debug, Default)]
pub(super) struct Extreme(Multiset);

impl Accumulator for Extreme {
    fn add(&mut self, _call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        args.iter().for_each(|&value| self.0.add(value, 1));
        Ok(())
    }

    fn retract(&mut self, _call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        args.iter().for_each(|&value| self.0.remove(value, 1));
        Ok(())
    }

    fn merge(&mut self, _call: &CallSpec, other: Extreme) -> Result<(), String> {
        self.0.merge(&other.0);
        Ok(())
    }

    fn write_result(&self, call: &CallSpec, out: &mut Vec<u8>) {
        let value = match call.function {
            Function::Max => self.0.last(),
            _ => self.0.first(),
        };
        row::write(value.map_or(Scalar::Null, |value| value.as_scalar()), out);
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Extreme> {
        Multiset::read(reader).map(Extreme)
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }
}
