//! From states to result columns.

use types::{DataType, Repr, Value};

use crate::aggregate::domain::Domains;
use crate::aggregate::exact_sum::{ExactSums, FixedColumn};
use crate::aggregate::state::{OVERFLOWN, State, StateSpec};
use crate::aggregate::table::{Table, TableSpec};
use crate::column::Column;
use crate::dictionary::NULL_CODE;
use crate::layout::ResultSpec;

/// Reads one aggregate call's results for some groups of a table.
pub(crate) fn result_column(
    result: &ResultSpec,
    spec: &TableSpec,
    table: &mut Table,
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
            let State::Count(counts) = &table.states[*state] else { unreachable!("counts are counted") };
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
            let State::Values(values) = &mut table.states[*state] else {
                unreachable!("percentiles keep values")
            };
            for (row, &group) in groups.iter().enumerate() {
                if let Some(value) = percentile(&mut values.of[group as usize], *p) {
                    set(row, Value::Double(value));
                }
            }
        }
        ResultSpec::CountDistinct(state) => {
            let State::Distinct(distinct) = &table.states[*state] else {
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

fn sum(state: &State, group: u32, data_type: &DataType) -> Value {
    let index = group as usize;
    match state {
        State::SumInt(sums) if sums.counts[index] > 0 => Value::Int(wrap(sums.sums[index], data_type)),
        State::SumDouble(sums) => match sums.sum(group) {
            Some(sum) => Value::Double(round_to(sum, data_type)),
            None => Value::Null,
        },
        State::SumWide(sums) if sums.counts[index] > 0 => decimal(Some(sums.sums[index])),
        _ => Value::Null,
    }
}

fn average(state: &State, group: u32, arg: &DataType, to: &DataType) -> Value {
    let index = group as usize;
    match state {
        State::SumInt(sums) if sums.counts[index] > 0 => {
            Value::Int(wrap(sums.sums[index] / sums.counts[index] as i64, to))
        }
        State::SumDouble(sums) => match sums.sum(group) {
            Some(sum) => Value::Double(round_to(sum / sums.counts[index] as f64, to)),
            None => Value::Null,
        },
        State::SumWide(sums) if sums.counts[index] > 0 => {
            let digits = |t: &DataType| match t {
                DataType::Decimal { scale, .. } => *scale as u32,
                _ => 0,
            };
            if sums.sums[index] == OVERFLOWN {
                return Value::Null;
            }
            let factor = 10i128.pow(digits(to).saturating_sub(digits(arg)));
            decimal(sums.sums[index].checked_mul(factor).map(|scaled| scaled / sums.counts[index] as i128))
        }
        _ => Value::Null,
    }
}

/// Null where 38 digits are not enough.
fn decimal(unscaled: Option<i128>) -> Value {
    const LIMIT: u128 = 10u128.pow(38);
    match unscaled {
        Some(value) if value.unsigned_abs() < LIMIT => Value::Wide(value),
        _ => Value::Null,
    }
}

fn picked(state: &State, spec: StateSpec, group: u32, data_type: &DataType, domains: &Domains) -> Value {
    let index = group as usize;
    match state {
        State::PickInt(picked) if picked.valid[index] != 0 => match data_type.repr() {
            Some(Repr::Bool) => Value::Bool(picked.values[index] != 0),
            _ => Value::Int(picked.values[index]),
        },
        State::PickDouble(picked) if picked.valid[index] != 0 => Value::Double(picked.values[index]),
        State::PickWide(picked) if picked.valid[index] != 0 => Value::Wide(picked.values[index]),
        State::PickText(codes) if codes[index] != NULL_CODE => {
            let StateSpec::PickText(domain, _) = spec else { unreachable!("a text is picked from a domain") };
            domains.specs[domain].value(&domains.list[domain], codes[index])
        }
        _ => Value::Null,
    }
}

/// Linear interpolation at `p * (n - 1)`, `None` without values. Reorders the values.
fn percentile(values: &mut [f64], p: f64) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let position = p * (values.len() - 1) as f64;
    let index = (position as usize).min(values.len() - 1);
    let (_, &mut low, above) = values.select_nth_unstable_by(index, f64::total_cmp);
    let high = above.iter().copied().min_by(f64::total_cmp);
    Some(match high {
        Some(high) => low + (high - low) * (position - index as f64),
        None => low,
    })
}

fn for_each_distinct(
    table: &Table,
    spec: &TableSpec,
    state: usize,
    domains: &Domains,
    mut each: impl FnMut(u32, Value),
) {
    let (State::Distinct(distinct), StateSpec::Distinct(domain)) = (&table.states[state], spec.states[state])
    else {
        unreachable!("sets hold distinct values")
    };
    distinct.for_each(|group, code| each(group, domains.specs[domain].value(&domains.list[domain], code)));
}

/// Sums over the distinct values of each group.
fn distinct_sums(table: &Table, spec: &TableSpec, state: usize, arg: &DataType, domains: &Domains) -> State {
    let sum_spec = match arg.repr() {
        Some(Repr::Int) => StateSpec::SumInt(0),
        Some(Repr::Double) => StateSpec::SumDouble(0),
        _ => StateSpec::SumWide(0),
    };
    let mut sums = State::new(sum_spec, true, &[], 0);
    sums.resize(table.rows.len());
    for_each_distinct(table, spec, state, domains, |group, value| {
        let index = group as usize;
        match (&mut sums, value) {
            (State::SumInt(sums), Value::Int(value)) => {
                sums.sums[index] = sums.sums[index].wrapping_add(value);
                sums.counts[index] += 1;
            }
            (State::SumDouble(sums), Value::Double(value)) => add_double(sums, group, value),
            (State::SumWide(sums), Value::Wide(value)) => {
                sums.sums[index] = sums.sums[index].saturating_add(value);
                sums.counts[index] += 1;
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

/// Whole numbers wrap at their width.
fn wrap(value: i64, data_type: &DataType) -> i64 {
    match data_type {
        DataType::TinyInt => value as i8 as i64,
        DataType::SmallInt => value as i16 as i64,
        DataType::Int => value as i32 as i64,
        _ => value,
    }
}

/// `FLOAT` is held as a double rounded to single precision.
fn round_to(value: f64, data_type: &DataType) -> f64 {
    if *data_type == DataType::Float { value as f32 as f64 } else { value }
}
