//! Encoding of rows and of the index of their expiry in the store's two keyspaces.
//!
//! | keyspace | key | value |
//! | --- | --- | --- |
//! | `rows` | the row's key | its expiry, 8 bytes big endian, milliseconds since 1970, then the JSON |
//! | `expiry` | number of a period, 8 bytes big endian, then the row's key | empty |
//!
//! A period is ten minutes: a row that is overwritten every second is in the index once per period, not once
//! per write. Expired rows are never returned, so they may stay on disk for a period longer.

use std::sync::Arc;
use std::time::Duration;

use types::Timestamp;

use super::{Entry, StoreError};

/// Expiry of a row that does not expire.
pub(crate) const NEVER: Timestamp = Timestamp(i64::MAX);

const PERIOD_MS: i64 = 10 * 60 * 1_000;
const EXPIRY_BYTES: usize = 8;

/// fjall takes keys of 65,535 bytes, and the index prefixes keys with the period.
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

/// Returns the index key of a row.
pub(crate) fn index(expires: Timestamp, key: &str) -> Vec<u8> {
    let mut index = Vec::with_capacity(EXPIRY_BYTES + key.len());
    index.extend(period(expires).to_be_bytes());
    index.extend_from_slice(key.as_bytes());
    index
}

/// Returns the bound of the index keys whose rows have expired or were overwritten since.
pub(crate) fn index_until(now: Timestamp) -> [u8; EXPIRY_BYTES] {
    period(now).to_be_bytes()
}

/// Returns the row's key that an index key ends in.
pub(crate) fn indexed_key(index: &[u8]) -> &[u8] {
    index.get(EXPIRY_BYTES..).unwrap_or_default()
}

fn period(time: Timestamp) -> u64 {
    time.0.max(0).unsigned_abs() / PERIOD_MS.unsigned_abs()
}
