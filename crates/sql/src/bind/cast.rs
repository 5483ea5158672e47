//! `CAST` and `TRY_CAST`.

use jiff::tz::TimeZone;
use types::{ColumnType, DataType, Scalar, Value};

use super::Bound;
use super::nodes::NodeBuilder;
use crate::error::{Diagnostic, Span};
use crate::expr::{CastMode, ExprId};
use crate::functions::{self, Env, Output};
use crate::parse::ast;
use crate::rewrite::{is_worth_keeping, length};

/// Adds an explicit cast.
pub(super) fn cast(
    nodes: &mut NodeBuilder<'_>,
    input: ExprId,
    target: &ast::TypeName,
    mode: CastMode,
    span: Span,
) -> Bound<ExprId> {
    let from = nodes.type_of(input);
    let to = &target.column_type.data_type;

    if to.repr().is_none() {
        let error = Diagnostic::error(target.span, format!("a value cannot be cast to {to}"));
        return Err(nodes.report(error.with_hint("values of this type cannot be computed")));
    }

    if let DataType::Char(length) | DataType::Binary(length) = to
        && *length as usize > functions::MAX_VALUE_BYTES
    {
        let error = Diagnostic::error(target.span, format!("{to} is longer than a value may be"))
            .with_detail(format!("a value has at most {} bytes", functions::MAX_VALUE_BYTES))
            .with_hint("VARCHAR(n) and VARBINARY(n) are not filled up to their length");
        return Err(nodes.report(error));
    }

    if from.data_type == DataType::Null {
        return Ok(nodes.add_literal(Value::Null, to.clone()));
    }
    if !functions::cast::allowed(&from.data_type, to) {
        let error = Diagnostic::error(span, format!("a {} cannot be cast to {to}", from.data_type));
        return Err(nodes.report(error));
    }

    if from.data_type == *to {
        return Ok(input);
    }
    let nullable = from.nullable || mode == CastMode::Try;
    let column_type = ColumnType { data_type: to.clone(), nullable };
    Ok(nodes.add_cast(input, mode, column_type))
}

/// Converts a literal at compile time. Returns `None` if the conversion fails or gives a long value
/// (`CHAR(1000000)`); then it is left to run time.
pub(crate) fn cast_value(
    value: &Value,
    from: &DataType,
    to: &DataType,
    mode: CastMode,
    time_zone: &TimeZone,
) -> Option<Value> {
    if value.is_null() {
        return Some(Value::Null);
    }
    let code = functions::cast::prepare(from, to, mode, time_zone).ok()?;
    let mut out = Output::default();
    let scalar: Scalar<'_> = value.as_scalar();
    code(&Env { now_ms: 0 }, &[scalar], &mut out).ok()?;
    is_worth_keeping(out.get(), length(scalar)).then(|| out.get().to_value())
}
