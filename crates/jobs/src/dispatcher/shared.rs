//! What the dispatcher and the threads of its jobs work with.

use parking_lot::Mutex;
use types::JobId;

use super::known::Jobs;
use super::records::Records;
use crate::master::{JobView, with_causes};

/// What the threads of jobs work with too. No lock is held while anything is written, or waited for.
pub(super) struct Shared {
    pub records: Records,
    pub jobs: Mutex<Jobs>,
}

impl Shared {
    /// A job is about to begin. What it was like when it was over is of no meaning any more.
    pub fn revive(&self, id: JobId) {
        let was_over = self.jobs.lock().remove_past(id);
        if was_over
            && let Some(registry) = &self.records.registry
            && let Err(error) = registry.forget_past(id)
        {
            tracing::warn!(job_id = %id, error = %with_causes(&error), "old figures of a job stay on record");
        }
    }

    /// A job is over, or goes on in another process. It hears of that when this returns.
    pub fn ended(&self, view: &JobView) {
        self.records.end(view);
        self.forget();
    }

    /// Forgets the oldest of many jobs that are over.
    pub fn forget(&self) {
        let forgotten = self.jobs.lock().forget();
        forgotten.into_iter().for_each(|id| self.records.forget(id));
    }
}
