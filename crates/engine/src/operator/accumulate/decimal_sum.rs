//! `SUM` and `AVG` of `DECIMAL`: a sum of 192 bits, so that a sum which exceeds 38 digits for a while is
//! exact again once it comes back.
//!
//! The sum is `low + high * 2^128`; `high` is 0 unless an `i128` cannot hold the sum. A result of more than
//! 38 digits is null.

use sql::plan::operator::Function;
use types::{DataType, Scalar};

use super::any_accumulator::Accumulator;
use super::call::CallSpec;
use crate::row::{self, Reader};
use crate::state::StateValue;
use crate::window::results::{fits, quotient};

#[derive(Debug, Default)]
pub(super) struct DecimalSum {
    low: i128,
    high: i64,
    count: i64,
}

impl DecimalSum {
    #[inline]
    fn change(&mut self, args: &[Scalar<'_>], count: i64) {
        if let [Scalar::Wide(value)] = *args {
            // A value has at most 38 digits, so the negation cannot overflow.
            self.add_wide(if count < 0 { value.wrapping_neg() } else { value });
            self.count += count;
        }
    }

    #[inline]
    fn add_wide(&mut self, value: i128) {
        let (sum, overflows) = self.low.overflowing_add(value);
        self.low = sum;
        if overflows {
            self.high += if value > 0 { 1 } else { -1 };
        }
    }

    /// Returns the sum, or `None` if it has more than 38 digits.
    fn sum(&self) -> Option<i128> {
        if self.high == 0 { fits(self.low) } else { None }
    }
}

impl Accumulator for DecimalSum {
    #[inline]
    fn add(&mut self, _call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        self.change(args, 1);
        Ok(())
    }

    fn retract(&mut self, _call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        self.change(args, -1);
        Ok(())
    }

    fn merge(&mut self, _call: &CallSpec, other: DecimalSum) -> Result<(), String> {
        self.add_wide(other.low);
        self.high += other.high;
        self.count += other.count;
        Ok(())
    }

    fn write_result(&self, call: &CallSpec, out: &mut Vec<u8>) {
        let digits = |data_type: &DataType| match data_type {
            DataType::Decimal { scale, .. } => u32::from(*scale),
            _ => 0,
        };
        let value = match (&call.function, u64::try_from(self.count)) {
            (_, Ok(0) | Err(_)) => None,
            (Function::Avg, Ok(count)) => {
                let factor = 10i128.pow(digits(&call.result).saturating_sub(digits(&call.arg)));
                self.sum().and_then(|sum| quotient(sum, factor, count)).and_then(fits)
            }
            _ => self.sum(),
        };
        row::write(value.map_or(Scalar::Null, Scalar::Wide), out);
    }

    fn write(&self, out: &mut Vec<u8>) {
        row::write(Scalar::Wide(self.low), out);
        self.high.write(out);
        self.count.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<DecimalSum> {
        let Scalar::Wide(low) = reader.value()? else { return None };
        Some(DecimalSum { low, high: i64::read(reader)?, count: i64::read(reader)? })
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        0
    }
}
