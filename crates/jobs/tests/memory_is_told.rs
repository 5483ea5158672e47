//! Checks that the memory that a job reports is what it has allocated, and that a checkpoint fits next to it.

#[path = "support/memory.rs"]
#[expect(dead_code, reason = "other tests ask more of the log and the store")]
mod memory;
#[path = "support/stage.rs"]
#[expect(dead_code, reason = "other tests ask more of the stage")]
mod stage;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};

use parking_lot::Mutex;
use stage::{Running, Stage, compile};

struct Counting;

/// The allocated bytes.
static LIVE: AtomicIsize = AtomicIsize::new(0);
/// The maximum of the allocated bytes.
static PEAK: AtomicIsize = AtomicIsize::new(0);

fn grow(bytes: isize) {
    let live = LIVE.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(live, Ordering::Relaxed);
}

// SAFETY: every call is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size() as isize);
        // SAFETY: the caller fulfils the contract of this function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        grow(-(layout.size() as isize));
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        grow(size as isize - layout.size() as isize);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const EVENTS: usize = 40_000;

/// What is computed, and the columns by which it is grouped.
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

/// Runs each query and returns the reported deviations.
fn check(wrong_of: impl Fn(&Running<'_>) -> Option<String>) -> Vec<String> {
    let tumble = "TUMBLE(TABLE q, DESCRIPTOR(seen), INTERVAL '1' HOUR)";
    let hop = "HOP(TABLE q, DESCRIPTOR(seen), INTERVAL '10' SECOND, INTERVAL '1' HOUR)";
    // No other test may allocate memory meanwhile.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock();
    let mut wrong = Vec::new();
    for (of, keys) in QUERIES {
        for window in [tumble, hop] {
            let stage = Stage::new(vec![events()]);
            let job = stage.start(&compile(&script(of, keys, window)), 1, 1_000, None);
            job.read_up_to(&[100]);
            job.settle();
            wrong.extend(wrong_of(&job).map(|what| format!("{of} by {keys}, {window}: {what}")));
            job.crash();
        }
    }
    wrong
}

#[test]
fn what_a_job_says_it_holds_is_what_it_has_allocated() {
    let wrong = check(|job| {
        let (allocated, told) = (LIVE.load(Ordering::Relaxed), job.memory().held);
        job.read_up_to(&[EVENTS]);
        job.settle();
        let allocated = (LIVE.load(Ordering::Relaxed) - allocated) as f64;
        let told = job.memory().held as f64 - told as f64;
        let is_true = (0.8..=1.2).contains(&(told / allocated));
        (!is_true).then(|| format!("{told} told, {allocated} allocated"))
    });
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_checkpoint_takes_no_more_than_what_is_left_beside_the_state() {
    let wrong = check(|job| {
        job.read_up_to(&[EVENTS]);
        job.settle();
        let before = LIVE.load(Ordering::Relaxed);
        PEAK.store(before, Ordering::Relaxed);
        let bytes = job.checkpoint();
        // Unused capacity at the end takes no memory.
        let spare = (bytes.capacity() - bytes.len()) as isize;
        let took = PEAK.load(Ordering::Relaxed) - before - spare;
        let held = job.memory().held as isize;
        (took > held * 2).then(|| format!("{took} beside {held}, for {} bytes", bytes.len()))
    });
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
