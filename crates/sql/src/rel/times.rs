//! Joins by time: recognises joins that are bounded by an interval of time or by a window.
//!
//! A regular join keeps its rows for ever, and its results have no event time. Two kinds of joins need less
//! state: an interval join knows when a row can have no more matches, and a window join ends with its window.

use types::{DataType, Interval, Value};

use super::{JoinRel, Rel, TimeAttribute, WindowKind};
use crate::expr::{Comparison, Expr, ExprGraph, ExprId};
use crate::plan::operator::WindowProperty;

/// Bounds of an interval join: `lower <= left - right <= upper`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimeBounds {
    /// The time fields of both sides.
    pub(crate) left: usize,
    pub(crate) right: usize,
    pub(crate) attribute: TimeAttribute,
    pub(crate) lower: Interval,
    pub(crate) upper: Interval,
    /// Indices of the conditions that express the bounds.
    pub(crate) conditions: Vec<usize>,
}

/// Returns the time bounds of a join, or `None` if they are missing on one side.
pub(crate) fn interval(left: &Rel, right: &Rel, join: &JoinRel) -> Option<TimeBounds> {
    use crate::plan::operator::JoinKind::{Anti, Mark, Semi};
    if matches!(join.kind, Semi | Anti | Mark) {
        return None;
    }
    let (mut lower, mut upper) = (None::<i64>, None::<i64>);
    let mut fields = None;
    let mut used = vec![];

    for (place, &condition) in join.conditions.iter().enumerate() {
        let mut parts = vec![];
        flatten(&join.exprs, condition, &mut parts);
        let bounds: Option<Vec<_>> =
            parts.iter().map(|(op, a, b)| bound(left, right, &join.exprs, (*op, *a, *b))).collect();
        let Some(bounds) = bounds.filter(|bounds| !bounds.is_empty()) else { continue };
        for (of_left, of_right, low, high) in bounds {
            if *fields.get_or_insert((of_left, of_right)) != (of_left, of_right) {
                return None;
            }
            lower = low.map(|low| lower.map_or(low, |known| known.max(low))).or(lower);
            upper = high.map(|high| upper.map_or(high, |known| known.min(high))).or(upper);
        }
        used.push(place);
    }

    let (of_left, of_right) = fields?;
    Some(TimeBounds {
        left: of_left,
        right: of_right,
        attribute: left.fields[of_left].time?,
        lower: Interval(lower?),
        upper: Interval(upper?),
        conditions: used,
    })
}

/// Splits conditions at `AND` into comparisons.
fn flatten(exprs: &ExprGraph, id: ExprId, parts: &mut Vec<(Comparison, ExprId, ExprId)>) {
    match exprs.expr(id) {
        Expr::And(a, b) => {
            flatten(exprs, *a, parts);
            flatten(exprs, *b, parts);
        }
        Expr::Compare(op, a, b) => parts.push((*op, *a, *b)),
        _ => {}
    }
}

type Bound = (usize, usize, Option<i64>, Option<i64>);

/// Returns `left + a OP right + b` as bounds of `left - right`.
fn bound(
    left: &Rel,
    right: &Rel,
    exprs: &ExprGraph,
    (op, a, b): (Comparison, ExprId, ExprId),
) -> Option<Bound> {
    let width = left.fields.len();
    let (first, plus_first) = shifted(exprs, a)?;
    let (second, plus_second) = shifted(exprs, b)?;

    // The condition is `first + plus_first OP second + plus_second`.
    let (of_left, of_right, by, op) = match (first < width, second < width) {
        (true, false) => (first, second - width, plus_second.saturating_sub(plus_first), op),
        (false, true) => (second, first - width, plus_first.saturating_sub(plus_second), swapped(op)),
        _ => return None,
    };
    let attribute = left.fields[of_left].time?;
    if right.fields[of_right].time? != attribute {
        return None;
    }

    // The condition is now `left - right OP by`.
    Some(match op {
        Comparison::Equal => (of_left, of_right, Some(by), Some(by)),
        Comparison::Less => (of_left, of_right, None, Some(by.saturating_sub(1))),
        Comparison::LessOrEqual => (of_left, of_right, None, Some(by)),
        Comparison::Greater => (of_left, of_right, Some(by.saturating_add(1)), None),
        Comparison::GreaterOrEqual => (of_left, of_right, Some(by), None),
        Comparison::NotEqual => return None,
    })
}

fn swapped(op: Comparison) -> Comparison {
    match op {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        other => other,
    }
}

/// Returns the column and the milliseconds of a column plus constants.
fn shifted(exprs: &ExprGraph, mut id: ExprId) -> Option<(usize, i64)> {
    let interval = |id: ExprId| match exprs.expr(id) {
        Expr::Literal(Value::Int(ms)) if exprs.column_type(id).data_type == DataType::IntervalDayTime => {
            Some(*ms)
        }
        _ => None,
    };

    let mut by = 0i64;
    loop {
        match exprs.expr(id) {
            Expr::Column(field) => return Some((*field, by)),
            Expr::Cast { input, .. } if exprs.column_type(*input).data_type.is_timestamp() => id = *input,
            Expr::Call { function, args } if matches!(function.name, "+" | "-") && args.len() == 2 => {
                let is_sum = function.name == "+";
                match (interval(args[0]), interval(args[1])) {
                    (_, Some(ms)) => {
                        by = if is_sum { by.saturating_add(ms) } else { by.saturating_sub(ms) };
                        id = args[0];
                    }
                    (Some(ms), None) if is_sum => {
                        by = by.saturating_add(ms);
                        id = args[1];
                    }
                    _ => return None,
                }
            }
            _ => return None,
        }
    }
}

/// A window join: the window bounds of each side, and the conditions that equate them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WindowBounds {
    pub(crate) left: (usize, usize),
    pub(crate) right: (usize, usize),
    pub(crate) of: WindowKind,
    pub(crate) conditions: Vec<usize>,
}

/// Returns the windows of a join, if it equates the windows of both sides.
pub(crate) fn window_join(left: &Rel, right: &Rel, join: &JoinRel) -> Option<WindowBounds> {
    let width = left.fields.len();
    let equal = |which: WindowProperty| {
        join.conditions.iter().enumerate().find_map(|(place, &condition)| {
            let Expr::Compare(Comparison::Equal, a, b) = join.exprs.expr(condition) else { return None };
            let (Expr::Column(a), Expr::Column(b)) = (join.exprs.expr(*a), join.exprs.expr(*b)) else {
                return None;
            };
            let (a, b) = if a < b { (*a, *b) } else { (*b, *a) };
            if a >= width || b < width {
                return None;
            }
            let (of_left, of_right) = (left.fields[a].window?, right.fields[b - width].window?);
            let is_same = of_left.which == which && of_left == of_right;
            is_same.then_some((a, b - width, place))
        })
    };

    let start = equal(WindowProperty::Start)?;
    let end = equal(WindowProperty::End)?;
    let of = left.fields[start.0].window?.of;
    let conditions = vec![start.2, end.2];
    Some(WindowBounds { left: (start.0, end.0), right: (start.1, end.1), of, conditions })
}
