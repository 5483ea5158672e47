//! Dates and times in flink-json's strict form: always two digits, and at most nine fraction digits.

use super::leaf::Zone;
use super::options::TimestampFormat;

pub(super) const NANOS: i64 = 1_000_000_000;
const SECONDS_A_DAY: i64 = 86_400;

/// A time as seconds since 1970 and the remaining nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ParsedTime {
    pub(super) seconds: i64,
    pub(super) nanos: u32,
}

impl ParsedTime {
    pub(super) fn milliseconds(self) -> i64 {
        self.seconds * 1_000 + i64::from(self.nanos / 1_000_000)
    }

    pub(super) fn nanoseconds(self) -> i128 {
        i128::from(self.seconds) * i128::from(NANOS) + i128::from(self.nanos)
    }

    /// Truncates the fraction to `digits` digits.
    pub(super) fn cut(self, digits: u8) -> ParsedTime {
        let unit = 10u32.pow(9 - u32::from(digits.min(9)));
        ParsedTime { nanos: self.nanos / unit * unit, ..self }
    }
}

/// Cache of the last day that was read; neighbouring times are mostly on the same day.
#[derive(Debug, Clone, Copy)]
pub(super) struct LastDay {
    text: [u8; 10],
    number: i64,
}

impl Default for LastDay {
    fn default() -> LastDay {
        LastDay { text: *b"1970-01-01", number: 0 }
    }
}

impl LastDay {
    /// Returns the same as [`date`].
    #[inline]
    pub(super) fn number(&mut self, text: &[u8]) -> Option<i64> {
        if text != self.text {
            *self = LastDay { number: date(text)?, text: text.try_into().ok()? };
        }
        Some(self.number)
    }
}

/// Parses a whole text as a timestamp.
pub(super) fn timestamp(text: &[u8], format: TimestampFormat, zone: Zone) -> Option<ParsedTime> {
    timestamp_with(text, format, zone, date)
}

/// Parses a whole text as a timestamp; `date` parses its day.
#[inline]
pub(super) fn timestamp_with(
    text: &[u8],
    format: TimestampFormat,
    zone: Zone,
    date: impl FnOnce(&[u8]) -> Option<i64>,
) -> Option<ParsedTime> {
    let text = match zone {
        Zone::None => text,
        Zone::Utc => text.strip_suffix(b"Z")?,
    };
    let (day, rest) = text.split_at_checked(10)?;
    let (separator, clock) = rest.split_first()?;
    let wanted = match format {
        TimestampFormat::Sql => b' ',
        TimestampFormat::Iso8601 => b'T',
    };
    let time = match (format, clock) {
        (TimestampFormat::Iso8601, [_, _, b':', _, _]) => {
            ParsedTime { seconds: hours_and_minutes(clock)?, nanos: 0 }
        }
        _ => time(clock)?,
    };
    (*separator == wanted).then_some(())?;
    Some(ParsedTime { seconds: date(day)? * SECONDS_A_DAY + time.seconds, nanos: time.nanos })
}

/// Parses a whole text `yyyy-MM-dd` to days since 1970.
pub(super) fn date(text: &[u8]) -> Option<i64> {
    let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = text.first_chunk::<10>()? else { return None };
    let year = two_digits(y0, y1)? * 100 + two_digits(y2, y3)?;
    let (month, day) = (two_digits(m0, m1)?, two_digits(d0, d1)?);
    let valid = text.len() == 10 && (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    valid.then(|| days(year, month, day))
}

/// Parses a whole text `HH:mm:ss[.fffffffff]` to a time of the day.
pub(super) fn time(text: &[u8]) -> Option<ParsedTime> {
    let (clock, fraction) = text.split_at_checked(8)?;
    let (minutes, &[b':', s0, s1]) = clock.split_at_checked(5)? else { return None };
    let seconds = two_digits(s0, s1).filter(|&s| s < 60)?;
    let nanos = match fraction.split_first() {
        None => 0,
        Some((b'.', digits)) if digits.len() <= 9 && digits.iter().all(u8::is_ascii_digit) => {
            let value = digits.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
            value * 10u32.pow(9 - digits.len() as u32)
        }
        Some(_) => return None,
    };
    Some(ParsedTime { seconds: hours_and_minutes(minutes)? + seconds, nanos })
}

/// Parses `HH:mm` to seconds.
fn hours_and_minutes(text: &[u8]) -> Option<i64> {
    let &[h0, h1, b':', m0, m1] = text else { return None };
    let hours = two_digits(h0, h1).filter(|&h| h < 24)?;
    let minutes = two_digits(m0, m1).filter(|&m| m < 60)?;
    Some(hours * 3600 + minutes * 60)
}

fn two_digits(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then_some(i64::from(tens) * 10 + i64::from(ones))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Returns the days since 1970 of a day of the Gregorian calendar. The year starts in March, so that the leap
/// day is last (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Returns year, month and day for a number of days since 1970; the inverse of `days`.
pub(super) fn calendar(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_calendar_are_inverse() {
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(days(2025, 12, 9), 20_431);
        assert_eq!(days(2000, 3, 1) - days(2000, 2, 28), 2);
        for day in (-800_000..800_000).step_by(97) {
            let (y, m, d) = calendar(day);
            assert_eq!(days(y, m, d), day);
            assert!((1..=days_in(y, m)).contains(&d), "{y}-{m}-{d}");
        }
    }
}
