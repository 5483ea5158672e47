//! Functions of one time in milliseconds, prepared for columns of times.
//!
//! Their results are the same within a unit of time: the hour of the day within an hour, a text of the pattern
//! `yyyy-MM-dd` within a day. Neighbouring rows mostly share the unit, so that few values are computed.

use std::sync::Arc;

use types::DataType;

use super::calendar::Moment;
use super::date_pattern::DatePattern;
use super::signature::{data_type, literal_text};
use super::{Call, extract};

/// Gives a field of a time.
pub type FieldCode = Arc<dyn Fn(i64) -> i64 + Send + Sync>;

/// Appends a text made of a time; false where the registry's code has to tell what is wrong.
pub type WriteCode = Arc<dyn Fn(i64, &mut String) -> bool + Send + Sync>;

/// Prepared code of a function of one time in milliseconds since 1970.
#[derive(Clone)]
pub struct TimeCode {
    /// Times that begin the same unit of so many milliseconds have the same result.
    pub unit_ms: i64,
    pub gives: TimeResult,
}

/// What is made of a time.
#[derive(Clone)]
pub enum TimeResult {
    Field(FieldCode),
    Text(WriteCode),
}

/// The code of a function for this call; `None` where the function is not one of these, or the time is not wall-clock
/// milliseconds.
pub fn time_code(name: &str, call: &Call<'_>) -> Option<TimeCode> {
    let place = usize::from(name == "EXTRACT");
    let is_wall = match data_type(call, place) {
        DataType::Timestamp(digits) => digits <= 3,
        DataType::TimestampLtz(digits) => digits <= 3 && *call.time_zone == jiff::tz::TimeZone::UTC,
        _ => false,
    };
    if !is_wall || call.args[place].literal.is_some() {
        return None;
    }

    if name == "DATE_FORMAT" {
        let pattern = DatePattern::compile(literal_text(call, 1)?).ok()?;
        let unit_ms = pattern.unit_ms();
        let write = move |ms: i64, out: &mut String| pattern.format(Moment::of_ms(ms), out).is_ok();
        return Some(TimeCode { unit_ms, gives: TimeResult::Text(Arc::new(write)) });
    }
    let part = extract::part_named(name, call)?;
    let unit_ms = part.unit_ms()?;
    Some(TimeCode { unit_ms, gives: TimeResult::Field(Arc::new(move |ms| part.of(Moment::of_ms(ms)))) })
}
