//! Completion: what the word at the cursor may become.

use std::collections::BTreeSet;

use super::ask::function_names;
use super::{Session, Variables, bound};

/// What a statement may begin with.
const STARTS: &[&str] = &[
    "BEGIN STATEMENT SET",
    "CREATE TABLE",
    "CREATE TEMPORARY TABLE",
    "CREATE TEMPORARY VIEW",
    "CREATE VIEW",
    "DESCRIBE",
    "DROP TABLE",
    "DROP VIEW",
    "END",
    "EXECUTE STATEMENT SET BEGIN",
    "EXPLAIN",
    "INSERT INTO",
    "RESET",
    "SELECT",
    "SET",
    "SHOW CATALOGS",
    "SHOW CREATE TABLE",
    "SHOW CREATE VIEW",
    "SHOW CURRENT CATALOG",
    "SHOW CURRENT DATABASE",
    "SHOW DATABASES",
    "SHOW FUNCTIONS",
    "SHOW JOBS",
    "SHOW TABLES",
    "SHOW VIEWS",
    "STOP JOB",
    "USE",
    "WITH",
];

/// What may stand inside of one.
const WORDS: &[&str] = &[
    "AND",
    "AS",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "CUMULATE",
    "DESCRIPTOR",
    "DISTINCT",
    "ELSE",
    "END",
    "FALSE",
    "FILTER",
    "FROM",
    "GROUP BY",
    "HAVING",
    "HOP",
    "IN",
    "INTERVAL",
    "IS NOT NULL",
    "IS NULL",
    "LIKE",
    "LIMIT",
    "NOT",
    "NULL",
    "OR",
    "SELECT",
    "TABLE",
    "THEN",
    "TRUE",
    "TRY_CAST",
    "TUMBLE",
    "VALUES",
    "WATERMARK FOR",
    "WHEN",
    "WHERE",
    "WITH",
    "window_end",
    "window_start",
    "window_time",
];

/// Behind these stands the name of a table.
const BEFORE_TABLES: &[&str] = &["FROM", "INTO", "TABLE", "VIEW", "DESCRIBE", "DESC", "JOIN"];

/// Candidates given at once, at most.
const CANDIDATES_MAX: usize = 200;

impl Session {
    /// What the word that ends at `position` (bytes, or a place behind the end) may become, sorted.
    pub fn complete(&self, statement: &str, position: usize, variables: Variables<'_>) -> Vec<String> {
        let before = &statement[..statement.floor_char_boundary(position.min(statement.len()))];
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '`');
        let start = before
            .rfind(|c: char| !is_part(c))
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let (head, prefix) = before.split_at(start);
        let words: Vec<&str> = head.split_whitespace().collect();
        let mut candidates = BTreeSet::new();
        match words.last() {
            _ if is_in_text(head) => {}
            None => candidates.extend(STARTS.iter().map(|start| (*start).to_owned())),
            Some(last) if BEFORE_TABLES.iter().any(|word| word.eq_ignore_ascii_case(last)) => {
                candidates.extend(self.names(None).iter().map(|name| quoted(name)));
                if last.eq_ignore_ascii_case("FROM") {
                    candidates.insert("TABLE".to_owned());
                }
            }
            Some(_) => {
                // The rest of what begins with several words.
                let typed = words.join(" ").to_uppercase() + " ";
                candidates
                    .extend(STARTS.iter().filter_map(|start| start.strip_prefix(&typed)).map(str::to_owned));
                candidates.extend(WORDS.iter().map(|word| (*word).to_owned()));
                candidates.extend(function_names().into_iter().map(|name| name.to_uppercase()));
                candidates.extend(self.column_names(variables).iter().map(|name| quoted(name)));
            }
        }
        let fits = |candidate: &String| {
            let bare = candidate.trim_start_matches('`');
            let wanted = prefix.trim_start_matches('`');
            bare.get(..wanted.len()).is_some_and(|head| head.eq_ignore_ascii_case(wanted))
        };
        candidates.into_iter().filter(fits).take(CANDIDATES_MAX).collect()
    }

    /// Of every table and view that makes sense.
    fn column_names(&self, variables: Variables<'_>) -> BTreeSet<String> {
        let Ok((bound, _)) = self.compiled("", &|script| bound(script, variables)) else {
            return BTreeSet::new();
        };
        let catalog = &bound.binder.catalog;
        let of_tables = catalog.tables.iter().flat_map(|table| &table.columns);
        let of_views = catalog.views.iter().flatten().flat_map(|view| &view.columns);
        of_tables.chain(of_views).map(|column| column.name.clone()).collect()
    }
}

/// Whether a text has been begun and not ended.
fn is_in_text(head: &str) -> bool {
    head.bytes().filter(|byte| *byte == b'\'').count() % 2 == 1
}

/// In back-quotes where it could not stand alone.
fn quoted(name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !crate::parse::is_reserved(name);
    if is_plain { name.to_owned() } else { format!("`{}`", name.replace('`', "``")) }
}
