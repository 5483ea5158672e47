//! Names in `DEFINE` and `MEASURES`, which refer to fields of matched rows.
//!
//! ```text
//! A.price            the last row of A            LAST(A.price, 1)   the one before
//! price              the last row of the match    FIRST(price)       the first
//! SUM(A.price * 2)   all rows of A                COUNT(*)           all rows of the match
//! ```
//!
//! Each name becomes an input of the expression. Arguments of aggregates are expressions over rows in a
//! separate graph.

use std::collections::HashMap;

use types::{ColumnType, DataType};

use super::super::aggregate::BoundAggregate;
use super::super::resolve::{Found, has_field};
use super::super::{Bound, Cell, ExprBinder, Scope};
use crate::error::{Diagnostic, Span};
use crate::expr::{Expr, ExprId};
use crate::graph::{Graph, InputOrigin};
use crate::parse::ast::{self, ExprKind, Ident};
use crate::plan::operator::RowsEnd;
use crate::rel::TimeAttribute;
use types::Value;

/// The variables of a pattern, the columns of the rows, and the inputs of the current expression so far.
pub(crate) struct PatternNames {
    /// Columns over the fields of the rows: the expression of field `n` is `ExprId(n)`.
    pub(super) scope: Scope,
    /// Arguments of aggregates, as expressions over rows.
    pub(super) rows: Graph,
    pub(super) variables: Vec<String>,
    /// The first place of each variable.
    pub(super) places: HashMap<String, usize>,
    /// Time attributes, indexed by field.
    pub(super) times: Vec<Option<TimeAttribute>>,
    pub(super) order: TimeAttribute,
    /// In `DEFINE`: the variable that the current row is tested for.
    pub(super) current: Option<usize>,
    /// The enclosing `FIRST` or `LAST` call.
    pub(super) navigation: Option<Navigation>,
    /// Indexed by the input's number in the graph.
    pub(super) inputs: Vec<NamedInput>,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) struct Navigation {
    end: RowsEnd,
    offset: u32,
}

#[derive(Clone, PartialEq)]
pub(super) enum NamedInput {
    Row { variable: Option<usize>, field: usize, end: RowsEnd, offset: u32 },
    Aggregate { variable: Option<usize>, call: BoundAggregate },
    RowTime,
}

impl PatternNames {
    /// Resolves a name to the value it refers to. There are `findings` before an error.
    pub(in crate::bind) fn find(
        &mut self,
        path: &[Ident],
        graph: &mut Graph,
        findings: usize,
    ) -> Result<Cell, Box<Diagnostic>> {
        let cell = match self.scope.find(path) {
            Found::Cell(cell) => cell.clone(),
            Found::Unknown(unresolved) | Found::Error(unresolved) | Found::Inside(_, _, unresolved) => {
                return Err(Box::new(unresolved.behind(findings)));
            }
        };
        let variable = self.variable_of(path);
        Ok(cell.map(&mut |row: ExprId| self.picked(variable, row.0 as usize, graph)))
    }

    /// Returns the variable that a name begins with.
    fn variable_of(&self, path: &[Ident]) -> Option<usize> {
        let [first, second, ..] = path else { return None };
        let is_row =
            |column: &super::super::Column| column.name == first.value && has_field(column, &second.value);
        if self.scope.merged().iter().any(is_row) {
            return None;
        }
        self.places.get(&first.value).copied()
    }

    /// Returns the input for a field of the row selected by the current navigation.
    fn picked(&mut self, variable: Option<usize>, field: usize, graph: &mut Graph) -> ExprId {
        let Navigation { end, offset } =
            self.navigation.unwrap_or(Navigation { end: RowsEnd::Last, offset: 0 });
        let column = &self.rows.exprs.inputs[field];
        let name = match variable {
            Some(variable) => format!("{}.{}", self.variables[variable], column.name),
            None => column.name.clone(),
        };
        let name = match (end, offset) {
            (RowsEnd::Last, 0) => name,
            (RowsEnd::Last, offset) => format!("LAST({name}, {offset})"),
            (RowsEnd::First, 0) => format!("FIRST({name})"),
            (RowsEnd::First, offset) => format!("FIRST({name}, {offset})"),
        };

        // A match has at least one row, and the current row belongs to its variable.
        let is_there = offset == 0 && (variable.is_none() || variable == self.current);
        let mut column_type = column.column_type.clone();
        column_type.nullable |= !is_there;
        self.input(NamedInput::Row { variable, field, end, offset }, name, column_type, graph)
    }

    /// Returns the graph's input for `input`, adding it on first use.
    fn input(
        &mut self,
        input: NamedInput,
        name: String,
        column_type: ColumnType,
        graph: &mut Graph,
    ) -> ExprId {
        match self.inputs.iter().position(|known| *known == input) {
            Some(place) => graph.add(Expr::Column(place), column_type),
            None => {
                self.inputs.push(input);
                graph.add_input(name, column_type, InputOrigin::Row)
            }
        }
    }

    /// Returns the only variable that the names in the expressions begin with; `None` stands for all rows.
    ///
    /// # Errors
    /// Returns two different variables that are named.
    fn only_variable(&self, exprs: &[ast::Expr]) -> Result<Named, (String, String)> {
        let mut names = vec![];
        exprs.iter().for_each(|expr| collect(expr, &mut names));
        let mut found = names.into_iter().map(|path| self.variable_of(path));
        let Some(first) = found.next() else { return Ok(Named::Nothing) };

        let shown = |variable: Option<usize>| match variable {
            Some(variable) => format!("`{}`", self.variables[variable]),
            None => "all rows".to_owned(),
        };
        match found.find(|other| *other != first) {
            Some(other) => Err((shown(first), shown(other))),
            None => Ok(Named::Rows(first)),
        }
    }
}

/// The rows to which the columns of an expression belong.
enum Named {
    /// The expression has no columns.
    Nothing,
    /// Rows of a variable; `None` for all rows of the match.
    Rows(Option<usize>),
}

fn collect<'a>(expr: &'a ast::Expr, names: &mut Vec<&'a [Ident]>) {
    if let ExprKind::Name(path) = &expr.kind {
        names.push(path);
    }
    expr.kind.children().into_iter().for_each(|child| collect(child, names));
}

impl ExprBinder<'_> {
    /// Binds a call that has a special meaning in `DEFINE` and `MEASURES`; `None` for others.
    pub(in crate::bind) fn pattern_call(
        &mut self,
        call: &ast::Call,
        name: &str,
        span: Span,
    ) -> Option<Bound<ExprId>> {
        self.pattern.as_ref()?;
        Some(match name {
            "FIRST" => self.navigated(call, RowsEnd::First, span),
            "LAST" => self.navigated(call, RowsEnd::Last, span),
            "MATCH_ROWTIME" => self.match_rowtime(call, span),
            "MATCH_PROCTIME" if call.args.is_empty() => self.call_function("PROCTIME", &[], span),
            "PREV" | "NEXT" => {
                let error = Diagnostic::error(span, format!("{name} is not supported"))
                    .with_detail("rows are identified by variables, not by positions in the partition")
                    .with_hint("LAST(A.x, 1) is the row of A before its last one, LAST(x, 1) the row before");
                Err(self.report(error))
            }
            "CLASSIFIER" | "MATCH_NUMBER" => {
                Err(self.report(Diagnostic::error(span, format!("{name}() is not supported"))))
            }
            _ if super::super::aggregate::is_aggregate(name) => self.pattern_aggregate(call, name, span),
            _ => return None,
        })
    }

    /// Binds `FIRST(x[, offset])` and `LAST(x[, offset])`.
    fn navigated(&mut self, call: &ast::Call, end: RowsEnd, span: Span) -> Bound<ExprId> {
        let name = call.name.value.to_ascii_uppercase();
        let form = format!("write {name}(A.x) or {name}(A.x, 1)");
        if call.star || call.distinct || call.filter.is_some() || !(1..=2).contains(&call.args.len()) {
            let error = Diagnostic::error(span, format!("{name} takes a value and an offset"));
            return Err(self.report(error.with_hint(form)));
        }
        let offset = match call.args.get(1).map(|offset| &offset.kind) {
            None => 0,
            Some(ExprKind::Literal { value: Value::Int(offset), data_type }) if data_type.is_integer() => {
                u32::try_from(*offset).unwrap_or(u32::MAX)
            }
            Some(_) => {
                let place = call.args[1].span;
                let error = Diagnostic::error(place, format!("the offset of {name} is a whole number"));
                return Err(self.report(error.with_hint(form)));
            }
        };

        let Some(pattern) = &mut self.pattern else { return self.call(call, span) };
        let named = pattern.only_variable(&call.args[..1]);
        let is_nested = pattern.navigation.is_some();
        match named {
            _ if is_nested => {
                let error = Diagnostic::error(span, "FIRST and LAST cannot be nested");
                return Err(self.report(error.with_hint("LAST(A.x, 1) is the row before the last one")));
            }
            Err((one, other)) => return Err(self.mixed_rows(&name, &one, &other, span)),
            Ok(Named::Nothing) => {
                let error = Diagnostic::error(span, format!("{name} takes a column"));
                return Err(self.report(error.with_hint(form)));
            }
            Ok(Named::Rows(_)) => {}
        }

        pattern.navigation = Some(Navigation { end, offset });
        let bound = self.expr(&call.args[0]);
        if let Some(pattern) = &mut self.pattern {
            pattern.navigation = None;
        }
        bound
    }

    fn mixed_rows(&mut self, name: &str, one: &str, other: &str, span: Span) -> super::super::Reported {
        let error = Diagnostic::error(span, format!("{name} is over the rows of one variable"))
            .with_detail(format!("it names columns of {one} and of {other}"))
            .with_hint(format!("combine the results: {name}(A.x) + {name}(B.x)"));
        self.report(error)
    }

    /// Binds `MATCH_ROWTIME([time])`.
    fn match_rowtime(&mut self, call: &ast::Call, span: Span) -> Bound<ExprId> {
        let field = match call.args.as_slice() {
            [] => None,
            [ast::Expr { kind: ExprKind::Name(path), .. }] => Some(path),
            _ => {
                let error = Diagnostic::error(span, "MATCH_ROWTIME takes the event time or nothing");
                return Err(self.report(error.with_hint("write MATCH_ROWTIME()")));
            }
        };
        let Some(pattern) = &mut self.pattern else { return self.call(call, span) };
        if pattern.order != TimeAttribute::Event {
            let error =
                Diagnostic::error(span, "there is no event time: rows are in order of processing time")
                    .with_hint("write MATCH_PROCTIME()");
            return Err(self.report(error));
        }

        let column_type = match field.map(|path| pattern.scope.find(path)) {
            None => DataType::Timestamp(3).not_null(),
            Some(Found::Cell(Cell::Scalar(id)))
                if pattern.times[id.0 as usize] == Some(TimeAttribute::Event) =>
            {
                pattern.rows.exprs.column_type(*id).clone()
            }
            Some(Found::Unknown(unresolved) | Found::Error(unresolved)) => {
                let error = unresolved.behind(self.diagnostics.len());
                return Err(self.report(error));
            }
            Some(_) => {
                let error = Diagnostic::error(call.args[0].span, "MATCH_ROWTIME takes the event time")
                    .with_hint("write MATCH_ROWTIME()");
                return Err(self.report(error));
            }
        };
        Ok(pattern.input(NamedInput::RowTime, "MATCH_ROWTIME()".to_owned(), column_type, self.graph))
    }

    /// Binds an aggregate over the rows of a variable, or of the match.
    fn pattern_aggregate(&mut self, call: &ast::Call, name: &str, span: Span) -> Bound<ExprId> {
        if call.distinct || call.filter.is_some() {
            let what = if call.distinct { "DISTINCT" } else { "FILTER" };
            let error = Diagnostic::error(span, format!("{what} is not supported in MATCH_RECOGNIZE"))
                .with_hint("select the rows with a separate variable and a condition in DEFINE");
            return Err(self.report(error));
        }
        let Some(pattern) = self.pattern.take() else { return self.aggregate(call, name, span) };

        let result = if pattern.navigation.is_some() {
            let error =
                Diagnostic::error(span, format!("the aggregate {name} is not allowed in FIRST and LAST"));
            Err(self.report(error.with_hint("an aggregate is over all rows of a variable already")))
        } else {
            match pattern.only_variable(&call.args) {
                Err((one, other)) => Err(self.mixed_rows(name, &one, &other, span)),
                Ok(named) => self.over_rows(pattern, call, name, span).map(|call| {
                    let variable = match named {
                        Named::Nothing => None,
                        Named::Rows(variable) => variable,
                    };
                    let column_type = call.column_type.clone();
                    let shown = shown_over(&call.name, variable.map(|place| &*pattern.variables[place]));
                    let input = NamedInput::Aggregate { variable, call };
                    pattern.input(input, shown, column_type, self.graph)
                }),
            }
        };
        self.pattern = Some(pattern);
        result
    }

    /// Binds the call over the rows of the input.
    fn over_rows(
        &mut self,
        pattern: &mut PatternNames,
        call: &ast::Call,
        name: &str,
        span: Span,
    ) -> Bound<BoundAggregate> {
        let mut collected = vec![];
        let mut binder =
            ExprBinder::plain(&mut pattern.rows, &pattern.scope, self.time_zone, self.diagnostics);
        binder.aggregates = Some(&mut collected);
        binder.aggregate(call, name, span)?;
        Ok(collected.remove(0))
    }
}

/// Formats `SUM(x)` of a variable as `SUM(A: x)`.
fn shown_over(call: &str, variable: Option<&str>) -> String {
    match (variable, call.split_once('(')) {
        (Some(variable), Some((name, rest))) => format!("{name}({variable}: {rest}"),
        _ => call.to_owned(),
    }
}
