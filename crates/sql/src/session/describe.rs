//! `DESCRIBE`: lists the columns of a table or view, one row for each.

use types::{ColumnType, DataType, Field, Value};

use super::{Answer, Outcome, Session, Variables, bound};
use crate::bind::{Cell, Column};
use crate::catalog::{Object, Table};
use crate::error::{Diagnostic, Span};
use crate::graph::Graph;
use crate::parse;
use crate::parse::ast::{ColumnKind, CreateTable, Ident, Statement};
use crate::variables;

/// One row of the answer.
struct Line {
    name: String,
    type_name: String,
    nullable: bool,
    key: Option<String>,
    extras: Option<String>,
    watermark: Option<String>,
}

impl Session {
    pub(super) fn describe(
        &self,
        name: &Ident,
        variables: Variables<'_>,
    ) -> Result<Outcome, Vec<Diagnostic>> {
        if self.find(&name.value).is_none() {
            return Err(vec![self.unknown(name, "table or view")]);
        }
        // Compile a statement that needs the object, so that an invalid declaration is reported.
        let probe =
            format!("CREATE VIEW `the described one` AS SELECT * FROM `{}`", name.value.replace('`', "``"));
        let (bound, composed) = self.compiled(&probe, &|script| bound(script, variables))?;
        let catalog = bound.binder.catalog();

        let lines = match catalog.get(&name.value) {
            Some(Object::Table(index)) => {
                let table = &catalog.tables[index];
                let filled = variables::fill(&composed.text, variables);
                let declared =
                    parse::parse(&filled).statements.into_iter().find_map(|statement| match statement {
                        Statement::CreateTable(declared) if declared.name.value == name.value => {
                            Some(declared)
                        }
                        _ => None,
                    });
                let declared = declared.expect("a bound table was read before");
                of_table(table, &declared, &composed.text)
            }
            Some(Object::View(index)) => match &catalog.views[index] {
                Some(view) => {
                    let (graph, ids) = Graph::over(view.rel.scope());
                    let columns = view.columns.iter().map(|column| column.map(&mut |field| ids[field]));
                    columns.map(|column| plain(&column, &graph)).collect()
                }
                None => vec![],
            },
            None => vec![],
        };

        Ok(Outcome::Rows(answer(lines)))
    }
}

fn of_table(table: &Table, declared: &CreateTable, script: &str) -> Vec<Line> {
    let text = |span: Span| script.get(span.start..span.end).unwrap_or_default().to_owned();
    let lines = table.columns.iter().zip(&declared.columns).map(|(column, definition)| {
        let mut line = plain(column, &table.graph);
        if let Some(stored) = table.stored.iter().find(|stored| stored.name == column.name) {
            line.type_name = stored.column_type.data_type.to_string();
            line.nullable = stored.column_type.nullable;
        }
        if table.primary_key.contains(&column.name) {
            line.key = Some(format!("PRI({})", table.primary_key.join(", ")));
        }
        line.extras = match &definition.kind {
            ColumnKind::Physical(_) => None,
            ColumnKind::Computed(expr) => Some(format!("AS {}", text(expr.span))),
            ColumnKind::Metadata { key, is_virtual, .. } => {
                let from = key.as_ref().map(|key| format!(" FROM '{}'", key.value)).unwrap_or_default();
                Some(format!("METADATA{from}{}", if *is_virtual { " VIRTUAL" } else { "" }))
            }
        };
        if table.rowtime.as_ref().is_some_and(|rowtime| rowtime.name == column.name) {
            line.type_name.push_str(" *ROWTIME*");
            line.watermark = declared.watermark.as_ref().map(|watermark| text(watermark.expr.span));
        }
        line
    });

    lines.collect()
}

/// Returns a line with a column's name and type.
fn plain(column: &Column, graph: &Graph) -> Line {
    let column_type = type_of(&column.cell, graph);
    Line {
        name: column.name.clone(),
        type_name: column_type.data_type.to_string(),
        nullable: column_type.nullable,
        key: None,
        extras: None,
        watermark: None,
    }
}

pub(crate) fn type_of(cell: &Cell, graph: &Graph) -> ColumnType {
    match cell {
        Cell::Scalar(id) => graph.exprs.column_type(*id).clone(),
        Cell::Row { whole: Some(whole), .. } => graph.exprs.column_type(*whole).clone(),
        Cell::Row { fields, whole: None } => {
            let fields = fields
                .iter()
                .map(|field| Field { name: field.name.clone(), column_type: type_of(&field.cell, graph) });
            DataType::Row(fields.collect()).nullable()
        }
        Cell::Unreadable(data_type) | Cell::Map { data_type, .. } => data_type.clone().nullable(),
    }
}

fn answer(lines: Vec<Line>) -> Answer {
    let text = |name: &str| (name.to_owned(), DataType::STRING.nullable());
    let maybe = |value: Option<String>| value.map_or(Value::Null, Value::Text);

    let rows = lines.into_iter().map(|line| {
        vec![
            Value::Text(line.name),
            Value::Text(line.type_name),
            Value::Bool(line.nullable),
            maybe(line.key),
            maybe(line.extras),
            maybe(line.watermark),
        ]
    });

    Answer {
        columns: vec![
            text("name"),
            text("type"),
            ("null".to_owned(), DataType::Boolean.nullable()),
            text("key"),
            text("extras"),
            text("watermark"),
        ],
        rows: rows.collect(),
    }
}
