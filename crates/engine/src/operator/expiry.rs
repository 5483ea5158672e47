//! When an operator looks for keys whose time to live is over: every half of it, so that a key nobody asks for again is
//! held for one and a half times its life at most.

use types::Interval;

/// The next time, ms of the system clock.
#[derive(Debug)]
pub struct Expiry {
    every: Option<i64>,
    /// Unknown until the operator was first called.
    due: Option<i64>,
}

impl Expiry {
    /// `None` or zero: nothing expires.
    pub fn new(ttl: Option<Interval>) -> Expiry {
        Expiry { every: ttl.filter(|ttl| ttl.0 > 0).map(|ttl| (ttl.0 / 2).max(1)), due: None }
    }

    /// Whether keys expire at all.
    pub fn is_on(&self) -> bool {
        self.every.is_some()
    }

    pub fn next_tick(&self) -> Option<i64> {
        self.due
    }

    /// The operator is called at this time.
    #[inline]
    pub fn start(&mut self, now_ms: i64) {
        if self.due.is_none() {
            self.due = self.every.map(|every| now_ms.saturating_add(every));
        }
    }

    /// Whether it is time to look, and if so sets the next time.
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
