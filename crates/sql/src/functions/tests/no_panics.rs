//! No function or cast panics on any input, and each result has the physical form of its type.

use types::{Field, Repr, Scalar, Value};

use super::super::{ScalarFunction, all};
use super::*;

/// A small deterministic random number generator.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn next(&mut self) -> u64 {
        // xorshift64*, Vigna 2016.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub(super) fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// Returns an integer that is often an edge case.
    pub(super) fn any_int(&mut self) -> i64 {
        match self.below(4) {
            0 => self.pick(&[0, 1, -1, 9, i64::MAX, i64::MIN, i64::MIN + 1, 1 << 31, 60_000, 20_000]),
            1 => self.next() as i64,
            2 => (self.next() >> self.below(63)) as i64,
            _ => (self.next() % 200) as i64 - 100,
        }
    }

    fn any_text(&mut self) -> String {
        const TEXTS: [&str; 40] = [
            "",
            " ",
            "a",
            "abc",
            "học phí",
            "İ",
            "😀",
            "a😀b",
            "\u{85}",
            "12",
            "-12.9",
            "1e3",
            "1e400",
            "1e-400",
            "NaN",
            "99999999999999999999999999999999999999999",
            "2025-12-09 11:30:00.123",
            "2025-12-09T11:30:00Z",
            "2147483648",
            "-",
            "+",
            ".",
            "%",
            "_",
            "a%b_",
            "\\",
            "(",
            "a(b",
            "[a-z&&[^b]]",
            "(?i)x{2,}",
            "$",
            "^",
            "yyyy-MM-dd",
            "[HH]:mm''",
            "YYYY ww GGG",
            "UTC",
            "+07:00",
            "{\"a\": [1, {}]}",
            "$.a[0]",
            "11:30:00.5+01:00",
        ];

        let mut text = self.pick(&TEXTS).to_owned();
        if self.below(3) == 0 {
            text.push_str(self.pick(&TEXTS));
        }
        text
    }

    fn any_type(&mut self) -> DataType {
        use DataType::*;
        let digits = self.below(10) as u8;
        let precision = 1 + self.below(38) as u8;

        let types = [
            Boolean,
            TinyInt,
            SmallInt,
            Int,
            BigInt,
            Float,
            Double,
            DataType::STRING,
            DataType::STRING,
            DataType::BYTES,
            Decimal { precision, scale: self.below(usize::from(precision) + 1) as u8 },
            Char(1 + self.below(5) as u32),
            Varchar(1 + self.below(5) as u32),
            Binary(3),
            Varbinary(3),
            Date,
            Time(digits.min(3)),
            Timestamp(digits),
            TimestampLtz(digits),
            IntervalYearMonth,
            IntervalDayTime,
            Null,
        ];

        if self.below(4) > 0 {
            return self.pick(&types);
        }
        let inside = |random: &mut Random| Box::new(random.pick(&types[..20]).nullable());
        match self.below(4) {
            0 => Map(inside(self), inside(self)),
            1 => Row(["a", "b"].map(|name| Field { name: name.into(), column_type: *inside(self) }).into()),
            2 => Multiset(inside(self)),
            _ => Array(inside(self)),
        }
    }

    /// Returns the parts of a nested value.
    fn any_inside(&mut self, of: &DataType) -> Vec<Value> {
        let count = self.below(4);
        match of {
            DataType::Row(fields) => {
                fields.iter().map(|field| self.any_value(&field.column_type.data_type)).collect()
            }
            DataType::Array(of) => (0..count).map(|_| self.any_value(&of.data_type)).collect(),
            DataType::Map(key, value) => (0..count)
                .flat_map(|_| [self.any_value(&key.data_type), self.any_value(&value.data_type)])
                .collect(),
            DataType::Multiset(of) => {
                (0..count).flat_map(|_| [self.any_value(&of.data_type), Value::Int(2)]).collect()
            }
            _ => vec![],
        }
    }

    fn any_value(&mut self, of: &DataType) -> Value {
        if self.below(12) == 0 {
            return Value::Null;
        }
        match of.repr() {
            None => Value::Null,
            Some(Repr::Bool) => Value::Bool(self.below(2) == 0),
            Some(Repr::Int) => Value::Int(self.any_int()),
            Some(Repr::Double) => {
                let edges =
                    [0.0, -0.0, 0.5, -2.5, 1e300, -1e300, 5e-324, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
                let value =
                    if self.below(2) == 0 { self.pick(&edges) } else { self.any_int() as f64 / 100.0 };
                Value::Double(if *of == DataType::Float { f64::from(value as f32) } else { value })
            }
            Some(Repr::Wide) => Value::Wide(match self.below(4) {
                0 => self.pick(&[0, 1, -1, i128::MAX, i128::MIN, 10i128.pow(38) - 1]),
                _ => i128::from(self.any_int()) * i128::from(self.any_int()),
            }),
            Some(Repr::Text) => Value::Text(self.any_text()),
            Some(Repr::Bytes) if of.is_nested() => {
                let inside = self.any_inside(of);
                let inside: Vec<Scalar<'_>> = inside.iter().map(Value::as_scalar).collect();
                let mut bytes = Vec::new();
                types::nested::write_list(&inside, &mut bytes);
                Value::Bytes(bytes)
            }
            Some(Repr::Bytes) => Value::Bytes(self.any_text().into_bytes()),
        }
    }
}

fn has_form(value: &Value, of: &DataType) -> bool {
    let form = match value {
        Value::Null => return true,
        Value::Bool(_) => Repr::Bool,
        Value::Int(_) => Repr::Int,
        Value::Double(_) => Repr::Double,
        Value::Wide(_) => Repr::Wide,
        Value::Text(_) => Repr::Text,
        Value::Bytes(_) => Repr::Bytes,
    };
    of.repr() == Some(form)
}

/// Returns an argument for a function. Random arguments rarely fit, so keywords and types from the function
/// are tried often.
fn any_argument(random: &mut Random, function: &ScalarFunction, before: &[Typed]) -> Typed {
    const WORDS: [&str; 8] = ["MONTH", "HOUR", "DOW", "WEEK", "BOTH", "CENTURY", "DEFAULT", "EPOCH"];
    if function.doc.contains('\'') && random.below(6) == 0 {
        return s(random.pick(&WORDS));
    }
    if before.is_empty() && function.name.starts_with("ARRAY_") {
        let of = DataType::Array(Box::new(random.pick(&[DataType::Int, DataType::STRING]).nullable()));
        return Typed(random.any_value(&of), of);
    }
    let of = match (before.last(), random.below(3)) {
        // Several functions take values of one type, or an array and an element.
        (Some(Typed(_, DataType::Array(element))), 0) => element.data_type.clone(),
        (Some(Typed(_, of)), 1) => of.clone(),
        _ => random.any_type(),
    };
    Typed(random.any_value(&of), of)
}

#[test]
fn any_call_ends_in_a_value_of_its_type_or_an_error() {
    let mut random = Random::new(4);
    let zones = ["UTC", "America/New_York", "Asia/Ho_Chi_Minh"].map(|z| super::super::zone::zone(z).unwrap());

    for function in all() {
        let mut calls = 0;
        for _ in 0..1_500 {
            let mut args: Vec<Typed> = Vec::new();
            for _ in 0..random.below(5) {
                args.push(any_argument(&mut random, function, &args));
            }
            let zone = random.pick(&zones);
            if let Ok(Typed(value, of)) = call_in(&zone, function.name, &args) {
                assert!(has_form(&value, &of), "{}({args:?}) = {value:?}, not of {of}", function.name);
                calls += 1;
            }
        }
        let rare = [
            "SIMILAR TO",
            "REGEXP",
            "JSON_VALUE",
            "TIMESTAMPDIFF",
            "TIMESTAMPADD",
            "EXTRACT",
            "FLOOR_TO",
            "CEIL_TO",
            "$ROUND_TEXT",
            "$TRUNCATE_TEXT",
            "$NOT_NULL",
            "$TRIM_PAD",
            "$CHECK_LENGTH",
            "$FIELD",
            "$IS_JSON",
            "JSON_QUERY",
            "JSON_EXISTS",
            "JSON_OBJECT",
            "JSON_ARRAY",
            "$JSON",
        ];
        assert!(calls > 0 || rare.contains(&function.name), "{} was never called", function.name);
    }
}

#[test]
fn any_cast_ends_in_a_value_of_its_type_or_an_error() {
    let mut random = Random::new(5);
    let new_york = super::super::zone::zone("America/New_York").unwrap();
    for _ in 0..40_000 {
        let (from, to) = (random.any_type(), random.any_type());
        let value = Typed(random.any_value(&from), from.clone());
        match convert_in(&new_york, &value, &to, CastMode::Try) {
            Ok(result) => assert!(has_form(&result, &to), "{value:?} to {to}: {result:?}"),
            Err(_) => assert!(!cast::allowed(&from, &to), "TRY_CAST of {value:?} to {to} failed"),
        }
        let _ = convert_in(&new_york, &value, &to, CastMode::Strict);
    }
}

#[test]
fn every_entry_is_found_by_each_of_its_names() {
    for function in all() {
        assert!(!function.doc.is_empty(), "{}", function.name);
        for name in function.aliases.iter().chain([&function.name]) {
            assert_eq!(lookup(&name.to_lowercase()).unwrap().name, function.name);
        }
    }
    assert!(lookup("NOSUCHFN").is_none());
}
