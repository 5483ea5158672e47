//! Tests of the regular join.

mod changelog;
mod inner;
mod property;
mod state;

use jiff::tz::TimeZone;
use sql::expr::{Comparison, Expr, ExprGraph, InputColumn};
use sql::plan::operator::{
    Changes as ChangeMode, Distribution, Field, Input, Join, JoinKey, JoinKind, Predicate,
};
use types::{DataType, Interval, Repr, Scalar, Value};

use super::shape::RIGHT;
use super::*;
use crate::operator::changes::RowKind;
use crate::operator::harness::Harness;

/// Returns two inputs of fields `k` and `v`, both `BIGINT`.
pub(crate) fn inputs() -> Vec<Input> {
    inputs_of(&["k", "v"])
}

/// Returns two inputs of `BIGINT` fields.
pub(crate) fn inputs_of(names: &[&str]) -> Vec<Input> {
    let field = |name: &&str| Field { name: (*name).to_owned(), column_type: DataType::BigInt.nullable() };
    let input = Input {
        fields: names.iter().map(field).collect(),
        distribution: Distribution::Hash(vec![0]),
        changes: ChangeMode::Retract,
    };
    vec![input.clone(), input]
}

pub(crate) const FORMS: [Repr; 2] = [Repr::Int, Repr::Int];

/// Builds a comparison of two fields of a pair: 0 and 1 are the left ones, 2 and 3 the right ones.
pub(crate) fn compares(comparison: Comparison, a: usize, b: usize) -> Predicate {
    compares_in(&inputs(), comparison, a, b)
}

pub(crate) fn compares_in(inputs: &[Input], comparison: Comparison, a: usize, b: usize) -> Predicate {
    let bigint = DataType::BigInt.nullable();
    let fields = inputs.iter().flat_map(|input| &input.fields);
    let column = |field: &Field| InputColumn { name: field.name.clone(), column_type: bigint.clone() };
    let mut exprs = ExprGraph::new(fields.map(column).collect());
    let a = exprs.add(Expr::Column(a), bigint.clone());
    let b = exprs.add(Expr::Column(b), bigint);
    let compare = exprs.add(Expr::Compare(comparison, a, b), DataType::Boolean.nullable());
    Predicate { exprs, conditions: vec![compare] }
}

pub(crate) const BY_K: JoinKey = JoinKey { left: 0, right: 0, nulls_match: false };

/// Builds `a JOIN b ON a.k = b.k`.
fn by_key(kind: JoinKind) -> Join {
    Join { kind, keys: vec![BY_K], condition: None, null_aware: false, unique: [false, false] }
}

fn operator_of(join: &Join, ttl: Option<i64>) -> Box<dyn Operator> {
    let ttl = [ttl.map(Interval); 2];
    Box::new(JoinOperator::new("join".into(), join, &inputs(), &ttl, &TimeZone::UTC).unwrap())
}

/// Runs a test over a join, partitioned by the keys that may partition it.
fn with_harness(join: &Join, test: impl FnOnce(&Harness<'_>)) {
    let build = || operator_of(join, None);
    let harness = Harness::new(&build, vec![FORMS.to_vec(), FORMS.to_vec()]);
    let spreads = if join.null_aware { &join.keys[..join.keys.len() - 1] } else { &join.keys[..] };
    let by = |side: fn(&JoinKey) -> usize| spreads.iter().map(side).collect::<Vec<usize>>();
    match spreads.is_empty() {
        true => test(&harness),
        false => test(&harness.keyed(vec![by(|key| key.left), by(|key| key.right)])),
    }
}

/// Returns the values of a row; `None` is null.
pub(crate) fn values<const N: usize>(row: [Option<i64>; N]) -> Vec<Value> {
    row.into_iter().map(|value| value.map_or(Value::Null, Value::Int)).collect()
}
