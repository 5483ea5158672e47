//! A short textual form of the syntax tree, for comparisons.

use types::Value;

use crate::parse::ast::{
    AstAfterMatch, AstJoinKind, AstSetOperator, Call, Expr, ExprKind, FrameBound, FrameUnit, From, FromKind,
    GroupItem, Hint, Ident, Join, JoinConstraint, MatchRecognize, OrderItem, OverWindow, Pattern,
    PatternKind, Query, QueryBody, Select, SelectItem, WindowArg, WindowArgValue,
};

fn list<T>(items: &[T], of: impl Fn(&T) -> String) -> String {
    items.iter().map(of).collect::<Vec<_>>().join(", ")
}

fn names(names: &[Ident]) -> String {
    list(names, |name| name.value.clone())
}

fn exprs(items: &[Expr]) -> String {
    list(items, expr)
}

fn rows(rows: &[Vec<Expr>]) -> String {
    format!("values[{}]", list(rows, |row| exprs(row)))
}

pub(super) fn query(query: &Query) -> String {
    let mut out = String::new();
    for table in &query.with {
        let columns =
            if table.columns.is_empty() { String::new() } else { format!("({})", names(&table.columns)) };
        out += &format!("with {}{columns} = ({}) ", table.name.value, self::query(&table.query));
    }

    out += &match &query.body {
        QueryBody::Select(body) => select(body),
        QueryBody::Values { rows: values, .. } => rows(values),
        QueryBody::Nested(inner) => format!("nested({})", self::query(inner)),
        QueryBody::SetOperations(operations) => {
            operations.rest.iter().fold(self::query(&operations.first), |left, operation| {
                let operator = match operation.operator {
                    AstSetOperator::Union => "union",
                    AstSetOperator::Intersect => "intersect",
                    AstSetOperator::Except => "except",
                };
                let all = if operation.all { " all" } else { "" };
                format!("({left} {operator}{all} {})", self::query(&operation.right))
            })
        }
    };

    if !query.order_by.is_empty() {
        out += &format!(" order[{}]", list(&query.order_by, order));
    }
    if let Some(limit) = query.limit {
        out += &format!(" limit {}", limit.rows);
    }
    if let Some(offset) = query.offset {
        out += &format!(" offset {}", offset.rows);
    }

    out
}

fn order(item: &OrderItem) -> String {
    let direction = if item.descending { " desc" } else { "" };
    let nulls = match item.nulls_first {
        None => "",
        Some(true) => " nulls first",
        Some(false) => " nulls last",
    };
    format!("{}{direction}{nulls}", expr(&item.expr))
}

fn select(select: &Select) -> String {
    let mut out = format!("{}select", hints(&select.hints));
    if select.distinct {
        out += " distinct";
    }
    out += &format!("[{}]", list(&select.items, item));

    if let Some(tables) = &select.from {
        out += &format!(" from {}", from(tables));
    }
    for (word, clause) in
        [("where", &select.filter), ("having", &select.having), ("qualify", &select.qualify)]
    {
        if let Some(condition) = clause {
            out += &format!(" {word} {}", expr(condition));
        }
    }

    if let Some(group_by) = &select.group_by {
        out += &format!(" group[{}]", list(&group_by.items, group_item));
    }
    for (name, window) in &select.windows {
        out += &format!(" window {} = {}", name.value, over(window));
    }

    out
}

fn item(item: &SelectItem) -> String {
    match item {
        SelectItem::Expr { expr: value, alias: None } => expr(value),
        SelectItem::Expr { expr: value, alias: Some(alias) } => format!("{} as {}", expr(value), alias.value),
        SelectItem::Star { qualifier: None, .. } => "*".to_owned(),
        SelectItem::Star { qualifier: Some(name), .. } => format!("{}.*", name.value),
    }
}

fn group_item(item: &GroupItem) -> String {
    let elements = |elements: &[Vec<Expr>]| list(elements, |element| format!("({})", exprs(element)));
    match item {
        GroupItem::Expr(key) => expr(key),
        GroupItem::Sets { sets, .. } => format!("sets[{}]", list(sets, group_item)),
        GroupItem::Rollup { elements: of, .. } => format!("rollup[{}]", elements(of)),
        GroupItem::Cube { elements: of, .. } => format!("cube[{}]", elements(of)),
        GroupItem::Tuple { exprs: keys, .. } => format!("({})", exprs(keys)),
    }
}

fn hints(hints: &[Hint]) -> String {
    let hint = |hint: &Hint| {
        let pairs = list(&hint.options, |(key, value)| format!("{}={}", key.value, value.value));
        format!("{}[{pairs}][{}] ", hint.name, names(&hint.names))
    };
    hints.iter().map(hint).collect()
}

pub(super) fn from(from: &From) -> String {
    let mut out = match &from.kind {
        FromKind::Table { name, hints: of, system_time } => {
            let path = names(&name.parts).replace(", ", ".");
            let time = system_time.as_ref().map_or(String::new(), |time| format!(" at {}", expr(time)));
            format!("{}{path}{time}", hints(of))
        }
        FromKind::Subquery(inner) => format!("({})", query(inner)),
        FromKind::Lateral(inner) => format!("lateral({})", query(inner)),
        FromKind::Window(call) => format!("window {}({})", call.function.value, list(&call.args, arg)),
        FromKind::Function(call) => format!("function {}({})", call.function.value, list(&call.args, arg)),
        FromKind::Values { rows: values, .. } => rows(values),
        FromKind::Unnest { expr: input, ordinality, .. } => {
            format!("unnest({}){}", expr(input), if *ordinality { " ordinality" } else { "" })
        }
        FromKind::Joined(joined) => joined.joins.iter().fold(self::from(&joined.first), join),
        FromKind::Match(inner) => matching(inner),
        FromKind::Nested(inner) => format!("nested {}", self::from(inner)),
    };

    if let Some(alias) = &from.alias {
        out += &format!(" as {}", alias.value);
    }
    if !from.columns.is_empty() {
        out += &format!("({})", names(&from.columns));
    }

    out
}

fn arg(arg: &WindowArg) -> String {
    let name = arg.name.as_ref().map_or(String::new(), |name| format!("{} => ", name.value));
    let value = match &arg.value {
        WindowArgValue::Table { from: table, partition_by, order_by } => {
            let mut out = format!("table {}", from(table));
            if !partition_by.is_empty() {
                out += &format!(" partition[{}]", exprs(partition_by));
            }
            if !order_by.is_empty() {
                out += &format!(" order[{}]", list(order_by, order));
            }
            out
        }
        WindowArgValue::Descriptor(columns) => format!("descriptor[{}]", names(columns)),
        WindowArgValue::Expr(value) => expr(value),
    };
    format!("{name}{value}")
}

fn join(left: String, join: &Join) -> String {
    let kind = match join.kind {
        AstJoinKind::Inner => "inner",
        AstJoinKind::Left => "left",
        AstJoinKind::Right => "right",
        AstJoinKind::Full => "full",
        AstJoinKind::Cross => "cross",
    };
    let constraint = match &join.constraint {
        JoinConstraint::None => String::new(),
        JoinConstraint::On(condition) => format!(" on {}", expr(condition)),
        JoinConstraint::Using(columns) => format!(" using[{}]", names(columns)),
        JoinConstraint::Natural => " natural".to_owned(),
    };
    format!("({left} {kind} {}{constraint})", from(&join.right))
}

fn matching(matching: &MatchRecognize) -> String {
    let mut out = format!("match({}", from(&matching.input));
    if !matching.partition_by.is_empty() {
        out += &format!(" partition[{}]", exprs(&matching.partition_by));
    }
    if !matching.order_by.is_empty() {
        out += &format!(" order[{}]", list(&matching.order_by, order));
    }
    if !matching.measures.is_empty() {
        let measure = |(value, name): &(Expr, Ident)| format!("{} as {}", expr(value), name.value);
        out += &format!(" measures[{}]", list(&matching.measures, measure));
    }

    if matching.all_rows.is_some() {
        out += " all rows";
    }
    out += &match &matching.after_match {
        None => String::new(),
        Some(AstAfterMatch::PastLastRow) => " skip past last".to_owned(),
        Some(AstAfterMatch::ToNextRow) => " skip to next".to_owned(),
        Some(AstAfterMatch::ToFirst(variable)) => format!(" skip to first {}", variable.value),
        Some(AstAfterMatch::ToLast(variable)) => format!(" skip to last {}", variable.value),
    };

    out += &format!(" pattern[{}]", pattern(&matching.pattern));
    if let Some(within) = &matching.within {
        out += &format!(" within {}", expr(within));
    }
    for (name, members) in &matching.subsets {
        out += &format!(" subset {}=[{}]", name.value, names(members));
    }

    let definition = |(name, condition): &(Ident, Expr)| format!("{} as {}", name.value, expr(condition));
    out + &format!(" define[{}])", list(&matching.define, definition))
}

fn pattern(of: &Pattern) -> String {
    match &of.kind {
        PatternKind::Variable(name) => name.value.clone(),
        PatternKind::Concat(parts) => format!("({})", list(parts, pattern).replace(", ", " ")),
        PatternKind::Alternation(parts) => {
            format!("({})", parts.iter().map(pattern).collect::<Vec<_>>().join(" | "))
        }
        PatternKind::Group(inner) => format!("group {}", pattern(inner)),
        PatternKind::Quantified { inner, min, max, has_min, reluctant } => {
            let min = if *has_min { min.to_string() } else { String::new() };
            let max = max.map_or(String::new(), |max| max.to_string());
            format!("{}{{{min},{max}}}{}", pattern(inner), if *reluctant { "?" } else { "" })
        }
        PatternKind::Exclusion(inner) => format!("exclude {}", pattern(inner)),
        PatternKind::Permute(parts) => format!("permute[{}]", list(parts, pattern)),
    }
}

fn over(window: &OverWindow) -> String {
    let mut parts: Vec<String> = vec![];
    parts.extend(window.base.as_ref().map(|base| base.value.clone()));
    if !window.partition_by.is_empty() {
        parts.push(format!("partition[{}]", exprs(&window.partition_by)));
    }
    if !window.order_by.is_empty() {
        parts.push(format!("order[{}]", list(&window.order_by, order)));
    }
    if let Some(frame) = &window.frame {
        let unit = if frame.unit == FrameUnit::Rows { "rows" } else { "range" };
        parts.push(format!("{unit} {} to {}", bound(&frame.start), bound(&frame.end)));
    }
    format!("({})", parts.join(" "))
}

fn bound(bound: &FrameBound) -> String {
    match bound {
        FrameBound::UnboundedPreceding => "-inf".to_owned(),
        FrameBound::Preceding(distance) => format!("-{}", expr(distance)),
        FrameBound::CurrentRow => "0".to_owned(),
        FrameBound::Following(distance) => format!("+{}", expr(distance)),
        FrameBound::UnboundedFollowing => "+inf".to_owned(),
    }
}

pub(super) fn expr(of: &Expr) -> String {
    let not = |negated: &bool| if *negated { " not" } else { "" };
    match &of.kind {
        ExprKind::Name(path) => names(path).replace(", ", "."),
        ExprKind::Literal { value, .. } => literal(value),
        ExprKind::Array(items) => format!("array[{}]", exprs(items)),
        ExprKind::Map(entries) => {
            format!("map[{}]", list(entries, |(k, v)| format!("{}: {}", expr(k), expr(v))))
        }
        ExprKind::Row(items) => format!("row[{}]", exprs(items)),
        ExprKind::Index(input, index) => format!("{}[{}]", expr(input), expr(index)),
        ExprKind::Field(input, field) => format!("{}->{}", expr(input), field.value),
        ExprKind::Negate(input) => format!("-{}", expr(input)),
        ExprKind::Not(input) => format!("not({})", expr(input)),
        ExprKind::All(items) => format!("({})", items.iter().map(expr).collect::<Vec<_>>().join(" and ")),
        ExprKind::Any(items) => format!("({})", items.iter().map(expr).collect::<Vec<_>>().join(" or ")),
        ExprKind::Compare(op, left, right) => format!("({} {op:?} {})", expr(left), expr(right)),
        ExprKind::Arithmetic { first, rest } => rest
            .iter()
            .fold(expr(first), |left, term| format!("({left} {} {})", term.operator, expr(&term.operand))),
        ExprKind::Is { input, test, negated } => format!("({} is{} {test:?})", expr(input), not(negated)),
        ExprKind::IsDistinct { left, right, negated } => {
            format!("({} is{} distinct {})", expr(left), not(negated), expr(right))
        }
        ExprKind::In { input, list, negated } => {
            format!("({}{} in [{}])", expr(input), not(negated), exprs(list))
        }
        ExprKind::InQuery { input, query: inner, negated } => {
            format!("({}{} in ({}))", expr(input), not(negated), query(inner))
        }
        ExprKind::Between { input, low, high, negated, .. } => {
            format!("({}{} between {} and {})", expr(input), not(negated), expr(low), expr(high))
        }
        ExprKind::Matches { function, args, negated } => {
            format!("({function}{} {})", not(negated), exprs(args))
        }
        ExprKind::Case { .. } => format!("case[{}]", list(&of.kind.children(), |child| expr(child))),
        ExprKind::Cast { input, target, .. } => {
            format!("cast({} as {})", expr(input), target.column_type.data_type)
        }
        ExprKind::Call(of) => call(of),
        ExprKind::Exists(inner) => format!("exists({})", query(inner)),
        ExprKind::Subquery(inner) => format!("({})", query(inner)),
        ExprKind::Quantified { op, all, input, query: inner } => {
            format!("({} {op:?} {} ({}))", expr(input), if *all { "all" } else { "any" }, query(inner))
        }
    }
}

fn literal(value: &Value) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        Value::Text(text) => format!("'{text}'"),
        Value::Bool(truth) => truth.to_string(),
        Value::Null => "null".to_owned(),
        other => format!("{other:?}"),
    }
}

fn call(call: &Call) -> String {
    let name_of = |at: usize| match call.arg_names.get(at) {
        Some(Some(name)) => format!("{} => ", name.value),
        _ => String::new(),
    };

    let args: Vec<String> =
        call.args.iter().enumerate().map(|(at, arg)| format!("{}{}", name_of(at), expr(arg))).collect();
    let star = if call.star { "*" } else { "" };
    let distinct = if call.distinct { "distinct " } else { "" };
    let mut out = format!("{}({star}{distinct}{})", call.name.value, args.join(", "));

    if let Some(ignored) = call.ignore_nulls {
        out += if ignored { " ignore nulls" } else { " respect nulls" };
    }
    if !call.within_group.is_empty() {
        out += &format!(" within[{}]", list(&call.within_group, order));
    }
    if let Some(filter) = &call.filter {
        out += &format!(" filter {}", expr(filter));
    }
    if let Some(window) = &call.over {
        out += &format!(" over{}", over(window));
    }

    out
}
