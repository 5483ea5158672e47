//! Notes stored with an append are found for a day, also after a restart, and are dropped then.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use common::{TOPIC, clock, open, options, record};
use storage::log::{EmbeddedLog, EventLog, LogError, Note};
use types::Interval;

fn note(name: &str, value: &str) -> Option<Note> {
    Some(Note { name: name.to_owned(), value: value.into() })
}

#[test]
fn a_note_survives_with_its_records() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.create_topic(TOPIC, 1).unwrap();
    let appended = log.append_noted(TOPIC, vec![record("a")], note("k", "done")).unwrap();
    assert_eq!(appended.blocking_recv().unwrap().unwrap().len(), 1);
    assert_eq!(log.note("k").unwrap().as_deref(), Some(&b"done"[..]));
    assert_eq!(log.note("other").unwrap(), None);
    drop(log);
    let log = open(directory.path());
    assert_eq!(log.note("k").unwrap().as_deref(), Some(&b"done"[..]));
    // A note may be stored without records.
    log.append_noted(TOPIC, Vec::new(), note("alone", "x")).unwrap().blocking_recv().unwrap().unwrap();
    assert_eq!(log.note("alone").unwrap().as_deref(), Some(&b"x"[..]));
    let nameless = log.append_noted(TOPIC, Vec::new(), note("", "x"));
    assert!(matches!(nameless, Err(LogError::TooLarge { .. })));
}

#[test]
fn a_note_is_found_for_a_day_and_dropped_later() {
    const HOUR: i64 = 3_600_000;
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let log = EmbeddedLog::open(directory.path(), options(), clock.clone()).unwrap();
    log.create_topic(TOPIC, 1).unwrap();
    log.append_noted(TOPIC, Vec::new(), note("k", "done")).unwrap().blocking_recv().unwrap().unwrap();
    // Over midnight, until a day has passed.
    clock.advance(Interval(24 * HOUR - 1));
    log.trim().unwrap();
    assert!(log.note("k").unwrap().is_some());
    clock.advance(Interval(1));
    assert_eq!(log.note("k").unwrap(), None);
    log.append_noted(TOPIC, Vec::new(), note("k", "again")).unwrap().blocking_recv().unwrap().unwrap();
    clock.advance(Interval(48 * HOUR));
    log.trim().unwrap();
    assert_eq!(log.note("k").unwrap(), None);
}
