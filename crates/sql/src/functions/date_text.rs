//! Conversions between text and time by patterns: `DATE_FORMAT`, `TO_TIMESTAMP`, `UNIX_TIMESTAMP` and related
//! functions.
//!
//! Times without a zone are used unchanged; instants are converted in the session's time zone.

use std::sync::Arc;

use jiff::tz::TimeZone;
use types::{DataType, Scalar};

use super::calendar::{DAY_MS, PreciseTime, SECOND_MS};
use super::cast::parse_date;
use super::compiled::Compiled;
use super::date_pattern::DatePattern;
use super::decimal::{Shape, power_of_ten};
use super::loose_time::{at_zone, read_moment, read_timestamp};
use super::signature::{
    ArgumentKind, accept, any_nullable, data_type, fail, fallible, function, int, literal_text, mismatch,
    nullable, optional_int, shortened, simple, text,
};
use super::simple_date::{self, SimpleDate};
use super::timestamp::parse_moment;
use super::zone::{resolve, wall_ms, zone, zone_or_gmt};
use super::{
    Argument, Code, Determinism, Env, Output, ScalarCall, ScalarFunction, Signature, SignatureError,
};

const NANOS_OF_MS: i128 = 1_000_000;

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    function(
        "DATE_FORMAT",
        "DATE_FORMAT(time, pattern): by a pattern of Java's DateTimeFormatter; DATE_FORMAT(TIMESTAMP '2025-12-09 11:30:00', 'yyyy-MM-dd''T''HH:mm') = '2025-12-09T11:30'",
        date_format_signature,
        date_format,
    ),
    function(
        "TO_TIMESTAMP",
        "TO_TIMESTAMP(text[, pattern]): a TIMESTAMP(3), null if unreadable; TO_TIMESTAMP('09.12.2025', 'dd.MM.yyyy') = 2025-12-09 00:00:00.000",
        |a| nullable(a, "<text>[, <pattern>]", &[ArgumentKind::Text; 2], 1, DataType::Timestamp(3)),
        to_timestamp,
    ),
    function(
        "TO_TIMESTAMP_LTZ",
        "TO_TIMESTAMP_LTZ(number[, digits: 0 for seconds … 3 for milliseconds … 9 for nanoseconds]), TO_TIMESTAMP_LTZ(text[, pattern[, zone]]): an instant, in UTC unless a zone is given; TO_TIMESTAMP_LTZ(1765279800000, 3)",
        to_timestamp_ltz_signature,
        to_timestamp_ltz,
    ),
    function(
        "TO_DATE",
        "TO_DATE(text[, pattern]): a DATE, null if unreadable; TO_DATE('2025-12-09') = 2025-12-09",
        |a| nullable(a, "<text>[, <pattern>]", &[ArgumentKind::Text; 2], 1, DataType::Date),
        to_date,
    ),
    ScalarFunction {
        determinism: Determinism::Clock,
        ..function(
            "UNIX_TIMESTAMP",
            "UNIX_TIMESTAMP([text[, pattern]]): seconds since 1970 of now or of a text in the session's zone; UNIX_TIMESTAMP('1970-01-01 00:01:00') = 60 in UTC",
            unix_timestamp_signature,
            unix_timestamp,
        )
    },
    function(
        "FROM_UNIXTIME",
        "FROM_UNIXTIME(seconds[, pattern]): text in the session's zone; FROM_UNIXTIME(60) = '1970-01-01 00:01:00' in UTC",
        |a| {
            super::signature::typed(
                a,
                "<seconds>[, <pattern>]",
                &[ArgumentKind::Integer, ArgumentKind::Text],
                1,
                DataType::STRING,
            )
        },
        from_unixtime,
    ),
    function(
        "CONVERT_TZ",
        "CONVERT_TZ(text, from, to): a time of one zone in another; CONVERT_TZ('2025-12-09 00:00:00', 'UTC', 'Asia/Ho_Chi_Minh') = '2025-12-09 07:00:00'",
        |a| nullable(a, "<text>, <zone>, <zone>", &[ArgumentKind::Text; 3], 3, DataType::STRING),
        convert_tz,
    ),
];

fn date_format_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let expected = "<timestamp or text>, <pattern>";
    let mut accepted = accept(args, expected, &[ArgumentKind::Text, ArgumentKind::Text], 2)
        .or_else(|_| accept(args, expected, &[ArgumentKind::Time, ArgumentKind::Text], 2))?;
    match accepted[0] {
        DataType::Date => accepted[0] = DataType::Timestamp(3),
        DataType::Time(_) => return Err(mismatch(expected)),
        _ => {}
    }
    let nullable = any_nullable(args) || accepted[0].is_text();
    Ok(Signature { args: accepted, result: types::ColumnType { data_type: DataType::STRING, nullable } })
}

fn date_format(call: &ScalarCall<'_>) -> Result<Code, String> {
    let session = call.time_zone.clone();
    let from = data_type(call, 0);

    if from.is_text() {
        let input = SimpleDate::compile(simple_date::DEFAULT)?;
        let patterns = Compiled::new(literal_text(call, 1), SimpleDate::compile)?;
        return fallible(move |args, out| {
            let Some(instant) = input.parse(text(args, 0), &session) else {
                out.null();
                return Ok(());
            };
            patterns.with(text(args, 1), |p| out.write_text(|to| p.format(instant, &session, to)))
        });
    }

    let patterns = Compiled::new(literal_text(call, 1), DatePattern::compile)?;
    let is_instant = matches!(from, DataType::TimestampLtz(_));

    fallible(move |args, out| {
        let mut time = PreciseTime::read(args.first().copied().unwrap_or(Scalar::Null));
        if is_instant {
            time.ms = wall_ms(&session, time.ms);
        }
        let mut written = Ok(());
        patterns.with(text(args, 1), |p| out.write_text(|to| written = p.format(time, to)))?;
        written.map_err(fail)
    })
}

fn to_timestamp(call: &ScalarCall<'_>) -> Result<Code, String> {
    if call.args.len() == 1 {
        return simple(|args, out| put(parse_moment(text(args, 0)), out));
    }
    let patterns = Compiled::new(literal_text(call, 1), DatePattern::compile)?;
    fallible(move |args, out| patterns.with(text(args, 1), |p| put(read_timestamp(text(args, 0), p), out)))
}

fn put(time: Option<PreciseTime>, out: &mut Output) {
    out.int_or_null(time.map(|time| time.ms));
}

fn to_timestamp_ltz_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let expected = "<number>[, <digits of a second, 0 to 9>], or <text>[, <pattern>[, <zone>]]";
    let accepted = accept(args, expected, &[ArgumentKind::Text; 3], 1)
        .or_else(|_| accept(args, expected, &[ArgumentKind::Number, ArgumentKind::Integer], 1))?;
    let digits = match args.get(1).and_then(|a| a.literal).map(|v| v.as_scalar()) {
        Some(Scalar::Int(digits @ 0..=9)) => digits as u8,
        Some(Scalar::Int(_)) => return Err(mismatch(expected)),
        Some(Scalar::Text(pattern)) => fraction_digits(pattern),
        _ => 3,
    };
    Ok(Signature { args: accepted, result: DataType::TimestampLtz(digits.max(3)).nullable() })
}

/// Counts the `S` letters at the end of a pattern: `ss.SSSSSS` reads six digits of a second.
fn fraction_digits(pattern: &str) -> u8 {
    let digits = pattern.bytes().rev().take_while(|byte| *byte == b'S').count();
    digits.min(9) as u8
}

fn to_timestamp_ltz(call: &ScalarCall<'_>) -> Result<Code, String> {
    let from = data_type(call, 0);
    let result = call.result.data_type.clone();
    if from.is_numeric() {
        return instant_of_number(&from, result);
    }

    if call.args.len() == 1 {
        return fallible(|args, out| {
            let text = text(args, 0);
            let read = parse_moment(text).ok_or_else(|| {
                let text = shortened(text);
                fail(format!(
                    "Text {text} could not be parsed; TRY_CAST(… AS TIMESTAMP_LTZ(3)) gives NULL instead"
                ))
            })?;
            out.int(read.ms);
            Ok(())
        });
    }

    let patterns = Compiled::new(literal_text(call, 1), DatePattern::compile)?;
    let has_zone = call.args.len() > 2;
    let fixed_zone: Option<Option<TimeZone>> = literal_text(call, 2).map(zone);

    fallible(move |args, out| {
        let Some(wall) = patterns.with(text(args, 1), |p| read_moment(text(args, 0), p))? else {
            out.null();
            return Ok(());
        };
        let instant = match (&fixed_zone, has_zone) {
            (_, false) => Some(wall.ms),
            (Some(zone), true) => zone.as_ref().map(|zone| resolve(zone, wall.ms)),
            (None, true) => at_zone(wall.ms, text(args, 2)),
        };
        match instant {
            Some(ms) => PreciseTime { ms, ..wall }.write(&result, out),
            None => out.null(),
        }
        Ok(())
    })
}

/// Builds `TO_TIMESTAMP_LTZ(number, digits)`: the number counts seconds at 0 digits, milliseconds at 3,
/// nanoseconds at 9.
///
/// The fraction of a DOUBLE is rounded down to the result's precision; the fraction of a DECIMAL is dropped.
fn instant_of_number(from: &DataType, result: DataType) -> Result<Code, String> {
    // From 0000-01-01 to the end of 9999, in nanoseconds.
    const RANGE: std::ops::Range<i128> = -62_167_219_200_000 * NANOS_OF_MS..253_402_300_800_000 * NANOS_OF_MS;
    let unit = power_of_ten(Shape::of(from).map_or(0, |s| s.scale).into());

    fallible(move |args, out| {
        let digits = match optional_int(args, 1) {
            None => 3,
            Some(digits @ 0..=9) => digits as u32,
            Some(other) => {
                return Err(fail(format!("the precision of TO_TIMESTAMP_LTZ is 0 to 9, not {other}")));
            }
        };
        let nanos_per_unit = 10i128.pow(9 - digits);
        let nanos = match args.first() {
            Some(Scalar::Int(v)) => i128::from(*v) * nanos_per_unit,
            Some(Scalar::Wide(v)) => (v / unit).saturating_mul(nanos_per_unit),
            Some(Scalar::Double(v)) => {
                let finest = digits.max(3);
                let units = (v * 10f64.powi((finest - digits) as i32)).floor() as i64;
                i128::from(units) * 10i128.pow(9 - finest)
            }
            _ => i128::MIN,
        };
        if RANGE.contains(&nanos) {
            PreciseTime::of_nanos(nanos).write(&result, out);
        } else {
            out.null();
        }
        Ok(())
    })
}

fn to_date(call: &ScalarCall<'_>) -> Result<Code, String> {
    if call.args.len() == 1 {
        return fallible(|args, out| {
            out.int_or_null(parse_date(text(args, 0)).map_err(fail)?);
            Ok(())
        });
    }
    let patterns = Compiled::new(literal_text(call, 1), SimpleDate::compile)?;
    fallible(move |args, out| {
        let instant = patterns.with(text(args, 1), |p| p.parse(text(args, 0), &TimeZone::UTC))?;
        out.int_or_null(instant.map(|ms| ms.div_euclid(DAY_MS)));
        Ok(())
    })
}

fn unix_timestamp_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    super::signature::typed(args, "[<text>[, <pattern>]]", &[ArgumentKind::Text; 2], 0, DataType::BigInt)
}

fn unix_timestamp(call: &ScalarCall<'_>) -> Result<Code, String> {
    if call.args.is_empty() {
        return Ok(Arc::new(|env: &Env, _: &[Scalar<'_>], out: &mut Output| {
            out.int(env.now_ms / SECOND_MS);
            Ok(())
        }));
    }
    let session = call.time_zone.clone();
    let pattern = if call.args.len() > 1 { literal_text(call, 1) } else { Some(simple_date::DEFAULT) };
    let patterns = Compiled::new(pattern, SimpleDate::compile)?;
    fallible(move |args, out| {
        let instant = patterns.with(text(args, 1), |p| p.parse(text(args, 0), &session))?;
        // Flink returns this number, not null, for text that it cannot parse.
        out.int(instant.map_or(i64::MIN, |ms| ms / SECOND_MS));
        Ok(())
    })
}

fn from_unixtime(call: &ScalarCall<'_>) -> Result<Code, String> {
    let session = call.time_zone.clone();
    let pattern = if call.args.len() > 1 { literal_text(call, 1) } else { Some(simple_date::DEFAULT) };
    let patterns = Compiled::new(pattern, SimpleDate::compile)?;
    fallible(move |args, out| {
        let instant = int(args, 0).saturating_mul(SECOND_MS);
        patterns.with(text(args, 1), |p| out.write_text(|to| p.format(instant, &session, to)))
    })
}

fn convert_tz(_: &ScalarCall<'_>) -> Result<Code, String> {
    let pattern = SimpleDate::compile(simple_date::DEFAULT)?;
    simple(move |args, out| match pattern.parse(text(args, 0), &zone_or_gmt(text(args, 1))) {
        Some(instant) => out.write_text(|to| pattern.format(instant, &zone_or_gmt(text(args, 2)), to)),
        None => out.null(),
    })
}
