//! The state that is shared by the dispatcher and the threads of its jobs.

use parking_lot::Mutex;
use types::{JobId, with_causes};

use super::known::Jobs;
use super::records::JobRecords;
use crate::master::JobView;

/// The state that the threads of jobs share. No lock is held while something is written or waited for.
pub(super) struct Shared {
    pub records: JobRecords,
    pub jobs: Mutex<Jobs>,
}

impl Shared {
    /// Called before a job begins; drops what was recorded about its previous end.
    pub fn revive(&self, id: JobId) {
        let was_over = self.jobs.lock().remove_past(id);
        if was_over
            && let Some(registry) = &self.records.registry
            && let Err(error) = registry.forget_past(id)
        {
            tracing::warn!(job_id = %id, error = %with_causes(&error), "old statistics of a job were not removed");
        }
    }

    /// Records that a job ended or continues in another process. The job learns of its end after this
    /// returns.
    pub fn ended(&self, view: &JobView) {
        self.records.end(view);
        self.forget();
    }

    /// Forgets the oldest ended jobs if there are many.
    pub fn forget(&self) {
        let forgotten = self.jobs.lock().forget();
        forgotten.into_iter().for_each(|id| self.records.forget(id));
    }
}
