//! The calendar: when windows, whose bounds are on the wall clock, open and close for watermarks, which are
//! instants.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use types::Interval;

/// Relates wall-clock ends of windows to the watermark.
#[derive(Debug, Clone)]
pub(crate) struct Calendar {
    /// `None`: event times are on the wall clock themselves.
    zone: Option<TimeZone>,
    lateness: i64,
    /// Whether a window fires once, when late rows can no longer come.
    fires_after_lateness: bool,
    watermark: i64,
}

impl Calendar {
    pub fn new(zone: Option<TimeZone>, lateness: Interval, fires_after_lateness: bool) -> Calendar {
        // In UTC the wall clock is the instant.
        let zone = zone.filter(|zone| *zone != TimeZone::UTC);
        Calendar { zone, lateness: lateness.0.max(0), fires_after_lateness, watermark: i64::MIN }
    }

    pub fn watermark(&self) -> i64 {
        self.watermark
    }

    /// Advances the watermark; it never goes back.
    pub fn advance(&mut self, watermark: i64) {
        self.watermark = self.watermark.max(watermark);
    }

    /// Returns the watermark at which a window fires.
    pub fn fires_at(&self, end: i64) -> i64 {
        let wait = if self.fires_after_lateness { self.lateness } else { 0 };
        self.last_instant(end).saturating_add(wait)
    }

    /// Returns whether a window may fire.
    pub fn may_fire(&self, end: i64) -> bool {
        self.watermark >= self.fires_at(end)
    }

    /// Returns whether a window is closed to late rows too.
    pub fn is_done(&self, end: i64) -> bool {
        self.is_late(end, self.watermark)
    }

    /// Returns whether a row whose last window ends at `end` is late at the watermark `watermark`.
    pub fn is_late(&self, end: i64, watermark: i64) -> bool {
        watermark >= self.last_instant(end).saturating_add(self.lateness)
    }

    /// Returns the last millisecond before a wall-clock time. If the time occurs twice, the later one counts,
    /// because rows of both belong before it.
    pub fn last_instant(&self, wall: i64) -> i64 {
        let end = match &self.zone {
            None => wall,
            Some(zone) => instant_of(zone, wall),
        };
        end.saturating_sub(1)
    }
}

fn instant_of(zone: &TimeZone, wall: i64) -> i64 {
    let Ok(utc) = Timestamp::from_millisecond(wall) else { return wall };
    let civil: DateTime = TimeZone::UTC.to_datetime(utc);
    match zone.to_ambiguous_timestamp(civil).later() {
        Ok(instant) => instant.as_millisecond(),
        Err(_) => wall,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn calendar(zone: &str) -> Calendar {
        Calendar::new(Some(TimeZone::get(zone).unwrap()), Interval::ZERO, false)
    }

    #[test]
    fn a_local_day_ends_at_local_midnight() {
        let mut calendar = calendar("Asia/Ho_Chi_Minh");
        let midnight = millis("2025-12-10T00:00:00Z");
        assert_eq!(calendar.last_instant(midnight), millis("2025-12-09T16:59:59.999Z"));
        calendar.advance(millis("2025-12-09T16:59:59.998Z"));
        assert!(!calendar.may_fire(midnight));
        calendar.advance(millis("2025-12-09T16:59:59.999Z"));
        assert!(calendar.may_fire(midnight));
    }

    #[test]
    fn an_hour_that_happens_twice_is_waited_for_twice() {
        let calendar = calendar("America/New_York");
        // Clocks go back from 02:00 to 01:00 on 2025-11-02: 01:30 happens at 05:30 and 06:30 UTC.
        assert_eq!(calendar.last_instant(millis("2025-11-02T01:30:00Z")), millis("2025-11-02T06:29:59.999Z"));
    }

    #[test]
    fn lateness_keeps_a_window_within_reach() {
        let mut calendar = Calendar::new(None, Interval(1_000), false);
        calendar.advance(19_999);
        assert!(calendar.may_fire(20_000) && !calendar.is_done(20_000));
        calendar.advance(20_999);
        assert!(calendar.is_done(20_000));
    }
}
