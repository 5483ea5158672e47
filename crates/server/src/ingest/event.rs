//! Accepts events and converts them to records.
//!
//! Three fields identify an event of the main topic and tell its time; other topics accept any JSON object.
//! The body is stored as it arrived.

use bytes::Bytes;
use storage::log::NewRecord;

use super::scan::{Fields, Held, Scanned, unescape};

/// Conditions on the events of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rules {
    /// A JSON object with a `query_id` and a time.
    Query,
    /// A JSON object.
    AnyObject,
}

/// Cause for which one event was rejected. The producer reads its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Reason {
    #[error("malformed JSON")]
    Malformed,
    #[error("not UTF-8")]
    NotText,
    #[error("not a JSON object")]
    NotAnObject,
    #[error("query_id is missing")]
    NoId,
    #[error("query_id is null")]
    NullId,
    #[error("query_id is not a string")]
    IdNotAString,
    #[error("query_id holds half a surrogate pair")]
    IdNotText,
    #[error("neither timestamp nor ts is a string")]
    NoTime,
    #[error("larger than {limit} bytes")]
    TooLarge { limit: usize },
}

/// Converts a scanned event to a record whose key is the `query_id`.
pub(crate) fn record(scanned: Scanned<'_>, body: Bytes, rules: Rules) -> Result<NewRecord, Reason> {
    let Scanned::Object(fields) = scanned else { return Err(Reason::NotAnObject) };
    let key = match rules {
        Rules::Query => Some(identity(&fields)?),
        Rules::AnyObject => identity(&fields).ok(),
    };
    if rules == Rules::Query
        && !matches!((fields.timestamp, fields.ts), (Held::Text(_), _) | (_, Held::Text(_)))
    {
        return Err(Reason::NoTime);
    }
    Ok(NewRecord { key, body, ..NewRecord::default() })
}

fn identity(fields: &Fields<'_>) -> Result<Vec<u8>, Reason> {
    match fields.query_id {
        Held::Text(inner) if !inner.contains(&b'\\') => Ok(inner.to_vec()),
        Held::Text(inner) => unescape(inner).map(String::into_bytes).ok_or(Reason::IdNotText),
        Held::Missing => Err(Reason::NoId),
        Held::Null => Err(Reason::NullId),
        Held::Other => Err(Reason::IdNotAString),
    }
}
