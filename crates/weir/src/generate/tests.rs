//! The events of the generator, checked as a reader of the topic would.

use jiff::tz::TimeZone;

use super::{Events, Options, Shapes, TimeForms};

fn options() -> Options {
    Options {
        seed: 1,
        users: 500,
        departments: 40,
        texts: 200,
        out_of_order_us: 0,
        bad: 0.0,
        times: TimeForms::One,
        shapes: Shapes::Plain,
        zone: TimeZone::UTC,
    }
}

fn lines(options: Options, count: i64) -> Vec<String> {
    let mut events = Events::new(options);
    let mut out = Vec::new();
    for i in 0..count {
        events.append(1_765_279_800_000_000 + i * 1000, &mut out);
    }
    String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
}

fn parsed(options: Options, count: i64) -> Vec<serde_json::Value> {
    lines(options, count).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_seed_fixes_every_byte() {
    let mut everything = options();
    everything.times = TimeForms::Mixed;
    everything.shapes = Shapes::Awkward;
    everything.bad = 0.1;
    everything.out_of_order_us = 3_000_000;
    assert_eq!(lines(everything.clone(), 1000), lines(everything.clone(), 1000));
    let fnv = lines(everything.clone(), 1000)
        .iter()
        .flat_map(|line| line.bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    assert_eq!(
        fnv, PINNED,
        "the events of a seed have changed: whoever compares files of two versions is misled"
    );
    everything.seed = 2;
    assert_ne!(lines(everything, 1), lines(options(), 1));
}

const PINNED: u64 = 16_992_505_396_174_812_122;

#[test]
fn plain_events_have_every_field_of_the_contract() {
    for event in parsed(options(), 2000) {
        assert_eq!(event["timestamp"].as_str().unwrap().len(), 26);
        for path in [
            "/query_id",
            "/user/user_id",
            "/user/user_type",
            "/user/department_id",
            "/user/code",
            "/user/years",
            "/session_id",
            "/query_text",
            "/rewritten_query",
            "/rag_params/k",
            "/rag_params/similarity_threshold",
            "/rag_params/context_found",
            "/rag_metrics/response_time_ms",
            "/rag_metrics/answer_length",
            "/rag_metrics/answer_text",
            "/rag_metrics/success",
            "/metadata/model_used",
            "/metadata/history_used",
            "/metadata/history_count",
            "/metadata/query_rewritten",
        ] {
            assert!(event.pointer(path).is_some(), "{path} in {event}");
        }
    }
}

#[test]
fn an_event_is_as_large_as_a_real_one() {
    let lines = lines(options(), 5000);
    let mean = lines.iter().map(String::len).sum::<usize>() / lines.len();
    assert!((700..=950).contains(&mean), "{mean}");
}

#[test]
fn awkward_events_are_still_json_with_an_id_and_a_time() {
    let mut options = options();
    options.shapes = Shapes::Awkward;
    options.times = TimeForms::Mixed;
    let events = parsed(options, 5000);
    for event in &events {
        assert!(event["query_id"].is_string());
        assert!(event["timestamp"].is_string() || event["ts"].is_string());
    }
    let share = |found: &dyn Fn(&serde_json::Value) -> bool| {
        events.iter().filter(|event| found(event)).count() as f64 / events.len() as f64
    };
    assert!((0.01..0.03).contains(&share(&|event| event.get("ts").is_some())));
    assert!((0.03..0.05).contains(&share(&|event| event.get("trace").is_some())));
    assert!((0.005..0.03).contains(&share(&|event| event.get("user").is_none_or(|user| user.is_null()))));
    assert!(events.iter().any(|event| event["rag_params"]["context_found"].is_f64()));
    assert!(events.iter().any(|event| event["rag_metrics"]["response_time_ms"].is_u64()));
    assert!(events.iter().any(|e| e["query_text"].as_str().is_some_and(|text| text.ends_with("\"x\""))));
}

#[test]
fn bad_lines_are_bad_in_all_six_ways() {
    let mut options = options();
    options.bad = 1.0;
    for (number, line) in lines(options, 60).iter().enumerate() {
        let value: Option<serde_json::Value> = serde_json::from_str(line).ok();
        match (number % 6, value) {
            (0, value) => assert!(value.is_none(), "{line}"),
            (1, Some(value)) => assert!(value.get("query_id").is_none() && value["timestamp"].is_string()),
            (2, Some(value)) => assert!(value["query_id"].is_string() && value.get("timestamp").is_none()),
            (3, Some(value)) => assert!(value["timestamp"].as_str().unwrap().starts_with("not a time 2025-")),
            (4, Some(value)) => assert!(value.is_array()),
            (_, Some(value)) => assert!(value["query_id"].is_null() && value["timestamp"].is_string()),
            (_, None) => panic!("not JSON: {line}"),
        }
    }
}

#[test]
fn disorder_moves_times_back_and_keeps_the_lines_in_order() {
    let mut options = options();
    options.out_of_order_us = 3_000_000;
    let events = parsed(options, 1000);
    let times: Vec<&str> = events.iter().map(|event| event["timestamp"].as_str().unwrap()).collect();
    assert!(times.windows(2).any(|pair| pair[0] > pair[1]));
    assert!(times.iter().all(|time| ("2025-12-09T11:29:57".."2025-12-09T11:30:02").contains(time)));
    assert!(events.iter().enumerate().all(|(i, event)| event["query_id"] == format!("q-{i:012}")));
}
