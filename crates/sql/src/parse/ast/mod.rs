//! The syntax tree of a script, before any name is resolved. Every node has its place.
//!
//! Statements are here; queries and expressions have files of their own. A tree has at most 100 levels: each [`Query`],
//! [`From`] and [`Expr`] knows how many levels begin with it, and the parser refuses a node that has more. Code that
//! walks a tree may therefore recurse.

mod expr;
mod from;
mod query;

pub(crate) use expr::{Call, Expr, ExprKind, Frame, FrameBound, FrameUnit, OverWindow, Truth};
pub(crate) use from::{
    AfterMatch, From, FromKind, FunctionTable, Join, JoinConstraint, JoinKind, MatchRecognize, Pattern,
    PatternKind, WindowArg, WindowArgValue, WindowCall,
};
pub(crate) use query::{
    CommonTable, GroupBy, GroupItem, Limit, OrderItem, Query, QueryBody, Select, SelectItem, SetOperation,
    SetOperator,
};

use types::ColumnType;

use crate::error::Span;

#[derive(Debug, Clone)]
pub(crate) struct Ident {
    pub(crate) value: String,
    pub(crate) span: Span,
}

/// `catalog.database.name`; only the last part counts here.
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
    /// A table or view whose declaration could not be read, so that its name is not called unknown too.
    Unreadable(Ident),
    /// A query whose rows somebody fetches.
    Query(TopQuery),
    /// `EXPLAIN` of inserts: checked, not run.
    Explain {
        inserts: Vec<Insert>,
        span: Span,
    },
}

/// A quoted text and its place.
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
    /// A path where a nested field is named.
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
    /// Another view of this name is forgotten.
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
    pub(crate) on_conflict: Option<OnConflict>,
    pub(crate) span: Span,
}

/// What an INSERT does with a row whose key another row has: `ON CONFLICT DO …`.
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
    /// The first token.
    pub(crate) head: Span,
    pub(crate) span: Span,
}

/// A hint of a `/*+ … */`.
#[derive(Debug, Clone)]
pub(crate) struct Hint {
    /// In upper case.
    pub(crate) name: String,
    /// The arguments `'key' = 'value'`.
    pub(crate) options: Vec<(Text, Text)>,
    /// The other arguments: names of tables, texts and numbers.
    pub(crate) names: Vec<Ident>,
    pub(crate) span: Span,
}
