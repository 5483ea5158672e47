//! The rhythm of a day: when generated events happen.
//!
//! Few people ask at night and on weekends. The rate follows the hours of the local day, with a peak before noon and a
//! second one in the afternoon:
//!
//! ```text
//! events/s   peak ┤         ▄▆█▆    ▅▇▆▄▃
//!                 │       ▃▆████▅▄▄▆█████▆▅▄▃▂
//!               0 ┼▁▁▁▁▁▁▂██████████████████████▃▂▁
//!                 0     6       12      18     24 h
//! ```

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

/// Share of the peak in each hour of the day.
const HOURS: [f64; 24] = [
    0.06, 0.04, 0.03, 0.03, 0.03, 0.05, 0.14, 0.40, 0.75, 0.95, 1.00, 0.80, 0.55, 0.70, 0.92, 0.95, 0.80,
    0.60, 0.50, 0.55, 0.55, 0.42, 0.26, 0.12,
];
/// Share of a weekday on Saturday and Sunday.
const WEEKEND: f64 = 0.4;

/// The rate of events over the days.
#[derive(Debug, Clone)]
pub(super) struct Rhythm {
    pub(super) zone: TimeZone,
    /// Events per second at the peak of a weekday.
    pub(super) peak: f64,
    /// Events per second at the quietest time at least.
    pub(super) least: f64,
}

impl Rhythm {
    /// Returns the time of the event after one at `micros`, in microseconds since 1970. `unit` is a random number in
    /// [0, 1), which scatters the times.
    pub(super) fn next(&self, micros: i64, unit: f64) -> i64 {
        let seconds = (0.5 + unit) / self.rate(micros);
        micros.saturating_add((seconds * 1e6) as i64)
    }

    /// Returns the events per second at a time, interpolated between the hours.
    fn rate(&self, micros: i64) -> f64 {
        let instant = Timestamp::from_microsecond(micros).unwrap_or_default();
        let local = self.zone.to_datetime(instant);
        let hour = usize::try_from(local.hour()).unwrap_or(0) % HOURS.len();
        let into = f64::from(local.minute()) / 60.0;
        let share = HOURS[hour] * (1.0 - into) + HOURS[(hour + 1) % HOURS.len()] * into;
        let day = match local.date().weekday() {
            Weekday::Saturday | Weekday::Sunday => WEEKEND,
            Weekday::Monday | Weekday::Tuesday | Weekday::Wednesday | Weekday::Thursday | Weekday::Friday => {
                1.0
            }
        };
        (self.peak * share * day).max(self.least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_US: i64 = 3_600_000_000;

    fn rhythm() -> Rhythm {
        Rhythm { zone: TimeZone::get("Asia/Ho_Chi_Minh").unwrap(), peak: 1.0, least: 0.01 }
    }

    /// Returns the events from an hour of a day on, for one hour.
    fn events(day: &str, hour: i64) -> usize {
        let midnight: Timestamp = format!("{day}T00:00:00+07:00").parse().unwrap();
        let from = midnight.as_microsecond() + hour * HOUR_US;
        let times = std::iter::successors(Some(from), |at| Some(rhythm().next(*at, 0.5)));
        times.take_while(|at| *at < from + HOUR_US).count()
    }

    #[test]
    fn a_day_has_its_peak_before_noon_and_is_quiet_at_night_in_the_zone() {
        let (peak, evening, night) =
            (events("2025-12-09", 10), events("2025-12-09", 21), events("2025-12-09", 3));
        assert!(peak > 3_000 && peak > 2 * evening && evening > 5 * night, "{peak} {evening} {night}");
    }

    #[test]
    fn a_weekend_is_quieter_and_no_hour_is_empty() {
        assert!(events("2025-12-07", 10) < events("2025-12-08", 10) / 2);
        assert!(events("2025-12-07", 3) >= 30);
    }

    #[test]
    fn time_passes_also_at_the_edges_of_the_calendar() {
        assert!(rhythm().next(i64::MIN, 0.0) > i64::MIN);
        assert_eq!(rhythm().next(i64::MAX, 0.0), i64::MAX);
    }
}
