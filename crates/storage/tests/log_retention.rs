//! Retention by age and size.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::time::Duration;

use common::*;
use storage::log::{EmbeddedLog, EventLog, Options, Start};
use types::{Interval, Offset, PartitionId};

fn first_and_end(log: &EmbeddedLog) -> (u64, u64) {
    let bounds = log.bounds(TOPIC, PartitionId(0)).unwrap();
    (bounds.first.0, bounds.next.0)
}

#[test]
fn records_go_when_they_are_too_old() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let options = Options { retention_age: Duration::from_secs(3_200), ..options() };
    let log = EmbeddedLog::open(directory.path(), options.clone(), clock.clone()).unwrap();
    log.create_topic(TOPIC, 1).unwrap();

    for hundred in 0..10 {
        append(&log, vec![record(format!("{hundred}")), record("second")]);
        clock.advance(Interval(400_000));
    }

    // The time is 4,000 s: records of 800 s and later are kept.
    assert_eq!(log.trim().unwrap(), 4);
    assert_eq!(first_and_end(&log), (4, 20));
    assert_eq!(bodies(&read_from(&log, Start::Earliest))[0], "2");
    assert_eq!(log.trim().unwrap(), 0);

    drop(log);
    let log = EmbeddedLog::open(directory.path(), options, clock.clone()).unwrap();
    assert_eq!(first_and_end(&log), (4, 20));

    clock.advance(Interval(10_000_000));
    assert_eq!(log.trim().unwrap(), 16);
    assert_eq!(first_and_end(&log), (20, 20));
}

#[test]
fn offsets_go_on_after_everything_has_gone() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let log = EmbeddedLog::open(directory.path(), options(), clock.clone()).unwrap();
    log.create_topic(TOPIC, 1).unwrap();
    append(&log, (0..7).map(|_| record("old")).collect());
    clock.advance(Interval(8 * 24 * 60 * 60 * 1_000));
    assert_eq!(log.trim().unwrap(), 7);
    drop(log);
    let log = EmbeddedLog::open(directory.path(), options(), clock).unwrap();
    assert_eq!(first_and_end(&log), (7, 7));
    assert_eq!(append(&log, vec![record("new")])[0].offset, Offset(7));
    assert_eq!(bodies(&read_from(&log, Start::Earliest)), ["new"]);
}

#[test]
fn the_oldest_go_when_a_topic_is_too_large() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { retention_bytes: 20_000, ..options() };
    let log = EmbeddedLog::open(directory.path(), options.clone(), clock()).unwrap();
    log.create_topic(TOPIC, 1).unwrap();
    for _ in 0..100 {
        append(&log, vec![record(vec![b'x'; 960])]);
    }
    // An entry of one such record takes 1,000 bytes.
    assert_eq!(log.trim().unwrap(), 80);
    assert_eq!(first_and_end(&log), (80, 100));
    assert_eq!(read_from(&log, Start::Earliest).len(), 20);
    drop(log);
    let log = EmbeddedLog::open(directory.path(), options, clock()).unwrap();
    assert_eq!(first_and_end(&log), (80, 100));
    append(&log, vec![record(vec![b'x'; 960])]);
    assert_eq!(log.trim().unwrap(), 1);
}

#[test]
fn more_entries_than_are_dropped_at_once_all_go() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { retention_bytes: 5_000, commit_bytes: 1, ..options() };
    let log = EmbeddedLog::open(directory.path(), options, clock()).unwrap();
    log.create_topic(TOPIC, 1).unwrap();
    let waiting: Vec<_> =
        (0..2_500).map(|_| log.append(TOPIC, vec![record("0123456789")]).unwrap()).collect();
    for appending in waiting {
        appending.blocking_recv().unwrap().unwrap();
    }
    let dropped = log.trim().unwrap();
    assert!(dropped > 2_000, "{dropped}");
    assert_eq!(read_from(&log, Start::Earliest).len() as u64, 2_500 - dropped);
    assert_eq!(first_and_end(&log), (dropped, 2_500));
}

#[test]
fn a_reader_whose_records_went_goes_on_at_the_first_one_kept() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { retention_bytes: 20_000, ..options() };
    let log = EmbeddedLog::open(directory.path(), options, clock()).unwrap();
    log.create_topic(TOPIC, 1).unwrap();
    let mut early = reader(&log, Start::Earliest);
    for number in 0..100 {
        append(&log, vec![record(format!("{number:>960}"))]);
    }
    log.trim().unwrap();
    for reader in [&mut early, &mut reader(&log, Start::At(Offset(3)))] {
        let offsets: Vec<_> = drain(reader.as_mut(), 5_000).iter().map(|s| s.offset).collect();
        assert_eq!(offsets, (80..100).collect::<Vec<_>>());
    }
}

#[test]
fn retention_runs_by_itself_between_commits() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let options = Options { retention_interval: Options::default().retention_interval, ..options() };
    let log = EmbeddedLog::open(directory.path(), options, clock.clone()).unwrap();
    log.create_topic(TOPIC, 1).unwrap();
    append(&log, vec![record("old")]);
    clock.advance(Interval(8 * 24 * 60 * 60 * 1_000));
    append(&log, vec![record("new")]);
    let mut tries = 0;
    while first_and_end(&log).0 == 0 {
        append(&log, vec![record("newer")]);
        tries += 1;
        assert!(tries < 10_000, "retention should have run");
    }
    assert_eq!(bodies(&read_from(&log, Start::Earliest))[0], "new");
}

#[test]
fn what_a_reader_needs_is_kept_beyond_retention_until_it_is_released() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { retention_bytes: 20_000, ..options() };
    let log = EmbeddedLog::open(directory.path(), options, clock()).unwrap();
    log.create_topic(TOPIC, 1).unwrap();
    log.retain("job", &[(TOPIC, PartitionId(0), Offset(0))]);
    for _ in 0..100 {
        append(&log, vec![record(vec![b'x'; 960])]);
    }
    assert_eq!(log.trim().unwrap(), 0);
    log.retain("job", &[(TOPIC, PartitionId(0), Offset(30))]);
    assert!(log.trim().unwrap() <= 30);
    assert!(first_and_end(&log).0 <= 30);
    log.release("job");
    log.trim().unwrap();
    assert_eq!(first_and_end(&log), (80, 100));
}
