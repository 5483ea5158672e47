//! Rows that others write outside of the store's own prefix, which followers have asked for.

use storage::store::{Following, Interest, ResultStore as _};

use crate::rights::make_user;
use crate::servers::wait_until;
use crate::{A, Stage, T, batch, next, row};

fn interest(prefix: &str, channel: &str) -> Interest {
    Interest { prefix: prefix.to_owned(), channel: channel.to_owned() }
}

/// Waits for a change that has the key, and returns its value.
fn value_of(following: &Following, key: &str) -> String {
    loop {
        let change = next(following);
        if let Some(entry) = change.entries.iter().find(|entry| &*entry.key == key) {
            return String::from_utf8_lossy(&entry.value).into_owned();
        }
    }
}

#[test]
fn rows_of_others_are_found_with_a_message_on_their_channel_and_without_one() {
    let Some(stage) = Stage::new(&[]) else { return };
    stage.server.ask(&["SET", "sales:before", "0"]);
    let store = stage.open();
    store.watch(vec![interest("sales:", "sales:updates"), interest("stock:", ""), interest("sales:x:", "")]);
    let following = store.follow().unwrap();

    let mut all = Vec::new();
    let prefixes = ["sales:".to_owned(), "stock:".to_owned()];
    store
        .scan_any(&prefixes, &mut |entries| {
            all.extend(entries.iter().map(|entry| entry.key.to_string()));
            true
        })
        .unwrap();
    assert_eq!(all, ["sales:before"]);

    stage.server.ask(&["SETEX", "sales:1", "60", "1"]);
    stage.server.ask(&["SETEX", "other:1", "60", "1"]);
    wait_until("the channel is subscribed to", || {
        stage.server.ask(&["PUBSUB", "NUMSUB", "sales:updates"]).ends_with('1')
    });
    stage.server.ask(&["PUBLISH", "sales:updates", r#"{"type": "sales", "timestamp": "1", "count": 1}"#]);
    assert_eq!(value_of(&following, "sales:1"), "1");
    // An announced time finds a changed row again.
    stage.server.ask(&["SETEX", "sales:1", "60", "2"]);
    stage.server.ask(&["PUBLISH", "sales:updates", r#"{"type": "sales", "timestamp": "1", "count": 1}"#]);
    assert_eq!(value_of(&following, "sales:1"), "2");
    // Without a message, a new row is found after some seconds.
    stage.server.ask(&["SETEX", "stock:1", "60", "3"]);
    assert_eq!(value_of(&following, "stock:1"), "3");

    // Messages of this process on the channel are not taken for those of others.
    let mut own = batch(&[("sales:2", "4")], "2");
    own.notification.as_mut().unwrap().channel = "sales:updates".into();
    store.write(&own).unwrap();
    assert_eq!(value_of(&following, "sales:2"), "4");
    let change = next_or_none(&following);
    assert!(change.is_none(), "{change:?}");
}

fn next_or_none(following: &Following) -> Option<std::sync::Arc<storage::store::Change>> {
    following.recv_timeout(std::time::Duration::from_secs(2)).ok()
}

#[test]
fn a_user_who_may_not_read_or_hear_other_rows_still_gets_those_of_the_store() {
    let Some(stage) = Stage::new(&[]) else { return };
    make_user(&stage.server, &[]);
    stage.server.ask(&["SET", "sales:before", "0"]);
    let store = stage.open_at(format!("redis://weir:secret@127.0.0.1:{}", stage.server.port()));
    store.watch(vec![interest("sales:", "sales:updates"), interest("", "")]);
    let following = store.follow().unwrap();
    store.write(&batch(&[(A, "1")], T)).unwrap();
    assert_eq!(value_of(&following, A), "1");

    let mut all = Vec::new();
    store
        .scan_any(&[String::new()], &mut |entries| {
            all.extend(entries.iter().map(|entry| entry.key.to_string()));
            true
        })
        .unwrap();
    assert!(all.contains(&A.to_owned()) && !all.iter().any(|key| key == "sales:before"), "{all:?}");

    // Rows of others are looked for now and then, and messages are still received.
    stage.server.ask(&["SETEX", "sales:1", "60", "1"]);
    for value in ["2", "3"] {
        stage.server.ask(&["SETEX", A, "60", value]);
        let told = format!(r#"{{"type": "faculty", "timestamp": "{T}", "count": 1}}"#);
        stage.server.ask(&["PUBLISH", "analytics:updates", &told]);
        assert_eq!(value_of(&following, A), value);
        let _ = following.recv_timeout(std::time::Duration::from_secs(6));
    }
    assert!(store.write(&store_batch()).is_err(), "it may not write there");
}

#[test]
fn rows_that_may_not_be_read_hide_no_others_and_are_not_taken_for_deleted() {
    let Some(stage) = Stage::new(&[]) else { return };
    make_user(&stage.server, &["~sales:open:*", "&sales:updates"]);
    for key in ["sales:open:1", "sales:secret:1", "sales:open:2"] {
        stage.server.ask(&["SET", key, "0"]);
    }
    stage.server.ask(&["RPUSH", "sales:open:list", "no row"]);
    let store = stage.open_at(format!("redis://weir:secret@127.0.0.1:{}", stage.server.port()));
    store.watch(vec![interest("sales:", "sales:updates")]);
    let following = store.follow().unwrap();

    let mut all = Vec::new();
    store
        .scan("sales:", &mut |entry| {
            all.push(entry.key.to_string());
            true
        })
        .unwrap();
    all.sort_unstable();
    assert_eq!(all, ["sales:open:1", "sales:open:2"]);

    wait_until("the channel is subscribed to", || {
        stage.server.ask(&["PUBSUB", "NUMSUB", "sales:updates"]).ends_with('1')
    });
    stage.server.ask(&["DEL", "sales:open:2"]);
    let deleted =
        r#"{"type": "sales", "timestamp": "1", "count": 0, "deleted": ["sales:secret:1", "sales:open:2"]}"#;
    stage.server.ask(&["PUBLISH", "sales:updates", deleted]);
    let change = loop {
        let change = next(&following);
        if !change.deleted.is_empty() {
            break change;
        }
    };
    let deleted: Vec<&str> = change.deleted.iter().map(|key| &**key).collect();
    assert_eq!(deleted, ["sales:open:2"]);
}

#[test]
fn a_scan_that_finds_nothing_says_so_after_each_step() {
    let Some(stage) = Stage::new(&[]) else { return };
    let many: Vec<String> = (0..10_000).flat_map(|n| [format!("other:{n}"), "1".to_owned()]).collect();
    let words: Vec<&str> = ["MSET"].into_iter().chain(many.iter().map(String::as_str)).collect();
    assert_eq!(stage.server.ask(&words), "OK");
    let store = stage.open();

    let mut steps = 0;
    let scanned = store.scan_any(&["sales:".to_owned()], &mut |entries| {
        assert!(entries.is_empty());
        steps += 1;
        true
    });
    scanned.unwrap();
    assert!(steps > 2, "{steps} steps");
}

#[test]
fn a_server_that_answers_a_subscription_late_is_not_given_up() {
    let Some(stage) = Stage::new(&[]) else { return };
    let store = stage.open();
    let following = store.follow().unwrap();

    stage.server.ask(&["CLIENT", "PAUSE", "1500", "ALL"]);
    store.watch(vec![interest("sales:", "sales:updates")]);
    wait_until("the channel is subscribed to", || {
        stage.server.ask(&["PUBSUB", "NUMSUB", "sales:updates"]).ends_with('1')
    });
    // The same connection: on another, all rows would have to be loaded again.
    assert_eq!(following.try_recv().err(), Some(crossbeam_channel::TryRecvError::Empty));
}

fn store_batch() -> storage::store::WriteBatch {
    storage::store::WriteBatch { upserts: vec![row("sales:2", "1")], ..Default::default() }
}
