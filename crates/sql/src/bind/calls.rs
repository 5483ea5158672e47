//! Calls whose results need more than one row: aggregates, `OVER` calls, and subqueries used as values.
//!
//! An expression refers to such a call by its number; a later step of the SELECT computes the result. Equal
//! aggregates share a number, and so do equal `OVER` calls. A [`CallCollector`] knows which kinds a clause allows: by
//! default, neither aggregates nor `OVER` calls. While the arguments of a call are bound, another call of its kind is
//! refused, and an `OVER` call in an aggregate too: aggregates are computed first.

use super::aggregate::BoundAggregate;
use super::over::OverCall;
use super::subquery::QueryValue;

/// Largest number of aggregates in one query. A limit is needed because each new call is compared with all
/// earlier ones.
pub(super) const MAX_AGGREGATES: usize = 10_000;

/// Collects the calls of a SELECT's expressions.
#[derive(Default)]
pub(super) struct CallCollector {
    aggregates: Vec<BoundAggregate>,
    overs: Vec<OverCall>,
    values: Vec<QueryValue>,
    allows_aggregates: bool,
    allows_overs: bool,
    /// Whether `OVER` calls are allowed around the aggregate whose arguments are being bound.
    allows_overs_around: bool,
}

/// The calls of a SELECT, indexed by their numbers.
pub(super) struct Calls {
    pub(super) aggregates: Vec<BoundAggregate>,
    pub(super) overs: Vec<OverCall>,
    pub(super) values: Vec<QueryValue>,
}

impl CallCollector {
    pub(super) fn allow_aggregates(self) -> CallCollector {
        CallCollector { allows_aggregates: true, ..self }
    }

    pub(super) fn allow_overs(self) -> CallCollector {
        CallCollector { allows_overs: true, ..self }
    }

    /// Begins an aggregate: until it ends, others and `OVER` calls are refused. Returns whether this one is allowed.
    pub(super) fn begin_aggregate(&mut self) -> bool {
        if !self.allows_aggregates {
            return false;
        }
        self.allows_aggregates = false;
        self.allows_overs_around = std::mem::take(&mut self.allows_overs);
        true
    }

    pub(super) fn end_aggregate(&mut self) {
        self.allows_aggregates = true;
        self.allows_overs = self.allows_overs_around;
    }

    /// Begins an `OVER` call: until it ends, others are refused. Returns whether this one is allowed.
    pub(super) fn begin_over(&mut self) -> bool {
        std::mem::take(&mut self.allows_overs)
    }

    pub(super) fn end_over(&mut self) {
        self.allows_overs = true;
    }

    /// Returns the number of the aggregate; `None` if there are too many.
    pub(super) fn collect_aggregate(&mut self, aggregate: &BoundAggregate) -> Option<usize> {
        let same = |other: &BoundAggregate| {
            other.function == aggregate.function
                && other.args == aggregate.args
                && other.distinct == aggregate.distinct
                && other.filter == aggregate.filter
        };
        let number = self.aggregates.iter().position(same).unwrap_or_else(|| {
            self.aggregates.push(aggregate.clone());
            self.aggregates.len() - 1
        });
        (number < MAX_AGGREGATES).then_some(number)
    }

    /// Returns the number of the `OVER` call.
    pub(super) fn collect_over(&mut self, over: &OverCall) -> usize {
        let same = |other: &OverCall| {
            other.function == over.function
                && other.args == over.args
                && other.distinct == over.distinct
                && other.filter == over.filter
                && other.window == over.window
        };
        self.overs.iter().position(same).unwrap_or_else(|| {
            self.overs.push(over.clone());
            self.overs.len() - 1
        })
    }

    /// Returns the number of the subquery.
    pub(super) fn collect_value(&mut self, value: QueryValue) -> usize {
        self.values.push(value);
        self.values.len() - 1
    }

    pub(super) fn values(&self) -> &[QueryValue] {
        &self.values
    }

    /// Returns the calls that were collected.
    pub(super) fn into_calls(self) -> Calls {
        Calls { aggregates: self.aggregates, overs: self.overs, values: self.values }
    }
}
