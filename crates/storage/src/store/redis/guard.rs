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
    /// How long the copy keeps a row, at most.
    copy_for: Duration,
    /// When rows may be given back. Held while they are: once is enough.
    not_before: Mutex<Duration>,
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
        Ok(Guard { name, copy_for, not_before: Mutex::default() })
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
        let (rows, oldest) = give_back(link, copy, now, self.copy_for)?;
        self.make_known(link)?;
        let ended = clock.elapsed();
        *not_before = ended + ended.saturating_sub(began) * REST;
        if rows > 0 {
            let reaches_back =
                Duration::from_secs(now.0.saturating_sub(oldest.0).max(0).unsigned_abs() / 1_000);
            tracing::warn!(
                rows,
                ?reaches_back,
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

/// When a row was written that stands in the copy until `kept_until`, and in Redis until `expires`; `None` where the copy
/// keeps it as long as Redis, so that its life is not known.
fn written(kept_until: Timestamp, expires: Timestamp, copy_for: Duration) -> Option<Timestamp> {
    let copy_for = i64::try_from(copy_for.as_millis()).unwrap_or(i64::MAX);
    (kept_until < expires).then(|| Timestamp(kept_until.0.saturating_sub(copy_for)))
}

/// Writes all rows of the copy that Redis lacks. Returns how many the copy holds, and when the oldest was written.
fn give_back(
    link: &mut Link,
    copy: &EmbeddedStore,
    now: Timestamp,
    copy_for: Duration,
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
        let set = pipeline.cmd("SET").arg(&*entry.key).arg(value).arg("NX");
        if expires == NEVER { set } else { set.arg("EX").arg(seconds(left)) }.ignore();
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
