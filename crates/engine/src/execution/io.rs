//! A subtask's sinks and dead letters.

use std::sync::Arc;
use std::time::Duration;

use sql::plan::SinkTable;
use types::{Clock, Timestamp};

use super::JobSpec;
use crate::connector::{ConnectorError, DeadLetter, DeadLetters, Rows, Sink};
use crate::metrics::TaskMetrics;

/// The sinks of one subtask, by query.
pub(super) struct Sinks {
    sinks: Vec<Option<Box<dyn Sink>>>,
    /// Per query of the pipeline: its sink, if it writes to one directly, and the query's index in the plan.
    by_query: Vec<(Option<usize>, usize)>,
    clock: Arc<dyn Clock>,
    metrics: Arc<TaskMetrics>,
}

impl Sinks {
    /// Opens the sinks that the queries of a pipeline write to.
    pub fn open(
        spec: &JobSpec,
        pipeline: usize,
        subtask: usize,
        of: usize,
        metrics: Arc<TaskMetrics>,
    ) -> Result<Sinks, ConnectorError> {
        let plan = &spec.plan;
        let before: usize = plan.pipelines[..pipeline].iter().map(|pipeline| pipeline.queries.len()).sum();
        let queries = &plan.pipelines[pipeline].queries;
        let by_query: Vec<(Option<usize>, usize)> =
            queries.iter().enumerate().map(|(index, query)| (query.sink(), before + index)).collect();
        let mut sinks: Vec<Option<Box<dyn Sink>>> = plan.sinks.iter().map(|_: &SinkTable| None).collect();
        for sink in queries.iter().filter_map(|query| query.sink()) {
            if sinks[sink].is_none() {
                sinks[sink] = Some(spec.sinks[sink].open(subtask, of)?);
            }
        }
        Ok(Sinks { sinks, by_query, clock: spec.clock.clone(), metrics })
    }

    /// Creates the sinks of a subtask that runs no queries.
    pub fn none(clock: Arc<dyn Clock>, metrics: Arc<TaskMetrics>) -> Sinks {
        Sinks { sinks: Vec::new(), by_query: Vec::new(), clock, metrics }
    }

    pub fn watermark(&mut self, watermark: i64) -> Result<(), ConnectorError> {
        self.sinks.iter_mut().flatten().try_for_each(|sink| sink.watermark(types::EventTime(watermark)))
    }

    /// Tells the sinks the arrival time of the oldest record that the next rows are the first to include.
    pub fn show(&mut self, since: Option<Timestamp>) {
        self.sinks.iter_mut().flatten().for_each(|sink| sink.shows(since));
    }

    /// Books the time that was spent waiting for the receivers of rows, and returns it.
    pub fn book_blocked(&mut self) -> Duration {
        let blocked = self.sinks.iter_mut().flatten().map(|sink| sink.take_blocked()).sum();
        TaskMetrics::add_time(&self.metrics.backpressured_ns, blocked);
        blocked
    }

    pub fn flush(&mut self) -> Result<(), ConnectorError> {
        self.sinks.iter_mut().flatten().try_for_each(|sink| sink.flush())
    }
}

impl Sinks {
    pub fn write(&mut self, rows: &Rows<'_>) -> Result<(), ConnectorError> {
        let (sink, query) = self.by_query[rows.query];
        TaskMetrics::add(&self.metrics.records_out, rows.rows.len() as u64);
        let Some(sink) = sink.and_then(|sink| self.sinks[sink].as_mut()) else { return Ok(()) };
        sink.write(&Rows { query, ..*rows })?;
        TaskMetrics::add(&self.metrics.bytes_out, sink.take_bytes());
        if let Some(output) = self.metrics.outputs.get().and_then(|outputs| outputs.get(rows.query)) {
            output.wrote(rows.rows.len() as u64, self.clock.now(), rows.window, rows.stage);
        }
        Ok(())
    }
}

/// The dead letters of a batch of records, which are sent at once.
pub(super) struct DeadLetterBatch {
    pub queue: Arc<dyn DeadLetters>,
    pub letters: Vec<DeadLetter>,
}

impl DeadLetterBatch {
    /// Sends the letters; returns once they are durable.
    pub fn send(&mut self) -> Result<(), ConnectorError> {
        if self.letters.is_empty() { Ok(()) } else { self.queue.send(std::mem::take(&mut self.letters)) }
    }
}
