//! Formats: the bytes of records to columns, and rows to bytes.

pub mod json;

use crate::options::Reader;
use json::{DecimalFormat, JsonOptions, TimestampFormat, WriteOptions};

/// What a table's options say of JSON, for whoever reads the table and for whoever writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json {
    pub reading: JsonOptions,
    pub writing: WriteOptions,
}

/// Reads the format of a table's values: `'format'` with `'json.…'`, or `'value.format'` with `'value.json.…'`.
pub(crate) fn value_format(reader: &mut Reader<'_>) -> Json {
    if reader.get("format").is_none() && reader.get("value.format").is_some() {
        return only_value_format(reader);
    }

    // Where both are given, Flink goes by 'format' and knows no option of the other one.
    reader.accept(&["value.format"]);
    format(reader, "")
}

/// As [`value_format`], where only `'value.format'` is right.
pub(crate) fn only_value_format(reader: &mut Reader<'_>) -> Json {
    format(reader, "value.")
}

fn format(reader: &mut Reader<'_>, prefix: &str) -> Json {
    let format = format!("{prefix}format");
    reader.required(&format, "json");
    reader.word(&format, "json", &["json"]);
    json(reader, prefix)
}

/// Reads the options of JSON, which begin with a prefix: `key.` for those of keys.
pub(crate) fn json(reader: &mut Reader<'_>, prefix: &str) -> Json {
    let key = |name: &str| format!("{prefix}json.{name}");
    let mut flag = |name: &str| reader.flag(&key(name), false);
    let ignore_parse_errors = flag("ignore-parse-errors");
    flag("fail-on-missing-field");
    let ignore_null_fields = flag("encode.ignore-null-fields");
    let decimals =
        if flag("encode.decimal-as-plain-number") { DecimalFormat::Plain } else { DecimalFormat::Scientific };
    reader.flag(&key("decode.json-parser.enabled"), true);
    // No map is ever written.
    reader.constant(&key("map-null-key.mode"), "FAIL", &["FAIL", "DROP", "LITERAL"]);
    reader.get(&key("map-null-key.literal"));
    let standard = reader.word(&key("timestamp-format.standard"), "SQL", &["SQL", "ISO-8601"]);
    let timestamp_format =
        if standard == "ISO-8601" { TimestampFormat::Iso8601 } else { TimestampFormat::Sql };
    Json {
        reading: JsonOptions { ignore_parse_errors, timestamp_format },
        writing: WriteOptions { ignore_null_fields, timestamp_format, decimals },
    }
}
