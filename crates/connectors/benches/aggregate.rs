//! Benchmark of the built-in analytics behind the decoder: nanoseconds of CPU time per event for the
//! expressions and for aggregating.
//!
//! The events are generated and decoded beforehand. Run `cargo bench -p connectors --bench aggregate`.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod support;

use std::hint::black_box;

use connectors::format::json::{Decoder, JsonOptions};
use engine::batch::Batch;
use engine::connector::Rows;
use engine::evaluate::Inputs;
use engine::layout::Layout;
use engine::operator::{Judging, Level, Prepare};
use engine::watermark::{Clamp, NO_WATERMARK};
use engine::window::{Aggregation, Limits, Options, RowsIn, WindowError, WindowOutput};
use sql::functions::Env;
use sql::plan::Plan;
use types::Interval;

use support::thread_cpu_ns;

const SCRIPT: &str = include_str!("../../../jobs/analytics.sql");
const EVENTS: u64 = 200_000;
const RUNS: usize = 7;

/// An output that discards results.
struct Nowhere;

impl WindowOutput for Nowhere {
    fn write(&mut self, rows: &Rows<'_>) -> Result<(), WindowError> {
        black_box(rows.rows.len());
        Ok(())
    }
}

fn main() {
    let plan = sql::compile(SCRIPT, &|_| None).unwrap_or_else(|errors| panic!("{errors:?}"));
    for texts in [2_000, 100_000] {
        let events: Vec<String> = (0..EVENTS).map(|n| event(n, texts)).collect();
        for batch_rows in [4096, 1000, 32, 1] {
            let mut runs: Vec<(f64, f64)> = (0..RUNS).map(|_| run(&plan, &events, batch_rows)).collect();
            runs.sort_by(|a, b| (a.0 + a.1).total_cmp(&(b.0 + b.1)));
            let (expressions, aggregates) = runs[RUNS / 2];
            println!(
                "{texts:>6} texts, batches of {batch_rows:>4}: expressions {expressions:6.1} ns an event, aggregates {aggregates:6.1}"
            );
        }
    }
}

/// Returns the nanoseconds per event for the expressions, and for everything after them.
fn run(plan: &Plan, events: &[String], batch_rows: usize) -> (f64, f64) {
    let (pipeline, zone) = (&plan.pipelines[0], &plan.settings.time_zone);
    let layout =
        std::sync::Arc::new(Layout::new(pipeline, &plan.settings).expect("the plan can be laid out"));
    let requests = layout.requests(pipeline);
    let options = JsonOptions { ignore_parse_errors: true, ..JsonOptions::default() };
    let mut decoder = Decoder::new(&requests, options);
    let mut batch = Batch::new(&requests);
    let mut prepare =
        Prepare::new(pipeline, &layout.graph, layout.row_exprs(), zone).expect("the plan can be evaluated");

    let options = Options {
        zone: None,
        lateness: Interval::ZERO,
        fires_after_lateness: false,
        reports: false,
        seed: 7,
        limits: Limits::default(),
    };

    let mut state = Aggregation::new(layout, pipeline, zone, options).expect("the plan can be aggregated");
    let env = Env { now_ms: 0 };
    let (mut watermark, mut expressions, mut aggregates) = (NO_WATERMARK, 0, 0);

    for chunk in events.chunks(batch_rows) {
        decoder.begin(&mut batch, chunk.len());
        for event in chunk {
            decoder.record(&mut batch, event.as_bytes()).expect("the events are right");
        }
        decoder.finish(&mut batch).expect("the events are right");
        let start = thread_cpu_ns();
        let levels = [Level { first_row: 0, clamp: Clamp::OPEN, now: env.now_ms }];
        let judging = Judging { partition: watermark, levels: &levels, most_ahead: None, grain: None };
        let prepared = prepare.prepare(&batch, &env, judging).expect("no expression fails");
        let between = thread_cpu_ns();
        let rows = RowsIn {
            len: batch.rows,
            all: prepare.all(batch.rows),
            on_time: prepare.on_time(batch.rows),
            behind: prepare.behind(),
            wall: prepare.wall(),
            inputs: Inputs::Columns(&batch.columns),
            evaluator: prepare.evaluator(),
            env: &env,
        };
        black_box(state.add(&rows).expect("no expression fails"));
        watermark = prepared.watermark;
        if watermark >= state.next_event() {
            state.advance(watermark, &env, &mut Nowhere).expect("nothing fails there");
        }
        expressions += between - start;
        aggregates += thread_cpu_ns() - between;
    }

    (expressions as f64 / events.len() as f64, aggregates as f64 / events.len() as f64)
}

/// Returns an event; a thousand events make a second of event time, and few texts repeat often.
fn event(n: u64, texts: u64) -> String {
    const KINDS: [&str; 5] = ["Sinh viên", "Học sinh", "Giảng viên", "Phụ huynh", "Khách"];
    let mut mixed = (n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);

    let mut below = |limit: u64| {
        mixed ^= mixed >> 29;
        mixed = mixed.wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed >> 11) % limit
    };

    let (user, least) = (below(5_000), below(texts) + 1);
    let text = below(least);
    let (second, micros) = (n / 1_000, n % 1_000 * 1_000);

    format!(
        "{{\"query_id\":\"q-{n}\",\"timestamp\":\"2025-12-09T11:{:02}:{:02}.{micros:06}\",\"user\":{{\"user_id\":{user},\
         \"user_type\":\"{}\",\"department_id\":{},\"department_name\":\"Khoa {}\",\"years\":{}}},\
         \"query_text\":\"Câu hỏi số {text} về học phí kỳ này?\",\"rag_params\":{{\"context_found\":{}}},\
         \"rag_metrics\":{{\"response_time_ms\":{}.{:02},\"success\":{}}},\
         \"metadata\":{{\"history_used\":{},\"query_rewritten\":{}}}}}",
        second / 60,
        second % 60,
        KINDS[(user % 5) as usize],
        user % 40,
        user % 40,
        user % 6 + 1,
        below(9),
        below(3_000),
        below(100),
        below(10) > 0,
        below(2) == 0,
        below(3) == 0,
    )
}
