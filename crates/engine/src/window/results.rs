//! Computes result columns from states.

use types::{DataType, Repr, Value};

use crate::aggregate::domain::Domains;
use crate::aggregate::exact_sum::{ExactSums, FixedColumn};
use crate::aggregate::percentile::PercentilePosition;
use crate::aggregate::state::{StateColumn, StateSpec};
use crate::aggregate::table::{GroupTable, TableSpec};
use crate::column::Column;
use crate::dictionary::NULL_CODE;
use crate::layout::ResultSpec;

/// Writes one aggregate call's results for some groups of a table to `column`.
pub(crate) fn result_column(
    result: &ResultSpec,
    spec: &TableSpec,
    table: &mut GroupTable,
    groups: &[u32],
    domains: &Domains,
    column: &mut Column,
) {
    column.reset(groups.len());
    let mut set = |row: usize, value: Value| column.set(row, value.as_scalar());

    match result {
        ResultSpec::Rows => {
            for (row, &group) in groups.iter().enumerate() {
                set(row, Value::Int(table.rows[group as usize] as i64));
            }
        }
        ResultSpec::Count(state) => {
            let StateColumn::Count(counts) = &table.states[*state] else {
                unreachable!("counts are counted")
            };
            for (row, &group) in groups.iter().enumerate() {
                set(row, Value::Int(counts[group as usize] as i64));
            }
        }
        ResultSpec::Sum(state, arg) => {
            for (row, &group) in groups.iter().enumerate() {
                set(row, sum(&table.states[*state], group, arg));
            }
        }
        ResultSpec::Avg(state, arg, to) => {
            for (row, &group) in groups.iter().enumerate() {
                set(row, average(&table.states[*state], group, arg, to));
            }
        }
        ResultSpec::Pick(state, data_type) => {
            for (row, &group) in groups.iter().enumerate() {
                set(row, picked(&table.states[*state], spec.states[*state], group, data_type, domains));
            }
        }
        ResultSpec::Percentile(state, p) => {
            let StateColumn::Values(values) = &mut table.states[*state] else {
                unreachable!("percentiles keep values")
            };
            for (row, &group) in groups.iter().enumerate() {
                if let Some(value) = percentile(&mut values.of[group as usize], *p) {
                    set(row, Value::Double(value));
                }
            }
        }
        ResultSpec::CountDistinct(state) => {
            let StateColumn::Distinct(distinct) = &table.states[*state] else {
                unreachable!("sets hold distinct values")
            };
            for (row, &group) in groups.iter().enumerate() {
                set(row, Value::Int(distinct.count(group) as i64));
            }
        }
        ResultSpec::SumDistinct(state, arg) => {
            let sums = distinct_sums(table, spec, *state, arg, domains);
            for (row, &group) in groups.iter().enumerate() {
                set(row, sum(&sums, group, arg));
            }
        }
        ResultSpec::AvgDistinct(state, arg, to) => {
            let sums = distinct_sums(table, spec, *state, arg, domains);
            for (row, &group) in groups.iter().enumerate() {
                set(row, average(&sums, group, arg, to));
            }
        }
        ResultSpec::PercentileDistinct(state, p) => {
            let mut values = vec![Vec::new(); table.rows.len()];
            for_each_distinct(table, spec, *state, domains, |group, value| {
                if let Value::Double(value) = value {
                    values[group as usize].push(value);
                }
            });
            for (row, &group) in groups.iter().enumerate() {
                if let Some(value) = percentile(&mut values[group as usize], *p) {
                    set(row, Value::Double(value));
                }
            }
        }
    }
}

fn sum(state: &StateColumn, group: u32, data_type: &DataType) -> Value {
    let index = group as usize;
    match state {
        StateColumn::SumInt(sums) if sums.counts[index] > 0 => Value::Int(wrap(sums.sums[index], data_type)),
        StateColumn::SumDouble(sums) => match sums.sum(group) {
            Some(sum) => Value::Double(round_to(sum, data_type)),
            None => Value::Null,
        },
        StateColumn::SumWide(sums) if sums.counts[index] > 0 => decimal(Some(sums.sums[index])),
        _ => Value::Null,
    }
}

fn average(state: &StateColumn, group: u32, arg: &DataType, to: &DataType) -> Value {
    let index = group as usize;
    match state {
        StateColumn::SumInt(sums) if sums.counts[index] > 0 => {
            Value::Int(wrap(sums.sums[index] / sums.counts[index] as i64, to))
        }
        StateColumn::SumDouble(sums) => match sums.sum(group) {
            Some(sum) => Value::Double(round_to(sum / sums.counts[index] as f64, to)),
            None => Value::Null,
        },
        StateColumn::SumWide(sums) if sums.counts[index] > 0 => {
            let digits = |t: &DataType| match t {
                DataType::Decimal { scale, .. } => *scale as u32,
                _ => 0,
            };
            let factor = 10i128.pow(digits(to).saturating_sub(digits(arg)));
            decimal(fits(sums.sums[index]).and_then(|sum| quotient(sum, factor, sums.counts[index])))
        }
        _ => Value::Null,
    }
}

/// Returns `sum * factor / count`, rounded half away from zero; `None` if it does not fit an `i128`.
pub(crate) fn quotient(sum: i128, factor: i128, count: u64) -> Option<i128> {
    let count = i128::from(count);
    // The remainder is below the count, so only the whole part can be too large.
    let whole = (sum / count).checked_mul(factor)?;
    let rest = sum % count * factor;
    let rounded = (2 * rest.abs() + count) / (2 * count) * rest.signum();
    whole.checked_add(rounded)
}

/// Returns the value, unless it has more than 38 digits.
pub(crate) fn fits(unscaled: i128) -> Option<i128> {
    const LIMIT: u128 = 10u128.pow(38);
    (unscaled.unsigned_abs() < LIMIT).then_some(unscaled)
}

/// Returns the value, or null if it has more than 38 digits.
fn decimal(unscaled: Option<i128>) -> Value {
    unscaled.and_then(fits).map_or(Value::Null, Value::Wide)
}

fn picked(
    state: &StateColumn,
    spec: StateSpec,
    group: u32,
    data_type: &DataType,
    domains: &Domains,
) -> Value {
    let index = group as usize;
    match state {
        StateColumn::PickInt(picked) if picked.valid[index] != 0 => match data_type.repr() {
            Some(Repr::Bool) => Value::Bool(picked.values[index] != 0),
            _ => Value::Int(picked.values[index]),
        },
        StateColumn::PickDouble(picked) if picked.valid[index] != 0 => Value::Double(picked.values[index]),
        StateColumn::PickWide(picked) if picked.valid[index] != 0 => Value::Wide(picked.values[index]),
        StateColumn::PickText(codes) if codes[index] != NULL_CODE => {
            let StateSpec::PickText(domain, _) = spec else { unreachable!("a text is picked from a domain") };
            domains.specs[domain].value(&domains.list[domain], codes[index])
        }
        _ => Value::Null,
    }
}

/// Returns a percentile; `None` without values. Reorders the values.
fn percentile(values: &mut [f64], p: f64) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let position = PercentilePosition::new(p, values.len() as i64);
    let index = (position.lower() as usize).min(values.len() - 1);
    let (_, &mut low, above) = values.select_nth_unstable_by(index, f64::total_cmp);
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    Some(position.value(low, high))
}

fn for_each_distinct(
    table: &GroupTable,
    spec: &TableSpec,
    state: usize,
    domains: &Domains,
    mut each: impl FnMut(u32, Value),
) {
    let (StateColumn::Distinct(distinct), StateSpec::Distinct(domain)) =
        (&table.states[state], spec.states[state])
    else {
        unreachable!("sets hold distinct values")
    };
    distinct.for_each(|group, code| each(group, domains.specs[domain].value(&domains.list[domain], code)));
}

/// Sums the distinct values of each group.
fn distinct_sums(
    table: &GroupTable,
    spec: &TableSpec,
    state: usize,
    arg: &DataType,
    domains: &Domains,
) -> StateColumn {
    let sum_spec = match arg.repr() {
        Some(Repr::Int) => StateSpec::SumInt(0),
        Some(Repr::Double) => StateSpec::SumDouble(0),
        _ => StateSpec::SumWide(0),
    };

    let mut sums = StateColumn::new(sum_spec, true, &[], 0);
    sums.resize(table.rows.len());

    for_each_distinct(table, spec, state, domains, |group, value| {
        let index = group as usize;
        match (&mut sums, value) {
            (StateColumn::SumInt(sums), Value::Int(value)) => {
                sums.sums[index] = sums.sums[index].wrapping_add(value);
                sums.counts[index] += 1;
            }
            (StateColumn::SumDouble(sums), Value::Double(value)) => add_double(sums, group, value),
            (StateColumn::SumWide(sums), Value::Wide(value)) => {
                sums.add_wide(index, value, 1);
            }
            _ => {}
        }
    });

    sums
}

fn add_double(sums: &mut ExactSums, group: u32, value: f64) {
    let mut column = FixedColumn::default();
    column.fill(&[value], &[1]);
    sums.add_row(group, &column, &[value], 0);
}

/// Wraps a whole number at the width of its type.
pub(crate) fn wrap(value: i64, data_type: &DataType) -> i64 {
    match data_type {
        DataType::TinyInt => value as i8 as i64,
        DataType::SmallInt => value as i16 as i64,
        DataType::Int => value as i32 as i64,
        _ => value,
    }
}

/// Rounds a value of type `FLOAT`, which is held as a double, to single precision.
pub(crate) fn round_to(value: f64, data_type: &DataType) -> f64 {
    if *data_type == DataType::Float { value as f32 as f64 } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_of_decimals_are_rounded_half_up() {
        for (sum, count, average) in
            [(200, 3, 666_667), (-200, 3, -666_667), (100, 8, 125_000), (1, 2, 5_000)]
        {
            assert_eq!(quotient(sum, 10_000, count), Some(average), "{sum} / {count}");
        }
        assert_eq!(quotient(5, 1, 2), Some(3));
        assert_eq!(quotient(-5, 1, 2), Some(-3));
        // The sum times the factor exceeds an i128, the average does not.
        assert_eq!(quotient(10i128.pow(37), 1_000_000, 10u64.pow(10)), Some(10i128.pow(33)));
        assert_eq!(quotient(10i128.pow(37), 1_000_000, 1), None);
    }

    #[test]
    fn percentiles_of_infinity_and_nan_are_flinks() {
        const INF: f64 = f64::INFINITY;
        for (values, answers) in [
            (vec![INF, 1.0, 3.0], [1.0, 2.0, 3.0, INF, INF]),
            (vec![-INF, 1.0, 3.0, INF], [-INF, -INF, 2.0, INF, INF]),
            (vec![INF, INF, INF, INF], [INF; 5]),
            (vec![1.0, 2.0], [1.0, 1.25, 1.5, 1.75, 2.0]),
        ] {
            let got = [0.0, 0.25, 0.5, 0.75, 1.0].map(|p| percentile(&mut values.clone(), p));
            assert_eq!(got, answers.map(Some), "{values:?}");
        }
        let mut with_nan = [f64::NAN, 1.0, 3.0];
        assert_eq!(percentile(&mut with_nan, 0.5), Some(3.0));
        assert_eq!(percentile(&mut with_nan, 0.25), Some(2.0));
        assert!(percentile(&mut with_nan, 0.75).is_some_and(f64::is_nan));
        assert_eq!(percentile(&mut [1.0, 2.0, 4.0, 10.0], 0.95), Some(9.099999999999998));
    }
}
