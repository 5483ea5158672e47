//! Binds scalar expressions: from syntax to nodes of a graph.
//!
//! An [`ExprBinder`] walks the syntax of one expression, operands first. It delegates the three decisions on
//! the way, each to a type of its own:
//!
//! * what a name refers to: [`NameResolver`];
//! * which calls over many rows are allowed here, and their numbers: [`CallCollector`];
//! * what an operation over bound operands becomes, and its type: [`NodeBuilder`].

use types::{ColumnType, DataType};

use super::aggregate::BoundAggregate;
use super::calls::{CallCollector, MAX_AGGREGATES};
use super::compare::{between, compare, is_distinct, is_in};
use super::function::call_function;
use super::group_keys::GroupContext;
use super::matching::PatternNames;
use super::names::NameResolver;
use super::nodes::NodeBuilder;
use super::over::{BoundWindow, OverCall};
use super::resolve::{Scope, Unresolved};
use super::scope::OuterScope;
use super::subquery::{PreparedQuery, QueryValue};
use super::{Bound, Cell, Column, Reported};
use crate::error::{Diagnostic, Span};
use crate::expr::{Expr, ExprId, MAX_DEPTH, MAX_NODES};
use crate::graph::InputOrigin;
use crate::parse::ast::{self, ExprKind, Ident, OverWindow, Truth};

/// A clause: the names that are visible in its expressions, and its subqueries.
#[derive(Clone, Copy)]
pub(super) struct Clause<'a> {
    pub(super) scope: &'a Scope,
    /// The enclosing query, whose columns may be named too.
    pub(super) outer: Option<&'a OuterScope>,
    /// Columns of the SELECT, which are used if nothing else has the name.
    pub(super) aliases: &'a [Column],
    /// The query's GROUP BY.
    pub(super) group: Option<&'a GroupContext>,
    /// The windows of the `WINDOW` clause.
    pub(super) windows: &'a [(Ident, OverWindow)],
    /// The subqueries of the expressions, already bound.
    pub(super) queries: &'a [PreparedQuery],
    /// Name of the clause for error messages, such as "in GROUP BY".
    pub(super) what: &'a str,
}

impl<'a> Clause<'a> {
    /// Creates a clause that sees the tables of a FROM, and has no subqueries.
    pub(super) fn new(scope: &'a Scope, what: &'a str) -> Clause<'a> {
        Clause { scope, outer: None, aliases: &[], group: None, windows: &[], queries: &[], what }
    }
}

/// Binds the expressions of one clause.
pub(crate) struct ExprBinder<'a> {
    nodes: NodeBuilder<'a>,
    names: NameResolver<'a>,
    calls: CallCollector,
    queries: &'a [PreparedQuery],
    /// Place of the expression for error messages.
    place: &'a str,
}

impl<'a> ExprBinder<'a> {
    pub(super) fn new(nodes: NodeBuilder<'a>, clause: Clause<'a>, calls: CallCollector) -> ExprBinder<'a> {
        let Clause { scope, outer, aliases, group, windows, queries, what } = clause;
        let names = NameResolver::new(scope, outer, aliases, group, windows);
        ExprBinder { nodes, names, calls, queries, place: what }
    }

    /// Creates a binder that refuses aggregates, OVER calls and subqueries.
    pub(crate) fn plain(nodes: NodeBuilder<'a>, scope: &'a Scope, what: &'a str) -> ExprBinder<'a> {
        ExprBinder::new(nodes, Clause::new(scope, what), CallCollector::default())
    }

    /// Creates a binder for an expression of `MATCH_RECOGNIZE`.
    pub(super) fn of_pattern(
        nodes: NodeBuilder<'a>,
        pattern: &'a mut PatternNames,
        what: &'a str,
    ) -> ExprBinder<'a> {
        let names = NameResolver::of_pattern(pattern);
        ExprBinder { nodes, names, calls: CallCollector::default(), queries: &[], place: what }
    }

    /// Returns the calls that were collected.
    pub(super) fn into_collector(self) -> CallCollector {
        self.calls
    }

    /// Returns the builder of operations over bound operands.
    pub(super) fn nodes(&mut self) -> &mut NodeBuilder<'a> {
        &mut self.nodes
    }

    /// Returns the meaning of names.
    pub(super) fn names(&mut self) -> &mut NameResolver<'a> {
        &mut self.names
    }

    /// Returns the matched rows to which names refer in `MATCH_RECOGNIZE`, and the builder.
    pub(super) fn pattern(&mut self) -> Option<(&mut PatternNames, &mut NodeBuilder<'a>)> {
        Some((self.names.pattern()?, &mut self.nodes))
    }

    /// Returns the place of the expression for error messages.
    pub(super) fn place(&self) -> &'a str {
        self.place
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) -> Reported {
        self.nodes.report(diagnostic)
    }

    /// Resolves a name.
    pub(super) fn find(&mut self, path: &[Ident]) -> Result<Cell, Unresolved<'a>> {
        self.names.find(path, &mut self.nodes)
    }

    /// Binds a whole expression; refuses an expression that is too large.
    pub(crate) fn bind(&mut self, expr: &ast::Expr) -> Bound<ExprId> {
        let id = self.expr(expr)?;
        let size = self.nodes.graph().exprs.size(id);
        let message = if size.nodes > MAX_NODES {
            format!("this expression has more than {MAX_NODES} parts")
        } else if size.depth > MAX_DEPTH {
            format!("this expression is nested more than {MAX_DEPTH} levels deep")
        } else {
            return Ok(id);
        };
        let error = Diagnostic::error(expr.span, message).with_hint("split it: name a part of it in a view");
        Err(self.report(error))
    }

    /// Binds a boolean expression.
    pub(crate) fn condition(&mut self, expr: &ast::Expr, clause: &str) -> Bound<ExprId> {
        let id = self.bind(expr)?;
        self.nodes.expect_boolean(id, expr.span, clause)
    }

    pub(super) fn expr(&mut self, expr: &ast::Expr) -> Bound<ExprId> {
        match &expr.kind {
            ExprKind::Name(path) => self.name(path, expr.span),
            ExprKind::Literal { value, data_type } => {
                Ok(self.nodes.add_literal(value.clone(), data_type.clone()))
            }

            ExprKind::Index(input, index) => super::nested::index(self, input, index, expr.span),
            ExprKind::Negate(input) => {
                let id = self.expr(input)?;
                call_function(&mut self.nodes, "NEGATE", &[id], expr.span)
            }

            ExprKind::Not(input) => {
                let id = self.expr(input)?;
                let id = self.nodes.expect_boolean(id, input.span, "the operand of NOT")?;
                Ok(self.nodes.not(id))
            }

            ExprKind::All(items) => self.chain(items, "AND"),
            ExprKind::Any(items) => self.chain(items, "OR"),
            ExprKind::Compare(op, left, right) => {
                let (left, right) = (self.expr(left), self.expr(right));
                compare(&mut self.nodes, *op, left?, right?, expr.span)
            }

            ExprKind::Arithmetic { first, rest } => super::arithmetic::arithmetic(self, first, rest),
            ExprKind::Is { input, test, negated } => self.is(input, *test, *negated),
            ExprKind::IsDistinct { left, right, negated } => {
                let (left, right) = (self.expr(left), self.expr(right));
                is_distinct(&mut self.nodes, left?, right?, *negated, expr.span)
            }

            ExprKind::In { input, list, negated } => {
                let span = input.span.to(list.last().map_or(input.span, |last| last.span));
                let (input, items) = (self.expr(input), self.all(list));
                is_in(&mut self.nodes, input?, &items?, *negated, span)
            }

            ExprKind::Between { input, low, high, negated, symmetric } => {
                let (input, low, high) = (self.expr(input), self.expr(low), self.expr(high));
                let values = (input?, low?, high?);
                between(&mut self.nodes, values, *symmetric, *negated, expr.span)
            }

            ExprKind::Matches { function, args, negated } => {
                let args = self.all(args)?;
                let id = call_function(&mut self.nodes, function, &args, expr.span)?;
                Ok(if *negated { self.nodes.not(id) } else { id })
            }

            ExprKind::Case { operand, branches, otherwise } => {
                super::choose::case(self, operand.as_deref(), branches, otherwise.as_deref(), expr.span)
            }

            ExprKind::Cast { input, target, mode } => {
                let id = self.expr(input)?;
                super::cast::cast(&mut self.nodes, id, target, *mode, expr.span)
            }

            ExprKind::Call(call) if call.over.is_some() => super::over::over_value(self, call, expr.span),
            ExprKind::Call(call) => super::call::call_value(self, call, expr.span),
            ExprKind::Exists(_)
            | ExprKind::Subquery(_)
            | ExprKind::InQuery { .. }
            | ExprKind::Quantified { .. } => super::subquery::query_value(self, expr),
            ExprKind::Array(_) | ExprKind::Row(_) | ExprKind::Map(_) | ExprKind::Field(..) => {
                super::nested::nested_value(self, expr)
            }
        }
    }

    /// Binds all expressions before it fails, so that several errors are reported at once.
    pub(super) fn all(&mut self, exprs: &[ast::Expr]) -> Bound<Vec<ExprId>> {
        let bound: Vec<Bound<ExprId>> = exprs.iter().map(|expr| self.expr(expr)).collect();
        bound.into_iter().collect()
    }

    /// Binds `a AND b AND c` or `a OR b OR c`.
    fn chain(&mut self, items: &[ast::Expr], word: &str) -> Bound<ExprId> {
        let mut bound = Vec::with_capacity(items.len());
        for item in items {
            let id = self.expr(item);
            let what = format!("each side of {word}");
            bound.push(id.and_then(|id| self.nodes.expect_boolean(id, item.span, &what)));
        }
        let ids: Vec<ExprId> = bound.into_iter().collect::<Bound<_>>()?;
        Ok(self.nodes.balanced(&ids, word == "AND"))
    }

    fn name(&mut self, path: &[Ident], span: Span) -> Bound<ExprId> {
        let last = path.last().expect("a name has at least one part").clone();
        let error = match self.find(path) {
            Ok(Cell::Scalar(id)) => {
                self.names.note_use(id, Ident { value: last.value, span });
                return Ok(id);
            }
            Ok(Cell::Row { whole: Some(id), .. }) => {
                self.names.note_use(id, Ident { value: last.value, span });
                return Ok(id);
            }
            Ok(Cell::Row { fields, whole: None }) => {
                let field = fields.first().map_or("field", |field| &field.name);
                Diagnostic::error(span, format!("`{}` is a ROW that cannot be read as a whole", last.value))
                    .with_hint(format!("write for example `{}`.`{field}`", last.value))
            }
            Ok(Cell::Unreadable(data_type)) => {
                let message =
                    format!("`{}` is {}, which can be declared but not read", last.value, kind(&data_type));
                Diagnostic::error(span, message)
                    .with_detail(format!("it is declared as {data_type}"))
                    .with_hint("declare the fields that are read as columns, or in a ROW")
            }
            Ok(Cell::Map { data_type, .. }) => {
                Diagnostic::error(span, format!("`{}` is a MAP, and only its values can be read", last.value))
                    .with_detail(format!("it is declared as {data_type}"))
                    .with_hint(format!("write for example CAST(`{}`['name'] AS STRING)", last.value))
            }
            Err(unresolved) => unresolved.behind(self.nodes.findings()),
        };

        Err(self.report(error))
    }

    fn is(&mut self, input: &ast::Expr, test: Truth, negated: bool) -> Bound<ExprId> {
        let id = self.expr(input)?;
        let expr = match (test, negated) {
            (Truth::Null, false) => Expr::IsNull(id),
            (Truth::Null, true) => Expr::IsNotNull(id),
            (truth, negated) => {
                let id = self.nodes.expect_boolean(id, input.span, "the operand of IS TRUE or IS FALSE")?;
                match (truth, negated) {
                    (Truth::True, false) => Expr::IsTrue(id),
                    (Truth::True, true) => Expr::IsNotTrue(id),
                    (_, false) => Expr::IsFalse(id),
                    (_, true) => Expr::IsNotFalse(id),
                }
            }
        };
        Ok(self.nodes.add_boolean(expr, false))
    }

    /// Binds an aggregate and returns its input. Another aggregate inside it is refused, and the columns that it
    /// names are not columns of the groups.
    pub(super) fn collect_aggregate(
        &mut self,
        name: &str,
        span: Span,
        bind: impl FnOnce(&mut ExprBinder<'a>) -> Bound<BoundAggregate>,
    ) -> Bound<ExprId> {
        if !self.calls.begin_aggregate() {
            let error =
                Diagnostic::error(span, format!("the aggregate {name} is not allowed {}", self.place));
            return Err(self.report(error));
        }
        let around = std::mem::replace(&mut self.place, "inside another aggregate");
        let uses = self.names.uses();
        let bound = bind(self);
        self.names.forget_uses_behind(uses);
        self.place = around;
        self.calls.end_aggregate();

        let aggregate = bound?;
        let BoundAggregate { args, filter, .. } = &aggregate;
        self.refuse_outer(args.iter().chain(filter).copied(), name, span)?;
        let Some(number) = self.calls.collect_aggregate(&aggregate) else {
            let error = Diagnostic::error(span, format!("these are more than {MAX_AGGREGATES} aggregates"));
            return Err(self.report(error.with_hint("write several INSERTs")));
        };
        let origin = InputOrigin::Aggregate(number);
        Ok(self.nodes.add_input(aggregate.name, aggregate.column_type, origin))
    }

    /// Binds an `OVER` call and returns its input; `None` if it is not allowed here. Another one inside it is
    /// refused.
    pub(super) fn collect_over(
        &mut self,
        bind: impl FnOnce(&mut ExprBinder<'a>) -> Bound<OverCall>,
    ) -> Option<Bound<ExprId>> {
        if !self.calls.begin_over() {
            return None;
        }
        let bound = bind(self);
        self.calls.end_over();

        Some(bound.and_then(|over| {
            let BoundWindow { partition, order, .. } = &over.window;
            let of_window = partition.iter().copied().chain(order.iter().map(|item| item.id));
            let read = over.args.iter().chain(&over.filter).copied().chain(of_window);
            self.refuse_outer(read, &over.name, over.span)?;

            let number = self.calls.collect_over(&over);
            Ok(self.nodes.add_input(over.name, over.column_type, InputOrigin::Over(number)))
        }))
    }

    /// Refuses columns of the enclosing query in a call over many rows: only the conditions of WHERE are moved to
    /// the join with the enclosing query.
    fn refuse_outer(&mut self, read: impl IntoIterator<Item = ExprId>, name: &str, span: Span) -> Bound<()> {
        let graph = self.nodes.graph();
        if !read.into_iter().any(|id| graph.facts(id).uses_outer) {
            return Ok(());
        }
        let error = Diagnostic::error(span, format!("{name} reads a column of the enclosing query"))
            .with_hint("use the column in WHERE, or join the tables in FROM");
        Err(self.report(error))
    }

    /// Returns the subquery that an expression contains.
    pub(super) fn query(&self, expr: &ast::Expr) -> Option<&'a PreparedQuery> {
        self.queries.iter().find(|query| query.span == expr.span)
    }

    /// Returns the input for a subquery that is a value; a join fills it later.
    pub(super) fn collect_value(&mut self, value: QueryValue, column_type: ColumnType) -> ExprId {
        let number = self.calls.collect_value(value);
        self.nodes.add_input("(query)".to_owned(), column_type, InputOrigin::Query(number))
    }
}

/// Names a kind of type that can be declared but not read, with its article.
fn kind(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Array(_) => "an ARRAY",
        DataType::Multiset(_) => "a MULTISET",
        DataType::Structured { .. } => "a STRUCTURED type",
        DataType::Raw { .. } => "a RAW type",
        DataType::Variant => "a VARIANT",
        DataType::Bitmap => "a BITMAP",
        _ => "a MAP",
    }
}
