//! Between changes and the codes that stand for them in a column.

use std::fmt;

/// What a row of a changelog does to the result, by the name that Flink gives it.
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

/// `FROM_CHANGELOG`: each row becomes the change that its code stands for. The fields stay as they are, the code too.
///
/// A row whose code is null or is not listed makes the job fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FromChangelog {
    /// The field of the code, a text.
    pub op: usize,
    /// No code is there twice.
    pub codes: Vec<(String, ChangeKind)>,
}

/// `TO_CHANGELOG`: each change becomes a new row, with its code behind the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToChangelog {
    /// No kind is there twice. Changes of other kinds are left out.
    pub codes: Vec<(ChangeKind, String)>,
}

/// `'c' = INSERT, 'd' = DELETE`.
impl fmt::Display for FromChangelog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes = self.codes.iter().map(|(code, kind)| format!("'{code}' = {}", kind.name()));
        f.write_str(&codes.collect::<Vec<_>>().join(", "))
    }
}

/// `INSERT = 'c', DELETE = 'd'`.
impl fmt::Display for ToChangelog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes = self.codes.iter().map(|(kind, code)| format!("{} = '{code}'", kind.name()));
        f.write_str(&codes.collect::<Vec<_>>().join(", "))
    }
}
