//! Parses expressions by precedence climbing, with Calcite's precedences.

use sqlparser::tokenizer::Token;
use types::{DataType, Value};

use super::ast::{Expr, ExprKind, Truth};
use super::lexer::{BANG_EQUAL, mark};
use super::{Parsed, Parser};
use crate::error::{Diagnostic, Span};
use crate::expr::Comparison;

/// Binding power of operators; a larger number binds tighter.
mod power {
    pub(super) const OR: u8 = 1;
    pub(super) const AND: u8 = 2;
    pub(super) const NOT: u8 = 3;
    pub(super) const IS: u8 = 4;
    pub(super) const COMPARE: u8 = 5;
    pub(super) const RANGE: u8 = 6;
    pub(super) const SUM: u8 = 7;
    pub(super) const PRODUCT: u8 = 8;
    pub(super) const SIGN: u8 = 9;
}

impl Parser {
    pub(super) fn expr(&mut self) -> Parsed<Expr> {
        self.climb(0)
    }

    /// Parses an expression onto the heap.
    pub(super) fn boxed_expr(&mut self) -> Parsed<Box<Expr>> {
        self.expr().map(Box::new)
    }

    /// Parses an expression without `IN` at its top level, for `POSITION(x IN y)`.
    pub(super) fn operand(&mut self) -> Parsed<Expr> {
        self.climb(power::RANGE)
    }

    /// Creates a node, unless its tree would be too deep.
    pub(super) fn node(&self, kind: ExprKind, span: Span) -> Parsed<Expr> {
        let below = kind.depth();
        self.node_over(kind, below, span)
    }

    /// Creates a node whose children have at most `below` levels.
    pub(super) fn node_over(&self, kind: ExprKind, below: u16, span: Span) -> Parsed<Expr> {
        let depth = self.level(below, span)?;
        Ok(Expr { kind, span, depth })
    }

    /// Parses an expression whose operators all bind tighter than `above`.
    fn climb(&mut self, above: u8) -> Parsed<Expr> {
        self.nested(|p| {
            let mut left = p.prefix()?;
            while let Some((operator, power)) = p.operator() {
                if power <= above {
                    break;
                }
                left = p.infix(left, operator, power)?;
            }
            Ok(left)
        })
    }

    /// Returns the next operator and its power, if an operator comes next.
    fn operator(&self) -> Option<(Operator, u8)> {
        Some(match self.tokens.peek() {
            Token::Eq => (Operator::Compare(Comparison::Equal), power::COMPARE),
            Token::Neq => (Operator::Compare(Comparison::NotEqual), power::COMPARE),
            token if *token == mark(BANG_EQUAL) => (Operator::Compare(Comparison::NotEqual), power::COMPARE),
            Token::Lt => (Operator::Compare(Comparison::Less), power::COMPARE),
            Token::LtEq => (Operator::Compare(Comparison::LessOrEqual), power::COMPARE),
            Token::Gt => (Operator::Compare(Comparison::Greater), power::COMPARE),
            Token::GtEq => (Operator::Compare(Comparison::GreaterOrEqual), power::COMPARE),
            Token::Plus => (Operator::Arithmetic("+"), power::SUM),
            Token::Minus => (Operator::Arithmetic("-"), power::SUM),
            Token::Mul => (Operator::Arithmetic("*"), power::PRODUCT),
            Token::Div => (Operator::Arithmetic("/"), power::PRODUCT),
            Token::Mod => (Operator::Arithmetic("%"), power::PRODUCT),
            Token::StringConcat => (Operator::Arithmetic("||"), power::PRODUCT),
            Token::Word(word) if word.quote_style.is_none() => match word.value.to_ascii_uppercase().as_str()
            {
                "AND" => (Operator::And, power::AND),
                "OR" => (Operator::Or, power::OR),
                "IS" => (Operator::Is, power::IS),
                "OVERLAPS" => (Operator::Overlaps, power::COMPARE),
                "IN" | "BETWEEN" | "LIKE" | "SIMILAR" => (Operator::Range, power::RANGE),
                "NOT" if ["IN", "BETWEEN", "LIKE", "SIMILAR"].iter().any(|w| self.tokens.word_at(1, w)) => {
                    (Operator::Range, power::RANGE)
                }
                _ => return None,
            },
            _ => return None,
        })
    }

    fn infix(&mut self, left: Expr, operator: Operator, power: u8) -> Parsed<Expr> {
        let start = left.span;
        if *self.tokens.peek() == mark(BANG_EQUAL) {
            self.refused_by_flink(self.tokens.span(), "`!=`", "write <>");
        }
        if !matches!(operator, Operator::Range) {
            self.tokens.advance();
        }

        // The arms return their results directly: locals for them would add stack for each level of nesting.
        match operator {
            Operator::And => self.climb(power).and_then(|right| self.chain(left, true, right)),
            Operator::Or => self.climb(power).and_then(|right| self.chain(left, false, right)),
            Operator::Compare(op) => self.comparison(Box::new(left), op, power),
            Operator::Arithmetic(name) => {
                self.climb(power).and_then(|right| self.operation(left, name, right))
            }
            Operator::Overlaps => self.climb(power).and_then(|right| self.overlaps(left, right)),
            Operator::Is => {
                self.is_test(Box::new(left)).and_then(|kind| self.node(kind, self.tokens.since(start)))
            }
            Operator::Range => {
                self.range(Box::new(left)).and_then(|kind| self.node(kind, self.tokens.since(start)))
            }
        }
    }

    /// Parses what follows a comparison operator.
    fn comparison(&mut self, input: Box<Expr>, op: Comparison, power: u8) -> Parsed<Expr> {
        let start = input.span;
        let kind = if let Some(all) = self.quantifier() {
            let query = self.query_in_parens()?;
            ExprKind::Quantified { op, all, input, query }
        } else {
            ExprKind::Compare(op, input, self.climb(power).map(Box::new)?)
        };
        self.node(kind, self.tokens.since(start))
    }

    /// Parses `ALL`, `ANY` or `SOME` before a query; returns whether it is `ALL`.
    fn quantifier(&mut self) -> Option<bool> {
        let is_all = self.tokens.is_word("ALL");
        let is_quantifier = is_all || self.tokens.is_word("ANY") || self.tokens.is_word("SOME");
        if !is_quantifier || !matches!(self.tokens.peek_nth(1), Token::LParen) {
            return None;
        }
        self.tokens.advance();
        Some(is_all)
    }

    /// Parses what follows `IS`.
    fn is_test(&mut self, input: Box<Expr>) -> Parsed<ExprKind> {
        let negated = self.tokens.accept_word("NOT");
        if self.tokens.accept_words(&["DISTINCT", "FROM"]) {
            let right = self.climb(power::IS).map(Box::new)?;
            return Ok(ExprKind::IsDistinct { left: input, right, negated });
        }
        let tests =
            [("NULL", Truth::Null), ("UNKNOWN", Truth::Null), ("TRUE", Truth::True), ("FALSE", Truth::False)];
        for (word, test) in tests {
            if self.tokens.accept_word(word) {
                return Ok(ExprKind::Is { input, test, negated });
            }
        }
        if self.tokens.is_word("JSON") {
            return self.is_json(*input, negated);
        }
        Err(self.tokens.unexpected("NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM"))
    }

    /// Parses `[NOT] IN`, `BETWEEN`, `LIKE` or `SIMILAR TO`.
    fn range(&mut self, input: Box<Expr>) -> Parsed<ExprKind> {
        let negated = self.tokens.accept_word("NOT");
        if self.tokens.accept_word("IN") {
            if self.opens_query() {
                return self.in_query(input, negated);
            }
            let list = self.list(Parser::expr)?;
            return Ok(ExprKind::In { input, list, negated });
        }

        if self.tokens.accept_word("BETWEEN") {
            let symmetric = self.tokens.accept_word("SYMMETRIC");
            if !symmetric {
                self.tokens.accept_word("ASYMMETRIC");
            }
            let low = self.climb(power::RANGE).map(Box::new)?;
            self.tokens.expect_word("AND")?;
            let high = self.climb(power::RANGE).map(Box::new)?;
            return Ok(ExprKind::Between { input, low, high, negated, symmetric });
        }

        let function = if self.tokens.accept_word("LIKE") {
            "LIKE"
        } else {
            self.tokens.expect_word("SIMILAR")?;
            self.tokens.expect_word("TO")?;
            "SIMILAR TO"
        };

        let mut args = vec![*input, self.climb(power::RANGE)?];
        if self.tokens.accept_word("ESCAPE") {
            args.push(self.climb(power::RANGE)?);
        }
        Ok(ExprKind::Matches { function, args, negated })
    }

    /// Parses `(query)` behind `IN`. Text that begins like a query may also be a list: `((SELECT …), 1)`.
    fn in_query(&mut self, input: Box<Expr>, negated: bool) -> Parsed<ExprKind> {
        let first = self.primary()?;
        match first.kind {
            ExprKind::Subquery(query) => Ok(ExprKind::InQuery { input, query, negated }),
            ExprKind::Row(list) => Ok(ExprKind::In { input, list, negated }),
            _ => Ok(ExprKind::In { input, list: vec![first], negated }),
        }
    }

    fn prefix(&mut self) -> Parsed<Expr> {
        let start = self.tokens.span();
        if self.tokens.accept_word("NOT") {
            let input = Box::new(self.climb(power::NOT - 1)?);
            return self.node(ExprKind::Not(input), self.tokens.since(start));
        }
        if self.tokens.accept(&Token::Plus) {
            return self.climb(power::SIGN);
        }
        if self.tokens.accept(&Token::Minus) {
            return self.negative(start);
        }
        let primary = self.primary()?;
        match self.tokens.peek() {
            Token::LBracket | Token::Period | Token::DoubleColon => self.postfix(primary),
            _ => Ok(primary),
        }
    }

    /// Parses what follows a minus sign, which belongs to a directly following number literal.
    fn negative(&mut self, start: Span) -> Parsed<Expr> {
        if let Token::Number(digits, false) = self.tokens.peek() {
            let digits = digits.clone();
            self.tokens.advance();
            return self.number_literal(&digits, true, start);
        }
        let input = self.climb(power::SIGN)?;
        let span = self.tokens.since(start);
        if let ExprKind::Literal { value: Value::Int(v), data_type } = &input.kind
            && matches!(data_type, DataType::IntervalDayTime | DataType::IntervalYearMonth)
        {
            return self.literal(Value::Int(-v), data_type.clone(), span);
        }
        self.node(ExprKind::Negate(Box::new(input)), span)
    }

    /// Parses any number of `[index]` and `.field`.
    fn postfix(&mut self, mut input: Expr) -> Parsed<Expr> {
        loop {
            let start = input.span;
            if self.tokens.accept(&Token::LBracket) {
                let index = self.expr()?;
                self.tokens.expect(&Token::RBracket)?;
                if let ExprKind::Literal { value: Value::Text(key), .. } = &index.kind {
                    self.subscripts.insert(key.clone());
                }
                input =
                    self.node(ExprKind::Index(Box::new(input), Box::new(index)), self.tokens.since(start))?;
            } else if self.tokens.accept(&Token::Period) {
                let field = self.tokens.ident("a field's name")?;
                input = self.node(ExprKind::Field(Box::new(input), field), self.tokens.since(start))?;
            } else {
                break;
            }
        }

        if matches!(self.tokens.peek(), Token::DoubleColon) {
            let error = Diagnostic::error(self.tokens.span(), "`::` is not Flink SQL");
            return Err(Box::new(error.with_hint("write CAST(… AS type)")));
        }

        Ok(input)
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let start = self.tokens.span();
        match self.tokens.peek().clone() {
            Token::Number(digits, false) => {
                self.tokens.advance();
                self.number_literal(&digits, false, start)
            }
            Token::SingleQuotedString(text) => {
                self.tokens.advance();
                let data_type = DataType::Char(u32::try_from(text.chars().count()).unwrap_or(u32::MAX));
                self.literal(Value::Text(text), data_type, start)
            }
            Token::HexStringLiteral(hex) => {
                self.tokens.advance();
                self.hex_literal(&hex, start)
            }
            Token::LParen => self.in_expression_parens(start),
            Token::Word(word)
                if word.value.eq_ignore_ascii_case("U")
                    && matches!(self.tokens.peek_nth(1), Token::Ampersand) =>
            {
                let error = Diagnostic::error(start, "U&'…' texts are not supported");
                Err(Box::new(error.with_hint("write the characters themselves: scripts are UTF-8")))
            }
            Token::Word(word) => self.special(&word, start).and_then(|found| match found {
                Some(expr) => Ok(expr),
                None => self.name(start),
            }),
            _ => Err(self.tokens.unexpected("an expression")),
        }
    }

    /// Parses a name such as `a.b.c`.
    fn name(&mut self, start: Span) -> Parsed<Expr> {
        let name = self.tokens.object_name("an expression")?;
        if matches!(self.tokens.peek(), Token::LParen) {
            let error = Diagnostic::error(
                self.tokens.since(start),
                "functions of a catalog or database are not supported",
            );
            return Err(Box::new(error.with_hint("write the function's name alone")));
        }
        self.node(ExprKind::Name(name.parts), self.tokens.since(start))
    }

    /// Parses `(expr)`, `(a, b)` or `(query)`.
    fn in_expression_parens(&mut self, start: Span) -> Parsed<Expr> {
        if self.begins_query_at(1) {
            return self.subquery(start);
        }
        self.tokens.advance();
        let first = self.expr()?;
        if self.tokens.accept(&Token::RParen) {
            return Ok(first);
        }
        self.rest_of_parens(first, start)
    }

    fn subquery(&mut self, start: Span) -> Parsed<Expr> {
        let query = self.query_in_parens()?;
        self.node(ExprKind::Subquery(query), self.tokens.since(start))
    }

    /// Parses the rest of a parenthesis: `UNION …)` behind a subquery, or `, b)` behind the first value of a
    /// row.
    fn rest_of_parens(&mut self, first: Expr, start: Span) -> Parsed<Expr> {
        let kind = match first.kind {
            // `((SELECT …) UNION …)` begins like `((SELECT …) + 1)`.
            ExprKind::Subquery(query) if self.continues_query() => {
                let query = self.continued(query, start)?;
                self.tokens.expect(&Token::RParen)?;
                ExprKind::Subquery(query)
            }
            kind if matches!(self.tokens.peek(), Token::Comma) => {
                let mut items = vec![Expr { kind, ..first }];
                while self.tokens.accept(&Token::Comma) {
                    items.push(self.expr()?);
                }
                if !self.tokens.accept(&Token::RParen) {
                    return Err(self.tokens.unexpected("`,` or `)`"));
                }
                ExprKind::Row(items)
            }
            _ => return Err(self.tokens.unexpected("`)`")),
        };

        self.node(kind, self.tokens.since(start))
    }
}

#[derive(Debug, Clone, Copy)]
enum Operator {
    And,
    Or,
    Is,
    /// `[NOT] IN`, `BETWEEN`, `LIKE`, `SIMILAR TO`.
    Range,
    Compare(Comparison),
    Arithmetic(&'static str),
    Overlaps,
}
