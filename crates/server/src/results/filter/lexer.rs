//! The tokens of a filter.

use std::fmt;

use super::FilterError;

/// Maximum length of a filter in bytes.
const BYTES_MAX: usize = 8 << 10;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Word(String),
    /// A name in backquotes or double quotes.
    Quoted(String),
    Text(String),
    Number(String),
    Operator(&'static str),
}

/// Longer operators come first.
const OPERATORS: [&str; 10] = ["<=", ">=", "<>", "!=", "=", "<", ">", "(", ")", ","];

impl Token {
    /// Returns whether it is this word, which is given in lower case.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Token::Word(found) if found.eq_ignore_ascii_case(word))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Word(text) | Token::Number(text) => f.write_str(text),
            Token::Quoted(text) => write!(f, "`{text}`"),
            Token::Text(text) => write!(f, "'{text}'"),
            Token::Operator(text) => f.write_str(text),
        }
    }
}

pub(super) struct Lexer<'a> {
    text: &'a str,
    /// Where the rest begins, in bytes.
    at: usize,
    /// Where the newest token begins.
    start: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Lexer<'a> {
        Lexer { text, at: 0, start: 0 }
    }

    /// Returns an error at the newest token.
    pub(super) fn error(&self, message: impl Into<String>) -> FilterError {
        FilterError { place: self.text[..self.start].chars().count() + 1, message: message.into() }
    }

    /// Returns the next token without taking it.
    pub(super) fn peek(&mut self) -> Result<Option<Token>, FilterError> {
        let (at, start) = (self.at, self.start);
        let token = self.next()?;
        (self.at, self.start) = (at, start);
        Ok(token)
    }

    /// Takes the next token if it is this word.
    pub(super) fn take(&mut self, word: &str) -> Result<bool, FilterError> {
        let is_there = self.peek()?.is_some_and(|token| token.is(word));
        if is_there {
            self.next()?;
        }
        Ok(is_there)
    }

    pub(super) fn expect_word(&mut self, word: &str) -> Result<(), FilterError> {
        match self.next()? {
            Some(token) if token.is(word) => Ok(()),
            other => Err(self.unexpected(&word.to_uppercase(), other)),
        }
    }

    pub(super) fn expect(&mut self, operator: &str) -> Result<(), FilterError> {
        match self.next()? {
            Some(Token::Operator(found)) if found == operator => Ok(()),
            other => Err(self.unexpected(operator, other)),
        }
    }

    fn unexpected(&self, expected: &str, found: Option<Token>) -> FilterError {
        match found {
            Some(found) => self.error(format!("expected {expected}, not {found}")),
            None => self.error(format!("expected {expected}")),
        }
    }

    /// Takes the next token; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Token>, FilterError> {
        if self.text.len() > BYTES_MAX {
            return Err(self.error(format!("the filter is longer than {BYTES_MAX} bytes")));
        }
        let rest = self.text[self.at..].trim_start();
        self.start = self.text.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            self.at = self.text.len();
            return Ok(None);
        };

        let (token, length) = match first {
            '\'' => quoted(rest, '\'').map(|(text, length)| (Token::Text(text), length)),
            '`' | '"' => quoted(rest, first).map(|(name, length)| (Token::Quoted(name), length)),
            '0'..='9' | '-' | '+' | '.' => {
                let is_number = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
                let number = &rest[..rest.find(|c| !is_number(c)).unwrap_or(rest.len())];
                Some((Token::Number(number.trim_start_matches('+').to_owned()), number.len()))
            }
            c if c.is_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$');
                let word = &rest[..end.unwrap_or(rest.len())];
                Some((Token::Word(word.to_owned()), word.len()))
            }
            other => match OPERATORS.iter().find(|operator| rest.starts_with(**operator)) {
                Some(operator) => Some((Token::Operator(operator), operator.len())),
                None => return Err(self.error(format!("`{other}` is not expected here"))),
            },
        }
        .ok_or_else(|| self.error(format!("the {first} is not closed")))?;
        self.at = self.start + length;
        Ok(Some(token))
    }
}

/// Returns a quoted text, in which the quote is doubled, and its length with the quotes.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut found = String::new();
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter != quote {
            found.push(letter);
        } else if letters.next_if(|(_, next)| *next == quote).is_some() {
            found.push(quote);
        } else {
            return Some((found, at + quote.len_utf8()));
        }
    }
    None
}
