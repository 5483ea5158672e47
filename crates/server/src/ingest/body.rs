//! A request's body, whole and decompressed, within bounds: those of one request, and those of all together.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use crate::error::Failure;
use crate::guard::is_late;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
    Zstd,
}

impl Coding {
    /// From `Content-Encoding`; 415 for one that is not known.
    pub(super) fn of(headers: &HeaderMap) -> Result<Coding, Failure> {
        let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
        let (first, more) = (values.next(), values.next());
        let name = first.map_or("", |value| value.to_str().unwrap_or("?").trim());
        match name.to_ascii_lowercase().as_str() {
            "" | "identity" if more.is_none() => Ok(Coding::Identity),
            "gzip" | "x-gzip" if more.is_none() => Ok(Coding::Gzip),
            "zstd" if more.is_none() => Ok(Coding::Zstd),
            _ => Err(Failure::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the body's encoding is not known: gzip, zstd or none",
            )
            .with(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, zstd"))),
        }
    }
}

/// Bytes of bodies held by all requests.
#[derive(Debug)]
pub(super) struct Budget {
    used: AtomicUsize,
    limit: usize,
}

/// One request's part of the budget, given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    pub(super) fn new(limit: usize) -> Arc<Budget> {
        Arc::new(Budget { used: AtomicUsize::new(0), limit })
    }

    pub(super) fn share(self: &Arc<Budget>) -> Share {
        Share { budget: Arc::clone(self), bytes: 0 }
    }
}

impl Share {
    /// Takes some of the budget. A request that is larger than all of it by itself is refused for good (413), any other for
    /// now (429).
    pub(super) fn grow(&mut self, by: usize) -> Result<(), Failure> {
        let before = self.budget.used.fetch_add(by, Ordering::Relaxed);
        self.bytes += by;
        if self.bytes > self.budget.limit {
            let limit = self.budget.limit;
            return Err(Failure::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!(
                    "the events of the body take more than {limit} bytes of memory (`ingest.memory`); send fewer at once"
                ),
            ));
        }
        if before.saturating_add(by) > self.budget.limit {
            return Err(Failure::overloaded("too many events are waiting to be written"));
        }
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

fn too_large(limit: usize) -> Failure {
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {limit} bytes"))
}

/// Reads the body as it was sent. The listener bounds how long that may take.
pub(super) async fn receive(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    share: &mut Share,
) -> Result<Bytes, Failure> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let mut chunks = body.into_data_stream();
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| match is_late(&error) {
            true => Failure::new(StatusCode::REQUEST_TIMEOUT, "the body took too long to arrive"),
            false => Failure::new(StatusCode::BAD_REQUEST, "the body broke off"),
        })?;
        if first.len() + joined.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        share.grow(chunk.len())?;
        // A body of one chunk, which most are, is not copied.
        if first.is_empty() && joined.is_empty() {
            first = chunk;
            continue;
        }
        if joined.is_empty() {
            joined.reserve(announced.unwrap_or(0).max(first.len() + chunk.len()));
            joined.extend_from_slice(&std::mem::take(&mut first));
        }
        joined.extend_from_slice(&chunk);
    }
    Ok(if joined.is_empty() { first } else { joined.freeze() })
}

/// Undoes the compression. `limit` bounds what comes out, so that a small body cannot fill the memory.
pub(super) fn decompress(
    body: Bytes,
    coding: Coding,
    limit: usize,
    share: &mut Share,
) -> Result<Bytes, Failure> {
    let broken = |_| Failure::new(StatusCode::BAD_REQUEST, "the body cannot be decompressed");
    let reader: Box<dyn Read + '_> = match coding {
        Coding::Identity => return Ok(body),
        Coding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(&body[..])),
        Coding::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(&body[..]).map_err(broken)?),
    };
    let mut plain = Vec::with_capacity(body.len().saturating_mul(4).min(limit));
    let mut reader = reader.take(limit as u64 + 1);
    // In steps, so that the common budget is asked before the memory is taken.
    loop {
        let step = reader.by_ref().take(1 << 18).read_to_end(&mut plain).map_err(broken)?;
        if plain.len() > limit {
            return Err(too_large(limit));
        }
        if step == 0 {
            return Ok(Bytes::from(plain));
        }
        share.grow(step)?;
    }
}
