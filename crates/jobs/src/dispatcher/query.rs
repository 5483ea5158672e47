//! Queries: jobs like any other, save that their rows are fetched and that they are not on record. Whoever fetches them
//! is gone when the process is.

use std::sync::{Arc, OnceLock, Weak};

use connectors::collect::{CollectedRow, Collector, Told};
use crossbeam_channel::bounded;
use engine::execution::ExecutionError;
use sql::plan::TopQuery;

use super::{Dispatcher, SubmitError};
use crate::id::new_job_id;
use crate::master::{First, JobMaster, NewJob, StartError};
use crate::restart::RestartStrategy;
use crate::status::JobStatus;

/// A query under way, or over.
pub struct QueryJob {
    job: Arc<JobMaster>,
    collector: Arc<Collector>,
    ended: Arc<OnceLock<JobStatus>>,
}

impl Dispatcher {
    /// Starts a query. `name` is its job's where `pipeline.name` is not set. `tell` is called by the job's threads when there are rows where there were none, and when the query
    /// has come to rest; it must not wait.
    ///
    /// A query writes no checkpoints and no dead letters, and is not started again when it fails: its rows would come
    /// twice.
    pub fn query(
        &self,
        script: &str,
        name: &str,
        query: TopQuery,
        tell: Arc<dyn Fn() + Send + Sync>,
    ) -> Result<QueryJob, SubmitError> {
        let known: Arc<OnceLock<Weak<JobMaster>>> = Arc::default();
        let ended: Arc<OnceLock<JobStatus>> = Arc::default();
        let (of, telling) = (known.clone(), tell.clone());

        let collector = Collector::new(
            query.limit,
            Box::new(move |told| match told {
                Told::Rows => telling(),
                Told::Enough => {
                    if let Some(job) = of.get().and_then(Weak::upgrade) {
                        job.drain();
                    }
                }
            }),
        );

        let plan = Arc::new(query.plan);
        let at_end = ended.clone();
        let (told, outcome) = bounded(1);

        let new = NewJob {
            id: new_job_id(),
            name: plan.settings.name.clone().unwrap_or_else(|| name.to_owned()),
            script: script.to_owned(),
            plan,
            environment: self.environment.clone(),
            checkpoints: None,
            restart: RestartStrategy::Never,
            restored: None,
            ran_before: false,
            ancestors: Vec::new(),
            collector: Some(collector.clone()),
            first: First::Told(told),
            on_cancel: Box::new(|| {}),
            on_checkpoint: Box::new(|| {}),
            on_end: Box::new(move |view| {
                let _ = at_end.set(view.status);
                tell();
            }),
        };

        let job = JobMaster::begin(new)?;
        self.shared.jobs.lock().add(job.clone());
        self.shared.forget();
        let gone = || Err(StartError::Execution(ExecutionError::Plan("it ended before it began".to_owned())));

        if let Err(error) = outcome.recv().unwrap_or_else(|_| gone()) {
            self.shared.jobs.lock().remove(&job);
            return Err(SubmitError::from(error));
        }

        let _ = known.set(Arc::downgrade(&job));
        // It may have been quicker than its name was known.
        if collector.has_enough() {
            job.drain();
        }

        tracing::info!(job_id = %job.id(), job = job.name(), "query running");
        Ok(QueryJob { job, collector, ended })
    }
}

impl QueryJob {
    pub fn job(&self) -> &Arc<JobMaster> {
        &self.job
    }

    /// The oldest rows that were not taken yet, at most this many.
    pub fn take(&self, max_rows: usize) -> Vec<CollectedRow> {
        self.collector.take(max_rows)
    }

    pub fn has_rows(&self) -> bool {
        self.collector.has_rows()
    }

    /// How the query has ended; rows may still wait to be taken.
    pub fn ended(&self) -> Option<JobStatus> {
        self.ended.get().copied()
    }

    /// Nobody takes its rows any more: it ends.
    pub fn close(&self) {
        self.collector.close();
        self.job.cancel();
    }
}

impl Drop for QueryJob {
    fn drop(&mut self) {
        self.close();
    }
}
