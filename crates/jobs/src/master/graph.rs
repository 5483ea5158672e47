//! The graph of a job: its vertices, each a chain of operators in one thread per subtask, and the edges
//! between them.

use engine::execution::{OperatorHome, OperatorInput, Task, global_vertex, operator_homes, source_vertex};
use serde::{Deserialize, Deserializer, Serialize};
use sql::plan::{Pipeline, Plan, Query, Shape, Target};

/// Rows go to the subtask that owns their key.
const HASH: &str = "HASH";

/// Subtasks that run the same operators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VertexView {
    /// The name that its subtasks use.
    pub key: String,
    /// The operators in the order of the data flow: `Source: clicks -> WindowAggregate -> Sink: counts`.
    pub name: String,
    /// A description of each operator, one line each.
    pub lines: Vec<String>,
    pub subtasks: usize,
    pub inputs: Vec<EdgeView>,
    /// Whether the vertex reads a table instead of another vertex.
    pub is_source: bool,
}

/// An input from another vertex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EdgeView {
    /// The key of the upstream vertex.
    pub from: String,
    /// How rows are distributed over the subtasks.
    pub ship: &'static str,
}

impl<'de> Deserialize<'de> for EdgeView {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<EdgeView, D::Error> {
        #[derive(Deserialize)]
        struct Edge {
            from: String,
            ship: String,
        }
        let Edge { from, ship } = Edge::deserialize(from)?;
        // An unknown value is read as the one that keeps rows in place.
        Ok(EdgeView { from, ship: if ship == HASH { HASH } else { "FORWARD" } })
    }
}

/// Returns the vertices of a plan that runs as these subtasks.
pub(super) fn graph(plan: &Plan, tasks: &[Task]) -> Vec<VertexView> {
    let mut graph = Vec::new();
    let readers = tasks.iter().filter(|task| task.ledger.is_some());
    let parallelism = readers.map(|task| task.subtask + 1).max().unwrap_or(1);
    let homes = operator_homes(plan, parallelism);
    let home_of = |vertex: &str| homes.iter().find(|home| home.vertex == vertex);
    for pipeline in &plan.pipelines {
        let table = &pipeline.source.name;
        let (source, global) = (source_vertex(table), global_vertex(table));
        let count = |key: &str| tasks.iter().filter(|task| task.vertex == key).count();
        let (readers, owners) = (count(&source), count(&global));
        let of = |query: &&Query| matches!(query.shape, Shape::Aggregate(_));
        let (windowed, passed): (Vec<&Query>, Vec<&Query>) = pipeline.queries.iter().partition(of);
        let mut chain = Chain { names: vec![source.clone()], lines: vec![reads(pipeline)] };
        if owners == 0 {
            chain.aggregate("WindowAggregate", &windowed);
            chain.sinks(plan, &pipeline.queries.iter().collect::<Vec<_>>());
            chain.operators(plan, home_of(&source));
            graph.push(chain.vertex(source, readers, Vec::new()));
            continue;
        }
        chain.aggregate("LocalWindowAggregate", &windowed);
        chain.sinks(plan, &passed);
        chain.operators(plan, home_of(&source));
        graph.push(chain.vertex(source.clone(), readers, Vec::new()));
        let mut chain = Chain { names: Vec::new(), lines: Vec::new() };
        chain.aggregate("GlobalWindowAggregate", &windowed);
        chain.sinks(plan, &windowed);
        chain.operators(plan, home_of(&global));
        graph.push(chain.vertex(global, owners, vec![EdgeView { from: source, ship: HASH }]));
    }

    for home in homes.iter().filter(|home| !home.inputs.is_empty()) {
        let subtasks = tasks.iter().filter(|task| task.vertex == home.vertex).count();
        let mut chain = Chain { names: Vec::new(), lines: Vec::new() };
        chain.operators(plan, Some(home));
        let input = |input: &OperatorInput| EdgeView {
            from: input.vertex.clone(),
            ship: if input.is_hash { HASH } else { "FORWARD" },
        };
        let inputs = home.inputs.iter().map(input).collect();
        graph.push(chain.vertex(home.vertex.clone(), subtasks, inputs));
    }

    graph
}

/// The operators of one vertex.
struct Chain {
    names: Vec<String>,
    lines: Vec<String>,
}

impl Chain {
    fn aggregate(&mut self, name: &str, queries: &[&Query]) {
        if queries.is_empty() {
            return;
        }
        self.names.push(name.to_owned());
        self.lines.extend(queries.iter().map(|query| format!("{name}[{}]", query.name)));
    }

    fn sinks(&mut self, plan: &Plan, queries: &[&Query]) {
        let sinks: Vec<usize> = queries.iter().filter_map(|query| query.sink()).collect();
        self.written(plan, sinks);
    }

    /// Adds the operators that run in this place, and the sinks that they write.
    fn operators(&mut self, plan: &Plan, home: Option<&OperatorHome>) {
        let Some(home) = home else { return };
        for &operator in &home.operators {
            let name = &plan.operators[operator].name;
            self.names.push(name.split('[').next().unwrap_or_default().to_owned());
            self.lines.push(name.clone());
        }
        let targets = home.operators.iter().flat_map(|&operator| &plan.operators[operator].targets);
        let sinks = targets.filter_map(|target| match target {
            Target::Sink(sink) => Some(*sink),
            Target::Operator { .. } => None,
        });
        self.written(plan, sinks.collect());
    }

    fn written(&mut self, plan: &Plan, mut sinks: Vec<usize>) {
        sinks.sort_unstable();
        sinks.dedup();
        let sinks: Vec<String> =
            sinks.into_iter().map(|sink| format!("Sink: {}", plan.sinks[sink].name)).collect();
        match sinks.as_slice() {
            [] => return,
            [one] => self.names.push(one.clone()),
            many => self.names.push(format!("({})", many.join(", "))),
        }
        self.lines.extend(sinks);
    }

    fn vertex(self, key: String, subtasks: usize, inputs: Vec<EdgeView>) -> VertexView {
        let is_source = inputs.is_empty();
        VertexView { key, name: self.names.join(" -> "), lines: self.lines, subtasks, inputs, is_source }
    }
}

fn reads(pipeline: &Pipeline) -> String {
    let columns: Vec<String> = pipeline.source.leaves.iter().map(|leaf| leaf.path.join(".")).collect();
    format!("Source: {}(columns: {})", pipeline.source.name, columns.join(", "))
}
