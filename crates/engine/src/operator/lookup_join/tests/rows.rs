//! Which rows a lookup join emits.

use std::sync::Arc;

use sql::expr::{Comparison, Expr, ExprGraph, InputColumn};
use sql::plan::operator::{LookupKey, Predicate};
use types::{DataType, Value};

use super::table::{Join, LEFT, Names, inner, left, named, nameless, order};
use crate::operator::harness::{Event, Harness, Row, change, insert, row, standing, watermark};

fn names() -> Arc<Names> {
    let names = Names::of(&[(1, "an"), (2, "binh"), (2, "bao"), (3, "chi")]);
    Arc::new(Names { is_uneven: true, ..names })
}

fn gives(join: &Join, names: &Arc<Names>, events: &[Event], expected: &[Row]) {
    let build = || join.operator(names);
    Harness::new(&build, vec![LEFT.into()]).gives(events, expected);
}

#[test]
fn all_partners_are_given_in_the_order_of_the_left_rows() {
    let events = [
        insert(0, order(10, 1)),
        insert(0, order(11, 2)),
        watermark(0, 5),
        insert(0, order(12, None)),
        insert(0, order(13, 9)),
        insert(0, order(14, 3)),
        insert(0, order(15, 2)),
    ];
    let matched = [
        row("+I", named(10, 1, "an")),
        row("+I", named(11, 2, "binh")),
        row("+I", named(11, 2, "bao")),
        row("+I", named(14, 3, "chi")),
        row("+I", named(15, 2, "binh")),
        row("+I", named(15, 2, "bao")),
    ];
    gives(&inner(), &names(), &events, &matched);

    let mut padded = matched.to_vec();
    padded.insert(3, row("+I", nameless(12, None)));
    padded.insert(4, row("+I", nameless(13, 9)));
    gives(&left(), &names(), &events, &padded);
}

#[test]
fn a_condition_is_judged_on_the_rows_that_were_found() {
    let fields = [("id", DataType::BigInt), ("key", DataType::BigInt)];
    let fields = fields.into_iter().chain([("key", DataType::BigInt), ("name", DataType::STRING)]);
    let scope = fields.map(|(name, of)| InputColumn { name: name.into(), column_type: of.nullable() });
    let mut exprs = ExprGraph::new(scope.collect());
    let name = exprs.add(Expr::Column(3), DataType::STRING.nullable());
    let bao = exprs.add(Expr::Literal(Value::Text("bao".into())), DataType::STRING.nullable());
    let is_bao = exprs.add(Expr::Compare(Comparison::Equal, name, bao), DataType::Boolean.nullable());
    let condition = Some(Predicate { exprs, conditions: vec![is_bao] });

    let events = [insert(0, order(10, 1)), insert(0, order(11, 2)), insert(0, order(12, None))];
    let matched = [row("+I", named(11, 2, "bao"))];
    gives(&Join { condition: condition.clone(), ..inner() }, &names(), &events, &matched);
    let padded = [row("+I", nameless(10, 1)), matched[0].clone(), row("+I", nameless(12, None))];
    gives(&Join { condition, ..left() }, &names(), &events, &padded);
}

#[test]
fn rows_that_do_not_equal_the_key_in_all_columns_are_no_partners() {
    let literal = (1, LookupKey::Literal(Value::Text("binh".into())));
    let join = Join { keys: vec![(0, LookupKey::Field(1)), literal], ..left() };
    let events = [insert(0, order(10, 1)), insert(0, order(11, 2))];
    gives(&join, &names(), &events, &[row("+I", nameless(10, 1)), row("+I", named(11, 2, "binh"))]);

    let null = (1, LookupKey::Literal(Value::Null));
    let join = Join { keys: vec![(0, LookupKey::Field(1)), null], ..inner() };
    gives(&join, &names(), &events, &[]);
}

#[test]
fn left_rows_that_are_updated_take_back_what_they_gave() {
    let names = Arc::new(Names::of(&[(1, "an"), (2, "binh")]));
    let join = Join { kept_by: Some(vec![0]), ..left() };
    let events = [
        change(0, "+I", order(10, 1)),
        change(0, "+I", order(11, 2)),
        change(0, "-U", order(10, 1)),
        change(0, "+U", order(10, 2)),
        change(0, "-D", order(11, 2)),
        change(0, "-U", order(10, 2)),
        change(0, "+U", order(10, 7)),
        change(0, "-D", order(99, 1)),
    ];
    let expected = [
        row("+I", named(10, 1, "an")),
        row("+I", named(11, 2, "binh")),
        row("-D", named(10, 1, "an")),
        row("+I", named(10, 2, "binh")),
        row("-D", named(11, 2, "binh")),
        row("-D", named(10, 2, "binh")),
        row("+I", nameless(10, 7)),
    ];
    gives(&join, &names, &events, &expected);

    let build = || join.operator(&names);
    let keyed = Harness::new(&build, vec![LEFT.into()]).keyed(vec![vec![0]]);
    keyed.ends_with(&events, &standing(&expected));
}
