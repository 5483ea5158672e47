//! The dead-letter topic: records that are not counted, with all that is needed to replay them.
//!
//! A letter is a JSON object: `table`, `topic`, `partition`, `offset`, `time` (ms since 1970, when it was written),
//! `reason`, `job`, `queries` (for late rows) and `body`, the original bytes as text where they are UTF-8, else
//! `body_base64`.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::connector::{ConnectorError, DeadLetter, DeadLetters};
use storage::log::{EventLog, NewRecord};
use types::Clock;

use crate::format::json::write::{write_bytes, write_string};

/// Where letters go unless told otherwise.
pub const DEAD_LETTER_TOPIC: &str = "weir-dead-letters";

/// Appends letters to a topic of the event log.
pub struct DeadLetterTopic {
    pub log: Arc<dyn EventLog>,
    pub topic: String,
    pub job: String,
    /// By table: the topic it reads.
    pub topics: BTreeMap<String, String>,
    pub clock: Arc<dyn Clock>,
}

impl DeadLetters for DeadLetterTopic {
    fn send(&self, letters: Vec<DeadLetter>) -> Result<(), ConnectorError> {
        let now = self.clock.now().0;
        let records =
            letters.iter().map(|letter| NewRecord { key: None, body: self.body(letter, now).into() });
        let failed = |error| ConnectorError::external("cannot write dead letters", error);
        self.log.create_topic(&self.topic, 1).map_err(failed)?;
        let appending = self.log.append(&self.topic, records.collect()).map_err(failed)?;
        match appending.blocking_recv() {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(failed(error)),
            Err(closed) => Err(ConnectorError::external("cannot write dead letters", closed)),
        }
    }
}

impl DeadLetterTopic {
    fn body(&self, letter: &DeadLetter, now: i64) -> Vec<u8> {
        let mut out = Vec::with_capacity(letter.bytes.len() + 256);
        out.extend_from_slice(b"{\"table\":");
        write_string(&mut out, &letter.table);
        out.extend_from_slice(b",\"topic\":");
        write_string(&mut out, self.topics.get(&letter.table).map_or("", String::as_str));
        out.extend_from_slice(
            format!(
                ",\"partition\":{},\"offset\":{},\"appended\":{},\"time\":{now},\"reason\":",
                letter.partition, letter.offset, letter.appended.0
            )
            .as_bytes(),
        );
        write_string(&mut out, &letter.reason);
        out.extend_from_slice(b",\"job\":");
        write_string(&mut out, &self.job);
        out.extend_from_slice(b",\"queries\":[");
        for (index, query) in letter.queries.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_string(&mut out, query);
        }
        match std::str::from_utf8(&letter.bytes) {
            Ok(text) => {
                out.extend_from_slice(b"],\"body\":");
                write_string(&mut out, text);
            }
            Err(_) => {
                out.extend_from_slice(b"],\"body_base64\":");
                write_bytes(&mut out, &letter.bytes);
            }
        }
        out.push(b'}');
        out
    }
}

/// Counts letters and drops them: for files, which stay where they are.
#[derive(Debug, Default)]
pub struct NoDeadLetters;

impl DeadLetters for NoDeadLetters {
    fn send(&self, _letters: Vec<DeadLetter>) -> Result<(), ConnectorError> {
        Ok(())
    }
}
