//! Scopes: the tables of a `FROM` side by side, and the lookup of names in them.

use std::sync::Arc;

use types::{ColumnType, DataType};

use super::ExprBinder;
use crate::error::{Diagnostic, did_you_mean};
use crate::expr::ExprId;
use crate::parse::ast::Ident;
use crate::rel::Rel;

/// The result of a query, view or table: rows, and the columns that name their fields.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    pub(crate) rel: Arc<Rel>,
    /// Columns over the fields of `rel`.
    pub(crate) columns: Vec<Column<usize>>,
    /// Conditions on this query's rows that name columns of the enclosing query.
    pub(crate) correlated: Vec<Correlated>,
}

/// A condition of a subquery on rows of the enclosing query.
#[derive(Debug, Clone)]
pub(crate) struct Correlated {
    /// Its inputs are the fields of the relation, then one input for each of `outer`.
    pub(crate) exprs: crate::expr::ExprGraph,
    pub(crate) condition: ExprId,
    /// Expressions of the enclosing query.
    pub(crate) outer: Vec<ExprId>,
}

#[derive(Debug, Clone)]
pub(crate) struct Column<T = ExprId> {
    pub(crate) name: String,
    pub(crate) cell: Cell<T>,
}

/// The content of a column. `T` identifies a scalar: an expression, or a field of a node.
#[derive(Debug, Clone)]
pub(crate) enum Cell<T = ExprId> {
    Scalar(T),
    /// A stored `ROW` whose fields are read separately.
    Row {
        fields: Vec<Column<T>>,
        /// The row as one value; `None` if it contains a type that cannot be read.
        whole: Option<T>,
    },
    /// A value of a type that can be declared but not read, such as a Java class.
    Unreadable(DataType),
    /// A `MAP` of metadata. Only values whose keys appear in the script can be read.
    Map {
        data_type: DataType,
        values: Vec<(String, T)>,
    },
}

impl<T: Copy> Cell<T> {
    /// Maps the scalars of the cell.
    pub(crate) fn map<U>(&self, map: &mut impl FnMut(T) -> U) -> Cell<U> {
        match self {
            Cell::Scalar(scalar) => Cell::Scalar(map(*scalar)),
            Cell::Row { fields, whole } => Cell::Row {
                fields: fields.iter().map(|field| field.map(map)).collect(),
                whole: whole.map(&mut *map),
            },
            Cell::Unreadable(data_type) => Cell::Unreadable(data_type.clone()),
            Cell::Map { data_type, values } => Cell::Map {
                data_type: data_type.clone(),
                values: values.iter().map(|(key, scalar)| (key.clone(), map(*scalar))).collect(),
            },
        }
    }
}

impl<T: Copy> Column<T> {
    pub(crate) fn map<U>(&self, map: &mut impl FnMut(T) -> U) -> Column<U> {
        Column { name: self.name.clone(), cell: self.cell.map(map) }
    }
}

/// The tables of a `FROM` clause.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    /// Columns that `USING` or `NATURAL` merged from two columns.
    pub(crate) merged: Vec<Column>,
    pub(crate) tables: Vec<ScopeTable>,
}

#[derive(Debug, Clone)]
pub(crate) struct ScopeTable {
    /// Alias or name that may qualify a column.
    pub(crate) qualifier: Option<String>,
    pub(crate) columns: Vec<Column>,
}

impl Scope {
    pub(crate) fn of(qualifier: Option<String>, columns: Vec<Column>) -> Scope {
        Scope { merged: vec![], tables: vec![ScopeTable { qualifier, columns }] }
    }

    /// Returns the columns of `*`, merged columns first.
    pub(crate) fn all(&self) -> Vec<Column> {
        let is_merged = |column: &&Column| !self.merged.iter().any(|merged| merged.name == column.name);
        let others = self.tables.iter().flat_map(|table| table.columns.iter().filter(is_merged));
        self.merged.iter().chain(others).cloned().collect()
    }

    pub(crate) fn table(&self, qualifier: &str) -> Option<&ScopeTable> {
        self.tables.iter().find(|table| table.qualifier.as_deref() == Some(qualifier))
    }

    /// Returns all columns with this name that may be used without a qualifier.
    fn named(&self, name: &str) -> Vec<&Column> {
        let merged: Vec<&Column> = self.merged.iter().filter(|column| column.name == name).collect();
        if !merged.is_empty() {
            return merged;
        }
        self.tables.iter().flat_map(|table| &table.columns).filter(|column| column.name == name).collect()
    }

    /// Looks up `column`, `column.field…` or `table.column…`.
    pub(super) fn find(&self, path: &[Ident]) -> Found<'_> {
        let (first, rest) = path.split_first().expect("a name has at least one part");
        let qualified = if rest.is_empty() { None } else { self.table(&first.value) };
        let matching = self.named(&first.value);

        match (matching.as_slice(), qualified) {
            ([], Some(table)) => fields(&table.columns, &rest[0], &rest[1..], Some(first)),
            ([], None) => Found::Unknown(self.unknown_column(first)),
            // If a qualifier is also the name of a column, the column wins unless it has no such field.
            ([column, ..], Some(table)) if !has_field(column, &rest[0].value) => {
                fields(&table.columns, &rest[0], &rest[1..], Some(first))
            }
            ([column], _) => match descend(&column.cell, first, rest) {
                // The name may be that of a table of the enclosing query.
                Found::Error(error) if !rest.is_empty() && !matches!(column.cell, Cell::Row { .. }) => {
                    Found::Unknown(error)
                }
                found => found,
            },
            _ => {
                let message = format!("`{}` is the name of several columns", first.value);
                let tables: Vec<&str> = self.tables.iter().filter_map(|of| of.qualifier.as_deref()).collect();
                let hint = match tables[..] {
                    [one, _, ..] => format!("name the table too: `{one}`.`{}`", first.value),
                    _ => "give each its own name with AS".to_owned(),
                };
                Found::Error(Box::new(Diagnostic::error(first.span, message).with_hint(hint)))
            }
        }
    }

    fn unknown_column(&self, name: &Ident) -> Box<Diagnostic> {
        let columns = self.all();
        let error = Diagnostic::error(name.span, format!("there is no column `{}`", name.value));
        let mut error = suggest(error, &name.value, &columns);
        if error.hint.is_none() {
            // The user may have meant a field of a ROW.
            let owner = columns.iter().find(|column| has_field(column, &name.value));
            error.hint = owner.map(|owner| format!("did you mean `{}`.`{}`?", owner.name, name.value));
        }
        if error.hint.is_none() && name.value.starts_with("window_") {
            error.hint = Some(
                "window columns come from a window table function: FROM TABLE(TUMBLE(TABLE t, …))".to_owned(),
            );
        }
        Box::new(error)
    }
}

/// The result of looking up a name in a scope.
pub(super) enum Found<'a> {
    Cell(&'a Cell),
    /// A scalar and the field names behind it, which are valid only if it is a `ROW`.
    Inside(ExprId, Vec<Ident>, Box<Diagnostic>),
    /// Nothing in this scope has the name; the enclosing query may have it.
    Unknown(Box<Diagnostic>),
    Error(Box<Diagnostic>),
}

impl ExprBinder<'_> {
    /// Resolves a name in this query, or in the enclosing query, whose column becomes an input.
    pub(super) fn find(&mut self, path: &[Ident]) -> Result<Cell, Box<Diagnostic>> {
        if let Some(pattern) = &mut self.pattern {
            return pattern.find(path, self.graph);
        }

        let unknown = match self.scope.find(path) {
            Found::Cell(cell) => return Ok(cell.clone()),
            Found::Inside(id, fields, error) if self.is_row(id) => {
                return self.fields(id, &fields).map(Cell::Scalar).ok_or(error);
            }
            Found::Error(error) => return Err(error),
            Found::Unknown(error) | Found::Inside(_, _, error) => error,
        };

        if let [name] = path
            && let Some(column) = self.aliases.iter().find(|column| column.name == name.value)
        {
            return Ok(column.cell.clone());
        }

        let Some(outer) = self.outer else { return Err(unknown) };
        match outer.scope.find(path) {
            Found::Cell(cell) => {
                let graph = &mut self.graph;
                let name = path.last().map_or("", |last| &last.value);
                Ok(cell.map(&mut |id| graph.outer_input(name, outer.exprs.column_type(id), id)))
            }
            Found::Inside(id, fields, error) => {
                let name = path.first().map_or("", |first| &first.value);
                let row = self.graph.outer_input(name, outer.exprs.column_type(id), id);
                match self.is_row(row) {
                    true => self.fields(row, &fields).map(Cell::Scalar).ok_or(error),
                    false => Err(unknown),
                }
            }
            Found::Error(error) => Err(error),
            Found::Unknown(_) => Err(unknown),
        }
    }
}

fn fields<'a>(among: &'a [Column], name: &Ident, rest: &[Ident], of: Option<&Ident>) -> Found<'a> {
    match among.iter().find(|column| column.name == name.value) {
        Some(column) => descend(&column.cell, name, rest),
        None => {
            let owner = of.map(|of| format!(" in `{}`", of.value)).unwrap_or_default();
            let message = format!("there is no `{}`{owner}", name.value);
            Found::Error(Box::new(suggest(Diagnostic::error(name.span, message), &name.value, among)))
        }
    }
}

fn descend<'a>(cell: &'a Cell, name: &Ident, rest: &[Ident]) -> Found<'a> {
    let Some((field, behind)) = rest.split_first() else { return Found::Cell(cell) };
    match cell {
        Cell::Row { fields: columns, .. } => fields(columns, field, behind, Some(name)),
        Cell::Scalar(id) => Found::Inside(*id, rest.to_vec(), no_field(name, field)),
        Cell::Unreadable(_) | Cell::Map { .. } => Found::Error(no_field(name, field)),
    }
}

fn no_field(of: &Ident, field: &Ident) -> Box<Diagnostic> {
    let message = format!("`{}` is not a ROW with a field `{}`", of.value, field.value);
    Box::new(Diagnostic::error(field.span, message))
}

pub(super) fn has_field(column: &Column, name: &str) -> bool {
    matches!(&column.cell, Cell::Row { fields, .. } if fields.iter().any(|field| field.name == name))
}

/// Adds the most similar name as a hint, or lists the columns if there are at most 16.
pub(crate) fn suggest<T>(error: Diagnostic, name: &str, columns: &[Column<T>]) -> Diagnostic {
    match did_you_mean(name, columns.iter().map(|c| c.name.as_str())) {
        Some(hint) => error.with_hint(hint),
        None if (1..=16).contains(&columns.len()) => {
            let names: Vec<String> = columns.iter().map(|c| format!("`{}`", c.name)).collect();
            error.with_detail(format!("the columns are {}", names.join(", ")))
        }
        None => error,
    }
}

/// Returns the cell of a declared column; `make_leaf` adds an input for each leaf.
pub(crate) fn cell_of(
    path: &mut Vec<String>,
    column_type: &ColumnType,
    nullable_above: bool,
    make_leaf: &mut impl FnMut(&[String], ColumnType) -> ExprId,
) -> Cell {
    let nullable = nullable_above || column_type.nullable;
    match &column_type.data_type {
        DataType::Row(fields) => {
            let whole = column_type.data_type.repr().is_some().then(|| {
                let data_type = column_type.data_type.clone();
                make_leaf(path, ColumnType { data_type, nullable })
            });

            let mut columns = Vec::with_capacity(fields.len());
            for field in fields {
                path.push(field.name.clone());
                let cell = cell_of(path, &field.column_type, nullable, make_leaf);
                path.pop();
                columns.push(Column { name: field.name.clone(), cell });
            }
            Cell::Row { fields: columns, whole }
        }
        unreadable if unreadable.repr().is_none() => Cell::Unreadable(unreadable.clone()),
        scalar => Cell::Scalar(make_leaf(path, ColumnType { data_type: scalar.clone(), nullable })),
    }
}

/// The scope of an enclosing query, as its subqueries see it.
#[derive(Debug, Clone)]
pub(crate) struct OuterScope {
    pub(crate) scope: Scope,
    /// The graph that holds the expressions of the scope's cells.
    pub(crate) exprs: crate::expr::ExprGraph,
}
