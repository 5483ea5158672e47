//! `FROM`: binds tables, joins, windows and collections into one scope.

use super::compare::compare;
use super::expression::Clause;
use super::resolve::{Scope, ScopeTable};
use super::scope::{OuterScope, Relation};
use super::stage::Stage;
use super::{Binder, Bound, Cell, Column};
use crate::error::{Diagnostic, Span};
use crate::expr::{Comparison, Expr, ExprGraph, ExprId};
use crate::graph::Graph;
use crate::parse::ast::{self, From, FromKind, Ident, Join, JoinConstraint, Joined, Select};
use crate::plan::operator::JoinKind;
use crate::rel::{JoinRel, Rel};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use types::DataType;

/// Tables side by side over the fields of one node.
pub(super) struct Source {
    pub(super) rel: Arc<Rel>,
    pub(super) merged: Vec<Column<usize>>,
    pub(super) tables: Vec<SourceTable>,
}

pub(super) struct SourceTable {
    pub(super) qualifier: Option<String>,
    pub(super) columns: Vec<Column<usize>>,
}

impl Source {
    pub(super) fn of(qualifier: Option<String>, relation: Relation) -> Source {
        let tables = vec![SourceTable { qualifier, columns: relation.columns }];
        Source { rel: relation.rel, merged: vec![], tables }
    }

    /// Returns the scope in which `ids[n]` is the expression of field `n`.
    pub(super) fn scope(&self, ids: &[ExprId]) -> Scope {
        let columns = |columns: &[Column<usize>]| {
            columns.iter().map(|column| column.map(&mut |field| ids[field])).collect::<Vec<Column>>()
        };
        let tables = self.tables.iter().map(|table| ScopeTable {
            qualifier: table.qualifier.clone(),
            columns: columns(&table.columns).into(),
        });
        Scope::new(columns(&self.merged), tables.collect())
    }

    /// Returns all columns as one relation.
    pub(super) fn relation(&self) -> Relation {
        let ids: Vec<ExprId> = (0..self.rel.fields.len() as u32).map(ExprId).collect();
        let columns = self.scope(&ids).all();
        let columns = columns.iter().map(|column| column.map(&mut |id: ExprId| id.0 as usize)).collect();
        Relation { rel: self.rel.clone(), columns, correlated: vec![] }
    }
}

impl Binder {
    pub(super) fn bind_from_clause(
        &mut self,
        select: &Select,
        outer: Option<&OuterScope>,
    ) -> Bound<(Stage, Scope)> {
        let source = match &select.from {
            Some(from) => self.from(from, outer)?,
            // A SELECT without FROM is computed once.
            None => Source::of(None, self.values(&[vec![]], select.span)?),
        };
        let (stage, ids) = Stage::over(source.rel.clone());
        let scope = source.scope(&ids);
        Ok((stage, scope))
    }

    /// Binds a table reference that does not depend on tables beside it.
    pub(super) fn from(&mut self, from: &From, outer: Option<&OuterScope>) -> Bound<Source> {
        let source = match &from.kind {
            // Nested queries come first: the other arms need more stack, and recursion must not pass through
            // them.
            FromKind::Subquery(query) | FromKind::Lateral(query) => {
                Source::of(None, self.query(query, None)?)
            }
            FromKind::Nested(inner) => self.from(inner, outer)?,
            FromKind::Joined(joined) => self.joins(joined, outer)?,
            _ => self.leaf(from, outer)?,
        };
        match &from.alias {
            Some(alias) if !matches!(from.kind, FromKind::Unnest { .. }) => self.named(source, from, alias),
            _ => Ok(source),
        }
    }

    /// Gives a source an alias.
    fn named(&mut self, source: Source, from: &From, alias: &Ident) -> Bound<Source> {
        let mut relation = source.relation();
        self.rename(&mut relation.columns, &from.columns, alias.span)?;
        Ok(Source::of(Some(alias.value.clone()), relation))
    }

    /// Binds a table reference that contains no other reference.
    fn leaf(&mut self, from: &From, outer: Option<&OuterScope>) -> Bound<Source> {
        Ok(match &from.kind {
            FromKind::Table { name, hints, system_time } => {
                if let Some(time) = system_time {
                    let error =
                        Diagnostic::error(time.span, "FOR SYSTEM_TIME AS OF is only allowed in a join")
                            .with_hint("FROM a JOIN b FOR SYSTEM_TIME AS OF a.time AS b ON a.key = b.key");
                    return Err(self.report(error));
                }
                let relation = self.relation_hinted(name.last(), hints)?;
                Source::of(Some(name.last().value.clone()), relation)
            }
            FromKind::Subquery(_) | FromKind::Lateral(_) | FromKind::Joined(_) | FromKind::Nested(_) => {
                self.from(from, outer)?
            }
            FromKind::Window(call) => Source::of(None, self.window(call)?),
            FromKind::Values { rows, span } => Source::of(None, self.values(rows, *span)?),
            FromKind::Unnest { expr, ordinality, span } => {
                let one = Source::of(None, self.values(&[vec![]], *span)?);
                self.unnest(one, (expr, *ordinality, *span), from, None, outer)?
            }
            FromKind::Function(call) => Source::of(None, self.table_function(call)?),
            FromKind::Match(matching) => {
                let input = self.from(&matching.input, outer)?;
                Source::of(None, self.matching(input, matching)?)
            }
        })
    }

    fn joins(&mut self, joined: &Joined, outer: Option<&OuterScope>) -> Bound<Source> {
        let mut left = self.from(&joined.first, outer)?;
        for join in &joined.joins {
            left = self.join_right(left, join, outer)?;
            self.check_tree(&left.rel, join.span)?;
        }
        Ok(left)
    }

    fn join_right(&mut self, left: Source, join: &Join, outer: Option<&OuterScope>) -> Bound<Source> {
        let kind = match join.kind {
            ast::AstJoinKind::Inner | ast::AstJoinKind::Cross => JoinKind::Inner,
            ast::AstJoinKind::Left => JoinKind::Left,
            ast::AstJoinKind::Right => JoinKind::Right,
            ast::AstJoinKind::Full => JoinKind::Full,
        };

        match &join.right.kind {
            FromKind::Unnest { expr, ordinality, span } => {
                self.unnest(left, (expr, *ordinality, *span), &join.right, Some((kind, join)), outer)
            }
            FromKind::Lateral(query) => self.lateral(left, query, kind, join),
            FromKind::Table { name, hints, system_time: Some(time) } => {
                let relation = self.relation_hinted(name.last(), hints)?;
                let qualifier = join.right.alias.as_ref().unwrap_or(name.last()).value.clone();
                let hint = self.lookup_hint(&[&qualifier, &name.last().value]);
                self.temporal(left, (relation, qualifier, hint), kind, time, join, outer)
            }
            _ => {
                let right = self.from(&join.right, outer)?;
                self.joined(left, right, kind, join, outer)
            }
        }
    }

    /// Joins both sides and binds the condition over the fields of the join.
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
        let state_ttl = [self.state_ttl(&left), self.state_ttl(&right)];
        let both = side_by_side(&left, right);
        let mut conditions = vec![];

        if let JoinConstraint::On(on) = &join.constraint {
            let scope = both.scope(&ids);
            for condition in super::select::conjuncts(on) {
                let bound =
                    self.over(&mut graph, Clause { outer, ..Clause::new(&scope, "in ON") }, |binder| {
                        binder.condition(condition, "what stands in ON")
                    });
                conditions.push(bound?);
            }
        }
        for (_, of_left, of_right) in &shared {
            let (a, b) = (ids[*of_left], ids[*of_right]);
            let equal = compare(&mut self.nodes(&mut graph), Comparison::Equal, a, b, join.span);
            conditions.push(equal?);
        }
        if conditions.iter().any(|id| graph.facts(*id).uses_outer) {
            let error = Diagnostic::error(join.span, "a join's condition uses a column of the outer query")
                .with_hint("put the condition into WHERE");
            return Err(self.report(error));
        }

        let rel = Rel::join(
            left.rel.clone(),
            both.rel.clone(),
            JoinRel { kind, exprs: graph.exprs, conditions, null_aware: None, state_ttl },
            join.span,
        );
        let mut source = Source { rel, ..both };
        self.merge(&mut source, &shared, kind, join.span);
        Ok(source)
    }

    /// Returns the columns that `USING` or `NATURAL` equates: the name, and the fields of both sides in the
    /// join.
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
            JoinConstraint::Natural => {
                let names: HashSet<&str> = of_right.iter().map(|column| column.name.as_str()).collect();
                let is_shared = |column: &&Column<usize>| names.contains(column.name.as_str());
                let name = |column: &Column<usize>| Ident { value: column.name.clone(), span };
                of_left.iter().filter(is_shared).map(name).collect()
            }
        };

        let width = left.rel.fields.len();
        let (fields_of_left, fields_of_right) = (only_fields(&of_left), only_fields(&of_right));
        let mut shared = vec![];
        for name in names {
            let field = |of: &HashMap<&str, Option<usize>>| of.get(name.value.as_str()).copied().flatten();
            let (Some(a), Some(b)) = (field(&fields_of_left), field(&fields_of_right)) else {
                let message = format!("`{}` is not one scalar column on each side", name.value);
                return Err(self.report(Diagnostic::error(name.span, message)));
            };
            shared.push((name.value, a, width + b));
        }

        Ok(shared)
    }

    /// Merges the equated pairs of columns into one column each.
    fn merge(&mut self, source: &mut Source, shared: &[(String, usize, usize)], kind: JoinKind, span: Span) {
        if shared.is_empty() {
            return;
        }

        let mut exprs = ExprGraph::new(source.rel.scope());
        let mut columns = source.rel.passed_on(&mut exprs);
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
}

/// Returns the fields of columns by name; `None` if several columns have the name, or one that is no scalar.
fn only_fields(columns: &[Column<usize>]) -> HashMap<&str, Option<usize>> {
    let mut fields: HashMap<&str, Option<usize>> = HashMap::new();
    for column in columns {
        let field = match column.cell {
            Cell::Scalar(field) => Some(field),
            _ => None,
        };
        fields.entry(&column.name).and_modify(|field| *field = None).or_insert(field);
    }
    fields
}

/// Returns a graph over the fields of two nodes side by side.
pub(super) fn beside(left: &Rel, right: &Rel) -> (Graph, Vec<ExprId>) {
    let mut scope = left.scope();
    scope.extend(right.scope());
    Graph::over(scope)
}

/// Puts the tables of both sides into one source; until they are joined, `rel` is the right side's node.
pub(super) fn side_by_side(left: &Source, right: Source) -> Source {
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
