//! `SELECT`, its `FROM`, and window table functions.

use sqlparser::tokenizer::Token;

use super::ast::{
    CreateView, Expr, ExprKind, From, FromKind, GroupBy, Ident, Select, SelectItem, WindowArg,
    WindowArgValue, WindowCall,
};
use super::special::may_be_alias;
use super::{Parsed, Parser};
use crate::error::{Diagnostic, Span, did_you_mean};

const WINDOW_FUNCTIONS: &[&str] = &["TUMBLE", "HOP", "CUMULATE", "SESSION"];

impl Parser {
    /// `[WITH …] SELECT …`, also in parentheses.
    pub(super) fn query(&mut self) -> Parsed<Select> {
        self.nested(|p| {
            if p.accept(&Token::LParen) {
                let query = p.query()?;
                p.expect(&Token::RParen)?;
                p.behind_query()?;
                return Ok(query);
            }
            let mut with = vec![];
            if p.accept_word("WITH") {
                loop {
                    with.push(p.common_table()?);
                    if !p.accept(&Token::Comma) {
                        break;
                    }
                }
            }
            let mut query = p.select()?;
            query.with = with;
            Ok(query)
        })
    }

    fn common_table(&mut self) -> Parsed<CreateView> {
        let name = self.ident("a name")?;
        let columns = if matches!(self.peek(), Token::LParen) {
            self.list(|p| p.ident("a column's name"))?
        } else {
            vec![]
        };
        self.expect_word("AS")?;
        self.expect(&Token::LParen)?;
        let query = self.query()?;
        self.expect(&Token::RParen)?;
        Ok(CreateView { name, if_not_exists: false, or_replace: false, columns, query })
    }

    fn select(&mut self) -> Parsed<Select> {
        let start = self.span();
        if self.is_word("VALUES") {
            let from = self.values_table()?;
            let items = vec![SelectItem::Star { qualifier: None, span: self.since(start) }];
            self.behind_query()?;
            return Ok(Select {
                with: vec![],
                hints: vec![],
                items,
                from,
                filter: None,
                group_by: None,
                having: None,
                span: self.since(start),
            });
        }

        self.expect_word("SELECT")?;
        let hints = self.hints()?;

        if self.is_word("DISTINCT") {
            let hint = "group by the columns in a window: … GROUP BY window_start, window_end, a, b";
            return Err(self.refuse(self.span(), "SELECT DISTINCT is not supported", hint));
        }

        self.accept_word("ALL");
        let mut items = vec![self.select_item()?];

        while self.accept(&Token::Comma) {
            items.push(self.select_item()?);
            self.bounded(items.len(), "columns", start)?;
        }

        let from = if self.accept_word("FROM") {
            let from = self.from()?;
            self.behind_from()?;
            from
        } else if self.is_end()
            || matches!(self.peek(), Token::SemiColon | Token::RParen | Token::EOF)
            || self.is_word("LIMIT")
            || self.is_word("FETCH")
        {
            // What stands alone is computed once.
            From { kind: FromKind::Values(vec![vec![]]), alias: None, columns: vec![] }
        } else {
            return Err(self.no_from(&items));
        };

        let filter = if self.accept_word("WHERE") { Some(self.expr()?) } else { None };
        let group_by = self.group_by()?;
        let having = if self.accept_word("HAVING") { Some(self.expr()?) } else { None };
        self.behind_query()?;
        Ok(Select { with: vec![], hints, items, from, filter, group_by, having, span: self.since(start) })
    }

    /// `VALUES (1, 'a'), (2, 'b')`, also without the parentheses where there is one column.
    fn values_table(&mut self) -> Parsed<From> {
        self.expect_word("VALUES")?;
        let mut rows = vec![];
        loop {
            let row = match self.peek() {
                Token::LParen => self.list(Parser::expr)?,
                _ => vec![self.expr()?],
            };
            rows.push(row);
            if !self.accept(&Token::Comma) {
                return Ok(From { kind: FromKind::Values(rows), alias: None, columns: vec![] });
            }
        }
    }

    /// A misspelt `FROM` has been taken for the last column's alias.
    fn no_from(&self, items: &[SelectItem]) -> Box<Diagnostic> {
        if let Some(SelectItem::Expr { alias: Some(alias), .. }) = items.last()
            && let Some(hint) = did_you_mean(&alias.value, ["FROM"])
        {
            let error =
                Diagnostic::error(alias.span, format!("expected `,` or `FROM`, found `{}`", alias.value));
            return Box::new(error.with_hint(hint));
        }
        self.unexpected("`,` or `FROM`")
    }

    fn refuse(&self, span: Span, message: &str, hint: &str) -> Box<Diagnostic> {
        Box::new(Diagnostic::error(span, message).with_hint(hint))
    }

    fn select_item(&mut self) -> Parsed<SelectItem> {
        let span = self.span();
        if self.accept(&Token::Mul) {
            return Ok(SelectItem::Star { qualifier: None, span });
        }
        let qualified = matches!(self.peek(), Token::Word(_))
            && matches!(self.peek_nth(1), Token::Period)
            && matches!(self.peek_nth(2), Token::Mul);
        if qualified {
            let qualifier = Some(self.ident("a table's name")?);
            self.at += 2;
            return Ok(SelectItem::Star { qualifier, span: self.since(span) });
        }
        let expr = self.expr()?;
        let alias = self.alias("a column's name")?;
        Ok(SelectItem::Expr { expr, alias })
    }

    /// `[AS] name`.
    fn alias(&mut self, what: &str) -> Parsed<Option<Ident>> {
        if self.accept_word("AS") {
            return self.ident(what).map(Some);
        }
        match self.peek() {
            Token::Word(word) if may_be_alias(word) => self.ident(what).map(Some),
            _ => Ok(None),
        }
    }

    fn from(&mut self) -> Parsed<From> {
        let start = self.span();
        let kind = if self.accept(&Token::LParen) {
            let query = self.query()?;
            self.expect(&Token::RParen)?;
            FromKind::Subquery(Box::new(query))
        } else if self.is_word("TABLE") && matches!(self.peek_nth(1), Token::LParen) {
            self.at += 2;
            let call = self.window_call(start)?;
            self.expect(&Token::RParen)?;
            FromKind::Window(Box::new(WindowCall { span: self.since(start), ..call }))
        } else if WINDOW_FUNCTIONS.iter().any(|w| self.is_word(w))
            && matches!(self.peek_nth(1), Token::LParen)
        {
            return Err(self.refuse(
                start,
                "a window table function stands inside TABLE( … )",
                "FROM TABLE(TUMBLE(TABLE t, …))",
            ));
        } else if self.is_word("UNNEST") || self.is_word("LATERAL") {
            return Err(self.refuse(
                start,
                "UNNEST and LATERAL are not supported",
                "declare the fields as columns",
            ));
        } else if self.is_word("VALUES") {
            return Err(self.refuse(
                start,
                "VALUES stands in parentheses here",
                "FROM (VALUES (1), (2)) AS t (a)",
            ));
        } else {
            let name = self.object_name("a table's name")?;
            FromKind::Table(name, self.hints()?)
        };

        let alias = self.alias("an alias")?;
        let columns = if alias.is_some() && matches!(self.peek(), Token::LParen) {
            self.list(|p| p.ident("a column's name"))?
        } else {
            vec![]
        };

        Ok(From { kind, alias, columns })
    }

    /// `TUMBLE(TABLE t, DESCRIPTOR(c), …)`.
    fn window_call(&mut self, start: Span) -> Parsed<WindowCall> {
        let span = self.span();
        let Token::Word(word) = self.peek() else { return Err(self.unexpected("a window table function")) };
        let function = Ident { value: word.value.clone(), span };
        self.advance();
        let args = self.list(Parser::window_arg)?;
        Ok(WindowCall { function, args, span: self.since(start) })
    }

    fn window_arg(&mut self) -> Parsed<WindowArg> {
        let start = self.span();
        let name = match self.peek() {
            Token::Word(word) if matches!(self.peek_nth(1), Token::RArrow) => {
                let name = Ident { value: word.value.clone(), span: start };
                self.at += 2;
                Some(name)
            }
            _ => None,
        };

        let opens_query =
            matches!(self.peek(), Token::LParen) && (self.word_at(1, "SELECT") || self.word_at(1, "WITH"));
        let value = if self.accept_word("TABLE") || opens_query {
            let table = self.from()?;
            if self.is_word("PARTITION") {
                let hint = "TUMBLE, HOP and CUMULATE have no partitions: group by the keys";
                return Err(self.refuse(self.span(), "PARTITION BY in a window is not supported", hint));
            }
            WindowArgValue::Table(table)
        } else if self.is_word("DESCRIPTOR") {
            self.advance();
            WindowArgValue::Descriptor(self.list(|p| p.ident("the time column's name"))?)
        } else {
            WindowArgValue::Expr(self.expr()?)
        };

        Ok(WindowArg { name, value, span: self.since(start) })
    }

    fn group_by(&mut self) -> Parsed<Option<GroupBy>> {
        let start = self.span();
        if !self.accept_words(&["GROUP", "BY"]) {
            return Ok(None);
        }
        let mut items = vec![];
        loop {
            let expr = self.group_item()?;
            items.push(expr);
            self.bounded(items.len(), "keys", start)?;
            if !self.accept(&Token::Comma) {
                return Ok(Some(GroupBy { items, span: self.since(start) }));
            }
        }
    }

    fn group_item(&mut self) -> Parsed<Expr> {
        let start = self.span();
        for word in ["CUBE", "ROLLUP", "GROUPING"] {
            if self.is_word(word) {
                let message = format!("{word} is not supported");
                return Err(self.refuse(start, &message, "write one INSERT for each grouping"));
            }
        }

        let expr = self.expr()?;
        if let ExprKind::Call(call) = &expr.kind {
            let name = call.name.value.to_ascii_uppercase();
            if matches!(name.as_str(), "TUMBLE" | "HOP" | "SESSION") {
                let message = format!("GROUP BY {name}(…) is the old form of windows");
                let hint = format!(
                    "use the table function: FROM TABLE({}(TABLE t, DESCRIPTOR(time), …)) GROUP BY window_start, window_end",
                    if name == "SESSION" { "TUMBLE" } else { &name }
                );
                return Err(self.refuse(expr.span, &message, &hint));
            }
        }

        Ok(expr)
    }

    /// What may stand behind FROM in Flink, but not here.
    fn behind_from(&self) -> Parsed<()> {
        let span = self.span();
        let joins = ["JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "NATURAL"];
        if matches!(self.peek(), Token::Comma) || joins.iter().any(|word| self.is_word(word)) {
            return Err(self.refuse(
                span,
                "joins are not supported",
                "each query reads one table, view or subquery",
            ));
        }
        for word in ["MATCH_RECOGNIZE", "TABLESAMPLE"] {
            if self.is_word(word) {
                let message = format!("{word} is not supported");
                return Err(self.refuse(span, &message, "queries filter, project and aggregate in windows"));
            }
        }
        Ok(())
    }

    fn behind_query(&self) -> Parsed<()> {
        let span = self.span();
        // Of a query whose rows somebody fetches, the first few may be enough.
        if self.takes_limit && self.depth == 1 && (self.is_word("LIMIT") || self.is_word("FETCH")) {
            return Ok(());
        }
        let refused = [
            ("UNION", "UNION is not supported", "write an INSERT for each part: several may write one table"),
            ("INTERSECT", "INTERSECT is not supported", "filter with WHERE instead"),
            ("EXCEPT", "EXCEPT is not supported", "filter with WHERE instead"),
            ("MINUS", "MINUS is not supported", "filter with WHERE instead"),
            ("ORDER", "ORDER BY is not supported", "rows have no order in the result store; readers sort"),
            ("LIMIT", "LIMIT is not supported", "readers take as many rows as they want, in their order"),
            ("OFFSET", "OFFSET is not supported", "readers take as many rows as they want, in their order"),
            ("FETCH", "FETCH is not supported", "readers take as many rows as they want, in their order"),
            ("WINDOW", "named OVER windows are not supported", "aggregate in a window table function"),
            ("QUALIFY", "QUALIFY is not supported", "aggregate in a window table function"),
        ];
        match refused.into_iter().find(|(word, _, _)| self.is_word(word)) {
            Some((_, message, hint)) => Err(self.refuse(span, message, hint)),
            None => Ok(()),
        }
    }
}
