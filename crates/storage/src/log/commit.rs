//! The committer: the one thread that writes records.
//!
//! It takes whatever was queued while the disk was busy with the commit before, writes it as one atomic batch with one
//! sync, and then tells those who wait. So a lone record is written at once, and the more arrive, the more share a sync;
//! no time is spent waiting for company. Between commits it drops what retention no longer keeps, a piece at a time.

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
    /// What retention has decided to drop and is still there.
    cuts: VecDeque<Cut>,
    /// When retention last looked, on the clock's `elapsed`.
    looked: Duration,
}

impl Committer {
    pub(crate) fn new(shared: Arc<Shared>, disk: Disk, keyspace: Keyspace) -> Committer {
        let looked = shared.clock.elapsed();
        Committer { shared, disk, keyspace, cuts: VecDeque::new(), looked }
    }

    /// Works until the queue is closed and empty.
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
                    // Whoever asked may have left.
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
                    // A sender that no longer waits has its records all the same.
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

    /// Drops a piece of what is no longer kept, having looked for it if it is time to.
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
            // They are looked for again after the next interval.
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

/// Lets go of those who wait for a committer that is no longer there, even if it panicked.
struct AbandonOnExit(Arc<Shared>);

impl Drop for AbandonOnExit {
    fn drop(&mut self) {
        self.0.queue.abandon();
    }
}
