//! Parses one `SELECT` with its clauses, and `VALUES`.

use sqlparser::tokenizer::Token;

use super::ast::{Expr, Ident, Select, SelectItem};
use super::words::may_be_alias;
use super::{Parsed, Parser};
use crate::error::{Diagnostic, Span, did_you_mean};

/// Words that may follow the items of a SELECT without FROM.
const BEHIND_ITEMS: &[&str] =
    &["UNION", "INTERSECT", "EXCEPT", "MINUS", "ORDER", "LIMIT", "OFFSET", "FETCH", "ON"];

impl Parser {
    pub(super) fn select(&mut self) -> Parsed<Box<Select>> {
        let start = self.tokens.span();
        self.tokens.expect_word("SELECT")?;
        // The tree is filled in on the heap, clause by clause: stack frames that held it would grow with the
        // nesting.
        let mut select = self.empty_select()?;
        self.select_items(&mut select, start)?;

        if self.tokens.accept_word("FROM") {
            self.table_references().map(|from| select.from = Some(*from))?;
            self.clauses(&mut select)?;
        } else if !self.is_select_without_from() {
            return Err(self.no_from(&select.items));
        }
        select.span = self.tokens.since(start);
        Ok(select)
    }

    /// Parses `[hints] [DISTINCT | ALL]` of a SELECT.
    fn empty_select(&mut self) -> Parsed<Box<Select>> {
        let hints = self.hints()?;
        let distinct = self.tokens.accept_word("DISTINCT");
        if !distinct {
            self.tokens.accept_word("ALL");
        }
        Ok(Box::new(Select {
            hints,
            distinct,
            items: vec![],
            from: None,
            filter: None,
            group_by: None,
            having: None,
            windows: vec![],
            qualify: None,
            span: self.tokens.span(),
        }))
    }

    fn select_items(&mut self, select: &mut Select, start: Span) -> Parsed<()> {
        loop {
            select.items.push(self.select_item()?);
            self.bounded(select.items.len(), "columns", start)?;
            if !self.tokens.accept(&Token::Comma) {
                return Ok(());
            }
        }
    }

    fn is_select_without_from(&self) -> bool {
        self.tokens.is_end()
            || matches!(self.tokens.peek(), Token::SemiColon | Token::RParen)
            || BEHIND_ITEMS.iter().any(|word| self.tokens.is_word(word))
    }

    /// Parses the clauses behind FROM.
    fn clauses(&mut self, select: &mut Select) -> Parsed<()> {
        if self.tokens.accept_word("WHERE") {
            select.filter = self.expr().map(Some)?;
        }
        select.group_by = self.group_by()?;
        if self.tokens.accept_word("HAVING") {
            select.having = self.expr().map(Some)?;
        }
        select.windows = self.named_windows()?;
        if self.tokens.accept_word("QUALIFY") {
            select.qualify = self.expr().map(Some)?;
        }
        Ok(())
    }

    fn select_item(&mut self) -> Parsed<SelectItem> {
        let span = self.tokens.span();
        if self.tokens.accept(&Token::Mul) {
            return Ok(SelectItem::Star { qualifier: None, span });
        }
        let qualified = matches!(self.tokens.peek(), Token::Word(_))
            && matches!(self.tokens.peek_nth(1), Token::Period)
            && matches!(self.tokens.peek_nth(2), Token::Mul);
        if qualified {
            let qualifier = Some(self.tokens.ident("a table's name")?);
            self.tokens.skip(2);
            return Ok(SelectItem::Star { qualifier, span: self.tokens.since(span) });
        }
        let expr = self.expr()?;
        let alias = self.alias("a column's name")?;
        Ok(SelectItem::Expr { expr, alias })
    }

    /// Returns the error for a missing `FROM`. A misspelt `FROM` was parsed as the alias of the last item.
    fn no_from(&self, items: &[SelectItem]) -> Box<Diagnostic> {
        if let Some(SelectItem::Expr { alias: Some(alias), .. }) = items.last()
            && let Some(hint) = did_you_mean(&alias.value, ["FROM"])
        {
            let error =
                Diagnostic::error(alias.span, format!("expected `,` or `FROM`, found `{}`", alias.value));
            return Box::new(error.with_hint(hint));
        }
        self.tokens.unexpected("`,` or `FROM`")
    }

    /// Parses an optional `[AS] name`.
    pub(super) fn alias(&mut self, what: &str) -> Parsed<Option<Ident>> {
        if self.tokens.accept_word("AS") {
            return self.new_ident(what).map(Some);
        }
        match self.tokens.peek() {
            Token::Word(word) if may_be_alias(word) => self.new_ident(what).map(Some),
            _ => Ok(None),
        }
    }

    /// Parses an optional `(a, b)`.
    pub(super) fn column_names(&mut self) -> Parsed<Vec<Ident>> {
        if !matches!(self.tokens.peek(), Token::LParen) {
            return Ok(vec![]);
        }
        self.list(|p| p.new_ident("a column's name"))
    }

    /// Parses `VALUES (1, 'a'), (2, 'b')`; rows of one column need no parentheses.
    pub(super) fn values(&mut self) -> Parsed<Vec<Vec<Expr>>> {
        self.tokens.expect_word("VALUES")?;
        let mut rows = vec![];
        loop {
            self.accept_row_word();
            let row = match self.tokens.peek() {
                Token::LParen => self.list(Parser::expr)?,
                _ => vec![self.expr()?],
            };
            rows.push(row);
            if !self.tokens.accept(&Token::Comma) {
                return Ok(rows);
            }
        }
    }

    /// Consumes the optional `ROW` of `VALUES ROW(1, 'a')`.
    fn accept_row_word(&mut self) {
        if self.tokens.is_word("ROW") && matches!(self.tokens.peek_nth(1), Token::LParen) {
            self.tokens.advance();
        }
    }
}
