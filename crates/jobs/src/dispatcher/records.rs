//! Which jobs are on record, and which of those run.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connectors::dead_letter::{Ancestor, Reached};
use parking_lot::Mutex;
use types::JobId;

use crate::checkpoint::Restored;
use crate::registry::{Fate, JobRecord, Origin, Registry, RegistryError};
use crate::status::JobStatus;

pub(super) struct Records {
    registry: Option<Arc<Registry>>,
    /// Ids of jobs that run, or are about to.
    taken: Arc<Mutex<BTreeSet<JobId>>>,
}

/// A job that was there before.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub id: JobId,
    pub started_from: Option<String>,
    pub ancestors: Vec<Ancestor>,
    pub is_new: bool,
}

impl Known {
    pub fn of(id: JobId, record: &JobRecord) -> Known {
        let (started_from, ancestors) = (record.started_from.clone(), record.ancestors.clone());
        Known { id, started_from, ancestors, is_new: false }
    }

    /// It goes on from another job's state.
    pub fn follow(&mut self, restored: &Restored, its_ancestors: Vec<Ancestor>) {
        if restored.manifest.job_id == self.id.to_string() {
            return;
        }
        let splits = restored.snapshot.pipelines.iter().flat_map(|pipeline| pipeline.splits());
        let reached = splits.map(|of| Reached {
            topic: of.split.topic.clone(),
            partition: of.split.partition,
            offset: of.offset,
        });
        self.ancestors = its_ancestors;
        self.ancestors
            .push(Ancestor { job_id: restored.manifest.job_id.clone(), reached: reached.collect() });
    }
}

impl Records {
    pub fn new(registry: Option<Arc<Registry>>) -> Records {
        Records { registry, taken: Arc::default() }
    }

    fn all(&self) -> Result<Vec<JobRecord>, RegistryError> {
        self.registry.as_ref().map_or(Ok(Vec::new()), |registry| registry.records())
    }

    /// The newest job of this name that is started with Weir and does not run now.
    pub fn claim(&self, name: &str) -> Result<Option<Known>, RegistryError> {
        let records = self.all()?;
        let taken = self.taken.lock();
        let found = records.into_iter().rev().find_map(|record| {
            let id: JobId = record.id.parse().ok()?;
            let fits = record.origin == Origin::Start && record.name == name && !taken.contains(&id);
            fits.then_some(Known::of(id, &record))
        });
        Ok(found)
    }

    /// The jobs whose state a job went on from.
    pub fn ancestors(&self, id: &str) -> Result<Vec<Ancestor>, RegistryError> {
        let record = self.all()?.into_iter().find(|record| record.id == id);
        Ok(record.map(|record| record.ancestors).unwrap_or_default())
    }

    /// Those that came in while Weir was up before and are to be gone on with.
    pub fn to_resume(&self) -> Result<Vec<JobRecord>, RegistryError> {
        let records = self.all()?.into_iter();
        Ok(records
            .filter(|record| record.origin == Origin::Submitted && record.fate == Fate::Running)
            .collect())
    }

    /// The job is about to run.
    pub fn keep(&self, record: &JobRecord) -> Result<(), RegistryError> {
        if let Ok(id) = record.id.parse() {
            self.taken.lock().insert(id);
        }
        self.registry.as_ref().map_or(Ok(()), |registry| registry.keep(record))
    }

    /// The job was not started after all.
    pub fn release(&self, id: JobId) {
        self.taken.lock().remove(&id);
    }

    pub fn forget(&self, ids: &[JobId]) {
        let Some(registry) = &self.registry else { return };
        for id in ids.iter().filter(|id| !self.taken.lock().contains(id)) {
            if let Err(error) = registry.forget(*id) {
                tracing::warn!(job_id = %id, %error, "an old job stays on record");
            }
        }
    }

    /// Puts on record how a job ended.
    pub fn on_end(&self, record: JobRecord) -> Box<dyn Fn(JobStatus) + Send> {
        let (registry, taken) = (self.registry.clone(), self.taken.clone());
        Box::new(move |status| {
            let fate = match status {
                JobStatus::Finished => Fate::Finished,
                JobStatus::Canceled => Fate::Canceled,
                JobStatus::Failed => Fate::Failed,
                _ => Fate::Running,
            };
            if let Some(registry) = &registry
                && let Err(error) = registry.keep(&JobRecord { fate, ..record.clone() })
            {
                tracing::error!(job_id = record.id, %error, "how the job ended is not on record");
            }
            if let Ok(id) = record.id.parse() {
                taken.lock().remove(&id);
            }
        })
    }
}

/// Remembers which variables a script asked for, and what they stood for.
pub(super) struct Used<'a> {
    source: &'a dyn Fn(&str) -> Option<String>,
    used: RefCell<BTreeMap<String, String>>,
}

impl<'a> Used<'a> {
    pub fn new(source: &'a dyn Fn(&str) -> Option<String>) -> Used<'a> {
        Used { source, used: RefCell::default() }
    }

    pub fn get(&self, name: &str) -> Option<String> {
        let value = (self.source)(name)?;
        self.used.borrow_mut().insert(name.to_owned(), value.clone());
        Some(value)
    }

    pub fn into_all(self) -> BTreeMap<String, String> {
        self.used.into_inner()
    }
}
