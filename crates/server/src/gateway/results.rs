//! The result of a statement, page by page.
//!
//! A complete result is paged by token alone. The rows of a query are consumed as they arrive: each page is
//! given once, and again only to a client that asks for the last page a second time.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jobs::{CollectedRow, JobStatus, QueryJob, RowKind};
use sql::plan::ResultColumn;
use sql::session::Answer;
use types::{ColumnType, JobId, Value};

use super::fault::{EXECUTION, Fault};
use super::queries::is_spent;

/// Flink's kinds of results: with and without content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResultKind {
    Success,
    SuccessWithContent,
}

/// The outcome of a statement.
pub(super) struct Outcome {
    pub(super) columns: Vec<ResultColumn>,
    pub(super) kind: ResultKind,
    pub(super) job: Option<JobId>,
    /// Zone in which instants are shown.
    pub(super) zone: TimeZone,
    pub(super) rows: FetchedRows,
}

pub(super) enum FetchedRows {
    Known(Vec<CollectedRow>),
    Query(Box<Running>),
}

/// A query, and how far it was fetched.
pub(super) struct Running {
    query: Arc<QueryJob>,
    /// The next page's token.
    next: u64,
    /// The last page, in case the client asks again.
    last: Arc<Vec<CollectedRow>>,
    /// Whether all pages were given.
    is_over: bool,
}

/// A page of a result.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Page {
    Rows {
        rows: Arc<Vec<CollectedRow>>,
        next: u64,
    },
    End,
    /// Nothing is there yet; the client asks again with the same token.
    NotYet,
}

impl Outcome {
    /// Returns the outcome `OK`.
    pub(super) fn ok() -> Outcome {
        let columns = vec![("result".to_owned(), types::DataType::STRING.nullable())];
        let rows = vec![vec![Value::Text("OK".to_owned())]];
        Outcome { kind: ResultKind::Success, ..Outcome::of(Answer { columns, rows }, TimeZone::UTC) }
    }

    /// Returns the outcome of a complete answer.
    pub(super) fn of(answer: Answer, zone: TimeZone) -> Outcome {
        let rows = answer.rows.into_iter().map(|values| CollectedRow { kind: RowKind::Insert, values });
        Outcome {
            columns: flat(answer.columns),
            kind: ResultKind::SuccessWithContent,
            job: None,
            zone,
            rows: FetchedRows::Known(rows.collect()),
        }
    }

    /// Returns a result of one text in one column.
    pub(super) fn one(column: &str, text: String) -> Outcome {
        let columns = vec![(column.to_owned(), types::DataType::STRING.nullable())];
        Outcome::of(Answer { columns, rows: vec![vec![Value::Text(text)]] }, TimeZone::UTC)
    }

    pub(super) fn of_query(columns: Vec<ResultColumn>, zone: TimeZone, query: Arc<QueryJob>) -> Outcome {
        let job = Some(query.job().id());
        let running = Running { query, next: 0, last: Arc::default(), is_over: false };
        let rows = FetchedRows::Query(Box::new(running));
        Outcome { columns, kind: ResultKind::SuccessWithContent, job, zone, rows }
    }

    pub(super) fn is_query(&self) -> bool {
        matches!(self.rows, FetchedRows::Query(_))
    }

    /// Returns whether nothing more happens by itself.
    pub(super) fn is_at_rest(&self) -> bool {
        match &self.rows {
            FetchedRows::Known(_) => true,
            FetchedRows::Query(running) => running.is_over || is_spent(&running.query),
        }
    }

    /// Returns the page of a token.
    pub(super) fn page(&mut self, token: u64, page_rows: usize) -> Result<Page, Fault> {
        match &mut self.rows {
            FetchedRows::Known(rows) => known_page(rows, token, page_rows),
            FetchedRows::Query(running) => running.page(token, page_rows),
        }
    }

    /// Returns an empty page in place of one that does not exist yet, so that the next fetch has another
    /// token.
    pub(super) fn skip(&mut self, token: u64) -> Page {
        if let FetchedRows::Query(running) = &mut self.rows
            && running.next == token
        {
            return running.give(Vec::new());
        }
        Page::NotYet
    }
}

fn known_page(rows: &[CollectedRow], token: u64, page_rows: usize) -> Result<Page, Fault> {
    let last = rows.len().div_ceil(page_rows) as u64;
    if token > last {
        return Err(unexpected(last, None, token));
    }
    let start = usize::try_from(token).unwrap_or(usize::MAX).saturating_mul(page_rows);
    let page: Vec<CollectedRow> = rows.iter().skip(start).take(page_rows).cloned().collect();
    Ok(if page.is_empty() { Page::End } else { Page::Rows { rows: Arc::new(page), next: token + 1 } })
}

impl Running {
    fn page(&mut self, token: u64, page_rows: usize) -> Result<Page, Fault> {
        if token.checked_add(1) == Some(self.next) {
            return Ok(Page::Rows { rows: self.last.clone(), next: self.next });
        }
        if token != self.next {
            return Err(unexpected(self.next, self.next.checked_sub(1), token));
        }

        if token == 0 {
            // The first page has only the columns, so that the client knows them before there are rows.
            return Ok(self.give(Vec::new()));
        }

        // Read the end first: no row comes after the end.
        let ended = self.query.ended();
        let rows = self.query.take(page_rows);
        if !rows.is_empty() {
            return Ok(self.give(rows));
        }

        match ended {
            None => Ok(Page::NotYet),
            Some(JobStatus::Finished) => {
                self.is_over = true;
                self.last = Arc::default();
                Ok(Page::End)
            }
            Some(status) => {
                self.is_over = true;
                let failures = self.query.job().view().failures;
                let why = failures.last().map_or_else(String::new, |failure| format!(": {}", failure.text));
                let what = if status == JobStatus::Failed { "has failed" } else { "was cancelled" };
                Err(Fault::new(EXECUTION, format!("The job {} {what}{why}", self.query.job().id())))
            }
        }
    }

    fn give(&mut self, rows: Vec<CollectedRow>) -> Page {
        self.last = Arc::new(rows);
        self.next += 1;
        Page::Rows { rows: self.last.clone(), next: self.next }
    }
}

fn unexpected(next: u64, before: Option<u64>, found: u64) -> Fault {
    let before = before.map(|before| format!(" or {before}")).unwrap_or_default();
    Fault::new(EXECUTION, format!("Expecting token to be {next}{before}, but found {found}."))
}

/// Returns the columns of the rows that a statement answers.
fn flat(columns: Vec<(String, ColumnType)>) -> Vec<ResultColumn> {
    columns.into_iter().map(|(name, column_type)| ResultColumn { name, column_type }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: i64) -> Vec<CollectedRow> {
        (0..n).map(|n| CollectedRow { kind: RowKind::Insert, values: vec![Value::Int(n)] }).collect()
    }

    #[test]
    fn what_is_known_is_paged_by_its_token_alone() {
        let rows = numbers(5);
        let page = |token| known_page(&rows, token, 2);
        for _ in 0..2 {
            assert_eq!(page(1), Ok(Page::Rows { rows: Arc::new(rows[2..4].to_vec()), next: 2 }));
        }
        assert_eq!(page(2), Ok(Page::Rows { rows: Arc::new(rows[4..].to_vec()), next: 3 }));
        assert_eq!(page(3), Ok(Page::End));
        assert!(page(4).is_err());
        assert_eq!(known_page(&[], 0, 2), Ok(Page::End));
    }
}
