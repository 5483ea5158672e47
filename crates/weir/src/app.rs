//! Wires all parts together: opens log and store, submits the jobs, serves, and ends in order.

mod answering;
mod ending;
mod memory;
mod open;
mod operations;
mod sql_gateway;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use engine::memory::Pool;
use jobs::checkpoint::{CheckpointOptions, INLINE_BELOW};
use jobs::registry::Registry;
use jobs::{Defaults, Dispatcher, Environment, JobOrigin, Submission, SubmitError};
use server::flink::{self, JobManager, LogTail, Setting, Variables};
use server::gateway::{self, Gateway};
use server::{DocumentPlaces, Server, Services, UnknownTopics};
use storage::log::EventLog;
use storage::store::{CountedStore, ResultStore as _};
use types::{Clock, Interval};

use crate::cli::{Failure, Outcome, Script};
use crate::config::{Config, Length, Loaded, without_secret};
use crate::generated::{self, Generated};
use crate::handles::{self, Handles};
use crate::metrics::{JobMetrics, StoreMetrics};
use crate::results_topics::{self, Delivery};
use crate::shutdown::Shutdown;
use crate::{guard, machine};
use answering::Answering;
use open::{Opened, OpenedLog, check_topic, open_log, open_store, redis_options};
use operations::JobOperations;

/// Time that a job may take to end.
const JOB_GRACE: Duration = Duration::from_secs(10);

/// The listening addresses of a Weir.
pub(crate) struct Addresses {
    pub(crate) http: SocketAddr,
    pub(crate) jobs_http: SocketAddr,
    pub(crate) gateway_http: SocketAddr,
    /// `http` or `https`.
    pub(crate) scheme: &'static str,
}

/// The inputs of a Weir besides its settings.
pub(crate) struct Start {
    pub(crate) scripts: Vec<Script>,
    /// Directories of the scripts, which may have directories of dashboards and alerts.
    pub(crate) script_directories: Vec<PathBuf>,
    pub(crate) variables: Variables,
    pub(crate) afresh: bool,
    /// Results topics of a Flink cluster to deliver.
    pub(crate) deliver: Vec<String>,
    pub(crate) log: Arc<LogTail>,
}

/// Runs Weir until it is asked to end. Calls `announce` once it listens and its jobs run.
pub(crate) fn run(
    loaded: &Loaded,
    start: Start,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
    announce: &dyn Fn(&Addresses) -> Result<(), Failure>,
) -> Result<Outcome, Failure> {
    let Start { scripts, script_directories, variables, afresh, deliver, log: log_tail } = start;
    let config = &loaded.config;
    for remark in &loaded.remarks {
        tracing::warn!("{remark}");
    }
    check_topic(config)?;
    let redis = redis_options(config)?;
    let (has_kafka, has_redis) = (!config.kafka.brokers.is_empty(), redis.is_some());
    if !deliver.is_empty() && !has_kafka {
        return Err(Failure::usage(anyhow::anyhow!(
            "--deliver reads topics of Kafka: set kafka.brokers (KAFKA_BROKER_URL)"
        )));
    }
    let handles = handles::share(config.http.connections.get(), has_kafka).map_err(Failure::external)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the server's threads")
        .map_err(Failure::external)?;
    let (listeners, guard) = runtime.block_on(guard::listen(config, clock.clone()))?;
    let mut answering = Answering::new(&runtime, &listeners, &guard);
    let OpenedLog { log, logs, close: close_log, memory: log_memory } =
        open_log(config, handles, &clock, &shutdown, &mut answering)?;
    answering.end();
    let Opened { store, close, memory: store_memory } = open_store(config, redis, handles, &clock)?;
    let store = Arc::new(CountedStore::new(store, clock.clone()));
    let defaults = defaults(config, handles);
    let pool = defaults.memory.clone();

    let environment = Environment {
        logs,
        store: store.clone(),
        clock: clock.clone(),
        defaults,
        checkpoints: Some(checkpoints(config)),
        registry: Some(Arc::new(open_registry(config)?)),
    };

    let dispatcher = Arc::new(Dispatcher::new(environment).with_secrets(variables.clone()));
    let generator = Generated::new(generated::Parts {
        dispatcher: dispatcher.clone(),
        log: log.clone(),
        store: store.clone(),
        clock: clock.clone(),
        variables: variables.clone(),
        zone: config.jobs.time_zone.0.clone(),
        refusal: no_generator(has_kafka, has_redis),
    });

    let served = runtime.block_on(async {
        let [listener, jobs_listener, sql_listener] = listeners;
        tokio::spawn(guard.clone().keep());
        let job_manager_port = jobs_listener.local_addr().ok().map(|address| address.port());
        let http_options =
            server::Options { job_manager_port, ..server_options(config, handles, &script_directories) };
        let services = Services {
            clock: clock.clone(),
            log: log.clone(),
            store: store.clone(),
            operations: Arc::new(JobOperations { dispatcher: dispatcher.clone(), store: store.clone() }),
            result_tables: dispatcher.result_tables().clone(),
            generator: generator.clone(),
            guard: guard.clone(),
        };
        let failed = |error: server::Error| Failure::of(error.domain(), error);
        let server = Server::bind(listener, http_options, services).map_err(failed)?;
        let job_metrics = Box::new(JobMetrics(dispatcher.clone()));
        let store_metrics = Box::new(StoreMetrics(store.clone()));
        let handle = server.handle();
        let memory_metrics = memory::accounts(pool, log_memory, store_memory, &handle);
        handle.register(|registry| {
            registry.register_collector(Box::new(memory_metrics));
            registry.register_collector(job_metrics);
            registry.register_collector(store_metrics);
        });
        let services = gateway::Services {
            clock: clock.clone(),
            dispatcher: dispatcher.clone(),
            variables: variables.clone(),
            guard: guard.clone(),
        };
        let gateway =
            Gateway::bind(sql_listener, sql_gateway::options(config, handles), services).map_err(failed)?;
        let services = flink::Services {
            clock,
            dispatcher: dispatcher.clone(),
            variables: variables.clone(),
            settings: in_force(loaded),
            log: log_tail,
            sql: gateway.sessions(),
            guard: guard.clone(),
        };
        let manager =
            JobManager::bind(jobs_listener, manager_options(config, handles), services).map_err(failed)?;
        let server = server.with_job_manager(manager.mount());
        // Jobs wait for disks and brokers when they start.
        tokio::task::block_in_place(|| {
            let recorded: Vec<String> = dispatcher.views().into_iter().map(|view| view.name).collect();
            let names = Script::job_names(&scripts, &recorded).into_iter();
            scripts.iter().zip(names).try_for_each(|of| submit(&dispatcher, of, &*variables, afresh))?;
            dispatcher.resume().map_err(|error| Failure::external(anyhow::Error::new(error)))?;
            generator.resume();
            Ok::<(), Failure>(())
        })?;
        let _delivery = start_delivery(&dispatcher, &log, &variables, deliver)?;
        announce(&Addresses {
            http: server.local_addr(),
            jobs_http: manager.local_addr(),
            gateway_http: gateway.local_addr(),
            scheme: if guard.tls().is_some() { "https" } else { "http" },
        })?;
        let (ending, why) = ending::watch(shutdown.clone(), log.clone(), store.clone());
        tokio::join!(
            server.serve(ending.clone().comes()),
            manager.serve(ending.clone().comes()),
            gateway.serve(ending.comes())
        );
        why.await.context("watching for the end").map_err(Failure::external)??;
        Ok(Outcome::Done)
    });

    generator.stop();
    // Events are no longer accepted. End the jobs first, then the stores to which they write.
    if !dispatcher.shut_down(JOB_GRACE) {
        tracing::warn!("a job did not end in time");
    }

    runtime.shutdown_timeout(JOB_GRACE);
    if let Err(error) = store.flush() {
        tracing::error!(error = &error as &dyn std::error::Error, "the last results may not be durable");
    }
    close();
    close_log();
    served
}

/// Starts to deliver results topics, if there are any.
fn start_delivery(
    dispatcher: &Arc<Dispatcher>,
    log: &Arc<dyn EventLog>,
    variables: &Variables,
    topics: Vec<String>,
) -> Result<Option<Delivery>, Failure> {
    if topics.is_empty() {
        return Ok(None);
    }
    let (dispatcher, log, variables) = (dispatcher.clone(), log.clone(), variables.clone());
    let delivery = Delivery::start(results_topics::Parts { dispatcher, log, variables, topics });
    delivery.map(Some).context("starting the thread of --deliver").map_err(Failure::external)
}

/// Returns why events cannot be generated; `None` if they can.
fn no_generator(has_kafka: bool, has_redis: bool) -> Option<String> {
    let used = match (has_kafka, has_redis) {
        (false, false) => return None,
        (true, false) => "Kafka",
        (false, true) => "Redis",
        (true, true) => "Kafka and Redis",
    };
    Some(format!("this Weir uses {used}, where others would see them: use `weir generate` for a test system"))
}

/// Returns the checkpoint options for scripts that set none.
fn checkpoints(config: &Config) -> CheckpointOptions {
    let of = &config.checkpoints;
    let place = |directory: &str, name: &str| match directory {
        "" => below(config, name).display().to_string(),
        directory => directory.to_owned(),
    };
    CheckpointOptions {
        interval: Some(of.interval.0).filter(|interval| !interval.is_zero()),
        min_pause: of.min_pause.0,
        timeout: of.timeout.0,
        retained: of.retained.get() as usize,
        tolerable_failures: None,
        directory: place(&of.directory, "checkpoints"),
        savepoints: place(&of.savepoints, "savepoints"),
        keep_free_bytes: config.result_store.keep_free.0,
        inline_below: INLINE_BELOW,
    }
}

fn open_registry(config: &Config) -> Result<Registry, Failure> {
    Registry::open(&below(config, "jobs")).map_err(|error| Failure::external(anyhow::Error::new(error)))
}

fn below(config: &Config, name: &str) -> std::path::PathBuf {
    Path::new(&config.data_dir).join(name)
}

fn defaults(config: &Config, handles: Handles) -> Defaults {
    Defaults {
        parallelism: config.jobs.parallelism.get(),
        idle_timeout: interval(config.jobs.idle_timeout),
        max_future: interval(config.jobs.max_future),
        memory: Pool::of(memory::of_jobs(config)),
        new_topic_partitions: config.ingest.partitions.get(),
        lookup_directories: config.jobs.lookup_directories.iter().map(PathBuf::from).collect(),
        jobs_max: Some(handles.jobs),
    }
}

fn interval(length: Length) -> Interval {
    Interval(i64::try_from(length.0.as_millis()).unwrap_or(i64::MAX))
}

fn server_options(config: &Config, handles: Handles, beside: &[PathBuf]) -> server::Options {
    let (http, ingest) = (&config.http, &config.ingest);
    server::Options {
        topic: ingest.topic.clone(),
        partitions: ingest.partitions.get(),
        unknown_topics: if ingest.create_topics { UnknownTopics::Create } else { UnknownTopics::Refuse },
        time_zone: config.jobs.time_zone.0.clone(),
        cors_origins: http.cors_origins.clone(),
        body_bytes_max: ingest.body_size.in_memory(),
        decompressed_bytes_max: ingest.decompressed_size.in_memory(),
        record_bytes_max: ingest.event_size.in_memory(),
        ingest_bytes_max: memory::of_ingest(config),
        connections_max: handles.http,
        headers_max: http.headers.get(),
        header_timeout: http.header_timeout.0,
        shutdown_grace: http.shutdown_grace.0,
        feed_interval: config.feed.interval.0,
        feed_stall: config.feed.stall.0,
        index_bytes_max: memory::of_results(config),
        result_tables_bytes_max: memory::of_result_tables(config),
        dashboards: document_places(config, beside, "dashboards"),
        alerts: document_places(config, beside, "alerts"),
        ..server::Options::default()
    }
}

/// Returns where documents of a kind are. If a script lies in the data directory, the directory beside it is that of
/// saved documents, which change.
fn document_places(config: &Config, script_directories: &[PathBuf], kind: &str) -> DocumentPlaces {
    let saved = below(config, kind);
    let mut beside: Vec<PathBuf> = script_directories.iter().map(|directory| directory.join(kind)).collect();
    beside.retain(|directory| match (directory.canonicalize(), saved.canonicalize()) {
        (Ok(directory), Ok(saved)) => directory != saved,
        (Ok(_) | Err(_), _) => true,
    });
    DocumentPlaces { saved: Some(saved), files: beside }
}

fn manager_options(config: &Config, handles: Handles) -> flink::Options {
    flink::Options {
        cors_origins: config.http.cors_origins.clone(),
        memory_bytes: Some(machine::memory_bytes()),
        connections_max: handles.others,
        savepoint_directories: config.jobs_http.savepoint_directories.clone(),
        headers_max: config.http.headers.get(),
        header_timeout: config.http.header_timeout.0,
        shutdown_grace: config.http.shutdown_grace.0,
        ..flink::Options::default()
    }
}

/// Returns every setting with its value, without passwords.
fn in_force(loaded: &Loaded) -> Vec<Setting> {
    let text = |value: &toml::Value| match without_secret(value) {
        toml::Value::String(text) => text,
        other => other.to_string(),
    };
    loaded.settings.iter().map(|(key, (value, _))| Setting { key: key.clone(), value: text(value) }).collect()
}

fn submit(
    dispatcher: &Dispatcher,
    (script, name): (&Script, &str),
    variables: &dyn Fn(&str) -> Option<String>,
    afresh: bool,
) -> Result<(), Failure> {
    let submission =
        Submission { script: &script.text, name, variables, origin: JobOrigin::Start, from: None, afresh };
    match dispatcher.submit(submission) {
        Ok(job) => {
            // A job that has replaced this one in an earlier run has a script of its own.
            if job.script() == script.text {
                script.show(&job.plan().notices);
            }
            Ok(())
        }
        Err(error) => {
            if let SubmitError::Script(diagnostics) = &error {
                script.show(diagnostics);
            }
            Err(Failure::of(error.domain(), anyhow::Error::new(error).context(script.name.clone())))
        }
    }
}
