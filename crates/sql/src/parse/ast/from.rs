//! Table references: tables, subqueries, table functions, joins and `MATCH_RECOGNIZE`.

use super::{Expr, Hint, Ident, ObjectName, OrderItem, Query};
use crate::error::Span;

/// A table reference.
///
/// Joins are lists in script order, and a comma is a CROSS join. The right side of a comma is a join only if
/// that join would have another meaning over both sides of the comma (RIGHT, FULL, NATURAL, USING).
#[derive(Debug, Clone)]
pub(crate) struct From {
    pub(crate) kind: FromKind,
    pub(crate) alias: Option<Ident>,
    /// `AS t (a, b)`.
    pub(crate) columns: Vec<Ident>,
    pub(crate) span: Span,
    /// Levels of the tree from this node down, expressions included.
    pub(crate) depth: u16,
}

#[derive(Debug, Clone)]
pub(crate) enum FromKind {
    Table {
        name: ObjectName,
        hints: Vec<Hint>,
        /// `FOR SYSTEM_TIME AS OF expr`, which precedes the alias.
        system_time: Option<Expr>,
    },
    Subquery(Box<Query>),
    /// `LATERAL (query)`.
    Lateral(Box<Query>),
    /// `TABLE(TUMBLE(…))`, or TUMBLE, HOP, CUMULATE or SESSION without `TABLE( )`.
    Window(Box<WindowCall>),
    /// `(VALUES (1, 'a'), …)`.
    Values {
        rows: Vec<Vec<Expr>>,
        span: Span,
    },
    /// `[LATERAL] UNNEST(expr) [WITH ORDINALITY]`.
    Unnest {
        expr: Expr,
        ordinality: bool,
        span: Span,
    },
    /// `[LATERAL] TABLE(f(args))` or `f(args)` for functions that are not windows: FROM_CHANGELOG,
    /// TO_CHANGELOG and user-defined functions.
    Function(Box<FunctionTable>),
    Joined(Box<Joined>),
    /// `table MATCH_RECOGNIZE (…)`.
    Match(Box<MatchRecognize>),
    /// `(a JOIN b ON …)` in parentheses.
    Nested(Box<From>),
}

#[derive(Debug, Clone)]
pub(crate) struct FunctionTable {
    pub(crate) function: Ident,
    /// Arguments as in a window call: a TABLE, a DESCRIPTOR or an expression, optionally named.
    pub(crate) args: Vec<WindowArg>,
    pub(crate) span: Span,
}

/// `TABLE(TUMBLE(…))`.
#[derive(Debug, Clone)]
pub(crate) struct WindowCall {
    pub(crate) function: Ident,
    pub(crate) args: Vec<WindowArg>,
    pub(crate) span: Span,
}

#[derive(Debug, Clone)]
pub(crate) struct WindowArg {
    /// `SIZE => …`.
    pub(crate) name: Option<Ident>,
    pub(crate) value: WindowArgValue,
    pub(crate) span: Span,
}

#[derive(Debug, Clone)]
#[allow(
    clippy::large_enum_variant,
    reason = "a call has few arguments, and most calls have a table among them"
)]
pub(crate) enum WindowArgValue {
    Table { from: From, partition_by: Vec<Expr>, order_by: Vec<OrderItem> },
    Descriptor(Vec<Ident>),
    Expr(Expr),
}

/// `first JOIN a … JOIN b …`, from left to right.
#[derive(Debug, Clone)]
pub(crate) struct Joined {
    pub(crate) first: From,
    pub(crate) joins: Vec<Join>,
}

/// A join without its left side.
#[derive(Debug, Clone)]
pub(crate) struct Join {
    pub(crate) kind: AstJoinKind,
    pub(crate) right: From,
    pub(crate) constraint: JoinConstraint,
    /// Span of the join's keywords, or of the comma.
    pub(crate) span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AstJoinKind {
    Inner,
    Left,
    Right,
    Full,
    Cross,
}

#[derive(Debug, Clone)]
pub(crate) enum JoinConstraint {
    None,
    On(Expr),
    Using(Vec<Ident>),
    Natural,
}

/// `table MATCH_RECOGNIZE (…)`.
#[derive(Debug, Clone)]
pub(crate) struct MatchRecognize {
    pub(crate) input: From,
    pub(crate) partition_by: Vec<Expr>,
    pub(crate) order_by: Vec<OrderItem>,
    /// `MEASURES expr AS name`.
    pub(crate) measures: Vec<(Expr, Ident)>,
    /// `ALL ROWS PER MATCH`.
    pub(crate) all_rows: Option<Span>,
    pub(crate) after_match: Option<AstAfterMatch>,
    pub(crate) pattern: Pattern,
    /// `WITHIN INTERVAL …`.
    pub(crate) within: Option<Expr>,
    /// `SUBSET u = (a, b)`.
    pub(crate) subsets: Vec<(Ident, Vec<Ident>)>,
    pub(crate) define: Vec<(Ident, Expr)>,
    pub(crate) span: Span,
}

/// `AFTER MATCH SKIP …`.
#[derive(Debug, Clone)]
pub(crate) enum AstAfterMatch {
    PastLastRow,
    ToNextRow,
    ToFirst(Ident),
    /// `TO LAST b`, or `TO b`.
    ToLast(Ident),
}

#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    pub(crate) kind: PatternKind,
    pub(crate) span: Span,
}

#[derive(Debug, Clone)]
pub(crate) enum PatternKind {
    Variable(Ident),
    Concat(Vec<Pattern>),
    /// `a | b`.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "refused by the binder; the parser's tests look inside")
    )]
    Alternation(Vec<Pattern>),
    /// `(a b)`.
    Group(Box<Pattern>),
    /// `a*`, `a+`, `a?`, `a{2}`, `a{2,}`, `a{2,3}`, or `a{,3}` (without `has_min`); a second `?` makes it
    /// reluctant.
    Quantified {
        inner: Box<Pattern>,
        min: u32,
        max: Option<u32>,
        has_min: bool,
        reluctant: bool,
    },
    /// `{- a -}`.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "refused by the binder; the parser's tests look inside")
    )]
    Exclusion(Box<Pattern>),
    /// `PERMUTE(a, b)`.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "refused by the binder; the parser's tests look inside")
    )]
    Permute(Vec<Pattern>),
}

impl FromKind {
    /// Returns the number of levels below this table reference.
    pub(crate) fn depth(&self) -> u16 {
        let deepest = |exprs: Vec<&Expr>| exprs.into_iter().map(|expr| expr.depth).max().unwrap_or(0);
        match self {
            FromKind::Table { system_time, .. } => system_time.as_ref().map_or(0, |time| time.depth),
            FromKind::Subquery(query) | FromKind::Lateral(query) => query.depth,
            FromKind::Window(call) => args_depth(&call.args),
            FromKind::Function(call) => args_depth(&call.args),
            FromKind::Values { rows, .. } => deepest(rows.iter().flatten().collect()),
            FromKind::Unnest { expr, .. } => expr.depth,
            FromKind::Joined(joined) => {
                joined.joins.iter().map(Join::depth).fold(joined.first.depth, u16::max)
            }
            FromKind::Match(matching) => matching.input.depth.max(deepest(matching.exprs())),
            FromKind::Nested(from) => from.depth,
        }
    }
}

fn args_depth(args: &[WindowArg]) -> u16 {
    let depths = args.iter().map(|arg| match &arg.value {
        WindowArgValue::Table { from, partition_by, order_by } => {
            let exprs = partition_by.iter().chain(order_by.iter().map(|item| &item.expr));
            exprs.map(|expr| expr.depth).fold(from.depth, u16::max)
        }
        WindowArgValue::Descriptor(_) => 0,
        WindowArgValue::Expr(expr) => expr.depth,
    });
    depths.max().unwrap_or(0)
}

impl Join {
    /// Returns the number of levels of the right side and the condition.
    pub(crate) fn depth(&self) -> u16 {
        match &self.constraint {
            JoinConstraint::On(condition) => self.right.depth.max(condition.depth),
            JoinConstraint::None | JoinConstraint::Using(_) | JoinConstraint::Natural => self.right.depth,
        }
    }
}

impl MatchRecognize {
    /// Returns the expressions of all clauses.
    pub(crate) fn exprs(&self) -> Vec<&Expr> {
        let mut exprs: Vec<&Expr> = self.partition_by.iter().collect();
        exprs.extend(self.order_by.iter().map(|item| &item.expr));
        exprs.extend(self.measures.iter().map(|(measure, _)| measure));
        exprs.extend(&self.within);
        exprs.extend(self.define.iter().map(|(_, condition)| condition));
        exprs
    }
}
