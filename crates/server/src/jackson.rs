//! Decodes JSON bodies of Flink's routes as leniently as Flink does with Jackson.
//!
//! Clients in untyped languages depend on it: they send `"false"` for a boolean and `"0"` for a number. The
//! rules are Jackson's defaults:
//!
//! | in the body | decoded as |
//! | --- | --- |
//! | a byte-order mark, UTF-16 or UTF-32 | the text |
//! | a repeated name | its last value |
//! | text behind the value | nothing |
//! | `"true"`, `1` for a boolean | true |
//! | `"5"`, `5.9` for a whole number | 5 |
//! | `5`, `true` for a text | `"5"`, `"true"` |
//! | `0` for an enum | its first constant |

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Value};

/// Decodes the value at the beginning of a body.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    let text = decode(body).ok_or_else(|| Error::custom("the body is not UTF-8"))?;
    let mut json = serde_json::Deserializer::from_str(&text);
    let value = <Value as serde::Deserialize>::deserialize(&mut json)?;

    T::deserialize(Lenient(value))
}

/// Decodes an object of Weir's own routes strictly. Plain serde would also accept an array with the values in
/// the order of the fields.
pub(crate) fn object<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    let fields: serde_json::Map<String, Value> = serde_json::from_slice(body)?;
    T::deserialize(Value::Object(fields))
}

/// Decodes the text of a body. Its first bytes tell the encoding: JSON begins with an ASCII character, whose
/// zero bytes depend on the encoding.
fn decode(body: &[u8]) -> Option<String> {
    match *body {
        [0xEF, 0xBB, 0xBF, ref rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        [0, 0, 0xFE, 0xFF, ref rest @ ..] => utf32(rest, u32::from_be_bytes),
        [0xFF, 0xFE, 0, 0, ref rest @ ..] => utf32(rest, u32::from_le_bytes),
        [0xFE, 0xFF, ref rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xFF, 0xFE, ref rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0, 0, 0, _, ..] => utf32(body, u32::from_be_bytes),
        [_, 0, 0, 0, ..] => utf32(body, u32::from_le_bytes),
        [0, _, ..] => utf16(body, u16::from_be_bytes),
        [_, 0, ..] => utf16(body, u16::from_le_bytes),
        _ => String::from_utf8(body.to_vec()).ok(),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (units, rest) = bytes.as_chunks();
    let text = char::decode_utf16(units.iter().map(|bytes| unit(*bytes))).collect::<Result<String, _>>();
    text.ok().filter(|_| rest.is_empty())
}

fn utf32(bytes: &[u8], unit: fn([u8; 4]) -> u32) -> Option<String> {
    let (units, rest) = bytes.as_chunks();
    let text = units.iter().map(|bytes| char::from_u32(unit(*bytes))).collect::<Option<String>>();
    text.filter(|_| rest.is_empty())
}

/// A value that converts itself to the wanted type, as far as Jackson does.
struct Lenient(Value);

impl Lenient {
    fn whole(&self) -> Option<i64> {
        match &self.0 {
            Value::Number(number) => number.as_i64().or_else(|| truncated(number.as_f64()?)),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    fn truth(&self) -> Option<bool> {
        match &self.0 {
            Value::Bool(truth) => Some(*truth),
            Value::Number(number) => number.as_i64().map(|number| number != 0),
            Value::String(text) => match text.trim() {
                "true" | "True" | "TRUE" => Some(true),
                "false" | "False" | "FALSE" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    fn text(self) -> Result<String, Value> {
        match self.0 {
            Value::String(text) => Ok(text),
            Value::Number(number) => Ok(number.to_string()),
            Value::Bool(truth) => Ok(truth.to_string()),
            other => Err(other),
        }
    }
}

/// Returns the whole part of a number, where 64 bits hold it.
fn truncated(number: f64) -> Option<i64> {
    const LIMIT: f64 = i64::MAX as f64;
    (number > -LIMIT && number < LIMIT).then_some(number as i64)
}

fn unexpected(value: &Value) -> Unexpected<'_> {
    match value {
        Value::Null => Unexpected::Unit,
        Value::Bool(truth) => Unexpected::Bool(*truth),
        Value::Number(number) => Unexpected::Float(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => Unexpected::Str(text),
        Value::Array(_) => Unexpected::Seq,
        Value::Object(_) => Unexpected::Map,
    }
}

macro_rules! whole_numbers {
    ($($method:ident)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
                match self.whole() {
                    Some(number) => visitor.visit_i64(number),
                    None => Err(Error::invalid_type(unexpected(&self.0), &visitor)),
                }
            }
        )*
    };
}

impl<'de> Deserializer<'de> for Lenient {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(truth) => visitor.visit_bool(truth),
            Value::Number(number) => number.deserialize_any(visitor),
            Value::String(text) => visitor.visit_string(text),
            Value::Array(values) => visitor.visit_seq(SeqDeserializer::new(values.into_iter().map(Lenient))),
            Value::Object(fields) => {
                let fields = fields.into_iter().map(|(name, value)| (name, Lenient(value)));
                visitor.visit_map(MapDeserializer::new(fields))
            }
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.truth() {
            Some(truth) => visitor.visit_bool(truth),
            None => Err(Error::invalid_type(unexpected(&self.0), &visitor)),
        }
    }

    whole_numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_string(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.text() {
            Ok(text) => visitor.visit_string(text),
            Err(other) => Err(Error::invalid_type(unexpected(&other), &visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Object(_) => self.deserialize_any(visitor),
            other => Err(Error::invalid_type(unexpected(&other), &visitor)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let number = self.whole().and_then(|number| usize::try_from(number).ok());
        let by_number = number.and_then(|number| variants.get(number).copied());
        match by_number.map(str::to_owned).map_or_else(|| self.text(), Ok) {
            Ok(name) => visitor.visit_enum(name.into_deserializer()),
            Err(other) => Err(Error::invalid_type(unexpected(&other), &visitor)),
        }
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple tuple_struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Error> for Lenient {
    type Deserializer = Lenient;

    fn into_deserializer(self) -> Lenient {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Wanted {
        truth: Option<bool>,
        number: Option<i64>,
        text: Option<String>,
        kind: Option<Kind>,
        map: BTreeMap<String, String>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "UPPERCASE")]
    enum Kind {
        Full,
        Part,
    }

    fn wanted(body: &str) -> Result<Wanted, String> {
        read(body.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn scalars_become_what_is_wanted() {
        let of = |body: &str| wanted(body).unwrap_or_else(|error| panic!("{body}: {error}"));
        for body in ["true", "\"true\"", "\"TRUE\"", "1"] {
            assert_eq!(of(&format!("{{\"truth\": {body}}}")).truth, Some(true), "{body}");
        }
        for body in ["false", "\"false\"", "0"] {
            assert_eq!(of(&format!("{{\"truth\": {body}}}")).truth, Some(false), "{body}");
        }
        for body in ["5", "\"5\"", "\" 5 \"", "5.9"] {
            assert_eq!(of(&format!("{{\"number\": {body}}}")).number, Some(5), "{body}");
        }
        for (body, text) in [("5", "5"), ("true", "true"), ("\"x\"", "x"), ("1.5", "1.5")] {
            assert_eq!(of(&format!("{{\"text\": {body}}}")).text.as_deref(), Some(text), "{body}");
        }
        assert_eq!(
            (of(r#"{"kind": "PART"}"#).kind, of(r#"{"kind": 1}"#).kind),
            (Some(Kind::Part), Some(Kind::Part))
        );
        assert_eq!(of(r#"{"map": {"a": 1, "b": false}}"#).map["a"], "1");
        assert_eq!(of(r#"{"truth": null, "text": null}"#), Wanted::default());
    }

    #[test]
    fn an_object_of_our_own_is_no_array_and_nothing_is_coerced() {
        assert_eq!(object::<Wanted>(br#"{"number": 5}"#).ok().and_then(|wanted| wanted.number), Some(5));
        for body in [&br#"[true, 5]"#[..], br#"{"number": "5"}"#, br#"{"number": 5} x"#, b"null"] {
            assert!(object::<Wanted>(body).is_err(), "{body:?}");
        }
    }

    #[test]
    fn what_jackson_does_not_coerce_is_an_error() {
        for body in [
            r#"{"truth": "yes"}"#,
            r#"{"truth": {}}"#,
            r#"{"number": "x"}"#,
            r#"{"number": true}"#,
            r#"{"number": 1e30}"#,
            r#"{"text": {}}"#,
            r#"{"text": ["x"]}"#,
            r#"{"kind": "part"}"#,
            r#"{"kind": 2}"#,
            "[1]",
            r#"[true, 5, "x"]"#,
            "{",
            "",
        ] {
            assert!(wanted(body).is_err(), "{body}");
        }
        assert!(read::<Wanted>(b"{\"text\": \"\xff\"}").is_err());
        assert!(read::<Wanted>(b"{\0").is_err() && read::<Wanted>(b"\xff\xfe{").is_err());
    }

    #[test]
    fn marks_and_encodings_trailing_text_and_names_twice_are_read() {
        let body = r#"{"text": "đi", "number": 1, "number": 2} and more"#;
        let be = |unit: u16| unit.to_be_bytes();
        let le = |unit: u16| unit.to_le_bytes();
        let utf32: Vec<u8> = body.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        let bodies: [Vec<u8>; 6] = [
            body.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", body.as_bytes()].concat(),
            body.encode_utf16().flat_map(be).collect(),
            [0xfe, 0xff].into_iter().chain(body.encode_utf16().flat_map(be)).collect(),
            [0xff, 0xfe].into_iter().chain(body.encode_utf16().flat_map(le)).collect(),
            utf32,
        ];
        for body in bodies {
            let wanted: Wanted = read(&body).unwrap_or_else(|error| panic!("{body:?}: {error}"));
            assert_eq!((wanted.text.as_deref(), wanted.number), (Some("đi"), Some(2)));
        }
    }
}
