//! `MIN`, `MAX`, `FIRST_VALUE` and `LAST_VALUE` over rows that are never retracted: the one value that is the
//! result.
//!
//! NaN is the greatest double wherever it comes among the rows, as in the windows of a scan. (Flink's `MIN`
//! and `MAX` keep a NaN that comes first and ignore a later one.)

use sql::plan::operator::Function;
use types::Scalar;

use super::any_accumulator::Accumulator;
use super::call::CallSpec;
use super::owned_value::OwnedValue;
use crate::row::Reader;

#[derive(Debug)]
pub(super) struct Pick(OwnedValue);

impl Default for Pick {
    fn default() -> Pick {
        Pick(OwnedValue::Null)
    }
}

impl Pick {
    #[inline]
    pub fn result(&self) -> Scalar<'_> {
        self.0.as_scalar()
    }
}

impl Accumulator for Pick {
    #[inline]
    fn add(&mut self, call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        let Some(&value) = args.first() else { return Ok(()) };
        let takes = self.0.is_null()
            || match call.function {
                Function::Min => value.compare(self.0.as_scalar()).is_some_and(|order| order.is_lt()),
                Function::Max => value.compare(self.0.as_scalar()).is_some_and(|order| order.is_gt()),
                Function::LastValue => true,
                _ => false,
            };
        if takes {
            self.0 = OwnedValue::of(value);
        }
        Ok(())
    }

    fn retract(&mut self, _call: &CallSpec, _args: &[Scalar<'_>]) -> Result<(), String> {
        // The plan guarantees that rows are only added.
        Ok(())
    }

    fn merge(&mut self, call: &CallSpec, other: Pick) -> Result<(), String> {
        if other.0.is_null() { Ok(()) } else { self.add(call, &[other.0.as_scalar()]) }
    }

    #[inline]
    fn write_result(&self, _call: &CallSpec, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Pick> {
        OwnedValue::read(reader).map(Pick)
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }
}
