//! Parses JSON functions whose arguments are separated by keywords.
//!
//! Each becomes an ordinary call whose keywords are text literals behind the other arguments.

use sqlparser::tokenizer::Token;
use types::{DataType, Value};

use super::ast::{Call, Expr, ExprKind, TypeName};
use super::{Parsed, Parser};
use crate::error::{Diagnostic, Span};
use crate::expr::CastMode;

impl Parser {
    /// Parses the arguments of a JSON function with a grammar of its own; returns `false` for other names.
    pub(super) fn json_args(&mut self, name: &str, call: &mut Call) -> Parsed<bool> {
        match name {
            "JSON_VALUE" => self.json_value_args(call)?,
            "JSON_OBJECT" => self.json_object_args(call)?,
            "JSON_OBJECTAGG" => {
                self.json_entry(call)?;
                self.json_on_null(call, "NULL")?;
            }
            "JSON_ARRAY" => self.json_array_args(call)?,
            "JSON_ARRAYAGG" => {
                call.args.push(self.expr()?);
                call.within_group = self.order_by()?;
                self.json_on_null(call, "ABSENT")?;
            }
            "JSON_EXISTS" => self.json_exists_args(call)?,
            "JSON_QUERY" => self.json_query_args(call)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Parses `JSON_OBJECT(KEY k VALUE v, … [NULL | ABSENT ON NULL])`: alternating keys and values, then
    /// 'NULL' or 'ABSENT'.
    fn json_object_args(&mut self, call: &mut Call) -> Parsed<()> {
        if !matches!(self.tokens.peek(), Token::RParen) && !self.is_json_on_null() {
            self.json_entry(call)?;
            while self.tokens.accept(&Token::Comma) {
                self.json_entry(call)?;
            }
        }
        self.json_on_null(call, "NULL")
    }

    /// Parses `JSON_ARRAY(a, b, … [NULL | ABSENT ON NULL])`.
    fn json_array_args(&mut self, call: &mut Call) -> Parsed<()> {
        if !matches!(self.tokens.peek(), Token::RParen) && !self.is_json_on_null() {
            call.args.push(self.expr()?);
            while self.tokens.accept(&Token::Comma) {
                call.args.push(self.expr()?);
            }
        }
        self.json_on_null(call, "ABSENT")
    }

    /// Parses `[KEY] k VALUE v` or `k : v`.
    fn json_entry(&mut self, call: &mut Call) -> Parsed<()> {
        // A column may be named `key`.
        let is_name = self.tokens.word_at(1, "VALUE")
            || matches!(self.tokens.peek_nth(1), Token::Colon | Token::Comma | Token::Period | Token::LParen);
        if !is_name {
            self.tokens.accept_word("KEY");
        }
        call.args.push(self.expr()?);
        if !self.tokens.accept_word("VALUE") && !self.tokens.accept(&Token::Colon) {
            return Err(self.tokens.unexpected("`VALUE` or `:`"));
        }
        call.args.push(self.expr()?);
        Ok(())
    }

    /// Parses `IS [NOT] JSON [VALUE | OBJECT | ARRAY | SCALAR]`; the keyword becomes an argument.
    pub(super) fn is_json(&mut self, input: Expr, negated: bool) -> Parsed<ExprKind> {
        let span = self.tokens.span();
        self.tokens.advance();
        let kinds = ["VALUE", "OBJECT", "ARRAY", "SCALAR"];
        let kind = kinds.into_iter().find(|word| self.tokens.accept_word(word)).unwrap_or("VALUE");
        let kind = self.word_literal(kind, self.tokens.since(span))?;
        Ok(ExprKind::Matches { function: "$IS_JSON", args: vec![input, kind], negated })
    }

    fn is_json_on_null(&self) -> bool {
        (self.tokens.is_word("NULL") || self.tokens.is_word("ABSENT"))
            && self.tokens.word_at(1, "ON")
            && self.tokens.word_at(2, "NULL")
    }

    /// Parses `{NULL | ABSENT} ON NULL` as an argument.
    fn json_on_null(&mut self, call: &mut Call, default: &str) -> Parsed<()> {
        let span = self.tokens.span();
        let mut behavior = default;
        if self.is_json_on_null() {
            behavior = if self.tokens.is_word("NULL") { "NULL" } else { "ABSENT" };
            self.tokens.skip(3);
        }
        let span = self.tokens.since(span);
        call.args.push(self.word_literal(behavior, span)?);
        Ok(())
    }

    /// Creates a text literal for a keyword.
    fn word_literal(&self, word: &str, span: Span) -> Parsed<Expr> {
        self.literal(Value::Text(word.to_owned()), DataType::Char(word.len() as u32), span)
    }

    /// Parses `JSON_EXISTS(json, path [{TRUE | FALSE | UNKNOWN | ERROR} ON ERROR])` as three arguments.
    fn json_exists_args(&mut self, call: &mut Call) -> Parsed<()> {
        self.json_and_path(call)?;
        let span = self.tokens.span();
        for word in ["TRUE", "FALSE", "UNKNOWN", "ERROR"] {
            if self.tokens.accept_word(word) {
                self.tokens.expect_word("ON")?;
                self.tokens.expect_word("ERROR")?;
                call.args.push(self.word_literal(word, span)?);
                break;
            }
        }
        Ok(())
    }

    /// Parses `JSON_QUERY(json, path [… WRAPPER] [… ON EMPTY] [… ON ERROR])` as five arguments, or as two
    /// without clauses.
    fn json_query_args(&mut self, call: &mut Call) -> Parsed<()> {
        self.json_and_path(call)?;
        self.query_returning(call)?;
        if matches!(self.tokens.peek(), Token::RParen) {
            return Ok(());
        }

        let span = self.tokens.span();
        let wrapper = self.json_wrapper()?;
        call.args.push(self.word_literal(wrapper, span)?);
        let (mut on_empty, mut on_error) = ("NULL", "NULL");
        while let Some(behavior) = self.json_behavior() {
            if self.tokens.accept_words(&["ON", "EMPTY"]) {
                on_empty = behavior;
            } else if self.tokens.accept_words(&["ON", "ERROR"]) {
                on_error = behavior;
            } else {
                return Err(self.tokens.unexpected("`ON EMPTY` or `ON ERROR`"));
            }
        }
        call.args.push(self.word_literal(on_empty, span)?);
        call.args.push(self.word_literal(on_error, span)?);
        Ok(())
    }

    /// Parses `WITHOUT [ARRAY] WRAPPER` or `WITH [CONDITIONAL | UNCONDITIONAL] [ARRAY] WRAPPER`.
    fn json_wrapper(&mut self) -> Parsed<&'static str> {
        let wrapper = if self.tokens.accept_word("WITHOUT") {
            "WITHOUT"
        } else if self.tokens.accept_word("WITH") {
            if self.tokens.accept_word("CONDITIONAL") {
                "CONDITIONAL"
            } else {
                self.tokens.accept_word("UNCONDITIONAL");
                "UNCONDITIONAL"
            }
        } else {
            return Ok("WITHOUT");
        };
        self.tokens.accept_word("ARRAY");
        self.tokens.expect_word("WRAPPER")?;
        Ok(wrapper)
    }

    fn json_behavior(&mut self) -> Option<&'static str> {
        let behaviors: [(&[&str], &str); 4] = [
            (&["NULL"], "NULL"),
            (&["ERROR"], "ERROR"),
            (&["EMPTY", "ARRAY"], "EMPTY ARRAY"),
            (&["EMPTY", "OBJECT"], "EMPTY OBJECT"),
        ];
        behaviors.into_iter().find(|(words, _)| self.tokens.accept_words(words)).map(|(_, behavior)| behavior)
    }

    fn json_and_path(&mut self, call: &mut Call) -> Parsed<()> {
        call.args.push(self.expr()?);
        self.tokens.expect(&Token::Comma)?;
        call.args.push(self.expr()?);
        Ok(())
    }

    /// Parses `RETURNING STRING`, or `RETURNING ARRAY<STRING>` for the texts of an array.
    fn query_returning(&mut self, call: &mut Call) -> Parsed<()> {
        if !self.tokens.accept_word("RETURNING") {
            return Ok(());
        }
        let target = self.type_name()?;
        match &target.column_type.data_type {
            text if text.is_text() => {}
            DataType::Array(element) if element.data_type.is_text() => {
                call.returning = Some(Box::new(target))
            }
            other => {
                let error = Diagnostic::error(target.span, format!("JSON_QUERY does not return {other}"));
                return Err(Box::new(error.with_hint("it returns STRING or ARRAY<STRING>")));
            }
        }
        Ok(())
    }

    /// Parses `RETURNING type`; a text type changes nothing.
    fn returning(&mut self, call: &mut Call) -> Parsed<()> {
        if !self.tokens.accept_word("RETURNING") {
            return Ok(());
        }
        let target = self.type_name()?;
        match target.column_type.data_type {
            DataType::Boolean | DataType::Int | DataType::Double => call.returning = Some(Box::new(target)),
            ref text if text.is_text() => {}
            ref other => {
                let error = Diagnostic::error(target.span, format!("JSON_VALUE does not return {other}"));
                return Err(Box::new(error.with_hint("it returns STRING, BOOLEAN, INTEGER or DOUBLE")));
            }
        }
        Ok(())
    }

    /// Casts a default value to text if the call returns another type.
    fn as_text(&self, value: Expr, call: &Call) -> Parsed<Expr> {
        if call.returning.is_none() {
            return Ok(value);
        }
        let span = value.span;
        let target = TypeName { column_type: DataType::STRING.nullable(), span };
        self.node(ExprKind::Cast { input: Box::new(value), target, mode: CastMode::Strict }, span)
    }

    /// Parses `JSON_VALUE(json, path [NULL | ERROR | DEFAULT x ON EMPTY] [… ON ERROR])` as six arguments.
    fn json_value_args(&mut self, call: &mut Call) -> Parsed<()> {
        let span = self.tokens.span();
        self.json_and_path(call)?;
        self.returning(call)?;
        if matches!(self.tokens.peek(), Token::RParen) {
            return Ok(());
        }

        for event in ["EMPTY", "ERROR"] {
            let (mut behavior, mut value) = ("NULL", self.literal(Value::Null, DataType::Null, span)?);
            let before = self.tokens.place();
            if self.tokens.accept_word("DEFAULT") {
                let default = self.expr()?;
                (behavior, value) = ("DEFAULT", self.as_text(default, call)?);
            } else if self.tokens.accept_word("ERROR") {
                behavior = "ERROR";
            } else if !self.tokens.accept_word("NULL") && !matches!(self.tokens.peek(), Token::RParen) {
                return Err(self.tokens.unexpected("NULL, ERROR or DEFAULT"));
            }
            if self.tokens.place() != before && !self.tokens.accept_words(&["ON", event]) {
                // The clause was the one for errors, so there is none for emptiness.
                if event == "EMPTY" && self.tokens.word_at(0, "ON") && self.tokens.word_at(1, "ERROR") {
                    self.tokens.return_to(before);
                    (behavior, value) = ("NULL", self.literal(Value::Null, DataType::Null, span)?);
                } else {
                    return Err(self.tokens.unexpected("`ON EMPTY` or `ON ERROR`"));
                }
            }
            call.args.push(self.word_literal(behavior, span)?);
            call.args.push(value);
        }

        Ok(())
    }
}
