//! The rows of a table as readers see them: as they were at one moment, whatever is written afterwards.
//!
//! A request may take seconds: ten conditions with `LIKE` over a million texts. It must not keep the follower from
//! writing meanwhile, since every writer of results waits for the follower. So a reader holds the table's lock
//! only while it copies the lists of runs and of pages of texts. Runs and pages are shared:
//!
//! ```text
//! reader   runs ──► [11:00 … 11:20] [11:20 … 11:40] [11:40 … now]
//!                         ▲               ▲         [11:40 … now] and a row that was written later
//! writer   runs ──────────┴───────────────┴───────────────▲
//! ```
//!
//! The writer copies a run before it changes it, if a reader has it, and thus at most once for each reader. A
//! reader keeps the replaced runs in memory until it ends.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jobs::ResultTable;

use super::run::Run;
use super::template::Template;
use crate::analytics::Moment;
use crate::analytics::intern::TextPages;

/// The rows of a table at one moment.
#[derive(Clone)]
pub(super) struct TableView {
    pub(super) declared: Arc<ResultTable>,
    pub(super) template: Arc<Template>,
    /// The zone of times on the wall clock.
    pub(super) zone: TimeZone,
    pub(super) runs: Vec<Arc<Run>>,
    pub(super) texts: TextPages,
}

impl TableView {
    /// Returns the run and the index of a row.
    pub(super) fn at(&self, time: Moment, id: u64) -> Option<(usize, usize)> {
        at(&self.runs, time, id)
    }
}

/// Returns the run and the index of a row.
pub(super) fn at(runs: &[Arc<Run>], time: Moment, id: u64) -> Option<(usize, usize)> {
    let run = run_of(runs, time, id);
    let at = runs.get(run)?.find(time, id).ok()?;
    Some((run, at))
}

/// Returns the run in which a row is, or belongs.
pub(super) fn run_of(runs: &[Arc<Run>], time: Moment, id: u64) -> usize {
    runs.partition_point(|run| run.first().is_some_and(|first| first <= (time, id))).saturating_sub(1)
}
