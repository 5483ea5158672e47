//! What `GET /results` says about tables.

use jobs::{ColumnKind, ResultTable};
use serde::Serialize;
use utoipa::ToSchema;

use super::Results;
use super::table::RowTable;
use crate::analytics::Moment;

/// All result tables.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tables {
    tables: Vec<TableInfo>,
    /// Time zone of all times that have no `Z`.
    #[schema(example = "Asia/Ho_Chi_Minh")]
    time_zone: String,
}

/// A table that a job's `redis` sink declares.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TableInfo {
    /// Name in the paths below `/results`.
    #[schema(example = "models")]
    name: String,
    columns: Vec<ColumnInfo>,
    /// Template of the keys in the result store.
    #[schema(example = "analytics:models:{model}:{window_end}")]
    key: String,
    /// Columns in the key.
    key_columns: Vec<String>,
    /// Columns with the times of a row's window; none for tables without windows.
    window: Vec<String>,
    /// Column with the time of a row; null if a row's time is when it was written.
    time_column: Option<String>,
    /// Seconds after which a row expires.
    ttl_seconds: u64,
    /// Name and id of the job that declared the table last.
    job: String,
    job_id: String,
    /// Queries of the job that write the table.
    queries: Vec<String>,
    rows: usize,
    /// Times of the oldest and newest row.
    oldest: Option<Moment>,
    newest: Option<Moment>,
    /// When a row was last written or deleted, in UTC; null if none was since the start of Weir.
    #[schema(example = "2025-12-09T11:30:00.125Z")]
    updated: Option<String>,
    /// Rows up to this time are left out for lack of memory.
    left_out_until: Option<Moment>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ColumnInfo {
    name: String,
    /// Type in SQL.
    #[serde(rename = "type")]
    #[schema(example = "BIGINT NOT NULL")]
    sql_type: String,
    /// `boolean`, `integer`, `number`, `text`, `time` or `json`.
    #[schema(example = "integer")]
    kind: &'static str,
}

impl Results {
    /// Describes all tables, by name.
    pub(super) fn describe(&self) -> Tables {
        let now = jiff::Timestamp::from_millisecond(self.clock.now().0).unwrap_or_default();
        let time_zone =
            self.zone.iana_name().map_or_else(|| self.zone.to_offset(now).to_string(), str::to_owned);
        let shown = self.shown();
        let tables = shown.by_name.iter().map(|(name, slot)| describe(name, &slot.table.read()));
        Tables { tables: tables.collect(), time_zone }
    }
}

fn describe(name: &str, table: &RowTable) -> TableInfo {
    let declared: &ResultTable = &table.declared;
    let column_name = |column: usize| declared.columns[column].name.clone();
    let mut key_columns: Vec<usize> = table.template.columns().collect();
    key_columns.dedup();
    TableInfo {
        name: name.to_owned(),
        columns: declared
            .columns
            .iter()
            .map(|column| ColumnInfo {
                name: column.name.clone(),
                sql_type: column.sql_type.clone(),
                kind: kind_name(column.kind),
            })
            .collect(),
        key: declared.key.clone(),
        key_columns: key_columns.into_iter().map(column_name).collect(),
        window: declared.window.clone(),
        time_column: table.time_column.map(column_name),
        ttl_seconds: declared.ttl_seconds,
        job: declared.job.clone(),
        job_id: declared.job_id.clone(),
        queries: declared.queries.clone(),
        rows: table.rows,
        oldest: table.runs.first().and_then(|run| run.first()).map(|(time, _)| time),
        newest: table.runs.last().and_then(|run| run.last()).map(|(time, _)| time),
        updated: table.updated.and_then(|ms| Some(jiff::Timestamp::from_millisecond(ms).ok()?.to_string())),
        left_out_until: table.left_out_until,
    }
}

fn kind_name(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Boolean => "boolean",
        ColumnKind::Integer => "integer",
        ColumnKind::Number => "number",
        ColumnKind::Text => "text",
        ColumnKind::Time => "time",
        ColumnKind::Json => "json",
    }
}
