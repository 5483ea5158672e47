//! `INSERT INTO`: maps and converts the query's columns to the table's.

use std::collections::HashMap;
use std::sync::Arc;

use types::{ColumnType, DataType, Value};

use super::stage::Stage;
use super::{Binder, Bound, Cell, Column, Reported};
use crate::catalog::Object;
use crate::error::{Diagnostic, DiagnosticKind, SUGGESTIONS_MAX, Span};
use crate::expr::ExprId;
use crate::parse::ast::{ConflictAction, Ident, Insert};
use crate::plan::operator::Conflict;
use crate::plan::{NotNull, TableColumn};
use crate::rel::Rel;
use crate::typing::converts_implicitly;

/// A bound INSERT.
#[derive(Debug)]
pub(crate) struct BoundQuery {
    /// The table's index in the catalog.
    pub(crate) sink: usize,
    /// The rows to write; fields have the order and types of the table's columns.
    pub(crate) rel: Arc<Rel>,
    /// The `ON CONFLICT` clause.
    pub(crate) conflict: Option<Conflict>,
    pub(crate) span: Span,
}

impl Binder {
    pub(crate) fn insert(&mut self, insert: &Insert) -> Bound<BoundQuery> {
        self.fields_built = 0;
        let sink = self.sink_of(insert);
        let relation = self.query(&insert.query, None);
        let (sink, relation) = (sink?, relation?);
        let targets = self.targets(sink, insert)?;
        let (mut stage, ids) = Stage::over(relation.rel.clone());
        let given: Vec<Column> =
            relation.columns.iter().map(|column| column.map(&mut |field| ids[field])).collect();
        let mut columns = self.write(&mut stage, &given, sink, &targets, insert)?;

        let wanted: Vec<TableColumn> = self.catalog.tables[sink].sink_columns().cloned().collect();
        let table = insert.table.last().value.as_str();
        self.enforce_lengths(&mut stage, &mut columns, &wanted);
        let conditions = self.enforce_not_null(&mut stage, &mut columns, &wanted, table);

        let roots: Vec<ExprId> = conditions.iter().chain(&columns).copied().collect();
        let (exprs, roots) = stage.exprs(&roots);
        let (conditions, columns) = roots.split_at(conditions.len());
        let names = wanted.iter().map(|column| column.name.clone());
        let fields = names.zip(columns.iter().copied()).collect();
        let rel = Rel::calc(stage.rel, exprs, conditions.to_vec(), fields, insert.span);
        let conflict = insert.on_conflict.map(|conflict| match conflict.action {
            ConflictAction::Deduplicate => Conflict::Deduplicate,
            ConflictAction::Nothing => Conflict::Nothing,
            ConflictAction::Error => Conflict::Error,
        });
        Ok(BoundQuery { sink, rel, conflict, span: insert.span })
    }

    fn sink_of(&mut self, insert: &Insert) -> Bound<usize> {
        let name = insert.table.last();
        match self.catalog.get(&name.value) {
            Some(Object::Table(index)) if self.catalog.tables[index].is_broken => Err(Reported),
            Some(Object::Table(index)) => self.hinted(index, &insert.hints),
            Some(Object::View(index)) if self.catalog.views[index].is_none() => Err(Reported),
            Some(Object::View(_)) => {
                let error =
                    Diagnostic::error(name.span, format!("`{}` is a view and cannot be written", name.value));
                Err(self.report(error))
            }
            None => {
                let error = self.catalog.unknown(name, "table", DiagnosticKind::NoSuchTable);
                Err(self.report(error))
            }
        }
    }

    /// Returns, for each column of the query, the index of the table column it is written to.
    fn targets(&mut self, sink: usize, insert: &Insert) -> Bound<Vec<usize>> {
        let columns: Vec<&TableColumn> = self.catalog.tables[sink].sink_columns().collect();
        if insert.columns.is_empty() {
            return Ok((0..columns.len()).collect());
        }
        let places: HashMap<&str, usize> =
            columns.iter().enumerate().map(|(place, column)| (column.name.as_str(), place)).collect();
        let mut targets: Vec<usize> = vec![];
        let mut is_target = vec![false; columns.len()];
        let mut errors = vec![];

        for name in &insert.columns {
            match places.get(name.value.as_str()) {
                Some(&at) if std::mem::replace(&mut is_target[at], true) => {
                    errors.push(Diagnostic::error(name.span, format!("`{}` is written twice", name.value)));
                }
                Some(&at) => targets.push(at),
                None => errors.push(self.no_such_column(sink, name, errors.len())),
            }
        }

        if errors.is_empty() {
            return Ok(targets);
        }
        self.diagnostics.extend(errors);
        Err(Reported)
    }

    /// Returns the error for an unknown column, the one after `errors` others of the statement.
    fn no_such_column(&self, sink: usize, name: &Ident, errors: usize) -> Diagnostic {
        let table = &self.catalog.tables[sink];
        let mut error =
            Diagnostic::error(name.span, format!("`{}` has no column `{}`", table.name, name.value));
        let virtual_one = table.stored.iter().any(|column| column.name == name.value);
        error.hint = if virtual_one {
            error.message = format!("`{}` is VIRTUAL: it is read, and never written", name.value);
            Some("leave it out, or declare it without VIRTUAL".to_owned())
        } else if errors < SUGGESTIONS_MAX {
            crate::error::did_you_mean(&name.value, table.sink_columns().map(|c| c.name.as_str()))
        } else {
            None
        };
        error
    }

    /// Converts the query's columns to the table's types; all mismatches are reported at once.
    fn write(
        &mut self,
        stage: &mut Stage,
        given: &[Column],
        sink: usize,
        targets: &[usize],
        insert: &Insert,
    ) -> Bound<Vec<ExprId>> {
        let wanted: Vec<TableColumn> = self.catalog.tables[sink].sink_columns().cloned().collect();

        if given.len() != targets.len() {
            let table = &self.catalog.tables[sink];
            let names = |columns: &mut dyn Iterator<Item = String>| columns.collect::<Vec<_>>().join(", ");
            let error = Diagnostic::error(
                insert.query.items_span(),
                format!("{}, and `{}` takes {}", written(given.len()), table.name, targets.len()),
            )
            .with_detail(format!("the query gives {}", names(&mut given.iter().map(|c| c.name.clone()))))
            .with_hint(format!(
                "the table has {}",
                names(&mut targets.iter().map(|at| wanted[*at].name.clone()))
            ));
            return Err(self.report(error));
        }

        let mut written: Vec<Option<ExprId>> = vec![None; wanted.len()];
        let mut failed = false;

        for (place, (column, target)) in given.iter().zip(targets).enumerate() {
            let span = insert.query.item_span(place, given.len());
            match self.convert_column(stage, column, &wanted[*target], span) {
                Ok(id) => written[*target] = Some(id),
                Err(Reported) => failed = true,
            }
        }

        let mut columns = vec![];
        for (column, id) in wanted.iter().zip(written) {
            match id {
                Some(id) => columns.push(id),
                None if failed => {}
                None => columns.push(self.missing(stage, column, insert.table.span())?),
            }
        }

        if failed { Err(Reported) } else { Ok(columns) }
    }

    fn convert_column(
        &mut self,
        stage: &mut Stage,
        given: &Column,
        wanted: &TableColumn,
        span: Span,
    ) -> Bound<ExprId> {
        let (Cell::Scalar(id) | Cell::Row { whole: Some(id), .. }) = given.cell else {
            let error = Diagnostic::error(
                span,
                format!("`{}` cannot be read as a whole, so it cannot be written", given.name),
            );
            let hint = match &given.cell {
                Cell::Map { .. } => {
                    format!("write each of its values into its own column: `{}`['name']", given.name)
                }
                Cell::Unreadable(_) => "declare the fields that are read as columns, or in a ROW".to_owned(),
                _ => "write each of its fields into its own column".to_owned(),
            };
            return Err(self.report(error.with_hint(hint)));
        };

        let from: ColumnType = stage.graph.exprs.column_type(id).clone();
        let to = &wanted.column_type.data_type;

        if from.data_type == DataType::Null {
            let instead = format!("write CAST(NULL AS {to})");
            self.report(Diagnostic::refused_by_flink(span, "a NULL without a type", &instead));
        }

        if !converts_implicitly(&from.data_type, to) {
            let error = Diagnostic::error(
                span,
                format!("`{}` is {to}, but the value is {}", wanted.name, from.data_type),
            )
            .with_detail(format!("this is {from}"))
            .with_hint(format!("CAST(… AS {to}), or declare the column as {}", from.data_type));
            return Err(self.report(error));
        }

        let may_fail = self.sink_rules.not_null == NotNull::Error;
        if from.nullable && !wanted.column_type.nullable && may_fail && !stage.excludes_null(id) {
            let notice = Diagnostic::notice(
                span,
                format!("`{}` is NOT NULL, but what is written may be null", wanted.name),
            )
            .with_hint(
                "a null fails the job: use COALESCE, declare the column without NOT NULL, or leave such rows out \
                 with SET 'table.exec.sink.not-null-enforcer' = 'DROP'",
            );
            self.report(notice);
        }

        Ok(self.nodes(&mut stage.graph).convert(id, to))
    }

    /// Returns the value for a column that the INSERT does not name.
    fn missing(&mut self, stage: &mut Stage, column: &TableColumn, span: Span) -> Bound<ExprId> {
        if !column.column_type.nullable {
            let error = Diagnostic::error(span, format!("`{}` is NOT NULL and is not written", column.name));
            return Err(self.report(error));
        }
        let data_type: DataType = column.column_type.data_type.clone();
        Ok(self.nodes(&mut stage.graph).add_literal(Value::Null, data_type))
    }
}

/// Formats the number of written columns.
fn written(columns: usize) -> String {
    if columns == 1 { "1 column is written".to_owned() } else { format!("{columns} columns are written") }
}
