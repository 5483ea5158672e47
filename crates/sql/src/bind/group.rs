//! `GROUP BY window_start, window_end, …`: what is computed from rows, and what from the groups' results.
//!
//! Every expression is bound over the rows first, aggregate calls standing as inputs. Lifting then rebuilds it over the
//! group's results: a key becomes the key's column, a call its result, and a column of the rows that is neither is the
//! error "not grouped".

use std::collections::HashMap;

use types::ColumnType;

use super::scope::{Column, Group, Relation, Stage};
use super::select::conjuncts;
use super::{Binder, Bound, Cell, Reported};
use crate::error::{Diagnostic, Span};
use crate::expr::{Expr, ExprId};
use crate::graph::{Graph, Origin, map_operands};
use crate::parse::ast::{self, ExprKind, Ident, Select, SelectItem};
use crate::plan::{Aggregate, AggregateFunction, Window};

/// A select item, bound over rows.
struct Item {
    name: String,
    id: ExprId,
    uses: Vec<(ExprId, Ident)>,
    span: Span,
}

impl Binder {
    pub(super) fn group(
        &mut self,
        select: &Select,
        mut base: Relation,
        qualifier: Option<&str>,
    ) -> Bound<Relation> {
        let grouped_at = select.group_by.as_ref().map_or(select.span, |group_by| group_by.span);
        let Stage::Windowed { window, conditions } = base.stage.clone() else {
            return Err(self.refuse_grouping(&base, grouped_at));
        };
        let Some(group_by) = &select.group_by else {
            let error =
                Diagnostic::error(select.items_span(), "GROUP BY window_start, window_end is missing")
                    .with_hint(
                        "each window gives rows of its own: GROUP BY window_start, window_end, and the keys",
                    );
            return Err(self.report(error));
        };
        let keys = self.keys(group_by, &mut base, qualifier)?;
        let mut aggregates = vec![];
        let items = self.items(select, &mut base, qualifier, &mut aggregates);
        let having = self.having(select, &mut base, qualifier, &mut aggregates);
        let (items, having) = (items?, having?);
        self.mergeable(&aggregates, window, select)?;

        let rows = &self.catalog.tables[base.source].graph;
        let mut lift = Lift::new(rows, &keys, &aggregates);
        let mut columns = vec![];
        let mut failed = false;
        let mut lifted_having = vec![];
        for condition in conditions {
            lifted_having
                .push(lift.lift(condition).expect("a condition on the window's columns has no other inputs"));
        }
        for item in items {
            match lift.lift(item.id) {
                Ok(id) => columns.push(Column { name: item.name, cell: Cell::Scalar(id) }),
                Err(leaf) => {
                    failed = true;
                    self.diagnostics.push(not_grouped(rows, leaf, &item));
                }
            }
        }
        for item in having {
            match lift.lift(item.id) {
                Ok(id) => lifted_having.push(id),
                Err(leaf) => {
                    failed = true;
                    self.diagnostics.push(not_grouped(rows, leaf, &item));
                }
            }
        }
        if failed {
            return Err(Reported);
        }
        let output = lift.into_output();
        let group = Group { window, keys, aggregates, output, having: lifted_having };
        Ok(Relation {
            source: base.source,
            columns,
            filters: base.filters,
            stage: Stage::Grouped(Box::new(group)),
        })
    }

    /// The keys besides the window: expressions over rows, in order, each once.
    fn keys(
        &mut self,
        group_by: &ast::GroupBy,
        base: &mut Relation,
        qualifier: Option<&str>,
    ) -> Bound<Vec<ExprId>> {
        let clause = "in GROUP BY";
        let mut items = vec![];
        group_by.items.iter().for_each(|item| item.add_exprs(&mut items));
        let bound: Vec<Bound<ExprId>> = items
            .iter()
            .map(|item| self.over(base, qualifier, None, clause, |binder| binder.bind(item)))
            .collect();
        let ids = bound.into_iter().collect::<Bound<Vec<_>>>()?;
        let table = &self.catalog.tables[base.source];
        let [start, end, _] = table.window_columns.expect("a windowed table has window columns");
        let mut missing = vec![];
        for (column, name) in [(start, "window_start"), (end, "window_end")] {
            if !ids.contains(&column) {
                missing.push(name);
            }
        }
        if !missing.is_empty() {
            let error = Diagnostic::error(group_by.span, format!("GROUP BY lacks {}", missing.join(" and ")))
                .with_hint(
                    "without both, groups would be updated for ever: GROUP BY window_start, window_end, …",
                );
            return Err(self.report(error));
        }
        let mut keys = vec![];
        let mut bound = Ok(());
        for (item, id) in items.iter().zip(ids) {
            let facts = table.graph.facts(id);
            if facts.uses_row && facts.uses_window {
                let error = Diagnostic::error(item.span, "a key made of a window's column and a row's")
                    .with_hint("group by each of them, and compute from them in SELECT");
                self.diagnostics.push(error);
                bound = Err(Reported);
            } else if facts.uses_row && !keys.contains(&id) {
                keys.push(id);
            } else if let ExprKind::Literal { .. } = item.kind {
                let error = Diagnostic::error(item.span, "a literal in GROUP BY is not a column's number")
                    .with_hint("name the column or repeat its expression");
                self.diagnostics.push(error);
                bound = Err(Reported);
            }
        }
        bound.map(|()| keys)
    }

    fn items(
        &mut self,
        select: &Select,
        base: &mut Relation,
        qualifier: Option<&str>,
        aggregates: &mut Vec<Aggregate>,
    ) -> Bound<Vec<Item>> {
        let mut items = vec![];
        for (at, item) in select.items.iter().enumerate() {
            let bound = self.over(base, qualifier, Some(aggregates), "here", |binder| {
                let columns = binder.item(at, item)?;
                Ok((columns, std::mem::take(&mut binder.uses)))
            });
            items.push(bound.and_then(|(columns, uses)| self.scalars(columns, uses, item)));
        }
        Ok(items.into_iter().collect::<Bound<Vec<_>>>()?.into_iter().flatten().collect())
    }

    fn scalars(
        &mut self,
        columns: Vec<Column>,
        uses: Vec<(ExprId, Ident)>,
        item: &SelectItem,
    ) -> Bound<Vec<Item>> {
        let span = item.span();
        let mut items = vec![];
        for column in columns {
            match column.cell {
                Cell::Scalar(id) => items.push(Item { name: column.name, id, uses: uses.clone(), span }),
                Cell::Row(_) | Cell::Unreadable(_) | Cell::Map { .. } => {
                    let error = Diagnostic::error(span, format!("`{}` is not a grouped value", column.name));
                    return Err(self.report(error.with_hint("name the keys and aggregates one by one")));
                }
            }
        }
        Ok(items)
    }

    fn having(
        &mut self,
        select: &Select,
        base: &mut Relation,
        qualifier: Option<&str>,
        aggregates: &mut Vec<Aggregate>,
    ) -> Bound<Vec<Item>> {
        let conditions = select.having.as_ref().map(conjuncts).unwrap_or_default();
        let mut items = vec![];
        for condition in conditions {
            items.push(self.over(base, qualifier, Some(aggregates), "here", |binder| {
                let id = binder.condition(condition, "what stands in HAVING")?;
                let uses = std::mem::take(&mut binder.uses);
                Ok(Item { name: String::new(), id, uses, span: condition.span })
            }));
        }
        items.into_iter().collect()
    }

    /// First and last values have no order across the overlapping pieces of such windows; Flink refuses them too.
    fn mergeable(&mut self, aggregates: &[Aggregate], window: Window, select: &Select) -> Bound<()> {
        let ordered = aggregates
            .iter()
            .find(|a| matches!(a.function, AggregateFunction::FirstValue | AggregateFunction::LastValue));
        match (ordered, window) {
            (None, _) | (_, Window::Tumble { .. }) => Ok(()),
            (Some(aggregate), _) => {
                let window = super::window_name(window);
                let error = Diagnostic::error(
                    select.items_span(),
                    format!("{} in a {window} window", aggregate.name),
                )
                .with_hint("FIRST_VALUE and LAST_VALUE work in TUMBLE windows; MIN and MAX in all");
                Err(self.report(error))
            }
        }
    }
}

fn not_grouped(rows: &Graph, leaf: ExprId, item: &Item) -> Diagnostic {
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

    let (name, span) = match item.uses.iter().find(|(id, _)| contains(*id)) {
        Some((_, ident)) => (ident.value.clone(), ident.span),
        None => (item.name.clone(), item.span),
    };

    Diagnostic::error(span, format!("`{name}` is not grouped: it may differ from row to row of a group"))
        .with_hint("add it to GROUP BY, or aggregate it: MAX, FIRST_VALUE, COUNT(DISTINCT …)")
}

/// Rebuilds expressions over rows as expressions over a group's results.
struct Lift<'a> {
    rows: &'a Graph,
    output: Graph,
    done: HashMap<ExprId, ExprId>,
    calls: usize,
    keys: usize,
}

impl<'a> Lift<'a> {
    fn new(rows: &'a Graph, keys: &[ExprId], aggregates: &[Aggregate]) -> Lift<'a> {
        let mut lift = Lift {
            rows,
            output: Graph::default(),
            done: HashMap::new(),
            calls: aggregates.len(),
            keys: keys.len(),
        };

        for key in keys {
            let name = crate::explain::expression(&rows.exprs, *key);
            let id = lift.output.add_input(name, rows.exprs.column_type(*key).clone(), Origin::Row);
            lift.done.insert(*key, id);
        }

        for aggregate in aggregates {
            lift.output.add_input(aggregate.name.clone(), aggregate.column_type.clone(), Origin::Row);
        }
        for input in rows.window_inputs() {
            let column = &rows.exprs.inputs[input];
            lift.output.add_input(column.name.clone(), column.column_type.clone(), Origin::Row);
        }

        lift
    }

    /// # Errors
    /// The column of the rows that is neither a key nor aggregated.
    fn lift(&mut self, id: ExprId) -> Result<ExprId, ExprId> {
        if let Some(done) = self.done.get(&id) {
            return Ok(*done);
        }
        let rows = self.rows;
        let column_type: ColumnType = rows.exprs.column_type(id).clone();

        let lifted = match rows.exprs.expr(id) {
            Expr::Column(input) => {
                let place = match rows.origin(*input) {
                    Origin::Row => return Err(id),
                    Origin::Aggregate(call) => self.keys + call,
                    Origin::Window => {
                        let which = rows.window_inputs().position(|window| window == *input).ok_or(id)?;
                        self.keys + self.calls + which
                    }
                };
                self.output.add(Expr::Column(place), column_type)
            }
            other => {
                let expr = map_operands(other, |operand| self.lift(operand))?;
                self.output.add(expr, column_type)
            }
        };

        self.done.insert(id, lifted);
        Ok(lifted)
    }

    fn into_output(self) -> Graph {
        self.output
    }
}
