//! Parses hints, `/*+ OPTIONS('key' = 'value'), STATE_TTL('t' = '1d') */`, behind a table's name or SELECT.

use sqlparser::tokenizer::Token;

use super::ast::{Hint, Ident, Text};
use super::lexer::{HINT_CLOSES, HINT_OPENS, mark};
use super::{Parsed, Parser};
use crate::error::Diagnostic;

impl Parser {
    /// Parses any number of hints.
    pub(super) fn hints(&mut self) -> Parsed<Vec<Hint>> {
        let mut hints = vec![];
        while self.tokens.accept(&mark(HINT_OPENS)) {
            while !self.tokens.accept(&mark(HINT_CLOSES)) {
                hints.push(self.hint()?);
                self.tokens.accept(&Token::Comma);
            }
        }
        Ok(hints)
    }

    /// Parses `NAME` or `NAME(…)`.
    fn hint(&mut self) -> Parsed<Hint> {
        let span = self.tokens.span();
        let Token::Word(word) = self.tokens.peek() else {
            return Err(self.tokens.unexpected("a hint's name"));
        };
        let name = word.value.to_ascii_uppercase();
        self.tokens.advance();
        if name != "OPTIONS" {
            let mut hint = Hint { name, options: vec![], names: vec![], span };
            self.hint_arguments(&mut hint)?;
            return Ok(hint);
        }
        if !matches!(self.tokens.peek(), Token::LParen) || matches!(self.tokens.peek_nth(1), Token::RParen) {
            let error = Diagnostic::error(self.tokens.since(span), "OPTIONS takes keys and values");
            return Err(Box::new(
                error.with_hint("write it like /*+ OPTIONS('scan.startup.mode' = 'earliest-offset') */"),
            ));
        }
        let options = self.list(Parser::hint_option)?;
        Ok(Hint { name, options, names: vec![], span: self.tokens.since(span) })
    }

    /// Parses `'key' = 'value'`; a key of one word needs no quotes.
    fn hint_option(&mut self) -> Parsed<(Text, Text)> {
        let key = match self.tokens.peek() {
            Token::Word(_) => {
                let key = self.tokens.ident("an option's key in single quotes")?;
                Text { value: key.value, span: key.span }
            }
            _ => self.tokens.text("an option's key in single quotes")?,
        };
        self.tokens.expect(&Token::Eq)?;
        Ok((key, self.tokens.text("the option's value in single quotes")?))
    }

    /// Parses the `(…)` of hints other than OPTIONS: pairs of keys and values, names, texts and numbers.
    fn hint_arguments(&mut self, hint: &mut Hint) -> Parsed<()> {
        if !self.tokens.accept(&Token::LParen) || self.tokens.accept(&Token::RParen) {
            return Ok(());
        }
        loop {
            self.hint_argument(hint)?;
            if self.tokens.accept(&Token::RParen) {
                return Ok(());
            }
            if !self.tokens.accept(&Token::Comma) {
                return Err(self.tokens.unexpected("`,` or `)`"));
            }
        }
    }

    fn hint_argument(&mut self, hint: &mut Hint) -> Parsed<()> {
        let span = self.tokens.span();
        let is_pair = matches!(self.tokens.peek_nth(1), Token::Eq);
        let value = match self.tokens.peek() {
            Token::SingleQuotedString(_) | Token::Word(_) if is_pair => {
                hint.options.push(self.hint_option()?);
                return Ok(());
            }
            Token::SingleQuotedString(text) => text.clone(),
            Token::Number(digits, false) => digits.clone(),
            Token::Word(_) => {
                let name = self.tokens.object_name("a name")?;
                let parts: Vec<&str> = name.parts.iter().map(|part| part.value.as_str()).collect();
                let value = parts.join(".");
                hint.names.push(Ident { value, span: name.span() });
                return Ok(());
            }
            _ => return Err(self.tokens.unexpected("a name, or a key and a value")),
        };

        self.tokens.advance();
        hint.names.push(Ident { value, span });
        Ok(())
    }
}
