//! Joins of two tables that do not depend on each other: `ON`, `USING` and `NATURAL`.

use std::collections::{HashMap, HashSet};

use types::DataType;

use super::compare::compare;
use super::expression::Clause;
use super::query::QueryBinder;
use super::scope::OuterScope;
use super::select::conjuncts;
use super::source::{Source, beside, side_by_side};
use super::{Bound, Cell, Column};
use crate::error::{Diagnostic, Span};
use crate::expr::{Comparison, Expr, ExprGraph, ExprId};
use crate::graph::Graph;
use crate::parse::ast::{Ident, Join, JoinConstraint};
use crate::plan::operator::JoinKind;
use crate::rel::{JoinRel, Rel, StateTtl};

/// Joins both sides and binds the condition over the fields of the join.
pub(super) fn joined(
    binder: &mut QueryBinder<'_>,
    (left, right): (Source, Source),
    kind: JoinKind,
    join: &Join,
    state_ttl: [Option<StateTtl>; 2],
    outer: Option<&OuterScope>,
) -> Bound<Source> {
    let shared = shared_columns(binder, &left, &right, &join.constraint, join.span)?;
    let (mut graph, ids) = beside(&left.rel, &right.rel);
    let both = side_by_side(&left, right);

    let mut conditions = on_conditions(binder, &mut graph, (&both, &ids), outer, &join.constraint)?;
    for (_, of_left, of_right) in &shared {
        let (a, b) = (ids[*of_left], ids[*of_right]);
        let equal = compare(&mut binder.nodes(&mut graph), Comparison::Equal, a, b, join.span);
        conditions.push(equal?);
    }
    if conditions.iter().any(|id| graph.facts(*id).uses_outer) {
        let error = Diagnostic::error(join.span, "a join's condition uses a column of the outer query")
            .with_hint("put the condition into WHERE");
        return Err(binder.report(error));
    }

    let rel = Rel::join(
        left.rel.clone(),
        both.rel.clone(),
        JoinRel { kind, exprs: graph.exprs, conditions, null_aware: None, state_ttl },
        join.span,
    );
    let mut source = Source { rel, ..both };
    merge(&mut source, &shared, kind, join.span);
    Ok(source)
}

/// Returns the columns that `USING` or `NATURAL` equates: the name, and the fields of both sides in the
/// join.
fn shared_columns(
    binder: &mut QueryBinder<'_>,
    left: &Source,
    right: &Source,
    constraint: &JoinConstraint,
    span: Span,
) -> Bound<Vec<(String, usize, usize)>> {
    let (of_left, of_right) = (left.relation().columns, right.relation().columns);
    let names: Vec<Ident> = match constraint {
        JoinConstraint::None | JoinConstraint::On(_) => return Ok(vec![]),
        JoinConstraint::Using(names) => names.clone(),
        JoinConstraint::Natural => {
            let names: HashSet<&str> = of_right.iter().map(|column| column.name.as_str()).collect();
            let is_shared = |column: &&Column<usize>| names.contains(column.name.as_str());
            let name = |column: &Column<usize>| Ident { value: column.name.clone(), span };
            of_left.iter().filter(is_shared).map(name).collect()
        }
    };

    let width = left.rel.fields.len();
    let (fields_of_left, fields_of_right) = (only_fields(&of_left), only_fields(&of_right));
    let mut shared = vec![];
    for name in names {
        let field = |of: &HashMap<&str, Option<usize>>| of.get(name.value.as_str()).copied().flatten();
        let (Some(a), Some(b)) = (field(&fields_of_left), field(&fields_of_right)) else {
            let message = format!("`{}` is not one scalar column on each side", name.value);
            return Err(binder.report(Diagnostic::error(name.span, message)));
        };
        shared.push((name.value, a, width + b));
    }

    Ok(shared)
}

/// Merges the equated pairs of columns into one column each.
fn merge(source: &mut Source, shared: &[(String, usize, usize)], kind: JoinKind, span: Span) {
    if shared.is_empty() {
        return;
    }

    let mut exprs = ExprGraph::new(source.rel.scope());
    let mut columns = source.rel.passed_on(&mut exprs);
    for (name, left, right) in shared {
        let field = match kind {
            JoinKind::Right => *right,
            JoinKind::Full => {
                let column_type = source.rel.fields[*left].column_type.clone();
                let (a, b) = (columns[*left].1, columns[*right].1);
                let there = exprs.add(Expr::IsNotNull(a), DataType::Boolean.not_null());
                let case = Expr::Case { branches: vec![(there, a)].into(), otherwise: b };
                columns.push((name.clone(), exprs.add(case, column_type)));
                columns.len() - 1
            }
            _ => *left,
        };
        source.merged.push(Column { name: name.clone(), cell: Cell::Scalar(field) });
    }

    if columns.len() > source.rel.fields.len() {
        source.rel = Rel::calc(source.rel.clone(), exprs, vec![], columns, span);
    }
}

/// Binds the conditions of `ON`; a join without it has none. `ids[n]` is the expression of field `n` of the source.
pub(super) fn on_conditions(
    binder: &mut QueryBinder<'_>,
    graph: &mut Graph,
    (source, ids): (&Source, &[ExprId]),
    outer: Option<&OuterScope>,
    constraint: &JoinConstraint,
) -> Bound<Vec<ExprId>> {
    let JoinConstraint::On(on) = constraint else { return Ok(vec![]) };
    let scope = source.scope(ids);
    let clause = Clause { outer, ..Clause::new(&scope, "in ON") };
    let bind =
        |condition| binder.exprs(graph, clause, |exprs| exprs.condition(condition, "what stands in ON"));
    conjuncts(on).into_iter().map(bind).collect()
}

/// Returns the fields of columns by name; `None` if several columns have the name, or one that is no scalar.
fn only_fields(columns: &[Column<usize>]) -> HashMap<&str, Option<usize>> {
    let mut fields: HashMap<&str, Option<usize>> = HashMap::new();
    for column in columns {
        let field = match column.cell {
            Cell::Scalar(field) => Some(field),
            _ => None,
        };
        fields.entry(&column.name).and_modify(|field| *field = None).or_insert(field);
    }
    fields
}
