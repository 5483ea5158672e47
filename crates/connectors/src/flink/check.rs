//! What Flink refuses or does otherwise, as far as tables and settings say it. `sql::flink` looks at the queries.

use std::collections::BTreeSet;

use sql::error::{Diagnostic, DiagnosticKind};
use sql::plan::{Pipeline, Plan, SinkTable, TableOptions};
use storage::log::is_internal;

use super::ClusterOptions;
use super::jars::connector;

const SERVERS: &str = "properties.bootstrap.servers";
/// The brokers of Weir's own log.
const EMBEDDED: &str = "embedded";

/// Prefixes of the options by which a client connects: results topics share them with the source.
const CONNECTION: [&str; 4] = [SERVERS, "properties.security.", "properties.sasl.", "properties.ssl."];

/// The settings of Weir that Flink ignores: what is lost without each, and what to do.
const IGNORED: [(&str, &str, &str); 5] = [
    (
        "weir.early-fire",
        "Flink writes no results of open windows: a row comes once, when its window closes",
        "readers see a window after its end, plus the delay of the watermark",
    ),
    (
        "weir.allowed-lateness",
        "Flink drops events that come after their window has closed, and corrects no result",
        "a longer delay in WATERMARK FOR lets windows wait for late events",
    ),
    (
        "weir.max-future",
        "Flink takes an event from the future as it is: it moves the watermark, and closes windows too early",
        "filter such events in a WHERE, by a comparison with CURRENT_TIMESTAMP",
    ),
    (
        "weir.memory",
        "Flink ignores it",
        "taskmanager.memory.process.size bounds the memory of a task manager",
    ),
    ("weir.optimizer.disabled-rules", "Flink has an optimizer of its own", "leave it out"),
];

/// Returns all findings about the tables and settings of a plan.
pub(super) fn check(plan: &Plan, options: &ClusterOptions) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for pipeline in &plan.pipelines {
        findings.extend(brokers(&pipeline.source.name, &pipeline.source.options));
        findings.extend(other_reading(pipeline));
    }
    for sink in &plan.sinks {
        findings.extend(brokers(&sink.name, &sink.options));
    }
    findings.extend(lookups(plan));
    findings.extend(settings(plan, options));
    findings
}

/// Checks that Flink can reach the topics of a table.
fn brokers(table: &str, options: &TableOptions) -> Vec<Diagnostic> {
    if !["kafka", "upsert-kafka"].contains(&connector(options)) {
        return Vec::new();
    }

    let mut findings = Vec::new();
    let example = "for example 'properties.bootstrap.servers' = 'broker-1:9092,broker-2:9092'";
    match options.entries.get(SERVERS) {
        None => {
            let message = format!("Flink needs the brokers of `{table}`");
            findings.push(Diagnostic::error(options.span, message).with_hint(example));
        }
        Some(option) if option.value.trim() == EMBEDDED => {
            let message = format!("`{EMBEDDED}` is Weir's own log, which Flink cannot reach");
            findings.push(Diagnostic::error(option.value_span, message).with_hint(example));
        }
        Some(_) => {}
    }

    if let Some(option) = options.entries.get("topic")
        && let Some(internal) = option.value.split(';').map(str::trim).find(|topic| is_internal(topic))
    {
        let message = format!("topic `{internal}` is in Weir's own log, which Flink cannot reach");
        let hint = "read a topic of a Kafka cluster";
        findings.push(Diagnostic::error(option.value_span, message).with_hint(hint));
    }
    findings
}

/// Notes records that Flink's usual JSON reader reads otherwise.
fn other_reading(pipeline: &Pipeline) -> Option<Diagnostic> {
    let options = &pipeline.source.options;
    let is = |key: &str, wanted: &str| {
        let option = |prefix: &str| options.entries.get(&format!("{prefix}json.{key}"));
        option("")
            .or_else(|| option("value."))
            .is_some_and(|option| option.value.eq_ignore_ascii_case(wanted))
    };
    if !is("ignore-parse-errors", "true") || is("decode.json-parser.enabled", "false") {
        return None;
    }

    let prefix = if options.entries.contains_key("format") { "" } else { "value." };
    let message = format!(
        "where a record has an object or a list in the place of a text or number of `{}`, Flink loses the fields that follow \
         it, or the record",
        pipeline.source.name
    );
    let hint =
        format!("'{prefix}json.decode.json-parser.enabled' = 'false' makes that field null, as in Weir");
    Some(Diagnostic::notice(options.span, message).with_hint(hint))
}

/// Refuses lookup tables that Flink has no connector for.
fn lookups(plan: &Plan) -> Vec<Diagnostic> {
    let refused =
        plan.lookups().filter_map(|(place, join)| {
            let what = match connector(&join.table.options) {
                "redis" => "Flink has no connector that looks up rows in Redis",
                "filesystem" => "Flink's connector `filesystem` looks up no rows",
                _ => return None,
            };
            let message = format!("{what}, as the join with `{}` does", join.table.name);
            let error = Diagnostic::error(plan.operators[place].span, message)
                .of_kind(DiagnosticKind::RefusedByFlink);
            Some(error.with_hint(
                "keep the rows in a database ('connector' = 'jdbc'), or join with a topic of them",
            ))
        });
    refused.collect()
}

fn settings(plan: &Plan, options: &ClusterOptions) -> Vec<Diagnostic> {
    let is_set = |key: &str| {
        plan.settings.all.contains_key(key) || options.settings.iter().any(|(given, _)| given == key)
    };
    let mut findings = Vec::new();
    for (key, effect, remedy) in IGNORED {
        let Some(place) = plan.settings.places.get(key) else { continue };
        findings.push(Diagnostic::notice(*place, format!("{key}: {effect}")).with_hint(remedy));
    }

    let timed = plan.pipelines.iter().find(|pipeline| pipeline.rowtime.is_some());
    if let Some(pipeline) = timed.filter(|_| !is_set("table.exec.source.idle-timeout")) {
        let message = "in Flink, a partition without events holds back all windows, and the last windows stay open when no \
                       events come any more";
        let hint = "SET 'table.exec.source.idle-timeout' = '30 s' leaves silent partitions out; a later event closes the last \
                    windows";
        findings.push(Diagnostic::notice(pipeline.source.span, message).with_hint(hint));
    }

    findings
}

/// Why results topics have no brokers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoBrokers {
    /// No source of the script is in Kafka.
    NoSource,
    /// The sources are in several clusters.
    Several,
}

impl NoBrokers {
    pub(super) fn at(self, sink: &SinkTable) -> Diagnostic {
        let reason = match self {
            NoBrokers::NoSource => "no table that the script reads names any",
            NoBrokers::Several => "the script reads from several Kafka clusters",
        };
        let message =
            format!("the results of `{}` need the brokers of a Kafka cluster, and {reason}", sink.name);
        Diagnostic::error(sink.options.span, message).with_hint("name them with --results-brokers BROKERS")
    }
}

/// Returns the client options of results topics: the given brokers, or the connection of the script's sources.
pub(super) fn brokers_of_results(
    plan: &Plan,
    options: &ClusterOptions,
) -> Result<Vec<(String, String)>, NoBrokers> {
    if let Some(brokers) = &options.brokers {
        return Ok(vec![(SERVERS.to_owned(), brokers.clone())]);
    }

    let connection = |options: &TableOptions| -> Vec<(String, String)> {
        let entries = options.entries.iter();
        let of = entries.filter(|(key, _)| CONNECTION.iter().any(|prefix| key.starts_with(prefix)));
        of.map(|(key, option)| (key.clone(), option.value.clone())).collect()
    };
    let sources = plan.pipelines.iter().map(|pipeline| &pipeline.source.options);
    let connections: BTreeSet<Vec<(String, String)>> =
        sources.map(connection).filter(|of| of.iter().any(|(key, _)| key == SERVERS)).collect();

    let mut connections = connections.into_iter();
    match (connections.next(), connections.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(NoBrokers::NoSource),
        (Some(_), Some(_)) => Err(NoBrokers::Several),
    }
}
