//! Reads the dead-letter queue and determines which dead letters are valid and which were replayed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use engine::connector::Carried;
use serde::Deserialize;
use serde_json::json;
use storage::log::{Attributes, EventLog, Fetched, LogError, NewRecord, Polled, Start, Wanted};
use types::{Offset, PartitionId};

use super::DEAD_LETTER_TOPIC;
use super::record::{DeadLetterId, DeadLetterInfo, Decoded, decode, digest};
use super::replay::{LogPosition, TopicReader};

/// The dead letters of an event log.
pub struct DeadLetterQueue {
    pub(super) log: Arc<dyn EventLog>,
    /// The jobs that currently read events.
    pub(super) readers: Vec<TopicReader>,
}

/// A valid dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDeadLetter {
    pub id: DeadLetterId,
    pub info: DeadLetterInfo,
    /// The original body, truncated if `info.cut` is set.
    pub body: Vec<u8>,
    pub carried: Carried,
    pub replayed: bool,
}

/// The place of a dead letter in the order of writing: its time in milliseconds since 1970, and its id. Offsets alone
/// order only the dead letters of one partition.
pub type Place = (i64, DeadLetterId);

impl StoredDeadLetter {
    pub fn place(&self) -> Place {
        (self.info.time, self.id)
    }
}

/// The reason why dead letters cannot be read or replayed.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    #[error("the dead letters cannot be read")]
    Read(#[source] LogError),
    #[error("topic `{topic}` does not take the events")]
    Replay {
        topic: String,
        #[source]
        source: LogError,
    },
    #[error("the log did not answer")]
    Unreachable,
}

/// A mark in its stored form.
#[derive(Deserialize)]
struct Mark {
    job_id: Option<String>,
    time: Option<i64>,
    restarted: Option<Vec<LogPosition>>,
    replaying: Option<Vec<String>>,
    ends: Option<Vec<LogPosition>>,
    replayed: Option<Vec<String>>,
}

/// A restart of a job from these offsets.
struct Restart {
    at: DeadLetterId,
    /// Milliseconds since 1970.
    time: i64,
    reached: BTreeMap<(String, u32), u64>,
}

/// The information in the marks.
#[derive(Default)]
struct Marks {
    /// For each job id, its restarts in order.
    restarts: BTreeMap<String, Vec<Restart>>,
    replayed: BTreeSet<DeadLetterId>,
    /// Replays without an end: their dead letters, and where the topics ended.
    unfinished: Vec<(Vec<DeadLetterId>, Vec<LogPosition>)>,
}

/// A record of any topic.
pub(super) struct Found<'a> {
    pub id: DeadLetterId,
    pub body: &'a [u8],
    pub attributes: Option<&'a Attributes>,
    pub data: &'a [u8],
}

/// Time limit for the log to reach the end of a topic.
const TIMEOUT: Duration = Duration::from_secs(10);
const FETCH_BYTES: usize = 1 << 20;

impl DeadLetterQueue {
    pub fn new(log: Arc<dyn EventLog>, readers: Vec<TopicReader>) -> DeadLetterQueue {
        DeadLetterQueue { log, readers }
    }

    /// Returns the newest `limit` dead letters that are wanted, in the order in which they were written.
    pub fn newest(
        &self,
        wanted: &dyn Fn(&StoredDeadLetter) -> bool,
        limit: usize,
    ) -> Result<Vec<StoredDeadLetter>, DeadLetterError> {
        let mut letters = BTreeMap::new();
        self.each(&mut |letter| {
            if wanted(&letter) {
                letters.insert(letter.place(), letter);
                if letters.len() > limit {
                    letters.pop_first();
                }
            }
        })?;
        Ok(letters.into_values().collect())
    }

    /// Returns the oldest `limit` dead letters that are wanted and were not replayed.
    pub fn open(
        &self,
        wanted: &dyn Fn(&StoredDeadLetter) -> bool,
        limit: usize,
    ) -> Result<Vec<DeadLetterId>, DeadLetterError> {
        let mut ids = Vec::new();
        self.each(&mut |letter| {
            if ids.len() < limit && !letter.replayed && wanted(&letter) {
                ids.push(letter.id);
            }
        })?;
        Ok(ids)
    }

    pub fn dead_letter(&self, id: DeadLetterId) -> Result<Option<StoredDeadLetter>, DeadLetterError> {
        Ok(self.newest(&|letter| letter.id == id, 1)?.pop())
    }

    /// Calls `each` with all valid dead letters, in the order in which they were written.
    pub fn each(&self, each: &mut dyn FnMut(StoredDeadLetter)) -> Result<(), DeadLetterError> {
        let marks = self.settled_marks()?;
        self.walk(&mut |found| {
            let Some(Decoded { info, body, carried }) = decode(found.body, found.attributes, found.data)
            else {
                return;
            };
            if marks.is_valid(found.id, &info) {
                let replayed = marks.replayed.contains(&found.id);
                each(StoredDeadLetter { id: found.id, info, body, carried, replayed });
            }
        })
    }

    /// Returns the marks, after settling interrupted replays.
    fn settled_marks(&self) -> Result<Marks, DeadLetterError> {
        let marks = self.marks()?;
        if marks.unfinished.is_empty() {
            return Ok(marks);
        }
        for (ids, ends) in &marks.unfinished {
            let replayed = self.appended_behind(ids, ends)?;
            self.mark(&json!({ "replayed": replayed }))?;
        }
        self.marks()
    }

    /// Returns the dead letters of an interrupted replay that were appended to their topics.
    fn appended_behind(
        &self,
        ids: &[DeadLetterId],
        ends: &[LogPosition],
    ) -> Result<Vec<String>, DeadLetterError> {
        let mut bodies: BTreeMap<String, usize> = BTreeMap::new();
        let mut topics: Vec<&str> = ends.iter().map(|end| end.topic.as_str()).collect();
        topics.dedup();
        for topic in topics {
            let from = ends.iter().filter(|end| end.topic == topic);
            let from: Vec<(PartitionId, Start)> =
                from.map(|end| (PartitionId(end.partition), Start::At(Offset(end.offset)))).collect();
            self.read(topic, &from, &mut |found| *bodies.entry(digest(found.body)).or_default() += 1)?;
        }

        let mut appended = Vec::new();
        let mut records = BTreeSet::new();
        self.walk(&mut |found| {
            if !ids.contains(&found.id) {
                return;
            }
            let Some(Decoded { info, body, .. }) = decode(found.body, found.attributes, found.data) else {
                return;
            };
            // A record is appended once, however many dead letters it has.
            let digest = info.cut.as_ref().map_or_else(|| digest(&body), |whole| whole.xxh3.clone());
            let is_appended = records.contains(&info.record())
                || bodies.get_mut(&digest).is_some_and(|left| {
                    let is_there = *left > 0;
                    *left -= usize::from(is_there);
                    is_there
                });
            if is_appended {
                records.insert(info.record());
                appended.push(found.id.to_string());
            }
        })?;
        Ok(appended)
    }

    fn marks(&self) -> Result<Marks, DeadLetterError> {
        let mut marks = Marks::default();
        self.walk(&mut |found| {
            if decode(found.body, found.attributes, found.data).is_some() {
                return;
            }
            let Ok(mark) = serde_json::from_slice::<Mark>(found.body) else { return };
            let ids =
                |texts: Vec<String>| texts.iter().filter_map(|text| text.parse().ok()).collect::<Vec<_>>();
            match mark {
                Mark { restarted: Some(places), job_id: Some(job), time, .. } => {
                    let reached =
                        places.into_iter().map(|of| ((of.topic, of.partition), of.offset)).collect();
                    let restart = Restart { at: found.id, time: time.unwrap_or(i64::MIN), reached };
                    marks.restarts.entry(job).or_default().push(restart);
                }
                Mark { replaying: Some(replaying), ends: Some(ends), .. } => {
                    marks.unfinished.push((ids(replaying), ends));
                }
                Mark { replayed: Some(replayed), .. } => {
                    // Replays run one at a time, so this ends the last one that began.
                    marks.unfinished.pop();
                    marks.replayed.extend(ids(replayed));
                }
                _ => {}
            }
        })?;

        Ok(marks)
    }

    pub(super) fn mark(&self, mark: &serde_json::Value) -> Result<(), DeadLetterError> {
        let record = NewRecord { body: mark.to_string().into(), ..NewRecord::default() };
        let appended = self.log.append(DEAD_LETTER_TOPIC, vec![record]);
        let appended = appended.and_then(|done| done.blocking_recv().unwrap_or(Err(LogError::Closed)));
        appended.map(|_| ()).map_err(DeadLetterError::Read)
    }

    pub(super) fn ends<'a>(
        &self,
        topics: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<LogPosition>, DeadLetterError> {
        let mut ends = Vec::new();
        for topic in topics {
            let failed = |source| DeadLetterError::Replay { topic: topic.to_owned(), source };
            for partition in 0..self.log.partitions(topic).map_err(failed)?.unwrap_or(0) {
                let end = self.log.bounds(topic, PartitionId(partition)).map_err(failed)?.next;
                ends.push(LogPosition { topic: topic.to_owned(), partition, offset: end.0 });
            }
        }
        Ok(ends)
    }

    /// Reads the record at a position with key and headers; `None` if the log no longer holds it.
    pub(super) fn original(
        &self,
        info: &DeadLetterInfo,
    ) -> Result<Option<(Vec<u8>, Carried)>, DeadLetterError> {
        let partitions = self.log.partitions(&info.topic).map_err(DeadLetterError::Read)?.unwrap_or(0);
        if info.partition >= partitions {
            return Ok(None);
        }
        let at = [(PartitionId(info.partition), Start::At(Offset(info.offset)))];
        let mut reader = self.log.read(&info.topic, &at, WANTED).map_err(DeadLetterError::Read)?;

        loop {
            let fetched = match reader.poll(TIMEOUT / 1_000, FETCH_BYTES).map_err(DeadLetterError::Read)? {
                Polled::Records { fetched, .. } => fetched,
                Polled::CaughtUp => return Ok(None),
                Polled::Unreachable => return Err(DeadLetterError::Unreachable),
            };
            let mut original = None;
            records(&fetched, &mut |found| {
                if found.id.offset == info.offset {
                    let carried = found.attributes.map(|of| super::record::carried(of, found.data));
                    original = Some((found.body.to_vec(), carried.unwrap_or_default()));
                }
            });
            let is_behind = fetched.records.last().is_some_and(|last| last.offset.0 >= info.offset);
            if original.is_some() || is_behind {
                return Ok(original);
            }
        }
    }

    /// Calls `each` with every record of the dead-letter topic.
    fn walk(&self, each: &mut dyn FnMut(Found<'_>)) -> Result<(), DeadLetterError> {
        let partitions = self.log.partitions(DEAD_LETTER_TOPIC).map_err(DeadLetterError::Read)?.unwrap_or(0);
        let from: Vec<(PartitionId, Start)> =
            (0..partitions).map(|partition| (PartitionId(partition), Start::Earliest)).collect();
        if from.is_empty() {
            return Ok(());
        }
        self.read(DEAD_LETTER_TOPIC, &from, each)
    }

    fn read(
        &self,
        topic: &str,
        from: &[(PartitionId, Start)],
        each: &mut dyn FnMut(Found<'_>),
    ) -> Result<(), DeadLetterError> {
        let mut reader = self.log.read(topic, from, WANTED).map_err(DeadLetterError::Read)?;
        loop {
            match reader.poll(TIMEOUT / 1_000, FETCH_BYTES).map_err(DeadLetterError::Read)? {
                Polled::Records { fetched, .. } => records(&fetched, each),
                Polled::CaughtUp => return Ok(()),
                Polled::Unreachable => return Err(DeadLetterError::Unreachable),
            }
        }
    }
}

const WANTED: Wanted = Wanted { keys: true, headers: true };

fn records(fetched: &Fetched, each: &mut dyn FnMut(Found<'_>)) {
    let partition = fetched.partition.map_or(0, |partition| partition.0);
    for (number, record) in fetched.records.iter().enumerate() {
        each(Found {
            id: DeadLetterId { partition, offset: record.offset.0 },
            body: &fetched.data[record.start as usize..record.end as usize],
            attributes: fetched.attributes.get(number),
            data: &fetched.data,
        });
    }
}

impl Marks {
    /// Returns false if the job has read the record again since the dead letter was written.
    fn is_valid(&self, id: DeadLetterId, info: &DeadLetterInfo) -> bool {
        let split = (info.topic.clone(), info.partition);
        let restarts = self.restarts.get(&info.job_id).into_iter().flatten();
        // Offsets order records of one partition; across partitions only the time is available.
        let is_later = |restart: &&Restart| {
            if restart.at.partition == id.partition {
                restart.at.offset > id.offset
            } else {
                restart.time > info.time
            }
        };
        !restarts
            .filter(is_later)
            .any(|restart| restart.reached.get(&split).is_none_or(|&reached| info.offset >= reached))
    }
}
