//! Placement: which operators run in which subtasks, and how rows get from one to another.
//!
//! A *home* is a set of subtasks that run the same operators: the subtasks that read a table, those that own
//! a table's window state, or a vertex of operators. An operator stays in the home of its producers if all
//! its rows are there already; otherwise it begins a new vertex, fed through channels. An operator that waits
//! for answers from outside also begins a vertex, so that its producers continue until its channel is full.
//!
//! ```text
//! parallelism 1, one table:     everything in the home of the source, no channels
//! two tables:                   source a ─┐
//!                               source b ─┴─► vertex 0: Join, and the operators after it
//! ```

use sql::plan::operator::{Distribution, OperatorKind, Target};
use sql::plan::{Plan, Shape};

/// A set of subtasks that run the same operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Home {
    /// The subtasks that read a pipeline's table.
    Source(usize),
    /// The subtasks that own the state of a pipeline's windows.
    Global(usize),
    /// A vertex of operators.
    Vertex(usize),
}

/// A producer of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Producer {
    Query { pipeline: usize, query: usize },
    Operator(usize),
}

/// The connection from a producer to an input of an operator.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    pub producer: Producer,
    pub from: Home,
    pub to: Home,
    pub operator: usize,
    pub input: usize,
    /// The index of the edge's first producer among those of the input; each subtask of another home is one
    /// producer.
    pub first_producer: usize,
    pub distribution: Distribution,
}

/// The placement of a whole plan.
#[derive(Debug)]
pub(super) struct Placement {
    /// One home per operator.
    pub homes: Vec<Home>,
    /// The vertices of operators.
    pub vertices: Vec<Vertex>,
    pub edges: Vec<Edge>,
    /// Per operator, input and edge: the number of producers.
    pub producers: Vec<Vec<Vec<usize>>>,
    parallelism: usize,
}

/// A vertex of operators.
#[derive(Debug)]
pub(super) struct Vertex {
    pub subtasks: usize,
    /// In the order of the plan.
    pub operators: Vec<usize>,
}

impl Placement {
    pub fn new(plan: &Plan, parallelism: usize) -> Placement {
        let mut placement = Placement {
            homes: Vec::new(),
            vertices: Vec::new(),
            edges: Vec::new(),
            producers: plan.operators.iter().map(|operator| vec![vec![]; operator.inputs.len()]).collect(),
            parallelism,
        };
        for operator in 0..plan.operators.len() {
            let home = placement.home_of(plan, operator);
            placement.homes.push(home);
        }
        placement.connect(plan);
        placement
    }

    /// Returns the number of subtasks of a home.
    pub fn subtasks(&self, home: Home) -> usize {
        match home {
            Home::Source(_) | Home::Global(_) => self.parallelism,
            Home::Vertex(vertex) => self.vertices[vertex].subtasks,
        }
    }

    /// Returns the home whose subtasks produce a query's rows.
    pub fn of_query(plan: &Plan, pipeline: usize, query: usize, parallelism: usize) -> Home {
        let is_windowed = matches!(plan.pipelines[pipeline].queries[query].shape, Shape::Aggregate(_));
        if is_windowed && parallelism > 1 { Home::Global(pipeline) } else { Home::Source(pipeline) }
    }

    fn of_producer(&self, plan: &Plan, producer: Producer) -> Home {
        match producer {
            Producer::Query { pipeline, query } => {
                Placement::of_query(plan, pipeline, query, self.parallelism)
            }
            Producer::Operator(operator) => self.homes[operator],
        }
    }

    fn home_of(&mut self, plan: &Plan, operator: usize) -> Home {
        let found = producers_of(plan, operator);
        let mut homes: Vec<Home> =
            found.iter().map(|(producer, _)| self.of_producer(plan, *producer)).collect();
        homes.sort_unstable();
        homes.dedup();

        let inputs = &plan.operators[operator].inputs;
        let stays_apart = |home: Home| {
            self.subtasks(home) == 1 || inputs.iter().all(|input| input.distribution == Distribution::Forward)
        };
        let waits_outside = matches!(plan.operators[operator].kind, OperatorKind::LookupJoin(_));

        if let [home] = homes[..]
            && stays_apart(home)
            && !waits_outside
        {
            if let Home::Vertex(vertex) = home {
                self.vertices[vertex].operators.push(operator);
            }
            return home;
        }

        let is_single = inputs.iter().any(|input| input.distribution == Distribution::Single);
        let subtasks = if is_single { 1 } else { self.parallelism };
        self.vertices.push(Vertex { subtasks, operators: vec![operator] });
        Home::Vertex(self.vertices.len() - 1)
    }

    fn connect(&mut self, plan: &Plan) {
        for operator in 0..plan.operators.len() {
            for (producer, input) in producers_of(plan, operator) {
                let (from, to) = (self.of_producer(plan, producer), self.homes[operator]);
                let numbers = if from == to { 1 } else { self.subtasks(from) };
                let known = &mut self.producers[operator][input];
                let first_producer = known.iter().sum();
                known.push(numbers);

                self.edges.push(Edge {
                    producer,
                    from,
                    to,
                    operator,
                    input,
                    first_producer,
                    distribution: plan.operators[operator].inputs[input].distribution.clone(),
                });
            }
        }
    }

    /// Returns the operators of a home, in the order of the plan.
    pub fn operators_in(&self, home: Home) -> Vec<usize> {
        (0..self.homes.len()).filter(|&operator| self.homes[operator] == home).collect()
    }

    /// Returns the homes that get rows from a home through channels.
    pub fn fed_by(&self, home: Home) -> Vec<Home> {
        let mut fed: Vec<Home> = self
            .edges
            .iter()
            .filter(|edge| edge.from == home && edge.to != home)
            .map(|edge| edge.to)
            .collect();
        fed.sort_unstable();
        fed.dedup();
        fed
    }

    /// Returns the homes from which a vertex gets rows.
    pub fn feeding(&self, home: Home) -> Vec<Home> {
        let mut feeding: Vec<Home> = self
            .edges
            .iter()
            .filter(|edge| edge.to == home && edge.from != home)
            .map(|edge| edge.from)
            .collect();
        feeding.sort_unstable();
        feeding.dedup();
        feeding
    }
}

/// Returns the producers of an operator's rows, with the input to which they send.
fn producers_of(plan: &Plan, operator: usize) -> Vec<(Producer, usize)> {
    let input = |targets: &[Target]| -> Vec<usize> {
        targets
            .iter()
            .filter_map(|target| match target {
                Target::Operator { operator: to, input } if *to == operator => Some(*input),
                _ => None,
            })
            .collect()
    };

    let mut found = Vec::new();
    for (pipeline, of) in plan.pipelines.iter().enumerate() {
        for (query, of_query) in of.queries.iter().enumerate() {
            let producer = Producer::Query { pipeline, query };
            found.extend(input(&of_query.targets).into_iter().map(|input| (producer, input)));
        }
    }

    for (place, of) in plan.operators.iter().enumerate().take(operator) {
        found.extend(input(&of.targets).into_iter().map(|input| (Producer::Operator(place), input)));
    }
    found
}
