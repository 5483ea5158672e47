//! Settings: one tree, filled from the defaults, `weir.toml`, the environment and flags. Each overrides
//! those before it.
//!
//! The defaults are the compiled-in file `config/weir.toml`. It names every key, and the comment above a key
//! equals the doc comment of its field here; a test compares them.

mod layers;
mod place;
mod show;
#[cfg(test)]
mod tests;
mod units;

use std::num::{NonZeroU16, NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use serde::Deserialize;

use crate::telemetry::{LogFilter, LogFormat};

pub(crate) use layers::{Flag, Loaded, Sources};
pub(crate) use show::{show, url_without_secrets, without_secret};
pub(crate) use units::{Address, Length, Memory, Property, Size, Zone};

/// All settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Directory of the event log, the result store and the checkpoints. Only one Weir uses a directory at a
    /// time. Flag: --data-dir.
    pub(crate) data_dir: PathBuf,
    /// The listener for events, analytics, the feed and the dashboard.
    pub(crate) http: Http,
    /// The listener of the job manager: Flink's REST API and its pages.
    pub(crate) jobs_http: JobsHttp,
    /// The listener of the SQL gateway, for Flink's SQL client and JDBC driver.
    pub(crate) gateway_http: GatewayHttp,
    /// Access control: docs/security.md.
    pub(crate) security: Security,
    /// HTTPS on all listeners.
    pub(crate) tls: Tls,
    /// Events received over HTTP.
    pub(crate) ingest: Ingest,
    /// The embedded event log.
    pub(crate) event_log: EventLog,
    /// The embedded result store.
    pub(crate) result_store: ResultStore,
    /// The feed over WebSockets.
    pub(crate) feed: Feed,
    /// Settings of jobs, used where a script sets nothing else.
    pub(crate) jobs: Jobs,
    /// Checkpoints, from which a job continues after a restart or a crash.
    pub(crate) checkpoints: Checkpoints,
    /// Logs, which are written to stderr.
    pub(crate) logging: Logging,
    /// Kafka as the event log instead of the embedded one, also for events received over HTTP.
    pub(crate) kafka: Kafka,
    /// Redis as the result store instead of the embedded one, with the keys that readers of the previous
    /// system expect.
    pub(crate) redis: Redis,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Http {
    /// The default address is open to this machine only, so nobody is asked who they are. An address that
    /// other machines can reach requires a token (`weir tokens create`). Flag: --http.
    pub(crate) address: Address,
    /// Origins (`https://host:port`, or `*` for all) whose pages may read answers and open the feed. Pages of
    /// this machine always may. Environment: CORS_ORIGINS, separated by commas.
    pub(crate) cors_origins: Vec<String>,
    /// Maximum of connections served at one time, including dashboards; further connections wait. Each
    /// dashboard takes one connection and one file handle.
    pub(crate) connections: NonZeroUsize,
    /// Maximum of header lines of a request. Browsers send 20; proxies add a few.
    pub(crate) headers: NonZeroUsize,
    /// Time in which a request's header must arrive, so that slow clients cannot use up all connections.
    pub(crate) header_timeout: Length,
    /// Time that a shutdown waits for requests that are being answered.
    pub(crate) shutdown_grace: Length,
    /// Memory for the result rows that the analytics routes and the feed answer from. When it is full,
    /// answers leave out the oldest rows, which stay in the store. `auto` = an eighth of the memory of the
    /// machine or of its container.
    pub(crate) results_memory: Memory,
    /// Memory for the rows of result tables that the routes below `/results` answer from. When it is full,
    /// the largest table leaves out its oldest rows, which stay in the store. `auto` = an eighth of the memory
    /// of the machine or of its container.
    pub(crate) result_tables_memory: Memory,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobsHttp {
    /// The default address is open to this machine only: without tokens, every client that reaches it can
    /// cancel jobs. Flink's clients expect port 8081. Flag: --jobs-http.
    pub(crate) address: Address,
    /// Flink's clients, and all clients on other machines, may name only directories below these and below
    /// the directories of savepoints and checkpoints.
    pub(crate) savepoint_directories: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GatewayHttp {
    /// The default address is open to this machine only: without tokens, every client that reaches it can
    /// read every topic and start jobs. Flink's SQL client expects port 8083. Flag: --gateway-http.
    pub(crate) address: Address,
    /// Maximum of sessions that are open at one time. Each client opens one; a connection pool opens one per
    /// connection.
    pub(crate) sessions: NonZeroUsize,
    /// A session that sends nothing for this long is closed and its queries end, as in Flink. Flink's clients
    /// send a heartbeat every minute.
    pub(crate) idle_timeout: Length,
    /// Maximum of queries that run at one time, over all sessions. Each query holds up to 8 MiB of rows that
    /// no client has fetched yet.
    pub(crate) queries: NonZeroUsize,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Security {
    /// Admits every client that can connect, also from other machines, as long as there is no token.
    /// Something else must guard Weir then. Flag: --insecure.
    pub(crate) insecure: bool,
    /// Host names, without ports, that requests may use while no token is required; `*` = any. IP addresses,
    /// names without a dot and the names in the addresses above are always accepted; a stranger's page could
    /// make any other name point to this machine. A proxy that passes its own name on must be listed here.
    pub(crate) allowed_hosts: Vec<String>,
    /// Time for which a browser stays logged in.
    pub(crate) session: Length,
    /// Maximum of requests a second from one address. Bursts may be twice as large; further requests are
    /// answered with 429. 0 = no limit.
    pub(crate) request_rate: u32,
    /// Whether the request rate also limits this machine. Off, because a local proxy sends the requests of
    /// all its clients from one address, and load tests run locally.
    pub(crate) limit_this_machine: bool,
    /// File to which the audit log is also written, one JSON object per line, independent of
    /// `logging.filter`; empty = no file.
    pub(crate) audit: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    /// File of certificates in PEM, Weir's own first; empty = no TLS. Weir reads the certificates and the key
    /// again when the files change.
    pub(crate) certificate: PathBuf,
    /// File of the certificate's private key, in PEM.
    pub(crate) key: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ingest {
    /// Topic that `POST /events` appends to and that the built-in job reads. Environment:
    /// KAFKA_TOPIC_QUERIES.
    pub(crate) topic: String,
    /// Number of partitions of a new topic, which is how many subtasks of a job can read it in parallel. An
    /// existing topic keeps its number.
    pub(crate) partitions: NonZeroU32,
    /// Whether `POST /events/{topic}` creates a topic that does not exist. Off, because events sent to a
    /// misspelt name would go unnoticed.
    pub(crate) create_topics: bool,
    /// Maximum size of a request body as it is sent.
    pub(crate) body_size: Size,
    /// Maximum size of a body after decompression, so that a small body cannot fill the memory.
    pub(crate) decompressed_size: Size,
    /// Maximum size of a single event; Kafka accepts this size by default.
    pub(crate) event_size: Size,
    /// Memory for the event bodies of all requests together. When it is full, producers are told to wait
    /// (429). `auto` = an eighth of the memory of the machine or of its container, and at most 256 MiB.
    pub(crate) memory: Memory,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventLog {
    /// Older events are dropped; younger ones can be replayed. Neither age nor size drops events that a job
    /// needs to continue from its newest checkpoint. So while a result store is unreachable, for example, the
    /// log grows until only `result_store.keep_free` is left on the disk; then events are refused (507).
    pub(crate) retention_age: Length,
    /// The oldest events of a topic are dropped when the topic takes more room than this: some 10 million events
    /// that arrived one by one, or 35 million that arrived in batches, which are compressed.
    pub(crate) retention_size: Size,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResultStore {
    /// The result store, the event log and the checkpoints refuse writes while their disk has less free space
    /// than this, because clean-up needs room to work in.
    pub(crate) keep_free: Size,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Feed {
    /// Minimum time between two updates of one analytic; changes in between are merged. The default is
    /// shorter than a frame of a screen.
    pub(crate) interval: Length,
    /// A client that accepts no data for this long is disconnected; it gets the newest state when it
    /// reconnects.
    pub(crate) stall: Length,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Jobs {
    /// Number of parallel subtasks of a job. One subtask handles 100,000 events a second and more, so a
    /// higher number helps only with more traffic on several cores.
    pub(crate) parallelism: NonZeroU32,
    /// Time zone of the built-in job's windows and of event times without an offset; scripts read it as
    /// `${WEIR_TIME_ZONE}`. Environment: WEIR_TIME_ZONE.
    pub(crate) time_zone: Zone,
    /// A partition without events for this long is idle and no longer holds back the watermark. When all partitions
    /// are idle, the watermark goes on with the clock, so that the last window closes when traffic stops; an event
    /// whose time is then behind it is late. `0 s` = never idle: for tests and backfills with pauses. Scripts set
    /// `table.exec.source.idle-timeout`.
    pub(crate) idle_timeout: Length,
    /// Events whose time is further ahead of the clock are dead-lettered, because one wrong clock would close
    /// the windows of everyone; `0 s` = no limit. Scripts set `weir.max-future`.
    pub(crate) max_future: Length,
    /// Memory for the state of all jobs together, including the copies that are being written to checkpoints.
    /// When it is full, the sources wait and nothing is dropped. `auto` = half of the memory of the machine
    /// or of its container. Scripts set `weir.memory` for one job.
    pub(crate) memory: Memory,
    /// Time for which the built-in job's results are kept after their last write; scripts read it as
    /// `${REDIS_TTL}`, in seconds. Environment: REDIS_TTL, in seconds.
    pub(crate) result_ttl: Length,
    /// Directories below which jobs may look up rows in files ('connector' = 'filesystem'); empty = none.
    /// Everyone who may submit a script can read these files.
    pub(crate) lookup_directories: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Checkpoints {
    /// Time from the beginning of one checkpoint to the beginning of the next; `0 s` = only at a shutdown.
    /// After a crash a job reads the events of up to this time again, at a million events a second. Scripts
    /// set `execution.checkpointing.interval`.
    pub(crate) interval: Length,
    /// Minimum time from the end of one checkpoint to the beginning of the next. Scripts set
    /// `execution.checkpointing.min-pause`.
    pub(crate) min_pause: Length,
    /// A checkpoint that takes longer is abandoned. Scripts set `execution.checkpointing.timeout`.
    pub(crate) timeout: Length,
    /// Number of newest checkpoints that are kept; if the newest is damaged, the one before it is used.
    /// Scripts set `execution.checkpointing.num-retained`. The checkpoints of an ended job are deleted when
    /// 50 other jobs have ended after it.
    pub(crate) retained: NonZeroU32,
    /// Directory of the checkpoints; empty = `checkpoints` in the data directory. Scripts set
    /// `execution.checkpointing.dir`.
    pub(crate) directory: String,
    /// Directory of the savepoints; empty = `savepoints` in the data directory. Scripts set
    /// `execution.checkpointing.savepoint-dir`.
    pub(crate) savepoints: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Logging {
    /// Which lines are written: `info`, or `warn,engine=debug`. The default hides the messages of the storage
    /// library (`fjall`, `lsm_tree`) below `warn`, which are meant for its authors. Environment: WEIR_LOG.
    /// Flag: --log.
    pub(crate) filter: LogFilter,
    /// `human`, or `json` for a log collector, with one object per line. Environment: WEIR_LOG_FORMAT. Flag:
    /// --log-format.
    pub(crate) format: LogFormat,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kafka {
    /// Brokers as `host:port`, separated by commas; empty = the embedded log, except for tables that name
    /// brokers themselves. Environment: KAFKA_BROKER_URL.
    pub(crate) brokers: String,
    /// Properties as `name=value`, with the names of Kafka's own clients or of librdkafka:
    /// `security.protocol=SASL_SSL`. Tables add their own as `properties.…`.
    pub(crate) properties: Vec<Property>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redis {
    /// `redis://[user:password@]host[:port][/database]`, `redis-cluster://host[:port],…`,
    /// `redis-sentinel://host[:port],…/service`, each also as `rediss` for TLS: docs/redis.md. Overrides host
    /// and port; empty = host and port decide. Environment: REDIS_URL.
    pub(crate) url: String,
    /// Host of Redis where no URL is set; empty = the embedded store. Environment: REDIS_HOST.
    pub(crate) host: String,
    /// Port of Redis where no URL is set. Environment: REDIS_PORT.
    pub(crate) port: NonZeroU16,
    /// File of certificates in PEM that `rediss://` trusts instead of the system's; empty = the system's.
    pub(crate) certificates: PathBuf,
    /// Time for which results are also kept in the data directory. A Redis that comes back empty is filled
    /// again from this copy.
    pub(crate) copy_for: Length,
}

/// Errors of reading the settings.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("reading {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{}: {message}", path.display())]
    Syntax { path: PathBuf, message: String },
    #[error("{origin}: there is no setting `{key}`{hint}")]
    Unknown { origin: String, key: String, hint: String },
    #[error("{origin}: {key}: {reason}")]
    Invalid { origin: String, key: String, reason: String },
}
