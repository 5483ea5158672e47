//! Outcomes of statements: results that are known at once, and actions for others to take.

use types::{ColumnType, DataType, Value};

use crate::plan::TopQuery;

/// The outcome of a statement.
#[derive(Debug)]
pub enum Outcome {
    /// The statement is complete, without a result.
    Done,
    /// Rows that are known at once.
    Rows(Answer),
    /// `SHOW JOBS`.
    ShowJobs,
    /// `DESCRIBE JOB`.
    DescribeJob(String),
    StopJob(StopJob),
    /// A job that writes to sinks.
    Insert(Insertion),
    /// A job whose rows a client fetches.
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

/// Inserts as a complete script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insertion {
    pub script: String,
    /// Name of the job if `pipeline.name` is not set.
    pub name: String,
    /// Byte offset of the statement in the script.
    pub statement_at: usize,
}

/// A query as a complete script.
#[derive(Debug)]
pub struct Selection {
    pub script: String,
    /// Name of the job if `pipeline.name` is not set.
    pub name: String,
    pub query: TopQuery,
    pub statement_at: usize,
}

impl Answer {
    /// Creates an answer with text columns.
    pub(super) fn texts<const N: usize>(names: [&str; N], rows: Vec<[String; N]>) -> Outcome {
        let columns = names.into_iter().map(|name| (name.to_owned(), DataType::STRING.nullable()));
        let rows = rows.into_iter().map(|row| row.into_iter().map(Value::Text).collect());
        Outcome::Rows(Answer { columns: columns.collect(), rows: rows.collect() })
    }
}
