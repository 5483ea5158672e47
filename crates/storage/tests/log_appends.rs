//! The guarantees of an append.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::collections::HashMap;
use std::sync::Arc;

use common::*;
use proptest::prelude::*;
use storage::log::{EmbeddedLog, EventLog, LogError, OffsetBounds, Options, Start, Wanted};
use types::{ErrorDomain, Interval, ManualClock, Offset, PartitionId};

#[test]
fn what_was_acknowledged_is_there_after_opening_again() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.create_topic(TOPIC, 3).unwrap();
    let before = append(&log, (0..50).map(|n| keyed(&format!("k{n}"), format!("body {n}"))).collect());
    let seen = read_from(&log, Start::Earliest);
    drop(log);
    let log = open(directory.path());
    assert_eq!(log.partitions(TOPIC).unwrap(), Some(3));
    assert_eq!(read_from(&log, Start::Earliest), seen);
    assert_eq!(seen.len(), before.len());
    let after = append(&log, vec![keyed("k0", "more")]);
    let same = before.iter().filter(|position| position.partition == after[0].partition).count();
    assert_eq!(after[0].offset, Offset(same as u64));
}

#[test]
fn closing_writes_what_was_queued_and_frees_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.create_topic(TOPIC, 1).unwrap();
    let waiting: Vec<_> =
        (0..100).map(|n| log.append(TOPIC, vec![record(format!("{n}"))]).unwrap()).collect();
    let mut held = reader(&log, Start::Earliest);
    log.close();
    for appending in waiting {
        appending.blocking_recv().unwrap().unwrap();
    }
    assert!(matches!(log.append(TOPIC, vec![record("late")]), Err(LogError::Closed)));
    assert!(matches!(held.poll(LIMIT, 1), Err(LogError::Closed)));
    assert_eq!(read_from(&open(directory.path()), Start::Earliest).len(), 100);
}

#[test]
fn a_second_process_is_told_that_the_directory_is_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let _log = open(directory.path());
    let error = EmbeddedLog::open(directory.path(), options(), clock()).err().unwrap();
    assert!(
        matches!(&error, LogError::Locked { directory: told } if *told == directory.path().to_string_lossy())
    );
    assert_eq!(error.domain(), ErrorDomain::User);
}

#[test]
fn positions_are_told_in_the_order_given_and_each_sender_keeps_its_order() {
    const SENDERS: usize = 8;
    const APPENDS: usize = 40;
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.create_topic(TOPIC, 4).unwrap();

    let told: Vec<_> = std::thread::scope(|scope| {
        let sending: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let log = &log;
                scope.spawn(move || {
                    let mut told = Vec::new();
                    for number in 0..APPENDS {
                        let bodies: Vec<_> = (0..3).map(|n| format!("{sender} {number} {n}")).collect();
                        let records =
                            bodies.iter().map(|body| keyed(&format!("{sender}"), body.as_str())).collect();
                        told.extend(append(log, records).into_iter().zip(bodies));
                    }
                    told
                })
            })
            .collect();
        sending.into_iter().flat_map(|sender| sender.join().unwrap()).collect()
    });

    let seen = read_from(&log, Start::Earliest);
    let by_place: HashMap<_, _> = seen.iter().map(|s| ((s.partition, s.offset), s.body.clone())).collect();
    assert_eq!(by_place.len(), SENDERS * APPENDS * 3);
    for (position, body) in &told {
        assert_eq!(by_place[&(position.partition.0, position.offset.0)], body.as_bytes());
    }

    for partition in 0..4 {
        let offsets: Vec<_> = seen.iter().filter(|s| s.partition == partition).map(|s| s.offset).collect();
        assert_eq!(offsets, (0..offsets.len() as u64).collect::<Vec<_>>());
        assert_eq!(
            log.bounds(TOPIC, PartitionId(partition)).unwrap(),
            OffsetBounds { first: Offset(0), next: Offset(offsets.len() as u64) }
        );
    }

    for of_sender in told.chunks(APPENDS * 3) {
        assert!(of_sender.iter().all(|(position, _)| position.partition == of_sender[0].0.partition));
        assert!(of_sender.is_sorted_by(|(one, _), (other, _)| one.offset < other.offset));
    }
}

#[test]
fn large_appends_keep_their_order_among_small_ones() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.create_topic(TOPIC, 4).unwrap();
    let mut random = fastrand::Rng::with_seed(5);
    let mut told = Vec::new();

    // Some are smaller than an entry of their own, one is larger than an entry may be, and all wait for the same
    // commits.
    let sizes = [1, 400, 3, 3_000, 40, 1, 900, 2];
    let waiting = sizes.iter().enumerate().map(|(append, &count)| {
        let bodies: Vec<String> = (0..count)
            .map(|n| format!("{append} {n} {}", "học bổng ".repeat(random.usize(20..80))))
            .collect();
        let key = |n: usize| if append % 2 == 0 { "all".to_owned() } else { n.to_string() };
        let records = bodies.iter().enumerate().map(|(n, body)| keyed(&key(n), body.as_str())).collect();
        (bodies, log.append(TOPIC, records).unwrap())
    });
    for (bodies, appending) in waiting.collect::<Vec<_>>() {
        told.extend(appending.blocking_recv().unwrap().unwrap().into_iter().zip(bodies));
    }

    let seen = read_from(&log, Start::Earliest);
    let by_place: HashMap<_, _> = seen.iter().map(|s| ((s.partition, s.offset), s.body.clone())).collect();
    assert_eq!(by_place.len(), sizes.iter().sum::<usize>());
    for (position, body) in &told {
        assert_eq!(by_place[&(position.partition.0, position.offset.0)], body.as_bytes());
    }
    for partition in 0..4 {
        let offsets: Vec<_> =
            told.iter().filter(|(p, _)| p.partition.0 == partition).map(|(p, _)| p.offset).collect();
        assert_eq!(offsets, (0..offsets.len() as u64).map(Offset).collect::<Vec<_>>());
    }

    // Reading from the middle of an entry, a little at a time, and after a restart.
    let from = told[1_500].0;
    let mut reader = log.read(TOPIC, &[(from.partition, Start::At(from.offset))], Wanted::default()).unwrap();
    assert_eq!(drain(reader.as_mut(), 2_000)[0].body, told[1_500].1.as_bytes());
    drop((reader, log));
    assert_eq!(read_from(&open(directory.path()), Start::Earliest), seen);
}

#[test]
fn records_without_a_key_take_turns_by_the_append() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.create_topic(TOPIC, 3).unwrap();
    let partitions: Vec<Vec<u32>> = (0..6)
        .map(|_| {
            append(&log, vec![record("a"), record("b")]).iter().map(|position| position.partition.0).collect()
        })
        .collect();
    assert_eq!(partitions, [[0, 0], [1, 1], [2, 2], [0, 0], [1, 1], [2, 2]]);
}

#[test]
fn times_do_not_go_back_when_the_clock_does() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let log = EmbeddedLog::open(directory.path(), options(), clock.clone()).unwrap();
    log.create_topic(TOPIC, 1).unwrap();
    append(&log, vec![record("a")]);
    clock.advance(Interval(-5_000));
    append(&log, vec![record("b")]);
    clock.advance(Interval(7_000));
    append(&log, vec![record("c")]);
    let seen = read_from(&log, Start::Earliest);
    let since: Vec<_> = seen.iter().map(|s| s.appended.0 - seen[0].appended.0).collect();
    assert_eq!(since, [0, 0, 2_000]);
}

#[test]
fn what_cannot_be_appended_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    assert!(matches!(log.append(TOPIC, vec![record("a")]), Err(LogError::UnknownTopic { .. })));
    assert_eq!(log.partitions(TOPIC).unwrap(), None);

    for name in ["", ".", "..", "a/b", "a b", "ä", &"x".repeat(250)] {
        assert!(matches!(log.create_topic(name, 1), Err(LogError::InvalidTopic { .. })), "{name}");
    }
    for partitions in [0, u32::MAX] {
        assert!(matches!(log.create_topic(TOPIC, partitions), Err(LogError::InvalidPartitions { .. })));
    }

    log.create_topic(TOPIC, 2).unwrap();
    log.create_topic(TOPIC, 7).unwrap();
    assert_eq!(log.partitions(TOPIC).unwrap(), Some(2));
    let large = vec![record("small"), record(vec![0; (1 << 20) + 1])];
    assert!(matches!(
        log.append(TOPIC, large),
        Err(LogError::TooLarge { bytes: 1_048_577, limit: 1_048_576 })
    ));

    assert!(matches!(log.bounds(TOPIC, PartitionId(2)), Err(LogError::UnknownPartition { .. })));
    let beyond = log.read(TOPIC, &[(PartitionId(2), Start::Earliest)], Wanted::default());
    assert!(matches!(beyond, Err(LogError::UnknownPartition { .. })));
    assert_eq!(append(&log, Vec::new()), []);
    assert_eq!(read_from(&log, Start::Earliest), []);
}

#[test]
fn an_append_that_is_refused_for_load_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { queue_bytes: 2_000, commit_bytes: 1, ..options() };
    let log = EmbeddedLog::open(directory.path(), options, clock()).unwrap();
    log.create_topic(TOPIC, 1).unwrap();
    let mut taken = Vec::new();
    let mut refused = 0;

    // One request per commit and sync: pushing is faster than that.
    while refused < 20 {
        let body = format!("{:>500}", taken.len());
        match log.append(TOPIC, vec![record(body.as_str())]) {
            Ok(appending) => taken.push((appending, body)),
            Err(LogError::Overloaded { queued_bytes }) => {
                assert!(queued_bytes > 1_000 && queued_bytes <= 2_000);
                refused += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }

    let mut expected = Vec::new();
    for (appending, body) in taken {
        appending.blocking_recv().unwrap().unwrap();
        expected.push(body);
    }
    assert_eq!(bodies(&read_from(&log, Start::Earliest)), expected);
}

#[test]
fn a_request_larger_than_the_queue_is_taken_when_the_queue_is_empty() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { queue_bytes: 10, queue_records: 1, ..options() };
    let log = EmbeddedLog::open(directory.path(), options, clock()).unwrap();
    log.create_topic(TOPIC, 1).unwrap();
    assert_eq!(append(&log, (0..10).map(|_| record("0123456789")).collect()).len(), 10);
}

#[test]
fn a_full_disk_refuses_appends_and_breaks_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.create_topic(TOPIC, 1).unwrap();
    append(&log, vec![record("before")]);
    drop(log);
    let full = Options { keep_free_bytes: u64::MAX, ..options() };
    let log = EmbeddedLog::open(directory.path(), full, clock()).unwrap();
    for _ in 0..2 {
        let refused = log.append(TOPIC, vec![record("during")]).unwrap().blocking_recv().unwrap();
        assert!(matches!(refused, Err(LogError::DiskFull(_))));
    }
    assert!(matches!(log.create_topic("other", 1), Err(LogError::DiskFull(_))));
    assert_eq!(bodies(&read_from(&log, Start::Earliest)), ["before"]);
    drop(log);
    let log = open(directory.path());
    assert_eq!(append(&log, vec![record("after")])[0].offset, Offset(1));
    assert_eq!(bodies(&read_from(&log, Start::Earliest)), ["before", "after"]);
}

/// A step of a random history of a log.
#[derive(Debug, Clone)]
enum Step {
    Append(Vec<(u8, usize)>),
    Reopen,
    Read { from: u64, max_bytes: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => prop::collection::vec((0u8..6, 0usize..300), 0..12).prop_map(Step::Append),
        1 => Just(Step::Reopen),
        3 => (0u64..60, 1usize..2_000).prop_map(|(from, max_bytes)| Step::Read { from, max_bytes }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_log_is_a_list_a_partition(steps in prop::collection::vec(step(), 1..25)) {
        const PARTITIONS: u32 = 3;
        let directory = tempfile::tempdir().unwrap();
        let clock: Arc<ManualClock> = clock();
        let mut log = EmbeddedLog::open(directory.path(), options(), clock.clone()).unwrap();
        log.create_topic(TOPIC, PARTITIONS).unwrap();
        let mut model: Vec<Vec<Vec<u8>>> = vec![Vec::new(); PARTITIONS as usize];

        for step in steps {
            match step {
                Step::Append(records) => {
                    let bodies: Vec<Vec<u8>> = records.iter().map(|(key, length)| vec![*key; *length]).collect();
                    let records = records.iter().zip(&bodies).map(|((key, _), body)| match key {
                        0 => record(body.clone()),
                        key => keyed(&format!("{key}"), body.clone()),
                    });
                    let positions = append(&log, records.collect());
                    for (position, body) in positions.iter().zip(bodies) {
                        let partition = &mut model[position.partition.0 as usize];
                        prop_assert_eq!(position.offset, Offset(partition.len() as u64));
                        partition.push(body);
                    }
                    clock.advance(Interval(10));
                }
                Step::Reopen => {
                    drop(log);
                    log = EmbeddedLog::open(directory.path(), options(), clock.clone()).unwrap();
                }
                Step::Read { from, max_bytes } => {
                    let seen = drain(reader(&log, Start::At(Offset(from))).as_mut(), max_bytes);
                    for (number, partition) in model.iter().enumerate() {
                        let found: Vec<_> = seen.iter().filter(|s| s.partition == number as u32).collect();
                        let expected = partition.iter().enumerate().skip(from as usize);
                        prop_assert_eq!(found.len(), expected.len());
                        for (found, (offset, body)) in found.iter().zip(expected) {
                            prop_assert_eq!(found.offset, offset as u64);
                            prop_assert_eq!(&found.body, body);
                        }
                    }
                }
            }
        }
    }
}
