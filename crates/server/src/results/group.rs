//! Groups of rows with sums, minimums, maximums, averages and counts of their numbers.
//!
//! Sums of whole numbers and of decimals are exact. Sums of other numbers are floating-point numbers.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;

use super::cell::Cell;
use super::column::SECOND_MICROS;
use super::scan::{Direction, Selection, scan};
use super::table::Table;
use super::time::TimeForm;

/// Maximum of groups, filled ones included.
pub(super) const GROUPS_MAX: usize = 100_000;

/// A part of `group_by`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GroupBy {
    pub(super) column: usize,
    /// The length of the periods into which a time is put.
    pub(super) unit: Option<Unit>,
    /// As in the request.
    pub(super) name: String,
}

/// The length of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    /// From Monday on.
    Week,
}

/// A part of `aggregate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Aggregate {
    pub(super) function: Function,
    /// `None` for `count(*)`.
    pub(super) column: Option<usize>,
    /// As in the request: `sum(n)`.
    pub(super) name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Count,
    Sum,
    Min,
    Max,
    Avg,
}

/// What stands in the periods without rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fill {
    Null,
    Zero,
    /// The values of the period before.
    Previous,
}

/// A group: the values of `group_by`, then of the aggregates.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    pub(super) cells: Vec<Cell>,
    pub(super) is_final: bool,
}

/// There are more groups than [`GROUPS_MAX`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Unit {
    pub(super) const ALL: [(&str, Unit); 5] = [
        ("second", Unit::Second),
        ("minute", Unit::Minute),
        ("hour", Unit::Hour),
        ("day", Unit::Day),
        ("week", Unit::Week),
    ];

    fn micros(self) -> i64 {
        let seconds = match self {
            Unit::Second => 1,
            Unit::Minute => 60,
            Unit::Hour => 3_600,
            Unit::Day => 86_400,
            Unit::Week => 7 * 86_400,
        };
        seconds * SECOND_MICROS
    }

    /// Returns the begin of the period of a time.
    pub(super) fn begin(self, micros: i64) -> i64 {
        // 1970-01-01 was a Thursday.
        let monday = if self == Unit::Week { 3 * 86_400 * SECOND_MICROS } else { 0 };
        micros
            .saturating_add(monday)
            .div_euclid(self.micros())
            .saturating_mul(self.micros())
            .saturating_sub(monday)
    }
}

impl Function {
    pub(super) const ALL: [(&str, Function); 5] = [
        ("count", Function::Count),
        ("sum", Function::Sum),
        ("min", Function::Min),
        ("max", Function::Max),
        ("avg", Function::Avg),
    ];
}

/// The numbers of a group in one column.
#[derive(Debug, Clone)]
struct Numbers {
    /// Values that are not null.
    count: u64,
    numbers: u64,
    /// Exact sum of whole numbers and decimals, in units of `10^-scale`.
    exact: i128,
    scale: Option<u8>,
    /// Sum of all numbers.
    float: f64,
    is_exact: bool,
    least: Cell,
    greatest: Cell,
}

impl Numbers {
    const NONE: Numbers = Numbers {
        count: 0,
        numbers: 0,
        exact: 0,
        scale: None,
        float: 0.0,
        is_exact: true,
        least: Cell::Null,
        greatest: Cell::Null,
    };

    fn add(&mut self, cell: Cell, texts: &crate::analytics::intern::Texts) {
        if cell == Cell::Null {
            return;
        }
        self.count += 1;
        let Some(number) = cell.as_number() else { return };
        self.numbers += 1;
        self.float += number;
        let (unscaled, scale) = match cell {
            Cell::Int(value) => (i128::from(value), 0),
            Cell::Decimal { unscaled, scale } => (i128::from(unscaled), scale),
            _ => (0, u8::MAX),
        };
        self.is_exact &= scale != u8::MAX && *self.scale.get_or_insert(scale) == scale;
        self.exact += if self.is_exact { unscaled } else { 0 };
        if self.least == Cell::Null || cell.order(self.least, texts).is_lt() {
            self.least = cell;
        }
        if self.greatest == Cell::Null || cell.order(self.greatest, texts).is_gt() {
            self.greatest = cell;
        }
    }

    fn result(&self, function: Function) -> Cell {
        match function {
            Function::Count => Cell::Int(self.count.cast_signed()),
            _ if self.numbers == 0 => Cell::Null,
            Function::Min => self.least,
            Function::Max => self.greatest,
            Function::Avg => Cell::Float(self.float / self.numbers as f64),
            Function::Sum => match (self.is_exact, i64::try_from(self.exact), self.scale) {
                (true, Ok(value), Some(0) | None) => Cell::Int(value),
                (true, Ok(unscaled), Some(scale)) => Cell::Decimal { unscaled, scale },
                _ => Cell::Float(self.float),
            },
        }
    }
}

/// Groups the selected rows. The groups are in no particular order.
pub(super) fn group(
    table: &Table,
    selection: &Selection,
    by: &[GroupBy],
    aggregates: &[Aggregate],
) -> Result<Vec<Group>, TooMany> {
    let mut columns: Vec<usize> = by.iter().map(|by| by.column).collect();
    // Several aggregates of one column share its numbers.
    let mut summed: Vec<usize> = aggregates.iter().filter_map(|aggregate| aggregate.column).collect();
    summed.sort_unstable();
    summed.dedup();
    columns.extend(&summed);

    let mut codes: HashMap<(u32, i64, i64), u32, RandomState> = HashMap::default();
    let mut keys: Vec<Vec<Cell>> = Vec::new();
    let mut rows: Vec<(u64, bool)> = Vec::new();
    let mut numbers: Vec<Numbers> = Vec::new();
    let mut key = Vec::new();
    let mut prefixes = 0_u32;
    let mut is_too_many = false;

    scan(table, selection, &columns, Direction::OldestFirst, |(run, at), block, row| {
        key.clear();
        key.extend(by.iter().enumerate().map(|(place, by)| period(block.cell(place, row), by.unit)));

        // A group is found column by column: each prefix of its values has a code.
        let mut code = u32::MAX;
        for (place, cell) in key.iter().enumerate() {
            let (tag, value) = cell.pack();
            let is_last = place + 1 == key.len();
            code = *codes.entry((code, tag, value)).or_insert_with(|| match is_last {
                true => {
                    keys.push(key.clone());
                    keys.len() as u32 - 1
                }
                false => {
                    prefixes += 1;
                    // Codes of prefixes and of groups must differ.
                    u32::MAX - prefixes
                }
            });
        }
        if key.is_empty() {
            code = 0;
            if keys.is_empty() {
                keys.push(Vec::new());
            }
        }
        let group = code as usize;
        if rows.len() < keys.len() {
            is_too_many = keys.len() > GROUPS_MAX || prefixes as usize > GROUPS_MAX;
            rows.push((0, true));
            numbers.resize(numbers.len() + summed.len(), Numbers::NONE);
        }
        rows[group].0 += 1;
        rows[group].1 &= table.runs[run].is_final(at);
        for place in 0..summed.len() {
            let cell = block.cell(by.len() + place, row);
            numbers[group * summed.len() + place].add(cell, &table.texts);
        }
        !is_too_many
    });
    if is_too_many {
        return Err(TooMany);
    }

    let groups = keys.into_iter().zip(rows).enumerate().map(|(group, (mut cells, (count, is_final)))| {
        cells.extend(aggregates.iter().map(|aggregate| match aggregate.column {
            None => Cell::Int(count.cast_signed()),
            Some(column) => {
                let place = summed.binary_search(&column).unwrap_or(0);
                numbers[group * summed.len() + place].result(aggregate.function)
            }
        }));
        Group { cells, is_final }
    });
    Ok(groups.collect())
}

fn period(cell: Cell, unit: Option<Unit>) -> Cell {
    match (cell, unit) {
        (cell, None) => cell,
        (Cell::Time { micros, form }, Some(unit)) => {
            let form = TimeForm { is_instant: form.is_instant, ..TimeForm::PLAIN };
            Cell::Time { micros: unit.begin(micros), form }
        }
        _ => Cell::Null,
    }
}

/// Adds the periods without rows between the first and the last of each series, or between the bounds where
/// there are any. A series is what has the same other values.
pub(super) fn fill(
    groups: Vec<Group>,
    by: &[GroupBy],
    (from, to): (Option<i64>, Option<i64>),
    fill: Fill,
) -> Result<Vec<Group>, TooMany> {
    let periods = by.iter().enumerate().find_map(|(place, by)| Some((place, by.unit?)));
    let Some((place, unit)) = periods else { return Ok(groups) };
    let width = groups.first().map_or(0, |group| group.cells.len());

    let mut series: BTreeMap<Vec<(i64, i64)>, BTreeMap<i64, Group>> = BTreeMap::new();
    let mut others = Vec::new();
    for group in groups {
        let Cell::Time { micros, .. } = group.cells[place] else {
            others.push(group);
            continue;
        };
        let rest = group.cells[..by.len()].iter().enumerate().filter(|(at, _)| *at != place);
        let rest = rest.map(|(_, cell)| cell.pack()).collect();
        series.entry(rest).or_default().insert(micros, group);
    }

    let mut filled = others;
    for points in series.into_values() {
        let (Some((first, model)), Some((last, _))) = (points.first_key_value(), points.last_key_value())
        else {
            continue;
        };
        let from = from.map_or(*first, |from| unit.begin(from).min(*first));
        let to = to.map_or(*last, |to| unit.begin(to.saturating_sub(1)).max(*last));
        if to.saturating_sub(from) / unit.micros() >= GROUPS_MAX as i64 {
            return Err(TooMany);
        }
        let form = match model.cells[place] {
            Cell::Time { form, .. } => form,
            _ => TimeForm::PLAIN,
        };
        let key: Vec<Cell> = model.cells[..by.len()].to_vec();
        let mut before: Option<Vec<Cell>> = None;
        let mut micros = from;
        while micros <= to {
            let point = points.get(&micros).cloned().unwrap_or_else(|| {
                let mut cells = key.clone();
                cells[place] = Cell::Time { micros, form };
                match (fill, &before) {
                    (Fill::Previous, Some(before)) => cells.extend_from_slice(before),
                    (Fill::Zero, _) => cells.resize(width, Cell::Int(0)),
                    (Fill::Null | Fill::Previous, _) => cells.resize(width, Cell::Null),
                }
                Group { cells, is_final: true }
            });
            before = Some(point.cells[by.len()..].to_vec());
            filled.push(point);
            micros += unit.micros();
        }
        if filled.len() > GROUPS_MAX {
            return Err(TooMany);
        }
    }
    Ok(filled)
}
