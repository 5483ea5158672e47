//! Metrics by name, and their aggregates.

use serde::Serialize;
use utoipa::ToSchema;

/// A metric, or only its name if no values were requested.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct Metric {
    pub(in crate::flink) id: String,
    /// Value as a string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) value: Option<String>,
}

/// A metric aggregated over several objects.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(in crate::flink) struct Aggregated {
    pub(in crate::flink) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) max: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) avg: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) sum: Option<f64>,
    /// Mean distance from the average, in percent of the average.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) skew: Option<f64>,
}

/// `…/backpressure`
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::flink) struct Backpressure {
    /// `ok`, or `deprecated` without other fields if nothing is known.
    pub(in crate::flink) status: &'static str,
    /// `ok`, `low` or `high`, under both names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) backpressure_level: Option<&'static str>,
    #[serde(rename = "backpressureLevel", skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) end_timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) subtasks: Option<Vec<SubtaskBackpressure>>,
}

impl Backpressure {
    pub(in crate::flink) fn unknown() -> Backpressure {
        Backpressure { status: "deprecated", ..Backpressure::default() }
    }
}

/// Shares of the subtask's time, 0 to 1.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::flink) struct SubtaskBackpressure {
    pub(in crate::flink) subtask: usize,
    #[serde(rename = "backpressure-level")]
    pub(in crate::flink) level: &'static str,
    pub(in crate::flink) backpressure_level: &'static str,
    pub(in crate::flink) ratio: f64,
    pub(in crate::flink) idle_ratio: f64,
    pub(in crate::flink) busy_ratio: f64,
}

/// Statistics of numbers. Without numbers they are 0, and the quantiles are NaN.
#[derive(Debug, Default, Clone, Serialize, ToSchema)]
pub(in crate::flink) struct Summary {
    min: i64,
    max: i64,
    avg: i64,
    #[serde(flatten)]
    quantiles: Quantiles,
}

#[derive(Debug, Default, Clone, Serialize, ToSchema)]
struct Quantiles {
    p50: Quantile,
    p90: Quantile,
    p95: Quantile,
    p99: Quantile,
    p999: Quantile,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
enum Quantile {
    Known(f64),
    /// `NaN` as a string, because JSON has no NaN.
    Unknown(&'static str),
}

impl Default for Quantile {
    fn default() -> Quantile {
        Quantile::Unknown("NaN")
    }
}

impl Summary {
    pub(in crate::flink) fn of(numbers: impl IntoIterator<Item = i64>) -> Summary {
        let mut numbers: Vec<i64> = numbers.into_iter().collect();
        numbers.sort_unstable();
        let (Some(&min), Some(&max)) = (numbers.first(), numbers.last()) else { return Summary::default() };
        let sum: i128 = numbers.iter().map(|&number| i128::from(number)).sum();
        let avg = (sum / numbers.len() as i128) as i64;
        let at = |p| Quantile::Known(quantile(&numbers, p));
        let quantiles =
            Quantiles { p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99), p999: at(0.999) };
        Summary { min, max, avg, quantiles }
    }
}

/// Returns a quantile of sorted numbers, interpolated between the two nearest as in Flink's histograms: at `p
/// * (n + 1)`.
fn quantile(sorted: &[i64], p: f64) -> f64 {
    let place = (p * (sorted.len() + 1) as f64).clamp(1.0, sorted.len() as f64);
    let below = sorted[place as usize - 1] as f64;
    let above = sorted[(place as usize).min(sorted.len() - 1)] as f64;
    below + place.fract() * (above - below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_that_of_flink() {
        let of = |numbers: &[i64]| serde_json::to_value(Summary::of(numbers.iter().copied())).expect("JSON");
        // Two checkpoints of Flink 2.2, and its answer about them.
        let expected = serde_json::json!({"min": 10, "max": 17, "avg": 13,
            "p50": 13.5, "p90": 17.0, "p95": 17.0, "p99": 17.0, "p999": 17.0});
        assert_eq!(of(&[17, 10]), expected);
        assert_eq!(of(&[])["p50"], "NaN");
        assert_eq!(of(&[5])["p999"], 5.0);
    }
}
