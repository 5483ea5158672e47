//! Property tests: every call over rows that are added, retracted, merged and read from an image.

use proptest::prelude::*;
use sql::plan::operator::{AggregateCall, Function};
use types::{DataType, Value};

use super::tests::{DECIMAL, Run, call, distinct, list_agg};
use super::*;

/// Returns calls whose result depends only on the remaining rows in order of arrival; field 0 has type `arg`.
fn calls(arg: &DataType) -> Vec<AggregateCall> {
    let mut functions = vec![
        Function::Count,
        Function::Min,
        Function::Max,
        Function::FirstValue,
        Function::LastValue,
        Function::Collect,
        Function::ArrayAgg,
    ];
    if arg.is_numeric() {
        let percentile = Function::Percentile { places: vec![0.5, 0.3], many: true };
        functions.extend([Function::Sum, Function::Avg, percentile]);
    } else {
        functions.extend([list_agg(), Function::JsonArrayAgg { absent_on_null: false }]);
    }
    let calls = functions.into_iter().map(|function| call(function, arg.clone(), arg.clone()));
    calls.flat_map(|call| [call.clone(), distinct(call)]).collect()
}

/// Generates rows of one type, with few repeated values or many values.
fn rows() -> impl Strategy<Value = (DataType, Vec<(bool, Value)>)> {
    let of = |data_type: DataType, few: BoxedStrategy<Value>, many: BoxedStrategy<Value>| {
        let value = prop_oneof![4 => few, 4 => many, 1 => Just(Value::Null)];
        (Just(data_type), prop::collection::vec((any::<bool>(), value), 0..150))
    };

    let double = |double: BoxedStrategy<f64>| double.prop_map(|value| Value::Double(value + 0.0)).boxed();

    prop_oneof![
        of(
            DataType::BigInt,
            (0i64..3).prop_map(Value::Int).boxed(),
            any::<i64>().prop_map(Value::Int).boxed()
        ),
        of(DataType::Double, double((0u8..3).prop_map(f64::from).boxed()), double((-1e9..1e9f64).boxed())),
        of(
            DECIMAL,
            (0i128..3).prop_map(Value::Wide).boxed(),
            (-10i128.pow(38)..10i128.pow(38)).prop_map(Value::Wide).boxed()
        ),
        of(
            DataType::STRING,
            "[ab]".prop_map(Value::Text).boxed(),
            "[a-z]{0,9}".prop_map(Value::Text).boxed()
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Rows come and go, with an image in between, or come in two groups that are merged: only the remaining
    /// rows count.
    #[test]
    fn results_are_those_of_the_rows_that_remain((arg, changes) in rows(), image_at in 0usize..150) {
        // The retracted row is the oldest, which is the earliest of its equal values.
        let mut remain: Vec<Value> = Vec::new();
        let mut steps = Vec::new();
        for (goes, value) in changes {
            if goes && !remain.is_empty() {
                steps.push(('-', remain.remove(0)));
            } else {
                remain.push(value.clone());
                steps.push(('+', value));
            }
        }

        for call in calls(&arg) {
            // The first copy of a distinct value determines its position, even after that copy is retracted.
            let keeps_place = call.distinct && matches!(
                call.function,
                Function::FirstValue | Function::LastValue | Function::ArrayAgg | Function::ListAgg { .. }
                    | Function::JsonArrayAgg { .. }
            );
            let mut expected = Run::new(&call, Retraction::Possible);
            let (left, right) = remain.split_at(remain.len() / 2);
            for value in &remain {
                expected.add(std::slice::from_ref(value)).unwrap();
            }

            let mut run = Run::new(&call, Retraction::Possible);
            for (number, (code, value)) in steps.iter().enumerate() {
                if number == image_at {
                    let mut image = Vec::new();
                    run.states.write(&mut image);
                    run.states = States::read(&mut Reader::new(&image)).unwrap();
                }
                match code {
                    '+' => run.add(std::slice::from_ref(value)).unwrap(),
                    _ => run.retract(std::slice::from_ref(value)),
                }
            }
            if !keeps_place {
                prop_assert_eq!(run.bytes(), expected.bytes(), "{:?}", call.function);
            }

            let mut merged = Run::new(&call, Retraction::Possible);
            let mut other = Run::new(&call, Retraction::Possible);
            left.iter().for_each(|value| merged.add(std::slice::from_ref(value)).unwrap());
            right.iter().for_each(|value| other.add(std::slice::from_ref(value)).unwrap());
            merged.accumulators.merge(&mut merged.states, other.states).unwrap();
            prop_assert_eq!(merged.bytes(), expected.bytes(), "merged {:?}", call.function);

            let mut appended = Run::new(&call, Retraction::Never);
            remain.iter().for_each(|value| appended.add(std::slice::from_ref(value)).unwrap());
            prop_assert_eq!(appended.bytes(), expected.bytes(), "appended {:?}", call.function);
        }
    }

    /// Memory is accounted incrementally: an emptied state must account no texts.
    #[test]
    fn texts_that_are_gone_are_not_accounted((arg, changes) in rows()) {
        for call in calls(&arg) {
            let mut run = Run::new(&call, Retraction::Possible);
            changes.iter().for_each(|(_, value)| run.add(std::slice::from_ref(value)).unwrap());
            let full = run.states.heap_bytes();
            changes.iter().for_each(|(_, value)| run.retract(std::slice::from_ref(value)));
            let emptied = run.states.heap_bytes();
            prop_assert!((size_of::<AnyAccumulator>()..=full).contains(&emptied), "{:?} {emptied} of {full}", call.function);
            // A set retains the capacity of its entries, 33 bytes each; a list that of at most 64.
            prop_assert!(emptied <= 300 + 256 * 33 + 64 * 32, "{:?} {emptied}", call.function);
        }
    }
}
