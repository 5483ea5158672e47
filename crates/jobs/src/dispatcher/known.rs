//! The jobs that a dispatcher knows: those of this process, and pictures of those that were over before it began.

use std::collections::BTreeMap;
use std::sync::Arc;

use types::JobId;

use crate::master::{JobMaster, JobView};

/// Jobs that are over are remembered, this many at most.
const REMEMBERED: usize = 50;
/// Fewer queries are remembered: there may be one for each look at a table, and they say little once they are over.
const QUERIES_REMEMBERED: usize = 10;

pub(super) struct Jobs {
    next: u64,
    /// In the order of submission.
    by_number: BTreeMap<u64, Arc<JobMaster>>,
    /// In the order in which they ended. A job that runs again is not among them; a job that this process could not start
    /// again is.
    past: Vec<Arc<JobView>>,
}

impl Jobs {
    pub fn new(mut past: Vec<JobView>) -> Jobs {
        past.sort_by_key(|view| (view.ended, view.started, view.id));
        Jobs { next: 0, by_number: BTreeMap::new(), past: past.into_iter().map(Arc::new).collect() }
    }

    /// Adds a job that has begun.
    pub fn add(&mut self, master: Arc<JobMaster>) {
        self.by_number.insert(self.next, master);
        self.next += 1;
    }

    /// Drops a job that was over; tells whether there was one.
    pub fn remove_past(&mut self, id: JobId) -> bool {
        let known = self.past.len();
        self.past.retain(|view| view.id != id);
        self.past.len() < known
    }

    /// Adds a job that is on record and could not be started again.
    pub fn add_not_started(&mut self, view: JobView) {
        self.add_past(JobView { not_started: true, ..view });
    }

    /// The jobs that could not be started again.
    pub fn not_started(&self) -> Vec<Arc<JobView>> {
        self.past.iter().filter(|view| view.not_started).cloned().collect()
    }

    /// Adds a job that this process knows only as one that is over.
    pub fn add_past(&mut self, view: JobView) {
        self.remove_past(view.id);
        self.past.push(Arc::new(view));
    }

    pub fn remove(&mut self, master: &Arc<JobMaster>) {
        self.by_number.retain(|_, job| !Arc::ptr_eq(job, master));
    }

    pub fn all(&self) -> Vec<Arc<JobMaster>> {
        self.by_number.values().cloned().collect()
    }

    /// All of them; of the past the earliest beginning first.
    pub fn with_past(&self) -> (Vec<Arc<JobView>>, Vec<Arc<JobMaster>>) {
        let mut past = self.past.clone();
        past.sort_by_key(|view| (view.started, view.id));
        (past, self.all())
    }

    pub fn get(&self, id: JobId) -> Option<Arc<JobMaster>> {
        self.by_number.values().rev().find(|job| job.id() == id).cloned()
    }

    pub fn get_past(&self, id: JobId) -> Option<Arc<JobView>> {
        self.past.iter().find(|view| view.id == id).cloned()
    }

    /// Drops those that were over first.
    pub fn forget(&mut self) -> Vec<JobId> {
        let over = self.by_number.iter().filter(|(_, job)| job.status().is_terminal());
        let (queries, over): (Vec<_>, Vec<_>) = over.partition(|(_, job)| job.is_query());
        // These are not on record.
        let queries: Vec<u64> = queries.into_iter().map(|(&number, _)| number).collect();
        let over: Vec<(u64, JobId)> = over.into_iter().map(|(&number, job)| (number, job.id())).collect();
        for number in &queries[..queries.len().saturating_sub(QUERIES_REMEMBERED)] {
            self.by_number.remove(number);
        }
        let too_many = (self.past.len() + over.len()).saturating_sub(REMEMBERED);
        let before = self.past.drain(..too_many.min(self.past.len()));
        let mut forgotten: Vec<JobId> = before.map(|view| view.id).collect();
        for (number, id) in over.into_iter().take(too_many - forgotten.len()) {
            self.by_number.remove(&number);
            forgotten.push(id);
        }
        forgotten
    }
}
