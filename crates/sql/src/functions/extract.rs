//! `EXTRACT` and the functions named after its units. They return BIGINT; instants are read in the session's
//! time zone.

use types::{DataType, Scalar};

use super::calendar::{DAY_MS, Date, HOUR_MS, MINUTE_MS, PreciseTime, SECOND_MS, week_of_year, weekday};
use super::signature::{
    ArgumentKind, accept, any_nullable, data_type, function, literal_text, mismatch, simple,
};
use super::zone::wall_ms;
use super::{Argument, Code, ScalarCall, ScalarFunction, Signature, SignatureError};

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    function(
        "EXTRACT",
        "EXTRACT(unit FROM time), bound as EXTRACT('UNIT', time): a part as BIGINT; EXTRACT(DOW FROM DATE '2025-12-09') = 3",
        extract_signature,
        |call| {
            let name = literal_text(call, 0).unwrap_or_default().trim_end().to_uppercase();
            part(call, 1, TimePart::named(&name).ok_or_else(|| format!("unknown unit {name}"))?)
        },
    ),
    function("YEAR", "YEAR(time): YEAR(DATE '2025-12-09') = 2025", signature, |c| part(c, 0, TimePart::Year)),
    function("QUARTER", "QUARTER(time): 1-4; QUARTER(DATE '2025-12-09') = 4", signature, |c| {
        part(c, 0, TimePart::Quarter)
    }),
    function("MONTH", "MONTH(time): 1-12; MONTH(DATE '2025-12-09') = 12", signature, |c| {
        part(c, 0, TimePart::Month)
    }),
    function(
        "WEEK",
        "WEEK(time): week of the ISO year, 1-53; WEEK(DATE '2025-12-09') = 50",
        signature,
        |c| part(c, 0, TimePart::Week),
    ),
    function("DAYOFYEAR", "DAYOFYEAR(time): 1-366; DAYOFYEAR(DATE '2025-12-09') = 343", signature, |c| {
        part(c, 0, TimePart::DayOfYear)
    }),
    function("DAYOFMONTH", "DAYOFMONTH(time): 1-31; DAYOFMONTH(DATE '2025-12-09') = 9", signature, |c| {
        part(c, 0, TimePart::Day)
    }),
    function("DAYOFWEEK", "DAYOFWEEK(time): 1 is Sunday; DAYOFWEEK(DATE '2025-12-09') = 3", signature, |c| {
        part(c, 0, TimePart::DayOfWeek)
    }),
    function("HOUR", "HOUR(time): 0-23; HOUR(TIMESTAMP '2025-12-09 11:30:00') = 11", signature, |c| {
        part(c, 0, TimePart::Hour)
    }),
    function("MINUTE", "MINUTE(time): 0-59; MINUTE(TIMESTAMP '2025-12-09 11:30:00') = 30", signature, |c| {
        part(c, 0, TimePart::Minute)
    }),
    function("SECOND", "SECOND(time): 0-59; SECOND(TIMESTAMP '2025-12-09 11:30:07') = 7", signature, |c| {
        part(c, 0, TimePart::Second)
    }),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimePart {
    Millennium,
    Century,
    Decade,
    Year,
    IsoYear,
    Quarter,
    Month,
    Week,
    Day,
    DayOfYear,
    DayOfWeek,
    IsoDayOfWeek,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
    Epoch,
}

const UNITS: &[&str] = &[
    "MILLENNIUM",
    "CENTURY",
    "DECADE",
    "YEAR",
    "ISOYEAR",
    "QUARTER",
    "MONTH",
    "WEEK",
    "DAY",
    "DOY",
    "DOW",
    "ISODOW",
    "HOUR",
    "MINUTE",
    "SECOND",
    "MILLISECOND",
    "MICROSECOND",
    "NANOSECOND",
    "EPOCH",
];

impl TimePart {
    fn named(unit: &str) -> Option<TimePart> {
        use TimePart::*;
        const PARTS: [TimePart; 19] = [
            Millennium,
            Century,
            Decade,
            Year,
            IsoYear,
            Quarter,
            Month,
            Week,
            Day,
            DayOfYear,
            DayOfWeek,
            IsoDayOfWeek,
            Hour,
            Minute,
            Second,
            Millisecond,
            Microsecond,
            Nanosecond,
            Epoch,
        ];

        UNITS.iter().position(|name| *name == unit).map(|at| PARTS[at])
    }

    /// Returns the length of the unit of time within which the field is constant, in ms; `None` if it changes
    /// within a millisecond.
    pub(super) fn unit_ms(self) -> Option<i64> {
        match self {
            TimePart::Hour => Some(HOUR_MS),
            TimePart::Minute => Some(MINUTE_MS),
            TimePart::Second | TimePart::Epoch => Some(SECOND_MS),
            TimePart::Millisecond => Some(1),
            TimePart::Microsecond | TimePart::Nanosecond => None,
            _ => Some(DAY_MS),
        }
    }

    /// Returns the field of a wall-clock time.
    pub(super) fn of(self, time: PreciseTime) -> i64 {
        let day = time.day();
        let date = Date::of_day(day);
        let ms = time.ms_of_day();
        let era = |years: i64| {
            if date.year > 0 { (date.year + years - 1) / years } else { (date.year - years + 1) / years }
        };

        match self {
            TimePart::Millennium => era(1_000),
            TimePart::Century => era(100),
            TimePart::Decade => date.year / 10,
            TimePart::Year => date.year,
            TimePart::IsoYear => week_of_year(day, 0, 4).0,
            TimePart::Quarter => (date.month + 2) / 3,
            TimePart::Month => date.month,
            TimePart::Week => week_of_year(day, 0, 4).1,
            TimePart::Day => date.day,
            TimePart::DayOfYear => date.day_of_year(),
            TimePart::DayOfWeek => (weekday(day) + 1) % 7 + 1,
            TimePart::IsoDayOfWeek => weekday(day) + 1,
            TimePart::Hour => ms / HOUR_MS,
            TimePart::Minute => ms / MINUTE_MS % 60,
            TimePart::Second => ms / SECOND_MS % 60,
            TimePart::Millisecond => ms % SECOND_MS,
            TimePart::Microsecond => time.nanos_of_second() / 1_000,
            TimePart::Nanosecond => time.nanos_of_second(),
            TimePart::Epoch => time.ms.div_euclid(SECOND_MS),
        }
    }
}

/// Returns the part that a function extracts, if it is one of the functions in this file.
pub(super) fn part_named(function: &str, call: &ScalarCall<'_>) -> Option<TimePart> {
    let name = match function {
        "EXTRACT" => literal_text(call, 0)?.trim_end().to_uppercase(),
        "DAYOFYEAR" => "DOY".to_owned(),
        "DAYOFMONTH" => "DAY".to_owned(),
        "DAYOFWEEK" => "DOW".to_owned(),
        "YEAR" | "QUARTER" | "MONTH" | "WEEK" | "HOUR" | "MINUTE" | "SECOND" => function.to_owned(),
        _ => return None,
    };
    TimePart::named(&name)
}

fn signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let accepted = accept(args, "<date or timestamp>", &[ArgumentKind::Time], 1)?;
    Ok(Signature {
        args: accepted,
        result: types::ColumnType { data_type: DataType::BigInt, nullable: any_nullable(args) },
    })
}

fn extract_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let expected = "<unit> FROM <date, time or timestamp>";
    let accepted = accept(args, expected, &[ArgumentKind::Word(UNITS), ArgumentKind::Time], 2)?;
    if matches!(accepted[1], DataType::Time(_)) {
        let word = args[0].literal.map(|v| v.as_scalar());
        let of_time = matches!(word, Some(Scalar::Text(w)) if matches!(w.trim_end().to_uppercase().as_str(), "HOUR" | "MINUTE" | "SECOND" | "MILLISECOND"));
        if !of_time {
            return Err(mismatch(expected));
        }
    }
    Ok(Signature {
        args: accepted,
        result: types::ColumnType { data_type: DataType::BigInt, nullable: any_nullable(args) },
    })
}

fn part(call: &ScalarCall<'_>, at: usize, part: TimePart) -> Result<Code, String> {
    let zone = call.time_zone.clone();
    let from = data_type(call, at);
    simple(move |args, out| {
        let value = args.get(at).copied().unwrap_or(Scalar::Null);
        let mut time = match (&from, value) {
            (DataType::Date, Scalar::Int(day)) => PreciseTime::of_ms(day.saturating_mul(DAY_MS)),
            _ => PreciseTime::read(value),
        };
        if matches!(from, DataType::TimestampLtz(_)) {
            time.ms = wall_ms(&zone, time.ms);
        }
        out.int(part.of(time));
    })
}
