//! Conversions between changes and the codes for them in a column.

use std::fmt;

/// The kind of a change, by Flink's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    Insert,
    UpdateBefore,
    UpdateAfter,
    Delete,
}

impl ChangeKind {
    pub const ALL: [ChangeKind; 4] =
        [ChangeKind::Insert, ChangeKind::UpdateBefore, ChangeKind::UpdateAfter, ChangeKind::Delete];

    pub fn name(self) -> &'static str {
        match self {
            ChangeKind::Insert => "INSERT",
            ChangeKind::UpdateBefore => "UPDATE_BEFORE",
            ChangeKind::UpdateAfter => "UPDATE_AFTER",
            ChangeKind::Delete => "DELETE",
        }
    }
}

/// `FROM_CHANGELOG`: turns each row into the change that its code names. All fields are kept, including the
/// code.
///
/// A row whose code is null or not listed fails the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FromChangelog {
    /// The text field with the code.
    pub op: usize,
    /// Distinct codes with their kinds.
    pub codes: Vec<(String, ChangeKind)>,
}

/// `TO_CHANGELOG`: turns each change into a new row, with its code appended to the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToChangelog {
    /// Distinct kinds with their codes. Changes of other kinds are dropped.
    pub codes: Vec<(ChangeKind, String)>,
}

/// Formats `'c' = INSERT, 'd' = DELETE`.
impl fmt::Display for FromChangelog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes = self.codes.iter().map(|(code, kind)| format!("'{code}' = {}", kind.name()));
        f.write_str(&codes.collect::<Vec<_>>().join(", "))
    }
}

/// Formats `INSERT = 'c', DELETE = 'd'`.
impl fmt::Display for ToChangelog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes = self.codes.iter().map(|(kind, code)| format!("{} = '{code}'", kind.name()));
        f.write_str(&codes.collect::<Vec<_>>().join(", "))
    }
}
