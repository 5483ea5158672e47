//! The `where` of a request: conditions over the columns of a table, all of which a row must meet.
//!
//! ```text
//! where      condition { AND condition }
//! condition  column operator value              = != <> < <= > >=
//!            column [NOT] IN (value, …)
//!            column [NOT] LIKE 'pattern'        % stands for any letters, _ for one
//!            column IS [NOT] NULL
//! column     name, or `name` with backquotes
//! value      12.5, 'text' (with '' for a quote), TRUE, FALSE
//! ```
//!
//! Words are accepted in upper and lower case. As in SQL, a comparison with a null is not true. Times are
//! compared as times: `'2025-12-09'`, `'2025-12-09T11:30'` and `'2025-12-09 11:30:00'` are values.

mod lexer;

use std::cmp::Ordering;

use jiff::tz::TimeZone;
use jobs::{ColumnKind, ResultTable};
use sql::expr::Comparison;

use super::cell::Cell;
use super::time::parse_loosely;
use crate::analytics::intern::TextPages;
use lexer::{Lexer, Token};

/// Conditions of one filter.
const CONDITIONS_MAX: usize = 32;
/// Values of one `IN`.
const VALUES_MAX: usize = 256;
/// Matching takes time proportional to the lengths of pattern and text.
const PATTERN_LETTERS_MAX: usize = 256;

/// Name of the finality of a row, as if it were a column.
pub(super) const IS_FINAL: &str = "_is_final";

/// A parsed filter; a row must meet all conditions.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Filter {
    pub(super) conditions: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition {
    pub(super) subject: Subject,
    test: Test,
}

/// What a condition is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Column(usize),
    IsFinal,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Compare(Comparison, Value),
    In { values: Vec<Value>, is_negated: bool },
    Like { pattern: Vec<char>, is_negated: bool },
    Null { is_negated: bool },
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Number {
        value: f64,
        whole: Option<i128>,
    },
    Bool(bool),
    /// A text, and the time that it is.
    Text {
        text: String,
        time: Option<Time>,
    },
}

/// A time in microseconds: on the wall clock, and the instant at which the clock shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Time {
    local: i64,
    instant: i64,
}

/// A mistake in a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("where, character {place}: {message}")]
pub(crate) struct FilterError {
    /// The character, from 1.
    pub(crate) place: usize,
    pub(crate) message: String,
}

impl Filter {
    /// Parses a filter over the columns of a table. An empty text is met by all rows. Times without `Z` are on the
    /// wall clock of the zone.
    pub(super) fn parse(text: &str, table: &ResultTable, zone: &TimeZone) -> Result<Filter, FilterError> {
        Filter::parse_over(text, Some(table), zone)
    }

    /// Checks the syntax of a filter over a table that need not exist yet.
    pub(super) fn check_syntax(text: &str) -> Result<(), FilterError> {
        Filter::parse_over(text, None, &TimeZone::UTC).map(drop)
    }

    fn parse_over(text: &str, table: Option<&ResultTable>, zone: &TimeZone) -> Result<Filter, FilterError> {
        let mut parser = Parser { lexer: Lexer::new(text), table, zone };
        let mut filter = Filter::default();
        if parser.lexer.peek()?.is_none() {
            return Ok(filter);
        }
        loop {
            if filter.conditions.len() >= CONDITIONS_MAX {
                return Err(parser.lexer.error(format!("more than {CONDITIONS_MAX} conditions")));
            }
            filter.conditions.push(parser.condition()?);
            match parser.lexer.next()? {
                None => return Ok(filter),
                Some(word) if word.is("and") => {}
                Some(word) if word.is("or") => {
                    return Err(parser
                        .lexer
                        .error("conditions are combined with AND only; use IN for several values"));
                }
                Some(other) => {
                    return Err(parser.lexer.error(format!("expected AND or the end, not {other}")));
                }
            }
        }
    }

    /// Returns whether a row meets all conditions.
    pub(super) fn holds(&self, cell: impl Fn(usize) -> Cell, is_final: bool, texts: &TextPages) -> bool {
        self.conditions.iter().all(|condition| match condition.subject {
            Subject::Column(column) => condition.holds(cell(column), texts),
            Subject::IsFinal => condition.holds(Cell::Bool(is_final), texts),
        })
    }

    /// Returns whether rows meet the filter, or not, for ever: it is only about these columns.
    pub(super) fn is_only_about(&self, columns: &[usize]) -> bool {
        self.conditions.iter().all(|condition| match condition.subject {
            Subject::Column(column) => columns.contains(&column),
            Subject::IsFinal => false,
        })
    }
}

impl Condition {
    pub(super) fn holds(&self, cell: Cell, texts: &TextPages) -> bool {
        match &self.test {
            Test::Null { is_negated } => (cell == Cell::Null) != *is_negated,
            _ if cell == Cell::Null => false,
            Test::Compare(comparison, value) => {
                value.compare(cell, texts).is_some_and(|order| comparison.holds(order))
            }
            Test::In { values, is_negated } => {
                values.iter().any(|value| value.compare(cell, texts) == Some(Ordering::Equal)) != *is_negated
            }
            Test::Like { pattern, is_negated } => {
                let mut text = Vec::new();
                cell.write_plain(texts, &mut text);
                let text: Vec<char> = String::from_utf8_lossy(&text).chars().collect();
                is_like(pattern, &text) != *is_negated
            }
        }
    }
}

impl Value {
    /// Compares a cell with this value; `None` if they cannot be compared.
    fn compare(&self, cell: Cell, texts: &TextPages) -> Option<Ordering> {
        match (self, cell) {
            (Value::Number { value, whole }, cell) => match (cell.as_whole(texts), whole) {
                (Some(of_cell), Some(whole)) => Some(of_cell.cmp(whole)),
                _ => cell.as_number(texts)?.partial_cmp(value),
            },
            (Value::Bool(value), Cell::Bool(of_cell)) => Some(of_cell.cmp(value)),
            (Value::Text { time: Some(time), .. }, Cell::Time { micros, form }) => {
                Some(micros.cmp(if form.is_instant { &time.instant } else { &time.local }))
            }
            (Value::Text { text, .. }, Cell::Text(code) | Cell::Json(code)) => {
                Some(texts.get(code).cmp(text))
            }
            (Value::Text { text, time: None }, Cell::Time { .. }) => {
                let mut written = Vec::new();
                cell.write_plain(texts, &mut written);
                Some(written.as_slice().cmp(text.as_bytes()))
            }
            (Value::Bool(_) | Value::Text { .. }, _) => None,
        }
    }

    fn fits(&self, kind: ColumnKind) -> bool {
        match kind {
            ColumnKind::Integer | ColumnKind::Number => matches!(self, Value::Number { .. }),
            ColumnKind::Boolean => matches!(self, Value::Bool(_)),
            ColumnKind::Text | ColumnKind::Json => matches!(self, Value::Text { .. }),
            ColumnKind::Time => matches!(self, Value::Text { time: Some(_), .. }),
        }
    }
}

/// Matches a pattern of `%` and `_`. Remembers the last `%`, so it takes time proportional to the product of
/// the lengths at most.
fn is_like(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut last: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('%') => {
                last = Some((p, t));
                p += 1;
            }
            Some(letter) if *letter == '_' || *letter == text[t] => (p, t) = (p + 1, t + 1),
            _ => match last {
                Some((place, from)) => {
                    last = Some((place, from + 1));
                    (p, t) = (place + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|letter| *letter == '%')
}

/// Returns the comparison that an operator stands for; `None` for parentheses and commas.
fn comparison(operator: &str) -> Option<Comparison> {
    Some(match operator {
        "=" => Comparison::Equal,
        "!=" | "<>" => Comparison::NotEqual,
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// `None` if only the syntax is checked: every name is then a column of any kind.
    table: Option<&'a ResultTable>,
    zone: &'a TimeZone,
}

impl Parser<'_> {
    fn condition(&mut self) -> Result<Condition, FilterError> {
        let (subject, kind) = self.subject()?;
        let token = self.lexer.next()?.ok_or_else(|| self.lexer.error("expected an operator, such as ="))?;

        if token.is("is") {
            let is_negated = self.lexer.take("not")?;
            self.lexer.expect_word("null")?;
            return Ok(Condition { subject, test: Test::Null { is_negated } });
        }
        let is_negated = token.is("not");
        let token = match is_negated {
            true => self.lexer.next()?.ok_or_else(|| self.lexer.error("expected IN or LIKE after NOT"))?,
            false => token,
        };

        if token.is("in") {
            let values = self.values(kind)?;
            return Ok(Condition { subject, test: Test::In { values, is_negated } });
        }
        if token.is("like") {
            return match self.value(Some(ColumnKind::Text))? {
                Value::Text { text, .. } if text.chars().count() > PATTERN_LETTERS_MAX => {
                    let most = format!("a pattern has {PATTERN_LETTERS_MAX} characters at most");
                    Err(self.lexer.error(&most))
                }
                Value::Text { text, .. } => Ok(Condition {
                    subject,
                    test: Test::Like { pattern: text.chars().collect(), is_negated },
                }),
                Value::Number { .. } | Value::Bool(_) => Err(self.lexer.error("LIKE takes a text")),
            };
        }
        let comparison = match &token {
            Token::Operator(operator) if !is_negated => comparison(operator),
            _ => None,
        };
        let Some(comparison) = comparison else {
            let expected = if is_negated { "IN or LIKE" } else { "an operator, such as =" };
            return Err(self.lexer.error(format!("expected {expected}, not {token}")));
        };
        Ok(Condition { subject, test: Test::Compare(comparison, self.value(kind)?) })
    }

    fn subject(&mut self) -> Result<(Subject, Option<ColumnKind>), FilterError> {
        let name = match self.lexer.next()? {
            Some(Token::Word(name) | Token::Quoted(name)) => name,
            Some(other) => return Err(self.lexer.error(format!("expected a column, not {other}"))),
            None => return Err(self.lexer.error("expected a column")),
        };
        let Some(table) = self.table else { return Ok((Subject::Column(0), None)) };
        match column(table, &name) {
            Ok(column) => Ok((Subject::Column(column), Some(table.columns[column].kind))),
            Err(_) if name == IS_FINAL => Ok((Subject::IsFinal, Some(ColumnKind::Boolean))),
            Err(message) => Err(self.lexer.error(message)),
        }
    }

    fn values(&mut self, kind: Option<ColumnKind>) -> Result<Vec<Value>, FilterError> {
        self.lexer.expect("(")?;
        let mut values = vec![self.value(kind)?];
        loop {
            match self.lexer.next()? {
                Some(Token::Operator(")")) => return Ok(values),
                Some(Token::Operator(",")) if values.len() < VALUES_MAX => values.push(self.value(kind)?),
                Some(Token::Operator(",")) => {
                    return Err(self.lexer.error(format!("more than {VALUES_MAX} values")));
                }
                Some(other) => return Err(self.lexer.error(format!("expected , or ), not {other}"))),
                None => return Err(self.lexer.error("the ( is not closed")),
            }
        }
    }

    fn value(&mut self, kind: Option<ColumnKind>) -> Result<Value, FilterError> {
        let value = match self.lexer.next()? {
            Some(Token::Text(text)) => {
                let time = parse_loosely(&text).map(|(micros, form)| Time {
                    local: form.local(micros, self.zone),
                    instant: form.instant(micros, self.zone),
                });
                Value::Text { text, time }
            }
            Some(Token::Number(text)) => {
                let value = text.parse().map_err(|_| self.lexer.error(format!("{text} is no number")))?;
                Value::Number { value, whole: text.parse().ok() }
            }
            Some(word) if word.is("true") => Value::Bool(true),
            Some(word) if word.is("false") => Value::Bool(false),
            Some(word) if word.is("null") => {
                return Err(self.lexer.error("a comparison with NULL is never true; write IS NULL"));
            }
            Some(Token::Word(word)) => {
                return Err(self
                    .lexer
                    .error(format!("expected a value, not {word}; texts need quotes: '{word}'")));
            }
            Some(other) => return Err(self.lexer.error(format!("expected a value, not {other}"))),
            None => return Err(self.lexer.error("expected a value")),
        };
        let Some(kind) = kind.filter(|kind| !value.fits(*kind)) else { return Ok(value) };
        Err(self.lexer.error(match kind {
            ColumnKind::Integer | ColumnKind::Number => {
                "the column has numbers; write a number without quotes"
            }
            ColumnKind::Boolean => "the column has booleans; write TRUE or FALSE",
            ColumnKind::Text | ColumnKind::Json => "the column has texts; write a text in single quotes",
            ColumnKind::Time => "the column has times; write a time such as '2025-12-09T11:30:00'",
        }))
    }
}

/// Returns a column by its name, or a message that names the closest one.
pub(super) fn column(table: &ResultTable, name: &str) -> Result<usize, String> {
    table.columns.iter().position(|column| column.name == name).ok_or_else(|| {
        let names = table.columns.iter().map(|column| column.name.as_str());
        match sql::error::closest(name, names.clone()) {
            Some(meant) => format!("there is no column `{name}`; did you mean `{meant}`?"),
            None => {
                format!(
                    "there is no column `{name}`; the columns are {}",
                    names.collect::<Vec<_>>().join(", ")
                )
            }
        }
    })
}

#[cfg(test)]
mod tests;
