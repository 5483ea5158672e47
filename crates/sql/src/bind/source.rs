//! The tables of a FROM while it is bound: side by side, over the fields of one node.

use std::sync::Arc;

use super::Column;
use super::resolve::{Scope, ScopeTable};
use super::scope::Relation;
use crate::expr::ExprId;
use crate::graph::Graph;
use crate::rel::Rel;

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
