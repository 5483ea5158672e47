//! Time zones: windows that end at local midnight, and days of 23 and 25 hours.

use types::Interval;

use crate::script::{NOON, counts, event, query, source};
use crate::stage::{Stage, TOPIC, compile, until};

const DAY: &str = "TUMBLE(TABLE q, DESCRIPTOR(seen), INTERVAL '1' DAY)";

fn ms(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().expect("a time").as_millisecond()
}

/// Returns the counts of day windows in a zone; each of these instants is an event with its own key.
fn days(zone: &str, instants: &[&str]) -> Vec<String> {
    let stage = Stage::new(vec![instants.iter().map(|at| event(at, 1, ms(at))).collect()]);
    let script = source(&[("table.local-time-zone", zone)]) + &query("t", DAY);
    let job = stage.start(&compile(&script), 1, 1, None);
    job.read_up_to(&[instants.len()]);
    stage.clock.advance(Interval(30 * 3_600_000));
    let ledger = job.finish();
    assert_eq!((ledger.counted, ledger.late), (instants.len() as u64, 0));
    counts(&stage, "t").into_keys().map(|key| key.replace("%3A", ":")).collect()
}

/// Flink closes this window seven hours early, at its end in UTC, and drops the evening's rows.
#[test]
fn the_rows_of_the_evening_are_counted_in_their_local_day() {
    let rows = days(
        "Asia/Ho_Chi_Minh",
        &["2025-12-08T17:00:00Z", "2025-12-09T10:00:00Z", "2025-12-09T16:59:59.999Z", "2025-12-09T17:00:00Z"],
    );
    assert_eq!(
        rows,
        [
            "2025-12-08T17:00:00Z:2025-12-10 00:00:00",
            "2025-12-09T10:00:00Z:2025-12-10 00:00:00",
            "2025-12-09T16:59:59.999Z:2025-12-10 00:00:00",
            "2025-12-09T17:00:00Z:2025-12-11 00:00:00",
        ]
    );
}

#[test]
fn a_local_day_closes_at_local_midnight() {
    let stage = Stage::new(vec![Vec::new()]);
    let script = source(&[("table.local-time-zone", "Asia/Ho_Chi_Minh")]) + &query("t", DAY);
    let job = stage.start(&compile(&script), 1, 100, None);
    let give = |at: i64, total: u64| {
        stage.log.add(TOPIC, 0, vec![event("k", 1, at)]);
        until("it is read", || job.ledger().accepted == total);
        job.settle();
        counts(&stage, "t").len()
    };
    let midnight = ms("2025-12-09T17:00:00Z");
    assert_eq!(give(midnight - 3_600_000, 1), 0);
    // The watermark is one second behind.
    assert_eq!(give(midnight + 998, 2), 0);
    assert_eq!(give(midnight + 999, 3), 1);
    job.crash();
}

/// In Berlin the clocks change from 02:00 to 03:00 on 2025-03-30, and from 03:00 back to 02:00 on 2025-10-26.
#[test]
fn days_are_as_long_as_they_are() {
    let spring =
        days("Europe/Berlin", &["2025-03-29T23:00:00Z", "2025-03-30T21:59:59Z", "2025-03-30T22:00:00Z"]);
    assert_eq!(
        spring,
        [
            "2025-03-29T23:00:00Z:2025-03-31 00:00:00",
            "2025-03-30T21:59:59Z:2025-03-31 00:00:00",
            "2025-03-30T22:00:00Z:2025-04-01 00:00:00",
        ]
    );

    let autumn =
        days("Europe/Berlin", &["2025-10-25T22:00:00Z", "2025-10-26T22:59:59Z", "2025-10-26T23:00:00Z"]);
    assert_eq!(
        autumn,
        [
            "2025-10-25T22:00:00Z:2025-10-27 00:00:00",
            "2025-10-26T22:59:59Z:2025-10-27 00:00:00",
            "2025-10-26T23:00:00Z:2025-10-28 00:00:00",
        ]
    );
}

/// Selects the most frequent key of each window, without the window's time: a rank and an aggregate that use
/// the windows of a table function.
const BUSIEST: &str = "CREATE TABLE busiest (k STRING, n BIGINT, window_end TIMESTAMP(3))
      WITH ('connector' = 'redis', 'key' = 'busiest:{window_end}', 'ttl' = '86400');
    INSERT INTO busiest SELECT k, n, window_end FROM (
      SELECT k, n, window_end,
             ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY n DESC) AS place
      FROM (
        SELECT k, COUNT(*) AS n, window_start, window_end
        FROM (SELECT DISTINCT k, v, window_start, window_end
              FROM TABLE(TUMBLE(TABLE q, DESCRIPTOR(seen), INTERVAL '10' SECOND)))
        GROUP BY k, window_start, window_end
      )
    ) WHERE place = 1;\n";

#[test]
fn operators_close_windows_of_instants_by_the_clock_of_the_session() {
    for zone in ["UTC", "Asia/Ho_Chi_Minh", "America/New_York"] {
        let stage = Stage::new(vec![Vec::new()]);
        let script = source(&[("table.local-time-zone", zone)]) + BUSIEST;
        let job = stage.start(&compile(&script), 1, 100, None);
        let events = [("a", 1, 1), ("b", 1, 2), ("b", 2, 3), ("a", 1, 12)];
        let lines = events.map(|(k, v, at)| event(k, v, NOON + at * 1_000)).to_vec();
        stage.log.add(TOPIC, 0, lines);
        // The watermark is 11 s: the first window is closed, and the second one open.
        until("the first window is closed", || stage.rows().len() == 1);
        let row = stage.rows().into_values().next().expect("a row");
        assert_eq!((&row["k"], &row["n"]), (&"b".into(), &2.into()), "{zone}: {row}");
        assert_eq!(job.finish().late, 0);
        assert_eq!(stage.rows().len(), 2, "{zone}");
    }
}
