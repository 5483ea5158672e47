//! Settings: one tree, filled from `weir.toml`, the environment and flags, in this order of strength.
//!
//! The defaults are the file `config/weir.toml` itself, compiled in: it names every key, and the comment above a key is
//! the doc comment of its field here (a test compares them).

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

/// Every setting.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where the event log, the result store and checkpoints live. One Weir uses a directory at a time. Flag: --data-dir.
    pub(crate) data_dir: PathBuf,
    /// Events in, analytics, the feed and the dashboard.
    pub(crate) http: Http,
    /// The job manager: Flink's REST API and its pages.
    pub(crate) jobs_http: JobsHttp,
    /// The SQL gateway: Flink's SQL client and JDBC driver, statement by statement.
    pub(crate) gateway_http: GatewayHttp,
    /// Who may do what: docs/security.md.
    pub(crate) security: Security,
    /// HTTPS on all listeners.
    pub(crate) tls: Tls,
    /// Events over HTTP.
    pub(crate) ingest: Ingest,
    /// The embedded event log.
    pub(crate) event_log: EventLog,
    /// The embedded result store.
    pub(crate) result_store: ResultStore,
    /// The feed over WebSockets.
    pub(crate) feed: Feed,
    /// What a script does not say itself.
    pub(crate) jobs: Jobs,
    /// What a job goes on from after a restart or a crash.
    pub(crate) checkpoints: Checkpoints,
    /// Logs, on stderr.
    pub(crate) logging: Logging,
    /// Events in Kafka instead of the embedded log: those that come in over HTTP too.
    pub(crate) kafka: Kafka,
    /// Results in Redis instead of the embedded store, where readers of the system before find them.
    pub(crate) redis: Redis,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Http {
    /// Only this machine: as long as nobody else can connect, nobody is asked who they are. Elsewhere a token is required
    /// (`weir tokens create`). Flag: --http.
    pub(crate) address: Address,
    /// Pages of these origins (`https://host:port`, or `*` for all) may read answers and open the feed; those of this
    /// machine always may. Environment: CORS_ORIGINS, separated by commas.
    pub(crate) cors_origins: Vec<String>,
    /// Connections served at one time, dashboards included; further ones wait. Each dashboard takes one, and a file
    /// handle.
    pub(crate) connections: NonZeroUsize,
    /// Header lines of a request. Browsers send 20; proxies add a few.
    pub(crate) headers: NonZeroUsize,
    /// How long a request's header may take to arrive, so that slow connections cannot use all of them up.
    pub(crate) header_timeout: Length,
    /// How long a shutdown waits for requests that are being answered.
    pub(crate) shutdown_grace: Length,
    /// What the result rows may take that are kept in memory for the analytics' routes and the feed. Beyond it the oldest
    /// are left out of answers; they stay in the store. `auto` = an eighth of the machine's memory, or of what its container
    /// may take.
    pub(crate) results_memory: Memory,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobsHttp {
    /// Only this machine: whoever reaches it can cancel jobs, unless there are tokens. 8081 is where Flink's clients look.
    /// Flag: --jobs-http.
    pub(crate) address: Address,
    /// Flink's clients, and whoever is not on this machine, may name only directories below those of savepoints and
    /// checkpoints, and below these.
    pub(crate) savepoint_directories: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GatewayHttp {
    /// Only this machine: whoever reaches it can read every topic and start jobs. 8083 is where Flink's SQL client
    /// looks. Flag: --gateway-http.
    pub(crate) address: Address,
    /// Sessions that are open at one time. Each client has one, and a connection pool one for each of its connections.
    pub(crate) sessions: NonZeroUsize,
    /// A session that sends nothing for so long is closed, and its queries end: Flink's own limit. Flink's clients send
    /// a heartbeat every minute.
    pub(crate) idle_timeout: Length,
    /// Queries of all sessions that run at one time. Each holds up to 8 MiB of rows that nobody has fetched yet.
    pub(crate) queries: NonZeroUsize,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Security {
    /// Lets everybody in who can connect, also from other machines, as long as there is no token: what guards Weir then is
    /// somebody else's. Flag: --insecure.
    pub(crate) insecure: bool,
    /// Names, without ports, by which requests may call while no token is asked for, beside addresses, names without a dot
    /// and those of the addresses above: what else a page of a stranger could make point here. A proxy's name, if it passes
    /// that on; `*` = any.
    pub(crate) allowed_hosts: Vec<String>,
    /// How long a browser stays logged in.
    pub(crate) session: Length,
    /// Requests a second of one address, and twice as many at once; beyond it the answer is 429. 0 = any number.
    pub(crate) request_rate: u32,
    /// Whether that holds for this machine too: off, since a proxy here stands for everybody, and so do load tests.
    pub(crate) limit_this_machine: bool,
    /// A file that the audit log is also written to, one JSON object a line, whatever `logging.filter` says; empty =
    /// none.
    pub(crate) audit: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    /// A file of certificates in PEM, Weir's own first; empty = no TLS. It and the key are read again when they change.
    pub(crate) certificate: PathBuf,
    /// The file of its key, in PEM.
    pub(crate) key: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ingest {
    /// The topic that `POST /events` appends to, and that the built-in job reads. Environment: KAFKA_TOPIC_QUERIES.
    pub(crate) topic: String,
    /// Partitions of a new topic: how many subtasks of a job can read it side by side. An existing topic keeps its own.
    pub(crate) partitions: NonZeroU32,
    /// Whether `POST /events/{topic}` makes a topic that does not exist. Off, since a misspelt name would swallow
    /// events.
    pub(crate) create_topics: bool,
    /// The largest body as it is sent.
    pub(crate) body_size: Size,
    /// The largest body once it is decompressed, so that a small one cannot fill the memory.
    pub(crate) decompressed_size: Size,
    /// The largest single event: what Kafka takes by default.
    pub(crate) event_size: Size,
    /// Event bodies held by all requests together; beyond it producers are told to wait (429). `auto` = an eighth of the
    /// machine's memory, or of what its container may take, and 256 MiB at most.
    pub(crate) memory: Memory,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventLog {
    /// Older events are dropped: a week of them can be replayed. Neither age nor size drops what a job needs to go on from its
    /// newest checkpoint; while a store is away, say, the log grows until `result_store.keep_free` is left, and then events are
    /// refused (507).
    pub(crate) retention_age: Length,
    /// The oldest events of a topic are dropped when it takes more room: some 10 million events.
    pub(crate) retention_size: Size,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResultStore {
    /// Writes are refused while less is free on the disk, here, in the event log and of checkpoints: clean-up needs
    /// some room to work in.
    pub(crate) keep_free: Size,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Feed {
    /// The least time between two updates of one analytic: what changes in between is merged. Below a frame of a
    /// screen.
    pub(crate) interval: Length,
    /// A client that takes nothing for so long is closed; it gets the newest state when it comes back.
    pub(crate) stall: Length,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Jobs {
    /// Subtasks a job: one serves 100,000 events a second and more, so more only helps on several cores with more
    /// traffic.
    pub(crate) parallelism: NonZeroU32,
    /// The zone of the built-in job's windows, and of event times without an offset: `${WEIR_TIME_ZONE}` in a script.
    /// Environment: WEIR_TIME_ZONE.
    pub(crate) time_zone: Zone,
    /// How long a partition without events holds the others back. Scripts set `table.exec.source.idle-timeout`.
    pub(crate) idle_timeout: Length,
    /// Events further ahead of the clock are dead-lettered, since one bad clock would close everyone's windows; `0 s` =
    /// none are. Scripts set `weir.max-future`.
    pub(crate) max_future: Length,
    /// What all jobs together may take for their state and while it is written to checkpoints. Beyond it their sources
    /// wait, and nothing is dropped. `auto` = half of the machine's memory, or of what its container may take. Scripts
    /// set `weir.memory` for one job.
    pub(crate) memory: Memory,
    /// How long the built-in job's results stand after their last write: `${REDIS_TTL}` in a script, in seconds.
    /// Environment: REDIS_TTL, in seconds.
    pub(crate) result_ttl: Length,
    /// A job may look rows up in files ('connector' = 'filesystem') that lie below these directories; empty = in none. Who
    /// may submit a script can read them.
    pub(crate) lookup_directories: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Checkpoints {
    /// From one to the next; `0 s` = only at a shutdown. After a crash so much is read again, at a million events a second.
    /// Scripts set `execution.checkpointing.interval`.
    pub(crate) interval: Length,
    /// From the end of one to the beginning of the next, at least. Scripts set `execution.checkpointing.min-pause`.
    pub(crate) min_pause: Length,
    /// One that takes longer is abandoned. Scripts set `execution.checkpointing.timeout`.
    pub(crate) timeout: Length,
    /// So many of the newest are kept: should one not be whole, the one before is taken. Scripts set
    /// `execution.checkpointing.num-retained`. Those of a job that is over go when 50 others have ended since.
    pub(crate) retained: NonZeroU32,
    /// Where they lie; empty = `checkpoints` in the data directory. Scripts set `execution.checkpointing.dir`.
    pub(crate) directory: String,
    /// Where savepoints go; empty = `savepoints` in the data directory. Scripts set
    /// `execution.checkpointing.savepoint-dir`.
    pub(crate) savepoints: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Logging {
    /// Which lines are written: `info`, or `warn,engine=debug`. What the storage engine below says is for its authors.
    /// Environment: WEIR_LOG. Flag: --log.
    pub(crate) filter: LogFilter,
    /// `human`, or `json` for a collector: one object a line. Environment: WEIR_LOG_FORMAT. Flag: --log-format.
    pub(crate) format: LogFormat,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kafka {
    /// `host:port`, separated by commas; empty = the embedded log, save for tables that name brokers themselves.
    /// Environment: KAFKA_BROKER_URL.
    pub(crate) brokers: String,
    /// `name=value` each, by the names of Kafka's own clients or of librdkafka: `security.protocol=SASL_SSL`. Tables add
    /// theirs as `properties.…`.
    pub(crate) properties: Vec<Property>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redis {
    /// `redis://[user:password@]host[:port][/database]`, `redis-cluster://host[:port],…`,
    /// `redis-sentinel://host[:port],…/service`, each also as `rediss` for TLS: docs/redis.md. Stronger than host and port;
    /// empty = the embedded store. Environment: REDIS_URL.
    pub(crate) url: String,
    /// Empty = the embedded store. Environment: REDIS_HOST.
    pub(crate) host: String,
    /// Environment: REDIS_PORT.
    pub(crate) port: NonZeroU16,
    /// A file of certificates in PEM that `rediss://` trusts instead of the system's; empty = the system's.
    pub(crate) certificates: PathBuf,
    /// Results are also kept in the data directory for so long: a Redis that comes back empty gets them again from there.
    pub(crate) copy_for: Length,
}

/// What is wrong with the settings.
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
