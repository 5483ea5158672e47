//! Encoding of rows in the store's keyspace `rows`: under the row's key stands its expiry, 8 bytes big endian,
//! milliseconds since 1970, then the JSON.

use std::sync::Arc;
use std::time::Duration;

use types::Timestamp;

use super::{Entry, StoreError};

/// Expiry of a row that does not expire.
pub(crate) const NEVER: Timestamp = Timestamp(i64::MAX);

const EXPIRY_BYTES: usize = 8;

/// Limit of keys: that of fjall's keys, less some bytes that a format of rows may need.
const KEY_BYTES_MAX: usize = 65_535 - EXPIRY_BYTES;

pub(crate) fn check_key(key: &str) -> Result<(), StoreError> {
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err(StoreError::InvalidKey { bytes: key.len(), limit: KEY_BYTES_MAX });
    }
    Ok(())
}

pub(crate) fn expires(now: Timestamp, ttl: Duration) -> Timestamp {
    Timestamp(now.0.saturating_add(i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX)))
}

pub(crate) fn encode(expires: Timestamp, value: &[u8]) -> Vec<u8> {
    let mut row = Vec::with_capacity(EXPIRY_BYTES + value.len());
    row.extend(expires.0.to_be_bytes());
    row.extend_from_slice(value);
    row
}

/// Decodes the expiry and value of a row.
pub(crate) fn decode(row: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (expires, value) = row.split_first_chunk::<EXPIRY_BYTES>()?;
    Some((Timestamp(i64::from_be_bytes(*expires)), value))
}

/// Decodes the row under a key; `None` if it has expired.
pub(crate) fn entry(key: &[u8], row: &[u8], now: Timestamp) -> Result<Option<Entry>, StoreError> {
    let damaged =
        || StoreError::Corrupt { place: format!("the row under `{}`", String::from_utf8_lossy(key)) };
    let (expires, value) = decode(row).ok_or_else(damaged)?;
    if expires <= now {
        return Ok(None);
    }
    let key = std::str::from_utf8(key).map_err(|_| damaged())?;
    Ok(Some(Entry { key: key.into(), value: Arc::from(value), expires }))
}
