//! The parser: turns text into statements with sqlparser's tokenizer and a parser for Flink's SQL.
//!
//! After an error the parser continues behind the next `;`, so one pass finds the errors of every statement.
//! Nesting is limited: code after the parser may recurse over the tree. Chains of operators, set operations and
//! joins are lists in the tree, so that they are no nesting; their length is limited by itself.

pub(crate) mod ast;
mod call;
mod chain;
pub(crate) mod command;
mod cursor;
mod data_type;
mod expression;
mod flink_words;
mod from;
mod group;
mod hint;
mod insert;
mod join;
mod json;
mod lexer;
mod literal;
mod over;
mod pattern;
mod query;
mod select;
mod special;
mod statement;
mod table;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use words::is_reserved;

use std::collections::BTreeSet;

use sqlparser::tokenizer::Token;

use crate::error::{Diagnostic, DiagnosticKind, Span};
use crate::variables::Filled;
use ast::Statement;
use cursor::TokenCursor;
use lexer::Lexeme;

/// Largest nesting depth: enough for scripts that people write, and far from the end of a thread's stack.
const MAX_DEPTH: u16 = 100;

/// Largest number of items in a list: columns of a table or query, fields of a ROW, keys, conditions joined
/// by AND or OR, terms of a sum, tables of a FROM, queries of a set operation.
///
/// Code after the parser may search a list once for each of its items.
const MAX_ITEMS: usize = 10_000;

pub(crate) type Parsed<T> = Result<T, Box<Diagnostic>>;

/// The result of parsing a script.
pub(crate) struct Script {
    /// All statements that could be parsed.
    pub(crate) statements: Vec<Statement>,
    /// The place of each statement, without its `;`. Each INSERT of a statement set is a statement.
    pub(crate) spans: Vec<Span>,
    /// All findings about the other statements.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Every text literal used as an index, such as `headers['trace']`: the possible keys of metadata maps.
    pub(crate) subscripts: BTreeSet<String>,
}

pub(crate) fn parse(filled: &Filled) -> Script {
    let (lexemes, failure) = lexer::lexemes(filled);
    let cut_short = failure.is_some();
    let mut parser = Parser::new(lexemes);
    let mut statements = vec![];
    let spans = parser.script(&mut statements);
    let mut diagnostics = parser.diagnostics;
    // Text that is parsed twice is reported once.
    diagnostics.dedup();
    if cut_short {
        // A finding about the end of the tokens only repeats the lexical error.
        diagnostics.retain(|d| !d.message.contains("end of the script"));
    }
    diagnostics.extend(failure);
    as_syntax(&mut diagnostics);
    Script { statements, spans, diagnostics, subscripts: parser.subscripts }
}

/// Marks findings of the parser as syntax errors.
fn as_syntax(diagnostics: &mut [Diagnostic]) {
    for diagnostic in diagnostics.iter_mut().filter(|found| found.kind == DiagnosticKind::Meaning) {
        diagnostic.kind = DiagnosticKind::Syntax;
    }
}

/// Parses a script. Each group of statements or clauses has its methods in a file of its own.
struct Parser {
    tokens: TokenCursor,
    depth: u16,
    diagnostics: Vec<Diagnostic>,
    subscripts: BTreeSet<String>,
}

impl Parser {
    fn new(lexemes: Vec<Lexeme>) -> Parser {
        Parser {
            tokens: TokenCursor::new(lexemes),
            depth: 0,
            diagnostics: vec![],
            subscripts: BTreeSet::new(),
        }
    }

    /// Parses `(item, item, …)`.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Parser) -> Parsed<T>) -> Parsed<Vec<T>> {
        self.tokens.expect(&Token::LParen)?;
        let mut items = vec![item(self)?];
        while self.tokens.accept(&Token::Comma) {
            items.push(item(self)?);
        }
        if !self.tokens.accept(&Token::RParen) {
            return Err(self.tokens.unexpected("`,` or `)`"));
        }
        Ok(items)
    }

    /// Calls `inner` one nesting level deeper.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Parser) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            return Err(self.too_deep(self.tokens.span()));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// Returns the level of a node whose children have at most `below` levels.
    ///
    /// # Errors
    /// The tree is too deep.
    fn level(&self, below: u16, span: Span) -> Parsed<u16> {
        if below < MAX_DEPTH { Ok(below + 1) } else { Err(self.too_deep(span)) }
    }

    fn too_deep(&self, span: Span) -> Box<Diagnostic> {
        let error = Diagnostic::error(span, format!("this is nested more than {MAX_DEPTH} levels deep"))
            .with_hint("split it: name a part of it in a view");
        Box::new(error)
    }

    /// Adds a notice that Flink refuses what is accepted here.
    fn refused_by_flink(&mut self, span: Span, what: &str, instead: &str) {
        self.diagnostics.push(Diagnostic::refused_by_flink(span, what, instead));
    }

    /// Checks the length of a list.
    ///
    /// # Errors
    /// The list has more than [`MAX_ITEMS`] items.
    fn bounded(&self, items: usize, what: &str, start: Span) -> Parsed<()> {
        if items <= MAX_ITEMS {
            return Ok(());
        }
        let error =
            Diagnostic::error(self.tokens.since(start), format!("these are more than {MAX_ITEMS} {what}"));
        Err(Box::new(error.with_hint("split the statement")))
    }

    /// Reports an error and skips to behind the next `;`.
    fn recover(&mut self, error: Diagnostic) {
        self.diagnostics.push(error);
        self.depth = 0;
        while !self.tokens.is_end() && !self.tokens.accept(&Token::SemiColon) {
            self.tokens.advance();
        }
    }
}
