//! Partitions whose leader moves from one broker to another while they are read.

use std::time::Duration;

use storage::log::{LogReader, Polled, Start};

use crate::servers::kafka::KafkaServer;
use crate::servers::wait_until;
use crate::{all, append, keyed, open, reader};

/// Reads until so many records are there, and returns their bodies.
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
    // Given back to a broker that runs, so that the other answers that it no longer leads.
    let elect = ["--election-type", "preferred", "--all-topic-partitions"];
    wait_until("both brokers lead again", || {
        first.tool("org.apache.kafka.tools.LeaderElectionCommand", &[&server[..], &elect].concat());
        let topic = ["--describe", "--topic", "moving"];
        let told = first.tool("org.apache.kafka.tools.TopicCommand", &[&server[..], &topic].concat());
        told.matches("Leader: 2").count() == 2
    });
    round("both brokers lead again");
}
