//! Parses one table reference: a table, a subquery, a table function, `UNNEST`, or joins in parentheses.

use sqlparser::tokenizer::Token;

use super::ast::{
    Expr, From, FromKind, FunctionTable, Ident, OrderItem, Query, QueryBody, WindowArg, WindowArgValue,
    WindowCall,
};
use super::words::is_reserved;
use super::{Parsed, Parser};
use crate::error::{Diagnostic, Span};

const WINDOW_FUNCTIONS: &[&str] = &["TUMBLE", "HOP", "CUMULATE", "SESSION"];

impl Parser {
    /// Parses a table with its alias.
    pub(super) fn table_reference(&mut self) -> Parsed<Box<From>> {
        self.nested(|p| {
            let start = p.tokens.span();
            let from = p.table_kind(start).and_then(|kind| p.table_node(kind, start))?;
            p.aliased(from, start)
        })
    }

    /// Parses `[MATCH_RECOGNIZE (…)] [[AS] alias [(columns)]]` behind a table.
    fn aliased(&mut self, mut from: Box<From>, start: Span) -> Parsed<Box<From>> {
        self.no_sample()?;
        if self.tokens.is_word("MATCH_RECOGNIZE") {
            let matching = self.match_recognize(from)?;
            from = self.table_node(FromKind::Match(matching), start)?;
        }

        from.alias = self.alias("an alias")?;
        if from.alias.is_some() {
            from.columns = self.column_names()?;
            from.span = self.tokens.since(start);
        }
        self.nothing_behind_alias()?;
        Ok(from)
    }

    /// Creates a table reference without an alias.
    pub(super) fn table_node(&self, kind: FromKind, start: Span) -> Parsed<Box<From>> {
        let below = kind.depth();
        self.table_node_over(kind, below, start)
    }

    /// Creates a table reference whose parts have at most `below` levels.
    pub(super) fn table_node_over(&self, kind: FromKind, below: u16, start: Span) -> Parsed<Box<From>> {
        let span = self.tokens.since(start);
        let depth = self.level(below, span)?;
        Ok(Box::new(From { kind, alias: None, columns: vec![], span, depth }))
    }

    fn table_kind(&mut self, start: Span) -> Parsed<FromKind> {
        if matches!(self.tokens.peek(), Token::LParen) {
            return self.in_parens(start);
        }
        if self.tokens.accept_word("LATERAL") {
            return self.lateral(start);
        }
        if self.tokens.is_word("TABLE") && matches!(self.tokens.peek_nth(1), Token::LParen) {
            return self.table_function(start);
        }
        if self.tokens.is_word("UNNEST") {
            return self.unnest();
        }

        if self.tokens.is_word("VALUES") {
            let error = Diagnostic::error(start, "VALUES must be in parentheses here");
            return Err(Box::new(error.with_hint("FROM (VALUES (1), (2)) AS t (a)")));
        }

        if self.is_function_call() {
            return self.function_call(start);
        }
        self.table_name()
    }

    /// Parses a table name without an alias.
    pub(super) fn named_table(&mut self) -> Parsed<Box<From>> {
        let start = self.tokens.span();
        let kind = self.table_name()?;
        self.table_node(kind, start)
    }

    /// Parses `t [/*+ … */] [FOR SYSTEM_TIME AS OF expr]`.
    fn table_name(&mut self) -> Parsed<FromKind> {
        let name = self.tokens.object_name("a table's name")?;
        let hints = self.hints()?;
        let mut system_time = None;
        if self.tokens.is_word("FOR") && self.tokens.word_at(1, "SYSTEM_TIME") {
            self.tokens.skip(2);
            self.tokens.expect_word("AS")?;
            self.tokens.expect_word("OF")?;
            system_time = Some(self.expr()?);
        }
        Ok(FromKind::Table { name, hints, system_time })
    }

    /// Parses `(query)` or `(a JOIN b ON …)`.
    fn in_parens(&mut self, start: Span) -> Parsed<FromKind> {
        if self.begins_query_at(1) {
            return self.query_in_parens().map(subquery);
        }
        self.tokens.advance();
        let first = self.table_reference()?;
        self.rest_of_table_parens(first, start)
    }

    /// Parses the rest of a parenthesis behind its first table. `((SELECT …) UNION …)` and `((SELECT …))`
    /// begin like `((SELECT …) JOIN …)`.
    fn rest_of_table_parens(&mut self, first: Box<From>, start: Span) -> Parsed<FromKind> {
        let is_query =
            first.alias.is_none() && matches!(first.kind, FromKind::Subquery(_) | FromKind::Values { .. });
        if is_query && self.tokens.accept(&Token::RParen) {
            return Ok(first.kind);
        }

        let kind = if is_query && self.continues_query() {
            let first = self.query_of(*first)?;
            subquery(self.continued(first, start)?)
        } else {
            FromKind::Nested(self.joined_to(first)?)
        };
        self.tokens.expect(&Token::RParen)?;
        Ok(kind)
    }

    /// Returns the query of a subquery.
    fn query_of(&self, from: From) -> Parsed<Box<Query>> {
        match from.kind {
            FromKind::Subquery(query) => Ok(query),
            FromKind::Values { rows, span } => self.values_query(rows, span),
            _ => Err(self.tokens.unexpected("a query")),
        }
    }

    /// Parses what follows `LATERAL`.
    fn lateral(&mut self, start: Span) -> Parsed<FromKind> {
        if self.opens_query() {
            return self.query_in_parens().map(FromKind::Lateral);
        }
        if self.tokens.is_word("TABLE") && matches!(self.tokens.peek_nth(1), Token::LParen) {
            return self.table_function(start);
        }
        if self.tokens.is_word("UNNEST") {
            return self.unnest();
        }
        if self.is_function_call() {
            return self.function_call(start);
        }
        Err(self.tokens.unexpected("a query in parentheses, `TABLE(` or `UNNEST(`"))
    }

    /// Parses `UNNEST(expr) [WITH ORDINALITY]`.
    fn unnest(&mut self) -> Parsed<FromKind> {
        let start = self.tokens.span();
        self.tokens.advance();
        self.tokens.expect(&Token::LParen)?;
        let expr = self.expr()?;
        self.tokens.expect(&Token::RParen)?;
        let ordinality = self.tokens.accept_words(&["WITH", "ORDINALITY"]);
        Ok(FromKind::Unnest { expr, ordinality, span: self.tokens.since(start) })
    }

    /// Parses `TABLE(f(…))`.
    fn table_function(&mut self, start: Span) -> Parsed<FromKind> {
        self.tokens.skip(2);
        let mut kind = self.function_call(start)?;
        self.tokens.expect(&Token::RParen)?;
        match &mut kind {
            FromKind::Window(call) => call.span = self.tokens.since(start),
            FromKind::Function(call) => call.span = self.tokens.since(start),
            _ => {}
        }
        Ok(kind)
    }

    fn is_function_call(&self) -> bool {
        matches!(self.tokens.peek(), Token::Word(word) if word.quote_style.is_some() || !is_reserved(&word.value))
            && matches!(self.tokens.peek_nth(1), Token::LParen)
    }

    /// Parses `TUMBLE(TABLE t, DESCRIPTOR(c), …)` or `f(…)`.
    fn function_call(&mut self, start: Span) -> Parsed<FromKind> {
        let span = self.tokens.span();
        let Token::Word(word) = self.tokens.peek() else {
            return Err(self.tokens.unexpected("a window table function"));
        };
        let function = Ident { value: word.value.clone(), span };
        self.tokens.advance();

        let is_empty =
            matches!(self.tokens.peek(), Token::LParen) && matches!(self.tokens.peek_nth(1), Token::RParen);
        let args = if is_empty {
            self.tokens.skip(2);
            vec![]
        } else {
            self.list(Parser::table_arg)?
        };

        let span = self.tokens.since(start);
        let is_window = WINDOW_FUNCTIONS.iter().any(|name| function.value.eq_ignore_ascii_case(name));
        Ok(if is_window {
            FromKind::Window(Box::new(WindowCall { function, args, span }))
        } else {
            FromKind::Function(Box::new(FunctionTable { function, args, span }))
        })
    }

    /// Parses `[name =>] TABLE t [PARTITION BY …] [ORDER BY …]`, `DESCRIPTOR(…)`, or an expression.
    fn table_arg(&mut self) -> Parsed<WindowArg> {
        let start = self.tokens.span();
        let name = self.arg_name();

        let value = if self.tokens.is_word("TABLE") || self.opens_query() {
            self.table_value()?
        } else if self.tokens.is_word("DESCRIPTOR") {
            self.tokens.advance();
            WindowArgValue::Descriptor(self.list(|p| p.tokens.ident("the time column's name"))?)
        } else {
            WindowArgValue::Expr(self.expr()?)
        };

        Ok(WindowArg { name, value, span: self.tokens.since(start) })
    }

    /// Parses `TABLE t [PARTITION BY …] [ORDER BY …]`, or a query in parentheses.
    fn table_value(&mut self) -> Parsed<WindowArgValue> {
        self.tokens.accept_word("TABLE");
        let from = self.table_reference()?;
        let partition_by = self.arg_partition()?;
        let order_by = self.arg_order()?;
        Ok(WindowArgValue::Table { from: *from, partition_by, order_by })
    }

    /// Parses an optional `name =>`.
    pub(super) fn arg_name(&mut self) -> Option<Ident> {
        let span = self.tokens.span();
        match self.tokens.peek() {
            Token::Word(word) if matches!(self.tokens.peek_nth(1), Token::RArrow) => {
                let name = Ident { value: word.value.clone(), span };
                self.tokens.skip(2);
                Some(name)
            }
            _ => None,
        }
    }

    /// Parses `PARTITION BY a` or `PARTITION BY (a, b)`; without parentheses a comma begins the next
    /// argument.
    fn arg_partition(&mut self) -> Parsed<Vec<Expr>> {
        let mut exprs = vec![];
        if self.tokens.accept_words(&["PARTITION", "BY"]) {
            self.add_partition(&mut exprs)?;
        }
        Ok(exprs)
    }

    /// Parses `ORDER BY a DESC` or `ORDER BY (a, b DESC)`.
    fn arg_order(&mut self) -> Parsed<Vec<OrderItem>> {
        if !self.tokens.accept_words(&["ORDER", "BY"]) {
            return Ok(vec![]);
        }
        if matches!(self.tokens.peek(), Token::LParen) {
            return self.list(Parser::order_item);
        }
        Ok(vec![self.order_item()?])
    }

    fn no_sample(&self) -> Parsed<()> {
        if !self.tokens.is_word("TABLESAMPLE") {
            return Ok(());
        }
        let error = Diagnostic::error(self.tokens.span(), "TABLESAMPLE is not supported");
        Err(Box::new(error.with_hint("queries filter, project and aggregate in windows")))
    }

    /// Refuses clauses that belong before an alias.
    fn nothing_behind_alias(&self) -> Parsed<()> {
        let (message, hint) = if self.tokens.is_word("FOR") && self.tokens.word_at(1, "SYSTEM_TIME") {
            ("FOR SYSTEM_TIME must be behind the table's name", "t FOR SYSTEM_TIME AS OF o.ts AS r")
        } else if self.tokens.is_word("MATCH_RECOGNIZE") {
            ("MATCH_RECOGNIZE must be behind the table's name", "t MATCH_RECOGNIZE (…) AS m")
        } else {
            return Ok(());
        };
        Err(Box::new(Diagnostic::error(self.tokens.span(), message).with_hint(format!("write {hint}"))))
    }
}

/// Classifies a query in parentheses as literal rows or a subquery.
fn subquery(query: Box<Query>) -> FromKind {
    if !query.is_bare() {
        return FromKind::Subquery(query);
    }
    match query.body {
        QueryBody::Values { rows, span } => FromKind::Values { rows, span },
        body => FromKind::Subquery(Box::new(Query { body, ..*query })),
    }
}
