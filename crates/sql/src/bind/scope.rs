//! The result of a query, its columns, and what a column contains.

use std::collections::HashMap;
use std::sync::Arc;

use types::{ColumnType, DataType};

use super::resolve::Scope;
use crate::catalog::Table;
use crate::expr::{Expr, ExprId};
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

impl Relation {
    /// Reads the table with an index: a scan of its leaves, and its declared columns computed from them.
    pub(super) fn of_table(table: &Table, index: usize) -> Relation {
        let leaves = table.leaves.iter().map(|leaf| (leaf.path.join("."), leaf.column_type.clone()));
        let scan = Rel::scan(index, leaves.collect(), table.span);

        let mut fields: Vec<(String, ExprId)> = vec![];
        let mut places: HashMap<ExprId, usize> = HashMap::new();
        let columns = table.columns.iter().map(|column| {
            column.map(&mut |id| {
                *places.entry(id).or_insert_with(|| {
                    let name = match table.graph.exprs.expr(id) {
                        Expr::Column(leaf) => table.graph.exprs.inputs[*leaf].name.clone(),
                        _ => column.name.clone(),
                    };
                    fields.push((name, id));
                    fields.len() - 1
                })
            })
        });
        let columns: Vec<Column<usize>> = columns.collect();
        let rowtime = table.rowtime.as_ref().map(|rowtime| rowtime.time);
        let event_time = rowtime.and_then(|time| places.get(&time).copied());

        let mut rel = Rel::calc(scan, table.graph.exprs.clone(), vec![], fields, table.span);
        if let Some(field) = event_time {
            rel = rel.with_event_time(field);
        }
        Relation { rel, columns, correlated: vec![] }
    }
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
