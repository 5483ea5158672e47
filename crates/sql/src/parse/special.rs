//! Calls, and the forms with a grammar of their own: `CASE`, `CAST`, `EXTRACT(HOUR FROM …)`, `TRIM(BOTH … FROM …)`.
//!
//! A unit of time becomes a text argument, so that the registry sees ordinary calls: `EXTRACT('HOUR', x)`.

use sqlparser::tokenizer::{Token, Word};
use types::{DataType, Value};

use super::ast::{Call, Expr, ExprKind, Ident};
use super::words::is_reserved;
use super::{Parsed, Parser};
use crate::error::{Diagnostic, Span};
use crate::expr::CastMode;

/// Functions without parentheses.
const BARE: &[&str] = &[
    "CURRENT_TIMESTAMP",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "LOCALTIME",
    "LOCALTIMESTAMP",
    "CURRENT_ROW_TIMESTAMP",
];

impl Parser {
    /// What a word begins, unless it is just a name.
    pub(super) fn special(&mut self, word: &Word, start: Span) -> Parsed<Option<Expr>> {
        let opens = matches!(self.peek_nth(1), Token::LParen);
        if word.quote_style.is_some() {
            return if opens { self.call(word.value.clone(), start).map(Some) } else { Ok(None) };
        }
        let upper = word.value.to_ascii_uppercase();
        let quoted_next = matches!(self.peek_nth(1), Token::SingleQuotedString(_));

        let expr = match upper.as_str() {
            "TRUE" | "FALSE" => {
                self.advance();
                self.literal(Value::Bool(upper == "TRUE"), DataType::Boolean, start)?
            }
            "NULL" => {
                self.advance();
                self.literal(Value::Null, DataType::Null, start)?
            }
            "UNKNOWN" => {
                self.advance();
                self.literal(Value::Null, DataType::Boolean, start)?
            }
            "CASE" => {
                self.advance();
                self.case(start)?
            }
            "INTERVAL" if !opens => {
                self.advance();
                self.interval_literal(start)?
            }
            "DATE" | "TIME" | "TIMESTAMP" if quoted_next => {
                self.advance();
                self.time_literal(&upper, start)?
            }
            "CAST" | "TRY_CAST" if opens => {
                self.advance();
                self.cast(if upper == "CAST" { CastMode::Strict } else { CastMode::Try }, start)?
            }
            "ARRAY" if matches!(self.peek_nth(1), Token::LBracket) => {
                self.advance();
                self.array(start)?
            }
            "ROW" | "MAP" if opens || matches!(self.peek_nth(1), Token::LBracket) => {
                let error = Diagnostic::error(start, format!("{upper} values are not supported"));
                return Err(Box::new(
                    error.with_hint("a result's columns are scalar: write each value as a column"),
                ));
            }
            "EXISTS" if opens => return Err(self.no_subquery(start)),
            _ if opens => self.call(word.value.clone(), start)?,
            bare if BARE.contains(&bare) => {
                self.advance();
                self.call_node(Ident { value: upper, span: start }, vec![], start)?
            }
            _ => return Ok(None),
        };

        Ok(Some(expr))
    }

    fn case(&mut self, start: Span) -> Parsed<Expr> {
        let operand = if self.is_word("WHEN") { None } else { Some(Box::new(self.expr()?)) };
        let mut branches = vec![];
        while self.accept_word("WHEN") {
            let when = self.expr()?;
            self.expect_word("THEN")?;
            branches.push((when, self.expr()?));
        }
        if branches.is_empty() {
            return Err(self.unexpected("`WHEN`"));
        }
        let otherwise = if self.accept_word("ELSE") { Some(Box::new(self.expr()?)) } else { None };
        if !self.accept_word("END") {
            return Err(self.unexpected("`WHEN`, `ELSE` or the `END` of CASE"));
        }
        self.node(ExprKind::Case { operand, branches, otherwise }, self.since(start))
    }

    fn cast(&mut self, mode: CastMode, start: Span) -> Parsed<Expr> {
        self.expect(&Token::LParen)?;
        let input = Box::new(self.expr()?);
        self.expect_word("AS")?;
        let target = self.type_name()?;
        self.expect(&Token::RParen)?;
        self.node(ExprKind::Cast { input, target, mode }, self.since(start))
    }

    fn array(&mut self, start: Span) -> Parsed<Expr> {
        self.expect(&Token::LBracket)?;
        let mut items = vec![self.expr()?];
        while self.accept(&Token::Comma) {
            items.push(self.expr()?);
        }
        self.expect(&Token::RBracket)?;
        self.node(ExprKind::Array(items), self.since(start))
    }

    fn call_node(&self, name: Ident, args: Vec<Expr>, start: Span) -> Parsed<Expr> {
        let call = Call { name, args, star: false, distinct: false, filter: None };
        self.node(ExprKind::Call(call), self.since(start))
    }

    /// A function's name is next, then its arguments.
    fn call(&mut self, name: String, start: Span) -> Parsed<Expr> {
        let name = Ident { value: name, span: start };
        self.advance();
        self.expect(&Token::LParen)?;
        let mut call = Call { name, args: vec![], star: false, distinct: false, filter: None };

        match call.name.value.to_ascii_uppercase().as_str() {
            "EXTRACT" => self.extract_args(&mut call)?,
            "TIMESTAMPDIFF" | "TIMESTAMPADD" => {
                call.args.push(self.unit_text()?);
                while self.accept(&Token::Comma) {
                    call.args.push(self.expr()?);
                }
            }
            "TRIM" => self.trim_args(&mut call)?,
            "JSON_VALUE" => self.json_value_args(&mut call)?,
            _ if self.accept(&Token::Mul) => call.star = true,
            _ => self.plain_args(&mut call)?,
        }

        if !self.accept(&Token::RParen) {
            return Err(self.unexpected("`,` or `)`"));
        }
        if self.accept_word("FILTER") {
            self.expect(&Token::LParen)?;
            self.expect_word("WHERE")?;
            call.filter = Some(Box::new(self.expr()?));
            self.expect(&Token::RParen)?;
        }

        if self.is_word("OVER") {
            let error = Diagnostic::error(self.span(), "OVER windows are not supported");
            return Err(Box::new(
                error.with_hint("aggregate in a window table function: TUMBLE, HOP or CUMULATE"),
            ));
        }

        if self.is_word("WITHIN") {
            let error = Diagnostic::error(self.span(), "WITHIN GROUP is not supported");
            return Err(Box::new(error.with_hint("for percentiles: PERCENTILE(x, 0.95)")));
        }

        self.node(ExprKind::Call(call), self.since(start))
    }

    /// Arguments between commas, or with the words some functions put there instead.
    fn plain_args(&mut self, call: &mut Call) -> Parsed<()> {
        if matches!(self.peek(), Token::RParen) {
            return Ok(());
        }
        call.distinct = self.accept_word("DISTINCT");
        if !call.distinct {
            self.accept_word("ALL");
        }

        let between: &[&str] = match call.name.value.to_ascii_uppercase().as_str() {
            "SUBSTRING" => &["FROM", "FOR"],
            "POSITION" => &["IN"],
            "OVERLAY" => &["PLACING", "FROM", "FOR"],
            "FLOOR" | "CEIL" | "CEILING" => &["TO"],
            _ => &[],
        };

        call.args.push(if between == ["IN"] { self.operand()? } else { self.expr()? });
        loop {
            if self.accept(&Token::Comma) {
                call.args.push(self.expr()?);
            } else if between == ["TO"] && self.accept_word("TO") {
                let rounding =
                    if call.name.value.eq_ignore_ascii_case("FLOOR") { "FLOOR_TO" } else { "CEIL_TO" };
                call.name.value = rounding.to_owned();
                call.args.insert(0, self.unit_text()?);
                return Ok(());
            } else if between.iter().any(|word| self.accept_word(word)) {
                call.args.push(self.expr()?);
            } else {
                return Ok(());
            }
        }
    }

    /// `EXTRACT(HOUR FROM x)`.
    fn extract_args(&mut self, call: &mut Call) -> Parsed<()> {
        call.args.push(self.unit_text()?);
        self.expect_word("FROM")?;
        call.args.push(self.expr()?);
        Ok(())
    }

    /// `TRIM(x)`, or `TRIM([BOTH | LEADING | TRAILING] [characters] FROM x)` as three arguments.
    fn trim_args(&mut self, call: &mut Call) -> Parsed<()> {
        let span = self.span();
        let side = ["BOTH", "LEADING", "TRAILING"].into_iter().find(|side| self.accept_word(side));
        let blank = |p: &Parser| p.literal(Value::Text(" ".to_owned()), DataType::Char(1), span);

        let (characters, input) = if side.is_some() && self.accept_word("FROM") {
            (blank(self)?, Some(self.expr()?))
        } else {
            let first = self.expr()?;
            let input = if self.accept_word("FROM") { Some(self.expr()?) } else { None };
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
            (Some(_), None) => return Err(self.unexpected("`FROM`")),
        }

        Ok(())
    }

    /// `JSON_VALUE(json, path [NULL | ERROR | DEFAULT x ON EMPTY] [… ON ERROR])` as six arguments.
    fn json_value_args(&mut self, call: &mut Call) -> Parsed<()> {
        let span = self.span();
        call.args.push(self.expr()?);
        self.expect(&Token::Comma)?;
        call.args.push(self.expr()?);

        if self.is_word("RETURNING") {
            let error = Diagnostic::error(self.span(), "RETURNING is not supported");
            return Err(Box::new(error.with_hint("CAST the result: it is a STRING")));
        }

        if matches!(self.peek(), Token::RParen) {
            return Ok(());
        }
        let text = |p: &Parser, word: &str| {
            p.literal(Value::Text(word.to_owned()), DataType::Char(word.len() as u32), span)
        };

        for event in ["EMPTY", "ERROR"] {
            let (mut behavior, mut value) = ("NULL", self.literal(Value::Null, DataType::Null, span)?);
            let before = self.at;
            if self.accept_word("DEFAULT") {
                (behavior, value) = ("DEFAULT", self.expr()?);
            } else if self.accept_word("ERROR") {
                behavior = "ERROR";
            } else if !self.accept_word("NULL") && !matches!(self.peek(), Token::RParen) {
                return Err(self.unexpected("NULL, ERROR or DEFAULT"));
            }
            if self.at != before && !self.accept_words(&["ON", event]) {
                // What was read says what to do on an error, and nothing was said of emptiness.
                if event == "EMPTY" && self.word_at(0, "ON") && self.word_at(1, "ERROR") {
                    self.at = before;
                    (behavior, value) = ("NULL", self.literal(Value::Null, DataType::Null, span)?);
                } else {
                    return Err(self.unexpected("`ON EMPTY` or `ON ERROR`"));
                }
            }
            call.args.push(text(self, behavior)?);
            call.args.push(value);
        }

        Ok(())
    }

    /// A unit of time as a text.
    fn unit_text(&mut self) -> Parsed<Expr> {
        let span = self.span();
        match self.peek() {
            Token::Word(word) if word.quote_style.is_none() => {
                let unit = word.value.to_ascii_uppercase();
                let unit = unit.strip_prefix("SQL_TSI_").unwrap_or(&unit).to_owned();
                self.advance();
                let data_type = DataType::Char(unit.len() as u32);
                self.literal(Value::Text(unit), data_type, span)
            }
            _ => Err(self.unexpected("a unit of time")),
        }
    }
}

/// Whether a word may stand as an alias without `AS`.
pub(super) fn may_be_alias(word: &Word) -> bool {
    word.quote_style.is_some() || !is_reserved(&word.value)
}
