//! Casts to text and bytes.
//!
//! `CHAR(n)` is padded with blanks and truncated, `VARCHAR(n)` is only truncated; `BINARY` and `VARBINARY`
//! likewise, with zeros.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use types::{DataType, Scalar};

use super::super::calendar::{
    DAY_MS, Date, PreciseTime, SECOND_MS, write_date, write_padded, write_time, write_timestamp,
};
use super::super::decimal;
use super::super::number_text::{write_double, write_float};
use super::super::text::{byte_of, length};
use super::super::zone::wall_ms;
use super::super::{EvalError, Output};
use super::Convert;

pub(super) fn to_text(from: &DataType, to: &DataType, zone: &TimeZone) -> Convert {
    let (from, zone) = (from.clone(), zone.clone());
    let (limit, padded) = match to {
        DataType::Char(n) => (*n, true),
        DataType::Varchar(n) => (*n, false),
        _ => (u32::MAX, false),
    };

    let nested = from.is_nested().then(|| super::nested::text_of(&from, &zone));

    Box::new(move |value, out| {
        let mut inner = Output::default();
        if let Some(write) = &nested {
            write(value, &mut inner)?;
        }
        let text = match (value, inner.get()) {
            (_, Scalar::Text(text)) | (Scalar::Text(text), _) => Cow::Borrowed(text),
            (Scalar::Bytes(bytes), _) => String::from_utf8_lossy(bytes),
            (other, _) => {
                let mut text = String::new();
                write(other, &from, &zone, &mut text);
                Cow::Owned(text)
            }
        };
        let cut = &text[..byte_of(&text, limit.into())];
        let missing = if padded { i64::from(limit) - length(cut) } else { 0 };
        if missing > 0 {
            EvalError::if_too_long(cut.len().saturating_add(missing as usize))?;
            out.write_text(|to| {
                to.push_str(cut);
                to.extend(std::iter::repeat_n(' ', missing as usize));
            });
        } else {
            out.text(cut);
        }
        Ok(())
    })
}

fn write(value: Scalar<'_>, from: &DataType, zone: &TimeZone, out: &mut String) {
    match (from, value) {
        (_, Scalar::Bool(v)) => out.push_str(if v { "TRUE" } else { "FALSE" }),
        (DataType::Float, Scalar::Double(v)) => write_float(v, out),
        (_, Scalar::Double(v)) => write_double(v, out),
        (DataType::Decimal { scale, .. }, Scalar::Wide(v)) => decimal::write(v, *scale, out),
        (DataType::Timestamp(digits), v) => write_timestamp(PreciseTime::read(v), *digits, out),
        (DataType::TimestampLtz(digits), v) => {
            let mut time = PreciseTime::read(v);
            time.ms = wall_ms(zone, time.ms);
            write_timestamp(time, *digits, out);
        }
        (DataType::Date, Scalar::Int(day)) => write_date(Date::of_day(day), out),
        (DataType::Time(digits), Scalar::Int(ms)) => write_time_of_day(ms.rem_euclid(DAY_MS), *digits, out),
        (DataType::IntervalYearMonth, Scalar::Int(months)) => {
            out.push(if months < 0 { '-' } else { '+' });
            let months = months.unsigned_abs();
            out.push_str(&(months / 12).to_string());
            out.push('-');
            write_padded(months % 12, 2, out);
        }
        (DataType::IntervalDayTime, Scalar::Int(ms)) => {
            out.push(if ms < 0 { '-' } else { '+' });
            let ms = ms.unsigned_abs();
            out.push_str(&(ms / DAY_MS as u64).to_string());
            out.push(' ');
            write_time((ms % DAY_MS as u64) as i64, out);
            out.push('.');
            write_padded(ms % SECOND_MS as u64, 3, out);
        }
        (_, Scalar::Int(v)) => out.push_str(&v.to_string()),
        (_, Scalar::Wide(v)) => out.push_str(&v.to_string()),
        (_, Scalar::Null | Scalar::Text(_) | Scalar::Bytes(_)) => {}
    }
}

/// Writes `HH:mm:ss` and up to three fraction digits without trailing zeros, but at least one digit.
fn write_time_of_day(ms: i64, digits: u8, out: &mut String) {
    write_time(ms, out);
    if digits == 0 {
        return;
    }
    out.push('.');
    let start = out.len();
    write_padded((ms % SECOND_MS) as u64, 3, out);
    out.truncate(start + usize::from(digits.min(3)));
    let kept = out[start..].trim_end_matches('0').len().max(1);
    out.truncate(start + kept);
}

pub(super) fn to_bytes(to: &DataType) -> Convert {
    let (limit, padded) = match to {
        DataType::Binary(n) => (*n as usize, true),
        DataType::Varbinary(n) => (*n as usize, false),
        _ => (usize::MAX, false),
    };

    Box::new(move |value, out: &mut Output| {
        let bytes = match value {
            Scalar::Text(text) => text.as_bytes(),
            Scalar::Bytes(bytes) => bytes,
            _ => return Ok(()),
        };
        let cut = &bytes[..bytes.len().min(limit)];
        if padded && cut.len() < limit {
            EvalError::if_too_long(limit)?;
            let mut filled = cut.to_vec();
            filled.resize(limit, 0);
            out.bytes(&filled);
        } else {
            out.bytes(cut);
        }
        Ok(())
    })
}
