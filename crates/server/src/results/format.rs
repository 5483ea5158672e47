//! The forms of an answer: JSON, CSV (RFC 4180) and NDJSON.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::cell::{Cell, write_string};
use super::request::{Mistake, Parameters};
use crate::analytics::intern::TextPages;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Csv,
    Ndjson,
}

/// A field of a row to be written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field<'a> {
    Cell(Cell),
    Text(&'a str),
}

impl Format {
    /// Returns the form that a request wants: `format`, otherwise the first known type in `Accept`.
    pub(super) fn wanted(parameters: &Parameters<'_>, headers: &HeaderMap) -> Result<Format, Mistake> {
        if let Some(name) = parameters.get("format") {
            return match name {
                "json" => Ok(Format::Json),
                "csv" => Ok(Format::Csv),
                "ndjson" => Ok(Format::Ndjson),
                other => Err(format!("format must be json, csv or ndjson, not `{other}`")),
            };
        }
        let accepted = headers.get_all(header::ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
        let types =
            accepted.flat_map(|list| list.split(',')).map(|item| item.split(';').next().unwrap_or("").trim());
        let known = types.filter_map(|name| match name {
            "application/json" | "*/*" => Some(Format::Json),
            "text/csv" => Some(Format::Csv),
            "application/x-ndjson" | "application/jsonl" => Some(Format::Ndjson),
            _ => None,
        });
        Ok(known.into_iter().next().unwrap_or(Format::Json))
    }

    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Format::Json => "application/json",
            Format::Csv => "text/csv; charset=utf-8",
            Format::Ndjson => "application/x-ndjson",
        })
    }
}

/// Header that says whether an answer has all rows.
pub(crate) const COMPLETE: HeaderName = HeaderName::from_static("x-weir-complete");
/// Size at which an answer ends.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Writes an answer row by row.
pub(super) struct Writer {
    format: Format,
    /// The names as JSON, each with the comma or brace before it and the colon after it.
    names: Vec<Vec<u8>>,
    out: Vec<u8>,
    rows: usize,
}

impl Writer {
    pub(super) fn new(format: Format, table: &str, names: &[&str]) -> Writer {
        let mut out = Vec::new();
        match format {
            Format::Json => {
                out.extend_from_slice(b"{\"table\":");
                write_string(table, &mut out);
                out.extend_from_slice(b",\"rows\":[");
            }
            Format::Csv => csv_line(names.iter().map(|name| name.as_bytes()), &mut out),
            Format::Ndjson => {}
        }
        Writer { format, names: json_names(names), out, rows: 0 }
    }

    pub(super) fn row(&mut self, fields: &[Field<'_>], texts: &TextPages) {
        match self.format {
            Format::Json => {
                if self.rows > 0 {
                    self.out.push(b',');
                }
                write_object(&self.names, fields, texts, &mut self.out);
            }
            Format::Ndjson => {
                write_object(&self.names, fields, texts, &mut self.out);
                self.out.push(b'\n');
            }
            Format::Csv => {
                let plain = |field: &Field<'_>| match field {
                    Field::Cell(cell) => {
                        let mut plain = Vec::new();
                        cell.write_plain(texts, &mut plain);
                        if cell.is_text() { without_formula(plain) } else { plain }
                    }
                    Field::Text(text) => without_formula(text.as_bytes().to_vec()),
                };
                csv_line(fields.iter().map(plain), &mut self.out);
            }
        }
        self.rows += 1;
    }

    /// Returns whether the answer is as large as one may be.
    pub(super) fn is_full(&self) -> bool {
        self.out.len() >= ANSWER_BYTES_MAX
    }

    /// `is_complete` says whether there are no more rows than these.
    pub(super) fn finish(mut self, is_complete: bool) -> Answer {
        if self.format == Format::Json {
            let end = format!("],\"count\":{},\"is_complete\":{is_complete}}}", self.rows);
            self.out.extend_from_slice(end.as_bytes());
        }
        Answer { format: self.format, body: self.out, is_complete }
    }
}

/// An answer in one of the forms.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) format: Format,
    pub(super) body: Vec<u8>,
    /// Whether no rows were cut off.
    pub(super) is_complete: bool,
}

impl IntoResponse for Answer {
    /// CSV and NDJSON have no place to say that rows are missing, so a header says it in all forms.
    fn into_response(self) -> Response {
        let is_complete = HeaderValue::from_static(if self.is_complete { "true" } else { "false" });
        let headers = [(header::CONTENT_TYPE, self.format.content_type()), (COMPLETE, is_complete)];
        (headers, self.body).into_response()
    }
}

/// Returns names as [`write_object`] needs them.
pub(super) fn json_names(names: &[&str]) -> Vec<Vec<u8>> {
    let name = |(place, name): (usize, &&str)| {
        let mut json = vec![if place == 0 { b'{' } else { b',' }];
        write_string(name, &mut json);
        json.push(b':');
        json
    };
    names.iter().enumerate().map(name).collect()
}

/// Appends a row as a JSON object.
pub(super) fn write_object(names: &[Vec<u8>], fields: &[Field<'_>], texts: &TextPages, out: &mut Vec<u8>) {
    for (name, field) in names.iter().zip(fields) {
        out.extend_from_slice(name);
        match field {
            Field::Cell(cell) => cell.write_json(texts, out),
            Field::Text(text) => write_string(text, out),
        }
    }
    out.push(b'}');
}

/// Returns a text for CSV. A spreadsheet would execute a text that begins like a formula, and texts come from
/// strangers, so such a text gets an apostrophe in front, which spreadsheets do not show.
fn without_formula(mut text: Vec<u8>) -> Vec<u8> {
    if let Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r') = text.first() {
        text.insert(0, b'\'');
    }
    text
}

fn csv_line(fields: impl Iterator<Item = impl AsRef<[u8]>>, out: &mut Vec<u8>) {
    for (place, field) in fields.enumerate() {
        if place > 0 {
            out.push(b',');
        }
        let field = field.as_ref();
        let needs_quotes = field.iter().any(|byte| matches!(byte, b',' | b'"' | b'\r' | b'\n'));
        if !needs_quotes {
            out.extend_from_slice(field);
            continue;
        }
        out.push(b'"');
        for byte in field {
            if *byte == b'"' {
                out.push(b'"');
            }
            out.push(*byte);
        }
        out.push(b'"');
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::intern::Texts;

    #[test]
    fn a_text_is_no_formula_for_a_spreadsheet_and_a_number_stays_one() {
        let mut texts = Texts::default();
        let cells = ["=1+1", "@x", "-5", "a=b"].map(|text| Cell::Text(texts.code(text)));
        let fields: Vec<Field<'_>> =
            cells.into_iter().chain([Cell::Int(-5)]).map(Field::Cell).chain([Field::Text("+k")]).collect();
        let mut writer = Writer::new(Format::Csv, "t", &["a"]);
        writer.row(&fields, texts.pages());
        assert_eq!(String::from_utf8_lossy(&writer.finish(true).body), "a\r\n'=1+1,'@x,'-5,a=b,-5,'+k\r\n");
    }
}
