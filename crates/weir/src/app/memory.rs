//! Shares out the machine's memory where the settings say `auto`, and reports what is used.
//!
//! ```text
//! |  jobs: a half  | results: 1/8 | result tables: 1/8 | events: 1/8, at most 256 MiB | the rest of Weir |
//! ```
//!
//! The machine is the container, if there is one: in 512 MiB, jobs get 256 MiB and the others 64 MiB each.

use std::sync::Arc;

use engine::memory::Pool;

use crate::config::{Config, Memory, Size};
use crate::metrics::{Measure, MemoryMetrics};
use crate::{allocator, machine};

/// Even large machines need no more for events on their way to the log.
const INGEST_BYTES_MAX: u64 = 256 << 20;

/// Returns the memory limit of all jobs.
pub(super) fn of_jobs(config: &Config) -> usize {
    bytes(config.jobs.memory, machine::memory_bytes() / 2)
}

/// Returns the memory limit of event bodies.
pub(super) fn of_ingest(config: &Config) -> usize {
    bytes(config.ingest.memory, (machine::memory_bytes() / 8).min(INGEST_BYTES_MAX))
}

/// Returns the memory limit of the result rows from which answers are made.
pub(super) fn of_results(config: &Config) -> usize {
    bytes(config.http.results_memory, machine::memory_bytes() / 8)
}

/// Returns the memory limit of the rows of result tables.
pub(super) fn of_result_tables(config: &Config) -> usize {
    bytes(config.http.result_tables_memory, machine::memory_bytes() / 8)
}

/// Returns the memory of each part; together about that of the process (`tests/memory_is_told.rs`).
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
