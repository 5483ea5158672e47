//! `FROM`: binds tables, joins, windows and collections into one scope.

use super::changelog::table_function;
use super::dependent_join::{lateral, temporal, unnest};
use super::join::joined;
use super::matching::matching;
use super::query::QueryBinder;
use super::resolve::Scope;
use super::scope::{OuterScope, Relation};
use super::select_hints::SelectHints;
use super::source::Source;
use super::stage::Stage;
use super::values::values;
use super::window_call::window;
use super::{Bound, Reported};
use crate::error::Diagnostic;
use crate::parse::ast::{self, From, FromKind, Ident, Join, Joined, Select};
use crate::plan::operator::JoinKind;
use crate::rel::StateTtl;

/// Binds the FROM of one SELECT.
pub(super) struct FromBinder<'q, 'a> {
    queries: &'q mut QueryBinder<'a>,
    /// The hints of the SELECT. Subqueries in its FROM have their own.
    hints: &'q mut SelectHints,
    /// The enclosing query, whose columns conditions may name.
    outer: Option<&'q OuterScope>,
}

impl<'q, 'a> FromBinder<'q, 'a> {
    pub(super) fn new(
        queries: &'q mut QueryBinder<'a>,
        hints: &'q mut SelectHints,
        outer: Option<&'q OuterScope>,
    ) -> FromBinder<'q, 'a> {
        FromBinder { queries, hints, outer }
    }

    pub(super) fn queries(&mut self) -> &mut QueryBinder<'a> {
        self.queries
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) -> Reported {
        self.queries.report(diagnostic)
    }

    /// Binds the FROM; returns its rows and its names.
    pub(super) fn clause(&mut self, select: &Select) -> Bound<(Stage, Scope)> {
        let source = match &select.from {
            Some(from) => self.table(from)?,
            // A SELECT without FROM is computed once.
            None => Source::of(None, values(self.queries, &[vec![]], select.span)?),
        };
        let (stage, ids) = Stage::over(source.rel.clone());
        let scope = source.scope(&ids);
        Ok((stage, scope))
    }

    /// Binds a table reference that does not depend on tables beside it.
    pub(super) fn table(&mut self, from: &From) -> Bound<Source> {
        let source = match &from.kind {
            // Nested queries come first: the other arms need more stack, and recursion must not pass through
            // them.
            FromKind::Subquery(query) | FromKind::Lateral(query) => {
                Source::of(None, self.queries.query(query, None)?)
            }
            FromKind::Nested(inner) => self.table(inner)?,
            FromKind::Joined(joined) => self.joins(joined)?,
            _ => self.leaf(from)?,
        };
        match &from.alias {
            Some(alias) if !matches!(from.kind, FromKind::Unnest { .. }) => self.named(source, from, alias),
            _ => Ok(source),
        }
    }

    /// Binds the input of a table function, which cannot name columns of the enclosing query.
    pub(super) fn input(&mut self, from: &From) -> Bound<Relation> {
        let mut inputs = FromBinder { queries: self.queries, hints: self.hints, outer: None };
        Ok(inputs.table(from)?.relation())
    }

    /// Gives a source an alias.
    fn named(&mut self, source: Source, from: &From, alias: &Ident) -> Bound<Source> {
        let mut relation = source.relation();
        self.queries.rename(&mut relation.columns, &from.columns, alias.span)?;
        Ok(Source::of(Some(alias.value.clone()), relation))
    }

    /// Binds a table reference that contains no other reference.
    fn leaf(&mut self, from: &From) -> Bound<Source> {
        Ok(match &from.kind {
            FromKind::Table { name, hints, system_time } => {
                if let Some(time) = system_time {
                    let error =
                        Diagnostic::error(time.span, "FOR SYSTEM_TIME AS OF is only allowed in a join")
                            .with_hint("FROM a JOIN b FOR SYSTEM_TIME AS OF a.time AS b ON a.key = b.key");
                    return Err(self.report(error));
                }
                let relation = self.queries.relation(name.last(), hints)?;
                Source::of(Some(name.last().value.clone()), relation)
            }
            FromKind::Subquery(_) | FromKind::Lateral(_) | FromKind::Joined(_) | FromKind::Nested(_) => {
                self.table(from)?
            }
            FromKind::Window(call) => Source::of(None, window(self, call)?),
            FromKind::Values { rows, span } => Source::of(None, values(self.queries, rows, *span)?),
            FromKind::Unnest { expr, ordinality, span } => {
                let one = Source::of(None, values(self.queries, &[vec![]], *span)?);
                unnest(self.queries, one, (expr, *ordinality, *span), from, None, self.outer)?
            }
            FromKind::Function(call) => Source::of(None, table_function(self, call)?),
            FromKind::Match(clause) => {
                let input = self.table(&clause.input)?;
                Source::of(None, matching(self.queries, input, clause)?)
            }
        })
    }

    fn joins(&mut self, joined: &Joined) -> Bound<Source> {
        let mut left = self.table(&joined.first)?;
        for join in &joined.joins {
            left = self.join_right(left, join)?;
            self.queries.check_tree(&left.rel, join.span)?;
        }
        Ok(left)
    }

    fn join_right(&mut self, left: Source, join: &Join) -> Bound<Source> {
        let kind = match join.kind {
            ast::AstJoinKind::Inner | ast::AstJoinKind::Cross => JoinKind::Inner,
            ast::AstJoinKind::Left => JoinKind::Left,
            ast::AstJoinKind::Right => JoinKind::Right,
            ast::AstJoinKind::Full => JoinKind::Full,
        };

        match &join.right.kind {
            FromKind::Unnest { expr, ordinality, span } => unnest(
                self.queries,
                left,
                (expr, *ordinality, *span),
                &join.right,
                Some((kind, join)),
                self.outer,
            ),
            FromKind::Lateral(query) => lateral(self.queries, left, query, kind, join),
            FromKind::Table { name, hints, system_time: Some(time) } => {
                let relation = self.queries.relation(name.last(), hints)?;
                let qualifier = join.right.alias.as_ref().unwrap_or(name.last()).value.clone();
                let hint = self.hints.lookup(&[&qualifier, &name.last().value]);
                temporal(self.queries, left, (relation, qualifier, hint), kind, time, join, self.outer)
            }
            _ => {
                let right = self.table(&join.right)?;
                let state_ttl = [self.state_ttl(&left), self.state_ttl(&right)];
                joined(self.queries, (left, right), kind, join, state_ttl, self.outer)
            }
        }
    }

    /// Returns how long a join keeps the rows of one side. A side that is a join itself has no name.
    fn state_ttl(&self, side: &Source) -> Option<StateTtl> {
        match side.tables.as_slice() {
            [table] => self.hints.state_ttl(table.qualifier.as_deref()?),
            _ => None,
        }
    }
}
