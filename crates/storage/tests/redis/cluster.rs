//! A Redis Cluster: the store enters at any node, and keeps its rows while slots move and masters fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use storage::store::{RedisStore, ResultStore as _, StoreError};

use crate::servers::redis::RedisServer;
use crate::servers::redis_cluster::RedisCluster;
use crate::servers::wait_until;
use crate::{A, Copies, T, batch, insist, next, scanned};

/// Returns keys of many slots.
fn keys(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("analytics:year:{number}:{T}")).collect()
}

fn rows<'a>(keys: &'a [String], value: &'a str) -> Vec<(&'a str, &'a str)> {
    keys.iter().map(|key| (key.as_str(), value)).collect()
}

/// Writes the same rows with increasing values until told to stop. Like a sink, it repeats each value until
/// it is written.
struct Writer {
    stop: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
    thread: std::thread::JoinHandle<()>,
}

impl Writer {
    fn start(store: Arc<RedisStore>, keys: Vec<String>) -> Writer {
        let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, count) = (stop.clone(), written.clone());
        let thread = std::thread::spawn(move || {
            for value in 1_u64.. {
                insist(&store, &batch(&rows(&keys, &value.to_string()), T));
                count.store(value, Ordering::SeqCst);
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
            }
        });
        Writer { stop, written, thread }
    }

    /// Waits for some more writes.
    fn goes_on(&self) {
        let seen = self.written.load(Ordering::SeqCst);
        wait_until("rows are written", || self.written.load(Ordering::SeqCst) >= seen + 3);
    }

    /// Stops the writer and returns the last value.
    fn stop(self) -> String {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().expect("it does not panic");
        self.written.load(Ordering::SeqCst).to_string()
    }
}

fn holds_everywhere(cluster: &RedisCluster, keys: &[String], value: &str) {
    for key in keys {
        assert_eq!(cluster.ask(&["GET", key]), value, "{key}");
    }
}

#[test]
fn a_cluster_is_entered_at_any_node() {
    let Some(cluster) = RedisCluster::start(3, 0) else { return };
    let copies = Copies::new();
    let keys = keys(200);
    let all = format!("redis-cluster://127.0.0.1:1,127.0.0.1:{}", cluster.nodes[2].port());
    for (value, url) in [cluster.url(0), cluster.url(1), cluster.url(2), all].into_iter().enumerate() {
        let value = value.to_string();
        let store = copies.open(&value, url);
        insist(&store, &batch(&rows(&keys, &value), T));
        holds_everywhere(&cluster, &keys, &value);
        assert_eq!(cluster.ask(&["GET", "analytics:latest"]), T);
        assert_eq!(scanned(&store).len(), keys.len() + 1);
        assert_eq!(&*store.get(&keys[7]).unwrap().unwrap().value, value.as_bytes());
        wait_until("it is known to take rows", || store.ping().is_ok());
    }
    for node in &cluster.nodes {
        assert!(node.ask(&["DBSIZE"]).parse::<usize>().unwrap() > 10, "each node holds a part");
    }
}

#[test]
fn the_documented_user_may_do_all_that_a_cluster_needs() {
    let Some(mut cluster) = RedisCluster::start(3, 0) else { return };
    let users = |cluster: &RedisCluster| {
        cluster.nodes.iter().for_each(|node| crate::rights::make_user(node, &[]));
    };
    users(&cluster);
    let copies = Copies::new();
    let url = cluster.url(0).replace("redis://", "redis://weir:secret@");
    let store = copies.open("copy", url.clone());
    let keys = keys(100);
    insist(&store, &batch(&rows(&keys, "1"), T));
    assert_eq!(scanned(&store).len(), keys.len() + 1);
    wait_until("all is well", || store.ping().is_ok() && store.remark().is_none());

    // Keys in migrating slots need `ASKING`.
    let new = cluster.add_node().expect("it started before");
    users(&cluster);
    cluster.meet();
    cluster.wait_until_all_slots_are_served();
    let (key, from) = (&keys[0], cluster.owner(&keys[0]));
    let slot = cluster.ask(&["CLUSTER", "KEYSLOT", key]);
    let (old, target) = (cluster.id(from), cluster.id(new));
    assert_eq!(cluster.nodes[new].ask(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &old]), "OK");
    assert_eq!(cluster.nodes[from].ask(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &target]), "OK");
    let port = cluster.nodes[new].port().to_string();
    assert_eq!(cluster.nodes[from].ask(&["MIGRATE", "127.0.0.1", &port, key, "0", "5000"]), "OK");
    store.write(&batch(&[(key, "2")], T)).expect("the key is found where it is");
    assert_eq!(&*store.get(key).unwrap().unwrap().value, b"2");
    assert_eq!(cluster.nodes[new].ask(&["CLUSTER", "COUNTKEYSINSLOT", &slot]), "1");
    for node in &cluster.nodes {
        assert_eq!(node.ask(&["ACL", "LOG"]), "", "nothing is refused");
    }

    // Without the right to ask for the slots, the cluster does not count as a single server.
    drop(store);
    cluster.nodes.iter().for_each(|node| crate::rights::make_user(node, &["-cluster|slots"]));
    let store = copies.open("other", url);
    let refused = store.write(&batch(&rows(&keys, "3"), T)).unwrap_err().to_string();
    assert!(refused.contains("CLUSTER SLOTS") && refused.contains("NOPERM"), "{refused}");
    wait_until("it is told", || store.ping().is_err_and(|error| error.to_string().contains("CLUSTER SLOTS")));
}

#[test]
fn changes_are_told_to_all_nodes_and_heard_from_all() {
    let Some(cluster) = RedisCluster::start(3, 0) else { return };
    let copies = Copies::new();
    let store = copies.open("copy", cluster.url(1));
    let following = store.follow().unwrap();
    store.write(&batch(&[(A, "1")], T)).unwrap();
    assert_eq!(&*next(&following).entries[0].key, A);

    for node in &cluster.nodes {
        let client = redis::Client::open(node.url()).expect("an address");
        let mut connection = client.get_connection().expect("a connection");
        let mut listening = connection.as_pubsub();
        listening.subscribe("analytics:updates").expect("it is subscribed");
        store.write(&batch(&[(A, "1")], T)).unwrap();
        let message: String = listening.get_message().expect("a message").get_payload().expect("text");
        assert!(message.contains("faculty"), "{message}");
    }

    // Another job writes a row to the node that holds it, and publishes to the node to which it is connected.
    for (place, node) in cluster.nodes.iter().enumerate() {
        let key = format!("analytics:year:{place}:2025-12-09T11:29:59.123456");
        cluster.ask(&["SETEX", &key, "100", "theirs"]);
        node.ask(&[
            "PUBLISH",
            "analytics:updates",
            &format!(r#"{{"type": "year", "timestamp": "{T}", "count": 1}}"#),
        ]);
        wait_until("their row is told", || {
            following.try_iter().any(|change| change.entries.iter().any(|entry| *entry.key == *key))
        });
    }
}

/// Returns how often a node processed a command.
fn calls(node: &RedisServer, command: &str) -> u64 {
    let (stats, begin) = (node.ask(&["INFO", "commandstats"]), format!("cmdstat_{command}:calls="));
    let calls = stats.lines().find_map(|line| line.strip_prefix(&begin)?.split(',').next());
    calls.map_or(0, |calls| calls.parse().expect("a number"))
}

#[test]
fn a_node_that_comes_back_empty_gets_its_rows_again() {
    let Some(mut cluster) = RedisCluster::start(3, 0) else { return };
    let copies = Copies::new();
    let store = copies.open("copy", cluster.url(0));
    let keys = keys(100);
    insist(&store, &batch(&rows(&keys, "1"), T));
    let calls = |command: &str| cluster.nodes.iter().map(|node| calls(node, command)).sum::<u64>();
    let is_looked_after = || {
        let looks = calls("sismember");
        wait_until("it is looked after", || calls("sismember") >= looks + 9);
    };
    is_looked_after();
    let sets = calls("set");
    is_looked_after();
    assert_eq!(calls("set"), sets, "nothing is given back that is there");

    // Emptied while it runs: no answer of another node tells.
    for place in 0..3 {
        let sizes = || cluster.nodes.iter().map(|node| node.ask(&["DBSIZE"])).collect::<Vec<String>>();
        let before = sizes();
        cluster.nodes[place].ask(&["FLUSHALL"]);
        wait_until("its rows are back", || sizes() == before);
    }

    cluster.nodes[1].down();
    wait_until("it is known to be away", || matches!(store.ping(), Err(StoreError::Unreachable { .. })));
    let why = std::error::Error::source(&store.ping().unwrap_err()).unwrap().to_string();
    assert!(why.contains(&cluster.nodes[1].port().to_string()), "the node is named: {why}");
    cluster.nodes[1].up();
    cluster.wait_until_all_slots_are_served();
    insist(&store, &batch(&[(A, "2")], T));
    wait_until("all is well", || store.ping().is_ok());
    holds_everywhere(&cluster, &keys, "1");
}

#[test]
fn rows_that_are_written_while_slots_move_stand_with_their_newest_value() {
    let Some(mut cluster) = RedisCluster::start(3, 0) else { return };
    let copies = Copies::new();
    let store = Arc::new(copies.open("copy", cluster.url(0)));
    let keys = keys(300);
    let writer = Writer::start(store.clone(), keys.clone());
    writer.goes_on();

    let new = cluster.add_node().expect("it started before");
    cluster.meet();
    cluster.wait_until_all_slots_are_served();
    for from in 0..3 {
        cluster.reshard(from, new, 300);
        writer.goes_on();
    }
    let following = store.follow();
    let value = writer.stop();
    cluster.wait_until_all_slots_are_served();
    holds_everywhere(&cluster, &keys, &value);
    assert!(cluster.nodes[new].ask(&["DBSIZE"]).parse::<usize>().unwrap() > 1, "it took some over");

    // Followers that loaded the rows during the move load them again.
    if let Ok(following) = following {
        wait_until("the followers are sent away", || {
            following.try_iter().count();
            matches!(following.try_recv(), Err(crossbeam_channel::TryRecvError::Disconnected))
        });
    }
    wait_until("all rows are found", || {
        let mut found = 0;
        store
            .scan("analytics:year:", &mut |_| {
                found += 1;
                true
            })
            .is_ok()
            && found == keys.len()
    });
    wait_until("all is well", || store.ping().is_ok());
}

#[test]
fn a_replica_takes_over_in_the_middle_of_writing() {
    let Some(mut cluster) = RedisCluster::start(3, 1) else { return };
    let copies = Copies::new();
    let store = Arc::new(copies.open("copy", cluster.url(0)));
    let keys = keys(100);
    let writer = Writer::start(store.clone(), keys.clone());
    writer.goes_on();

    // The node at which the store entered the cluster.
    cluster.nodes[0].down();
    wait_until("the replica takes over", || cluster.nodes[3].ask(&["ROLE"]).starts_with("master"));
    writer.goes_on();
    cluster.nodes[0].up();
    wait_until("it is a replica now", || cluster.nodes[0].ask(&["ROLE"]).starts_with("slave"));
    writer.goes_on();
    let value = writer.stop();
    cluster.wait_until_all_slots_are_served();
    holds_everywhere(&cluster, &keys, &value);
    wait_until("all is well", || store.ping().is_ok());
    wait_until("it is followed again", || store.follow().is_ok());
}

#[test]
fn a_cluster_whose_slots_nobody_serves_takes_no_rows_and_says_so() {
    let Some(mut cluster) = RedisCluster::start(3, 0) else { return };
    let copies = Copies::new();
    let store = copies.open("copy", cluster.url(0));
    insist(&store, &batch(&[(A, "1")], T));
    let owner = cluster.owner(A);
    cluster.nodes[owner].down();
    assert!(store.write(&batch(&[(A, "2")], T)).is_err());
    wait_until("it is told", || store.ping().is_err());
    cluster.nodes[owner].up();
    insist(&store, &batch(&[(A, "2")], T));
    assert_eq!(cluster.ask(&["GET", A]), "2");
}
