//! Formats: the bytes of records to columns, and rows to bytes.

pub mod json;

use crate::options::Reader;
use json::{JsonOptions, TimestampFormat};

/// Reads the options of a table's format, which must be JSON.
pub(crate) fn json_options(reader: &mut Reader<'_>) -> JsonOptions {
    reader.required("format", "json");
    reader.word("format", "json", &["json"]);
    let ignore_parse_errors = reader.parsed("json.ignore-parse-errors", false, "'true' or 'false'");
    reader.parsed("json.fail-on-missing-field", false, "'true' or 'false'");
    reader.word("json.decode.json-parser.enabled", "true", &["true", "false"]);
    let timestamp_format =
        match reader.word("json.timestamp-format.standard", "SQL", &["SQL", "ISO-8601"]).as_str() {
            "ISO-8601" => TimestampFormat::Iso8601,
            _ => TimestampFormat::Sql,
        };
    JsonOptions { ignore_parse_errors, timestamp_format }
}
