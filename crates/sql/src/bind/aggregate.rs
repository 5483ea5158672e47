//! Aggregate calls: their argument over rows, their result as an input of what is computed from the groups.

use types::{ColumnType, DataType, Value};

use super::{Bound, ExprBinder};
use crate::error::{Diagnostic, Span};
use crate::expr::ExprId;
use crate::graph::Origin;
use crate::parse::ast;
use crate::plan::{Aggregate, AggregateFunction};

pub(crate) const NAMES: &[&str] =
    &["COUNT", "SUM", "AVG", "MIN", "MAX", "FIRST_VALUE", "LAST_VALUE", "PERCENTILE"];

/// The most aggregates of one query: each new one is compared with all before it.
const MAX_AGGREGATES: usize = 10_000;

/// Aggregates of Flink that do not exist here.
const REFUSED: &[&str] = &[
    "STDDEV",
    "STDDEV_POP",
    "STDDEV_SAMP",
    "VARIANCE",
    "VAR_POP",
    "VAR_SAMP",
    "LISTAGG",
    "COLLECT",
    "ARRAY_AGG",
    "SINGLE_VALUE",
    "JSON_ARRAYAGG",
    "JSON_OBJECTAGG",
    "ANY_VALUE",
    "GROUPING",
    "CUME_DIST",
    "NTILE",
];

pub(super) fn is_aggregate(name: &str) -> bool {
    NAMES.contains(&name) || REFUSED.contains(&name)
}

impl ExprBinder<'_> {
    pub(super) fn aggregate(&mut self, call: &ast::Call, name: &str, span: Span) -> Bound<ExprId> {
        if REFUSED.contains(&name) {
            let error = Diagnostic::error(call.name.span, format!("the aggregate {name} is not supported"))
                .with_hint(format!("there are {}", NAMES.join(", ")));
            return Err(self.report(error));
        }
        // Taken while the argument is bound: no aggregate stands inside another.
        let Some(collected) = self.aggregates.take() else {
            let error = Diagnostic::error(span, format!("the aggregate {name} has no place {}", self.clause));
            return Err(self.report(error));
        };
        let outside = std::mem::replace(&mut self.clause, "inside another aggregate");
        let uses = self.uses.len();
        let bound = self.aggregate_call(call, name, span);
        self.uses.truncate(uses);
        self.clause = outside;
        let result = bound.and_then(|aggregate| self.collect(collected, aggregate, span));
        self.aggregates = Some(collected);
        result
    }

    /// The input that stands for the call: the one of an equal call, or a new one.
    fn collect(&mut self, collected: &mut Vec<Aggregate>, aggregate: Aggregate, span: Span) -> Bound<ExprId> {
        let same = |other: &Aggregate| {
            other.function == aggregate.function
                && other.arg == aggregate.arg
                && other.distinct == aggregate.distinct
                && other.filter == aggregate.filter
        };
        let number = collected.iter().position(same).unwrap_or_else(|| {
            collected.push(aggregate.clone());
            collected.len() - 1
        });
        if number >= MAX_AGGREGATES {
            let error = Diagnostic::error(span, format!("these are more than {MAX_AGGREGATES} aggregates"));
            return Err(self.report(error.with_hint("write several INSERTs")));
        }
        let column_type = aggregate.column_type;
        Ok(self.graph.add_input(aggregate.name, column_type, Origin::Aggregate(number)))
    }

    fn aggregate_call(&mut self, call: &ast::Call, name: &str, span: Span) -> Bound<Aggregate> {
        let filter = match &call.filter {
            Some(filter) => {
                let id = self.expr(filter)?;
                Some(self.expect_boolean(id, filter.span, "FILTER (WHERE …)")?)
            }
            None => None,
        };

        if call.star && name != "COUNT" {
            let error = Diagnostic::error(span, format!("{name}(*) does not exist"))
                .with_hint("only COUNT takes `*`");
            return Err(self.report(error));
        }

        let wanted = if name == "PERCENTILE" { 2 } else { 1 };
        if !call.star && call.args.len() != wanted {
            let forms =
                if name == "PERCENTILE" { "PERCENTILE(x, 0.95)".to_owned() } else { format!("{name}(x)") };
            let error =
                Diagnostic::error(span, format!("{name} does not take {} arguments", call.args.len()));
            return Err(self.report(error.with_hint(format!("write {forms}"))));
        }

        let arg = match call.args.first() {
            Some(arg) => Some((self.expr(arg)?, arg.span)),
            None => None,
        };

        let percentage = call.args.get(1);
        let (function, arg, column_type) = self.typed(name, arg, percentage, span)?;
        self.of_rows(arg, filter, span)?;

        // A distinct minimum is the minimum.
        let distinct = call.distinct
            && !matches!(function, AggregateFunction::Min | AggregateFunction::Max)
            && arg.is_some();

        let name = self.display(name, function, arg, distinct, filter);
        Ok(Aggregate { function, arg, distinct, filter, column_type, name })
    }

    /// The function, its argument in the type it works on, and the type of its result.
    fn typed(
        &mut self,
        name: &str,
        arg: Option<(ExprId, Span)>,
        percentage: Option<&ast::Expr>,
        span: Span,
    ) -> Bound<(AggregateFunction, Option<ExprId>, ColumnType)> {
        let Some((arg, arg_span)) = arg else {
            return Ok((AggregateFunction::Count, None, DataType::BigInt.not_null()));
        };
        let from = self.data_type(arg);
        if from == DataType::Null {
            let error = Diagnostic::error(arg_span, format!("{name} of an untyped NULL has no type"));
            return Err(self.report(error.with_hint("write CAST(NULL AS type)")));
        }
        let (function, arg, result) = match name {
            "COUNT" => return Ok((AggregateFunction::Count, Some(arg), DataType::BigInt.not_null())),
            "MIN" => (AggregateFunction::Min, arg, from),
            "MAX" => (AggregateFunction::Max, arg, from),
            "FIRST_VALUE" => (AggregateFunction::FirstValue, arg, from),
            "LAST_VALUE" => (AggregateFunction::LastValue, arg, from),
            _ if !from.is_numeric() => {
                let error = Diagnostic::error(arg_span, format!("{name} takes a number"));
                return Err(self.report(error.with_detail(format!("this is {from}"))));
            }
            "SUM" => (AggregateFunction::Sum, arg, sum_type(from)),
            "AVG" => (AggregateFunction::Avg, arg, average_type(from)),
            _ => {
                let p = self.percentage(percentage, span)?;
                (AggregateFunction::Percentile(p), self.convert(arg, &DataType::Double), DataType::Double)
            }
        };
        // SUM(DECIMAL) adds up in the wider type of its result.
        let arg = if name == "SUM" { self.convert(arg, &result) } else { arg };
        Ok((function, Some(arg), result.nullable()))
    }

    /// A literal from 0 to 1.
    fn percentage(&mut self, expr: Option<&ast::Expr>, span: Span) -> Bound<f64> {
        let place = expr.map_or(span, |expr| expr.span);
        if let Some(ast::Expr { kind: ast::ExprKind::Array(_), .. }) = expr {
            let error = Diagnostic::error(place, "an ARRAY of percentages gives an ARRAY").with_hint(
                "take one of it, PERCENTILE(x, ARRAY[0.5, 0.95])[1], or write a PERCENTILE for each",
            );
            return Err(self.report(error));
        }
        let id = expr.map(|expr| self.expr(expr)).transpose()?;
        let literal = id.map(|id| self.convert(id, &DataType::Double)).and_then(|id| self.literal_of(id));
        match literal {
            Some(Value::Double(p)) if (0.0..=1.0).contains(p) => Ok(*p),
            _ => {
                let error = Diagnostic::error(place, "the percentage of PERCENTILE is a literal from 0 to 1");
                Err(self.report(error.with_hint("the 95th percentile is PERCENTILE(x, 0.95)")))
            }
        }
    }

    /// Aggregates read rows: neither the window's columns nor other aggregates.
    fn of_rows(&mut self, arg: Option<ExprId>, filter: Option<ExprId>, span: Span) -> Bound<()> {
        let of_window = [arg, filter].into_iter().flatten().any(|id| self.graph.facts(id).uses_window);
        if of_window {
            let error = Diagnostic::error(span, "an aggregate over window_start, window_end or window_time")
                .with_hint("they are the same for all rows of a group: use them without the aggregate");
            return Err(self.report(error));
        }
        Ok(())
    }

    /// As `explain` prints it.
    fn display(
        &self,
        name: &str,
        function: AggregateFunction,
        arg: Option<ExprId>,
        distinct: bool,
        filter: Option<ExprId>,
    ) -> String {
        let exprs = &self.graph.exprs;
        let arg = arg.map_or("*".to_owned(), |arg| crate::explain::expression(exprs, arg));
        let distinct = if distinct { "DISTINCT " } else { "" };
        let percentage = match function {
            AggregateFunction::Percentile(p) => format!(", {p}"),
            _ => String::new(),
        };
        let filter = filter
            .map(|f| format!(" FILTER (WHERE {})", crate::explain::expression(exprs, f)))
            .unwrap_or_default();
        format!("{name}({distinct}{arg}{percentage}){filter}")
    }
}

fn sum_type(from: DataType) -> DataType {
    match from {
        DataType::Decimal { scale, .. } => DataType::Decimal { precision: 38, scale },
        other => other,
    }
}

fn average_type(from: DataType) -> DataType {
    match from {
        DataType::Decimal { scale, .. } => DataType::Decimal { precision: 38, scale: scale.max(6) },
        other => other,
    }
}
