//! Each call over rows that come, go and are merged.

use sql::plan::operator::{Call, Function};
use types::{DataType, Value};

use super::*;

/// A call of a function over field 0.
fn call(function: Function, arg: DataType, result: DataType) -> Call {
    Call {
        function,
        args: vec![0],
        distinct: false,
        filter: None,
        arg_types: vec![arg.nullable()],
        column_type: result.nullable(),
        name: "CALL".into(),
    }
}

/// The results over rows of one field, after each row; `-` takes the row back.
fn results(call: &Call, retraction: Retraction, changes: &[(&str, Value)]) -> Vec<Value> {
    let accumulators = Accumulators::new(std::slice::from_ref(call), retraction).unwrap();
    let mut states = accumulators.start();
    let after = |(code, value): &(&str, Value)| {
        match *code {
            "+" => accumulators.add(&mut states, |_| value.as_scalar()).unwrap(),
            _ => accumulators.retract(&mut states, |_| value.as_scalar()).unwrap(),
        }
        let mut out = Vec::new();
        accumulators.write_results(&states, &mut out);
        Reader::new(&out).next().unwrap().to_value()
    };
    changes.iter().map(after).collect()
}

#[test]
fn sums_of_whole_numbers_wrap_and_averages_truncate() {
    let rows = [("+", Value::Int(120)), ("+", Value::Null), ("+", Value::Int(9)), ("-", Value::Int(120))];
    let sum = call(Function::Sum, DataType::TinyInt, DataType::TinyInt);
    let given = results(&sum, Retraction::Possible, &rows);
    assert_eq!(given, [120, 120, -127, 9].map(Value::Int));
    let average = call(Function::Avg, DataType::TinyInt, DataType::TinyInt);
    assert_eq!(results(&average, Retraction::Possible, &rows), [120, 120, 64, 9].map(Value::Int));
}
