//! Sessions: windows that last until no row has come for a gap.
//!
//! A row opens a session from its time to a gap later, and sessions that overlap or touch are one:
//!
//! ```text
//! gap 10   rows 0, 7      one session       [0, 17)
//!          row 17         touches it        [0, 27)
//!          row 50         another           [50, 60)
//! ```
//!
//! So the open sessions of a key are disjoint, and a row merges at most a few neighbours. A row is late if
//! its session, after merging, is closed; an emitted session is gone and merges with nothing.
//!
//! Each session has one timer. The timer is not moved when the session grows, which happens with almost every
//! row: when it fires too early it is set again. A session is never due before its timer.

use std::ops::Range;

use super::clock::WindowClock;
use super::stored_key::StoredKey;
use crate::row::{self, Reader};
use crate::state::{Keyed, StateError, StateValue, StateWriter, Timers};

/// The aggregate of the rows of a session.
pub trait SessionContent: StateValue {
    /// The context that merging two contents needs.
    type With;

    /// Merges the content of a later session into this one.
    ///
    /// # Errors
    /// The rows make the query fail.
    fn merge(&mut self, with: &Self::With, later: Self) -> Result<(), String>;
}

/// A session; its bounds are on the wall clock, in milliseconds.
#[derive(Debug)]
pub struct Session<C> {
    pub start: i64,
    pub end: i64,
    /// The time to which its timer is set.
    timer: i64,
    pub content: C,
}

/// The open sessions of a key, ascending.
#[derive(Debug)]
struct Sessions<C> {
    open: Vec<Session<C>>,
    content_bytes: usize,
}

/// The open sessions of all keys.
#[derive(Debug)]
pub struct SessionState<C> {
    gap: i64,
    keys: Keyed<Sessions<C>>,
    timers: Timers,
}

/// The outcome for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    Kept,
    /// Its session is closed.
    Late,
}

impl<C: StateValue> Sessions<C> {
    fn new() -> Sessions<C> {
        Sessions { open: Vec::new(), content_bytes: 0 }
    }

    /// Returns the sessions that overlap or touch these bounds.
    fn touched(&self, start: i64, end: i64) -> Range<usize> {
        let from = self.open.partition_point(|session| session.end < start);
        let count = self.open[from..].iter().take_while(|session| session.start <= end).count();
        from..from + count
    }

    fn remove(&mut self, index: usize) -> Session<C> {
        let session = self.open.remove(index);
        self.content_bytes -= session.content.heap_bytes();
        session
    }
}

impl<C: SessionContent> SessionState<C> {
    /// Creates an empty state; `gap` is in milliseconds.
    pub fn new(gap: i64) -> SessionState<C> {
        SessionState { gap, keys: Keyed::new(None), timers: Timers::default() }
    }

    /// Adds a row at a time on the wall clock, given that sessions which close at `reached` or before are
    /// closed. `change` gets the content of the row's session, which `create` makes if there is no session
    /// yet; `create` may make none.
    ///
    /// # Errors
    /// As `change` and [`SessionContent::merge`].
    pub fn take(
        &mut self,
        key: &[u8],
        wall_ms: i64,
        (reached, clock): (i64, &mut WindowClock),
        with: &C::With,
        create: impl FnOnce() -> Option<C>,
        change: impl FnOnce(&mut C) -> Result<(), String>,
    ) -> Result<Taken, String> {
        let Self { gap, keys, timers } = self;
        let (start, end) = (wall_ms, wall_ms.saturating_add(*gap));
        keys.update(key, 0, |sessions| {
            let touched = sessions.as_ref().map_or(0..0, |sessions| sessions.touched(start, end));
            if touched.is_empty() {
                let closes_at = clock.closes_at(end);
                if closes_at <= reached {
                    return Ok(Taken::Late);
                }
                let Some(mut content) = create() else { return Ok(Taken::Kept) };
                change(&mut content)?;
                timers.set(closes_at, key);

                let sessions = sessions.get_or_insert_with(Sessions::new);
                sessions.content_bytes += content.heap_bytes();
                if sessions.open.capacity() == 0 {
                    // Most keys have one session at a time.
                    sessions.open.reserve_exact(1);
                }
                sessions.open.insert(touched.start, Session { start, end, timer: closes_at, content });
                return Ok(Taken::Kept);
            }

            let Some(sessions) = sessions else { return Ok(Taken::Kept) };
            for _ in touched.start + 1..touched.end {
                let later = sessions.remove(touched.start + 1);
                let session = &mut sessions.open[touched.start];
                sessions.content_bytes -= session.content.heap_bytes();
                session.content.merge(with, later.content)?;
                sessions.content_bytes += session.content.heap_bytes();
                session.end = session.end.max(later.end);
            }

            let session = &mut sessions.open[touched.start];
            session.start = session.start.min(start);
            session.end = session.end.max(end);
            // Where clocks are set forward, a later end may come earlier.
            let closes_at = clock.closes_at(session.end);
            if closes_at < session.timer {
                session.timer = closes_at;
                timers.set(closes_at, key);
            }
            sessions.content_bytes -= session.content.heap_bytes();
            change(&mut session.content)?;
            sessions.content_bytes += session.content.heap_bytes();
            Ok(Taken::Kept)
        })
    }

    /// Removes and returns the next session that is closed once time has reached `reached`, with its key.
    pub fn pop(&mut self, reached: i64, clock: &mut WindowClock) -> Option<(Box<[u8]>, Session<C>)> {
        while let Some((time, key)) = self.timers.pop(reached) {
            let timers = &mut self.timers;
            let closed = self.keys.update(&key, 0, |kept| {
                let sessions = kept.as_mut()?;
                // A session that was merged into another one has left its timer behind.
                let index = sessions.open.iter().position(|session| session.timer == time)?;
                let closes_at = clock.closes_at(sessions.open[index].end);
                if closes_at > time {
                    sessions.open[index].timer = closes_at;
                    timers.set(closes_at, &key);
                    return None;
                }

                let session = sessions.remove(index);
                if sessions.open.is_empty() {
                    *kept = None;
                }
                Some(session)
            });
            if let Some(session) = closed {
                return Some((key, session));
            }
        }
        None
    }

    /// Returns when a session may close next.
    pub fn next(&self) -> Option<i64> {
        self.timers.next()
    }

    /// Appends all sessions to an image, after a tag.
    pub fn write(&self, tag: u8, keys: &StoredKey, out: &mut StateWriter) {
        self.keys.iter().for_each(|(key, sessions)| keys.write_entry(tag, &[], key, sessions, out));
    }

    /// Reads the entry after a tag.
    ///
    /// # Errors
    /// The bytes are not such an entry.
    pub fn read(&mut self, reader: &mut Reader<'_>, operator: &str) -> Result<(), StateError> {
        let ([], key, sessions) = StoredKey::read_entry::<Sessions<C>, 0>(reader, operator)?;
        sessions.open.iter().for_each(|session| self.timers.set(session.timer, key));
        self.keys.update(key, 0, |kept| *kept = Some(sessions));
        Ok(())
    }

    /// Returns whether nothing is stored and no memory is accounted.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.timers.is_empty()
    }

    pub fn memory_bytes(&self) -> usize {
        self.keys.memory_bytes() + self.timers.memory_bytes()
    }
}

impl<C: StateValue> StateValue for Sessions<C> {
    fn write(&self, out: &mut Vec<u8>) {
        row::write_length(self.open.len(), out);
        for session in &self.open {
            [session.start, session.end, session.timer].iter().for_each(|time| time.write(out));
            session.content.write(out);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Sessions<C>> {
        let mut sessions = Sessions::new();
        for _ in 0..reader.length()? {
            let [start, end, timer] = [i64::read(reader)?, i64::read(reader)?, i64::read(reader)?];
            let content = C::read(reader)?;
            sessions.content_bytes += content.heap_bytes();
            sessions.open.push(Session { start, end, timer, content });
        }
        Some(sessions)
    }

    fn heap_bytes(&self) -> usize {
        self.open.capacity() * size_of::<Session<C>>() + self.content_bytes
    }
}
