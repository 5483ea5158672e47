//! Values as a result shows them: JSON, or plain text as `CAST(… AS STRING)` gives it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;
use serde_json::value::RawValue;
use sql::expr::CastMode;
use sql::functions::{Code, Env, Output, cast};
use sql::plan::{ResultCell, ResultColumn};
use types::{DataType, Scalar, Value};

/// How the values of a result are written.
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

/// Writes the rows of one result.
pub(super) struct RowWriter {
    format: RowFormat,
    cells: Vec<Cell>,
}

/// A column, or a field of a row.
enum Cell {
    Scalar {
        place: usize,
        data_type: DataType,
        /// To text, as the format wants it; none for what is text already, or binary.
        code: Option<Code>,
    },
    Row(Vec<(String, Cell)>),
}

impl RowWriter {
    /// Writes instants in the session's zone. In JSON, Flink does so for columns alone: a field of a row stays in UTC.
    pub(super) fn new(columns: &[ResultColumn], format: RowFormat, zone: &TimeZone) -> RowWriter {
        let zones = match format {
            RowFormat::Json => Zones { column: zone, field: &TimeZone::UTC },
            RowFormat::PlainText => Zones { column: zone, field: zone },
        };
        let cells = columns.iter().map(|column| Cell::of(column, zones.column, zones)).collect();
        RowWriter { format, cells }
    }

    /// The values of a row as a JSON array.
    pub(super) fn row(&self, values: &[Value]) -> Box<RawValue> {
        let mut out = String::from("[");
        for (at, cell) in self.cells.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            match self.format {
                RowFormat::Json => cell.json(values, &mut out),
                RowFormat::PlainText => {
                    let mut text = String::new();
                    if cell.plain(values, &mut text) {
                        out.push_str(&quoted(&text))
                    } else {
                        out.push_str("null")
                    }
                }
            }
        }

        out.push(']');
        RawValue::from_string(out).expect("what was written is JSON")
    }
}

/// The zones in which instants are written.
#[derive(Clone, Copy)]
struct Zones<'a> {
    column: &'a TimeZone,
    /// Zone of the fields of a row.
    field: &'a TimeZone,
}

impl Cell {
    fn of(column: &ResultColumn, zone: &TimeZone, zones: Zones<'_>) -> Cell {
        match &column.cell {
            ResultCell::Scalar(place) => {
                let data_type = column.column_type.data_type.clone();
                let is_plain =
                    data_type.is_text() || matches!(data_type, DataType::Binary(_) | DataType::Varbinary(_));
                let code = if is_plain {
                    None
                } else {
                    cast::prepare(&data_type, &DataType::STRING, CastMode::Strict, zone).ok()
                };
                Cell::Scalar { place: *place, data_type, code }
            }
            ResultCell::Row(fields) => {
                let cell = |field: &ResultColumn| (field.name.clone(), Cell::of(field, zones.field, zones));
                Cell::Row(fields.iter().map(cell).collect())
            }
        }
    }

    /// Whether it holds anything. A row of nulls is taken for a null.
    fn is_there(&self, values: &[Value]) -> bool {
        match self {
            Cell::Scalar { place, .. } => !value(values, *place).is_null(),
            Cell::Row(fields) => fields.iter().any(|(_, cell)| cell.is_there(values)),
        }
    }

    /// Writes text; false for a null, of which nothing is written.
    fn plain(&self, values: &[Value], out: &mut String) -> bool {
        if !self.is_there(values) {
            return false;
        }
        match self {
            Cell::Scalar { place, code, .. } => match value(values, *place) {
                Value::Text(text) => out.push_str(text),
                Value::Bytes(bytes) => {
                    out.push_str("x'");
                    bytes.iter().for_each(|byte| out.push_str(&format!("{byte:02x}")));
                    out.push('\'');
                }
                other => out.push_str(&text_of(code.as_ref(), other)),
            },
            Cell::Row(fields) => {
                out.push('(');
                for (at, (_, cell)) in fields.iter().enumerate() {
                    if at > 0 {
                        out.push_str(", ");
                    }
                    if !cell.plain(values, out) {
                        out.push_str("NULL");
                    }
                }
                out.push(')');
            }
        }

        true
    }

    fn json(&self, values: &[Value], out: &mut String) {
        if !self.is_there(values) {
            out.push_str("null");
            return;
        }

        match self {
            Cell::Scalar { place, data_type, code } => {
                let text = match value(values, *place) {
                    Value::Text(text) => quoted(text),
                    Value::Bytes(bytes) => quoted(&STANDARD.encode(bytes)),
                    Value::Int(number) if is_number(data_type) => number.to_string(),
                    other => json_of(&text_of(code.as_ref(), other), data_type),
                };
                out.push_str(&text);
            }
            Cell::Row(fields) => {
                out.push('{');
                for (at, (name, cell)) in fields.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    out.push_str(&quoted(name));
                    out.push(':');
                    cell.json(values, out);
                }
                out.push('}');
            }
        }
    }
}

fn value(values: &[Value], place: usize) -> &Value {
    values.get(place).unwrap_or(&Value::Null)
}

/// Whole numbers, and intervals: milliseconds or months.
fn is_number(data_type: &DataType) -> bool {
    data_type.is_integer() || matches!(data_type, DataType::IntervalDayTime | DataType::IntervalYearMonth)
}

fn text_of(code: Option<&Code>, value: &Value) -> String {
    let mut out = Output::default();
    let done = code.map(|code| code(&Env { now_ms: 0 }, &[value.as_scalar()], &mut out));
    match (done, out.get()) {
        (Some(Ok(())), Scalar::Text(text)) => text.to_owned(),
        _ => String::new(),
    }
}

/// The text of a number, truth or time as JSON.
fn json_of(text: &str, data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => text.to_lowercase(),
        // What is no number in JSON is a text, as Flink writes it.
        _ if data_type.is_numeric() => {
            if text.bytes().any(|byte| byte == b'N' || byte == b'I') {
                quoted(text)
            } else {
                text.to_owned()
            }
        }
        DataType::Timestamp(_) => quoted(&iso(text)),
        // Flink's JSON format appends its `Z` to local time, and its JDBC driver takes it off again.
        DataType::TimestampLtz(_) => quoted(&(iso(text) + "Z")),
        _ => quoted(text.strip_suffix(".0").unwrap_or(text)),
    }
}

/// `2026-01-01 00:00:00.500` as ISO 8601, the fraction without zeros at its end.
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

    /// Each: a type, a value, and what a real gateway of Flink 2.3 answered, as JSON and as plain text.
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
            let column = ResultColumn {
                name: "c".to_owned(),
                column_type: data_type.nullable(),
                cell: ResultCell::Scalar(0),
            };
            for (format, expected) in [(RowFormat::Json, json), (RowFormat::PlainText, plain)] {
                let writer = RowWriter::new(std::slice::from_ref(&column), format, &zone);
                assert_eq!(writer.row(std::slice::from_ref(&value)).get(), format!("[{expected}]"), "{name}");
            }
        }
    }

    #[test]
    fn instants_inside_of_rows_are_local_in_text_and_utc_in_json() {
        let zone = TimeZone::get("Asia/Ho_Chi_Minh").expect("a zone");
        let instant = ResultColumn {
            name: "at".to_owned(),
            column_type: DataType::TimestampLtz(3).nullable(),
            cell: ResultCell::Scalar(0),
        };
        let row = ResultColumn {
            name: "r".to_owned(),
            column_type: DataType::Row(vec![]).nullable(),
            cell: ResultCell::Row(vec![instant]),
        };
        for (format, expected) in [
            (RowFormat::Json, r#"[{"at":"2026-01-01T00:00:00Z"}]"#),
            (RowFormat::PlainText, r#"["(2026-01-01 07:00:00.000)"]"#),
        ] {
            let writer = RowWriter::new(std::slice::from_ref(&row), format, &zone);
            assert_eq!(writer.row(&[Value::Int(1_767_225_600_000)]).get(), expected);
        }
    }

    #[test]
    fn rows_are_put_together_from_their_fields() {
        let scalar = |name: &str, data_type: DataType, place| ResultColumn {
            name: name.to_owned(),
            column_type: data_type.nullable(),
            cell: ResultCell::Scalar(place),
        };
        let row = |name: &str, fields: Vec<ResultColumn>| ResultColumn {
            name: name.to_owned(),
            column_type: DataType::Row(vec![]).nullable(),
            cell: ResultCell::Row(fields),
        };
        let inner = row("inner", vec![scalar("price", DataType::Double, 2)]);
        let outer =
            row("outer", vec![scalar("id", DataType::Int, 0), scalar("tag", DataType::STRING, 1), inner]);
        let columns = [outer];
        let json = RowWriter::new(&columns, RowFormat::Json, &TimeZone::UTC);
        let plain = RowWriter::new(&columns, RowFormat::PlainText, &TimeZone::UTC);
        let full = [Value::Int(1), Value::Null, Value::Double(1.5)];
        assert_eq!(json.row(&full).get(), r#"[{"id":1,"tag":null,"inner":{"price":1.5}}]"#);
        assert_eq!(plain.row(&full).get(), r#"["(1, NULL, (1.5))"]"#);
        let partly = [Value::Int(1), Value::Text("x".to_owned()), Value::Null];
        assert_eq!(plain.row(&partly).get(), r#"["(1, x, NULL)"]"#);
        let nothing = [Value::Null, Value::Null, Value::Null];
        assert_eq!((json.row(&nothing).get(), plain.row(&nothing).get()), ("[null]", "[null]"));
    }
}
