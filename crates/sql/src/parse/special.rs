//! Parses expressions that begin with a keyword: constants, `CASE`, `CAST`, `EXISTS`, rows, arrays and maps.

use sqlparser::tokenizer::{Token, Word};
use types::{DataType, Value};

use super::ast::{Call, Expr, ExprKind, Ident};
use super::{Parsed, Parser};
use crate::error::Span;
use crate::expr::CastMode;

/// Functions that are called without parentheses.
const BARE: &[&str] = &[
    "CURRENT_TIMESTAMP",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "LOCALTIME",
    "LOCALTIMESTAMP",
    "CURRENT_ROW_TIMESTAMP",
];

impl Parser {
    /// Parses the expression that a word begins, or returns `None` if the word is just a name.
    pub(super) fn special(&mut self, word: &Word, start: Span) -> Parsed<Option<Expr>> {
        let opens = matches!(self.tokens.peek_nth(1), Token::LParen);
        if word.quote_style.is_some() {
            return if opens { self.call(word.value.clone(), start).map(Some) } else { Ok(None) };
        }
        let upper = word.value.to_ascii_uppercase();
        let quoted_next = matches!(self.tokens.peek_nth(1), Token::SingleQuotedString(_));
        let brackets = matches!(self.tokens.peek_nth(1), Token::LBracket);

        // The arms return their results directly: locals for them would add stack for each level of nesting.
        let parsed = match upper.as_str() {
            "TRUE" | "FALSE" => self.constant(Value::Bool(upper == "TRUE"), DataType::Boolean, start),
            "NULL" => self.constant(Value::Null, DataType::Null, start),
            "UNKNOWN" => self.constant(Value::Null, DataType::Boolean, start),
            "CASE" => self.case(start),
            "INTERVAL" if !opens => {
                self.tokens.advance();
                self.interval_literal(start)
            }
            "DATE" | "TIME" | "TIMESTAMP" if quoted_next => {
                self.tokens.advance();
                self.time_literal(&upper, start)
            }
            "CAST" | "TRY_CAST" if opens => {
                self.cast(if upper == "CAST" { CastMode::Strict } else { CastMode::Try }, start)
            }
            "ARRAY" if brackets => self.array(start),
            "MAP" if brackets => self.map(start),
            "ROW" if opens => self.row_value(start),
            "EXISTS" if opens => self.exists(start),
            _ if opens => self.call(word.value.clone(), start),
            bare if BARE.contains(&bare) => self.bare_call(upper, start),
            _ => return Ok(None),
        };
        parsed.map(Some)
    }

    /// Parses a keyword that is a value.
    fn constant(&mut self, value: Value, data_type: DataType, start: Span) -> Parsed<Expr> {
        self.tokens.advance();
        self.literal(value, data_type, start)
    }

    /// Parses a call without parentheses, such as `CURRENT_DATE`.
    fn bare_call(&mut self, name: String, start: Span) -> Parsed<Expr> {
        self.tokens.advance();
        let call = Call::new(Ident { value: name, span: start });
        self.node(ExprKind::Call(call), self.tokens.since(start))
    }

    fn row_value(&mut self, start: Span) -> Parsed<Expr> {
        self.tokens.advance();
        let items = self.list(Parser::expr)?;
        self.node(ExprKind::Row(items), self.tokens.since(start))
    }

    fn exists(&mut self, start: Span) -> Parsed<Expr> {
        self.tokens.advance();
        let query = self.query_in_parens()?;
        self.node(ExprKind::Exists(query), self.tokens.since(start))
    }

    fn case(&mut self, start: Span) -> Parsed<Expr> {
        self.tokens.advance();
        let operand = if self.tokens.is_word("WHEN") { None } else { Some(self.boxed_expr()?) };
        let mut branches = vec![];
        while self.tokens.accept_word("WHEN") {
            branches.push(self.case_branch()?);
        }
        if branches.is_empty() {
            return Err(self.tokens.unexpected("`WHEN`"));
        }
        let otherwise = if self.tokens.accept_word("ELSE") { Some(self.boxed_expr()?) } else { None };
        if !self.tokens.accept_word("END") {
            return Err(self.tokens.unexpected("`WHEN`, `ELSE` or the `END` of CASE"));
        }
        self.node(ExprKind::Case { operand, branches, otherwise }, self.tokens.since(start))
    }

    /// Parses `condition THEN result`.
    fn case_branch(&mut self) -> Parsed<(Expr, Expr)> {
        let when = self.expr()?;
        self.tokens.expect_word("THEN")?;
        Ok((when, self.expr()?))
    }

    fn cast(&mut self, mode: CastMode, start: Span) -> Parsed<Expr> {
        self.tokens.advance();
        self.tokens.expect(&Token::LParen)?;
        let input = self.boxed_expr()?;
        self.tokens.expect_word("AS")?;
        let target = self.type_name()?;
        self.tokens.expect(&Token::RParen)?;
        self.node(ExprKind::Cast { input, target, mode }, self.tokens.since(start))
    }

    /// Parses an ARRAY's `[a, b]`.
    fn array(&mut self, start: Span) -> Parsed<Expr> {
        self.tokens.advance();
        let items = self.bracketed(Parser::expr)?;
        self.node(ExprKind::Array(items), self.tokens.since(start))
    }

    /// Parses a MAP's `['a', 1, 'b', 2]`.
    fn map(&mut self, start: Span) -> Parsed<Expr> {
        self.tokens.advance();
        let entries = self.bracketed(|p| {
            let key = p.expr()?;
            if !p.tokens.accept(&Token::Comma) {
                let mut error = p.tokens.unexpected("`,` and a value");
                error.hint = Some("a MAP takes keys and values in turn: MAP['a', 1, 'b', 2]".to_owned());
                return Err(error);
            }
            Ok((key, p.expr()?))
        })?;
        self.node(ExprKind::Map(entries), self.tokens.since(start))
    }

    /// Parses `[item, item, …]` or `[]`.
    fn bracketed<T>(&mut self, mut item: impl FnMut(&mut Parser) -> Parsed<T>) -> Parsed<Vec<T>> {
        self.tokens.expect(&Token::LBracket)?;
        let mut items = vec![];
        if self.tokens.accept(&Token::RBracket) {
            return Ok(items);
        }
        items.push(item(self)?);
        while self.tokens.accept(&Token::Comma) {
            items.push(item(self)?);
        }
        self.tokens.expect(&Token::RBracket)?;
        Ok(items)
    }
}
