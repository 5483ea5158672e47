//! JSON options of a table, and reasons why a record gave no row.

use std::borrow::Cow;

/// The `json.*` options for decoding. The defaults are Flink's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JsonOptions {
    /// `json.ignore-parse-errors`: values of the wrong type become null and malformed records give no row,
    /// instead of failing the job.
    pub ignore_parse_errors: bool,
    /// `json.timestamp-format.standard`.
    pub timestamp_format: TimestampFormat,
}

/// The `json.*` options for encoding. The defaults are Flink's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriteOptions {
    /// `json.encode.ignore-null-fields`: null fields are left out.
    pub ignore_null_fields: bool,
    /// `json.timestamp-format.standard`.
    pub timestamp_format: TimestampFormat,
    /// `json.encode.decimal-as-plain-number`.
    pub decimals: DecimalFormat,
}

/// Format of `DECIMAL` values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DecimalFormat {
    /// The format of Java's `BigDecimal` without trailing zeros: `1.5`, and `1E+2` for 100.
    #[default]
    Scientific,
    /// All digits of the type, and no exponent: `1.50`, `100.00`.
    Plain,
}

/// Format of `TIMESTAMP` and `TIMESTAMP_LTZ`; the latter ends with `Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimestampFormat {
    /// `'SQL'`: `2025-12-09 11:30:00.123`.
    #[default]
    Sql,
    /// `'ISO-8601'`: `2025-12-09T11:30:00.123`; seconds are optional.
    Iso8601,
}

/// The reason why a record gave no row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The record is not counted; the text is the reason in its dead letter.
    #[error("{0}")]
    Rejected(Cow<'static, str>),
    /// The record is wrong and `json.ignore-parse-errors` is not set, so the job fails.
    #[error("{0}; 'json.ignore-parse-errors' = 'true' among the table's options goes on without it")]
    Fatal(String),
}

/// Where and why reading a record stopped early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    /// Byte offset in the record.
    pub(super) at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// The text is not JSON, with the problem.
    Malformed(&'static str),
    /// The JSON cannot become a row, with the whole reason.
    NoRow(&'static str),
    /// A value does not have the leaf's type, and the options make this an error.
    WrongType { leaf: u32 },
}

impl Fault {
    pub(super) const fn malformed(what: &'static str, at: usize) -> Fault {
        Fault { kind: FaultKind::Malformed(what), at }
    }
}
