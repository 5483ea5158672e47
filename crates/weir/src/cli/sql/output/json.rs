//! Formats rows as JSON lines: one object each, with keys in the order of the columns and values as the
//! gateway wrote them.

use serde_json::value::RawValue;

/// Returns one object with its line end.
pub(super) fn line<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pair = |(name, value): (&str, &str)| format!("{}:{value}", serde_json::Value::from(name));
    let pairs: Vec<String> = pairs.into_iter().map(pair).collect();
    format!("{{{}}}\n", pairs.join(","))
}

/// Returns names and values of a row.
pub(super) fn row<'a>(
    names: &'a [String],
    fields: &'a [Box<RawValue>],
) -> impl Iterator<Item = (&'a str, &'a str)> {
    names.iter().map(String::as_str).zip(fields.iter().map(|field| field.get()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::gateway::{Change, Row};

    #[test]
    fn a_row_is_an_object_and_its_digits_are_kept() {
        let names = ["z", "a \"b\""].map(str::to_owned);
        let row = Row::of(Change::Insert, &["12345678901234567890.10", r#""x\ny""#]);
        let line = line(super::row(&names, &row.fields));
        assert_eq!(line, "{\"z\":12345678901234567890.10,\"a \\\"b\\\"\":\"x\\ny\"}\n");
    }
}
