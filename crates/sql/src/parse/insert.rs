//! Parses `INSERT INTO … [ON CONFLICT …]`, alone and in statement sets.

use sqlparser::tokenizer::Token;

use super::ast::{ConflictAction, Insert, OnConflict};
use super::{Parsed, Parser};
use crate::error::{Diagnostic, Span};

impl Parser {
    /// Parses what follows `INSERT`.
    pub(super) fn insert(&mut self, start: Span) -> Parsed<Insert> {
        if self.tokens.is_word("OVERWRITE") {
            let error = Diagnostic::error(self.tokens.span(), "INSERT OVERWRITE is not supported on streams");
            return Err(Box::new(error.with_hint("INSERT INTO: rows with the same key replace each other")));
        }
        self.tokens.expect_word("INTO")?;
        let table = self.tokens.object_name("a table's name")?;
        if self.tokens.is_word("PARTITION") {
            return Err(Box::new(Diagnostic::error(
                self.tokens.span(),
                "static partitions are not supported",
            )));
        }
        let hints = self.hints()?;
        let has_columns = matches!(self.tokens.peek(), Token::LParen) && !self.opens_query();
        let columns = if has_columns { self.column_names()? } else { vec![] };
        let query_start = self.tokens.span();
        let query = *self.query()?;
        let query_span = self.tokens.since(query_start);
        let on_conflict = self.on_conflict()?;
        Ok(Insert { table, hints, columns, query, query_span, on_conflict, span: self.tokens.since(start) })
    }

    /// Parses an optional `ON CONFLICT DO {DEDUPLICATE | NOTHING | ERROR}`.
    fn on_conflict(&mut self) -> Parsed<Option<OnConflict>> {
        if !self.tokens.accept_words(&["ON", "CONFLICT"]) {
            return Ok(None);
        }
        self.tokens.expect_word("DO")?;
        let action = if self.tokens.accept_word("DEDUPLICATE") {
            ConflictAction::Deduplicate
        } else if self.tokens.accept_word("NOTHING") {
            ConflictAction::Nothing
        } else if self.tokens.accept_word("ERROR") {
            ConflictAction::Error
        } else {
            return Err(self.tokens.unexpected("`DEDUPLICATE`, `NOTHING` or `ERROR`"));
        };
        Ok(Some(OnConflict { action }))
    }

    /// Parses inserts up to `END`. An error in one insert does not hide errors in the others.
    pub(super) fn statement_set(&mut self, start: Span) -> Parsed<Vec<Insert>> {
        let mut inserts = vec![];
        let mut failed = false;

        loop {
            if self.tokens.accept_word("END") {
                break;
            }
            if self.tokens.is_end() {
                let error = self.tokens.unexpected("the `END` of the statement set");
                return if failed { Ok(inserts) } else { Err(error) };
            }
            let insert_start = self.tokens.span();
            let insert = self.tokens.expect_word("INSERT").and_then(|()| self.insert(insert_start));
            match insert.and_then(|insert| self.tokens.expect(&Token::SemiColon).map(|()| insert)) {
                Ok(insert) => inserts.push(insert),
                Err(error) => {
                    failed = true;
                    self.recover(*error);
                }
            }
        }

        if inserts.is_empty() && !failed {
            let error = Diagnostic::error(self.tokens.since(start), "the statement set is empty");
            return Err(Box::new(error.with_hint("put at least one INSERT INTO … between BEGIN and END")));
        }

        Ok(inserts)
    }
}
