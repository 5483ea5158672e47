//! Changes to a topic while it is read: transactions that stay open, and topics that are deleted and
//! recreated.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use storage::log::{EventLog as _, LogError, LogReader, Polled, Start};
use types::{Offset, PartitionId};

use crate::servers::kafka::KafkaServer;
use crate::servers::wait_until;
use crate::{all, append, bodies, open, read_all, reader, records, shared};

const TIMEOUT: Duration = Duration::from_secs(60);

#[test]
fn records_that_an_open_transaction_hides_are_no_end_of_a_partition() {
    let Some(server) = shared() else { return };
    let log = open(&server);
    log.create_topic("open-transaction", 1).unwrap();
    append(&log, "open-transaction", records(&["a", "b", "c"])).unwrap();
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", server.address()).set("transactional.id", "left-open");
    let hanging: BaseProducer = config.create().unwrap();
    hanging.init_transactions(TIMEOUT).unwrap();
    hanging.begin_transaction().unwrap();
    for body in ["x", "y", "z"] {
        let record = BaseRecord::to("open-transaction").key("").payload(body);
        hanging.send(record).map_err(|(error, _)| error).unwrap();
    }
    hanging.flush(TIMEOUT).unwrap();
    append(&log, "open-transaction", records(&["d", "e"])).unwrap();

    let mut reader = reader(&log, "open-transaction", &all(1, Start::Earliest));
    let mut read = Vec::new();
    // Long enough to learn where the transaction begins; from then on its beginning must not count as the
    // end.
    for round in 0..60 {
        match reader.poll(Duration::from_millis(50), 1 << 20).unwrap() {
            Polled::Records { fetched, behind } => {
                read.extend(fetched.records.iter().map(|record| record.offset.0));
                assert!(behind || round < 40, "there is more behind the transaction");
            }
            Polled::CaughtUp => assert!(round < 40, "there is more behind the transaction"),
            Polled::Unreachable => {}
        }
        assert!(round < 40 || reader.at_end().is_empty(), "it is not at its end");
    }
    assert_eq!(read, [0, 1, 2]);

    hanging.abort_transaction(TIMEOUT).unwrap();
    let mut rest = Vec::new();
    wait_until("the others are read", || {
        rest.extend(bodies(read_all(&mut *reader)));
        rest.len() == 2
    });
    assert_eq!(rest, ["d", "e"]);
}

/// Polls until a poll fails, and returns its error.
fn failure(reader: &mut dyn LogReader) -> LogError {
    for _ in 0..1_200 {
        if let Err(error) = reader.poll(Duration::from_millis(50), 1 << 20) {
            return error;
        }
    }
    panic!("the reader never failed");
}

fn delete(server: &KafkaServer, topic: &str) {
    let address = server.address();
    server.tool(
        "org.apache.kafka.tools.TopicCommand",
        &["--bootstrap-server", &address, "--delete", "--topic", topic],
    );
}

#[test]
fn a_topic_that_is_made_anew_has_another_id_and_is_not_read_on() {
    let Some(server) = shared() else { return };
    let log = open(&server);
    log.create_topic("made-anew", 1).unwrap();
    append(&log, "made-anew", records(&["a", "b"])).unwrap();
    let before = log.topic_id("made-anew").unwrap();
    assert!(before.is_some());
    let mut reader = reader(&log, "made-anew", &all(1, Start::Earliest));
    assert_eq!(bodies(read_all(&mut *reader)), ["a", "b"]);

    delete(&server, "made-anew");
    let fresh = open(&server);
    wait_until("it is gone", || fresh.partitions("made-anew").unwrap().is_none());
    fresh.create_topic("made-anew", 1).unwrap();
    append(&fresh, "made-anew", records(&["c", "d", "e", "f"])).unwrap();
    let after = fresh.topic_id("made-anew").unwrap();
    assert!(after.is_some() && after != before, "{before:?} {after:?}");

    let error = failure(&mut *reader);
    let is_told = matches!(
        error,
        LogError::Recreated { .. }
            | LogError::Deleted { .. }
            | LogError::UnknownTopic { .. }
            | LogError::Truncated { .. }
    );
    assert!(is_told, "{error}");
}

#[test]
fn a_topic_that_is_deleted_while_it_is_read_is_told() {
    let Some(server) = shared() else { return };
    let log = open(&server);
    log.create_topic("deleted", 1).unwrap();
    append(&log, "deleted", records(&["a"])).unwrap();
    let mut reader = reader(&log, "deleted", &all(1, Start::Earliest));
    assert_eq!(bodies(read_all(&mut *reader)), ["a"]);
    delete(&server, "deleted");
    let error = failure(&mut *reader);
    assert!(matches!(error, LogError::Deleted { .. } | LogError::UnknownTopic { .. }), "{error}");
}

#[test]
fn the_last_of_several_commits_is_what_counts() {
    let Some(server) = shared() else { return };
    let log = open(&server);
    log.create_topic("committed", 1).unwrap();
    append(&log, "committed", records(&["a", "b", "c"])).unwrap();
    for offset in 1..=3 {
        log.commit("one-after-another", &[("committed", PartitionId(0), Offset(offset))]).unwrap();
    }
    // A group's first commit may take longer than the timeout of a commit.
    let last = [(PartitionId(0), Offset(3))];
    wait_until("the last is there", || log.committed("one-after-another", "committed").unwrap() == last);
}
