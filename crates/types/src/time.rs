//! Points and lengths of time, with their unit in the type.

use std::fmt;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// A point of event time: milliseconds since 1970-01-01T00:00:00 UTC for instants, or on the wall clock for
/// times without a time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventTime(pub i64);

/// A point of the system clock: milliseconds since 1970-01-01T00:00:00 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// A length of time in milliseconds; may be negative where SQL allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval(pub i64);

impl EventTime {
    /// Before every event.
    pub const MIN: EventTime = EventTime(i64::MIN);
    /// After every event: the watermark at the end of a bounded source.
    pub const MAX: EventTime = EventTime(i64::MAX);
}

impl Interval {
    pub const ZERO: Interval = Interval(0);
}

impl Add<Interval> for EventTime {
    type Output = EventTime;

    fn add(self, length: Interval) -> EventTime {
        EventTime(self.0.saturating_add(length.0))
    }
}

impl Sub<Interval> for EventTime {
    type Output = EventTime;

    fn sub(self, length: Interval) -> EventTime {
        EventTime(self.0.saturating_sub(length.0))
    }
}

impl Sub for EventTime {
    type Output = Interval;

    fn sub(self, earlier: EventTime) -> Interval {
        Interval(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Interval> for Timestamp {
    type Output = Timestamp;

    fn add(self, length: Interval) -> Timestamp {
        Timestamp(self.0.saturating_add(length.0))
    }
}

impl Sub for Timestamp {
    type Output = Interval;

    fn sub(self, earlier: Timestamp) -> Interval {
        Interval(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("0 s"),
            ms if ms % 86_400_000 == 0 => write!(f, "{} d", ms / 86_400_000),
            ms if ms % 3_600_000 == 0 => write!(f, "{} h", ms / 3_600_000),
            ms if ms % 60_000 == 0 => write!(f, "{} min", ms / 60_000),
            ms if ms % 1_000 == 0 => write!(f, "{} s", ms / 1_000),
            ms => write!(f, "{ms} ms"),
        }
    }
}
