//! Parses `CREATE TABLE` and `CREATE VIEW`.

use std::collections::HashSet;

use sqlparser::tokenizer::Token;

use super::ast::{ColumnDef, ColumnKind, CreateTable, CreateView, Ident, Statement, Text, WatermarkDef};
use super::{Parsed, Parser};
use crate::error::{Diagnostic, Span};

impl Parser {
    /// Parses what follows `CREATE`.
    pub(super) fn create(&mut self, start: Span) -> Parsed<Statement> {
        let or_replace = self.tokens.accept_words(&["OR", "REPLACE"]);
        let replaced = self.tokens.since(start);
        self.tokens.accept_word("TEMPORARY");

        if or_replace && !self.tokens.is_word("VIEW") {
            let error = Diagnostic::error(replaced, "OR REPLACE is only supported for views");
            return Err(Box::new(error.with_hint("a script declares each table once")));
        }

        if self.tokens.accept_word("TABLE") {
            return self.create_table(start).map(Statement::CreateTable);
        }
        if self.tokens.accept_word("VIEW") {
            return self.create_view(or_replace).map(Statement::CreateView);
        }

        for what in ["FUNCTION", "SYSTEM", "CATALOG", "DATABASE", "MODEL", "MATERIALIZED"] {
            if self.tokens.is_word(what) {
                let error = Diagnostic::error(self.tokens.span(), format!("CREATE {what} is not supported"));
                return Err(Box::new(error.with_hint("a script declares tables and views")));
            }
        }

        Err(self.tokens.unexpected("`TABLE` or `VIEW`"))
    }

    fn create_view(&mut self, or_replace: bool) -> Parsed<CreateView> {
        let if_not_exists = !or_replace && self.tokens.accept_words(&["IF", "NOT", "EXISTS"]);
        let name = self.own_name("a view's name")?;
        let columns = if matches!(self.tokens.peek(), Token::LParen) {
            self.list(|p| {
                let column = p.new_ident("a column's name")?;
                p.comment()?;
                Ok(column)
            })?
        } else {
            vec![]
        };
        self.comment()?;
        self.tokens.expect_word("AS")?;
        Ok(CreateView { name, if_not_exists, or_replace, columns, query: *self.query()? })
    }

    fn own_name(&mut self, what: &str) -> Parsed<Ident> {
        let mut name = self.tokens.object_name(what)?;
        let last = self.tokens.last();
        if !matches!(last, Token::Word(word) if word.quote_style.is_some()) {
            self.note_word(name.last());
        }
        name.parts.pop().ok_or_else(|| self.tokens.unexpected(what))
    }

    fn comment(&mut self) -> Parsed<()> {
        if self.tokens.accept_word("COMMENT") {
            self.tokens.text("the comment in single quotes")?;
        }
        Ok(())
    }

    fn create_table(&mut self, start: Span) -> Parsed<CreateTable> {
        let if_not_exists = self.tokens.accept_words(&["IF", "NOT", "EXISTS"]);
        let name = self.own_name("a table's name")?;

        let mut table = CreateTable {
            name,
            if_not_exists,
            columns: vec![],
            watermark: None,
            primary_key: vec![],
            options: vec![],
            options_span: start,
            span: start,
        };

        if ["AS", "LIKE", "WITH"].iter().any(|word| self.tokens.is_word(word)) {
            return Err(self.no_derived_table());
        }
        self.tokens.expect(&Token::LParen)?;
        if self.tokens.accept_word("LIKE") {
            return Err(self.no_derived_table());
        }

        let mut names = HashSet::new();
        loop {
            self.table_element(&mut table, &mut names)?;
            if !self.tokens.accept(&Token::Comma) {
                break;
            }
        }

        if !self.tokens.accept(&Token::RParen) {
            return Err(self.tokens.unexpected("`,` or `)`"));
        }
        table.no_nulls_in_the_key();
        self.comment()?;

        if self.tokens.is_word("PARTITIONED") || self.tokens.is_word("DISTRIBUTED") {
            let error = Diagnostic::error(self.tokens.span(), "partitioned tables are not supported");
            return Err(Box::new(
                error.with_hint("leave the clause out: the connector's key decides where a row goes"),
            ));
        }

        if self.tokens.accept_word("WITH") {
            let with = self.tokens.last_span();
            table.options = self.list(Parser::option)?;
            table.options_span = self.tokens.since(with);
        } else {
            table.options_span = table.name.span;
        }

        if self.tokens.is_word("AS") || self.tokens.is_word("LIKE") {
            return Err(self.no_derived_table());
        }
        table.span = self.tokens.since(start);
        Ok(table)
    }

    fn no_derived_table(&self) -> Box<Diagnostic> {
        let message = match self.tokens.peek() {
            Token::Word(word) if word.value.eq_ignore_ascii_case("AS") => {
                "CREATE TABLE … AS is not supported"
            }
            Token::Word(word) if word.value.eq_ignore_ascii_case("LIKE") => {
                "CREATE TABLE … LIKE is not supported"
            }
            _ => "a table without columns, made from another, is not supported",
        };
        let error = Diagnostic::error(self.tokens.span(), message);
        Box::new(error.with_hint("declare the columns, and fill the table with INSERT INTO … SELECT"))
    }

    fn option(&mut self) -> Parsed<(Text, Text)> {
        let key = self.tokens.text("an option's key in single quotes")?;
        self.tokens.expect(&Token::Eq)?;
        Ok((key, self.tokens.text("the option's value in single quotes")?))
    }

    /// Parses a column, `WATERMARK FOR`, or `PRIMARY KEY`; `names` holds the names of the columns.
    fn table_element(&mut self, table: &mut CreateTable, names: &mut HashSet<String>) -> Parsed<()> {
        let start = self.tokens.span();
        if self.tokens.accept_words(&["WATERMARK", "FOR"]) {
            let column = self.tokens.object_name("the time column's name")?.parts;
            self.tokens.expect_word("AS")?;
            let expr = self.expr()?;
            let span = self.tokens.since(start);
            if table.watermark.replace(WatermarkDef { column, expr }).is_some() {
                return Err(Box::new(Diagnostic::error(span, "a table has one watermark")));
            }
            return Ok(());
        }

        let named = self.tokens.is_word("CONSTRAINT");
        if named {
            self.tokens.advance();
            self.tokens.ident("the constraint's name")?;
        }

        if self.tokens.is_word("UNIQUE") && (named || matches!(self.tokens.peek_nth(1), Token::LParen)) {
            return Err(Box::new(Diagnostic::error(
                start,
                "UNIQUE constraints are not supported, nor are they by Flink",
            )));
        }

        if named || (self.tokens.is_word("PRIMARY") && self.tokens.word_at(1, "KEY")) {
            self.tokens.expect_word("PRIMARY")?;
            self.tokens.expect_word("KEY")?;
            let key = self.list(|p| p.tokens.ident("a column's name"))?;
            self.not_enforced(start)?;
            return self.set_primary_key(table, key, start);
        }

        let column = self.column(table)?;
        if !names.insert(column.name.value.clone()) {
            let message = format!("the column `{}` is declared twice", column.name.value);
            return Err(Box::new(Diagnostic::error(column.name.span, message)));
        }

        table.columns.push(column);
        self.bounded(table.columns.len(), "columns", start)
    }

    fn not_enforced(&mut self, start: Span) -> Parsed<()> {
        if self.tokens.accept_words(&["NOT", "ENFORCED"]) {
            return Ok(());
        }
        let error = Diagnostic::error(self.tokens.since(start), "a primary key is NOT ENFORCED");
        Err(Box::new(
            error.with_hint("write PRIMARY KEY (…) NOT ENFORCED: a stream cannot check that keys are unique"),
        ))
    }

    fn set_primary_key(&self, table: &mut CreateTable, key: Vec<Ident>, start: Span) -> Parsed<()> {
        if !table.primary_key.is_empty() {
            return Err(Box::new(Diagnostic::error(self.tokens.since(start), "a table has one primary key")));
        }
        table.primary_key = key;
        Ok(())
    }

    fn column(&mut self, table: &mut CreateTable) -> Parsed<ColumnDef> {
        let name = self.new_ident("a column's name")?;
        if self.tokens.accept_word("AS") {
            let expr = self.expr()?;
            self.comment()?;
            return Ok(ColumnDef { name, kind: ColumnKind::Computed(expr) });
        }

        let type_name = self.type_name()?;
        if self.tokens.accept_word("METADATA") {
            let key = if self.tokens.accept_word("FROM") {
                Some(self.tokens.text("the metadata's key")?)
            } else {
                None
            };
            let is_virtual = self.tokens.accept_word("VIRTUAL");
            self.comment()?;
            return Ok(ColumnDef { name, kind: ColumnKind::Metadata { type_name, key, is_virtual } });
        }

        let start = self.tokens.span();
        if self.tokens.accept_words(&["PRIMARY", "KEY"]) {
            self.not_enforced(start)?;
            self.set_primary_key(table, vec![name.clone()], start)?;
        }

        self.comment()?;
        Ok(ColumnDef { name, kind: ColumnKind::Physical(type_name) })
    }
}

impl CreateTable {
    /// Makes primary key columns `NOT NULL`, as Flink does, even if they are declared `NULL`.
    fn no_nulls_in_the_key(&mut self) {
        let keys: HashSet<&str> = self.primary_key.iter().map(|key| key.value.as_str()).collect();
        for column in &mut self.columns {
            if let ColumnKind::Physical(type_name) = &mut column.kind
                && keys.contains(column.name.value.as_str())
            {
                type_name.column_type.nullable = false;
            }
        }
    }
}
