//! The clock of an operator with windows: the reached time, when a window closes, and the watermark of
//! emitted rows.
//!
//! Windows are cut on the session's wall clock, and time flows on the scale of the time field, which may hold
//! instants. A window closes when time reaches the last millisecond before its end:
//!
//! ```text
//! window [00:00, 01:00) at UTC+7   time field TIMESTAMP        closes at 00:59:59.999 on the wall clock
//!                                  time field TIMESTAMP_LTZ    closes at the instant 17:59:59.999Z
//! ```
//!
//! Processing time is a clock of instants that is one millisecond behind the system clock: a row that comes
//! now can still be in a window that ends with this millisecond.

use jiff::tz::TimeZone;
use sql::functions::zone::WallClock;
use sql::plan::operator::Time;
use types::{Interval, Scalar};

use crate::operator::changes::Changes;
use crate::watermark::NO_WATERMARK;
use crate::window::Calendar;

/// Relates windows to time.
#[derive(Debug)]
pub struct WindowClock {
    /// Set if times are instants and the session's time zone is not UTC.
    wall: Option<WallClock>,
    calendar: Calendar,
    /// The last requested end, and when its window closes.
    last: (i64, i64),
}

impl WindowClock {
    pub fn new(is_instant: bool, time_zone: &TimeZone) -> WindowClock {
        let zone = Some(time_zone.clone()).filter(|zone| is_instant && *zone != TimeZone::UTC);
        let calendar = Calendar::new(zone.clone(), Interval::ZERO, false);
        WindowClock { wall: zone.map(WallClock::new), last: (0, calendar.last_instant(0)), calendar }
    }

    /// Returns the wall clock at a time, in milliseconds.
    #[inline]
    pub fn wall_ms(&mut self, time: i64) -> i64 {
        self.wall.as_mut().map_or(time, |wall| wall.wall_ms(time))
    }

    /// Returns the time at which the window with this end closes, on the scale of the time field.
    #[inline]
    pub fn closes_at(&mut self, end: i64) -> i64 {
        if self.last.0 != end {
            self.last = (end, self.calendar.last_instant(end));
        }
        self.last.1
    }
}

/// The position of an operator in time.
#[derive(Debug)]
pub struct Moment {
    is_processing: bool,
    /// Windows that close at this time or before are closed; in milliseconds on the scale of the time field.
    pub reached: i64,
    /// The watermark of the rows that are emitted now: event time after the operator's last call.
    pub watermark: i64,
}

impl Moment {
    pub fn new(is_processing: bool) -> Moment {
        Moment { is_processing, reached: NO_WATERMARK, watermark: NO_WATERMARK }
    }

    pub fn is_processing(&self) -> bool {
        self.is_processing
    }

    /// Returns the time that must be reached before a row is processed, given the watermark of the row and
    /// the system clock (ms).
    #[inline]
    pub fn before_row(&self, watermark: i64, now_ms: i64) -> i64 {
        if self.is_processing { now_ms.saturating_sub(1) } else { watermark }
    }

    /// Advances to a time, after everything due has been emitted.
    #[inline]
    pub fn reach(&mut self, time: i64) {
        self.reached = self.reached.max(time);
        if !self.is_processing {
            self.watermark = self.reached;
        }
    }

    /// Advances to a watermark, after everything due has been emitted.
    pub fn advance(&mut self, watermark: i64) {
        self.watermark = self.watermark.max(watermark);
        if !self.is_processing {
            self.reached = self.watermark;
        }
    }

    /// Returns the time of a row; `None` if it has none. Processing time never goes back.
    #[inline]
    pub fn time_of(&self, time: Time, rows: &Changes<'_>, row: usize, now_ms: i64) -> Option<i64> {
        match time {
            Time::Processing => Some(now_ms.max(self.reached.saturating_add(1))),
            Time::Event(field) => match rows.get(field, row) {
                Scalar::Int(time) => Some(time),
                _ => None,
            },
        }
    }

    /// Returns the system time at which the window that closes at a time is to be closed.
    pub fn tick_of(&self, closes_at: Option<i64>) -> Option<i64> {
        closes_at.filter(|_| self.is_processing).map(|time| time.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_cut_by_the_wall_clock_and_closes_as_an_instant() {
        let zone = TimeZone::get("Asia/Bangkok").unwrap();
        let hours = |hours: i64| hours * 3_600_000;
        let mut instants = WindowClock::new(true, &zone);
        assert_eq!((instants.wall_ms(0), instants.closes_at(hours(24))), (hours(7), hours(17) - 1));
        let mut local = WindowClock::new(false, &zone);
        assert_eq!((local.wall_ms(0), local.closes_at(hours(24))), (0, hours(24) - 1));
    }

    #[test]
    fn processing_time_stands_before_the_system_clock_and_never_goes_back() {
        let mut moment = Moment::new(true);
        moment.reach(moment.before_row(5, 100));
        moment.advance(7);
        assert_eq!((moment.reached, moment.watermark, moment.tick_of(Some(149))), (99, 7, Some(150)));
    }
}
