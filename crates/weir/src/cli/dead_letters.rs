//! `weir dead-letters`: lists events that no job could count, and replays them.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::rest::{JobManager, ManagerArgs};
use super::terminal::{complain, print};
use super::{Failure, Outcome};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    manager: ManagerArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List dead letters, oldest first: id, time, reason, topic and offset, job
    List {
        #[command(flatten)]
        which: Which,
        /// Print one JSON object per dead letter, with the original bytes
        #[arg(long)]
        json: bool,
    },
    /// Print a dead letter with the original bytes
    Show {
        /// Id of the dead letter, as `list` prints it
        id: String,
    },
    /// Append the original events to their topics again, once the cause is fixed: jobs read them again
    Replay {
        /// Ids of the dead letters, as `list` prints them
        #[arg(required_unless_present_any = ["reason", "job", "since", "until"])]
        ids: Vec<String>,
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Debug, Args)]
struct Which {
    /// Only dead letters with this reason: `malformed`, `late`, …
    #[arg(long)]
    reason: Option<String>,
    /// Only dead letters of this job, by name or id
    #[arg(long)]
    job: Option<String>,
    /// Only dead letters written at this time or later, as in 2025-12-09T11:30:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only dead letters written before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Maximum number: a list takes the newest (default 100), a replay the oldest (default all)
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

#[derive(Deserialize)]
struct Letters {
    letters: Vec<Value>,
}

#[derive(Deserialize)]
struct Replay {
    replayed: Vec<String>,
    left: Vec<Left>,
}

#[derive(Deserialize)]
struct Left {
    id: String,
    reason: String,
}

const PATH: &str = "/weir/dead-letters";
/// Default number of dead letters in a list.
const LIMIT: usize = 100;

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let manager = JobManager::new(&arguments.manager)?;
    match &arguments.action {
        Action::List { which, json } => {
            for letter in letters(&manager, which)? {
                print(&if *json { letter.to_string() } else { line(&letter) })?;
            }
            Ok(Outcome::Done)
        }
        Action::Show { id } => {
            let letter: Value = manager.get(&format!("{PATH}/{id}"))?;
            print(&format!("{letter:#}"))?;
            Ok(Outcome::Done)
        }
        Action::Replay { ids, which } if ids.is_empty() => replay(&manager, &which.wanted()),
        Action::Replay { ids, .. } => replay(&manager, &json!({"ids": ids})),
    }
}

fn letters(manager: &JobManager, which: &Which) -> Result<Vec<Value>, Failure> {
    let limit = which.limit.unwrap_or(LIMIT);
    let mut query = format!("limit={limit}");
    for (name, value) in [("reason", &which.reason), ("job", &which.job)] {
        if let Some(value) = value {
            query.push_str(&format!("&{name}={}", encoded(value)));
        }
    }
    for (name, time) in [("since", which.since), ("until", which.until)] {
        if let Some(time) = time {
            query.push_str(&format!("&{name}={}", time.as_millisecond()));
        }
    }
    let letters = manager.get::<Letters>(&format!("{PATH}?{query}"))?.letters;
    if letters.len() >= limit {
        complain(&format!("these are the newest {}; there may be more, see --limit", letters.len()));
    }
    Ok(letters)
}

impl Which {
    /// Returns the filter as the body of a replay.
    fn wanted(&self) -> Value {
        json!({
            "reason": self.reason,
            "job": self.job,
            "since": self.since.map(|time| time.as_millisecond()),
            "until": self.until.map(|time| time.as_millisecond()),
            "limit": self.limit,
        })
    }
}

fn replay(manager: &JobManager, wanted: &Value) -> Result<Outcome, Failure> {
    let outcome: Replay = manager.post(&format!("{PATH}/replay"), wanted)?;
    for id in &outcome.replayed {
        print(id)?;
    }
    for Left { id, reason } in &outcome.left {
        complain(&format!("{id} is skipped: {reason}"));
    }
    complain(&format!("{} replayed, {} skipped", outcome.replayed.len(), outcome.left.len()));
    Ok(if outcome.left.is_empty() { Outcome::Done } else { Outcome::No })
}

fn line(letter: &Value) -> String {
    let time =
        letter["time"].as_i64().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    let replayed = if letter["replayed"] == true { "  (replayed)" } else { "" };
    format!(
        "{:<10}  {time:.0}  {}  {}-{} at {}  {}{replayed}",
        text(letter, "id"),
        text(letter, "reason"),
        text(letter, "topic"),
        letter["partition"],
        letter["offset"],
        text(letter, "job"),
    )
}

fn text<'a>(letter: &'a Value, name: &str) -> &'a str {
    letter[name].as_str().unwrap_or_default()
}

/// Encodes a text as a part of a URL's query.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte.into()),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_takes_any_text() {
        assert_eq!(encoded("missing query_id"), "missing%20query_id");
        assert_eq!(encoded("Học?&=#"), "H%E1%BB%8Dc%3F%26%3D%23");
    }
}
