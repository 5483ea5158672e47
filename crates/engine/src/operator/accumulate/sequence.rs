//! `FIRST_VALUE`, `LAST_VALUE` and `LISTAGG` over rows that may be retracted, `ARRAY_AGG`, and
//! `JSON_ARRAYAGG`: the values in order of arrival.

use sql::plan::operator::Function;
use types::Scalar;

use super::any_accumulator::Accumulator;
use super::arrivals::Arrivals;
use super::call::CallSpec;
use super::nested;
use super::owned_value::OwnedValue;
use crate::row::{self, Reader};

#[derive(Debug, Default)]
pub(super) struct Sequence(Arrivals);

impl Sequence {
    /// Returns the values in order of arrival.
    pub fn iter(&self) -> impl Iterator<Item = &OwnedValue> {
        self.0.iter()
    }

    /// Joins the texts with a separator.
    fn join(&self, begin: &str, separator: &str, end: &str) -> String {
        let mut joined = begin.to_owned();
        for (number, value) in self.0.iter().enumerate() {
            if number > 0 {
                joined.push_str(separator);
            }
            match value.as_scalar() {
                Scalar::Text(text) => joined.push_str(text),
                _ => joined.push_str("null"),
            }
        }
        joined.push_str(end);
        joined
    }
}

impl Accumulator for Sequence {
    fn add(&mut self, _call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        args.iter().take(1).for_each(|&value| self.0.push(value));
        Ok(())
    }

    fn retract(&mut self, _call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        args.iter().take(1).for_each(|&value| self.0.remove(value));
        Ok(())
    }

    fn merge(&mut self, _call: &CallSpec, other: Sequence) -> Result<(), String> {
        other.0.iter().for_each(|value| self.0.push(value.as_scalar()));
        Ok(())
    }

    fn write_result(&self, call: &CallSpec, out: &mut Vec<u8>) {
        match &call.function {
            Function::JsonArrayAgg { .. } => row::write(Scalar::Text(&self.join("[", ",", "]")), out),
            _ if self.0.len() == 0 => row::write(Scalar::Null, out),
            Function::ListAgg { separator } => row::write(Scalar::Text(&self.join("", separator, "")), out),
            Function::ArrayAgg => nested::write_array(self.0.iter().map(|value| value.as_scalar()), out),
            Function::FirstValue => self.0.first().into_iter().for_each(|value| value.write(out)),
            _ => self.0.last().into_iter().for_each(|value| value.write(out)),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Sequence> {
        Arrivals::read(reader).map(Sequence)
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }
}
