//! A query as a statement: its rows go to whoever fetches them, scalars side by side and rows put together again there.

use types::{ColumnType, DataType, Field};

use super::stage::Stage;
use super::{Binder, Bound, BoundQuery, Cell, Column};
use crate::catalog::Table;
use crate::error::{Diagnostic, Span};
use crate::expr::ExprId;
use crate::parse::ast::{Query, QueryBody, TopQuery};
use crate::plan::{ResultCell, ResultColumn};
use crate::rel::Rel;

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
    fields: Vec<usize>,
}

impl Binder {
    pub(crate) fn top(&mut self, top: &TopQuery) -> Bound<BoundTop> {
        let relation = self.query(&top.query, None)?;
        let mut scalars = Scalars::default();
        let count = relation.columns.len();
        let columns = relation.columns.iter().enumerate().map(|(place, column)| {
            let span = item_span(&top.query, place, count);
            scalars.result(&relation.rel, column, &column.name, span)
        });
        let columns: Result<Vec<ResultColumn>, Box<Diagnostic>> = columns.collect();
        let columns = columns.map_err(|error| self.report(*error))?;

        let (stage, ids) = Stage::over(relation.rel.clone());
        let wanted: Vec<ExprId> = scalars.fields.iter().map(|&field| ids[field]).collect();
        let (exprs, wanted) = stage.exprs(&wanted);
        let names = scalars.names.iter().map(|(name, _)| name.clone());
        let rel = Rel::calc(stage.rel, exprs, vec![], names.zip(wanted).collect(), top.span);
        let sink = self.catalog.add_nameless(Table::collected(scalars.names, top.span));
        let query = BoundQuery { sink, rel, conflict: None, span: top.span };
        Ok(BoundTop { query, columns })
    }
}

/// The text that gives a column: its item where the query is one SELECT.
fn item_span(query: &Query, place: usize, columns: usize) -> Span {
    match &query.body {
        QueryBody::Select(select) => select.item_span(place, columns),
        _ => query.span,
    }
}

impl Scalars {
    fn result(
        &mut self,
        rel: &Rel,
        column: &Column<usize>,
        path: &str,
        span: Span,
    ) -> Result<ResultColumn, Box<Diagnostic>> {
        let name = column.name.clone();
        match &column.cell {
            Cell::Scalar(field) => {
                let column_type = rel.fields[*field].column_type.clone();
                if column_type.data_type == DataType::Null {
                    let error = Diagnostic::error(span, format!("`{path}` is null and nothing else"));
                    return Err(Box::new(error.with_hint("give it a type: CAST(NULL AS STRING)")));
                }
                self.names.push((path.to_owned(), column_type.clone()));
                self.fields.push(*field);
                Ok(ResultColumn { name, column_type, cell: ResultCell::Scalar(self.fields.len() - 1) })
            }
            Cell::Row(fields) => {
                let fields = fields
                    .iter()
                    .map(|field| self.result(rel, field, &format!("{path}.{}", field.name), span));
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
