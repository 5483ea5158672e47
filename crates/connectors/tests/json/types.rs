//! Values of each JSON type as each column type, as observed in runs of Flink.

use connectors::format::json::{JsonOptions, RecordError, TimestampFormat};
use engine::batch::Encoding::{Coded, Plain, Presence};
use types::DataType::{self, BigInt, Boolean, Double, Float, Int, SmallInt, TinyInt};
use types::Value::{self, Bool, Null, Wide};

use crate::{LENIENT, Reader, leaf, text, value};

fn plain(json: &str, data_type: DataType) -> Value {
    value(json, data_type, Plain)
}

#[test]
fn whole_numbers() {
    let int = |json| plain(json, Int);
    for (json, expected) in [
        ("812", 812),
        ("2.0", 2),
        ("2.7", 2),
        ("-2.7", -2),
        ("1e2", 100),
        ("99999999.995", 99_999_999),
        ("\"12\"", 12),
        ("\" 12 \"", 12),
        ("\"+5\"", 5),
        ("\"\\u0031\"", 1),
        ("2147483647", i64::from(i32::MAX)),
        ("-2147483648", i64::from(i32::MIN)),
        ("-0", 0),
    ] {
        assert_eq!(int(json), Value::Int(expected), "{json}");
    }

    for json in [
        "2147483648",
        "3000000000",
        "3e9",
        "\"3.5\"",
        "\"1.5\"",
        "\"x\"",
        "\"\"",
        "true",
        "{}",
        "[1]",
        "{\"k\":[1,2]}",
        "null",
        "12345678901234567890123",
    ] {
        assert_eq!(int(json), Null, "{json}");
    }

    assert_eq!(plain("9223372036854775807", BigInt), Value::Int(i64::MAX));
    assert_eq!(plain("9223372036854775808", BigInt), Null);
    assert_eq!(plain("1234567890123456789", BigInt), Value::Int(1_234_567_890_123_456_789));
    assert_eq!(plain("128", TinyInt), Null);
    assert_eq!(plain("-128", TinyInt), Value::Int(-128));

    for narrow in [TinyInt, SmallInt] {
        for json in ["2.0", "2.5", "1e2", "\"2.0\"", "1e0"] {
            assert_eq!(plain(json, narrow.clone()), Null, "{json} into {narrow}");
        }
        for json in ["5", "\"5\"", "\" 5 \"", "\"+5\""] {
            assert_eq!(plain(json, narrow.clone()), Value::Int(5), "{json} into {narrow}");
        }
    }
}

#[test]
fn doubles() {
    let double = |json| plain(json, Double);
    for (json, expected) in [
        ("812", 812.0),
        ("2.7", 2.7),
        ("1e2", 100.0),
        ("\"12\"", 12.0),
        ("\" 12 \"", 12.0),
        ("\"3.5\"", 3.5),
        ("\"1e3\"", 1000.0),
        ("3000000000", 3e9),
        ("12345678901234567890123", 1.234_567_890_123_456_8e22),
        ("1e400", f64::INFINITY),
        ("\"-Infinity\"", f64::NEG_INFINITY),
        ("0.1234567890123456789", 0.123_456_789_012_345_68),
        ("5e-324", 5e-324),
    ] {
        assert_eq!(double(json), Value::Double(expected), "{json}");
    }

    assert!(matches!(double("\"NaN\""), Value::Double(nan) if nan.is_nan()));
    assert!(matches!(double("-0.0"), Value::Double(zero) if zero.to_bits() == (-0.0f64).to_bits()));
    for json in ["\"x\"", "\"\"", "\"nan\"", "\"inf\"", "\"+-1\"", "true", "{}", "[]", "null"] {
        assert_eq!(double(json), Null, "{json}");
    }
    assert_eq!(plain("0.1", Float), Value::Double(f64::from(0.1f32)));
}

#[test]
fn texts() {
    for encoding in [Plain, Coded] {
        let string = |json| value(json, DataType::STRING, encoding);
        for (json, expected) in [
            ("\"x\"", "x"),
            ("\"\"", ""),
            ("\"\\u0110\\u00e0 \\\"N\\u1eb5ng\\\"\"", "Đà \"Nẵng\""),
            ("\"\\ud800\"", "?"),
            ("\"\\u0000\"", "\0"),
            ("\"a\tb\u{1}\"", "a\tb\u{1}"),
            ("812", "812"),
            ("1.50", "1.50"),
            ("1e5", "1e5"),
            ("true", "true"),
            ("{ \"k\" : [ 1 , 2 ] }", "{\"k\":[1,2]}"),
            ("{\"b\":2.50}", "{\"b\":2.5}"),
            ("[\"\\u0041\\n\", null, {}]", "[\"A\\n\",null,{}]"),
        ] {
            assert_eq!(string(json), text(expected), "{json}");
        }
        assert_eq!(string("null"), Null);
        // The format ignores the declared length.
        assert_eq!(value("\"long\"", DataType::Varchar(2), encoding), text("long"));
    }
}

#[test]
fn booleans_are_false_unless_true() {
    for json in ["true", "\"true\"", "\"TRUE\"", "\"True\""] {
        assert_eq!(plain(json, Boolean), Bool(true), "{json}");
    }
    for json in ["false", "1", "0", "\"yes\"", "\"\"", "812", "{}", "[]", "[true]", "[\"1\"]", "{\"a\":1}"] {
        assert_eq!(plain(json, Boolean), Bool(false), "{json}");
    }
    assert_eq!(plain("null", Boolean), Null);
}

#[test]
fn decimals() {
    let decimal = |json| plain(json, DataType::Decimal { precision: 5, scale: 2 });
    assert_eq!(decimal("1.005"), Wide(101));
    assert_eq!(decimal("1e2"), Wide(10_000));
    assert_eq!(decimal("\"1e2\""), Wide(10_000));
    assert_eq!(decimal("-7"), Wide(-700));
    for json in ["1000", "1e3", "\"x\"", "true", "{}", "null"] {
        assert_eq!(decimal(json), Null, "{json}");
    }
}

#[test]
fn times() {
    let noon = 1_765_279_800_123i64;
    let timestamp = |json: &str| plain(json, DataType::Timestamp(3));
    assert_eq!(timestamp("\"2025-12-09 11:30:00.123456\""), Value::Int(noon));
    assert_eq!(timestamp("\"2025-12-09 11:30:00.\""), Value::Int(noon - 123));
    assert_eq!(plain("\"1969-12-31 23:59:59.5\"", DataType::Timestamp(3)), Value::Int(-500));
    assert_eq!(
        plain("\"2025-12-09 11:30:00.123456789\"", DataType::Timestamp(9)),
        Wide(i128::from(noon) * 1_000_000 + 456_789)
    );

    for json in [
        "\"2025-12-09T11:30:00\"",
        "\"2025-12-09\"",
        "\"2025-02-29 11:30:00\"",
        "\"2025-12-09 24:00:00\"",
        "\"2025-12-09 23:59:60\"",
        "\"2025-12-09 11:30:00.1234567890\"",
        "\"2025-12-09 11:30:00Z\"",
        "\" 2025-12-09 11:30:00\"",
        "\"2025-1-9 1:3:0\"",
        "\"nope\"",
        "\"\"",
        "812",
        "null",
    ] {
        assert_eq!(timestamp(json), Null, "{json}");
    }

    let zoned = |json: &str| plain(json, DataType::TimestampLtz(3));
    assert_eq!(zoned("\"2025-12-09 11:30:00.123Z\""), Value::Int(noon));
    assert_eq!(zoned("\"2025-12-09 11:30:00.123\""), Null);
    assert_eq!(plain("\"1970-01-02\"", DataType::Date), Value::Int(1));
    assert_eq!(plain("\"2025-2-1\"", DataType::Date), Null);
    assert_eq!(plain("\"00:01:00.5\"", DataType::Time(0)), Value::Int(60_000));
}

#[test]
fn times_of_iso_8601() {
    let options = JsonOptions { timestamp_format: TimestampFormat::Iso8601, ..LENIENT };
    let requests = [leaf("t", DataType::Timestamp(3), Plain), leaf("z", DataType::TimestampLtz(3), Plain)];
    let mut reader = Reader::new(&requests, options);
    let mut read = |json: &str| reader.row(format!("{{\"t\":\"{json}\",\"z\":\"{json}\"}}").as_bytes());
    assert_eq!(read("2025-12-09T11:30:00.5"), [Value::Int(1_765_279_800_500), Null]);
    assert_eq!(read("2025-12-09T11:30"), [Value::Int(1_765_279_800_000), Null]);
    assert_eq!(read("2025-12-09T11:30:00Z"), [Null, Value::Int(1_765_279_800_000)]);
    for json in ["2025-12-09 11:30:00", "2025-12-09T11:30:00+07:00", "2025-12-09t11:30:00", "2025-12-09T11"] {
        assert_eq!(read(json), [Null, Null], "{json}");
    }
}

#[test]
fn bytes_are_base64() {
    assert_eq!(plain("\"Zm9v\"", DataType::BYTES), Value::Bytes(b"foo".to_vec()));
    assert_eq!(plain("\"?\"", DataType::BYTES), Null);
    assert_eq!(plain("812", DataType::BYTES), Null);
}

#[test]
fn presence_follows_the_rules_of_the_type() {
    for json in ["\"x\"", "\"\"", "\"\\u0110\"", "\"Đà\"", "1", "true", "{}", "[]"] {
        assert_eq!(value(json, DataType::STRING, Presence), Bool(true), "{json}");
    }
    assert_eq!(value("null", DataType::STRING, Presence), Null);
    assert_eq!(value("\"12\"", Int, Presence), Bool(true));
    assert_eq!(value("\"x\"", Int, Presence), Null);
    assert_eq!(value("false", Boolean, Presence), Bool(true));
}

#[test]
fn rows_of_another_type_are_null_and_nothing_else() {
    let requests = [leaf("r.a", Int, Plain), leaf("r.s.b", Int, Plain), leaf("c", Int, Plain)];
    let mut reader = Reader::new(&requests, LENIENT);
    let one = Value::Int(1);
    for json in ["812", "\"x\"", "\"\"", "[1,2]", "[{\"a\":1}]", "true", "null", "{}"] {
        let record = format!("{{\"r\":{json},\"c\":1}}");
        assert_eq!(reader.row(record.as_bytes()), [Null, Null, one.clone()], "{json}");
    }
    // A scalar in place of an object: the fields after it are kept.
    let row = reader.row(br#"{"r":{"a":{"x":[1,{}]},"s":{"b":1}},"c":1}"#);
    assert_eq!(row, [Null, one.clone(), one]);
}

#[test]
fn wrong_types_are_counted_by_leaf() {
    let requests = [leaf("r.a", Int, Plain), leaf("r.b", Int, Plain), leaf("c", Boolean, Plain)];
    let mut reader = Reader::new(&requests, LENIENT);
    reader.row(br#"{"r":{"a":"x","b":null},"c":"yes"}"#);
    reader.row(br#"{"r":[],"c":{}}"#);
    reader.row(br#"{"r":null}"#);
    assert_eq!(reader.decoder.type_errors().collect::<Vec<_>>(), [2, 1, 0]);
}

#[test]
fn errors_fail_the_job_where_they_are_not_ignored() {
    let requests = [leaf("r.a", Int, Plain)];
    let mut reader = Reader::new(&requests, JsonOptions::default());
    let mut fatal = |record: &str| match reader.read(record.as_bytes()) {
        Err(RecordError::Fatal(message)) => message,
        other => panic!("{record}: {other:?}"),
    };
    assert_eq!(fatal(r#"{"r":{"a":"x"}}"#), "field `r.a` is INT, but the value at byte 10 is \"x\"");
    assert_eq!(fatal(r#"{"r":5}"#), "field `r.a` is INT, but the value at byte 5 is 5");
    assert_eq!(fatal(r#"{"r" 1}"#), "malformed: expected `:` at byte 5, near `{\"r\" 1}`");
    fatal("5");
    fatal("[1,2]");
    assert_eq!(reader.row(br#"{"r":{"a":null}}"#), [Null]);
    assert_eq!(reader.rejected(b""), "malformed: the record is empty");
}
