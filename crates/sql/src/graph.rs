//! The expression graph of one SELECT while it is bound, with facts about the inputs below each node.
//!
//! The first inputs are the fields of `FROM`. Calls that need all rows (aggregates, `OVER`, subqueries)
//! become inputs of their own, which later steps of the SELECT fill.

use std::collections::HashMap;

use types::ColumnType;

use crate::expr::{Expr, ExprGraph, ExprId, InputColumn};

/// The origin of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InputOrigin {
    /// A field of `FROM`.
    Row,
    /// The result of the query's n-th aggregate call.
    Aggregate(usize),
    /// The result of the query's n-th `OVER` call.
    Over(usize),
    /// The value of the n-th subquery in the expressions.
    Query(usize),
    /// The number of the grouping set of a group.
    Set,
    /// A bound of the group window: 0 for its start, 1 for its end, 2 for its time.
    Window(usize),
    /// An expression of the enclosing query.
    Outer(ExprId),
}

/// Facts about the nodes below a node.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Facts {
    pub(crate) uses_row: bool,
    pub(crate) uses_aggregate: bool,
    pub(crate) uses_over: bool,
    pub(crate) uses_outer: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    pub(crate) exprs: ExprGraph,
    origins: Vec<InputOrigin>,
    /// Inputs for expressions of the enclosing query.
    outer: HashMap<ExprId, ExprId>,
    facts: Vec<Facts>,
}

impl Graph {
    /// Creates a graph with the columns of a scope as inputs; returns the expression of each input.
    pub(crate) fn over(scope: Vec<InputColumn>) -> (Graph, Vec<ExprId>) {
        let mut graph = Graph::default();
        let ids = scope
            .into_iter()
            .map(|input| graph.add_input(input.name, input.column_type, InputOrigin::Row))
            .collect();
        (graph, ids)
    }

    pub(crate) fn add_input(&mut self, name: String, column_type: ColumnType, origin: InputOrigin) -> ExprId {
        let index = self.exprs.inputs.len();
        self.exprs.inputs.push(InputColumn { name, column_type: column_type.clone() });
        self.origins.push(origin);
        self.add(Expr::Column(index), column_type)
    }

    /// Returns the input for an expression of the enclosing query; repeated calls return the same input.
    pub(crate) fn outer_input(&mut self, name: &str, column_type: &ColumnType, outer: ExprId) -> ExprId {
        if let Some(known) = self.outer.get(&outer) {
            return *known;
        }
        let input = self.add_input(name.to_owned(), column_type.clone(), InputOrigin::Outer(outer));
        self.outer.insert(outer, input);
        input
    }

    pub(crate) fn origin(&self, input: usize) -> InputOrigin {
        self.origins[input]
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
        let mut facts = Facts::default();
        if let Expr::Column(input) = self.exprs.expr(id) {
            let origin = self.origins[*input];
            facts.uses_row = origin == InputOrigin::Row;
            facts.uses_aggregate = matches!(origin, InputOrigin::Aggregate(_));
            facts.uses_over = matches!(origin, InputOrigin::Over(_));
            facts.uses_outer = matches!(origin, InputOrigin::Outer(_));
        }
        for operand in self.exprs.operands(id) {
            let below = self.facts(operand);
            facts.uses_row |= below.uses_row;
            facts.uses_aggregate |= below.uses_aggregate;
            facts.uses_over |= below.uses_over;
            facts.uses_outer |= below.uses_outer;
        }
        facts
    }

    pub(crate) fn facts(&self, id: ExprId) -> Facts {
        self.facts[id.0 as usize]
    }
}

/// Returns the same operation with mapped operands.
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
