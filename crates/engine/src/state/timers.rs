//! Timers: an ordered set of times with keys.

use std::collections::BTreeSet;

use super::{StateError, StateWriter, key_group};
use crate::row;

/// Times in milliseconds, each with a key, in order. A timer that is set twice is one timer.
#[derive(Debug, Default)]
pub struct Timers {
    due: BTreeSet<(i64, Box<[u8]>)>,
    key_bytes: usize,
}

impl Timers {
    pub fn set(&mut self, time: i64, key: &[u8]) {
        if self.due.insert((time, key.into())) {
            self.key_bytes += key.len();
        }
    }

    pub fn cancel(&mut self, time: i64, key: &[u8]) {
        if self.due.remove(&(time, Box::from(key))) {
            self.key_bytes -= key.len();
        }
    }

    /// Returns the time of the next timer.
    pub fn next(&self) -> Option<i64> {
        self.due.first().map(|(time, _)| *time)
    }

    /// Removes and returns the next timer that is due at `now`.
    pub fn pop(&mut self, now: i64) -> Option<(i64, Box<[u8]>)> {
        if self.next()? > now {
            return None;
        }
        let timer = self.due.pop_first()?;
        self.key_bytes -= timer.1.len();
        Some(timer)
    }

    pub fn len(&self) -> usize {
        self.due.len()
    }

    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    pub fn memory_bytes(&self) -> usize {
        // Nodes of a B-tree are two thirds full on average.
        self.due.len() * size_of::<(i64, Box<[u8]>)>() * 3 / 2 + self.key_bytes
    }

    /// Appends every timer to an image, after a tag. The key group is that of the timer's key.
    pub fn write(&self, tag: u8, out: &mut StateWriter) {
        for (time, key) in &self.due {
            let Some(part) = out.group(key_group(key)) else { continue };
            part.push(tag);
            part.extend_from_slice(&time.to_le_bytes());
            row::write_length(key.len(), part);
            part.extend_from_slice(key);
        }
    }

    /// Reads the timer after a tag.
    ///
    /// # Errors
    /// The bytes are not a timer.
    pub fn read(&mut self, reader: &mut row::Reader<'_>, operator: &str) -> Result<(), StateError> {
        let timer = (|| {
            let time = i64::from_le_bytes(reader.run(8)?.try_into().ok()?);
            let length = reader.length()?;
            Some((time, reader.run(length)?))
        })();
        let Some((time, key)) = timer else {
            return Err(StateError::malformed(operator, "a timer"));
        };

        self.set(time, key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_fire_in_order_once_their_time_has_come() {
        let mut timers = Timers::default();
        timers.set(20, b"b");
        timers.set(10, b"a");
        timers.set(10, b"a");
        timers.set(30, b"c");
        timers.cancel(30, b"c");
        assert_eq!(timers.pop(9), None);
        assert_eq!(timers.pop(25), Some((10, Box::from(&b"a"[..]))));
        assert_eq!(timers.pop(25), Some((20, Box::from(&b"b"[..]))));
        assert_eq!((timers.pop(25), timers.next(), timers.key_bytes), (None, None, 0));
    }
}
