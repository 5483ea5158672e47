//! The committer: the only thread that writes records.
//!
//! The committer takes everything that was queued during the previous commit, writes it as one atomic batch
//! with one sync, and then answers the senders. A lone record is thus written at once, and under load more
//! records share a sync; the committer never waits to fill a batch. Between commits it drops expired
//! records, a piece at a time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use fjall::{Keyspace, PersistMode};

use super::draft::{Growth, Tail};
use super::embedded::Shared;
use super::queue::{Request, Task};
use super::retention::{self, Cut};
use super::{LogError, Position, notes};
use crate::disk::{Disk, Fault};

pub(crate) struct Committer {
    shared: Arc<Shared>,
    disk: Disk,
    keyspace: Keyspace,
    /// Records that retention has decided to drop and that are still on disk.
    cuts: VecDeque<Cut>,
    /// Time of the last retention check, on the clock's `elapsed`.
    looked: Duration,
}

impl Committer {
    pub(crate) fn new(shared: Arc<Shared>, disk: Disk, keyspace: Keyspace) -> Committer {
        let looked = shared.clock.elapsed();
        Committer { shared, disk, keyspace, cuts: VecDeque::new(), looked }
    }

    /// Runs until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        let _abandon = AbandonOnExit(self.shared.clone());
        loop {
            let patience =
                if self.cuts.is_empty() { self.shared.options.retention_interval } else { Duration::ZERO };
            match self.shared.queue.take(self.shared.options.commit_bytes, patience) {
                Task::Commit(requests) => self.commit(requests),
                Task::Trim(done) => {
                    let trimmed =
                        self.trim_all().map_err(|fault| LogError::of(fault, "dropping old records"));
                    // The receiver may be gone.
                    let _ = done.send(trimmed);
                }
                Task::Idle => {}
                Task::Stop => return,
            }
            self.trim_some();
        }
    }

    fn commit(&self, requests: Vec<Request>) {
        let written = self.write(&requests);
        match written {
            Ok(positions) => {
                for (request, positions) in requests.into_iter().zip(positions) {
                    // A sender that stopped waiting has its records appended all the same.
                    let _ = request.done.send(Ok(positions));
                }
            }
            Err(fault) => {
                tracing::error!(?fault, requests = requests.len(), "records could not be written");
                for request in requests {
                    let _ = request.done.send(Err(LogError::of(fault.clone(), "writing records")));
                }
            }
        }
    }

    fn write(&self, requests: &[Request]) -> Result<Vec<Vec<Position>>, Fault> {
        self.disk.check_room(requests.iter().map(|request| request.bytes).sum())?;
        let mut growth = Growth::new(self.shared.options.segment_limits());
        let positions = requests.iter().map(|request| growth.add(request)).collect();
        let mut tails = growth.finish();
        let mut batch = self.disk.database.batch().durability(Some(PersistMode::SyncData));

        for tail in &mut tails {
            let place = tail.topic.place(tail.partition);
            for (first, entry) in tail.entries.drain(..) {
                batch.insert(&self.keyspace, place.entry(first), entry);
            }
            for segment in &tail.segments {
                batch.insert(&self.keyspace, place.segment(segment.first), segment.encode());
            }
        }

        for request in requests {
            if let Some(note) = &request.note {
                let (key, value) = notes::row(&note.name, &note.value, request.arrived);
                batch.insert(&self.keyspace, key, value);
            }
        }

        batch.commit()?;
        let topics: Vec<_> = tails.iter().map(|tail| tail.topic.clone()).collect();
        tails.into_iter().for_each(Tail::publish);
        for topic in topics.chunk_by(|one, other| one.id == other.id).filter_map(<[_]>::first) {
            topic.grown.raise();
        }
        Ok(positions)
    }

    /// Drops a piece of the expired records. Looks for new ones first when the retention interval has
    /// passed.
    fn trim_some(&mut self) {
        let now = self.shared.clock.elapsed();
        if self.cuts.is_empty() && now.saturating_sub(self.looked) >= self.shared.options.retention_interval {
            self.looked = now;
            self.cuts = retention::decide(&self.shared);
            if let Err(fault) = notes::forget(&self.disk, &self.keyspace, self.shared.clock.now()) {
                tracing::error!(?fault, "old notes could not be dropped");
            }
        }
        if let Err(fault) = self.trim_step() {
            tracing::error!(?fault, "old records could not be dropped");
            // The next retention check finds them again.
            self.cuts.clear();
        }
    }

    fn trim_all(&mut self) -> Result<u64, Fault> {
        self.looked = self.shared.clock.elapsed();
        self.cuts.extend(retention::decide(&self.shared));
        notes::forget(&self.disk, &self.keyspace, self.shared.clock.now())?;
        let records = self.cuts.iter().map(|cut| cut.records).sum();
        while !self.cuts.is_empty() {
            self.trim_step()?;
        }
        Ok(records)
    }

    fn trim_step(&mut self) -> Result<(), Fault> {
        if let Some(cut) = self.cuts.front()
            && retention::step(&self.disk, &self.keyspace, cut)? == retention::Progress::Done
        {
            self.cuts.pop_front();
        }
        Ok(())
    }
}

/// Releases the senders that wait when the committer ends, also when it panics.
struct AbandonOnExit(Arc<Shared>);

impl Drop for AbandonOnExit {
    fn drop(&mut self) {
        self.0.queue.abandon();
    }
}
