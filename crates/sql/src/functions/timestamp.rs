//! Parses text to `TIMESTAMP(3)`. This is the hottest function of all, because every event's time arrives as
//! text.
//!
//! [`parse`] is `TRY_CAST(x AS TIMESTAMP(3))` with all its leniency; the common form
//! `yyyy-MM-ddTHH:mm:ss[.f…]` is read without a pattern. [`TimestampParser`] returns the same results and
//! caches the minute of the previous text, since events arrive roughly in order of time.

use std::sync::LazyLock;

use super::calendar::{DAY_MS, MINUTE_MS, PreciseTime, day_number, days_in_month, write_timestamp};
use super::date_pattern::DatePattern;

/// The accepted separators between date and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeSeparator {
    /// A blank, as in `CAST`.
    Blank,
    /// A blank or a `T`, as in `CAST(REPLACE(x, 'T', ' ') AS …)`.
    BlankOrT,
}

/// Returns wall-clock milliseconds since 1970, or `None` if `TRY_CAST(x AS TIMESTAMP(3))` is null.
pub fn parse(text: &[u8], separator: TimeSeparator) -> Option<i64> {
    strict(text, separator).or_else(|| lenient(text, separator))
}

/// A [`parse`] that caches one minute.
#[derive(Debug, Clone)]
pub struct TimestampParser {
    /// The previous text up to its minutes, and the start of that minute.
    prefix: [u8; 16],
    minute_ms: i64,
}

impl Default for TimestampParser {
    fn default() -> TimestampParser {
        TimestampParser { prefix: *b"1970-01-01T00:00", minute_ms: 0 }
    }
}

impl TimestampParser {
    pub fn new() -> TimestampParser {
        TimestampParser::default()
    }

    /// Returns the same as [`parse`].
    #[inline]
    pub fn parse(&mut self, text: &[u8], separator: TimeSeparator) -> Option<i64> {
        let Some((prefix, rest)) = text.split_first_chunk::<16>() else {
            return lenient(text, separator);
        };
        let known = *prefix == self.prefix && (separator == TimeSeparator::BlankOrT || prefix[10] == b' ');
        if !known {
            let Some(minute_ms) = strict_minute(prefix, separator) else {
                return lenient(text, separator);
            };
            self.prefix = *prefix;
            self.minute_ms = minute_ms;
        }
        match strict_rest(rest) {
            Some(ms) => Some(self.minute_ms + ms),
            None => lenient(text, separator),
        }
    }
}

/// Parses only `yyyy-MM-dd HH:mm:ss[.f…]`; after `None` the text may still have another valid form.
fn strict(text: &[u8], separator: TimeSeparator) -> Option<i64> {
    let (prefix, rest) = text.split_first_chunk::<16>()?;
    Some(strict_minute(prefix, separator)? + strict_rest(rest)?)
}

#[inline]
fn strict_minute(text: &[u8; 16], separator: TimeSeparator) -> Option<i64> {
    let two = |at: usize| {
        let (a, b) = (text[at].wrapping_sub(b'0'), text[at + 1].wrapping_sub(b'0'));
        (a <= 9 && b <= 9).then_some(i64::from(a) * 10 + i64::from(b))
    };
    let separated = text[10] == b' ' || text[10] == b'T' && separator == TimeSeparator::BlankOrT;
    if text[4] != b'-' || text[7] != b'-' || !separated || text[13] != b':' {
        return None;
    }
    let (year, month, day) = (two(0)? * 100 + two(2)?, two(5)?, two(8)?);
    let (hour, minute) = (two(11)?, two(14)?);
    if year == 0 || !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 {
        return None;
    }
    // 30 February becomes the last day of February, as in Java's "smart" style.
    let day = if day > 28 { day.min(days_in_month(year, month)) } else { day };
    Some(day_number(year, month, day) * DAY_MS + (hour * 60 + minute) * MINUTE_MS)
}

/// Parses `:ss[.f…]` with at most nine digits, truncated to milliseconds.
#[inline]
fn strict_rest(text: &[u8]) -> Option<i64> {
    let [b':', tens, ones, fraction @ ..] = text else { return None };
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    if tens > 5 || ones > 9 {
        return None;
    }
    let second_ms = (i64::from(tens) * 10 + i64::from(ones)) * 1_000;

    let digits = match fraction {
        [] => return Some(second_ms),
        [b'.', digits @ ..] if digits.len() <= 9 => digits,
        _ => return None,
    };

    let mut ms = 0;
    let mut unit = 100;

    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        ms += i64::from(digit) * unit;
        unit /= 10;
    }

    Some(second_ms + ms)
}

#[cold]
fn lenient(text: &[u8], separator: TimeSeparator) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    match separator {
        TimeSeparator::Blank => parse_moment(text),
        TimeSeparator::BlankOrT => parse_moment(&text.replace('T', " ")),
    }
    .map(|moment| moment.ms)
}

/// Evaluates `TRY_CAST(x AS TIMESTAMP(9))`.
pub(super) fn parse_moment(text: &str) -> Option<PreciseTime> {
    static PATTERN: LazyLock<DatePattern> = LazyLock::new(DatePattern::of_cast);
    PATTERN.parse(text)
}

/// Writes `yyyy-MM-dd HH:mm:ss.SSS`, the `CAST(ts AS STRING)` of a `TIMESTAMP(3)`.
pub fn write(ms: i64, out: &mut String) {
    write_timestamp(PreciseTime::of_ms(ms), 3, out);
}

/// Returns the match of `(Z|[+-]\d\d:\d\d)$` as in Java: at the end, or before a line terminator that ends
/// the text.
pub fn offset_suffix(text: &[u8]) -> Option<&[u8]> {
    offset_range(text).map(|(start, end)| &text[start..end])
}

/// Returns the start and end of the [`offset_suffix`].
pub(super) fn offset_range(text: &[u8]) -> Option<(usize, usize)> {
    let end = text.len() - terminator_length(text);
    match text[..end] {
        [.., b'Z'] => Some((end - 1, end)),
        [.., b'+' | b'-', a, b, b':', c, d] if [a, b, c, d].iter().all(u8::is_ascii_digit) => {
            Some((end - 6, end))
        }
        _ => None,
    }
}

/// Returns the length of the line terminator that ends a text, or 0.
pub(super) fn terminator_length(text: &[u8]) -> usize {
    match text {
        [.., b'\r', b'\n'] | [.., 0xc2, 0x85] => 2,
        [.., b'\n' | b'\r'] => 1,
        [.., 0xe2, 0x80, 0xa8 | 0xa9] => 3,
        _ => 0,
    }
}

/// Returns the milliseconds east of UTC of `Z` or `±hh:mm`, at most 18 hours; `None` for other forms.
pub fn zone_offset_ms(zone: &[u8]) -> Option<i64> {
    let (sign, a, b, c, d) = match *zone {
        [b'Z'] => return Some(0),
        [b'+', a, b, b':', c, d] => (1, a, b, c, d),
        [b'-', a, b, b':', c, d] => (-1, a, b, c, d),
        _ => return None,
    };
    if ![a, b, c, d].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let two = |a: u8, b: u8| i64::from(a - b'0') * 10 + i64::from(b - b'0');
    let (hours, minutes) = (two(a, b), two(c, d));
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= 18 * 60).then_some(sign * total * MINUTE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(y: i64, m: i64, d: i64, h: i64, min: i64, s: i64, ms: i64) -> Option<i64> {
        Some(day_number(y, m, d) * DAY_MS + ((h * 60 + min) * 60 + s) * 1_000 + ms)
    }

    #[test]
    fn the_forms_flink_reads_are_read() {
        let cases = [
            ("2025-12-09 11:30:00", at(2025, 12, 9, 11, 30, 0, 0)),
            ("2025-12-09 11:30:00.123456789", at(2025, 12, 9, 11, 30, 0, 123)),
            ("2025-12-09 11:30:00.1", at(2025, 12, 9, 11, 30, 0, 100)),
            ("2025-12-09 11:30:00.", at(2025, 12, 9, 11, 30, 0, 0)),
            ("2025-12-09", at(2025, 12, 9, 0, 0, 0, 0)),
            ("2025-1-9 1:3:0", at(2025, 1, 9, 1, 3, 0, 0)),
            ("2025-02-29 11:30:00", at(2025, 2, 28, 11, 30, 0, 0)),
            ("2024-02-30 11:30:00", at(2024, 2, 29, 11, 30, 0, 0)),
            ("2025-04-31", at(2025, 4, 30, 0, 0, 0, 0)),
            ("2025-12-31 24:00:00", at(2026, 1, 1, 0, 0, 0, 0)),
            ("2025--", at(2025, 1, 1, 0, 0, 0, 0)),
            ("+12345-01-01", at(12345, 1, 1, 0, 0, 0, 0)),
            ("0001-01-01 00:00:00", at(1, 1, 1, 0, 0, 0, 0)),
        ];

        for (text, ms) in cases {
            assert_eq!(parse(text.as_bytes(), TimeSeparator::Blank), ms, "{text}");
            assert_eq!(parse(text.replace(' ', "T").as_bytes(), TimeSeparator::BlankOrT), ms, "{text}");
        }
    }

    #[test]
    fn what_flink_cannot_read_is_none() {
        for text in [
            "",
            "nope",
            "2025-12-09T11:30",
            "2025-12-09 11:30",
            "2025-12-09 23:59:60",
            "2025-13-01",
            " 2025-12-09",
            "2025-12-09 11:30:00.1234567890",
            "2025-12-09 11:30:00,5",
            "2025-12-09t11:30:00",
            "0000-01-01 00:00:00",
            "2025-12-09T11:30:00Z",
            "2025-12-32",
            "12345-01-01",
            "-2025-01-01",
            "2025-12-09 24:00:01",
            "2025-12-09 ",
        ] {
            assert_eq!(parse(text.as_bytes(), TimeSeparator::BlankOrT), None, "{text}");
        }

        assert_eq!(parse(b"2025-12-09T11:30:00", TimeSeparator::Blank), None);
        assert_eq!(parse(b"2025-12-09 11:30:0\xff", TimeSeparator::Blank), None);
    }

    #[test]
    fn the_memory_changes_no_answer() {
        let mut parser = TimestampParser::new();
        let texts = [
            "2025-12-09T11:30:00",
            "2025-12-09T11:30:59.5",
            "2025-12-09T11:30:60",
            "2025-12-09 11:30:00",
            "2025-12-09",
            "2025-02-30T11:30:07",
            "2025-12-09T11:30:0",
            "2025-12-09T11:30:00.1234567890",
            "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0:00",
        ];

        for separator in [TimeSeparator::BlankOrT, TimeSeparator::Blank, TimeSeparator::BlankOrT] {
            for text in texts {
                for _ in 0..2 {
                    let plain = parse_moment(&match separator {
                        TimeSeparator::Blank => text.to_owned(),
                        TimeSeparator::BlankOrT => text.replace('T', " "),
                    });
                    assert_eq!(parser.parse(text.as_bytes(), separator), plain.map(|m| m.ms), "{text}");
                    assert_eq!(parse(text.as_bytes(), separator), plain.map(|m| m.ms), "{text}");
                }
            }
        }
    }

    #[test]
    fn offsets_are_found_at_the_end() {
        assert_eq!(offset_suffix(b"2025-12-09T11:30:00+07:00"), Some(&b"+07:00"[..]));
        assert_eq!(offset_suffix(b"2025-12-09T11:30:00Z\r\n"), Some(&b"Z"[..]));
        assert_eq!(offset_suffix(b"ZZ"), Some(&b"Z"[..]));
        assert_eq!(offset_suffix(b"2025-12-09T11:30:00+0700"), None);
        assert_eq!(offset_suffix(b"Z\n\n"), None);
        assert_eq!(zone_offset_ms(b"-03:30"), Some(-12_600_000));
        assert_eq!(zone_offset_ms(b"+18:01"), None);
    }
}
