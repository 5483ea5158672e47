//! The complete path for reading a leaf's value: any JSON value, any type.

use engine::batch::Encoding;
use engine::column::{Column, tri};
use types::Scalar;

use super::compact::compact;
use super::convert::{Token, convert};
use super::decoder::Decoder;
use super::leaf::ValueKind;
use super::nested;
use super::options::Fault;
use super::text;
use super::walk::{Stop, Walked};

impl Decoder {
    /// Reads the value at `i`, where there is no blank, inside `depth` objects.
    pub(super) fn leaf(
        &mut self,
        columns: &mut [Column],
        b: &[u8],
        leaf: usize,
        i: usize,
        depth: u32,
    ) -> Walked {
        let end = self.skip(b, i, depth)?;
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        let done = self.convert_leaf(&mut columns[leaf], &b[i..end], leaf, i, &mut text);
        self.text = text;
        done.map(|()| end)
    }

    /// Converts `json`, a whole value that begins at `at`. A text that differs from its raw form is stored in
    /// `buffer`.
    fn convert_leaf(
        &mut self,
        column: &mut Column,
        json: &[u8],
        leaf: usize,
        at: usize,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        let kind = self.leaves[leaf].kind;
        let row = self.row;
        if kind == ValueKind::Nested {
            return self.convert_nested(column, json, leaf, at);
        }

        let token = match json {
            b"null" => {
                column.set_null(row);
                return Ok(());
            }
            b"true" => Token::Bool(true),
            b"false" => Token::Bool(false),
            [b'"', raw @ .., b'"'] => {
                if text::unescape(raw, buffer).is_err() {
                    return self.stop(Fault::malformed("an invalid escape", at));
                }
                Token::Text(buffer)
            }
            [b'{' | b'[', ..] => Token::Nested,
            number => Token::Number(number),
        };

        if kind == ValueKind::Text {
            let valid = match token {
                Token::Text(_) => true,
                Token::Nested => compact(json, buffer).is_ok(),
                Token::Bool(_) | Token::Number(_) => {
                    buffer.extend_from_slice(json);
                    true
                }
            };
            if !valid || !set_text(column, row, buffer) {
                return self.stop(Fault::malformed("an invalid escape or invalid UTF-8", at));
            }
            return Ok(());
        }

        let mut bytes = Vec::new();
        let value = convert(token, kind, self.options.timestamp_format, &mut bytes);

        match (value, self.leaves[leaf].encoding) {
            (None, _) => {
                column.set_null(row);
                return self.wrong_type(leaf, at);
            }
            (Some(_), Encoding::Presence) => column.set(row, Scalar::Bool(true)),
            (Some(value), _) => column.set(row, value),
        }

        Ok(())
    }
}

impl Decoder {
    /// Converts a value of a nested type.
    fn convert_nested(
        &mut self,
        column: &mut Column,
        json: &[u8],
        leaf: usize,
        at: usize,
    ) -> Result<(), Stop> {
        let mut reader = nested::NestedDecoder::new(self.options.timestamp_format);
        let mut value = Vec::new();
        if reader.value(json, &self.leaves[leaf].data_type, &mut value).is_err() {
            return self.stop(Fault::malformed("an invalid escape or invalid UTF-8", at));
        }

        let value = compact_value(&value);
        match self.leaves[leaf].encoding {
            _ if value.is_null() => column.set_null(self.row),
            Encoding::Presence => column.set(self.row, Scalar::Bool(true)),
            Encoding::Plain | Encoding::Coded | Encoding::CodedWhileRepeated => column.set(self.row, value),
        }
        for _ in 0..reader.wrong {
            self.wrong_type(leaf, at)?;
        }
        Ok(())
    }
}

/// Returns the only value that was written.
fn compact_value(bytes: &[u8]) -> Scalar<'_> {
    types::compact::Reader::new(bytes).value().unwrap_or(Scalar::Null)
}

/// Stores text in a column of any encoding; returns false if it is known not to be UTF-8.
fn set_text(column: &mut Column, row: usize, text: &[u8]) -> bool {
    match column {
        Column::Coded(coded) => return coded.set(row, text).is_ok(),
        Column::Text(texts) => texts.set(row, text),
        Column::Bool(values) => {
            values[row] = tri::TRUE;
            return std::str::from_utf8(text).is_ok();
        }
        _ => unreachable!("text is held as text, as codes or as its presence"),
    }
    true
}
