//! Bound expressions: resolved and typed, each distinct expression stored once.
//!
//! Nodes live in an [`ExprGraph`] and refer only to earlier nodes, so iterating in order of ids visits inputs
//! before their uses. Equal nodes share an id (hash-consing), so a subexpression that many queries share is
//! computed once.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use types::{ColumnType, Value};

use crate::functions::{Determinism, ScalarFunction};

/// The id of a node in an [`ExprGraph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExprId(pub u32);

/// Result of a failed conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CastMode {
    /// `CAST`: the job fails.
    Strict,
    /// `TRY_CAST`: null.
    Try,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The operation of a node. Logic is three-valued.
#[derive(Debug, Clone)]
pub enum Expr {
    /// An input column, by its index in the graph's scope.
    Column(usize),
    Literal(Value),
    And(ExprId, ExprId),
    Or(ExprId, ExprId),
    Not(ExprId),
    IsNull(ExprId),
    IsNotNull(ExprId),
    IsTrue(ExprId),
    IsNotTrue(ExprId),
    IsFalse(ExprId),
    IsNotFalse(ExprId),
    /// Both sides have the same physical form; the binder inserts casts.
    Compare(Comparison, ExprId, ExprId),
    /// `input IN (values)`. The values are non-null literals in the input's physical form. `has_null` says
    /// that the list also contained a null, so that a missing match gives null instead of false.
    In {
        input: ExprId,
        values: Arc<[Value]>,
        has_null: bool,
    },
    /// The first branch whose condition is true, otherwise `otherwise`. A branch is evaluated only for rows
    /// that reach it. `IF`, `COALESCE` and `NULLIF` are bound to this node too.
    Case {
        branches: Arc<[(ExprId, ExprId)]>,
        otherwise: ExprId,
    },
    /// A conversion to the node's type.
    Cast {
        input: ExprId,
        mode: CastMode,
    },
    /// A registered scalar function; the arguments have the types of its signature.
    Call {
        function: &'static ScalarFunction,
        args: Arc<[ExprId]>,
    },
}

/// A node: an operation and the type of its result.
#[derive(Debug, Clone)]
pub struct Node {
    pub expr: Expr,
    pub column_type: ColumnType,
}

/// An input column of a graph's scope.
#[derive(Debug, Clone, PartialEq)]
pub struct InputColumn {
    /// Name for display, such as `user.user_type` or `COUNT(*)`.
    pub name: String,
    pub column_type: ColumnType,
}

/// Hash-consed expressions over one scope of input columns.
#[derive(Clone, Default)]
pub struct ExprGraph {
    pub inputs: Vec<InputColumn>,
    nodes: Vec<Node>,
    index: HashMap<String, ExprId>,
}

impl ExprGraph {
    pub fn new(inputs: Vec<InputColumn>) -> ExprGraph {
        ExprGraph { inputs, nodes: Vec::new(), index: HashMap::new() }
    }

    /// Adds a node, or returns an equal existing one. Random functions such as `RAND` equal no other node.
    pub fn add(&mut self, expr: Expr, column_type: ColumnType) -> ExprId {
        let id = ExprId(self.nodes.len() as u32);
        if !is_random(&expr) {
            let key = format!("{}:{}", identity(&expr), column_type);
            if let Some(&id) = self.index.get(&key) {
                return id;
            }
            self.index.insert(key, id);
        }
        self.nodes.push(Node { expr, column_type });
        id
    }

    pub fn node(&self, id: ExprId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.node(id).expr
    }

    pub fn column_type(&self, id: ExprId) -> &ColumnType {
        &self.node(id).column_type
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Iterates over all nodes; operands come before their uses.
    pub fn iter(&self) -> impl Iterator<Item = (ExprId, &Node)> {
        self.nodes.iter().enumerate().map(|(i, node)| (ExprId(i as u32), node))
    }

    /// Returns the direct operands of a node.
    pub fn operands(&self, id: ExprId) -> Vec<ExprId> {
        match self.expr(id) {
            Expr::Column(_) | Expr::Literal(_) => vec![],
            Expr::And(a, b) | Expr::Or(a, b) | Expr::Compare(_, a, b) => vec![*a, *b],
            Expr::Not(a)
            | Expr::IsNull(a)
            | Expr::IsNotNull(a)
            | Expr::IsTrue(a)
            | Expr::IsNotTrue(a)
            | Expr::IsFalse(a)
            | Expr::IsNotFalse(a)
            | Expr::In { input: a, .. }
            | Expr::Cast { input: a, .. } => vec![*a],
            Expr::Case { branches, otherwise } => {
                branches.iter().flat_map(|(when, then)| [*when, *then]).chain([*otherwise]).collect()
            }
            Expr::Call { args, .. } => args.to_vec(),
        }
    }

    /// Returns whether one of the expressions exceeds the size limits when written out as a tree. Later steps
    /// walk expressions as trees.
    pub(crate) fn is_too_large(&self, ids: impl Iterator<Item = ExprId>) -> bool {
        let mut sizes: Vec<(u32, u32)> = Vec::with_capacity(self.nodes.len());
        for id in 0..self.nodes.len() as u32 {
            let (mut depth, mut nodes) = (0u32, 1u32);
            for operand in self.operands(ExprId(id)) {
                let (below, of_operand) = sizes[operand.0 as usize];
                depth = depth.max(below);
                nodes = nodes.saturating_add(of_operand);
            }
            sizes.push((depth.saturating_add(1), nodes));
        }
        ids.into_iter().any(|id| {
            let (depth, nodes) = sizes[id.0 as usize];
            depth > crate::graph::MAX_DEPTH || nodes > crate::graph::MAX_NODES
        })
    }

    /// Returns a text that identifies the computation in every compilation, whatever else the script
    /// contains. Inputs appear by name, never by number. State is found by this text after a restart.
    pub fn digest(&self, id: ExprId) -> String {
        let of = |id: &ExprId| self.digest(*id);
        match self.expr(id) {
            Expr::Column(index) => format!("`{}`", self.inputs[*index].name),
            Expr::Literal(value) => format!("{value:?}:{}", self.column_type(id)),
            Expr::And(a, b) => format!("({} AND {})", of(a), of(b)),
            Expr::Or(a, b) => format!("({} OR {})", of(a), of(b)),
            Expr::Not(a) => format!("NOT({})", of(a)),
            Expr::IsNull(a) => format!("({} IS NULL)", of(a)),
            Expr::IsNotNull(a) => format!("({} IS NOT NULL)", of(a)),
            Expr::IsTrue(a) => format!("({} IS TRUE)", of(a)),
            Expr::IsNotTrue(a) => format!("({} IS NOT TRUE)", of(a)),
            Expr::IsFalse(a) => format!("({} IS FALSE)", of(a)),
            Expr::IsNotFalse(a) => format!("({} IS NOT FALSE)", of(a)),
            Expr::Compare(op, a, b) => format!("({} {op:?} {})", of(a), of(b)),
            Expr::In { input, values, has_null } => format!("({} IN {values:?} {has_null})", of(input)),
            Expr::Case { branches, otherwise } => {
                let branches: Vec<String> =
                    branches.iter().map(|(when, then)| format!("{} THEN {}", of(when), of(then))).collect();
                format!("CASE({} ELSE {})", branches.join(", "), of(otherwise))
            }
            Expr::Cast { input, mode } => format!("{mode:?}({} AS {})", of(input), self.column_type(id)),
            Expr::Call { function, args } => {
                let args: Vec<String> = args.iter().map(of).collect();
                format!("{}({})", function.name, args.join(", "))
            }
        }
    }
}

/// Prints the same text in every process, because operator identities derive from it; the unordered index is
/// left out.
impl fmt::Debug for ExprGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExprGraph").field("inputs", &self.inputs).field("nodes", &self.nodes).finish()
    }
}

fn is_random(expr: &Expr) -> bool {
    matches!(expr, Expr::Call { function, .. } if function.determinism == Determinism::Never)
}

/// Returns the identity of a node: floats by their bits, functions by name.
fn identity(expr: &Expr) -> String {
    match expr {
        Expr::Literal(Value::Double(v)) => format!("Double({:x})", v.to_bits()),
        Expr::Call { function, args } => format!("{}{args:?}", function.name),
        other => format!("{other:?}"),
    }
}
