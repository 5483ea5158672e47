//! The parameters of the routes, parsed and refused as the framework of the running gateway (FastAPI) does.

use axum::Json;
use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Limit of an integer's digits.
const DIGITS_MAX: usize = 4_300;

/// A whole number of any size, echoed in canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Integer {
    text: String,
    /// The nearest number that fits.
    value: i64,
}

impl Integer {
    pub(crate) fn new(value: i64) -> Integer {
        Integer { text: value.to_string(), value }
    }

    pub(crate) fn get(&self) -> i64 {
        self.value
    }

    /// Parses what Python's `int()` accepts, and a fraction of zeros.
    fn parse(input: &str) -> Result<Integer, Problem> {
        let text = input.trim();
        let (negative, text) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };

        let text = match text.split_once('.') {
            Some((whole, fraction)) if !whole.is_empty() && fraction.bytes().all(|b| b == b'0') => whole,
            Some(_) => return Err(Problem::NotAnInteger),
            None => text,
        };

        let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
        if !plain || text.is_empty() || text.starts_with('_') || text.ends_with('_') || text.contains("__") {
            return Err(Problem::NotAnInteger);
        }
        let digits: String = text.chars().filter(|c| *c != '_').collect();
        if digits.len() > DIGITS_MAX {
            return Err(Problem::TooLong);
        }
        let digits = digits.trim_start_matches('0');

        let text = match (negative, digits) {
            (_, "") => "0".to_owned(),
            (true, digits) => format!("-{digits}"),
            (false, digits) => digits.to_owned(),
        };

        let value = text.parse().unwrap_or(if negative { i64::MIN } else { i64::MAX });
        Ok(Integer { text, value })
    }
}

impl PartialSchema for Integer {
    fn schema() -> RefOr<Schema> {
        i64::schema()
    }
}

impl ToSchema for Integer {}

impl Serialize for Integer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.text.clone()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

enum Problem {
    NotAnInteger,
    TooLong,
    Negative,
}

/// Body of a 422 answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Invalid {
    detail: Vec<InvalidParameter>,
}

/// A parameter that could not be parsed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InvalidParameter {
    #[serde(rename = "type")]
    #[schema(example = "int_parsing")]
    kind: &'static str,
    /// `query`, then the name of the parameter.
    loc: [&'static str; 2],
    msg: &'static str,
    /// Value of the parameter in the request.
    input: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ctx: Option<AtLeast>,
}

/// Bound that the number violates.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AtLeast {
    ge: i64,
}

impl IntoResponse for Invalid {
    fn into_response(self) -> Response {
        (StatusCode::UNPROCESSABLE_ENTITY, Json(self)).into_response()
    }
}

/// The query of a request. A route takes the parameters it knows; the rest is ignored.
pub(crate) struct Parameters {
    pairs: Vec<(String, String)>,
    invalid: Vec<InvalidParameter>,
}

impl Parameters {
    /// Returns the value of a parameter; the last one if it is repeated.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.pairs.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn integer(&mut self, name: &'static str, least: Option<i64>) -> Option<Integer> {
        let input = self.text(name)?.to_owned();
        let problem = match Integer::parse(&input) {
            Ok(number) if least.is_none_or(|least| number.value >= least) => return Some(number),
            Ok(_) => Problem::Negative,
            Err(problem) => problem,
        };
        let (kind, msg) = match problem {
            Problem::NotAnInteger => {
                ("int_parsing", "Input should be a valid integer, unable to parse string as an integer")
            }
            Problem::TooLong => {
                ("int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size")
            }
            Problem::Negative => ("greater_than_equal", "Input should be greater than or equal to 0"),
        };
        let ctx = matches!(problem, Problem::Negative).then_some(AtLeast { ge: 0 });
        self.invalid.push(InvalidParameter { kind, loc: ["query", name], msg, input, ctx });
        None
    }

    pub(crate) fn days(&mut self, default: i64) -> Integer {
        self.integer("days", None).unwrap_or_else(|| Integer::new(default))
    }

    pub(crate) fn limit(&mut self, default: i64) -> Integer {
        self.integer("limit", Some(0)).unwrap_or_else(|| Integer::new(default))
    }

    /// Returns the year; `None` and 0 stand for every year.
    pub(crate) fn year(&mut self) -> Option<Integer> {
        self.integer("year", None).filter(|year| year.value != 0)
    }

    /// Fails with all parameters that could not be parsed.
    pub(crate) fn check(self) -> Result<(), Invalid> {
        if self.invalid.is_empty() { Ok(()) } else { Err(Invalid { detail: self.invalid }) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Parameters, Self::Rejection> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map(|query| query.0);
        Ok(Parameters { pairs: pairs.unwrap_or_default(), invalid: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_as_python_does() {
        let read = |text: &str| Integer::parse(text).ok().map(|n| (n.text, n.value));
        for (text, echo, value) in [
            ("30", "30", 30),
            (" +07 ", "7", 7),
            ("-0", "0", 0),
            ("-5", "-5", -5),
            ("1_000", "1000", 1_000),
            ("3.00", "3", 3),
            ("99999999999999999999", "99999999999999999999", i64::MAX),
            ("-99999999999999999999", "-99999999999999999999", i64::MIN),
        ] {
            assert_eq!(read(text), Some((echo.to_owned(), value)), "{text}");
        }
        for text in ["", " ", "x", "1.5", ".0", "1__0", "_1", "1_", "0x10", "1e3", "--1", "٣"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
