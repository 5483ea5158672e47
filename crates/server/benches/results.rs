//! Measures a result table of a million rows: the time to load it, its memory, and the time of answers over a
//! real socket. Run with `cargo bench -p server --bench results`.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Duration;

use jobs::{ColumnKind, ResultColumn, ResultTable};
use serde_json::json;
use support::{DAY, MemoryStore};
use types::{Clock, SystemClock};

/// Rows of a window: as many questions are popular at a time.
const ROWS_A_WINDOW: usize = 50;
const QUESTIONS: usize = 5_000;
const ASKED: usize = 100;

const QUERIES: [&str; 8] = [
    "",
    "where=query_count%20%3E%2049&limit=10",
    "where=query_text%3D'question%207'",
    "order=-query_count&limit=100",
    "aggregate=sum(query_count)",
    "group_by=query_text&aggregate=sum(query_count)&order=-sum(query_count)&limit=10",
    "group_by=hour(window_start)&aggregate=sum(query_count)",
    "from=2025-12-01&group_by=minute(window_start)&aggregate=sum(query_count)&fill=zero",
];

fn table() -> ResultTable {
    let column = |(name, kind): (&str, ColumnKind)| ResultColumn {
        name: name.to_owned(),
        sql_type: format!("{kind:?}"),
        kind,
    };
    let columns = [
        ("query_text", ColumnKind::Text),
        ("query_hash", ColumnKind::Text),
        ("query_count", ColumnKind::Integer),
        ("unique_users", ColumnKind::Integer),
        ("window_start", ColumnKind::Text),
        ("window_end", ColumnKind::Text),
    ];
    ResultTable {
        name: "questions".to_owned(),
        key: "questions:{query_hash}:{window_end}".to_owned(),
        columns: columns.map(column).into(),
        window: Vec::new(),
        queries: Vec::new(),
        ttl_seconds: 60 * 86_400,
        channel: String::new(),
        job: "bench".to_owned(),
        job_id: "0".repeat(32),
        declared: 1,
        started: 1,
    }
}

/// Returns the time of a window of 30 s from 2025-12-01 on.
fn time(window: usize) -> String {
    let second = window * 30;
    let (day, rest) = (second / 86_400 + 1, second % 86_400);
    format!("2025-12-{day:02}T{:02}:{:02}:{:02}", rest / 3_600, rest / 60 % 60, rest % 60)
}

fn fill(store: &MemoryStore, rows: usize) {
    for n in 0..rows {
        let (window, place) = (n / ROWS_A_WINDOW, n % ROWS_A_WINDOW);
        let question = (window * 31 + place * 97) % QUESTIONS;
        let value = json!({"query_text": format!("question {question}"), "query_hash": format!("{question:032x}"),
            "query_count": place + 1, "unique_users": place / 2 + 1, "window_start": time(window),
            "window_end": time(window + 1)});
        store.put_for(&format!("questions:{question:032x}:{}", time(window + 1)), value, DAY * 60);
    }
}

fn main() {
    let rows = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");

    runtime.block_on(async {
        let clock = SystemClock::new();
        let weir = support::start_with(Default::default(), |store| fill(store, rows)).await;
        let before = weir.handle.results_memory_bytes();
        let began = clock.elapsed();
        weir.result_tables.declare(vec![table()]);
        while weir.get("/results/questions?limit=0").await.status != 200 {}
        let took = clock.elapsed().saturating_sub(began);
        let bytes = weir.handle.results_memory_bytes() - before;
        println!("load: {rows} rows in {took:.2?}, {} MB", bytes >> 20);

        for query in QUERIES {
            let mut times = Vec::with_capacity(ASKED);
            let mut size = 0;
            for _ in 0..ASKED {
                let began = clock.elapsed();
                let answer = weir.get(&format!("/results/questions?{query}")).await;
                assert_eq!(answer.status, 200, "{}", answer.text());
                times.push(clock.elapsed().saturating_sub(began));
                size = answer.body.len();
            }
            times.sort();
            let [p50, p99]: [Duration; 2] = [times[ASKED / 2], times[ASKED * 99 / 100]];
            println!("p50 {p50:>9.2?}  p99 {p99:>9.2?}  {size:>8} bytes  {query}");
        }
    });
}
