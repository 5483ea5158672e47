//! The guarantees of a reader.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::time::Duration;

use common::*;
use storage::log::{EmbeddedLog, EventLog, Polled, Start, Wanted};
use types::{Interval, Offset, PartitionId, Timestamp};

#[test]
fn a_waiting_reader_gets_what_is_appended() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.create_topic(TOPIC, 2).unwrap();
    let mut reader = reader(&log, Start::Latest);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| reader.poll(LIMIT, 1_000).unwrap());
        append(&log, vec![record("now")]);
        let Polled::Records { fetched, behind: false } = reading.join().unwrap() else {
            panic!("the record should have been read");
        };
        assert_eq!(fetched.records.len(), 1);
    });
    assert!(matches!(reader.poll(Duration::from_millis(1), 1_000).unwrap(), Polled::CaughtUp));
}

#[test]
fn reading_while_writing_misses_and_repeats_nothing() {
    const RECORDS: usize = 3_000;
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.create_topic(TOPIC, 3).unwrap();

    let seen = std::thread::scope(|scope| {
        scope.spawn(|| {
            for first in (0..RECORDS).step_by(30) {
                append(&log, (first..first + 30).map(|n| keyed(&format!("{n}"), format!("{n}"))).collect());
            }
        });

        let mut reader = reader(&log, Start::Earliest);
        let mut seen = vec![Vec::new(); 3];
        while seen.iter().map(Vec::len).sum::<usize>() < RECORDS {
            let Polled::Records { fetched, .. } = reader.poll(LIMIT, 100).unwrap() else {
                panic!("the writer should have been faster");
            };
            let partition = fetched.partition.unwrap().0 as usize;
            seen[partition].extend(fetched.records.iter().map(|record| record.offset.0));
        }
        seen
    });

    for offsets in seen {
        assert_eq!(offsets, (0..offsets.len() as u64).collect::<Vec<_>>());
    }
}

#[test]
fn partitions_with_more_to_read_take_turns() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.create_topic(TOPIC, 3).unwrap();
    for _ in 0..3 {
        append(&log, (0..10).map(|n| record(format!("{n:>100}"))).collect());
    }
    let mut reader = reader(&log, Start::Earliest);
    let mut turns = Vec::new();
    while let Polled::Records { fetched, behind } = reader.poll(Duration::ZERO, 500).unwrap() {
        assert_eq!(fetched.records.len(), 5);
        assert_eq!(behind, turns.len() < 3);
        turns.push(fetched.partition.unwrap().0);
    }
    assert_eq!(turns, [0, 1, 2, 0, 1, 2]);
}

#[test]
fn a_poll_returns_at_most_about_as_much_as_was_asked_for_but_at_least_a_record() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.create_topic(TOPIC, 1).unwrap();
    append(&log, [10, 10, 10, 500, 10].map(|length| record(vec![b'x'; length])).into());
    let mut reader = reader(&log, Start::Earliest);
    let mut lengths = Vec::new();
    while let Polled::Records { fetched, .. } = reader.poll(Duration::ZERO, 25).unwrap() {
        lengths.push(fetched.records.iter().map(|r| r.end - r.start).collect::<Vec<_>>());
    }
    assert_eq!(lengths, [vec![10, 10], vec![10], vec![500], vec![10]]);
}

#[test]
fn small_entries_are_read_many_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.create_topic(TOPIC, 1).unwrap();
    for number in 0..20 {
        append(&log, vec![record(format!("{number}"))]);
    }
    let mut reader = reader(&log, Start::Earliest);
    let Polled::Records { fetched, behind: false } = reader.poll(Duration::ZERO, 1 << 20).unwrap() else {
        panic!("there are records");
    };
    assert_eq!(fetched.records.len(), 20);
}

#[test]
fn a_reader_starts_where_it_was_told() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let log = EmbeddedLog::open(directory.path(), options(), clock.clone()).unwrap();
    log.create_topic(TOPIC, 1).unwrap();
    let Timestamp(begin) = types::Clock::now(&*clock);

    for entry in 0..5 {
        append(&log, (0..4).map(|n| record(format!("{}", entry * 4 + n))).collect());
        clock.advance(Interval(1_000));
    }

    let first = |start| bodies(&read_from(&log, start)).first().map(|body| body.parse::<u64>().unwrap());
    assert_eq!(first(Start::Earliest), Some(0));
    assert_eq!(first(Start::Latest), None);

    for offset in 0..20 {
        assert_eq!(first(Start::At(Offset(offset))), Some(offset));
    }
    assert_eq!(first(Start::At(Offset(20))), None);

    assert_eq!(first(Start::Time(Timestamp(0))), Some(0));
    assert_eq!(first(Start::Time(Timestamp(begin))), Some(0));
    assert_eq!(first(Start::Time(Timestamp(begin + 1))), Some(4));
    assert_eq!(first(Start::Time(Timestamp(begin + 3_000))), Some(12));
    assert_eq!(first(Start::Time(Timestamp(begin + 4_001))), None);
}

#[test]
fn positions_are_those_of_what_was_handed_out() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.create_topic(TOPIC, 2).unwrap();
    append(&log, (0..10).map(|_| record("0123456789")).collect());
    let mut first = reader(&log, Start::Earliest);
    first.poll(Duration::ZERO, 30).unwrap();
    assert_eq!(first.positions(), [(PartitionId(0), Offset(3)), (PartitionId(1), Offset(0))]);
    let from: Vec<_> = first.positions().into_iter().map(|(p, offset)| (p, Start::At(offset))).collect();
    let mut second = log.read(TOPIC, &from, Wanted::default()).unwrap();
    assert_eq!(drain(second.as_mut(), 1_000), drain(first.as_mut(), 1_000));
}

#[test]
fn an_offset_beyond_the_end_becomes_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.create_topic(TOPIC, 1).unwrap();
    append(&log, vec![record("a")]);
    let mut reader = reader(&log, Start::At(Offset(100)));
    append(&log, vec![record("b")]);
    assert_eq!(bodies(&drain(reader.as_mut(), 1_000)), ["b"]);
}

#[test]
fn a_reader_of_no_partitions_is_caught_up() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.create_topic(TOPIC, 1).unwrap();
    let mut reader = log.read(TOPIC, &[], Wanted::default()).unwrap();
    assert!(matches!(reader.poll(Duration::ZERO, 1).unwrap(), Polled::CaughtUp));
}
