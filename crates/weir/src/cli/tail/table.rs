//! The rows of a result table as they change. A lost connection resumes where it ended.

use serde_json::{Map, Value, json};

use super::{Arguments, RESULTS, words};
use crate::cli::socket::{Listener, Next, follow, socket_url};
use crate::cli::terminal::{complain, on_one_line, print};
use crate::cli::{Failure, Outcome};
use crate::shutdown::Shutdown;

pub(super) fn run(arguments: &Arguments, table: &str, shutdown: Shutdown) -> Result<Outcome, Failure> {
    let url = socket_url(&arguments.url, RESULTS).map_err(Failure::usage)?;
    let mut rows = RowPrinter { arguments, table, token: None };
    follow(&arguments.client, &url, shutdown, &mut rows)
}

struct RowPrinter<'a> {
    arguments: &'a Arguments,
    table: &'a str,
    /// The token of the last message.
    token: Option<String>,
}

impl Listener for RowPrinter<'_> {
    fn greeting(&self) -> Option<String> {
        let mut subscribe = json!({"type": "subscribe", "table": self.table, "where": self.arguments.conditions,
            "token": self.token});
        // Without a token the first message has the rows that were there before.
        if self.token.is_none() && !self.arguments.initial {
            subscribe["limit"] = json!(0);
        }
        Some(subscribe.to_string())
    }

    fn take(&mut self, text: &str) -> Result<Next, Failure> {
        let Ok(message) = serde_json::from_str::<Value>(text) else { return Ok(Next::Message) };
        if message["type"] == "error" {
            let why = message["message"].as_str().unwrap_or("the server refuses").to_owned();
            // After a restart, Weir first loads the rows.
            return match message["retry"] == true {
                true => Ok(Next::Connection(why)),
                false => Err(Failure::failed(anyhow::anyhow!(why))),
            };
        }
        if let Some(token) = message["token"].as_str() {
            self.token = Some(token.to_owned());
        }
        if let Some(remark) = remark(&message) {
            complain(remark);
        }
        lines(self.arguments.json, &message).iter().try_for_each(|line| print(line))?;
        Ok(Next::Message)
    }
}

/// Returns what a user should know about a snapshot that was not expected.
fn remark(message: &Value) -> Option<&'static str> {
    match message["reason"].as_str()? {
        "behind" => Some("too many changes were missed: the newest rows follow"),
        "restarted" => Some("Weir has restarted: the newest rows follow"),
        "reloaded" => Some("the rows were loaded again: the newest rows follow"),
        _ => None,
    }
}

/// Returns the lines to print for a message, one per row; of a snapshot, the oldest row first.
fn lines(is_json: bool, message: &Value) -> Vec<String> {
    let table = message["table"].as_str().unwrap_or_default();
    let removed = message["removed"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let removed = removed.map(|key| match is_json {
        true => json!({"table": table, "removed": key}).to_string(),
        false => on_one_line(&format!("{:<19}  removed   {key}", "")).into_owned(),
    });

    let mut rows: Vec<&Map<String, Value>> =
        message["rows"].as_array().into_iter().flatten().filter_map(Value::as_object).collect();
    if message["type"] == "snapshot" {
        rows.reverse();
    }
    let rows = rows.into_iter().map(|row| match is_json {
        true => json!({"table": table, "row": row}).to_string(),
        false => on_one_line(&line(row)).into_owned(),
    });
    removed.chain(rows).collect()
}

/// Formats a row as `2025-12-09T11:31:00  early     n=3  window_end=…  word=a`.
fn line(row: &Map<String, Value>) -> String {
    let time = row.get("_time").and_then(Value::as_str).unwrap_or_default();
    let stage = match (row.get("_is_final"), row.get("_revision").and_then(Value::as_i64)) {
        (Some(Value::Bool(false)), _) => "early".to_owned(),
        (_, Some(revision @ 1..)) => format!("final r{revision}"),
        _ => "final".to_owned(),
    };
    let columns = row.iter().filter(|(name, _)| !name.starts_with('_'));
    let columns: Map<String, Value> = columns.map(|(name, value)| (name.clone(), value.clone())).collect();
    format!("{time:<19}  {stage:<8}  {}", words(&columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_loads_rows_is_asked_again_and_a_mistake_ends_the_command() {
        let arguments = super::super::tests::arguments(Some("words"), false, false);
        let mut rows = RowPrinter { arguments: &arguments, table: "words", token: Some("1f-4".to_owned()) };
        let error = |more: &str| format!(r#"{{"type":"error","id":"words","message":"a reason"{more}}}"#);

        let next = rows.take(&error(r#","retry":true"#)).unwrap();
        assert_eq!(next, Next::Connection("a reason".to_owned()));
        // The rows that come next are those after the last message.
        assert!(rows.greeting().unwrap().contains("1f-4"));
        assert!(rows.take(&error("")).is_err() && rows.take(&error(r#","retry":false"#)).is_err());
    }

    #[test]
    fn a_row_is_a_line_with_its_time_and_whether_it_is_final() {
        let row = |is_final: bool, revision: i64, word: &str| {
            json!({"word": word, "n": 3, "window_end": "2025-12-09 11:31:00", "_key": "k",
                "_time": "2025-12-09T11:31:00", "_is_final": is_final, "_revision": revision})
        };
        let message = json!({"type": "changes", "table": "words", "removed": ["w:x"],
            "rows": [row(false, 0, "a"), row(true, 0, "b"), row(true, 2, "c\u{1b}")]});
        assert_eq!(
            lines(false, &message),
            [
                "                     removed   w:x",
                "2025-12-09T11:31:00  early     n=3  window_end=2025-12-09 11:31:00  word=a",
                "2025-12-09T11:31:00  final     n=3  window_end=2025-12-09 11:31:00  word=b",
                r"2025-12-09T11:31:00  final r2  n=3  window_end=2025-12-09 11:31:00  word=c\u{1b}",
            ]
        );
        let json = lines(true, &message);
        assert_eq!(json[0], r#"{"removed":"w:x","table":"words"}"#);
        assert!(json[1].starts_with(r#"{"row":{"_is_final":false,"#), "{}", json[1]);
        assert!(lines(false, &json!({"type": "heartbeat"})).is_empty());
    }
}
