//! Formats expressions as SQL.
//!
//! A text is written from left to right by a stack of pieces instead of by recursion, because a chain of
//! operators may have thousands of levels.

use std::borrow::Cow;

use types::{DataType, Value};

use crate::expr::{CastMode, Comparison, Expr, ExprGraph, ExprId};
use crate::plan::Rowtime;

/// Formats an expression as SQL.
pub(crate) fn expression(graph: &ExprGraph, id: ExprId) -> String {
    Printer::new(graph, None).print(id)
}

/// Formats the expressions of one graph.
pub(super) struct Printer<'a> {
    pub(super) graph: &'a ExprGraph,
    /// Every expression that equals the event time is printed by the event time's name.
    pub(super) rowtime: Option<&'a Rowtime>,
}

/// A part of a text that has not been written yet.
enum Piece<'a> {
    Text(Cow<'a, str>),
    Expr(ExprId),
    /// An expression that stands in parentheses if it is an infix operation.
    Operand(ExprId),
}

impl<'a> Printer<'a> {
    pub(super) fn new(graph: &'a ExprGraph, rowtime: Option<&'a Rowtime>) -> Printer<'a> {
        Printer { graph, rowtime }
    }

    /// Formats conditions that must all be true.
    pub(super) fn all(&self, conditions: &[ExprId]) -> String {
        let texts = conditions.iter().map(|id| self.written(Piece::Operand(*id)));
        texts.collect::<Vec<_>>().join(" AND ")
    }

    pub(super) fn print(&self, id: ExprId) -> String {
        self.written(Piece::Expr(id))
    }

    fn written(&self, piece: Piece<'a>) -> String {
        let mut out = String::new();
        let mut rest = vec![piece];
        while let Some(piece) = rest.pop() {
            // The next piece to write is the last one of the stack.
            let start = rest.len();
            match piece {
                Piece::Text(text) => out.push_str(&text),
                Piece::Expr(id) => self.add_pieces(id, &mut rest),
                Piece::Operand(id) if self.is_infix(id) => {
                    rest.extend([text("("), Piece::Expr(id), text(")")]);
                }
                Piece::Operand(id) => rest.push(Piece::Expr(id)),
            }
            rest[start..].reverse();
        }
        out
    }

    /// Appends the pieces of an expression in their order.
    fn add_pieces(&self, id: ExprId, to: &mut Vec<Piece<'a>>) {
        if let Some(rowtime) = self.rowtime.filter(|rowtime| rowtime.time == id) {
            to.push(text(&rowtime.name));
            return;
        }
        let of = |id: &ExprId| Piece::Operand(*id);

        match self.graph.expr(id) {
            Expr::Column(input) => to.push(text(&self.graph.inputs[*input].name)),
            Expr::Literal(value) => {
                to.push(Piece::Text(literal(value, &self.graph.column_type(id).data_type).into()));
            }
            Expr::And(a, b) => to.extend([of(a), text(" AND "), of(b)]),
            Expr::Or(a, b) => to.extend([of(a), text(" OR "), of(b)]),
            Expr::Not(a) => to.extend([text("NOT "), of(a)]),
            Expr::IsNull(a) => to.extend([of(a), text(" IS NULL")]),
            Expr::IsNotNull(a) => to.extend([of(a), text(" IS NOT NULL")]),
            Expr::IsTrue(a) => to.extend([of(a), text(" IS TRUE")]),
            Expr::IsNotTrue(a) => to.extend([of(a), text(" IS NOT TRUE")]),
            Expr::IsFalse(a) => to.extend([of(a), text(" IS FALSE")]),
            Expr::IsNotFalse(a) => to.extend([of(a), text(" IS NOT FALSE")]),
            Expr::Compare(op, a, b) => to.extend([of(a), text(" "), text(sign(*op)), text(" "), of(b)]),
            Expr::In { input, values, has_null } => {
                let data_type = &self.graph.column_type(*input).data_type;
                let mut items: Vec<String> = values.iter().map(|value| literal(value, data_type)).collect();
                items.extend(has_null.then(|| "NULL".to_owned()));
                to.extend([of(input), Piece::Text(format!(" IN ({})", items.join(", ")).into())]);
            }
            Expr::Case { branches, otherwise } if self.is_coalesce(branches) => {
                let all = branches.iter().map(|(_, then)| *then).chain([*otherwise]);
                add_call("COALESCE", all, to);
            }
            Expr::Case { branches, otherwise } => {
                to.push(text("CASE"));
                for (when, then) in branches.iter() {
                    to.extend([text(" WHEN "), Piece::Expr(*when), text(" THEN "), Piece::Expr(*then)]);
                }
                to.extend([text(" ELSE "), Piece::Expr(*otherwise), text(" END")]);
            }
            Expr::Cast { input, mode } => {
                let name = if *mode == CastMode::Try { "TRY_CAST(" } else { "CAST(" };
                let end = format!(" AS {})", self.graph.column_type(id).data_type);
                to.extend([text(name), Piece::Expr(*input), Piece::Text(end.into())]);
            }
            Expr::Call { function, args } => match args.as_ref() {
                [] => to.push(text(function.name)),
                [a, b] if function.is_operator() => {
                    to.extend([of(a), text(" "), text(function.name), text(" "), of(b)]);
                }
                args => {
                    // A check is shown as the value that it checks.
                    let shown = match function.name {
                        "$NOT_NULL" | "$CHECK_LENGTH" => &args[..1],
                        _ => args,
                    };
                    add_call(function.name, shown.iter().copied(), to);
                }
            },
        }
    }

    /// Returns whether each branch returns the value that its condition tests for null, as `COALESCE` does.
    fn is_coalesce(&self, branches: &[(ExprId, ExprId)]) -> bool {
        branches
            .iter()
            .all(|(when, then)| matches!(self.graph.expr(*when), Expr::IsNotNull(id) if id == then))
    }

    fn is_infix(&self, id: ExprId) -> bool {
        let is_name = self.rowtime.is_some_and(|rowtime| rowtime.time == id);
        let is_infix = match self.graph.expr(id) {
            Expr::And(..) | Expr::Or(..) | Expr::Compare(..) | Expr::Not(_) | Expr::In { .. } => true,
            Expr::IsNull(_) | Expr::IsNotNull(_) | Expr::IsTrue(_) => true,
            Expr::IsNotTrue(_) | Expr::IsFalse(_) | Expr::IsNotFalse(_) => true,
            Expr::Call { function, .. } => function.is_operator(),
            Expr::Column(_) | Expr::Literal(_) | Expr::Case { .. } | Expr::Cast { .. } => false,
        };
        is_infix && !is_name
    }
}

fn text(text: &str) -> Piece<'_> {
    Piece::Text(Cow::Borrowed(text))
}

/// Appends `name(a, b, …)`.
fn add_call<'a>(name: &'a str, args: impl Iterator<Item = ExprId>, to: &mut Vec<Piece<'a>>) {
    to.extend([text(name), text("(")]);
    for (place, arg) in args.enumerate() {
        to.extend([text(if place == 0 { "" } else { ", " }), Piece::Expr(arg)]);
    }
    to.push(text(")"));
}

fn sign(op: Comparison) -> &'static str {
    match op {
        Comparison::Equal => "=",
        Comparison::NotEqual => "<>",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    }
}

/// Formats a literal as SQL.
pub(super) fn literal(value: &Value, data_type: &DataType) -> String {
    match (value, data_type) {
        (Value::Null, _) => "NULL".to_owned(),
        (Value::Bool(v), _) => if *v { "TRUE" } else { "FALSE" }.to_owned(),
        (Value::Text(text), _) => format!("'{}'", text.replace('\'', "''")),
        (Value::Bytes(bytes), _) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
            format!("X'{hex}'")
        }
        (Value::Double(v), _) => format!("{v:?}"),
        (Value::Int(ms), DataType::IntervalDayTime) => format!("INTERVAL {}", types::Interval(*ms)),
        (Value::Int(months), DataType::IntervalYearMonth) => format!("INTERVAL {months} MONTH"),
        (Value::Int(v), data_type) if data_type.is_numeric() => v.to_string(),
        (Value::Wide(v), DataType::Decimal { scale, .. }) => decimal(*v, *scale),
        (Value::Int(_) | Value::Wide(_), data_type) => {
            let to = DataType::STRING;
            let written =
                crate::bind::cast_value(value, data_type, &to, CastMode::Try, &jiff::tz::TimeZone::UTC);
            match written {
                Some(Value::Text(text)) => format!("{data_type} '{text}'"),
                _ => format!("{data_type} {value:?}"),
            }
        }
    }
}

fn decimal(unscaled: i128, scale: u8) -> String {
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}
