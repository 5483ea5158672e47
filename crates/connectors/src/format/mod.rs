//! Formats: convert records to columns, and rows to records.

pub mod changelog;
pub mod json;

use crate::options::OptionReader;
use changelog::Envelope;
use json::{DecimalFormat, JsonOptions, TimestampFormat, WriteOptions};

/// The JSON options of a table, for reading and for writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json {
    pub reading: JsonOptions,
    pub writing: WriteOptions,
}

/// Reads the format of a table's values: `'format'` with `'json.…'`, or `'value.format'` with
/// `'value.json.…'`.
pub(crate) fn value_format(reader: &mut OptionReader<'_>) -> Json {
    if reader.get("format").is_none() && reader.get("value.format").is_some() {
        return only_value_format(reader);
    }

    // If both are given, Flink uses 'format' and accepts no options of the other.
    reader.accept(&["value.format"]);
    format(reader, "")
}

/// Like [`value_format`], but accepts only `'value.format'`.
pub(crate) fn only_value_format(reader: &mut OptionReader<'_>) -> Json {
    format(reader, "value.")
}

fn format(reader: &mut OptionReader<'_>, prefix: &str) -> Json {
    let format = format!("{prefix}format");
    reader.required(&format, "json");
    reader.word(&format, "json", &["json"]);
    json(reader, prefix)
}

/// Reads the format of a source table: JSON, possibly in the envelope of a changelog format, whose options
/// begin with the format's name.
pub(crate) fn read_format(reader: &mut OptionReader<'_>) -> (Json, Envelope) {
    let key = if reader.get("format").is_some() { "format" } else { "value.format" };
    let prefix = if key == "format" { "" } else { "value." };
    let envelope = match reader.get(key).map(|option| option.value.as_str()) {
        Some("debezium-json") => {
            let schema_include = reader.flag(&format!("{prefix}debezium-json.schema-include"), false);
            Envelope::Debezium { schema_include }
        }
        Some("canal-json") => {
            reader.accept(&[&format!("{prefix}canal-json.database.include")]);
            reader.accept(&[&format!("{prefix}canal-json.table.include")]);
            Envelope::Canal
        }
        _ => return (value_format(reader), Envelope::Plain),
    };

    reader.accept(&["value.format"]);
    let name = if matches!(envelope, Envelope::Canal) { "canal-json" } else { "debezium-json" };
    let prefix = format!("{prefix}{name}.");
    (json_options(reader, &prefix), envelope)
}

/// Reads JSON options with a prefix, such as `key.` for keys.
pub(crate) fn json(reader: &mut OptionReader<'_>, prefix: &str) -> Json {
    json_options(reader, &format!("{prefix}json."))
}

/// Like `json`, with the complete prefix of the options, such as `debezium-json.`.
fn json_options(reader: &mut OptionReader<'_>, prefix: &str) -> Json {
    let key = |name: &str| format!("{prefix}{name}");
    let mut flag = |name: &str| reader.flag(&key(name), false);
    let ignore_parse_errors = flag("ignore-parse-errors");
    flag("fail-on-missing-field");
    let ignore_null_fields = flag("encode.ignore-null-fields");
    let decimals =
        if flag("encode.decimal-as-plain-number") { DecimalFormat::Plain } else { DecimalFormat::Scientific };
    reader.flag(&key("decode.json-parser.enabled"), true);
    // No map is written, so the mode does not matter.
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
