//! Operators for nodes that a scan cannot do.

use std::sync::Arc;

use types::DataType;

use super::{Failed, Lowering, Producer, fields_of, keys, ranks};
use crate::dialect;
use crate::error::Diagnostic;
use crate::expr::{Comparison, Expr, ExprGraph, ExprId};
use crate::plan::operator::{
    Calc, Changes, Distribution, Expand, ExpandCopy, Field, GroupAggregate, IntervalJoin, Join, JoinKey,
    JoinKind, Limit, LookupJoin, LookupKey, Match, Materialize, Normalize, OperatorKind, Over, OverOrder,
    Predicate, SetOperation, Sort, TemporalJoin, Time, Unnest, WindowAggregate, WindowAssign, WindowJoin,
    WindowProperty, Windowing,
};
use crate::plan::{SourceTable, TableColumn};
use crate::rel::rebase::{inputs_of, moved};
use crate::rel::times::{interval, window_join};
use crate::rel::{
    AggregateRel, CalcRel, JoinRel, OverRel, Rel, RelKind, SortRel, TemporalRel, TimeAttribute, WindowShape,
};
use crate::rewrite::Rewriter;

impl Lowering<'_> {
    /// The operator of a node, over those of its inputs.
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
            RelKind::Match(found) => {
                let input = self.produce(rel.input())?;
                if !input.changes.is_append() {
                    return Err(self.takes_no_updates("MATCH_RECOGNIZE", rel));
                }
                let Some((first, rest)) = found.order.split_first() else {
                    let error = Diagnostic::error(rel.span, "MATCH_RECOGNIZE needs ORDER BY a time");
                    return Err(self.fail(error));
                };
                let time = self.time(rel.input(), first.field, rel)?;
                let kind = OperatorKind::Match(Match {
                    partition: found.partition.clone(),
                    time,
                    order: rest.to_vec(),
                    pattern: found.pattern.clone(),
                    defines: found.defines.clone(),
                    measures: found.measures.clone(),
                    skip: found.skip,
                    within: found.within,
                });
                let inputs = vec![(input, spread(&found.partition))];
                let out = (fields_of(rel), Changes::Append, None);
                Ok(self.add(kind, inputs, out, ("Match".to_owned(), rel.span)))
            }
            RelKind::Conflict { key, conflict } => {
                let input = self.produce(rel.input())?;
                Ok(self.materialized(input, key.clone(), *conflict, rel.span))
            }
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

    /// Upserts with the rows that they replace.
    pub(super) fn normalized(
        &mut self,
        input: Producer,
        key: Vec<usize>,
        span: crate::error::Span,
    ) -> Result<Producer, Failed> {
        let fields = input.fields.clone();
        let kind = OperatorKind::Normalize(Normalize { key: key.clone() });
        let inputs = vec![(input, Distribution::Hash(key.clone()))];
        Ok(self.add(
            kind,
            inputs,
            (fields, Changes::Retract, Some(key)),
            ("ChangelogNormalize".to_owned(), span),
        ))
    }

    /// A condition in its simplest form; `None` where there is none.
    fn predicate(&self, exprs: &ExprGraph, conditions: &[ExprId]) -> Option<Predicate> {
        let mut rewriter = Rewriter::new(exprs, &self.time_zone);
        let conditions = rewriter.conditions(conditions);
        (!conditions.is_empty()).then(|| Predicate { exprs: rewriter.finish(), conditions })
    }

    pub(super) fn calc(&mut self, input: Producer, calc: &CalcRel, rel: &Rel) -> Producer {
        let mut rewriter = Rewriter::new(&calc.exprs, &self.time_zone);
        let conditions = rewriter.conditions(&calc.conditions);
        let columns: Vec<ExprId> = calc.columns.iter().map(|id| rewriter.rewrite(*id)).collect();
        let exprs = rewriter.finish();
        let key = input.key.as_ref().and_then(|key| keys::through_calc(key, &columns, &exprs));
        let name = {
            let shown: Vec<String> =
                columns.iter().map(|id| crate::explain::expression(&exprs, *id)).collect();
            format!("Calc[{}]", shown.join(", "))
        };
        let changes = input.changes.clone();
        let kind = OperatorKind::Calc(Calc { exprs, conditions, columns });
        let inputs = vec![(input, Distribution::Forward)];
        self.add(kind, inputs, (fields_of(rel), changes, key), (name, rel.span))
    }

    /// Some fields of a producer, in another order, and expressions over its fields behind them.
    fn arranged(
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
        let key = input.key.as_ref().and_then(|key| keys::through_calc(key, &columns, &exprs));
        let changes = input.changes.clone();
        let kind = OperatorKind::Calc(Calc { exprs, conditions: vec![], columns });
        self.add(
            kind,
            vec![(input, Distribution::Forward)],
            (fields, changes, key),
            ("Calc".to_owned(), span),
        )
    }

    /// The time attribute that a field is.
    fn time(&mut self, input: &Rel, field: usize, rel: &Rel) -> Result<Time, Failed> {
        match input.fields[field].time {
            Some(TimeAttribute::Event) => Ok(Time::Event(field)),
            Some(TimeAttribute::Processing) => Ok(Time::Processing),
            None => {
                let message =
                    format!("`{}` is no event time and no processing time", input.fields[field].name);
                Err(self.fail(Diagnostic::error(rel.span, message)))
            }
        }
    }

    fn takes_no_updates(&mut self, what: &str, rel: &Rel) -> Failed {
        let error = Diagnostic::error(rel.span, format!("{what} takes new rows only, and these are updated"))
            .with_hint("aggregate in windows, or read the table before it is grouped or joined");
        self.fail(error)
    }

    fn aggregate(&mut self, rel: &Arc<Rel>, aggregate: &AggregateRel) -> Result<Producer, Failed> {
        let below = rel.input();
        let mut input = self.produce(below)?;
        let mut keys = aggregate.keys.clone();
        let mut calls = aggregate.calls.clone();
        let bounds = below.window_bounds(&keys);
        let results = calls.len();

        // The keys once more in front, since an argument that is a key too keeps its value in every set.
        if let Some(sets) = &aggregate.sets {
            let width = below.fields.len();
            let places: Vec<usize> = keys.iter().copied().chain(0..width).collect();
            input = self.arranged(input, &places, None, rel.span);
            let of_keys = keys.len();
            keys = (0..of_keys).collect();
            for call in &mut calls {
                call.args.iter_mut().chain(&mut call.filter).for_each(|field| *field += of_keys);
            }
            let copies = sets.iter().enumerate().map(|(id, set)| ExpandCopy {
                keeps: (0..input.fields.len())
                    .map(|field| field >= of_keys || set.contains(&field))
                    .collect(),
                id: id as i64,
            });
            let kind = OperatorKind::Expand(Expand { copies: copies.collect() });
            let mut fields = input.fields.clone();
            fields.iter_mut().take(of_keys).for_each(|field| field.column_type.nullable = true);
            fields.push(Field { name: "$set".to_owned(), column_type: DataType::BigInt.not_null() });
            let changes = input.changes.clone();
            keys.push(fields.len() - 1);
            let inputs = vec![(input, Distribution::Forward)];
            input = self.add(kind, inputs, (fields, changes, None), ("Expand".to_owned(), rel.span));
        }

        let shown: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
        let of_keys = keys.len();
        let mut fields: Vec<Field> = keys.iter().map(|&key| input.fields[key].clone()).collect();
        fields.extend(
            calls.iter().map(|call| Field { name: call.name.clone(), column_type: call.column_type.clone() }),
        );
        let distribution = spread(&keys);

        let producer = if let Some(window) = &aggregate.window {
            let time = self.time(below, window.time, rel)?;
            let windowing = match window.shape {
                WindowShape::Sliced(window) => Windowing::Sliced { window, time },
                WindowShape::Session { gap } => Windowing::Session { gap, time },
            };
            fields.extend(fields_of(rel).split_off(rel.fields.len() - 3));
            let end = fields.len() - 2;
            let key = (0..of_keys).chain([end]).collect();
            let name = format!("GroupWindowAggregate[{}: {}]", window.shape.name(), shown.join(", "));
            let kind = OperatorKind::WindowAggregate(WindowAggregate {
                windowing,
                is_instant: is_instant(below, window.time),
                keys,
                calls,
                properties: vec![WindowProperty::Start, WindowProperty::End, WindowProperty::Time],
            });
            self.add(
                kind,
                vec![(input, distribution)],
                (fields, Changes::Append, Some(key)),
                (name, rel.span),
            )
        } else if let Some((start, end, _)) = bounds {
            let is_instant = below.fields.iter().any(|field| {
                field.window.is_some_and(|bound| bound.which == WindowProperty::Time)
                    && matches!(field.column_type.data_type, DataType::TimestampLtz(_))
            });
            // Of the keys in front, those that are the bounds.
            let place = |field: usize| match aggregate.sets {
                Some(_) => aggregate.keys.iter().position(|&key| key == field).unwrap_or(field),
                None => field,
            };
            let name = format!("WindowAggregate[{}]", shown.join(", "));
            let kind = OperatorKind::WindowAggregate(WindowAggregate {
                windowing: Windowing::Attached { start: place(start), end: place(end) },
                is_instant,
                keys,
                calls,
                properties: vec![],
            });
            let key = (0..of_keys).collect();
            self.add(
                kind,
                vec![(input, distribution)],
                (fields, Changes::Append, Some(key)),
                (name, rel.span),
            )
        } else {
            let name = format!("GroupAggregate[{}]", shown.join(", "));
            let distinct_only = calls.is_empty() && input.changes.is_append();
            let changes = if distinct_only { Changes::Append } else { Changes::Retract };
            let kind = OperatorKind::GroupAggregate(GroupAggregate { keys, calls, emits_before: true });
            let key = (0..of_keys).collect();
            self.add(kind, vec![(input, distribution)], (fields, changes, Some(key)), (name, rel.span))
        };

        match &aggregate.sets {
            None => Ok(producer),
            // The set's number stands behind the results in the node, and before them in the operator.
            Some(_) => {
                let of_keys = aggregate.keys.len();
                let mut places: Vec<usize> = (0..of_keys).collect();
                places.extend(of_keys + 1..of_keys + 1 + results);
                places.push(of_keys);
                Ok(self.arranged(producer, &places, None, rel.span))
            }
        }
    }

    fn join(&mut self, rel: &Arc<Rel>, join: &JoinRel) -> Result<Producer, Failed> {
        let (left, right) = (&rel.inputs[0], &rel.inputs[1]);
        let (of_left, of_right) = (self.produce(left)?, self.produce(right)?);
        let appends = of_left.changes.is_append() && of_right.changes.is_append();
        let windows = window_join(left, right, join).filter(|_| appends);
        let times = interval(left, right, join).filter(|_| appends && windows.is_none());
        let special: Vec<usize> = match (&windows, &times) {
            (Some(windows), _) => windows.conditions.clone(),
            (None, Some(times)) => times.conditions.clone(),
            (None, None) => vec![],
        };
        let conditions: Vec<ExprId> = join
            .conditions
            .iter()
            .enumerate()
            .filter(|(place, _)| !special.contains(place))
            .map(|(_, id)| *id)
            .collect();

        let (sides, keys, condition) = self.join_keys(
            [of_left, of_right],
            [left.fields.len(), right.fields.len()],
            &join.exprs,
            &conditions,
            rel,
        );
        let [of_left, of_right] = sides;
        let widths = [of_left.fields.len(), of_right.fields.len()];
        let is_plain = widths == [left.fields.len(), right.fields.len()];
        let null_aware = join.null_aware.is_some();
        let by = |side: fn(&JoinKey) -> usize| -> Vec<usize> { keys.iter().map(side).collect() };
        let (mut by_left, mut by_right) = (by(|key| key.left), by(|key| key.right));
        if null_aware {
            // The compared value may be null on either side: all rows of one correlation belong together.
            by_left.pop();
            by_right.pop();
        }
        let distributions = [spread(&by_left), spread(&by_right)];

        let mut fields: Vec<Field> = of_left.fields.clone();
        let (pads_left, pads_right) = match join.kind {
            JoinKind::Left => (false, true),
            JoinKind::Right => (true, false),
            JoinKind::Full => (true, true),
            _ => (false, false),
        };
        fields.iter_mut().for_each(|field| field.column_type.nullable |= pads_left);
        match join.kind {
            JoinKind::Semi | JoinKind::Anti => {}
            JoinKind::Mark => {
                fields.push(Field { name: "$matched".to_owned(), column_type: DataType::Boolean.not_null() })
            }
            _ => fields.extend(of_right.fields.iter().cloned().map(|mut field| {
                field.column_type.nullable |= pads_right;
                field
            })),
        }

        let unique = |producer: &Producer, by: &[usize]| {
            producer.key.as_ref().is_some_and(|key| key.iter().all(|field| by.contains(field)))
        };
        let is_unique = [unique(&of_left, &by_left), unique(&of_right, &by_right)];
        let left_key = of_left.key.clone();
        let right_key = of_right.key.clone();
        let shifted = |key: Vec<usize>| key.into_iter().map(|field| widths[0] + field).collect::<Vec<_>>();
        let key = match join.kind {
            JoinKind::Semi | JoinKind::Anti | JoinKind::Mark => left_key,
            JoinKind::Inner | JoinKind::Left if is_unique[1] => left_key,
            JoinKind::Inner | JoinKind::Right if is_unique[0] => right_key.map(shifted),
            _ => match (left_key, right_key) {
                (Some(mut a), Some(b)) => {
                    a.extend(shifted(b));
                    Some(a)
                }
                _ => None,
            },
        };

        let inner_of_appends = appends && matches!(join.kind, JoinKind::Inner);
        let (kind, changes, name) = if let Some(windows) = windows {
            let is_instant = left.fields.iter().any(|field| {
                field.window.is_some_and(|bound| bound.which == WindowProperty::Time)
                    && matches!(field.column_type.data_type, DataType::TimestampLtz(_))
            });
            let window_join = WindowJoin {
                kind: join.kind,
                keys: keys.clone(),
                windows: [windows.left, windows.right],
                is_instant,
                condition,
            };
            (OperatorKind::WindowJoin(window_join), Changes::Append, "WindowJoin")
        } else if let Some(times) = times {
            let time = |field| match times.attribute {
                TimeAttribute::Event => Time::Event(field),
                TimeAttribute::Processing => Time::Processing,
            };
            let interval_join = IntervalJoin {
                kind: join.kind,
                keys: keys.clone(),
                left_time: time(times.left),
                right_time: time(times.right),
                lower: times.lower,
                upper: times.upper,
                condition,
            };
            (OperatorKind::IntervalJoin(interval_join), Changes::Append, "IntervalJoin")
        } else {
            let changes = if inner_of_appends { Changes::Append } else { Changes::Retract };
            let regular =
                Join { kind: join.kind, keys: keys.clone(), condition, null_aware, unique: is_unique };
            (OperatorKind::Join(regular), changes, "Join")
        };

        let shown: Vec<String> = keys
            .iter()
            .map(|key| format!("{} = {}", of_left.fields[key.left].name, of_right.fields[key.right].name))
            .collect();
        let name = format!("{:?}{name}[{}]", join.kind, shown.join(" AND "));
        let [by_left, by_right] = distributions;
        let inputs = vec![(of_left, by_left), (of_right, by_right)];
        let producer = self.add(kind, inputs, (fields, changes, key), (name, rel.span));
        if is_plain {
            return Ok(producer);
        }

        // Without the fields that were computed for the keys alone.
        let mut places: Vec<usize> = (0..left.fields.len()).collect();
        match join.kind {
            JoinKind::Semi | JoinKind::Anti => {}
            JoinKind::Mark => places.push(widths[0]),
            _ => places.extend((0..right.fields.len()).map(|field| widths[0] + field)),
        }
        Ok(self.arranged(producer, &places, None, rel.span))
    }

    /// Equalities as keys, computed by a Calc where they are no fields; and what is left of the conditions.
    fn join_keys(
        &mut self,
        [mut left, mut right]: [Producer; 2],
        [of_left, of_right]: [usize; 2],
        exprs: &ExprGraph,
        conditions: &[ExprId],
        rel: &Rel,
    ) -> ([Producer; 2], Vec<JoinKey>, Option<Predicate>) {
        let mut found: Vec<(ExprId, ExprId, bool)> = vec![];
        let mut rest = vec![];
        for &condition in conditions {
            match equality(exprs, condition, of_left) {
                Some(key) => found.push(key),
                None => rest.push(condition),
            }
        }

        let place = |exprs: &ExprGraph, id: ExprId| match exprs.expr(id) {
            Expr::Column(field) => Some(*field),
            _ => None,
        };
        let (mut added_left, mut added_right) = (vec![], vec![]);
        let mut keys = vec![];
        for (a, b, nulls_match) in found {
            let left = place(exprs, a).unwrap_or_else(|| {
                added_left.push(a);
                of_left + added_left.len() - 1
            });
            let right = place(exprs, b).map(|field| field - of_left).unwrap_or_else(|| {
                added_right.push(b);
                of_right + added_right.len() - 1
            });
            keys.push(JoinKey { left, right, nulls_match });
        }

        if !added_left.is_empty() {
            let places: Vec<usize> = (0..of_left).collect();
            left = self.arranged(left, &places, Some((exprs, &added_left)), rel.span);
        }
        if !added_right.is_empty() {
            let places: Vec<usize> = (0..of_right).collect();
            // Over the right fields alone.
            let scope = rel.inputs[1].scope();
            let (own, ids) = moved(exprs, &added_right, scope, |field| field - of_left);
            right = self.arranged(right, &places, Some((&own, &ids)), rel.span);
        }

        // The rest is over both sides as they are now.
        let mut scope: Vec<crate::expr::InputColumn> = vec![];
        for field in left.fields.iter().chain(&right.fields) {
            scope.push(crate::expr::InputColumn {
                name: field.name.clone(),
                column_type: field.column_type.clone(),
            });
        }
        let width = left.fields.len();
        let (exprs, rest) =
            moved(exprs, &rest, scope, |field| if field < of_left { field } else { width + field - of_left });
        let condition = self.predicate(&exprs, &rest);
        ([left, right], keys, condition)
    }

    fn temporal(&mut self, rel: &Arc<Rel>, join: &TemporalRel) -> Result<Producer, Failed> {
        let (left, right) = (&rel.inputs[0], &rel.inputs[1]);
        if left.fields[join.time].time == Some(TimeAttribute::Processing) {
            return self.lookup(rel, join);
        }

        let (of_left, of_right) = (self.produce(left)?, self.produce(right)?);
        let right_time = right.fields.iter().position(|field| field.time == Some(TimeAttribute::Event));
        let Some(right_time) = right_time else {
            let error =
                Diagnostic::error(rel.span, "the right side of FOR SYSTEM_TIME AS OF has no event time")
                    .with_hint("declare it: WATERMARK FOR time AS time");
            return Err(self.fail(error));
        };
        let Some(version_key) = of_right.key.clone() else {
            let error =
                Diagnostic::error(rel.span, "the right side of FOR SYSTEM_TIME AS OF has no primary key")
                    .with_hint("declare it: PRIMARY KEY (column) NOT ENFORCED");
            return Err(self.fail(error));
        };
        if !of_left.changes.is_append() {
            return Err(self.takes_no_updates("FOR SYSTEM_TIME AS OF", rel));
        }
        let widths = [left.fields.len(), right.fields.len()];
        let (sides, keys, condition) =
            self.join_keys([of_left, of_right], widths, &join.exprs, &join.conditions, rel);
        let [of_left, of_right] = sides;
        if !version_key.iter().all(|field| keys.iter().any(|key| key.right == *field)) {
            let error =
                Diagnostic::error(rel.span, "FOR SYSTEM_TIME AS OF joins by the whole key of its right side");
            return Err(self.fail(error));
        }

        let mut fields = of_left.fields.clone();
        fields.extend(of_right.fields.iter().cloned().map(|mut field| {
            field.column_type.nullable |= join.kind == JoinKind::Left;
            field
        }));
        let by = |side: fn(&JoinKey) -> usize| keys.iter().map(side).collect::<Vec<usize>>();
        let (by_left, by_right) = (by(|key| key.left), by(|key| key.right));
        let wide = of_left.fields.len();
        let is_plain = [wide, of_right.fields.len()] == widths;
        let kind = OperatorKind::TemporalJoin(TemporalJoin {
            kind: join.kind,
            keys,
            left_time: join.time,
            right_time,
            condition,
        });
        let inputs = vec![(of_left, spread(&by_left)), (of_right, spread(&by_right))];
        let out = (fields, Changes::Append, None);
        let producer = self.add(kind, inputs, out, ("TemporalJoin".to_owned(), rel.span));
        if is_plain {
            return Ok(producer);
        }
        let places: Vec<usize> = (0..widths[0]).chain((0..widths[1]).map(|field| wide + field)).collect();
        Ok(self.arranged(producer, &places, None, rel.span))
    }

    fn lookup(&mut self, rel: &Arc<Rel>, join: &TemporalRel) -> Result<Producer, Failed> {
        let (left, right) = (&rel.inputs[0], &rel.inputs[1]);
        let of_left = self.produce(left)?;
        let fused = self.sources.fuse(right);
        let table = fused.as_ref().filter(|fused| fused.filters.is_empty()).map(|fused| fused.table);
        let Some(table) = table.map(|table| &self.catalog.tables[table]) else {
            let error = Diagnostic::error(rel.span, "a lookup reads a table, and no query over one");
            return Err(self.fail(error.with_hint("put the conditions into ON or WHERE")));
        };
        if !dialect::is_lookup(&table.options) {
            let error = Diagnostic::error(rel.span, format!("`{}` cannot be looked up", table.name))
                .with_hint("by event time it can be joined as it was: FOR SYSTEM_TIME AS OF its left side's event time");
            return Err(self.fail(error));
        }

        let of_table = |field: &crate::rel::RelField| {
            let name = field.name.trim_matches('`');
            table.stored.iter().position(|column: &TableColumn| column.name == name)
        };
        let columns: Option<Vec<usize>> = right.fields.iter().map(of_table).collect();
        let Some(columns) = columns else {
            let error = Diagnostic::error(rel.span, "a table that is looked up has stored columns alone")
                .with_hint("compute from them in the SELECT");
            return Err(self.fail(error));
        };
        let width = left.fields.len();
        let mut keys = vec![];
        let mut rest = vec![];
        for &condition in &join.conditions {
            match lookup_key(&join.exprs, condition, width) {
                Some((field, key)) => keys.push((columns[field], key)),
                None => rest.push(condition),
            }
        }
        if keys.is_empty() {
            let error = Diagnostic::error(rel.span, format!("`{}` is looked up by no column", table.name))
                .with_hint("ON must say which of its columns equals what: ON a.id = b.id");
            return Err(self.fail(error));
        }

        let source = SourceTable {
            name: table.name.clone(),
            columns: table.stored.clone(),
            leaves: columns.iter().map(|&column| table.leaves[column].clone()).collect(),
            changes: Changes::Append,
            options: table.options.clone(),
            rows: None,
            span: table.span,
        };
        let changes = of_left.changes.clone();
        let fields = fields_of(rel);
        let added = fields[width..].to_vec();
        let kind = OperatorKind::LookupJoin(LookupJoin {
            kind: join.kind,
            table: Arc::new(source),
            keys,
            condition: self.predicate(&join.exprs, &rest),
            fields: added,
        });
        let name = format!("LookupJoin[{}]", table.name);
        Ok(self.add(kind, vec![(of_left, Distribution::Forward)], (fields, changes, None), (name, rel.span)))
    }

    fn over(&mut self, rel: &Arc<Rel>, over: &OverRel) -> Result<Producer, Failed> {
        let below = rel.input();
        let input = self.produce(below)?;
        let Some((first, rest)) = over.order.split_first() else {
            let error = Diagnostic::error(rel.span, "OVER needs ORDER BY")
                .with_hint("order by the event time: OVER (PARTITION BY key ORDER BY time)");
            return Err(self.fail(error));
        };
        let is_time = below.fields[first.field].time;
        if !rest.is_empty() {
            let error = Diagnostic::error(rel.span, "OVER is ordered by one column")
                .with_hint("only ROW_NUMBER that a condition bounds may be ordered by several");
            return Err(self.fail(error));
        }
        if first.descending {
            let error = Diagnostic::error(rel.span, "OVER is ordered ascending");
            return Err(self.fail(error));
        }
        let order = match is_time {
            Some(TimeAttribute::Event) => OverOrder::Event(first.field),
            Some(TimeAttribute::Processing) => OverOrder::Processing,
            None => OverOrder::Field(*first),
        };
        let updates = matches!(order, OverOrder::Field(_));
        if !updates && !input.changes.is_append() {
            return Err(self.takes_no_updates("OVER by time", rel));
        }
        let key = input.key.clone();
        let changes = if updates { Changes::Retract } else { Changes::Append };
        let kind = OperatorKind::Over(Over {
            partition: over.partition.clone(),
            order,
            frame: over.frame,
            calls: over.calls.clone(),
            emits_before: true,
        });
        let inputs = vec![(input, spread(&over.partition))];
        Ok(self.add(kind, inputs, (fields_of(rel), changes, key), ("OverAggregate".to_owned(), rel.span)))
    }

    fn sort(&mut self, rel: &Arc<Rel>, sort: &SortRel) -> Result<Producer, Failed> {
        let below = rel.input();
        match (sort.limit, sort.order.split_first()) {
            (Some(rows), None) => {
                let input = self.produce(below)?;
                let changes = input.changes.clone();
                let key = input.key.clone();
                let kind = OperatorKind::Limit(Limit { offset: sort.offset, rows });
                let inputs = vec![(input, Distribution::Single)];
                Ok(self.add(kind, inputs, (fields_of(rel), changes, key), ("Limit".to_owned(), rel.span)))
            }
            (Some(rows), Some(_)) => {
                let input = self.produce(below)?;
                let rank = crate::rel::RankRel {
                    partition: vec![],
                    order: sort.order.clone(),
                    from: sort.offset + 1,
                    to: crate::plan::operator::RankEnd::Constant(sort.offset.saturating_add(rows)),
                    with_number: false,
                };
                self.rank_operator(rel, below, input, &rank)
            }
            (None, Some((first, rest))) => {
                let input = self.produce(below)?;
                if below.fields[first.field].time.is_none() || first.descending {
                    let error = Diagnostic::error(
                        rel.span,
                        "a stream is sorted by its time, ascending, or not at all",
                    )
                    .with_hint("with LIMIT any order is possible: ORDER BY x LIMIT 10");
                    return Err(self.fail(error));
                }
                if !input.changes.is_append() {
                    return Err(self.takes_no_updates("ORDER BY time", rel));
                }
                let time = self.time(below, first.field, rel)?;
                let kind = OperatorKind::Sort(Sort { time, order: rest.to_vec() });
                let inputs = vec![(input, Distribution::Single)];
                let out = (fields_of(rel), Changes::Append, None);
                Ok(self.add(kind, inputs, out, ("Sort".to_owned(), rel.span)))
            }
            (None, None) => self.produce(below),
        }
    }
}

/// Rows by the values of these fields; all together where there are none.
pub(super) fn spread(fields: &[usize]) -> Distribution {
    if fields.is_empty() { Distribution::Single } else { Distribution::Hash(fields.to_vec()) }
}

/// Whether a time is an instant, and no time of the wall clock.
fn is_instant(rel: &Rel, field: usize) -> bool {
    matches!(rel.fields[field].column_type.data_type, DataType::TimestampLtz(_))
}

/// `left = right` or `left IS NOT DISTINCT FROM right`: the two sides, each over its own fields.
fn equality(exprs: &ExprGraph, condition: ExprId, width: usize) -> Option<(ExprId, ExprId, bool)> {
    let sides = |a: ExprId, b: ExprId| {
        let is_left = |id: ExprId| inputs_of(exprs, &[id]).iter().all(|&input| input < width);
        let is_right = |id: ExprId| inputs_of(exprs, &[id]).iter().all(|&input| input >= width);
        let is_read = |id: ExprId| !inputs_of(exprs, &[id]).is_empty();
        if !is_read(a) || !is_read(b) {
            return None;
        }
        if is_left(a) && is_right(b) {
            return Some((a, b));
        }
        (is_left(b) && is_right(a)).then_some((b, a))
    };
    match exprs.expr(condition) {
        Expr::Compare(Comparison::Equal, a, b) => sides(*a, *b).map(|(a, b)| (a, b, false)),
        // As the binder writes it: (a = b) IS TRUE OR (a IS NULL AND b IS NULL).
        Expr::Or(equal, both) => {
            let Expr::IsTrue(equal) = exprs.expr(*equal) else { return None };
            let Expr::Compare(Comparison::Equal, a, b) = exprs.expr(*equal) else { return None };
            let Expr::And(x, y) = exprs.expr(*both) else { return None };
            let (Expr::IsNull(_), Expr::IsNull(_)) = (exprs.expr(*x), exprs.expr(*y)) else { return None };
            sides(*a, *b).map(|(a, b)| (a, b, true))
        }
        _ => None,
    }
}

/// A condition by which a table is looked up: its field, and what it equals.
fn lookup_key(exprs: &ExprGraph, condition: ExprId, width: usize) -> Option<(usize, LookupKey)> {
    let Expr::Compare(Comparison::Equal, a, b) = exprs.expr(condition) else { return None };
    let key = |field: ExprId, value: ExprId| {
        let Expr::Column(field) = exprs.expr(field) else { return None };
        let field = field.checked_sub(width)?;
        match exprs.expr(value) {
            Expr::Column(left) if *left < width => Some((field, LookupKey::Field(*left))),
            Expr::Literal(value) => Some((field, LookupKey::Literal(value.clone()))),
            _ => None,
        }
    };
    key(*a, *b).or_else(|| key(*b, *a))
}
