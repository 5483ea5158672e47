//! Replaying dead letters: giving records back to the topics they came from, so that each is counted once.
//!
//! All jobs that read a topic read what is given back to it. A record is given back only where each of them has a letter of
//! it, which says that it did not count it; and then once, however many letters there are.
//!
//! A replay appends the original bytes. Before it does, it marks which letters it is about to replay and where their topics
//! end (`replaying`); afterwards that it has (`replayed`). Should it break off in between, the next one looks for the bytes
//! behind these ends, so that nothing is replayed twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use storage::log::{LogError, NewRecord};

use super::shelf::{Letter, LetterId, Shelf, ShelfError, Written};

/// A job that reads topics.
#[derive(Clone)]
pub struct Reader {
    pub id: String,
    pub name: String,
    pub ancestors: Vec<Ancestor>,
    /// Whether it reads a topic.
    pub reads: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

/// A job whose state another went on from: of records up to there, its letters are the other's too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ancestor {
    pub job_id: String,
    pub reached: Vec<Reached>,
}

/// The first offset of a partition that was not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    pub topic: String,
    pub partition: u32,
    pub offset: u64,
}

/// What became of a replay.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    pub replayed: Vec<LetterId>,
    /// Those that were not, each with the reason.
    pub left: Vec<(LetterId, String)>,
}

impl Shelf {
    /// Gives letters back to the topics they came from. Those that do not stand, were replayed before, or would be counted
    /// twice are left.
    pub fn replay(&self, ids: &[LetterId]) -> Result<Replayed, ShelfError> {
        let wanted: BTreeSet<LetterId> = ids.iter().copied().collect();
        let letters = self.letters(&|letter| wanted.contains(&letter.id), usize::MAX)?;
        let records: BTreeSet<_> = letters.iter().map(|letter| letter.written.record()).collect();
        let mut by_record: BTreeMap<_, Vec<Letter>> = BTreeMap::new();
        for letter in self.letters(&|letter| records.contains(&letter.written.record()), usize::MAX)? {
            by_record.entry(letter.written.record()).or_default().push(letter);
        }
        let mut outcome = Replayed::default();
        let mut chosen: BTreeMap<LetterId, &[Letter]> = BTreeMap::new();
        for id in wanted {
            let of = letters.iter().find(|letter| letter.id == id);
            let of = of.and_then(|letter| by_record.get(&letter.written.record()));
            match of.map(|of| (of, self.objection(of))) {
                None => outcome.left.push((id, "there is no such letter".to_owned())),
                Some((_, Some(reason))) => outcome.left.push((id, reason)),
                Some((of, None)) => {
                    outcome.replayed.push(id);
                    chosen.insert(of[0].id, of);
                }
            }
        }
        if !chosen.is_empty() {
            self.give_back(chosen.values().copied())?;
        }
        Ok(outcome)
    }

    /// Why a record is not given back, by all its letters.
    fn objection(&self, letters: &[Letter]) -> Option<String> {
        if letters.iter().any(|letter| letter.replayed) {
            return Some("it was replayed before".to_owned());
        }
        if letters.iter().any(|letter| letter.written.counted_elsewhere) {
            return Some("other queries have counted it, and would count it twice".to_owned());
        }
        let topic = &letters[0].written.topic;
        let has_counted = |reader: &&Reader| {
            (reader.reads)(topic) && !letters.iter().any(|letter| reader.wrote(&letter.written))
        };
        let reader = self.readers.iter().find(has_counted)?;
        Some(format!("job `{}` has counted it, and would count it twice", reader.name))
    }

    /// Appends the bytes of each record.
    fn give_back<'a>(&self, records: impl Iterator<Item = &'a [Letter]>) -> Result<(), ShelfError> {
        let mut ids: Vec<String> = Vec::new();
        let mut by_topic: BTreeMap<&str, Vec<NewRecord>> = BTreeMap::new();
        for letters in records {
            ids.extend(letters.iter().map(|letter| letter.id.to_string()));
            let Letter { body, written, .. } = &letters[0];
            let record = NewRecord { body: body.clone().into(), ..NewRecord::default() };
            by_topic.entry(&written.topic).or_default().push(record);
        }
        let ends = self.ends(by_topic.keys().copied())?;
        self.mark(&json!({"replaying": ids, "ends": ends}))?;
        for (topic, records) in by_topic {
            let appended = self.log.append(topic, records);
            let appended = appended.and_then(|done| done.blocking_recv().unwrap_or(Err(LogError::Closed)));
            appended.map_err(|source| ShelfError::Replay { topic: topic.to_owned(), source })?;
        }
        self.mark(&json!({"replayed": ids}))
    }
}

impl Reader {
    /// Whether a letter is the job's, or that of one whose state it went on from.
    fn wrote(&self, letter: &Written) -> bool {
        letter.job_id == self.id
            || self.ancestors.iter().any(|ancestor| {
                let reaches = |reached: &Reached| {
                    (reached.topic.as_str(), reached.partition) == (letter.topic.as_str(), letter.partition)
                        && letter.offset < reached.offset
                };
                ancestor.job_id == letter.job_id && ancestor.reached.iter().any(reaches)
            })
    }
}
