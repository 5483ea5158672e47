//! Counts the queries that run or whose rows are not fetched yet.

use std::sync::{Arc, Weak};

use jobs::QueryJob;
use parking_lot::Mutex;

use super::fault::{EXECUTION, Fault};

#[derive(Default)]
pub(super) struct Queries(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    /// Queries that are starting and not in `known` yet.
    starting: usize,
    known: Vec<Weak<QueryJob>>,
}

impl Queries {
    /// Starts a query, unless the limit is reached.
    pub(super) fn start(
        &self,
        at_most: usize,
        start: impl FnOnce() -> Result<QueryJob, Fault>,
    ) -> Result<Arc<QueryJob>, Fault> {
        {
            let mut counted = self.0.lock();
            counted.known.retain(|query| query.upgrade().is_some_and(|query| !is_spent(&query)));
            if counted.starting + counted.known.len() >= at_most {
                let message = format!("{at_most} queries are running already: cancel or close some of them");
                return Err(Fault::new(EXECUTION, message));
            }
            counted.starting += 1;
        }

        // Start without the lock, because starting may wait for disks and brokers.
        let started = start().map(Arc::new);
        let mut counted = self.0.lock();
        counted.starting -= 1;
        counted.known.extend(started.as_ref().ok().map(Arc::downgrade));
        started
    }
}

/// Returns whether a query has ended and holds no rows any more.
pub(super) fn is_spent(query: &QueryJob) -> bool {
    query.ended().is_some() && !query.has_rows()
}
