//! Those who follow changes: a bounded queue each. A writer waits for the slowest; who has left is forgotten.

use std::sync::Arc;

use crossbeam_channel::Sender;

use super::{Change, Following};

pub(crate) struct Followers {
    queue_changes: usize,
    queues: Vec<Sender<Arc<Change>>>,
}

impl Followers {
    pub(crate) fn new(queue_changes: usize) -> Followers {
        Followers { queue_changes, queues: Vec::new() }
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
        let change = Arc::new(change);
        self.queues.retain(|queue| queue.send(change.clone()).is_ok());
    }

    /// Ends all queues; their followers still get what is in them.
    pub(crate) fn dismiss(&mut self) {
        self.queues.clear();
    }
}
