//! Formats rows as CSV: RFC 4180, with a header line. A null is empty, an empty text is `""`.

use serde_json::value::RawValue;

use crate::cli::gateway::text;

/// Returns the fields as a CSV line, with its line end.
pub(super) fn line(fields: impl IntoIterator<Item = Option<String>>) -> String {
    let fields: Vec<String> =
        fields.into_iter().map(|field| field.map_or_else(String::new, quoted)).collect();
    fields.join(",") + "\r\n"
}

/// Returns the values of a row.
pub(super) fn row(fields: &[Box<RawValue>]) -> impl Iterator<Item = Option<String>> {
    fields.iter().map(|field| text(field))
}

fn quoted(text: String) -> String {
    let is_plain = !text.is_empty()
        && !text.contains([',', '"', '\r', '\n'])
        && !text.starts_with(char::is_whitespace)
        && !text.ends_with(char::is_whitespace);
    if is_plain { text } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::gateway::{Change, Row};

    #[test]
    fn what_would_be_taken_for_something_else_is_quoted() {
        let row = Row::of(
            Change::Insert,
            &[
                "1.50",
                "null",
                r#""""#,
                r#""a,b""#,
                r#""say \"hi\"\nto all""#,
                "true",
                r#"{"x":1,"y":[2]}"#,
                r#"" a""#,
            ],
        );
        assert_eq!(
            line(super::row(&row.fields)),
            "1.50,,\"\",\"a,b\",\"say \"\"hi\"\"\nto all\",true,\"{\"\"x\"\":1,\"\"y\"\":[2]}\",\" a\"\r\n"
        );
    }
}
