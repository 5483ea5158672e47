//! Lowers nodes that a scan cannot compute to operators.

use super::keys::CalcColumns;
use super::producer::CalcInput;
use super::{Failed, Lowering, Producer, fields_of, ranks};
use crate::error::Diagnostic;
use crate::expr::{Expr, ExprGraph, ExprId};
use crate::plan::operator::{
    Calc, Changes, Closes, Distribution, Field, Materialize, Normalize, OperatorKind, Predicate,
    SetOperation, Time, Unnest, WindowAssign, Windowing,
};
use crate::rel::rebase::moved;
use crate::rel::{CalcRel, Rel, RelKind, TimeAttribute, WindowShape};
use crate::rewrite::Rewriter;
use std::sync::Arc;
use types::{DataType, Interval};

impl Lowering<'_> {
    /// Lowers a node to an operator over its inputs' producers.
    pub(super) fn operator(&mut self, rel: &Arc<Rel>) -> Result<Producer, Failed> {
        match &rel.kind {
            RelKind::Scan { .. } => {
                let error = Diagnostic::error(rel.span, "this table cannot be read as a stream");
                Err(self.fail(error))
            }
            RelKind::Calc(calc) => match ranks::of_calc(calc, rel.input()) {
                Some(rank) => self.ranked(rel, rank),
                None => {
                    let input = self.produce(rel.input())?;
                    Ok(self.calc(input, calc, rel))
                }
            },
            RelKind::Aggregate(aggregate) => self.aggregate(rel, aggregate),
            RelKind::Window(window) => {
                let input = self.produce(rel.input())?;
                let time = self.time(rel.input(), window.time, rel)?;
                let windowing = match window.shape {
                    WindowShape::Sliced(window) => Windowing::Sliced { window, time },
                    WindowShape::Session { gap } => Windowing::Session { gap, time },
                };

                let is_instant = is_instant(rel.input(), window.time);
                let distribution = match window.shape {
                    WindowShape::Session { .. } => spread(&window.partition),
                    WindowShape::Sliced(_) => Distribution::Forward,
                };
                let key = input.key.clone().map(|mut key| {
                    key.push(rel.fields.len() - 2);
                    key
                });

                let changes = input.changes.clone();
                let kind = OperatorKind::WindowAssign(WindowAssign {
                    windowing,
                    is_instant,
                    partition: window.partition.clone(),
                });

                let name = format!("WindowTableFunction[{}]", window.shape.name());
                Ok(self.add(
                    kind,
                    vec![(input, distribution)],
                    (fields_of(rel), changes, key),
                    (name, rel.span),
                ))
            }
            RelKind::Join(join) => self.join(rel, join),
            RelKind::Temporal(join) => self.temporal(rel, join),
            RelKind::Union => {
                let mut inputs = vec![];
                for input in &rel.inputs {
                    inputs.push((self.produce(input)?, Distribution::Forward));
                }
                let appends = inputs.iter().all(|(input, _)| input.changes.is_append());
                let changes = if appends { Changes::Append } else { Changes::Retract };
                let out = (fields_of(rel), changes, None);
                Ok(self.add(OperatorKind::Union, inputs, out, ("Union".to_owned(), rel.span)))
            }
            RelKind::SetOperation { operator, all } => {
                let fields: Vec<usize> = (0..rel.fields.len()).collect();
                let left = self.produce(&rel.inputs[0])?;
                let right = self.produce(&rel.inputs[1])?;
                let by_row = || Distribution::Hash(fields.clone());
                let key = (!all).then(|| fields.clone());
                let kind = OperatorKind::SetOperation(SetOperation { operator: *operator, all: *all });
                let inputs = vec![(left, by_row()), (right, by_row())];
                let out = (fields_of(rel), Changes::Retract, key);
                Ok(self.add(kind, inputs, out, (format!("{operator:?}"), rel.span)))
            }
            RelKind::Over(over) => self.over(rel, over),
            RelKind::Sort(sort) => self.sort(rel, sort),
            RelKind::Rank(rank) => {
                let input = self.produce(rel.input())?;
                self.rank_operator(rel, rel.input(), input, rank)
            }
            RelKind::Unnest(unnest) => {
                let input = self.produce(rel.input())?;
                let changes = input.changes.clone();
                let kind = OperatorKind::Unnest(Unnest {
                    collection: unnest.collection,
                    collection_type: rel.input().fields[unnest.collection].column_type.clone(),
                    spreads_row: unnest.spreads_row,
                    ordinality: unnest.ordinality,
                    outer: unnest.outer,
                    condition: self.predicate(&unnest.exprs, &unnest.conditions),
                });
                let inputs = vec![(input, Distribution::Forward)];
                let out = (fields_of(rel), changes, None);
                Ok(self.add(kind, inputs, out, ("Unnest".to_owned(), rel.span)))
            }
            RelKind::FromChangelog(changelog) => self.changelog_read(rel, changelog),
            RelKind::ToChangelog(changelog) => self.changelog_written(rel, changelog),
            RelKind::Match(matching) => self.matching(rel, matching),
        }
    }

    pub(super) fn materialized(
        &mut self,
        input: Producer,
        key: Vec<usize>,
        conflict: crate::plan::operator::Conflict,
        span: crate::error::Span,
    ) -> Producer {
        let fields = input.fields.clone();
        let kind = OperatorKind::Materialize(Materialize { key: key.clone(), conflict });
        let inputs = vec![(input, spread(&key))];
        let out = (fields, Changes::Retract, Some(key));
        self.add(kind, inputs, out, ("SinkMaterializer".to_owned(), span))
    }

    /// Adds the operator that completes upserts with the rows they replace.
    pub(super) fn normalized(
        &mut self,
        input: Producer,
        key: Vec<usize>,
        closes: Option<Closes>,
        span: crate::error::Span,
    ) -> Result<Producer, Failed> {
        let fields = input.fields.clone();
        let kind = OperatorKind::Normalize(Normalize { key: key.clone(), closes });
        let inputs = vec![(input, Distribution::Hash(key.clone()))];
        Ok(self.add(
            kind,
            inputs,
            (fields, Changes::Retract, Some(key)),
            ("ChangelogNormalize".to_owned(), span),
        ))
    }

    /// Returns a simplified condition, or `None` if it is always true.
    pub(super) fn predicate(&self, exprs: &ExprGraph, conditions: &[ExprId]) -> Option<Predicate> {
        let mut rewriter = Rewriter::new(exprs, &self.time_zone, self.settings.rules);
        let conditions = rewriter.conditions(conditions);
        (!conditions.is_empty()).then(|| Predicate { exprs: rewriter.finish(), conditions })
    }

    pub(super) fn calc(&mut self, input: Producer, calc: &CalcRel, rel: &Rel) -> Producer {
        let mut rewriter = Rewriter::new(&calc.exprs, &self.time_zone, self.settings.rules);
        let conditions = rewriter.conditions(&calc.conditions);
        let columns: Vec<ExprId> = calc.columns.iter().map(|id| rewriter.rewrite(*id)).collect();
        let exprs = rewriter.finish();
        let of_columns = CalcColumns::new(
            (&calc.columns, &calc.exprs),
            (&columns, &exprs),
            &input.values,
            &mut self.values,
        );
        let (key, of_input) = (of_columns.key(&input), CalcInput::new(&input, &of_columns));
        let name = {
            let shown: Vec<String> =
                columns.iter().map(|id| crate::explain::expression(&exprs, *id)).collect();
            format!("Calc[{}]", shown.join(", "))
        };
        let changes = input.changes.clone();
        let kind = OperatorKind::Calc(Calc { exprs, conditions, columns });
        let inputs = vec![(input, Distribution::Forward)];
        let producer = self.add(kind, inputs, (fields_of(rel), changes, key), (name, rel.span));
        producer.with_columns(of_columns, of_input)
    }

    /// Adds a Calc with the fields at `places`, followed by the expressions in `added`.
    pub(super) fn arranged(
        &mut self,
        input: Producer,
        places: &[usize],
        added: Option<(&ExprGraph, &[ExprId])>,
        span: crate::error::Span,
    ) -> Producer {
        let scope = input.fields.iter().map(|field| crate::expr::InputColumn {
            name: field.name.clone(),
            column_type: field.column_type.clone(),
        });
        let scope: Vec<_> = scope.collect();

        let (mut exprs, extra) = match added {
            Some((exprs, ids)) => moved(exprs, ids, scope, |place| place),
            None => (ExprGraph::new(scope), vec![]),
        };

        let mut columns: Vec<ExprId> = places
            .iter()
            .map(|&place| exprs.add(Expr::Column(place), input.fields[place].column_type.clone()))
            .collect();
        columns.extend(extra);

        let fields: Vec<Field> = columns
            .iter()
            .map(|id| Field {
                name: crate::explain::expression(&exprs, *id),
                column_type: exprs.column_type(*id).clone(),
            })
            .collect();

        let same = (columns.as_slice(), &exprs);
        let of_columns = CalcColumns::new(same, same, &input.values, &mut self.values);
        let (key, of_input) = (of_columns.key(&input), CalcInput::new(&input, &of_columns));
        let changes = input.changes.clone();
        let kind = OperatorKind::Calc(Calc { exprs, conditions: vec![], columns });
        let producer = self.add(
            kind,
            vec![(input, Distribution::Forward)],
            (fields, changes, key),
            ("Calc".to_owned(), span),
        );
        producer.with_columns(of_columns, of_input)
    }

    /// Returns the time attribute of a field.
    pub(super) fn time(&mut self, input: &Rel, field: usize, rel: &Rel) -> Result<Time, Failed> {
        match input.fields[field].time {
            Some(TimeAttribute::Event) => Ok(Time::Event(field)),
            Some(TimeAttribute::Processing) => Ok(Time::Processing),
            None => {
                let message =
                    format!("`{}` is neither an event time nor a processing time", input.fields[field].name);
                Err(self.fail(Diagnostic::error(rel.span, message)))
            }
        }
    }

    pub(super) fn takes_no_updates(&mut self, what: &str, rel: &Rel) -> Failed {
        let mut error =
            Diagnostic::error(rel.span, format!("{what} takes new rows only, but these are updated"))
                .with_hint("aggregate in windows, or read the table before it is grouped or joined");
        if self.settings.allowed_lateness > Interval::ZERO {
            error = error.with_detail("results of windows are updated too: `weir.allowed-lateness` is set");
        }
        self.fail(error)
    }
}

/// Distributes rows by the values of fields, or sends all to one subtask if there are no fields.
pub(super) fn spread(fields: &[usize]) -> Distribution {
    if fields.is_empty() { Distribution::Single } else { Distribution::Hash(fields.to_vec()) }
}

/// Returns whether a time is an instant rather than a wall-clock time.
pub(super) fn is_instant(rel: &Rel, field: usize) -> bool {
    matches!(rel.fields[field].column_type.data_type, DataType::TimestampLtz(_))
}
