//! Scripts for an Apache Flink cluster: what Flink's SQL gateway is sent for a script of Weir.
//!
//! Weir's scripts are Flink SQL, except for `redis` tables. Such a table becomes a results topic (`results`), and all other
//! statements stay as they were written. The order is Weir's: all settings, all declarations, then one statement with
//! every `INSERT`, so that the whole script is one job, and no job runs where a statement before it fails.
//!
//! ```text
//! SET …; CREATE TABLE events …;         SET …
//! CREATE TABLE faculty (…)              CREATE TABLE events …
//!   WITH ('connector' = 'redis', …);  ⇒ CREATE TABLE faculty (…) WITH ('connector' = 'kafka', …)
//! INSERT INTO faculty SELECT …;         EXECUTE STATEMENT SET BEGIN
//! INSERT INTO other SELECT …;             INSERT INTO faculty (…) SELECT … FROM (SELECT …); INSERT INTO other SELECT …;
//!                                       END
//! ```
//!
//! `check` finds what Flink refuses or answers differently. `delivery` is the way back: a script that writes results topics to
//! the result store. Everything here is a pure function of scripts.

mod check;
mod delivery;
mod jars;
mod results;
mod sent;
#[cfg(test)]
mod tests;
mod trial;

use std::collections::BTreeMap;

use sql::error::{Diagnostic, DiagnosticKind, Severity, Span};
use sql::plan::Plan;
use sql::session::Variables;
use sql::statements::{Insertion, StatementKind, Statements};

pub use delivery::{Delivered, NotDelivered, delivery};
pub use jars::Jar;
pub use results::{DECLARATION_HEADER, KEY_PREFIX, ResultsTopic, Writing};
pub use sent::Sent;
pub use trial::{TRIAL_SUFFIX, Trial};

use results::ResultsTable;

/// Without this setting, Flink takes no checkpoints unless its configuration has it.
pub const CHECKPOINTS: &str = "execution.checkpointing.interval";

/// How a script is to run on the cluster.
#[derive(Debug, Clone, Default)]
pub struct ClusterOptions {
    /// Results topics are called by this prefix and the name of their table.
    pub topic_prefix: String,
    /// Brokers of the results topics; without them, those of the script's sources.
    pub brokers: Option<String>,
    /// Name of the job, if the script sets none.
    pub name: Option<String>,
    /// Settings that override those of the script, in order.
    pub settings: Vec<(String, String)>,
    /// Where the script starts, if it runs as a trial.
    pub trial: Option<Trial>,
}

/// A script as Flink's gateway is sent it.
#[derive(Debug)]
pub struct Translation {
    pub script: Statements,
    /// The statements in order; only the last one starts a job.
    pub statements: Vec<Sent>,
    pub results: Vec<ResultsTopic>,
    /// What the cluster's class path must hold.
    pub jars: Vec<Jar>,
    /// Whether the script or the options set the interval of checkpoints.
    pub sets_checkpoints: bool,
}

/// Translates a script, and returns all findings about it, in script order. Without a translation, at least one of them is
/// an error. What Flink refuses is an error; what it answers differently is a notice.
pub fn translate(
    script: &str,
    variables: Variables<'_>,
    options: &ClusterOptions,
) -> (Option<Translation>, Vec<Diagnostic>) {
    let plan = match sql::compile(script, variables) {
        Ok(plan) => plan,
        Err(findings) => return (None, findings.into_iter().filter_map(of_flink).collect()),
    };
    let statements = match Statements::of(script, variables) {
        Ok(statements) => statements,
        Err(findings) => return (None, findings),
    };

    let mut findings: Vec<Diagnostic> = plan.notices.iter().cloned().filter_map(of_flink).collect();
    findings.extend(crate::check_local(&plan));
    findings.extend(sql::flink::differences(&plan));
    findings.extend(check::check(&plan, options));
    let translation = Translator { plan: &plan, options }.translate(statements, &mut findings);

    findings.sort_by_key(|finding| (finding.span.start, finding.span.end));
    findings.dedup();
    let is_refused = findings.iter().any(Diagnostic::is_error);
    (translation.filter(|_| !is_refused), findings)
}

/// Returns what a finding about a script means for Flink: `None` for remarks about Weir alone.
fn of_flink(finding: Diagnostic) -> Option<Diagnostic> {
    match finding.kind {
        DiagnosticKind::RefusedByFlink => Some(Diagnostic { severity: Severity::Error, ..finding }),
        DiagnosticKind::NotUsedHere => None,
        _ => Some(finding),
    }
}

struct Translator<'a> {
    plan: &'a Plan,
    options: &'a ClusterOptions,
}

impl Translator<'_> {
    fn translate(&self, script: Statements, findings: &mut Vec<Diagnostic>) -> Option<Translation> {
        let mut tables = BTreeMap::new();
        for statement in script.iter() {
            let StatementKind::CreateTable(table) = &statement.kind else { continue };
            match ResultsTable::of(&script, table, self.plan, self.options) {
                Ok(Some(results)) => drop(tables.insert(table.name.clone(), results)),
                Ok(None) => {}
                Err(found) => findings.extend(found),
            }
        }
        self.note_conflicts(&script, &mut tables);

        let mut statements = self.settings(&script, &tables);
        statements.extend(declarations(&script, &tables, self.options.trial.as_ref()));
        statements.extend(job(&script, &tables, findings));

        let results = tables.into_values().map(ResultsTable::into_topic).collect();
        let jars = jars::needed(self.plan);
        let sets_checkpoints = self.is_set(CHECKPOINTS);
        Some(Translation { script, statements, results, jars, sets_checkpoints })
    }

    fn is_set(&self, key: &str) -> bool {
        let given = self.options.settings.iter().any(|(given, _)| given == key);
        given || self.plan.settings.all.contains_key(key)
    }

    /// A table with an `INSERT … ON CONFLICT` is written by key: Flink accepts the clause for no other.
    fn note_conflicts(&self, script: &Statements, tables: &mut BTreeMap<String, ResultsTable>) {
        for insert in inserts(script).filter(|(_, insert)| insert.has_on_conflict) {
            if let Some(table) = tables.get_mut(&insert.1.table) {
                table.write_by_key();
            }
        }
    }

    /// Returns the script's settings, then those that replace them. The last one for a key wins.
    fn settings(&self, script: &Statements, tables: &BTreeMap<String, ResultsTable>) -> Vec<Sent> {
        let written = script.iter().filter(|of| matches!(of.kind, StatementKind::Set { .. }));
        let mut all: Vec<Sent> = written.map(|of| Sent::verbatim(script, of.span)).collect();

        let conflicts = "table.exec.sink.require-on-conflict";
        let is_by_key = tables.values().any(|table| table.writing == Writing::ByKey);
        if is_by_key && !self.is_set(conflicts) {
            // Flink 2.3 asks what to do with rows that share a key. The last one counts, as in Weir.
            all.push(Sent::made(set(conflicts, "false")));
        }

        if let Some(name) = self.options.name.as_ref().filter(|_| !self.is_set("pipeline.name")) {
            all.push(Sent::made(set("pipeline.name", name)));
        }
        all.extend(self.options.settings.iter().map(|(key, value)| Sent::made(set(key, value))));
        all
    }
}

/// Returns all tables and views in order.
fn declarations(
    script: &Statements,
    tables: &BTreeMap<String, ResultsTable>,
    trial: Option<&Trial>,
) -> Vec<Sent> {
    let declared = script.iter().filter_map(|statement| match &statement.kind {
        StatementKind::CreateTable(table) => Some(match tables.get(&table.name) {
            Some(results) => results.declaration(script, statement.span),
            None => match trial {
                Some(trial) => trial.declaration(script, statement.span, table),
                None => Sent::verbatim(script, statement.span),
            },
        }),
        StatementKind::CreateView => Some(Sent::verbatim(script, statement.span)),
        StatementKind::Set { .. } | StatementKind::Insert(_) | StatementKind::Other => None,
    });
    declared.collect()
}

/// Returns the statement that starts the job.
fn job(
    script: &Statements,
    tables: &BTreeMap<String, ResultsTable>,
    findings: &mut Vec<Diagnostic>,
) -> Option<Sent> {
    let mut written = Vec::new();
    for (span, insert) in inserts(script) {
        match (tables.get(&insert.table), insert.hints) {
            (None, _) => written.push(Sent::verbatim(script, span)),
            (Some(table), None) => written.push(table.insert(script, span, insert)),
            (Some(_), Some(hints)) => {
                let place = script.origin(hints);
                let error = Diagnostic::error(place, "a results topic takes no hints of its `redis` table");
                findings.push(error.with_hint("write the options into the table's WITH (…)"));
            }
        }
    }

    if written.len() < 2 {
        return written.pop();
    }
    let mut set = Sent::made("EXECUTE STATEMENT SET\nBEGIN\n".to_owned());
    for insert in written {
        set.append(insert);
        set.push(";\n");
    }
    set.push("END");
    Some(set)
}

fn inserts(script: &Statements) -> impl Iterator<Item = (Span, &Insertion)> {
    script.iter().filter_map(|statement| match &statement.kind {
        StatementKind::Insert(insert) => Some((statement.span, insert)),
        _ => None,
    })
}

fn set(key: &str, value: &str) -> String {
    format!("SET {} = {}", quoted(key), quoted(value))
}

/// Quotes a text for SQL.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Quotes a name for SQL.
fn name(text: &str) -> String {
    format!("`{}`", text.replace('`', "``"))
}
