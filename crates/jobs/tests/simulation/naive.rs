//! Aggregates in their simplest form, over all events of a row at once.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::events::Event;
use crate::script::Aggregate;

impl Aggregate {
    pub fn of(self, events: &[&Event]) -> Value {
        let numbers = || events.iter().filter_map(|event| event.v);
        let words = || events.iter().filter_map(|event| event.w);
        match self {
            Aggregate::Total => json!(numbers().next().map(|_| numbers().sum::<i64>())),
            Aggregate::Distinct => json!(words().collect::<BTreeSet<&str>>().len()),
            Aggregate::Least => json!(numbers().min()),
            Aggregate::Greatest => json!(words().max()),
            Aggregate::Few => json!(numbers().filter(|&v| v > 4).count()),
            Aggregate::Percentile => {
                let mut values = doubles(events);
                values.sort_by(f64::total_cmp);
                let Some(last) = values.len().checked_sub(1) else { return Value::Null };
                let position = 0.75 * last as f64;
                let low = position as usize;
                let high = last.min(low + 1);
                json!(values[low] + (values[high] - values[low]) * (position - low as f64))
            }
            Aggregate::Mean => {
                let values = doubles(events);
                json!((!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64))
            }
        }
    }
}

fn doubles(events: &[&Event]) -> Vec<f64> {
    events.iter().filter_map(|event| event.d).collect()
}

/// Returns whether two values are equal except for the format and the last bits of numbers.
pub fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours.as_f64(), theirs.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
        _ => ours == theirs,
    }
}
