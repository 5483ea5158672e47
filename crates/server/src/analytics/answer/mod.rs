//! The answers of the routes, computed from the index: one row per group over the windows in range.
//!
//! Counts are summed, and averages are weighted by the count, as the contract demands under "HTTP out".

mod groups;
mod popular;
mod totals;

pub(crate) use groups::{
    Department, Faculty, HeatmapCell, HourlyCell, ResponseTime, StudentYear, UserType, Year, departments,
    faculties, heatmap, hourly, response_times, student_years, user_types, years,
};
pub(crate) use popular::{ByYear, PopularQuery, popular, popular_by_year};
pub(crate) use totals::{Overall, Point, Success, overall, series, series_at, success};

use std::cmp::Ordering;

use super::key::UNKNOWN;

/// Rounds to two decimals. The number's exact binary value decides at decimal halves, as in Python's `round`.
fn rounded(value: f64) -> f64 {
    format!("{value:.2}").parse().unwrap_or(value)
}

fn percentage(part: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { rounded(part as f64 / whole as f64 * 100.0) }
}

/// Orders numbers by value, then texts, and the unknown group last.
fn by_year(a: &str, b: &str) -> Ordering {
    let rank = |text: &str| match text.parse::<i64>() {
        Ok(number) => (0, number),
        Err(_) if text == UNKNOWN => (2, 0),
        Err(_) => (1, 0),
    };
    rank(a).cmp(&rank(b)).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_decimals_are_those_of_python() {
        for (value, expected) in
            [(2.675, 2.67), (0.125, 0.12), (0.375, 0.38), (66.666_666, 66.67), (812.0, 812.0)]
        {
            assert_eq!(rounded(value), expected);
        }
    }

    #[test]
    fn years_ascend_by_number_and_the_unknown_is_last() {
        let mut years = ["unknown", "10", "2", "K65", "1"];
        years.sort_by(|a, b| by_year(a, b));
        assert_eq!(years, ["1", "2", "10", "K65", "unknown"]);
    }
}
