//! Binds calls of scalar functions that the registry knows.

use types::{ColumnType, DataType};

use super::{Bound, ExprBinder};
use crate::error::{Diagnostic, Span, did_you_mean};
use crate::expr::{Expr, ExprId};
use crate::functions::{self, Argument, ScalarFunction};
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

impl ExprBinder<'_> {
    pub(super) fn call(&mut self, call: &ast::Call, span: Span) -> Bound<ExprId> {
        let name = call.name.value.to_ascii_uppercase();
        if let Some(argument) = call.arg_names.iter().flatten().next() {
            let error = Diagnostic::error(argument.span, "named arguments are not supported");
            return Err(self.report(error.with_hint("write the arguments in their order")));
        }
        if !call.within_group.is_empty() {
            let error = Diagnostic::error(call.name.span, "WITHIN GROUP is not supported");
            return Err(self.report(error.with_hint("for percentiles: PERCENTILE(x, 0.95)")));
        }
        if call.ignore_nulls.is_some() {
            let error = Diagnostic::error(call.name.span, "IGNORE NULLS and RESPECT NULLS are not supported")
                .with_hint("aggregates skip nulls; for other functions use FILTER (WHERE x IS NOT NULL)");
            return Err(self.report(error));
        }
        if name == "GROUPING" || name == "GROUPING_ID" {
            return self.grouping(call, span);
        }
        if let Some(bound) = self.window_bound(call, &name, span) {
            return bound;
        }
        if let Some(bound) = self.pattern_call(call, &name, span) {
            return bound;
        }
        if super::aggregate::is_aggregate(&name) {
            return self.aggregate(call, &name, span);
        }

        if call.star || call.distinct || call.filter.is_some() {
            let known = functions::lookup(&name).is_some() || OWN.contains(&name.as_str());
            if known {
                let error = Diagnostic::error(span, format!("{name} is not an aggregate function"))
                    .with_hint("`*`, DISTINCT and FILTER are for aggregate functions such as COUNT, SUM, AVG, MIN and MAX");
                return Err(self.report(error));
            }
        }

        if let Some(bound) = self.json_call(call, &name, span) {
            return bound;
        }
        let args = self.all(&call.args)?;
        if let Some(bound) = self.choice_call(&name, &args, span) {
            return bound;
        }
        if name.starts_with('$') {
            return Err(self.unknown_function(&call.name, &name));
        }

        match functions::lookup(&name) {
            Some(function) => self.function(function, &args, span),
            None => Err(self.unknown_function(&call.name, &name)),
        }
    }

    fn unknown_function(&mut self, ident: &ast::Ident, name: &str) -> super::Reported {
        if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
            let error = Diagnostic::error(ident.span, format!("the function {name} is not supported"));
            return self.report(error.with_hint(*why));
        }
        let mut error = Diagnostic::error(ident.span, format!("there is no function `{}`", ident.value));
        if FLINK_ONLY.contains(&name) {
            let error =
                Diagnostic::error(ident.span, format!("the function {name} of Flink is not supported"));
            return self.report(error.with_hint("`weir functions` lists the supported functions"));
        }
        let registry = functions::all().iter().map(|function| function.name);
        let names = registry.filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()));
        let names = names.chain(OWN.iter().copied()).chain(super::aggregate::NAMES.iter().copied());
        error.hint = did_you_mean(name, names);
        self.report(error)
    }

    /// Calls a function or operator by its name in the registry.
    pub(super) fn call_function(&mut self, name: &str, args: &[ExprId], span: Span) -> Bound<ExprId> {
        match functions::lookup(name) {
            Some(function) => self.function(function, args, span),
            None => Err(self.report(Diagnostic::error(span, format!("{name} is not supported")))),
        }
    }

    fn function(&mut self, function: &'static ScalarFunction, args: &[ExprId], span: Span) -> Bound<ExprId> {
        let types: Vec<ColumnType> = args.iter().map(|arg| self.type_of(*arg)).collect();
        let arguments = self.arguments(args, &types);

        let signature = match (function.signature)(&arguments) {
            Ok(signature) => signature,
            Err(wrong) => {
                let given: Vec<String> = types.iter().map(|t| t.data_type.to_string()).collect();
                let what = if args.is_empty() { "no arguments".to_owned() } else { given.join(", ") };
                let error = Diagnostic::error(span, format!("{} cannot be applied to {what}", function.name))
                    .with_hint(format!("it takes {}", wrong.expected));
                return Err(self.report(error));
            }
        };

        self.note_call(function.name, args, span);
        let args: Vec<ExprId> =
            args.iter().zip(&signature.args).map(|(arg, to)| self.convert_argument(*arg, to)).collect();
        let types: Vec<ColumnType> = args.iter().map(|arg| self.type_of(*arg)).collect();
        let arguments = self.arguments(&args, &types);
        let call =
            functions::ScalarCall { args: &arguments, result: &signature.result, time_zone: self.time_zone };
        if let Err(why) = (function.prepare)(&call) {
            return Err(self.report(Diagnostic::error(span, why)));
        }
        Ok(self.graph.add(Expr::Call { function, args: args.into() }, signature.result))
    }

    fn arguments<'t>(&'t self, args: &[ExprId], types: &'t [ColumnType]) -> Vec<Argument<'t>> {
        let literals = args.iter().map(|arg| self.literal_of(*arg));
        types.iter().zip(literals).map(|(column_type, literal)| Argument { column_type, literal }).collect()
    }

    fn convert_argument(&mut self, arg: ExprId, to: &DataType) -> ExprId {
        match (&self.data_type(arg), to) {
            // Functions accept texts of any length, so only the declared length would differ.
            (DataType::Char(_) | DataType::Varchar(_), DataType::Varchar(_))
                if self.literal_of(arg).is_none() =>
            {
                arg
            }
            _ => self.convert(arg, to),
        }
    }
}
