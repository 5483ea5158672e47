//! The result store on a Redis server, as the system before Weir wrote and read it: a string key a row, `SETEX` with its
//! life, then `SET` of the latest key and `PUBLISH`.
//!
//! What is written is also kept in an embedded store for a while. When Redis comes back empty (restarted without its
//! data, flushed) or older than it was, it gets from there all that it has lost, as far back as that copy reaches.

mod guard;
mod info;
mod keys;
mod known;
mod link;
mod standing;
mod watch;

use std::collections::HashSet;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::Sender;
use parking_lot::{Condvar, Mutex};
use redis::{Client, ConnectionAddr, Pipeline, TlsCertificates};
use types::{Clock, Timestamp};

use super::followers::Followers;
use super::{
    Change, EmbeddedStore, Entry, Following, Notification, ResultStore, StoreError, Upsert, WriteBatch, row,
};
use guard::Guard;
use keys::seconds;
use known::Known;
use link::Link;
use standing::Standing;

/// How to reach Redis, and what to keep of what is written there.
#[derive(Debug, Clone)]
pub struct Options {
    /// `redis://[user:password@]host[:port][/database]`, `rediss://…` for TLS, `unix:///path`.
    pub url: String,
    /// Where changes are told, ours and those of others.
    pub channel: String,
    /// The keys that others may write too.
    pub prefix: String,
    /// What is written is kept here for so long too, at most; longer than Redis may be gone.
    pub copy_for: Duration,
    /// Certificates of authorities in PEM that are trusted instead of the system's.
    pub certificates: Option<Vec<u8>>,
    /// Changes that wait for a follower, at most.
    pub follower_changes: usize,
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

/// Commands in one pipeline.
const PIPELINE_COMMANDS: usize = 1_000;
/// How long a follower waits until changes of others are heard.
const HEARD_WITHIN: Duration = Duration::from_secs(2);

/// The result store on Redis. Dropping it is [`RedisStore::close`].
pub struct RedisStore {
    shared: Arc<Shared>,
    address: (String, String),
    /// Ends the threads when it is dropped.
    threads: Mutex<Option<Threads>>,
}

/// Threads, and what ends them when it is dropped.
type Threads = (Sender<()>, Vec<JoinHandle<()>>);

/// What the store and its threads share.
struct Shared {
    options: Options,
    client: Client,
    clock: Arc<dyn Clock>,
    /// Held while a batch is written and told.
    writing: Mutex<Writing>,
    reading: Mutex<Link>,
    copy: EmbeddedStore,
    guard: Guard,
    /// What this process published and has not heard back yet.
    own: Mutex<watch::Own>,
    known: Mutex<Known>,
    standing: Standing,
    /// Tells that changes of others are heard.
    heard: Condvar,
}

struct Writing {
    link: Link,
    followers: Followers,
    hearing: Hearing,
}

impl Writing {
    /// Gives Redis what it lacks, over a link or our own. Returns how many rows that were.
    fn fill(&mut self, shared: &Shared, link: Option<&mut Link>) -> Result<u64, StoreError> {
        let rows = shared.guard.fill(link.unwrap_or(&mut self.link), &shared.copy, &*shared.clock)?;
        if rows > 0 {
            // What they have loaded may be what was there before all was back.
            self.followers.dismiss();
        }
        Ok(rows)
    }
}

/// Whether messages of others are heard: whoever follows while they are not has to look through everything again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hearing {
    /// Not once: Redis was not there yet, and only the copy is known.
    NotYet,
    Now,
    Lost,
}

impl RedisStore {
    /// Starts its threads; Redis need not be there yet. `copy`: where to keep what is written for a while.
    pub fn open(
        options: Options,
        copy: EmbeddedStore,
        clock: Arc<dyn Clock>,
    ) -> Result<RedisStore, StoreError> {
        // Once in a process; that somebody else did is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let wrong = |error: redis::RedisError| StoreError::Address { message: error.to_string() };
        let client = match &options.certificates {
            None => Client::open(options.url.as_str()),
            Some(root) => {
                let tls = TlsCertificates { client_tls: None, root_cert: Some(root.clone()) };
                Client::build_with_tls(options.url.as_str(), tls)
            }
        };
        let client = client.map_err(wrong)?;
        let address = match client.get_connection_info().addr() {
            ConnectionAddr::Tcp(host, port) => (host.clone(), port.to_string()),
            ConnectionAddr::TcpTls { host, port, .. } => (host.clone(), port.to_string()),
            ConnectionAddr::Unix(path) => (path.display().to_string(), "0".to_owned()),
            _ => (options.url.clone(), "0".to_owned()),
        };
        let shared = Arc::new(Shared {
            writing: Mutex::new(Writing {
                link: Link::in_order(client.clone()),
                followers: Followers::new(options.follower_changes),
                hearing: Hearing::NotYet,
            }),
            reading: Mutex::new(Link::new(client.clone())),
            guard: Guard::new(&copy, options.copy_for)?,
            own: Mutex::default(),
            known: Mutex::default(),
            standing: Standing::default(),
            heard: Condvar::new(),
            options,
            client,
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
        let threads = vec![start("redis-listen", watch::listen)?, start("redis-check", watch::check)?];
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
    /// Writes a batch, whole or in part: what was written is written again with the rest.
    fn put(&self, link: &mut Link, batch: &WriteBatch) -> Result<(), StoreError> {
        for upserts in batch.upserts.chunks(PIPELINE_COMMANDS) {
            let mut pipeline = Pipeline::with_capacity(upserts.len());
            for Upsert { key, value, ttl } in upserts {
                pipeline.cmd("SETEX").arg(&**key).arg(seconds(*ttl)).arg(&**value);
            }
            link.pipe(&pipeline)?;
        }
        let Some(told) = &batch.notification else { return Ok(()) };
        let mut pipeline = Pipeline::with_capacity(2);
        if let Some(key) = told.latest_key() {
            pipeline.cmd("SET").arg(&**key).arg(&*told.time);
        }
        let message = message(told);
        pipeline.cmd("PUBLISH").arg(&*told.channel).arg(&message);
        let listens = *told.channel == *self.options.channel;
        if listens {
            self.own.lock().sent(&message);
        }
        link.pipe(&pipeline).inspect_err(|_| {
            if listens {
                self.own.lock().heard(message.as_bytes());
            }
        })
    }

    /// Makes sure that Redis has what it was given and takes more. Returns how many rows it was given back.
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

/// `{"type", "timestamp", "count"}`.
fn message(told: &Notification) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    format!(r#"{{"type": {}, "timestamp": {}, "count": {}}}"#, text(&told.kind), text(&told.time), told.count)
}

fn hash(key: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(key)
}

impl ResultStore for RedisStore {
    fn write(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        let shared = &*self.shared;
        let keys = batch.upserts.iter().map(|upsert| &upsert.key);
        keys.clone().try_for_each(|key| row::check_key(key))?;
        let mut writing = shared.writing.lock();
        let writing = &mut *writing;
        let written = (|| {
            if writing.link.is_new() && !shared.guard.check(&mut writing.link)? {
                writing.fill(shared, None)?;
            }
            // Before Redis has it: should Redis be emptied now, what is given back is read from the copy.
            shared.keep(batch)?;
            shared.put(&mut writing.link, batch)
        })();
        shared.standing.found(&written);
        written?;
        let now = shared.clock.now();
        shared.know(keys.map(|key| key.as_bytes()));
        if !writing.followers.is_empty() {
            let entries = batch.upserts.iter().map(|upsert| Entry {
                key: upsert.key.clone(),
                value: upsert.value.clone(),
                expires: row::expires(now, upsert.ttl),
            });
            let entries = entries.collect();
            writing.followers.tell(Change { entries, notification: batch.notification.clone() });
        }
        Ok(())
    }

    /// Redis answered every write. What it keeps over a restart is its own to decide; the copy makes up for it.
    fn flush(&self) -> Result<(), StoreError> {
        self.shared.copy.flush()
    }

    fn get(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        row::check_key(key)?;
        let now = self.shared.clock.now();
        let mut link = self.shared.reading.lock();
        Ok(keys::fetch(&mut link, &[key.to_owned()], now)?.pop())
    }

    fn scan(&self, prefix: &str, each: &mut dyn FnMut(Entry) -> bool) -> Result<(), StoreError> {
        let shared = &*self.shared;
        // A connection of its own: it takes a while, and others read meanwhile.
        let mut link = Link::new(shared.client.clone());
        let mut given = HashSet::new();
        let scanned = keys::keys(&mut link, prefix, |link, mut found| {
            found.retain(|key| given.insert(hash(key.as_bytes())));
            shared.know(found.iter());
            Ok(keys::fetch(link, &found, shared.clock.now())?.into_iter().all(&mut *each))
        });
        match scanned {
            // What is in the copy is better than nothing, until Redis is there for the first time.
            Err(StoreError::Unreachable { .. })
                if given.is_empty() && shared.writing.lock().hearing == Hearing::NotYet =>
            {
                guard::scan(&shared.copy, prefix, each)
            }
            scanned => scanned,
        }
    }

    fn follow(&self) -> Result<Following, StoreError> {
        let mut writing = self.shared.writing.lock();
        if writing.hearing != Hearing::Now {
            let hears_nothing = |writing: &mut Writing| writing.hearing != Hearing::Now;
            self.shared.heard.wait_while_for(&mut writing, hears_nothing, HEARD_WITHIN);
        }
        if writing.hearing == Hearing::Lost {
            self.shared.standing.answer()?;
            let source = "no changes are heard from it".into();
            return Err(StoreError::Unreachable { source });
        }
        Ok(writing.followers.add())
    }

    fn address(&self) -> (String, String) {
        self.address.clone()
    }

    /// As the last look at it said, a second ago at most.
    fn ping(&self) -> Result<(), StoreError> {
        self.shared.standing.answer()?;
        self.shared.copy.ping()
    }

    fn remark(&self) -> Option<String> {
        self.shared.standing.remark(self.shared.clock.elapsed())
    }
}

impl Shared {
    /// Keeps what Redis has taken.
    fn keep(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        let (now, copy_for) = (self.clock.now(), self.options.copy_for);
        let rows = batch.upserts.iter().map(|of| (&of.key, &*of.value, row::expires(now, of.ttl)));
        let latest = batch
            .notification
            .iter()
            .filter_map(|told| Some((told.latest_key()?, told.time.as_bytes(), row::NEVER)));
        guard::keep(&self.copy, rows.chain(latest), now, copy_for)
    }
}

/// How long something stands that expires then; `None` if it has expired.
fn life(expires: Timestamp, now: Timestamp) -> Option<Duration> {
    u64::try_from(expires.0.saturating_sub(now.0)).ok().filter(|ms| *ms > 0).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_what_the_contract_says() {
        let told = Notification {
            channel: "c".into(),
            latest_key: "l".into(),
            kind: "fa\"culty".into(),
            time: "2025-12-09T11:30:00".into(),
            count: 3,
        };
        let expected = r#"{"type": "fa\"culty", "timestamp": "2025-12-09T11:30:00", "count": 3}"#;
        assert_eq!(message(&told), expected);
    }
}
