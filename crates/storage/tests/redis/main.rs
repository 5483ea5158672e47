//! The result store on a real Redis: readers of the system before Weir find the format they expect, and
//! nothing is lost when the server is unreachable, hangs, is emptied or refuses.

#[path = "../servers/mod.rs"]
mod servers;

#[path = "../servers/tls.rs"]
mod tls;

mod cluster;
mod deleted;
mod rights;
mod road;
mod secured;
mod sentinel;
mod troubles;
mod watched;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use servers::redis::RedisServer;
use servers::wait_until;
use storage::store::{
    Change, EmbeddedStore, Following, Notification, Options, RedisOptions, RedisStore, ResultStore,
    StoreError, Upsert, WriteBatch,
};
use types::SystemClock;

/// Copies of stores, each in a directory of its own.
struct Copies(tempfile::TempDir);

impl Copies {
    fn new() -> Copies {
        Copies(tempfile::tempdir().expect("a directory"))
    }

    fn open(&self, copy: &str, url: String) -> RedisStore {
        self.open_with(copy, url, None)
    }

    fn open_with(&self, copy: &str, url: String, certificates: Option<Vec<u8>>) -> RedisStore {
        let clock = Arc::new(SystemClock::new());
        let options = Options { keep_free_bytes: 0, ..Options::default() };
        let copy = EmbeddedStore::open(&self.0.path().join(copy), options, clock.clone()).expect("it opens");
        RedisStore::open(RedisOptions { url, certificates, ..RedisOptions::default() }, copy, clock)
            .expect("it opens")
    }
}

struct Stage {
    server: RedisServer,
    copies: Copies,
}

impl Stage {
    fn new(arguments: &[&str]) -> Option<Stage> {
        let server = RedisServer::start(arguments)?;
        Some(Stage { server, copies: Copies::new() })
    }

    fn open(&self) -> RedisStore {
        self.open_at(self.server.url())
    }

    fn open_at(&self, url: String) -> RedisStore {
        self.open_with(url, None)
    }

    fn open_with(&self, url: String, certificates: Option<Vec<u8>>) -> RedisStore {
        self.copies.open_with("copy", url, certificates)
    }

    /// Opens another instance's store over the same server.
    fn open_copy(&self, copy: &str, url: String) -> RedisStore {
        self.copies.open(copy, url)
    }
}

fn row(key: &str, value: &str) -> Upsert {
    Upsert { key: key.into(), value: Arc::from(value.as_bytes()), ttl: Duration::from_secs(3_600) }
}

fn batch(rows: &[(&str, &str)], time: &str) -> WriteBatch {
    WriteBatch {
        upserts: rows.iter().map(|(key, value)| row(key, value)).collect(),
        notification: Some(Notification {
            channel: "analytics:updates".into(),
            latest_key: "analytics:latest".into(),
            kind: "faculty".into(),
            time: time.into(),
            count: rows.len() as u64,
        }),
        ..WriteBatch::default()
    }
}

/// Repeats a write until it succeeds, as a sink does.
fn insist(store: &RedisStore, batch: &WriteBatch) {
    wait_until("the write succeeds", || store.write(batch).is_ok());
}

fn scanned(store: &RedisStore) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let scan = store.scan("analytics:", &mut |entry| {
        rows.push((entry.key.to_string(), String::from_utf8_lossy(&entry.value).into_owned()));
        true
    });
    scan.expect("the store answers");
    rows.sort();
    rows
}

/// Returns the next change with rows or a notification.
fn next(following: &Following) -> Arc<Change> {
    following.recv_timeout(Duration::from_secs(20)).expect("a change")
}

const A: &str = "analytics:faculty:Sinh viên:2025-12-09T11:30:00";
const T: &str = "2025-12-09T11:30:00";

#[test]
fn rows_stand_as_readers_of_the_system_before_expect_them() {
    let Some(stage) = Stage::new(&[]) else { return };
    let store = stage.open();
    let following = store.follow().unwrap();
    store.write(&batch(&[(A, r#"{"n": 1}"#)], T)).unwrap();
    assert_eq!(stage.server.ask(&["--raw", "GET", A]), r#"{"n": 1}"#);
    let life: u64 = stage.server.ask(&["TTL", A]).parse().unwrap();
    assert!((3_590..=3_600).contains(&life), "{life}");
    assert_eq!(stage.server.ask(&["--raw", "GET", "analytics:latest"]), T);
    assert_eq!(stage.server.ask(&["TTL", "analytics:latest"]), "-1");
    let change = next(&following);
    assert_eq!((&*change.entries[0].key, &*change.entries[0].value), (A, &br#"{"n": 1}"#[..]));
    assert_eq!(change.notification.as_ref().unwrap().count, 1);
    assert_eq!(&*store.get(A).unwrap().unwrap().value, br#"{"n": 1}"#);
    assert!(store.get("analytics:none").unwrap().is_none());
    let expected = [(A.to_owned(), r#"{"n": 1}"#.to_owned()), ("analytics:latest".to_owned(), T.to_owned())];
    assert_eq!(scanned(&store), expected);
    assert_eq!(store.address(), ("127.0.0.1".to_owned(), stage.server.port().to_string()));
}

#[test]
fn many_keys_are_read_in_their_order_and_never_from_a_server_that_lost_them() {
    let Some(mut stage) = Stage::new(&[]) else { return };
    let store = stage.open();
    let others = "analytics:faculty:other:2025-12-09T11:30:00";
    store.write(&batch(&[(A, "1"), (others, "2")], T)).unwrap();
    let keys = [others, "analytics:none", A].map(str::to_owned);
    let values = |store: &RedisStore| -> Option<Vec<Option<String>>> {
        let entries = store.get_many(&keys).ok()?.into_iter();
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        Some(entries.map(|entry| entry.map(|entry| text(&entry.value))).collect())
    };
    let expected = [Some("2".to_owned()), None, Some("1".to_owned())];
    assert_eq!(values(&store).as_deref(), Some(&expected[..]));

    stage.server.down();
    assert_eq!(values(&store), None);
    stage.server.up();
    let mut first = None;
    wait_until("it answers", || {
        first = values(&store);
        first.is_some()
    });
    assert_eq!(first.as_deref(), Some(&expected[..]), "it came back empty");
}

#[test]
fn messages_are_published_as_the_contract_says() {
    let Some(stage) = Stage::new(&[]) else { return };
    let client = redis_client(&stage);
    let mut connection = client.get_connection().unwrap();
    let mut listening = connection.as_pubsub();
    listening.subscribe("analytics:updates").unwrap();
    let store = stage.open();
    store.write(&batch(&[(A, "{}"), ("analytics:faculty:x:t", "{}")], T)).unwrap();
    let message: String = listening.get_message().unwrap().get_payload().unwrap();
    let message: serde_json::Value = serde_json::from_str(&message).unwrap();
    assert_eq!(message, serde_json::json!({"type": "faculty", "timestamp": T, "count": 2}));
}

fn redis_client(stage: &Stage) -> redis::Client {
    redis::Client::open(stage.server.url()).expect("an address")
}

#[test]
fn what_another_writer_puts_there_is_told() {
    for protocol in ["resp2", "resp3"] {
        is_told(protocol);
    }
}

fn is_told(protocol: &str) {
    let Some(stage) = Stage::new(&[]) else { return };
    let store = stage.open_at(format!("{}/?protocol={protocol}", stage.server.url()));
    let following = store.follow().expect("the store answers");
    store.write(&batch(&[(A, r#"{"n": 1}"#)], T)).expect("the store answers");
    assert!(next(&following).notification.is_some());

    // Another job writes a new row, one that this store wrote, and rows with times of their own.
    let theirs = "analytics:year:3:2025-12-09T11:29:59.123456";
    stage.server.ask(&["SETEX", theirs, "100", r#"{"n": 2}"#]);
    stage.server.ask(&["SETEX", A, "100", r#"{"n": 3}"#]);

    let listens = || stage.server.ask(&["PUBSUB", "NUMSUB", "analytics:updates"]).ends_with('1');
    wait_until("the store listens", listens);
    stage.server.ask(&[
        "PUBLISH",
        "analytics:updates",
        &format!(r#"{{"type": "year", "timestamp": "{T}", "count": 2}}"#),
    ]);

    let mut rows = std::collections::BTreeMap::new();
    let mut told = None;
    while rows.len() < 2 || told.is_none() {
        let change = next(&following);
        for entry in change.entries.iter().filter(|entry| &*entry.key != "analytics:latest") {
            rows.insert(entry.key.to_string(), String::from_utf8_lossy(&entry.value).into_owned());
        }
        told =
            change.notification.as_ref().map(|told| (told.kind.to_string(), told.time.to_string())).or(told);
    }

    let expected = [(A.to_owned(), r#"{"n": 3}"#.to_owned()), (theirs.to_owned(), r#"{"n": 2}"#.to_owned())];
    assert_eq!(rows, expected.into_iter().collect());
    assert_eq!(told, Some(("year".to_owned(), T.to_owned())));
}

#[test]
fn a_server_that_comes_back_empty_gets_everything_again() {
    let Some(mut stage) = Stage::new(&[]) else { return };
    let store = stage.open();
    store.write(&batch(&[(A, "1"), ("analytics:b", "2")], T)).unwrap();
    store.write(&batch(&[("analytics:b", "3")], T)).unwrap();
    stage.server.down();
    assert!(store.write(&batch(&[("analytics:c", "4")], T)).is_err());
    wait_until("it is known to be away", || store.ping().is_err());
    stage.server.up();
    insist(&store, &batch(&[("analytics:c", "4")], T));
    let expected = [("analytics:b", "3"), ("analytics:c", "4"), (A, "1"), ("analytics:latest", T)];
    assert_eq!(scanned(&store), expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    let life: u64 = stage.server.ask(&["TTL", "analytics:b"]).parse().unwrap();
    assert!((3_500..=3_600).contains(&life), "a row that is given back lives as long as before, not {life}");
    wait_until("it is known to be there", || store.ping().is_ok());

    // Emptied while nobody writes, and filled by another process over the same copy.
    stage.server.ask(&["FLUSHALL"]);
    wait_until("the rows are back", || stage.server.ask(&["GET", "analytics:c"]) == "4");
    assert_eq!(stage.server.ask(&["--raw", "GET", "analytics:latest"]), T);
    drop(store);
    stage.server.ask(&["FLUSHALL"]);
    let store = stage.open();
    wait_until("the rows are back", || store.get(A).is_ok_and(|row| row.is_some()));
}

#[test]
fn a_server_that_hangs_is_not_waited_for_without_end() {
    let Some(stage) = Stage::new(&[]) else { return };
    let store = stage.open();
    store.write(&batch(&[(A, "1")], T)).unwrap();

    stage.server.hang(true);
    let hanging = store.write(&batch(&[(A, "2")], T));
    assert!(matches!(hanging, Err(StoreError::Unreachable { .. })), "{hanging:?}");

    // One timeout for all commands, not one for each.
    let rows: Vec<String> = (0..500).map(|number| format!("analytics:year:{number}:{T}")).collect();
    let rows: Vec<(&str, &str)> = rows.iter().map(|key| (key.as_str(), "1")).collect();
    stage.server.hang(false);
    insist(&store, &batch(&rows, T));
    stage.server.hang(true);

    std::thread::scope(|scope| {
        let writing = scope.spawn(|| store.write(&batch(&rows, T)));
        let reading = scope.spawn(|| store.scan("analytics:", &mut |_| true));
        let both = || writing.is_finished() && reading.is_finished();
        let waited = catch_unwind(AssertUnwindSafe(|| wait_until("both are given up", both)));
        stage.server.hang(false);
        waited.unwrap();
        let hanging = writing.join().unwrap();
        assert!(matches!(hanging, Err(StoreError::Unreachable { .. })), "{hanging:?}");
    });

    insist(&store, &batch(&[(A, "2")], T));
    assert_eq!(stage.server.ask(&["GET", A]), "2");
}

#[test]
fn connections_that_are_cut_are_made_again() {
    let Some(stage) = Stage::new(&[]) else { return };
    let store = stage.open();
    let following = store.follow().unwrap();
    store.write(&batch(&[(A, "1")], T)).unwrap();
    next(&following);
    stage.server.ask(&["CLIENT", "KILL", "TYPE", "normal"]);
    stage.server.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    insist(&store, &batch(&[(A, "2")], T));
    assert_eq!(stage.server.ask(&["GET", A]), "2");
    // Messages may have been missed, so followers have to load all rows again.
    wait_until("the followers are sent away", || {
        matches!(following.try_recv(), Err(crossbeam_channel::TryRecvError::Disconnected))
    });
}

#[test]
fn passwords_and_database_numbers_are_used() {
    let Some(stage) = Stage::new(&["--requirepass", "secret"]) else { return };
    let port = stage.server.port();
    let store = stage.open_at(format!("redis://:secret@127.0.0.1:{port}/3"));
    store.write(&batch(&[(A, "1")], T)).unwrap();
    assert!(stage.server.ask(&["-a", "secret", "--no-auth-warning", "-n", "3", "GET", A]).ends_with('1'));
    drop(store);
    let store = stage.open();
    let denied = store.write(&batch(&[(A, "1")], T)).unwrap_err();
    assert!(
        std::error::Error::source(&denied).map_or(denied.to_string(), |e| e.to_string()).contains("NOAUTH")
    );
}

#[test]
fn an_address_that_is_none_is_refused() {
    let clock = Arc::new(SystemClock::new());
    let directory = tempfile::tempdir().unwrap();
    let copy = EmbeddedStore::open(directory.path(), Options::default(), clock.clone()).unwrap();
    let options = RedisOptions { url: "http://redis".to_owned(), ..RedisOptions::default() };
    assert!(matches!(RedisStore::open(options, copy, clock), Err(StoreError::Address { .. })));
}
