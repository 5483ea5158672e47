//! Starts a Redis Cluster, or a master with a sentinel, per test: processes of `redis-server` on free ports.
#![allow(dead_code, reason = "each test uses its own part")]

use std::process::{Child, Command, Stdio};

use super::redis::{RedisServer, ask};
use super::{free_port, wait_until};

/// Nodes that form a cluster. Dropping it kills them.
pub struct RedisCluster {
    pub nodes: Vec<RedisServer>,
    _directories: Vec<tempfile::TempDir>,
}

/// Time of a master's silence after which its replica takes over.
const NODE_TIMEOUT_MS: &str = "2000";
const SLOTS: usize = 16_384;

impl RedisCluster {
    /// Starts `masters` masters, which share all slots, and a replica for each of the first masters. Returns
    /// `None` where there is no `redis-server`.
    pub fn start(masters: usize, replicas: usize) -> Option<RedisCluster> {
        let mut cluster = RedisCluster { nodes: Vec::new(), _directories: Vec::new() };
        for _ in 0..masters + replicas {
            cluster.add_node()?;
        }

        for place in 0..masters {
            let (first, last) = (SLOTS * place / masters, SLOTS * (place + 1) / masters - 1);
            let (first, last) = (first.to_string(), last.to_string());
            assert_eq!(cluster.nodes[place].ask(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]), "OK");
        }
        cluster.meet();
        for place in 0..replicas {
            let (replica, master) = (&cluster.nodes[masters + place], cluster.id(place));
            wait_until("the replica knows its master", || {
                replica.ask(&["CLUSTER", "REPLICATE", &master]) == "OK"
            });
            wait_until("it replicates", || {
                replica.ask(&["INFO", "replication"]).contains("master_link_status:up")
            });
        }
        cluster.wait_until_all_slots_are_served();
        Some(cluster)
    }

    /// Starts a node outside the cluster and returns its index.
    pub fn add_node(&mut self) -> Option<usize> {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().display().to_string();
        // The cluster bus needs a port too. The default, 10,000 above the node's, may not be free.
        let bus = free_port().to_string();
        let arguments = [
            "--cluster-enabled",
            "yes",
            "--cluster-node-timeout",
            NODE_TIMEOUT_MS,
            "--cluster-port",
            &bus,
            "--dir",
            &path,
        ];
        self.nodes.push(RedisServer::start(&arguments)?);
        self._directories.push(directory);
        Some(self.nodes.len() - 1)
    }

    /// Introduces the first node to all others.
    pub fn meet(&self) {
        let first = &self.nodes[0];
        let bus = bus_port(first);
        for node in &self.nodes[1..] {
            node.ask(&["CLUSTER", "MEET", "127.0.0.1", &first.port().to_string(), &bus]);
        }
        wait_until("all nodes know each other", || {
            self.nodes.iter().all(|node| {
                let known = node.ask(&["CLUSTER", "NODES"]);
                known.lines().filter(|line| !line.contains("handshake")).count() == self.nodes.len()
            })
        });
    }

    pub fn wait_until_all_slots_are_served(&self) {
        wait_until("the cluster serves all slots", || {
            self.nodes.iter().filter(|node| node.is_up()).all(|node| {
                let state = node.ask(&["CLUSTER", "INFO"]);
                state.contains("cluster_state:ok") && state.contains("cluster_slots_ok:16384")
            })
        });
    }

    pub fn id(&self, place: usize) -> String {
        self.nodes[place].ask(&["CLUSTER", "MYID"])
    }

    /// Returns the URL by which a store enters the cluster at a node.
    pub fn url(&self, place: usize) -> String {
        self.nodes[place].url()
    }

    /// Returns the output of `redis-cli -c`, which follows a key to its node.
    pub fn ask(&self, command: &[&str]) -> String {
        let up = self.nodes.iter().find(|node| node.is_up()).expect("a node that is up");
        ask(up.port(), &[&["-c", "--raw"], command].concat())
    }

    /// Returns the index of the node that serves a key, as the first node says.
    pub fn owner(&self, key: &str) -> usize {
        let slot: usize = self.ask(&["CLUSTER", "KEYSLOT", key]).parse().expect("a slot");
        let served = self.nodes.iter().position(|node| {
            let own = node.ask(&["CLUSTER", "NODES"]);
            let own = own.lines().find(|line| line.contains("myself,master")).unwrap_or_default().to_owned();
            own.split(' ').skip(8).any(|range| {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                matches!((first.parse::<usize>(), last.parse::<usize>()), (Ok(first), Ok(last)) if (first..=last).contains(&slot))
            })
        });
        served.expect("a node serves it")
    }

    /// Moves slots from node to node, key by key, while others read and write them.
    pub fn reshard(&self, from: usize, to: usize, slots: usize) {
        let entrance = format!("127.0.0.1:{}", self.nodes[0].port());
        wait_until("all nodes agree", || {
            let check = Command::new("redis-cli").args(["--cluster", "check", &entrance]).output();
            check.expect("redis-cli runs").status.success()
        });
        let done = Command::new("redis-cli")
            .args(["--cluster", "reshard", &entrance, "--cluster-yes", "--cluster-from", &self.id(from)])
            .args(["--cluster-to", &self.id(to), "--cluster-slots", &slots.to_string()])
            .output()
            .expect("redis-cli runs");
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success(), "{}", said.lines().rev().take(20).collect::<Vec<&str>>().join("\n"));
    }
}

fn bus_port(node: &RedisServer) -> String {
    node.ask(&["--raw", "CONFIG", "GET", "cluster-port"]).lines().last().expect("a port").to_owned()
}

/// A master with a replica, and a sentinel that watches them. Dropping it kills them.
pub struct Watched {
    pub master: RedisServer,
    pub replica: RedisServer,
    sentinel: Child,
    pub sentinel_port: u16,
    _directory: tempfile::TempDir,
}

/// Name of the service.
pub const SERVICE: &str = "mymaster";

impl Watched {
    pub fn start() -> Option<Watched> {
        let master = RedisServer::start(&[])?;
        let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &master.port().to_string()])?;
        let directory = tempfile::tempdir().expect("a directory");
        let (file, sentinel_port) = (directory.path().join("sentinel.conf"), free_port());
        let settings = format!(
            "port {sentinel_port}\nbind 127.0.0.1\n\
             sentinel monitor {SERVICE} 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds {SERVICE} 1000\n\
             sentinel failover-timeout {SERVICE} 5000\n",
            master.port()
        );
        std::fs::write(&file, settings).expect("it is written");
        let sentinel =
            Command::new("redis-server").arg(&file).arg("--sentinel").stdout(Stdio::null()).spawn();
        let sentinel = sentinel.expect("redis-server starts");

        let watched = Watched { master, replica, sentinel, sentinel_port, _directory: directory };
        wait_until("the sentinel knows the replica", || {
            ask(sentinel_port, &["SENTINEL", "REPLICAS", SERVICE])
                .contains(&watched.replica.port().to_string())
        });
        Some(watched)
    }

    /// Kills the sentinel.
    pub fn end_sentinel(&mut self) {
        self.sentinel.kill().expect("it can be killed");
        self.sentinel.wait().expect("it ends");
    }

    pub fn url(&self) -> String {
        format!("redis-sentinel://127.0.0.1:{}/{SERVICE}", self.sentinel_port)
    }

    /// Waits until the replica is the master.
    pub fn wait_for_the_replica(&self) {
        wait_until("the replica takes over", || self.replica.ask(&["ROLE"]).contains("master"));
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.sentinel.kill();
        let _ = self.sentinel.wait();
    }
}
