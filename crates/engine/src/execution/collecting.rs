//! Collecting the parts of a snapshot from a job's subtasks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crossbeam_channel::Receiver;

use super::control::{CheckpointError, Control, Part, SubtaskId, SubtaskKind};
use super::{Acknowledgement, PartBytes};
use crate::snapshot::{NotKept, OperatorPart, PartKeeper, Snapshot};

/// How often the taker of a snapshot looks whether it is still worth waiting.
const LOOK: Duration = Duration::from_millis(20);

/// A snapshot that is being taken.
pub(super) struct Collecting<'a> {
    control: &'a Control,
    barrier: u64,
    keeper: &'a mut dyn PartKeeper,
    told: &'a mut dyn FnMut(Acknowledgement),
    snapshot: Snapshot,
    missing: BTreeSet<SubtaskId>,
    /// What pieces took that went ahead of a part.
    ahead: BTreeMap<SubtaskId, PartBytes>,
    collected: Vec<Part>,
}

impl<'a> Collecting<'a> {
    pub fn new(
        control: &'a Control,
        barrier: u64,
        keeper: &'a mut dyn PartKeeper,
        told: &'a mut dyn FnMut(Acknowledgement),
    ) -> Collecting<'a> {
        Collecting {
            control,
            barrier,
            keeper,
            told,
            snapshot: control.empty_snapshot(),
            missing: control.running(),
            ahead: BTreeMap::new(),
            collected: Vec::new(),
        }
    }

    /// The snapshot, once every subtask has done its part.
    pub fn all(
        mut self,
        parts: &Receiver<Box<Part>>,
        timeout: Duration,
    ) -> Result<Snapshot, CheckpointError> {
        let mut left = timeout;
        while !self.missing.is_empty() {
            if self.control.is_cancelled() {
                return Err(CheckpointError::Ended);
            }

            // In this order: a subtask that came to the barrier and then finished counts as it was at the barrier, and has
            // contributed that part before it finished.
            let finished = self.control.finished_of(&self.missing)?;
            for part in parts.try_iter() {
                self.take(*part)?;
            }
            // What a subtask has begun to hand over, it was at the barrier, and not at its end.
            let finished = finished.into_iter().filter(|part| !self.ahead.contains_key(&part.of));
            for part in finished.collect::<Vec<Part>>() {
                self.take(Part { barrier: self.barrier, ..part })?;
            }
            if self.missing.is_empty() {
                break;
            }

            match parts.recv_timeout(LOOK) {
                Ok(part) => self.take(*part)?,
                Err(_) if left.is_zero() => return Err(CheckpointError::TimedOut),
                Err(_) => left = left.saturating_sub(LOOK),
            }
        }
        Ok(self.put_together())
    }

    /// Takes a part, or a piece of one.
    fn take(&mut self, mut part: Part) -> Result<(), CheckpointError> {
        if part.barrier != self.barrier || !self.missing.contains(&part.of) {
            return Ok(());
        }

        let mut bytes = self.ahead.remove(&part.of).unwrap_or_default();
        for state in std::mem::take(&mut part.operators) {
            let mut kept = Vec::with_capacity(state.parts.len());
            for (groups, image) in &state.parts {
                let part = self.keeper.keep(&state.identity, *groups, image);
                let part = part.map_err(|NotKept| CheckpointError::NotKept)?;
                let of_part = OperatorPart { groups: *groups, content: part.content };
                bytes.add(of_part.bytes(), if part.is_new { of_part.bytes() } else { 0 });
                kept.push(of_part);
            }
            self.snapshot.add_parts(&state.identity, &state.kind, kept);
        }

        if part.times.is_none() {
            self.ahead.insert(part.of, bytes);
            return Ok(());
        }
        self.missing.remove(&part.of);
        (self.told)(self.control.acknowledgement(&part, bytes));
        self.collected.push(part);
        Ok(())
    }

    fn put_together(mut self) -> Snapshot {
        self.collected.sort_by_key(|part| (part.of.pipeline, part.of.subtask));
        for part in self.collected {
            if part.of.kind != SubtaskKind::Operator {
                let pipeline = &mut self.snapshot.pipelines[part.of.pipeline];
                pipeline.sources.extend(part.source);
                pipeline.states.extend(part.state);
            }
        }
        // Subtasks came in any order.
        self.snapshot.operators.sort_by(|a, b| a.identity.cmp(&b.identity));
        self.snapshot
    }
}
