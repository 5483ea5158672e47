//! The Kafka broker between the events and both engines, and the results topics in it.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use storage::log::kafka::{KafkaLog, KafkaOptions, KafkaSettings};
use storage::log::{EventLog as _, Fetched, LogReader, NewRecord, Polled, Span, Start, Wanted};
use types::{PartitionId, SystemClock};

use super::super::servers::kafka::KafkaServer;
use super::super::support::{pause_for, run, weir};
use super::rows::Rows;

/// Events per second of event time.
const RATE: u64 = 20;
const FETCH_BYTES: usize = 1 << 20;
const WAIT: Duration = Duration::from_millis(100);

pub struct Broker {
    kafka: KafkaServer,
    log: KafkaLog,
}

/// Readers of results topics, and what stands in each.
pub struct Results {
    topics: Vec<Topic>,
}

struct Topic {
    table: String,
    reader: Box<dyn LogReader>,
    rows: Rows,
    /// The key in Redis of each record's key.
    keys: BTreeMap<Vec<u8>, String>,
    records: usize,
}

impl Broker {
    /// Starts a broker; `None` if there is none to start, which is printed.
    pub fn start() -> Option<Broker> {
        // Flink creates no topics, so the broker does.
        let kafka = KafkaServer::start(&[("auto.create.topics.enable", "true")])?;
        let settings = KafkaSettings::new(&kafka.address(), &BTreeMap::new()).expect("settings");
        let log = KafkaLog::open(KafkaOptions::new(settings), Arc::new(SystemClock::new())).expect("a log");
        Some(Broker { kafka, log })
    }

    pub fn address(&self) -> String {
        self.kafka.address()
    }

    pub fn create(&self, topic: &str) {
        self.create_with(topic, 1);
    }

    pub fn create_with(&self, topic: &str, partitions: u32) {
        self.log.create_topic(topic, partitions).expect("a topic");
    }

    /// Appends generated events that begin `later` after the first ones. They are at most two seconds out of order.
    pub fn fill(&self, topic: &str, events: u64, seed: u64, later: SignedDuration) {
        let start: Timestamp = "2025-12-09T00:00:00Z".parse().expect("a time");
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("events");
        let written = run(weir()
            .args(["generate", "--count", &events.to_string(), "--rate", &RATE.to_string()])
            .args(["--start", &(start + later).to_string(), "--out-of-order", "2"])
            .args(["--seed", &seed.to_string(), "--output"])
            .arg(&path)
            .stderr(Stdio::null()));
        assert!(written.status.success(), "events could not be generated");

        let text = std::fs::read_to_string(&path).expect("the events");
        self.append(topic, text.lines());
    }

    /// Appends an event of the next day, which closes all windows before it and which no query counts.
    pub fn close_windows(&self, topic: &str) {
        self.append(topic, [r#"{"timestamp":"2025-12-10T12:00:00"}"#].into_iter());
    }

    /// Deletes all records that a topic holds now, as its retention would.
    pub fn forget(&self, topic: &str, partitions: u32) {
        let next = |partition: u32| self.log.bounds(topic, PartitionId(partition)).expect("bounds").next.0;
        let all = (0..partitions).map(|of| json!({"topic": topic, "partition": of, "offset": next(of)}));
        let wanted = json!({"partitions": all.collect::<Vec<Value>>(), "version": 1});
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("offsets.json");
        std::fs::write(&path, wanted.to_string()).expect("a file");
        // Readers that are a moment behind get what they have not read.
        pause_for(Duration::from_secs(2));
        let arguments =
            ["--bootstrap-server", &self.address(), "--offset-json-file", path.to_str().expect("UTF-8")];
        self.kafka.tool("org.apache.kafka.tools.DeleteRecordsCommand", &arguments);
    }

    pub fn append<'a>(&self, topic: &str, lines: impl Iterator<Item = &'a str>) {
        self.append_all(topic, lines.map(|line| (None, line.as_bytes().to_vec())));
    }

    /// Appends records, each with or without a key.
    pub fn append_all(&self, topic: &str, records: impl Iterator<Item = (Option<Vec<u8>>, Vec<u8>)>) {
        let record = |(key, body): (_, Vec<u8>)| NewRecord { key, body: body.into(), ..NewRecord::default() };
        let records: Vec<NewRecord> = records.map(record).collect();
        let appending = self.log.append(topic, records).expect("there is room");
        appending.blocking_recv().expect("an answer").expect("durable");
    }

    /// Returns readers of the results topics of tables.
    pub fn results<'a>(&self, prefix: &str, tables: impl Iterator<Item = &'a String>) -> Results {
        let topic = |table: &String| {
            let name = format!("{prefix}{table}");
            // Flink may have written to it before.
            let _ = self.log.create_topic(&name, 1);
            let from = [(PartitionId(0), Start::Earliest)];
            let wanted = Wanted { keys: true, headers: true };
            let reader = self.log.read(&name, &from, wanted).expect("a reader");
            Topic { table: table.clone(), reader, rows: Rows::new(), keys: BTreeMap::new(), records: 0 }
        };
        Results { topics: tables.map(topic).collect() }
    }
}

impl Results {
    /// Reads what has come.
    pub fn poll(&mut self) {
        for topic in &mut self.topics {
            while let Polled::Records { fetched, behind } =
                topic.reader.poll(WAIT, FETCH_BYTES).expect("the broker answers")
            {
                topic.take(&fetched);
                if !behind {
                    break;
                }
            }
        }
    }

    /// Returns the rows that stand, by table.
    pub fn rows(&self) -> BTreeMap<String, Rows> {
        self.topics.iter().map(|topic| (topic.table.clone(), topic.rows.clone())).collect()
    }

    /// Returns how many records the topics have had.
    pub fn records(&self) -> usize {
        self.topics.iter().map(|topic| topic.records).sum()
    }
}

impl Topic {
    fn take(&mut self, fetched: &Fetched) {
        for (record, attributes) in fetched.records.iter().zip(&fetched.attributes) {
            let bytes = |span: Span| &fetched.data[span.start as usize..span.end as usize];
            let header = attributes.headers.iter().find(|(name, _)| bytes(*name) == b"weir-table");
            let declaration = header.and_then(|(_, value)| *value).map(bytes).expect("the declaration");
            let declaration = std::str::from_utf8(declaration).expect("UTF-8");
            let key = bytes(attributes.key.expect("a key")).to_vec();
            let body = &fetched.data[record.start as usize..record.end as usize];
            self.records += 1;

            // One row has one key in the topic and one in Redis.
            let before = match body {
                [] => self.keys.remove(&key),
                body => {
                    let row: Value = serde_json::from_slice(body).expect("a row is JSON");
                    let redis = redis_key(declaration, &row);
                    self.rows.insert(redis.clone(), row);
                    self.keys.insert(key, redis.clone()).filter(|before| *before != redis)
                }
            };
            if let Some(before) = before {
                self.rows.remove(&before);
            }
        }
    }
}

/// Returns the key in Redis of a row, by the header of its record.
fn redis_key(declaration: &str, row: &Value) -> String {
    let template = declaration.split("'key' = '").nth(1).and_then(|rest| rest.split('\'').next());
    let mut rendered = template.expect("the template of the keys").to_owned();
    for (column, value) in row.as_object().expect("an object") {
        let text = match value {
            Value::Null => "unknown".to_owned(),
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        let is_time = ["window_start", "window_end"].contains(&column.as_str());
        let text = if is_time { text } else { text.replace('%', "%25").replace(':', "%3A") };
        rendered = rendered.replace(&format!("{{{column}}}"), &text);
    }
    rendered
}
