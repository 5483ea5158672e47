//! The map of keys to servers.
//!
//! A cluster divides its keys into 16,384 slots: the CRC16 (XMODEM) of the key, or of the text in its first
//! `{…}`. Each slot belongs to one master, and moves to another when the cluster is resharded or a replica
//! takes over. A single server is a topology of one shard without slots.
//!
//! Each shard has a marker, a key that tells from which copies the shard was filled (`guard.rs`). The marker
//! has to lie on its own shard, so its name holds a tag of one of the shard's slots: `weir:stores:{18104}`.
//! Of all its slots, the shard takes the one whose hash with the shard's name is the least, so that the
//! marker stays the same while other slots come and go.
//!
//! Format of `CLUSTER SLOTS`: <https://redis.io/docs/latest/commands/cluster-slots/>.

use std::sync::Arc;

use redis::{ConnectionInfo, Value};

use super::address::at;

const SLOTS: usize = 16_384;
/// Owner of a slot that no shard holds.
const NOBODY: u16 = u16::MAX;
/// Marker of a server outside a cluster, and prefix of all others.
const MARKER: &str = "weir:stores";

/// A server that takes writes.
#[derive(Debug, Clone)]
pub(super) struct Shard {
    /// Address of the server, for messages and as its identity.
    pub name: Arc<str>,
    pub info: ConnectionInfo,
    /// Key of the shard's marker.
    pub marker: Arc<str>,
}

/// The servers, and the owner of each key.
#[derive(Debug)]
pub(super) struct Topology {
    shards: Vec<Arc<Shard>>,
    /// The index in `shards` of each slot's owner; `None` where one server holds all keys.
    owners: Option<Vec<u16>>,
    replicas: Vec<ConnectionInfo>,
}

impl Shard {
    pub fn new(info: ConnectionInfo) -> Shard {
        Shard { name: info.addr().to_string().into(), info, marker: MARKER.into() }
    }
}

impl Topology {
    /// Returns a topology of one server that holds all keys.
    pub fn one(info: ConnectionInfo) -> Topology {
        Topology { shards: vec![Arc::new(Shard::new(info))], owners: None, replicas: Vec::new() }
    }

    /// Decodes the answer of `via` to `CLUSTER SLOTS`. `None` where the answer is malformed.
    pub fn of_cluster(answer: Value, via: &ConnectionInfo, before: Option<&Topology>) -> Option<Topology> {
        let mut found = Topology { shards: Vec::new(), owners: None, replicas: Vec::new() };
        let mut owners = vec![NOBODY; SLOTS];

        for range in redis::from_redis_value::<Vec<Value>>(answer).ok()? {
            let mut parts = redis::from_redis_value::<Vec<Value>>(range).ok()?.into_iter();
            let mut number = || redis::from_redis_value::<usize>(parts.next()?).ok();
            let (first, last) = (number()?, number()?);
            let mut nodes = parts.map(|node| node_info(node, via));
            let master = found.place_of(nodes.next()??);
            owners.get_mut(first..=last)?.fill(master);
            found.replicas.extend(nodes.flatten());
        }

        found.owners = Some(owners);
        match before.filter(|before| before.is_like(&found)) {
            // Compute markers only when slots have moved, not every second.
            Some(before) => found.shards.clone_from(&before.shards),
            None => found.mark(),
        }
        Some(found)
    }

    fn place_of(&mut self, info: ConnectionInfo) -> u16 {
        let shard = Shard::new(info);
        let place = self.shards.iter().position(|known| known.name == shard.name).unwrap_or_else(|| {
            self.shards.push(Arc::new(shard));
            self.shards.len() - 1
        });
        u16::try_from(place).unwrap_or(NOBODY)
    }

    /// Sets the marker of each shard.
    fn mark(&mut self) {
        let Some(owners) = &self.owners else { return };
        for (place, shard) in self.shards.iter_mut().enumerate() {
            let weight =
                |slot: &usize| xxhash_rust::xxh3::xxh3_64_with_seed(shard.name.as_bytes(), *slot as u64);
            let own = (0..SLOTS).filter(|slot| usize::from(owners[*slot]) == place);
            if let Some(slot) = own.min_by_key(weight) {
                let marker = format!("{MARKER}:{{{}}}", tag(slot)).into();
                *shard = Arc::new(Shard { marker, ..Shard::clone(shard) });
            }
        }
    }

    pub fn is_cluster(&self) -> bool {
        self.owners.is_some()
    }

    pub fn shards(&self) -> &[Arc<Shard>] {
        &self.shards
    }

    pub fn replicas(&self) -> &[ConnectionInfo] {
        &self.replicas
    }

    /// Returns whether both have the same shards with the same slots.
    pub fn is_like(&self, other: &Topology) -> bool {
        let names = self.shards.iter().map(|shard| &shard.name);
        names.eq(other.shards.iter().map(|shard| &shard.name)) && self.owners == other.owners
    }

    /// Returns whether a server of this name takes writes.
    pub fn has(&self, name: &str) -> bool {
        self.shards.iter().any(|shard| &*shard.name == name)
    }

    /// Returns the index of the shard that holds a key; fails with the slot where no shard holds it.
    pub fn owner(&self, key: &str) -> Result<usize, usize> {
        let Some(owners) = &self.owners else { return Ok(0) };
        let slot = slot(key.as_bytes());
        let place = usize::from(owners[slot]);
        if place < self.shards.len() { Ok(place) } else { Err(slot) }
    }
}

/// Decodes `[host, port, id, …]`. The host is null or empty where it is the host that was asked.
fn node_info(node: Value, via: &ConnectionInfo) -> Option<ConnectionInfo> {
    let mut parts = redis::from_redis_value::<Vec<Value>>(node).ok()?.into_iter();
    let host: Option<String> = redis::from_redis_value(parts.next()?).ok()?;
    let port: u16 = redis::from_redis_value(parts.next()?).ok()?;
    Some(beside(via, host.as_deref().unwrap_or_default(), port))
}

/// Returns the settings of a node that `via` names. A node without a host is on the same host as `via`.
pub(super) fn beside(via: &ConnectionInfo, host: &str, port: u16) -> ConnectionInfo {
    match (host, via.addr()) {
        ("" | "?", redis::ConnectionAddr::Tcp(host, _)) => at(via, host, port),
        ("" | "?", redis::ConnectionAddr::TcpTls { host, .. }) => at(via, host, port),
        (host, _) => at(via, host, port),
    }
}

/// Returns the slot of a key.
fn slot(key: &[u8]) -> usize {
    let tagged = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let behind = &key[open + 1..];
        let close = behind.iter().position(|byte| *byte == b'}')?;
        Some(&behind[..close]).filter(|tag| !tag.is_empty())
    });
    usize::from(crc16(tagged.unwrap_or(key))) % SLOTS
}

/// Returns the least number whose slot is `wanted`.
fn tag(wanted: usize) -> String {
    (0_u32..).map(|number| number.to_string()).find(|tag| slot(tag.as_bytes()) == wanted).unwrap_or_default()
}

/// Returns the CRC16 with the polynomial 0x1021, as XMODEM uses it.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| (crc << 8) ^ CRC16[usize::from((crc >> 8) ^ u16::from(*byte))])
}

const CRC16: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use redis::IntoConnectionInfo as _;

    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn range(first: i64, last: i64, nodes: &[(Value, i64)]) -> Value {
        let nodes = nodes.iter().map(|(host, port)| {
            Value::Array(vec![host.clone(), Value::Int(*port), text("id"), Value::Array(Vec::new())])
        });
        Value::Array([Value::Int(first), Value::Int(last)].into_iter().chain(nodes).collect())
    }

    fn topology(ranges: Vec<Value>) -> Topology {
        let via = "redis://u:p@seed:7000".into_connection_info().unwrap();
        Topology::of_cluster(Value::Array(ranges), &via, None).expect("an answer")
    }

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        // As `CLUSTER KEYSLOT` answers.
        assert_eq!([slot(b"foo"), slot(b"bar"), slot(b"hello")], [12182, 5061, 866]);
        assert_eq!(slot(b"a{foo}b"), slot(b"foo"));
        assert_eq!(slot(b"{}foo"), usize::from(crc16(b"{}foo")) % SLOTS);
        assert_eq!(slot(tag(777).as_bytes()), 777);
    }

    #[test]
    fn a_key_belongs_to_the_master_of_its_slot() {
        let found = topology(vec![
            range(0, 5_460, &[(text("a"), 1), (text("b"), 2)]),
            range(5_461, 12_181, &[(Value::Nil, 3)]),
            range(12_182, 16_000, &[(text("a"), 1)]),
        ]);
        let names: Vec<&str> = found.shards().iter().map(|shard| &*shard.name).collect();
        assert_eq!(names, ["a:1", "seed:3"]);
        assert_eq!([found.owner("foo"), found.owner("hello"), found.owner("{bar}")], [Ok(0), Ok(0), Ok(0)]);
        assert_eq!(found.owner(&format!("{{{}}}", tag(6_000))), Ok(1));
        assert_eq!(found.owner(&tag(16_001)), Err(16_001));
        assert_eq!(found.replicas().len(), 1);
        assert_eq!(found.shards()[1].info.redis_settings().username(), Some("u"));
    }

    #[test]
    fn a_marker_lies_on_its_shard_and_stays_while_other_slots_move() {
        let before =
            topology(vec![range(0, 8_191, &[(text("a"), 1)]), range(8_192, 16_383, &[(text("b"), 2)])]);
        for (place, shard) in before.shards().iter().enumerate() {
            assert_eq!(before.owner(&shard.marker), Ok(place), "{}", shard.marker);
        }
        let marked = slot(before.shards()[0].marker.as_bytes()) as i64;
        let moved = if marked == 0 { 1 } else { 0 };
        let rest = [range(moved, moved, &[(text("b"), 2)]), range(8_192, 16_383, &[(text("b"), 2)])];
        let own = if moved == 0 {
            vec![range(1, 8_191, &[(text("a"), 1)])]
        } else {
            vec![range(0, 0, &[(text("a"), 1)]), range(2, 8_191, &[(text("a"), 1)])]
        };
        let after = topology(own.into_iter().chain(rest).collect());
        assert_eq!(after.shards()[0].marker, before.shards()[0].marker);
        assert!(!after.is_like(&before));
    }

    #[test]
    fn an_answer_that_is_none_is_not_taken() {
        let via = "redis://seed".into_connection_info().unwrap();
        for answer in [
            Value::Okay,
            Value::Array(vec![Value::Int(1)]),
            Value::Array(vec![range(0, 99_999, &[(text("a"), 1)])]),
        ] {
            assert!(Topology::of_cluster(answer, &via, None).is_none());
        }
    }
}
