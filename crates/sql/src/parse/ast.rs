//! What the parser understood, before any name is resolved. Every node has its place.

use types::{ColumnType, DataType, Value};

use crate::error::Span;
use crate::expr::{CastMode, Comparison};

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
    pub(crate) query: Select,
}

#[derive(Debug)]
pub(crate) struct Insert {
    pub(crate) table: ObjectName,
    pub(crate) hints: Vec<Hint>,
    pub(crate) columns: Vec<Ident>,
    pub(crate) query: Select,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) struct Select {
    /// `WITH name AS (…)`.
    pub(crate) with: Vec<CreateView>,
    /// Those behind `SELECT`.
    pub(crate) hints: Vec<Hint>,
    pub(crate) items: Vec<SelectItem>,
    pub(crate) from: From,
    pub(crate) filter: Option<Expr>,
    pub(crate) group_by: Option<GroupBy>,
    pub(crate) having: Option<Expr>,
    pub(crate) span: Span,
}

/// `SELECT … [LIMIT n]` as a statement.
#[derive(Debug)]
pub(crate) struct TopQuery {
    pub(crate) query: Select,
    pub(crate) limit: Option<u64>,
    /// Its first token.
    pub(crate) head: Span,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) enum SelectItem {
    Expr {
        expr: Expr,
        alias: Option<Ident>,
    },
    /// `*`, or `t.*` with its qualifier.
    Star {
        qualifier: Option<Ident>,
        span: Span,
    },
}

#[derive(Debug)]
pub(crate) struct GroupBy {
    pub(crate) items: Vec<Expr>,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) struct From {
    pub(crate) kind: FromKind,
    pub(crate) alias: Option<Ident>,
    /// `AS t (a, b)`.
    pub(crate) columns: Vec<Ident>,
}

/// What a `/*+ … */` asks for.
#[derive(Debug, Clone)]
pub(crate) struct Hint {
    /// In upper case.
    pub(crate) name: String,
    /// Keys and values of `OPTIONS`.
    pub(crate) options: Vec<(Text, Text)>,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) enum FromKind {
    Table(ObjectName, Vec<Hint>),
    Subquery(Box<Select>),
    Window(Box<WindowCall>),
    /// Rows that are written out. One row without columns is what a `SELECT` without `FROM` reads.
    Values(Vec<Vec<Expr>>),
}

/// `TABLE(TUMBLE(…))`.
#[derive(Debug)]
pub(crate) struct WindowCall {
    pub(crate) function: Ident,
    pub(crate) args: Vec<WindowArg>,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) struct WindowArg {
    /// `SIZE => …`.
    pub(crate) name: Option<Ident>,
    pub(crate) value: WindowArgValue,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) enum WindowArgValue {
    Table(From),
    Descriptor(Vec<Ident>),
    Expr(Expr),
}

#[derive(Debug, Clone)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) span: Span,
    /// Levels below and with this one; bounded by the parser, so that whoever walks the tree may recurse.
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
    Array(Vec<Expr>),
    /// `input[index]`.
    Index(Box<Expr>, Box<Expr>),
    Negate(Box<Expr>),
    Not(Box<Expr>),
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// `+ - * / % ||`.
    Arithmetic(&'static str, Box<Expr>, Box<Expr>),
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
    /// `LIKE` and `SIMILAR TO`; the arguments are input, pattern and perhaps the escape.
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
}

#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) name: Ident,
    pub(crate) args: Vec<Expr>,
    /// `COUNT(*)`.
    pub(crate) star: bool,
    pub(crate) distinct: bool,
    pub(crate) filter: Option<Box<Expr>>,
}

/// What an `IS` asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Truth {
    Null,
    True,
    False,
}

impl ExprKind {
    /// The direct parts.
    pub(crate) fn children(&self) -> Vec<&Expr> {
        match self {
            ExprKind::Name(_) | ExprKind::Literal { .. } => vec![],
            ExprKind::Array(items) | ExprKind::All(items) | ExprKind::Any(items) => items.iter().collect(),
            ExprKind::Index(a, b) | ExprKind::Compare(_, a, b) | ExprKind::Arithmetic(_, a, b) => vec![a, b],
            ExprKind::Negate(a) | ExprKind::Not(a) => vec![a],
            ExprKind::Is { input, .. } | ExprKind::Cast { input, .. } => vec![input],
            ExprKind::IsDistinct { left, right, .. } => vec![left, right],
            ExprKind::In { input, list, .. } => std::iter::once(&**input).chain(list).collect(),
            ExprKind::Between { input, low, high, .. } => vec![input, low, high],
            ExprKind::Matches { args, .. } => args.iter().collect(),
            ExprKind::Case { operand, branches, otherwise } => {
                let ends = operand.iter().chain(otherwise).map(|e| &**e);
                branches.iter().flat_map(|(when, then)| [when, then]).chain(ends).collect()
            }
            ExprKind::Call(call) => call.args.iter().chain(call.filter.as_deref()).collect(),
        }
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

impl Select {
    /// All items.
    pub(crate) fn items_span(&self) -> Span {
        self.items.first().map_or(self.span, |first| first.span().to(self.items[self.items.len() - 1].span()))
    }

    /// The item that gives an output column; all of them where a `*` makes that unclear.
    pub(crate) fn item_span(&self, column: usize, columns: usize) -> Span {
        if columns == self.items.len() { self.items[column].span() } else { self.items_span() }
    }
}
