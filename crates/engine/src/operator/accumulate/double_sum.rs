//! `SUM` and `AVG` of `DOUBLE` and `FLOAT`: an exact sum, rounded once, so that the order of rows changes
//! nothing.

use sql::plan::operator::Function;
use types::Scalar;

use super::any_accumulator::Accumulator;
use super::call::CallSpec;
use crate::aggregate::exact_sum::{ExactSum, ExactSumParts};
use crate::row::{self, Reader};
use crate::state::StateValue;
use crate::window::results::round_to;

#[derive(Debug, Default)]
pub(super) struct DoubleSum {
    sum: ExactSum,
    count: i64,
}

impl Accumulator for DoubleSum {
    #[inline]
    fn add(&mut self, _call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        if let [Scalar::Double(value)] = *args {
            self.sum.add(value);
            self.count += 1;
        }
        Ok(())
    }

    fn retract(&mut self, _call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        if let [Scalar::Double(value)] = *args {
            self.sum.subtract(value);
            self.count -= 1;
        }
        Ok(())
    }

    fn merge(&mut self, _call: &CallSpec, other: DoubleSum) -> Result<(), String> {
        self.sum.merge(&other.sum);
        self.count += other.count;
        Ok(())
    }

    fn write_result(&self, call: &CallSpec, out: &mut Vec<u8>) {
        let value = match call.function {
            _ if self.count == 0 => Scalar::Null,
            Function::Avg => Scalar::Double(round_to(self.sum.sum() / self.count as f64, &call.result)),
            _ => Scalar::Double(round_to(self.sum.sum(), &call.result)),
        };
        row::write(value, out);
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.count.write(out);
        write_sum(&self.sum, out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<DoubleSum> {
        Some(DoubleSum { count: i64::read(reader)?, sum: read_sum(reader)? })
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        self.sum.heap_bytes()
    }
}

/// Appends an exact sum to an image.
pub(super) fn write_sum(sum: &ExactSum, out: &mut Vec<u8>) {
    let ExactSumParts { fixed, odd } = sum.parts();
    row::write(Scalar::Wide(fixed), out);
    row::write_length(odd.len(), out);
    odd.iter().for_each(|word| word.write(out));
}

pub(super) fn read_sum(reader: &mut Reader<'_>) -> Option<ExactSum> {
    let Scalar::Wide(fixed) = reader.value()? else { return None };
    let words = reader.length()?;
    let odd = (0..words).map(|_| i64::read(reader)).collect::<Option<_>>()?;
    ExactSum::of_parts(&ExactSumParts { fixed, odd })
}
