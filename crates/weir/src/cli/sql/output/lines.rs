//! CSV and JSON lines: writes each row as it comes, and nothing else.

use super::{Changes, Ending, Format, Output, csv, json, put, still_read};
use crate::cli::Failure;
use crate::cli::gateway::{Change, Head, Row};

/// Name of the column for the effect of a row.
const OP: &str = "op";

pub(super) struct Lines {
    format: Format,
    changes: Changes,
    names: Vec<String>,
    is_header_due: bool,
}

impl Lines {
    pub(super) fn new(format: Format, changes: Changes, head: &Head) -> Lines {
        let names = head.columns.iter().map(|column| column.name.clone()).collect();
        Lines { format, changes, names, is_header_due: format == Format::Csv }
    }

    /// Returns the header once, where the format has one.
    fn header(&mut self) -> String {
        if !std::mem::take(&mut self.is_header_due) {
            return String::new();
        }
        let op = (self.changes == Changes::Told).then(|| OP.to_owned());
        csv::line(op.into_iter().chain(self.names.iter().cloned()).map(Some))
    }

    fn line(&self, row: &Row) -> Result<String, Failure> {
        let sign = row.change.sign();
        let is_told = match self.changes {
            Changes::Told => true,
            Changes::Refused if row.change == Change::Insert => false,
            Changes::Refused => {
                let error = anyhow::anyhow!(
                    "a row changes a written row ({sign}); --changes writes the kind of each row"
                );
                return Err(Failure::failed(error));
            }
        };
        if self.format == Format::Csv {
            let op = is_told.then(|| Some(sign.to_owned()));
            return Ok(csv::line(op.into_iter().chain(csv::row(&row.fields))));
        }
        let sign = format!("\"{sign}\"");
        let op = is_told.then_some((OP, sign.as_str()));
        Ok(json::line(op.into_iter().chain(json::row(&self.names, &row.fields))))
    }

    fn text(&mut self, rows: &[Row]) -> (String, Result<(), Failure>) {
        let mut text = self.header();
        for row in rows {
            match self.line(row) {
                Ok(line) => text.push_str(&line),
                Err(failure) => return (text, Err(failure)),
            }
        }
        (text, Ok(()))
    }
}

impl Output for Lines {
    fn rows(&mut self, rows: Vec<Row>) -> Result<(), Failure> {
        let (text, refused) = self.text(&rows);
        put(&text)?;
        refused
    }

    fn tick(&mut self) -> Result<(), Failure> {
        still_read()
    }

    fn end(&mut self, ending: Ending) -> Result<(), Failure> {
        // A result without rows still has a header.
        if ending == Ending::Failed { Ok(()) } else { put(&self.header()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::gateway::{Column, ResultKind};

    fn lines(format: Format, changes: Changes) -> Lines {
        let columns = vec![Column::of("id", "BIGINT"), Column::of("name", "VARCHAR")];
        let head = Head { columns, job: None, is_query: true, kind: ResultKind::SuccessWithContent };
        Lines::new(format, changes, &head)
    }

    fn rows() -> Vec<Row> {
        vec![
            Row::of(Change::Insert, &["1", r#""a""#]),
            Row::of(Change::UpdateBefore, &["1", r#""a""#]),
            Row::of(Change::UpdateAfter, &["1", "null"]),
        ]
    }

    #[test]
    fn the_header_comes_once() {
        let mut csv = lines(Format::Csv, Changes::Refused);
        assert_eq!(csv.text(&rows()[..1]).0, "id,name\r\n1,a\r\n");
        assert_eq!(csv.text(&rows()[..1]).0, "1,a\r\n");
        assert_eq!(lines(Format::Json, Changes::Refused).text(&[]).0, "");
    }

    #[test]
    fn rows_that_change_others_are_refused_or_told() {
        for format in [Format::Csv, Format::Json] {
            let (written, refused) = lines(format, Changes::Refused).text(&rows());
            assert!(refused.unwrap_err().to_string().contains("(-U); --changes"));
            assert!(written.contains('a'), "what came before is written: {written}");
        }
        let (csv, done) = lines(Format::Csv, Changes::Told).text(&rows());
        assert!(done.is_ok());
        assert_eq!(csv, "op,id,name\r\n+I,1,a\r\n-U,1,a\r\n+U,1,\r\n");
        let (json, _) = lines(Format::Json, Changes::Told).text(&rows()[2..]);
        assert_eq!(json, "{\"op\":\"+U\",\"id\":1,\"name\":null}\n");
    }
}
