//! Fusing: finds the part of a tree that a scan can compute itself.
//!
//! A scan can filter and project its rows, and aggregate them in sliced windows of its event time. Such a
//! part is moved into one scope, the source's leaves. Expressions that several queries share are one node
//! there and are computed once.
//!
//! ```text
//! Calc ─ Aggregate[window_start, window_end, k] ─ Calc ─ Window[TUMBLE] ─ Calc ─ Scan  (all one query)
//! ```

use crate::catalog::Table;
use crate::expr::{Expr, ExprGraph, ExprId, InputColumn};
use crate::plan::operator::{AggregateCall, Changes, Function};
use crate::plan::{Aggregate, AggregateFunction, Window};
use crate::rel::rebase::{Rebase, inputs_of};
use crate::rel::{AggregateRel, Rel, RelKind, WindowShape};
use crate::rules::{Rule, Rules};

/// A part of a tree, in the scope of its source.
pub(super) struct Fused {
    pub(super) table: usize,
    /// Conditions over the source's leaves; all must be true.
    pub(super) filters: Vec<ExprId>,
    pub(super) stage: FusedStage,
    /// One expression for each field of the node, over the leaves or over the groups.
    pub(super) columns: Vec<ExprId>,
}

pub(super) enum FusedStage {
    Rows,
    /// Rows with their windows. `conditions` read only the window's columns.
    Windowed {
        window: Window,
        conditions: Vec<ExprId>,
    },
    Grouped(Box<FusedGroup>),
}

pub(super) struct FusedGroup {
    pub(super) window: Window,
    pub(super) keys: Vec<ExprId>,
    pub(super) aggregates: Vec<Aggregate>,
    /// Its scope is the keys, the aggregates, `window_start`, `window_end` and `window_time`.
    pub(super) output: ExprGraph,
    pub(super) having: Vec<ExprId>,
}

/// The expression graphs of the sources, into which parts of trees are moved.
pub(super) struct Sources<'a> {
    pub(super) tables: &'a [Table],
    pub(super) changes: &'a dyn Fn(&Table) -> Changes,
    rules: Rules,
    graphs: std::collections::BTreeMap<usize, SourceGraph>,
}

/// Expressions over the leaves of a table, followed by the three columns of a window.
#[derive(Clone)]
pub(super) struct SourceGraph {
    pub(super) exprs: ExprGraph,
    leaves: usize,
}

impl<'a> Sources<'a> {
    pub(super) fn new(
        tables: &'a [Table],
        changes: &'a dyn Fn(&Table) -> Changes,
        rules: Rules,
    ) -> Sources<'a> {
        Sources { tables, changes, rules, graphs: std::collections::BTreeMap::new() }
    }

    pub(super) fn graph(&mut self, table: usize) -> &mut SourceGraph {
        let of_table = &self.tables[table];
        self.graphs.entry(table).or_insert_with(|| {
            let mut exprs = of_table.graph.exprs.clone();
            let leaves = exprs.inputs.len();
            exprs.inputs.extend(window_columns(of_table));
            SourceGraph { exprs, leaves }
        })
    }

    /// Returns a text that identifies what a part computes, whatever else the script contains.
    pub(super) fn meaning(&mut self, fused: &Fused) -> String {
        let source = &self.graph(fused.table).exprs;
        let of = |exprs: &ExprGraph, ids: &[ExprId]| {
            ids.iter().map(|id| exprs.digest(*id)).collect::<Vec<_>>().join(", ")
        };

        let filters = of(source, &fused.filters);

        match &fused.stage {
            FusedStage::Rows => format!("[{filters}] rows {}", of(source, &fused.columns)),
            FusedStage::Windowed { window, conditions } => {
                let conditions = of(source, conditions);
                format!("[{filters}] {window:?} [{conditions}] {}", of(source, &fused.columns))
            }
            FusedStage::Grouped(group) => {
                let aggregates = group.aggregates.iter().map(|aggregate| {
                    let reads: Vec<ExprId> = aggregate.arg.into_iter().chain(aggregate.filter).collect();
                    format!("{:?} {} {}", aggregate.function, aggregate.distinct, of(source, &reads))
                });
                let aggregates = aggregates.collect::<Vec<_>>().join("; ");
                let (having, columns) = (of(&group.output, &group.having), of(&group.output, &fused.columns));
                let keys = of(source, &group.keys);
                format!("[{filters}] {:?} by {keys}: {aggregates} [{having}] {columns}", group.window)
            }
        }
    }

    /// Moves a node into the scope of its source, or returns `None` if a scan cannot compute it.
    pub(super) fn fuse(&mut self, rel: &Rel) -> Option<Fused> {
        match &rel.kind {
            RelKind::Scan { table } => {
                let graph = self.graph(*table);
                let columns = (0..rel.fields.len())
                    .map(|leaf| graph.exprs.add(Expr::Column(leaf), rel.fields[leaf].column_type.clone()))
                    .collect();
                Some(Fused { table: *table, filters: vec![], stage: FusedStage::Rows, columns })
            }
            RelKind::Calc(calc) => {
                let fused = self.fuse(rel.input())?;
                let changes = (self.changes)(&self.tables[fused.table]);
                // A condition on upserts must see both the old and the new row.
                if matches!(changes, Changes::Upsert(_)) && !matches!(rel.input().kind, RelKind::Scan { .. })
                {
                    return None;
                }
                if matches!(changes, Changes::Upsert(_)) && !calc.conditions.is_empty() {
                    return None;
                }
                self.fuse_calc(fused, &calc.exprs, &calc.conditions, &calc.columns)
            }
            RelKind::Window(_) if !self.rules.has(Rule::FuseWindows) => None,
            RelKind::Window(window) => {
                let mut fused = self.fuse(rel.input())?;
                let WindowShape::Sliced(shape) = window.shape else { return None };
                let table = &self.tables[fused.table];
                let is_rows = matches!(fused.stage, FusedStage::Rows);
                let event_time = table.rowtime.as_ref().map(|rowtime| rowtime.time);
                if !is_rows
                    || !(self.changes)(table).is_append()
                    || event_time != Some(fused.columns[window.time])
                {
                    return None;
                }
                let graph = self.graph(fused.table);
                for place in graph.leaves..graph.leaves + 3 {
                    let column_type = graph.exprs.inputs[place].column_type.clone();
                    fused.columns.push(graph.exprs.add(Expr::Column(place), column_type));
                }
                fused.stage = FusedStage::Windowed { window: shape, conditions: vec![] };
                Some(fused)
            }
            RelKind::Aggregate(aggregate) => {
                let fused = self.fuse(rel.input())?;
                self.fuse_aggregate(fused, aggregate, rel)
            }
            _ => None,
        }
    }

    fn fuse_calc(
        &mut self,
        mut fused: Fused,
        exprs: &ExprGraph,
        conditions: &[ExprId],
        columns: &[ExprId],
    ) -> Option<Fused> {
        let SourceGraph { exprs: source, leaves } = self.graph(fused.table);
        let leaves = *leaves;
        let below = std::mem::take(&mut fused.columns);
        let carried = |to: &mut ExprGraph| {
            let mut rebase = Rebase::new(exprs, to, |_: &mut ExprGraph, input: usize| below[input]);
            let carried = (rebase.all(conditions), rebase.all(columns));
            let is_small = !to.is_too_large(carried.0.iter().chain(&carried.1).copied());
            is_small.then_some(carried)
        };

        let columns = match &mut fused.stage {
            FusedStage::Rows => {
                let (conditions, columns) = carried(source)?;
                fused.filters.extend(conditions);
                columns
            }
            FusedStage::Grouped(group) => {
                let (conditions, columns) = carried(&mut group.output)?;
                group.having.extend(conditions);
                columns
            }
            FusedStage::Windowed { conditions: of_window, .. } => {
                let (conditions, columns) = carried(source)?;
                for condition in conditions {
                    let read = inputs_of(source, &[condition]);
                    match read.iter().filter(|&&input| input >= leaves).count() {
                        0 => fused.filters.push(condition),
                        windowed if windowed == read.len() => of_window.push(condition),
                        _ => return None,
                    }
                }
                columns
            }
        };
        Some(Fused { columns, ..fused })
    }

    /// Fuses an aggregate over a window if its keys include the window's bounds.
    fn fuse_aggregate(&mut self, fused: Fused, aggregate: &AggregateRel, rel: &Rel) -> Option<Fused> {
        let FusedStage::Windowed { window, conditions } = &fused.stage else { return None };
        if aggregate.sets.is_some() || aggregate.window.is_some() {
            return None;
        }
        rel.input().window_bounds(&aggregate.keys)?;
        let (window, conditions) = (*window, conditions.clone());
        let graph = self.graph(fused.table);
        let leaves = graph.leaves;
        let uses_window =
            |exprs: &ExprGraph, id: ExprId| inputs_of(exprs, &[id]).iter().any(|&input| input >= leaves);

        // A value computed only from the window's columns is the same for all rows of a group.
        let of_window_alone = |exprs: &ExprGraph, id: ExprId| {
            let read = inputs_of(exprs, &[id]);
            !read.is_empty() && read.iter().all(|&input| input >= leaves)
        };
        // The keys over rows, without the window's columns.
        let mut keys: Vec<ExprId> = vec![];
        for &key in &aggregate.keys {
            if rel.input().fields[key].window.is_some() {
                continue;
            }
            let id = fused.columns[key];
            if of_window_alone(&graph.exprs, id) {
                continue;
            }
            if uses_window(&graph.exprs, id) {
                return None;
            }
            if !keys.contains(&id) {
                keys.push(id);
            }
        }
        let mut aggregates = vec![];
        for call in &aggregate.calls {
            let call = fused_call(call, &fused.columns, window)?;
            if call.arg.iter().chain(&call.filter).any(|id| uses_window(&graph.exprs, *id)) {
                return None;
            }
            aggregates.push(call);
        }

        // The scope of expressions over the groups.
        let mut scope: Vec<InputColumn> = keys
            .iter()
            .map(|id| InputColumn {
                name: crate::explain::expression(&graph.exprs, *id),
                column_type: graph.exprs.column_type(*id).clone(),
            })
            .collect();
        scope.extend(
            aggregates
                .iter()
                .map(|call| InputColumn { name: call.name.clone(), column_type: call.column_type.clone() }),
        );
        let of_window = scope.len();
        scope.extend(graph.exprs.inputs[leaves..].iter().cloned());
        let mut output = ExprGraph::new(scope);
        let mut columns = vec![];
        for &key in &aggregate.keys {
            let id = fused.columns[key];
            columns.push(match keys.iter().position(|known| *known == id) {
                Some(place) => column(&mut output, place),
                None => {
                    let input = |to: &mut ExprGraph, input: usize| column(to, of_window + input - leaves);
                    Rebase::new(&graph.exprs, &mut output, input).expr(id)
                }
            });
        }
        columns.extend((0..aggregates.len()).map(|call| column(&mut output, keys.len() + call)));

        let having = {
            let input = |to: &mut ExprGraph, input: usize| column(to, of_window + input - leaves);
            Rebase::new(&graph.exprs, &mut output, input).all(&conditions)
        };
        let group = FusedGroup { window, keys, aggregates, output, having };
        Some(Fused { stage: FusedStage::Grouped(Box::new(group)), columns, ..fused })
    }
}

/// Returns an input of a graph as an expression.
fn column(exprs: &mut ExprGraph, place: usize) -> ExprId {
    let column_type = exprs.inputs[place].column_type.clone();
    exprs.add(Expr::Column(place), column_type)
}

/// Converts a call to an aggregate of a scan, or returns `None` if scans do not support it.
fn fused_call(call: &AggregateCall, columns: &[ExprId], window: Window) -> Option<Aggregate> {
    let function = match &call.function {
        Function::Count => AggregateFunction::Count,
        Function::Sum => AggregateFunction::Sum,
        Function::Avg => AggregateFunction::Avg,
        Function::Min => AggregateFunction::Min,
        Function::Max => AggregateFunction::Max,
        // First and last values have no order across the overlapping slices of other windows.
        Function::FirstValue if matches!(window, Window::Tumble { .. }) => AggregateFunction::FirstValue,
        Function::LastValue if matches!(window, Window::Tumble { .. }) => AggregateFunction::LastValue,
        Function::Percentile { places, many: false } if call.args.len() == 1 => {
            AggregateFunction::Percentile(places[0])
        }
        _ => return None,
    };

    // Nested values have no column in the scan's state.
    if call.args.len() > 1 || call.arg_types.iter().any(|of| of.data_type.repr().is_none()) {
        return None;
    }

    Some(Aggregate {
        function,
        arg: call.args.first().map(|&arg| columns[arg]),
        distinct: call.distinct,
        filter: call.filter.map(|filter| columns[filter]),
        column_type: call.column_type.clone(),
        name: call.name.clone(),
    })
}

fn window_columns(table: &Table) -> [InputColumn; 3] {
    use types::DataType;
    let bound = DataType::Timestamp(3).not_null();
    let time =
        table.rowtime.as_ref().map(|rowtime| table.graph.exprs.column_type(rowtime.time).data_type.clone());
    let time = match time {
        Some(DataType::TimestampLtz(_)) => DataType::TimestampLtz(3),
        _ => DataType::Timestamp(3),
    };
    let column = |name: &str, column_type| InputColumn { name: name.to_owned(), column_type };
    [
        column("window_start", bound.clone()),
        column("window_end", bound),
        column("window_time", time.not_null()),
    ]
}
