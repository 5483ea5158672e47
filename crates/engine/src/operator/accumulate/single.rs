//! `SINGLE_VALUE`, for scalar subqueries: the only value, which may be null. A second value fails the job.

use types::Scalar;

use super::any_accumulator::Accumulator;
use super::call::CallSpec;
use super::owned_value::OwnedValue;
use crate::row::{self, Reader};

#[derive(Debug, Default)]
pub(super) struct Single {
    value: Option<OwnedValue>,
}

impl Accumulator for Single {
    fn add(&mut self, _call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        if self.value.is_some() {
            return Err("SingleValueAggFunction received more than one element.".to_owned());
        }
        self.value = args.first().map(|&value| OwnedValue::of(value));
        Ok(())
    }

    fn retract(&mut self, _call: &CallSpec, _args: &[Scalar<'_>]) -> Result<(), String> {
        self.value = None;
        Ok(())
    }

    fn merge(&mut self, call: &CallSpec, other: Single) -> Result<(), String> {
        other.value.map_or(Ok(()), |value| self.add(call, &[value.as_scalar()]))
    }

    fn write_result(&self, _call: &CallSpec, out: &mut Vec<u8>) {
        row::write(self.value.as_ref().map_or(Scalar::Null, |value| value.as_scalar()), out);
    }

    fn write(&self, out: &mut Vec<u8>) {
        row::write(Scalar::Bool(self.value.is_some()), out);
        self.value.iter().for_each(|value| value.write(out));
    }

    fn read(reader: &mut Reader<'_>) -> Option<Single> {
        let value = if bool_of(reader)? { Some(OwnedValue::read(reader)?) } else { None };
        Some(Single { value })
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        self.value.as_ref().map_or(0, OwnedValue::heap_bytes)
    }
}

fn bool_of(reader: &mut Reader<'_>) -> Option<bool> {
    if let Scalar::Bool(value) = reader.value()? { Some(value) } else { None }
}
