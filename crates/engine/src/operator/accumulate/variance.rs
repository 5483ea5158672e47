//! `VAR_POP`, `VAR_SAMP`, `STDDEV_POP` and `STDDEV_SAMP`, in the two ways of Flink.
//!
//! In `GROUP BY` Flink keeps a running mean by Welford's algorithm, in doubles: the last bits of a result
//! depend on the order of rows. `m2` is the sum of squared distances from the mean.
//!
//! In `OVER` Flink computes a variance from sums: `(SUM(x * x) - SUM(x) * SUM(x) / COUNT(x)) / COUNT(x)`, in
//! the types of these sums. Over whole numbers each step wraps and truncates, so that the sample variance of
//! 0 and 1 is 1, not 0.5. (`AggregateReduceFunctionsRule` and `SqlToRelConverter` of Calcite.)
//!
//! Weir follows both ways, because results are cut to the type of the argument, where a last bit counts.

use sql::plan::operator::Function;
use types::{DataType, Scalar};

use super::any_accumulator::Accumulator;
use super::call::CallSpec;
use super::double_sum::{read_sum, write_sum};
use crate::aggregate::exact_sum::ExactSum;
use crate::row::{self, Reader};
use crate::state::StateValue;
use crate::window::results::wrap;

/// The running mean.
#[derive(Debug, Default)]
pub(super) struct Welford {
    count: i64,
    mean: f64,
    m2: f64,
}

impl Accumulator for Welford {
    fn add(&mut self, call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        let Some(value) = args.first().and_then(|&value| double(value, &call.arg)) else { return Ok(()) };
        self.count += 1;
        if self.count > 0 {
            let delta = value - self.mean;
            self.mean += delta / self.count as f64;
            self.m2 += delta * (value - self.mean);
        }
        Ok(())
    }

    fn retract(&mut self, call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        let Some(value) = args.first().and_then(|&value| double(value, &call.arg)) else { return Ok(()) };
        self.count -= 1;
        if self.count > 0 {
            let delta = value - self.mean;
            self.mean -= delta / self.count as f64;
            self.m2 -= (value - self.mean) * delta;
        } else {
            (self.mean, self.m2) = (0.0, 0.0);
        }
        Ok(())
    }

    fn merge(&mut self, _call: &CallSpec, other: Welford) -> Result<(), String> {
        if self.count <= 0 || other.count <= 0 {
            let count = self.count + other.count;
            *self = if other.count > 0 { other } else { std::mem::take(self) };
            self.count = count;
            return Ok(());
        }
        let count = self.count + other.count;
        let delta = other.mean - self.mean;
        self.mean += other.count as f64 / count as f64 * delta;
        self.m2 += other.m2 + self.count as f64 * other.count as f64 / count as f64 * delta * delta;
        self.count = count;
        Ok(())
    }

    fn write_result(&self, call: &CallSpec, out: &mut Vec<u8>) {
        // Squared distances are not negative, except by rounding after retractions.
        let divisor = divisor(call, self.count).filter(|_| self.m2 >= 0.0 || self.m2.is_nan());
        match divisor {
            Some(divisor) => call.write_double(root_where_asked(call, self.m2 / divisor as f64), out),
            None => row::write(Scalar::Null, out),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.count.write(out);
        row::write_all([Scalar::Double(self.mean), Scalar::Double(self.m2)], out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Welford> {
        let count = i64::read(reader)?;
        match (reader.value()?, reader.value()?) {
            (Scalar::Double(mean), Scalar::Double(m2)) => Some(Welford { count, mean, m2 }),
            _ => None,
        }
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        0
    }
}

/// The sums of values and of their squares: in `whole` for whole numbers, otherwise in `doubles`.
#[derive(Debug, Default)]
pub(super) struct Squares {
    count: i64,
    whole: [i64; 2],
    doubles: [ExactSum; 2],
}

impl Squares {
    fn change(&mut self, call: &CallSpec, args: &[Scalar<'_>], count: i64) {
        let Some(&value) = args.first() else { return };
        if let (Scalar::Int(value), true) = (value, call.arg.is_integer()) {
            for (sum, term) in self.whole.iter_mut().zip([value, value.wrapping_mul(value)]) {
                *sum = sum.wrapping_add(term.wrapping_mul(count));
            }
        } else if let Some(value) = double(value, &call.arg) {
            for (sum, term) in self.doubles.iter_mut().zip([value, value * value]) {
                if count > 0 { sum.add(term) } else { sum.subtract(term) }
            }
        } else {
            return;
        }
        self.count += count;
    }

    /// Returns the variance of whole numbers. Both divisions truncate, and everything but the `COUNT`s wraps
    /// at the width of the argument.
    fn whole_variance(&self, arg: &DataType, divisor: i64) -> i64 {
        let [sum, squares] = self.whole.map(|sum| wrap(sum, arg));
        let mean = wrap(sum.wrapping_mul(sum), arg) / self.count;
        squares.wrapping_sub(mean).wrapping_div(divisor)
    }
}

impl Accumulator for Squares {
    fn add(&mut self, call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        self.change(call, args, 1);
        Ok(())
    }

    fn retract(&mut self, call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        self.change(call, args, -1);
        Ok(())
    }

    fn merge(&mut self, _call: &CallSpec, other: Squares) -> Result<(), String> {
        self.count += other.count;
        self.whole.iter_mut().zip(other.whole).for_each(|(sum, more)| *sum = sum.wrapping_add(more));
        self.doubles.iter_mut().zip(&other.doubles).for_each(|(sum, more)| sum.merge(more));
        Ok(())
    }

    fn write_result(&self, call: &CallSpec, out: &mut Vec<u8>) {
        let Some(divisor) = divisor(call, self.count) else { return row::write(Scalar::Null, out) };
        if !call.arg.is_integer() {
            let [sum, squares] = [self.doubles[0].sum(), self.doubles[1].sum()];
            let variance = (squares - sum * sum / self.count as f64) / divisor as f64;
            return call.write_double(root_where_asked(call, variance), out);
        }
        let variance = self.whole_variance(&call.arg, divisor);
        if is_root(call) {
            call.write_double((variance as f64).powf(0.5), out);
        } else {
            row::write(Scalar::Int(wrap(variance, &call.result)), out);
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.count.write(out);
        self.whole.iter().for_each(|sum| sum.write(out));
        self.doubles.iter().for_each(|sum| write_sum(sum, out));
    }

    fn read(reader: &mut Reader<'_>) -> Option<Squares> {
        Some(Squares {
            count: i64::read(reader)?,
            whole: [i64::read(reader)?, i64::read(reader)?],
            doubles: [read_sum(reader)?, read_sum(reader)?],
        })
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        self.doubles.iter().map(ExactSum::heap_bytes).sum()
    }
}

/// Returns the divisor of the sum of squared distances; `None` if there is no result.
fn divisor(call: &CallSpec, count: i64) -> Option<i64> {
    let divisor = match call.function {
        Function::VarSamp | Function::StddevSamp => count - 1,
        _ => count,
    };
    (divisor > 0).then_some(divisor)
}

fn is_root(call: &CallSpec) -> bool {
    matches!(call.function, Function::StddevPop | Function::StddevSamp)
}

fn root_where_asked(call: &CallSpec, variance: f64) -> f64 {
    if is_root(call) { variance.powf(0.5) } else { variance }
}

/// Returns a number as a double.
pub(super) fn double(value: Scalar<'_>, data_type: &DataType) -> Option<f64> {
    match (value, data_type) {
        (Scalar::Int(value), _) => Some(value as f64),
        (Scalar::Double(value), _) => Some(value),
        // Both operands are exact up to 2^53 and 10^22, so the quotient is rounded once.
        (Scalar::Wide(value), DataType::Decimal { scale, .. }) => {
            Some(value as f64 / 10f64.powi((*scale).into()))
        }
        _ => None,
    }
}
