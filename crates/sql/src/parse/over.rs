//! Parses `OVER (…)`, `WINDOW w AS (…)`, and lists of `ORDER BY` and `PARTITION BY`.

use sqlparser::tokenizer::Token;

use super::ast::{Expr, ExprKind, Frame, FrameBound, FrameUnit, Ident, OrderItem, OverWindow};
use super::{Parsed, Parser};
use crate::error::Diagnostic;

impl Parser {
    /// Parses an optional `ORDER BY …`.
    pub(super) fn order_by(&mut self) -> Parsed<Vec<OrderItem>> {
        let start = self.tokens.span();
        let mut items = vec![];
        if !self.tokens.accept_words(&["ORDER", "BY"]) {
            return Ok(items);
        }
        loop {
            items.push(self.order_item()?);
            self.bounded(items.len(), "keys", start)?;
            if !self.tokens.accept(&Token::Comma) {
                return Ok(items);
            }
        }
    }

    /// Parses `expr [ASC | DESC] [NULLS FIRST | NULLS LAST]`.
    pub(super) fn order_item(&mut self) -> Parsed<OrderItem> {
        let expr = self.expr()?;
        let descending = self.tokens.accept_word("DESC");
        if !descending {
            self.tokens.accept_word("ASC");
        }
        let nulls_first = if !self.tokens.accept_word("NULLS") {
            None
        } else if self.tokens.accept_word("FIRST") {
            Some(true)
        } else if self.tokens.accept_word("LAST") {
            Some(false)
        } else {
            return Err(self.tokens.unexpected("`FIRST` or `LAST`"));
        };
        Ok(OrderItem { expr, descending, nulls_first })
    }

    /// Parses an optional `PARTITION BY …`.
    pub(super) fn partition_by(&mut self) -> Parsed<Vec<Expr>> {
        let start = self.tokens.span();
        let mut exprs = vec![];
        if !self.tokens.accept_words(&["PARTITION", "BY"]) {
            return Ok(exprs);
        }
        loop {
            self.add_partition(&mut exprs)?;
            self.bounded(exprs.len(), "keys", start)?;
            if !self.tokens.accept(&Token::Comma) {
                return Ok(exprs);
            }
        }
    }

    /// Parses `a` or `(a, b)`.
    pub(super) fn add_partition(&mut self, exprs: &mut Vec<Expr>) -> Parsed<()> {
        let opens = matches!(self.tokens.peek(), Token::LParen);
        match self.expr()? {
            Expr { kind: ExprKind::Row(items), .. } if opens => exprs.extend(items),
            expr => exprs.push(expr),
        }
        Ok(())
    }

    /// Parses an optional `WINDOW w AS (…), …`.
    pub(super) fn named_windows(&mut self) -> Parsed<Vec<(Ident, OverWindow)>> {
        let start = self.tokens.span();
        let mut windows = vec![];
        if !self.tokens.accept_word("WINDOW") {
            return Ok(windows);
        }
        loop {
            let name = self.new_ident("a window's name")?;
            self.tokens.expect_word("AS")?;
            let window = self.window_definition()?;
            windows.push((name, window));
            self.bounded(windows.len(), "windows", start)?;
            if !self.tokens.accept(&Token::Comma) {
                return Ok(windows);
            }
        }
    }

    /// Parses `OVER w` or `OVER (…)`; the keyword is the next token.
    pub(super) fn over(&mut self) -> Parsed<OverWindow> {
        self.tokens.advance();
        if matches!(self.tokens.peek(), Token::LParen) {
            return self.window_definition();
        }
        let base = Some(self.tokens.ident("a window's name or `(`")?);
        Ok(OverWindow { base, partition_by: vec![], order_by: vec![], frame: None })
    }

    /// Parses `([w] [PARTITION BY …] [ORDER BY …] [frame])`.
    fn window_definition(&mut self) -> Parsed<OverWindow> {
        self.tokens.expect(&Token::LParen)?;
        let clauses = ["PARTITION", "ORDER", "ROWS", "RANGE", "GROUPS"];
        let is_named = matches!(self.tokens.peek(), Token::Word(_))
            && !clauses.iter().any(|word| self.tokens.is_word(word));
        let base = if is_named { Some(self.tokens.ident("a window's name")?) } else { None };

        let partition_by = self.partition_by()?;
        let order_by = self.order_by()?;
        let frame = self.frame()?;
        if !self.tokens.accept(&Token::RParen) {
            let expected = match (&frame, order_by.is_empty(), partition_by.is_empty()) {
                (Some(_), _, _) => "`)`",
                (None, false, _) => "`,`, `ROWS`, `RANGE` or `)`",
                (None, true, false) => "`,`, `ORDER BY`, `ROWS`, `RANGE` or `)`",
                (None, true, true) => "`PARTITION BY`, `ORDER BY`, `ROWS`, `RANGE` or `)`",
            };
            return Err(self.tokens.unexpected(expected));
        }
        Ok(OverWindow { base, partition_by, order_by, frame })
    }

    /// Parses an optional frame, `ROWS bound` or `RANGE BETWEEN bound AND bound`.
    fn frame(&mut self) -> Parsed<Option<Frame>> {
        let start = self.tokens.span();
        let unit = if self.tokens.accept_word("ROWS") {
            FrameUnit::Rows
        } else if self.tokens.accept_word("RANGE") {
            FrameUnit::Range
        } else if self.tokens.is_word("GROUPS") {
            let error = Diagnostic::error(start, "GROUPS frames are not supported");
            return Err(Box::new(error.with_hint("write ROWS or RANGE")));
        } else {
            return Ok(None);
        };

        let (first, end) = if self.tokens.accept_word("BETWEEN") {
            let first = self.frame_bound()?;
            self.tokens.expect_word("AND")?;
            (first, self.frame_bound()?)
        } else {
            (self.frame_bound()?, FrameBound::CurrentRow)
        };
        Ok(Some(Frame { unit, start: first, end, span: self.tokens.since(start) }))
    }

    fn frame_bound(&mut self) -> Parsed<FrameBound> {
        if self.tokens.accept_words(&["UNBOUNDED", "PRECEDING"]) {
            return Ok(FrameBound::UnboundedPreceding);
        }
        if self.tokens.accept_words(&["UNBOUNDED", "FOLLOWING"]) {
            return Ok(FrameBound::UnboundedFollowing);
        }
        if self.tokens.accept_words(&["CURRENT", "ROW"]) {
            return Ok(FrameBound::CurrentRow);
        }
        let distance = self.expr()?;
        if self.tokens.accept_word("PRECEDING") {
            Ok(FrameBound::Preceding(distance))
        } else if self.tokens.accept_word("FOLLOWING") {
            Ok(FrameBound::Following(distance))
        } else {
            Err(self.tokens.unexpected("`PRECEDING` or `FOLLOWING`"))
        }
    }
}
