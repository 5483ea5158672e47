//! The values of rows: read from JSON, kept as two whole numbers, and written as the same JSON.
//!
//! The kind of a value comes from its JSON, not only from the column's type: another writer may put a text
//! where a number is declared, and readers see what is there.

use std::borrow::Cow;
use std::cmp::Ordering;

use jobs::ColumnKind;

use super::time::{TimeForm, parse_exact, write_time};
use crate::analytics::intern::{TEXT_BYTES_MAX, TextPages, Texts};

/// Powers of ten by scale.
const POWERS: [f64; DIGITS_MAX + 1] =
    [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18];

/// Digits of a decimal that fit 64 bits.
const DIGITS_MAX: usize = 18;
/// Digits that a floating-point number keeps, whatever they are.
const FLOAT_DIGITS: usize = 15;
/// The first floating-point number beyond which not every whole number is one.
const FLOAT_WHOLE_MAX: f64 = (1_u64 << 53) as f64;

/// A value. Texts are codes among the table's texts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// `unscaled / 10^scale`, written with all digits of the scale.
    Decimal {
        unscaled: i64,
        scale: u8,
    },
    Text(u32),
    /// JSON as it was written: arrays, objects, and numbers of many digits.
    Json(u32),
    /// Microseconds on the wall clock, or of an instant.
    Time {
        micros: i64,
        form: TimeForm,
    },
}

const NULL: i64 = 0;
const BOOL: i64 = 1;
const INT: i64 = 2;
const FLOAT: i64 = 3;
pub(super) const TEXT: i64 = 4;
pub(super) const JSON: i64 = 5;
const DECIMAL: i64 = 16;
const TIME: i64 = 64;

impl Cell {
    /// Reads a JSON value, without blanks around it.
    pub(super) fn read(raw: &[u8], kind: ColumnKind, texts: &mut Texts) -> Cell {
        match raw.first() {
            None | Some(b'n') => Cell::Null,
            Some(b't') => Cell::Bool(true),
            Some(b'f') => Cell::Bool(false),
            Some(b'"') => {
                let text: Cow<'_, str> = match &raw[1..raw.len().max(2) - 1] {
                    plain if !plain.contains(&b'\\') => String::from_utf8_lossy(plain),
                    _ => serde_json::from_slice::<String>(raw).unwrap_or_default().into(),
                };
                match parse_exact(&text) {
                    Some((micros, form)) => Cell::Time { micros, form },
                    None => Cell::Text(texts.code(&text)),
                }
            }
            Some(b'-' | b'0'..=b'9') => number(&String::from_utf8_lossy(raw), kind, texts),
            Some(_) => {
                let text = String::from_utf8_lossy(raw);
                let text = if text.contains(['\n', '\r']) { on_one_line(&text).into() } else { text };
                // A cut JSON is no JSON.
                let code = texts.code(&text);
                if text.len() > TEXT_BYTES_MAX { Cell::Text(code) } else { Cell::Json(code) }
            }
        }
    }

    /// Returns the two numbers as which a value is kept. The second is 0 for a null.
    pub(super) fn pack(self) -> (i64, i64) {
        match self {
            Cell::Null => (NULL, 0),
            Cell::Bool(value) => (BOOL, value.into()),
            Cell::Int(value) => (INT, value),
            Cell::Float(value) => (FLOAT, value.to_bits().cast_signed()),
            Cell::Decimal { unscaled, scale } => (DECIMAL + i64::from(scale), unscaled),
            Cell::Text(code) => (TEXT, code.into()),
            Cell::Json(code) => (JSON, code.into()),
            Cell::Time { micros, form } => (TIME + form.code(), micros),
        }
    }

    pub(super) fn unpack(tag: i64, value: i64) -> Cell {
        match tag {
            BOOL => Cell::Bool(value != 0),
            INT => Cell::Int(value),
            FLOAT => Cell::Float(f64::from_bits(value.cast_unsigned())),
            TEXT => Cell::Text(value as u32),
            JSON => Cell::Json(value as u32),
            DECIMAL..TIME => Cell::Decimal { unscaled: value, scale: (tag - DECIMAL) as u8 },
            TIME.. => Cell::Time { micros: value, form: TimeForm::of_code(tag - TIME) },
            _ => Cell::Null,
        }
    }

    /// Returns a number, rounded if it has many digits.
    pub(super) fn as_number(self, texts: &TextPages) -> Option<f64> {
        match self {
            Cell::Int(value) => Some(value as f64),
            Cell::Float(value) => Some(value),
            Cell::Decimal { unscaled: value, scale } => Some(scaled(value, scale)),
            Cell::Json(code) => number_of(texts.get(code))?.parse().ok(),
            Cell::Null | Cell::Bool(_) | Cell::Text(_) | Cell::Time { .. } => None,
        }
    }

    /// Returns a whole number, exactly.
    pub(super) fn as_whole(self, texts: &TextPages) -> Option<i128> {
        match self {
            Cell::Int(value) => Some(value.into()),
            Cell::Json(code) => number_of(texts.get(code))?.parse().ok(),
            Cell::Null | Cell::Bool(_) | Cell::Float(_) | Cell::Decimal { .. } => None,
            Cell::Text(_) | Cell::Time { .. } => None,
        }
    }

    /// Appends a value as JSON.
    pub(super) fn write_json(self, texts: &TextPages, out: &mut Vec<u8>) {
        match self {
            Cell::Null => out.extend_from_slice(b"null"),
            Cell::Text(code) => write_string(texts.get(code), out),
            Cell::Time { .. } => {
                out.push(b'"');
                self.write_plain(texts, out);
                out.push(b'"');
            }
            Cell::Float(value) if !value.is_finite() => out.extend_from_slice(b"null"),
            Cell::Bool(_) | Cell::Int(_) | Cell::Float(_) | Cell::Decimal { .. } | Cell::Json(_) => {
                self.write_plain(texts, out);
            }
        }
    }

    pub(super) fn is_text(self) -> bool {
        matches!(self, Cell::Text(_))
    }

    /// Appends a value without quotes; nothing for a null.
    pub(super) fn write_plain(self, texts: &TextPages, out: &mut Vec<u8>) {
        match self {
            Cell::Null => {}
            Cell::Bool(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
            Cell::Int(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Cell::Float(value) => {
                // Writing a number to a vector cannot fail.
                let _ = serde_json::to_writer(out, &value);
            }
            Cell::Decimal { unscaled, scale } => {
                out.extend_from_slice(decimal(unscaled.into(), scale).as_bytes())
            }
            Cell::Text(code) | Cell::Json(code) => out.extend_from_slice(texts.get(code).as_bytes()),
            Cell::Time { micros, form } => {
                let mut text = String::with_capacity(27);
                write_time(micros, form, &mut text);
                out.extend_from_slice(text.as_bytes());
            }
        }
    }

    /// Orders values: numbers, texts and times among themselves, nulls last.
    pub(super) fn order(self, other: Cell, texts: &TextPages) -> Ordering {
        match (self, other) {
            (Cell::Int(a), Cell::Int(b)) => a.cmp(&b),
            (Cell::Text(a), Cell::Text(b)) if a == b => Ordering::Equal,
            (Cell::Text(a), Cell::Text(b)) => texts.get(a).cmp(texts.get(b)),
            (Cell::Time { micros: a, .. }, Cell::Time { micros: b, .. }) => a.cmp(&b),
            (Cell::Bool(a), Cell::Bool(b)) => a.cmp(&b),
            _ => match (self.as_number(texts), other.as_number(texts)) {
                (Some(a), Some(b)) => a.total_cmp(&b).then_with(|| {
                    if a.abs() < FLOAT_WHOLE_MAX {
                        return Ordering::Equal;
                    }
                    // Whole numbers that round to the same are still told apart. The others go in front, so that
                    // all numbers have one order.
                    self.as_whole(texts).cmp(&other.as_whole(texts))
                }),
                _ => self.rank(texts).cmp(&other.rank(texts)).then_with(|| match (self, other) {
                    (Cell::Text(a) | Cell::Json(a), Cell::Text(b) | Cell::Json(b)) => {
                        texts.get(a).cmp(texts.get(b))
                    }
                    _ => Ordering::Equal,
                }),
            },
        }
    }

    fn rank(self, texts: &TextPages) -> u8 {
        match self {
            Cell::Bool(_) => 0,
            Cell::Int(_) | Cell::Float(_) | Cell::Decimal { .. } => 1,
            Cell::Json(code) if number_of(texts.get(code)).is_some() => 1,
            Cell::Time { .. } => 2,
            Cell::Text(_) | Cell::Json(_) => 3,
            Cell::Null => 4,
        }
    }
}

/// Returns JSON that is a number.
fn number_of(json: &str) -> Option<&str> {
    json.starts_with(|first: char| first == '-' || first.is_ascii_digit()).then_some(json)
}

/// Reads a number so that all its digits come back. Numbers that neither 64 bits nor a floating-point number hold
/// stay JSON.
fn number(text: &str, kind: ColumnKind, texts: &mut Texts) -> Cell {
    if let Ok(value) = text.parse() {
        return Cell::Int(value);
    }
    // Doubles and decimals both have a point. A decimal keeps its digits, a double may have an exponent.
    if kind == ColumnKind::Number
        && !text.contains(['e', 'E'])
        && let Some((whole, fraction)) = text.split_once('.')
        && whole.len() + fraction.len() <= DIGITS_MAX
        && let Ok(unscaled) = format!("{whole}{fraction}").parse::<i64>()
        && let scale = fraction.len() as u8
        && decimal(unscaled.into(), scale) == text
    {
        return Cell::Decimal { unscaled, scale };
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && is_exact(text, value) => Cell::Float(value),
        // Beyond all numbers, which many readers of JSON refuse.
        Ok(value) if !value.is_finite() => Cell::Text(texts.code(text)),
        _ => Cell::Json(texts.code(text)),
    }
}

/// Returns whether a floating-point number has all digits of a text.
fn is_exact(text: &str, value: f64) -> bool {
    let digits = text.split(['e', 'E']).next().unwrap_or_default();
    let digits = digits.trim_start_matches(['-', '0', '.']).bytes().filter(u8::is_ascii_digit);
    digits.count() <= FLOAT_DIGITS || serde_json::to_string(&value).is_ok_and(|written| written == text)
}

/// Returns JSON without the blanks between its parts, and thus without line breaks, which end a row of NDJSON.
fn on_one_line(json: &str) -> String {
    let (mut is_in_text, mut is_escaped) = (false, false);
    let keep = |letter: &char| {
        let is_blank = !is_in_text && letter.is_ascii_whitespace();
        if *letter == '"' && !is_escaped {
            is_in_text = !is_in_text;
        }
        is_escaped = is_in_text && *letter == '\\' && !is_escaped;
        !is_blank
    };
    json.chars().filter(keep).collect()
}

/// Returns `value / 10^scale`.
pub(super) fn scaled(value: i64, scale: u8) -> f64 {
    value as f64 / POWERS[usize::from(scale) % POWERS.len()]
}

/// Formats `unscaled / 10^scale` with all digits of the scale.
pub(super) fn decimal(unscaled: i128, scale: u8) -> String {
    if scale == 0 {
        return unscaled.to_string();
    }
    let digits = format!("{:0width$}", unscaled.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    let sign = if unscaled < 0 { "-" } else { "" };
    format!("{sign}{whole}.{fraction}")
}

/// Appends a text as JSON.
pub(super) fn write_string(text: &str, out: &mut Vec<u8>) {
    // Writing a text to a vector cannot fail.
    let _ = serde_json::to_writer(out, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_comes_back_as_the_same_json() {
        let mut texts = Texts::default();
        let long = format!("[{}]", "1,".repeat(TEXT_BYTES_MAX));
        for (json, kind) in [
            ("null", ColumnKind::Integer),
            ("true", ColumnKind::Boolean),
            ("false", ColumnKind::Text),
            ("-9223372036854775808", ColumnKind::Integer),
            ("12.50", ColumnKind::Number),
            ("-0.05", ColumnKind::Number),
            ("731.196", ColumnKind::Number),
            ("812.0", ColumnKind::Number),
            ("1e+300", ColumnKind::Number),
            ("123456789012345678901234567890", ColumnKind::Number),
            ("12345678901234567890.12345678901234567890", ColumnKind::Number),
            (r#""a \"quoted\" text\n""#, ColumnKind::Text),
            (r#""Sinh viên""#, ColumnKind::Text),
            (r#""""#, ColumnKind::Text),
            (r#""2025-12-09T11:30:00""#, ColumnKind::Text),
            (r#""2025-12-09 11:30:00.250Z""#, ColumnKind::Time),
            (r#"{"a":[1,2.0]}"#, ColumnKind::Json),
            (r#"[1, 2]"#, ColumnKind::Json),
            // Neither 64 bits nor a floating-point number have these digits.
            ("9223372036854775808", ColumnKind::Integer),
            ("-123456789012345678901234", ColumnKind::Integer),
            ("1234567890123456.789012", ColumnKind::Number),
            ("12345678901234.5678", ColumnKind::Integer),
            ("0.30000000000000004", ColumnKind::Number),
        ] {
            let cell = Cell::read(json.as_bytes(), kind, &mut texts);
            let (tag, value) = cell.pack();
            let mut written = Vec::new();
            Cell::unpack(tag, value).write_json(texts.pages(), &mut written);
            assert_eq!(String::from_utf8_lossy(&written), json, "{cell:?}");
        }
        assert!(matches!(Cell::read(long.as_bytes(), ColumnKind::Json, &mut texts), Cell::Text(_)));
        for odd in ["", "\"", "\"\\", "-", "nonsense"] {
            Cell::read(odd.as_bytes(), ColumnKind::Integer, &mut texts);
        }
    }

    #[test]
    fn nested_values_have_no_line_breaks() {
        let mut texts = Texts::default();
        let json = "{\r\n  \"a b\": [1,\n 2.50],\t\"q\\\\\": \"x \\\" y\\n\"\n}";
        let mut written = Vec::new();
        Cell::read(json.as_bytes(), ColumnKind::Json, &mut texts).write_json(texts.pages(), &mut written);
        let expected = r#"{"a b":[1,2.50],"q\\":"x \" y\n"}"#;
        assert_eq!(String::from_utf8_lossy(&written), expected);
    }

    #[test]
    fn numbers_have_one_order_however_many_digits_they_have() {
        let mut texts = Texts::default();
        let in_order = [
            "-123456789012345678901235",
            "-123456789012345678901234",
            "-5",
            "0.5",
            "9007199254740992.5",
            "9007199254740993",
            "9223372036854775807",
            "9223372036854775808",
            "9223372036854775809",
            "1e+300",
        ];
        let cells = in_order.map(|json| Cell::read(json.as_bytes(), ColumnKind::Number, &mut texts));
        for (a, of_a) in cells.iter().enumerate() {
            for (b, of_b) in cells.iter().enumerate() {
                assert_eq!(
                    of_a.order(*of_b, texts.pages()),
                    a.cmp(&b),
                    "{} and {}",
                    in_order[a],
                    in_order[b]
                );
            }
        }
        let json = Cell::read(b"[1]", ColumnKind::Json, &mut texts);
        assert!(cells[9].order(json, texts.pages()).is_lt() && json.order(Cell::Null, texts.pages()).is_lt());
    }
}
