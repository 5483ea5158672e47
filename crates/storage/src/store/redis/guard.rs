//! What was written, kept beside Redis, and given back when Redis has lost it.
//!
//! Whether it has is told by a set in Redis, `weir:stores`, of the names of all copies that it was filled from, each with
//! the life of the server in which it was, `name@run_id`. A Redis that does not know this copy's name is new, or empty; one
//! that knows it from another life was started again with what it had kept, or is the replica of one, and may have fallen
//! behind. The copy holds each row with when it expires in Redis (8 bytes
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

/// In Redis: the names of copies, each with a life of the server.
const STORES: &str = "weir:stores";
/// In the copy: its own name.
const NAME: &str = "weir:name";
/// As long as anything lasts.
const AGES: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// After rows were given back, so many times as long as that took nothing is: one that evicts what it is given would be
/// kept busy with nothing else.
const REST: u32 = 10;

/// Which server is to be left alone for a while.
#[derive(Default)]
struct Rest {
    /// This copy, in the life of the server that was given rows last.
    name: String,
    until: Duration,
}

pub(super) struct Guard {
    name: String,
    /// How long the copy keeps a row, at most.
    copy_for: Duration,
    /// Held while rows are given back: once is enough.
    rest: Mutex<Rest>,
}

impl Guard {
    pub fn new(copy: &EmbeddedStore, copy_for: Duration) -> Result<Guard, StoreError> {
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
        Ok(Guard { name, copy_for, rest: Mutex::default() })
    }

    /// Makes sure that Redis is the one that was filled last, and takes writes: false where [`Guard::fill`] has to.
    pub fn check(&self, link: &mut Link) -> Result<bool, StoreError> {
        let name = self.name_in(link)?;
        let is_known = is_known(link, &name)?;
        if is_known {
            // Changes nothing, and is refused for every reason for which a row is.
            make_known(link, &name)?;
        }
        Ok(is_known)
    }

    /// Gives Redis what it lacks of the copy. Returns how many rows the copy holds, and 0 where nothing was to do. Nothing
    /// else may be written meanwhile: it would be taken back.
    pub fn fill(&self, link: &mut Link, copy: &EmbeddedStore, clock: &dyn Clock) -> Result<u64, StoreError> {
        let mut rest = self.rest.lock();
        let began = clock.elapsed();
        let name = self.name_in(link)?;
        // One that was started again has not evicted anything.
        if is_known(link, &name)? || (name == rest.name && began < rest.until) {
            return Ok(0);
        }
        let stores: Vec<String> =
            link.run(|connection| redis::cmd("SMEMBERS").arg(STORES).query(connection))?;
        let lives: Vec<&String> = stores.iter().filter(|store| self.is_name(store)).collect();
        let what = if lives.is_empty() { Lacks::All } else { Lacks::Latest };
        let now = clock.now();
        let (rows, oldest) = give_back(link, copy, now, self.copy_for, what)?;
        make_known(link, &name)?;
        if !lives.is_empty() {
            link.run(|connection| {
                redis::cmd("SREM").arg(STORES).arg(&lives).query::<redis::Value>(connection)
            })?;
        }
        let ended = clock.elapsed();
        *rest = Rest { name, until: ended + ended.saturating_sub(began) * REST };
        if rows > 0 {
            let reaches_back =
                Duration::from_secs(now.0.saturating_sub(oldest.0).max(0).unsigned_abs() / 1_000);
            match what {
                Lacks::All => tracing::warn!(
                    rows,
                    ?reaches_back,
                    "the result store had lost its rows and was given them back from the copy"
                ),
                Lacks::Latest => tracing::info!(
                    rows,
                    ?reaches_back,
                    "the result store was started again, or is another one of the same rows, and was given those of the copy, lest it had fallen behind"
                ),
            }
        }
        Ok(rows)
    }

    /// The name of this copy in the life of the server that answers.
    fn name_in(&self, link: &mut Link) -> Result<String, StoreError> {
        Ok(match link.life()? {
            Some(life) => format!("{}@{life}", self.name),
            None => self.name.clone(),
        })
    }

    /// Whether it names this copy, in whichever life.
    fn is_name(&self, store: &str) -> bool {
        store.split('@').next() == Some(&*self.name)
    }
}

/// What a Redis may lack of what it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lacks {
    /// All. What others have written there since is newer.
    All,
    /// What came last: it may hold what stood under a key before.
    Latest,
}

fn is_known(link: &mut Link, name: &str) -> Result<bool, StoreError> {
    link.run(|connection| redis::cmd("SISMEMBER").arg(STORES).arg(name).query(connection))
}

fn make_known(link: &mut Link, name: &str) -> Result<(), StoreError> {
    link.run(|connection| redis::cmd("SADD").arg(STORES).arg(name).query(connection))
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

/// When a row was written that stands in the copy until `kept_until`, and in Redis until `expires`; `None` where the copy
/// keeps it as long as Redis, so that its life is not known.
fn written(kept_until: Timestamp, expires: Timestamp, copy_for: Duration) -> Option<Timestamp> {
    let copy_for = i64::try_from(copy_for.as_millis()).unwrap_or(i64::MAX);
    (kept_until < expires).then(|| Timestamp(kept_until.0.saturating_sub(copy_for)))
}

/// Writes all rows of the copy that Redis may lack. Returns how many the copy holds, and when the oldest was written.
fn give_back(
    link: &mut Link,
    copy: &EmbeddedStore,
    now: Timestamp,
    copy_for: Duration,
    what: Lacks,
) -> Result<(u64, Timestamp), StoreError> {
    let (mut rows, mut oldest) = (0, now);
    let mut pipeline = Pipeline::with_capacity(PIPELINE_COMMANDS);
    let mut waiting = 0;
    let mut outcome = Ok(());
    copy.scan("", &mut |entry| {
        let Some((expires, value)) = row::decode(&entry.value).filter(|_| &*entry.key != NAME) else {
            return true;
        };
        let Some(left) = life(expires, now) else { return true };
        let set = pipeline.cmd("SET").arg(&*entry.key).arg(value);
        if what == Lacks::All {
            set.arg("NX");
        }
        if expires != NEVER {
            set.arg("EX").arg(seconds(left));
        }
        (rows, waiting) = (rows + 1, waiting + 1);
        oldest = written(entry.expires, expires, copy_for).map_or(oldest, |written| oldest.min(written));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_back_the_copy_reaches_is_known_of_rows_that_outlive_it() {
        let (day, hour) = (Duration::from_secs(24 * 60 * 60), 60 * 60 * 1_000);
        let kept_until = Timestamp(24 * hour);
        assert_eq!(written(kept_until, NEVER, day), Some(Timestamp(0)));
        assert_eq!(written(kept_until, Timestamp(720 * hour), day), Some(Timestamp(0)));
        assert_eq!(written(Timestamp(hour), Timestamp(hour), day), None);
    }
}
