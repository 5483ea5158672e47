//! Writes a batch: its rows, then the latest key, then the messages to other readers.

use std::sync::Arc;

use redis::Value;

use super::connection::refused;
use super::keys::seconds;
use super::link::{Link, Request};
use super::{PIPELINE_COMMANDS, Shared};
use crate::store::{Notification, StoreError, Upsert, WriteBatch};

/// Limit of deleted keys in one message.
const DELETED_KEYS: usize = 1_000;

/// Writes a batch. After a failure a part may be written; the next attempt writes all again. Returns the
/// outcome of publishing, if the batch has a message.
pub(super) fn put(
    shared: &Shared,
    link: &mut Link,
    batch: &WriteBatch,
) -> Result<Option<Result<(), StoreError>>, StoreError> {
    for upserts in batch.upserts.chunks(PIPELINE_COMMANDS) {
        let requests: Vec<Request<'_>> = upserts.iter().map(set_with_life).collect();
        link.write(&requests)?;
    }
    for keys in batch.deletes.chunks(PIPELINE_COMMANDS) {
        let requests: Vec<Request<'_>> = keys.iter().map(|key| Request::new(key, "DEL")).collect();
        link.write(&requests)?;
    }

    let Some(told) = &batch.notification else { return Ok(None) };
    if told.is_told() {
        return tell(shared, link, batch, told).map(Some);
    }
    let latest: Vec<Request<'_>> = batch.latest_key().map(|key| set_latest(key, told)).into_iter().collect();
    link.write(&latest)?;
    Ok(None)
}

/// Writes the latest key and publishes the messages. A refused `PUBLISH` is returned as the inner error: the
/// rows are written all the same, and the batch is not repeated.
fn tell(
    shared: &Shared,
    link: &mut Link,
    batch: &WriteBatch,
    told: &Notification,
) -> Result<Result<(), StoreError>, StoreError> {
    let mut messages: Vec<String> = batch.told().map(message).into_iter().collect();
    messages.extend(batch.deletes.chunks(DELETED_KEYS).map(|keys| message_of_deleted(told, keys)));

    // Any node of a cluster takes messages. Sending all to the latest key's node keeps their order.
    let key = batch.latest_key().or(batch.keys().next()).map_or(&*told.channel, |key| &**key);
    let mut requests = Vec::with_capacity(1 + messages.len());
    requests.extend(batch.latest_key().map(|latest| set_latest(latest, told)));
    let before = requests.len();
    for message in &messages {
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(&*told.channel).arg(message);
        requests.push(Request { key, command: publish });
    }

    let listens = shared.listens_to(&told.channel);
    if listens {
        messages.iter().for_each(|message| shared.own.lock().sent(message));
    }
    let answers = link.pipe(&requests);
    if listens {
        // A message that was not sent is not received either.
        for (place, message) in messages.iter().enumerate() {
            let answer = answers.as_ref().ok().and_then(|answers| answers.get(before + place));
            if answer.is_none_or(|answer| matches!(answer, Value::ServerError(_))) {
                shared.own.lock().heard(message.as_bytes());
            }
        }
    }

    let mut published = Ok(());
    for (place, (answer, request)) in answers?.into_iter().zip(&requests).enumerate() {
        let Value::ServerError(said) = answer else { continue };
        let error = refused(&request.command, &said);
        if place < before {
            return Err(error);
        }
        published = Err(error);
    }
    Ok(published)
}

/// Returns the command that writes a row, per the contract.
fn set_with_life(upsert: &Upsert) -> Request<'_> {
    let mut command = redis::cmd("SETEX");
    command.arg(&*upsert.key).arg(seconds(upsert.ttl)).arg(&*upsert.value);
    Request { key: &upsert.key, command }
}

fn set_latest<'a>(key: &'a str, told: &Notification) -> Request<'a> {
    let mut command = redis::cmd("SET");
    command.arg(key).arg(&*told.time);
    Request { key, command }
}

/// Returns `{"type", "timestamp", "count"}`.
fn message(told: &Notification) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    format!(r#"{{"type": {}, "timestamp": {}, "count": {}}}"#, text(&told.kind), text(&told.time), told.count)
}

/// Returns `{"type", "timestamp", "count", "deleted"}`: no row was written, and these keys are gone. A reader
/// that knows only the first three fields reads the type's rows again.
fn message_of_deleted(told: &Notification, keys: &[Arc<str>]) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let keys: Vec<String> = keys.iter().map(|key| text(key)).collect();
    let (kind, time) = (text(&told.kind), text(&told.time));
    format!(r#"{{"type": {kind}, "timestamp": {time}, "count": 0, "deleted": [{}]}}"#, keys.join(", "))
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

        let expected = r#"{"type": "fa\"culty", "timestamp": "2025-12-09T11:30:00", "count": 0, "deleted": ["a:1", "b\""]}"#;
        assert_eq!(message_of_deleted(&told, &["a:1".into(), "b\"".into()]), expected);
    }
}
