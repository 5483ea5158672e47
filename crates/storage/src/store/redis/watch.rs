//! Receives changes of other writers.
//!
//! A message names an analytic and a time, not the keys, and keys of writers before Weir need not end in that
//! time. So after a message of another writer all keys are scanned, in short steps, for keys that are not
//! known yet (`known.rs`) or end in an announced time.
//!
//! ```text
//! message ─► one of ours? ─ yes ─► nothing to do: followers were told when the rows were written
//!                └─ no ──► Told: types, newest times ─ at most once a second ─► scan, fetch, tell followers
//! ```
//!
//! Followers may watch further prefixes and channels (`watched.rs`). Writers of such rows need not send messages,
//! so new keys are also looked for every few seconds. A changed row is noticed only with a message.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use redis::{Connection, ConnectionInfo, PubSub, RedisError, Value};

use super::connection::{failed, refused};
use super::keys::{Fetched, keys};
use super::link::Link;
use super::slots::Shard;
use super::{Hearing, Shared, hash};
use crate::store::{Change, Notification, StoreError};

/// Timeout of waiting for a message, before other work is checked.
const LISTEN: Duration = Duration::from_millis(250);
/// Interval of checks that a silent connection still works, and the time that the server has for an answer.
const ALIVE: Duration = Duration::from_secs(5);
/// Wait before connecting again.
const RETRY: Duration = Duration::from_millis(500);
/// Minimum time from one scan of all keys to the next, and as a multiple of a scan's duration.
const PASS: Duration = Duration::from_secs(1);
const PASS_SHARE: u32 = 4;
/// Interval between looks for rows that others write without a message.
const LOOK: Duration = Duration::from_secs(10);
/// Limit of own messages waited for.
const OWN_MESSAGES: usize = 100_000;

/// Messages that this process published and has not received back yet.
#[derive(Debug, Default)]
pub(super) struct Own {
    waiting: HashMap<Vec<u8>, u32>,
}

impl Own {
    pub fn sent(&mut self, message: &str) {
        // Nothing is received, or the queue lags far behind. Own messages then count as those of others,
        // which only costs time.
        if self.waiting.len() >= OWN_MESSAGES {
            self.waiting.clear();
        }
        *self.waiting.entry(message.as_bytes().to_vec()).or_default() += 1;
    }

    /// Returns whether this process sent the message, and removes it.
    pub fn heard(&mut self, message: &[u8]) -> bool {
        let Some(count) = self.waiting.get_mut(message) else { return false };
        *count -= 1;
        if *count == 0 {
            self.waiting.remove(message);
        }
        true
    }
}

/// Announcements of others that were not looked for yet.
#[derive(Default)]
struct Told {
    /// By type: the newest time, and the number of rows.
    by_kind: BTreeMap<String, (String, u64)>,
    /// Keys that others deleted.
    deleted: BTreeSet<String>,
    due: Duration,
}

/// Subscribes again and again until told to stop.
pub(super) fn listen(shared: &Shared, stopped: &Receiver<()>) {
    loop {
        let ended = subscribed(shared, stopped);
        if let Err(error) = &ended {
            tracing::debug!(error = error as &dyn std::error::Error, "no notifications arrive");
        }
        hears_nothing(shared, matches!(ended, Err(StoreError::Refused { .. })));

        if stopped.recv_timeout(RETRY) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

/// Records that changes of others are not received. A refused subscription is final until somebody changes
/// the user's rights.
fn hears_nothing(shared: &Shared, is_refused: bool) {
    let mut writing = shared.writing.lock();
    let before = writing.hearing;
    writing.hearing = match before {
        _ if is_refused => Hearing::Refused,
        Hearing::Now => Hearing::Lost,
        before => before,
    };
    // Changes were missed, so followers have to load all rows again.
    if before == Hearing::Now {
        writing.followers.dismiss();
    }
}

/// Subscribes and listens. Fails with [`StoreError::Refused`] where the subscription is refused.
fn subscribed(shared: &Shared, stopped: &Receiver<()>) -> Result<(), StoreError> {
    let mut looking = Link::new(shared.servers.clone());
    // Restore lost rows first, so that followers that load all rows from now on find them.
    shared.give_back(&mut looking).map_err(elsewhere)?;

    let (server, mut connection) = some_server(shared, &mut looking).map_err(elsewhere)?;
    let subscribed = subscribe(&mut connection, &server.info, &shared.options.channel);
    shared.health.subscribed(&subscribed);
    subscribed?;

    let mut listening = connection.as_pubsub();
    listening.set_read_timeout(Some(LISTEN)).map_err(lost)?;
    shared.own.lock().waiting.clear();
    shared.watched.forget_subscriptions();
    {
        let mut writing = shared.writing.lock();
        // Existing followers have only loaded the copy's rows.
        writing.followers.dismiss();
        writing.hearing = Hearing::Now;
    }
    shared.heard.notify_all();
    hear(shared, &mut looking, &server, &mut listening, stopped).map_err(elsewhere)
}

/// Subscribes to a channel. [`PubSub::subscribe`] takes every answer for success.
fn subscribe(connection: &mut Connection, info: &ConnectionInfo, channel: &str) -> Result<(), StoreError> {
    let mut command = redis::cmd("SUBSCRIBE");
    command.arg(channel);
    connection.send_packed_command(&command.get_packed_command()).map_err(lost)?;
    match connection.recv_response() {
        Ok(Value::ServerError(said)) => Err(refused(&command, &said)),
        Ok(_) => Ok(()),
        Err(error) => Err(failed(info, &command, error)),
    }
}

/// Wraps an error of another command, so that it does not count as a refused subscription.
fn elsewhere(error: StoreError) -> StoreError {
    StoreError::Unreachable { source: Box::new(error) }
}

/// Connects to the first reachable server. Each node of a cluster receives all messages.
fn some_server(shared: &Shared, link: &mut Link) -> Result<(Arc<Shard>, Connection), StoreError> {
    let mut outcome = Err(StoreError::Unreachable { source: "no server is known".into() });
    for shard in link.topology()?.shards() {
        match shared.servers.connect(&shard.info) {
            Ok(connection) => return Ok((shard.clone(), connection)),
            Err(error) => outcome = Err(error),
        }
    }
    outcome
}

/// Receives messages until told to stop, the connection fails, or the server leaves the topology.
fn hear(
    shared: &Shared,
    looking: &mut Link,
    server: &Shard,
    listening: &mut PubSub<'_>,
    stopped: &Receiver<()>,
) -> Result<(), StoreError> {
    let mut told = Told::default();
    let mut heard = shared.clock.elapsed();
    let mut looked = heard;
    while stopped.try_recv() != Err(crossbeam_channel::TryRecvError::Disconnected) {
        for channel in shared.watched.to_subscribe(&shared.options.channel) {
            // A busy server answers late, which is no reason to give the connection up.
            listening.set_read_timeout(Some(ALIVE)).map_err(lost)?;
            listening.subscribe(&channel).map_err(lost)?;
            listening.set_read_timeout(Some(LISTEN)).map_err(lost)?;
            shared.watched.subscribed(channel);
        }
        match listening.get_message() {
            Ok(message) => {
                heard = shared.clock.elapsed();
                if !shared.own.lock().heard(message.get_payload_bytes()) {
                    told.take(message.get_payload_bytes());
                }
            }
            // Timeout without a message.
            Err(error) if error.is_timeout() => {}
            Err(error) => return Err(lost(error)),
        }

        // A node that has left its cluster, or a replaced master, may stay silent for ever.
        if shared.servers.topology().is_some_and(|topology| !topology.has(&server.name)) {
            return Err(StoreError::Unreachable { source: "another server has taken its place".into() });
        }
        let now = shared.clock.elapsed();
        if now.saturating_sub(heard) >= ALIVE {
            listening.set_read_timeout(Some(ALIVE)).map_err(lost)?;
            listening.ping::<Value>().map_err(lost)?;
            listening.set_read_timeout(Some(LISTEN)).map_err(lost)?;
            heard = now;
        }

        let is_told = !told.by_kind.is_empty() || !told.deleted.is_empty();
        let is_due = shared.watched.are_others(&shared.options.prefix) && now.saturating_sub(looked) >= LOOK;
        let has_work = is_told || is_due || shared.known.lock().is_grown();
        if has_work && now >= told.due {
            looked = now;
            look_for_deleted(shared, looking, std::mem::take(&mut told.deleted))?;
            look(shared, looking, std::mem::take(&mut told.by_kind))?;
            let after = shared.clock.elapsed();
            told.due = after + PASS.max(after.saturating_sub(now) * PASS_SHARE);
        }
    }
    Ok(())
}

fn lost(error: RedisError) -> StoreError {
    StoreError::Unreachable { source: Box::new(error) }
}

impl Told {
    fn take(&mut self, message: &[u8]) {
        #[derive(serde::Deserialize)]
        struct Message {
            #[serde(rename = "type")]
            kind: String,
            timestamp: String,
            #[serde(default)]
            count: u64,
            #[serde(default)]
            deleted: Vec<String>,
        }

        // Another message is passed on as it is, so that followers can count it.
        let (kind, time, count) = match serde_json::from_slice::<Message>(message) {
            Ok(message) if !message.deleted.is_empty() => {
                self.deleted.extend(message.deleted);
                return;
            }
            Ok(message) => (message.kind, message.timestamp, message.count),
            Err(_) => (String::new(), String::new(), 0),
        };

        let entry = self.by_kind.entry(kind).or_default();
        if time >= entry.0 {
            entry.0 = time;
        }
        entry.1 = entry.1.saturating_add(count);
    }
}

/// Tells followers which of the announced keys are really gone: they may have been written again since.
fn look_for_deleted(shared: &Shared, link: &mut Link, told: BTreeSet<String>) -> Result<(), StoreError> {
    let keys: Vec<String> = told.into_iter().filter(|key| shared.is_watched(key)).collect();
    if keys.is_empty() {
        return Ok(());
    }

    let Fetched { entries, unreadable } = shared.fetch_watched(link, keys.clone())?;
    // A key that may not be read is not known to be gone.
    let mut others: HashSet<&str> = entries.iter().map(|entry| &*entry.key).collect();
    others.extend(unreadable.iter().map(String::as_str));
    let deleted: Vec<Arc<str>> =
        keys.iter().filter(|key| !others.contains(key.as_str())).map(|key| key.as_str().into()).collect();
    shared.known.lock().remove(deleted.iter().map(|key| hash(key.as_bytes())));
    shared.writing.lock().followers.tell(Change { entries, deleted, notification: None });
    Ok(())
}

/// Finds rows that others wrote, and passes them to followers.
fn look(shared: &Shared, link: &mut Link, told: BTreeMap<String, (String, u64)>) -> Result<(), StoreError> {
    let times: Vec<String> =
        told.values().filter(|(time, _)| !time.is_empty()).map(|(time, _)| format!(":{time}")).collect();

    let mut all = HashSet::new();
    shared.known.lock().begin();
    keys(link, &shared.prefixes(), |link, mut found| {
        all.extend(found.iter().map(|key| hash(key.as_bytes())));
        {
            let known = shared.known.lock();
            found.retain(|key| {
                !known.holds(hash(key.as_bytes())) || times.iter().any(|time| key.ends_with(time.as_str()))
            });
        }
        if !found.is_empty() {
            let Fetched { entries, .. } = shared.fetch_watched(link, found)?;
            shared.writing.lock().followers.tell(Change { entries, ..Change::default() });
        }
        Ok(true)
    })?;
    shared.known.lock().end(all);

    for (kind, (time, count)) in told {
        let notification = Notification {
            channel: shared.options.channel.as_str().into(),
            latest_key: "".into(),
            kind: kind.into(),
            time: time.into(),
            count,
        };
        let change = Change { notification: Some(notification), ..Change::default() };
        shared.writing.lock().followers.tell(change);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_messages_are_known_as_often_as_they_were_sent() {
        let mut own = Own::default();
        own.sent("a");
        own.sent("a");
        assert_eq!(
            [own.heard(b"a"), own.heard(b"a"), own.heard(b"a"), own.heard(b"b")],
            [true, true, false, false]
        );
    }

    #[test]
    fn of_several_messages_of_a_type_the_newest_time_is_told() {
        let mut told = Told::default();
        told.take(br#"{"type": "faculty", "timestamp": "2025-12-09T11:30:20", "count": 2}"#);
        told.take(br#"{"type": "faculty", "timestamp": "2025-12-09T11:30:00", "count": 3}"#);
        told.take(b"nonsense");
        let expected =
            [(String::new(), (String::new(), 0)), ("faculty".into(), ("2025-12-09T11:30:20".into(), 5))];
        assert_eq!(told.by_kind, expected.into_iter().collect());

        told.take(
            br#"{"type": "faculty", "timestamp": "2025-12-09T11:30:40", "count": 0, "deleted": ["a", "b"]}"#,
        );
        assert_eq!(told.deleted, ["a", "b"].map(String::from).into());
        assert_eq!(told.by_kind["faculty"].0, "2025-12-09T11:30:20", "no row of that time was written");
    }
}
