//! A result row: the numbers of one group and window that routes need, decoded from its JSON value.
//!
//! The rest of the value is dropped. Numbers may be missing, null, whole or not; the old jobs wrote all of
//! these.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::kind::Kind;
use super::moment::Moment;

/// Maximum of counts and averages of a row.
pub(crate) const INTS: usize = 3;
pub(crate) const FLOATS: usize = 3;

/// A time that the value does not have.
pub(crate) const NO_TIME: i64 = i64::MIN;

/// One row as the columns store it. [`measures`] defines `ints` and `floats`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Row {
    pub(crate) time: Moment,
    /// Identifies the rows of one time: a hash of the key's group.
    pub(crate) id: u64,
    pub(crate) group: u32,
    /// A name that the value holds besides the group (departments), otherwise `NO_TEXT`.
    pub(crate) text: u32,
    /// Milliseconds of the system clock.
    pub(crate) expires: i64,
    /// Whether the row's window is closed; an early result says that it is not.
    pub(crate) is_final: bool,
    pub(crate) ints: [i64; INTS],
    /// NaN stands for null.
    pub(crate) floats: [f64; FLOATS],
}

/// Returns the number of averages of an analytic.
pub(crate) fn averages(kind: Kind) -> usize {
    match kind {
        Kind::PopularQueries
        | Kind::PopularByYear
        | Kind::UserType
        | Kind::SuccessRate
        | Kind::TimeseriesMinute
        | Kind::TimeseriesHour
        | Kind::TimeseriesDay
        | Kind::HeatmapHourly => 0,
        Kind::Faculty | Kind::Year | Kind::Heatmap | Kind::Department | Kind::Overall => 1,
        Kind::StudentYear => 2,
        Kind::ResponseTime => 3,
    }
}

/// The fields of a row's value that some analytic needs.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Value<'a> {
    query_count: Number,
    unique_users: Number,
    total_queries: Number,
    success_count: Number,
    failure_count: Number,
    avg_response_time: Number,
    avg_contexts_found: Number,
    avg_time: Number,
    median_time: Number,
    p95_time: Number,
    #[serde(borrow)]
    pub(crate) query_text: Text<'a>,
    #[serde(borrow)]
    pub(crate) department_name: Text<'a>,
    #[serde(borrow)]
    faculty: Text<'a>,
    #[serde(borrow)]
    user_type: Text<'a>,
    #[serde(borrow)]
    year: Text<'a>,
    #[serde(borrow)]
    years: Text<'a>,
    #[serde(borrow)]
    department_id: Text<'a>,
    #[serde(borrow)]
    window_start: Text<'a>,
    #[serde(borrow)]
    window_end: Text<'a>,
    is_final: Flag,
}

impl Value<'_> {
    /// Returns whether the row's window is closed. Only early results say otherwise; writers without early
    /// results omit the field.
    pub(crate) fn is_final(&self) -> bool {
        self.is_final.0 != Some(false)
    }

    /// Returns the texts by which the row is grouped, where its value holds them as texts.
    pub(crate) fn groups(&self, kind: Kind) -> [Option<&str>; 2] {
        match kind {
            Kind::Faculty => [self.faculty.0.as_deref(), None],
            Kind::Heatmap => [self.faculty.0.as_deref(), self.year.0.as_deref()],
            Kind::Year => [self.year.0.as_deref(), None],
            Kind::StudentYear | Kind::PopularByYear => [self.years.0.as_deref(), None],
            Kind::UserType | Kind::ResponseTime => [self.user_type.0.as_deref(), None],
            Kind::Department => [self.department_id.0.as_deref(), None],
            Kind::PopularQueries
            | Kind::SuccessRate
            | Kind::Overall
            | Kind::TimeseriesMinute
            | Kind::TimeseriesHour
            | Kind::TimeseriesDay
            | Kind::HeatmapHourly => [None, None],
        }
    }
}

/// Returns counts and averages, in the order in which routes read them.
pub(crate) fn measures(kind: Kind, value: &Value<'_>) -> ([i64; INTS], [f64; FLOATS]) {
    let v = value;
    let (count, users) = (v.query_count.whole(), v.unique_users.whole());
    let outcomes = [v.total_queries.whole(), v.success_count.whole(), v.failure_count.whole()];
    let response = v.avg_response_time.0;

    match kind {
        Kind::Faculty | Kind::Year => ([count, users, 0], [response, f64::NAN, f64::NAN]),
        Kind::Heatmap => ([count, 0, 0], [response, f64::NAN, f64::NAN]),
        Kind::PopularQueries | Kind::PopularByYear | Kind::UserType => {
            ([count, users, 0], [f64::NAN; FLOATS])
        }
        Kind::StudentYear => ([count, users, 0], [response, v.avg_contexts_found.0, f64::NAN]),
        Kind::Department => ([count, users, v.success_count.whole()], [response, f64::NAN, f64::NAN]),
        Kind::SuccessRate => (outcomes, [f64::NAN; FLOATS]),
        // An overall average of 0 means that there was nothing to average.
        Kind::Overall if response == 0.0 => (outcomes, [f64::NAN; FLOATS]),
        Kind::Overall => (outcomes, [response, f64::NAN, f64::NAN]),
        Kind::ResponseTime => ([count, 0, 0], [v.avg_time.0, v.median_time.0, v.p95_time.0]),
        Kind::TimeseriesMinute | Kind::TimeseriesHour | Kind::TimeseriesDay => {
            ([count, v.window_start.time(), v.window_end.time()], [f64::NAN; FLOATS])
        }
        Kind::HeatmapHourly => ([count, 0, 0], [f64::NAN; FLOATS]),
    }
}

/// A number, or NaN for any other JSON value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number(f64);

impl Default for Number {
    fn default() -> Number {
        Number(f64::NAN)
    }
}

impl Number {
    fn whole(self) -> i64 {
        // The cast saturates, and converts NaN to 0.
        self.0.round() as i64
    }
}

/// A boolean, or `None` for any other JSON value.
#[derive(Debug, Default)]
struct Flag(Option<bool>);

/// A text, or `None` for any other JSON value.
#[derive(Debug, Default)]
pub(crate) struct Text<'a>(pub(crate) Option<Cow<'a, str>>);

impl Text<'_> {
    fn time(&self) -> i64 {
        self.0.as_deref().and_then(Moment::parse).map_or(NO_TIME, |time| time.0)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
        deserializer.deserialize_any(Lenient).map(|found| match found {
            Found::Number(number) => Number(number),
            Found::Text(_) | Found::Bool(_) | Found::Other => Number::default(),
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text<'a>, D::Error> {
        deserializer.deserialize_any(Lenient).map(|found| match found {
            Found::Text(text) => Text(Some(text)),
            Found::Number(_) | Found::Bool(_) | Found::Other => Text(None),
        })
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Flag, D::Error> {
        deserializer.deserialize_any(Lenient).map(|found| match found {
            Found::Bool(is_set) => Flag(Some(is_set)),
            Found::Number(_) | Found::Text(_) | Found::Other => Flag(None),
        })
    }
}

enum Found<'a> {
    Number(f64),
    Text(Cow<'a, str>),
    Bool(bool),
    Other,
}

/// Accepts any JSON value, so that one odd field does not cost the row.
struct Lenient;

impl<'de> Visitor<'de> for Lenient {
    type Value = Found<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Found<'de>, E> {
        Ok(Found::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Found<'de>, E> {
        Ok(Found::Number(v as f64))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Found<'de>, E> {
        Ok(Found::Number(v as f64))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Found<'de>, E> {
        Ok(Found::Number(v))
    }

    fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Found<'de>, E> {
        Ok(Found::Text(Cow::Borrowed(v)))
    }

    fn visit_str<E>(self, v: &str) -> Result<Found<'de>, E> {
        Ok(Found::Text(Cow::Owned(v.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Found<'de>, E> {
        Ok(Found::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Found<'de>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Found::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Found::Other)
    }
}

/// Returns a row of which only the key matters.
#[cfg(test)]
pub(super) fn plain(time: i64, id: u64) -> Row {
    Row {
        time: Moment(time),
        id,
        group: 0,
        text: super::intern::NO_TEXT,
        expires: 1,
        is_final: true,
        ints: [1; INTS],
        floats: [f64::NAN; FLOATS],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_however_they_are_written_and_nulls_are_left_out() {
        let json =
            br#"{"query_count": 2.0, "unique_users": null, "avg_response_time": 812, "window_start": 7,
            "success_count": "many", "department_name": {"a": [1]}, "revision": 3, "is_final": false}"#;
        let value: Value<'_> = serde_json::from_slice(json).expect("an object");
        let (ints, floats) = measures(Kind::Department, &value);
        assert_eq!((ints, floats[0]), ([2, 0, 0], 812.0));
        assert!(value.department_name.0.is_none() && !value.is_final());
    }

    #[test]
    fn a_row_is_final_unless_it_says_that_it_is_not() {
        for (json, expected) in [
            ("{}", true),
            (r#"{"is_final": true}"#, true),
            (r#"{"is_final": null}"#, true),
            (r#"{"is_final": false}"#, false),
        ] {
            let value: Value<'_> = serde_json::from_str(json).expect("an object");
            assert_eq!(value.is_final(), expected, "{json}");
        }
    }
}
