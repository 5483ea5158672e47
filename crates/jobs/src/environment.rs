//! The environment of jobs: log, store, clock, and defaults for settings that a script omits.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use connectors::collect::{CollectTable, Collector};
use connectors::dead_letter::{DEAD_LETTER_TOPIC, DeadLetterTopic, NoDeadLetters};
use connectors::event_log::{EventLogSinkTable, EventLogTable};
use connectors::lookup::{FileLookup, LineForm, LookupSystem, StoreLookup, lookup_options};
use connectors::result_store::{ResultStoreTable, StoreWriter, UndoLog};
use connectors::retry::Retry;
use connectors::{BlackholeTable, PrintTable, SinkOptions, SourceOptions, sink_options, source_options};
use engine::connector::{LookupFactory, Reads, SinkFactory, SourceFactory};
use engine::execution::{ExecutionOptions, JobSpec, Mode};
use engine::memory::Pool;
use parking_lot::Mutex;
use sql::error::Diagnostic;
use sql::plan::operator::{Changes, Target};
use sql::plan::{Plan, TableOptions};
use storage::log::{EventLog, LogError, Logs};
use storage::store::ResultStore;
use types::{Clock, Interval, JobId};

use crate::checkpoint::CheckpointOptions;
use crate::registry::Registry;

/// Resources that all jobs of a process share.
#[derive(Clone)]
pub struct Environment {
    pub logs: Logs,
    pub store: Arc<dyn ResultStore>,
    pub clock: Arc<dyn Clock>,
    pub defaults: Defaults,
    /// Checkpoint options for scripts that set none. With `None` there are no checkpoints, and no state
    /// outlives the process.
    pub checkpoints: Option<CheckpointOptions>,
    /// Records of the jobs; `None` if jobs are not recorded.
    pub registry: Option<Arc<Registry>>,
}

/// The specification of a job that is ready to run, and the parts of it that the job master uses.
pub(crate) struct Wired {
    pub spec: JobSpec,
    /// The retries of all writers of the plan.
    pub retry: Arc<Retry>,
    pub dead_letters: Arc<DeadLetterTopic>,
    /// The sinks that are tables in the result store.
    pub results: Vec<Arc<ResultStoreTable>>,
}

/// Defaults for settings that a script omits.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// `parallelism.default`.
    pub parallelism: u32,
    /// `table.exec.source.idle-timeout`.
    pub idle_timeout: Interval,
    /// `weir.max-future`.
    pub max_future: Interval,
    /// The memory of all jobs together; `weir.memory` limits a single job.
    pub memory: Arc<Pool>,
    /// The number of partitions of a topic that Weir creates for a script.
    pub new_topic_partitions: u32,
    /// Lookup files must be below these directories.
    pub lookup_directories: Vec<PathBuf>,
    /// The number of jobs for which the process has file handles; a further job is refused. `None` means no
    /// limit.
    pub jobs_max: Option<usize>,
}

impl Default for Defaults {
    fn default() -> Defaults {
        Defaults {
            parallelism: 1,
            idle_timeout: Interval(5_000),
            max_future: Interval(300_000),
            memory: Pool::unlimited(),
            new_topic_partitions: 1,
            lookup_directories: Vec::new(),
            jobs_max: None,
        }
    }
}

/// The reason for which a plan cannot be connected to its tables.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WiringError {
    #[error("a table's options are wrong")]
    Options(Vec<Diagnostic>),
    #[error("a thread could not be started")]
    Thread(#[source] std::io::Error),
}

impl Environment {
    /// Returns what each source of a plan reads, in the form that snapshots use.
    pub(crate) fn reads(&self, plan: &Plan) -> Result<Vec<Reads>, Vec<Diagnostic>> {
        let of = plan.pipelines.iter().map(|pipeline| match source_options(&pipeline.source)? {
            SourceOptions::EventLog(options) => {
                let log = self.log(&pipeline.source.options, &options.properties)?;
                Ok(options.reads(&*log))
            }
            SourceOptions::Values(values) => Ok(values.reads()),
        });
        of.collect()
    }

    /// Returns the number of subtasks of the plan's vertices.
    pub(crate) fn parallelism(&self, plan: &Plan) -> u32 {
        plan.settings.parallelism.unwrap_or(self.defaults.parallelism)
    }

    /// Returns how far events may be ahead of the clock; zero means no limit.
    pub(crate) fn max_future(&self, plan: &Plan) -> Interval {
        plan.settings.max_future.unwrap_or(self.defaults.max_future)
    }

    /// Returns the log that a table's properties name.
    fn log(
        &self,
        options: &TableOptions,
        properties: &BTreeMap<String, String>,
    ) -> Result<Arc<dyn EventLog>, Vec<Diagnostic>> {
        self.logs.of(properties).map_err(|error| vec![wrong_properties(options, &error)])
    }

    /// Connects the tables of a plan with the log and the store; the sinks of a query are connected with the
    /// collector. `undo` records rows of the result store before they change.
    pub(crate) fn wire(
        &self,
        plan: Arc<Plan>,
        (job_id, job_name): (JobId, &str),
        collector: Option<&Arc<Collector>>,
        undo: Option<&Arc<dyn UndoLog>>,
    ) -> Result<Wired, WiringError> {
        let mut errors: Vec<Diagnostic> = Vec::new();
        let mut sources: Vec<Arc<dyn SourceFactory>> = Vec::new();

        for pipeline in &plan.pipelines {
            match source_options(&pipeline.source) {
                Ok(SourceOptions::EventLog(options)) => {
                    match self.log(&pipeline.source.options, &options.properties) {
                        Ok(log) => {
                            let partitions = self.defaults.new_topic_partitions;
                            let table = EventLogTable::new(options, log, self.clock.clone(), partitions);
                            // Without checkpoints, no progress is recorded.
                            let takes_checkpoints = collector.is_none() && self.checkpoints.is_some();
                            sources.push(match takes_checkpoints {
                                true => Arc::new(table.retained_for(job_id.to_string())),
                                false => Arc::new(table),
                            });
                        }
                        Err(wrong) => errors.extend(wrong),
                    }
                }
                Ok(SourceOptions::Values(values)) => sources.push(Arc::new(values)),
                Err(wrong) => errors.extend(wrong),
            }
        }

        let retry = Arc::new(Retry::new(self.clock.clone()));
        // Started only for the first table that needs it: dropping an unused writer would stop the retries of
        // all others.
        let mut writer: Option<Arc<StoreWriter>> = None;
        let mut sinks: Vec<Arc<dyn SinkFactory>> = Vec::new();

        let mut results: Vec<Arc<ResultStoreTable>> = Vec::new();

        for (place, table) in plan.sinks.iter().enumerate() {
            if let Some(collector) = collector {
                sinks.push(Arc::new(CollectTable {
                    collector: collector.clone(),
                    retry: retry.clone(),
                    clock: self.clock.clone(),
                }));
                continue;
            }
            match sink_options(table) {
                Ok(SinkOptions::ResultStore(options)) => {
                    let writer = match &writer {
                        Some(writer) => writer.clone(),
                        None => {
                            let (store, clock) = (self.store.clone(), self.clock.clone());
                            let started = StoreWriter::start(store, retry.clone(), clock, undo.cloned());
                            let started = Arc::new(started.map_err(WiringError::Thread)?);
                            writer.insert(started).clone()
                        }
                    };
                    let table = Arc::new(ResultStoreTable {
                        table: table.clone(),
                        options,
                        writer,
                        tells_stage: plan.settings.early_fire.is_some(),
                        // A repeated write of an appended row has no effect, so such rows need no undo log.
                        undo: undo.filter(|_| has_changing_rows(&plan, place)).cloned(),
                    });
                    results.push(table.clone());
                    sinks.push(table);
                }
                Ok(SinkOptions::EventLog(options)) => match self.log(&table.options, &options.properties) {
                    Ok(log) => sinks.push(Arc::new(EventLogSinkTable {
                        table: table.clone(),
                        options,
                        log,
                        retry: retry.clone(),
                        clock: self.clock.clone(),
                        new_topic_partitions: self.defaults.new_topic_partitions,
                    })),
                    Err(wrong) => errors.extend(wrong),
                },
                Ok(SinkOptions::Blackhole) => sinks.push(Arc::new(BlackholeTable)),
                Ok(SinkOptions::Print(options)) => sinks.push(Arc::new(PrintTable {
                    table: table.clone(),
                    options,
                    out: Arc::new(Mutex::new(std::io::stdout())),
                })),
                Err(wrong) => errors.extend(wrong),
            }
        }

        let lookups = self.lookups(&plan, &retry).unwrap_or_else(|wrong| {
            errors.extend(wrong);
            Vec::new()
        });
        if !errors.is_empty() {
            return Err(WiringError::Options(errors));
        }
        let dead_letters = Arc::new(DeadLetterTopic {
            log: self.logs.own().clone(),
            topic: DEAD_LETTER_TOPIC.to_owned(),
            job: job_name.to_owned(),
            job_id: job_id.to_string(),
            retry: retry.clone(),
            clock: self.clock.clone(),
        });

        let settings = &plan.settings;
        let options = ExecutionOptions {
            mode: Mode::Live,
            parallelism: self.parallelism(&plan),
            idle_timeout: settings.idle_timeout.unwrap_or(self.defaults.idle_timeout),
            max_future: self.max_future(&plan),
            pool: self.defaults.memory.clone(),
            memory: settings.memory.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
            ..ExecutionOptions::default()
        };

        let spec = JobSpec {
            plan,
            sources,
            sinks,
            lookups,
            // A query leaves no data behind.
            dead_letters: match collector {
                Some(_) => Arc::new(NoDeadLetters),
                None => dead_letters.clone(),
            },
            clock: self.clock.clone(),
            options,
            restore: None,
            lateness: None,
        };

        Ok(Wired { spec, retry, dead_letters, results })
    }
}

impl Environment {
    /// Creates the tables that a plan looks up, in the order of its joins.
    fn lookups(
        &self,
        plan: &Plan,
        retry: &Arc<Retry>,
    ) -> Result<Vec<Arc<dyn LookupFactory>>, Vec<Diagnostic>> {
        let mut lookups: Vec<Arc<dyn LookupFactory>> = Vec::new();

        for (place, join) in plan.lookups() {
            let span = plan.operators[place].span;
            let options = lookup_options(join, span)?;
            let (policy, retry, clock) = (options.policy, retry.clone(), self.clock.clone());
            lookups.push(match options.system {
                LookupSystem::ResultStore(options) => {
                    let (join, store) = (Arc::new(join.clone()), self.store.clone());
                    Arc::new(StoreLookup { join, options, policy, store, retry })
                }
                LookupSystem::File(_) if self.defaults.lookup_directories.is_empty() => {
                    let name = &join.table.name;
                    let message = format!("table `{name}` is a file, and jobs of this Weir may not look up files");
                    let error = Diagnostic::error(join.table.span, message);
                    return Err(vec![error.with_hint(
                        "list the directory of its files among `lookup_directories` in section [jobs] of Weir's settings",
                    )]);
                }
                LookupSystem::File(files) => {
                    let form = (LineForm::Row, files.json);
                    let table = FileLookup::new(join, vec![files.path], form, policy, retry, clock);
                    let table = table.monitored_each(files.monitor_interval);
                    Arc::new(table.below(self.defaults.lookup_directories.clone()))
                }
                LookupSystem::Jdbc(refused) => return Err(vec![*refused]),
            });
        }
        Ok(lookups)
    }
}

/// Returns whether a sink gets rows that are retracted or replaced later.
fn has_changing_rows(plan: &Plan, sink: usize) -> bool {
    plan.operators
        .iter()
        .any(|operator| operator.changes != Changes::Append && operator.targets.contains(&Target::Sink(sink)))
}

/// Reports an error in `properties.…`; the position is that of the property, if the error names it.
fn wrong_properties(options: &TableOptions, error: &LogError) -> Diagnostic {
    let message = error.to_string();
    let named = options
        .entries
        .iter()
        .find(|(key, _)| key.strip_prefix("properties.").is_some_and(|property| message.contains(property)));
    Diagnostic::error(named.map_or(options.span, |(_, option)| option.key_span), message)
}
