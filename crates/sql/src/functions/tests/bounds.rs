//! No value exceeds the length limit, and a row that would fails before the memory is allocated.

use super::super::MAX_VALUE_BYTES;
use super::*;

const TOO_LONG: &str = "is too long: a value has at most 8 MiB";

#[track_caller]
fn is_refused(name: &str, args: &[Typed]) {
    match call(name, args) {
        Err(message) => assert!(message.contains(TOO_LONG), "{name}: {message}"),
        Ok(Typed(value, _)) => panic!("{name} gave {} bytes", format!("{value:?}").len()),
    }
}

fn long(unit: &str, times: usize) -> Typed {
    s(&unit.repeat(times))
}

#[test]
fn functions_that_make_long_values_fail_the_row() {
    let million = long("x", 1_000_000);
    is_refused("REPLACE", &[million.clone(), s("x"), long("y", 10_000)]);
    is_refused("REPLACE", &[million.clone(), s(""), long("y", 10_000)]);
    is_refused("REGEXP_REPLACE", &[million.clone(), s("x"), long("y", 10_000)]);
    is_refused("REGEXP_REPLACE", &[million.clone(), s(""), long("y", 10_000)]);
    is_refused("||", &vec![million.clone(); 90]);
    is_refused("CONCAT_WS", &vec![million.clone(); 90]);
    is_refused("CONCAT_WS", &[long(",", 9_000_000), s("a"), s("b"), s("c")]);
    is_refused("REPEAT", &[million.clone(), i(9)]);
    is_refused("REPEAT", &[s("x"), big(i64::MAX)]);
    is_refused("LPAD", &[s("x"), i(i32::MAX.into()), s("y")]);
    is_refused("RPAD", &[s("x"), i(8_388_609), s("y")]);
    is_refused("OVERLAY", &[long("x", 9_000_000), long("y", 9_000_000), i(9_000_000), i(0)]);
    is_refused("TO_BASE64", &[long("x", 14_000_000)]);
    is_refused("HEX", &[long("x", 9_000_000)]);
    is_refused("URL_ENCODE", &[long("%", 6_000_000)]);
    is_refused("UPPER", &[long("\u{1f52}", 4_000_000)]);
    check("CHAR_LENGTH", &[call("REPEAT", &[million, i(8)]).unwrap()], "8000000");
}

#[test]
fn casts_that_make_long_values_fail_the_row() {
    let longest = MAX_VALUE_BYTES as u32;
    let bytes = Typed(Value::Bytes(vec![0]), DataType::BYTES);

    for (value, to) in [
        (s("x"), DataType::Char(1_000_000_000)),
        (s("x"), DataType::Char(longest + 1)),
        (bytes.clone(), DataType::Binary(2_000_000_000)),
        (bytes, DataType::Binary(longest + 1)),
    ] {
        for mode in [CastMode::Strict, CastMode::Try] {
            let outcome = convert(&value, to.clone(), mode);
            let refused = matches!(&outcome, Err(message) if message.contains(TOO_LONG));
            assert!(refused || mode == CastMode::Try && outcome == Ok(Value::Null), "{to}");
        }
    }

    assert!(convert(&s("x"), DataType::Char(longest), CastMode::Strict).is_ok());
    assert_eq!(
        convert(&s("xyz"), DataType::Varchar(1_000_000_000), CastMode::Strict),
        Ok(Value::Text("xyz".into()))
    );
}
