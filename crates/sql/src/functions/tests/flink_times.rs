//! Answers about times observed on Flink 2.3.0.

use types::{DataType, Value};

use super::super::zone::zone;
use super::*;
use crate::expr::CastMode::{Strict, Try};

/// Parses a `TIMESTAMP(3)`.
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
    assert_eq!(convert(&ts("2025-12-09 11:30:01.9"), DataType::Time(0), Strict), Ok(Value::Int(41_401_000)));
    assert_eq!(convert(&ts("2025-12-09 11:30:01.9"), DataType::Time(3), Strict), Ok(Value::Int(41_401_900)));
    assert_eq!(convert(&s("11:30:01.9"), DataType::Time(0), Strict), Ok(Value::Int(41_401_000)));
    let time = Typed(Value::Int(41_401_900), DataType::Time(3));
    assert_eq!(convert(&time, DataType::Time(0), Strict), Ok(Value::Int(41_401_000)));
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

    check(
        "TO_TIMESTAMP_LTZ",
        &[s("nope")],
        "!Text 'nope' could not be parsed; TRY_CAST(… AS TIMESTAMP_LTZ(3)) gives NULL instead",
    );

    for zone in ["+07:00", "GMT+07:00", "Asia/Ho_Chi_Minh"] {
        let args = [s("2025-12-09 11:30:00"), s("yyyy-MM-dd HH:mm:ss"), s(zone)];
        check("TO_TIMESTAMP_LTZ", &args, "2025-12-09 04:30:00.000");
    }

    check("TO_TIMESTAMP_LTZ", &[big(60), i(0)], "1970-01-01 00:01:00.000");
    for (digits, text) in [
        (0, "2009-02-13 23:31:31.000"),
        (1, "1973-11-29 21:33:09.100"),
        (2, "1970-05-23 21:21:18.910"),
        (4, "1970-01-02 10:17:36.7891"),
        (6, "1970-01-01 00:20:34.567891"),
        (9, "1970-01-01 00:00:01.234567891"),
    ] {
        check("TO_TIMESTAMP_LTZ", &[big(1_234_567_891), i(digits)], text);
    }

    check("TO_TIMESTAMP_LTZ", &[big(-1), i(6)], "1969-12-31 23:59:59.999999");
    check("TO_TIMESTAMP_LTZ", &[big(253_402_300_799_999_999), i(6)], "9999-12-31 23:59:59.999999");
    check("TO_TIMESTAMP_LTZ", &[big(253_402_300_800_000_000), i(6)], "NULL");
    assert!(call("TO_TIMESTAMP_LTZ", &[big(5), i(10)]).is_err());

    for (args, text) in [
        (vec![d(-0.5)], "1969-12-31 23:59:59.999"),
        (vec![d(-0.5), i(0)], "1969-12-31 23:59:59.500"),
        (vec![m("-0.5"), i(0)], "1970-01-01 00:00:00.000"),
        (vec![d(1.23456789), i(0)], "1970-01-01 00:00:01.234"),
        (vec![m("1.9")], "1970-01-01 00:00:00.001"),
        (vec![d(-1234567.9), i(6)], "1969-12-31 23:59:58.765432"),
        (vec![m("-1.9"), i(6)], "1969-12-31 23:59:59.999999"),
    ] {
        check("TO_TIMESTAMP_LTZ", &args, text);
    }

    let six = [s("2025-12-09T11:30:00.123456"), s("yyyy-MM-dd'T'HH:mm:ss.SSSSSS")];
    check("TO_TIMESTAMP_LTZ", &six, "2025-12-09 11:30:00.123456");
    assert_eq!(call("TO_TIMESTAMP_LTZ", &six).unwrap().1, DataType::TimestampLtz(6));
    check("TO_TIMESTAMP", &six, "2025-12-09 11:30:00.123");
    let optional = [s("2025-12-09 11:30:00.123456"), s("yyyy-MM-dd HH:mm:ss[.SSSSSS]")];
    check("TO_TIMESTAMP_LTZ", &optional, "2025-12-09 11:30:00.123");
    check("TO_DATE", &[s("12")], "0012-01-01");
    assert!(shown(call("TO_DATE", &[s("2147483648")])).starts_with('!'));
    check("UNIX_TIMESTAMP", &[s("nope")], "-9223372036854775808");
    check("UNIX_TIMESTAMP", &[s("1970-01-01 00:01:00")], "60");
    check("UNIX_TIMESTAMP", &[], "1765279800");

    for (name, wall, seconds, utc) in [
        ("America/New_York", "2025-11-02 01:30:00", "1762065000", "2025-11-02 06:30:00"),
        ("America/New_York", "2025-03-09 02:30:00", "1741505400", "2025-03-09 07:30:00"),
        ("Europe/Berlin", "2025-10-26 02:30:00", "1761442200", "2025-10-26 01:30:00"),
        ("Europe/Berlin", "2025-03-30 02:30:00", "1743298200", "2025-03-30 01:30:00"),
    ] {
        assert_eq!(shown(call_in(&zone(name).unwrap(), "UNIX_TIMESTAMP", &[s(wall)])), seconds);
        check("CONVERT_TZ", &[s(wall), s(name), s("UTC")], utc);
    }

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

    for (unit, time, ceil) in [
        ("MONTH", "2025-12-01 10:00:00", "2025-12-01"),
        ("WEEK", "2025-12-07 10:00:00", "2025-12-07"),
        ("WEEK", "2025-12-01 10:00:00", "2025-12-07"),
        ("QUARTER", "2025-01-01 10:00:00.123", "2025-01-01"),
        ("YEAR", "2025-01-01 10:00:00.123", "2025-01-01"),
        ("YEAR", "2025-12-09 11:30:07", "2026-01-01"),
        ("DAY", "2025-12-01 10:00:00", "2025-12-02"),
        ("DECADE", "1970-01-01 00:00:00", "1980-01-01"),
        ("CENTURY", "2001-01-01 05:00:00", "2101-01-01"),
        ("MILLENNIUM", "2000-01-01 05:00:00", "2001-01-01"),
    ] {
        check("CEIL_TO", &[s(unit), ts(time)], &format!("{ceil} 00:00:00.000"));
    }

    for (unit, day, ceil) in [
        ("DAY", "2021-02-27", "2021-02-28"),
        ("HOUR", "2025-12-01", "2025-12-01"),
        ("MONTH", "2025-12-01", "2025-12-01"),
        ("WEEK", "1969-12-31", "1970-01-04"),
        ("DECADE", "1970-01-01", "1980-01-01"),
        ("DECADE", "1969-12-31", "1970-01-01"),
        ("CENTURY", "2000-01-01", "2001-01-01"),
    ] {
        check("CEIL_TO", &[s(unit), date(day)], ceil);
    }

    check("TIMESTAMPDIFF", &[s("MONTH"), date("2025-01-31"), date("2025-12-09")], "10");
    for (from, to, months, back) in [
        ("2018-03-01 21:00:01", "2018-03-01 20:00:00", "-1", "0"),
        ("2018-03-01 21:00:01", "2018-02-01 20:00:00", "-2", "1"),
        ("2018-03-01 21:00:01", "2018-02-01 22:00:00", "-1", "0"),
        ("2018-03-31 21:00:01", "2018-02-28 20:00:00", "-2", "1"),
        ("2018-03-31 21:00:01", "2018-02-28 22:00:00", "-1", "1"),
        ("2018-03-31 21:00:01", "2017-12-31 20:00:00", "-4", "3"),
        ("2018-03-31 21:00:01", "2017-03-31 20:00:00", "-13", "12"),
        ("2018-03-15 20:00:00", "2018-02-10 21:00:00", "-1", "1"),
        ("2018-01-31 10:00:00", "2018-02-28 09:00:00", "0", "-1"),
    ] {
        check("TIMESTAMPDIFF", &[s("MONTH"), ts(from), ts(to)], months);
        check("TIMESTAMPDIFF", &[s("MONTH"), ts(to), ts(from)], back);
    }

    check("TIMESTAMPDIFF", &[s("YEAR"), ts("2018-03-31 21:00:01"), ts("2017-03-31 20:00:00")], "-1");
    check("TIMESTAMPDIFF", &[s("QUARTER"), ts("2018-03-01 21:00:01"), ts("2018-03-01 20:00:00")], "0");
    check("TIMESTAMPDIFF", &[s("DAY"), time.clone(), ts("2025-12-08")], "-1");
    check("TIMESTAMPADD", &[s("MONTH"), i(1), date("2025-01-31")], "2025-02-28");
    let minute = Typed(Value::Int(60_000), DataType::IntervalDayTime);
    check("-", &[time.clone(), minute.clone()], "2025-12-09 11:29:07.123");
    check("+", &[date("2025-12-09"), minute], "2025-12-09");

    for (hours, day) in [(1, "2021-02-27"), (36, "2021-02-28"), (-1, "2021-02-27"), (-36, "2021-02-26")] {
        let interval = Typed(Value::Int(hours * 3_600_000), DataType::IntervalDayTime);
        check("+", &[date("2021-02-27"), interval], day);
    }

    check("TIMESTAMPADD", &[s("HOUR"), i(1), date("2021-02-27")], "2021-02-27 01:00:00.000000");
    check("TIMESTAMPADD", &[s("SECOND"), i(-1), date("2021-02-27")], "2021-02-26 23:59:59.000000");
    let month = Typed(Value::Int(1), DataType::IntervalYearMonth);
    check("+", &[month, ts("2025-01-31 01:00:00")], "2025-02-28 01:00:00.000");
    check("CURRENT_TIMESTAMP", &[], "2025-12-09 11:30:00.123");
    check("CURRENT_DATE", &[], "2025-12-09");
}
