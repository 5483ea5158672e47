//! The states of all rules, in memory and on disk: `alerts/state/NAME.json` in the data directory.
//!
//! A state changes only under the lock of its slot, and is written before the lock is released. A slot is closed when its
//! rule is deleted or Weir stops; from then on, nobody changes or writes its state.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::state::AlertState;
use crate::documents::file;
use crate::results::Stamp;

/// The state of one rule.
pub(super) struct Slot {
    pub(super) name: String,
    pub(super) held: Mutex<Held>,
    /// Wakes the sender: the rule has changed, or the slot is closed.
    pub(super) wake: Condvar,
    /// `None` to keep the state in memory only.
    directory: Option<PathBuf>,
}

#[derive(Default)]
pub(super) struct Held {
    pub(super) state: AlertState,
    pub(super) verdict: Verdict,
    /// The tag of the rule that was evaluated last, and the rows; `None` to evaluate again in any case.
    pub(super) seen: Option<(String, Stamp)>,
    /// Whether this process has seen the table.
    pub(super) had_table: bool,
    /// Whether a thread sends the undelivered notifications.
    pub(super) is_sending: bool,
    pub(super) is_closed: bool,
    /// The state on disk is older, because it could not be written.
    is_unsaved: bool,
}

/// What the last evaluation found, besides the series that fire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There is no row that counts, or no evaluation yet.
    #[default]
    NoData,
    Data,
    /// The rule does not fit the table.
    Mistake(String),
}

impl Slot {
    /// Writes the state to disk.
    pub(super) fn save(&self, held: &mut Held) {
        let Some(directory) = &self.directory else { return };
        // Texts, numbers and JSON values can be written.
        let text = serde_json::to_vec(&held.state).unwrap_or_default();
        let written = file::write(directory, &self.name, &text);
        if let (Err(error), false) = (&written, held.is_unsaved) {
            let name = &self.name;
            tracing::error!(name, %error, "the state of an alert could not be written: a restart may repeat notifications");
        }
        held.is_unsaved = written.is_err();
    }

    /// Writes the state to disk if that has failed before.
    pub(super) fn save_again(&self, held: &mut Held) {
        if held.is_unsaved && !held.is_closed {
            self.save(held);
        }
    }

    fn close(&self) {
        self.held.lock().is_closed = true;
        self.wake.notify_all();
    }
}

/// The states of all rules, by name.
pub(super) struct Book {
    open: Mutex<Open>,
    directory: Option<PathBuf>,
}

#[derive(Default)]
struct Open {
    slots: BTreeMap<String, Arc<Slot>>,
    /// Whether Weir stops.
    is_closed: bool,
}

impl Book {
    pub(super) fn new(directory: Option<PathBuf>) -> Book {
        Book { open: Mutex::default(), directory }
    }

    /// Returns the state of a rule. Reads it from disk when it is needed first.
    pub(super) fn slot(&self, name: &str) -> Arc<Slot> {
        let mut open = self.open.lock();
        if let Some(slot) = open.slots.get(name) {
            return Arc::clone(slot);
        }
        let state = self.directory.as_deref().map(|directory| read(directory, name)).unwrap_or_default();
        let slot = Arc::new(Slot {
            name: name.to_owned(),
            held: Mutex::new(Held { state, is_closed: open.is_closed, ..Held::default() }),
            wake: Condvar::new(),
            directory: self.directory.clone(),
        });
        open.slots.insert(name.to_owned(), Arc::clone(&slot));
        slot
    }

    /// Wakes the sender of a rule that has changed.
    pub(super) fn wake(&self, name: &str) {
        if let Some(slot) = self.open.lock().slots.get(name) {
            slot.wake.notify_all();
        }
    }

    /// Removes the state of a rule.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        let slot = self.open.lock().slots.remove(name);
        if let Some(slot) = slot {
            slot.close();
        }
        match &self.directory {
            Some(directory) if directory.is_dir() => file::remove(directory, name),
            Some(_) | None => Ok(()),
        }
    }

    /// Ends all changes, because Weir stops.
    pub(super) fn close(&self) {
        let slots = {
            let mut open = self.open.lock();
            open.is_closed = true;
            open.slots.clone()
        };
        slots.values().for_each(|slot| slot.close());
    }
}

/// Reads a state. A damaged one is set aside, and the rule begins anew.
fn read(directory: &Path, name: &str) -> AlertState {
    let path = directory.join(format!("{name}.json"));
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return AlertState::default(),
        Err(error) => {
            tracing::error!(path = %path.display(), %error, "the state of an alert cannot be read: it begins anew");
            return AlertState::default();
        }
    };
    serde_json::from_slice(&text).unwrap_or_else(|error| {
        tracing::error!(path = %path.display(), %error, "the state of an alert is damaged: it begins anew");
        if let Err(error) = file::set_aside(directory, name) {
            tracing::error!(path = %path.display(), %error, "the damaged state could not be set aside");
        }
        AlertState::default()
    })
}
