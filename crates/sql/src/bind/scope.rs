//! Relations: what a `FROM` or a view stands for, and how a name is found in one.

use types::{ColumnType, DataType};

use super::ExprBinder;
use crate::error::{Diagnostic, did_you_mean};
use crate::expr::ExprId;
use crate::graph::Graph;
use crate::parse::ast::Ident;
use crate::plan::{Aggregate, Window};

/// Rows of one source, filtered, projected, and perhaps windowed and grouped.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    /// The table's index in the catalog.
    pub(crate) source: usize,
    pub(crate) columns: Vec<Column>,
    /// Over the source's graph; all must be true.
    pub(crate) filters: Vec<ExprId>,
    pub(crate) stage: Stage,
}

#[derive(Debug, Clone)]
pub(crate) enum Stage {
    /// Columns are over the source's graph.
    Rows,
    /// As rows, with the window's columns; `conditions` are those on the window's columns alone.
    Windowed { window: Window, conditions: Vec<ExprId> },
    /// Columns are over the group's own graph.
    Grouped(Box<Group>),
}

/// A window aggregation.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) window: Window,
    pub(crate) keys: Vec<ExprId>,
    pub(crate) aggregates: Vec<Aggregate>,
    /// Inputs: keys, aggregates, `window_start`, `window_end`, `window_time`.
    pub(crate) output: Graph,
    pub(crate) having: Vec<ExprId>,
}

#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) cell: Cell,
}

/// What a column holds.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    Scalar(ExprId),
    /// A `ROW`: only its fields have values.
    Row(Vec<Column>),
    /// A value of a type that can be declared but not read: an `ARRAY`, a `MAP`, or a class of Java.
    Unreadable(DataType),
    /// A `MAP` of a record's metadata, of which the values can be read whose keys the script writes out.
    Map {
        data_type: DataType,
        values: Vec<(String, ExprId)>,
    },
}

/// What a name stands for in a relation.
pub(super) enum Found<'a> {
    Cell(&'a Cell),
    Error(Box<Diagnostic>),
}

impl ExprBinder<'_> {
    /// `column`, `column.field…`, `table.column…`.
    pub(super) fn find(&self, path: &[Ident]) -> Found<'_> {
        let (first, rest) = path.split_first().expect("a name has at least one part");
        let qualified = self.qualifier.is_some_and(|qualifier| qualifier == first.value) && !rest.is_empty();
        let matching: Vec<&Column> = self.columns.iter().filter(|c| c.name == first.value).collect();

        match matching.as_slice() {
            [] if qualified => self.fields(self.columns, &rest[0], &rest[1..], Some(first)),
            [] => Found::Error(self.unknown_column(first)),
            [column] => {
                // A qualifier that is also a column: the column wins, unless only the qualifier makes sense.
                if qualified && !has_field(column, &rest[0].value) {
                    return self.fields(self.columns, &rest[0], &rest[1..], Some(first));
                }
                self.descend(&column.cell, first, rest)
            }
            _ => {
                let error = Diagnostic::error(
                    first.span,
                    format!("`{}` is the name of several columns", first.value),
                );
                Found::Error(Box::new(error.with_hint("give each its own name with AS")))
            }
        }
    }

    fn fields<'a>(
        &'a self,
        among: &'a [Column],
        name: &Ident,
        rest: &[Ident],
        of: Option<&Ident>,
    ) -> Found<'a> {
        match among.iter().find(|column| column.name == name.value) {
            Some(column) => self.descend(&column.cell, name, rest),
            None => {
                let owner = of.map(|of| format!(" in `{}`", of.value)).unwrap_or_default();
                let message = format!("there is no `{}`{owner}", name.value);
                Found::Error(Box::new(suggest(Diagnostic::error(name.span, message), &name.value, among)))
            }
        }
    }

    fn descend<'a>(&'a self, cell: &'a Cell, name: &Ident, rest: &[Ident]) -> Found<'a> {
        let Some((field, behind)) = rest.split_first() else { return Found::Cell(cell) };
        match cell {
            Cell::Row(fields) => self.fields(fields, field, behind, Some(name)),
            Cell::Scalar(_) | Cell::Unreadable(_) | Cell::Map { .. } => {
                let message = format!("`{}` is not a ROW and has no field `{}`", name.value, field.value);
                Found::Error(Box::new(Diagnostic::error(field.span, message)))
            }
        }
    }

    fn unknown_column(&self, name: &Ident) -> Box<Diagnostic> {
        let error = Diagnostic::error(name.span, format!("there is no column `{}`", name.value));
        let mut error = suggest(error, &name.value, self.columns);
        if error.hint.is_none() {
            // Perhaps a field of a ROW was meant.
            let owner = self.columns.iter().find(|column| has_field(column, &name.value));
            error.hint = owner.map(|o| format!("did you mean `{}`.`{}`?", o.name, name.value));
        }
        if error.hint.is_none() && name.value.starts_with("window_") {
            error.hint = Some(
                "window columns come from a window table function: FROM TABLE(TUMBLE(TABLE t, …))".to_owned(),
            );
        }
        Box::new(error)
    }
}

fn has_field(column: &Column, name: &str) -> bool {
    matches!(&column.cell, Cell::Row(fields) if fields.iter().any(|field| field.name == name))
}

/// With the nearest name, or all of them where they are few.
pub(crate) fn suggest(error: Diagnostic, name: &str, columns: &[Column]) -> Diagnostic {
    match did_you_mean(name, columns.iter().map(|c| c.name.as_str())) {
        Some(hint) => error.with_hint(hint),
        None if (1..=16).contains(&columns.len()) => {
            let names: Vec<String> = columns.iter().map(|c| format!("`{}`", c.name)).collect();
            error.with_detail(format!("the columns are {}", names.join(", ")))
        }
        None => error,
    }
}

/// The columns of a table's declared column: leaves become inputs, `make_leaf` says which.
pub(crate) fn cell_of(
    path: &mut Vec<String>,
    column_type: &ColumnType,
    nullable_above: bool,
    make_leaf: &mut impl FnMut(&[String], ColumnType) -> ExprId,
) -> Cell {
    let nullable = nullable_above || column_type.nullable;
    match &column_type.data_type {
        DataType::Row(fields) => {
            let mut columns = Vec::with_capacity(fields.len());
            for field in fields {
                path.push(field.name.clone());
                let cell = cell_of(path, &field.column_type, nullable, make_leaf);
                path.pop();
                columns.push(Column { name: field.name.clone(), cell });
            }
            Cell::Row(columns)
        }
        unreadable if unreadable.repr().is_none() => Cell::Unreadable(unreadable.clone()),
        scalar => Cell::Scalar(make_leaf(path, ColumnType { data_type: scalar.clone(), nullable })),
    }
}
