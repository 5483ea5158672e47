//! Whatever is given to a function of SQL: a value or an error, never a panic.

use bolero::check;
use fuzz::time;
use sql::functions::{Argument, Env, Output, ScalarCall, all};
use types::{ColumnType, DataType, Value};

/// Types, each with the values that a generator picks from, beside the random ones.
fn argument(kind: u8, number: i64, text: &str) -> (ColumnType, Value) {
    let corner = [0, 1, -1, i64::MAX, i64::MIN, number][usize::from(kind / 16) % 6];
    match kind % 8 {
        0 => (DataType::BigInt.nullable(), Value::Int(corner)),
        1 => (DataType::Int.nullable(), Value::Int(i64::from(corner as i32))),
        2 => (DataType::Double.nullable(), Value::Double(f64::from_bits(corner as u64))),
        3 => (DataType::Decimal { precision: 20, scale: 2 }.nullable(), Value::Wide(i128::from(corner))),
        // Years 0 to 9999, which is all that a timestamp can be.
        4 => (
            DataType::Timestamp(3).nullable(),
            Value::Int(corner.rem_euclid(315_569_520_000_000) - 62_167_219_200_000),
        ),
        5 => (DataType::Boolean.nullable(), Value::Bool(corner & 1 == 1)),
        _ => {
            const TEXTS: [&str; 8] = [
                "",
                "yyyy-MM-dd HH:mm:ss.SSS",
                "2025-12-09 11:30:00.123",
                "(a+)+b",
                "$.a[0].b",
                "%_\\",
                "UTC",
                "ữ🙂\u{0}",
            ];
            let text = TEXTS.get(usize::from(kind / 8)).copied().unwrap_or(text);
            (DataType::STRING.nullable(), Value::Text(text.chars().take(200).collect()))
        }
    }
}

#[test]
fn call() {
    check!().with_type::<(u16, Vec<(u8, i64)>, String, bool)>().with_test_time(time()).for_each(
        |(which, given, text, are_literals)| {
            let function = all()[usize::from(*which) % all().len()];
            let given: Vec<_> =
                given.iter().take(5).map(|(kind, number)| argument(*kind, *number, text)).collect();
            let arguments: Vec<_> = given
                .iter()
                .map(|(column_type, value)| Argument { column_type, literal: are_literals.then_some(value) })
                .collect();
            let Ok(signature) = (function.signature)(&arguments) else { return };
            // The binder would cast; here only calls that need none go on.
            let fits = signature
                .args
                .iter()
                .zip(&given)
                .all(|(wanted, (had, _))| wanted.repr() == had.data_type.repr());
            let time_zone = jiff_zone();
            let call = ScalarCall { args: &arguments, result: &signature.result, time_zone: &time_zone };
            if let (true, Ok(code)) = (fits, (function.prepare)(&call)) {
                let scalars: Vec<_> = given.iter().map(|(_, value)| value.as_scalar()).collect();
                let mut output = Output::default();
                let _ = code(&Env { now_ms: 1_765_279_800_000 }, &scalars, &mut output);
                let _ = output.get();
            }
        },
    );
}

fn jiff_zone() -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::get("Asia/Ho_Chi_Minh").expect("the zones are compiled in")
}
