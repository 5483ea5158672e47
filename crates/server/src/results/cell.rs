//! The values of rows: read from JSON, kept as two whole numbers, and written as the same JSON.
//!
//! The kind of a value comes from its JSON, not only from the column's type: another writer may put a text
//! where a number is declared, and readers see what is there.

use std::borrow::Cow;
use std::cmp::Ordering;

use jobs::ColumnKind;

use super::time::{TimeForm, parse_exact, write_time};
use crate::analytics::intern::{TEXT_BYTES_MAX, Texts};

/// Powers of ten by scale.
const POWERS: [f64; DIGITS_MAX + 1] =
    [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18];

/// Digits of a decimal that fit 64 bits.
const DIGITS_MAX: usize = 18;

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

    pub(super) fn as_number(self) -> Option<f64> {
        match self {
            Cell::Int(value) => Some(value as f64),
            Cell::Float(value) => Some(value),
            Cell::Decimal { unscaled, scale } => {
                Some(unscaled as f64 / POWERS[usize::from(scale) % POWERS.len()])
            }
            Cell::Null | Cell::Bool(_) | Cell::Text(_) | Cell::Json(_) | Cell::Time { .. } => None,
        }
    }

    /// Appends a value as JSON.
    pub(super) fn write_json(self, texts: &Texts, out: &mut Vec<u8>) {
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
    pub(super) fn write_plain(self, texts: &Texts, out: &mut Vec<u8>) {
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
    pub(super) fn order(self, other: Cell, texts: &Texts) -> Ordering {
        match (self, other) {
            (Cell::Int(a), Cell::Int(b)) => a.cmp(&b),
            (Cell::Text(a) | Cell::Json(a), Cell::Text(b) | Cell::Json(b)) => {
                if a == b {
                    Ordering::Equal
                } else {
                    texts.get(a).cmp(texts.get(b))
                }
            }
            (Cell::Time { micros: a, .. }, Cell::Time { micros: b, .. }) => a.cmp(&b),
            (Cell::Bool(a), Cell::Bool(b)) => a.cmp(&b),
            _ => match (self.as_number(), other.as_number()) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                _ => self.rank().cmp(&other.rank()),
            },
        }
    }

    fn rank(self) -> u8 {
        match self {
            Cell::Bool(_) => 0,
            Cell::Int(_) | Cell::Float(_) | Cell::Decimal { .. } => 1,
            Cell::Time { .. } => 2,
            Cell::Text(_) | Cell::Json(_) => 3,
            Cell::Null => 4,
        }
    }
}

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
        Ok(value) if value.is_finite() && text.len() <= DIGITS_MAX + 6 => Cell::Float(value),
        // Beyond all numbers, which many readers of JSON refuse.
        Ok(value) if !value.is_finite() => Cell::Text(texts.code(text)),
        _ => Cell::Json(texts.code(text)),
    }
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
        ] {
            let cell = Cell::read(json.as_bytes(), kind, &mut texts);
            let (tag, value) = cell.pack();
            let mut written = Vec::new();
            Cell::unpack(tag, value).write_json(&texts, &mut written);
            assert_eq!(String::from_utf8_lossy(&written), json, "{cell:?}");
        }
        assert!(matches!(Cell::read(long.as_bytes(), ColumnKind::Json, &mut texts), Cell::Text(_)));
        for odd in ["", "\"", "\"\\", "-", "nonsense"] {
            Cell::read(odd.as_bytes(), ColumnKind::Integer, &mut texts);
        }
    }
}
