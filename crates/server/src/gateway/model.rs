//! The JSON of Flink's SQL gateway.

use std::collections::BTreeMap;

use jobs::RowKind;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::cells::RowWriter;
use super::operation::Status;
use super::results::{Outcome, Page, ResultKind};
use super::types::logical_type;

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Info {
    pub(super) product_name: &'static str,
    pub(super) version: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Versions {
    pub(super) versions: Vec<&'static str>,
}

/// Body to open a session; all fields are optional.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionWanted {
    /// Name of the session, written to the log.
    #[serde(default)]
    pub(super) session_name: Option<String>,
    /// Initial settings of the session.
    #[serde(default)]
    pub(super) properties: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionOpened {
    pub(super) session_handle: String,
}

/// Every key with a value.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Properties {
    pub(super) properties: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StatusOf {
    pub(super) status: Status,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Nothing {}

/// Body to start a statement. `executionTimeout`: milliseconds until an unanswered statement is cancelled; 0
/// or absent: never.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatementWanted {
    pub(super) statement: String,
    #[serde(default)]
    pub(super) execution_timeout: Option<i64>,
    /// Settings for this statement only.
    #[serde(default)]
    pub(super) execution_config: Option<BTreeMap<String, String>>,
}

/// Body to start the query of a script.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ScriptWanted {
    /// Declarations and settings, and a SELECT. INSERT statements are left out.
    pub(super) script: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OperationBegun {
    pub(super) operation_handle: String,
}

/// Body of a completion. `position`: number of characters before the cursor.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct CompletionWanted {
    pub(super) statement: String,
    pub(super) position: usize,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Completion {
    pub(super) candidates: Vec<String>,
}

/// A page of a result. `NOT_READY` has only the address of the next page, `EOS` has no address.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResultPage {
    /// `NOT_READY`, `PAYLOAD` or `EOS`.
    result_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_query_result: Option<bool>,
    #[serde(rename = "jobID", skip_serializing_if = "Option::is_none")]
    job_id: Option<String>,
    /// `SUCCESS` or `SUCCESS_WITH_CONTENT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    result_kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    results: Option<Results>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_result_uri: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Results {
    columns: Vec<ColumnInfo>,
    /// `JSON` or `PLAIN_TEXT`.
    row_format: &'static str,
    data: Vec<RowData>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ColumnInfo {
    name: String,
    #[schema(value_type = Object)]
    logical_type: serde_json::Value,
    comment: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RowData {
    /// `INSERT` or `UPDATE_AFTER`.
    kind: &'static str,
    #[schema(value_type = Vec<Object>)]
    fields: Box<RawValue>,
}

impl ResultPage {
    /// Converts a page; `address` returns the address of a token.
    pub(super) fn of(
        outcome: Option<&Outcome>,
        page: &Page,
        token: u64,
        format: super::cells::RowFormat,
        address: &dyn Fn(u64) -> String,
    ) -> ResultPage {
        let (Some(outcome), Page::Rows { .. } | Page::End) = (outcome, page) else {
            return ResultPage {
                result_type: "NOT_READY",
                is_query_result: None,
                job_id: None,
                result_kind: None,
                results: None,
                next_result_uri: Some(address(token)),
            };
        };

        let (rows, next) = match page {
            Page::Rows { rows, next } => (rows.as_slice(), Some(*next)),
            Page::End | Page::NotYet => (&[][..], None),
        };

        let writer = RowWriter::new(&outcome.columns, format, &outcome.zone);
        let data = rows.iter().map(|row| RowData {
            kind: match row.kind {
                RowKind::Insert => "INSERT",
                RowKind::UpdateBefore => "UPDATE_BEFORE",
                RowKind::UpdateAfter => "UPDATE_AFTER",
                RowKind::Delete => "DELETE",
            },
            fields: writer.row(&row.values),
        });

        let columns = outcome.columns.iter().map(|column| ColumnInfo {
            name: column.name.clone(),
            logical_type: logical_type(&column.column_type),
            comment: None,
        });

        ResultPage {
            result_type: if next.is_some() { "PAYLOAD" } else { "EOS" },
            is_query_result: Some(outcome.is_query()),
            job_id: outcome.job.map(|job| job.to_string()),
            result_kind: Some(match outcome.kind {
                ResultKind::Success => "SUCCESS",
                ResultKind::SuccessWithContent => "SUCCESS_WITH_CONTENT",
            }),
            results: Some(Results {
                columns: columns.collect(),
                row_format: format.name(),
                data: data.collect(),
            }),
            next_result_uri: next.map(address),
        }
    }
}
