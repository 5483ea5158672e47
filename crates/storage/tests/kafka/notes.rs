//! Appends with a note: records and note are stored together or not at all, across restarts and for other
//! instances.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use storage::log::kafka::{KafkaLog, KafkaOptions, KafkaSettings};
use storage::log::{EventLog as _, LogError, Note, Start};
use types::SystemClock;

use crate::servers::kafka::KafkaServer;
use crate::servers::{free_port, wait_until};
use crate::{all, bodies, read_all, reader, records, settings, shared};

const PATIENCE: Duration = Duration::from_secs(60);

/// Opens a log that stores notes in a directory.
fn open_noting(server: &KafkaServer, directory: &Path) -> KafkaLog {
    open_noting_with(server, directory, &[])
}

fn open_noting_with(server: &KafkaServer, directory: &Path, properties: &[(&str, &str)]) -> KafkaLog {
    let notes = Some(directory.to_owned());
    let options = KafkaOptions { notes, ..KafkaOptions::new(settings(server, properties)) };
    KafkaLog::open(options, Arc::new(SystemClock::new())).expect("it is there")
}

#[test]
fn a_note_stands_with_its_records_and_is_found_by_the_next_process_and_by_others() {
    let Some(server) = shared() else { return };
    let directory = tempfile::tempdir().unwrap();
    let [own, other] = ["own", "other"].map(|name| directory.path().join(name));
    let note = |name: &str| Note { name: name.to_owned(), value: name.as_bytes().to_vec() };

    let log = open_noting(&server, &own);
    log.create_topic("noted", 2).unwrap();
    assert_eq!(log.note("one").unwrap(), None);
    let noted = log.append_noted("noted", records(&["a", "b"]), Some(note("one"))).unwrap();
    assert_eq!(noted.blocking_recv().unwrap().unwrap().len(), 2);
    assert_eq!(log.note("one").unwrap(), Some(b"one".to_vec()));

    let alone = log.append_noted("noted", Vec::new(), Some(note("alone"))).unwrap();
    alone.blocking_recv().unwrap().unwrap();
    drop(log);

    // The same instance again, and one that knows only what Kafka tells.
    for directory in [&own, &other] {
        let log = open_noting(&server, directory);
        assert_eq!(log.note("one").unwrap(), Some(b"one".to_vec()));
        assert_eq!(log.note("alone").unwrap(), Some(b"alone".to_vec()));
        assert_eq!(log.note("two").unwrap(), None);
    }

    // Notes that another instance writes later are found soon.
    let [first, second] = [&own, &other].map(|directory| open_noting(&server, directory));
    assert_eq!((first.note("two").unwrap(), second.note("two").unwrap()), (None, None));
    let noted = first.append_noted("noted", records(&["c"]), Some(note("two"))).unwrap();
    noted.blocking_recv().unwrap().unwrap();
    wait_until("the other finds it", || second.note("two").unwrap().is_some());
    wait_for(&first, "noted", 2, &["a", "b", "c"]);
}

#[test]
fn what_was_noted_is_not_taken_for_missing_while_another_ones_transaction_hides_it() {
    // A broker of its own, because other tests would not find their notes meanwhile.
    let Some(server) = KafkaServer::start(&[]) else { return };
    let directory = tempfile::tempdir().unwrap();
    let log = open_noting(&server, &directory.path().join("own"));
    log.create_topic("hidden", 1).unwrap();
    let noted = |name: &str| {
        let note = Note { name: name.to_owned(), value: b"done".to_vec() };
        log.append_noted("hidden", records(&[name]), Some(note)).unwrap().blocking_recv().unwrap().unwrap();
    };
    noted("before");

    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", server.address()).set("transactional.id", "another");
    let another: BaseProducer = config.create().unwrap();
    another.init_transactions(PATIENCE).unwrap();
    another.begin_transaction().unwrap();
    another
        .send(BaseRecord::to("weir-notes").key("open").payload("open"))
        .map_err(|(error, _)| error)
        .unwrap();
    another.flush(PATIENCE).unwrap();
    noted("behind");

    let other = open_noting(&server, &directory.path().join("other"));
    let hidden = other.note("behind");
    assert!(hidden.is_err(), "it may be there: {hidden:?}");

    another.abort_transaction(PATIENCE).unwrap();
    wait_until("it can be told", || other.note("behind").is_ok());
    assert_eq!(other.note("behind").unwrap(), Some(b"done".to_vec()));
    assert_eq!(other.note("open").unwrap(), None);
}

/// Waits until `expected` is read: brokers report a commit before each partition shows it.
fn wait_for(log: &KafkaLog, topic: &str, partitions: u32, expected: &[&str]) {
    wait_until("what was committed is read", || {
        let mut read = bodies(read_all(&mut *reader(log, topic, &all(partitions, Start::Earliest))));
        read.sort_unstable();
        read == expected
    });
}

#[test]
fn an_append_that_is_refused_leaves_no_note_and_takes_nobody_along() {
    let Some(server) = shared() else { return };
    let directory = tempfile::tempdir().unwrap();
    let log = open_noting_with(&server, directory.path(), &[("max.request.size", "10000")]);
    log.create_topic("refused", 1).unwrap();
    assert_eq!(log.note("first").unwrap(), None);
    let note = |name: &str| Some(Note { name: name.to_owned(), value: b"done".to_vec() });

    // The first keeps the brokers busy, so that the others share a transaction.
    let first = log.append_noted("refused", records(&["a"]), note("first")).unwrap();
    let large = log.append_noted("refused", records(&["b", &"c".repeat(50_000)]), note("large")).unwrap();
    let nowhere = log.append_noted("no-such-topic", records(&["d"]), note("nowhere")).unwrap();
    let last = log.append_noted("refused", records(&["e"]), note("last")).unwrap();

    first.blocking_recv().unwrap().unwrap();
    assert!(large.blocking_recv().unwrap().unwrap_err().is_too_large());
    assert!(nowhere.blocking_recv().unwrap().unwrap_err().is_unknown_topic());
    last.blocking_recv().unwrap().unwrap();
    let noted =
        |log: &KafkaLog| ["first", "large", "nowhere", "last"].map(|name| log.note(name).unwrap().is_some());
    assert_eq!(noted(&log), [true, false, false, true]);
    wait_for(&log, "refused", 1, &["a", "e"]);

    drop(log);
    let elsewhere = tempfile::tempdir().unwrap();
    let log = open_noting(&server, elsewhere.path());
    wait_until("another one knows the same", || noted(&log) == [true, false, false, true]);
}

#[test]
fn many_who_look_for_notes_while_brokers_are_away_wait_once() {
    const LOOKERS: usize = 8;
    let directory = tempfile::tempdir().unwrap();
    let nobody = format!("127.0.0.1:{}", free_port());
    let settings = KafkaSettings::new(&nobody, &BTreeMap::new()).unwrap();
    let options = KafkaOptions { notes: Some(directory.path().to_owned()), ..KafkaOptions::new(settings) };
    let log = KafkaLog::open(options, Arc::new(SystemClock::new())).unwrap();

    let together = Barrier::new(LOOKERS);
    let errors: Vec<Arc<LogError>> = std::thread::scope(|scope| {
        let look = || {
            together.wait();
            match log.note("one").unwrap_err() {
                LogError::Shared(error) => error,
                error => panic!("{error} is for one alone"),
            }
        };
        let lookers: Vec<_> = (0..LOOKERS).map(|_| scope.spawn(look)).collect();
        lookers.into_iter().map(|looker| looker.join().unwrap()).collect()
    });

    assert!(errors.iter().all(|error| Arc::ptr_eq(error, &errors[0])));
    assert!(matches!(&*errors[0], LogError::Unreachable { .. }), "{}", errors[0]);
}
