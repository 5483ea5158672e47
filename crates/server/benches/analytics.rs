//! Measures a million result keys: the time to load them, their memory, and each route's answer time over a
//! real socket. Run with `cargo bench -p server --bench analytics`.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Duration;

use serde_json::json;
use support::{MemoryStore, Weir};
use types::{Clock, SystemClock};

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
const ASKED: usize = 200;

fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1_024.0
}

/// Writes a month of windows, thinned out to `keys` keys.
fn fill(store: &MemoryStore, keys: usize) {
    let value = |group: usize| {
        json!({"window_start": "2025-12-09T11:30:00", "window_end": "2025-12-09T11:30:20", "created_at": "2025-12-09T11:30:20",
            "query_count": 10 + group, "unique_users": 7, "avg_response_time": 812.5, "avg_contexts_found": 3.5,
            "total_queries": 17, "success_count": 15, "failure_count": 2, "query_text": format!("câu hỏi số {}", group % 20_000),
            "department_name": format!("Khoa {}", group % 30), "avg_time": 800.5, "median_time": 700.25, "p95_time": 2000.75})
    };

    for n in 0..keys {
        let second = 30 * 86_400 * (n as u64) / keys as u64;
        let (day, rest) = (second / 86_400, second % 86_400);
        let time = format!(
            "{}T{:02}:{:02}:{:02}.{:06}",
            if day < 21 { format!("2025-11-{:02}", day + 10) } else { format!("2025-12-{:02}", day - 20) },
            rest / 3_600,
            rest / 60 % 60,
            rest % 60,
            n % 1_000_000
        );

        let g = n / 16;

        let key = match n % 16 {
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
        };

        store.put_for(&format!("analytics:{key}:{time}"), value(g), Duration::from_secs(86_400 * 60));
    }
}

async fn ask(weir: &Weir, target: &str, clock: &SystemClock) -> (Duration, usize) {
    let began = clock.elapsed();
    let answer = weir.get(target).await;
    assert_eq!(answer.status, 200);
    (clock.elapsed().saturating_sub(began), answer.body.len())
}

fn main() {
    let keys = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");

    runtime.block_on(async {
        let clock = SystemClock::new();
        let (mut before, mut filled) = (0.0, Duration::ZERO);
        let weir = support::start_with(Default::default(), |store| {
            fill(store, keys);
            (before, filled) = (resident_mb(), clock.elapsed());
        })
        .await;
        let loaded = clock.elapsed().saturating_sub(filled);
        println!("load: {keys} keys in {loaded:.2?}, {:.0} MB more (with what the scan of this bench's store holds)", resident_mb() - before);
        for route in ROUTES {
            let target = format!("/analytics/redis/{route}");
            let mut times = Vec::with_capacity(ASKED);
            let mut size = 0;
            for _ in 0..ASKED {
                let (took, bytes) = ask(&weir, &target, &clock).await;
                times.push(took);
                size = bytes;
            }
            times.sort();
            println!("{route:>18}: p50 {:>9.2?}  p99 {:>9.2?}  {size} bytes", times[ASKED / 2], times[ASKED * 99 / 100]);
        }
        let began = clock.elapsed();
        let mut socket = weir.connect().await;
        support::next(&mut socket).await;
        println!("connect and snapshot: {:.2?}", clock.elapsed().saturating_sub(began));
    });
}
