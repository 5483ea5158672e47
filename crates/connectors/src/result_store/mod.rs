//! Sink tables of the result store: `'connector' = 'redis'`. [`crate::lookup`] finds their rows.
//!
//! Each row is one key and one JSON object, which replaces the previous one; a retracted row deletes its key.
//! Followers are notified after each batch. `undo.rs` handles changed rows of a job that restarts from a
//! checkpoint.

mod encode;
mod pending_writes;
mod template;
mod undo;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use engine::connector::{ConnectorError, Rows, Sink, SinkFactory};
use sql::error::Diagnostic;
use sql::plan::SinkTable;
use storage::store::{Notification, Upsert, WriteBatch};
use types::{DataType, EventTime, Scalar, Timestamp};

pub use encode::RowEncoder;
pub use template::{KeyTemplate, TemplateError};
pub use undo::{UndoEntry, UndoLog, Undoable};
pub use writer::StoreWriter;

use crate::lookup::LookupPolicy;
use crate::options::OptionReader;
use pending_writes::PendingWrites;
use template::written;

/// The options of a sink table.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultStoreOptions {
    pub key: KeyTemplate,
    pub ttl: Duration,
    /// Channel for notifications; empty for none.
    pub channel: String,
    /// Key of the last batch's `window_end`; empty for none.
    pub latest_key: String,
    /// Name of the analytic in notifications; by default the table's.
    pub kind: String,
    /// Lookup options, which do not affect writing.
    pub lookup: LookupPolicy,
}

/// The column whose value is in notifications and under the latest key.
const TIME: &str = "window_end";

/// Size in bytes at which rows are handed to the writer.
const PENDING_BYTES: usize = 1 << 20;

/// Largest number of rows that are restored in one batch.
const PUT_BACK_ROWS: usize = 1_000;

/// The default TTL, 30 days.
const DEFAULT_TTL_SECONDS: u64 = 2_592_000;

impl ResultStoreOptions {
    /// Reads the options of a table with the connector `redis`.
    pub fn read(table: &SinkTable) -> Result<ResultStoreOptions, Vec<Diagnostic>> {
        let mut reader = OptionReader::new(&table.name, &table.options);
        reader.get("connector");
        let example = format!("analytics:{}:{{window_end}}", table.name);

        let template = reader.required("key", &example);
        let key = match KeyTemplate::parse(&template, &table.columns) {
            Ok(key) => key,
            Err(error) => {
                let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
                reader.reject(
                    "key",
                    error.to_string(),
                    format!("the table's columns are {}", names.join(", ")),
                );
                KeyTemplate::parse("", &[]).expect("an empty template is fine")
            }
        };

        let seconds: u64 = reader.parsed("ttl", DEFAULT_TTL_SECONDS, "a number of seconds");
        if seconds == 0 {
            reader.reject("ttl", "a result must live for at least a second", "for example 'ttl' = '2592000'");
        }

        let channel = reader.get("channel").map_or_else(String::new, |option| option.value.clone());
        let latest_key = latest_key(&mut reader, table);
        let kind = reader.get("type").map_or_else(|| table.name.clone(), |option| option.value.clone());
        let lookup = LookupPolicy::read(&mut reader);
        reader.finish()?;
        Ok(ResultStoreOptions { key, ttl: Duration::from_secs(seconds), channel, latest_key, kind, lookup })
    }
}

/// Reads the key for the `window_end` of the last batch; empty if there is none.
fn latest_key(reader: &mut OptionReader<'_>, table: &SinkTable) -> String {
    let key = reader.get("latest-key").map_or_else(String::new, |option| option.value.clone());
    if key.is_empty() {
        return key;
    }

    if let Err(error) = KeyTemplate::parse(&key, &[]) {
        let (message, hint) = match error {
            TemplateError::Internal => (error.to_string(), "for example 'latest-key' = 'analytics:latest'"),
            _ => (
                "the latest key is the same for all rows and cannot contain `{column}`".to_owned(),
                "leave out the braces",
            ),
        };
        reader.reject("latest-key", message, hint);
    }

    if !table.columns.iter().any(|column| column.name == TIME) {
        reader.reject(
            "latest-key",
            format!(
                "the latest key stores the `{TIME}` of the last batch, but table `{}` has no such column",
                table.name
            ),
            format!("leave out 'latest-key', or declare the column, for example {TIME} TIMESTAMP(3)"),
        );
    }

    key
}

/// A sink table in the result store.
pub struct ResultStoreTable {
    pub table: SinkTable,
    pub options: ResultStoreOptions,
    pub writer: Arc<StoreWriter>,
    /// Whether rows say that their window is still open.
    pub tells_stage: bool,
    /// Log of rows before they change; `None` if rows are only added, or if the job never restarts from a
    /// checkpoint.
    pub undo: Option<Arc<dyn UndoLog>>,
}

impl ResultStoreTable {
    /// Returns the table's `key` option as written in the script.
    pub fn template(&self) -> &str {
        self.table.options.entries.get("key").map_or("", |option| option.value.as_str())
    }

    /// Restores the previous rows of keys, before any row that is written afterwards. Rows that have expired
    /// since are not restored. If the process ends too early, the next one restores the rest, because the log
    /// still has it.
    ///
    /// # Errors
    /// The writer has stopped.
    /// The writer has stopped.
    pub fn put_back(&self, entries: &[UndoEntry], now: Timestamp) -> Result<(), ConnectorError> {
        for entries in entries.chunks(PUT_BACK_ROWS) {
            let mut batch = WriteBatch::default();
            for UndoEntry { key, row, .. } in entries {
                let standing = row.as_ref().and_then(|row| Some((row, self.time_left(row.expires, now)?)));
                match standing {
                    Some((row, ttl)) => {
                        batch.upserts.push(Upsert { key: key.clone(), value: row.value.clone(), ttl });
                    }
                    None => batch.deletes.push(key.clone()),
                }
            }

            if !self.options.channel.is_empty() {
                batch.notification = Some(Notification {
                    channel: self.options.channel.as_str().into(),
                    latest_key: "".into(),
                    kind: self.options.kind.as_str().into(),
                    time: "".into(),
                    count: batch.upserts.len() as u64,
                });
            }

            self.writer.write(batch, None, None)?;
        }
        Ok(())
    }

    /// Returns a row's remaining TTL, or `None` if it has expired.
    fn time_left(&self, expires: Timestamp, now: Timestamp) -> Option<Duration> {
        if expires.0 == i64::MAX {
            return Some(self.options.ttl);
        }
        let left = u64::try_from(expires.0.saturating_sub(now.0)).ok().filter(|&left| left > 0)?;
        // The store counts in seconds.
        Some(Duration::from_secs(left.div_ceil(1_000)))
    }
}

impl SinkFactory for ResultStoreTable {
    fn open(&self, _subtask: usize, _of: usize) -> Result<Box<dyn Sink>, ConnectorError> {
        let time = self.table.columns.iter().enumerate().find(|(_, column)| column.name == TIME);
        Ok(Box::new(ResultStoreSink {
            encoder: Some(RowEncoder::new(&self.table, self.options.key.clone(), self.tells_stage)),
            time: time.map(|(place, column)| (place, column.column_type.data_type.clone())),
            ttl: self.options.ttl,
            channel: self.options.channel.as_str().into(),
            latest_key: self.options.latest_key.as_str().into(),
            kind: self.options.kind.as_str().into(),
            writer: self.writer.clone(),
            undo: self
                .undo
                .as_ref()
                .map(|undo| Undoable { template: self.template().into(), checkpoint: undo.checkpoint() }),
            blocked: Duration::ZERO,
            bytes: 0,
            shows: None,
        }))
    }
}

struct ResultStoreSink {
    /// Taken out while it is in use.
    encoder: Option<RowEncoder>,
    /// The column with the time for notifications, and its type.
    time: Option<(usize, DataType)>,
    ttl: Duration,
    channel: Arc<str>,
    latest_key: Arc<str>,
    kind: Arc<str>,
    writer: Arc<StoreWriter>,
    /// The checkpoint that the next rows follow, if they can be taken back.
    undo: Option<Undoable>,
    blocked: Duration,
    bytes: u64,
    /// Arrival time of the oldest record that the next rows are the first to show.
    shows: Option<Timestamp>,
}

impl ResultStoreSink {
    fn hand_over(&mut self, mut pending: PendingWrites) -> Result<(), ConnectorError> {
        self.bytes += pending.written_bytes() as u64;
        let time = pending.time.take();
        let (upserts, deletes) = pending.into_writes(self.ttl);
        let mut batch = WriteBatch { upserts, deletes, notification: None };
        if !self.channel.is_empty() || !self.latest_key.is_empty() {
            batch.notification = Some(Notification {
                channel: self.channel.clone(),
                latest_key: self.latest_key.clone(),
                kind: self.kind.clone(),
                time: time.unwrap_or_else(|| "".into()),
                count: batch.upserts.len() as u64,
            });
        }
        self.blocked += self.writer.write(batch, self.shows, self.undo.clone())?;
        Ok(())
    }
}

impl Sink for ResultStoreSink {
    fn write(&mut self, rows: &Rows<'_>) -> Result<(), ConnectorError> {
        let Some(mut encoder) = self.encoder.take() else { return Ok(()) };
        let time_column = self.time.clone();
        let are_additions = rows.are_additions();
        let mut scratch = Vec::new();
        let mut pending = PendingWrites::default();
        let mut outcome = Ok(());

        encoder.encode(rows, |row, key, value| {
            if pending.bytes() >= PENDING_BYTES && outcome.is_ok() {
                outcome = self.hand_over(std::mem::take(&mut pending));
            }
            if pending.time.is_none()
                && let Some((column, data_type)) = &time_column
            {
                pending.time = match rows.columns[*column].get(row) {
                    Scalar::Null => None,
                    Scalar::Text(text) => Some(text.into()),
                    time => Some(written(&mut scratch, time, data_type).into()),
                };
            }
            if are_additions {
                pending.add(key, value);
            } else {
                pending.change(key, rows.kind(row).is_addition().then_some(value));
            }
        });

        self.encoder = Some(encoder);
        outcome?;
        self.hand_over(pending)
    }

    fn watermark(&mut self, _watermark: EventTime) -> Result<(), ConnectorError> {
        Ok(())
    }

    fn shows(&mut self, since: Option<Timestamp>) {
        self.shows = since;
    }

    fn barrier(&mut self, snapshot: u64) {
        if let Some(undo) = &mut self.undo {
            undo.checkpoint = snapshot;
        }
    }

    fn flush(&mut self) -> Result<(), ConnectorError> {
        self.writer.flush()
    }

    fn take_bytes(&mut self) -> u64 {
        std::mem::take(&mut self.bytes)
    }

    fn take_blocked(&mut self) -> Duration {
        std::mem::take(&mut self.blocked)
    }
}
