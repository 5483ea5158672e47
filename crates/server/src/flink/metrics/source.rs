//! Metrics of source subtasks: how far they lag behind, in records and in event time.
//!
//! Flink prefixes a metric of an operator with the operator's name, `Source__clicks.pendingRecords`. Its
//! autoscaler and many dashboards look for that name; others look for the last part alone. Both names are
//! present.

use jobs::TaskView;
use types::Timestamp;

use super::super::vertices::figure;
use super::Measures;

/// Prefix of the names of source vertices: `Source: clicks`.
const SOURCE: &str = "Source: ";

/// Limit of real event times. Greater values stand for no watermark, and for the end of a bounded input.
const KNOWN_MS: f64 = 9e15;

/// Returns the metrics of a source subtask; none for other subtasks.
pub(super) fn measures(task: &TaskView, now: Timestamp) -> Measures {
    if !task.vertex.starts_with(SOURCE) {
        return Measures::new();
    }

    let mut plain: Vec<(String, f64)> = Vec::new();
    let lags: Vec<u64> = task.splits.iter().filter_map(|split| split.lag).collect();
    if !lags.is_empty() {
        plain.push(("pendingRecords".to_owned(), lags.iter().sum::<u64>() as f64));
    }
    let since = |name| figure(task, name).filter(|ms| ms.abs() < KNOWN_MS).map(|ms| now.0 as f64 - ms);
    plain.extend(since("emittedEventTime").map(|lag| ("currentEmitEventTimeLag".to_owned(), lag)));
    plain.extend(since("currentOutputWatermark").map(|lag| ("watermarkLag".to_owned(), lag)));
    for split in &task.splits {
        let name = format!("split.{}.watermark.currentWatermark", split.split);
        plain.push((name, split.watermark as f64));
    }

    let operator = operator(&task.vertex);
    let mut measures = Measures::new();
    for (name, value) in plain {
        measures.insert(format!("{operator}.{name}"), value);
        measures.insert(name, value);
    }
    measures.extend(figure(task, "numRecordsIn").map(|read| (format!("{operator}.numRecordsIn"), read)));
    if let Some(most) = lags.iter().max() {
        let name = "records-lag-max";
        measures.insert(format!("{operator}.KafkaSourceReader.KafkaConsumer.{name}"), *most as f64);
        measures.insert(name.to_owned(), *most as f64);
    }
    measures
}

/// Returns the name of an operator for use in a metric's name, where some characters are reserved.
fn operator(name: &str) -> String {
    let part = |c| match c {
        ' ' | '.' | ':' | ',' => '_',
        other => other,
    };
    name.chars().filter(|c| !matches!(c, '"' | '<' | '>')).map(part).collect()
}

#[cfg(test)]
mod tests {
    use engine::connector::Split;
    use engine::metrics::SplitMetrics;

    use super::*;

    fn task(vertex: &str, metrics: Vec<(&'static str, f64)>, lags: &[Option<u64>]) -> TaskView {
        let split = |(partition, lag): (u32, &Option<u64>)| SplitMetrics {
            split: Split { topic: "my.clicks".to_owned(), partition },
            lag: *lag,
            watermark: 1_000 + i64::from(partition),
        };
        let splits = (0..).zip(lags).map(split).collect();
        let metrics = metrics.into_iter().map(|(name, value)| (name.into(), value)).collect();
        TaskView {
            vertex: vertex.to_owned(),
            subtask: 0,
            metrics,
            finished: None,
            splits,
            outputs: Vec::new(),
        }
    }

    #[test]
    fn a_source_tells_how_far_it_is_behind() {
        let metrics =
            vec![("emittedEventTime", 1_500.0), ("currentOutputWatermark", 1_000.0), ("numRecordsIn", 7.0)];
        let measures = measures(&task("Source: my.clicks", metrics, &[Some(5), Some(2)]), Timestamp(2_000));

        let expected = [
            ("Source__my_clicks.KafkaSourceReader.KafkaConsumer.records-lag-max", 5.0),
            ("Source__my_clicks.currentEmitEventTimeLag", 500.0),
            ("Source__my_clicks.numRecordsIn", 7.0),
            ("Source__my_clicks.pendingRecords", 7.0),
            ("Source__my_clicks.split.my.clicks-0.watermark.currentWatermark", 1_000.0),
            ("Source__my_clicks.split.my.clicks-1.watermark.currentWatermark", 1_001.0),
            ("Source__my_clicks.watermarkLag", 1_000.0),
            ("currentEmitEventTimeLag", 500.0),
            ("pendingRecords", 7.0),
            ("records-lag-max", 5.0),
            ("split.my.clicks-0.watermark.currentWatermark", 1_000.0),
            ("split.my.clicks-1.watermark.currentWatermark", 1_001.0),
            ("watermarkLag", 1_000.0),
        ];

        let found: Vec<(&str, f64)> = measures.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let unknown =
            vec![("emittedEventTime", i64::MIN as f64), ("currentOutputWatermark", i64::MAX as f64)];
        assert_eq!(measures(&task("Source: t", unknown.clone(), &[]), Timestamp(2_000)), Measures::new());
        assert_eq!(
            measures(&task("GlobalWindowAggregate", unknown, &[Some(1)]), Timestamp(0)),
            Measures::new()
        );
    }
}
