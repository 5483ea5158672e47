//! Alerts: a rule watches a number of a result table, and tells people when the number is beyond a bound for some
//! windows.
//!
//! ```text
//! results ─ newest final rows of each series ─► Watcher ─ evaluate ─► Slot: which series fire, since when
//!                                                                       │ transitions
//!                                          receiver ◄─ POST ─ sender ◄──┘ undelivered, on disk
//! ```
//!
//! One thread evaluates all rules, at most once a second each. It reads the rows as a request does, so it does not
//! hold up the thread that applies changes. Each rule with undelivered notifications has a thread that sends them, so
//! a receiver that hangs delays only its own rule.
//!
//! A transition is on disk before it is sent, and leaves the disk when its outcome is known. So after a restart, no
//! transition is forgotten. A transition whose outcome was not yet on disk is sent again, with the same id.

mod book;
mod check;
mod document;
mod evaluate;
mod refusal;
pub(crate) mod routes;
mod send;
mod state;
mod store;
mod watch;
mod webhook;

#[cfg(test)]
mod tests;

pub(crate) use state::Outcome;
pub(crate) use watch::{Alerts, Watcher};
