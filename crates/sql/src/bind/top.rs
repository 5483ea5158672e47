//! A query as a statement: its rows go to whoever fetches them, scalars side by side and rows put together again there.

use types::{ColumnType, DataType, Field};

use super::{Binder, Bound, BoundQuery, Cell, Column};
use crate::bind::Stage;
use crate::catalog::Table;
use crate::error::{Diagnostic, Span};
use crate::expr::ExprId;
use crate::graph::Graph;
use crate::parse::ast::TopQuery;
use crate::plan::{ResultCell, ResultColumn};

/// A query, bound, and what its rows are to look like.
#[derive(Debug)]
pub(crate) struct BoundTop {
    pub(crate) query: BoundQuery,
    pub(crate) columns: Vec<ResultColumn>,
}

/// The scalars that a result is made of.
#[derive(Default)]
struct Scalars {
    names: Vec<(String, ColumnType)>,
    ids: Vec<ExprId>,
}

impl Binder {
    pub(crate) fn top(&mut self, top: &TopQuery) -> Bound<BoundTop> {
        let relation = self.query(&top.query)?;
        self.expect_aggregated(&relation, top.query.span)?;
        let graph: &Graph = match &relation.stage {
            Stage::Grouped(group) => &group.output,
            Stage::Rows | Stage::Windowed { .. } => &self.catalog.tables[relation.source].graph,
        };
        let mut scalars = Scalars::default();
        let count = relation.columns.len();
        let columns = relation.columns.iter().enumerate().map(|(place, column)| {
            scalars.result(graph, column, &column.name, top.query.item_span(place, count))
        });
        let columns: Result<Vec<ResultColumn>, Box<Diagnostic>> = columns.collect();
        let columns = columns.map_err(|error| self.report(*error))?;
        let sink = self.catalog.add_nameless(Table::collected(scalars.names, top.span));
        let query = BoundQuery { sink, relation, columns: scalars.ids, span: top.span };
        Ok(BoundTop { query, columns })
    }
}

impl Scalars {
    fn result(
        &mut self,
        graph: &Graph,
        column: &Column,
        path: &str,
        span: Span,
    ) -> Result<ResultColumn, Box<Diagnostic>> {
        let name = column.name.clone();
        match &column.cell {
            Cell::Scalar(id) => {
                let column_type = graph.exprs.column_type(*id).clone();
                if column_type.data_type == DataType::Null {
                    let error = Diagnostic::error(span, format!("`{path}` is null and nothing else"));
                    return Err(Box::new(error.with_hint("give it a type: CAST(NULL AS STRING)")));
                }
                self.names.push((path.to_owned(), column_type.clone()));
                self.ids.push(*id);
                Ok(ResultColumn { name, column_type, cell: ResultCell::Scalar(self.ids.len() - 1) })
            }
            Cell::Row(fields) => {
                let fields = fields
                    .iter()
                    .map(|field| self.result(graph, field, &format!("{path}.{}", field.name), span));
                let fields = fields.collect::<Result<Vec<ResultColumn>, Box<Diagnostic>>>()?;
                let types = fields
                    .iter()
                    .map(|field| Field { name: field.name.clone(), column_type: field.column_type.clone() });
                let column_type = DataType::Row(types.collect()).nullable();
                Ok(ResultColumn { name, column_type, cell: ResultCell::Row(fields) })
            }
            Cell::Unreadable(data_type) | Cell::Map { data_type, .. } => {
                let error =
                    Diagnostic::error(span, format!("`{path}` is {data_type} and is not read as a whole"));
                Err(Box::new(error.with_hint("name the other columns in the SELECT")))
            }
        }
    }
}
