//! Goes through the rows of a table within a period that meet a filter.
//!
//! Columns are read a block at a time, which costs a fraction of reading value by value; only those that the
//! filter or the caller needs are read. Whether a text meets a condition is computed once for each text, not for
//! each row.

use super::cell::{Cell, JSON, TEXT};
use super::filter::{Condition, Filter, Subject};
use super::run::Run;
use super::view::TableView;
use crate::analytics::Moment;
use crate::analytics::intern::TextPages;

/// Rows read from the columns at once.
const BLOCK_ROWS: usize = 128;

/// Rows to look at: from a time on, before another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Selection {
    pub(super) from: Moment,
    pub(super) to: Moment,
    pub(super) filter: Filter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    OldestFirst,
    NewestFirst,
}

/// The values of a block of rows.
pub(super) struct Block {
    columns: Vec<BlockColumn>,
    states: [i64; BLOCK_ROWS],
}

struct BlockColumn {
    column: usize,
    tags: [i64; BLOCK_ROWS],
    values: [i64; BLOCK_ROWS],
}

impl Block {
    fn new(columns: impl Iterator<Item = usize>) -> Block {
        let column = |column| BlockColumn { column, tags: [0; BLOCK_ROWS], values: [0; BLOCK_ROWS] };
        Block { columns: columns.map(column).collect(), states: [0; BLOCK_ROWS] }
    }

    fn read(&mut self, run: &Run, from: usize, rows: usize) {
        for BlockColumn { column, tags, values } in &mut self.columns {
            run.columns[*column].read(from, &mut tags[..rows], &mut values[..rows]);
        }
        run.states(from, &mut self.states[..rows]);
    }

    /// Returns a value by the place of its column in the list of the scan, and by the row in the block.
    pub(super) fn cell(&self, place: usize, row: usize) -> Cell {
        let (tag, value) = self.packed(place, row);
        Cell::unpack(tag, value)
    }

    /// Returns the two numbers of a value.
    pub(super) fn packed(&self, place: usize, row: usize) -> (i64, i64) {
        let column = &self.columns[place];
        (column.tags[row], column.values[row])
    }

    pub(super) fn is_final(&self, row: usize) -> bool {
        self.states[row] & 1 != 0
    }
}

/// A row that was found: the index of its run, and its index there.
pub(super) type Place = (usize, usize);

/// A condition, and which texts are known to meet it.
struct Checked<'c> {
    condition: &'c Condition,
    /// By code: unknown, met, or not met.
    texts: Vec<Option<bool>>,
}

impl Checked<'_> {
    fn holds(&mut self, (tag, value): (i64, i64), texts: &TextPages) -> bool {
        let cell = Cell::unpack(tag, value);
        if tag != TEXT && tag != JSON {
            return self.condition.holds(cell, texts);
        }
        let code = value as usize;
        if code >= self.texts.len() {
            self.texts.resize(code + 1, None);
        }
        *self.texts[code].get_or_insert_with(|| self.condition.holds(cell, texts))
    }
}

/// Calls `each` with every row, its values of `columns` in a block, and its row in the block, until it returns
/// false.
pub(super) fn scan(
    table: &TableView,
    selection: &Selection,
    columns: &[usize],
    direction: Direction,
    mut each: impl FnMut(Place, &Block, usize) -> bool,
) {
    // The columns of the conditions come behind those of the caller.
    let conditions = &selection.filter.conditions;
    let of_filter = conditions.iter().filter_map(|condition| match condition.subject {
        Subject::Column(column) => Some(column),
        Subject::IsFinal => None,
    });
    let mut block = Block::new(columns.iter().copied().chain(of_filter));
    let mut checks: Vec<Checked<'_>> =
        conditions.iter().map(|condition| Checked { condition, texts: Vec::new() }).collect();

    let mut look = |run: usize, from: usize, rows: usize| {
        block.read(&table.runs[run], from, rows);
        let mut order = (0..rows).map(|row| match direction {
            Direction::OldestFirst => row,
            Direction::NewestFirst => rows - 1 - row,
        });
        order.all(|row| {
            let mut place = columns.len();
            let holds = checks.iter_mut().all(|check| match check.condition.subject {
                Subject::Column(_) => {
                    place += 1;
                    check.holds(block.packed(place - 1, row), &table.texts)
                }
                Subject::IsFinal => check.condition.holds(Cell::Bool(block.is_final(row)), &table.texts),
            });
            !holds || each((run, from + row), &block, row)
        })
    };

    let first = table.runs.partition_point(|run| run.last().is_some_and(|(last, _)| last < selection.from));
    let runs = first..table.runs.len();
    let goes_on = |run: usize, look: &mut dyn FnMut(usize, usize, usize) -> bool| {
        let rows = table.runs[run].before(selection.from)..table.runs[run].before(selection.to);
        let blocks = rows.len().div_ceil(BLOCK_ROWS);
        let mut blocks = (0..blocks).map(|block| match direction {
            Direction::OldestFirst => block,
            Direction::NewestFirst => blocks - 1 - block,
        });
        blocks.all(|block| {
            let from = rows.start + block * BLOCK_ROWS;
            look(run, from, BLOCK_ROWS.min(rows.end - from))
        })
    };
    match direction {
        Direction::OldestFirst => runs.into_iter().all(|run| goes_on(run, &mut look)),
        Direction::NewestFirst => runs.rev().all(|run| goes_on(run, &mut look)),
    };
}
