//! Digests: texts that identify computations, by which state is found after a restart.
//!
//! A digest is written from left to right by a stack of pieces instead of by recursion, because a chain of
//! operators may have thousands of levels.

use std::borrow::Cow;

use super::{Expr, ExprGraph, ExprId};

/// A part of a digest that has not been written yet.
enum Piece<'a> {
    Text(Cow<'a, str>),
    Expr(ExprId),
}

impl ExprGraph {
    /// Returns a text that identifies the computation in every compilation, whatever else the script
    /// contains. Inputs appear by name, never by number.
    pub fn digest(&self, id: ExprId) -> String {
        let mut out = String::new();
        let mut rest = vec![Piece::Expr(id)];
        while let Some(piece) = rest.pop() {
            match piece {
                Piece::Text(text) => out.push_str(&text),
                Piece::Expr(id) => {
                    // The next piece to write is the last one of the stack.
                    let start = rest.len();
                    self.add_pieces(id, &mut rest);
                    rest[start..].reverse();
                }
            }
        }
        out
    }

    /// Appends the pieces of a node in their order.
    fn add_pieces<'a>(&'a self, id: ExprId, to: &mut Vec<Piece<'a>>) {
        let text = |text: &'static str| Piece::Text(Cow::Borrowed(text));
        let of = |id: &ExprId| Piece::Expr(*id);

        match self.expr(id) {
            Expr::Column(index) => to.push(Piece::Text(format!("`{}`", self.inputs[*index].name).into())),
            Expr::Literal(value) => {
                to.push(Piece::Text(format!("{value:?}:{}", self.column_type(id)).into()));
            }
            Expr::And(a, b) => to.extend([text("("), of(a), text(" AND "), of(b), text(")")]),
            Expr::Or(a, b) => to.extend([text("("), of(a), text(" OR "), of(b), text(")")]),
            Expr::Not(a) => to.extend([text("NOT("), of(a), text(")")]),
            Expr::IsNull(a) => to.extend([text("("), of(a), text(" IS NULL)")]),
            Expr::IsNotNull(a) => to.extend([text("("), of(a), text(" IS NOT NULL)")]),
            Expr::IsTrue(a) => to.extend([text("("), of(a), text(" IS TRUE)")]),
            Expr::IsNotTrue(a) => to.extend([text("("), of(a), text(" IS NOT TRUE)")]),
            Expr::IsFalse(a) => to.extend([text("("), of(a), text(" IS FALSE)")]),
            Expr::IsNotFalse(a) => to.extend([text("("), of(a), text(" IS NOT FALSE)")]),
            Expr::Compare(op, a, b) => {
                let sign = Piece::Text(format!(" {op:?} ").into());
                to.extend([text("("), of(a), sign, of(b), text(")")]);
            }
            Expr::In { input, values, has_null } => {
                let list = Piece::Text(format!(" IN {values:?} {has_null})").into());
                to.extend([text("("), of(input), list]);
            }
            Expr::Case { branches, otherwise } => {
                to.push(text("CASE("));
                for (place, (when, then)) in branches.iter().enumerate() {
                    to.push(text(if place == 0 { "" } else { ", " }));
                    to.extend([of(when), text(" THEN "), of(then)]);
                }
                to.extend([text(" ELSE "), of(otherwise), text(")")]);
            }
            Expr::Cast { input, mode } => {
                let start = Piece::Text(format!("{mode:?}(").into());
                let end = Piece::Text(format!(" AS {})", self.column_type(id)).into());
                to.extend([start, of(input), end]);
            }
            Expr::Call { function, args } => {
                to.extend([text(function.name), text("(")]);
                for (place, arg) in args.iter().enumerate() {
                    to.extend([text(if place == 0 { "" } else { ", " }), of(arg)]);
                }
                to.push(text(")"));
            }
        }
    }
}
