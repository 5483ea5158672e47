//! Answers seen on Flink 2.3.0 about times.

use types::{DataType, Value};

use super::super::zone::zone;
use super::*;
use crate::expr::CastMode::{Strict, Try};

/// A `TIMESTAMP(3)` from text.
fn ts(text: &str) -> Typed {
    Typed(convert(&s(text), DataType::Timestamp(3), Strict).unwrap(), DataType::Timestamp(3))
}

fn date(text: &str) -> Typed {
    Typed(convert(&s(text), DataType::Date, Strict).unwrap(), DataType::Date)
}

#[test]
fn casts_of_text_and_time() {
    let cast = |value: Typed, to: DataType| shown(convert(&value, to.clone(), Try).map(|v| Typed(v, to)));
    assert_eq!(cast(s("abc"), DataType::Char(5)), "abc  ");
    assert_eq!(cast(s("học"), DataType::Varchar(2)), "họ");
    assert_eq!(shown(Ok(Typed(Value::Double(f64::from(1e16f32)), DataType::Float))), "1.00000003E16");
    assert_eq!(shown(Ok(ts("2025-12-09 11:30:00"))), "2025-12-09 11:30:00.000");
    assert_eq!(
        cast(s("2025-12-09 11:30:00.123456789"), DataType::Timestamp(6)),
        "2025-12-09 11:30:00.123456"
    );
    assert_eq!(cast(s("2025-12-09 11:30:00"), DataType::Timestamp(0)), "2025-12-09 11:30:00");
    assert_eq!(cast(s("2025-12-09T11:30:00"), DataType::Timestamp(3)), "NULL");
    assert_eq!(cast(ts("2025-12-09 11:30:00.5"), DataType::Date), "2025-12-09");
    assert_eq!(cast(ts("2025-12-09 11:30:00.5"), DataType::Time(0)), "11:30:00");
    assert_eq!(cast(s("12"), DataType::Date), "0012-01-01");
    assert_eq!(cast(s("2025-02-29"), DataType::Date), "NULL");
    let saigon = zone("Asia/Ho_Chi_Minh").unwrap();
    let instant = convert_in(&saigon, &s("2025-12-09 07:00:00"), &DataType::TimestampLtz(3), Strict).unwrap();
    assert_eq!(instant, Value::Int(20_431 * 86_400_000));
    for (from, to) in [
        (DataType::Boolean, DataType::Timestamp(6)),
        (DataType::Int, DataType::Date),
        (DataType::Date, DataType::Int),
        (DataType::Timestamp(3), DataType::BigInt),
        (DataType::Int, DataType::BYTES),
        (DataType::Date, DataType::Time(0)),
        (DataType::BigInt, DataType::TimestampLtz(3)),
        (DataType::BYTES, DataType::Int),
    ] {
        assert!(!cast::allowed(&from, &to), "{from} to {to}");
    }
}

#[test]
fn patterns_of_time() {
    let time = ts("2025-12-09 11:30:07.123");
    check("DATE_FORMAT", &[time.clone(), s("yyyy-MM-dd'T'HH:mm:ss")], "2025-12-09T11:30:07");
    check(
        "DATE_FORMAT",
        &[time.clone(), s("EEE, d MMM yy h:mm a [SSS] D w")],
        "Tue, 9 Dec 25 11:30 AM 123 343 50",
    );
    check("DATE_FORMAT", &[s("2025-12-09 11:30:07"), s("dd.MM.yyyy")], "09.12.2025");
    check(
        "TO_TIMESTAMP",
        &[s("2025-12-09T11:30:00.5"), s("yyyy-MM-dd'T'HH:mm:ss[.SSS][.S]")],
        "2025-12-09 11:30:00.500",
    );
    check("TO_TIMESTAMP", &[s("2025-02-29")], "2025-02-28 00:00:00.000");
    check("TO_TIMESTAMP", &[s("2025-02-29"), s("yyyy-MM-dd HH:mm:ss")], "2025-03-01 00:00:00.000");
    check("TO_TIMESTAMP", &[s("nope")], "NULL");
    check("TO_TIMESTAMP", &[s("20251209113000"), s("yyyyMMddHHmmss")], "2025-12-09 11:30:00.000");
    check(
        "TO_TIMESTAMP",
        &[s("2025-12-09T11:30:00+07:00"), s("yyyy-MM-dd'T'HH:mm:ss[XXX]")],
        "2025-12-09 11:30:00.000",
    );
    check("TO_TIMESTAMP_LTZ", &[s("nope")], "!Text 'nope' could not be parsed");
    for zone in ["+07:00", "GMT+07:00", "Asia/Ho_Chi_Minh"] {
        let args = [s("2025-12-09 11:30:00"), s("yyyy-MM-dd HH:mm:ss"), s(zone)];
        check("TO_TIMESTAMP_LTZ", &args, "2025-12-09 04:30:00.000");
    }
    check("TO_TIMESTAMP_LTZ", &[big(60), i(0)], "1970-01-01 00:01:00.000");
    check("TO_DATE", &[s("12")], "0012-01-01");
    assert!(shown(call("TO_DATE", &[s("2147483648")])).starts_with('!'));
    check("UNIX_TIMESTAMP", &[s("nope")], "-9223372036854775808");
    check("UNIX_TIMESTAMP", &[s("1970-01-01 00:01:00")], "60");
    check("UNIX_TIMESTAMP", &[], "1765279800");
    check("FROM_UNIXTIME", &[big(60)], "1970-01-01 00:01:00");
    check("CONVERT_TZ", &[s("2025-12-09 00:00:00"), s("UTC"), s("Asia/Ho_Chi_Minh")], "2025-12-09 07:00:00");
}

#[test]
fn parts_of_time() {
    let time = ts("2025-12-09 11:30:07.123");
    for (unit, value) in [
        ("DOW", "3"),
        ("ISODOW", "2"),
        ("WEEK", "50"),
        ("DOY", "343"),
        ("QUARTER", "4"),
        ("HOUR", "11"),
        ("MILLISECOND", "123"),
        ("EPOCH", "1765279807"),
        ("CENTURY", "21"),
    ] {
        check("EXTRACT", &[s(unit), time.clone()], value);
    }
    check("HOUR", std::slice::from_ref(&time), "11");
    let saigon = zone("Asia/Ho_Chi_Minh").unwrap();
    let instant = Typed(Value::Int(20_431 * 86_400_000), DataType::TimestampLtz(3));
    assert_eq!(shown(call_in(&saigon, "HOUR", std::slice::from_ref(&instant))), "7");
    assert_eq!(shown(call_in(&saigon, "EXTRACT", &[s("EPOCH"), instant])), "1765263600");
    check("FLOOR_TO", &[s("WEEK"), time.clone()], "2025-12-07 00:00:00.000");
    check("CEIL_TO", &[s("HOUR"), time.clone()], "2025-12-09 12:00:00.000");
    check("CEIL_TO", &[s("DAY"), ts("2025-12-09")], "2025-12-09 00:00:00.000");
    check("FLOOR_TO", &[s("MONTH"), date("2025-12-09")], "2025-12-01");
    check("TIMESTAMPDIFF", &[s("MONTH"), date("2025-01-31"), date("2025-12-09")], "10");
    check("TIMESTAMPDIFF", &[s("DAY"), time.clone(), ts("2025-12-08")], "-1");
    check("TIMESTAMPADD", &[s("MONTH"), i(1), date("2025-01-31")], "2025-02-28");
    let minute = Typed(Value::Int(60_000), DataType::IntervalDayTime);
    check("-", &[time.clone(), minute.clone()], "2025-12-09 11:29:07.123");
    check("+", &[date("2025-12-09"), minute], "2025-12-09 00:01:00.000");
    let month = Typed(Value::Int(1), DataType::IntervalYearMonth);
    check("+", &[month, ts("2025-01-31 01:00:00")], "2025-02-28 01:00:00.000");
    check("CURRENT_TIMESTAMP", &[], "2025-12-09 11:30:00.123");
    check("CURRENT_DATE", &[], "2025-12-09");
}
