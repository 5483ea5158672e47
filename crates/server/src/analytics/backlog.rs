//! The changes of the store during a load, which are applied after it.
//!
//! A writer of results waits for every follower of the store. So a follower that loads rows takes the changes out
//! of its queue between the steps of the scan, also where a step finds no row.

use std::sync::Arc;

use storage::store::{Change, Following};

/// Limit of the rows of a backlog. Beyond it, writers wait.
const ROWS_MAX: usize = 100_000;

/// Changes in the order in which they came.
#[derive(Default)]
pub(crate) struct Backlog {
    pub(crate) changes: Vec<Arc<Change>>,
    rows: usize,
}

impl Backlog {
    /// Takes what is in the queue.
    pub(crate) fn take(&mut self, following: &Following) {
        while self.rows < ROWS_MAX
            && let Ok(change) = following.try_recv()
        {
            self.rows += change.entries.len() + change.deleted.len();
            self.changes.push(change);
        }
    }
}
