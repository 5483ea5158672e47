//! A query that updates its rows, and the rows in Redis, in Weir's own store, and in topics that other jobs
//! read. A killed Weir continues exactly, and a deleted row stays deleted.

mod support;

#[path = "../../storage/tests/servers/mod.rs"]
mod servers;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use serde_json::{Value, json};
use servers::kafka::KafkaServer;
use servers::redis::RedisServer;
use servers::wait_until;
use support::Up;

const EVENTS: &str = "
CREATE TABLE events (query_id STRING, query_text STRING)
WITH ('connector' = 'kafka', 'topic' = 'user-queries', 'scan.startup.mode' = 'earliest-offset', 'format' = 'json');
";

/// Counts by word, the words counted fewer than three times, and the two most frequent words.
const WORDS: &str = "
CREATE TABLE words (word STRING, n BIGINT)
WITH ('connector' = 'redis', 'key' = 'word:{word}', 'ttl' = '1000', 'channel' = 'words');
CREATE TABLE rare (word STRING, n BIGINT)
WITH ('connector' = 'redis', 'key' = 'rare:{word}', 'channel' = 'rare');
CREATE TABLE top (place BIGINT, word STRING, n BIGINT) WITH ('connector' = 'redis', 'key' = 'top:{place}');
CREATE TABLE leaders (word STRING, n BIGINT) WITH ('connector' = 'redis', 'key' = 'leader:{word}');

CREATE VIEW counts AS SELECT query_text AS word, COUNT(*) AS n FROM events GROUP BY query_text;
CREATE VIEW ranked AS
SELECT word, n, place FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY n DESC, word) AS place FROM counts) WHERE place <= 2;

INSERT INTO words SELECT word, n FROM counts;
INSERT INTO rare SELECT word, n FROM counts WHERE n < 3;
INSERT INTO top SELECT place, word, n FROM ranked;
INSERT INTO leaders
SELECT word, n FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY n DESC, word) AS place FROM counts) WHERE place <= 2;
";

fn script(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, text).expect("the script is written");
    path
}

fn start(data: &Path, scripts: &[&Path], environment: &[(&str, &str)]) -> Up {
    let scripts: Vec<&str> = scripts.iter().map(|path| path.to_str().expect("a path of this test")).collect();
    // With one partition events have one order, also when they are read again: the intermediate leaders
    // depend on it.
    let settings =
        [("WEIR_CHECKPOINTS_INTERVAL", "300 ms"), ("WEIR_INGEST_PARTITIONS", "1"), ("WEIR_LOG", "warn")];
    Up::start_in(data, &scripts, &[&settings[..], environment].concat())
}

/// Posts one event per word, and counts the words here too.
struct Words {
    counts: BTreeMap<String, u64>,
    posted: u64,
}

impl Words {
    fn new() -> Words {
        Words { counts: BTreeMap::new(), posted: 0 }
    }

    fn post(&mut self, up: &Up, words: &[&str]) {
        let event = |number: u64, word: &str| {
            format!(r#"{{"query_id":"q-{number}","timestamp":"2025-12-09T12:00:00Z","query_text":"{word}"}}"#)
        };
        let numbers = self.posted..;
        let lines: Vec<String> = numbers.zip(words).map(|(number, word)| event(number, word)).collect();
        assert_eq!(up.post(&lines), 202);
        self.posted += words.len() as u64;
        words.iter().for_each(|word| *self.counts.entry((*word).to_owned()).or_default() += 1);
    }

    /// Returns the expected rows of the tables in [`WORDS`], by key.
    fn rows(&self) -> BTreeMap<String, Value> {
        let mut rows = BTreeMap::new();
        let mut ranked: Vec<(&String, &u64)> = self.counts.iter().collect();
        ranked.sort_by_key(|(word, n)| (std::cmp::Reverse(**n), (*word).clone()));
        for (word, n) in &ranked {
            rows.insert(format!("word:{word}"), json!({"word": word, "n": n}));
            if **n < 3 {
                rows.insert(format!("rare:{word}"), json!({"word": word, "n": n}));
            }
        }
        for (place, (word, n)) in (1..).zip(ranked.iter().take(2)) {
            rows.insert(format!("top:{place}"), json!({"place": place, "word": word, "n": n}));
            rows.insert(format!("leader:{word}"), json!({"word": word, "n": n}));
        }
        rows
    }
}

/// Returns all rows of a Redis except Weir's markers.
fn found(server: &RedisServer) -> BTreeMap<String, Value> {
    let keys = server.ask(&["--raw", "KEYS", "*"]);
    let keys = keys.lines().filter(|key| !key.is_empty() && !key.starts_with("weir:"));
    let value = |key: &str| serde_json::from_str(&server.ask(&["--raw", "GET", key])).unwrap_or(Value::Null);
    keys.map(|key| (key.to_owned(), value(key))).collect()
}

fn wait_for_rows(server: &RedisServer, words: &Words) {
    let expected = words.rows();
    let mut last = BTreeMap::new();
    for _ in 0..600 {
        last = found(server);
        if last == expected {
            return;
        }
        support::pause_for(std::time::Duration::from_millis(50));
    }
    assert_eq!(last, expected);
}

/// Receives the messages of two channels from now on.
fn listen(server: &RedisServer) -> mpsc::Receiver<(String, Value)> {
    let client = redis::Client::open(server.url()).expect("an address");
    let mut connection = client.get_connection().expect("a connection");
    let (tell, told) = mpsc::channel();
    let (ready, is_ready) = mpsc::channel();
    std::thread::spawn(move || {
        let mut listening = connection.as_pubsub();
        listening.subscribe(&["words", "rare"]).expect("subscribed");
        let _ = ready.send(());
        while let Ok(message) = listening.get_message() {
            let text: String = message.get_payload().expect("text");
            let told = (message.get_channel_name().to_owned(), serde_json::from_str(&text).expect("JSON"));
            if tell.send(told).is_err() {
                return;
            }
        }
    });
    is_ready.recv().expect("it listens");
    told
}

#[test]
fn counts_and_ranks_stand_in_redis_and_what_is_gone_is_deleted_and_told() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let script = script(directory.path(), "words.sql", &format!("{EVENTS}{WORDS}"));
    let told = listen(&server);
    let url = server.url();
    let up = start(directory.path(), &[&script], &[("REDIS_URL", &url)]);
    let mut words = Words::new();
    words.post(&up, &["a", "b", "a", "c"]);
    wait_for_rows(&server, &words);
    let life = |key: &str| server.ask(&["TTL", key]).parse::<i64>().expect("a number");
    assert!((900..=1_000).contains(&life("word:a")), "{}", life("word:a"));
    assert!(life("rare:a") > 2_000_000, "{}", life("rare:a"));

    // The third `a` is no longer rare, and `c` replaces `b` among the leaders.
    words.post(&up, &["a"]);
    words.post(&up, &["c", "c"]);
    wait_for_rows(&server, &words);
    assert_eq!(server.ask(&["EXISTS", "rare:a", "rare:c", "leader:b"]), "0");

    // Upserts are announced as before; deleted rows by a message with their keys.
    let mut deleted = BTreeSet::new();
    let mut written = 0;
    while deleted.len() < 2 {
        let (channel, message) = told.recv_timeout(std::time::Duration::from_secs(60)).expect("a message");
        let keys = message.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
        match message["deleted"].as_array() {
            Some(gone) => {
                assert_eq!(channel, "rare");
                assert_eq!((&message["type"], &message["count"]), (&json!("rare"), &json!(0)));
                deleted.extend(gone.iter().map(|key| key.as_str().expect("a key").to_owned()));
            }
            None => {
                assert_eq!(keys, ["count", "timestamp", "type"]);
                written += message["count"].as_u64().expect("a number");
            }
        }
    }
    assert_eq!(deleted, BTreeSet::from(["rare:a".to_owned(), "rare:c".to_owned()]));
    assert!(written >= 6, "{written}");
    up.stop();
}

#[test]
fn a_killed_weir_goes_on_exactly_and_loses_no_delete() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let script = script(directory.path(), "words.sql", &format!("{EVENTS}{WORDS}"));
    let url = server.url();

    let mut words = Words::new();
    let all: Vec<String> = (0..40).map(|number| format!("w{number}")).collect();

    for round in 0..4_usize {
        let up = start(directory.path(), &[&script], &[("REDIS_URL", &url)]);
        up.wait_for_jobs(1);
        for part in 0..20 {
            // Some words come often, and in each round other words stop being rare.
            let at = |step: usize| (part * 7 + step * step + round * 13) % all.len();
            let some: Vec<&str> = (0..10).map(|step| all[at(step)].as_str()).collect();
            words.post(&up, &some);
        }
        // Kill it in any state.
        support::pause_for(std::time::Duration::from_millis(150 * round as u64));
        up.kill();
    }

    let up = start(directory.path(), &[&script], &[("REDIS_URL", &url)]);
    wait_for_rows(&server, &words);
    up.stop();
}

#[test]
fn a_redis_that_comes_back_from_an_older_snapshot_does_not_bring_rows_back() {
    let kept = tempfile::tempdir().expect("a directory");
    let Some(mut server) = RedisServer::start(&["--dir", kept.path().to_str().expect("a path")]) else {
        return;
    };
    let directory = tempfile::tempdir().expect("a directory");
    let script = script(directory.path(), "words.sql", &format!("{EVENTS}{WORDS}"));
    let url = server.url();
    let up = start(directory.path(), &[&script], &[("REDIS_URL", &url)]);
    let mut words = Words::new();
    words.post(&up, &["a", "b", "b", "c"]);
    wait_for_rows(&server, &words);
    server.ask(&["SAVE"]);
    words.post(&up, &["b"]);
    wait_for_rows(&server, &words);

    server.down();
    words.post(&up, &["c", "c", "a"]);
    server.up();
    wait_for_rows(&server, &words);
    up.stop();
}

/// Rows of an analytic that the dashboard shows: user types that came fewer than three times.
const RARE_TYPES: &str = "
CREATE TABLE user_types (user_type STRING, query_count BIGINT, window_end STRING)
WITH ('connector' = 'redis', 'key' = 'analytics:user_type:{user_type}:{window_end}', 'channel' = 'analytics:updates',
      'type' = 'user_type');
INSERT INTO user_types
SELECT query_text, COUNT(*), '2025-12-09T12:00:00' FROM events GROUP BY query_text HAVING COUNT(*) < 3;
";

#[test]
fn what_is_deleted_vanishes_from_answers_too() {
    let own = tempfile::tempdir().expect("a directory");
    let server = RedisServer::start(&[]);
    let url = server.as_ref().map(RedisServer::url);
    for environment in [None, url.as_deref()] {
        let directory = own.path().join(if environment.is_some() { "redis" } else { "embedded" });
        std::fs::create_dir(&directory).expect("a directory");
        let script = script(&directory, "types.sql", &format!("{EVENTS}{RARE_TYPES}"));
        let environment: Vec<(&str, &str)> = environment.iter().map(|url| ("REDIS_URL", *url)).collect();

        let up = start(&directory, &[&script], &environment);
        let mut words = Words::new();

        let types = |wanted: &[(&str, u64)]| {
            let wanted: BTreeSet<(String, u64)> =
                wanted.iter().map(|(of, n)| ((*of).to_owned(), *n)).collect();
            up.wait_for("/analytics/redis/user-type?days=36500", |answer| {
                let rows = answer["distribution"].as_array().into_iter().flatten();
                let row = |row: &Value| {
                    let of = row["user_type"].as_str().unwrap_or_default().to_owned();
                    (of, row["query_count"].as_u64().unwrap_or_default())
                };
                rows.map(row).collect::<BTreeSet<_>>() == wanted
            });
        };

        words.post(&up, &["a", "a", "b"]);
        types(&[("a", 2), ("b", 1)]);
        words.post(&up, &["a"]);
        types(&[("b", 1)]);

        up.kill();
        let up = start(&directory, &[&script], &environment);
        let answer =
            up.wait_for("/analytics/redis/user-type?days=36500", |answer| answer["total_queries"] == 1);
        assert_eq!(answer["distribution"].as_array().map(Vec::len), Some(1), "{answer}");
        up.stop();
    }
}

/// Returns two scripts: rare words in a topic, and the number of words with each count.
fn chain(properties: &str) -> [String; 2] {
    let rare = format!(
        "CREATE TABLE rare (word STRING, n BIGINT, PRIMARY KEY (word) NOT ENFORCED)
         WITH ('connector' = 'upsert-kafka', 'topic' = 'rare', 'key.format' = 'json', 'value.format' = 'json'{properties});"
    );
    let writing = format!(
        "{EVENTS}{rare}
         INSERT INTO rare SELECT query_text, COUNT(*) FROM events GROUP BY query_text HAVING COUNT(*) < 3;"
    );
    let reading = format!(
        "{rare}
         CREATE TABLE sizes (n BIGINT, words BIGINT) WITH ('connector' = 'redis', 'key' = 'size:{{n}}');
         INSERT INTO sizes SELECT n, COUNT(*) FROM rare GROUP BY n;"
    );
    [writing, reading]
}

/// Runs both jobs, kills them in between, and checks the rows of the second.
fn the_chain_holds(server: &RedisServer, properties: &str) {
    let directory = tempfile::tempdir().expect("a directory");
    let [writing, reading] = chain(properties);
    let writing = script(directory.path(), "writing.sql", &writing);
    let reading = script(directory.path(), "reading.sql", &reading);
    let url = server.url();
    let start = || start(directory.path(), &[&writing, &reading], &[("REDIS_URL", &url)]);
    let sizes = |words: &Words| {
        let mut sizes: BTreeMap<String, Value> = BTreeMap::new();
        for n in [1, 2] {
            let of = words.counts.values().filter(|count| **count == n).count();
            if of > 0 {
                sizes.insert(format!("size:{n}"), json!({"n": n, "words": of}));
            }
        }
        wait_until("the sizes are right", || found(server) == sizes);
    };

    let mut words = Words::new();
    let up = start();
    words.post(&up, &["a", "b", "b", "c"]);
    sizes(&words);
    words.post(&up, &["b", "c"]);
    sizes(&words);
    up.kill();
    let up = start();
    words.post(&up, &["a", "d"]);
    sizes(&words);
    words.post(&up, &["a", "c", "d", "d"]);
    sizes(&words);
    up.stop();
}

#[test]
fn the_topic_of_one_job_is_the_source_of_another_in_weirs_own_log() {
    let Some(server) = RedisServer::start(&[]) else { return };
    the_chain_holds(&server, "");
}

#[test]
fn the_topic_of_one_job_is_the_source_of_another_in_kafka() {
    let (Some(server), Some(kafka)) = (RedisServer::start(&[]), KafkaServer::start(&[])) else { return };
    let address = kafka.address();
    the_chain_holds(&server, &format!(", 'properties.bootstrap.servers' = '{address}'"));

    // As Kafka's own tools see it: a record without a value under the key of each deleted row.
    let seen = kafka.tool(
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        &[
            "--bootstrap-server",
            &address,
            "--topic",
            "rare",
            "--from-beginning",
            "--timeout-ms",
            "5000",
            "--formatter-property",
            "print.key=true",
            "--formatter-property",
            "key.separator= ",
        ],
    );
    let mut last: BTreeMap<&str, &str> = BTreeMap::new();
    for line in seen.lines() {
        let (key, value) = line.split_once(' ').expect("a key and a value");
        last.insert(key, value);
    }
    let words: Vec<(&str, &str)> = last.into_iter().collect();
    let gone = [r#"{"word":"a"}"#, r#"{"word":"b"}"#, r#"{"word":"c"}"#, r#"{"word":"d"}"#];
    assert_eq!(words, gone.map(|key| (key, "null")));
}
