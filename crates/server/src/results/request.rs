//! The parameters of `GET /results/{table}`.
//!
//! | parameter | meaning |
//! | --- | --- |
//! | `from`, `to` | period of the rows' times: a time, a day, `now`, or back from now as `-15m`, `-2h`, `-7d` |
//! | `where` | conditions, see `filter.rs` |
//! | `group_by` | columns, or periods of a time: `page,hour(window_start)` |
//! | `aggregate` | `count(*),sum(n),avg(ms),avg(ms weighted by n)` |
//! | `order` | columns, with `-` for descending: `-sum(n),page` |
//! | `limit` | maximum of rows |
//! | `fill` | `null`, `zero` or `previous` for the periods without rows |
//! | `format` | `json`, `csv` or `ndjson`; wins over `Accept` |

use jiff::tz::TimeZone;
use jobs::{ColumnKind, ResultTable};

use super::fill::Fill;
use super::filter::{Filter, column};
use super::group::{Aggregate, Function, GroupBy, Unit};
use super::scan::Selection;
use super::time::parse_loosely;
use crate::analytics::Moment;

/// Rows of an answer without `limit`, and the maximum of `limit`.
pub(super) const LIMIT: usize = 1_000;
pub(super) const LIMIT_MAX: usize = 100_000;
/// Columns of `group_by`, `aggregate` and `order`.
const ITEMS_MAX: usize = 32;

const NAMES: [&str; 9] = ["from", "to", "where", "group_by", "aggregate", "order", "limit", "fill", "format"];

/// A parsed request for rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Request {
    pub(super) selection: Selection,
    /// The bounds of the period that the request names.
    pub(super) period: (Option<i64>, Option<i64>),
    /// `None` for rows as they are.
    pub(super) grouping: Option<Grouping>,
    pub(super) order: Vec<Order>,
    pub(super) limit: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Grouping {
    pub(super) by: Vec<GroupBy>,
    pub(super) aggregates: Vec<Aggregate>,
    pub(super) fill: Option<Fill>,
}

/// A part of `order`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) by: OrderBy,
    pub(super) is_descending: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OrderBy {
    /// The time of the row.
    Time,
    /// A column of the table, or of the grouped answer.
    Column(usize),
}

/// A sentence about a wrong parameter.
pub(super) type Mistake = String;

/// The parameters of a request, the last one of each name.
pub(super) struct Parameters<'a>(pub(super) &'a [(String, String)]);

impl<'a> Parameters<'a> {
    /// Returns a parameter that is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.trim());
        found.filter(|value| !value.is_empty())
    }

    /// Fails if there is an unknown parameter: a misspelt one would silently give other rows.
    pub(super) fn check(&self, known: &[&str]) -> Result<(), Mistake> {
        let Some((name, _)) = self.0.iter().find(|(name, _)| !known.contains(&name.as_str())) else {
            return Ok(());
        };
        Err(match sql::error::closest(name, known.iter().copied()) {
            Some(meant) => format!("there is no parameter `{name}`; did you mean `{meant}`?"),
            None => format!("there is no parameter `{name}`; the parameters are {}", known.join(", ")),
        })
    }
}

impl Request {
    /// Parses the parameters for a table; `now` is the time on the wall clock of the zone.
    pub(super) fn parse(
        pairs: &[(String, String)],
        table: &ResultTable,
        now: Moment,
        zone: &TimeZone,
    ) -> Result<Request, Mistake> {
        let parameters = Parameters(pairs);
        parameters.check(&NAMES)?;
        let (from, to) = (bound(&parameters, "from", now)?, bound(&parameters, "to", now)?);
        let filter = Filter::parse(parameters.get("where").unwrap_or(""), table, zone);
        let filter = filter.map_err(|error| error.to_string())?;

        let grouping = grouping(&parameters, table)?;
        let order = match (&grouping, parameters.get("order")) {
            (Some(grouping), Some(order)) => {
                let names = grouping.names();
                let place = |name: &str| names.iter().position(|of| *of == name);
                let places = |name: &str| {
                    let missing =
                        || format!("order: the answer has no `{name}`; it has {}", names.join(", "));
                    place(name).map(OrderBy::Column).ok_or_else(missing)
                };
                orders(order, places)?
            }
            (Some(grouping), None) => (0..grouping.by.len())
                .map(|at| Order { by: OrderBy::Column(at), is_descending: false })
                .collect(),
            (None, Some(order)) => orders(order, |name| match name {
                "_time" => Ok(OrderBy::Time),
                name => column(table, name).map(OrderBy::Column).map_err(|error| format!("order: {error}")),
            })?,
            (None, None) => vec![Order { by: OrderBy::Time, is_descending: true }],
        };

        let selection = Selection {
            from: from.map_or(Moment::MIN, Moment),
            to: to.map_or(Moment(i64::MAX), Moment),
            filter,
        };
        Ok(Request { selection, period: (from, to), grouping, order, limit: limit(&parameters)? })
    }
}

impl Grouping {
    /// Returns the names of the answer's columns.
    pub(super) fn names(&self) -> Vec<&str> {
        let by = self.by.iter().map(|by| by.name.as_str());
        by.chain(self.aggregates.iter().map(|aggregate| aggregate.name.as_str())).collect()
    }
}

fn limit(parameters: &Parameters<'_>) -> Result<usize, Mistake> {
    let Some(text) = parameters.get("limit") else { return Ok(LIMIT) };
    match text.parse() {
        Ok(limit) if limit <= LIMIT_MAX => Ok(limit),
        Ok(_) | Err(_) => Err(format!("limit must be a whole number from 0 to {LIMIT_MAX}, not `{text}`")),
    }
}

fn bound(parameters: &Parameters<'_>, name: &str, now: Moment) -> Result<Option<i64>, Mistake> {
    let Some(text) = parameters.get(name) else { return Ok(None) };
    if text.ends_with(['Z', 'z']) {
        return Err(format!(
            "{name} is a time on the wall clock of the server, whose zone GET /results tells: write `{text}` in it, without `Z`"
        ));
    }
    parse_bound(text, now).map(Some).ok_or_else(|| {
        format!("{name} must be a time such as 2025-12-09T11:30:00, a day, `now`, or back from now as -15m, not `{text}`")
    })
}

/// Parses a bound of a period, in microseconds on the wall clock: a time, a day, `now`, or back from now as `-15m`.
pub(crate) fn parse_bound(text: &str, now: Moment) -> Option<i64> {
    match text.strip_prefix('-') {
        _ if text == "now" => Some(now.0),
        Some(length) => length_micros(length).map(|length| now.0.saturating_sub(length)),
        None => parse_loosely(text).map(|(micros, _)| micros),
    }
}

/// Parses `90s`, `15m`, `2h`, `7d`.
fn length_micros(text: &str) -> Option<i64> {
    let unit = text.chars().last()?;
    let number: i64 = text[..text.len() - unit.len_utf8()].parse().ok().filter(|number| *number >= 0)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    number.checked_mul(seconds)?.checked_mul(1_000_000)
}

/// Splits at the commas, of which none is inside of parentheses of a well-formed item.
fn items<'a>(name: &str, text: &'a str) -> Result<Vec<&'a str>, Mistake> {
    let items: Vec<&str> = text.split(',').map(str::trim).collect();
    if items.len() > ITEMS_MAX {
        return Err(format!("{name} has more than {ITEMS_MAX} parts"));
    }
    if items.contains(&"") {
        return Err(format!("{name} has an empty part in `{text}`"));
    }
    Ok(items)
}

/// Returns function and argument of `sum(n)`.
fn call(item: &str) -> Option<(String, &str)> {
    let (function, argument) = item.strip_suffix(')')?.split_once('(')?;
    Some((function.trim().to_ascii_lowercase(), argument.trim()))
}

fn grouping(parameters: &Parameters<'_>, table: &ResultTable) -> Result<Option<Grouping>, Mistake> {
    let by = parameters.get("group_by").map_or(Ok(Vec::new()), |text| items("group_by", text))?;
    let by: Vec<GroupBy> = by.into_iter().map(|item| group_by(item, table)).collect::<Result<_, _>>()?;
    let aggregates = parameters.get("aggregate").map(|text| items("aggregate", text)).transpose()?;
    let fill = parameters.get("fill").map(parse_fill).transpose()?;

    if fill.is_some() && by.iter().filter(|by| by.unit.is_some()).count() != 1 {
        return Err("fill needs one period in group_by, such as minute(window_start)".to_owned());
    }
    let aggregates = match aggregates {
        Some(aggregates) => {
            aggregates.into_iter().map(|item| aggregate(item, table)).collect::<Result<_, _>>()?
        }
        None if by.is_empty() => return Ok(None),
        None => default_aggregates(&by, table),
    };
    Ok(Some(Grouping { by, aggregates, fill }))
}

fn group_by(item: &str, table: &ResultTable) -> Result<GroupBy, Mistake> {
    let Some((function, argument)) = call(item) else {
        let column = column(table, item).map_err(|error| format!("group_by: {error}"))?;
        return Ok(GroupBy { column, unit: None, name: item.to_owned() });
    };
    let found = Unit::ALL.iter().find(|(name, _)| *name == function);
    let Some((name, unit)) = found else {
        let units = Unit::ALL.map(|(name, _)| name).join(", ");
        return Err(format!("group_by: there is no period `{function}`; the periods are {units}"));
    };
    let column = column(table, argument).map_err(|error| format!("group_by: {error}"))?;
    Ok(GroupBy { column, unit: Some(*unit), name: format!("{name}({argument})") })
}

/// Stands between a column and the column of its weights: `avg(ms weighted by n)`.
const WEIGHTED: &str = " weighted by ";

fn aggregate(item: &str, table: &ResultTable) -> Result<Aggregate, Mistake> {
    let functions = || Function::ALL.map(|(name, _)| name).join(", ");
    let Some((function, argument)) = call(item) else {
        return Err(format!(
            "aggregate: `{item}` is no call such as sum(n); the functions are {}",
            functions()
        ));
    };
    let Some((name, function)) = Function::ALL.iter().find(|(name, _)| *name == function) else {
        return Err(format!(
            "aggregate: there is no function `{function}`; the functions are {}",
            functions()
        ));
    };
    let written = format!("{name}({argument})");
    if argument == "*" && *function == Function::Count {
        return Ok(Aggregate { function: *function, column: None, weight: None, name: written });
    }
    let find = |name: &str| column(table, name).map_err(|error| format!("aggregate: {error}"));
    let (value, weight) = match argument.split_once(WEIGHTED) {
        Some((value, weight)) => (find(value.trim())?, Some(find(weight.trim())?)),
        None => (find(argument)?, None),
    };
    if weight.is_some() && *function != Function::Avg {
        return Err(format!("aggregate: only avg takes weights, not {name}"));
    }
    let numbers = (*function != Function::Count).then_some(value).into_iter().chain(weight);
    if let Some(column) = numbers.into_iter().find(|column| !is_numeric(table, *column)) {
        let of = &table.columns[column];
        return Err(format!("aggregate: {name} takes numbers, and `{}` is {}", of.name, of.sql_type));
    }
    Ok(Aggregate { function: *function, column: Some(value), weight, name: written })
}

/// Without `aggregate`, an answer counts the rows and sums all numbers.
fn default_aggregates(by: &[GroupBy], table: &ResultTable) -> Vec<Aggregate> {
    let count =
        Aggregate { function: Function::Count, column: None, weight: None, name: "count(*)".to_owned() };
    let summed = (0..table.columns.len())
        .filter(|column| is_numeric(table, *column) && by.iter().all(|by| by.column != *column));
    let sum = |column: usize| Aggregate {
        function: Function::Sum,
        column: Some(column),
        weight: None,
        name: format!("sum({})", table.columns[column].name),
    };
    std::iter::once(count).chain(summed.map(sum)).collect()
}

pub(super) fn is_numeric(table: &ResultTable, column: usize) -> bool {
    matches!(table.columns[column].kind, ColumnKind::Integer | ColumnKind::Number)
}

fn parse_fill(text: &str) -> Result<Fill, Mistake> {
    match text {
        "null" => Ok(Fill::Null),
        "zero" => Ok(Fill::Zero),
        "previous" => Ok(Fill::Previous),
        other => Err(format!("fill must be null, zero or previous, not `{other}`")),
    }
}

fn orders(text: &str, place: impl Fn(&str) -> Result<OrderBy, Mistake>) -> Result<Vec<Order>, Mistake> {
    let parse = |item: &str| {
        let (is_descending, name) = match item.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, item),
        };
        Ok(Order { by: place(name)?, is_descending })
    };
    items("order", text)?.into_iter().map(parse).collect()
}
