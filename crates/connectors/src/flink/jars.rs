//! The jars that a script needs on the cluster, by its connectors and formats.

use sql::plan::operator::OperatorKind;
use sql::plan::{Plan, TableOptions};

/// A jar on the class path of the job manager, the task managers and the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Jar {
    /// Name of the artifact: `flink-sql-connector-kafka`.
    pub name: &'static str,
    /// Why the script needs it.
    pub reason: &'static str,
    /// Whether a release of Flink has it in `lib`.
    pub is_in_release: bool,
}

const KAFKA: Jar = Jar {
    name: "flink-sql-connector-kafka",
    reason: "tables with the connectors `kafka` and `upsert-kafka`, and results topics",
    is_in_release: false,
};
const JDBC: Jar = Jar {
    name: "flink-connector-jdbc, and the driver of the database",
    reason: "lookup tables with the connector `jdbc`",
    is_in_release: false,
};
const JSON: Jar = Jar { name: "flink-json", reason: "records and rows in JSON", is_in_release: true };
const CEP: Jar = Jar { name: "flink-cep", reason: "MATCH_RECOGNIZE", is_in_release: true };

/// Returns what a plan needs, by name.
pub(super) fn needed(plan: &Plan) -> Vec<Jar> {
    let mut jars = Vec::new();

    let sources = plan.pipelines.iter().map(|pipeline| &pipeline.source.options);
    let sinks = plan.sinks.iter().map(|sink| &sink.options);
    let lookups = plan.lookups().map(|(_, join)| &join.table.options);
    for options in sources.chain(sinks).chain(lookups) {
        match connector(options) {
            "kafka" | "upsert-kafka" | "redis" => jars.extend([KAFKA, JSON]),
            "jdbc" => jars.push(JDBC),
            "filesystem" => jars.push(JSON),
            _ => {}
        }
    }
    if plan.operators.iter().any(|operator| matches!(operator.kind, OperatorKind::Match(_))) {
        jars.push(CEP);
    }

    jars.sort_unstable();
    jars.dedup();
    jars
}

/// Returns a table's connector; empty for literal rows.
pub(super) fn connector(options: &TableOptions) -> &str {
    options.entries.get("connector").map_or("", |option| option.value.as_str())
}
