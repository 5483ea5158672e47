//! Relational trees: what a query means, before it is decided how it runs.
//!
//! A node owns its expressions and says what its fields are; it holds nothing of the catalog but the number of the table
//! that a scan reads. Nodes do not change: a rule builds new ones, and two uses of a view share one node.
//!
//! ```text
//! Calc[k, c + 1]                      SELECT k, COUNT(*) + 1
//!  └ Aggregate[k: COUNT(*) AS c]      GROUP BY k
//!     └ Calc[k | i > 2]               WHERE i > 2
//!        └ Scan[t]                    FROM t
//! ```

mod build;
mod filter;
pub(crate) mod rebase;
pub(crate) mod times;

use std::sync::Arc;

use types::{ColumnType, Interval};

use crate::error::Span;
use crate::expr::{ExprGraph, ExprId};
use crate::plan::Window;
use crate::plan::operator::{
    AfterMatch, Call, Frame, FromChangelog, JoinKind, LookupHint, PatternExpr, PatternStep, SetOperator,
    SortKey, ToChangelog, WindowProperty,
};

/// A node with its inputs.
#[derive(Debug)]
pub(crate) struct Rel {
    pub(crate) kind: RelKind,
    pub(crate) inputs: Vec<Arc<Rel>>,
    pub(crate) fields: Vec<RelField>,
    /// The text that asks for it.
    pub(crate) span: Span,
}

/// A field of a node.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RelField {
    pub(crate) name: String,
    pub(crate) column_type: ColumnType,
    /// Whether event time or processing time can be told by it.
    pub(crate) time: Option<TimeAttribute>,
    /// Whether it is a bound of the row's window.
    pub(crate) window: Option<WindowBound>,
}

/// A field that a window table function added, however it is named by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WindowBound {
    pub(crate) which: WindowProperty,
    pub(crate) of: WindowKind,
}

/// The windows that a window table function makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WindowKind {
    pub(crate) shape: WindowShape,
    /// Whether the time is an instant, so that bounds are on the session's wall clock and time is not.
    pub(crate) is_instant: bool,
    /// Whether windows are those of processing time.
    pub(crate) is_processing: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeAttribute {
    /// It has a watermark.
    Event,
    Processing,
}

#[derive(Debug, Clone)]
pub(crate) enum RelKind {
    /// The leaves of a table, by its place in the catalog.
    Scan {
        table: usize,
    },
    /// Filters and computes.
    Calc(CalcRel),
    /// Rows by keys; gives the keys, then the results.
    Aggregate(AggregateRel),
    /// Rows with the columns of their windows.
    Window(WindowRel),
    Join(JoinRel),
    /// `FOR SYSTEM_TIME AS OF` a time of the left input. The right input is a table or view with a key.
    Temporal(TemporalRel),
    /// All rows of all inputs.
    Union,
    SetOperation {
        operator: SetOperator,
        all: bool,
    },
    /// Adds the results of calls behind the fields.
    Over(OverRel),
    /// `ORDER BY … LIMIT`.
    Sort(SortRel),
    /// The first rows of each partition; found by a rule.
    Rank(RankRel),
    Unnest(UnnestRel),
    /// Gives all fields, the code among them.
    FromChangelog(FromChangelog),
    /// Adds the code behind the fields.
    ToChangelog(ToChangelogRel),
    /// `MATCH_RECOGNIZE`: gives the partition's fields, then the measures.
    Match(Box<MatchRel>),
}

#[derive(Debug, Clone)]
pub(crate) struct CalcRel {
    /// Scope: the input's fields.
    pub(crate) exprs: ExprGraph,
    pub(crate) conditions: Vec<ExprId>,
    /// One a field.
    pub(crate) columns: Vec<ExprId>,
}

#[derive(Debug, Clone)]
pub(crate) struct AggregateRel {
    pub(crate) keys: Vec<usize>,
    /// `GROUPING SETS`: the places in `keys` that each set has; `None` where there is one set of all.
    pub(crate) sets: Option<Vec<Vec<usize>>>,
    /// Arguments are fields of the input.
    pub(crate) calls: Vec<Call>,
    /// `GROUP BY TUMBLE(…)`: adds `window_start`, `window_end` and `window_time` behind the results.
    pub(crate) window: Option<GroupWindow>,
    /// What a hint says of the input; `None`: as the settings say.
    pub(crate) state_ttl: Option<StateTtl>,
}

/// How long state is kept that nothing touches, as the hint `STATE_TTL` says; `None` in it: for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StateTtl(pub(crate) Option<Interval>);

/// A window of the old form, which is a key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupWindow {
    pub(crate) shape: WindowShape,
    /// The field of time.
    pub(crate) time: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WindowShape {
    Sliced(Window),
    Session { gap: Interval },
}

/// A window table function: adds `window_start`, `window_end` and `window_time`.
#[derive(Debug, Clone)]
pub(crate) struct WindowRel {
    pub(crate) shape: WindowShape,
    pub(crate) time: usize,
    /// The fields that sessions are partitioned by.
    pub(crate) partition: Vec<usize>,
}

#[derive(Debug, Clone)]
pub(crate) struct JoinRel {
    pub(crate) kind: JoinKind,
    /// Scope: the left fields, then the right ones.
    pub(crate) exprs: ExprGraph,
    pub(crate) conditions: Vec<ExprId>,
    /// See [`crate::plan::operator::Join::null_aware`]: the condition that compares.
    pub(crate) null_aware: Option<ExprId>,
    /// By side, what a hint says of it; `None`: as the settings say.
    pub(crate) state_ttl: [Option<StateTtl>; 2],
}

#[derive(Debug, Clone)]
pub(crate) struct TemporalRel {
    /// `Inner` or `Left`.
    pub(crate) kind: JoinKind,
    /// A field of the left input.
    pub(crate) time: usize,
    pub(crate) exprs: ExprGraph,
    pub(crate) conditions: Vec<ExprId>,
    /// Where the right input is looked up.
    pub(crate) hint: LookupHint,
}

#[derive(Debug, Clone)]
pub(crate) struct OverRel {
    pub(crate) partition: Vec<usize>,
    pub(crate) order: Vec<SortKey>,
    pub(crate) frame: Frame,
    pub(crate) calls: Vec<Call>,
}

#[derive(Debug, Clone)]
pub(crate) struct SortRel {
    pub(crate) order: Vec<SortKey>,
    pub(crate) offset: u64,
    pub(crate) limit: Option<u64>,
}

#[derive(Debug, Clone)]
pub(crate) struct RankRel {
    pub(crate) partition: Vec<usize>,
    pub(crate) order: Vec<SortKey>,
    pub(crate) from: u64,
    pub(crate) to: crate::plan::operator::RankEnd,
    pub(crate) with_number: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct UnnestRel {
    pub(crate) collection: usize,
    pub(crate) spreads_row: bool,
    pub(crate) ordinality: bool,
    pub(crate) outer: bool,
    /// Scope: all fields of the node.
    pub(crate) exprs: ExprGraph,
    pub(crate) conditions: Vec<ExprId>,
}

/// See [`crate::plan::operator::ToChangelog`].
#[derive(Debug, Clone)]
pub(crate) struct ToChangelogRel {
    pub(crate) changelog: ToChangelog,
    /// `on_time`, which takes new rows only: the text that asks for it.
    pub(crate) on_time: Option<Span>,
}

/// See [`crate::plan::operator::Match`].
#[derive(Debug, Clone)]
pub(crate) struct MatchRel {
    pub(crate) partition: Vec<usize>,
    /// The time first, ascending.
    pub(crate) order: Vec<SortKey>,
    pub(crate) pattern: Vec<PatternStep>,
    pub(crate) defines: Vec<Option<PatternExpr>>,
    pub(crate) measures: Vec<PatternExpr>,
    pub(crate) skip: AfterMatch,
    pub(crate) within: Option<Interval>,
}

impl Rel {
    /// The fields of the bounds of the rows' windows, if they are in windows: start and end.
    pub(crate) fn window_bounds(&self, among: &[usize]) -> Option<(usize, usize, WindowKind)> {
        let bound = |which: WindowProperty| {
            among.iter().find_map(|&field| {
                let bound = self.fields[field].window?;
                (bound.which == which).then_some((field, bound.of))
            })
        };
        let (start, kind) = bound(WindowProperty::Start)?;
        let (end, of_end) = bound(WindowProperty::End)?;
        (kind == of_end).then_some((start, end, kind))
    }

    /// The input of a node that has one.
    pub(crate) fn input(&self) -> &Arc<Rel> {
        &self.inputs[0]
    }

    /// The fields as the scope of expressions over the node.
    pub(crate) fn scope(&self) -> Vec<crate::expr::InputColumn> {
        let input = |field: &RelField| crate::expr::InputColumn {
            name: field.name.clone(),
            column_type: field.column_type.clone(),
        };
        self.fields.iter().map(input).collect()
    }
}
