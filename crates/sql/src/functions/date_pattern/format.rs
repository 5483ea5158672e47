//! Formats a wall-clock time by a pattern.

use super::super::calendar::{
    DAY_MS, Date, HOUR_MS, MINUTE_MS, PreciseTime, SECOND_MS, week_of_year, weekday, write_padded,
};
use super::{DateField, DatePattern, NumberPart, PatternPart, Sign, names::text_of};

impl DatePattern {
    /// Formats a time. Fails on a zone, which a wall-clock time lacks, or on a number that is too wide.
    pub(in super::super) fn format(&self, time: PreciseTime, out: &mut String) -> Result<(), String> {
        write(&self.parts, time, out)
    }

    /// Returns the length of the unit of time within which the text does not change, in ms.
    pub(in super::super) fn unit_ms(&self) -> i64 {
        unit_ms(&self.parts)
    }
}

fn unit_ms(parts: &[PatternPart]) -> i64 {
    let of_field = |field: &DateField| match field {
        DateField::HalfDay
        | DateField::Hour
        | DateField::ClockHour
        | DateField::HourOfHalf
        | DateField::ClockHourOfHalf => HOUR_MS,
        DateField::Minute => MINUTE_MS,
        DateField::Second => SECOND_MS,
        DateField::Nano | DateField::Fraction | DateField::MilliOfDay | DateField::NanoOfDay => 1,
        _ => DAY_MS,
    };
    let of_part = |part: &PatternPart| match part {
        PatternPart::Literal(_) | PatternPart::Zone { .. } => DAY_MS,
        PatternPart::Number(number) => of_field(&number.field),
        PatternPart::TwoDigitYear { field, .. } | PatternPart::Text { field, .. } => of_field(field),
        PatternPart::PointAndFraction => 1,
        PatternPart::Optional(parts) => unit_ms(parts),
    };
    parts.iter().map(of_part).min().unwrap_or(DAY_MS)
}

fn write(parts: &[PatternPart], time: PreciseTime, out: &mut String) -> Result<(), String> {
    for part in parts {
        match part {
            PatternPart::Literal(c) => out.push(*c),
            PatternPart::Number(number) => write_number(number, value(number.field, time), out)?,
            PatternPart::TwoDigitYear { field, .. } => {
                write_padded(value(*field, time).unsigned_abs() % 100, 2, out)
            }
            PatternPart::PointAndFraction => {
                let nanos = time.nanos_of_second();
                if nanos > 0 {
                    out.push('.');
                    write_padded(nanos as u64, 9, out);
                    out.truncate(out.trim_end_matches('0').len());
                }
            }
            PatternPart::Text { field, style } => {
                out.push_str(text_of(*field, value(*field, time), *style).unwrap_or_default());
            }
            PatternPart::Zone { letter, .. } => {
                return Err(format!("the pattern letter `{letter}` needs a zone, but a timestamp has none"));
            }
            PatternPart::Optional(parts) => {
                let start = out.len();
                if write(parts, time, out).is_err() {
                    out.truncate(start);
                }
            }
        }
    }

    Ok(())
}

fn write_number(number: &NumberPart, value: i64, out: &mut String) -> Result<(), String> {
    if number.field == DateField::Fraction {
        let scaled = value / 10i64.pow(9 - number.max.min(9) as u32);
        write_padded(scaled as u64, number.max, out);
        return Ok(());
    }
    let digits = value.unsigned_abs().checked_ilog10().map_or(1, |n| n as usize + 1);
    if digits > number.max {
        return Err(format!("{value} has more than {} digits", number.max));
    }
    match number.sign {
        Sign::Never if value < 0 => return Err(format!("{value} cannot be written without a sign")),
        _ if value < 0 => out.push('-'),
        Sign::ExceedsPad if digits > number.min => out.push('+'),
        _ => {}
    }
    write_padded(value.unsigned_abs(), number.min, out);
    Ok(())
}

fn value(field: DateField, time: PreciseTime) -> i64 {
    let day = time.day();
    let date = Date::of_day(day);
    let ms = time.ms_of_day();
    let hour = ms / HOUR_MS;

    match field {
        DateField::Era => i64::from(date.year > 0),
        DateField::Year => date.year,
        DateField::YearOfEra => {
            if date.year > 0 {
                date.year
            } else {
                1 - date.year
            }
        }
        DateField::WeekBasedYear => week_of_year(day, 6, 1).0,
        DateField::Week => week_of_year(day, 6, 1).1,
        DateField::Quarter => (date.month + 2) / 3,
        DateField::Month => date.month,
        // The week with the first day of the month is week 1; weeks begin on Sunday.
        DateField::WeekOfMonth => (date.day - 1 + (weekday(day - date.day + 1) + 1) % 7) / 7 + 1,
        DateField::DayOfYear => date.day_of_year(),
        DateField::DayOfMonth => date.day,
        DateField::WeekdayInMonth => (date.day - 1) % 7 + 1,
        DateField::Weekday => weekday(day) + 1,
        DateField::LocalWeekday => (weekday(day) + 1) % 7 + 1,
        DateField::HalfDay => hour / 12,
        DateField::Hour => hour,
        DateField::ClockHour => {
            if hour == 0 {
                24
            } else {
                hour
            }
        }
        DateField::HourOfHalf => hour % 12,
        DateField::ClockHourOfHalf => {
            if hour % 12 == 0 {
                12
            } else {
                hour % 12
            }
        }
        DateField::Minute => ms / MINUTE_MS % 60,
        DateField::Second => ms / SECOND_MS % 60,
        DateField::Nano | DateField::Fraction => time.nanos_of_second(),
        DateField::MilliOfDay => ms,
        DateField::NanoOfDay => ms * 1_000_000 + time.nanos,
        DateField::JulianDay => time.ms.div_euclid(DAY_MS) + 40_587,
    }
}
