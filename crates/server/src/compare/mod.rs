//! Compares the result rows of two stores, such as those of a running system and of its successor.
//!
//! The stores are compared one analytic at a time, so that only the rows of one are in memory. Rows of both that
//! describe the same group in the same window form a pair, whatever their keys look like:
//!
//! ```text
//! analytics:year:None:2025-12-09T11:30:04.123456   ─┐ the window's end is in the value, and
//! analytics:year:unknown:2025-12-09T11:30:00       ─┘ `None` is the null group: one pair
//! ```
//!
//! The file `fold.rs` says which rows form a pair, `values.rs` which values count as equal.

mod fold;
#[cfg(test)]
mod tests;
mod values;

use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;
use storage::store::Entry;
use types::Timestamp;

use crate::analytics::{Kind, Moment};
use fold::Rows;
pub use values::Tolerance;

/// The period, the tolerance and the fields of a comparison.
#[derive(Debug, Clone)]
pub struct Options {
    /// The first and the last end of windows.
    pub since: Option<Time>,
    pub until: Option<Time>,
    pub tolerance: Tolerance,
    /// Fields of the values that are not compared.
    pub ignored: Vec<String>,
}

/// A time on the wall clock of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(Moment);

impl Time {
    /// Parses a time such as `2025-12-09T11:30:00`, a day, `now`, or back from now as `-15m`, `-2h`, `-7d`. `zone` is
    /// that of the rows.
    pub fn parse(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Time> {
        crate::results::parse_bound(text, Moment::local(now, zone)).map(|micros| Time(Moment(micros)))
    }
}

/// The rows of one analytic in one store.
#[derive(Debug)]
pub struct Side {
    kind: Kind,
    rows: Rows,
}

/// A pair of rows that are not equal, or a row without a partner.
#[derive(Debug, Serialize)]
pub struct Difference {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub difference: Which,
    /// The end of the window, on the wall clock of the rows.
    pub window_end: String,
    /// The key in the first store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_old: Option<String>,
    /// The key in the second store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_new: Option<String>,
    /// The fields that differ, each with its value in the first and in the second store; `null` if it has none.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub fields: serde_json::Map<String, Value>,
}

/// The kinds of differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    Different,
    OnlyOld,
    OnlyNew,
}

/// The numbers of rows of one analytic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    pub equal: u64,
    pub different: u64,
    pub only_old: u64,
    pub only_new: u64,
    /// Pairs of which one row says that its window is still open.
    pub open: u64,
    /// Rows that a later row of the same group and window replaces, in either store.
    pub replaced: u64,
}

impl Summary {
    /// Returns whether no row differs.
    pub fn is_equal(&self) -> bool {
        self.different == 0 && self.only_old == 0 && self.only_new == 0
    }

    /// Adds the numbers of another analytic.
    pub fn add(&mut self, other: &Summary) {
        self.equal += other.equal;
        self.different += other.different;
        self.only_old += other.only_old;
        self.only_new += other.only_new;
        self.open += other.open;
        self.replaced += other.replaced;
    }
}

/// Returns the prefix of an analytic's keys; `None` if there is no such analytic.
pub fn prefix(name: &str) -> Option<String> {
    Kind::named(name).map(|kind| format!("analytics:{}:", fold::key_name(kind)))
}

impl Side {
    /// Returns a side without rows; `None` if there is no such analytic.
    pub fn of(name: &str) -> Option<Side> {
        Kind::named(name).map(|kind| Side { kind, rows: Rows::default() })
    }

    /// Adds an entry of the store. Entries that are no rows of the analytic, or out of the period, are left out.
    pub fn add(&mut self, entry: &Entry, options: &Options) {
        let period = (options.since.map(|time| time.0), options.until.map(|time| time.0));
        self.rows.add(self.kind, entry, period);
    }
}

/// Compares the rows of an analytic in two stores; passes each difference to `each`, in order of time.
pub fn compare(old: Side, new: Side, options: &Options, each: &mut dyn FnMut(Difference)) -> Summary {
    let kind = old.kind;
    let mut summary = Summary { replaced: old.rows.replaced() + new.rows.replaced(), ..Summary::default() };

    for pair in fold::pairs(kind, old.rows, new.rows) {
        let difference = match (&pair.old, &pair.new) {
            (Some(a), Some(b)) if !a.is_final() || !b.is_final() => {
                summary.open += 1;
                continue;
            }
            (Some(a), Some(b)) => {
                let fields = values::differences(kind, &a.value, &b.value, options);
                if fields.is_empty() {
                    summary.equal += 1;
                    continue;
                }
                summary.different += 1;
                (Which::Different, fields)
            }
            // A window that is still open may not have reached the other store yet.
            (Some(row), None) | (None, Some(row)) if !row.is_final() => {
                summary.open += 1;
                continue;
            }
            (Some(_), None) => {
                summary.only_old += 1;
                (Which::OnlyOld, serde_json::Map::new())
            }
            (None, _) => {
                summary.only_new += 1;
                (Which::OnlyNew, serde_json::Map::new())
            }
        };

        each(Difference {
            kind: kind.name(),
            difference: difference.0,
            window_end: pair.end.to_string(),
            key_old: pair.old.map(|row| row.key),
            key_new: pair.new.map(|row| row.key),
            fields: difference.1,
        });
    }

    summary
}
