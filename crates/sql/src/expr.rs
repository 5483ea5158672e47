//! Bound expressions: typed, resolved, and each distinct one held once.
//!
//! Nodes live in an [`ExprGraph`] and refer to earlier nodes only, so a walk in order of ids meets every input before
//! its use. Equal nodes get the same id (hash-consing): what fifteen queries have in common is computed once.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use types::{ColumnType, Value};

use crate::functions::{Determinism, Function};

/// A node of an [`ExprGraph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExprId(pub u32);

/// How a failed conversion ends.
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

/// What a node computes. Logic is three-valued.
#[derive(Debug, Clone)]
pub enum Expr {
    /// An input column of the graph's scope, by its place.
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
    /// Both sides have one physical form (the binder inserts casts).
    Compare(Comparison, ExprId, ExprId),
    /// `input IN (values)`; values are literals of the input's form, null excluded. `has_null`: a null stood among them,
    /// so that no match is null instead of false.
    In {
        input: ExprId,
        values: Arc<[Value]>,
        has_null: bool,
    },
    /// The first branch whose condition is true, else `otherwise`. Branches are evaluated only for the rows that reach
    /// them. `IF`, `COALESCE` and `NULLIF` are bound to this too.
    Case {
        branches: Arc<[(ExprId, ExprId)]>,
        otherwise: ExprId,
    },
    /// Conversion to the node's type.
    Cast {
        input: ExprId,
        mode: CastMode,
    },
    /// A scalar function of the registry; the arguments have the types its signature asked for.
    Call {
        function: &'static Function,
        args: Arc<[ExprId]>,
    },
}

/// A node: what it computes and the type of the result.
#[derive(Debug, Clone)]
pub struct Node {
    pub expr: Expr,
    pub column_type: ColumnType,
}

/// An input column of a graph's scope.
#[derive(Debug, Clone, PartialEq)]
pub struct InputColumn {
    /// For people: `user.user_type`, `COUNT(*)`.
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

    /// Adds a node, or finds the equal one already there. Calls of `RAND` and the like equal none.
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

    /// Every node in order of dependency.
    pub fn iter(&self) -> impl Iterator<Item = (ExprId, &Node)> {
        self.nodes.iter().enumerate().map(|(i, node)| (ExprId(i as u32), node))
    }

    /// The direct inputs of a node.
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

    /// Whether one of the expressions, written out as a tree, is beyond the bounds that hold everywhere: those who come
    /// later may walk it as a tree.
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

    /// A text that is the same for the same computation in every compilation, whatever else the script holds: inputs by
    /// name, nothing by number. State is found again by it after a restart.
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

/// The same text in every process: the identities of operators are made of it. The index has no order of its own.
impl fmt::Debug for ExprGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExprGraph").field("inputs", &self.inputs).field("nodes", &self.nodes).finish()
    }
}

fn is_random(expr: &Expr) -> bool {
    matches!(expr, Expr::Call { function, .. } if function.determinism == Determinism::Never)
}

/// Equality of nodes: floats by their bits, functions by name.
fn identity(expr: &Expr) -> String {
    match expr {
        Expr::Literal(Value::Double(v)) => format!("Double({:x})", v.to_bits()),
        Expr::Call { function, args } => format!("{}{args:?}", function.name),
        other => format!("{other:?}"),
    }
}
