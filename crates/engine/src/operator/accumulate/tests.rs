//! Each call over a few rows, with Flink's results.

use sql::plan::operator::{AggregateCall, Function};
use types::{DataType, Value};

use super::*;

pub(super) const DECIMAL: DataType = DataType::Decimal { precision: 10, scale: 2 };
const DECIMAL_38: DataType = DataType::Decimal { precision: 38, scale: 6 };

/// Builds a call of a function over field 0.
pub(super) fn call(function: Function, arg: DataType, result: DataType) -> AggregateCall {
    AggregateCall {
        function,
        args: vec![0],
        distinct: false,
        filter: None,
        arg_types: vec![arg.nullable()],
        column_type: result.nullable(),
        name: "CALL".into(),
    }
}

pub(super) fn distinct(call: AggregateCall) -> AggregateCall {
    AggregateCall { distinct: true, ..call }
}

pub(super) fn list_agg() -> Function {
    Function::ListAgg { separator: "-".into() }
}

fn text(value: &str) -> Value {
    Value::Text(value.into())
}

/// A call with its state.
pub(super) struct Run {
    pub accumulators: Accumulators,
    pub states: States,
}

impl Run {
    pub fn new(call: &AggregateCall, retraction: Retraction) -> Run {
        let accumulators = Accumulators::new(std::slice::from_ref(call), retraction).unwrap();
        let states = accumulators.start();
        Run { accumulators, states }
    }

    pub fn add(&mut self, row: &[Value]) -> Result<(), String> {
        self.accumulators.add(&mut self.states, |field| row[field].as_scalar())
    }

    pub fn retract(&mut self, row: &[Value]) {
        self.accumulators.retract(&mut self.states, |field| row[field].as_scalar()).unwrap();
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.accumulators.write_results(&self.states, &mut out);
        out
    }

    pub fn result(&self) -> Value {
        let bytes = self.bytes();
        let mut reader = Reader::new(&bytes);
        let value = reader.value().unwrap().to_value();
        assert!(reader.rest().is_empty());
        value
    }
}

/// Returns the result over values. Those marked `-` are retracted.
fn result(call: &AggregateCall, retraction: Retraction, changes: &[(char, Value)]) -> Value {
    let mut run = Run::new(call, retraction);
    for (code, value) in changes {
        match code {
            '+' => run.add(std::slice::from_ref(value)).unwrap(),
            _ => run.retract(std::slice::from_ref(value)),
        }
    }
    run.result()
}

/// Returns the result over values that are added; asserts that both forms of state give the same.
fn of(call: &AggregateCall, values: &[Value]) -> Value {
    let changes: Vec<(char, Value)> = values.iter().map(|value| ('+', value.clone())).collect();
    let never = result(call, Retraction::Never, &changes);
    assert_eq!(format!("{never:?}"), format!("{:?}", result(call, Retraction::Possible, &changes)));
    never
}

fn ints(values: &[i64]) -> Vec<Value> {
    values.iter().copied().map(Value::Int).collect()
}

fn doubles(values: &[f64]) -> Vec<Value> {
    values.iter().copied().map(Value::Double).collect()
}

#[test]
fn no_values_give_null_except_where_flink_gives_something() {
    let double = || call(Function::Sum, DataType::Double, DataType::Double);
    let json = Function::JsonArrayAgg { absent_on_null: true };
    for (call, expected) in [
        (call(Function::Count, DataType::Int, DataType::BigInt), Value::Int(0)),
        (call(json, DataType::STRING, DataType::STRING), text("[]")),
        (call(Function::Collect, DataType::Int, DataType::Int), Value::Bytes(vec![0])),
        (double(), Value::Null),
        (call(Function::Avg, DECIMAL, DECIMAL_38), Value::Null),
        (call(Function::Min, DataType::STRING, DataType::STRING), Value::Null),
        (call(Function::LastValue, DataType::STRING, DataType::STRING), Value::Null),
        (call(list_agg(), DataType::STRING, DataType::STRING), Value::Null),
        (call(Function::VarPop, DataType::Int, DataType::Int), Value::Null),
        (distinct(double()), Value::Null),
    ] {
        assert_eq!(of(&call, &[]), expected, "{call:?}");
        assert_eq!(of(&call, &[Value::Null]), expected, "{call:?}");
    }
}

#[test]
fn sums_of_whole_numbers_wrap_and_averages_truncate() {
    let sum = call(Function::Sum, DataType::TinyInt, DataType::TinyInt);
    assert_eq!(of(&sum, &ints(&[120, 9])), Value::Int(-127));
    let changes = [('+', Value::Int(120)), ('+', Value::Int(9)), ('-', Value::Int(120))];
    assert_eq!(result(&sum, Retraction::Possible, &changes), Value::Int(9));

    let average = call(Function::Avg, DataType::Int, DataType::Int);
    let of_sum = call(Function::AvgOfSum, DataType::Int, DataType::Int);
    let two = [Value::Int(i64::from(i32::MAX)), Value::Int(1)];
    assert_eq!(of(&average, &two), Value::Int(1 << 30));
    assert_eq!(of(&of_sum, &two), Value::Int(-(1 << 30)));
    assert_eq!(of(&average, &ints(&[1, 2, -6])), Value::Int(-1));
    assert_eq!(of(&average, &ints(&[i64::from(i32::MAX); 2])), Value::Int(i64::from(i32::MAX)));
}

#[test]
fn sums_of_doubles_do_not_depend_on_the_order() {
    let sum = call(Function::Sum, DataType::Double, DataType::Double);
    assert_eq!(of(&sum, &doubles(&[0.1; 10])), Value::Double(1.0));
    assert_eq!(of(&sum, &doubles(&[1e16, 1.0, -1e16])), Value::Double(1.0));
    let changes = [1e300, f64::NAN, 0.25].map(|value| ('+', Value::Double(value)));
    let back = [f64::NAN, 1e300].map(|value| ('-', Value::Double(value)));
    let changes: Vec<_> = changes.into_iter().chain(back).collect();
    assert_eq!(result(&sum, Retraction::Possible, &changes), Value::Double(0.25));

    let float = call(Function::Avg, DataType::Float, DataType::Float);
    assert_eq!(of(&float, &doubles(&[1.0, 0.0, 0.0])), Value::Double(f64::from(1.0f32 / 3.0)));
}

#[test]
fn decimals_are_null_beyond_38_digits_and_come_back() {
    let type_38 = DataType::Decimal { precision: 38, scale: 2 };
    let sum = call(Function::Sum, type_38.clone(), type_38);
    let large = || Value::Wide(10i128.pow(38) - 1);
    assert_eq!(of(&sum, &[large(), large(), large()]), Value::Null);
    let changes = [('+', large()), ('+', large()), ('+', large()), ('-', large()), ('-', large())];
    assert_eq!(result(&sum, Retraction::Possible, &changes), large());
    assert_eq!(of(&sum, &[large(), large(), Value::Wide(1 - 10i128.pow(38))]), large());

    let average = call(Function::Avg, DECIMAL, DECIMAL_38);
    assert_eq!(of(&average, &[100, 100, 0].map(Value::Wide)), Value::Wide(666_667));
}

#[test]
fn the_next_extreme_is_known_when_one_goes() {
    let max = call(Function::Max, DataType::STRING, DataType::STRING);
    let changes = [('+', text("a")), ('+', text("c")), ('+', text("c")), ('+', text("b")), ('-', text("c"))];
    assert_eq!(result(&max, Retraction::Possible, &changes), text("c"));
    let more: Vec<_> = changes.into_iter().chain([('-', text("c")), ('-', text("zz"))]).collect();
    assert_eq!(result(&max, Retraction::Possible, &more), text("b"));

    let min = call(Function::Min, DataType::Double, DataType::Double);
    assert_eq!(of(&min, &doubles(&[f64::NAN, 3.0, -1.0])), Value::Double(-1.0));
}

#[test]
fn first_and_last_go_by_arrival_among_those_that_remain() {
    let first = call(Function::FirstValue, DataType::Int, DataType::Int);
    let last = call(Function::LastValue, DataType::Int, DataType::Int);
    assert_eq!((of(&first, &ints(&[3, 1, 2])), of(&last, &ints(&[3, 1, 2]))), (Value::Int(3), Value::Int(2)));

    let changes = [('+', 3), ('+', 1), ('+', 3), ('+', 2), ('-', 3), ('-', 2)];
    let changes = changes.map(|(code, value)| (code, Value::Int(value)));
    assert_eq!(result(&first, Retraction::Possible, &changes), Value::Int(1));
    assert_eq!(result(&last, Retraction::Possible, &changes), Value::Int(3));
}

#[test]
fn list_agg_joins_in_order_of_arrival() {
    let list = call(list_agg(), DataType::STRING, DataType::STRING);
    let values = ["b", "a", "", "b"].map(text);
    assert_eq!(of(&list, &values), text("b-a--b"));
    assert_eq!(of(&distinct(list.clone()), &values), text("b-a-"));
    let changes: Vec<_> = values.into_iter().map(|value| ('+', value)).chain([('-', text("b"))]).collect();
    assert_eq!(result(&list, Retraction::Possible, &changes), text("a--b"));
    assert_eq!(result(&distinct(list), Retraction::Possible, &changes), text("b-a-"));
}

/// The expected results are those of Flink, in `GROUP BY` and in `OVER`.
#[test]
fn variances_are_flinks() {
    let over = |call: &AggregateCall, values: &[Value]| {
        let accumulators = Accumulators::of_over(std::slice::from_ref(call), Retraction::Never).unwrap();
        let mut run = Run { states: accumulators.start(), accumulators };
        values.iter().for_each(|value| run.add(std::slice::from_ref(value)).unwrap());
        run.result()
    };
    let sample = call(Function::VarSamp, DataType::Int, DataType::Int);
    assert_eq!((of(&sample, &ints(&[0])), over(&sample, &ints(&[0]))), (Value::Null, Value::Null));
    assert_eq!((of(&sample, &ints(&[0, 1])), over(&sample, &ints(&[0, 1]))), (Value::Int(0), Value::Int(1)));

    let population = call(Function::VarPop, DataType::Double, DataType::Double);
    assert_eq!(of(&population, &doubles(&[1.7e308; 2])), Value::Double(0.0));
    let Value::Double(variance) = of(&population, &doubles(&[1.0, 2.0, 4.0])) else { panic!("a double") };
    assert!((variance - 14.0 / 9.0).abs() < 1e-12, "{variance}");
    let root = call(Function::StddevPop, DECIMAL, DECIMAL_38);
    assert_eq!(of(&root, &[100, 200].map(Value::Wide)), Value::Wide(500_000));
    assert_eq!(over(&root, &[100, 200].map(Value::Wide)), Value::Wide(500_000));
    let root = call(Function::StddevSamp, DataType::BigInt, DataType::BigInt);
    assert_eq!(of(&root, &ints(&[10, 20, 40])), Value::Int(15));
}

#[test]
fn percentiles_are_interpolated() {
    let percentile = |places: &[f64], many| Function::Percentile { places: places.to_vec(), many };
    let one = |place| call(percentile(&[place], false), DataType::Int, DataType::Double);
    assert_eq!(of(&one(0.5), &ints(&[10, 1, 4, 2])), Value::Double(3.0));
    assert_eq!(of(&one(0.95), &ints(&[10, 1, 4, 2])), Value::Double(9.099999999999998));
    assert_eq!(of(&one(0.25), &ints(&[2, 1, 1, 1, 2])), Value::Double(1.0));

    const INF: f64 = f64::INFINITY;
    for (values, answers) in [
        (vec![INF, 1.0, 3.0], [1.0, 2.0, 3.0, INF, INF]),
        (vec![-INF, 1.0, 3.0, INF], [-INF, -INF, 2.0, INF, INF]),
        (vec![INF, INF, INF, INF], [INF; 5]),
    ] {
        for (place, answer) in [0.0, 0.25, 0.5, 0.75, 1.0].into_iter().zip(answers) {
            let call = call(percentile(&[place], false), DataType::Double, DataType::Double);
            assert_eq!(of(&call, &doubles(&values)), Value::Double(answer), "{values:?} at {place}");
        }
    }

    let call = AggregateCall { args: vec![0, 1], ..one(0.5) };
    let mut run = Run::new(&call, Retraction::Possible);
    for (value, frequency) in [(1, Value::Int(3)), (9, Value::Int(1)), (5, Value::Null), (5, Value::Int(0))] {
        run.add(&[Value::Int(value), frequency]).unwrap();
    }
    assert_eq!(run.result(), Value::Double(1.0));
    run.retract(&[Value::Int(1), Value::Int(3)]);
    assert_eq!(run.result(), Value::Double(9.0));
}

#[test]
fn json_is_put_together_from_json() {
    let array =
        |absent_on_null| call(Function::JsonArrayAgg { absent_on_null }, DataType::STRING, DataType::STRING);
    let values = [text("1"), Value::Null, text("{\"a\":2}")];
    assert_eq!(of(&array(true), &values), text("[1,{\"a\":2}]"));
    assert_eq!(of(&array(false), &values), text("[1,null,{\"a\":2}]"));

    let object = |absent_on_null| AggregateCall {
        args: vec![0, 1],
        arg_types: vec![DataType::STRING.nullable(), DataType::STRING.nullable()],
        ..call(Function::JsonObjectAgg { absent_on_null }, DataType::STRING, DataType::STRING)
    };
    let rows = [[text("b\n"), text("1")], [text("a\""), Value::Null]];
    for (absent_on_null, json) in [(true, r#"{"b\n":1}"#), (false, r#"{"a\"":null,"b\n":1}"#)] {
        let mut run = Run::new(&object(absent_on_null), Retraction::Possible);
        rows.iter().for_each(|row| run.add(row).unwrap());
        assert_eq!(run.result(), text(json));
        let error = run.add(&[text("b\n"), text("2")]).unwrap_err();
        assert!(error.starts_with("Key 'b\n' is already present."), "{error}");
    }

    let mut run = Run::new(&object(false), Retraction::Possible);
    rows.iter().for_each(|row| run.add(row).unwrap());
    run.retract(&rows[1]);
    run.retract(&[text("b\n"), text("another value")]);
    assert_eq!(run.result(), text(r#"{"b\n":1}"#));

    // A value of another type than a text could not be told from JSON.
    let number = call(Function::JsonArrayAgg { absent_on_null: true }, DataType::Int, DataType::STRING);
    assert!(Accumulators::new(&[number], Retraction::Never).is_err());
}

#[test]
fn a_second_single_value_fails() {
    let single = call(Function::SingleValue, DataType::Int, DataType::Int);
    let mut run = Run::new(&single, Retraction::Possible);
    assert_eq!(run.result(), Value::Null);
    run.add(&[Value::Null]).unwrap();
    let error = run.add(&[Value::Int(1)]).unwrap_err();
    assert_eq!(error, "SingleValueAggFunction received more than one element.");
    run.retract(&[Value::Null]);
    run.add(&[Value::Int(1)]).unwrap();
    assert_eq!(run.result(), Value::Int(1));
}

#[test]
fn a_filter_lets_rows_count_for_which_it_is_true() {
    let filtered =
        AggregateCall { filter: Some(1), ..call(Function::Count, DataType::Int, DataType::BigInt) };
    let mut run = Run::new(&filtered, Retraction::Possible);
    for filter in [Value::Bool(true), Value::Bool(false), Value::Null] {
        run.add(&[Value::Int(1), filter]).unwrap();
    }
    assert_eq!(run.result(), Value::Int(1));
    run.retract(&[Value::Int(1), Value::Bool(false)]);
    assert_eq!(run.result(), Value::Int(1));
}
