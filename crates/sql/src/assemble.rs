//! From bound inserts to the plan: one pipeline a source, only what is reached, what is shared named as shared.
//!
//! The graphs of the binder hold every view and every expression that was ever bound. Here each pipeline gets a new
//! graph with what its queries reach, rewritten on the way (see `rewrite`), over the leaves that remain.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;

use jiff::tz::TimeZone;

use crate::bind::{BoundQuery, Group, Stage};
use crate::catalog::{Catalog, Table};
use crate::error::Diagnostic;
use crate::expr::{Expr, ExprGraph, ExprId, InputColumn};
use crate::graph::map_operands;
use crate::plan::{
    Aggregate, Pipeline, Plan, Query, Rowtime, Settings, Shape, SinkTable, SourceTable, WindowAggregate,
};
use crate::rewrite::Rewriter;

pub(crate) fn assemble(
    catalog: &Catalog,
    bound: Vec<BoundQuery>,
    settings: Settings,
    notices: Vec<Diagnostic>,
) -> Plan {
    let time_zone = settings.time_zone.clone();
    let mut by_source: BTreeMap<usize, Vec<BoundQuery>> = BTreeMap::new();
    let mut sink_places: BTreeMap<usize, usize> = bound.iter().map(|query| (query.sink, 0)).collect();
    for (place, index) in sink_places.values_mut().enumerate() {
        *index = place;
    }
    let mut names = Names::default();
    let named: Vec<(String, BoundQuery)> =
        bound.into_iter().map(|query| (names.next(&catalog.tables[query.sink].name), query)).collect();
    let mut query_names: BTreeMap<usize, Vec<String>> = BTreeMap::new();

    for (name, query) in named {
        query_names.entry(query.relation.source).or_default().push(name);
        by_source.entry(query.relation.source).or_default().push(query);
    }

    // A table that is read with other options too is another source, with a name of its own.
    let mut source_names = Names::default();
    let pipelines = by_source
        .into_iter()
        .map(|(source, queries)| {
            let names = query_names.remove(&source).unwrap_or_default();
            let table = &catalog.tables[source];
            let mut pipeline = pipeline(table, names, queries, &sink_places, &time_zone);
            if table.rows.is_none() {
                pipeline.source.name = source_names.next(&table.name);
            }
            pipeline
        })
        .collect();

    let sinks = sink_places.keys().map(|index| sink(&catalog.tables[*index])).collect();
    Plan { settings, pipelines, sinks, notices }
}

fn sink(table: &Table) -> SinkTable {
    SinkTable {
        name: table.name.clone(),
        columns: table.sink_columns().cloned().collect(),
        primary_key: table.primary_key.clone(),
        options: table.options.clone(),
        span: table.span,
    }
}

/// Queries are named after their table, from the second one on with a number.
#[derive(Default)]
struct Names {
    used: HashMap<String, u32>,
}

impl Names {
    fn next(&mut self, table: &str) -> String {
        let count = self.used.entry(table.to_owned()).or_default();
        *count += 1;
        if *count == 1 { table.to_owned() } else { format!("{table}#{count}") }
    }
}

fn pipeline(
    table: &Table,
    names: Vec<String>,
    bound: Vec<BoundQuery>,
    sinks: &BTreeMap<usize, usize>,
    time_zone: &TimeZone,
) -> Pipeline {
    let mut rewriter = Rewriter::new(&table.graph.exprs, time_zone);
    let rowtime = table.rowtime.as_ref().map(|rowtime| Rowtime {
        name: rowtime.name.clone(),
        time: rewriter.rewrite(rowtime.time),
        watermark: rewriter.rewrite(rowtime.watermark),
        delay: rowtime.delay,
    });

    let mut queries = vec![];
    for (name, query) in names.into_iter().zip(bound) {
        let filter = rewriter.conditions(&query.relation.filters);
        let shape = match query.relation.stage {
            Stage::Grouped(group) => {
                Shape::Aggregate(aggregate(*group, &query.columns, &mut rewriter, time_zone))
            }
            Stage::Rows | Stage::Windowed { .. } => {
                Shape::Rows { columns: query.columns.iter().map(|id| rewriter.rewrite(*id)).collect() }
            }
        };
        queries.push(Query { name, sink: sinks[&query.sink], filter, shape, span: query.span });
    }

    let mut pipeline = Pipeline {
        source: SourceTable {
            name: table.name.clone(),
            columns: table.stored.clone(),
            leaves: table.leaves.clone(),
            options: table.options.clone(),
            rows: table.rows.clone(),
            span: table.span,
        },
        exprs: rewriter.finish(),
        rowtime,
        common_filter: vec![],
        queries,
    };

    pipeline.common_filter = common_filter(&mut pipeline.queries);
    prune(&mut pipeline);
    pipeline
}

fn aggregate(
    group: Group,
    columns: &[ExprId],
    rows: &mut Rewriter<'_>,
    time_zone: &TimeZone,
) -> WindowAggregate {
    let keys = group.keys.iter().map(|key| rows.rewrite(*key)).collect();
    let aggregates = group
        .aggregates
        .into_iter()
        .map(|call| Aggregate {
            arg: call.arg.map(|arg| rows.rewrite(arg)),
            filter: call.filter.map(|filter| rows.rewrite(filter)),
            ..call
        })
        .collect();

    let mut output = Rewriter::new(&group.output.exprs, time_zone);
    let having = output.conditions(&group.having);
    let columns = columns.iter().map(|id| output.rewrite(*id)).collect();
    let mut shape =
        WindowAggregate { window: group.window, keys, aggregates, output: output.finish(), having, columns };
    let roots: Vec<ExprId> = shape.having.iter().chain(&shape.columns).copied().collect();
    // The keys and the window's columns stay; a call whose result nobody reads is not computed.
    let calls = shape.keys.len()..shape.keys.len() + shape.aggregates.len();
    let compacted = Compacted::of(&shape.output, &roots, |input| !calls.contains(&input));
    for id in shape.having.iter_mut().chain(&mut shape.columns) {
        *id = compacted.moved(*id);
    }
    let mut call = calls.start..;
    shape.aggregates.retain(|_| call.next().is_some_and(|input| compacted.inputs.contains(&input)));
    shape.output = compacted.graph;
    shape
}

/// Takes the conditions that every query has out of the queries.
fn common_filter(queries: &mut [Query]) -> Vec<ExprId> {
    let Some((first, others)) = queries.split_first() else { return vec![] };
    let common: Vec<ExprId> = first
        .filter
        .iter()
        .copied()
        .filter(|id| others.iter().all(|query| query.filter.contains(id)))
        .collect();
    for query in queries {
        query.filter.retain(|id| !common.contains(id));
    }
    common
}

/// Leaves only the nodes and leaves that the pipeline uses.
fn prune(pipeline: &mut Pipeline) {
    let mut roots = vec![];
    each_id(pipeline, &mut |id| roots.push(*id));
    let compacted = Compacted::of(&pipeline.exprs, &roots, |_| false);
    each_id(pipeline, &mut |id| *id = compacted.moved(*id));
    pipeline.source.leaves =
        compacted.inputs.iter().map(|input| pipeline.source.leaves[*input].clone()).collect();
    pipeline.exprs = compacted.graph;
}

/// Every expression over the pipeline's graph.
fn each_id(pipeline: &mut Pipeline, visit: &mut impl FnMut(&mut ExprId)) {
    if let Some(rowtime) = &mut pipeline.rowtime {
        visit(&mut rowtime.time);
        visit(&mut rowtime.watermark);
    }
    pipeline.common_filter.iter_mut().for_each(&mut *visit);
    for query in &mut pipeline.queries {
        query.filter.iter_mut().for_each(&mut *visit);
        match &mut query.shape {
            Shape::Rows { columns } => columns.iter_mut().for_each(&mut *visit),
            Shape::Aggregate(aggregate) => {
                aggregate.keys.iter_mut().for_each(&mut *visit);
                for call in &mut aggregate.aggregates {
                    call.arg.iter_mut().chain(&mut call.filter).for_each(&mut *visit);
                }
            }
        }
    }
}

/// A graph without what no root reaches.
struct Compacted {
    graph: ExprGraph,
    /// The inputs kept, by their old places.
    inputs: Vec<usize>,
    moved: HashMap<ExprId, ExprId>,
}

impl Compacted {
    /// Inputs are kept where they are used, and where `keep` says so.
    fn of(graph: &ExprGraph, roots: &[ExprId], keep: impl Fn(usize) -> bool) -> Compacted {
        let mut reached = vec![false; graph.len()];
        let mut stack = roots.to_vec();

        while let Some(id) = stack.pop() {
            if !std::mem::replace(&mut reached[id.0 as usize], true) {
                stack.extend(graph.operands(id));
            }
        }

        let mut used: Vec<bool> = (0..graph.inputs.len()).map(keep).collect();
        for (id, node) in graph.iter() {
            if let (Expr::Column(input), true) = (&node.expr, reached[id.0 as usize]) {
                used[*input] = true;
            }
        }

        let inputs: Vec<usize> = (0..graph.inputs.len()).filter(|input| used[*input]).collect();
        let columns: Vec<InputColumn> = inputs.iter().map(|input| graph.inputs[*input].clone()).collect();
        let mut compacted = Compacted { graph: ExprGraph::new(columns), inputs, moved: HashMap::new() };

        for (id, node) in graph.iter().filter(|(id, _)| reached[id.0 as usize]) {
            let expr = match &node.expr {
                Expr::Column(input) => {
                    let place = compacted.inputs.iter().position(|kept| kept == input);
                    Expr::Column(place.expect("a reached column is kept"))
                }
                other => match map_operands(other, |operand| Ok::<_, Infallible>(compacted.moved(operand))) {
                    Ok(expr) => expr,
                },
            };
            let new = compacted.graph.add(expr, node.column_type.clone());
            compacted.moved.insert(id, new);
        }

        compacted
    }

    fn moved(&self, id: ExprId) -> ExprId {
        self.moved[&id]
    }
}
