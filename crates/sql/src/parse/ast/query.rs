//! Queries: `SELECT`, `VALUES`, set operations, and the clauses around them.

use super::{Expr, From, Hint, Ident, OverWindow};
use crate::error::Span;

/// A query: a body and the clauses around it.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// `WITH name [(columns)] AS (query)`.
    pub(crate) with: Vec<CommonTable>,
    pub(crate) body: QueryBody,
    pub(crate) order_by: Vec<OrderItem>,
    /// `LIMIT n` or `FETCH FIRST n ROWS ONLY`; `None` for `LIMIT ALL`.
    pub(crate) limit: Option<Limit>,
    /// `OFFSET n [ROWS]`.
    pub(crate) offset: Option<Limit>,
    pub(crate) span: Span,
    /// Levels of the tree from this node down, expressions included.
    pub(crate) depth: u16,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) rows: u64,
    /// Span of the clause including its keyword.
    pub(crate) span: Span,
}

#[derive(Debug, Clone)]
pub(crate) struct CommonTable {
    pub(crate) name: Ident,
    pub(crate) columns: Vec<Ident>,
    pub(crate) query: Query,
}

#[derive(Debug, Clone)]
pub(crate) enum QueryBody {
    Select(Box<Select>),
    /// `VALUES (…), (…)` as a query.
    Values {
        rows: Vec<Vec<Expr>>,
        span: Span,
    },
    SetOperations(Box<SetOperations>),
    /// A query in parentheses with its own WITH, ORDER BY or LIMIT.
    Nested(Box<Query>),
}

/// `first UNION [ALL] a EXCEPT b …`: operators that bind alike, from left to right. INTERSECT binds tighter
/// than UNION and EXCEPT.
#[derive(Debug, Clone)]
pub(crate) struct SetOperations {
    pub(crate) first: Query,
    pub(crate) rest: Vec<SetOperation>,
}

/// A set operator and its right operand.
#[derive(Debug, Clone)]
pub(crate) struct SetOperation {
    pub(crate) operator: AstSetOperator,
    /// True for `ALL`, which keeps duplicates.
    pub(crate) all: bool,
    pub(crate) right: Query,
    pub(crate) operator_span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AstSetOperator {
    Union,
    Intersect,
    Except,
}

#[derive(Debug, Clone)]
pub(crate) struct OrderItem {
    pub(crate) expr: Expr,
    pub(crate) descending: bool,
    /// True for `NULLS FIRST`, false for `NULLS LAST`.
    pub(crate) nulls_first: Option<bool>,
}

#[derive(Debug, Clone)]
pub(crate) struct Select {
    /// Hints behind `SELECT`.
    pub(crate) hints: Vec<Hint>,
    pub(crate) distinct: bool,
    pub(crate) items: Vec<SelectItem>,
    /// `None` for a SELECT without FROM, which has one row.
    pub(crate) from: Option<From>,
    pub(crate) filter: Option<Expr>,
    pub(crate) group_by: Option<GroupBy>,
    pub(crate) having: Option<Expr>,
    /// `WINDOW name AS (…)`.
    pub(crate) windows: Vec<(Ident, OverWindow)>,
    pub(crate) qualify: Option<Expr>,
    pub(crate) span: Span,
}

#[derive(Debug, Clone)]
pub(crate) enum SelectItem {
    Expr {
        expr: Expr,
        alias: Option<Ident>,
    },
    /// `*`, or `t.*` with a qualifier.
    Star {
        qualifier: Option<Ident>,
        span: Span,
    },
}

#[derive(Debug, Clone)]
pub(crate) struct GroupBy {
    pub(crate) items: Vec<GroupItem>,
    pub(crate) span: Span,
}

#[derive(Debug, Clone)]
pub(crate) enum GroupItem {
    Expr(Expr),
    /// `GROUPING SETS (…)`: each set is an item, which may be a nested ROLLUP, CUBE or GROUPING SETS.
    Sets {
        sets: Vec<GroupItem>,
    },
    /// `ROLLUP (a, (b, c))`: each element is a list of expressions.
    Rollup {
        elements: Vec<Vec<Expr>>,
    },
    Cube {
        elements: Vec<Vec<Expr>>,
    },
    /// `(a, b)` or `()`.
    Tuple {
        exprs: Vec<Expr>,
    },
}

impl Query {
    /// Returns whether the query has no clause besides its body.
    pub(crate) fn is_bare(&self) -> bool {
        self.with.is_empty() && self.order_by.is_empty() && self.limit.is_none() && self.offset.is_none()
    }

    /// Returns the span of all select items, or of the whole query for a set operation.
    pub(crate) fn items_span(&self) -> Span {
        match &self.body {
            QueryBody::Select(select) => select.items_span(),
            QueryBody::Values { span, .. } => *span,
            QueryBody::SetOperations(_) => self.span,
            QueryBody::Nested(query) => query.items_span(),
        }
    }

    /// Returns the span of the item for an output column, or of the whole query if that is unclear.
    pub(crate) fn item_span(&self, column: usize, columns: usize) -> Span {
        match &self.body {
            QueryBody::Select(select) => select.item_span(column, columns),
            QueryBody::Values { span, .. } => *span,
            QueryBody::SetOperations(_) => self.span,
            QueryBody::Nested(query) => query.item_span(column, columns),
        }
    }
}

impl SetOperation {
    /// Returns whether the operators of both operations have the same precedence.
    pub(crate) fn binds_like(&self, other: &SetOperation) -> bool {
        let is_intersect = |of: &SetOperation| of.operator == AstSetOperator::Intersect;
        is_intersect(self) == is_intersect(other)
    }
}

impl QueryBody {
    /// Returns the number of levels below this body.
    pub(crate) fn depth(&self) -> u16 {
        match self {
            QueryBody::Select(select) => select.depth(),
            QueryBody::Values { rows, .. } => rows.iter().flatten().map(|expr| expr.depth).max().unwrap_or(0),
            QueryBody::SetOperations(operations) => {
                let rest = operations.rest.iter().map(|operation| operation.right.depth);
                rest.fold(operations.first.depth, u16::max)
            }
            QueryBody::Nested(query) => query.depth,
        }
    }
}

impl Select {
    /// Returns the expressions of all clauses except FROM, in script order.
    pub(crate) fn exprs(&self) -> Vec<&Expr> {
        let mut exprs: Vec<&Expr> = vec![];
        exprs.extend(self.items.iter().filter_map(|item| match item {
            SelectItem::Expr { expr, .. } => Some(expr),
            SelectItem::Star { .. } => None,
        }));
        exprs.extend(&self.filter);
        if let Some(group_by) = &self.group_by {
            group_by.items.iter().for_each(|item| item.add_exprs(&mut exprs));
        }
        exprs.extend(&self.having);
        exprs.extend(self.windows.iter().flat_map(|(_, window)| window.exprs()));
        exprs.extend(&self.qualify);
        exprs
    }

    fn depth(&self) -> u16 {
        let exprs = self.exprs().into_iter().map(|expr| expr.depth).max().unwrap_or(0);
        self.from.as_ref().map_or(exprs, |from| from.depth.max(exprs))
    }

    /// Returns the span of all items.
    pub(crate) fn items_span(&self) -> Span {
        self.items.first().map_or(self.span, |first| first.span().to(self.items[self.items.len() - 1].span()))
    }

    /// Returns the span of the item for an output column, or of all items if a `*` makes that unclear.
    pub(crate) fn item_span(&self, column: usize, columns: usize) -> Span {
        if columns == self.items.len() { self.items[column].span() } else { self.items_span() }
    }
}

impl SelectItem {
    pub(crate) fn span(&self) -> Span {
        match self {
            SelectItem::Expr { expr, .. } => expr.span,
            SelectItem::Star { span, .. } => *span,
        }
    }
}

impl GroupItem {
    /// Appends the expressions of the item, including those of nested sets.
    pub(crate) fn add_exprs<'a>(&'a self, exprs: &mut Vec<&'a Expr>) {
        match self {
            GroupItem::Expr(expr) => exprs.push(expr),
            GroupItem::Sets { sets, .. } => sets.iter().for_each(|set| set.add_exprs(exprs)),
            GroupItem::Rollup { elements, .. } | GroupItem::Cube { elements, .. } => {
                exprs.extend(elements.iter().flatten());
            }
            GroupItem::Tuple { exprs: own, .. } => exprs.extend(own),
        }
    }
}
