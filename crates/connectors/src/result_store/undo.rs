//! Undo: takes back rows that a job wrote after the checkpoint from which it restarts.
//!
//! Rows of an aggregate or a Top-N change. After a crash a job reads the records after its checkpoint again,
//! perhaps in another order, and may then never write or delete a row that it wrote the first time:
//!
//! ```text
//! checkpoint 7     a = 5, b = 4             the store
//! c = 5            b is deleted, c = 5      c is on the list for a moment
//! crash, restart   a = 5, b = 6             b came first this time: c is never on the list, its row stays
//! ```
//!
//! Therefore the writer looks up a key's row before it changes the key for the first time after a checkpoint,
//! and appends the row to an [`UndoLog`]. An attempt that restarts from checkpoint 7 first restores the rows
//! that the keys had at that time.
//!
//! Subtasks pass a checkpoint's barrier at different times, so each row carries the checkpoint that it
//! follows. All rows of a key come from one subtask, in order: of the entries after a checkpoint, the first
//! one for a key has the row at the checkpoint.

use std::collections::HashSet;
use std::sync::Arc;

use storage::store::{Entry, WriteBatch};

/// Keeps the rows that keys had before they were written. It outlives the process.
pub trait UndoLog: Send + Sync {
    /// Returns when the entries survive the end of the process.
    ///
    /// If an entry cannot be kept, it is dropped and the operator is notified, because results have priority.
    fn append(&self, entries: &[UndoEntry]);

    /// Returns the last checkpoint that was requested. A newly opened sink writes after it.
    fn checkpoint(&self) -> u64;
}

/// The row of a key before it was written or deleted.
#[derive(Debug, Clone)]
pub struct UndoEntry {
    /// The table's `key` option as written in the script.
    pub template: Arc<str>,
    /// The write came after this checkpoint, and before the next one.
    pub checkpoint: u64,
    pub key: Arc<str>,
    /// `None` if the key had no row.
    pub row: Option<Entry>,
}

/// Identifies the rows of a batch, so that they can be taken back.
#[derive(Debug, Clone)]
pub struct Undoable {
    /// The same as in [`UndoEntry`].
    pub template: Arc<str>,
    pub checkpoint: u64,
}

/// Logs rows before they change, each key once after each checkpoint.
pub(super) struct UndoRecorder {
    log: Arc<dyn UndoLog>,
    /// Keys that are already logged, for the newest checkpoint that rows have followed, and for the one
    /// before.
    generations: [(u64, HashSet<Arc<str>>); 2],
}

impl UndoRecorder {
    pub fn new(log: Arc<dyn UndoLog>) -> UndoRecorder {
        UndoRecorder { log, generations: Default::default() }
    }

    /// Returns the keys of a batch that change for the first time after a checkpoint, and marks them as
    /// logged.
    pub fn take_new(&mut self, batch: &WriteBatch, checkpoint: u64) -> Vec<Arc<str>> {
        if checkpoint > self.generations[0].0 {
            self.generations.swap(0, 1);
            self.generations[0] = (checkpoint, HashSet::new());
        }

        let keys = batch.upserts.iter().map(|upsert| &upsert.key).chain(&batch.deletes);
        let known = self.generations.iter_mut().find(|(of, _)| *of == checkpoint);
        match known {
            Some((_, known)) => keys.filter(|key| known.insert((*key).clone())).cloned().collect(),
            // A subtask that is so far behind may log a key again; the first entry counts.
            None => keys.cloned().collect(),
        }
    }

    /// Logs the current row of each key.
    pub fn record(&self, keys: &[Arc<str>], rows: &[Option<Entry>], undoable: &Undoable) {
        if keys.is_empty() {
            return;
        }
        let entries = keys.iter().zip(rows).map(|(key, row)| UndoEntry {
            template: undoable.template.clone(),
            checkpoint: undoable.checkpoint,
            key: key.clone(),
            row: row.clone(),
        });
        self.log.append(&entries.collect::<Vec<UndoEntry>>());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nowhere;

    impl UndoLog for Nowhere {
        fn append(&self, _: &[UndoEntry]) {}

        fn checkpoint(&self) -> u64 {
            0
        }
    }

    fn deletes(keys: &str) -> WriteBatch {
        let deletes = keys.chars().map(|key| key.to_string().into()).collect();
        WriteBatch { deletes, ..WriteBatch::default() }
    }

    #[test]
    fn a_key_is_new_once_after_each_checkpoint() {
        let mut recorder = UndoRecorder::new(Arc::new(Nowhere));
        let mut new = |keys: &str, checkpoint| recorder.take_new(&deletes(keys), checkpoint).concat();
        assert_eq!(new("ab", 0), "ab");
        assert_eq!(new("abc", 0), "c");
        assert_eq!(new("a", 3), "a");
        // These come from a subtask that has not reached the barrier yet.
        assert_eq!(new("acd", 0), "d");
        assert_eq!(new("ab", 3), "b");
        assert_eq!(new("b", 4), "b");
        assert_eq!(new("ab", 3), "");
        assert_eq!(new("a", 0), "a");
    }
}
