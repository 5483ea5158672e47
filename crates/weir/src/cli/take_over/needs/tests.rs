//! Tests of the arithmetic of windows, against a list of all windows, and of what scripts need.

use super::*;

const MINUTE: i64 = 60_000;

fn interval(minutes: i64) -> Interval {
    Interval(minutes * MINUTE)
}

/// Returns start and end of every window around zero.
fn all(window: Window) -> Vec<(i64, i64)> {
    let (size, step, offset) = match window {
        Window::Tumble { size, offset } => (size.0, size.0, offset.0),
        Window::Hop { size, slide, offset } => (size.0, slide.0, offset.0),
        Window::Cumulate { size, offset, .. } => (size.0, size.0, offset.0),
    };
    let starts = (-200..200).map(|n| n * step + offset);
    starts
        .flat_map(|start| match window {
            Window::Cumulate { size, step, .. } => {
                (1..=size.0 / step.0).map(|n| (start, start + n * step.0)).collect::<Vec<_>>()
            }
            _ => vec![(start, start + size)],
        })
        .collect()
}

#[test]
fn the_oldest_open_window_is_that_of_a_list_of_all() {
    let windows = [
        Window::Tumble { size: interval(10), offset: interval(0) },
        Window::Tumble { size: interval(7), offset: interval(3) },
        Window::Hop { size: interval(10), slide: interval(5), offset: interval(0) },
        Window::Hop { size: interval(12), slide: interval(4), offset: interval(1) },
        Window::Cumulate { size: interval(60), step: interval(15), offset: interval(0) },
        Window::Cumulate { size: interval(60), step: interval(20), offset: interval(5) },
    ];
    for window in windows {
        let all = all(window);
        for cut in (-180..180).flat_map(|minute| [minute * MINUTE - 1, minute * MINUTE, minute * MINUTE + 1])
        {
            let open = || all.iter().filter(|(_, end)| *end > cut);
            let (start, end) = (open().map(|(start, _)| *start).min(), open().map(|(_, end)| *end).min());
            assert_eq!(Some(oldest_start(window, cut)), start, "{window:?} {cut}");
            assert_eq!(Some(next_end(window, cut)), end, "{window:?} {cut}");
        }
    }
}

fn plan(queries: &str) -> Plan {
    let script = format!(
        "SET 'table.local-time-zone' = 'Asia/Ho_Chi_Minh';
         CREATE TABLE q (k STRING, n INT, ts TIMESTAMP_LTZ(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
         WITH ('connector' = 'kafka', 'topic' = 'q', 'format' = 'json');
         CREATE TABLE walls (k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
         WITH ('connector' = 'kafka', 'topic' = 'walls', 'format' = 'json');
         CREATE TABLE a (k STRING, n BIGINT, window_end TIMESTAMP(3)) WITH ('connector' = 'redis', 'key' = 'a:{{k}}:{{window_end}}');
         CREATE TABLE b (k STRING, n BIGINT, window_end STRING) WITH ('connector' = 'redis', 'key' = 'b:{{k}}:{{window_end}}');
         CREATE TABLE c (k STRING, n BIGINT) WITH ('connector' = 'redis', 'key' = 'c:{{k}}');
         {queries}"
    );
    sql::compile(&script, &|_| None).unwrap_or_else(|found| panic!("{found:?}"))
}

const HOURS: &str = "INSERT INTO a SELECT k, COUNT(*), window_end
    FROM TABLE(TUMBLE(TABLE q, DESCRIPTOR(ts), INTERVAL '1' HOUR)) GROUP BY window_start, window_end, k;";
const HOPS: &str = "INSERT INTO b SELECT k, COUNT(*), DATE_FORMAT(window_end, 'yyyy-MM-dd HH:mm:ss')
    FROM TABLE(HOP(TABLE q, DESCRIPTOR(ts), INTERVAL '15' MINUTE, INTERVAL '30' MINUTE))
    GROUP BY window_start, window_end, k;";
const DAYS: &str = "INSERT INTO a SELECT k, COUNT(*), window_end
    FROM TABLE(TUMBLE(TABLE q, DESCRIPTOR(ts), INTERVAL '1' DAY)) GROUP BY window_start, window_end, k;";
const GROUPS: &str = "INSERT INTO c SELECT k, COUNT(*) FROM q GROUP BY k;";
const SESSIONS: &str = "INSERT INTO a SELECT k, COUNT(*), window_end
    FROM TABLE(SESSION(TABLE q PARTITION BY k, DESCRIPTOR(ts), INTERVAL '10' MINUTE)) GROUP BY window_start, window_end, k;";

fn wall(text: &str) -> i64 {
    format!("{text}Z").parse::<Timestamp>().expect("a time").as_millisecond()
}

#[test]
fn the_longest_window_says_where_events_are_needed() {
    let needs = Needs::of(&plan(&format!("{HOURS}{HOPS}"))).expect("windows");
    let day = Interval(86_400_000);
    assert_eq!(needs.from(wall("2025-12-09T11:40:00"), day), wall("2025-12-09T11:00:00"));
    assert_eq!(
        needs.from(wall("2025-12-09T11:05:00"), day),
        wall("2025-12-09T10:45:00"),
        "the hop began earlier"
    );
    assert_eq!(needs.first_closed("a", wall("2025-12-09T11:40:00")), Some(wall("2025-12-09T12:00:00")));
    assert_eq!(needs.first_closed("b", wall("2025-12-09T11:40:00")), Some(wall("2025-12-09T11:45:00")));

    assert_eq!((needs.compared.len(), needs.without_end.len()), (2, 0));
}

#[test]
fn days_begin_at_local_midnight() {
    let needs = Needs::of(&plan(DAYS)).expect("windows");
    let instant = |text: &str| text.parse::<Timestamp>().expect("a time").as_millisecond();
    let cut = needs.scale.wall(instant("2025-12-09T18:00:00Z"));
    assert_eq!(cut, wall("2025-12-10T01:00:00"));
    let from = needs.from(cut, Interval(0));
    assert_eq!(needs.scale.event_time(from), instant("2025-12-09T17:00:00Z"));
}

#[test]
fn queries_without_windows_need_the_whole_log() {
    let needs = Needs::of(&plan(&format!("{HOURS}{GROUPS}"))).expect("windows");
    assert_eq!(needs.unbounded.keys().collect::<Vec<_>>(), ["c"]);
    assert_eq!(needs.read_whole.iter().collect::<Vec<_>>(), ["q"]);
    assert_eq!(needs.windows.keys().collect::<Vec<_>>(), ["a"]);
}

#[test]
fn sessions_are_assumed_to_be_no_longer_than_told() {
    let needs = Needs::of(&plan(SESSIONS)).expect("windows");
    assert!(needs.has_sessions());
    assert_eq!(needs.from(wall("2025-12-09T11:40:00"), interval(60)), wall("2025-12-09T10:40:00"));
    assert_eq!(needs.first_closed("a", 0), None);
}

#[test]
fn scripts_without_a_common_clock_are_refused() {
    let other = "INSERT INTO c SELECT k, COUNT(*)
        FROM TABLE(TUMBLE(TABLE walls, DESCRIPTOR(ts), INTERVAL '1' HOUR)) GROUP BY window_start, window_end, k;";
    let refused = Needs::of(&plan(&format!("{HOURS}{other}"))).expect_err("two clocks");
    assert!(matches!(refused, Unmovable::TwoClocks { .. }), "{refused}");
    let alone = Needs::of(&plan(other)).expect("windows");
    assert_eq!((alone.scale, alone.without_end), (Scale::Wall, vec!["c".to_owned()]));

    let rows = plan("INSERT INTO c SELECT k, 1 FROM q;");
    assert_eq!(Needs::of(&rows).expect_err("no window"), Unmovable::NoWindow);
}

#[test]
fn every_table_of_the_analytics_can_be_compared() {
    let script = include_str!("../../../../../../jobs/analytics.sql");
    let variables = |name: &str| (name == "KAFKA_BROKER_URL").then(|| "kafka:9092".to_owned());
    let plan = sql::compile(script, &variables).unwrap_or_else(|found| panic!("{found:?}"));
    let needs = Needs::of(&plan).expect("windows");
    let written: BTreeSet<&str> = plan.sinks.iter().filter_map(|sink| sink.name.split('#').next()).collect();
    let compared: BTreeSet<&str> = needs.compared.iter().map(String::as_str).collect();
    assert_eq!(compared, written);
}
