//! The rules of keys in the result store, for those who write keys and those who read them.
//!
//! A template such as `analytics:faculty:{faculty}:{window_end}` gives the key of a row. A column's value stands in
//! it as text. Readers split keys at `:`, so a `:` in a value is written as `%3A` and a `%` as `%25`, except in
//! times. A null is written as `unknown`, and a long value is shortened:
//!
//! ```text
//! template   clicks:{page}:{n}:{window_end}
//! row        page '/a:b', n NULL, window_end 2025-12-09 11:30:00
//! key        clicks:/a%3Ab:unknown:2025-12-09 11:30:00
//! ```

/// Prefix of the keys in which Weir keeps its own state.
pub const INTERNAL_PREFIX: &str = "weir:";

/// Prefix of the keys and channels of a trial, which is compared with a job that it may take over.
pub const TRIAL_PREFIX: &str = "weir-trial:";

/// Text for a null.
pub const NULL: &str = "unknown";

/// The columns that hold the times of a window. Their values are not escaped, even if they are texts.
pub const WINDOW_COLUMNS: [&str; 3] = ["window_start", "window_end", "window_time"];

/// Size in bytes beyond which a value is shortened to its beginning and a hash.
pub const VALUE_BYTES_MAX: usize = 4_096;

/// A part of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPart<'t> {
    /// Never empty.
    Text(&'t str),
    /// The name of a column.
    Column(&'t str),
}

/// A template has a `{` without a `}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key has a `{{` without a `}}`")]
pub struct Unclosed;

/// Splits a template into its parts.
pub fn parts(template: &str) -> Result<Vec<KeyPart<'_>>, Unclosed> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((text, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or(Unclosed)?;
        parts.extend([KeyPart::Text(text), KeyPart::Column(name)]);
        rest = after;
    }
    parts.push(KeyPart::Text(rest));
    parts.retain(|part| *part != KeyPart::Text(""));
    Ok(parts)
}

/// Appends a value that is not a time.
pub fn push_escaped(key: &mut String, value: &str) {
    let mut rest = value;
    while let Some(at) = memchr::memchr2(b':', b'%', rest.as_bytes()) {
        key.push_str(&rest[..at]);
        key.push_str(if rest.as_bytes()[at] == b':' { "%3A" } else { "%25" });
        rest = &rest[at + 1..];
    }
    key.push_str(rest);
}

/// Returns prefixes that together cover the same keys, none of which begins with another.
pub fn covering<'p>(prefixes: impl Iterator<Item = &'p str>) -> Vec<String> {
    let mut all: Vec<&str> = prefixes.collect();
    all.sort_unstable();
    let mut covering: Vec<String> = Vec::new();
    for prefix in all {
        if covering.last().is_none_or(|last| !prefix.starts_with(last.as_str())) {
            covering.push(prefix.to_owned());
        }
    }
    covering
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_texts_and_columns() {
        let expected =
            [KeyPart::Text("a:"), KeyPart::Column("page"), KeyPart::Column("n"), KeyPart::Text(":}é")];
        assert_eq!(parts("a:{page}{n}:}é").as_deref(), Ok(&expected[..]));
        assert_eq!(parts(""), Ok(Vec::new()));
        assert_eq!(parts("a:{page"), Err(Unclosed));
    }

    #[test]
    fn what_would_split_a_key_is_escaped() {
        let mut key = "k:".to_owned();
        push_escaped(&mut key, "a:b%c:");
        assert_eq!(key, "k:a%3Ab%25c%3A");
    }

    #[test]
    fn a_prefix_that_another_covers_is_left_out() {
        assert_eq!(covering(["b:", "a:x:", "a:", "a:y", "b:"].into_iter()), ["a:", "b:"]);
        assert_eq!(covering(["a", ""].into_iter()), [""]);
        assert!(covering(std::iter::empty()).is_empty());
    }
}
