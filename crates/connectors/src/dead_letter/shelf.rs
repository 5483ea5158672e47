//! Reading the dead-letter topic: which letters stand, and which were replayed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use storage::log::{EventLog, Fetched, LogError, NewRecord, Polled, Start, Wanted};
use types::{Offset, PartitionId};

use super::DEAD_LETTER_TOPIC;
use super::replay::Reader;

/// The letters of a log.
pub struct Shelf {
    pub(super) log: Arc<dyn EventLog>,
    /// The jobs that read events now.
    pub(super) readers: Vec<Reader>,
}

/// A letter's place in the dead-letter topic: `0-17`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LetterId {
    pub partition: u32,
    pub offset: u64,
}

/// A letter that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    pub id: LetterId,
    pub written: Written,
    /// The original bytes.
    pub body: Vec<u8>,
    pub replayed: bool,
}

/// A letter as it was written, but for its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    pub table: String,
    pub topic: String,
    pub partition: u32,
    pub offset: u64,
    /// When the record came to the log, milliseconds since 1970.
    pub appended: i64,
    /// When the letter was written, milliseconds since 1970.
    pub time: i64,
    pub reason: String,
    pub job: String,
    #[serde(default)]
    pub job_id: String,
    /// Of late rows: the queries that did not count it.
    #[serde(default)]
    pub queries: Vec<String>,
    #[serde(default)]
    pub counted_elsewhere: bool,
}

/// Why the letters cannot be read or replayed.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
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

/// Whatever stands in the topic.
#[derive(Deserialize)]
struct Line {
    #[serde(skip)]
    letter: Option<Written>,
    body: Option<String>,
    body_base64: Option<String>,
    job_id: Option<String>,
    restarted: Option<Vec<Place>>,
    replaying: Option<Vec<String>>,
    ends: Option<Vec<Place>>,
    replayed: Option<Vec<String>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Place {
    pub topic: String,
    pub partition: u32,
    pub offset: u64,
}

/// A job's mark: what it went on from.
struct Restart {
    at: LetterId,
    reached: BTreeMap<(String, u32), u64>,
}

/// What the marks say.
#[derive(Default)]
struct Marks {
    /// By the job's id, in order.
    restarts: BTreeMap<String, Vec<Restart>>,
    replayed: BTreeSet<LetterId>,
    /// Begun and not finished: the letters, and where the topics ended.
    unfinished: Vec<(Vec<LetterId>, Vec<Place>)>,
}

/// How long the log may take to say that there is no more.
const PATIENCE: Duration = Duration::from_secs(10);
const FETCH_BYTES: usize = 1 << 20;

impl Shelf {
    pub fn new(log: Arc<dyn EventLog>, readers: Vec<Reader>) -> Shelf {
        Shelf { log, readers }
    }

    /// The letters that are wanted, in the order in which they were written, the newest `limit` of them.
    pub fn letters(&self, wanted: &dyn Fn(&Letter) -> bool, limit: usize) -> Result<Vec<Letter>, ShelfError> {
        let marks = self.settled_marks()?;
        let mut letters = std::collections::VecDeque::new();
        self.walk(&mut |id, line| {
            if let Some(letter) = marks.stands(id, line).filter(|letter| wanted(letter)) {
                if letters.len() == limit {
                    letters.pop_front();
                }
                letters.push_back(letter);
            }
        })?;
        Ok(letters.into())
    }

    pub fn letter(&self, id: LetterId) -> Result<Option<Letter>, ShelfError> {
        Ok(self.letters(&|letter| letter.id == id, 1)?.pop())
    }

    /// What the marks say, once replays that broke off are settled.
    fn settled_marks(&self) -> Result<Marks, ShelfError> {
        let marks = self.marks()?;
        if marks.unfinished.is_empty() {
            return Ok(marks);
        }
        for (ids, ends) in &marks.unfinished {
            let found = self.found_behind(ids, ends)?;
            self.mark(&json!({"replayed": found}))?;
        }
        self.marks()
    }

    /// Which letters of a replay that broke off are in their topics.
    fn found_behind(&self, ids: &[LetterId], ends: &[Place]) -> Result<Vec<String>, ShelfError> {
        let mut bodies: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
        let mut topics: Vec<&str> = ends.iter().map(|end| end.topic.as_str()).collect();
        topics.dedup();
        for topic in topics {
            let from = ends.iter().filter(|end| end.topic == topic);
            let from: Vec<(PartitionId, Start)> =
                from.map(|end| (PartitionId(end.partition), Start::At(Offset(end.offset)))).collect();
            self.read(topic, &from, &mut |_, body| *bodies.entry(body.to_vec()).or_default() += 1)?;
        }
        let mut found = Vec::new();
        let mut records = BTreeSet::new();
        self.walk(&mut |id, line| {
            let Some(record) = line.letter.as_ref().filter(|_| ids.contains(&id)).map(Written::record) else {
                return;
            };
            // Of several letters of a record, the bytes are appended once.
            let is_found = records.contains(&record)
                || line.bytes().as_ref().and_then(|body| bodies.get_mut(body)).is_some_and(|left| {
                    let is_there = *left > 0;
                    *left -= is_there as usize;
                    is_there
                });
            if is_found {
                records.insert(record);
                found.push(id.to_string());
            }
        })?;
        Ok(found)
    }

    fn marks(&self) -> Result<Marks, ShelfError> {
        let mut marks = Marks::default();
        self.walk(&mut |at, line| {
            let ids =
                |texts: Vec<String>| texts.iter().filter_map(|text| text.parse().ok()).collect::<Vec<_>>();
            if let (Some(places), Some(job)) = (line.restarted, line.job_id) {
                let reached = places.into_iter().map(|of| ((of.topic, of.partition), of.offset)).collect();
                marks.restarts.entry(job).or_default().push(Restart { at, reached });
            } else if let (Some(replaying), Some(ends)) = (line.replaying, line.ends) {
                marks.unfinished.push((ids(replaying), ends));
            } else if let Some(replayed) = line.replayed {
                // One replay at a time: it ends the one that began last.
                marks.unfinished.pop();
                marks.replayed.extend(ids(replayed));
            }
        })?;
        Ok(marks)
    }

    pub(super) fn mark(&self, mark: &serde_json::Value) -> Result<(), ShelfError> {
        let record = NewRecord { body: mark.to_string().into(), ..NewRecord::default() };
        let appended = self.log.append(DEAD_LETTER_TOPIC, vec![record]);
        let appended = appended.and_then(|done| done.blocking_recv().unwrap_or(Err(LogError::Closed)));
        appended.map(|_| ()).map_err(ShelfError::Read)
    }

    pub(super) fn ends<'a>(&self, topics: impl Iterator<Item = &'a str>) -> Result<Vec<Place>, ShelfError> {
        let mut ends = Vec::new();
        for topic in topics {
            let failed = |source| ShelfError::Replay { topic: topic.to_owned(), source };
            for partition in 0..self.log.partitions(topic).map_err(failed)?.unwrap_or(0) {
                let (end, _) = self.log.bounds(topic, PartitionId(partition)).map_err(failed)?;
                ends.push(Place { topic: topic.to_owned(), partition, offset: end.0 });
            }
        }
        Ok(ends)
    }

    /// Calls `each` with everything in the topic; what is no JSON of ours is passed over.
    fn walk(&self, each: &mut dyn FnMut(LetterId, Line)) -> Result<(), ShelfError> {
        let partitions = self.log.partitions(DEAD_LETTER_TOPIC).map_err(ShelfError::Read)?.unwrap_or(0);
        let from: Vec<(PartitionId, Start)> =
            (0..partitions).map(|partition| (PartitionId(partition), Start::Earliest)).collect();
        if from.is_empty() {
            return Ok(());
        }
        self.read(DEAD_LETTER_TOPIC, &from, &mut |id, body| {
            if let Ok(line) = serde_json::from_slice::<Line>(body) {
                // A mark is none.
                let letter = serde_json::from_slice(body).ok();
                each(id, Line { letter, ..line });
            }
        })
    }

    fn read(
        &self,
        topic: &str,
        from: &[(PartitionId, Start)],
        each: &mut dyn FnMut(LetterId, &[u8]),
    ) -> Result<(), ShelfError> {
        let mut reader = self.log.read(topic, from, Wanted::default()).map_err(ShelfError::Read)?;
        loop {
            match reader.poll(PATIENCE / 1_000, FETCH_BYTES).map_err(ShelfError::Read)? {
                Polled::Records { fetched, .. } => records(&fetched, each),
                Polled::CaughtUp => return Ok(()),
                Polled::Unreachable => return Err(ShelfError::Unreachable),
            }
        }
    }
}

fn records(fetched: &Fetched, each: &mut dyn FnMut(LetterId, &[u8])) {
    let partition = fetched.partition.map_or(0, |partition| partition.0);
    for record in &fetched.records {
        let id = LetterId { partition, offset: record.offset.0 };
        each(id, &fetched.data[record.start as usize..record.end as usize]);
    }
}

impl Marks {
    /// The letter in a line, if there is one that stands.
    fn stands(&self, id: LetterId, line: Line) -> Option<Letter> {
        let body = line.bytes()?;
        let written = line.letter?;
        let split = (written.topic.clone(), written.partition);
        let restarts = self.restarts.get(&written.job_id).into_iter().flatten();
        let later =
            |restart: &&Restart| restart.at.partition == id.partition && restart.at.offset > id.offset;
        let is_void = restarts
            .filter(later)
            .any(|restart| restart.reached.get(&split).is_none_or(|&reached| written.offset >= reached));
        let replayed = self.replayed.contains(&id);
        (!is_void).then_some(Letter { id, written, body, replayed })
    }
}

impl Written {
    /// The record that the letter is of: topic, partition and offset.
    pub fn record(&self) -> (String, u32, u64) {
        (self.topic.clone(), self.partition, self.offset)
    }
}

impl Line {
    fn bytes(&self) -> Option<Vec<u8>> {
        use base64::Engine as _;
        match (&self.body, &self.body_base64) {
            (Some(text), _) => Some(text.clone().into_bytes()),
            (None, Some(text)) => base64::engine::general_purpose::STANDARD.decode(text).ok(),
            (None, None) => None,
        }
    }
}

impl std::fmt::Display for LetterId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.partition, self.offset)
    }
}

/// Not such as `0-17`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no letter's id, which looks like 0-17")]
pub struct InvalidLetterId(String);

impl std::str::FromStr for LetterId {
    type Err = InvalidLetterId;

    fn from_str(text: &str) -> Result<LetterId, InvalidLetterId> {
        let parts = text.split_once('-').and_then(|(partition, offset)| {
            Some(LetterId { partition: partition.parse().ok()?, offset: offset.parse().ok()? })
        });
        parts.ok_or_else(|| InvalidLetterId(text.to_owned()))
    }
}
