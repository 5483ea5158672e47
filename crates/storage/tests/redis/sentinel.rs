//! A master that sentinels watch, and the replica that takes over.

use std::sync::Arc;

use storage::store::ResultStore as _;

use crate::servers::redis_cluster::Watched;
use crate::servers::wait_until;
use crate::{A, Copies, T, batch, insist, next, scanned};

#[test]
fn the_replica_that_takes_over_gets_everything() {
    let Some(mut watched) = Watched::start() else { return };
    let copies = Copies::new();
    let store = Arc::new(copies.open("copy", watched.url()));
    insist(&store, &batch(&[(A, "0"), ("analytics:b", "0")], T));
    assert_eq!(watched.master.ask(&["GET", A]), "0");
    let following = store.follow().unwrap();

    // Writes go on all the time; none is lost or overtaken.
    let last = 2_000;
    let writing = {
        let store = store.clone();
        std::thread::spawn(move || {
            for value in 1..=last {
                insist(&store, &batch(&[(A, &value.to_string())], T));
            }
        })
    };
    let mut seen = 0;
    while seen < 100 {
        seen = String::from_utf8_lossy(&next(&following).entries[0].value).parse().expect("a number");
    }
    drop(following);
    watched.master.down();
    watched.wait_for_the_replica();
    writing.join().unwrap();
    assert_eq!(watched.replica.ask(&["GET", A]), last.to_string());
    assert_eq!(scanned(&store).len(), 3);
    wait_until("all is well", || store.ping().is_ok());

    let following = store.follow().unwrap();
    let theirs = "analytics:year:3:2025-12-09T11:29:59.123456";
    watched.replica.ask(&["SETEX", theirs, "100", "theirs"]);
    let message = format!(r#"{{"type": "year", "timestamp": "{T}", "count": 1}}"#);
    watched.replica.ask(&["PUBLISH", "analytics:updates", &message]);
    while !next(&following).entries.iter().any(|entry| &*entry.key == theirs) {}
}

#[test]
fn a_master_that_is_replaced_while_it_runs_is_left() {
    let Some(watched) = Watched::start() else { return };
    let copies = Copies::new();
    let store = copies.open("copy", watched.url());
    insist(&store, &batch(&[(A, "1")], T));
    // A sentinel that has just started waits before it starts a failover.
    wait_until("the sentinel replaces it", || {
        let sentinel = watched.sentinel_port;
        crate::servers::redis::ask(
            sentinel,
            &["SENTINEL", "FAILOVER", crate::servers::redis_cluster::SERVICE],
        ) == "OK"
    });
    watched.wait_for_the_replica();
    insist(&store, &batch(&[(A, "2")], T));
    wait_until("the row is there", || watched.replica.ask(&["GET", A]) == "2");
    wait_until("the old master follows", || watched.master.ask(&["ROLE"]).starts_with("slave"));
    wait_until("it has the row too", || watched.master.ask(&["GET", A]) == "2");
}

#[test]
fn while_no_sentinel_answers_the_master_is_the_one_that_was_named_last() {
    let Some(mut watched) = Watched::start() else { return };
    let copies = Copies::new();
    let store = copies.open("copy", watched.url());
    insist(&store, &batch(&[(A, "1")], T));
    watched.end_sentinel();
    wait_until("it is remarked", || store.remark().is_some_and(|remark| remark.contains("no sentinel")));
    watched.master.ask(&["CLIENT", "KILL", "TYPE", "normal"]);
    insist(&store, &batch(&[(A, "2")], T));
    assert_eq!(watched.master.ask(&["GET", A]), "2");
    wait_until("it takes rows", || store.ping().is_ok());
    drop(store);
    let store = copies.open("other", watched.url());
    assert!(store.write(&batch(&[(A, "3")], T)).is_err(), "whoever has not been told knows no master");
}

#[test]
fn a_service_that_the_sentinels_do_not_know_is_named() {
    let Some(watched) = Watched::start() else { return };
    let copies = Copies::new();
    let url = watched.url().replace("mymaster", "nobody");
    let store = copies.open("copy", url);
    let denied = store.write(&batch(&[(A, "1")], T)).unwrap_err();
    let why = std::error::Error::source(&denied).unwrap().to_string();
    assert!(why.contains("does not know the service `nobody`"), "{why}");
}
