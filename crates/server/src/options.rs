//! Options of the server.

use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;

/// Options of the server. Every limit holds for one process.
#[derive(Debug, Clone)]
pub struct Options {
    /// Topic of `POST /events`, whose events must have a `query_id` and a time.
    pub topic: String,
    /// Partitions of topics that the server creates.
    pub partitions: u32,
    /// Handling of events for a topic that does not exist. The main topic is always created.
    pub unknown_topics: UnknownTopics,
    /// Zone of the times in result keys, and of the wall clock from which `days` counts back.
    pub time_zone: TimeZone,
    /// Origins, besides those of this machine, whose pages may read answers, open the WebSocket and send
    /// events: `https://host[:port]`, or `*` for all.
    pub cors_origins: Vec<String>,
    /// Maximum sizes of a body of `POST /events`, as sent and decompressed.
    pub body_bytes_max: usize,
    pub decompressed_bytes_max: usize,
    /// Maximum size of a single event: Kafka's default.
    pub record_bytes_max: usize,
    /// Maximum of event bytes that all requests hold at one time; more is answered 429.
    pub ingest_bytes_max: usize,
    /// Time in which a producer must send its body (408), and the log must make it durable (503).
    pub body_timeout: Duration,
    pub append_timeout: Duration,
    /// Time after which a client that takes no byte of its answer is disconnected.
    pub answer_stall: Duration,
    /// Maximum of connections served at one time, WebSockets included; further ones wait to be accepted.
    pub connections_max: usize,
    /// Maximum of header lines of a request (431), and the time in which they must arrive.
    pub headers_max: usize,
    pub header_timeout: Duration,
    /// Time that a shutdown waits for requests and sockets to end.
    pub shutdown_grace: Duration,
    /// Minimum time between two updates of the feed. Changes in between are merged.
    pub feed_interval: Duration,
    /// Time after which a WebSocket that takes no byte is closed.
    pub feed_stall: Duration,
    /// Maximum of bytes of result rows in memory; beyond it answers leave out the oldest rows.
    pub index_bytes_max: usize,
    /// Maximum of bytes of the rows of result tables in memory; beyond it answers leave out the oldest rows.
    pub result_tables_bytes_max: usize,
    /// Port of the job manager, to which pages link; `None` without one.
    pub job_manager_port: Option<u16>,
    /// Directories of dashboards, besides the built-in ones.
    pub dashboards: DocumentPlaces,
    /// Directories of alerts.
    pub alerts: DocumentPlaces,
}

/// Directories of documents of one kind.
#[derive(Debug, Clone, Default)]
pub struct DocumentPlaces {
    /// Directory of saved documents, created when needed. Without a directory, saved documents end with the
    /// process.
    pub saved: Option<PathBuf>,
    /// Directories whose documents are only read, at the start.
    pub files: Vec<PathBuf>,
}

/// Whether the first event of a topic creates the topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownTopics {
    /// Answers 404.
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
            result_tables_bytes_max: 1 << 30,
            job_manager_port: None,
            dashboards: DocumentPlaces::default(),
            alerts: DocumentPlaces::default(),
        }
    }
}
