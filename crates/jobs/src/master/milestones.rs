//! Logs the steps of a job's start.
//!
//! Scripts search logs for the lines that the programs print which Weir replaces: `✓ Kafka source table created`,
//! `✓ All aggregation queries created`, `✓ Flink streaming job started successfully`. The lines therefore begin with
//! these words, behind which they say what was made and where.

use sql::plan::Plan;
use storage::log::Logs;
use types::JobId;

use crate::dispatcher::Outline;

/// Logs what a job reads, what it writes, and that it runs. Call this once its sources are open.
pub(super) fn tell_started(plan: &Plan, logs: &Logs, (job_id, job): (JobId, &str)) {
    for source in Outline::of(plan, logs).sources {
        tracing::info!(%job_id, job, "✓ Kafka source table created: {source}");
    }

    let tables: Vec<&str> = plan.sinks.iter().map(|sink| &*sink.name).collect();
    let (count, tables) = (tables.len(), tables.join(", "));
    tracing::info!(%job_id, job, "✓ All aggregation queries created: into {count} tables: {tables}");

    tracing::info!(
        %job_id, job,
        "✓ Flink streaming job started successfully: `weir jobs list` shows it, `weir jobs cancel` ends it"
    );
}
