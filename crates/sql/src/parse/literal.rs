//! Literals with Flink's types: `1.5` is DECIMAL(2, 1), `1E0` DOUBLE, `'x'` CHAR(1).

use jiff::civil;
use sqlparser::tokenizer::Token;
use types::{DataType, Value};

use super::ast::{Expr, ExprKind};
use super::{Parsed, Parser};
use crate::error::{Diagnostic, Span, cut};

/// A unit of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum IntervalUnit {
    Year,
    Quarter,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
}

impl IntervalUnit {
    fn of(word: &str) -> Option<IntervalUnit> {
        Some(match word.to_ascii_uppercase().as_str() {
            "YEAR" => IntervalUnit::Year,
            "QUARTER" => IntervalUnit::Quarter,
            "MONTH" => IntervalUnit::Month,
            "WEEK" => IntervalUnit::Week,
            "DAY" => IntervalUnit::Day,
            "HOUR" => IntervalUnit::Hour,
            "MINUTE" => IntervalUnit::Minute,
            "SECOND" => IntervalUnit::Second,
            _ => return None,
        })
    }

    pub(super) fn is_month_based(self) -> bool {
        self <= IntervalUnit::Month
    }

    /// Returns the length in months or in milliseconds.
    fn length(self) -> i64 {
        match self {
            IntervalUnit::Year => 12,
            IntervalUnit::Quarter => 3,
            IntervalUnit::Month => 1,
            IntervalUnit::Week => 7 * 86_400_000,
            IntervalUnit::Day => 86_400_000,
            IntervalUnit::Hour => 3_600_000,
            IntervalUnit::Minute => 60_000,
            IntervalUnit::Second => 1_000,
        }
    }

    /// Returns the next smaller field of a ranged interval, the character before it, and its exclusive limit.
    fn next_field(self) -> Option<(IntervalUnit, char, i64)> {
        Some(match self {
            IntervalUnit::Year => (IntervalUnit::Month, '-', 12),
            IntervalUnit::Day => (IntervalUnit::Hour, ' ', 24),
            IntervalUnit::Hour => (IntervalUnit::Minute, ':', 60),
            IntervalUnit::Minute => (IntervalUnit::Second, ':', 60),
            IntervalUnit::Quarter | IntervalUnit::Month | IntervalUnit::Week | IntervalUnit::Second => {
                return None;
            }
        })
    }
}

/// Returns the value and type of a number literal.
pub(super) fn number(digits: &str) -> Option<(Value, DataType)> {
    if digits.contains(['e', 'E']) {
        return Some((Value::Double(digits.parse().ok()?), DataType::Double));
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.is_empty() {
        let value: i128 = whole.parse().ok()?;
        if let Ok(value) = i32::try_from(value) {
            return Some((Value::Int(value.into()), DataType::Int));
        }
        if let Ok(value) = i64::try_from(value) {
            return Some((Value::Int(value), DataType::BigInt));
        }
    }
    // Flink also counts zeros before the point: 0.5 is DECIMAL(2, 1).
    let precision = u8::try_from(whole.len() + fraction.len()).ok().filter(|p| (1..=38).contains(p))?;
    let unscaled: i128 = format!("{whole}{fraction}").parse().ok()?;
    Some((Value::Wide(unscaled), DataType::Decimal { precision, scale: fraction.len() as u8 }))
}

/// Parses `2025-12-09` to days since 1970.
fn date(text: &str) -> Option<i64> {
    let mut parts = text.trim().splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let date =
        civil::Date::new(digits(year)?.try_into().ok()?, digits(month)? as i8, digits(day)? as i8).ok()?;
    Some(date.since(civil::Date::constant(1970, 1, 1)).ok()?.get_days().into())
}

/// Parses `11:30:00.5` to nanoseconds of the day and the number of fraction digits.
fn time(text: &str) -> Option<(i128, u8)> {
    let mut parts = text.trim().splitn(3, ':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let (second, fraction) = second.split_once('.').unwrap_or((second, ""));
    if fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hour, minute, second) = (digits(hour)?, digits(minute)?, digits(second)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let nanos: i128 = format!("{fraction:0<9}").parse().ok()?;
    let seconds = i128::from(hour * 3600 + minute * 60 + second);
    Some((seconds * 1_000_000_000 + nanos, fraction.len() as u8))
}

fn digits(text: &str) -> Option<i64> {
    let ok = !text.is_empty() && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
    if ok { text.parse().ok() } else { None }
}

/// Parses `2025-12-09 11:30:00[.fraction]`.
fn timestamp(text: &str) -> Option<(Value, DataType)> {
    let (day, clock) = text.trim().split_once(' ')?;
    let (nanos, digits) = time(clock)?;
    let nanos = i128::from(date(day)?) * 86_400_000_000_000 + nanos;
    let value = if digits <= 3 { Value::Int((nanos / 1_000_000) as i64) } else { Value::Wide(nanos) };
    Some((value, DataType::Timestamp(digits)))
}

/// Parses an interval to months or milliseconds.
fn interval(text: &str, first: IntervalUnit, last: IntervalUnit) -> Option<i64> {
    let text = text.trim();
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };

    let (mut unit, mut limit, mut total) = (first, i64::MAX, 0i64);
    loop {
        let next = if unit == last { None } else { Some(unit.next_field()?) };
        let (field, behind) = match next {
            Some((_, separator, _)) => rest.split_once(separator)?,
            None => (rest, ""),
        };
        let (whole, fraction) = match field.split_once('.') {
            Some(parts) if unit == IntervalUnit::Second => parts,
            Some(_) => return None,
            None => (field, ""),
        };
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || fraction.len() > 9 {
            return None;
        }
        let count: i64 = whole.parse().ok()?;
        if count >= limit {
            return None;
        }
        let millis: i64 = format!("{fraction:0<3}")[..3].parse().ok()?;
        total = total.checked_add(count.checked_mul(unit.length())?)?.checked_add(millis)?;
        let Some((smaller, _, below)) = next else { return Some(sign * total) };
        (unit, limit, rest) = (smaller, below, behind);
    }
}

/// Default number of digits of an interval's leading field.
const DEFAULT_PRECISION: usize = 2;

/// Returns the number of digits of an interval's first field without leading zeros.
fn leading_digits(text: &str) -> usize {
    let digits = text.trim().trim_start_matches(['+', '-']).trim_start_matches('0');
    digits.bytes().take_while(u8::is_ascii_digit).count()
}

impl Parser {
    /// Creates a number literal, or returns an error that says why the number is invalid.
    pub(super) fn number_literal(&mut self, text: &str, negative: bool, start: Span) -> Parsed<Expr> {
        let span = self.tokens.since(start);
        let (value, data_type) = number(text).ok_or_else(|| {
            Box::new(
                Diagnostic::error(span, format!("the number {text} has more than 38 digits"))
                    .with_hint("write it as a DOUBLE: 1E40"),
            )
        })?;

        let value = match value {
            // -2147483648 is an INT, although 2147483648 is not.
            Value::Int(2_147_483_648) if negative => {
                return self.literal(Value::Int(-2_147_483_648), DataType::Int, span);
            }
            Value::Int(v) if negative => Value::Int(-v),
            Value::Wide(9_223_372_036_854_775_808)
                if negative && data_type == (DataType::Decimal { precision: 19, scale: 0 }) =>
            {
                return self.literal(Value::Int(i64::MIN), DataType::BigInt, span);
            }
            Value::Wide(v) if negative => Value::Wide(-v),
            Value::Double(v) if negative => Value::Double(-v),
            value => value,
        };

        self.literal(value, data_type, span)
    }

    /// Creates a literal for `X'…'`.
    pub(super) fn hex_literal(&self, hex: &str, start: Span) -> Parsed<Expr> {
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

    pub(super) fn literal(&self, value: Value, data_type: DataType, span: Span) -> Parsed<Expr> {
        self.node(ExprKind::Literal { value, data_type }, span)
    }

    /// Parses what follows the keyword in `DATE '…'`, `TIME '…'` or `TIMESTAMP '…'`.
    pub(super) fn time_literal(&mut self, word: &str, start: Span) -> Parsed<Expr> {
        let text = self.tokens.text("a text")?;
        let (read, form) = match word {
            "DATE" => (date(&text.value).map(|days| (Value::Int(days), DataType::Date)), "2025-12-09"),
            "TIME" => {
                let time = time(&text.value);
                (
                    time.map(|(nanos, p)| (Value::Int((nanos / 1_000_000) as i64), DataType::Time(p))),
                    "11:30:00",
                )
            }
            _ => (timestamp(&text.value), "2025-12-09 11:30:00.123"),
        };
        let (value, data_type) = read.ok_or_else(|| {
            let error = Diagnostic::error(text.span, format!("'{}' is not a {word}", cut(&text.value)));
            Box::new(error.with_hint(format!("write it like {word} '{form}'")))
        })?;
        self.literal(value, data_type, self.tokens.since(start))
    }

    /// Parses what follows the keyword in `INTERVAL '…' UNIT [TO UNIT]`.
    pub(super) fn interval_literal(&mut self, start: Span) -> Parsed<Expr> {
        let negative = self.tokens.accept(&Token::Minus);
        let example = "write it like INTERVAL '5' SECOND";
        let text = self
            .tokens
            .text("the interval's length in quotes")
            .map_err(|error| Box::new(error.with_hint(example)))?;
        let has_precision = matches!(self.tokens.peek_nth(1), Token::LParen);
        let (first, last) = self
            .interval_units()
            .map_err(|error| if error.hint.is_some() { error } else { Box::new(error.with_hint(example)) })?;

        let length = interval(&text.value, first, last).ok_or_else(|| {
            let error = Diagnostic::error(
                text.span,
                format!("'{}' is not the length of such an interval", cut(&text.value)),
            );
            Box::new(error.with_hint(if first == last {
                example
            } else {
                "write it like INTERVAL '1 02:03:04' DAY TO SECOND"
            }))
        })?;

        if !has_precision && leading_digits(&text.value) > DEFAULT_PRECISION {
            let what = format!("an interval of more than {DEFAULT_PRECISION} digits");
            self.refused_by_flink(
                text.span,
                &what,
                "write their number behind the unit: INTERVAL '100' SECOND(3)",
            );
        }

        let data_type =
            if first.is_month_based() { DataType::IntervalYearMonth } else { DataType::IntervalDayTime };
        let length = if negative { -length } else { length };
        self.literal(Value::Int(length), data_type, self.tokens.since(start))
    }

    /// Parses units such as `DAY` or `DAY(3) TO SECOND(3)`.
    pub(super) fn interval_units(&mut self) -> Parsed<(IntervalUnit, IntervalUnit)> {
        let first = self.unit()?;
        if !self.tokens.accept_word("TO") {
            return Ok((first, first));
        }
        let span = self.tokens.span();
        let last = self.unit()?;

        let reaches = |mut unit: IntervalUnit| {
            while unit != last {
                let Some((next, _, _)) = unit.next_field() else { return false };
                unit = next;
            }
            true
        };

        if first == last || !reaches(first) {
            return Err(Box::new(
                Diagnostic::error(span, "an interval cannot combine these units")
                    .with_hint("YEAR TO MONTH, or from DAY, HOUR, MINUTE to a smaller one, at most SECOND"),
            ));
        }

        Ok((first, last))
    }

    fn unit(&mut self) -> Parsed<IntervalUnit> {
        let unit = match self.tokens.peek() {
            Token::Word(word) => match IntervalUnit::of(&word.value) {
                Some(unit) => unit,
                None => {
                    let single =
                        word.value.strip_suffix(['s', 'S']).filter(|w| IntervalUnit::of(w).is_some());
                    let mut error = self.tokens.unexpected("a unit of time");
                    error.hint = single
                        .map(|unit| format!("units are written in the singular: {}", unit.to_uppercase()));
                    return Err(error);
                }
            },
            _ => return Err(self.tokens.unexpected("a unit of time")),
        };

        self.tokens.advance();
        if self.tokens.accept(&Token::LParen) {
            self.tokens.number("a precision")?;
            if self.tokens.accept(&Token::Comma) {
                self.tokens.number("a precision")?;
            }
            self.tokens.expect(&Token::RParen)?;
        }

        Ok(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_flinks_types() {
        assert_eq!(number("7"), Some((Value::Int(7), DataType::Int)));
        assert_eq!(number("3000000000"), Some((Value::Int(3_000_000_000), DataType::BigInt)));
        assert_eq!(number("1.5"), Some((Value::Wide(15), DataType::Decimal { precision: 2, scale: 1 })));
        assert_eq!(number(".5"), Some((Value::Wide(5), DataType::Decimal { precision: 1, scale: 1 })));
        assert_eq!(number("1E0"), Some((Value::Double(1.0), DataType::Double)));
        assert_eq!(number(&"9".repeat(39)), None);
    }

    #[test]
    fn timestamps_keep_their_own_digits() {
        assert_eq!(
            timestamp("1970-01-02 00:00:00.5"),
            Some((Value::Int(86_400_500), DataType::Timestamp(1)))
        );
        assert_eq!(
            timestamp("1970-01-01 00:00:01.000001"),
            Some((Value::Wide(1_000_001_000), DataType::Timestamp(6)))
        );
        assert_eq!(timestamp("2025-02-29 00:00:00"), None);
        assert_eq!(timestamp("2025-02-28T00:00:00"), None);
    }

    #[test]
    fn intervals_are_months_or_milliseconds() {
        assert_eq!(interval("5", IntervalUnit::Second, IntervalUnit::Second), Some(5_000));
        assert_eq!(interval("-1.5", IntervalUnit::Second, IntervalUnit::Second), Some(-1_500));
        assert_eq!(interval("1 00:00:00.001", IntervalUnit::Day, IntervalUnit::Second), Some(86_400_001));
        assert_eq!(interval("2-3", IntervalUnit::Year, IntervalUnit::Month), Some(27));
        assert_eq!(interval("1 24:00", IntervalUnit::Day, IntervalUnit::Minute), None);
        assert_eq!(interval("5 SECOND", IntervalUnit::Second, IntervalUnit::Second), None);
    }
}
