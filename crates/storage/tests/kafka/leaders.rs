//! Reads partitions while their leader moves from one broker to another.

use std::time::Duration;

use storage::log::kafka::KafkaLog;
use storage::log::{EventLog as _, LogError, LogReader, Polled, Start};

use crate::servers::kafka::KafkaServer;
use crate::servers::wait_until;
use crate::{all, append, keyed, open, open_with, reader, shared};

/// Reads `count` records and returns their bodies.
fn read(reader: &mut dyn LogReader, count: usize) -> Vec<String> {
    let mut read = Vec::new();
    wait_until("all records are read", || {
        if let Polled::Records { fetched, .. } =
            reader.poll(Duration::from_millis(100), 1 << 20).expect("it reads")
        {
            let body = |span: (u32, u32)| &fetched.data[span.0 as usize..span.1 as usize];
            let bodies = fetched.records.iter().map(|record| body((record.start, record.end)));
            read.extend(bodies.map(|body| String::from_utf8(body.to_vec()).expect("text")));
        }
        read.len() >= count
    });
    read.sort();
    read
}

#[test]
fn reading_follows_the_leaders_and_loses_and_repeats_nothing() {
    let Some(first) = KafkaServer::start(&[]) else { return };
    let Some(mut second) = first.join() else { return };
    let log = open(&first);
    let address = first.address();
    let server = ["--bootstrap-server", &address];
    let topic = ["--create", "--topic", "moving", "--partitions", "4", "--replication-factor", "2"];
    wait_until("both brokers are there", || {
        first.tool("org.apache.kafka.tools.BrokerApiVersionsCommand", &server).matches("id: ").count() == 2
    });
    first.tool("org.apache.kafka.tools.TopicCommand", &[&server[..], &topic].concat());

    let mut reader = reader(&log, "moving", &all(4, Start::Earliest));
    let mut round = |name: &str| {
        let bodies: Vec<String> = (0..400).map(|number| format!("{name} {number:03}")).collect();
        append(&log, "moving", bodies.iter().map(|body| keyed(body, body)).collect()).unwrap();
        assert_eq!(read(&mut *reader, bodies.len()), bodies, "{name}");
    };

    round("both brokers lead");
    second.down();
    round("one broker is gone");
    second.up();
    let described = || {
        let topic = ["--describe", "--topic", "moving"];
        first.tool("org.apache.kafka.tools.TopicCommand", &[&server[..], &topic].concat())
    };
    wait_until("the second broker has all records", || {
        let described = described();
        ["Isr: 1,2", "Isr: 2,1"].map(|both| described.matches(both).count()).iter().sum::<usize>() == 4
    });
    // Return the partitions to a running broker, so that the other answers that it no longer leads.
    let elect = ["--election-type", "preferred", "--all-topic-partitions"];
    first.tool("org.apache.kafka.tools.LeaderElectionCommand", &[&server[..], &elect].concat());
    wait_until("both brokers lead again", || described().matches("Leader: 2").count() == 2);
    round("both brokers lead again");
}

#[test]
fn records_that_a_broker_has_lost_and_replaced_are_an_error() {
    let Some(mut server) = KafkaServer::start(&[]) else { return };
    let log = open(&server);
    log.create_topic("cut", 1).unwrap();
    let mut reader = reader(&log, "cut", &all(1, Start::Earliest));
    let add = |log: &KafkaLog, name: &str, count: usize| {
        let bodies: Vec<String> = (0..count).map(|number| format!("{name} {number:03}")).collect();
        append(log, "cut", bodies.iter().map(|body| keyed(body, body)).collect()).unwrap();
        bodies
    };

    let kept = add(&log, "kept", 100);
    assert_eq!(read(&mut *reader, 100), kept);
    let copy = tempfile::tempdir().unwrap();
    server.copy_partition("cut-0", copy.path(), false);
    let lost = add(&log, "lost", 50);
    assert_eq!(read(&mut *reader, 50), lost);

    // The new records reach beyond the offset at which reading continues.
    server.down();
    server.copy_partition("cut-0", copy.path(), true);
    server.up();
    // The producer that wrote the lost records cannot go on.
    add(&open(&server), "new", 100);
    let mut error = None;
    wait_until("the loss is noticed", || {
        match reader.poll(Duration::from_millis(100), 1 << 20) {
            Ok(Polled::Records { fetched, .. }) => {
                assert!(fetched.records.is_empty(), "new records are skipped")
            }
            Ok(_) => {}
            Err(found) => error = Some(found),
        }
        error.is_some()
    });
    let error = error.unwrap();
    assert!(matches!(error, LogError::Truncated { .. }), "{error}");
    assert!(error.to_string().contains("lost the records from offset 100 on"), "{error}");
}

#[test]
fn partitions_take_turns_where_an_answer_holds_one_of_them() {
    let Some(server) = shared() else { return };
    // Every answer has room for only one of these records.
    let log = open_with(&server, &[("fetch.max.bytes", "1000000"), ("compression.type", "none")]);
    log.create_topic("in-turn", 3).unwrap();
    for _ in 0..3 {
        let records = (0..12).map(|number| keyed(&number.to_string(), &"x".repeat(700_000)));
        append(&log, "in-turn", records.collect()).unwrap();
    }

    let mut reader = reader(&log, "in-turn", &all(3, Start::Earliest));
    let mut order = Vec::new();
    wait_until("some chunks are read", || {
        if let Polled::Records { fetched, .. } = reader.poll(Duration::from_millis(100), 1 << 20).unwrap() {
            order.extend(fetched.partition.filter(|_| !fetched.records.is_empty()));
        }
        order.len() >= 3
    });
    let first: std::collections::BTreeSet<_> = order[..3].iter().collect();
    assert_eq!(first.len(), 3, "{order:?}");
}
