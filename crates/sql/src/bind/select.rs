//! `SELECT`: from a relation to a relation.

use super::scope::{Column, Relation, Stage};
use super::{Binder, Bound, Cell, ExprBinder, Reported, unsupported, window_name};
use crate::error::{Diagnostic, Span};
use crate::expr::ExprId;
use crate::graph::Graph;
use crate::parse::ast::{Expr, ExprKind, From, FromKind, Query, QueryBody, Select, SelectItem};
use crate::plan::Aggregate;

impl Binder {
    pub(super) fn query(&mut self, query: &Query) -> Bound<Relation> {
        let outer = self.locals.len();
        for local in &query.with {
            let relation = self.view(&local.query, &local.columns, local.name.span).ok();
            self.locals.push((local.name.value.clone(), relation));
        }
        let bound = match &query.body {
            QueryBody::Select(select) => self.select(select),
            QueryBody::Values { rows, .. } => self.values(rows),
            QueryBody::Nested(query) => self.query(query),
            QueryBody::SetOperation(operation) => {
                Err(self.report(unsupported::anything_else(operation.operator_span)))
            }
        };
        self.locals.truncate(outer);
        bound
    }

    fn select(&mut self, select: &Select) -> Bound<Relation> {
        self.select_hints(&select.hints)?;
        let (mut base, qualifier) = match &select.from {
            Some(from) => self.from(from)?,
            // A query without FROM reads one row without columns.
            None => (self.values(&[vec![]])?, None),
        };
        if let Some(filter) = &select.filter {
            // A wrong condition has been reported; what is selected is looked at all the same.
            let _ = self.filter(&mut base, qualifier.as_deref(), filter);
        }
        if is_aggregating(select) {
            self.group(select, base, qualifier.as_deref())
        } else {
            self.project(select, base, qualifier.as_deref())
        }
    }

    /// The relation, and the name by which its columns may be qualified.
    pub(super) fn from(&mut self, from: &From) -> Bound<(Relation, Option<String>)> {
        let (mut relation, mut qualifier) = match &from.kind {
            FromKind::Table { name, hints, .. } => {
                let relation = self.relation_hinted(name.last(), hints)?;
                (relation, Some(name.last().value.clone()))
            }
            FromKind::Subquery(query) => (self.query(query)?, None),
            FromKind::Window(call) => (self.window(call)?, None),
            FromKind::Values { rows, .. } => (self.values(rows)?, None),
            FromKind::Nested(from) => self.from(from)?,
            FromKind::Lateral(_)
            | FromKind::Unnest { .. }
            | FromKind::Function(_)
            | FromKind::Join(_)
            | FromKind::Match(_) => return Err(self.report(unsupported::anything_else(from.span))),
        };
        if let Some(alias) = &from.alias {
            qualifier = Some(alias.value.clone());
            self.rename(&mut relation, &from.columns, alias.span)?;
        }
        Ok((relation, qualifier))
    }

    /// Binds something over a relation's columns: in the source's graph, or in the group's own.
    pub(super) fn over<T>(
        &mut self,
        relation: &mut Relation,
        qualifier: Option<&str>,
        aggregates: Option<&mut Vec<Aggregate>>,
        clause: &str,
        bind: impl FnOnce(&mut ExprBinder<'_>) -> T,
    ) -> T {
        let graph: &mut Graph = match &mut relation.stage {
            Stage::Grouped(group) => &mut group.output,
            Stage::Rows | Stage::Windowed { .. } => &mut self.catalog.tables[relation.source].graph,
        };

        let mut binder = ExprBinder {
            graph,
            columns: &relation.columns,
            qualifier,
            time_zone: &self.time_zone,
            diagnostics: &mut self.diagnostics,
            aggregates,
            clause,
            uses: vec![],
        };

        bind(&mut binder)
    }

    /// `WHERE`, conjunct by conjunct, each to where it is decided.
    fn filter(&mut self, relation: &mut Relation, qualifier: Option<&str>, filter: &Expr) -> Bound<()> {
        let mut bound = Ok(());
        for condition in conjuncts(filter) {
            let clause = "in WHERE: put it into HAVING";
            let id = self.over(relation, qualifier, None, clause, |binder| {
                binder.condition(condition, "what stands in WHERE")
            });
            bound = bound.and(id.and_then(|id| self.place(relation, id, condition.span)));
        }
        bound
    }

    fn place(&mut self, relation: &mut Relation, id: ExprId, span: Span) -> Bound<()> {
        match &mut relation.stage {
            Stage::Grouped(group) => group.having.push(id),
            Stage::Rows => relation.filters.push(id),
            Stage::Windowed { conditions, .. } => {
                let facts = self.catalog.tables[relation.source].graph.facts(id);
                if facts.uses_window && facts.uses_row {
                    let error =
                        Diagnostic::error(span, "a condition on a window's column together with a row's")
                            .with_hint("separate them with AND, each on the one or on the other");
                    return Err(self.report(error));
                }
                if facts.uses_window {
                    conditions.push(id);
                } else {
                    relation.filters.push(id);
                }
            }
        }
        Ok(())
    }

    /// `SELECT` without aggregation.
    fn project(&mut self, select: &Select, mut base: Relation, qualifier: Option<&str>) -> Bound<Relation> {
        let columns = self.over(&mut base, qualifier, None, "here", |binder| {
            let items: Vec<Bound<Vec<Column>>> =
                select.items.iter().enumerate().map(|(at, item)| binder.item(at, item)).collect();
            items.into_iter().collect::<Bound<Vec<_>>>()
        })?;
        base.columns = columns.into_iter().flatten().collect();
        Ok(base)
    }

    /// Rows can only be aggregated in a window, and groups not once more.
    pub(super) fn refuse_grouping(&mut self, relation: &Relation, span: Span) -> Reported {
        let table = self.catalog.tables[relation.source].name.clone();
        let error = match &relation.stage {
            Stage::Grouped(group) => {
                let window = window_name(group.window);
                Diagnostic::error(span, "an aggregate of an aggregate is not supported")
                    .with_detail(format!("FROM is grouped by a {window} window already"))
                    .with_hint("aggregate the rows in one query, in the larger window")
            }
            Stage::Rows | Stage::Windowed { .. } => {
                Diagnostic::error(span, "an aggregate without a window would be updated with every row")
                    .with_hint(format!(
                        "aggregate in a window: FROM TABLE(TUMBLE(TABLE {table}, DESCRIPTOR(time), INTERVAL '1' MINUTE)) \
                         GROUP BY window_start, window_end"
                    ))
            }
        };
        self.report(error)
    }
}

impl ExprBinder<'_> {
    /// The columns of a select item: one, or those of a `*`.
    pub(super) fn item(&mut self, at: usize, item: &SelectItem) -> Bound<Vec<Column>> {
        match item {
            SelectItem::Star { qualifier: None, .. } => Ok(self.columns.to_vec()),
            SelectItem::Star { qualifier: Some(name), span } => {
                if self.qualifier == Some(name.value.as_str()) {
                    return Ok(self.columns.to_vec());
                }
                match self.columns.iter().find(|column| column.name == name.value).map(|column| &column.cell)
                {
                    Some(Cell::Row(fields)) => Ok(fields.clone()),
                    _ => {
                        let error = Diagnostic::error(*span, format!("there is no `{}` in FROM", name.value));
                        Err(self.report(error))
                    }
                }
            }
            SelectItem::Expr { expr, alias } => {
                let name = match (alias, &expr.kind) {
                    (Some(alias), _) => alias.value.clone(),
                    (None, ExprKind::Name(path)) => {
                        path.last().map(|last| last.value.clone()).unwrap_or_default()
                    }
                    (None, _) => format!("EXPR${at}"),
                };
                // A ROW, MAP or ARRAY may pass through a view whole; only where a value is needed it may not.
                if let ExprKind::Name(path) = &expr.kind
                    && let super::scope::Found::Cell(
                        cell @ (Cell::Row(_) | Cell::Map { .. } | Cell::Unreadable(_)),
                    ) = self.find(path)
                {
                    return Ok(vec![Column { name, cell: cell.clone() }]);
                }
                let id = self.bind(expr)?;
                Ok(vec![Column { name, cell: Cell::Scalar(id) }])
            }
        }
    }
}

/// The conditions that an `AND` joins.
pub(super) fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::All(items) => items.iter().flat_map(conjuncts).collect(),
        _ => vec![expr],
    }
}

fn is_aggregating(select: &Select) -> bool {
    let items = select.items.iter().any(|item| match item {
        SelectItem::Expr { expr, .. } => has_aggregate(expr),
        SelectItem::Star { .. } => false,
    });
    items || select.group_by.is_some() || select.having.is_some()
}

fn has_aggregate(expr: &Expr) -> bool {
    let own = match &expr.kind {
        ExprKind::Call(call) => super::aggregate::is_aggregate(&call.name.value.to_ascii_uppercase()),
        _ => false,
    };
    own || expr.kind.children().into_iter().any(has_aggregate)
}
