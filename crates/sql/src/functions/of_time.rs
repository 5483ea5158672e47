//! Functions of one time in milliseconds, prepared for time columns.
//!
//! Their results are constant within a unit of time: the hour of the day within an hour, a text of the
//! pattern `yyyy-MM-dd` within a day. Neighbouring rows mostly share the unit, so few values are computed.

use std::sync::Arc;

use types::DataType;

use super::calendar::PreciseTime;
use super::date_pattern::DatePattern;
use super::signature::{data_type, literal_text};
use super::{ScalarCall, extract};

/// Returns a field of a time.
pub type FieldCode = Arc<dyn Fn(i64) -> i64 + Send + Sync>;

/// Appends a text for a time; returns false if the registry's code has to report an error.
pub type TimeTextCode = Arc<dyn Fn(i64, &mut String) -> bool + Send + Sync>;

/// Prepared code of a function of one time in milliseconds since 1970.
#[derive(Clone)]
pub struct TimeCode {
    /// Length of the units of time within which results are equal, in ms.
    pub unit_ms: i64,
    pub gives: TimeResult,
}

/// The result of the code.
#[derive(Clone)]
pub enum TimeResult {
    Field(FieldCode),
    Text(TimeTextCode),
}

/// Returns the code for a call. Returns `None` if the function is not supported here, or the time is not in
/// wall-clock milliseconds.
pub fn time_code(name: &str, call: &ScalarCall<'_>) -> Option<TimeCode> {
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
        let write = move |ms: i64, out: &mut String| pattern.format(PreciseTime::of_ms(ms), out).is_ok();
        return Some(TimeCode { unit_ms, gives: TimeResult::Text(Arc::new(write)) });
    }
    let part = extract::part_named(name, call)?;
    let unit_ms = part.unit_ms()?;
    Some(TimeCode { unit_ms, gives: TimeResult::Field(Arc::new(move |ms| part.of(PreciseTime::of_ms(ms)))) })
}
