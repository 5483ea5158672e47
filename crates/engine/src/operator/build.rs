//! Builds the running operators from the operators of a plan.

use std::sync::Arc;

use sql::plan::Settings;
use sql::plan::operator::{Operator as Spec, OperatorKind};

use super::calc::CalcOperator;
use super::chain::Operator;
use super::changelog::{FromChangelogOperator, ToChangelogOperator};
use super::deduplicate::DeduplicateOperator;
use super::expand::ExpandOperator;
use super::group_aggregate::GroupAggregateOperator;
use super::interval_join::IntervalJoinOperator;
use super::join::JoinOperator;
use super::limit::LimitOperator;
use super::lookup_join::LookupJoinOperator;
use super::match_recognize::MatchOperator;
use super::materialize::MaterializeOperator;
use super::normalize::NormalizeOperator;
use super::over::OverOperator;
use super::rank::RankOperator;
use super::set_operation::SetOperationOperator;
use super::sort::SortOperator;
use super::temporal_join::TemporalJoinOperator;
use super::union::UnionOperator;
use super::unnest::UnnestOperator;
use super::window_aggregate::WindowAggregateOperator;
use super::window_assign::WindowAssignOperator;
use super::window_join::WindowJoinOperator;
use super::window_rank::WindowRankOperator;
use crate::connector::LookupFactory;

/// Builds the operator that the plan describes. `lookup` is the table that a lookup join queries.
///
/// # Errors
/// A function does not accept its literal argument, the plan names an operator that does not exist, or a
/// table cannot be opened.
pub fn operator(
    spec: &Spec,
    settings: &Settings,
    lookup: Option<&Arc<dyn LookupFactory>>,
) -> Result<Box<dyn Operator>, String> {
    let (name, inputs) = (spec.name.clone(), &spec.inputs);
    let ttl = spec.state_ttl.first().copied().flatten();
    let time_zone = &settings.time_zone;

    Ok(match &spec.kind {
        OperatorKind::Calc(of) => Box::new(CalcOperator::new(name, of, time_zone)?),
        OperatorKind::Expand(of) => Box::new(ExpandOperator::new(&name, of, inputs)?),
        OperatorKind::GroupAggregate(of) => {
            Box::new(GroupAggregateOperator::new(name, of, inputs, ttl, settings.updates)?)
        }
        OperatorKind::Normalize(of) => Box::new(NormalizeOperator::new(name, of, inputs, ttl, time_zone)),
        OperatorKind::Union => Box::new(UnionOperator::new(inputs.len())),
        OperatorKind::Limit(of) => Box::new(LimitOperator::new(name, of, inputs, ttl)?),
        OperatorKind::Join(of) => Box::new(JoinOperator::new(name, of, inputs, &spec.state_ttl, time_zone)?),
        OperatorKind::IntervalJoin(of) => Box::new(IntervalJoinOperator::new(name, of, inputs, time_zone)?),
        OperatorKind::WindowJoin(of) => Box::new(WindowJoinOperator::new(name, of, inputs, time_zone)?),
        OperatorKind::TemporalJoin(of) => {
            Box::new(TemporalJoinOperator::new(name, of, inputs, ttl, time_zone)?)
        }
        OperatorKind::WindowAssign(of) => Box::new(WindowAssignOperator::new(name, of, inputs, time_zone)?),
        OperatorKind::WindowAggregate(of) => {
            Box::new(WindowAggregateOperator::new(name, of, inputs, time_zone)?)
        }
        OperatorKind::Deduplicate(of) => Box::new(DeduplicateOperator::new(name, of, inputs, ttl)),
        OperatorKind::SetOperation(of) => Box::new(SetOperationOperator::new(name, of, inputs, ttl)),
        OperatorKind::Materialize(of) => Box::new(MaterializeOperator::new(name, of, inputs, ttl)),
        OperatorKind::Rank(of) => Box::new(RankOperator::new(name, of, inputs, ttl, settings.updates)?),
        OperatorKind::WindowRank(of) => Box::new(WindowRankOperator::new(name, of, inputs, time_zone)?),
        OperatorKind::Sort(of) => Box::new(SortOperator::new(name, of, inputs)),
        OperatorKind::Over(of) => Box::new(OverOperator::new(name, of, inputs, ttl)?),
        OperatorKind::Unnest(of) => Box::new(UnnestOperator::new(name, of, inputs, time_zone)?),
        OperatorKind::FromChangelog(of) => Box::new(FromChangelogOperator::new(name, of)),
        OperatorKind::ToChangelog(of) => Box::new(ToChangelogOperator::new(of)),
        OperatorKind::Match(of) => Box::new(MatchOperator::new(name, of, inputs, time_zone)?),
        OperatorKind::LookupJoin(of) => {
            let table = lookup.ok_or_else(|| format!("`{name}` has no table to ask"))?;
            Box::new(LookupJoinOperator::new(name, of, inputs, table, ttl, time_zone)?)
        }
    })
}
