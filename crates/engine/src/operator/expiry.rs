//! Decides when an operator looks for keys whose time to live (TTL) has passed. It looks every half TTL, so a
//! key that is never accessed again is held for at most one and a half TTLs.

use types::Interval;

/// The schedule of the searches for expired keys, in milliseconds of the system clock.
#[derive(Debug)]
pub struct Expiry {
    every: Option<i64>,
    /// `None` until the operator is first called.
    due: Option<i64>,
}

impl Expiry {
    /// Creates a schedule. With `None` or zero, nothing expires.
    pub fn new(ttl: Option<Interval>) -> Expiry {
        Expiry { every: ttl.filter(|ttl| ttl.0 > 0).map(|ttl| (ttl.0 / 2).max(1)), due: None }
    }

    /// Returns whether keys expire at all.
    pub fn is_on(&self) -> bool {
        self.every.is_some()
    }

    pub fn next_tick(&self) -> Option<i64> {
        self.due
    }

    /// Starts the schedule at the operator's first call.
    #[inline]
    pub fn start(&mut self, now_ms: i64) {
        if self.due.is_none() {
            self.due = self.every.map(|every| now_ms.saturating_add(every));
        }
    }

    /// Returns whether a search is due, and if so schedules the next one.
    pub fn take_due(&mut self, now_ms: i64) -> bool {
        let is_due = self.due.is_some_and(|due| due <= now_ms);
        if is_due {
            self.due = None;
            self.start(now_ms);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_looked_for_every_half_of_their_life() {
        let mut expiry = Expiry::new(Some(Interval(100)));
        assert!(expiry.next_tick().is_none() && !expiry.take_due(7));
        expiry.start(1_000);
        expiry.start(1_020);
        assert_eq!(
            (expiry.next_tick(), expiry.take_due(1_049), expiry.take_due(1_060)),
            (Some(1_050), false, true)
        );
        assert_eq!(expiry.next_tick(), Some(1_110));

        let mut never = Expiry::new(None);
        never.start(1_000);
        assert!(!never.is_on() && never.next_tick().is_none());
    }
}
