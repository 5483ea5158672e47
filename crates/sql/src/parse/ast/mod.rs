//! The syntax tree of a script before names are resolved. Every node has a span.
//!
//! This file holds statements; queries and expressions have files of their own. A tree has at most 100
//! levels: each [`Query`], [`From`] and [`Expr`] stores the number of its levels, and the parser refuses
//! deeper nodes. Therefore code that walks a tree may recurse.

mod expr;
mod from;
mod query;

pub(crate) use expr::{Call, Expr, ExprKind, Frame, FrameBound, FrameUnit, OverWindow, Term, Truth};
pub(crate) use from::{
    AstAfterMatch, AstJoinKind, From, FromKind, FunctionTable, Join, JoinConstraint, Joined, MatchRecognize,
    Pattern, PatternKind, WindowArg, WindowArgValue, WindowCall,
};
pub(crate) use query::{
    AstSetOperator, CommonTable, GroupBy, GroupItem, Limit, OrderItem, Query, QueryBody, Select, SelectItem,
    SetOperation, SetOperations,
};

use types::ColumnType;

use crate::error::Span;

#[derive(Debug, Clone)]
pub(crate) struct Ident {
    pub(crate) value: String,
    pub(crate) span: Span,
}

/// A name such as `catalog.database.name`; only the last part is used.
#[derive(Debug, Clone)]
pub(crate) struct ObjectName {
    pub(crate) parts: Vec<Ident>,
}

impl ObjectName {
    pub(crate) fn last(&self) -> &Ident {
        self.parts.last().expect("a name has at least one part")
    }

    pub(crate) fn span(&self) -> Span {
        self.parts[0].span.to(self.last().span)
    }
}

#[derive(Debug)]
pub(crate) enum Statement {
    CreateTable(CreateTable),
    CreateView(CreateView),
    Insert(Insert),
    Set {
        key: Text,
        value: Text,
    },
    /// A table or view whose declaration did not parse; its name is kept so that uses are not reported as
    /// unknown.
    Unreadable(Ident),
    /// A query whose rows a client fetches.
    Query(TopQuery),
    /// `EXPLAIN` of inserts, which are checked but not run.
    Explain {
        inserts: Vec<Insert>,
        span: Span,
    },
}

/// A quoted text and its span.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) value: String,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) struct CreateTable {
    pub(crate) name: Ident,
    pub(crate) if_not_exists: bool,
    pub(crate) columns: Vec<ColumnDef>,
    pub(crate) watermark: Option<WatermarkDef>,
    pub(crate) primary_key: Vec<Ident>,
    pub(crate) options: Vec<(Text, Text)>,
    pub(crate) options_span: Span,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) struct ColumnDef {
    pub(crate) name: Ident,
    pub(crate) kind: ColumnKind,
}

#[derive(Debug)]
pub(crate) enum ColumnKind {
    Physical(TypeName),
    /// `METADATA [FROM 'key'] [VIRTUAL]`.
    Metadata {
        type_name: TypeName,
        key: Option<Text>,
        is_virtual: bool,
    },
    Computed(Expr),
}

#[derive(Debug)]
pub(crate) struct WatermarkDef {
    /// A path of several parts if the column is a nested field.
    pub(crate) column: Vec<Ident>,
    pub(crate) expr: Expr,
}

#[derive(Debug, Clone)]
pub(crate) struct TypeName {
    pub(crate) column_type: ColumnType,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) struct CreateView {
    pub(crate) name: Ident,
    pub(crate) if_not_exists: bool,
    /// Whether an existing view of this name is replaced.
    pub(crate) or_replace: bool,
    pub(crate) columns: Vec<Ident>,
    pub(crate) query: Query,
}

#[derive(Debug)]
pub(crate) struct Insert {
    pub(crate) table: ObjectName,
    pub(crate) hints: Vec<Hint>,
    pub(crate) columns: Vec<Ident>,
    pub(crate) query: Query,
    /// The query with all of its parentheses.
    pub(crate) query_span: Span,
    pub(crate) on_conflict: Option<OnConflict>,
    pub(crate) span: Span,
}

/// `ON CONFLICT DO …`: how an INSERT treats rows whose key another row already has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OnConflict {
    pub(crate) action: ConflictAction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConflictAction {
    Deduplicate,
    Nothing,
    Error,
}

/// A query as a statement.
#[derive(Debug)]
pub(crate) struct TopQuery {
    pub(crate) query: Query,
    /// Span of the first token.
    pub(crate) head: Span,
    pub(crate) span: Span,
}

/// One hint in a `/*+ … */`.
#[derive(Debug, Clone)]
pub(crate) struct Hint {
    /// Name in upper case.
    pub(crate) name: String,
    /// Arguments of the form `'key' = 'value'`.
    pub(crate) options: Vec<(Text, Text)>,
    /// Other arguments: table names, texts and numbers.
    pub(crate) names: Vec<Ident>,
    pub(crate) span: Span,
}
