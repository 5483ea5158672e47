//! The guarantees of the result store.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use storage::store::{
    Change, EmbeddedStore, Entry, Notification, Options, ResultStore, StoreError, Upsert, WriteBatch,
};
use types::{Clock, Interval, ManualClock, Timestamp};

const LIMIT: Duration = Duration::from_secs(30);

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp(1_765_279_800_000)))
}

fn options() -> Options {
    Options { keep_free_bytes: 0, ..Options::default() }
}

fn open(directory: &Path, clock: &Arc<ManualClock>) -> EmbeddedStore {
    EmbeddedStore::open(directory, options(), clock.clone()).unwrap()
}

fn upsert(key: &str, value: &str, ttl_s: u64) -> Upsert {
    Upsert { key: key.into(), value: value.as_bytes().into(), ttl: Duration::from_secs(ttl_s) }
}

fn rows(upserts: Vec<Upsert>) -> WriteBatch {
    WriteBatch { upserts, ..WriteBatch::default() }
}

fn told(kind: &str, time: &str, count: u64) -> Notification {
    Notification {
        channel: "analytics:updates".into(),
        latest_key: "analytics:latest".into(),
        kind: kind.into(),
        time: time.into(),
        count,
    }
}

fn text(entry: &Entry) -> &str {
    std::str::from_utf8(&entry.value).unwrap()
}

fn get(store: &EmbeddedStore, key: &str) -> Option<String> {
    store.get(key).unwrap().map(|entry| text(&entry).to_owned())
}

fn scan(store: &EmbeddedStore, prefix: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    store
        .scan(prefix, &mut |entry| {
            found.push((entry.key.to_string(), text(&entry).to_owned()));
            true
        })
        .unwrap();
    found
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn rows_are_overwritten_and_found_after_opening_again() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let store = open(directory.path(), &clock);
    store.write(&rows(vec![upsert("a:1", "{}", 60), upsert("a:2", r#"{"n":1}"#, 60)])).unwrap();
    store.write(&rows(vec![upsert("a:1", r#"{"n":2}"#, 90)])).unwrap();
    store.flush().unwrap();
    drop(store);
    let store = open(directory.path(), &clock);
    assert_eq!(get(&store, "a:1").as_deref(), Some(r#"{"n":2}"#));
    assert_eq!(store.get("a:1").unwrap().unwrap().expires, clock.now() + Interval(90_000));
    assert_eq!(get(&store, "a:2").as_deref(), Some(r#"{"n":1}"#));
    assert_eq!(get(&store, "a:3"), None);
}

#[test]
fn a_scan_finds_the_keys_of_a_prefix_in_order_and_stops_when_told() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), &clock());
    let keys = ["b:2", "a:1", "b:1", "b", "c", "b:10"];
    store.write(&rows(keys.map(|key| upsert(key, key, 60)).into())).unwrap();
    assert_eq!(scan(&store, "b:"), pairs(&[("b:1", "b:1"), ("b:10", "b:10"), ("b:2", "b:2")]));
    assert_eq!(scan(&store, "").len(), 6);
    assert_eq!(scan(&store, "d"), []);
    let mut found = 0;
    store
        .scan("b", &mut |_| {
            found += 1;
            found < 2
        })
        .unwrap();
    assert_eq!(found, 2);
}

#[test]
fn the_latest_key_holds_the_plain_time_and_never_expires() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let store = open(directory.path(), &clock);
    let upserts = vec![upsert("analytics:faculty:x:t", "{}", 60)];
    store
        .write(&WriteBatch {
            upserts,
            notification: Some(told("faculty", "2025-12-09T11:30:00", 1)),
            ..WriteBatch::default()
        })
        .unwrap();
    assert_eq!(get(&store, "analytics:latest").as_deref(), Some("2025-12-09T11:30:00"));
    assert_eq!(scan(&store, "analytics:").len(), 2);
    clock.advance(Interval(1_000_000_000));
    store.sweep().unwrap();
    assert_eq!(scan(&store, "analytics:"), pairs(&[("analytics:latest", "2025-12-09T11:30:00")]));
}

#[test]
fn a_batch_that_is_told_may_have_no_latest_key() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), &clock());
    let notification = Notification { latest_key: "".into(), ..told("faculty", "2025-12-09T11:30:00", 1) };
    let upserts = vec![upsert("a", "{}", 60)];
    store.write(&WriteBatch { upserts, notification: Some(notification), ..WriteBatch::default() }).unwrap();
    assert_eq!(scan(&store, ""), pairs(&[("a", "{}")]));
}

#[test]
fn a_latest_key_without_a_channel_is_written_and_nobody_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), &clock());
    let following = store.follow().unwrap();
    let notification = Notification { channel: "".into(), ..told("faculty", "2025-12-09T11:30:00", 1) };
    let upserts = vec![upsert("a", "{}", 60)];
    store.write(&WriteBatch { upserts, notification: Some(notification), ..WriteBatch::default() }).unwrap();
    assert_eq!(get(&store, "analytics:latest").as_deref(), Some("2025-12-09T11:30:00"));
    let change = following.recv().unwrap();
    assert_eq!((change.entries.len(), &change.notification), (1, &None));
}

#[test]
fn a_deleted_row_is_gone_and_its_key_may_have_a_row_again() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let store = open(directory.path(), &clock);
    let following = store.follow().unwrap();
    store.write(&rows(vec![upsert("a", "1", 60), upsert("b", "1", 60)])).unwrap();
    let deletes = vec![Arc::from("a"), Arc::from("none")];
    let upserts = vec![upsert("b", "2", 60)];
    store.write(&WriteBatch { upserts, deletes, ..WriteBatch::default() }).unwrap();
    assert_eq!(scan(&store, ""), pairs(&[("b", "2")]));
    let changes: Vec<_> = following.try_iter().collect();
    assert_eq!((changes.len(), changes[1].entries.len()), (2, 1));
    assert_eq!(changes[1].deleted, [Arc::<str>::from("a"), "none".into()]);

    // A batch that only deletes sends no message about rows, and writes no latest key.
    let notification = Some(told("faculty", "2025-12-09T11:31:00", 0));
    store
        .write(&WriteBatch { deletes: vec![Arc::from("b")], notification, ..WriteBatch::default() })
        .unwrap();
    assert!(scan(&store, "").is_empty() && following.recv().unwrap().notification.is_none());

    // The expiry of the first row does not apply to the second.
    store.write(&rows(vec![upsert("a", "3", 10_000)])).unwrap();
    clock.advance(Interval(5_000_000));
    store.sweep().unwrap();
    assert_eq!(scan(&store, ""), pairs(&[("a", "3")]));
    drop(store);
    assert_eq!(get(&open(directory.path(), &clock), "a").as_deref(), Some("3"));
}

#[test]
fn an_expired_row_is_not_returned_though_nothing_has_removed_it() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let store = open(directory.path(), &clock);
    store.write(&rows(vec![upsert("a", "short", 10), upsert("b", "long", 20)])).unwrap();
    clock.advance(Interval(9_999));
    assert_eq!(scan(&store, "").len(), 2);
    clock.advance(Interval(1));
    assert_eq!(get(&store, "a"), None);
    assert_eq!(scan(&store, ""), pairs(&[("b", "long")]));
}

#[test]
fn sweeping_removes_what_has_expired_and_only_that() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let store = open(directory.path(), &clock);
    // More than one step of the sweeper.
    for hundred in 0..20 {
        let keys = (0..100).map(|n| upsert(&format!("short:{}", hundred * 100 + n), "x", 60));
        store.write(&rows(keys.collect())).unwrap();
    }
    store.write(&rows(vec![upsert("renewed", "old", 60), upsert("long", "x", 10_000)])).unwrap();
    clock.advance(Interval(50_000));
    store.write(&rows(vec![upsert("renewed", "new", 10_000)])).unwrap();
    assert_eq!(store.sweep().unwrap(), 0);
    clock.advance(Interval(1_200_000));
    assert_eq!(store.sweep().unwrap(), 2_000);
    assert_eq!(store.sweep().unwrap(), 0);
    assert_eq!(scan(&store, ""), pairs(&[("long", "x"), ("renewed", "new")]));
    clock.advance(Interval(20_000_000));
    assert_eq!(store.sweep().unwrap(), 2);
}

#[test]
fn the_sweeper_runs_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let often = Options { sweep_interval: Duration::from_millis(1), ..options() };
    let store = EmbeddedStore::open(directory.path(), often, clock.clone()).unwrap();
    store.write(&rows(vec![upsert("a", "x", 60)])).unwrap();
    clock.advance(Interval(1_200_000));
    // A clock that is set back shows whether the row is still stored.
    let mut tries = 0;
    loop {
        clock.advance(Interval(-1_200_000));
        let there = get(&store, "a").is_some();
        clock.advance(Interval(1_200_000));
        if !there {
            break;
        }
        std::thread::yield_now();
        tries += 1;
        assert!(tries < 10_000_000, "the sweeper should have run");
    }
}

#[test]
fn a_follower_sees_each_batch_once_with_its_rows_and_notification_in_order() {
    const WRITES: usize = 200;
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let small = Options { follower_changes: 3, ..options() };
    let store = EmbeddedStore::open(directory.path(), small, clock.clone()).unwrap();
    store.write(&rows(vec![upsert("before", "x", 60)])).unwrap();
    let following = [store.follow().unwrap(), store.follow().unwrap()];
    drop(store.follow().unwrap());

    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..WRITES {
                let upserts = vec![upsert(&format!("k{}", number % 7), &format!("{number}"), 60)];
                let notification = (number % 2 == 0).then(|| told("faculty", &format!("{number}"), 1));
                store.write(&WriteBatch { upserts, notification, ..WriteBatch::default() }).unwrap();
            }
        });
        for following in &following {
            scope.spawn(move || {
                for number in 0..WRITES {
                    let change: Arc<Change> = following.recv_timeout(LIMIT).unwrap();
                    assert_eq!(text(&change.entries[0]), format!("{number}"));
                    assert_eq!(change.entries[0].expires, Timestamp(1_765_279_860_000));
                    let notification = (number % 2 == 0).then(|| told("faculty", &format!("{number}"), 1));
                    assert_eq!(change.notification, notification);
                }
            });
        }
    });
    assert!(following.iter().all(|following| following.is_empty()));
    store.close();
    assert!(following.iter().all(|following| following.recv().is_err()));
}

#[test]
fn what_a_follower_is_told_can_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), &clock());
    let following = store.follow().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..100 {
                store.write(&rows(vec![upsert(&format!("{number}"), "x", 60)])).unwrap();
            }
        });
        for number in 0..100 {
            following.recv_timeout(LIMIT).unwrap();
            assert!(get(&store, &format!("{number}")).is_some());
        }
    });
}

#[test]
fn followers_of_many_writers_end_where_the_store_does() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), &clock());
    let following = store.follow().unwrap();
    // Fewer changes than its queue holds: a writer waits for a follower.
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..60 {
                    let value = format!("{writer} {number}");
                    store.write(&rows(vec![upsert(&format!("k{}", number % 5), &value, 60)])).unwrap();
                }
            });
        }
    });
    let mut followed = BTreeMap::new();
    for change in following.try_iter() {
        for entry in &change.entries {
            followed.insert(entry.key.to_string(), text(entry).to_owned());
        }
    }
    assert_eq!(followed.into_iter().collect::<Vec<_>>(), scan(&store, ""));
}

#[test]
fn what_cannot_be_done_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let store = open(directory.path(), &clock);
    for key in ["", &"k".repeat(65_528)] {
        let refused = store.write(&rows(vec![upsert("good", "x", 60), upsert(key, "x", 60)]));
        assert!(matches!(refused, Err(StoreError::InvalidKey { .. })));
    }
    assert_eq!(get(&store, "good"), None);
    let longest = "k".repeat(65_527);
    store.write(&rows(vec![upsert(&longest, "x", 60)])).unwrap();
    assert!(get(&store, &longest).is_some());
    let second = EmbeddedStore::open(directory.path(), options(), clock.clone());
    assert!(matches!(second.err(), Some(StoreError::Locked { .. })));
    store.ping().unwrap();
    assert_eq!(store.address(), ("embedded".to_owned(), "0".to_owned()));
    store.close();
    assert!(matches!(store.write(&rows(vec![upsert("a", "x", 60)])), Err(StoreError::Closed)));
    assert!(matches!(store.get("a"), Err(StoreError::Closed)));
    assert!(matches!(store.ping(), Err(StoreError::Closed)));
    let full = Options { keep_free_bytes: u64::MAX, ..options() };
    let store = EmbeddedStore::open(directory.path(), full, clock).unwrap();
    assert!(matches!(store.write(&rows(vec![upsert("a", "x", 60)])), Err(StoreError::DiskFull(_))));
    assert!(matches!(store.ping(), Err(StoreError::DiskFull(_))));
    assert_eq!(get(&store, "a"), None);
}

#[derive(Debug, Clone)]
enum Step {
    Write(Vec<(u8, u8, u64)>),
    Pass(i64),
    Sweep,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec((0u8..12, any::<u8>(), 1u64..3_000), 0..6).prop_map(Step::Write),
        3 => (0i64..1_500).prop_map(Step::Pass),
        2 => Just(Step::Sweep),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_store_is_a_map_whose_rows_expire(steps in prop::collection::vec(step(), 1..30)) {
        let directory = tempfile::tempdir().unwrap();
        let clock = clock();
        let mut store = open(directory.path(), &clock);
        let mut model: BTreeMap<String, (Timestamp, String)> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Write(written) => {
                    let upserts = written.iter().map(|(key, value, ttl_s)| {
                        let (key, value) = (format!("key:{key}"), format!("{value}"));
                        let row = upsert(&key, &value, *ttl_s);
                        model.insert(key, (clock.now() + Interval(*ttl_s as i64 * 1_000), value));
                        row
                    });
                    store.write(&rows(upserts.collect())).unwrap();
                }
                Step::Pass(seconds) => clock.advance(Interval(seconds * 1_000)),
                Step::Sweep => {
                    store.sweep().unwrap();
                }
                Step::Reopen => {
                    drop(store);
                    store = open(directory.path(), &clock);
                }
            }
            model.retain(|_, (expires, _)| *expires > clock.now());
            let expected: Vec<_> = model.iter().map(|(key, (_, value))| (key.clone(), value.clone())).collect();
            prop_assert_eq!(scan(&store, "key:"), expected);
            for key in (0..12).map(|n| format!("key:{n}")) {
                prop_assert_eq!(get(&store, &key), model.get(&key).map(|(_, value)| value.clone()));
            }
        }
    }
}
