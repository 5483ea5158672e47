//! A table that updates in place: the last rows that fit the screen, and a status line.
//!
//! The rows are the result of all changes so far: a row that retracts another removes it. When the result is
//! complete, all kept rows are written, and stay on the screen.

use std::collections::VecDeque;

use super::cell::cut;
use super::table::{Heading, Widths};
use super::{Ending, Output, cells, counted, put, screen};
use crate::cli::Failure;
use crate::cli::gateway::{Change, Head, Row};

/// Maximum of kept rows, which are shown at the end.
const KEPT_MAX: usize = 1_000;
/// Maximum length of a kept cell: no screen shows more.
const CELL_MAX: usize = 500;
/// Screen lines that are not for rows: two of the heading, the status, and the cursor's line.
const LINES_BESIDE: usize = 4;

pub(super) struct Live {
    heading: Heading,
    widths: Widths,
    rows: LiveRows,
    job: Option<String>,
    /// Lines of the screen that the table occupies.
    drawn: usize,
    is_stale: bool,
}

/// The result of the changes so far.
#[derive(Debug, Default)]
struct LiveRows {
    kept: VecDeque<Vec<String>>,
    /// Number of rows dropped before the kept ones.
    left_out: u64,
    count: u64,
    /// Number of changes other than insertions.
    corrections: u64,
    /// Index of the updated row, whose successor comes next.
    updated: Option<usize>,
}

impl LiveRows {
    fn take(&mut self, change: Change, cells: Vec<String>) {
        if change != Change::Insert {
            self.corrections += 1;
        }

        match change {
            Change::Insert | Change::UpdateAfter => {
                let at = self.updated.take().filter(|_| change == Change::UpdateAfter);
                self.count += 1;
                self.kept.insert(at.unwrap_or(self.kept.len()).min(self.kept.len()), cells);
                if self.kept.len() > KEPT_MAX {
                    self.kept.pop_front();
                    self.left_out += 1;
                }
            }

            Change::UpdateBefore | Change::Delete => {
                self.count = self.count.saturating_sub(1);
                let at = self.kept.iter().rposition(|kept| *kept == cells);
                match at {
                    Some(at) => drop(self.kept.remove(at)),
                    None => self.left_out = self.left_out.saturating_sub(1),
                }
                self.updated = at.filter(|_| change == Change::UpdateBefore);
            }
        }
    }
}

impl Live {
    pub(super) fn new(head: &Head) -> Live {
        Live {
            heading: Heading::of(&head.columns),
            widths: Widths::default(),
            rows: LiveRows::default(),
            job: head.job.clone(),
            drawn: 0,
            is_stale: true,
        }
    }

    /// Returns the last `rows_max` rows under their names.
    fn table(&mut self, rows_max: usize, width: usize) -> Vec<String> {
        let skipped = self.rows.kept.len().saturating_sub(rows_max);
        self.widths.grow(&self.heading, self.rows.kept.iter().skip(skipped));
        let mut lines = self.heading.lines(&self.widths, Some(width)).to_vec();
        let rows = self.rows.kept.iter().skip(skipped);
        lines.extend(rows.map(|cells| self.heading.row(cells, &self.widths, Some(width))));
        lines
    }

    fn status(&self, width: usize) -> String {
        let job = self.job.as_ref().map_or_else(String::new, |job| format!(", job {job}"));
        cut(&format!("{} so far{job}; Ctrl-C stops it", self.told()), width)
    }

    fn told(&self) -> String {
        let rows = counted(self.rows.count);
        match self.rows.corrections {
            0 => rows,
            corrections => format!("{rows} after {corrections} corrections"),
        }
    }

    /// Replaces the lines that were drawn before.
    fn draw(&mut self, lines: &[String]) -> Result<(), Failure> {
        let mut text = String::new();
        if self.drawn > 0 {
            // Move up to the first of the drawn lines, and clear the screen from there.
            text.push_str(&format!("\r\x1b[{}A\x1b[J", self.drawn));
        }
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
        self.drawn = lines.len();
        put(&text)
    }

    fn last_lines(&mut self, ending: Ending, (width, height): (usize, usize)) -> Vec<String> {
        let rows_max = if ending == Ending::Complete { KEPT_MAX } else { room(height) };
        let mut lines = self.table(rows_max, width);
        let shown = (self.rows.kept.len().min(rows_max)) as u64;
        let mut told = self.told();
        if shown < self.rows.count {
            told.push_str(&format!(", the last {shown} are shown"));
        }
        lines.push(format!("({told})"));
        lines
    }
}

impl Output for Live {
    fn rows(&mut self, rows: Vec<Row>) -> Result<(), Failure> {
        for row in rows {
            let cells = cells(&row).iter().map(|cell| cut(cell, CELL_MAX)).collect();
            self.rows.take(row.change, cells);
            self.is_stale = true;
        }
        Ok(())
    }

    fn tick(&mut self) -> Result<(), Failure> {
        let Some((width, height)) = screen().filter(|_| self.is_stale) else { return Ok(()) };
        self.is_stale = false;
        let mut lines = self.table(room(height), width);
        lines.push(self.status(width));
        self.draw(&lines)
    }

    fn end(&mut self, ending: Ending) -> Result<(), Failure> {
        if ending == Ending::Failed && self.rows.count == 0 {
            return self.draw(&[]);
        }
        let lines = self.last_lines(ending, screen().unwrap_or((80, 24)));
        self.draw(&lines)
    }
}

fn room(height: usize) -> usize {
    height.saturating_sub(LINES_BESIDE).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::gateway::{Column, ResultKind};

    fn live() -> Live {
        let columns = vec![Column::of("word", "VARCHAR"), Column::of("n", "BIGINT")];
        let job = Some("ab12".to_owned());
        Live::new(&Head { columns, job, is_query: true, kind: ResultKind::SuccessWithContent })
    }

    fn row(change: Change, word: &str, n: u64) -> Row {
        Row::of(change, &[&format!("\"{word}\""), &format!("\"{n}\"")])
    }

    #[test]
    fn the_last_rows_that_fit_are_shown() {
        let mut live = live();
        live.rows((0..10).map(|n| row(Change::Insert, "a", n)).collect()).unwrap();
        assert_eq!(live.table(room(6), 80), [" word | n", "------+---", " a    | 8", " a    | 9"]);
        assert_eq!(live.status(80), "10 rows so far, job ab12; Ctrl-C stops it");
        assert_eq!(live.status(10), "10 rows s…");
        assert_eq!(
            live.last_lines(Ending::Stopped, (80, 6)).last().unwrap(),
            "(10 rows, the last 2 are shown)"
        );
        let all = live.last_lines(Ending::Complete, (80, 6));
        assert_eq!((all.len(), all[12].as_str()), (13, "(10 rows)"));
    }

    #[test]
    fn a_row_that_is_taken_back_goes_and_its_successor_takes_its_place() {
        let mut live = live();
        live.rows(vec![
            row(Change::Insert, "a", 1),
            row(Change::Insert, "b", 1),
            row(Change::Insert, "c", 1),
            row(Change::UpdateBefore, "a", 1),
            row(Change::UpdateAfter, "a", 2),
            row(Change::Delete, "b", 1),
            row(Change::UpdateAfter, "d", 1),
        ])
        .unwrap();
        assert_eq!(live.table(10, 80)[2..], [" a    | 2", " c    | 1", " d    | 1"]);
        assert_eq!(live.told(), "3 rows after 4 corrections");
    }

    #[test]
    fn only_so_many_rows_are_kept() {
        let mut live = live();
        let many = KEPT_MAX as u64 + 5;
        live.rows((0..many).map(|n| row(Change::Insert, "a", n)).collect()).unwrap();
        assert_eq!((live.rows.kept.len(), live.rows.left_out, live.rows.count), (KEPT_MAX, 5, many));
        let lines = live.last_lines(Ending::Complete, (80, 24));
        assert_eq!(lines.last().unwrap(), "(1005 rows, the last 1000 are shown)");
        live.rows(vec![row(Change::Delete, "a", 0)]).unwrap();
        assert_eq!((live.rows.kept.len(), live.rows.left_out), (KEPT_MAX, 4));
    }
}
