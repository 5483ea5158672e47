//! Calls of scalar functions and operators that the registry knows, over arguments that are bound.

use types::{ColumnType, DataType};

use super::Bound;
use super::nodes::NodeBuilder;
use super::portable::note_call;
use crate::error::{Diagnostic, Span};
use crate::expr::{Expr, ExprId};
use crate::functions::{self, Argument, ScalarFunction};

/// Calls a function or operator by its name in the registry.
pub(super) fn call_function(
    nodes: &mut NodeBuilder<'_>,
    name: &str,
    args: &[ExprId],
    span: Span,
) -> Bound<ExprId> {
    match functions::lookup(name) {
        Some(function) => apply(nodes, function, args, span),
        None => Err(nodes.report(Diagnostic::error(span, format!("{name} is not supported")))),
    }
}

/// Calls a function: checks and converts its arguments.
pub(super) fn apply(
    nodes: &mut NodeBuilder<'_>,
    function: &'static ScalarFunction,
    args: &[ExprId],
    span: Span,
) -> Bound<ExprId> {
    let types: Vec<ColumnType> = args.iter().map(|arg| nodes.type_of(*arg)).collect();
    let given = arguments(nodes, args, &types);

    let signature = match (function.signature)(&given) {
        Ok(signature) => signature,
        Err(wrong) => {
            let shown: Vec<String> = types.iter().map(|t| t.data_type.to_string()).collect();
            let what = if args.is_empty() { "no arguments".to_owned() } else { shown.join(", ") };
            let error = Diagnostic::error(span, format!("{} cannot be applied to {what}", function.name))
                .with_hint(format!("it takes {}", wrong.expected));
            return Err(nodes.report(error));
        }
    };

    note_call(nodes, function.name, args, span);
    let args: Vec<ExprId> =
        args.iter().zip(&signature.args).map(|(arg, to)| convert_argument(nodes, *arg, to)).collect();
    let types: Vec<ColumnType> = args.iter().map(|arg| nodes.type_of(*arg)).collect();
    let given = arguments(nodes, &args, &types);
    let call =
        functions::ScalarCall { args: &given, result: &signature.result, time_zone: nodes.time_zone() };
    if let Err(why) = (function.prepare)(&call) {
        return Err(nodes.report(Diagnostic::error(span, why)));
    }
    Ok(nodes.add(Expr::Call { function, args: args.into() }, signature.result))
}

fn arguments<'t>(nodes: &'t NodeBuilder<'_>, args: &[ExprId], types: &'t [ColumnType]) -> Vec<Argument<'t>> {
    let literals = args.iter().map(|arg| nodes.literal_of(*arg));
    types.iter().zip(literals).map(|(column_type, literal)| Argument { column_type, literal }).collect()
}

fn convert_argument(nodes: &mut NodeBuilder<'_>, arg: ExprId, to: &DataType) -> ExprId {
    match (&nodes.data_type(arg), to) {
        // Functions accept texts of any length, so only the declared length would differ.
        (DataType::Char(_) | DataType::Varchar(_), DataType::Varchar(_))
            if nodes.literal_of(arg).is_none() =>
        {
            arg
        }
        _ => nodes.convert(arg, to),
    }
}
