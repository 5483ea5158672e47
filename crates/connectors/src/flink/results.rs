//! A `redis` table as a results topic.
//!
//! Each record of the topic is one row, and says by itself where the row belongs:
//!
//! ```text
//! key      {"faculty":"Sinh viên","window_end":"2025-12-09T11:30:00"}     the columns in the table's `key`
//! value    {"faculty":"Sinh viên","query_count":59,…}                     the row; none when the row is deleted
//! header   weir-table: CREATE TABLE `faculty` (…) WITH ('connector' = 'redis', 'key' = …, 'ttl' = …, …)
//! ```
//!
//! So a reader that writes the rows to Redis needs neither the script nor a registry: the declaration cannot differ from
//! the one that was submitted. Decision 33 has the alternatives.
//!
//! A column of the key that may be null is a text in the record's key, where a null is `unknown`, as in Redis. Flink accepts no
//! null in a primary key, and fails the job at the first one.

use sql::error::{Diagnostic, Span};
use sql::plan::{Plan, SinkTable, TableColumn};
use sql::statements::{Insertion, Statements, TableDeclaration};
use storage::store::key::{self, KeyPart, NULL};

use super::check::brokers_of_results;
use super::jars::connector;
use super::sent::Sent;
use super::{ClusterOptions, TRIAL_SUFFIX, name, quoted};

/// Header with the declaration of the table, as SQL in UTF-8.
pub const DECLARATION_HEADER: &str = "weir-table";

/// Prefix of the columns that become the record's key.
pub const KEY_PREFIX: &str = "weir_key_";

/// The column that becomes the record's headers.
const HEADERS: &str = "weir_headers";
/// The rows of the query that an INSERT writes.
const ROWS: &str = "weir_rows";
/// The only column of the key of a table whose `key` names no column.
pub(super) const CONSTANT: &str = "row";

/// Longest name of a topic in Kafka.
const TOPIC_CHARS_MAX: usize = 249;

/// How Flink writes a results topic. The records are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// By the connector `kafka`: rows are only added.
    Append,
    /// By the connector `upsert-kafka`: rows are also updated and deleted.
    ByKey,
}

/// A results topic of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultsTopic {
    pub table: String,
    pub topic: String,
    pub writing: Writing,
    /// Options of the Kafka client, `properties.…`.
    pub client: Vec<(String, String)>,
}

/// A `redis` table with the parts from which its topic, and the INSERTs into it, are written.
pub(super) struct ResultsTable {
    table: String,
    topic: String,
    pub(super) writing: Writing,
    /// Place of the beginning of the declaration, up to the name.
    head: Span,
    columns: Vec<ResultsColumn>,
    /// Indices of the columns in the key, in the order of the template; empty if it names none.
    key: Vec<usize>,
    /// The options of the Kafka client.
    client: Vec<(String, String)>,
    /// The table as Weir declares it.
    declaration: String,
}

struct ResultsColumn {
    name: String,
    /// The type as written.
    type_text: String,
    may_be_null: bool,
}

impl ResultsTable {
    /// Returns the results table of a declaration: `None` if it is no `redis` table that the script writes.
    ///
    /// # Errors
    /// Returns what prevents a results topic.
    pub(super) fn of(
        script: &Statements,
        table: &TableDeclaration,
        plan: &Plan,
        options: &ClusterOptions,
    ) -> Result<Option<ResultsTable>, Vec<Diagnostic>> {
        // A table with a hint is a sink of its own, `name#2`.
        let is_of = |sink: &SinkTable| sink.name.split('#').next() == Some(table.name.as_str());
        let Some((place, sink)) = plan.sinks.iter().enumerate().find(|(_, sink)| is_of(sink)) else {
            return Ok(None);
        };
        if connector(&sink.options) != "redis" {
            return Ok(None);
        }

        let topic = topic(sink, options)?;
        let client = brokers_of_results(plan, options).map_err(|error| vec![error.at(sink)])?;
        let columns: Vec<ResultsColumn> = sink
            .columns
            .iter()
            .zip(&table.columns)
            .map(|(column, (_, place))| ResultsColumn {
                name: column.name.clone(),
                type_text: script.text(*place).to_owned(),
                may_be_null: column.column_type.nullable,
            })
            .collect();
        reserved_names(sink)?;

        let key = key_columns(sink);
        let writing = if plan.updates_sink(place) { Writing::ByKey } else { Writing::Append };
        let declaration = declaration(&table.name, &columns, sink);
        let (table, head) = (table.name.clone(), table.head);
        Ok(Some(ResultsTable { table, topic, writing, head, columns, key, client, declaration }))
    }

    pub(super) fn write_by_key(&mut self) {
        self.writing = Writing::ByKey;
    }

    pub(super) fn into_topic(self) -> ResultsTopic {
        ResultsTopic { table: self.table, topic: self.topic, writing: self.writing, client: self.client }
    }

    /// Returns the declaration of the topic, for that of the table at `place`.
    pub(super) fn declaration(&self, script: &Statements, place: Span) -> Sent {
        let mut elements: Vec<String> = Vec::new();
        elements.extend(
            self.key_names().zip(self.key_types()).map(|(key, type_text)| format!("{key} {type_text}")),
        );
        elements
            .extend(self.columns.iter().map(|column| format!("{} {}", name(&column.name), column.type_text)));
        elements.push(format!("{} MAP<STRING, BYTES> METADATA FROM 'headers'", name(HEADERS)));
        if self.writing == Writing::ByKey {
            let keys: Vec<String> = self.key_names().collect();
            elements.push(format!("PRIMARY KEY ({}) NOT ENFORCED", keys.join(", ")));
        }

        let options = self.options();
        let options: Vec<String> =
            options.iter().map(|(key, value)| format!("  {} = {}", quoted(key), quoted(value))).collect();
        let head = script.text(self.head);
        let text = format!("{head} (\n  {}\n) WITH (\n{}\n)", elements.join(",\n  "), options.join(",\n"));
        Sent::replacing(text, place)
    }

    fn options(&self) -> Vec<(String, String)> {
        let mut options: Vec<(String, String)> = Vec::new();
        let mut add = |key: &str, value: &str| options.push((key.to_owned(), value.to_owned()));

        match self.writing {
            Writing::Append => {
                add("connector", "kafka");
                let keys: Vec<String> = self.plain_key_names().collect();
                add("key.fields", &keys.join(";"));
            }
            Writing::ByKey => {
                add("connector", "upsert-kafka");
                // Flink writes an update as a deletion and a row. Of those within the interval, only the last is sent, so
                // that readers do not see rows vanish and come again.
                add("sink.buffer-flush.max-rows", "10000");
                add("sink.buffer-flush.interval", "500 ms");
            }
        }
        add("topic", &self.topic);
        for (key, value) in &self.client {
            add(key, value);
        }
        // The header is the same in each record, and takes no room in a compressed batch.
        add("properties.compression.type", "lz4");

        add("key.format", "json");
        add("key.fields-prefix", KEY_PREFIX);
        add("value.format", "json");
        add("value.fields-include", "EXCEPT_KEY");
        // All digits, as rows are written to Redis.
        add("value.json.encode.decimal-as-plain-number", "true");
        add("value.json.map-null-key.mode", "LITERAL");
        options
    }

    /// Returns an INSERT into the topic. The query stays as it stands in the script, between the columns of the key and the
    /// header that are added around it.
    pub(super) fn insert(&self, script: &Statements, whole: Span, insert: &Insertion) -> Sent {
        let given: Vec<&str> = match insert.columns.as_slice() {
            [] => self.columns.iter().map(|column| column.name.as_str()).collect(),
            named => named.iter().map(String::as_str).collect(),
        };
        let names: Vec<String> = given.iter().map(|column| name(column)).collect();
        let columns: Vec<String> =
            self.key_names().chain(names.iter().cloned()).chain([name(HEADERS)]).collect();
        let header =
            format!("MAP[{}, ENCODE({}, 'UTF-8')]", quoted(DECLARATION_HEADER), quoted(&self.declaration));
        let values: Vec<String> =
            self.key_values(&given).chain(names.iter().cloned()).chain([header]).collect();

        let mut sent = Sent::made(String::new());
        sent.push_verbatim(script, insert.head);
        let rest = Span { start: insert.head.end, end: insert.query.start };
        let opening = format!(" ({})\nSELECT {}\nFROM (\n", columns.join(", "), values.join(", "));
        sent.push_for(&opening, rest);
        sent.push_verbatim(script, insert.query);
        sent.push_for(&format!("\n) AS {} ({})", name(ROWS), names.join(", ")), insert.head);
        sent.push_verbatim(script, Span { start: insert.query.end, end: whole.end });
        sent
    }

    /// Returns the columns of the key without quotes.
    fn plain_key_names(&self) -> impl Iterator<Item = String> {
        let constant = self.key.is_empty().then(|| CONSTANT.to_owned());
        let named = self.key.iter().map(|place| self.columns[*place].name.clone());
        named.chain(constant).map(|column| format!("{KEY_PREFIX}{column}"))
    }

    fn key_names(&self) -> impl Iterator<Item = String> {
        self.plain_key_names().map(|column| name(&column))
    }

    fn key_types(&self) -> impl Iterator<Item = String> {
        let constant = self.key.is_empty().then(|| "STRING".to_owned());
        let named = self.key.iter().map(|place| match &self.columns[*place] {
            column if column.may_be_null => "STRING".to_owned(),
            column => column.type_text.clone(),
        });
        named.chain(constant)
    }

    /// Returns the values of the key, over the columns that an INSERT gives.
    fn key_values(&self, given: &[&str]) -> impl Iterator<Item = String> {
        let constant = self.key.is_empty().then(|| quoted(CONSTANT));
        let named = self.key.iter().map(|place| {
            let column = &self.columns[*place];
            let quoted_name = name(&column.name);
            match column {
                column if !given.contains(&column.name.as_str()) => quoted(NULL),
                column if column.may_be_null => {
                    format!("COALESCE(CAST({quoted_name} AS STRING), {})", quoted(NULL))
                }
                _ => quoted_name,
            }
        });
        named.chain(constant)
    }
}

/// Returns the topic of a table.
fn topic(sink: &SinkTable, options: &ClusterOptions) -> Result<String, Vec<Diagnostic>> {
    let table = sink.name.split('#').next().unwrap_or_default();
    let suffix = if options.trial.is_some() { TRIAL_SUFFIX } else { "" };
    let topic = format!("{}{table}{suffix}", options.topic_prefix);
    let is_of_topic = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if topic.chars().all(is_of_topic) && (1..=TOPIC_CHARS_MAX).contains(&topic.len()) {
        return Ok(topic);
    }
    let message = format!("`{topic}` cannot be the name of a Kafka topic");
    let error = Diagnostic::error(sink.span, message).with_hint(format!(
        "a topic is called by letters and digits of ASCII, `.`, `_` and `-`, at most {TOPIC_CHARS_MAX}: rename the table, and \
         keep its name for readers with the option 'type' = '{table}'"
    ));
    Err(vec![error])
}

/// Refuses columns that are called like those that are added.
fn reserved_names(sink: &SinkTable) -> Result<(), Vec<Diagnostic>> {
    let is_reserved = |column: &&TableColumn| column.name.starts_with(KEY_PREFIX) || column.name == HEADERS;
    let found = sink.columns.iter().filter(is_reserved).map(|column| {
        let message = format!("`{}` is the name of a column of results topics", column.name);
        Diagnostic::error(sink.span, message).with_hint("give the column another name")
    });
    let found: Vec<Diagnostic> = found.collect();
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// Returns the columns in the table's key, each once.
fn key_columns(sink: &SinkTable) -> Vec<usize> {
    let template = sink.options.entries.get("key").map_or("", |option| option.value.as_str());
    let mut columns = Vec::new();
    // A wrong template is reported with the table's options.
    for part in key::parts(template).unwrap_or_default() {
        let KeyPart::Column(named) = part else { continue };
        let place = sink.columns.iter().position(|column| column.name == named);
        columns.extend(place.filter(|place| !columns.contains(place)));
    }
    columns
}

/// Returns the declaration of the table: its columns, and its options without those of hints.
fn declaration(table: &str, columns: &[ResultsColumn], sink: &SinkTable) -> String {
    let columns: Vec<String> =
        columns.iter().map(|column| format!("{} {}", name(&column.name), column.type_text)).collect();
    let options = sink.options.entries.iter();
    let options: Vec<String> =
        options.map(|(key, option)| format!("{} = {}", quoted(key), quoted(&option.value))).collect();
    format!("CREATE TABLE {} ({}) WITH ({})", name(table), columns.join(", "), options.join(", "))
}
