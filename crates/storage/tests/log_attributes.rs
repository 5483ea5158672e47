//! Keys and headers are stored with their records, and returned to readers that ask for them.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::time::Duration;

use common::*;
use storage::log::{
    EmbeddedLog, EventLog, Fetched, LogError, NewRecord, Options, Polled, Span, Start, TimeKind, Wanted,
};
use types::PartitionId;

type Header<'a> = (&'a str, Option<&'a str>);

fn with_headers(key: Option<&str>, body: &str, headers: &[Header<'_>]) -> NewRecord {
    let headers =
        headers.iter().map(|&(name, value)| (name.to_owned(), value.map(|v| v.as_bytes().to_vec())));
    NewRecord { key: key.map(Into::into), headers: headers.collect(), ..record(body) }
}

fn text(fetched: &Fetched, span: Span) -> String {
    String::from_utf8(fetched.data[span.start as usize..span.end as usize].to_vec()).unwrap()
}

/// Returns one line per record: key, body, headers.
fn seen(log: &EmbeddedLog, wanted: Wanted, max_bytes: usize) -> Vec<String> {
    let mut reader = log.read(TOPIC, &[(PartitionId(0), Start::Earliest)], wanted).unwrap();
    let mut lines = Vec::new();
    while let Polled::Records { fetched, .. } = reader.poll(Duration::ZERO, max_bytes).unwrap() {
        assert_eq!(fetched.attributes.len(), if wanted.any() { fetched.records.len() } else { 0 });
        for (record, attributes) in fetched.records.iter().zip(&fetched.attributes) {
            let key = attributes.key.map_or("-".to_owned(), |key| text(&fetched, key));
            let body = text(&fetched, Span { start: record.start, end: record.end });
            let mut line = format!("{key} {body}");
            for &(name, value) in &attributes.headers {
                let value = value.map_or("-".to_owned(), |value| text(&fetched, value));
                line += &format!(" {}={value}", text(&fetched, name));
            }
            lines.push(line);
        }
    }
    lines
}

#[test]
fn a_reader_gets_what_it_wants_and_after_the_log_was_opened_again_too() {
    let directory = tempfile::tempdir().unwrap();
    {
        let log = open(directory.path());
        log.create_topic(TOPIC, 1).unwrap();
        // One entry with headers, one without, and one with both kinds of records.
        append(
            &log,
            vec![with_headers(Some("k"), "a", &[("trace", Some("1")), ("x", None), ("trace", Some("2"))])],
        );
        append(&log, vec![with_headers(None, "b", &[])]);
        append(&log, vec![with_headers(Some(""), "c", &[("é", Some(""))]), with_headers(None, "d", &[])]);
        assert_eq!(log.time_kind(TOPIC), TimeKind::Appended);
    }

    let log = open(directory.path());
    let all = ["k a trace=1 x=- trace=2", "- b", " c é=", "- d"];
    for max_bytes in [1, 1 << 20] {
        assert_eq!(seen(&log, Wanted { keys: true, headers: true }, max_bytes), all);
        let keys = Wanted { keys: true, headers: false };
        assert_eq!(seen(&log, keys, max_bytes), ["k a", "- b", " c", "- d"]);
        let headers = Wanted { keys: false, headers: true };
        assert_eq!(seen(&log, headers, max_bytes), ["- a trace=1 x=- trace=2", "- b", "- c é=", "- d"]);
        assert!(seen(&log, Wanted::default(), max_bytes).is_empty());
    }

    assert_eq!(bodies(&read_from(&log, Start::Earliest)), ["a", "b", "c", "d"]);
}

#[test]
fn headers_count_towards_the_largest_record() {
    let directory = tempfile::tempdir().unwrap();
    let limits = Options { record_bytes_max: 100, ..options() };
    let log = EmbeddedLog::open(directory.path(), limits, clock()).unwrap();
    log.create_topic(TOPIC, 1).unwrap();
    let sized =
        |bytes: usize| with_headers(Some("key"), "body", &[("name", Some("v".repeat(bytes).as_str()))]);
    append(&log, vec![sized(81)]);
    assert!(matches!(log.append(TOPIC, vec![sized(82)]), Err(LogError::TooLarge { bytes: 101, limit: 100 })));
}
