//! `weir tail`: prints the feed of a running Weir, one line per row: the built-in analytics, or the rows of a result
//! table.

mod table;

use clap::Args;
use serde_json::{Map, Value};

use super::client::ClientArgs;
use super::socket::{Listener, Next, follow, socket_url};
use super::terminal::{complain, on_one_line, print};
use super::{Failure, Outcome};
use crate::shutdown::Shutdown;

/// The paths of the two feeds.
const ANALYTICS: &str = "/ws/analytics";
const RESULTS: &str = "/ws/results";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Built-in analytic (`faculty`, `overall`, …) or result table, as `weir results` lists them [default: all
    /// analytics]
    #[arg(value_name = "NAME")]
    kind: Option<String>,
    /// Print the rows of the result table, also where an analytic has its name
    #[arg(long, requires = "kind")]
    rows: bool,
    /// Print only rows of a result table that meet these conditions: `word = 'a' AND n > 3`
    #[arg(long = "where", value_name = "CONDITIONS", requires = "kind")]
    conditions: Option<String>,
    /// URL of Weir
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8000")]
    url: String,
    #[command(flatten)]
    client: ClientArgs,
    /// Print one JSON object per row instead of text
    #[arg(long)]
    json: bool,
    /// Begin with the current results
    #[arg(long)]
    initial: bool,
}

pub(super) fn run(arguments: &Arguments, shutdown: Shutdown) -> Result<Outcome, Failure> {
    let analytics = server::analytics_types();
    let table = arguments
        .kind
        .as_deref()
        .filter(|kind| arguments.rows || arguments.conditions.is_some() || !analytics.contains(kind));
    match table {
        Some(table) => table::run(arguments, table, shutdown),
        None => {
            let url = socket_url(&arguments.url, ANALYTICS).map_err(Failure::usage)?;
            follow(&arguments.client, &url, shutdown, &mut Analytics(arguments))
        }
    }
}

/// Prints the analytics.
struct Analytics<'a>(&'a Arguments);

impl Listener for Analytics<'_> {
    fn greeting(&self) -> Option<String> {
        None
    }

    fn take(&mut self, text: &str) -> Result<Next, Failure> {
        complaints(text).iter().for_each(|complaint| complain(complaint));
        lines(self.0, text).iter().try_for_each(|line| print(line))?;
        Ok(Next::Message)
    }
}

/// Returns what the server reports as wrong behind it.
fn complaints(frame: &str) -> Vec<String> {
    let Ok(frame) = serde_json::from_str::<Value>(frame) else { return Vec::new() };
    if frame["type"] != "status" {
        return Vec::new();
    }
    let parts = [("results", "store"), ("events", "log"), ("results", "results"), ("new figures", "jobs")];

    let told = parts.map(|(what, part)| {
        let of = &frame[part];
        let since = of["since"].as_str().map_or_else(String::new, |since| format!(" since {since}"));
        let message = of["message"].as_str()?;
        Some(match of["ok"].as_bool() {
            Some(false) => format!("no {what}{since}: {message}"),
            _ => format!("{what}: {message}{since}"),
        })
    });

    let told: Vec<String> = told.into_iter().flatten().collect();
    if told.is_empty() {
        vec!["the store accepts results, the log accepts events, and the jobs run".to_owned()]
    } else {
        told
    }
}

/// Returns the lines to print for a frame, one per row.
fn lines(arguments: &Arguments, frame: &str) -> Vec<String> {
    let Ok(frame) = serde_json::from_str::<Value>(frame) else { return Vec::new() };
    let time = frame["timestamp"].as_str().unwrap_or_default();

    let update = match frame["type"].as_str() {
        Some("update") => frame["analytics_type"].as_str(),
        Some("initial") if arguments.initial => None,
        _ => return Vec::new(),
    };

    if let (Some(wanted), Some(kind)) = (&arguments.kind, update)
        && wanted != kind
    {
        return Vec::new();
    }
    let Some(data) = frame["data"].as_object() else { return Vec::new() };
    let mut lines = Vec::new();

    for (name, data) in data {
        // The initial snapshot names its parts differently: `popularQuestions` for `popular_queries`.
        let kind = update.unwrap_or(name);
        if arguments.kind.as_deref().is_some_and(|wanted| update.is_none() && wanted != name) {
            continue;
        }
        for row in rows(data) {
            lines.push(match arguments.json {
                true => json_line(kind, time, &row),
                // A sender of events must not control the terminal.
                false => on_one_line(&format!("{time:<19}  {kind:<17}  {}", words(&row))).into_owned(),
            });
        }
    }

    lines
}

/// Returns the rows of one analytic: a list, a list per group (each row then has its group), or one object.
fn rows(data: &Value) -> Vec<Map<String, Value>> {
    let row = |value: &Value| match value {
        Value::Object(fields) => fields.clone(),
        other => Map::from_iter([("value".to_owned(), other.clone())]),
    };
    match data {
        Value::Array(list) => list.iter().map(row).collect(),
        Value::Object(groups) if !groups.is_empty() && groups.values().all(Value::is_array) => groups
            .iter()
            .flat_map(|(group, list)| list.as_array().into_iter().flatten().map(move |value| (group, value)))
            .map(|(group, value)| {
                let mut fields = Map::from_iter([("group".to_owned(), Value::String(group.clone()))]);
                fields.extend(row(value));
                fields
            })
            .collect(),
        other => vec![row(other)],
    }
}

fn json_line(kind: &str, time: &str, row: &Map<String, Value>) -> String {
    serde_json::json!({"type": kind, "timestamp": time, "row": row}).to_string()
}

/// Fields of an answer that are not its data.
const WRAPPING: [&str; 2] = ["status", "days"];

/// Formats a row as `faculty=Khách  query_count=12  avg_response_time=731.20`.
fn words(row: &Map<String, Value>) -> String {
    let word = |(name, value): (&String, &Value)| match value {
        Value::String(text) => format!("{name}={text}"),
        Value::Number(number) if number.is_f64() => {
            format!("{name}={:.2}", number.as_f64().unwrap_or_default())
        }
        Value::Array(list) => format!("{name}=[{}]", list.len()),
        other => format!("{name}={other}"),
    };
    let fields = row.iter().filter(|(name, _)| !WRAPPING.contains(&name.as_str()));
    fields.map(word).collect::<Vec<_>>().join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn arguments(kind: Option<&str>, json: bool, initial: bool) -> Arguments {
        let client = ClientArgs::default();
        Arguments {
            kind: kind.map(str::to_owned),
            rows: false,
            conditions: None,
            url: String::new(),
            client,
            json,
            initial,
        }
    }

    const FACULTY: &str = r#"{"type":"update","analytics_type":"faculty","timestamp":"2025-12-09T11:30:20",
        "data":{"faculty":[{"faculty":"Khách","query_count":2,"avg_response_time":731.196},{"faculty":"unknown","query_count":1}]}}"#;

    #[test]
    fn events_do_not_write_to_the_terminal() {
        let frame = r#"{"type":"update","analytics_type":"faculty","timestamp":"t",
            "data":{"faculty":[{"faculty":"red\u001b[31m\nforged","query_count":1}]}}"#;
        let lines = lines(&arguments(None, false, false), frame);
        assert!(lines.len() == 1 && !lines[0].contains(char::is_control), "{lines:?}");
    }

    #[test]
    fn an_update_is_a_line_a_row() {
        assert_eq!(
            lines(&arguments(None, false, false), FACULTY),
            [
                "2025-12-09T11:30:20  faculty            avg_response_time=731.20  faculty=Khách  query_count=2",
                "2025-12-09T11:30:20  faculty            faculty=unknown  query_count=1",
            ]
        );
        assert_eq!(
            lines(&arguments(Some("faculty"), true, false), FACULTY)[1],
            r#"{"row":{"faculty":"unknown","query_count":1},"timestamp":"2025-12-09T11:30:20","type":"faculty"}"#
        );
    }

    #[test]
    fn other_types_heartbeats_and_what_is_not_understood_are_passed_over() {
        assert!(lines(&arguments(Some("overall"), false, false), FACULTY).is_empty());
        for frame in
            [r#"{"type":"heartbeat"}"#, r#"{"type":"new"}"#, "nonsense", "[]", r#"{"type":"update"}"#]
        {
            assert!(lines(&arguments(None, false, false), frame).is_empty(), "{frame}");
        }
    }

    #[test]
    fn what_is_wrong_behind_the_server_is_said_and_that_it_is_no_longer() {
        let away = r#"{"type":"status","store":{"ok":false,"since":"2025-12-09T14:03:00Z","message":"away"},
            "log":{"ok":true,"message":"slow"}}"#;
        assert_eq!(complaints(away), ["no results since 2025-12-09T14:03:00Z: away", "events: slow"]);
        assert!(lines(&arguments(None, false, false), away).is_empty());
        assert_eq!(complaints(r#"{"type":"status","store":{"ok":true},"log":{"ok":true}}"#).len(), 1);
        assert!(complaints(FACULTY).is_empty() && complaints("nonsense").is_empty());
    }

    #[test]
    fn the_snapshot_is_printed_when_asked_for() {
        let initial = r#"{"type":"initial","data":{"overall":{"total_queries":3},"popularByYear":{"1":[{"query_text":"a"}],"2":[]}}}"#;
        assert!(lines(&arguments(None, false, false), initial).is_empty());
        let all = lines(&arguments(None, false, true), initial);
        assert_eq!(all.len(), 2);
        assert!(all[1].ends_with("group=1  query_text=a"), "{all:?}");
        assert_eq!(lines(&arguments(Some("overall"), false, true), initial).len(), 1);
    }
}
