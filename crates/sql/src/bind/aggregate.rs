//! Binds aggregate calls. Arguments are bound over rows; the call itself becomes an input of the expression
//! that is computed from the groups' results.

use types::{ColumnType, DataType, Value};

use super::json::json_value;
use super::nodes::NodeBuilder;
use super::{Bound, ExprBinder};
use crate::error::{Diagnostic, Span};
use crate::expr::ExprId;
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

/// Returns whether a name is that of an aggregate, supported or not.
pub(super) fn is_aggregate(name: &str) -> bool {
    NAMES.contains(&name) || REFUSED.contains(&name) || SYNONYMS.iter().any(|(other, _)| *other == name)
}

/// Binds an aggregate of a SELECT; returns the input for its result.
pub(super) fn aggregate_value(
    binder: &mut ExprBinder<'_>,
    call: &ast::Call,
    name: &str,
    span: Span,
) -> Bound<ExprId> {
    if REFUSED.contains(&name) {
        let error = Diagnostic::error(call.name.span, format!("the aggregate {name} is not supported"))
            .with_hint(format!("there are {}", NAMES.join(", ")));
        return Err(binder.report(error));
    }
    binder.collect_aggregate(name, span, |binder| aggregate_call(binder, call, name, span))
}

/// Binds the arguments of an aggregate and its FILTER.
pub(super) fn aggregate_call(
    binder: &mut ExprBinder<'_>,
    call: &ast::Call,
    name: &str,
    span: Span,
) -> Bound<BoundAggregate> {
    let name = SYNONYMS.iter().find(|(other, _)| *other == name).map_or(name, |(_, name)| name);
    let filter = match &call.filter {
        Some(filter) => {
            let id = binder.expr(filter)?;
            Some(binder.nodes().expect_boolean(id, filter.span, "FILTER (WHERE …)")?)
        }
        None => None,
    };

    if call.star && name != "COUNT" {
        let error =
            Diagnostic::error(span, format!("{name}(*) does not exist")).with_hint("only COUNT takes `*`");
        return Err(binder.report(error));
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
            return Err(binder.report(error));
        }
        let given = call.args.len();
        let error = Diagnostic::error(span, format!("{name} does not take {given} arguments"));
        return Err(binder.report(error.with_hint(format!("write {form}"))));
    }

    let (function, args, column_type) = typed(binder, name, call, span)?;

    // DISTINCT changes nothing for MIN and MAX.
    let distinct = call.distinct && !matches!(function, Function::Min | Function::Max) && !args.is_empty();

    let name = display(binder.nodes(), name, &function, &args, distinct, filter);
    Ok(BoundAggregate { function, args, distinct, filter, column_type, name })
}

/// Returns the function, its arguments in the types it works on, and its result type.
fn typed(
    binder: &mut ExprBinder<'_>,
    name: &str,
    call: &ast::Call,
    span: Span,
) -> Bound<(Function, Vec<ExprId>, ColumnType)> {
    let Some(first) = call.args.first() else {
        return Ok((Function::Count, vec![], DataType::BigInt.not_null()));
    };
    if name.starts_with("JSON_") {
        return json_aggregate(binder, name, call);
    }
    let arg = binder.expr(first)?;
    let from = binder.nodes().data_type(arg);
    if from == DataType::Null {
        let error = Diagnostic::error(first.span, format!("{name} of an untyped NULL has no type"));
        return Err(binder.report(error.with_hint("write CAST(NULL AS type)")));
    }

    let (function, args, result) = match name {
        "COUNT" => return Ok((Function::Count, vec![arg], DataType::BigInt.not_null())),
        "MIN" | "MAX" if from.repr().is_none() || from.is_nested() => {
            let error = Diagnostic::error(first.span, format!("{name} takes values that have an order"));
            return Err(binder.report(error.with_detail(format!("this is {from}"))));
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
        "ARRAY_AGG" => {
            (Function::ArrayAgg, vec![arg], DataType::Array(Box::new(binder.nodes().type_of(arg))))
        }
        "LISTAGG" => return list_aggregate(binder, arg, call),
        _ if !from.is_numeric() => {
            let error = Diagnostic::error(first.span, format!("{name} takes a number"));
            return Err(binder.report(error.with_detail(format!("this is {from}"))));
        }
        // SUM of a DECIMAL accumulates in the wider result type.
        "SUM" => (Function::Sum, vec![binder.nodes().convert(arg, &sum_type(from.clone()))], sum_type(from)),
        "AVG" => (Function::Avg, vec![arg], average_type(from)),
        "STDDEV_POP" => (Function::StddevPop, vec![arg], average_type(from)),
        "STDDEV_SAMP" => (Function::StddevSamp, vec![arg], average_type(from)),
        "VAR_POP" => (Function::VarPop, vec![arg], average_type(from)),
        "VAR_SAMP" => (Function::VarSamp, vec![arg], average_type(from)),
        _ => return percentile(binder, arg, call, span),
    };
    Ok((function, args, result.nullable()))
}

/// Binds `JSON_OBJECTAGG` and `JSON_ARRAYAGG`; their values are converted to JSON before they are
/// aggregated.
fn json_aggregate(
    binder: &mut ExprBinder<'_>,
    name: &str,
    call: &ast::Call,
) -> Bound<(Function, Vec<ExprId>, ColumnType)> {
    let (on_null, values) = call.args.split_last().expect("the grammar adds what becomes of nulls");
    let on_null = binder.expr(on_null)?;
    let absent_on_null =
        matches!(binder.nodes().literal_of(on_null), Some(Value::Text(word)) if word.trim_end() == "ABSENT");

    let (function, args) = match values {
        [key, value] if name == "JSON_OBJECTAGG" => {
            let id = binder.expr(key)?;
            if !binder.nodes().data_type(id).is_text() {
                let error = Diagnostic::error(key.span, "the names of a JSON object are texts")
                    .with_detail(format!("this is {}", binder.nodes().data_type(id)))
                    .with_hint("CAST(… AS STRING)");
                return Err(binder.report(error));
            }
            (Function::JsonObjectAgg { absent_on_null }, vec![id, json_value(binder, value)?])
        }
        values => {
            let value = json_value(binder, &values[0])?;
            (Function::JsonArrayAgg { absent_on_null }, vec![value])
        }
    };
    Ok((function, args, DataType::STRING.nullable()))
}

/// Binds `LISTAGG(x[, separator])`.
fn list_aggregate(
    binder: &mut ExprBinder<'_>,
    arg: ExprId,
    call: &ast::Call,
) -> Bound<(Function, Vec<ExprId>, ColumnType)> {
    let separator = match call.args.get(1) {
        None => ",".to_owned(),
        Some(separator) => {
            let id = binder.expr(separator)?;
            match binder.nodes().literal_of(id) {
                Some(Value::Text(text)) => text.clone(),
                _ => {
                    let error = Diagnostic::error(separator.span, "the separator of LISTAGG is a text");
                    return Err(binder.report(error.with_hint("write it in single quotes: LISTAGG(x, ', ')")));
                }
            }
        }
    };

    if !binder.nodes().data_type(arg).is_text() {
        let given = binder.nodes().data_type(arg);
        let error = Diagnostic::error(call.args[0].span, "LISTAGG takes a text")
            .with_detail(format!("this is {given}"))
            .with_hint("CAST(… AS STRING)");
        return Err(binder.report(error));
    }

    Ok((Function::ListAgg { separator }, vec![arg], DataType::STRING.nullable()))
}

/// Binds `PERCENTILE(x, place[, frequency])` and `PERCENTILE(x, ARRAY[place, …][, frequency])`.
fn percentile(
    binder: &mut ExprBinder<'_>,
    arg: ExprId,
    call: &ast::Call,
    span: Span,
) -> Bound<(Function, Vec<ExprId>, ColumnType)> {
    let given = call.args.get(1);
    let (places, many) = match given.map(|expr| &expr.kind) {
        Some(ast::ExprKind::Array(items)) => {
            let places: Bound<Vec<f64>> =
                items.iter().map(|item| percentage(binder, Some(item), span)).collect();
            (places?, true)
        }
        _ => (vec![percentage(binder, given, span)?], false),
    };

    let mut args = vec![binder.nodes().convert(arg, &DataType::Double)];
    if let Some(frequency) = call.args.get(2) {
        let id = binder.expr(frequency)?;
        if !binder.nodes().data_type(id).is_integer() {
            let error = Diagnostic::error(frequency.span, "the frequency of PERCENTILE is a whole number");
            return Err(binder.report(error));
        }
        args.push(binder.nodes().convert(id, &DataType::BigInt));
    }

    let result = match many {
        true => DataType::Array(Box::new(DataType::Double.nullable())),
        false => DataType::Double,
    };
    Ok((Function::Percentile { places, many }, args, result.nullable()))
}

/// Evaluates a literal between 0 and 1.
fn percentage(binder: &mut ExprBinder<'_>, expr: Option<&ast::Expr>, span: Span) -> Bound<f64> {
    let place = expr.map_or(span, |expr| expr.span);
    let id = expr.map(|expr| binder.expr(expr)).transpose()?;
    let literal = id
        .map(|id| binder.nodes().convert(id, &DataType::Double))
        .and_then(|id| binder.nodes().literal_of(id));
    match literal {
        Some(Value::Double(p)) if (0.0..=1.0).contains(p) => Ok(*p),
        _ => {
            let error = Diagnostic::error(place, "the percentage of PERCENTILE is a literal from 0 to 1");
            Err(binder.report(error.with_hint("the 95th percentile is PERCENTILE(x, 0.95)")))
        }
    }
}

/// Formats the call as `explain` prints it.
fn display(
    nodes: &NodeBuilder<'_>,
    name: &str,
    function: &Function,
    args: &[ExprId],
    distinct: bool,
    filter: Option<ExprId>,
) -> String {
    let mut shown: Vec<String> = args.iter().map(|arg| nodes.shown(*arg)).collect();
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
    let filter = filter.map(|f| format!(" FILTER (WHERE {})", nodes.shown(f))).unwrap_or_default();
    format!("{name}({distinct}{}){filter}", shown.join(", "))
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
