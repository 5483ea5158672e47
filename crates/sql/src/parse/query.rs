//! Parses queries: `WITH`, set operations, and `ORDER BY`, `LIMIT`, `OFFSET` and `FETCH` behind them.
//!
//! Set operations are parsed by precedence climbing. A chain of operators that bind alike becomes a flat list,
//! so that a long chain costs no stack.
//!
//! A parenthesis may open a query, a row of values, an expression or a join. The parser never backtracks: it
//! parses `((SELECT …` as a subquery, and if a set operator follows, continues with the subquery as the first
//! part of a query ([`Parser::continued`]).

use sqlparser::tokenizer::Token;

use super::ast::{
    AstSetOperator, CommonTable, Expr, Limit, OrderItem, Query, QueryBody, Select, SelectItem, SetOperation,
    SetOperations, TopQuery,
};
use super::{MAX_DEPTH, Parsed, Parser};
use crate::error::{Diagnostic, Span};

/// The clauses behind the body of a query.
#[derive(Default)]
struct Tail {
    order_by: Vec<OrderItem>,
    limit: Option<Limit>,
    offset: Option<Limit>,
}

impl Parser {
    /// Returns whether the current statement is a query.
    pub(super) fn begins_query(&self) -> bool {
        self.begins_query_at(0) || matches!(self.tokens.peek(), Token::LParen)
    }

    /// Returns whether the word `n` tokens ahead begins a query.
    pub(super) fn begins_query_at(&self, n: usize) -> bool {
        ["SELECT", "WITH", "VALUES"].iter().any(|word| self.tokens.word_at(n, word))
    }

    /// Returns whether one or more parentheses and then a query follow.
    pub(super) fn opens_query(&self) -> bool {
        // More parentheses than levels are refused in any case.
        let parens = (0..usize::from(MAX_DEPTH))
            .take_while(|n| matches!(self.tokens.peek_nth(*n), Token::LParen))
            .count();
        parens > 0 && self.begins_query_at(parens)
    }

    /// Parses a query as a statement.
    pub(super) fn top_query(&mut self) -> Parsed<TopQuery> {
        let start = self.tokens.span();
        let query = self.query()?;
        Ok(TopQuery { query: *query, head: start, span: self.tokens.since(start) })
    }

    /// Parses `(query)`.
    pub(super) fn query_in_parens(&mut self) -> Parsed<Box<Query>> {
        self.tokens.expect(&Token::LParen)?;
        let query = self.query()?;
        self.tokens.expect(&Token::RParen)?;
        Ok(query)
    }

    /// Parses `[WITH …] body [ORDER BY …] [LIMIT …]`, possibly in parentheses.
    pub(super) fn query(&mut self) -> Parsed<Box<Query>> {
        self.nested(|p| {
            let start = p.tokens.span();
            if p.tokens.is_word("WITH") {
                return p.query_with(start);
            }
            let first = p.query_part()?;
            p.continued(first, start)
        })
    }

    /// Parses `WITH … body …`.
    fn query_with(&mut self, start: Span) -> Parsed<Box<Query>> {
        let with = self.with_clause()?;
        let first = self.query_part()?;
        let mut query = self.continued(first, start)?;
        if !query.with.is_empty() {
            query = self.nested_query(query)?;
        }

        let below = with.iter().map(|table| table.query.depth).max().unwrap_or(0);
        query.depth = query.depth.max(self.level(below, start)?);
        query.with = with;
        query.span = self.tokens.since(start);
        Ok(query)
    }

    /// Parses the set operations and clauses behind the first part of a query.
    pub(super) fn continued(&mut self, first: Box<Query>, start: Span) -> Parsed<Box<Query>> {
        if !self.continues_query() {
            return Ok(first);
        }
        let query = self.set_operations(first, 0)?;
        let behind = self.tokens.span();
        let query = self.with_tail(query, start)?;

        let is_cut = ["UNION", "INTERSECT", "EXCEPT"].iter().any(|word| self.tokens.is_word(word));
        if is_cut {
            let message = "ORDER BY, LIMIT and OFFSET must be behind the last query of a set operation";
            let error = Diagnostic::error(self.tokens.since(behind), message);
            return Err(Box::new(error.with_hint("or put the query with its ORDER BY in parentheses")));
        }
        Ok(query)
    }

    /// Returns whether the next token continues a query whose first part has been parsed.
    pub(super) fn continues_query(&self) -> bool {
        const WORDS: [&str; 8] =
            ["UNION", "INTERSECT", "EXCEPT", "MINUS", "ORDER", "LIMIT", "OFFSET", "FETCH"];
        WORDS.iter().any(|word| self.tokens.is_word(word))
    }

    /// Parses `WITH name [(columns)] AS (query), …`.
    fn with_clause(&mut self) -> Parsed<Vec<CommonTable>> {
        let start = self.tokens.span();
        let mut tables = vec![];
        if !self.tokens.accept_word("WITH") {
            return Ok(tables);
        }
        if self.tokens.is_word("RECURSIVE") && !self.tokens.word_at(1, "AS") {
            let error = Diagnostic::error(self.tokens.span(), "WITH RECURSIVE is not supported on streams");
            return Err(Box::new(error.with_hint("Flink refuses it too")));
        }

        loop {
            tables.push(self.common_table()?);
            self.bounded(tables.len(), "names in WITH", start)?;
            if !self.tokens.accept(&Token::Comma) {
                return Ok(tables);
            }
        }
    }

    fn common_table(&mut self) -> Parsed<CommonTable> {
        let name = self.new_ident("a name")?;
        let columns = self.column_names()?;
        self.tokens.expect_word("AS")?;
        let query = *self.query_in_parens()?;
        Ok(CommonTable { name, columns, query })
    }

    /// Parses a query without set operations: `SELECT`, `VALUES`, or a query in parentheses.
    fn query_part(&mut self) -> Parsed<Box<Query>> {
        let start = self.tokens.span();
        if matches!(self.tokens.peek(), Token::LParen) {
            self.query_in_parens()
        } else if self.tokens.is_word("VALUES") {
            self.values().and_then(|rows| self.values_query(rows, self.tokens.since(start)))
        } else if self.tokens.is_word("TABLE") {
            self.explicit_table(start)
        } else {
            self.select().and_then(|select| self.bare(QueryBody::Select(select), start))
        }
    }

    /// Creates a query of literal rows.
    pub(super) fn values_query(&self, rows: Vec<Vec<Expr>>, span: Span) -> Parsed<Box<Query>> {
        self.bare(QueryBody::Values { rows, span }, span)
    }

    /// Parses `TABLE t`, which means `SELECT * FROM t`.
    fn explicit_table(&mut self, start: Span) -> Parsed<Box<Query>> {
        self.tokens.advance();
        let from = self.named_table()?;
        let span = self.tokens.since(start);
        let select = Select {
            hints: vec![],
            distinct: false,
            items: vec![SelectItem::Star { qualifier: None, span }],
            from: Some(*from),
            filter: None,
            group_by: None,
            having: None,
            windows: vec![],
            qualify: None,
            span,
        };
        self.bare(QueryBody::Select(Box::new(select)), start)
    }

    /// Creates a query that has only a body.
    pub(super) fn bare(&self, body: QueryBody, start: Span) -> Parsed<Box<Query>> {
        let below = body.depth();
        self.bare_over(body, below, start)
    }

    /// Creates a query that has only a body of at most `below` levels.
    fn bare_over(&self, body: QueryBody, below: u16, start: Span) -> Parsed<Box<Query>> {
        let span = self.tokens.since(start);
        let depth = self.level(below, span)?;
        Ok(Box::new(Query { with: vec![], body, order_by: vec![], limit: None, offset: None, span, depth }))
    }

    fn nested_query(&self, query: Box<Query>) -> Parsed<Box<Query>> {
        let span = query.span;
        let depth = self.level(query.depth, span)?;
        let body = QueryBody::Nested(query);
        Ok(Box::new(Query { with: vec![], body, order_by: vec![], limit: None, offset: None, span, depth }))
    }

    /// Parses the set operations behind `left` whose operators bind tighter than `above`.
    fn set_operations(&mut self, mut left: Box<Query>, above: u8) -> Parsed<Box<Query>> {
        while let Some((operator, power)) = self.set_operator()? {
            if power <= above {
                break;
            }
            let operator_start = self.tokens.span();
            self.tokens.advance();
            let all = self.tokens.accept_word("ALL");
            if !all {
                self.tokens.accept_word("DISTINCT");
            }
            let operator_span = self.tokens.since(operator_start);

            let right = self.query_part()?;
            let right = self.set_operations(right, power)?;
            let operation = SetOperation { operator, all, right: *right, operator_span };
            left = self.set_operation(*left, operation)?;
        }
        Ok(left)
    }

    /// Appends an operation to a chain of operators that bind alike, or begins a chain with `left`.
    fn set_operation(&self, left: Query, operation: SetOperation) -> Parsed<Box<Query>> {
        let (start, is_bare) = (left.span, left.is_bare());
        let below = left.depth.max(operation.right.depth);
        let (mut operations, below) = match left.body {
            QueryBody::SetOperations(chain) if is_bare && chain.rest[0].binds_like(&operation) => {
                // The depth of the chain is known; looking at all queries for each new one would be quadratic.
                (chain, (left.depth - 1).max(operation.right.depth))
            }
            body => {
                let first = Query { body, ..left };
                (Box::new(SetOperations { first, rest: vec![] }), below)
            }
        };
        operations.rest.push(operation);
        self.bounded(operations.rest.len() + 1, "queries in a set operation", start)?;
        self.bare_over(QueryBody::SetOperations(operations), below, start)
    }

    /// Returns the next set operator and its binding power.
    fn set_operator(&self) -> Parsed<Option<(AstSetOperator, u8)>> {
        if self.tokens.is_word("UNION") {
            return Ok(Some((AstSetOperator::Union, 1)));
        }
        if self.tokens.is_word("EXCEPT") {
            return Ok(Some((AstSetOperator::Except, 1)));
        }
        if self.tokens.is_word("INTERSECT") {
            return Ok(Some((AstSetOperator::Intersect, 2)));
        }
        if self.tokens.is_word("MINUS") {
            let error = Diagnostic::error(self.tokens.span(), "MINUS is not supported");
            return Err(Box::new(error.with_hint("write EXCEPT, as in Flink")));
        }
        Ok(None)
    }

    /// Parses `[ORDER BY …] [LIMIT n] [OFFSET n] [FETCH FIRST n ROWS ONLY]`.
    fn tail(&mut self) -> Parsed<Tail> {
        let mut tail = Tail { order_by: self.order_by()?, ..Tail::default() };
        loop {
            let start = self.tokens.span();
            if tail.limit.is_none() && self.tokens.accept_word("LIMIT") {
                tail.limit = if self.tokens.accept_word("ALL") { None } else { Some(self.row_count(start)?) };
            } else if tail.offset.is_none() && self.tokens.accept_word("OFFSET") {
                let rows = self.row_count(start)?.rows;
                let _ = self.tokens.accept_word("ROWS") || self.tokens.accept_word("ROW");
                tail.offset = Some(Limit { rows, span: self.tokens.since(start) });
            } else if tail.limit.is_none() && self.tokens.accept_word("FETCH") {
                tail.limit = Some(self.fetched_rows(start)?);
            } else {
                return Ok(tail);
            }
        }
    }

    /// Adds the clauses behind a query to it. A query that already has such clauses is nested first.
    fn with_tail(&mut self, query: Box<Query>, start: Span) -> Parsed<Box<Query>> {
        let tail = self.tail()?;
        if tail.order_by.is_empty() && tail.limit.is_none() && tail.offset.is_none() {
            return Ok(query);
        }
        let mut query = if query.is_bare() { query } else { self.nested_query(query)? };
        let below = tail.order_by.iter().map(|item| item.expr.depth).max().unwrap_or(0);
        query.span = self.tokens.since(start);
        query.depth = query.depth.max(self.level(below, query.span)?);
        query.order_by = tail.order_by;
        query.limit = tail.limit;
        query.offset = tail.offset;
        Ok(query)
    }

    /// Parses what follows `FETCH`: `{FIRST | NEXT} [n] {ROW | ROWS} ONLY`.
    fn fetched_rows(&mut self, start: Span) -> Parsed<Limit> {
        if !self.tokens.accept_word("FIRST") && !self.tokens.accept_word("NEXT") {
            return Err(self.tokens.unexpected("`FIRST` or `NEXT`"));
        }
        let is_one = self.tokens.is_word("ROW") || self.tokens.is_word("ROWS");
        let rows = if is_one { 1 } else { self.row_count(start)?.rows };
        if !self.tokens.accept_word("ROW") && !self.tokens.accept_word("ROWS") {
            return Err(self.tokens.unexpected("`ROWS`"));
        }
        self.tokens.expect_word("ONLY")?;
        Ok(Limit { rows, span: self.tokens.since(start) })
    }

    fn row_count(&mut self, start: Span) -> Parsed<Limit> {
        let count = match self.tokens.peek() {
            Token::Number(digits, false) => digits.parse().ok(),
            _ => None,
        };
        let Some(rows) = count else { return Err(self.tokens.unexpected("a number of rows")) };
        self.tokens.advance();
        Ok(Limit { rows, span: self.tokens.since(start) })
    }
}
