//! Nested values: from JSON to the encoding of [`types::nested`], and back.
//!
//! | type | JSON |
//! | --- | --- |
//! | `ARRAY` | an array |
//! | `ROW` | an object; missing members are null, unknown ones are ignored |
//! | `MAP` | an object whose names are the keys |
//! | `MULTISET` | an object of elements and counts |
//!
//! A part of the wrong type becomes null and is counted, as in flink-json with `json.ignore-parse-errors`.

use engine::dictionary::InvalidText;
use types::nested::{self, Nested};
use types::{ColumnType, DataType, Scalar, compact as values};

use super::compact::compact;
use super::convert::{Token, convert};
use super::leaf::ValueKind;
use super::options::{TimestampFormat, WriteOptions};
use super::write::{write_string, write_value};
use super::{scan, skip, text};

/// Decodes nested values.
pub(super) struct NestedDecoder {
    format: TimestampFormat,
    /// Number of parts that were null because of a wrong type.
    pub(super) wrong: usize,
}

impl NestedDecoder {
    pub(super) fn new(format: TimestampFormat) -> NestedDecoder {
        NestedDecoder { format, wrong: 0 }
    }

    /// Appends the value of `json`, whose grammar has been checked, in the compact form.
    ///
    /// # Errors
    /// A text in the value has a broken escape or is not UTF-8.
    pub(super) fn value(&mut self, json: &[u8], of: &DataType, out: &mut Vec<u8>) -> Result<(), InvalidText> {
        match (of, json.first()) {
            _ if json == b"null" => values::write(Scalar::Null, out),
            (DataType::Array(element), Some(b'[')) => self.array(json, element, out)?,
            (DataType::Row(fields), Some(b'{')) => {
                let mut found: Vec<Option<&[u8]>> = vec![None; fields.len()];
                each_member(json, |name, value| {
                    if let Some(place) = fields.iter().position(|field| field.name.as_bytes() == name) {
                        found[place] = Some(value);
                    }
                    Ok(())
                })?;

                let mut inside = Vec::new();
                values::write_length(fields.len(), &mut inside);
                for (field, value) in fields.iter().zip(found) {
                    self.value(value.unwrap_or(b"null"), &field.column_type.data_type, &mut inside)?;
                }
                values::write(Scalar::Bytes(&inside), out);
            }
            (DataType::Map(key, value), Some(b'{')) => self.entries(json, key, &value.data_type, out)?,
            (DataType::Multiset(element), Some(b'{')) => {
                self.entries(json, element, &DataType::Int, out)?;
            }
            (scalar, _) if !scalar.is_nested() => self.scalar(json, scalar, out)?,
            _ => {
                self.wrong += 1;
                values::write(Scalar::Null, out);
            }
        }
        Ok(())
    }

    fn array(&mut self, json: &[u8], of: &ColumnType, out: &mut Vec<u8>) -> Result<(), InvalidText> {
        let mut elements = Vec::new();
        let mut count = 0;
        let mut i = scan::blanks(json, 1);
        while json.get(i) != Some(&b']') {
            let end = skip::value(json, i, 0).map_err(|_| InvalidText)?;
            self.value(&json[i..end], &of.data_type, &mut elements)?;
            count += 1;
            i = next(json, end);
        }

        let mut inside = Vec::with_capacity(elements.len() + 2);
        values::write_length(count, &mut inside);
        inside.extend_from_slice(&elements);
        values::write(Scalar::Bytes(&inside), out);
        Ok(())
    }

    fn entries(
        &mut self,
        json: &[u8],
        key_type: &ColumnType,
        value_type: &DataType,
        out: &mut Vec<u8>,
    ) -> Result<(), InvalidText> {
        let mut read = Vec::new();
        each_member(json, |name, value| {
            self.token(Token::Text(name), &key_type.data_type, &mut read)?;
            self.value(value, value_type, &mut read)
        })?;

        let mut all = values::Reader::new(&read);
        let entries = std::iter::from_fn(|| Some((all.value()?, all.value()?)));
        let entries: Vec<(Scalar<'_>, Scalar<'_>)> = entries.collect();
        let mut inside = Vec::with_capacity(read.len() + 2);
        // Flink puts the entries into a HashMap.
        nested::write_hash_map(&entries, &mut inside);
        values::write(Scalar::Bytes(&inside), out);
        Ok(())
    }

    fn scalar(&mut self, json: &[u8], of: &DataType, out: &mut Vec<u8>) -> Result<(), InvalidText> {
        let mut unescaped = Vec::new();
        let token = match json {
            b"true" => Token::Bool(true),
            b"false" => Token::Bool(false),
            [b'"', raw @ .., b'"'] => {
                text::unescape(raw, &mut unescaped)?;
                Token::Text(&unescaped)
            }
            // A text column holds nested JSON as text.
            [b'{' | b'[', ..] if of.is_text() => {
                compact(json, &mut unescaped)?;
                Token::Text(&unescaped)
            }
            [b'{' | b'[', ..] => Token::Nested,
            number => Token::Number(number),
        };
        self.token(token, of, out)
    }

    fn token(&mut self, token: Token<'_>, of: &DataType, out: &mut Vec<u8>) -> Result<(), InvalidText> {
        if of.is_text() {
            let text = match token {
                Token::Text(text) | Token::Number(text) => text,
                Token::Bool(true) => b"true",
                Token::Bool(false) => b"false",
                Token::Nested => b"",
            };
            let text = simdutf8::basic::from_utf8(text).map_err(|_| InvalidText)?;
            values::write(Scalar::Text(text), out);
            return Ok(());
        }

        let mut scratch = Vec::new();
        let value = ValueKind::of(of).and_then(|kind| convert(token, kind, self.format, &mut scratch));
        self.wrong += usize::from(value.is_none());
        values::write(value.unwrap_or(Scalar::Null), out);
        Ok(())
    }
}

/// Calls `take` with the name and value of each member of an object.
fn each_member<'a>(
    json: &'a [u8],
    mut take: impl FnMut(&[u8], &'a [u8]) -> Result<(), InvalidText>,
) -> Result<(), InvalidText> {
    let mut unescaped = Vec::new();
    let mut i = scan::blanks(json, 1);
    while json.get(i) == Some(&b'"') {
        let inside = scan::string(json, i + 1).ok_or(InvalidText)?;
        let mut name = &json[i + 1..inside.end];
        if inside.escaped {
            unescaped.clear();
            text::unescape(name, &mut unescaped)?;
            name = &unescaped;
        }

        let colon = scan::blanks(json, inside.end + 1);
        let start = scan::blanks(json, colon + 1);
        let end = skip::value(json, start, 0).map_err(|_| InvalidText)?;
        take(name, json.get(start..end).ok_or(InvalidText)?)?;
        i = next(json, end);
    }
    Ok(())
}

/// Returns the start of the next value or name, or the position of the closing bracket.
fn next(json: &[u8], end: usize) -> usize {
    let i = scan::blanks(json, end);
    if json.get(i) == Some(&b',') { scan::blanks(json, i + 1) } else { i }
}

/// Appends a nested value as JSON.
pub(super) fn write(out: &mut Vec<u8>, value: &[u8], of: &DataType, options: &WriteOptions) {
    let Some(nested) = Nested::read(value) else {
        out.extend_from_slice(b"null");
        return;
    };

    match of {
        DataType::Row(fields) => {
            out.push(b'{');
            let mut is_first = true;
            for (field, value) in fields.iter().zip(nested.values()) {
                if value.is_null() && options.ignore_null_fields {
                    continue;
                }
                separate(out, &mut is_first);
                write_string(out, &field.name);
                out.push(b':');
                write_value(out, value, &field.column_type.data_type, options);
            }
            out.push(b'}');
        }
        DataType::Map(key, value) => write_entries(out, &nested, (key, &value.data_type), options),
        DataType::Multiset(element) => write_entries(out, &nested, (element, &DataType::Int), options),
        DataType::Array(element) => {
            out.push(b'[');
            let mut is_first = true;
            for value in nested.values() {
                separate(out, &mut is_first);
                write_value(out, value, &element.data_type, options);
            }
            out.push(b']');
        }
        _ => out.extend_from_slice(b"null"),
    }
}

/// Appends entries as an object. Keys that are not texts are converted to text, because JSON has no other
/// names.
fn write_entries(
    out: &mut Vec<u8>,
    nested: &Nested<'_>,
    (key_type, value_type): (&ColumnType, &DataType),
    options: &WriteOptions,
) {
    out.push(b'{');
    let mut is_first = true;
    for (key, value) in nested.entries() {
        separate(out, &mut is_first);
        let mut name = Vec::new();
        write_value(&mut name, key, &key_type.data_type, options);
        match name.first() {
            Some(b'"') => out.extend_from_slice(&name),
            _ => write_string(out, &String::from_utf8_lossy(&name)),
        }
        out.push(b':');
        write_value(out, value, value_type, options);
    }
    out.push(b'}');
}

fn separate(out: &mut Vec<u8>, is_first: &mut bool) {
    if !std::mem::take(is_first) {
        out.push(b',');
    }
}
