//! `Idempotency-Key`: a repeated request gets the answer of the first, and appends nothing.
//!
//! The answer is noted in the log together with the events, so that a crash leaves both or neither. A request
//! holds its key until the log has answered, even after its client has left.

use std::collections::HashSet;
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use xxhash_rust::xxh3::xxh3_128;

use crate::error::Failure;

const HEADER: &str = "idempotency-key";
const KEY_BYTES_MAX: usize = 255;

/// Keys of requests in flight.
#[derive(Debug, Default)]
pub(super) struct Keys {
    taken: Mutex<HashSet<String>>,
}

/// The key of a request in flight. Dropping it frees the key.
#[derive(Debug)]
pub(super) struct Taken {
    keys: Arc<Keys>,
    /// Name of the note that holds the answer.
    pub(super) name: String,
    /// Hash of the body as it was sent.
    fingerprint: [u8; 16],
}

/// Returns the key of a request, if it has one.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<&str>, Failure> {
    let Some(value) = headers.get(HEADER) else { return Ok(None) };
    let key = value.to_str().ok().map(str::trim).filter(|key| (1..=KEY_BYTES_MAX).contains(&key.len()));
    let wrong = format!("Idempotency-Key must be 1 to {KEY_BYTES_MAX} printable ASCII characters");
    key.map(Some).ok_or_else(|| Failure::new(StatusCode::BAD_REQUEST, wrong))
}

impl Keys {
    /// Takes a key; fails while another request holds it.
    pub(super) fn take(self: &Arc<Keys>, topic: &str, key: &str, body: &[u8]) -> Result<Taken, Failure> {
        let name = format!("{topic}/{key}");
        if !self.taken.lock().insert(name.clone()) {
            let wrong = "another request with this Idempotency-Key is in progress; retry in a moment";
            return Err(Failure::new(StatusCode::CONFLICT, wrong));
        }
        Ok(Taken { keys: Arc::clone(self), name, fingerprint: xxh3_128(body).to_be_bytes() })
    }
}

impl Taken {
    /// Returns the value to note with the events.
    pub(super) fn value(&self, answer: &[u8]) -> Vec<u8> {
        [&self.fingerprint, answer].concat()
    }

    /// Returns the noted answer; fails if it belongs to another body.
    pub(super) fn answer(&self, noted: &[u8]) -> Result<Vec<u8>, Failure> {
        match noted.split_first_chunk() {
            Some((fingerprint, answer)) if *fingerprint == self.fingerprint => Ok(answer.to_vec()),
            _ => {
                let wrong = "this Idempotency-Key was used for another body within the last day";
                Err(Failure::new(StatusCode::UNPROCESSABLE_ENTITY, wrong))
            }
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.keys.taken.lock().remove(&self.name);
    }
}
