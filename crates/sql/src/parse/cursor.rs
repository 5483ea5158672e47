//! The tokens of a script, and the place of the next one.
//!
//! The place moves only over tokens that there are: behind the last one, the end marker repeats.

use super::ast::{Ident, ObjectName, Text};
use super::lexer::Lexeme;
use super::{Parsed, words};
use crate::error::{Diagnostic, DiagnosticKind, Span, cut, did_you_mean};
use sqlparser::tokenizer::Token;

/// Reads tokens one after the other.
pub(super) struct TokenCursor {
    /// Ends with the end marker.
    lexemes: Vec<Lexeme>,
    /// Index of the next token.
    at: usize,
}

/// A place to which a cursor can return.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(usize);

impl TokenCursor {
    pub(super) fn new(lexemes: Vec<Lexeme>) -> TokenCursor {
        TokenCursor { lexemes, at: 0 }
    }

    pub(super) fn place(&self) -> Place {
        Place(self.at)
    }

    pub(super) fn return_to(&mut self, place: Place) {
        self.at = place.0;
    }

    /// Returns the token before the next one; at the beginning, the first.
    pub(super) fn last(&self) -> &Token {
        &self.lexeme(self.at.saturating_sub(1)).token
    }

    /// Returns the span of the token before the next one; at the beginning, of the first.
    pub(super) fn last_span(&self) -> Span {
        self.lexeme(self.at.saturating_sub(1)).span
    }

    /// Returns the token `n` places behind a place, and its span.
    pub(super) fn token_from(&self, place: Place, n: usize) -> (&Token, Span) {
        let lexeme = self.lexeme(place.0 + n);
        (&lexeme.token, lexeme.span)
    }

    /// Consumes the first `>` of a `>>`, and leaves the second one as the next token.
    pub(super) fn accept_half_of_shift(&mut self) -> bool {
        let lexeme = &mut self.lexemes[self.at];
        let is_shift = matches!(lexeme.token, Token::ShiftRight);
        if is_shift {
            lexeme.token = Token::Gt;
            lexeme.span.start = (lexeme.span.start + 1).min(lexeme.span.end);
        }
        is_shift
    }

    /// Consumes `count` tokens.
    pub(super) fn skip(&mut self, count: usize) {
        self.at = (self.at + count).min(self.lexemes.len() - 1);
    }

    pub(super) fn peek(&self) -> &Token {
        self.peek_nth(0)
    }

    /// Returns the token `n` places ahead; behind the last token, the end marker repeats.
    pub(super) fn peek_nth(&self, n: usize) -> &Token {
        &self.lexeme(self.at + n).token
    }

    fn lexeme(&self, index: usize) -> &Lexeme {
        &self.lexemes[index.min(self.lexemes.len() - 1)]
    }

    pub(super) fn span(&self) -> Span {
        self.lexeme(self.at).span
    }

    /// Returns the span from `start` to the last consumed token.
    pub(super) fn since(&self, start: Span) -> Span {
        start.to(self.lexeme(self.at.saturating_sub(1)).span)
    }

    pub(super) fn advance(&mut self) {
        self.skip(1);
    }

    pub(super) fn is_end(&self) -> bool {
        matches!(self.peek(), Token::EOF)
    }

    /// Returns whether the token `n` ahead is this unquoted word, in any case.
    pub(super) fn word_at(&self, n: usize, word: &str) -> bool {
        matches!(self.peek_nth(n), Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.word_at(0, word)
    }

    pub(super) fn accept_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.advance();
        }
        found
    }

    /// Consumes all the words in this order, or none.
    pub(super) fn accept_words(&mut self, words: &[&str]) -> bool {
        let found = words.iter().enumerate().all(|(n, word)| self.word_at(n, word));
        if found {
            self.skip(words.len());
        }
        found
    }

    pub(super) fn expect_word(&mut self, word: &str) -> Parsed<()> {
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

    pub(super) fn accept(&mut self, token: &Token) -> bool {
        let found = self.peek() == token;
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn expect(&mut self, token: &Token) -> Parsed<()> {
        if self.accept(token) { Ok(()) } else { Err(self.unexpected(&format!("`{token}`"))) }
    }

    /// Returns the error "expected …, found …" at the next token.
    pub(super) fn unexpected(&self, expected: &str) -> Box<Diagnostic> {
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
    pub(super) fn ident(&mut self, what: &str) -> Parsed<Ident> {
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

    pub(super) fn object_name(&mut self, what: &str) -> Parsed<ObjectName> {
        let mut parts = vec![self.ident(what)?];
        while self.accept(&Token::Period) {
            parts.push(self.ident("a name")?);
        }
        Ok(ObjectName { parts })
    }

    pub(super) fn text(&mut self, what: &str) -> Parsed<Text> {
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
    pub(super) fn number(&mut self, what: &str) -> Parsed<u32> {
        let number = match self.peek() {
            Token::Number(digits, false) => digits.parse().ok(),
            _ => None,
        };
        let Some(number) = number else { return Err(self.unexpected(what)) };
        self.advance();
        Ok(number)
    }
}
