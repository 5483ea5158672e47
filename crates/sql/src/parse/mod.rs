//! The parser: turns text into statements with sqlparser's tokenizer and a parser for Flink's SQL.
//!
//! After an error the parser continues behind the next `;`, so one pass finds the errors of every statement.
//! Nesting is limited: code after the parser may recurse over the tree. Chains of operators, set operations and
//! joins are lists in the tree, so that they are no nesting; their length is limited by itself.

pub(crate) mod ast;
mod call;
mod chain;
pub(crate) mod command;
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

use crate::error::{Diagnostic, DiagnosticKind, Span, cut, did_you_mean};
use crate::variables::Filled;
use ast::{Ident, ObjectName, Statement, Text};
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

struct Parser {
    lexemes: Vec<Lexeme>,
    at: usize,
    depth: u16,
    diagnostics: Vec<Diagnostic>,
    subscripts: BTreeSet<String>,
}

impl Parser {
    fn new(lexemes: Vec<Lexeme>) -> Parser {
        Parser { lexemes, at: 0, depth: 0, diagnostics: vec![], subscripts: BTreeSet::new() }
    }

    fn peek(&self) -> &Token {
        self.peek_nth(0)
    }

    /// Returns the token `n` places ahead; behind the last token, the end marker repeats.
    fn peek_nth(&self, n: usize) -> &Token {
        &self.lexeme(self.at + n).token
    }

    fn lexeme(&self, index: usize) -> &Lexeme {
        &self.lexemes[index.min(self.lexemes.len() - 1)]
    }

    fn span(&self) -> Span {
        self.lexeme(self.at).span
    }

    /// Returns the span from `start` to the last consumed token.
    fn since(&self, start: Span) -> Span {
        start.to(self.lexeme(self.at.saturating_sub(1)).span)
    }

    fn advance(&mut self) {
        self.at = (self.at + 1).min(self.lexemes.len() - 1);
    }

    fn is_end(&self) -> bool {
        matches!(self.peek(), Token::EOF)
    }

    /// Returns whether the token `n` ahead is this unquoted word, in any case.
    fn word_at(&self, n: usize, word: &str) -> bool {
        matches!(self.peek_nth(n), Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
    }

    fn is_word(&self, word: &str) -> bool {
        self.word_at(0, word)
    }

    fn accept_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.advance();
        }
        found
    }

    /// Consumes all the words in this order, or none.
    fn accept_words(&mut self, words: &[&str]) -> bool {
        let found = words.iter().enumerate().all(|(n, word)| self.word_at(n, word));
        if found {
            self.at += words.len();
        }
        found
    }

    fn expect_word(&mut self, word: &str) -> Parsed<()> {
        if self.accept_word(word) {
            return Ok(());
        }
        let hint = match self.peek() {
            Token::Word(found) if found.quote_style.is_none() => did_you_mean(&found.value, [word]),
            _ => None,
        };
        let mut error = self.unexpected(&format!("`{word}`"));
        error.hint = hint;
        Err(error)
    }

    fn accept(&mut self, token: &Token) -> bool {
        let found = self.peek() == token;
        if found {
            self.advance();
        }
        found
    }

    fn expect(&mut self, token: &Token) -> Parsed<()> {
        if self.accept(token) { Ok(()) } else { Err(self.unexpected(&format!("`{token}`"))) }
    }

    /// Returns the error "expected …, found …" at the next token.
    fn unexpected(&self, expected: &str) -> Box<Diagnostic> {
        let found = match self.peek() {
            Token::EOF => "the end of the script".to_owned(),
            Token::SingleQuotedString(text) => format!("the text '{}'", cut(text)),
            token => format!("`{}`", cut(&token.to_string())),
        };
        let mut error = Diagnostic::error(self.span(), format!("expected {expected}, found {found}"));
        if self.is_end() {
            error.kind = DiagnosticKind::EndOfInput;
        }
        if matches!(self.peek(), Token::DoubleQuotedString(_)) {
            error.hint = Some("texts stand in single quotes, names in back-quotes".to_owned());
        }
        Box::new(error)
    }

    /// Parses a name: back-quoted, or a word that is not reserved.
    fn ident(&mut self, what: &str) -> Parsed<Ident> {
        let span = self.span();
        match self.peek() {
            Token::Word(word) if word.quote_style.is_some() || !words::is_reserved(&word.value) => {
                let value = word.value.clone();
                self.advance();
                Ok(Ident { value, span })
            }
            Token::Word(word) if !words::is_structural(&word.value) => {
                let quoted = format!("`{}`", word.value);
                let error = Diagnostic::error(span, format!("{quoted} is a reserved word"))
                    .with_hint(format!("as a name it stands in back-quotes: {quoted}"));
                Err(Box::new(error))
            }
            _ => Err(self.unexpected(what)),
        }
    }

    fn object_name(&mut self, what: &str) -> Parsed<ObjectName> {
        let mut parts = vec![self.ident(what)?];
        while self.accept(&Token::Period) {
            parts.push(self.ident("a name")?);
        }
        Ok(ObjectName { parts })
    }

    fn text(&mut self, what: &str) -> Parsed<Text> {
        let span = self.span();
        match self.peek() {
            Token::SingleQuotedString(value) => {
                let value = value.clone();
                self.advance();
                Ok(Text { value, span })
            }
            _ => Err(self.unexpected(what)),
        }
    }

    /// Parses an integer, such as the precision of a type.
    fn number(&mut self, what: &str) -> Parsed<u32> {
        let number = match self.peek() {
            Token::Number(digits, false) => digits.parse().ok(),
            _ => None,
        };
        let Some(number) = number else { return Err(self.unexpected(what)) };
        self.advance();
        Ok(number)
    }

    /// Parses `(item, item, …)`.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Parser) -> Parsed<T>) -> Parsed<Vec<T>> {
        self.expect(&Token::LParen)?;
        let mut items = vec![item(self)?];
        while self.accept(&Token::Comma) {
            items.push(item(self)?);
        }
        if !self.accept(&Token::RParen) {
            return Err(self.unexpected("`,` or `)`"));
        }
        Ok(items)
    }

    /// Calls `inner` one nesting level deeper.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Parser) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            return Err(self.too_deep(self.span()));
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
        let error = Diagnostic::error(self.since(start), format!("these are more than {MAX_ITEMS} {what}"));
        Err(Box::new(error.with_hint("split the statement")))
    }

    /// Reports an error and skips to behind the next `;`.
    fn recover(&mut self, error: Diagnostic) {
        self.diagnostics.push(error);
        self.depth = 0;
        while !self.is_end() && !self.accept(&Token::SemiColon) {
            self.advance();
        }
    }
}
