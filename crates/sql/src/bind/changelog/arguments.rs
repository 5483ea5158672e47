//! Arguments of `FROM_CHANGELOG` and `TO_CHANGELOG`: either all named or all positional.

use types::Value;

use crate::error::{Diagnostic, Span, did_you_mean};
use crate::parse::ast::{Expr, ExprKind, From, FunctionTable, Ident, WindowArg, WindowArgValue};

/// Parameter names in positional order; compared case-sensitively in lower case, as in Flink.
const NAMES: [&str; 5] = ["input", "op", "op_mapping", "on_time", "uid"];

/// Arguments of a call; a null argument counts as absent.
pub(super) struct Arguments<'a> {
    pub(super) input: &'a From,
    pub(super) op: Option<&'a Ident>,
    /// Key and value expressions of the map.
    pub(super) op_mapping: Option<Mapping<'a>>,
    pub(super) on_time: Option<(&'a [Ident], Span)>,
    span: Span,
}

/// A map literal such as `MAP['c, r', 'INSERT']`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mapping<'a> {
    pub(super) entries: &'a [(Expr, Expr)],
    pub(super) span: Span,
}

type Found<T> = Result<T, Box<Diagnostic>>;

impl<'a> Arguments<'a> {
    pub(super) fn of(function: &str, call: &'a FunctionTable) -> Found<Arguments<'a>> {
        let form = format!(
            "it is {function}(input => TABLE t[, op => DESCRIPTOR(column)][, op_mapping => MAP['key', 'value']])"
        );
        let slots = slots(function, call)?;
        let [input, op, op_mapping, on_time, uid] = slots;

        let Some(input) = input else {
            let error = Diagnostic::error(call.span, format!("{function} needs the argument `input`"));
            return Err(Box::new(error.with_hint(form)));
        };
        let WindowArgValue::Table { from, partition_by, order_by } = &input.value else {
            let error = Diagnostic::error(input.span, format!("the input of {function} is a table"));
            return Err(Box::new(error.with_hint(form)));
        };
        let clause = match (partition_by.first(), order_by.first()) {
            (Some(key), _) => Some(("PARTITION BY", key.span)),
            (None, Some(item)) => Some(("ORDER BY", item.expr.span)),
            (None, None) => None,
        };
        if let Some((clause, span)) = clause {
            let error = Diagnostic::error(span, format!("{clause} is not allowed in {function}"))
                .with_detail("it handles each row separately, in order of arrival")
                .with_hint("leave it out");
            return Err(Box::new(error));
        }

        if let Some(uid) = uid {
            identifier(uid)?;
        }
        Ok(Arguments {
            input: from,
            op: op.map(one_column).transpose()?.flatten(),
            op_mapping: op_mapping.map(mapping).transpose()?.flatten(),
            on_time: on_time.map(descriptor).transpose()?.flatten().zip(on_time.map(|arg| arg.span)),
            span: op.map_or(call.span, |op| op.span),
        })
    }

    /// Returns the name of the column that holds the change codes.
    pub(super) fn op_name(&self) -> &'a str {
        self.op.map_or(super::OP, |op| op.value.as_str())
    }

    /// Returns the span of the column's name, or of the whole call if no column is named.
    pub(super) fn op_span(&self) -> Span {
        self.op.map_or(self.span, |op| op.span)
    }
}

/// Sorts the arguments into the order of [`NAMES`].
fn slots<'a>(function: &str, call: &'a FunctionTable) -> Found<[Option<&'a WindowArg>; 5]> {
    let names = NAMES.join(", ");
    let mut slots = [None; NAMES.len()];
    for (at, arg) in call.args.iter().enumerate() {
        if arg.name.is_some() != call.args[0].name.is_some() {
            let message = format!("some arguments of {function} have names and some have none");
            return Err(Box::new(Diagnostic::error(arg.span, message).with_hint("name all of them")));
        }

        let place = match &arg.name {
            None => (at < NAMES.len()).then_some(at),
            Some(name) => NAMES.iter().position(|known| *known == name.value),
        };
        let Some(place) = place else {
            let (message, name) = match &arg.name {
                Some(name) => (format!("{function} has no argument `{}`", name.value), name.value.as_str()),
                None => (format!("{function} does not take {} arguments", call.args.len()), ""),
            };
            let span = arg.name.as_ref().map_or(arg.span, |name| name.span);
            let hint = did_you_mean(name, NAMES).unwrap_or_else(|| format!("its arguments are {names}"));
            return Err(Box::new(Diagnostic::error(span, message).with_hint(hint)));
        };
        if slots[place].is_some() {
            let message = format!("{function} has the argument `{}` twice", NAMES[place]);
            return Err(Box::new(Diagnostic::error(arg.span, message).with_hint("leave one out")));
        }
        slots[place] = Some(arg);
    }
    Ok(slots)
}

/// Returns the columns of `DESCRIPTOR(…)`, or `None` for a null.
fn descriptor(arg: &WindowArg) -> Found<Option<&[Ident]>> {
    match &arg.value {
        WindowArgValue::Descriptor(columns) => Ok(Some(columns)),
        WindowArgValue::Expr(expr) if is_null(expr) => Ok(None),
        WindowArgValue::Expr(_) | WindowArgValue::Table { .. } => {
            let error = Diagnostic::error(arg.span, "this argument names a column");
            Err(Box::new(error.with_hint("write DESCRIPTOR(column)")))
        }
    }
}

fn one_column(arg: &WindowArg) -> Found<Option<&Ident>> {
    match descriptor(arg)? {
        None => Ok(None),
        Some([column]) => Ok(Some(column)),
        Some(_) => {
            let error = Diagnostic::error(arg.span, "the codes are in one column");
            Err(Box::new(error.with_hint("write DESCRIPTOR(column)")))
        }
    }
}

fn mapping(arg: &WindowArg) -> Found<Option<Mapping<'_>>> {
    match &arg.value {
        WindowArgValue::Expr(expr) if is_null(expr) => Ok(None),
        WindowArgValue::Expr(Expr { kind: ExprKind::Map(entries), span, .. }) => {
            Ok(Some(Mapping { entries, span: *span }))
        }
        WindowArgValue::Expr(expr) => Err(super::codes::not_written_out(expr.span)),
        WindowArgValue::Descriptor(_) | WindowArgValue::Table { .. } => {
            Err(super::codes::not_written_out(arg.span))
        }
    }
}

/// Checks the form of a `uid`. Flink uses it to find an operator's state in a savepoint; here operators are
/// identified by their meaning, so the value is not used.
fn identifier(arg: &WindowArg) -> Found<()> {
    let is_fine = match &arg.value {
        WindowArgValue::Expr(Expr { kind: ExprKind::Literal { value: Value::Text(text), .. }, .. }) => {
            let mut letters = text.chars();
            letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
                && letters.all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
        }
        WindowArgValue::Expr(expr) => is_null(expr),
        WindowArgValue::Table { .. } | WindowArgValue::Descriptor(_) => false,
    };
    if is_fine {
        return Ok(());
    }
    let error = Diagnostic::error(arg.span, "a uid is a literal of letters, digits, `-` and `_`");
    Err(Box::new(error.with_hint("begin it with a letter: uid => 'my-changes'")))
}

/// Returns whether an expression is `NULL`, possibly inside a cast.
fn is_null(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Literal { value, .. } => *value == Value::Null,
        ExprKind::Cast { input, .. } => is_null(input),
        _ => false,
    }
}
