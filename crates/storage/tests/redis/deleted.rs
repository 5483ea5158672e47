//! Deleted rows stay deleted for every reader, whatever state a server returns in.

use storage::store::{EmbeddedStore, Options, ResultStore as _, WriteBatch};
use types::{Clock as _, SystemClock};

use super::*;

const B: &str = "analytics:faculty:x:2025-12-09T11:30:00";

/// Returns a batch that deletes some rows and writes others.
fn without(keys: &[&str], rows: &[(&str, &str)]) -> WriteBatch {
    WriteBatch { deletes: keys.iter().map(|key| Arc::from(*key)).collect(), ..batch(rows, T) }
}

#[test]
fn a_deleted_row_is_gone_and_a_message_names_its_key() {
    let Some(stage) = Stage::new(&[]) else { return };
    let mut connection = redis_client(&stage).get_connection().unwrap();
    let mut listening = connection.as_pubsub();
    listening.subscribe("analytics:updates").unwrap();
    let store = stage.open();
    store.write(&batch(&[(A, "1"), (B, "1")], T)).unwrap();
    let following = store.follow().unwrap();

    store.write(&without(&[A, "analytics:none"], &[(B, "2")])).unwrap();
    let there = [A, B].map(|key| stage.server.ask(&["EXISTS", key]));
    assert_eq!(there, ["0", "1"]);
    let change = next(&following);
    assert_eq!(change.deleted, [Arc::<str>::from(A), "analytics:none".into()]);
    assert_eq!((change.entries.len(), change.notification.as_ref().map(|told| told.count)), (1, Some(1)));
    assert!(store.get(A).unwrap().is_none());

    // The batch writes nothing: no message about rows, and the newest time stays.
    store.write(&WriteBatch { upserts: Vec::new(), ..without(&[B], &[]) }).unwrap();
    let change = next(&following);
    assert_eq!((change.deleted.len(), &change.notification), (1, &None));

    let messages: Vec<String> =
        (0..4).map(|_| listening.get_message().unwrap().get_payload().unwrap()).collect();
    let deleted = |keys: &[&str]| {
        let keys: Vec<String> = keys.iter().map(|key| format!("\"{key}\"")).collect();
        let head = format!(r#"{{"type": "faculty", "timestamp": "{T}""#);
        format!(r#"{head}, "count": 0, "deleted": [{}]}}"#, keys.join(", "))
    };
    let written = |count: u64| format!(r#"{{"type": "faculty", "timestamp": "{T}", "count": {count}}}"#);
    assert_eq!(messages, [written(2), written(1), deleted(&[A, "analytics:none"]), deleted(&[B])]);
}

#[test]
fn a_server_that_comes_back_older_than_it_was_loses_the_row_again() {
    let kept = tempfile::tempdir().unwrap();
    let Some(mut stage) = Stage::new(&["--dir", kept.path().to_str().unwrap()]) else { return };
    let store = stage.open();
    store.write(&batch(&[(A, "1"), (B, "1")], T)).unwrap();
    stage.server.ask(&["SAVE"]);

    // One row is deleted before the outage, the other during it.
    store.write(&without(&[A], &[])).unwrap();
    stage.server.down();
    assert!(store.write(&without(&[B], &[("analytics:c", "2")])).is_err());
    stage.server.up();
    wait_until("the newer row is there", || stage.server.ask(&["GET", "analytics:c"]) == "2");
    wait_until("the deleted ones are gone", || {
        [A, B].iter().all(|key| stage.server.ask(&["EXISTS", key]) == "0")
    });
    insist(&store, &without(&[B], &[("analytics:c", "2")]));

    // A row that is written again is an ordinary row.
    store.write(&batch(&[(A, "3")], T)).unwrap();
    stage.server.down();
    stage.server.up();
    wait_until("the row is there", || stage.server.ask(&["GET", A]) == "3");
    assert_eq!(stage.server.ask(&["EXISTS", B]), "0");
}

#[test]
fn a_server_that_comes_back_empty_is_not_given_what_was_deleted() {
    let Some(mut stage) = Stage::new(&[]) else { return };
    let store = stage.open();
    store.write(&batch(&[(A, "1"), (B, "1")], T)).unwrap();
    store.write(&without(&[A], &[])).unwrap();
    stage.server.down();

    // A store that starts meanwhile reads the copy, where the row is gone too.
    drop(store);
    let store = stage.open();
    let rows: Vec<String> = scanned(&store).into_iter().map(|(key, _)| key).collect();
    assert_eq!(rows, [B, "analytics:latest"]);

    // Rows that others wrote since stay.
    stage.server.up();
    stage.server.ask(&["SET", A, "theirs"]);
    wait_until("the rows are back", || stage.server.ask(&["GET", B]) == "1");
    wait_until("all are", || stage.server.ask(&["SISMEMBER", "weir:stores", "filling"]) == "0");
    assert_eq!(stage.server.ask(&["GET", A]), "theirs");
}

#[test]
fn another_weir_hears_which_rows_are_gone() {
    let Some(stage) = Stage::new(&[]) else { return };
    let (one, other) = (stage.open(), stage.open_copy("other", stage.server.url()));
    let following = other.follow().unwrap();
    one.write(&batch(&[(A, "1"), (B, "1")], T)).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 2 {
        seen.extend(
            next(&following)
                .entries
                .iter()
                .map(|entry| entry.key.clone())
                .filter(|key| **key != *"analytics:latest"),
        );
    }

    one.write(&without(&[A], &[(B, "2")])).unwrap();
    let mut deleted = Vec::new();
    while deleted.is_empty() {
        deleted.extend(next(&following).deleted.iter().cloned());
    }
    assert_eq!(deleted, [Arc::<str>::from(A)]);
}

#[test]
fn what_the_copy_holds_of_deleted_rows_goes_in_time() {
    let Some(stage) = Stage::new(&[]) else { return };
    let clock = Arc::new(types::ManualClock::at(SystemClock::new().now()));
    let options = Options { keep_free_bytes: 0, ..Options::default() };
    let directory = stage.copies.0.path().join("copy");
    let copy = EmbeddedStore::open(&directory, options.clone(), clock.clone()).unwrap();
    let of_redis = RedisOptions {
        url: stage.server.url(),
        copy_for: Duration::from_secs(60),
        ..RedisOptions::default()
    };
    let store = RedisStore::open(of_redis, copy, clock.clone()).unwrap();
    store.write(&batch(&[(A, "1")], T)).unwrap();
    store.write(&without(&[A], &[])).unwrap();
    drop(store);

    let keys = || {
        let copy = EmbeddedStore::open(&directory, options.clone(), clock.clone()).unwrap();
        let mut keys = Vec::new();
        copy.scan("analytics:", &mut |entry| {
            keys.push(entry.key.to_string());
            true
        })
        .unwrap();
        keys
    };
    assert!(keys().contains(&A.to_owned()));
    clock.advance(types::Interval(61_000));
    assert!(!keys().contains(&A.to_owned()));
}
