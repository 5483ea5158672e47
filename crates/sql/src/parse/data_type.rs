//! Parses data types as spelled in Flink's manual.

use std::collections::HashSet;

use sqlparser::tokenizer::Token;
use types::{ColumnType, DataType, Field};

use super::ast::TypeName;
use super::{MAX_DEPTH, Parsed, Parser};
use crate::error::{Diagnostic, Span, did_you_mean};

const NAMES: &[&str] = &[
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INT",
    "INTEGER",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL",
    "DEC",
    "NUMERIC",
    "CHAR",
    "CHARACTER",
    "VARCHAR",
    "STRING",
    "BINARY",
    "VARBINARY",
    "BYTES",
    "DATE",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMP_LTZ",
    "ARRAY",
    "MAP",
    "MULTISET",
    "ROW",
    "STRUCTURED",
    "RAW",
    "VARIANT",
    "BITMAP",
];

/// Largest length that can be declared, and the length of `STRING` and `BYTES`.
const MAX_LENGTH: u32 = i32::MAX as u32;

impl Parser {
    /// Parses a type with an optional `NULL` or `NOT NULL`.
    pub(super) fn type_name(&mut self) -> Parsed<TypeName> {
        let start = self.tokens.span();
        let column_type = self.column_type()?;
        Ok(TypeName { column_type, span: self.tokens.since(start) })
    }

    fn column_type(&mut self) -> Parsed<ColumnType> {
        let start = self.tokens.span();
        let mut data_type = self.nested(Parser::data_type)?;
        // The older spelling: INT ARRAY, INT MULTISET.
        let mut levels = 0;

        while let Some(word) = ["ARRAY", "MULTISET"].into_iter().find(|word| self.tokens.accept_word(word)) {
            levels += 1;
            if levels > MAX_DEPTH {
                return Err(self.too_deep(self.tokens.since(start)));
            }
            data_type = match word {
                "ARRAY" => DataType::Array(Box::new(data_type.nullable())),
                _ => DataType::Multiset(Box::new(data_type.nullable())),
            };
        }

        let nullable = !self.tokens.accept_words(&["NOT", "NULL"]);
        if nullable {
            self.tokens.accept_word("NULL");
        }
        Ok(ColumnType { data_type, nullable })
    }

    fn data_type(&mut self) -> Parsed<DataType> {
        let span = self.tokens.span();
        let Token::Word(word) = self.tokens.peek() else { return Err(self.tokens.unexpected("a data type")) };
        let name = word.value.to_ascii_uppercase();
        self.tokens.advance();

        Ok(match name.as_str() {
            "BOOLEAN" => DataType::Boolean,
            "TINYINT" => DataType::TinyInt,
            "SMALLINT" => DataType::SmallInt,
            "INT" | "INTEGER" => DataType::Int,
            "BIGINT" => DataType::BigInt,
            "FLOAT" | "REAL" => DataType::Float,
            "DOUBLE" => {
                self.tokens.accept_word("PRECISION");
                DataType::Double
            }
            "DECIMAL" | "DEC" | "NUMERIC" => self.decimal(span)?,
            // Without a length, CHAR and BINARY hold one character or byte, the varying types any number.
            "CHAR" | "CHARACTER" if self.tokens.accept_word("VARYING") => {
                DataType::Varchar(self.length(span, MAX_LENGTH)?)
            }
            "CHAR" | "CHARACTER" => DataType::Char(self.length(span, 1)?),
            "VARCHAR" => DataType::Varchar(self.length(span, MAX_LENGTH)?),
            "STRING" => DataType::STRING,
            "BINARY" if self.tokens.accept_word("VARYING") => {
                DataType::Varbinary(self.length(span, MAX_LENGTH)?)
            }
            "BINARY" => DataType::Binary(self.length(span, 1)?),
            "VARBINARY" => DataType::Varbinary(self.length(span, MAX_LENGTH)?),
            "BYTES" => DataType::BYTES,
            "DATE" => DataType::Date,
            "TIME" => {
                let digits = self.digits(span, 0)?;
                self.tokens.accept_words(&["WITHOUT", "TIME", "ZONE"]);
                DataType::Time(digits)
            }
            "TIMESTAMP" => self.timestamp(span)?,
            "TIMESTAMP_LTZ" => DataType::TimestampLtz(self.digits(span, 6)?),
            "INTERVAL" => self.interval_type()?,
            "ARRAY" => {
                self.tokens.expect(&Token::Lt)?;
                let element = self.column_type()?;
                self.close_angle()?;
                DataType::Array(Box::new(element))
            }
            "MAP" => {
                self.tokens.expect(&Token::Lt)?;
                let key = self.column_type()?;
                self.tokens.expect(&Token::Comma)?;
                let value = self.column_type()?;
                self.close_angle()?;
                DataType::Map(Box::new(key), Box::new(value))
            }
            "ROW" => self.row()?,
            "MULTISET" => {
                self.tokens.expect(&Token::Lt)?;
                let element = self.column_type()?;
                self.close_angle()?;
                DataType::Multiset(Box::new(element))
            }
            "STRUCTURED" => self.structured()?,
            "RAW" => self.raw()?,
            "VARIANT" => DataType::Variant,
            "BITMAP" => DataType::Bitmap,
            _ => {
                let mut error = Diagnostic::error(span, format!("`{name}` is not a data type"));
                error.hint = did_you_mean(&name, NAMES.iter().copied());
                return Err(Box::new(error));
            }
        })
    }

    fn decimal(&mut self, span: Span) -> Parsed<DataType> {
        let (mut precision, mut scale) = (10, 0);
        if self.tokens.accept(&Token::LParen) {
            precision = self.tokens.number("the number of digits")?;
            if self.tokens.accept(&Token::Comma) {
                scale = self.tokens.number("the number of digits behind the point")?;
            }
            self.tokens.expect(&Token::RParen)?;
        }
        if !(1..=38).contains(&precision) || scale > precision {
            let error = Diagnostic::error(
                self.tokens.since(span),
                format!("DECIMAL({precision}, {scale}) does not exist"),
            )
            .with_hint("a DECIMAL has 1 to 38 digits, and at most all of them behind the point");
            return Err(Box::new(error));
        }
        Ok(DataType::Decimal { precision: precision as u8, scale: scale as u8 })
    }

    fn length(&mut self, span: Span, default: u32) -> Parsed<u32> {
        if !self.tokens.accept(&Token::LParen) {
            return Ok(default);
        }
        let length = self.tokens.number("a length")?;
        self.tokens.expect(&Token::RParen)?;
        if length == 0 || length > MAX_LENGTH {
            return Err(Box::new(Diagnostic::error(
                self.tokens.since(span),
                "a length is at least 1, at most 2147483647",
            )));
        }
        Ok(length)
    }

    /// Parses the number of fraction digits of a second.
    fn digits(&mut self, span: Span, default: u8) -> Parsed<u8> {
        if !self.tokens.accept(&Token::LParen) {
            return Ok(default);
        }
        let digits = self.tokens.number("the digits of the fraction, 0 to 9")?;
        self.tokens.expect(&Token::RParen)?;
        match u8::try_from(digits) {
            Ok(digits) if digits <= 9 => Ok(digits),
            _ => Err(Box::new(Diagnostic::error(
                self.tokens.since(span),
                "a second has 0 to 9 digits behind the point",
            ))),
        }
    }

    fn timestamp(&mut self, span: Span) -> Parsed<DataType> {
        let digits = self.digits(span, 6)?;
        if self.tokens.accept_words(&["WITH", "LOCAL", "TIME", "ZONE"]) {
            return Ok(DataType::TimestampLtz(digits));
        }
        if self.tokens.accept_words(&["WITH", "TIME", "ZONE"]) {
            let error = Diagnostic::error(
                self.tokens.since(span),
                "TIMESTAMP WITH TIME ZONE is not supported, nor is it by Flink",
            )
            .with_hint("TIMESTAMP_LTZ holds an instant, shown in the session's time zone");
            return Err(Box::new(error));
        }
        self.tokens.accept_words(&["WITHOUT", "TIME", "ZONE"]);
        Ok(DataType::Timestamp(digits))
    }

    fn interval_type(&mut self) -> Parsed<DataType> {
        let (first, _) = self.interval_units()?;
        Ok(if first.is_month_based() { DataType::IntervalYearMonth } else { DataType::IntervalDayTime })
    }

    /// Parses what follows ROW in `ROW<name type 'comment', …>` or `ROW(…)`.
    fn row(&mut self) -> Parsed<DataType> {
        let round = self.tokens.accept(&Token::LParen);
        if !round && !self.tokens.accept(&Token::Lt) {
            return Err(self.tokens.unexpected("`<` and the fields of the ROW"));
        }

        let (mut fields, mut names) = (vec![], HashSet::new());
        loop {
            self.field(&mut fields, &mut names)?;
            if !self.tokens.accept(&Token::Comma) {
                break;
            }
        }

        if round {
            self.tokens.expect(&Token::RParen)?;
        } else {
            self.close_angle()?;
        }
        Ok(DataType::Row(fields))
    }

    /// Parses what follows STRUCTURED in `STRUCTURED<'class', name type 'comment', …>`.
    fn structured(&mut self) -> Parsed<DataType> {
        self.tokens.expect(&Token::Lt)?;
        let class = self.tokens.text("the name of a class in single quotes")?.value;

        let (mut fields, mut names) = (vec![], HashSet::new());
        while self.tokens.accept(&Token::Comma) {
            self.field(&mut fields, &mut names)?;
        }

        self.close_angle()?;
        Ok(DataType::Structured { class, fields })
    }

    /// Parses what follows RAW in `RAW('class', 'snapshot')`.
    fn raw(&mut self) -> Parsed<DataType> {
        self.tokens.expect(&Token::LParen)?;
        let class = self.tokens.text("the name of a class in single quotes")?.value;
        self.tokens.expect(&Token::Comma)?;
        let snapshot = self.tokens.text("the snapshot of the class's serializer in single quotes")?.value;
        self.tokens.expect(&Token::RParen)?;
        Ok(DataType::Raw { class, snapshot })
    }

    /// Parses `name type 'comment'` and appends it to the fields.
    fn field(&mut self, fields: &mut Vec<Field>, names: &mut HashSet<String>) -> Parsed<()> {
        let name = self.new_ident("the name of a field")?;
        if !names.insert(name.value.clone()) {
            let error = Diagnostic::error(name.span, format!("the field `{}` is declared twice", name.value));
            return Err(Box::new(error));
        }

        let column_type = self.column_type()?;
        if matches!(self.tokens.peek(), Token::SingleQuotedString(_)) {
            self.tokens.advance();
        }
        fields.push(Field { name: name.value, column_type });
        self.bounded(fields.len(), "fields", name.span)
    }

    /// Consumes `>`, which may be the first half of a `>>`.
    fn close_angle(&mut self) -> Parsed<()> {
        if self.tokens.accept_half_of_shift() { Ok(()) } else { self.tokens.expect(&Token::Gt) }
    }
}
