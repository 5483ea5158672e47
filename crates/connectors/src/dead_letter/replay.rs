//! Replays dead letters: appends the original records to their topics again, so that each is counted once.
//!
//! All jobs that read a topic read what is appended to it. Therefore a record is replayed only if each of
//! those jobs has a dead letter of it, which shows that the job did not count it. The record is appended
//! once, however many dead letters it has.
//!
//! A replay appends the original record: body, key, headers and time. Before appending, it writes a mark with
//! the dead letters and the ends of their topics (`replaying`); afterwards it writes the mark `replayed`. If
//! a replay is interrupted in between, the next one looks for the bodies behind these ends, so that nothing
//! is replayed twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use storage::log::{LogError, NewRecord};
use types::Timestamp;

use super::queue::{DeadLetterError, DeadLetterQueue, StoredDeadLetter};
use super::record::{DeadLetterId, DeadLetterInfo};

/// A job that reads topics.
#[derive(Clone)]
pub struct TopicReader {
    pub id: String,
    pub name: String,
    pub ancestors: Vec<Ancestor>,
    /// Returns whether the job reads a topic.
    pub reads: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

/// A job whose state another job continued from: its dead letters of records up to there count as the other's
/// too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ancestor {
    pub job_id: String,
    pub reached: Vec<LogPosition>,
}

/// The end of what was read, or of what there is, in a partition: the offset of the record behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPosition {
    pub topic: String,
    pub partition: u32,
    pub offset: u64,
}

/// The outcome of a replay.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    pub replayed: Vec<DeadLetterId>,
    /// Dead letters that were not replayed, each with the reason.
    pub left: Vec<(DeadLetterId, String)>,
}

/// Number of dead letters that are replayed together. One mark, which is itself a record, names them all.
const STEP: usize = 1_000;

/// Dead letters by the topic, partition and offset of the original record.
type ByRecord = BTreeMap<(String, u32, u64), Vec<StoredDeadLetter>>;

/// A record to append again, and its dead letters.
struct Chosen {
    ids: Vec<DeadLetterId>,
    topic: String,
    record: NewRecord,
}

impl DeadLetterQueue {
    /// Replays dead letters, except those that are void, were replayed before, or would be counted twice.
    pub fn replay(&self, ids: &[DeadLetterId]) -> Result<Replayed, DeadLetterError> {
        let wanted: BTreeSet<DeadLetterId> = ids.iter().copied().collect();
        let mut outcome = Replayed::default();
        let wanted: Vec<DeadLetterId> = wanted.into_iter().collect();
        for step in wanted.chunks(STEP) {
            self.replay_step(step, &mut outcome)?;
        }
        Ok(outcome)
    }

    /// Returns what [`DeadLetterQueue::replay`] would do now. Records that a topic refuses as too large are found only by
    /// the replay itself.
    pub fn preview(&self, ids: &[DeadLetterId]) -> Result<Replayed, DeadLetterError> {
        let wanted: BTreeSet<DeadLetterId> = ids.iter().copied().collect();
        let wanted: Vec<DeadLetterId> = wanted.into_iter().collect();
        let mut outcome = Replayed::default();
        for step in wanted.chunks(STEP) {
            self.choose_all(step, &mut outcome)?;
        }
        Ok(outcome)
    }

    fn replay_step(&self, ids: &[DeadLetterId], outcome: &mut Replayed) -> Result<(), DeadLetterError> {
        let chosen = self.choose_all(ids, outcome)?;

        if chosen.is_empty() {
            return Ok(());
        }
        let refused = self.append_again(chosen.into_values().collect())?;
        for (letters, reason) in refused {
            outcome.replayed.retain(|id| !letters.contains(id));
            let left = letters.into_iter().filter(|id| ids.contains(id));
            outcome.left.extend(left.map(|id| (id, reason.clone())));
        }
        Ok(())
    }

    /// Returns the records to append again for these dead letters, and adds the outcome of each.
    fn choose_all(
        &self,
        ids: &[DeadLetterId],
        outcome: &mut Replayed,
    ) -> Result<BTreeMap<DeadLetterId, Chosen>, DeadLetterError> {
        let by_record = self.letters_of_the_same_records(ids)?;
        let mut chosen: BTreeMap<DeadLetterId, Chosen> = BTreeMap::new();
        for &id in ids {
            let Some(letters) = by_record.values().find(|of| of.iter().any(|letter| letter.id == id)) else {
                outcome.left.push((id, "there is no such dead letter".to_owned()));
                continue;
            };
            if chosen.contains_key(&letters[0].id) {
                outcome.replayed.push(id);
                continue;
            }
            match self.choose(letters)? {
                Ok(record) => {
                    chosen.insert(letters[0].id, record);
                    outcome.replayed.push(id);
                }
                Err(reason) => outcome.left.push((id, reason)),
            }
        }

        Ok(chosen)
    }

    /// Returns the dead letters with these ids and all others of the same records, grouped by record.
    fn letters_of_the_same_records(&self, ids: &[DeadLetterId]) -> Result<ByRecord, DeadLetterError> {
        let mut records = BTreeSet::new();
        self.each(&mut |letter| {
            if ids.binary_search(&letter.id).is_ok() {
                records.insert(letter.info.record());
            }
        })?;

        let mut by_record = ByRecord::new();
        self.each(&mut |letter| {
            if records.contains(&letter.info.record()) {
                by_record.entry(letter.info.record()).or_default().push(letter);
            }
        })?;
        Ok(by_record)
    }

    /// Returns the record to append, given all of its dead letters, or the reason why it is not replayed.
    fn choose(&self, letters: &[StoredDeadLetter]) -> Result<Result<Chosen, String>, DeadLetterError> {
        if let Some(reason) = self.objection(letters) {
            return Ok(Err(reason));
        }
        let StoredDeadLetter { info, body, carried, .. } = &letters[0];

        let (body, carried) = match &info.cut {
            None => (body.clone(), carried.clone()),
            Some(_) => match self.original(info)? {
                Some(original) => original,
                None => {
                    let DeadLetterInfo { topic, partition, offset, .. } = info;
                    return Ok(Err(format!(
                        "the record was too large to be kept, and topic `{topic}` partition {partition} no longer holds \
                         it at offset {offset}"
                    )));
                }
            },
        };

        let record = NewRecord {
            key: carried.key,
            body: body.into(),
            headers: carried.headers,
            time: Some(Timestamp(info.appended)),
        };

        let ids = letters.iter().map(|letter| letter.id).collect();
        Ok(Ok(Chosen { ids, topic: info.topic.clone(), record }))
    }

    /// Returns the reason why a record is not replayed, if there is one.
    fn objection(&self, letters: &[StoredDeadLetter]) -> Option<String> {
        if letters.iter().any(|letter| letter.replayed) {
            return Some("it was replayed before".to_owned());
        }
        if letters.iter().any(|letter| letter.info.counted_elsewhere) {
            return Some("other queries have counted it, and would count it twice".to_owned());
        }
        let topic = &letters[0].info.topic;
        let has_counted = |reader: &&TopicReader| {
            (reader.reads)(topic) && !letters.iter().any(|letter| reader.wrote(&letter.info))
        };
        let reader = self.readers.iter().find(has_counted)?;
        Some(format!("job `{}` has counted it, and would count it twice", reader.name))
    }

    /// Appends records to their topics between two marks. Returns the dead letters of records that a topic
    /// refuses as too large, each with the reason.
    fn append_again(&self, chosen: Vec<Chosen>) -> Result<Vec<(Vec<DeadLetterId>, String)>, DeadLetterError> {
        let ids: Vec<String> = chosen.iter().flat_map(|of| &of.ids).map(DeadLetterId::to_string).collect();
        let mut by_topic: BTreeMap<String, Vec<Chosen>> = BTreeMap::new();
        for of in chosen {
            by_topic.entry(of.topic.clone()).or_default().push(of);
        }
        let ends = self.ends(by_topic.keys().map(String::as_str))?;
        self.mark(&json!({ "replaying": ids, "ends": ends }))?;

        let mut appended: Vec<String> = Vec::new();
        let mut refused = Vec::new();
        for (topic, chosen) in by_topic {
            let records = chosen.iter().map(|of| of.record.clone()).collect();
            let all = self.append(&topic, records);
            let failed = |source| DeadLetterError::Replay { topic: topic.clone(), source };
            // If a record is too large, append the records one by one, so that it does not block the others.
            let alone = all.as_ref().is_err_and(LogError::is_too_large);
            if !alone {
                all.map_err(failed)?;
            }
            for Chosen { ids, record, .. } in chosen {
                match if alone { self.append(&topic, vec![record]) } else { Ok(()) } {
                    Ok(()) => appended.extend(ids.iter().map(DeadLetterId::to_string)),
                    Err(error) if error.is_too_large() => refused.push((ids, error.to_string())),
                    Err(error) => return Err(failed(error)),
                }
            }
        }
        self.mark(&json!({ "replayed": appended }))?;
        Ok(refused)
    }

    fn append(&self, topic: &str, records: Vec<NewRecord>) -> Result<(), LogError> {
        let appending = self.log.append(topic, records)?;
        appending.blocking_recv().unwrap_or(Err(LogError::Closed)).map(|_| ())
    }
}

impl TopicReader {
    /// Returns whether the job, or a job whose state it continued from, wrote the dead letter.
    fn wrote(&self, letter: &DeadLetterInfo) -> bool {
        letter.job_id == self.id
            || self.ancestors.iter().any(|ancestor| {
                let reaches = |reached: &LogPosition| {
                    (reached.topic.as_str(), reached.partition) == (letter.topic.as_str(), letter.partition)
                        && letter.offset < reached.offset
                };
                ancestor.job_id == letter.job_id && ancestor.reached.iter().any(reaches)
            })
    }
}
