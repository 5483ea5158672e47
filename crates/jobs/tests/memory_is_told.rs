//! What a job says that it holds is what it has allocated.

#[path = "support/memory.rs"]
#[expect(dead_code, reason = "other tests ask more of the log and the store")]
mod memory;
#[path = "support/stage.rs"]
#[expect(dead_code, reason = "other tests ask more of the stage")]
mod stage;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};

use stage::{Stage, compile};

struct Counting;

/// Bytes that were allocated and not freed.
static LIVE: AtomicIsize = AtomicIsize::new(0);

// SAFETY: every call is handed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of this very function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const EVENTS: usize = 40_000;

/// What is computed, and by what it is grouped.
const QUERIES: [(&str, &str); 7] = [
    ("COUNT(*)", "k"),
    ("SUM(v) + SUM(d)", "n"),
    ("COUNT(DISTINCT words)", "n"),
    ("COUNT(DISTINCT k) + COUNT(DISTINCT v)", "g"),
    ("PERCENTILE(d, 0.5)", "g"),
    ("CAST(MAX(k) AS VARCHAR)", "n"),
    ("MIN(d)", "k, words, n"),
];

fn script(of: &str, keys: &str, window: &str) -> String {
    format!(
        "CREATE TABLE q (k STRING, words STRING, n BIGINT, g INT, v INT, d DOUBLE, seen TIMESTAMP_LTZ(3),
           WATERMARK FOR seen AS seen - INTERVAL '2' HOUR)
         WITH ('connector' = 'kafka', 'topic' = 'user-queries', 'format' = 'json',
               'json.timestamp-format.standard' = 'ISO-8601');
         CREATE TABLE t (r STRING, window_end TIMESTAMP(3)) WITH ('connector' = 'redis', 'key' = 't:{{window_end}}');
         INSERT INTO t SELECT CAST({of} AS STRING), window_end FROM TABLE({window})
         GROUP BY window_start, window_end, {keys};"
    )
}

fn events() -> Vec<String> {
    let event = |n: usize| {
        format!(
            r#"{{"k":"a key that is number {n}","words":"{}","n":{},"g":{},"v":{n},"d":{n}.5,"seen":"2025-12-09T12:00:{:02}Z"}}"#,
            n % 97,
            n * 3,
            n % 5,
            n * 60 / EVENTS
        )
    };
    (0..EVENTS).map(event).collect()
}

#[test]
fn what_a_job_says_it_holds_is_what_it_has_allocated() {
    let tumble = "TUMBLE(TABLE q, DESCRIPTOR(seen), INTERVAL '1' HOUR)";
    let hop = "HOP(TABLE q, DESCRIPTOR(seen), INTERVAL '10' SECOND, INTERVAL '1' HOUR)";
    let mut wrong = Vec::new();
    for (of, keys) in QUERIES {
        for window in [tumble, hop] {
            let stage = Stage::new(vec![events()]);
            let job = stage.start(&compile(&script(of, keys, window)), 1, 1_000, None);
            job.read_up_to(&[100]);
            job.settle();
            let (allocated, told) = (LIVE.load(Ordering::Relaxed), job.memory().held);
            job.read_up_to(&[EVENTS]);
            job.settle();
            let allocated = (LIVE.load(Ordering::Relaxed) - allocated) as f64;
            let told = job.memory().held as f64 - told as f64;
            if !(0.8..=1.2).contains(&(told / allocated)) {
                wrong.push(format!("{of} by {keys}, {window}: {told} told, {allocated} allocated"));
            }
            job.crash();
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
