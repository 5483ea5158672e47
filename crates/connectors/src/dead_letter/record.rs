//! Encoding of dead letters as records of the dead-letter topic.

use engine::connector::{Carried, DeadLetter};
use serde::{Deserialize, Serialize};
use storage::log::{Attributes, NewRecord, Span};
use types::Timestamp;

/// The header that marks a record as a dead letter.
const HEADER: &str = "weir.dead-letter";
/// Number of bytes kept of a body that is too large for the topic.
const CUT_BYTES: usize = 64 << 10;
/// Number of bytes kept of the reason for such a record.
const CUT_REASON_BYTES: usize = 1 << 10;

/// Position of a dead letter in the dead-letter topic, such as `0-17`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeadLetterId {
    pub partition: u32,
    pub offset: u64,
}

/// The position of the original record, and the reason why it was not counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterInfo {
    pub table: String,
    pub topic: String,
    pub partition: u32,
    pub offset: u64,
    /// Time of the original record, in milliseconds since 1970.
    pub appended: i64,
    /// Time at which the dead letter was written, in milliseconds since 1970.
    pub time: i64,
    /// A kind (`malformed`, `late`, …), optionally followed by a colon and details.
    pub reason: String,
    pub job: String,
    #[serde(default)]
    pub job_id: String,
    /// The queries that dropped a late row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queries: Vec<String>,
    /// Whether other queries have counted the record, so that a replay would count it twice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub counted_elsewhere: bool,
    /// Set if the body is truncated; describes the whole body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Whole>,
}

/// Identifies a body that is stored truncated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whole {
    pub bytes: u64,
    /// XXH3-128 of the body, as 32 hexadecimal digits.
    pub xxh3: String,
}

/// How much of the original record a dead letter contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    /// Neither key nor headers, and only the first 64 KiB of the body.
    Cut,
}

/// The job that writes dead letters.
pub(super) struct Author<'a> {
    pub job: &'a str,
    pub job_id: &'a str,
}

impl DeadLetterInfo {
    /// Returns the original record's topic, partition and offset.
    pub fn record(&self) -> (String, u32, u64) {
        (self.topic.clone(), self.partition, self.offset)
    }
}

/// Encodes a dead letter as a record.
pub(super) fn encode(letter: &DeadLetter, author: &Author<'_>, now: Timestamp, extent: Extent) -> NewRecord {
    let is_cut = extent == Extent::Cut;
    let reason = match is_cut {
        true => &letter.reason[..letter.reason.floor_char_boundary(CUT_REASON_BYTES)],
        false => &letter.reason,
    };
    let info = DeadLetterInfo {
        table: letter.table.clone(),
        topic: letter.split.topic.clone(),
        partition: letter.split.partition,
        offset: letter.offset.0,
        appended: letter.appended.0,
        time: now.0,
        reason: reason.to_owned(),
        job: author.job.to_owned(),
        job_id: author.job_id.to_owned(),
        queries: letter.queries.clone(),
        counted_elsewhere: letter.counted_elsewhere,
        cut: is_cut.then(|| Whole { bytes: letter.bytes.len() as u64, xxh3: digest(&letter.bytes) }),
    };
    let info = serde_json::to_vec(&info).expect("a dead letter's description is plain data");

    let Carried { key, mut headers } = if is_cut { Carried::default() } else { letter.carried.clone() };
    headers.push((HEADER.to_owned(), Some(info)));
    let body = if is_cut { &letter.bytes[..letter.bytes.len().min(CUT_BYTES)] } else { &letter.bytes[..] };
    NewRecord { key, body: body.to_vec().into(), headers, time: None }
}

/// A decoded dead letter: its description, and the stored parts of the original record.
pub(super) struct Decoded {
    pub info: DeadLetterInfo,
    pub body: Vec<u8>,
    pub carried: Carried,
}

/// Decodes a record of the dead-letter topic; `None` if it is a mark or an unknown record.
pub(super) fn decode(body: &[u8], attributes: Option<&Attributes>, data: &[u8]) -> Option<Decoded> {
    let mut carried = attributes.map(|of| carried(of, data)).unwrap_or_default();
    // The last header is the right one: a record may come from another dead-letter topic.
    if let Some(at) = carried.headers.iter().rposition(|(name, _)| name == HEADER) {
        let (_, value) = carried.headers.remove(at);
        let info = serde_json::from_slice(&value?).ok()?;
        return Some(Decoded { info, body: body.to_vec(), carried });
    }
    let Embedded { info, body, body_base64 } = serde_json::from_slice(body).ok()?;
    let body = match (body, body_base64) {
        (Some(text), _) => text.into_bytes(),
        (None, text) => base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text?).ok()?,
    };
    Some(Decoded { info, body, carried: Carried::default() })
}

/// A dead letter in the format of earlier versions, with the original body in the JSON object.
#[derive(Deserialize)]
struct Embedded {
    #[serde(flatten)]
    info: DeadLetterInfo,
    body: Option<String>,
    body_base64: Option<String>,
}

/// Copies the key and headers of a fetched record.
pub(crate) fn carried(attributes: &Attributes, data: &[u8]) -> Carried {
    let bytes = |span: Span| data.get(span.start as usize..span.end as usize).unwrap_or_default().to_vec();
    let headers = attributes
        .headers
        .iter()
        .map(|(name, value)| (String::from_utf8_lossy(&bytes(*name)).into_owned(), value.map(bytes)));
    Carried { key: attributes.key.map(bytes), headers: headers.collect() }
}

/// Returns the XXH3-128 of bytes, as 32 hexadecimal digits.
pub(super) fn digest(bytes: &[u8]) -> String {
    format!("{:032x}", xxhash_rust::xxh3::xxh3_128(bytes))
}

impl std::fmt::Display for DeadLetterId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.partition, self.offset)
    }
}

/// The error for a text that is not of the form `0-17`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the id of a dead letter, such as 0-17")]
pub struct InvalidDeadLetterId(String);

impl std::str::FromStr for DeadLetterId {
    type Err = InvalidDeadLetterId;

    fn from_str(text: &str) -> Result<DeadLetterId, InvalidDeadLetterId> {
        let parts = text.split_once('-').and_then(|(partition, offset)| {
            Some(DeadLetterId { partition: partition.parse().ok()?, offset: offset.parse().ok()? })
        });
        parts.ok_or_else(|| InvalidDeadLetterId(text.to_owned()))
    }
}
