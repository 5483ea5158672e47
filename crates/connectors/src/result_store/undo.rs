//! Taking rows back that a job wrote after the checkpoint that it goes on from.
//!
//! Rows of an aggregate or a list change. After a crash a job reads the records behind its checkpoint a second time, perhaps
//! in another order, and may then never write a row that it wrote the first time, nor delete it:
//!
//! ```text
//! checkpoint 7     a = 5, b = 4                        the store
//! c = 5            b is gone, c = 5                    c is on the list for a moment
//! crash, again     a = 5, b = 6                        b came first this time: c never was on the list, and stays
//! ```
//!
//! So the writer looks up what stands under a key before it changes it for the first time after a checkpoint, and appends that
//! to an [`UndoLog`]. An attempt that goes on from checkpoint 7 first puts back what stood under each key at that time.
//!
//! A subtask passes a checkpoint's barrier before or after others. So each row says for itself which checkpoint it comes
//! after. All rows of a key come from one subtask, in order: of the entries after a checkpoint, the first of a key holds what
//! stood there at the checkpoint.

use std::collections::HashSet;
use std::sync::Arc;

use storage::store::{Entry, WriteBatch};

/// Keeps what stood under keys before rows were written. It outlives the process.
pub trait UndoLog: Send + Sync {
    /// Returns when the entries survive the end of the process.
    ///
    /// What cannot be kept is passed over, and whoever operates Weir is told: the results come first.
    fn append(&self, entries: &[UndoEntry]);

    /// The last checkpoint that was asked for. A sink that is opened writes behind it.
    fn checkpoint(&self) -> u64;
}

/// What stood under a key before a row was written there, or deleted.
#[derive(Debug, Clone)]
pub struct UndoEntry {
    /// The `key` of the table, as the script has it.
    pub template: Arc<str>,
    /// The row was written after this checkpoint, and before the next one.
    pub checkpoint: u64,
    pub key: Arc<str>,
    /// `None`: nothing stood there.
    pub row: Option<Entry>,
}

/// Where the rows of a batch belong that can be taken back.
#[derive(Debug, Clone)]
pub struct Undoable {
    /// As in [`UndoEntry`].
    pub template: Arc<str>,
    pub checkpoint: u64,
}

/// Notes rows before they change, each key once after a checkpoint.
pub(super) struct Noting {
    log: Arc<dyn UndoLog>,
    /// The keys of which the log knows what stood there: after the newest checkpoint of which rows have come, and after the one before.
    generations: [(u64, HashSet<Arc<str>>); 2],
}

impl Noting {
    pub fn new(log: Arc<dyn UndoLog>) -> Noting {
        Noting { log, generations: Default::default() }
    }

    /// The keys of a batch that change for the first time after a checkpoint. They are taken for noted from here on.
    pub fn take_new(&mut self, batch: &WriteBatch, checkpoint: u64) -> Vec<Arc<str>> {
        if checkpoint > self.generations[0].0 {
            self.generations.swap(0, 1);
            self.generations[0] = (checkpoint, HashSet::new());
        }

        let keys = batch.upserts.iter().map(|upsert| &upsert.key).chain(&batch.deletes);
        let known = self.generations.iter_mut().find(|(of, _)| *of == checkpoint);
        match known {
            Some((_, known)) => keys.filter(|key| known.insert((*key).clone())).cloned().collect(),
            // A subtask that far behind may log a key again: the first entry counts.
            None => keys.cloned().collect(),
        }
    }

    /// Notes the row that stands under each key.
    pub fn note(&self, keys: &[Arc<str>], rows: &[Option<Entry>], undoable: &Undoable) {
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
        let mut noting = Noting::new(Arc::new(Nowhere));
        let mut new = |keys: &str, checkpoint| noting.take_new(&deletes(keys), checkpoint).concat();
        assert_eq!(new("ab", 0), "ab");
        assert_eq!(new("abc", 0), "c");
        assert_eq!(new("a", 3), "a");
        // Of a subtask that has not come to the barrier yet.
        assert_eq!(new("acd", 0), "d");
        assert_eq!(new("ab", 3), "b");
        assert_eq!(new("b", 4), "b");
        assert_eq!(new("ab", 3), "");
        assert_eq!(new("a", 0), "a");
    }
}
