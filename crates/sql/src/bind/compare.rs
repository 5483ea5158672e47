//! Comparisons, `IN`, `BETWEEN` and `IS DISTINCT FROM`.

use std::collections::HashSet;

use types::{DataType, Value};

use super::Bound;
use super::function::call_function;
use super::nodes::NodeBuilder;
use super::portable::note_comparison;
use crate::error::{Diagnostic, Span};
use crate::expr::{Comparison, Expr, ExprId};
use crate::typing::{common_comparison_type, comparison_type, same_form};

/// Converts both sides to a common form and compares them.
pub(super) fn compare(
    nodes: &mut NodeBuilder<'_>,
    op: Comparison,
    left: ExprId,
    right: ExprId,
    span: Span,
) -> Bound<ExprId> {
    let (a, b) = (nodes.data_type(left), nodes.data_type(right));
    let Some(common) = comparison_type(&a, &b).filter(|t| *t == DataType::Null || t.repr().is_some()) else {
        let mut error = Diagnostic::error(span, format!("{a} and {b} cannot be compared"));
        error.hint = Some(match (&a, &b) {
            (text, other) | (other, text) if text.is_text() && other.is_numeric() => {
                format!(
                    "a text is not converted automatically: write CAST(… AS {other}), or the number without quotes"
                )
            }
            (x, y) if x.is_timestamp() && y.is_timestamp() => {
                "one is a wall clock, the other an instant: CAST one to the other's type".to_owned()
            }
            _ => format!("CAST one of them to the other's type: {a} or {b}"),
        });
        return Err(nodes.report(error));
    };

    let is_equality = matches!(op, Comparison::Equal | Comparison::NotEqual);
    if common.is_nested() && !is_equality {
        let error = Diagnostic::error(span, format!("{common} has no order"))
            .with_hint("such values can only be compared with `=` and `<>`");
        return Err(nodes.report(error));
    }
    let is_constructed =
        |id| matches!(nodes.graph().exprs.expr(id), Expr::Call { function, .. } if function.name == "$ROW");
    if let DataType::Row(fields) = &common
        && is_constructed(left)
        && is_constructed(right)
    {
        return compare_rows(nodes, op, (left, right), fields.len(), span);
    }

    note_comparison(nodes, &a, &b, span);
    let (left, right) = match common {
        // Maps are compared regardless of the order of their entries.
        DataType::Map(..) | DataType::Multiset(_) => {
            let (left, right) = (convert_form(nodes, left, &common), convert_form(nodes, right, &common));
            let ordered = call_function(nodes, "$ORDERED", &[left], span)?;
            (ordered, call_function(nodes, "$ORDERED", &[right], span)?)
        }
        DataType::Null => (nodes.convert(left, &DataType::Int), nodes.convert(right, &DataType::Int)),
        _ if same_form(&a, &b) => (left, right),
        _ => (convert_form(nodes, left, &common), convert_form(nodes, right, &common)),
    };

    let nullable = nodes.is_nullable(left) || nodes.is_nullable(right);
    Ok(nodes.add_boolean(Expr::Compare(op, left, right), nullable))
}

/// Compares row constructors field by field: equal if all fields are equal, unknown if a field's
/// comparison is unknown. Other rows are compared as values, where nulls are equal, as in Flink.
fn compare_rows(
    nodes: &mut NodeBuilder<'_>,
    op: Comparison,
    (left, right): (ExprId, ExprId),
    fields: usize,
    span: Span,
) -> Bound<ExprId> {
    let mut equal = Vec::with_capacity(fields);
    for place in 1..=fields {
        let number = nodes.add_literal(Value::Int(place as i64), DataType::Int);
        let a = call_function(nodes, "$FIELD", &[left, number], span)?;
        let b = call_function(nodes, "$FIELD", &[right, number], span)?;
        equal.push(compare(nodes, Comparison::Equal, a, b, span)?);
    }
    let all = nodes.balanced(&equal, true);
    Ok(if op == Comparison::NotEqual { nodes.not(all) } else { all })
}

/// Converts an expression unless both types have the same representation; a literal is always converted.
fn convert_form(nodes: &mut NodeBuilder<'_>, id: ExprId, to: &DataType) -> ExprId {
    if nodes.literal_of(id).is_none() && same_form(&nodes.data_type(id), to) {
        id
    } else {
        nodes.convert(id, to)
    }
}

/// Adds `IS DISTINCT FROM`; negated, `IS NOT DISTINCT FROM`.
pub(super) fn is_distinct(
    nodes: &mut NodeBuilder<'_>,
    left: ExprId,
    right: ExprId,
    negated: bool,
    span: Span,
) -> Bound<ExprId> {
    let equal = compare(nodes, Comparison::Equal, left, right, span)?;
    let equal = nodes.add_boolean(Expr::IsTrue(equal), false);
    let (left, right) =
        (nodes.add_boolean(Expr::IsNull(left), false), nodes.add_boolean(Expr::IsNull(right), false));
    let both_null = nodes.and(left, right);
    let same = nodes.or(equal, both_null);
    Ok(if negated { same } else { nodes.not(same) })
}

/// Adds `BETWEEN`. A symmetric one takes its bounds in either order.
pub(super) fn between(
    nodes: &mut NodeBuilder<'_>,
    (input, low, high): (ExprId, ExprId, ExprId),
    symmetric: bool,
    negated: bool,
    span: Span,
) -> Bound<ExprId> {
    let mut is_within = within(nodes, input, low, high, span)?;
    if symmetric {
        let other = within(nodes, input, high, low, span)?;
        is_within = nodes.or(is_within, other);
    }
    Ok(if negated { nodes.not(is_within) } else { is_within })
}

fn within(
    nodes: &mut NodeBuilder<'_>,
    input: ExprId,
    low: ExprId,
    high: ExprId,
    span: Span,
) -> Bound<ExprId> {
    let above = compare(nodes, Comparison::GreaterOrEqual, input, low, span)?;
    let below = compare(nodes, Comparison::LessOrEqual, input, high, span)?;
    Ok(nodes.and(above, below))
}

/// Adds `IN` with a list.
pub(super) fn is_in(
    nodes: &mut NodeBuilder<'_>,
    input: ExprId,
    items: &[ExprId],
    negated: bool,
    span: Span,
) -> Bound<ExprId> {
    let found = match in_literals(nodes, input, items) {
        Some(found) => found,
        None => {
            let equal = items
                .iter()
                .map(|item| compare(nodes, Comparison::Equal, input, *item, span))
                .collect::<Bound<Vec<_>>>()?;
            nodes.balanced(&equal, false)
        }
    };
    Ok(if negated { nodes.not(found) } else { found })
}

/// Binds `IN` to a set if all items are literals with the input's representation.
fn in_literals(nodes: &mut NodeBuilder<'_>, input: ExprId, items: &[ExprId]) -> Option<ExprId> {
    let from = nodes.data_type(input);
    if from == DataType::Null || matches!(from, DataType::Row(_)) {
        return None;
    }
    let all_literal = items.iter().all(|item| nodes.literal_of(*item).is_some());
    let types: Vec<DataType> = items.iter().map(|item| nodes.data_type(*item)).collect();
    let common = common_comparison_type(std::iter::once(&from).chain(&types)).filter(|_| all_literal)?;
    let input = convert_form(nodes, input, &common);
    let (mut values, mut has_null): (Vec<Value>, bool) = (vec![], false);
    let mut known = HashSet::new();

    for item in items {
        let item = nodes.convert(*item, &common);
        match nodes.literal_of(item)?.clone() {
            Value::Null => has_null = true,
            value if known.insert(identity(&value)) => values.push(value),
            _ => {}
        }
    }

    let nullable = has_null || nodes.is_nullable(input);
    Some(nodes.add_boolean(Expr::In { input, values: values.into(), has_null }, nullable))
}

/// Returns a text that is the same for equal values of one representation, including zeros of both signs.
fn identity(value: &Value) -> String {
    match value {
        Value::Double(v) => format!("{:?}", v + 0.0),
        other => format!("{other:?}"),
    }
}
