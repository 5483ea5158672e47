//! Times in rows: wall-clock times, or instants with a `Z`, in each form in which jobs write them.
//!
//! A time is kept as microseconds and its form, so that the same text comes back:
//!
//! ```text
//! 2025-12-09T11:30:00          2025-12-09 11:30:00.250      2025-12-09 11:30:00.123456Z
//! T, no fraction               blank, three digits          blank, six digits, an instant
//! ```

use jiff::tz::TimeZone;
use types::Timestamp;

use crate::analytics::Moment;

/// How a time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeForm {
    /// A blank instead of the `T`.
    pub(super) has_blank: bool,
    /// An instant, with a `Z` at the end.
    pub(super) is_instant: bool,
    /// Digits of the fraction: 0, 3 or 6.
    pub(super) digits: u8,
}

impl TimeForm {
    pub(super) const PLAIN: TimeForm = TimeForm { has_blank: false, is_instant: false, digits: 0 };

    pub(super) fn code(self) -> i64 {
        i64::from(self.has_blank) | i64::from(self.is_instant) << 1 | i64::from(self.digits) << 2
    }

    pub(super) fn of_code(code: i64) -> TimeForm {
        TimeForm { has_blank: code & 1 != 0, is_instant: code & 2 != 0, digits: (code >> 2) as u8 }
    }

    /// Returns the time on the wall clock of a zone, in microseconds.
    pub(super) fn local(self, micros: i64, zone: &TimeZone) -> i64 {
        if !self.is_instant {
            return micros;
        }
        let Moment(of_millisecond) = Moment::local(Timestamp(micros.div_euclid(1_000)), zone);
        of_millisecond.saturating_add(micros.rem_euclid(1_000))
    }

    /// Returns the instant, in microseconds. Of two instants at which the wall clock shows the same time, it is
    /// the first.
    pub(super) fn instant(self, micros: i64, zone: &TimeZone) -> i64 {
        if self.is_instant {
            return micros;
        }
        let instant = jiff::Timestamp::from_microsecond(micros)
            .and_then(|as_utc| zone.to_timestamp(TimeZone::UTC.to_datetime(as_utc)));
        instant.map_or(micros, jiff::Timestamp::as_microsecond)
    }
}

/// Parses a time in any form; digits after the sixth are dropped.
pub(super) fn parse_time(text: &str) -> Option<(i64, TimeForm)> {
    let (whole, is_instant) = match text.strip_suffix('Z') {
        Some(whole) => (whole, true),
        None => (text, false),
    };
    let Moment(micros) = Moment::parse(whole)?;
    let digits = match whole.len().saturating_sub(20) {
        0 => 0,
        1..=3 => 3,
        _ => 6,
    };
    Some((micros, TimeForm { has_blank: whole.as_bytes()[10] == b' ', is_instant, digits }))
}

/// Parses a time only if it is written back as the same text.
pub(super) fn parse_exact(text: &str) -> Option<(i64, TimeForm)> {
    // Most texts are no times.
    if !text.as_bytes().first()?.is_ascii_digit() || !(19..=27).contains(&text.len()) {
        return None;
    }
    let (micros, form) = parse_time(text)?;
    let mut written = String::with_capacity(27);
    write_time(micros, form, &mut written);
    (written == text).then_some((micros, form))
}

/// Returns the times that stand in a key, wherever they do.
pub(super) fn times_in(key: &str) -> impl Iterator<Item = (i64, TimeForm)> {
    let bytes = key.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let starts = (0..bytes.len().saturating_sub(18))
        .filter(|from| (bytes[from + 4], bytes[from + 7], bytes[from + 13]) == (b'-', b'-', b':'));

    starts.filter_map(move |from| {
        let mut end = from + 19;
        if bytes.get(end) == Some(&b'.') && digits(end + 1) > 0 {
            end += 1 + digits(end + 1);
        }
        if bytes.get(end) == Some(&b'Z') {
            end += 1;
        }
        parse_time(key.get(from..end)?)
    })
}

/// Parses what people write: a time in any form, or without seconds, or a day.
pub(super) fn parse_loosely(text: &str) -> Option<(i64, TimeForm)> {
    let text = text.trim();
    let whole = match text.len() {
        10 => format!("{text}T00:00:00"),
        16 => format!("{text}:00"),
        _ => text.to_owned(),
    };
    parse_time(&whole)
}

/// Appends a time.
pub(super) fn write_time(micros: i64, form: TimeForm, out: &mut String) {
    let start = out.len();
    out.push_str(&Moment(micros).to_string());
    if form.digits == 0 {
        out.truncate(start + 19);
    } else {
        if out.len() == start + 19 {
            out.push_str(".000000");
        }
        out.truncate(start + 20 + usize::from(form.digits));
    }
    if form.has_blank {
        out.replace_range(start + 10..start + 11, " ");
    }
    if form.is_instant {
        out.push('Z');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_comes_back_as_it_was_written() {
        for text in [
            "2025-12-09T11:30:00",
            "2025-12-09 11:30:00",
            "2025-12-09 11:30:00.250",
            "2025-12-09T11:30:00.000",
            "2025-12-09T11:30:00.123456",
            "2025-12-09 11:30:00.123Z",
            "1969-12-31 23:59:59Z",
        ] {
            let (micros, form) = parse_exact(text).expect(text);
            let mut written = String::new();
            write_time(micros, TimeForm::of_code(form.code()), &mut written);
            assert_eq!(written, text);
        }
    }

    #[test]
    fn a_text_that_would_change_is_no_time() {
        for text in
            ["2025-12-09T11:30:00.1", "2025-12-09T11:30:00.1234567", "2025-13-09T11:30:00", "2025", "", "é"]
        {
            assert_eq!(parse_exact(text), None, "{text}");
        }
        assert!(parse_time("2025-12-09T11:30:00.1").is_some());
    }

    #[test]
    fn times_are_found_anywhere_in_a_key() {
        let found = |key: &str| -> Vec<String> {
            let write = |(micros, form)| {
                let mut text = String::new();
                write_time(micros, form, &mut text);
                text
            };
            times_in(key).map(write).collect()
        };
        assert_eq!(found("2025-12-09T11:30:00:a"), ["2025-12-09T11:30:00"]);
        assert_eq!(
            found("é:2025-12-09 11:30:00.250Z:x-2025-12-09T11:31:00"),
            ["2025-12-09 11:30:00.250Z", "2025-12-09T11:31:00"]
        );
        assert_eq!(found("a:2025-12-09T11:30:00."), ["2025-12-09T11:30:00"]);
        for none in
            ["", "2025-12-09", "a:2025-13-09T11:30:00", "aaaa-aa-aaaaaa:aaéaaaa", "1111-11-11ééé:11:11"]
        {
            assert!(found(none).is_empty(), "{none}");
        }
    }

    #[test]
    fn an_instant_is_a_time_on_the_wall_clock_and_back() {
        let zone = TimeZone::get("Europe/Berlin").expect("a zone");
        let time = |text: &str| parse_time(text).expect("a time");
        for (instant, local) in [
            ("2025-12-09T11:30:00.123456Z", "2025-12-09T12:30:00.123456"),
            ("2025-07-09T11:30:00Z", "2025-07-09T13:30:00"),
        ] {
            let ((instant, form), (local, wall)) = (time(instant), time(local));
            assert_eq!((form.local(instant, &zone), wall.local(local, &zone)), (local, local));
            assert_eq!((wall.instant(local, &zone), form.instant(instant, &zone)), (instant, instant));
        }
    }
}
