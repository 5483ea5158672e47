//! Layout: the parts of a pipeline's state, determined once from the plan.
//!
//! Queries with the same window, filter and keys share one *unit* of state. Keys and distinct arguments are
//! *domains* of codes. Where the keys and filters of several units are functions of a common small key, one
//! *base* takes each row once and is folded into these units before anything is read.

mod base;
mod build;
mod identity;
mod requests;
mod unit;

use sql::expr::{ExprGraph, ExprId};
use sql::plan::{Aggregate, AggregateFunction, Pipeline, Settings, Shape, Window};
use types::{DataType, Interval, Repr};

use crate::aggregate::domain::DomainSpec;
use crate::aggregate::table::TableSpec;

use base::gcd;
pub use base::{Base, Derived};
pub use identity::{Identities, UnitIdentity};
pub(crate) use unit::{align, last_window_end, next_window_end, window_offset, window_start};
pub use unit::{slice_end, slice_step};

/// A pipeline's state and the expressions computed for each row.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The pipeline's graph, with the expressions that the layout added.
    pub graph: ExprGraph,
    pub args: Vec<ArgSpec>,
    pub domains: Vec<DomainSpec>,
    pub units: Vec<Unit>,
    pub base: Option<Base>,
    /// One per query of the pipeline.
    pub queries: Vec<QueryLayout>,
    pub identities: Identities,
}

/// An argument of aggregates, computed for each row.
#[derive(Debug, Clone, PartialEq)]
pub struct ArgSpec {
    pub expr: ExprId,
    pub repr: Repr,
    /// Whether it is summed as a double, and so is needed in the fixed form too.
    pub fixed: bool,
}

/// Queries with the same window, filter and keys.
#[derive(Debug, Clone)]
pub struct Unit {
    pub window: Window,
    /// Conditions evaluated for each row.
    pub row_filter: Vec<ExprId>,
    /// Conditions that depend only on the keys: evaluated once per group.
    pub key_filter: Vec<ExprId>,
    /// The domain of each key, in the order of the query's keys.
    pub keys: Vec<usize>,
    /// The keys and states of the unit's tables.
    pub table: TableSpec,
    /// Indices of the pipeline's queries.
    pub queries: Vec<usize>,
    /// Whether the base takes its rows.
    pub derived: bool,
    pub history: History,
}

/// The origin of a query's state: nothing, or a unit of a snapshot. Queries with different histories cannot
/// share state, since one would lack rows of the other's past.
pub type History = Option<usize>;

#[derive(Debug, Clone)]
pub enum QueryLayout {
    /// Rows go directly to the sink.
    Rows {
        filter: Vec<ExprId>,
        columns: Vec<ExprId>,
    },
    Aggregate {
        unit: usize,
        results: Vec<ResultSpec>,
    },
}

/// How an aggregate call's result is read from its unit's states; the numbers are indexes of states.
#[derive(Debug, Clone, PartialEq)]
pub enum ResultSpec {
    /// `COUNT(*)`.
    Rows,
    Count(usize),
    Sum(usize, DataType),
    /// The average of an argument of the first type, in the second type.
    Avg(usize, DataType, DataType),
    Pick(usize, DataType),
    Percentile(usize, f64),
    CountDistinct(usize),
    SumDistinct(usize, DataType),
    AvgDistinct(usize, DataType, DataType),
    PercentileDistinct(usize, f64),
}

/// A plan that this engine cannot run although SQL allows it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LayoutError(pub String);

impl Unit {
    /// Returns whether its state holds codes of a domain.
    pub fn refers_to(&self, domain: usize) -> bool {
        self.keys.contains(&domain)
            || self.table.keys.contains(&domain)
            || self.table.states.iter().any(|state| state.domain() == Some(domain))
    }
}

impl Layout {
    /// Lays out the state of a pipeline that starts from nothing.
    pub fn new(pipeline: &Pipeline, settings: &Settings) -> Result<Layout, LayoutError> {
        Layout::with_histories(pipeline, settings, &|_| None)
    }

    /// Lays out the state of a pipeline; `history` returns the origin of each query's state.
    pub fn with_histories(
        pipeline: &Pipeline,
        settings: &Settings,
        history: &dyn Fn(usize) -> History,
    ) -> Result<Layout, LayoutError> {
        let mut layout = Layout {
            graph: pipeline.exprs.clone(),
            args: Vec::new(),
            domains: Vec::new(),
            units: Vec::new(),
            base: None,
            queries: Vec::new(),
            identities: Identities::default(),
        };

        for (index, query) in pipeline.queries.iter().enumerate() {
            let query = match &query.shape {
                Shape::Rows { columns } => {
                    QueryLayout::Rows { filter: query.filter.clone(), columns: columns.clone() }
                }
                Shape::Aggregate(aggregate) => {
                    let unit = layout.unit(aggregate, &query.filter, index, history(index))?;
                    let results = aggregate
                        .aggregates
                        .iter()
                        .map(|call| layout.result(unit, call))
                        .collect::<Result<Vec<ResultSpec>, LayoutError>>()?;
                    QueryLayout::Aggregate { unit, results }
                }
            };
            layout.queries.push(query);
        }

        layout.choose_base();
        layout.identify(pipeline, settings);
        Ok(layout)
    }

    /// Returns the expressions needed for every row that passes the common filter: conditions, arguments,
    /// keys, columns.
    pub fn row_exprs(&self) -> Vec<ExprId> {
        let mut exprs: Vec<ExprId> = self.args.iter().map(|arg| arg.expr).collect();
        exprs.extend(self.domains.iter().filter_map(|domain| domain.expr()));
        exprs.extend(self.units.iter().flat_map(|unit| unit.row_filter.iter().copied()));
        for query in &self.queries {
            if let QueryLayout::Rows { filter, columns } = query {
                exprs.extend(filter.iter().chain(columns).copied());
            }
        }
        exprs.sort_unstable();
        exprs.dedup();
        exprs
    }

    /// Returns the conditions that are evaluated once per group.
    pub fn key_exprs(&self) -> Vec<ExprId> {
        let mut exprs: Vec<ExprId> =
            self.units.iter().flat_map(|unit| unit.key_filter.iter().copied()).collect();
        if let Some(base) = &self.base {
            exprs.extend(base.derived.iter().flat_map(|derived| derived.filter.iter().copied()));
        }
        exprs.sort_unstable();
        exprs.dedup();
        exprs
    }

    /// Returns the grid on which all windows end, in milliseconds: watermarks between the same two points of
    /// it make the same rows late. Returns `None` if no query has windows. `zoned`: the windows follow the
    /// wall clock of a time zone, whose offset from UTC is whole seconds.
    pub fn lateness_grain(&self, lateness: Interval, zoned: bool) -> Option<i64> {
        let start = if zoned { gcd(lateness.0, 1_000) } else { lateness.0 };
        let of_unit = |unit: &Unit| {
            let size = unit::window_size(unit.window).0;
            gcd(gcd(unit::slice_step(unit.window), unit::window_offset(unit.window)), size)
        };
        (!self.units.is_empty())
            .then(|| self.units.iter().fold(start, |grain, unit| gcd(grain, of_unit(unit))))
    }

    /// Returns the length of the longest window: how long a row's state lives at most before the end of its
    /// last window. (The caller's lateness determines how long it lives after that.)
    pub fn longest_window(&self) -> Interval {
        self.units.iter().map(|unit| unit::window_size(unit.window)).max().unwrap_or(Interval::ZERO)
    }
}

impl Unit {
    /// Returns whether results depend on the order in which rows come.
    pub fn is_ordered(&self) -> bool {
        self.table.states.iter().any(|state| state.is_ordered())
    }
}

/// Returns whether an aggregate is over distinct values; for MIN, MAX, FIRST and LAST it makes no difference.
fn is_distinct(call: &Aggregate) -> bool {
    call.distinct
        && matches!(
            call.function,
            AggregateFunction::Count
                | AggregateFunction::Sum
                | AggregateFunction::Avg
                | AggregateFunction::Percentile(_)
        )
}
