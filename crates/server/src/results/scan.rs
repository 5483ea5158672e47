//! Goes through the rows of a table within a period that meet a filter.
//!
//! Columns are read a block at a time, which costs a fraction of reading value by value; only those that the
//! filter or the caller needs are read.

use super::cell::Cell;
use super::filter::{Filter, Subject};
use super::run::Run;
use super::table::Table;
use crate::analytics::Moment;

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
}

struct BlockColumn {
    column: usize,
    tags: [i64; BLOCK_ROWS],
    values: [i64; BLOCK_ROWS],
}

impl Block {
    fn new(columns: impl Iterator<Item = usize>) -> Block {
        let column = |column| BlockColumn { column, tags: [0; BLOCK_ROWS], values: [0; BLOCK_ROWS] };
        Block { columns: columns.map(column).collect() }
    }

    fn read(&mut self, run: &Run, from: usize, rows: usize) {
        for BlockColumn { column, tags, values } in &mut self.columns {
            run.columns[*column].read(from, &mut tags[..rows], &mut values[..rows]);
        }
    }

    /// Returns a value by the place of its column in the list of the scan, and by the row in the block.
    pub(super) fn cell(&self, place: usize, row: usize) -> Cell {
        let column = &self.columns[place];
        Cell::unpack(column.tags[row], column.values[row])
    }
}

/// A row that was found: the index of its run, and its index there.
pub(super) type Place = (usize, usize);

/// Calls `each` with every row, its values of `columns` in a block, and its row in the block, until it returns
/// false.
pub(super) fn scan(
    table: &Table,
    selection: &Selection,
    columns: &[usize],
    direction: Direction,
    mut each: impl FnMut(Place, &Block, usize) -> bool,
) {
    let of_filter = selection.filter.conditions.iter().filter_map(|condition| match condition.subject {
        Subject::Column(column) => Some(column),
        Subject::IsFinal => None,
    });
    let mut block = Block::new(columns.iter().copied());
    let mut filtered = Block::new(of_filter);
    let texts = &table.texts;

    let mut look = |run: usize, from: usize, rows: usize| {
        let of_run = &table.runs[run];
        block.read(of_run, from, rows);
        filtered.read(of_run, from, rows);
        let mut order = (0..rows).map(|row| match direction {
            Direction::OldestFirst => row,
            Direction::NewestFirst => rows - 1 - row,
        });
        order.all(|row| {
            let mut place = 0;
            let holds = selection.filter.conditions.iter().all(|condition| match condition.subject {
                Subject::Column(_) => {
                    place += 1;
                    condition.holds(filtered.cell(place - 1, row), texts)
                }
                Subject::IsFinal => condition.holds(Cell::Bool(of_run.is_final(from + row)), texts),
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
