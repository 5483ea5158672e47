//! The servers behind `redis.url`, shared by all connections. They may change while the store is used.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};
use redis::{Client, Connection, ConnectionAddr, ConnectionInfo, RedisError, TlsCertificates, Value};

use super::address::{Deployment, Sentinels, at, wrong};
use super::connection::{ask, connect, unreachable};
use super::slots::Topology;
use crate::store::StoreError;

/// Addresses of the servers, and the topology of the last lookup.
pub(super) struct Servers {
    deployment: Deployment,
    /// Root certificates in PEM that are trusted instead of the system's.
    certificates: Option<Vec<u8>>,
    topology: RwLock<Option<Arc<Topology>>>,
    /// Whether a failure suggests that other servers have taken over.
    is_suspect: AtomicBool,
    /// Whether a server has answered as only the node of a cluster does.
    is_cluster: AtomicBool,
    /// The sentinel that answered last.
    sentinel: Mutex<Option<Sentinel>>,
    /// Error of the sentinels, while the master is known from an earlier answer.
    sentinels_away: Mutex<Option<String>>,
}

struct Sentinel {
    info: ConnectionInfo,
    connection: Connection,
}

impl Servers {
    pub fn new(url: &str, certificates: Option<Vec<u8>>) -> Result<Servers, StoreError> {
        let deployment = Deployment::parse(url)?;
        let servers = Servers {
            deployment,
            certificates,
            topology: RwLock::default(),
            is_suspect: AtomicBool::default(),
            is_cluster: AtomicBool::default(),
            sentinel: Mutex::default(),
            sentinels_away: Mutex::default(),
        };

        let speaks_tls = |info: &ConnectionInfo| matches!(info.addr(), ConnectionAddr::TcpTls { .. });
        if servers.certificates.is_some() && !servers.entrances().iter().all(speaks_tls) {
            return Err(wrong("redis.certificates apply only to rediss://"));
        }
        // Find invalid certificates now, not at the first connection.
        for info in servers.entrances() {
            servers.client(info).map_err(|error| StoreError::Address { message: error.to_string() })?;
        }
        Ok(servers)
    }

    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// Returns whether other servers can replace the known ones, under the same URL.
    pub fn can_change(&self) -> bool {
        !matches!(self.deployment, Deployment::Server(_)) || self.is_cluster()
    }

    /// Returns whether a plain server has turned out to be a node of a cluster.
    pub fn is_cluster(&self) -> bool {
        self.is_cluster.load(Ordering::Relaxed)
    }

    pub fn set_cluster(&self, is_cluster: bool) {
        self.is_cluster.store(is_cluster, Ordering::Relaxed);
    }

    /// Marks the known servers as possibly stale.
    pub fn suspect(&self) {
        self.is_suspect.store(true, Ordering::Relaxed);
    }

    pub fn is_suspect(&self) -> bool {
        self.is_suspect.load(Ordering::Relaxed)
    }

    /// Returns the servers that the URL names.
    pub fn entrances(&self) -> &[ConnectionInfo] {
        match &self.deployment {
            Deployment::Server(server) => std::slice::from_ref(server),
            Deployment::Cluster(nodes) => nodes,
            Deployment::Sentinel(sentinels) => &sentinels.nodes,
        }
    }

    /// Returns the servers of the last lookup.
    pub fn topology(&self) -> Option<Arc<Topology>> {
        self.topology.read().clone()
    }

    /// Stores the servers of a lookup. An equal topology is kept, so that links keep their connections.
    pub fn found(&self, topology: Topology) -> Arc<Topology> {
        let mut known = self.topology.write();
        self.is_suspect.store(false, Ordering::Relaxed);
        match &*known {
            Some(before) if before.is_like(&topology) => before.clone(),
            _ => known.insert(Arc::new(topology)).clone(),
        }
    }

    /// Connects to a server.
    pub fn connect(&self, info: &ConnectionInfo) -> Result<Connection, StoreError> {
        let client = self.client(info).map_err(|error| unreachable(info, error))?;
        connect(&client)
    }

    fn client(&self, info: &ConnectionInfo) -> Result<Client, RedisError> {
        match &self.certificates {
            // Addresses that nodes and sentinels name have the certificates already.
            Some(root) if !matches!(info.addr(), ConnectionAddr::TcpTls { tls_params: Some(_), .. }) => {
                let tls = TlsCertificates { client_tls: None, root_cert: Some(root.clone()) };
                Client::build_with_tls(info.clone(), tls)
            }
            _ => Client::open(info.clone()),
        }
    }

    /// Looks up the current master. While no sentinel answers, returns the master that was named last.
    pub fn look_up_master(&self, sentinels: &Sentinels) -> Result<Arc<Topology>, StoreError> {
        let named = self.master(sentinels);
        let why = named.as_ref().err().map(|error| match error {
            StoreError::Unreachable { source } => source.to_string(),
            error => error.to_string(),
        });
        *self.sentinels_away.lock() = why;

        match (named, self.topology()) {
            (Ok(master), _) => Ok(self.found(Topology::one(master))),
            (Err(_), Some(known)) => {
                // Ask again after the next failure, not for the next command.
                self.is_suspect.store(false, Ordering::Relaxed);
                Ok(known)
            }
            (Err(error), None) => Err(error),
        }
    }

    /// Returns why no sentinel can be asked for the master.
    pub fn sentinels_away(&self) -> Option<String> {
        self.sentinels_away.lock().clone()
    }

    /// Asks the sentinels for the master, beginning with the one that answered last.
    fn master(&self, sentinels: &Sentinels) -> Result<ConnectionInfo, StoreError> {
        let mut kept = self.sentinel.lock();
        if let Some(mut sentinel) = kept.take()
            && let Ok(master) = sentinel.master(sentinels)
        {
            *kept = Some(sentinel);
            return Ok(master);
        }

        let mut failures = Vec::new();
        for info in &sentinels.nodes {
            let asked = self.connect(info).and_then(|connection| {
                let mut sentinel = Sentinel { info: info.clone(), connection };
                sentinel.master(sentinels).map(|master| (sentinel, master))
            });
            match asked {
                Ok((sentinel, master)) => {
                    *kept = Some(sentinel);
                    return Ok(master);
                }
                Err(StoreError::Unreachable { source }) => failures.push(source.to_string()),
                Err(error) => failures.push(format!("{}: {error}", info.addr())),
            }
        }
        let source = format!("no sentinel names a master: {}", failures.join("; ")).into();
        Err(StoreError::Unreachable { source })
    }
}

impl Sentinel {
    fn master(&mut self, sentinels: &Sentinels) -> Result<ConnectionInfo, StoreError> {
        let mut command = redis::cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(&sentinels.service);
        let answer = ask(&mut self.connection, &self.info, &command)?;
        if answer == Value::Nil {
            let why = format!("the sentinel does not know the service `{}`", sentinels.service);
            return Err(unreachable(&self.info, why));
        }

        let (host, port): (String, u16) =
            redis::from_redis_value(answer).map_err(|error| unreachable(&self.info, error))?;
        Ok(at(&sentinels.server, &host, port))
    }
}
