//! What a script and the settings say about checkpoints: Flink's keys, those of Flink 2 and those before.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sql::error::Diagnostic;
use sql::plan::Settings;

use crate::setting::Keys;

/// When checkpoints are taken, and where they lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointOptions {
    /// From the beginning of one to the beginning of the next; `None`: only when asked.
    pub interval: Option<Duration>,
    /// From the end of one to the beginning of the next, at least.
    pub min_pause: Duration,
    /// One that takes longer is abandoned.
    pub timeout: Duration,
    /// So many of the newest are kept.
    pub retained: usize,
    /// The job fails when more than so many in a row fail; `None`: never for that.
    pub tolerable_failures: Option<u32>,
    /// A directory, or a URL of one.
    pub directory: String,
    /// Where savepoints go that are asked for without a place.
    pub savepoints: String,
    /// None is written that would leave less free on the disk: what else writes there needs some room to go on.
    pub keep_free_bytes: u64,
    /// Parts of an operator's state of fewer bytes are written into the envelope, and not to files of their own.
    #[serde(default = "usual_inline_below")]
    pub inline_below: u64,
}

/// A file of its own costs an fsync, which takes as long as writing some hundred kilobytes.
pub const INLINE_BELOW: u64 = 256 << 10;

fn usual_inline_below() -> u64 {
    INLINE_BELOW
}

impl CheckpointOptions {
    /// `defaults` hold where a script sets nothing.
    pub fn read(
        settings: &Settings,
        defaults: &CheckpointOptions,
    ) -> Result<CheckpointOptions, Vec<Diagnostic>> {
        let mut keys = Keys::new(settings);
        let interval = keys.duration(&["execution.checkpointing.interval"]);
        let options = CheckpointOptions {
            interval: match interval {
                Some(interval) => Some(interval).filter(|interval| !interval.is_zero()),
                None => defaults.interval,
            },
            min_pause: keys.duration(&["execution.checkpointing.min-pause"]).unwrap_or(defaults.min_pause),
            timeout: keys
                .duration(&["execution.checkpointing.timeout"])
                .filter(|timeout| !timeout.is_zero())
                .unwrap_or(defaults.timeout),
            retained: keys
                .number(&["execution.checkpointing.num-retained", "state.checkpoints.num-retained"], 1)
                .map_or(defaults.retained, |number| number as usize),
            tolerable_failures: keys
                .number(&["execution.checkpointing.tolerable-failed-checkpoints"], 0)
                .or(defaults.tolerable_failures),
            directory: keys
                .text(&["execution.checkpointing.dir", "state.checkpoints.dir"])
                .unwrap_or_else(|| defaults.directory.clone()),
            savepoints: keys
                .text(&["execution.checkpointing.savepoint-dir", "state.savepoints.dir"])
                .unwrap_or_else(|| defaults.savepoints.clone()),
            keep_free_bytes: defaults.keep_free_bytes,
            inline_below: keys
                .size(&["execution.checkpointing.data-inline-threshold", "state.storage.fs.memory-threshold"])
                .unwrap_or(defaults.inline_below),
        };
        keys.finish(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults() -> CheckpointOptions {
        CheckpointOptions {
            interval: Some(Duration::from_secs(10)),
            min_pause: Duration::ZERO,
            timeout: Duration::from_secs(600),
            retained: 3,
            tolerable_failures: None,
            directory: "here".to_owned(),
            savepoints: "there".to_owned(),
            keep_free_bytes: 0,
            inline_below: INLINE_BELOW,
        }
    }

    fn read(set: &[(&str, &str)]) -> Result<CheckpointOptions, Vec<Diagnostic>> {
        let all = set.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        CheckpointOptions::read(&Settings { all, ..Settings::default() }, &defaults())
    }

    #[test]
    fn a_script_that_says_nothing_gets_the_defaults() {
        assert_eq!(read(&[]).unwrap(), defaults());
    }

    #[test]
    fn old_and_new_names_are_read_and_zero_turns_them_off() {
        let set = [
            ("execution.checkpointing.interval", "0"),
            ("execution.checkpointing.min-pause", "500 ms"),
            ("execution.checkpointing.timeout", "1 min"),
            ("state.checkpoints.num-retained", "7"),
            ("execution.checkpointing.tolerable-failed-checkpoints", "2"),
            ("state.checkpoints.dir", "file:///old"),
            ("execution.checkpointing.savepoint-dir", "file:///new"),
        ];
        let expected = CheckpointOptions {
            interval: None,
            min_pause: Duration::from_millis(500),
            timeout: Duration::from_secs(60),
            retained: 7,
            tolerable_failures: Some(2),
            directory: "file:///old".to_owned(),
            savepoints: "file:///new".to_owned(),
            keep_free_bytes: 0,
            inline_below: INLINE_BELOW,
        };
        assert_eq!(read(&set).unwrap(), expected);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let wrong = read(&[
            ("execution.checkpointing.interval", "often"),
            ("state.checkpoints.num-retained", "0"),
            ("execution.checkpointing.tolerable-failed-checkpoints", "some"),
        ]);
        let wrong = wrong.unwrap_err();
        assert_eq!(wrong.len(), 3, "{wrong:#?}");
        assert!(wrong[0].message.contains("execution.checkpointing.interval"), "{wrong:#?}");
    }
}
