//! Writes dead letters to the dead-letter topic.

use std::sync::Arc;

use engine::connector::{ConnectorError, DeadLetter, DeadLetters, Split};
use storage::log::{EventLog, LogError, NewRecord};
use types::{Clock, Offset};

use super::record::{Author, Extent, encode};
use crate::format::json::write::write_string;
use crate::retry::{Retry, RetryError};

/// Appends dead letters to a topic of the event log.
pub struct DeadLetterTopic {
    pub log: Arc<dyn EventLog>,
    pub topic: String,
    pub job: String,
    pub job_id: String,
    pub retry: Arc<Retry>,
    pub clock: Arc<dyn Clock>,
}

impl DeadLetters for DeadLetterTopic {
    /// Writes dead letters, except for records of the dead-letter topic itself: a job that reads that topic
    /// would feed itself for ever.
    fn send(&self, mut letters: Vec<DeadLetter>) -> Result<(), ConnectorError> {
        letters.retain(|letter| letter.split.topic != self.topic);
        if letters.is_empty() { Ok(()) } else { self.write(&letters) }
    }
}

impl DeadLetterTopic {
    /// Writes dead letters completely, and truncates those that are too large for the topic.
    fn write(&self, letters: &[DeadLetter]) -> Result<(), ConnectorError> {
        match self.append(self.encode(letters, Extent::Whole)) {
            Err(RetryError::Permanent(error)) if error.is_too_large() => {}
            written => return written.map_err(failed),
        }

        if let [letter] = letters {
            let split = &letter.split;
            tracing::warn!(
                topic = split.topic,
                partition = split.partition,
                offset = letter.offset.0,
                bytes = letter.bytes.len(),
                "a record is too large for the dead-letter topic; its beginning and its position are kept"
            );
            return self.append(self.encode(letters, Extent::Cut)).map_err(failed);
        }
        let (one, other) = letters.split_at(letters.len() / 2);
        self.write(one)?;
        self.write(other)
    }

    fn encode(&self, letters: &[DeadLetter], extent: Extent) -> Vec<NewRecord> {
        let author = Author { job: &self.job, job_id: &self.job_id };
        let now = self.clock.now();
        letters.iter().map(|letter| encode(letter, &author, now, extent)).collect()
    }

    /// Appends records and retries until the log accepts them or fails permanently.
    fn append(&self, records: Vec<NewRecord>) -> Result<(), RetryError<LogError>> {
        self.retry.run("write dead letters", || {
            self.log.create_topic(&self.topic, 1)?;
            let appending = self.log.append(&self.topic, records.clone())?;
            appending.blocking_recv().unwrap_or(Err(LogError::Closed)).map(|_| ())
        })
    }

    /// Fails if dead letters cannot be written now, so that a job fails before its start rather than at the
    /// first dead letter.
    pub fn reach(&self) -> Result<(), ConnectorError> {
        let made = self.log.create_topic(&self.topic, 1);
        made.map_err(|error| ConnectorError::external("cannot write dead letters", error))
    }

    /// Marks that the job restarts from these positions. Its dead letters of records after the positions
    /// become void; if the reason remains, they are written again.
    pub fn restarted(&self, positions: &[(Split, Offset)]) -> Result<(), ConnectorError> {
        let mut out = b"{\"job\":".to_vec();
        write_string(&mut out, &self.job);
        out.extend_from_slice(b",\"job_id\":");
        write_string(&mut out, &self.job_id);
        out.extend_from_slice(format!(",\"time\":{},\"restarted\":[", self.clock.now().0).as_bytes());
        for (index, (split, offset)) in positions.iter().enumerate() {
            out.extend_from_slice(if index > 0 { b",{\"topic\":" } else { b"{\"topic\":" });
            write_string(&mut out, &split.topic);
            out.extend_from_slice(
                format!(",\"partition\":{},\"offset\":{offset}}}", split.partition).as_bytes(),
            );
        }
        out.extend_from_slice(b"]}");
        self.append(vec![NewRecord { body: out.into(), ..NewRecord::default() }]).map_err(failed)
    }
}

fn failed(error: RetryError<LogError>) -> ConnectorError {
    const DOING: &str = "cannot write dead letters";
    match error {
        RetryError::Permanent(error) => ConnectorError::external(DOING, error),
        stopped => ConnectorError::external(DOING, stopped),
    }
}

/// Drops dead letters, for files, whose records remain available.
#[derive(Debug, Default)]
pub struct NoDeadLetters;

impl DeadLetters for NoDeadLetters {
    fn send(&self, _letters: Vec<DeadLetter>) -> Result<(), ConnectorError> {
        Ok(())
    }
}
