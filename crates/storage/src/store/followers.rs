//! Followers of changes, with a bounded queue each. A writer waits for the slowest; a follower that has left
//! is removed.
//!
//! Queues are bounded by their number of changes and, all together, by bytes: a change may hold a megabyte of
//! rows, and a follower that falls behind during a catch-up could hold hundreds of changes. Followers share
//! each change, and the last one frees it, so a weak reference tells whether a change is still held.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crossbeam_channel::Sender;

use super::{Change, Following};

/// Bytes of changes that followers may hold before a writer waits. A single larger change passes.
pub(super) const HELD_BYTES_MAX: usize = 16 << 20;
/// Poll interval of a writer that waits for followers to free changes.
const PAUSE: Duration = Duration::from_millis(1);
/// Approximate size of a row besides its key and value.
const ROW_BYTES: usize = 64;

pub(crate) struct Followers {
    queue_changes: usize,
    queues: Vec<Sender<Arc<Change>>>,
    /// Changes sent, oldest first, with their bytes.
    told: VecDeque<(Weak<Change>, usize)>,
}

impl Followers {
    pub(crate) fn new(queue_changes: usize) -> Followers {
        Followers { queue_changes, queues: Vec::new(), told: VecDeque::new() }
    }

    pub(crate) fn add(&mut self) -> Following {
        let (queue, following) = crossbeam_channel::bounded(self.queue_changes);
        self.queues.push(queue);
        following
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    pub(crate) fn tell(&mut self, change: Change) {
        let rows = change.entries.iter().map(|entry| entry.key.len() + entry.value.len() + ROW_BYTES);
        let deleted = change.deleted.iter().map(|key| key.len() + ROW_BYTES);
        let bytes = rows.chain(deleted).sum();
        while self.held_bytes() > HELD_BYTES_MAX.saturating_sub(bytes) && !self.told.is_empty() {
            std::thread::park_timeout(PAUSE);
        }

        let change = Arc::new(change);
        self.told.push_back((Arc::downgrade(&change), bytes));
        self.queues.retain(|queue| queue.send(change.clone()).is_ok());
    }

    /// Returns the bytes of changes that followers hold.
    pub(crate) fn held_bytes(&mut self) -> usize {
        self.told.retain(|(change, _)| change.strong_count() > 0);
        self.told.iter().map(|(_, bytes)| bytes).sum()
    }

    /// Ends all queues; their followers still receive the queued changes.
    pub(crate) fn dismiss(&mut self) {
        self.queues.clear();
    }
}

#[cfg(test)]
mod tests {
    use types::Timestamp;

    use super::super::Entry;
    use super::*;

    fn change(bytes: usize) -> Change {
        let entry = Entry { key: "k".into(), value: vec![b'x'; bytes].into(), expires: Timestamp(0) };
        Change { entries: vec![entry], ..Change::default() }
    }

    #[test]
    fn a_writer_waits_for_a_follower_that_holds_too_much() {
        let mut followers = Followers::new(256);
        let following = followers.add();
        let telling = std::thread::spawn(move || {
            (0..40).for_each(|_| followers.tell(change(1 << 20)));
            followers
        });
        let mut held = VecDeque::new();
        for _ in 0..40 {
            held.push_back(following.recv().expect("a change"));
            assert!(following.len() + held.len() <= HELD_BYTES_MAX >> 20);
            if held.len() > 8 {
                held.pop_front();
            }
        }
        let mut followers = telling.join().expect("it told all");
        drop(held);
        assert_eq!(followers.held_bytes(), 0);
    }

    #[test]
    fn a_change_larger_than_all_that_is_allowed_is_told_and_who_left_holds_nothing() {
        let mut followers = Followers::new(256);
        let following = followers.add();
        followers.tell(change(HELD_BYTES_MAX * 2));
        assert_eq!(following.recv().expect("a change").entries.len(), 1);
        (0..8).for_each(|_| followers.tell(change(1 << 20)));
        drop(following);
        (0..40).for_each(|_| followers.tell(change(1 << 20)));
        assert!(followers.is_empty() && followers.held_bytes() == 0);
    }
}
