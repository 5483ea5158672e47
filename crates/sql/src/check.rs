//! Checks a script for an editor: everything that is wrong, what the script can be run as, and the tables and views that
//! its queries may name.
//!
//! A script with INSERT statements is a job. A script with a SELECT statement is a query whose rows a client fetches. A
//! script that is still being written may be both or neither, which is not an error here.

use types::ColumnType;

use crate::bind::Column;
use crate::catalog::{Catalog, Object};
use crate::compile::{Bound, Wanted, compile, compile_query};
use crate::error::Diagnostic;
use crate::graph::Graph;
use crate::plan::Plan;
use crate::session::type_of;

/// The outcome of a check.
#[derive(Debug)]
pub struct Checked {
    /// The plan, if there is no error and something to run; that of the query, if there is one.
    pub plan: Option<Plan>,
    /// All findings, in the order of their places.
    pub findings: Vec<Diagnostic>,
    /// Whether the script has an INSERT, and whether it has a SELECT.
    pub has_insert: bool,
    pub has_query: bool,
    /// The declared tables and views by name.
    pub objects: Vec<Declared>,
}

/// A table or view of a script.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared {
    pub name: String,
    pub is_view: bool,
    pub columns: Vec<(String, ColumnType)>,
}

/// Checks a script. `${NAME}` is filled from `variables` first; spans are byte ranges of `script` as given.
pub fn check(script: &str, variables: &dyn Fn(&str) -> Option<String>) -> Checked {
    let bound = match Bound::of(script, variables, Wanted::Rows) {
        Ok(bound) => bound,
        Err(findings) => {
            let (has_insert, has_query) = (false, false);
            return Checked { plan: None, findings, has_insert, has_query, objects: Vec::new() };
        }
    };

    let (has_insert, has_query) = (bound.has_insert, bound.has_query);
    let objects = declared(bound.binder.catalog());

    let compiled = match (has_query, has_insert) {
        (true, _) => compile_query(script, variables).map(|query| Some(query.plan)),
        (false, true) => compile(script, variables).map(Some),
        (false, false) => Err(bound.diagnostics),
    };

    let (plan, mut findings) = match compiled {
        Ok(plan) => {
            let notices = plan.as_ref().map(|plan| plan.notices.clone()).unwrap_or_default();
            (plan, notices)
        }
        Err(findings) => (None, findings),
    };
    findings.sort_by_key(|finding| (finding.span.start, finding.span.end));
    Checked { plan, findings, has_insert, has_query, objects }
}

fn declared(catalog: &Catalog) -> Vec<Declared> {
    let mut names: Vec<(&String, &Object)> = catalog.names.iter().collect();
    names.sort_unstable_by_key(|(name, _)| *name);
    let objects = names.into_iter().filter_map(|(name, object)| {
        let (is_view, columns) = match object {
            Object::Table(index) => {
                let table = &catalog.tables[*index];
                (false, typed(&table.columns, &table.graph))
            }
            Object::View(index) => {
                let view = catalog.views[*index].as_ref()?;
                let (graph, ids) = Graph::over(view.rel.scope());
                let columns = view.columns.iter().map(|column| column.map(&mut |field| ids[field]));
                (true, typed(&columns.collect::<Vec<Column>>(), &graph))
            }
        };
        Some(Declared { name: name.clone(), is_view, columns })
    });
    objects.collect()
}

fn typed(columns: &[Column], graph: &Graph) -> Vec<(String, ColumnType)> {
    columns.iter().map(|column| (column.name.clone(), type_of(&column.cell, graph))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: &str = "CREATE TABLE q (a STRING, n INT) WITH ('connector' = 'kafka', 'topic' = 'q', \
        'properties.bootstrap.servers' = 'embedded', 'format' = 'json');\n\
        CREATE TABLE s (a STRING) WITH ('connector' = 'blackhole');\n\
        CREATE VIEW v AS SELECT a, n + 1 AS more FROM q;\n";

    fn checked(rest: &str) -> Checked {
        check(&format!("{TABLES}{rest}"), &|_| None)
    }

    #[test]
    fn a_script_is_a_job_or_a_query_or_neither_yet() {
        let declarations = checked("");
        assert!(declarations.plan.is_none() && declarations.findings.is_empty(), "nothing is wrong yet");
        assert!(!declarations.has_insert && !declarations.has_query);

        let job = checked("INSERT INTO s SELECT a FROM v;");
        assert!(job.plan.is_some() && job.has_insert && !job.has_query, "{:?}", job.findings);

        let query = checked("SELECT a, more FROM v WHERE more > 3;");
        assert!(query.plan.is_some() && query.has_query && !query.has_insert, "{:?}", query.findings);
    }

    #[test]
    fn tables_and_views_are_known_also_while_something_is_wrong() {
        let wrong = checked("SELECT nosuch FROM v;");
        assert!(wrong.plan.is_none() && wrong.has_query);
        let script = format!("{TABLES}SELECT nosuch FROM v;");
        let span = wrong.findings[0].span;
        assert_eq!(&script[span.start..span.end], "nosuch");

        let objects: Vec<(&str, bool)> = wrong.objects.iter().map(|of| (&*of.name, of.is_view)).collect();
        assert_eq!(objects, [("q", false), ("s", false), ("v", true)]);
        let columns = wrong.objects[2].columns.iter().map(|(name, of)| format!("{name} {}", of.data_type));
        assert_eq!(columns.collect::<Vec<_>>(), ["a STRING", "more INT"]);
    }
}
