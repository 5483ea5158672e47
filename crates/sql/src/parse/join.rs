//! Parses `FROM a JOIN b ON …, c`: table references and the joins between them.
//!
//! A comma binds looser than a join: `a, b RIGHT JOIN c` is `a, (b RIGHT JOIN c)`. Most joins give the same
//! rows if they join both sides of the comma, `(a, b) JOIN c ON …`. Such joins become one list in script
//! order, which is easier to bind. Other joins stay below the comma.

use sqlparser::tokenizer::Token;

use super::ast::{AstJoinKind, From, FromKind, Join, JoinConstraint, Joined};
use super::{Parsed, Parser};
use crate::error::{Diagnostic, Span};

/// Tables behind a comma.
struct CommaPart {
    comma: Span,
    first: Box<From>,
    joins: Vec<Join>,
}

impl Join {
    fn comma(right: From, span: Span) -> Join {
        Join { kind: AstJoinKind::Cross, right, constraint: JoinConstraint::None, span }
    }

    /// Returns whether the join behind a comma gives the same rows over both sides of the comma.
    fn is_same_over_comma(&self) -> bool {
        matches!(self.kind, AstJoinKind::Inner | AstJoinKind::Left | AstJoinKind::Cross)
            && matches!(self.constraint, JoinConstraint::On(_) | JoinConstraint::None)
    }
}

impl Parser {
    /// Parses what follows `FROM`.
    pub(super) fn table_references(&mut self) -> Parsed<Box<From>> {
        let from = self.joined_tables()?;
        if !matches!(self.tokens.peek(), Token::Comma) {
            return Ok(from);
        }
        let mut parts = vec![];
        while matches!(self.tokens.peek(), Token::Comma) {
            self.comma_part(&mut parts)?;
        }
        self.crossed(from, parts)
    }

    /// Parses `, table JOIN …`.
    fn comma_part(&mut self, parts: &mut Vec<CommaPart>) -> Parsed<()> {
        let comma = self.tokens.span();
        self.tokens.advance();
        let first = self.table_reference()?;
        let joins = self.joins()?;
        parts.push(CommaPart { comma, first, joins });
        self.bounded(parts.len() + 1, "tables", comma)
    }

    fn crossed(&self, mut from: Box<From>, parts: Vec<CommaPart>) -> Parsed<Box<From>> {
        for CommaPart { comma, first, joins } in parts {
            from = if joins.iter().all(Join::is_same_over_comma) {
                let crossed = self.joined(from, vec![Join::comma(*first, comma)])?;
                self.joined(crossed, joins)?
            } else {
                let right = self.joined(first, joins)?;
                self.joined(from, vec![Join::comma(*right, comma)])?
            };
        }
        Ok(from)
    }

    /// Parses tables that are joined by keywords, not by commas.
    pub(super) fn joined_tables(&mut self) -> Parsed<Box<From>> {
        let first = self.table_reference()?;
        self.joined_to(first)
    }

    /// Parses the joins behind a table reference that has been parsed.
    pub(super) fn joined_to(&mut self, first: Box<From>) -> Parsed<Box<From>> {
        let joins = self.joins()?;
        self.joined(first, joins)
    }

    /// Appends joins to a list of joins, or begins a list with `left`.
    fn joined(&self, left: Box<From>, joins: Vec<Join>) -> Parsed<Box<From>> {
        if joins.is_empty() {
            return Ok(left);
        }
        let (start, depth) = (left.span, left.depth);
        let below = joins.iter().map(Join::depth).max().unwrap_or(0);

        // Joins in parentheses are nested, so a list here has no alias.
        let (mut joined, below) = match left.kind {
            FromKind::Joined(joined) => (joined, below.max(depth - 1)),
            kind => {
                let first = From { kind, ..*left };
                (Box::new(Joined { first, joins: vec![] }), below.max(depth))
            }
        };
        joined.joins.extend(joins);
        self.table_node_over(FromKind::Joined(joined), below, start)
    }

    /// Parses `JOIN b ON … LEFT JOIN c ON … …`.
    fn joins(&mut self) -> Parsed<Vec<Join>> {
        let start = self.tokens.span();
        let mut joins = vec![];
        while let Some(join) = self.join()? {
            joins.push(join);
            self.bounded(joins.len() + 1, "tables", start)?;
        }
        Ok(joins)
    }

    fn join(&mut self) -> Parsed<Option<Join>> {
        let start = self.tokens.span();
        let is_natural = self.tokens.accept_word("NATURAL");
        let kind = if self.tokens.accept_word("CROSS") {
            if is_natural {
                let error = Diagnostic::error(self.tokens.since(start), "a CROSS JOIN is never NATURAL");
                return Err(Box::new(error.with_hint("write NATURAL JOIN or CROSS JOIN")));
            }
            AstJoinKind::Cross
        } else if let Some(kind) = self.outer_kind() {
            self.tokens.accept_word("OUTER");
            kind
        } else if is_natural || self.tokens.is_word("INNER") || self.tokens.is_word("JOIN") {
            self.tokens.accept_word("INNER");
            AstJoinKind::Inner
        } else {
            return Ok(None);
        };
        self.tokens.expect_word("JOIN")?;
        let span = self.tokens.since(start);

        let right = self.table_reference()?;
        let constraint = self.join_constraint(kind, is_natural, span)?;
        Ok(Some(Join { kind, right: *right, constraint, span }))
    }

    fn outer_kind(&mut self) -> Option<AstJoinKind> {
        let kinds = [("LEFT", AstJoinKind::Left), ("RIGHT", AstJoinKind::Right), ("FULL", AstJoinKind::Full)];
        kinds.into_iter().find(|(word, _)| self.tokens.accept_word(word)).map(|(_, kind)| kind)
    }

    /// Parses `ON condition`, `USING (a, b)`, or nothing.
    fn join_constraint(&mut self, kind: AstJoinKind, is_natural: bool, join: Span) -> Parsed<JoinConstraint> {
        // In `INSERT INTO t SELECT … FROM a CROSS JOIN b ON CONFLICT DO …` the ON belongs to the INSERT.
        let is_on = self.tokens.is_word("ON")
            && !(self.tokens.word_at(1, "CONFLICT") && self.tokens.word_at(2, "DO"));
        let takes_none = is_natural || kind == AstJoinKind::Cross;
        if takes_none && (is_on || self.tokens.is_word("USING")) {
            let words = if is_natural { "NATURAL" } else { "CROSS" };
            let error = Diagnostic::error(self.tokens.span(), format!("a {words} JOIN has no condition"));
            return Err(Box::new(error.with_hint("write [INNER] JOIN … ON …")));
        }
        if is_natural {
            return Ok(JoinConstraint::Natural);
        }
        if kind == AstJoinKind::Cross {
            return Ok(JoinConstraint::None);
        }

        if is_on {
            self.tokens.advance();
            return self.expr().map(JoinConstraint::On);
        }
        if self.tokens.accept_word("USING") {
            return self.list(|p| p.tokens.ident("a column's name")).map(JoinConstraint::Using);
        }
        let error = Diagnostic::error(join, "a join without a condition")
            .with_hint("write JOIN … ON …, JOIN … USING (…), or CROSS JOIN");
        let found = self.tokens.unexpected("`ON` or `USING`");
        Err(Box::new(Diagnostic { kind: found.kind.clone(), detail: Some(found.message), ..error }))
    }
}
