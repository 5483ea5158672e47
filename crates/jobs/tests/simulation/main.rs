//! Simulations with random schedules: events that are out of order, late, malformed or far ahead of time;
//! partitions that are silent, slow or new; sources and stores that fail, hang or are unreachable; jobs that
//! are killed, cancelled, stopped and restarted with another parallelism, from a checkpoint that may be
//! damaged. In all cases, each event must be counted once in each window that takes it, or be a dead letter
//! once, and the final rows must be those of a simple recomputation. The same holds for operators whose rows
//! change with each event: counts without a window, lists, joins, and sums over windows.
//!
//! `SIMULATION_SEEDS` sets the number of schedules, and `SIMULATION_SEED` the first seed. A failing schedule
//! is printed with the command that repeats it. The seed determines what happens and in which order, but not
//! how the threads of a job are scheduled. A failure that depends on these may need several tries:
//! `SIMULATION_SEEDS=1` with `SIMULATION_TRIES=100`.

mod acts;
mod changes;
mod check;
mod events;
#[path = "../support/memory.rs"]
#[expect(dead_code, reason = "other tests ask more of the log and the store")]
mod memory;
mod naive;
mod play;
mod process;
#[path = "../support/random.rs"]
mod random;
mod script;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use acts::Schedule;
use play::Seen;

/// Enough to find typical defects in a short time.
const SEEDS: u64 = 600;
/// The number of concurrent schedules; most of their time they wait for threads to notice something.
const AT_ONCE: usize = 16;

fn number(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")),
        Err(_) => otherwise,
    }
}

fn complaint(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

#[test]
fn nothing_is_lost_and_nothing_is_counted_twice_whatever_happens() {
    let first = number("SIMULATION_SEED", 1);
    let (seeds, tries) = (number("SIMULATION_SEEDS", SEEDS), number("SIMULATION_TRIES", 1));
    let next = AtomicU64::new(0);
    let failed: Mutex<Vec<(u64, String)>> = Mutex::default();
    let seen: Mutex<Seen> = Mutex::default();

    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    if turn >= seeds * tries || !failed.lock().expect("not poisoned").is_empty() {
                        return;
                    }
                    let seed = first + turn % seeds;
                    let schedule = Schedule::draw(seed);
                    match catch_unwind(AssertUnwindSafe(|| play::play(&schedule))) {
                        Ok(of) => seen.lock().expect("not poisoned").add(&of),
                        Err(panic) => {
                            let text = format!("{schedule:#?}\n\n{}", complaint(&*panic));
                            failed.lock().expect("not poisoned").push((seed, text));
                        }
                    }
                }
            });
        }
    });

    let failed = failed.into_inner().expect("not poisoned");
    if let Some((seed, text)) = failed.first() {
        panic!(
            "seed {seed} failed:\n{text}\n\nplay it again with\n  \
             SIMULATION_SEED={seed} SIMULATION_SEEDS=1 SIMULATION_TRIES=100 cargo test -p jobs --test simulation"
        );
    }

    let seen = seen.into_inner().expect("not poisoned");
    let counts = [seen.late, seen.dead_lettered, seen.corrected, seen.restored];
    assert!(seeds < SEEDS || counts.iter().all(|&count| count > seeds / 10), "this proves little: {seen:?}");
    println!("{} schedules: {seen:?}", seeds * tries);
}
