//! The time of each token's last use, exact to about a minute, so that unused tokens can be found.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use types::Timestamp;

const NAME: &str = "tokens-used.json";
/// Interval of writes to the file, when anything was used.
const WRITE_EVERY: Duration = Duration::from_secs(30);

/// Milliseconds since 1970, by token id.
type Times = BTreeMap<String, i64>;

pub(super) struct Uses {
    path: Option<PathBuf>,
    state: Mutex<RecordedUses>,
}

#[derive(Default)]
struct RecordedUses {
    times: Times,
    is_new: bool,
    written: Duration,
}

impl Uses {
    /// Continues with the file beside the file of tokens.
    pub(super) fn beside(tokens: Option<&Path>) -> Uses {
        let path = tokens.map(|tokens| tokens.with_file_name(NAME));
        let times = tokens.map(last_uses).unwrap_or_default();
        Uses { path, state: Mutex::new(RecordedUses { times, ..RecordedUses::default() }) }
    }

    pub(super) fn note(&self, id: &str, now: Timestamp) {
        let mut state = self.state.lock();
        match state.times.get_mut(id) {
            Some(time) => *time = now.0,
            None => drop(state.times.insert(id.to_owned(), now.0)),
        }
        state.is_new = true;
    }

    /// Writes new uses of existing tokens, if a write is due.
    pub(super) fn write(&self, is_known: impl Fn(&str) -> bool, elapsed: Duration) {
        let Some(path) = &self.path else { return };
        let text = {
            let mut state = self.state.lock();
            let is_due = state.written.is_zero() || elapsed >= state.written + WRITE_EVERY;
            if !state.is_new || !is_due {
                return;
            }
            state.times.retain(|id, _| is_known(id));
            (state.is_new, state.written) = (false, elapsed.max(Duration::from_nanos(1)));
            serde_json::to_vec(&state.times)
        };
        // A torn file counts as empty, and the next write is complete.
        let written = text.map_err(std::io::Error::from).and_then(|text| fs::write(path, text));
        if let Err(error) = written {
            tracing::debug!(%error, path = %path.display(), "the last uses of tokens could not be saved");
        }
    }
}

/// Reads the file beside a file of tokens; returns nothing where it cannot be read.
pub(super) fn last_uses(tokens: &Path) -> Times {
    let text = fs::read(tokens.with_file_name(NAME)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_written_now_and_then_and_of_known_tokens_only() {
        let directory = tempfile::tempdir().expect("a directory");
        let tokens = directory.path().join("tokens.json");
        let uses = Uses::beside(Some(&tokens));
        let at = Duration::from_secs;
        uses.note("a", Timestamp(5));
        uses.note("gone", Timestamp(6));
        uses.write(|id| id == "a", at(1));
        assert_eq!(last_uses(&tokens), Times::from([("a".to_owned(), 5)]));
        uses.note("a", Timestamp(9));
        uses.write(|_| true, at(2));
        assert_eq!(last_uses(&tokens)["a"], 5, "not so soon again");
        uses.write(|_| true, at(31));
        assert_eq!(last_uses(&tokens)["a"], 9);
        assert_eq!(Uses::beside(Some(&tokens)).state.lock().times["a"], 9);
    }
}
