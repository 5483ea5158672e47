//! Arithmetic in units of time: `FLOOR`/`CEIL(… TO unit)`, `TIMESTAMPDIFF`, `TIMESTAMPADD`.

use types::{ColumnType, DataType, Scalar};

use super::arithmetic::shift;
use super::calendar::{DAY_MS, Date, HOUR_MS, MINUTE_MS, PreciseTime, SECOND_MS, day_number, weekday};
use super::signature::{
    ArgumentKind, accept, any_nullable, data_type, function, int, literal_text, mismatch, simple,
};
use super::zone::{resolve, wall_ms};
use super::{Argument, Code, ScalarCall, ScalarFunction, Signature, SignatureError};

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    function(
        "FLOOR_TO",
        "FLOOR(time TO unit), bound as FLOOR_TO('UNIT', time): the unit's beginning, weeks begin on Sunday; FLOOR(DATE '2025-12-09' TO MONTH) = 2025-12-01",
        rounding,
        |c| prepare_rounding(c, End::Floor),
    ),
    function(
        "CEIL_TO",
        "CEIL(time TO unit), bound as CEIL_TO('UNIT', time): the next beginning; a time on the first day of a week, month, quarter or year gives that day, and a date has no beginning of its own day; CEIL(DATE '2025-12-09' TO MONTH) = 2026-01-01",
        rounding,
        |c| prepare_rounding(c, End::Ceil),
    ),
    function(
        "TIMESTAMPDIFF",
        "TIMESTAMPDIFF(unit, a, b), bound as TIMESTAMPDIFF('UNIT', a, b): whole units from a to b; TIMESTAMPDIFF(MONTH, DATE '2025-01-31', DATE '2025-12-09') = 10",
        difference_signature,
        difference,
    ),
    function(
        "TIMESTAMPADD",
        "TIMESTAMPADD(unit, n, time), bound as TIMESTAMPADD('UNIT', n, time): n units later, clipped to the month's end; TIMESTAMPADD(MONTH, 1, DATE '2025-01-31') = 2025-02-28",
        addition_signature,
        addition,
    ),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TimeUnit {
    Months(i64),
    Ms(i64),
    Week,
}

const UNITS: &[&str] = &[
    "MILLENNIUM",
    "CENTURY",
    "DECADE",
    "YEAR",
    "QUARTER",
    "MONTH",
    "WEEK",
    "DAY",
    "HOUR",
    "MINUTE",
    "SECOND",
    "MILLISECOND",
];

impl TimeUnit {
    fn named(name: &str) -> Option<TimeUnit> {
        Some(match name {
            "MILLENNIUM" => TimeUnit::Months(12_000),
            "CENTURY" => TimeUnit::Months(1_200),
            "DECADE" => TimeUnit::Months(120),
            "YEAR" => TimeUnit::Months(12),
            "QUARTER" => TimeUnit::Months(3),
            "MONTH" => TimeUnit::Months(1),
            "WEEK" => TimeUnit::Week,
            "DAY" => TimeUnit::Ms(DAY_MS),
            "HOUR" => TimeUnit::Ms(HOUR_MS),
            "MINUTE" => TimeUnit::Ms(MINUTE_MS),
            "SECOND" => TimeUnit::Ms(SECOND_MS),
            "MILLISECOND" => TimeUnit::Ms(1),
            _ => return None,
        })
    }

    fn of(call: &ScalarCall<'_>) -> Result<TimeUnit, String> {
        let name = literal_text(call, 0).unwrap_or_default().trim_end().to_uppercase();
        TimeUnit::named(&name).ok_or_else(|| format!("unknown unit {name}"))
    }

    fn of_argument(args: &[Argument<'_>]) -> Option<TimeUnit> {
        match args.first()?.literal?.as_scalar() {
            Scalar::Text(name) => TimeUnit::named(&name.trim_end().to_uppercase()),
            _ => None,
        }
    }

    fn floor(self, wall_ms: i64) -> i64 {
        let day = wall_ms.div_euclid(DAY_MS);
        match self {
            TimeUnit::Ms(unit) => wall_ms.div_euclid(unit).saturating_mul(unit),
            TimeUnit::Week => (day - (weekday(day) + 1) % 7).saturating_mul(DAY_MS),
            TimeUnit::Months(months) => {
                let date = Date::of_day(day);
                // Centuries and millennia begin in year 1.
                let origin = if months >= 1_200 { 12 } else { 0 };
                let index = date.year * 12 + date.month - 1 - origin;
                let start = index.div_euclid(months) * months + origin;
                day_number(start.div_euclid(12), start.rem_euclid(12) + 1, 1).saturating_mul(DAY_MS)
            }
        }
    }

    fn ceil(self, wall_ms: i64) -> i64 {
        let floor = self.floor(wall_ms);
        let day = wall_ms.div_euclid(DAY_MS).saturating_mul(DAY_MS);
        match self {
            TimeUnit::Ms(_) if floor >= wall_ms => wall_ms,
            TimeUnit::Ms(unit) => floor.saturating_add(unit),
            // For weeks, months, quarters and years only the day counts.
            TimeUnit::Week | TimeUnit::Months(..=12) if floor == day => floor,
            TimeUnit::Week => floor.saturating_add(7 * DAY_MS),
            // For decades, centuries and millennia the result is the next one, even at the very beginning of
            // one.
            TimeUnit::Months(months) => PreciseTime::of_ms(floor).plus_months(months).ms,
        }
    }

    /// Computes [`TimeUnit::ceil`] of a date: the ceiling of a day is the next day; smaller units change nothing.
    fn ceil_day(self, day: i64) -> i64 {
        match self {
            TimeUnit::Ms(DAY_MS) => day.saturating_add(1),
            TimeUnit::Ms(_) => day,
            _ => self.ceil(day.saturating_mul(DAY_MS)).div_euclid(DAY_MS),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Floor,
    Ceil,
}

fn rounding(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let accepted = accept(
        args,
        "<date, time or timestamp> TO <unit>",
        &[ArgumentKind::Word(UNITS), ArgumentKind::Time],
        2,
    )?;
    let result = ColumnType { data_type: accepted[1].clone(), nullable: any_nullable(args) };
    Ok(Signature { args: accepted, result })
}

fn prepare_rounding(call: &ScalarCall<'_>, end: End) -> Result<Code, String> {
    let unit = TimeUnit::of(call)?;
    let zone = call.time_zone.clone();
    let of = data_type(call, 1);

    let round = move |ms: i64, nanos: i64| match end {
        End::Floor => unit.floor(ms),
        // A fraction of a millisecond counts.
        End::Ceil => unit.ceil(ms.saturating_add(i64::from(nanos > 0))),
    };

    simple(move |args, out| {
        let value = args.get(1).copied().unwrap_or(Scalar::Null);
        match (&of, value) {
            (DataType::Date, Scalar::Int(day)) if end == End::Ceil => out.int(unit.ceil_day(day)),
            (DataType::Date, Scalar::Int(day)) => {
                out.int(round(day.saturating_mul(DAY_MS), 0).div_euclid(DAY_MS))
            }
            (DataType::Time(_), Scalar::Int(ms)) => out.int(round(ms, 0)),
            (DataType::TimestampLtz(_), _) => {
                let time = PreciseTime::read(value);
                let rounded = resolve(&zone, round(wall_ms(&zone, time.ms), time.nanos));
                PreciseTime::of_ms(rounded).write_whole(&of, out);
            }
            _ => {
                let time = PreciseTime::read(value);
                PreciseTime::of_ms(round(time.ms, time.nanos)).write_whole(&of, out);
            }
        }
    })
}

fn difference_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let expected = "<unit>, <date or timestamp>, <date or timestamp>";
    let accepted =
        accept(args, expected, &[ArgumentKind::Word(UNITS), ArgumentKind::Time, ArgumentKind::Time], 3)?;
    if accepted.iter().any(|t| matches!(t, DataType::Time(_))) {
        return Err(mismatch(expected));
    }
    let result = ColumnType { data_type: DataType::Int, nullable: any_nullable(args) };
    Ok(Signature { args: accepted, result })
}

/// Returns the milliseconds of a date or timestamp.
fn ms_of(value: Option<&Scalar<'_>>, of: &DataType) -> i64 {
    match (of, value) {
        (DataType::Date, Some(Scalar::Int(day))) => day.saturating_mul(DAY_MS),
        (_, Some(value)) => PreciseTime::read(*value).ms,
        (_, None) => 0,
    }
}

fn difference(call: &ScalarCall<'_>) -> Result<Code, String> {
    let unit = TimeUnit::of(call)?;
    let (from, to) = (data_type(call, 1), data_type(call, 2));
    simple(move |args, out| {
        let (a, b) = (ms_of(args.get(1), &from), ms_of(args.get(2), &to));
        let units = match unit {
            TimeUnit::Ms(unit) => b.saturating_sub(a) / unit,
            TimeUnit::Week => b.saturating_sub(a) / (7 * DAY_MS),
            TimeUnit::Months(months) => months_between(a, b) / months,
        };
        out.int(i64::from(units as i32));
    })
}

/// Returns the whole months from `a` to `b`.
///
/// Months are counted by days only, truncated toward zero. If the months lead exactly from one day to the
/// other and `b` has an earlier time of day, one is subtracted, even from a negative count: 2018-03-01
/// 21:00:01 to 2018-03-01 20:00:00 is -1.
fn months_between(a: i64, b: i64) -> i64 {
    let (from, to) = (a.div_euclid(DAY_MS), b.div_euclid(DAY_MS));
    let months = if from <= to { days_in_months(from, to) } else { -days_in_months(to, from) };

    let lands_on = Date::of_day(from).plus_months(months).number_saturating();
    let is_earlier = b.rem_euclid(DAY_MS) < a.rem_euclid(DAY_MS);
    months - i64::from(lands_on == to && is_earlier)
}

/// Returns the whole months from one day to a later one.
fn days_in_months(from: i64, to: i64) -> i64 {
    let (first, last) = (Date::of_day(from), Date::of_day(to));
    let months = (last.year - first.year) * 12 + last.month - first.month;
    months - i64::from(first.plus_months(months).number_saturating() > to)
}

fn addition_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let expected = "<unit>, <integer>, <date or timestamp>";
    let accepted =
        accept(args, expected, &[ArgumentKind::Word(UNITS), ArgumentKind::Integer, ArgumentKind::Time], 3)?;
    let result = match (&accepted[2], TimeUnit::of_argument(args)) {
        (DataType::Date, Some(TimeUnit::Ms(unit))) if unit < DAY_MS => DataType::Timestamp(6),
        (other, _) => other.clone(),
    };
    Ok(Signature { args: accepted, result: ColumnType { data_type: result, nullable: any_nullable(args) } })
}

fn addition(call: &ScalarCall<'_>) -> Result<Code, String> {
    let (per_unit, interval) = match TimeUnit::of(call)? {
        TimeUnit::Months(months) => (months, DataType::IntervalYearMonth),
        TimeUnit::Week => (7 * DAY_MS, DataType::IntervalDayTime),
        TimeUnit::Ms(ms) => (ms, DataType::IntervalDayTime),
    };
    let (time, result) = (data_type(call, 2), call.result.data_type.clone());
    simple(move |args, out| {
        let amount = int(args, 1).saturating_mul(per_unit);
        let value = args.get(2).copied().unwrap_or(Scalar::Null);
        shift(value, &time, amount, &interval, &result, out);
    })
}
