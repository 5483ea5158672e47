//! Everything about the server that a deployment may want to change.

use std::time::Duration;

use jiff::tz::TimeZone;

/// How the server behaves. Every limit holds for one process.
#[derive(Debug, Clone)]
pub struct Options {
    /// The topic of `POST /events`, whose events must carry a `query_id` and a time.
    pub topic: String,
    /// Partitions of the topics that the server creates.
    pub partitions: u32,
    /// What happens to events for a topic that does not exist. The main topic is always created.
    pub unknown_topics: UnknownTopics,
    /// The zone in which result keys name their time, and from whose wall clock `days` counts back.
    pub time_zone: TimeZone,
    /// Origins, beside those of this machine, whose pages may read answers, open the WebSocket and send events:
    /// `https://host[:port]`, or `*` for all.
    pub cors_origins: Vec<String>,
    /// The largest body of `POST /events` as sent, and after decompression.
    pub body_bytes_max: usize,
    pub decompressed_bytes_max: usize,
    /// The largest single event: what Kafka takes by default.
    pub record_bytes_max: usize,
    /// Bytes of event bodies held at one time by all requests; more is answered 429.
    pub ingest_bytes_max: usize,
    /// How long a producer may take to send its body (408), and the log to make it durable (503).
    pub body_timeout: Duration,
    pub append_timeout: Duration,
    /// A client that takes no byte of its answer for this long is closed.
    pub answer_stall: Duration,
    /// Connections served at one time, WebSockets included; further ones wait to be accepted.
    pub connections_max: usize,
    /// Header lines of a request (431 beyond), and how long they may take to arrive.
    pub headers_max: usize,
    pub header_timeout: Duration,
    /// How long a shutdown waits for requests and sockets to end.
    pub shutdown_grace: Duration,
    /// The least time between two updates of the feed. What changes in between is merged.
    pub feed_interval: Duration,
    /// A WebSocket that took no byte for this long is closed.
    pub feed_stall: Duration,
    /// Bytes of result rows kept in memory for the routes; beyond it the oldest are left out of answers.
    pub index_bytes_max: usize,
}

/// Whether a topic comes into being with its first event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownTopics {
    /// 404.
    Refuse,
    Create,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            topic: "user-queries".to_owned(),
            partitions: 4,
            unknown_topics: UnknownTopics::Refuse,
            time_zone: TimeZone::UTC,
            cors_origins: Vec::new(),
            body_bytes_max: 16 << 20,
            decompressed_bytes_max: 64 << 20,
            record_bytes_max: 1 << 20,
            ingest_bytes_max: 256 << 20,
            body_timeout: Duration::from_secs(30),
            append_timeout: Duration::from_secs(30),
            answer_stall: Duration::from_secs(30),
            connections_max: 16_384,
            headers_max: 64,
            header_timeout: Duration::from_secs(10),
            shutdown_grace: Duration::from_secs(10),
            feed_interval: Duration::from_millis(5),
            feed_stall: Duration::from_secs(20),
            index_bytes_max: 1 << 30,
        }
    }
}
