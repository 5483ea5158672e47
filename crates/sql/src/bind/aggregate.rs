//! Binds aggregate calls. Arguments are bound over rows; the call itself becomes an input of the expression
//! that is computed from the groups' results.

use types::{ColumnType, DataType, Value};

use super::{Bound, ExprBinder};
use crate::error::{Diagnostic, Span};
use crate::expr::ExprId;
use crate::graph::InputOrigin;
use crate::parse::ast;
use crate::plan::operator::Function;

pub(crate) const NAMES: &[&str] = &[
    "COUNT",
    "SUM",
    "AVG",
    "MIN",
    "MAX",
    "FIRST_VALUE",
    "LAST_VALUE",
    "PERCENTILE",
    "STDDEV_POP",
    "STDDEV_SAMP",
    "VAR_POP",
    "VAR_SAMP",
    "LISTAGG",
    "SINGLE_VALUE",
    "COLLECT",
    "ARRAY_AGG",
    "JSON_OBJECTAGG",
    "JSON_ARRAYAGG",
];

/// Other names of the functions in [`NAMES`].
const SYNONYMS: &[(&str, &str)] =
    &[("STDDEV", "STDDEV_SAMP"), ("VARIANCE", "VAR_SAMP"), ("STRING_AGG", "LISTAGG")];

/// Largest number of aggregates in one query. A limit is needed because each new call is compared with all
/// earlier ones.
const MAX_AGGREGATES: usize = 10_000;

/// Aggregates of Flink that are not supported.
const REFUSED: &[&str] = &["ANY_VALUE", "CUME_DIST", "LEAD", "NTH_VALUE", "NTILE", "PERCENT_RANK"];

/// An aggregate call whose arguments are expressions over rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BoundAggregate {
    pub(crate) function: Function,
    pub(crate) args: Vec<ExprId>,
    pub(crate) distinct: bool,
    pub(crate) filter: Option<ExprId>,
    pub(crate) column_type: ColumnType,
    pub(crate) name: String,
}

pub(super) fn is_aggregate(name: &str) -> bool {
    NAMES.contains(&name) || REFUSED.contains(&name) || SYNONYMS.iter().any(|(other, _)| *other == name)
}

impl ExprBinder<'_> {
    pub(super) fn aggregate(&mut self, call: &ast::Call, name: &str, span: Span) -> Bound<ExprId> {
        if REFUSED.contains(&name) {
            let error = Diagnostic::error(call.name.span, format!("the aggregate {name} is not supported"))
                .with_hint(format!("there are {}", NAMES.join(", ")));
            return Err(self.report(error));
        }
        // The list is taken away while the argument is bound, so an aggregate inside an aggregate is refused.
        let Some(collected) = self.aggregates.take() else {
            let error =
                Diagnostic::error(span, format!("the aggregate {name} is not allowed {}", self.clause));
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

    /// Returns the input for the call: the input of an equal earlier call, or a new one.
    fn collect(
        &mut self,
        collected: &mut Vec<BoundAggregate>,
        aggregate: BoundAggregate,
        span: Span,
    ) -> Bound<ExprId> {
        let same = |other: &BoundAggregate| {
            other.function == aggregate.function
                && other.args == aggregate.args
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
        Ok(self.graph.add_input(aggregate.name, column_type, InputOrigin::Aggregate(number)))
    }

    pub(super) fn aggregate_call(
        &mut self,
        call: &ast::Call,
        name: &str,
        span: Span,
    ) -> Bound<BoundAggregate> {
        let name = SYNONYMS.iter().find(|(other, _)| *other == name).map_or(name, |(_, name)| name);
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

        let (least, most, form) = match name {
            "PERCENTILE" => (2, 3, "PERCENTILE(x, 0.95)".to_owned()),
            "LISTAGG" => (1, 2, "LISTAGG(x, ', ')".to_owned()),
            // The parser adds a last argument that says how nulls are treated.
            "JSON_OBJECTAGG" => (3, 3, "JSON_OBJECTAGG(KEY k VALUE x)".to_owned()),
            "JSON_ARRAYAGG" => (2, 2, "JSON_ARRAYAGG(x)".to_owned()),
            _ => (1, 1, format!("{name}(x)")),
        };
        if !call.star && !(least..=most).contains(&call.args.len()) {
            if name == "COUNT" && call.args.len() > 1 {
                let error = Diagnostic::error(span, "COUNT takes one value")
                    .with_hint("count one of the columns, or COUNT(*)");
                return Err(self.report(error));
            }
            let given = call.args.len();
            let error = Diagnostic::error(span, format!("{name} does not take {given} arguments"));
            return Err(self.report(error.with_hint(format!("write {form}"))));
        }

        let (function, args, column_type) = self.typed(name, call, span)?;

        // DISTINCT changes nothing for MIN and MAX.
        let distinct =
            call.distinct && !matches!(function, Function::Min | Function::Max) && !args.is_empty();

        let name = self.display(name, &function, &args, distinct, filter);
        Ok(BoundAggregate { function, args, distinct, filter, column_type, name })
    }

    /// Returns the function, its arguments in the types it works on, and its result type.
    fn typed(
        &mut self,
        name: &str,
        call: &ast::Call,
        span: Span,
    ) -> Bound<(Function, Vec<ExprId>, ColumnType)> {
        let Some(first) = call.args.first() else {
            return Ok((Function::Count, vec![], DataType::BigInt.not_null()));
        };
        if name.starts_with("JSON_") {
            return self.json_aggregate(name, call);
        }
        let arg = self.expr(first)?;
        let from = self.data_type(arg);
        if from == DataType::Null {
            let error = Diagnostic::error(first.span, format!("{name} of an untyped NULL has no type"));
            return Err(self.report(error.with_hint("write CAST(NULL AS type)")));
        }

        let (function, args, result) = match name {
            "COUNT" => return Ok((Function::Count, vec![arg], DataType::BigInt.not_null())),
            "MIN" | "MAX" if from.repr().is_none() || from.is_nested() => {
                let error = Diagnostic::error(first.span, format!("{name} takes values that have an order"));
                return Err(self.report(error.with_detail(format!("this is {from}"))));
            }
            "MIN" => (Function::Min, vec![arg], from),
            "MAX" => (Function::Max, vec![arg], from),
            "FIRST_VALUE" => (Function::FirstValue, vec![arg], from),
            "LAST_VALUE" => (Function::LastValue, vec![arg], from),
            "SINGLE_VALUE" => (Function::SingleValue, vec![arg], from),
            "COLLECT" => {
                let element = Box::new(from.not_null());
                return Ok((Function::Collect, vec![arg], DataType::Multiset(element).not_null()));
            }
            "ARRAY_AGG" => (Function::ArrayAgg, vec![arg], DataType::Array(Box::new(self.type_of(arg)))),
            "LISTAGG" => return self.list_aggregate(arg, call),
            _ if !from.is_numeric() => {
                let error = Diagnostic::error(first.span, format!("{name} takes a number"));
                return Err(self.report(error.with_detail(format!("this is {from}"))));
            }
            // SUM of a DECIMAL accumulates in the wider result type.
            "SUM" => (Function::Sum, vec![self.convert(arg, &sum_type(from.clone()))], sum_type(from)),
            "AVG" => (Function::Avg, vec![arg], average_type(from)),
            "STDDEV_POP" => (Function::StddevPop, vec![arg], average_type(from)),
            "STDDEV_SAMP" => (Function::StddevSamp, vec![arg], average_type(from)),
            "VAR_POP" => (Function::VarPop, vec![arg], average_type(from)),
            "VAR_SAMP" => (Function::VarSamp, vec![arg], average_type(from)),
            _ => return self.percentile(arg, call, span),
        };
        Ok((function, args, result.nullable()))
    }

    /// Binds `JSON_OBJECTAGG` and `JSON_ARRAYAGG`; their values are converted to JSON before they are
    /// aggregated.
    fn json_aggregate(&mut self, name: &str, call: &ast::Call) -> Bound<(Function, Vec<ExprId>, ColumnType)> {
        let (on_null, values) = call.args.split_last().expect("the grammar adds what becomes of nulls");
        let on_null = self.expr(on_null)?;
        let absent_on_null =
            matches!(self.literal_of(on_null), Some(Value::Text(word)) if word.trim_end() == "ABSENT");

        let (function, args) = match values {
            [key, value] if name == "JSON_OBJECTAGG" => {
                let id = self.expr(key)?;
                if !self.data_type(id).is_text() {
                    let error = Diagnostic::error(key.span, "the names of a JSON object are texts")
                        .with_detail(format!("this is {}", self.data_type(id)))
                        .with_hint("CAST(… AS STRING)");
                    return Err(self.report(error));
                }
                (Function::JsonObjectAgg { absent_on_null }, vec![id, self.json_value(value)?])
            }
            values => {
                let value = self.json_value(&values[0])?;
                (Function::JsonArrayAgg { absent_on_null }, vec![value])
            }
        };
        Ok((function, args, DataType::STRING.nullable()))
    }

    /// Binds `LISTAGG(x[, separator])`.
    fn list_aggregate(
        &mut self,
        arg: ExprId,
        call: &ast::Call,
    ) -> Bound<(Function, Vec<ExprId>, ColumnType)> {
        let separator = match call.args.get(1) {
            None => ",".to_owned(),
            Some(separator) => {
                let id = self.expr(separator)?;
                match self.literal_of(id) {
                    Some(Value::Text(text)) => text.clone(),
                    _ => {
                        let error = Diagnostic::error(separator.span, "the separator of LISTAGG is a text");
                        return Err(
                            self.report(error.with_hint("write it in single quotes: LISTAGG(x, ', ')"))
                        );
                    }
                }
            }
        };

        if !self.data_type(arg).is_text() {
            let given = self.data_type(arg);
            let error = Diagnostic::error(call.args[0].span, "LISTAGG takes a text")
                .with_detail(format!("this is {given}"))
                .with_hint("CAST(… AS STRING)");
            return Err(self.report(error));
        }

        Ok((Function::ListAgg { separator }, vec![arg], DataType::STRING.nullable()))
    }

    /// Binds `PERCENTILE(x, place[, frequency])` and `PERCENTILE(x, ARRAY[place, …][, frequency])`.
    fn percentile(
        &mut self,
        arg: ExprId,
        call: &ast::Call,
        span: Span,
    ) -> Bound<(Function, Vec<ExprId>, ColumnType)> {
        let given = call.args.get(1);
        let (places, many) = match given.map(|expr| &expr.kind) {
            Some(ast::ExprKind::Array(items)) => {
                let places: Bound<Vec<f64>> =
                    items.iter().map(|item| self.percentage(Some(item), span)).collect();
                (places?, true)
            }
            _ => (vec![self.percentage(given, span)?], false),
        };

        let mut args = vec![self.convert(arg, &DataType::Double)];
        if let Some(frequency) = call.args.get(2) {
            let id = self.expr(frequency)?;
            if !self.data_type(id).is_integer() {
                let error =
                    Diagnostic::error(frequency.span, "the frequency of PERCENTILE is a whole number");
                return Err(self.report(error));
            }
            args.push(self.convert(id, &DataType::BigInt));
        }

        let result = match many {
            true => DataType::Array(Box::new(DataType::Double.nullable())),
            false => DataType::Double,
        };
        Ok((Function::Percentile { places, many }, args, result.nullable()))
    }

    /// Evaluates a literal between 0 and 1.
    fn percentage(&mut self, expr: Option<&ast::Expr>, span: Span) -> Bound<f64> {
        let place = expr.map_or(span, |expr| expr.span);
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

    /// Formats the call as `explain` prints it.
    fn display(
        &self,
        name: &str,
        function: &Function,
        args: &[ExprId],
        distinct: bool,
        filter: Option<ExprId>,
    ) -> String {
        let exprs = &self.graph.exprs;
        let mut shown: Vec<String> = args.iter().map(|arg| crate::explain::expression(exprs, *arg)).collect();
        if shown.is_empty() {
            shown.push("*".to_owned());
        }

        match function {
            Function::Percentile { places, many } => {
                let list: Vec<String> = places.iter().map(f64::to_string).collect();
                let list = list.join(", ");
                shown.insert(1, if *many { format!("ARRAY[{list}]") } else { list });
            }
            Function::ListAgg { separator } => shown.push(format!("'{}'", separator.replace('\'', "''"))),
            _ => {}
        }

        let distinct = if distinct { "DISTINCT " } else { "" };
        let filter = filter
            .map(|f| format!(" FILTER (WHERE {})", crate::explain::expression(exprs, f)))
            .unwrap_or_default();
        format!("{name}({distinct}{}){filter}", shown.join(", "))
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
