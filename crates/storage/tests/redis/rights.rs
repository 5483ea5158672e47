//! A user of Redis with limited rights: a refused command is reported for as long as it is refused.

use storage::store::{ResultStore as _, StoreError};

use crate::servers::redis::RedisServer;
use crate::servers::wait_until;
use crate::{A, Stage, T, batch, insist, scanned};

/// The documentation, with the user for Weir.
const DOCUMENTED: &str = include_str!("../../../../docs/redis.md");

fn line() -> &'static str {
    let mut lines = DOCUMENTED.lines().map(str::trim);
    lines.find(|line| line.starts_with("ACL SETUSER weir ")).expect("it is documented")
}

/// Creates the documented user, with some changes.
pub fn make_user(server: &RedisServer, changes: &[&str]) {
    let words: Vec<&str> = line().split(' ').chain(changes.iter().copied()).collect();
    assert_eq!(server.ask(&words), "OK");
}

/// Calls [`make_user`] and returns the user's URL.
fn user(stage: &Stage, changes: &[&str]) -> String {
    make_user(&stage.server, changes);
    format!("redis://weir:secret@127.0.0.1:{}", stage.server.port())
}

/// Returns the commands that the server has refused the user.
fn denied(stage: &Stage) -> String {
    stage.server.ask(&["ACL", "LOG"])
}

#[test]
fn the_documented_user_may_do_all_that_is_needed() {
    let Some(stage) = Stage::new(&[]) else { return };
    let url = user(&stage, &[]);
    let store = stage.open_at(url.clone());
    let following = store.follow().unwrap();
    store.write(&batch(&[(A, "1")], T)).unwrap();
    assert_eq!(&*store.get(A).unwrap().unwrap().value, b"1");
    assert_eq!(scanned(&store).len(), 2);
    stage.server.ask(&["PUBLISH", "analytics:updates", "{}"]);
    assert!(crate::next(&following).notification.is_some());
    wait_until("it is looked after", || store.ping().is_ok());
    // The next connection kills a dropped one.
    stage.server.hang(true);
    assert!(store.write(&batch(&[(A, "2")], T)).is_err());
    stage.server.hang(false);
    insist(&store, &batch(&[(A, "2")], T));
    // Delete a row.
    insist(
        &store,
        &storage::store::WriteBatch { deletes: vec!["analytics:gone".into()], ..batch(&[(A, "2")], T) },
    );
    // Lost rows are restored.
    stage.server.ask(&["FLUSHALL"]);
    wait_until("the rows are back", || stage.server.ask(&["GET", A]) == "2");
    wait_until("all is well", || store.ping().is_ok());
    assert_eq!(denied(&stage), "", "nothing is refused");

    // The documented line lists no command that was not used, except for those that this test need not use.
    drop(store);
    let stats = stage.server.ask(&["INFO", "commandstats"]);
    for command in line().split(' ').filter_map(|word| word.strip_prefix('+')) {
        // Commands for clusters, sentinels, other databases, silent connections and restarted servers.
        let is_for_others = ["get", "asking", "role", "select", "ping", "srem"].contains(&command);
        assert!(
            is_for_others || stats.contains(&format!("cmdstat_{command}:calls=")),
            "{command} is never used"
        );
    }
}

/// Checks that a missing right holds the rows back and is reported, also while nobody writes for a while, and
/// that all is well as soon as the right is granted.
fn holds_back(changes: &[&str], named: &str) {
    let Some(stage) = Stage::new(&[]) else { return };
    let store = stage.open_at(user(&stage, changes));
    let refused = store.write(&batch(&[(A, "1")], T)).expect_err("it is refused");
    assert!(matches!(refused, StoreError::Refused { .. }), "{refused:?}");
    assert!(refused.to_string().contains(named) && refused.to_string().contains("NOPERM"), "{refused}");
    assert!(refused.to_string().contains("docs/redis.md"), "{refused}");
    for _ in 0..3 {
        let seen = commands(&stage);
        wait_until("it is looked after again", || commands(&stage) > seen);
        let told = store.ping().expect_err("it is refused").to_string();
        assert!(told.contains(named), "{told}");
    }
    user(&stage, &["+@all", "~*", "&*"]);
    insist(&store, &batch(&[(A, "1")], T));
    wait_until("it is over", || store.ping().is_ok());
    assert_eq!(stage.server.ask(&["GET", A]), "1");
}

/// Returns the number of processed commands, in tens.
fn commands(stage: &Stage) -> u64 {
    let stats = stage.server.ask(&["INFO", "stats"]);
    let line = stats.lines().find_map(|line| line.strip_prefix("total_commands_processed:"));
    // This question's commands count too.
    line.and_then(|line| line.trim().parse::<u64>().ok()).unwrap_or_default() / 10
}

#[test]
fn a_user_without_setex_is_told() {
    holds_back(&["-setex"], "SETEX analytics:");
}

#[test]
fn a_user_without_the_rows_keys_is_told() {
    holds_back(&["resetkeys", "~weir:*"], "SETEX analytics:");
}

#[test]
fn a_user_without_the_bookkeeping_writes_rows_and_is_told() {
    for (changes, named) in
        [(&["resetkeys", "~analytics:*"][..], "SISMEMBER weir:stores"), (&["-sadd"], "SADD weir:stores")]
    {
        let Some(stage) = Stage::new(&[]) else { return };
        let store = stage.open_at(user(&stage, changes));
        for value in ["1", "2"] {
            store.write(&batch(&[(A, value)], T)).expect("the rows are written");
            assert_eq!(stage.server.ask(&["GET", A]), value);
            let seen = commands(&stage);
            wait_until("it is looked after again", || commands(&stage) > seen);
            wait_until("it is told", || store.ping().is_err());
            let told = store.ping().unwrap_err().to_string();
            assert!(told.contains(named) && told.contains("NOPERM"), "{told}");
        }
        user(&stage, &["+@all", "~*"]);
        wait_until("it is over", || store.ping().is_ok());
    }
}

#[test]
fn a_user_who_only_reads_is_told() {
    holds_back(&["-@write"], "SETEX analytics:");
}

#[test]
fn a_user_without_publish_writes_rows_and_is_told() {
    for changes in [&["-publish"][..], &["resetchannels"]] {
        let Some(stage) = Stage::new(&[]) else { return };
        let store = stage.open_at(user(&stage, changes));
        let following = store.follow().unwrap();
        store.write(&batch(&[(A, "1")], T)).expect("the rows are written");
        assert_eq!(stage.server.ask(&["GET", A]), "1");
        let told = store.ping().unwrap_err();
        assert!(matches!(told, StoreError::Untold { .. }), "{told:?}");
        let told = told.to_string();
        assert!(told.contains("PUBLISH analytics:updates") && told.contains("NOPERM"), "{told}");
        assert_eq!(&*crate::next(&following).entries[0].key, A, "our own readers hear of it");
        user(&stage, &["+publish", "&*"]);
        store.write(&batch(&[(A, "2")], T)).unwrap();
        assert!(store.ping().is_ok(), "{:?}", store.ping());
    }
}

#[test]
fn a_user_without_subscribe_hears_only_what_this_process_writes() {
    let Some(stage) = Stage::new(&[]) else { return };
    let store = stage.open_at(user(&stage, &["-subscribe"]));
    store.write(&batch(&[(A, "1")], T)).unwrap();
    wait_until("it is remarked", || store.remark().is_some_and(|remark| remark.contains("SUBSCRIBE")));
    assert!(store.ping().is_ok(), "{:?}", store.ping());
    let following = store.follow().unwrap();
    store.write(&batch(&[(A, "2")], T)).unwrap();
    assert_eq!(&*crate::next(&following).entries[0].value, b"2");
    user(&stage, &["+subscribe"]);
    wait_until("it is over", || store.remark().is_none());
}

#[test]
fn a_wrong_password_is_named() {
    let Some(stage) = Stage::new(&[]) else { return };
    let url = user(&stage, &[]).replace("secret", "wrong");
    let store = stage.open_at(url);
    let refused = store.write(&batch(&[(A, "1")], T)).unwrap_err().to_string();
    assert!(refused.contains("the login") && refused.contains("redis.url"), "{refused}");
    wait_until("it is told", || store.ping().is_err());
}
