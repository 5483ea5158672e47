//! Parses `MATCH_RECOGNIZE (PARTITION BY … ORDER BY … MEASURES … PATTERN (…) DEFINE …)`.
//!
//! A pattern is a regular expression over variables: `A (B | C)+? D{2,3}`. Alternatives bind loosest, then
//! sequences, then quantifiers. sqlparser's lexer returns `?` as a placeholder, and `{-` and `-}` as two
//! tokens each.

use sqlparser::tokenizer::Token;

use super::ast::{AstAfterMatch, Expr, From, Ident, MatchRecognize, Pattern, PatternKind};
use super::{Parsed, Parser};
use crate::error::{Diagnostic, Span};

impl Parser {
    /// Parses the clause behind the table `input`; the keyword is the next token.
    pub(super) fn match_recognize(&mut self, input: Box<From>) -> Parsed<Box<MatchRecognize>> {
        let start = self.tokens.span();
        self.tokens.advance();
        self.tokens.expect(&Token::LParen)?;

        let partition_by = self.partition_by()?;
        let order_by = self.order_by()?;
        let measures = self.measures()?;
        let all_rows = self.rows_per_match()?;
        let after_match = self.after_match()?;

        self.tokens.expect_word("PATTERN")?;
        self.tokens.expect(&Token::LParen)?;
        let pattern = self.pattern_alternatives()?;
        if !self.tokens.accept(&Token::RParen) {
            return Err(self.tokens.unexpected("a pattern variable, a quantifier or `)`"));
        }

        let within = if self.tokens.accept_word("WITHIN") { Some(self.expr()?) } else { None };
        let subsets = self.subsets()?;
        let define = self.define()?;
        if !self.tokens.accept(&Token::RParen) {
            return Err(self.tokens.unexpected("`,` or `)`"));
        }

        Ok(Box::new(MatchRecognize {
            input: *input,
            partition_by,
            order_by,
            measures,
            all_rows,
            after_match,
            pattern,
            within,
            subsets,
            define,
            span: self.tokens.since(start),
        }))
    }

    /// Parses an optional `MEASURES expr AS name, …`.
    fn measures(&mut self) -> Parsed<Vec<(Expr, Ident)>> {
        let start = self.tokens.span();
        let mut measures = vec![];
        if !self.tokens.accept_word("MEASURES") {
            return Ok(measures);
        }

        loop {
            let starts_call = matches!(self.tokens.peek_nth(1), Token::Word(_))
                && matches!(self.tokens.peek_nth(2), Token::LParen);
            if starts_call && self.tokens.is_word("RUNNING") {
                let error = Diagnostic::error(self.tokens.span(), "RUNNING is not supported");
                return Err(Box::new(error.with_hint("a measure is computed at the end of the match")));
            }
            if starts_call {
                // FINAL is the default.
                self.tokens.accept_word("FINAL");
            }

            let measure = self.expr()?;
            self.tokens.expect_word("AS")?;
            measures.push((measure, self.new_ident("the measure's name")?));
            self.bounded(measures.len(), "measures", start)?;
            if !self.tokens.accept(&Token::Comma) {
                return Ok(measures);
            }
        }
    }

    /// Parses `ONE ROW PER MATCH`, or `ALL ROWS PER MATCH`, whose span is returned.
    fn rows_per_match(&mut self) -> Parsed<Option<Span>> {
        let start = self.tokens.span();
        if self.tokens.accept_word("ONE") {
            self.tokens.expect_word("ROW")?;
            self.tokens.expect_word("PER")?;
            self.tokens.expect_word("MATCH")?;
            return Ok(None);
        }
        if self.tokens.accept_word("ALL") {
            self.tokens.expect_word("ROWS")?;
            self.tokens.expect_word("PER")?;
            self.tokens.expect_word("MATCH")?;
            return Ok(Some(self.tokens.since(start)));
        }
        Ok(None)
    }

    /// Parses an optional `AFTER MATCH SKIP …`.
    fn after_match(&mut self) -> Parsed<Option<AstAfterMatch>> {
        if !self.tokens.accept_word("AFTER") {
            return Ok(None);
        }
        self.tokens.expect_word("MATCH")?;
        self.tokens.expect_word("SKIP")?;

        let skip = if self.tokens.accept_words(&["PAST", "LAST", "ROW"]) {
            AstAfterMatch::PastLastRow
        } else if self.tokens.accept_words(&["TO", "NEXT", "ROW"]) {
            AstAfterMatch::ToNextRow
        } else if self.tokens.accept_words(&["TO", "FIRST"]) {
            AstAfterMatch::ToFirst(self.pattern_variable()?)
        } else if self.tokens.accept_words(&["TO", "LAST"]) || self.tokens.accept_word("TO") {
            AstAfterMatch::ToLast(self.pattern_variable()?)
        } else {
            return Err(self.tokens.unexpected("`PAST LAST ROW`, `TO NEXT ROW`, `TO FIRST` or `TO LAST`"));
        };
        Ok(Some(skip))
    }

    /// Parses an optional `SUBSET u = (a, b), …`.
    fn subsets(&mut self) -> Parsed<Vec<(Ident, Vec<Ident>)>> {
        let mut subsets = vec![];
        if !self.tokens.accept_word("SUBSET") {
            return Ok(subsets);
        }
        loop {
            let name = self.new_ident("the subset's name")?;
            self.tokens.expect(&Token::Eq)?;
            subsets.push((name, self.list(Parser::pattern_variable)?));
            if !self.tokens.accept(&Token::Comma) {
                return Ok(subsets);
            }
        }
    }

    /// Parses `DEFINE a AS condition, …`.
    fn define(&mut self) -> Parsed<Vec<(Ident, Expr)>> {
        let start = self.tokens.span();
        self.tokens.expect_word("DEFINE")?;
        let mut definitions = vec![];
        loop {
            let variable = self.pattern_variable()?;
            self.tokens.expect_word("AS")?;
            definitions.push((variable, self.expr()?));
            self.bounded(definitions.len(), "definitions", start)?;
            if !self.tokens.accept(&Token::Comma) {
                return Ok(definitions);
            }
        }
    }

    fn pattern_variable(&mut self) -> Parsed<Ident> {
        self.tokens.ident("a pattern variable")
    }

    /// Parses `a b | c`.
    fn pattern_alternatives(&mut self) -> Parsed<Pattern> {
        self.nested(|p| {
            let start = p.tokens.span();
            let first = p.pattern_sequence()?;
            if !matches!(p.tokens.peek(), Token::Pipe) {
                return Ok(first);
            }
            let mut alternatives = vec![first];
            while p.tokens.accept(&Token::Pipe) {
                alternatives.push(p.pattern_sequence()?);
                p.bounded(alternatives.len(), "alternatives", start)?;
            }
            Ok(Pattern { kind: PatternKind::Alternation(alternatives), span: p.tokens.since(start) })
        })
    }

    /// Parses `a b c`.
    fn pattern_sequence(&mut self) -> Parsed<Pattern> {
        let start = self.tokens.span();
        let first = self.pattern_factor()?;
        let mut factors = vec![first];
        while matches!(self.tokens.peek(), Token::Word(_) | Token::LParen | Token::LBrace) {
            factors.push(self.pattern_factor()?);
            self.bounded(factors.len(), "parts of a pattern", start)?;
        }
        match factors.len() {
            1 => Ok(factors.remove(0)),
            _ => Ok(Pattern { kind: PatternKind::Concat(factors), span: self.tokens.since(start) }),
        }
    }

    /// Parses `a`, `(…)`, `{- … -}` or `PERMUTE(…)`, with its quantifier.
    fn pattern_factor(&mut self) -> Parsed<Pattern> {
        let start = self.tokens.span();
        let kind = if self.tokens.accept(&Token::LParen) {
            let inner = self.pattern_alternatives()?;
            self.tokens.expect(&Token::RParen)?;
            PatternKind::Group(Box::new(inner))
        } else if self.tokens.accept(&Token::LBrace) {
            self.tokens.expect(&Token::Minus)?;
            let inner = self.pattern_alternatives()?;
            self.tokens.expect(&Token::Minus)?;
            self.tokens.expect(&Token::RBrace)?;
            PatternKind::Exclusion(Box::new(inner))
        } else if self.tokens.is_word("PERMUTE") && matches!(self.tokens.peek_nth(1), Token::LParen) {
            self.tokens.advance();
            PatternKind::Permute(self.list(Parser::pattern_alternatives)?)
        } else {
            PatternKind::Variable(self.pattern_variable()?)
        };

        let factor = Pattern { kind, span: self.tokens.since(start) };
        self.quantified(factor, start)
    }

    /// Adds the quantifier that follows a part of a pattern, if there is one.
    fn quantified(&mut self, inner: Pattern, start: Span) -> Parsed<Pattern> {
        let is_range =
            matches!(self.tokens.peek(), Token::LBrace) && !matches!(self.tokens.peek_nth(1), Token::Minus);
        let (min, max, has_min) = if self.tokens.accept(&Token::Mul) {
            (0, None, true)
        } else if self.tokens.accept(&Token::Plus) {
            (1, None, true)
        } else if self.accept_question() {
            (0, Some(1), true)
        } else if is_range {
            self.repetitions()?
        } else {
            return Ok(inner);
        };

        let reluctant = self.accept_question();
        let kind = PatternKind::Quantified { inner: Box::new(inner), min, max, has_min, reluctant };
        Ok(Pattern { kind, span: self.tokens.since(start) })
    }

    fn accept_question(&mut self) -> bool {
        self.tokens.accept(&Token::Placeholder("?".to_owned())) || self.tokens.accept(&Token::Question)
    }

    /// Parses `{n}`, `{n,}`, `{n,m}` or `{,m}`.
    fn repetitions(&mut self) -> Parsed<(u32, Option<u32>, bool)> {
        let start = self.tokens.span();
        self.tokens.expect(&Token::LBrace)?;
        let has_min = !matches!(self.tokens.peek(), Token::Comma);
        let min = if has_min { self.tokens.number("a number of repetitions")? } else { 0 };
        let max = if !self.tokens.accept(&Token::Comma) {
            Some(min)
        } else if has_min && matches!(self.tokens.peek(), Token::RBrace) {
            None
        } else {
            Some(self.tokens.number("a number of repetitions")?)
        };
        if !self.tokens.accept(&Token::RBrace) {
            return Err(self.tokens.unexpected("`,` or `}`"));
        }

        if max.is_some_and(|max| max < min) {
            let error = Diagnostic::error(
                self.tokens.since(start),
                "the lower bound of the repetitions exceeds the upper bound",
            );
            return Err(Box::new(error.with_hint("write {2,5}")));
        }
        Ok((min, max, has_min))
    }
}
