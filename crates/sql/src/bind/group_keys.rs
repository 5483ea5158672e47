//! The keys of a `GROUP BY`: expressions, grouping sets and group windows, and the functions that refer to
//! them.

use super::expression::Clause;
use super::resolve::Scope;
use super::scope::OuterScope;
use super::stage::Stage;
use super::{Binder, Bound, ExprBinder, Reported};
use crate::error::{Diagnostic, Span};
use crate::expr::{Comparison, Expr, ExprId};
use crate::graph::InputOrigin;
use crate::parse::ast::{self, ExprKind, GroupItem, Select};
use crate::rel::WindowShape;
use std::collections::{BTreeSet, HashMap};
use types::{ColumnType, DataType, Interval, Value};

impl Binder {
    /// Binds the keys of GROUP BY: expressions over rows, in order, without duplicates.
    pub(super) fn keys(
        &mut self,
        select: &Select,
        stage: &mut Stage,
        scope: &Scope,
        outer: Option<&OuterScope>,
    ) -> Bound<GroupContext> {
        let mut keys = Keys { ids: vec![], places: HashMap::new(), window: None };
        let Some(group_by) = &select.group_by else {
            return Ok(GroupContext {
                keys: vec![],
                sets: vec![BTreeSet::new()],
                has_sets: false,
                window: None,
            });
        };

        // Grouping items multiply: GROUP BY a, ROLLUP(b, c) is (a, b, c), (a, b), (a).
        let mut sets: Vec<BTreeSet<usize>> = vec![BTreeSet::new()];
        let mut has_sets = false;
        for item in &group_by.items {
            has_sets |= !matches!(item, GroupItem::Expr(_) | GroupItem::Tuple { .. });
            let of_item = self.sets_of(item, &mut keys, stage, scope, outer)?;
            if let [only] = of_item.as_slice() {
                // Copying the sets for each plain key would take quadratic time.
                sets.iter_mut().for_each(|set| set.extend(only));
            } else {
                let combined = sets.iter().flat_map(|set| {
                    of_item.iter().map(move |other| set.union(other).copied().collect::<BTreeSet<usize>>())
                });
                sets = combined.collect();
            }
            if sets.len() > MAX_SETS {
                let error =
                    Diagnostic::error(group_by.span, format!("these are more than {MAX_SETS} grouping sets"));
                return Err(self.report(error.with_hint("write several INSERTs")));
            }
        }
        if has_sets && keys.window.is_some() {
            let error =
                Diagnostic::error(group_by.span, "grouping sets cannot be combined with a group window")
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
            let clause = Clause { outer, queries: &queries, ..Clause::new(scope, "in GROUP BY") };
            let id = self.over(&mut stage.graph, clause, |binder| binder.bind(expr))?;
            if let ExprKind::Literal { .. } = expr.kind {
                let error = Diagnostic::error(expr.span, "a literal in GROUP BY is not a column's number")
                    .with_hint("name the column or repeat its expression");
                return Err(self.report(error));
            }

            let place = *keys.places.entry(id).or_insert_with(|| {
                keys.ids.push(id);
                keys.ids.len() - 1
            });
            set.insert(place);
        }
        Ok(set)
    }

    /// Binds `TUMBLE(time, size)`, `HOP(time, slide, size)` or `SESSION(time, gap)` as a key.
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

        let clause = Clause { outer, ..Clause::new(scope, "in GROUP BY") };
        let args: Vec<ExprId> = self.over(&mut stage.graph, clause, |binder| binder.all(&call.args))?;

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
            let error = Diagnostic::error(expr.span, format!("this is not a window of {function}"))
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
        Ok(Some(KeyWindow { function, args, shape, time }))
    }
}

/// Binds `GROUPING(x)` and `GROUPING_ID(a, b)`: one bit for each argument, the first one highest, that is
/// 1 if the group's set lacks the argument.
pub(super) fn grouping(binder: &mut ExprBinder<'_>, call: &ast::Call, span: Span) -> Bound<ExprId> {
    let args = {
        let mut args = vec![];
        for arg in &call.args {
            args.push(binder.expr(arg)?);
        }
        args
    };
    let Some(group) = binder.names().group() else {
        let error = Diagnostic::error(span, "GROUPING needs a GROUP BY");
        return Err(binder.report(error));
    };
    let places: Option<Vec<usize>> =
        args.iter().map(|arg| group.keys.iter().position(|key| key == arg)).collect();
    let Some(places) = places.filter(|places| !places.is_empty()) else {
        let error = Diagnostic::error(span, "the arguments of GROUPING are keys of the GROUP BY");
        return Err(binder.report(error));
    };

    let bits = |set: &BTreeSet<usize>| {
        places.iter().fold(0i64, |bits, place| bits << 1 | i64::from(!set.contains(place)))
    };
    let bigint = DataType::BigInt;
    if !group.has_sets {
        return Ok(binder.nodes().add_literal(Value::Int(0), bigint));
    }
    let values: Vec<i64> = group.sets.iter().map(bits).collect();
    let set = binder.nodes().only_input("$set", bigint.clone().not_null(), InputOrigin::Set);
    let mut branches = vec![];
    for (number, value) in values.iter().enumerate() {
        let number = binder.nodes().add_literal(Value::Int(number as i64), bigint.clone());
        let is_set = binder.nodes().add_boolean(Expr::Compare(Comparison::Equal, set, number), false);
        branches.push((is_set, binder.nodes().add_literal(Value::Int(*value), bigint.clone())));
    }
    let otherwise = binder.nodes().add_literal(Value::Int(0), bigint.clone());
    let case = Expr::Case { branches: branches.into(), otherwise };
    Ok(binder.nodes().add(case, bigint.not_null()))
}

/// Binds `TUMBLE_START(…)` and similar functions: the bounds of the window that the query groups by.
pub(super) fn window_bound(
    binder: &mut ExprBinder<'_>,
    call: &ast::Call,
    name: &str,
    span: Span,
) -> Option<Bound<ExprId>> {
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
    let args = match binder.all(&call.args) {
        Ok(args) => args,
        Err(reported) => return Some(Err(reported)),
    };
    let window = binder.names().group().and_then(|group| group.window.clone());
    let Some(window) = window.filter(|window| window.function == function && window.args == args) else {
        let error = Diagnostic::error(span, format!("the query does not group by this {function}"))
            .with_hint(format!("GROUP BY {function}(…) with the same arguments as {name}(…)"));
        return Some(Err(binder.report(error)));
    };

    let bound = DataType::Timestamp(3).not_null();
    let column_type: ColumnType = match place {
        2 => match binder.nodes().data_type(window.time) {
            DataType::TimestampLtz(_) => DataType::TimestampLtz(3).not_null(),
            _ => bound,
        },
        _ => bound,
    };
    let name = ["window_start", "window_end", "window_time"][place];
    Some(Ok(binder.nodes().only_input(name, column_type, InputOrigin::Window(place))))
}

/// Largest number of grouping sets in a query.
const MAX_SETS: usize = 256;

/// The bound GROUP BY, for functions that refer to it.
pub(crate) struct GroupContext {
    /// Distinct keys in the order of the clause.
    pub(super) keys: Vec<ExprId>,
    /// For each grouping set, indices into `keys`; without grouping sets, one set with all keys.
    pub(super) sets: Vec<BTreeSet<usize>>,
    pub(super) has_sets: bool,
    pub(super) window: Option<KeyWindow>,
}

/// A group window, used as a key.
#[derive(Clone)]
pub(super) struct KeyWindow {
    /// `TUMBLE`, `HOP` or `SESSION`.
    pub(super) function: String,
    pub(super) args: Vec<ExprId>,
    pub(super) shape: WindowShape,
    pub(super) time: ExprId,
}

/// The keys of a GROUP BY collected so far.
pub(super) struct Keys {
    pub(super) ids: Vec<ExprId>,
    /// The index of each key in `ids`.
    places: HashMap<ExprId, usize>,
    pub(super) window: Option<KeyWindow>,
}
