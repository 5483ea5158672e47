//! The jobs that a dispatcher knows: jobs of this process, and views of jobs that ended before it began.

use std::collections::BTreeMap;
use std::sync::Arc;

use types::JobId;

use crate::master::{JobMaster, JobView};

/// Largest number of ended jobs that are kept.
const REMEMBERED: usize = 50;
/// Largest number of ended queries that are kept. It is smaller, because there may be one for each look at a
/// table, and ended queries say little.
const QUERIES_REMEMBERED: usize = 10;

pub(super) struct Jobs {
    next: u64,
    /// Jobs in the order of submission.
    by_number: BTreeMap<u64, Arc<JobMaster>>,
    /// Views of past jobs in the order in which they ended. Jobs that run again are not included; jobs that
    /// this process could not start again are.
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

    /// Removes a past job; returns whether there was one.
    pub fn remove_past(&mut self, id: JobId) -> bool {
        let known = self.past.len();
        self.past.retain(|view| view.id != id);
        self.past.len() < known
    }

    /// Adds a recorded job that could not be started again.
    pub fn add_not_started(&mut self, view: JobView) {
        self.add_past(JobView { not_started: true, ..view });
    }

    /// Returns the jobs that could not be started again.
    pub fn not_started(&self) -> Vec<Arc<JobView>> {
        self.past.iter().filter(|view| view.not_started).cloned().collect()
    }

    /// Adds a job that this process knows only as ended.
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

    /// Returns all jobs; past jobs are sorted by their start.
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

    /// Removes the jobs that ended first; returns the ids of those that have records.
    pub fn forget(&mut self) -> Vec<JobId> {
        let over = self.by_number.iter().filter(|(_, job)| job.status().is_terminal());
        let (queries, over): (Vec<_>, Vec<_>) = over.partition(|(_, job)| job.is_query());
        // Queries have no records.
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
