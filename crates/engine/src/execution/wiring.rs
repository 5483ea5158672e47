//! Wiring: the chains and channels of a plan's homes.
//!
//! An edge inside a home is a direct call within a chain. All edges between two homes share one channel per
//! pair of subtasks, so that rows, watermarks and barriers of a sender stay in order.

use std::collections::HashMap;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use sql::plan::operator::Target;

use super::alignment::Gate;
use super::exchange::{CHANNEL_MESSAGES, EdgeMessage, EdgeOutlet, SinkOutlet};
use super::io::Sinks;
use super::operator_task::EdgeInput;
use super::outputs::Outputs;
use super::placement::{Edge, Home, Placement, Producer};
use super::{ExecutionError, JobSpec, TaskMetrics, operator_kind, operator_name};
use crate::connector::LookupFactory;
use crate::memory::Account;
use crate::metrics::OperatorMetrics;
use crate::operator::build;
use crate::operator::chain::{Chain, ChainTarget, Link, OperatorError, Outlet, StreamTime};
use crate::operator::fields;
use crate::output_metrics::{Output, OutputMetrics};
use crate::snapshot::{InlineBytes, OperatorImage, PartContent};
use crate::state::{KeyGroups, read_part};

/// The channels between the subtasks of homes, and what they connect.
pub(super) struct Wiring<'a> {
    spec: &'a JobSpec,
    pub placement: Placement,
    /// Per pipeline and source subtask: whether it has partitions. Known once the sources are open.
    pub reading: Vec<Vec<bool>>,
    memory: Arc<Account>,
    /// By the homes that they connect, then by sending and receiving subtask.
    channels: HashMap<(Home, Home), Vec<Vec<Channel>>>,
    /// The state to restore into operators, by identity.
    images: HashMap<&'a str, &'a OperatorImage>,
}

struct Channel {
    to: Sender<EdgeMessage>,
    /// Set until its subtask has taken it.
    from: Option<Receiver<EdgeMessage>>,
}

impl<'a> Wiring<'a> {
    /// Creates the channels of a plan. `restored` is the state to restore into operators.
    pub fn new(
        spec: &'a JobSpec,
        parallelism: usize,
        memory: Arc<Account>,
        restored: Vec<&'a OperatorImage>,
    ) -> Wiring<'a> {
        let placement = Placement::new(&spec.plan, parallelism);

        let mut channels: HashMap<(Home, Home), Vec<Vec<Channel>>> = HashMap::new();
        for edge in placement.edges.iter().filter(|edge| edge.from != edge.to) {
            channels.entry((edge.from, edge.to)).or_insert_with(|| {
                let channel = |_| {
                    let (to, from) = bounded(CHANNEL_MESSAGES);
                    Channel { to, from: Some(from) }
                };
                let of_sender = |_| (0..placement.subtasks(edge.to)).map(channel).collect();
                (0..placement.subtasks(edge.from)).map(of_sender).collect()
            });
        }

        let images = restored.into_iter().map(|image| (image.identity.as_str(), image)).collect();
        Wiring { spec, placement, reading: Vec::new(), memory, channels, images }
    }

    /// Returns the outputs of a subtask. `pipeline` is the pipeline whose queries it runs.
    pub fn outputs(
        &self,
        home: Home,
        subtask: usize,
        pipeline: Option<usize>,
        metrics: &Arc<TaskMetrics>,
    ) -> Result<Outputs, ExecutionError> {
        let plan = &self.spec.plan;
        let of = self.placement.subtasks(home);
        let sinks = match pipeline {
            Some(pipeline) => Sinks::open(self.spec, pipeline, subtask, of, metrics.clone())?,
            None => Sinks::none(self.spec.clock.clone(), metrics.clone()),
        };

        let operators = self.placement.operators_in(home);
        let place = |operator: usize| operators.iter().position(|&known| known == operator);
        let queries = pipeline.map_or(0, |pipeline| plan.pipelines[pipeline].queries.len());
        let of_query = |query| Output::Query { pipeline: pipeline.unwrap_or_default(), query };
        let mut outputs: Vec<OutputMetrics> =
            (0..queries).map(|query| OutputMetrics::new(of_query(query))).collect();
        let mut outlets: Vec<Box<dyn Outlet>> = Vec::new();
        let mut links = Vec::new();

        for &operator in &operators {
            let spec = &plan.operators[operator];
            let mut targets = Vec::new();
            for target in &spec.targets {
                if let Target::Sink(sink) = *target {
                    outlets.push(Box::new(SinkOutlet {
                        sink: self.spec.sinks[sink].open(subtask, of)?,
                        query: self.place_of_output(operator),
                        output: outputs.len(),
                        metrics: metrics.clone(),
                    }));
                    targets.push(ChainTarget::Outlet(outlets.len() - 1));
                }
            }
            if !targets.is_empty() {
                outputs.push(OutputMetrics::new(Output::Operator(operator)));
            }

            targets.extend(self.edge_targets(
                (Producer::Operator(operator), home, subtask),
                &place,
                metrics,
                &mut outlets,
            ));

            links.push(Link {
                identity: spec.identity.clone(),
                kind: operator_kind(spec),
                operator: build::operator(spec, &plan.settings, self.lookup(operator))
                    .map_err(ExecutionError::Plan)?,
                producers: self.placement.producers[operator].clone(),
                targets,
            });
        }

        let mut entries = Vec::new();
        for query in 0..queries {
            let pipeline = pipeline.unwrap_or_default();
            let producer = Producer::Query { pipeline, query };
            entries.push(self.edge_targets((producer, home, subtask), &place, metrics, &mut outlets));
        }

        let names: Vec<String> = operators.iter().map(|&operator| operator_name(plan, operator)).collect();
        let holder = (!names.is_empty()).then(|| self.memory.holder(names.clone()));
        let figures = names.into_iter().map(|name| OperatorMetrics { name, ..OperatorMetrics::default() });
        // Each subtask has its own metrics, so they are set only once.
        let _ = metrics.operators.set(figures.collect());
        let _ = metrics.outputs.set(outputs);

        let mut chain = Chain::new(links, outlets);
        chain.set_now(self.spec.clock.now().0);
        self.restore(&mut chain, &operators, subtask, of)?;
        let channels = self
            .placement
            .fed_by(home)
            .into_iter()
            .flat_map(|to| self.channels[&(home, to)][subtask].iter().map(|channel| channel.to.clone()))
            .collect();
        let metrics = metrics.clone();
        Ok(Outputs { sinks, chain, entries, channels, sent: StreamTime::START, holder, metrics })
    }

    /// Returns the table that a lookup join queries.
    fn lookup(&self, operator: usize) -> Option<&Arc<dyn LookupFactory>> {
        let place = self.spec.plan.lookups().position(|(place, _)| place == operator)?;
        self.spec.lookups.get(place)
    }

    /// Returns the place of an operator's rows in the output, which is after those of all queries.
    fn place_of_output(&self, operator: usize) -> usize {
        let queries: usize = self.spec.plan.pipelines.iter().map(|pipeline| pipeline.queries.len()).sum();
        queries + operator
    }

    /// Returns the operators that take a producer's rows; edges to other homes become outlets.
    fn edge_targets(
        &self,
        (producer, home, subtask): (Producer, Home, usize),
        place: &dyn Fn(usize) -> Option<usize>,
        metrics: &Arc<TaskMetrics>,
        outlets: &mut Vec<Box<dyn Outlet>>,
    ) -> Vec<ChainTarget> {
        let mut targets = Vec::new();
        let of_producer = |edge: &&Edge| edge.producer == producer && edge.from == home;
        for (number, edge) in self.placement.edges.iter().enumerate().filter(|(_, edge)| of_producer(edge)) {
            if let Some(place) = place(edge.operator).filter(|_| edge.to == home) {
                targets.push(ChainTarget::Operator {
                    place,
                    input: edge.input,
                    producer: edge.first_producer,
                });
                continue;
            }

            let fields = &self.spec.plan.operators[edge.operator].inputs[edge.input].fields;
            outlets.push(Box::new(EdgeOutlet {
                edge: number,
                distribution: edge.distribution.clone(),
                channels: self.channels[&(home, edge.to)][subtask]
                    .iter()
                    .map(|channel| channel.to.clone())
                    .collect(),
                reprs: fields::reprs(fields),
                subtask,
                clock: self.spec.clock.clone(),
                metrics: metrics.clone(),
                memory: self.memory.clone(),
                key: Vec::new(),
            }));

            targets.push(ChainTarget::Outlet(outlets.len() - 1));
        }
        targets
    }

    /// Restores the key groups that this subtask owns into a chain's operators.
    fn restore(
        &self,
        chain: &mut Chain,
        operators: &[usize],
        subtask: usize,
        of: usize,
    ) -> Result<(), ExecutionError> {
        let owned = KeyGroups::of_subtask(subtask as u32, of as u32);

        for &operator in operators {
            let identity = self.spec.plan.operators[operator].identity.as_str();
            let Some(image) = self.images.get(identity) else { continue };
            let reader = self.spec.restore.as_ref().map(|restore| &*restore.parts);
            for part in image.parts.iter().filter(|part| part.groups.overlaps(owned)) {
                let read: Vec<u8>;
                let bytes = match (&part.content, reader) {
                    (PartContent::Inline(InlineBytes(bytes)), _) => bytes,
                    (PartContent::File(file), Some(reader)) => {
                        read = reader.read(file)?;
                        &read
                    }
                    (PartContent::File(_), None) => {
                        unreachable!("an image is of a snapshot that is restored")
                    }
                };

                read_part(identity, (part.groups, bytes), owned, |part| {
                    chain.restore(identity, &part).map_err(OperatorError::State)
                })?;
            }
        }
        Ok(())
    }

    /// Returns the inputs of a subtask of a vertex, which feed its chain.
    pub fn inputs(&mut self, vertex: usize, subtask: usize, chain: &mut Chain) -> Vec<EdgeInput> {
        let home = Home::Vertex(vertex);
        let operators = self.placement.operators_in(home);
        let mut inputs = Vec::new();

        for from in self.placement.feeding(home) {
            for sender in 0..self.placement.subtasks(from) {
                let targets = self.placement.edges.iter().map(|edge| {
                    let place = operators.iter().position(|&known| known == edge.operator)?;
                    (edge.from == from && edge.to == home).then_some(ChainTarget::Operator {
                        place,
                        input: edge.input,
                        producer: edge.first_producer + sender,
                    })
                });
                let targets: Vec<Option<ChainTarget>> = targets.collect();
                if let Home::Source(pipeline) = from
                    && !self.reading[pipeline][sender]
                {
                    targets.iter().flatten().for_each(|&target| chain.expect_no_rows(target));
                }

                let channels = self.channels.get_mut(&(from, home));
                let channel = channels.and_then(|of| of[sender][subtask].from.take());
                inputs.extend(channel.map(|channel| EdgeInput { channel, targets, gate: Gate::default() }));
            }
        }
        inputs
    }
}
