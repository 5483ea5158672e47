//! A result table of both systems: its rows in the result store of Weir, and those in its topic.
//!
//! ```text
//! windows by their ends   ──────────────┼──────────────────┼──────────►
//!                          equal        until              closed by both
//! ```
//!
//! A comparison takes the windows after `until`. If all of their rows are equal, `until` moves on.

use anyhow::anyhow;

use super::TakeOverArgs;
use super::here::{Here, Table};
use super::needs::END;
use super::rows::{Comparison, Counts, Difference, Row, Rows, time};
use super::topics::TopicRows;
use crate::cli::Failure;

/// Milliseconds; no window of a trial ends later after the cut.
const YEAR: i64 = 366 * 86_400_000;

/// Where the trial runs.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) enum Trial {
    OnCluster,
    InWeir,
}

/// A result table of both systems.
pub(super) struct Pair {
    name: String,
    table: Table,
    comparison: Comparison,
    topic: TopicRows,
    /// Rows of windows that end at `until` or before, which are equal.
    equal: Counts,
    /// Rows of the last comparison, if some of them differ.
    unequal: Counts,
    until: i64,
}

impl Pair {
    /// `cut` is the end of the last window that is not compared.
    pub(super) fn new(
        name: &str,
        table: &Table,
        topic: TopicRows,
        arguments: &TakeOverArgs,
        cut: i64,
    ) -> Pair {
        let comparison = Comparison {
            columns: table.columns.clone(),
            key: table.key_columns.clone(),
            ignored: arguments.ignored.clone(),
            tolerance: arguments.tolerance,
        };
        Pair {
            name: name.to_owned(),
            table: table.clone(),
            comparison,
            topic,
            equal: Counts::default(),
            unequal: Counts::default(),
            until: cut,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn rename(&mut self, table: &Table) {
        self.table = table.clone();
    }

    /// Returns the time up to which all rows are equal.
    pub(super) fn until(&self) -> i64 {
        self.until
    }

    /// Returns the number of equal rows.
    pub(super) fn rows(&self) -> usize {
        self.equal.rows()
    }

    /// Returns the numbers of all rows that were compared.
    pub(super) fn counts(&self) -> Counts {
        let mut counts = self.equal;
        counts.add(self.unequal);
        counts
    }

    /// Compares the rows of windows that end at `closed` or before, without those that were equal before.
    pub(super) fn compare(&mut self, here: &Here, closed: i64) -> Result<Vec<Difference>, Failure> {
        self.topic.poll(&self.comparison)?;
        let here = here.rows(&self.table, &self.comparison, (self.until, closed))?;

        let is_meant = |row: &Row| ended(row).is_some_and(|end| self.until < end && end <= here.until);
        let there = self.topic.rows().iter().filter(|(_, row)| is_meant(row));
        let there: Rows = there.map(|(key, row)| (key.clone(), row.clone())).collect();

        let (counts, differences) = self.comparison.compare(&self.name, &here.rows, &there);
        self.unequal = counts;
        if differences.is_empty() {
            self.equal.add(counts);
            self.unequal = Counts::default();
            self.until = here.until.max(self.until);
        }
        Ok(differences)
    }

    /// Returns the end of the newest window in the rows of the trial, or a time up to which rows were compared.
    ///
    /// # Errors
    /// Not all rows of the trial can be read.
    pub(super) fn newest(&mut self, here: &Here, trial: Trial) -> Result<i64, Failure> {
        let newest = |rows: &Rows, least: i64| rows.values().filter_map(ended).fold(least, i64::max);
        if let Trial::OnCluster = trial {
            self.topic.poll(&self.comparison)?;
            return Ok(newest(self.topic.rows(), self.until));
        }

        let last = self.until.saturating_add(YEAR);
        let (mut from, mut found) = (self.until, self.until);
        loop {
            let part = here.rows(&self.table, &self.comparison, (from, last))?;
            found = newest(&part.rows, found);
            if part.until >= last {
                return Ok(found);
            }
            if part.until <= from {
                let name = &self.name;
                return Err(Failure::failed(anyhow!(
                    "a window of `{name}` has more rows than Weir answers at once"
                )));
            }
            from = part.until;
        }
    }
}

/// Returns the end of a row's window.
fn ended(row: &Row) -> Option<i64> {
    row.get(END).and_then(time)
}
