//! Metrics by name, and what is computed of several.

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// A metric, or only its name where no values were asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct Metric {
    pub(in crate::flink) id: String,
    /// A text, whatever it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) value: Option<String>,
}

/// A metric of several.
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
    /// How far they are apart: the mean distance from the average, in percent of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::flink) skew: Option<f64>,
}

/// `…/backpressure`
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::flink) struct Backpressure {
    /// `ok`, or `deprecated` where nothing is known.
    pub(in crate::flink) status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    pub(in crate::flink) known: Option<KnownBackpressure>,
}

impl Backpressure {
    pub(in crate::flink) fn unknown() -> Backpressure {
        Backpressure { status: "deprecated", known: None }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::flink) struct KnownBackpressure {
    /// `ok`, `low` or `high`; by both names.
    pub(in crate::flink) backpressure_level: &'static str,
    #[serde(rename = "backpressureLevel")]
    pub(in crate::flink) level: &'static str,
    pub(in crate::flink) end_timestamp: i64,
    pub(in crate::flink) subtasks: Vec<SubtaskBackpressure>,
}

/// Shares of its time, 0 to 1.
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

/// Of some numbers. Without any they are 0, and the quantiles are no numbers.
#[derive(Debug, Default, Clone, Serialize, ToSchema)]
pub(in crate::flink) struct Summary {
    min: i64,
    max: i64,
    avg: i64,
    #[serde(flatten)]
    quantiles: Quantiles,
}

#[derive(Debug, Default, Clone, ToSchema)]
struct Quantiles(Option<[f64; 5]>);

impl Serialize for Quantiles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = ["p50", "p90", "p95", "p99", "p999"];
        match self.0 {
            Some(values) => serializer.collect_map(names.into_iter().zip(values)),
            // As a text: JSON has no other way to say it.
            None => serializer.collect_map(names.map(|name| (name, "NaN"))),
        }
    }
}

impl Summary {
    pub(in crate::flink) fn of(numbers: impl IntoIterator<Item = i64>) -> Summary {
        let mut numbers: Vec<i64> = numbers.into_iter().collect();
        numbers.sort_unstable();
        let (Some(&min), Some(&max)) = (numbers.first(), numbers.last()) else { return Summary::default() };
        let sum: i128 = numbers.iter().map(|&number| i128::from(number)).sum();
        let avg = (sum / numbers.len() as i128) as i64;
        let quantiles = [0.5, 0.9, 0.95, 0.99, 0.999].map(|p| quantile(&numbers, p));
        Summary { min, max, avg, quantiles: Quantiles(Some(quantiles)) }
    }
}

/// Of sorted numbers, between the two that are nearest, as Flink's histograms do: at `p * (n + 1)`.
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
        // Two checkpoints of Flink 2.2 and what it said of them.
        let expected = serde_json::json!({"min": 10, "max": 17, "avg": 13,
            "p50": 13.5, "p90": 17.0, "p95": 17.0, "p99": 17.0, "p999": 17.0});
        assert_eq!(of(&[17, 10]), expected);
        assert_eq!(of(&[])["p50"], "NaN");
        assert_eq!(of(&[5])["p999"], 5.0);
    }
}
