//! Reads and decompresses request bodies within bounds: per request, and for all requests together.

use std::io::{self, Read};
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use prometheus_client::metrics::gauge::Gauge;

use crate::error::Failure;
use crate::guard::is_late;

/// Minimum of bytes by which a buffer grows.
const STEP_BYTES_MIN: usize = 4 << 10;
/// 8 MiB: RFC 8878 (3.1.1.1.2) asks it of every decoder, and no level below `--ultra` uses more.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// Compression of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
    Zstd,
}

impl Coding {
    /// Decodes `Content-Encoding`; 415 for an unknown one.
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
                "the Content-Encoding is not supported: use gzip, zstd or none",
            )
            .with(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, zstd"))),
        }
    }
}

/// The budget of body bytes that all requests share.
#[derive(Debug)]
pub(super) struct Budget {
    /// Exported as a metric, too.
    used: Gauge,
    limit: usize,
}

/// One request's share of the budget, returned when dropped.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    /// `used` shows the taken bytes as a metric.
    pub(super) fn new(limit: usize, used: Gauge) -> Arc<Budget> {
        Arc::new(Budget { used, limit })
    }

    /// Takes bytes; returns how many are taken in all.
    fn take(&self, bytes: usize) -> usize {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        usize::try_from(self.used.inc_by(bytes).saturating_add(bytes)).unwrap_or(usize::MAX)
    }

    fn give_back(&self, bytes: usize) {
        self.used.dec_by(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    pub(super) fn share(self: &Arc<Budget>) -> Share {
        Share { budget: Arc::clone(self), bytes: 0 }
    }
}

impl Share {
    /// Takes bytes from the budget. A request that alone exceeds the budget is refused for good (413), any
    /// other for now (429).
    pub(super) fn grow(&mut self, by: usize) -> Result<(), Failure> {
        let used = self.budget.take(by);
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
        if used > self.budget.limit {
            return Err(Failure::overloaded("too many events are waiting to be written"));
        }
        Ok(())
    }

    /// Splits off a share of `bytes` that outlives this one. Never refused, because the memory is taken
    /// already.
    pub(super) fn part(&mut self, bytes: usize) -> Share {
        let kept = self.bytes.min(bytes);
        self.bytes -= kept;
        self.budget.take(bytes - kept);
        Share { budget: Arc::clone(&self.budget), bytes }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}

fn too_large(limit: usize) -> Failure {
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {limit} bytes"))
}

/// Reads the body as it was sent. The listener bounds the time.
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
        // Most bodies have one chunk, which is not copied.
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

/// Decompresses a body. `limit` bounds the output, so that a small body cannot fill the memory.
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
        Coding::Zstd => Box::new(zstd_decoder(&body).map_err(broken)?),
    };
    let mut reader = reader;
    let mut plain = Vec::new();
    loop {
        // Ask the shared budget before allocating, and for the whole capacity.
        if plain.len() == plain.capacity() {
            let wanted = if plain.is_empty() { body.len().saturating_mul(4) } else { plain.len() / 2 };
            let more = wanted.max(STEP_BYTES_MIN).min(limit.saturating_add(1) - plain.len());
            share.grow(more)?;
            plain.reserve_exact(more);
        }

        let room = (plain.capacity() - plain.len()) as u64;
        let read = reader.by_ref().take(room).read_to_end(&mut plain).map_err(broken)?;
        if plain.len() > limit {
            return Err(too_large(limit));
        }
        if read == 0 {
            return Ok(Bytes::from(plain));
        }
    }
}

/// Returns a zstd decoder with a bounded window. Otherwise the sender could choose up to 128 MiB.
fn zstd_decoder(body: &[u8]) -> io::Result<impl Read + '_> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(body)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    Ok(decoder)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const LIMIT: usize = 1 << 20;

    fn budget(limit: usize) -> Arc<Budget> {
        Budget::new(limit, Gauge::default())
    }

    fn gzip(plain: &[u8]) -> Bytes {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(plain).expect("memory takes it");
        encoder.finish().expect("memory takes it").into()
    }

    #[test]
    fn what_a_small_body_becomes_is_paid_for_before_it_is_there() {
        let body = gzip(&vec![b'x'; LIMIT]);
        let of_all = budget(10 * LIMIT);
        let mut share = of_all.share();
        let plain = decompress(body.clone(), Coding::Gzip, LIMIT, &mut share).expect("it fits");
        assert_eq!(plain.len(), LIMIT);
        let used = usize::try_from(of_all.used.get()).expect("not below nothing");
        assert!((LIMIT..LIMIT * 3 / 2 + STEP_BYTES_MIN).contains(&used), "{used}");

        let scarce = budget(LIMIT / 2);
        assert!(decompress(body.clone(), Coding::Gzip, LIMIT, &mut scarce.share()).is_err());
        assert_eq!(scarce.used.get(), 0, "it was given back");
        assert!(decompress(body, Coding::Gzip, LIMIT - 1, &mut of_all.share()).is_err());
    }

    #[test]
    fn every_length_comes_out_whole() {
        for length in [0, 1, 4_095, 4_096, 4_097, 100_000] {
            let plain = vec![b'x'; length];
            let of_all = budget(usize::MAX);
            let found = decompress(gzip(&plain), Coding::Gzip, LIMIT, &mut of_all.share()).expect("it fits");
            assert_eq!(found, plain);
            let zipped = Bytes::from(zstd::encode_all(&plain[..], 3).expect("memory takes it"));
            let found = decompress(zipped, Coding::Zstd, LIMIT, &mut of_all.share()).expect("it fits");
            assert_eq!(found, plain);
        }
    }

    #[test]
    fn a_window_that_is_larger_than_all_that_is_allowed_is_refused() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).expect("an encoder");
        encoder.window_log(ZSTD_WINDOW_LOG_MAX + 1).expect("a window");
        encoder.write_all(b"{}").expect("memory takes it");
        let body = Bytes::from(encoder.finish().expect("memory takes it"));
        let of_all = budget(usize::MAX);
        assert!(decompress(body, Coding::Zstd, LIMIT, &mut of_all.share()).is_err());
    }

    #[test]
    fn a_part_is_held_on_when_the_rest_is_given_back() {
        let of_all = budget(100);
        let mut share = of_all.share();
        share.grow(60).expect("there is room");
        let (small, large) = (share.part(10), share.part(70));
        drop(share);
        assert_eq!(of_all.used.get(), 80);
        drop((small, large));
        assert_eq!(of_all.used.get(), 0);
    }
}
