//! The metrics of a job: records, bytes, time, watermarks, and values with wrong types.

use types::Interval;

use crate::script::{NOON, event, query, source, tumble};
use crate::stage::{Stage, TOPIC, compile};

fn figure(job: &crate::stage::Running<'_>, vertex: &str, name: &str) -> f64 {
    let tasks = job.tasks().iter().filter(|task| task.vertex.starts_with(vertex));
    let of = tasks.map(|task| {
        let figures = task.metrics.by_name();
        figures.iter().find(|(of, _)| *of == name).unwrap_or_else(|| panic!("there is no {name}")).1
    });
    of.sum()
}

#[test]
fn figures_are_there_by_name() {
    for parallelism in [1, 2] {
        let mut lines: Vec<String> = (0..50).map(|n| event("k", n, NOON + n * 1_000)).collect();
        lines.push("{\"k\":\"k\",\"v\":\"no number\",\"seen\":\"2025-12-09T12:00:50Z\"}".to_owned());
        lines.push("no JSON".to_owned());
        let bytes: usize = lines.iter().map(String::len).sum();
        let stage = Stage::new(vec![lines]);
        let job = stage.start(&compile(&(source(&[]) + &query("t", &tumble(10)))), parallelism, 10, None);
        job.read_up_to(&[52]);
        job.settle();

        assert_eq!(figure(&job, "Source", "numRecordsIn"), 52.0);
        assert_eq!(figure(&job, "Source", "numBytesIn"), bytes as f64);
        assert!(figure(&job, "Source", "numBatchesIn") >= 6.0);
        assert_eq!(figure(&job, "", "numRecordsOut"), 4.0, "four windows have closed at 49 s");
        assert!(figure(&job, "", "stateBytes") > 0.0);

        let watermark = (NOON + 49_000) as f64;
        for task in job.tasks() {
            let figures = task.metrics.by_name();
            let of =
                figures.iter().find(|(name, _)| *name == "currentOutputWatermark").map(|(_, value)| *value);
            assert_eq!(of, Some(watermark), "{} {}", task.vertex, task.subtask);
        }
        let ledger = job.ledger();
        assert_eq!(
            ledger.wrong_types.iter().map(|(field, n)| (field.as_str(), *n)).collect::<Vec<_>>(),
            [("v", 1)]
        );
        assert_eq!((ledger.counted, ledger.dead_lettered, ledger.reasons["malformed"]), (51, 1, 1));

        // The clock moves while a source waits for input, so all of this is idle time.
        let busy = figure(&job, "Source", "accumulatedBusyTimeMs");
        let idle = figure(&job, "Source", "accumulatedIdleTimeMs");
        for _ in 0..20 {
            stage.clock.advance(Interval(1));
            job.settle();
        }
        let more = |name: &str, before: f64| figure(&job, "Source", name) - before;
        assert!(
            more("accumulatedIdleTimeMs", idle) + more("accumulatedBusyTimeMs", busy)
                <= 20.0 * f64::from(parallelism)
        );
        assert_eq!(figure(&job, "", "accumulatedBackPressuredTimeMs"), 0.0);
        job.crash();
    }
}

#[test]
fn rows_that_are_late_for_an_operator_are_counted_there() {
    const SORTED: &str = "CREATE TABLE sunk (k STRING, v INT) WITH ('connector' = 'blackhole');
        INSERT INTO sunk SELECT k, v FROM q ORDER BY seen;";
    for parallelism in [1, 2] {
        let stage = Stage::new(vec![(0..20).map(|n| event("k", n, NOON + n * 1_000)).collect()]);
        let job = stage.start(&compile(&(source(&[]) + SORTED)), parallelism, 10, None);
        job.read_up_to(&[20]);
        // The subtask without a partition must see the time too, because the slowest one determines what is
        // late.
        job.settle();

        // Ten seconds before the newest event: two rows that the sort can no longer emit in order.
        stage.log.add(TOPIC, 0, vec![event("k", 1, NOON + 5_000), event("k", 2, NOON + 6_000)]);
        job.read_up_to(&[22]);
        job.settle();
        let late = |name: &str| -> f64 {
            let figures = job.tasks().iter().flat_map(|task| task.metrics.by_name());
            figures.filter(|(of, _)| of.ends_with(name)).map(|(_, value)| value).sum()
        };
        assert_eq!(late("Sort[0].numLateRecordsDropped"), 2.0, "parallelism {parallelism}");
        assert!(late("Sort[0].stateBytes") > 0.0);
    }
}
