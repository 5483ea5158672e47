//! Function fusion: replaces groups of functions, mostly from text to time, by one function.
//!
//! Reading all forms of timestamps takes half a dozen text functions in SQL, each of which creates a text for
//! every row. For each of these groups the registry has one function with exactly the same results.

use types::{ColumnType, DataType, Value};

use super::Rewriter;
use crate::expr::{CastMode, Expr, ExprId};
use crate::functions::{self, ScalarFunction};

/// The pattern for the offset at the end of a timestamp, as scripts write it.
const OFFSET: &str = r"(Z|[+-]\d\d:\d\d)$";

/// The pattern of the text of `CAST(ts AS STRING)` for a TIMESTAMP(3).
const WRITTEN: &str = "yyyy-MM-dd HH:mm:ss[.SSS]";

/// Fuses `TRY_CAST(REPLACE(x, 'T', ' ') AS TIMESTAMP(3))`, and the same with TIMESTAMP_LTZ(3).
pub(super) fn cast(
    rewriter: &mut Rewriter<'_>,
    input: ExprId,
    mode: CastMode,
    column_type: &ColumnType,
) -> Option<ExprId> {
    let fused = match (mode, &column_type.data_type) {
        (CastMode::Try, DataType::Timestamp(3)) => "$PARSE_TIMESTAMP",
        (CastMode::Try, DataType::TimestampLtz(3)) => "$PARSE_TIMESTAMP_LTZ",
        (_, to) if *to == DataType::STRING => return rounded_text(rewriter, input, column_type),
        _ => return None,
    };
    let [text, from, to] = call_of(rewriter, input, "REPLACE")? else { return None };
    let (text, from, to) = (*text, *from, *to);
    if !is_text(rewriter, from, "T") || !is_text(rewriter, to, " ") {
        return None;
    }
    put(rewriter, fused, vec![text], column_type)
}

/// Fuses `CAST(ROUND(m, j) AS STRING)` of a decimal, and `TRUNCATE`, if `j` differs from row to row: the type
/// has the digits of `m`, the text only the remaining `j` digits.
fn rounded_text(rewriter: &mut Rewriter<'_>, input: ExprId, column_type: &ColumnType) -> Option<ExprId> {
    let (name, args) = match rewriter.to.expr(input) {
        Expr::Call { function, args } if function.name == "ROUND" => ("$ROUND_TEXT", args),
        Expr::Call { function, args } if function.name == "TRUNCATE" => ("$TRUNCATE_TEXT", args),
        _ => return None,
    };
    let [number, digits] = **args else { return None };
    let is_decimal = matches!(rewriter.to.column_type(number).data_type, DataType::Decimal { .. });
    if !is_decimal || rewriter.literal(digits).is_some() {
        return None;
    }
    put(rewriter, name, vec![number, digits], column_type)
}

pub(super) fn call(
    rewriter: &mut Rewriter<'_>,
    function: &ScalarFunction,
    args: &[ExprId],
    column_type: &ColumnType,
) -> Option<ExprId> {
    match (function.name, args) {
        ("REGEXP_REPLACE", [text, pattern, replacement])
            if is_text(rewriter, *pattern, OFFSET) && is_text(rewriter, *replacement, "") =>
        {
            put(rewriter, "$STRIP_OFFSET", vec![*text], column_type)
        }
        ("REGEXP_EXTRACT", [text, pattern, group])
            if is_text(rewriter, *pattern, OFFSET) && rewriter.literal(*group) == Some(&Value::Int(1)) =>
        {
            put(rewriter, "$OFFSET_OF", vec![*text], column_type)
        }
        ("TO_TIMESTAMP_LTZ", [text, format, zone]) if is_text(rewriter, *format, WRITTEN) => {
            let Expr::Cast { input, .. } = rewriter.to.expr(*text) else { return None };
            let (input, zone) = (*input, *zone);
            let is_time = rewriter.to.column_type(input).data_type == DataType::Timestamp(3);
            let is_string = rewriter.to.column_type(*text).data_type == DataType::STRING;
            if !is_time || !is_string {
                return None;
            }
            put(rewriter, "$AT_ZONE", vec![input, zone], column_type)
        }
        _ => None,
    }
}

/// Returns the arguments if the node is a call of this function.
fn call_of<'a>(rewriter: &'a Rewriter<'_>, id: ExprId, name: &str) -> Option<&'a [ExprId]> {
    match rewriter.to.expr(id) {
        Expr::Call { function, args } if function.name == name => Some(args),
        _ => None,
    }
}

fn is_text(rewriter: &Rewriter<'_>, id: ExprId, wanted: &str) -> bool {
    matches!(rewriter.literal(id), Some(Value::Text(text)) if text == wanted)
}

fn put(
    rewriter: &mut Rewriter<'_>,
    name: &str,
    args: Vec<ExprId>,
    column_type: &ColumnType,
) -> Option<ExprId> {
    let function = functions::lookup(name)?;
    Some(rewriter.to.add(Expr::Call { function, args: args.into() }, column_type.clone()))
}
