//! The script that writes results topics to the result store: the existing sink behind the existing source.
//!
//! A record of a results topic says by its header which table it belongs to. For each topic, the script reads the topic by its
//! keys, and writes the rows to that table:
//!
//! ```text
//! CREATE TABLE `topic/faculty` (…, PRIMARY KEY (…) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', …);
//! CREATE TABLE `faculty` (…) WITH ('connector' = 'redis', …);              ← the header
//! INSERT INTO `faculty` SELECT … FROM `topic/faculty` ON CONFLICT DO DEDUPLICATE;
//! ```
//!
//! So a job of this script has all that a job has: checkpoints with the offsets, restarts, and the sink's keys, messages and
//! expiry.

use std::collections::BTreeSet;

use sql::statements::{StatementKind, Statements, TableDeclaration};
use storage::store::key::{self, KeyPart};

use super::results::CONSTANT;
use super::{KEY_PREFIX, name, quoted, set};

/// The default `ttl` of a result table in seconds.
const TTL: u64 = 2_592_000;

/// A results topic with the header of its newest record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    pub topic: String,
    /// The table's `CREATE TABLE`.
    pub declaration: String,
}

/// Why the header of a topic declares no result table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotDelivered {
    #[error("the header of topic `{topic}` is no SQL: {message}")]
    NotSql { topic: String, message: String },
    #[error("the header of topic `{topic}` is not the declaration of a `redis` table alone")]
    NoTable { topic: String },
    /// The text would be filled with the variables of the server that compiles it.
    #[error("the header of topic `{topic}` contains a variable, `${{…}}`")]
    Variable { topic: String },
    #[error("topics `{one}` and `{other}` both belong to table `{table}`")]
    Twice { table: String, one: String, other: String },
}

/// Returns the script for topics, whose Kafka is that of the options `properties.…`.
///
/// # Errors
/// A header is not the declaration of a result table.
pub fn delivery(
    job: &str,
    topics: &[Delivered],
    client: &[(String, String)],
) -> Result<String, NotDelivered> {
    let mut script = String::new();
    let mut names: Vec<(String, &str)> = Vec::new();
    let mut longest = 0;

    for topic in topics {
        let (statements, table) = declared(topic)?;
        if let Some((_, one)) = names.iter().find(|(name, _)| *name == table.name) {
            let (one, other) = ((*one).to_owned(), topic.topic.clone());
            return Err(NotDelivered::Twice { table: table.name, one, other });
        }
        longest = longest.max(option(&table, "ttl").and_then(|ttl| ttl.trim().parse().ok()).unwrap_or(TTL));
        script.push_str(&source(topic, &statements, &table, client));
        script.push_str(&format!("\n{};\n\n", topic.declaration));

        let columns: Vec<String> = table.columns.iter().map(|(column, _)| name(column)).collect();
        let (into, from) = (name(&table.name), name(&source_name(&table)));
        // A null and the text `unknown` have the same key: the last row counts.
        let insert = format!("INSERT INTO {into} SELECT {} FROM {from}", columns.join(", "));
        script.push_str(&format!("{insert} ON CONFLICT DO DEDUPLICATE;\n\n"));
        names.push((table.name, &topic.topic));
    }

    // A row that has expired in the store need not be known any longer.
    let settings = [set("pipeline.name", job), set("table.exec.state.ttl", &format!("{longest} s"))];
    Ok(format!("{};\n\n{script}", settings.join(";\n")))
}

/// Returns the declaration in a header.
fn declared(topic: &Delivered) -> Result<(Statements, TableDeclaration), NotDelivered> {
    let name = || topic.topic.clone();
    if topic.declaration.contains("${") {
        return Err(NotDelivered::Variable { topic: name() });
    }
    let statements = Statements::of(&topic.declaration, &|_| None).map_err(|found| {
        let message = found.first().map_or_else(String::new, |found| found.message.clone());
        NotDelivered::NotSql { topic: name(), message }
    })?;

    let all: Vec<&StatementKind> = statements.iter().map(|statement| &statement.kind).collect();
    let table = match all.as_slice() {
        [StatementKind::CreateTable(table)] => table.clone(),
        _ => return Err(NotDelivered::NoTable { topic: name() }),
    };
    if option(&table, "connector").as_deref() != Some("redis") {
        return Err(NotDelivered::NoTable { topic: name() });
    }
    Ok((statements, table))
}

/// Returns the table that reads a topic. The columns of the key are texts, whatever their types in the rows.
fn source(
    topic: &Delivered,
    statements: &Statements,
    table: &TableDeclaration,
    client: &[(String, String)],
) -> String {
    let keys: Vec<String> = keys(table).iter().map(|key| name(&format!("{KEY_PREFIX}{key}"))).collect();
    let mut elements: Vec<String> = keys.iter().map(|key| format!("{key} STRING")).collect();
    elements.extend(
        table.columns.iter().map(|(column, place)| format!("{} {}", name(column), statements.text(*place))),
    );
    elements.push(format!("PRIMARY KEY ({}) NOT ENFORCED", keys.join(", ")));

    let mut options = vec![("connector".to_owned(), "upsert-kafka".to_owned())];
    options.push(("topic".to_owned(), topic.topic.clone()));
    options.extend(client.iter().cloned());
    let own = [
        ("key.format", "json"),
        ("key.fields-prefix", KEY_PREFIX),
        ("value.format", "json"),
        ("value.fields-include", "EXCEPT_KEY"),
    ];
    options.extend(own.map(|(key, value)| (key.to_owned(), value.to_owned())));
    let options: Vec<String> =
        options.iter().map(|(key, value)| format!("  {} = {}", quoted(key), quoted(value))).collect();
    format!(
        "CREATE TABLE {} (\n  {}\n) WITH (\n{}\n);",
        name(&source_name(table)),
        elements.join(",\n  "),
        options.join(",\n")
    )
}

fn source_name(table: &TableDeclaration) -> String {
    format!("topic/{}", table.name)
}

/// Returns the columns in the key of the topic's records.
fn keys(table: &TableDeclaration) -> BTreeSet<String> {
    let template = option(table, "key").unwrap_or_default();
    // Weir reports a wrong template when it compiles the script.
    let parts = key::parts(&template).unwrap_or_default();
    let columns: BTreeSet<String> = parts
        .into_iter()
        .filter_map(|part| match part {
            KeyPart::Column(column) => Some(column.to_owned()),
            KeyPart::Text(_) => None,
        })
        .collect();
    if columns.is_empty() { BTreeSet::from([CONSTANT.to_owned()]) } else { columns }
}

fn option(table: &TableDeclaration, wanted: &str) -> Option<String> {
    table.options.iter().find(|(key, _)| key == wanted).map(|(_, value)| value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivered(topic: &str, declaration: &str) -> Delivered {
        Delivered { topic: topic.to_owned(), declaration: declaration.to_owned() }
    }

    const FACULTY: &str = "CREATE TABLE `faculty` (`faculty` STRING, `n` BIGINT NOT NULL, `window_end` TIMESTAMP(3)) \
        WITH ('connector' = 'redis', 'key' = 'a:{faculty}:{window_end}', 'ttl' = '60', 'latest-key' = 'l')";
    const TOTAL: &str = "CREATE TABLE `total` (`n` BIGINT) WITH ('connector' = 'redis', 'key' = 'total')";

    #[test]
    fn the_script_writes_each_topic_to_the_table_of_its_header() {
        let topics = [delivered("r-faculty", FACULTY), delivered("r-total", TOTAL)];
        let client = [("properties.bootstrap.servers".to_owned(), "kafka:9092".to_owned())];
        let script = delivery("deliver", &topics, &client).expect("a script");

        let plan = sql::compile(&script, &|_| None).unwrap_or_else(|found| panic!("{script}\n{found:?}"));
        assert_eq!(crate::check(&plan), []);
        let names: Vec<&str> = plan.sinks.iter().map(|sink| sink.name.as_str()).collect();
        assert_eq!(names, ["faculty", "total"]);
        assert_eq!(plan.settings.state_ttl.map(|ttl| ttl.0), Some(2_592_000_000), "the longest of both");
        assert!(
            script.contains("`weir_key_row` STRING") && script.contains("'topic' = 'r-faculty'"),
            "{script}"
        );
    }

    #[test]
    fn headers_that_are_no_result_table_are_refused() {
        let refused = |declaration: &str| {
            delivery("d", &[delivered("t", declaration)], &[]).expect_err("a refusal").to_string()
        };
        assert!(refused("SELEC 1").contains("is no SQL"));
        let other = "CREATE TABLE t (n INT) WITH ('connector' = 'kafka', 'topic' = 'x')";
        assert!(refused(other).contains("not the declaration of a `redis` table"));
        let two = format!("{TOTAL}; {FACULTY}");
        assert!(refused(&two).contains("alone"));
        assert!(refused(&TOTAL.replace("'total'", "'${REDIS_PASSWORD:x}'")).contains("contains a variable"));
        let twice = delivery("d", &[delivered("t", TOTAL), delivered("u", TOTAL)], &[]);
        assert!(matches!(twice, Err(NotDelivered::Twice { .. })));
    }
}
