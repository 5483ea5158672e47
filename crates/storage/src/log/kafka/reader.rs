//! A reader of the log in Kafka: hands out the chunks of the fetch path, one per poll.
//!
//! The end offset in the leader's last answer tells whether a partition holds more. The fetch path asks each
//! leader continuously, so an answer without records means that there are none.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use types::{Clock, Offset, PartitionId};
use uuid::Uuid;

use super::ask::Ask;
use super::fetch::{Chunk, Event, FetchOptions, Fetcher, Gone, Heard, Network};
use super::hidden::Hidden;
use super::outage::Outage;
use super::settings::KafkaSettings;
use crate::log::{Fetched, LogError, LogReader, Polled, Start, Wanted};

/// Time without an answer after which a leader may hold more than it reported.
const SILENCE: Duration = Duration::from_millis(1_500);
/// Time without an answer of some leader after which the log says so. A busy broker may take some seconds.
const REPORTED: Duration = Duration::from_secs(5);

pub(super) struct Reader {
    servers: String,
    topic: Arc<str>,
    fetcher: Fetcher,
    ask: Ask,
    clock: Arc<dyn Clock>,
    assigned: Vec<Assigned>,
    /// Last time at which all leaders had answered recently.
    silent_since: Duration,
    /// Whether the log reported that the brokers are unreachable.
    is_away: bool,
    outage: Outage,
    hidden: Hidden,
    /// Offsets that retention dropped before they were read and that [`LogReader::take_lost`] has not
    /// reported.
    lost: u64,
}

struct Assigned {
    partition: PartitionId,
    /// The next offset to hand out.
    next: u64,
    /// Generation of its chunks since it was last positioned.
    generation: u64,
    /// Whether the caller was last told that there is more; true initially.
    told_behind: bool,
}

/// Opens readers over one cluster.
pub(super) struct Readers {
    settings: KafkaSettings,
    options: Arc<FetchOptions>,
    network: Arc<Network>,
    clock: Arc<dyn Clock>,
    outage: Outage,
}

impl Readers {
    /// Fails with [`LogError::Setting`] where the fetch path cannot honour a setting. Does not contact the
    /// brokers.
    pub fn new(
        settings: KafkaSettings,
        network: Arc<Network>,
        clock: Arc<dyn Clock>,
        outage: Outage,
    ) -> Result<Readers, LogError> {
        let options = Arc::new(settings.fetch()?);
        Ok(Readers { settings, options, network, clock, outage })
    }

    pub fn open(
        &self,
        topic: &str,
        from: &[(PartitionId, Start)],
        wanted: Wanted,
    ) -> Result<Reader, LogError> {
        let topic = Arc::<str>::from(topic);
        let ask = Ask::new(self.settings.clone())?;
        let id = ask.topic_id(&topic)?.and_then(|id| uuid(&id));
        let clock = self.clock.clone();
        let threads = self.network.threads()?;
        let fetcher = Fetcher::start(self.options.clone(), topic.clone(), id, wanted, clock.clone(), threads);

        let mut reader = Reader {
            servers: self.settings.servers().to_owned(),
            topic,
            fetcher,
            ask,
            silent_since: clock.elapsed(),
            clock,
            assigned: Vec::new(),
            is_away: false,
            outage: self.outage.clone(),
            hidden: Hidden::default(),
            lost: 0,
        };
        // Resolve all offsets before assigning partitions, so that the leaders are looked up once.
        let mut starts = Vec::with_capacity(from.len());
        for &(partition, start) in from {
            starts.push((partition, reader.resolve(partition, start)?));
        }
        for (partition, next) in starts {
            reader.assign(partition, next);
        }
        Ok(reader)
    }
}

impl Reader {
    /// Returns the offset at which a partition is read first.
    fn resolve(&mut self, partition: PartitionId, start: Start) -> Result<u64, LogError> {
        let bounds = self.ask.bounds(&self.topic, partition)?;
        let (first, next) = (bounds.first.0, bounds.next.0);
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
                    "retention removed records before they were read; reading continues at the first kept record"
                );
                self.lost += first - offset;
                Ok(first)
            }
            // The topic was recreated or has lost records, so the offset is of other records.
            Start::At(Offset(offset)) if offset > next => Err(self.truncated(partition, offset, next)),
            Start::At(Offset(offset)) => Ok(offset),
        }
    }

    fn truncated(&self, partition: PartitionId, offset: u64, end: u64) -> LogError {
        let topic = self.topic.to_string();
        LogError::Truncated { topic, partition, offset: Offset(offset), end: Offset(end) }
    }

    fn assign(&mut self, partition: PartitionId, next: u64) {
        let generation = self.fetcher.read_from(partition, next);
        self.assigned.push(Assigned { partition, next, generation, told_behind: true });
        self.silent_since = self.clock.elapsed();
    }

    /// Repositions a partition whose next offset the brokers do not have: retention dropped it, or the topic
    /// was recreated.
    fn skip_what_is_gone(&mut self, partition: PartitionId) -> Result<(), LogError> {
        let Some(at) = self.assigned.iter().position(|of| of.partition == partition) else { return Ok(()) };
        let next = self.resolve(partition, Start::At(Offset(self.assigned[at].next)))?;
        let generation = self.fetcher.read_from(partition, next);
        self.assigned[at].next = next;
        self.assigned[at].generation = generation;
        Ok(())
    }

    /// Returns the next chunk that tells something new; `None` on timeout.
    fn gather(&mut self, timeout: Duration) -> Result<Option<Polled>, LogError> {
        let until = self.clock.elapsed().saturating_add(timeout);
        loop {
            let wait = until.saturating_sub(self.clock.elapsed());
            let chunk = match self.fetcher.next(wait) {
                None => return Ok(None),
                Some(Event::Chunk(chunk)) => chunk,
                Some(Event::OutOfRange { partition, generation }) => {
                    if self.assigned.iter().any(|of| (of.partition, of.generation) == (partition, generation))
                    {
                        self.skip_what_is_gone(partition)?;
                    }
                    continue;
                }
                Some(Event::Truncated { partition, generation, end }) => {
                    let of = |of: &&Assigned| (of.partition, of.generation) == (partition, generation);
                    if let Some(of) = self.assigned.iter().find(of) {
                        return Err(self.truncated(partition, of.next, end));
                    }
                    continue;
                }
                Some(Event::Failed(error)) => return Err(error),
            };
            if let Some(polled) = self.take(chunk) {
                return Ok(Some(polled));
            }
        }
    }

    /// Returns the records of a chunk; `None` when it tells nothing new.
    fn take(&mut self, chunk: Chunk) -> Option<Polled> {
        let Chunk { fetched, next, generation } = chunk;
        let partition = fetched.partition?;
        let at =
            self.assigned.iter().position(|of| (of.partition, of.generation) == (partition, generation))?;
        self.assigned[at].next = next;

        let behind = !self.is_at_end(&self.assigned[at]);
        let was_behind = std::mem::replace(&mut self.assigned[at].told_behind, behind);
        let has_news = !fetched.records.is_empty() || was_behind && !behind;
        has_news.then_some(Polled::Records { fetched, behind })
    }

    fn heard(&self, of: &Assigned) -> Option<Heard> {
        self.fetcher.heard(of.partition)
    }

    fn is_heard(&self, of: &Assigned) -> bool {
        let now = self.clock.elapsed();
        self.heard(of).is_some_and(|heard| now.saturating_sub(heard.at) <= SILENCE)
    }

    /// Returns whether all leaders report that there is nothing more.
    fn is_caught_up(&self) -> bool {
        self.assigned.iter().all(|of| self.is_quiet(of))
    }

    fn is_quiet(&self, of: &Assigned) -> bool {
        self.is_at_end(of) && self.is_heard(of)
    }

    /// Returns whether all records are read. Records that an open transaction hides count as unread, because
    /// nobody knows yet whether they are committed.
    fn is_at_end(&self, of: &Assigned) -> bool {
        self.heard(of).is_some_and(|heard| of.next >= heard.end)
    }

    /// Returns whether an open transaction hides records behind the last readable one.
    fn is_hidden(&self, of: &Assigned) -> bool {
        self.heard(of).is_some_and(|heard| of.next >= heard.stable_end && heard.stable_end < heard.end)
    }

    /// Logs that an open transaction holds results back, and that it no longer does.
    fn tell_hidden(&mut self) {
        let hidden = self.assigned.iter().find(|of| self.is_hidden(of));
        let place = hidden.map(|of| (of.partition, of.next));
        self.hidden.tell(&self.topic, place, self.clock.elapsed());
    }

    /// Fails when the opened topic was deleted or recreated.
    fn check_topic(&self) -> Result<(), LogError> {
        let topic = || self.topic.to_string();
        match self.fetcher.gone() {
            None => Ok(()),
            Some(Gone::Deleted) => Err(LogError::Deleted { topic: topic() }),
            Some(Gone::Recreated) => Err(LogError::Recreated { topic: topic() }),
        }
    }

    /// Logs once that the brokers are unreachable, and once that they are back.
    fn tell(&mut self, is_away: bool) {
        if is_away == self.is_away {
            return;
        }
        self.is_away = is_away;
        if is_away {
            self.outage.begins(&self.servers, &format!("no answer while reading topic {}", self.topic));
            tracing::warn!(servers = self.servers, topic = %self.topic, "Kafka does not answer; reading continues when it does");
        } else {
            self.outage.ends();
            tracing::info!(servers = self.servers, topic = %self.topic, "Kafka answers");
        }
    }
}

impl LogReader for Reader {
    /// Returns one chunk, whatever `max_bytes` is. A chunk is about half a MiB, or one batch.
    fn poll(&mut self, timeout: Duration, _max_bytes: usize) -> Result<Polled, LogError> {
        self.check_topic()?;
        if let Some(polled) = self.gather(timeout)? {
            // A chunk of one leader does not end the silence of another.
            self.silent_since = self.clock.elapsed();
            return Ok(polled);
        }

        self.tell_hidden();
        if self.is_caught_up() {
            self.tell(false);
            return Ok(Polled::CaughtUp);
        }

        let all_are_heard = self.assigned.iter().all(|of| self.is_heard(of));
        let now = self.clock.elapsed();
        if all_are_heard {
            self.silent_since = now;
        }
        // A partition that was just assigned has not had time to be heard.
        self.tell(now.saturating_sub(self.silent_since) > REPORTED);

        let behind = self.assigned.iter().find(|of| !self.is_at_end(of)).map(|of| of.partition);
        match behind.filter(|_| all_are_heard) {
            // Its records are in flight or hidden; the other partitions are not affected.
            Some(partition) => {
                let fetched = Fetched { partition: Some(partition), ..Fetched::default() };
                Ok(Polled::Records { fetched, behind: true })
            }
            None => Ok(Polled::Unreachable),
        }
    }

    fn add(&mut self, partition: PartitionId, start: Start) -> Result<(), LogError> {
        let next = self.resolve(partition, start)?;
        self.assign(partition, next);
        Ok(())
    }

    fn at_end(&self) -> Vec<PartitionId> {
        self.assigned.iter().filter(|of| self.is_quiet(of)).map(|of| of.partition).collect()
    }

    fn lags(&self) -> Vec<(PartitionId, u64)> {
        let lag = |of: &Assigned| Some((of.partition, self.heard(of)?.end.saturating_sub(of.next)));
        self.assigned.iter().filter_map(lag).collect()
    }

    fn positions(&self) -> Vec<(PartitionId, Offset)> {
        self.assigned.iter().map(|of| (of.partition, Offset(of.next))).collect()
    }

    fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }
}

/// Decodes a topic's id from base64, in either alphabet.
fn uuid(id: &str) -> Option<Uuid> {
    let id = id.trim_end_matches('=').replace('+', "-").replace('/', "_");
    BASE64_URL_SAFE_NO_PAD.decode(id).ok().and_then(|bytes| Uuid::from_slice(&bytes).ok())
}
