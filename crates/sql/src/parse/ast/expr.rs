//! Expressions, calls and the windows of `OVER`.

use types::{DataType, Value};

use super::{Ident, OrderItem, Query, TypeName};
use crate::error::Span;
use crate::expr::{CastMode, Comparison};

#[derive(Debug, Clone)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) span: Span,
    /// Levels of the tree from this node down, queries included; the parser limits it.
    pub(crate) depth: u16,
}

#[derive(Debug, Clone)]
pub(crate) enum ExprKind {
    /// `a`, `t.a`, `a.field.field`.
    Name(Vec<Ident>),
    Literal {
        value: Value,
        data_type: DataType,
    },
    /// `ARRAY[…]`, which may be empty.
    Array(Vec<Expr>),
    /// `MAP['a', 1, 'b', 2]`: keys and values.
    Map(Vec<(Expr, Expr)>),
    /// `ROW(a, b)` and `(a, b)`.
    Row(Vec<Expr>),
    /// `input[index]`.
    Index(Box<Expr>, Box<Expr>),
    /// `expr.field` after an expression that is not a plain name: `arr[1].f`, `f(x).g`.
    Field(Box<Expr>, Ident),
    Negate(Box<Expr>),
    Not(Box<Expr>),
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// `first + a - b …`: operators that bind alike, from left to right.
    Arithmetic {
        first: Box<Expr>,
        rest: Vec<Term>,
    },
    Is {
        input: Box<Expr>,
        test: Truth,
        negated: bool,
    },
    IsDistinct {
        left: Box<Expr>,
        right: Box<Expr>,
        negated: bool,
    },
    In {
        input: Box<Expr>,
        list: Vec<Expr>,
        negated: bool,
    },
    Between {
        input: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
        negated: bool,
        symmetric: bool,
    },
    /// `LIKE` and `SIMILAR TO`; the arguments are the input, the pattern and optionally the escape.
    Matches {
        function: &'static str,
        args: Vec<Expr>,
        negated: bool,
    },
    Case {
        operand: Option<Box<Expr>>,
        branches: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    Cast {
        input: Box<Expr>,
        target: TypeName,
        mode: CastMode,
    },
    Call(Call),
    /// `EXISTS (query)`.
    Exists(Box<Query>),
    /// A query in parentheses, used as a value.
    Subquery(Box<Query>),
    /// `x [NOT] IN (query)` or `(x, y) IN (query)`, where the left side is a `Row`.
    InQuery {
        input: Box<Expr>,
        query: Box<Query>,
        negated: bool,
    },
    /// `x > ANY (query)` or `x > ALL (query)`; SOME is a synonym of ANY.
    Quantified {
        op: Comparison,
        all: bool,
        input: Box<Expr>,
        query: Box<Query>,
    },
}

/// An operator and its right operand.
#[derive(Debug, Clone)]
pub(crate) struct Term {
    /// `+ - * / % ||`.
    pub(crate) operator: &'static str,
    pub(crate) operand: Expr,
    /// Span of the operation: from the first operand of the chain to this one.
    pub(crate) span: Span,
}

/// A function call.
///
/// Keywords between arguments become text literals: `EXTRACT(HOUR FROM x)` is `EXTRACT('HOUR', x)`. The null
/// behaviour in `JSON_OBJECTAGG(KEY k VALUE v NULL ON NULL)` and similar calls becomes the last argument,
/// 'NULL' or 'ABSENT'.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) name: Ident,
    pub(crate) args: Vec<Expr>,
    /// `COUNT(*)`.
    pub(crate) star: bool,
    pub(crate) distinct: bool,
    pub(crate) filter: Option<Box<Expr>>,
    /// `f(…) [IGNORE NULLS | RESPECT NULLS] OVER …`.
    pub(crate) over: Option<Box<OverWindow>>,
    /// True for `IGNORE NULLS`.
    pub(crate) ignore_nulls: Option<bool>,
    /// `WITHIN GROUP (ORDER BY …)`.
    pub(crate) within_group: Vec<OrderItem>,
    /// Names of arguments written as `name => value`; empty if none is named.
    pub(crate) arg_names: Vec<Option<Ident>>,
    /// The type of `JSON_VALUE(… RETURNING type)`, unless it is a text.
    pub(crate) returning: Option<Box<TypeName>>,
}

/// The window of an `OVER`, or of `WINDOW name AS (…)`.
#[derive(Debug, Clone)]
pub(crate) struct OverWindow {
    /// The name in `OVER w` (then all other fields are empty) or in `OVER (w …)`.
    pub(crate) base: Option<Ident>,
    pub(crate) partition_by: Vec<Expr>,
    pub(crate) order_by: Vec<OrderItem>,
    pub(crate) frame: Option<Frame>,
}

#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) unit: FrameUnit,
    pub(crate) start: FrameBound,
    /// `CURRENT ROW` if only the start is given.
    pub(crate) end: FrameBound,
    pub(crate) span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrameUnit {
    Rows,
    Range,
}

#[derive(Debug, Clone)]
pub(crate) enum FrameBound {
    UnboundedPreceding,
    Preceding(Expr),
    CurrentRow,
    Following(Expr),
    UnboundedFollowing,
}

/// The test of an `IS`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Truth {
    Null,
    True,
    False,
}

impl ExprKind {
    /// Returns the direct subexpressions, but not those of a contained query: see [`ExprKind::query`].
    pub(crate) fn children(&self) -> Vec<&Expr> {
        match self {
            ExprKind::Name(_) | ExprKind::Literal { .. } | ExprKind::Exists(_) | ExprKind::Subquery(_) => {
                vec![]
            }
            ExprKind::Array(items) | ExprKind::Row(items) | ExprKind::All(items) | ExprKind::Any(items) => {
                items.iter().collect()
            }
            ExprKind::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
            ExprKind::Index(a, b) | ExprKind::Compare(_, a, b) => vec![a, b],
            ExprKind::Arithmetic { first, rest } => {
                std::iter::once(&**first).chain(rest.iter().map(|term| &term.operand)).collect()
            }
            ExprKind::Negate(a) | ExprKind::Not(a) | ExprKind::Field(a, _) => vec![a],
            ExprKind::Is { input, .. }
            | ExprKind::Cast { input, .. }
            | ExprKind::InQuery { input, .. }
            | ExprKind::Quantified { input, .. } => vec![input],
            ExprKind::IsDistinct { left, right, .. } => vec![left, right],
            ExprKind::In { input, list, .. } => std::iter::once(&**input).chain(list).collect(),
            ExprKind::Between { input, low, high, .. } => vec![input, low, high],
            ExprKind::Matches { args, .. } => args.iter().collect(),
            ExprKind::Case { operand, branches, otherwise } => {
                let ends = operand.iter().chain(otherwise).map(|e| &**e);
                branches.iter().flat_map(|(when, then)| [when, then]).chain(ends).collect()
            }
            ExprKind::Call(call) => {
                let mut parts: Vec<&Expr> = call.args.iter().chain(call.filter.as_deref()).collect();
                parts.extend(call.within_group.iter().map(|item| &item.expr));
                parts.extend(call.over.iter().flat_map(|over| over.exprs()));
                parts
            }
        }
    }

    /// Returns the query directly inside this expression.
    pub(crate) fn query(&self) -> Option<&Query> {
        match self {
            ExprKind::Exists(query)
            | ExprKind::Subquery(query)
            | ExprKind::InQuery { query, .. }
            | ExprKind::Quantified { query, .. } => Some(query),
            _ => None,
        }
    }

    /// Returns the number of levels below this expression.
    pub(crate) fn depth(&self) -> u16 {
        let query = self.query().map_or(0, |query| query.depth);
        self.children().into_iter().map(|child| child.depth).fold(query, u16::max)
    }
}

impl Call {
    /// Creates a call without arguments.
    pub(crate) fn new(name: Ident) -> Call {
        Call {
            name,
            args: vec![],
            star: false,
            distinct: false,
            filter: None,
            over: None,
            ignore_nulls: None,
            within_group: vec![],
            arg_names: vec![],
            returning: None,
        }
    }
}

impl OverWindow {
    /// Returns the expressions of all clauses.
    pub(crate) fn exprs(&self) -> Vec<&Expr> {
        let mut exprs: Vec<&Expr> = self.partition_by.iter().collect();
        exprs.extend(self.order_by.iter().map(|item| &item.expr));
        for bound in self.frame.iter().flat_map(|frame| [&frame.start, &frame.end]) {
            match bound {
                FrameBound::Preceding(expr) | FrameBound::Following(expr) => exprs.push(expr),
                FrameBound::UnboundedPreceding | FrameBound::CurrentRow | FrameBound::UnboundedFollowing => {}
            }
        }
        exprs
    }
}
