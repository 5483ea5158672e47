//! The jobs' figures beside the server's, under `/metrics`.

use std::fmt;
use std::sync::Arc;

use jobs::checkpoint::CheckpointState;
use jobs::{Dispatcher, JobStatus, JobView};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// Asks the dispatcher each time it is asked.
pub(crate) struct JobMetrics(pub(crate) Arc<Dispatcher>);

impl fmt::Debug for JobMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JobMetrics")
    }
}

/// One number and what it is of.
type Sample = (Vec<(&'static str, String)>, f64);

impl Collector for JobMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let jobs: Vec<JobView> = self.0.jobs().iter().map(|job| job.view()).collect();
        let running = |job: &JobView| f64::from(u8::from(job.status == JobStatus::Running));
        let up = jobs.iter().map(|job| (of_job(job), running(job)));
        family(&mut encoder, "job_running", "Whether a job runs", None, MetricType::Gauge, up)?;
        let records = jobs.iter().flat_map(|job| {
            let ledger = &job.ledger;
            [
                ("accepted", ledger.accepted),
                ("counted", ledger.counted),
                ("filtered", ledger.filtered),
                ("late", ledger.late),
                ("dead_lettered", ledger.dead_lettered),
            ]
            .map(|(outcome, count)| {
                ([of_job(job), vec![("outcome", outcome.to_owned())]].concat(), count as f64)
            })
        });
        let help = "Records by what became of them; accepted is the sum of the others";
        family(&mut encoder, "job_records", help, None, MetricType::Counter, records)?;
        let by_name = [
            ("job_late_rows", "query", "Rows that a query left out because they came too late"),
            ("job_dead_letters", "reason", "Records that could not be used"),
            ("job_wrong_types", "field", "Values taken as null because they were of another type"),
        ];
        for (place, (name, label, help)) in by_name.into_iter().enumerate() {
            let counts = jobs.iter().flat_map(|job| {
                let ledger = &job.ledger;
                let counts = [&ledger.late_by_query, &ledger.reasons, &ledger.wrong_types][place];
                counts.iter().map(move |(of, count)| {
                    ([of_job(job), vec![(label, of.clone())]].concat(), *count as f64)
                })
            });
            family(&mut encoder, name, help, None, MetricType::Counter, counts)?;
        }
        let checkpoints = jobs.iter().flat_map(|job| {
            let of = &job.checkpoints;
            [("completed", of.completed), ("failed", of.failed)].map(|(outcome, count)| {
                ([of_job(job), vec![("outcome", outcome.to_owned())]].concat(), count as f64)
            })
        });
        let help = "Checkpoints and savepoints by how they ended";
        family(&mut encoder, "job_checkpoints", help, None, MetricType::Counter, checkpoints)?;
        let restarts = jobs.iter().map(|job| (of_job(job), job.restarts as f64));
        family(
            &mut encoder,
            "job_restarts",
            "Times a job was started again",
            None,
            MetricType::Counter,
            restarts,
        )?;
        let last = |job: &JobView| {
            let record = job.checkpoints.latest_completed.as_ref()?;
            let CheckpointState::Completed { bytes, .. } = &record.state else { return None };
            Some((record.triggered.0 as f64 / 1000.0, record.duration.as_secs_f64(), *bytes as f64))
        };
        let help = "When the last completed checkpoint was asked for, since 1970";
        let asked = jobs.iter().filter_map(|job| Some((of_job(job), last(job)?.0)));
        family(&mut encoder, "job_last_checkpoint", help, Some(&Unit::Seconds), MetricType::Gauge, asked)?;
        let took = jobs.iter().filter_map(|job| Some((of_job(job), last(job)?.1)));
        let help = "How long the last completed checkpoint took";
        family(&mut encoder, "job_checkpoint_took", help, Some(&Unit::Seconds), MetricType::Gauge, took)?;
        let size = jobs.iter().filter_map(|job| Some((of_job(job), last(job)?.2)));
        let help = "The state in the last completed checkpoint";
        family(&mut encoder, "job_checkpoint_size", help, Some(&Unit::Bytes), MetricType::Gauge, size)?;
        for (name, figure, help) in [
            ("job_task_records_in", "numRecordsIn", "Records that a subtask took"),
            ("job_task_records_out", "numRecordsOut", "Rows that a subtask wrote"),
            ("job_task_batches_in", "numBatchesIn", "Batches or messages that a subtask took"),
        ] {
            family(&mut encoder, name, help, None, MetricType::Counter, of_tasks(&jobs, figure))?;
        }
        let bytes = of_tasks(&jobs, "numBytesIn");
        let help = "Bytes of records that a subtask took";
        family(&mut encoder, "job_task_in", help, Some(&Unit::Bytes), MetricType::Counter, bytes)?;
        // Before the first there is none; after the end of a bounded input it is beyond all time.
        let known = |ms: f64| ms.abs() < 9e15;
        let watermarks = of_tasks(&jobs, "currentOutputWatermark").filter(|(_, ms)| known(*ms));
        let watermarks = watermarks.map(|(labels, ms)| (labels, ms / 1000.0));
        let help = "Event time, since 1970";
        family(&mut encoder, "job_watermark", help, Some(&Unit::Seconds), MetricType::Gauge, watermarks)?;
        for (name, figure, help) in [
            ("job_busy", "accumulatedBusyTimeMs", "Time at work"),
            ("job_idle", "accumulatedIdleTimeMs", "Time waiting for input"),
            (
                "job_backpressured",
                "accumulatedBackPressuredTimeMs",
                "Time waiting for whoever takes the output",
            ),
        ] {
            let seconds = of_tasks(&jobs, figure).map(|(labels, ms)| (labels, ms / 1000.0));
            family(&mut encoder, name, help, Some(&Unit::Seconds), MetricType::Counter, seconds)?;
        }
        let held = jobs.iter().flat_map(|job| {
            job.memory
                .by_query
                .iter()
                .map(|(query, bytes)| ([of_job(job), vec![("query", query.clone())]].concat(), *bytes as f64))
        });
        let help = "State of each query; those that share it are named together";
        family(&mut encoder, "job_query_state", help, Some(&Unit::Bytes), MetricType::Gauge, held)?;
        let limits = jobs.iter().filter_map(|job| Some((of_job(job), job.memory.limit? as f64)));
        let help = "What a job's state may take before its sources wait";
        family(&mut encoder, "job_state_limit", help, Some(&Unit::Bytes), MetricType::Gauge, limits)?;
        let waiting = jobs.iter().map(|job| (of_job(job), job.memory.waiting as f64));
        let help = "Source subtasks that take in nothing for lack of memory";
        family(&mut encoder, "job_waits_for_memory", help, None, MetricType::Gauge, waiting)?;
        let state = of_tasks(&jobs, "stateBytes");
        family(
            &mut encoder,
            "job_state",
            "State held in memory",
            Some(&Unit::Bytes),
            MetricType::Gauge,
            state,
        )
    }
}

fn of_job(job: &JobView) -> Vec<(&'static str, String)> {
    vec![("job_id", job.id.to_string()), ("job", job.name.clone())]
}

/// A figure of every subtask.
fn of_tasks<'a>(jobs: &'a [JobView], figure: &'a str) -> impl Iterator<Item = Sample> + 'a {
    jobs.iter().flat_map(move |job| {
        job.tasks.iter().filter_map(move |task| {
            let (_, value) = task.metrics.iter().find(|(name, _)| *name == figure)?;
            let task = vec![("vertex", task.vertex.clone()), ("subtask", task.subtask.to_string())];
            Some(([of_job(job), task].concat(), *value))
        })
    })
}

fn family(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    kind: MetricType,
    samples: impl Iterator<Item = Sample>,
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
