//! Completion: suggests words for the cursor position.

use std::collections::BTreeSet;

use super::ask::function_names;
use super::{CATALOG, DATABASE, ObjectKind, Session, Variables, bound};
use crate::settings::KNOWN;

/// Words with which a statement may begin.
const STARTS: &[&str] = &[
    "BEGIN STATEMENT SET",
    "CREATE OR REPLACE VIEW",
    "CREATE TABLE",
    "CREATE TEMPORARY TABLE",
    "CREATE TEMPORARY VIEW",
    "CREATE VIEW",
    "DESCRIBE",
    "DROP TABLE",
    "DROP TEMPORARY TABLE",
    "DROP TEMPORARY VIEW",
    "DROP VIEW",
    "END",
    "EXECUTE STATEMENT SET BEGIN",
    "EXPLAIN",
    "EXPLAIN INSERT INTO",
    "EXPLAIN SELECT",
    "EXPLAIN STATEMENT SET BEGIN",
    "INSERT INTO",
    "RESET",
    "SELECT",
    "SET",
    "SHOW CATALOGS",
    "SHOW COLUMNS FROM",
    "SHOW CREATE TABLE",
    "SHOW CREATE VIEW",
    "SHOW CURRENT CATALOG",
    "SHOW CURRENT DATABASE",
    "SHOW DATABASES",
    "SHOW FULL MODULES",
    "SHOW FUNCTIONS",
    "SHOW JARS",
    "SHOW JOBS",
    "SHOW MODULES",
    "SHOW TABLES",
    "SHOW USER FUNCTIONS",
    "SHOW VIEWS",
    "STOP JOB",
    "USE",
    "USE CATALOG",
    "WITH",
];

/// Keys for `SET` and `RESET` besides those of the compiler.
const OTHER_KEYS: &[&str] = &[
    "execution.checkpointing.interval",
    "execution.checkpointing.timeout",
    "execution.runtime-mode",
    "restart-strategy.type",
];

/// Keywords inside statements.
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
    "FROM_CHANGELOG",
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
    "TO_CHANGELOG",
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

/// Keywords that are followed by a table name.
const BEFORE_TABLES: &[&str] = &["FROM", "INTO", "TABLE", "VIEW", "DESCRIBE", "DESC", "JOIN"];

/// Largest number of candidates in one answer.
const CANDIDATES_MAX: usize = 200;

impl Session {
    /// Returns sorted completions of the word that ends at `position` (in bytes; larger values mean the end).
    pub fn complete(&self, statement: &str, position: usize, variables: Variables<'_>) -> Vec<String> {
        let before = &statement[..statement.floor_char_boundary(position.min(statement.len()))];
        if let Some(typed) = key_begun(before) {
            return keys(typed);
        }

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
            Some(_) if self.continue_phrase(&words, &mut candidates) => {}
            Some(last) if BEFORE_TABLES.iter().any(|word| word.eq_ignore_ascii_case(last)) => {
                candidates.extend(self.names(None).iter().map(|name| quoted(name)));
                if last.eq_ignore_ascii_case("FROM") {
                    candidates.insert("TABLE".to_owned());
                }
            }
            Some(_) => {
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

    /// Adds the words that may follow the beginning of a statement, if the grammar leaves little choice;
    /// otherwise returns false.
    fn continue_phrase(&self, words: &[&str], candidates: &mut BTreeSet<String>) -> bool {
        let typed = words.join(" ").to_uppercase();
        let begun = typed.clone() + " ";
        let rest = STARTS.iter().filter_map(|start| start.strip_prefix(&begun)).map(str::to_owned);
        let before = candidates.len();
        candidates.extend(rest);
        let has_rest = candidates.len() > before;

        let names = |kind| self.names(kind).iter().map(|name| quoted(name)).collect::<Vec<String>>();
        let one = |name: &str| vec![name.to_owned()];
        let named = match typed.trim_end_matches(" IF EXISTS") {
            "DROP TABLE" | "DROP TEMPORARY TABLE" | "SHOW CREATE TABLE" => names(Some(ObjectKind::Table)),
            "DROP VIEW" | "DROP TEMPORARY VIEW" | "SHOW CREATE VIEW" => names(Some(ObjectKind::View)),
            "SHOW COLUMNS FROM" | "SHOW COLUMNS IN" => names(None),
            "CREATE OR REPLACE VIEW" => names(Some(ObjectKind::View)),
            // A new name follows here.
            "CREATE TABLE" | "CREATE TEMPORARY TABLE" | "CREATE VIEW" | "CREATE TEMPORARY VIEW" => {
                one("IF NOT EXISTS")
            }
            "USE" | "SHOW TABLES FROM" | "SHOW TABLES IN" | "SHOW VIEWS FROM" | "SHOW VIEWS IN" => {
                one(DATABASE)
            }
            "USE CATALOG" => one(CATALOG),
            "SHOW TABLES" | "SHOW VIEWS" => ["FROM", "LIKE", "NOT LIKE"].map(str::to_owned).to_vec(),
            "SHOW FUNCTIONS" => ["LIKE", "NOT LIKE"].map(str::to_owned).to_vec(),
            _ => return has_rest,
        };
        candidates.extend(named);
        true
    }

    /// Returns the columns of all tables and views that compile.
    fn column_names(&self, variables: Variables<'_>) -> BTreeSet<String> {
        let Ok((bound, _)) = self.compiled("", &|script| bound(script, variables)) else {
            return BTreeSet::new();
        };
        let catalog = bound.binder.catalog();
        let of_tables = catalog.tables.iter().flat_map(|table| &table.columns).map(|column| &column.name);
        let of_views =
            catalog.views.iter().flatten().flat_map(|view| &view.columns).map(|column| &column.name);
        of_tables.chain(of_views).cloned().collect()
    }
}

/// Returns the beginning of a key after `SET` or `RESET`, with its opening quote, unless the key is complete.
fn key_begun(before: &str) -> Option<&str> {
    let before = before.trim_start();
    let behind = ["SET", "RESET"].iter().find_map(|word| {
        let head = before.get(..word.len())?;
        head.eq_ignore_ascii_case(word).then(|| &before[word.len()..])
    })?;
    let typed = behind.trim_start();
    let is_begun = typed.len() < behind.len()
        && !typed.contains(char::is_whitespace)
        && typed.bytes().skip(1).all(|byte| byte != b'\'');
    is_begun.then_some(typed)
}

/// Returns quoted keys with this beginning.
fn keys(typed: &str) -> Vec<String> {
    let wanted = typed.trim_start_matches('\'');
    let mut keys: Vec<&str> =
        KNOWN.iter().chain(OTHER_KEYS).copied().filter(|key| key.starts_with(wanted)).collect();
    keys.sort_unstable();
    keys.into_iter().map(|key| format!("'{key}'")).collect()
}

/// Returns whether a text literal is open at the end.
fn is_in_text(head: &str) -> bool {
    head.bytes().filter(|byte| *byte == b'\'').count() % 2 == 1
}

/// Returns a name, in back-quotes if it needs them.
fn quoted(name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !crate::parse::is_reserved(name);
    if is_plain { name.to_owned() } else { format!("`{}`", name.replace('`', "``")) }
}
