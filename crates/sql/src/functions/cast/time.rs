//! Casts to dates, times and timestamps.
//!
//! Instants are converted in the session's time zone. A `TIME(p)` keeps `p` digits of the second, at most
//! three; further digits are cut off.

use jiff::tz::TimeZone;
use types::{DataType, Scalar};

use super::super::calendar::{DAY_MS, HOUR_MS, MINUTE_MS, PreciseTime, SECOND_MS, day_number, days_in_month};
use super::super::timestamp::parse_moment;
use super::super::zone::{resolve, wall_ms};
use super::{Convert, unreadable};

pub(super) fn to_time(from: &DataType, to: &DataType, zone: &TimeZone) -> Convert {
    let (from, to, zone) = (from.clone(), to.clone(), zone.clone());
    Box::new(move |value, out| {
        if let Scalar::Text(text) = value {
            let unreadable = || unreadable(text, &to);
            match to {
                DataType::Date => out.int(parse_date(text).ok().flatten().ok_or_else(unreadable)?),
                DataType::Time(digits) => {
                    out.int(cut_time(parse_time(text).ok_or_else(unreadable)?, digits));
                }
                _ => at(parse_moment(text).ok_or_else(unreadable)?, &to, &zone).write(&to, out),
            }
            return Ok(());
        }

        // Compute the wall-clock time, then the part of it that the target type has.
        let wall = match (&from, value) {
            (DataType::Date, Scalar::Int(day)) => PreciseTime::of_ms(day.saturating_mul(DAY_MS)),
            (DataType::TimestampLtz(_), _) if matches!(to, DataType::TimestampLtz(_)) => {
                PreciseTime::read(value).write(&to, out);
                return Ok(());
            }
            (DataType::TimestampLtz(_), _) => {
                let time = PreciseTime::read(value);
                PreciseTime { ms: wall_ms(&zone, time.ms), ..time }
            }
            _ => PreciseTime::read(value),
        };

        match to {
            DataType::Date => out.int(wall.day()),
            DataType::Time(digits) => out.int(cut_time(wall.ms_of_day(), digits)),
            _ => at(wall, &to, &zone).write(&to, out),
        }
        Ok(())
    })
}

/// Truncates milliseconds of the day to the precision of a `TIME`.
fn cut_time(ms: i64, digits: u8) -> i64 {
    let unit = 10i64.pow(3u32.saturating_sub(digits.into()));
    ms / unit * unit
}

/// Converts a wall-clock time to a value of a timestamp type.
fn at(wall: PreciseTime, to: &DataType, zone: &TimeZone) -> PreciseTime {
    match to {
        DataType::TimestampLtz(_) => PreciseTime { ms: resolve(zone, wall.ms), ..wall },
        _ => wall,
    }
}

/// Parses `y[-m[-d]]` with a year from 0 to 9999, ignoring anything after a blank. Returns `None` if the text
/// is no date.
///
/// # Errors
/// A number of more than 31 bits, which fails the row even where other unreadable text gives null.
pub(crate) fn parse_date(text: &str) -> Result<Option<i64>, String> {
    let text = match text.find(' ') {
        Some(at) if at > 0 => &text[..at],
        _ => text,
    };
    let mut numbers = [0, 1, 1];
    for (slot, part) in numbers.iter_mut().zip(text.splitn(3, '-')) {
        let part = part.trim_matches(|c: char| c <= ' ');
        if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(None);
        }
        *slot = part.parse::<i32>().map_err(|_| format!("For input string: \"{part}\""))?.into();
    }
    let [year, month, day] = numbers;
    let valid = (0..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day);
    Ok(valid.then(|| day_number(year, month, day)))
}

/// Parses `h[:m[:s[.f…]]]` and adds an offset; returns milliseconds of the day.
fn parse_time(text: &str) -> Option<i64> {
    let number = |text: &str| {
        let text = text.trim_matches(|c: char| c <= ' ');
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if digits { text.parse::<i32>().ok().map(i64::from) } else { None }
    };

    let (sign, at) = match (text.find('-'), text.find('+')) {
        (Some(at), _) => (-1, at),
        (None, Some(at)) => (1, at),
        (None, None) => (0, text.len()),
    };

    let (clock, offset) = text.split_at(at);
    let (mut hour, mut minute) = (0, 0);

    if let Some(offset) = offset.get(1..) {
        let (h, m) = offset.split_once(':').map_or((offset, None), |(h, m)| (h, Some(m)));
        hour = sign * number(h)?;
        minute = sign * m.map_or(Some(0), number)?;
    }

    let mut parts = clock.splitn(3, ':');
    hour += number(parts.next()?)?;
    minute += parts.next().map_or(Some(0), number)?;

    let (second, ms) = match parts.next() {
        None => (0, 0),
        Some(rest) => match rest.split_once('.') {
            None => (number(rest)?, 0),
            Some((second, fraction)) => (number(second)?, fraction_ms(fraction)),
        },
    };

    let total = hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS + ms;
    (0..DAY_MS).contains(&total).then_some(total)
}

/// Returns the milliseconds of fraction digits; the fourth digit rounds the third.
fn fraction_ms(digits: &str) -> i64 {
    let digit = |at: usize| {
        digits.as_bytes().get(at).filter(|b| b.is_ascii_digit()).map_or(0, |b| i64::from(b - b'0'))
    };
    digit(0) * 100 + digit(1) * 10 + digit(2) + i64::from(digit(3) >= 5)
}
