//! `LISTAGG` over rows that are never retracted: the text so far.

use sql::plan::operator::Function;
use types::Scalar;

use super::any_accumulator::Accumulator;
use super::call::CallSpec;
use crate::row::{self, Reader};

/// The joined text; `None` before the first value.
#[derive(Debug, Default)]
pub(super) struct Joined(Option<String>);

impl Accumulator for Joined {
    fn add(&mut self, call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        let (Function::ListAgg { separator }, Some(Scalar::Text(text))) = (&call.function, args.first())
        else {
            return Ok(());
        };
        match &mut self.0 {
            None => self.0 = Some((*text).to_owned()),
            Some(joined) => {
                joined.push_str(separator);
                joined.push_str(text);
            }
        }
        Ok(())
    }

    fn retract(&mut self, _call: &CallSpec, _args: &[Scalar<'_>]) -> Result<(), String> {
        // The plan guarantees that rows are only added.
        Ok(())
    }

    fn merge(&mut self, call: &CallSpec, other: Joined) -> Result<(), String> {
        other.0.map_or(Ok(()), |more| self.add(call, &[Scalar::Text(&more)]))
    }

    fn write_result(&self, _call: &CallSpec, out: &mut Vec<u8>) {
        row::write(self.0.as_deref().map_or(Scalar::Null, Scalar::Text), out);
    }

    fn write(&self, out: &mut Vec<u8>) {
        row::write(self.0.as_deref().map_or(Scalar::Null, Scalar::Text), out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Joined> {
        match reader.value()? {
            Scalar::Null => Some(Joined(None)),
            Scalar::Text(text) => Some(Joined(Some(text.to_owned()))),
            _ => None,
        }
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, String::capacity)
    }
}
