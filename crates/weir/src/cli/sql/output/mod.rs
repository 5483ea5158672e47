//! Output of results: a table for people, which updates on a terminal, and CSV or JSON lines for programs.

mod cell;
mod csv;
mod json;
mod lines;
mod live;
mod paged;
mod table;

use std::io::{self, IsTerminal as _, Write as _};

use clap::ValueEnum;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::cli::Failure;
use crate::cli::gateway::{Head, Row, RowFormat};

/// Format of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Aligned columns
    Table,
    /// RFC 4180, with a header line
    Csv,
    /// One object per row
    Json,
}

/// Layout of a row in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// One line per row.
    Flat,
    /// One line per value.
    Expanded,
}

/// Handling of rows that change others, in CSV and JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changes {
    /// Refuse them, because earlier rows would then be wrong.
    Refused,
    /// Add a first column `op` with the effect of each row.
    Told,
}

/// The appearance of results.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) format: Format,
    pub(super) layout: Layout,
    pub(super) changes: Changes,
}

/// How a result ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Complete,
    /// By Ctrl-C.
    Stopped,
    Failed,
}

/// Writes one result.
///
/// Once a call returns, an implementation must have written everything that programs wait for; only tables
/// for people may lag.
pub(super) trait Output {
    fn rows(&mut self, rows: Vec<Row>) -> Result<(), Failure>;
    /// Called every now and then while no rows come.
    fn tick(&mut self) -> Result<(), Failure>;
    fn end(&mut self, ending: Ending) -> Result<(), Failure>;
}

impl Look {
    /// Returns the look for a format; the default is a table on a terminal, and CSV otherwise.
    pub(super) fn of(format: Option<Format>, changes: Changes) -> Look {
        let usual = if io::stdout().is_terminal() { Format::Table } else { Format::Csv };
        Look { format: format.unwrap_or(usual), layout: Layout::Flat, changes }
    }

    /// Returns the format of values that the gateway is asked for.
    pub(super) fn row_format(&self) -> RowFormat {
        match self.format {
            Format::Table => RowFormat::PlainText,
            Format::Csv | Format::Json => RowFormat::Json,
        }
    }

    pub(super) fn output(&self, head: &Head) -> Box<dyn Output> {
        match (self.format, self.layout) {
            (Format::Csv | Format::Json, _) => Box::new(lines::Lines::new(self.format, self.changes, head)),
            (Format::Table, Layout::Expanded) => Box::new(paged::Records::new(head)),
            (Format::Table, Layout::Flat) if head.is_query && screen().is_some() => {
                Box::new(live::Live::new(head))
            }
            (Format::Table, Layout::Flat) => Box::new(paged::Paged::new(head)),
        }
    }
}

/// Returns columns and lines of the terminal at stdout; `None` if stdout is no terminal.
fn screen() -> Option<(usize, usize)> {
    if !io::stdout().is_terminal() {
        return None;
    }
    let size = terminal_size::terminal_size_of(io::stdout());
    let (columns, lines) = size.map_or((80, 24), |(columns, lines)| (columns.0, lines.0));
    // Some terminals do not report their size.
    let known = |size: u16, usual: usize| if size == 0 { usual } else { usize::from(size) };
    Some((known(columns, 80), known(lines, 24)))
}

/// Writes to stdout, and flushes.
fn put(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Failure::writing("stdout", error))
}

/// Fails when the reader is gone, as behind `| head`: a query without rows would not notice that by writing.
fn still_read() -> Result<(), Failure> {
    let out = io::stdout();
    let mut asked = [PollFd::new(&out, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    match poll(&mut asked, Some(&now)) {
        Ok(_) if asked[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) => {
            Err(Failure::writing("stdout", io::ErrorKind::BrokenPipe.into()))
        }
        _ => Ok(()),
    }
}

/// Returns the values of a row as cells.
fn cells(row: &Row) -> Vec<String> {
    row.fields.iter().map(|field| cell::cell(crate::cli::gateway::text(field))).collect()
}

/// Formats a number of rows: `1 row`, `2 rows`.
fn counted(rows: u64) -> String {
    format!("{rows} {}", if rows == 1 { "row" } else { "rows" })
}
