//! The newest final rows of each series of a table, which the rules of alerts watch.
//!
//! A series is the rows that have the same values in some columns, in the order of their times. Rows of a series with
//! the same time are ordered by their numbers, so that the order is the same after a restart.
//!
//! ```text
//! time     12:01      12:02          12:03
//! rows     web 40     web 70, app 5  web null, app 9 (not final)
//! series   {web}: 70, 40             {app}: 5                     newest first
//! ```

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;
use jobs::{ColumnKind, ResultTable};
use serde_json::{Number, Value};

use super::cell::Cell;
use super::filter::{Filter, column};
use super::request::is_numeric;
use super::scan::{Direction, Place, Selection, scan};
use super::template::Template;
use super::time::{TimeForm, write_time};
use super::view::TableView;
use super::{Results, Slot};
use crate::analytics::Moment;

const WINDOW_START: &str = "window_start";
const WINDOW_END: &str = "window_end";

/// Which rows of which table a rule watches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SeriesQuestion<'q> {
    pub(crate) table: &'q str,
    pub(crate) number: &'q str,
    /// The columns that tell series apart; `None` for the columns of the key that are no times.
    pub(crate) by: Option<&'q [String]>,
    pub(crate) conditions: &'q str,
    /// Rows of each series.
    pub(crate) newest: usize,
    pub(crate) series_max: usize,
}

/// Identifies a state of the rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    epoch: u64,
    /// Number of the newest change.
    number: u64,
    /// Expired rows have no number.
    rows: usize,
}

#[derive(Debug)]
pub(crate) enum SeriesAnswer {
    /// The rows of the tables are not loaded.
    Loading,
    /// No job has declared the table.
    NoTable,
    /// The rows are those of the stamp.
    Unchanged,
    /// The question does not fit the table.
    Mistake(String),
    Read(Stamp, Vec<Series>),
}

/// The newest rows of a series. There is at least one that counts, or one that is not final.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    /// Values of the columns that tell series apart.
    pub(crate) values: BTreeMap<String, Value>,
    /// Newest first.
    pub(crate) numbers: Vec<f64>,
    /// The newest row that counts.
    pub(crate) newest: Option<Newest>,
    /// The newest time of a row that is not final.
    pub(crate) open: Option<Moment>,
}

/// A row that counts: a final row with a number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Newest {
    pub(crate) number: Number,
    pub(crate) time: Moment,
    /// The window as the row has it.
    pub(crate) window_start: Option<String>,
    pub(crate) window_end: Option<String>,
}

impl Results {
    /// Asks for the rows of all tables, as a request does: they are loaded, and stay in memory.
    pub(crate) fn keep_loaded(&self) {
        self.usage.ask(self.clock.elapsed());
    }

    /// Returns the newest final rows of each series of a table, unless the table is still in the state of `seen`.
    pub(crate) fn newest_of_series(
        &self,
        question: &SeriesQuestion<'_>,
        seen: Option<Stamp>,
    ) -> SeriesAnswer {
        let loaded = *self.loaded.borrow();
        if loaded == 0 || loaded < self.declared.generation() {
            return SeriesAnswer::Loading;
        }
        let Some(slot) = self.slot(question.table) else { return SeriesAnswer::NoTable };

        let (stamp, time_column, table) = {
            let table = slot.table.read();
            let stamp = Stamp::of(&slot, table.changes.number(), table.rows);
            if seen == Some(stamp) {
                return SeriesAnswer::Unchanged;
            }
            (stamp, table.time_column, table.view())
        };
        match read(question, &table, time_column) {
            Ok(series) => SeriesAnswer::Read(stamp, series),
            Err(mistake) => SeriesAnswer::Mistake(mistake),
        }
    }
}

impl Stamp {
    fn of(slot: &Slot, number: u64, rows: usize) -> Stamp {
        Stamp { epoch: slot.epoch, number, rows }
    }
}

/// The rows of a series that were found, newest first.
#[derive(Default)]
struct Found {
    rows: Vec<(Moment, f64, Place)>,
    /// Any row, which has the values of the series.
    any: Place,
    open: Option<Moment>,
}

impl Found {
    /// Adds a row that is not newer than the rows before.
    fn add(&mut self, time: Moment, number: f64, place: Place, most: usize) {
        let is_older = self.rows.last().is_some_and(|(last, ..)| time < *last);
        if is_older && self.rows.len() >= most {
            return;
        }
        let is_before = |row: &(Moment, f64, Place)| row.0 > time || row.0 == time && row.1 >= number;
        let at = self.rows.partition_point(is_before);
        self.rows.insert(at, (time, number, place));
        self.rows.truncate(most);
    }
}

fn read(
    question: &SeriesQuestion<'_>,
    table: &TableView,
    time_column: Option<usize>,
) -> Result<Vec<Series>, String> {
    let declared = &table.declared;
    let number = column(declared, question.number).map_err(|error| format!("number: {error}"))?;
    if !is_numeric(declared, number) {
        let sql_type = &declared.columns[number].sql_type;
        return Err(format!("number: `{}` is {sql_type}, and no number", question.number));
    }
    let by = match question.by {
        Some(names) => {
            let find = |name: &String| column(declared, name).map_err(|error| format!("by: {error}"));
            names.iter().map(find).collect::<Result<Vec<_>, _>>()?
        }
        None => columns_of_series(declared, &table.template, time_column),
    };
    let filter = Filter::parse(question.conditions, declared, &table.zone);
    let filter = filter.map_err(|error| error.to_string())?;

    let selection = Selection { from: Moment::MIN, to: Moment(i64::MAX), filter };
    let columns: Vec<usize> = std::iter::once(number).chain(by.iter().copied()).collect();
    let mut found: HashMap<Vec<(i64, i64)>, Found, RandomState> = HashMap::default();
    let mut key = Vec::with_capacity(by.len());

    scan(table, &selection, &columns, Direction::NewestFirst, |place, block, row| {
        let number = block.cell(0, row).as_number(&table.texts);
        let is_final = block.is_final(row);
        if is_final && number.is_none() {
            return true;
        }
        let time = table.runs[place.0].place(place.1).0;
        key.clear();
        key.extend((1..columns.len()).map(|column| block.packed(column, row)));
        let series = match found.get_mut(&key) {
            Some(series) => series,
            None => found.entry(key.clone()).or_insert(Found { any: place, ..Found::default() }),
        };
        match number.filter(|_| is_final) {
            Some(number) => series.add(time, number, place, question.newest),
            None => series.open = series.open.max(Some(time)),
        }
        found.len() <= question.series_max
    });
    if found.len() > question.series_max {
        let most = question.series_max;
        return Err(format!(
            "there are more than {most} series: choose fewer columns in `by`, or conditions in `where`"
        ));
    }
    Ok(found.into_values().map(|found| series(table, number, &by, &found)).collect())
}

/// Returns the columns of the key that are no times.
fn columns_of_series(table: &ResultTable, template: &Template, time_column: Option<usize>) -> Vec<usize> {
    let is_time = |column: &usize| {
        let of = &table.columns[*column];
        of.kind == ColumnKind::Time || Some(*column) == time_column || table.window.contains(&of.name)
    };
    let mut columns: Vec<usize> = template.columns().filter(|column| !is_time(column)).collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}

fn series(table: &TableView, number: usize, by: &[usize], found: &Found) -> Series {
    let cell = |(run, at): Place, column: usize| table.runs[run].columns[column].get(at);
    let values = by.iter().map(|column| {
        let name = table.declared.columns[*column].name.clone();
        (name, json(cell(found.any, *column), table).unwrap_or_default())
    });

    let newest = found.rows.first().and_then(|(time, _, place)| {
        let named = |name: &str| {
            let column = table.declared.columns.iter().position(|column| column.name == name)?;
            json(cell(*place, column), table)?.as_str().map(str::to_owned)
        };
        let Some(Value::Number(number)) = json(cell(*place, number), table) else { return None };
        Some(Newest {
            number,
            time: *time,
            window_start: named(WINDOW_START),
            window_end: named(WINDOW_END).or_else(|| Some(written(*time))),
        })
    });
    Series {
        values: values.collect(),
        numbers: found.rows.iter().map(|(_, number, _)| *number).collect(),
        newest,
        open: found.open,
    }
}

fn json(cell: Cell, table: &TableView) -> Option<Value> {
    let mut text = Vec::new();
    cell.write_json(&table.texts, &mut text);
    serde_json::from_slice(&text).ok()
}

fn written(time: Moment) -> String {
    let mut text = String::new();
    let digits = if time.0.rem_euclid(1_000_000) == 0 { 0 } else { 6 };
    write_time(time.0, TimeForm { digits, ..TimeForm::PLAIN }, &mut text);
    text
}

/// A table for tests of rules.
#[cfg(test)]
pub(crate) mod testing {
    use std::sync::Arc;

    use jiff::tz::TimeZone;
    use types::Timestamp;

    use super::super::table::RowTable;
    use super::super::tests::table;
    use super::*;

    pub(crate) struct Rows(RowTable);

    impl Rows {
        pub(crate) fn new(key: &str, columns: &[(&str, ColumnKind)]) -> Rows {
            let declared = Arc::new(table("t", key, columns));
            let template = Arc::new(Template::of(&declared));
            Rows(RowTable::new(declared, template, TimeZone::UTC))
        }

        pub(crate) fn write(&mut self, key: &str, value: &Value, expires: i64) {
            self.0.write(key, value.to_string().as_bytes(), Timestamp(expires), 0);
        }

        pub(crate) fn delete(&mut self, key: &str) {
            self.0.delete(key, 0);
        }

        pub(crate) fn expire(&mut self, now: i64) {
            self.0.expire(now);
        }

        pub(crate) fn series(&self, question: &SeriesQuestion<'_>) -> Result<Vec<Series>, String> {
            read(question, &self.0.view(), self.0.time_column)
        }
    }
}
