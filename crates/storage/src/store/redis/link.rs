//! Connections to all servers: opened when needed, dropped on failure, and never waited for without a
//! timeout.
//!
//! A link sends each command to the server that holds its key. In a cluster the map of keys to servers
//! becomes stale: a node that no longer holds a key answers `MOVED` with the node that does, and a node that
//! is migrating the key answers `ASK`. The link follows both. It keeps the order of commands of one key,
//! since all of them take the same route.
//!
//! ```text
//! pipe([a, b, c]) ── a, c ──► node 1: +OK, -MOVED 3999 node2 ──┐
//!                 └─ b ─────► node 2: +OK                      │
//!                             node 2: c: +OK ◄─────────────────┘
//! ```
//!
//! The `redis` crate's client for clusters reconnects and repeats commands by itself, so that an older value
//! could overwrite a newer one. It is therefore not used (`docs/decisions/0019-redis-cluster.md`).

use std::collections::BTreeMap;
use std::sync::Arc;

use redis::{Cmd, Connection, ConnectionInfo, ServerError, ServerErrorKind, Value};

use super::address::Deployment;
use super::connection::{ask_if_allowed, code, failed, is_usable_after, receive, refused, unreachable};
use super::info;
use super::servers::Servers;
use super::slots::{Shard, Topology, beside};
use crate::store::StoreError;

/// Redirections that a command follows within one call.
const MOVES: usize = 8;

/// A command, and the key that selects its server.
pub(super) struct Request<'a> {
    pub key: &'a str,
    pub command: Cmd,
}

impl<'a> Request<'a> {
    /// Returns a command whose only argument is its key.
    pub fn new(key: &'a str, name: &str) -> Request<'a> {
        let mut command = redis::cmd(name);
        command.arg(key);
        Request { key, command }
    }
}

/// One reusable connection per server.
pub(super) struct Link {
    servers: Arc<Servers>,
    open: BTreeMap<Arc<str>, Open>,
    /// Set for a link whose commands must not overtake each other.
    given_up: Option<GivenUp>,
}

/// Connections that were dropped with commands in flight: their number, by the life of their server.
type GivenUp = BTreeMap<String, u64>;

struct Open {
    connection: Connection,
    /// The life of the server, where the server tells.
    life: Option<String>,
    /// The server's number of the connection, unique in the server's life.
    number: Option<u64>,
}

/// Target of a request: a shard, or the node to which its key is migrating.
#[derive(Clone)]
struct Hop {
    place: usize,
    to: Arc<Shard>,
    is_asking: bool,
}

impl Link {
    pub fn new(servers: Arc<Servers>) -> Link {
        Link { servers, open: BTreeMap::new(), given_up: None }
    }

    /// Returns a link whose commands are applied in the order in which they are sent, even unanswered ones.
    /// Otherwise commands in flight on a dropped connection could arrive after commands of its successor.
    pub fn in_order(servers: Arc<Servers>) -> Link {
        Link { given_up: Some(GivenUp::new()), ..Link::new(servers) }
    }

    /// Returns the current servers.
    pub fn topology(&mut self) -> Result<Arc<Topology>, StoreError> {
        let topology = match self.servers.topology() {
            Some(topology) if !self.servers.is_suspect() => topology,
            _ => self.look_up()?,
        };
        // Commands to the removed servers were answered, so none is in flight.
        self.open.retain(|name, _| topology.has(name));
        Ok(topology)
    }

    /// Looks up the current servers.
    pub fn look_up(&mut self) -> Result<Arc<Topology>, StoreError> {
        let servers = self.servers.clone();
        match servers.deployment() {
            Deployment::Sentinel(sentinels) => servers.look_up_master(sentinels),
            Deployment::Cluster(_) => self.look_up_cluster(),
            Deployment::Server(_) if servers.is_cluster() => self.look_up_cluster(),
            Deployment::Server(server) => match self.slots_of(&Shard::new(server.clone())) {
                // A server outside a cluster answers with an error. So may one that does not permit the
                // question: it counts as a single server until a key has moved.
                Err(StoreError::Refused { answer, .. }) if matches!(code(&answer), "ERR" | "NOPERM") => {
                    Ok(servers.found(Topology::one(server.clone())))
                }
                found => found,
            },
        }
    }

    /// Asks the nodes for the cluster's slots, until one of them answers.
    fn look_up_cluster(&mut self) -> Result<Arc<Topology>, StoreError> {
        let known = self.servers.topology();
        let shards = known.iter().flat_map(|known| known.shards()).cloned();
        let replicas = known.iter().flat_map(|known| known.replicas()).cloned();
        let others = self.servers.entrances().iter().cloned().chain(replicas);
        let others = others.map(|info| Arc::new(Shard::new(info)));
        // Ask connected nodes first: they answer at once, while an unreachable node costs a timeout.
        let (ready, others): (Vec<Arc<Shard>>, Vec<Arc<Shard>>) =
            shards.chain(others).partition(|shard| self.open.contains_key(&shard.name));

        let mut first = None;
        for node in ready.iter().chain(&others) {
            match self.slots_of(node) {
                Ok(topology) => return Ok(topology),
                Err(error) => first = first.or(Some(error)),
            }
        }
        let is_single = matches!(self.servers.deployment(), Deployment::Server(_));
        if is_single && matches!(&first, Some(StoreError::Refused { answer, .. }) if code(answer) == "ERR") {
            // The next lookup treats the server as a single one again.
            self.servers.set_cluster(false);
        }
        let nobody = || StoreError::Unreachable { source: "no node of the cluster is known".into() };
        Err(first.unwrap_or_else(nobody))
    }

    fn slots_of(&mut self, node: &Shard) -> Result<Arc<Topology>, StoreError> {
        let answer = self.ask(node, redis::cmd("CLUSTER").arg("SLOTS"))?;
        let before = self.servers.topology();
        let topology = Topology::of_cluster(answer, &node.info, before.as_deref())
            .filter(|topology| !topology.shards().is_empty())
            .ok_or_else(|| unreachable(&node.info, "the cluster is not set up: no node has any slot"))?;
        self.servers.set_cluster(true);
        Ok(self.servers.found(topology))
    }

    /// Sends one command to a server and returns its answer.
    pub fn ask(&mut self, shard: &Shard, command: &Cmd) -> Result<Value, StoreError> {
        let open = self.open(shard)?;
        let answered = open
            .connection
            .send_packed_command(&command.get_packed_command())
            .and_then(|()| open.connection.recv_response());

        match answered {
            Ok(Value::ServerError(said)) => {
                self.heard(shard, &said);
                Err(refused(command, &said))
            }
            Ok(answer) => Ok(answer),
            Err(error) => {
                self.give_up(shard);
                Err(failed(&shard.info, command, error))
            }
        }
    }

    /// Sends one command to the server that holds a key and returns its answer.
    pub fn ask_for(&mut self, key: &str, command: Cmd) -> Result<Value, StoreError> {
        let request = Request { key, command };
        let answer = self.pipe(std::slice::from_ref(&request))?.pop().unwrap_or(Value::Nil);
        match answer {
            Value::ServerError(said) => Err(refused(&request.command, &said)),
            answer => Ok(answer),
        }
    }

    /// Sends writing commands in a pipeline. Fails with the first error that a server answers.
    pub fn write(&mut self, requests: &[Request<'_>]) -> Result<(), StoreError> {
        for (answer, request) in self.pipe(requests)?.iter().zip(requests) {
            if let Value::ServerError(said) = answer {
                return Err(refused(&request.command, said));
            }
        }
        Ok(())
    }

    /// Sends commands in a pipeline and returns their answers in order. An error of a server counts as an
    /// answer.
    pub fn pipe(&mut self, requests: &[Request<'_>]) -> Result<Vec<Value>, StoreError> {
        let topology = self.topology()?;
        let mut answers: Vec<Value> = requests.iter().map(|_| Value::Nil).collect();
        let mut hops = Vec::with_capacity(requests.len());
        for (place, request) in requests.iter().enumerate() {
            let to = topology.owner(request.key).map_err(no_owner)?;
            hops.push(Hop { place, to: topology.shards()[to].clone(), is_asking: false });
        }

        for _ in 0..MOVES {
            let moved = self.exchange(requests, std::mem::take(&mut hops), &mut answers)?;
            if moved.is_empty() {
                return Ok(answers);
            }
            if moved.iter().any(|hop| !hop.is_asking) {
                // The lookup also finds all other moved keys. If it fails, each key is still found by its
                // redirection.
                self.servers.set_cluster(true);
                self.look_up()?;
            }
            hops = moved;
        }
        let source = "the cluster redirects a key without end".into();
        Err(StoreError::Unreachable { source })
    }

    /// Sends requests to their servers, all of them before reading the first answer, and stores the answers.
    /// Returns the requests whose keys are elsewhere.
    fn exchange(
        &mut self,
        requests: &[Request<'_>],
        hops: Vec<Hop>,
        answers: &mut [Value],
    ) -> Result<Vec<Hop>, StoreError> {
        let mut by_server: BTreeMap<Arc<str>, Vec<Hop>> = BTreeMap::new();
        for hop in hops {
            by_server.entry(hop.to.name.clone()).or_default().push(hop);
        }

        // Read all answers of every server, even after a failure of another: an unread answer would be taken
        // for that of the next command.
        let mut outcome = Ok(());
        let mut sent = Vec::with_capacity(by_server.len());
        for hops in by_server.into_values() {
            match self.send(requests, &hops) {
                Ok(()) => sent.push(hops),
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        let mut moved = Vec::new();
        for hops in sent {
            let received = self.take(requests, hops, answers, &mut moved);
            outcome = outcome.and(received);
        }
        outcome.map(|()| moved)
    }

    fn send(&mut self, requests: &[Request<'_>], hops: &[Hop]) -> Result<(), StoreError> {
        let Some(first) = hops.first() else { return Ok(()) };
        let mut bytes = Vec::new();
        for hop in hops {
            if hop.is_asking {
                redis::cmd("ASKING").write_packed_command(&mut bytes);
            }
            requests[hop.place].command.write_packed_command(&mut bytes);
        }

        let sent = self.open(&first.to)?.connection.send_packed_command(&bytes);
        sent.map_err(|error| {
            self.give_up(&first.to);
            failed(&first.to.info, &requests[first.place].command, error)
        })
    }

    fn take(
        &mut self,
        requests: &[Request<'_>],
        hops: Vec<Hop>,
        answers: &mut [Value],
        moved: &mut Vec<Hop>,
    ) -> Result<(), StoreError> {
        let Some(first) = hops.first().cloned() else { return Ok(()) };
        let count = hops.iter().map(|hop| 1 + usize::from(hop.is_asking)).sum();
        let Some(open) = self.open.get_mut(&first.to.name) else {
            return Err(unreachable(&first.to.info, "the connection is lost"));
        };
        let received = receive(&mut open.connection, count).map_err(|error| {
            self.give_up(&first.to);
            failed(&first.to.info, &requests[first.place].command, error)
        })?;

        let mut received = received.into_iter();
        for hop in hops {
            if hop.is_asking {
                received.next();
            }
            match received.next().unwrap_or(Value::Nil) {
                Value::ServerError(said) => match redirect(&said, &hop.to.info) {
                    Some((to, is_asking)) => moved.push(Hop { place: hop.place, to, is_asking }),
                    None => {
                        self.heard(&hop.to, &said);
                        answers[hop.place] = Value::ServerError(said);
                    }
                },
                answer => answers[hop.place] = answer,
            }
        }
        Ok(())
    }

    /// Updates the link's view of a server that answered with an error.
    fn heard(&mut self, shard: &Shard, said: &ServerError) {
        if matches!(said.kind(), Some(ServerErrorKind::ReadOnly | ServerErrorKind::ClusterDown)) {
            self.servers.suspect();
        }
        if !is_usable_after(said) {
            self.give_up(shard);
        }
    }

    /// Returns the life of a server: each start of its process has a name of its own. `None` where it does
    /// not tell.
    pub fn life(&mut self, shard: &Shard) -> Result<Option<String>, StoreError> {
        Ok(self.open(shard)?.life.clone())
    }

    /// Returns whether the next command may open a connection.
    pub fn is_new(&self) -> bool {
        let Some(topology) = self.servers.topology() else { return true };
        topology.shards().iter().any(|shard| !self.open.contains_key(&shard.name))
    }

    fn open(&mut self, shard: &Shard) -> Result<&mut Open, StoreError> {
        if !self.open.contains_key(&shard.name) {
            let open = self.connect(&shard.info).inspect_err(|_| self.servers.suspect())?;
            self.open.insert(shard.name.clone(), open);
        }
        self.open.get_mut(&shard.name).ok_or_else(|| unreachable(&shard.info, "it is not connected"))
    }

    fn connect(&mut self, info: &ConnectionInfo) -> Result<Open, StoreError> {
        let mut connection = self.servers.connect(info)?;
        let mut wish = |command: &Cmd| ask_if_allowed(&mut connection, info, command);

        if let Deployment::Sentinel(_) = self.servers.deployment() {
            let role = wish(&redis::cmd("ROLE"))?.and_then(first_word);
            if role.as_deref() == Some("slave") {
                return Err(unreachable(
                    info,
                    "a sentinel names it as the master, but it is still a replica",
                ));
            }
        }

        let life = wish(redis::cmd("INFO").arg("server"))?.and_then(|value| info::text(value, "run_id"));
        let mut number = None;
        if let Some(given_up) = &mut self.given_up {
            number = wish(redis::cmd("CLIENT").arg("ID"))?
                .and_then(|value| redis::from_redis_value::<u64>(value).ok());
            // Before the first write, kill the previous connection, so that its commands in flight cannot
            // arrive later.
            if let Some((life, before)) = life.as_ref().and_then(|life| Some((life, *given_up.get(life)?))) {
                wish(redis::cmd("CLIENT").arg("KILL").arg("ID").arg(before))?;
                given_up.remove(life);
            }
        }
        Ok(Open { connection, life, number })
    }

    /// Drops a connection, and remembers that commands may be in flight on it.
    fn give_up(&mut self, shard: &Shard) {
        self.servers.suspect();
        let Some(open) = self.open.remove(&shard.name) else { return };
        if let (Some(given_up), Some(life), Some(number)) = (&mut self.given_up, open.life, open.number) {
            given_up.insert(life, number);
        }
    }
}

/// Returns the server to which an error redirects a request, and whether its key is only migrating there.
fn redirect(said: &ServerError, from: &ConnectionInfo) -> Option<(Arc<Shard>, bool)> {
    let is_asking = match said.kind()? {
        ServerErrorKind::Moved => false,
        ServerErrorKind::Ask => true,
        _ => return None,
    };
    let (_slot, address) = said.details()?.split_once(' ')?;
    let (host, port) = address.rsplit_once(':')?;
    Some((Arc::new(Shard::new(beside(from, host, port.parse().ok()?))), is_asking))
}

fn no_owner(slot: usize) -> StoreError {
    let source = format!(
        "no node of the cluster serves slot {slot}: its master is gone, and no replica has taken over"
    );
    StoreError::Unreachable { source: source.into() }
}

fn first_word(answer: Value) -> Option<String> {
    redis::from_redis_value(redis::from_redis_value::<Vec<Value>>(answer).ok()?.into_iter().next()?).ok()
}
