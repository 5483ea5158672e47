//! Fetches from one broker: one request in flight at any time, for all partitions that are read from the
//! broker.
//!
//! The next request is sent as soon as the headers of the answered batches tell the next offsets, before
//! the records are inflated. The broker thus looks for records while this task decodes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::error::ParseResponseErrorCode as _;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::{FetchResponse, PartitionData};
use kafka_protocol::messages::{FetchRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use tokio::time::{sleep, timeout};
use types::PartitionId;

use super::connection::{Connection, Sent};
use super::error::{FetchError, is_moving};
use super::records::{Answer, RecordReader, end_of};
use super::{Chunk, Event, Heard, Partition, Shared};
use crate::log::LogError;

/// Newest version whose answers have the layout decoded here.
const NEWEST: i16 = 17;
/// First version that names topics by id.
const BY_ID: i16 = 13;
/// First version that compares the epoch of the last fetched batch.
const BY_EPOCH: i16 = 12;
/// Wait before a partition that could not be read is asked for again.
const PAUSE: Duration = Duration::from_millis(50);

/// Listening address of a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub host: String,
    pub port: u16,
}

/// Fetches the partitions of a broker until the cluster's task ends.
pub(super) async fn fetch(shared: Arc<Shared>, node: i32, address: Address) {
    let mut leader = Leader {
        reader: RecordReader::new(shared.options.checks_crcs, shared.wanted),
        shared: shared.clone(),
        node,
        turn: 0,
    };
    let mut backoff = shared.options.backoff;

    loop {
        leader.wait_for_work().await;
        let lasted = shared.clock.elapsed();
        let opened = Connection::open(&address.host, address.port, &shared.options, shared.clock.now()).await;
        let outcome = match opened {
            Ok(connection) => leader.run(connection).await,
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            // If the broker is gone for good, its partitions get another leader.
            leader.give_up();
            shared.stale.notify_one();
            shared.tell_failure(error).await;
            if shared.clock.elapsed().saturating_sub(lasted) > shared.options.backoff_max {
                backoff = shared.options.backoff;
            }
            sleep(backoff).await;
            backoff = (backoff * 2).min(shared.options.backoff_max);
        }
    }
}

struct Leader {
    shared: Arc<Shared>,
    node: i32,
    reader: RecordReader,
    /// Index of the partition asked for first. A broker fills its answer in request order, so later
    /// partitions would starve.
    turn: usize,
}

/// A request in flight.
struct Asked {
    sent: Sent,
    version: i16,
    /// Generation and offset of each partition.
    from: BTreeMap<PartitionId, (u64, u64)>,
}

/// Answered records of a partition.
struct Answered {
    partition: PartitionId,
    generation: u64,
    from: u64,
    bytes: Bytes,
    aborted: Vec<(i64, i64)>,
    /// Whether the partition is at its end and the reader has not been told.
    tells_end: bool,
}

impl Leader {
    /// Returns the partitions to read from this broker now.
    fn work(&self) -> BTreeMap<PartitionId, Partition> {
        let partitions = self.shared.partitions.lock();
        let is_mine = |of: &Partition| of.source == Some(self.node) && !of.is_stopped;
        partitions.iter().filter(|(_, of)| is_mine(of)).map(|(id, of)| (*id, *of)).collect()
    }

    async fn wait_for_work(&self) {
        loop {
            let changed = self.shared.changed.notified();
            if !self.work().is_empty() {
                return;
            }
            // The notification may have come between the check and the wait.
            let _ = timeout(PAUSE, changed).await;
        }
    }

    /// Fetches until the connection breaks or no partition is left to read from this broker.
    async fn run(&mut self, mut connection: Connection) -> Result<(), FetchError> {
        let newest = if self.shared.topic_id.is_some() { NEWEST } else { BY_ID - 1 };
        let version = connection.version::<FetchRequest>(newest)?;
        let patience = self.shared.options.request_timeout + self.shared.options.max_wait;
        let mut asked = self.ask(&mut connection, version).await?;

        while let Some(Asked { sent, version, from }) = asked {
            let answer = connection.receive::<FetchRequest>(sent, patience).await?;
            if let Some(error) = answer.error_code.err() {
                return Err(FetchError::Answered(error));
            }
            let (answered, failed) = self.take(answer, &from);
            let is_failing = failed.is_some();
            self.turn = self.turn.wrapping_add(answered.len());
            if let Some(event) = failed {
                self.shared.tell(event).await;
            }

            asked = self.ask(&mut connection, version).await?;
            for answered in answered {
                self.hand_over(answered).await;
            }
            if is_failing || asked.is_none() {
                sleep(PAUSE).await;
            }
            if asked.is_none() {
                asked = self.ask(&mut connection, version).await?;
            }
        }
        Ok(())
    }

    async fn ask(&self, connection: &mut Connection, version: i16) -> Result<Option<Asked>, FetchError> {
        let work = self.work();
        if work.is_empty() {
            return Ok(None);
        }
        let options = &self.shared.options;
        let turn = self.turn % work.len();
        let in_turn = work.iter().skip(turn).chain(work.iter().take(turn));
        let partitions = in_turn.map(|(id, of)| {
            FetchPartition::default()
                .with_partition(id.0.cast_signed())
                .with_fetch_offset(i64::try_from(of.position).unwrap_or(i64::MAX))
                .with_current_leader_epoch(of.leader_epoch)
                .with_last_fetched_epoch(if version >= BY_EPOCH { of.fetched_epoch } else { -1 })
                .with_partition_max_bytes(options.partition_max_bytes)
        });
        let mut topic = FetchTopic::default().with_partitions(partitions.collect());
        if version >= BY_ID {
            topic = topic.with_topic_id(self.shared.topic_id.unwrap_or_default());
        } else {
            topic = topic.with_topic(TopicName(StrBytes::from(self.shared.topic.to_string())));
        }

        let mut request = FetchRequest::default()
            .with_max_wait_ms(i32::try_from(options.max_wait.as_millis()).unwrap_or(i32::MAX))
            .with_min_bytes(options.min_bytes)
            .with_max_bytes(options.max_bytes)
            .with_isolation_level(options.is_read_committed.into())
            .with_topics(vec![topic]);
        // Without a fetch session each request names all partitions.
        request = request.with_session_epoch(-1);
        if version >= 11 {
            request = request.with_rack_id(StrBytes::from(options.rack.clone()));
        }

        let sent = connection.send(&request, version).await?;
        let from = work.iter().map(|(id, of)| (*id, (of.generation, of.position))).collect();
        Ok(Some(Asked { sent, version, from }))
    }

    /// Updates each partition's position and state from an answer. Returns the records, and an event where
    /// a partition has failed.
    fn take(
        &self,
        answer: FetchResponse,
        from: &BTreeMap<PartitionId, (u64, u64)>,
    ) -> (Vec<Answered>, Option<Event>) {
        let mut answered = Vec::new();
        let mut failed = None;
        for told in answer.responses.into_iter().flat_map(|topic| topic.partitions) {
            let Ok(number) = u32::try_from(told.partition_index) else { continue };
            let id = PartitionId(number);
            let Some(&(generation, position)) = from.get(&id) else { continue };
            let mut partitions = self.shared.partitions.lock();
            let Some(partition) = partitions.get_mut(&id).filter(|of| of.generation == generation) else {
                continue;
            };
            match told.error_code.err() {
                None if told.diverging_epoch.epoch >= 0 => {
                    partition.is_stopped = true;
                    let end = u64::try_from(told.diverging_epoch.end_offset).unwrap_or(0);
                    failed = Some(Event::Truncated { partition: id, generation, end });
                }
                None => answered.extend(self.note(id, partition, position, told)),
                Some(error) => failed = self.refuse(id, partition, error).or(failed),
            }
        }
        (answered, failed)
    }

    /// Applies the leader's answer for a partition that it could read.
    fn note(
        &self,
        id: PartitionId,
        partition: &mut Partition,
        from: u64,
        told: PartitionData,
    ) -> Option<Answered> {
        let end = u64::try_from(told.high_watermark).unwrap_or(0);
        let stable_end = u64::try_from(told.last_stable_offset).unwrap_or(end);
        let stable_end = if self.shared.options.is_read_committed { stable_end } else { end };
        self.shared.is_failing.store(false, Ordering::Relaxed);
        partition.heard = Some(Heard { at: self.shared.clock.elapsed(), end, stable_end });
        if told.preferred_read_replica.0 >= 0 {
            // Read from a replica in this client's rack from the next request on.
            partition.source = Some(told.preferred_read_replica.0);
            self.shared.stale.notify_one();
            return None;
        }

        let bytes = told.records.unwrap_or_default();
        if let Some((next, epoch)) = end_of(&bytes) {
            partition.position = next.max(from);
            partition.fetched_epoch = epoch.unwrap_or(-1);
        }
        let is_at_end = partition.position >= stable_end;
        let tells_end = bytes.is_empty() && is_at_end && partition.told_end != Some(partition.position);
        if is_at_end {
            partition.told_end = Some(partition.position);
        }
        if bytes.is_empty() && !tells_end {
            return None;
        }
        let aborted = told.aborted_transactions.unwrap_or_default();
        let aborted = aborted.iter().map(|of| (of.producer_id.0, of.first_offset)).collect();
        Some(Answered { partition: id, generation: partition.generation, from, bytes, aborted, tells_end })
    }

    fn refuse(&self, id: PartitionId, partition: &mut Partition, error: ResponseError) -> Option<Event> {
        let generation = partition.generation;
        if error == ResponseError::OffsetOutOfRange {
            partition.is_stopped = true;
            return Some(Event::OutOfRange { partition: id, generation });
        }
        if is_moving(error) {
            partition.source = None;
            // Forget the known epoch, so that a leader of any epoch is accepted.
            partition.leader_epoch = -1;
            self.shared.stale.notify_one();
            return None;
        }
        partition.is_stopped = true;
        let error = FetchError::Answered(error);
        Some(Event::Failed(error.into_log_error(&self.shared.options.servers)))
    }

    /// Decodes the records of a partition and hands them over.
    async fn hand_over(&mut self, answered: Answered) {
        let Answered { partition, generation, from, bytes, aborted, tells_end } = answered;
        let mut chunks: Vec<Chunk> = Vec::new();
        let answer = Answer { partition, generation, from, bytes: &bytes, aborted };
        let read = self.reader.read(&self.shared.pool, answer, &mut |chunk| chunks.push(chunk));
        drop(bytes);
        if tells_end && chunks.is_empty() {
            chunks.push(Chunk::nothing_of(partition, generation, from));
        }
        for chunk in chunks {
            self.shared.tell(Event::Chunk(chunk)).await;
        }

        if let Err(detail) = read {
            let place = format!("topic `{}` partition {partition}: {detail}", self.shared.topic);
            if let Some(of) = self.shared.partitions.lock().get_mut(&partition) {
                of.is_stopped = true;
            }
            self.shared.tell(Event::Failed(LogError::Corrupt { place })).await;
        }
    }

    /// Releases the broker's partitions, so that the metadata assigns them again.
    fn give_up(&self) {
        for partition in self.shared.partitions.lock().values_mut() {
            if partition.source == Some(self.node) {
                partition.source = None;
                partition.leader_epoch = -1;
            }
        }
    }
}
