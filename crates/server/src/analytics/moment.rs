//! The times in keys and rows: wall-clock times of the configured zone, ISO 8601 without an offset.
//!
//! A time is stored as microseconds since 1970-01-01T00:00:00 on that wall clock, since the old jobs wrote
//! microseconds.

use std::fmt;

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

const DAY_MICROS: i64 = 86_400_000_000;
pub(super) const SECOND_MICROS: i64 = 1_000_000;

/// Wall-clock time, without a fraction if it is zero, else with six digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, example = "2025-12-09T11:30:00")]
pub(crate) struct Moment(pub(crate) i64);

impl Moment {
    pub(crate) const MIN: Moment = Moment(i64::MIN);

    /// Returns the wall-clock time of a zone at a point of the system clock.
    pub(crate) fn local(now: types::Timestamp, zone: &jiff::tz::TimeZone) -> Moment {
        let Ok(instant) = jiff::Timestamp::from_millisecond(now.0) else {
            return Moment(now.0.saturating_mul(1_000));
        };
        let offset = zone.to_offset(instant).seconds();
        Moment(instant.as_microsecond().saturating_add(i64::from(offset) * SECOND_MICROS))
    }

    /// Returns the moment `days` earlier; beyond the calendar, the minimum or maximum.
    pub(crate) fn days_before(self, days: i64) -> Moment {
        Moment(self.0.saturating_sub(days.saturating_mul(DAY_MICROS)))
    }

    /// Parses `YYYY-MM-DDTHH:MM:SS[.fraction]`. A blank may replace the `T`; digits after the sixth are
    /// dropped.
    pub(crate) fn parse(text: &str) -> Option<Moment> {
        let bytes = text.as_bytes();
        let (whole, fraction) = bytes.split_at_checked(19)?;

        let number = |from: usize, to: usize| -> Option<i64> {
            whole[from..to]
                .iter()
                .try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
        };

        let separators =
            [whole[4], whole[7], whole[13], whole[16]] == *b"--::" && matches!(whole[10], b'T' | b' ');
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        let clock = hour < 24 && minute < 60 && second < 60;
        if !separators || !clock || !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
            return None;
        }

        let micros = match fraction {
            [] => 0,
            [b'.', digits @ ..]
                if (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) =>
            {
                let six = digits.iter().chain(b"000000").take(6);
                six.fold(0, |n, b| n * 10 + i64::from(b - b'0'))
            }
            _ => return None,
        };

        let seconds = (hour * 60 + minute) * 60 + second;
        Some(Moment(days_from_civil(year, month, day) * DAY_MICROS + seconds * SECOND_MICROS + micros))
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Returns the days since 1970-01-01 in the proleptic Gregorian calendar, by counting eras of 400 years from
/// 1 March (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Returns year, month and day; the inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = [0; 26];
        f.write_str(self.write(&mut buffer))
    }
}

impl Moment {
    /// Formats without the formatting machinery, since times series hold tens of thousands of times.
    fn write(self, buffer: &mut [u8; 26]) -> &str {
        let (year, month, day) = civil_from_days(self.0.div_euclid(DAY_MICROS));
        let micros = self.0.rem_euclid(DAY_MICROS);
        let seconds = micros / SECOND_MICROS;
        *buffer = *b"0000-00-00T00:00:00.000000";

        let mut put = |end: usize, digits: usize, value: i64| {
            let mut value = value.unsigned_abs();
            for place in buffer[end - digits..end].iter_mut().rev() {
                *place = b'0' + (value % 10) as u8;
                value /= 10;
            }
        };

        put(4, 4, year);
        put(7, 2, month);
        put(10, 2, day);
        put(13, 2, seconds / 3_600);
        put(16, 2, seconds / 60 % 60);
        put(19, 2, seconds % 60);
        put(26, 6, micros % SECOND_MICROS);
        let length = if micros % SECOND_MICROS == 0 { 19 } else { 26 };
        std::str::from_utf8(&buffer[..length]).unwrap_or_default()
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut buffer = [0; 26];
        serializer.serialize_str(self.write(&mut buffer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back_as_they_were_written() {
        for text in [
            "1970-01-01T00:00:00",
            "2025-12-09T11:30:00",
            "2025-12-09T11:30:00.123456",
            "2024-02-29T23:59:59.000001",
            "1969-12-31T23:59:59",
            "9999-12-31T23:59:59",
            "0001-01-01T00:00:00",
        ] {
            assert_eq!(Moment::parse(text).map(|m| m.to_string()).as_deref(), Some(text));
        }
        assert_eq!(Moment::parse("2025-12-09 11:30:00.5").map(|m| m.0 % 1_000_000), Some(500_000));
        assert_eq!(Moment::parse("1970-01-02T00:00:01"), Some(Moment(DAY_MICROS + 1_000_000)));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "2025-12-09", "2025-13-09T11:30:00", "2025-02-29T11:30:00", "2025-12-09T24:00:00"] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
        for text in
            ["2025-12-09T11:30:00Z", "2025-12-09T11:30:00.", "2025-12-09T11:30:0é", "2025x12-09T11:30:00"]
        {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_of_days_beyond_the_calendar_reaches_everything() {
        let now = Moment::parse("2025-12-09T11:30:00").expect("a time");
        assert_eq!(now.days_before(2).to_string(), "2025-12-07T11:30:00");
        assert_eq!(now.days_before(-1).to_string(), "2025-12-10T11:30:00");
        assert_eq!(now.days_before(i64::MAX), Moment::MIN.max(now.days_before(i64::MAX)));
        assert!(now.days_before(i64::MAX) < Moment::parse("0001-01-01T00:00:00").expect("a time"));
        assert!(now.days_before(i64::MIN) > Moment::parse("9999-12-31T00:00:00").expect("a time"));
    }

    #[test]
    fn the_wall_clock_is_that_of_the_zone() {
        let zone = jiff::tz::TimeZone::get("Asia/Ho_Chi_Minh").expect("in the database");
        assert_eq!(Moment::local(types::Timestamp(0), &zone).to_string(), "1970-01-01T08:00:00");
    }
}
