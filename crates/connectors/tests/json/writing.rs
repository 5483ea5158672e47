//! JSON text of results.

use connectors::format::json::write::{write_scalar, write_string, write_value};
use connectors::format::json::{DecimalFormat, WriteOptions};
use types::{DataType, Scalar};

fn written(value: Scalar<'_>, data_type: DataType) -> String {
    let mut out = Vec::new();
    write_scalar(&mut out, value, &data_type);
    String::from_utf8(out).expect("JSON is UTF-8")
}

#[test]
fn doubles_are_written_as_java_writes_them() {
    for (value, expected) in [
        (812.0, "812.0"),
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1240.55, "1240.55"),
        (-2.5, "-2.5"),
        (0.001, "0.001"),
        (0.0009, "9.0E-4"),
        (1e-4, "1.0E-4"),
        (0.012_34, "0.01234"),
        (9_999_999.0, "9999999.0"),
        (9_999_999.5, "9999999.5"),
        (1e7, "1.0E7"),
        (12_345_678.9, "1.23456789E7"),
        (1e100, "1.0E100"),
        (1.5e-300, "1.5E-300"),
        (f64::MAX, "1.7976931348623157E308"),
        (f64::NAN, "\"NaN\""),
        (f64::INFINITY, "\"Infinity\""),
        (f64::NEG_INFINITY, "\"-Infinity\""),
    ] {
        assert_eq!(written(Scalar::Double(value), DataType::Double), expected);
        if value.is_finite() {
            assert_eq!(expected.parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
    }

    assert_eq!(written(Scalar::Double(f64::from(0.1f32)), DataType::Float), "0.1");
}

#[test]
fn doubles_read_back_as_the_same() {
    let mut bits = 1u64;
    for _ in 0..20_000 {
        bits = bits.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        let value = f64::from_bits(bits ^ bits >> 29);
        if value.is_finite() {
            let text = written(Scalar::Double(value), DataType::Double);
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits(), "{text}");
        }
    }
}

#[test]
fn texts_are_escaped_where_json_needs_it() {
    let mut out = Vec::new();
    write_string(&mut out, "Đà \"N\\ẵng\"\n\t\r\u{8}\u{c}\u{1f}\u{7f}/");
    assert_eq!(String::from_utf8(out).unwrap(), "\"Đà \\\"N\\\\ẵng\\\"\\n\\t\\r\\b\\f\\u001F\u{7f}/\"");
}

#[test]
fn decimals_are_written_as_big_decimal_writes_them_unless_plain_ones_are_asked_for() {
    for (unscaled, scale, scientific, plain) in [
        (1_000_000, 4, "1E+2", "100.0000"),
        (0, 4, "0", "0.0000"),
        (15_000, 4, "1.5", "1.5000"),
        (120_000, 4, "12", "12.0000"),
        (-1_000_000, 4, "-1E+2", "-100.0000"),
        (1, 4, "0.0001", "0.0001"),
        (10, 4, "0.001", "0.0010"),
        (1_234_567_000, 4, "123456.7", "123456.7000"),
        (100_000, 4, "1E+1", "10.0000"),
        (120_000_000_000, 0, "1.2E+11", "120000000000"),
        (1, 8, "1E-8", "0.00000001"),
        (12, 8, "1.2E-7", "0.00000012"),
        (100, 8, "0.000001", "0.00000100"),
        (-12_345, 2, "-123.45", "-123.45"),
    ] {
        let data_type = DataType::Decimal { precision: 38, scale };
        for (decimals, expected) in [(DecimalFormat::Scientific, scientific), (DecimalFormat::Plain, plain)] {
            let mut out = Vec::new();
            let options = WriteOptions { decimals, ..WriteOptions::default() };
            write_value(&mut out, Scalar::Wide(unscaled), &data_type, &options);
            assert_eq!(String::from_utf8(out).expect("JSON is UTF-8"), expected, "{decimals:?}");
        }
    }
}

#[test]
fn other_types() {
    assert_eq!(written(Scalar::Null, DataType::Int), "null");
    assert_eq!(written(Scalar::Bool(true), DataType::Boolean), "true");
    assert_eq!(written(Scalar::Int(i64::MIN), DataType::BigInt), "-9223372036854775808");
    assert_eq!(written(Scalar::Int(0), DataType::Int), "0");
    let decimal = |scale| DataType::Decimal { precision: 10, scale };
    assert_eq!(written(Scalar::Wide(-5), decimal(2)), "-0.05");
    assert_eq!(written(Scalar::Wide(12_345), decimal(2)), "123.45");
    assert_eq!(written(Scalar::Wide(7), decimal(0)), "7");
    assert_eq!(written(Scalar::Bytes(b"foob"), DataType::BYTES), "\"Zm9vYg==\"");
    assert_eq!(written(Scalar::Int(20_431), DataType::Date), "\"2025-12-09\"");
    assert_eq!(written(Scalar::Int(3_661_500), DataType::Time(3)), "\"01:01:01.5\"");
    let noon = 1_765_279_800_000i64;
    assert_eq!(written(Scalar::Int(noon), DataType::Timestamp(3)), "\"2025-12-09 11:30:00\"");
    assert_eq!(written(Scalar::Int(noon + 120), DataType::TimestampLtz(3)), "\"2025-12-09 11:30:00.12Z\"");
    let nanos = i128::from(noon) * 1_000_000 + 1;
    assert_eq!(written(Scalar::Wide(nanos), DataType::Timestamp(9)), "\"2025-12-09 11:30:00.000000001\"");
    assert_eq!(written(Scalar::Int(-1), DataType::Timestamp(3)), "\"1969-12-31 23:59:59.999\"");
}
