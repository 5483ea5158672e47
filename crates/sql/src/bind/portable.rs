//! Notices for SQL that is accepted here but refused by Flink, for scripts that must run on both.

use types::{DataType, Scalar};

use super::ExprBinder;
use crate::error::{Diagnostic, Span, cut};
use crate::expr::ExprId;
use crate::functions;

impl ExprBinder<'_> {
    fn refused_by_flink(&mut self, span: Span, what: &str, instead: &str) {
        self.diagnostics.push(Diagnostic::refused_by_flink(span, what, instead));
    }

    fn literal_text(&self, id: ExprId) -> Option<&str> {
        match self.literal_of(id)?.as_scalar() {
            Scalar::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Adds notices for a valid call that Flink refuses.
    pub(super) fn note_call(&mut self, name: &str, args: &[ExprId], span: Span) {
        const DATE_PARTS: [&str; 7] =
            ["YEAR", "QUARTER", "MONTH", "WEEK", "DAYOFYEAR", "DAYOFMONTH", "DAYOFWEEK"];
        let types: Vec<DataType> = args.iter().map(|arg| self.data_type(*arg)).collect();
        let is_floating = |t: &DataType| matches!(t, DataType::Float | DataType::Double);

        match (name, types.as_slice()) {
            ("LIKE" | "SIMILAR TO", [_, _, _]) if self.literal_text(args[2]) == Some(" ") => {
                self.refused_by_flink(span, "a blank as the ESCAPE", "choose another character");
            }
            ("EXTRACT", [_, DataType::Date]) => {
                let unit = self.literal_text(args[0]).unwrap_or_default().to_owned();
                if ["NANOSECOND", "MICROSECOND"].contains(&unit.as_str()) {
                    let what = format!("EXTRACT({unit} FROM a DATE)");
                    self.refused_by_flink(span, &what, "a DATE has no time of day: the answer is 0");
                }
            }
            ("EXTRACT", [_, DataType::Time(_)]) => {
                let unit = self.literal_text(args[0]).unwrap_or_default().to_owned();
                let is_of_day =
                    ["HOUR", "MINUTE", "EPOCH"].contains(&unit.as_str()) || unit.ends_with("SECOND");
                if !is_of_day {
                    let what = format!("EXTRACT({unit} FROM a TIME)");
                    self.refused_by_flink(span, &what, "a TIME has no date");
                }
            }
            (name, [DataType::Time(_)]) if DATE_PARTS.contains(&name) => {
                self.refused_by_flink(span, &format!("{name} of a TIME"), "a TIME has no date");
            }
            ("DATE_FORMAT", [DataType::Date, _]) => {
                let instead = "CAST the DATE to a TIMESTAMP(3)";
                self.refused_by_flink(span, "DATE_FORMAT of a DATE", instead);
            }
            ("TO_TIMESTAMP_LTZ", [_, _, _]) => {
                let zone = self.literal_text(args[2]).map(str::to_owned);
                if let Some(zone) = zone.filter(|zone| functions::zone::zone(zone).is_none()) {
                    let what = format!("the time zone '{}', which does not exist,", cut(&zone));
                    self.refused_by_flink(span, &what, "the answer is null");
                }
            }
            ("TIMESTAMPDIFF", [_, a, b]) => {
                let is_instant = |t: &DataType| matches!(t, DataType::TimestampLtz(_));
                if is_instant(a) != is_instant(b) {
                    let instead = "CAST one of them to the other's type";
                    self.refused_by_flink(span, "TIMESTAMPDIFF of a TIMESTAMP and a TIMESTAMP_LTZ", instead);
                }
            }
            ("%", [a, b]) if is_floating(a) || is_floating(b) => {
                self.refused_by_flink(span, "MOD of a floating number", "CAST it to a DECIMAL");
            }
            _ => {}
        }
    }

    /// Adds a notice for a comparison of types that Flink refuses.
    pub(super) fn note_comparison(&mut self, a: &DataType, b: &DataType, span: Span) {
        let mixes = |x: &DataType, y: &DataType| {
            *x == DataType::Date && (y.is_timestamp() || matches!(y, DataType::Time(_)))
        };
        if mixes(a, b) || mixes(b, a) {
            let what = format!("a comparison of {a} and {b}");
            self.refused_by_flink(span, &what, "CAST one of them to the other's type");
        }
    }
}
