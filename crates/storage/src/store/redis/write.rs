//! Writing a batch: its rows, then the latest key, then the message to other readers.

use redis::Value;

use super::connection::refused;
use super::keys::seconds;
use super::link::{Link, Request};
use super::{PIPELINE_COMMANDS, Shared};
use crate::store::{Notification, StoreError, Upsert, WriteBatch};

/// Writes a batch, whole or in part: what was written is written again with the rest. Returns what came of telling
/// others, if they are to be told.
pub(super) fn put(
    shared: &Shared,
    link: &mut Link,
    batch: &WriteBatch,
) -> Result<Option<Result<(), StoreError>>, StoreError> {
    for upserts in batch.upserts.chunks(PIPELINE_COMMANDS) {
        let requests: Vec<Request<'_>> = upserts.iter().map(set_with_life).collect();
        link.write(&requests)?;
    }
    let Some(told) = &batch.notification else { return Ok(None) };
    if told.is_told() {
        return tell(shared, link, batch, told).map(Some);
    }
    let latest: Vec<Request<'_>> = told.latest_key().map(|key| set_latest(key, told)).into_iter().collect();
    link.write(&latest)?;
    Ok(None)
}

/// Writes the latest key, and publishes. A `PUBLISH` that is refused does not make the rows any less written: it is
/// returned, and the batch is not written again.
fn tell(
    shared: &Shared,
    link: &mut Link,
    batch: &WriteBatch,
    told: &Notification,
) -> Result<Result<(), StoreError>, StoreError> {
    let message = message(told);
    let mut publish = redis::cmd("PUBLISH");
    publish.arg(&*told.channel).arg(&message);
    // Any node of a cluster takes it. The one of the latest key takes both in order.
    let row = batch.upserts.first().map(|upsert| &upsert.key);
    let key = told.latest_key().or(row).map_or(&*told.channel, |key| &**key);
    let mut requests = Vec::with_capacity(2);
    requests.extend(told.latest_key().map(|latest| set_latest(latest, told)));
    requests.push(Request { key, command: publish });

    let listens = *told.channel == *shared.options.channel;
    if listens {
        shared.own.lock().sent(&message);
    }
    let answers = link.pipe(&requests);
    let is_published = matches!(answers.as_deref(), Ok([.., last]) if !matches!(last, Value::ServerError(_)));
    if listens && !is_published {
        shared.own.lock().heard(message.as_bytes());
    }

    let mut outcomes = answers?.into_iter().zip(&requests).map(|(answer, request)| match answer {
        Value::ServerError(said) => Err(refused(&request.command, &said)),
        _ => Ok(()),
    });
    let published = outcomes.next_back().unwrap_or(Ok(()));
    outcomes.collect::<Result<(), StoreError>>()?;
    Ok(published)
}

/// A row as the contract has it.
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

/// `{"type", "timestamp", "count"}`.
fn message(told: &Notification) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    format!(r#"{{"type": {}, "timestamp": {}, "count": {}}}"#, text(&told.kind), text(&told.time), told.count)
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
