//! The graph of a plan: source tables, queries of scans, operators and sinks, and the rows between them.

use crate::plan::{Plan, Shape, Target};

use super::{changes, window};

/// A node of the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanNode {
    pub id: String,
    /// What the node does: `Source: clicks`.
    pub name: String,
    /// Details, one per line.
    pub lines: Vec<String>,
}

/// Rows that go from one node to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanEdge {
    pub from: String,
    pub to: String,
    /// The kinds of changes on it: `+I, -U, +U, -D`.
    pub changes: &'static str,
}

/// Returns the nodes and edges of a plan, in the direction of the rows.
pub fn graph(plan: &Plan) -> (Vec<PlanNode>, Vec<PlanEdge>) {
    let mut nodes = Vec::new();
    let mut edges = Vec::new();
    let to = |target: &Target| match target {
        Target::Sink(sink) => format!("sink {sink}"),
        Target::Operator { operator, .. } => format!("operator {operator}"),
    };

    for (at, pipeline) in plan.pipelines.iter().enumerate() {
        let source = &pipeline.source;
        let reads = source.leaves.iter().map(|leaf| leaf.path.join(".")).collect::<Vec<String>>();
        let lines = vec![format!("reads {}", reads.join(", "))];
        nodes.push(PlanNode { id: format!("source {at}"), name: format!("Source: {}", source.name), lines });

        for query in &pipeline.queries {
            let (name, lines) = match &query.shape {
                Shape::Rows { .. } => ("Rows".to_owned(), Vec::new()),
                Shape::Aggregate(aggregate) => ("WindowAggregate".to_owned(), vec![window(aggregate.window)]),
            };
            let id = format!("query {at} {}", query.name);
            let name = format!("{name}: {}", query.name);
            nodes.push(PlanNode { id: id.clone(), name, lines });
            let given = changes(&source.changes);
            edges.push(PlanEdge { from: format!("source {at}"), to: id.clone(), changes: given });
            let targets = query.targets.iter();
            edges.extend(targets.map(|target| PlanEdge { from: id.clone(), to: to(target), changes: given }));
        }
    }

    for (at, operator) in plan.operators.iter().enumerate() {
        let fields = operator.fields.iter().map(|field| field.name.as_str()).collect::<Vec<&str>>();
        let name = operator.name.split('[').next().unwrap_or_default().to_owned();
        let lines = vec![operator.name.clone(), format!("gives {}", fields.join(", "))];
        let id = format!("operator {at}");
        nodes.push(PlanNode { id: id.clone(), name, lines });
        let given = changes(&operator.changes);
        let targets = operator.targets.iter();
        edges.extend(targets.map(|target| PlanEdge { from: id.clone(), to: to(target), changes: given }));
    }

    for (at, sink) in plan.sinks.iter().enumerate() {
        let columns = sink.columns.iter().map(|column| column.name.as_str()).collect::<Vec<&str>>();
        // The sink of a fetched query has no connector.
        let name = match sink.options.entries.get("connector") {
            Some(_) => format!("Sink: {}", sink.name),
            None => "Result".to_owned(),
        };
        nodes.push(PlanNode { id: format!("sink {at}"), name, lines: vec![columns.join(", ")] });
    }

    (nodes, edges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_edge_joins_two_nodes_and_every_table_is_there() {
        let script = "CREATE TABLE a (k STRING, n INT) WITH ('connector' = 'kafka', 'topic' = 'a', \
            'properties.bootstrap.servers' = 'embedded', 'format' = 'json');\n\
            CREATE TABLE b (k STRING, m INT) WITH ('connector' = 'kafka', 'topic' = 'b', \
            'properties.bootstrap.servers' = 'embedded', 'format' = 'json');\n\
            CREATE TABLE s (k STRING, n INT, m INT) WITH ('connector' = 'blackhole');\n\
            INSERT INTO s SELECT a.k, n, m FROM a JOIN b ON a.k = b.k;";
        let plan = crate::compile(script, &|_| None).expect("it compiles");
        let (nodes, edges) = graph(&plan);

        let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        for name in ["Source: a", "Source: b", "InnerJoin", "Sink: s"] {
            assert!(names.contains(&name), "{name} of {names:?}");
        }
        let is_node = |id: &String| nodes.iter().any(|node| node.id == *id);
        assert!(edges.iter().all(|edge| is_node(&edge.from) && is_node(&edge.to)), "{edges:?}");
        assert!(edges.iter().filter(|edge| edge.to.starts_with("operator")).count() >= 2);
    }
}
