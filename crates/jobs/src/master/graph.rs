//! The graph of a job: its vertices, each a chain of operators in one thread a subtask, and what they send each other.

use engine::execution::{Task, global_vertex, source_vertex};
use serde::{Deserialize, Deserializer, Serialize};
use sql::plan::{Pipeline, Plan, Query, Shape};

/// Rows go to the subtask that owns their key.
const HASH: &str = "HASH";

/// Subtasks that do the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VertexView {
    /// As its subtasks name it.
    pub key: String,
    /// Its operators, as the data flows: `Source: clicks -> WindowAggregate -> Sink: counts`.
    pub name: String,
    /// What each operator does, a line each.
    pub lines: Vec<String>,
    pub subtasks: usize,
    pub inputs: Vec<EdgeView>,
    /// Whether it reads a table, and not another vertex.
    pub is_source: bool,
}

/// What comes from another vertex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EdgeView {
    /// The key of the vertex it comes from.
    pub from: String,
    /// How it is decided which subtask gets what.
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
        // What no version of ours has written is taken for what stays in place.
        Ok(EdgeView { from, ship: if ship == HASH { HASH } else { "FORWARD" } })
    }
}

/// The vertices of a plan that runs as these subtasks.
pub(super) fn graph(plan: &Plan, tasks: &[Task]) -> Vec<VertexView> {
    let mut graph = Vec::new();
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
            graph.push(chain.vertex(source, readers, Vec::new()));
            continue;
        }
        chain.aggregate("LocalWindowAggregate", &windowed);
        chain.sinks(plan, &passed);
        graph.push(chain.vertex(source.clone(), readers, Vec::new()));
        let mut chain = Chain { names: Vec::new(), lines: Vec::new() };
        chain.aggregate("GlobalWindowAggregate", &windowed);
        chain.sinks(plan, &windowed);
        graph.push(chain.vertex(global, owners, vec![EdgeView { from: source, ship: HASH }]));
    }

    graph
}

/// Operators of one vertex.
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
        let mut sinks: Vec<usize> = queries.iter().map(|query| query.sink).collect();
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
