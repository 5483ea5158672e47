//! Parses `GROUP BY` with `GROUPING SETS`, `ROLLUP` and `CUBE`.

use sqlparser::tokenizer::Token;

use super::ast::{Expr, ExprKind, GroupBy, GroupItem};
use super::{Parsed, Parser};

impl Parser {
    /// Parses an optional `GROUP BY …`.
    pub(super) fn group_by(&mut self) -> Parsed<Option<GroupBy>> {
        let start = self.tokens.span();
        if !self.tokens.accept_words(&["GROUP", "BY"]) {
            return Ok(None);
        }
        let mut items = vec![];
        loop {
            items.push(self.group_item()?);
            self.bounded(items.len(), "keys", start)?;
            if !self.tokens.accept(&Token::Comma) {
                return Ok(Some(GroupBy { items, span: self.tokens.since(start) }));
            }
        }
    }

    fn group_item(&mut self) -> Parsed<GroupItem> {
        if self.tokens.accept_words(&["GROUPING", "SETS"]) {
            let sets = self.nested(|p| p.list(Parser::group_item))?;
            return Ok(GroupItem::Sets { sets });
        }
        if self.tokens.accept_word("ROLLUP") {
            let elements = self.list(Parser::group_element)?;
            return Ok(GroupItem::Rollup { elements });
        }
        if self.tokens.accept_word("CUBE") {
            let elements = self.list(Parser::group_element)?;
            return Ok(GroupItem::Cube { elements });
        }

        let opens = matches!(self.tokens.peek(), Token::LParen);
        if opens && matches!(self.tokens.peek_nth(1), Token::RParen) {
            self.tokens.skip(2);
            return Ok(GroupItem::Tuple { exprs: vec![] });
        }
        match self.expr()? {
            Expr { kind: ExprKind::Row(exprs), .. } if opens => Ok(GroupItem::Tuple { exprs }),
            expr => Ok(GroupItem::Expr(expr)),
        }
    }

    /// Parses `a` or `(a, b)`.
    fn group_element(&mut self) -> Parsed<Vec<Expr>> {
        let opens = matches!(self.tokens.peek(), Token::LParen);
        match self.expr()? {
            Expr { kind: ExprKind::Row(exprs), .. } if opens => Ok(exprs),
            expr => Ok(vec![expr]),
        }
    }
}
