//! The readers of one subtask, one for each topic, and the discovery of new partitions.

use std::sync::Arc;
use std::time::Duration;

use engine::connector::{Split, StartFrom, StartPosition};
use parking_lot::Mutex;
use storage::log::{EventLog, LogError, LogReader, Polled, Start, Wanted, is_internal};
use types::{Clock, Offset, PartitionId};

use super::options::{EventLogOptions, Reset, Startup, Topics};

/// Number of bytes in one fetch.
const FETCH_BYTES: usize = 1 << 20;
/// Interval for discovering new partitions and topics.
const DISCOVERY: Duration = Duration::from_secs(5);
/// Number of low bits of a job's [`PartitionId`] for the partition; the bits above hold the topic's number.
const PARTITION_BITS: u32 = 16;

/// Numbers of topics, shared by all subtasks: indices into this list.
#[derive(Debug, Default)]
pub(super) struct Numbers(Vec<String>);

/// The share of partitions that a subtask reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    pub subtask: usize,
    pub of: usize,
}

pub(super) struct Streams {
    options: Arc<EventLogOptions>,
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    numbers: Arc<Mutex<Numbers>>,
    share: Share,
    wanted: Wanted,
    streams: Vec<Stream>,
    /// Index of the next stream in turn.
    turn: usize,
    found: Vec<PartitionId>,
    looked: Duration,
    /// An event without records that was not returned yet.
    word: Option<Polled>,
    /// Whether the log did not answer the last read.
    is_away: bool,
}

/// The reader of a topic.
struct Stream {
    topic: String,
    /// The topic's id, if the log has ids.
    id: Option<String>,
    number: u32,
    /// Number of partitions of the topic, including those of other subtasks.
    partitions: u32,
    reader: Box<dyn LogReader>,
}

impl Streams {
    pub fn open(
        options: Arc<EventLogOptions>,
        log: Arc<dyn EventLog>,
        clock: Arc<dyn Clock>,
        numbers: Arc<Mutex<Numbers>>,
        share: Share,
        wanted: Wanted,
        from: &StartFrom,
    ) -> Result<Streams, LogError> {
        let looked = clock.elapsed();
        let mut streams = Streams {
            options,
            log,
            clock,
            numbers,
            share,
            wanted,
            streams: Vec::new(),
            turn: 0,
            found: Vec::new(),
            looked,
            word: None,
            is_away: false,
        };

        for topic in streams.topics()? {
            let partitions = streams.log.partitions(&topic)?.unwrap_or(0);
            let committed = streams.committed(&topic, from)?;
            let id = streams.log.topic_id(&topic)?;
            let starts = streams.own(&topic, 0..partitions).map(|partition| {
                (partition, streams.start(&topic, partition, from, &committed, id.as_deref()))
            });
            let starts: Vec<(PartitionId, Start)> = starts.collect();
            streams.add(topic, id, partitions, &starts)?;
        }

        Ok(streams)
    }

    /// Returns records of one partition. Topics with records take turns.
    pub fn poll(&mut self, timeout: Duration) -> Result<Polled, LogError> {
        self.look_for_new()?;
        let polled = self.read(timeout)?;
        self.is_away = matches!(polled, Polled::Unreachable);
        Ok(polled)
    }

    fn read(&mut self, timeout: Duration) -> Result<Polled, LogError> {
        if let [stream] = self.streams.as_mut_slice() {
            let polled = stream.reader.poll(timeout, FETCH_BYTES)?;
            return Ok(stream.named(polled));
        }

        if let Some(word) = self.word.take() {
            return Ok(word);
        }
        let mut caught_up = true;

        for _ in 0..self.streams.len() {
            self.turn = (self.turn + 1) % self.streams.len();
            let stream = &mut self.streams[self.turn];
            match stream.reader.poll(Duration::ZERO, FETCH_BYTES)? {
                Polled::CaughtUp => {}
                Polled::Unreachable => caught_up = false,
                // An event without records can wait for records of other streams.
                Polled::Records { fetched, behind } if fetched.records.is_empty() && self.word.is_none() => {
                    self.word = Some(stream.named(Polled::Records { fetched, behind }));
                }
                records @ Polled::Records { .. } => return Ok(stream.named(records)),
            }
        }

        // No stream has records: wait for the next one in turn, for a part of the time.
        self.turn = (self.turn + 1) % self.streams.len().max(1);
        let Some(stream) = self.streams.get_mut(self.turn) else {
            std::thread::park_timeout(timeout);
            return Ok(Polled::CaughtUp);
        };

        match stream.reader.poll(timeout.min(Duration::from_millis(5)), FETCH_BYTES)? {
            records @ Polled::Records { .. } => Ok(stream.named(records)),
            polled => Ok(match self.word.take() {
                Some(word) => word,
                None if caught_up => polled,
                None => Polled::Unreachable,
            }),
        }
    }

    pub fn positions(&self) -> Vec<(PartitionId, Offset)> {
        let of = |stream: &Stream| {
            let number = stream.number;
            let positions = stream.reader.positions().into_iter();
            positions
                .map(move |(partition, offset)| (numbered(number, partition.0), offset))
                .collect::<Vec<_>>()
        };
        self.streams.iter().flat_map(of).collect()
    }

    pub fn at_end(&self) -> Vec<PartitionId> {
        let of = |stream: &Stream| {
            let number = stream.number;
            let ended = stream.reader.at_end().into_iter();
            ended.map(move |partition| numbered(number, partition.0)).collect::<Vec<_>>()
        };
        self.streams.iter().flat_map(of).collect()
    }

    pub fn lags(&self) -> Vec<(PartitionId, u64)> {
        let of = |stream: &Stream| {
            let number = stream.number;
            let lags = stream.reader.lags().into_iter();
            lags.map(move |(partition, lag)| (numbered(number, partition.0), lag)).collect::<Vec<_>>()
        };
        self.streams.iter().flat_map(of).collect()
    }

    pub fn partitions(&self) -> Vec<PartitionId> {
        self.positions().into_iter().map(|(partition, _)| partition).collect()
    }

    pub fn split(&self, partition: PartitionId) -> Split {
        let (number, partition) = (partition.0 >> PARTITION_BITS, partition.0 & ((1 << PARTITION_BITS) - 1));
        let stream = self.streams.iter().find(|stream| stream.number == number);
        Split { topic: stream.map(|stream| stream.topic.clone()).unwrap_or_default(), partition }
    }

    /// Returns the id of a partition's topic, if the log has ids.
    pub fn topic_id(&self, partition: PartitionId) -> Option<String> {
        let number = partition.0 >> PARTITION_BITS;
        self.streams.iter().find(|stream| stream.number == number)?.id.clone()
    }

    /// Returns the number of records that were dropped before they were read, since the last call.
    pub fn take_lost(&mut self) -> u64 {
        self.streams.iter_mut().map(|stream| stream.reader.take_lost()).sum()
    }

    pub fn take_found(&mut self) -> Vec<PartitionId> {
        std::mem::take(&mut self.found)
    }

    fn topics(&self) -> Result<Vec<String>, LogError> {
        match &self.options.topics {
            Topics::Named(names) => Ok(names.clone()),
            Topics::Matching(pattern) => {
                let topics = self.log.topics()?.into_iter();
                Ok(topics.filter(|topic| !is_internal(topic) && pattern.is_match(topic)).collect())
            }
        }
    }

    /// Returns the partitions of a topic that this subtask reads.
    fn own(
        &self,
        topic: &str,
        partitions: std::ops::Range<u32>,
    ) -> impl Iterator<Item = PartitionId> + use<> {
        let (number, share) = (self.number(topic), self.share);
        partitions
            .filter(move |partition| (number + partition) as usize % share.of == share.subtask)
            .map(PartitionId)
    }

    fn number(&self, topic: &str) -> u32 {
        let numbers = &mut self.numbers.lock().0;
        let at = numbers.iter().position(|known| known == topic).unwrap_or_else(|| {
            numbers.push(topic.to_owned());
            numbers.len() - 1
        });
        at as u32
    }

    fn committed(&self, topic: &str, from: &StartFrom) -> Result<Vec<(PartitionId, Offset)>, LogError> {
        match (from, &self.options.startup, self.options.group()) {
            (StartFrom::Options, Startup::Group { .. }, Some(group)) => self.log.committed(group, topic),
            _ => Ok(Vec::new()),
        }
    }

    fn start(
        &self,
        topic: &str,
        partition: PartitionId,
        from: &StartFrom,
        committed: &[(PartitionId, Offset)],
        id: Option<&str>,
    ) -> Start {
        let at = |offsets: &[(PartitionId, Offset)], otherwise| {
            offsets
                .iter()
                .find(|(of, _)| *of == partition)
                .map_or(otherwise, |&(_, offset)| Start::At(offset))
        };

        match (from, &self.options.startup) {
            (StartFrom::Positions(positions), _) => {
                let is_meant =
                    |of: &&StartPosition| of.split.topic == topic && of.split.partition == partition.0;
                match positions.iter().find(is_meant) {
                    None => Start::Earliest,
                    Some(before) if is_another_topic(before.topic_id.as_deref(), id) => {
                        tracing::warn!(
                            topic, %partition, offset = %before.offset,
                            "the topic was deleted and created again since this offset was read; reading starts at \
                             its beginning"
                        );
                        Start::Earliest
                    }
                    Some(before) => Start::At(before.offset),
                }
            }
            (StartFrom::Options, Startup::Earliest) => Start::Earliest,
            (StartFrom::Options, Startup::Latest) => Start::Latest,
            (StartFrom::Options, Startup::Time(time)) => Start::Time(*time),
            (StartFrom::Options, Startup::At(offsets)) => at(offsets, Start::Earliest),
            (StartFrom::Options, Startup::Group { otherwise }) => at(
                committed,
                match otherwise {
                    Reset::Earliest => Start::Earliest,
                    Reset::Latest => Start::Latest,
                },
            ),
        }
    }

    fn add(
        &mut self,
        topic: String,
        id: Option<String>,
        partitions: u32,
        starts: &[(PartitionId, Start)],
    ) -> Result<(), LogError> {
        let reader = self.log.read(&topic, starts, self.wanted)?;
        let number = self.number(&topic);
        self.streams.push(Stream { topic, id, number, partitions, reader });
        Ok(())
    }

    /// Looks for new topics and partitions, once in each interval.
    fn look_for_new(&mut self) -> Result<(), LogError> {
        let now = self.clock.elapsed();
        if self.is_away || now.saturating_sub(self.looked) < DISCOVERY {
            return Ok(());
        }
        self.looked = now;
        match self.take_new() {
            // The next interval tries again.
            Err(LogError::Unreachable { .. }) => Ok(()),
            looked => looked,
        }
    }

    /// Reads new partitions from the beginning, since all of their records are new.
    fn take_new(&mut self) -> Result<(), LogError> {
        for topic in self.topics()? {
            let there = self.streams.iter().position(|stream| stream.topic == topic);
            let known = there.map_or(0, |at| self.streams[at].partitions);
            let partitions = self.log.partitions(&topic)?.unwrap_or(known);
            if partitions <= known {
                continue;
            }
            let own: Vec<PartitionId> = self.own(&topic, known..partitions).collect();
            tracing::info!(topic, partitions, before = known, "new partitions were found");
            let number = self.number(&topic);
            let Some(at) = there else {
                let starts: Vec<(PartitionId, Start)> =
                    own.iter().map(|&partition| (partition, Start::Earliest)).collect();
                let id = self.log.topic_id(&topic)?;
                self.add(topic, id, partitions, &starts)?;
                self.found.extend(own.iter().map(|partition| numbered(number, partition.0)));
                continue;
            };
            let stream = &mut self.streams[at];
            for partition in own {
                // If the log failed in an earlier attempt, some partitions have been added already.
                if stream.reader.positions().iter().all(|(read, _)| *read != partition) {
                    stream.reader.add(partition, Start::Earliest)?;
                    self.found.push(numbered(number, partition.0));
                }
            }
            stream.partitions = partitions;
        }

        Ok(())
    }
}

impl Stream {
    /// Returns the records with the partition's number inside the job.
    fn named(&self, polled: Polled) -> Polled {
        match polled {
            Polled::Records { mut fetched, behind } => {
                fetched.partition = fetched.partition.map(|partition| numbered(self.number, partition.0));
                Polled::Records { fetched, behind }
            }
            other => other,
        }
    }
}

/// Returns whether the ids show that a topic was recreated, so that old offsets mean nothing.
fn is_another_topic(before: Option<&str>, now: Option<&str>) -> bool {
    matches!((before, now), (Some(before), Some(now)) if before != now)
}

fn numbered(topic: u32, partition: u32) -> PartitionId {
    PartitionId(topic << PARTITION_BITS | partition)
}
