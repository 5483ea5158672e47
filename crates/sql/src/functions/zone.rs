//! Time zones: names as in Java, and conversions between instants and wall-clock time.
//!
//! If clocks are set back, a wall-clock time occurs twice, and the earlier instant is used. If clocks are set
//! forward, a wall-clock time is skipped, and it is moved forward by the length of the gap. This is the rule
//! of `java.time`, and so of Flink. Java's older calendar, which Flink uses for `UNIX_TIMESTAMP` and
//! `CONVERT_TZ`, takes the later instant: `resolve_later`.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousTimestamp, Offset, TimeZone};

use super::calendar::DAY_MS;
use super::timestamp::zone_offset_ms;

/// Returns a zone by the names of `ZoneId.of`: `Z`, `+07:00`, `UTC+7`, `GMT+07:00`, `Asia/Ho_Chi_Minh`.
pub fn zone(name: &str) -> Option<TimeZone> {
    if let Some(ms) = zone_offset_ms(name.as_bytes()).or_else(|| offset_ms(name)) {
        return fixed(ms);
    }
    for prefix in ["UTC", "GMT", "UT"] {
        match name.strip_prefix(prefix) {
            Some("") => return Some(TimeZone::UTC),
            Some(rest) if rest.starts_with(['+', '-']) => return offset_ms(rest).and_then(fixed),
            _ => {}
        }
    }
    // Names are case-sensitive in Java, but not in jiff.
    let found = TimeZone::get(name).ok()?;
    (found.iana_name() == Some(name)).then_some(found)
}

/// Returns a zone by the names of the old `TimeZone.getTimeZone`, which treats unknown names as GMT.
pub(super) fn zone_or_gmt(name: &str) -> TimeZone {
    if name.starts_with(['+', '-']) {
        return TimeZone::UTC;
    }
    zone(name).unwrap_or(TimeZone::UTC)
}

fn fixed(ms: i64) -> Option<TimeZone> {
    Offset::from_seconds((ms / 1_000) as i32).ok().map(TimeZone::fixed)
}

/// Parses the forms of Java's `ZoneOffset.of`: `±h`, `±hh`, `±hh:mm`, `±hhmm`, `±hh:mm:ss`, `±hhmmss`.
fn offset_ms(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes() {
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let two = |a: u8, b: u8| {
        (a.is_ascii_digit() && b.is_ascii_digit()).then(|| i64::from(a - b'0') * 10 + i64::from(b - b'0'))
    };
    let (h, m, s) = match *digits {
        [h] => (two(b'0', h)?, 0, 0),
        [a, b] => (two(a, b)?, 0, 0),
        [a, b, c, d] | [a, b, b':', c, d] => (two(a, b)?, two(c, d)?, 0),
        [a, b, c, d, e, f] | [a, b, b':', c, d, b':', e, f] => (two(a, b)?, two(c, d)?, two(e, f)?),
        _ => return None,
    };
    let seconds = h * 3_600 + m * 60 + s;
    (m < 60 && s < 60 && seconds <= 18 * 3_600).then_some(sign * seconds * 1_000)
}

/// Converts between instants and the wall-clock time of one zone, and caches the offset around the last
/// instant.
///
/// Times beyond the years ±9999 use the offset of the nearest time within.
#[derive(Debug, Clone)]
pub struct WallClock {
    zone: TimeZone,
    /// Instants from `from` to `to` (exclusive) have the offset `offset_ms`.
    from: i64,
    to: i64,
    offset_ms: i64,
}

impl WallClock {
    pub fn new(zone: TimeZone) -> WallClock {
        WallClock { zone, from: 0, to: 0, offset_ms: 0 }
    }

    /// Returns the wall-clock milliseconds of an instant in milliseconds.
    pub fn wall_ms(&mut self, instant_ms: i64) -> i64 {
        if !(self.from..self.to).contains(&instant_ms) {
            self.look_up(instant_ms);
        }
        instant_ms.saturating_add(self.offset_ms)
    }

    /// Returns the instant of a wall-clock time: the earlier of two, or moved forward out of a gap.
    pub fn instant_ms(&mut self, wall_ms: i64) -> i64 {
        let guess = wall_ms.saturating_sub(self.offset_ms);
        // No clock is ever set by a whole day, so within these bounds only this offset is possible.
        if guess >= self.from.saturating_add(DAY_MS) && guess < self.to.saturating_sub(DAY_MS) {
            return guess;
        }
        let instant = resolve(&self.zone, wall_ms);
        self.look_up(instant);
        instant
    }

    fn look_up(&mut self, instant_ms: i64) {
        let at = instant(instant_ms);
        self.offset_ms = i64::from(self.zone.to_offset(at).seconds()) * 1_000;
        let mut until = self.zone.following(at);
        self.to = until.next().map_or(i64::MAX, |t| t.timestamp().as_millisecond());
        // A transition at exactly this instant counts as before it.
        let after = at.checked_add(jiff::SignedDuration::from_nanos(1)).unwrap_or(at);
        let mut since = self.zone.preceding(after);
        self.from = since.next().map_or(i64::MIN, |t| t.timestamp().as_millisecond());
        if !(self.from..self.to).contains(&instant_ms) {
            (self.from, self.to) = (instant_ms, instant_ms);
        }
    }
}

/// Returns the wall-clock milliseconds of an instant.
pub fn wall_ms(zone: &TimeZone, instant_ms: i64) -> i64 {
    instant_ms.saturating_add(i64::from(zone.to_offset(instant(instant_ms)).seconds()) * 1_000)
}

/// Returns the instant of a wall-clock time, the earlier of two.
pub fn resolve(zone: &TimeZone, wall_ms: i64) -> i64 {
    resolve_by(zone, wall_ms, AmbiguousTimestamp::compatible)
}

/// Returns the instant of a wall-clock time, the later of two.
pub(super) fn resolve_later(zone: &TimeZone, wall_ms: i64) -> i64 {
    resolve_by(zone, wall_ms, AmbiguousTimestamp::later)
}

fn resolve_by(
    zone: &TimeZone,
    wall_ms: i64,
    choose: impl FnOnce(AmbiguousTimestamp) -> Result<Timestamp, jiff::Error>,
) -> i64 {
    let clamped = instant(wall_ms);
    let civil: DateTime = Offset::UTC.to_datetime(clamped);
    let offset = match choose(zone.to_ambiguous_timestamp(civil)) {
        Ok(found) => clamped.as_millisecond() - found.as_millisecond(),
        Err(_) => i64::from(zone.to_offset(clamped).seconds()) * 1_000,
    };
    wall_ms.saturating_sub(offset)
}

fn instant(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(if ms < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

#[cfg(test)]
mod tests {
    use super::super::calendar::{HOUR_MS, day_number};
    use super::*;

    fn new_york() -> TimeZone {
        zone("America/New_York").unwrap()
    }

    #[test]
    fn the_names_of_java_are_known() {
        for (name, hours) in
            [("Z", 0), ("+07:00", 7), ("GMT+07:00", 7), ("UTC-3", -3), ("+7", 7), ("Asia/Ho_Chi_Minh", 7)]
        {
            let instant = 20_431 * DAY_MS;
            assert_eq!(wall_ms(&zone(name).unwrap(), instant), instant + hours * HOUR_MS, "{name}");
        }
        for name in ["+99:99", "+18:01", "07:00", "asia/ho_chi_minh", "", "nope", "+7:00"] {
            assert!(zone(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_wall_time_that_happens_twice_is_the_earlier_one() {
        let wall = day_number(2025, 11, 2) * DAY_MS + HOUR_MS + HOUR_MS / 2;
        assert_eq!(resolve(&new_york(), wall), wall + 4 * HOUR_MS);
        assert_eq!(resolve_later(&new_york(), wall), wall + 5 * HOUR_MS);
    }

    #[test]
    fn a_wall_time_that_never_happens_moves_on() {
        let wall = day_number(2025, 3, 9) * DAY_MS + 2 * HOUR_MS + HOUR_MS / 2;
        assert_eq!(resolve(&new_york(), wall), wall + 5 * HOUR_MS);
        assert_eq!(resolve_later(&new_york(), wall), wall + 5 * HOUR_MS);
        assert_eq!(wall_ms(&new_york(), wall + 5 * HOUR_MS), wall + HOUR_MS);
    }

    #[test]
    fn the_remembering_clock_agrees_with_the_plain_functions() {
        for name in ["America/New_York", "Asia/Ho_Chi_Minh", "UTC", "Australia/Lord_Howe", "+05:45"] {
            let zone = zone(name).unwrap();
            let mut clock = WallClock::new(zone.clone());
            for step in 0..40_000i64 {
                let ms = (step - 20_000) * 61_234_567;
                assert_eq!(clock.wall_ms(ms), wall_ms(&zone, ms), "{name} {ms}");
                assert_eq!(clock.instant_ms(ms), resolve(&zone, ms), "{name} {ms}");
            }
            for ms in [i64::MIN, i64::MAX, i64::MIN + 1, 0, -1] {
                assert_eq!(clock.wall_ms(ms), wall_ms(&zone, ms), "{name} {ms}");
                assert_eq!(clock.instant_ms(ms), resolve(&zone, ms), "{name} {ms}");
            }
        }
    }
}
