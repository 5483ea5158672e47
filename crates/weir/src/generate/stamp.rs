//! Formats event times in the forms that producers use.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

const VIETNAM_S: i64 = 7 * 3600;
const DAY_S: i64 = 86_400;
/// Length of time within which no zone changes its offset.
const OFFSET_PIECE_S: i64 = 900;

/// A format of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeForm {
    /// `2025-12-09T11:30:00.123456`
    Micros,
    /// `2025-12-09T11:30:00`
    Seconds,
    /// `2025-12-09T11:30:00.123Z`
    Utc,
    /// `2025-12-09T18:30:00.123456+07:00`
    Offset,
}

/// Formats times, given as microseconds since 1970 UTC. The forms without an offset are in `zone`.
#[derive(Debug)]
pub(crate) struct Stamp {
    zone: TimeZone,
    /// The last requested piece of time, and the zone's offset in it.
    offset: (i64, i64),
    /// The last formatted day, and its digits up to the `T`.
    day: (i64, [u8; 11]),
}

impl Stamp {
    pub(crate) fn new(zone: TimeZone) -> Stamp {
        Stamp { zone, offset: (i64::MIN, 0), day: (i64::MIN, [0; 11]) }
    }

    pub(crate) fn write(&mut self, out: &mut Vec<u8>, micros: i64, form: TimeForm) {
        let (seconds, fraction) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000) as u32);
        match form {
            TimeForm::Micros => {
                let offset = self.offset_at(seconds);
                self.write_seconds(out, seconds + offset);
                write_fraction(out, fraction, 6);
            }
            TimeForm::Seconds => {
                let offset = self.offset_at(seconds);
                self.write_seconds(out, seconds + offset);
            }
            TimeForm::Utc => {
                self.write_seconds(out, seconds);
                write_fraction(out, fraction / 1000, 3);
                out.push(b'Z');
            }
            TimeForm::Offset => {
                self.write_seconds(out, seconds + VIETNAM_S);
                write_fraction(out, fraction, 6);
                out.extend_from_slice(b"+07:00");
            }
        }
    }

    fn offset_at(&mut self, seconds: i64) -> i64 {
        let piece = seconds.div_euclid(OFFSET_PIECE_S);
        if self.offset.0 != piece {
            let offset = Timestamp::from_second(seconds)
                .map_or(0, |instant| i64::from(self.zone.to_offset(instant).seconds()));
            self.offset = (piece, offset);
        }
        self.offset.1
    }

    fn write_seconds(&mut self, out: &mut Vec<u8>, wall_seconds: i64) {
        let (day, second) = (wall_seconds.div_euclid(DAY_S), wall_seconds.rem_euclid(DAY_S) as u32);
        if self.day.0 != day {
            self.day = (day, date_digits(day));
        }
        let mut text = *b"YYYY-MM-DDThh:mm:ss";
        text[..11].copy_from_slice(&self.day.1);
        text[11..13].copy_from_slice(&two_digits(second / 3600));
        text[14..16].copy_from_slice(&two_digits(second / 60 % 60));
        text[17..19].copy_from_slice(&two_digits(second % 60));
        out.extend_from_slice(&text);
    }
}

fn date_digits(day: i64) -> [u8; 11] {
    // The options keep times within the calendar; beyond it, the text is an invalid time like any other.
    let date = Timestamp::from_second(day.saturating_mul(DAY_S))
        .map_or(Date::MAX, |midnight| TimeZone::UTC.to_datetime(midnight).date());
    let mut digits = *b"0000-00-00T";
    let year = date.year().unsigned_abs();
    digits[..2].copy_from_slice(&two_digits(u32::from(year / 100)));
    digits[2..4].copy_from_slice(&two_digits(u32::from(year % 100)));
    digits[5..7].copy_from_slice(&two_digits(u32::from(date.month().unsigned_abs())));
    digits[8..10].copy_from_slice(&two_digits(u32::from(date.day().unsigned_abs())));
    digits
}

fn two_digits(n: u32) -> [u8; 2] {
    [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8]
}

fn write_fraction(out: &mut Vec<u8>, value: u32, digits: usize) {
    let mut text = *b".000000";
    let mut rest = value;
    for digit in text[1..=digits].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&text[..=digits]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(zone: &str, micros: i64, form: TimeForm) -> String {
        let mut out = Vec::new();
        Stamp::new(TimeZone::get(zone).unwrap()).write(&mut out, micros, form);
        String::from_utf8(out).unwrap()
    }

    /// 2025-12-09T11:30:00.123456 UTC.
    const TIME: i64 = 1_765_279_800_123_456;

    #[test]
    fn each_form_is_written_as_producers_do() {
        assert_eq!(written("UTC", TIME, TimeForm::Micros), "2025-12-09T11:30:00.123456");
        assert_eq!(written("UTC", TIME, TimeForm::Seconds), "2025-12-09T11:30:00");
        assert_eq!(written("UTC", TIME, TimeForm::Utc), "2025-12-09T11:30:00.123Z");
        assert_eq!(written("UTC", TIME, TimeForm::Offset), "2025-12-09T18:30:00.123456+07:00");
    }

    #[test]
    fn times_without_an_offset_are_in_the_zone() {
        assert_eq!(written("Asia/Ho_Chi_Minh", TIME, TimeForm::Seconds), "2025-12-09T18:30:00");
        assert_eq!(written("Asia/Ho_Chi_Minh", TIME, TimeForm::Utc), "2025-12-09T11:30:00.123Z");
        assert_eq!(written("America/New_York", TIME, TimeForm::Seconds), "2025-12-09T06:30:00");
    }

    #[test]
    fn times_before_1970_and_at_midnight_are_right() {
        assert_eq!(written("UTC", -1, TimeForm::Micros), "1969-12-31T23:59:59.999999");
        assert_eq!(written("UTC", 951_782_400_000_000, TimeForm::Seconds), "2000-02-29T00:00:00");
    }

    #[test]
    fn the_offset_follows_the_zone_through_a_change() {
        let mut stamp = Stamp::new(TimeZone::get("America/New_York").unwrap());
        let mut out = Vec::new();
        // The clocks are set forward at 2025-03-09T07:00:00Z.
        stamp.write(&mut out, 1_741_503_599_000_000, TimeForm::Seconds);
        stamp.write(&mut out, 1_741_503_600_000_000, TimeForm::Seconds);
        assert_eq!(String::from_utf8(out).unwrap(), "2025-03-09T01:59:592025-03-09T03:00:00");
    }
}
