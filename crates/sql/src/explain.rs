//! Formats a plan for people: a tree for each pipeline, from its source to the sinks of its queries. The text
//! depends only on the plan, so two plans can be compared line by line.

mod expression;
mod graph;

use std::fmt::Write;

use crate::plan::operator::{
    Changes, IntervalJoin, Join, LookupHint, LookupJoin, LookupKey, OperatorKind, RetryMisses, TemporalJoin,
    Unnest, WindowJoin,
};
use crate::plan::{
    Leaf, Operator, Pipeline, Plan, Query, ScanWindowAggregate, Shape, SinkTable, TableOptions, Target,
    Window,
};
use expression::{Printer, literal};
pub use graph::{PlanEdge, PlanNode, graph};

pub(crate) use expression::expression;

/// Formats a plan as a tree.
pub fn explain(plan: &Plan) -> String {
    let mut out = String::new();
    for (key, value) in &plan.settings.all {
        line(&mut out, format_args!("SET {key} = {value}"));
    }
    if !plan.settings.all.is_empty() {
        out.push('\n');
    }
    for pipeline in &plan.pipelines {
        draw_pipeline(&mut out, pipeline, &plan.sinks);
    }
    for (place, operator) in plan.operators.iter().enumerate() {
        draw_operator(&mut out, place, operator, plan);
    }
    out
}

/// Describes a query in one line: its window, its key columns, and its sinks.
pub fn summary(pipeline: &Pipeline, query: &Query, sinks: &[SinkTable]) -> String {
    let printer = Printer::new(&pipeline.exprs, pipeline.rowtime.as_ref());
    let how = match &query.shape {
        Shape::Rows { .. } => "row by row".to_owned(),
        Shape::Aggregate(aggregate) if aggregate.keys.is_empty() => window(aggregate.window),
        Shape::Aggregate(aggregate) => {
            let keys: Vec<String> = aggregate.keys.iter().map(|key| printer.print(*key)).collect();
            format!("{} by {}", window(aggregate.window), keys.join(", "))
        }
    };
    match query.sink().map(|sink| &sinks[sink]) {
        Some(sink) => format!("{how}, into {}", sink.described()),
        None => format!("{how}, into operators"),
    }
}

/// Writing into a `String` does not fail.
fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
    out.push('\n');
}

fn draw_pipeline(out: &mut String, pipeline: &Pipeline, sinks: &[SinkTable]) {
    let printer = Printer::new(&pipeline.exprs, pipeline.rowtime.as_ref());
    let connector = pipeline.source.options.entries.get("connector").map_or("", |option| &option.value);
    match &pipeline.source.rows {
        Some(rows) => line(out, format_args!("source {} ({} written out)", pipeline.source.name, rows.len())),
        None => line(out, format_args!("source {} ({connector})", pipeline.source.name)),
    }

    if let Some(hinted) = hinted(&pipeline.source.options) {
        line(out, format_args!("│  options    {hinted}"));
    }

    let leaves: Vec<String> = pipeline
        .source
        .leaves
        .iter()
        .map(|leaf| {
            let metadata = leaf
                .metadata
                .as_ref()
                .map(|metadata| format!(" METADATA '{}'", metadata.key))
                .unwrap_or_default();
            format!("{} {}{metadata}", leaf.path.join("."), leaf.column_type)
        })
        .collect();
    line(out, format_args!("│  reads      {}", leaves.join(", ")));

    if let Some(rowtime) = &pipeline.rowtime {
        let plain = Printer::new(&pipeline.exprs, None);
        line(out, format_args!("│  event time {} = {}", rowtime.name, plain.print(rowtime.time)));
        match rowtime.delay {
            Some(delay) if delay.0 == 0 => line(out, format_args!("│  watermark  {}", rowtime.name)),
            Some(delay) => line(out, format_args!("│  watermark  {} - {delay}", rowtime.name)),
            None => line(out, format_args!("│  watermark  {}", printer.print(rowtime.watermark))),
        }
    }

    if !pipeline.common_filter.is_empty() {
        line(out, format_args!("│  filter     {}", printer.all(&pipeline.common_filter)));
    }

    for (at, query) in pipeline.queries.iter().enumerate() {
        let is_last = at + 1 == pipeline.queries.len();
        draw_query(out, query, &printer, sinks, is_last);
    }
    out.push('\n');
}

/// Lists the targets of rows.
fn targets(targets: &[Target], sinks: &[SinkTable]) -> String {
    let one = |target: &Target| match target {
        Target::Sink(sink) => {
            let sink = &sinks[*sink];
            // The sink of a fetched query has no connector.
            let connector = sink.options.entries.get("connector");
            let connector = connector.map(|option| format!(" ({})", option.value)).unwrap_or_default();
            format!("{}{connector}", sink.name)
        }
        Target::Operator { operator, input } => format!("operator {operator}, input {input}"),
    };
    targets.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn draw_operator(out: &mut String, place: usize, operator: &Operator, plan: &Plan) {
    line(out, format_args!("operator {place} {}", operator.name));
    let fields: Vec<String> =
        operator.fields.iter().map(|field| format!("{} {}", field.name, field.column_type)).collect();
    match &operator.kind {
        OperatorKind::LookupJoin(join) => draw_lookup(out, join, operator),
        OperatorKind::FromChangelog(of) => line(out, format_args!("   codes      {of}")),
        OperatorKind::ToChangelog(of) => line(out, format_args!("   codes      {of}")),
        _ => draw_conditions(out, &operator.kind),
    }
    line(out, format_args!("   gives      {}", fields.join(", ")));
    line(out, format_args!("   changes    {}", changes(&operator.changes)));
    if operator.state_ttl.iter().any(|ttl| *ttl != plan.settings.state_ttl) {
        let of_inputs =
            operator.state_ttl.iter().map(|ttl| ttl.map_or("for ever".into(), |ttl| ttl.to_string()));
        line(out, format_args!("   state ttl  {}", of_inputs.collect::<Vec<String>>().join(", ")));
    }
    line(out, format_args!("   into       {}", targets(&operator.targets, &plan.sinks)));
    out.push('\n');
}

/// Draws which rows an operator keeps, or which pairs of rows it joins.
fn draw_conditions(out: &mut String, kind: &OperatorKind) {
    let (exprs, conditions, word) = match kind {
        OperatorKind::Calc(calc) => (&calc.exprs, &calc.conditions, "filter"),
        OperatorKind::Join(Join { condition: Some(of), .. })
        | OperatorKind::IntervalJoin(IntervalJoin { condition: Some(of), .. })
        | OperatorKind::TemporalJoin(TemporalJoin { condition: Some(of), .. })
        | OperatorKind::WindowJoin(WindowJoin { condition: Some(of), .. })
        | OperatorKind::Unnest(Unnest { condition: Some(of), .. }) => (&of.exprs, &of.conditions, "where"),
        _ => return,
    };
    if !conditions.is_empty() {
        let text = Printer::new(exprs, None).all(conditions);
        line(out, format_args!("   {word:<10} {text}"));
    }
}

fn draw_lookup(out: &mut String, join: &LookupJoin, operator: &Operator) {
    let table = &*join.table;
    let left = &operator.inputs[0].fields;
    let key = |(leaf, key): &(usize, LookupKey)| {
        let Leaf { path, column_type, .. } = &table.leaves[*leaf];
        let value = match key {
            LookupKey::Field(field) => left[*field].name.clone(),
            LookupKey::Literal(value) => literal(value, &column_type.data_type),
        };
        format!("{} = {value}", path.join("."))
    };
    let keys: Vec<String> = join.keys.iter().map(key).collect();
    let connector = table.options.entries.get("connector").map_or("", |option| &option.value);
    line(out, format_args!("   looks up   {} ({connector}) by {}", table.name, keys.join(", ")));
    if let Some(condition) = &join.condition {
        let printer = Printer::new(&condition.exprs, None);
        line(out, format_args!("   where      {}", printer.all(&condition.conditions)));
    }

    let options = table.options.entries.iter().filter(|(key, _)| key.starts_with("lookup."));
    let options: Vec<String> = options.map(|(key, option)| format!("'{key}' = '{}'", option.value)).collect();
    if !options.is_empty() {
        line(out, format_args!("   options    {}", options.join(", ")));
    }
    let LookupHint { retry, capacity, timeout } = join.hint;
    if let Some(RetryMisses { attempts, delay }) = retry {
        line(out, format_args!("   misses     looked up again {attempts} times, {delay} apart"));
    }
    if let Some(rows) = capacity {
        line(out, format_args!("   capacity   {rows} rows"));
    }
    if let Some(timeout) = timeout {
        line(out, format_args!("   timeout    {timeout}"));
    }
    if let Some(fields) = &join.kept_by {
        let names: Vec<&str> = fields.iter().map(|&field| left[field].name.as_str()).collect();
        line(out, format_args!("   keeps      what was joined, by {}", names.join(", ")));
    }
}

fn changes(changes: &Changes) -> &'static str {
    match changes {
        Changes::Append => "+I",
        Changes::Upsert(_) => "+I, +U, -D",
        Changes::Retract => "+I, -U, +U, -D",
    }
}

/// Lists the options that hints gave a table.
fn hinted(options: &TableOptions) -> Option<String> {
    let given = options.hinted.iter().filter_map(|key| Some((key, &options.entries.get(key)?.value)));
    let given: Vec<String> = given.map(|(key, value)| format!("'{key}' = '{value}'")).collect();
    (!given.is_empty()).then(|| given.join(", "))
}

fn draw_query(out: &mut String, query: &Query, printer: &Printer<'_>, sinks: &[SinkTable], is_last: bool) {
    let (branch, rail) = if is_last { ("└─", "  ") } else { ("├─", "│ ") };
    let sink = query.sink().map(|sink| &sinks[sink]);
    line(out, format_args!("{branch} query {}", query.name));
    if !query.filter.is_empty() {
        line(out, format_args!("{rail}  filter     {}", printer.all(&query.filter)));
    }

    let (columns, graph) = match &query.shape {
        Shape::Rows { columns } => (columns, printer.graph),
        Shape::Aggregate(aggregate) => {
            draw_aggregate(out, rail, aggregate, printer);
            (&aggregate.columns, &aggregate.output)
        }
    };
    let output = Printer { graph, rowtime: printer.rowtime.filter(|_| std::ptr::eq(graph, printer.graph)) };

    line(out, format_args!("{rail}  into       {}", targets(&query.targets, sinks)));
    if let Some(hinted) = sink.and_then(|sink| hinted(&sink.options)) {
        line(out, format_args!("{rail}  options    {hinted}"));
    }

    let names: Vec<&str> = match sink {
        Some(sink) => sink.columns.iter().map(|column| column.name.as_str()).collect(),
        None => vec![""; columns.len()],
    };
    for (name, id) in names.into_iter().zip(columns) {
        line(
            out,
            format_args!("{rail}             {} {} = {}", name, graph.column_type(*id), output.print(*id)),
        );
    }
}

fn draw_aggregate(out: &mut String, rail: &str, aggregate: &ScanWindowAggregate, printer: &Printer<'_>) {
    line(out, format_args!("{rail}  window     {}", window(aggregate.window)));
    if !aggregate.keys.is_empty() {
        let keys: Vec<String> = aggregate.keys.iter().map(|key| printer.print(*key)).collect();
        line(out, format_args!("{rail}  group by   {}", keys.join(", ")));
    }
    for (at, call) in aggregate.aggregates.iter().enumerate() {
        let head = if at == 0 { "aggregates" } else { "" };
        line(out, format_args!("{rail}  {head:<10} {} {}", call.name, call.column_type));
    }
    if !aggregate.having.is_empty() {
        let output = Printer::new(&aggregate.output, None);
        line(out, format_args!("{rail}  having     {}", output.all(&aggregate.having)));
    }
}

fn window(window: Window) -> String {
    let (text, offset) = match window {
        Window::Tumble { size, offset } => (format!("TUMBLE {size}"), offset),
        Window::Hop { size, slide, offset } => (format!("HOP {size} every {slide}"), offset),
        Window::Cumulate { size, step, offset } => {
            (format!("CUMULATE up to {size} in steps of {step}"), offset)
        }
    };
    if offset.0 == 0 { text } else { format!("{text}, offset {offset}") }
}
