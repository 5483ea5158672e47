//! Parses statements, and moves from one to the next after errors.

use sqlparser::tokenizer::Token;

use super::ast::{Ident, Statement};
use super::cursor::Place;
use super::{Parsed, Parser};
use crate::error::{Diagnostic, Span, did_you_mean};

const STARTS: &[&str] = &["CREATE", "INSERT", "SET", "EXECUTE", "BEGIN", "EXPLAIN"];

impl Parser {
    /// Parses all statements to the end of the script, and collects errors. Returns the place of each statement.
    pub(super) fn script(&mut self, statements: &mut Vec<Statement>) -> Vec<Span> {
        let mut spans = vec![];
        while !self.tokens.is_end() {
            if self.tokens.accept(&Token::SemiColon) {
                continue;
            }
            let (before, start) = (self.tokens.place(), self.tokens.span());
            let parsed = self.statement(statements);
            if parsed.is_err() {
                statements.extend(self.declared_at(before).map(Statement::Unreadable));
            }
            let whole = self.tokens.since(start);
            spans.extend(statements[spans.len()..].iter().map(|statement| match statement {
                Statement::Insert(insert) => insert.span,
                _ => whole,
            }));

            if let Err(error) = parsed {
                self.recover(*error);
            } else if let Err(error) = self.end_of_statement() {
                if self.begins_statement() {
                    // Only the `;` is missing, so the next statement is parsed and its names become known.
                    self.diagnostics.push(*error);
                } else {
                    self.recover(*error);
                }
            }
        }
        spans
    }

    fn begins_statement(&self) -> bool {
        STARTS.iter().any(|word| self.tokens.is_word(word))
    }

    /// Returns the name of a `CREATE TABLE` or `CREATE VIEW` at this place.
    fn declared_at(&self, start: Place) -> Option<Ident> {
        let word = |n: usize| match self.tokens.token_from(start, n) {
            (Token::Word(word), span) => Some((word, span)),
            _ => None,
        };
        let is = |n: usize, name: &str| word(n).is_some_and(|(w, _)| w.value.eq_ignore_ascii_case(name));
        let mut at = 0;
        if !is(at, "CREATE") {
            return None;
        }
        at += if is(at + 1, "TEMPORARY") { 2 } else { 1 };
        if !is(at, "TABLE") && !is(at, "VIEW") {
            return None;
        }
        at += if is(at + 1, "IF") { 4 } else { 1 };
        word(at).map(|(name, span)| Ident { value: name.value.clone(), span })
    }

    fn end_of_statement(&mut self) -> Parsed<()> {
        if self.tokens.is_end() || self.tokens.accept(&Token::SemiColon) {
            Ok(())
        } else {
            Err(self.tokens.unexpected("`;`"))
        }
    }

    fn statement(&mut self, statements: &mut Vec<Statement>) -> Parsed<()> {
        let start = self.tokens.span();
        if self.tokens.accept_word("CREATE") {
            statements.push(self.create(start)?);
        } else if self.tokens.accept_word("INSERT") {
            statements.push(Statement::Insert(self.insert(start)?));
        } else if self.tokens.accept_word("SET") {
            statements.push(self.set()?);
        } else if self.tokens.accept_words(&["EXECUTE", "STATEMENT", "SET"]) {
            self.tokens.expect_word("BEGIN")?;
            statements.extend(self.statement_set(start)?.into_iter().map(Statement::Insert));
        } else if self.tokens.accept_words(&["BEGIN", "STATEMENT", "SET"]) {
            self.tokens.expect(&Token::SemiColon)?;
            statements.extend(self.statement_set(start)?.into_iter().map(Statement::Insert));
        } else if self.tokens.accept_word("EXECUTE") {
            // `EXECUTE INSERT …` means `INSERT …`.
            self.tokens.expect_word("INSERT")?;
            statements.push(Statement::Insert(self.insert(start)?));
        } else if self.tokens.accept_word("EXPLAIN") {
            statements.push(self.explain(start)?);
        } else if self.begins_query() {
            statements.push(Statement::Query(self.top_query()?));
        } else {
            return Err(self.refused_statement());
        }

        Ok(())
    }

    fn refused_statement(&self) -> Box<Diagnostic> {
        let Token::Word(word) = self.tokens.peek() else { return self.tokens.unexpected("a statement") };
        let name = word.value.to_ascii_uppercase();

        let hint = match name.as_str() {
            "RESET" => "leave the SET out instead: each script starts from the defaults",
            "DROP" | "ALTER" => "a script contains all its declarations: change the declaration instead",
            "UPDATE" | "DELETE" | "MERGE" | "TRUNCATE" | "UPSERT" => "write rows with INSERT INTO … SELECT",
            "USE" | "SHOW" | "DESCRIBE" | "DESC" | "LOAD" | "UNLOAD" | "ANALYZE" | "CALL" | "ADD"
            | "REMOVE" => "a script consists of SET, CREATE TABLE, CREATE VIEW and INSERT",
            _ => {
                let mut error = Diagnostic::error(
                    self.tokens.span(),
                    format!("`{}` does not begin a statement", word.value),
                );
                error.hint = did_you_mean(&name, STARTS.iter().copied().chain(["SELECT"]));
                return Box::new(error);
            }
        };

        Box::new(
            Diagnostic::error(self.tokens.span(), format!("{name} is not supported as a statement"))
                .with_hint(hint),
        )
    }

    /// Parses `'key' = 'value'`.
    fn set(&mut self) -> Parsed<Statement> {
        let key = self.tokens.text("a key in single quotes").map_err(|error| match self.tokens.peek() {
            Token::SemiColon | Token::EOF => error,
            _ => Box::new(error.with_hint("write it like SET 'pipeline.name' = 'my job'")),
        })?;
        self.tokens.expect(&Token::Eq)?;
        Ok(Statement::Set { key, value: self.tokens.text("a value in single quotes")? })
    }

    /// Parses what follows `EXPLAIN`.
    fn explain(&mut self, start: Span) -> Parsed<Statement> {
        self.explained_details()?;
        let insert_start = self.tokens.span();
        let inserts = if self.tokens.accept_words(&["STATEMENT", "SET", "BEGIN"]) {
            self.statement_set(start)?
        } else {
            self.tokens.expect_word("INSERT")?;
            vec![self.insert(insert_start)?]
        };
        Ok(Statement::Explain { inserts, span: self.tokens.since(start) })
    }

    /// Parses `PLAN FOR`. The other details of Flink's plans are not supported.
    pub(super) fn explained_details(&mut self) -> Parsed<()> {
        const DETAILS: [&str; 5] =
            ["ESTIMATED_COST", "CHANGELOG_MODE", "PLAN_ADVICE", "JSON_EXECUTION_PLAN", "AST"];
        if self.tokens.accept_words(&["PLAN", "FOR"]) {
            return Ok(());
        }
        match DETAILS.iter().find(|detail| self.tokens.is_word(detail)) {
            None => Ok(()),
            Some(detail) => {
                let error =
                    Diagnostic::error(self.tokens.span(), format!("EXPLAIN {detail} is not supported"));
                Err(Box::new(error.with_hint("EXPLAIN, or EXPLAIN PLAN FOR, shows the plan that runs")))
            }
        }
    }
}
