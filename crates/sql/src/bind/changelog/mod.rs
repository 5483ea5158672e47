//! `FROM_CHANGELOG` and `TO_CHANGELOG`: the first turns rows that describe changes into changes, the second
//! the reverse.
//!
//! ```text
//! FROM_CHANGELOG(input => TABLE t)          TO_CHANGELOG(input => TABLE t)
//! [INSERT, 1, a]   becomes +I [1, a]        +I [1, a]   becomes [INSERT, 1, a]
//! [DELETE, 1, a]   becomes -D [1, a]        -D [1, a]   becomes [DELETE, 1, a]
//! ```
//!
//! Each row is converted by itself, as in Flink: neither function keeps state, and neither takes `PARTITION
//! BY`.

mod arguments;
mod codes;

use arguments::Arguments;
use types::DataType;

use super::from::FromBinder;
use super::resolve::suggest;
use super::scope::{Cell, Column, Relation};
use super::window_call::time_column;
use super::{Bound, QueryBinder};
use crate::error::{Diagnostic, Span};
use crate::expr::ExprGraph;
use crate::parse::ast::FunctionTable;
use crate::plan::operator::{FromChangelog, ToChangelog};
use crate::rel::{Rel, ToChangelogRel};

/// Default name of the column that holds the change codes.
const OP: &str = "op";

/// Binds a table function that is not a window.
pub(super) fn table_function(tables: &mut FromBinder<'_, '_>, call: &FunctionTable) -> Bound<Relation> {
    let name = call.function.value.to_ascii_uppercase();
    match name.as_str() {
        "FROM_CHANGELOG" => changelog_read(tables, call),
        "TO_CHANGELOG" => changelog_written(tables, call),
        _ => {
            let message = format!("there is no table function `{}`", call.function.value);
            let error = Diagnostic::error(call.span, message).with_hint(
                "there are TUMBLE, HOP, CUMULATE, SESSION, FROM_CHANGELOG, TO_CHANGELOG and UNNEST",
            );
            Err(tables.report(error))
        }
    }
}

fn changelog_read(tables: &mut FromBinder<'_, '_>, call: &FunctionTable) -> Bound<Relation> {
    let function = "FROM_CHANGELOG";
    let arguments = Arguments::of(function, call).map_err(|error| tables.report(*error))?;
    if let Some((_, span)) = arguments.on_time {
        let error = Diagnostic::error(span, format!("{function} does not take on_time for updated rows"))
            .with_detail("each update of a row would have another time")
            .with_hint("leave it out: the event time of the table remains an event time");
        return Err(tables.report(error));
    }

    let codes = codes::meanings(arguments.op_mapping).map_err(|error| tables.report(*error))?;
    let relation = tables.input(arguments.input)?;
    let op = code_column(tables.queries(), &relation, &arguments)?;
    let changelog = FromChangelog { op, codes };
    let rel = Rel::from_changelog(relation.rel.clone(), changelog, call.span);

    let name = arguments.op_name();
    let relation = without_column(Relation { rel, ..relation }, name, call.span);
    if relation.columns.is_empty() {
        let error = Diagnostic::error(call.span, format!("the table has no column besides `{name}`"))
            .with_hint("the code is not part of the rows, so the table needs other columns");
        return Err(tables.report(error));
    }
    Ok(relation)
}

/// Finds the field of the change codes.
fn code_column(binder: &mut QueryBinder<'_>, relation: &Relation, arguments: &Arguments<'_>) -> Bound<usize> {
    let (name, span) = (arguments.op_name(), arguments.op_span());
    let Some(column) = relation.columns.iter().find(|column| column.name == name) else {
        let error = Diagnostic::error(span, format!("there is no column `{name}`"));
        let error = match arguments.op {
            Some(_) => suggest(error, name, &relation.columns),
            None => suggest(error, name, &relation.columns)
                .with_hint("name the column of the codes: op => DESCRIPTOR(column)"),
        };
        return Err(binder.report(error));
    };

    let fields = &relation.rel.fields;
    match column.cell {
        Cell::Scalar(field) if fields[field].column_type.data_type.is_text() => Ok(field),
        _ => {
            let of = match &column.cell {
                Cell::Scalar(field) => fields[*field].column_type.data_type.to_string(),
                Cell::Row { .. } => "a ROW".to_owned(),
                Cell::Unreadable(data_type) | Cell::Map { data_type, .. } => data_type.to_string(),
            };
            let error =
                Diagnostic::error(span, format!("the codes in `{name}` must be text, and this is {of}"))
                    .with_hint(format!(
                        "CAST(`{name}` AS {}) in a query: input => (SELECT …)",
                        DataType::STRING
                    ));
            Err(binder.report(error))
        }
    }
}

fn changelog_written(tables: &mut FromBinder<'_, '_>, call: &FunctionTable) -> Bound<Relation> {
    let function = "TO_CHANGELOG";
    let arguments = Arguments::of(function, call).map_err(|error| tables.report(*error))?;
    let codes = codes::codes(arguments.op_mapping).map_err(|error| tables.report(*error))?;
    let relation = tables.input(arguments.input)?;

    let name = arguments.op_name();
    if relation.columns.iter().any(|column| column.name == name) {
        let message = format!("the table has a column `{name}` already");
        let error = Diagnostic::error(arguments.op_span(), message)
            .with_hint("give the column of the codes another name: op => DESCRIPTOR(kind)");
        return Err(tables.report(error));
    }
    let time = match arguments.on_time {
        Some((columns, _)) => Some(time_column(tables.queries(), &relation, columns, function)?),
        None => None,
    };

    let op = relation.rel.fields.len();
    let on_time = arguments.on_time.map(|(_, span)| span);
    let changelog = ToChangelogRel { changelog: ToChangelog { codes }, on_time };
    let rel = Rel::to_changelog(relation.rel, changelog, name, call.span);
    let named = |name: &str, field| Column { name: name.to_owned(), cell: Cell::Scalar(field) };
    let mut columns = vec![named(name, op)];
    columns.extend(relation.columns);
    if let Some(field) = time {
        let time = named(&free_name("rowtime", &columns), field);
        columns.push(time);
    }
    Ok(Relation { rel, columns, correlated: vec![] })
}

/// Removes a column from the relation, and the fields that no other column uses.
///
/// The code itself must not stay in the rows: the code of a deleted row differs from the code it was inserted
/// with, and operators find the inserted row by comparing all fields.
fn without_column(relation: Relation, name: &str, span: Span) -> Relation {
    let Relation { rel, columns, correlated } = relation;
    let (mut exprs, mut fields) = (ExprGraph::new(rel.scope()), vec![]);
    let passed = rel.passed_on(&mut exprs);
    let mut place = |field: usize| match fields.iter().position(|known| *known == field) {
        Some(place) => place,
        None => {
            fields.push(field);
            fields.len() - 1
        }
    };

    let others = columns.iter().filter(|column| column.name != name);
    let columns: Vec<Column<usize>> = others.map(|column| column.map(&mut place)).collect();
    let kept = fields.iter().map(|&field| passed[field].clone()).collect();
    Relation { rel: Rel::calc(rel, exprs, vec![], kept, span), columns, correlated }
}

/// Returns the name, or the name with the first number appended that no column has, as Flink does.
fn free_name<T>(name: &str, columns: &[Column<T>]) -> String {
    let is_taken = |name: &String| columns.iter().any(|column| column.name == *name);
    let numbered = (0..).map(|number| format!("{name}{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| !is_taken(name)).expect("numbers do not end")
}
