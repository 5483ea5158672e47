//! `PERCENTILE`: all values in order with their counts; see [`PercentilePosition`] for the result.

use sql::plan::operator::Function;
use types::Scalar;

use super::any_accumulator::Accumulator;
use super::call::CallSpec;
use super::multiset::Multiset;
use super::nested;
use super::variance::double;
use crate::aggregate::percentile::PercentilePosition;
use crate::row::{self, Reader};
use crate::state::StateValue;

#[derive(Debug, Default)]
pub(super) struct Percentile {
    values: Multiset,
    total: i64,
}

impl Percentile {
    /// Returns the value of a row and its frequency, or `None` if the frequency is null or not positive.
    fn value(call: &CallSpec, args: &[Scalar<'_>]) -> Option<(f64, i64)> {
        let value = double(*args.first()?, &call.arg)?;
        match args.get(1) {
            None => Some((value, 1)),
            Some(Scalar::Int(frequency)) if *frequency > 0 => Some((value, *frequency)),
            Some(_) => None,
        }
    }

    /// Returns the value at a place between 0 and 1; there must be values.
    fn at(&self, place: f64) -> f64 {
        let position = PercentilePosition::new(place, self.total);
        let (lower, higher) = (position.lower(), position.higher());
        let mut values = self.values.iter();
        let mut end = 0;

        while let Some((value, count)) = values.next() {
            end += count;
            if (end as f64) <= lower {
                continue;
            }
            let low = as_double(value.as_scalar());
            if (end as f64) > higher {
                return low;
            }
            let high = values.next().map_or(low, |(value, _)| as_double(value.as_scalar()));
            return position.value(low, high);
        }
        f64::NAN
    }
}

fn as_double(value: Scalar<'_>) -> f64 {
    if let Scalar::Double(value) = value { value } else { f64::NAN }
}

impl Accumulator for Percentile {
    fn add(&mut self, call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        if let Some((value, count)) = Percentile::value(call, args) {
            self.values.add(Scalar::Double(value), count);
            self.total += count;
        }
        Ok(())
    }

    fn retract(&mut self, call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        if let Some((value, count)) = Percentile::value(call, args) {
            self.values.remove(Scalar::Double(value), count);
            self.total -= count;
        }
        Ok(())
    }

    fn merge(&mut self, _call: &CallSpec, other: Percentile) -> Result<(), String> {
        self.values.merge(&other.values);
        self.total += other.total;
        Ok(())
    }

    fn write_result(&self, call: &CallSpec, out: &mut Vec<u8>) {
        let Function::Percentile { places, many } = &call.function else {
            unreachable!("only percentiles have this state")
        };
        if self.values.is_empty() || places.is_empty() {
            row::write(Scalar::Null, out);
        } else if *many {
            nested::write_array(places.iter().map(|&place| Scalar::Double(self.at(place))), out);
        } else {
            row::write(Scalar::Double(self.at(places[0])), out);
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.total.write(out);
        self.values.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Percentile> {
        Some(Percentile { total: i64::read(reader)?, values: Multiset::read(reader)? })
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        self.values.heap_bytes()
    }
}
