//! Queries in expressions: `EXISTS`, `IN`, `ANY`, `ALL` and scalar ones, and how each becomes a join.
//!
//! A query in an expression is bound before the expression is. Where it stands as a condition of its own, it filters:
//! `EXISTS` and `IN` become semi joins, their negations anti joins. Anywhere else it is a value, which a left join adds as
//! a field of the rows.
//!
//! A query that names columns of the query around it is *correlated*: its conditions on them are taken out of it and
//! become conditions of the join (Galindo-Legaria and Joshi, "Orthogonal Optimization of Subqueries and Aggregation").

use types::{ColumnType, DataType, Value};

use super::aggregate::AggregateCall;
use super::scope::{Correlated, OuterScope, Relation, Scope};
use super::stage::{JoinScope, Stage};
use super::{Binder, Bound, Cell, ExprBinder, Reported};
use crate::error::{Diagnostic, Span};
use crate::expr::{Comparison, Expr, ExprId};
use crate::graph::Origin;
use crate::parse::ast::{self, ExprKind};
use crate::plan::operator::{Call, Function, JoinKind};
use crate::rel::{AggregateRel, Rel};

/// A query in an expression, bound.
#[derive(Debug, Clone)]
pub(crate) struct PreparedQuery {
    /// The expression that holds it.
    span: Span,
    relation: Relation,
    /// Value of the first column over no rows, where it is not null: `COUNT` of a correlated query.
    empty: Option<Value>,
    /// What it is compared with, where it is not a scalar query.
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    Scalar,
    Exists,
    /// `IN`, and `= ANY`.
    In {
        negated: bool,
    },
    /// Any other comparison with `ANY` (`all` = false) or `ALL`.
    Compare {
        op: Comparison,
        all: bool,
    },
}

/// A query that stands as a value, to be joined.
#[derive(Debug, Clone)]
pub(crate) struct QueryValue {
    pub(super) query: PreparedQuery,
    /// The left side of `IN`.
    input: Vec<ExprId>,
}

impl QueryValue {
    /// The same with other expressions of the query around.
    pub(super) fn map_outer<E>(
        mut self,
        map: &mut impl FnMut(ExprId) -> Result<ExprId, E>,
    ) -> Result<QueryValue, E> {
        for id in &mut self.input {
            *id = map(*id)?;
        }
        for condition in &mut self.query.relation.correlated {
            for id in &mut condition.outer {
                *id = map(*id)?;
            }
        }
        Ok(self)
    }
}

impl Binder {
    /// Binds the queries in expressions, wherever they stand in them.
    pub(super) fn prepare<'e>(
        &mut self,
        exprs: impl IntoIterator<Item = &'e ast::Expr>,
        scope: &Scope,
        stage: &Stage,
    ) -> Bound<Vec<PreparedQuery>> {
        let mut found = vec![];
        let mut outer: Option<OuterScope> = None;
        let mut stack: Vec<&ast::Expr> = exprs.into_iter().collect();

        while let Some(expr) = stack.pop() {
            let (query, test) = match &expr.kind {
                ExprKind::Exists(query) => (Some(query), Test::Exists),
                ExprKind::Subquery(query) => (Some(query), Test::Scalar),
                ExprKind::InQuery { query, negated, .. } => (Some(query), Test::In { negated: *negated }),
                ExprKind::Quantified { op: Comparison::Equal, all: false, query, .. } => {
                    (Some(query), Test::In { negated: false })
                }
                ExprKind::Quantified { op: Comparison::NotEqual, all: true, query, .. } => {
                    (Some(query), Test::In { negated: true })
                }
                ExprKind::Quantified { op, all, query, .. } => {
                    (Some(query), Test::Compare { op: *op, all: *all })
                }
                _ => (None, Test::Exists),
            };
            stack.extend(expr.kind.children());
            let Some(query) = query else { continue };

            let around = outer
                .get_or_insert_with(|| OuterScope { scope: scope.clone(), exprs: stage.graph.exprs.clone() });
            let (relation, empty) = self.inner_query(query, around)?;
            if matches!(test, Test::Scalar) && relation.columns.len() != 1 {
                let message = format!(
                    "a query that is a value has one column, and this has {}",
                    relation.columns.len()
                );
                return Err(self.report(Diagnostic::error(expr.span, message)));
            }
            found.push(PreparedQuery { span: expr.span, relation, empty, test });
        }
        Ok(found)
    }

    /// A condition that is a query and nothing else filters the rows by a join.
    pub(super) fn filter_by_query(
        &mut self,
        stage: &mut Stage,
        scope: &Scope,
        outer: Option<&OuterScope>,
        condition: &ast::Expr,
        queries: &[PreparedQuery],
    ) -> Option<Bound<()>> {
        let (inner, negated) = match &condition.kind {
            ExprKind::Not(inner) => (&**inner, true),
            _ => (condition, false),
        };
        let query = queries.iter().find(|query| query.span == inner.span)?;
        let (input, is_anti) = match (&inner.kind, &query.test) {
            (ExprKind::Exists(_), Test::Exists) => (None, negated),
            (
                ExprKind::InQuery { input, .. } | ExprKind::Quantified { input, .. },
                Test::In { negated: within },
            ) => (Some(&**input), negated != *within),
            _ => return None,
        };

        let inputs = match input {
            None => vec![],
            Some(input) => match self.compared(stage, scope, outer, input, queries) {
                Ok(inputs) => inputs,
                Err(reported) => return Some(Err(reported)),
            },
        };
        // A left side that is not known yet cannot be joined by; and one of several columns that must hold no nulls is
        // found out value by value.
        if inputs.iter().any(|id| stage.graph.facts(*id).uses_aggregate) {
            return None;
        }
        Some(self.join_by_query(stage, query, &inputs, is_anti))
    }

    /// The left side of an `IN`: one value or a row of them.
    fn compared(
        &mut self,
        stage: &mut Stage,
        scope: &Scope,
        outer: Option<&OuterScope>,
        input: &ast::Expr,
        queries: &[PreparedQuery],
    ) -> Bound<Vec<ExprId>> {
        let items: Vec<&ast::Expr> = match &input.kind {
            ExprKind::Row(items) => items.iter().collect(),
            _ => vec![input],
        };
        self.over(&mut stage.graph, scope, outer, queries, "here", |binder| {
            items.into_iter().map(|item| binder.bind(item)).collect()
        })
    }

    fn join_by_query(
        &mut self,
        stage: &mut Stage,
        query: &PreparedQuery,
        inputs: &[ExprId],
        is_anti: bool,
    ) -> Bound<()> {
        let relation = &query.relation;
        let columns = self.scalars(relation, inputs.len(), query.span)?;
        let kind = if is_anti { JoinKind::Anti } else { JoinKind::Semi };
        let is_nullable = {
            let of_right = columns.iter().any(|&field| relation.rel.fields[field].column_type.nullable);
            of_right || inputs.iter().any(|&id| stage.graph.exprs.column_type(id).nullable)
        };
        // The comparison stands behind the correlated conditions.
        let is_in = is_anti && is_nullable && inputs.len() == 1;
        let null_aware = is_in.then_some(relation.correlated.len());
        self.join_equal(stage, query, (kind, null_aware), inputs, &columns)
    }

    /// Adds a field that says whether the row has a partner.
    fn join_marked(
        &mut self,
        stage: &mut Stage,
        query: &PreparedQuery,
        inputs: &[ExprId],
        columns: &[usize],
    ) -> Bound<()> {
        self.join_equal(stage, query, (JoinKind::Mark, None), inputs, columns)
    }

    fn join_equal(
        &mut self,
        stage: &mut Stage,
        query: &PreparedQuery,
        (kind, null_aware): (JoinKind, Option<usize>),
        inputs: &[ExprId],
        columns: &[usize],
    ) -> Bound<()> {
        let relation = &query.relation;
        let (rel, span) = (relation.rel.clone(), query.span);
        let (time_zone, diagnostics) = (&self.time_zone, &mut self.diagnostics);
        let mut failed = None;

        let conditions = |both: &mut JoinScope<'_>| {
            let mut conditions = correlated(both, &relation.correlated);
            for (&input, &field) in inputs.iter().zip(columns) {
                let (left, right) = (both.of_left(input), both.of_right(field));
                let scope = Scope::default();
                let mut binder = ExprBinder::plain(&mut both.graph, &scope, time_zone, diagnostics);
                match binder.compare(Comparison::Equal, left, right, span) {
                    Ok(id) => conditions.push(id),
                    Err(reported) => failed = Some(reported),
                }
            }
            conditions
        };
        stage.join(rel, kind, null_aware, conditions, span);
        failed.map_or(Ok(()), Err)
    }

    /// The fields of a relation's columns, which must be so many scalars; any number where none is compared.
    fn scalars(&mut self, relation: &Relation, wanted: usize, span: Span) -> Bound<Vec<usize>> {
        if wanted == 0 {
            return Ok(vec![]);
        }
        let fields: Option<Vec<usize>> = relation
            .columns
            .iter()
            .map(|column| match column.cell {
                Cell::Scalar(field) => Some(field),
                _ => None,
            })
            .collect();
        match fields {
            Some(fields) if fields.len() == wanted => Ok(fields),
            Some(fields) => {
                let message = format!("{wanted} values are compared with {} columns", fields.len());
                Err(self.report(Diagnostic::error(span, message)))
            }
            None => Err(self.report(Diagnostic::error(span, "a ROW is not compared with a query's column"))),
        }
    }

    /// Joins the queries that stand as values, so that their inputs have fields; those alone that some expressions read,
    /// where these are given.
    pub(super) fn join_values(
        &mut self,
        stage: &mut Stage,
        values: &[QueryValue],
        read_by: Option<&[ExprId]>,
    ) -> Bound<()> {
        let read = read_by.map(|ids| crate::rel::rebase::inputs_of(&stage.graph.exprs, ids));
        let inputs = stage.inputs(|origin| match origin {
            Origin::Query(number) => Some(number),
            _ => None,
        });
        for (input, number) in inputs {
            let is_read = read.as_ref().is_none_or(|read| read.contains(&input));
            if let Some(value) = values.get(number).filter(|_| is_read) {
                self.join_value(stage, input, value)?;
            }
        }
        Ok(())
    }

    pub(super) fn join_value(&mut self, stage: &mut Stage, input: usize, value: &QueryValue) -> Bound<()> {
        let query = &value.query;
        let relation = &query.relation;
        let span = query.span;
        match query.test {
            Test::Scalar => {
                let [field] = self.scalars(relation, 1, span)?[..] else { return Err(Reported) };
                let right =
                    if is_single(relation) { relation.clone() } else { single(relation, field, span) };
                let field = match &right.columns[0].cell {
                    Cell::Scalar(field) => *field,
                    _ => field,
                };
                let left = stage.rel.fields.len();
                stage.join(
                    right.rel.clone(),
                    JoinKind::Left,
                    None,
                    |both| correlated(both, &right.correlated),
                    span,
                );
                stage.fill(input, left + field);
                if let Some(empty) = &query.empty {
                    self.default_to(stage, input, empty.clone(), span);
                }
                Ok(())
            }
            Test::Exists | Test::In { .. } | Test::Compare { .. } => self.join_truth(stage, input, value),
        }
    }

    /// A value that is null where the query gave no row, but is another over no rows.
    fn default_to(&mut self, stage: &mut Stage, input: usize, empty: Value, span: Span) {
        let column_type = stage.graph.exprs.inputs[input].column_type.clone();
        let data_type = column_type.data_type.clone();
        let value = stage.graph.add(Expr::Column(input), column_type.clone());
        let default = stage.graph.add(Expr::Literal(empty), data_type.not_null());
        let is_null = stage.graph.add(Expr::IsNull(value), DataType::Boolean.not_null());
        let case = Expr::Case { branches: vec![(is_null, default)].into(), otherwise: value };
        let value = stage.graph.add(case, column_type);
        let field = stage.fields_of(&[value], span)[0];
        stage.fill(input, field);
    }

    /// `EXISTS`, `IN` and comparisons with `ANY` and `ALL` as values: by the number of rows that match, of those for
    /// which it is not known whether they match, and of all.
    fn join_truth(&mut self, stage: &mut Stage, input: usize, value: &QueryValue) -> Bound<()> {
        let query = &value.query;
        let relation = &query.relation;
        let span = query.span;
        let columns = self.scalars(relation, value.input.len(), span)?;

        if let Test::Compare { .. } = query.test
            && (value.input.len() != 1 || !relation.correlated.is_empty())
        {
            let error = Diagnostic::error(span, "this comparison with a correlated query is not supported")
                .with_hint("write it with EXISTS");
            return Err(self.report(error));
        }

        let mut marker = None;
        if !matches!(query.test, Test::Compare { .. }) {
            let place = stage.rel.fields.len();
            self.join_marked(stage, query, &value.input, &columns)?;
            marker = Some(field_input(stage, place));
        }

        let truth = match query.test {
            Test::Exists => marker.expect("EXISTS is joined with a marker"),
            Test::In { negated } => {
                let marker = marker.expect("IN is joined with a marker");
                let found = self.in_truth(stage, value, &columns, marker)?;
                let column_type = stage.graph.exprs.column_type(found).clone();
                if negated { stage.graph.add(Expr::Not(found), column_type) } else { found }
            }
            Test::Compare { op, all } => self.compare_truth(stage, value, columns[0], op, all)?,
            Test::Scalar => return Err(Reported),
        };
        let field = stage.fields_of(&[truth], span)[0];
        stage.fill(input, field);
        Ok(())
    }

    /// TRUE where a row matches; otherwise null where the left side is null and there are rows, or some row is null.
    fn in_truth(
        &mut self,
        stage: &mut Stage,
        value: &QueryValue,
        columns: &[usize],
        marker: ExprId,
    ) -> Bound<ExprId> {
        let relation = &value.query.relation;
        let span = value.query.span;
        let boolean = DataType::Boolean;
        let found = marker;
        let is_nullable = columns.iter().any(|&field| relation.rel.fields[field].column_type.nullable)
            || value.input.iter().any(|&id| stage.graph.exprs.column_type(id).nullable);
        if !is_nullable || columns.len() != 1 {
            return Ok(found);
        }

        // How many rows there are by correlation, and how many of them are not null.
        let keys = correlation_fields(relation);
        let count = |args: Vec<usize>, name: &str| Call {
            function: Function::Count,
            arg_types: args.iter().map(|&arg| relation.rel.fields[arg].column_type.clone()).collect(),
            args,
            distinct: false,
            filter: None,
            column_type: DataType::BigInt.not_null(),
            name: name.to_owned(),
        };
        let calls = vec![count(vec![], "COUNT(*)"), count(vec![columns[0]], "COUNT(x)")];
        let counts = Rel::aggregate(
            relation.rel.clone(),
            AggregateRel { keys: keys.clone(), sets: None, calls, window: None },
            span,
        );
        let left = stage.rel.fields.len();
        let conditions = relation.correlated.clone();
        stage.join(
            counts,
            JoinKind::Left,
            None,
            |both| {
                let place = |field: usize| keys.iter().position(|key| *key == field).unwrap_or(field);
                conditions.iter().map(|condition| correlated_at(both, condition, &place)).collect()
            },
            span,
        );
        let all = field_input(stage, left + keys.len());
        let there = field_input(stage, left + keys.len() + 1);

        let graph = &mut stage.graph;
        let not_null = || boolean.clone().not_null();
        let literal = |graph: &mut crate::graph::Graph, value: Value| {
            let nullable = value.is_null();
            graph.add(Expr::Literal(value), ColumnType { data_type: DataType::Boolean, nullable })
        };
        let (yes, no, unknown) = (
            literal(graph, Value::Bool(true)),
            literal(graph, Value::Bool(false)),
            literal(graph, Value::Null),
        );
        let is_empty = graph.add(Expr::IsNull(all), not_null());
        let input_is_null = graph.add(Expr::IsNull(value.input[0]), not_null());
        let has_null = graph.add(Expr::Compare(Comparison::Less, there, all), boolean.clone().nullable());
        let branches = vec![(is_empty, no), (found, yes), (input_is_null, unknown), (has_null, unknown)];
        Ok(graph.add(Expr::Case { branches: branches.into(), otherwise: no }, boolean.clone().nullable()))
    }

    /// `x < ALL (query)` and the like, by the least and greatest value of the query.
    fn compare_truth(
        &mut self,
        stage: &mut Stage,
        value: &QueryValue,
        column: usize,
        op: Comparison,
        all: bool,
    ) -> Bound<ExprId> {
        let relation = &value.query.relation;
        let span = value.query.span;
        let field = &relation.rel.fields[column];
        let call = |function: Function, args: Vec<usize>, column_type: ColumnType, name: &str| Call {
            function,
            arg_types: args.iter().map(|_| field.column_type.clone()).collect(),
            args,
            distinct: false,
            filter: None,
            column_type,
            name: name.to_owned(),
        };
        let of_value = field.column_type.data_type.clone().nullable();
        let count = DataType::BigInt.not_null();
        let calls = vec![
            call(Function::Min, vec![column], of_value.clone(), "MIN"),
            call(Function::Max, vec![column], of_value, "MAX"),
            call(Function::Count, vec![], count.clone(), "COUNT(*)"),
            call(Function::Count, vec![column], count, "COUNT(x)"),
        ];
        let bounds = Rel::aggregate(
            relation.rel.clone(),
            AggregateRel { keys: vec![], sets: None, calls, window: None },
            span,
        );
        let left = stage.rel.fields.len();
        stage.join(bounds, JoinKind::Left, None, |_| vec![], span);
        let [least, most, rows, there] = [0, 1, 2, 3].map(|at| field_input(stage, left + at));

        // Against which of the two the comparison decides for all, or for any, of the values.
        let x = value.input[0];
        let scope = Scope::default();
        let (time_zone, diagnostics) = (&self.time_zone, &mut self.diagnostics);
        let mut binder = ExprBinder::plain(&mut stage.graph, &scope, time_zone, diagnostics);
        let decided = match (op, all) {
            (Comparison::Less | Comparison::LessOrEqual, true)
            | (Comparison::Greater | Comparison::GreaterOrEqual, false) => {
                binder.compare(op, x, least, span)?
            }
            (Comparison::Greater | Comparison::GreaterOrEqual, true)
            | (Comparison::Less | Comparison::LessOrEqual, false) => binder.compare(op, x, most, span)?,
            (Comparison::Equal, _) => {
                let (a, b) = (binder.compare(op, x, least, span)?, binder.compare(op, x, most, span)?);
                binder.and(a, b)
            }
            (Comparison::NotEqual, _) => {
                let (a, b) = (binder.compare(op, x, least, span)?, binder.compare(op, x, most, span)?);
                binder.or(a, b)
            }
        };

        // Over no rows ALL is true and ANY is false; a null among them leaves unknown what the others do not decide.
        let boolean = DataType::Boolean;
        let empty = binder.add_literal(Value::Bool(all), boolean.clone());
        let unknown = binder.add_literal(Value::Null, boolean.clone());
        let is_empty = binder.add_boolean(Expr::IsNull(rows), false);
        let has_null = binder.compare(Comparison::Less, there, rows, span)?;
        let settled = match all {
            true => binder.add_boolean(Expr::IsFalse(decided), false),
            false => binder.add_boolean(Expr::IsTrue(decided), false),
        };
        let branches = vec![(is_empty, empty), (settled, decided), (has_null, unknown)];
        let case = Expr::Case { branches: branches.into(), otherwise: decided };
        Ok(binder.graph.add(case, boolean.nullable()))
    }
}

impl ExprBinder<'_> {
    /// A query that stands as a value: an input, which a join fills later.
    pub(super) fn query_value(&mut self, expr: &ast::Expr) -> Bound<ExprId> {
        let Some(query) = self.queries.iter().find(|query| query.span == expr.span).cloned() else {
            let error = Diagnostic::error(expr.span, format!("a query has no place {}", self.clause));
            return Err(self.report(error));
        };
        let input = match &expr.kind {
            ExprKind::InQuery { input, .. } | ExprKind::Quantified { input, .. } => match &input.kind {
                ExprKind::Row(items) => self.all(items)?,
                _ => vec![self.expr(input)?],
            },
            _ => vec![],
        };
        let column_type = match query.test {
            Test::Exists => DataType::Boolean.not_null(),
            Test::In { .. } | Test::Compare { .. } => DataType::Boolean.nullable(),
            Test::Scalar => match query.relation.columns[0].cell {
                Cell::Scalar(field) => {
                    query.relation.rel.fields[field].column_type.data_type.clone().nullable()
                }
                _ => {
                    let error = Diagnostic::error(expr.span, "a query that is a value gives a scalar");
                    return Err(self.report(error));
                }
            },
        };
        let Some(values) = self.values.as_mut() else {
            let error = Diagnostic::error(expr.span, format!("a query has no place {}", self.clause));
            return Err(self.report(error));
        };
        let number = values.len();
        values.push(QueryValue { query, input });
        Ok(self.graph.add_input("(query)".to_owned(), column_type, Origin::Query(number)))
    }
}

/// The input of a stage's graph that is a field, which may be new.
fn field_input(stage: &mut Stage, field: usize) -> ExprId {
    let rel_field = stage.rel.fields[field].clone();
    let input = stage.graph.exprs.inputs.len();
    let id = stage.graph.add_input(rel_field.name, rel_field.column_type, Origin::Row);
    stage.fill(input, field);
    id
}

/// The conditions of a correlated query over both sides of a join.
fn correlated(both: &mut JoinScope<'_>, conditions: &[Correlated]) -> Vec<ExprId> {
    conditions.iter().map(|condition| correlated_at(both, condition, &|field| field)).collect()
}

/// One of them, where the query's fields stand at other places.
fn correlated_at(both: &mut JoinScope<'_>, condition: &Correlated, place: &dyn Fn(usize) -> usize) -> ExprId {
    let own = condition.exprs.inputs.len() - condition.outer.len();
    let outer: Vec<ExprId> = condition.outer.iter().map(|&id| both.of_left(id)).collect();
    let left = both.left;

    // Outer expressions are put in for their inputs.
    let mut known = std::collections::HashMap::new();
    for (id, node) in condition.exprs.iter() {
        let new = match &node.expr {
            Expr::Column(input) if *input >= own => outer[*input - own],
            Expr::Column(input) => {
                both.graph.add(Expr::Column(left + place(*input)), node.column_type.clone())
            }
            other => {
                let expr = crate::graph::map_operands(other, |operand| {
                    Ok::<_, std::convert::Infallible>(known[&operand])
                });
                let Ok(expr) = expr;
                both.graph.add(expr, node.column_type.clone())
            }
        };
        known.insert(id, new);
    }
    known[&condition.condition]
}

/// The fields of a relation that its correlated conditions read, ascending.
fn correlation_fields(relation: &Relation) -> Vec<usize> {
    let mut fields = std::collections::BTreeSet::new();
    for condition in &relation.correlated {
        let own = condition.exprs.inputs.len() - condition.outer.len();
        let read = crate::rel::rebase::inputs_of(&condition.exprs, &[condition.condition]);
        fields.extend(read.into_iter().filter(|input| *input < own));
    }
    fields.into_iter().collect()
}

/// Whether a relation has one row at most, or one for each value of its correlated fields.
fn is_single(relation: &Relation) -> bool {
    let mut rel = &relation.rel;
    let hidden = correlation_fields(relation);
    loop {
        match &rel.kind {
            crate::rel::RelKind::Calc(calc) if calc.conditions.is_empty() => rel = rel.input(),
            crate::rel::RelKind::Aggregate(aggregate) => {
                return aggregate.sets.is_none()
                    && aggregate.window.is_none()
                    && aggregate.keys.len() <= hidden.len();
            }
            _ => return false,
        }
    }
}

/// A relation whose column is its only value: a second row fails the job.
fn single(relation: &Relation, field: usize, span: Span) -> Relation {
    let keys = correlation_fields(relation);
    let of_field = &relation.rel.fields[field];
    let call = Call {
        function: Function::SingleValue,
        args: vec![field],
        distinct: false,
        filter: None,
        arg_types: vec![of_field.column_type.clone()],
        column_type: of_field.column_type.data_type.clone().nullable(),
        name: format!("SINGLE_VALUE({})", of_field.name),
    };
    let aggregate = AggregateRel { keys: keys.clone(), sets: None, calls: vec![call], window: None };
    let rel = Rel::aggregate(relation.rel.clone(), aggregate, span);

    let place = |field: usize| keys.iter().position(|key| *key == field).unwrap_or(0);
    let correlated = relation.correlated.iter().map(|condition| {
        let own = condition.exprs.inputs.len() - condition.outer.len();
        let mut scope = rel.scope();
        scope.extend(condition.exprs.inputs[own..].iter().cloned());
        let (exprs, ids) =
            crate::rel::rebase::moved(&condition.exprs, &[condition.condition], scope, |input| {
                if input < own { place(input) } else { rel.fields.len() + input - own }
            });
        Correlated { exprs, condition: ids[0], outer: condition.outer.clone() }
    });
    Relation {
        columns: vec![super::Column { name: of_field.name.clone(), cell: Cell::Scalar(keys.len()) }],
        correlated: correlated.collect(),
        rel: rel.clone(),
    }
}

/// What a query's first column is over no rows, where that is not null.
pub(super) fn value_over_nothing(
    calls: &[AggregateCall],
    graph: &crate::graph::Graph,
    id: ExprId,
) -> Option<Value> {
    // Only a COUNT by itself is asked for often enough to be worth folding.
    match graph.exprs.expr(id) {
        Expr::Column(input) => match graph.origin(*input) {
            Origin::Aggregate(call) if calls.get(call)?.function == Function::Count => Some(Value::Int(0)),
            _ => None,
        },
        _ => None,
    }
}
