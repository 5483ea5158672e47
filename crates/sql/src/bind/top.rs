//! A query as a top-level statement; clients fetch its rows.

use types::DataType;

use super::stage::Stage;
use super::{Bound, BoundQuery, Cell, Column, QueryBinder};
use crate::catalog::Table;
use crate::error::{Diagnostic, Span};
use crate::expr::ExprId;
use crate::parse::ast::{Query, QueryBody, TopQuery};
use crate::plan::ResultColumn;
use crate::rel::Rel;

/// A bound query and the columns of its result.
#[derive(Debug)]
pub(crate) struct BoundTop {
    pub(crate) query: BoundQuery,
    pub(crate) columns: Vec<ResultColumn>,
}

/// Binds a query and adds a nameless table for its rows.
pub(super) fn top(binder: &mut QueryBinder<'_>, top: &TopQuery) -> Bound<BoundTop> {
    let relation = binder.query(&top.query, None)?;
    let count = relation.columns.len();
    let fields = relation.columns.iter().enumerate().map(|(place, column)| {
        let span = item_span(&top.query, place, count);
        field_of(&relation.rel, column, span)
    });
    let fields: Result<Vec<usize>, Box<Diagnostic>> = fields.collect();
    let fields = fields.map_err(|error| binder.report(*error))?;

    let columns: Vec<ResultColumn> = relation
        .columns
        .iter()
        .zip(&fields)
        .map(|(column, &field)| ResultColumn {
            name: column.name.clone(),
            column_type: relation.rel.fields[field].column_type.clone(),
        })
        .collect();

    let (stage, ids) = Stage::over(relation.rel.clone());
    let wanted: Vec<ExprId> = fields.iter().map(|&field| ids[field]).collect();
    let (exprs, wanted) = stage.exprs(&wanted);
    let names = columns.iter().map(|column| column.name.clone());
    let rel = Rel::calc(stage.into_rel(), exprs, vec![], names.zip(wanted).collect(), top.span);
    let types = columns.iter().map(|column| (column.name.clone(), column.column_type.clone()));
    let sink = binder.add_nameless(Table::collected(types.collect(), top.span));
    let query = BoundQuery { sink, rel, conflict: None, span: top.span };
    Ok(BoundTop { query, columns })
}

/// Returns the span of a column's select item, or of the query if it is not one SELECT.
fn item_span(query: &Query, place: usize, columns: usize) -> Span {
    match &query.body {
        QueryBody::Select(select) => select.item_span(place, columns),
        _ => query.span,
    }
}

/// Returns the field with a column's values.
fn field_of(rel: &Rel, column: &Column<usize>, span: Span) -> Result<usize, Box<Diagnostic>> {
    let name = &column.name;
    match &column.cell {
        Cell::Scalar(field) | Cell::Row { whole: Some(field), .. } => {
            if rel.fields[*field].column_type.data_type == DataType::Null {
                let error = Diagnostic::error(span, format!("`{name}` is always null"));
                return Err(Box::new(error.with_hint("give it a type: CAST(NULL AS STRING)")));
            }
            Ok(*field)
        }
        Cell::Row { whole: None, .. } => {
            let error = Diagnostic::error(span, format!("`{name}` is a ROW that cannot be read as a whole"));
            Err(Box::new(error.with_hint("select its fields instead")))
        }
        Cell::Unreadable(data_type) | Cell::Map { data_type, .. } => {
            let error =
                Diagnostic::error(span, format!("`{name}` is {data_type} and is not read as a whole"));
            Err(Box::new(error.with_hint("name the other columns in the SELECT")))
        }
    }
}
