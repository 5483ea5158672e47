//! Relational trees: the meaning of a query, before its execution is chosen.
//!
//! A node owns its expressions and describes its fields. Of the catalog it only holds the index of the table
//! that a scan reads. Nodes are immutable: a rule builds new nodes, and uses of a view share one node.
//!
//! ```text
//! Calc[k, c + 1]                      SELECT k, COUNT(*) + 1
//!  └ Aggregate[k: COUNT(*) AS c]      GROUP BY k
//!     └ Calc[k | i > 2]               WHERE i > 2
//!        └ Scan[t]                    FROM t
//! ```

mod build;
mod filter;
mod nulls;
pub(crate) mod reads;
pub(crate) mod rebase;
pub(crate) mod times;

use std::sync::Arc;

use types::{ColumnType, Interval};

use crate::error::Span;
use crate::expr::{ExprGraph, ExprId};
use crate::plan::Window;
use crate::plan::operator::{
    AfterMatch, AggregateCall, Frame, FromChangelog, JoinKind, LookupHint, PatternExpr, PatternStep,
    SetOperator, SortKey, ToChangelog, WindowProperty,
};

/// A node with its inputs.
#[derive(Debug)]
pub(crate) struct Rel {
    pub(crate) kind: RelKind,
    pub(crate) inputs: Vec<Arc<Rel>>,
    pub(crate) fields: Vec<RelField>,
    /// Number of nodes on the longest way down from this node.
    pub(crate) depth: u32,
    /// Span of the script that the node comes from.
    pub(crate) span: Span,
}

/// A field of a node.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RelField {
    pub(crate) name: String,
    pub(crate) column_type: ColumnType,
    /// The time attribute of the field, if it is one.
    pub(crate) time: Option<TimeAttribute>,
    /// The bound of the row's window that the field holds, if any.
    pub(crate) window: Option<WindowBound>,
}

/// A field that a window table function added; it may have been renamed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WindowBound {
    pub(crate) which: WindowProperty,
    pub(crate) of: WindowKind,
}

/// The windows of a window table function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WindowKind {
    pub(crate) shape: WindowShape,
    /// Whether the time is an instant; the bounds are in the session's wall-clock time even so.
    pub(crate) is_instant: bool,
    /// Whether windows are in processing time.
    pub(crate) is_processing: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeAttribute {
    /// Event time, with a watermark.
    Event,
    Processing,
}

#[derive(Debug, Clone)]
pub(crate) enum RelKind {
    /// The leaves of a table, given by its index in the catalog.
    Scan {
        table: usize,
    },
    /// Filters and projects.
    Calc(CalcRel),
    /// Groups rows by keys; the fields are the keys, then the results.
    Aggregate(AggregateRel),
    /// Adds the columns of each row's windows.
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
    /// Appends the results of calls to the fields.
    Over(OverRel),
    /// `ORDER BY … LIMIT`.
    Sort(SortRel),
    /// The first rows of each partition; only a rule creates this node.
    Rank(RankRel),
    Unnest(UnnestRel),
    /// Passes all fields on, including the code.
    FromChangelog(FromChangelog),
    /// Appends the code to the fields.
    ToChangelog(ToChangelogRel),
    /// `MATCH_RECOGNIZE`: the fields are the partition's fields, then the measures.
    Match(Box<MatchRel>),
}

#[derive(Debug, Clone)]
pub(crate) struct CalcRel {
    /// Expressions over the input's fields.
    pub(crate) exprs: ExprGraph,
    pub(crate) conditions: Vec<ExprId>,
    /// One expression for each field.
    pub(crate) columns: Vec<ExprId>,
}

#[derive(Debug, Clone)]
pub(crate) struct AggregateRel {
    pub(crate) keys: Vec<usize>,
    /// `GROUPING SETS`: indices into `keys` for each set; `None` for one set with all keys.
    pub(crate) sets: Option<Vec<Vec<usize>>>,
    /// Calls whose arguments are fields of the input.
    pub(crate) calls: Vec<AggregateCall>,
    /// `GROUP BY TUMBLE(…)`: appends `window_start`, `window_end` and `window_time` to the results.
    pub(crate) window: Option<GroupWindow>,
    /// The hinted TTL of the state; `None` to use the settings.
    pub(crate) state_ttl: Option<StateTtl>,
}

/// How long a `STATE_TTL` hint keeps state that is not accessed; the inner `None` means for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StateTtl(pub(crate) Option<Interval>);

/// A group window, which acts as a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupWindow {
    pub(crate) shape: WindowShape,
    /// The field of the time.
    pub(crate) time: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WindowShape {
    Sliced(Window),
    Session { gap: Interval },
}

/// A window table function: appends `window_start`, `window_end` and `window_time`.
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
    /// Expressions over the left fields, followed by the right ones.
    pub(crate) exprs: ExprGraph,
    pub(crate) conditions: Vec<ExprId>,
    /// The comparing condition; see [`crate::plan::operator::Join::null_aware`].
    pub(crate) null_aware: Option<ExprId>,
    /// For each side, the hinted TTL of its state; `None` to use the settings.
    pub(crate) state_ttl: [Option<StateTtl>; 2],
}

#[derive(Debug, Clone)]
pub(crate) struct TemporalRel {
    /// Either `Inner` or `Left`.
    pub(crate) kind: JoinKind,
    /// The time field of the left input.
    pub(crate) time: usize,
    pub(crate) exprs: ExprGraph,
    pub(crate) conditions: Vec<ExprId>,
    /// The hint for a lookup of the right input.
    pub(crate) hint: LookupHint,
}

#[derive(Debug, Clone)]
pub(crate) struct OverRel {
    pub(crate) partition: Vec<usize>,
    pub(crate) order: Vec<SortKey>,
    pub(crate) frame: Frame,
    pub(crate) calls: Vec<AggregateCall>,
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
    /// Expressions over all fields of the node.
    pub(crate) exprs: ExprGraph,
    pub(crate) conditions: Vec<ExprId>,
}

/// See [`crate::plan::operator::ToChangelog`].
#[derive(Debug, Clone)]
pub(crate) struct ToChangelogRel {
    pub(crate) changelog: ToChangelog,
    /// Span of the `on_time` argument, which requires that the input only has inserts.
    pub(crate) on_time: Option<Span>,
}

/// See [`crate::plan::operator::Match`].
#[derive(Debug, Clone)]
pub(crate) struct MatchRel {
    pub(crate) partition: Vec<usize>,
    /// The order, which begins with the time, ascending.
    pub(crate) order: Vec<SortKey>,
    pub(crate) pattern: Vec<PatternStep>,
    pub(crate) defines: Vec<Option<PatternExpr>>,
    pub(crate) measures: Vec<PatternExpr>,
    pub(crate) skip: AfterMatch,
    pub(crate) within: Option<Interval>,
}

impl Rel {
    /// Returns the fields among `among` that hold the start and end of the rows' windows, if both are there.
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

    /// Returns the only input of a node.
    pub(crate) fn input(&self) -> &Arc<Rel> {
        &self.inputs[0]
    }

    /// Returns the fields as inputs for expressions over the node.
    pub(crate) fn scope(&self) -> Vec<crate::expr::InputColumn> {
        let input = |field: &RelField| crate::expr::InputColumn {
            name: field.name.clone(),
            column_type: field.column_type.clone(),
        };
        self.fields.iter().map(input).collect()
    }
}
