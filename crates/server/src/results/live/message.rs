//! The messages of `/ws/results` and of the events of a table. `/asyncapi.json` describes them.

use bytes::Bytes;
use serde::Deserialize;

use super::super::cell::write_string;

/// Why a client gets a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// The client has no token.
    New,
    /// The token is of an earlier process, or of rows that were loaded again since.
    Restarted,
    /// More changes were missed than are remembered.
    Behind,
    /// All rows were loaded again, or the table was declared with other columns.
    Reloaded,
}

impl Reason {
    fn name(self) -> &'static str {
        match self {
            Reason::New => "new",
            Reason::Restarted => "restarted",
            Reason::Behind => "behind",
            Reason::Reloaded => "reloaded",
        }
    }
}

/// The common part of messages about a table.
pub(super) struct Head<'a> {
    pub(super) id: &'a str,
    pub(super) table: &'a str,
    pub(super) token: &'a str,
}

impl Head<'_> {
    /// `rows` is a list of JSON objects without brackets.
    pub(super) fn snapshot(&self, reason: Reason, rows: &[u8], is_complete: bool) -> Bytes {
        let mut json = self.begin("snapshot");
        let end = format!(",\"reason\":\"{}\",\"is_complete\":{is_complete},\"rows\":[", reason.name());
        json.extend_from_slice(end.as_bytes());
        json.extend_from_slice(rows);
        json.extend_from_slice(b"]}");
        json.into()
    }

    /// `rows` and `removed` are lists of JSON objects and of keys, without brackets.
    pub(super) fn changes(&self, rows: &[u8], removed: &[u8]) -> Bytes {
        let mut json = self.begin("changes");
        json.extend_from_slice(b",\"removed\":[");
        json.extend_from_slice(removed);
        json.extend_from_slice(b"],\"rows\":[");
        json.extend_from_slice(rows);
        json.extend_from_slice(b"]}");
        json.into()
    }

    fn begin(&self, kind: &str) -> Vec<u8> {
        let mut json = format!("{{\"type\":\"{kind}\"").into_bytes();
        for (name, value) in [("id", self.id), ("table", self.table), ("token", self.token)] {
            json.extend_from_slice(format!(",\"{name}\":").as_bytes());
            write_string(value, &mut json);
        }
        json
    }
}

/// Returns the answer to `unsubscribe`.
pub(super) fn unsubscribed(id: &str) -> Vec<u8> {
    let mut json = b"{\"type\":\"unsubscribed\",\"id\":".to_vec();
    write_string(id, &mut json);
    json.push(b'}');
    json
}

/// Returns the answer to `subscribe` while the rows are being loaded.
pub(super) fn not_loaded(id: &str, message: &str) -> Vec<u8> {
    let mut json = error(Some(id), message);
    json.pop();
    json.extend_from_slice(b",\"retry\":true}");
    json
}

/// Returns a message about a mistake; `id` names the subscription, if it is about one.
pub(super) fn error(id: Option<&str>, message: &str) -> Vec<u8> {
    let mut json = b"{\"type\":\"error\"".to_vec();
    for (name, value) in id.map(|id| ("id", id)).into_iter().chain([("message", message)]) {
        json.extend_from_slice(format!(",\"{name}\":").as_bytes());
        write_string(value, &mut json);
    }
    json.push(b'}');
    json
}

/// A message of a client.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Request {
    Subscribe {
        table: String,
        /// The client's name for the subscription; by default the table's.
        id: Option<String>,
        r#where: Option<String>,
        limit: Option<usize>,
        token: Option<String>,
    },
    Unsubscribe {
        id: String,
    },
    Ping,
}
