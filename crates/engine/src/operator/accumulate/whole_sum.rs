//! `SUM` and `AVG` of whole numbers: a sum that wraps at 64 bits, and the number of summed values.
//!
//! Wrapping at 64 bits and finally at the width of the result gives the same sum as wrapping at that width
//! after every value.

use sql::plan::operator::Function;
use types::Scalar;

use super::any_accumulator::Accumulator;
use super::call::CallSpec;
use crate::row::{self, Reader};
use crate::state::StateValue;
use crate::window::results::wrap;

#[derive(Debug, Default)]
pub(super) struct WholeSum {
    sum: i64,
    count: i64,
}

impl WholeSum {
    #[inline]
    fn change(&mut self, args: &[Scalar<'_>], count: i64) {
        if let [Scalar::Int(value)] = *args {
            self.sum = self.sum.wrapping_add(value.wrapping_mul(count));
            self.count += count;
        }
    }

    /// Returns the result; `None` over no values.
    #[inline]
    pub fn result(&self, call: &CallSpec) -> Option<i64> {
        if self.count == 0 {
            return None;
        }
        Some(match call.function {
            // Division truncates.
            Function::Avg => wrap(self.sum.wrapping_div(self.count), &call.result),
            Function::AvgOfSum => wrap(self.sum, &call.result).wrapping_div(self.count),
            _ => wrap(self.sum, &call.result),
        })
    }
}

impl Accumulator for WholeSum {
    #[inline]
    fn add(&mut self, _call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        self.change(args, 1);
        Ok(())
    }

    #[inline]
    fn retract(&mut self, _call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        self.change(args, -1);
        Ok(())
    }

    fn merge(&mut self, _call: &CallSpec, other: WholeSum) -> Result<(), String> {
        self.sum = self.sum.wrapping_add(other.sum);
        self.count += other.count;
        Ok(())
    }

    #[inline]
    fn write_result(&self, call: &CallSpec, out: &mut Vec<u8>) {
        row::write(self.result(call).map_or(Scalar::Null, Scalar::Int), out);
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.sum.write(out);
        self.count.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<WholeSum> {
        Some(WholeSum { sum: i64::read(reader)?, count: i64::read(reader)? })
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        0
    }
}
