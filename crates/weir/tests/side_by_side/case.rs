//! A case: a script, the records of its sources, and the rows that a real Flink gave for them.
//!
//! A case is a directory; `flink_cases/README.md` describes its files. This module parses only the parts of a
//! script that both engines need: the tables with their columns, and the queries with their sinks.
#![allow(dead_code, reason = "each program uses a part of it")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::rows::Change;

pub struct Case {
    pub name: String,
    pub directory: PathBuf,
    pub statements: Vec<Statement>,
    /// Files of records, by source.
    pub inputs: BTreeMap<String, PathBuf>,
}

/// A statement of a script, without its semicolon.
pub enum Statement {
    Table(Table),
    Insert {
        sink: String,
        query: String,
    },
    /// `SET` or `CREATE VIEW`, which both engines understand.
    Other(String),
}

pub struct Table {
    pub name: String,
    /// Physical columns with their declared types, in order.
    pub columns: Vec<(String, String)>,
    /// The columns of the primary key.
    pub key: Vec<String>,
    /// The declaration up to its `WITH`.
    pub head: String,
    pub options: BTreeMap<String, String>,
}

impl Case {
    /// Reads a case from its directory.
    pub fn read(directory: &Path) -> Case {
        let name = directory.file_name().expect("a case has a name").to_string_lossy().into_owned();
        let script = fs::read_to_string(directory.join("job.sql"))
            .unwrap_or_else(|error| panic!("{}/job.sql: {error}", directory.display()));

        let mut inputs = BTreeMap::new();
        for entry in fs::read_dir(directory).expect("a directory").flatten() {
            let file = entry.file_name().to_string_lossy().into_owned();
            if let Some(table) = file.strip_prefix("input.").and_then(|rest| rest.strip_suffix(".jsonl")) {
                inputs.insert(table.to_owned(), entry.path());
            }
        }
        Case { name, directory: directory.to_owned(), statements: statements(&script), inputs }
    }

    /// Returns the cases in a directory, by name.
    pub fn read_all(directory: &Path) -> Vec<Case> {
        let entries = fs::read_dir(directory).expect("a directory of cases").flatten();
        let mut directories: Vec<PathBuf> =
            entries.map(|entry| entry.path()).filter(|path| path.join("job.sql").exists()).collect();
        directories.sort();
        directories.iter().map(|directory| Case::read(directory)).collect()
    }

    pub fn table(&self, name: &str) -> Option<&Table> {
        let mut tables = self.statements.iter().filter_map(|statement| match statement {
            Statement::Table(table) => Some(table),
            _ => None,
        });
        tables.find(|table| table.name == name)
    }

    /// Returns the tables that queries of the script fill.
    pub fn sinks(&self) -> Vec<&Table> {
        let mut sinks: Vec<&Table> = Vec::new();
        for statement in &self.statements {
            if let Statement::Insert { sink, .. } = statement
                && !sinks.iter().any(|table| table.name == *sink)
            {
                sinks.push(self.table(sink).unwrap_or_else(|| panic!("{}: no table {sink}", self.name)));
            }
        }
        sinks
    }

    /// Returns the recorded lines of one of the case's files; `None` where the file does not exist.
    pub fn recorded(&self, file: &str) -> Option<Vec<Change>> {
        let text = fs::read_to_string(self.directory.join(file)).ok()?;
        Some(Change::read_all(&text))
    }
}

/// Splits a script into statements. A semicolon at the end of a line ends a statement.
fn statements(script: &str) -> Vec<Statement> {
    let lines = script.lines().filter(|line| !line.trim_start().starts_with("--"));
    let script = lines.collect::<Vec<_>>().join("\n") + "\n";
    let texts = script.split(";\n").map(str::trim).filter(|text| !text.is_empty());
    texts.map(statement).collect()
}

fn statement(text: &str) -> Statement {
    if text.starts_with("CREATE TABLE") {
        return Statement::Table(table(text));
    }
    match text.strip_prefix("INSERT INTO ").and_then(|rest| rest.split_once(char::is_whitespace)) {
        Some((sink, query)) => Statement::Insert { sink: unquoted(sink), query: query.trim().to_owned() },
        None => Statement::Other(text.to_owned()),
    }
}

fn table(text: &str) -> Table {
    let (head, options) = text.rsplit_once("WITH (").expect("a table has options");
    let (name, columns) = head.split_once('(').expect("a table has columns");
    let columns = columns.trim_end().strip_suffix(')').expect("columns stand in brackets");

    let mut table = Table {
        name: unquoted(name.trim_start_matches("CREATE TABLE").trim()),
        columns: Vec::new(),
        key: Vec::new(),
        head: head.trim_end().to_owned(),
        options: BTreeMap::new(),
    };
    for part in parts(columns) {
        let (first, rest) = part.split_once(char::is_whitespace).unwrap_or((&part, ""));
        match (first, rest.trim_start()) {
            ("WATERMARK", _) => {}
            ("PRIMARY", rest) => {
                let columns = rest.split(['(', ')']).nth(1).expect("a key has columns");
                table.key = columns.split(',').map(|column| unquoted(column.trim())).collect();
            }
            (_, rest) if rest.starts_with("AS ") => {}
            (name, rest) => table.columns.push((unquoted(name), rest.to_owned())),
        }
    }
    for option in parts(options.trim_end().trim_end_matches(')')) {
        let (name, value) = option.split_once('=').expect("an option has a value");
        let text = |part: &str| part.trim().trim_matches('\'').to_owned();
        table.options.insert(text(name), text(value));
    }
    table
}

/// Splits a text at commas outside of brackets.
fn parts(text: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for letter in text.chars() {
        match letter {
            '(' | '<' => depth += 1,
            ')' | '>' => depth -= 1,
            _ => {}
        }
        match letter {
            ',' if depth == 0 => parts.push(String::new()),
            _ => parts.last_mut().expect("there is one").push(letter),
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn unquoted(name: &str) -> String {
    name.trim_matches('`').to_owned()
}
