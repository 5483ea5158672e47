//! Elements of arrays, maps and multisets become rows with the kind of their input row.

use sql::expr::{Comparison, Expr, ExprGraph, InputColumn};
use sql::plan::operator::{Changes as Mode, Distribution, Field, Predicate};
use types::{ColumnType, Value, nested};

use super::*;
use crate::operator::chain::Operator;
use crate::operator::harness::{Harness, change, insert, row};

fn list(values: &[Value]) -> Value {
    let scalars: Vec<Scalar<'_>> = values.iter().map(Value::as_scalar).collect();
    let mut bytes = Vec::new();
    nested::write_list(&scalars, &mut bytes);
    Value::Bytes(bytes)
}

fn map(entries: &[(Value, Value)]) -> Value {
    let entries: Vec<_> = entries.iter().map(|(key, value)| (key.as_scalar(), value.as_scalar())).collect();
    let mut bytes = Vec::new();
    nested::write_map(&entries, &mut bytes);
    Value::Bytes(bytes)
}

fn int(value: i64) -> Value {
    Value::Int(value)
}

fn bigint() -> ColumnType {
    DataType::BigInt.nullable()
}

fn inputs(collection: &DataType) -> Vec<Input> {
    let field =
        |name: &str, data_type: DataType| Field { name: name.into(), column_type: data_type.nullable() };
    let fields = vec![field("k", DataType::BigInt), field("c", collection.clone())];
    vec![Input { fields, distribution: Distribution::Forward, changes: Mode::Retract }]
}

fn spec(collection: DataType) -> Unnest {
    Unnest {
        collection: 1,
        collection_type: collection.nullable(),
        spreads_row: false,
        ordinality: false,
        outer: false,
        condition: None,
    }
}

fn gives(
    spec: &Unnest,
    events: &[crate::operator::harness::Event],
    expected: &[crate::operator::harness::Row],
) {
    let inputs = inputs(&spec.collection_type.data_type);
    let build = || {
        Box::new(UnnestOperator::new("unnest".into(), spec, &inputs, &TimeZone::UTC).unwrap())
            as Box<dyn Operator>
    };
    Harness::new(&build, vec![vec![Repr::Int, Repr::Bytes]]).gives(events, expected);
}

#[test]
fn each_element_is_a_row_with_the_kind_of_its_row() {
    let array = list(&[int(5), Value::Null]);
    let spec = Unnest { ordinality: true, ..spec(DataType::Array(Box::new(bigint()))) };
    let events = [
        insert(0, [int(1), array.clone()]),
        insert(0, [int(2), list(&[])]),
        insert(0, [int(3), Value::Null]),
        change(0, "-D", [int(1), array.clone()]),
    ];
    let expected = [
        row("+I", [int(1), array.clone(), int(5), int(1)]),
        row("+I", [int(1), array.clone(), Value::Null, int(2)]),
        row("-D", [int(1), array.clone(), int(5), int(1)]),
        row("-D", [int(1), array, Value::Null, int(2)]),
    ];
    gives(&spec, &events, &expected);
}

#[test]
fn fields_of_rows_are_fields_and_a_row_that_is_null_is_left_out() {
    let fields = ["x", "y"].map(|name| types::Field { name: name.into(), column_type: bigint() });
    let array = list(&[list(&[int(5), int(6)]), Value::Null]);
    let element = DataType::Row(fields.into()).nullable();
    let spec = Unnest { spreads_row: true, ..spec(DataType::Array(Box::new(element))) };
    gives(&spec, &[insert(0, [int(1), array.clone()])], &[row("+I", [int(1), array, int(5), int(6)])]);
}

#[test]
fn maps_give_entries_and_multisets_copies() {
    let entries = map(&[(int(8), int(2)), (int(7), Value::Null)]);
    gives(
        &spec(DataType::Map(Box::new(bigint()), Box::new(bigint()))),
        &[insert(0, [int(1), entries.clone()])],
        &[
            row("+I", [int(1), entries.clone(), int(8), int(2)]),
            row("+I", [int(1), entries, int(7), Value::Null]),
        ],
    );
    let copies = map(&[(int(8), int(2))]);
    gives(
        &spec(DataType::Multiset(Box::new(bigint()))),
        &[insert(0, [int(1), copies.clone()])],
        &[row("+I", [int(1), copies.clone(), int(8)]), row("+I", [int(1), copies, int(8)])],
    );
}

#[test]
fn an_outer_join_gives_nulls_where_no_element_passes() {
    let input = |name: &str, column_type: ColumnType| InputColumn { name: name.into(), column_type };
    let array_type = DataType::Array(Box::new(bigint()));
    let mut exprs = ExprGraph::new(vec![
        input("k", bigint()),
        input("c", array_type.clone().nullable()),
        input("e", bigint()),
    ]);
    let element = exprs.add(Expr::Column(2), bigint());
    let five = exprs.add(Expr::Literal(int(5)), bigint());
    let over = exprs.add(Expr::Compare(Comparison::Greater, element, five), DataType::Boolean.nullable());
    let condition = Some(Predicate { exprs, conditions: vec![over] });
    let spec = Unnest { outer: true, condition, ..spec(array_type) };

    let (some, none) = (list(&[int(5), int(6), int(7)]), list(&[int(1)]));
    let events = [
        insert(0, [int(1), some.clone()]),
        insert(0, [int(2), none.clone()]),
        insert(0, [int(3), Value::Null]),
    ];
    let expected = [
        row("+I", [int(1), some.clone(), int(6)]),
        row("+I", [int(1), some, int(7)]),
        row("+I", [int(2), none, Value::Null]),
        row("+I", [int(3), Value::Null, Value::Null]),
    ];
    gives(&spec, &events, &expected);
}
