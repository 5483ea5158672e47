//! Computes when events are due: a steady rate without a burst after a stall.
//!
//! Pure arithmetic on given times. Times and durations are in microseconds.

/// Lag above which the missed events are given up: a producer of the present does not make up for the past.
const LARGEST_LAG_US: i64 = 1_000_000;
/// Maximum time that a due event waits for others to fill the batch.
const LINGER_US: i64 = 50_000;

/// A steady rate of events.
#[derive(Debug)]
pub(crate) struct Pace {
    events_per_second: f64,
    batch: u64,
    start_us: i64,
    /// Events given out since `start_us`.
    given: u64,
}

/// The next step of a producer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// This many events are due.
    Send(u64),
    /// Ask again after this many microseconds.
    Wait(i64),
}

impl Pace {
    pub(crate) fn new(events_per_second: f64, batch: u64, now_us: i64) -> Pace {
        Pace { events_per_second, batch, start_us: now_us, given: 0 }
    }

    /// Returns whether a batch is due. Events given out count as sent.
    pub(crate) fn next(&mut self, now_us: i64) -> Next {
        if now_us - self.due_at(self.given) > LARGEST_LAG_US {
            self.start_us = now_us;
            self.given = 0;
        }
        let elapsed_s = (now_us - self.start_us).max(0) as f64 / 1e6;
        let due = (elapsed_s * self.events_per_second) as u64 + 1;
        let ready = due.saturating_sub(self.given);
        if ready >= self.batch || (ready > 0 && now_us - self.due_at(self.given) >= LINGER_US) {
            let count = ready.min(self.batch);
            self.given += count;
            return Next::Send(count);
        }
        let full_at = self.due_at(self.given + self.batch - 1);
        let lingered_at = self.due_at(self.given) + LINGER_US;
        Next::Wait((full_at.min(lingered_at) - now_us).max(1))
    }

    /// Returns the time at which an event is due, counted from the last restart.
    fn due_at(&self, number: u64) -> i64 {
        self.start_us + (number as f64 / self.events_per_second * 1e6) as i64
    }

    /// Returns the times of the `count` events given out last.
    pub(crate) fn times(&self, count: u64) -> impl Iterator<Item = i64> + '_ {
        (self.given - count..self.given).map(|number| self.due_at(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the pace for a while; returns each batch's time and size.
    fn run(pace: &mut Pace, from_us: i64, to_us: i64) -> Vec<(i64, u64)> {
        let (mut now, mut sent) = (from_us, Vec::new());
        while now < to_us {
            match pace.next(now) {
                Next::Send(count) => sent.push((now, count)),
                Next::Wait(us) => now += us,
            }
        }
        sent
    }

    fn total(sent: &[(i64, u64)]) -> u64 {
        sent.iter().map(|(_, count)| count).sum()
    }

    #[test]
    fn the_rate_is_kept_however_the_batches_fall() {
        for (rate, batch) in [(1.0, 100), (7.0, 1), (1000.0, 100), (50_000.0, 500), (1000.0, 1)] {
            let sent = run(&mut Pace::new(rate, batch, 0), 0, 10_000_000);
            let expected = rate * 10.0;
            assert!((total(&sent) as f64 - expected).abs() <= rate * 0.06 + 1.0, "{rate}: {}", total(&sent));
            assert!(sent.iter().all(|(_, count)| *count <= batch));
        }
    }

    #[test]
    fn a_slow_rate_does_not_wait_for_a_full_batch() {
        let sent = run(&mut Pace::new(10.0, 100, 0), 0, 2_000_000);
        assert!(sent.len() >= 19, "{sent:?}");
    }

    #[test]
    fn after_a_stall_there_is_no_burst() {
        let mut pace = Pace::new(1000.0, 100, 0);
        run(&mut pace, 0, 1_000_000);
        let sent = run(&mut pace, 60_000_000, 61_000_000);
        assert!(total(&sent) <= 1100, "{}", total(&sent));
    }

    #[test]
    fn events_carry_the_time_at_which_they_were_due() {
        let mut pace = Pace::new(100.0, 10, 5_000_000);
        let sent = run(&mut pace, 5_000_000, 5_100_000);
        let (_, count) = sent[sent.len() - 1];
        let times: Vec<i64> = pace.times(count).collect();
        assert_eq!(times.len() as u64, count);
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 10_000), "{times:?}");
        assert!(times.iter().all(|time| (5_000_000..=5_100_000).contains(time)));
    }
}
