//! The result store in Redis, in the format of the system before Weir: one string key per row, written by
//! `SETEX`, then `SET` of the latest key and `PUBLISH`. Redis is one server, the master that sentinels name,
//! or a cluster.
//!
//! ```text
//! write ─► copy (embedded) ─► Link ─► server of each key
//!                              ▲ which servers there are: Servers, Topology
//! redis-check, every second: Guard gives back what a server has lost, Health says how the store is
//! redis-listen: hears what others write, and looks for their keys
//! ```
//!
//! Writes are also kept in an embedded store for a while, the copy. When a server returns empty (restarted
//! without its data, flushed) or with older data, it gets all lost rows back from the copy, as far as the
//! copy reaches; rows deleted since are deleted again.
//!
//! Invariant: each key holds the newest value that this process has written, or a newer one of another
//! writer. Batches go one after the other, also over several connections, and nothing else is written while
//! rows are restored.

mod address;
mod check;
mod connection;
mod guard;
mod health;
mod info;
mod keys;
mod known;
mod link;
mod mismatch;
mod reader;
mod servers;
mod slots;
mod watch;
mod watched;
mod write;

use std::collections::HashSet;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::Sender;
use parking_lot::{Condvar, Mutex};
use types::{Clock, Timestamp};

use super::followers::{Followers, HELD_BYTES_MAX};
use super::{EachStep, EmbeddedStore, Entry, Following, Interest, ResultStore, StoreError, WriteBatch, row};
use guard::Guard;
use health::Health;
use known::Known;
use link::Link;
use servers::Servers;
use watched::Watched;

/// The address of Redis, and the size of the copy of what is written there.
#[derive(Debug, Clone)]
pub struct Options {
    /// `redis://[user:password@]host[:port][/database]`, `rediss://…` for TLS, `unix:///path`,
    /// `redis-cluster://host[:port],…`, `redis-sentinel://host[:port],…/service[/database]`.
    pub url: String,
    /// Channel of the messages about changes, Weir's and those of others.
    pub channel: String,
    /// Prefix of the keys that others may write too.
    pub prefix: String,
    /// Maximum time for which the copy keeps a write. It should be longer than an outage of Redis.
    pub copy_for: Duration,
    /// Root certificates in PEM that are trusted instead of the system's.
    pub certificates: Option<Vec<u8>>,
    /// Limit of the changes that wait for a follower.
    pub follower_changes: usize,
}

impl Options {
    /// Checks the address and the certificates. Opens nothing.
    pub fn check(&self) -> Result<(), StoreError> {
        connection::install_cryptography();
        Servers::new(&self.url, self.certificates.clone()).map(drop)
    }
}

impl Default for Options {
    fn default() -> Options {
        Options {
            url: "redis://127.0.0.1:6379".to_owned(),
            channel: "analytics:updates".to_owned(),
            prefix: "analytics:".to_owned(),
            copy_for: Duration::from_secs(24 * 60 * 60),
            certificates: None,
            follower_changes: 256,
        }
    }
}

pub use reader::RedisReader;

/// Commands in one pipeline.
const PIPELINE_COMMANDS: usize = 1_000;
/// Time that a new follower waits until changes of others are received.
const HEARD_WITHIN: Duration = Duration::from_secs(2);

/// The result store in Redis. Dropping it closes it, as [`RedisStore::close`] does.
pub struct RedisStore {
    shared: Arc<Shared>,
    address: (String, String),
    /// Dropping the sender ends the threads.
    threads: Mutex<Option<Threads>>,
}

/// The threads, and the sender whose drop ends them.
type Threads = (Sender<()>, Vec<JoinHandle<()>>);

/// State that the store and its threads share.
struct Shared {
    options: Options,
    servers: Arc<Servers>,
    clock: Arc<dyn Clock>,
    /// Locked while a batch is written and published.
    writing: Mutex<Writing>,
    reading: Mutex<Link>,
    copy: EmbeddedStore,
    guard: Guard,
    /// Messages that this process published and has not received back yet.
    own: Mutex<watch::Own>,
    known: Mutex<Known>,
    watched: Watched,
    health: Health,
    /// Notified when changes of others are received.
    heard: Condvar,
}

struct Writing {
    link: Link,
    followers: Followers,
    hearing: Hearing,
}

impl Writing {
    /// Makes sure, on this writer's link, that Redis has all rows that it was given.
    fn make_sure(&mut self, shared: &Shared) -> Result<(), StoreError> {
        if !shared.guard.check(&mut self.link)? {
            self.fill(shared, None)?;
        }
        Ok(())
    }

    /// Gives Redis the rows that it lacks, over `link` or this writer's. Returns their number.
    fn fill(&mut self, shared: &Shared, link: Option<&mut Link>) -> Result<u64, StoreError> {
        let mut rows = 0;
        let link = link.unwrap_or(&mut self.link);
        let filled = shared.guard.fill(link, &shared.copy, &*shared.clock, &mut rows);
        if rows > 0 {
            // Followers may have loaded rows before all were restored.
            self.followers.dismiss();
        }
        filled.map(|()| rows)
    }
}

/// Whether messages of others are received. While they are not, a new follower has to load all rows again
/// later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hearing {
    /// Redis was not reachable yet, and only the copy is known.
    NotYet,
    Now,
    Lost,
    /// The subscription is refused: followers see only the writes of this process.
    Refused,
}

impl RedisStore {
    /// Returns the bytes held in memory by the copy and for followers.
    pub fn memory_bytes(&self) -> usize {
        let of_followers = self.shared.writing.try_lock();
        let of_followers = of_followers.map_or(HELD_BYTES_MAX, |mut writing| writing.followers.held_bytes());
        self.shared.copy.memory_bytes() + of_followers
    }

    /// Starts the threads; Redis need not be reachable yet. `copy` keeps the writes for a while.
    pub fn open(
        options: Options,
        copy: EmbeddedStore,
        clock: Arc<dyn Clock>,
    ) -> Result<RedisStore, StoreError> {
        connection::install_cryptography();
        let servers = Arc::new(Servers::new(&options.url, options.certificates.clone())?);
        let address = servers.deployment().first();

        let shared = Arc::new(Shared {
            writing: Mutex::new(Writing {
                link: Link::in_order(servers.clone()),
                followers: Followers::new(options.follower_changes),
                hearing: Hearing::NotYet,
            }),
            reading: Mutex::new(Link::new(servers.clone())),
            guard: Guard::new(&copy, options.copy_for)?,
            own: Mutex::default(),
            known: Mutex::default(),
            watched: Watched::default(),
            health: Health::default(),
            heard: Condvar::new(),
            options,
            servers,
            clock,
            copy,
        });

        let (stop, stopped) = crossbeam_channel::bounded(0);
        let start = |name: &str, run: fn(&Shared, &crossbeam_channel::Receiver<()>)| {
            let (shared, stopped) = (shared.clone(), stopped.clone());
            let thread =
                std::thread::Builder::new().name(name.to_owned()).spawn(move || run(&shared, &stopped));
            thread.map_err(|source| StoreError::Storage {
                doing: "starting a thread",
                source: Box::new(source),
            })
        };
        let threads = vec![start("redis-listen", watch::listen)?, start("redis-check", check::check)?];
        Ok(RedisStore { shared, address, threads: Mutex::new(Some((stop, threads))) })
    }

    /// Ends the threads and the followers' queues.
    pub fn close(&self) {
        if let Some((stop, threads)) = self.threads.lock().take() {
            drop(stop);
            for thread in threads {
                if thread.join().is_err() {
                    tracing::error!("a thread of the result store had panicked");
                }
            }
        }
        self.shared.writing.lock().followers.dismiss();
        self.shared.copy.close();
    }
}

impl Drop for RedisStore {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// Makes sure that Redis has all rows that it was given and takes more. Returns how many rows were
    /// restored.
    fn give_back(&self, link: &mut Link) -> Result<u64, StoreError> {
        if self.guard.check(link)? {
            return Ok(0);
        }
        self.writing.lock().fill(self, Some(link))
    }

    fn know(&self, keys: impl Iterator<Item = impl AsRef<[u8]>>) {
        self.known.lock().add(keys.map(|key| hash(key.as_ref())));
    }
}

fn hash(key: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(key)
}

impl ResultStore for RedisStore {
    fn write(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        let shared = &*self.shared;
        batch.keys().try_for_each(|key| row::check_key(key))?;

        let mut writing = shared.writing.lock();
        let writing = &mut *writing;
        let written = (|| {
            if writing.link.is_new() {
                match writing.make_sure(shared) {
                    // A refused marker says nothing about the right to write rows. The heartbeat reports it.
                    Ok(()) | Err(StoreError::Refused { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            // Before Redis: should Redis be emptied now, rows are restored from the copy.
            shared.keep(batch)?;
            write::put(shared, &mut writing.link, batch)
        })();
        shared.health.wrote(&written, shared.clock.elapsed());
        if let Some(told) = written? {
            shared.health.told(&told, shared.clock.elapsed());
        }

        let now = shared.clock.now();
        shared.know(batch.upserts.iter().map(|upsert| upsert.key.as_bytes()));
        shared.known.lock().remove(batch.deletes.iter().map(|key| hash(key.as_bytes())));
        if !writing.followers.is_empty() {
            writing.followers.tell(batch.change(now));
        }
        Ok(())
    }

    /// Redis has answered every write. Its persistence is its own matter; the copy makes up for it.
    fn flush(&self) -> Result<(), StoreError> {
        self.shared.copy.flush()
    }

    fn get(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        row::check_key(key)?;
        let now = self.shared.clock.now();
        let mut link = self.shared.reading.lock();
        Ok(keys::fetch(&mut link, &[key.to_owned()], now)?.pop())
    }

    fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Entry>>, StoreError> {
        keys.iter().try_for_each(|key| row::check_key(key))?;
        let shared = &*self.shared;
        let mut link = shared.reading.lock();
        if link.is_new() {
            // A server that returned empty would seem to have no rows under these keys.
            match shared.give_back(&mut link) {
                Ok(_) | Err(StoreError::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
        }

        let mut found = keys::fetch(&mut link, keys, shared.clock.now())?.into_iter().peekable();
        // The found rows come in the order of the keys.
        Ok(keys.iter().map(|key| found.next_if(|entry| *entry.key == **key)).collect())
    }

    fn watch(&self, interests: Vec<Interest>) {
        self.shared.watched.set(interests);
    }

    fn scan_any(&self, prefixes: &[String], each: &mut EachStep<'_>) -> Result<(), StoreError> {
        let shared = &*self.shared;
        // A connection of its own, since a scan takes long and others read meanwhile.
        let mut link = Link::new(shared.servers.clone());
        let mut given = HashSet::new();
        let scanned = keys::keys(&mut link, prefixes, |link, mut found| {
            found.retain(|key| given.insert(hash(key.as_bytes())));
            shared.know(found.iter());
            Ok(each(shared.fetch_watched(link, found)?.entries))
        });
        match scanned {
            // Until Redis is reachable for the first time, the copy is better than nothing.
            Err(StoreError::Unreachable { .. } | StoreError::Refused { .. })
                if given.is_empty() && shared.writing.lock().hearing == Hearing::NotYet =>
            {
                guard::scan(&shared.copy, prefixes, each)
            }
            scanned => scanned,
        }
    }

    fn follow(&self) -> Result<Following, StoreError> {
        let mut writing = self.shared.writing.lock();
        let may_hear_soon =
            |writing: &mut Writing| matches!(writing.hearing, Hearing::NotYet | Hearing::Lost);
        if may_hear_soon(&mut writing) {
            self.shared.heard.wait_while_for(&mut writing, may_hear_soon, HEARD_WITHIN);
        }
        if writing.hearing == Hearing::Lost {
            self.shared.health.answer(self.shared.clock.elapsed())?;
            let source = "it sends no notifications".into();
            return Err(StoreError::Unreachable { source });
        }
        Ok(writing.followers.add())
    }

    fn address(&self) -> (String, String) {
        self.address.clone()
    }

    /// Returns the outcome of the last check, a second ago at most.
    fn ping(&self) -> Result<(), StoreError> {
        // The copy first: waiting does not mend a copy that refuses writes, whatever Redis says.
        self.shared.copy.ping()?;
        self.shared.health.answer(self.shared.clock.elapsed())
    }

    fn remark(&self) -> Option<String> {
        let remark = self.shared.health.remark(self.shared.clock.elapsed());
        remark.or_else(|| self.shared.servers.sentinels_away())
    }
}

impl Shared {
    /// Stores a batch's rows and deletions in the copy.
    fn keep(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        let (now, copy_for) = (self.clock.now(), self.options.copy_for);
        let rows = batch.upserts.iter().map(|of| (&of.key, &*of.value, row::expires(now, of.ttl)));
        let deleted = batch.deletes.iter().map(|key| (key, &b""[..], guard::DELETED));
        let latest = batch
            .notification
            .iter()
            .filter_map(|told| Some((batch.latest_key()?, told.time.as_bytes(), row::NEVER)));
        guard::keep(&self.copy, rows.chain(deleted).chain(latest), now, copy_for)
    }
}

/// Returns the remaining life at `now`; `None` if it has expired.
fn life(expires: Timestamp, now: Timestamp) -> Option<Duration> {
    u64::try_from(expires.0.saturating_sub(now.0)).ok().filter(|ms| *ms > 0).map(Duration::from_millis)
}
