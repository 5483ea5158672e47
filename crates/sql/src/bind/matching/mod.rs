//! `MATCH_RECOGNIZE`: finds sequences of rows, ordered by time, that match a pattern.
//!
//! ```text
//! MATCH_RECOGNIZE (                              Match[A B+ C]
//!   PARTITION BY k ORDER BY ts                    └ Calc[…, price * 2]      what aggregates take
//!   MEASURES SUM(B.price * 2) AS s                   └ …                    FROM t
//!   PATTERN (A B+ C)
//!   DEFINE B AS B.price > LAST(B.price, 1))
//! ```

mod calls;
mod names;
mod steps;

use std::collections::HashSet;

use types::{DataType, Interval, Value};

use super::resolve::Scope;
use super::scope::Relation;
use super::source::Source;
use super::stage::Stage;
use super::{Bound, Cell, Column, ExprBinder, QueryBinder};
use crate::error::Diagnostic;
use crate::expr::{Expr, ExprGraph, ExprId};
use crate::graph::Graph;
use crate::parse::ast::{self, ExprKind, Ident, MatchRecognize, OrderItem};
use crate::plan::operator::{AfterMatch, AggregateCall, PatternExpr, PatternInput, PatternStep, SortKey};
use crate::rel::{MatchRel, Rel, TimeAttribute};
pub(super) use calls::pattern_call;
use names::NamedInput;
pub(super) use names::PatternNames;
use steps::pattern_steps;

/// An expression of `DEFINE` or `MEASURES` whose aggregate arguments are not yet fields.
struct Named {
    exprs: ExprGraph,
    root: ExprId,
    inputs: Vec<NamedInput>,
}

/// A measure: its name, its time attribute if it is one, and its expression.
type Measure = (String, Option<TimeAttribute>, Named);

/// Binds `MATCH_RECOGNIZE` over its input.
pub(super) fn matching(
    binder: &mut QueryBinder<'_>,
    input: Source,
    matching: &MatchRecognize,
) -> Bound<Relation> {
    refuse_clauses(binder, matching)?;

    let steps = pattern_steps(binder, &matching.pattern);
    let (stage, ids) = Stage::over(input.rel.clone());
    let rows = input.scope(&ids);
    let partition = named_fields(binder, matching.partition_by.iter(), &rows, "PARTITION BY");
    let order = match_order(binder, matching, &rows, &input.rel);
    let within = matching.within.as_ref().map(|within| length_of_time(binder, within)).transpose();
    let (steps, partition, order, within) = (steps?, partition?, order?, within?);
    let skip = skip_of(binder, matching.after_match.as_ref(), &steps)?;

    // A variable that is only in DEFINE matches no rows.
    let mut variables: Vec<String> = steps.iter().map(|step| step.variable.clone()).collect();
    variables.extend(matching.define.iter().map(|(variable, _)| variable.value.clone()));
    let mut names = PatternNames::new(
        rows.all().into(),
        stage,
        variables,
        input.rel.fields.iter().map(|field| field.time).collect(),
        input.rel.fields[order[0].field].time.unwrap_or(TimeAttribute::Event),
    );

    let defines = bound_defines(binder, matching, &mut names, steps.len());
    let measures = bound_measures(binder, matching, &mut names);
    let (defines, measures) = (defines?, measures?);

    // Aggregates take fields, so other arguments are computed by a node below the match.
    let mut stage = names.into_rows();
    let all = defines.iter().flatten().chain(measures.iter().map(|(.., measure)| measure));
    let needed: Vec<ExprId> = all.flat_map(|named| &named.inputs).flat_map(arguments).collect();
    let fields = stage.fields_of(&needed, matching.span);
    let mut arguments = Arguments { stage: &stage, fields: fields.into_iter() };
    let defines: Vec<_> =
        defines.into_iter().map(|define| define.map(|named| arguments.expr(named))).collect();
    let (columns, measures): (Vec<_>, Vec<_>) =
        measures.into_iter().map(|(name, time, named)| ((name, time), arguments.expr(named))).unzip();

    let keys = matching.partition_by.iter().filter_map(name_of).cloned();
    let named_columns: Vec<Column<usize>> = keys
        .chain(columns.iter().map(|(name, _)| name.clone()))
        .enumerate()
        .map(|(field, name)| Column { name, cell: Cell::Scalar(field) })
        .collect();
    let rel = MatchRel { partition, order, pattern: steps, defines, measures, skip, within };
    let rel = Rel::matching(stage.into_rel(), rel, columns, matching.span);
    Ok(Relation { rel, columns: named_columns, correlated: vec![] })
}

/// Refuses clauses that are valid SQL but have no meaning in a stream.
fn refuse_clauses(binder: &mut QueryBinder<'_>, matching: &MatchRecognize) -> Bound<()> {
    if let Some(span) = matching.all_rows {
        let error = Diagnostic::error(span, "ALL ROWS PER MATCH is not supported")
            .with_hint("write ONE ROW PER MATCH, and compute the values as measures");
        return Err(binder.report(error));
    }
    if let Some((name, of)) = matching.subsets.first() {
        let of: Vec<&str> = of.iter().map(|variable| variable.value.as_str()).collect();
        let error = Diagnostic::error(name.span, "SUBSET is not supported")
            .with_hint(format!("combine the results of its variables: of {}", of.join(", ")));
        return Err(binder.report(error));
    }
    if matching.measures.is_empty() {
        let error = Diagnostic::error(matching.span, "MATCH_RECOGNIZE needs MEASURES")
            .with_hint("name the results of a match: MEASURES FIRST(time) AS started, COUNT(*) AS events");
        return Err(binder.report(error));
    }

    let keys = matching.partition_by.iter().filter_map(name_of);
    let mut known: HashSet<&String> = keys.collect();
    for (_, name) in &matching.measures {
        if !known.insert(&name.value) {
            let message = format!("two columns have the name `{}`", name.value);
            let error = Diagnostic::error(name.span, message)
                .with_hint("a match gives the columns of PARTITION BY, then its measures");
            return Err(binder.report(error));
        }
    }
    Ok(())
}

/// Returns the fields that a clause names.
fn named_fields<'a>(
    binder: &mut QueryBinder<'_>,
    exprs: impl Iterator<Item = &'a ast::Expr>,
    rows: &Scope,
    clause: &str,
) -> Bound<Vec<usize>> {
    let mut fields = vec![];
    for expr in exprs {
        let found = match &expr.kind {
            ExprKind::Name(path) => rows.find(path),
            _ => {
                let error = Diagnostic::error(expr.span, format!("{clause} names columns here"))
                    .with_hint("compute others in a subquery: FROM (SELECT …) MATCH_RECOGNIZE (…)");
                return Err(binder.report(error));
            }
        };

        match found {
            super::resolve::Found::Cell(Cell::Scalar(id) | Cell::Row { whole: Some(id), .. }) => {
                fields.push(id.0 as usize);
            }
            super::resolve::Found::Cell(_) => {
                let message = format!("{clause} names columns with one value");
                return Err(binder.report(Diagnostic::error(expr.span, message)));
            }
            super::resolve::Found::Unknown(unresolved)
            | super::resolve::Found::Error(unresolved)
            | super::resolve::Found::Inside(_, _, unresolved) => {
                let error = unresolved.behind(binder.diagnostics().len());
                return Err(binder.report(error));
            }
        }
    }
    Ok(fields)
}

/// Binds `ORDER BY`: the time attribute ascending, then other columns.
fn match_order(
    binder: &mut QueryBinder<'_>,
    matching: &MatchRecognize,
    rows: &Scope,
    rel: &Rel,
) -> Bound<Vec<SortKey>> {
    let hint = "write ORDER BY and the column that has the WATERMARK, or one that is PROCTIME()";
    let Some(first) = matching.order_by.first() else {
        let error = Diagnostic::error(matching.span, "MATCH_RECOGNIZE needs ORDER BY");
        return Err(binder.report(error.with_hint(hint)));
    };
    let items = matching.order_by.iter();
    let fields = named_fields(binder, items.clone().map(|item| &item.expr), rows, "ORDER BY")?;

    let time = &rel.fields[fields[0]];
    if time.time.is_none() {
        let message = format!("`{}` is neither an event time nor a processing time", shown(first));
        let error = Diagnostic::error(first.expr.span, message)
            .with_detail("rows are matched in order of time: the first column of ORDER BY is a time");
        return Err(binder.report(error.with_hint(hint)));
    }
    if first.descending {
        let error = Diagnostic::error(first.expr.span, "rows are matched in order of time, ascending")
            .with_hint("leave DESC out; columns behind the time may be descending");
        return Err(binder.report(error));
    }

    let key = |(item, field): (&OrderItem, usize)| SortKey {
        field,
        descending: item.descending,
        nulls_first: item.nulls_first.unwrap_or(!item.descending),
    };
    Ok(items.zip(fields).map(key).collect())
}

fn length_of_time(binder: &mut QueryBinder<'_>, within: &ast::Expr) -> Bound<Interval> {
    match &within.kind {
        ExprKind::Literal { value: Value::Int(ms), data_type: DataType::IntervalDayTime } if *ms > 0 => {
            Ok(Interval(*ms))
        }
        _ => {
            let error = Diagnostic::error(within.span, "WITHIN takes a constant length of time")
                .with_hint("write INTERVAL '10' MINUTE: days at most, not months");
            Err(binder.report(error))
        }
    }
}

fn skip_of(
    binder: &mut QueryBinder<'_>,
    after: Option<&ast::AstAfterMatch>,
    steps: &[PatternStep],
) -> Bound<AfterMatch> {
    let mut place = |variable: &Ident| {
        let found = steps.iter().position(|step| step.variable == variable.value);
        found.ok_or_else(|| {
            let message = format!("the pattern has no variable `{}`", variable.value);
            binder.report(Diagnostic::error(variable.span, message))
        })
    };
    Ok(match after {
        // This is Flink's default; the standard's is PAST LAST ROW.
        None | Some(ast::AstAfterMatch::ToNextRow) => AfterMatch::ToNextRow,
        Some(ast::AstAfterMatch::PastLastRow) => AfterMatch::PastLastRow,
        Some(ast::AstAfterMatch::ToFirst(variable)) => AfterMatch::ToFirst(place(variable)?),
        Some(ast::AstAfterMatch::ToLast(variable)) => AfterMatch::ToLast(place(variable)?),
    })
}

/// Binds the conditions, indexed by variable.
fn bound_defines(
    binder: &mut QueryBinder<'_>,
    matching: &MatchRecognize,
    names: &mut PatternNames,
    steps: usize,
) -> Bound<Vec<Option<Named>>> {
    let mut defines: Vec<Option<Named>> = names.variables().iter().map(|_| None).collect();
    let mut failed = None;
    for (variable, condition) in &matching.define {
        let Some(place) = names.place(&variable.value) else { continue };
        if defines[place].is_some() {
            let message = format!("`{}` is defined twice", variable.value);
            let error = Diagnostic::error(variable.span, message).with_hint("join the conditions by AND");
            failed = Some(binder.report(error));
            continue;
        }

        match pattern_expr(binder, names, Some(place), "in DEFINE", |exprs| {
            exprs.condition(condition, "the condition in DEFINE")
        }) {
            Ok(named) => defines[place] = Some(named),
            Err(reported) => failed = Some(reported),
        }
    }
    defines.truncate(steps);
    failed.map_or(Ok(defines), Err)
}

/// Binds each measure with its name and its time attribute.
fn bound_measures(
    binder: &mut QueryBinder<'_>,
    matching: &MatchRecognize,
    names: &mut PatternNames,
) -> Bound<Vec<Measure>> {
    let mut measures = vec![];
    let mut failed = None;
    for (measure, name) in &matching.measures {
        match pattern_expr(binder, names, None, "in MEASURES", |exprs| exprs.bind(measure)) {
            Ok(named) => measures.push((name.value.clone(), time_of(&named), named)),
            Err(reported) => failed = Some(reported),
        }
    }
    failed.map_or(Ok(measures), Err)
}

fn pattern_expr(
    binder: &mut QueryBinder<'_>,
    names: &mut PatternNames,
    current: Option<usize>,
    clause: &str,
    bind: impl FnOnce(&mut ExprBinder<'_>) -> Bound<ExprId>,
) -> Bound<Named> {
    let mut graph = Graph::default();
    names.begin(current);
    let root = bind(&mut ExprBinder::of_pattern(binder.nodes(&mut graph), names, clause))?;
    Ok(Named { exprs: graph.exprs, root, inputs: names.end() })
}

/// Returns the time attribute that a measure passes on.
fn time_of(named: &Named) -> Option<TimeAttribute> {
    match named.exprs.expr(named.root) {
        Expr::Column(input) if named.inputs[*input] == NamedInput::RowTime => Some(TimeAttribute::Event),
        Expr::Call { function, .. } if function.name == "PROCTIME" => Some(TimeAttribute::Processing),
        _ => None,
    }
}

/// Returns the arguments of an aggregate input.
fn arguments(input: &NamedInput) -> Vec<ExprId> {
    match input {
        NamedInput::Aggregate { call, .. } => call.args.clone(),
        NamedInput::Row { .. } | NamedInput::RowTime => vec![],
    }
}

/// Fields of the aggregates' arguments, consumed in the order of the aggregates.
struct Arguments<'a> {
    stage: &'a Stage,
    fields: std::vec::IntoIter<usize>,
}

impl Arguments<'_> {
    fn expr(&mut self, named: Named) -> PatternExpr {
        let inputs = named.inputs.into_iter().map(|input| self.input(input)).collect();
        PatternExpr { exprs: named.exprs, root: named.root, inputs }
    }

    fn input(&mut self, input: NamedInput) -> PatternInput {
        match input {
            NamedInput::Row { variable, field, end, offset } => {
                PatternInput::Row { variable, field, end, offset }
            }
            NamedInput::RowTime => PatternInput::RowTime,
            NamedInput::Aggregate { variable, call } => {
                let args: Vec<usize> = self.fields.by_ref().take(call.args.len()).collect();
                let type_of = |&arg: &usize| self.stage.rel().fields[arg].column_type.clone();
                let call = AggregateCall {
                    function: call.function,
                    arg_types: args.iter().map(type_of).collect(),
                    args,
                    distinct: false,
                    filter: None,
                    column_type: call.column_type,
                    name: call.name,
                };
                PatternInput::Aggregate { variable, call }
            }
        }
    }
}

/// Returns the last part of a column's name.
fn name_of(expr: &ast::Expr) -> Option<&String> {
    match &expr.kind {
        ExprKind::Name(path) => path.last().map(|last| &last.value),
        _ => None,
    }
}

fn shown(item: &OrderItem) -> &str {
    name_of(&item.expr).map_or("", String::as_str)
}
