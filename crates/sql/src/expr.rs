//! Bound expressions: resolved and typed, each distinct expression stored once.
//!
//! Nodes live in an [`ExprGraph`] and refer only to earlier nodes, so iterating in order of ids visits inputs
//! before their uses. Equal nodes share an id (hash-consing), so a subexpression that many queries share is
//! computed once.
//!
//! A chain such as `a + b + c + …` is a tree with thousands of levels, each in the left operand of the next:
//!
//! ```text
//!         +          A chain is no nesting, so its levels do not count as depth. Code that visits an
//!        / \         expression must not recurse once for each level: it uses the iterators of `order`.
//!       +   c
//!      / \
//!     a   b
//! ```

mod digest;
mod order;

use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
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

impl Comparison {
    /// Returns whether values of this order compare so.
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
        }
    }
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

/// Largest depth of an expression, which code may visit by recursion.
pub(crate) const MAX_DEPTH: u32 = 300;
/// Largest number of nodes of an expression that a script writes out.
pub(crate) const MAX_NODES: u32 = 100_000;
/// Largest number of nodes of an expression that grows by expanding views, as a tree. The texts that identify
/// expressions are as long as the trees.
const MAX_EXPANDED_NODES: u32 = 20_000;
/// Largest number of nodes of all expressions of a node, as trees.
const MAX_TOTAL_NODES: u32 = 1_000_000;

/// The size of an expression if it is written out as a tree.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TreeSize {
    /// Levels of nesting; the levels of a chain of operators count as one.
    pub(crate) depth: u32,
    pub(crate) nodes: u32,
}

/// Hash-consed expressions over one scope of input columns.
#[derive(Clone, Default)]
pub struct ExprGraph {
    pub inputs: Vec<InputColumn>,
    nodes: Vec<Node>,
    index: Box<Index>,
}

/// Facts about the nodes of a graph.
#[derive(Clone, Default)]
struct Index {
    sizes: Vec<TreeSize>,
    /// Nodes of the inputs, by input. An input has one type as a rule.
    columns: HashMap<usize, Vec<ExprId>>,
    /// All other nodes that can be shared, by identity and type.
    shared: HashMap<String, ExprId>,
}

impl ExprGraph {
    pub fn new(inputs: Vec<InputColumn>) -> ExprGraph {
        ExprGraph { inputs, ..ExprGraph::default() }
    }

    /// Adds a node, or returns an equal existing one. Random functions such as `RAND` equal no other node.
    pub fn add(&mut self, expr: Expr, column_type: ColumnType) -> ExprId {
        let id = ExprId(self.nodes.len() as u32);
        match &expr {
            Expr::Column(input) => {
                let nodes = self.index.columns.entry(*input).or_default();
                let is_same = |id: &&ExprId| self.nodes[id.0 as usize].column_type == column_type;
                if let Some(&known) = nodes.iter().find(is_same) {
                    return known;
                }
                nodes.push(id);
            }
            expr if is_random(expr) => {}
            expr => match self.index.shared.entry(format!("{}:{}", expr.identity(), column_type)) {
                Entry::Occupied(known) => return *known.get(),
                Entry::Vacant(free) => {
                    free.insert(id);
                }
            },
        }
        let size = self.size_over(&expr);
        self.index.sizes.push(size);
        self.nodes.push(Node { expr, column_type });
        id
    }

    /// Returns the size of an expression whose operands are in the graph.
    fn size_over(&self, expr: &Expr) -> TreeSize {
        let mut size = TreeSize { depth: 1, nodes: 1 };
        let continues_chain = expr.is_operator();
        let mut place = 0;
        expr.each_operand(&mut |operand| {
            let below = self.size(operand);
            let levels = if continues_chain && place == 0 { 0 } else { 1 };
            size.depth = size.depth.max(below.depth.saturating_add(levels));
            size.nodes = size.nodes.saturating_add(below.nodes);
            place += 1;
        });
        size
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
        let mut operands = vec![];
        self.expr(id).each_operand(&mut |operand| operands.push(operand));
        operands
    }

    /// Returns the size of an expression.
    pub(crate) fn size(&self, id: ExprId) -> TreeSize {
        self.index.sizes[id.0 as usize]
    }

    /// Returns whether expressions that grew by expanding views exceed the limits.
    pub(crate) fn is_too_large(&self, ids: impl Iterator<Item = ExprId>) -> bool {
        let mut total = 0u32;
        for size in ids.map(|id| self.size(id)) {
            total = total.saturating_add(size.nodes);
            if size.depth > MAX_DEPTH || size.nodes > MAX_EXPANDED_NODES || total > MAX_TOTAL_NODES {
                return true;
            }
        }
        false
    }
}

impl Expr {
    /// Calls `visit` with the direct operands, from left to right.
    fn each_operand(&self, visit: &mut dyn FnMut(ExprId)) {
        match self {
            Expr::Column(_) | Expr::Literal(_) => {}
            Expr::And(a, b) | Expr::Or(a, b) | Expr::Compare(_, a, b) => {
                visit(*a);
                visit(*b);
            }
            Expr::Not(a)
            | Expr::IsNull(a)
            | Expr::IsNotNull(a)
            | Expr::IsTrue(a)
            | Expr::IsNotTrue(a)
            | Expr::IsFalse(a)
            | Expr::IsNotFalse(a)
            | Expr::In { input: a, .. }
            | Expr::Cast { input: a, .. } => visit(*a),
            Expr::Case { branches, otherwise } => {
                for (when, then) in branches.iter() {
                    visit(*when);
                    visit(*then);
                }
                visit(*otherwise);
            }
            Expr::Call { args, .. } => args.iter().for_each(|arg| visit(*arg)),
        }
    }

    /// Returns a text that is the same for equal operations on equal operands: floats by their bits, functions by
    /// name.
    pub(crate) fn identity(&self) -> String {
        match self {
            Expr::Literal(Value::Double(v)) => format!("Double({:x})", v.to_bits()),
            Expr::Call { function, args } => format!("{}{args:?}", function.name),
            other => format!("{other:?}"),
        }
    }

    /// Returns whether this is a binary operator, such as `a + b`: a chain of them continues in the left
    /// operand.
    fn is_operator(&self) -> bool {
        matches!(self, Expr::Call { function, args } if function.is_operator() && args.len() == 2)
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
