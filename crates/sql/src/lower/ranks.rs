//! Top-N and deduplication: recognises `ROW_NUMBER() OVER (…)` with a condition that limits the number.
//!
//! ```text
//! Calc[…  |  rn <= 3]                          Calc[…]
//!  └ Over[ROW_NUMBER by k, order by x]    ⇒     └ Rank[k, x, 1 to 3]
//! ```
//!
//! If rows are ordered by time only and one row is kept, the rank is a deduplication, whose state is just
//! that row.

use std::sync::Arc;

use types::Value;

use super::operators::spread;
use super::{Failed, Lowering, Producer, fields_of};
use crate::error::Diagnostic;
use crate::expr::{Comparison, Expr, ExprGraph, ExprId};
use crate::plan::operator::{
    Changes, Deduplicate, Distribution, Frame, Function, Keeps, OperatorKind, Rank, RankEnd, WindowRank,
};
use crate::rel::rebase::inputs_of;
use crate::rel::{CalcRel, OverRel, RankRel, Rel, RelKind, TimeAttribute};

/// A Calc over a ROW_NUMBER that together form a rank.
pub(super) struct CalcRank<'a> {
    over: &'a OverRel,
    /// The node below the OVER.
    input: &'a Arc<Rel>,
    rank: RankRel,
    /// The Calc without the conditions on the number.
    calc: CalcRel,
}

/// Returns the rank that a Calc and the node below it form, if they do.
pub(super) fn of_calc<'a>(calc: &CalcRel, below: &'a Arc<Rel>) -> Option<CalcRank<'a>> {
    let RelKind::Over(over) = &below.kind else { return None };
    let [call] = over.calls.as_slice() else { return None };
    if call.function != Function::RowNumber || over.order.is_empty() {
        return None;
    }
    let number = below.fields.len() - 1;

    let mut bounds = Bounds { from: 1, to: None };
    let mut conditions = vec![];
    for &condition in &calc.conditions {
        let mut parts = vec![];
        split(&calc.exprs, condition, &mut parts);
        for part in parts {
            if !bounds.take(&calc.exprs, part, number, &over.partition) {
                conditions.push(part);
            }
        }
    }

    let to = bounds.to?;
    let read: Vec<ExprId> = conditions.iter().chain(&calc.columns).copied().collect();
    let with_number = inputs_of(&calc.exprs, &read).contains(&number);
    let rank = RankRel {
        partition: over.partition.clone(),
        order: over.order.clone(),
        from: bounds.from,
        to,
        with_number,
    };
    let calc = CalcRel { exprs: calc.exprs.clone(), conditions, columns: calc.columns.clone() };
    Some(CalcRank { over, input: below.input(), rank, calc })
}

fn split(exprs: &ExprGraph, id: ExprId, parts: &mut Vec<ExprId>) {
    match exprs.expr(id) {
        Expr::And(a, b) => {
            split(exprs, *a, parts);
            split(exprs, *b, parts);
        }
        _ => parts.push(id),
    }
}

struct Bounds {
    from: u64,
    to: Option<RankEnd>,
}

impl Bounds {
    /// Applies a condition on the number to the bounds; returns `false` for any other condition.
    fn take(&mut self, exprs: &ExprGraph, condition: ExprId, number: usize, partition: &[usize]) -> bool {
        let Expr::Compare(op, a, b) = exprs.expr(condition) else { return false };
        let is_number = |id: ExprId| matches!(plain(exprs, id), Expr::Column(input) if *input == number);
        let (op, other) = match (is_number(*a), is_number(*b)) {
            (true, false) => (*op, *b),
            (false, true) => (
                match op {
                    Comparison::Less => Comparison::Greater,
                    Comparison::LessOrEqual => Comparison::GreaterOrEqual,
                    Comparison::Greater => Comparison::Less,
                    Comparison::GreaterOrEqual => Comparison::LessOrEqual,
                    other => *other,
                },
                *a,
            ),
            _ => return false,
        };

        match plain(exprs, other) {
            Expr::Literal(Value::Int(value)) => self.constant(op, *value),
            Expr::Column(field) if partition.contains(field) && op == Comparison::LessOrEqual => {
                if self.to.is_none() {
                    self.to = Some(RankEnd::Field(*field));
                    return true;
                }
                false
            }
            _ => false,
        }
    }

    fn constant(&mut self, op: Comparison, value: i64) -> bool {
        let at_most = |this: &mut Bounds, most: i64| {
            let most = u64::try_from(most).unwrap_or(0);
            match this.to {
                None => this.to = Some(RankEnd::Constant(most)),
                Some(RankEnd::Constant(known)) => this.to = Some(RankEnd::Constant(known.min(most))),
                Some(RankEnd::Field(_)) => return false,
            }
            true
        };

        match op {
            Comparison::Less => at_most(self, value.saturating_sub(1)),
            Comparison::LessOrEqual => at_most(self, value),
            Comparison::Equal => {
                self.from = self.from.max(u64::try_from(value).unwrap_or(1));
                at_most(self, value)
            }
            Comparison::Greater => {
                self.from = self.from.max(u64::try_from(value.saturating_add(1)).unwrap_or(1));
                true
            }
            Comparison::GreaterOrEqual => {
                self.from = self.from.max(u64::try_from(value).unwrap_or(1));
                true
            }
            Comparison::NotEqual => false,
        }
    }
}

/// Returns the expression without integer casts around it.
fn plain(exprs: &ExprGraph, id: ExprId) -> &Expr {
    match exprs.expr(id) {
        Expr::Cast { input, .. } if exprs.column_type(*input).data_type.is_integer() => plain(exprs, *input),
        other => other,
    }
}

impl Lowering<'_> {
    pub(super) fn ranked(&mut self, rel: &Arc<Rel>, found: CalcRank<'_>) -> Result<Producer, Failed> {
        let CalcRank { over, input, rank, mut calc } = found;
        debug_assert!(matches!(over.frame, Frame::UnboundedRows | Frame::UnboundedRange));
        let of_input = self.produce(input)?;
        let number = input.fields.len();

        // If only the first row is kept, its number is 1.
        let is_first = rank.from == 1 && rank.to == RankEnd::Constant(1);
        let rank = if is_first && rank.with_number {
            let mut exprs = ExprGraph::new(calc.exprs.inputs.clone());
            let input = |to: &mut ExprGraph, place: usize| {
                let column_type = to.inputs[place].column_type.clone();
                match place == number {
                    true => to.add(Expr::Literal(Value::Int(1)), column_type),
                    false => to.add(Expr::Column(place), column_type),
                }
            };
            let mut rebase = crate::rel::rebase::Rebase::new(&calc.exprs, &mut exprs, input);
            let (conditions, columns) = (rebase.all(&calc.conditions), rebase.all(&calc.columns));
            calc = CalcRel { exprs, conditions, columns };
            RankRel { with_number: false, ..rank }
        } else {
            rank
        };

        let node = Rel::rank(input.clone(), rank.clone(), rel.span);
        let producer = self.rank_operator(&node, input, of_input, &rank)?;
        Ok(self.calc(producer, &calc, rel))
    }

    /// Adds the operator of a rank over an input.
    pub(super) fn rank_operator(
        &mut self,
        rel: &Arc<Rel>,
        below: &Rel,
        input: Producer,
        rank: &RankRel,
    ) -> Result<Producer, Failed> {
        let mut fields = fields_of(rel);
        fields.truncate(below.fields.len() + usize::from(rank.with_number));
        let appends = input.changes.is_append();
        let is_first = rank.from == 1 && rank.to == RankEnd::Constant(1) && !rank.with_number;

        // In a window aggregate's result, the rows of a window are final when the window closes.
        if let Some((start, end, of)) = below.window_bounds(&rank.partition) {
            let RankEnd::Constant(to) = rank.to else {
                let error = Diagnostic::error(rel.span, "a rank in a window needs a constant upper bound");
                return Err(self.fail(error));
            };
            if !appends {
                let error = Diagnostic::error(rel.span, "a rank in a window takes new rows only");
                return Err(self.fail(error));
            }
            if of.is_processing {
                let error = Diagnostic::error(rel.span, "rows can only be ranked in windows of event time")
                    .with_hint("use the table's event time in DESCRIPTOR(…): the column of its WATERMARK");
                return Err(self.fail(error));
            }
            let is_instant = of.is_instant;
            let kind = OperatorKind::WindowRank(WindowRank {
                start,
                end,
                is_instant,
                partition: rank.partition.clone(),
                order: rank.order.clone(),
                from: rank.from,
                to,
                with_number: rank.with_number,
            });
            let inputs = vec![(input, spread(&rank.partition))];
            let out = (fields, Changes::Append, None);
            return Ok(self.add(kind, inputs, out, ("WindowRank".to_owned(), rel.span)));
        }

        let keeps = match rank.order.as_slice() {
            [only] if is_first && appends => match (below.fields[only.field].time, only.descending) {
                (Some(TimeAttribute::Event), false) => Some(Keeps::FirstByTime { field: only.field }),
                (Some(TimeAttribute::Event), true) => Some(Keeps::LastByTime { field: only.field }),
                (Some(TimeAttribute::Processing), false) => Some(Keeps::FirstToArrive),
                (Some(TimeAttribute::Processing), true) => Some(Keeps::LastToArrive),
                (None, _) => None,
            },
            _ => None,
        };
        let distribution: Distribution = spread(&rank.partition);
        if let Some(keeps) = keeps {
            let first = matches!(keeps, Keeps::FirstByTime { .. } | Keeps::FirstToArrive);
            let changes = if first { Changes::Append } else { Changes::Retract };
            let kind = OperatorKind::Deduplicate(Deduplicate {
                keys: rank.partition.clone(),
                keeps,
                emits_before: true,
            });
            let out = (fields, changes, Some(rank.partition.clone()));
            return Ok(self.add(
                kind,
                vec![(input, distribution)],
                out,
                ("Deduplicate".to_owned(), rel.span),
            ));
        }

        let key = match (rank.with_number, is_first) {
            (true, _) => Some(rank.partition.iter().copied().chain([fields.len() - 1]).collect()),
            (false, true) => Some(rank.partition.clone()),
            (false, false) => input.key.clone(),
        };
        let kind = OperatorKind::Rank(Rank {
            partition: rank.partition.clone(),
            order: rank.order.clone(),
            from: rank.from,
            to: rank.to,
            with_number: rank.with_number,
            emits_before: true,
        });
        let name = match rank.to {
            RankEnd::Constant(to) => format!("Rank[{} to {to}]", rank.from),
            RankEnd::Field(field) => format!("Rank[{} to {}]", rank.from, below.fields[field].name),
        };
        Ok(self.add(kind, vec![(input, distribution)], (fields, Changes::Retract, key), (name, rel.span)))
    }
}
