//! Dead letters as the routes answer them. Times are milliseconds since 1970.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jobs::dead_letters::{DeadLetterInfo, StoredDeadLetter};
use serde::Serialize;
use utoipa::ToSchema;

/// A dead letter.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct LetterView {
    /// Position in the dead-letter topic.
    id: String,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    info: DeadLetterInfo,
    replayed: bool,
    /// Original key, as text.
    key: Option<String>,
    /// Original headers, in order.
    headers: Vec<HeaderView>,
    /// Original bytes, as text; invalid UTF-8 is replaced. At most `?body_bytes=` bytes.
    body: String,
    /// Original bytes in base64, where they are not UTF-8 and the body is whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    /// Number of stored bytes.
    body_bytes: usize,
}

/// A header of a record, as text.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct HeaderView {
    name: String,
    value: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct Letters {
    pub(super) letters: Vec<LetterView>,
    /// Value of `?before=` for the dead letters before these; null if there are none.
    pub(super) next: Option<String>,
}

/// Outcome of a replay, or of its dry run.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct Replay {
    pub(super) replayed: Vec<String>,
    pub(super) left: Vec<Left>,
}

/// A dead letter that was not replayed.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct Left {
    pub(super) id: String,
    pub(super) reason: String,
}

impl LetterView {
    /// Converts a dead letter; its body is cut behind `body_bytes`.
    pub(super) fn of(letter: &StoredDeadLetter, body_bytes: usize) -> LetterView {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = letter.carried.headers.iter();
        let shown = &letter.body[..body_bytes.min(letter.body.len())];
        let is_text = shown.len() < letter.body.len() || std::str::from_utf8(shown).is_ok();

        LetterView {
            id: letter.id.to_string(),
            info: letter.info.clone(),
            replayed: letter.replayed,
            key: letter.carried.key.as_deref().map(text),
            headers: headers
                .map(|(name, value)| HeaderView { name: name.clone(), value: value.as_deref().map(text) })
                .collect(),
            body: text(shown),
            body_base64: (!is_text).then(|| STANDARD.encode(shown)),
            body_bytes: letter.body.len(),
        }
    }
}
