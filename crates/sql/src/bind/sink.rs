//! `INSERT INTO`: maps and converts the query's columns to the table's.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use types::{ColumnType, DataType, Value};

use super::enforce::{enforce_lengths, enforce_not_null};
use super::nodes::NodeBuilder;
use super::scope::Relation;
use super::stage::Stage;
use super::{Bound, Cell, Column, Reported, report};
use crate::catalog::Table;
use crate::error::{Diagnostic, SUGGESTIONS_MAX, Span};
use crate::expr::ExprId;
use crate::parse::ast::{ConflictAction, Ident, Insert};
use crate::plan::operator::Conflict;
use crate::plan::{NotNull, SinkRules, TableColumn};
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

impl BoundQuery {
    /// `rel` has the rows that the INSERT writes to the table `sink`.
    pub(super) fn of_insert(sink: usize, rel: Arc<Rel>, insert: &Insert) -> BoundQuery {
        let conflict = insert.on_conflict.map(|conflict| match conflict.action {
            ConflictAction::Deduplicate => Conflict::Deduplicate,
            ConflictAction::Nothing => Conflict::Nothing,
            ConflictAction::Error => Conflict::Error,
        });
        BoundQuery { sink, rel, conflict, span: insert.span }
    }
}

/// Turns the rows of a query into the rows of the table that an INSERT writes.
pub(super) struct SinkBinder<'a> {
    table: &'a Table,
    /// The columns of the table, in the order in which they are written.
    wanted: Vec<TableColumn>,
    rules: SinkRules,
    /// The rows of the query.
    stage: Stage,
    /// The columns of the query, as expressions over its rows.
    given: Vec<Column>,
    time_zone: &'a TimeZone,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl<'a> SinkBinder<'a> {
    pub(super) fn new(
        table: &'a Table,
        query: &Relation,
        rules: SinkRules,
        time_zone: &'a TimeZone,
        diagnostics: &'a mut Vec<Diagnostic>,
    ) -> SinkBinder<'a> {
        let wanted = table.sink_columns().cloned().collect();
        let (stage, ids) = Stage::over(query.rel.clone());
        let given = query.columns.iter().map(|column| column.map(&mut |field| ids[field])).collect();
        SinkBinder { table, wanted, rules, stage, given, time_zone, diagnostics }
    }

    /// Returns the rows to write.
    pub(super) fn bind(mut self, insert: &Insert) -> Bound<Arc<Rel>> {
        let targets = self.targets(insert)?;
        let mut columns = self.write(&targets, insert)?;

        let table = insert.table.last().value.as_str();
        let mut nodes = NodeBuilder::new(self.stage.graph_mut(), self.time_zone, self.diagnostics);
        enforce_lengths(&mut nodes, self.rules.lengths, &mut columns, &self.wanted);
        let conditions = enforce_not_null(&mut nodes, self.rules.not_null, &mut columns, &self.wanted, table);

        let roots: Vec<ExprId> = conditions.iter().chain(&columns).copied().collect();
        let (exprs, roots) = self.stage.exprs(&roots);
        let (conditions, columns) = roots.split_at(conditions.len());
        let names = self.wanted.iter().map(|column| column.name.clone());
        let fields = names.zip(columns.iter().copied()).collect();
        Ok(Rel::calc(self.stage.into_rel(), exprs, conditions.to_vec(), fields, insert.span))
    }

    fn report(&mut self, diagnostic: Diagnostic) -> Reported {
        report(self.diagnostics, diagnostic)
    }

    fn nodes(&mut self) -> NodeBuilder<'_> {
        NodeBuilder::new(self.stage.graph_mut(), self.time_zone, self.diagnostics)
    }

    /// Returns, for each column of the query, the index of the table column it is written to.
    fn targets(&mut self, insert: &Insert) -> Bound<Vec<usize>> {
        if insert.columns.is_empty() {
            return Ok((0..self.wanted.len()).collect());
        }
        let places: HashMap<&str, usize> =
            self.wanted.iter().enumerate().map(|(place, column)| (column.name.as_str(), place)).collect();
        let mut targets: Vec<usize> = vec![];
        let mut is_target = vec![false; self.wanted.len()];
        let mut errors = vec![];

        for name in &insert.columns {
            match places.get(name.value.as_str()) {
                Some(&at) if std::mem::replace(&mut is_target[at], true) => {
                    errors.push(Diagnostic::error(name.span, format!("`{}` is written twice", name.value)));
                }
                Some(&at) => targets.push(at),
                None => errors.push(self.no_such_column(name, errors.len())),
            }
        }

        if errors.is_empty() {
            return Ok(targets);
        }
        self.diagnostics.extend(errors);
        Err(Reported)
    }

    /// Returns the error for an unknown column, the one after `errors` others of the statement.
    fn no_such_column(&self, name: &Ident, errors: usize) -> Diagnostic {
        let table = self.table;
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
    fn write(&mut self, targets: &[usize], insert: &Insert) -> Bound<Vec<ExprId>> {
        let count = self.given.len();
        if count != targets.len() {
            let names = |columns: &mut dyn Iterator<Item = &String>| {
                columns.map(String::as_str).collect::<Vec<_>>().join(", ")
            };
            let given = names(&mut self.given.iter().map(|column| &column.name));
            let wanted = names(&mut targets.iter().map(|target| &self.wanted[*target].name));
            let message = format!("{}, and `{}` takes {}", written(count), self.table.name, targets.len());
            let error = Diagnostic::error(insert.query.items_span(), message)
                .with_detail(format!("the query gives {given}"))
                .with_hint(format!("the table has {wanted}"));
            return Err(self.report(error));
        }

        let mut written: Vec<Option<ExprId>> = vec![None; self.wanted.len()];
        let mut failed = false;

        for (place, target) in targets.iter().enumerate() {
            let span = insert.query.item_span(place, count);
            match self.convert_column(place, *target, span) {
                Ok(id) => written[*target] = Some(id),
                Err(Reported) => failed = true,
            }
        }

        let mut columns = vec![];
        for (target, id) in written.into_iter().enumerate() {
            match id {
                Some(id) => columns.push(id),
                None if failed => {}
                None => columns.push(self.missing(target, insert.table.span())?),
            }
        }

        if failed { Err(Reported) } else { Ok(columns) }
    }

    /// Converts a column of the query to the type of a column of the table.
    fn convert_column(&mut self, place: usize, target: usize, span: Span) -> Bound<ExprId> {
        let (given, wanted) = (&self.given[place], &self.wanted[target]);
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

        let from: ColumnType = self.stage.graph().exprs.column_type(id).clone();
        let to = wanted.column_type.data_type.clone();

        if from.data_type == DataType::Null {
            let instead = format!("write CAST(NULL AS {to})");
            report(self.diagnostics, Diagnostic::refused_by_flink(span, "a NULL without a type", &instead));
        }

        if !converts_implicitly(&from.data_type, &to) {
            let error = Diagnostic::error(
                span,
                format!("`{}` is {to}, but the value is {}", wanted.name, from.data_type),
            )
            .with_detail(format!("this is {from}"))
            .with_hint(format!("CAST(… AS {to}), or declare the column as {}", from.data_type));
            return Err(self.report(error));
        }

        let may_fail = self.rules.not_null == NotNull::Error;
        if from.nullable && !wanted.column_type.nullable && may_fail && !self.stage.excludes_null(id) {
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

        Ok(self.nodes().convert(id, &to))
    }

    /// Returns the value for a column that the INSERT does not name.
    fn missing(&mut self, target: usize, span: Span) -> Bound<ExprId> {
        let column = &self.wanted[target];
        if !column.column_type.nullable {
            let error = Diagnostic::error(span, format!("`{}` is NOT NULL and is not written", column.name));
            return Err(self.report(error));
        }
        let data_type: DataType = column.column_type.data_type.clone();
        Ok(self.nodes().add_literal(Value::Null, data_type))
    }
}

/// Formats the number of written columns.
fn written(columns: usize) -> String {
    if columns == 1 { "1 column is written".to_owned() } else { format!("{columns} columns are written") }
}
