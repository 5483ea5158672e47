//! Groups of rows with sums, minimums, maximums, averages and counts of their numbers.
//!
//! Sums of whole numbers and of decimals are exact. Sums of other numbers are floating-point numbers.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use jiff::tz::TimeZone;

use super::cell::{Cell, TEXT};
use super::column::SECOND_MICROS;
use super::numbers::{Extremes, Numbers, Weighted, widen};
use super::scan::{Block, Direction, Selection, scan};
use super::time::TimeForm;
use super::view::TableView;

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
    /// The column with the weight of each value, for averages of averages.
    pub(super) weight: Option<usize>,
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

/// A group: the values of `group_by`, then of the aggregates.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    pub(super) cells: Vec<Cell>,
    pub(super) is_final: bool,
}

/// There are more groups than [`GROUPS_MAX`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Aggregate {
    /// Returns the columns of an average whose values have weights, and of the weights.
    fn weighted(&self) -> Option<(usize, usize)> {
        self.column.zip(self.weight)
    }
}

impl Unit {
    pub(super) const ALL: [(&str, Unit); 5] = [
        ("second", Unit::Second),
        ("minute", Unit::Minute),
        ("hour", Unit::Hour),
        ("day", Unit::Day),
        ("week", Unit::Week),
    ];

    pub(super) fn micros(self) -> i64 {
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

    fn is_extreme(self) -> bool {
        matches!(self, Function::Min | Function::Max)
    }
}

/// Finds the group of a row.
#[derive(Default)]
struct Finder {
    /// The values of each group.
    keys: Vec<Vec<Cell>>,
    codes: HashMap<(u32, i64, i64), u32, RandomState>,
    prefixes: u32,
    /// The values of the row before, and its group: rows of one time stand together.
    last: Vec<(i64, i64)>,
    last_group: usize,
    /// By the code of a text: the group plus one, where texts alone make groups.
    of_texts: Vec<u32>,
}

impl Finder {
    fn group(&mut self, by: &[GroupBy], block: &Block, row: usize, zone: &TimeZone) -> usize {
        let packed = |place: usize| block.packed(place, row);
        if let [GroupBy { unit: None, .. }] = by
            && packed(0).0 == TEXT
        {
            return self.of_text(packed(0));
        }
        if self.last.len() == by.len() && !self.keys.is_empty() {
            let is_same = self.last.iter().enumerate().all(|(place, last)| *last == packed(place));
            if is_same {
                return self.last_group;
            }
        }
        let group = self.search(by, block, row, zone);
        self.last.clear();
        self.last.extend((0..by.len()).map(packed));
        self.last_group = group;
        group
    }

    fn of_text(&mut self, (tag, value): (i64, i64)) -> usize {
        let code = value as usize;
        if code >= self.of_texts.len() {
            self.of_texts.resize(code + 1, 0);
        }
        if self.of_texts[code] == 0 {
            self.keys.push(vec![Cell::unpack(tag, value)]);
            self.of_texts[code] = self.keys.len() as u32;
        }
        self.of_texts[code] as usize - 1
    }

    /// Finds a group column by column: each prefix of its values has a code.
    fn search(&mut self, by: &[GroupBy], block: &Block, row: usize, zone: &TimeZone) -> usize {
        let mut code = u32::MAX;
        for (place, of) in by.iter().enumerate() {
            let (tag, value) = period(block.cell(place, row), of.unit, zone).pack();
            let (keys, prefixes) = (&mut self.keys, &mut self.prefixes);
            code = *self.codes.entry((code, tag, value)).or_insert_with(|| {
                if place + 1 == by.len() {
                    let cells = by
                        .iter()
                        .enumerate()
                        .map(|(place, by)| period(block.cell(place, row), by.unit, zone));
                    keys.push(cells.collect());
                    return keys.len() as u32 - 1;
                }
                *prefixes += 1;
                // Codes of prefixes and of groups must differ.
                u32::MAX - *prefixes
            });
        }
        if by.is_empty() {
            if self.keys.is_empty() {
                self.keys.push(Vec::new());
            }
            return 0;
        }
        code as usize
    }
}

/// Groups the selected rows. The groups are in no particular order.
pub(super) fn group(
    table: &TableView,
    selection: &Selection,
    by: &[GroupBy],
    aggregates: &[Aggregate],
) -> Result<Vec<Group>, TooMany> {
    // Several aggregates of one column share its numbers.
    let of_columns = |wanted: fn(&Aggregate) -> bool| {
        let mut columns: Vec<usize> = aggregates
            .iter()
            .filter(|aggregate| wanted(aggregate) && aggregate.weight.is_none())
            .filter_map(|aggregate| aggregate.column)
            .collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    };
    let summed = of_columns(|aggregate| !aggregate.function.is_extreme());
    let compared = of_columns(|aggregate| aggregate.function.is_extreme());
    let weighted: Vec<(usize, usize)> = aggregates.iter().filter_map(Aggregate::weighted).collect();
    let of_pairs = weighted.iter().flat_map(|&(column, weight)| [column, weight]);
    let columns: Vec<usize> = by
        .iter()
        .map(|by| by.column)
        .chain(summed.iter().chain(&compared).copied())
        .chain(of_pairs)
        .collect();
    let (first_summed, first_compared) = (by.len(), by.len() + summed.len());
    let first_weighted = first_compared + compared.len();

    let mut finder = Finder::default();
    let mut rows: Vec<(u64, bool)> = Vec::new();
    let mut numbers: Vec<Numbers> = Vec::new();
    let mut extremes: Vec<Extremes> = Vec::new();
    let mut averages: Vec<Weighted> = Vec::new();
    let mut is_too_many = false;

    scan(table, selection, &columns, Direction::OldestFirst, |_, block, row| {
        let group = finder.group(by, block, row, &table.zone);
        if rows.len() < finder.keys.len() {
            is_too_many = finder.keys.len() > GROUPS_MAX || finder.prefixes as usize > GROUPS_MAX;
            rows.push((0, true));
            numbers.resize(numbers.len() + summed.len(), Numbers::NONE);
            extremes.resize(extremes.len() + compared.len(), [Cell::Null; 2]);
            averages.resize(averages.len() + weighted.len(), Weighted::default());
        }
        rows[group].0 += 1;
        rows[group].1 &= block.is_final(row);
        let first = group * summed.len();
        for (place, numbers) in numbers[first..first + summed.len()].iter_mut().enumerate() {
            numbers.add(block.cell(first_summed + place, row), &table.texts);
        }
        let first = group * compared.len();
        for (place, extremes) in extremes[first..first + compared.len()].iter_mut().enumerate() {
            widen(extremes, block.cell(first_compared + place, row), &table.texts);
        }
        let first = group * weighted.len();
        for (place, average) in averages[first..first + weighted.len()].iter_mut().enumerate() {
            let at = first_weighted + 2 * place;
            average.add(block.cell(at, row), block.cell(at + 1, row), &table.texts);
        }
        !is_too_many
    });
    if is_too_many {
        return Err(TooMany);
    }

    let groups =
        finder.keys.into_iter().zip(rows).enumerate().map(|(group, (mut cells, (count, is_final)))| {
            cells.extend(aggregates.iter().map(|aggregate| {
                if let Some(pair) = aggregate.weighted() {
                    let place = weighted.iter().position(|other| *other == pair).expect("one of them");
                    return averages[group * weighted.len() + place].average();
                }
                let Aggregate { function, column, .. } = aggregate;
                let place = |columns: &[usize]| column.and_then(|column| columns.binary_search(&column).ok());
                let of_numbers = || place(&summed).map(|place| &numbers[group * summed.len() + place]);
                let of_extremes = || place(&compared).map(|place| extremes[group * compared.len() + place]);
                match function {
                    Function::Count => {
                        let values = of_numbers().map_or(count, |numbers| numbers.count.into());
                        Cell::Int(values.cast_signed())
                    }
                    Function::Sum => {
                        of_numbers().filter(|of| of.numbers > 0).map_or(Cell::Null, Numbers::sum)
                    }
                    Function::Avg => of_numbers()
                        .filter(|of| of.numbers > 0)
                        .map_or(Cell::Null, |of| Cell::Float(of.total() / f64::from(of.numbers))),
                    Function::Min => of_extremes().map_or(Cell::Null, |[least, _]| least),
                    Function::Max => of_extremes().map_or(Cell::Null, |[_, greatest]| greatest),
                }
            }));
            Group { cells, is_final }
        });
    Ok(groups.collect())
}

/// Returns the value of `group_by`. Periods are those of the wall clock, as the windows and the bounds of a request
/// are: the day of an instant begins at midnight of the zone.
fn period(cell: Cell, unit: Option<Unit>, zone: &TimeZone) -> Cell {
    match (cell, unit) {
        (cell, None) => cell,
        (Cell::Time { micros, form }, Some(unit)) => {
            Cell::Time { micros: unit.begin(form.local(micros, zone)), form: TimeForm::PLAIN }
        }
        _ => Cell::Null,
    }
}
