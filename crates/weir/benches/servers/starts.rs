//! Measures a Weir that starts with a Redis full of results: the time until all of it is answered, the cost
//! of that, the time of each route's answer, and the time until another writer's row is seen.

use std::time::Duration;

use serde_json::{Value, json};
use types::{Clock, SystemClock};

use crate::servers::redis::RedisServer;
use crate::support::{Up, pause_for};
use crate::usage;

const KEYS: usize = 1_000_000;
const ASKED: usize = 200;
const TTL_SECONDS: u64 = 2_592_000;
const BATCH: usize = 10_000;
const MONTH_MS: i64 = 30 * 24 * 60 * 60 * 1_000;
const ROUTES: [&str; 13] = [
    "faculty",
    "year",
    "heatmap",
    "student-year",
    "response-time",
    "hourly-heatmap",
    "popular-questions",
    "department",
    "popular-by-year",
    "user-type",
    "success-rate",
    "overall-summary",
    "timeseries",
];

pub fn starts() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let client = redis::Client::open(redis.url()).expect("an address");
    let mut connection = client.get_connection().expect("a connection");
    fill(&mut connection);
    let clock = SystemClock::new();
    let directory = tempfile::tempdir().expect("a directory");
    let url = redis.url();
    let began = clock.elapsed();
    let since = |began: Duration| clock.elapsed().saturating_sub(began);
    let up = Up::start_in(directory.path(), &["--log", "warn"], &[("REDIS_URL", &url)]);
    let listening = since(began);
    while up.get("/status")["result_rows"] != KEYS {
        pause_for(Duration::from_millis(10));
    }
    let (cpu, memory) = usage(up.id());

    println!(
        "start over {KEYS} keys in Redis: listens after {listening:.2?}, answers all after {:.2?}; {cpu:.1} CPU s, {memory} MB at most",
        since(began)
    );

    for route in ROUTES {
        let target = format!("/analytics/redis/{route}");
        let mut times: Vec<Duration> = (0..ASKED)
            .map(|_| {
                let began = clock.elapsed();
                up.text(&target);
                since(began)
            })
            .collect();
        times.sort();
        println!("{route:>18}: p50 {:>9.2?}  p99 {:>9.2?}", times[ASKED / 2], times[ASKED * 99 / 100]);
    }

    let mut seen: Vec<Duration> = (0..5).map(|number| seen(&mut connection, &up, &clock, number)).collect();
    seen.sort();
    println!("a row that another writer tells of is answered after {:.2?} (p50 of 5)", seen[2]);
    up.stop();
}

/// Measures the time until another writer's row is answered.
fn seen(connection: &mut redis::Connection, up: &Up, clock: &SystemClock, number: u64) -> Duration {
    let total = || up.get("/analytics/redis/overall-summary")["total_queries"].as_u64().unwrap_or_default();
    let (before, time) = (total(), format!("{:.6}", jiff::Zoned::now().datetime()));
    let row = json!({"total_queries": 1, "success_count": 1, "failure_count": 0, "avg_response_time": 5.0});
    let began = clock.elapsed();
    let message = json!({"type": "overall", "timestamp": time, "count": 1}).to_string();

    redis::pipe()
        .cmd("SETEX")
        .arg(format!("analytics:overall:{time}"))
        .arg(TTL_SECONDS - number)
        .arg(row.to_string())
        .ignore()
        .cmd("PUBLISH")
        .arg("analytics:updates")
        .arg(message)
        .ignore()
        .query::<()>(connection)
        .expect("it is written");

    while total() == before {
        pause_for(Duration::from_millis(10));
    }
    clock.elapsed().saturating_sub(began)
}

/// Writes a month of windows, thinned out to `KEYS` keys.
fn fill(connection: &mut redis::Connection) {
    let now = jiff::Timestamp::now().as_millisecond();
    for first in (0..KEYS).step_by(BATCH) {
        let mut pipeline = redis::pipe();
        for number in first..first + BATCH {
            let ms = now - MONTH_MS + MONTH_MS * (number as i64 + 1) / (KEYS as i64 + 1);
            let time =
                jiff::Timestamp::from_millisecond(ms).expect("a time").to_zoned(jiff::tz::TimeZone::UTC);
            // No two keys are equal: keys of the system before Weir have microseconds, too.
            let time = format!("{:.6}", time.datetime());
            pipeline
                .cmd("SETEX")
                .arg(format!("analytics:{}:{time}", group(number)))
                .arg(TTL_SECONDS)
                .arg(row(number / 16, &time).to_string())
                .ignore();
        }
        pipeline.query::<()>(connection).expect("the keys are written");
    }
}

fn group(number: usize) -> String {
    let g = number / 16;
    match number % 16 {
        0 | 1 => format!("faculty:f{}", g % 4),
        2 => format!("year:{}", g % 6),
        3..5 => format!("heatmap:f{}:{}", g % 4, g % 6),
        5..8 => format!("popular_queries:{:032x}", g % 20_000),
        8..11 => format!("popular_by_year:{}:{:032x}", g % 6, g % 20_000),
        11 => format!("department:{}", g % 30),
        12 => format!("user_type:f{}", g % 4),
        13 => format!("response_time:f{}", g % 4),
        14 => match g % 4 {
            0 => "success_rate".to_owned(),
            1 => "overall".to_owned(),
            2 => "timeseries:hour".to_owned(),
            _ => format!("heatmap:hourly:{}", g % 24),
        },
        _ => format!("student_year:{}", g % 6),
    }
}

fn row(group: usize, time: &str) -> Value {
    json!({"window_start": time, "window_end": time, "created_at": time, "query_count": 10 + group % 1_000,
        "unique_users": 7, "avg_response_time": 812.5, "avg_contexts_found": 3.5, "total_queries": 17,
        "success_count": 15, "failure_count": 2, "query_text": format!("câu hỏi số {}", group % 20_000),
        "department_name": format!("Khoa {}", group % 30), "avg_time": 800.5, "median_time": 700.25,
        "p95_time": 2000.75})
}
