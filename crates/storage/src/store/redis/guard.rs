//! What was written, kept beside Redis, and given back when Redis has lost it.
//!
//! Whether it has is told by a set in Redis, `weir:stores`, of the names of all copies that it was filled from: a Redis
//! that does not know this copy's name is new, or empty. The copy holds each row with when it expires in Redis (8 bytes
//! big endian, milliseconds since 1970) before its value.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use redis::Pipeline;
use types::{Clock, Timestamp};

use super::keys::seconds;
use super::link::Link;
use super::{PIPELINE_COMMANDS, life};
use crate::store::row::{self, NEVER};
use crate::store::{EmbeddedStore, Entry, ResultStore as _, StoreError, Upsert, WriteBatch};

/// In Redis: the names of copies.
const STORES: &str = "weir:stores";
/// In the copy: its own name.
const NAME: &str = "weir:name";
/// As long as anything lasts.
const AGES: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// After rows were given back, so many times as long as that took nothing is: one that evicts what it is given would be
/// kept busy with nothing else.
const REST: u32 = 10;

pub(super) struct Guard {
    name: String,
    /// When rows may be given back. Held while they are: once is enough.
    not_before: Mutex<Duration>,
}

impl Guard {
    pub fn new(copy: &EmbeddedStore) -> Result<Guard, StoreError> {
        let known = copy.get(NAME)?.and_then(|entry| String::from_utf8(entry.value.to_vec()).ok());
        let name = match known {
            Some(name) => name,
            None => {
                let name = format!("{:016x}", RandomState::new().hash_one(0));
                let value = Arc::from(name.as_bytes());
                let upserts = vec![Upsert { key: NAME.into(), value, ttl: AGES }];
                copy.write(&WriteBatch { upserts, notification: None })?;
                copy.flush()?;
                name
            }
        };
        Ok(Guard { name, not_before: Mutex::default() })
    }

    /// Makes sure that Redis holds what the copy does, and takes writes. Returns how many rows had to be given back.
    pub fn check(&self, link: &mut Link, copy: &EmbeddedStore, clock: &dyn Clock) -> Result<u64, StoreError> {
        if self.is_known(link)? {
            // Changes nothing, and is refused for every reason for which a row is.
            self.make_known(link)?;
            return Ok(0);
        }
        let mut not_before = self.not_before.lock();
        let began = clock.elapsed();
        if self.is_known(link)? || began < *not_before {
            return Ok(0);
        }
        let now = clock.now();
        let (rows, oldest) = give_back(link, copy, now)?;
        self.make_known(link)?;
        let ended = clock.elapsed();
        *not_before = ended + ended.saturating_sub(began) * REST;
        if rows > 0 {
            let back = Duration::from_millis(u64::try_from(now.0.saturating_sub(oldest)).unwrap_or(0));
            tracing::warn!(
                rows,
                ?back,
                "the result store had lost its rows and was given them back from the copy"
            );
        }
        Ok(rows)
    }

    fn is_known(&self, link: &mut Link) -> Result<bool, StoreError> {
        link.run(|connection| redis::cmd("SISMEMBER").arg(STORES).arg(&self.name).query(connection))
    }

    fn make_known(&self, link: &mut Link) -> Result<(), StoreError> {
        link.run(|connection| redis::cmd("SADD").arg(STORES).arg(&self.name).query(connection))
    }
}

/// Keeps rows in the copy, at most for `copy_for`: each a key, its value, and when it expires in Redis.
pub(super) fn keep<'a>(
    copy: &EmbeddedStore,
    rows: impl Iterator<Item = (&'a Arc<str>, &'a [u8], Timestamp)>,
    now: Timestamp,
    copy_for: Duration,
) -> Result<(), StoreError> {
    let upserts = rows.map(|(key, value, expires)| Upsert {
        key: key.clone(),
        value: Arc::from(row::encode(expires, value)),
        ttl: life(expires, now).unwrap_or_default().min(copy_for),
    });
    copy.write(&WriteBatch { upserts: upserts.collect(), notification: None })
}

/// The rows of the copy whose keys begin with a prefix, as they are in Redis.
pub(super) fn scan(
    copy: &EmbeddedStore,
    prefix: &str,
    each: &mut dyn FnMut(Entry) -> bool,
) -> Result<(), StoreError> {
    copy.scan(prefix, &mut |kept| match row::decode(&kept.value).filter(|_| &*kept.key != NAME) {
        Some((expires, value)) => each(Entry { key: kept.key.clone(), value: Arc::from(value), expires }),
        None => true,
    })
}

/// Writes all rows of the copy that Redis lacks. Returns how many the copy holds, and when the oldest was written at the
/// latest.
fn give_back(link: &mut Link, copy: &EmbeddedStore, now: Timestamp) -> Result<(u64, i64), StoreError> {
    let (mut rows, mut oldest) = (0, now.0);
    let mut pipeline = Pipeline::with_capacity(PIPELINE_COMMANDS);
    let mut waiting = 0;
    let mut outcome = Ok(());
    copy.scan("", &mut |entry| {
        let Some((expires, value)) = row::decode(&entry.value).filter(|_| &*entry.key != NAME) else {
            return true;
        };
        let Some(left) = life(expires, now) else { return true };
        let set = pipeline.cmd("SET").arg(&*entry.key).arg(value).arg("NX");
        if expires == NEVER { set } else { set.arg("EX").arg(seconds(left)) }.ignore();
        (rows, waiting) = (rows + 1, waiting + 1);
        oldest = oldest.min(entry.expires.0);
        if waiting == PIPELINE_COMMANDS {
            outcome = link.pipe(&pipeline);
            pipeline.clear();
            waiting = 0;
        }
        outcome.is_ok()
    })?;
    outcome?;
    if waiting > 0 {
        link.pipe(&pipeline)?;
    }
    Ok((rows, oldest))
}
