//! Decodes the keys of result rows (contract: "Redis out"): analytic, group and time.
//!
//! A key is read from its end, since the time has a fixed form, and the old jobs did not escape a `:` in a
//! group.

use std::borrow::Cow;

use super::kind::Kind;
use super::moment::Moment;

/// Prefix of every row's key.
pub(crate) const PREFIX: &str = "analytics:";
/// The key that stores the newest time written; no row.
pub(crate) const LATEST: &str = "analytics:latest";
/// Name of the null group in answers.
pub(crate) const UNKNOWN: &str = "unknown";

/// A decoded key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Key<'a> {
    pub(crate) kind: Kind,
    /// The raw text between type and time, which identifies the rows of one time.
    pub(crate) raw_group: &'a str,
    pub(crate) time: Moment,
}

impl<'a> Key<'a> {
    /// Decodes a key. Returns `None` for keys that are no rows.
    pub(crate) fn parse(key: &'a str) -> Option<Key<'a>> {
        let key = key.strip_prefix(PREFIX)?;
        let (kind, rest) = kind_of(key)?;
        // The time holds the last two colons of the key.
        let mut colons = memchr::memrchr_iter(b':', rest.as_bytes());
        colons.next()?;
        colons.next()?;

        let (raw_group, time) = match colons.next() {
            Some(colon) => (&rest[..colon], &rest[colon + 1..]),
            None => ("", rest),
        };

        let grouped = !matches!(
            kind,
            Kind::SuccessRate
                | Kind::Overall
                | Kind::TimeseriesMinute
                | Kind::TimeseriesHour
                | Kind::TimeseriesDay
        );

        if grouped != rest.len().gt(&time.len()) {
            return None;
        }
        Some(Key { kind, raw_group, time: Moment::parse(time)? })
    }

    /// Returns the decoded parts of the group; the second is empty where the key has only one.
    pub(crate) fn groups(&self) -> (Cow<'a, str>, Cow<'a, str>) {
        match (self.kind, self.raw_group.rsplit_once(':')) {
            // Only the first of the two parts can hold an unescaped colon.
            (Kind::Heatmap | Kind::PopularByYear, Some((first, second))) => (decode(first), decode(second)),
            _ => (decode(self.raw_group), Cow::Borrowed("")),
        }
    }
}

fn kind_of(key: &str) -> Option<(Kind, &str)> {
    let (name, rest) = key.split_once(':')?;
    match name {
        "timeseries" => {
            let (granularity, rest) = rest.split_once(':')?;
            let kind = match granularity {
                "minute" => Kind::TimeseriesMinute,
                "hour" => Kind::TimeseriesHour,
                "day" => Kind::TimeseriesDay,
                _ => return None,
            };
            Some((kind, rest))
        }
        "heatmap" => match rest.strip_prefix("hourly:") {
            Some(rest) => Some((Kind::HeatmapHourly, rest)),
            None => Some((Kind::Heatmap, rest)),
        },
        "timeseries_minute" | "timeseries_hour" | "timeseries_day" | "heatmap_hourly" => None,
        _ => Kind::named(name).map(|kind| (kind, rest)),
    }
}

/// Undoes the escapes of a group value. The old jobs wrote null as `None`.
fn decode(raw: &str) -> Cow<'_, str> {
    if raw == "None" {
        return Cow::Borrowed(UNKNOWN);
    }
    if !raw.contains('%') {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;

    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        let (plain, length) = match rest.as_bytes().get(at + 1..at + 3) {
            Some(b"3A" | b"3a") => (':', 3),
            // A writer that does not escape wrote any other `%`.
            Some(b"25") => ('%', 3),
            _ => ('%', 1),
        };
        text.push(plain);
        rest = &rest[at + length..];
    }

    text.push_str(rest);
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(key: &str) -> Option<(Kind, String, String, String)> {
        let key = Key::parse(key)?;
        let (first, second) = key.groups();
        Some((key.kind, first.into_owned(), second.into_owned(), key.time.to_string()))
    }

    fn row(kind: Kind, first: &str, second: &str, time: &str) -> Option<(Kind, String, String, String)> {
        Some((kind, first.to_owned(), second.to_owned(), time.to_owned()))
    }

    const T: &str = "2025-12-09T11:30:00";

    #[test]
    fn every_type_has_its_key() {
        let hash = "0cc175b9c0f1b6a831c399e269772661";
        for (kind, group, first, second) in [
            (Kind::Faculty, "faculty:Sinh viên:", "Sinh viên", ""),
            (Kind::Year, "year:3:", "3", ""),
            (Kind::UserType, "user_type:Khách:", "Khách", ""),
            (Kind::ResponseTime, "response_time:Khách:", "Khách", ""),
            (Kind::Department, "department:17:", "17", ""),
            (Kind::StudentYear, "student_year:2:", "2", ""),
            (Kind::Heatmap, "heatmap:Sinh viên:2:", "Sinh viên", "2"),
            (Kind::PopularQueries, &format!("popular_queries:{hash}:"), hash, ""),
            (Kind::PopularByYear, &format!("popular_by_year:4:{hash}:"), "4", hash),
            (Kind::SuccessRate, "success_rate:", "", ""),
            (Kind::Overall, "overall:", "", ""),
            (Kind::TimeseriesMinute, "timeseries:minute:", "", ""),
            (Kind::TimeseriesHour, "timeseries:hour:", "", ""),
            (Kind::TimeseriesDay, "timeseries:day:", "", ""),
            (Kind::HeatmapHourly, "heatmap:hourly:13:", "13", ""),
        ] {
            assert_eq!(read(&format!("analytics:{group}{T}")), row(kind, first, second, T), "{group}");
        }
    }

    #[test]
    fn what_the_old_jobs_wrote_is_read_too() {
        let micros = "2025-12-09T11:30:00.123456";
        for (key, expected) in [
            (format!("analytics:year:None:{micros}"), row(Kind::Year, "unknown", "", micros)),
            (
                format!("analytics:department:Khoa CNTT:{micros}"),
                row(Kind::Department, "Khoa CNTT", "", micros),
            ),
            (
                format!("analytics:popular_queries:0cc175b9:{micros}"),
                row(Kind::PopularQueries, "0cc175b9", "", micros),
            ),
            (format!("analytics:overall:{micros}"), row(Kind::Overall, "", "", micros)),
            (format!("analytics:faculty:A: B:{T}"), row(Kind::Faculty, "A: B", "", T)),
            (format!("analytics:heatmap:A: B:None:{T}"), row(Kind::Heatmap, "A: B", "unknown", T)),
        ] {
            assert_eq!(read(&key), expected, "{key}");
        }
    }

    #[test]
    fn escapes_are_undone_and_a_bare_percent_stands_for_itself() {
        for (raw, plain) in [
            ("a%3Ab", "a:b"),
            ("100%25", "100%"),
            ("%253A", "%3A"),
            ("100%", "100%"),
            ("5% mỗi", "5% mỗi"),
            ("%é", "%é"),
            ("unknown", "unknown"),
        ] {
            assert_eq!(decode(raw), plain);
        }
    }

    #[test]
    fn what_is_no_row_is_passed_over() {
        for key in [
            "analytics:latest",
            "analytics:",
            "analytics:faculty:x",
            "analytics:faculty:2025-12-09T11:30:00",
            "analytics:overall:x:2025-12-09T11:30:00",
            "analytics:overall:x",
            "analytics:timeseries:week:2025-12-09T11:30:00",
            "analytics:timeseries_hour:2025-12-09T11:30:00",
            "analytics:nonsense:x:2025-12-09T11:30:00",
            "weir:faculty:x:2025-12-09T11:30:00",
        ] {
            assert_eq!(Key::parse(key), None, "{key}");
        }
    }
}
