//! Answers a request from the rows of a table.

use std::cmp::Ordering;

use jobs::ResultTable;

use super::cell::Cell;
use super::fill;
use super::format::{Answer, Field, Format, Writer};
use super::group::{self, Group, TooMany};
use super::request::{Grouping, Mistake, Order, OrderBy, Request};
use super::scan::{Direction, Place, Selection, scan};
use super::time::{TimeForm, write_time};
use super::view::TableView;

/// Names of what rows have besides their columns.
pub(super) const ROW_FIELDS: [&str; 4] = ["_key", "_time", super::filter::IS_FINAL, "_revision"];
const ROW_FIELDS_MAX: usize = 4;

/// Answers a request.
pub(super) fn answer(
    name: &str,
    table: &TableView,
    request: &Request,
    format: Format,
) -> Result<Answer, Mistake> {
    match &request.grouping {
        None => Ok(rows(name, table, request, format)),
        Some(grouping) => groups(name, table, request, grouping, format),
    }
}

/// Returns the names of the fields of a row.
pub(super) fn row_names(table: &ResultTable) -> Vec<&str> {
    table.columns.iter().map(|column| column.name.as_str()).chain(ROW_FIELDS).collect()
}

/// Returns the places of the rows of a selection in an order, at most `limit`, and whether these are all.
pub(super) fn places(
    table: &TableView,
    selection: &Selection,
    order: &[Order],
    limit: usize,
) -> (Vec<Place>, bool) {
    let mut found: Vec<Place> = Vec::new();
    let mut is_complete = true;

    // In the order of the rows, the rest need not be looked at.
    if let [Order { by: OrderBy::Time, is_descending }] = order {
        let direction = if *is_descending { Direction::NewestFirst } else { Direction::OldestFirst };
        scan(table, selection, &[], direction, |place, _, _| {
            is_complete = found.len() < limit;
            if is_complete {
                found.push(place);
            }
            is_complete
        });
        return (found, is_complete);
    }

    let compare = |a: &Place, b: &Place| compare_places(table, order, *a, *b);
    let first = order.first().and_then(|order| match order.by {
        OrderBy::Column(column) => Some((column, order.is_descending)),
        OrderBy::Time => None,
    });
    let columns: Vec<usize> = first.iter().map(|(column, _)| *column).collect();
    // The value that a row has to reach in the first column, once there are enough rows.
    let mut worst = None;
    scan(table, selection, &columns, Direction::NewestFirst, |place, block, row| {
        if let (Some(worst), Some((_, is_descending))) = (worst, first)
            && ordered(block.cell(0, row), worst, is_descending, table).is_gt()
        {
            return true;
        }
        found.push(place);
        if found.len() >= 2 * limit.max(1_024) {
            found.select_nth_unstable_by(limit, compare);
            worst = first
                .zip(found.get(limit))
                .map(|((column, _), (run, at))| table.runs[*run].columns[column].get(*at));
            found.truncate(limit);
            is_complete = false;
        }
        true
    });
    found.sort_unstable_by(compare);
    is_complete &= found.len() <= limit;
    found.truncate(limit);
    (found, is_complete)
}

fn compare_places(table: &TableView, order: &[Order], a: Place, b: Place) -> Ordering {
    for Order { by, is_descending } in order {
        let compared = match by {
            OrderBy::Time => table.runs[a.0].place(a.1).cmp(&table.runs[b.0].place(b.1)),
            OrderBy::Column(column) => {
                let cell = |(run, at): Place| table.runs[run].columns[*column].get(at);
                ordered(cell(a), cell(b), *is_descending, table)
            }
        };
        let compared = if *is_descending && *by == OrderBy::Time { compared.reverse() } else { compared };
        if compared.is_ne() {
            return compared;
        }
    }
    // Equal rows: the newest first, so that an answer is always the same.
    b.cmp(&a)
}

/// Orders values; nulls are last in both directions.
fn ordered(a: Cell, b: Cell, is_descending: bool, table: &TableView) -> Ordering {
    let compared = a.order(b, &table.texts);
    if is_descending && a != Cell::Null && b != Cell::Null { compared.reverse() } else { compared }
}

fn rows(name: &str, table: &TableView, request: &Request, format: Format) -> Answer {
    let (places, mut is_complete) = places(table, &request.selection, &request.order, request.limit);
    let mut writer = Writer::new(format, name, &row_names(&table.declared));
    let mut scratch = RowScratch::default();
    for place in places {
        if writer.is_full() {
            is_complete = false;
            break;
        }
        scratch.with(table, place, |fields| writer.row(fields, &table.texts));
    }
    writer.finish(is_complete)
}

/// Reused memory for the fields of rows.
#[derive(Default)]
pub(super) struct RowScratch {
    cells: Vec<Cell>,
    key: String,
    time: String,
}

impl RowScratch {
    /// Calls `then` with the fields of a row, in the order of [`row_names`].
    pub(super) fn with<T>(
        &mut self,
        table: &TableView,
        place: Place,
        then: impl FnOnce(&[Field<'_>]) -> T,
    ) -> T {
        let (run, at) = (&table.runs[place.0], place.1);
        run.cells(at, &mut self.cells);
        self.key.clear();
        match run.key(at) {
            Some(code) => self.key.push_str(table.texts.get(code)),
            // A row without a key of its own has the one that the template gives.
            None => {
                table.template.write(&mut self.key, &self.cells, &table.texts);
            }
        }
        let (time, _) = run.place(at);
        self.time.clear();
        let digits = if time.0.rem_euclid(1_000_000) == 0 { 0 } else { 6 };
        write_time(time.0, TimeForm { digits, ..TimeForm::PLAIN }, &mut self.time);

        let mut fields: Vec<Field<'_>> = Vec::with_capacity(self.cells.len() + ROW_FIELDS_MAX);
        fields.extend(self.cells.iter().map(|cell| Field::Cell(*cell)));
        fields.extend([
            Field::Text(&self.key),
            Field::Text(&self.time),
            Field::Cell(Cell::Bool(run.is_final(at))),
            Field::Cell(Cell::Int(run.revision(at))),
        ]);
        then(&fields)
    }
}

fn groups(
    name: &str,
    table: &TableView,
    request: &Request,
    grouping: &Grouping,
    format: Format,
) -> Result<Answer, Mistake> {
    let too_many = |_: TooMany| {
        format!(
            "there are more than {} groups; choose a shorter period, or fewer columns or longer periods in group_by",
            group::GROUPS_MAX
        )
    };
    let found =
        group::group(table, &request.selection, &grouping.by, &grouping.aggregates).map_err(too_many)?;
    let mut found = match grouping.fill {
        Some(fill) => fill::fill(found, &grouping.by, request.period, fill).map_err(too_many)?,
        None => found,
    };

    let width = found.first().map_or(0, |group| group.cells.len());
    let compare = |a: &Group, b: &Group| {
        let named = request.order.iter().filter_map(|order| match order.by {
            OrderBy::Column(column) => Some((column, order.is_descending)),
            OrderBy::Time => None,
        });
        // All columns count in the end, so that an answer is always the same.
        let rest = (0..width).map(|column| (column, false));
        let mut compared = named
            .chain(rest)
            .map(|(column, is_descending)| ordered(a.cells[column], b.cells[column], is_descending, table));
        compared.find(|compared| compared.is_ne()).unwrap_or(Ordering::Equal)
    };
    found.sort_unstable_by(compare);

    let mut names = grouping.names();
    names.push(super::filter::IS_FINAL);
    let mut writer = Writer::new(format, name, &names);
    let mut fields = Vec::new();
    let mut is_complete = found.len() <= request.limit;
    for group in found.iter().take(request.limit) {
        if writer.is_full() {
            is_complete = false;
            break;
        }
        fields.clear();
        fields.extend(group.cells.iter().map(|cell| Field::Cell(*cell)));
        fields.push(Field::Cell(Cell::Bool(group.is_final)));
        writer.row(&fields, &table.texts);
    }
    Ok(writer.finish(is_complete))
}
