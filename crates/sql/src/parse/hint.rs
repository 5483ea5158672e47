//! Hints: `/*+ OPTIONS('key' = 'value'), STATE_TTL('t' = '1d') */` behind a table's name or behind SELECT.

use sqlparser::tokenizer::Token;

use super::ast::{Hint, Text};
use super::lexer::{HINT_CLOSES, HINT_OPENS, mark};
use super::{Parsed, Parser};
use crate::error::Diagnostic;

impl Parser {
    /// The hints that come next, if any do.
    pub(super) fn hints(&mut self) -> Parsed<Vec<Hint>> {
        let mut hints = vec![];
        while self.accept(&mark(HINT_OPENS)) {
            while !self.accept(&mark(HINT_CLOSES)) {
                hints.push(self.hint()?);
                self.accept(&Token::Comma);
            }
        }
        Ok(hints)
    }

    /// `NAME` or `NAME(…)`.
    fn hint(&mut self) -> Parsed<Hint> {
        let span = self.span();
        let Token::Word(word) = self.peek() else { return Err(self.unexpected("a hint's name")) };
        let name = word.value.to_ascii_uppercase();
        self.advance();
        if name != "OPTIONS" {
            self.skip_arguments()?;
            return Ok(Hint { name, options: vec![], span });
        }
        if !matches!(self.peek(), Token::LParen) || matches!(self.peek_nth(1), Token::RParen) {
            let error = Diagnostic::error(self.since(span), "OPTIONS takes keys and values");
            return Err(Box::new(
                error.with_hint("write it like /*+ OPTIONS('scan.startup.mode' = 'earliest-offset') */"),
            ));
        }
        let options = self.list(Parser::hint_option)?;
        Ok(Hint { name, options, span: self.since(span) })
    }

    /// `'key' = 'value'`; a key of one word may stand without quotes.
    fn hint_option(&mut self) -> Parsed<(Text, Text)> {
        let key = match self.peek() {
            Token::Word(_) => {
                let key = self.ident("an option's key in single quotes")?;
                Text { value: key.value, span: key.span }
            }
            _ => self.text("an option's key in single quotes")?,
        };
        self.expect(&Token::Eq)?;
        Ok((key, self.text("the option's value in single quotes")?))
    }

    /// `(…)` of a hint whose arguments mean nothing here.
    fn skip_arguments(&mut self) -> Parsed<()> {
        if !self.accept(&Token::LParen) {
            return Ok(());
        }
        while !self.accept(&Token::RParen) {
            if self.is_end() || *self.peek() == mark(HINT_CLOSES) {
                return Err(self.unexpected("`)`"));
            }
            self.advance();
        }
        Ok(())
    }
}
