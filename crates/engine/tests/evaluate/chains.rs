//! Chains of operators, such as `a + b + c + …`, need no more stack than short expressions.

use engine::column::{Coded, Column, Numbers};
use engine::evaluate::{Evaluator, Inputs};
use jiff::tz::TimeZone;
use sql::expr::{Expr, ExprGraph, ExprId, InputColumn};
use sql::functions::Env;
use types::{DataType, Scalar};

use super::sample::call;

const TERMS: usize = 20_000;

/// Returns a graph over one column, and `first + first + …`, where `first` is computed from the column.
fn chain(of: DataType, first: &dyn Fn(&mut ExprGraph, ExprId) -> ExprId) -> (ExprGraph, ExprId) {
    let column_type = of.nullable();
    let mut graph =
        ExprGraph::new(vec![InputColumn { name: "c".to_owned(), column_type: column_type.clone() }]);
    let column = graph.add(Expr::Column(0), column_type);
    let first = first(&mut graph, column);
    let sum = (1..TERMS).fold(first, |sum, _| call(&mut graph, "+", &[sum, first]));
    (graph, sum)
}

fn evaluated(graph: &ExprGraph, root: ExprId, column: Column, rows: usize) -> Vec<i64> {
    let mut evaluator = Evaluator::new(graph, &[root], &TimeZone::UTC).unwrap();
    let columns = [column];
    let inputs = Inputs::Columns(&columns);

    // First some of the rows, as in a branch of a CASE, then all.
    let env = Env { now_ms: 0 };
    evaluator.begin(rows, &env);
    evaluator.compute(inputs, &[root], Some(&[1])).unwrap();
    evaluator.compute(inputs, &[root], None).unwrap();

    let value = |row: usize| match evaluator.column(inputs, root).get(row) {
        Scalar::Int(value) => value,
        other => panic!("{other:?} is no number"),
    };
    (0..rows).map(value).collect()
}

#[test]
fn a_long_chain_is_computed_by_row() {
    let (graph, sum) = chain(DataType::BigInt, &|_, column| column);
    let column = Column::Int(Numbers { values: vec![1, 2, 3], valid: vec![1; 3] });
    assert_eq!(evaluated(&graph, sum, column, 3), [20_000, 40_000, 60_000]);
}

#[test]
fn a_long_chain_is_computed_once_a_text() {
    let (graph, sum) = chain(DataType::STRING, &|graph, text| call(graph, "CHAR_LENGTH", &[text]));
    let mut coded = Coded::default();
    coded.codes = ["ab", "c", "ab"].iter().map(|text| coded.dictionary.code_str(text)).collect();
    assert_eq!(evaluated(&graph, sum, Column::Coded(coded), 3), [40_000, 20_000, 40_000]);
}
