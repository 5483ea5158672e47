//! Converts views of a job's checkpoints to Flink's model, as pure functions.

use std::collections::BTreeMap;
use std::time::Duration;

use jobs::JobView;
use jobs::checkpoint::{
    CheckpointKind, CheckpointOptions, CheckpointRecord, CheckpointState, Measured, SubtaskPart,
};

use super::metrics::{in_progress, total_checkpoints};
use super::model::{
    Alignment, CheckpointConfig, CheckpointCounts, CheckpointEntry, CheckpointFigures, CheckpointSummary,
    Checkpoints, Externalization, LatestCheckpoints, RestoredCheckpoint, SubtaskCheckpoint, Summary,
    SyncAsync, VertexCheckpoint, VertexCheckpointSummary,
};
use super::places::url;
use super::vertices::Found;

/// Interval of a job without periodic checkpoints.
const NEVER: u64 = i64::MAX as u64;

/// `retained` is the number of newest checkpoints that are kept.
pub(super) fn checkpoints(view: &JobView, retained: usize) -> Checkpoints {
    let history = &view.checkpoints;
    let entry = |record: &CheckpointRecord| entry(view, record, retained);
    let summary = |figure: fn(&Measured) -> i64| Summary::of(history.measured.iter().map(figure));
    let nothing = || Summary::of(history.measured.iter().map(|_| 0));
    let of = |record: &Option<CheckpointRecord>| record.as_ref().map(entry);

    Checkpoints {
        counts: CheckpointCounts {
            restored: history.restored,
            total: total_checkpoints(view),
            in_progress: in_progress(view),
            completed: history.completed,
            failed: history.failed,
        },
        summary: CheckpointSummary {
            checkpointed_size: summary(|of| (of.bytes - of.reused) as i64),
            state_size: summary(|of| of.bytes as i64),
            end_to_end_duration: summary(|of| ms(of.took)),
            alignment_buffered: nothing(),
            processed_data: nothing(),
            persisted_data: nothing(),
        },
        latest: LatestCheckpoints {
            completed: of(&history.latest_completed),
            savepoint: of(&history.latest_savepoint),
            failed: of(&history.latest_failed),
            restored: history.latest_restored.as_ref().map(|from| RestoredCheckpoint {
                id: from.id,
                restore_timestamp: from.at.0,
                is_savepoint: from.kind == CheckpointKind::Savepoint,
                external_path: url(&from.location),
            }),
        },
        history: history.recent.iter().rev().map(entry).collect(),
    }
}

fn entry(view: &JobView, record: &CheckpointRecord, retained: usize) -> CheckpointEntry {
    let is_savepoint = record.kind == CheckpointKind::Savepoint;
    let mut entry = CheckpointEntry {
        class_name: "in_progress",
        is_savepoint,
        savepoint_format: is_savepoint.then_some("CANONICAL"),
        trigger_timestamp: record.triggered.0,
        checkpoint_type: if is_savepoint { "SAVEPOINT" } else { "CHECKPOINT" },
        figures: figures(record, record.subtasks, record.parts.iter()),
        tasks: BTreeMap::new(),
        external_path: None,
        discarded: None,
        failure_timestamp: None,
        failure_message: None,
    };

    match &record.state {
        CheckpointState::InProgress => {}
        CheckpointState::Completed { location, .. } => {
            entry.class_name = "completed";
            entry.external_path = Some(url(location));
            entry.discarded = Some(!is_savepoint && is_discarded(view, record, retained));
        }
        CheckpointState::Failed { reason } => {
            entry.class_name = "failed";
            entry.failure_timestamp = Some(record.triggered.0 + ms(record.duration));
            entry.failure_message = Some(reason.clone());
        }
    }

    entry
}

/// Returns whether the checkpoint was removed because enough newer ones were completed.
fn is_discarded(view: &JobView, record: &CheckpointRecord, retained: usize) -> bool {
    let newer = view.checkpoints.recent.iter().filter(|other| {
        let is_whole = matches!(other.state, CheckpointState::Completed { .. });
        other.id > record.id && other.kind == CheckpointKind::Checkpoint && is_whole
    });
    newer.count() >= retained
}

/// Returns the figures of a checkpoint over some of its parts.
fn figures<'a>(
    record: &CheckpointRecord,
    subtasks: usize,
    parts: impl Iterator<Item = &'a SubtaskPart>,
) -> CheckpointFigures {
    let parts: Vec<&SubtaskPart> = parts.collect();
    let is_all = subtasks == record.subtasks;
    let latest = parts.iter().map(|part| part.at.0).max();
    let by_parts: u64 = parts.iter().map(|part| part.bytes).sum();
    let reused: u64 = parts.iter().map(|part| part.reused).sum();

    let (status, bytes) = match &record.state {
        CheckpointState::InProgress => ("IN_PROGRESS", by_parts),
        // All parts, and the metadata file.
        CheckpointState::Completed { bytes, .. } if is_all => ("COMPLETED", *bytes),
        CheckpointState::Completed { .. } => ("COMPLETED", by_parts),
        CheckpointState::Failed { .. } => ("FAILED", by_parts),
    };

    let took = latest.map_or(-1, |at| (at - record.triggered.0).max(0));
    let is_over = record.state != CheckpointState::InProgress;

    CheckpointFigures {
        id: record.id,
        status,
        latest_ack_timestamp: latest.unwrap_or(-1),
        checkpointed_size: bytes - reused,
        state_size: bytes,
        end_to_end_duration: if is_all && is_over { ms(record.duration) } else { took },
        alignment_buffered: 0,
        processed_data: 0,
        persisted_data: 0,
        num_subtasks: subtasks,
        num_acknowledged_subtasks: parts.len(),
    }
}

/// Returns a checkpoint with all vertices of the job.
pub(super) fn details(view: &JobView, record: &CheckpointRecord, retained: usize) -> CheckpointEntry {
    let mut entry = entry(view, record, retained);
    let of = |found: Found<'_>| {
        let parts = record.parts.iter().filter(|part| part.vertex == found.vertex.key);
        (found.id, figures(record, found.tasks.len(), parts))
    };
    entry.tasks = Found::all(view).into_iter().map(of).collect();
    entry
}

pub(super) fn of_vertex(found: &Found<'_>, record: &CheckpointRecord) -> VertexCheckpoint {
    let parts: Vec<&SubtaskPart> =
        record.parts.iter().filter(|part| part.vertex == found.vertex.key).collect();
    let summary = |of: &dyn Fn(&SubtaskPart) -> i64| Summary::of(parts.iter().map(|part| of(part)));
    let took = |part: &SubtaskPart| (part.at.0 - record.triggered.0).max(0);

    let subtask = |index: usize| match parts.iter().find(|part| part.subtask == index) {
        None => SubtaskCheckpoint::Pending { index, status: "pending_or_failed" },
        Some(part) => SubtaskCheckpoint::Completed {
            index,
            status: "completed",
            ack_timestamp: part.at.0,
            end_to_end_duration: took(part),
            checkpointed_size: part.bytes - part.reused,
            state_size: part.bytes,
            checkpoint: SyncAsync { sync: ms(part.taking), asynchronous: 0 },
            alignment: Alignment { buffered: 0, processed: 0, persisted: 0, duration: ms(part.aligning) },
            start_delay: ms(part.delay),
            unaligned_checkpoint: false,
            aborted: false,
        },
    };

    VertexCheckpoint {
        figures: figures(record, found.tasks.len(), parts.iter().copied()),
        summary: VertexCheckpointSummary {
            checkpointed_size: summary(&|part| (part.bytes - part.reused) as i64),
            state_size: summary(&|part| part.bytes as i64),
            end_to_end_duration: summary(&took),
            checkpoint_duration: SyncAsync {
                sync: summary(&|part| ms(part.taking)),
                asynchronous: summary(&|_| 0),
            },
            alignment: Alignment {
                buffered: summary(&|_| 0),
                processed: summary(&|_| 0),
                persisted: summary(&|_| 0),
                duration: summary(&|part| ms(part.aligning)),
            },
            start_delay: summary(&|part| ms(part.delay)),
        },
        subtasks: found.tasks.iter().map(|(_, task)| subtask(task.subtask)).collect(),
    }
}

pub(super) fn config(options: &CheckpointOptions) -> CheckpointConfig {
    let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(NEVER);
    CheckpointConfig {
        mode: "exactly_once",
        interval: options.interval.map_or(NEVER, ms),
        timeout: ms(options.timeout),
        min_pause: ms(options.min_pause),
        max_concurrent: 1,
        externalization: Externalization { enabled: true, delete_on_cancellation: false },
        state_backend: "HashMapStateBackend",
        checkpoint_storage: "FileSystemCheckpointStorage",
        unaligned_checkpoints: false,
        tolerable_failed_checkpoints: options.tolerable_failures.unwrap_or(i32::MAX as u32),
        aligned_checkpoint_timeout: 0,
        checkpoints_after_tasks_finish: false,
        state_changelog_enabled: false,
        changelog_periodic_materialization_interval: 0,
    }
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
