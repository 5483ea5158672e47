//! From the operators of a plan to those that run.

use sql::plan::Settings;
use sql::plan::operator::{Operator as Spec, OperatorKind};

use super::calc::CalcOperator;
use super::chain::Operator;
use super::expand::ExpandOperator;
use super::group_aggregate::GroupAggregateOperator;
use super::interval_join::IntervalJoinOperator;
use super::join::JoinOperator;
use super::limit::LimitOperator;
use super::normalize::NormalizeOperator;
use super::union::UnionOperator;

/// The operator that does what the plan says.
///
/// # Errors
/// A literal argument that a function does not accept, or an operator that does not exist.
pub fn operator(spec: &Spec, settings: &Settings) -> Result<Box<dyn Operator>, String> {
    let (name, inputs, ttl) = (spec.name.clone(), &spec.inputs, spec.state_ttl);
    let time_zone = &settings.time_zone;
    Ok(match &spec.kind {
        OperatorKind::Calc(of) => Box::new(CalcOperator::new(name, of, time_zone)?),
        OperatorKind::Expand(of) => Box::new(ExpandOperator::new(&name, of, inputs)?),
        OperatorKind::GroupAggregate(of) => Box::new(GroupAggregateOperator::new(name, of, inputs, ttl)?),
        OperatorKind::Normalize(of) => Box::new(NormalizeOperator::new(name, of, inputs, ttl)),
        OperatorKind::Union => Box::new(UnionOperator::new(inputs.len())),
        OperatorKind::Limit(of) => Box::new(LimitOperator::new(name, of, inputs, ttl)?),
        OperatorKind::Join(of) => Box::new(JoinOperator::new(name, of, inputs, ttl, time_zone)?),
        OperatorKind::IntervalJoin(of) => Box::new(IntervalJoinOperator::new(name, of, inputs, time_zone)?),
        _ => return Err(format!("`{name}` is not supported")),
    })
}
