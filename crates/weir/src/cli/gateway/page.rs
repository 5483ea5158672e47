//! A page of a result, as the gateway sends it.

use serde::Deserialize;
use serde_json::value::RawValue;

/// The format of values that the gateway is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum RowFormat {
    /// As JSON, for programs.
    Json,
    /// As text like `CAST(… AS STRING)`, for people.
    PlainText,
}

impl RowFormat {
    pub(super) fn name(self) -> &'static str {
        match self {
            RowFormat::Json => "JSON",
            RowFormat::PlainText => "PLAIN_TEXT",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum ResultType {
    NotReady,
    Payload,
    Eos,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FetchedPage {
    pub(super) result_type: ResultType,
    #[serde(default)]
    pub(super) is_query_result: bool,
    #[serde(rename = "jobID")]
    pub(super) job_id: Option<String>,
    pub(super) result_kind: Option<ResultKind>,
    pub(super) results: Option<Results>,
    pub(super) next_result_uri: Option<String>,
}

/// Whether a result has content, or only reports that something was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(in crate::cli) enum ResultKind {
    Success,
    SuccessWithContent,
}

#[derive(Debug, Deserialize)]
pub(super) struct Results {
    #[serde(default)]
    pub(super) columns: Vec<Column>,
    #[serde(default)]
    pub(super) data: Vec<Row>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct Column {
    pub(in crate::cli) name: String,
    logical_type: LogicalType,
}

#[derive(Debug, Clone, Deserialize)]
struct LogicalType {
    #[serde(rename = "type")]
    name: String,
}

impl Column {
    #[cfg(test)]
    pub(in crate::cli) fn of(name: &str, logical_type: &str) -> Column {
        Column { name: name.to_owned(), logical_type: LogicalType { name: logical_type.to_owned() } }
    }

    pub(in crate::cli) fn is_number(&self) -> bool {
        let numbers = ["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "DECIMAL", "FLOAT", "DOUBLE"];
        numbers.contains(&self.logical_type.name.as_str())
    }
}

/// The effect of a row on earlier rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(in crate::cli) enum Change {
    Insert,
    UpdateBefore,
    UpdateAfter,
    Delete,
}

impl Change {
    /// Returns the sign that Flink prints: `+I`.
    pub(in crate::cli) fn sign(self) -> &'static str {
        match self {
            Change::Insert => "+I",
            Change::UpdateBefore => "-U",
            Change::UpdateAfter => "+U",
            Change::Delete => "-D",
        }
    }
}

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Row {
    #[serde(rename = "kind", default = "insert")]
    pub(in crate::cli) change: Change,
    /// The values as they were sent, so that digits of numbers are unchanged.
    pub(in crate::cli) fields: Vec<Box<RawValue>>,
}

fn insert() -> Change {
    Change::Insert
}

impl Row {
    #[cfg(test)]
    pub(in crate::cli) fn of(change: Change, fields: &[&str]) -> Row {
        let raw = |field: &&str| RawValue::from_string((*field).to_owned()).expect("JSON");
        Row { change, fields: fields.iter().map(raw).collect() }
    }
}

/// Returns the text of a value without JSON's quotes; `None` for null.
pub(in crate::cli) fn text(value: &RawValue) -> Option<String> {
    match value.get() {
        "null" => None,
        quoted if quoted.starts_with('"') => {
            Some(serde_json::from_str(quoted).unwrap_or_else(|_| quoted.to_owned()))
        }
        other => Some(other.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_and_digits_stay_as_they_are() {
        let page = r#"{"resultType":"PAYLOAD","isQueryResult":true,"jobID":"ab","resultKind":"SUCCESS_WITH_CONTENT",
            "results":{"columns":[{"name":"n","logicalType":{"type":"DECIMAL","nullable":true,"precision":38},"comment":null}],
            "rowFormat":"JSON","data":[{"kind":"UPDATE_AFTER","fields":[12345678901234567890.10,null,"a\nb",{"x":1}]}]},
            "nextResultUri":"/v2/sessions/s/operations/o/result/1?rowFormat=JSON"}"#;
        let page: FetchedPage = serde_json::from_str(page).unwrap();
        assert_eq!((page.result_type, page.is_query_result), (ResultType::Payload, true));
        let results = page.results.unwrap();
        assert!(results.columns[0].is_number());
        let row = &results.data[0];
        assert_eq!(row.change, Change::UpdateAfter);
        let texts: Vec<Option<String>> = row.fields.iter().map(|field| text(field)).collect();
        let expected = [Some("12345678901234567890.10"), None, Some("a\nb"), Some(r#"{"x":1}"#)];
        assert_eq!(texts, expected.map(|text| text.map(str::to_owned)));
        let waiting: FetchedPage =
            serde_json::from_str(r#"{"resultType":"NOT_READY","nextResultUri":"/v2/…/result/0"}"#).unwrap();
        assert_eq!((waiting.result_type, waiting.results.is_none()), (ResultType::NotReady, true));
    }
}
