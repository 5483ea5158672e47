//! The catalog: tables with their leaves, computed columns and event time, and views.

mod made;

pub(crate) use made::MAX_HINTED;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::tz::TimeZone;
use types::{ColumnType, DataType, Interval, Value};

use crate::bind::scope::{Relation, cell_of};
use crate::bind::{Cell, Column, ExprBinder, NodeBuilder, Scope};
use crate::error::{Diagnostic, DiagnosticKind, SUGGESTIONS_MAX, Span, cut, did_you_mean};
use crate::expr::ExprId;
use crate::graph::{Graph, InputOrigin};
use crate::parse::ast::{
    ColumnDef, ColumnKind, CreateTable, Expr, ExprKind, Ident, Term, TypeName, WatermarkDef,
};
use crate::plan::{Leaf, MetadataColumn, MetadataLeaf, Rowtime, TableColumn, TableOption, TableOptions};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Object {
    Table(usize),
    View(usize),
}

#[derive(Debug, Default)]
pub(crate) struct Catalog {
    pub(crate) names: HashMap<String, Object>,
    pub(crate) tables: Vec<Table>,
    /// `None` for a view that failed to bind.
    pub(crate) views: Vec<Option<Relation>>,
    /// Indices of tables that hints derived from other tables.
    hinted: Vec<usize>,
    /// Number of names that were used and are not declared.
    unknown_names: usize,
}

impl Catalog {
    pub(crate) fn get(&self, name: &str) -> Option<Object> {
        self.names.get(name).copied()
    }

    pub(crate) fn add_table(&mut self, name: String, table: Table) {
        self.names.insert(name, Object::Table(self.tables.len()));
        self.tables.push(table);
    }

    /// Adds a table that no name refers to; returns its index.
    pub(crate) fn add_nameless(&mut self, table: Table) -> usize {
        self.tables.push(table);
        self.tables.len() - 1
    }

    pub(crate) fn add_view(&mut self, name: String, relation: Option<Relation>) {
        self.names.insert(name, Object::View(self.views.len()));
        self.views.push(relation);
    }

    /// Adds a name whose declaration could not be parsed; uses of it report nothing more.
    pub(crate) fn add_unreadable(&mut self, name: String) {
        if !self.names.contains_key(&name) {
            self.add_view(name, None);
        }
    }

    /// Returns the error for a name that is not declared.
    pub(crate) fn unknown(
        &mut self,
        name: &Ident,
        what: &str,
        kind: fn(String) -> DiagnosticKind,
    ) -> Diagnostic {
        let mut error = Diagnostic::error(name.span, format!("there is no {what} `{}`", name.value))
            .of_kind(kind(name.value.clone()));
        self.unknown_names += 1;
        if self.unknown_names > SUGGESTIONS_MAX {
            return error;
        }

        let mut known: Vec<&str> = self.names.keys().map(String::as_str).collect();
        known.sort_unstable();
        error.hint = did_you_mean(&name.value, known.iter().copied());
        if error.hint.is_none() && !known.is_empty() && known.len() <= 12 {
            error.detail = Some(format!("the script declares {}", known.join(", ")));
        }
        error
    }
}

/// A declared table.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) name: String,
    /// Inputs are the leaves, then the inputs of windows and aggregates.
    pub(crate) graph: Graph,
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) columns: Vec<Column>,
    pub(crate) rowtime: Option<Rowtime>,
    /// The physical and metadata columns in order.
    pub(crate) stored: Vec<TableColumn>,
    pub(crate) primary_key: Vec<String>,
    /// The primary key's columns as indices into `stored`.
    pub(crate) primary_key_fields: Vec<usize>,
    pub(crate) options: TableOptions,
    /// Rows of a `VALUES` table, with the columns of `stored`.
    pub(crate) rows: Option<Arc<Vec<Vec<Value>>>>,
    pub(crate) span: Span,
    /// Whether its declaration had an error, which has been reported.
    pub(crate) is_broken: bool,
}

impl Table {
    fn empty(name: String, span: Span) -> Table {
        Table {
            name,
            graph: Graph::default(),
            leaves: vec![],
            columns: vec![],
            rowtime: None,
            stored: vec![],
            primary_key: vec![],
            primary_key_fields: vec![],
            options: TableOptions::default(),
            rows: None,
            span,
            is_broken: false,
        }
    }

    pub(crate) fn declare(
        definition: CreateTable,
        time_zone: &TimeZone,
        subscripts: &BTreeSet<String>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Table {
        let before = diagnostics.len();
        let mut table = Table {
            options: options(&definition, diagnostics),
            ..Table::empty(definition.name.value.clone(), definition.span)
        };

        for column in &definition.columns {
            table.declare_stored(column, subscripts, diagnostics);
        }

        // Computed columns see only stored columns, wherever they are declared, as in Flink.
        let stored = table.columns.clone();
        let by_name: HashMap<&str, &Column> =
            stored.iter().map(|column| (column.name.as_str(), column)).collect();
        let scope = Scope::of(None, stored.clone());
        table.columns.clear();
        for column in &definition.columns {
            let cell = match &column.kind {
                ColumnKind::Computed(expr) => {
                    table.compute(expr, &scope, time_zone, diagnostics).map(Cell::Scalar)
                }
                _ => by_name.get(column.name.value.as_str()).map(|known| known.cell.clone()),
            };
            match cell {
                Some(cell) => table.columns.push(Column { name: column.name.value.clone(), cell }),
                None => table.is_broken = true,
            }
        }

        if let Some(watermark) = &definition.watermark
            && !table.is_broken
        {
            table.rowtime = table.declare_watermark(watermark, time_zone, diagnostics);
        }

        let physical = table.stored.iter().enumerate().filter(|(_, column)| column.metadata.is_none());
        let physical: HashMap<&str, usize> =
            physical.map(|(place, column)| (column.name.as_str(), place)).collect();
        for key in &definition.primary_key {
            if let Some(place) = physical.get(key.value.as_str()) {
                table.primary_key.push(key.value.clone());
                table.primary_key_fields.push(*place);
            } else {
                let error = Diagnostic::error(
                    key.span,
                    format!("the primary key's `{}` is not a physical column", key.value),
                );
                diagnostics.push(error);
            }
        }

        table.is_broken |= diagnostics[before..].iter().any(Diagnostic::is_error);
        table
    }

    /// Declares a physical or metadata column; its leaves become inputs.
    fn declare_stored(
        &mut self,
        column: &ColumnDef,
        subscripts: &BTreeSet<String>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let name = &column.name;
        let (type_name, metadata): (&TypeName, Option<MetadataColumn>) = match &column.kind {
            ColumnKind::Physical(type_name) => (type_name, None),
            ColumnKind::Metadata { type_name, key, is_virtual } => {
                let (key, key_span) =
                    key.as_ref().map_or((&name.value, name.span), |key| (&key.value, key.span));
                let (key, is_virtual) = (key.clone(), *is_virtual);
                (type_name, Some(MetadataColumn { key, is_virtual, key_span, type_span: type_name.span }))
            }
            ColumnKind::Computed(_) => return,
        };

        if metadata.is_some() {
            diagnostics.extend(unreadable_metadata(type_name));
        }
        if let DataType::IntervalDayTime | DataType::IntervalYearMonth = type_name.column_type.data_type {
            let instead = "declare a whole number, and multiply it with an INTERVAL";
            diagnostics.push(Diagnostic::refused_by_flink(
                type_name.span,
                "a column of an INTERVAL",
                instead,
            ));
        }

        let leaf = |entry| metadata.as_ref().map(|of| MetadataLeaf { key: of.key.clone(), entry });
        let (graph, leaves) = (&mut self.graph, &mut self.leaves);
        let mut add = |path: Vec<String>, column_type: ColumnType, entry: Option<String>| {
            let input = graph.add_input(path.join("."), column_type.clone(), InputOrigin::Row);
            leaves.push(Leaf { path, column_type, metadata: leaf(entry) });
            input
        };

        let cell = match &type_name.column_type.data_type {
            data_type @ DataType::Map(_, value) if metadata.is_some() => {
                // Add a leaf for each text key that appears in the script; pruning removes unread leaves.
                let value = ColumnType { nullable: true, ..ColumnType::clone(value) };
                let of = |key: &String| {
                    let path = format!("{}['{}']", name.value, key.replace('\'', "''"));
                    (key.clone(), add(vec![path], value.clone(), Some(key.clone())))
                };
                Cell::Map { data_type: data_type.clone(), values: subscripts.iter().map(of).collect() }
            }
            _ => {
                let mut path = vec![name.value.clone()];
                cell_of(&mut path, &type_name.column_type, false, &mut |path, column_type| {
                    add(path.to_vec(), column_type, None)
                })
            }
        };

        self.columns.push(Column { name: name.value.clone(), cell });
        let column_type = type_name.column_type.clone();
        self.stored.push(TableColumn { name: name.value.clone(), column_type, metadata });
    }

    /// Returns the columns that an INSERT writes: physical columns, and metadata columns that are not
    /// virtual.
    pub(crate) fn sink_columns(&self) -> impl Iterator<Item = &TableColumn> {
        self.stored.iter().filter(|column| column.metadata.as_ref().is_none_or(|of| !of.is_virtual))
    }

    fn compute(
        &mut self,
        expr: &Expr,
        scope: &Scope,
        time_zone: &TimeZone,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<ExprId> {
        let nodes = NodeBuilder::new(&mut self.graph, time_zone, diagnostics);
        ExprBinder::plain(nodes, scope, "in a table's declaration").bind(expr).ok()
    }

    fn declare_watermark(
        &mut self,
        watermark: &WatermarkDef,
        time_zone: &TimeZone,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Rowtime> {
        let [name] = watermark.column.as_slice() else {
            let span = watermark.column[0].span.to(watermark.column[watermark.column.len() - 1].span);
            let error = Diagnostic::error(span, "the event time must be a column of its own")
                .with_hint("compute it from the field: event_time AS `row`.field");
            diagnostics.push(error);
            return None;
        };
        let Some(column) = self.columns.iter().find(|column| column.name == name.value) else {
            let error = Diagnostic::error(
                name.span,
                format!("there is no column `{}` for the watermark", name.value),
            );
            diagnostics.push(crate::bind::resolve::suggest(error, &name.value, &self.columns));
            return None;
        };
        let time = match &column.cell {
            Cell::Scalar(id) => *id,
            Cell::Row { .. } | Cell::Unreadable(_) | Cell::Map { .. } => {
                diagnostics.push(Diagnostic::error(name.span, format!("`{}` is not a time", name.value)));
                return None;
            }
        };

        let data_type = self.graph.exprs.column_type(time).data_type.clone();
        if let Some(wrong) = not_a_rowtime(&data_type) {
            let error =
                Diagnostic::error(name.span, format!("the event time `{}` is {data_type}", name.value));
            diagnostics.push(error.with_hint(wrong));
            return None;
        }

        let scope = Scope::of(None, self.columns.clone());
        let id = self.compute(&watermark.expr, &scope, time_zone, diagnostics)?;

        let given = self.graph.exprs.column_type(id).data_type.clone();
        let same_kind = matches!(
            (&given, &data_type),
            (DataType::Timestamp(_), DataType::Timestamp(_))
                | (DataType::TimestampLtz(_), DataType::TimestampLtz(_))
        );
        if !same_kind {
            let error = Diagnostic::error(
                watermark.expr.span,
                format!("the watermark is {given}, but the time is {data_type}"),
            )
            .with_hint(format!("write it like {} - INTERVAL '5' SECOND", cut(&name.value)));
            diagnostics.push(error);
            return None;
        }

        let delay = delay(&watermark.expr, &name.value);
        Some(Rowtime { name: name.value.clone(), time, watermark: id, delay })
    }
}

/// Refuses metadata maps that are not a map of text to readable values.
fn unreadable_metadata(type_name: &TypeName) -> Option<Diagnostic> {
    let data_type = &type_name.column_type.data_type;
    let DataType::Map(key, value) = data_type else { return None };
    if key.data_type.is_text() && value.data_type.repr().is_some() {
        return None;
    }
    let message = format!("metadata of type {data_type} is not supported");
    Some(Diagnostic::error(type_name.span, message).with_hint("metadata that is a map is MAP<STRING, BYTES>"))
}

/// Returns a hint if the type cannot be an event time.
fn not_a_rowtime(data_type: &DataType) -> Option<String> {
    match data_type {
        DataType::Timestamp(0..=3) | DataType::TimestampLtz(0..=3) => None,
        DataType::Timestamp(_) => {
            Some("event time has at most milliseconds: declare it as TIMESTAMP(3)".to_owned())
        }
        DataType::TimestampLtz(_) => Some("event time has at most milliseconds: TIMESTAMP_LTZ(3)".to_owned()),
        text if text.is_text() => Some(
            "compute a time from the text: event_time AS TRY_CAST(REPLACE(text, 'T', ' ') AS TIMESTAMP(3))"
                .to_owned(),
        ),
        DataType::BigInt => {
            Some("compute a time from milliseconds: event_time AS TO_TIMESTAMP_LTZ(ms, 3)".to_owned())
        }
        _ => Some("it must be TIMESTAMP(p) or TIMESTAMP_LTZ(p) with p from 0 to 3".to_owned()),
    }
}

/// Returns the constant delay of `column - INTERVAL …`, or zero for the column alone.
fn delay(expr: &Expr, column: &str) -> Option<Interval> {
    let is_column =
        |e: &Expr| matches!(&e.kind, ExprKind::Name(path) if path.len() == 1 && path[0].value == column);
    match &expr.kind {
        _ if is_column(expr) => Some(Interval::ZERO),
        ExprKind::Arithmetic { first, rest } if is_column(first) => match rest.as_slice() {
            [Term { operator: "-", operand, .. }] => match &operand.kind {
                ExprKind::Literal { value: Value::Int(ms), data_type: DataType::IntervalDayTime } => {
                    Some(Interval(*ms))
                }
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

fn options(definition: &CreateTable, diagnostics: &mut Vec<Diagnostic>) -> TableOptions {
    let mut options = TableOptions { span: definition.options_span, ..TableOptions::default() };
    for (key, value) in &definition.options {
        let option = TableOption { value: value.value.clone(), key_span: key.span, value_span: value.span };
        if options.entries.insert(key.value.clone(), option).is_some() {
            diagnostics.push(Diagnostic::error(
                key.span,
                format!("the option '{}' is given twice", cut(&key.value)),
            ));
        }
    }
    options
}
