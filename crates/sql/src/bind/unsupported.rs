//! Refusals of what the parser reads and no plan is made of yet.
//!
//! A walk over a statement finds the first construct of this kind, in the order of the text. Each construct is one arm
//! below: it goes when the binder learns the construct. The tree does not keep the place of every word, so some places
//! are looked up in the script's text.

use crate::error::{Diagnostic, Kind, Span};
use crate::parse::ast::{
    Call, ColumnKind, CreateTable, Expr, ExprKind, From, FromKind, GroupItem, Insert, JoinConstraint, Query,
    QueryBody, Select, SetOperator, Statement, WindowArg, WindowArgValue,
};

/// Bytes of a script in which a word is looked up: all of it would take long for each statement of a long script.
const NEAR: usize = 1_000;

/// The statement, unless it has a construct without a plan, which is reported.
pub(crate) fn without(statement: Statement, script: &str, found: &mut Vec<Diagnostic>) -> Option<Statement> {
    let refusal = |walk: &dyn Fn(&mut Refusals<'_>)| {
        let mut refusals = Refusals { script, first: None };
        walk(&mut refusals);
        refusals.first
    };
    let first = match &statement {
        Statement::CreateTable(table) => refusal(&|r| r.table(table)),
        Statement::CreateView(view) => refusal(&|r| r.query(&view.query)),
        Statement::Insert(insert) => refusal(&|r| r.insert(insert)),
        Statement::Query(top) => refusal(&|r| r.top(&top.query)),
        Statement::Explain { inserts, .. } => {
            refusal(&|r| inserts.iter().for_each(|insert| r.insert(insert)))
        }
        Statement::Set { .. } | Statement::Unreadable(_) => None,
    };
    let Some(first) = first else { return Some(statement) };

    found.push(first);
    // The name stays known, so that its uses are not reported too.
    match statement {
        Statement::CreateTable(table) => Some(Statement::Unreadable(table.name)),
        Statement::CreateView(view) => Some(Statement::Unreadable(view.name)),
        _ => None,
    }
}

/// The finding at a construct that the walk should have found before.
pub(super) fn anything_else(span: Span) -> Diagnostic {
    Diagnostic::error(span, "this is not supported")
}

/// The first refusal of a statement.
struct Refusals<'a> {
    script: &'a str,
    first: Option<Diagnostic>,
}

impl Refusals<'_> {
    fn refuse(&mut self, span: Span, message: impl Into<String>, hint: impl Into<String>) {
        if self.first.as_ref().is_none_or(|first| span.start < first.span.start) {
            let error = Diagnostic::error(span, message).with_hint(hint);
            self.first = Some(error.of_kind(Kind::Syntax));
        }
    }

    /// The word at the start of a place, or one character if no word is there.
    fn first_word(&self, span: Span) -> Span {
        let rest = self.script.get(span.start..).unwrap_or_default();
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let length = if word > 0 { word } else { rest.chars().next().map_or(0, char::len_utf8) };
        Span { start: span.start, end: span.start + length }
    }

    /// The last `word` shortly before a place.
    fn word_before(&self, span: Span, word: &str) -> Span {
        let from = self.script.floor_char_boundary(span.start.saturating_sub(NEAR));
        let text = self.script.get(from..span.start).unwrap_or_default().to_ascii_uppercase();
        let start = text.rfind(word).map_or(span.start, |at| from + at);
        Span { start, end: start + word.len() }
    }

    /// The first `word` near the beginning of a place.
    fn word_in(&self, span: Span, word: &str) -> Span {
        let end = self.script.floor_char_boundary(span.end.min(span.start + NEAR));
        let text = self.script.get(span.start..end).unwrap_or_default().to_ascii_uppercase();
        let start = span.start + text.find(word).unwrap_or(0);
        Span { start, end: start + word.len() }
    }

    fn table(&mut self, table: &CreateTable) {
        for column in &table.columns {
            if let ColumnKind::Computed(expr) = &column.kind {
                self.expr(expr);
            }
        }
        if let Some(watermark) = &table.watermark {
            self.expr(&watermark.expr);
        }
    }

    fn insert(&mut self, insert: &Insert) {
        self.query(&insert.query);
        if let Some(conflict) = &insert.on_conflict {
            let hint = "leave it out: rows with the same key replace each other";
            self.refuse(conflict.span, "ON CONFLICT is not supported", hint);
        }
    }

    /// A query whose rows somebody fetches: the first few may be enough.
    fn top(&mut self, query: &Query) {
        self.query_but_limit(query);
    }

    fn query(&mut self, query: &Query) {
        self.query_but_limit(query);
        if let Some(limit) = &query.limit {
            let word = self.first_word(limit.span);
            let name = self.script.get(word.start..word.end).unwrap_or("LIMIT").to_ascii_uppercase();
            let hint = "readers take as many rows as they want, in their order";
            self.refuse(word, format!("{name} is not supported"), hint);
        }
    }

    fn query_but_limit(&mut self, query: &Query) {
        query.with.iter().for_each(|table| self.query(&table.query));
        match &query.body {
            QueryBody::Select(select) => self.select(select),
            QueryBody::Values { rows, .. } => rows.iter().flatten().for_each(|expr| self.expr(expr)),
            QueryBody::Nested(query) => self.query(query),
            QueryBody::SetOperation(operation) => {
                let place = self.first_word(operation.operator_span);
                let (message, hint) = match operation.operator {
                    SetOperator::Union => (
                        "UNION is not supported",
                        "write an INSERT for each part: several may write one table",
                    ),
                    SetOperator::Intersect => ("INTERSECT is not supported", "filter with WHERE instead"),
                    SetOperator::Except => ("EXCEPT is not supported", "filter with WHERE instead"),
                };
                self.refuse(place, message, hint);
                self.query(&operation.left);
                self.query(&operation.right);
            }
        }
        if let Some(item) = query.order_by.first() {
            let place = self.word_before(item.expr.span, "ORDER");
            let hint = "rows have no order in the result store; readers sort";
            self.refuse(place, "ORDER BY is not supported", hint);
        }
        if let Some(offset) = &query.offset {
            let hint = "readers take as many rows as they want, in their order";
            self.refuse(self.first_word(offset.span), "OFFSET is not supported", hint);
        }
    }

    fn select(&mut self, select: &Select) {
        if select.distinct {
            let hint = "group by the columns in a window: … GROUP BY window_start, window_end, a, b";
            self.refuse(self.word_in(select.span, "DISTINCT"), "SELECT DISTINCT is not supported", hint);
        }
        if let Some(from) = &select.from {
            self.from(from);
        }
        for expr in select.exprs() {
            self.expr(expr);
        }
        for item in select.group_by.iter().flat_map(|group_by| &group_by.items) {
            self.group_item(item);
        }

        let hint = "aggregate in a window table function";
        if let Some((name, _)) = select.windows.first() {
            self.refuse(self.word_before(name.span, "WINDOW"), "named OVER windows are not supported", hint);
        }
        if let Some(qualify) = &select.qualify {
            self.refuse(self.word_before(qualify.span, "QUALIFY"), "QUALIFY is not supported", hint);
        }
    }

    fn group_item(&mut self, item: &GroupItem) {
        let (span, word) = match item {
            GroupItem::Expr(expr) => return self.old_window(expr),
            GroupItem::Tuple { span, .. } => return self.row(*span),
            GroupItem::Sets { span, .. } => (*span, "GROUPING"),
            GroupItem::Rollup { span, .. } => (*span, "ROLLUP"),
            GroupItem::Cube { span, .. } => (*span, "CUBE"),
        };
        let hint = "write one INSERT for each grouping";
        self.refuse(self.first_word(span), format!("{word} is not supported"), hint);
    }

    /// `GROUP BY TUMBLE(…)`.
    fn old_window(&mut self, expr: &Expr) {
        let ExprKind::Call(call) = &expr.kind else { return };
        let name = call.name.value.to_ascii_uppercase();
        if matches!(name.as_str(), "TUMBLE" | "HOP" | "SESSION") {
            let function = if name == "SESSION" { "TUMBLE" } else { &name };
            let hint = format!(
                "use the table function: FROM TABLE({function}(TABLE t, DESCRIPTOR(time), …)) GROUP BY window_start, window_end"
            );
            self.refuse(expr.span, format!("GROUP BY {name}(…) is the old form of windows"), hint);
        }
    }

    fn from(&mut self, from: &From) {
        let word = self.first_word(from.span);
        match &from.kind {
            FromKind::Table { system_time, .. } => {
                if let Some(time) = system_time {
                    let place = self.word_before(time.span, "FOR");
                    let hint = "each query reads one table, view or subquery";
                    self.refuse(place, "FOR SYSTEM_TIME is not supported", hint);
                }
            }
            FromKind::Subquery(query) => self.query(query),
            FromKind::Values { rows, .. } => rows.iter().flatten().for_each(|expr| self.expr(expr)),
            FromKind::Window(call) if call.span.start == call.function.span.start => {
                let message = "a window table function stands inside TABLE( … )";
                self.refuse(word, message, "FROM TABLE(TUMBLE(TABLE t, …))");
            }
            FromKind::Window(call) => call.args.iter().for_each(|arg| self.arg(arg)),
            FromKind::Function(call) if word.start != call.function.span.start => {
                let message =
                    format!("the window {} is not supported", call.function.value.to_ascii_uppercase());
                self.refuse(call.function.span, message, "there are TUMBLE, HOP and CUMULATE");
            }
            FromKind::Function(call) => {
                let message = format!("the table function {} is not supported", call.function.value);
                self.refuse(call.function.span, message, "there are TUMBLE, HOP and CUMULATE");
            }
            FromKind::Lateral(_) | FromKind::Unnest { .. } => {
                let message = "UNNEST and LATERAL are not supported";
                self.refuse(word, message, "declare the fields as columns");
            }
            FromKind::Join(join) => {
                let hint = "each query reads one table, view or subquery";
                self.refuse(self.first_word(join.span), "joins are not supported", hint);
                self.from(&join.left);
                self.from(&join.right);
                if let JoinConstraint::On(condition) = &join.constraint {
                    self.expr(condition);
                }
            }
            FromKind::Match(matching) => {
                let hint = "queries filter, project and aggregate in windows";
                let place = self.first_word(matching.span);
                self.refuse(place, "MATCH_RECOGNIZE is not supported", hint);
                self.from(&matching.input);
            }
            FromKind::Nested(from) => self.from(from),
        }
    }

    fn arg(&mut self, arg: &WindowArg) {
        match &arg.value {
            WindowArgValue::Table { from, partition_by, order_by } => {
                self.from(from);
                let hint = "TUMBLE, HOP and CUMULATE have no partitions: group by the keys";
                if let Some(key) = partition_by.first() {
                    let place = self.word_before(key.span, "PARTITION");
                    self.refuse(place, "PARTITION BY in a window is not supported", hint);
                }
                if let Some(item) = order_by.first() {
                    let place = self.word_before(item.expr.span, "ORDER");
                    self.refuse(place, "ORDER BY in a window is not supported", hint);
                }
            }
            WindowArgValue::Descriptor(_) => {}
            WindowArgValue::Expr(expr) => self.expr(expr),
        }
    }

    fn row(&mut self, span: Span) {
        let hint = "compare or compute the values one by one";
        self.refuse(span, "a row of values has no place here", hint);
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Row(_) if self.script.as_bytes().get(expr.span.start) == Some(&b'(') => {
                self.row(expr.span)
            }
            ExprKind::Row(_) | ExprKind::Map(_) => {
                let name = if matches!(expr.kind, ExprKind::Row(_)) { "ROW" } else { "MAP" };
                let hint = "a result's columns are scalar: write each value as a column";
                self.refuse(self.first_word(expr.span), format!("{name} values are not supported"), hint);
            }
            ExprKind::Field(_, field) => {
                let hint = "declare the field as a column";
                self.refuse(field.span, "a field of a computed value is not supported", hint);
            }
            ExprKind::Exists(_) | ExprKind::Subquery(_) => self.no_subquery(self.first_word(expr.span)),
            ExprKind::InQuery { query, .. } | ExprKind::Quantified { query, .. } => {
                self.no_subquery(self.word_before(query.span, "("));
            }
            ExprKind::Call(call) => self.call(call),
            _ => {}
        }
        for child in expr.kind.children() {
            self.expr(child);
        }
    }

    fn no_subquery(&mut self, span: Span) {
        let hint = "put a subquery or view in FROM, or list the values";
        self.refuse(span, "a query inside an expression is not supported", hint);
    }

    fn call(&mut self, call: &Call) {
        if let Some(name) = call.arg_names.iter().flatten().next() {
            let hint = "write the arguments in their order, without names";
            self.refuse(name.span, "named arguments are not supported", hint);
        }
        if let Some(over) = &call.over {
            let hint = "aggregate in a window table function: TUMBLE, HOP or CUMULATE";
            self.refuse(self.first_word(over.span), "OVER windows are not supported", hint);
        }
        if let Some(item) = call.within_group.first() {
            let place = self.word_before(item.expr.span, "WITHIN");
            self.refuse(place, "WITHIN GROUP is not supported", "for percentiles: PERCENTILE(x, 0.95)");
        }
        if call.ignore_nulls.is_some() {
            let hint = "filter the nulls: FILTER (WHERE x IS NOT NULL)";
            self.refuse(call.name.span, "IGNORE NULLS and RESPECT NULLS are not supported", hint);
        }
    }
}
