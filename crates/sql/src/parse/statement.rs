//! Parses statements, and moves from one to the next after errors.

use sqlparser::tokenizer::Token;

use super::ast::{Ident, Statement};
use super::{Parsed, Parser};
use crate::error::{Diagnostic, Span, did_you_mean};

const STARTS: &[&str] = &["CREATE", "INSERT", "SET", "EXECUTE", "BEGIN", "EXPLAIN"];

impl Parser {
    /// Parses all statements to the end of the script, and collects errors. Returns the place of each statement.
    pub(super) fn script(&mut self, statements: &mut Vec<Statement>) -> Vec<Span> {
        let mut spans = vec![];
        while !self.is_end() {
            if self.accept(&Token::SemiColon) {
                continue;
            }
            let (before, start) = (self.at, self.span());
            let parsed = self.statement(statements);
            if parsed.is_err() {
                statements.extend(self.declared_at(before).map(Statement::Unreadable));
            }
            let whole = self.since(start);
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
        STARTS.iter().any(|word| self.is_word(word))
    }

    /// Returns the name of a `CREATE TABLE` or `CREATE VIEW` at this place.
    fn declared_at(&self, start: usize) -> Option<Ident> {
        let word = |at: usize| match &self.lexeme(at).token {
            Token::Word(word) => Some(word),
            _ => None,
        };
        let is = |at: usize, name: &str| word(at).is_some_and(|w| w.value.eq_ignore_ascii_case(name));
        let mut at = start;
        if !is(at, "CREATE") {
            return None;
        }
        at += if is(at + 1, "TEMPORARY") { 2 } else { 1 };
        if !is(at, "TABLE") && !is(at, "VIEW") {
            return None;
        }
        at += if is(at + 1, "IF") { 4 } else { 1 };
        word(at).map(|name| Ident { value: name.value.clone(), span: self.lexeme(at).span })
    }

    fn end_of_statement(&mut self) -> Parsed<()> {
        if self.is_end() || self.accept(&Token::SemiColon) { Ok(()) } else { Err(self.unexpected("`;`")) }
    }

    fn statement(&mut self, statements: &mut Vec<Statement>) -> Parsed<()> {
        let start = self.span();
        if self.accept_word("CREATE") {
            statements.push(self.create(start)?);
        } else if self.accept_word("INSERT") {
            statements.push(Statement::Insert(self.insert(start)?));
        } else if self.accept_word("SET") {
            statements.push(self.set()?);
        } else if self.accept_words(&["EXECUTE", "STATEMENT", "SET"]) {
            self.expect_word("BEGIN")?;
            statements.extend(self.statement_set(start)?.into_iter().map(Statement::Insert));
        } else if self.accept_words(&["BEGIN", "STATEMENT", "SET"]) {
            self.expect(&Token::SemiColon)?;
            statements.extend(self.statement_set(start)?.into_iter().map(Statement::Insert));
        } else if self.accept_word("EXECUTE") {
            // `EXECUTE INSERT …` means `INSERT …`.
            self.expect_word("INSERT")?;
            statements.push(Statement::Insert(self.insert(start)?));
        } else if self.accept_word("EXPLAIN") {
            statements.push(self.explain(start)?);
        } else if self.begins_query() {
            statements.push(Statement::Query(self.top_query()?));
        } else {
            return Err(self.refused_statement());
        }

        Ok(())
    }

    fn refused_statement(&self) -> Box<Diagnostic> {
        let Token::Word(word) = self.peek() else { return self.unexpected("a statement") };
        let name = word.value.to_ascii_uppercase();

        let hint = match name.as_str() {
            "RESET" => "leave the SET out instead: each script starts from the defaults",
            "DROP" | "ALTER" => "a script contains all its declarations: change the declaration instead",
            "UPDATE" | "DELETE" | "MERGE" | "TRUNCATE" | "UPSERT" => "write rows with INSERT INTO … SELECT",
            "USE" | "SHOW" | "DESCRIBE" | "DESC" | "LOAD" | "UNLOAD" | "ANALYZE" | "CALL" | "ADD"
            | "REMOVE" => "a script consists of SET, CREATE TABLE, CREATE VIEW and INSERT",
            _ => {
                let mut error =
                    Diagnostic::error(self.span(), format!("`{}` does not begin a statement", word.value));
                error.hint = did_you_mean(&name, STARTS.iter().copied().chain(["SELECT"]));
                return Box::new(error);
            }
        };

        Box::new(
            Diagnostic::error(self.span(), format!("{name} is not supported as a statement")).with_hint(hint),
        )
    }

    /// Parses `'key' = 'value'`.
    fn set(&mut self) -> Parsed<Statement> {
        let key = self.text("a key in single quotes").map_err(|error| match self.peek() {
            Token::SemiColon | Token::EOF => error,
            _ => Box::new(error.with_hint("write it like SET 'pipeline.name' = 'my job'")),
        })?;
        self.expect(&Token::Eq)?;
        Ok(Statement::Set { key, value: self.text("a value in single quotes")? })
    }

    /// Parses what follows `EXPLAIN`.
    fn explain(&mut self, start: Span) -> Parsed<Statement> {
        self.explained_details()?;
        let insert_start = self.span();
        let inserts = if self.accept_words(&["STATEMENT", "SET", "BEGIN"]) {
            self.statement_set(start)?
        } else {
            self.expect_word("INSERT")?;
            vec![self.insert(insert_start)?]
        };
        Ok(Statement::Explain { inserts, span: self.since(start) })
    }

    /// Parses `PLAN FOR`. The other details of Flink's plans are not supported.
    pub(super) fn explained_details(&mut self) -> Parsed<()> {
        const DETAILS: [&str; 5] =
            ["ESTIMATED_COST", "CHANGELOG_MODE", "PLAN_ADVICE", "JSON_EXECUTION_PLAN", "AST"];
        if self.accept_words(&["PLAN", "FOR"]) {
            return Ok(());
        }
        match DETAILS.iter().find(|detail| self.is_word(detail)) {
            None => Ok(()),
            Some(detail) => {
                let error = Diagnostic::error(self.span(), format!("EXPLAIN {detail} is not supported"));
                Err(Box::new(error.with_hint("EXPLAIN, or EXPLAIN PLAN FOR, shows the plan that runs")))
            }
        }
    }
}
