//! Promises of the evaluator beside correct values.

use std::cell::Cell;
use std::sync::Arc;

use engine::column::{Coded, Column, Numbers, Texts};
use engine::evaluate::{Evaluator, Inputs, Passed, Vector};
use jiff::tz::TimeZone;
use sql::expr::{CastMode, Comparison, Expr, ExprGraph, ExprId, InputColumn};
use sql::functions::{Argument, Determinism, Env, Nulls, Output, ScalarFunction, Signature, SignatureError};
use types::{DataType, Scalar, Value};

use super::sample::{call, constant};

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

/// `COUNTED(x)` returns x, and counts its calls.
static COUNTED: ScalarFunction = ScalarFunction {
    name: "COUNTED",
    aliases: &[],
    doc: "",
    determinism: Determinism::Always,
    nulls: Nulls::Handled,
    signature: unused,
    prepare: |_| {
        Ok(Arc::new(|_: &Env, args: &[Scalar<'_>], out: &mut Output| {
            CALLS.set(CALLS.get() + 1);
            out.scalar(args[0]);
            Ok(())
        }))
    },
};

/// `NOW()` in milliseconds, which counts its calls too.
static NOW: ScalarFunction = ScalarFunction {
    name: "TEST_NOW",
    determinism: Determinism::Clock,
    prepare: |_| {
        Ok(Arc::new(|env: &Env, _: &[Scalar<'_>], out: &mut Output| {
            CALLS.set(CALLS.get() + 1);
            out.int(env.now_ms);
            Ok(())
        }))
    },
    ..COUNTED_LIKE
};

const COUNTED_LIKE: ScalarFunction = ScalarFunction {
    name: "",
    aliases: &[],
    doc: "",
    determinism: Determinism::Always,
    nulls: Nulls::Handled,
    signature: unused,
    prepare: |_| Err("never prepared".to_owned()),
};

fn unused(_: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    Err(SignatureError { expected: "nothing: tests bind it themselves".to_owned() })
}

const NOW_MS: Env = Env { now_ms: 77 };

fn scope(types: &[DataType]) -> ExprGraph {
    let input = |(i, of): (usize, &DataType)| InputColumn {
        name: format!("c{i}"),
        column_type: of.clone().nullable(),
    };
    ExprGraph::new(types.iter().enumerate().map(input).collect())
}

fn column(graph: &mut ExprGraph, index: usize) -> ExprId {
    let column_type = graph.inputs[index].column_type.clone();
    graph.add(Expr::Column(index), column_type)
}

fn counted(graph: &mut ExprGraph, arg: ExprId) -> ExprId {
    let column_type = graph.column_type(arg).clone();
    graph.add(Expr::Call { function: &COUNTED, args: [arg].into() }, column_type)
}

fn truth(graph: &mut ExprGraph, expr: Expr) -> ExprId {
    graph.add(expr, DataType::Boolean.nullable())
}

fn evaluator(graph: &ExprGraph, roots: &[ExprId]) -> Evaluator {
    CALLS.set(0);
    Evaluator::new(graph, roots, &TimeZone::UTC).unwrap()
}

fn ints(values: &[Option<i64>]) -> Column {
    let valid = values.iter().map(|value| value.is_some() as u8).collect();
    Column::Int(Numbers { values: values.iter().map(|value| value.unwrap_or(0)).collect(), valid })
}

fn texts(values: &[&str]) -> Column {
    let mut texts = Texts::default();
    texts.reset(values.len());
    values.iter().enumerate().for_each(|(row, text)| texts.set(row, text.as_bytes()));
    Column::Text(texts)
}

fn coded(values: &[&str]) -> Column {
    let mut coded = Coded::default();
    coded.codes = values.iter().map(|text| coded.dictionary.code_str(text)).collect();
    Column::Coded(coded)
}

fn values(vector: Vector<'_>, rows: usize) -> Vec<Value> {
    (0..rows).map(|row| vector.get(row).to_value()).collect()
}

#[test]
fn a_shared_expression_is_computed_once_a_row_however_often_it_is_asked_for() {
    let mut graph = scope(&[DataType::Int]);
    let number = column(&mut graph, 0);
    let shared = counted(&mut graph, number);
    let two = constant(&mut graph, Value::Int(2), &DataType::Int);
    let large = truth(&mut graph, Expr::Compare(Comparison::Greater, shared, two));
    let sum = call(&mut graph, "+", &[shared, two]);
    let mut evaluator = evaluator(&graph, &[large, sum]);

    let columns = [ints(&[Some(1), Some(2), Some(3), Some(4)])];
    let inputs = Inputs::Columns(&columns);
    let mut passed = Vec::new();
    evaluator.begin(4, &NOW_MS);
    evaluator.compute(inputs, &[sum], Some(&[1, 2])).unwrap();
    assert_eq!(CALLS.get(), 2);
    assert_eq!(evaluator.filter(inputs, &[large], None, &mut passed), Ok(Passed::Some));
    evaluator.compute(inputs, &[sum], Some(&passed)).unwrap();
    assert_eq!(passed, [2, 3]);
    assert_eq!(CALLS.get(), 4);
    assert_eq!(evaluator.column(inputs, sum).get(3), Scalar::Int(6));
}

#[test]
fn what_depends_on_one_dictionary_column_is_computed_once_a_text() {
    let mut graph = scope(&[DataType::STRING]);
    let text = column(&mut graph, 0);
    let inner = counted(&mut graph, text);
    let lower = call(&mut graph, "LOWER", &[inner]);
    let mut evaluator = evaluator(&graph, &[lower]);

    let mut columns = [coded(&["A", "b", "A", "a", "A"])];
    evaluator.evaluate(Inputs::Columns(&columns), 5, None, &NOW_MS).unwrap();
    // Three texts and null.
    assert_eq!(CALLS.get(), 4);
    let Vector::Coded { codes, dictionary } = evaluator.column(Inputs::Columns(&columns), lower) else {
        panic!("texts of a dictionary column give codes");
    };
    assert_eq!((dictionary.len(), codes[0], codes[3]), (3, codes[2], codes[0]));

    columns[0].reset(1);
    columns[0].set(0, Scalar::Text("B"));
    evaluator.evaluate(Inputs::Columns(&columns), 1, None, &NOW_MS).unwrap();
    assert_eq!(CALLS.get(), 5);
    assert_eq!(evaluator.column(Inputs::Columns(&columns), lower).get(0), Scalar::Text("b"));
}

#[test]
fn an_input_of_codes_may_become_one_of_plain_texts() {
    let mut graph = scope(&[DataType::STRING, DataType::STRING]);
    let (first, second) = (column(&mut graph, 0), column(&mut graph, 1));
    let [upper, other] = [first, second].map(|text| call(&mut graph, "UPPER", &[text]));
    let mut evaluator = evaluator(&graph, &[upper, other]);
    let mut columns = [coded(&["a", "b", "a"]), coded(&["x", "y", "z"])];
    evaluator.evaluate(Inputs::Columns(&columns), 3, None, &NOW_MS).unwrap();
    let codes = evaluator.dictionary(other).map(|dictionary| dictionary.len());

    columns[0] = texts(&["c", "a", "c"]);
    let inputs = Inputs::Columns(&columns);
    evaluator.evaluate(inputs, 3, None, &NOW_MS).unwrap();
    assert!(matches!(evaluator.column(inputs, upper), Vector::Text { .. }));
    assert_eq!(
        values(evaluator.column(inputs, upper), 3),
        ["C", "A", "C"].map(|text| Value::Text(text.into()))
    );

    // A step that depends on another input keeps its codes, which others may have recorded.
    assert!(matches!(evaluator.column(inputs, other), Vector::Coded { .. }));
    assert_eq!(evaluator.dictionary(other).map(|dictionary| dictionary.len()), codes);
}

#[test]
fn a_compacted_dictionary_is_read_anew_once_forgotten() {
    let mut graph = scope(&[DataType::STRING]);
    let text = column(&mut graph, 0);
    let upper = call(&mut graph, "UPPER", &[text]);
    let mut evaluator = evaluator(&graph, &[upper]);
    let mut columns = [coded(&["a", "b", "c"])];
    evaluator.evaluate(Inputs::Columns(&columns), 3, None, &NOW_MS).unwrap();

    let Column::Coded(coded) = &mut columns[0] else { unreachable!() };
    coded.dictionary.retain(&[false, false, false, true]);
    coded.codes = vec![1];
    evaluator.forget(0);
    evaluator.evaluate(Inputs::Columns(&columns), 1, None, &NOW_MS).unwrap();
    assert_eq!(evaluator.column(Inputs::Columns(&columns), upper).get(0), Scalar::Text("C"));

    // The dictionary of the results is separate, and is compacted by itself.
    assert_eq!(evaluator.dictionary(upper).map(|d| d.len()), Some(4));
    assert_eq!(evaluator.retain(upper, &[false, false, false, true]), Some(vec![0, 0, 0, 1]));
    evaluator.evaluate(Inputs::Columns(&columns), 1, None, &NOW_MS).unwrap();
    assert_eq!(evaluator.column(Inputs::Columns(&columns), upper).get(0), Scalar::Text("C"));
}

#[test]
fn rows_that_come_with_another_dictionary_are_not_taken_for_those_before() {
    let mut graph = scope(&[DataType::STRING]);
    let text = column(&mut graph, 0);
    let upper = call(&mut graph, "UPPER", &[text]);
    let mut evaluator = evaluator(&graph, &[upper]);

    // The same codes have other texts in each.
    let columns = [coded(&["a", "b"]), coded(&["b", "a"]), coded(&["c", "d"])];
    let expected = [["A", "B"], ["B", "A"], ["C", "D"]];
    for (column, expected) in columns.iter().zip(expected).cycle().take(6) {
        let inputs = Inputs::Columns(std::slice::from_ref(column));
        evaluator.begin(2, &NOW_MS);
        evaluator.compute(inputs, &[upper], None).unwrap();
        let given = values(evaluator.column(inputs, upper), 2);
        assert_eq!(given, expected.map(|text| Value::Text(text.into())));
    }
}

#[test]
fn what_is_the_same_in_every_row_is_computed_once_a_batch() {
    let mut graph = scope(&[DataType::Int, DataType::STRING]);
    let end = column(&mut graph, 0);
    let written = counted(&mut graph, end);
    let now = graph.add(Expr::Call { function: &NOW, args: [].into() }, DataType::BigInt.not_null());
    let five = constant(&mut graph, Value::Int(5), &DataType::Int);
    let literal = counted(&mut graph, five);
    let mut evaluator = evaluator(&graph, &[written, now, literal]);

    let names = texts(&["x"; 100]);
    for batch in 0..3 {
        let vectors = [Vector::Const(Scalar::Int(batch)), Vector::of(&names)];
        let inputs = Inputs::Vectors(&vectors);
        evaluator.evaluate(inputs, 100, None, &Env { now_ms: 1000 + batch }).unwrap();
        assert!(matches!(evaluator.column(inputs, written), Vector::Const(Scalar::Int(v)) if v == batch));
        assert_eq!(evaluator.column(inputs, now).get(99), Scalar::Int(1000 + batch));
        assert_eq!(evaluator.column(inputs, literal).get(99), Scalar::Int(5));
    }
    assert_eq!(CALLS.get(), 3 + 3 + 1);
}

#[test]
fn texts_that_take_too_much_memory_in_a_batch_fail_it() {
    let mut graph = scope(&[DataType::STRING]);
    let text = column(&mut graph, 0);
    let million = constant(&mut graph, Value::Int(1_000_000), &DataType::Int);
    let long = call(&mut graph, "REPEAT", &[text, million]);
    let mut evaluator = evaluator(&graph, &[long]);

    let few = [texts(&["x"; 20])];
    evaluator.evaluate(Inputs::Columns(&few), 20, None, &NOW_MS).unwrap();
    let many = [texts(&["x"; 4096])];
    let error = evaluator.evaluate(Inputs::Columns(&many), 4096, None, &NOW_MS).unwrap_err();
    assert!(error.to_string().contains("more than 256 MiB in a batch"), "{error}");
}

#[test]
fn a_cast_fails_only_for_rows_that_need_it() {
    let mut graph = scope(&[DataType::STRING, DataType::Int]);
    let (text, kind) = (column(&mut graph, 0), column(&mut graph, 1));
    let one = constant(&mut graph, Value::Int(1), &DataType::Int);
    let null = constant(&mut graph, Value::Null, &DataType::Int);
    let number = graph.add(Expr::Cast { input: text, mode: CastMode::Strict }, DataType::Int.nullable());
    let is_number = truth(&mut graph, Expr::Compare(Comparison::Equal, kind, one));
    let guarded = graph.add(
        Expr::Case { branches: [(is_number, number)].into(), otherwise: null },
        DataType::Int.nullable(),
    );
    let positive = truth(&mut graph, Expr::Compare(Comparison::GreaterOrEqual, number, one));
    let both = truth(&mut graph, Expr::And(is_number, positive));

    let kinds = ints(&[Some(1), Some(0), Some(1), Some(0)]);
    for names in [texts(&["12", "x", "0", "y"]), coded(&["12", "x", "0", "y"])] {
        let columns = [names, kinds.clone()];
        let inputs = Inputs::Columns(&columns);
        let mut evaluator = evaluator(&graph, &[guarded, both, number]);
        evaluator.begin(4, &NOW_MS);
        evaluator.compute(inputs, &[guarded, both], None).unwrap();
        let expected = [Value::Int(12), Value::Null, Value::Int(0), Value::Null];
        assert_eq!(values(evaluator.column(inputs, guarded), 4), expected);
        let expected = [true, false, false, false].map(Value::Bool);
        assert_eq!(values(evaluator.column(inputs, both), 4), expected);
        evaluator.compute(inputs, &[number], Some(&[0, 2])).unwrap();
        assert!(evaluator.compute(inputs, &[number], Some(&[0, 1])).is_err());
    }
}

#[test]
fn parts_of_texts_and_untouched_branches_are_not_copied() {
    let mut graph = scope(&[DataType::STRING, DataType::STRING]);
    let (first, second) = (column(&mut graph, 0), column(&mut graph, 1));
    let there = truth(&mut graph, Expr::IsNotNull(first));
    let either = graph.add(
        Expr::Case { branches: [(there, first)].into(), otherwise: second },
        DataType::STRING.nullable(),
    );
    let two = constant(&mut graph, Value::Int(2), &DataType::Int);
    let tail = call(&mut graph, "RIGHT", &[either, two]);
    let mut evaluator = evaluator(&graph, &[either, tail]);

    let columns = [texts(&["ngày", "2025", "a"]), texts(&["p", "q", "r"])];
    let inputs = Inputs::Columns(&columns);
    evaluator.evaluate(inputs, 3, None, &NOW_MS).unwrap();
    let Column::Text(input) = &columns[0] else { unreachable!() };
    for expr in [either, tail] {
        let Vector::Text { data, .. } = evaluator.column(inputs, expr) else {
            panic!("plain text stays plain")
        };
        assert_eq!(data.as_ptr(), input.data.as_ptr());
    }
    let expected = ["ày", "25", "a"].map(|text| Value::Text(text.to_owned()));
    assert_eq!(values(evaluator.column(inputs, tail), 3), expected);
}
