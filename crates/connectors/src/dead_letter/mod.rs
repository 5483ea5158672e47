//! The dead-letter topic: records that are not counted, with all that is needed to replay them.
//!
//! A letter is a JSON object: `table`, `topic`, `partition`, `offset`, `time` (ms since 1970, when it was written),
//! `reason`, `job` and `job_id`, `queries` (for late rows) and `body`, the original bytes as text where they are UTF-8, else
//! `body_base64`.
//!
//! Between letters stand marks: `restarted` holds the positions that a job went on from, each a `topic`, `partition` and
//! `offset`. Letters of that job before the mark are void, save those of records before these positions. What was replayed
//! is marked too, see [`Shelf`].

mod replay;
mod shelf;

use std::sync::Arc;

use engine::connector::{ConnectorError, DeadLetter, DeadLetters, Split};
use storage::log::{EventLog, LogError, NewRecord};
use types::{Clock, Offset};

use crate::format::json::write::{write_bytes, write_string};
use crate::patience::Patience;

pub use replay::{Ancestor, Reached, Reader, Replayed};
pub use shelf::{InvalidLetterId, Letter, LetterId, Shelf, ShelfError, Written};

/// Where letters go unless told otherwise.
pub const DEAD_LETTER_TOPIC: &str = "weir-dead-letters";

/// Appends letters to a topic of the event log.
pub struct DeadLetterTopic {
    pub log: Arc<dyn EventLog>,
    pub topic: String,
    pub job: String,
    pub job_id: String,
    pub patience: Arc<Patience>,
    pub clock: Arc<dyn Clock>,
}

impl DeadLetters for DeadLetterTopic {
    fn send(&self, letters: Vec<DeadLetter>) -> Result<(), ConnectorError> {
        let now = self.clock.now().0;
        let records = letters
            .iter()
            .map(|letter| NewRecord { body: self.body(letter, now).into(), ..NewRecord::default() });
        self.append(&records.collect::<Vec<NewRecord>>())
    }
}

impl DeadLetterTopic {
    /// Appends records, however long it takes until the log does.
    fn append(&self, records: &[NewRecord]) -> Result<(), ConnectorError> {
        let appended = self.patience.insist("write dead letters", || {
            self.log.create_topic(&self.topic, 1)?;
            let appending = self.log.append(&self.topic, records.to_vec())?;
            appending.blocking_recv().unwrap_or(Err(LogError::Closed)).map(|_| ())
        });
        appended.map_err(|given_up| ConnectorError::external("cannot write dead letters", given_up))
    }

    /// Fails where letters cannot be written now: better before a job starts than when the first one has to be.
    pub fn reach(&self) -> Result<(), ConnectorError> {
        let made = self.log.create_topic(&self.topic, 1);
        made.map_err(|error| ConnectorError::external("cannot write dead letters", error))
    }

    /// The job goes on from these positions: its letters of records behind them are void, and will be written again
    /// where they still have reason to be.
    pub fn restarted(&self, positions: &[(Split, Offset)]) -> Result<(), ConnectorError> {
        let mut out = b"{\"job\":".to_vec();
        self.sign(&mut out);
        out.extend_from_slice(format!(",\"time\":{},\"restarted\":[", self.clock.now().0).as_bytes());
        for (index, (split, offset)) in positions.iter().enumerate() {
            out.extend_from_slice(if index > 0 { b",{\"topic\":" } else { b"{\"topic\":" });
            write_string(&mut out, &split.topic);
            out.extend_from_slice(
                format!(",\"partition\":{},\"offset\":{offset}}}", split.partition).as_bytes(),
            );
        }
        out.extend_from_slice(b"]}");
        self.append(&[NewRecord { body: out.into(), ..NewRecord::default() }])
    }

    /// The values of `job` and `job_id`.
    fn sign(&self, out: &mut Vec<u8>) {
        write_string(out, &self.job);
        out.extend_from_slice(b",\"job_id\":");
        write_string(out, &self.job_id);
    }

    fn body(&self, letter: &DeadLetter, now: i64) -> Vec<u8> {
        let mut out = Vec::with_capacity(letter.bytes.len() + 256);
        out.extend_from_slice(b"{\"table\":");
        write_string(&mut out, &letter.table);
        out.extend_from_slice(b",\"topic\":");
        write_string(&mut out, &letter.split.topic);
        out.extend_from_slice(
            format!(
                ",\"partition\":{},\"offset\":{},\"appended\":{},\"time\":{now},\"reason\":",
                letter.split.partition, letter.offset, letter.appended.0
            )
            .as_bytes(),
        );
        write_string(&mut out, &letter.reason);
        out.extend_from_slice(b",\"job\":");
        self.sign(&mut out);
        out.extend_from_slice(b",\"queries\":[");
        for (index, query) in letter.queries.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_string(&mut out, query);
        }
        out.push(b']');
        if letter.counted_elsewhere {
            out.extend_from_slice(b",\"counted_elsewhere\":true");
        }
        match std::str::from_utf8(&letter.bytes) {
            Ok(text) => {
                out.extend_from_slice(b",\"body\":");
                write_string(&mut out, text);
            }
            Err(_) => {
                out.extend_from_slice(b",\"body_base64\":");
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
