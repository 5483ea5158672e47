//! Parses a wall-clock time by a pattern, with the leniency of Java's "smart" resolver style.
//!
//! As in Flink, missing fields default to year 1970, month 1, day 1, midnight. February 30 becomes the last
//! day of February, 24:00:00 becomes the next midnight; other values out of range fail.

use super::super::calendar::{DAY_MS, Date, PreciseTime, day_number, days_in_month, is_leap, weekday};
use super::names::{text_of, text_range};
use super::{DateField, DatePattern, FIELDS, NumberPart, PatternPart, Sign};

/// The value read for each field.
#[derive(Debug, Clone, Copy)]
struct Fields([Option<i64>; FIELDS]);

impl Fields {
    fn get(&self, field: DateField) -> Option<i64> {
        self.0[field as usize]
    }

    /// Stores a value. Returns `None` if the field already has another value.
    fn set(&mut self, field: DateField, value: i64) -> Option<()> {
        let slot = &mut self.0[field as usize];
        match slot {
            Some(old) if *old != value => None,
            _ => {
                *slot = Some(value);
                Some(())
            }
        }
    }

    /// Returns the value if it is in the range, `Some(None)` if none was read, and `None` if it is out of
    /// range.
    fn checked(&self, field: DateField, range: std::ops::RangeInclusive<i64>) -> Option<Option<i64>> {
        match self.get(field) {
            Some(value) if !range.contains(&value) => None,
            found => Some(found),
        }
    }
}

impl DatePattern {
    /// Parses a wall-clock time, to the nanosecond. Returns `None` if the whole text does not match the
    /// pattern, if it is no valid time, or if its milliseconds exceed 64 bits.
    pub(in super::super) fn parse(&self, text: &str) -> Option<PreciseTime> {
        let mut fields = Fields([None; FIELDS]);
        let end = read(&self.parts, text, 0, &mut fields)?;
        if end == text.len() { resolve(fields) } else { None }
    }
}

fn read(parts: &[PatternPart], text: &str, mut at: usize, fields: &mut Fields) -> Option<usize> {
    for part in parts {
        at = match part {
            PatternPart::Literal(c) => at + text[at..].starts_with(*c).then_some(c.len_utf8())?,
            PatternPart::Number(number) => read_number(number, text.as_bytes(), at, fields)?,
            PatternPart::TwoDigitYear { field, subsequent: _ } => {
                let digits = text.as_bytes().get(at..at + 2)?;
                if !digits.iter().all(u8::is_ascii_digit) {
                    return None;
                }
                fields.set(*field, 2_000 + i64::from(digits[0] - b'0') * 10 + i64::from(digits[1] - b'0'))?;
                at + 2
            }
            PatternPart::PointAndFraction => read_fraction(text.as_bytes(), at, fields)?,
            PatternPart::Text { field, style } => {
                let rest = &text[at..];
                let longest = text_range(*field)
                    .filter_map(|value| text_of(*field, value, *style).map(|name| (name, value)))
                    .filter(|(name, _)| rest.starts_with(name))
                    .max_by_key(|(name, _)| name.len());
                let (name, value) = longest?;
                fields.set(*field, value)?;
                at + name.len()
            }
            PatternPart::Zone { letter, count } => at + zone_length(*letter, *count, &text[at..])?,
            PatternPart::Optional(parts) => {
                let mut tried = *fields;
                match read(parts, text, at, &mut tried) {
                    Some(end) => {
                        *fields = tried;
                        end
                    }
                    None => at,
                }
            }
        };
    }

    Some(at)
}

fn read_number(number: &NumberPart, text: &[u8], mut at: usize, fields: &mut Fields) -> Option<usize> {
    let sign = text.get(at).copied().filter(|c| matches!(c, b'+' | b'-'));
    match (sign, number.sign) {
        (None, _) | (Some(_), Sign::ExceedsPad) | (Some(b'-'), Sign::Normal) => {}
        _ => return None,
    }

    at += usize::from(sign.is_some());
    let available = text[at..].iter().take_while(|c| c.is_ascii_digit()).count();
    let mut width = available.min(number.max + number.subsequent);
    if width < number.min {
        return None;
    }
    if number.subsequent > 0 {
        width = number.min.max(width.saturating_sub(number.subsequent)).min(available);
    }
    let mut value = 0i64;
    for digit in &text[at..at + width] {
        value = value.checked_mul(10)?.checked_add(i64::from(digit - b'0'))?;
    }

    match sign {
        Some(b'-') if value == 0 => return None,
        Some(b'-') => value = -value,
        Some(_) if width <= number.min => return None,
        None if number.sign == Sign::ExceedsPad && width > number.min => return None,
        _ => {}
    }

    if number.field == DateField::Fraction {
        fields.set(DateField::Nano, value * 10i64.pow(9 - number.max.min(9) as u32))?;
    } else {
        fields.set(number.field, value)?;
    }

    Some(at + width)
}

fn read_fraction(text: &[u8], at: usize, fields: &mut Fields) -> Option<usize> {
    if text.get(at) != Some(&b'.') {
        return Some(at);
    }
    let digits = text[at + 1..].iter().take_while(|c| c.is_ascii_digit()).count().min(9);
    let value = text[at + 1..at + 1 + digits].iter().fold(0i64, |sum, d| sum * 10 + i64::from(d - b'0'));
    fields.set(DateField::Nano, value * 10i64.pow(9 - digits as u32))?;
    Some(at + 1 + digits)
}

/// Returns the length of a zone or offset in the form of the pattern's letters.
fn zone_length(letter: char, count: usize, text: &str) -> Option<usize> {
    match (letter, count) {
        ('X', _) | ('Z', 5) if text.starts_with('Z') => Some(1),
        ('X' | 'x', 1) => offset_length(text, "HHmm").or_else(|| offset_length(text, "HH")),
        ('X' | 'x', 2) | ('Z', 1..=3) => offset_length(text, "HHmm"),
        ('X' | 'x', 3) => offset_length(text, "HH:mm"),
        ('X' | 'x', 4) => offset_length(text, "HHmmss").or_else(|| offset_length(text, "HHmm")),
        ('X' | 'x', _) | ('Z', 5) => offset_length(text, "HH:mm:ss").or_else(|| offset_length(text, "HH:mm")),
        _ => {
            let of_a_name = |b: &u8| b.is_ascii_alphanumeric() || b"_/+-:".contains(b);
            let length = text.bytes().take_while(of_a_name).count();
            (length > 0).then_some(length)
        }
    }
}

/// Returns the length of a sign and an offset of at most 18 hours, in a form of digits and colons.
fn offset_length(text: &str, form: &str) -> Option<usize> {
    let offset = text.strip_prefix(['+', '-'])?.get(..form.len())?;
    let fits =
        offset.bytes().zip(form.bytes()).all(|(b, f)| if f == b':' { b == b':' } else { b.is_ascii_digit() });
    let mut digits = offset.bytes().filter(u8::is_ascii_digit).map(|b| i64::from(b - b'0'));
    let mut two = || digits.next().unwrap_or(0) * 10 + digits.next().unwrap_or(0);
    let (hours, minutes, seconds) = (two(), two(), two());
    let total = (hours * 60 + minutes) * 60 + seconds;
    (fits && minutes < 60 && seconds < 60 && total <= 18 * 3_600).then_some(1 + form.len())
}

fn resolve(fields: Fields) -> Option<PreciseTime> {
    let mut fields = fields;
    if let Some(year) = fields.checked(DateField::YearOfEra, 1..=1_000_000_000)? {
        let before_christ = fields.get(DateField::Era) == Some(0);
        fields.set(DateField::Year, if before_christ { 1 - year } else { year })?;
    }

    let year = fields.checked(DateField::Year, -999_999_999..=999_999_999)?;
    let date = date(&fields, year)?;
    let (ms_of_day, nanos, next_day) = time(&mut fields)?;

    let day = match date {
        Some(day) => {
            let local = fields.checked(DateField::LocalWeekday, 1..=7)?.map(|d| (d + 5) % 7 + 1);
            let weekday_read = fields.get(DateField::Weekday).or(local);
            if weekday_read.is_some_and(|read| read != weekday(day) + 1) {
                return None;
            }
            day + i64::from(next_day)
        }
        None => {
            let year = year.unwrap_or(1970);
            let month = fields.checked(DateField::Month, 1..=12)?.unwrap_or(1);
            let day = fields.checked(DateField::DayOfMonth, 1..=31)?.unwrap_or(1);
            if day > days_in_month(year, month) {
                return None;
            }
            day_number(year, month, day)
        }
    };

    Some(PreciseTime { ms: day.checked_mul(DAY_MS)?.checked_add(ms_of_day)?, nanos })
}

/// Returns the day from year, month and day, or from year and day of the year; `Some(None)` if fields are
/// missing.
fn date(fields: &Fields, year: Option<i64>) -> Option<Option<i64>> {
    let Some(year) = year else { return Some(None) };
    if let (Some(_), Some(_)) = (fields.get(DateField::Month), fields.get(DateField::DayOfMonth)) {
        let month = fields.checked(DateField::Month, 1..=12)??;
        let day = fields.checked(DateField::DayOfMonth, 1..=31)??;
        return Some(Some(day_number(year, month, day.min(days_in_month(year, month)))));
    }
    let Some(day) = fields.checked(DateField::DayOfYear, 1..=366)? else { return Some(None) };
    if day == 366 && !is_leap(year) {
        return None;
    }
    let number = day_number(year, 1, day);
    let agrees = |field, value| fields.get(field).is_none_or(|read| read == value);
    let date = Date::of_day(number);
    (agrees(DateField::Month, date.month) && agrees(DateField::DayOfMonth, date.day)).then_some(Some(number))
}

/// Returns the milliseconds of the day, the nanoseconds of the millisecond, and whether 24:00 means the next
/// midnight.
fn time(fields: &mut Fields) -> Option<(i64, i64, bool)> {
    if let Some(hour) = fields.checked(DateField::ClockHour, 0..=24)? {
        fields.set(DateField::Hour, hour % 24)?;
    }
    if let Some(hour) = fields.checked(DateField::ClockHourOfHalf, 0..=12)? {
        fields.set(DateField::HourOfHalf, hour % 12)?;
    }
    if let (Some(half), Some(hour)) =
        (fields.get(DateField::HalfDay), fields.checked(DateField::HourOfHalf, 0..=11)?)
    {
        fields.set(DateField::Hour, half * 12 + hour)?;
    }

    let of_day = match fields.checked(DateField::NanoOfDay, 0..=86_399_999_999_999)? {
        Some(nanos) => Some(nanos),
        None => fields.checked(DateField::MilliOfDay, 0..=DAY_MS - 1)?.map(|ms| ms * 1_000_000),
    };

    if let Some(nanos) = of_day {
        return Some((nanos / 1_000_000, nanos % 1_000_000, false));
    }
    let (hour, minute) =
        (fields.checked(DateField::Hour, 0..=24)?, fields.checked(DateField::Minute, 0..=59)?);
    let second = fields.checked(DateField::Second, 0..=59)?;
    let nanos = fields.checked(DateField::Nano, 0..=999_999_999)?;
    let gap =
        minute.is_none() && (second.is_some() || nanos.is_some()) || second.is_none() && nanos.is_some();
    let (h, m, s, n) = (hour.unwrap_or(0), minute.unwrap_or(0), second.unwrap_or(0), nanos.unwrap_or(0));
    if h == 24 {
        return (!gap && m == 0 && s == 0 && n == 0).then_some((0, 0, true));
    }
    Some((((h * 60 + m) * 60 + s) * 1_000 + n / 1_000_000, n % 1_000_000, false))
}
