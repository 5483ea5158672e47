//! Metrics of the jobs and of the result store, exported with the server's under `/metrics`.
//!
//! An ended job has no series of its own: an alert about it would never end. `weir_jobs` counts the jobs in
//! each state. No label is called `job`, because Prometheus reserves it for its targets.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jobs::checkpoint::CheckpointState;
use jobs::{Dispatcher, JobStatus, JobView};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use storage::store::CountedStore;

/// Collects from the dispatcher at each scrape.
pub(crate) struct JobMetrics(pub(crate) Arc<Dispatcher>);

impl fmt::Debug for JobMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JobMetrics")
    }
}

/// Collects the writes of the store.
pub(crate) struct StoreMetrics(pub(crate) Arc<CountedStore>);

impl fmt::Debug for StoreMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreMetrics")
    }
}

/// Returns how many bytes a part holds.
pub(crate) type Measure = Box<dyn Fn() -> usize + Send + Sync>;

/// The memory of Weir's parts, each by its own count. Besides their sum, the process has its code, its
/// threads and memory that the allocator has not returned yet.
pub(crate) struct MemoryMetrics(pub(crate) Vec<(&'static str, Measure)>);

impl fmt::Debug for MemoryMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryMetrics")
    }
}

impl Collector for MemoryMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Memory of a part of Weir, by its own count";
        let mut family = encoder.encode_descriptor("memory", help, Some(&Unit::Bytes), MetricType::Gauge)?;
        for (part, measure) in &self.0 {
            let labels = [("part", *part)];
            ConstGauge::new(measure() as f64).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

impl Collector for StoreMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let counts = self.0.counts();
        for (name, help, count) in [
            ("store_rows_written", "Rows written to the result store", counts.rows),
            ("store_notifications", "Notifications published by the result store", counts.notifications),
            (
                "store_writes_failed",
                "Batches that the result store refused; each is retried",
                counts.failures,
            ),
        ] {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(count).encode(metric)?;
        }

        let latencies = self.0.latencies();
        let help = "Time from the acceptance of an event until its rows are in the result store, for the oldest event in \
                    each batch of rows";
        let name = "result_latency_seconds";
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        metric.encode_histogram::<NoLabelSet>(
            latencies.sum_seconds,
            latencies.count(),
            &latencies.buckets,
            None,
        )
    }
}

/// The jobs of one scrape, and the encoder of their metrics.
struct Scrape<'a, 'b> {
    /// Jobs that have not ended.
    jobs: Vec<JobView>,
    encoder: &'a mut DescriptorEncoder<'b>,
}

/// The labels and the value of a sample.
type Sample = (Vec<(&'static str, String)>, f64);

impl Collector for JobMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (over, jobs): (Vec<JobView>, Vec<JobView>) =
            self.0.views().into_iter().partition(|job| job.status.is_terminal());

        let mut by_status: BTreeMap<&str, usize> =
            JobStatus::ALL.iter().map(|status| (status.name(), 0)).collect();
        for job in jobs.iter().chain(&over) {
            *by_status.entry(job.status.name()).or_default() += 1;
        }
        let mut scrape = Scrape { jobs, encoder: &mut encoder };
        let samples =
            by_status.into_iter().map(|(status, count)| (vec![("status", status.to_owned())], count as f64));
        scrape.gauge("jobs", "Jobs by state, including finished jobs", samples.collect())?;

        scrape.records()?;
        scrape.checkpoints()?;
        scrape.tasks()?;
        scrape.progress()?;
        scrape.memory()
    }
}

impl Scrape<'_, '_> {
    /// Writes the metrics of records.
    fn records(&mut self) -> fmt::Result {
        let running = self.of_jobs(|job| f64::from(u8::from(job.status == JobStatus::Running)));
        self.gauge("job_running", "Whether a job runs", running)?;
        let restarts = self.of_jobs(|job| job.restarts as f64);
        self.counter("job_restarts", "Number of restarts of the job", restarts)?;

        let records = self.of_parts("outcome", |job| {
            let ledger = &job.ledger;
            let outcomes = [
                ("accepted", ledger.accepted),
                ("counted", ledger.counted),
                ("filtered", ledger.filtered),
                ("empty", ledger.empty),
                ("late", ledger.late),
                ("dead_lettered", ledger.dead_lettered),
            ];
            outcomes.map(|(outcome, count)| (outcome.to_owned(), count as f64)).to_vec()
        });
        let help = "Records by outcome; accepted is the sum of the others";
        self.counter("job_records", help, records)?;

        let lost = self.of_jobs(|job| job.ledger.lost as f64);
        let help = "Records that the log's retention removed before they were read";
        self.counter("job_records_lost", help, lost)?;
        let blocked = self.of_jobs(|job| f64::from(u8::from(job.hindrance().is_some())));
        self.gauge("job_blocked", "Whether the job cannot count at the moment", blocked)?;

        let late = self.of_parts("query", |job| counts(&job.ledger.late_by_query));
        self.counter("job_late_rows", "Rows that a query dropped as late", late)?;
        let late = self.of_operators("numLateRecordsDropped");
        self.counter("job_operator_late_rows", "Rows that an operator dropped as late", late)?;
        let letters = self.of_parts("reason", |job| counts(&job.ledger.reasons));
        self.counter("job_dead_letters", "Records that became dead letters", letters)?;
        let wrong = self.of_parts("field", |job| counts(&job.ledger.wrong_types));
        self.counter("job_wrong_types", "Values replaced by null because they had another type", wrong)
    }

    fn checkpoints(&mut self) -> fmt::Result {
        let outcomes = self.of_parts("outcome", |job| {
            let of = &job.checkpoints;
            vec![("completed".to_owned(), of.completed as f64), ("failed".to_owned(), of.failed as f64)]
        });
        self.counter("job_checkpoints", "Checkpoints and savepoints by outcome", outcomes)?;

        let last = |job: &JobView| {
            let record = job.checkpoints.latest_completed.as_ref()?;
            let CheckpointState::Completed { bytes, reused, .. } = &record.state else { return None };
            let asked = record.triggered.0 as f64 / 1_000.0;
            Some((asked, record.duration.as_secs_f64(), *bytes as f64, (bytes - reused) as f64))
        };
        let asked = self.of_some_jobs(|job| Some(last(job)?.0));
        let help = "Time when the last completed checkpoint was triggered, since 1970";
        self.gauge("job_last_checkpoint_timestamp_seconds", help, asked)?;
        let took = self.of_some_jobs(|job| Some(last(job)?.1));
        let help = "Duration of the last completed checkpoint";
        self.with_unit("job_checkpoint_took", help, Unit::Seconds, MetricType::Gauge, took)?;
        let size = self.of_some_jobs(|job| Some(last(job)?.2));
        let help = "Size of the state in the last completed checkpoint";
        self.with_unit("job_checkpoint_size", help, Unit::Bytes, MetricType::Gauge, size)?;
        let written = self.of_some_jobs(|job| Some(last(job)?.3));
        let help = "Bytes written for the last completed checkpoint, without parts of the previous one";
        self.with_unit("job_checkpoint_written", help, Unit::Bytes, MetricType::Gauge, written)
    }

    /// Writes the metrics of subtasks.
    fn tasks(&mut self) -> fmt::Result {
        for (name, figure, help) in [
            ("job_task_records_in", "numRecordsIn", "Records that a subtask read"),
            ("job_task_records_out", "numRecordsOut", "Rows that a subtask wrote"),
            ("job_task_batches_in", "numBatchesIn", "Batches or messages that a subtask read"),
        ] {
            let samples = self.of_tasks(figure);
            self.counter(name, help, samples)?;
        }

        for (name, figure, help) in [
            ("job_task_in", "numBytesIn", "Bytes of records that a subtask read"),
            ("job_task_out", "numBytesOut", "Bytes of rows that a subtask wrote"),
        ] {
            let bytes = self.of_tasks(figure);
            self.with_unit(name, help, Unit::Bytes, MetricType::Counter, bytes)?;
        }

        for (name, figure, help) in [
            ("job_busy", "accumulatedBusyTimeMs", "Time spent busy"),
            ("job_idle", "accumulatedIdleTimeMs", "Time spent waiting for input"),
            (
                "job_backpressured",
                "accumulatedBackPressuredTimeMs",
                "Time spent waiting for the receiver of the output",
            ),
        ] {
            let seconds = in_seconds(self.of_tasks(figure));
            self.with_unit(name, help, Unit::Seconds, MetricType::Counter, seconds)?;
        }

        Ok(())
    }

    /// Writes the progress of the jobs.
    fn progress(&mut self) -> fmt::Result {
        // There is no watermark before the first; after the end of a bounded input it is the maximum.
        let watermarks =
            self.of_tasks("currentOutputWatermark").into_iter().filter(|(_, ms)| ms.abs() < 9e15);
        let watermarks = in_seconds(watermarks.collect());
        let help = "Watermark of a subtask, since 1970";
        self.gauge("job_watermark_timestamp_seconds", help, watermarks)?;

        let mut lags = Vec::new();
        for job in &self.jobs {
            for split in job.tasks.iter().flat_map(|task| &task.splits) {
                let Some(lag) = split.lag else { continue };
                let of =
                    [("topic", split.split.topic.clone()), ("partition", split.split.partition.to_string())];
                lags.push(([of_job(job), of.to_vec()].concat(), lag as f64));
            }
        }
        let help = "Records of a partition that the job has not read, as of its last read";
        self.gauge("job_consumer_lag_records", help, lags)
    }

    fn memory(&mut self) -> fmt::Result {
        let held = self.of_parts("query", |job| {
            job.memory.by_query.iter().map(|(query, bytes)| (query.clone(), *bytes as f64)).collect()
        });
        let help = "State of each query and operator; queries that share state are listed together";
        self.with_unit("job_query_state", help, Unit::Bytes, MetricType::Gauge, held)?;
        let limits = self.of_some_jobs(|job| Some(job.memory.limit? as f64));
        let help = "Size of a job's state at which its sources wait";
        self.with_unit("job_state_limit", help, Unit::Bytes, MetricType::Gauge, limits)?;
        let waiting = self.of_jobs(|job| job.memory.waiting as f64);
        self.gauge("job_waits_for_memory", "Source subtasks that wait for memory", waiting)?;
        let state = self.of_tasks("stateBytes");
        self.with_unit("job_state", "State held in memory", Unit::Bytes, MetricType::Gauge, state)
    }

    fn of_jobs(&self, value: impl Fn(&JobView) -> f64) -> Vec<Sample> {
        self.jobs.iter().map(|job| (of_job(job), value(job))).collect()
    }

    fn of_some_jobs(&self, value: impl Fn(&JobView) -> Option<f64>) -> Vec<Sample> {
        self.jobs.iter().filter_map(|job| Some((of_job(job), value(job)?))).collect()
    }

    /// Returns several values of each job, distinguished by a label.
    fn of_parts(&self, label: &'static str, values: impl Fn(&JobView) -> Vec<(String, f64)>) -> Vec<Sample> {
        let of = |job: &JobView| {
            let labels = of_job(job);
            values(job)
                .into_iter()
                .map(|(part, value)| ([&labels[..], &[(label, part)]].concat(), value))
                .collect::<Vec<Sample>>()
        };
        self.jobs.iter().flat_map(of).collect()
    }

    /// Returns a metric of every subtask.
    fn of_tasks(&self, figure: &str) -> Vec<Sample> {
        let mut samples = Vec::new();
        for job in &self.jobs {
            for task in &job.tasks {
                let Some((_, value)) = task.metrics.iter().find(|(name, _)| *name == figure) else {
                    continue;
                };
                let of = [("vertex", task.vertex.clone()), ("subtask", task.subtask.to_string())];
                samples.push(([of_job(job), of.to_vec()].concat(), *value));
            }
        }
        samples
    }

    /// Returns a metric of every operator, summed over its subtasks.
    fn of_operators(&self, figure: &str) -> Vec<Sample> {
        self.of_parts("operator", |job| {
            let mut of: BTreeMap<&str, f64> = BTreeMap::new();
            for (name, value) in job.tasks.iter().flat_map(|task| &task.metrics) {
                if let Some((operator, _)) = name.rsplit_once('.').filter(|(_, of)| *of == figure) {
                    *of.entry(operator).or_default() += value;
                }
            }
            of.into_iter().map(|(operator, value)| (operator.to_owned(), value)).collect()
        })
    }

    fn gauge(&mut self, name: &str, help: &str, samples: Vec<Sample>) -> fmt::Result {
        family(self.encoder, name, help, None, MetricType::Gauge, samples)
    }

    fn counter(&mut self, name: &str, help: &str, samples: Vec<Sample>) -> fmt::Result {
        family(self.encoder, name, help, None, MetricType::Counter, samples)
    }

    /// Writes a metric whose name ends with its unit.
    fn with_unit(
        &mut self,
        name: &str,
        help: &str,
        unit: Unit,
        kind: MetricType,
        samples: Vec<Sample>,
    ) -> fmt::Result {
        family(self.encoder, name, help, Some(&unit), kind, samples)
    }
}

fn of_job(job: &JobView) -> Vec<(&'static str, String)> {
    vec![("job_id", job.id.to_string()), ("job_name", job.name.clone())]
}

fn counts(by_name: &BTreeMap<String, u64>) -> Vec<(String, f64)> {
    by_name.iter().map(|(name, count)| (name.clone(), *count as f64)).collect()
}

fn in_seconds(samples: Vec<Sample>) -> Vec<Sample> {
    samples.into_iter().map(|(labels, ms)| (labels, ms / 1_000.0)).collect()
}

fn family(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    kind: MetricType,
    samples: Vec<Sample>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, unit, kind)?;
    for (labels, value) in samples {
        let sample = metric.encode_family(&labels)?;
        match kind {
            MetricType::Counter => ConstCounter::new(value).encode(sample)?,
            _ => ConstGauge::new(value).encode(sample)?,
        }
    }
    Ok(())
}
