//! The environment of test jobs: a log, a store and a clock that outlive them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use connectors::dead_letter::{DEAD_LETTER_TOPIC, DeadLetterTopic};
use connectors::event_log::{EventLogSinkTable, EventLogTable};
use connectors::result_store::{ResultStoreTable, StoreWriter};
use connectors::retry::Retry;
use connectors::{BlackholeTable, SinkOptions, SourceOptions, sink_options, source_options};
use engine::connector::{SinkFactory, SourceFactory};
use engine::execution::{Afterwards, Execution, ExecutionError, ExecutionOptions, JobSpec, Restore, Task};
use engine::memory::{MemoryPressure, MemoryView};
use engine::operator::LedgerCounts;
use engine::snapshot::{PartKeeper, Snapshot, decode, encode};
use serde_json::Value;
use sql::plan::Plan;
use types::{Clock, Interval, ManualClock, Timestamp};

use crate::memory::{MemoryLog, MemoryStore, SharedLog};

pub const TOPIC: &str = "user-queries";
/// The initial time of the clock: 2025-12-09T14:20:00Z.
pub const NOW: Timestamp = Timestamp(1_765_290_000_000);

pub struct Stage {
    pub log: Arc<MemoryLog>,
    pub store: Arc<MemoryStore>,
    pub clock: Arc<ManualClock>,
    /// The options of jobs, except for parallelism and batch size.
    pub options: ExecutionOptions,
}

pub fn compile(script: &str) -> Arc<Plan> {
    Arc::new(sql::compile(script, &|_| None).unwrap_or_else(|errors| panic!("{errors:#?}")))
}

/// Waits until a condition holds, and fails the test after some time.
pub fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..20_000 {
        if holds() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    panic!("waited in vain until {what}");
}

impl Stage {
    pub fn new(partitions: Vec<Vec<String>>) -> Stage {
        Stage {
            log: MemoryLog::with(TOPIC, partitions),
            store: Arc::default(),
            clock: Arc::new(ManualClock::at(NOW)),
            options: ExecutionOptions { max_future: Interval::ZERO, ..ExecutionOptions::default() },
        }
    }

    pub fn start(
        &self,
        plan: &Arc<Plan>,
        parallelism: u32,
        batch_rows: usize,
        restore: Option<&Snapshot>,
    ) -> Running<'_> {
        let restore = restore.cloned().map(Arc::new).map(Restore::in_memory);
        self.start_from(plan, parallelism, batch_rows, restore)
    }

    /// Like [`Stage::start`], from a snapshot that may have files.
    pub fn start_from(
        &self,
        plan: &Arc<Plan>,
        parallelism: u32,
        batch_rows: usize,
        restore: Option<Restore>,
    ) -> Running<'_> {
        let (spec, writer) = self.spec(plan, parallelism, batch_rows, restore);
        Running { stage: self, execution: Execution::start(spec).expect("the job starts"), _writer: writer }
    }

    /// Returns the error with which the start of a job fails.
    pub fn refused(&self, plan: &Arc<Plan>, parallelism: u32, restore: Restore) -> ExecutionError {
        let (spec, _writer) = self.spec(plan, parallelism, 100, Some(restore));
        Execution::start(spec).err().expect("it is not started")
    }

    fn spec(
        &self,
        plan: &Arc<Plan>,
        parallelism: u32,
        batch_rows: usize,
        restore: Option<Restore>,
    ) -> (JobSpec, Arc<StoreWriter>) {
        let log = Arc::new(SharedLog(self.log.clone()));
        let clock: Arc<dyn Clock> = self.clock.clone();
        let sources = plan.pipelines.iter().map(|pipeline| {
            let Ok(SourceOptions::EventLog(options)) = source_options(&pipeline.source) else {
                panic!("the tables of the stage are topics");
            };
            let (log, clock) = (log.clone(), clock.clone());
            Arc::new(EventLogTable::new(options, log, clock, 1)) as Arc<dyn SourceFactory>
        });

        let retry = Arc::new(Retry::new(clock.clone()));
        let writer = Arc::new(
            StoreWriter::start(self.store.clone(), retry.clone(), clock.clone(), None).expect("a thread"),
        );
        let sinks = plan.sinks.iter().map(|table| {
            let (name, table, writer) = (&table.name, table.clone(), writer.clone());
            match sink_options(&table) {
                Ok(SinkOptions::ResultStore(options)) => {
                    Arc::new(ResultStoreTable { table, options, writer, tells_stage: true, undo: None })
                        as Arc<dyn SinkFactory>
                }
                Ok(SinkOptions::EventLog(options)) => Arc::new(EventLogSinkTable {
                    table,
                    options,
                    log: log.clone(),
                    retry: retry.clone(),
                    clock: clock.clone(),
                    new_topic_partitions: 1,
                }),
                Ok(SinkOptions::Blackhole) => Arc::new(BlackholeTable),
                wrong => panic!("`{name}` is no result table: {wrong:#?}"),
            }
        });

        let spec = JobSpec {
            plan: plan.clone(),
            sources: sources.collect(),
            sinks: sinks.collect(),
            lookups: Vec::new(),
            dead_letters: Arc::new(DeadLetterTopic {
                log: log.clone(),
                topic: DEAD_LETTER_TOPIC.to_owned(),
                job: "test".to_owned(),
                job_id: "0".to_owned(),
                retry,
                clock: clock.clone(),
            }),
            clock,
            options: ExecutionOptions { parallelism, batch_rows, ..self.options.clone() },
            restore,
            lateness: None,
        };
        (spec, writer)
    }

    /// Returns every row, without the columns that differ between runs.
    pub fn rows(&self) -> BTreeMap<String, Value> {
        let rows = self.store.rows().into_iter().filter(|(key, _)| key != "analytics:latest");
        let rows = rows.map(|(key, value)| {
            let mut value: Value = serde_json::from_slice(&value).expect("a row is JSON");
            let row = value.as_object_mut().expect("a row is an object");
            row.remove("created_at");
            row.remove("revision");
            (key, value)
        });
        rows.collect()
    }
}

pub struct Running<'a> {
    stage: &'a Stage,
    execution: Execution,
    /// Retries end when this is dropped, so it must outlive the job.
    _writer: Arc<StoreWriter>,
}

impl Running<'_> {
    /// Shows the job this many records of each partition, and waits until it has read them.
    pub fn read_up_to(&self, visible: &[usize]) {
        self.stage.log.show(TOPIC, visible);
        let total: usize = visible.iter().sum();
        let control = self.execution.control();
        until(&format!("{total} records are read"), || {
            assert!(!control.is_cancelled(), "the job has failed: {:?}", control.take_failure());
            self.execution.ledger().accepted >= total as u64
        });
    }

    /// Shows the job this many records of a topic with one partition, and waits until they are in a snapshot.
    pub fn snapshot_of(&self, topic: &str, visible: usize) -> Snapshot {
        self.stage.log.show(topic, &[visible]);
        for _ in 0..20_000 {
            let snapshot = self.snapshot();
            let read: u64 = snapshot.pipelines.iter().flat_map(|of| of.splits()).map(|of| of.offset).sum();
            if read == visible as u64 {
                return snapshot;
            }
        }
        panic!("waited in vain until {visible} records are read");
    }

    /// Waits until every source subtask has seen the current state of log and clock, and all results are in
    /// the store.
    pub fn settle(&self) {
        // A source reads the log between two snapshots, and passes on its findings before the third.
        (0..3).for_each(|_| drop(self.snapshot()));
    }

    pub fn tasks(&self) -> &[Task] {
        self.execution.tasks()
    }

    pub fn memory(&self) -> MemoryView {
        self.execution.memory().view()
    }

    pub fn memory_pressure(&self) -> MemoryPressure {
        self.execution.memory().pressure()
    }

    pub fn ledger(&self) -> LedgerCounts {
        self.execution.ledger()
    }

    /// Takes a snapshot, and encodes and decodes it.
    pub fn snapshot(&self) -> Snapshot {
        let control = self.execution.control();
        let taken = control.snapshot(Duration::from_secs(20), Afterwards::ReadOn).expect("a snapshot");
        let read = decode(&encode(&taken)).expect("what was written is read");
        assert_eq!(read, taken);

        // Which windows have fired is one fact for all subtasks of a pipeline.
        for pipeline in &read.pipelines {
            let watermarks: BTreeSet<i64> = pipeline.states.iter().map(|state| state.watermark).collect();
            assert!(watermarks.len() <= 1, "the subtasks stand at {watermarks:?}");
        }
        read
    }

    /// Takes a snapshot whose parts go to a keeper.
    pub fn snapshot_kept(&self, keeper: &mut dyn PartKeeper) -> Snapshot {
        let control = self.execution.control();
        let (wait, afterwards) = (Duration::from_secs(20), Afterwards::ReadOn);
        control.snapshot_kept(1, wait, afterwards, keeper, &mut |_| ()).expect("a snapshot")
    }

    /// Takes a snapshot and stops reading.
    pub fn hold(&self) -> Snapshot {
        let control = self.execution.control();
        control.snapshot(Duration::from_secs(20), Afterwards::Hold).expect("a snapshot")
    }

    /// Continues reading.
    pub fn release(&self) {
        self.execution.control().release();
    }

    /// Returns the bytes of a checkpoint.
    pub fn checkpoint(&self) -> Vec<u8> {
        let control = self.execution.control();
        encode(&control.snapshot(Duration::from_secs(20), Afterwards::ReadOn).expect("a snapshot"))
    }

    /// Ends the job where it is, as a crash would.
    pub fn crash(self) {
        self.execution.cancel();
        self.execution.join().expect("a cancelled job has not failed");
    }

    /// Lets time pass until all windows have closed, and ends the job.
    pub fn finish(self) -> LedgerCounts {
        self.finish_after(Interval(4 * 3_600_000))
    }

    /// Like [`Running::finish`], after this much time.
    pub fn finish_after(self, pass: Interval) -> LedgerCounts {
        // The sources must see that there is nothing more to read before time can pass for them.
        self.settle();
        self.stage.clock.advance(pass);
        self.settle();
        let counts = self.execution.ledger();
        self.crash();
        counts
    }
}
