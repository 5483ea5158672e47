//! Reading what is in Redis: keys are looked for in steps, and values fetched many at a time.

use std::sync::Arc;
use std::time::Duration;

use redis::Pipeline;
use types::Timestamp;

use super::link::{Link, answers};
use crate::store::row::NEVER;
use crate::store::{Entry, StoreError};

/// Keys that Redis looks at in one step: it answers nobody else meanwhile, for less than a millisecond.
const STEP_KEYS: usize = 2_000;
/// Values fetched with one round trip.
const FETCH_KEYS: usize = 1_000;

/// Calls `each` with the keys that begin with a prefix, some at a time, none twice in a row; until it returns false. Keys
/// that come or go meanwhile may be missed, and others be given twice.
pub(super) fn keys(
    link: &mut Link,
    prefix: &str,
    mut each: impl FnMut(&mut Link, Vec<String>) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let pattern = format!("{}*", escaped(prefix));
    let mut cursor = 0_u64;
    loop {
        let (next, found): (u64, Vec<Vec<u8>>) = link.run(|connection| {
            redis::cmd("SCAN")
                .arg(cursor)
                .arg("MATCH")
                .arg(&pattern)
                .arg("COUNT")
                .arg(STEP_KEYS)
                .query(connection)
        })?;
        // A key that is not text is none of ours.
        let found: Vec<String> = found.into_iter().filter_map(|key| String::from_utf8(key).ok()).collect();
        if (!found.is_empty() && !each(link, found)?) || next == 0 {
            return Ok(());
        }
        cursor = next;
    }
}

/// The rows under some keys; those that are gone, or hold no string, are left out.
pub(super) fn fetch(link: &mut Link, keys: &[String], now: Timestamp) -> Result<Vec<Entry>, StoreError> {
    let mut entries = Vec::with_capacity(keys.len());
    for keys in keys.chunks(FETCH_KEYS) {
        let mut pipeline = Pipeline::with_capacity(keys.len() + 1);
        pipeline.cmd("MGET").arg(keys);
        for key in keys {
            pipeline.cmd("PTTL").arg(key);
        }
        let (values, lives): (Vec<Option<Vec<u8>>>, Vec<i64>) = link.run(|connection| {
            let mut answers = answers(connection, &pipeline)?;
            let lives =
                answers.split_off(1).into_iter().map(redis::from_redis_value).collect::<Result<_, _>>()?;
            let values = answers.pop().unwrap_or(redis::Value::Nil);
            Ok((redis::from_redis_value(values)?, lives))
        })?;
        for ((key, value), life) in keys.iter().zip(values).zip(lives) {
            let expires = match life {
                -1 => NEVER,
                life if life > 0 => Timestamp(now.0.saturating_add(life)),
                _ => continue,
            };
            if let Some(value) = value {
                entries.push(Entry { key: key.as_str().into(), value: Arc::from(value), expires });
            }
        }
    }
    Ok(entries)
}

/// A prefix as a part of a pattern.
fn escaped(prefix: &str) -> String {
    let mut escaped = String::with_capacity(prefix.len());
    for letter in prefix.chars() {
        if matches!(letter, '*' | '?' | '[' | ']' | '\\' | '^' | '-') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// The time left until a row expires, as `SETEX` wants it: whole seconds, none below one.
pub(super) fn seconds(life: Duration) -> u64 {
    life.as_secs().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_in_a_pattern_is_escaped() {
        assert_eq!(escaped("analytics:"), "analytics:");
        assert_eq!(escaped("a*b?[c]"), r"a\*b\?\[c\]");
    }
}
