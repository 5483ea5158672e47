//! The meaning of names in an expression.
//!
//! A [`NameResolver`] searches a name in this order, and the first place that has the name wins:
//!
//! 1. the columns of this query's FROM;
//! 2. the columns of its SELECT (`aliases`), for a name without a qualifier;
//! 3. the columns of the enclosing query, which become inputs of this one.
//!
//! In `MATCH_RECOGNIZE`, names are fields of matched rows instead. The resolver also knows the GROUP BY and the
//! named windows, and remembers where the script names each column, for errors that are found later.

use super::fields::field_at;
use super::group_keys::GroupContext;
use super::matching::PatternNames;
use super::nodes::NodeBuilder;
use super::resolve::{Found, Scope, Unresolved};
use super::scope::OuterScope;
use super::{Cell, Column};
use crate::expr::ExprId;
use crate::parse::ast::{Ident, OverWindow};

/// Resolves names to columns.
pub(super) struct NameResolver<'a> {
    meaning: Meaning<'a>,
    group: Option<&'a GroupContext>,
    windows: &'a [(Ident, OverWindow)],
    uses: Vec<(ExprId, Ident)>,
}

/// What a name refers to.
enum Meaning<'a> {
    Columns { scope: &'a Scope, outer: Option<&'a OuterScope>, aliases: &'a [Column] },
    MatchedRows(&'a mut PatternNames),
}

impl<'a> NameResolver<'a> {
    /// Creates a resolver for a clause of a SELECT.
    pub(super) fn new(
        scope: &'a Scope,
        outer: Option<&'a OuterScope>,
        aliases: &'a [Column],
        group: Option<&'a GroupContext>,
        windows: &'a [(Ident, OverWindow)],
    ) -> NameResolver<'a> {
        NameResolver { meaning: Meaning::Columns { scope, outer, aliases }, group, windows, uses: vec![] }
    }

    /// Creates a resolver for an expression of `MATCH_RECOGNIZE`.
    pub(super) fn of_pattern(pattern: &'a mut PatternNames) -> NameResolver<'a> {
        NameResolver { meaning: Meaning::MatchedRows(pattern), group: None, windows: &[], uses: vec![] }
    }

    /// Resolves a name. A column of the enclosing query becomes an input.
    pub(super) fn find(
        &mut self,
        path: &[Ident],
        nodes: &mut NodeBuilder<'_>,
    ) -> Result<Cell, Unresolved<'a>> {
        let (scope, outer, aliases) = match &mut self.meaning {
            Meaning::Columns { scope, outer, aliases } => (*scope, *outer, *aliases),
            Meaning::MatchedRows(pattern) => return pattern.find(path, nodes).map_err(Unresolved::plain),
        };

        let unknown = match scope.find(path) {
            Found::Cell(cell) => return Ok(cell.clone()),
            Found::Inside(id, fields, error) if nodes.is_row(id) => {
                return field_at(nodes, id, &fields).map(Cell::Scalar).ok_or(error);
            }
            Found::Error(error) => return Err(error),
            Found::Unknown(error) | Found::Inside(_, _, error) => error,
        };

        if let [name] = path
            && let Some(column) = aliases.iter().find(|column| column.name == name.value)
        {
            return Ok(column.cell.clone());
        }

        let Some(outer) = outer else { return Err(unknown) };
        match outer.scope.find(path) {
            Found::Cell(cell) => {
                let name = path.last().map_or("", |last| &last.value);
                Ok(cell.map(&mut |id| nodes.outer_input(name, outer.exprs.column_type(id), id)))
            }
            Found::Inside(id, fields, error) => {
                let name = path.first().map_or("", |first| &first.value);
                let row = nodes.outer_input(name, outer.exprs.column_type(id), id);
                match nodes.is_row(row) {
                    true => field_at(nodes, row, &fields).map(Cell::Scalar).ok_or(error),
                    false => Err(unknown),
                }
            }
            Found::Error(error) => Err(error),
            Found::Unknown(_) => Err(unknown),
        }
    }

    /// Returns the cell of a name in this query's FROM. It is not copied: a map of metadata may have thousands
    /// of values.
    pub(super) fn cell(&self, path: &[Ident]) -> Option<&'a Cell> {
        match self.scope()?.find(path) {
            Found::Cell(cell) => Some(cell),
            _ => None,
        }
    }

    /// Returns the tables of this query's FROM.
    pub(super) fn scope(&self) -> Option<&'a Scope> {
        match &self.meaning {
            Meaning::Columns { scope, .. } => Some(scope),
            Meaning::MatchedRows(_) => None,
        }
    }

    /// Returns the matched rows to which names refer in `MATCH_RECOGNIZE`.
    pub(super) fn pattern(&mut self) -> Option<&mut PatternNames> {
        match &mut self.meaning {
            Meaning::Columns { .. } => None,
            Meaning::MatchedRows(pattern) => Some(pattern),
        }
    }

    /// Returns the query's GROUP BY.
    pub(super) fn group(&self) -> Option<&'a GroupContext> {
        self.group
    }

    /// Returns the windows of the `WINDOW` clause.
    pub(super) fn windows(&self) -> &'a [(Ident, OverWindow)] {
        self.windows
    }

    /// Remembers where the script names a column.
    pub(super) fn note_use(&mut self, id: ExprId, name: Ident) {
        self.uses.push((id, name));
    }

    /// Returns the number of uses so far.
    pub(super) fn uses(&self) -> usize {
        self.uses.len()
    }

    /// Forgets all uses but the first ones.
    pub(super) fn forget_uses_behind(&mut self, count: usize) {
        self.uses.truncate(count);
    }

    /// Returns each named column with its place in the script.
    pub(super) fn take_uses(&mut self) -> Vec<(ExprId, Ident)> {
        std::mem::take(&mut self.uses)
    }
}
