//! Tables that nobody declared: rows that are written out in a query, what a query's rows are fetched from, and tables
//! with other options, which hints make of declared ones.

use std::sync::Arc;

use types::{ColumnType, Value};

use super::{Catalog, Table};
use crate::bind::{Cell, Column};
use crate::error::Span;
use crate::graph::Origin;
use crate::plan::{Leaf, TableColumn, TableOption};

/// How many tables with other options a script's hints may make: each is a source or a sink of its own.
pub(crate) const MAX_HINTED: usize = 100;

impl Catalog {
    /// The table with some options changed or added; its place. Where the same was asked for before, it is that table.
    /// `None` where a script has asked for too many.
    pub(crate) fn with_options(
        &mut self,
        index: usize,
        options: Vec<(String, TableOption)>,
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
    /// What a query's rows are written into where somebody fetches them.
    pub(crate) fn collected(columns: Vec<(String, ColumnType)>, span: Span) -> Table {
        let column = |(name, column_type)| TableColumn { name, column_type, metadata: None };
        Table {
            stored: columns.into_iter().map(column).collect(),
            ..Table::empty("collect".to_owned(), span)
        }
    }

    /// Rows that are written out, as a table to be read.
    pub(crate) fn values(types: Vec<ColumnType>, rows: Vec<Vec<Value>>, span: Span) -> Table {
        let mut table = Table::empty("values".to_owned(), span);
        for (at, column_type) in types.into_iter().enumerate() {
            let name = format!("EXPR${at}");
            let input = table.graph.add_input(name.clone(), column_type.clone(), Origin::Row);
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
