//! Names in `DEFINE` and `MEASURES`, which refer to fields of matched rows.
//!
//! ```text
//! A.price            the last row of A            LAST(A.price, 1)   the one before
//! price              the last row of the match    FIRST(price)       the first
//! SUM(A.price * 2)   all rows of A                COUNT(*)           all rows of the match
//! ```
//!
//! Each name becomes an input of the expression: input `n` of its graph is entry `n` of the inputs here. Arguments
//! of aggregates are expressions over rows in a separate graph.

use std::collections::HashMap;
use std::rc::Rc;

use types::ColumnType;

use super::super::aggregate::BoundAggregate;
use super::super::nodes::NodeBuilder;
use super::super::resolve::{Found, ScopeTable, Unresolved, has_field};
use super::super::stage::Stage;
use super::super::{Cell, Column, Scope};
use crate::error::Diagnostic;
use crate::expr::{Expr, ExprId};
use crate::graph::{Graph, InputOrigin};
use crate::parse::ast::{self, ExprKind, Ident};
use crate::plan::operator::RowsEnd;
use crate::rel::TimeAttribute;

/// The variables of a pattern, the columns of the rows, and the inputs of the current expression so far.
pub(crate) struct PatternNames {
    /// Columns over the fields of the rows: the expression of field `n` is `ExprId(n)`.
    scope: Scope,
    /// The rows, with the arguments of aggregates as expressions over them.
    rows: Stage,
    variables: Vec<String>,
    /// The first place of each variable.
    places: HashMap<String, usize>,
    /// Time attributes, indexed by field.
    times: Vec<Option<TimeAttribute>>,
    order: TimeAttribute,
    /// In `DEFINE`: the variable that the current row is tested for.
    current: Option<usize>,
    /// The enclosing `FIRST` or `LAST` call.
    navigation: Option<Navigation>,
    /// Indexed by the input's number in the graph.
    inputs: Vec<NamedInput>,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) struct Navigation {
    pub(super) end: RowsEnd,
    pub(super) offset: u32,
}

#[derive(Clone, PartialEq)]
pub(super) enum NamedInput {
    Row { variable: Option<usize>, field: usize, end: RowsEnd, offset: u32 },
    Aggregate { variable: Option<usize>, call: BoundAggregate },
    RowTime,
}

impl PatternNames {
    /// `columns` are the columns of the rows, over the inputs of `rows`; `times` are the time attributes of the
    /// fields, and `order` is the first one of ORDER BY.
    pub(super) fn new(
        columns: Rc<[Column]>,
        rows: Stage,
        variables: Vec<String>,
        times: Vec<Option<TimeAttribute>>,
        order: TimeAttribute,
    ) -> PatternNames {
        // All variables have the same columns, which may be used without a variable.
        let tables = variables
            .iter()
            .map(|name| ScopeTable { qualifier: Some(name.clone()), columns: columns.clone() })
            .collect();
        let mut places = HashMap::new();
        for (place, variable) in variables.iter().enumerate() {
            places.entry(variable.clone()).or_insert(place);
        }

        PatternNames {
            scope: Scope::new(columns, tables),
            rows,
            variables,
            places,
            times,
            order,
            current: None,
            navigation: None,
            inputs: vec![],
        }
    }

    /// Begins an expression: in `DEFINE` for the variable at a place, or in `MEASURES`.
    pub(super) fn begin(&mut self, current: Option<usize>) {
        self.current = current;
        self.inputs.clear();
    }

    /// Ends the expression; returns its inputs.
    pub(super) fn end(&mut self) -> Vec<NamedInput> {
        std::mem::take(&mut self.inputs)
    }

    /// Returns the rows, with the arguments of all aggregates as expressions over them.
    pub(super) fn into_rows(self) -> Stage {
        self.rows
    }

    /// Returns the graph of the rows and the names of their columns, for the arguments of an aggregate.
    pub(super) fn rows(&mut self) -> (&mut Graph, &Scope) {
        (self.rows.graph_mut(), &self.scope)
    }

    pub(super) fn variables(&self) -> &[String] {
        &self.variables
    }

    /// Returns the first place of a variable.
    pub(super) fn place(&self, variable: &str) -> Option<usize> {
        self.places.get(variable).copied()
    }

    /// Returns the time by which the rows are ordered.
    pub(super) fn order(&self) -> TimeAttribute {
        self.order
    }

    /// Enters or leaves a `FIRST` or `LAST` call.
    pub(super) fn navigate(&mut self, navigation: Option<Navigation>) {
        self.navigation = navigation;
    }

    /// Returns whether a `FIRST` or `LAST` call is being bound.
    pub(super) fn is_navigating(&self) -> bool {
        self.navigation.is_some()
    }

    /// Returns the type of the event time with this name; `None` if another column has the name.
    pub(super) fn event_time(&self, path: &[Ident]) -> Result<Option<ColumnType>, Unresolved<'_>> {
        match self.scope.find(path) {
            Found::Cell(Cell::Scalar(id)) if self.times[id.0 as usize] == Some(TimeAttribute::Event) => {
                Ok(Some(self.rows.graph().exprs.column_type(*id).clone()))
            }
            Found::Unknown(unresolved) | Found::Error(unresolved) => Err(unresolved),
            Found::Cell(_) | Found::Inside(..) => Ok(None),
        }
    }

    /// Resolves a name to the value it refers to.
    pub(in crate::bind) fn find(
        &mut self,
        path: &[Ident],
        nodes: &mut NodeBuilder<'_>,
    ) -> Result<Cell, Box<Diagnostic>> {
        let cell = match self.scope.find(path) {
            Found::Cell(cell) => cell.clone(),
            Found::Unknown(unresolved) | Found::Error(unresolved) | Found::Inside(_, _, unresolved) => {
                return Err(Box::new(unresolved.behind(nodes.findings())));
            }
        };
        let variable = self.variable_of(path);
        Ok(cell.map(&mut |row: ExprId| self.picked(variable, row.0 as usize, nodes)))
    }

    /// Returns the variable that a name begins with.
    fn variable_of(&self, path: &[Ident]) -> Option<usize> {
        let [first, second, ..] = path else { return None };
        let is_row = |column: &Column| column.name == first.value && has_field(column, &second.value);
        if self.scope.merged().iter().any(is_row) {
            return None;
        }
        self.places.get(&first.value).copied()
    }

    /// Returns the input for a field of the row selected by the current navigation.
    fn picked(&mut self, variable: Option<usize>, field: usize, nodes: &mut NodeBuilder<'_>) -> ExprId {
        let Navigation { end, offset } =
            self.navigation.unwrap_or(Navigation { end: RowsEnd::Last, offset: 0 });
        let column = &self.rows.graph().exprs.inputs[field];
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
        self.input(NamedInput::Row { variable, field, end, offset }, name, column_type, nodes)
    }

    /// Returns the expression's input for `input`; it is added on first use.
    pub(super) fn input(
        &mut self,
        input: NamedInput,
        name: String,
        column_type: ColumnType,
        nodes: &mut NodeBuilder<'_>,
    ) -> ExprId {
        match self.inputs.iter().position(|known| *known == input) {
            Some(place) => nodes.add(Expr::Column(place), column_type),
            None => {
                self.inputs.push(input);
                nodes.add_input(name, column_type, InputOrigin::Row)
            }
        }
    }

    /// Returns the only variable that the names in the expressions begin with; `None` stands for all rows.
    ///
    /// # Errors
    /// Returns two different variables that are named.
    pub(super) fn only_variable(&self, exprs: &[ast::Expr]) -> Result<NamedRows, (String, String)> {
        let mut names = vec![];
        exprs.iter().for_each(|expr| collect(expr, &mut names));
        let mut found = names.into_iter().map(|path| self.variable_of(path));
        let Some(first) = found.next() else { return Ok(NamedRows::Nothing) };

        let shown = |variable: Option<usize>| match variable {
            Some(variable) => format!("`{}`", self.variables[variable]),
            None => "all rows".to_owned(),
        };
        match found.find(|other| *other != first) {
            Some(other) => Err((shown(first), shown(other))),
            None => Ok(NamedRows::Rows(first)),
        }
    }
}

/// The rows to which the columns of an expression belong.
pub(super) enum NamedRows {
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
