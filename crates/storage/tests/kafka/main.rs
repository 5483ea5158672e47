//! The event log on a real Kafka broker: it behaves like the embedded log, and reports when the broker is
//! unreachable.

#[path = "../servers/mod.rs"]
mod servers;

#[path = "../servers/tls.rs"]
mod tls;

mod changes;
mod leaders;
mod notes;
mod secured;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use servers::kafka::KafkaServer;
use servers::wait_until;
use storage::log::kafka::{KafkaLog, KafkaOptions, KafkaSettings};
use storage::log::{
    EventLog, LogError, LogReader, NewRecord, Note, Polled, Position, RecordRef, Start, Wanted,
};
use types::{Offset, PartitionId, SystemClock, Timestamp};

/// Returns a broker shared by tests that do not disturb it.
fn shared() -> Option<Arc<KafkaServer>> {
    static SERVER: Mutex<Weak<KafkaServer>> = Mutex::new(Weak::new());
    let mut server = SERVER.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(running) = server.upgrade() {
        return Some(running);
    }
    let started = Arc::new(KafkaServer::start(&[])?);
    *server = Arc::downgrade(&started);
    Some(started)
}

fn settings(server: &KafkaServer, properties: &[(&str, &str)]) -> KafkaSettings {
    let of = properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    KafkaSettings::new(&server.address(), &of.collect::<BTreeMap<_, _>>()).expect("it is there")
}

fn open_with(server: &KafkaServer, properties: &[(&str, &str)]) -> KafkaLog {
    let options = KafkaOptions::new(settings(server, properties));
    KafkaLog::open(options, Arc::new(SystemClock::new())).expect("it is there")
}

fn open(server: &KafkaServer) -> KafkaLog {
    open_with(server, &[])
}

fn records(bodies: &[&str]) -> Vec<NewRecord> {
    bodies.iter().map(|body| NewRecord { body: (*body).to_owned().into(), ..NewRecord::default() }).collect()
}

fn keyed(key: &str, body: &str) -> NewRecord {
    NewRecord { key: Some(key.into()), body: body.to_owned().into(), ..NewRecord::default() }
}

fn append(log: &KafkaLog, topic: &str, records: Vec<NewRecord>) -> Result<Vec<Position>, LogError> {
    log.append(topic, records)?.blocking_recv().expect("an answer")
}

fn all(partitions: u32, start: Start) -> Vec<(PartitionId, Start)> {
    (0..partitions).map(|partition| (PartitionId(partition), start)).collect()
}

fn reader(log: &KafkaLog, topic: &str, from: &[(PartitionId, Start)]) -> Box<dyn LogReader> {
    log.read(topic, from, Wanted::default()).expect("it is there")
}

/// Reads to the end and returns partition, offset and body of each record.
fn read_all(reader: &mut dyn LogReader) -> Vec<(u32, u64, String)> {
    let mut read = Vec::new();
    for _ in 0..600 {
        match reader.poll(Duration::from_millis(50), 1 << 20).expect("it is there") {
            Polled::Records { fetched, .. } => {
                let partition = fetched.partition.expect("it is there").0;
                let body = |record: &RecordRef| &fetched.data[record.start as usize..record.end as usize];
                read.extend(fetched.records.iter().map(|record| {
                    (
                        partition,
                        record.offset.0,
                        String::from_utf8(body(record).to_vec()).expect("it is there"),
                    )
                }));
            }
            Polled::CaughtUp => return read,
            Polled::Unreachable => {}
        }
    }
    panic!("the reader was never caught up; it read {} records", read.len());
}

fn bodies(read: Vec<(u32, u64, String)>) -> Vec<String> {
    read.into_iter().map(|(_, _, body)| body).collect()
}

#[test]
fn what_is_appended_is_read_in_order_with_its_offsets() {
    let Some(server) = shared() else { return };
    let log = open(&server);
    assert_eq!(log.partitions("in-order").unwrap(), None);
    log.create_topic("in-order", 3).unwrap();
    log.create_topic("in-order", 7).unwrap();
    assert_eq!(log.partitions("in-order").unwrap(), Some(3), "an existing topic keeps its partitions");
    assert!(log.topics().unwrap().contains(&"in-order".to_owned()));

    let keys = ["a", "b", "c", "d", "e", "f"];
    let mut told = Vec::new();
    for round in 0..50 {
        let batch = keys.iter().map(|key| keyed(key, &format!("{key}-{round}"))).collect();
        told.extend(append(&log, "in-order", batch).unwrap());
    }

    let read = read_all(&mut *reader(&log, "in-order", &all(3, Start::Earliest)));
    assert_eq!(read.len(), 300);
    for (number, position) in told.iter().enumerate() {
        let body = format!("{}-{}", keys[number % 6], number / 6);
        assert!(read.contains(&(position.partition.0, position.offset.0, body)), "{position:?}");
    }

    for partition in 0..3 {
        let offsets: Vec<u64> = read.iter().filter(|of| of.0 == partition).map(|of| of.1).collect();
        assert_eq!(offsets, (0..offsets.len() as u64).collect::<Vec<_>>());
        let bounds = log.bounds("in-order", PartitionId(partition)).unwrap();
        assert_eq!((bounds.first.0, bounds.next.0), (0, offsets.len() as u64));
    }
}

#[test]
fn keys_headers_and_times_are_read_where_they_are_wanted() {
    let Some(server) = shared() else { return };
    let log = open(&server);
    log.create_topic("attributes", 1).unwrap();
    let headers = vec![("trace".to_owned(), Some(b"\xff\x00".to_vec())), ("none".to_owned(), None)];
    let time = Some(Timestamp(1_765_290_000_123));
    let record = NewRecord { headers, time, ..keyed("k", "body") };
    append(&log, "attributes", vec![record, records(&["plain"]).remove(0)]).unwrap();

    let wanted = Wanted { keys: true, headers: true };
    let mut reader = log.read("attributes", &all(1, Start::Earliest), wanted).unwrap();
    let mut found = Vec::new();
    wait_until("both are read", || {
        if let Polled::Records { fetched, .. } = reader.poll(Duration::ZERO, 1 << 20).unwrap() {
            assert_eq!(fetched.records.len(), fetched.attributes.len());
            let bytes =
                |span: storage::log::Span| fetched.data[span.start as usize..span.end as usize].to_vec();
            found.extend(fetched.attributes.iter().zip(&fetched.records).map(|(of, record)| {
                let headers = of.headers.iter().map(|(name, value)| (bytes(*name), value.map(bytes)));
                (of.key.map(bytes), headers.collect::<Vec<_>>(), record.appended)
            }));
        }
        found.len() == 2
    });

    let headers = vec![(b"trace".to_vec(), Some(b"\xff\x00".to_vec())), (b"none".to_vec(), None)];
    assert_eq!(found[0], (Some(b"k".to_vec()), headers, Timestamp(1_765_290_000_123)));
    assert_eq!((&found[1].0, &found[1].1), (&None, &Vec::new()));
}

#[test]
fn a_reader_starts_where_it_was_told() {
    let Some(server) = shared() else { return };
    let log = open(&server);
    log.create_topic("starts", 1).unwrap();
    let at = |body: &str, time| NewRecord { time: Some(Timestamp(time)), ..records(&[body]).remove(0) };
    append(&log, "starts", vec![at("a", 1_000), at("b", 2_000), at("c", 3_000)]).unwrap();
    let from = |start| bodies(read_all(&mut *reader(&log, "starts", &all(1, start))));
    assert_eq!(from(Start::Earliest), ["a", "b", "c"]);
    assert_eq!(from(Start::At(Offset(1))), ["b", "c"]);
    assert_eq!(from(Start::At(Offset(3))), [""; 0]);
    assert_eq!(from(Start::Time(Timestamp(1_500))), ["b", "c"]);
    assert_eq!(from(Start::Time(Timestamp(9_000))), [""; 0]);
    let mut latest = reader(&log, "starts", &all(1, Start::Latest));
    append(&log, "starts", records(&["d"])).unwrap();
    assert_eq!(bodies(read_all(&mut *latest)), ["d"]);
    assert_eq!(latest.positions(), [(PartitionId(0), Offset(4))]);
    let beyond = log.read("starts", &all(1, Start::At(Offset(9))), Wanted::default());
    let error = beyond.err().unwrap();
    assert!(matches!(error, LogError::Truncated { .. }), "{error}");
    assert!(
        error.to_string().contains("lost the records from offset 4 on, and reading should continue at 9"),
        "{error}"
    );
}

#[test]
fn records_of_any_compression_are_read() {
    let Some(server) = shared() else { return };
    let log = open(&server);
    log.create_topic("compressed", 1).unwrap();
    let codecs = ["none", "gzip", "snappy", "lz4", "zstd"];
    for codec in codecs {
        let log = open_with(&server, &[("compression.type", codec)]);
        append(&log, "compressed", records(&[&codec.repeat(2_000)])).unwrap();
    }
    let read = bodies(read_all(&mut *reader(&log, "compressed", &all(1, Start::Earliest))));
    assert_eq!(read, codecs.map(|codec| codec.repeat(2_000)));
}

#[test]
fn records_that_kafkas_own_producer_compressed_are_read() {
    let Some(server) = shared() else { return };
    let log = open(&server);
    let directory = tempfile::tempdir().unwrap();
    let payload = directory.path().join("payload");
    let body = "Sinh viên hỏi gì? ".repeat(20);
    std::fs::write(&payload, format!("{body}\n")).unwrap();
    let address = format!("bootstrap.servers={}", server.address());

    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = format!("java-{codec}");
        log.create_topic(&topic, 1).unwrap();
        let compression = format!("compression.type={codec}");
        let mut arguments = vec!["--topic", &topic, "--num-records", "3000", "--throughput", "-1"];
        arguments.extend(["--payload-file", payload.to_str().unwrap()]);
        arguments.extend(["--producer-props", &address, &compression, "linger.ms=50", "batch.size=200000"]);
        server.tool("org.apache.kafka.tools.ProducerPerformance", &arguments);

        let read = read_all(&mut *reader(&log, &topic, &all(1, Start::Earliest)));
        let offsets = read.iter().map(|(_, offset, _)| *offset);
        assert!(offsets.eq(0..3_000), "{codec}");
        assert!(read.iter().all(|(.., read)| *read == body), "{codec}");
        let rest = read_all(&mut *reader(&log, &topic, &all(1, Start::At(Offset(2_345)))));
        assert_eq!((rest.len(), rest[0].1), (655, 2_345), "{codec}: from inside of a batch");
    }
}

#[test]
fn partitions_that_are_added_are_read_too() {
    let Some(server) = shared() else { return };
    let log = open(&server);
    log.create_topic("growing", 1).unwrap();
    let mut reader = reader(&log, "growing", &all(1, Start::Earliest));
    append(&log, "growing", records(&["first"])).unwrap();
    assert_eq!(bodies(read_all(&mut *reader)), ["first"]);
    let address = server.address();
    let arguments = ["--bootstrap-server", &address, "--alter", "--topic", "growing", "--partitions", "2"];
    server.tool("org.apache.kafka.tools.TopicCommand", &arguments);
    wait_until("the partition is known", || log.partitions("growing").unwrap() == Some(2));
    reader.add(PartitionId(1), Start::Earliest).unwrap();
    // Some of the keys belong to the new partition.
    let fresh = open(&server);
    let batch: Vec<NewRecord> = (0..32).map(|n| keyed(&n.to_string(), &n.to_string())).collect();
    let positions = append(&fresh, "growing", batch).unwrap();
    assert!(positions.iter().any(|position| position.partition == PartitionId(1)));
    assert_eq!(read_all(&mut *reader).len(), 32);
}

#[test]
fn a_reader_that_was_held_up_gives_what_came_before_it_says_that_there_is_nothing() {
    let Some(server) = shared() else { return };
    let log = open(&server);
    log.create_topic("held-up", 1).unwrap();
    let mut held = reader(&log, "held-up", &all(1, Start::Earliest));
    append(&log, "held-up", records(&["a"])).unwrap();
    assert_eq!(bodies(read_all(&mut *held)), ["a"]);
    append(&log, "held-up", records(&["b"])).unwrap();
    // Other readers get both records, and some seconds pass.
    for _ in 0..3 {
        assert_eq!(bodies(read_all(&mut *reader(&log, "held-up", &all(1, Start::Earliest)))), ["a", "b"]);
    }
    wait_until("it gives what came", || match held.poll(Duration::ZERO, 1 << 20).unwrap() {
        Polled::Records { fetched, .. } => !fetched.records.is_empty(),
        Polled::CaughtUp => panic!("there was more"),
        Polled::Unreachable => false,
    });
}

#[test]
fn where_a_group_stands_is_told_to_kafkas_own_tools() {
    let Some(server) = shared() else { return };
    let log = open(&server);
    log.create_topic("lagging", 2).unwrap();

    let batch = (0..64).map(|n: u32| keyed(&n.to_string(), "x")).collect();
    let positions = append(&log, "lagging", batch).unwrap();
    let count = positions.iter().filter(|position| position.partition == PartitionId(1)).count();
    assert!(count > 1 && count < 63, "{count}");
    assert_eq!(log.committed("watched", "lagging").unwrap(), []);
    log.commit("watched", &[("lagging", PartitionId(0), Offset(0)), ("lagging", PartitionId(1), Offset(1))])
        .unwrap();
    let standing = vec![(PartitionId(0), Offset(0)), (PartitionId(1), Offset(1))];
    wait_until("it is committed", || log.committed("watched", "lagging").unwrap() == standing);

    let address = server.address();
    let arguments = ["--bootstrap-server", &address, "--describe", "--group", "watched"];
    let told = server.tool("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", &arguments);
    let line =
        told.lines().find(|line| line.contains("lagging") && line.split_whitespace().nth(2) == Some("1"));
    let words: Vec<&str> = line.unwrap_or_else(|| panic!("{told}")).split_whitespace().collect();

    // GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG
    let expected = ["1".to_owned(), count.to_string(), (count - 1).to_string()];
    assert_eq!(words[3..6], expected, "{told}");
}

#[test]
fn what_the_broker_or_we_refuse_is_named() {
    let Some(server) = shared() else { return };
    let log = open(&server);
    log.create_topic("refusing", 1).unwrap();
    let large = NewRecord { body: vec![b'x'; (1 << 20) + 1].into(), ..NewRecord::default() };
    let error = append(&log, "refusing", vec![large]).unwrap_err();
    assert!(matches!(error, LogError::TooLarge { .. }), "{error}");

    let small = NewRecord { body: vec![b'x'; 50_000].into(), ..NewRecord::default() };
    let address = server.address();
    let arguments = [
        "--bootstrap-server",
        &address,
        "--alter",
        "--entity-type",
        "topics",
        "--entity-name",
        "refusing",
        "--add-config",
        "max.message.bytes=10000",
    ];
    server.tool("kafka.admin.ConfigCommand", &arguments);

    let uncompressed = open_with(&server, &[("compression.type", "none")]);
    let error = append(&uncompressed, "refusing", vec![small]).unwrap_err();
    assert!(error.is_too_large() && error.to_string().contains("max.message.bytes"), "{error}");

    let error = append(&log, "not-there", records(&["x"])).unwrap_err();
    assert!(matches!(error, LogError::UnknownTopic { .. }), "{error}");
    assert!(matches!(log.partitions("no/name"), Err(LogError::InvalidTopic { .. })));
    assert!(matches!(
        log.append_noted("refusing", records(&["x"]), Some(Note { name: "n".into(), value: vec![] })),
        Err(LogError::NoNotes)
    ));
}

#[test]
fn a_broker_that_is_away_or_hangs_is_not_silent_and_nothing_is_lost() {
    let Some(mut server) = KafkaServer::start(&[]) else { return };
    let log = open(&server);
    log.create_topic("away", 1).unwrap();
    let mut reader = reader(&log, "away", &all(1, Start::Earliest));
    append(&log, "away", records(&["before"])).unwrap();
    assert_eq!(bodies(read_all(&mut *reader)), ["before"]);

    for way in ["gone", "hanging"] {
        if way == "gone" {
            server.down()
        } else {
            server.hang(true)
        }
        wait_until("the reader says so", || {
            matches!(reader.poll(Duration::from_millis(10), 1 << 20).unwrap(), Polled::Unreachable)
        });
        for _ in 0..20 {
            let polled = reader.poll(Duration::from_millis(10), 1 << 20).unwrap();
            assert!(matches!(polled, Polled::Unreachable), "{way}: {polled:?}");
        }

        let appending = log.append("away", records(&[way])).unwrap();
        if way == "gone" {
            server.up()
        } else {
            server.hang(false)
        }
        appending.blocking_recv().unwrap().unwrap();

        let mut read = Vec::new();
        while read.is_empty() {
            read = bodies(read_all(&mut *reader));
        }
        assert_eq!(read, [way]);
    }

    server.down();
    let unreachable = log.bounds("away", PartitionId(0)).unwrap_err();
    assert!(matches!(unreachable, LogError::Unreachable { .. }), "{unreachable}");
    assert!(matches!(log.ping(), Err(LogError::Unreachable { .. })));
}

#[test]
fn an_append_that_is_refused_for_load_leaves_nothing_behind() {
    let Some(mut server) = KafkaServer::start(&[]) else { return };
    let options = KafkaOptions { queue_bytes: 1_000, ..KafkaOptions::new(settings(&server, &[])) };
    let log = KafkaLog::open(options, Arc::new(SystemClock::new())).unwrap();
    log.create_topic("full", 1).unwrap();
    append(&log, "full", records(&["a"])).unwrap();
    server.down();
    let waiting = log.append("full", records(&[&"b".repeat(900)])).unwrap();
    let error = log.append("full", records(&[&"c".repeat(200)])).err().unwrap();
    assert!(matches!(error, LogError::Overloaded { queued_bytes: 900 }), "{error}");
    server.up();
    waiting.blocking_recv().unwrap().unwrap();
    append(&log, "full", records(&[&"d".repeat(2_000)])).unwrap();
    let read = bodies(read_all(&mut *reader(&log, "full", &all(1, Start::Earliest))));
    assert_eq!(read.iter().map(String::len).collect::<Vec<_>>(), [1, 900, 2_000]);
}
