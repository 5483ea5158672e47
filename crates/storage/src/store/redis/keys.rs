//! Reads from Redis: scans keys in steps, and fetches values in bulk.

use std::sync::Arc;
use std::time::Duration;

use redis::Value;
use types::Timestamp;

use super::connection::refused;
use super::link::{Link, Request};
use crate::store::row::NEVER;
use crate::store::{Entry, StoreError};

/// Keys that a server scans in one step. The server blocks meanwhile, for less than a millisecond.
const STEP_KEYS: usize = 2_000;
/// Values fetched with one round trip.
const FETCH_KEYS: usize = 1_000;

/// Passes the keys that begin with one of some prefixes to `each`, some at a time, until it returns false. A step
/// that finds none passes none. Keys that appear, disappear or move between servers meanwhile may be missed, and
/// others be passed twice.
pub(super) fn keys(
    link: &mut Link,
    prefixes: &[String],
    mut each: impl FnMut(&mut Link, Vec<String>) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    // One pass over all keys costs less than one for each prefix.
    let pattern = match prefixes {
        [] => return Ok(()),
        [only] => format!("{}*", escaped(only)),
        _ => "*".to_owned(),
    };
    let is_wanted = |key: &String| prefixes.iter().any(|prefix| key.starts_with(prefix.as_str()));

    for shard in link.topology()?.shards() {
        let mut cursor = 0_u64;
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(STEP_KEYS);
            let answer = link.ask(shard, &scan)?;
            let (next, found): (u64, Vec<Vec<u8>>) = read(answer)?;

            // Weir writes no key that is not UTF-8.
            let found: Vec<String> =
                found.into_iter().filter_map(|key| String::from_utf8(key).ok()).filter(is_wanted).collect();
            if !each(link, found)? {
                return Ok(());
            }
            if next == 0 {
                break;
            }
            cursor = next;
        }
    }
    Ok(())
}

/// Returns the rows under some keys; leaves out absent keys and keys that hold no string.
pub(super) fn fetch(link: &mut Link, keys: &[String], now: Timestamp) -> Result<Vec<Entry>, StoreError> {
    let mut entries = Vec::with_capacity(keys.len());
    for keys in keys.chunks(FETCH_KEYS) {
        let values = values(link, keys)?;
        let rows = keys.iter().zip(values.texts).zip(values.lives);
        entries.extend(rows.filter_map(|((key, value), life)| entry(key, value, life, now)));
    }
    Ok(entries)
}

/// Rows under keys, and the keys that the user may not read.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    pub entries: Vec<Entry>,
    pub unreadable: Vec<String>,
}

/// As [`fetch`] for keys of which the user may not read some.
pub(super) fn fetch_readable(
    link: &mut Link,
    keys: &[String],
    now: Timestamp,
) -> Result<Fetched, StoreError> {
    let mut fetched = Fetched::default();
    for keys in keys.chunks(FETCH_KEYS) {
        match fetch(link, keys, now) {
            Ok(entries) => fetched.entries.extend(entries),
            // `MGET` is refused for all keys because of one.
            Err(StoreError::Refused { .. }) => fetch_each(link, keys, now, &mut fetched)?,
            Err(error) => return Err(error),
        }
    }
    Ok(fetched)
}

/// Fetches key by key, in one round trip.
fn fetch_each(
    link: &mut Link,
    keys: &[String],
    now: Timestamp,
    fetched: &mut Fetched,
) -> Result<(), StoreError> {
    let commands = ["GET", "PTTL"].into_iter();
    let requests: Vec<Request<'_>> =
        commands.flat_map(|command| keys.iter().map(move |key| Request::new(key, command))).collect();
    let mut texts = link.pipe(&requests)?;
    let lives = texts.split_off(keys.len());

    for (((key, text), life), request) in keys.iter().zip(texts).zip(lives).zip(&requests) {
        match (text, life) {
            (Value::ServerError(said), _) | (_, Value::ServerError(said)) => match said.code() {
                "NOPERM" => fetched.unreadable.push(key.clone()),
                "WRONGTYPE" => {}
                _ => return Err(refused(&request.command, &said)),
            },
            (text, life) => fetched.entries.extend(entry(key, read(text)?, read(life)?, now)),
        }
    }
    Ok(())
}

/// Returns the row under a key from the answers to `GET` and `PTTL`.
fn entry(key: &str, value: Option<Vec<u8>>, life: i64, now: Timestamp) -> Option<Entry> {
    let expires = match life {
        -1 => NEVER,
        life if life > 0 => Timestamp(now.0.saturating_add(life)),
        _ => return None,
    };
    value.map(|value| Entry { key: key.into(), value: Arc::from(value), expires })
}

/// Values of keys, and their remaining milliseconds to live.
struct Values {
    texts: Vec<Option<Vec<u8>>>,
    lives: Vec<i64>,
}

fn values(link: &mut Link, keys: &[String]) -> Result<Values, StoreError> {
    // `MGET` is faster, but in a cluster it takes only keys of one slot.
    let is_cluster = link.topology()?.is_cluster();
    let mut requests: Vec<Request<'_>> = Vec::with_capacity(keys.len() * 2);
    if is_cluster {
        requests.extend(keys.iter().map(|key| Request::new(key, "GET")));
    } else {
        let mut all = redis::cmd("MGET");
        all.arg(keys);
        requests.extend(keys.first().map(|key| Request { key, command: all }));
    }
    let texts = requests.len();
    requests.extend(keys.iter().map(|key| Request::new(key, "PTTL")));

    let mut answers = link.pipe(&requests)?;
    for (answer, request) in answers.iter_mut().zip(&requests) {
        if let Value::ServerError(said) = answer {
            // The key holds another type; treat it as absent, as `MGET` does.
            if said.code() != "WRONGTYPE" {
                return Err(refused(&request.command, said));
            }
            *answer = Value::Nil;
        }
    }

    let lives = answers.split_off(texts).into_iter().map(read).collect::<Result<_, _>>()?;
    let texts = if is_cluster {
        answers.into_iter().map(read).collect::<Result<_, _>>()?
    } else {
        read(answers.pop().unwrap_or(Value::Nil))?
    };
    Ok(Values { texts, lives })
}

/// Converts an answer to the expected type.
pub(super) fn read<T: redis::FromRedisValue>(answer: Value) -> Result<T, StoreError> {
    let unexpected = |error: redis::ParsingError| StoreError::Unreachable { source: Box::new(error) };
    redis::from_redis_value(answer).map_err(unexpected)
}

/// Escapes a prefix for use in a pattern.
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

/// Returns the remaining life of a row as `SETEX` expects it: whole seconds, at least one.
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
