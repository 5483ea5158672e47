//! Pipelines: the scan of a table with all its queries, in one graph of the expressions they use.

use super::Draft;
use super::fuse::{self, FusedStage};
use crate::catalog::Table;
use crate::expr::{Expr, ExprGraph, ExprId, InputColumn};
use crate::graph::map_operands;
use crate::plan::Settings;
use crate::plan::operator::Changes;
use crate::plan::{Aggregate, Pipeline, Query, Rowtime, ScanWindowAggregate, Shape, SourceTable};
use crate::rewrite::Rewriter;
use crate::rules::Rule;
use std::collections::{HashMap, HashSet};
use std::convert::Infallible;

pub(super) fn pipeline(
    table: &Table,
    changes: Changes,
    graph: &ExprGraph,
    drafts: Vec<Draft>,
    settings: &Settings,
) -> Pipeline {
    let mut rewriter = Rewriter::new(graph, &settings.time_zone, settings.rules);
    let rowtime = table.rowtime.as_ref().map(|rowtime| Rowtime {
        name: rowtime.name.clone(),
        time: rewriter.rewrite(rowtime.time),
        watermark: rewriter.rewrite(rowtime.watermark),
        delay: rowtime.delay,
    });

    let mut queries = vec![];
    for Draft { name, fused, targets, span, .. } in drafts {
        let filter = rewriter.conditions(&fused.filters);
        let shape = match fused.stage {
            FusedStage::Grouped(group) => {
                Shape::Aggregate(aggregate(*group, &fused.columns, &mut rewriter, settings))
            }
            FusedStage::Rows | FusedStage::Windowed { .. } => {
                Shape::Rows { columns: fused.columns.iter().map(|id| rewriter.rewrite(*id)).collect() }
            }
        };
        queries.push(Query { name, targets, filter, shape, span });
    }

    let mut pipeline = Pipeline {
        source: SourceTable {
            name: table.name.clone(),
            columns: table.stored.clone(),
            leaves: table.leaves.clone(),
            changes,
            options: table.options.clone(),
            rows: table.rows.clone(),
            span: table.span,
        },
        exprs: rewriter.finish(),
        rowtime,
        common_filter: vec![],
        queries,
    };

    if settings.rules.has(Rule::ShareFilters) {
        pipeline.common_filter = common_filter(&mut pipeline.queries);
    }
    prune(&mut pipeline);
    pipeline
}

fn aggregate(
    group: fuse::FusedGroup,
    columns: &[ExprId],
    rows: &mut Rewriter<'_>,
    settings: &Settings,
) -> ScanWindowAggregate {
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

    let mut output = Rewriter::new(&group.output, &settings.time_zone, settings.rules);
    let having = output.conditions(&group.having);
    let columns = columns.iter().map(|id| output.rewrite(*id)).collect();
    let mut shape = ScanWindowAggregate {
        window: group.window,
        keys,
        aggregates,
        output: output.finish(),
        having,
        columns,
    };
    let roots: Vec<ExprId> = shape.having.iter().chain(&shape.columns).copied().collect();
    // Keys and the window's columns stay; calls whose results are not read are dropped.
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

/// Moves the conditions that all queries share out of the queries.
fn common_filter(queries: &mut [Query]) -> Vec<ExprId> {
    let Some((first, others)) = queries.split_first() else { return vec![] };
    let mut common: HashSet<ExprId> = first.filter.iter().copied().collect();
    for query in others.iter().take_while(|query| !query.filter.is_empty()) {
        let of_query: HashSet<ExprId> = query.filter.iter().copied().collect();
        common.retain(|id| of_query.contains(id));
    }
    if others.iter().any(|query| query.filter.is_empty()) {
        common.clear();
    }

    let in_order = first.filter.iter().copied().filter(|id| common.contains(id)).collect();
    for query in queries {
        query.filter.retain(|id| !common.contains(id));
    }
    in_order
}

/// Keeps only the nodes and leaves that the pipeline uses.
fn prune(pipeline: &mut Pipeline) {
    let mut roots = vec![];
    each_id(pipeline, &mut |id| roots.push(*id));
    let compacted = Compacted::of(&pipeline.exprs, &roots, |_| false);
    each_id(pipeline, &mut |id| *id = compacted.moved(*id));
    pipeline.source.leaves =
        compacted.inputs.iter().map(|input| pipeline.source.leaves[*input].clone()).collect();
    pipeline.exprs = compacted.graph;
}

/// Visits every expression over the pipeline's graph.
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

/// A graph without nodes that no root reaches.
struct Compacted {
    graph: ExprGraph,
    /// Old indices of the inputs that are kept.
    inputs: Vec<usize>,
    moved: HashMap<ExprId, ExprId>,
}

impl Compacted {
    /// Compacts a graph. Inputs are kept if they are used or `keep` returns true.
    fn of(graph: &ExprGraph, roots: &[ExprId], keep: impl Fn(usize) -> bool) -> Compacted {
        let reached = graph.reached(roots);
        let mut used: Vec<bool> = (0..graph.inputs.len()).map(keep).collect();
        for id in &reached {
            if let Expr::Column(input) = graph.expr(*id) {
                used[*input] = true;
            }
        }

        let inputs: Vec<usize> = (0..graph.inputs.len()).filter(|input| used[*input]).collect();
        let places: HashMap<usize, usize> =
            inputs.iter().enumerate().map(|(place, input)| (*input, place)).collect();
        let columns: Vec<InputColumn> = inputs.iter().map(|input| graph.inputs[*input].clone()).collect();
        let mut compacted = Compacted { graph: ExprGraph::new(columns), inputs, moved: HashMap::new() };

        for (id, node) in graph.iter().filter(|(id, _)| reached.contains(id)) {
            let expr = match &node.expr {
                Expr::Column(input) => Expr::Column(places[input]),
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
