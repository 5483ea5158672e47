//! How rows and the index of their expiry lie in the store's two keyspaces.
//!
//! | keyspace | key | value |
//! | --- | --- | --- |
//! | `rows` | the row's key | when it expires, 8 bytes big endian, milliseconds since 1970, then the JSON |
//! | `expiry` | a period's number, 8 bytes big endian, then the row's key | nothing |
//!
//! A period is ten minutes: a row that is overwritten every second is in the index once a period, not once a write.
//! What has expired is never returned, so it matters little that it lies there a period longer.

use std::sync::Arc;
use std::time::Duration;

use types::Timestamp;

use super::{Entry, StoreError};

/// Stands for no expiry.
pub(crate) const NEVER: Timestamp = Timestamp(i64::MAX);

const PERIOD_MS: i64 = 10 * 60 * 1_000;
const EXPIRY_BYTES: usize = 8;

/// fjall takes keys of 65,535 bytes, and the index puts a number before them.
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

/// When a row expires, and its value.
pub(crate) fn decode(row: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (expires, value) = row.split_first_chunk::<EXPIRY_BYTES>()?;
    Some((Timestamp(i64::from_be_bytes(*expires)), value))
}

/// The row under a key, `None` if it has expired.
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

/// The index key of a row.
pub(crate) fn index(expires: Timestamp, key: &str) -> Vec<u8> {
    let mut index = Vec::with_capacity(EXPIRY_BYTES + key.len());
    index.extend(period(expires).to_be_bytes());
    index.extend_from_slice(key.as_bytes());
    index
}

/// Every index key before this is of rows that had expired, or have been overwritten since.
pub(crate) fn index_until(now: Timestamp) -> [u8; EXPIRY_BYTES] {
    period(now).to_be_bytes()
}

/// The row's key that an index key ends in.
pub(crate) fn indexed_key(index: &[u8]) -> &[u8] {
    index.get(EXPIRY_BYTES..).unwrap_or_default()
}

fn period(time: Timestamp) -> u64 {
    time.0.max(0).unsigned_abs() / PERIOD_MS.unsigned_abs()
}
