//! Binds calls: finds out what the name of a call stands for.

use super::aggregate::{NAMES, aggregate_value, is_aggregate};
use super::choose::choice_call;
use super::function::apply;
use super::group_calls::{grouping, window_bound};
use super::json::json_call;
use super::matching::pattern_call;
use super::{Bound, ExprBinder, Reported};
use crate::error::{Diagnostic, Span, did_you_mean};
use crate::expr::ExprId;
use crate::functions;
use crate::parse::ast;

/// Functions that the binder turns into expressions itself; they are listed for "did you mean".
const OWN: &[&str] = &["COALESCE", "IFNULL", "NULLIF", "IF", "CAST", "TRY_CAST"];

/// Functions of Flink that have no meaning as a plain scalar call, each with a hint.
const REFUSED: &[(&str, &str)] = &[
    ("APPROX_COUNT_DISTINCT", "Flink refuses it in streams; COUNT(DISTINCT x) is exact here"),
    ("ROW_NUMBER", "it needs an OVER (PARTITION BY … ORDER BY …)"),
    ("RANK", "it needs an OVER (PARTITION BY … ORDER BY …)"),
    ("DENSE_RANK", "it needs an OVER (PARTITION BY … ORDER BY …)"),
    ("LAG", "it needs an OVER (PARTITION BY … ORDER BY …)"),
    ("FIRST", "it is available in MATCH_RECOGNIZE; for the first value of a group use FIRST_VALUE(x)"),
    ("LAST", "it is available in MATCH_RECOGNIZE; for the last value of a group use LAST_VALUE(x)"),
    ("MATCH_ROWTIME", "it is a measure of MATCH_RECOGNIZE"),
    ("MATCH_PROCTIME", "it is a measure of MATCH_RECOGNIZE"),
    ("PERCENTILE_CONT", "use PERCENTILE(x, 0.95)"),
    ("PERCENTILE_DISC", "use PERCENTILE(x, 0.95)"),
];

/// Scalar functions of Flink that are not supported, sorted. For these names no similar name is suggested.
const FLINK_ONLY: &[&str] = &[
    "BITMAP_AND",
    "BITMAP_BUILD",
    "BITMAP_CARDINALITY",
    "BITMAP_OR",
    "CURRENT_DATABASE",
    "CURRENT_WATERMARK",
    "DECODE",
    "ELT",
    "ENCODE",
    "HASH_CODE",
    "INET_ATON",
    "INET_NTOA",
    "OVERLAPS",
    "PARSE_JSON",
    "PARSE_URL",
    "PRINTF",
    "RAND",
    "RAND_INTEGER",
    "REGEXP_COUNT",
    "REGEXP_EXTRACT_ALL",
    "REGEXP_INSTR",
    "REGEXP_SUBSTR",
    "TRANSLATE",
    "TRY_PARSE_JSON",
    "UNHEX",
    "UUID",
];

/// Binds a call that has no OVER.
pub(super) fn call_value(binder: &mut ExprBinder<'_>, call: &ast::Call, span: Span) -> Bound<ExprId> {
    let name = call.name.value.to_ascii_uppercase();
    if let Some(argument) = call.arg_names.iter().flatten().next() {
        let error = Diagnostic::error(argument.span, "named arguments are not supported");
        return Err(binder.report(error.with_hint("write the arguments in their order")));
    }
    if !call.within_group.is_empty() {
        let error = Diagnostic::error(call.name.span, "WITHIN GROUP is not supported");
        return Err(binder.report(error.with_hint("for percentiles: PERCENTILE(x, 0.95)")));
    }
    if call.ignore_nulls.is_some() {
        let error = Diagnostic::error(call.name.span, "IGNORE NULLS and RESPECT NULLS are not supported")
            .with_hint("aggregates skip nulls; for other functions use FILTER (WHERE x IS NOT NULL)");
        return Err(binder.report(error));
    }
    if name == "GROUPING" || name == "GROUPING_ID" {
        return grouping(binder, call, span);
    }
    if let Some(bound) = window_bound(binder, call, &name, span) {
        return bound;
    }
    if let Some(bound) = pattern_call(binder, call, &name, span) {
        return bound;
    }
    if is_aggregate(&name) {
        return aggregate_value(binder, call, &name, span);
    }

    if call.star || call.distinct || call.filter.is_some() {
        let known = functions::lookup(&name).is_some() || OWN.contains(&name.as_str());
        if known {
            let error = Diagnostic::error(span, format!("{name} is not an aggregate function")).with_hint(
                "`*`, DISTINCT and FILTER are for aggregate functions such as COUNT, SUM, AVG, MIN and MAX",
            );
            return Err(binder.report(error));
        }
    }

    if let Some(bound) = json_call(binder, call, &name, span) {
        return bound;
    }
    let args = binder.all(&call.args)?;
    if let Some(bound) = choice_call(binder.nodes(), &name, &args, span) {
        return bound;
    }
    if name.starts_with('$') {
        return Err(unknown_function(binder, &call.name, &name));
    }

    match functions::lookup(&name) {
        Some(function) => apply(binder.nodes(), function, &args, span),
        None => Err(unknown_function(binder, &call.name, &name)),
    }
}

fn unknown_function(binder: &mut ExprBinder<'_>, ident: &ast::Ident, name: &str) -> Reported {
    if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
        let error = Diagnostic::error(ident.span, format!("the function {name} is not supported"));
        return binder.report(error.with_hint(*why));
    }
    let mut error = Diagnostic::error(ident.span, format!("there is no function `{}`", ident.value));
    if FLINK_ONLY.contains(&name) {
        let error = Diagnostic::error(ident.span, format!("the function {name} of Flink is not supported"));
        return binder.report(error.with_hint("`weir functions` lists the supported functions"));
    }
    let registry = functions::all().iter().map(|function| function.name);
    let names = registry.filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()));
    let names = names.chain(OWN.iter().copied()).chain(NAMES.iter().copied());
    error.hint = did_you_mean(name, names);
    binder.report(error)
}
