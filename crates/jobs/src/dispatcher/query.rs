//! Queries: jobs whose rows a client fetches. They have no records, because the client is gone when the
//! process ends.

use std::sync::{Arc, OnceLock, Weak};

use connectors::collect::{CollectedRow, Collector, CollectorEvent};
use crossbeam_channel::bounded;
use engine::execution::ExecutionError;
use sql::plan::TopQuery;

use super::{Dispatcher, SubmitError};
use crate::id::new_job_id;
use crate::master::{First, JobMaster, NewJob, StartError};
use crate::restart::RestartStrategy;
use crate::status::JobStatus;

/// A query that runs or has ended.
pub struct QueryJob {
    job: Arc<JobMaster>,
    collector: Arc<Collector>,
    ended: Arc<OnceLock<JobStatus>>,
}

impl Dispatcher {
    /// Starts a query. `name` is the job's name if `pipeline.name` is not set. The job's threads call `tell`
    /// when rows become available and when the query has ended; it must not block.
    ///
    /// A query writes no checkpoints or dead letters, and is not restarted after a failure, because its rows
    /// would be repeated.
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
            Box::new(move |event| match event {
                CollectorEvent::Rows => telling(),
                CollectorEvent::Enough => {
                    if let Some(job) = of.get().and_then(Weak::upgrade) {
                        job.drain();
                    }
                }
            }),
        );

        let plan = Arc::new(query.plan);
        let at_end = ended.clone();
        let (reported, outcome) = bounded(1);

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
            first: First::Reported(reported),
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
        // The query may have finished before its job was known.
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

    /// Returns and removes the oldest rows, at most `max_rows`.
    pub fn take(&self, max_rows: usize) -> Vec<CollectedRow> {
        self.collector.take(max_rows)
    }

    pub fn has_rows(&self) -> bool {
        self.collector.has_rows()
    }

    /// Returns how the query ended; rows may still be waiting to be taken.
    pub fn ended(&self) -> Option<JobStatus> {
        self.ended.get().copied()
    }

    /// Ends the query, because no more rows are taken.
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
