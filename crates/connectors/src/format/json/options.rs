//! How a table's JSON is to be read, and why a record was not.

use std::borrow::Cow;

/// The `json.*` options of a table that decoding depends on. The defaults are Flink's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JsonOptions {
    /// `json.ignore-parse-errors`: values of the wrong type are null and malformed records give no row, instead of
    /// failing the job.
    pub ignore_parse_errors: bool,
    /// `json.timestamp-format.standard`.
    pub timestamp_format: TimestampFormat,
}

/// The `json.*` options of a table that writing depends on. The defaults are Flink's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriteOptions {
    /// `json.encode.ignore-null-fields`: what is null is left out.
    pub ignore_null_fields: bool,
    /// `json.timestamp-format.standard`.
    pub timestamp_format: TimestampFormat,
    /// `json.encode.decimal-as-plain-number`.
    pub decimals: DecimalFormat,
}

/// How `DECIMAL` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DecimalFormat {
    /// As Java's `BigDecimal` writes it without the zeros at its end: `1.5`, and `1E+2` for 100.
    #[default]
    Scientific,
    /// With all digits of the type and never an exponent: `1.50`, `100.00`.
    Plain,
}

/// How `TIMESTAMP` and `TIMESTAMP_LTZ` are written; the latter with a `Z` behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimestampFormat {
    /// `'SQL'`: `2025-12-09 11:30:00.123`.
    #[default]
    Sql,
    /// `'ISO-8601'`: `2025-12-09T11:30:00.123`, seconds may be missing.
    Iso8601,
}

/// Why a record gave no row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The record is not counted; the text is the dead letter's reason.
    #[error("{0}")]
    Rejected(Cow<'static, str>),
    /// The record is wrong and `json.ignore-parse-errors` is not set: the job fails.
    #[error("{0}; 'json.ignore-parse-errors' = 'true' among the table's options goes on without it")]
    Fatal(String),
}

/// Where and why reading a record ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    /// Bytes from the record's start.
    pub(super) at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// No grammar of JSON's; what was wrong.
    Malformed(&'static str),
    /// JSON, but nothing a row can be made of; the whole reason.
    NoRow(&'static str),
    /// A value that is not of the leaf's type, where that is an error.
    WrongType { leaf: u32 },
}

impl Fault {
    pub(super) const fn malformed(what: &'static str, at: usize) -> Fault {
        Fault { kind: FaultKind::Malformed(what), at }
    }
}
