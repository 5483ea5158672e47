//! Lowers joins: chooses the kind of join, and its keys.

use std::collections::HashSet;

use super::operators::spread;
use super::values::ValueId;
use super::{Failed, Lowering, Producer};
use crate::error::Diagnostic;
use crate::expr::{Comparison, Expr, ExprGraph, ExprId};
use crate::plan::operator::{
    Changes, Field, IntervalJoin, Join, JoinKey, JoinKind, OperatorKind, Predicate, TemporalJoin, Time,
    WindowJoin,
};
use crate::rel::rebase::{inputs_of, moved};
use crate::rel::times::{interval, window_join};
use crate::rel::{JoinRel, Rel, TemporalRel, TimeAttribute};
use std::sync::Arc;
use types::DataType;

impl Lowering<'_> {
    pub(super) fn join(&mut self, rel: &Arc<Rel>, join: &JoinRel) -> Result<Producer, Failed> {
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
            // The compared value may be null on either side, so it cannot spread the rows: all rows of one
            // correlation must meet.
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

        let is_unique = [of_left.is_identified_by(&by_left), of_right.is_identified_by(&by_right)];
        let key = joined_key(join.kind, [&of_left.key, &of_right.key], is_unique, widths[0]);
        let holds = |key: &Option<Vec<usize>>, by: &[usize]| {
            key.as_ref().is_some_and(|key| key.iter().all(|field| by.contains(field)))
        };
        let is_plainly_unique = [holds(&of_left.plain_key, &by_left), holds(&of_right.plain_key, &by_right)];
        let plain_keys = [&of_left.plain_key, &of_right.plain_key];
        let plain_key = joined_key(join.kind, plain_keys, is_plainly_unique, widths[0]);

        let inner_of_appends = appends && matches!(join.kind, JoinKind::Inner);
        let (kind, changes, name) = if let Some(windows) = windows {
            if windows.of.is_processing {
                let error = Diagnostic::error(rel.span, "rows can only be joined in windows of event time")
                    .with_hint("use the table's event time in DESCRIPTOR(…): the column of its WATERMARK");
                return Err(self.fail(error));
            }
            let is_instant = windows.of.is_instant;
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
            let regular = Join {
                kind: join.kind,
                keys: keys.clone(),
                condition,
                null_aware,
                unique: is_plainly_unique,
            };
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
        let producer = Producer { plain_key, ..producer };
        self.hint_state_ttl(&producer, &join.state_ttl);
        if is_plain {
            return Ok(producer);
        }

        // Drop the fields that were computed only as keys.
        let mut places: Vec<usize> = (0..left.fields.len()).collect();
        match join.kind {
            JoinKind::Semi | JoinKind::Anti => {}
            JoinKind::Mark => places.push(widths[0]),
            _ => places.extend((0..right.fields.len()).map(|field| widths[0] + field)),
        }
        Ok(self.arranged(producer, &places, None, rel.span))
    }

    /// Splits conditions into equality keys and the rest; keys that are no fields yet are computed by a Calc.
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
            match equal_sides(exprs, condition, of_left) {
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
            // These expressions read only the right side's fields.
            let scope = rel.inputs[1].scope();
            let (own, ids) = moved(exprs, &added_right, scope, |field| field - of_left);
            right = self.arranged(right, &places, Some((&own, &ids)), rel.span);
        }

        // The remaining conditions are over both sides with their added fields.
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

    pub(super) fn temporal(&mut self, rel: &Arc<Rel>, join: &TemporalRel) -> Result<Producer, Failed> {
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
        let compared: HashSet<ValueId> = keys.iter().map(|key| of_right.values[key.right]).collect();
        if !version_key.iter().all(|field| compared.contains(&of_right.values[*field])) {
            let error = Diagnostic::error(
                rel.span,
                "FOR SYSTEM_TIME AS OF needs equality on the whole key of its right side",
            );
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
}

/// Returns the key of a join's rows. `unique` says for each side whether its rows are unique by the join's keys.
fn joined_key(
    kind: JoinKind,
    [left, right]: [&Option<Vec<usize>>; 2],
    unique: [bool; 2],
    width: usize,
) -> Option<Vec<usize>> {
    let right = || right.as_ref().map(|key| key.iter().map(|field| width + field));
    match kind {
        JoinKind::Semi | JoinKind::Anti | JoinKind::Mark => left.clone(),
        JoinKind::Inner | JoinKind::Left if unique[1] => left.clone(),
        JoinKind::Inner | JoinKind::Right if unique[0] => right().map(Iterator::collect),
        _ => Some(left.as_ref()?.iter().copied().chain(right()?).collect()),
    }
}

/// Recognises `left = right` and `left IS NOT DISTINCT FROM right`; returns both sides, and whether nulls are
/// equal.
fn equal_sides(exprs: &ExprGraph, condition: ExprId, width: usize) -> Option<(ExprId, ExprId, bool)> {
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
        // This is the binder's form: (a = b) IS TRUE OR (a IS NULL AND b IS NULL).
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
