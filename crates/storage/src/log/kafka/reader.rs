//! Reading: what librdkafka has fetched in the background, gathered into runs of one partition.
//!
//! Whether a partition holds more right now follows from where its leader said that it ends when it last sent anything;
//! it is asked for more all the time, so that one that answers and sends no records has none.

use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings::rd_kafka_get_watermark_offsets;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Message as _, Offset as KafkaOffset, TopicPartitionList};
use types::{Clock, Offset, PartitionId};

use super::ask::Ask;
use super::context::Context;
use super::failure::{failed, failed_at, is_away, is_unknown};
use super::hidden::Hidden;
use super::pulse::{Gone, Pulse};
use super::run::Run;
use super::settings::KafkaSettings;
use crate::log::{LogError, LogReader, Polled, Start, Wanted};

/// However much is asked for, a run has about so many bytes.
const RUN_BYTES_MAX: usize = 16 << 20;
/// A leader that was not heard of for so long may hold more than it could say.
const SILENCE: Duration = Duration::from_millis(1_500);

pub(super) struct Reader {
    servers: String,
    topic: Arc<str>,
    consumer: BaseConsumer<Context>,
    pulse: Pulse,
    ask: Arc<Ask>,
    clock: Arc<dyn Clock>,
    wanted: Wanted,
    assigned: Vec<Assigned>,
    /// Begun while the run of another partition was gathered.
    held: Option<Run>,
    /// Since when some leader was not heard of.
    silent_since: Duration,
    /// It was told that the brokers are.
    is_away: bool,
    hidden: Hidden,
    /// Offsets that retention dropped before they were read, and nobody was told of yet.
    lost: u64,
}

struct Assigned {
    partition: PartitionId,
    /// The next offset to hand out.
    next: u64,
    /// The offset behind the last record that was taken from the client.
    read: u64,
    /// Where the partition ended when its end was told; `None` since a record.
    at_end: Option<u64>,
    /// It was told that there is more, or nothing was told yet.
    told_behind: bool,
}

impl Reader {
    pub fn open(
        settings: &KafkaSettings,
        topic: &str,
        from: &[(PartitionId, Start)],
        wanted: Wanted,
        clock: Arc<dyn Clock>,
    ) -> Result<Reader, LogError> {
        let (servers, topic) = (settings.servers().to_owned(), Arc::<str>::from(topic));
        let mut config = settings.client();
        config
            // Without a group the partitions cannot be chosen; nothing is committed to it here.
            .set("group.id", settings.group().unwrap_or("weir"))
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("enable.partition.eof", "true");
        for (name, value) in [
            // How soon the end of a partition is told.
            ("fetch.wait.max.ms", "100"),
            // Fetched ahead: enough for a second of a fast job, and not all of the memory.
            ("queued.max.messages.kbytes", "16384"),
            ("fetch.queue.backoff.ms", "10"),
            ("fetch.error.backoff.ms", "100"),
        ] {
            if config.get(name).is_none() {
                config.set(name, value);
            }
        }
        let consumer = config
            .create_with_context(Context::new(&servers))
            .map_err(|error| failed(&servers, "making a reader", error))?;
        let ask = Arc::new(Ask::new(settings.clone())?);
        let id = ask.topic_id(&topic)?;
        let pulse = Pulse::start(topic.clone(), id, ask.clone(), clock.clone())?;
        let (assigned, held) = (Vec::new(), None);
        let (silent_since, is_away) = (clock.elapsed(), false);
        let mut reader = Reader {
            servers,
            topic,
            consumer,
            pulse,
            ask,
            clock,
            wanted,
            assigned,
            held,
            silent_since,
            is_away,
            hidden: Hidden::default(),
            lost: 0,
        };
        for &(partition, start) in from {
            reader.add(partition, start)?;
        }
        Ok(reader)
    }

    /// The offset at which a partition is read first.
    fn resolve(&mut self, partition: PartitionId, start: Start) -> Result<u64, LogError> {
        let (first, next) = self.ask.bounds(&self.topic, partition)?;
        match start {
            Start::Earliest => Ok(first),
            Start::Latest => Ok(next),
            Start::Time(time) => {
                let at = self.ask.at_time(&self.topic, &[partition], time)?;
                Ok(at.get(&partition).map_or(next, |&at| at.max(first)))
            }
            Start::At(Offset(offset)) if offset < first => {
                tracing::warn!(
                    topic = %self.topic, %partition, offset, first,
                    "retention dropped records before they were read; reading goes on at the first one kept"
                );
                self.lost += first - offset;
                Ok(first)
            }
            // A topic that was made anew, or that lost records: neither is what the offset was of.
            Start::At(Offset(offset)) if offset > next => Err(LogError::Truncated {
                topic: self.topic.to_string(),
                partition,
                offset: Offset(offset),
                end: Offset(next),
            }),
            Start::At(Offset(offset)) => Ok(offset),
        }
    }

    fn assign(&self, partition: PartitionId, next: u64) -> Result<(), LogError> {
        let offset = KafkaOffset::Offset(i64::try_from(next).unwrap_or(i64::MAX));
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, partition.0.cast_signed(), offset)
            .and_then(|()| self.consumer.incremental_assign(&list))
            .map_err(|error| failed_at(&self.servers, &self.topic, "beginning to read", error))
    }

    /// Brokers have dropped what was to be read next.
    fn skip_what_is_gone(&mut self) -> Result<(), LogError> {
        for at in 0..self.assigned.len() {
            let Assigned { partition, read, .. } = self.assigned[at];
            let resolved = self.resolve(partition, Start::At(Offset(read)))?;
            if resolved != read {
                let mut list = TopicPartitionList::new();
                list.add_partition(&self.topic, partition.0.cast_signed());
                self.consumer
                    .incremental_unassign(&list)
                    .map_err(|error| failed(&self.servers, "going on reading", error))?;
                // What was taken before and is still to be given moves `next` on by itself.
                self.assigned[at].read = resolved;
                self.assigned[at].at_end = None;
                self.assign(partition, resolved)?;
            }
        }
        Ok(())
    }

    fn hear(&mut self, error: KafkaError) -> Result<(), LogError> {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                self.skip_what_is_gone()
            }
            // Whether it holds up anything is seen by who is heard of.
            Some(code) if is_away(code) => Ok(()),
            Some(code) if is_unknown(code) => Err(LogError::UnknownTopic { topic: self.topic.to_string() }),
            _ => Err(failed(&self.servers, "reading records", error)),
        }
    }

    fn assigned(&mut self, partition: i32) -> Option<&mut Assigned> {
        self.assigned.iter_mut().find(|assigned| assigned.partition.0.cast_signed() == partition)
    }

    /// Gathers records of one partition; an empty run if none came in time.
    fn gather(&mut self, timeout: Duration, bytes_max: usize) -> Result<Run, LogError> {
        let until = self.clock.elapsed().saturating_add(timeout);
        let mut run = self.held.take().unwrap_or_default();

        while run.bytes() < bytes_max {
            let wait = match run.partition() {
                Some(_) => Duration::ZERO,
                None => until.saturating_sub(self.clock.elapsed()),
            };
            let error = match self.consumer.poll(wait) {
                Some(Ok(message)) => {
                    let number = message.partition();
                    let place = self.assigned.iter_mut();
                    let place = place.into_iter().find(|of| of.partition.0.cast_signed() == number);
                    let Some(assigned) = place else { continue };
                    assigned.at_end = None;
                    assigned.read = message.offset().max(0).unsigned_abs() + 1;
                    if run.partition().is_none_or(|partition| partition == assigned.partition) {
                        run.add(&message, self.wanted);
                        continue;
                    }
                    let mut held = Run::default();
                    held.add(&message, self.wanted);
                    self.held = Some(held);
                    break;
                }
                Some(Err(error)) => error,
                None => break,
            };
            if let KafkaError::PartitionEOF(number) = error {
                let end = self.end(PartitionId(number.cast_unsigned()));
                let Some(assigned) = self.assigned(number) else { continue };
                assigned.at_end = end;
                if run.partition().is_none() && std::mem::take(&mut assigned.told_behind) {
                    // It was told that there is more, and there is not.
                    return Ok(Run::nothing_of(assigned.partition));
                }
                continue;
            }
            self.hear(error)?;
        }

        Ok(run)
    }

    fn give(&mut self, run: Run, partition: PartitionId) -> Polled {
        let fetched = run.into_fetched();
        let held = self.held.as_ref().and_then(Run::partition) == Some(partition);
        let number = partition.0.cast_signed();
        let Some(assigned) = self.assigned(number) else { return Polled::Unreachable };
        if let Some(last) = fetched.records.last() {
            assigned.next = last.offset.0 + 1;
        }
        let behind = held || !self.assigned.iter().any(|of| of.partition == partition && self.is_at_end(of));
        if let Some(assigned) = self.assigned(number) {
            assigned.told_behind = behind;
        }
        Polled::Records { fetched, behind }
    }

    /// Whether the brokers have nothing more, and say so.
    fn is_caught_up(&self) -> bool {
        self.assigned.iter().all(|of| self.is_quiet(of))
    }

    fn is_quiet(&self, of: &Assigned) -> bool {
        self.is_at_end(of) && self.pulse.within(of.partition, SILENCE)
    }

    fn is_at_end(&self, of: &Assigned) -> bool {
        let end = self.end(of.partition);
        let is_read = of.at_end.is_some() && of.at_end == end || end.is_some_and(|end| of.next >= end);
        is_read && !self.is_hidden(of)
    }

    /// Whether an open transaction hides records behind the last that may be read: nobody knows yet what they are, so the
    /// partition is not at its end.
    fn is_hidden(&self, of: &Assigned) -> bool {
        let (Some(end), Some(stable_end)) = (self.end(of.partition), self.pulse.stable_end(of.partition))
        else {
            return false;
        };
        // A stable end behind what was read already is one of before.
        of.read <= stable_end && stable_end < end
    }

    /// Says that an open transaction holds results back, and that it no longer does.
    fn tell_hidden(&mut self) {
        let hidden = self.assigned.iter().find(|of| self.is_hidden(of));
        let place = hidden.map(|of| (of.partition, self.pulse.stable_end(of.partition).unwrap_or(of.read)));
        self.hidden.tell(&self.topic, place, self.clock.elapsed());
    }

    /// Fails where the topic is not the one any more that was opened.
    fn check_topic(&self) -> Result<(), LogError> {
        let topic = || self.topic.to_string();
        match self.pulse.gone() {
            None => Ok(()),
            Some(Gone::Deleted) => Err(LogError::Deleted { topic: topic() }),
            Some(Gone::Recreated) => Err(LogError::Recreated { topic: topic() }),
        }
    }

    /// Says once that the brokers are away, and once that they are back.
    fn tell(&mut self, is_away: bool) {
        if !is_away {
            self.silent_since = self.clock.elapsed();
        }
        if is_away == self.is_away {
            return;
        }
        self.is_away = is_away;
        if is_away {
            tracing::warn!(servers = self.servers, topic = %self.topic, "Kafka does not answer; reading goes on when it does");
        } else {
            tracing::info!(servers = self.servers, topic = %self.topic, "Kafka answers");
        }
    }

    /// Where a partition ended when its leader last sent anything.
    fn end(&self, partition: PartitionId) -> Option<u64> {
        let topic = std::ffi::CString::new(&*self.topic).ok()?;
        let (mut first, mut next) = (0_i64, 0_i64);
        // SAFETY: the client outlives the call, the name ends with a zero byte, and both offsets are ours.
        let code = unsafe {
            rd_kafka_get_watermark_offsets(
                self.consumer.client().native_ptr(),
                topic.as_ptr(),
                partition.0.cast_signed(),
                ptr::from_mut(&mut first),
                ptr::from_mut(&mut next),
            )
        };
        (code == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR && next >= 0).then_some(next.unsigned_abs())
    }
}

impl LogReader for Reader {
    fn poll(&mut self, timeout: Duration, max_bytes: usize) -> Result<Polled, LogError> {
        self.check_topic()?;
        let run = self.gather(timeout, max_bytes.clamp(1, RUN_BYTES_MAX))?;

        if let Some(partition) = run.partition() {
            self.tell(false);
            return Ok(self.give(run, partition));
        }

        if self.is_caught_up() {
            self.tell(false);
            self.tell_hidden();
            return Ok(Polled::CaughtUp);
        }

        self.tell_hidden();
        let all_are_heard = self.assigned.iter().all(|of| self.pulse.within(of.partition, SILENCE));
        let now = self.clock.elapsed();
        if all_are_heard {
            self.silent_since = now;
        }
        // One that was only just assigned has not had the time to be heard of.
        self.tell(now.saturating_sub(self.silent_since) > SILENCE);
        let behind = self.assigned.iter().find(|of| !self.is_at_end(of)).map(|of| of.partition);

        match behind.filter(|_| all_are_heard) {
            // Its records are on their way, or what is left are marks of transactions; the others are not touched by it.
            Some(partition) => Ok(self.give(Run::nothing_of(partition), partition)),
            None => Ok(Polled::Unreachable),
        }
    }

    fn add(&mut self, partition: PartitionId, start: Start) -> Result<(), LogError> {
        let next = self.resolve(partition, start)?;
        self.assign(partition, next)?;
        self.silent_since = self.clock.elapsed();
        self.pulse.add(partition);
        self.assigned.push(Assigned { partition, next, read: next, at_end: None, told_behind: true });
        Ok(())
    }

    fn at_end(&self) -> Vec<PartitionId> {
        let held = self.held.as_ref().and_then(Run::partition);
        let quiet = self.assigned.iter().filter(|of| Some(of.partition) != held && self.is_quiet(of));
        quiet.map(|of| of.partition).collect()
    }

    fn lags(&self) -> Vec<(PartitionId, u64)> {
        let lag = |of: &Assigned| {
            // What is left at the end of a partition may be marks of transactions, which nobody is given.
            let is_read = of.at_end.is_some() && of.at_end == self.end(of.partition);
            let lag = if is_read { 0 } else { self.end(of.partition)?.saturating_sub(of.next) };
            Some((of.partition, lag))
        };
        self.assigned.iter().filter_map(lag).collect()
    }

    fn positions(&self) -> Vec<(PartitionId, Offset)> {
        self.assigned.iter().map(|of| (of.partition, Offset(of.next))).collect()
    }

    fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }
}
