//! `FROM`: tables, joins, windows and collections, side by side in one scope.

use std::sync::Arc;

use types::{ColumnType, DataType, Value};

use super::scope::{OuterScope, Relation, Scope, ScopeTable};
use super::stage::{Stage, passed_on};
use super::{Binder, Bound, Cell, Column, ExprBinder};
use crate::error::{Diagnostic, Span};
use crate::expr::{Comparison, Expr, ExprGraph, ExprId};
use crate::graph::Graph;
use crate::parse::ast::{self, From, FromKind, Ident, Join, JoinConstraint, Select};
use crate::plan::operator::JoinKind;
use crate::rel::{JoinRel, Rel, TemporalRel, UnnestRel};

/// Tables side by side, over the fields of one node.
pub(super) struct Source {
    pub(super) rel: Arc<Rel>,
    merged: Vec<Column<usize>>,
    tables: Vec<SourceTable>,
}

struct SourceTable {
    qualifier: Option<String>,
    columns: Vec<Column<usize>>,
}

impl Source {
    fn of(qualifier: Option<String>, relation: Relation) -> Source {
        let tables = vec![SourceTable { qualifier, columns: relation.columns }];
        Source { rel: relation.rel, merged: vec![], tables }
    }

    /// The scope over expressions that stand for the fields.
    fn scope(&self, ids: &[ExprId]) -> Scope {
        let columns = |columns: &[Column<usize>]| {
            columns.iter().map(|column| column.map(&mut |field| ids[field])).collect::<Vec<Column>>()
        };
        Scope {
            merged: columns(&self.merged),
            tables: self
                .tables
                .iter()
                .map(|table| ScopeTable {
                    qualifier: table.qualifier.clone(),
                    columns: columns(&table.columns),
                })
                .collect(),
        }
    }

    /// All its columns as those of one relation.
    pub(super) fn relation(&self) -> Relation {
        let ids: Vec<ExprId> = (0..self.rel.fields.len() as u32).map(ExprId).collect();
        let columns = self.scope(&ids).all();
        let columns = columns.iter().map(|column| column.map(&mut |id: ExprId| id.0 as usize)).collect();
        Relation { rel: self.rel.clone(), columns, correlated: vec![] }
    }
}

impl Binder {
    pub(super) fn from_clause(
        &mut self,
        select: &Select,
        outer: Option<&OuterScope>,
    ) -> Bound<(Stage, Scope)> {
        let source = match &select.from {
            Some(from) => self.from(from, outer)?,
            // What stands alone is computed once.
            None => Source::of(None, self.values(&[vec![]], select.span)?),
        };
        let (stage, ids) = Stage::over(source.rel.clone());
        let scope = source.scope(&ids);
        Ok((stage, scope))
    }

    /// A table reference that names no table beside it.
    pub(super) fn from(&mut self, from: &From, outer: Option<&OuterScope>) -> Bound<Source> {
        let source = match &from.kind {
            // The arms that other queries stand in, before those that need room on the stack.
            FromKind::Subquery(query) | FromKind::Lateral(query) => {
                Source::of(None, self.query(query, None)?)
            }
            FromKind::Nested(inner) => self.from(inner, outer)?,
            FromKind::Join(join) => self.join(join, outer)?,
            _ => self.leaf(from, outer)?,
        };
        match &from.alias {
            Some(alias) if !matches!(from.kind, FromKind::Unnest { .. }) => self.named(source, from, alias),
            _ => Ok(source),
        }
    }

    /// A source under its alias.
    fn named(&mut self, source: Source, from: &From, alias: &Ident) -> Bound<Source> {
        let mut relation = source.relation();
        self.rename(&mut relation.columns, &from.columns, alias.span)?;
        Ok(Source::of(Some(alias.value.clone()), relation))
    }

    /// A table reference that holds no other.
    fn leaf(&mut self, from: &From, outer: Option<&OuterScope>) -> Bound<Source> {
        Ok(match &from.kind {
            FromKind::Table { name, hints, system_time } => {
                if let Some(time) = system_time {
                    let error = Diagnostic::error(time.span, "FOR SYSTEM_TIME AS OF stands in a join")
                        .with_hint("FROM a JOIN b FOR SYSTEM_TIME AS OF a.time AS b ON a.key = b.key");
                    return Err(self.report(error));
                }
                let relation = self.relation_hinted(name.last(), hints)?;
                Source::of(Some(name.last().value.clone()), relation)
            }
            FromKind::Subquery(_) | FromKind::Lateral(_) | FromKind::Join(_) | FromKind::Nested(_) => {
                self.from(from, outer)?
            }
            FromKind::Window(call) => Source::of(None, self.window(call)?),
            FromKind::Values { rows, span } => Source::of(None, self.values(rows, *span)?),
            FromKind::Unnest { expr, ordinality, span } => {
                let one = Source::of(None, self.values(&[vec![]], *span)?);
                self.unnest(one, (expr, *ordinality, *span), from, None, outer)?
            }
            FromKind::Function(function) => {
                let message = format!("there is no table function `{}`", function.function.value);
                return Err(self.report(Diagnostic::error(function.span, message)));
            }
            FromKind::Match(found) => {
                let error = Diagnostic::error(found.span, "MATCH_RECOGNIZE is not supported");
                return Err(self.report(error.with_hint("find sequences with LAG … OVER")));
            }
        })
    }

    fn join(&mut self, join: &Join, outer: Option<&OuterScope>) -> Bound<Source> {
        let left = Box::new(self.from(&join.left, outer)?);
        self.join_right(left, join, outer)
    }

    fn join_right(&mut self, left: Box<Source>, join: &Join, outer: Option<&OuterScope>) -> Bound<Source> {
        let left = *left;
        let kind = match join.kind {
            ast::JoinKind::Inner | ast::JoinKind::Cross => JoinKind::Inner,
            ast::JoinKind::Left => JoinKind::Left,
            ast::JoinKind::Right => JoinKind::Right,
            ast::JoinKind::Full => JoinKind::Full,
        };

        match &join.right.kind {
            FromKind::Unnest { expr, ordinality, span } => {
                self.unnest(left, (expr, *ordinality, *span), &join.right, Some((kind, join)), outer)
            }
            FromKind::Lateral(query) => self.lateral(left, query, kind, join),
            FromKind::Table { name, hints, system_time: Some(time) } => {
                let relation = self.relation_hinted(name.last(), hints)?;
                let qualifier = join.right.alias.as_ref().unwrap_or(name.last()).value.clone();
                self.temporal(left, (relation, qualifier), kind, time, join, outer)
            }
            _ => {
                let right = self.from(&join.right, outer)?;
                self.joined(left, right, kind, join, outer)
            }
        }
    }

    /// Both sides' tables over the fields of their join, and its condition.
    fn joined(
        &mut self,
        left: Source,
        right: Source,
        kind: JoinKind,
        join: &Join,
        outer: Option<&OuterScope>,
    ) -> Bound<Source> {
        let shared = self.shared_columns(&left, &right, &join.constraint, join.span)?;
        let (mut graph, ids) = beside(&left.rel, &right.rel);
        let both = side_by_side(&left, right);
        let mut conditions = vec![];

        if let JoinConstraint::On(on) = &join.constraint {
            let scope = both.scope(&ids);
            for condition in super::select::conjuncts(on) {
                let bound = self.over(&mut graph, &scope, outer, &[], "in ON", |binder| {
                    binder.condition(condition, "what stands in ON")
                });
                conditions.push(bound?);
            }
        }
        for (_, of_left, of_right) in &shared {
            let (a, b) = (ids[*of_left], ids[*of_right]);
            let equal = self.over(&mut graph, &Scope::default(), None, &[], "here", |binder| {
                binder.compare(Comparison::Equal, a, b, join.span)
            });
            conditions.push(equal?);
        }
        if conditions.iter().any(|id| graph.facts(*id).uses_outer) {
            let error = Diagnostic::error(join.span, "a join's condition names a column of the query around")
                .with_hint("put the condition into WHERE");
            return Err(self.report(error));
        }

        let rel = Rel::join(
            left.rel.clone(),
            both.rel.clone(),
            JoinRel { kind, exprs: graph.exprs, conditions, null_aware: None },
            join.span,
        );
        let mut source = Source { rel, ..both };
        self.merge(&mut source, &shared, kind, join.span);
        Ok(source)
    }

    /// The columns that `USING` or `NATURAL` equates: name and the fields of both sides in the join.
    fn shared_columns(
        &mut self,
        left: &Source,
        right: &Source,
        constraint: &JoinConstraint,
        span: Span,
    ) -> Bound<Vec<(String, usize, usize)>> {
        let (of_left, of_right) = (left.relation().columns, right.relation().columns);
        let names: Vec<Ident> = match constraint {
            JoinConstraint::None | JoinConstraint::On(_) => return Ok(vec![]),
            JoinConstraint::Using(names) => names.clone(),
            JoinConstraint::Natural => of_left
                .iter()
                .filter(|column| of_right.iter().any(|other| other.name == column.name))
                .map(|column| Ident { value: column.name.clone(), span })
                .collect(),
        };
        let width = left.rel.fields.len();
        let mut shared = vec![];
        for name in names {
            let field = |columns: &[Column<usize>]| {
                let mut found = columns.iter().filter(|column| column.name == name.value);
                match (found.next().map(|column| &column.cell), found.next()) {
                    (Some(Cell::Scalar(field)), None) => Some(*field),
                    _ => None,
                }
            };
            let (Some(a), Some(b)) = (field(&of_left), field(&of_right)) else {
                let message = format!("`{}` is not one scalar column on each side", name.value);
                return Err(self.report(Diagnostic::error(name.span, message)));
            };
            shared.push((name.value, a, width + b));
        }
        Ok(shared)
    }

    /// Makes one column of two that were equated.
    fn merge(&mut self, source: &mut Source, shared: &[(String, usize, usize)], kind: JoinKind, span: Span) {
        if shared.is_empty() {
            return;
        }
        let mut exprs = ExprGraph::new(source.rel.scope());
        let mut columns = passed_on(&mut exprs, &source.rel);
        for (name, left, right) in shared {
            let field = match kind {
                JoinKind::Right => *right,
                JoinKind::Full => {
                    let column_type = source.rel.fields[*left].column_type.clone();
                    let (a, b) = (columns[*left].1, columns[*right].1);
                    let there = exprs.add(Expr::IsNotNull(a), DataType::Boolean.not_null());
                    let case = Expr::Case { branches: vec![(there, a)].into(), otherwise: b };
                    columns.push((name.clone(), exprs.add(case, column_type)));
                    columns.len() - 1
                }
                _ => *left,
            };
            source.merged.push(Column { name: name.clone(), cell: Cell::Scalar(field) });
        }
        if columns.len() > source.rel.fields.len() {
            source.rel = Rel::calc(source.rel.clone(), exprs, vec![], columns, span);
        }
    }

    /// `JOIN LATERAL (query)`: a correlated query as a table.
    fn lateral(&mut self, left: Source, query: &ast::Query, kind: JoinKind, join: &Join) -> Bound<Source> {
        let (stage, ids) = Stage::over(left.rel.clone());
        let around = OuterScope { scope: left.scope(&ids), exprs: stage.graph.exprs.clone() };
        let (mut relation, empty) = self.inner_query(query, &around)?;
        if let Some(alias) = &join.right.alias {
            self.rename(&mut relation.columns, &join.right.columns, alias.span)?;
        }
        if !matches!(kind, JoinKind::Inner | JoinKind::Left) {
            let error = Diagnostic::error(join.span, "LATERAL is joined by CROSS, INNER or LEFT JOIN");
            return Err(self.report(error));
        }
        // A global aggregate has a row even where nothing was aggregated.
        let kind = if empty.is_some() { JoinKind::Left } else { kind };

        let qualifier = join.right.alias.as_ref().map(|alias| alias.value.clone());
        let width = left.rel.fields.len();
        let correlated = std::mem::take(&mut relation.correlated);
        let right = Source::of(qualifier, relation);
        let (mut graph, ids) = beside(&left.rel, &right.rel);
        let both = side_by_side(&left, right);

        let mut conditions = vec![];
        for condition in &correlated {
            let own = condition.exprs.inputs.len() - condition.outer.len();
            let place = |input: usize| {
                if input < own {
                    return width + input;
                }
                match stage.graph.exprs.expr(condition.outer[input - own]) {
                    Expr::Column(field) => *field,
                    _ => 0,
                }
            };
            conditions.push(super::stage::carry(&condition.exprs, condition.condition, &mut graph, &place));
        }
        if let JoinConstraint::On(on) = &join.constraint {
            let scope = both.scope(&ids);
            for condition in super::select::conjuncts(on) {
                let bound = self.over(&mut graph, &scope, None, &[], "in ON", |binder| {
                    binder.condition(condition, "what stands in ON")
                });
                conditions.push(bound?);
            }
        }
        let join_rel = JoinRel { kind, exprs: graph.exprs, conditions, null_aware: None };
        let rel = Rel::join(left.rel.clone(), both.rel.clone(), join_rel, join.span);
        let mut source = Source { rel, ..both };
        if let Some(value) = empty {
            self.default_column(&mut source, value, join.span);
        }
        Ok(source)
    }

    /// Puts a value where the first column of the last table is null.
    fn default_column(&mut self, source: &mut Source, value: Value, span: Span) {
        let Some(table) = source.tables.last_mut() else { return };
        let Some(Column { cell: Cell::Scalar(field), .. }) = table.columns.first_mut() else { return };
        let mut exprs = ExprGraph::new(source.rel.scope());
        let mut columns = passed_on(&mut exprs, &source.rel);
        let column_type = source.rel.fields[*field].column_type.clone();
        let not_null = ColumnType { nullable: false, ..column_type };

        let id = columns[*field].1;
        let there = exprs.add(Expr::IsNotNull(id), DataType::Boolean.not_null());
        let default = exprs.add(Expr::Literal(value), not_null.clone());
        let case = Expr::Case { branches: vec![(there, id)].into(), otherwise: default };
        columns.push(("$default".to_owned(), exprs.add(case, not_null)));
        *field = columns.len() - 1;
        source.rel = Rel::calc(source.rel.clone(), exprs, vec![], columns, span);
    }

    /// `JOIN table FOR SYSTEM_TIME AS OF time`.
    fn temporal(
        &mut self,
        left: Source,
        (relation, qualifier): (Relation, String),
        kind: JoinKind,
        time: &ast::Expr,
        join: &Join,
        outer: Option<&OuterScope>,
    ) -> Bound<Source> {
        if !matches!(kind, JoinKind::Inner | JoinKind::Left) {
            let error = Diagnostic::error(join.span, "FOR SYSTEM_TIME AS OF is joined by INNER or LEFT JOIN");
            return Err(self.report(error));
        }
        let (mut stage, ids) = Stage::over(left.rel.clone());
        let scope = left.scope(&ids);
        let id = self.over(&mut stage.graph, &scope, outer, &[], "here", |binder| binder.bind(time))?;
        let Expr::Column(field) = stage.graph.exprs.expr(id) else {
            let error = Diagnostic::error(
                time.span,
                "the time of FOR SYSTEM_TIME AS OF is a column of the left table",
            )
            .with_hint("its event time, or a column that is PROCTIME()");
            return Err(self.report(error));
        };
        let field = *field;
        if left.rel.fields[field].time.is_none() {
            let error = Diagnostic::error(time.span, "this column is no event time and no processing time")
                .with_hint("a table's event time is the column of its WATERMARK");
            return Err(self.report(error));
        }

        let right = Source::of(Some(qualifier), relation);
        let (mut graph, ids) = beside(&left.rel, &right.rel);
        let both = side_by_side(&left, right);
        let mut conditions = vec![];
        if let JoinConstraint::On(on) = &join.constraint {
            let scope = both.scope(&ids);
            for condition in super::select::conjuncts(on) {
                let bound = self.over(&mut graph, &scope, outer, &[], "in ON", |binder| {
                    binder.condition(condition, "what stands in ON")
                });
                conditions.push(bound?);
            }
        }
        let temporal = TemporalRel { kind, time: field, exprs: graph.exprs, conditions };
        let rel = Rel::temporal(left.rel.clone(), both.rel.clone(), temporal, join.span);
        Ok(Source { rel, ..both })
    }

    /// `CROSS JOIN UNNEST(collection)`.
    fn unnest(
        &mut self,
        left: Source,
        (expr, ordinality, span): (&ast::Expr, bool, Span),
        from: &From,
        join: Option<(JoinKind, &Join)>,
        outer: Option<&OuterScope>,
    ) -> Bound<Source> {
        let (mut stage, ids) = Stage::over(left.rel.clone());
        let scope = left.scope(&ids);
        let id = self.over(&mut stage.graph, &scope, outer, &[], "here", |binder| binder.bind(expr))?;
        let collection_type = stage.graph.exprs.column_type(id).clone();
        let (elements, spreads_row) = match &collection_type.data_type {
            DataType::Array(element) | DataType::Multiset(element) => match &element.data_type {
                DataType::Row(fields) => {
                    let fields = fields.iter().map(|field| {
                        let nullable = field.column_type.nullable || element.nullable;
                        (field.name.clone(), ColumnType { nullable, ..field.column_type.clone() })
                    });
                    (fields.collect::<Vec<_>>(), true)
                }
                _ => (vec![("EXPR$0".to_owned(), ColumnType::clone(element))], false),
            },
            DataType::Map(key, value) => {
                let columns = vec![
                    ("KEY".to_owned(), ColumnType::clone(key)),
                    ("VALUE".to_owned(), ColumnType::clone(value)),
                ];
                (columns, false)
            }
            other => {
                let error = Diagnostic::error(expr.span, "UNNEST takes an ARRAY, a MAP or a MULTISET")
                    .with_detail(format!("this is {other}"));
                return Err(self.report(error));
            }
        };
        let mut elements = elements;
        if ordinality {
            elements.push(("ORDINALITY".to_owned(), DataType::Int.not_null()));
        }
        let kind = join.map_or(JoinKind::Inner, |(kind, _)| kind);
        if !matches!(kind, JoinKind::Inner | JoinKind::Left) {
            let error = Diagnostic::error(span, "UNNEST is joined by CROSS, INNER or LEFT JOIN");
            return Err(self.report(error));
        }

        let collection = stage.fields_of(&[id], span)[0];
        let width = stage.rel.fields.len();
        let place = |at: usize| width + at;
        let mut columns: Vec<Column<usize>> = elements
            .iter()
            .enumerate()
            .map(|(at, (name, _))| Column { name: name.clone(), cell: Cell::Scalar(place(at)) })
            .collect();
        if let Some(alias) = &from.alias {
            self.rename(&mut columns, &from.columns, alias.span)?;
        }

        // Conditions are bound over the fields of the node, which has none yet: first without, then with.
        let outer_join = kind == JoinKind::Left;
        let unnest = UnnestRel {
            collection,
            spreads_row,
            ordinality,
            outer: outer_join,
            exprs: ExprGraph::default(),
            conditions: vec![],
        };
        let rel = Rel::unnest(stage.rel.clone(), unnest.clone(), elements.clone(), span);
        let mut tables: Vec<SourceTable> = left.tables;
        let qualifier = from.alias.as_ref().map(|alias| alias.value.clone());
        tables.push(SourceTable { qualifier, columns });
        let mut source = Source { rel, merged: left.merged, tables };

        if let Some((_, Join { constraint: JoinConstraint::On(on), .. })) = join {
            let (mut graph, ids) = Graph::over(source.rel.scope());
            let scope = source.scope(&ids);
            let mut conditions = vec![];
            for condition in super::select::conjuncts(on) {
                let bound = self.over(&mut graph, &scope, outer, &[], "in ON", |binder| {
                    binder.condition(condition, "what stands in ON")
                });
                conditions.push(bound?);
            }
            let unnest = UnnestRel { exprs: graph.exprs, conditions, ..unnest };
            source.rel = Rel::unnest(stage.rel.clone(), unnest, elements, span);
        }
        Ok(source)
    }
}

/// A graph over the fields of two nodes side by side.
fn beside(left: &Rel, right: &Rel) -> (Graph, Vec<ExprId>) {
    let mut scope = left.scope();
    scope.extend(right.scope());
    Graph::over(scope)
}

/// The tables of both sides; `rel` is that of the right side, until they are joined.
fn side_by_side(left: &Source, right: Source) -> Source {
    let width = left.rel.fields.len();
    let shifted = |columns: &[Column<usize>]| {
        columns.iter().map(|column| column.map(&mut |field| width + field)).collect::<Vec<_>>()
    };
    let same = |columns: &[Column<usize>]| columns.to_vec();
    let mut tables: Vec<SourceTable> = left
        .tables
        .iter()
        .map(|table| SourceTable { qualifier: table.qualifier.clone(), columns: same(&table.columns) })
        .collect();
    tables.extend(
        right.tables.iter().map(|table| SourceTable {
            qualifier: table.qualifier.clone(),
            columns: shifted(&table.columns),
        }),
    );
    let mut merged = same(&left.merged);
    merged.extend(shifted(&right.merged));
    Source { rel: right.rel, merged, tables }
}

impl<'a> ExprBinder<'a> {
    /// A binder in which no calls have a place.
    pub(crate) fn plain(
        graph: &'a mut Graph,
        scope: &'a Scope,
        time_zone: &'a jiff::tz::TimeZone,
        diagnostics: &'a mut Vec<Diagnostic>,
    ) -> ExprBinder<'a> {
        ExprBinder {
            graph,
            scope,
            outer: None,
            aliases: &[],
            time_zone,
            diagnostics,
            aggregates: None,
            overs: None,
            values: None,
            group: None,
            windows: &[],
            queries: &[],
            clause: "here",
            uses: vec![],
        }
    }
}
