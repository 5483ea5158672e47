//! Checks and conversions of values that are written to a sink's columns.

use super::*;

fn of_type(text: &str, data_type: DataType) -> Typed {
    Typed(Value::Text(text.into()), data_type)
}

#[test]
fn a_null_for_a_not_null_column_is_named_with_its_row() {
    let row =
        |value: Typed| [value.clone(), s("`a` of `o`"), s("a"), value, s("b"), s("hello"), s("c"), d(1.5)];
    check("$NOT_NULL", &row(i(7)), "7");
    let failed = shown(call("$NOT_NULL", &row(null(DataType::Int))));
    assert!(
        failed.starts_with("!the column `a` of `o` is NOT NULL, and a null is written into it"),
        "{failed}"
    );
    assert!(failed.contains("in the row (a = NULL, b = 'hello', c = '1.5')"), "{failed}");
    assert!(failed.contains("'table.exec.sink.not-null-enforcer' = 'DROP'"), "{failed}");

    let long = [null(DataType::Int), s("`a`"), s("b"), s(&"x".repeat(1_000))];
    assert!(shown(call("$NOT_NULL", &long)).len() < 300);
}

#[test]
fn texts_are_brought_to_the_length_of_their_column() {
    for (text, data_type, fitted) in [
        ("hello", DataType::Varchar(3), "hel"),
        ("h", DataType::Varchar(3), "h"),
        ("học phí", DataType::Char(3), "học"),
        ("h", DataType::Char(3), "h  "),
    ] {
        check("$TRIM_PAD", &[of_type(text, data_type)], fitted);
    }
    let bytes = Typed(Value::Bytes(vec![1]), DataType::Binary(2));
    assert_eq!(call("$TRIM_PAD", &[bytes]).unwrap().0, Value::Bytes(vec![1, 0]));
}

#[test]
fn texts_of_another_length_than_their_column_are_refused() {
    for (text, data_type, outcome) in [
        ("abc", DataType::Varchar(3), "abc"),
        ("", DataType::Varchar(3), ""),
        ("học", DataType::Char(3), "học"),
        (
            "abcd",
            DataType::Varchar(3),
            "!the column `c` is VARCHAR(3), and 4 characters are written into it: 'abcd'",
        ),
        ("ab", DataType::Char(3), "!the column `c` is CHAR(3), and 2 characters are written into it: 'ab'"),
    ] {
        let answer = shown(call("$CHECK_LENGTH", &[of_type(text, data_type), s("`c`")]));
        assert_eq!(answer.split("; ").next(), Some(outcome));
        assert_eq!(answer.contains("'TRIM_PAD' cuts"), outcome.starts_with('!'), "{answer}");
    }
    let bytes = Typed(Value::Bytes(vec![1]), DataType::Binary(2));
    let failed = call("$CHECK_LENGTH", &[bytes, s("`c`")]).unwrap_err();
    assert!(failed.starts_with("the column `c` is BINARY(2), and 1 byte is written into it; "), "{failed}");
}
