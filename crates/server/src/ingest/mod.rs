//! Ingest over HTTP: events are read, validated one by one, appended, and acknowledged once they are durable.

mod body;
mod event;
mod once;
mod scan;
mod split;

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use parking_lot::RwLock;
use serde::Serialize;
use storage::log::{DEAD_LETTER_TOPIC, EventLog, LogError, NewRecord, Note, is_internal};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use crate::error::{Detail, Failure};
use crate::metrics::Metrics;
use crate::options::{Options, UnknownTopics};
use body::{Budget, Coding, Share};
use event::Rules;
use once::{Keys, Taken};
use split::{Events, Unreadable};

/// Size above which a body is split off the threads that serve connections.
const INLINE_BYTES_MAX: usize = 256 << 10;

/// Maximum of concurrent lookups of keys. While the log is unreachable each blocks a thread, and others need
/// threads too.
const LOOKUPS_MAX: usize = 32;

/// The ingest of events.
pub(crate) struct Ingest {
    log: Arc<dyn EventLog>,
    options: Arc<Options>,
    metrics: Arc<Metrics>,
    budget: Arc<Budget>,
    keys: Arc<Keys>,
    lookups: Semaphore,
    /// Limits the bodies that are split at one time off the serving threads, to the number of processors.
    /// With more, each would hold a part of the budget and none could be read to its end.
    readers: Arc<Semaphore>,
    /// Topics known to exist, to spare a request to the log.
    topics: RwLock<HashSet<String>>,
}

/// Outcome of the events of a body.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accepted {
    /// Number of events that are durable now.
    accepted: usize,
    /// Rejected events, in order; at most the first hundred.
    rejected: Vec<Rejected>,
    /// Number of rejected events, if not all are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected_count: Option<usize>,
}

/// A rejected event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rejected {
    /// Position in the body: array elements or non-blank lines, counted from 0.
    index: usize,
    #[schema(example = "query_id is missing")]
    reason: String,
}

impl Ingest {
    pub(crate) fn new(log: Arc<dyn EventLog>, options: Arc<Options>, metrics: Arc<Metrics>) -> Ingest {
        let budget = Budget::new(options.ingest_bytes_max, metrics.ingest_bytes.clone());
        let (keys, lookups) = (Arc::default(), Semaphore::new(LOOKUPS_MAX));
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let readers = Arc::new(Semaphore::new(processors));
        Ingest { log, options, metrics, budget, keys, lookups, readers, topics: RwLock::default() }
    }

    async fn take(&self, topic: &str, request: Request) -> Result<Response, Failure> {
        if is_internal(topic) {
            return Err(not_for_events(topic));
        }
        self.known(topic).await?;
        let (parts, body) = request.into_parts();
        let coding = Coding::of(&parts.headers)?;
        let key = once::key(&parts.headers)?;
        let mut share = self.budget.share();
        let options = &self.options;
        let body = body::receive(&parts.headers, body, options.body_bytes_max, &mut share).await?;
        let taken = key.map(|key| self.keys.take(topic, key, &body)).transpose()?;
        if let Some(taken) = &taken
            && let Some(noted) = self.noted(&taken.name).await?
        {
            let said = taken.answer(&noted)?;
            let held = share.part(said.len());
            return Ok(answer(said, held, true));
        }

        let rules = if topic == options.topic { Rules::Query } else { Rules::AnyObject };
        // The share is held until the records are durable; the answer's part of it until the answer is sent.
        let (events, mut share) = self.read(body, coding, rules, share).await?;

        let rejected: Vec<Rejected> = events
            .rejected
            .iter()
            .map(|(index, reason)| Rejected { index: *index, reason: reason.to_string() })
            .collect();

        let accepted = events.records.len();
        let refused = events.rejected_count;
        let rejected_count = (refused > rejected.len()).then_some(refused);
        let said = serde_json::to_vec(&Accepted { accepted, rejected, rejected_count })
            .map_err(|error| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
        let held = share.part(said.len());
        if accepted > 0 {
            self.append(topic, events.records, taken, &said, share).await?;
        }
        self.metrics.events_accepted.inc_by(accepted as u64);
        self.metrics.events_rejected.inc_by(refused as u64);
        Ok(answer(said, held, false))
    }

    /// Returns the value noted under a name.
    async fn noted(&self, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        let (log, name) = (Arc::clone(&self.log), name.to_owned());
        // The semaphore is never closed.
        let _turn = self.lookups.acquire().await;
        // The log may read from a disk.
        match tokio::task::spawn_blocking(move || log.note(&name)).await {
            Ok(noted) => Ok(noted?),
            Err(_) => Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "looking up the key failed")),
        }
    }

    async fn read(
        &self,
        body: Bytes,
        coding: Coding,
        rules: Rules,
        mut share: Share,
    ) -> Result<(Events, Share), Failure> {
        let (plain_max, record_max) = (self.options.decompressed_bytes_max, self.options.record_bytes_max);
        let length = body.len();

        let work = move || -> Result<(Events, Share), Failure> {
            let plain = body::decompress(body, coding, plain_max, &mut share)?;
            let mut full = None;
            let read = split::events(&plain, rules, record_max, &mut |bytes| match share.grow(bytes) {
                Ok(()) => true,
                Err(failure) => {
                    full = Some(failure);
                    false
                }
            });
            let unreadable = |error: Unreadable| Failure::new(StatusCode::BAD_REQUEST, error.to_string());
            let events = read.map_err(|error| full.unwrap_or_else(|| unreadable(error)))?;
            Ok((events, share))
        };

        if length <= INLINE_BYTES_MAX && coding == Coding::Identity {
            return work();
        }
        let reader = Arc::clone(&self.readers).acquire_owned().await;

        let work = move || {
            let _reader = reader;
            work()
        };

        tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
            Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "reading the events failed"))
        })
    }

    /// Appends records, with a note of the answer if the request has a key.
    async fn append(
        &self,
        topic: &str,
        records: Vec<NewRecord>,
        taken: Option<Taken>,
        said: &[u8],
        share: Share,
    ) -> Result<(), Failure> {
        let note = taken.as_ref().map(|taken| Note { name: taken.name.clone(), value: taken.value(said) });
        let appending = match self.log.append_noted(topic, records, note) {
            Ok(appending) => appending,
            Err(error) => return Err(self.refused(topic, error)),
        };

        // The client may disconnect or time out: hold the key and the memory until the log has answered.
        let appended = tokio::spawn(async move {
            let appended = appending.await;
            drop((taken, share));
            appended
        });

        match tokio::time::timeout(self.options.append_timeout, appended).await {
            Ok(Ok(Ok(Ok(_)))) => Ok(()),
            Ok(Ok(Ok(Err(error)))) => Err(self.refused(topic, error)),
            Ok(_) => Err(LogError::Closed.into()),
            Err(_) => Err(Failure::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the event log did not answer in time: the events may still be appended; an Idempotency-Key makes it \
                 safe to send them again",
            )),
        }
    }

    /// Returns the answer to an error of the log. A missing topic is forgotten, because it may be created
    /// later.
    fn refused(&self, topic: &str, error: LogError) -> Failure {
        if !error.is_unknown_topic() {
            return error.into();
        }
        self.topics.write().remove(topic);
        no_topic(topic)
    }

    /// Makes sure that a topic exists, creating it where that is allowed.
    async fn known(&self, topic: &str) -> Result<(), Failure> {
        if self.topics.read().contains(topic) {
            return Ok(());
        }
        let (log, name) = (Arc::clone(&self.log), topic.to_owned());
        let partitions = self.options.partitions;
        let create = topic == self.options.topic || self.options.unknown_topics == UnknownTopics::Create;

        // The log may ask a broker.
        let found = tokio::task::spawn_blocking(move || -> Result<(), LogError> {
            if !valid(&name) {
                return Err(LogError::InvalidTopic { topic: name });
            }
            match log.partitions(&name)? {
                Some(_) => Ok(()),
                None if create => log.create_topic(&name, partitions),
                None => Err(LogError::UnknownTopic { topic: name }),
            }
        });

        match found.await {
            Ok(found) => found.map_err(|error| self.refused(topic, error))?,
            Err(_) => {
                return Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "looking up the topic failed"));
            }
        }

        self.topics.write().insert(topic.to_owned());
        Ok(())
    }
}

/// The bytes of an answer. They count against the budget of bodies until the connection has sent them.
struct Said {
    bytes: Vec<u8>,
    _share: Share,
}

impl AsRef<[u8]> for Said {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Returns the answer to events for a topic that does not exist, with advice how to create it.
fn no_topic(topic: &str) -> Failure {
    Failure::new(
        StatusCode::NOT_FOUND,
        format!(
            "topic `{topic}` does not exist: start a job whose script reads or writes a table WITH ('connector' = \
             'kafka', 'topic' = '{topic}', …), or set ingest.create_topics = true to create topics with their first \
             event"
        ),
    )
}

/// Returns the answer to events for a topic to which only Weir or the brokers write.
fn not_for_events(topic: &str) -> Failure {
    let remedy = match topic {
        DEAD_LETTER_TOPIC => "; use `weir dead-letters replay` to replay dead letters to their topics",
        _ => "",
    };
    Failure::new(
        StatusCode::FORBIDDEN,
        format!("topic `{topic}` is reserved for Weir and accepts no events{remedy}"),
    )
}

/// Returns the answer to durable events.
fn answer(said: Vec<u8>, share: Share, is_repeated: bool) -> Response {
    let said = Bytes::from_owner(Said { bytes: said, _share: share });
    let mut answer =
        (StatusCode::ACCEPTED, [(header::CONTENT_TYPE, "application/json")], said).into_response();
    if is_repeated {
        answer.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    answer
}

/// Returns whether a topic's name follows Kafka's rules.
fn valid(topic: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    (1..=249).contains(&topic.len()) && topic != "." && topic != ".." && topic.bytes().all(allowed)
}

/// Send events to the main topic.
///
/// The body is a JSON object, a JSON array of objects, or NDJSON, in UTF-8; objects and arrays may be UTF-16
/// or UTF-32. Weir answers when the accepted events are durable.
#[utoipa::path(post, path = "/events", tag = "events",
    request_body(description = "events", content(
        (Vec<serde_json::Value> = "application/json"), (String = "application/x-ndjson"))),
    params(("Content-Encoding" = Option<String>, Header, description = "`gzip` or `zstd`"),
        ("Idempotency-Key" = Option<String>, Header, description = "a request repeated within a day with the same key and body gets the same answer, and appends nothing")),
    responses(
        (status = 202, description = "the accepted events are durable", body = Accepted),
        (status = 400, description = "the body cannot be parsed", body = Detail),
        (status = 404, description = "the topic does not exist; the detail says how to create it", body = Detail),
        (status = 408, description = "the body took too long to arrive", body = Detail),
        (status = 409, description = "another request with this Idempotency-Key is in progress", body = Detail),
        (status = 413, description = "the body is too large", body = Detail),
        (status = 415, description = "unsupported Content-Encoding", body = Detail),
        (status = 422, description = "this Idempotency-Key was used for another body", body = Detail),
        (status = 429, description = "the log cannot keep up; see Retry-After", body = Detail),
        (status = 503, description = "the log does not answer: the events may still be appended; with an Idempotency-Key it is safe to send them again", body = Detail),
        (status = 507, description = "the disk is full", body = Detail),
    ))]
pub(crate) async fn post_events(
    State(ingest): State<Arc<Ingest>>,
    request: Request,
) -> Result<Response, Failure> {
    let topic = ingest.options.topic.clone();
    ingest.take(&topic, request).await
}

/// Send events to a topic.
///
/// Like `POST /events`. In topics other than the main topic, an event is any JSON object.
#[utoipa::path(post, path = "/events/{topic}", tag = "events",
    request_body(description = "events", content(
        (Vec<serde_json::Value> = "application/json"), (String = "application/x-ndjson"))),
    params(("topic" = String, Path, description = "1 to 249 letters, digits, `.`, `_` and `-`"),
        ("Content-Encoding" = Option<String>, Header, description = "`gzip` or `zstd`"),
        ("Idempotency-Key" = Option<String>, Header, description = "a request repeated within a day with the same key and body gets the same answer, and appends nothing")),
    responses(
        (status = 202, description = "the accepted events are durable", body = Accepted),
        (status = 400, description = "the body cannot be parsed, or the topic's name is not valid", body = Detail),
        (status = 403, description = "the topic is Weir's own", body = Detail),
        (status = 404, description = "the topic does not exist; the detail says how to create it", body = Detail),
        (status = 408, description = "the body took too long to arrive", body = Detail),
        (status = 409, description = "another request with this Idempotency-Key is in progress", body = Detail),
        (status = 413, description = "the body is too large", body = Detail),
        (status = 415, description = "unsupported Content-Encoding", body = Detail),
        (status = 422, description = "this Idempotency-Key was used for another body", body = Detail),
        (status = 429, description = "the log cannot keep up; see Retry-After", body = Detail),
        (status = 503, description = "the log does not answer: the events may still be appended; with an Idempotency-Key it is safe to send them again", body = Detail),
        (status = 507, description = "the disk is full", body = Detail),
    ))]
pub(crate) async fn post_events_to(
    State(ingest): State<Arc<Ingest>>,
    Path(topic): Path<String>,
    request: Request,
) -> Result<Response, Failure> {
    ingest.take(&topic, request).await
}
