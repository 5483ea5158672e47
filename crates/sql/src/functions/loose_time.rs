//! Lenient parsing of texts and zones for `TO_TIMESTAMP` and `TO_TIMESTAMP_LTZ`.

use super::calendar::{DAY_MS, PreciseTime, SECOND_MS, day_number};
use super::date_pattern::DatePattern;
use super::timestamp::zone_offset_ms;
use super::zone::{resolve, zone};

/// Evaluates `TO_TIMESTAMP(text, pattern)`: the milliseconds of [`read_moment`].
pub(super) fn read_timestamp(text: &str, pattern: &DatePattern) -> Option<PreciseTime> {
    read_moment(text, pattern).map(|read| PreciseTime::of_ms(read.ms))
}

/// Parses by the pattern, or else by the looser forms of `java.sql.Timestamp` and `Date`.
pub(super) fn read_moment(text: &str, pattern: &DatePattern) -> Option<PreciseTime> {
    pattern.parse(text).or_else(|| {
        let text = text.trim_matches(|c: char| c <= ' ');
        match text.split_once(' ') {
            Some((date, time)) => Some(PreciseTime::of_ms(loose_date(date)?.checked_add(loose_time(time)?)?)),
            None => loose_date(text).map(PreciseTime::of_ms),
        }
    })
}

/// Parses `yyyy-[M]M-[d]d`; days past the end of the month continue into the next.
fn loose_date(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if year.len() != 4 || !(1..=2).contains(&month.len()) || !(1..=2).contains(&day.len()) {
        return None;
    }
    let (year, month, day) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day);
    valid.then(|| day_number(year, month, day) * DAY_MS)
}

/// Parses `h:m:s[.f…]` with numbers of any size.
fn loose_time(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, ':');
    let (hour, minute, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let (second, fraction) = match rest.split_once('.') {
        Some((second, fraction)) => (second, Some(fraction)),
        None => (rest, None),
    };
    let number = |text: &str| text.parse::<i32>().ok().map(i64::from);
    let ms = match fraction {
        None => 0,
        Some(digits) if (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) => {
            number(digits)? * 10i64.pow(9 - digits.len() as u32) / 1_000_000
        }
        Some(_) => return None,
    };
    Some(((number(hour)? * 60 + number(minute)?) * 60 + number(second)?) * SECOND_MS + ms)
}

/// Returns the instant of a wall-clock time in a named zone, or `None` for an unknown zone.
pub(super) fn at_zone(wall_ms: i64, name: &str) -> Option<i64> {
    match zone_offset_ms(name.as_bytes()) {
        Some(offset) => Some(wall_ms.saturating_sub(offset)),
        None => zone(name).map(|zone| resolve(&zone, wall_ms)),
    }
}
