//! Tables that the script does not declare: `VALUES`, the result tables of fetched queries, and copies of
//! declared tables with other options, which hints create.

use std::collections::BTreeMap;
use std::sync::Arc;

use types::{ColumnType, Value};

use super::{Catalog, Table};
use crate::bind::{Cell, Column};
use crate::error::Span;
use crate::graph::InputOrigin;
use crate::plan::{Leaf, TableColumn, TableOption};

/// Largest number of tables that a script's hints may create; each is a source or sink of its own.
pub(crate) const MAX_HINTED: usize = 100;

impl Catalog {
    /// Returns the index of a copy of the table with changed options. Equal requests share a copy. Returns
    /// `None` if the script's hints ask for too many copies.
    pub(crate) fn with_options(
        &mut self,
        index: usize,
        options: BTreeMap<String, TableOption>,
    ) -> Option<usize> {
        let mut table = self.tables[index].clone();
        for (key, option) in options {
            table.options.hinted.insert(key.clone());
            table.options.entries.insert(key, option);
        }

        let is_same = |place: &usize| {
            let other = &self.tables[*place];
            other.span == table.span && other.options.says_the_same(&table.options)
        };
        if let Some(known) = self.hinted.iter().copied().find(is_same) {
            return Some(known);
        }
        if self.hinted.len() == MAX_HINTED {
            return None;
        }
        let place = self.add_nameless(table);
        self.hinted.push(place);
        Some(place)
    }
}

impl Table {
    /// Creates the table into which the rows of a fetched query are written.
    pub(crate) fn collected(columns: Vec<(String, ColumnType)>, span: Span) -> Table {
        let column = |(name, column_type)| TableColumn { name, column_type, metadata: None };
        Table {
            stored: columns.into_iter().map(column).collect(),
            ..Table::empty("collect".to_owned(), span)
        }
    }

    /// Creates a table to read literal rows from.
    pub(crate) fn values(types: Vec<ColumnType>, rows: Vec<Vec<Value>>, span: Span) -> Table {
        let mut table = Table::empty("values".to_owned(), span);
        for (at, column_type) in types.into_iter().enumerate() {
            let name = format!("EXPR${at}");
            let input = table.graph.add_input(name.clone(), column_type.clone(), InputOrigin::Row);
            table.leaves.push(Leaf {
                path: vec![name.clone()],
                column_type: column_type.clone(),
                metadata: None,
            });
            table.columns.push(Column { name: name.clone(), cell: Cell::Scalar(input) });
            table.stored.push(TableColumn { name, column_type, metadata: None });
        }
        table.rows = Some(Arc::new(rows));
        table
    }
}
