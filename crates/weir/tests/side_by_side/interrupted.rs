//! Runs a case as a job in this process, kills it in the middle of its input, and continues from its
//! snapshot.
//!
//! ```text
//! lines     0 ──────────── 1/2 ──────── 3/4 ──────── end
//! first       read          snapshot     killed            what it wrote behind the snapshot is lost
//! second                    read from here           ──►   another parallelism
//! ```
//! Sources wait at a line until they may read more. So the snapshot is at the same line in every run, no row
//! is in flight when it is taken, and everything written by then belongs to it. The job reads and writes more
//! before it is killed. No file ends before that, so that no window closes for lack of input.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connectors::dead_letter::NoDeadLetters;
use connectors::file::FileTable;
use connectors::local::{LocalOutput, LocalTable};
use connectors::{SourceOptions, sink_options, source_options};
use engine::batch::{Batch, LeafRequest};
use engine::connector::{
    ConnectorError, Polled, Reads, SinkFactory, Source, SourceFactory, Split, StartFrom,
};
use engine::execution::{Afterwards, Execution, ExecutionOptions, JobSpec, Mode, Restore};
use engine::snapshot::{Snapshot, decode, encode};
use sql::plan::Plan;
use types::{Clock, Interval, Offset, PartitionId, SystemClock};

use super::case::Case;
use super::rows::Change;

/// How a case is interrupted: the subtasks before and after, and the part of each file that is read before
/// the snapshot.
#[derive(Debug, Clone, Copy)]
pub struct Interruption {
    pub before: u32,
    pub after: u32,
    pub quarters: u64,
}

/// A whole file, in quarters of its lines.
const ALL: u64 = 4;

/// Snapshots after which every subtask knows the present event time, and has told its successors.
const SETTLED_AFTER: usize = 4;

/// Runs a case, kills it, and continues from the snapshot. Returns every change that was written before the
/// snapshot and by the second job.
///
/// # Errors
/// Fails with the job's error.
pub fn run(case: &Case, interruption: Interruption) -> Result<Vec<Change>, String> {
    let script = std::fs::read_to_string(case.directory.join("job.sql")).expect("the case has a script");
    let plan = sql::compile(&script, &|_| None).unwrap_or_else(|errors| panic!("{}: {errors:#?}", case.name));
    let plan = Arc::new(plan);

    // Small batches before and large ones after: no answer depends on the size.
    let first = Job::start(case, &plan, (interruption.before, 7), None, interruption.quarters);
    first.wait_at(interruption.quarters)?;
    let snapshot = first.snapshot()?;
    let mut written = first.written();

    // The second job reads and writes these rows again.
    first.show(interruption.quarters + 1);
    first.wait_at(interruption.quarters + 1)?;
    first.execution.cancel();
    first.execution.join().map_err(|error| said(&error))?;

    let second = Job::start(case, &plan, (interruption.after, 4096), Some(snapshot), ALL);
    let Job { execution, output, sheet, .. } = second;
    execution.join().map_err(|error| said(&error))?;
    output.finish().expect("a sheet takes all that is written");
    written += &sheet.text();
    Ok(Change::read_all(&written))
}

/// Formats an error with its causes.
fn said(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// A running job, and its output.
struct Job {
    execution: Execution,
    output: Arc<LocalOutput>,
    sheet: Sheet,
    gate: Arc<Gate>,
    /// Numbers of the sources that read a file.
    files: BTreeSet<usize>,
}

impl Job {
    fn start(
        case: &Case,
        plan: &Arc<Plan>,
        (parallelism, batch_rows): (u32, usize),
        restore: Option<Snapshot>,
        quarters: u64,
    ) -> Job {
        let gate = Arc::new(Gate { quarters: AtomicU64::new(quarters), waiting: Mutex::default() });
        let mut files = BTreeSet::new();
        let mut sources: Vec<Arc<dyn SourceFactory>> = Vec::new();
        for (number, pipeline) in plan.pipelines.iter().enumerate() {
            match source_options(&pipeline.source).expect("the options of a case are right") {
                SourceOptions::Values(values) => sources.push(Arc::new(values)),
                SourceOptions::EventLog(options) => {
                    files.insert(number);
                    let path = &case.inputs[&pipeline.source.name];
                    let table = FileTable {
                        paths: vec![path.clone()],
                        json: options.json,
                        envelope: options.envelope,
                        topic: pipeline.source.name.clone(),
                    };
                    let (gate, lines) = (gate.clone(), lines(path).into());
                    sources.push(Arc::new(GatedTable { table, number, lines, gate }));
                }
            }
        }

        let sheet = Sheet::default();
        let output = LocalOutput::new(Box::new(sheet.clone()), files.len() <= 1, true);
        let sinks = plan.sinks.iter().enumerate().map(|(sink, table)| {
            let options = sink_options(table).expect("the options of a case are right");
            Arc::new(LocalTable {
                table: table.clone(),
                is_updated: plan.updates_sink(sink),
                options,
                output: output.clone(),
            }) as Arc<dyn SinkFactory>
        });
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let spec = JobSpec {
            plan: plan.clone(),
            sources,
            sinks: sinks.collect(),
            lookups: Vec::new(),
            dead_letters: Arc::new(NoDeadLetters),
            clock,
            options: ExecutionOptions {
                mode: Mode::Bounded,
                parallelism,
                batch_rows,
                idle_timeout: Interval::ZERO,
                max_future: Interval::ZERO,
                ..ExecutionOptions::default()
            },
            restore: restore.map(Arc::new).map(Restore::in_memory),
            lateness: None,
        };
        let execution = Execution::start(spec).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        Job { execution, output, sheet, gate, files }
    }

    /// Lets the sources read more of their files.
    fn show(&self, quarters: u64) {
        self.gate.waiting.lock().expect("nobody panics here").clear();
        self.gate.quarters.store(quarters, Ordering::SeqCst);
    }

    /// Waits until every file is read as far as permitted, and the rows were handed on.
    fn wait_at(&self, quarters: u64) -> Result<(), String> {
        for _ in 0..20_000 {
            let waiting = self.gate.waiting.lock().expect("nobody panics here");
            if self.files.iter().all(|&number| waiting.contains(&(number, quarters))) {
                return Ok(());
            }
            drop(waiting);
            if let Some(error) = self.execution.control().take_failure() {
                return Err(said(&error));
            }
            std::thread::park_timeout(Duration::from_millis(1));
        }
        Err(format!("waited in vain until {quarters} quarters are read"))
    }

    /// Returns a snapshot that includes all effects of the rows read, as decoded from a checkpoint.
    fn snapshot(&self) -> Result<Snapshot, String> {
        let control = self.execution.control();
        let take = || {
            let taken = control.snapshot(Duration::from_secs(20), Afterwards::ReadOn);
            taken.map_err(|error| format!("no snapshot: {}", said(&error)))
        };

        // A barrier pushes rows on, but event time is sent between two barriers: windows close behind the
        // first one.
        for _ in 0..SETTLED_AFTER {
            take()?;
        }
        Ok(decode(&encode(&take()?)).expect("what was written is read"))
    }

    /// Returns everything written so far. The sources wait, so no row is in flight.
    fn written(&self) -> String {
        self.output.finish().expect("a sheet takes all that is written");
        self.sheet.text()
    }
}

/// The part of their files that all sources of a job may read.
struct Gate {
    quarters: AtomicU64,
    /// The sources that have read their part, by number, and the part's size.
    waiting: Mutex<BTreeSet<(usize, u64)>>,
}

/// A file that is read as far as the gate permits.
struct GatedTable {
    table: FileTable,
    number: usize,
    /// The end of each line.
    lines: Arc<[u64]>,
    gate: Arc<Gate>,
}

impl SourceFactory for GatedTable {
    fn reads(&self) -> Reads {
        self.table.reads()
    }

    fn open(
        &self,
        requests: &[LeafRequest],
        subtask: usize,
        of: usize,
        from: &StartFrom,
    ) -> Result<Box<dyn Source>, ConnectorError> {
        let source = self.table.open(requests, subtask, of, from)?;
        let (lines, gate) = (self.lines.clone(), self.gate.clone());
        Ok(Box::new(GatedSource { source, number: self.number, lines, gate }))
    }
}

struct GatedSource {
    source: Box<dyn Source>,
    number: usize,
    lines: Arc<[u64]>,
    gate: Arc<Gate>,
}

impl Source for GatedSource {
    fn poll(
        &mut self,
        batch: &mut Batch,
        max_rows: usize,
        timeout: Duration,
    ) -> Result<Polled, ConnectorError> {
        let quarters = self.gate.quarters.load(Ordering::SeqCst);
        // A subtask without a file is at its end.
        let Some((_, offset)) = self.source.positions().first().copied() else {
            return self.source.poll(batch, max_rows, timeout);
        };
        if quarters == ALL {
            return self.source.poll(batch, max_rows, timeout);
        }

        let read = self.lines.partition_point(|&end| end <= offset.0);
        let shown = self.lines.len() * quarters as usize / ALL as usize;
        if read < shown {
            return self.source.poll(batch, max_rows.min(shown - read), timeout);
        }
        self.gate.waiting.lock().expect("nobody panics here").insert((self.number, quarters));
        std::thread::park_timeout(Duration::from_millis(1));
        Ok(Polled::CaughtUp)
    }

    fn take_waited(&mut self) -> Duration {
        self.source.take_waited()
    }

    fn positions(&self) -> Vec<(PartitionId, Offset)> {
        self.source.positions()
    }

    fn at_end(&self) -> Vec<PartitionId> {
        self.source.at_end()
    }

    fn partitions(&self) -> Vec<PartitionId> {
        self.source.partitions()
    }

    fn split(&self, partition: PartitionId) -> Split {
        self.source.split(partition)
    }

    fn place(&self, partition: PartitionId, offset: Offset) -> String {
        self.source.place(partition, offset)
    }
}

/// Returns the end of each line of a file.
fn lines(path: &Path) -> Vec<u64> {
    let text = std::fs::read(path).expect("an input");
    let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    ends.map(|(at, _)| at as u64 + 1).collect()
}

/// An output that can be read.
#[derive(Clone, Default)]
struct Sheet(Arc<Mutex<Vec<u8>>>);

impl Sheet {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("nobody panics here").clone()).expect("rows are UTF-8")
    }
}

impl Write for Sheet {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics here").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
