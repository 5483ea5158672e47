//! Opens the event log and the result store of a Weir, embedded or on other machines.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use storage::log::kafka::{KafkaLog, KafkaOptions, KafkaSettings};
use storage::log::{self, EmbeddedLog, EventLog, LogError, Logs};
use storage::store::{self, EmbeddedStore, RedisOptions, RedisStore, ResultStore};
use types::{Clock, with_causes};

use super::answering::Answering;
use super::below;
use crate::cli::Failure;
use crate::config::{Config, url_without_secrets};
use crate::handles::Handles;
use crate::metrics::Measure;
use crate::shutdown::Shutdown;

/// Wait between checks whether Kafka is reachable.
const KAFKA_PAUSE: Duration = Duration::from_secs(1);

/// An event log, the logs of all tables, and a function that frees the log's directory.
pub(super) struct OpenedLog {
    pub log: Arc<dyn EventLog>,
    pub logs: Logs,
    pub close: Box<dyn FnOnce()>,
    /// Measures the bytes that the log holds in memory.
    pub memory: Measure,
}

/// Opens the event log. Waits for Kafka, if the log is there, and answers meanwhile.
pub(super) fn open_log(
    config: &Config,
    handles: Handles,
    clock: &Arc<dyn Clock>,
    shutdown: &Shutdown,
    answering: &mut Answering<'_>,
) -> Result<OpenedLog, Failure> {
    let failed = |error: LogError| Failure::of(error.domain(), error);
    let record_bytes_max = config.ingest.event_size.in_memory();

    if config.kafka.brokers.is_empty() {
        let options = log::Options {
            retention_age: config.event_log.retention_age.0,
            retention_bytes: config.event_log.retention_size.0,
            record_bytes_max,
            keep_free_bytes: config.result_store.keep_free.0,
            open_files: handles.open_files,
            ..log::Options::default()
        };
        let log = EmbeddedLog::open(&below(config, "log"), options, clock.clone());
        let log = Arc::new(log.map_err(failed)?);
        let logs = Logs::new(log.clone(), None, clock.clone());
        let measured = log.clone();
        let memory: Measure = Box::new(move || measured.memory_bytes());
        return Ok(OpenedLog { log: log.clone(), logs, close: Box::new(move || log.close()), memory });
    }

    let properties = config.kafka.properties.iter();
    let properties = properties.map(|property| (property.name.clone(), property.value.clone())).collect();
    let settings = KafkaSettings::new(&config.kafka.brokers, &properties).map_err(Failure::usage)?;

    let options = KafkaOptions {
        notes: Some(below(config, "kafka-notes")),
        record_bytes_max,
        notes_store: store::Options { open_files: handles.open_files, ..store::Options::default() },
        ..KafkaOptions::new(settings.clone())
    };

    let outage = options.outage.clone();
    let log = Arc::new(KafkaLog::open(options, clock.clone()).map_err(failed)?);
    wait_for(&log, shutdown, answering)?;
    let logs = Logs::new(log.clone(), Some(settings), clock.clone()).sharing(outage);
    // librdkafka's settings bound its memory; it does not report it.
    let memory: Measure = Box::new(|| 0);
    Ok(OpenedLog { log: log.clone(), logs, close: Box::new(move || log.close()), memory })
}

/// Waits until the brokers answer: they may start after Weir, as when a whole machine starts.
fn wait_for(log: &KafkaLog, shutdown: &Shutdown, answering: &mut Answering<'_>) -> Result<(), Failure> {
    loop {
        match log.ping() {
            Ok(()) => return Ok(()),
            Err(error @ LogError::Unreachable { .. }) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "waiting for Kafka");
                answering.waits_for(format!("waiting for Kafka: {}", with_causes(&error)))?;
                if shutdown.wait(KAFKA_PAUSE) {
                    return Err(Failure::of(error.domain(), error));
                }
            }
            Err(error) => return Err(Failure::of(error.domain(), error)),
        }
    }
}

/// Fails when the main topic is one of Weir's own topics.
pub(super) fn check_topic(config: &Config) -> Result<(), Failure> {
    let topic = &config.ingest.topic;
    match log::is_internal(topic) {
        false => Ok(()),
        true => Err(Failure::usage(anyhow::anyhow!(
            "ingest.topic (KAFKA_TOPIC_QUERIES), `{topic}`, is reserved for Weir and accepts no events: choose another topic"
        ))),
    }
}

/// A result store, and a function that frees its directory.
pub(super) struct Opened {
    pub store: Arc<dyn ResultStore>,
    pub close: Box<dyn FnOnce()>,
    /// Measures the bytes that the store holds in memory.
    pub memory: Measure,
}

pub(super) fn open_store(
    config: &Config,
    redis: Option<RedisOptions>,
    handles: Handles,
    clock: &Arc<dyn Clock>,
) -> Result<Opened, Failure> {
    let Some(options) = redis else {
        let store = Arc::new(open_embedded(config, "results", handles, clock)?);
        let measured = store.clone();
        let memory: Measure = Box::new(move || measured.memory_bytes());
        return Ok(Opened { store: store.clone(), close: Box::new(move || store.close()), memory });
    };
    let copy = open_embedded(config, "redis-copy", handles, clock)?;
    let store = RedisStore::open(options, copy, clock.clone());
    let store = Arc::new(store.map_err(|error| Failure::of(error.domain(), error))?);
    let measured = store.clone();
    let memory: Measure = Box::new(move || measured.memory_bytes());
    Ok(Opened { store: store.clone(), close: Box::new(move || store.close()), memory })
}

/// Returns the options of Redis, if results go there. Finds wrong settings before anything is opened.
pub(super) fn redis_options(config: &Config) -> Result<Option<RedisOptions>, Failure> {
    let Some(url) = redis_url(config) else { return Ok(None) };
    let certificates = match config.redis.certificates.as_path() {
        none if none.as_os_str().is_empty() => None,
        path => {
            let read = std::fs::read(path)
                .with_context(|| format!("redis.certificates: reading {}", path.display()));
            Some(read.map_err(Failure::usage)?)
        }
    };

    let options =
        RedisOptions { url, copy_for: config.redis.copy_for.0, certificates, ..RedisOptions::default() };
    options.check().with_context(|| named(config)).map_err(Failure::usage)?;
    Ok(Some(options))
}

/// Formats the settings that locate Redis, with their values, for people.
fn named(config: &Config) -> String {
    let of = &config.redis;
    match of.url.as_str() {
        "" => {
            let host = url_without_secrets(&of.host);
            format!("redis.host and redis.port (REDIS_HOST, REDIS_PORT), `{host}` and `{}`", of.port)
        }
        url => format!("redis.url (REDIS_URL), `{}`", url_without_secrets(url)),
    }
}

/// Returns the URL of Redis, if results go there.
fn redis_url(config: &Config) -> Option<String> {
    let of = &config.redis;
    match (of.url.as_str(), of.host.as_str()) {
        ("", "") => None,
        ("", host) if host.contains(':') => Some(format!("redis://[{host}]:{}", of.port)),
        ("", host) => Some(format!("redis://{host}:{}", of.port)),
        (url, _) => Some(url.to_owned()),
    }
}

fn open_embedded(
    config: &Config,
    name: &str,
    handles: Handles,
    clock: &Arc<dyn Clock>,
) -> Result<EmbeddedStore, Failure> {
    let options = store::Options {
        keep_free_bytes: config.result_store.keep_free.0,
        open_files: handles.open_files,
        ..store::Options::default()
    };
    let store = EmbeddedStore::open(&below(config, name), options, clock.clone());
    store.map_err(|error| Failure::of(error.domain(), error))
}
