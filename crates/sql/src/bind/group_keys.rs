//! The keys of a `GROUP BY`: expressions, grouping sets and group windows.
//!
//! Each grouping set is a set of indices into the distinct keys; without grouping sets there is one set with all
//! keys:
//!
//! ```text
//! GROUP BY a, ROLLUP (b, a)        keys a, b        sets {a, b}, {a, b}, {a}
//! ```

use std::collections::{BTreeSet, HashMap};

use types::{DataType, Interval, Value};

use super::expression::Clause;
use super::resolve::Scope;
use super::scope::OuterScope;
use super::select::SelectParts;
use super::stage::Stage;
use super::{Bound, QueryBinder, Reported};
use crate::error::Diagnostic;
use crate::expr::{Expr, ExprId};
use crate::parse::ast::{self, ExprKind, GroupBy, GroupItem};
use crate::plan::Window;
use crate::rel::WindowShape;

/// Largest number of grouping sets in a query.
const MAX_SETS: usize = 256;

/// The bound GROUP BY.
pub(super) struct GroupContext {
    /// Distinct keys in the order of the clause, then the hidden ones.
    keys: Vec<ExprId>,
    sets: Vec<BTreeSet<usize>>,
    has_sets: bool,
    window: Option<KeyWindow>,
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

impl GroupContext {
    /// Binds the GROUP BY of a SELECT, which may have none, over its rows.
    pub(super) fn bind(
        queries: &mut QueryBinder<'_>,
        parts: SelectParts<'_>,
        stage: &mut Stage,
    ) -> Bound<GroupContext> {
        let Some(group_by) = &parts.syntax.group_by else {
            return Ok(GroupContext {
                keys: vec![],
                sets: vec![BTreeSet::new()],
                has_sets: false,
                window: None,
            });
        };
        let SelectParts { scope, outer, .. } = parts;
        let keys =
            KeyBinder { queries, stage, scope, outer, ids: vec![], places: HashMap::new(), window: None };
        keys.bind(group_by)
    }

    /// Returns the distinct keys, the hidden ones last.
    pub(super) fn keys(&self) -> &[ExprId] {
        &self.keys
    }

    pub(super) fn window(&self) -> Option<&KeyWindow> {
        self.window.as_ref()
    }

    pub(super) fn has_sets(&self) -> bool {
        self.has_sets
    }

    /// Returns whether all rows are one group.
    pub(super) fn is_global(&self) -> bool {
        self.keys.is_empty() && self.window.is_none() && !self.has_sets
    }

    /// Returns the indices of the keys of each grouping set; `None` without grouping sets.
    pub(super) fn sets(&self) -> Option<Vec<Vec<usize>>> {
        self.has_sets.then(|| self.sets.iter().map(|set| set.iter().copied().collect()).collect())
    }

    /// Returns the value of `GROUPING` for each grouping set: one bit for each argument, the first one highest,
    /// that is 1 if the set lacks the argument. `None` if an argument is no key.
    pub(super) fn grouping(&self, args: &[ExprId]) -> Option<Vec<i64>> {
        let places = args.iter().map(|arg| self.keys.iter().position(|key| key == arg));
        let places = places.collect::<Option<Vec<usize>>>().filter(|places| !places.is_empty())?;
        let bits = |set: &BTreeSet<usize>| {
            places.iter().fold(0i64, |bits, place| bits << 1 | i64::from(!set.contains(place)))
        };
        Some(self.sets.iter().map(bits).collect())
    }

    /// Splits the groups by keys that no set of the clause names. Returns whether any of them is new.
    pub(super) fn add_hidden(&mut self, ids: Vec<ExprId>) -> bool {
        let visible = self.keys.len();
        for id in ids {
            if !self.keys.contains(&id) {
                self.keys.push(id);
            }
        }
        let hidden = visible..self.keys.len();
        self.sets.iter_mut().for_each(|set| set.extend(hidden.clone()));
        !hidden.is_empty()
    }
}

/// Binds the items of a GROUP BY, and collects their keys.
struct KeyBinder<'s, 'a> {
    queries: &'s mut QueryBinder<'a>,
    stage: &'s mut Stage,
    scope: &'s Scope,
    outer: Option<&'s OuterScope>,
    /// The distinct keys so far.
    ids: Vec<ExprId>,
    /// The index of each key in `ids`.
    places: HashMap<ExprId, usize>,
    window: Option<KeyWindow>,
}

impl KeyBinder<'_, '_> {
    fn bind(mut self, group_by: &GroupBy) -> Bound<GroupContext> {
        // Grouping items multiply: GROUP BY a, ROLLUP(b, c) is (a, b, c), (a, b), (a).
        let mut sets: Vec<BTreeSet<usize>> = vec![BTreeSet::new()];
        let mut has_sets = false;

        for item in &group_by.items {
            has_sets |= !matches!(item, GroupItem::Expr(_) | GroupItem::Tuple { .. });
            let of_item = self.sets_of(item)?;
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
                return Err(self.queries.report(error.with_hint("write several INSERTs")));
            }
        }

        if has_sets && self.window.is_some() {
            let error =
                Diagnostic::error(group_by.span, "grouping sets cannot be combined with a group window")
                    .with_hint("use the table function: FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(time), …))");
            return Err(self.queries.report(error));
        }

        Ok(GroupContext { keys: self.ids, sets, has_sets, window: self.window })
    }

    /// Returns the sets of an item, as indices of keys.
    fn sets_of(&mut self, item: &GroupItem) -> Bound<Vec<BTreeSet<usize>>> {
        match item {
            GroupItem::Expr(expr) => Ok(vec![self.key_set(std::slice::from_ref(expr))?]),
            GroupItem::Tuple { exprs, .. } => Ok(vec![self.key_set(exprs)?]),
            GroupItem::Sets { sets, .. } => {
                let mut all = vec![];
                for set in sets {
                    all.extend(self.sets_of(set)?);
                }
                Ok(all)
            }

            GroupItem::Rollup { elements, .. } => {
                let mut all = vec![BTreeSet::new()];
                for element in elements {
                    let set = self.key_set(element)?;
                    let longest: BTreeSet<usize> = all[0].union(&set).copied().collect();
                    all.insert(0, longest);
                }
                Ok(all)
            }

            GroupItem::Cube { elements, .. } => {
                let mut all = vec![BTreeSet::new()];
                for element in elements {
                    let set = self.key_set(element)?;
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

    /// Returns the indices of the keys; new ones are added.
    fn key_set(&mut self, exprs: &[ast::Expr]) -> Bound<BTreeSet<usize>> {
        let mut set = BTreeSet::new();
        for expr in exprs {
            if let Some(window) = self.key_window(expr)? {
                if self.window.replace(window).is_some() {
                    let error = Diagnostic::error(expr.span, "a query groups by one window");
                    return Err(self.queries.report(error));
                }
                continue;
            }

            let clause = Clause { outer: self.outer, ..Clause::new(self.scope, "in GROUP BY") };
            let id = self.queries.exprs(self.stage.graph_mut(), clause, |exprs| exprs.bind(expr))?;
            if let ExprKind::Literal { .. } = expr.kind {
                let error = Diagnostic::error(expr.span, "a literal in GROUP BY is not a column's number")
                    .with_hint("name the column or repeat its expression");
                return Err(self.queries.report(error));
            }
            if self.stage.graph().facts(id).uses_outer {
                let error = Diagnostic::error(expr.span, "GROUP BY reads a column of the enclosing query")
                    .with_hint("leave it out: it has one value for all rows of this query");
                return Err(self.queries.report(error));
            }

            let place = *self.places.entry(id).or_insert_with(|| {
                self.ids.push(id);
                self.ids.len() - 1
            });
            set.insert(place);
        }
        Ok(set)
    }

    /// Binds `TUMBLE(time, size)`, `HOP(time, slide, size)` or `SESSION(time, gap)` as a key.
    fn key_window(&mut self, expr: &ast::Expr) -> Bound<Option<KeyWindow>> {
        let ExprKind::Call(call) = &expr.kind else { return Ok(None) };
        let function = call.name.value.to_ascii_uppercase();
        let lengths = match function.as_str() {
            "TUMBLE" | "SESSION" => 1,
            "HOP" => 2,
            _ => return Ok(None),
        };

        let clause = Clause { outer: self.outer, ..Clause::new(self.scope, "in GROUP BY") };
        let args: Vec<ExprId> =
            self.queries.exprs(self.stage.graph_mut(), clause, |exprs| exprs.all(&call.args))?;

        let exprs = &self.stage.graph().exprs;
        let intervals: Option<Vec<Interval>> = args
            .iter()
            .skip(1)
            .map(|id| match exprs.expr(*id) {
                Expr::Literal(Value::Int(ms))
                    if exprs.column_type(*id).data_type == DataType::IntervalDayTime && *ms > 0 =>
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
            return Err(self.queries.report(error));
        };

        let offset = Interval::ZERO;
        let shape = match (function.as_str(), intervals.as_slice()) {
            ("HOP", [slide, size]) => WindowShape::Sliced(Window::Hop { size: *size, slide: *slide, offset }),
            ("SESSION", [gap]) => WindowShape::Session { gap: *gap },
            (_, [size, ..]) => WindowShape::Sliced(Window::Tumble { size: *size, offset }),
            _ => return Err(Reported),
        };
        Ok(Some(KeyWindow { function, args, shape, time }))
    }
}
