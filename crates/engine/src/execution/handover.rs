//! Moves operator state from the subtasks to the keeper of a snapshot, without a second copy of all of it.
//!
//! A subtask encodes the state of its operators in pieces, and sends a piece as soon as it is large enough.
//! Pieces that wait to be stored hold at most [`QUEUED`] bytes together; a subtask with another piece waits.
//! So a snapshot of a large state proceeds at the pace of the disk, and the operators stand still meanwhile,
//! as they do while their state is encoded.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::CHECK_INTERVAL;
use super::control::{Control, Part, SubtaskId};
use crate::operator::chain::{Chain, OperatorState};

/// The most bytes that wait to be stored, over all subtasks of a job. A larger piece waits alone.
const QUEUED: u64 = 64 << 20;
/// Bytes that a subtask collects before it sends them; the remainder goes with the rest of its part.
const SENT: u64 = 8 << 20;

/// The bytes that wait to be stored.
#[derive(Debug, Default)]
pub(super) struct Queued {
    bytes: Mutex<u64>,
    freed: Condvar,
}

/// Bytes in the queue, until they are stored or dropped.
#[derive(Debug)]
pub(super) struct QueuedBytes {
    queue: Arc<Queued>,
    bytes: u64,
}

impl Queued {
    /// Waits until there is space; returns `None` if the bytes are not wanted any more.
    pub fn enter(self: &Arc<Queued>, bytes: u64, is_wanted: impl Fn() -> bool) -> Option<QueuedBytes> {
        let mut queued = self.bytes.lock();
        while *queued > 0 && *queued + bytes > QUEUED {
            if !is_wanted() {
                return None;
            }
            self.freed.wait_for(&mut queued, CHECK_INTERVAL);
        }
        *queued += bytes;
        Some(QueuedBytes { queue: self.clone(), bytes })
    }
}

impl Drop for QueuedBytes {
    fn drop(&mut self) {
        *self.queue.bytes.lock() -= self.bytes;
        self.queue.freed.notify_all();
    }
}

/// A subtask's hand-over of its operators' state for one snapshot.
pub(super) struct StateHandover<'a> {
    control: &'a Control,
    barrier: u64,
    of: SubtaskId,
    collected: Vec<OperatorState>,
    bytes: u64,
    is_wanted: bool,
}

impl<'a> StateHandover<'a> {
    /// Hands over the state of a chain; returns the last piece, or `None` if the snapshot is not wanted any
    /// more.
    pub fn of_chain(
        control: &'a Control,
        (barrier, of): (u64, SubtaskId),
        chain: &Chain,
    ) -> Option<Vec<OperatorState>> {
        let mut handover =
            StateHandover { control, barrier, of, collected: Vec::new(), bytes: 0, is_wanted: true };
        chain.for_each_state(&mut |state| handover.take(state));
        handover.is_wanted.then_some(handover.collected)
    }

    /// Adds a piece; returns whether more is wanted.
    fn take(&mut self, state: OperatorState) -> bool {
        self.bytes += state.parts.iter().map(|(_, image)| image.bytes()).sum::<u64>();
        self.collected.push(state);
        if self.bytes >= SENT {
            let operators = std::mem::take(&mut self.collected);
            let bytes = std::mem::take(&mut self.bytes);
            self.is_wanted = self.control.send_piece(Part::piece(self.barrier, self.of, operators), bytes);
        }
        self.is_wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_wait_until_others_have_left_and_go_when_nobody_wants_them() {
        let queue = Arc::new(Queued::default());
        // A piece that is larger than the queue enters alone.
        let first = queue.enter(QUEUED + 1, || true).expect("it is empty");
        assert!(queue.enter(1, || false).is_none());

        let waiting = std::thread::spawn({
            let queue = queue.clone();
            move || queue.enter(QUEUED, || true).map(|entered| entered.bytes)
        });
        drop(first);
        assert_eq!(waiting.join().unwrap(), Some(QUEUED));
        assert_eq!(*queue.bytes.lock(), 0);
    }
}
