//! Tables that nobody declared: rows that are written out in a query, and what a query's rows are fetched from.

use std::sync::Arc;

use types::{ColumnType, Value};

use super::Table;
use crate::bind::{Cell, Column};
use crate::error::Span;
use crate::graph::Origin;
use crate::plan::{Leaf, TableColumn};

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
