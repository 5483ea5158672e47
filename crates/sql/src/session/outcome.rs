//! What a statement comes to: something known at once, or something that others must do.

use types::{ColumnType, DataType, Value};

use crate::plan::TopQuery;

/// What a statement comes to.
#[derive(Debug)]
pub enum Outcome {
    /// It is done; there is nothing to tell.
    Done,
    /// What is known at once.
    Rows(Answer),
    /// `SHOW JOBS`.
    ShowJobs,
    /// `DESCRIBE JOB`.
    DescribeJob(String),
    StopJob(StopJob),
    /// A job that writes.
    Insert(Insertion),
    /// A job whose rows are fetched.
    Query(Box<Selection>),
}

/// Rows that are known at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub columns: Vec<(String, ColumnType)>,
    pub rows: Vec<Vec<Value>>,
}

/// `STOP JOB 'id' [WITH SAVEPOINT] [WITH DRAIN]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopJob {
    pub id: String,
    pub with_savepoint: bool,
    pub with_drain: bool,
}

/// Inserts, as a script of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insertion {
    pub script: String,
    /// The job's name where `pipeline.name` is not set.
    pub name: String,
    /// Where the statement begins in the script.
    pub statement_at: usize,
}

/// A query, as a script of its own.
#[derive(Debug)]
pub struct Selection {
    pub script: String,
    /// The job's name where `pipeline.name` is not set.
    pub name: String,
    pub query: TopQuery,
    pub statement_at: usize,
}

impl Answer {
    /// Columns of texts.
    pub(super) fn texts<const N: usize>(names: [&str; N], rows: Vec<[String; N]>) -> Outcome {
        let columns = names.into_iter().map(|name| (name.to_owned(), DataType::STRING.nullable()));
        let rows = rows.into_iter().map(|row| row.into_iter().map(Value::Text).collect());
        Outcome::Rows(Answer { columns: columns.collect(), rows: rows.collect() })
    }
}
