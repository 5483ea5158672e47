//! Keeps a copy of all writes beside Redis, and restores the rows that Redis has lost.
//!
//! A set on each server tells whether the server has lost rows: the shard's marker (`weir:stores`; on a node
//! of a cluster `weir:stores:{tag}`, see `slots.rs`). The set names all copies from which the server was
//! filled, each with the server's life at that time, `name@run_id`. A life is one run of the server's
//! process:
//! | the set contains | the server is | it gets |
//! | --- | --- | --- |
//! | this copy in this life | unchanged | nothing |
//! | this copy in another life | restarted, or a replica that took over; may lag | all rows, overwriting |
//! | not this copy | new, or emptied | the rows that it lacks |
//!
//! In the second case, deleted rows are deleted again.
//!
//! In a cluster each shard gets the rows whose keys it holds. A marker moves with its slot when a cluster is
//! resharded. The shard then counts as new, which costs a write of its rows and loses nothing.
//!
//! In the copy, each value is preceded by its expiry in Redis (8 bytes big endian, milliseconds since 1970).
//! A deleted row stays in the copy without a value, as [`DELETED`], because a server that lags behind may
//! still hold it.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use types::{Clock, Timestamp};

use super::keys::{read, seconds};
use super::link::{Link, Request};
use super::slots::{Shard, Topology};
use super::{PIPELINE_COMMANDS, life};
use crate::store::row::{self, NEVER};
use crate::store::{EachStep, EmbeddedStore, Entry, ResultStore as _, StoreError, Upsert, WriteBatch};

/// Key in the copy of the copy's own name.
const NAME: &str = "weir:name";
/// Member of a marker while the server is filled. No copy has this name.
const FILLING: &str = "filling";
/// Expiry in the copy of a row that was deleted in Redis.
pub(super) const DELETED: Timestamp = Timestamp(i64::MIN);
/// Lifetime of entries that never expire.
const AGES: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// After a server was filled, it is left alone for this multiple of the time that the filling took. Without a
/// pause, a server that evicts what it is given would be filled continuously.
const REST: u32 = 10;

/// Finds servers that have lost rows, and fills them.
pub(super) struct Guard {
    name: String,
    /// Maximum time for which the copy keeps a row.
    copy_for: Duration,
    /// Locked while rows are restored, so that only one thread does so.
    resting: Mutex<Resting>,
}

/// End of a server's pause, by the name of this copy in the server's life.
type Resting = BTreeMap<String, Duration>;

impl Guard {
    pub fn new(copy: &EmbeddedStore, copy_for: Duration) -> Result<Guard, StoreError> {
        let known = copy.get(NAME)?.and_then(|entry| String::from_utf8(entry.value.to_vec()).ok());
        let name = match known {
            Some(name) => name,
            None => {
                let name = format!("{:016x}", RandomState::new().hash_one(0));
                let value = Arc::from(name.as_bytes());
                let upserts = vec![Upsert { key: NAME.into(), value, ttl: AGES }];
                copy.write(&WriteBatch { upserts, ..WriteBatch::default() })?;
                copy.flush()?;
                name
            }
        };
        Ok(Guard { name, copy_for, resting: Mutex::default() })
    }

    /// Checks that each server is the one that was filled last, and takes writes. Returns false where
    /// [`Guard::fill`] has to fill one. Checks all servers, also after a failure.
    pub fn check(&self, link: &mut Link) -> Result<bool, StoreError> {
        let mut outcome = Ok(true);
        for shard in link.topology()?.shards() {
            match (self.check_shard(link, shard), &mut outcome) {
                (Ok(is_known), Ok(all)) => *all &= is_known,
                (Err(error), Ok(_)) => outcome = Err(error),
                (_, Err(_)) => {}
            }
        }
        outcome
    }

    fn check_shard(&self, link: &mut Link, shard: &Shard) -> Result<bool, StoreError> {
        let name = self.name_in(link, shard)?;
        let is_known = is_known(link, shard, &name)?;
        if is_known {
            // This write changes nothing, but fails for every reason for which writes of rows fail.
            make_known(link, shard, &name)?;
        }
        Ok(is_known)
    }

    /// Gives each server the rows of the copy that it lacks, and adds their number to `given`. Nothing else
    /// may be written meanwhile, since it would be overwritten. Tries all servers, also after a failure.
    pub fn fill(
        &self,
        link: &mut Link,
        copy: &EmbeddedStore,
        clock: &dyn Clock,
        given: &mut u64,
    ) -> Result<(), StoreError> {
        let mut resting = self.resting.lock();
        let topology = link.topology()?;
        let mut outcome = Ok(());

        for (place, shard) in topology.shards().iter().enumerate() {
            let lacking = Lacking { topology: &topology, place, shard };
            let filled = self.fill_if_lacking(link, copy, clock, &lacking, &mut resting);
            match filled {
                Ok(rows) => *given += rows,
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        outcome
    }

    fn fill_if_lacking(
        &self,
        link: &mut Link,
        copy: &EmbeddedStore,
        clock: &dyn Clock,
        lacking: &Lacking<'_>,
        resting: &mut Resting,
    ) -> Result<u64, StoreError> {
        let began = clock.elapsed();
        resting.retain(|_, until| began < *until);
        let name = self.name_in(link, lacking.shard)?;
        // A restarted server has another life, so its pause has ended.
        if is_known(link, lacking.shard, &name)? || resting.contains_key(&name) {
            return Ok(0);
        }

        let rows = self.fill_shard(link, copy, clock.now(), lacking, &name)?;
        let ended = clock.elapsed();
        resting.insert(name, ended + ended.saturating_sub(began) * REST);
        Ok(rows)
    }

    fn fill_shard(
        &self,
        link: &mut Link,
        copy: &EmbeddedStore,
        now: Timestamp,
        lacking: &Lacking<'_>,
        name: &str,
    ) -> Result<u64, StoreError> {
        let shard = lacking.shard;
        // Find a user without the right to write markers before the rows are written: afterwards, they would
        // be written again every second.
        make_known(link, shard, FILLING)?;
        let mut members = redis::cmd("SMEMBERS");
        members.arg(&*shard.marker);
        let stores: Vec<String> = read(link.ask_for(&shard.marker, members)?)?;
        let lives: Vec<&String> = stores.iter().filter(|store| self.is_name(store)).collect();
        let what = if lives.is_empty() { Lacks::All } else { Lacks::Latest };

        let (rows, oldest) = give_back(link, copy, now, self.copy_for, (lacking, what))?;
        make_known(link, shard, name)?;
        let mut forget = redis::cmd("SREM");
        forget.arg(&*shard.marker).arg(&lives).arg(FILLING);
        link.ask_for(&shard.marker, forget)?;

        if rows > 0 {
            let reaches_back =
                Duration::from_secs(now.0.saturating_sub(oldest.0).max(0).unsigned_abs() / 1_000);
            let server = &*shard.name;
            match what {
                Lacks::All => tracing::warn!(
                    server,
                    rows,
                    ?reaches_back,
                    "the result store had lost its rows; Weir restored them from its copy"
                ),
                Lacks::Latest => tracing::info!(
                    server,
                    rows,
                    ?reaches_back,
                    "the result store restarted, or a replica has taken over; Weir wrote the rows of its copy again in case the server had fallen behind"
                ),
            }
        }
        Ok(rows)
    }

    /// Returns the name of this copy in the current life of the shard's server.
    fn name_in(&self, link: &mut Link, shard: &Shard) -> Result<String, StoreError> {
        Ok(match link.life(shard)? {
            Some(life) => format!("{}@{life}", self.name),
            None => self.name.clone(),
        })
    }

    /// Returns whether a member of a marker names this copy, in any life.
    fn is_name(&self, store: &str) -> bool {
        store.split('@').next() == Some(&*self.name)
    }
}

/// A server that has lost rows.
struct Lacking<'a> {
    topology: &'a Topology,
    /// Index among the shards.
    place: usize,
    shard: &'a Shard,
}

/// The rows that a server may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lacks {
    /// All rows. Values that others have written there since are newer.
    All,
    /// The latest writes: the server may hold earlier values.
    Latest,
}

fn is_known(link: &mut Link, shard: &Shard, name: &str) -> Result<bool, StoreError> {
    let mut command = redis::cmd("SISMEMBER");
    command.arg(&*shard.marker).arg(name);
    read(link.ask_for(&shard.marker, command)?)
}

fn make_known(link: &mut Link, shard: &Shard, name: &str) -> Result<(), StoreError> {
    let mut command = redis::cmd("SADD");
    command.arg(&*shard.marker).arg(name);
    link.ask_for(&shard.marker, command).map(drop)
}

/// Stores rows in the copy for at most `copy_for`. Each row is a key, its value, and its expiry in Redis.
pub(super) fn keep<'a>(
    copy: &EmbeddedStore,
    rows: impl Iterator<Item = (&'a Arc<str>, &'a [u8], Timestamp)>,
    now: Timestamp,
    copy_for: Duration,
) -> Result<(), StoreError> {
    let upserts = rows.map(|(key, value, expires)| Upsert {
        key: key.clone(),
        value: Arc::from(row::encode(expires, value)),
        ttl: match expires {
            DELETED => copy_for,
            _ => life(expires, now).unwrap_or_default().min(copy_for),
        },
    });
    copy.write(&WriteBatch { upserts: upserts.collect(), ..WriteBatch::default() })
}

/// Passes the rows of the copy whose keys begin with a prefix to `each`, with their expiry in Redis.
pub(super) fn scan(
    copy: &EmbeddedStore,
    prefixes: &[String],
    each: &mut EachStep<'_>,
) -> Result<(), StoreError> {
    let is_row = |key: &str, expires| key != NAME && expires != DELETED;
    let row = |kept: Entry| match row::decode(&kept.value) {
        Some((expires, value)) if is_row(&kept.key, expires) => {
            Some(Entry { key: kept.key.clone(), value: Arc::from(value), expires })
        }
        _ => None,
    };
    copy.scan_any(prefixes, &mut |kept| each(kept.into_iter().filter_map(row).collect()))
}

/// Returns the time at which a row was written, from its expiry in the copy and in Redis; `None` where the
/// copy keeps the row as long as Redis, so that its lifetime is unknown.
fn written(kept_until: Timestamp, expires: Timestamp, copy_for: Duration) -> Option<Timestamp> {
    let copy_for = i64::try_from(copy_for.as_millis()).unwrap_or(i64::MAX);
    (kept_until < expires).then(|| Timestamp(kept_until.0.saturating_sub(copy_for)))
}

/// Writes all rows of the copy that a server may lack. Returns how many rows the copy holds for the server,
/// and when the oldest was written.
fn give_back(
    link: &mut Link,
    copy: &EmbeddedStore,
    now: Timestamp,
    copy_for: Duration,
    (lacking, what): (&Lacking<'_>, Lacks),
) -> Result<(u64, Timestamp), StoreError> {
    let (mut rows, mut oldest) = (0, now);
    let mut waiting: Vec<(Arc<str>, redis::Cmd)> = Vec::with_capacity(PIPELINE_COMMANDS);
    let mut outcome = Ok(());
    copy.scan("", &mut |entry| {
        let is_row = &*entry.key != NAME && lacking.topology.owner(&entry.key) == Ok(lacking.place);
        let Some((expires, value)) = row::decode(&entry.value).filter(|_| is_row) else { return true };

        let command = match (expires, what) {
            (DELETED, Lacks::Latest) => {
                let mut del = redis::cmd("DEL");
                del.arg(&*entry.key);
                del
            }
            // Others have written the key since.
            (DELETED, Lacks::All) => return true,
            _ => {
                let Some(left) = life(expires, now) else { return true };
                let mut set = redis::cmd("SET");
                set.arg(&*entry.key).arg(value);
                if what == Lacks::All {
                    set.arg("NX");
                }
                if expires != NEVER {
                    set.arg("EX").arg(seconds(left));
                }
                set
            }
        };
        waiting.push((entry.key.clone(), command));

        rows += 1;
        oldest = written(entry.expires, expires, copy_for).map_or(oldest, |written| oldest.min(written));
        if waiting.len() == PIPELINE_COMMANDS {
            outcome = send(link, &mut waiting);
        }
        outcome.is_ok()
    })?;
    outcome?;
    send(link, &mut waiting)?;
    Ok((rows, oldest))
}

fn send(link: &mut Link, waiting: &mut Vec<(Arc<str>, redis::Cmd)>) -> Result<(), StoreError> {
    let sent = std::mem::take(waiting);
    let (keys, commands): (Vec<Arc<str>>, Vec<redis::Cmd>) = sent.into_iter().unzip();
    let requests: Vec<Request<'_>> =
        keys.iter().zip(commands).map(|(key, command)| Request { key, command }).collect();
    link.write(&requests)
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
