//! Lowers aggregates, OVER, ORDER BY and LIMIT to operators.

use super::operators::{is_instant, spread};
use super::{Failed, Lowering, Producer, fields_of};
use crate::error::Diagnostic;
use crate::plan::operator::{
    AggregateCall, Changes, Distribution, Expand, ExpandCopy, Field, Function, GroupAggregate, Limit,
    OperatorKind, Over, OverOrder, RankEnd, Sort, SortKey, WindowAggregate, WindowProperty, Windowing,
};
use crate::rel::{AggregateRel, OverRel, RankRel, Rel, SortRel, TimeAttribute, WindowShape};
use std::sync::Arc;
use types::DataType;

impl Lowering<'_> {
    pub(super) fn aggregate(&mut self, rel: &Arc<Rel>, aggregate: &AggregateRel) -> Result<Producer, Failed> {
        let below = rel.input();
        let mut input = self.produce(below)?;
        let mut keys = aggregate.keys.clone();
        let mut calls = aggregate.calls.clone();
        reduce_averages(&mut calls);
        let bounds = below.window_bounds(&keys);
        let results = calls.len();

        // Copy the keys to the front: a key that is also an argument keeps its value there in every grouping
        // set.
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
        } else if let Some((start, end, of)) = bounds {
            // Map the window's bounds to their places among the keys.
            let place = |field: usize| match aggregate.sets {
                Some(_) => aggregate.keys.iter().position(|&key| key == field).unwrap_or(field),
                None => field,
            };
            let name = format!("WindowAggregate[{}]", shown.join(", "));
            let kind = OperatorKind::WindowAggregate(WindowAggregate {
                windowing: Windowing::Attached {
                    start: place(start),
                    end: place(end),
                    is_processing: of.is_processing,
                },
                is_instant: of.is_instant,
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
            let grouped =
                self.add(kind, vec![(input, distribution)], (fields, changes, Some(key)), (name, rel.span));
            self.hint_state_ttl(&grouped, &[aggregate.state_ttl]);
            grouped
        };

        match &aggregate.sets {
            None => Ok(producer),
            // In the node the set's number follows the results; in the operator it precedes them.
            Some(_) => {
                let of_keys = aggregate.keys.len();
                let mut places: Vec<usize> = (0..of_keys).collect();
                places.extend(of_keys + 1..of_keys + 1 + results);
                places.push(of_keys);
                Ok(self.arranged(producer, &places, None, rel.span))
            }
        }
    }

    pub(super) fn over(&mut self, rel: &Arc<Rel>, over: &OverRel) -> Result<Producer, Failed> {
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
                .with_hint("only a ROW_NUMBER with an upper bound may be ordered by several");
            return Err(self.fail(error));
        }
        if first.descending {
            let error = Diagnostic::error(rel.span, "OVER is ordered ascending").with_hint(
                "order by the time, ascending; for the first rows by another order, number them by ROW_NUMBER() and \
                 limit the number with WHERE: RANK and DENSE_RANK cannot be limited",
            );
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

    pub(super) fn sort(&mut self, rel: &Arc<Rel>, sort: &SortRel) -> Result<Producer, Failed> {
        let below = rel.input();
        match (sort.limit, sort.order.split_first()) {
            (Some(rows), None) => {
                let input = self.produce(below)?;
                // A retracted row makes room for another, so the first rows to arrive are a Top-N without an
                // order.
                if !input.changes.is_append() {
                    let rank = first_rows(sort, rows, vec![]);
                    return self.rank_operator(rel, below, input, &rank);
                }
                let changes = input.changes.clone();
                let key = input.key.clone();
                let kind = OperatorKind::Limit(Limit { offset: sort.offset, rows });
                let inputs = vec![(input, Distribution::Single)];
                Ok(self.add(kind, inputs, (fields_of(rel), changes, key), ("Limit".to_owned(), rel.span)))
            }
            (Some(rows), Some(_)) => {
                let input = self.produce(below)?;
                let rank = first_rows(sort, rows, sort.order.clone());
                self.rank_operator(rel, below, input, &rank)
            }
            (None, Some((first, rest))) => {
                let input = self.produce(below)?;
                if below.fields[first.field].time.is_none() || first.descending {
                    let error =
                        Diagnostic::error(rel.span, "a stream can only be sorted by its time, ascending")
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

/// Expresses `LIMIT` as a Top-N over all rows.
fn first_rows(sort: &SortRel, rows: u64, order: Vec<SortKey>) -> RankRel {
    RankRel {
        partition: vec![],
        order,
        from: sort.offset.saturating_add(1),
        to: RankEnd::Constant(sort.offset.saturating_add(rows)),
        with_number: false,
    }
}

/// Computes the mean of integers from their sum if the query also computes the sum and count, or a variance.
/// Flink does the same, and the difference is visible when the sum wraps.
fn reduce_averages(calls: &mut [AggregateCall]) {
    let all = calls.to_vec();
    for call in calls.iter_mut().filter(|call| call.function == Function::Avg) {
        let Some(arg) = call.arg_types.first().filter(|arg| arg.data_type.is_integer()) else { continue };
        let is_alike = |other: &AggregateCall| other.distinct == call.distinct && other.filter == call.filter;

        let has_sum = all
            .iter()
            .any(|other| other.function == Function::Sum && is_alike(other) && other.args == call.args);
        let has_count = all.iter().any(|other| {
            let counts_all = other.args.is_empty() && !arg.nullable;
            other.function == Function::Count && is_alike(other) && (counts_all || other.args == call.args)
        });
        let has_variance = all.iter().any(|other| {
            matches!(
                other.function,
                Function::StddevPop | Function::StddevSamp | Function::VarPop | Function::VarSamp
            )
        });

        if has_sum && has_count || has_variance {
            call.function = Function::AvgOfSum;
        }
    }
}
