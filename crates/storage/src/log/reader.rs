//! Reading: decodes one or more entries at once into a shared buffer and hands out records from there.
//!
//! A reader returns durable records only. At the end of its partitions it waits until the topic grows.

use std::sync::Arc;
use std::time::Duration;

use types::{Offset, PartitionId, Timestamp};

use super::embedded::Shared;
use super::topic::{Partition, Topic};
use super::{Attributes, Fetched, LogError, LogReader, Polled, RecordRef, Start, Wanted, entry, key};

/// Limit of bytes decoded at once, whatever a poll asks for.
const DECODED_BYTES_MAX: usize = 16 << 20;

pub(crate) struct Reader {
    shared: Arc<Shared>,
    topic: Arc<Topic>,
    assigned: Vec<Assigned>,
    /// Index of the assigned partition whose turn is next.
    turn: usize,
    wanted: Wanted,
    /// Records that retention dropped before they were read and that [`LogReader::take_lost`] has not
    /// reported.
    lost: u64,
}

struct Assigned {
    partition: PartitionId,
    /// The next offset to hand out.
    offset: u64,
    /// Whether an entry begins at the offset; otherwise the offset may be inside one.
    at_entry: bool,
    decoded: Option<Decoded>,
}

/// Decoded records, some of which are not handed out yet.
struct Decoded {
    data: Arc<Vec<u8>>,
    records: Vec<RecordRef>,
    /// One per record, or empty.
    attributes: Vec<Attributes>,
    given: usize,
}

impl Reader {
    pub(crate) fn open(
        shared: Arc<Shared>,
        topic: Arc<Topic>,
        from: &[(PartitionId, Start)],
        wanted: Wanted,
    ) -> Result<Reader, LogError> {
        let mut reader =
            Reader { shared, topic, assigned: Vec::with_capacity(from.len()), turn: 0, wanted, lost: 0 };
        from.iter().try_for_each(|&(partition, start)| reader.assign(partition, start))?;
        Ok(reader)
    }

    fn assign(&mut self, partition: PartitionId, start: Start) -> Result<(), LogError> {
        let known = self.known(partition)?;
        let offset = match start {
            Start::Earliest => known.first,
            Start::Latest => known.next,
            Start::Time(time) => self.offset_at(partition, &known, time)?,
            Start::At(Offset(offset)) => {
                if offset > known.next {
                    tracing::warn!(
                        topic = %self.topic.name, %partition, offset, end = known.next,
                        "the log ends before the requested offset; reading continues at its end"
                    );
                }
                offset.min(known.next)
            }
        };
        self.assigned.push(Assigned { partition, offset, at_entry: false, decoded: None });
        Ok(())
    }

    fn known(&self, partition: PartitionId) -> Result<Partition, LogError> {
        Ok(self.topic.partition(partition)?.lock().clone())
    }

    /// Returns the first offset kept and the offset after the last durable record.
    fn ends(&self, partition: PartitionId) -> Result<(u64, u64), LogError> {
        let partition = self.topic.partition(partition)?.lock();
        Ok((partition.first, partition.next))
    }

    /// Returns the offset of the first record of this time or later.
    fn offset_at(&self, partition: PartitionId, known: &Partition, time: Timestamp) -> Result<u64, LogError> {
        let before = known.segments.partition_point(|segment| segment.time < time);
        let from = before.checked_sub(1).map_or(known.first, |last| known.segments[last].first);
        let place = self.topic.place(partition);
        for row in self.shared.keyspace()?.range(place.entry(from)..place.entry(known.next)) {
            let (key, value) = row.into_inner().map_err(reading)?;
            let mut run = entry::Run::default();
            self.decode(partition, &key, &value, Wanted::default(), &mut run)?;
            if let Some(found) = run.records.iter().find(|record| record.appended >= time) {
                return Ok(found.offset.0.max(known.first));
            }
        }
        Ok(known.next)
    }

    fn decode(
        &self,
        partition: PartitionId,
        key: &[u8],
        value: &[u8],
        wanted: Wanted,
        run: &mut entry::Run,
    ) -> Result<(), LogError> {
        let first = key::offset_of(key).ok_or(entry::Damaged);
        first.and_then(|first| run.add(first, value, wanted)).map(|_| ()).map_err(|entry::Damaged| {
            let place = self.place_of(partition, key::offset_of(key).unwrap_or(0));
            if entry::is_newer(value) { LogError::Newer { place } } else { LogError::Corrupt { place } }
        })
    }

    fn place_of(&self, partition: PartitionId, offset: u64) -> String {
        format!("the entry of topic `{}` partition {partition} at offset {offset}", self.topic.name)
    }

    /// Hands out records of one assigned partition; `None` if it has no more.
    fn take(&mut self, number: usize, bytes_max: usize) -> Result<Option<Polled>, LogError> {
        if self.assigned[number].decoded.is_none() {
            self.fill(number, bytes_max)?;
        }
        let partition = self.assigned[number].partition;
        let (_, next) = self.ends(partition)?;
        let assigned = &mut self.assigned[number];
        Ok(assigned
            .give(bytes_max)
            .map(|fetched| Polled::Records { fetched, behind: assigned.offset < next }))
    }

    /// Decodes about `bytes_max` of entries from the offset on.
    fn fill(&mut self, number: usize, bytes_max: usize) -> Result<(), LogError> {
        let Assigned { partition, mut offset, mut at_entry, .. } = self.assigned[number];
        let place = self.topic.place(partition);
        let keyspace = self.shared.keyspace()?;

        loop {
            let (first, next) = self.ends(partition)?;
            if offset < first {
                tracing::warn!(
                    topic = %self.topic.name, %partition, offset, first,
                    "retention removed records before they were read; reading continues at the first kept record"
                );
                self.lost += first - offset;
                (offset, at_entry) = (first, true);
            }
            self.assigned[number].offset = offset;
            if offset >= next {
                return Ok(());
            }
            let mut from = offset;
            if !at_entry
                && let Some(holding) = keyspace.range(place.entry(first)..=place.entry(offset)).next_back()
            {
                from = key::offset_of(&holding.key().map_err(reading)?).unwrap_or(offset);
            }
            let mut run = entry::Run::default();
            for row in keyspace.range(place.entry(from)..place.entry(next)) {
                let (key, value) = row.into_inner().map_err(reading)?;
                self.decode(partition, &key, &value, self.wanted, &mut run)?;
                if run.data.len() >= bytes_max {
                    break;
                }
            }
            let entry::Run { data, records, attributes, .. } = run;
            let given = records.partition_point(|record| record.offset.0 < offset);
            if records.get(given).is_some_and(|record| record.offset.0 == offset) {
                let assigned = &mut self.assigned[number];
                assigned.at_entry = true;
                assigned.decoded = Some(Decoded { data: Arc::new(data), records, attributes, given });
                return Ok(());
            }
            // Retention may have run in between; it moves the beginning before it drops entries.
            if self.ends(partition)?.0 <= offset {
                return Err(LogError::Corrupt { place: self.place_of(partition, offset) });
            }
        }
    }
}

impl Assigned {
    fn give(&mut self, bytes_max: usize) -> Option<Fetched> {
        let decoded = self.decoded.as_mut()?;
        let mut bytes = 0;
        let mut end = decoded.given;

        for record in &decoded.records[decoded.given..] {
            bytes += (record.end - record.start) as usize;
            if bytes > bytes_max && end > decoded.given {
                break;
            }
            end += 1;
        }

        let last = decoded.records[..end].last()?;
        self.offset = last.offset.0 + 1;
        let data = decoded.data.clone();

        let (records, attributes) = if decoded.given == 0 && end == decoded.records.len() {
            (std::mem::take(&mut decoded.records), std::mem::take(&mut decoded.attributes))
        } else {
            let given = decoded.given..end;
            let attributes = decoded.attributes.get(given.clone()).unwrap_or_default();
            (decoded.records[given].to_vec(), attributes.to_vec())
        };

        decoded.given = end;
        if end >= decoded.records.len() {
            self.decoded = None;
        }
        Some(Fetched { partition: Some(self.partition), records, attributes, data })
    }
}

impl LogReader for Reader {
    fn poll(&mut self, timeout: Duration, max_bytes: usize) -> Result<Polled, LogError> {
        let bytes_max = max_bytes.clamp(1, DECODED_BYTES_MAX);
        let deadline = self.shared.clock.elapsed().saturating_add(timeout);
        loop {
            let seen = self.topic.grown.seen();
            for step in 0..self.assigned.len() {
                let number = (self.turn + step) % self.assigned.len();
                if let Some(polled) = self.take(number, bytes_max)? {
                    self.turn = number + 1;
                    return Ok(polled);
                }
            }
            // Report a closed log only once everything is read, and also when no time is left to wait.
            self.shared.keyspace()?;
            let left = deadline.saturating_sub(self.shared.clock.elapsed());
            if left.is_zero() || !self.topic.grown.wait(seen, left) {
                return Ok(Polled::CaughtUp);
            }
        }
    }

    fn add(&mut self, partition: PartitionId, start: Start) -> Result<(), LogError> {
        self.assign(partition, start)
    }

    fn at_end(&self) -> Vec<PartitionId> {
        let all_is_read = |of: &&Assigned| self.ends(of.partition).is_ok_and(|(_, next)| of.offset >= next);
        self.assigned.iter().filter(all_is_read).map(|of| of.partition).collect()
    }

    fn lags(&self) -> Vec<(PartitionId, u64)> {
        let lag = |of: &Assigned| {
            let (_, next) = self.ends(of.partition).ok()?;
            Some((of.partition, next.saturating_sub(of.offset)))
        };
        self.assigned.iter().filter_map(lag).collect()
    }

    fn positions(&self) -> Vec<(PartitionId, Offset)> {
        self.assigned.iter().map(|assigned| (assigned.partition, Offset(assigned.offset))).collect()
    }

    fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }
}

fn reading(error: fjall::Error) -> LogError {
    LogError::of(error.into(), "reading records")
}
