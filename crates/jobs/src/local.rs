//! Local runs: a script reads files to their end, without a server.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use connectors::dead_letter::NoDeadLetters;
use connectors::file::FileTable;
use connectors::format::json::JsonOptions;
use connectors::local::{LocalOutput, LocalTable};
use connectors::lookup::{FileLookup, LineForm, LookupPolicy, LookupSystem, lookup_options};
use connectors::retry::Retry;
use connectors::{SourceOptions, ValuesTable, sink_options, source_options};
use engine::connector::{LookupFactory, SinkFactory, SourceFactory};
use engine::execution::{Control, Execution, ExecutionError, ExecutionOptions, JobSpec, Mode};
use engine::operator::LedgerCounts;
use sql::error::Diagnostic;
use sql::plan::Plan;
use types::{Clock, Interval};

/// The files that replace a source table.
#[derive(Debug, Clone)]
pub struct LocalInput {
    pub table: String,
    pub paths: Vec<PathBuf>,
}

/// The options of a local run.
pub struct LocalRun {
    pub plan: Plan,
    pub inputs: Vec<LocalInput>,
    pub output: Box<dyn Write + Send>,
    /// Whether to write all changes of rows instead of only the final rows.
    pub changelog: bool,
    pub parallelism: u32,
    /// The maximum number of rows in a batch; it has no effect on the result.
    pub batch_rows: usize,
    pub clock: Arc<dyn Clock>,
}

/// A local run in progress.
pub struct Running {
    execution: Execution,
    output: Arc<LocalOutput>,
}

/// The result of a local run.
#[derive(Debug, Clone)]
pub struct LocalSummary {
    pub ledger: LedgerCounts,
    /// Rows that operators dropped as late. The events from which the rows came count as on time in the
    /// ledger.
    pub late_rows: u64,
    pub rows_written: u64,
}

/// The reason for which a local run failed.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    #[error("a table's options are wrong")]
    Script(Vec<Diagnostic>),
    #[error("table `{table}` has no input; give one with --input {table}=FILE")]
    NoInput { table: String },
    #[error("--input names `{table}`, which the script does not read; it reads {}", .read.join(", "))]
    UnusedInput { table: String, read: Vec<String> },
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    #[error("cannot write the results")]
    Output(#[source] std::io::Error),
}

impl LocalRun {
    /// Starts the run.
    pub fn start(self) -> Result<Running, LocalError> {
        let files: usize = self.inputs.iter().map(|input| input.paths.len()).sum();
        let output = LocalOutput::new(self.output, files <= 1, self.changelog);
        let mut errors: Vec<Diagnostic> = Vec::new();
        let mut sources: Vec<Arc<dyn SourceFactory>> = Vec::new();
        let read = self.plan.pipelines.iter().map(|pipeline| pipeline.source.name.clone());
        let tables: Vec<String> =
            read.chain(self.plan.lookups().map(|(_, join)| join.table.name.clone())).collect();
        if let Some(unused) = self.inputs.iter().find(|input| !tables.contains(&input.table)) {
            return Err(LocalError::UnusedInput { table: unused.table.clone(), read: tables });
        }

        for pipeline in &self.plan.pipelines {
            let table = &pipeline.source.name;
            if let Some(values) = ValuesTable::of(&pipeline.source) {
                sources.push(Arc::new(values));
                continue;
            }
            let paths: Vec<PathBuf> = self
                .inputs
                .iter()
                .filter(|input| input.table == *table)
                .flat_map(|input| input.paths.clone())
                .collect();
            if paths.is_empty() {
                return Err(LocalError::NoInput { table: table.clone() });
            }
            match source_options(&pipeline.source) {
                Ok(SourceOptions::EventLog(options)) => {
                    let topic = options.only_topic().unwrap_or(table).to_owned();
                    sources.push(Arc::new(FileTable {
                        paths,
                        json: options.json,
                        envelope: options.envelope,
                        topic,
                    }));
                }
                Ok(SourceOptions::Values(values)) => sources.push(Arc::new(values)),
                Err(wrong) => errors.extend(wrong),
            }
        }

        let mut sinks: Vec<Arc<dyn SinkFactory>> = Vec::new();
        for (sink, table) in self.plan.sinks.iter().enumerate() {
            let options = match sink_options(table) {
                Ok(options) => options,
                Err(wrong) => {
                    errors.extend(wrong);
                    continue;
                }
            };
            sinks.push(Arc::new(LocalTable {
                table: table.clone(),
                is_updated: self.plan.updates_sink(sink),
                options,
                output: output.clone(),
            }));
        }

        let lookups = lookups(&self.plan, &self.inputs, &self.clock, &mut errors)?;
        if !errors.is_empty() {
            return Err(LocalError::Script(errors));
        }
        let options = ExecutionOptions {
            mode: Mode::Bounded,
            parallelism: self.parallelism,
            batch_rows: self.batch_rows,
            // The data in files may be old or in the future, so it is compared with the clock only if the
            // script asks for it.
            max_future: self.plan.settings.max_future.unwrap_or(Interval::ZERO),
            ..ExecutionOptions::default()
        };

        let spec = JobSpec {
            plan: Arc::new(self.plan),
            sources,
            sinks,
            lookups,
            dead_letters: Arc::new(NoDeadLetters),
            clock: self.clock,
            options,
            restore: None,
            lateness: None,
        };

        Ok(Running { execution: Execution::start(spec)?, output })
    }
}

/// Creates the lookup tables. They read the files of the command line, whose lines are `{"value": {…}}`, or
/// the file that the table itself names.
fn lookups(
    plan: &Plan,
    inputs: &[LocalInput],
    clock: &Arc<dyn Clock>,
    errors: &mut Vec<Diagnostic>,
) -> Result<Vec<Arc<dyn LookupFactory>>, LocalError> {
    let retry = Arc::new(Retry::new(clock.clone()));
    let mut lookups: Vec<Arc<dyn LookupFactory>> = Vec::new();

    for (place, join) in plan.lookups() {
        let options = match lookup_options(join, plan.operators[place].span) {
            Ok(options) => options,
            Err(wrong) => {
                errors.extend(wrong);
                continue;
            }
        };
        let given = inputs.iter().filter(|input| input.table == join.table.name);
        let given: Vec<PathBuf> = given.flat_map(|input| input.paths.clone()).collect();
        // Nobody repairs a file during the run.
        let policy = LookupPolicy { max_retries: Some(0), ..options.policy };
        let ignore_parse_errors = policy.ignore_parse_errors;

        let (paths, form, json) = match options.system {
            LookupSystem::File(files) if given.is_empty() => (vec![files.path], LineForm::Row, files.json),
            LookupSystem::File(files) => (given, LineForm::Enveloped, files.json),
            _ if given.is_empty() => {
                return Err(LocalError::NoInput { table: join.table.name.clone() });
            }
            _ => (given, LineForm::Enveloped, JsonOptions { ignore_parse_errors, ..JsonOptions::default() }),
        };

        let (retry, clock) = (retry.clone(), clock.clone());
        lookups.push(Arc::new(FileLookup::new(join, paths, (form, json), policy, retry, clock)));
    }
    Ok(lookups)
}

impl Running {
    /// Returns how many records were processed so far, and with which outcome.
    pub fn ledger(&self) -> LedgerCounts {
        self.execution.ledger()
    }

    pub fn is_finished(&self) -> bool {
        self.execution.is_finished()
    }

    /// Returns the control with which the run can be ended early.
    pub fn control(&self) -> Arc<Control> {
        self.execution.control()
    }

    /// Waits for the end of the run.
    pub fn join(self) -> Result<LocalSummary, LocalError> {
        let tasks: Vec<_> = self.execution.tasks().iter().map(|task| task.metrics.clone()).collect();
        let ledger = self.execution.join()?;
        self.output.finish().map_err(LocalError::Output)?;

        let late_rows = tasks.iter().map(|task| task.late_in_operators()).sum();
        Ok(LocalSummary { ledger, late_rows, rows_written: self.output.rows_written() })
    }
}
