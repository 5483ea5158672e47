//! Checkpoint options of scripts and settings: Flink's keys, in the spellings of Flink 2 and earlier.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sql::error::Diagnostic;
use sql::plan::Settings;

use crate::setting::Keys;

/// When checkpoints are taken, and where they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointOptions {
    /// Time from one trigger to the next; `None` to take checkpoints only on request.
    pub interval: Option<Duration>,
    /// Minimum time from the end of a checkpoint to the next trigger.
    pub min_pause: Duration,
    /// Duration after which a checkpoint is abandoned.
    pub timeout: Duration,
    /// Number of checkpoints that are kept.
    pub retained: usize,
    /// Number of consecutive failed checkpoints beyond which the job fails; `None` for no limit.
    pub tolerable_failures: Option<u32>,
    /// A directory, or its URL.
    pub directory: String,
    /// Directory of savepoints that are requested without a location.
    pub savepoints: String,
    /// Bytes that checkpoints leave free on the disk, so that other writers can continue.
    pub keep_free_bytes: u64,
    /// Size in bytes below which a part of an operator's state is written into the envelope instead of a file
    /// of its own.
    #[serde(default = "usual_inline_below")]
    pub inline_below: u64,
}

/// Default threshold. A separate file costs an fsync, which takes as long as writing some hundred kilobytes.
pub const INLINE_BELOW: u64 = 256 << 10;

fn usual_inline_below() -> u64 {
    INLINE_BELOW
}

impl CheckpointOptions {
    /// Reads the options of a script; `defaults` apply to keys that are not set.
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
