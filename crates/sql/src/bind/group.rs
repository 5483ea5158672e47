//! `GROUP BY`, `HAVING` and `SELECT DISTINCT`: what is computed from rows, and what from the groups' results.

use std::collections::BTreeSet;

use types::{ColumnType, DataType, Interval, Value};

use super::aggregate::AggregateCall;
use super::lift::Lift;
use super::over::BoundOrder;
use super::scope::{OuterScope, Relation, Scope};
use super::select::{Behind, Bodies, Calls, Item};
use super::stage::Stage;
use super::subquery::QueryValue;
use super::{Binder, Bound, Cell, Column, ExprBinder, Reported};
use crate::error::{Diagnostic, Span};
use crate::expr::{Comparison, Expr, ExprId};
use crate::graph::{Graph, Origin};
use crate::parse::ast::{self, ExprKind, GroupItem, Ident, Select, SelectItem};
use crate::plan::operator::Call;
use crate::rel::{AggregateRel, GroupWindow, Rel, WindowShape};

/// The most grouping sets of a query.
const MAX_SETS: usize = 256;

/// What GROUP BY holds, for the functions that ask for it.
pub(crate) struct GroupContext {
    /// Distinct, in order.
    pub(super) keys: Vec<ExprId>,
    /// The places in `keys` that each grouping set has; one set of all where there are none.
    pub(super) sets: Vec<BTreeSet<usize>>,
    pub(super) has_sets: bool,
    pub(super) window: Option<KeyWindow>,
}

/// A window of the old form as a key.
#[derive(Clone)]
pub(super) struct KeyWindow {
    /// `TUMBLE`, `HOP` or `SESSION`.
    function: String,
    args: Vec<ExprId>,
    shape: WindowShape,
    time: ExprId,
    is_processing: bool,
}

impl Binder {
    pub(super) fn group(
        &mut self,
        select: &Select,
        behind: Behind<'_>,
        (mut stage, scope): (Stage, Scope),
        outer: Option<&OuterScope>,
        outer_conditions: &[ExprId],
    ) -> Bound<(Relation, Option<Value>)> {
        let context = self.keys(select, &mut stage, &scope, outer)?;
        let mut calls =
            Calls { aggregates: Some(vec![]), overs: Some(vec![]), group: Some(context), ..Calls::default() };
        let bodies = self.bodies(select, behind, &mut stage, &scope, outer, &mut calls)?;
        let aggregates = calls.aggregates.take().unwrap_or_default();
        let overs = calls.overs.take().unwrap_or_default();
        let mut context = calls.group.take().expect("the context was put there");

        // A condition on the query around splits the groups: its own part is a key that nobody sees.
        let visible_keys = context.keys.len();
        for id in self.own_inputs(&mut stage, outer_conditions) {
            if !context.keys.contains(&id) {
                context.keys.push(id);
            }
        }
        if context.keys.len() > visible_keys {
            self.only_equal(&stage.graph, outer_conditions, select.span)?;
            context.sets.iter_mut().for_each(|set| set.extend(visible_keys..context.keys.len()));
        }

        let is_global = visible_keys == 0 && context.window.is_none() && !context.has_sets;
        let empty = is_global
            .then(|| bodies.items.first())
            .flatten()
            .filter(|_| !outer_conditions.is_empty())
            .and_then(|item| match item.column.cell {
                Cell::Scalar(id) => super::subquery::value_over_nothing(&aggregates, &stage.graph, id),
                _ => None,
            });

        let values = std::mem::take(&mut calls.values);
        let (groups, bodies, overs) =
            self.grouped(select, stage, context, &aggregates, (bodies, values), overs, outer_conditions)?;
        let GroupedRows { mut stage, outer_conditions } = groups;
        let having: Vec<ExprId> = bodies.having.iter().filter_map(|item| as_scalar(&item.column)).collect();
        stage.filter(&having, select.span);
        let relation = self.finish(select, behind, stage, bodies, &overs, &outer_conditions)?;
        Ok((relation, empty))
    }

    /// The aggregate over the rows, and everything that was bound lifted over its results.
    #[expect(clippy::too_many_arguments, reason = "the parts of one SELECT, each used once")]
    fn grouped(
        &mut self,
        select: &Select,
        mut stage: Stage,
        context: GroupContext,
        aggregates: &[AggregateCall],
        (bodies, values): (Bodies, Vec<QueryValue>),
        overs: Vec<super::over::OverCall>,
        outer_conditions: &[ExprId],
    ) -> Bound<(GroupedRows, Bodies, Vec<super::over::OverCall>)> {
        let span = select.group_by.as_ref().map_or(select.span, |group_by| group_by.span);
        let mut needed = context.keys.clone();
        needed.extend(context.window.iter().map(|window| window.time));
        aggregates.iter().for_each(|call| needed.extend(call.args.iter().chain(&call.filter)));
        self.join_values(&mut stage, &values, Some(&needed))?;
        let mut fields = stage.fields_of(&needed, span).into_iter();

        let keys: Vec<usize> = fields.by_ref().take(context.keys.len()).collect();
        let window = context
            .window
            .as_ref()
            .and_then(|window| Some(GroupWindow { shape: window.shape, time: fields.next()? }));
        if let (Some(window), Some(bound)) = (window, &context.window) {
            self.expect_time(&stage.rel, window.time, bound, span)?;
        }
        let calls: Vec<Call> = aggregates
            .iter()
            .map(|call| {
                let args: Vec<usize> = fields.by_ref().take(call.args.len()).collect();
                let filter = call.filter.and_then(|_| fields.next());
                Call {
                    function: call.function.clone(),
                    arg_types: args.iter().map(|&arg| stage.rel.fields[arg].column_type.clone()).collect(),
                    args,
                    distinct: call.distinct,
                    filter,
                    column_type: call.column_type.clone(),
                    name: call.name.clone(),
                }
            })
            .collect();

        let sets = context
            .has_sets
            .then(|| context.sets.iter().map(|set| set.iter().copied().collect()).collect::<Vec<_>>());
        let results = keys.len() + calls.len();
        let set = sets.is_some().then_some(results);
        let window_at = window.is_some().then_some(results + usize::from(set.is_some()));
        let aggregate = AggregateRel { keys, sets, calls, window };
        let (mut grouped, _) = Stage::over(Rel::aggregate(stage.rel.clone(), aggregate, span));

        let mut lift = Lift::new(&stage.graph, &mut grouped.graph, &context.keys, set, window_at);
        let mut failed = vec![];
        let mut lifted = |lift: &mut Lift<'_>, item: &mut Item| {
            let mut wrong = None;
            item.column = item.column.map(&mut |id| match lift.lift(id) {
                Ok(id) => id,
                Err(leaf) => {
                    wrong.get_or_insert(leaf);
                    id
                }
            });
            if let Some(leaf) = wrong {
                failed.push(not_grouped(&stage.graph, leaf, &item.column.name, &item.uses, item.span));
            }
        };

        let Bodies { mut items, mut having, mut qualify, order } = bodies;
        for item in items.iter_mut().chain(&mut having).chain(&mut qualify) {
            lifted(&mut lift, item);
        }
        let mut lifted_order = vec![];
        for (order, uses, span) in order {
            match lift.lift(order.id) {
                Ok(id) => lifted_order.push((BoundOrder { id, ..order }, uses, span)),
                Err(leaf) => failed.push(not_grouped(&stage.graph, leaf, "", &uses, span)),
            }
        }
        let overs = overs.into_iter().map(|over| lift_over(&mut lift, over)).collect::<Result<Vec<_>, _>>();
        let outer_conditions =
            outer_conditions.iter().map(|id| lift.lift(*id)).collect::<Result<Vec<_>, _>>();

        self.diagnostics.extend(failed.iter().cloned());
        if !failed.is_empty() {
            return Err(Reported);
        }
        let (overs, outer_conditions) = match (overs, outer_conditions) {
            (Ok(overs), Ok(outer_conditions)) => (overs, outer_conditions),
            (Err(leaf), _) | (_, Err(leaf)) => {
                let error = not_grouped(&stage.graph, leaf, "", &[], select.items_span());
                return Err(self.report(error));
            }
        };
        // A query as a value beside groups is joined with the groups.
        let values: Vec<Result<QueryValue, ExprId>> =
            values.into_iter().map(|value| value.map_outer(&mut |id| lift.lift(id))).collect();
        let read = grouped.inputs(|origin| match origin {
            Origin::Query(number) => Some(number),
            _ => None,
        });
        for (_, number) in &read {
            if let Some(Err(leaf)) = values.get(*number) {
                let error = not_grouped(&stage.graph, *leaf, "", &[], select.items_span());
                return Err(self.report(error));
            }
        }
        for (input, number) in read {
            if let Some(Ok(value)) = values.get(number) {
                self.join_value(&mut grouped, input, value)?;
            }
        }
        let bodies = Bodies { items, having, qualify, order: lifted_order };
        Ok((GroupedRows { stage: grouped, outer_conditions }, bodies, overs))
    }

    /// A query around can only be joined by the keys of groups.
    fn only_equal(&mut self, graph: &Graph, conditions: &[ExprId], span: Span) -> Bound<()> {
        let is_equal = |id: &ExprId| match graph.exprs.expr(*id) {
            Expr::Compare(Comparison::Equal, a, b) => {
                let (a, b) = (graph.facts(*a), graph.facts(*b));
                (a.uses_outer && !a.uses_row && !b.uses_outer)
                    || (b.uses_outer && !b.uses_row && !a.uses_outer)
            }
            _ => false,
        };
        if conditions.iter().all(is_equal) {
            return Ok(());
        }
        let error = Diagnostic::error(span, "groups are joined with the query around by equality alone")
            .with_hint("write the condition as inner.column = outer.column");
        Err(self.report(error))
    }

    /// A window of the old form needs a time attribute.
    fn expect_time(&mut self, rel: &Rel, field: usize, window: &KeyWindow, span: Span) -> Bound<()> {
        match (rel.fields[field].time, window.is_processing) {
            (Some(_), _) => Ok(()),
            (None, _) => {
                let name = &rel.fields[field].name;
                let error = Diagnostic::error(span, format!("`{name}` is not an event time"))
                    .with_hint("declare it: WATERMARK FOR time AS time - INTERVAL '5' SECOND");
                Err(self.report(error))
            }
        }
    }

    /// The keys of GROUP BY: expressions over rows, in order, each once.
    fn keys(
        &mut self,
        select: &Select,
        stage: &mut Stage,
        scope: &Scope,
        outer: Option<&OuterScope>,
    ) -> Bound<GroupContext> {
        let mut keys = Keys { ids: vec![], window: None };
        let Some(group_by) = &select.group_by else {
            return Ok(GroupContext {
                keys: vec![],
                sets: vec![BTreeSet::new()],
                has_sets: false,
                window: None,
            });
        };

        // Items multiply: GROUP BY a, ROLLUP(b, c) is (a, b, c), (a, b), (a).
        let mut sets: Vec<BTreeSet<usize>> = vec![BTreeSet::new()];
        let mut has_sets = false;
        for item in &group_by.items {
            has_sets |= !matches!(item, GroupItem::Expr(_) | GroupItem::Tuple { .. });
            let of_item = self.sets_of(item, &mut keys, stage, scope, outer)?;
            let combined = sets.iter().flat_map(|set| {
                of_item.iter().map(move |other| set.union(other).copied().collect::<BTreeSet<usize>>())
            });
            sets = combined.collect();
            if sets.len() > MAX_SETS {
                let error =
                    Diagnostic::error(group_by.span, format!("these are more than {MAX_SETS} grouping sets"));
                return Err(self.report(error.with_hint("write several INSERTs")));
            }
        }
        if has_sets && keys.window.is_some() {
            let error = Diagnostic::error(group_by.span, "grouping sets beside a window of the old form")
                .with_hint("use the table function: FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(time), …))");
            return Err(self.report(error));
        }
        Ok(GroupContext { keys: keys.ids, sets, has_sets, window: keys.window })
    }

    fn sets_of(
        &mut self,
        item: &GroupItem,
        keys: &mut Keys,
        stage: &mut Stage,
        scope: &Scope,
        outer: Option<&OuterScope>,
    ) -> Bound<Vec<BTreeSet<usize>>> {
        match item {
            GroupItem::Expr(expr) => {
                Ok(vec![self.key_set(std::slice::from_ref(expr), keys, stage, scope, outer)?])
            }
            GroupItem::Tuple { exprs, .. } => Ok(vec![self.key_set(exprs, keys, stage, scope, outer)?]),
            GroupItem::Sets { sets, .. } => {
                let mut all = vec![];
                for set in sets {
                    all.extend(self.sets_of(set, keys, stage, scope, outer)?);
                }
                Ok(all)
            }
            GroupItem::Rollup { elements, .. } => {
                let mut all = vec![BTreeSet::new()];
                for element in elements {
                    let set = self.key_set(element, keys, stage, scope, outer)?;
                    let longest: BTreeSet<usize> = all[0].union(&set).copied().collect();
                    all.insert(0, longest);
                }
                Ok(all)
            }
            GroupItem::Cube { elements, .. } => {
                let mut all = vec![BTreeSet::new()];
                for element in elements {
                    let set = self.key_set(element, keys, stage, scope, outer)?;
                    let with: Vec<BTreeSet<usize>> = all
                        .iter()
                        .map(|known: &BTreeSet<usize>| known.union(&set).copied().collect())
                        .collect();
                    all.extend(with);
                    if all.len() > MAX_SETS {
                        return Ok(all);
                    }
                }
                Ok(all)
            }
        }
    }

    fn key_set(
        &mut self,
        exprs: &[ast::Expr],
        keys: &mut Keys,
        stage: &mut Stage,
        scope: &Scope,
        outer: Option<&OuterScope>,
    ) -> Bound<BTreeSet<usize>> {
        let mut set = BTreeSet::new();
        for expr in exprs {
            if let Some(window) = self.key_window(expr, stage, scope, outer)? {
                if keys.window.replace(window).is_some() {
                    let error = Diagnostic::error(expr.span, "a query groups by one window");
                    return Err(self.report(error));
                }
                continue;
            }
            let queries = self.prepare([expr], scope, stage)?;
            let id = self
                .over(&mut stage.graph, scope, outer, &queries, "in GROUP BY", |binder| binder.bind(expr))?;
            if let ExprKind::Literal { .. } = expr.kind {
                let error = Diagnostic::error(expr.span, "a literal in GROUP BY is not a column's number")
                    .with_hint("name the column or repeat its expression");
                return Err(self.report(error));
            }
            let place = keys.ids.iter().position(|known| *known == id).unwrap_or_else(|| {
                keys.ids.push(id);
                keys.ids.len() - 1
            });
            set.insert(place);
        }
        Ok(set)
    }

    /// `TUMBLE(time, size)`, `HOP(time, slide, size)` or `SESSION(time, gap)` as a key.
    fn key_window(
        &mut self,
        expr: &ast::Expr,
        stage: &mut Stage,
        scope: &Scope,
        outer: Option<&OuterScope>,
    ) -> Bound<Option<KeyWindow>> {
        let ExprKind::Call(call) = &expr.kind else { return Ok(None) };
        let function = call.name.value.to_ascii_uppercase();
        let lengths = match function.as_str() {
            "TUMBLE" | "SESSION" => 1,
            "HOP" => 2,
            _ => return Ok(None),
        };
        let (args, is_processing) =
            self.over(&mut stage.graph, scope, outer, &[], "in GROUP BY", |binder| {
                let args: Vec<ExprId> = binder.all(&call.args)?;
                Ok((args, false))
            })?;
        let intervals: Option<Vec<Interval>> = args
            .iter()
            .skip(1)
            .map(|id| match stage.graph.exprs.expr(*id) {
                Expr::Literal(Value::Int(ms))
                    if stage.graph.exprs.column_type(*id).data_type == DataType::IntervalDayTime
                        && *ms > 0 =>
                {
                    Some(Interval(*ms))
                }
                _ => None,
            })
            .collect();
        let (Some(intervals), Some(&time)) = (intervals.filter(|all| all.len() == lengths), args.first())
        else {
            let form = match function.as_str() {
                "HOP" => "HOP(time, slide, size)",
                "SESSION" => "SESSION(time, gap)",
                _ => "TUMBLE(time, size)",
            };
            let error = Diagnostic::error(expr.span, format!("this is no window of {function}"))
                .with_hint(format!("it is {form}, with literals like INTERVAL '1' MINUTE"));
            return Err(self.report(error));
        };
        let offset = Interval::ZERO;
        let shape = match (function.as_str(), intervals.as_slice()) {
            ("HOP", [slide, size]) => {
                WindowShape::Sliced(crate::plan::Window::Hop { size: *size, slide: *slide, offset })
            }
            ("SESSION", [gap]) => WindowShape::Session { gap: *gap },
            (_, [size, ..]) => WindowShape::Sliced(crate::plan::Window::Tumble { size: *size, offset }),
            _ => return Err(Reported),
        };
        Ok(Some(KeyWindow { function, args, shape, time, is_processing }))
    }
}

/// The keys of a GROUP BY as they are found.
struct Keys {
    ids: Vec<ExprId>,
    window: Option<KeyWindow>,
}

/// The rows of groups, and what the query around asks of them.
struct GroupedRows {
    stage: Stage,
    outer_conditions: Vec<ExprId>,
}

fn lift_over(lift: &mut Lift<'_>, mut over: super::over::OverCall) -> Result<super::over::OverCall, ExprId> {
    for id in over.args.iter_mut().chain(&mut over.filter).chain(&mut over.window.partition) {
        *id = lift.lift(*id)?;
    }
    for order in &mut over.window.order {
        order.id = lift.lift(order.id)?;
    }
    Ok(over)
}

fn as_scalar(column: &Column) -> Option<ExprId> {
    match column.cell {
        Cell::Scalar(id) => Some(id),
        _ => None,
    }
}

impl ExprBinder<'_> {
    /// `GROUPING(x)` and `GROUPING_ID(a, b)`: a bit for each argument, the first one the highest, that is 1 where the
    /// group's set lacks it.
    pub(super) fn grouping(&mut self, call: &ast::Call, span: Span) -> Bound<ExprId> {
        let args = {
            let mut args = vec![];
            for arg in &call.args {
                args.push(self.expr(arg)?);
            }
            args
        };
        let Some(group) = self.group else {
            let error = Diagnostic::error(span, "GROUPING asks for the keys of a GROUP BY");
            return Err(self.report(error));
        };
        let places: Option<Vec<usize>> =
            args.iter().map(|arg| group.keys.iter().position(|key| key == arg)).collect();
        let Some(places) = places.filter(|places| !places.is_empty()) else {
            let error = Diagnostic::error(span, "the arguments of GROUPING are keys of the GROUP BY");
            return Err(self.report(error));
        };

        let bits = |set: &BTreeSet<usize>| {
            places.iter().fold(0i64, |bits, place| bits << 1 | i64::from(!set.contains(place)))
        };
        let bigint = DataType::BigInt;
        if !group.has_sets {
            return Ok(self.add_literal(Value::Int(0), bigint));
        }
        let values: Vec<i64> = group.sets.iter().map(bits).collect();
        let input = (0..self.graph.exprs.inputs.len()).find(|&input| self.graph.origin(input) == Origin::Set);
        let set = match input {
            Some(input) => self.graph.add(Expr::Column(input), bigint.clone().not_null()),
            None => self.graph.add_input("$set".to_owned(), bigint.clone().not_null(), Origin::Set),
        };
        let mut branches = vec![];
        for (number, value) in values.iter().enumerate() {
            let number = self.add_literal(Value::Int(number as i64), bigint.clone());
            let is_set = self.add_boolean(Expr::Compare(Comparison::Equal, set, number), false);
            branches.push((is_set, self.add_literal(Value::Int(*value), bigint.clone())));
        }
        let otherwise = self.add_literal(Value::Int(0), bigint.clone());
        let case = Expr::Case { branches: branches.into(), otherwise };
        Ok(self.graph.add(case, bigint.not_null()))
    }

    /// `TUMBLE_START(…)` and its relatives: the bounds of the window that the query groups by.
    pub(super) fn window_bound(&mut self, call: &ast::Call, name: &str, span: Span) -> Option<Bound<ExprId>> {
        let (function, which) = name.rsplit_once('_')?;
        if !["TUMBLE", "HOP", "SESSION"].contains(&function) {
            return None;
        }
        let place = match which {
            "START" => 0,
            "END" => 1,
            "ROWTIME" | "PROCTIME" => 2,
            _ => return None,
        };
        let args = match self.all(&call.args) {
            Ok(args) => args,
            Err(reported) => return Some(Err(reported)),
        };
        let window = self.group.and_then(|group| group.window.clone());
        let Some(window) = window.filter(|window| window.function == function && window.args == args) else {
            let error = Diagnostic::error(span, format!("the query does not group by this {function}"))
                .with_hint(format!("GROUP BY {function}(…) with the same arguments as {name}(…)"));
            return Some(Err(self.report(error)));
        };

        let bound = DataType::Timestamp(3).not_null();
        let column_type: ColumnType = match place {
            2 => match &self.graph.exprs.column_type(window.time).data_type {
                DataType::TimestampLtz(_) => DataType::TimestampLtz(3).not_null(),
                _ => bound,
            },
            _ => bound,
        };
        let known = (0..self.graph.exprs.inputs.len())
            .find(|&input| self.graph.origin(input) == Origin::Window(place));
        let name = ["window_start", "window_end", "window_time"][place].to_owned();
        Some(Ok(match known {
            Some(input) => self.graph.add(Expr::Column(input), column_type),
            None => self.graph.add_input(name, column_type, Origin::Window(place)),
        }))
    }
}

pub(super) fn is_aggregating(select: &Select) -> bool {
    let items = select.items.iter().any(|item| match item {
        SelectItem::Expr { expr, .. } => has_aggregate(expr),
        SelectItem::Star { .. } => false,
    });
    items || select.group_by.is_some() || select.having.is_some()
}

fn has_aggregate(expr: &ast::Expr) -> bool {
    let own = match &expr.kind {
        ExprKind::Call(call) => {
            call.over.is_none() && super::aggregate::is_aggregate(&call.name.value.to_ascii_uppercase())
        }
        _ => false,
    };
    // What stands in an OVER's arguments may aggregate too.
    own || expr.kind.children().into_iter().any(has_aggregate)
}

fn not_grouped(rows: &Graph, leaf: ExprId, name: &str, uses: &[(ExprId, Ident)], span: Span) -> Diagnostic {
    let contains = |root: ExprId| {
        let mut stack = vec![root];
        let mut seen = std::collections::HashSet::new();
        while let Some(id) = stack.pop() {
            if id == leaf {
                return true;
            }
            if seen.insert(id) {
                stack.extend(rows.exprs.operands(id));
            }
        }
        false
    };

    let (name, span) = match uses.iter().find(|(id, _)| contains(*id)) {
        Some((_, ident)) => (ident.value.clone(), ident.span),
        None => (name.to_owned(), span),
    };

    Diagnostic::error(span, format!("`{name}` is not grouped: it may differ from row to row of a group"))
        .with_hint("add it to GROUP BY, or aggregate it: MAX, FIRST_VALUE, COUNT(DISTINCT …)")
}
