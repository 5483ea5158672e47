//! Joins whose right side depends on the left: `LATERAL`, `FOR SYSTEM_TIME AS OF` and `UNNEST`.

use super::expression::Clause;
use super::join::on_conditions;
use super::query::QueryBinder;
use super::scope::{OuterScope, Relation};
use super::source::{Source, SourceTable, beside, side_by_side};
use super::stage::{Stage, carry};
use super::{Bound, Cell, Column};
use crate::error::{Diagnostic, Span};
use crate::expr::{Expr, ExprGraph};
use crate::graph::Graph;
use crate::parse::ast::{self, From, Join, JoinConstraint};
use crate::plan::operator::{JoinKind, LookupHint};
use crate::rel::{JoinRel, Rel, TemporalRel, UnnestRel};
use types::{ColumnType, DataType, Value};

/// Binds `JOIN LATERAL (query)`: a correlated query as a table.
pub(super) fn lateral(
    binder: &mut QueryBinder<'_>,
    left: Source,
    query: &ast::Query,
    kind: JoinKind,
    join: &Join,
) -> Bound<Source> {
    let (stage, ids) = Stage::over(left.rel.clone());
    let around = OuterScope { scope: left.scope(&ids), exprs: stage.graph().exprs.clone() };
    let (mut relation, empty) = binder.inner_query(query, &around)?;
    if let Some(alias) = &join.right.alias {
        binder.rename(&mut relation.columns, &join.right.columns, alias.span)?;
    }
    if !matches!(kind, JoinKind::Inner | JoinKind::Left) {
        let error = Diagnostic::error(join.span, "LATERAL is joined by CROSS, INNER or LEFT JOIN");
        return Err(binder.report(error));
    }
    // A global aggregate returns a row even if it aggregated none.
    let kind = if empty.is_some() { JoinKind::Left } else { kind };

    let qualifier = join.right.alias.as_ref().map(|alias| alias.value.clone());
    let width = left.rel.fields.len();
    let correlated = std::mem::take(&mut relation.correlated);
    let right = Source::of(qualifier, relation);
    let (mut graph, ids) = beside(&left.rel, &right.rel);
    let both = side_by_side(&left, right);

    let mut conditions = vec![];
    for condition in &correlated {
        let own = condition.exprs.inputs.len() - condition.outer.len();
        let place = |input: usize| {
            if input < own {
                return width + input;
            }
            match stage.graph().exprs.expr(condition.outer[input - own]) {
                Expr::Column(field) => *field,
                _ => 0,
            }
        };
        conditions.push(carry(&condition.exprs, condition.condition, &mut graph, &place));
    }
    conditions.extend(on_conditions(binder, &mut graph, (&both, &ids), None, &join.constraint)?);

    let join_rel =
        JoinRel { kind, exprs: graph.exprs, conditions, null_aware: None, state_ttl: [None, None] };
    let rel = Rel::join(left.rel.clone(), both.rel.clone(), join_rel, join.span);
    let mut source = Source { rel, ..both };
    if let Some(value) = empty {
        default_column(&mut source, value, join.span);
    }
    Ok(source)
}

/// Replaces nulls in the first column of the last table by a value.
fn default_column(source: &mut Source, value: Value, span: Span) {
    let Some(table) = source.tables.last_mut() else { return };
    let Some(Column { cell: Cell::Scalar(field), .. }) = table.columns.first_mut() else { return };
    let mut exprs = ExprGraph::new(source.rel.scope());
    let mut columns = source.rel.passed_on(&mut exprs);
    let column_type = source.rel.fields[*field].column_type.clone();
    let not_null = ColumnType { nullable: false, ..column_type };

    let id = columns[*field].1;
    let there = exprs.add(Expr::IsNotNull(id), DataType::Boolean.not_null());
    let default = exprs.add(Expr::Literal(value), not_null.clone());
    let case = Expr::Case { branches: vec![(there, id)].into(), otherwise: default };
    columns.push(("$default".to_owned(), exprs.add(case, not_null)));
    *field = columns.len() - 1;
    source.rel = Rel::calc(source.rel.clone(), exprs, vec![], columns, span);
}

/// Binds `JOIN table FOR SYSTEM_TIME AS OF time`.
pub(super) fn temporal(
    binder: &mut QueryBinder<'_>,
    left: Source,
    (relation, qualifier, hint): (Relation, String, LookupHint),
    kind: JoinKind,
    time: &ast::Expr,
    join: &Join,
    outer: Option<&OuterScope>,
) -> Bound<Source> {
    if !matches!(kind, JoinKind::Inner | JoinKind::Left) {
        let error = Diagnostic::error(join.span, "FOR SYSTEM_TIME AS OF is joined by INNER or LEFT JOIN");
        return Err(binder.report(error));
    }
    let (mut stage, ids) = Stage::over(left.rel.clone());
    let scope = left.scope(&ids);
    let id = binder.exprs(stage.graph_mut(), Clause { outer, ..Clause::new(&scope, "here") }, |exprs| {
        exprs.bind(time)
    })?;
    let Expr::Column(field) = stage.graph().exprs.expr(id) else {
        let error =
            Diagnostic::error(time.span, "the time of FOR SYSTEM_TIME AS OF is a column of the left table")
                .with_hint("its event time, or a column that is PROCTIME()");
        return Err(binder.report(error));
    };
    let field = *field;
    if left.rel.fields[field].time.is_none() {
        let error =
            Diagnostic::error(time.span, "this column is neither an event time nor a processing time")
                .with_hint("a table's event time is the column of its WATERMARK");
        return Err(binder.report(error));
    }

    let right = Source::of(Some(qualifier), relation);
    let (mut graph, ids) = beside(&left.rel, &right.rel);
    let both = side_by_side(&left, right);
    let conditions = on_conditions(binder, &mut graph, (&both, &ids), outer, &join.constraint)?;

    let temporal = TemporalRel { kind, time: field, exprs: graph.exprs, conditions, hint };
    let rel = Rel::temporal(left.rel.clone(), both.rel.clone(), temporal, join.span);
    Ok(Source { rel, ..both })
}

/// Binds `CROSS JOIN UNNEST(collection)`.
pub(super) fn unnest(
    binder: &mut QueryBinder<'_>,
    left: Source,
    (expr, ordinality, span): (&ast::Expr, bool, Span),
    from: &From,
    join: Option<(JoinKind, &Join)>,
    outer: Option<&OuterScope>,
) -> Bound<Source> {
    let (mut stage, ids) = Stage::over(left.rel.clone());
    let scope = left.scope(&ids);
    let id = binder.exprs(stage.graph_mut(), Clause { outer, ..Clause::new(&scope, "here") }, |exprs| {
        exprs.bind(expr)
    })?;
    let collection_type = stage.graph().exprs.column_type(id).clone();
    let (elements, spreads_row) = match &collection_type.data_type {
        DataType::Array(element) | DataType::Multiset(element) => match &element.data_type {
            DataType::Row(fields) => {
                let fields = fields.iter().map(|field| {
                    let nullable = field.column_type.nullable || element.nullable;
                    (field.name.clone(), ColumnType { nullable, ..field.column_type.clone() })
                });
                (fields.collect::<Vec<_>>(), true)
            }
            _ => (vec![("EXPR$0".to_owned(), ColumnType::clone(element))], false),
        },
        DataType::Map(key, value) => {
            let columns = vec![
                ("KEY".to_owned(), ColumnType::clone(key)),
                ("VALUE".to_owned(), ColumnType::clone(value)),
            ];
            (columns, false)
        }
        other => {
            let error = Diagnostic::error(expr.span, "UNNEST takes an ARRAY, a MAP or a MULTISET")
                .with_detail(format!("this is {other}"));
            return Err(binder.report(error));
        }
    };
    let mut elements = elements;
    if ordinality {
        elements.push(("ORDINALITY".to_owned(), DataType::Int.not_null()));
    }
    let kind = join.map_or(JoinKind::Inner, |(kind, _)| kind);
    if !matches!(kind, JoinKind::Inner | JoinKind::Left) {
        let error = Diagnostic::error(span, "UNNEST is joined by CROSS, INNER or LEFT JOIN");
        return Err(binder.report(error));
    }

    let collection = stage.fields_of(&[id], span)[0];
    let width = stage.rel().fields.len();
    let place = |at: usize| width + at;
    let mut columns: Vec<Column<usize>> = elements
        .iter()
        .enumerate()
        .map(|(at, (name, _))| Column { name: name.clone(), cell: Cell::Scalar(place(at)) })
        .collect();
    if let Some(alias) = &from.alias {
        binder.rename(&mut columns, &from.columns, alias.span)?;
    }

    // Conditions are bound over the node's fields, so the node is first built without conditions, then
    // with them.
    let outer_join = kind == JoinKind::Left;
    let unnest = UnnestRel {
        collection,
        spreads_row,
        ordinality,
        outer: outer_join,
        exprs: ExprGraph::default(),
        conditions: vec![],
    };
    let rel = Rel::unnest(stage.rel().clone(), unnest.clone(), elements.clone(), span);
    let mut tables: Vec<SourceTable> = left.tables;
    let qualifier = from.alias.as_ref().map(|alias| alias.value.clone());
    tables.push(SourceTable { qualifier, columns });
    let mut source = Source { rel, merged: left.merged, tables };

    if let Some((_, Join { constraint: constraint @ JoinConstraint::On(_), .. })) = join {
        let (mut graph, ids) = Graph::over(source.rel.scope());
        let conditions = on_conditions(binder, &mut graph, (&source, &ids), outer, constraint)?;
        let unnest = UnnestRel { exprs: graph.exprs, conditions, ..unnest };
        source.rel = Rel::unnest(stage.rel().clone(), unnest, elements, span);
    }
    Ok(source)
}
