//! Formats a wall-clock time by a pattern.

use super::super::calendar::{
    DAY_MS, Date, HOUR_MS, MINUTE_MS, Moment, SECOND_MS, week_of_year, weekday, write_padded,
};
use super::{DatePattern, Field, Number, Part, Sign, names::text_of};

impl DatePattern {
    /// Formats a time. Fails on a zone, which a wall-clock time lacks, or on a number that is too wide.
    pub(in super::super) fn format(&self, time: Moment, out: &mut String) -> Result<(), String> {
        write(&self.parts, time, out)
    }

    /// Returns the length of the unit of time within which the text does not change, in ms.
    pub(in super::super) fn unit_ms(&self) -> i64 {
        unit_ms(&self.parts)
    }
}

fn unit_ms(parts: &[Part]) -> i64 {
    let of_field = |field: &Field| match field {
        Field::HalfDay | Field::Hour | Field::ClockHour | Field::HourOfHalf | Field::ClockHourOfHalf => {
            HOUR_MS
        }
        Field::Minute => MINUTE_MS,
        Field::Second => SECOND_MS,
        Field::Nano | Field::Fraction | Field::MilliOfDay | Field::NanoOfDay => 1,
        _ => DAY_MS,
    };
    let of_part = |part: &Part| match part {
        Part::Literal(_) | Part::Zone { .. } => DAY_MS,
        Part::Number(number) => of_field(&number.field),
        Part::TwoDigitYear { field, .. } | Part::Text { field, .. } => of_field(field),
        Part::PointAndFraction => 1,
        Part::Optional(parts) => unit_ms(parts),
    };
    parts.iter().map(of_part).min().unwrap_or(DAY_MS)
}

fn write(parts: &[Part], time: Moment, out: &mut String) -> Result<(), String> {
    for part in parts {
        match part {
            Part::Literal(c) => out.push(*c),
            Part::Number(number) => write_number(number, value(number.field, time), out)?,
            Part::TwoDigitYear { field, .. } => {
                write_padded(value(*field, time).unsigned_abs() % 100, 2, out)
            }
            Part::PointAndFraction => {
                let nanos = time.nanos_of_second();
                if nanos > 0 {
                    out.push('.');
                    write_padded(nanos as u64, 9, out);
                    out.truncate(out.trim_end_matches('0').len());
                }
            }
            Part::Text { field, style } => {
                out.push_str(text_of(*field, value(*field, time), *style).unwrap_or_default());
            }
            Part::Zone { letter, .. } => {
                return Err(format!(
                    "the pattern letter `{letter}` asks for a zone, and a timestamp has none"
                ));
            }
            Part::Optional(parts) => {
                let start = out.len();
                if write(parts, time, out).is_err() {
                    out.truncate(start);
                }
            }
        }
    }

    Ok(())
}

fn write_number(number: &Number, value: i64, out: &mut String) -> Result<(), String> {
    if number.field == Field::Fraction {
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

fn value(field: Field, time: Moment) -> i64 {
    let day = time.day();
    let date = Date::of_day(day);
    let ms = time.ms_of_day();
    let hour = ms / HOUR_MS;

    match field {
        Field::Era => i64::from(date.year > 0),
        Field::Year => date.year,
        Field::YearOfEra => {
            if date.year > 0 {
                date.year
            } else {
                1 - date.year
            }
        }
        Field::WeekBasedYear => week_of_year(day, 6, 1).0,
        Field::Week => week_of_year(day, 6, 1).1,
        Field::Quarter => (date.month + 2) / 3,
        Field::Month => date.month,
        // The week with the first day of the month is week 1; weeks begin on Sunday.
        Field::WeekOfMonth => (date.day - 1 + (weekday(day - date.day + 1) + 1) % 7) / 7 + 1,
        Field::DayOfYear => date.day_of_year(),
        Field::DayOfMonth => date.day,
        Field::WeekdayInMonth => (date.day - 1) % 7 + 1,
        Field::Weekday => weekday(day) + 1,
        Field::LocalWeekday => (weekday(day) + 1) % 7 + 1,
        Field::HalfDay => hour / 12,
        Field::Hour => hour,
        Field::ClockHour => {
            if hour == 0 {
                24
            } else {
                hour
            }
        }
        Field::HourOfHalf => hour % 12,
        Field::ClockHourOfHalf => {
            if hour % 12 == 0 {
                12
            } else {
                hour % 12
            }
        }
        Field::Minute => ms / MINUTE_MS % 60,
        Field::Second => ms / SECOND_MS % 60,
        Field::Nano | Field::Fraction => time.nanos_of_second(),
        Field::MilliOfDay => ms,
        Field::NanoOfDay => ms * 1_000_000 + time.nanos,
        Field::JulianDay => time.ms.div_euclid(DAY_MS) + 40_587,
    }
}
