//! Parses function calls: their arguments, and the clauses behind them.
//!
//! A unit of time becomes a text argument, so the registry sees ordinary calls: `EXTRACT('HOUR', x)`.

use sqlparser::tokenizer::Token;
use types::{ColumnType, DataType, Value};

use super::ast::{Call, Expr, ExprKind, Ident, TypeName};
use super::{Parsed, Parser};
use crate::error::{Diagnostic, Span};
use crate::expr::CastMode;

impl Parser {
    /// Parses a call; the function's name is the next token.
    pub(super) fn call(&mut self, name: String, start: Span) -> Parsed<Expr> {
        let name = Ident { value: name, span: start };
        self.tokens.advance();
        self.tokens.expect(&Token::LParen)?;
        let mut call = Call::new(name);
        self.args(&mut call)?;
        if !self.tokens.accept(&Token::RParen) {
            return Err(self.tokens.unexpected("`,` or `)`"));
        }

        self.behind_args(&mut call)?;
        let span = self.tokens.since(start);
        match call.returning.take().map(|target| *target) {
            Some(TypeName { column_type: ColumnType { data_type: DataType::Array(_), .. }, .. }) => {
                let args = vec![self.node(ExprKind::Call(call), span)?];
                self.node(ExprKind::Matches { function: "$JSON_TEXTS", args, negated: false }, span)
            }
            Some(target) => {
                let input = Box::new(self.node(ExprKind::Call(call), span)?);
                self.node(ExprKind::Cast { input, target, mode: CastMode::Strict }, span)
            }
            None => self.node(ExprKind::Call(call), span),
        }
    }

    fn args(&mut self, call: &mut Call) -> Parsed<()> {
        let upper = call.name.value.to_ascii_uppercase();
        match upper.as_str() {
            "EXTRACT" => self.extract_args(call),
            "TIMESTAMPDIFF" | "TIMESTAMPADD" => {
                call.args.push(self.unit_text()?);
                while self.tokens.accept(&Token::Comma) {
                    call.args.push(self.expr()?);
                }
                Ok(())
            }
            "TRIM" => self.trim_args(call),
            _ if self.json_args(&upper, call)? => Ok(()),
            _ if self.tokens.accept(&Token::Mul) => {
                call.star = true;
                Ok(())
            }
            _ => self.plain_args(call),
        }
    }

    /// Parses `[IGNORE NULLS] [WITHIN GROUP (…)] [FILTER (…)] [OVER …]`.
    fn behind_args(&mut self, call: &mut Call) -> Parsed<()> {
        self.nulls_treatment(call);

        if self.tokens.is_word("WITHIN") && self.tokens.word_at(1, "GROUP") {
            self.tokens.skip(2);
            self.tokens.expect(&Token::LParen)?;
            if !self.tokens.is_word("ORDER") {
                return Err(self.tokens.unexpected("`ORDER BY`"));
            }
            call.within_group = self.order_by()?;
            self.tokens.expect(&Token::RParen)?;
        }

        if self.tokens.accept_word("FILTER") {
            self.tokens.expect(&Token::LParen)?;
            self.tokens.expect_word("WHERE")?;
            call.filter = Some(Box::new(self.expr()?));
            self.tokens.expect(&Token::RParen)?;
        }

        self.nulls_treatment(call);
        if self.tokens.is_word("OVER") {
            call.over = Some(Box::new(self.over()?));
        }
        Ok(())
    }

    /// Parses an optional `IGNORE NULLS` or `RESPECT NULLS`.
    fn nulls_treatment(&mut self, call: &mut Call) {
        if self.tokens.accept_words(&["IGNORE", "NULLS"]) {
            call.ignore_nulls = Some(true);
        } else if self.tokens.accept_words(&["RESPECT", "NULLS"]) {
            call.ignore_nulls = Some(false);
        }
    }

    /// Parses arguments separated by commas, or by the keywords that some functions use instead.
    fn plain_args(&mut self, call: &mut Call) -> Parsed<()> {
        if matches!(self.tokens.peek(), Token::RParen) {
            return Ok(());
        }
        call.distinct = self.tokens.accept_word("DISTINCT");
        if !call.distinct {
            self.tokens.accept_word("ALL");
        }

        let between: &[&str] = match call.name.value.to_ascii_uppercase().as_str() {
            "SUBSTRING" => &["FROM", "FOR"],
            "POSITION" => &["IN"],
            "OVERLAY" => &["PLACING", "FROM", "FOR"],
            "FLOOR" | "CEIL" | "CEILING" => &["TO"],
            _ => &[],
        };

        self.plain_arg(call, between == ["IN"])?;
        loop {
            if self.tokens.accept(&Token::Comma) {
                self.plain_arg(call, false)?;
            } else if between == ["TO"] && self.tokens.accept_word("TO") {
                let rounding =
                    if call.name.value.eq_ignore_ascii_case("FLOOR") { "FLOOR_TO" } else { "CEIL_TO" };
                call.name.value = rounding.to_owned();
                call.args.insert(0, self.unit_text()?);
                return Ok(());
            } else if between.iter().any(|word| self.tokens.accept_word(word)) {
                call.args.push(self.expr()?);
            } else {
                self.nulls_treatment(call);
                if self.tokens.is_word("ORDER") {
                    call.within_group = self.order_by()?;
                }
                return Ok(());
            }
        }
    }

    /// Parses `[name =>] expr`.
    fn plain_arg(&mut self, call: &mut Call, before_in: bool) -> Parsed<()> {
        if let Some(name) = self.arg_name() {
            // Arguments before the first named one have no name.
            call.arg_names.resize(call.args.len(), None);
            call.arg_names.push(Some(name));
        } else if !call.arg_names.is_empty() {
            call.arg_names.push(None);
        }
        call.args.push(if before_in { self.operand()? } else { self.expr()? });
        Ok(())
    }

    /// Builds `(a, b) OVERLAPS (c, d)` as a call with four arguments.
    pub(super) fn overlaps(&self, left: Expr, right: Expr) -> Parsed<Expr> {
        let span = self.tokens.since(left.span);
        let mut call = Call::new(Ident { value: "OVERLAPS".to_owned(), span });
        for side in [left, right] {
            match side.kind {
                ExprKind::Row(items) if items.len() == 2 => call.args.extend(items),
                _ => {
                    let error = Diagnostic::error(side.span, "OVERLAPS compares two spans of time");
                    return Err(Box::new(error.with_hint("write (start, end) OVERLAPS (start, end)")));
                }
            }
        }
        self.node(ExprKind::Call(call), span)
    }

    /// Parses the arguments of `EXTRACT(HOUR FROM x)`.
    fn extract_args(&mut self, call: &mut Call) -> Parsed<()> {
        call.args.push(self.unit_text()?);
        self.tokens.expect_word("FROM")?;
        call.args.push(self.expr()?);
        Ok(())
    }

    /// Parses `TRIM(x)`, or `TRIM([BOTH | LEADING | TRAILING] [characters] FROM x)`, as three arguments.
    fn trim_args(&mut self, call: &mut Call) -> Parsed<()> {
        let span = self.tokens.span();
        let side = ["BOTH", "LEADING", "TRAILING"].into_iter().find(|side| self.tokens.accept_word(side));
        let blank = |p: &Parser| p.literal(Value::Text(" ".to_owned()), DataType::Char(1), span);

        let (characters, input) = if side.is_some() && self.tokens.accept_word("FROM") {
            (blank(self)?, Some(self.expr()?))
        } else {
            let first = self.expr()?;
            let input = if self.tokens.accept_word("FROM") { Some(self.expr()?) } else { None };
            (first, input)
        };

        match (side, input) {
            (None, None) => call.args.push(characters),
            (side, Some(input)) => {
                let side = side.unwrap_or("BOTH");
                let side =
                    self.literal(Value::Text(side.to_owned()), DataType::Char(side.len() as u32), span)?;
                call.args = vec![characters, input, side];
            }
            (Some(_), None) => return Err(self.tokens.unexpected("`FROM`")),
        }

        Ok(())
    }

    /// Parses a unit of time as a text literal.
    fn unit_text(&mut self) -> Parsed<Expr> {
        let span = self.tokens.span();
        match self.tokens.peek() {
            Token::Word(word) if word.quote_style.is_none() => {
                let unit = word.value.to_ascii_uppercase();
                let unit = unit.strip_prefix("SQL_TSI_").unwrap_or(&unit).to_owned();
                self.tokens.advance();
                let data_type = DataType::Char(unit.len() as u32);
                self.literal(Value::Text(unit), data_type, span)
            }
            _ => Err(self.tokens.unexpected("a unit of time")),
        }
    }
}
