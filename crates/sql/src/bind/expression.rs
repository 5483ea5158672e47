//! Scalar expressions: each is bound to a node of the graph, with the type Flink gives it.

use jiff::tz::TimeZone;
use types::{ColumnType, DataType, Scalar, Value};

use super::aggregate::BoundAggregate;
use super::group_keys::GroupContext;
use super::matching::PatternNames;
use super::over::OverCall;
use super::resolve::Scope;
use super::scope::OuterScope;
use super::subquery::{PreparedQuery, QueryValue};
use super::{Bound, Cell, Column, Reported};
use crate::error::{Diagnostic, Span};
use crate::expr::{CastMode, Expr, ExprId, MAX_DEPTH, MAX_NODES};
use crate::functions::{self, Env, Output};
use crate::graph::Graph;
use crate::parse::ast::{self, ExprKind, Ident, Truth};
use crate::rewrite::{is_worth_keeping, length};

/// Binds expressions over one scope.
pub(crate) struct ExprBinder<'a> {
    pub(crate) graph: &'a mut Graph,
    pub(crate) scope: &'a Scope,
    /// The enclosing query, whose columns may be named too.
    pub(crate) outer: Option<&'a OuterScope>,
    pub(crate) time_zone: &'a TimeZone,
    pub(crate) diagnostics: &'a mut Vec<Diagnostic>,
    /// Columns that are used if nothing else has the name.
    pub(crate) aliases: &'a [Column],
    /// Collects aggregate calls; `None` where none are allowed.
    pub(crate) aggregates: Option<&'a mut Vec<BoundAggregate>>,
    /// Collects `OVER` calls; `None` where none are allowed.
    pub(crate) overs: Option<&'a mut Vec<OverCall>>,
    /// Collects subqueries that are used as values; `None` where none are allowed.
    pub(crate) values: Option<&'a mut Vec<QueryValue>>,
    /// The keys of the query's GROUP BY.
    pub(crate) group: Option<&'a GroupContext>,
    /// The meaning of names inside `MATCH_RECOGNIZE`.
    pub(crate) pattern: Option<&'a mut PatternNames>,
    /// The named windows of the `WINDOW` clause.
    pub(crate) windows: &'a [(Ident, ast::OverWindow)],
    /// The subqueries of the expressions, already bound.
    pub(crate) queries: &'a [PreparedQuery],
    /// Place of the expression for error messages, such as "in GROUP BY".
    pub(crate) clause: &'a str,
    /// Each named column with its place in the script, for errors that are found later.
    pub(crate) uses: Vec<(ExprId, Ident)>,
}

impl ExprBinder<'_> {
    pub(crate) fn report(&mut self, diagnostic: Diagnostic) -> Reported {
        self.diagnostics.push(diagnostic);
        Reported
    }

    /// Binds a whole expression; refuses an expression that is too large.
    pub(crate) fn bind(&mut self, expr: &ast::Expr) -> Bound<ExprId> {
        let id = self.expr(expr)?;
        let size = self.graph.exprs.size(id);
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
        self.expect_boolean(id, expr.span, clause)
    }

    pub(super) fn expect_boolean(&mut self, id: ExprId, span: Span, what: &str) -> Bound<ExprId> {
        match &self.type_of(id).data_type {
            DataType::Boolean => Ok(id),
            DataType::Null => Ok(self.convert(id, &DataType::Boolean)),
            other => {
                let error = Diagnostic::error(span, format!("{what} must be BOOLEAN"))
                    .with_detail(format!("this is {other}"));
                Err(self.report(error))
            }
        }
    }

    pub(super) fn type_of(&self, id: ExprId) -> ColumnType {
        self.graph.exprs.column_type(id).clone()
    }

    pub(super) fn data_type(&self, id: ExprId) -> DataType {
        self.graph.exprs.column_type(id).data_type.clone()
    }

    pub(super) fn is_nullable(&self, id: ExprId) -> bool {
        self.graph.exprs.column_type(id).nullable
    }

    pub(super) fn literal_of(&self, id: ExprId) -> Option<&Value> {
        match self.graph.exprs.expr(id) {
            Expr::Literal(value) => Some(value),
            _ => None,
        }
    }

    pub(super) fn add_literal(&mut self, value: Value, data_type: DataType) -> ExprId {
        let nullable = value.is_null();
        self.graph.add(Expr::Literal(value), ColumnType { data_type, nullable })
    }

    pub(super) fn add_boolean(&mut self, expr: Expr, nullable: bool) -> ExprId {
        self.graph.add(expr, ColumnType { data_type: DataType::Boolean, nullable })
    }

    pub(super) fn expr(&mut self, expr: &ast::Expr) -> Bound<ExprId> {
        match &expr.kind {
            ExprKind::Name(path) => self.name(path, expr.span),
            ExprKind::Literal { value, data_type } => Ok(self.add_literal(value.clone(), data_type.clone())),
            ExprKind::Index(input, index) => self.index(input, index, expr.span),
            ExprKind::Negate(input) => {
                let id = self.expr(input)?;
                self.call_function("NEGATE", &[id], expr.span)
            }
            ExprKind::Not(input) => {
                let id = self.expr(input)?;
                let id = self.expect_boolean(id, input.span, "the operand of NOT")?;
                Ok(self.not(id))
            }
            ExprKind::All(items) => self.chain(items, "AND"),
            ExprKind::Any(items) => self.chain(items, "OR"),
            ExprKind::Compare(op, left, right) => self.comparison(*op, left, right, expr.span),
            ExprKind::Arithmetic { first, rest } => self.arithmetic(first, rest),
            ExprKind::Is { input, test, negated } => self.is(input, *test, *negated),
            ExprKind::IsDistinct { left, right, negated } => {
                self.is_distinct(left, right, *negated, expr.span)
            }
            ExprKind::In { input, list, negated } => self.is_in(input, list, *negated),
            ExprKind::Between { input, low, high, negated, symmetric } => {
                self.between(input, low, high, *symmetric, *negated, expr.span)
            }
            ExprKind::Matches { function, args, negated } => {
                let args = self.all(args)?;
                let id = self.call_function(function, &args, expr.span)?;
                Ok(if *negated { self.not(id) } else { id })
            }
            ExprKind::Case { operand, branches, otherwise } => {
                self.case(operand.as_deref(), branches, otherwise.as_deref(), expr.span)
            }
            ExprKind::Cast { input, target, mode } => {
                let id = self.expr(input)?;
                self.cast(id, target, *mode, expr.span)
            }
            ExprKind::Call(call) if call.over.is_some() => self.over(call, expr.span),
            ExprKind::Call(call) => self.call(call, expr.span),
            ExprKind::Exists(_)
            | ExprKind::Subquery(_)
            | ExprKind::InQuery { .. }
            | ExprKind::Quantified { .. } => self.query_value(expr),
            ExprKind::Array(_) | ExprKind::Row(_) | ExprKind::Map(_) | ExprKind::Field(..) => {
                self.nested_value(expr)
            }
        }
    }

    /// Binds all expressions before it fails, so that several errors are reported at once.
    pub(super) fn all(&mut self, exprs: &[ast::Expr]) -> Bound<Vec<ExprId>> {
        let bound: Vec<Bound<ExprId>> = exprs.iter().map(|expr| self.expr(expr)).collect();
        bound.into_iter().collect()
    }

    fn name(&mut self, path: &[Ident], span: Span) -> Bound<ExprId> {
        let last = path.last().expect("a name has at least one part").clone();
        let error = match self.find(path) {
            Ok(Cell::Scalar(id)) => {
                self.uses.push((id, Ident { value: last.value, span }));
                return Ok(id);
            }
            Ok(Cell::Row { whole: Some(id), .. }) => {
                self.uses.push((id, Ident { value: last.value, span }));
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
            Err(unresolved) => unresolved.behind(self.diagnostics.len()),
        };

        Err(self.report(error))
    }

    fn is(&mut self, input: &ast::Expr, test: Truth, negated: bool) -> Bound<ExprId> {
        let id = self.expr(input)?;
        let expr = match (test, negated) {
            (Truth::Null, false) => Expr::IsNull(id),
            (Truth::Null, true) => Expr::IsNotNull(id),
            (truth, negated) => {
                let id = self.expect_boolean(id, input.span, "the operand of IS TRUE or IS FALSE")?;
                match (truth, negated) {
                    (Truth::True, false) => Expr::IsTrue(id),
                    (Truth::True, true) => Expr::IsNotTrue(id),
                    (_, false) => Expr::IsFalse(id),
                    (_, true) => Expr::IsNotFalse(id),
                }
            }
        };
        Ok(self.add_boolean(expr, false))
    }

    /// Binds an explicit cast.
    fn cast(&mut self, input: ExprId, target: &ast::TypeName, mode: CastMode, span: Span) -> Bound<ExprId> {
        let from = self.type_of(input);
        let to = &target.column_type.data_type;

        if to.repr().is_none() {
            let error = Diagnostic::error(target.span, format!("a value cannot be cast to {to}"));
            return Err(self.report(error.with_hint("values of this type cannot be computed")));
        }

        if let DataType::Char(length) | DataType::Binary(length) = to
            && *length as usize > functions::MAX_VALUE_BYTES
        {
            let error = Diagnostic::error(target.span, format!("{to} is longer than a value may be"))
                .with_detail(format!("a value has at most {} bytes", functions::MAX_VALUE_BYTES))
                .with_hint("VARCHAR(n) and VARBINARY(n) are not filled up to their length");
            return Err(self.report(error));
        }

        if from.data_type == DataType::Null {
            return Ok(self.add_literal(Value::Null, to.clone()));
        }
        if !functions::cast::allowed(&from.data_type, to) {
            let error = Diagnostic::error(span, format!("a {} cannot be cast to {to}", from.data_type));
            return Err(self.report(error));
        }

        if from.data_type == *to {
            return Ok(input);
        }
        let nullable = from.nullable || mode == CastMode::Try;
        let column_type = ColumnType { data_type: to.clone(), nullable };
        Ok(self.folded_cast(input, mode, column_type))
    }

    /// Adds an implicit conversion; literals are converted at once.
    pub(crate) fn convert(&mut self, input: ExprId, to: &DataType) -> ExprId {
        let from = self.type_of(input);
        if from.data_type == *to {
            return input;
        }
        if from.data_type == DataType::Null {
            return self.add_literal(Value::Null, to.clone());
        }
        let column_type = ColumnType { data_type: to.clone(), nullable: from.nullable };
        self.folded_cast(input, CastMode::Strict, column_type)
    }

    fn folded_cast(&mut self, input: ExprId, mode: CastMode, column_type: ColumnType) -> ExprId {
        if let Some(value) = self.literal_of(input) {
            let from = self.data_type(input);
            if let Some(value) = cast_value(value, &from, &column_type.data_type, mode, self.time_zone) {
                return self.add_literal(value, column_type.data_type);
            }
        }
        self.graph.add(Expr::Cast { input, mode }, column_type)
    }
}

/// Converts a literal at compile time. Returns `None` if the conversion fails or gives a long value
/// (`CHAR(1000000)`); then it is left to run time.
pub(crate) fn cast_value(
    value: &Value,
    from: &DataType,
    to: &DataType,
    mode: CastMode,
    time_zone: &TimeZone,
) -> Option<Value> {
    if value.is_null() {
        return Some(Value::Null);
    }
    let code = functions::cast::prepare(from, to, mode, time_zone).ok()?;
    let mut out = Output::default();
    let scalar: Scalar<'_> = value.as_scalar();
    code(&Env { now_ms: 0 }, &[scalar], &mut out).ok()?;
    is_worth_keeping(out.get(), length(scalar)).then(|| out.get().to_value())
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
