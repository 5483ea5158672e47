//! Formats values of a result: as JSON, or as plain text like `CAST(… AS STRING)`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;
use serde_json::value::RawValue;
use sql::expr::CastMode;
use sql::functions::{Code, Env, Output, cast};
use sql::plan::ResultColumn;
use types::nested::Nested;
use types::{DataType, Scalar, Value};

/// Format of the values of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowFormat {
    Json,
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

/// Formats the rows of one result.
pub(super) struct RowWriter {
    format: RowFormat,
    cells: Vec<Cell>,
}

/// Formatter of the values of one type.
enum Cell {
    Scalar {
        data_type: DataType,
        /// Conversion to text, for either format; `None` for text and binary values.
        code: Option<Code>,
    },
    Array(Box<Cell>),
    /// Keys and values of a map, or elements and counts of a multiset.
    Entries(Box<Cell>, Box<Cell>),
    Row(Vec<(String, Cell)>),
}

impl RowWriter {
    /// Formats instants in the session's zone. In JSON, as in Flink, only columns are in that zone: a field
    /// of a row is in UTC.
    pub(super) fn new(columns: &[ResultColumn], format: RowFormat, zone: &TimeZone) -> RowWriter {
        let zones = match format {
            RowFormat::Json => Zones { column: zone, field: &TimeZone::UTC },
            RowFormat::PlainText => Zones { column: zone, field: zone },
        };
        let of = |column: &ResultColumn| Cell::of(&column.column_type.data_type, zones.column, zones.field);
        let cells = columns.iter().map(of).collect();
        RowWriter { format, cells }
    }

    /// Returns the values of a row as a JSON array.
    pub(super) fn row(&self, values: &[Value]) -> Box<RawValue> {
        let mut out = String::from("[");
        for (at, cell) in self.cells.iter().enumerate() {
            let value = values.get(at).map_or(Scalar::Null, Value::as_scalar);
            if at > 0 {
                out.push(',');
            }
            match self.format {
                RowFormat::Json => cell.json(value, &mut out),
                RowFormat::PlainText if value.is_null() => out.push_str("null"),
                RowFormat::PlainText => {
                    let mut text = String::new();
                    cell.plain(value, &mut text);
                    out.push_str(&quoted(&text));
                }
            }
        }

        out.push(']');
        RawValue::from_string(out).expect("what was written is JSON")
    }
}

/// The zones in which instants are formatted.
#[derive(Clone, Copy)]
struct Zones<'a> {
    column: &'a TimeZone,
    /// Zone of nested values.
    field: &'a TimeZone,
}

impl Cell {
    /// `zone` is the zone of the value itself, `inside` that of nested values.
    fn of(data_type: &DataType, zone: &TimeZone, inside: &TimeZone) -> Cell {
        let part = |data_type: &DataType| Box::new(Cell::of(data_type, inside, inside));
        match data_type {
            DataType::Array(element) => Cell::Array(part(&element.data_type)),
            DataType::Map(key, value) => Cell::Entries(part(&key.data_type), part(&value.data_type)),
            DataType::Multiset(element) => Cell::Entries(part(&element.data_type), part(&DataType::Int)),
            DataType::Row(fields) => Cell::Row(
                fields
                    .iter()
                    .map(|field| (field.name.clone(), *part(&field.column_type.data_type)))
                    .collect(),
            ),
            _ => {
                let is_plain =
                    data_type.is_text() || matches!(data_type, DataType::Binary(_) | DataType::Varbinary(_));
                let code = if is_plain {
                    None
                } else {
                    cast::prepare(data_type, &DataType::STRING, CastMode::Strict, zone).ok()
                };
                Cell::Scalar { data_type: data_type.clone(), code }
            }
        }
    }

    /// Appends a value as plain text.
    fn plain(&self, value: Scalar<'_>, out: &mut String) {
        if value.is_null() {
            out.push_str("NULL");
            return;
        }

        match self {
            Cell::Scalar { code, .. } => match value {
                Scalar::Text(text) => out.push_str(text),
                Scalar::Bytes(bytes) => {
                    out.push_str("x'");
                    bytes.iter().for_each(|byte| out.push_str(&format!("{byte:02x}")));
                    out.push('\'');
                }
                other => out.push_str(&text_of(code.as_ref(), other)),
            },

            Cell::Array(element) => {
                out.push('[');
                for (at, value) in parts(value).enumerate() {
                    out.push_str(if at > 0 { ", " } else { "" });
                    element.plain(value, out);
                }
                out.push(']');
            }

            Cell::Entries(key, value_cell) => {
                out.push('{');
                for (at, (of, value)) in entries(value).enumerate() {
                    out.push_str(if at > 0 { ", " } else { "" });
                    key.plain(of, out);
                    out.push('=');
                    value_cell.plain(value, out);
                }
                out.push('}');
            }

            Cell::Row(fields) => {
                out.push('(');
                for (at, ((_, cell), value)) in fields.iter().zip(parts(value)).enumerate() {
                    out.push_str(if at > 0 { ", " } else { "" });
                    cell.plain(value, out);
                }
                out.push(')');
            }
        }
    }

    fn json(&self, value: Scalar<'_>, out: &mut String) {
        if value.is_null() {
            out.push_str("null");
            return;
        }

        match self {
            Cell::Scalar { data_type, code } => {
                let text = match value {
                    Scalar::Text(text) => quoted(text),
                    Scalar::Bytes(bytes) => quoted(&STANDARD.encode(bytes)),
                    Scalar::Int(number) if is_number(data_type) => number.to_string(),
                    other => json_of(&text_of(code.as_ref(), other), data_type),
                };
                out.push_str(&text);
            }
            Cell::Array(element) => {
                out.push('[');
                for (at, value) in parts(value).enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    element.json(value, out);
                }
                out.push(']');
            }
            Cell::Entries(key, value_cell) => {
                out.push('{');
                for (at, (of, value)) in entries(value).enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    // Names in JSON are always texts.
                    let mut name = String::new();
                    key.json(of, &mut name);
                    out.push_str(&if name.starts_with('"') { name } else { quoted(&name) });
                    out.push(':');
                    value_cell.json(value, out);
                }
                out.push('}');
            }
            Cell::Row(fields) => {
                out.push('{');
                for (at, ((name, cell), value)) in fields.iter().zip(parts(value)).enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    out.push_str(&quoted(name));
                    out.push(':');
                    cell.json(value, out);
                }
                out.push('}');
            }
        }
    }
}

/// Returns the elements or fields of a value.
fn parts(value: Scalar<'_>) -> impl Iterator<Item = Scalar<'_>> {
    Nested::of(value).into_iter().flat_map(|nested| nested.values())
}

fn entries(value: Scalar<'_>) -> impl Iterator<Item = (Scalar<'_>, Scalar<'_>)> {
    Nested::of(value).into_iter().flat_map(|nested| nested.entries())
}

/// Returns whether values are whole numbers, or intervals in milliseconds or months.
fn is_number(data_type: &DataType) -> bool {
    data_type.is_integer() || matches!(data_type, DataType::IntervalDayTime | DataType::IntervalYearMonth)
}

fn text_of(code: Option<&Code>, value: Scalar<'_>) -> String {
    let mut out = Output::default();
    let done = code.map(|code| code(&Env { now_ms: 0 }, &[value], &mut out));
    match (done, out.get()) {
        (Some(Ok(())), Scalar::Text(text)) => text.to_owned(),
        _ => String::new(),
    }
}

/// Converts the text of a number, boolean or time to JSON.
fn json_of(text: &str, data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => text.to_lowercase(),
        // As in Flink, values that are no JSON numbers become texts.
        _ if data_type.is_numeric() => {
            if text.bytes().any(|byte| byte == b'N' || byte == b'I') {
                quoted(text)
            } else {
                text.to_owned()
            }
        }
        DataType::Timestamp(_) => quoted(&iso(text)),
        // Flink's JSON format appends a `Z` to local time, and its JDBC driver removes it.
        DataType::TimestampLtz(_) => quoted(&(iso(text) + "Z")),
        _ => quoted(text.strip_suffix(".0").unwrap_or(text)),
    }
}

/// Converts `2026-01-01 00:00:00.500` to ISO 8601, without zeros at the end of the fraction.
fn iso(text: &str) -> String {
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    text.replacen(' ', "T", 1)
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each case has a type, a value, and the answers of a real gateway of Flink 2.3, as JSON and as plain
    /// text.
    #[test]
    fn values_are_written_as_flink_writes_them() {
        let zone = TimeZone::get("Asia/Ho_Chi_Minh").expect("a zone");
        let text = |text: &str| Value::Text(text.to_owned());
        let cases = [
            (DataType::Decimal { precision: 5, scale: 2 }, Value::Wide(150), "1.50", "\"1.50\""),
            (
                DataType::Timestamp(0),
                Value::Int(1_767_225_600_000),
                "\"2026-01-01T00:00:00\"",
                "\"2026-01-01 00:00:00\"",
            ),
            (
                DataType::Timestamp(3),
                Value::Int(1_767_225_600_500),
                "\"2026-01-01T00:00:00.5\"",
                "\"2026-01-01 00:00:00.500\"",
            ),
            (
                DataType::TimestampLtz(3),
                Value::Int(1_767_225_600_500),
                "\"2026-01-01T07:00:00.5Z\"",
                "\"2026-01-01 07:00:00.500\"",
            ),
            (DataType::Date, Value::Int(20_455), "\"2026-01-02\"", "\"2026-01-02\""),
            (DataType::Time(0), Value::Int(3_723_000), "\"01:02:03\"", "\"01:02:03\""),
            (DataType::Time(3), Value::Int(3_723_000), "\"01:02:03\"", "\"01:02:03.0\""),
            (DataType::Float, Value::Double(f64::from(1.0_f32 / 3.0)), "0.33333334", "\"0.33333334\""),
            (DataType::Double, Value::Double(1e300), "1.0E300", "\"1.0E300\""),
            (DataType::Double, Value::Double(f64::NAN), "\"NaN\"", "\"NaN\""),
            (DataType::Binary(2), Value::Bytes(vec![10, 255]), "\"Cv8=\"", "\"x'0aff'\""),
            (DataType::Boolean, Value::Bool(true), "true", "\"TRUE\""),
            (DataType::IntervalDayTime, Value::Int(-93_784_500), "-93784500", "\"-1 02:03:04.500\""),
            (DataType::IntervalYearMonth, Value::Int(14), "14", "\"+1-02\""),
            (DataType::Char(4), text("ab  "), "\"ab  \"", "\"ab  \""),
            (DataType::STRING, text("say \"hi\"\n"), r#""say \"hi\"\n""#, r#""say \"hi\"\n""#),
            (DataType::TinyInt, Value::Int(1), "1", "\"1\""),
            (DataType::Int, Value::Null, "null", "null"),
        ];

        for (data_type, value, json, plain) in cases {
            let name = data_type.to_string();
            let column = ResultColumn { name: "c".to_owned(), column_type: data_type.nullable() };
            for (format, expected) in [(RowFormat::Json, json), (RowFormat::PlainText, plain)] {
                let writer = RowWriter::new(std::slice::from_ref(&column), format, &zone);
                assert_eq!(writer.row(std::slice::from_ref(&value)).get(), format!("[{expected}]"), "{name}");
            }
        }
    }

    fn list(values: &[Value]) -> Value {
        let scalars: Vec<Scalar<'_>> = values.iter().map(Value::as_scalar).collect();
        let mut bytes = Vec::new();
        types::nested::write_list(&scalars, &mut bytes);
        Value::Bytes(bytes)
    }

    fn row_of(fields: &[(&str, DataType)]) -> DataType {
        let field = |(name, data_type): &(&str, DataType)| types::Field {
            name: (*name).to_owned(),
            column_type: data_type.clone().nullable(),
        };
        DataType::Row(fields.iter().map(field).collect())
    }

    fn written(data_type: &DataType, value: &Value, format: RowFormat, zone: &TimeZone) -> String {
        let column = ResultColumn { name: "c".to_owned(), column_type: data_type.clone().nullable() };
        let writer = RowWriter::new(std::slice::from_ref(&column), format, zone);
        writer.row(std::slice::from_ref(value)).get().to_owned()
    }

    #[test]
    fn instants_inside_of_rows_are_local_in_text_and_utc_in_json() {
        let zone = TimeZone::get("Asia/Ho_Chi_Minh").expect("a zone");
        let row = row_of(&[("at", DataType::TimestampLtz(3))]);
        let value = list(&[Value::Int(1_767_225_600_000)]);
        for (format, expected) in [
            (RowFormat::Json, r#"[{"at":"2026-01-01T00:00:00Z"}]"#),
            (RowFormat::PlainText, r#"["(2026-01-01 07:00:00.000)"]"#),
        ] {
            assert_eq!(written(&row, &value, format, &zone), expected);
        }
    }

    #[test]
    fn values_inside_of_values_are_written_in_their_place() {
        let inner = row_of(&[("price", DataType::Double)]);
        let outer = row_of(&[("id", DataType::Int), ("tag", DataType::STRING), ("inner", inner)]);
        let full = list(&[Value::Int(1), Value::Null, list(&[Value::Double(1.5)])]);
        let json = |of: &DataType, value: &Value| written(of, value, RowFormat::Json, &TimeZone::UTC);
        let plain = |of: &DataType, value: &Value| written(of, value, RowFormat::PlainText, &TimeZone::UTC);
        assert_eq!(json(&outer, &full), r#"[{"id":1,"tag":null,"inner":{"price":1.5}}]"#);
        assert_eq!(plain(&outer, &full), r#"["(1, NULL, (1.5))"]"#);
        assert_eq!(
            (json(&outer, &Value::Null), plain(&outer, &Value::Null)),
            ("[null]".into(), "[null]".into())
        );

        let array = DataType::Array(Box::new(DataType::STRING.nullable()));
        let texts = list(&[Value::Text("a\"".to_owned()), Value::Null]);
        assert_eq!(json(&array, &texts), r#"[["a\"",null]]"#);
        assert_eq!(plain(&array, &texts), r#"["[a\", NULL]"]"#);

        let counts = DataType::Multiset(Box::new(DataType::Int.nullable()));
        let mut bytes = Vec::new();
        types::nested::write_map(&[(Scalar::Int(7), Scalar::Int(2))], &mut bytes);
        assert_eq!(json(&counts, &Value::Bytes(bytes.clone())), r#"[{"7":2}]"#);
        assert_eq!(plain(&counts, &Value::Bytes(bytes)), r#"["{7=2}"]"#);
    }
}
