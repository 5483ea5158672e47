//! Collects the parts of a snapshot from a job's subtasks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crossbeam_channel::Receiver;

use super::control::{CheckpointError, Control, Part, SubtaskId, SubtaskKind};
use super::{Acknowledgement, CHECK_INTERVAL, PartBytes};
use crate::snapshot::{NotKept, OperatorPart, PartKeeper, Snapshot};

/// A snapshot that is being taken.
pub(super) struct Collecting<'a> {
    control: &'a Control,
    barrier: u64,
    keeper: &'a mut dyn PartKeeper,
    acknowledged: &'a mut dyn FnMut(Acknowledgement),
    snapshot: Snapshot,
    missing: BTreeSet<SubtaskId>,
    /// The bytes of pieces that arrived ahead of their part.
    ahead: BTreeMap<SubtaskId, PartBytes>,
    collected: Vec<Part>,
}

impl<'a> Collecting<'a> {
    pub fn new(
        control: &'a Control,
        barrier: u64,
        keeper: &'a mut dyn PartKeeper,
        acknowledged: &'a mut dyn FnMut(Acknowledgement),
    ) -> Collecting<'a> {
        Collecting {
            control,
            barrier,
            keeper,
            acknowledged,
            snapshot: control.empty_snapshot(),
            missing: control.running(),
            ahead: BTreeMap::new(),
            collected: Vec::new(),
        }
    }

    /// Returns the snapshot once every subtask has contributed its part.
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

            // The order matters: a subtask that reached the barrier and then finished counts as it was at the
            // barrier, and has contributed that part before it finished.
            let finished = self.control.finished_of(&self.missing)?;
            for part in parts.try_iter() {
                self.take(*part)?;
            }
            // A subtask that has begun to hand over its state was at the barrier then, not at its end.
            let finished = finished.into_iter().filter(|part| !self.ahead.contains_key(&part.of));
            for part in finished.collect::<Vec<Part>>() {
                self.take(Part { barrier: self.barrier, ..part })?;
            }
            if self.missing.is_empty() {
                break;
            }

            match parts.recv_timeout(CHECK_INTERVAL) {
                Ok(part) => self.take(*part)?,
                Err(_) if left.is_zero() => return Err(CheckpointError::TimedOut),
                Err(_) => left = left.saturating_sub(CHECK_INTERVAL),
            }
        }
        Ok(self.put_together())
    }

    /// Adds a part, or a piece of one.
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
        (self.acknowledged)(self.control.acknowledgement(&part, bytes));
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
        // The parts arrived in arbitrary order.
        self.snapshot.operators.sort_by(|a, b| a.identity.cmp(&b.identity));
        self.snapshot
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::execution::Afterwards;
    use crate::execution::control::PartTimes;
    use crate::operator::chain::OperatorState;
    use crate::snapshot::{InMemory, KeptPart};
    use crate::state::{KeyGroups, StateImage, StatePart};

    const TASK: SubtaskId = SubtaskId { pipeline: 0, kind: SubtaskKind::Operator, subtask: 0 };
    const OTHER: SubtaskId = SubtaskId { subtask: 1, ..TASK };

    fn control() -> Arc<Control> {
        let control = Control::new(Vec::new(), vec!["Sum 0".to_owned()]);
        control.expect(TASK);
        control.expect(OTHER);
        Arc::new(control)
    }

    fn state(cell: u32, bytes: &[u8]) -> Vec<OperatorState> {
        let image = StateImage { parts: vec![StatePart { key_group: cell * 8, bytes: bytes.to_vec() }] };
        let parts = vec![(KeyGroups::cell(cell), Arc::new(image))];
        vec![OperatorState { identity: "sums/0".to_owned(), kind: "Sum".to_owned(), parts }]
    }

    fn rest(of: SubtaskId, operators: Vec<OperatorState>) -> Part {
        Part { times: Some(PartTimes::default()), ..Part::piece(1, of, operators) }
    }

    /// Hands over a piece once the snapshot is requested; returns whether the rest is wanted.
    fn send_piece(control: &Control, operators: Vec<OperatorState>) -> bool {
        while control.barrier() == 0 {
            std::thread::yield_now();
        }
        control.send_piece(Part::piece(1, TASK, operators), 9)
    }

    fn take(
        control: &Control,
        timeout: Duration,
        keeper: &mut dyn PartKeeper,
    ) -> Result<Snapshot, CheckpointError> {
        control.snapshot_kept(1, timeout, Afterwards::ReadOn, keeper, &mut |_| ())
    }

    #[test]
    fn pieces_that_went_ahead_are_part_of_the_snapshot() {
        let control = control();
        let subtask = std::thread::spawn({
            let control = control.clone();
            move || {
                assert!(send_piece(&control, state(3, b"first")));
                control.contribute(rest(TASK, state(9, b"second")));
                control.contribute(rest(OTHER, state(1, b"other")));
            }
        });

        let mut told = Vec::new();
        let taken = control.snapshot_kept(
            1,
            Duration::from_secs(20),
            Afterwards::ReadOn,
            &mut InMemory,
            &mut |part| told.push((part.subtask, part.operators.state)),
        );
        subtask.join().unwrap();
        let snapshot = taken.unwrap();

        let cells: Vec<KeyGroups> = snapshot.operators[0].parts.iter().map(|part| part.groups).collect();
        assert_eq!(cells, [1, 3, 9].map(KeyGroups::cell));
        // Each length takes two bytes.
        told.sort_unstable();
        assert_eq!(told, [(0, 5 + 6 + 4), (1, 5 + 2)]);
    }

    #[test]
    fn a_subtask_that_ended_behind_a_piece_does_not_count_as_at_its_end() {
        let control = control();
        let subtask = std::thread::spawn({
            let control = control.clone();
            move || {
                control.contribute(rest(OTHER, Vec::new()));
                assert!(send_piece(&control, state(3, b"at the barrier")));
                // The rest of the part did not get through.
                control.finish(rest(TASK, state(3, b"at the end")));
            }
        });
        assert_eq!(
            take(&control, Duration::from_millis(500), &mut InMemory).err(),
            Some(CheckpointError::TimedOut)
        );
        subtask.join().unwrap();
    }

    #[test]
    fn a_snapshot_whose_part_is_not_kept_is_none_and_the_rest_is_not_wanted() {
        struct Refusing;

        impl PartKeeper for Refusing {
            fn keep(&mut self, _: &str, _: KeyGroups, _: &StateImage) -> Result<KeptPart, NotKept> {
                Err(NotKept)
            }
        }

        let control = control();
        let subtask = std::thread::spawn({
            let control = control.clone();
            move || {
                send_piece(&control, state(3, b"refused"));
                while control.send_piece(Part::piece(1, TASK, state(4, b"another")), 11) {
                    std::thread::yield_now();
                }
            }
        });
        assert_eq!(
            take(&control, Duration::from_secs(20), &mut Refusing).err(),
            Some(CheckpointError::NotKept)
        );
        subtask.join().unwrap();
        assert!(!send_piece(&control, state(3, b"late")), "nobody takes it any more");
    }
}
