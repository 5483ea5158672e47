//! Taking a checkpoint or savepoint: writes the parts of the state as subtasks hand them over, then the
//! envelope, and last the file that marks it as complete.

use std::path::Path;
use std::time::Duration;

use engine::execution::{Acknowledgement, Afterwards, bytes_of_parts};
use engine::snapshot::{Snapshot, encode_sized};
use types::{Timestamp, with_causes};

use super::JobMaster;
use super::attempt::Attempt;
use super::checkpoints::SavepointError;
use crate::checkpoint::{
    CheckpointDirectory, CheckpointKind, CheckpointOptions, CheckpointRecord, CheckpointState, EarlierParts,
    Manifest, PartTotals, PartWriter, StateFile, SubtaskPart,
};

/// A checkpoint or savepoint to take, and its place.
pub(super) struct Taking<'a> {
    pub directory: &'a CheckpointDirectory,
    pub place: &'a str,
    pub of: (u64, CheckpointKind),
    /// Part files that it may reference.
    pub earlier: &'a EarlierParts,
    pub options: &'a CheckpointOptions,
}

/// A written checkpoint or savepoint.
pub(super) struct Written {
    pub location: String,
    /// The part files that the next one may reference.
    pub parts: EarlierParts,
}

impl Taking<'_> {
    /// Collects the state of a job and writes it.
    pub fn write(
        &self,
        master: &JobMaster,
        attempt: &Attempt,
        timeout: Duration,
        afterwards: Afterwards,
    ) -> Result<Written, SavepointError> {
        let (began, triggered) = (master.clock.elapsed(), master.clock.now());
        let (id, kind) = self.of;
        let control = attempt.execution.control();
        master.life.lock().checkpoints.begin(CheckpointRecord {
            id,
            kind,
            triggered,
            duration: Duration::ZERO,
            state: CheckpointState::InProgress,
            subtasks: control.subtasks(),
            parts: Vec::new(),
        });

        let limits = (self.options.inline_below, self.options.keep_free_bytes);
        let mut acknowledged: Vec<Acknowledgement> = Vec::new();
        let mut writer = PartWriter::new(self.directory, self.place, self.earlier, limits);
        let taken = control.snapshot_kept(id, timeout, afterwards, &mut writer, &mut |part| {
            master.life.lock().checkpoints.acknowledge(id, subtask_part(&part, began, master.clock.now()));
            acknowledged.push(part);
        });

        let written = match taken {
            Ok(snapshot) => {
                let written =
                    self.write_envelope((master, attempt), triggered, &snapshot, &writer, &acknowledged);
                written.map(|manifest| (manifest, snapshot))
            }
            Err(error) => {
                Err(writer.into_failure().map_or(SavepointError::Snapshot(error), SavepointError::Files))
            }
        };
        let duration = master.clock.elapsed().saturating_sub(began);
        let location = format!("{}/{}", self.directory.location(), self.place);
        let state = match &written {
            Ok((manifest, _)) => CheckpointState::Completed {
                location: location.clone(),
                bytes: manifest.state_bytes(),
                reused: manifest.parts.reused,
            },
            Err(error) => CheckpointState::Failed { reason: with_causes(error) },
        };
        master.life.lock().checkpoints.end(id, duration, state);

        match written {
            Ok((manifest, snapshot)) => {
                let (bytes, reused) = (manifest.state_bytes(), manifest.parts.reused);
                tracing::debug!(
                    job_id = %master.id, id, ?kind, bytes, reused, ?duration, location, "checkpoint written"
                );
                let parts = EarlierParts::of(Path::new(&location), &snapshot);
                Ok(Written { location, parts })
            }
            Err(error) => {
                control.release();
                // An incomplete checkpoint is of no use.
                let _ = self.directory.remove(self.place);
                Err(error)
            }
        }
    }

    fn write_envelope(
        &self,
        (master, attempt): (&JobMaster, &Attempt),
        triggered: Timestamp,
        snapshot: &Snapshot,
        writer: &PartWriter<'_>,
        acknowledged: &[Acknowledgement],
    ) -> Result<Manifest, SavepointError> {
        let (id, kind) = self.of;
        let ledgers = snapshot.pipelines.iter().map(|pipeline| pipeline.ledger());
        let mut manifest = Manifest {
            format: 0,
            kind,
            id,
            job_id: master.id.to_string(),
            job_name: master.name.clone(),
            taken: triggered.0,
            parallelism: master.parallelism,
            records: ledgers.map(|ledger| ledger.accepted).sum(),
            state: StateFile { name: String::new(), bytes: 0, crc32: 0 },
            parts: PartTotals::default(),
        };

        let (state, sizes) = encode_sized(snapshot);
        self.directory.check_room(state.len(), self.options.keep_free_bytes)?;
        self.directory.write(self.place, &mut manifest, state, writer)?;
        master.life.lock().checkpoints.measure(id, &bytes_of_parts(acknowledged, &sizes));
        attempt.commit(snapshot);
        Ok(manifest)
    }
}

fn subtask_part(part: &Acknowledgement, asked: Duration, now: Timestamp) -> SubtaskPart {
    SubtaskPart {
        vertex: part.vertex.clone(),
        subtask: part.subtask,
        at: now,
        delay: part.began.saturating_sub(asked),
        aligning: part.aligning,
        taking: part.taking,
        bytes: 0,
        reused: 0,
    }
}
