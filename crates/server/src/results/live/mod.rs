//! The changes of result tables as they happen: a subscription, and how clients hold one.
//!
//! A subscription has no queue. It only knows the number of the newest change that its client was sent, and
//! makes the next message from the table: every row that changed since, in its newest state. So a slow client
//! gets fewer and larger messages. If more changes were missed than the table remembers, the client gets a
//! snapshot.
//!
//! ```text
//! subscribe, no token      ─► snapshot (reason new)            token 1f…-41
//! rows change              ─► changes  rows, removed           token 1f…-44
//! connection lost, subscribe with token 1f…-44
//!   changes are remembered ─► changes  all since 44            token 1f…-60
//!   too many were missed   ─► snapshot (reason behind)         token 1f…-9000
//!   Weir has restarted     ─► snapshot (reason restarted)      token 8a…-3
//! ```
//!
//! Clients that have been sent the same wait for the same message. It is made once.

pub(crate) mod events;
pub(crate) mod message;
pub(crate) mod socket;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use super::answer::{RowScratch, places, row_names};
use super::changes::{CHANGES_MAX, Change};
use super::filter::Filter;
use super::format::{Field, json_names, write_object};
use super::request::{LIMIT, Order, OrderBy};
use super::routes::{broken, wrong};
use super::scan::{Place, Selection};
use super::view::TableView;
use super::{Results, Slot};
use crate::analytics::Moment;
use crate::error::Failure;
use crate::metrics::Metrics;
use crate::shutdown::Alive;
use message::{Head, Reason};

/// Maximum of rows in a snapshot.
pub(super) const SNAPSHOT_ROWS_MAX: usize = 10_000;
/// Size at which a snapshot ends.
const SNAPSHOT_BYTES_MAX: usize = 16 << 20;
/// Messages of a table that are remembered for other clients.
const SHARED_MAX: usize = 8;

/// What serves clients that follow tables.
pub(crate) struct Live {
    pub(crate) results: Arc<Results>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) alive: Alive,
    /// Minimum time between two messages to a client. Changes in between are merged.
    pub(crate) interval: Duration,
    /// Time after which a client that takes nothing is closed.
    pub(crate) stall: Duration,
}

/// What a client asks for.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) table: String,
    /// Conditions, as in the parameter `where`.
    pub(super) filter: String,
    /// Rows of a snapshot, the newest.
    pub(super) limit: Option<usize>,
    /// The token of the last message that the client has received.
    pub(super) token: Option<String>,
    /// The client's name for the subscription.
    pub(super) id: String,
}

/// A message that was made for some client.
pub(super) struct Shared {
    head: (String, String),
    from: u64,
    to: u64,
    message: Option<Message>,
}

/// A message as JSON, and its token.
#[derive(Clone)]
pub(super) struct Message {
    pub(super) json: Bytes,
    pub(super) token: String,
}

/// A client's subscription to a table.
pub(super) struct Subscription {
    results: Arc<Results>,
    wanted: Wanted,
    slot: Arc<Slot>,
    filter: Filter,
    changed: watch::Receiver<u64>,
    reloaded: watch::Receiver<u64>,
    /// Number of the newest change that the client was sent, or does not need.
    seen: u64,
    /// Number of the newest change whose token the client has.
    told: u64,
}

impl Subscription {
    /// Opens a subscription to a table that is loaded. Returns it with its first message.
    pub(super) async fn open(
        results: Arc<Results>,
        slot: Arc<Slot>,
        wanted: Wanted,
    ) -> Result<(Subscription, Message), Failure> {
        if wanted.limit.is_some_and(|limit| limit > SNAPSHOT_ROWS_MAX) {
            return Err(wrong(format!("limit must be a whole number from 0 to {SNAPSHOT_ROWS_MAX}")));
        }
        let declared = Arc::clone(&slot.table.read().declared);
        let filter = Filter::parse(&wanted.filter, &declared, &results.zone)
            .map_err(|error| wrong(error.to_string()))?;
        let (changed, reloaded) = (slot.changed.subscribe(), results.loaded.subscribe());
        let mut subscription =
            Subscription { results, wanted, slot, filter, changed, reloaded, seen: 0, told: 0 };

        let resumed = match subscription.wanted.token.as_deref() {
            None => Err(Reason::New),
            Some(token) => match number(token, subscription.slot.epoch) {
                None => Err(Reason::Restarted),
                Some(seen) => subscription.changes(seen, true),
            },
        };
        let message = match resumed {
            Ok(Some(message)) => message,
            Ok(None) => subscription.snapshot(Reason::Behind).await?,
            Err(reason) => subscription.snapshot(reason).await?,
        };
        Ok((subscription, message))
    }

    pub(super) fn id(&self) -> &str {
        &self.wanted.id
    }

    /// Waits until there may be a message. May be dropped at any time.
    pub(super) async fn ready(&mut self) {
        if *self.changed.borrow() > self.seen {
            return;
        }
        // The senders live as long as the results and the slot.
        tokio::select! {
            _ = self.changed.changed() => {}
            _ = self.reloaded.changed() => {}
        }
    }

    /// Returns the next message, `None` if nothing changed that the client should see. Fails with a reason
    /// when the table is gone, or has changed so that the filter is wrong, or cannot be read.
    pub(super) async fn next(&mut self) -> Result<Option<Message>, Failure> {
        self.reloaded.borrow_and_update();
        self.changed.borrow_and_update();
        let slot = self.results.slot(&self.wanted.table);
        let slot = slot.ok_or_else(|| wrong(format!("table `{}` is gone", self.wanted.table)))?;
        if !Arc::ptr_eq(&slot, &self.slot) {
            let declared = Arc::clone(&slot.table.read().declared);
            self.filter = Filter::parse(&self.wanted.filter, &declared, &self.results.zone)
                .map_err(|error| wrong(format!("the table has changed: {error}")))?;
            self.changed = slot.changed.subscribe();
            self.slot = slot;
            return self.snapshot(Reason::Reloaded).await.map(Some);
        }
        match self.changes(self.seen, false) {
            Ok(message) => Ok(message),
            Err(reason) => self.snapshot(reason).await.map(Some),
        }
    }

    /// Returns the changes after a number; `None` if the client should see none of them, and `is_wanted` is
    /// false. Fails with the reason for a snapshot.
    fn changes(&mut self, from: u64, is_wanted: bool) -> Result<Option<Message>, Reason> {
        let slot = Arc::clone(&self.slot);
        // In this order: the lock of the table must not be held while another client makes its message.
        let mut shared = slot.shared.lock();
        let table = slot.table.read();
        let to = table.changes.number();
        // A client that sees nothing for long still gets tokens with which it can come back.
        let is_wanted = is_wanted || to.saturating_sub(self.told) >= CHANGES_MAX as u64 / 2;

        let head = (self.wanted.id.clone(), self.wanted.filter.clone());
        let made = shared.iter().find(|made| (&made.head, made.from, made.to) == (&head, from, to));
        let message = match made {
            Some(made) if made.message.is_some() || !is_wanted => made.message.clone(),
            _ => {
                let changes = table.changes.since(from).ok_or(Reason::Behind)?;
                let view = table.view();
                drop(table);
                let message = self.write_changes(&view, &changes, to, is_wanted);
                if shared.len() >= SHARED_MAX {
                    shared.pop_front();
                }
                shared.push_back(Shared { head, from, to, message: message.clone() });
                message
            }
        };
        self.seen = to;
        if message.is_some() {
            self.told = to;
        }
        Ok(message)
    }

    fn write_changes(
        &self,
        table: &TableView,
        changes: &[Change],
        to: u64,
        is_wanted: bool,
    ) -> Option<Message> {
        let names = json_names(&row_names(&table.declared));
        let key_columns: Vec<usize> = table.template.columns().collect();
        let is_fixed = self.filter.is_only_about(&key_columns);
        let mut scratch = RowScratch::default();
        let (mut rows, mut removed) = (Vec::new(), Vec::new());

        for change in changes {
            match change {
                Change::Deleted(key) => push(&mut removed, |out| super::cell::write_string(key, out)),
                Change::Wrote(time, id) => {
                    // A row that is gone was deleted later, or has another time now.
                    let Some((run, at)) = table.at(*time, *id) else { continue };
                    let of_run = &table.runs[run];
                    let holds = self.filter.holds(
                        |column| of_run.columns[column].get(at),
                        of_run.is_final(at),
                        &table.texts,
                    );
                    scratch.with(table, (run, at), |fields| match (holds, fields.get(key_field(table))) {
                        (true, _) => push(&mut rows, |out| write_object(&names, fields, &table.texts, out)),
                        // The row may have met the filter before.
                        (false, Some(Field::Text(key))) if !is_fixed => {
                            push(&mut removed, |out| super::cell::write_string(key, out));
                        }
                        (false, _) => {}
                    });
                }
            }
        }

        if rows.is_empty() && removed.is_empty() && !is_wanted {
            return None;
        }
        let token = token(self.slot.epoch, to);
        let head = Head { id: &self.wanted.id, table: &self.wanted.table, token: &token };
        Some(Message { json: head.changes(&rows, &removed), token })
    }

    /// Returns the newest rows of the table.
    async fn snapshot(&mut self, reason: Reason) -> Result<Message, Failure> {
        let (slot, filter) = (Arc::clone(&self.slot), self.filter.clone());
        let limit = self.wanted.limit.unwrap_or(LIMIT);
        let reader = Arc::clone(&self.results.readers).acquire_owned().await;
        let reading = tokio::task::spawn_blocking(move || {
            let _reader = reader;
            let (table, number) = {
                let table = slot.table.read();
                (table.view(), table.changes.number())
            };
            let selection = Selection { from: Moment::MIN, to: Moment(i64::MAX), filter };
            let newest = [Order { by: OrderBy::Time, is_descending: true }];
            let (places, is_complete) = places(&table, &selection, &newest, limit);
            let (rows, written) = write_rows(&table, &places);
            (rows, is_complete && written == places.len(), number)
        });
        // A panic must not look like a table without rows.
        let (rows, is_complete, number) = reading.await.map_err(|_| broken())?;

        (self.seen, self.told) = (number, number);
        let token = token(self.slot.epoch, number);
        let head = Head { id: &self.wanted.id, table: &self.wanted.table, token: &token };
        Ok(Message { json: head.snapshot(reason, &rows, is_complete), token })
    }
}

/// Returns the rows at these places as JSON, and their number: fewer if they would be too many bytes.
fn write_rows(table: &TableView, places: &[Place]) -> (Vec<u8>, usize) {
    let names = json_names(&row_names(&table.declared));
    let mut scratch = RowScratch::default();
    let mut rows = Vec::new();
    for (written, place) in places.iter().enumerate() {
        if rows.len() >= SNAPSHOT_BYTES_MAX {
            return (rows, written);
        }
        scratch.with(table, *place, |fields| {
            push(&mut rows, |out| write_object(&names, fields, &table.texts, out));
        });
    }
    (rows, places.len())
}

/// Returns the place of `_key` among the fields of a row.
fn key_field(table: &TableView) -> usize {
    table.declared.columns.len()
}

/// Appends a value to a list, without its brackets.
fn push(list: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    if !list.is_empty() {
        list.push(b',');
    }
    write(list);
}

fn token(epoch: u64, number: u64) -> String {
    format!("{epoch:016x}-{number}")
}

/// Returns the number of a token of this epoch.
fn number(token: &str, epoch: u64) -> Option<u64> {
    let (of, number) = token.split_once('-')?;
    (u64::from_str_radix(of, 16) == Ok(epoch)).then(|| number.parse().ok())?
}
