//! Scopes: the tables of a `FROM` side by side, and the lookup of names in them.
//!
//! A SELECT may look up thousands of names among thousands of columns. A scope therefore builds an index when it
//! has been asked a few times, and an error searches for similar names only if it is reported.

use std::cell::{Cell as Counter, OnceCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::{Cell, Column};
use crate::error::{Diagnostic, SUGGESTIONS_MAX, did_you_mean};
use crate::expr::ExprId;
use crate::parse::ast::Ident;

/// Number of lookups after which an index is built.
const FEW_LOOKUPS: usize = 16;

/// The tables of a `FROM` clause.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    /// Columns that `USING` or `NATURAL` merged from two columns.
    merged: Rc<[Column]>,
    tables: Vec<ScopeTable>,
    lookups: Counter<usize>,
    index: OnceCell<Rc<Index>>,
}

#[derive(Debug, Clone)]
pub(crate) struct ScopeTable {
    /// Alias or name that may qualify a column.
    pub(crate) qualifier: Option<String>,
    pub(crate) columns: Rc<[Column]>,
}

/// The columns and tables of a scope by name.
#[derive(Debug)]
struct Index {
    /// Places of the columns that may be used without a qualifier: the table, unless the column is merged, and
    /// the place in it.
    columns: HashMap<String, Vec<(Option<usize>, usize)>>,
    /// The first table with each qualifier.
    tables: HashMap<String, usize>,
}

impl Scope {
    pub(crate) fn new(merged: impl Into<Rc<[Column]>>, tables: Vec<ScopeTable>) -> Scope {
        Scope { merged: merged.into(), tables, ..Scope::default() }
    }

    pub(crate) fn of(qualifier: Option<String>, columns: Vec<Column>) -> Scope {
        Scope::new([], vec![ScopeTable { qualifier, columns: columns.into() }])
    }

    /// Returns the columns of `*`, merged columns first.
    pub(crate) fn all(&self) -> Vec<Column> {
        let names: HashSet<&str> = self.merged.iter().map(|column| column.name.as_str()).collect();
        let is_other = |column: &&Column| !names.contains(column.name.as_str());
        let others = self.tables.iter().flat_map(|table| table.columns.iter().filter(is_other));
        self.merged.iter().chain(others).cloned().collect()
    }

    /// Returns the columns that `USING` or `NATURAL` merged.
    pub(super) fn merged(&self) -> &[Column] {
        &self.merged
    }

    pub(crate) fn table(&self, qualifier: &str) -> Option<&ScopeTable> {
        match self.index() {
            Some(index) => index.tables.get(qualifier).map(|place| &self.tables[*place]),
            None => self.tables.iter().find(|table| table.qualifier.as_deref() == Some(qualifier)),
        }
    }

    /// Returns all columns with this name that may be used without a qualifier.
    fn named(&self, name: &str) -> Vec<&Column> {
        if let Some(index) = self.index() {
            let places = index.columns.get(name).map_or(&[][..], Vec::as_slice);
            return places.iter().map(|(table, place)| self.column(*table, *place)).collect();
        }

        let merged: Vec<&Column> = self.merged.iter().filter(|column| column.name == name).collect();
        if !merged.is_empty() {
            return merged;
        }
        self.unmerged().flat_map(|(_, columns)| columns).filter(|column| column.name == name).collect()
    }

    fn column(&self, table: Option<usize>, place: usize) -> &Column {
        table
            .map_or(&self.merged, |table| &self.tables[table].columns)
            .get(place)
            .expect("the index is right")
    }

    /// Returns the tables that have columns besides the merged ones. The variables of a pattern have none.
    fn unmerged(&self) -> impl Iterator<Item = (usize, &[Column])> {
        let tables = self.tables.iter().enumerate();
        let others = tables.filter(|(_, table)| !Rc::ptr_eq(&table.columns, &self.merged));
        others.map(|(place, table)| (place, &*table.columns))
    }

    /// Returns the index, once there were enough lookups to build it.
    fn index(&self) -> Option<&Index> {
        let lookups = self.lookups.get();
        self.lookups.set(lookups.saturating_add(1));
        (lookups >= FEW_LOOKUPS).then(|| &**self.index.get_or_init(|| Rc::new(self.built_index())))
    }

    fn built_index(&self) -> Index {
        let mut columns: HashMap<String, Vec<(Option<usize>, usize)>> = HashMap::new();
        for (place, column) in self.merged.iter().enumerate() {
            columns.entry(column.name.clone()).or_default().push((None, place));
        }
        let merged: HashSet<&str> = self.merged.iter().map(|column| column.name.as_str()).collect();
        for (table, of_table) in self.unmerged() {
            for (place, column) in of_table.iter().enumerate() {
                if !merged.contains(column.name.as_str()) {
                    columns.entry(column.name.clone()).or_default().push((Some(table), place));
                }
            }
        }

        let mut tables = HashMap::new();
        for (place, table) in self.tables.iter().enumerate() {
            if let Some(qualifier) = &table.qualifier {
                tables.entry(qualifier.clone()).or_insert(place);
            }
        }
        Index { columns, tables }
    }

    /// Looks up `column`, `column.field…` or `table.column…`.
    pub(super) fn find(&self, path: &[Ident]) -> Found<'_> {
        let (first, rest) = path.split_first().expect("a name has at least one part");
        let qualified = if rest.is_empty() { None } else { self.table(&first.value) };
        let matching = self.named(&first.value);

        match (matching.as_slice(), qualified) {
            ([], Some(table)) => fields(&table.columns, &rest[0], &rest[1..], Some(first)),
            ([], None) => {
                let error = Diagnostic::error(first.span, format!("there is no column `{}`", first.value));
                Found::Unknown(Unresolved::new(error, first, Similar::Columns(self)))
            }
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
                let mut tables = self.tables.iter().filter_map(|of| of.qualifier.as_deref());
                let hint = match (tables.next(), tables.next()) {
                    (Some(one), Some(_)) => format!("name the table too: `{one}`.`{}`", first.value),
                    _ => "give each its own name with AS".to_owned(),
                };
                let error = Diagnostic::error(first.span, message).with_hint(hint);
                Found::Error(Unresolved::plain(Box::new(error)))
            }
        }
    }
}

/// The result of looking up a name in a scope.
pub(super) enum Found<'a> {
    Cell(&'a Cell),
    /// A scalar and the field names behind it, which are valid only if it is a `ROW`.
    Inside(ExprId, Vec<Ident>, Unresolved<'a>),
    /// Nothing in this scope has the name; the enclosing query may have it.
    Unknown(Unresolved<'a>),
    Error(Unresolved<'a>),
}

/// The error for a name that is not found.
pub(super) struct Unresolved<'a> {
    error: Box<Diagnostic>,
    name: String,
    similar: Similar<'a>,
}

/// Where similar names are searched.
#[derive(Clone, Copy)]
enum Similar<'a> {
    Nowhere,
    Columns(&'a Scope),
    Fields(&'a [Column]),
}

impl<'a> Unresolved<'a> {
    fn new(error: Diagnostic, name: &Ident, similar: Similar<'a>) -> Unresolved<'a> {
        Unresolved { error: Box::new(error), name: name.value.clone(), similar }
    }

    /// Creates an error that is complete.
    pub(super) fn plain(error: Box<Diagnostic>) -> Unresolved<'a> {
        Unresolved { error, name: String::new(), similar: Similar::Nowhere }
    }

    /// Completes the error with what was probably meant. Behind many other findings, nothing is searched.
    pub(super) fn behind(self, findings: usize) -> Diagnostic {
        let Unresolved { error, name, similar } = self;
        match similar {
            _ if findings >= SUGGESTIONS_MAX => *error,
            Similar::Nowhere => *error,
            Similar::Fields(among) => suggest(*error, &name, among),
            Similar::Columns(scope) => suggest_column(*error, &name, &scope.all()),
        }
    }
}

/// Adds the most similar column, or a field of the name, as a hint.
fn suggest_column(error: Diagnostic, name: &str, columns: &[Column]) -> Diagnostic {
    let error = suggest(error, name, columns);
    if error.hint.is_some() {
        return error;
    }
    match columns.iter().find(|column| has_field(column, name)) {
        Some(owner) => error.with_hint(format!("did you mean `{}`.`{name}`?", owner.name)),
        None if name.starts_with("window_") => error
            .with_hint("window columns come from a window table function: FROM TABLE(TUMBLE(TABLE t, …))"),
        None => error,
    }
}

fn fields<'a>(among: &'a [Column], name: &Ident, rest: &[Ident], of: Option<&Ident>) -> Found<'a> {
    match among.iter().find(|column| column.name == name.value) {
        Some(column) => descend(&column.cell, name, rest),
        None => {
            let owner = of.map(|of| format!(" in `{}`", of.value)).unwrap_or_default();
            let error = Diagnostic::error(name.span, format!("there is no `{}`{owner}", name.value));
            Found::Error(Unresolved::new(error, name, Similar::Fields(among)))
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

fn no_field<'a>(of: &Ident, field: &Ident) -> Unresolved<'a> {
    let message = format!("`{}` is not a ROW with a field `{}`", of.value, field.value);
    Unresolved::plain(Box::new(Diagnostic::error(field.span, message)))
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
