//! The proleptic Gregorian calendar over day numbers and milliseconds, for any 64-bit input.

use types::{DataType, Scalar};

use super::Output;

pub(super) const SECOND_MS: i64 = 1_000;
pub(super) const MINUTE_MS: i64 = 60_000;
pub(super) const HOUR_MS: i64 = 3_600_000;
pub(super) const DAY_MS: i64 = 86_400_000;

/// English names of the months, January first.
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// English names of the weekdays, Monday first.
pub(super) const WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A calendar date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) year: i64,
    /// 1 to 12.
    pub(super) month: i64,
    /// 1 to 31.
    pub(super) day: i64,
}

/// Returns the day number of a date, 0 for 1970-01-01. `month` is 1 to 12; `day` may lie outside of the
/// month.
pub(super) fn day_number(year: i64, month: i64, day: i64) -> i64 {
    // The year starts in March, so that the leap day comes last; 400 years have 146,097 days.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

impl Date {
    pub(super) fn of_day(number: i64) -> Date {
        let shifted = number.saturating_add(719_468);
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        Date { year: year_of_era + era * 400 + i64::from(month <= 2), month, day }
    }

    pub(super) fn number(self) -> i64 {
        day_number(self.year, self.month, self.day)
    }

    /// Returns the date `months` later. A day past the end of the month becomes the last day.
    pub(super) fn plus_months(self, months: i64) -> Date {
        let index = (self.year * 12 + self.month - 1).saturating_add(months);
        let (year, month) = (index.div_euclid(12), index.rem_euclid(12) + 1);
        Date { year, month, day: self.day.min(days_in_month(year, month)) }
    }

    /// Returns the day of the year, 1 to 366.
    pub(super) fn day_of_year(self) -> i64 {
        self.number() - day_number(self.year, 1, 1) + 1
    }
}

pub(super) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub(super) fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Returns the weekday, 0 for Monday to 6 for Sunday.
pub(super) fn weekday(day_number: i64) -> i64 {
    (day_number.rem_euclid(7) + 3) % 7
}

/// Returns the week number of a day and the year it belongs to. Weeks begin on weekday `first` (0 for
/// Monday); the first week of a year has at least `min_days` days in it. For ISO weeks (`first`, `min_days`)
/// is (0, 4), for the United States (6, 1).
pub(super) fn week_of_year(day: i64, first: i64, min_days: i64) -> (i64, i64) {
    let start_of_first_week = |year: i64| {
        let new_year = day_number(year, 1, 1);
        let into_week = (weekday(new_year) - first).rem_euclid(7);
        let start = new_year - into_week;
        if 7 - into_week >= min_days { start } else { start + 7 }
    };
    let year = Date::of_day(day).year;
    let week_year = if day >= start_of_first_week(year + 1) {
        year + 1
    } else if day >= start_of_first_week(year) {
        year
    } else {
        year - 1
    };
    (week_year, (day - start_of_first_week(week_year)) / 7 + 1)
}

/// The time of a `TIMESTAMP` or `TIMESTAMP_LTZ` of any precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PreciseTime {
    /// Milliseconds since 1970.
    pub(super) ms: i64,
    /// Nanoseconds within the millisecond, 0 to 999,999.
    pub(super) nanos: i64,
}

impl PreciseTime {
    pub(super) fn of_ms(ms: i64) -> PreciseTime {
        PreciseTime { ms, nanos: 0 }
    }

    pub(super) fn of_nanos(nanos: i128) -> PreciseTime {
        let ms = nanos.div_euclid(1_000_000).clamp(i64::MIN.into(), i64::MAX.into()) as i64;
        PreciseTime { ms, nanos: nanos.rem_euclid(1_000_000) as i64 }
    }

    /// Reads a timestamp from either of its physical forms.
    pub(super) fn read(value: Scalar<'_>) -> PreciseTime {
        match value {
            Scalar::Wide(nanos) => PreciseTime::of_nanos(nanos),
            Scalar::Int(ms) => PreciseTime::of_ms(ms),
            _ => PreciseTime::of_ms(0),
        }
    }

    /// Writes the time in the timestamp type's physical form, truncated to its precision.
    pub(super) fn write(self, to: &DataType, out: &mut Output) {
        match to {
            DataType::Timestamp(digits @ 4..) | DataType::TimestampLtz(digits @ 4..) => {
                let unit = 10i64.pow(9 - u32::from(*digits).min(9));
                out.wide(i128::from(self.ms) * 1_000_000 + i128::from(self.nanos / unit * unit));
            }
            DataType::Timestamp(digits) | DataType::TimestampLtz(digits) => {
                let unit = 10i64.pow(3 - u32::from(*digits));
                out.int(self.ms / unit * unit);
            }
            _ => out.int(self.ms),
        }
    }

    /// Writes the time without truncation; the caller has computed it from a value of the same precision.
    pub(super) fn write_whole(self, to: &DataType, out: &mut Output) {
        match to {
            DataType::Timestamp(4..) | DataType::TimestampLtz(4..) => {
                out.wide(i128::from(self.ms) * 1_000_000 + i128::from(self.nanos));
            }
            _ => out.int(self.ms),
        }
    }

    pub(super) fn day(self) -> i64 {
        self.ms.div_euclid(DAY_MS)
    }

    /// Returns the milliseconds since midnight.
    pub(super) fn ms_of_day(self) -> i64 {
        self.ms.rem_euclid(DAY_MS)
    }

    /// Returns the nanoseconds of the second, 0 to 999,999,999.
    pub(super) fn nanos_of_second(self) -> i64 {
        self.ms.rem_euclid(SECOND_MS) * 1_000_000 + self.nanos
    }

    pub(super) fn plus_ms(self, ms: i64) -> PreciseTime {
        PreciseTime { ms: self.ms.saturating_add(ms), nanos: self.nanos }
    }

    pub(super) fn plus_months(self, months: i64) -> PreciseTime {
        let day = Date::of_day(self.day()).plus_months(months).number_saturating();
        PreciseTime { ms: day.saturating_mul(DAY_MS).saturating_add(self.ms_of_day()), nanos: self.nanos }
    }
}

impl Date {
    /// Returns [`Date::number`] for a year of any size.
    pub(super) fn number_saturating(self) -> i64 {
        Date { year: self.year.clamp(-300_000_000_000, 300_000_000_000), ..self }.number()
    }
}

/// Writes `yyyy-MM-dd`; the year is shown modulo 10,000.
pub(super) fn write_date(date: Date, out: &mut String) {
    write_padded(date.year.unsigned_abs() % 10_000, 4, out);
    out.push('-');
    write_padded(date.month as u64, 2, out);
    out.push('-');
    write_padded(date.day as u64, 2, out);
}

/// Writes `HH:mm:ss`.
pub(super) fn write_time(ms_of_day: i64, out: &mut String) {
    write_padded((ms_of_day / HOUR_MS) as u64, 2, out);
    out.push(':');
    write_padded((ms_of_day / MINUTE_MS % 60) as u64, 2, out);
    out.push(':');
    write_padded((ms_of_day / SECOND_MS % 60) as u64, 2, out);
}

/// Writes `yyyy-MM-dd HH:mm:ss.f…` with at least `digits` fraction digits, and more if the time has them.
pub(super) fn write_timestamp(time: PreciseTime, digits: u8, out: &mut String) {
    write_date(Date::of_day(time.day()), out);
    out.push(' ');
    write_time(time.ms_of_day(), out);
    let mut fraction = time.nanos_of_second();
    let mut width = 9;
    while width > digits && fraction % 10 == 0 {
        fraction /= 10;
        width -= 1;
    }
    if width > 0 {
        out.push('.');
        write_padded(fraction as u64, width.into(), out);
    }
}

pub(super) fn write_padded(value: u64, width: usize, out: &mut String) {
    let start = out.len();
    if value >= 10 {
        write_padded(value / 10, width.saturating_sub(1), out);
        out.push(char::from(b'0' + (value % 10) as u8));
        return;
    }
    out.extend(std::iter::repeat_n('0', width.saturating_sub(1)));
    out.push(char::from(b'0' + value as u8));
    debug_assert!(out.len() - start >= width);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_inverse() {
        for number in (-800_000..800_000).step_by(37) {
            assert_eq!(Date::of_day(number).number(), number);
        }
        assert_eq!(Date::of_day(0), Date { year: 1970, month: 1, day: 1 });
        assert_eq!(Date::of_day(19_782), Date { year: 2024, month: 2, day: 29 });
    }

    #[test]
    fn iso_weeks_belong_to_the_year_of_their_thursday() {
        assert_eq!(week_of_year(day_number(2021, 1, 3), 0, 4), (2020, 53));
        assert_eq!(week_of_year(day_number(2024, 12, 30), 0, 4), (2025, 1));
        assert_eq!(week_of_year(day_number(2024, 12, 29), 6, 1), (2025, 1));
    }

    #[test]
    fn months_are_clipped_to_their_end() {
        let date = Date { year: 2025, month: 1, day: 31 };
        assert_eq!(date.plus_months(1), Date { year: 2025, month: 2, day: 28 });
        assert_eq!(date.plus_months(-2), Date { year: 2024, month: 11, day: 30 });
    }
}
