//! A reachable Redis that refuses writes, is slow, or drops rows.

use std::sync::Arc;
use std::time::Duration;

use storage::store::{
    EmbeddedStore, Options, RedisOptions, RedisStore, ResultStore as _, StoreError, Upsert,
};
use types::{Interval, ManualClock, Timestamp};

use crate::servers::wait_until;
use crate::{A, Stage, T, batch, insist, next, row, scanned};

/// Checks that a refusal is reported while it lasts, and ends though nobody writes. Writes two rows, of which
/// the second is refused at first.
fn refused(stage: &Stage, spoil: &[&str], mend: &[&str], why: &str) {
    let store = stage.open();
    store.write(&batch(&[(A, "1")], T)).expect("it is written");
    stage.server.ask(spoil);
    let denied = store.write(&batch(&[(A, "2"), ("analytics:b", "3")], T));
    let Err(StoreError::Refused { answer, .. }) = &denied else { panic!("{denied:?}") };
    assert!(answer.starts_with(why), "{answer}");
    assert_eq!(answer.matches(why).count(), 1, "told once, not for each row: {answer}");
    let seen = looks(stage);
    wait_until("it was looked after again", || looks(stage) >= seen + 3);
    assert!(matches!(store.ping(), Err(StoreError::Refused { .. })), "it answers, if only to refuse");
    let read = store.get(A).expect("it answers").expect("the row is there");
    assert_eq!(&*read.value, b"1", "what is there is still read");
    stage.server.ask(mend);
    wait_until("it is known to take rows again", || store.ping().is_ok());
    insist(&store, &batch(&[(A, "2"), ("analytics:b", "3")], T));
    assert_eq!([A, "analytics:b"].map(|key| stage.server.ask(&["GET", key])), ["2", "3"]);
}

/// Returns how often the store checked the server.
fn looks(stage: &Stage) -> u64 {
    let stats = stage.server.ask(&["INFO", "commandstats"]);
    let calls = stats.lines().find_map(|line| line.strip_prefix("cmdstat_sismember:calls="));
    calls.and_then(|calls| calls.split(',').next()?.parse().ok()).unwrap_or_default()
}

#[test]
fn a_server_out_of_memory_is_asked_again_until_there_is_room() {
    let Some(stage) = Stage::new(&["--maxmemory-policy", "noeviction"]) else { return };
    refused(&stage, &["CONFIG", "SET", "maxmemory", "1"], &["CONFIG", "SET", "maxmemory", "0"], "OOM");
}

#[test]
fn a_server_that_became_a_replica_is_asked_again_until_it_is_none() {
    let Some(stage) = Stage::new(&[]) else { return };
    refused(&stage, &["REPLICAOF", "127.0.0.1", "1"], &["REPLICAOF", "NO", "ONE"], "READONLY");
}

#[test]
fn a_server_that_misses_its_replicas_is_asked_again_until_it_does_not() {
    let Some(stage) = Stage::new(&[]) else { return };
    let set = |replicas| ["CONFIG", "SET", "min-replicas-to-write", replicas];
    refused(&stage, &set("1"), &set("0"), "NOREPLICAS");
}

#[test]
fn a_server_that_evicts_is_said_to() {
    let Some(stage) = Stage::new(&["--maxmemory-policy", "allkeys-lru"]) else { return };
    let store = stage.open();
    store.write(&batch(&[(A, "1")], T)).unwrap();
    let evicted = || {
        let stats = stage.server.ask(&["INFO", "stats"]);
        let line = stats.lines().find_map(|line| line.strip_prefix("evicted_keys:")).unwrap().to_owned();
        line.trim().parse::<u64>().unwrap()
    };

    // Wait for a check before anything is evicted: evictions of an earlier life do not count.
    wait_until("it is looked at", || stage.server.ask(&["INFO", "commandstats"]).contains("cmdstat_info"));
    assert_eq!((store.remark(), evicted()), (None, 0));

    let large = "x".repeat(100_000);
    let rows: Vec<String> = (0..100).map(|number| format!("analytics:large:{number}")).collect();
    let rows: Vec<(&str, &str)> = rows.iter().map(|key| (key.as_str(), large.as_str())).collect();
    stage.server.ask(&["CONFIG", "SET", "maxmemory", "5mb"]);
    for rows in rows.chunks(10) {
        store.write(&batch(rows, T)).unwrap();
    }

    assert!(evicted() > 0);
    wait_until("it is said", || store.remark().is_some_and(|remark| remark.contains("evicts")));
    assert!(store.ping().is_ok(), "it takes rows");
}

#[test]
fn a_server_that_holds_back_writes_is_away_and_loses_none() {
    let Some(stage) = Stage::new(&[]) else { return };
    let store = stage.open();
    store.write(&batch(&[(A, "1")], T)).unwrap();
    // The server answers commands that only read.
    stage.server.ask(&["CLIENT", "PAUSE", "9000", "WRITE"]);
    let held = store.write(&batch(&[(A, "2")], T));
    assert!(matches!(held, Err(StoreError::Unreachable { .. })), "{held:?}");
    assert!(matches!(store.ping(), Err(StoreError::Unreachable { .. })), "{:?}", store.ping());
    insist(&store, &batch(&[(A, "2")], T));
    insist(&store, &batch(&[(A, "3")], T));
    assert_eq!(stage.server.ask(&["GET", A]), "3");
}

#[test]
fn a_server_that_takes_seconds_is_said_to_be_slow_while_it_is() {
    let Some(stage) = Stage::new(&[]) else { return };
    let store = stage.open();
    store.write(&batch(&[(A, "1")], T)).unwrap();
    stage.server.ask(&["CLIENT", "PAUSE", "4000", "ALL"]);
    store.write(&batch(&[(A, "2")], T)).unwrap();
    wait_until("it is said", || store.remark().is_some_and(|remark| remark.contains("seconds")));
    wait_until("it is fast again", || store.remark().is_none());
    assert_eq!(stage.server.ask(&["GET", A]), "2");
}

#[test]
fn what_a_connection_left_on_its_way_does_not_arrive_after_what_its_successor_wrote() {
    let Some(stage) = Stage::new(&[]) else { return };
    let road = crate::road::Road::to(stage.server.port());
    let store = stage.open_at(format!("redis://127.0.0.1:{}", road.port()));
    store.write(&batch(&[(A, "1")], T)).unwrap();
    // Nobody fills the server while it is cut off: the writer would wait for that.
    let seen = looks(&stage);
    wait_until("it is looked after", || looks(&stage) >= seen + 3);
    road.hold();
    let held = store.write(&batch(&[(A, "2")], T));
    assert!(matches!(held, Err(StoreError::Unreachable { .. })), "{held:?}");
    road.let_newcomers_pass();
    insist(&store, &batch(&[(A, "2")], T));
    insist(&store, &batch(&[(A, "3")], T));
    road.deliver();
    assert_eq!(stage.server.ask(&["GET", A]), "3");
}

#[test]
fn whoever_follows_a_server_that_came_back_empty_finds_everything_at_once() {
    let Some(mut stage) = Stage::new(&[]) else { return };
    let store = stage.open();
    let rows: Vec<String> = (0..3_000).map(|number| format!("analytics:year:{number}:{T}")).collect();
    let rows: Vec<(&str, &str)> = rows.iter().map(|key| (key.as_str(), "1")).collect();
    store.write(&batch(&rows, T)).unwrap();

    for _ in 0..5 {
        let lost = store.follow().unwrap();
        stage.server.down();
        wait_until("the followers are sent away", || {
            matches!(lost.try_recv(), Err(crossbeam_channel::TryRecvError::Disconnected))
        });
        stage.server.up();
        let mut following = None;
        wait_until("it is followed again", || {
            following = store.follow().ok();
            following.is_some()
        });
        assert_eq!(scanned(&store).len(), rows.len() + 1);
    }

    // Emptied while it runs: its followers have to load all rows again.
    let following = store.follow().unwrap();
    stage.server.ask(&["FLUSHALL"]);
    wait_until("the followers are sent away", || {
        matches!(following.try_recv(), Err(crossbeam_channel::TryRecvError::Disconnected))
    });
    assert_eq!(scanned(&store).len(), rows.len() + 1);
}

#[test]
fn a_server_that_comes_back_older_than_it_was_gets_what_came_since() {
    let kept = tempfile::tempdir().unwrap();
    let Some(mut stage) = Stage::new(&["--dir", kept.path().to_str().unwrap()]) else { return };
    let store = stage.open();
    let older = "2025-12-09T11:00:00";
    store.write(&batch(&[(A, "1"), ("analytics:b", "1")], older)).unwrap();
    stage.server.ask(&["SETEX", "analytics:other", "100", "1"]);
    stage.server.ask(&["SAVE"]);
    store.write(&batch(&[(A, "2"), ("analytics:c", "2")], T)).unwrap();

    stage.server.down();
    stage.server.up();

    // The server returns with saved data, older than the store's writes; then it is restored while nobody
    // writes.
    wait_until("the rows are back", || stage.server.ask(&["GET", "analytics:c"]) == "2");
    let expected = [
        ("analytics:b", "1"),
        ("analytics:c", "2"),
        (A, "2"),
        ("analytics:latest", T),
        ("analytics:other", "1"),
    ];
    wait_until("all rows are", || {
        store.scan("analytics:", &mut |_| true).is_ok()
            && scanned(&store) == expected.map(|(key, value)| (key.to_owned(), value.to_owned()))
    });
    wait_until("it knows that it has them in this life, and of no other", || {
        stage.server.ask(&["SCARD", "weir:stores"]) == "1"
    });

    // It is restored once: later writes of others stay.
    stage.server.ask(&["SETEX", A, "100", "3"]);
    let before = looks(&stage);
    wait_until("it is looked after", || looks(&stage) >= before + 2);
    assert_eq!(stage.server.ask(&["GET", A]), "3");
}

#[test]
fn whoever_starts_while_the_server_is_away_reads_the_copy_until_it_is_there() {
    let Some(mut stage) = Stage::new(&[]) else { return };
    stage.open().write(&batch(&[(A, "1")], T)).unwrap();
    stage.server.down();

    let store = stage.open();
    let following = store.follow().unwrap();
    let expected = [(A, "1"), ("analytics:latest", T)].map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(scanned(&store), expected);

    stage.server.up();
    stage.server.ask(&["SETEX", "analytics:b", "100", "2"]);
    wait_until("they are told to look again", || {
        matches!(following.try_recv(), Err(crossbeam_channel::TryRecvError::Disconnected))
    });
    assert_eq!(scanned(&store).len(), 3, "what others put there, too");

    // Once the server was reachable, its rows are known, and the copy holds fewer.
    let following = store.follow().unwrap();
    stage.server.down();
    wait_until("they are told that it is away", || {
        matches!(following.try_recv(), Err(crossbeam_channel::TryRecvError::Disconnected))
    });
    assert!(store.follow().is_err());
    assert!(store.scan("analytics:", &mut |_| true).is_err());
}

#[test]
fn what_has_expired_is_not_given_back_and_the_rest_lives_no_longer_than_it_had() {
    let Some(stage) = Stage::new(&[]) else { return };
    let clock = Arc::new(ManualClock::at(Timestamp(1_765_281_600_000)));
    let options = Options { keep_free_bytes: 0, ..Options::default() };
    let copy = EmbeddedStore::open(&stage.copies.0.path().join("copy"), options, clock.clone()).unwrap();
    let options = RedisOptions { url: stage.server.url(), ..RedisOptions::default() };
    let store = RedisStore::open(options, copy, clock.clone()).unwrap();
    let short = Upsert { ttl: Duration::from_secs(20), ..row("analytics:short", "1") };
    let mut written = batch(&[(A, "1")], T);
    written.upserts.push(short);
    store.write(&written).unwrap();
    clock.advance(Interval(30_000));
    stage.server.ask(&["FLUSHALL"]);
    wait_until("the rows are back", || stage.server.ask(&["GET", A]) == "1");
    wait_until("all are", || stage.server.ask(&["EXISTS", "weir:stores"]) == "1");
    assert_eq!(stage.server.ask(&["EXISTS", "analytics:short"]), "0");
    let life: u64 = stage.server.ask(&["TTL", A]).parse().unwrap();
    assert!((3_500..=3_570).contains(&life), "{life}");
}

#[test]
fn several_over_one_server_see_the_newest_of_each_other() {
    let Some(stage) = Stage::new(&[]) else { return };
    let (one, other) = (stage.open(), stage.open_copy("other", stage.server.url()));
    let following = other.follow().unwrap();

    // The same row repeatedly under the same message, as early results are.
    for value in ["1", "2", "3"] {
        one.write(&batch(&[(A, value)], T)).unwrap();
        let mut newest = None;
        while newest.as_deref() != Some(value) {
            let change = next(&following);
            let last = change.entries.iter().rfind(|entry| &*entry.key == A);
            let last = last.map(|entry| String::from_utf8_lossy(&entry.value).into_owned());
            newest = last.or(newest);
        }
    }

    // Both run the same job: the messages of one are those of the other, too.
    other.write(&batch(&[(A, "4")], T)).unwrap();
    one.write(&batch(&[(A, "5")], T)).unwrap();
    let mut newest = Arc::from(&b""[..]);
    while &*newest != b"5" {
        let change = next(&following);
        newest = change.entries.iter().rfind(|of| &*of.key == A).map_or(newest, |entry| entry.value.clone());
    }

    // Rows that one restored are not overwritten by older rows of the other.
    stage.server.ask(&["FLUSHALL"]);
    insist(&one, &batch(&[(A, "6")], T));
    wait_until("both have given back", || stage.server.ask(&["SCARD", "weir:stores"]) == "2");
    assert_eq!(stage.server.ask(&["GET", A]), "6");
}

#[test]
fn a_writer_waits_for_a_follower_that_lags_and_loses_nothing_of_what_it_is_told() {
    let Some(stage) = Stage::new(&[]) else { return };
    let store = Arc::new(stage.open());
    let following = store.follow().unwrap();
    let more = 1_100;

    let writing = {
        let store = store.clone();
        std::thread::spawn(move || {
            for number in 0..more {
                store.write(&batch(&[(A, &number.to_string())], T)).unwrap();
            }
        })
    };

    wait_until("the queue is full", || following.is_full());
    assert!(!writing.is_finished(), "the writer waits");

    let values = (0..more).map(|_| {
        let change = next(&following);
        String::from_utf8_lossy(&change.entries[0].value).parse::<u32>().unwrap()
    });
    assert_eq!(values.collect::<Vec<u32>>(), (0..more).collect::<Vec<u32>>());
    writing.join().unwrap();
}
