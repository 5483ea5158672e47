//! Tables that are written once, as the rows come: complete results, and everything that does not go to a
//! terminal.

use super::cell::cell;
use super::table::{Heading, Widths};
use super::{Ending, Output, cells, counted, put, screen, still_read};
use crate::cli::Failure;
use crate::cli::gateway::{Change, Head, Row, text};

/// A table whose columns fit the first rows; a later row that needs more shifts the columns behind.
pub(super) struct Paged {
    heading: Heading,
    widths: Widths,
    is_headed: bool,
    /// Whether the result may be a single text, such as a plan, whose lines are shown.
    may_be_text: bool,
    is_text: bool,
    count: u64,
}

impl Paged {
    pub(super) fn new(head: &Head) -> Paged {
        Paged {
            heading: Heading::of(&head.columns),
            widths: Widths::default(),
            is_headed: false,
            may_be_text: !head.is_query && head.columns.len() == 1,
            is_text: false,
            count: 0,
        }
    }

    fn lines(&mut self, rows: &[Row], width_max: Option<usize>) -> Vec<String> {
        let mut lines = vec![];
        if let [row] = rows
            && self.may_be_text
            && self.count == 0
            && let Some(text) = row.fields.first().and_then(|field| text(field))
            && text.contains('\n')
        {
            self.is_text = true;
            return text.trim_end().lines().map(|line| cell(Some(line.to_owned()))).collect();
        }

        let shown: Vec<Vec<String>> = rows.iter().map(cells).collect();
        self.widths.grow(&self.heading, &shown);
        if !std::mem::replace(&mut self.is_headed, true) {
            lines.extend(self.heading.lines(&self.widths, width_max));
        }
        self.count += rows.len() as u64;

        for (row, cells) in rows.iter().zip(&shown) {
            let line = self.heading.row(cells, &self.widths, width_max);
            lines.push(match row.change {
                Change::Insert => line,
                other => format!("{}{line}", other.sign()),
            });
        }

        lines
    }
}

impl Output for Paged {
    fn rows(&mut self, rows: Vec<Row>) -> Result<(), Failure> {
        let width_max = screen().map(|(width, _)| width);
        put(&joined(&self.lines(&rows, width_max)))
    }

    fn tick(&mut self) -> Result<(), Failure> {
        still_read()
    }

    fn end(&mut self, ending: Ending) -> Result<(), Failure> {
        if ending == Ending::Failed || self.is_text {
            return Ok(());
        }
        if !self.is_headed {
            self.rows(vec![])?;
        }
        put(&format!("({})\n", counted(self.count)))
    }
}

/// Shows each row as a list of its values.
pub(super) struct Records {
    heading: Heading,
    count: u64,
}

impl Records {
    pub(super) fn new(head: &Head) -> Records {
        Records { heading: Heading::of(&head.columns), count: 0 }
    }
}

impl Output for Records {
    fn rows(&mut self, rows: Vec<Row>) -> Result<(), Failure> {
        let width_max = screen().map(|(width, _)| width);
        let mut lines = vec![];
        for row in &rows {
            self.count += 1;
            let mut record = self.heading.record(&cells(row), self.count, width_max);
            if row.change != Change::Insert {
                record.insert(1, format!("({})", row.change.sign()));
            }
            lines.append(&mut record);
        }
        put(&joined(&lines))
    }

    fn tick(&mut self) -> Result<(), Failure> {
        still_read()
    }

    fn end(&mut self, ending: Ending) -> Result<(), Failure> {
        if ending == Ending::Failed { Ok(()) } else { put(&format!("({})\n", counted(self.count))) }
    }
}

fn joined(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::gateway::{Column, ResultKind};

    fn paged(columns: Vec<Column>) -> Paged {
        Paged::new(&Head { columns, job: None, is_query: false, kind: ResultKind::SuccessWithContent })
    }

    #[test]
    fn names_stand_above_the_first_rows_only() {
        let mut paged = paged(vec![Column::of("table name", "VARCHAR")]);
        let row = |name: &str| Row::of(Change::Insert, &[name]);
        assert_eq!(paged.lines(&[row("\"a\"")], None), [" table name", "------------", " a"]);
        assert_eq!(paged.lines(&[row("\"b\""), row("null")], None), [" b", " <NULL>"]);
        assert_eq!(paged.count, 3);
    }

    #[test]
    fn a_plan_is_shown_as_its_lines() {
        let mut paged = paged(vec![Column::of("result", "VARCHAR")]);
        let plan = Row::of(Change::Insert, &[r#""== Plan ==\n  window\u001b[1m\n""#]);
        assert_eq!(paged.lines(&[plan], Some(5)), ["== Plan ==", "  window\\u{1b}[1m"]);
    }
}
