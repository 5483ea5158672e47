//! The graph while a script is bound: the expressions, and for each node what must be known of the inputs below it.
//!
//! Besides a source's leaves, the inputs of a pipeline's graph are the three columns that a window adds, and one for
//! each aggregate call. An expression of a `SELECT` over groups is bound into this graph like any other, and only then
//! split at its keys and aggregates (see `bind::group`).

use types::ColumnType;

use crate::expr::{Expr, ExprGraph, ExprId, InputColumn};

/// Bounds for what views may blow an expression up to, since everything behind may walk it as a tree.
const MAX_DEPTH: u32 = 300;
const MAX_NODES: u32 = 20_000;

/// Where an input comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Row,
    Window,
    /// The call's number in its query.
    Aggregate(usize),
}

/// What stands below a node.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Facts {
    depth: u32,
    /// Nodes, were it written out as a tree.
    nodes: u32,
    pub(crate) uses_row: bool,
    pub(crate) uses_window: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    pub(crate) exprs: ExprGraph,
    origins: Vec<Origin>,
    facts: Vec<Facts>,
}

impl Graph {
    pub(crate) fn add_input(&mut self, name: String, column_type: ColumnType, origin: Origin) -> ExprId {
        let index = self.exprs.inputs.len();
        self.exprs.inputs.push(InputColumn { name, column_type: column_type.clone() });
        self.origins.push(origin);
        self.add(Expr::Column(index), column_type)
    }

    pub(crate) fn origin(&self, input: usize) -> Origin {
        self.origins[input]
    }

    /// The places of `window_start`, `window_end` and `window_time`, if a window was opened.
    pub(crate) fn window_inputs(&self) -> impl Iterator<Item = usize> {
        self.origins.iter().enumerate().filter(|(_, origin)| **origin == Origin::Window).map(|(at, _)| at)
    }

    pub(crate) fn add(&mut self, expr: Expr, column_type: ColumnType) -> ExprId {
        let id = self.exprs.add(expr, column_type);
        if id.0 as usize == self.facts.len() {
            let facts = self.facts_of(id);
            self.facts.push(facts);
        }
        id
    }

    fn facts_of(&self, id: ExprId) -> Facts {
        let mut facts = Facts { depth: 1, nodes: 1, ..Facts::default() };
        if let Expr::Column(input) = self.exprs.expr(id) {
            facts.uses_row = self.origins[*input] == Origin::Row;
            facts.uses_window = self.origins[*input] == Origin::Window;
        }
        for operand in self.exprs.operands(id) {
            let below = self.facts(operand);
            facts.depth = facts.depth.max(below.depth.saturating_add(1));
            facts.nodes = facts.nodes.saturating_add(below.nodes);
            facts.uses_row |= below.uses_row;
            facts.uses_window |= below.uses_window;
        }
        facts
    }

    pub(crate) fn facts(&self, id: ExprId) -> Facts {
        self.facts[id.0 as usize]
    }

    /// Whether the expression, written out, is beyond all bounds.
    pub(crate) fn is_too_large(&self, id: ExprId) -> bool {
        let facts = self.facts(id);
        facts.depth > MAX_DEPTH || facts.nodes > MAX_NODES
    }
}

/// The same computation over other operands.
pub(crate) fn map_operands<E>(
    expr: &Expr,
    mut map: impl FnMut(ExprId) -> Result<ExprId, E>,
) -> Result<Expr, E> {
    Ok(match expr {
        Expr::Column(_) | Expr::Literal(_) => expr.clone(),
        Expr::And(a, b) => Expr::And(map(*a)?, map(*b)?),
        Expr::Or(a, b) => Expr::Or(map(*a)?, map(*b)?),
        Expr::Not(a) => Expr::Not(map(*a)?),
        Expr::IsNull(a) => Expr::IsNull(map(*a)?),
        Expr::IsNotNull(a) => Expr::IsNotNull(map(*a)?),
        Expr::IsTrue(a) => Expr::IsTrue(map(*a)?),
        Expr::IsNotTrue(a) => Expr::IsNotTrue(map(*a)?),
        Expr::IsFalse(a) => Expr::IsFalse(map(*a)?),
        Expr::IsNotFalse(a) => Expr::IsNotFalse(map(*a)?),
        Expr::Compare(op, a, b) => Expr::Compare(*op, map(*a)?, map(*b)?),
        Expr::In { input, values, has_null } => {
            Expr::In { input: map(*input)?, values: values.clone(), has_null: *has_null }
        }
        Expr::Case { branches, otherwise } => {
            let mut mapped = Vec::with_capacity(branches.len());
            for (when, then) in branches.iter() {
                mapped.push((map(*when)?, map(*then)?));
            }
            Expr::Case { branches: mapped.into(), otherwise: map(*otherwise)? }
        }
        Expr::Cast { input, mode } => Expr::Cast { input: map(*input)?, mode: *mode },
        Expr::Call { function, args } => {
            let args = args.iter().map(|arg| map(*arg)).collect::<Result<Vec<_>, E>>()?;
            Expr::Call { function, args: args.into() }
        }
    })
}
