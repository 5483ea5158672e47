//! Expressions, by precedence climbing with Calcite's precedences.

use sqlparser::tokenizer::Token;
use types::{DataType, Value};

use super::ast::{Expr, ExprKind, Truth};
use super::lexer::{BANG_EQUAL, mark};
use super::{MAX_DEPTH, Parsed, Parser};
use crate::error::{Diagnostic, Span};
use crate::expr::Comparison;

/// How tightly an operator binds.
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

    /// An expression without `IN` at its top, for `POSITION(x IN y)`.
    pub(super) fn operand(&mut self) -> Parsed<Expr> {
        self.climb(power::RANGE)
    }

    /// A node, unless the tree below it is too deep.
    pub(super) fn node(&self, kind: ExprKind, span: Span) -> Parsed<Expr> {
        let below = kind.children().iter().map(|child| child.depth).max().unwrap_or(0);
        self.node_over(kind, below, span)
    }

    /// A node whose parts have at most `below` levels.
    fn node_over(&self, kind: ExprKind, below: u16, span: Span) -> Parsed<Expr> {
        let depth = below + 1;
        if depth > MAX_DEPTH {
            return Err(self.too_deep(span));
        }
        Ok(Expr { kind, span, depth })
    }

    /// An expression whose operators all bind tighter than `above`.
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

    /// The operator that comes next, if one does.
    fn operator(&self) -> Option<(Operator, u8)> {
        Some(match self.peek() {
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
                "IN" | "BETWEEN" | "LIKE" | "SIMILAR" => (Operator::Range, power::RANGE),
                "NOT" if ["IN", "BETWEEN", "LIKE", "SIMILAR"].iter().any(|w| self.word_at(1, w)) => {
                    (Operator::Range, power::RANGE)
                }
                _ => return None,
            },
            _ => return None,
        })
    }

    fn infix(&mut self, left: Expr, operator: Operator, power: u8) -> Parsed<Expr> {
        let start = left.span;
        if *self.peek() == mark(BANG_EQUAL) {
            self.refused_by_flink(self.span(), "`!=`", "write <>");
        }
        if !matches!(operator, Operator::Range) {
            self.advance();
        }

        let kind = match operator {
            Operator::And | Operator::Or => {
                let right = self.climb(power)?;
                return self.chain(left, matches!(operator, Operator::And), right);
            }
            Operator::Compare(comparison) => {
                ExprKind::Compare(comparison, Box::new(left), Box::new(self.climb(power)?))
            }
            Operator::Arithmetic(name) => {
                ExprKind::Arithmetic(name, Box::new(left), Box::new(self.climb(power)?))
            }
            Operator::Is => self.is_test(left)?,
            Operator::Range => self.range(left)?,
        };

        self.node(kind, self.since(start))
    }

    /// `left AND right`, or OR: one flat list, so that a long chain of conditions is not a deep tree.
    fn chain(&self, left: Expr, is_and: bool, right: Expr) -> Parsed<Expr> {
        let start = left.span;
        // The levels of a list that goes on are known: to look at its items for each new one would be quadratic.
        let (mut items, below) = match left.kind {
            ExprKind::All(items) if is_and => (items, left.depth - 1),
            ExprKind::Any(items) if !is_and => (items, left.depth - 1),
            _ => {
                let depth = left.depth;
                (vec![left], depth)
            }
        };
        let below = below.max(right.depth);
        items.push(right);
        self.bounded(items.len(), "conditions", start)?;

        let kind = if is_and { ExprKind::All(items) } else { ExprKind::Any(items) };
        self.node_over(kind, below, self.since(start))
    }

    /// Behind `IS`.
    fn is_test(&mut self, input: Expr) -> Parsed<ExprKind> {
        let input = Box::new(input);
        let negated = self.accept_word("NOT");
        if self.accept_words(&["DISTINCT", "FROM"]) {
            let right = Box::new(self.climb(power::IS)?);
            return Ok(ExprKind::IsDistinct { left: input, right, negated });
        }
        let tests =
            [("NULL", Truth::Null), ("UNKNOWN", Truth::Null), ("TRUE", Truth::True), ("FALSE", Truth::False)];
        for (word, test) in tests {
            if self.accept_word(word) {
                return Ok(ExprKind::Is { input, test, negated });
            }
        }
        if self.is_word("JSON") {
            let error = Diagnostic::error(self.span(), "IS JSON is not supported");
            return Err(Box::new(error.with_hint("JSON_VALUE of text that is not JSON is null")));
        }
        Err(self.unexpected("NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM"))
    }

    /// `[NOT] IN`, `BETWEEN`, `LIKE`, `SIMILAR TO`.
    fn range(&mut self, input: Expr) -> Parsed<ExprKind> {
        let negated = self.accept_word("NOT");
        if self.accept_word("IN") {
            if self.word_at(1, "SELECT") {
                return Err(self.no_subquery(self.span()));
            }
            let list = self.list(Parser::expr)?;
            return Ok(ExprKind::In { input: Box::new(input), list, negated });
        }

        if self.accept_word("BETWEEN") {
            let symmetric = self.accept_word("SYMMETRIC");
            if !symmetric {
                self.accept_word("ASYMMETRIC");
            }
            let low = Box::new(self.climb(power::RANGE)?);
            self.expect_word("AND")?;
            let high = Box::new(self.climb(power::RANGE)?);
            return Ok(ExprKind::Between { input: Box::new(input), low, high, negated, symmetric });
        }

        let function = if self.accept_word("LIKE") {
            "LIKE"
        } else {
            self.expect_word("SIMILAR")?;
            self.expect_word("TO")?;
            "SIMILAR TO"
        };

        let mut args = vec![input, self.climb(power::RANGE)?];
        if self.accept_word("ESCAPE") {
            args.push(self.climb(power::RANGE)?);
        }
        Ok(ExprKind::Matches { function, args, negated })
    }

    fn prefix(&mut self) -> Parsed<Expr> {
        let start = self.span();
        if self.accept_word("NOT") {
            let input = Box::new(self.climb(power::NOT - 1)?);
            return self.node(ExprKind::Not(input), self.since(start));
        }
        if self.accept(&Token::Plus) {
            return self.climb(power::SIGN);
        }
        if self.accept(&Token::Minus) {
            return self.negative(start);
        }
        let primary = self.primary()?;
        self.postfix(primary)
    }

    /// Behind a minus sign: one with a number is part of the literal.
    fn negative(&mut self, start: Span) -> Parsed<Expr> {
        if let Token::Number(digits, false) = self.peek() {
            let digits = digits.clone();
            self.advance();
            return self.number_literal(&digits, true, start);
        }
        let input = self.climb(power::SIGN)?;
        let span = self.since(start);
        if let ExprKind::Literal { value: Value::Int(v), data_type } = &input.kind
            && matches!(data_type, DataType::IntervalDayTime | DataType::IntervalYearMonth)
        {
            return self.literal(Value::Int(-v), data_type.clone(), span);
        }
        self.node(ExprKind::Negate(Box::new(input)), span)
    }

    fn postfix(&mut self, mut input: Expr) -> Parsed<Expr> {
        while self.accept(&Token::LBracket) {
            let start = input.span;
            let index = self.expr()?;
            self.expect(&Token::RBracket)?;
            if let ExprKind::Literal { value: Value::Text(key), .. } = &index.kind {
                self.subscripts.insert(key.clone());
            }
            input = self.node(ExprKind::Index(Box::new(input), Box::new(index)), self.since(start))?;
        }
        if matches!(self.peek(), Token::DoubleColon) {
            let error = Diagnostic::error(self.span(), "`::` is not Flink SQL");
            return Err(Box::new(error.with_hint("write CAST(… AS type)")));
        }
        Ok(input)
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let start = self.span();
        match self.peek().clone() {
            Token::Number(digits, false) => {
                self.advance();
                self.number_literal(&digits, false, start)
            }
            Token::SingleQuotedString(text) => {
                self.advance();
                let data_type = DataType::Char(u32::try_from(text.chars().count()).unwrap_or(u32::MAX));
                self.literal(Value::Text(text), data_type, start)
            }
            Token::HexStringLiteral(hex) => {
                self.advance();
                let bytes = (0..hex.len())
                    .step_by(2)
                    .map(|at| hex.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()));
                match bytes.collect::<Option<Vec<u8>>>() {
                    Some(bytes) => {
                        let data_type = DataType::Binary(bytes.len() as u32);
                        self.literal(Value::Bytes(bytes), data_type, start)
                    }
                    None => Err(Box::new(Diagnostic::error(start, "this is not a row of hexadecimal bytes"))),
                }
            }
            Token::LParen => {
                if self.word_at(1, "SELECT") || self.word_at(1, "WITH") {
                    return Err(self.no_subquery(start));
                }
                self.advance();
                let inner = self.expr()?;
                if matches!(self.peek(), Token::Comma) {
                    let error = Diagnostic::error(self.since(start), "a row of values has no place here");
                    return Err(Box::new(error.with_hint("compare or compute the values one by one")));
                }
                self.expect(&Token::RParen)?;
                Ok(inner)
            }
            Token::Word(word)
                if word.value.eq_ignore_ascii_case("U") && matches!(self.peek_nth(1), Token::Ampersand) =>
            {
                let error = Diagnostic::error(start, "U&'…' texts are not supported");
                Err(Box::new(error.with_hint("write the characters themselves: scripts are UTF-8")))
            }
            Token::Word(word) => match self.special(&word, start)? {
                Some(expr) => Ok(expr),
                None => self.name(start),
            },
            _ => Err(self.unexpected("an expression")),
        }
    }

    /// `a.b.c`.
    fn name(&mut self, start: Span) -> Parsed<Expr> {
        let name = self.object_name("an expression")?;
        if matches!(self.peek(), Token::LParen) {
            let error =
                Diagnostic::error(self.since(start), "functions of a catalog or database are not known here");
            return Err(Box::new(error.with_hint("write the function's name alone")));
        }
        self.node(ExprKind::Name(name.parts), self.since(start))
    }

    pub(super) fn no_subquery(&self, span: Span) -> Box<Diagnostic> {
        let error = Diagnostic::error(span, "a query inside an expression is not supported");
        Box::new(error.with_hint("put a subquery or view in FROM, or list the values"))
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
}
