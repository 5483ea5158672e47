//! Notices for SQL that is accepted here but refused by Flink, for scripts that must run on both.

use types::{DataType, Scalar};

use super::nodes::NodeBuilder;
use crate::error::{Diagnostic, Span, cut};
use crate::expr::ExprId;
use crate::functions;

fn refused_by_flink(nodes: &mut NodeBuilder<'_>, span: Span, what: &str, instead: &str) {
    nodes.report(Diagnostic::refused_by_flink(span, what, instead));
}

fn literal_text<'n>(nodes: &'n NodeBuilder<'_>, id: ExprId) -> Option<&'n str> {
    match nodes.literal_of(id)?.as_scalar() {
        Scalar::Text(text) => Some(text),
        _ => None,
    }
}

/// Adds notices for a valid call that Flink refuses.
pub(super) fn note_call(nodes: &mut NodeBuilder<'_>, name: &str, args: &[ExprId], span: Span) {
    const DATE_PARTS: [&str; 7] =
        ["YEAR", "QUARTER", "MONTH", "WEEK", "DAYOFYEAR", "DAYOFMONTH", "DAYOFWEEK"];
    let types: Vec<DataType> = args.iter().map(|arg| nodes.data_type(*arg)).collect();
    let is_floating = |t: &DataType| matches!(t, DataType::Float | DataType::Double);

    match (name, types.as_slice()) {
        ("LIKE" | "SIMILAR TO", [_, _, _]) if literal_text(nodes, args[2]) == Some(" ") => {
            refused_by_flink(nodes, span, "a blank as the ESCAPE", "choose another character");
        }
        ("EXTRACT", [_, DataType::Date]) => {
            let unit = literal_text(nodes, args[0]).unwrap_or_default().to_owned();
            if ["NANOSECOND", "MICROSECOND"].contains(&unit.as_str()) {
                let what = format!("EXTRACT({unit} FROM a DATE)");
                refused_by_flink(nodes, span, &what, "a DATE has no time of day: the answer is 0");
            }
        }
        ("EXTRACT", [_, DataType::Time(_)]) => {
            let unit = literal_text(nodes, args[0]).unwrap_or_default().to_owned();
            let is_of_day = ["HOUR", "MINUTE", "EPOCH"].contains(&unit.as_str()) || unit.ends_with("SECOND");
            if !is_of_day {
                let what = format!("EXTRACT({unit} FROM a TIME)");
                refused_by_flink(nodes, span, &what, "a TIME has no date");
            }
        }
        (name, [DataType::Time(_)]) if DATE_PARTS.contains(&name) => {
            refused_by_flink(nodes, span, &format!("{name} of a TIME"), "a TIME has no date");
        }
        ("DATE_FORMAT", [DataType::Date, _]) => {
            let instead = "CAST the DATE to a TIMESTAMP(3)";
            refused_by_flink(nodes, span, "DATE_FORMAT of a DATE", instead);
        }
        ("TO_TIMESTAMP_LTZ", [_, _, _]) => {
            let zone = literal_text(nodes, args[2]).map(str::to_owned);
            if let Some(zone) = zone.filter(|zone| functions::zone::zone(zone).is_none()) {
                let what = format!("the time zone '{}', which does not exist,", cut(&zone));
                refused_by_flink(nodes, span, &what, "the answer is null");
            }
        }
        ("TIMESTAMPDIFF", [_, a, b]) => {
            let is_instant = |t: &DataType| matches!(t, DataType::TimestampLtz(_));
            if is_instant(a) != is_instant(b) {
                let instead = "CAST one of them to the other's type";
                refused_by_flink(nodes, span, "TIMESTAMPDIFF of a TIMESTAMP and a TIMESTAMP_LTZ", instead);
            }
        }
        ("%", [a, b]) if is_floating(a) || is_floating(b) => {
            refused_by_flink(nodes, span, "MOD of a floating number", "CAST it to a DECIMAL");
        }
        _ => {}
    }
}

/// Adds a notice for a comparison of types that Flink refuses.
pub(super) fn note_comparison(nodes: &mut NodeBuilder<'_>, a: &DataType, b: &DataType, span: Span) {
    let mixes = |x: &DataType, y: &DataType| {
        *x == DataType::Date && (y.is_timestamp() || matches!(y, DataType::Time(_)))
    };
    if mixes(a, b) || mixes(b, a) {
        let what = format!("a comparison of {a} and {b}");
        refused_by_flink(nodes, span, &what, "CAST one of them to the other's type");
    }
}
