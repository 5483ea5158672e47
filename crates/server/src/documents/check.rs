//! Parses documents, and the checks that their types do not make: lengths and numbers.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize as _, Deserializer};

/// Maximum length of the name of a document.
const NAME_MAX: usize = 64;

/// The version of all formats.
const VERSION: u32 = 1;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A mistake in a document, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// Such as `panels[3].at.w`; empty for the whole document.
    place: String,
    message: String,
}

impl Mistake {
    pub(crate) fn new(place: impl Into<String>, message: impl Into<String>) -> Mistake {
        Mistake { place: place.into(), message: message.into() }
    }

    /// Returns the same mistake of a part of `place`.
    pub(crate) fn below(self, place: &str) -> Mistake {
        Mistake { place: format!("{place}.{}", self.place), ..self }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.as_str() {
            "" => f.write_str(&self.message),
            place => write!(f, "{place}: {}", self.message),
        }
    }
}

impl std::error::Error for Mistake {}

/// Parses a document of at most `bytes_max` bytes, whose text has no byte order mark.
pub(crate) fn parse<T: DeserializeOwned>(text: &[u8], bytes_max: usize) -> Result<T, Mistake> {
    if text.len() > bytes_max {
        return Err(Mistake::new("", format!("the document is longer than {bytes_max} bytes")));
    }
    if let Err(error) = std::str::from_utf8(text) {
        let message = format!("byte {} of the document is not UTF-8", error.valid_up_to() + 1);
        return Err(Mistake::new("", message));
    }

    let mut parser = serde_json::Deserializer::from_slice(text);
    let parsed = serde_path_to_error::deserialize::<_, T>(&mut parser);
    let document = parsed.map_err(|error| {
        // The path of the whole document is `.`; the path of an unknown field may end with it.
        let place = error.path().to_string();
        Mistake::new(place.trim_matches('.'), error.into_inner().to_string())
    })?;
    parser.end().map_err(|error| Mistake::new("", error.to_string()))?;
    Ok(document)
}

/// Returns a text without the byte order mark that some editors put in front.
pub(crate) fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// Reads the version of a format.
pub(crate) fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        VERSION => Ok(VERSION),
        other => Err(serde::de::Error::custom(format_args!(
            "version {other} is not supported, only version {VERSION} is"
        ))),
    }
}

/// Returns whether a text can be the name of a document, and so of its file.
pub(crate) fn is_name(text: &str) -> bool {
    is_id(text, NAME_MAX)
}

/// Returns whether a text has 1 to `longest` of the characters a-z, 0-9 and -.
pub(crate) fn is_id(text: &str, longest: usize) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=longest).contains(&text.len()) && text.bytes().all(is_letter)
}

pub(crate) fn length(place: &str, text: &str, least: usize, most: usize) -> Result<(), Mistake> {
    let characters = text.chars().count();
    if (least..=most).contains(&characters) {
        return Ok(());
    }
    Err(Mistake::new(place, format!("must have {least} to {most} characters, not {characters}")))
}

pub(crate) fn optional(place: &str, text: Option<&str>, least: usize, most: usize) -> Result<(), Mistake> {
    text.map_or(Ok(()), |text| length(place, text, least, most))
}

pub(crate) fn within(place: &str, number: u32, least: u32, most: u32) -> Result<(), Mistake> {
    if (least..=most).contains(&number) {
        return Ok(());
    }
    Err(Mistake::new(place, format!("must be {least} to {most}, not {number}")))
}

pub(crate) fn most(place: &str, number: usize, most: usize) -> Result<(), Mistake> {
    if number <= most {
        return Ok(());
    }
    Err(Mistake::new(place, format!("has {number} items, more than {most}")))
}
