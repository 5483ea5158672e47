//! The parts needed to run a plan, and how its subtasks are assembled and started.

use super::booking::Bookkeeper;
use super::control::{Control, SubtaskId, SubtaskKind};
use super::exchange::CHANNEL_MESSAGES;
use super::global::{GlobalSubtask, Message};
use super::io::DeadLetterBatch;
use super::memory_meter::MemoryMeter;
use super::opening::PipelineSources;
use super::options::{ExecutionOptions, Mode};
use super::outputs::Outputs;
use super::panic::caught;
use super::placement::Home;
use super::source::{Downstream, SourceSubtask};
use super::source_time::SourceTime;
use super::vertices::{Spawning, start_vertex};
use super::wiring::Wiring;
use super::{Execution, ExecutionError, global_vertex, operator_vertex, source_vertex};
use crate::batch::Batch;
use crate::connector::{DeadLetters, LookupFactory, Reads, SinkFactory, SourceFactory};
use crate::lateness::RecordedLateness;
use crate::layout::Layout;
use crate::memory::{Account, Holder};
use crate::metrics::TaskMetrics;
use crate::operator::{Ledger, Prepare};
use crate::snapshot::{InMemory, PartReader, PipelineImage, PipelineMatch, PlanMatch, Snapshot, match_plan};
use crate::state::KeyGroups;
use crate::window::{Aggregation, KEY_GROUPS, Limits, Options, Share, Shipping};
use crossbeam_channel::{Receiver, Sender, bounded};
use jiff::tz::TimeZone;
use sql::plan::{Pipeline, Plan};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use types::{Clock, DataType, Interval};

/// A plan with everything that running it needs.
pub struct JobSpec {
    pub plan: Arc<Plan>,
    /// One per pipeline.
    pub sources: Vec<Arc<dyn SourceFactory>>,
    /// One per sink of the plan.
    pub sinks: Vec<Arc<dyn SinkFactory>>,
    /// One per lookup join of the plan, in the order of its operators.
    pub lookups: Vec<Arc<dyn LookupFactory>>,
    pub dead_letters: Arc<dyn DeadLetters>,
    pub clock: Arc<dyn Clock>,
    pub options: ExecutionOptions,
    /// The snapshot to restore. The plan and its parallelism may have changed since.
    pub restore: Option<Restore>,
    /// Makes lateness repeatable across restarts. `None`: nothing outlives the job.
    pub lateness: Option<RecordedLateness>,
}

/// The snapshot that a plan is restored from.
#[derive(Clone)]
pub struct Restore {
    pub snapshot: Arc<Snapshot>,
    /// Reads the parts that are files.
    pub parts: Arc<dyn PartReader>,
}

impl Restore {
    /// Restores a snapshot that contains all its parts.
    pub fn in_memory(snapshot: Arc<Snapshot>) -> Restore {
        Restore { snapshot, parts: Arc::new(InMemory) }
    }
}

/// The common context of the subtasks of one pipeline.
pub(super) struct Shared<'a> {
    pub spec: &'a JobSpec,
    pub wiring: &'a Wiring<'a>,
    pub index: usize,
    pub pipeline: &'a Pipeline,
    pub layout: Arc<Layout>,
    pub control: Arc<Control>,
    pub parallelism: u32,
    pub seed: u64,
    /// The state to restore.
    pub image: Option<&'a PipelineImage>,
    /// Each subtask holds a clone until it has ended.
    pub alive: Sender<Infallible>,
    pub memory: Arc<Account>,
}

pub(super) fn start(spec: JobSpec) -> Result<Execution, ExecutionError> {
    let reads: Vec<Reads> = spec.sources.iter().map(|source| source.reads()).collect();
    let tables = spec.plan.pipelines.iter().map(|pipeline| pipeline.source.name.clone());

    let (alive, ended) = bounded(0);
    let memory = Account::new(spec.options.pool.clone(), spec.options.memory);
    let parallelism = spec.options.parallelism.clamp(1, KEY_GROUPS);

    let PlanMatch { pipelines: mut matches, operators: restored, .. } = match &spec.restore {
        Some(restore) => match_plan(&spec.plan, &restore.snapshot, &reads)?,
        None => PlanMatch::default(),
    };

    let mut wiring = Wiring::new(&spec, parallelism as usize, memory.clone(), restored);
    let vertices = wiring.placement.vertices.iter().enumerate();
    let vertices: Vec<String> =
        vertices.map(|(at, vertex)| operator_vertex(&spec.plan, &vertex.operators, at)).collect();
    let pipelines = tables.zip(reads.iter().map(|of| of.system.clone())).collect();

    let control = Arc::new(Control::new(pipelines, vertices.clone()));
    let mut execution = Execution {
        threads: Vec::new(),
        ended,
        control: control.clone(),
        memory: memory.clone(),
        tasks: Vec::new(),
    };

    let seed = foldhash::fast::RandomState::default();
    let seed = std::hash::BuildHasher::hash_one(&seed, 0u8);
    matches.resize_with(spec.plan.pipelines.len(), || None);
    let mut reading = Vec::new();

    for ((index, pipeline), found) in spec.plan.pipelines.iter().enumerate().zip(&matches) {
        let history =
            |query: usize| found.as_ref().and_then(|found: &PipelineMatch<'_>| found.histories[query]);
        let layout = Arc::new(Layout::with_histories(pipeline, &spec.plan.settings, &history)?);
        let image = found.as_ref().map(|found| found.image);

        let shared = Shared {
            spec: &spec,
            wiring: &wiring,
            index,
            pipeline,
            layout,
            control: control.clone(),
            parallelism,
            seed,
            image,
            alive: alive.clone(),
            memory: memory.clone(),
        };

        let opening = format!("opening {}", pipeline.source.name);
        match caught(&opening, || shared.start(&mut execution)) {
            Ok(reads) => reading.push(reads),
            Err(error) => {
                control.cancel();
                return Err(error);
            }
        }
    }
    wiring.reading = reading;

    for (at, name) in vertices.iter().enumerate() {
        let opening = format!("opening {name}");
        let mut start = || start_vertex(&spec, &mut wiring, &mut execution, (at, name), &alive);
        if let Err(error) = caught(&opening, &mut start) {
            control.cancel();
            return Err(error);
        }
    }
    Ok(execution)
}

impl Shared<'_> {
    /// Starts the subtasks of a pipeline. Returns, for each source subtask, whether it has partitions.
    fn start(&self, execution: &mut Execution) -> Result<Vec<bool>, ExecutionError> {
        let mut sources = self.open()?;
        let reading = sources.sources.as_slice().iter();
        let reading = reading.map(|(source, _)| !source.partitions().is_empty()).collect();

        let has_windows = !self.layout.units.is_empty();
        let n = self.parallelism as usize;

        if n == 1 || !has_windows {
            for subtask in 0..n {
                let metrics = Arc::new(TaskMetrics::new());
                let sinks = self.outputs(Home::Source(self.index), subtask, &metrics)?;
                let aggregation = self.restored(Share { subtask: subtask as u32, of: self.parallelism })?;
                self.start_source(
                    execution,
                    &mut sources,
                    subtask,
                    Downstream::Direct { aggregation, sinks },
                    metrics,
                )?;
            }
            return Ok(reading);
        }

        let mut senders: Vec<Vec<Sender<Message>>> = (0..n).map(|_| Vec::new()).collect();
        for subtask in 0..n {
            let channels: Vec<(Sender<Message>, Receiver<Message>)> =
                (0..n).map(|_| bounded(CHANNEL_MESSAGES)).collect();
            let (to, from): (Vec<_>, Vec<_>) = channels.into_iter().unzip();
            to.into_iter().zip(&mut senders).for_each(|(sender, of)| of.push(sender));

            let metrics = Arc::new(TaskMetrics::new());
            let global = GlobalSubtask {
                pipeline: self.index,
                subtask,
                inputs: from,
                aggregation: self.restored(Share { subtask: subtask as u32, of: self.parallelism })?,
                groups: KeyGroups::of_subtask(subtask as u32, self.parallelism),
                sinks: self.outputs(Home::Global(self.index), subtask, &metrics)?,
                early_fire: self.early_fire(),
                is_restored: self.image.is_some(),
                clock: self.spec.clock.clone(),
                control: self.control.clone(),
                metrics: metrics.clone(),
                memory: MemoryMeter::new(self.holder(), self.memory.limit()),
                unshown: None,
            };

            let vertex = global_vertex(&self.pipeline.source.name);
            let id = self.id(SubtaskKind::Global, subtask);
            self.spawn(execution, &vertex, id, metrics, None, move || global.run())?;
        }

        for (subtask, channels) in senders.into_iter().enumerate() {
            let metrics = Arc::new(TaskMetrics::new());
            let aggregation = self.aggregation()?;
            let shipping = Shipping::new(self.parallelism, &self.layout);
            // Queries without windows write where the rows are read.
            let sinks = self.outputs(Home::Source(self.index), subtask, &metrics)?;
            let downstream = Downstream::Exchange { aggregation, shipping, channels, sinks };
            self.start_source(execution, &mut sources, subtask, downstream, metrics)?;
        }
        Ok(reading)
    }

    fn start_source(
        &self,
        execution: &mut Execution,
        sources: &mut PipelineSources,
        subtask: usize,
        downstream: Downstream,
        metrics: Arc<TaskMetrics>,
    ) -> Result<(), ExecutionError> {
        let (source, lateness) = sources.sources.next().expect("one was opened for every subtask");

        let options = &self.spec.options;
        let prepare = Prepare::new(
            self.pipeline,
            &self.layout.graph,
            self.layout.row_exprs(),
            &self.spec.plan.settings.time_zone,
        )
        .map_err(ExecutionError::Plan)?;

        let ledger = Arc::new(Ledger::default());
        if let Some(image) = self.image.filter(|_| subtask == 0) {
            ledger.add(&image.ledger());
        }

        let names = self.pipeline.queries.iter().map(|query| query.name.clone()).collect();
        let dead_letters = DeadLetterBatch { queue: self.spec.dead_letters.clone(), letters: Vec::new() };
        let bookkeeper = Bookkeeper::new(
            (self.pipeline.source.name.clone(), names),
            self.layout.clone(),
            ledger.clone(),
            metrics.clone(),
            dead_letters,
        );

        let task = SourceSubtask {
            pipeline: self.index,
            subtask,
            table: self.pipeline.source.name.clone(),
            layout: self.layout.clone(),
            batch: Batch::new(&sources.requests),
            time: SourceTime::new(sources.watermarks.clone(), source.partitions()),
            source,
            lateness,
            prepare,
            groups: KeyGroups::of_subtask(subtask as u32, self.parallelism),
            downstream,
            bookkeeper,
            clock: self.spec.clock.clone(),
            control: self.control.clone(),
            metrics: metrics.clone(),
            memory: MemoryMeter::new(self.holder(), self.memory.limit()),
            mode: options.mode,
            early_fire: self.early_fire(),
            is_restored: self.image.is_some(),
            max_future: (options.max_future.0 > 0).then_some(options.max_future),
            batch_rows: options.batch_rows.max(1),
            front_bytes: self.limits().front_bytes,
        };

        let vertex = source_vertex(&self.pipeline.source.name);
        let id = self.id(SubtaskKind::Source, subtask);
        self.spawn(execution, &vertex, id, metrics, Some(ledger), move || task.run())
    }

    fn id(&self, kind: SubtaskKind, subtask: usize) -> SubtaskId {
        SubtaskId { pipeline: self.index, kind, subtask }
    }

    fn spawn(
        &self,
        execution: &mut Execution,
        vertex: &str,
        id: SubtaskId,
        metrics: Arc<TaskMetrics>,
        ledger: Option<Arc<Ledger>>,
        body: impl FnOnce() -> Result<(), ExecutionError> + Send + 'static,
    ) -> Result<(), ExecutionError> {
        let of = self.parallelism as usize;
        let spawning = Spawning { spec: self.spec, alive: &self.alive, of };
        spawning.spawn(execution, vertex, id, metrics, ledger, body)
    }

    fn aggregation(&self) -> Result<Aggregation, ExecutionError> {
        let settings = &self.spec.plan.settings;
        let live = self.spec.options.mode == Mode::Live;
        let options = Options {
            zone: self.zone(),
            lateness: settings.allowed_lateness,
            fires_after_lateness: !live,
            reports: live && (settings.early_fire.is_some() || settings.allowed_lateness > Interval::ZERO),
            seed: self.seed,
            limits: self.limits(),
        };
        Ok(Aggregation::new(self.layout.clone(), self.pipeline, &settings.time_zone, options)?)
    }

    fn limits(&self) -> Limits {
        self.spec.options.limits.within(self.memory.limit(), self.parallelism as usize)
    }

    /// Returns a subtask's holder in the memory account: a part for each unit, named after its queries, and
    /// one for the rest.
    fn holder(&self) -> Holder {
        let name = |&query: &usize| self.pipeline.queries[query].name.as_str();
        let units = self.layout.units.iter();
        let mut names: Vec<String> =
            units.map(|unit| unit.queries.iter().map(name).collect::<Vec<_>>().join(", ")).collect();
        names.push(format!("reading {}", self.pipeline.source.name));
        self.memory.holder(names)
    }

    /// Returns an aggregation with its share of the restored state.
    fn restored(&self, share: Share) -> Result<Aggregation, ExecutionError> {
        let mut aggregation = self.aggregation()?;
        if let Some(image) = self.image {
            aggregation.restore(&image.states, share);
        }
        Ok(aggregation)
    }

    /// Returns the session's time zone if the rowtime is an instant.
    pub(super) fn zone(&self) -> Option<TimeZone> {
        let rowtime = self.pipeline.rowtime.as_ref()?;
        let instant =
            matches!(self.layout.graph.column_type(rowtime.time).data_type, DataType::TimestampLtz(_));
        instant.then(|| self.spec.plan.settings.time_zone.clone())
    }

    fn early_fire(&self) -> Option<Duration> {
        let live = self.spec.options.mode == Mode::Live;
        let pause = self.spec.plan.settings.early_fire.filter(|_| live)?;
        Some(Duration::from_millis(pause.0.max(0) as u64))
    }

    fn outputs(
        &self,
        home: Home,
        subtask: usize,
        metrics: &Arc<TaskMetrics>,
    ) -> Result<Outputs, ExecutionError> {
        self.wiring.outputs(home, subtask, Some(self.index), metrics)
    }
}
