//! How the machine's memory is shared out where the settings say `auto`, and what is taken of it.
//!
//! ```text
//! |  jobs: a half  | results: 1/8 | events: 1/8, at most 256 MiB | the rest of Weir, the kernel's buffers |
//! ```
//!
//! The machine is the container, where there is one: in 512 MiB, jobs get 256 MiB and the others 64 MiB each.

use std::sync::Arc;

use engine::memory::Pool;

use crate::config::{Config, Memory, Size};
use crate::metrics::{Measure, MemoryMetrics};
use crate::{allocator, machine};

/// Large machines need no more for events on their way to the log.
const INGEST_BYTES_MAX: u64 = 256 << 20;

/// What all jobs may take.
pub(super) fn of_jobs(config: &Config) -> usize {
    bytes(config.jobs.memory, machine::memory_bytes() / 2)
}

/// What bodies of events may take.
pub(super) fn of_ingest(config: &Config) -> usize {
    bytes(config.ingest.memory, (machine::memory_bytes() / 8).min(INGEST_BYTES_MAX))
}

/// What result rows may take that answers are made from.
pub(super) fn of_results(config: &Config) -> usize {
    bytes(config.http.results_memory, machine::memory_bytes() / 8)
}

/// What each part holds: together about what the process takes (`tests/memory_is_told.rs`).
pub(super) fn accounts(
    jobs: Arc<Pool>,
    log: Measure,
    store: Measure,
    server: &server::Handle,
) -> MemoryMetrics {
    let (results, events) = (server.clone(), server.clone());
    MemoryMetrics(vec![
        ("program", Box::new(machine::program_bytes)),
        ("allocator", Box::new(allocator::spare_bytes)),
        ("jobs", Box::new(move || jobs.held())),
        ("log", log),
        ("store", store),
        ("results", Box::new(move || results.results_memory_bytes())),
        ("events", Box::new(move || events.events_memory_bytes())),
    ])
}

fn bytes(setting: Memory, by_itself: u64) -> usize {
    match setting {
        Memory::Fixed(size) => size.in_memory(),
        Memory::Auto => Size(by_itself).in_memory(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_wins_over_the_share() {
        assert_eq!(bytes(Memory::Fixed(Size(1 << 20)), 7), 1 << 20);
        assert_eq!(bytes(Memory::Auto, 7), 7);
    }
}
